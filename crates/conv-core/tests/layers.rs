//! Pooling, sums of feature maps and fully connected layers against the oracle, between guards, onto dirty outputs.

use conv_core::add::{Affine, QuantAdd};
use conv_core::pool::{AveragePool2d, MaxPool2d, PoolOperation, Pooled};
use conv_core::quantised::{
    Activation, Int4Kernel, QuantConv2d, QuantFullyConnected, QuantOperation, Quantisation,
    Requantisation,
};
use conv_core::requantise::{Double, Multiplier, Single, Wide};
use conv_core::{Axis, Dimension, Error, Geometry, window2d};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::oracle::{self, layers};
use conv_vectors::random::{Draw, Lcg, Spread};

/// A small axis: the library's and the oracle's.
fn axis(random: &mut Lcg) -> (Axis, usize, oracle::Axis) {
    let [kernel, stride, dilation, input] = [4, 3, 2, 6].map(|limit| random.below(limit) + 1);
    let pads = [0; 2].map(|_: i32| random.below(4) as isize - 1);
    let ours = Axis::new(kernel)
        .with_stride(stride)
        .with_dilation(dilation)
        .with_pads(pads[0], pads[1]);
    let theirs = oracle::Axis::new(input, kernel)
        .stride(stride)
        .dilation(dilation)
        .pad(pads[0], pads[1]);
    (ours, input, theirs)
}

/// What tests of integers and of floats have in common.
trait Value: Pooled + Draw + Dirt {
    /// The mean, in the order in which floats are summed.
    fn average(values: &[Self]) -> Self;
    /// The greatest.
    fn greatest(values: &[Self]) -> Self;
}

macro_rules! integer_values {
    ($($integer:ty),*) => {$(
        impl Value for $integer {
            fn average(values: &[Self]) -> Self {
                let wide: Vec<i128> = values.iter().map(|v| i128::from(*v)).collect();
                layers::average(&wide) as Self
            }

            fn greatest(values: &[Self]) -> Self {
                *values.iter().max().unwrap()
            }
        }
    )*};
}
integer_values!(i8, u8, i16);

impl Value for f32 {
    fn average(values: &[Self]) -> Self {
        let mut sum = 0.0;
        for value in values {
            sum += value;
        }
        sum / values.len() as Self
    }

    fn greatest(values: &[Self]) -> Self {
        values.iter().copied().fold(Self::NEG_INFINITY, Self::max)
    }
}

/// Every kind of small window; returns how many were legal and how many had windows of padding alone.
fn pools<T: Value>(seed: u32) -> (usize, usize) {
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    let (mut legal, mut empty) = (0, 0);
    for round in 0..6_000 {
        let (rows, columns) = (axis(&mut random), axis(&mut random));
        // More than are gathered together, too.
        let most = if round % 16 == 0 { 70 } else { 3 };
        let channels = random.below(most) + 1;
        let geometry = Geometry::direct(
            [rows.0, columns.0],
            [rows.1, columns.1],
            channels,
            channels,
            channels,
        );
        let (height, width) = (rows.2.output(), columns.2.output());
        let (Ok(geometry), Some(height), Some(width)) = (geometry, height, width) else {
            assert!(geometry.is_err() && (height.is_none() || width.is_none()));
            continue;
        };
        let mut input = vec![T::LEAST; geometry.input_elements()];
        random.fill(&mut input);
        let holds_nothing = |axis: &oracle::Axis, extent| {
            (0..extent).any(|output| layers::under(axis, output).is_empty())
        };
        let barren = holds_nothing(&rows.2, height) || holds_nothing(&columns.2, width);
        for operation in [PoolOperation::Average, PoolOperation::Max] {
            let mut guarded = Guarded::<T>::new(geometry.output_elements());
            let found = geometry.pool(
                operation,
                &input,
                guarded.as_mut_slice(),
                T::LEAST,
                T::GREATEST,
            );
            guarded.check().unwrap();
            if barren {
                assert!(
                    matches!(found, Err(Error::EmptyWindow { .. })),
                    "{geometry:?}"
                );
                assert_eq!(guarded.first_unwritten(), Some(0));
                empty += 1;
                continue;
            }
            assert_eq!(found, Ok(()));
            legal += 1;
            for (index, value) in guarded.as_slice().iter().enumerate() {
                let (pixel, channel) = (index / channels, index % channels);
                let mut values = Vec::new();
                for y in layers::under(&rows.2, pixel / width) {
                    for x in layers::under(&columns.2, pixel % width) {
                        values.push(input[(y * columns.1 + x) * channels + channel]);
                    }
                }
                let expected = match operation {
                    PoolOperation::Average => T::average(&values),
                    PoolOperation::Max => T::greatest(&values),
                };
                assert!(
                    value.same(expected),
                    "{operation:?} {geometry:?} at {index}"
                );
            }
        }
    }
    (legal, empty)
}

