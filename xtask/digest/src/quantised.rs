//! Quantised layers: CMSIS-NN's published cases, the anchors by hash, and small shapes of every kind.

use conv_core::element::Element as _;
use conv_core::geometry::KernelLayout;
use conv_core::matrix::Matrix;
use conv_core::quantised::{
    Accumulate, Activation, Int4, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway,
};
use conv_core::{Axis, Error, Geometry};
use conv_vectors::anchors::{self, AnchorData, Layer};
use conv_vectors::golden::{self, IntegerType, Kind, QuantisedCase, Rounding as Contract};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};

/// The longest input, kernel and output of the published layers, and the most channels.
const INPUT: usize = 8192;
const KERNEL: usize = 25_600;
const OUTPUT: usize = 16_384;
const CHANNELS: usize = 64;

/// Small shapes that are drawn for each contract.
const SHAPES: u32 = 1500;
/// The longest buffers of the small shapes, the guard behind an output among them.
const LONGEST: usize = 4096;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    for case in golden::quantised() {
        run.group(case.name, |group| match (case.input_type, case.rounding) {
            (IntegerType::I16, Contract::Double) => published::<Double, i16>(group, &case),
            (IntegerType::I16, Contract::Single) => published::<Single, i16>(group, &case),
            (IntegerType::I16, Contract::Wide) => published::<Wide, i16>(group, &case),
            (_, Contract::Double) => published::<Double, i8>(group, &case),
            (_, Contract::Single) => published::<Single, i8>(group, &case),
            (_, Contract::Wide) => published::<Wide, i8>(group, &case),
        });
    }
    for layer in &anchors::LAYERS {
        run.group(layer.name, |group| anchor(group, layer));
    }
    run.group("quantised/i8-double", |group| {
        sweep::<i8, i8, Double>(group, -128..128, multiplier);
    });
    run.group("quantised/i8-single", |group| {
        sweep::<i8, i8, Single>(group, -128..128, multiplier);
    });
    run.group("quantised/u8-single", |group| {
        sweep::<u8, u8, Single>(group, 0..256, multiplier);
    });
    run.group("quantised/u8-i8", |group| {
        sweep::<u8, i8, Double>(group, 0..256, multiplier);
    });
    run.group("quantised/i16-double", |group| {
        sweep::<i16, i16, Double>(group, 0..1, multiplier);
    });
    run.group("quantised/i16-wide", |group| {
        sweep::<i16, i16, Wide>(group, -9..9, multiplier);
    });
    run.group("quantised/i8-half-even", |group| {
        sweep::<i8, i8, HalfEven>(group, -128..128, scale);
    });
    run.group("quantised/i8-half-away", |group| {
        sweep::<i8, i8, HalfAway>(group, -128..128, |group| scale(group).into());
    });
    run.group("quantised/i16-half-away", |group| {
        sweep::<i16, i16, WideHalfAway>(group, -9..9, |group| scale(group).into());
    });
    run.group("quantised/i8-float-half-even", |group| {
        sweep::<i8, i8, FloatHalfEven>(group, -128..128, scale);
    });
    run.group("quantised/i16-wide-double", |group| {
        sweep::<i16, i16, WideDouble>(group, -9..9, multiplier);
    });
    let transposed = [QuantOperation::DepthwiseTranspose];
    run.group("quantised/depthwise-transposed-i8", |group| {
        sweep_of::<i8, i8, Double>(group, &transposed, -128..128, multiplier);
    });
    run.group("quantised/depthwise-transposed-i16", |group| {
        sweep_of::<i16, i16, Wide>(group, &transposed, -9..9, multiplier);
    });
}

/// Operation and map of a layer of inputs and outputs H W C.
fn geometry(
    kind: Kind,
    axes: [Axis; 2],
    [ih, iw, ic]: [usize; 3],
    [oh, ow, oc]: [usize; 3],
    groups: usize,
) -> (QuantOperation, Result<Geometry<2>, Error>) {
    let direct = || Geometry::direct(axes, [ih, iw], ic, oc, groups);
    match kind {
        Kind::Direct => (QuantOperation::Conv, direct()),
        Kind::Depthwise => (QuantOperation::Depthwise, direct()),
        Kind::Transposed => (
            QuantOperation::ConvTranspose,
            Geometry::transposed(axes, [ih, iw], [oh, ow], oc, ic, groups),
        ),
    }
}

