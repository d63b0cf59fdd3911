//! Typed layers: a kernel, biases, scales and zero points as one constant in flash.

use core::marker::PhantomData;

use crate::arch::order::Order;
use crate::arch::{self, NoScratch, Scratch};
use crate::axis::{Axis, Window, quotient_up};
use crate::dot::Plain;
use crate::dynamic::Operation;
use crate::element::{Element, Multiply};
use crate::engine::{Operands, Pixels, Plan};
use crate::error::Error;
use crate::finish::{Channels, Finish};
use crate::geometry::Geometry;
use crate::message::Message;
#[cfg(not(conv_arch = "portable"))]
use crate::quantised::QuantWeights;
use crate::quantised::kernel::{Int4Depthwise, Int4Kernel, QuantKernel, assert_packed};
use crate::quantised::prepared::{Stored, Weights};
use crate::quantised::{
    Accumulate, Activation, Offset, QuantOperation, Quantisation, Requantisation, reach,
};
use crate::requantise::Rounding;
use crate::shape::{Array, Image, Signal};
use crate::typed::{self, KernelShape, Settings, Shape};
use crate::window::{self, Window1d, Window2d};

/// Contracts with 32-bit accumulators: [`Double`](crate::requantise::Double), [`Single`](crate::requantise::Single),
/// [`HalfAway`](crate::requantise::HalfAway), [`HalfEven`](crate::requantise::HalfEven) and
/// [`FloatHalfEven`](crate::requantise::FloatHalfEven).
pub trait Contract32: Rounding<Accumulator = i32> {}
impl<R: Rounding<Accumulator = i32>> Contract32 for R {}

/// Contracts with 64-bit accumulators: [`Wide`](crate::requantise::Wide), [`WideDouble`](crate::requantise::WideDouble) and
/// [`WideHalfAway`](crate::requantise::WideHalfAway).
pub trait Contract64: Rounding<Accumulator = i64> {}
impl<R: Rounding<Accumulator = i64>> Contract64 for R {}

/// Which operation a layer is: [`Conv`], [`Depthwise`], [`ConvTranspose`] or [`DepthwiseTranspose`].
pub trait LayerKind {
    /// The operation.
    const OPERATION: QuantOperation;
    /// What it needs while it runs.
    type Scratch<K: QuantKernel<D>, const D: usize>: Scratch;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $scratch:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $kind;

        impl LayerKind for $kind {
            const OPERATION: QuantOperation = QuantOperation::$kind;
            type Scratch<K: QuantKernel<D>, const D: usize> = $scratch;
        }
    )*};
}
kinds! {
    /// Direct layers, see [`QuantConv2d`] and [`QuantConv1d`].
    Conv, K::Columns;
    /// Depthwise layers, see [`QuantDepthwise2d`] and [`QuantDepthwise1d`].
    Depthwise, NoScratch;
    /// Transposed layers, see [`QuantConvTranspose2d`] and [`QuantConvTranspose1d`].
    ConvTranspose, K::Phases;
    /// Transposed depthwise layers, see [`QuantDepthwiseTranspose2d`] and [`QuantDepthwiseTranspose1d`].
    DepthwiseTranspose, NoScratch;
}

/// Fully connected layers, see [`QuantFullyConnected`].
#[derive(Clone, Copy, Debug)]
pub struct FullyConnected;

/// A direct quantised layer on images. See the [module](crate::quantised).
///
/// A pointwise one may have its kernel as `[[i8; CI]; CO]`; it then needs no scratch on any core.
///
/// ```
/// use conv_core::quantised::{QuantConv2d, Quantisation};
/// use conv_core::requantise::{Double, Multiplier};
/// use conv_core::window2d;
///
/// window2d! { struct Pointwise }
///
/// static MIX: QuantConv2d<Pointwise, i8, [[i8; 3]; 2], Double, 2> = QuantConv2d::pointwise(
///     [[1, 1, 1], [2, 0, -2]],
///     [0, 1],
///     [Multiplier::from_scale(1.0).unwrap(); 2],
///     Quantisation::new(0, 0),
/// );
///
/// let mut output = [[[0_i8; 2]; 2]; 1];
/// MIX.run(&[[[1_i8, 2, 3], [4, 5, 6]]], &mut output, &mut MIX.scratch());
/// assert_eq!(output, [[[6, -3], [15, -3]]]);
/// ```
pub type QuantConv2d<M, T, K, R, const CO: usize> = QuantLayer<Conv, M, T, K, R, CO, 2>;

/// A depthwise quantised layer on images, its kernel `[[[i8; CO]; KW]; KH]`; output channel `c·m + i` reads input
/// channel `c`.
pub type QuantDepthwise2d<M, T, K, R, const CO: usize> = QuantLayer<Depthwise, M, T, K, R, CO, 2>;

