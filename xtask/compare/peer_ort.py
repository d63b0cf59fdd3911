"""ONNX Runtime, on buffers that it is bound to."""

import onnxruntime

import onnx_model

VERSION = onnxruntime.__version__


def variants(case, x, w, scales, threads):
    element = onnx_model.elements(case)
    if element is None:
        return {}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    session = onnxruntime.InferenceSession(onnx_model.model(case, w, scales), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    output = onnxruntime.OrtValue.ortvalue_from_shape_and_type(case.output_shape, element)
    binding.bind_ortvalue_input("x", onnxruntime.OrtValue.ortvalue_from_numpy(x.astype(element)))
    binding.bind_ortvalue_output("y", output)
    return {"ort": (lambda: session.run_with_iobinding(binding), output.numpy)}