fn published<R, T>(group: &mut Group, case: &QuantisedCase<'_>)
where
    R: Rounding<Scale = Multiplier, Accumulator: Accumulate>,
    T: Activation + Number,
{
    let after = case.pad_after();
    let axes = [0, 1].map(|d| {
        Axis::new(case.kernel_hw[d])
            .with_stride(case.stride[d])
            .with_dilation(case.dilation[d])
            .with_pads(case.pad_before[d] as isize, after[d])
    });
    let (operation, geometry) = geometry(
        case.kind,
        axes,
        case.input_hwc,
        case.output_hwc,
        case.groups,
    );
    let channels = case.output_hwc[2];
    let (from, to) = (
        case.input_hwc.iter().product(),
        case.output_hwc.iter().product::<usize>(),
    );
    let Ok(geometry) = geometry else {
        return group.check(false);
    };
    if from > INPUT || geometry.kernel_elements() > KERNEL || to > OUTPUT || channels > CHANNELS {
        return group.check(false);
    }
    let (mut input, mut weights) = ([T::ZERO; INPUT], [0_i8; KERNEL]);
    let mut output = [<T as Number>::DIRTY; OUTPUT];
    let (mut bias, mut scales) = (
        [R::Accumulator::ZERO; CHANNELS],
        [Multiplier::ZERO; CHANNELS],
    );
    let weights = &mut weights[..geometry.kernel_elements()];
    for (place, value) in weights.iter_mut().zip(case.weights.values()) {
        *place = value as i8;
    }
    for (place, value) in bias
        .iter_mut()
        .zip(case.bias.iter().flat_map(|b| b.values()))
    {
        *place = value.into();
    }
    let factors = case.multiplier.values().zip(case.shift.values());
    for (place, (multiplier, shift)) in scales.iter_mut().zip(factors) {
        *place = Multiplier { multiplier, shift };
    }
    let requantisation = Requantisation::<R> {
        bias: case.bias.map(|_| &bias[..channels]),
        scales: &scales[..channels],
        quantisation: Quantisation::new(-case.input_offset, case.output_offset)
            .with_clamp(case.clamp.0, case.clamp.1),
    };
    let mut packed = [0; KERNEL.div_ceil(2)];
    pack(weights, &mut packed);
    let mut values = case.input.values();
    let mut expected = case.output.values();
    for _ in 0..case.batch {
        for (place, value) in input[..from].iter_mut().zip(&mut values) {
            *place = T::saturated(value);
        }
        let (input, output) = (&input[..from], &mut output[..to]);
        let done = match case.weight_type {
            IntegerType::I4 => Int4::new(&packed[..weights.len().div_ceil(2)], weights.len())
                .and_then(|kernel| {
                    geometry.quantised(operation, input, kernel, output, &requantisation)
                }),
            _ => {
                let kernel = &weights[..];
                geometry.quantised(operation, input, kernel, output, &requantisation)
            }
        };
        group.values(output);
        let same = output
            .iter()
            .all(|&value| expected.next() == Some(value.into()));
        group.check(done.is_ok() && same);
    }
    group.check(expected.next().is_none());
}

/// Packs 4-bit weights into the front of `bytes`.
fn pack(weights: &[i8], bytes: &mut [u8]) {
    for (place, byte) in bytes.iter_mut().zip(golden::packed(weights)) {
        *place = byte;
    }
}

fn anchor(group: &mut Group, layer: &Layer) {
    let (mut input, mut weights) = ([0_i8; INPUT], [0_i8; KERNEL]);
    let mut output = [i8::DIRTY; OUTPUT];
    for ((x, w), (input, weight)) in
        (input.iter_mut().zip(&mut weights[..INPUT])).zip(AnchorData::new())
    {
        (*x, *w) = (input, weight);
    }
    let rest = AnchorData::new().skip(INPUT);
    for (w, (_, weight)) in weights[INPUT..].iter_mut().zip(rest) {
        *w = weight;
    }
    let before = layer.pad_before as isize;
    let (x, y) = match layer.kind {
        Kind::Transposed => (layer.output, layer.input),
        _ => (layer.input, layer.output),
    };
    let axes = [0, 1].map(|d| {
        let reach = (y[d] - 1) * layer.stride + layer.kernel[d];
        Axis::new(layer.kernel[d])
            .with_stride(layer.stride)
            .with_pads(before, reach as isize - x[d] as isize - before)
    });
    let groups = match layer.kind {
        Kind::Depthwise => x[2],
        _ => 1,
    };
    let (operation, geometry) = geometry(layer.kind, axes, layer.input, layer.output, groups);
    let channels = layer.output[2];
    let bias: [i32; CHANNELS] = core::array::from_fn(anchors::bias);
    let scales: [Multiplier; CHANNELS] = core::array::from_fn(|channel| Multiplier {
        multiplier: anchors::multiplier(channel),
        shift: anchors::shift(channel),
    });
    let requantisation = Requantisation::<Double> {
        bias: Some(&bias[..channels]),
        scales: &scales[..channels],
        quantisation: Quantisation::new(-anchors::INPUT_OFFSET, anchors::OUTPUT_OFFSET),
    };
    let input = &input[..layer.input.iter().product()];
    let output = &mut output[..layer.output.iter().product()];
    let done = geometry.and_then(|geometry| {
        let kernel = &weights[..layer.weights()];
        geometry.quantised(operation, input, kernel, output, &requantisation)
    });
    group.values(output);
    let hash = output.iter().fold(anchors::FNV1A_START, |hash, &value| {
        anchors::fnv1a_step(hash, value as u8)
    });
    group.check(done.is_ok() && hash == layer.hash);
}

/// A multiplier that brings small sums to 8 bits.
fn multiplier(group: &mut Group) -> Multiplier {
    let bits = (group.random.next_u32() >> 2) as i32;
    Multiplier {
        multiplier: bits | 1 << 30,
        shift: -4 - group.random.below(8) as i32,
    }
}

/// A scale of few bits, so that ties occur.
fn scale(group: &mut Group) -> f32 {
    (1 + group.random.below(7)) as f32 / (1_u32 << (4 + group.random.below(8))) as f32
}

/// [`sweep_of`] the three operations that are TFLite's.
fn sweep<T, U, R>(
    group: &mut Group,
    zero_points: core::ops::Range<i32>,
    scale: fn(&mut Group) -> R::Scale,
) where
    T: Activation + Draw,
    U: Activation + Number,
    R: Rounding<Accumulator: Accumulate>,
{
    let operations = [
        QuantOperation::Conv,
        QuantOperation::Depthwise,
        QuantOperation::ConvTranspose,
    ];
    sweep_of::<T, U, R>(group, &operations, zero_points, scale);
}

/// Small shapes of these operations, with guards behind the output, against the matrix.
fn sweep_of<T, U, R>(
    group: &mut Group,
    operations: &[QuantOperation],
    zero_points: core::ops::Range<i32>,
    scale: fn(&mut Group) -> R::Scale,
) where
    T: Activation + Draw,
    U: Activation + Number,
    R: Rounding<Accumulator: Accumulate>,
{
    group.spread(Spread::Extremes);
    let mut drawn = 0;
    while drawn < SHAPES {
        let mut draw = |from: usize, count: usize| from + group.random.below(count);
        let axes = [(); 2].map(|()| {
            Axis::new(draw(1, 4))
                .with_stride(draw(1, 3))
                .with_dilation(draw(1, 2))
                .with_pads(draw(0, 4) as isize, draw(0, 4) as isize)
        });
        let extents = [draw(1, 5), draw(1, 5)];
        let paddings = axes.map(|axis| draw(0, axis.stride.max(axis.dilation)));
        let groups = draw(1, 3);
        let (x, y) = (draw(1, 3) * groups, draw(1, 3) * groups);
        let operation = operations[draw(0, operations.len())];
        let to = |d: usize| axes[d].transposed_output(extents[d], paddings[d]);
        let to = [to(0).unwrap_or(0), to(1).unwrap_or(0)];
        let geometry = match operation {
            QuantOperation::Conv => Geometry::direct(axes, extents, x, y, groups),
            QuantOperation::Depthwise => Geometry::direct(axes, extents, groups, y, groups),
            QuantOperation::ConvTranspose => Geometry::transposed(axes, extents, to, x, y, groups),
            QuantOperation::DepthwiseTranspose => {
                Geometry::transposed(axes, extents, to, groups, y, groups)
            }
        };
        group.note(u32::from(geometry.is_ok()));
        if let Ok(geometry) = geometry {
            let zero_point = zero_points.start + group.random.below(zero_points.len()) as i32;
            small::<T, U, R>(group, &geometry, operation, zero_point, scale);
            drawn += 1;
        }
    }
}

#[inline(never)]
fn small<T, U, R>(
    group: &mut Group,
    geometry: &Geometry<2>,
    operation: QuantOperation,
    zero_point: i32,
    scale: fn(&mut Group) -> R::Scale,
) where
    T: Activation + Draw,
    U: Activation + Number,
    R: Rounding<Accumulator: Accumulate>,
{
    let (x, y) = (geometry.input_elements(), geometry.output_elements());
    let (from, to, channels) = match operation {
        QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
            (y, x, geometry.input_channels())
        }
        _ => (x, y, geometry.output_channels()),
    };
    let (mut input, mut weights) = ([T::ZERO; LONGEST], [0_i8; LONGEST]);
    let mut target = [U::DIRTY; LONGEST];
    if from > LONGEST || geometry.kernel_elements() > LONGEST || to + 64 > LONGEST {
        return group.check(false);
    }
    let (input, weights) = (
        &mut input[..from],
        &mut weights[..geometry.kernel_elements()],
    );
    group.fill(input);
    group.fill(weights);
    let nibbles = group.random.below(2) == 0;
    if nibbles {
        weights.iter_mut().for_each(|weight| *weight >>= 4);
    }
    // Up to 3 channels in each of 3 groups.
    let bias: [R::Accumulator; 9] =
        core::array::from_fn(|_| ((group.random.next_u32() as i32) >> 16).into());
    let scales: [R::Scale; 9] = core::array::from_fn(|_| scale(group));
    let count = [1, channels][group.random.below(2)];
    let requantisation = Requantisation::<R> {
        bias: (group.random.below(3) > 0).then_some(&bias[..channels]),
        scales: &scales[..count],
        quantisation: Quantisation::new(zero_point, 7).with_clamp(U::LEAST.max(-100), 101),
    };
    let (output, guard) = target.split_at_mut(to);
    let mut packed = [0; LONGEST.div_ceil(2)];
    let done = if nibbles {
        pack(weights, &mut packed);
        let bytes = &packed[..weights.len().div_ceil(2)];
        Int4::new(bytes, weights.len()).and_then(|kernel| {
            geometry.quantised(operation, input, kernel, output, &requantisation)
        })
    } else {
        let kernel = &weights[..];
        geometry.quantised(operation, input, kernel, output, &requantisation)
    };
    group.values(output);
    let untouched = guard.iter().all(|value| *value == U::DIRTY);
    let right = is_layer(geometry, operation, input, weights, output, &requantisation);
    group.check(done.is_ok() && untouched && right);
}

