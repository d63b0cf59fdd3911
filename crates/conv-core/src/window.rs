//! Typed operations: the geometry is a marker type, the shapes are array types.
//!
//! [`window1d!`](crate::window1d) and [`window2d!`](crate::window2d) name a geometry; the operations are its
//! associated functions. Extents are inferred from the arrays, and a wrong one does not compile: the error
//! names buffer and axis, as in `output width is 17, expected 16`.

use crate::axis::Window;
use crate::dot::Plain;
use crate::element::Multiply;
use crate::engine::{Direction, Operands, Pixels};
use crate::error::Error;
use crate::finish::{Finish, Raw, raw};
use crate::geometry::{KernelLayout, Orientation};
use crate::matrix::Matrix;
use crate::shape::{Image, Kernel1d, Kernel2d, Sample, Signal};
use crate::typed::{self, KernelShape, Settings, Shape};

pub(crate) const fn signal<S: Signal>() -> Shape<1> {
    Shape {
        extents: [S::LENGTH],
        channels: S::CHANNELS,
    }
}

pub(crate) const fn image<I: Image>() -> Shape<2> {
    Shape {
        extents: [I::HEIGHT, I::WIDTH],
        channels: I::CHANNELS,
    }
}

pub(crate) const fn kernel_1d<K: Kernel1d>() -> KernelShape<1> {
    KernelShape {
        extents: [K::LENGTH],
        input_channels: K::INPUT_CHANNELS,
        output_channels: K::OUTPUT_CHANNELS,
        layout: KernelLayout::OutputSpatialInput,
    }
}

pub(crate) const fn kernel_2d<K: Kernel2d>() -> KernelShape<2> {
    KernelShape {
        extents: [K::HEIGHT, K::WIDTH],
        input_channels: K::INPUT_CHANNELS,
        output_channels: K::OUTPUT_CHANNELS,
        layout: KernelLayout::OutputSpatialInput,
    }
}

/// A depthwise kernel has the shape of a signal.
pub(crate) const fn depthwise_1d<K: Signal>() -> KernelShape<1> {
    KernelShape {
        extents: [K::LENGTH],
        input_channels: 1,
        output_channels: K::CHANNELS,
        layout: KernelLayout::SpatialOutput,
    }
}

/// A depthwise kernel has the shape of an image.
pub(crate) const fn depthwise_2d<K: Image>() -> KernelShape<2> {
    KernelShape {
        extents: [K::HEIGHT, K::WIDTH],
        input_channels: 1,
        output_channels: K::CHANNELS,
        layout: KernelLayout::SpatialOutput,
    }
}

