"""Trains the network of the examples `network` and writes what they run and compare with.

A picture of a handwritten digit, 8 x 8, goes in; its class and the picture, drawn again without
the noise, come out. TFLite quantises the network to int8 throughout; the expected outputs are
those of TFLite's own reference kernels. Run it as the README beside it says:

    python train.py

With --keep-model it does not train, and writes the rest anew from model.tflite.

It writes model.tflite, weights.rs and test.bin, and prints the accuracies.
"""

import os
import pathlib
import random
import subprocess
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
os.environ["TF_DETERMINISTIC_OPS"] = "1"

import numpy as np
import sklearn.datasets
import tensorflow as tf

HERE = pathlib.Path(__file__).parent
SEED = 20
TRAINING = 1200
EPOCHS = 60
BATCH = 32
NOISE = 0.15
CHANNELS = 12
DEEP = 24


def data():
    """The digits in file order: those to be tested come from the end, mostly from other writers."""
    digits = sklearn.datasets.load_digits()
    pictures = (digits.images / 16).astype(np.float32)[..., None]
    classes = digits.target.astype(np.int32)
    return (pictures[:TRAINING], classes[:TRAINING]), (pictures[TRAINING:], classes[TRAINING:])


def shifted(pictures, generator):
    """Each picture moved by up to one pixel each way."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1), (0, 0)))
    moves = generator.integers(0, 3, (len(pictures), 2))
    return np.stack([p[y : y + 8, x : x + 8] for p, (y, x) in zip(padded, moves)])


def network():
    layers = tf.keras.layers
    relu6 = lambda name: layers.ReLU(6.0, name=name)
    picture = layers.Input((8, 8, 1), batch_size=1, name="picture")
    first = layers.Conv2D(CHANNELS, 3, padding="same", name="conv")(picture)
    first = relu6("conv_relu6")(first)
    inner = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(first)
    inner = relu6("depthwise_relu6")(inner)
    inner = layers.Conv2D(CHANNELS, 1, name="pointwise")(inner)
    whole = relu6("add_relu6")(layers.Add(name="add")([first, inner]))
    deep = layers.Conv2D(DEEP, 3, strides=2, padding="same", name="strided")(whole)
    deep = relu6("strided_relu6")(deep)
    pooled = layers.AveragePooling2D(2, name="pool")(deep)
    logits = layers.Dense(10, name="logits")(layers.Flatten()(pooled))
    drawn = layers.Conv2DTranspose(1, 4, strides=2, padding="same", name="drawn")(deep)
    return tf.keras.Model(picture, [logits, drawn])


def train(model, pictures, classes):
    """Adam with a falling rate, on pictures that are moved and noisy; the drawing is to be without noise."""
    generator = np.random.default_rng(SEED)
    steps = EPOCHS * (len(pictures) // BATCH)
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    optimizer = tf.keras.optimizers.Adam(rate)
    entropy = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(noisy, clean, labels):
        with tf.GradientTape() as tape:
            logits, drawn = model(noisy, training=True)
            loss = entropy(labels, logits) + tf.reduce_mean(tf.square(drawn - clean))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    for epoch in range(EPOCHS):
        order = generator.permutation(len(pictures))[: len(pictures) // BATCH * BATCH]
        losses = []
        for batch in order.reshape(-1, BATCH):
            clean = shifted(pictures[batch], generator)
            noise = generator.normal(0, NOISE, clean.shape)
            noisy = np.clip(clean + noise, 0, 1).astype(np.float32)
            losses.append(float(step(noisy, clean, classes[batch])))
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}")


def quantised(model, pictures):
    """Full-integer int8, per-channel weights, ranges from the training pictures only."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([p[None]] for p in pictures[:500])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def reference(model):
    """TFLite's reference kernels."""
    interpreter = tf.lite.Interpreter(
        model_content=model,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    return interpreter


# TFLite's operators in the order of execution, as the Rust side calls them.
LAYERS = [
    ("conv", "CONV_2D"),
    ("depthwise", "DEPTHWISE_CONV_2D"),
    ("pointwise", "CONV_2D"),
    ("add", "ADD"),
    ("strided", "CONV_2D"),
    ("drawn", "TRANSPOSE_CONV"),
    ("pool", "AVERAGE_POOL_2D"),
    ("flatten", "RESHAPE"),
    ("logits", "FULLY_CONNECTED"),
]


def nested(values):
    """A numpy array as a Rust array."""
    if values.ndim == 0:
        return str(values)
    return "[" + ", ".join(nested(v) for v in values) + "]"


def array_type(values, element):
    kind = element
    for extent in reversed(values.shape):
        kind = f"[{kind}; {extent}]"
    return kind


def weights(interpreter):
    """The Rust source with every layer's weights, biases and scales."""
    tensors = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()
    found = [operator["op_name"] for operator in operators]
    assert found == [operator for _, operator in LAYERS], found
    lines = [
        "// Written by train.py. Kernels are laid out as TFLite has them.",
        "",
        "use conv_core::add::Affine;",
        "",
    ]

    def constant(name, kind, value):
        lines.append(f"pub const {name}: {kind} = {value};")

    def affine(name, index):
        parameters = tensors[index]["quantization_parameters"]
        (scale,), (zero_point,) = parameters["scales"], parameters["zero_points"]
        # Nine digits say which f32 it is.
        value = f"Affine {{ scale: {scale:.9e}, zero_point: {zero_point} }}"
        constant(name.upper(), "Affine", value)

    affine("picture", interpreter.get_input_details()[0]["index"])
    for (name, kind), operator in zip(LAYERS, operators):
        if kind != "RESHAPE":
            affine(f"{name}_output", operator["outputs"][0])
        if kind in ("ADD", "AVERAGE_POOL_2D", "RESHAPE"):
            continue
        # A transposed convolution's inputs are its output's shape, its weights, its input and its bias.
        kernel_index, bias_index = (
            (operator["inputs"][1], operator["inputs"][3])
            if kind == "TRANSPOSE_CONV"
            else (operator["inputs"][1], operator["inputs"][2])
        )
        kernel, bias = (interpreter.get_tensor(i) for i in (kernel_index, bias_index))
        assert kernel.dtype == np.int8 and bias.dtype == np.int32
        parameters = tensors[kernel_index]["quantization_parameters"]
        assert not parameters["zero_points"].any()
        scales = np.broadcast_to(parameters["scales"], bias.shape)
        if kind == "DEPTHWISE_CONV_2D":
            kernel = kernel[0]
        upper = name.upper()
        constant(f"{upper}_KERNEL", array_type(kernel, "i8"), nested(kernel))
        constant(f"{upper}_BIAS", array_type(bias, "i32"), nested(bias))
        floats = "[" + ", ".join(f"{scale:.9e}" for scale in scales) + "]"
        constant(f"{upper}_SCALES", f"[f32; {len(scales)}]", floats)
    return "\n".join(lines) + "\n"


def run(interpreter, pictures):
    """What the reference kernels give: for each picture itself, the logits and the drawing, all int8."""
    entry = interpreter.get_input_details()[0]
    (scale,), (zero_point,) = (
        entry["quantization_parameters"][key] for key in ("scales", "zero_points")
    )
    outputs = sorted(interpreter.get_output_details(), key=lambda output: len(output["shape"]))
    assert [output["shape"].tolist() for output in outputs] == [[1, 10], [1, 8, 8, 1]]
    for picture in pictures:
        given = np.clip(np.round(picture / scale) + zero_point, -128, 127).astype(np.int8)
        interpreter.set_tensor(entry["index"], given[None])
        interpreter.invoke()
        yield given, *(interpreter.get_tensor(output["index"]) for output in outputs)


def main():
    random.seed(SEED)
    tf.keras.utils.set_random_seed(SEED)
    (pictures, classes), (test_pictures, test_classes) = data()
    if "--keep-model" in sys.argv:
        content = (HERE / "model.tflite").read_bytes()
    else:
        model = network()
        model.summary()
        train(model, pictures, classes)
        floats = np.concatenate([model(p[None])[0] for p in test_pictures])
        print(f"f32: {np.sum(floats.argmax(1) == test_classes)} of {len(test_classes)} right")
        content = quantised(model, pictures)
        (HERE / "model.tflite").write_bytes(content)
    interpreter = reference(content)
    source = weights(interpreter)
    (HERE / "weights.rs").write_text(source)
    records, right = bytearray(), 0
    for label, (given, logits, drawn) in zip(test_classes, run(interpreter, test_pictures)):
        right += logits.argmax() == label
        records += bytes([label]) + given.tobytes() + logits.tobytes() + drawn.tobytes()
    (HERE / "test.bin").write_bytes(records)
    print(f"int8: {right} of {len(test_classes)} right")
    subprocess.run(["rustfmt", "--edition", "2024", HERE / "weights.rs"], check=True)


if __name__ == "__main__":
    main()
