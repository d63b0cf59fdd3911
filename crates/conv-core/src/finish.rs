//! The last step, from accumulator to output: bias, rounding shift, clamp, activation.
//!
//! A finish starts as the raw accumulator, with [`raw`] or [`bias`], and is extended step by step; the steps
//! run in the order written, once for each output, while its accumulator is in a register.
//!
//! ```
//! use conv_core::finish::{self, Finish};
//!
//! let offsets = [-100_i32, 40];
//! // Q15 in, Q7 out: add the bias, clamp below at 0, shift right by 8 with rounding, saturate.
//! let step = finish::bias(&offsets).relu().to_q7(8);
//! assert_eq!(step.finish(0, 1_000), 4); // (1000 − 100) / 256 = 3.5, halves round up
//! assert_eq!(step.finish(1, -1_000), 0);
//! assert_eq!(step.finish(1, 1 << 20), 127);
//! ```

use crate::element::Element;

/// From the accumulator of an output channel to the output.
pub trait Finish {
    /// What the products are added up in.
    type Accumulator: Element;
    /// What is written to the output buffer.
    type Output: Element;
    /// How many channels the finish has values for.
    const CHANNELS: Channels;

    /// The output for `accumulator` in output channel `channel`. Never panics.
    fn finish(&self, channel: usize, accumulator: Self::Accumulator) -> Self::Output;

    /// [`Finish::finish`] of a sum that fits half the accumulator's bits.
    #[doc(hidden)]
    #[inline]
    fn finish_narrow(
        &self,
        channel: usize,
        sum: <Self::Accumulator as Element>::Narrow,
    ) -> Self::Output {
        self.finish(channel, Self::Accumulator::widened(sum))
    }

    /// The output as a narrow sum, where every output of one is.
    #[doc(hidden)]
    #[inline]
    fn narrow_output(
        &self,
        _sum: <Self::Accumulator as Element>::Narrow,
    ) -> Option<<Self::Output as Element>::Narrow> {
        None
    }

    /// The number of channels that the finish has values for, `None` if it serves any number.
    fn channels(&self) -> Option<usize> {
        match Self::CHANNELS {
            Channels::Exactly(count) => Some(count),
            Channels::Any | Channels::AtRunTime => None,
        }
    }

    /// Then `max(value, 0)`. A NaN stays one.
    fn relu(self) -> Clamp<Self>
    where
        Self: Sized,
        Self::Output: Saturate,
    {
        let top = Self::Output::GREATEST;
        self.clamp(Self::Output::ZERO, top)
    }

    /// Then `min(max(value, low), high)`; `high` where `low > high`. A NaN stays one.
    fn clamp(self, low: Self::Output, high: Self::Output) -> Clamp<Self>
    where
        Self: Sized,
        Self::Output: Saturate,
    {
        Clamp::new(self, low, high)
    }

    /// Then `⌊value / 2^shift + 1/2⌋`, saturated to Q7 in an `i8`.
    fn to_q7(self, shift: u32) -> RoundingShift<Self, i8>
    where
        Self: Sized,
        Self::Output: ShiftTo<i8>,
    {
        RoundingShift::new(self, shift)
    }

    /// Then `⌊value / 2^shift + 1/2⌋`, saturated to Q15 in an `i16`.
    fn to_q15(self, shift: u32) -> RoundingShift<Self, i16>
    where
        Self: Sized,
        Self::Output: ShiftTo<i16>,
    {
        RoundingShift::new(self, shift)
    }

    /// Then `⌊value / 2^shift + 1/2⌋`, saturated to Q31 in an `i32`.
    fn to_q31(self, shift: u32) -> RoundingShift<Self, i32>
    where
        Self: Sized,
        Self::Output: ShiftTo<i32>,
    {
        RoundingShift::new(self, shift)
    }

    /// Then `⌊value / 2^shift + 1/2⌋`, saturated to an unsigned byte, as for pixels.
    fn to_u8(self, shift: u32) -> RoundingShift<Self, u8>
    where
        Self: Sized,
        Self::Output: ShiftTo<u8>,
    {
        RoundingShift::new(self, shift)
    }
}

/// How many output channels a [`Finish`] has values for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// The same for all.
    Any,
    /// One value each for this many; the typed operations check it at compile time.
    Exactly(usize),
    /// One value each, their number known only at run time; the typed operations do not accept it.
    AtRunTime,
}

/// The accumulator as it is.
#[derive(Clone, Copy, Debug)]
pub struct Raw<A>(core::marker::PhantomData<A>);

/// The accumulator as it is, of type `A`; the start of a finish without bias.
#[must_use]
pub const fn raw<A: Element>() -> Raw<A> {
    Raw(core::marker::PhantomData)
}

impl<A: Element> Finish for Raw<A> {
    type Accumulator = A;
    type Output = A;
    const CHANNELS: Channels = Channels::Any;

    #[inline]
    fn finish(&self, _channel: usize, accumulator: A) -> A {
        accumulator
    }

    #[inline]
    fn narrow_output(&self, sum: A::Narrow) -> Option<A::Narrow> {
        Some(sum)
    }
}

