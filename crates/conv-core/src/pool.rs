//! Average and max pooling, with the windows of convolution.
//!
//! ```text
//! max       output[oy][ox][c] = max x[oy·sy + ky·dy − pt][ox·sx + kx·dx − pl][c]     over the taps inside the input
//! average   output[oy][ox][c] = round(Σ x[…][…][c] / n)                               over the n taps inside the input
//! ```
//!
//! Padding counts neither in a maximum nor in an average, as in TFLite (ONNX's `count_include_pad = 0`). An average of
//! integers is rounded half away from zero, TFLite's `(Σ ± n/2)/n`, and needs no scale: input and output have the
//! same. A float average sums rows, then columns, from `+0.0`, and divides once. A maximum over a NaN is NaN.
//!
//! A layer is a constant; extents that do not fit do not compile, nor does a window that holds padding alone:
//! `output 3 along the width is pooled from padding alone, expected at least 1 input`.
//!
//! ```
//! use conv_core::pool::{AveragePool2d, MaxPool2d};
//! use conv_core::window2d;
//!
//! window2d! { struct Half: stride 2 }
//!
//! static AVERAGE: AveragePool2d<Half, i8, 2, 2> = AveragePool2d::new();
//! static GREATEST: MaxPool2d<Half, i8, 2, 2> = MaxPool2d::new();
//!
//! let image = [[1_i8, 2, 5, -5], [3, 4, -6, -7]];
//! let mut small = [[0_i8; 2]; 1];
//! AVERAGE.run(&image, &mut small);
//! assert_eq!(small, [[3, -3]]); // 10/4 and −13/4
//! GREATEST.run(&image, &mut small);
//! assert_eq!(small, [[4, 5]]);
//! ```
//!
//! Windows that lie inside the input are a run along a row of outputs. In each, channels are gathered side by side, four
//! taps in one pass over them. Windows of four and of nine taps, 2×2 and 3×3, take one pass, their sums in registers; the
//! sums of others are kept for 32 channels at a time. A mean is a product, see the module `reciprocal`: no output is divided,
//! but by more than 256 taps.
//!
//! Signals have [`AveragePool1d`] and [`MaxPool1d`], shapes known at run time [`Geometry::pool`]; maps that arrive row by
//! row are pooled by [`Stream::pool`](crate::stream::Stream::pool).

use core::hint;
use core::marker::PhantomData;
use core::ops::Range;

use crate::axis::attempt;
use crate::dot::part;
use crate::dynamic::{Operation, Planar, length};
use crate::element::Element;
use crate::engine::{Direction, Line, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::Saturate;
use crate::geometry::{Geometry, KernelLayout};
use crate::reciprocal::Reciprocal;
use crate::shape::{Image, Signal};
use crate::typed::{KernelShape, Settings, Shape};
use crate::window::{self, Window1d, Window2d};

/// What a window becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PoolOperation {
    /// Its mean.
    Average,
    /// Its greatest value.
    Max,
}

/// Elements that can be pooled: `i8`, `u8`, `i16`, `f32` and `f64`.
pub trait Pooled: Saturate {
    /// The least value; for floats `−∞`.
    const LEAST: Self;
    /// Most taps of a window whose sum is proven not to overflow.
    const TAPS: u64;
    /// What values are added up in.
    type Sum: Element;

    /// The greater of two; NaN where one is.
    #[must_use]
    fn greater(self, other: Self) -> Self;

    /// `sum + self`.
    #[must_use]
    fn add_to(self, sum: Self::Sum) -> Self::Sum;

    /// What the mean of so many values divides by.
    #[doc(hidden)]
    type Divisor: Copy;

    /// The divisor of `count` values.
    #[doc(hidden)]
    fn divisor(count: usize) -> Self::Divisor;

    /// The means of as many values as the divisor counts, 0 of none.
    #[doc(hidden)]
    fn means(sums: &[Self::Sum], divisor: Self::Divisor, means: &mut [Self]);

    /// The mean of `N` values.
    #[doc(hidden)]
    #[must_use]
    fn mean_of<const N: usize>(sum: Self::Sum) -> Self;
}

