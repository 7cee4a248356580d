"""Keeps the NATS client small: it loads `aiohttp` for WebSockets wherever that happens to be installed.

That costs each process of a host 10 MB and is never used here. To be imported before the client.
"""

import sys

_UNWANTED = "aiohttp"

if _UNWANTED not in sys.modules:
    sys.modules[_UNWANTED] = None  # type: ignore[assignment]  # the documented way to make an import fail
    import nats.aio.transport  # noqa: F401 - finds it missing, as without WebSockets

    del sys.modules[_UNWANTED]