/// A transposed quantised layer on images, its kernel `[[[[i8; CI]; KW]; KH]; CO]` in *its own* channels, TFLite's
/// order.
pub type QuantConvTranspose2d<M, T, K, R, const CO: usize> =
    QuantLayer<ConvTranspose, M, T, K, R, CO, 2>;

/// A transposed depthwise quantised layer on images, from `C` channels to `CO = C/m`, its kernel `[[[i8; C]; KW]; KH]`:
/// the transpose of [`QuantDepthwise2d`]. Output channel `c` sums over input channels `c·m + i`.
///
/// ```
/// use conv_core::quantised::{QuantDepthwiseTranspose2d, Quantisation};
/// use conv_core::requantise::{Double, Multiplier};
/// use conv_core::window2d;
///
/// window2d! { struct Twice: stride 2 }
///
/// // Every pixel becomes 2×2 pixels, each channel by itself.
/// static LARGER: QuantDepthwiseTranspose2d<Twice, i8, [[[i8; 3]; 2]; 2], Double, 3> =
///     QuantDepthwiseTranspose2d::new(
///         [[[64; 3]; 2]; 2],
///         [0; 3],
///         [Multiplier::from_scale(1.0 / 64.0).unwrap(); 3],
///         Quantisation::new(-5, -5),
///     );
///
/// let mut pixels = [[[0_i8; 3]; 2]; 2];
/// LARGER.run(&[[[1_i8, 2, 3]]], &mut pixels, &mut LARGER.scratch());
/// assert_eq!(pixels, [[[1, 2, 3]; 2]; 2]);
/// ```
pub type QuantDepthwiseTranspose2d<M, T, K, R, const CO: usize> =
    QuantLayer<DepthwiseTranspose, M, T, K, R, CO, 2>;

/// A direct quantised layer on signals, its kernel `[[[i8; CI]; K]; CO]`.
///
/// ```
/// use conv_core::quantised::{QuantConv1d, Quantisation};
/// use conv_core::requantise::{Multiplier, Wide};
/// use conv_core::window1d;
///
/// window1d! { struct Causal: padding Causal, dilation 2 }
///
/// // 16-bit samples, 64-bit sums: as TFLite has them.
/// static LAYER: QuantConv1d<Causal, i16, [[[i8; 1]; 3]; 2], Wide, 2> = QuantConv1d::wide(
///     [[[1], [2], [1]], [[-1], [0], [1]]],
///     [0; 2],
///     [Multiplier::from_scale(0.25).unwrap(); 2],
///     Quantisation::new(0, 0),
/// );
///
/// let mut filtered = [[0_i16; 2]; 6];
/// LAYER.run(&[4_i16, 0, 0, 0, 0, 0], &mut filtered, &mut LAYER.scratch());
/// assert_eq!(filtered, [[1, 1], [0, 0], [2, 0], [0, 0], [1, -1], [0, 0]]);
/// ```
pub type QuantConv1d<M, T, K, R, const CO: usize> = QuantLayer<Conv, M, T, K, R, CO, 1>;

/// A depthwise quantised layer on signals, its kernel `[[i8; CO]; K]`.
pub type QuantDepthwise1d<M, T, K, R, const CO: usize> = QuantLayer<Depthwise, M, T, K, R, CO, 1>;

/// A transposed quantised layer on signals, its kernel `[[[i8; CI]; K]; CO]` in its own channels.
pub type QuantConvTranspose1d<M, T, K, R, const CO: usize> =
    QuantLayer<ConvTranspose, M, T, K, R, CO, 1>;

/// A transposed depthwise quantised layer on signals, from `C` channels to `CO = C/m`, its kernel `[[i8; C]; K]`.
pub type QuantDepthwiseTranspose1d<M, T, K, R, const CO: usize> =
    QuantLayer<DepthwiseTranspose, M, T, K, R, CO, 1>;

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
    QuantLayer<FullyConnected, Whole, T, K, R, CO, 2>;

crate::window2d! {
    /// The window of a fully connected layer: all of its input, as the channels of one pixel.
    #[derive(Clone, Copy, Debug)]
    pub struct Whole: stride 1
}

