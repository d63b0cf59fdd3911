"""ncnn in f32: as it chooses, and without Winograd's transform, which rounds more."""

import tempfile
from pathlib import Path

import ncnn
import numpy as np

VERSION = ncnn.__version__


def variants(case, x, w, scales, threads):
    if case.elements != "f32" or case.rank == 3 or case.batch != 1:
        return {}
    direct = not case.transposed and case.kernel == (3, 3) and case.strides == (1, 1) and case.groups == 1
    made = {"ncnn": layer(case, x, w, threads, winograd=True)}
    if direct:
        made["ncnn without winograd"] = layer(case, x, w, threads, winograd=False)
    return made


def layer(case, x, w, threads, winograd):
    kind = "Deconvolution" if case.transposed else "Convolution"
    name = kind + ("DepthWise" if case.groups > 1 else "") + ("1D" if case.rank == 1 else "")
    if case.transposed:
        # Sinks before sources, group by group.
        w = w.reshape(case.groups, -1, *w.shape[1:]).swapaxes(1, 2)
    w = np.ascontiguousarray(w, np.float32)
    settings = {0: case.outputs, 5: 0, 6: w.size}
    # Width first; height has the same keys and ten more.
    for first, values in [(1, case.kernel), (2, case.dilations), (3, case.strides), (4, case.pads)]:
        settings.update(zip([first, first + 10], reversed(values)))
    if case.transposed:
        settings.update(zip([18, 19], reversed(case.output_padding)))
    if case.groups > 1:
        settings[7] = case.groups
    words = " ".join(f"{key}={value}" for key, value in settings.items())
    net = ncnn.Net()
    net.opt.num_threads = threads
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.opt.use_winograd_convolution = winograd
    with tempfile.TemporaryDirectory() as directory:
        network, weights = Path(directory, "layer.param"), Path(directory, "layer.bin")
        network.write_text(f"7767517\n2 2\nInput x 0 1 x\n{name} layer 1 1 x y {words}\n")
        weights.write_bytes(bytes(4) + w.tobytes())
        if net.load_param(str(network)) or net.load_model(str(weights)):
            raise ValueError("ncnn does not load the layer")
    # A Mat of an array only points there.
    values = np.ascontiguousarray(x[0], np.float32)
    source = ncnn.Mat(values).clone()
    result = {}

    def run():
        extractor = net.create_extractor()
        extractor.input("x", source)
        result["y"] = extractor.extract("y")[1]

    return run, lambda: np.array(result["y"])