#[test]
fn pools_equal_the_oracle() {
    for (legal, empty) in [
        pools::<i8>(1),
        pools::<u8>(2),
        pools::<i16>(3),
        pools::<f32>(4),
    ] {
        assert!(legal > 1_000 && empty > 100, "{legal} {empty}");
    }
}

window2d! { struct Skewed: stride 2, pad_before 1, pad_after 0 }
window2d! { struct Same: padding SameUpper }

#[test]
fn typed_pools_equal_the_run_time_form() {
    let image: [[[i8; 2]; 5]; 4] = {
        let mut random = Lcg::new(5);
        core::array::from_fn(|_| core::array::from_fn(|_| [random.draw(), random.draw()]))
    };
    let flat = image.as_flattened().as_flattened();
    let axes = |kernel: [usize; 2]| kernel.map(|k| Axis::new(k).with_stride(2).with_pads(1, 0));
    let geometry = Geometry::direct(axes([3, 2]), [4, 5], 2, 2, 2).unwrap();
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let mut expected = [0; 12];
        geometry
            .pool(operation, flat, &mut expected, -50, 60)
            .unwrap();
        let mut found = [[[0_i8; 2]; 3]; 2];
        match operation {
            PoolOperation::Average => {
                AveragePool2d::<Skewed, i8, 3, 2>::with_clamp(-50, 60).run(&image, &mut found);
            }
            PoolOperation::Max => {
                MaxPool2d::<Skewed, i8, 3, 2>::with_clamp(-50, 60).run(&image, &mut found);
            }
        }
        assert_eq!(found.as_flattened().as_flattened(), expected);
    }
    // Named paddings count their inputs, too: a corner of 2×2 ones is 1.
    let mut same = [[0_u8; 3]; 3];
    AveragePool2d::<Same, u8, 3, 3>::default().run(&[[1_u8; 3]; 3], &mut same);
    assert_eq!(same, [[1; 3]; 3]);
}

#[test]
fn a_pool_of_a_nan_is_one_and_infinities_stay() {
    let geometry = Geometry::direct([Axis::new(2)], [4], 1, 1, 1).unwrap();
    let (low, high) = (f32::NEG_INFINITY, f32::INFINITY);
    let input = [1.0, f32::NAN, 2.0, f32::INFINITY];
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let mut output = [0.0; 3];
        geometry
            .pool(operation, &input, &mut output, low, high)
            .unwrap();
        assert!(output[0].is_nan() && output[1].is_nan());
        assert_eq!(output[2], f32::INFINITY);
    }
}

