//! Quantised layers, as TFLite defines them: integers with a scale and a zero point.
//!
//! ```text
//! acc[c]    = Σ (input − input_zero_point) · weight + bias[c]           padded taps contribute exactly 0
//! output    = clamp(round(acc[c] · scale[c]) + output_zero_point, low, high)
//! ```
//!
//! A layer is a constant: weights, biases and multipliers go to flash. Of direct and depthwise layers `Σweight` is folded
//! in at compile time, so that windows that lie wholly inside the input multiply plain inputs by plain weights;
//! transposed ones take off the zero point as they go, since which taps meet depends on the phase. How `round` rounds is
//! a type, see [`crate::requantise`].
//!
//! | | images | signals | kernel of an image, `CO` output channels |
//! |---|---|---|---|
//! | direct, grouped | [`QuantConv2d`] | [`QuantConv1d`] | `[[[[i8; CI]; KW]; KH]; CO]` |
//! | depthwise, with a multiplier | [`QuantDepthwise2d`] | [`QuantDepthwise1d`] | `[[[i8; CO]; KW]; KH]` |
//! | transposed, grouped | [`QuantConvTranspose2d`] | [`QuantConvTranspose1d`] | `[[[[i8; CI]; KW]; KH]; CO]` |
//! | transposed depthwise | [`QuantDepthwiseTranspose2d`] | [`QuantDepthwiseTranspose1d`] | `[[[i8; C]; KW]; KH]`, `C` input channels |
//! | fully connected | [`QuantFullyConnected`] | the same | `[[i8; CI]; CO]` |
//!
//! One layer's output array is the next one's input array, so a network is a function over fixed arrays;
//! [`arena`](crate::arena) gives them memory. [`pool`](crate::pool) and [`add`](crate::add) are what else networks are
//! made of; [`stream`](crate::stream) runs layers on what arrives sample by sample or row by row.
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
//! LAYER.run(&image, &mut features, &mut LAYER.scratch());
//! // (16·100 + 100) · 0.004 + 3 and (0 − 100) · 0.004 + 3
//! assert_eq!(features[1][1], [10, 3]);
//! ```
//!
//! Inputs may be `i8`, `u8` or `i16`, weights `i8` or, packed two to a byte, `i4` ([`Int4`]). Accumulators are
//! `i32`, or `i64` with [`Wide`](crate::requantise::Wide) and [`WideHalfAway`](crate::requantise::WideHalfAway), and proven
//! not to overflow with the weights and biases given.
//!
//! `run` takes a scratch of constant size, [`QuantLayer::scratch`] or an array of words that several layers share
//! ([`scratch_bytes`](QuantLayer::scratch_bytes) says how many bytes a layer needs): at most 4 bytes for each weight of one output
//! channel on cores whose [`kernels`](crate::kernels) want it, empty elsewhere. Layers whose extents only run time knows are as fast
//! as typed ones when their weights are packed first, [`Geometry::pack_quantised`].
//!
//! A fused ReLU or ReLU6 is a clamp, [`Quantisation::with_relu6`]. A `RELU`, `RELU6` or `QUANTIZE` of its own is a depthwise
//! layer of one tap with weight 1, [`Double`](crate::requantise::Double) and the scale `s_input/s_output`. A layer without
//! bias has a bias of zeros, one with a single scale the same for each channel.
//!
//! The run-time form is [`Geometry::quantised`]. It also checks that scales are numbers from 0 up; a typed layer takes
//! them from [`Multiplier::from_scales`](crate::requantise::Multiplier::from_scales), which gives no others. The compiler adds
//! up a typed layer's weights; where they are hundreds of thousands, its lint `long_running_const_eval` may ask whether
//! that is meant, and `#[allow(long_running_const_eval)]` on the `static` says so.

mod kernel;
mod layer;
mod packed;
mod prepared;

use core::marker::PhantomData;

