//! Which elements multiply, into which accumulator, and how many products it holds.
//!
//! | input · kernel | accumulator | products that cannot overflow it |
//! |---|---|---|
//! | `i8 · i8` | `i32` | 131,071 |
//! | `u8 · i8` | `i32` | 65,793 |
//! | `i16 · i8` | `i32` | 511 |
//! | `i8 · i8`, `u8 · i8`, `i16 · i8`, `i16 · i16` | `i64` | more than 2³² |
//! | `i32 · i32` | `i64` | 1 |
//! | `i32 · i32` | `i128` | more than 2⁶³ |
//! | `f32 · f32` | `f32` | any: IEEE 754 |
//! | `f64 · f64` | `f64` | any: IEEE 754 |
//!
//! The limits are [`Multiply::MAX_TAPS`], computed from the ranges of the types as
//! `⌊MAX / max|input · kernel|⌋`. The typed operations compare them with the number of products of a layer at
//! compile time, the run-time ones return an error; so no sum of products ever wraps.
//!
//! Floats multiply, round, add and round: no fused multiply-add, whatever the target has. Together with
//! the documented order of summation that makes results the same bits everywhere.

use crate::engine::{Pixels, Plan};
use crate::finish::Finish;

/// A number that buffers may hold. Sealed: the crate implements it for `i8`, `u8`, `i16`, `i32`, `i64`, `i128`,
/// `f32` and `f64`.
pub trait Element: Copy + PartialEq + core::fmt::Debug + sealed::Sealed + 'static {
    /// The additive identity; for floats `+0.0`.
    const ZERO: Self;

    /// What sums that are proven to be small are added up in: of integers of 64 and 128 bits half as many.
    #[doc(hidden)]
    type Narrow: Element;

    /// A narrow sum.
    #[doc(hidden)]
    fn widened(narrow: Self::Narrow) -> Self;
}

/// `Self · W` accumulates into `A`: the element pairs of the table above. Sealed through [`Element`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` inputs with `{W}` kernels do not accumulate into `{A}`",
    label = "no such operand pair and accumulator",
    note = "pairs: i8·i8, u8·i8 and i16·i8 into i32 or i64; i16·i16 into i64; i32·i32 into i64 or i128; f32·f32 into f32; f64·f64 into f64"
)]
pub trait Multiply<W: Element, A: Element>: Element {
    /// Most products that `A` can add up without overflow, whatever their operands.
    const MAX_TAPS: u64;

    /// `accumulator + input·kernel`. Wraps where more than [`Multiply::MAX_TAPS`] products meet, which the
    /// operations exclude; never panics.
    fn multiply_add(accumulator: A, input: Self, kernel: W) -> A;

    /// Runs a whole operation by the core's own instructions, to the same bits, and says whether it did. Where `arch` has
    /// none for these elements it is the constant `false`, which leaves no code. Input, kernel and output have the
    /// lengths of the plan's geometry.
    #[doc(hidden)]
    #[inline(always)]
    fn run_on_core<F>(
        _plan: &Plan,
        _pixels: Pixels,
        _input: &[Self],
        _kernel: &[W],
        _finish: &F,
        _output: &mut [F::Output],
    ) -> bool
    where
        F: Finish<Accumulator = A>,
    {
        false
    }
}

mod sealed {
    pub trait Sealed {}
}

/// Whether a product of 64 bits is an instruction and not a call, which is so but for Armv6-M and Armv8-M's baseline.
pub(crate) const LONG_PRODUCT: bool = !cfg!(conv_isa = "armv6m");

macro_rules! elements {
    ($($element:ty, $narrow:ty = $zero:literal),* $(,)?) => {$(
        impl sealed::Sealed for $element {}
        impl Element for $element {
            const ZERO: Self = $zero;
            type Narrow = $narrow;

            #[inline]
            fn widened(narrow: $narrow) -> Self {
                Self::from(narrow)
            }
        }
    )*};
}
elements!(
    i8,
    i8 = 0,
    u8,
    u8 = 0,
    i16,
    i16 = 0,
    i32,
    i32 = 0,
    i64,
    i32 = 0,
    i128,
    i64 = 0,
    f32,
    f32 = 0.0,
    f64,
    f64 = 0.0
);

/// `⌊accumulator_max / largest product⌋`, at most `u64::MAX`.
const fn max_taps(accumulator_max: i128, input_magnitude: i128, kernel_magnitude: i128) -> u64 {
    let taps = accumulator_max / (input_magnitude * kernel_magnitude);
    if taps > u64::MAX as i128 {
        u64::MAX
    } else {
        taps as u64
    }
}