#[test]
fn pools_refuse_what_they_cannot_do() {
    let pool = |geometry: &Geometry<1>, input: &[i16], output: &mut [i16]| {
        geometry.pool(PoolOperation::Average, input, output, i16::MIN, i16::MAX)
    };
    let axis = Axis::new(2);
    let geometry = Geometry::direct([axis], [4], 2, 2, 2).unwrap();
    let mut output = [7; 6];
    let error = pool(&geometry, &[0; 7], &mut output).unwrap_err();
    assert_eq!(error.to_string(), "input has 7 elements, expected 8");
    let error = pool(&geometry, &[0; 8], &mut output[..5]).unwrap_err();
    assert_eq!(error.to_string(), "output has 5 elements, expected 6");
    let geometry = Geometry::direct([axis], [4], 2, 2, 1).unwrap();
    let error = pool(&geometry, &[0; 8], &mut output).unwrap_err();
    assert_eq!(
        error.to_string(),
        "groups are 1, expected one for each of the 2 input channels of a depthwise operation"
    );
    let geometry = Geometry::direct([axis], [4], 1, 2, 1).unwrap();
    let error = pool(&geometry, &[0; 4], &mut output).unwrap_err();
    assert_eq!(error.to_string(), "output has 2 channels, expected 1");
    let geometry = Geometry::direct([axis.with_pads(0, 3)], [5], 1, 1, 1).unwrap();
    let error = pool(&geometry, &[0; 5], &mut [0; 7]).unwrap_err();
    assert_eq!(
        error,
        Error::EmptyWindow {
            dimension: Dimension::Length,
            output: 5
        }
    );
    assert_eq!(
        error.to_string(),
        "output 5 along the length is pooled from padding alone, expected at least 1 input"
    );
    let wide = Geometry::direct([Axis::new(65_535)], [65_535], 1, 1, 1).unwrap();
    let input = vec![i16::MIN; 65_535];
    let error = pool(&wide, &input, &mut output[..1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "65535 products meet in one output, expected at most 65534: use a wider accumulator"
    );
    assert_eq!(output, [7; 6]);
    // The greatest sum that is allowed.
    for value in [i16::MIN, i16::MAX] {
        let widest = Geometry::direct([Axis::new(65_534)], [65_534], 1, 1, 1).unwrap();
        pool(&widest, &vec![value; 65_534], &mut output[..1]).unwrap();
        assert_eq!(output[0], value);
    }
    // A kernel of 2⁴⁰ taps costs as much as the input that it covers.
    let kernel = 1_usize << 40;
    let huge = Axis::new(kernel).with_pads(0, kernel as isize - 1);
    let huge = Geometry::direct([huge], [3], 1, 1, 1).unwrap();
    let mut greatest = [0_i16; 3];
    huge.pool(PoolOperation::Max, &[1, 5, 2], &mut greatest, 0, 9)
        .unwrap();
    assert_eq!(greatest, [5, 5, 2]);
}

/// Sums of every pair of extremes and of many others, with scales far apart and equal.
fn sums<T: Activation + Draw + Dirt>(seed: u32, zero_points: &[i32], left_shift: u32) {
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    for round in 0..2_000 {
        let mut affine = || {
            let scale =
                (random.below(1_000) + 1) as f32 * 2.0_f32.powi(random.below(16) as i32 - 12);
            (scale, zero_points[random.below(zero_points.len())])
        };
        let given = [affine(), affine(), affine()];
        let [left, right, output] = given.map(|(scale, zero_point)| Affine { scale, zero_point });
        let (low, high) = if round % 2 == 0 {
            (-100, 90)
        } else {
            (i32::MIN, i32::MAX)
        };
        let layer = QuantAdd::<T>::try_new(left, right, output)
            .unwrap()
            .with_clamp(low, high);
        let mut inputs = [[T::ZERO; 12]; 2];
        random.fill(inputs.as_flattened_mut());
        let mut guarded = Guarded::<T>::new(12);
        layer
            .run_slices(&inputs[0], &inputs[1], guarded.as_mut_slice())
            .unwrap();
        guarded.check().unwrap();

        let theirs = given.map(|(scale, zero_point)| layers::Affine { scale, zero_point });
        for (index, found) in guarded.as_slice().iter().enumerate() {
            let [a, b] = [0, 1].map(|side| (inputs[side][index].into(), theirs[side]));
            let sum = layers::add(a, b, theirs[2], left_shift);
            let sum = sum.clamp(low.into(), high.into());
            let expected = sum.clamp(T::LEAST.into(), T::GREATEST.into());
            assert_eq!(
                i128::from((*found).into()),
                expected,
                "{given:?} {a:?} {b:?}"
            );
        }
        let mut typed = [T::ZERO; 12];
        layer.run(&inputs[0], &inputs[1], &mut typed);
        assert_eq!(typed, guarded.as_slice());
        let [left, mut in_place] = inputs;
        layer.run_in_place(&left, &mut in_place);
        assert_eq!(in_place, typed);
    }
}

#[test]
fn sums_equal_the_oracle() {
    sums::<i8>(1, &[-128, -3, 0, 127], 20);
    sums::<u8>(2, &[0, 128, 255], 20);
    sums::<i16>(3, &[0], 15);
    sums::<i16>(4, &[-32_768, 0, 32_767], 15);
}

/// Scales that are equal, twice each other and so far apart that nothing is left of one; outputs whose shifts are 1, 21,
/// those beside them, and to the left.
#[test]
fn sums_of_every_pair_of_bytes_equal_the_oracle() {
    let pairs: [(f32, f32); 6] = [
        (0.25, 0.25),
        (0.25, 0.5),
        (0.7, 0.1),
        (0.013, 0.0129),
        (3.0, 3e-9),
        (1e-12, 1.0),
    ];
    let left: Vec<i8> = (i8::MIN..=i8::MAX).flat_map(|a| [a; 256]).collect();
    let right: Vec<i8> = (0..256).flat_map(|_| i8::MIN..=i8::MAX).collect();
    let mut found = vec![0_i8; left.len()];
    for (index, (a, b)) in pairs.into_iter().enumerate() {
        for power in [-20, -19, -18, -17, -1, 0, 1, 2, 3, 4, 12] {
            let zero_points = [[0, 0, 0], [-128, 127, -128], [127, -128, 127]][index % 3];
            let scales = [a, b, a.max(b) * 0.9 * 2.0_f32.powi(power)];
            let given = [0, 1, 2].map(|i| (scales[i], zero_points[i]));
            let affine = given.map(|(scale, zero_point)| Affine { scale, zero_point });
            let theirs = given.map(|(scale, zero_point)| layers::Affine { scale, zero_point });
            let layer = QuantAdd::<i8>::new(affine[0], affine[1], affine[2]);
            layer.run_slices(&left, &right, &mut found).unwrap();
            for ((&a, &b), &found) in left.iter().zip(&right).zip(&found) {
                let (a, b) = ((a.into(), theirs[0]), (b.into(), theirs[1]));
                let expected = layers::add(a, b, theirs[2], 20).clamp(-128, 127);
                assert_eq!(i128::from(found), expected, "{given:?} {a:?} {b:?}");
            }
        }
    }
}

#[test]
fn sums_refuse_what_has_no_meaning() {
    let unit = Affine {
        scale: 1.0,
        zero_point: 0,
    };
    let text = |found: Result<QuantAdd<i8>, Error>| found.unwrap_err().to_string();
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let bad = Affine { scale, ..unit };
        let expected = "scale is out of range, expected a positive finite number";
        assert_eq!(
            text(QuantAdd::try_new(unit, bad, unit)),
            format!("input {expected}")
        );
        assert_eq!(
            text(QuantAdd::try_new(unit, unit, bad)),
            format!("output {expected}")
        );
    }
    let bad = Affine {
        zero_point: 128,
        ..unit
    };
    assert_eq!(
        text(QuantAdd::try_new(bad, unit, unit)),
        "input zero point or clamp is 128, expected -128 to 127"
    );
    let sum = QuantAdd::<i8>::new(unit, unit, unit);
    let mut output = [9; 3];
    let error = sum.run_slices(&[1; 3], &[1; 2], &mut output).unwrap_err();
    assert_eq!(error.to_string(), "input has 2 elements, expected 3");
    let error = sum.run_slices(&[1; 4], &[1; 4], &mut output).unwrap_err();
    assert_eq!(error.to_string(), "output has 3 elements, expected 4");
    assert_eq!(output, [9; 3]);
}

