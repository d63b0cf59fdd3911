"""OpenVINO on the CPU, with f32 kept as f32."""

import io

import numpy as np
import openvino

import onnx_model

VERSION = openvino.__version__.split("-")[0]


def variants(case, x, w, scales, threads):
    element = onnx_model.elements(case)
    if element is None:
        return {}
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    model = core.read_model(io.BytesIO(onnx_model.model(case, w, scales, operator_of_integers=False)))
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(x.astype(element)))
    request.set_output_tensor(openvino.Tensor(np.zeros(case.output_shape, element)))
    return {"openvino": (request.infer, lambda: request.get_output_tensor().data)}
