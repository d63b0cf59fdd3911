//! What [`assert_shapes!`](crate::assert_shapes) is made of.

use core::marker::PhantomData;

use crate::axis::Window;
use crate::element::{Element, Multiply};
use crate::engine::Direction;
use crate::finish::{Finish, Raw};
use crate::geometry::{KernelLayout, Orientation};
use crate::shape::{Image, Kernel1d, Kernel2d, Signal};
use crate::typed::{self, KernelShape, Settings, Shape};
use crate::window::{Window1d, Window2d};

/// Checks at the line where it stands that shapes fit an operation, a layer or a pool, in `cargo check` and in editors.
///
/// The operations themselves compare shapes when code is generated for them: `cargo build` says what does not fit, `cargo check`
/// does not, nor is a function compared that nothing calls. This line is, always:
///
/// ```
/// use conv_core::{Window2d, assert_shapes, finish, window2d};
/// use conv_core::finish::Finish;
///
/// type Picture = [[[i8; 3]; 32]; 32];
/// type Kernel = [[[[i8; 3]; 3]; 3]; 16];
/// type Features = [[[i32; 16]; 16]; 16];
/// static BIAS: [i32; 16] = [0; 16];
///
/// window2d! { struct Half: stride 2, pad 1 }
///
/// assert_shapes!(Half::conv(Picture, Kernel) => Features);
/// assert_shapes!(Half::conv_transpose([[[i8; 16]; 16]; 16], Kernel) => [[[i64; 3]; 31]; 32]);
/// assert_shapes!(Half::depthwise(Picture, [[[i8; 6]; 3]; 3]) => [[[i32; 6]; 16]; 16]);
/// // With a finish: also the number of its biases and what it adds up.
/// assert_shapes!(Half::conv_with(Picture, Kernel, finish::bias(&BIAS).to_q7(8)) => [[[i8; 16]; 16]; 16]);
/// ```
///
/// Every operation of [`Window1d`] and [`Window2d`] on arrays may stand there, and the `run` of a quantised layer or a pool that
/// is a constant or a `static`:
///
/// ```
/// use conv_core::pool::MaxPool2d;
/// use conv_core::{assert_shapes, window2d};
///
/// window2d! { struct Halve: stride 2 }
/// static POOL: MaxPool2d<Halve, i8, 2, 2> = MaxPool2d::new();
///
/// assert_shapes!(POOL.run([[i8; 8]; 6]) => [[i8; 4]; 3]);
/// ```
///
/// What does not fit is named, as in `output width is 5, expected 4`:
///
/// ```compile_fail
/// # use conv_core::pool::MaxPool2d;
/// # use conv_core::{assert_shapes, window2d};
/// # window2d! { struct Halve: stride 2 }
/// # static POOL: MaxPool2d<Halve, i8, 2, 2> = MaxPool2d::new();
/// assert_shapes!(POOL.run([[i8; 8]; 6]) => [[i8; 5]; 3]);
/// ```
///
/// A stream compares its history where it is made: one in a `static` or a constant needs no such line.
#[macro_export]
macro_rules! assert_shapes {
    ($layer:ident.run($input:ty $(,)?) => $output:ty) => {
        const _: () = $layer.fits::<$input, $output>();
    };
    ($marker:ident::$operation:ident($input:ty, $kernel:ty $(,)?) => $output:ty) => {
        const _: () = $crate::__fits::Shapes::<$marker, $input, $kernel, $output>::NEW.$operation();
    };
    ($marker:ident::$operation:ident($input:ty, $kernel:ty, $finish:expr $(,)?) => $output:ty) => {
        const _: () =
            $crate::__fits::Shapes::<$marker, $input, $kernel, $output>::NEW.$operation(&|| $finish);
    };
    ($($other:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "unexpected `", ::core::stringify!($($other)*), "`: expected `Marker::conv(Input, Kernel) => Output`, ",
            "`Marker::conv_with(Input, Kernel, finish) => Output` or `LAYER.run(Input) => Output`"
        ));
    };
}

/// Markers of `D` dimensions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a marker that `window1d!` or `window2d!` made"
)]
pub trait Marker<const D: usize> {
    /// Windows, groups and orientation.
    const SETTINGS: ([Window; D], usize, Orientation);
}

/// Signals, of one dimension, and images, of two.
#[diagnostic::on_unimplemented(message = "`{Self}` is neither a signal nor an image")]
pub trait Map<const D: usize> {
    /// What it holds.
    type Element: Element;
    /// Extents.
    const EXTENTS: [usize; D];
    /// Channels.
    const CHANNELS: usize;
}