macro_rules! pooled_integer {
    ($($integer:ty),*) => {$(
        impl Pooled for $integer {
            type Sum = i32;
            const LEAST: Self = Self::MIN;
            // n·2ᵇ + n/2 ≤ 2³¹ − 1, with 2ᵇ at least every magnitude.
            const TAPS: u64 = 2 * i32::MAX as u64 / ((2 << Self::BITS.saturating_sub((Self::MIN != 0) as u32)) + 1);

            #[inline]
            fn greater(self, other: Self) -> Self {
                Ord::max(self, other)
            }

            #[inline]
            fn add_to(self, sum: i32) -> i32 {
                sum.wrapping_add(i32::from(self))
            }

            type Divisor = Reciprocal;

            #[inline]
            fn divisor(count: usize) -> Reciprocal {
                Reciprocal::new(count, Self::MIN as i32)
            }

            #[inline]
            fn means(sums: &[i32], divisor: Reciprocal, means: &mut [Self]) {
                divisor.means(sums, Self::MIN as i32, |mean| mean as Self, means);
            }

            #[inline]
            fn mean_of<const N: usize>(sum: i32) -> Self {
                const { Reciprocal::new(N, Self::MIN as i32) }.mean::<{ Self::BITS }>(sum, Self::MIN as i32) as Self
            }
        }
    )*};
}
pooled_integer!(i8, u8, i16);

macro_rules! pooled_float {
    ($($float:ty),*) => {$(
        impl Pooled for $float {
            type Sum = Self;
            const LEAST: Self = Self::NEG_INFINITY;
            const TAPS: u64 = u64::MAX;

            #[inline]
            fn greater(self, other: Self) -> Self {
                // A comparison with a NaN is false: where `self` is one it stays.
                if other > self || other.is_nan() { other } else { self }
            }

            #[inline]
            fn add_to(self, sum: Self) -> Self {
                sum + self
            }

            type Divisor = Self;

            #[inline]
            fn divisor(count: usize) -> Self {
                // 0 of no value: the sum is.
                Ord::max(count, 1) as Self
            }

            #[inline]
            fn means(sums: &[Self], divisor: Self, means: &mut [Self]) {
                for (mean, &sum) in means.iter_mut().zip(sums) {
                    *mean = sum / divisor;
                }
            }

            #[inline]
            fn mean_of<const N: usize>(sum: Self) -> Self {
                sum / N as Self
            }
        }
    )*};
}
pooled_float!(f32, f64);

/// [`Average`] or [`Max`]. Sealed.
pub trait Pooling: sealed::Sealed {
    /// What a window becomes.
    const OPERATION: PoolOperation;
}

/// Average pooling, see [`AveragePool2d`] and [`AveragePool1d`].
#[derive(Clone, Copy, Debug)]
pub struct Average;

/// Max pooling, see [`MaxPool2d`] and [`MaxPool1d`].
#[derive(Clone, Copy, Debug)]
pub struct Max;

impl Pooling for Average {
    const OPERATION: PoolOperation = PoolOperation::Average;
}

impl Pooling for Max {
    const OPERATION: PoolOperation = PoolOperation::Max;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Average {}
    impl Sealed for super::Max {}
}

/// A layer that averages windows of `KH × KW` taps of images, of geometry `M`. See the [module](self).
pub type AveragePool2d<M, T, const KH: usize, const KW: usize> = Pool<Average, M, T, KH, KW, 2>;

/// A layer that takes the greatest of windows of `KH × KW` taps of images, of geometry `M`. See the [module](self).
pub type MaxPool2d<M, T, const KH: usize, const KW: usize> = Pool<Max, M, T, KH, KW, 2>;

/// A layer that averages windows of `K` taps of signals, of geometry `M`.
///
/// ```
/// use conv_core::pool::AveragePool1d;
/// use conv_core::window1d;
///
/// window1d! { struct Half: stride 2 }
///
/// static AVERAGE: AveragePool1d<Half, i16, 2> = AveragePool1d::new();
///
/// let mut means = [[0_i16; 2]; 2];
/// AVERAGE.run(&[[1_i16, 10], [3, 20], [5, 30], [6, 40]], &mut means);
/// assert_eq!(means, [[2, 15], [6, 35]]); // 11/2, half away from zero
/// ```
pub type AveragePool1d<M, T, const K: usize> = Pool<Average, M, T, 1, K, 1>;

