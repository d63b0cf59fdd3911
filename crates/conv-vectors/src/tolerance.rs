//! How far a float result may be from the exact one: one table, one formula, for every backend.
//!
//! An output is a sum of n products (a bias counts as one more). Computed in any order, with or
//! without fused multiply-add, each product passes through at most n roundings: its own and up to
//! n − 1 additions, of which each is off by a factor (1 + δ), |δ| ≤ u. Higham's lemma bounds the
//! product of those factors, so that
//!
//! ```text
//! |computed − exact| ≤ γₙ · Σ|x·w|,   γₙ = n·u / (1 − n·u)
//! ```
//!
//! on both sides of the exact value. u is 2⁻²⁴ for `f32` and 2⁻⁵³ for `f64`. Terms that
//! are exactly zero do not count: adding them is exact. n comes from the oracle, which counts the
//! taps that met the input, and Σ|x·w| comes from it too.
//!
//! Two things lie outside that model. The table names them, and a test shows that each is needed:
//!
//! - **underflow**: a product below the normal range is off by up to half the smallest subnormal
//!   number, whatever its own size. Additions do not underflow.
//! - **overflow**: where Σ|x·w| reaches the largest finite number, a partial sum may be infinite
//!   although the whole is not, and in another order it may not be. There, and only there, a
//!   result that is not finite is allowed.
//!
//! The `f64` reference is itself computed in floats, in twice the working precision; its own error
//! is below 2·γ₂ₙ²·Σ|x·w|, which its row adds.
//!
//! ```
//! use conv_vectors::tolerance::check_f32;
//!
//! let (x, w) = (1.1f32, 2.3f32);
//! let exact = f64::from(x) * f64::from(w);
//! assert!(check_f32(x * w, exact, 1, exact.abs()).is_ok());
//! assert!(check_f32(x * w * 1.000_000_2, exact, 1, exact.abs()).is_err());
//! ```

use core::fmt;

/// A row of the table: what is known of one float type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The type's name.
    pub name: &'static str,
    /// Half the distance from 1 to the next number: u.
    pub unit_roundoff: f64,
    /// Exception 1: what one product may lose by underflow.
    pub underflow: f64,
    /// Exception 2: where Σ|x·w|·(1 + γₙ) reaches this, a result need not be finite.
    pub overflow: f64,
    /// The weight of γ₂ₙ² that allows for the reference's own error; 0 where it has none that counts.
    pub reference: f64,
}

/// `f32`: the reference is `f64`, in which the products of `f32` operands are exact. Its own
/// roundings are below 2⁻⁵³ a term and less than the slack of n²u² between γₙ and (1 + u)ⁿ − 1.
pub const F32: Row = Row {
    name: "f32",
    unit_roundoff: 1.0 / (1 << 24) as f64,
    // Half of the smallest subnormal, 2⁻¹⁴⁹.
    underflow: f32::from_bits(1) as f64 / 2.0,
    overflow: f32::MAX as f64,
    reference: 0.0,
};

/// `f64`: the reference is a pair of `f64`.
pub const F64: Row = Row {
    name: "f64",
    unit_roundoff: 1.0 / (1u64 << 53) as f64,
    // Half of the smallest subnormal is no number; the reference may lose as much again.
    underflow: f64::from_bits(2),
    overflow: f64::MAX,
    reference: 2.0,
};

/// γₙ = n·u / (1 − n·u); infinite where n·u reaches 1 and the model says nothing.
#[must_use]
pub fn gamma(terms: usize, unit_roundoff: f64) -> f64 {
    let product = terms as f64 * unit_roundoff;
    if product < 1.0 {
        product / (1.0 - product)
    } else {
        f64::INFINITY
    }
}

/// A result outside its tolerance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mismatch {
    /// The row that was asked.
    pub name: &'static str,
    /// The result.
    pub actual: f64,
    /// The exact value, rounded to `f64`.
    pub exact: f64,
    /// Result minus exact value.
    pub error: f64,
    /// What it may be, on either side.
    pub bound: f64,
    /// n.
    pub terms: usize,
    /// Σ|x·w|.
    pub magnitude: f64,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: got {:e}, exact {:e}, error {:e} beyond ±{:e} ({} terms of magnitude {:e})",
            self.name, self.actual, self.exact, self.error, self.bound, self.terms, self.magnitude
        )
    }
}

