"""Runs in OpenCV's own environment: raw pictures to RGB the way a user of OpenCV would, on a job written by the bench.

`plain`: black level, edge-aware demosaicing (16 bit), grey world, colour matrix, sRGB by a table. `full` adds what our
ISP does besides: stray samples (median of each colour), lens shading, bilateral filter, unsharp mask. One thread each.
Usage: isp_opencv.py JOB.npz RESULT.npz SECONDS
"""

import json
import sys
import time

import cv2
import numpy as np

# OpenCV names a Bayer pattern by its second row's second and third pixels.
CODES = {
    "RGGB": cv2.COLOR_BayerBG2RGB_EA,
    "GRBG": cv2.COLOR_BayerGB2RGB_EA,
    "GBRG": cv2.COLOR_BayerGR2RGB_EA,
    "BGGR": cv2.COLOR_BayerRG2RGB_EA,
}
_LIGHT = np.arange(4096) / 4095
TABLE = np.round(255 * np.where(_LIGHT <= 0.0031308, 12.92 * _LIGHT, 1.055 * _LIGHT ** (1 / 2.4) - 0.055)).astype(
    np.uint8
)


def plain(job, raw, *, gains=None):
    rgb = cv2.cvtColor(cv2.subtract(raw, job["black"]), CODES[job["pattern"]])
    return finish(job, rgb.astype(np.float32), gains)


def full(job, raw, *, gains=None):
    raw = cv2.subtract(raw, job["black"])
    clean = np.empty_like(raw)
    for y in (0, 1):
        for x in (0, 1):
            clean[y::2, x::2] = cv2.medianBlur(np.ascontiguousarray(raw[y::2, x::2]), 3)
    shaded = cv2.multiply(clean, job["shading"], dtype=cv2.CV_16U)
    rgb = cv2.cvtColor(shaded, CODES[job["pattern"]])
    shown = finish(job, rgb.astype(np.float32), gains)
    shown = cv2.bilateralFilter(shown, 3, 12, 3)
    return cv2.addWeighted(shown, 1.3, cv2.GaussianBlur(shown, (3, 3), 0), -0.3, 0)


def finish(job, rgb, gains):
    if gains is None:
        mean = cv2.mean(rgb)
        gains = mean[1] / mean[0], mean[1] / mean[2]
    least = min(gains[0], 1.0, gains[1])
    scale = np.array([gains[0], 1.0, gains[1]]) * (4095 / job["range"] / least)
    np.minimum(rgb, job["range"] / np.array([gains[0], 1.0, gains[1]], np.float32) * least, out=rgb)
    rgb = cv2.transform(rgb, (job["matrix"] * scale).astype(np.float32))
    index = np.clip(rgb, 0, 4095).astype(np.uint16)
    return TABLE[index]


def timed(work, seconds):
    """Pictures a second of this thread's CPU time; the median of rounds."""
    work()
    rates, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(rates) < 3:
        begin = time.thread_time()
        work()
        rates.append(time.thread_time() - begin)
    return float(np.median(rates))


def main(job_path, result_path, seconds):
    cv2.setNumThreads(1)
    loaded = np.load(job_path)
    job = {
        "black": float(loaded["black"]),
        "range": float(loaded["white"] - loaded["black"]),
        "pattern": str(loaded["pattern"]),
        "matrix": loaded["matrix"],
        "shading": loaded["shading"],
    }
    told = tuple(float(value) for value in loaded["gains"])
    raw = loaded["raw"]
    pictures, cpu_s = {}, {}
    for name, way in (("plain", plain), ("full", full)):
        cpu_s[name] = timed(lambda way=way: way(job, raw), seconds)
        pictures[f"{name}_auto"] = way(job, raw)
        pictures[f"{name}_told"] = way(job, raw, gains=told)
    np.savez(result_path, **pictures)
    print(json.dumps({"cpu_s": cpu_s, "version": cv2.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
