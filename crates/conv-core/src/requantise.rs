//! From an integer accumulator to a quantised output: multiplier, shift and the rounding contracts.
//!
//! A real scale `M = s_input·s_weight/s_output` becomes a fixed-point number `m/2³¹ · 2^s`, a
//! [`Multiplier`], and the output is `clamp(round(accumulator·M) + zero_point, low, high)`. How it rounds
//! is a contract with the framework that trained the network, and a type here, never a build flag:
//!
//! | type | of | formula |
//! |---|---|---|
//! | [`Double`] | TFLite's and TFLM's reference convolutions, CMSIS-NN's default | a doubling high multiply rounded half up, then a shift rounded half away from zero |
//! | [`Single`] | ruy, CMSIS-NN's option | `(acc·m + 2^(30−s)) >> (31−s)` |
//! | [`Wide`] | TFLite's int16 convolutions with 64-bit accumulator | `(acc·m₁₆ + 2^(14−s)) >> (15−s)`, `m₁₆` being `m` rounded to 16 bits |
//! | [`HalfAway`], [`WideHalfAway`] | TFLite's reference fully connected layers, with accumulators of 32 and 64 bits | `acc·M` in f64, half away from zero |
//! | [`WideDouble`] | the same convolutions with an int32 bias, where 32 bits may not hold the sum | a sum of 64 bits saturated to 32, then as [`Double`] |
//! | [`HalfEven`] | ONNX's QLinearConv, as its reference implementation computes it | `acc·M` in f64, plus the zero point, clamped, then half to even |
//! | [`FloatHalfEven`] | XNNPACK (LiteRT's default kernels); ONNX Runtime's QLinearConv | `f32(acc)·M` in f32, half to even, then plus the zero point |
//!
//! [`Double`] and [`Single`] differ by one in about 2 % of outputs. Which contract gives whose bits depends on operator,
//! activations and bias. TensorFlow Lite 2.21's reference kernels (`BUILTIN_REF`), TFLite Micro and CMSIS-NN:
//!
//! | operator | activations | bias | TFLite's reference | TFLite Micro, CMSIS-NN |
//! |---|---|---|---|---|
//! | `CONV_2D`, `DEPTHWISE_CONV_2D`, `TRANSPOSE_CONV` | int8 | int32 or none | [`Double`] | [`Double`] |
//! | the same | int16 | int64, or of `DEPTHWISE_CONV_2D` and `TRANSPOSE_CONV` none | [`Wide`] | [`Wide`] |
//! | the same | int16 | int32 | [`Double`], where 32 bits hold every sum; else [`WideDouble`] | likewise |
//! | `FULLY_CONNECTED` | int8 | int32 or none | [`HalfAway`] | [`Double`] |
//! | `FULLY_CONNECTED` | int16 | int32 or none | [`HalfAway`] | [`Wide`] |
//! | `FULLY_CONNECTED` | int16 | int64 | [`WideHalfAway`] | [`Wide`] |
//!
//! Of the same models LiteRT's default kernels, XNNPACK's, compute int8 layers by [`FloatHalfEven`]; ONNX Runtime does so for
//! `QLinearConv`, where ONNX's own reference is [`HalfEven`]: they differ at ties with an odd zero point. LiteRT's built-in
//! kernels without XNNPACK round the last shift of [`Double`] half up on x86, which no type here does. TFLite's int16 kernels
//! wrap where a sum or a scaled sum does not fit 32 bits; here it saturates.
//!
//! Source: TensorFlow Lite's `QuantizeMultiplier` and `MultiplyByQuantizedMultiplier`, gemmlowp's fixed-point
//! functions, ONNX's reference implementation of `QLinearConv`; what is whose was measured on single-operator models and, of
//! XNNPACK, on nine published ones.

pub use crate::arch::Record;
use crate::element::{Element, LONG_PRODUCT};

/// A real scale in fixed point: `multiplier/2³¹ · 2^shift`.
///
/// ```
/// use conv_core::requantise::Multiplier;
///
/// const SCALE: Multiplier = Multiplier::from_scales(0.5, 0.25, 1.0).unwrap();
/// assert_eq!((SCALE.multiplier, SCALE.shift), (1 << 30, -2)); // 0.5 · 2⁻² = 1/8
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Multiplier {
    /// In `2³⁰..2³¹`, or 0.
    pub multiplier: i32,
    /// Exponent of two: positive to the left.
    pub shift: i32,
}

impl Multiplier {
    /// The scale 0.
    pub const ZERO: Self = Self {
        multiplier: 0,
        shift: 0,
    };

    /// The multiplier that leads from accumulators of `input·weight` to an output, given their scales:
    /// [`Multiplier::from_scale`] of [`real_scale`]. `None` unless that is a finite number not below 0.
    #[must_use]
    pub const fn from_scales(input: f32, weight: f32, output: f32) -> Option<Self> {
        match real_scale(input, weight, output) {
            Some(scale) => Self::from_scale(scale),
            None => None,
        }
    }

    /// [`Multiplier::from_scales`] for each output channel, as a layer takes them. `None` if there is none for any.
    ///
    /// ```
    /// use conv_core::requantise::Multiplier;
    ///
    /// const SCALES: [Multiplier; 2] = Multiplier::per_channel(0.5, [0.25, 0.5], 1.0).unwrap();
    /// assert_eq!(SCALES.map(|scale| scale.shift), [-2, -1]);
    /// ```
    #[must_use]
    pub const fn per_channel<const CO: usize>(
        input: f32,
        weights: [f32; CO],
        output: f32,
    ) -> Option<[Self; CO]> {
        let mut scales = [Self::ZERO; CO];
        let mut channel = 0;
        while channel < CO {
            match Self::from_scales(input, weights[channel], output) {
                Some(scale) => scales[channel] = scale,
                None => return None,
            }
            channel += 1;
        }
        Some(scales)
    }

