"""LiteRT with XNNPACK, channels innermost. Its models are built from the schema that comes with it; TensorFlow is not needed."""

from importlib.metadata import version

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

VERSION = version("ai-edge-litert")

# TFLite's codes of element types and operators.
TYPES = {np.dtype(t): c for t, c in [("f4", schema.TensorType.FLOAT32), ("i1", schema.TensorType.INT8), ("i4", schema.TensorType.INT32)]}
OPERATORS = schema.BuiltinOperator


class Model:
    """A model under construction: one subgraph."""

    def __init__(self):
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.operatorCodes = 3, [self.graph], []
        self.model.buffers = [schema.BufferT()]
        self.graph.tensors, self.graph.operators = [], []

    def tensor(self, shape, element, values=None, scales=None, axis=0):
        """Adds a tensor, a constant where there are values, and returns its number."""
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.name = list(shape), TYPES[np.dtype(element)], f"t{len(self.graph.tensors)}"
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(values, element).tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        if scales is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = [float(scale) for scale in scales]
            tensor.quantization.zeroPoint = [0] * len(scales)
            tensor.quantization.quantizedDimension = axis
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(self, code, inputs, output, kind=None, options=None):
        """Adds an operator."""
        named = schema.OperatorCodeT()
        named.builtinCode, named.deprecatedBuiltinCode, named.version = code, code, 3
        self.model.operatorCodes.append(named)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(self.model.operatorCodes) - 1, inputs, [output]
        if options is not None:
            operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.graph.operators.append(operator)

    def interpreter(self, threads, source, result):
        """The finished model, ready to run."""
        self.graph.inputs, self.graph.outputs = [source], [result]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self.model.Pack(builder), file_identifier=b"TFL3")
        made = Interpreter(model_content=bytes(builder.Output()), num_threads=threads)
        made.allocate_tensors()
        return made


def variants(case, x, w, scales, threads):
    element = {"f32": np.float32, "int8": np.int8}.get(case.elements)
    if element is None or case.rank == 3 or case.transposed and (case.groups > 1 or padding_of_transposed(case) is None):
        return {}
    # Signals are images of one row; activations of u8 are those of i8 with zero points of 0.
    if case.rank == 1:
        x, w = x[:, :, None], w[:, :, None]
    x = np.moveaxis(x - case.zero_point, 1, -1).astype(element)
    model = Model()
    unit = [1.0] if element == np.int8 else None
    source = model.tensor(x.shape, element, scales=unit)
    shape = (case.batch, *wide(case.output_extents, 1), case.outputs)
    result = model.tensor(shape, element, scales=unit)
    add = transposed if case.transposed else direct
    add(model, case, source, x.shape, w, scales if unit else None, element, result)
    interpreter = model.interpreter(threads, source, result)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    place = interpreter.get_output_details()[0]["index"]

    def output():
        found = np.moveaxis(interpreter.get_tensor(place), -1, 1)
        return found.astype(np.float64) + case.zero_point

    return {"litert": (interpreter.invoke, output)}


def wide(values, absent):
    """Of height and width; a signal's height is `absent`."""
    return (absent, *values) if len(values) == 1 else tuple(values)


def padding_of_transposed(case):
    """TFLite's padding, where one is meant by the pads."""
    if any(case.output_padding):
        return None
    if all(2 * p == k - s for p, k, s in zip(case.pads, case.kernel, case.strides)):
        return schema.Padding.SAME
    return None if any(case.pads) else schema.Padding.VALID


def constants(model, case, weights, scales, element, axis):
    """Weights and biases of 0, which quantised operators ask for."""
    held = model.tensor(weights.shape, element, weights, scales, axis)
    zeros = np.zeros(case.outputs)
    bias = model.tensor(zeros.shape, np.float32 if scales is None else np.int32, zeros, scales)
    return held, bias


def direct(model, case, source, shape, w, scales, element, result):
    pads = wide(case.pads, 0)
    reach = [d * (k - 1) for d, k in zip(wide(case.dilations, 1), w.shape[2:])]
    same = set(case.strides) == {1} and all(2 * p == r for p, r in zip(pads, reach))
    if not same and any(pads):
        # XNNPACK merges it with the layer that follows.
        padded = [n + 2 * p for n, p in zip(shape, (0, *pads, 0))]
        place = model.tensor(padded, element, scales=None if scales is None else [1.0])
        amounts = [(p, p) for p in (0, *pads, 0)]
        model.operator(OPERATORS.PAD, [source, model.tensor((4, 2), np.int32, amounts)], place,
                       schema.BuiltinOptions.PadOptions, schema.PadOptionsT())
        source = place
    options = schema.DepthwiseConv2DOptionsT() if case.depthwise else schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME if same else schema.Padding.VALID
    options.strideH, options.strideW = wide(case.strides, 1)
    options.dilationHFactor, options.dilationWFactor = wide(case.dilations, 1)
    if case.depthwise:
        options.depthMultiplier = 1
        held = constants(model, case, w.transpose(1, 2, 3, 0), scales, element, 3)
        kind, code = schema.BuiltinOptions.DepthwiseConv2DOptions, OPERATORS.DEPTHWISE_CONV_2D
    else:
        held = constants(model, case, w.transpose(0, 2, 3, 1), scales, element, 0)
        kind, code = schema.BuiltinOptions.Conv2DOptions, OPERATORS.CONV_2D
    model.operator(code, [source, *held], result, kind, options)


def transposed(model, case, source, shape, w, scales, element, result):
    options = schema.TransposeConvOptionsT()
    options.padding = padding_of_transposed(case)
    options.strideH, options.strideW = wide(case.strides, 1)
    extents = model.tensor((4,), np.int32, [case.batch, *wide(case.output_extents, 1), case.outputs])
    held, bias = constants(model, case, w.transpose(1, 2, 3, 0), scales, element, 0)
    model.operator(OPERATORS.TRANSPOSE_CONV, [extents, held, source, bias], result,
                   schema.BuiltinOptions.TransposeConvOptions, options)