/// A layer that takes the greatest of windows of `K` taps of signals, of geometry `M`.
pub type MaxPool1d<M, T, const K: usize> = Pool<Max, M, T, 1, K, 1>;

/// A pooling layer over `D` dimensions. Made as [`AveragePool2d`], [`MaxPool2d`], [`AveragePool1d`] or [`MaxPool1d`].
#[derive(Clone, Copy, Debug)]
pub struct Pool<Kind, M, T, const KH: usize, const KW: usize, const D: usize> {
    low: T,
    high: T,
    types: PhantomData<fn() -> (Kind, M)>,
}

impl<Kind, M, T, const KH: usize, const KW: usize, const D: usize> Pool<Kind, M, T, KH, KW, D>
where
    Kind: Pooling,
    T: Pooled,
{
    /// A layer whose outputs have the whole range of `T`.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_clamp(T::LEAST, T::GREATEST)
    }

    /// A layer with outputs clamped, as by a fused ReLU6; they are `high` where `low > high`.
    #[must_use]
    pub const fn with_clamp(low: T, high: T) -> Self {
        Self {
            low,
            high,
            types: PhantomData,
        }
    }

    /// The layer over buffers that have the lengths of the plan.
    pub(crate) fn run_plan(&self, plan: &Plan, input: &[T], output: &mut [T]) {
        run(Kind::OPERATION, plan, input, output, (self.low, self.high));
    }
}

impl<Kind, M, T, const KH: usize, const KW: usize> Pool<Kind, M, T, KH, KW, 2>
where
    Kind: Pooling,
    M: Window2d,
    T: Pooled,
{
    /// Stops the build where inputs `I` and outputs `O` do not fit the layer. For constants:
    /// [`assert_shapes!`](crate::assert_shapes) calls it.
    #[track_caller]
    pub const fn fits<I, O>(&self)
    where
        I: Image<Element = T>,
        O: Image<Element = T>,
    {
        Self::plan::<I, O>();
    }

    #[track_caller]
    const fn plan<I: Image, O: Image>() -> Plan {
        let settings = window::settings_2d::<M>();
        let (from, to) = (window::image::<I>(), window::image::<O>());
        let geometry = map::<2>(settings, [KH, KW], from, to);
        built(&geometry, check::<T, 2>(Kind::OPERATION, &geometry))
    }

    /// Pools. Extents that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Image<Element = T>,
        O: Image<Element = T>,
    {
        let plan = const { &Self::plan::<I, O>() };
        self.run_plan(plan, input.elements(), output.elements_mut());
    }
}

impl<Kind, M, T, const K: usize> Pool<Kind, M, T, 1, K, 1>
where
    Kind: Pooling,
    M: Window1d,
    T: Pooled,
{
    /// Stops the build where inputs `I` and outputs `O` do not fit the layer. For constants:
    /// [`assert_shapes!`](crate::assert_shapes) calls it.
    #[track_caller]
    pub const fn fits<I, O>(&self)
    where
        I: Signal<Element = T>,
        O: Signal<Element = T>,
    {
        Self::plan::<I, O>();
    }

    #[track_caller]
    const fn plan<I: Signal, O: Signal>() -> Plan {
        let settings = window::settings_1d::<M>();
        let (from, to) = (window::signal::<I>(), window::signal::<O>());
        let geometry = map::<1>(settings, [K], from, to).as_2d();
        built(&geometry, check::<T, 1>(Kind::OPERATION, &geometry))
    }

    /// Pools. Lengths that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Signal<Element = T>,
        O: Signal<Element = T>,
    {
        let plan = const { &Self::plan::<I, O>() };
        self.run_plan(plan, input.elements(), output.elements_mut());
    }
}

impl<Kind, M, T, const KH: usize, const KW: usize, const D: usize> Default
    for Pool<Kind, M, T, KH, KW, D>
where
    Kind: Pooling,
    T: Pooled,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const D: usize> Geometry<D>
