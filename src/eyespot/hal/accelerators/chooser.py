"""Which accelerators this program knows, best first."""

from eyespot.hal.accelerators.contract import Accelerator
from eyespot.hal.accelerators.onnxruntime import OnnxRuntime
from eyespot.hal.accelerators.openvino import OpenVino
from eyespot.kernel.errors import invalid


def known() -> tuple[Accelerator, ...]:
    """All accelerators, the usually faster first."""
    return (OpenVino(), OnnxRuntime())


def find_accelerator(name: str) -> Accelerator:
    """The accelerator called ``name``; raises ``INVALID`` with the names there are."""
    for accelerator in known():
        if accelerator.name == name:
            return accelerator
    names = ", ".join(item.name for item in known())
    raise invalid(f"There is no accelerator '{name}'.", f"Choose one of: {names}.")
