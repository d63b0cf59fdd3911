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
use crate::requantise::{Double, Multiplier, Product, Rounding, half_away};
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
    greater: Side,
    /// The zero point of the input of the greater scale, which is half the common one: it is shifted, not multiplied.
    greater_zero_point: i32,
    lesser: Input,
    scale: Multiplier,
    zero_point: i32,
    low: i32,
    high: i32,
    element: PhantomData<fn() -> T>,
}

/// Which input has the greater scale.
#[derive(Clone, Copy, Debug)]
enum Side {
    Left,
    Right,
}

/// How the input of the lesser scale is brought to the common one.
#[derive(Clone, Copy, Debug)]
struct Input {
    scale: Multiplier,
    zero_point: i32,
}

impl Input {
    /// `round((value − zero_point)·2^left_shift·scale)`, as [`Double`] rounds. A scale is at most 1/2: no multiplier has a
    /// shift to the left.
    #[inline]
    fn scaled(self, value: i32, left_shift: u32) -> i32 {
        let Multiplier { multiplier, shift } = self.scale;
        let shifted = value.wrapping_sub(self.zero_point).wrapping_shl(left_shift);
        let high_half = Product::new(shifted, multiplier).rounded();
        match !shift {
            before @ 0..=30 => half_away(high_half, before),
            _ => high_half,
        }
    }
}

/// The sum of bytes where the output's shift is one of a usual network: no intermediate value has more than 31 bits, so that
/// every rounding is an addition and a shift, and the zero points are part of what is added.
///
/// A difference `d` of two bytes has a magnitude below 2⁸. With the lesser multiplier `m = 2¹⁶·m₁ + m₀`, doubling high
/// multiplication of `d·2²⁰` gives
///
/// ```text
/// h = ⌊(d·2²⁰·m + 2³⁰)/2³¹⌋ = ⌊(d·m + 2¹⁰)/2¹¹⌋ = 2⁵·d·m₁ + ⌊(d·m₀ + 2¹⁰)/2¹¹⌋      |h| < 2²⁸
/// ```
///
/// the second step rounds `h/2^r` half away from zero: `⌊(h − [h < 0] + 2^(r−1))/2^r⌋`. The sum with the greater input,
/// `d·2¹⁹`, is below 2²⁸, and so is its own product with a multiplier; with `r ≤ 21` a zero point fits beside it.
#[derive(Clone, Copy)]
struct Short {
    greater_zero_point: i32,
    lesser_zero_point: i32,
    upper: i32,
    lower: i32,
    lesser_half: i32,
    lesser_right: u32,
    multiplier: i32,
    /// `2^(right−1) + zero_point·2^right`.
    offset: i32,
    right: u32,
}

impl Short {
    /// `None` where the output's shift is another.
    #[inline]
    fn new<T: Activation>(layer: &QuantAdd<T>) -> Option<Self> {
        let Input { scale, zero_point } = layer.lesser;
        let right @ 1..=21 = layer.scale.shift.unsigned_abs() else {
            return None;
        };
        if size_of::<T>() != 1 || layer.scale.shift > 0 {
            return None;
        }
        // A shift of 0 is that of 1/2, of both inputs: twice that, and a shift by 1. From 30 bits on nothing is left.
        let (multiplier, lesser_right) = match scale.shift.unsigned_abs() {
            0 => ((scale.multiplier as u32) << 1, 1),
            right => (scale.multiplier as u32, Ord::min(right, 30)),
        };
        Some(Self {
            greater_zero_point: layer.greater_zero_point,
            lesser_zero_point: zero_point,
            upper: (multiplier >> 16) as i32,
            lower: (multiplier & 0xffff) as i32,
            lesser_half: 1 << (lesser_right - 1),
            lesser_right,
            multiplier: layer.scale.multiplier,
            offset: (1 << (right - 1)) + (layer.zero_point << right),
            right,
        })
    }

