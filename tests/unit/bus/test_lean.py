"""The bus client is loaded without what it would only need for WebSockets."""

import subprocess
import sys

import pytest


def test_the_client_does_not_bring_aiohttp_along() -> None:
    pytest.importorskip("aiohttp")
    look = "import sys, eyespot.bus.nats; print('aiohttp' in sys.modules); import aiohttp; print(aiohttp.__name__)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "aiohttp"], "and it can still be imported by whoever wants it"