/// Generates one operation of a marker: the raw form and the one with a finish.
macro_rules! typed_operation {
    (
        @plan $marker:ident, $input:ident, $kernel_array:ident, $output:ident, $finish:ty,
        $direction:ident, $settings:ident, $plan:ident, $shape:ident, $kernel_shape:ident
    ) => {
        const {
            &typed::$plan(
                $settings::<$marker>().plan::<$input::Element, $kernel_array::Element, $finish>(
                    Direction::$direction,
                    $shape::<$input>(),
                    $kernel_shape::<$kernel_array>(),
                    $shape::<$output>(),
                ),
            )
        }
    };
    (
        $(#[$doc:meta])* $name:ident, $(#[$doc_with:meta])* $name_with:ident:
        $array:ident, $kernel:ident, $direction:ident,
        $settings:ident, $plan:ident, $shape:ident, $kernel_shape:ident
    ) => {
        $(#[$doc])*
        fn $name<I, K, O>(input: &I, kernel: &K, output: &mut O)
        where
            I: $array,
            K: $kernel,
            O: $array,
            I::Element: Multiply<K::Element, O::Element>,
        {
            // Not through the form with a finish: the compiler shows the innermost call that fails, which has to be
            // the caller's.
            let plan = typed_operation!(
                @plan Self, I, K, O, Raw<O::Element>,
                $direction, $settings, $plan, $shape, $kernel_shape
            );
            let finish: Raw<O::Element> = raw();
            let operands = Operands {
                product: Plain,
                input: input.elements(),
                kernel: kernel.elements(),
                finish: &finish,
            };
            operands.run(plan, Pixels::All, output.elements_mut());
        }

        $(#[$doc_with])*
        fn $name_with<I, K, O, F>(input: &I, kernel: &K, output: &mut O, finish: F)
        where
            I: $array,
            K: $kernel,
            O: $array,
            F: Finish<Output = O::Element>,
            I::Element: Multiply<K::Element, F::Accumulator>,
        {
            let plan = typed_operation!(
                @plan Self, I, K, O, F, $direction, $settings, $plan, $shape, $kernel_shape
            );
            let operands = Operands {
                product: Plain,
                input: input.elements(),
                kernel: kernel.elements(),
                finish: &finish,
            };
            operands.run(plan, Pixels::All, output.elements_mut());
        }
    };
}

pub(crate) const fn settings_2d<M: Window2d + ?Sized>() -> Settings<2> {
    Settings {
        windows: [M::HEIGHT, M::WIDTH],
        groups: M::GROUPS,
        orientation: M::ORIENTATION,
    }
}

pub(crate) const fn settings_1d<M: Window1d + ?Sized>() -> Settings<1> {
    Settings {
        windows: [M::LENGTH],
        groups: M::GROUPS,
        orientation: M::ORIENTATION,
    }
}

/// The geometry of an image layer and the operations with it. Made with [`window2d!`](crate::window2d).
///
/// With `C` the linear map of geometry and kernel, pads `(pt, pl)` before, strides `(sy, sx)` and dilations
/// `(dy, dx)`:
///
/// ```text
/// y = C·x    y[oy][ox][co] = Σ ky kx ci  x[oy·sy + ky·dy − pt][ox·sx + kx·dx − pl][ci] · kernel[co][ky][kx][ci]
/// x = Cᵀ·y   x[iy][ix][ci] = Σ           y[oy][ox][co] · kernel[co][ky][kx][ci]
///                            over all oy, ox, co and taps with iy = oy·sy + ky·dy − pt, ix = ox·sx + kx·dx − pl
/// ```
///
/// Elements outside an image read as 0. Integer sums are exact, their accumulator proven wide enough when the
/// call compiles. Float sums start from `+0.0` and run over kernel rows, then kernel columns, then source
/// channels, each product rounded before it is added. Nothing panics and no scratch memory is used.
///
/// ```
/// use conv_core::{Window2d, window2d};
///
/// window2d! { struct Half: stride 2, pad 1 }
///
/// let image = [[[1_i8; 3]; 32]; 32];
/// let kernel = [[[[2_i8; 3]; 3]; 3]; 16];
/// let mut features = [[[0_i32; 16]; 16]; 16];
/// Half::conv(&image, &kernel, &mut features);
/// assert_eq!(features[0][0][0], 2 * 2 * 3 * 2); // a corner sees 2×2 of the 3×3 taps
///
/// // The transpose of the same map, from 16×16×16 back to 32×32×3.
/// let gradient = [[[1_i8; 16]; 16]; 16];
/// let mut back = [[[0_i32; 3]; 32]; 32];
/// Half::conv_transpose(&gradient, &kernel, &mut back);
/// assert_eq!(back[0][0], [32; 3]);
/// ```
///
/// A wrong extent does not compile: `output width is 17, expected 16`.
///
/// ```compile_fail
/// # use conv_core::{Window2d, window2d};
/// # window2d! { struct Half: stride 2, pad 1 }
/// # let image = [[[1_i8; 3]; 32]; 32];
/// # let kernel = [[[[2_i8; 3]; 3]; 3]; 16];
/// let mut features = [[[0_i32; 16]; 17]; 16];
/// Half::conv(&image, &kernel, &mut features);
/// ```
pub trait Window2d {
    /// Stride, dilation and padding down the rows.
    const HEIGHT: Window;
    /// Stride, dilation and padding along the columns.
    const WIDTH: Window;
    /// Number of groups into which `conv` and `conv_transpose` divide the channels.
    const GROUPS: usize;
    /// Whether the kernel is applied as stored or flipped.
    const ORIENTATION: Orientation;

    typed_operation! {
        /// `y = C·x`, the direct operation, into raw accumulators.
        conv,
        /// `y = finish(C·x)`, the direct operation with a last step from accumulator to output.
        ///
        /// ```
        /// use conv_core::finish::{self, Finish};
        /// use conv_core::{Window2d, window2d};
        ///
        /// window2d! { struct Same: pad 1 }
        ///
        /// let image = [[10_u8, 20], [30, 40]];
        /// let blur = [[1_i8, 2, 1], [2, 4, 2], [1, 2, 1]];
        /// let mut blurred = [[0_u8; 2]; 2];
        /// Same::conv_with(&image, &blur, &mut blurred, finish::raw::<i32>().to_u8(4));
        /// assert_eq!(blurred, [[11, 13], [15, 17]]); // 180, 210, 240 and 270 sixteenths, rounded
        /// ```
        conv_with: Image, Kernel2d, Direct, settings_2d, plan_2d, image, kernel_2d
    }
    typed_operation! {
        /// `x = Cᵀ·y`, the transposed operation, into raw accumulators. The output may have any extent that
        /// the geometry can lead to; which one it has says what the output padding is.
        conv_transpose,
        /// `x = finish(Cᵀ·y)`, the transposed operation with a last step from accumulator to output.
        conv_transpose_with: Image, Kernel2d, Transposed, settings_2d, plan_2d, image, kernel_2d
    }
    typed_operation! {
        /// `y = C·x` where output channel `c·m + i` reads input channel `c` alone, `m` being the channel
        /// multiplier: `y[oy][ox][o] = Σ ky kx x[…][…][o/m] · kernel[ky][kx][o]`.
        depthwise,
        /// [`Window2d::depthwise`] with a last step from accumulator to output.
        depthwise_with: Image, Image, Direct, settings_2d, plan_2d, image, depthwise_2d
    }
    typed_operation! {
        /// `x = Cᵀ·y` of the depthwise map.
        depthwise_transpose,
        /// [`Window2d::depthwise_transpose`] with a last step from accumulator to output.
        depthwise_transpose_with: Image, Image, Transposed, settings_2d, plan_2d, image, depthwise_2d
    }

    /// The matrix of the map C that `kernel` has over images of `height × width`.
    ///
    /// # Errors
    ///
    /// The [`Error`] that names what is wrong with the extents.
    fn matrix<K: Kernel2d>(
        kernel: &K,
        height: usize,
        width: usize,
    ) -> Result<Matrix<'_, K::Element, 2>, Error> {
        let shape = const { kernel_2d::<K>() };
        let geometry = settings_2d::<Self>().geometry_over([height, width], shape)?;
        Matrix::new(geometry, shape.layout, kernel.elements())
    }
}

/// The geometry of a signal layer and the operations with it. Made with [`window1d!`](crate::window1d).
///
/// ```text
/// y = C·x    y[t][co] = Σ k ci  x[t·stride + k·dilation − pad_before][ci] · kernel[co][k][ci]
/// x = Cᵀ·y   x[n][ci] = Σ       y[t][co] · kernel[co][k][ci]    over all t, k, co with n = t·stride + k·dilation − pad_before
/// ```
///
/// Everything said of [`Window2d`] holds: samples outside a signal read as 0, sums run over taps, then
/// channels, accumulators are proven, nothing panics.
///
/// ```
/// use conv_core::{Window1d, window1d};
///
/// window1d! { struct Decimate: stride 2, pad 1 }
///
/// let signal = [1_i16, 2, 3, 4, 5, 6];
/// let mut halved = [0_i64; 3];
/// Decimate::conv(&signal, &[1_i16, 2, 1], &mut halved);
/// assert_eq!(halved, [4, 12, 20]);
///
/// // The transpose leads back to 5 or to 6 samples; the array says which.
/// let mut doubled = [0_i64; 6];
/// Decimate::conv_transpose(&[1_i16, 0, 1], &[1_i16, 2, 1], &mut doubled);
/// assert_eq!(doubled, [2, 1, 0, 1, 2, 1]);
/// ```
pub trait Window1d {
    /// Stride, dilation and padding.
    const LENGTH: Window;
    /// Number of groups into which `conv` and `conv_transpose` divide the channels.
    const GROUPS: usize;
    /// Whether the kernel is applied as stored or flipped.
    const ORIENTATION: Orientation;

    typed_operation! {
        /// `y = C·x`, the direct operation, into raw accumulators.
        conv,
        /// `y = finish(C·x)`, the direct operation with a last step from accumulator to output.
        conv_with: Signal, Kernel1d, Direct, settings_1d, plan_1d, signal, kernel_1d
    }
    typed_operation! {
        /// `x = Cᵀ·y`, the transposed operation, into raw accumulators. The output may have any length that
        /// the geometry can lead to.
        conv_transpose,
        /// `x = finish(Cᵀ·y)`, the transposed operation with a last step from accumulator to output.
        conv_transpose_with: Signal, Kernel1d, Transposed, settings_1d, plan_1d, signal, kernel_1d
    }
    typed_operation! {
        /// `y = C·x` where output channel `c·m + i` reads input channel `c` alone, `m` being the channel
        /// multiplier: `y[t][o] = Σ k x[…][o/m] · kernel[k][o]`.
        depthwise,
        /// [`Window1d::depthwise`] with a last step from accumulator to output.
        depthwise_with: Signal, Signal, Direct, settings_1d, plan_1d, signal, depthwise_1d
    }
    typed_operation! {
        /// `x = Cᵀ·y` of the depthwise map.
        depthwise_transpose,
        /// [`Window1d::depthwise_transpose`] with a last step from accumulator to output.
        depthwise_transpose_with: Signal, Signal, Transposed, settings_1d, plan_1d, signal, depthwise_1d
    }

    /// The matrix of the map C that `kernel` has over signals of `length` samples.
    ///
    /// # Errors
    ///
    /// The [`Error`] that names what is wrong with the extents.
    fn matrix<K: Kernel1d>(kernel: &K, length: usize) -> Result<Matrix<'_, K::Element, 1>, Error> {
        let shape = const { kernel_1d::<K>() };
        let geometry = settings_1d::<Self>().geometry_over([length], shape)?;
        Matrix::new(geometry, shape.layout, kernel.elements())
    }

    /// Number of samples that [`Window1d::conv_slice`] makes of `length` with `kernel`.
    ///
    /// # Errors
    ///
    /// The [`Error`] that names what is wrong with the length.
    fn output_length<K: Kernel1d>(_kernel: &K, length: usize) -> Result<usize, Error> {
        let geometry = settings_1d::<Self>().geometry_over([length], kernel_1d::<K>())?;
        Ok(geometry.output()[0])
    }

    /// [`Window1d::conv_with`] where the number of samples is known only at run time. Channels and
    /// accumulator are still checked at compile time.
    ///
    /// ```
    /// use conv_core::{Window1d, finish, window1d};
    ///
    /// window1d! { struct Pairs }
    ///
    /// fn sums(samples: &[[i8; 2]], output: &mut [i32]) -> Result<(), conv_core::Error> {
    ///     Pairs::conv_slice(samples, &[[[1_i8, -1], [1, -1]]], output, finish::raw())
    /// }
    ///
    /// let mut output = [[0_i32; 1]; 2];
    /// sums(&[[5, 1], [6, 2], [9, 3]], output.as_flattened_mut())?;
    /// assert_eq!(output, [[8], [10]]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Error`] that names buffer, expected and found; the output is then untouched.
    fn conv_slice<S, K, R, F>(
        input: &[S],
        kernel: &K,
        output: &mut [R],
        finish: F,
    ) -> Result<(), Error>
    where
        S: Sample,
        K: Kernel1d,
        R: Sample,
        F: Finish<Output = R::Element>,
        S::Element: Multiply<K::Element, F::Accumulator>,
    {
        run_slice::<Self, S, K, R, F>(Direction::Direct, input, kernel, output, &finish)
    }

    /// [`Window1d::conv_transpose_with`] where the number of samples is known only at run time.
    ///
    /// # Errors
    ///
    /// The [`Error`] that names buffer, expected and found; the output is then untouched.
    fn conv_transpose_slice<S, K, R, F>(
        input: &[S],
        kernel: &K,
        output: &mut [R],
        finish: F,
    ) -> Result<(), Error>
    where
        S: Sample,
        K: Kernel1d,
        R: Sample,
        F: Finish<Output = R::Element>,
        S::Element: Multiply<K::Element, F::Accumulator>,
    {
        run_slice::<Self, S, K, R, F>(Direction::Transposed, input, kernel, output, &finish)
    }

    /// [`Window1d::conv_slice`] into a vector of fixed capacity, of the length that the geometry gives.
    ///
    /// ```
    /// use conv_core::{Window1d, finish, window1d};
    /// use heapless::Vec;
    ///
    /// window1d! { struct Decimate: stride 2 }
    ///
    /// let block: Vec<i16, 8> = Vec::from_slice(&[1, 2, 3, 4, 5])?;
    /// let halved: Vec<i64, 4> = Decimate::conv_vec(&block, &[1_i16, 1], finish::raw()).unwrap();
    /// assert_eq!(halved, [3, 7]);
    /// # Ok::<(), heapless::CapacityError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The [`Error`] that names what is wrong with the length, or the capacity that is short.
    #[cfg(feature = "heapless")]
    fn conv_vec<S, K, R, F, const N: usize>(
        input: &[S],
        kernel: &K,
        finish: F,
    ) -> Result<::heapless::Vec<R, N>, Error>
    where
        S: Sample,
        K: Kernel1d,
        R: Sample,
        F: Finish<Output = R::Element>,
        S::Element: Multiply<K::Element, F::Accumulator>,
    {
        let length = Self::output_length(kernel, input.len())?;
        let mut output = crate::heapless::zeros(length, R::ZERO)?;
        Self::conv_slice(input, kernel, &mut output, finish)?;
        Ok(output)
    }

    /// [`Window1d::conv_transpose_slice`] into a vector of fixed capacity, of the `length` asked for.
    ///
    /// # Errors
    ///
    /// The [`Error`] that names what is wrong with the length, or the capacity that is short.
    #[cfg(feature = "heapless")]
    fn conv_transpose_vec<S, K, R, F, const N: usize>(
        input: &[S],
        kernel: &K,
        length: usize,
        finish: F,
    ) -> Result<::heapless::Vec<R, N>, Error>
    where
        S: Sample,
        K: Kernel1d,
        R: Sample,
        F: Finish<Output = R::Element>,
        S::Element: Multiply<K::Element, F::Accumulator>,
    {
        let mut output = crate::heapless::zeros(length, R::ZERO)?;
        Self::conv_transpose_slice(input, kernel, &mut output, finish)?;
        Ok(output)
    }
}

fn run_slice<M, S, K, R, F>(
    direction: Direction,
    input: &[S],
    kernel: &K,
    output: &mut [R],
    finish: &F,
) -> Result<(), Error>
where
    M: Window1d + ?Sized,
    S: Sample,
    K: Kernel1d,
    R: Sample,
    F: Finish<Output = R::Element>,
    S::Element: Multiply<K::Element, F::Accumulator>,
{
    let source = Shape {
        extents: [input.len()],
        channels: S::CHANNELS,
    };
    let target = Shape {
        extents: [output.len()],
        channels: R::CHANNELS,
    };
    let settings = settings_1d::<M>();
    let geometry = settings.geometry(direction, source, kernel_1d::<K>(), target)?;
    let operation = crate::dynamic::Operation::new(direction, KernelLayout::OutputSpatialInput);
    operation.run(
        &geometry,
        S::flatten(input),
        kernel.elements(),
        R::flatten_mut(output),
        finish,
    )
}

/// Defines a marker type that implements [`Window2d`].
///
/// Settings are separated by commas. `stride`, `dilation`, `pad`, `pad_before` and `pad_after` take one value
/// for both axes or a pair `(height, width)`; `padding` takes the name of a [`Padding`](crate::Padding);
/// `groups` takes a number; `flip` stands alone and makes it a true convolution; `window` takes a [`Window`] that holds all
/// of an axis, such as a [convention](crate::convention)'s, or a pair. Values are literals, constants or expressions in
/// parentheses.
///
/// ```
/// use conv_core::window2d;
///
/// window2d! { struct Plain }
/// window2d! { struct Half: stride 2, pad 1 }
/// window2d! {
///     /// Wide windows that look only back along the width.
///     pub struct Wide: dilation (1, 4), pad_before (1, 8), pad_after (1, 0)
/// }
/// window2d! { struct Same: stride 2, padding SameUpper, groups 4 }
/// window2d! { struct True: pad (1, 2), flip }
/// window2d! { struct Cropped: pad (-1) }
/// ```
#[macro_export]
macro_rules! window2d {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident $(: $($settings:tt)*)?) => {
        $(#[$meta])*
        $visibility struct $name;

        $crate::__settings!($($($settings)*)?);

        impl $crate::Window2d for $name {
            const HEIGHT: $crate::Window =
                $crate::__window!(height, $crate::Window::new(), $($($settings)*)?);
            const WIDTH: $crate::Window =
                $crate::__window!(width, $crate::Window::new(), $($($settings)*)?);
            const GROUPS: usize = $crate::__groups!($($($settings)*)?);
            const ORIENTATION: $crate::Orientation = $crate::__orientation!($($($settings)*)?);
        }
    };
    ($($other:tt)*) => {
        $crate::__not_a_marker!($($other)*);
    };
}

/// Defines a marker type that implements [`Window1d`].
///
/// Settings are separated by commas: `stride`, `dilation`, `pad` (both sides), `pad_before`, `pad_after` and
/// `groups` take a number, `padding` the name of a [`Padding`](crate::Padding), `window` a [`Window`] that holds all of them,
/// `flip` stands alone and makes it a true convolution. Values are literals, constants or expressions in parentheses.
///
/// ```
/// use conv_core::window1d;
///
/// window1d! { struct Decimate: stride 4, pad 7 }
/// window1d! {
///     /// Looks only back.
///     pub struct Recent: dilation 2, padding Causal
/// }
/// window1d! { struct Fir: pad_before 3, pad_after (3 - 1), flip }
/// ```
#[macro_export]
macro_rules! window1d {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident $(: $($settings:tt)*)?) => {
        $(#[$meta])*
        $visibility struct $name;

        $crate::__settings!($($($settings)*)?);

        impl $crate::Window1d for $name {
            const LENGTH: $crate::Window =
                $crate::__window!(length, $crate::Window::new(), $($($settings)*)?);
            const GROUPS: usize = $crate::__groups!($($($settings)*)?);
            const ORIENTATION: $crate::Orientation = $crate::__orientation!($($($settings)*)?);
        }
    };
    ($($other:tt)*) => {
        $crate::__not_a_marker!($($other)*);
    };
}

/// Folds the settings of one axis into a `Window`.
#[doc(hidden)]
#[macro_export]
macro_rules! __window {
    ($axis:ident, $window:expr, ) => { $window };
    ($axis:ident, $window:expr, stride $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window.with_stride($crate::__value!($axis, $value)), $($($rest)*)?)
    };
    ($axis:ident, $window:expr, dilation $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window.with_dilation($crate::__value!($axis, $value)), $($($rest)*)?)
    };
    ($axis:ident, $window:expr, pad $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!(
            $axis,
            $window.with_pads($crate::__value!($axis, $value), $crate::__value!($axis, $value)),
            $($($rest)*)?
        )
    };
    ($axis:ident, $window:expr, pad_before $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window.with_pad_before($crate::__value!($axis, $value)), $($($rest)*)?)
    };
    ($axis:ident, $window:expr, pad_after $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window.with_pad_after($crate::__value!($axis, $value)), $($($rest)*)?)
    };
    ($axis:ident, $window:expr, padding $name:ident $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $crate::__padding!($window, $name), $($($rest)*)?)
    };
    ($axis:ident, $window:expr, window $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $crate::__value!($axis, $value), $($($rest)*)?)
    };
    // Not settings of an axis.
    ($axis:ident, $window:expr, groups $value:tt $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window, $($($rest)*)?)
    };
    ($axis:ident, $window:expr, flip $(, $($rest:tt)*)?) => {
        $crate::__window!($axis, $window, $($($rest)*)?)
    };
    // What `__settings` names.
    ($axis:ident, $window:expr, $($other:tt)*) => { $window };
}

