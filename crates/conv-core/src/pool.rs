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
//! Signals have [`AveragePool1d`] and [`MaxPool1d`], shapes known at run time [`Geometry::pool`]; maps that arrive row by
//! row are pooled by [`Stream::pool`](crate::stream::Stream::pool).

use core::marker::PhantomData;
use core::mem;

use crate::axis::attempt;
use crate::dot::part;
use crate::dynamic::{Operation, Planar, length};
use crate::element::Element;
use crate::engine::{Direction, LANES, Line, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::Saturate;
use crate::geometry::{Geometry, KernelLayout};
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

    /// The mean of `count` values, 0 of none.
    #[must_use]
    fn mean(sum: Self::Sum, count: usize) -> Self;
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

            #[inline]
            fn mean(sum: i32, count: usize) -> Self {
                // The windows were checked: `count` is at most `TAPS`.
                let count = count as i32;
                let half = if sum > 0 { count / 2 } else { -(count / 2) };
                sum.wrapping_add(half).checked_div(count).unwrap_or(0) as Self
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

            #[inline]
            fn mean(sum: Self, count: usize) -> Self {
                if count == 0 {
                    return 0.0;
                }
                sum / count as Self
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
    /// Pools. Extents that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Image<Element = T>,
        O: Image<Element = T>,
    {
        let plan = const {
            let settings = window::settings_2d::<M>();
            let geometry = map::<2>(
                settings,
                [KH, KW],
                window::image::<I>(),
                window::image::<O>(),
            );
            &built(&geometry, check::<T, 2>(Kind::OPERATION, &geometry))
        };
        self.run_plan(plan, input.elements(), output.elements_mut());
    }
}

impl<Kind, M, T, const K: usize> Pool<Kind, M, T, 1, K, 1>
where
    Kind: Pooling,
    M: Window1d,
    T: Pooled,
{
    /// Pools. Lengths that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Signal<Element = T>,
        O: Signal<Element = T>,
    {
        let plan = const {
            let settings = window::settings_1d::<M>();
            let geometry = map::<1>(settings, [K], window::signal::<I>(), window::signal::<O>());
            let geometry = geometry.as_2d();
            &built(&geometry, check::<T, 1>(Kind::OPERATION, &geometry))
        };
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
    match operation {
        PoolOperation::Average => {
            let mean = |sum, count| T::mean(sum, count).clamped(low, high);
            each_window(
                plan,
                input,
                output,
                T::Sum::ZERO,
                |sum, x| x.add_to(sum),
                mean,
            );
        }
        PoolOperation::Max => {
            let clamped = |greatest: T, _| greatest.clamped(low, high);
            each_window(plan, input, output, T::LEAST, T::greater, clamped);
        }
    }
}

/// `finish(step(…step(step(start, x₀), x₁)…), n)` over the `n` taps of every window that lie inside the input, by rows, then
/// columns.
fn each_window<T: Copy, A: Copy>(
    plan: &Plan,
    input: &[T],
    output: &mut [T],
    start: A,
    step: impl Fn(A, T) -> A,
    finish: impl Fn(A, usize) -> T,
) {
    let channels = plan.channels();
    let mut rest = output;
    for oy in 0..plan.rows.target {
        let rows = plan.rows.taps(oy);
        for ox in 0..plan.columns.target {
            let columns = plan.columns.taps(ox);
            let Some((pixel, tail)) = mem::take(&mut rest).split_at_mut_checked(channels) else {
                return;
            };
            rest = tail;
            let count = rows.count.wrapping_mul(columns.count);
            let mut first = 0;
            for slots in pixel.chunks_mut(LANES) {
                let mut lanes = [start; LANES];
                for (_, y) in rows.each() {
                    for (_, x) in columns.each() {
                        let values = part(input, plan.source(y, x) + first, slots.len());
                        for (lane, &value) in lanes.iter_mut().zip(values) {
                            *lane = step(*lane, value);
                        }
                    }
                }
                for (slot, &lane) in slots.iter_mut().zip(&lanes) {
                    *slot = finish(lane, count);
                }
                first += LANES;
            }
        }
    }
}
