"""Decodes a TFLite file that Vela made: which NPU its command stream is for, and that the stream is whole.

Pure; the file is foreign input and every offset is checked. Formats: FlatBuffers (root table, vtables, vectors of
offsets), TensorFlow Lite schema.fbs version 3, and the driver payload "COP1" of Arm's ethos-u-core-driver
(``ethosu_driver.c``: driver actions, ``opt_cfg_s``).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from eyespot.kernel.errors import EyespotError, corrupt

CUSTOM_OPERATION = b"ethos-u"
MAX_COUNT = 100_000
_IDENTIFIER = b"TFL3"
_MAGIC = 0x31504F43
_OPTIMISER, _STREAM, _NOP = 1, 2, 5
_STOP = 0xFFFF0000
"""NPU_OP_STOP with the mask that waits for everything: the last word of a stream."""


@dataclass(frozen=True, slots=True)
class EthosU:
    """What the file asks of an NPU.

    Attributes:
        product: 0 for U55, 1 for U65, 2 for U85.
        macs: multiply-accumulates a cycle.
        stream_words: length of the command stream in 32-bit words, of all NPU operations together.
        npu_operations: operations of the file that run on the NPU; each holds many of the source's.
        cpu_operations: the file's other operations.
    """

    product: int
    macs: int
    stream_words: int
    npu_operations: int
    cpu_operations: int


def decode(data: bytes) -> EthosU:
    """Read the TFLite file ``data``; raises ``CORRUPT`` with what is wrong."""
    try:
        return _decode(data)
    except (struct.error, IndexError) as error:
        raise _broken("an offset leads out of the file") from error


def _decode(data: bytes) -> EthosU:
    if data[4:8] != _IDENTIFIER:
        raise _broken("it is no TFLite file")
    model = _Table(data, struct.unpack_from("<I", data, 0)[0])
    codes = [code.bytes(1) for code in model.tables(1)]
    buffers = list(model.tables(4))
    graph = next(model.tables(2), None)
    if graph is None:
        raise _broken("it has no graph")
    tensors = list(graph.tables(0))
    products, macs, words, npu, cpu = set[int](), set[int](), 0, 0, 0
    for operation in graph.tables(3):
        if codes[operation.number(0)] != CUSTOM_OPERATION:
            cpu += 1
            continue
        npu += 1
        payload = buffers[tensors[operation.numbers(1)[0]].number(2)].bytes(0)
        product, cycle, length = _payload(payload)
        products.add(product)
        macs.add(cycle)
        words += length
    if not npu:
        raise _broken("no operation of it runs on an NPU")
    if len(products) != 1 or len(macs) != 1:
        raise _broken("its command streams are for different NPUs")
    return EthosU(products.pop(), macs.pop(), words, npu, cpu)


def _payload(data: bytes) -> tuple[int, int, int]:
    """Product, multiply-accumulates and words of a driver payload."""
    if len(data) < 12 or len(data) % 4:
        raise _broken("its command stream is cut short")
    words = struct.unpack(f"<{len(data) // 4}I", data)
    if words[0] != _MAGIC:
        raise _broken("its command stream has no header")
    config, length, place = None, 0, 1
    while place < len(words):
        action = words[place] & 0xFF
        if action == _OPTIMISER:
            config = words[place + 1]
            place += 3
        elif action == _STREAM:
            length = (words[place] >> 8 & 0xFF) << 16 | words[place] >> 16
            place += 1 + length
        elif action == _NOP:
            place += 1
        else:
            raise _broken(f"its command stream has an unknown action {action}")
    if place != len(words) or config is None or not length or words[-1] != _STOP:
        raise _broken("its command stream is not whole")
    return config >> 28, 1 << (config & 0xF), length


class _Table:
    """A FlatBuffers table at ``place`` of ``data``; fields by their number in the schema."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data, self._place = data, place
        self._vtable = place - struct.unpack_from("<i", data, place)[0]
        if self._vtable < 0:
            raise _broken("an offset leads out of the file")
        self._fields = (struct.unpack_from("<H", data, self._vtable)[0] - 4) // 2

    def _at(self, field: int) -> int:
        """Where the field is; 0 when it is absent."""
        if field >= self._fields:
            return 0
        offset = struct.unpack_from("<H", self._data, self._vtable + 4 + 2 * field)[0]
        return self._place + offset if offset else 0

    def number(self, field: int) -> int:
        """An unsigned 32-bit field."""
        at = self._at(field)
        return int(struct.unpack_from("<I", self._data, at)[0]) if at else 0

    def _vector(self, field: int) -> tuple[int, int]:
        at = self._at(field)
        if not at:
            return 0, 0
        start = at + struct.unpack_from("<I", self._data, at)[0]
        return start + 4, struct.unpack_from("<I", self._data, start)[0]

    def bytes(self, field: int) -> bytes:
        """A vector of bytes, or a text."""
        start, count = self._vector(field)
        if start + count > len(self._data):
            raise _broken("an offset leads out of the file")
        return self._data[start : start + count]

    def numbers(self, field: int) -> tuple[int, ...]:
        """A vector of 32-bit numbers."""
        start, count = self._vector(field)
        self._bound(count)
        return struct.unpack_from(f"<{count}I", self._data, start) if count else ()

    def tables(self, field: int) -> "Iterator[_Table]":
        """A vector of tables."""
        start, count = self._vector(field)
        self._bound(count)
        for place in range(start, start + 4 * count, 4):
            yield _Table(self._data, place + struct.unpack_from("<I", self._data, place)[0])

    def _bound(self, count: int) -> None:
        if count > MAX_COUNT:
            raise _broken(f"it counts {count} of something")


def _broken(why: str) -> EyespotError:
    return corrupt(f"The compiled file cannot be used: {why}.", "Compile it again.")