/// Adds one value for each output channel. See [`bias`].
#[derive(Clone, Copy, Debug)]
pub struct Bias<'a, A, const C: usize>(&'a [A; C]);

/// Accumulator plus `values[channel]`. Integers saturate: the products alone cannot overflow the accumulator,
/// but an arbitrary bias can lead beyond it.
#[must_use]
pub const fn bias<A: Saturate, const C: usize>(values: &[A; C]) -> Bias<'_, A, C> {
    Bias(values)
}

impl<A: Saturate, const C: usize> Finish for Bias<'_, A, C> {
    type Accumulator = A;
    type Output = A;
    const CHANNELS: Channels = Channels::Exactly(C);

    #[inline]
    fn finish(&self, channel: usize, accumulator: A) -> A {
        add_bias(self.0, channel, accumulator)
    }
}

/// [`Bias`] of a number of channels known at run time. See [`bias_slice`].
#[derive(Clone, Copy, Debug)]
pub struct BiasSlice<'a, A>(&'a [A]);

/// [`bias`] for the run-time forms, which compare its length with the output channels.
#[must_use]
pub const fn bias_slice<A: Saturate>(values: &[A]) -> BiasSlice<'_, A> {
    BiasSlice(values)
}

impl<A: Saturate> Finish for BiasSlice<'_, A> {
    type Accumulator = A;
    type Output = A;
    const CHANNELS: Channels = Channels::AtRunTime;

    #[inline]
    fn finish(&self, channel: usize, accumulator: A) -> A {
        add_bias(self.0, channel, accumulator)
    }

    fn channels(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

fn add_bias<A: Saturate>(values: &[A], channel: usize, accumulator: A) -> A {
    match values.get(channel) {
        Some(value) => accumulator.saturating_sum(*value),
        None => accumulator,
    }
}

/// Clamps to a range. See [`Finish::clamp`] and [`Finish::relu`].
#[derive(Clone, Copy, Debug)]
pub struct Clamp<F: Finish> {
    inner: F,
    low: F::Output,
    high: F::Output,
}

impl<F: Finish> Clamp<F> {
    /// What [`Finish::clamp`] gives, for constants, in which methods of traits cannot be called.
    #[must_use]
    pub const fn new(inner: F, low: F::Output, high: F::Output) -> Self {
        Self { inner, low, high }
    }
}

impl<F: Finish> Finish for Clamp<F>
where
    F::Output: Saturate,
{
    type Accumulator = F::Accumulator;
    type Output = F::Output;
    const CHANNELS: Channels = F::CHANNELS;

    #[inline]
    fn finish(&self, channel: usize, accumulator: F::Accumulator) -> F::Output {
        let value = self.inner.finish(channel, accumulator);
        value.clamped(self.low, self.high)
    }

    fn channels(&self) -> Option<usize> {
        self.inner.channels()
    }
}

/// Shifts right with rounding and saturates. See [`Finish::to_q7`], [`Finish::to_q15`], [`Finish::to_q31`].
#[derive(Clone, Copy, Debug)]
pub struct RoundingShift<F, O> {
    inner: F,
    shift: u32,
    output: core::marker::PhantomData<O>,
}

impl<F, O> RoundingShift<F, O> {
    /// What [`Finish::to_q7`] and its likes give, for constants, in which methods of traits cannot be called.
    ///
    /// ```
    /// use conv_core::finish::{Clamp, Finish, Raw, RoundingShift, raw};
    ///
    /// const TO_Q7: Clamp<RoundingShift<Raw<i32>, i8>> = Clamp::new(RoundingShift::new(raw(), 4), 0, 100);
    /// assert_eq!(TO_Q7.finish(0, 24), 2); // ⌊24/16 + 1/2⌋
    /// ```
    #[must_use]
    pub const fn new(inner: F, shift: u32) -> Self {
        Self {
            inner,
            shift,
            output: core::marker::PhantomData,
        }
    }
}

impl<F: Finish, O: Element> Finish for RoundingShift<F, O>
where
    F::Output: ShiftTo<O>,
{
    type Accumulator = F::Accumulator;
    type Output = O;
    const CHANNELS: Channels = F::CHANNELS;

    #[inline]
    fn finish(&self, channel: usize, accumulator: F::Accumulator) -> O {
        self.inner.finish(channel, accumulator).shift_to(self.shift)
    }

    #[inline]
    fn finish_narrow(
        &self,
        channel: usize,
        sum: <F::Accumulator as Element>::Narrow,
    ) -> Self::Output {
        match self.inner.narrow_output(sum) {
            Some(narrow) => F::Output::narrow_shift_to(narrow, self.shift),
            None => self.finish(channel, F::Accumulator::widened(sum)),
        }
    }

    fn channels(&self) -> Option<usize> {
        self.inner.channels()
    }
}

/// Elements that can be clamped and given a bias.
pub trait Saturate: Element {
    /// The greatest value; for floats `+∞`.
    const GREATEST: Self;

    /// `min(max(self, low), high)`; a NaN stays one.
    #[must_use]
    fn clamped(self, low: Self, high: Self) -> Self;

    /// `self + other`, saturated for integers.
    #[must_use]
    fn saturating_sum(self, other: Self) -> Self;
}

macro_rules! saturate_integer {
    ($($integer:ty),*) => {$(
        impl Saturate for $integer {
            const GREATEST: Self = Self::MAX;

            #[inline]
            fn clamped(self, low: Self, high: Self) -> Self {
                // Not `clamp`, which panics where low > high.
                Ord::min(Ord::max(self, low), high)
            }

            #[inline]
            fn saturating_sum(self, other: Self) -> Self {
                self.saturating_add(other)
            }
        }
    )*};
}
saturate_integer!(i8, u8, i16, i32, i64, i128);

macro_rules! saturate_float {
    ($($float:ty),*) => {$(
        impl Saturate for $float {
            const GREATEST: Self = Self::INFINITY;

            #[inline]
            fn clamped(self, low: Self, high: Self) -> Self {
                // Comparisons with a NaN are false, so that it passes through.
                let raised = if self < low { low } else { self };
                if raised > high { high } else { raised }
            }

            #[inline]
            fn saturating_sum(self, other: Self) -> Self {
                self + other
            }
        }
    )*};
}
saturate_float!(f32, f64);

/// Integers that a rounding shift narrows to `O`.
pub trait ShiftTo<O>: Element {
    /// `⌊self / 2^shift + 1/2⌋` saturated to `O`: halves round towards +∞. Exact for every `shift`.
    fn shift_to(self, shift: u32) -> O;

    /// The same of a value that fits half the bits.
    #[doc(hidden)]
    fn narrow_shift_to(narrow: Self::Narrow, shift: u32) -> O;
}

macro_rules! shift_to {
    ($($from:ty => $($to:ty),*);* $(;)?) => {$($(
        impl ShiftTo<$to> for $from {
            #[inline]
            fn shift_to(self, shift: u32) -> $to {
                // With u = ⌊v/2ⁿ⁻¹⌋ it is ⌊u/2⌋ plus the lowest bit of u: no sum that could overflow. Beyond the width u is the
                // sign, 0 or −1, and the half rounds up: 0.
                let rounded = match shift.checked_sub(1) {
                    Some(last) => {
                        let doubled = self.wrapping_shr(Ord::min(last, <$from>::BITS - 1));
                        (doubled >> 1).wrapping_add(doubled & 1)
                    }
                    None => self,
                };
                rounded.clamped(<$from>::from(<$to>::MIN), <$from>::from(<$to>::MAX)) as $to
            }

            #[inline]
            fn narrow_shift_to(narrow: Self::Narrow, shift: u32) -> $to {
                narrow.shift_to(shift)
            }
        }
    )*)*};
}
shift_to! {
    i32 => i8, u8, i16, i32;
    i64 => i8, u8, i16, i32;
    i128 => i8, u8, i16, i32;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `⌊v/2ⁿ + 1/2⌋` in i128, another way: floor division of doubled terms.
    fn rounded(value: i128, shift: u32) -> i128 {
        let divisor = 1_i128 << shift;
        (2 * value + divisor).div_euclid(2 * divisor)
    }

    #[test]
    fn rounding_shift_is_exact_for_every_shift() {
        let values = [
            0,
            1,
            -1,
            2,
            -2,
            3,
            -3,
            127,
            128,
            -128,
            -129,
            255,
            256,
            1 << 20,
            -(1 << 20),
            i32::MAX,
            i32::MAX - 1,
            i32::MIN,
            i32::MIN + 1,
        ];
        for value in values {
            for shift in 0..70 {
                let expected = rounded(i128::from(value), shift);
                let q15: i16 = value.shift_to(shift);
                assert_eq!(
                    i128::from(q15),
                    expected.clamp(-32_768, 32_767),
                    "{value} >> {shift}"
                );
                let wide: i32 = i64::from(value).shift_to(shift);
                assert_eq!(i128::from(wide), expected, "{value} >> {shift}");
                let byte: u8 = i128::from(value).shift_to(shift);
                assert_eq!(
                    i128::from(byte),
                    expected.clamp(0, 255),
                    "{value} >> {shift}"
                );
            }
        }
    }

    #[test]
    fn a_bias_saturates() {
        assert_eq!(bias(&[i32::MAX]).finish(0, 1), i32::MAX);
        assert_eq!(bias(&[i32::MIN]).finish(0, -1), i32::MIN);
        assert_eq!(bias(&[0.5_f32]).finish(0, 1.0), 1.5);
    }

    #[test]
    fn clamp_passes_nan_and_orders_bounds() {
        assert!(raw::<f32>().relu().finish(0, f32::NAN).is_nan());
        assert_eq!(raw::<f32>().relu().finish(0, f32::INFINITY), f32::INFINITY);
        assert_eq!(raw::<f64>().relu().finish(0, -1.0), 0.0);
        assert_eq!(raw::<i32>().clamp(5, 3).finish(0, 4), 3);
    }
}