const SCALE: Multiplier = Multiplier::from_scale(0.003).unwrap();

/// A fully connected layer is the convolution of one pixel that has all elements as its channels.
#[test]
fn fully_connected_layers_equal_a_pointwise_convolution() {
    let mut random = Lcg::new(9);
    let kernel: [[i8; 12]; 5] = core::array::from_fn(|_| core::array::from_fn(|_| random.draw()));
    let image: [[[i8; 2]; 3]; 2] =
        core::array::from_fn(|_| core::array::from_fn(|_| [random.draw(), random.draw()]));
    let quantisation = Quantisation::new(-7, 3).with_clamp(-90, 100);
    let bias = [100, -200, 300, -400, 500];
    let geometry = Geometry::direct([Axis::new(1), Axis::new(1)], [1, 1], 12, 5, 1).unwrap();
    let flat = image.as_flattened().as_flattened();
    let mut expected = [0_i8; 5];
    geometry
        .quantised(
            QuantOperation::Conv,
            flat,
            kernel.as_flattened(),
            &mut expected,
            &Requantisation::<Double> {
                bias: Some(&bias),
                scales: &[SCALE],
                quantisation,
            },
        )
        .unwrap();
    let layer: QuantFullyConnected<i8, [[i8; 12]; 5], Double, 5> =
        QuantFullyConnected::new(kernel, bias, [SCALE; 5], quantisation);
    let mut found = [0_i8; 5];
    layer.run(&image, &mut found);
    assert_eq!(found, expected);
    // By hand: the formula itself.
    for (channel, found) in found.into_iter().enumerate() {
        let products = flat.iter().zip(&kernel[channel]);
        let sum: i32 = products
            .map(|(x, w)| (i32::from(*x) + 7) * i32::from(*w))
            .sum();
        let (m, s) = oracle::requantise::multiplier_and_shift(0.003).unwrap();
        let rounded = oracle::requantise::double(i128::from(sum + bias[channel]), m, s) + 3;
        assert_eq!(i128::from(found), rounded.clamp(-90, 100));
    }
}