/// Kernels of operations that are not depthwise.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a kernel")]
pub trait Kernel<const D: usize> {
    /// What it holds.
    type Element: Element;
    /// Taps.
    const EXTENTS: [usize; D];
    /// Input channels of a group, and output channels.
    const CHANNELS: [usize; 2];
}

const fn settings<M: Marker<D>, const D: usize>() -> Settings<D> {
    let (windows, groups, orientation) = M::SETTINGS;
    Settings {
        windows,
        groups,
        orientation,
    }
}

const fn map<A: Map<D>, const D: usize>() -> Shape<D> {
    Shape {
        extents: A::EXTENTS,
        channels: A::CHANNELS,
    }
}

const fn dense<K: Kernel<D>, const D: usize>() -> KernelShape<D> {
    let [input_channels, output_channels] = K::CHANNELS;
    KernelShape {
        extents: K::EXTENTS,
        input_channels,
        output_channels,
        layout: KernelLayout::OutputSpatialInput,
    }
}

const fn depthwise<K: Map<D>, const D: usize>() -> KernelShape<D> {
    KernelShape {
        extents: K::EXTENTS,
        input_channels: 1,
        output_channels: K::CHANNELS,
        layout: KernelLayout::SpatialOutput,
    }
}

macro_rules! dimensions {
    ($dimensions:literal, $window:ident, $map:ident, $kernel:ident, [$($axis:ident),*]) => {
        impl<M: $window> Marker<$dimensions> for M {
            const SETTINGS: ([Window; $dimensions], usize, Orientation) =
                ([$(M::$axis),*], M::GROUPS, M::ORIENTATION);
        }

        impl<A: $map> Map<$dimensions> for A {
            type Element = A::Element;
            const EXTENTS: [usize; $dimensions] = [$(A::$axis),*];
            const CHANNELS: usize = A::CHANNELS;
        }

        impl<K: $kernel> Kernel<$dimensions> for K {
            type Element = K::Element;
            const EXTENTS: [usize; $dimensions] = [$(K::$axis),*];
            const CHANNELS: [usize; 2] = [K::INPUT_CHANNELS, K::OUTPUT_CHANNELS];
        }
    };
}
dimensions! { 1, Window1d, Signal, Kernel1d, [LENGTH] }
dimensions! { 2, Window2d, Image, Kernel2d, [HEIGHT, WIDTH] }

/// Marker, input, kernel and output of an operation.
pub struct Shapes<M, I, K, O>(PhantomData<Types<M, I, K, O>>);

type Types<M, I, K, O> = fn() -> (M, I, K, O);

impl<M, I, K, O> Shapes<M, I, K, O> {
    /// These types.
    pub const NEW: Self = Self(PhantomData);
}

macro_rules! operations {
    ($($name:ident, $name_with:ident: $direction:ident, $kernel:ident, $shape:ident;)*) => {
        impl<M, I, K, O> Shapes<M, I, K, O> {$(
            /// Stops the build where they do not fit.
            #[track_caller]
            pub const fn $name<const D: usize>(self)
            where
                M: Marker<D>,
                I: Map<D>,
                K: $kernel<D>,
                O: Map<D>,
                I::Element: Multiply<K::Element, O::Element>,
            {
                let checked = settings::<M, D>().plan::<I::Element, K::Element, Raw<O::Element>>(
                    Direction::$direction,
                    map::<I, D>(),
                    $shape::<K, D>(),
                    map::<O, D>(),
                );
                typed::checked(checked);
            }

            /// Stops the build where they do not fit, or do not fit the finish.
            #[track_caller]
            pub const fn $name_with<F, const D: usize>(self, _finish: &impl Fn() -> F)
            where
                M: Marker<D>,
                I: Map<D>,
                K: $kernel<D>,
                O: Map<D>,
                F: Finish<Output = O::Element>,
                I::Element: Multiply<K::Element, F::Accumulator>,
            {
                let checked = settings::<M, D>().plan::<I::Element, K::Element, F>(
                    Direction::$direction,
                    map::<I, D>(),
                    $shape::<K, D>(),
                    map::<O, D>(),
                );
                typed::checked(checked);
            }
        )*}
    };
}
operations! {
    conv, conv_with: Direct, Kernel, dense;
    conv_transpose, conv_transpose_with: Transposed, Kernel, dense;
    depthwise, depthwise_with: Direct, Map, depthwise;
    depthwise_transpose, depthwise_transpose_with: Transposed, Map, depthwise;
}
