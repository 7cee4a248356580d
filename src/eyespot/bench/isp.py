"""`eyespot bench isp`: the software ISP on one 1080p raw picture of known truth, beside OpenCV on the same picture.

Both run one thread and are timed by that thread's CPU time, turn about, so that load from elsewhere hits both alike.
OpenCV lives in an environment of its own: `plain` is what its users write (black level, edge-aware demosaicing, grey
world, colour matrix, sRGB); `full` adds the stages that ours has besides (stray samples, lens shading, denoising,
sharpening).
"""

import json
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.bench.peer_env import peer_python, run_own, run_peer
from eyespot.bench.report import BenchOptions, Progress, Report, Target, middle
from eyespot.hal.imaging.isp.auto_white_balance import AutoWhiteBalance, BalanceSettings
from eyespot.hal.imaging.isp.colour import srgb_decode, srgb_encode
from eyespot.hal.imaging.isp.pipeline import STAGES, SoftwareIsp
from eyespot.hal.imaging.isp.raw import RawFormat
from eyespot.hal.imaging.isp.settings import IspSettings
from eyespot.hal.imaging.isp.statistics import measure, stretch
from eyespot.testing.colour_difference import ciede2000, lab, psnr_db
from eyespot.testing.raw_scene import (
    Faults,
    Scene,
    brightest_one,
    calibrated_lights,
    light_of,
    make_profile,
    make_raw,
    make_scene,
)

WIDTH_PX, HEIGHT_PX = 1920, 1080
KELVIN = 3200.0
FORM = RawFormat(WIDTH_PX, HEIGHT_PX, "RGGB", 12)
FAULTS = Faults(illuminant=brightest_one(light_of(KELVIN)), hot=300)
"""A warm lamp, a black level, noise, 40 % of the light lost in the corners, and 300 stuck samples."""
TARGETS = {
    "frames_per_s": Target(15.0, "min"),
    "ratio_to_opencv_full": Target(1.0, "min"),
    "psnr_db": Target(28.0, "min"),
    "delta_e": Target(1.0, "max"),
    "delta_e_auto": Target(3.0, "max"),
}
_WINDOW_S = 6.0


def run(options: BenchOptions, progress: Progress) -> Report:
    """Make the raw picture, process it on both sides, judge against the truth."""
    scene = make_scene(WIDTH_PX, HEIGHT_PX)
    seconds = options.seconds or (1.0 if options.quick else _WINDOW_S)
    count = 1 if options.quick else options.rounds
    python = peer_python(options.cache, "opencv", progress)
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="eyespot-bench-") as folder:
        job, own_file, peer_file = (Path(folder) / name for name in ("job.npz", "own.npz", "peer.npz"))
        _write_job(job, scene)
        for number in range(count):
            progress.step(f"processing, round {number + 1} of {count}")
            ours.append(run_own("eyespot.bench.isp", str(job), str(own_file), str(seconds)))
            progress.fraction((number + 0.5) / count)
            theirs.append(run_peer(python, "isp_opencv.py", str(job), str(peer_file), str(seconds / 2)))
        pictures = {f"opencv_{name}": picture for name, picture in np.load(peer_file).items()}
        pictures |= {f"eyespot_{name}": picture for name, picture in np.load(own_file).items()}
    return _report(scene, pictures, ours, theirs)


def _write_job(path: Path, scene: Scene) -> None:
    red, green, blue = FAULTS.illuminant
    profile = make_profile(FAULTS)
    assert profile.shading is not None
    np.savez(
        path,
        raw=make_raw(scene.linear, FORM, FAULTS),
        black=profile.black,
        white=FORM.white,
        pattern=FORM.pattern,
        matrix=np.array(profile.matrix),
        shading=stretch(profile.shading[:1], HEIGHT_PX, WIDTH_PX)[0],
        gains=np.array([green / red, green / blue]),
    )


