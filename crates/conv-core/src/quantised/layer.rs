//! Typed layers: a kernel, biases, scales and zero points as one constant in flash.

use core::marker::PhantomData;

use crate::axis::{Axis, Window};
use crate::dot::Plain;
use crate::dynamic::Operation;
use crate::element::Multiply;
use crate::engine::{Operands, Pixels, Plan};
use crate::error::Error;
use crate::geometry::Geometry;
use crate::quantised::kernel::{Int4Depthwise, Int4Kernel, QuantKernel, assert_packed};
use crate::quantised::prepared::{Stored, Weights};
use crate::quantised::{
    Accumulate, Activation, Offset, QuantOperation, Quantisation, Requantisation, Requantise,
};
use crate::requantise::Rounding;
use crate::shape::{Array, Image, Signal};
use crate::typed::{self, KernelShape, Settings, Shape};
use crate::window::{self, Window1d, Window2d};

/// Contracts with 32-bit accumulators: [`Double`](crate::requantise::Double), [`Single`](crate::requantise::Single),
/// [`HalfAway`](crate::requantise::HalfAway) and [`HalfEven`](crate::requantise::HalfEven).
pub trait Contract32: Rounding<Accumulator = i32> {}
impl<R: Rounding<Accumulator = i32>> Contract32 for R {}

/// Contracts with 64-bit accumulators: [`Wide`](crate::requantise::Wide) and
/// [`WideHalfAway`](crate::requantise::WideHalfAway).
pub trait Contract64: Rounding<Accumulator = i64> {}
impl<R: Rounding<Accumulator = i64>> Contract64 for R {}

/// Which operation a layer is: [`Conv`], [`Depthwise`], [`ConvTranspose`] or [`DepthwiseTranspose`].
pub trait LayerKind {
    /// The operation.
    const OPERATION: QuantOperation;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $kind;

        impl LayerKind for $kind {
            const OPERATION: QuantOperation = QuantOperation::$kind;
        }
    )*};
}
kinds! {
    /// Direct layers, see [`QuantConv2d`] and [`QuantConv1d`].
    Conv;
    /// Depthwise layers, see [`QuantDepthwise2d`] and [`QuantDepthwise1d`].
    Depthwise;
    /// Transposed layers, see [`QuantConvTranspose2d`] and [`QuantConvTranspose1d`].
    ConvTranspose;
    /// Transposed depthwise layers, see [`QuantDepthwiseTranspose2d`] and [`QuantDepthwiseTranspose1d`].
    DepthwiseTranspose;
}

/// Fully connected layers, see [`QuantFullyConnected`].
#[derive(Clone, Copy, Debug)]
pub struct FullyConnected;

/// A direct quantised layer on images. See the [module](crate::quantised).
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
/// LARGER.run(&[[[1_i8, 2, 3]]], &mut pixels);
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
/// LAYER.run(&[4_i16, 0, 0, 0, 0, 0], &mut filtered);
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
    kernel: K,
    bias: [R::Accumulator; CO],
    scales: [R::Scale; CO],
    correction: [i32; CO],
    quantisation: Quantisation,
    types: Types<Kind, M, T>,
}

/// What a layer names and does not hold.
type Types<Kind, M, T> = PhantomData<fn() -> (Kind, M, T)>;

/// Kernel extent, stride and dilation: the pads have no say in which taps meet.
const fn tap_axis(kernel: usize, window: Window) -> Axis {
    Axis::new(kernel)
        .with_stride(window.stride)
        .with_dilation(window.dilation)
}