/// Largest magnitude in a range: of a signed type that of its minimum.
const fn magnitude(min: i128, max: i128) -> i128 {
    if -min > max { -min } else { max }
}

/// The factor of products of `i16` that are added in 64 bits: where a product of 64 bits is a call, of 32, which 2³⁰ fits.
#[cfg(conv_isa = "armv6m")]
type Factor16 = i32;
#[cfg(not(conv_isa = "armv6m"))]
type Factor16 = i64;

/// `Multiply::run_on_core` of a pair whose signals have kernels in `arch`.
macro_rules! signals {
    ($kernel:ty => $accumulator:ty, $run:ident) => {
        #[cfg(not(conv_arch = "portable"))]
        #[inline(always)]
        fn run_on_core<F>(
            plan: &Plan,
            pixels: Pixels,
            input: &[Self],
            kernel: &[$kernel],
            finish: &F,
            output: &mut [F::Output],
        ) -> bool
        where
            F: Finish<Accumulator = $accumulator>,
        {
            crate::arch::signal::$run(plan, pixels, input, kernel, finish, output)
        }
    };
}

macro_rules! integer_pairs {
    ($($input:ty, $kernel:ty, $product:ty => $accumulator:ty $({ $($core:item)* })?);* $(;)?) => {$(
        impl Multiply<$kernel, $accumulator> for $input {
            const MAX_TAPS: u64 = max_taps(
                <$accumulator>::MAX as i128,
                magnitude(<$input>::MIN as i128, <$input>::MAX as i128),
                magnitude(<$kernel>::MIN as i128, <$kernel>::MAX as i128),
            );

            #[inline]
            fn multiply_add(accumulator: $accumulator, input: Self, kernel: $kernel) -> $accumulator {
                // Of two `i32` it fits 64 bits, which spares small cores a multiplication of 128 bits in software.
                let product = <$product>::from(input).wrapping_mul(<$product>::from(kernel));
                accumulator.wrapping_add(<$accumulator>::from(product))
            }

            $($($core)*)?
        }
    )*};
}
integer_pairs! {
    i8, i8, i32 => i32 { signals!(i8 => i32, run); };
    i8, i8, i64 => i64;
    u8, i8, i32 => i32 { signals!(i8 => i32, run); };
    u8, i8, i64 => i64;
    i16, i8, i32 => i32 { signals!(i8 => i32, run); };
    i16, i8, i64 => i64;
    i16, i16, Factor16 => i64 { signals!(i16 => i64, run_narrow_or_wide); };
    i32, i32, i64 => i64;
    i32, i32, i64 => i128 { signals!(i32 => i128, run_narrow_or_wide); };
}

macro_rules! float_pairs {
    ($($float:ty { $($core:item)* })*) => {$(
        impl Multiply<$float, $float> for $float {
            const MAX_TAPS: u64 = u64::MAX;

            #[inline]
            fn multiply_add(accumulator: $float, input: Self, kernel: $float) -> $float {
                accumulator + input * kernel
            }

            $($core)*
        }
    )*};
}
float_pairs! {
    f32 {
        #[cfg(conv_float = "vfp")]
        #[inline(always)]
        fn run_on_core<F>(
            plan: &Plan,
        pixels: Pixels,
            input: &[Self],
            kernel: &[Self],
            finish: &F,
            output: &mut [F::Output],
        ) -> bool
        where
            F: Finish<Accumulator = Self>,
        {
            crate::arch::vfp::run(plan, pixels, input, kernel, finish, output);
            true
        }
    }
    f64 {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_those_of_the_table() {
        assert_eq!(<i8 as Multiply<i8, i32>>::MAX_TAPS, 131_071);
        assert_eq!(<u8 as Multiply<i8, i32>>::MAX_TAPS, 65_793);
        assert_eq!(<i16 as Multiply<i8, i32>>::MAX_TAPS, 511);
        assert_eq!(<i32 as Multiply<i32, i64>>::MAX_TAPS, 1);
        for limit in [
            <i8 as Multiply<i8, i64>>::MAX_TAPS,
            <u8 as Multiply<i8, i64>>::MAX_TAPS,
            <i16 as Multiply<i8, i64>>::MAX_TAPS,
            <i16 as Multiply<i16, i64>>::MAX_TAPS,
        ] {
            assert!(limit > 1 << 32);
        }
        const { assert!(<i32 as Multiply<i32, i128>>::MAX_TAPS > 1 << 63) };
    }

    #[test]
    fn the_limit_is_the_greatest_that_holds() {
        // MAX_TAPS extreme products fit, one more does not.
        let extreme = i32::from(i16::MIN) * i32::from(i8::MIN);
        assert!(extreme.checked_mul(511).is_some());
        assert!(extreme.checked_mul(512).is_none());
    }
}
