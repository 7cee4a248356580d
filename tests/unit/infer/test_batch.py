"""Several pictures a run: only where figures say that it pays, the same answers, and nobody held back."""

import hashlib
import json
import threading
from pathlib import Path

import numpy as np
import pytest

from eyespot.hal.accelerators import chooser
from eyespot.hal.accelerators.contract import Accelerator
from eyespot.hal.accelerators.fake import FORMAT, FakeAccelerator
from eyespot.infer import session as session_module
from eyespot.infer.batch import sizes_that_pay
from eyespot.infer.lanes import Lanes
from eyespot.infer.package import BatchLatency, Input, Latency, ModelDocument, ModelPackage, Variant
from eyespot.infer.session import open_session
from eyespot.infer.zoo.document import to_toml
from eyespot.kernel.errors import EyespotError

SIDE = 32
CAMERAS, LOOKS = 8, 10


def row(ms: float, pictures: int, side_px: int = SIDE) -> BatchLatency:
    return BatchLatency(accelerator="fake", width_px=side_px, height_px=side_px, ms=ms, pictures=pictures)


def package(folder: Path, *rows: BatchLatency, batch: bool = True, outputs: int | None = None) -> ModelPackage:
    """One ``.fake`` file with an open first axis, 20 ms a picture alone."""
    shape = [None if batch else 1, SIDE, SIDE, 3]
    graph = {
        "inputs": [{"name": "image", "dtype": "uint8", "shape": shape}],
        "outputs": [{"name": "mean", "dtype": "float32", "shape": [outputs, 1]}],
    }
    data = json.dumps(graph).encode()
    folder.mkdir(exist_ok=True)
    (folder / "open.fake").write_bytes(data)
    variant = Variant(
        name="open", file="open.fake", sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), batch=batch,
        latency=(Latency(accelerator="fake", width_px=SIDE, height_px=SIDE, ms=20),), batch_latency=rows,
    )  # fmt: skip
    document = ModelDocument(
        format=1, name="open", task="detection", head="nanodet", labels=("person",), licence="own",
        input=Input(width_px=SIDE, height_px=SIDE), variants=(variant,),
    )  # fmt: skip
    (folder / "model.toml").write_text(to_toml(document))
    return ModelPackage.load(folder)


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch) -> FakeAccelerator:
    """Silicon with a fixed cost a run; each output is the mean of its picture."""
    fake = FakeAccelerator(
        compute=lambda inputs: [inputs[0].mean(axis=(1, 2, 3), dtype=np.float32)[:, None]],
        delay_s=0.005,
        formats=(FORMAT,),
    )

    def known() -> tuple[Accelerator, ...]:
        return (fake,)

    monkeypatch.setattr(chooser, "known", known)
    monkeypatch.setattr(session_module, "known", known)
    return fake


