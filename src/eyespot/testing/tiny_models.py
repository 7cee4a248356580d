"""One tiny model in each file format, made on the spot: bytes ``(1, H, W, 3)`` in, the mean of each colour out.

``image`` is uint8 with open height and width, ``mean`` is float32 ``(1, 3)``. The TFLite file is written table by table
(https://github.com/google-ai-edge/LiteRT, tflite/converter/schema/schema.fbs), so that no converter is needed.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_FLOAT32, _INT32, _UINT8 = 0, 2, 3
_MEAN, _CAST = 40, 53
_REDUCER_OPTIONS, _CAST_OPTIONS = 27, 37


def write_model(folder: Path, ending: str) -> Path:
    """The model as ``mean`` with ``ending`` in ``folder``; raises ``KeyError`` for an ending it does not know."""
    path = folder / f"mean{ending}"
    path.write_bytes(_WRITERS[ending]())
    return path


def mean_onnx() -> bytes:
    """As ONNX, operator set 17."""
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
    ]
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def mean_fake() -> bytes:
    """As the fake accelerator reads it."""
    return json.dumps(
        {
            "inputs": [{"name": "image", "dtype": "uint8", "shape": [1, None, None, 3]}],
            "outputs": [{"name": "mean", "dtype": "float32", "shape": [1, 3]}],
        }
    ).encode()


def mean_tflite() -> bytes:
    """As TFLite, schema version 3."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    empty = _table(builder, [])
    axes = _table(builder, [("offset", _bytes(builder, (1).to_bytes(4, "little") + (2).to_bytes(4, "little")))])
    buffers = _vector(builder, [empty, axes])
    tensors = _vector(
        builder,
        [
            _tensor(builder, "image", _UINT8, [1, 1, 1, 3], signature=[1, -1, -1, 3]),
            _tensor(builder, "floats", _FLOAT32, [1, 1, 1, 3], signature=[1, -1, -1, 3]),
            _tensor(builder, "axes", _INT32, [2], buffer=1),
            _tensor(builder, "mean", _FLOAT32, [1, 3]),
        ],
    )
    cast_options = _table(builder, [("int8", _UINT8), ("int8", _FLOAT32)])
    mean_options = _table(builder, [("bool", False)])
    operators = _vector(
        builder,
        [
            _operator(builder, 0, [0], [1], _CAST_OPTIONS, cast_options),
            _operator(builder, 1, [1, 2], [3], _REDUCER_OPTIONS, mean_options),
        ],
    )
    name = builder.CreateString("main")
    sides = [("offset", _ints(builder, [0])), ("offset", _ints(builder, [3]))]
    graph = _table(builder, [("offset", tensors), *sides, ("offset", operators), ("offset", name)])
    codes = _vector(builder, [_table(builder, _code(number)) for number in (_CAST, _MEAN)])
    graphs, words = _vector(builder, [graph]), builder.CreateString("the mean of each colour")
    fields = [("uint32", 3), ("offset", codes), ("offset", graphs), ("offset", words), ("offset", buffers)]
    builder.Finish(_table(builder, fields), b"TFL3")
    return bytes(builder.Output())


def _code(number: int) -> list[tuple[str, Any]]:
    return [("int8", number), ("none", 0), ("int32", 1), ("int32", number)]


def _tensor(
    builder: Any, name: str, kind: int, shape: Sequence[int], *, buffer: int = 0, signature: Sequence[int] = ()
) -> int:
    text, sizes = builder.CreateString(name), _ints(builder, shape)
    fields: list[tuple[str, Any]] = [("offset", sizes), ("int8", kind), ("uint32", buffer), ("offset", text)]
    if signature:
        opened = _ints(builder, signature)
        fields += [("none", 0), ("none", 0), ("none", 0), ("offset", opened)]
    return _table(builder, fields)


def _operator(builder: Any, code: int, inputs: list[int], outputs: list[int], kind: int, options: int) -> int:
    ins, outs = _ints(builder, inputs), _ints(builder, outputs)
    fields = [("uint32", code), ("offset", ins), ("offset", outs), ("uint8", kind), ("offset", options)]
    return _table(builder, fields)


def _table(builder: Any, fields: Sequence[tuple[str, Any]]) -> int:
    """A table whose fields are given in the schema's order; ``none`` leaves one out."""
    add: dict[str, Callable[[int, Any], None]] = {
        "offset": lambda slot, value: builder.PrependUOffsetTRelativeSlot(slot, value, 0),
        "int8": lambda slot, value: builder.PrependInt8Slot(slot, value, 0),
        "uint8": lambda slot, value: builder.PrependUint8Slot(slot, value, 0),
        "int32": lambda slot, value: builder.PrependInt32Slot(slot, value, 0),
        "uint32": lambda slot, value: builder.PrependUint32Slot(slot, value, 0),
        "bool": lambda slot, value: builder.PrependBoolSlot(slot, value, None),
    }
    builder.StartObject(len(fields))
    for slot, (kind, value) in enumerate(fields):
        if kind != "none":
            add[kind](slot, value)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _ints(builder: Any, numbers: Sequence[int]) -> int:
    builder.StartVector(4, len(numbers), 4)
    for number in reversed(numbers):
        builder.PrependInt32(number)
    return int(builder.EndVector())


def _bytes(builder: Any, data: bytes) -> int:
    """Bytes aligned to 16, as the runtime wants constants."""
    builder.StartVector(1, len(data), 16)
    for byte in reversed(data):
        builder.PrependByte(byte)
    return int(builder.EndVector())


_WRITERS: dict[str, Callable[[], bytes]] = {".onnx": mean_onnx, ".tflite": mean_tflite, ".fake": mean_fake}