    /// `(q, s) = frexp(scale)`, `m = round(q·2³¹)` half away from zero; `m = 2³¹` becomes `2³⁰` with `s + 1`;
    /// `s < −31` becomes the scale 0. `None` unless `scale` is a finite number not below 0.
    ///
    /// A test compares it with that formula for every `f32` that is not negative.
    #[must_use]
    pub const fn from_scale(scale: f64) -> Option<Self> {
        const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
        if scale == 0.0 {
            return Some(Self::ZERO);
        }
        if !(scale.is_finite() && scale > 0.0) {
            return None;
        }
        let bits = scale.to_bits();
        let exponent = (bits >> FRACTION_BITS) as i32;
        // A subnormal f64 is far below 2⁻³¹.
        if exponent == 0 {
            return Some(Self::ZERO);
        }
        // scale = significand/2⁵³ · 2^shift with the significand in 2⁵²..2⁵³.
        let significand = (bits & ((1 << FRACTION_BITS) - 1)) | (1 << FRACTION_BITS);
        let mut shift = exponent - (f64::MAX_EXP - 2);
        // 53 bits to 31, half away from zero.
        let mut multiplier = (significand + (1 << 21)) >> 22;
        if multiplier == 1 << 31 {
            multiplier = 1 << 30;
            shift += 1;
        }
        if shift < -31 {
            return Some(Self::ZERO);
        }
        Some(Self {
            multiplier: multiplier as i32,
            shift,
        })
    }
}

/// `f64(input)·f64(weight)/f64(output)`, the scale of [`HalfAway`] and [`WideHalfAway`]. `None` unless that is a finite
/// number not below 0.
///
/// ```
/// assert_eq!(conv_core::requantise::real_scale(0.5, 0.25, 1.0), Some(0.125));
/// ```
#[must_use]
pub const fn real_scale(input: f32, weight: f32, output: f32) -> Option<f64> {
    let scale = input as f64 * weight as f64 / output as f64;
    if scale.is_finite() && scale >= 0.0 {
        Some(scale)
    } else {
        None
    }
}

/// [`real_scale`] for each output channel, as a layer takes them. `None` if there is none for any.
///
/// ```
/// use conv_core::requantise::real_scales;
///
/// assert_eq!(real_scales(0.5, [0.25, 1.0], 1.0), Some([0.125, 0.5]));
/// assert_eq!(real_scales(0.5, [0.25, -1.0], 1.0), None);
/// ```
#[must_use]
pub const fn real_scales<const CO: usize>(
    input: f32,
    weights: [f32; CO],
    output: f32,
) -> Option<[f64; CO]> {
    let mut scales = [0.0; CO];
    let mut channel = 0;
    while channel < CO {
        match real_scale(input, weights[channel], output) {
            Some(scale) => scales[channel] = scale,
            None => return None,
        }
        channel += 1;
    }
    Some(scales)
}

/// `input·weight/output`, each step rounded to an `f32`, the scale of [`FloatHalfEven`]. `None` unless that is a finite number
/// not below 0.
///
/// ```
/// assert_eq!(conv_core::requantise::float_scale(0.5, 0.25, 1.0), Some(0.125));
/// assert_eq!(conv_core::requantise::float_scale(0.5, 0.25, 0.0), None);
/// ```
#[must_use]
pub const fn float_scale(input: f32, weight: f32, output: f32) -> Option<f32> {
    let scale = input * weight / output;
    if scale.is_finite() && scale >= 0.0 {
        Some(scale)
    } else {
        None
    }
}

/// A rounding contract: how an accumulator of type [`Rounding::Accumulator`] becomes an output.
pub trait Rounding: sealed::Sealed + Copy + 'static {
    /// What products are added up in.
    type Accumulator: Element;
    /// What is stored for each output channel.
    type Scale: Copy + core::fmt::Debug + 'static;
    /// What a typed layer stores for each output channel: the scale, of [`Double`] a [`Record`].
    type Prepared: Copy + core::fmt::Debug + 'static;
    /// Whether [`Rounding::Prepared`] is a [`Record`] and [`Rounding::Scale`] a [`Multiplier`].
    const HAS_RECORDS: bool;

    /// Whether a scale is a finite number of at least 0; of a [`Multiplier`] any exponent will do.
    ///
    /// ```
    /// use conv_core::requantise::{Double, HalfEven, Multiplier, Rounding};
    ///
    /// assert!(Double::is_scale(Multiplier::ZERO) && !HalfEven::is_scale(f32::NAN));
    /// ```
    fn is_scale(scale: Self::Scale) -> bool;

    /// What a layer stores for a scale and its output's zero point.
    fn prepare(scale: Self::Scale, output_zero_point: i32) -> Self::Prepared;

    /// The scale of what a layer stores.
    fn scale(prepared: &Self::Prepared) -> Self::Scale;

    /// `clamp(round(accumulator · scale) + zero_point, low, high)`. Never panics.
    fn requantise(
        accumulator: Self::Accumulator,
        scale: Self::Scale,
        zero_point: i32,
        low: i32,
        high: i32,
    ) -> i32;
}

/// Double rounding, of TFLite's reference kernels. With `l = max(s, 0)`, `r = max(−s, 0)`:
/// `h = (acc·2^l·m + 2³⁰) >> 31`, then `h/2^r` rounded half away from zero.
#[derive(Clone, Copy, Debug)]
pub struct Double;

/// Single rounding, of ruy: `(acc·m + 2^(30−s)) >> (31−s)`, half up.
#[derive(Clone, Copy, Debug)]
pub struct Single;

/// TFLite's rounding for int16 activations with a 64-bit accumulator: the multiplier rounded to 16 bits,
/// `m₁₆ = m < 0x7fff0000 ? (m + 0x8000) >> 16 : 0x7fff`, then `(acc·m₁₆ + 2^(14−s)) >> (15−s)`.
#[derive(Clone, Copy, Debug)]
pub struct Wide;

