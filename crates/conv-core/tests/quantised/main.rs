//! Quantised layers against the published cases, the anchors' hashes and the oracle.

mod neighbours;
mod peers;
mod small;
mod typed;

use conv_core::quantised::{
    Accumulate, Activation, Int4, QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d,
    QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway,
};
use conv_core::{Axis, Geometry, window2d};
use conv_vectors::anchors::{self, AnchorData, Layer};
use conv_vectors::golden::{self, IntegerType, Kind, QuantisedCase, Rounding as Contract};
use conv_vectors::guard::Dirt;
use conv_vectors::random::{Draw, Lcg, Spread};

use crate::small::{
    Expected, Settings, Small, Weights, anchor_scale, double, float_half_even, half_away,
    half_even, single, wide, wide_double,
};

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
    let packed: Vec<u8> = golden::packed(&weights).collect();
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
                layer.run(&array!($input, input), &mut output, &mut layer.scratch());
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

/// A contract of three over random small shapes.
fn sweep<T, R>(
    seed: u32,
    zero_points: &[i32],
    expected: Expected<R::Scale>,
    scale: fn(usize) -> R::Scale,
) where
    T: Activation + Draw + Dirt,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    let mut tried = 0;
    while tried < 3_000 {
        let Some(layer) = Small::chosen(&mut |limit| random.below(limit)) else {
            continue;
        };
        tried += 1;
        let zero_point = zero_points[random.below(zero_points.len())];
        let bias = |channel| R::Accumulator::from(anchors::bias(channel) * 1000);
        let settings = Settings::<R> {
            weights: if tried % 2 == 0 {
                Weights::Nibbles
            } else {
                Weights::Bytes
            },
            quantisation: Quantisation::new(zero_point, 7).with_clamp((-100).max(T::LEAST), 101),
            bias: (tried % 3 != 0).then_some(&bias),
            scale: &scale,
            expected,
        };
        layer.check::<T, R>(&mut random, &settings);
    }
}

#[test]
fn small_shapes_equal_the_oracle_in_every_contract() {
    sweep::<i8, Double>(1, &[-128, -5, 0, 127], double, anchor_scale);
    sweep::<u8, Single>(2, &[0, 128, 255], single, anchor_scale);
    sweep::<i16, Double>(3, &[0], double, anchor_scale);
    sweep::<i16, Wide>(4, &[0], wide, anchor_scale);
    // Scales of few bits, so that ties occur.
    let scale = |channel| [1.0 / 64.0, 3.0 / 1024.0, 0.001][channel % 3];
    sweep::<i8, HalfEven>(5, &[-128, 3, 127], half_even, scale);
    sweep::<i8, FloatHalfEven>(8, &[-128, 3, 127], float_half_even, scale);
    sweep::<i16, WideDouble>(9, &[0], wide_double, anchor_scale);
    let scale = |channel| [1.0 / 64.0, 3.0 / 1024.0, 0.001][channel % 3];
    sweep::<i8, HalfAway>(6, &[-128, 3, 127], half_away, scale);
    sweep::<i16, WideHalfAway>(7, &[0], half_away, scale);
}

/// Products that could overflow whatever the weights are run where these weights do not.
#[test]
fn the_weights_that_there_are_decide_at_run_time() {
    let axes = [Axis::new(3); 2];
    let geometry = Geometry::direct(axes, [3, 3], 64, 1, 1).unwrap();
    let run = |weight: i8, bias: i32| {
        let requantisation = Requantisation::<Double> {
            bias: Some(&[bias]),
            scales: &[Multiplier::from_scale(1e-5).unwrap()],
            quantisation: Quantisation::new(0, 0),
        };
        let mut output = [77_i16];
        let done = geometry.quantised(
            QuantOperation::Conv,
            &[i16::MIN; 576],
            [weight; 576].as_slice(),
            &mut output,
            &requantisation,
        );
        done.map(|()| output[0])
    };
    // 576·32,768·113 < 2³¹ < 576·32,768·114.
    assert_eq!(run(113, 0), Ok(-21328));
    assert_eq!(
        run(114, 0).unwrap_err().to_string(),
        "weights of one output sum up to 65664, expected at most 65535: use a contract with sums of 64 bits, such as WideDouble"
    );
    // 2³¹ − 1 − 576·113·32,768, of which one more is left below 0.
    let limit = i32::MAX - 576 * 113 * 32_768;
    assert!(run(113, limit).is_ok() && run(113, -limit - 1).is_ok());
    assert_eq!(
        run(113, -limit - 2).unwrap_err().to_string(),
        "bias of output channel 0 is -14680065, expected a magnitude of at most 14680064 with its weights: use a contract \
         with sums of 64 bits, such as WideDouble"
    );
    assert!(run(113, limit + 1).is_err());
    // Where nothing can overflow every bias is legal.
    assert_eq!(run(0, i32::MIN), Ok(-21475));
    // Of 16 taps of stride 2 no more than 4 meet.
    let axes = [Axis::new(4).with_stride(2).with_pads(1, 1); 2];
    let geometry = Geometry::transposed(axes, [2, 2], [4, 4], 1, 200, 1).unwrap();
    let requantisation = Requantisation::<Double> {
        bias: None,
        scales: &[Multiplier::from_scale(1e-5).unwrap()],
        quantisation: Quantisation::new(0, 0),
    };
    let run = |weight: i8| {
        geometry.quantised(
            QuantOperation::ConvTranspose,
            &[1_i16; 800],
            [weight; 3200].as_slice(),
            &mut [0_i16; 16],
            &requantisation,
        )
    };
    assert_eq!(run(81), Ok(()));
    assert!(run(82).is_err());
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
        run(with(0, 0, 83, 0)),
        "clamp is from 83 to 0, expected the lower bound first"
    );
    const NEGATIVE: &[Multiplier] = &[Multiplier {
        multiplier: -1,
        shift: 0,
    }];
    assert_eq!(
        run(layer(&[1], NEGATIVE, plain)),
        "scale of output channel 0 is out of range, expected a finite number of at least 0"
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
        "bias of output channel 0 is 2147483647, expected a magnitude of at most 2147483519 with its weights: use a contract \
         with sums of 64 bits, such as WideDouble"
    );
}

/// An ordinary layer of 16-bit activations, 3×3 taps of 256 channels, whose sums 32 bits may not hold.
#[test]
fn sums_beyond_32_bits_are_saturated_before_they_are_rounded() {
    let axes = [Axis::new(3); 2];
    let geometry = Geometry::direct(axes, [3, 3], 256, 1, 1).unwrap();
    let run = |value: i16, bias: i64| {
        let requantisation = Requantisation::<WideDouble> {
            bias: Some(&[bias]),
            scales: &[Multiplier::from_scale(2.0_f64.powi(-17)).unwrap()],
            quantisation: Quantisation::new(0, 0),
        };
        let (input, weights) = (vec![value; 9 * 256], vec![127_i8; 9 * 256]);
        let mut output = [0_i16];
        let operation = QuantOperation::Conv;
        let weights = weights.as_slice();
        geometry
            .quantised(operation, &input, weights, &mut output, &requantisation)
            .unwrap();
        output[0]
    };
    // 2,304·127·1,000/2¹⁷ = 2,232.4…; 32 bits end at 2³¹/2¹⁷ = 16,384.
    assert_eq!(run(1000, 0), 2232);
    assert_eq!(run(1000, 100_000), 2233);
    assert_eq!(run(32_767, 0), 16_384);
    assert_eq!(run(-32_768, i64::from(i32::MIN)), -16_384);
}
