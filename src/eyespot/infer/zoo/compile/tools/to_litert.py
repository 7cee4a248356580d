"""graph.json + weights.npz + frames.npz → int8.tflite and what it finds. Runs in the toolchain's environment.

Usage: python to_litert.py FOLDER. Each step prints ``step NAME``; the last line is JSON with the figures. Files read:
graph.json, weights.npz, frames.npz (``calibration`` and ``judging`` ``(N, H, W, 3)`` uint8), expected.npz (the ONNX
original's outputs on the first judging frame). Files written: fp32.tflite, int8.tflite, found.npz (outputs of
int8.tflite on each judging frame, ``NUMBER_OUTPUT``).
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

MAX_DIFFERENCE = 1e-3
"""Of one output value from the ONNX original's, in float32."""


def main() -> None:
    folder = Path(sys.argv[1])
    frames = np.load(folder / "frames.npz", allow_pickle=False)
    expected = np.load(folder / "expected.npz", allow_pickle=False)
    wanted = [expected[name] for name in sorted(expected.files)]
    figures = {"torch_difference": _convert(folder, frames["judging"][0], wanted)}
    _say("checking the float model")
    figures["litert_difference"] = _differences(_run(folder / "fp32.tflite", [frames["judging"][0]])[0][0], wanted)
    _refuse("the float TFLite model", figures["litert_difference"])
    _say("quantising")
    _quantise(folder, frames["calibration"])
    _say("rewriting in integers")
    from integer_graph import rewrite

    rewrite(folder / "quantised.tflite", folder / "int8.tflite")
    _say("running the integer model")
    outputs, figures["ms"] = _run(folder / "int8.tflite", list(frames["judging"]))
    found = {f"{number}_{place}": array for number, run in enumerate(outputs) for place, array in enumerate(run)}
    np.savez(folder / "found.npz", **found)
    figures["operations"] = _operations(folder / "int8.tflite")
    print(json.dumps(figures), flush=True)


def _say(text: str) -> None:
    print(f"step {text}", flush=True)


def _refuse(name: str, difference: float) -> None:
    if not difference <= MAX_DIFFERENCE:
        raise SystemExit(f"{name} differs from the ONNX original by {difference:.3g}; {MAX_DIFFERENCE:g} is allowed")


def _differences(found, wanted) -> float:
    """The largest difference of any output; infinite where shapes differ."""
    if [array.shape for array in found] != [array.shape for array in wanted]:
        return float("inf")
    return max(float(np.abs(one - other).max()) for one, other in zip(found, wanted, strict=True))


def _convert(folder: Path, picture, wanted) -> float:
    _say("loading PyTorch")
    import torch
    from torch_graph import TorchGraph

    torch.set_num_threads(1)
    _say("building the network")
    module = TorchGraph(folder).train(False)
    sample = torch.from_numpy(picture[None].astype(np.float32))
    with torch.no_grad():
        difference = _differences([array.numpy() for array in module(sample)], wanted)
    _refuse("the PyTorch network", difference)
    _say("converting to TFLite")
    import litert_torch

    litert_torch.convert(module, (sample,)).export(str(folder / "fp32.tflite"))
    return difference


def _quantise(folder: Path, pictures) -> None:
    from ai_edge_quantizer import quantizer, recipe

    worker = quantizer.Quantizer(str(folder / "fp32.tflite"))
    worker.load_quantization_recipe(recipe.static_wi8_ai8())
    values = worker.calibrate({"serving_default": [{"args_0": _whole_range(picture)} for picture in pictures]})
    (folder / "quantised.tflite").unlink(missing_ok=True)
    worker.quantize(values).export_model(str(folder / "quantised.tflite"))


def _whole_range(picture):
    """The picture as floats with one black and one white corner, so that a byte's range is known to be 0 to 255."""
    floats = picture[None].astype(np.float32)
    floats[0, 0, 0], floats[0, -1, -1] = 0.0, 255.0
    return floats


def _run(model: Path, pictures):
    """The outputs on each picture, and the milliseconds of a run: the median, or the processor's time where less."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    (item,) = interpreter.get_input_details()
    outputs, times, used = [], [], []
    for picture in pictures:
        interpreter.set_tensor(item["index"], picture[None].astype(item["dtype"]))
        start, begin = time.perf_counter(), time.process_time()
        interpreter.invoke()
        used.append(1000 * (time.process_time() - begin))
        times.append(1000 * (time.perf_counter() - start))
        outputs.append([interpreter.get_tensor(result["index"]) for result in interpreter.get_output_details()])
    return outputs, float(min(np.median(times), np.median(used)))


def _operations(model: Path) -> dict[str, int]:
    """How many operations of each kind the model has."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    counts: dict[str, int] = {}
    for item in interpreter._get_ops_details():
        if item["op_name"] != "DELEGATE":
            counts[item["op_name"]] = counts.get(item["op_name"], 0) + 1
    return counts


if __name__ == "__main__":
    main()