/// Names the first setting that is none.
#[doc(hidden)]
#[macro_export]
macro_rules! __settings {
    () => {};
    (padding Valid $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding Half $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding Full $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding SameUpper $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding SameLower $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding Causal $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    (padding $value:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unknown padding `", ::core::stringify!($value),
            "`: expected Valid, Half, Full, SameUpper (TensorFlow's SAME), SameLower or Causal; numbers of zeros are `pad 1`"
        ));
    };
    (flip $(, $($rest:tt)*)?) => { $crate::__settings!($($($rest)*)?); };
    ($setting:ident $value:tt $(, $($rest:tt)*)?) => {
        $crate::__setting!($setting $value);
        $crate::__settings!($($($rest)*)?);
    };
    ($setting:ident - $value:tt $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unexpected `", ::core::stringify!($setting), " -", ::core::stringify!($value),
            "`: expected a negative value in parentheses, `", ::core::stringify!($setting), " (-", ::core::stringify!($value), ")`"
        ));
    };
    ($setting:ident : $($rest:tt)*) => { $crate::__settings!(@sign $setting ":"); };
    ($setting:ident = $($rest:tt)*) => { $crate::__settings!(@sign $setting "="); };
    (@sign $setting:ident $sign:literal) => {
        ::core::compile_error!(::core::concat!(
            "unexpected `", $sign, "` after `", ::core::stringify!($setting), "`: expected the value right behind the name, as in `stride 2`"
        ));
    };
    ($($other:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unexpected `", ::core::stringify!($($other)*),
            "`: expected settings separated by commas, as in `stride 2, pad 1`; a value of several words stands in parentheses"
        ));
    };
}