/// [`Double`] of a sum of 64 bits that is first saturated to 32: TFLite's int16 convolutions with a 32-bit bias, also where the
/// weights of a channel are so many that 32 bits may not hold their sum, as from a sum of magnitudes of 65,536 on. TFLite wraps
/// there.
///
/// ```
/// use conv_core::requantise::{Double, Multiplier, Rounding, WideDouble};
///
/// let scale = Multiplier::from_scale(2.0_f64.powi(-17)).unwrap();
/// assert_eq!(WideDouble::requantise(1 << 30, scale, 0, -32768, 32767), 8192);
/// assert_eq!(WideDouble::requantise(1 << 40, scale, 0, -32768, 32767), 16384); // (2³¹ − 1)/2¹⁷
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WideDouble;

/// Rounding half to even of `f64(acc)·f64(scale) + zero_point`, clamped: ONNX's QLinearConv as its reference implementation
/// computes it. ONNX Runtime rounds by [`FloatHalfEven`].
///
/// ```
/// use conv_core::requantise::{FloatHalfEven, HalfEven, Rounding};
///
/// // −1.5, −0.5, 0.5, 1.5 and 2.5, with a zero point of 1.
/// let outputs = |requantise: fn(i32, f32, i32, i32, i32) -> i32| {
///     [-3, -1, 1, 3, 5].map(|sum| requantise(sum, 0.5, 1, -128, 127))
/// };
/// assert_eq!(outputs(HalfEven::requantise), [0, 0, 2, 2, 4]);
/// assert_eq!(outputs(FloatHalfEven::requantise), [-1, 1, 1, 3, 3]);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HalfEven;

/// `f32(acc)·scale`, each rounded to an `f32`, then half to even, then plus the zero point, clamped: XNNPACK, which is what
/// LiteRT runs by default, and ONNX Runtime's QLinearConv. The scale is that of [`float_scale`].
#[derive(Clone, Copy, Debug)]
pub struct FloatHalfEven;

/// `f64(acc)·scale` rounded half away from zero, plus the zero point, clamped: TFLite's reference fully connected layers
/// with an accumulator of 32 bits. The scale is that of [`real_scale`].
///
/// ```
/// use conv_core::requantise::{HalfAway, Rounding};
///
/// assert_eq!(HalfAway::requantise(-23, 0.5, 0, -128, 127), -12); // −11.5
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HalfAway;

/// [`HalfAway`] with an accumulator of 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct WideHalfAway;

impl Rounding for Double {
    type Accumulator = i32;
    type Scale = Multiplier;
    type Prepared = Record;
    const HAS_RECORDS: bool = true;

    fn prepare(scale: Multiplier, output_zero_point: i32) -> Record {
        Record::new(scale, output_zero_point)
    }

    fn scale(prepared: &Record) -> Multiplier {
        prepared.scale()
    }

    fn is_scale(scale: Multiplier) -> bool {
        scale.multiplier >= 0
    }

    fn requantise(
        accumulator: i32,
        scale: Multiplier,
        zero_point: i32,
        low: i32,
        high: i32,
    ) -> i32 {
        let product = Product::new(accumulator, scale.multiplier);
        let rounded = match !scale.shift {
            before @ 0..=30 => half_away(product.rounded(), before),
            -1 => product.rounded(),
            // A scale of 1 and more, or so small that nothing is left: the same in 64 bits.
            _ => return double_far(accumulator, scale, zero_point, low, high),
        };
        clamped(rounded, zero_point, low, high)
    }
}

/// `value/2^(before + 1)`, half away from zero, for `before` in `0..31`.
///
/// It is `⌊(value − [value < 0] + 2^before)/2^(before + 1)⌋`, and the sum in it could overflow where this does not: it is
/// halved after all other bits are gone. No `value` is `i32::MIN` or `i32::MAX`.
#[inline]
pub(crate) fn half_away(value: i32, before: i32) -> i32 {
    let below = value.wrapping_add(value >> 31) >> before;
    below.wrapping_add(1) >> 1
}

/// `min(max(value + zero_point, low), high)`, without overflow.
#[inline]
fn clamped(value: i32, zero_point: i32, low: i32, high: i32) -> i32 {
    Ord::min(Ord::max(value.saturating_add(zero_point), low), high)
}

/// `accumulator·multiplier`, of a multiplier that is not negative, without its last 16 bits: `high·2^16 + low`.
///
/// So it is put together from products of 16 bits where a core has no longer ones, with `a = 2^16·a₁ + a₀` and
/// `m = 2^16·m₁ + m₀`:
///
/// ```text
/// a·m/2^16 = 2^16·a₁·m₁ + a₁·m₀ + a₀·m₁ + a₀·m₀/2^16
/// ```
///
/// `−2^15 ≤ a₁ < 2^15`, `m₁ < 2^15`, the others are below 2^16: no product of two and no sum below leaves 32 bits.
#[derive(Clone, Copy)]
pub(crate) struct Product {
    high: i32,
    /// Below 2^31.
    low: u32,
}

impl Product {
    #[inline]
    pub(crate) fn new(accumulator: i32, multiplier: i32) -> Self {
        if LONG_PRODUCT {
            let product = i64::from(accumulator) * i64::from(multiplier);
            return Self {
                high: (product >> 32) as i32,
                low: product as u32 >> 16,
            };
        }
        Self::of_halves(accumulator, multiplier)
    }

    #[inline]
    fn of_halves(accumulator: i32, multiplier: i32) -> Self {
        let (a1, a0) = (accumulator >> 16, accumulator as u32 & 0xffff);
        let (m1, m0) = (multiplier >> 16, multiplier as u32 & 0xffff);
        let last = a0.wrapping_mul(m0) >> 16;
        let middle = a1.wrapping_mul(m0 as i32).wrapping_add(last as i32);
        Self {
            high: a1.wrapping_mul(m1).wrapping_add(middle >> 16),
            low: a0
                .wrapping_mul(m1 as u32)
                .wrapping_add(middle as u32 & 0xffff),
        }
    }