    /// The sum before it is clamped.
    #[inline]
    fn sum(self, greater: i32, lesser: i32) -> i32 {
        let lesser = lesser.wrapping_sub(self.lesser_zero_point);
        let lower = lesser.wrapping_mul(self.lower).wrapping_add(1 << 10) >> 11;
        let high_half = (lesser.wrapping_mul(self.upper) << 5).wrapping_add(lower);
        let lesser = away(high_half, self.lesser_half, self.lesser_right);
        let greater = greater.wrapping_sub(self.greater_zero_point) << 19;
        let sum = greater.wrapping_add(lesser);
        let high_half = Product::rounded_of_less(sum, self.multiplier);
        away(high_half, self.offset, self.right)
    }
}

/// `⌊(value − [value < 0] + offset)/2^right⌋`.
#[inline]
fn away(value: i32, offset: i32, right: u32) -> i32 {
    value.wrapping_add(value >> 31).wrapping_add(offset) >> right
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
        let (side, greater, lesser) = if left.scale > right.scale {
            (Side::Left, left, right)
        } else {
            (Side::Right, right, left)
        };
        let common = 2.0 * greater.scale as f64;
        let steps = (1_u64 << Self::LEFT_SHIFT) as f64;
        let (Some(lesser_scale), Some(scale)) = (
            Multiplier::from_scale(lesser.scale as f64 / common),
            Multiplier::from_scale(common / (steps * output.scale as f64)),
        ) else {
            return Err(Error::Scale {
                buffer: Buffer::Output,
            });
        };
        Ok(Self {
            greater: side,
            greater_zero_point: greater.zero_point,
            lesser: Input {
                scale: lesser_scale,
                zero_point: lesser.zero_point,
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
            low: within::<T>(low),
            high: within::<T>(high),
            ..self
        }
    }

    /// `output = left + right`. Arrays of different shapes do not compile. Never panics.
    pub fn run<A: Array<Element = T>>(&self, left: &A, right: &A, output: &mut A) {
        self.sum(left.elements(), right.elements(), output.elements_mut());
    }

    /// `right += left`, in the memory of the right one. Never panics.
    pub fn run_in_place<A: Array<Element = T>>(&self, left: &A, right: &mut A) {
        let pairs = left.elements().iter().zip(right.elements_mut());
        match self.greater {
            Side::Left => self.each(pairs.map(|(&left, right)| (left, *right, right))),
            Side::Right => self.each(pairs.map(|(&left, right)| (*right, left, right))),
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

    #[inline(always)]
    fn sum(&self, left: &[T], right: &[T], output: &mut [T]) {
        let (greater, lesser) = match self.greater {
            Side::Left => (left, right),
            Side::Right => (right, left),
        };
        let pairs = greater.iter().zip(lesser);
        self.each(
            pairs
                .zip(output)
                .map(|((&greater, &lesser), slot)| (greater, lesser, slot)),
        );
    }

    /// Sums of a value of the greater scale and one of the lesser, each into its slot. Inlined always: a layer in a
    /// constant is constants in its code, which takes half of the instructions.
    #[inline(always)]
    fn each<'a>(&self, sums: impl Iterator<Item = (T, T, &'a mut T)>) {
        if let Some(short) = Short::new(self) {
            for (greater, lesser, slot) in sums {
                let sum = short.sum(greater.into(), lesser.into());
                *slot = T::narrowed(Ord::min(Ord::max(sum, self.low), self.high));
            }
            return;
        }
        for (greater, lesser, slot) in sums {
            let greater = greater.into().wrapping_sub(self.greater_zero_point);
            let lesser = self.lesser.scaled(lesser.into(), Self::LEFT_SHIFT);
            let sum = lesser.wrapping_add(greater.wrapping_shl(Self::LEFT_SHIFT - 1));
            let (low, high) = (self.low, self.high);
            *slot = T::narrowed(Double::requantise(
                sum,
                self.scale,
                self.zero_point,
                low,
                high,
            ));
        }
    }
}

/// The value, or the one of `T` that is next to it.
const fn within<T: Activation>(value: i32) -> i32 {
    if value < T::LEAST {
        T::LEAST
    } else if value > T::GREATEST {
        T::GREATEST
    } else {
        value
    }
}
