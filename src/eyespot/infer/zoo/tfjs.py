"""Reads a TensorFlow.js graph model (``.json`` topology and ``.bin`` weights) into plain nodes and numpy weights.

Format: tensorflow/tfjs, ``tfjs-core/src/io/types.ts`` (``ModelJSON``, ``WeightsManifestEntry``). Runs nothing.
"""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import corrupt

MAX_TOPOLOGY_BYTES = 16 << 20
MAX_WEIGHTS_BYTES = 512 << 20
_DTYPES: Mapping[str, Any] = {"float32": np.float32, "int32": np.int32, "bool": np.bool_, "uint8": np.uint8}
_STORED: Mapping[str, Any] = {"float16": np.float16, "uint8": np.uint8, "uint16": np.uint16}


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. ``inputs`` name other nodes; ``name:1`` is a node's second output; control inputs are left out."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GraphModel:
    """Nodes by name, and the constants' values by node name (already dequantised)."""

    nodes: Mapping[str, Node]
    weights: Mapping[str, NDArray[Any]]


def read_graph_model(topology_path: Path) -> GraphModel:
    """The model at ``topology_path``, its weight files beside it; raises ``CORRUPT`` when it breaks the format."""
    document = json.loads(_bounded(topology_path, MAX_TOPOLOGY_BYTES))
    if document.get("format") != "graph-model":
        raise corrupt(f"{topology_path.name} is not a TensorFlow.js graph model.")
    nodes = [_node(item) for item in document["modelTopology"]["node"]]
    weights: dict[str, NDArray[Any]] = {}
    for part in document["weightsManifest"]:
        data = b"".join(_bounded(topology_path.parent / Path(name).name, MAX_WEIGHTS_BYTES) for name in part["paths"])
        weights.update(_weights(part["weights"], data))
    return GraphModel({node.name: node for node in nodes}, weights)


def _bounded(path: Path, limit_bytes: int) -> bytes:
    if path.stat().st_size > limit_bytes:
        raise corrupt(f"{path.name} is larger than {limit_bytes} bytes.")
    return path.read_bytes()


def _node(item: Mapping[str, Any]) -> Node:
    inputs = tuple(name for name in item.get("input", ()) if not name.startswith("^"))
    attributes = {key: _attribute(value) for key, value in item.get("attr", {}).items()}
    return Node(item["name"], item["op"], inputs, attributes)


def _attribute(value: Mapping[str, Any]) -> Any:
    """One protobuf ``AttrValue`` in its JSON form; shapes and tensors stay as they are."""
    if "s" in value:
        return base64.b64decode(value["s"]).decode()
    if "i" in value:
        return int(value["i"])
    if "list" in value:
        return [int(item) for item in value["list"].get("i", ())]
    return next((value[key] for key in ("f", "b", "type", "shape", "tensor") if key in value), None)


def _weights(specs: list[Mapping[str, Any]], data: bytes) -> dict[str, NDArray[Any]]:
    weights: dict[str, NDArray[Any]] = {}
    offset = 0
    for spec in specs:
        dtype = _DTYPES.get(spec["dtype"])
        packing = spec.get("quantization")
        stored = _STORED.get(packing["dtype"]) if packing else dtype
        if dtype is None or stored is None:
            raise corrupt(f"Weight {spec['name']} has a type this reader does not know.")
        count = math.prod(spec["shape"])
        if offset + count * np.dtype(stored).itemsize > len(data):
            raise corrupt(f"The weights end inside {spec['name']}.")
        values = np.frombuffer(data, stored, count, offset)
        offset += values.nbytes
        if packing and packing["dtype"] != "float16":
            values = values * np.float32(packing["scale"]) + np.float32(packing["min"])
        weights[spec["name"]] = values.astype(dtype).reshape(spec["shape"])
    if offset != len(data):
        raise corrupt(f"{len(data) - offset} bytes of weights belong to no tensor.")
    return weights
