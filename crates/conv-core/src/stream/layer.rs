//! What a stream can run: a map with its kernel and finish, or a quantised layer.

use core::marker::PhantomData;
use core::{fmt, mem, slice};

use crate::axis::{AxisError, Padding, Window};
use crate::dot::Plain;
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Operands, Pixels, Plan};
use crate::error::{Dimension, Error};
use crate::finish::Finish;
use crate::message::Message;
use crate::quantised::{self, Accumulate, Activation, LayerKind, QuantKernel, QuantLayer2d};
use crate::requantise::Rounding;
use crate::shape::{Image, Kernel1d, Kernel2d, Sample, Signal};
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

/// What a [`Stream`](crate::stream::Stream) runs over a history `H`, with outputs `P`: [`Layer1d`], [`Layer2d`] or
/// a reference to a [`QuantLayer2d`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stream from a history `{H}` to outputs `{P}`",
    note = "a signal's history is `[T; N]` or `[[T; C]; N]`, an image's `[[T; W]; N]` or `[[[T; C]; W]; N]`; outputs are one sample, or one row `[T; W]` or `[[T; C]; W]`"
)]
pub trait Layer<H, P>: sealed::Sealed {
    /// What one step takes: a sample, or a reference to a row.
    type Input<'r>: Copy;
    /// The same in a slice.
    type Row;
    /// What inputs hold.
    type Element: Element;
    /// Plan and schedule. Evaluating it checks every shape.
    #[doc(hidden)]
    const COURSE: Course;

