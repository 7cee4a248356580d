"""Shared fixtures: the real sample clip and the built model zoo, both fetched by `make`."""

from pathlib import Path

import pytest

from eyespot.contracts.track import TracksMessage
from eyespot.kernel.config import cache_dir


@pytest.fixture(scope="session")
def sample_avi() -> Path:
    """PETS 2009 S2.L1 View 001 as Debian ships it: 768×576, 10 frames a second, 795 frames, MPEG-4 v3."""
    clip = cache_dir() / "footage" / "vtest.avi"
    if not clip.exists():
        pytest.skip("the sample footage is not here: run scripts/sample-clip")
    return clip


@pytest.fixture(scope="session")
def sample_clip(sample_avi: Path) -> Path:
    """The sample clip as H.264 in MP4, one key frame a second, encoded once and cached."""
    from eyespot.hal.sensors.encode import encode_once

    return encode_once(sample_avi, cache_dir() / "footage", progress=lambda _: None, aborted=lambda: False)


@pytest.fixture(scope="session")
def model_dir() -> Path:
    """The folder that holds the built model packages (`nanodet-g` among them)."""
    models = cache_dir() / "models"
    if not (models / "nanodet-g" / "model.toml").exists():
        pytest.skip("the model zoo is not built: run `eyespot models build`")
    return models


@pytest.fixture(scope="session")
def sample_tracks(sample_avi: Path, model_dir: Path) -> list[TracksMessage]:
    """What vision says of the sample clip on the bus as camera ``front``, five times a second, 80 s."""
    from eyespot.bench.clip_tracks import plain_camera, tracks_of
    from eyespot.infer.package import ModelPackage

    return tracks_of(sample_avi, ModelPackage.load(model_dir / "nanodet-g"), 5.0, plain_camera("front"))
