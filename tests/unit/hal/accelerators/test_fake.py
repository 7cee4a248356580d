"""The fake's faults: each happens when it was told to, in this process or in another."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eyespot.hal.accelerators.fake import FakeAccelerator, from_words
from eyespot.hal.accelerators.guard import Guarded
from eyespot.kernel.clock import SystemClock
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.tiny_models import write_model

SHAPE = (1, 4, 6, 3)
IMAGE = np.zeros(SHAPE, np.uint8)


def test_fails_to_load_and_to_run(tmp_path: Path) -> None:
    model = write_model(tmp_path, ".fake")
    fake = FakeAccelerator(fail_after=1)
    loaded = fake.load(model, 1, input_shapes=[SHAPE])
    loaded.run([IMAGE])
    with pytest.raises(EyespotError, match="told to") as caught:
        loaded.run([IMAGE])
    assert caught.value.kind is Kind.INTERNAL
    assert fake.runs == 2
    fake.fail_load = True
    with pytest.raises(EyespotError, match="does not accept"):
        fake.load(model, 1)


def test_wrong_shapes_are_caught_by_the_guard(tmp_path: Path) -> None:
    fake = FakeAccelerator(misshape_after=1)
    loaded = Guarded(fake, "a wheel 1.0").load(write_model(tmp_path, ".fake"), 1, input_shapes=[SHAPE])
    loaded.run([IMAGE])
    with pytest.raises(EyespotError, match=r"promised output mean as float32 \[1, 3\] and gave float32 \[2, 3\]"):
        loaded.run([IMAGE])


def test_is_as_slow_as_told(tmp_path: Path) -> None:
    clock = SystemClock()
    loaded = FakeAccelerator(delay_s=0.05).load(write_model(tmp_path, ".fake"), 1, input_shapes=[SHAPE])
    start_ns = clock.monotonic_ns()
    loaded.run([IMAGE])
    assert clock.monotonic_ns() - start_ns >= 50_000_000


def test_crashes_its_process_when_told_by_the_environment(tmp_path: Path) -> None:
    model = write_model(tmp_path, ".fake")
    code = (
        "import sys, numpy as np; from pathlib import Path\n"
        "from eyespot.hal.accelerators.chooser import find_accelerator\n"
        f"loaded = find_accelerator('fake').load(Path(sys.argv[1]), 1, input_shapes=[{SHAPE}])\n"
        f"for _ in range(5): loaded.run([np.zeros({SHAPE}, np.uint8)]); print('ran', flush=True)\n"
    )
    env = {**inherited_env(), "EYESPOT_FAKE_ACCELERATOR": "delay_ms=1,crash_after=2"}
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True, env=env)
    assert done.stdout.split() == ["ran", "ran"]
    assert done.returncode == -signal.SIGKILL


def test_words_of_the_environment() -> None:
    fake = from_words("delay_ms=2.5, fail_after=7")
    assert (fake.delay_s, fake.fail_after, fake.crash_after) == (0.0025, 7, None)
    assert from_words("on").fail_after is None
    for text in ("fail_after=soon", "explode", "delay_ms=-1"):
        with pytest.raises(EyespotError, match="EYESPOT_FAKE_ACCELERATOR has"):
            from_words(text)