/// A quantised layer over `D` dimensions of geometry `M`, inputs `T`, kernel `K` and rounding `R` with `CO` output
/// channels, ready in flash. Made by its other names, such as [`QuantConv2d`], [`QuantConvTranspose1d`] or
/// [`QuantFullyConnected`].
#[derive(Clone, Copy, Debug)]
pub struct QuantLayer<Kind, M, T, K, R: Rounding, const CO: usize, const D: usize> {
    kernel: Aligned<K>,
    /// Where [`is_folded`] with `correction`.
    bias: [R::Accumulator; CO],
    prepared: [R::Prepared; CO],
    correction: [i32; CO],
    quantisation: Quantisation,
    /// Whether the core's short requantisation gives the contract's bits for every sum of every channel.
    #[cfg_attr(
        conv_arch = "portable",
        allow(dead_code, reason = "there is no short form")
    )]
    is_short: bool,
    types: Types<Kind, M, T>,
}

/// A kernel, in the order that the core's kernels want where they run the layer, and where words of it can be loaded.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
struct Aligned<K>(K);

/// What a layer names and does not hold.
type Types<Kind, M, T> = PhantomData<fn() -> (Kind, M, T)>;

/// Kernel extent, stride and dilation: the pads have no say in which taps meet.
const fn tap_axis(kernel: usize, window: Window) -> Axis {
    Axis::new(kernel)
        .with_stride(window.stride)
        .with_dilation(window.dilation)
}

/// Whether biases of accumulators `A` hold what a direct layer owes for the input's zero point. Of wider sums than 32 bits, which
/// no core's kernels compute, they do not.
const fn is_folded<A>() -> bool {
    arch::FOLDED && size_of::<A>() == 4
}

/// A constructor for one kernel type and accumulator: constants need concrete types.
macro_rules! constructor {
    (
        $(#[$doc:meta])* $name:ident: $dimensions:literal, $window:ident, $windows:expr,
        $kind:ty, $operation:ident, [$($extent:ident),*], $extents:expr, $kernel:ty,
        $bound:path, $accumulator:ty,
        |$k:ident| $stored:expr, |$packed:ident| $pack:expr
    ) => {
        impl<M, T, R: $bound, $(const $extent: usize),*>
            QuantLayer<$kind, M, T, $kernel, R, CO, $dimensions>
        where
            M: $window,
            T: Activation,
        {
            $(#[$doc])*
            ///
            /// # Panics
            ///
            /// In a constant, that is at compile time, where the input's zero point is not a value of `T`, the clamp's
            /// bounds are the wrong way round, or weights and biases could overflow the accumulator.
            #[must_use]
            #[track_caller]
            pub const fn $name(
                kernel: $kernel,
                bias: [$accumulator; CO],
                scales: [R::Scale; CO],
                quantisation: Quantisation,
            ) -> Self {
                let $k = &kernel;
                let [rows, columns]: [Window; 2] = $windows;
                let [height, width] = $extents;
                let weights = Weights {
                    stored: $stored,
                    operation: QuantOperation::$operation,
                    axes: [tap_axis(height, rows), tap_axis(width, columns)],
                };
                let mut biases = [0; CO];
                let mut channel = 0;
                while channel < CO {
                    biases[channel] = bias[channel] as i64;
                    channel += 1;
                }
                let greatest = <$accumulator as Accumulate>::GREATEST;
                let sums = match weights.prepared::<T, CO>(&quantisation, biases, greatest) {
                    Ok(sums) => sums,
                    Err(error) => error.stop_the_build(),
                };
                let order = Order {
                    axes: weights.axes,
                    operation: weights.operation,
                    orientation: M::ORIENTATION,
                    groups: M::GROUPS,
                    produce: CO,
                    reduce: <$kernel as QuantKernel<$dimensions>>::INPUT_CHANNELS,
                };
                #[allow(unused_mut, reason = "only the order of kernels of bytes changes")]
                let mut ordered = kernel;
                let $packed = (&kernel, &mut ordered, &order);
                let shift: i64 = $pack;
                let mut folded = bias;
                channel = 0;
                while channel < CO && is_folded::<$accumulator>() {
                    // No overflow: the bound of the sum is one of this as well, for neither the zero point nor its distance to
                    // the shift is more than an input's reach.
                    let share = sums.corrections[channel] as i64 + shift * sums.weights[channel];
                    folded[channel] += share as $accumulator;
                    channel += 1;
                }
                let prepared = arch::prepared::<R, CO>(scales, quantisation.output_zero_point);
                Self {
                    kernel: Aligned(ordered),
                    bias: folded,
                    prepared,
                    correction: sums.corrections,
                    quantisation,
                    is_short: arch::are_short(arch::records::<R>(&prepared), &sums.greatest),
                    types: PhantomData,
                }
            }
        }
    };
}

/// The weights in the order of the core's kernels, if those run such layers; returns what these take off the inputs.
const fn for_core<T: Activation>(order: &Order, from: &[i8], to: &mut [i8]) -> i64 {
    if !arch::runs::<T>(order.operation) {
        return 0;
    }
    arch::pack(order, from, to);
    arch::shift::<T>(order.operation) as i64
}

/// The weights in the order in which they were given, for inputs as they are.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "called as the other is"
)]
const fn as_given<T: Activation>(_order: &Order, _from: &[i8], _to: &mut [i8]) -> i64 {
    0
}

