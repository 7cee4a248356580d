"""Turns a quantised TFLite model into one that computes in bytes from the picture to the last operation.

The quantiser leaves some operations in float between a DEQUANTIZE and a QUANTIZE although TFLite defines them on bytes
(LEAKY_RELU, REDUCE_MAX); these are put onto the bytes themselves. The input becomes uint8, as cameras give it, and the
outputs float32, as heads read them. Runs in the toolchain's environment. Format: TensorFlow's schema.fbs, version 3.
"""

from collections.abc import Iterator
from pathlib import Path

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

QUANTIZE, DEQUANTIZE = schema.BuiltinOperator.QUANTIZE, schema.BuiltinOperator.DEQUANTIZE
SAME_SCALE = {schema.BuiltinOperator.REDUCE_MAX: 2}
OWN_SCALE = {schema.BuiltinOperator.LEAKY_RELU: 2}
"""Operation → version that takes bytes; with the input's scale on the output, or with one of its own."""


def rewrite(source: Path, target: Path) -> None:
    """Read the quantised model at ``source``, write the rewritten one to ``target``."""
    graph = _Graph(flatbuffer_utils.read_model(str(source)))
    for kinds, same in ((OWN_SCALE, False), (SAME_SCALE, True)):
        for kind, version in kinds.items():
            for operator in list(graph.of_kind(kind)):
                graph.onto_bytes(operator, graph.code(kind, version), same_scale=same)
    graph.drop_unused()
    graph.bytes_in()
    graph.floats_out()
    flatbuffer_utils.write_model(graph.model, str(target))


class _Graph:
    def __init__(self, model: schema.ModelT) -> None:
        self.model = model
        self.sub = model.subgraphs[0]

    def code(self, kind: int, version: int) -> int:
        """The place of an operator code, added where it is missing."""
        for place, item in enumerate(self.model.operatorCodes):
            if item.builtinCode == kind and item.version >= version:
                return place
        item = schema.OperatorCodeT()
        item.builtinCode, item.deprecatedBuiltinCode, item.version = kind, min(kind, 127), version
        self.model.operatorCodes.append(item)
        return len(self.model.operatorCodes) - 1

    def kind(self, operator: schema.OperatorT) -> int:
        return self.model.operatorCodes[operator.opcodeIndex].builtinCode

    def of_kind(self, kind: int) -> Iterator[schema.OperatorT]:
        return (item for item in self.sub.operators if self.kind(item) == kind)

    def onto_bytes(self, operator: schema.OperatorT, code: int, *, same_scale: bool) -> None:
        """Put ``operator`` between the byte tensors before its DEQUANTIZE and after its QUANTIZE, where there are."""
        before = [item for item in self.of_kind(DEQUANTIZE) if item.outputs[0] == operator.inputs[0]]
        after = [item for item in self.of_kind(QUANTIZE) if item.inputs[0] == operator.outputs[0]]
        users = [item for item in self.sub.operators if operator.outputs[0] in list(item.inputs)]
        if not before or not after or len(users) != len(after):
            return
        source = before[0].inputs[0]
        operator.inputs = [source, *list(operator.inputs)[1:]]
        operator.opcodeIndex = code
        if same_scale:
            result = self.sub.tensors[operator.outputs[0]]
            result.type, result.quantization = schema.TensorType.INT8, self.sub.tensors[source].quantization
            return
        first = after[0].outputs[0]
        operator.outputs = [first]
        self.sub.operators.remove(after[0])
        for item in after[1:]:
            item.inputs = [first]

    def drop_unused(self) -> None:
        """Remove operations whose results nobody reads."""
        while True:
            read = {int(place) for item in self.sub.operators for place in item.inputs}
            read |= set(map(int, self.sub.outputs))
            kept = [item for item in self.sub.operators if any(int(place) in read for place in item.outputs)]
            if len(kept) == len(self.sub.operators):
                return
            self.sub.operators = kept

    def tensor(self, like: int, name: bytes, kind: int, scale: schema.QuantizationParametersT | None) -> int:
        """A new tensor with the shape of ``like``."""
        item = schema.TensorT()
        self.model.buffers.append(schema.BufferT())
        item.shape, item.shapeSignature = self.sub.tensors[like].shape, self.sub.tensors[like].shapeSignature
        item.name, item.type, item.buffer = name, kind, len(self.model.buffers) - 1
        item.quantization = scale
        self.sub.tensors.append(item)
        return len(self.sub.tensors) - 1

    def convert(self, kind: int, version: int, source: int, target: int) -> schema.OperatorT:
        item = schema.OperatorT()
        item.opcodeIndex, item.inputs, item.outputs = self.code(kind, version), [source], [target]
        return item

    def bytes_in(self) -> None:
        """Make the input uint8; its values are the picture's own, 0 to 255."""
        inner = int(self.sub.inputs[0])
        found = self.sub.tensors[inner].quantization
        if abs(found.scale[0] - 1.0) > 1e-6 or found.zeroPoint[0] != -128:
            raise SystemExit(f"the picture's bytes are not kept: scale {found.scale[0]}, zero {found.zeroPoint[0]}")
        scale = schema.QuantizationParametersT()
        scale.scale, scale.zeroPoint = [1.0], [0]
        outer = self.tensor(inner, b"image", schema.TensorType.UINT8, scale)
        self.sub.operators.insert(0, self.convert(QUANTIZE, 2, outer, inner))
        self.sub.inputs = [outer]
        self._tell_signatures({inner: outer})

    def floats_out(self) -> None:
        """Make every output float32."""
        moved = {}
        for place, inner in enumerate(map(int, self.sub.outputs)):
            if self.sub.tensors[inner].type != schema.TensorType.INT8:
                continue
            moved[inner] = self.tensor(inner, b"output_%d" % place, schema.TensorType.FLOAT32, None)
            self.sub.operators.append(self.convert(DEQUANTIZE, 2, inner, moved[inner]))
        self.sub.outputs = [moved.get(int(inner), int(inner)) for inner in self.sub.outputs]
        self._tell_signatures(moved)

    def _tell_signatures(self, moved: dict[int, int]) -> None:
        for signature in self.model.signatureDefs or []:
            for item in [*signature.inputs, *signature.outputs]:
                item.tensorIndex = moved.get(item.tensorIndex, item.tensorIndex)
