"""GPUs, NPUs and key stores by their device nodes. Opens nothing; the kernel's own tables say who made what."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eyespot.hal.board.item import Item
from eyespot.hal.board.roots import Roots, entries, link_name, text

_VENDORS = {"0x8086": "Intel", "0x10de": "NVIDIA", "0x1002": "AMD", "0x1af4": "virtio", "0x15ad": "VMware",
            "0x17cb": "Qualcomm"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device node.

    Attributes:
        kind: ``gpu``, ``npu`` or ``key store``.
        pattern: below ``/dev``.
        what: whose and what it is.
        use: how Eyespot would use it.
    """

    kind: str
    pattern: str
    what: str
    use: str


KINDS = (
    Kind("gpu", "dri/renderD*", "render node", "Intel: openvino-gpu. Others: the vendor's runtime."),
    Kind("gpu", "nvidia[0-9]*", "NVIDIA GPU", "Install onnxruntime-gpu in place of onnxruntime, with CUDA."),
    Kind("gpu", "nvhost-gpu", "NVIDIA Jetson GPU", "Install NVIDIA's build of onnxruntime-gpu for Jetson."),
    Kind("gpu", "nvgpu", "NVIDIA Jetson GPU", "Install NVIDIA's build of onnxruntime-gpu for Jetson."),
    Kind("gpu", "kfd", "AMD GPU compute", "Needs a build of ONNX Runtime for ROCm, as a plug-in."),
    Kind("gpu", "mali*", "Arm Mali GPU", "Needs a LiteRT delegate: name it in EYESPOT_LITERT_DELEGATES."),
    Kind("gpu", "kgsl-3d0", "Qualcomm Adreno GPU", "Needs a LiteRT delegate: name it in EYESPOT_LITERT_DELEGATES."),
    Kind("npu", "accel/accel*", "compute accelerator", "Intel: openvino-npu. Others: the maker's plug-in."),
    Kind("npu", "ethosu*", "Arm Ethos-U", "Needs libethosu_delegate.so and a model package with an ethos-u variant."),
    Kind("npu", "apex_*", "Coral Edge TPU", "Needs libedgetpu.so.1."),
    Kind("npu", "galcore", "VeriSilicon NPU or GPU", "Needs libvx_delegate.so."),
    Kind("npu", "rknpu*", "Rockchip NPU", "Needs a plug-in around rknn-toolkit-lite2."),
    Kind("npu", "hailo[0-9]*", "Hailo", "Needs a plug-in around HailoRT."),
    Kind("npu", "memx[0-9]*", "MemryX", "Needs a plug-in around MemryX's runtime."),
    Kind("npu", "metis-*", "Axelera Metis", "Needs a plug-in around Axelera's runtime."),
    Kind("npu", "fastrpc-cdsp*", "Qualcomm Hexagon", "Needs a build of ONNX Runtime with QNN."),
    Kind("npu", "apusys", "MediaTek APU", "Needs MediaTek's LiteRT delegate: name it in EYESPOT_LITERT_DELEGATES."),
    Kind("npu", "davinci[0-9]*", "Huawei Ascend", "Needs a plug-in around CANN."),
    Kind("npu", "tenstorrent/[0-9]*", "Tenstorrent", "Needs a plug-in around its runtime."),
    Kind("key store", "tpmrm[0-9]*", "TPM 2.0, through the kernel's resource manager", "Keys are not kept there yet."),
    Kind("key store", "tee[0-9]*", "trusted execution environment (OP-TEE)", "Keys are not kept there yet."),
)


def look_for_chips(roots: Roots) -> Iterator[Item]:
    """GPUs and NPUs."""
    yield from _found(roots, ("gpu", "npu"))


def look_for_key_stores(roots: Roots) -> Iterator[Item]:
    """TPMs and trusted execution environments."""
    yield from _found(roots, ("key store",))


def _found(roots: Roots, kinds: tuple[str, ...]) -> Iterator[Item]:
    for kind in KINDS:
        if kind.kind not in kinds:
            continue
        for node in entries(roots.dev, kind.pattern):
            allowed = os.access(node, os.R_OK | os.W_OK)
            name = str(Path("/dev") / node.relative_to(roots.dev))
            todo = kind.use if allowed else f"This user may not open it: add the user to the group of {name}."
            facts = _facts(roots, node)
            what = kind.what + (f": {facts}" if facts else "")
            yield Item(kind.kind, name, allowed, what, todo, tested=False)


def _facts(roots: Roots, node: Path) -> str:
    """What the kernel says of the device behind ``node``: maker, model, driver."""
    if node.name.startswith("nvidia"):
        model = next(
            (
                line.partition(":")[2].strip()
                for path in entries(roots.proc, "driver/nvidia/gpus/*/information")
                for line in text(path).splitlines()
                if line.startswith("Model:")
            ),
            "",
        )
        version = text(roots.proc / "driver/nvidia/version").partition("\n")[0][:120]
        return ", ".join(part for part in (model, version) if part)
    for family in ("drm", "accel", "tpmrm", "tee", "misc"):
        device = roots.sys / "class" / family / node.name / "device"
        if device.exists():
            vendor = text(device / "vendor", 32)
            driver = link_name(device / "driver")
            return ", ".join(part for part in (_VENDORS.get(vendor, vendor), driver and f"driver {driver}") if part)
    return ""
