"""A clip that foreign servers serve and foreign clients read."""

from pathlib import Path

import pytest
from foreign import make_clip


@pytest.fixture(scope="module", params=["h264", "h265"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of noise, one key frame a second."""
    return make_clip(tmp_path_factory.mktemp("clip") / f"{request.param}.mp4")
