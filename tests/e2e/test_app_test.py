"""`eyespot app test`: examples on real footage and a new service, confined as on a host; what differs is kept."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from eyespot.edge.apps_dev.scaffold import scaffold

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="there is no bubblewrap here: apt-get install bubblewrap"),
]
APPS = Path(__file__).parents[2] / "examples" / "apps"
FRAMES, LEFT_FROM, FRAME_RATE_HZ = 160, 40, 10


def checked(folder: Path, *more: str) -> dict[str, Any]:
    """What the command says as JSON."""
    command = [sys.executable, "-m", "eyespot.cli.main", "app", "test", str(folder), "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["passed"] == (done.returncode == 0)
    return found


@pytest.mark.footage
@pytest.mark.parametrize("name", ["people-counter", "track-logger", "parcel-left-behind"])
def test_an_example_does_what_its_tests_say_on_real_footage(name: str, sample_clip: Path, model_dir: Path) -> None:
    assert sample_clip.is_file()
    assert model_dir.is_dir()
    if name == "track-logger" and shutil.which("node") is None:
        pytest.skip("Node is not here")
    found = checked(APPS / name)
    assert [one["wrong"] for one in found["tests"]] == [[] for _ in found["tests"]]


def test_a_new_service_passes_its_test_and_one_that_differs_is_shown(tmp_path: Path) -> None:
    folder = scaffold("fresh", tmp_path)
    assert checked(folder)["passed"]
    (folder / "tests" / "never.toml").write_text('footage = "synthetic:"\nseconds = 2\n[[event]]\nkind = "dark"\n')
    found = checked(folder, "--only", "never", "--keep", str(tmp_path / "kept"), "--junit", str(tmp_path / "j.xml"))
    (one,) = found["tests"]
    assert one["wrong"] == ["missing: 1 × dark between 0 s and the end, 0 came"]
    assert b'failures="1"' in (tmp_path / "j.xml").read_bytes()
    clip, picture = sorted((tmp_path / "kept" / "never").iterdir(), key=lambda path: path.suffix, reverse=True)
    with av.open(str(clip)) as container:
        assert sum(1 for _ in container.decode(video=0)) >= 10
    assert picture.read_bytes()[:2] == b"\xff\xd8"


@pytest.mark.footage
def test_something_left_behind_is_told(sample_avi: Path, model_dir: Path, tmp_path: Path) -> None:
    """Composed: into real footage the picture of its own parked van, twice as large, is pasted from 4 s on."""
    assert model_dir.is_dir()
    folder = shutil.copytree(APPS / "parcel-left-behind", tmp_path / "parcel")
    shutil.rmtree(folder / "tests")
    (folder / "tests").mkdir()
    _compose(sample_avi, folder / "tests" / "left.mp4")
    (folder / "tests" / "left.toml").write_text(
        'footage = "left.mp4"\nseconds = 16\nsettings = { labels = ["truck"], after_s = 3, near = 0.01 }\n'
        '[[event]]\nkind = "left"\nfrom_s = 3.9\nto_s = 7\n'
    )
    assert [one["wrong"] for one in checked(folder)["tests"]] == [[]]


def _compose(source: Path, target: Path) -> None:
    with av.open(str(source)) as clip, av.open(str(target), "w") as written:
        stream = written.add_stream("libx264", rate=FRAME_RATE_HZ, options={"g": "10", "bf": "0", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = 768, 576, "yuv420p"
        for number, frame in enumerate(clip.decode(video=0)):
            if number >= FRAMES:
                break
            pixels = frame.to_ndarray(format="rgb24")
            if number == 0:
                van = pixels[38:106, 642:732].repeat(2, 0).repeat(2, 1)
            if number >= LEFT_FROM:
                pixels[330:466, 60:240] = van
            written.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        written.mux(stream.encode())
