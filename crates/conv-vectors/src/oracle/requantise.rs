//! From accumulator to quantised output, by the formulas of each contract.
//!
//! The arithmetic is `i128` throughout, so that nothing below can overflow, and each formula
//! stands as it is written down by those who defined it. [`run`] computes a whole golden case.
//!
//! ```
//! use conv_vectors::golden;
//! use conv_vectors::oracle::requantise;
//!
//! let case = golden::quantised().find(|case| case.name == "basic").unwrap();
//! let output = requantise::run(&case, case.rounding).unwrap();
//! assert!(case.output.values().eq(output));
//! ```

use std::vec::Vec;

use super::{Axis, Outputs, Problem, direct, transposed};
use crate::golden::{Kind, QuantisedCase, Rounding};

/// The fixed-point multiplier and shift of a real scale: [`Multipliers::of`] of one alone.
#[must_use]
pub fn multiplier_and_shift(scale: f64) -> Option<(i32, i32)> {
    Multipliers::default().of(scale)
}

/// The fixed-point multipliers and shifts of many real scales. Each exponent is looked for from the one before on, so
/// that neighbours cost little: there are 2³¹ scales in an `f32`.
#[derive(Clone, Copy, Debug)]
pub struct Multipliers {
    /// `2^(shift − 1)`: the power of two at the last scale or next below.
    power: f64,
    shift: i32,
}

impl Default for Multipliers {
    fn default() -> Self {
        Self {
            power: 1.0,
            shift: 1,
        }
    }
}

impl Multipliers {
    /// `scale ≈ multiplier · 2^(shift − 31)`.
    ///
    /// `(q, s) = frexp(scale)`, `m = round(q·2³¹)` half away from zero; `m = 2³¹` becomes `2³⁰` and
    /// `s + 1`; below `s = −31` both are 0. The scale is `f64(s_in)·f64(s_w)/f64(s_out)`; it is
    /// positive and finite, or 0, which gives (0, 0). `None` for any other.
    pub fn of(&mut self, scale: f64) -> Option<(i32, i32)> {
        if scale == 0.0 {
            return Some((0, 0));
        }
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let (fraction, mut shift) = self.frexp(scale);
        // `round` is half away from zero; the product is exact.
        let mut multiplier = (fraction * f64::from(1u32 << 31)).round() as i64;
        if multiplier == 1 << 31 {
            multiplier /= 2;
            shift += 1;
        }
        if shift < -31 {
            return Some((0, 0));
        }
        i32::try_from(multiplier)
            .ok()
            .map(|multiplier| (multiplier, shift))
    }

    /// The `q` in `[0.5, 1)` and the `s` with `q·2^s = value`, which is positive and finite. Every step is exact, down
    /// to the subnormals.
    fn frexp(&mut self, value: f64) -> (f64, i32) {
        while value >= 2.0 * self.power {
            self.power *= 2.0;
            self.shift += 1;
        }
        while value < self.power {
            self.power /= 2.0;
            self.shift -= 1;
        }
        (value / self.power / 2.0, self.shift)
    }
}

/// Double rounding: a rounding doubling high multiply, then a rounding shift half away from zero.
#[must_use]
pub fn double(accumulator: i128, multiplier: i32, shift: i32) -> i128 {
    let left = shift.max(0);
    let right = (-shift).max(0);
    let high = ((accumulator << left) * i128::from(multiplier) + (1 << 30)) >> 31;
    let mask = (1i128 << right) - 1;
    let remainder = high & mask;
    let threshold = (mask >> 1) + i128::from(high < 0);
    (high >> right) + i128::from(remainder > threshold)
}

/// Single rounding: `(acc·m + 2^(30 − s)) >> (31 − s)`, half up.
///
/// # Panics
///
/// When the shift is 31 or more: the formula has no rounding bit then.
#[must_use]
pub fn single(accumulator: i128, multiplier: i32, shift: i32) -> i128 {
    (accumulator * i128::from(multiplier) + (1i128 << (30 - shift))) >> (31 - shift)
}

/// The wide contract: a multiplier rounded to 16 bits, then `(acc·m16 + 2^(14 − s)) >> (15 − s)`.
///
/// # Panics
///
/// When the shift is 15 or more: the formula has no rounding bit then.
#[must_use]
pub fn wide(accumulator: i128, multiplier: i32, shift: i32) -> i128 {
    let multiplier = match multiplier < 0x7fff_0000 {
        true => (multiplier + 0x8000) >> 16,
        false => 0x7fff,
    };
    (accumulator * i128::from(multiplier) + (1i128 << (14 - shift))) >> (15 - shift)
}