def _report(
    scene: Scene, pictures: dict[str, NDArray[np.uint8]], ours: list[dict[str, Any]], theirs: list[dict[str, Any]]
) -> Report:
    truth = np.round(srgb_encode(scene.linear * FAULTS.exposure) * 255).astype(np.uint8)
    judged = {name: _judge(scene, picture, truth) for name, picture in pictures.items()}
    cost_s = {
        "eyespot": [item["cpu_s"] for item in ours],
        "opencv_plain": [item["cpu_s"]["plain"] for item in theirs],
        "opencv_full": [item["cpu_s"]["full"] for item in theirs],
    }
    report = Report("isp", targets=dict(TARGETS))
    figures = report.figures
    figures["frames_per_s"] = round(1 / median(cost_s["eyespot"]), 1)
    for name in ("opencv_plain", "opencv_full"):
        ratios = [other / own for own, other in zip(cost_s["eyespot"], cost_s[name], strict=True)]
        figures[f"{name}_frames_per_s"] = round(1 / median(cost_s[name]), 1)
        figures[f"ratio_to_{name}"] = middle(ratios, 2)
    for contender, prefix in (("eyespot", ""), ("opencv_plain", "opencv_plain_"), ("opencv_full", "opencv_full_")):
        told, auto = judged[f"{contender}_told"], judged[f"{contender}_auto"]
        figures |= {f"{prefix}psnr_db": told[0], f"{prefix}delta_e": told[1], f"{prefix}delta_e_auto": auto[1]}
    figures |= {f"{stage}_ms": middle([item["stages_ms"][stage] for item in ours], 2) for stage in STAGES}
    figures["statistics_ms"] = middle([item["statistics_ms"] for item in ours], 2)
    report.rows = [["", "frames/s of one thread", "PSNR dB", "ΔE2000 told", "ΔE2000 auto"]]
    for contender in cost_s:
        told, auto = judged[f"{contender}_told"], judged[f"{contender}_auto"]
        rate = f"{1 / median(cost_s[contender]):.1f}"
        report.rows.append([contender, rate, f"{told[0]}", f"{told[1]}", f"{auto[1]}"])
    report.rows += [[stage, f"{figures[f'{stage}_ms']} ms", "", "", ""] for stage in (*STAGES, "statistics")]
    report.notes = [
        "1920x1080, 12 bit, 3200 K, black level, noise, shading, 300 stuck samples; frames a second of CPU time.",
        "told: the true white balance is given; auto: found by auto white balance, or by OpenCV's users' grey world.",
        "ΔE: mean over the 24 chart patches. The sensor's colours are linear by construction, so the matrix is exact.",
    ]
    return report


def _judge(scene: Scene, picture: NDArray[np.uint8], truth: NDArray[np.uint8]) -> tuple[float, float]:
    """PSNR of the whole picture, and mean ΔE2000 of the chart."""

    def middle_colour(pixels: NDArray[np.uint8], patch: tuple[slice, slice]) -> NDArray[np.float64]:
        return lab(srgb_decode(pixels[patch] / 255.0).mean(axis=(0, 1)))

    errors = [float(ciede2000(middle_colour(picture, patch), middle_colour(truth, patch))) for patch in scene.patches]
    return round(psnr_db(picture, truth), 2), round(mean(errors), 2)


def _own(job: Path, result: Path, seconds: float) -> dict[str, Any]:
    """Our side, in a process of its own."""
    loaded = np.load(job)
    raw, profile = loaded["raw"], make_profile(FAULTS)
    isp = SoftwareIsp(FORM, profile)
    told = IspSettings(red_gain=float(loaded["gains"][0]), blue_gain=float(loaded["gains"][1]))
    begin = time.thread_time()
    statistics = measure(raw, FORM, profile)
    statistics_s = time.thread_time() - begin
    loop = AutoWhiteBalance(BalanceSettings(lights=calibrated_lights()))
    for _ in range(60):
        balance = loop.next(statistics)
    auto = IspSettings(red_gain=balance.red_gain, blue_gain=balance.blue_gain)
    np.savez(result, told=isp.process(raw, told), auto=isp.process(raw, auto))
    spent: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(spent) < 3:
        begin = time.thread_time()
        isp.process(raw, told)
        spent.append(time.thread_time() - begin)
    return {"cpu_s": median(spent), "stages_ms": _stages(isp, raw, told), "statistics_ms": statistics_s * 1e3}


def _stages(isp: SoftwareIsp, raw: NDArray[np.uint16], settings: IspSettings, pictures: int = 5) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)
    last = 0.0

    def watcher(stage: str) -> None:
        nonlocal last
        now = time.thread_time()
        spent[stage] += now - last
        last = now

    for _ in range(pictures):
        last = time.thread_time()
        isp.process(raw, settings, watcher)
    return {stage: spent[stage] / pictures * 1e3 for stage in STAGES}


if __name__ == "__main__":
    print(json.dumps(_own(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))))
