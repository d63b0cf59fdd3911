//! Pooling and sums of feature maps, each output from its definition.

use std::vec::Vec;

use super::axis::Axis;
use super::requantise::{double, multiplier_and_shift};

/// The input positions under the window of an output, those inside the input alone.
///
/// ```
/// use conv_vectors::oracle::{Axis, layers};
///
/// let axis = Axis::new(5, 3).pad(1, 1);
/// assert_eq!(layers::under(&axis, 0), [0, 1]);
/// assert_eq!(layers::under(&axis, 2), [1, 2, 3]);
/// ```
#[must_use]
pub fn under(axis: &Axis, output: usize) -> Vec<usize> {
    (0..axis.kernel)
        .filter_map(|tap| usize::try_from(axis.place(output, tap)).ok())
        .filter(|place| *place < axis.input)
        .collect()
}

/// The mean rounded half away from zero.
///
/// # Panics
///
/// For no values.
#[must_use]
pub fn average(values: &[i128]) -> i128 {
    let count = values.len() as i128;
    let sum: i128 = values.iter().sum();
    // ⌊|sum|/count + 1/2⌋ with the sign of the sum.
    sum.signum() * ((2 * sum.abs() + count) / (2 * count))
}

/// One input or the output of a sum: `real = scale·(integer − zero_point)`.
#[derive(Clone, Copy, Debug)]
pub struct Affine {
    /// The real value of one step.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
}

/// TFLite's sum of two quantised values, before the clamp: inputs shifted by `left_shift` and brought to twice the
/// greater scale, their sum brought to the output's.
///
/// # Panics
///
/// For scales that have no multiplier.
#[must_use]
pub fn add(left: (i32, Affine), right: (i32, Affine), output: Affine, left_shift: u32) -> i128 {
    let common = 2.0 * f64::from(left.1.scale).max(f64::from(right.1.scale));
    let scaled = |(value, affine): (i32, Affine)| {
        let (m, s) = multiplier_and_shift(f64::from(affine.scale) / common).expect("a scale");
        let difference = i128::from(value) - i128::from(affine.zero_point);
        double(difference << left_shift, m, s)
    };
    let steps = f64::from(1_u32 << left_shift) * f64::from(output.scale);
    let (m, s) = multiplier_and_shift(common / steps).expect("a scale");
    double(scaled(left) + scaled(right), m, s) + i128::from(output.zero_point)
}
