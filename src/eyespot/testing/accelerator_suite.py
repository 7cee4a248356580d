"""The conformance suite: what every accelerator must do, ours or a vendor's.

Each check takes an accelerator and the file of a model that it reads: bytes ``image`` ``(1, H, W, 3)`` with open height
and width in, their mean by colour ``mean`` float32 ``(1, 3)`` out (``tiny_models`` writes it as ONNX and TFLite). A
check raises ``AssertionError`` with what is wrong. A vendor runs them all over a chip of its own:

    python -m eyespot.testing.accelerator_suite NAME [MODEL]
"""

import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.hal.accelerators.contract import Accelerator, Loaded, TensorSpec, presence_of, reads
from eyespot.kernel.errors import EyespotError, Kind

SHAPE = (1, 4, 6, 3)
OTHER_SHAPE = (1, 8, 2, 3)
MAX_ERROR = 0.5
"""In steps of a byte: room for a chip that counts in eight bits."""
Check = Callable[[Accelerator, Path], None]


def picture(seed: int, shape: Sequence[int] = SHAPE) -> NDArray[np.uint8]:
    """A made-up input."""
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def says_what_it_is(accelerator: Accelerator, model: Path) -> None:
    """Name, formats and presence agree."""
    assert accelerator.name.strip("-_").replace("-", "").replace("_", "").isalnum(), f"name {accelerator.name!r}"
    assert accelerator.name == accelerator.name.lower(), "a name has no capitals"
    assert reads(accelerator, model), f"{accelerator.name} reads {accelerator.formats}, not {model.name}"
    found = presence_of(accelerator)
    assert accelerator.available() is found.usable is True
    assert found.why_not == "", "what is usable has no reason why not"


def fixes_open_sizes(accelerator: Accelerator, model: Path) -> None:
    """``input_shapes`` become the shapes declared, at two different sizes."""
    for shape in (SHAPE, OTHER_SHAPE):
        loaded = accelerator.load(model, 1, input_shapes=[shape])
        assert loaded.inputs == (TensorSpec("image", "uint8", shape),), f"inputs are {loaded.inputs}"
        assert loaded.outputs == (TensorSpec("mean", "float32", (1, 3)),), f"outputs are {loaded.outputs}"
        _answers_right(loaded, picture(1, shape))
        loaded.close()


def answers_each_run_anew(accelerator: Accelerator, model: Path) -> None:
    """Runs do not leak into one another, and the input is not changed."""
    loaded = _load(accelerator, model)
    for seed in range(5):
        image = picture(seed)
        before = image.copy()
        _answers_right(loaded, image)
        assert (image == before).all(), "the input was changed"
    loaded.close()


def lends_outputs_until_the_next_run(accelerator: Accelerator, model: Path) -> None:
    """What a run returned holds while another model runs, while the input is overwritten, and once copied for good."""
    loaded, other = _load(accelerator, model), _load(accelerator, model)
    image = picture(1)
    lent, right = loaded.run([image])[0], _mean(image)
    image[:] = 0
    other.run([picture(2)])
    assert np.abs(lent - right).max() <= MAX_ERROR, "outputs changed before the next run"
    kept = lent.copy()
    _answers_right(loaded, picture(3))
    loaded.close()
    other.close()
    assert np.abs(kept - right).max() <= MAX_ERROR, "a copy changed"


def refuses_wrong_inputs(accelerator: Accelerator, model: Path) -> None:
    """Wrong counts, types and shapes are ``INVALID``, and the next right one still works."""
    loaded = _load(accelerator, model)
    wrong: tuple[list[NDArray[Any]], ...] = (
        [],
        [picture(1), picture(1)],
        [np.zeros(SHAPE, np.float32)],
        [np.zeros((1, 4, 5, 3), np.uint8)],
        [np.zeros(SHAPE[1:], np.uint8)],
    )
    for inputs in wrong:
        shown = [f"{array.dtype} {array.shape}" for array in inputs]
        assert _kind_of(partial(loaded.run, inputs)) is Kind.INVALID, f"{shown} is not refused as INVALID"
    _answers_right(loaded, picture(1))
    loaded.close()


def refuses_sizes_that_do_not_fit(accelerator: Accelerator, model: Path) -> None:
    """A wish against the model's fixed sizes is ``INVALID`` when it loads."""
    for shape in ((1, 4, 6, 4), (4, 6, 3)):
        assert _kind_of(partial(accelerator.load, model, 1, input_shapes=[shape])) is Kind.INVALID, (
            f"input_shapes {shape} is not refused as INVALID"
        )