/// Half to even on a float scale, ONNX QLinearConv's reference: the accumulator times the `f32`
/// scale in `f64`, plus the zero point, clamped, then rounded.
#[must_use]
pub fn half_even(accumulator: i32, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
    let real = f64::from(accumulator) * f64::from(scale) + f64::from(zero_point);
    real.clamp(f64::from(clamp.0), f64::from(clamp.1))
        .round_ties_even() as i32
}

/// XNNPACK's and ONNX Runtime's rounding: the accumulator as an `f32` times the scale, rounded to an `f32`, then half to even, then
/// the zero point, clamped.
#[must_use]
pub fn float_half_even(accumulator: i32, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
    let rounded = (accumulator as f32 * scale).round_ties_even();
    let sum = f64::from(rounded) + f64::from(zero_point);
    sum.clamp(f64::from(clamp.0), f64::from(clamp.1)) as i32
}

/// A sum of any width, saturated to 32 bits, then [`double`].
#[must_use]
pub fn wide_double(accumulator: i128, multiplier: i32, shift: i32) -> i128 {
    double(
        accumulator.clamp(i32::MIN.into(), i32::MAX.into()),
        multiplier,
        shift,
    )
}

/// Half away from zero on a real scale, TFLite's fully connected layers: the accumulator times the scale in `f64`,
/// rounded, plus the zero point, clamped.
#[must_use]
pub fn half_away(accumulator: i128, scale: f64, zero_point: i32, clamp: (i32, i32)) -> i32 {
    let rounded = (accumulator as f64 * scale).round();
    (rounded + f64::from(zero_point)).clamp(f64::from(clamp.0), f64::from(clamp.1)) as i32
}

/// By the contract's name.
///
/// # Panics
///
/// As [`single`] and [`wide`].
#[must_use]
pub fn by_name(rounding: Rounding, accumulator: i128, multiplier: i32, shift: i32) -> i128 {
    match rounding {
        Rounding::Double => double(accumulator, multiplier, shift),
        Rounding::Single => single(accumulator, multiplier, shift),
        Rounding::Wide => wide(accumulator, multiplier, shift),
    }
}

/// The last two steps of the contracts over integers: the output's zero point, and the clamp.
#[must_use]
pub fn output(rounded: i128, zero_point: i32, (low, high): (i32, i32)) -> i32 {
    (rounded + i128::from(zero_point)).clamp(low.into(), high.into()) as i32
}

/// The direct problem of a golden case; a transposed case is the transpose of it.
///
/// `None` when the case's extents fit no direct operation.
#[must_use]
pub fn problem(case: &QuantisedCase<'_>) -> Option<Problem> {
    let pad_after = case.pad_after();
    let [input, output] = [case.input_hwc, case.output_hwc];
    let (x, y) = match case.kind {
        Kind::Direct | Kind::Depthwise => (input, output),
        Kind::Transposed => (output, input),
    };
    let axes = [0, 1].map(|axis| {
        Axis::new(x[axis], case.kernel_hw[axis])
            .stride(case.stride[axis])
            .dilation(case.dilation[axis])
            .pad(case.pad_before[axis] as isize, pad_after[axis])
    });
    let problem = Problem::new(&axes)
        .batch(case.batch)
        .channels(x[2], y[2])
        .groups(case.groups);
    (problem.output_extents()? == y[..2]).then_some(problem)
}

