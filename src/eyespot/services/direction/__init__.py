"""Direction: where each object is heading, and where it will be."""