/// Names a setting that is none, and what was meant.
#[doc(hidden)]
#[macro_export]
macro_rules! __setting {
    (stride $value:tt) => {};
    (dilation $value:tt) => {};
    (pad $value:tt) => {};
    (pad_before $value:tt) => {};
    (pad_after $value:tt) => {};
    (window $value:tt) => {};
    (groups $value:tt) => {};
    (strides $value:tt) => { $crate::__setting!(@meant strides, stride); };
    (subsample $value:tt) => { $crate::__setting!(@meant subsample, stride); };
    (dilations $value:tt) => { $crate::__setting!(@meant dilations, dilation); };
    (dilation_rate $value:tt) => { $crate::__setting!(@meant dilation_rate, dilation); };
    (filter_dilation $value:tt) => { $crate::__setting!(@meant filter_dilation, dilation); };
    (pads $value:tt) => { $crate::__setting!(@meant pads, pad); };
    (group $value:tt) => { $crate::__setting!(@meant group, groups); };
    (feature_group_count $value:tt) => { $crate::__setting!(@meant feature_group_count, groups); };
    (@meant $setting:ident, $meant:ident) => {
        ::core::compile_error!(::core::concat!(
            "unknown setting `", ::core::stringify!($setting), "`: expected `", ::core::stringify!($meant), "`"
        ));
    };
    ($setting:ident $value:tt) => {
        ::core::compile_error!(::core::concat!(
            "unknown setting `", ::core::stringify!($setting),
            "`: expected stride, dilation, pad, pad_before, pad_after, padding, window, groups or flip"
        ));
    };
}