/// The four constructors of a kind of layer.
macro_rules! constructors {
    (
        $dimensions:literal, $window:ident, $windows:expr;
        $kind:ty, $operation:ident, [$($extent:ident),*], $extents:expr,
        $array:ty, |$k:ident| $flat:expr, $order:ident |$k_mut:ident| $flat_mut:expr, $packed:ty, $count:expr
    ) => {
        constructor! {
            /// A layer with these weights, and a bias and a scale for each output channel.
            new: $dimensions, $window, $windows, $kind, $operation, [$($extent),*], $extents, $array,
            Contract32, i32, |$k| Stored::Bytes($flat), |kernels| {
                let ($k, $k_mut, order) = kernels;
                $order::<T>(order, $flat, $flat_mut)
            }
        }
        constructor! {
            /// A layer with weights of 4 bits, two to a byte.
            packed: $dimensions, $window, $windows, $kind, $operation, [$($extent,)* BYTES], $extents, $packed,
            Contract32, i32, |$k| {
                assert_packed($count, BYTES);
                Stored::Nibbles($k.nibbles())
            }, |_kernels| 0
        }
        constructor! {
            /// A layer with 64-bit biases and accumulators, for `i16` activations.
            wide: $dimensions, $window, $windows, $kind, $operation, [$($extent),*], $extents, $array,
            Contract64, i64, |$k| Stored::Bytes($flat), |_kernels| 0
        }
        constructor! {
            /// A layer with 64-bit biases and accumulators and weights of 4 bits, two to a byte.
            packed_wide: $dimensions, $window, $windows, $kind, $operation, [$($extent,)* BYTES], $extents, $packed,
            Contract64, i64, |$k| {
                assert_packed($count, BYTES);
                Stored::Nibbles($k.nibbles())
            }, |_kernels| 0
        }
    };
}

constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    Conv, Conv, [CI, KW, KH, CO], [KH, KW],
    [[[[i8; CI]; KW]; KH]; CO], |kernel| kernel.as_flattened().as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut().as_flattened_mut(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    ConvTranspose, ConvTranspose, [CI, KW, KH, CO], [KH, KW],
    [[[[i8; CI]; KW]; KH]; CO], |kernel| kernel.as_flattened().as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut().as_flattened_mut(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    Depthwise, Depthwise, [CO, KW, KH], [KH, KW],
    [[[i8; CO]; KW]; KH], |kernel| kernel.as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut(),
    Int4Depthwise<CO, KW, KH, BYTES>, CO * KW * KH
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    DepthwiseTranspose, DepthwiseTranspose, [C, KW, KH, CO], [KH, KW],
    [[[i8; C]; KW]; KH], |kernel| kernel.as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut(),
    Int4Depthwise<C, KW, KH, BYTES>, C * KW * KH
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    FullyConnected, Conv, [CI, CO], [1, 1],
    [[i8; CI]; CO], |kernel| kernel.as_flattened(), as_given |ordered| ordered.as_flattened_mut(),
    Int4Kernel<CI, 1, 1, CO, BYTES>, CI * CO
}
// A pointwise layer, whose kernel has no taps to spell out.
constructor! {
    /// A pointwise layer with these weights, and a bias and a scale for each output channel. It needs no scratch.
    pointwise: 2, Window2d, [M::HEIGHT, M::WIDTH], Conv, Conv, [CI, CO], [1, 1], [[i8; CI]; CO],
    Contract32, i32, |kernel| Stored::Bytes(kernel.as_flattened()), |kernels| {
        let (kernel, ordered, order) = kernels;
        for_core::<T>(order, kernel.as_flattened(), ordered.as_flattened_mut())
    }
}
constructor! {
    /// A pointwise layer with 64-bit biases and accumulators, for `i16` activations.
    pointwise_wide: 2, Window2d, [M::HEIGHT, M::WIDTH], Conv, Conv, [CI, CO], [1, 1], [[i8; CI]; CO],
    Contract64, i64, |kernel| Stored::Bytes(kernel.as_flattened()), |_kernels| 0
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    Conv, Conv, [CI, K, CO], [1, K],
    [[[i8; CI]; K]; CO], |kernel| kernel.as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut(),
    Int4Kernel<CI, K, 1, CO, BYTES>, CI * K * CO
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    ConvTranspose, ConvTranspose, [CI, K, CO], [1, K],
    [[[i8; CI]; K]; CO], |kernel| kernel.as_flattened().as_flattened(), for_core |ordered| ordered.as_flattened_mut().as_flattened_mut(),
    Int4Kernel<CI, K, 1, CO, BYTES>, CI * K * CO
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    Depthwise, Depthwise, [CO, K], [1, K],
    [[i8; CO]; K], |kernel| kernel.as_flattened(), for_core |ordered| ordered.as_flattened_mut(),
    Int4Depthwise<CO, K, 1, BYTES>, CO * K
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    DepthwiseTranspose, DepthwiseTranspose, [C, K, CO], [1, K],
    [[i8; C]; K], |kernel| kernel.as_flattened(), for_core |ordered| ordered.as_flattened_mut(),
    Int4Depthwise<C, K, 1, BYTES>, C * K
}

impl<T, K, R, const CO: usize> QuantFullyConnected<T, K, R, CO>
where
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel<2>,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    const fn map<I: Array, O: Array>() -> Result<(Geometry<2>, Operation), Error> {
        let (from, to) = (pixel(I::ELEMENTS), pixel(O::ELEMENTS));
        resolved::<Conv, K, 2>(window::settings_2d::<Whole>(), from, to)
    }

    /// Stops the build where inputs `I` and outputs `O` do not fit the layer. For constants:
    /// [`assert_shapes!`](crate::assert_shapes) calls it.
    #[track_caller]
    pub const fn fits<I, O>(&self)
    where
        I: Array<Element = T>,
        O: Array,
        O::Element: Activation,
    {
        typed::checked(Self::map::<I, O>());
    }

    /// Runs the layer. Another number of elements than the kernel has inputs, or outputs, does not compile. Never
    /// panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Array<Element = T>,
        O: Array,
        O::Element: Activation,
    {
        let plan = const { &typed::plan_2d(Self::map::<I, O>()) };
        let (input, output) = (input.elements(), output.elements_mut());
        #[cfg(not(conv_arch = "portable"))]
        if const { K::IN_BYTES && size_of::<R::Accumulator>() == 4 && arch::runs_connected::<T>() }
        {
            return self.view().run_connected(plan, input, output);
        }
        self.run_portably(QuantOperation::Conv, plan, input, output);
    }
}