use crate::axis::attempt;
use crate::dot::{Product, Weights};
use crate::dynamic::{Operation, Planar, length};
use crate::element::Element;
use crate::engine::{Direction, Operands, Pixels, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::{Channels, Finish};
use crate::geometry::{Geometry, KernelLayout};
use crate::requantise::Rounding;

pub use crate::arch::{ColumnScratch, NoScratch, PhaseScratch, Scratch};
pub use kernel::{Int4Depthwise, Int4Kernel, QuantKernel};
pub(crate) use layer::resolved;
pub use layer::{
    Contract32, Conv, ConvTranspose, Depthwise, DepthwiseTranspose, FullyConnected, LayerKind,
    QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d, QuantDepthwise1d,
    QuantDepthwise2d, QuantDepthwiseTranspose1d, QuantDepthwiseTranspose2d, QuantFullyConnected,
    QuantLayer, Whole,
};
use layer::{View, channels_of};
pub use packed::{PackedLayer, PackedMemory};
use prepared::{Stored, Weights as MeetingWeights};

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

    /// The same with a fused ReLU: outputs from the zero point on.
    ///
    /// ```
    /// use conv_core::quantised::Quantisation;
    ///
    /// assert_eq!(Quantisation::new(0, -7).with_relu().low, -7);
    /// ```
    #[must_use]
    pub const fn with_relu(self) -> Self {
        self.with_clamp(self.output_zero_point, i32::MAX)
    }

    /// The same with a fused ReLU6: outputs from the zero point to what stands for 6, by TFLite's rule
    /// `zero point + round(6/scale)`, half away from zero, if that is an `O`. `output_scale` is positive.
    ///
    /// ```
    /// use conv_core::quantised::Quantisation;
    ///
    /// let quantisation = Quantisation::new(0, -128).with_relu6::<i8>(0.05);
    /// assert_eq!((quantisation.low, quantisation.high), (-128, -8));
    /// assert_eq!(Quantisation::new(0, -128).with_relu6::<i8>(0.01).high, 127);
    /// ```
    #[must_use]
    pub const fn with_relu6<O: Activation>(self, output_scale: f32) -> Self {
        // The quotient is an `f32`; half of a step can be added to it without rounding in an `f64`.
        let steps = ((6.0 / output_scale) as f64 + 0.5) as i64;
        let six = steps.saturating_add(self.output_zero_point as i64);
        let high = if six < O::GREATEST as i64 {
            six as i32
        } else {
            O::GREATEST
        };
        self.with_clamp(self.output_zero_point, high)
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

    /// A value within the range of the type.
    #[doc(hidden)]
    fn narrowed(value: i32) -> Self;
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

            #[inline]
            fn narrowed(value: i32) -> Self {
                value as Self
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
            Some(nibble(byte, index))
        })
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

/// A quantised kernel: `&[i8]` or [`Int4`]. Sealed.
pub trait QuantWeights: Weights<Element = i8> {
    /// Largest magnitude of a weight.
    const MAGNITUDE: u64;

    /// Number of weights.
    fn count(self) -> usize;

    /// The weights, if each is a byte of its own; else none.
    fn bytes<'a>(self) -> &'a [i8]
    where
        Self: 'a;

    /// The weights, whichever kind they are.
    #[doc(hidden)]
    fn stored<'a>(self) -> Stored<'a>
    where
        Self: 'a;
}

impl QuantWeights for &[i8] {
    const MAGNITUDE: u64 = 128;

    fn count(self) -> usize {
        self.len()
    }

    fn bytes<'a>(self) -> &'a [i8]
    where
        Self: 'a,
    {
        self
    }

    fn stored<'a>(self) -> Stored<'a>
    where
        Self: 'a,
    {
        Stored::Bytes(self)
    }
}

impl QuantWeights for Int4<'_> {
    const MAGNITUDE: u64 = 8;

    fn count(self) -> usize {
        self.count
    }

    fn bytes<'a>(self) -> &'a [i8]
    where
        Self: 'a,
    {
        &[]
    }

    fn stored<'a>(self) -> Stored<'a>
    where
        Self: 'a,
    {
        Stored::Nibbles(self)
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

    /// Values of 32 bits as what they are, else none.
    fn narrow(values: &[Self]) -> &[i32];
}

macro_rules! accumulate {
    ($($accumulator:ty, |$values:ident| $narrow:expr;)*) => {$(
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

            #[inline]
            fn narrow($values: &[Self]) -> &[i32] {
                $narrow
            }
        }
    )*};
}
accumulate! {
    i32, |values| values;
    i64, |_values| &[];
}

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

/// The last step of a quantised layer at run time.
struct Requantise<'a, R: Rounding, O> {
    requantisation: &'a Requantisation<'a, R>,
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
        let sum = accumulator.plus(bias.unwrap_or(R::Accumulator::ZERO));
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
    /// Transposed depthwise, kernel H W O of the direct operation: it reads C's output channels.
    DepthwiseTranspose,
}