/// Says how a marker is written.
#[doc(hidden)]
#[macro_export]
macro_rules! __not_a_marker {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($settings:tt)* } $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unexpected braces around the settings of `", ::core::stringify!($name), "`: expected `struct ",
            ::core::stringify!($name), ": stride 2, pad 1`"
        ));
    };
    ($($other:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unexpected `", ::core::stringify!($($other)*), "`: expected a marker, as in `struct Half: stride 2, pad 1`"
        ));
    };
}

/// A window with a padding by name, if it is one.
#[doc(hidden)]
#[macro_export]
macro_rules! __padding {
    ($window:expr, Valid) => {
        $window.with_padding($crate::Padding::Valid)
    };
    ($window:expr, Half) => {
        $window.with_padding($crate::Padding::Half)
    };
    ($window:expr, Full) => {
        $window.with_padding($crate::Padding::Full)
    };
    ($window:expr, SameUpper) => {
        $window.with_padding($crate::Padding::SameUpper)
    };
    ($window:expr, SameLower) => {
        $window.with_padding($crate::Padding::SameLower)
    };
    ($window:expr, Causal) => {
        $window.with_padding($crate::Padding::Causal)
    };
    // What `__settings` names.
    ($window:expr, $other:ident) => {
        $window
    };
}

/// One axis's part of a value: a pair is `(height, width)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __value {
    (height, ($height:expr, $width:expr)) => {
        $height
    };
    (width, ($height:expr, $width:expr)) => {
        $width
    };
    ($axis:ident, $value:expr) => {
        $value
    };
}

/// The value of `groups` among settings, 1 without.
#[doc(hidden)]
#[macro_export]
macro_rules! __groups {
    () => { 1 };
    (groups $value:tt $($rest:tt)*) => { $value };
    ($other:tt $($rest:tt)*) => { $crate::__groups!($($rest)*) };
}

/// Whether `flip` is among settings.
#[doc(hidden)]
#[macro_export]
macro_rules! __orientation {
    () => { $crate::Orientation::Correlation };
    (flip $($rest:tt)*) => { $crate::Orientation::Convolution };
    ($other:tt $($rest:tt)*) => { $crate::__orientation!($($rest)*) };
}