where
    Self: Planar,
{
    /// Pools over the windows of the map, outputs clamped to `low..=high`, `high` where `low > high`. The map is a
    /// depthwise one: as many groups and output channels as input channels.
    ///
    /// ```
    /// use conv_core::pool::PoolOperation;
    /// use conv_core::{Axis, Geometry};
    ///
    /// let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
    /// let geometry = Geometry::direct([axis], [5], 1, 1, 1)?;
    /// let mut greatest = [0_i8; 3];
    /// geometry.pool(PoolOperation::Max, &[1, -2, 3, 5, 4], &mut greatest, i8::MIN, i8::MAX)?;
    /// assert_eq!(greatest, [1, 5, 5]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::DepthwiseGroups`] and [`Error::Extent`] for other channels, [`Error::Elements`] naming a buffer of the
    /// wrong length, [`Error::EmptyWindow`], [`Error::Accumulator`] for an average over more taps than a sum of 32 bits
    /// holds: 65,534 of `i16`, 8,372,255 of `u8`. The output is then untouched.
    pub fn pool<T: Pooled>(
        &self,
        operation: PoolOperation,
        input: &[T],
        output: &mut [T],
        low: T,
        high: T,
    ) -> Result<(), Error> {
        self.check_pool::<T>(operation, [input.len(), output.len()])?;
        let plan = Operation::DEPTHWISE.planar_plan(self);
        run(operation, &plan, input, output, (low, high));
        Ok(())
    }

    /// Everything that can be wrong. Never inlined: its stack is free again when the layer runs.
    #[inline(never)]
    fn check_pool<T: Pooled>(
        &self,
        operation: PoolOperation,
        [input, output]: [usize; 2],
    ) -> Result<(), Error> {
        length(Buffer::Input, self.input_elements(), input)?;
        length(Buffer::Output, self.output_elements(), output)?;
        check::<T, D>(operation, &self.planar())
    }
}

/// The map of a typed pooling layer, at compile time.
#[track_caller]
pub(crate) const fn map<const D: usize>(
    settings: Settings<D>,
    kernel: [usize; D],
    source: Shape<D>,
    target: Shape<D>,
) -> Geometry<D> {
    let kernel = KernelShape {
        extents: kernel,
        input_channels: 1,
        output_channels: source.channels,
        layout: KernelLayout::SpatialOutput,
    };
    match settings.geometry(Direction::Direct, source, kernel, target) {
        Ok(geometry) => geometry,
        Err(error) => error.stop_the_build(),
    }
}

/// Whether maps of `D` dimensions can be pooled: no window may hold padding alone.
const fn check<T: Pooled, const D: usize>(
    operation: PoolOperation,
    geometry: &Geometry<2>,
) -> Result<(), Error> {
    attempt!(check_map::<T>(operation, geometry));
    let plan = Operation::DEPTHWISE.plan(geometry);
    if D == 2 {
        attempt!(check_windows(&plan.rows, Dimension::spatial(0, D)));
    }
    check_windows(&plan.columns, Dimension::spatial(D - 1, D))
}

/// Whether maps of `D` dimensions can be pooled in a stream along the first. The extent along it is not known: its pads
/// are less than the dilated kernel, so that with a signal as long as that no window holds padding alone.
pub(crate) const fn check_stream<T: Pooled, const D: usize>(
    operation: PoolOperation,
    geometry: &Geometry<2>,
) -> Result<(), Error> {
    attempt!(check_map::<T>(operation, geometry));
    let dimension = Dimension::spatial(0, D);
    let [rows, columns] = *geometry.axes();
    let axis = if D == 2 { rows } else { columns };
    let limit = match axis.dilated_kernel() {
        Ok(dilated) => dilated,
        Err(error) => return Err(Error::Axis { dimension, error }),
    };
    let found = if axis.pad_before > axis.pad_after {
        axis.pad_before
    } else {
        axis.pad_after
    };
    if found >= limit as isize {
        return Err(Error::PoolPad {
            dimension,
            limit,
            found: found as usize,
        });
    }
    if D == 2 {
        let plan = Operation::DEPTHWISE.plan(geometry);
        return check_windows(&plan.columns, Dimension::Width);
    }
    Ok(())
}

/// Whether every window along a line meets the input.
const fn check_windows(line: &Line, dimension: Dimension) -> Result<(), Error> {
    let mut output = 0;
    while output < line.target {
        if line.taps(output).count == 0 {
            return Err(Error::EmptyWindow { dimension, output });
        }
        output += 1;
    }
    Ok(())
}

