"""A tiny real clip, encoded once, and an archive to record it into."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from record_rig import Recorder, StillClock, encode, record_all

from eyespot.contracts.packet import Unit
from eyespot.record.index import SegmentIndex
from eyespot.record.settings import RecordSettings, RootSettings
from eyespot.record.storage import Storage
from eyespot.record.writer import SegmentWriter


@pytest.fixture(scope="session")
def clip() -> list[Unit]:
    return encode(10)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def root(tmp_path: Path) -> RootSettings:
    return RootSettings(path=tmp_path / "archive", min_free_bytes=0)


@pytest.fixture
def storage(tmp_path: Path, clock: StillClock, root: RootSettings) -> Iterator[Storage]:
    index = SegmentIndex(tmp_path / "index.db")
    made = Storage(index, (root,), clock)
    yield made
    made.close()
    index.close()


@pytest.fixture
def record(storage: Storage, clock: StillClock) -> Recorder:
    """``record(units, **settings)`` records all units through a hub and waits until they are on disk."""

    def run(
        units: Sequence[Unit], *, camera: str = "door", into: Storage | None = None, **settings: object
    ) -> SegmentWriter:
        target = into or storage
        values = {"segment_s": 2, "sync": "never", **settings}
        return asyncio.run(record_all(units, camera, RecordSettings.model_validate(values), target, clock))

    return run
