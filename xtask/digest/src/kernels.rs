//! The core's own kernels against the portable loops: layers packed for the core, of every small shape, their outputs compared
//! byte for byte with those of the same layers as they are, guards around output and scratch.

use conv_core::element::Element;
use conv_core::quantised::{
    Accumulate, Activation, PackedMemory, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Double, HalfEven, Multiplier, Rounding, Single};
use conv_core::{Axis, Geometry};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};

/// Shapes that are drawn for each contract, and for [`Double`] on `i8`, which kernels have in their own instructions.
const SHAPES: u32 = 600;
const SHAPES_OF_DOUBLE: u32 = 4000;
/// The longest input and output, kernel, and scratch in words; the most output channels.
const ELEMENTS: usize = 6144;
const KERNEL: usize = 8192;
const SCRATCH: usize = 2048;
const CHANNELS: usize = 64;
/// Elements before and behind an output, words behind a scratch.
const GUARD: usize = 32;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("kernels/i8-double", |group| {
        sweep::<i8, i8, Double>(group, SHAPES_OF_DOUBLE, multiplier);
    });
    run.group("kernels/u8-double", |group| {
        sweep::<u8, u8, Double>(group, SHAPES, multiplier);
    });
    run.group("kernels/u8-i8-double", |group| {
        sweep::<u8, i8, Double>(group, SHAPES, multiplier);
    });
    run.group("kernels/i8-single", |group| {
        sweep::<i8, i8, Single>(group, SHAPES, multiplier);
    });
    run.group("kernels/i8-i16-half-even", |group| {
        sweep::<i8, i16, HalfEven>(group, SHAPES, |group| {
            (1 + group.random.below(7)) as f32 / (1_u32 << (4 + group.random.below(8))) as f32
        });
    });
    run.group("kernels/i16-double", |group| {
        sweep::<i16, i16, Double>(group, SHAPES, multiplier);
    });
    run.group("kernels/requantisation", requantisation);
}

/// Mostly what a kernel's short form takes, at times a scale that it does not.
fn multiplier(group: &mut Group) -> Multiplier {
    let bits = (group.random.next_u32() >> 2) as i32;
    let shift = match group.random.below(40) {
        0 => 2 - group.random.below(4) as i32,
        1 => -20 - group.random.below(12) as i32,
        _ => -1 - group.random.below(14) as i32,
    };
    Multiplier {
        multiplier: match group.random.below(12) {
            0 => i32::MAX,
            1 => 1 << 30,
            _ => bits | 1 << 30,
        },
        shift,
    }
}

/// Layers of small extents and of few and many channels.
fn sweep<T, U, R>(group: &mut Group, shapes: u32, scale: fn(&mut Group) -> R::Scale)
where
    T: Activation + Draw,
    U: Activation + Number,
    R: Rounding<Accumulator: Accumulate>,
{
    let mut drawn = 0;
    while drawn < shapes {
        let mut draw = |from: usize, count: usize| from + group.random.below(count);
        let axes = [(); 2].map(|()| {
            Axis::new(draw(1, 4))
                .with_stride(draw(1, 3))
                .with_dilation([1, 1, 1, 2][draw(0, 4)])
                .with_pads(draw(0, 5) as isize - 1, draw(0, 5) as isize - 1)
        });
        let extents = [draw(1, 6), draw(1, 8)];
        let paddings = axes.map(|axis| draw(0, axis.stride.max(axis.dilation)));
        let groups = [1, 1, 1, 2, 3][draw(0, 5)];
        let channels = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 20];
        let mut channels = || channels[draw(0, channels.len())] * groups;
        let (x, y) = (channels(), channels());
        let operation = [
            QuantOperation::Conv,
            QuantOperation::Conv,
            QuantOperation::ConvTranspose,
            QuantOperation::ConvTranspose,
            QuantOperation::Depthwise,
            QuantOperation::DepthwiseTranspose,
        ][draw(0, 6)];
        let to = |d: usize| axes[d].transposed_output(extents[d], paddings[d]).ok();
        let target = to(0).zip(to(1));
        let geometry = match (operation, target) {
            (QuantOperation::Conv, _) => Geometry::direct(axes, extents, x, y, groups),
            (QuantOperation::Depthwise, _) => {
                let multiplier = [1, 1, 1, 2][draw(0, 4)];
                Geometry::direct(axes, extents, x, x * multiplier, x)
            }
            (QuantOperation::ConvTranspose, Some((height, width))) => {
                Geometry::transposed(axes, extents, [height, width], x, y, groups)
            }
            (QuantOperation::DepthwiseTranspose, Some((height, width))) => {
                Geometry::transposed(axes, extents, [height, width], x, x, x)
            }
            _ => continue,
        };
        let Ok(geometry) = geometry else { continue };
        if layer::<T, U, R>(group, &geometry, operation, scale) {
            drawn += 1;
        }
    }
}

/// Weights and inputs of a layer: anything, values at the ends of their ranges, or all of them the least.
fn fill<T: Activation + Draw>(group: &mut Group, input: &mut [T], weights: &mut [i8]) {
    let spread = [Spread::Full, Spread::Extremes][group.random.below(2)];
    group.spread(spread);
    group.fill(input);
    group.fill(weights);
    group.spread(Spread::Full);
    if group.random.below(8) == 0 {
        input.fill(T::saturated(i32::MIN));
        weights.fill(i8::MIN);
    }
}