/// Whether channels and number of taps suit.
const fn check_map<T: Pooled>(
    operation: PoolOperation,
    geometry: &Geometry<2>,
) -> Result<(), Error> {
    let channels = geometry.input_channels();
    if geometry.groups() != channels {
        return Err(Error::DepthwiseGroups {
            groups: geometry.groups(),
            input_channels: channels,
        });
    }
    if geometry.output_channels() != channels {
        return Err(Error::Extent {
            buffer: Buffer::Output,
            dimension: Dimension::Channels,
            expected: channels,
            found: geometry.output_channels(),
        });
    }
    let [rows, columns] = *geometry.axes();
    let taps = (rows.kernel as u64).saturating_mul(columns.kernel as u64);
    if let PoolOperation::Average = operation
        && taps > T::TAPS
    {
        return Err(Error::Accumulator {
            taps,
            limit: T::TAPS,
        });
    }
    Ok(())
}

/// What a typed layer runs that was checked, at compile time.
#[track_caller]
pub(crate) const fn built(geometry: &Geometry<2>, checked: Result<(), Error>) -> Plan {
    match checked {
        Ok(()) => Operation::DEPTHWISE.plan(geometry),
        Err(error) => error.stop_the_build(),
    }
}

/// Pools buffers that have the lengths of the plan.
pub(crate) fn run<T: Pooled>(
    operation: PoolOperation,
    plan: &Plan,
    input: &[T],
    output: &mut [T],
    (low, high): (T, T),
) {
    let clamp = (low != T::LEAST || high != T::GREATEST).then_some((low, high));
    match operation {
        PoolOperation::Average => each_window::<T, Average>(plan, input, output, clamp),
        PoolOperation::Max => each_window::<T, Max>(plan, input, output, clamp),
    }
}

/// How the values of a window become one.
trait Fold<T> {
    /// What they are gathered in.
    type Sum: Copy;
    /// What depends on their number alone.
    type Divisor: Copy;
    /// The sum of no value.
    const START: Self::Sum;

    /// The sum with one more value.
    fn step(sum: Self::Sum, value: T) -> Self::Sum;

    /// The divisor of `count` values.
    fn divisor(count: usize) -> Self::Divisor;

    /// The output of `N` values.
    fn of<const N: usize>(sum: Self::Sum) -> T;

    /// The outputs of as many sums.
    fn finish(sums: &[Self::Sum], divisor: Self::Divisor, outputs: &mut [T]);
}

impl<T: Pooled> Fold<T> for Average {
    type Sum = T::Sum;
    type Divisor = T::Divisor;
    const START: T::Sum = T::Sum::ZERO;

    #[inline]
    fn step(sum: T::Sum, value: T) -> T::Sum {
        value.add_to(sum)
    }

    #[inline]
    fn divisor(count: usize) -> T::Divisor {
        T::divisor(count)
    }

    #[inline]
    fn of<const N: usize>(sum: T::Sum) -> T {
        T::mean_of::<N>(sum)
    }

    #[inline(never)]
    fn finish(sums: &[T::Sum], divisor: T::Divisor, outputs: &mut [T]) {
        T::means(sums, divisor, outputs);
    }
}

impl<T: Pooled> Fold<T> for Max {
    type Sum = T;
    type Divisor = ();
    const START: T = T::LEAST;

    #[inline]
    fn step(greatest: T, value: T) -> T {
        T::greater(greatest, value)
    }

    #[inline]
    fn divisor(_count: usize) {}

    #[inline]
    fn of<const N: usize>(sum: T) -> T {
        sum
    }

    #[inline(never)]
    fn finish(sums: &[T], (): (), outputs: &mut [T]) {
        for (output, &greatest) in outputs.iter_mut().zip(sums) {
            *output = greatest;
        }
    }
}

/// Channels whose sums are kept, on the stack, from some taps to the next.
const CHANNELS: usize = 32;

