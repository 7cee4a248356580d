"""What a package can be compiled for: the names, and for Ethos-U the system that the estimates assume."""

from dataclasses import dataclass

from eyespot.kernel.errors import invalid

LITERT, OPENVINO = "litert-int8", "openvino-int8"


@dataclass(frozen=True, slots=True)
class Npu:
    """An Ethos-U configuration.

    Attributes:
        name: Vela's name of it: series and multiply-accumulates a cycle.
        product: number of the series in a command stream.
        macs: multiply-accumulates a cycle.
        system_config, memory_mode: what Vela's estimates assume of clock, memory and bus; named in Arm's vela.ini.
    """

    name: str
    product: int
    macs: int
    system_config: str
    memory_mode: str


_SYSTEMS = {
    55: (0, "Ethos_U55_High_End_Embedded", "Shared_Sram", (32, 64, 128, 256)),
    65: (1, "Ethos_U65_Client_Server", "Dedicated_Sram_384KB", (256, 512)),
    85: (2, "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram_384KB", (128, 256, 512, 1024, 2048)),
}
NPUS = {
    f"ethos-u{series}-{macs}": Npu(f"ethos-u{series}-{macs}", product, macs, system, memory)
    for series, (product, system, memory, sizes) in _SYSTEMS.items()
    for macs in sizes
}
TARGETS = (LITERT, OPENVINO, *NPUS)


def find_target(name: str) -> str:
    """The full name of target ``name``; raises ``INVALID`` with the names there are."""
    known = {"litert": LITERT, "openvino": OPENVINO}.get(name, name)
    if known not in TARGETS:
        raise invalid(f"There is no target '{name}'.", f"Choose among: {', '.join(TARGETS)}.")
    return known