/// One layer both ways; `false` if it is too large.
#[inline(never)]
fn layer<T, U, R>(
    group: &mut Group,
    geometry: &Geometry<2>,
    operation: QuantOperation,
    scale: fn(&mut Group) -> R::Scale,
) -> bool
where
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
    let count = geometry.kernel_elements();
    if from > ELEMENTS || to > ELEMENTS || count > KERNEL || channels > CHANNELS {
        return false;
    }
    let (mut input, mut weights) = ([T::ZERO; ELEMENTS], [0_i8; KERNEL]);
    let (input, weights) = (&mut input[..from], &mut weights[..count]);
    fill(group, input, weights);
    let bias: [R::Accumulator; CHANNELS] =
        core::array::from_fn(|_| ((group.random.next_u32() as i32) >> 14).into());
    let scales: [R::Scale; CHANNELS] = core::array::from_fn(|_| scale(group));
    let zero_point = match T::GREATEST {
        32_767 => 0,
        _ => T::LEAST + group.random.below(256) as i32,
    };
    let quantisation =
        Quantisation::new(zero_point, [7, -5, 0][group.random.below(3)].max(U::LEAST));
    let requantisation = Requantisation::<R> {
        bias: (group.random.below(4) > 0).then_some(&bias[..channels]),
        scales: &scales[..[1, channels][group.random.below(2)]],
        quantisation: match group.random.below(3) {
            0 => quantisation,
            1 => quantisation.with_relu(),
            _ => quantisation.with_clamp(U::LEAST.max(-100), 101),
        },
    };
    let mut expected = [U::DIRTY; ELEMENTS];
    let expected = &mut expected[..to];
    if geometry
        .quantised(operation, input, &*weights, expected, &requantisation)
        .is_err()
    {
        return false;
    }
    packed(
        group,
        geometry,
        operation,
        input,
        weights,
        expected,
        &requantisation,
    );
    true
}

/// The layer packed for the core, against what is expected of it.
#[inline(never)]
fn packed<T, U, R>(
    group: &mut Group,
    geometry: &Geometry<2>,
    operation: QuantOperation,
    input: &[T],
    weights: &[i8],
    expected: &[U],
    requantisation: &Requantisation<'_, R>,
) where
    T: Activation,
    U: Activation + Number,
    R: Rounding<Accumulator: Accumulate>,
{
    let channels = match operation {
        QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
            geometry.input_channels()
        }
        _ => geometry.output_channels(),
    };
    let mut kernel = [0; KERNEL / 4];
    let mut bias = [R::Accumulator::ZERO; CHANNELS];
    let mut prepared = [R::prepare(requantisation.scales[0], 0); CHANNELS];
    let memory = PackedMemory {
        kernel: &mut kernel[..weights.len().div_ceil(4)],
        bias: &mut bias[..channels],
        prepared: &mut prepared[..channels],
    };
    let layer = geometry.pack_quantised::<T, R, U>(operation, weights, requantisation, memory);
    let Ok(layer) = layer else {
        return group.check(false);
    };
    let words = layer.scratch_words();
    if words + GUARD > SCRATCH {
        return group.check(false);
    }
    const UNTOUCHED: u32 = 0x5aa5_c33c;
    let mut scratch = [UNTOUCHED; SCRATCH];
    let mut output = [U::DIRTY; ELEMENTS + 2 * GUARD];
    // At any alignment.
    let start = GUARD - group.random.below(4);
    let place = &mut output[start..start + expected.len()];
    let done = layer.run(input, place, &mut scratch[..words]);
    group.values(place);
    let same = place == expected;
    let (before, after) = (&output[..start], &output[start + expected.len()..]);
    let untouched = before.iter().chain(after).all(|value| *value == U::DIRTY)
        && scratch[words..].iter().all(|word| *word == UNTOUCHED);
    group.check(done.is_ok() && same && untouched);
}

/// Sums over their whole range, as biases of layers whose weights are 0, through every scale: the kernels' short forms against the
/// contract.
fn requantisation(group: &mut Group) {
    let Ok(geometry) = Geometry::direct([Axis::new(1); 2], [2, 1], 1, CHANNELS, 1) else {
        return group.check(false);
    };
    for _ in 0..500 {
        let bits = group.random.below(31) as u32;
        let bias: [i32; CHANNELS] =
            core::array::from_fn(|_| group.random.next_u32() as i32 >> (31 - bits).min(31));
        let scales: [Multiplier; CHANNELS] = core::array::from_fn(|_| Multiplier {
            shift: -1 - group.random.below(22) as i32,
            ..multiplier(group)
        });
        let requantisation = Requantisation::<Double> {
            bias: Some(&bias),
            scales: &scales,
            quantisation: Quantisation::new(0, group.random.below(256) as i32 - 128),
        };
        let mut expected = [0_i8; 2 * CHANNELS];
        for (channel, pixels) in bias.iter().zip(&scales).enumerate() {
            let (&sum, &scale) = pixels;
            let value = requantisation
                .quantisation
                .requantise::<Double, i8>(sum, scale);
            expected[channel] = value;
            expected[CHANNELS + channel] = value;
        }
        let operation = QuantOperation::Conv;
        packed(
            group,
            &geometry,
            operation,
            &[5_i8, -9],
            &[0; CHANNELS],
            &expected,
            &requantisation,
        );
    }
}