/// The accumulators of a golden case, bias included: `Σ (x + input_offset)·w + bias`, where padding
/// contributes 0.
///
/// `None` when the case's extents or lengths do not fit together.
#[must_use]
pub fn accumulators(case: &QuantisedCase<'_>) -> Option<Outputs<i128>> {
    let problem = problem(case)?;
    let input: Vec<i128> = case.input.values().map(i128::from).collect();
    let weights: Vec<i128> = case.weights.values().map(i128::from).collect();
    let [height, width, channels] = case.input_hwc;
    let outputs = case.output_hwc[2];
    let [rows, columns] = case.kernel_hw;
    if input.len() != case.batch * height * width * channels {
        return None;
    }
    let offset = i128::from(case.input_offset);
    let value = |image: usize, channel: usize, at: &[usize]| {
        input[((image * height + at[0]) * width + at[1]) * channels + channel] + offset
    };
    let per_group = channels / case.groups;
    let ohwi = |output: usize, input: usize, tap: &[usize]| {
        weights[((output * rows + tap[0]) * columns + tap[1]) * per_group + input]
    };
    let hwo =
        |output: usize, tap: &[usize]| weights[(tap[0] * columns + tap[1]) * outputs + output];
    let sums = match case.kind {
        Kind::Direct => direct(&problem, value, ohwi),
        Kind::Depthwise => direct(&problem, value, |output, _, tap| hwo(output, tap)),
        // The oracle's y is the layer's input: its kernel is indexed by that channel first.
        Kind::Transposed => transposed(&problem, value, |input, output, tap| {
            ohwi(output, input, tap)
        }),
    }?;
    Some(match case.bias {
        Some(bias) => sums.with_bias(|channel| bias.get(channel).map_or(0, i128::from)),
        None => sums,
    })
}

