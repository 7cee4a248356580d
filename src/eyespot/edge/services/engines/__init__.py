"""Engines: where a service runs. One contract, three hosts: inline, process (bubblewrap), container (podman)."""
