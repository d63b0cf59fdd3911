//! Quantised layers, as TFLite defines them: integers with a scale and a zero point.
//!
//! ```text
//! acc[c]    = Σ (input − input_zero_point) · weight + bias[c]           padded taps contribute exactly 0
//! output    = clamp(round(acc[c] · scale[c]) + output_zero_point, low, high)
//! ```
//!
//! A layer ([`QuantConv2d`], [`QuantDepthwise2d`], [`QuantConvTranspose2d`]) is a constant: weights, biases and
//! multipliers go to flash, with `Σweight` folded in at compile time, so that windows that lie wholly inside
//! the input multiply plain inputs by plain weights. How `round` rounds is a type, see [`crate::requantise`].
//! One layer's output array is the next one's input array, so a network is a function over fixed arrays.
//!
//! ```
//! use conv_core::quantised::{QuantConv2d, Quantisation};
//! use conv_core::requantise::{Double, Multiplier};
//! use conv_core::window2d;
//!
//! window2d! { struct Half: stride 2, pad 1 }
//!
//! const SCALE: Multiplier = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();
//! // From 1 channel of i8 to 2, by 3×3 taps.
//! static LAYER: QuantConv2d<Half, i8, [[[[i8; 1]; 3]; 3]; 2], Double, 2> = QuantConv2d::new(
//!     [[[[1], [2], [1]], [[2], [4], [2]], [[1], [2], [1]]], [[[-1], [0], [1]], [[-2], [0], [2]], [[-1], [0], [1]]]],
//!     [100, -100],
//!     [SCALE; 2],
//!     Quantisation::new(-128, 3),
//! );
//!
//! let image = [[-28_i8; 8]; 8]; // the real value 0.02 · 100
//! let mut features = [[[0_i8; 2]; 4]; 4];
//! LAYER.run(&image, &mut features);
//! // (16·100 + 100) · 0.004 + 3 and (0 − 100) · 0.004 + 3
//! assert_eq!(features[1][1], [10, 3]);
//! ```
//!
//! Inputs may be `i8`, `u8` or `i16`, weights `i8` or, packed two to a byte, `i4` ([`Int4`]). Accumulators are
//! `i32`, or `i64` with [`Wide`], and proven not to overflow with the biases given.
//!
//! The run-time form is [`Geometry::quantised`].

use core::marker::PhantomData;

use crate::axis::attempt;
use crate::dot::{Plain, Product, Weights};
use crate::dynamic::{Operation, Planar};
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Operands, Pixels, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::{Channels, Finish};
use crate::geometry::{Geometry, KernelLayout};
use crate::requantise::{Rounding, Wide};
use crate::shape::{Array, Image};
use crate::typed::{KernelShape, Settings, Shape};
use crate::window::Window2d;

/// Zero points and clamp of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quantisation {
    /// The input value that stands for 0; padded taps read it. CMSIS-NN's `input_offset` is its negative.
    pub input_zero_point: i32,
    /// The output value that stands for 0.
    pub output_zero_point: i32,
    /// Lowest output.
    pub low: i32,
    /// Highest output.
    pub high: i32,
}

impl Quantisation {
    /// Outputs over the whole range of their type.
    #[must_use]
    pub const fn new(input_zero_point: i32, output_zero_point: i32) -> Self {
        Self {
            input_zero_point,
            output_zero_point,
            low: i32::MIN,
            high: i32::MAX,
        }
    }

    /// The same with outputs clamped, as by a fused ReLU6.
    #[must_use]
    pub const fn with_clamp(self, low: i32, high: i32) -> Self {
        Self { low, high, ..self }
    }

    /// Whether zero points and clamp are values of inputs `T` and outputs `O`. A clamp of the whole `i32` stands for
    /// none.
    ///
    /// # Errors
    ///
    /// [`Error::Quantisation`] for a value outside its type, [`Error::Clamp`] for a clamp that ends before it begins.
    pub const fn check<T: Activation, O: Activation>(&self) -> Result<(), Error> {
        attempt!(check_input::<T>(self));
        attempt!(check_clamp(self));
        check_output::<O>(self)
    }

