//! Quantised layers against the published cases, the anchors' hashes and the oracle.

use conv_core::quantised::{
    Accumulate, Activation, Int4, QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d,
    QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Double, Multiplier, Rounding, Single, Wide};
use conv_core::{Axis, Geometry, window2d};
use conv_vectors::anchors::{self, AnchorData, Layer};
use conv_vectors::golden::{self, IntegerType, Kind, QuantisedCase, Rounding as Contract};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::oracle::{self, Problem, direct, requantise, transposed};
use conv_vectors::random::{Draw, Lcg, Spread};

fn geometry(case: &QuantisedCase<'_>) -> (QuantOperation, Geometry<2>) {
    let after = case.pad_after();
    let axes = [0, 1].map(|d| {
        Axis::new(case.kernel_hw[d])
            .with_stride(case.stride[d])
            .with_dilation(case.dilation[d])
            .with_pads(case.pad_before[d] as isize, after[d])
    });
    let [ih, iw, ic] = case.input_hwc;
    let [oh, ow, oc] = case.output_hwc;
    match case.kind {
        Kind::Direct => (
            QuantOperation::Conv,
            Geometry::direct(axes, [ih, iw], ic, oc, case.groups).unwrap(),
        ),
        Kind::Depthwise => (
            QuantOperation::Depthwise,
            Geometry::direct(axes, [ih, iw], ic, oc, case.groups).unwrap(),
        ),
        Kind::Transposed => (
            QuantOperation::ConvTranspose,
            Geometry::transposed(axes, [ih, iw], [oh, ow], oc, ic, case.groups).unwrap(),
        ),
    }
}

fn pack(weights: &[i8]) -> Vec<u8> {
    weights
        .chunks(2)
        .map(|pair| (pair[0] as u8 & 15) | (pair.get(1).map_or(0, |&high| high as u8) << 4))
        .collect()
}

