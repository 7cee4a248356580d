"""A service as an OCI image: Debian's Python below, the SDK above it, the service on top. No daemon, no hub."""
