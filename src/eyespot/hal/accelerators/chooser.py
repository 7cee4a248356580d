"""Which accelerators this program knows: its own, the delegates it finds, and plug-ins."""

import platform

from eyespot.hal.accelerators import onnxruntime_providers, openvino
from eyespot.hal.accelerators.contract import Accelerator
from eyespot.hal.accelerators.fake import told_fake
from eyespot.hal.accelerators.litert import LiteRt, delegates
from eyespot.hal.accelerators.onnxruntime import OnnxRuntime
from eyespot.hal.accelerators.openvino import OpenVino
from eyespot.hal.accelerators.plugins import installed_plugins
from eyespot.kernel.errors import invalid


def known(machine: str | None = None) -> tuple[Accelerator, ...]:
    """All accelerators, the usually faster first among those that are tested; imports no runtime.

    Args:
        machine: the processor's architecture as the kernel calls it; None: this machine's. On ``aarch64`` ONNX Runtime
            comes before OpenVINO, which computes INT8 models in floats there (see docs/arm64.md).
    """
    fake = told_fake()
    usual: tuple[Accelerator, Accelerator] = (OpenVino(), OnnxRuntime())
    return (
        *(reversed(usual) if (machine or platform.machine()) == "aarch64" else usual),
        LiteRt(),
        *(LiteRt(delegate) for delegate in delegates()),
        *(OnnxRuntime(provider) for provider in onnxruntime_providers.OTHERS),
        OpenVino(openvino.GPU),
        OpenVino(openvino.NPU),
        *(plugin.accelerator for plugin in installed_plugins() if plugin.accelerator),
        *((fake,) if fake else ()),
    )


def find_accelerator(name: str) -> Accelerator:
    """The accelerator called ``name``; raises ``INVALID`` with the names that can be used here."""
    for accelerator in known():
        if accelerator.name == name:
            return accelerator
    names = ", ".join(item.name for item in known() if item.available())
    raise invalid(f"There is no accelerator '{name}'.", f"Choose one of: {names}.")
