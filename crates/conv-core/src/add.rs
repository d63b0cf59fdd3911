//! Quantised sums of two feature maps, element by element: the residual connections of a network.
//!
//! ```text
//! output = clamp(round((left·s_left + right·s_right) / s_output) + zero_point)      left, right without zero points
//! ```
//!
//! in TFLite's arithmetic. With `S = 2·max(s_left, s_right)` and `L = 20`, for `i16` 15:
//!
//! ```text
//! scaled = round((value − zero_point)·2^L · s_input/S)       for both inputs
//! output = round((scaled_left + scaled_right) · S/(2^L·s_output)) + zero_point
//! ```
//!
//! each rounded as by [`Double`]. No intermediate value can overflow: a difference is below 2⁸ for bytes and below 2¹⁶
//! for `i16`, and a scaled one is at most half of it, shifted.
//!
//! An int16 `ADD` of an older model takes another path in TFLite, which is not this one, where its flag `pot_scale_int16`
//! is set and all its scales are powers of two.
//!
//! ```
//! use conv_core::add::{Affine, QuantAdd};
//!
//! static SUM: QuantAdd<i8> = QuantAdd::new(
//!     Affine { scale: 0.5, zero_point: 0 },
//!     Affine { scale: 0.25, zero_point: -10 },
//!     Affine { scale: 0.5, zero_point: 1 },
//! );
//!
//! let left = [[4_i8, 100]];
//! let mut sum = [[0_i8; 2]];
//! SUM.run(&left, &[[-6, 120]], &mut sum);
//! assert_eq!(sum, [[4 + 2 + 1, 127]]);
//!
//! // Without another feature map: onto one of the two.
//! let mut right = [[-6_i8, 120]];
//! SUM.run_in_place(&left, &mut right);
//! assert_eq!(right, sum);
//! ```

use core::marker::PhantomData;

use crate::error::{Buffer, Error};
use crate::quantised::Activation;
use crate::requantise::{Double, Multiplier, Rounding};
use crate::shape::Array;

/// What the integers of a quantised buffer mean: `real = scale·(integer − zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Affine {
    /// The real value of one step.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
}

/// A layer that adds two arrays of `T`. See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct QuantAdd<T> {
    left: Input,
    right: Input,
    scale: Multiplier,
    zero_point: i32,
    low: i32,
    high: i32,
    element: PhantomData<fn() -> T>,
}

/// How an input is brought to the common scale.
#[derive(Clone, Copy, Debug)]
struct Input {
    scale: Multiplier,
    zero_point: i32,
}

impl Input {
    /// The value on the common scale, in steps of `2^−left_shift` of it.
    fn scaled(self, value: i32, left_shift: u32) -> i32 {
        let shifted = value.wrapping_sub(self.zero_point).wrapping_shl(left_shift);
        Double::requantise(shifted, self.scale, 0, i32::MIN, i32::MAX)
    }
}

impl<T: Activation> QuantAdd<T> {
    /// Bits that inputs are shifted to the left, for precision.
    const LEFT_SHIFT: u32 = if size_of::<T>() == 1 { 20 } else { 15 };

    /// A layer in a constant.
    ///
    /// # Panics
    ///
    /// Where [`QuantAdd::try_new`] fails: in a constant, that is at compile time.
    #[must_use]
    pub const fn new(left: Affine, right: Affine, output: Affine) -> Self {
        match Self::try_new(left, right, output) {
            Ok(layer) => layer,
            Err(error) => error.stop_the_build(),
        }
    }

    /// A layer whose scales are known at run time.
    ///
    /// # Errors
    ///
    /// [`Error::Scale`] for a scale that is not a positive finite number, [`Error::Quantisation`] for a zero point that
    /// is not a value of `T`.
    pub const fn try_new(left: Affine, right: Affine, output: Affine) -> Result<Self, Error> {
        crate::axis::attempt!(Self::check(left, Buffer::Input));
        crate::axis::attempt!(Self::check(right, Buffer::Input));
        crate::axis::attempt!(Self::check(output, Buffer::Output));
        let greater = if left.scale > right.scale {
            left.scale
        } else {
            right.scale
        };
        let common = 2.0 * greater as f64;
        let steps = (1_u64 << Self::LEFT_SHIFT) as f64;
        let (Some(left_scale), Some(right_scale), Some(scale)) = (
            Multiplier::from_scale(left.scale as f64 / common),
            Multiplier::from_scale(right.scale as f64 / common),
            Multiplier::from_scale(common / (steps * output.scale as f64)),
        ) else {
            return Err(Error::Scale {
                buffer: Buffer::Output,
            });
        };
        Ok(Self {
            left: Input {
                scale: left_scale,
                zero_point: left.zero_point,
            },
            right: Input {
                scale: right_scale,
                zero_point: right.zero_point,
            },
            scale,
            zero_point: output.zero_point,
            low: T::LEAST,
            high: T::GREATEST,
            element: PhantomData,
        })
    }

    const fn check(given: Affine, buffer: Buffer) -> Result<(), Error> {
        if !(given.scale.is_finite() && given.scale > 0.0) {
            return Err(Error::Scale { buffer });
        }
        if given.zero_point < T::LEAST || given.zero_point > T::GREATEST {
            return Err(Error::Quantisation {
                buffer,
                least: T::LEAST,
                greatest: T::GREATEST,
                found: given.zero_point,
            });
        }
        Ok(())
    }

    /// The same with outputs clamped, as by a fused ReLU6. What lies outside `T` is cut off;
    /// where `low > high` every output is `high`.
    #[must_use]
    pub const fn with_clamp(self, low: i32, high: i32) -> Self {
        Self {
            low: if low > T::LEAST { low } else { T::LEAST },
            high: if high < T::GREATEST {
                high
            } else {
                T::GREATEST
            },
            ..self
        }
    }

    /// `output = left + right`. Arrays of different shapes do not compile. Never panics.
    pub fn run<A: Array<Element = T>>(&self, left: &A, right: &A, output: &mut A) {
        self.sum(left.elements(), right.elements(), output.elements_mut());
    }

    /// `right += left`, in the memory of the right one. Never panics.
    pub fn run_in_place<A: Array<Element = T>>(&self, left: &A, right: &mut A) {
        for (&left, right) in left.elements().iter().zip(right.elements_mut()) {
            *right = self.sum_of(left, *right);
        }
    }

    /// [`QuantAdd::run`] over slices.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] naming a slice that is not as long as the left one; the output is then untouched.
    pub fn run_slices(&self, left: &[T], right: &[T], output: &mut [T]) -> Result<(), Error> {
        for (buffer, found) in [(Buffer::Input, right.len()), (Buffer::Output, output.len())] {
            if found != left.len() {
                return Err(Error::Elements {
                    buffer,
                    expected: left.len(),
                    found,
                });
            }
        }
        self.sum(left, right, output);
        Ok(())
    }

    fn sum(&self, left: &[T], right: &[T], output: &mut [T]) {
        for ((&left, &right), slot) in left.iter().zip(right).zip(output) {
            *slot = self.sum_of(left, right);
        }
    }

    fn sum_of(&self, left: T, right: T) -> T {
        let sum = self
            .left
            .scaled(left.into(), Self::LEFT_SHIFT)
            .wrapping_add(self.right.scaled(right.into(), Self::LEFT_SHIFT));
        T::saturated(Double::requantise(
            sum,
            self.scale,
            self.zero_point,
            self.low,
            self.high,
        ))
    }
}
