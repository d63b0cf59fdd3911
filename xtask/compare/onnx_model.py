"""A case as an ONNX model of one layer."""

import numpy as np
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array


def model(case, w, scales, operator_of_integers=True):
    """Serialised: f32, or quantised with u8 inputs and outputs whose scale is 1: as ONNX's own operator of integers, where there is
    one, or as the layer of floats between steps that quantise, which some libraries recognise instead."""
    attributes = dict(kernel_shape=case.kernel, strides=case.strides, pads=case.pads * 2, dilations=case.dilations, group=case.groups)
    if case.transposed:
        attributes["output_padding"] = case.output_padding
    operator = "ConvTranspose" if case.transposed else "Conv"
    if case.elements == "f32":
        element = TensorProto.FLOAT
        constants = {"w": w.astype(np.float32)}
        nodes = [helper.make_node(operator, ["x", "w"], ["y"], **attributes)]
    else:
        element = TensorProto.UINT8
        constants = {"one": np.float32(1), "z": np.uint8(case.zero_point), "w": w.astype(np.int8),
                     "ws": scales.astype(np.float32), "wz": np.zeros(case.outputs, np.int8)}
        if operator_of_integers and not case.transposed:
            inputs = ["x", "one", "z", "w", "ws", "wz", "one", "z"]
            nodes = [helper.make_node("QLinearConv", inputs, ["y"], **attributes)]
        else:
            nodes = [
                helper.make_node("DequantizeLinear", ["x", "one", "z"], ["xf"]),
                helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=1 if case.transposed else 0),
                helper.make_node(operator, ["xf", "wf"], ["yf"], **attributes),
                helper.make_node("QuantizeLinear", ["yf", "one", "z"], ["y"]),
            ]
    values = lambda name, shape: helper.make_tensor_value_info(name, element, shape)
    initial = [from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "layer", [values("x", case.input_shape)], [values("y", case.output_shape)], initial)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    return made.SerializeToString()


def elements(case):
    """The type of the model's input and output; `None` of cases that are no such layer."""
    return {"f32": np.float32, "int8": np.uint8}.get(case.elements)