fn run<R, T>(case: &QuantisedCase<'_>) -> Vec<i32>
where
    R: Rounding<Scale = Multiplier>,
    R::Accumulator: Accumulate + TryFrom<i64>,
    T: Activation + TryFrom<i32>,
{
    let (operation, geometry) = geometry(case);
    let input: Vec<T> = case.input.values().map(|v| T::saturated(v)).collect();
    let weights: Vec<i8> = case.weights.values().map(|v| v as i8).collect();
    let bias: Option<Vec<R::Accumulator>> = case.bias.map(|bias| {
        bias.values()
            .map(|v| i64::from(v).try_into().ok().unwrap())
            .collect()
    });
    let scales: Vec<Multiplier> = (case.multiplier.values())
        .zip(case.shift.values())
        .map(|(multiplier, shift)| Multiplier { multiplier, shift })
        .collect();
    let requantisation = Requantisation::<R> {
        bias: bias.as_deref(),
        scales: &scales,
        quantisation: Quantisation::new(-case.input_offset, case.output_offset)
            .with_clamp(case.clamp.0, case.clamp.1),
    };
    let packed = pack(&weights);
    let size = input.len() / case.batch;
    let mut results = Vec::new();
    for image in input.chunks(size) {
        let mut output = vec![T::saturated(77); case.output_hwc.iter().product()];
        let done = match case.weight_type {
            IntegerType::I4 => {
                let weights = Int4::new(&packed, weights.len()).unwrap();
                geometry.quantised(operation, image, weights, &mut output, &requantisation)
            }
            _ => geometry.quantised(
                operation,
                image,
                weights.as_slice(),
                &mut output,
                &requantisation,
            ),
        };
        done.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        results.extend(output.into_iter().map(Into::into));
    }
    results
}

fn by_contract(case: &QuantisedCase<'_>, contract: Contract) -> Vec<i32> {
    match (case.input_type, contract) {
        (IntegerType::I16, Contract::Double) => run::<Double, i16>(case),
        (IntegerType::I16, Contract::Single) => run::<Single, i16>(case),
        (IntegerType::I16, Contract::Wide) => run::<Wide, i16>(case),
        (_, Contract::Double) => run::<Double, i8>(case),
        (_, Contract::Single) => run::<Single, i8>(case),
        (_, Contract::Wide) => run::<Wide, i8>(case),
    }
}

#[test]
fn the_35_published_cases_bit_for_bit() {
    let mut count = 0;
    for case in golden::quantised() {
        let expected: Vec<i32> = case.output.values().collect();
        assert_eq!(by_contract(&case, case.rounding), expected, "{}", case.name);
        count += 1;
    }
    assert_eq!(count, 35);
}

/// The anchors' data: inputs and weights from the front of the generated ones.
fn anchor_data() -> (Vec<i8>, Vec<i8>) {
    AnchorData::new().take(65536).unzip()
}

fn anchor_scale(channel: usize) -> Multiplier {
    Multiplier {
        multiplier: anchors::multiplier(channel),
        shift: anchors::shift(channel),
    }
}

const ANCHOR: Quantisation = Quantisation::new(-anchors::INPUT_OFFSET, anchors::OUTPUT_OFFSET);

fn hash(output: &[i8]) -> u32 {
    anchors::fnv1a(&output.iter().map(|&value| value as u8).collect::<Vec<_>>())
}

fn run_time_anchor(layer: &Layer) -> u32 {
    let (input, weights) = anchor_data();
    let (x, y) = match layer.kind {
        Kind::Transposed => (layer.output, layer.input),
        _ => (layer.input, layer.output),
    };
    let axes = [0, 1].map(|d| {
        let before = layer.pad_before as isize;
        let reach = (y[d] - 1) * layer.stride + layer.kernel[d];
        Axis::new(layer.kernel[d])
            .with_stride(layer.stride)
            .with_pads(before, reach as isize - x[d] as isize - before)
    });
    let (operation, groups) = match layer.kind {
        Kind::Direct => (QuantOperation::Conv, 1),
        Kind::Depthwise => (QuantOperation::Depthwise, x[2]),
        Kind::Transposed => (QuantOperation::ConvTranspose, 1),
    };
    let geometry = match layer.kind {
        Kind::Transposed => Geometry::transposed(axes, [y[0], y[1]], [x[0], x[1]], x[2], y[2], 1),
        _ => Geometry::direct(axes, [x[0], x[1]], x[2], y[2], groups),
    };
    let channels = layer.output[2];
    let requantisation = Requantisation::<Double> {
        bias: Some(&(0..channels).map(anchors::bias).collect::<Vec<_>>()),
        scales: &(0..channels).map(anchor_scale).collect::<Vec<_>>(),
        quantisation: ANCHOR,
    };
    let mut output = vec![0_i8; layer.output.iter().product()];
    let (input, weights) = (
        &input[..layer.input.iter().product()],
        &weights[..layer.weights()],
    );
    (geometry.unwrap())
        .quantised(operation, input, weights, &mut output, &requantisation)
        .unwrap();
    hash(&output)
}

#[test]
fn the_eleven_anchors_by_hash_at_run_time() {
    for layer in anchors::LAYERS {
        assert_eq!(run_time_anchor(&layer), layer.hash, "{}", layer.name);
    }
}

window2d! { struct Unit }
window2d! { struct Pad1: pad 1 }
window2d! { struct Pad2: pad 2 }
window2d! { struct Half: stride 2, pad 1 }
window2d! { struct HalfEnd: stride 2, pad_before 1, pad_after (0, 1) }
window2d! { struct Pairs: stride 2 }

/// An array type filled from a slice, in memory order.
macro_rules! array {
    ($type:ty, $values:expr) => {{
        let mut values = $values.iter().copied();
        let array: $type = fill(&mut || values.next().expect("enough values"));
        array
    }};
}

trait Fill {
    fn filled(next: &mut dyn FnMut() -> i8) -> Self;
}

impl Fill for i8 {
    fn filled(next: &mut dyn FnMut() -> i8) -> Self {
        next()
    }
}

impl<T: Fill, const N: usize> Fill for [T; N] {
    fn filled(next: &mut dyn FnMut() -> i8) -> Self {
        std::array::from_fn(|_| T::filled(next))
    }
}

fn fill<A: Fill>(next: &mut dyn FnMut() -> i8) -> A {
    A::filled(next)
}

macro_rules! typed_anchors {
    ($($index:literal: $layer:ident<$window:ident>, $input:ty, $kernel:ty, $channels:literal => $output:ty;)*) => {
        #[test]
        fn the_eleven_anchors_by_hash_through_typed_layers() {
            let (input, weights) = anchor_data();
            let mut seen = 0;
            $(
                let layer = $layer::<$window, i8, $kernel, Double, $channels>::new(
                    array!($kernel, weights),
                    std::array::from_fn(anchors::bias),
                    std::array::from_fn(anchor_scale),
                    ANCHOR,
                );
                let mut output = array!($output, [77_i8; 65536]);
                layer.run(&array!($input, input), &mut output);
                let bytes: Vec<i8> = output.as_flattened().as_flattened().to_vec();
                let expected = anchors::LAYERS[$index];
                assert_eq!(hash(&bytes), expected.hash, "{}", expected.name);
                seen += 1;
            )*
            assert_eq!(seen, anchors::LAYERS.len());
        }
    };
}

typed_anchors! {
    0: QuantConv2d<Pad1>, [[[i8; 16]; 16]; 16], [[[[i8; 16]; 3]; 3]; 32], 32 => [[[i8; 32]; 16]; 16];
    1: QuantConv2d<Pad1>, [[[i8; 3]; 32]; 32], [[[[i8; 3]; 3]; 3]; 16], 16 => [[[i8; 16]; 32]; 32];
    2: QuantConv2d<Unit>, [[[i8; 64]; 5]; 25], [[[[i8; 64]; 1]; 1]; 64], 64 => [[[i8; 64]; 5]; 25];
    3: QuantConv2d<HalfEnd>, [[[i8; 1]; 10]; 49], [[[[i8; 1]; 4]; 10]; 64], 64 => [[[i8; 64]; 5]; 21];
    4: QuantConv2d<Pad2>, [[[i8; 32]; 8]; 8], [[[[i8; 32]; 5]; 5]; 32], 32 => [[[i8; 32]; 8]; 8];
    5: QuantDepthwise2d<Pad1>, [[[i8; 64]; 5]; 25], [[[i8; 64]; 3]; 3], 64 => [[[i8; 64]; 5]; 25];
    6: QuantDepthwise2d<Half>, [[[i8; 32]; 16]; 16], [[[i8; 32]; 3]; 3], 32 => [[[i8; 32]; 8]; 8];
    7: QuantConvTranspose2d<Half>, [[[i8; 16]; 8]; 8], [[[[i8; 16]; 3]; 3]; 16], 16 => [[[i8; 16]; 16]; 16];
    8: QuantConvTranspose2d<Half>, [[[i8; 16]; 8]; 8], [[[[i8; 16]; 4]; 4]; 16], 16 => [[[i8; 16]; 16]; 16];
    9: QuantConvTranspose2d<Pairs>, [[[i8; 32]; 8]; 8], [[[[i8; 32]; 2]; 2]; 16], 16 => [[[i8; 16]; 16]; 16];
    10: QuantConvTranspose2d<Pad1>, [[[i8; 8]; 16]; 16], [[[[i8; 8]; 3]; 3]; 8], 8 => [[[i8; 8]; 16]; 16];
}

/// A small layer of random shape: which operation, and its problem as the oracle sees it.
struct Small {
    operation: QuantOperation,
    geometry: Geometry<2>,
    problem: Problem,
    source: [usize; 3],
    target: [usize; 3],
    kernel: [usize; 2],
}

/// The next legal shape: every setting drawn, pads asymmetric, of the transposed operation every output padding.
fn small(random: &mut Lcg) -> Option<Small> {
    let operation = [
        QuantOperation::Conv,
        QuantOperation::Depthwise,
        QuantOperation::ConvTranspose,
    ][random.below(3)];
    let groups = 1 + random.below(3);
    let (inputs, outputs) = match operation {
        QuantOperation::Depthwise => (1, 1 + random.below(2)),
        _ => (1 + random.below(3), 1 + random.below(3)),
    };
    let axes = [0, 1].map(|_| {
        Axis::new(1 + random.below(4))
            .with_stride(1 + random.below(3))
            .with_dilation(1 + random.below(2))
            .with_pads(random.below(4) as isize, random.below(4) as isize)
    });
    let extents = [0, 1].map(|_| 1 + random.below(6));
    let seen = |d: usize, input: usize| {
        oracle::Axis::new(input, axes[d].kernel)
            .stride(axes[d].stride)
            .dilation(axes[d].dilation)
            .pad(axes[d].pad_before, axes[d].pad_after)
    };
    let (geometry, problem_axes, source, target);
    if operation == QuantOperation::ConvTranspose {
        let padding = axes.map(|axis| random.below(axis.stride.max(axis.dilation)));
        let steps = [0, 1].map(|d| seen(d, extents[d]).transposed(padding[d]));
        problem_axes = [steps[0]?, steps[1]?];
        let back = [problem_axes[0].input, problem_axes[1].input];
        geometry = Geometry::transposed(
            axes,
            extents,
            back,
            inputs * groups,
            outputs * groups,
            groups,
        );
        source = [extents[0], extents[1], outputs * groups];
        target = [back[0], back[1], inputs * groups];
    } else {
        problem_axes = [seen(0, extents[0]), seen(1, extents[1])];
        geometry = Geometry::direct(axes, extents, inputs * groups, outputs * groups, groups);
        let output = geometry.ok()?.output();
        source = [extents[0], extents[1], inputs * groups];
        target = [output[0], output[1], outputs * groups];
    }
    let problem = Problem::new(&problem_axes)
        .channels(inputs * groups, outputs * groups)
        .groups(groups);
    Some(Small {
        operation,
        geometry: geometry.ok()?,
        problem,
        source,
        target,
        kernel: axes.map(|axis| axis.kernel),
    })
}

impl Small {
    fn weight_count(&self) -> usize {
        self.geometry.kernel_elements()
    }

    /// Sums of `(input − zero point)·weight`, in the order of the output buffer.
    fn sums<T: Into<i32> + Copy>(&self, input: &[T], zero_point: i32, weights: &[i8]) -> Vec<i128> {
        let at = oracle::channels_last(self.source[2], &self.source[..2]);
        let value = |image: usize, channel: usize, place: &[usize]| {
            i128::from(input[at(image, channel, place)].into() - zero_point)
        };
        let groups = self.problem.groups;
        let [inputs, outputs] =
            [self.problem.x_channels, self.problem.y_channels].map(|c| c / groups);
        let weight = |index: usize| i128::from(weights[index]);
        let sums = match self.operation {
            QuantOperation::Conv => {
                let place = oracle::channels_last(inputs, &self.kernel);
                direct(&self.problem, value, |o, i, tap| weight(place(o, i, tap)))
            }
            QuantOperation::Depthwise => {
                let place = oracle::channels_last(self.problem.y_channels, &self.kernel);
                direct(&self.problem, value, |o, _, tap| weight(place(0, o, tap)))
            }
            QuantOperation::ConvTranspose => {
                // O H W I/g of the layer's own channels: the oracle's x channel first, its y channel last.
                let place = oracle::channels_last(outputs, &self.kernel);
                transposed(&self.problem, value, |y, x, tap| {
                    weight(place(y / outputs * inputs + x, y % outputs, tap))
                })
            }
        };
        let order = oracle::channels_last(self.target[2], &self.target[..2]);
        (sums.unwrap().arranged(order).iter())
            .map(|sum| sum.value())
            .collect()
    }
}

/// Every contract over every small shape, between guards, onto a dirty output.
fn sweep<T, R>(seed: u32, zero_points: &[i32], expected: fn(i128, Multiplier) -> i128)
where
    T: Activation + Draw + Dirt,
    R: Rounding<Scale = Multiplier>,
    R::Accumulator: Accumulate,
{
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    let mut tried = 0;
    while tried < 3_000 {
        let Some(layer) = small(&mut random) else {
            continue;
        };
        tried += 1;
        let mut input = vec![T::saturated(0); layer.source.iter().product()];
        let mut weights = vec![0_i8; layer.weight_count()];
        random.fill(&mut input);
        random.fill(&mut weights);
        let nibbles = tried % 2 == 0;
        if nibbles {
            weights.iter_mut().for_each(|weight| *weight >>= 4);
        }
        let channels = layer.target[2];
        let bias: Vec<R::Accumulator> = (0..channels)
            .map(|c| R::Accumulator::from(anchors::bias(c) * 1000))
            .collect();
        let scales: Vec<Multiplier> = (0..channels).map(anchor_scale).collect();
        let zero_point = zero_points[random.below(zero_points.len())];
        let quantisation = Quantisation::new(zero_point, 7).with_clamp((-100).max(T::LEAST), 101);
        let requantisation = Requantisation::<R> {
            bias: Some(&bias),
            scales: &scales,
            quantisation,
        };
        let mut guarded = Guarded::<T>::new(layer.target.iter().product());
        let output = guarded.as_mut_slice();
        let (geometry, operation) = (&layer.geometry, layer.operation);
        let done = if nibbles {
            let packed = pack(&weights);
            let kernel = Int4::new(&packed, weights.len()).unwrap();
            geometry.quantised(operation, &input, kernel, output, &requantisation)
        } else {
            geometry.quantised(
                operation,
                &input,
                weights.as_slice(),
                output,
                &requantisation,
            )
        };
        done.unwrap();
        guarded
            .check()
            .unwrap_or_else(|hit| panic!("{operation:?} {geometry:?}: {hit}"));
        for (index, sum) in layer
            .sums(&input, zero_point, &weights)
            .into_iter()
            .enumerate()
        {
            let channel = index % channels;
            let sum = sum + i128::from(anchors::bias(channel) * 1000);
            let real = expected(sum, anchor_scale(channel)) + 7;
            let clamped = real.clamp(quantisation.low.into(), quantisation.high.into());
            let found: i32 = guarded.as_slice()[index].into();
            assert_eq!(
                i128::from(found),
                clamped,
                "{operation:?} {geometry:?} at {index}"
            );
        }
    }
}

#[test]
fn small_shapes_equal_the_oracle_in_every_contract() {
    sweep::<i8, Double>(1, &[-128, -5, 0, 127], |sum, m| {
        requantise::double(sum, m.multiplier, m.shift)
    });
    sweep::<u8, Single>(2, &[0, 128, 255], |sum, m| {
        requantise::single(sum, m.multiplier, m.shift)
    });
    sweep::<i16, Double>(3, &[0], |sum, m| {
        requantise::double(sum, m.multiplier, m.shift)
    });
    sweep::<i16, Wide>(4, &[0], |sum, m| {
        requantise::wide(sum, m.multiplier, m.shift)
    });
}

#[test]
fn errors_name_what_is_wrong_and_leave_the_output() {
    let geometry = Geometry::direct([Axis::new(1)], [4], 1, 1, 1).unwrap();
    let layer =
        |bias: &'static [i32], scales: &'static [Multiplier], quantisation| Requantisation::<
            Double,
        > {
            bias: Some(bias),
            scales,
            quantisation,
        };
    const SCALES: &[Multiplier] = &[Multiplier {
        multiplier: 1 << 30,
        shift: -8,
    }];
    let run = |requantisation: Requantisation<'_, Double>| {
        let mut output = [77_i8; 4];
        let operation = QuantOperation::Conv;
        let error = geometry
            .quantised(
                operation,
                &[1_i8; 4],
                [1_i8].as_slice(),
                &mut output,
                &requantisation,
            )
            .unwrap_err();
        assert_eq!(output, [77; 4]);
        error.to_string()
    };
    let with = |input, output, low, high| {
        layer(
            &[1],
            SCALES,
            Quantisation::new(input, output).with_clamp(low, high),
        )
    };
    let plain = Quantisation::new(0, 0);
    assert_eq!(
        run(with(200, 0, 0, 0)),
        "input zero point or clamp is 200, expected -128 to 127"
    );
    assert_eq!(
        run(with(0, -129, 0, 0)),
        "output zero point or clamp is -129, expected -128 to 127"
    );
    assert_eq!(
        run(with(0, 0, 0, 128)),
        "output zero point or clamp is 128, expected -128 to 127"
    );
    assert_eq!(
        run(layer(&[1, 2], SCALES, plain)),
        "bias has 2 channels, expected 1"
    );
    assert_eq!(
        run(layer(&[1], &[], plain)),
        "scales has 0 channels, expected 1"
    );
    assert_eq!(
        run(layer(&[i32::MAX], SCALES, plain)),
        "weights of one output sum up to 128, expected at most 0: use a wider accumulator"
    );
}