    /// The output for a sum of products and bias: `clamp(round(sum · scale) + output_zero_point, low, high)`, within
    /// `O`. Never panics.
    ///
    /// ```
    /// use conv_core::quantised::Quantisation;
    /// use conv_core::requantise::{Double, Multiplier};
    ///
    /// let quantisation = Quantisation::new(0, 3).with_clamp(0, 100);
    /// let half = Multiplier::from_scale(0.5).unwrap();
    /// assert_eq!(quantisation.requantise::<Double, i8>(21, half), 14); // 10.5, rounded up, plus 3
    /// assert_eq!(quantisation.requantise::<Double, i8>(1000, half), 100);
    /// ```
    pub fn requantise<R: Rounding, O: Activation>(
        &self,
        sum: R::Accumulator,
        scale: R::Scale,
    ) -> O {
        let low = Ord::max(self.low, O::LEAST);
        let high = Ord::min(self.high, O::GREATEST);
        O::saturated(R::requantise(sum, scale, self.output_zero_point, low, high))
    }
}

/// Activations: `i8`, `u8` and `i16`.
pub trait Activation: Element + Into<i32> {
    /// The least value.
    const LEAST: i32;
    /// The greatest value.
    const GREATEST: i32;

    /// The value, saturated.
    fn saturated(value: i32) -> Self;
}

macro_rules! activations {
    ($($activation:ty),*) => {$(
        impl Activation for $activation {
            const LEAST: i32 = Self::MIN as i32;
            const GREATEST: i32 = Self::MAX as i32;

            #[inline]
            fn saturated(value: i32) -> Self {
                Ord::min(Ord::max(value, Self::LEAST), Self::GREATEST) as Self
            }
        }
    )*};
}
activations!(i8, u8, i16);

/// Weights of 4 bits, two to a byte, the first in the low half: TFLite's packed int4.
///
/// ```
/// use conv_core::quantised::Int4;
///
/// let weights = Int4::new(&[0x2f, 0x08], 3).unwrap();
/// assert!(weights.iter().eq([-1, 2, -8]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Int4<'a> {
    bytes: &'a [u8],
    count: usize,
}

impl<'a> Int4<'a> {
    /// `count` weights in `⌈count/2⌉` bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] for another number of bytes.
    pub const fn new(bytes: &'a [u8], count: usize) -> Result<Self, Error> {
        if bytes.len() != count.div_ceil(2) {
            return Err(Error::Elements {
                buffer: Buffer::Kernel,
                expected: count.div_ceil(2),
                found: bytes.len(),
            });
        }
        Ok(Self { bytes, count })
    }

    /// The weights in order, each in −8..=7.
    pub fn iter(&self) -> impl Iterator<Item = i8> {
        self.part(0, self.count)
    }
}

impl<'a> Weights for Int4<'a> {
    type Element = i8;

    #[inline]
    fn part(self, start: usize, length: usize) -> impl Iterator<Item = i8> {
        (start..start.wrapping_add(length)).map_while(move |index| {
            let byte = *self.bytes.get(index / 2)?;
            // The half moved to the top, then down with its sign.
            Some(
                if index % 2 == 0 {
                    (byte << 4) as i8
                } else {
                    byte as i8
                } >> 4,
            )
        })
    }
}

/// A quantised kernel: `&[i8]` or [`Int4`]. Sealed.
pub trait QuantWeights: Weights<Element = i8> {
    /// Largest magnitude of a weight.
    const MAGNITUDE: u64;

    /// Number of weights.
    fn count(self) -> usize;
}

impl QuantWeights for &[i8] {
    const MAGNITUDE: u64 = 128;

    fn count(self) -> usize {
        self.len()
    }
}

impl QuantWeights for Int4<'_> {
    const MAGNITUDE: u64 = 8;

    fn count(self) -> usize {
        self.count
    }
}

/// Accumulators of quantised layers, `i32` and `i64`. Sealed through [`Element`].
pub trait Accumulate: Element + From<i32> + Into<i64> {
    /// The greatest value.
    const GREATEST: u64;

    /// `self + (input − zero_point)·weight`. Wraps; the operations prove that nothing does.
    #[must_use]
    fn add_product(self, difference: i32, weight: i8) -> Self;