/// One pixel with so many channels.
const fn pixel(channels: usize) -> Shape<2> {
    Shape {
        extents: [1, 1],
        channels,
    }
}

/// The `run` of layers on images and on signals.
macro_rules! runs {
    (
        $dimensions:literal, $window:ident, $array:ident, $settings:ident, $shape:ident, $plan:ident, $axes:expr
    ) => {
        impl<Kind, M, T, K, R, const CO: usize> QuantLayer<Kind, M, T, K, R, CO, $dimensions>
        where
            Kind: LayerKind,
            M: $window,
            T: Activation + Multiply<i8, R::Accumulator>,
            K: QuantKernel<$dimensions>,
            R: Rounding,
            R::Accumulator: Accumulate,
        {
            /// Bytes that the layer needs while it runs beside input and output: 0 on cores without kernels of their own.
            ///
            /// ```
            /// use conv_core::quantised::{QuantConv2d, Quantisation};
            /// use conv_core::requantise::{Double, Multiplier};
            /// use conv_core::window2d;
            ///
            /// window2d! { struct Same: pad 1 }
            ///
            /// static LAYER: QuantConv2d<Same, i8, [[[[i8; 16]; 3]; 3]; 4], Double, 4> = QuantConv2d::new(
            ///     [[[[1; 16]; 3]; 3]; 4],
            ///     [0; 4],
            ///     [Multiplier::from_scale(0.01).unwrap(); 4],
            ///     Quantisation::new(0, 0),
            /// );
            ///
            /// // Several layers may share one scratch, as long as the longest.
            /// let mut scratch = [0_u32; LAYER.scratch_bytes().div_ceil(4)];
            /// assert!(size_of_val(&scratch) <= 4 * 16 * 3 * 3);
            /// let mut output = [[[0_i8; 4]; 5]; 5];
            /// LAYER.run(&[[[1_i8; 16]; 5]; 5], &mut output, &mut scratch);
            /// assert_eq!(output[2][2], [1; 4]); // 144 · 0.01
            /// ```
            #[must_use]
            pub const fn scratch_bytes(&self) -> usize {
                Self::SCRATCH_BYTES
            }

            const SCRATCH_BYTES: usize = {
                let ([rows, columns], scratch): ([Window; 2], _) =
                    ($axes, <Kind::Scratch<K, $dimensions> as Scratch>::BYTES);
                let [height, width] = extents::<K, $dimensions>();
                let (steps, starts) = match Kind::OPERATION {
                    // The taps of one phase, at most.
                    QuantOperation::ConvTranspose => {
                        let rows = tap_axis(height, rows).phase_step();
                        let columns = tap_axis(width, columns).phase_step();
                        ([rows, columns], K::OUTPUT_CHANNELS)
                    }
                    _ => ([1, 1], 0),
                };
                let [rows, columns] = [quotient_up(height, steps[0]), quotient_up(width, steps[1])];
                match scratch {
                    0 => 0,
                    _ => arch::scratch_bytes(rows * columns * K::INPUT_CHANNELS, starts),
                }
            };

            const fn map<I: $array, O: $array>() -> Result<(Geometry<$dimensions>, Operation), Error> {
                let (from, to) = (window::$shape::<I>(), window::$shape::<O>());
                resolved::<Kind, K, $dimensions>(window::$settings::<M>(), from, to)
            }

            /// Stops the build where inputs `I` and outputs `O` do not fit the layer. For constants:
            /// [`assert_shapes!`](crate::assert_shapes) calls it.
            #[track_caller]
            pub const fn fits<I, O>(&self)
            where
                I: $array<Element = T>,
                O: $array,
                O::Element: Activation,
            {
                let (from, to) = (window::$shape::<I>(), window::$shape::<O>());
                typed::checked(resolved::<Kind, K, $dimensions>(
                    window::$settings::<M>(),
                    from,
                    to,
                ));
            }

            /// Runs the layer. Extents that do not fit do not compile, nor does a scratch of less than
            /// [`scratch_bytes`](Self::scratch_bytes). Never panics.
            pub fn run<I, O, S>(&self, input: &I, output: &mut O, scratch: &mut S)
            where
                I: $array<Element = T>,
                O: $array,
                O::Element: Activation,
                S: Scratch,
            {
                const { check_scratch(S::BYTES, Self::SCRATCH_BYTES) };
                let plan = const { &typed::$plan(Self::map::<I, O>()) };
                let (input, output) = (input.elements(), output.elements_mut());
                match const { Self::SCRATCH_BYTES } {
                    0 => self.run_plan(Kind::OPERATION, plan, input, output, &mut NoScratch),
                    _ => self.run_plan(Kind::OPERATION, plan, input, output, scratch),
                }
            }
        }
    };
}
runs! { 2, Window2d, Image, settings_2d, image, plan_2d, [M::HEIGHT, M::WIDTH] }
runs! { 1, Window1d, Signal, settings_1d, signal, plan_1d, [Window::new(), M::LENGTH] }

