"""Our side of `bench isp` on its own raw picture: every stage is timed, and the picture is what the goals ask for."""

from pathlib import Path

import numpy as np

from eyespot.bench import isp
from eyespot.hal.imaging.isp.colour import srgb_encode
from eyespot.hal.imaging.isp.pipeline import STAGES
from eyespot.testing.raw_scene import make_scene


def test_our_side_of_the_bench(tmp_path: Path) -> None:
    scene = make_scene(isp.WIDTH_PX, isp.HEIGHT_PX)
    isp._write_job(tmp_path / "job.npz", scene)
    found = isp._own(tmp_path / "job.npz", tmp_path / "own.npz", 0.01)
    assert found["cpu_s"] > 0
    assert set(found["stages_ms"]) == set(STAGES)
    assert all(spent > 0 for spent in found["stages_ms"].values())
    pictures = np.load(tmp_path / "own.npz")
    truth = np.round(srgb_encode(scene.linear * isp.FAULTS.exposure) * 255).astype(np.uint8)
    psnr, told = isp._judge(scene, pictures["told"], truth)
    _, auto = isp._judge(scene, pictures["auto"], truth)
    assert psnr >= isp.TARGETS["psnr_db"].value
    assert told <= isp.TARGETS["delta_e"].value
    assert auto <= isp.TARGETS["delta_e_auto"].value
