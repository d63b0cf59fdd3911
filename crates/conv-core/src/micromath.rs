//! Hyperbolic tangent and logistic sigmoid as last steps of a layer, for floats, behind the feature `micromath`.
//!
//! ```
//! use conv_core::finish::{self, Finish};
//! use conv_core::micromath::Activate;
//!
//! let offsets = [0.5_f32, -0.5];
//! let step = finish::bias(&offsets).tanh();
//! assert_eq!(step.finish(0, -0.5), 0.0);
//! assert_eq!(step.finish(1, 100.0), 1.0);
//! let gate = finish::raw::<f32>().sigmoid();
//! assert_eq!(gate.finish(0, 0.0), 0.5);
//! ```
//!
//! # How, and how exact
//!
//! Both need only `e^x` for `x ≤ 0`. With `n = round(x·log₂e)` and `r = x − n·ln 2`, that is `2ⁿ·(e^(r/8))⁸`;
//! `e^(r/8)` with `|r/8| < 0.05` comes from [`micromath`], whose series of four terms is there as good as `f32`
//! is, while over its whole range it is good to about 10⁻³.
//!
//! | | error, all of `f32` | at the ends |
//! |---|---|---|
//! | [`tanh`] | relative, below 2·10⁻⁶ | ±1 from \|x\| = 9.02 on |
//! | [`sigmoid`] | relative, below 2·10⁻⁶ for x ≥ −87 | 0 below −87, where it is less than 2⁻¹²⁵ |
//!
//! Measured against `f64` in `tests/filter.rs`. `f64` goes through `f32` and has its accuracy. A NaN stays one.
//! Only additions, multiplications and divisions of `f32` are used, so that all targets have the same bits.
//!
//! [`micromath`]: https://docs.rs/micromath

use ::micromath::F32;

use crate::element::Element;
use crate::finish::{Channels, Finish};

/// From here on `tanh` rounds to 1.
const TANH_SATURATION: f32 = 9.02;
/// Below, `e^x` is no normal `f32`.
const EXPONENT_FLOOR: f32 = -87.0;
/// Below, the quotient of exponentials would cancel.
const TANH_SERIES: f32 = 0.25;

/// `ln 2` in two parts, the first with few enough digits that its multiples below 2⁷ are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `e^x` for `−87 ≤ x ≤ 0`.
fn exp(x: f32) -> f32 {
    // Truncation rounds a negative number half a unit lower to the nearest.
    let n = (x * core::f32::consts::LOG2_E - 0.5) as i32;
    let r = (x - n as f32 * LN_2[0]) - n as f32 * LN_2[1];
    let root = F32(r * 0.125).exp().0;
    let square = root * root;
    let fourth = square * square;
    // −126 ≤ n ≤ 0: a normal power of two.
    fourth * fourth * f32::from_bits(((n + 127) as u32) << 23)
}

/// `(1 − e^(−2x))/(1 + e^(−2x))`, odd; near 0 its Taylor series up to `x⁹`. Accuracy: see the [module](self).
#[must_use]
pub fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    if magnitude < TANH_SERIES {
        let square = x * x;
        let tail = square * (-17.0 / 315.0 + square * (62.0 / 2835.0));
        return x * (1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + tail)));
    }
    if magnitude >= TANH_SATURATION {
        return 1.0_f32.copysign(x);
    }
    if x.is_nan() {
        return x;
    }
    let fall = exp(-2.0 * magnitude);
    ((1.0 - fall) / (1.0 + fall)).copysign(x)
}

/// `1/(1 + e^(−x))`. Accuracy: see the [module](self).
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let magnitude = x.abs();
    let fall = if magnitude > -EXPONENT_FLOOR {
        0.0
    } else {
        exp(-magnitude)
    };
    // e^x/(1 + e^x) for negative x: the same value, without cancellation.
    let numerator = if x < 0.0 { fall } else { 1.0 };
    numerator / (1.0 + fall)
}

/// Floats that [`Activate`] works on. Sealed through [`Element`].
pub trait Activated: Element {
    /// [`tanh`]; for `f64` through `f32`.
    #[must_use]
    fn activate_tanh(self) -> Self;

    /// [`sigmoid`]; for `f64` through `f32`.
    #[must_use]
    fn activate_sigmoid(self) -> Self;
}

impl Activated for f32 {
    #[inline]
    fn activate_tanh(self) -> Self {
        tanh(self)
    }

    #[inline]
    fn activate_sigmoid(self) -> Self {
        sigmoid(self)
    }
}

impl Activated for f64 {
    #[inline]
    fn activate_tanh(self) -> Self {
        Self::from(tanh(self as f32))
    }

    #[inline]
    fn activate_sigmoid(self) -> Self {
        Self::from(sigmoid(self as f32))
    }
}

/// Activations for every [`Finish`] whose output is a float.
pub trait Activate: Finish<Output: Activated> + Sized {
    /// Then `tanh(value)`.
    fn tanh(self) -> Tanh<Self> {
        Tanh(self)
    }

    /// Then `1/(1 + e^(−value))`.
    fn sigmoid(self) -> Sigmoid<Self> {
        Sigmoid(self)
    }
}

impl<F: Finish<Output: Activated>> Activate for F {}

/// Applies `tanh`. See [`Activate::tanh`].
#[derive(Clone, Copy, Debug)]
pub struct Tanh<F>(F);

/// Applies the sigmoid. See [`Activate::sigmoid`].
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid<F>(F);

impl<F: Finish<Output: Activated>> Finish for Tanh<F> {
    type Accumulator = F::Accumulator;
    type Output = F::Output;
    const CHANNELS: Channels = F::CHANNELS;

    #[inline]
    fn finish(&self, channel: usize, accumulator: F::Accumulator) -> F::Output {
        self.0.finish(channel, accumulator).activate_tanh()
    }

    fn channels(&self) -> Option<usize> {
        self.0.channels()
    }
}

impl<F: Finish<Output: Activated>> Finish for Sigmoid<F> {
    type Accumulator = F::Accumulator;
    type Output = F::Output;
    const CHANNELS: Channels = F::CHANNELS;

    #[inline]
    fn finish(&self, channel: usize, accumulator: F::Accumulator) -> F::Output {
        self.0.finish(channel, accumulator).activate_sigmoid()
    }

    fn channels(&self) -> Option<usize> {
        self.0.channels()
    }
}