def picture(value: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def mean_of(outputs: tuple[np.ndarray, ...], _: object) -> float:
    return float(outputs[0][0, 0])


def test_only_sizes_that_are_a_tenth_cheaper_and_were_measured_there_pay(tmp_path: Path) -> None:
    [variant] = package(tmp_path, row(36.1, 2), row(72, 4), row(30, 8), row(1, 16, 64)).document.variants
    assert sizes_that_pay(variant, "fake", 1, (SIDE, SIDE)) == (4, 8)
    for accelerator, threads, size_px in (("other", 1, (SIDE, SIDE)), ("fake", 2, (SIDE, SIDE)), ("fake", 1, (64, 64))):
        assert sizes_that_pay(variant, accelerator, threads, size_px) == ()


def test_figures_of_batches_need_an_open_axis(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch = true"):
        package(tmp_path, row(30, 8), batch=False)


def test_a_session_answers_for_each_picture_in_order(tmp_path: Path, chip: FakeAccelerator) -> None:
    session = open_session(package(tmp_path, row(30, 4), row(40, 2)))
    assert session.batch_sizes == (4,)
    [means] = session.run_batch([picture(value) for value in (3, 1, 4, 2)])
    assert means[:, 0].tolist() == [3, 1, 4, 2]
    assert session.run(picture(9))[0].tolist() == [[9]]
    for wrong in ([picture(1)] * 3, [np.zeros((8, 8, 3), np.uint8)] * 4):
        with pytest.raises(EyespotError, match="takes 4 pictures"):
            session.run_batch(wrong)
    session.close()


def test_outputs_that_are_not_one_for_each_are_refused(tmp_path: Path, chip: FakeAccelerator) -> None:
    chip.compute = lambda inputs: [np.zeros((1, 1), np.float32)]
    session = open_session(package(tmp_path, row(30, 4)))
    with pytest.raises(EyespotError, match="does not answer for each"):
        session.run_batch([picture(1)] * 4)
    session.close()


def test_a_fixed_axis_runs_single_pictures_whatever_is_asked(tmp_path: Path, chip: FakeAccelerator) -> None:
    session = open_session(package(tmp_path, batch=False), batch_sizes=(4,))
    assert session.batch_sizes == ()
    session.close()


def eight_cameras(lanes: Lanes[float]) -> list[bool]:
    """Each camera asks again as soon as it has its answer: whether every answer was its own picture's."""
    right: list[bool] = []

    def look(camera: int) -> None:
        for number in range(LOOKS):
            value = camera * LOOKS + number
            right.append(lanes.submit(picture(value)).result() == value)

    threads = [threading.Thread(target=look, args=(camera,)) for camera in range(CAMERAS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return right


def test_eight_cameras_get_more_of_silicon_with_a_fixed_cost_a_run(tmp_path: Path, chip: FakeAccelerator) -> None:
    runs = {}
    for name, rows in (("single", ()), ("batched", (row(22, 2), row(24, 4), row(28, 8)))):
        before = chip.runs
        model = package(tmp_path, *rows)
        lanes: Lanes[float] = Lanes(lambda model=model: open_session(model), 1, finish=mean_of, max_waiting=16)  # type: ignore[misc]
        assert eight_cameras(lanes) == [True] * CAMERAS * LOOKS
        lanes.close()
        runs[name] = chip.runs - before
    assert runs["single"] == CAMERAS * LOOKS
    assert runs["batched"] <= runs["single"] / 2, "every run costs the same: half the runs, twice the detections"


def test_at_light_load_each_picture_is_run_alone_at_once(tmp_path: Path, chip: FakeAccelerator) -> None:
    model = package(tmp_path, row(22, 2), row(24, 4))
    lanes: Lanes[float] = Lanes(lambda: open_session(model), 1, finish=mean_of)
    assert [lanes.submit(picture(value)).result() for value in range(10)] == list(range(10))
    lanes.close()
    assert (chip.runs, lanes.stats.batches) == (10, 0)


def test_what_waits_is_taken_as_far_as_it_fills_a_run_and_the_rest_alone(tmp_path: Path, chip: FakeAccelerator) -> None:
    model = package(tmp_path, row(22, 2))
    gate = threading.Event()

    def finish(outputs: tuple[np.ndarray, ...], held: object) -> float:
        if held:
            gate.wait()
        return mean_of(outputs, held)

    lanes: Lanes[float] = Lanes(lambda: open_session(model), 1, finish=finish, max_waiting=8)
    held = lanes.submit(picture(1), True)
    waiting = [lanes.submit(picture(value)) for value in (2, 3, 4)]
    gate.set()
    assert [held.result(), *(future.result() for future in waiting)] == [1, 2, 3, 4]
    lanes.close()
    assert lanes.stats.batches == 1, "two of three together, the third alone"


def test_a_failing_batch_fails_all_of_it_and_the_lane_lives_on(tmp_path: Path, chip: FakeAccelerator) -> None:
    model, gate = package(tmp_path, row(22, 2)), threading.Event()

    def finish(outputs: tuple[np.ndarray, ...], held: object) -> float:
        if held:
            gate.wait()
        return mean_of(outputs, held)

    lanes: Lanes[float] = Lanes(lambda: open_session(model), 1, finish=finish, max_waiting=8)
    held = lanes.submit(picture(1), True)
    chip.fail_after = 1
    pair = [lanes.submit(picture(value)) for value in (2, 3)]
    gate.set()
    assert held.result() == 1
    for future in pair:
        with pytest.raises(EyespotError, match="as it was told to"):
            future.result()
    chip.fail_after = None
    assert lanes.submit(picture(5)).result() == 5
    lanes.close()
    assert lanes.stats.failed == 2


@pytest.mark.footage
@pytest.mark.parametrize("accelerator", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("name", ["onnx-fp32", "onnx-int8"])
def test_real_runtimes_give_a_batch_what_they_give_each_picture(
    name: str, accelerator: str, model_dir: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    from eyespot.bench.infer_batch import open_batch

    zoo = ModelPackage.load(model_dir / "nanodet-g")
    path = open_batch(zoo.path(zoo.variant(name)), tmp_path / f"{name}.onnx")
    data = path.read_bytes()
    variant = Variant(
        name=name, file=path.name, sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), batch=True
    )
    (tmp_path / "model.toml").write_text(to_toml(zoo.document.model_copy(update={"variants": (variant,)})))
    session = open_session(
        ModelPackage.load(tmp_path), variant=name, accelerator=accelerator, size_px=(160, 224), batch_sizes=(3,)
    )
    pictures = list(np.random.default_rng(5).integers(0, 256, (3, 160, 224, 3), np.uint8))
    together = [array.copy() for array in session.run_batch(pictures)]
    for place, one in enumerate(pictures):
        for whole, alone in zip(together, session.run(one), strict=True):
            np.testing.assert_allclose(whole[place], alone[0], rtol=1e-4, atol=1e-4)
    session.close()
