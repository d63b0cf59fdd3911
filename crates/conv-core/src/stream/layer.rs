//! What a stream can run: a map with its kernel and finish, a quantised layer, or pooling.

use core::marker::PhantomData;
use core::{fmt, mem};

use crate::axis::{AxisError, Padding, Window};
use crate::dot::Plain;
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Operands, Pixels, Plan};
use crate::error::{Dimension, Error};
use crate::finish::Finish;
use crate::message::Message;
use crate::pool::{self, Pool, Pooled, Pooling};
use crate::quantised::{self, Accumulate, Activation, LayerKind, QuantKernel, QuantLayer, Scratch};
use crate::requantise::Rounding;
use crate::shape::{Image, Kernel1d, Kernel2d, Signal};
use crate::stream::frame::{Arrays, Frame, Images, Signals};
use crate::stream::schedule::Schedule;
use crate::typed::{self, KernelShape, Shape};
use crate::window::{self, Window1d, Window2d};

/// Plan and schedule of a stream, a constant.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    pub(crate) plan: Plan,
    pub(crate) schedule: Schedule,
    /// The dimension of the plan along which the stream runs.
    pub(crate) dimension: usize,
}

impl Course {
    /// So many outputs, of the first of which the taps start at `start` of the `valid` inputs that are there.
    #[inline]
    pub(crate) const fn at(&self, start: isize, valid: usize, count: usize) -> Plan {
        self.plan.within(self.dimension, start, valid, count)
    }
}

/// What a [`Stream`](crate::stream::Stream) runs over a history `H`, with outputs `P`: [`Layer1d`], [`Layer2d`],
/// [`Quantised`], or a reference to a [`Pool`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stream from a history `{H}` to outputs `{P}`",
    note = "a signal's history is `[T; N]` or `[[T; C]; N]`, an image's `[[T; W]; N]` or `[[[T; C]; W]; N]`; outputs are one sample, or one row `[T; W]` or `[[T; C]; W]`"
)]
pub trait Layer<H, P>: sealed::Sealed {
    /// How history, inputs and outputs look.
    type Frame: Frame<H, P>;
    /// Plan and schedule. Evaluating it checks every shape.
    #[doc(hidden)]
    const COURSE: Course;

    /// The outputs of a plan.
    #[doc(hidden)]
    fn run(
        &mut self,
        plan: &Plan,
        input: &[<Self::Frame as Frame<H, P>>::Element],
        output: &mut [<Self::Frame as Frame<H, P>>::Output],
    );
}

mod sealed {
    pub trait Sealed {}
}

/// Direct: `y = C·x`.
#[derive(Clone, Copy, Debug)]
pub struct Conv;
/// Transposed: `x = Cᵀ·y`.
#[derive(Clone, Copy, Debug)]
pub struct ConvTranspose;
/// Direct, each input channel by itself.
#[derive(Clone, Copy, Debug)]
pub struct Depthwise;
/// Transposed, each channel by itself.
#[derive(Clone, Copy, Debug)]
pub struct DepthwiseTranspose;

/// One of the four operations, with `K` as the kernel of a signal. Sealed.
pub trait Operation1d<K>: sealed::Sealed {
    /// A weight.
    type Weight: Element;
    #[doc(hidden)]
    const DIRECTION: Way;
    #[doc(hidden)]
    const KERNEL: Taps<1>;
    /// The weights in memory order.
    fn weights(kernel: &K) -> &[Self::Weight];
}

/// One of the four operations, with `K` as the kernel of an image. Sealed.
pub trait Operation2d<K>: sealed::Sealed {
    /// A weight.
    type Weight: Element;
    #[doc(hidden)]
    const DIRECTION: Way;
    #[doc(hidden)]
    const KERNEL: Taps<2>;
    /// The weights in memory order.
    fn weights(kernel: &K) -> &[Self::Weight];
}

/// A direction.
#[derive(Clone, Copy, Debug)]
pub struct Way(Direction);

/// The shape of a kernel.
#[derive(Clone, Copy)]
pub struct Taps<const D: usize>(KernelShape<D>);