    /// `self + other`. Wraps; the operations prove that nothing does.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

macro_rules! accumulate {
    ($($accumulator:ty),*) => {$(
        impl Accumulate for $accumulator {
            const GREATEST: u64 = Self::MAX as u64;

            #[inline]
            fn add_product(self, difference: i32, weight: i8) -> Self {
                self.wrapping_add(Self::from(difference.wrapping_mul(i32::from(weight))))
            }

            #[inline]
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
        }
    )*};
}
accumulate!(i32, i64);

/// `(input − zero_point) · weight`.
#[derive(Clone, Copy)]
struct Offset {
    zero_point: i32,
}

impl<T: Activation, A: Accumulate> Product<T, i8, A> for Offset {
    #[inline]
    fn add_to(self, accumulator: A, input: T, weight: i8) -> A {
        accumulator.add_product(input.into().wrapping_sub(self.zero_point), weight)
    }
}

/// Everything of a layer but its weights, for the run-time form.
#[derive(Clone, Copy, Debug)]
pub struct Requantisation<'a, R: Rounding> {
    /// Added to the sums, one for each output channel; `None` is 0.
    pub bias: Option<&'a [R::Accumulator]>,
    /// From sums to outputs: one for each output channel, or one for all.
    pub scales: &'a [R::Scale],
    /// Zero points and clamp.
    pub quantisation: Quantisation,
}

/// The last step of a quantised layer.
struct Requantise<'a, R: Rounding, O> {
    requantisation: &'a Requantisation<'a, R>,
    /// What windows inside the input owe for the input's zero point: `−zero_point·Σweight` of each channel.
    correction: Option<&'a [i32]>,
    output: PhantomData<O>,
}

impl<R, O> Finish for Requantise<'_, R, O>
where
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    type Accumulator = R::Accumulator;
    type Output = O;
    const CHANNELS: Channels = Channels::AtRunTime;

    fn finish(&self, channel: usize, accumulator: R::Accumulator) -> O {
        let Requantisation {
            bias,
            scales,
            quantisation,
        } = self.requantisation;
        let bias = bias.and_then(|bias| bias.get(channel).copied());
        let correction = self.correction.and_then(|sums| sums.get(channel).copied());
        let sum = accumulator
            .plus(bias.unwrap_or(R::Accumulator::ZERO))
            .plus(R::Accumulator::from(correction.unwrap_or(0)));
        let Some(&scale) = scales.get(channel).or(scales.first()) else {
            return O::saturated(quantisation.output_zero_point);
        };
        quantisation.requantise::<R, O>(sum, scale)
    }
}

/// Which quantised operation, and how its kernel is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantOperation {
    /// Direct, kernel O H W I/g.
    Conv,
    /// Depthwise, kernel H W O.
    Depthwise,
    /// Transposed, kernel O H W I/g of its own channels: it writes C's input channels.
    ConvTranspose,
}

impl QuantOperation {
    pub(crate) const fn operation(self) -> Operation {
        match self {
            Self::Conv => Operation::CONV,
            Self::Depthwise => Operation::DEPTHWISE,
            Self::ConvTranspose => {
                Operation::new(Direction::Transposed, KernelLayout::InputSpatialOutput)
            }
        }
    }
}

/// The kernel array of a quantised layer: `[[[[i8; CI]; KW]; KH]; CO]`, depthwise `[[[i8; C]; KW]; KH]`, pointwise or
/// fully connected `[[i8; CI]; CO]`, or the packed forms [`Int4Kernel`] and [`Int4Depthwise`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the kernel of a quantised layer",
    note = "it is `[[[[i8; CI]; KW]; KH]; CO]`, depthwise `[[[i8; C]; KW]; KH]`, or packed by `Int4Kernel` or `Int4Depthwise`"
)]
pub trait QuantKernel {
    /// Number of rows of taps.
    const HEIGHT: usize;
    /// Number of columns of taps.
    const WIDTH: usize;
    /// Input channels of a group of the layer.
    const INPUT_CHANNELS: usize;
    /// Output channels of the layer.
    const OUTPUT_CHANNELS: usize;

    /// The weights in memory order.
    fn weights(&self) -> impl QuantWeights;
}

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize> QuantKernel
    for [[[[i8; CI]; KW]; KH]; CO]
{
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened().as_flattened().as_flattened()
    }
}

impl<const C: usize, const KW: usize, const KH: usize> QuantKernel for [[[i8; C]; KW]; KH] {
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = C;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened().as_flattened()
    }
}

/// The kernel of a fully connected layer, and of a pointwise one.
impl<const CI: usize, const CO: usize> QuantKernel for [[i8; CI]; CO] {
    const HEIGHT: usize = 1;
    const WIDTH: usize = 1;
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened()
    }
}

