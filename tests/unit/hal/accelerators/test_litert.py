"""LiteRT's delegates: named by path or found by name, really loaded, and said clearly when they cannot be."""

import shutil
import subprocess
from pathlib import Path

import pytest

from eyespot.hal.accelerators.chooser import find_accelerator
from eyespot.hal.accelerators.litert import Delegate, LiteRt, delegates
from eyespot.kernel.errors import EyespotError, Kind
from eyespot.testing.accelerator_suite import CHECKS
from eyespot.testing.tiny_models import write_model

DELEGATE_C = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
struct delegate {
  void *data; int (*prepare)(void *, struct delegate *); void *from, *to, *free; int64_t flags; void *builder;
};
static int prepare(void *context, struct delegate *self) { fputs("the chip was asked\n", stderr); return 0; }
void *tflite_plugin_create_delegate(char **keys, char **values, size_t count, void (*report)(const char *)) {
  struct delegate *made = calloc(1, sizeof *made);
  made->prepare = prepare;
  made->flags = 1;
  return made;
}
void tflite_plugin_destroy_delegate(void *made) { free(made); }
"""
"""A delegate that takes no node (`struct TfLiteDelegate` of tensorflow/lite/core/c/common.h)."""

needs_litert = pytest.mark.skipif(not LiteRt().available(), reason="LiteRT is not installed")


@pytest.fixture
def library(tmp_path: Path) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source = tmp_path / "chip.c"
    source.write_text(DELEGATE_C)
    path = tmp_path / "libchip.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(path), str(source)], check=True)
    return path


@needs_litert
def test_an_external_delegate_is_loaded_and_conforms(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EYESPOT_LITERT_DELEGATES", f"chip={library}")
    accelerator = find_accelerator("litert-chip")
    for check in CHECKS:
        check(accelerator, write_model(tmp_path, ".tflite"))
    assert "the chip was asked" in capfd.readouterr().err


@needs_litert
def test_a_library_that_is_no_delegate_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "libnot.so"
    path.write_bytes(b"not a library")
    with pytest.raises(EyespotError, match=r"libnot\.so does not load") as caught:
        LiteRt(Delegate("not", path)).load(write_model(tmp_path, ".tflite"), 1)
    assert caught.value.kind is Kind.UNAVAILABLE


@needs_litert
def test_a_missing_library_is_said_before_it_is_tried(tmp_path: Path) -> None:
    found = LiteRt(Delegate("gone", tmp_path / "libgone.so")).presence()
    assert not found.usable
    assert "libgone.so" in found.why_not


def test_delegates_come_from_the_environment_and_from_known_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libethosu_delegate.so").touch()
    monkeypatch.setenv("EYESPOT_LITERT_DELEGATES", "mine=/opt/lib.so, relative=lib.so,Bad Name=/x,=/y,rubbish")
    found = delegates([str(tmp_path)])
    assert found == [
        Delegate("mine", Path("/opt/lib.so")),
        Delegate("ethosu", tmp_path / "libethosu_delegate.so"),
    ]