/// Rows and columns of taps.
const fn extents<K: QuantKernel<D>, const D: usize>() -> [usize; 2] {
    match K::EXTENTS.as_slice() {
        [height, width] => [*height, *width],
        [length] => [1, *length],
        _ => [0, 0],
    }
}

/// Stops the build where a scratch is too short.
const fn check_scratch(found: usize, expected: usize) {
    if found < expected {
        let message = Message::new()
            .text("scratch is ")
            .count(found)
            .text(" bytes, expected at least ")
            .count(expected);
        panic!("{}", message.as_str())
    }
}

impl<Kind, M, T, K, R, const CO: usize, const D: usize> QuantLayer<Kind, M, T, K, R, CO, D>
where
    Kind: LayerKind,
    K: QuantKernel<D>,
    R: Rounding,
{
    /// A scratch for [`run`](QuantLayer::run). Where several layers share one, an array `[u32; N]` does as well, of at least the
    /// `scratch_bytes` of each.
    #[must_use]
    pub const fn scratch(&self) -> Kind::Scratch<K, D> {
        <Kind::Scratch<K, D> as Scratch>::NEW
    }
}

impl<Kind, M, T, K, R, const CO: usize, const D: usize> QuantLayer<Kind, M, T, K, R, CO, D>
where
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel<D>,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    /// The layer over buffers that have the lengths of the plan.
    pub(crate) fn run_plan<O: Activation, S: Scratch>(
        &self,
        operation: QuantOperation,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
        scratch: &mut S,
    ) {
        #[cfg(not(conv_arch = "portable"))]
        if const { K::IN_BYTES }
            && arch::runs_layer::<T, R>(operation)
            && arch::takes(operation, plan)
        {
            let scratch = arch::Region::of(scratch);
            return (self.view()).run_on_core(operation, plan, input, output, scratch);
        }
        let _ = scratch;
        self.run_portably(operation, plan, input, output);
    }

    /// As kernels read it.
    #[cfg(not(conv_arch = "portable"))]
    fn view(&self) -> View<'_, R> {
        View {
            kernel: self.kernel.0.weights().bytes(),
            bias: &self.bias,
            correction: &self.correction,
            prepared: &self.prepared,
            quantisation: self.quantisation,
            is_short: self.is_short,
        }
    }

    /// On the loops that every core has.
    fn run_portably<O: Activation>(
        &self,
        operation: QuantOperation,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
    ) {
        let mut pass = |pixels, correction| {
            let finish = RequantiseLayer::<R, O> {
                bias: &self.bias,
                prepared: &self.prepared,
                quantisation: &self.quantisation,
                correction,
                output: PhantomData,
            };
            let kernel = self.kernel.0.weights();
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
            // Windows inside the input: the zero point's share is known beforehand. Others must not have it.
            QuantOperation::Conv | QuantOperation::Depthwise => {
                let correction = Some(self.correction.as_slice());
                let (interior, border) = match is_folded::<R::Accumulator>() {
                    true => (None, correction),
                    false => (correction, None),
                };
                pass(Pixels::Interior, interior);
                pass(Pixels::Border, border);
            }
            // Which taps meet depends on the phase.
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
                pass(Pixels::All, None);
            }
        }
    }
}

