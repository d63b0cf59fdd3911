"""A case of crates/conv-std/benches/cases/cases.txt: its geometry, its data and what it must compute, in f64."""

import itertools
import zlib
from dataclasses import dataclass

import numpy as np

INTEGERS = {"int8": (0, 255, 128), "u8": (0, 255, 0), "i16": (-32768, 32767, 0)}


@dataclass
class Case:
    name: str
    elements: str
    transposed: bool
    batch: int
    channels: int
    extents: tuple
    outputs: int
    kernel: tuple
    strides: tuple
    pads: tuple
    dilations: tuple
    groups: int
    output_padding: tuple

    @property
    def rank(self):
        return len(self.extents)

    @property
    def input_shape(self):
        return (self.batch, self.channels, *self.extents)

    @property
    def weight_shape(self):
        first, second = (self.channels, self.outputs) if self.transposed else (self.outputs, self.channels)
        return (first, second // self.groups, *self.kernel)

    @property
    def output_extents(self):
        axes = zip(self.extents, self.kernel, self.strides, self.pads, self.dilations, self.output_padding)
        if self.transposed:
            return tuple((i - 1) * s + d * (k - 1) + 1 - 2 * p + o for i, k, s, p, d, o in axes)
        return tuple((i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k, s, p, d, _ in axes)

    @property
    def output_shape(self):
        return (self.batch, self.outputs, *self.output_extents)

    @property
    def depthwise(self):
        return self.groups > 1 and self.groups == self.channels == self.outputs

    @property
    def zero_point(self):
        return INTEGERS[self.elements][2] if self.elements in INTEGERS else 0


def parse(line):
    """The case of a line."""
    (name, elements, operation, batch, channels, extents, outputs, *axes, groups, output_padding) = line.split()
    extents = tuple(map(int, extents.split("x")))

    def of_axes(word):
        values = tuple(map(int, word.split("x")))
        return values * len(extents) if len(values) == 1 else values

    kernel, strides, pads, dilations = map(of_axes, axes)
    return Case(name, elements, operation == "transposed", int(batch), int(channels), extents, int(outputs),
                kernel, strides, pads, dilations, int(groups), of_axes(output_padding))


def make(case):
    """Input, weights and scales: values of the case's types, as f64, the same for the same name."""
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    terms = case.channels // case.groups * np.prod(case.kernel)
    scales = np.ones(case.outputs, np.float32)
    if case.elements == "f32":
        x = random.standard_normal(case.input_shape).astype(np.float32)
        w = (random.standard_normal(case.weight_shape) / np.sqrt(terms)).astype(np.float32)
    elif case.elements == "int8":
        x = np.clip(np.round(32 * random.standard_normal(case.input_shape) + 128), 0, 255)
        w = np.clip(np.round(40 * random.standard_normal(case.weight_shape)), -127, 127)
        # Outputs spread as inputs do, by a scale that is no power of two.
        scales = (random.uniform(0.7, 1.3, case.outputs) / (40 * np.sqrt(terms))).astype(np.float32)
    else:
        low, high, _ = INTEGERS["u8" if case.elements == "u8" else "i16"]
        x = random.integers(low, high + 1, case.input_shape)
        w = random.integers(-32, 97, case.weight_shape)
        # A power of two, so that a kernel of floating-point numbers can hold the scaled weights.
        scales *= 2.0 ** -(6 + np.ceil(np.log2(terms)))
    return [np.asarray(values, np.float64) for values in (x, w, scales)]


def sums(case, x, w):
    """The sums of products in f64, tap by tap; of integers they are exact."""
    groups = range(case.groups)
    sources, sinks = case.channels // case.groups, case.outputs // case.groups
    taps = list(itertools.product(*map(range, case.kernel)))

    def window(tap, extents):
        axes = zip(tap, case.dilations, extents, case.strides)
        return tuple(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in axes)

    if not case.transposed:
        padded = np.pad(x, [(0, 0), (0, 0)] + [(p, p) for p in case.pads])
        result = np.zeros(case.output_shape)
        for tap in taps:
            there = padded[(slice(None), slice(None)) + window(tap, case.output_extents)]
            for group in groups:
                own = w[(slice(group * sinks, (group + 1) * sinks), slice(None)) + tap]
                read = there[:, group * sources:(group + 1) * sources]
                result[:, group * sinks:(group + 1) * sinks] += product(own, read)
        return result
    whole = [o + 2 * p for o, p in zip(case.output_extents, case.pads)]
    result = np.zeros((case.batch, case.outputs, *whole))
    for tap in taps:
        there = result[(slice(None), slice(None)) + window(tap, case.extents)]
        for group in groups:
            own = w[(slice(group * sources, (group + 1) * sources), slice(None)) + tap]
            read = x[:, group * sources:(group + 1) * sources]
            there[:, group * sinks:(group + 1) * sinks] += product(own.T, read)
    inside = tuple(slice(p, p + o) for p, o in zip(case.pads, case.output_extents))
    return result[(slice(None), slice(None)) + inside]


def product(matrix, read):
    """`matrix` of sinks by sources times channels of every batch item and point."""
    return np.moveaxis(np.tensordot(matrix, read, (1, 1)), 0, 1)


def reference(case, x, w, scales):
    """What the case must compute, in f64; a quantised output as XNNPACK and ONNX Runtime round it."""
    result = sums(case, x - case.zero_point, w)
    if case.elements not in INTEGERS:
        return result
    low, high, zero_point = INTEGERS[case.elements]
    each = scales.astype(np.float32).reshape(-1, *[1] * case.rank)
    rounded = np.rint(result.astype(np.float32) * each).astype(np.float64)
    return np.clip(rounded + zero_point, low, high)


def error(case, found, expected):
    """Greatest difference: of floats as a part of the greatest value, of integers in steps."""
    greatest = np.abs(found - expected).max()
    return float(greatest / np.abs(expected).max() if case.elements == "f32" else greatest)


def sweep(count, seed):
    """So many random layers of all kinds, as lines."""
    random = np.random.default_rng(seed)
    lines = []
    while len(lines) < count:
        rank = int(random.choice([1, 2, 2, 2, 3]))
        kind = random.choice(["direct", "direct", "depthwise", "grouped", "transposed", "transposed"])
        pick = lambda values: int(random.choice(values))
        channels, outputs = pick([1, 3, 8, 15, 16, 17, 32, 33, 64, 100]), pick([1, 3, 8, 16, 17, 32, 33, 64])
        groups = 1
        if kind == "depthwise":
            groups = outputs = channels
        if kind == "grouped":
            groups = pick([2, 4])
            channels, outputs = groups * pick([1, 2, 3, 4, 8]), groups * pick([1, 2, 3, 4, 8])
        extents = [pick([1, 7, 13, 28, 56, 100] if rank == 2 else [1, 7, 13, 20]) for _ in range(rank)]
        if rank == 1:
            extents = [pick([1, 7, 13, 100, 1000, 5000])]
        kernel = [pick([1, 2, 3, 4, 5, 7])] * rank
        stride, dilation = pick([1, 1, 1, 2, 3]), pick([1, 1, 1, 2])
        transposed = kind == "transposed"
        pad = pick([0, kernel[0] // 2])
        batch = pick([1, 1, 8])
        words = ["f32", "transposed" if transposed else "direct", batch, channels, "x".join(map(str, extents)),
                 outputs, "x".join(map(str, kernel)), stride, pad, dilation, groups, 0]
        line = " ".join(map(str, [f"sweep{len(lines)}", *words]))
        reach = dilation * (kernel[0] - 1) + 1
        legal = all(e + 2 * pad >= reach for e in extents) or transposed
        if legal and min(parse(line).output_extents) >= 1:
            lines.append(line)
    return lines