/// Whether `output` is the matrix times `input` less the zero point, with bias and requantisation.
fn is_layer<T, U, R>(
    geometry: &Geometry<2>,
    operation: QuantOperation,
    input: &[T],
    weights: &[i8],
    output: &[U],
    requantisation: &Requantisation<'_, R>,
) -> bool
where
    T: Activation,
    U: Activation,
    R: Rounding<Accumulator: Accumulate>,
{
    let layout = match operation {
        QuantOperation::Conv => KernelLayout::OutputSpatialInput,
        QuantOperation::Depthwise | QuantOperation::DepthwiseTranspose => {
            KernelLayout::SpatialOutput
        }
        QuantOperation::ConvTranspose => KernelLayout::InputSpatialOutput,
    };
    let Ok(matrix) = Matrix::new(*geometry, layout, weights) else {
        return false;
    };
    let (matrix, channels) = match operation {
        QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
            (matrix.transposed(), geometry.input_channels())
        }
        _ => (matrix, geometry.output_channels()),
    };
    let Requantisation {
        bias,
        scales,
        quantisation,
    } = requantisation;
    output.iter().enumerate().all(|(row, value)| {
        let channel = row % channels;
        let mut sum = bias.map_or(R::Accumulator::ZERO, |bias| bias[channel]);
        for (column, weight) in matrix.row(row) {
            let difference = input[column].into() - quantisation.input_zero_point;
            sum = sum.add_product(difference, weight);
        }
        let scale = scales[channel.min(scales.len() - 1)];
        quantisation.requantise::<R, U>(sum, scale) == *value
    })
}