/// A kernel of 4-bit weights, packed: the shape of `[[[[i8; CI]; KW]; KH]; CO]` in `BYTES = ⌈CI·KW·KH·CO/2⌉` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Int4Kernel<
    const CI: usize,
    const KW: usize,
    const KH: usize,
    const CO: usize,
    const BYTES: usize,
>(
    /// The weights in memory order, the first of two in the low half of a byte.
    pub [u8; BYTES],
);

/// A depthwise kernel of 4-bit weights, packed: the shape of `[[[i8; C]; KW]; KH]` in `BYTES = ⌈C·KW·KH/2⌉` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Int4Depthwise<const C: usize, const KW: usize, const KH: usize, const BYTES: usize>(
    /// The weights in memory order, the first of two in the low half of a byte.
    pub [u8; BYTES],
);

const fn assert_packed(weights: usize, bytes: usize) {
    if bytes != weights.div_ceil(2) {
        let error = Error::Elements {
            buffer: Buffer::Kernel,
            expected: weights.div_ceil(2),
            found: bytes,
        };
        error.stop_the_build()
    }
}

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize, const BYTES: usize>
    QuantKernel for Int4Kernel<CI, KW, KH, CO, BYTES>
{
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;

    fn weights(&self) -> impl QuantWeights {
        const { assert_packed(CI * KW * KH * CO, BYTES) };
        Int4 {
            bytes: &self.0,
            count: CI * KW * KH * CO,
        }
    }
}

impl<const C: usize, const KW: usize, const KH: usize, const BYTES: usize> QuantKernel
    for Int4Depthwise<C, KW, KH, BYTES>
{
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = C;

    fn weights(&self) -> impl QuantWeights {
        const { assert_packed(C * KW * KH, BYTES) };
        Int4 {
            bytes: &self.0,
            count: C * KW * KH,
        }
    }
}

/// Contracts with 32-bit accumulators: [`Double`](crate::requantise::Double), [`Single`](crate::requantise::Single)
/// and [`HalfEven`](crate::requantise::HalfEven).
pub trait Contract32: Rounding<Accumulator = i32> {}
impl<R: Rounding<Accumulator = i32>> Contract32 for R {}

/// Which operation a layer is: [`Conv`], [`Depthwise`] or [`ConvTranspose`].
pub trait LayerKind {
    /// The operation.
    const OPERATION: QuantOperation;
}

/// Direct layers, see [`QuantConv2d`].
#[derive(Clone, Copy, Debug)]
pub struct Conv;

/// Depthwise layers, see [`QuantDepthwise2d`].
#[derive(Clone, Copy, Debug)]
pub struct Depthwise;

/// Transposed layers, see [`QuantConvTranspose2d`].
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose;

/// Fully connected layers, see [`QuantFullyConnected`].
#[derive(Clone, Copy, Debug)]
pub struct FullyConnected;

impl LayerKind for Conv {
    const OPERATION: QuantOperation = QuantOperation::Conv;
}

impl LayerKind for Depthwise {
    const OPERATION: QuantOperation = QuantOperation::Depthwise;
}

impl LayerKind for ConvTranspose {
    const OPERATION: QuantOperation = QuantOperation::ConvTranspose;
}

/// A direct quantised layer. See the [module](self).
pub type QuantConv2d<M, T, K, R, const CO: usize> = QuantLayer2d<Conv, M, T, K, R, CO>;

/// A depthwise quantised layer, its kernel `[[[i8; CO]; KW]; KH]`; output channel `c·m + i` reads input channel `c`.
pub type QuantDepthwise2d<M, T, K, R, const CO: usize> = QuantLayer2d<Depthwise, M, T, K, R, CO>;

/// A transposed quantised layer, its kernel `[[[[i8; CI]; KW]; KH]; CO]` in *its own* channels, TFLite's order.
pub type QuantConvTranspose2d<M, T, K, R, const CO: usize> =
    QuantLayer2d<ConvTranspose, M, T, K, R, CO>;