macro_rules! operations {
    ($($operation:ident, $trait:ident, $dimensions:literal, $kernel:ident, $direction:ident, $shape:ident;)*) => {$(
        impl<K: $kernel> $trait<K> for $operation {
            type Weight = K::Element;
            const DIRECTION: Way = Way(Direction::$direction);
            const KERNEL: Taps<$dimensions> = Taps(window::$shape::<K>());

            fn weights(kernel: &K) -> &[K::Element] {
                kernel.elements()
            }
        }
    )*};
}
operations! {
    Conv, Operation1d, 1, Kernel1d, Direct, kernel_1d;
    ConvTranspose, Operation1d, 1, Kernel1d, Transposed, kernel_1d;
    Depthwise, Operation1d, 1, Signal, Direct, depthwise_1d;
    DepthwiseTranspose, Operation1d, 1, Signal, Transposed, depthwise_1d;
    Conv, Operation2d, 2, Kernel2d, Direct, kernel_2d;
    ConvTranspose, Operation2d, 2, Kernel2d, Transposed, kernel_2d;
    Depthwise, Operation2d, 2, Image, Direct, depthwise_2d;
    DepthwiseTranspose, Operation2d, 2, Image, Transposed, depthwise_2d;
}
impl sealed::Sealed for Conv {}
impl sealed::Sealed for ConvTranspose {}
impl sealed::Sealed for Depthwise {}
impl sealed::Sealed for DepthwiseTranspose {}

macro_rules! layers {
    ($($(#[$doc:meta])* $layer:ident;)*) => {$(
        $(#[$doc])*
        pub struct $layer<'a, Op, M, K, F> {
            kernel: &'a K,
            finish: F,
            marker: PhantomData<fn() -> (Op, M)>,
        }

        impl<Op, M, K, F> sealed::Sealed for $layer<'_, Op, M, K, F> {}

        impl<Op, M, K, F: Clone> Clone for $layer<'_, Op, M, K, F> {
            fn clone(&self) -> Self {
                Self { kernel: self.kernel, finish: self.finish.clone(), marker: PhantomData }
            }
        }

        impl<Op, M, K: fmt::Debug, F: fmt::Debug> fmt::Debug for $layer<'_, Op, M, K, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($layer))
                    .field("kernel", self.kernel)
                    .field("finish", &self.finish)
                    .finish_non_exhaustive()
            }
        }

        impl<'a, Op, M, K, F> $layer<'a, Op, M, K, F> {
            pub(crate) const fn new(window: M, kernel: &'a K, finish: F) -> Self {
                // A marker, which a constant function cannot drop.
                mem::forget(window);
                Self { kernel, finish, marker: PhantomData }
            }
        }
    )*};
}
layers! {
    /// A layer on signals: operation, geometry `M`, kernel `K`, finish `F`.
    Layer1d;
    /// A layer on images: operation, geometry `M`, kernel `K`, finish `F`.
    Layer2d;
}

/// A reference to a quantised layer, with the scratch `S` that it needs.
#[derive(Clone, Debug)]
pub struct Quantised<'a, L, S> {
    layer: &'a L,
    scratch: S,
}

impl<'a, L, S: Scratch> Quantised<'a, L, S> {
    pub(crate) const fn new(layer: &'a L) -> Self {
        Self {
            layer,
            scratch: S::NEW,
        }
    }
}

impl<L, S> sealed::Sealed for Quantised<'_, L, S> {}

impl<Kind, M, T, const KH: usize, const KW: usize, const D: usize> sealed::Sealed
    for &Pool<Kind, M, T, KH, KW, D>
{
}