    /// An input, from a block.
    #[doc(hidden)]
    fn input(row: &Self::Row) -> Self::Input<'_>;
    /// Calls `with` with the elements of an input.
    #[doc(hidden)]
    fn with_elements<R>(input: Self::Input<'_>, with: impl FnOnce(&[Self::Element]) -> R) -> R;
    /// The elements of the history.
    #[doc(hidden)]
    fn elements(history: &H) -> &[Self::Element];
    /// The elements of the history.
    #[doc(hidden)]
    fn elements_mut(history: &mut H) -> &mut [Self::Element];
    /// An output of zeros.
    #[doc(hidden)]
    fn blank() -> P;
    /// The output at `start` of the `valid` inputs in `source`.
    #[doc(hidden)]
    fn compute(&self, start: isize, valid: usize, source: &[Self::Element], output: &mut P);
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

impl<Op, M, K, F, S, R, const N: usize> Layer<[S; N], R> for Layer1d<'_, Op, M, K, F>
where
    Op: Operation1d<K>,
    M: Window1d,
    F: Finish<Output = R::Element>,
    S: Sample,
    R: Sample,
    S::Element: Multiply<Op::Weight, F::Accumulator>,
{
    type Input<'r> = S;
    type Row = S;
    type Element = S::Element;
    const COURSE: Course = {
        let (settings, Way(direction), Taps(kernel)) =
            (window::settings_1d::<M>(), Op::DIRECTION, Op::KERNEL);
        let (length, taps) = (Dimension::Length, kernel.extents[0]);
        let schedule = schedule(settings.windows[0], taps, direction, length, N);
        let (from, to) = least(&schedule, length);
        let source = Shape {
            extents: [from],
            channels: S::CHANNELS,
        };
        let target = Shape {
            extents: [to],
            channels: R::CHANNELS,
        };
        let plan = settings.plan::<S::Element, Op::Weight, F>(direction, source, kernel, target);
        Course {
            plan: typed::plan_1d(plan),
            schedule,
            dimension: 1,
        }
    };

    fn input(row: &S) -> S {
        *row
    }

    fn with_elements<Q>(input: S, with: impl FnOnce(&[S::Element]) -> Q) -> Q {
        with(S::flatten(slice::from_ref(&input)))
    }

    fn elements(history: &[S; N]) -> &[S::Element] {
        S::flatten(history)
    }

    fn elements_mut(history: &mut [S; N]) -> &mut [S::Element] {
        S::flatten_mut(history)
    }

    fn blank() -> R {
        R::ZERO
    }

    fn compute(&self, start: isize, valid: usize, source: &[S::Element], output: &mut R) {
        let course = const { &<Self as Layer<[S; N], R>>::COURSE };
        let (kernel, output) = (
            Op::weights(self.kernel),
            R::flatten_mut(slice::from_mut(output)),
        );
        run(course, start, valid, source, kernel, output, &self.finish);
    }
}

impl<Op, M, K, F, S, R, const W: usize, const N: usize, const OW: usize> Layer<[[S; W]; N], [R; OW]>
    for Layer2d<'_, Op, M, K, F>
where
    Op: Operation2d<K>,
    M: Window2d,
    F: Finish<Output = R::Element>,
    S: Sample + 'static,
    R: Sample,
    S::Element: Multiply<Op::Weight, F::Accumulator>,
{
    type Input<'r> = &'r [S; W];
    type Row = [S; W];
    type Element = S::Element;
    const COURSE: Course = {
        let (settings, Way(direction), Taps(kernel)) =
            (window::settings_2d::<M>(), Op::DIRECTION, Op::KERNEL);
        let (height, taps) = (Dimension::Height, kernel.extents[0]);
        let schedule = schedule(settings.windows[0], taps, direction, height, N);
        let (from, to) = least(&schedule, height);
        let source = Shape {
            extents: [from, W],
            channels: S::CHANNELS,
        };
        let target = Shape {
            extents: [to, OW],
            channels: R::CHANNELS,
        };
        let plan = settings.plan::<S::Element, Op::Weight, F>(direction, source, kernel, target);
        Course {
            plan: typed::plan_2d(plan),
            schedule,
            dimension: 0,
        }
    };

    fn input(row: &[S; W]) -> &[S; W] {
        row
    }

    fn with_elements<Q>(input: &[S; W], with: impl FnOnce(&[S::Element]) -> Q) -> Q {
        with(S::flatten(input))
    }

    fn elements(history: &[[S; W]; N]) -> &[S::Element] {
        S::flatten(history.as_flattened())
    }

    fn elements_mut(history: &mut [[S; W]; N]) -> &mut [S::Element] {
        S::flatten_mut(history.as_flattened_mut())
    }

    fn blank() -> [R; OW] {
        [R::ZERO; OW]
    }

    fn compute(&self, start: isize, valid: usize, source: &[S::Element], output: &mut [R; OW]) {
        let course = const { &<Self as Layer<[[S; W]; N], [R; OW]>>::COURSE };
        let (kernel, output) = (Op::weights(self.kernel), R::flatten_mut(output));
        run(course, start, valid, source, kernel, output, &self.finish);
    }
}

impl<Kind, M, T, K, R: Rounding, const CO: usize> sealed::Sealed
    for &QuantLayer2d<Kind, M, T, K, R, CO>
{
}

impl<Kind, M, T, K, R, S, O, const CO: usize, const W: usize, const N: usize, const OW: usize>
    Layer<[[S; W]; N], [O; OW]> for &QuantLayer2d<Kind, M, T, K, R, CO>
where
    Kind: LayerKind,
    M: Window2d,
    T: Activation + Multiply<i8, R::Accumulator>,
    K: QuantKernel,
    R: Rounding,
    R::Accumulator: Accumulate,
    S: Sample<Element = T> + 'static,
    O: Sample,
    O::Element: Activation,
{
    type Input<'r> = &'r [S; W];
    type Row = [S; W];
    type Element = T;
    const COURSE: Course = {
        let direction = Kind::OPERATION.operation().direction();
        let height = Dimension::Height;
        let schedule = schedule(M::HEIGHT, K::HEIGHT, direction, height, N);
        let (from, to) = least(&schedule, height);
        let source = Shape {
            extents: [from, W],
            channels: S::CHANNELS,
        };
        let target = Shape {
            extents: [to, OW],
            channels: O::CHANNELS,
        };
        Course {
            plan: quantised::plan_2d::<Kind, M, K>(source, target),
            schedule,
            dimension: 0,
        }
    };

    fn input(row: &[S; W]) -> &[S; W] {
        row
    }

    fn with_elements<Q>(input: &[S; W], with: impl FnOnce(&[T]) -> Q) -> Q {
        with(S::flatten(input))
    }

    fn elements(history: &[[S; W]; N]) -> &[T] {
        S::flatten(history.as_flattened())
    }

    fn elements_mut(history: &mut [[S; W]; N]) -> &mut [T] {
        S::flatten_mut(history.as_flattened_mut())
    }

    fn blank() -> [O; OW] {
        [O::ZERO; OW]
    }

    fn compute(&self, start: isize, valid: usize, source: &[T], output: &mut [O; OW]) {
        let course = const { &<Self as Layer<[[S; W]; N], [O; OW]>>::COURSE };
        let plan = course.plan.within(course.dimension, start, valid);
        self.run_plan(Kind::OPERATION, &plan, source, O::flatten_mut(output));
    }
}

/// One output: the taps start at `start` of the `valid` inputs in `source`.
pub(crate) fn run<T, W, F>(
    course: &Course,
    start: isize,
    valid: usize,
    source: &[T],
    kernel: &[W],
    output: &mut [F::Output],
    finish: &F,
) where
    T: Multiply<W, F::Accumulator>,
    W: Element,
    F: Finish,
{
    let plan = course.plan.within(course.dimension, start, valid);
    let operands = Operands {
        product: Plain,
        input: source,
        kernel,
        finish,
    };
    operands.run(&plan, Pixels::All, output);
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
