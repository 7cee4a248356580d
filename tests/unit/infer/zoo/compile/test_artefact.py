"""Decoding Vela's files: the NPU is told, and any broken file is refused and never crashes."""

import contextlib
import struct

import flatbuffers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.infer.zoo.compile.artefact import EthosU, decode
from eyespot.kernel.errors import EyespotError, Kind


def payload(
    product: int = 1, macs_log2: int = 8, stream: tuple[int, ...] = (0x123, 0xFFFF0000), head: str = "COP1"
) -> bytes:
    magic = struct.unpack("<I", head.encode())[0]
    words = [magic, 0x100001, product << 28 | macs_log2, 0x10066001, 5, 5, 5, len(stream) << 16 | 2, *stream]
    return struct.pack(f"<{len(words)}I", *words)


def vector(builder: flatbuffers.Builder, places: list[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()


def numbers(builder: flatbuffers.Builder, values: list[int]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependInt32(value)
    return builder.EndVector()


def table(builder: flatbuffers.Builder, **fields: int) -> int:
    """A table; ``oN`` is an offset in field N, ``nN`` a number."""
    builder.StartObject(8)
    for name, value in fields.items():
        if name[0] == "o":
            builder.PrependUOffsetTRelativeSlot(int(name[1:]), value, 0)
        else:
            builder.PrependUint32Slot(int(name[1:]), value, 0)
    return builder.EndObject()


def model(*payloads: bytes, others: int = 2) -> bytes:
    """A file with an NPU operation for each of ``payloads`` and ``others`` for the processor."""
    builder = flatbuffers.Builder(1024)
    data = [builder.CreateByteVector(each) for each in payloads]
    buffers = [table(builder), *(table(builder, o0=each) for each in data)]
    code = builder.CreateString("ethos-u")
    codes = [table(builder, n3=6), table(builder, o1=code)]
    tensors = [table(builder, n2=number + 1) for number in range(len(payloads))]
    operations = []
    for number in range(len(payloads)):
        inputs = numbers(builder, [number])
        operations.append(table(builder, n0=1, o1=inputs))
    operations += [table(builder, n0=0) for _ in range(others)]
    places = vector(builder, tensors), vector(builder, operations)
    graphs = vector(builder, [table(builder, o0=places[0], o3=places[1])])
    roots = vector(builder, codes), vector(builder, buffers)
    builder.Finish(table(builder, o1=roots[0], o2=graphs, o4=roots[1]), b"TFL3")
    return bytes(builder.Output())


def test_the_npu_is_told() -> None:
    assert decode(model(payload())) == EthosU(1, 256, 2, 1, 2)
    assert decode(model(payload(2, 9), payload(2, 9), others=0)) == EthosU(2, 512, 4, 2, 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no TFLite file"),
        (b"x" * 100, "no TFLite file"),
        (model(), "no operation of it runs on an NPU"),
        (model(payload(head="COP9")), "no header"),
        (model(payload()[:8]), "cut short"),
        (model(payload()[:-4]), "not whole"),
        (model(payload(stream=(1, 2))), "not whole"),
        (model(payload() + struct.pack("<I", 77)), "unknown action"),
        (model(payload(1), payload(2)), "different NPUs"),
    ],
)
def test_a_broken_file_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(EyespotError, match=said) as caught:
        decode(data)
    assert caught.value.kind is Kind.CORRUPT


def test_a_file_cut_anywhere_is_refused() -> None:
    whole = model(payload())
    for length in range(len(whole)):
        with pytest.raises(EyespotError):
            decode(whole[:length] if length > 8 else whole[:length].ljust(4, b"\0"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_flipped_bytes_never_crash(changes: list[tuple[int, int]]) -> None:
    data = bytearray(model(payload()))
    for place, value in changes:
        data[place % len(data)] = value
    with contextlib.suppress(EyespotError):
        assert decode(bytes(data)).npu_operations >= 1