def refuses_broken_files(accelerator: Accelerator, model: Path) -> None:
    """No file, no bytes, other bytes, cut bytes: ``INVALID``, each with the file's name in it."""
    data = model.read_bytes()
    broken = {
        "empty": b"",
        "other": b"\x08\x07 this is not a model" * 20,
        "cut": data[: len(data) // 3],
        "zeros": bytes(len(data)),
        "head": data[: min(24, len(data) // 4)] + b"\xff" * len(data),
    }
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"missing{model.suffix}"]
        for word, content in broken.items():
            paths.append(Path(name) / f"{word}{model.suffix}")
            paths[-1].write_bytes(content)
        for path in paths:
            error = _error_of(partial(accelerator.load, path, 1, input_shapes=[SHAPE]))
            assert error is not None, f"the {path.stem} file is not refused"
            assert error.kind is Kind.INVALID, f"the {path.stem} file is refused as {error.kind.name}, not INVALID"
            assert path.name in error.what, f"the message does not name {path.name}: {error.what}"


def works_with_more_threads(accelerator: Accelerator, model: Path) -> None:
    """The number of threads changes no answer."""
    image = picture(4)
    for threads in (1, 2, 4):
        loaded = accelerator.load(model, threads, input_shapes=[SHAPE])
        _answers_right(loaded, image)
        loaded.close()


def runs_in_another_thread_than_it_was_loaded_in(accelerator: Accelerator, model: Path) -> None:
    """A lane may load in one thread and run in another."""
    loaded = _load(accelerator, model)
    failures = _in_threads([lambda: _answers_right(loaded, picture(5))])
    assert not failures, failures
    loaded.close()


def runs_two_side_by_side(accelerator: Accelerator, model: Path) -> None:
    """Two loaded models, a thread each, do not disturb one another."""

    def lane(seed: int) -> None:
        loaded = _load(accelerator, model)
        for step in range(40):
            _answers_right(loaded, picture(seed * 1000 + step))
        loaded.close()

    failures = _in_threads([lambda: lane(1), lambda: lane(2)])
    assert not failures, failures


def closes_twice_and_again_and_again(accelerator: Accelerator, model: Path) -> None:
    """Closing is idempotent, one's own affair, and leaves nothing that hinders the next load."""
    staying = _load(accelerator, model)
    for _ in range(10):
        loaded = _load(accelerator, model)
        _answers_right(loaded, picture(6))
        loaded.close()
        loaded.close()
    _answers_right(staying, picture(7))
    staying.close()


CHECKS: tuple[Check, ...] = (
    says_what_it_is,
    fixes_open_sizes,
    answers_each_run_anew,
    lends_outputs_until_the_next_run,
    refuses_wrong_inputs,
    refuses_sizes_that_do_not_fit,
    refuses_broken_files,
    works_with_more_threads,
    runs_in_another_thread_than_it_was_loaded_in,
    runs_two_side_by_side,
    closes_twice_and_again_and_again,
)


def _load(accelerator: Accelerator, model: Path) -> Loaded:
    return accelerator.load(model, 1, input_shapes=[SHAPE])


def _mean(image: NDArray[np.uint8]) -> NDArray[Any]:
    return np.asarray(image.astype(np.float64).mean(axis=(1, 2)))


def _answers_right(loaded: Loaded, image: NDArray[np.uint8]) -> None:
    outputs = loaded.run([image])
    assert len(outputs) == 1, f"{len(outputs)} outputs"
    assert outputs[0].shape == (1, 3), f"output of shape {outputs[0].shape}"
    assert outputs[0].dtype == np.float32, f"output of type {outputs[0].dtype}"
    worst = float(np.abs(outputs[0] - _mean(image)).max())
    assert worst <= MAX_ERROR, f"the mean is wrong by {worst:.3f}"


def _error_of(call: Callable[[], object]) -> EyespotError | None:
    try:
        call()
    except EyespotError as error:
        return error
    return None


def _kind_of(call: Callable[[], object]) -> Kind | None:
    error = _error_of(call)
    return error.kind if error else None


def _in_threads(works: Sequence[Callable[[], None]]) -> list[BaseException]:
    failures: list[BaseException] = []

    def kept(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that judges
            failures.append(error)

    threads = [threading.Thread(target=kept, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def main(arguments: Sequence[str]) -> int:
    """Run every check over the accelerator named; the exit status is 1 when one fails."""
    from eyespot.hal.accelerators.chooser import find_accelerator
    from eyespot.testing.tiny_models import write_model

    accelerator = find_accelerator(arguments[0])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        model = Path(arguments[1]) if len(arguments) > 1 else write_model(Path(folder), accelerator.formats[0])
        for check in CHECKS:
            wrong = ""
            try:
                check(accelerator, model)
            except (AssertionError, EyespotError) as error:
                wrong, failed = f": {error}", failed + 1
            print(f"{'✗' if wrong else '✓'} {check.__name__.replace('_', ' ')}{wrong}")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m eyespot.testing.accelerator_suite NAME [MODEL]")
    sys.exit(main(sys.argv[1:]))
