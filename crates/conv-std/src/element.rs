//! The numbers of a plan: conv-core's elements, with what run-time overflow checks need.

use conv_core::element::Element;
use conv_core::finish::Saturate;

use crate::kernels::{Dispatch, Sum};

/// A number that tensors may hold: `i8`, `u8`, `i16`, `i32`, `i64`, `i128`, `f32` or `f64`. Sealed, as
/// [`conv_core::element::Element`] is.
pub trait Number: Element + Sum + Saturate + Send + Sync {
    /// Greatest magnitude of a value, `None` for floats, which do not overflow but reach infinity.
    const GREATEST_MAGNITUDE: Option<u128>;
    /// Greatest value that is safe on both sides of zero, `None` for floats.
    const LIMIT: Option<u128>;

    /// This value's magnitude; 0 for floats.
    fn magnitude(self) -> u128;

    /// `self − other`; wraps for integers.
    #[must_use]
    fn wrapping_difference(self, other: Self) -> Self;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Number for $integer {
            const GREATEST_MAGNITUDE: Option<u128> = {
                let low = (<$integer>::MIN as i128).unsigned_abs();
                let high = (<$integer>::MAX as i128).unsigned_abs();
                Some(if low > high { low } else { high })
            };
            const LIMIT: Option<u128> = Some((<$integer>::MAX as i128).unsigned_abs());

            fn magnitude(self) -> u128 {
                i128::from(self).unsigned_abs()
            }

            #[inline]
            fn wrapping_difference(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
        }
    )*};
}
integers!(i8, u8, i16, i32, i64, i128);

macro_rules! floats {
    ($($float:ty),*) => {$(
        impl Number for $float {
            const GREATEST_MAGNITUDE: Option<u128> = None;
            const LIMIT: Option<u128> = None;

            fn magnitude(self) -> u128 {
                0
            }

            #[inline]
            fn wrapping_difference(self, other: Self) -> Self {
                self - other
            }
        }
    )*};
}
floats!(f32, f64);

/// `Self · W` accumulates into `A`, and there are kernels for it: every pair of [`conv_core::element`].
///
/// | input · kernel | accumulators |
/// |---|---|
/// | `f32 · f32` | `f32` |
/// | `f64 · f64` | `f64` |
/// | `i8 · i8`, `u8 · i8`, `i16 · i8` | `i32`, `i64` |
/// | `i16 · i16` | `i64` |
/// | `i32 · i32` | `i64` (one product), `i128` |
pub trait Operand<W: Number, A: Number>: Number + Dispatch<W, A> {}

impl<T: Number + Dispatch<W, A>, W: Number, A: Number> Operand<W, A> for T {}

/// `Ok` if `taps` products of `T · W` on top of a bias of magnitude `bias` fit `A`.
///
/// # Errors
///
/// [`conv_core::Error::Accumulator`] with the greatest number of products that do.
pub(crate) fn check_accumulator<T: Number, W: Number, A: Number>(
    taps: u64,
    bias: u128,
) -> Result<(), conv_core::Error> {
    let (Some(input), Some(kernel), Some(room)) =
        (T::GREATEST_MAGNITUDE, W::GREATEST_MAGNITUDE, A::LIMIT)
    else {
        return Ok(());
    };
    // At most 2³¹ · 2³¹: operands are no wider than 32 bits.
    let limit = room.saturating_sub(bias) / (input * kernel);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    if taps > limit || bias > room {
        return Err(conv_core::Error::Accumulator { taps, limit });
    }
    Ok(())
}