impl core::error::Error for Mismatch {}

impl Row {
    /// The largest difference allowed, on either side.
    #[must_use]
    pub fn bound(&self, terms: usize, magnitude: f64) -> f64 {
        let relative = gamma(terms, self.unit_roundoff);
        let own = gamma(terms.saturating_mul(2), self.unit_roundoff);
        // Without a term or a magnitude there is no error: not 0·∞ either.
        let scaled = |factor: f64| match magnitude {
            0.0 => 0.0,
            _ => factor * magnitude,
        };
        let lost = terms as f64 * self.underflow * (1.0 + relative);
        let reference = match self.reference {
            0.0 => 0.0,
            weight => scaled(weight * own * own),
        };
        scaled(relative) + lost + reference
    }

    /// Holds a result against the exact value `exact + low` of `terms` terms whose absolute values
    /// sum to `magnitude`. Where the exact value is infinite or not a number, so must the result
    /// be, in the same way.
    ///
    /// # Errors
    ///
    /// [`Mismatch`] with every number that led to it.
    pub fn check(
        &self,
        actual: f64,
        [exact, low]: [f64; 2],
        terms: usize,
        magnitude: f64,
    ) -> Result<(), Mismatch> {
        let bound = self.bound(terms, magnitude);
        let error = (actual - exact) - low;
        let reach = magnitude * (1.0 + gamma(terms, self.unit_roundoff));
        let holds = if exact.is_nan() {
            actual.is_nan()
        } else if exact.is_infinite() {
            actual == exact
        } else if actual.is_finite() {
            error.abs() <= bound
        } else {
            reach >= self.overflow
        };
        match holds {
            true => Ok(()),
            false => Err(Mismatch {
                name: self.name,
                actual,
                exact,
                error,
                bound,
                terms,
                magnitude,
            }),
        }
    }
}

/// Holds an `f32` result against the exact value: see [`Row::check`] and [`F32`].
///
/// # Errors
///
/// [`Mismatch`] when it is further off than its terms explain.
pub fn check_f32(actual: f32, exact: f64, terms: usize, magnitude: f64) -> Result<(), Mismatch> {
    F32.check(f64::from(actual), [exact, 0.0], terms, magnitude)
}