    /// [`Product::rounded`] of an accumulator of a magnitude below 2^30: the high half of twice the product.
    #[inline]
    pub(crate) fn rounded_of_less(accumulator: i32, multiplier: i32) -> i32 {
        if LONG_PRODUCT {
            let product = i64::from(accumulator.wrapping_shl(1)) * i64::from(multiplier);
            return (product.wrapping_add(1 << 31) >> 32) as i32;
        }
        Self::of_halves(accumulator, multiplier).rounded()
    }

    /// `⌊product/2^31⌋`; its magnitude is below 2^31.
    #[inline]
    fn floor(self) -> i32 {
        self.high
            .wrapping_shl(1)
            .wrapping_add((self.low >> 15) as i32)
    }

    /// `⌊product/2^31 + 1/2⌋`, likewise: a multiplier is at most 2^31 − 1.
    #[inline]
    pub(crate) fn rounded(self) -> i32 {
        let rest = (self.low >> 14).wrapping_add(1) >> 1;
        self.high.wrapping_shl(1).wrapping_add(rest as i32)
    }
}

/// [`Double`] for any shift.
#[cold]
#[inline(never)]
fn double_far(
    accumulator: i32,
    Multiplier { multiplier, shift }: Multiplier,
    zero_point: i32,
    low: i32,
    high: i32,
) -> i32 {
    let product = i64::from(accumulator) * i64::from(multiplier);
    // (acc·2^l·m + 2³⁰) >> 31, without the bits that the shift to the left would need.
    let high_half = shift_rounding(product, 31 - shift.max(0));
    // |h| ≤ 2³¹ where bits are shifted out: from 62 on nothing is left of it.
    let right = shift.min(0).unsigned_abs().min(62);
    let mask = 1_i64.wrapping_shl(right).wrapping_sub(1);
    let threshold = (mask >> 1) + i64::from(high_half < 0);
    let up = i64::from(high_half & mask > threshold);
    let rounded = high_half.wrapping_shr(right).wrapping_add(up);
    clamp_sum(rounded, zero_point, low, high)
}

impl Rounding for Single {
    type Accumulator = i32;
    type Scale = Multiplier;
    type Prepared = Multiplier;
    const HAS_RECORDS: bool = false;

    fn prepare(scale: Multiplier, _output_zero_point: i32) -> Multiplier {
        scale
    }

    fn scale(prepared: &Multiplier) -> Multiplier {
        *prepared
    }

    fn is_scale(scale: Multiplier) -> bool {
        scale.multiplier >= 0
    }

    fn requantise(
        accumulator: i32,
        scale: Multiplier,
        zero_point: i32,
        low: i32,
        high: i32,
    ) -> i32 {
        let product = Product::new(accumulator, scale.multiplier);
        let rounded = match !scale.shift {
            // Halved last, as there is no bit for the sum.
            before @ 0..=30 => (product.floor() >> before).wrapping_add(1) >> 1,
            -1 => product.rounded(),
            _ => return single_far(accumulator, scale, zero_point, low, high),
        };
        clamped(rounded, zero_point, low, high)
    }
}

/// [`Single`] for any shift.
#[cold]
#[inline(never)]
fn single_far(
    accumulator: i32,
    Multiplier { multiplier, shift }: Multiplier,
    zero_point: i32,
    low: i32,
    high: i32,
) -> i32 {
    let product = i64::from(accumulator) * i64::from(multiplier);
    let rounded = shift_rounding(product, 31_i32.saturating_sub(shift));
    clamp_sum(rounded, zero_point, low, high)
}

impl Rounding for Wide {
    type Accumulator = i64;
    type Scale = Multiplier;
    type Prepared = Multiplier;
    const HAS_RECORDS: bool = false;

    fn prepare(scale: Multiplier, _output_zero_point: i32) -> Multiplier {
        scale
    }

    fn scale(prepared: &Multiplier) -> Multiplier {
        *prepared
    }

    fn is_scale(scale: Multiplier) -> bool {
        scale.multiplier >= 0
    }

    fn requantise(
        accumulator: i64,
        scale: Multiplier,
        zero_point: i32,
        low: i32,
        high: i32,
    ) -> i32 {
        /// 2⁴⁷·2¹⁵ fits.
        const LIMIT: i64 = 1 << 47;
        let narrow = if scale.multiplier < 0x7fff_0000 {
            (scale.multiplier + 0x8000) >> 16
        } else {
            0x7fff
        };
        let bits = 15_i32.saturating_sub(scale.shift);
        if accumulator.unsigned_abs() > LIMIT.unsigned_abs() {
            return wide_far(accumulator, narrow, bits, zero_point, low, high);
        }
        let rounded = shift_rounding(accumulator * i64::from(narrow), bits);
        clamp_sum(rounded, zero_point, low, high)
    }
}

/// [`Wide`] for any accumulator, in 128 bits.
#[cold]
#[inline(never)]
fn wide_far(accumulator: i64, narrow: i32, bits: i32, zero_point: i32, low: i32, high: i32) -> i32 {
    let product = i128::from(accumulator) * i128::from(narrow);
    let rounded = match u32::try_from(bits) {
        Ok(0) => product,
        // |product| ≤ 2⁷⁸: from 80 bits on nothing is left of it, and halves round up.
        Ok(80..) => 0,
        Ok(bits) => {
            let doubled = product >> (bits - 1);
            (doubled >> 1) + (doubled & 1)
        }
        // |accumulator| > 2⁴⁷: whatever is shifted to the left saturates.
        Err(_) => product,
    };
    let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let rounded = Ord::min(Ord::max(rounded, least), greatest) as i64;
    clamp_sum(rounded, zero_point, low, high)
}

