"""A shared accelerator with real threads: the fake accelerator, faults, and a real runtime."""

import threading
from pathlib import Path

import numpy as np
import pytest

from eyespot.hal.accelerators.contract import Loaded, TensorSpec
from eyespot.hal.accelerators.fake import FakeAccelerator
from eyespot.infer.package import ModelPackage
from eyespot.infer.session import Session, open_session
from eyespot.infer.share.accelerator import Client, SharedAccelerator, SharedModel
from eyespot.infer.share.fair_queue import Terms
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.errors import EyespotError, Kind, invalid

SPEC = TensorSpec("x", "float32", (1,))


def _fake(tmp_path: Path, delay_s: float = 0.0, fail_after: int | None = None) -> SharedModel[Loaded]:
    chip = FakeAccelerator((SPEC,), (SPEC,), lambda inputs: [inputs[0] * 2], delay_s=delay_s, fail_after=fail_after)
    path = tmp_path / "model.bin"
    path.write_bytes(b"model")
    return SharedModel("fake", lambda: chip.load(path, 1))


def _double(value: float):  # type: ignore[no-untyped-def]
    return lambda loaded: float(loaded.run([np.array([value], np.float32)])[0][0])


class _Flood:
    """Keeps three requests of a client waiting until told to stop."""

    def __init__(self, client: Client, model: SharedModel[Loaded]) -> None:
        self._client, self._model = client, model
        self._stop = threading.Event()
        self._ended = threading.Semaphore(0)
        for _ in range(3):
            self._again()

    def _again(self) -> None:
        if self._stop.is_set():
            self._ended.release()
        else:
            self._client.submit(self._model, _double(1)).add_done_callback(lambda _: self._again())

    def stop(self) -> None:
        self._stop.set()
        for _ in range(3):
            self._ended.acquire()


def test_three_to_one_on_the_fake_accelerator(tmp_path: Path) -> None:
    shared = SharedAccelerator(SystemClock())
    model = _fake(tmp_path, delay_s=0.002)
    clients = [shared.join("camera", Terms(0.75)), shared.join("guest", Terms(0.25))]
    floods = [_Flood(client, model) for client in clients]
    threading.Event().wait(0.8)
    for flood in floods:
        flood.stop()
    camera, guest = (client.stats for client in clients)
    shared.close()
    assert camera.run_ns / guest.run_ns == pytest.approx(3, rel=0.1)
    assert guest.done > 20


def test_shares_swapped_at_run_time_hold_from_then_on(tmp_path: Path) -> None:
    shared = SharedAccelerator(SystemClock())
    model = _fake(tmp_path, delay_s=0.002)
    terms = {"one": Terms(0.75), "other": Terms(0.25)}
    clients = [shared.join(name, given) for name, given in terms.items()]
    floods = [_Flood(client, model) for client in clients]
    threading.Event().wait(0.8)
    before = [client.stats.run_ns for client in clients]
    shared.change({"one": terms["other"], "other": terms["one"]}, {}, ())
    threading.Event().wait(0.8)
    for flood in floods:
        flood.stop()
    one, other = (client.stats.run_ns - ran for client, ran in zip(clients, before, strict=True))
    shared.close()
    assert before[0] / before[1] == pytest.approx(3, rel=0.1)
    assert other / one == pytest.approx(3, rel=0.1)


def test_one_models_failure_is_its_callers_alone(tmp_path: Path) -> None:
    shared = SharedAccelerator(SystemClock())
    client = shared.join("camera", Terms(0.5))
    bad, good = _fake(tmp_path, fail_after=0), _fake(tmp_path)
    with pytest.raises(EyespotError, match="as it was told to"):
        client.submit(bad, _double(1)).result()
    assert client.submit(good, _double(21)).result() == 42

    def refuse() -> Loaded:
        raise invalid("no such model")

    with pytest.raises(EyespotError, match="no such model"):
        client.submit(SharedModel("none", refuse), _double(1)).result()
    assert shared.status()["failed_to_open"] == 1
    shared.close()
    with pytest.raises(EyespotError, match="closed"):
        client.submit(good, _double(1))


def test_late_cancelled_and_left_work_ends_in_clear_words(tmp_path: Path) -> None:
    shared = SharedAccelerator(SystemClock())
    client, other = shared.join("camera", Terms(0.5)), shared.join("leaver", Terms(0.5))
    model, begun, gate = _fake(tmp_path), threading.Event(), threading.Event()

    def hold(loaded: Loaded) -> None:
        begun.set()
        gate.wait()

    held = client.submit(model, hold)
    begun.wait()
    late = client.submit(model, _double(1), deadline_ns=SystemClock().monotonic_ns())
    cancelled = client.submit(model, _double(1))
    left = other.submit(model, _double(1))
    assert cancelled.cancel()
    other.leave()
    gate.set()
    held.result()
    with pytest.raises(EyespotError, match="deadline passed"):
        late.result()
    with pytest.raises(EyespotError, match="has left") as caught:
        left.result()
    assert caught.value.kind is Kind.UNAVAILABLE
    shared.close()
    assert (client.stats.done, client.stats.late, client.stats.withdrawn) == (1, 1, 1)


def test_a_forgotten_model_is_closed(tmp_path: Path) -> None:
    shared = SharedAccelerator(SystemClock(), lanes=2)
    client = shared.join("camera", Terms(1))
    closed = threading.Event()

    class Noisy:
        def close(self) -> None:
            closed.set()

    model = SharedModel("noisy", Noisy)
    client.submit(model, lambda opened: None).result()
    shared.forget(model)
    assert closed.wait(5)
    shared.close()


@pytest.mark.footage
def test_two_clients_share_a_real_session(model_dir: Path) -> None:
    package = ModelPackage.load(model_dir / "nanodet-g")
    opened: list[Session] = []

    def open_one() -> Session:
        opened.append(open_session(package))
        return opened[-1]

    shared = SharedAccelerator(SystemClock())
    model = SharedModel("nanodet-g", open_one)
    clients = [shared.join("camera", Terms(0.75)), shared.join("guest", Terms(0.25))]
    height_px, width_px = package.input_height_px, package.input_width_px
    picture = np.random.default_rng(3).integers(0, 255, (height_px, width_px, 3), np.uint8)
    answers = [client.submit(model, lambda session: session.run(picture)).result() for client in clients]
    shared.close()
    assert len(opened) == 1
    alone = open_session(package)
    expected = alone.run(picture)
    alone.close()
    for answer in answers:
        for found, wanted in zip(answer, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
