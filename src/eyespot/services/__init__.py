"""The built-in services: each a folder with ``service.toml`` and code that imports ``eyespot.sdk`` alone.

They are installed, granted and confined like anybody's, and off until the owner wants one. Nobody imports them but
``eyespot.sdk.run`` for those that the owner lets run inside of the platform.
"""