impl Rounding for WideDouble {
    type Accumulator = i64;
    type Scale = Multiplier;
    type Prepared = Multiplier;
    const HAS_RECORDS: bool = false;

    fn prepare(scale: Multiplier, _output_zero_point: i32) -> Multiplier {
        scale
    }

    fn scale(prepared: &Multiplier) -> Multiplier {
        *prepared
    }

    fn is_scale(scale: Multiplier) -> bool {
        scale.multiplier >= 0
    }

    fn requantise(
        accumulator: i64,
        scale: Multiplier,
        zero_point: i32,
        low: i32,
        high: i32,
    ) -> i32 {
        let (least, greatest) = (i64::from(i32::MIN), i64::from(i32::MAX));
        let narrow = Ord::min(Ord::max(accumulator, least), greatest) as i32;
        Double::requantise(narrow, scale, zero_point, low, high)
    }
}

/// The scale of [`HalfAway`] and [`WideHalfAway`].
macro_rules! half_away {
    ($($contract:ident, $accumulator:ty;)*) => {$(
        impl Rounding for $contract {
            type Accumulator = $accumulator;
            type Scale = f64;
            type Prepared = f64;
            const HAS_RECORDS: bool = false;

            fn prepare(scale: f64, _output_zero_point: i32) -> f64 {
                scale
            }

            fn scale(prepared: &f64) -> f64 {
                *prepared
            }

            fn is_scale(scale: f64) -> bool {
                scale.is_finite() && scale >= 0.0
            }

            fn requantise(
                accumulator: $accumulator,
                scale: f64,
                zero_point: i32,
                low: i32,
                high: i32,
            ) -> i32 {
                if let Ok(short) = i32::try_from(accumulator)
                    && let Some(rounded) = real_product(short, scale)
                {
                    return clamped(rounded, zero_point, low, high);
                }
                real_far(accumulator as f64, scale, zero_point, low, high)
            }
        }
    )*};
}
half_away! {
    HalfAway, i32;
    WideHalfAway, i64;
}

/// [`HalfAway`] of any number, by its formula.
#[cold]
#[inline(never)]
fn real_far(accumulator: f64, scale: f64, zero_point: i32, low: i32, high: i32) -> i32 {
    clamp_sum(round_half_away(accumulator * scale), zero_point, low, high)
}

/// `f64(accumulator)·scale` rounded half away from zero, without an f64, for which most small cores call functions. `None`
/// for a scale of 1/2 and more or below 2⁻³², and where the first 32 bits of its significand do not settle it.
///
/// With these bits `m` the scale is `(m + δ)/2^n`, `0 ≤ δ < 1`, and `32 < n < 64`. The magnitude `v` of the product, before an
/// f64 rounds it to 53 bits, has `v·2^n` in `a·m..a·m + a`, `a` being the accumulator's magnitude; rounded it is greater by
/// not more than half of the last place, `2^10`, for `v·2^n < 2^63`, and not less than any `k − 1/2` that `v` is not less
/// than, for those are numbers of 53 bits. So `k = ⌊(a·m + 2^(n−1))/2^n⌋` is the answer where what the division leaves,
/// and `a + 2^10` with it, is still below `2^n`.
#[inline]
fn real_product(accumulator: i32, scale: f64) -> Option<i32> {
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    let bits = scale.to_bits();
    // n − 32; of a number below 0, too large.
    let right @ 1..=31 = 1022_u32.wrapping_sub((bits >> FRACTION_BITS) as u32) else {
        return None;
    };
    let significand = 1 << 31 | (bits >> (FRACTION_BITS - 31)) as u32 & 0x7fff_ffff;
    let magnitude = accumulator.unsigned_abs();
    let (upper, lower) = long_product(magnitude, significand);
    // Below 2³¹ + 2³⁰; the lower half has no part in it.
    let sum = upper.wrapping_add(1 << (right - 1));
    let ones = (1_u32 << right) - 1;
    if sum & ones == ones && lower.checked_add(magnitude.wrapping_add(1 << 10)).is_none() {
        return None;
    }
    let rounded = (sum >> right) as i32;
    Some(if accumulator < 0 { -rounded } else { rounded })
}

/// Upper and lower half of a product, as [`Product`] puts it together.
#[inline]
fn long_product(a: u32, b: u32) -> (u32, u32) {
    if LONG_PRODUCT {
        let product = u64::from(a) * u64::from(b);
        return ((product >> 32) as u32, product as u32);
    }
    long_product_of_halves(a, b)
}

#[inline]
fn long_product_of_halves(a: u32, b: u32) -> (u32, u32) {
    let ((a1, a0), (b1, b0)) = ((a >> 16, a & 0xffff), (b >> 16, b & 0xffff));
    let last = a0.wrapping_mul(b0);
    let middle = a1.wrapping_mul(b0).wrapping_add(last >> 16);
    let other = a0.wrapping_mul(b1).wrapping_add(middle & 0xffff);
    let upper = a1.wrapping_mul(b1).wrapping_add(middle >> 16);
    (upper.wrapping_add(other >> 16), other << 16 | last & 0xffff)
}

impl Rounding for HalfEven {
    type Accumulator = i32;
    type Scale = f32;
    type Prepared = f32;
    const HAS_RECORDS: bool = false;

    fn prepare(scale: f32, _output_zero_point: i32) -> f32 {
        scale
    }

    fn scale(prepared: &f32) -> f32 {
        *prepared
    }

    fn is_scale(scale: f32) -> bool {
        scale.is_finite() && scale >= 0.0
    }

    fn requantise(accumulator: i32, scale: f32, zero_point: i32, low: i32, high: i32) -> i32 {
        // |acc| < 2³¹ and 24 bits of scale: the product is exact in an f64 but for its last 2 bits.
        let real = f64::from(accumulator) * f64::from(scale) + f64::from(zero_point);
        let (low, high) = (f64::from(low), f64::from(high));
        // Not `clamp`, which panics where low > high.
        let raised = if real > low { real } else { low };
        round_half_even(if raised < high { raised } else { high })
    }
}