/// A constructor for one kernel type and accumulator: constants need concrete types.
macro_rules! constructor {
    (
        $(#[$doc:meta])* $name:ident: $dimensions:literal, $window:ident, $windows:expr,
        $kind:ty, $operation:ident, [$($extent:ident),*], $extents:expr, $kernel:ty,
        $bound:path, $accumulator:ty,
        |$k:ident| $stored:expr
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
                let mut magnitudes = [0; CO];
                let mut channel = 0;
                while channel < CO {
                    magnitudes[channel] = bias[channel].unsigned_abs() as u64;
                    channel += 1;
                }
                let greatest = <$accumulator as Accumulate>::GREATEST;
                match weights.prepared::<T, CO>(&quantisation, magnitudes, greatest) {
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

/// The four constructors of a kind of layer.
macro_rules! constructors {
    (
        $dimensions:literal, $window:ident, $windows:expr;
        $kind:ty, $operation:ident, [$($extent:ident),*], $extents:expr,
        $array:ty, |$k:ident| $flat:expr, $packed:ty, $count:expr
    ) => {
        constructor! {
            /// A layer with these weights, and a bias and a scale for each output channel.
            new: $dimensions, $window, $windows, $kind, $operation, [$($extent),*], $extents, $array,
            Contract32, i32, |$k| Stored::Bytes($flat)
        }
        constructor! {
            /// A layer with weights of 4 bits, two to a byte.
            packed: $dimensions, $window, $windows, $kind, $operation, [$($extent,)* BYTES], $extents, $packed,
            Contract32, i32, |$k| {
                assert_packed($count, BYTES);
                Stored::Nibbles($k.nibbles())
            }
        }
        constructor! {
            /// A layer with 64-bit biases and accumulators, for `i16` activations.
            wide: $dimensions, $window, $windows, $kind, $operation, [$($extent),*], $extents, $array,
            Contract64, i64, |$k| Stored::Bytes($flat)
        }
        constructor! {
            /// A layer with 64-bit biases and accumulators and weights of 4 bits, two to a byte.
            packed_wide: $dimensions, $window, $windows, $kind, $operation, [$($extent,)* BYTES], $extents, $packed,
            Contract64, i64, |$k| {
                assert_packed($count, BYTES);
                Stored::Nibbles($k.nibbles())
            }
        }
    };
}

constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    Conv, Conv, [CI, KW, KH, CO], [KH, KW],
    [[[[i8; CI]; KW]; KH]; CO], |kernel| kernel.as_flattened().as_flattened().as_flattened(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    ConvTranspose, ConvTranspose, [CI, KW, KH, CO], [KH, KW],
    [[[[i8; CI]; KW]; KH]; CO], |kernel| kernel.as_flattened().as_flattened().as_flattened(),
    Int4Kernel<CI, KW, KH, CO, BYTES>, CI * KW * KH * CO
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    Depthwise, Depthwise, [CO, KW, KH], [KH, KW],
    [[[i8; CO]; KW]; KH], |kernel| kernel.as_flattened().as_flattened(),
    Int4Depthwise<CO, KW, KH, BYTES>, CO * KW * KH
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    DepthwiseTranspose, DepthwiseTranspose, [C, KW, KH, CO], [KH, KW],
    [[[i8; C]; KW]; KH], |kernel| kernel.as_flattened().as_flattened(),
    Int4Depthwise<C, KW, KH, BYTES>, C * KW * KH
}
constructors! {
    2, Window2d, [M::HEIGHT, M::WIDTH];
    FullyConnected, Conv, [CI, CO], [1, 1],
    [[i8; CI]; CO], |kernel| kernel.as_flattened(),
    Int4Kernel<CI, 1, 1, CO, BYTES>, CI * CO
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    Conv, Conv, [CI, K, CO], [1, K],
    [[[i8; CI]; K]; CO], |kernel| kernel.as_flattened().as_flattened(),
    Int4Kernel<CI, K, 1, CO, BYTES>, CI * K * CO
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    ConvTranspose, ConvTranspose, [CI, K, CO], [1, K],
    [[[i8; CI]; K]; CO], |kernel| kernel.as_flattened().as_flattened(),
    Int4Kernel<CI, K, 1, CO, BYTES>, CI * K * CO
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    Depthwise, Depthwise, [CO, K], [1, K],
    [[i8; CO]; K], |kernel| kernel.as_flattened(),
    Int4Depthwise<CO, K, 1, BYTES>, CO * K
}
constructors! {
    1, Window1d, [Window::new(), M::LENGTH];
    DepthwiseTranspose, DepthwiseTranspose, [C, K, CO], [1, K],
    [[i8; C]; K], |kernel| kernel.as_flattened(),
    Int4Depthwise<C, K, 1, BYTES>, C * K
}

impl<T, K, R, const CO: usize> QuantFullyConnected<T, K, R, CO>
where
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel<2>,
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
        let plan = const {
            let settings = window::settings_2d::<Whole>();
            let (from, to) = (pixel(I::ELEMENTS), pixel(O::ELEMENTS));
            &typed::plan_2d(resolved::<Conv, K, 2>(settings, from, to))
        };
        let (input, output) = (input.elements(), output.elements_mut());
        self.run_plan(QuantOperation::Conv, plan, input, output);
    }
}

/// One pixel with so many channels.
const fn pixel(channels: usize) -> Shape<2> {
    Shape {
        extents: [1, 1],
        channels,
    }
}

impl<Kind, M, T, K, R, const CO: usize> QuantLayer<Kind, M, T, K, R, CO, 2>
where
    Kind: LayerKind,
    M: Window2d,
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel<2>,
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
            let settings = window::settings_2d::<M>();
            let (from, to) = (window::image::<I>(), window::image::<O>());
            &typed::plan_2d(resolved::<Kind, K, 2>(settings, from, to))
        };
        self.run_plan(
            Kind::OPERATION,
            plan,
            input.elements(),
            output.elements_mut(),
        );
    }
}

impl<Kind, M, T, K, R, const CO: usize> QuantLayer<Kind, M, T, K, R, CO, 1>
where
    Kind: LayerKind,
    M: Window1d,
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel<1>,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    /// Runs the layer. Lengths and channels that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Signal<Element = T>,
        O: Signal,
        O::Element: Activation,
    {
        let plan = const {
            let settings = window::settings_1d::<M>();
            let (from, to) = (window::signal::<I>(), window::signal::<O>());
            &typed::plan_1d(resolved::<Kind, K, 1>(settings, from, to))
        };
        self.run_plan(
            Kind::OPERATION,
            plan,
            input.elements(),
            output.elements_mut(),
        );
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
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
                pass(Pixels::All, None);
            }
        }
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
