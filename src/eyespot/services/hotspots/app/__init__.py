"""The code of the service; ``service.toml`` beside it says what it may do."""