impl Rounding for FloatHalfEven {
    type Accumulator = i32;
    type Scale = f32;
    type Prepared = f32;
    const HAS_RECORDS: bool = false;

    fn prepare(scale: f32, _output_zero_point: i32) -> f32 {
        scale
    }

    fn scale(prepared: &f32) -> f32 {
        *prepared
    }

    fn is_scale(scale: f32) -> bool {
        scale.is_finite() && scale >= 0.0
    }

    fn requantise(accumulator: i32, scale: f32, zero_point: i32, low: i32, high: i32) -> i32 {
        /// Adding 1.5·2²³ leaves no fraction bits of a number of a magnitude of up to 2²², and IEEE 754's own rounding is half
        /// to even.
        const SHIFT: f32 = 12_582_912.0;
        const LIMIT: f32 = 4_194_304.0;
        let real = accumulator as f32 * scale;
        match real > -LIMIT && real < LIMIT {
            true => clamped(((real + SHIFT) - SHIFT) as i32, zero_point, low, high),
            false => float_far(real, zero_point, low, high),
        }
    }
}

/// [`FloatHalfEven`] of a great product.
#[cold]
#[inline(never)]
fn float_far(real: f32, zero_point: i32, low: i32, high: i32) -> i32 {
    let whole = (f64::from(real) + WHOLE) - WHOLE;
    clamp_sum(whole as i64, zero_point, low, high)
}

/// `1.5·2⁵²`: adding it to a number of a magnitude of up to 2⁵¹ leaves no fraction bits, and IEEE 754's own rounding is half to
/// even. Greater ones have none.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// `⌊value/2^bits + 1/2⌋`; for negative `bits` a saturating shift to the left.
fn shift_rounding(value: i64, bits: i32) -> i64 {
    match u32::try_from(bits) {
        Ok(0) => value,
        // 2⁶² and more: the value is below half of the divisor or just there, and halves round up.
        Ok(63..) => 0,
        Ok(bits) => {
            let doubled = value >> (bits - 1);
            (doubled >> 1) + (doubled & 1)
        }
        Err(_) => value.saturating_mul(1 << bits.unsigned_abs().min(62)),
    }
}

fn clamp_sum(value: i64, zero_point: i32, low: i32, high: i32) -> i32 {
    let sum = value.saturating_add(i64::from(zero_point));
    Ord::min(Ord::max(sum, i64::from(low)), i64::from(high)) as i32
}

/// The integer nearest to a number within the range of `i32`, the even one of two. `f64::round_ties_even` is
/// not everywhere in `core` without a call to a maths library.
fn round_half_even(value: f64) -> i32 {
    ((value + WHOLE) - WHOLE) as i32
}

/// The integer nearest to a number, of two the one away from 0; beyond 2⁴⁰ it saturates. `f64::round` is not everywhere
/// in `core` without a call to a maths library.
fn round_half_away(value: f64) -> i64 {
    const LIMIT: f64 = (1_u64 << 40) as f64;
    let magnitude = if value < 0.0 { -value } else { value };
    let magnitude = if magnitude < LIMIT { magnitude } else { LIMIT };
    let whole = magnitude as i64;
    // Both below 2⁵³: the difference is exact.
    let rounded = whole + i64::from(magnitude - whole as f64 >= 0.5);
    if value < 0.0 { -rounded } else { rounded }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Double {}
    impl Sealed for super::Single {}
    impl Sealed for super::Wide {}
    impl Sealed for super::WideDouble {}
    impl Sealed for super::HalfEven {}
    impl Sealed for super::FloatHalfEven {}
    impl Sealed for super::HalfAway {}
    impl Sealed for super::WideHalfAway {}
}

#[cfg(test)]
mod tests {
    use conv_vectors::oracle::requantise as oracle;
    use conv_vectors::random::{Lcg, Spread};
    use std::vec::Vec;

    use super::*;

    const FULL: (i32, i32) = (i32::MIN, i32::MAX);

    #[test]
    fn multipliers_equal_the_formula_for_every_kind_of_scale() {
        let mut random = Lcg::new(1).spread(Spread::Full);
        let mut scales: Vec<f64> = [
            0.0,
            -0.0,
            1.0,
            0.5,
            0.25,
            1e-300,
            5e-324,
            1e300,
            f64::MAX,
            f64::INFINITY,
            f64::NAN,
            -1.0,
            1.0 - f64::EPSILON / 2.0, // rounds up to 2³¹
            2.0_f64.powi(-32),
            2.0_f64.powi(-31),
            2.0_f64.powi(-33),
            2.0_f64.powi(-32) * (1.0 - f64::EPSILON / 2.0),
        ]
        .into();
        for _ in 0..20_000 {
            let (mut a, mut b) = ([0_f32; 3], [0_i32; 1]);
            random.fill(&mut a);
            random.fill(&mut b);
            scales.push(f64::from(a[0].abs()) * f64::from(a[1].abs()) / f64::from(a[2].abs()));
            scales.push(f64::from(b[0].unsigned_abs()) * 2.0_f64.powi(-(b[0] & 63)));
        }
        for scale in scales {
            let found = Multiplier::from_scale(scale).map(|m| (m.multiplier, m.shift));
            assert_eq!(found, oracle::multiplier_and_shift(scale), "{scale:e}");
        }
    }

