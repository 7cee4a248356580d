"""Decode and scale frames of a clip as a camera does for its detector; all of them into one NumPy file.

Runs with an installed Eyespot and nothing else, on either machine of a comparison (see arm64_compare.py).
"""

import argparse
from pathlib import Path

import av
import numpy as np

from eyespot.infer.package import ModelPackage
from eyespot.media.pixels import Scalers


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("clip", type=Path)
    parser.add_argument("package", type=Path)
    parser.add_argument("out", type=Path, help="Gets (N, H, W, 3) uint8 in the package's colour order.")
    parser.add_argument("--frames", type=int, required=True, help="At most so many.")
    parser.add_argument("--step", type=int, required=True, help="Every so many frames.")
    options = parser.parse_args()
    shape = ModelPackage.load(options.package).document.input
    scalers = Scalers()
    pictures: list[np.ndarray] = []
    with av.open(str(options.clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % options.step == 0:
                height_px, width_px = shape.fit(frame.width / frame.height)
                pictures.append(scalers.packed(frame, f"{shape.order}24", width_px, height_px))
            if len(pictures) == options.frames:
                break
    np.save(options.out, np.stack(pictures))


if __name__ == "__main__":
    main()