window2d! { struct Padded: pad 1 }

/// A pointwise layer of so many channels against the portable loops. Its columns are longer than what the output has room for:
/// at the end, and where there are fewer output channels than a quarter of the input's, always.
macro_rules! assert_pointwise {
    ($type:ty, $rounding:ty, $ci:literal, $co:literal) => {{
        let mut random = Lcg::new($ci);
        let kernel: [[i8; $ci]; $co] =
            core::array::from_fn(|_| core::array::from_fn(|_| random.draw()));
        let image: [[[$type; $ci]; 3]; 2] = core::array::from_fn(|_| {
            core::array::from_fn(|_| core::array::from_fn(|_| random.draw()))
        });
        let bias: [i32; $co] = core::array::from_fn(|channel| 700 - 300 * channel as i32);
        let quantisation = Quantisation::new(5, 3).with_clamp(-90, 100);
        let padded = Axis::new(1).with_pads(1, 1);
        let geometry = Geometry::direct([padded; 2], [2, 3], $ci, $co, 1).unwrap();
        let scale = Multiplier::from_scale(0.0007).unwrap();
        let mut expected = [0_i8; 4 * 5 * $co];
        let requantisation = Requantisation::<$rounding> {
            bias: Some(&bias),
            scales: &[scale],
            quantisation,
        };
        let flat = image.as_flattened().as_flattened();
        geometry
            .quantised(
                QuantOperation::Conv,
                flat,
                kernel.as_flattened(),
                &mut expected,
                &requantisation,
            )
            .unwrap();
        let layer: QuantConv2d<Padded, $type, [[i8; $ci]; $co], $rounding, $co> =
            QuantConv2d::pointwise(kernel, bias, [scale; $co], quantisation);
        let mut found = [[[0_i8; $co]; 5]; 4];
        layer.run(&image, &mut found, &mut layer.scratch());
        assert_eq!(found.as_flattened().as_flattened(), expected);
    }};
}

#[test]
fn pointwise_layers_of_many_channels_need_no_scratch() {
    assert_pointwise!(i8, Double, 64, 9);
    assert_pointwise!(i8, Double, 131, 5);
    assert_pointwise!(u8, Double, 65, 2);
    assert_pointwise!(i8, Single, 200, 7);
    assert_pointwise!(u8, Single, 129, 1);
}

#[test]
fn fully_connected_layers_take_nibbles_and_sixteen_bits() {
    let kernel = [[7_i8, -8, 3], [-1, 0, 5]];
    let bytes = [0x87, 0xf3, 0x50];
    let packed: QuantFullyConnected<i8, Int4Kernel<3, 1, 1, 2, 3>, Double, 2> =
        QuantFullyConnected::packed(
            Int4Kernel(bytes),
            [9; 2],
            [SCALE; 2],
            Quantisation::new(2, 0),
        );
    let plain: QuantFullyConnected<i8, [[i8; 3]; 2], Double, 2> =
        QuantFullyConnected::new(kernel, [9; 2], [SCALE; 2], Quantisation::new(2, 0));
    let (mut a, mut b) = ([0_i8; 2], [0_i8; 2]);
    packed.run(&[127_i8, -128, 100], &mut a);
    plain.run(&[127_i8, -128, 100], &mut b);
    assert_eq!(a, b);
    assert_ne!(a, [0; 2]);

    let wide: QuantFullyConnected<i16, [[i8; 3]; 2], Wide, 2> = QuantFullyConnected::wide(
        kernel,
        [1 << 40, -5],
        [Multiplier::from_scale(2.0_f64.powi(-30)).unwrap(); 2],
        Quantisation::new(0, 0),
    );
    let mut output = [[0_i16; 1]; 2];
    wide.run(&[[32_767_i16, -32_768, 1]], &mut output);
    assert_eq!(output, [[1024], [0]]);
}

#[test]
fn strides_and_dilations_that_nothing_makes_use_of_may_be_as_large_as_they_like() {
    const FAR: usize = isize::MAX as usize;
    let axis = Axis::new(1).with_stride(FAR).with_dilation(FAR);
    let geometry = Geometry::direct([axis; 2], [2, 3], 5, 5, 5).unwrap();
    let input: Vec<i8> = (0..30).collect();
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let mut output = [0_i8; 5];
        let done = geometry.pool(operation, &input, &mut output, i8::MIN, i8::MAX);
        assert_eq!((done, output), (Ok(()), [0, 1, 2, 3, 4]));
    }
}