    /// All 2³¹ that are not negative, among them the subnormals, infinity and every NaN, and the same thinned out with
    /// the sign bit set: every exponent with some fractions.
    #[test]
    fn multipliers_equal_the_formula_for_every_f32() {
        const SIGN: u32 = 1 << 31;
        let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        let share = SIGN.div_ceil(threads);
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let first = thread * share;
                scope.spawn(move || check_f32s(first..SIGN.min(first + share)));
            }
        });
        check_f32s((SIGN..=u32::MAX).step_by(4093));
    }

    fn check_f32s(patterns: impl Iterator<Item = u32>) {
        let mut multipliers = oracle::Multipliers::default();
        for bits in patterns {
            let scale = f32::from_bits(bits);
            let found = Multiplier::from_scales(scale, 1.0, 1.0).map(|m| (m.multiplier, m.shift));
            let expected = multipliers.of(scale.into());
            assert_eq!(found, expected, "{scale:e}, bits {bits:08x}");
        }
    }

    #[test]
    fn integer_contracts_equal_the_oracle() {
        let mut random = [Spread::Extremes, Spread::Uniform].map(|s| Lcg::new(2).spread(s));
        for round in 0..200_000 {
            let mut words = [0_i32; 3];
            random[round % 2].fill(&mut words);
            let accumulator = words[0] >> (round % 29);
            let scale = Multiplier {
                multiplier: (words[1] & 0x3fff_ffff) | 0x4000_0000,
                shift: words[2].rem_euclid(44) - 31,
            };
            let expected = |value: i128| value.clamp(FULL.0.into(), FULL.1.into()) as i32;
            let (m, s) = (scale.multiplier, scale.shift);
            let wide = i128::from(accumulator);
            let double = Double::requantise(accumulator, scale, 0, FULL.0, FULL.1);
            assert_eq!(
                double,
                expected(oracle::double(wide, m, s)),
                "{accumulator} {scale:?}"
            );
            let single = Single::requantise(accumulator, scale, 0, FULL.0, FULL.1);
            assert_eq!(
                single,
                expected(oracle::single(wide, m, s)),
                "{accumulator} {scale:?}"
            );
            let long = i64::from(accumulator) << (round % 24);
            let found = Wide::requantise(long, scale, 0, -32768, 32767);
            let expected = oracle::wide(long.into(), m, s).clamp(-32768, 32767) as i32;
            assert_eq!(found, expected, "{long} {scale:?}");
            // Any accumulator, with a zero point and the clamp of an i32.
            let long = i64::from(accumulator) << 32 | i64::from(words[2]);
            let found = Wide::requantise(long, scale, -32768, FULL.0, FULL.1);
            let sum = oracle::wide(long.into(), m, s) - 32768;
            let expected = sum.clamp(FULL.0.into(), FULL.1.into()) as i32;
            assert_eq!(found, expected, "{long} {scale:?}");
        }
    }

    /// All pairs of numbers that have few bits, or lack few, in one of the halves, and their neighbours.
    #[test]
    fn products_of_halves_are_those_of_64_bits() {
        let edges = |least: i32| {
            let powers = (0..31).flat_map(|bit| [1 << bit, -(1 << bit), i32::MIN >> bit]);
            let near = powers.flat_map(|power: i32| [-1, 0, 1].map(|d| power.wrapping_add(d)));
            let sums = near
                .clone()
                .flat_map(move |a| [a, a ^ 0xffff, a ^ 0x7fff_0000]);
            sums.filter(move |&number| number >= least)
                .collect::<Vec<i32>>()
        };
        for &multiplier in &edges(0) {
            for &accumulator in &edges(i32::MIN) {
                let product = i64::from(accumulator) * i64::from(multiplier);
                for found in [
                    Product::new(accumulator, multiplier),
                    Product::of_halves(accumulator, multiplier),
                ] {
                    assert!(found.low < 1 << 31);
                    let whole = (i64::from(found.high) << 16) + i64::from(found.low);
                    assert_eq!(whole, product >> 16, "{accumulator}·{multiplier}");
                    assert_eq!(i64::from(found.floor()), product >> 31);
                    let rounded = (product + (1 << 30)) >> 31;
                    assert_eq!(i64::from(found.rounded()), rounded);
                }
            }
        }
    }

    /// Accumulators next to every tie of scales of all kinds: few bits, many, at both ends of the short path, beyond it.
    #[test]
    fn real_products_equal_the_formula_next_to_ties() {
        let mut random = Lcg::new(5).spread(Spread::Uniform);
        let mut short = 0;
        for round in 0..40_000_u32 {
            let mut words = [0_i32; 4];
            random.fill(&mut words);
            let fraction = u64::from(words[0] as u32) << 20 | u64::from(words[1] as u32 & 0xf_ffff);
            let kept = [1, 20, 31, 32, 51, 52][round as usize % 6];
            let exponent = 985 + u64::from(round / 6 % 42);
            let bits = exponent << 52 | fraction >> (52 - kept) << (52 - kept);
            let scale = f64::from_bits(bits);
            let tie = f64::from(words[2] >> (round % 31)) + 0.5;
            for near in [
                tie / scale,
                f64::from(words[3]),
                -2147483648.0,
                2147483647.0,
            ] {
                for accumulator in -2..=2 {
                    let accumulator = (near as i32).wrapping_add(accumulator);
                    let expected = round_half_away(f64::from(accumulator) * scale);
                    if let Some(found) = real_product(accumulator, scale) {
                        assert_eq!(i64::from(found), expected, "{accumulator} {bits:x}");
                        short += 1;
                    }
                }
            }
        }
        assert!(short > 400_000);
    }

    #[test]
    fn long_products_of_halves_are_those_of_64_bits() {
        let mut random = Lcg::new(6).spread(Spread::Extremes);
        for round in 0..100_000 {
            let mut words = [0_i32; 2];
            random.fill(&mut words);
            let [a, b] = words.map(|word| word as u32 >> (round % 17));
            let product = u64::from(a) * u64::from(b);
            let halves = ((product >> 32) as u32, product as u32);
            assert_eq!(long_product(a, b), halves);
            assert_eq!(long_product_of_halves(a, b), halves);
        }
    }

    /// Every shift with values next to ties, next to powers of two and at the ends.
    #[test]
    fn rounding_half_away_equals_the_formula() {
        for before in 0..31 {
            let divisor = 1_i64 << (before + 1);
            let ties = (-40..40).map(|step| step * divisor + divisor / 2);
            let powers = (0..31).map(|bit| 1_i64 << bit);
            let ends = [i64::from(i32::MAX) - 1, i64::from(i32::MIN) + 1];
            for middle in ties.chain(powers).chain(ends) {
                for value in [middle, -middle].into_iter().flat_map(|v| v - 2..=v + 2) {
                    if value.abs() >= i64::from(i32::MAX) {
                        continue;
                    }
                    let magnitude = (value.abs() + divisor / 2) / divisor;
                    let found = half_away(value as i32, before);
                    assert_eq!(
                        i64::from(found),
                        value.signum() * magnitude,
                        "{value} {before}"
                    );
                }
            }
        }
    }

    #[test]
    fn half_even_equals_the_oracle() {
        let mut random = Lcg::new(3);
        for _ in 0..100_000 {
            let mut words = [0_i32; 2];
            random.fill(&mut words);
            let accumulator = words[0] >> 12;
            // Scales with few bits, so that ties occur.
            let scale = (words[1] & 15) as f32 / 64.0;
            let found = HalfEven::requantise(accumulator, scale, 3, -128, 127);
            assert_eq!(found, oracle::half_even(accumulator, scale, 3, (-128, 127)));
        }
        assert_eq!(HalfEven::requantise(5, 0.5, 0, -128, 127), 2);
        assert_eq!(HalfEven::requantise(-5, 0.5, 0, -128, 127), -2);
        assert_eq!(HalfEven::requantise(7, 0.5, 0, -128, 127), 4);
    }

    #[test]
    fn half_even_of_floats_equals_the_oracle() {
        let mut random = [Spread::Extremes, Spread::Uniform].map(|s| Lcg::new(5).spread(s));
        for round in 0..200_000 {
            let mut words = [0_i32; 3];
            random[round % 2].fill(&mut words);
            let accumulator = words[0] >> (round % 29);
            // Scales with few bits, so that ties occur, those of layers, and any finite one.
            let scale = match round % 3 {
                0 => (words[1] & 15) as f32 / 64.0,
                1 => words[1].unsigned_abs() as f32 / 1e12,
                _ => f32::from_bits(words[1].unsigned_abs() % f32::INFINITY.to_bits()),
            };
            let zero_point = words[2] >> 20;
            for (low, high) in [(-128, 127), (-32768, 32767), FULL] {
                let found = FloatHalfEven::requantise(accumulator, scale, zero_point, low, high);
                let expected = oracle::float_half_even(accumulator, scale, zero_point, (low, high));
                assert_eq!(found, expected, "{accumulator} · {scale:e} + {zero_point}");
            }
        }
        // Beyond 2²² halves still exist.
        let far = |sum| FloatHalfEven::requantise(sum, 0.5, 0, FULL.0, FULL.1);
        assert_eq!([8_388_611, -8_388_613].map(far), [4_194_306, -4_194_306]);
    }

    /// TFLite's depthwise layer of 16-bit activations without a bias: x = 5000, w = 100, scales 0.01, 0.003 and 0.0007.
    #[test]
    fn a_depthwise_layer_of_16_bits_without_bias_rounds_as_wide() {
        let scale = Multiplier::from_scales(0.01, 0.003, 0.0007).unwrap();
        assert_eq!(Wide::requantise(500_000, scale, 0, -32768, 32767), 21_428);
        assert_eq!(Double::requantise(500_000, scale, 0, -32768, 32767), 21_429);
    }

    #[test]
    fn half_away_equals_the_oracle() {
        let mut random = Lcg::new(4);
        for round in 0..100_000 {
            let mut words = [0_i32; 3];
            random.fill(&mut words);
            // Scales with few bits, so that ties occur, and of any.
            let scale = match round % 2 {
                0 => f64::from(words[1] & 15) / 64.0,
                _ => f64::from(words[1].unsigned_abs()) / 1e12,
            };
            let narrow = words[0] >> (round % 29);
            let found = HalfAway::requantise(narrow, scale, 3, -128, 127);
            assert_eq!(
                found,
                oracle::half_away(narrow.into(), scale, 3, (-128, 127))
            );
            let long = (i64::from(words[0]) << 32 | i64::from(words[2])) >> (round % 61);
            let found = WideHalfAway::requantise(long, scale, -3, -32768, 32767);
            assert_eq!(
                found,
                oracle::half_away(long.into(), scale, -3, (-32768, 32767))
            );
        }
        assert_eq!(HalfAway::requantise(-92, 0.125, 0, -128, 127), -12);
        assert_eq!(
            HalfAway::requantise(1, 0.499_999_999_999_999_94, 0, -128, 127),
            0
        );
        assert_eq!(HalfAway::requantise(i32::MIN, f64::MAX, 0, -128, 127), -128);
        assert_eq!(
            WideHalfAway::requantise(i64::MAX, f64::MAX, 0, -128, 127),
            127
        );
    }

    #[test]
    fn absurd_shifts_saturate() {
        let scale = |shift| Multiplier {
            multiplier: 1 << 30,
            shift,
        };
        assert_eq!(Double::requantise(1, scale(400), 0, -128, 127), 127);
        assert_eq!(Single::requantise(-1, scale(400), 0, -128, 127), -128);
        assert_eq!(Double::requantise(0, scale(400), 5, -128, 127), 5);
        assert_eq!(Single::requantise(i32::MAX, scale(-400), 0, -128, 127), 0);
        assert_eq!(Double::requantise(i32::MAX, scale(-400), 0, -128, 127), 0);
        assert_eq!(
            Wide::requantise(i64::MAX, scale(-31), 0, -32768, 32767),
            32767
        );
        assert_eq!(
            Wide::requantise(i64::MIN, scale(i32::MIN), 0, -32768, 32767),
            0
        );
    }
}