/// Gathers every window's values that lie inside the input, by rows, then columns, each channel by itself.
///
/// Along a row of outputs the windows that lie inside the input are one run: they differ in their place alone.
#[inline(never)]
fn each_window<T: Pooled, F: Fold<T>>(
    plan: &Plan,
    input: &[T],
    output: &mut [T],
    clamp: Option<(T, T)>,
) {
    let channels = Ord::max(plan.channels(), 1);
    let inside = inside(&plan.columns);
    let mut windows = Windows::<T, F> {
        input,
        channels,
        clamp,
        row_step: plan.wrapping_source(plan.rows.axis.dilation, 0),
        column_step: plan.wrapping_source(0, plan.columns.axis.dilation),
        next: plan.wrapping_source(0, plan.columns.axis.stride),
        rows: 0,
        columns: 0,
        divisor: F::divisor(0),
    };
    let row_elements = plan.columns.target.wrapping_mul(channels);
    for (oy, mut row) in output.chunks_mut(Ord::max(row_elements, 1)).enumerate() {
        let (rows, y) = taps(&plan.rows, oy);
        let mut ox = 0;
        while ox < plan.columns.target {
            let (columns, x) = taps(&plan.columns, ox);
            let run = if ox == inside.start { inside.len() } else { 1 };
            let run = Ord::max(run, 1);
            let elements = run.wrapping_mul(channels);
            let Some((outputs, rest)) = row.split_at_mut_checked(elements) else {
                return;
            };
            windows.resize(rows, columns);
            windows.run(plan.source(y, x), outputs);
            row = rest;
            ox += run;
        }
    }
}

/// The outputs along a line whose windows lie inside the input.
#[inline(never)]
fn inside(line: &Line) -> Range<usize> {
    let (mut start, mut end) = (0, line.target);
    while start < end && taps_inside(line, start).is_none() {
        start += 1;
    }
    while start < end && taps_inside(line, end - 1).is_none() {
        end -= 1;
    }
    start..end
}

/// The position that the first tap of a window reads, where all of them lie inside the input.
#[inline]
fn taps_inside(line: &Line, target: usize) -> Option<usize> {
    let axis = line.axis;
    let last = axis.kernel.wrapping_sub(1).wrapping_mul(axis.dilation);
    let first = target
        .wrapping_mul(axis.stride)
        .wrapping_add_signed(axis.pad_before.wrapping_neg());
    // Before the input it is beyond every extent.
    (first < line.source && last < line.source.wrapping_sub(first)).then_some(first)
}

/// How many taps of a window lie inside the input along a line, and the position that the first of them reads.
#[inline(never)]
fn taps(line: &Line, target: usize) -> (usize, usize) {
    if let Some(first) = taps_inside(line, target) {
        return (line.axis.kernel, first);
    }
    let taps = line.taps(target);
    let first = taps.each().next().map_or(0, |(_, position)| position);
    (taps.count, first)
}

/// Windows of the same number of taps.
struct Windows<'a, T, F: Fold<T>> {
    input: &'a [T],
    channels: usize,
    /// The clamp, where it can change anything.
    clamp: Option<(T, T)>,
    /// From the values of a tap to those of the next row's.
    row_step: usize,
    /// From the values of a tap to those of the next one in its row.
    column_step: usize,
    /// From the values of a window to those of the next.
    next: usize,
    rows: usize,
    columns: usize,
    divisor: F::Divisor,
}

impl<T: Pooled, F: Fold<T>> Windows<'_, T, F> {
    /// Other windows: of so many rows and columns.
    fn resize(&mut self, rows: usize, columns: usize) {
        let taps = rows.wrapping_mul(columns);
        if taps != self.taps() {
            self.divisor = F::divisor(taps);
        }
        self.rows = rows;
        self.columns = columns;
    }

    #[inline]
    fn taps(&self) -> usize {
        self.rows.wrapping_mul(self.columns)
    }

    /// The outputs of a run of windows, the first of which begins at `start`.
    #[inline(never)]
    fn run(&self, start: usize, outputs: &mut [T]) {
        let mut start = start;
        let taps = self.taps();
        for pixel in outputs.chunks_mut(self.channels.max(1)) {
            match taps {
                4 => gather_four(
                    &mut self.values(start, pixel.len()),
                    pixel,
                    whole::<T, F, 4>,
                ),
                9 => self.nine(start, pixel),
                _ => self.any(start, pixel),
            }
            start = start.wrapping_add(self.next);
        }
        if let Some((low, high)) = self.clamp {
            for output in outputs {
                *output = output.clamped(low, high);
            }
        }
    }

    /// A window of nine taps. Never inlined: what its many pointers spill would be spilled for four, too.
    #[inline(never)]
    fn nine(&self, start: usize, pixel: &mut [T]) {
        gather_nine(
            &mut self.values(start, pixel.len()),
            pixel,
            whole::<T, F, 9>,
        );
    }

    /// A window of any number of taps.
    fn any(&self, start: usize, pixel: &mut [T]) {
        let mut start = start;
        for outputs in pixel.chunks_mut(CHANNELS) {
            self.some(start, outputs);
            start = start.wrapping_add(CHANNELS);
        }
    }

    /// Some channels of a window, their sums on the stack from four taps to the next.
    #[inline(never)]
    fn some(&self, start: usize, outputs: &mut [T]) {
        let mut sums = [F::START; CHANNELS];
        let Some(sums) = sums.get_mut(..outputs.len()) else {
            return;
        };
        // The compiler must not know that they are 32 at most: it would write the loops below out for each number.
        let sums = hint::black_box(sums);
        let mut values = self.values(start, sums.len());
        let taps = self.taps();
        for _ in 0..taps / 4 {
            add_four::<T, F>(sums, &mut values);
        }
        for _ in 0..taps % 4 {
            add_one::<T, F>(sums, &mut values);
        }
        F::finish(sums, self.divisor, outputs);
    }

    /// The values of a window that begins at `start`, `length` channels of each tap.
    #[inline]
    fn values(&self, start: usize, length: usize) -> Values<'_, T> {
        Values {
            input: self.input,
            length,
            row_step: self.row_step,
            column_step: self.column_step,
            columns: self.columns,
            left: self.columns,
            row: start,
            start,
        }
    }
}