/// What streams in a frame: maps, quantised layers, pooling.
macro_rules! streamed {
    (
        $frame:ident, $layer:ident, $operation:ident, $window:ident, $settings:ident, $scheduled:ident, $plan:ident,
        $dimensions:literal, [$($tap:ident),*], |$geometry:ident| $planar:expr
    ) => {
        impl<Op, M, K, F, H, P> Layer<H, P> for $layer<'_, Op, M, K, F>
        where
            Op: $operation<K>,
            M: $window,
            $frame: Frame<H, P>,
            F: Finish<Output = <$frame as Frame<H, P>>::Output>,
            <$frame as Frame<H, P>>::Element: Multiply<Op::Weight, F::Accumulator>,
        {
            type Frame = $frame;
            const COURSE: Course = {
                let (settings, Way(direction), Taps(kernel)) =
                    (window::$settings::<M>(), Op::DIRECTION, Op::KERNEL);
                let arrays = <$frame as Frame<H, P>>::ARRAYS;
                let (schedule, from, to) =
                    $scheduled(&arrays, settings.windows[0], kernel.extents[0], direction);
                let plan = settings.plan::<<$frame as Frame<H, P>>::Element, Op::Weight, F>(
                    direction, from, kernel, to,
                );
                Course {
                    plan: typed::$plan(plan),
                    schedule,
                    dimension: 2 - $dimensions,
                }
            };

            fn run(
                &mut self,
                plan: &Plan,
                input: &[<$frame as Frame<H, P>>::Element],
                output: &mut [F::Output],
            ) {
                run(plan, input, Op::weights(self.kernel), output, &self.finish);
            }
        }

        impl<Kind, M, T, K, R, S, H, P, const CO: usize> Layer<H, P>
            for Quantised<'_, QuantLayer<Kind, M, T, K, R, CO, $dimensions>, S>
        where
            Kind: LayerKind,
            S: Scratch,
            M: $window,
            T: Activation + Multiply<i8, R::Accumulator>,
            K: QuantKernel<$dimensions>,
            R: Rounding,
            R::Accumulator: Accumulate,
            $frame: Frame<H, P, Element = T>,
            <$frame as Frame<H, P>>::Output: Activation,
        {
            type Frame = $frame;
            const COURSE: Course = {
                let settings = window::$settings::<M>();
                let arrays = <$frame as Frame<H, P>>::ARRAYS;
                let direction = Kind::OPERATION.operation().direction();
                let (schedule, from, to) =
                    $scheduled(&arrays, settings.windows[0], K::EXTENTS[0], direction);
                let resolved = quantised::resolved::<Kind, K, $dimensions>(settings, from, to);
                Course {
                    plan: typed::$plan(resolved),
                    schedule,
                    dimension: 2 - $dimensions,
                }
            };

            fn run(
                &mut self,
                plan: &Plan,
                input: &[T],
                output: &mut [<$frame as Frame<H, P>>::Output],
            ) {
                let Self { layer, scratch } = self;
                layer.run_plan(Kind::OPERATION, plan, input, output, scratch);
            }
        }

        impl<Kind, M, T, H, P, const KH: usize, const KW: usize> Layer<H, P>
            for &Pool<Kind, M, T, KH, KW, $dimensions>
        where
            Kind: Pooling,
            M: $window,
            T: Pooled,
            $frame: Frame<H, P, Element = T, Output = T>,
        {
            type Frame = $frame;
            const COURSE: Course = {
                let settings = window::$settings::<M>();
                let arrays = <$frame as Frame<H, P>>::ARRAYS;
                let kernel = [$($tap),*];
                let (schedule, from, to) =
                    $scheduled(&arrays, settings.windows[0], kernel[0], Direction::Direct);
                let $geometry = pool::map::<$dimensions>(settings, kernel, from, to);
                let geometry = $planar;
                let checked = pool::check_stream::<T, $dimensions>(Kind::OPERATION, &geometry);
                Course {
                    plan: pool::built(&geometry, checked),
                    schedule,
                    dimension: 2 - $dimensions,
                }
            };

            fn run(&mut self, plan: &Plan, input: &[T], output: &mut [T]) {
                self.run_plan(plan, input, output);
            }
        }
    };
}
streamed! {
    Signals, Layer1d, Operation1d, Window1d, settings_1d, scheduled_1d, plan_1d, 1, [KW], |geometry| geometry.as_2d()
}
streamed! {
    Images, Layer2d, Operation2d, Window2d, settings_2d, scheduled_2d, plan_2d, 2, [KH, KW], |geometry| geometry
}

