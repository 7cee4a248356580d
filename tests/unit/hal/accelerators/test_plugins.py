"""Plug-ins: the sample vendor wheel is built, found and conforms; broken ones are reported and in nobody's way."""

import json
import subprocess
import sys
import threading
import types
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from eyespot.hal.accelerators.fake import FakeAccelerator
from eyespot.hal.accelerators.guard import Guarded
from eyespot.hal.accelerators.plugins import GROUP, MAX_PLUGINS, load_plugins
from eyespot.kernel.config import inherited_env
from eyespot.kernel.errors import EyespotError, Kind

ROOT = Path(__file__).parents[4]
VENDOR = ROOT / "examples" / "vendor-accelerator"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample wheel, built from its source and installed in it, and a broken wheel beside it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(folder), str(VENDOR)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    broken = folder / "broken_npu-0.1.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-npu\nVersion: 0.1\n")
    (broken / "entry_points.txt").write_text(f"[{GROUP}]\nbroken = broken_npu:Npu\n")
    (folder / "broken_npu.py").write_text("import sys\nsys.exit('no driver')\n")
    return folder


def run_there(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**inherited_env(), "PYTHONPATH": str(site)}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=env)


def test_the_sample_wheel_passes_the_conformance_suite(site: Path) -> None:
    done = run_there(site, "-m", "eyespot.testing.accelerator_suite", "acme-npu", str(VENDOR / "mean.acme"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("✓") >= 11
    assert "✗" not in done.stdout


def test_both_wheels_are_found_and_the_broken_one_is_reported(site: Path) -> None:
    code = (
        "import json, logging; logging.basicConfig()\n"
        "from eyespot.hal.accelerators.plugins import installed_plugins\n"
        "from eyespot.hal.accelerators.chooser import known\n"
        "found = [(p.entry, p.origin, p.wrong) for p in installed_plugins()]\n"
        "print(json.dumps([found, [a.name for a in known() if a.available()]]))"
    )
    done = run_there(site, "-c", code)
    found, names = json.loads(done.stdout)
    assert ["acme-npu", "eyespot-acme-npu 1.0.0", ""] in found
    assert ["broken", "broken-npu 0.1", "it does not load: SystemExit: no driver."] in found
    assert "acme-npu" in names
    assert "broken-npu 0.1" in done.stderr


def test_they_can_be_left_out(site: Path) -> None:
    code = "from eyespot.hal.accelerators.plugins import installed_plugins; print(len(installed_plugins()))"
    env = {**inherited_env(), "PYTHONPATH": str(site), "EYESPOT_PLUGINS": "off"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.stdout.strip() == "0"


def entries(monkeypatch: pytest.MonkeyPatch, **made: object) -> list[EntryPoint]:
    """Entry points of a module that exists for this test alone."""
    module = types.ModuleType("made_up_plugins")
    for name, value in made.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "made_up_plugins", module)
    return [EntryPoint(name, f"made_up_plugins:{name}", GROUP) for name in made]


def test_each_kind_of_broken_plugin_is_told_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def explodes() -> object:
        raise ValueError("no chip\nand more")

    class Shifty:
        formats = (".x",)

        @property
        def name(self) -> str:
            raise RuntimeError("cannot say")

    found = load_plugins(
        [
            *entries(
                monkeypatch,
                a_number=3,
                b_explodes=explodes,
                c_shifty=Shifty(),
                d_capital=FakeAccelerator(name="Acme"),
                e_taken=FakeAccelerator(name="openvino"),
                f_good=FakeAccelerator(name="acme"),
                g_twice=FakeAccelerator(name="acme"),
                h_formats=FakeAccelerator(name="acme-2", formats=()),
            ),
            EntryPoint("z_missing", "no_such_module_at_all:X", GROUP),
        ]
    )
    wrong = {plugin.entry: plugin.wrong for plugin in found}
    assert wrong.pop("f_good") == ""
    assert all(wrong.values())
    assert "ValueError: no chip." in wrong["b_explodes"]
    assert "cannot say" in wrong["c_shifty"]
    assert "taken" in wrong["e_taken"]
    assert "taken" in wrong["g_twice"]
    assert "No module named" in wrong["z_missing"]


def test_a_plugin_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    hung, good = load_plugins(
        entries(monkeypatch, a_hangs=lambda: release.wait(60), b_good=FakeAccelerator(name="acme")), limit_s=0.2
    )
    release.set()
    assert "within 0.2 s" in hung.wrong
    assert good.accelerator is not None


def test_their_number_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {f"p{number:02}": FakeAccelerator(name=f"acme-{number}") for number in range(MAX_PLUGINS + 5)}
    assert len(load_plugins(entries(monkeypatch, **many))) == MAX_PLUGINS


def test_whatever_a_plugin_raises_meets_the_contract(tmp_path: Path) -> None:
    class Rude(FakeAccelerator):
        def presence(self):  # type: ignore[no-untyped-def]
            raise OSError("driver gone")

        def load(self, *_: object, **__: object):  # type: ignore[no-untyped-def]
            raise KeyError("weights")

    guarded = Guarded(Rude(), "rude 1")
    assert guarded.available() is False
    assert "driver gone" in guarded.presence().why_not
    with pytest.raises(EyespotError, match=r"does not accept m\.x: 'weights'") as caught:
        guarded.load(tmp_path / "m.x", 1)
    assert caught.value.kind is Kind.INVALID


def test_a_plugin_that_hangs_when_asked_is_left_out_and_not_asked_again() -> None:
    release = threading.Event()
    asked: list[int] = []

    class Slow(FakeAccelerator):
        def presence(self):  # type: ignore[no-untyped-def]
            asked.append(1)
            release.wait(60)

    guarded = Guarded(Slow(), "slow 1", limit_s=0.1)
    assert not guarded.available()
    assert "within 0.1 s" in guarded.presence().why_not
    release.set()
    assert len(asked) == 1
