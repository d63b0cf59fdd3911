//! Sums that know how many terms they have and how large those are.

use core::fmt::Debug;

/// What the oracle computes in: `i128`, exact for any sum of products of `i32` and smaller that
/// fits in memory and for `i64` operands below 2⁶⁰; `f64`, summed in twice its precision.
pub trait Value: Copy + Debug + Default + PartialEq {
    /// One, which makes a bias a term like the others.
    const ONE: Self;

    /// Adds the term a·b to a sum.
    fn accumulate(sum: &mut Sum<Self>, a: Self, b: Self);

    /// The sum as one value.
    fn total(sum: &Sum<Self>) -> Self;
}

/// A sum of products.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum<T> {
    running: T,
    lost: T,
    terms: usize,
    magnitude: T,
}

impl<T: Value> Sum<T> {
    /// Adds the term a·b.
    pub fn add(&mut self, a: T, b: T) {
        T::accumulate(self, a, b);
        self.terms += 1;
    }

    /// The sum, for `f64` rounded once from twice the precision.
    #[must_use]
    pub fn value(&self) -> T {
        T::total(self)
    }

    /// How many terms: those products whose input lies inside (or is given by the boundary), and
    /// the bias.
    #[must_use]
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Sum of the terms' absolute values.
    #[must_use]
    pub fn magnitude(&self) -> T {
        self.magnitude
    }
}

impl Sum<f64> {
    /// The sum as a pair: its value and what rounding to that value lost.
    #[must_use]
    pub fn high_low(&self) -> [f64; 2] {
        let high = self.value();
        let low = (self.running - high) + self.lost;
        [high, if low.is_finite() { low } else { 0.0 }]
    }
}

impl Value for i128 {
    const ONE: Self = 1;

    fn accumulate(sum: &mut Sum<Self>, a: Self, b: Self) {
        sum.running += a * b;
        sum.magnitude += (a * b).abs();
    }

    fn total(sum: &Sum<Self>) -> Self {
        sum.running
    }
}

impl Value for f64 {
    const ONE: Self = 1.0;

    /// Ogita, Rump and Oishi's Dot2: the rounding errors of product and sum are numbers
    /// themselves, and are summed beside.
    fn accumulate(sum: &mut Sum<Self>, a: Self, b: Self) {
        let product = a * b;
        let next = sum.running + product;
        if next.is_finite() {
            let virtual_product = next - sum.running;
            let from_sum = (sum.running - (next - virtual_product)) + (product - virtual_product);
            sum.lost += a.mul_add(b, -product) + from_sum;
        }
        sum.running = next;
        sum.magnitude += product.abs();
    }

    fn total(sum: &Sum<Self>) -> Self {
        if sum.running.is_finite() {
            sum.running + sum.lost
        } else {
            sum.running
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_sum_keeps_what_rounding_loses() {
        let mut sum = Sum::default();
        for (a, b) in [(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0)] {
            sum.add(a, b);
        }
        assert_eq!((sum.value(), sum.terms(), sum.magnitude()), (1.0, 3, 2e16));
        // 1 + 2⁻²⁹ squared is 1 + 2⁻²⁸ + 2⁻⁵⁸: the last term is the remainder.
        let a = 1.0 + 1.0 / f64::from(1 << 29);
        let mut square = Sum::default();
        square.add(a, a);
        let tail = 1.0 / (1u64 << 58) as f64;
        assert_eq!(square.high_low(), [a * a, tail]);
    }

    #[test]
    fn infinities_and_nans_stay() {
        let mut sum = Sum::default();
        sum.add(f64::INFINITY, 2.0);
        sum.add(1.0, 1.0);
        assert_eq!(sum.high_low(), [f64::INFINITY, 0.0]);
        sum.add(f64::NEG_INFINITY, 1.0);
        assert!(sum.value().is_nan());
        let mut zero = Sum::default();
        zero.add(f64::NAN, 0.0);
        assert!(zero.value().is_nan());
    }

    #[test]
    fn integers_are_exact() {
        let mut sum = Sum::default();
        for _ in 0..1000 {
            sum.add(i128::from(i32::MIN), i128::from(i32::MIN));
        }
        assert_eq!(sum.value(), 1000 << 62);
        sum.add(-1, 1000 << 62);
        assert_eq!(
            (sum.value(), sum.magnitude(), sum.terms()),
            (0, 2000 << 62, 1001)
        );
    }
}
