"""An archived moment of a host becomes a file that `eyespot app run --at` plays."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import av
import pytest

from eyespot.edge.apps_dev.archived import archived_clip, moment_ns
from eyespot.kernel.errors import EyespotError
from eyespot.record.index import SegmentIndex

pytestmark = pytest.mark.slow


def test_what_a_host_recorded_is_cut_out_and_plays(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[web]\nport = 0\ntls = "off"\n[[camera]]\nid = "front"\n[camera.detect]\nenabled = false\n'
        '[[camera.stream]]\nname = "main"\nsource = "synthetic:"\n'
    )
    where = ["--config", str(tmp_path / "config.toml"), "--state", str(tmp_path / "state"), "--for", "8"]
    subprocess.run([sys.executable, "-m", "eyespot.cli.main", "camera", "run", *where], check=True, capture_output=True)
    with closing(SegmentIndex(tmp_path / "state" / "index.db")) as index:
        start_ns = index.all()[0].start_wall_ns
    clip = archived_clip(tmp_path / "state", "front", start_ns, 2.0, tmp_path / "clip.mp4")
    with av.open(str(clip)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 10
    with pytest.raises(EyespotError, match="Recorded were: front"):
        archived_clip(tmp_path / "state", "back", start_ns, 2.0, tmp_path / "clip.mp4")


def test_a_time_is_iso_8601() -> None:
    assert moment_ns("2026-05-04T13:30:00+00:00") == 1_777_901_400_000_000_000
    with pytest.raises(EyespotError, match="is no time"):
        moment_ns("yesterday")
