"""The board's inventory, from this machine and from made-up trees of other machines."""

from pathlib import Path

import pytest

from eyespot.hal.board import read_board
from eyespot.hal.board.item import Item
from eyespot.hal.board.nodes import look_for_chips, look_for_key_stores
from eyespot.hal.board.roots import MAX_ENTRIES, Roots, entries, text
from eyespot.hal.board.survey import bounded, survey
from eyespot.hal.board.thermal import look_for_thermal_zones


def put(path: Path, content: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Trees of a board that has nothing yet."""
    return Roots(tmp_path / "dev", tmp_path / "sys", tmp_path / "proc")


def test_reads_this_machine() -> None:
    board = read_board()
    assert board.cpu
    assert board.cores >= 1
    assert board.memory_bytes > 1 << 27
    assert "onnxruntime" in board.accelerators


def test_reads_an_arm_board_and_survives_none(tmp_path: Path) -> None:
    cpuinfo, meminfo = tmp_path / "cpuinfo", tmp_path / "meminfo"
    cpuinfo.write_text(
        "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm\n"
        "CPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\nprocessor\t: 1\n"
    )
    meminfo.write_text("MemTotal:        2048000 kB\nMemFree: 1 kB\n")
    board = read_board(cpuinfo, meminfo)
    assert board.cpu == "Cortex-A76"
    assert board.features == ("asimd", "asimddp", "i8mm")
    assert board.memory_bytes == 2_048_000 * 1024
    empty = read_board(tmp_path / "none", tmp_path / "none")
    assert (empty.features, empty.memory_bytes) == ((), 0)


def test_surveys_this_machine_without_changing_or_failing() -> None:
    found = survey(codecs=False)
    assert {item.name for item in found.of("runtime")} >= {"onnxruntime", "openvino", "litert", "openvino-npu"}
    assert [item for item in found.items if item.name == "look"] == []
    assert all(item.what for item in found.items)
    assert all(item.todo for item in found.of("runtime") if not item.usable)


def test_an_empty_board_says_what_it_lacks(roots: Roots) -> None:
    found = survey(roots, codecs=False)
    lacking = {item.kind for item in found.items if item.name == "none"}
    assert lacking == {"gpu", "npu", "isp", "sensor", "gpio", "key store", "thermal"}
    assert found.model == ""


def test_an_arm_board_with_an_ethos_u(roots: Roots) -> None:
    put(roots.dev / "ethosu0")
    put(roots.dev / "tee0")
    put(roots.proc / "device-tree/model", "Acme Vision Board\0")
    found = survey(roots, codecs=False)
    assert found.model == "Acme Vision Board"
    (npu,) = found.of("npu")
    assert (npu.name, npu.usable, npu.tested) == ("/dev/ethosu0", True, False)
    assert "libethosu_delegate.so" in npu.todo
    assert [item.name for item in found.of("key store")] == ["/dev/tee0"]


def test_a_render_node_tells_maker_and_driver(roots: Roots) -> None:
    put(roots.dev / "dri/renderD128")
    device = roots.sys / "class/drm/renderD128/device"
    put(device / "vendor", "0x8086\n")
    driver = roots.sys / "bus/pci/drivers/i915"
    driver.mkdir(parents=True)
    (device / "driver").symlink_to(driver)
    (gpu,) = look_for_chips(roots)
    assert gpu.what == "render node: Intel, driver i915"


def test_an_nvidia_gpu_is_told_by_name(roots: Roots) -> None:
    put(roots.dev / "nvidia0")
    put(roots.dev / "nvidiactl")
    put(roots.proc / "driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t Made Up 9000\nIRQ: 1\n")
    (gpu,) = look_for_chips(roots)
    assert "Made Up 9000" in gpu.what
    assert "onnxruntime-gpu" in gpu.todo


def test_a_tpm_is_a_key_store(roots: Roots) -> None:
    put(roots.dev / "tpmrm0")
    assert [item.name for item in look_for_key_stores(roots)] == ["/dev/tpmrm0"]


def test_thermal_zones_tell_heat_and_limits(roots: Roots) -> None:
    zones = roots.sys / "class/thermal"
    for number, (now, limit) in enumerate([("45000", "80000"), ("79000", "80000")]):
        put(zones / f"thermal_zone{number}/type", "cpu-thermal\n")
        put(zones / f"thermal_zone{number}/temp", now)
        put(zones / f"thermal_zone{number}/trip_point_0_type", "passive\n")
        put(zones / f"thermal_zone{number}/trip_point_0_temp", limit)
    put(zones / "thermal_zone2/type", "broken")
    cool, hot, broken = look_for_thermal_zones(roots)
    assert cool.what == "cpu-thermal: 45 °C, slows down from 80 °C"
    assert cool.todo == ""
    assert "hot" in hot.todo
    assert not broken.usable


def test_what_is_no_device_says_so(roots: Roots) -> None:
    for name in ("video0", "media0", "gpiochip0"):
        put(roots.dev / name, "a plain file")
    found = survey(roots, codecs=False)
    for kind in ("sensor", "isp", "gpio"):
        (item,) = found.of(kind)
        assert not item.usable
        assert "not answer" in item.what


def test_reading_is_bounded(roots: Roots) -> None:
    for number in range(MAX_ENTRIES + 40):
        put(roots.dev / f"video{number}")
    assert len(entries(roots.dev, "video[0-9]*")) == MAX_ENTRIES
    assert text(put(roots.sys / "long", "x" * 10_000), 16) == "x" * 16
    assert entries(roots.dev / "none", "*") == []


def test_a_look_that_fails_or_hangs_is_told_and_the_rest_goes_on(roots: Roots) -> None:
    import threading

    release = threading.Event()

    def look_for_trouble(_: Roots):  # type: ignore[no-untyped-def]
        yield Item("trouble", "first", True, "found before")
        raise OSError("bus error")

    def look_for_hanging(_: Roots):  # type: ignore[no-untyped-def]
        release.wait(60)
        yield Item("hanging", "late", True, "too late")

    first, failed = bounded(look_for_trouble, roots)
    assert (first.name, failed.what) == ("first", "failed: bus error")
    (hung,) = bounded(look_for_hanging, roots, 0.1)
    release.set()
    assert "0.1 s" in hung.what