/// A layer of 8-bit weights as kernels read it.
#[derive(Debug)]
pub(super) struct View<'a, R: Rounding> {
    pub(super) kernel: &'a [i8],
    pub(super) bias: &'a [R::Accumulator],
    /// `−zero_point·Σweight` where biases hold it and a layer keeps it, else none.
    #[cfg_attr(
        conv_arch = "portable",
        allow(dead_code, reason = "for kernels of cores")
    )]
    pub(super) correction: &'a [i32],
    pub(super) prepared: &'a [R::Prepared],
    pub(super) quantisation: Quantisation,
    #[cfg_attr(
        conv_arch = "portable",
        allow(dead_code, reason = "there is no short form")
    )]
    pub(super) is_short: bool,
}

impl<R: Rounding> View<'_, R>
where
    R::Accumulator: Accumulate,
{
    /// On the core's own kernels.
    #[cfg(not(conv_arch = "portable"))]
    pub(super) fn run_on_core<T: Activation, O: Activation>(
        &self,
        operation: QuantOperation,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
        scratch: arch::Region<'_>,
    ) {
        let layer = self.layer(operation, plan);
        arch::run(&layer, input, output, scratch, &self.last());
    }

    /// A fully connected layer on the core's own kernel.
    #[cfg(not(conv_arch = "portable"))]
    fn run_connected<T: Activation, O: Activation>(
        &self,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
    ) {
        let layer = self.layer(QuantOperation::Conv, plan);
        arch::connected(&layer, input, output, &self.last());
    }

    /// As the core's own kernels see it.
    #[cfg(not(conv_arch = "portable"))]
    fn layer<'a>(&'a self, operation: QuantOperation, plan: &'a Plan) -> arch::Layer<'a> {
        arch::Layer {
            plan,
            kernel: self.kernel,
            bias: R::Accumulator::narrow(self.bias),
            correction: self.correction,
            records: arch::records::<R>(self.prepared),
            quantisation: &self.quantisation,
            operation,
        }
    }

    /// What becomes of its sums there.
    #[cfg(not(conv_arch = "portable"))]
    fn last<O: Activation>(&self) -> arch::Last<impl Fn(usize, i32) -> O> {
        let function = requantising::<R, O>(self.prepared, &self.quantisation);
        match const { R::HAS_RECORDS && O::LEAST == -128 } && self.is_short {
            true => arch::Last::Short(function),
            false => arch::Last::General(function),
        }
    }

    /// On the loops that every core has, weights in their own order.
    pub(super) fn run_portably<T: Activation, O: Activation>(
        &self,
        plan: &Plan,
        input: &[T],
        output: &mut [O],
    ) {
        let finish = RequantiseLayer::<R, O> {
            bias: self.bias,
            prepared: self.prepared,
            quantisation: &self.quantisation,
            correction: None,
            output: PhantomData,
        };
        let operands = Operands {
            product: Offset {
                zero_point: self.quantisation.input_zero_point,
            },
            input,
            kernel: self.kernel,
            finish: &finish,
        };
        operands.run(plan, Pixels::All, output);
    }
}