/// Holds an `f64` result against the exact value `high + low`: see [`Row::check`] and [`F64`].
///
/// # Errors
///
/// [`Mismatch`] when it is further off than its terms explain.
pub fn check_f64(
    actual: f64,
    high_low: [f64; 2],
    terms: usize,
    magnitude: f64,
) -> Result<(), Mismatch> {
    F64.check(actual, high_low, terms, magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Lcg, Spread};

    #[test]
    fn the_row_says_what_the_type_says() {
        assert_eq!(F32.unit_roundoff, f64::from(f32::EPSILON) / 2.0);
        assert_eq!(F64.unit_roundoff, f64::EPSILON / 2.0);
        assert_eq!(gamma(1 << 24, F32.unit_roundoff), f64::INFINITY);
        assert_eq!(gamma(0, F32.unit_roundoff), 0.0);
    }

    /// What the `f64` row adds for its reference is of second order: 2·γ₂ₙ², and no more.
    #[test]
    fn the_reference_is_allowed_its_own_error() {
        let plain = Row {
            reference: 0.0,
            ..F64
        };
        // Large enough that the added part is not itself lost to rounding.
        let terms = 1 << 30;
        let own = gamma(2 * terms, F64.unit_roundoff);
        let added = F64.bound(terms, 1.0) - plain.bound(terms, 1.0);
        assert!((added / (2.0 * own * own) - 1.0).abs() < 1e-6, "{added:e}");
        assert!(added < 1e-5 * plain.bound(terms, 1.0));
        assert_eq!(
            F32.bound(9, 1.0),
            F32.underflow * 9.0 + gamma(9, F32.unit_roundoff)
        );
    }

    #[test]
    fn no_terms_allow_no_error() {
        assert!(check_f32(0.0, 0.0, 0, 0.0).is_ok());
        assert!(check_f32(f32::from_bits(1), 0.0, 0, 0.0).is_err());
    }

    #[test]
    fn every_order_of_a_sum_is_within() {
        let mut random = Lcg::new(11).spread(Spread::Full);
        for terms in [1, 2, 3, 9, 100, 1000] {
            let (mut forward, mut exact, mut magnitude) = (0.0f32, 0.0f64, 0.0f64);
            let mut lanes = [0.0f32; 8];
            for term in 0..terms {
                let [x, w]: [f32; 2] = [random.draw(), random.draw()];
                forward += x * w;
                lanes[term % 8] += x * w;
                exact += f64::from(x) * f64::from(w);
                magnitude += (f64::from(x) * f64::from(w)).abs();
            }
            check_f32(forward, exact, terms, magnitude).unwrap();
            check_f32(lanes.iter().sum(), exact, terms, magnitude).unwrap();
        }
    }

    #[test]
    fn the_bound_is_two_sided() {
        let bound = F32.bound(4, 3.0);
        for side in [-1.0, 1.0] {
            let inside = 2.0 + side * bound * 0.999;
            let outside = 2.0 + side * bound * 1.001;
            assert!(F32.check(inside, [2.0, 0.0], 4, 3.0).is_ok());
            let mismatch = F32.check(outside, [2.0, 0.0], 4, 3.0).unwrap_err();
            assert_eq!(mismatch.error.signum(), side);
        }
    }

    /// A looser table would let errors through: here a plain sum comes within one per cent of it.
    #[test]
    fn the_bound_is_reached() {
        let terms = 1000;
        let small = F32.unit_roundoff as f32;
        // Each addition of half a unit in the last place ties and is lost.
        let sum = (1..terms).fold(1.0f32, |sum, _| sum + small);
        let exact = 1.0 + (terms - 1) as f64 * f64::from(small);
        check_f32(sum, exact, terms, exact).unwrap();
        assert!((exact - f64::from(sum)) / F32.bound(terms, exact) > 0.99);
        assert!(check_f32(sum, exact, terms * 98 / 100, exact).is_err());
    }

    #[test]
    fn the_underflow_exception_is_needed() {
        let (x, w) = (1.5 * f32::from_bits(52 << 23), f32::from_bits(52 << 23));
        let exact = f64::from(x) * f64::from(w);
        assert_ne!(f64::from(x * w), exact);
        check_f32(x * w, exact, 1, exact).unwrap();
        let without = Row {
            underflow: 0.0,
            ..F32
        };
        assert!(
            without
                .check(f64::from(x * w), [exact, 0.0], 1, exact)
                .is_err()
        );
    }

    #[test]
    fn the_overflow_exception_is_needed() {
        let terms = [f32::MAX, f32::MAX, -f32::MAX];
        let sum: f32 = terms.iter().sum();
        let exact: f64 = terms.iter().map(|&term| f64::from(term)).sum();
        assert!(sum.is_infinite() && exact == f64::from(f32::MAX));
        let magnitude = 3.0 * exact;
        check_f32(sum, exact, 3, magnitude).unwrap();
        let without = Row {
            overflow: f64::INFINITY,
            ..F32
        };
        assert!(
            without
                .check(f64::from(sum), [exact, 0.0], 3, magnitude)
                .is_err()
        );
        // Where nothing can overflow, infinity is wrong.
        assert!(check_f32(f32::INFINITY, 1.0, 3, 1e30).is_err());
        assert!(check_f32(f32::NAN, 1.0, 3, 1e30).is_err());
    }

    #[test]
    fn what_is_not_finite_stays_so() {
        let nan = f64::NAN;
        assert!(check_f32(f32::NAN, nan, 2, nan).is_ok());
        assert!(check_f32(0.0, nan, 2, nan).is_err());
        let infinite = f64::INFINITY;
        assert!(check_f32(f32::INFINITY, infinite, 2, infinite).is_ok());
        assert!(check_f32(f32::NEG_INFINITY, infinite, 2, infinite).is_err());
        assert!(check_f32(f32::MAX, infinite, 2, infinite).is_err());
    }
}