/// The output of a golden case by a contract, NHWC.
///
/// `None` as [`accumulators`].
#[must_use]
pub fn run(case: &QuantisedCase<'_>, rounding: Rounding) -> Option<Vec<i32>> {
    let [height, width, channels] = case.output_hwc;
    let order = super::channels_last(channels, &[height, width]);
    let sums = accumulators(case)?.arranged(order);
    let finish = |(index, sum): (usize, &super::Sum<i128>)| {
        let channel = index % channels;
        let (multiplier, shift) = (case.multiplier.get(channel)?, case.shift.get(channel)?);
        let rounded = by_name(rounding, sum.value(), multiplier, shift);
        Some(output(rounded, case.output_offset, case.clamp))
    };
    sums.iter().enumerate().map(finish).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchors::{self, AnchorData, Layer};
    use crate::golden;
    use crate::random::Lcg;

    #[test]
    fn all_35_cases_are_reproduced_bit_for_bit() {
        let mut reproduced = 0;
        for case in golden::quantised() {
            for rounding in [Rounding::Double, Rounding::Single, Rounding::Wide] {
                let output = run(&case, rounding).unwrap();
                let same = case.output.values().eq(output);
                assert_eq!(same, case.matches(rounding), "{} {rounding:?}", case.name);
                reproduced += usize::from(rounding == case.rounding);
            }
        }
        assert_eq!(reproduced, 35);
    }

    #[test]
    fn all_eleven_anchors_have_their_hash() {
        let (input, weights): (Vec<i8>, Vec<i8>) = AnchorData::new().take(65536).unzip();
        for layer in anchors::LAYERS {
            assert_eq!(
                anchor(&layer, &input, &weights),
                layer.hash,
                "{}",
                layer.name
            );
        }
    }

    fn anchor(layer: &Layer, input: &[i8], weights: &[i8]) -> u32 {
        let (x, y, groups) = match layer.kind {
            Kind::Direct => (layer.input, layer.output, 1),
            Kind::Depthwise => (layer.input, layer.output, layer.input[2]),
            Kind::Transposed => (layer.output, layer.input, 1),
        };
        let axes = [0, 1].map(|axis| {
            let pad = layer.pad_before as isize;
            let reach = (y[axis] - 1) * layer.stride + layer.kernel[axis];
            Axis::new(x[axis], layer.kernel[axis])
                .stride(layer.stride)
                .pad(pad, reach as isize - x[axis] as isize - pad)
        });
        let problem = Problem::new(&axes).channels(x[2], y[2]).groups(groups);
        let [_, width, channels] = layer.input;
        let value = |_, channel: usize, at: &[usize]| {
            let index = (at[0] * width + at[1]) * channels + channel;
            i128::from(i32::from(input[index]) + anchors::INPUT_OFFSET)
        };
        let [rows, columns] = layer.kernel;
        let ohwi = |output: usize, input: usize, tap: &[usize]| {
            let index = ((output * rows + tap[0]) * columns + tap[1]) * channels + input;
            i128::from(weights[index])
        };
        let outputs = layer.output[2];
        let sums = match layer.kind {
            Kind::Direct => direct(&problem, value, ohwi),
            Kind::Depthwise => direct(&problem, value, |output, _, tap| {
                i128::from(weights[(tap[0] * columns + tap[1]) * outputs + output])
            }),
            Kind::Transposed => transposed(&problem, value, |input, output, tap| {
                ohwi(output, input, tap)
            }),
        };
        let sums = sums
            .unwrap()
            .with_bias(|channel| anchors::bias(channel).into());
        let order = super::super::channels_last(outputs, &layer.output[..2]);
        let bytes = sums
            .arranged(order)
            .into_iter()
            .enumerate()
            .map(|(index, sum)| {
                let channel = index % outputs;
                let [multiplier, shift] = [anchors::multiplier(channel), anchors::shift(channel)];
                let value =
                    double(sum.value(), multiplier, shift) + i128::from(anchors::OUTPUT_OFFSET);
                value.clamp(-128, 127) as i8 as u8
            });
        anchors::fnv1a(&bytes.collect::<Vec<u8>>())
    }

    #[test]
    fn multipliers_follow_from_scales() {
        assert_eq!(multiplier_and_shift(0.5), Some((1 << 30, 0)));
        assert_eq!(multiplier_and_shift(1.0), Some((1 << 30, 1)));
        assert_eq!(multiplier_and_shift(0.75), Some((3 << 29, 0)));
        // Rounds up to 2³¹, which does not fit: half of it, one shift more.
        let below_one = 1.0 - f64::EPSILON;
        assert_eq!(multiplier_and_shift(below_one), Some((1 << 30, 1)));
        let least = 0.5 / f64::from(1u32 << 31);
        assert_eq!(multiplier_and_shift(least), Some((1 << 30, -31)));
        assert_eq!(multiplier_and_shift(least / 2.0), Some((0, 0)));
        assert_eq!(multiplier_and_shift(f64::from_bits(1)), Some((0, 0)));
        assert_eq!(multiplier_and_shift(0.0), Some((0, 0)));
        for wrong in [-1.0, f64::INFINITY, f64::NAN] {
            assert_eq!(multiplier_and_shift(wrong), None);
        }
    }

    #[test]
    fn every_contract_rounds_the_exact_product() {
        let mut random = Lcg::new(9);
        let mut differ = 0;
        for _ in 0..100_000 {
            let accumulator = i128::from(random.draw::<i32>() >> 8);
            let multiplier = (random.next_u32() >> 2) as i32 | 1 << 30;
            let shift = -(random.below(16) as i32);
            let exact = accumulator as f64 * f64::from(multiplier) / (1u64 << (31 - shift)) as f64;
            let once = single(accumulator, multiplier, shift);
            let twice = double(accumulator, multiplier, shift);
            // Once: within a half. Twice: half a unit more, of the first rounding's last place.
            assert!((once as f64 - exact).abs() <= 0.5 + 1e-6);
            let first = 0.5 / (1u64 << -shift) as f64;
            assert!((twice as f64 - exact).abs() <= 0.5 + first + 1e-6);
            differ += usize::from(once != twice);
            let rounded = wide(accumulator, multiplier, shift) as f64;
            let slack = exact.abs() / 32768.0;
            assert!((rounded - exact).abs() <= 0.5 + slack);
        }
        assert!(differ > 100, "{differ}");
    }

    #[test]
    fn ties_go_where_each_contract_says() {
        // ±1.5 and ±2.5, as accumulators of a scale of one half (m = 2³⁰, s = 0).
        let half = 1 << 30;
        let of = |rounding| [-5, -3, 3, 5].map(|value| by_name(rounding, value, half, 0));
        assert_eq!(of(Rounding::Single), [-2, -1, 2, 3]);
        // Without a right shift the high multiply is the only rounding, and it is half up.
        assert_eq!(of(Rounding::Double), [-2, -1, 2, 3]);
        // The right shift alone: half away from zero.
        let shifted = [-10, -6, 6, 10].map(|value| double(value, half, -1));
        assert_eq!(shifted, [-3, -2, 2, 3]);
        let even = [-5, -3, 3, 5].map(|value| half_even(value, 0.5, 0, (-128, 127)));
        assert_eq!(even, [-2, -2, 2, 2]);
        assert_eq!(half_even(5, 0.5, 1, (-128, 127)), 4);
        assert_eq!(half_even(1000, 0.5, 1, (-128, 127)), 127);
    }
}
