"""Tensors of the Open Inference Protocol v2: its type names, bounds, and arrays from bytes or from JSON and back.

Specification: "Open Inference Protocol" v2 (KServe), tensor data types and JSON representation. BYTES and BF16 are
refused: no model here takes them.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eyespot.kernel.errors import EyespotError, Kind, invalid

MAX_RANK = 8
MAX_TENSOR_BYTES = 1 << 26
NAMES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
_PROTOCOL_NAMES = {dtype: name for name, dtype in NAMES.items()}
_MAY_BECOME = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}


def protocol_name(dtype: str) -> str:
    """``UINT8`` for ``uint8``; raises ``INTERNAL`` for what the protocol has no name for."""
    try:
        return _PROTOCOL_NAMES[dtype]
    except KeyError:
        raise EyespotError(Kind.INTERNAL, f"The model has a tensor of type {dtype}, which has no name here.") from None


def size_bytes(datatype: str, shape: Sequence[int], name: str) -> int:
    """Bytes of a tensor; raises ``INVALID`` for an unknown type or impossible shape, ``TOO_LARGE``."""
    if datatype not in NAMES:
        raise invalid(f"Tensor '{name}' has datatype {datatype[:32]!r}.", f"Choose from {', '.join(NAMES)}.")
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise invalid(f"The shape of tensor '{name}' is impossible.")
    total = math.prod(shape) * np.dtype(NAMES[datatype]).itemsize
    if total > MAX_TENSOR_BYTES:
        raise EyespotError(Kind.TOO_LARGE, f"Tensor '{name}' has {total} bytes; {MAX_TENSOR_BYTES} are allowed.")
    return total


def from_bytes(data: bytes | memoryview, datatype: str, shape: Sequence[int], name: str) -> NDArray[Any]:
    """A view of ``data`` (little-endian, row-major); raises ``INVALID`` when it has another length than the shape."""
    wanted = size_bytes(datatype, shape, name)
    if len(data) != wanted:
        raise invalid(f"Tensor '{name}' has {len(data)} bytes of data, its shape and type need {wanted}.")
    dtype = np.dtype(NAMES[datatype]).newbyteorder("<")
    return np.frombuffer(data, dtype).reshape(tuple(shape))


def from_values(values: Any, datatype: str, shape: Sequence[int], name: str) -> NDArray[Any]:
    """From JSON numbers, nested or flat; raises ``INVALID`` when they do not fit type and shape exactly."""
    size_bytes(datatype, shape, name)
    dtype = np.dtype(NAMES[datatype])
    try:
        plain = np.array(values)
        fits = plain.dtype.kind in _MAY_BECOME[dtype.kind] or plain.size == 0
        if fits and plain.size == math.prod(shape):
            if dtype.kind in "iu" and plain.size:
                limits = np.iinfo(dtype)
                fits = bool(plain.min() >= limits.min and plain.max() <= limits.max)
            if fits:
                with np.errstate(over="ignore"):
                    return plain.astype(dtype).reshape(tuple(shape))
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise invalid(f"The data of tensor '{name}' are not numbers in rows.") from error
    raise invalid(f"The data of tensor '{name}' do not fit {datatype} {list(shape)}.")


def to_bytes(array: NDArray[Any]) -> bytes:
    """Row-major, little-endian."""
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