/// Fills in what a layer stores for each channel; says whether the core's short requantisation is exact for all of them. All
/// slices have a value for each. `shift` is what the core's kernels take off inputs, where they run the layer.
pub(super) fn channels_of<T: Activation, R: Rounding>(
    weights: &Weights<'_>,
    requantisation: &Requantisation<'_, R>,
    shift: Option<i32>,
    bias: &mut [R::Accumulator],
    prepared: &mut [R::Prepared],
) -> bool
where
    R::Accumulator: Accumulate,
{
    let &Requantisation {
        bias: given,
        scales,
        quantisation,
    } = requantisation;
    let zero_point = quantisation.input_zero_point;
    let channels = bias.len();
    let mut are_short = true;
    for (channel, (slot, record)) in bias.iter_mut().zip(&mut *prepared).enumerate() {
        let value = given.and_then(|bias| bias.get(channel).copied());
        let value = value.unwrap_or(R::Accumulator::ZERO);
        let magnitude = value.into().unsigned_abs();
        let reach = reach::<T>(zero_point);
        let distance = zero_point - shift.unwrap_or(0);
        let (correction, greatest) =
            weights.of_channel(channel, channels, distance, reach, magnitude);
        *slot = match is_folded::<R::Accumulator>() && shift.is_some() {
            // It fits: the bound of the sum is one of this as well.
            true => value.plus(R::Accumulator::from(correction as i32)),
            false => value,
        };
        if let Some(&scale) = scales.get(channel).or(scales.first()) {
            *record = R::prepare(scale, quantisation.output_zero_point);
            let record = arch::records::<R>(core::slice::from_ref(record));
            are_short = are_short && arch::are_short(record, &[greatest]);
        }
    }
    are_short
}

/// The output of a channel and its sum. A function of contract and output alone, so that layers share what runs it.
#[cfg(not(conv_arch = "portable"))]
fn requantising<R, O>(
    prepared: &[R::Prepared],
    quantisation: &Quantisation,
) -> impl Fn(usize, i32) -> O
where
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    #[inline(never)]
    fn output<R: Rounding, O: Activation>(
        prepared: &R::Prepared,
        quantisation: &Quantisation,
        sum: R::Accumulator,
    ) -> O {
        quantisation.requantise::<R, O>(sum, R::scale(prepared))
    }
    move |channel, sum| match prepared.get(channel) {
        Some(prepared) => output::<R, O>(prepared, quantisation, R::Accumulator::from(sum)),
        None => O::saturated(0),
    }
}

/// The last step of a typed layer.
struct RequantiseLayer<'a, R: Rounding, O> {
    bias: &'a [R::Accumulator],
    prepared: &'a [R::Prepared],
    quantisation: &'a Quantisation,
    /// What windows inside the input owe for the input's zero point: `−zero_point·Σweight` of each channel. Added to the bias or,
    /// where [`is_folded`], taken off it.
    correction: Option<&'a [i32]>,
    output: PhantomData<O>,
}

impl<R, O> Finish for RequantiseLayer<'_, R, O>
where
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    type Accumulator = R::Accumulator;
    type Output = O;
    const CHANNELS: Channels = Channels::AtRunTime;

    fn finish(&self, channel: usize, accumulator: R::Accumulator) -> O {
        let (Some(&bias), Some(prepared)) = (self.bias.get(channel), self.prepared.get(channel))
        else {
            return O::saturated(self.quantisation.output_zero_point);
        };
        let correction = self.correction.and_then(|sums| sums.get(channel).copied());
        let correction = match correction.unwrap_or(0) {
            correction if is_folded::<R::Accumulator>() => correction.wrapping_neg(),
            correction => correction,
        };
        let sum = accumulator
            .plus(bias)
            .plus(R::Accumulator::from(correction));
        self.quantisation
            .requantise::<R, O>(sum, R::scale(prepared))
    }
}

/// The map of a typed layer and the way through it, at compile time.
pub(crate) const fn resolved<Kind, K, const D: usize>(
    settings: Settings<D>,
    source: Shape<D>,
    target: Shape<D>,
) -> Result<(Geometry<D>, Operation), Error>
where
    Kind: LayerKind,
    K: QuantKernel<D>,
{
    let operation = Kind::OPERATION.operation();
    // Named from the direct side, whose input channels a transposed layer writes.
    let (input_channels, output_channels) = match (Kind::OPERATION, settings.groups) {
        // No groups are no map; the geometry says so.
        (QuantOperation::ConvTranspose, 1..) => (
            K::OUTPUT_CHANNELS / settings.groups,
            K::INPUT_CHANNELS * settings.groups,
        ),
        _ => (K::INPUT_CHANNELS, K::OUTPUT_CHANNELS),
    };
    let kernel = KernelShape {
        extents: K::EXTENTS,
        input_channels,
        output_channels,
        layout: operation.layout(),
    };
    match settings.geometry(operation.direction(), source, kernel, target) {
        Ok(geometry) => Ok((geometry, operation)),
        Err(error) => Err(error),
    }
}
