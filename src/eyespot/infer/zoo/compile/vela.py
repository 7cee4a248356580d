"""From LiteRT INT8 to Arm Ethos-U by Arm's Vela compiler, with its estimates.

Vela's figures depend wholly on the system and memory it assumes; both are named in the result.
https://gitlab.arm.com/artificial-intelligence/ethos-u/ethos-u-vela
"""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from eyespot.infer.package import Estimate
from eyespot.infer.zoo.compile.artefact import decode
from eyespot.infer.zoo.compile.targets import Npu
from eyespot.infer.zoo.compile.toolchain import TOOLCHAINS, Say, Toolchain
from eyespot.kernel.errors import corrupt, invalid, unavailable

_KIB = 1024
_OPERATORS = re.compile(r"^(CPU|NPU) operators = (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class VelaModel:
    """The compiled file, its estimates, and the estimated milliseconds of a run on the NPU."""

    path: Path
    estimate: Estimate
    ms: float


def to_ethos_u(source: Path, source_sha256: str, npu: Npu, work: Path, tools: Toolchain, say: Say) -> VelaModel:
    """Compile the INT8 TFLite file ``source`` for ``npu`` and check the result by decoding it.

    Raises:
        EyespotError: ``UNAVAILABLE`` when Vela fails, ``INVALID`` when nothing of the model maps to the NPU,
            ``CORRUPT`` when the file is for another NPU than asked or not whole.
    """
    say(f"compiling for {npu.name}")
    folder = work / npu.name
    command = [
        *(tools.program("vela"), str(source), "--accelerator-config", npu.name, "--config", "Arm/vela.ini"),
        *("--system-config", npu.system_config, "--memory-mode", npu.memory_mode, "--output-dir", str(folder)),
    ]
    printed = tools.run(f"compiling for {npu.name} with Vela", command, say)
    path = folder / f"{source.stem}_vela.tflite"
    summaries = list(folder.glob("*_summary_*.csv"))
    if not path.is_file() or len(summaries) != 1:
        raise unavailable(f"Vela made no file for {npu.name}.", f"Remove {tools.folder} and try again.")
    counts = {name: int(count) for name, count in _OPERATORS.findall(printed)}
    if not counts.get("NPU"):
        raise invalid(f"No operation of the model maps to {npu.name}.", "Compile for litert-int8 and see its graph.")
    say(f"decoding the file for {npu.name}")
    found = decode(path.read_bytes())
    if (found.product, found.macs) != (npu.product, npu.macs):
        raise corrupt(f"The file for {npu.name} is for product {found.product} with {found.macs} MACs a cycle.")
    return _described(path, summaries[0], counts, source_sha256, npu, found.stream_words)


def _described(
    path: Path, summary: Path, counts: dict[str, int], source_sha256: str, npu: Npu, stream_words: int
) -> VelaModel:
    with summary.open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file), None)
    try:
        if row is None:
            raise KeyError("a row")
        kib = {name: float(row[f"{name}_memory_used"]) for name in ("sram", "dram", "off_chip_flash", "on_chip_flash")}
        estimate = Estimate(
            tool=TOOLCHAINS["vela"][0],
            system_config=npu.system_config,
            memory_mode=npu.memory_mode,
            clock_hz=round(float(row["core_clock"])),
            cycles=round(float(row["cycles_total"])),
            sram_bytes=round(_KIB * kib["sram"]),
            dram_bytes=round(_KIB * kib["dram"]),
            flash_bytes=round(_KIB * (kib["off_chip_flash"] + kib["on_chip_flash"])),
            npu_operations=counts["NPU"],
            cpu_operations=counts.get("CPU", 0),
            stream_words=stream_words,
            source_sha256=source_sha256,
        )
        return VelaModel(path, estimate, round(1000 * float(row["inference_time"]), 3))
    except (KeyError, ValueError) as error:
        raise unavailable(f"Vela's summary for {npu.name} cannot be read: {error} is missing.") from error