/// A fully connected quantised layer, its kernel `[[i8; CI]; CO]` or [`Int4Kernel`]`<CI, 1, 1, CO, BYTES>`: every output
/// sums over all elements of the input in memory order, whatever its shape.
///
/// ```
/// use conv_core::quantised::{QuantFullyConnected, Quantisation};
/// use conv_core::requantise::{Double, Multiplier};
///
/// static SCORES: QuantFullyConnected<i8, [[i8; 4]; 2], Double, 2> = QuantFullyConnected::new(
///     [[1, 1, 1, 1], [4, 0, 0, -4]],
///     [0, 20],
///     [Multiplier::from_scale(0.5).unwrap(); 2],
///     Quantisation::new(-1, 0),
/// );
///
/// let features = [[[9_i8, 7]; 2]; 1]; // 1×2 pixels of 2 channels
/// let mut scores = [0_i8; 2];
/// SCORES.run(&features, &mut scores);
/// assert_eq!(scores, [18, 14]); // (10 + 8 + 10 + 8)/2 and (40 − 32 + 20)/2
/// ```
pub type QuantFullyConnected<T, K, R, const CO: usize> =
    QuantLayer2d<FullyConnected, Whole, T, K, R, CO>;

crate::window2d! {
    /// The window of a fully connected layer: all of its input, as the channels of one pixel.
    #[derive(Clone, Copy, Debug)]
    pub struct Whole: stride 1
}

/// A quantised layer of geometry `M`, inputs `T`, kernel `K` and rounding `R` with `CO` output channels, ready in
/// flash. Made as [`QuantConv2d`], [`QuantDepthwise2d`], [`QuantConvTranspose2d`] or [`QuantFullyConnected`].
#[derive(Clone, Copy, Debug)]
pub struct QuantLayer2d<Kind, M, T, K, R: Rounding, const CO: usize> {
    kernel: K,
    bias: [R::Accumulator; CO],
    scales: [R::Scale; CO],
    correction: [i32; CO],
    quantisation: Quantisation,
    types: Types<Kind, M, T>,
}

/// What a layer names and does not hold.
type Types<Kind, M, T> = PhantomData<fn() -> (Kind, M, T)>;

/// Weights in a constant: there, traits cannot be called.
#[derive(Clone, Copy)]
enum Stored<'a> {
    Bytes(&'a [i8]),
    Nibbles(Int4<'a>),
}

impl Stored<'_> {
    const fn count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Nibbles(weights) => weights.count,
        }
    }

    const fn get(&self, index: usize) -> i64 {
        match self {
            Self::Bytes(bytes) => bytes[index] as i64,
            Self::Nibbles(weights) => nibble(weights.bytes[index / 2], index) as i64,
        }
    }

    /// Sum and sum of magnitudes of the weights of output channel `channel`.
    const fn sums(&self, operation: QuantOperation, channel: usize, channels: usize) -> (i64, u64) {
        let (mut index, step, end) = match operation {
            QuantOperation::Depthwise => (channel, channels, self.count()),
            QuantOperation::Conv | QuantOperation::ConvTranspose => {
                let length = self.count() / channels;
                (channel * length, 1, (channel + 1) * length)
            }
        };
        let (mut sum, mut magnitude) = (0, 0);
        while index < end {
            sum += self.get(index);
            magnitude += self.get(index).unsigned_abs();
            index += step;
        }
        (sum, magnitude)
    }

    /// `−zero_point·Σweight` of each channel, with the proof that no accumulator overflows.
    const fn prepared<T: Activation, const CO: usize>(
        &self,
        operation: QuantOperation,
        quantisation: &Quantisation,
        bias: [u64; CO],
        greatest: u64,
    ) -> Result<[i32; CO], Error> {
        attempt!(check_input::<T>(quantisation));
        attempt!(check_clamp(quantisation));
        let zero_point = quantisation.input_zero_point;
        let reach = reach::<T>(zero_point);
        let mut corrections = [0; CO];
        let mut channel = 0;
        while channel < CO {
            let (sum, magnitude) = self.sums(operation, channel, CO);
            attempt!(check_sum(magnitude, reach, bias[channel], greatest));
            let correction = -(zero_point as i64) * sum;
            // |zero point| ≤ reach, so that only 64-bit accumulators leave anything to check.
            if correction < i32::MIN as i64 || correction > i32::MAX as i64 {
                return Err(Error::WeightSum {
                    sum: magnitude,
                    limit: i32::MAX as u64 / zero_point.unsigned_abs() as u64,
                });
            }
            corrections[channel] = correction as i32;
            channel += 1;
        }
        Ok(corrections)
    }
}