impl QuantOperation {
    pub(crate) const fn operation(self) -> Operation {
        match self {
            Self::Conv => Operation::CONV,
            Self::Depthwise => Operation::DEPTHWISE,
            Self::DepthwiseTranspose => Operation::DEPTHWISE_TRANSPOSE,
            Self::ConvTranspose => {
                Operation::new(Direction::Transposed, KernelLayout::InputSpatialOutput)
            }
        }
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
    /// zero point or clamp outside its type, [`Error::Clamp`] for one that ends before it begins,
    /// [`Error::ChannelScale`] for a scale that is negative or not finite, [`Error::WeightSum`] and [`Error::Bias`] where weights and biases could
    /// overflow, [`Error::DepthwiseGroups`]. The output is then untouched.
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
        self.check_quantised::<T, K, R, O>(operation, kernel, requantisation)?;
        let operation = operation.operation();
        operation.check_buffers(self, input.len(), output.len())?;
        let plan = operation.planar_plan(self);
        run_quantised(&plan, input, kernel, output, requantisation);
        Ok(())
    }

    /// Everything that can be wrong with a layer but the lengths of input and output. Never inlined: its stack is free
    /// again when the layer runs.
    #[inline(never)]
    pub(crate) fn check_quantised<T, K, R, O>(
        &self,
        operation: QuantOperation,
        kernel: K,
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
        let resolved = operation.operation();
        resolved.check_map(self, bias.map(<[R::Accumulator]>::len))?;
        length(Buffer::Kernel, self.kernel_elements(), kernel.count())?;
        let (channels, found) = (resolved.target_channels(self), requantisation.scales.len());
        if found != 1 && found != channels {
            return Err(Error::Extent {
                buffer: Buffer::Scales,
                dimension: Dimension::Channels,
                expected: channels,
                found,
            });
        }
        check_scales::<R>(requantisation.scales)?;
        requantisation.quantisation.check::<T, O>()?;
        let value = |&bias: &R::Accumulator| -> i64 { bias.into() };
        let magnitudes = bias.unwrap_or_default().iter().map(value);
        // Of i64::MIN the magnitude is one more, and so is the room for it.
        let largest_bias = magnitudes.map(i64::saturating_abs).max();
        let reach = reach::<T>(requantisation.quantisation.input_zero_point);
        // However large the weights are; where that is too much, with the weights there are.
        let most = resolved.taps(self).saturating_mul(K::MAGNITUDE);
        if check_sum(
            0,
            most,
            reach,
            largest_bias.unwrap_or(0),
            R::Accumulator::GREATEST,
        )
        .is_ok()
        {
            return Ok(());
        }
        let weights = MeetingWeights {
            stored: kernel.stored(),
            operation,
            axes: *self.planar().axes(),
        };
        (0..channels).try_for_each(|channel| {
            let bias = bias.and_then(|bias| bias.get(channel)).map_or(0, value);
            let sum = weights.magnitude(channel, channels);
            check_sum(channel, sum, reach, bias, R::Accumulator::GREATEST)
        })
    }
}

/// A layer over buffers that have the lengths of the plan.
pub(crate) fn run_quantised<T, K, R, O>(
    plan: &Plan,
    input: &[T],
    kernel: K,
    output: &mut [O],
    requantisation: &Requantisation<'_, R>,
) where
    T: Activation,
    K: QuantWeights,
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    let finish = Requantise {
        requantisation,
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
    operands.run(plan, Pixels::All, output);
}

/// Whether every scale is a finite number of at least 0.
///
/// ```
/// use conv_core::Error;
/// use conv_core::quantised::check_scales;
/// use conv_core::requantise::HalfEven;
///
/// assert_eq!(check_scales::<HalfEven>(&[0.5, f32::NAN]), Err(Error::ChannelScale { channel: 1 }));
/// ```
///
/// # Errors
///
/// [`Error::ChannelScale`] naming the first that is not.
pub fn check_scales<R: Rounding>(scales: &[R::Scale]) -> Result<(), Error> {
    match scales.iter().position(|&scale| !R::is_scale(scale)) {
        Some(channel) => Err(Error::ChannelScale { channel }),
        None => Ok(()),
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

/// Whether the sums of a channel, `±weights·reach + bias`, fit the accumulator, whose values are `−greatest − 1..=greatest`;
/// `weights` is a bound of the sum of their magnitudes.
const fn check_sum(
    channel: usize,
    weights: u64,
    reach: u64,
    bias: i64,
    greatest: u64,
) -> Result<(), Error> {
    let products = weights.saturating_mul(reach);
    if products > greatest {
        let limit = greatest / if reach > 0 { reach } else { 1 };
        return Err(Error::WeightSum {
            sum: weights,
            limit,
        });
    }
    // With a bias below 0 the other end of the sums is nearer to 0.
    let limit = greatest - products + (bias < 0) as u64;
    if bias.unsigned_abs() > limit {
        return Err(Error::Bias {
            channel,
            found: bias,
            limit,
        });
    }
    Ok(())
}
