"""The execution providers of ONNX Runtime that Eyespot knows, and whether they are in the installed build.

Providers in libraries of their own are seen by their file. Those linked into the runtime can only be asked for by
importing it (about 30 MB), so that is done only where the installed build may have any.
"""

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eyespot.hal.accelerators.contract import Presence
from eyespot.hal.accelerators.installed import folder_of
from eyespot.kernel.config import read_env

_STOCK = "onnxruntime"
"""The distribution that has nothing but the CPU linked in."""
_BUILD = "build_and_package_info.py"
"""The runtime's own word on its distribution and version."""
_DEV = Path("/dev")
ASK = "ONNXRUNTIME_ASK"
"""``$EYESPOT_ONNXRUNTIME_ASK=1``: import the runtime to learn what is linked into it; for builds of one's own."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One execution provider.

    Attributes:
        name: as an accelerator, for configuration and figures.
        execution: ONNX Runtime's own name.
        library: its file in the runtime's folder; empty when it is linked in.
        todo: how to get it.
        options: handed to the provider.
        nodes: patterns below ``/dev``, one of which must be there; empty where no device is needed.
    """

    name: str
    execution: str
    library: str = ""
    todo: str = ""
    tested: bool = False
    options: tuple[tuple[str, str], ...] = ()
    nodes: tuple[str, ...] = ()


CPU = Provider("onnxruntime", "CPUExecutionProvider", todo="Install eyespot[edge].", tested=True)
_NVIDIA = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu")
OTHERS = (
    Provider("onnxruntime-tensorrt", "TensorrtExecutionProvider", "libonnxruntime_providers_tensorrt.so",
             "For NVIDIA: install onnxruntime-gpu and TensorRT in place of onnxruntime.", nodes=_NVIDIA),
    Provider("onnxruntime-cuda", "CUDAExecutionProvider", "libonnxruntime_providers_cuda.so",
             "For NVIDIA: install onnxruntime-gpu in place of onnxruntime.", nodes=_NVIDIA),
    Provider("onnxruntime-openvino", "OpenVINOExecutionProvider", "libonnxruntime_providers_openvino.so",
             "For Intel: the accelerators openvino, openvino-gpu and openvino-npu do the same without it.",
             tested=True, options=(("device_type", "CPU"),)),
    Provider("onnxruntime-qnn", "QNNExecutionProvider", "libonnxruntime_providers_qnn.so",
             "For Qualcomm: install a build of ONNX Runtime with QNN.",
             options=(("backend_path", "libQnnHtp.so"),), nodes=("fastrpc-cdsp*",)),
    Provider("onnxruntime-coreml", "CoreMLExecutionProvider", todo="In ONNX Runtime for macOS."),
    Provider("onnxruntime-acl", "ACLExecutionProvider",
             todo=f"For Arm: build ONNX Runtime with --use_acl, and set EYESPOT_{ASK}=1."),
    Provider("onnxruntime-xnnpack", "XnnpackExecutionProvider",
             todo=f"Build ONNX Runtime with --use_xnnpack, and set EYESPOT_{ASK}=1."),
)  # fmt: skip
"""The usually faster first."""


def presence(provider: Provider, dev: Path = _DEV) -> Presence:
    """Whether ``provider`` is in the installed build and has its device; see ``contract.Explains``."""
    folder = folder_of("onnxruntime")
    build = _build(folder) if folder else {}
    maker = build.get("package_name", "")
    version = build.get("__version__", "") + (f" ({maker})" if maker not in ("", _STOCK) else "")
    if folder is None:
        why_not = "ONNX Runtime is not installed."
    elif provider != CPU and not _is_in(provider, folder):
        why_not = f"The installed ONNX Runtime has no {provider.execution}."
    elif provider.nodes and not any(any(dev.glob(pattern)) for pattern in provider.nodes):
        why_not = f"There is no device for it: no /dev/{provider.nodes[0]}."
    else:
        return Presence(usable=True, version=version, tested=provider.tested)
    return Presence(usable=False, version=version, why_not=why_not, todo=provider.todo, tested=provider.tested)


def _is_in(provider: Provider, folder: Path) -> bool:
    if provider.library:
        return (folder / "capi" / provider.library).is_file()
    if sys.platform == "darwin" or read_env(ASK) == "1" or _build(folder).get("package_name") != _STOCK:
        return provider.execution in _linked_in()
    return False


def _build(folder: Path) -> dict[str, str]:
    """Distribution and version of the build in ``folder``, as far as it tells."""
    try:
        with (folder / "capi" / _BUILD).open(encoding="utf-8", errors="replace") as file:
            lines = file.read(4096).splitlines()
    except OSError:
        return {}
    words = (line.partition("=") for line in lines)
    return {name.strip(): value.strip(" '\"") for name, equals, value in words if equals}


@cache
def _linked_in() -> frozenset[str]:
    try:
        import onnxruntime
    except ImportError:
        return frozenset()
    runtime: Any = onnxruntime
    return frozenset(runtime.get_available_providers())