/// The 4-bit weight number `index` from its byte, moved to the top, then down with its sign.
const fn nibble(byte: u8, index: usize) -> i8 {
    let top = if index.is_multiple_of(2) {
        byte << 4
    } else {
        byte
    };
    top as i8 >> 4
}

/// A constructor for one kernel type and accumulator: constants need concrete types.
macro_rules! constructor {
    (
        $(#[$doc:meta])* $name:ident: $kind:ty, $operation:ident, [$($extent:ident),*], $kernel:ty,
        [$($rounding:ident: $bound:path)?] $contract:ty, $accumulator:ty,
        |$k:ident| $stored:expr
    ) => {
        impl<M, T, $($rounding: $bound,)? $(const $extent: usize),*>
            QuantLayer2d<$kind, M, T, $kernel, $contract, CO>
        where
            T: Activation,
        {
            $(#[$doc])*
            ///
            /// # Panics
            ///
            /// In a constant, that is at compile time, where the input's zero point is not a value of `T`, the clamp's
            /// bounds are the wrong way round, or weights and biases could overflow the accumulator.
            #[must_use]
            pub const fn $name(
                kernel: $kernel,
                bias: [$accumulator; CO],
                scales: [<$contract as Rounding>::Scale; CO],
                quantisation: Quantisation,
            ) -> Self {
                let $k = &kernel;
                let stored: Stored<'_> = $stored;
                let mut magnitudes = [0; CO];
                let mut channel = 0;
                while channel < CO {
                    magnitudes[channel] = bias[channel].unsigned_abs() as u64;
                    channel += 1;
                }
                let greatest = <$accumulator as Accumulate>::GREATEST;
                match stored.prepared::<T, CO>(
                    QuantOperation::$operation,
                    &quantisation,
                    magnitudes,
                    greatest,
                ) {
                    Ok(correction) => Self {
                        kernel,
                        bias,
                        scales,
                        correction,
                        quantisation,
                        types: PhantomData,
                    },
                    Err(error) => error.stop_the_build(),
                }
            }
        }
    };
}

/// The three constructors of a kind of layer.
macro_rules! constructors {
    (
        $kind:ty, $operation:ident, [$($extent:ident),*],
        $array:ty, |$k:ident| $flat:expr, $packed:ty, $count:expr
    ) => {
        constructor! {
            /// A layer with these weights, and a bias and a scale for each output channel.
            new: $kind, $operation, [$($extent),*], $array, [R: Contract32] R, i32, |$k| Stored::Bytes($flat)
        }
        constructor! {
            /// A layer with weights of 4 bits, two to a byte.
            packed: $kind, $operation, [$($extent,)* BYTES], $packed, [R: Contract32] R, i32, |$k| {
                assert_packed($count, BYTES);
                Stored::Nibbles(Int4 { bytes: &$k.0, count: $count })
            }
        }
        constructor! {
            /// A layer with 64-bit biases and accumulators, for `i16` activations.
            wide: $kind, $operation, [$($extent),*], $array, [] Wide, i64, |$k| Stored::Bytes($flat)
        }
    };
}
constructors! {
    Conv, Conv, [CI, KW, KH, CO], [[[[i8; CI]; KW]; KH]; CO],
    |kernel| kernel.as_flattened().as_flattened().as_flattened(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    ConvTranspose, ConvTranspose, [CI, KW, KH, CO], [[[[i8; CI]; KW]; KH]; CO],
    |kernel| kernel.as_flattened().as_flattened().as_flattened(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    Depthwise, Depthwise, [CO, KW, KH], [[[i8; CO]; KW]; KH],
    |kernel| kernel.as_flattened().as_flattened(),
    Int4Depthwise<CO, KW, KH, BYTES>, CO * KW * KH
}

constructors! {
    FullyConnected, Conv, [CI, CO], [[i8; CI]; CO], |kernel| kernel.as_flattened(),
    Int4Kernel<CI, 1, 1, CO, BYTES>, CI * CO
}

impl<T, K, R, const CO: usize> QuantFullyConnected<T, K, R, CO>
where
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    /// Runs the layer. Another number of elements than the kernel has inputs, or outputs, does not compile. Never
    /// panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Array<Element = T>,
        O: Array,
        O::Element: Activation,
    {
        let plan = const { &plan_2d::<Conv, Whole, K>(pixel(I::ELEMENTS), pixel(O::ELEMENTS)) };
        self.run_plan(
            QuantOperation::Conv,
            plan,
            input.elements(),
            output.elements_mut(),
        );
    }
}

/// One pixel with so many channels.
const fn pixel(channels: usize) -> Shape<2> {
    Shape {
        extents: [1, 1],
        channels,
    }
}

impl<Kind, M, T, K, R, const CO: usize> QuantLayer2d<Kind, M, T, K, R, CO>
where
    Kind: LayerKind,
    M: Window2d,
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    /// Runs the layer. Extents that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Image<Element = T>,
        O: Image,
        O::Element: Activation,
    {
        let plan = const {
            &plan_2d::<Kind, M, K>(
                Shape {
                    extents: [I::HEIGHT, I::WIDTH],
                    channels: I::CHANNELS,
                },
                Shape {
                    extents: [O::HEIGHT, O::WIDTH],
                    channels: O::CHANNELS,
                },
            )
        };
        self.run_plan(
            Kind::OPERATION,
            plan,
            input.elements(),
            output.elements_mut(),
        );
    }
}

impl<Kind, M, T, K, R, const CO: usize> QuantLayer2d<Kind, M, T, K, R, CO>
where
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    /// The layer over buffers that have the lengths of the plan.
    pub(crate) fn run_plan<O: Activation>(
        &self,
        operation: QuantOperation,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
    ) {
        let requantisation = Requantisation {
            bias: Some(&self.bias),
            scales: &self.scales,
            quantisation: self.quantisation,
        };
        let mut pass = |pixels, correction| {
            let finish = Requantise::<R, O> {
                requantisation: &requantisation,
                correction,
                output: PhantomData,
            };
            let kernel = self.kernel.weights();
            let finish = &finish;
            match pixels {
                Pixels::Interior => Operands {
                    product: Plain,
                    input,
                    kernel,
                    finish,
                }
                .run(plan, pixels, output),
                Pixels::Border | Pixels::All => Operands {
                    product: Offset {
                        zero_point: self.quantisation.input_zero_point,
                    },
                    input,
                    kernel,
                    finish,
                }
                .run(plan, pixels, output),
            }
        };
        match operation {
            // Windows inside the input: the zero point's share is known beforehand.
            QuantOperation::Conv | QuantOperation::Depthwise => {
                pass(Pixels::Interior, Some(&self.correction));
                pass(Pixels::Border, None);
            }
            // Which taps meet depends on the phase.
            QuantOperation::ConvTranspose => pass(Pixels::All, None),
        }
    }
}

/// The plan of a typed layer, at compile time.
pub(crate) const fn plan_2d<Kind, M, K>(source: Shape<2>, target: Shape<2>) -> Plan
where
    Kind: LayerKind,
    M: Window2d + ?Sized,
    K: QuantKernel,
{
    let settings = Settings {
        windows: [M::HEIGHT, M::WIDTH],
        groups: M::GROUPS,
        orientation: M::ORIENTATION,
    };
    let operation = Kind::OPERATION.operation();
    // Named from the direct side, whose input channels a transposed layer writes.
    let (input_channels, output_channels) = match Kind::OPERATION {
        QuantOperation::ConvTranspose => (
            K::OUTPUT_CHANNELS / M::GROUPS,
            K::INPUT_CHANNELS * M::GROUPS,
        ),
        _ => (K::INPUT_CHANNELS, K::OUTPUT_CHANNELS),
    };
    let kernel = KernelShape {
        extents: [K::HEIGHT, K::WIDTH],
        input_channels,
        output_channels,
        layout: operation.layout(),
    };
    match settings.geometry(operation.direction(), source, kernel, target) {
        Ok(geometry) => operation.plan(&geometry),
        Err(error) => error.stop_the_build(),
    }
}

impl<const D: usize> Geometry<D>
where
    Self: Planar,
{
    /// A quantised layer at run-time extents: `output = clamp(round((Σ(input − zero point)·weight + bias)·scale) +
    /// output zero point)`.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] or [`Error::Extent`] naming a buffer of the wrong length, [`Error::Quantisation`] for a
    /// zero point or clamp outside its type, [`Error::Clamp`] for one that ends before it begins, [`Error::WeightSum`] where taps and biases could overflow,
    /// [`Error::DepthwiseGroups`]. The output is then untouched.
    pub fn quantised<T, K, R, O>(
        &self,
        operation: QuantOperation,
        input: &[T],
        kernel: K,
        output: &mut [O],
        requantisation: &Requantisation<'_, R>,
    ) -> Result<(), Error>
    where
        T: Activation,
        K: QuantWeights,
        R: Rounding,
        R::Accumulator: Accumulate,
        O: Activation,
    {
        let operation = operation.operation();
        let lengths = [input.len(), kernel.count(), output.len()];
        self.check_quantised::<T, K, R, O>(operation, lengths, requantisation)?;
        let finish = Requantise {
            requantisation,
            correction: None,
            output: PhantomData,
        };
        let operands = Operands {
            product: Offset {
                zero_point: requantisation.quantisation.input_zero_point,
            },
            input,
            kernel,
            finish: &finish,
        };
        operands.run(&operation.planar_plan(self), Pixels::All, output);
        Ok(())
    }

    /// Everything that can be wrong with a layer. Never inlined: its stack is free again when the layer runs.
    #[inline(never)]
    fn check_quantised<T, K, R, O>(
        &self,
        operation: Operation,
        [input, kernel, output]: [usize; 3],
        requantisation: &Requantisation<'_, R>,
    ) -> Result<(), Error>
    where
        T: Activation,
        K: QuantWeights,
        R: Rounding,
        R::Accumulator: Accumulate,
        O: Activation,
    {
        let bias = requantisation.bias;
        operation.check_map(self, bias.map(<[R::Accumulator]>::len))?;
        operation.check_lengths(self, input, kernel, output)?;
        let (channels, found) = (operation.target_channels(self), requantisation.scales.len());
        if found != 1 && found != channels {
            return Err(Error::Extent {
                buffer: Buffer::Scales,
                dimension: Dimension::Channels,
                expected: channels,
                found,
            });
        }
        requantisation.quantisation.check::<T, O>()?;
        let largest_bias = bias
            .unwrap_or_default()
            .iter()
            .map(|&bias| bias.into().unsigned_abs());
        check_sum(
            operation.taps(self).saturating_mul(K::MAGNITUDE),
            reach::<T>(requantisation.quantisation.input_zero_point),
            largest_bias.max().unwrap_or(0),
            R::Accumulator::GREATEST,
        )
    }
}

const fn check_clamp(given: &Quantisation) -> Result<(), Error> {
    let &Quantisation { low, high, .. } = given;
    if low > high {
        return Err(Error::Clamp { low, high });
    }
    Ok(())
}

const fn check_input<T: Activation>(given: &Quantisation) -> Result<(), Error> {
    if given.input_zero_point < T::LEAST || given.input_zero_point > T::GREATEST {
        return Err(Error::Quantisation {
            buffer: Buffer::Input,
            least: T::LEAST,
            greatest: T::GREATEST,
            found: given.input_zero_point,
        });
    }
    Ok(())
}

const fn check_output<O: Activation>(given: &Quantisation) -> Result<(), Error> {
    let values = [
        given.output_zero_point,
        if given.low == i32::MIN {
            O::LEAST
        } else {
            given.low
        },
        if given.high == i32::MAX {
            O::GREATEST
        } else {
            given.high
        },
    ];
    let mut index = 0;
    while index < values.len() {
        if values[index] < O::LEAST || values[index] > O::GREATEST {
            return Err(Error::Quantisation {
                buffer: Buffer::Output,
                least: O::LEAST,
                greatest: O::GREATEST,
                found: values[index],
            });
        }
        index += 1;
    }
    Ok(())
}

/// Largest `|input − zero_point|` of an input `T`.
///
/// ```
/// assert_eq!(conv_core::quantised::reach::<i8>(-128), 255);
/// ```
#[must_use]
pub const fn reach<T: Activation>(zero_point: i32) -> u64 {
    let below = (zero_point as i64 - T::LEAST as i64).unsigned_abs();
    let above = (T::GREATEST as i64 - zero_point as i64).unsigned_abs();
    if below > above { below } else { above }
}

/// Whether `weights·reach + bias` fits the accumulator; `weights` is a bound of the sum of their magnitudes.
const fn check_sum(weights: u64, reach: u64, bias: u64, greatest: u64) -> Result<(), Error> {
    let room = greatest.saturating_sub(bias);
    let limit = match room.checked_div(reach) {
        Some(limit) => limit,
        None => u64::MAX,
    };
    if bias > greatest || weights > limit {
        return Err(Error::WeightSum {
            sum: weights,
            limit,
        });
    }
    Ok(())
}