/// Hands a slot of each channel, and what some taps have there, in their order, to a closure.
///
/// Their lengths are compared before the loop, so that it does without.
macro_rules! gather {
    ($($name:ident, $count:literal: $($tap:ident)*;)*) => {$(
        #[inline]
        fn $name<T: Copy, S>(
            values: &mut Values<'_, T>,
            slots: &mut [S],
            each: impl Fn(&mut S, [T; $count]),
        ) {
            let length = slots.len();
            $(
                let $tap = values.next();
                if $tap.len() != length {
                    return;
                }
            )*
            for channel in 0..length {
                if let (Some(slot), $(Some(&$tap)),*)
                    = (slots.get_mut(channel), $($tap.get(channel)),*)
                {
                    each(slot, [$($tap),*]);
                }
            }
        }
    )*};
}
gather! {
    gather_one, 1: a;
    gather_four, 4: a b c d;
    gather_nine, 9: a b c d e f g h i;
}

/// Adds the values of the next tap.
#[inline(never)]
fn add_one<T: Pooled, F: Fold<T>>(sums: &mut [F::Sum], values: &mut Values<'_, T>) {
    gather_one(values, sums, |sum, taps| {
        *sum = added::<T, F, 1>(*sum, taps);
    });
}

/// Adds the values of the next four taps.
#[inline(never)]
fn add_four<T: Pooled, F: Fold<T>>(sums: &mut [F::Sum], values: &mut Values<'_, T>) {
    gather_four(values, sums, |sum, taps| {
        *sum = added::<T, F, 4>(*sum, taps);
    });
}

/// The sum with `N` more values.
#[inline]
fn added<T: Pooled, F: Fold<T>, const N: usize>(sum: F::Sum, taps: [T; N]) -> F::Sum {
    taps.into_iter().fold(sum, F::step)
}

/// The output of a window of `N` taps, whose sum is never stored.
#[inline]
fn whole<T: Pooled, F: Fold<T>, const N: usize>(output: &mut T, taps: [T; N]) {
    *output = F::of::<N>(added::<T, F, N>(F::START, taps));
}

/// The values of a window's taps, by rows, then columns: of each some channels.
struct Values<'a, T> {
    input: &'a [T],
    length: usize,
    row_step: usize,
    column_step: usize,
    columns: usize,
    /// Taps left in the row.
    left: usize,
    row: usize,
    start: usize,
}

impl<'a, T> Values<'a, T> {
    /// Those of the next tap.
    #[inline]
    fn next(&mut self) -> &'a [T] {
        let values = part(self.input, self.start, self.length);
        self.start = self.start.wrapping_add(self.column_step);
        self.left = self.left.wrapping_sub(1);
        if self.left == 0 {
            self.left = self.columns;
            self.row = self.row.wrapping_add(self.row_step);
            self.start = self.row;
        }
        values
    }
}