/// The outputs of a map's plan.
pub(crate) fn run<T, W, F>(
    plan: &Plan,
    input: &[T],
    kernel: &[W],
    output: &mut [F::Output],
    finish: &F,
) where
    T: Multiply<W, F::Accumulator>,
    W: Element,
    F: Finish,
{
    let operands = Operands {
        product: Plain,
        input,
        kernel,
        finish,
    };
    operands.run(plan, Pixels::All, output);
}

/// The schedule of a typed stream, at compile time: stops the build where there is none.
const fn schedule(
    window: Window,
    kernel: usize,
    direction: Direction,
    dimension: Dimension,
    found: usize,
) -> Schedule {
    if matches!(window.padding, Padding::SameUpper | Padding::SameLower) && window.stride != 1 {
        let message = Message::new()
            .text(dimension.name())
            .text(": with a stride, the pads of SameUpper and SameLower depend on the extent, which a stream does not know: give pad_before and pad_after");
        panic!("{}", message.as_str())
    }
    // No other padding depends on the extent.
    let schedule = match window.axis(kernel, 1) {
        Ok(axis) => made(Schedule::new(axis, direction), dimension),
        Err(error) => Error::Axis { dimension, error }.stop_the_build(),
    };
    if found < schedule.history {
        let message = Message::new()
            .text("history ")
            .text(dimension.name())
            .text(" is ")
            .count(found)
            .text(", expected at least ")
            .count(schedule.history);
        panic!("{}", message.as_str())
    }
    schedule
}

/// Schedule and shapes of a stream of samples, over the shortest signal that the axis allows.
const fn scheduled_1d(
    arrays: &Arrays,
    window: Window,
    taps: usize,
    direction: Direction,
) -> (Schedule, Shape<1>, Shape<1>) {
    let length = Dimension::Length;
    let schedule = schedule(window, taps, direction, length, arrays.history);
    let ((from, to), [source, target]) = (least(&schedule, length), arrays.channels);
    (schedule, shape([from], source), shape([to], target))
}

/// Schedule and shapes of a stream of rows, over the lowest image that the axis allows.
const fn scheduled_2d(
    arrays: &Arrays,
    window: Window,
    taps: usize,
    direction: Direction,
) -> (Schedule, Shape<2>, Shape<2>) {
    let height = Dimension::Height;
    let schedule = schedule(window, taps, direction, height, arrays.history);
    let ((from, to), [source, target]) = (least(&schedule, height), arrays.channels);
    let [source_width, target_width] = arrays.widths;
    let from = shape([from, source_width], source);
    (schedule, from, shape([to, target_width], target))
}

const fn shape<const D: usize>(extents: [usize; D], channels: usize) -> Shape<D> {
    Shape { extents, channels }
}

const fn made(result: Result<Schedule, AxisError>, dimension: Dimension) -> Schedule {
    match result {
        Ok(schedule) => schedule,
        Err(error) => Error::Axis { dimension, error }.stop_the_build(),
    }
}

const fn least(schedule: &Schedule, dimension: Dimension) -> (usize, usize) {
    match schedule.least_extents() {
        Ok(extents) => extents,
        Err(error) => Error::Axis { dimension, error }.stop_the_build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_the_build(window: Window, found: usize) {
        let made = schedule(window, 8, Direction::Direct, Dimension::Length, found);
        assert_eq!(made.history, 8);
    }

    #[test]
    fn a_history_of_the_right_length_builds() {
        on_the_build(Window::new().with_stride(4), 8);
        on_the_build(Window::new().with_padding(Padding::SameUpper), 9);
    }

    #[test]
    #[should_panic(expected = "history length is 7, expected at least 8")]
    fn a_short_history_stops_the_build() {
        on_the_build(Window::new(), 7);
    }

    #[test]
    #[should_panic(expected = "give pad_before and pad_after")]
    fn pads_that_depend_on_the_extent_stop_the_build() {
        let window = Window::new().with_stride(2);
        on_the_build(window.with_padding(Padding::SameUpper), 8);
    }
}
