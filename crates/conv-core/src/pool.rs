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
//! The run-time form is [`Geometry::pool`]. Signals are images of one row.

use core::marker::PhantomData;

use crate::axis::{Axis, attempt};
use crate::dynamic::Planar;
use crate::engine::Direction;
use crate::error::{Buffer, Dimension, Error};
use crate::finish::Saturate;
use crate::geometry::{Geometry, KernelLayout};
use crate::shape::Image;
use crate::typed::{KernelShape, Shape};
use crate::window::{Window2d, settings_2d};

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

    /// The greater of two; NaN where one is.
    #[must_use]
    fn greater(self, other: Self) -> Self;

    /// The mean of `count` values, 0 of none.
    fn mean(values: impl Iterator<Item = Self>, count: usize) -> Self;
}

macro_rules! pooled_integer {
    ($($integer:ty),*) => {$(
        impl Pooled for $integer {
            const LEAST: Self = Self::MIN;
            // n·2ᵇ + n/2 ≤ 2³¹ − 1, with 2ᵇ at least every magnitude.
            const TAPS: u64 = 2 * i32::MAX as u64 / ((2 << Self::BITS.saturating_sub((Self::MIN != 0) as u32)) + 1);

            #[inline]
            fn greater(self, other: Self) -> Self {
                Ord::max(self, other)
            }

            fn mean(values: impl Iterator<Item = Self>, count: usize) -> Self {
                let sum = values.fold(0_i32, |sum, value| sum.wrapping_add(i32::from(value)));
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
            const LEAST: Self = Self::NEG_INFINITY;
            const TAPS: u64 = u64::MAX;

            #[inline]
            fn greater(self, other: Self) -> Self {
                // A comparison with a NaN is false: where `self` is one it stays.
                if other > self || other.is_nan() { other } else { self }
            }

            fn mean(values: impl Iterator<Item = Self>, count: usize) -> Self {
                if count == 0 {
                    return 0.0;
                }
                values.fold(0.0, |sum, value| sum + value) / count as Self
            }
        }
    )*};
}
pooled_float!(f32, f64);

/// [`MaxPool2d`] or [`AveragePool2d`]. Sealed.
pub trait Pooling: sealed::Sealed {
    /// What a window becomes.
    const OPERATION: PoolOperation;
}

/// Average pooling, see [`AveragePool2d`].
#[derive(Clone, Copy, Debug)]
pub struct Average;

/// Max pooling, see [`MaxPool2d`].
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

/// A layer that averages windows of `KH × KW` taps, of geometry `M`. See the [module](self).
pub type AveragePool2d<M, T, const KH: usize, const KW: usize> = Pool2d<Average, M, T, KH, KW>;

/// A layer that takes the greatest of windows of `KH × KW` taps, of geometry `M`. See the [module](self).
pub type MaxPool2d<M, T, const KH: usize, const KW: usize> = Pool2d<Max, M, T, KH, KW>;

/// A pooling layer. Made as [`AveragePool2d`] or [`MaxPool2d`].
#[derive(Clone, Copy, Debug)]
pub struct Pool2d<Kind, M, T, const KH: usize, const KW: usize> {
    low: T,
    high: T,
    types: PhantomData<fn() -> (Kind, M)>,
}

impl<Kind, M, T, const KH: usize, const KW: usize> Pool2d<Kind, M, T, KH, KW>
where
    Kind: Pooling,
    M: Window2d,
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

    /// Pools. Extents that do not fit do not compile. Never panics.
    pub fn run<I, O>(&self, input: &I, output: &mut O)
    where
        I: Image<Element = T>,
        O: Image<Element = T>,
    {
        let windows = const {
            match Windows::typed::<M, T>(
                [KH, KW],
                Kind::OPERATION,
                Shape {
                    extents: [I::HEIGHT, I::WIDTH],
                    channels: I::CHANNELS,
                },
                Shape {
                    extents: [O::HEIGHT, O::WIDTH],
                    channels: O::CHANNELS,
                },
            ) {
                Ok(windows) => &{ windows },
                Err(error) => error.stop_the_build(),
            }
        };
        run(
            Kind::OPERATION,
            windows,
            input.elements(),
            output.elements_mut(),
            (self.low, self.high),
        );
    }
}

impl<Kind, M, T, const KH: usize, const KW: usize> Default for Pool2d<Kind, M, T, KH, KW>
where
    Kind: Pooling,
    M: Window2d,
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
    /// Pools over the windows of the map, outputs clamped to `low..=high`, `high` where `low > high`. The map is a depthwise one: as many groups and
    /// output channels as input channels.
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
    /// [`Error::DepthwiseGroups`] and [`Error::Extent`] for other channels, [`Error::Elements`] naming a buffer of the wrong
    /// length, [`Error::EmptyWindow`], [`Error::Accumulator`] for an average over more taps than a sum of 32 bits
    /// holds: 65,534 of `i16`, 8,372,255 of `u8`. The output is then untouched.
    pub fn pool<T: Pooled>(
        &self,
        operation: PoolOperation,
        input: &[T],
        output: &mut [T],
        low: T,
        high: T,
    ) -> Result<(), Error> {
        for (buffer, expected, found) in [
            (Buffer::Input, self.input_elements(), input.len()),
            (Buffer::Output, self.output_elements(), output.len()),
        ] {
            if expected != found {
                return Err(Error::Elements {
                    buffer,
                    expected,
                    found,
                });
            }
        }
        let windows = Windows::new::<T>(&self.planar(), operation)?;
        run(operation, &windows, input, output, (low, high));
        Ok(())
    }
}

/// The windows of a pooling layer along rows and columns.
struct Windows {
    rows: Windows1d,
    columns: Windows1d,
    channels: usize,
}

/// The windows along one axis.
#[derive(Clone, Copy)]
struct Windows1d {
    axis: Axis,
    input: usize,
    output: usize,
}

/// The taps of one window that lie inside the input: `count` positions from `first` on, `step` apart.
#[derive(Clone, Copy)]
struct Span {
    first: usize,
    count: usize,
    step: usize,
}

impl Span {
    fn positions(self) -> impl Iterator<Item = usize> {
        (0..self.count).map(move |tap| self.first.wrapping_add(tap.wrapping_mul(self.step)))
    }
}

impl Windows1d {
    const fn span(&self, output: usize) -> Span {
        let Axis {
            kernel,
            stride,
            dilation: step,
            pad_before,
            ..
        } = self.axis;
        // The geometry has proven that positions fit.
        let start = (output.wrapping_mul(stride) as isize).wrapping_sub(pad_before);
        let skipped = if start < 0 {
            divide(
                start.unsigned_abs().wrapping_add(step).wrapping_sub(1),
                step,
            )
        } else {
            0
        };
        let first = start.wrapping_add(skipped.wrapping_mul(step) as isize) as usize;
        if skipped >= kernel || first >= self.input {
            return Span {
                first: 0,
                count: 0,
                step,
            };
        }
        let inside = divide(self.input.wrapping_sub(first).wrapping_sub(1), step).wrapping_add(1);
        let taps = kernel.wrapping_sub(skipped);
        Span {
            first,
            count: if taps < inside { taps } else { inside },
            step,
        }
    }

    const fn check(&self, dimension: Dimension) -> Result<(), Error> {
        let mut output = 0;
        while output < self.output {
            if self.span(output).count == 0 {
                return Err(Error::EmptyWindow { dimension, output });
            }
            output += 1;
        }
        Ok(())
    }
}

/// `⌊dividend / divisor⌋`; strides and dilations are at least 1.
const fn divide(dividend: usize, divisor: usize) -> usize {
    match dividend.checked_div(divisor) {
        Some(quotient) => quotient,
        None => 0,
    }
}

impl Windows {
    const fn new<T: Pooled>(
        geometry: &Geometry<2>,
        operation: PoolOperation,
    ) -> Result<Self, Error> {
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
        let ([height, width], [output_height, output_width]) =
            (geometry.input(), geometry.output());
        let [rows, columns] = *geometry.axes();
        let windows = Self {
            rows: Windows1d {
                axis: rows,
                input: height,
                output: output_height,
            },
            columns: Windows1d {
                axis: columns,
                input: width,
                output: output_width,
            },
            channels,
        };
        attempt!(windows.rows.check(Dimension::Height));
        attempt!(windows.columns.check(Dimension::Width));
        let taps = (rows.kernel as u64).saturating_mul(columns.kernel as u64);
        if let PoolOperation::Average = operation
            && taps > T::TAPS
        {
            return Err(Error::Accumulator {
                taps,
                limit: T::TAPS,
            });
        }
        Ok(windows)
    }

    const fn typed<M: Window2d, T: Pooled>(
        kernel: [usize; 2],
        operation: PoolOperation,
        source: Shape<2>,
        target: Shape<2>,
    ) -> Result<Self, Error> {
        let kernel = KernelShape {
            extents: kernel,
            input_channels: 1,
            output_channels: source.channels,
            layout: KernelLayout::SpatialOutput,
        };
        let geometry =
            attempt!(settings_2d::<M>().geometry(Direction::Direct, source, kernel, target));
        Self::new::<T>(&geometry, operation)
    }
}

/// Pools buffers that have the lengths of the windows.
fn run<T: Pooled>(
    operation: PoolOperation,
    windows: &Windows,
    input: &[T],
    output: &mut [T],
    (low, high): (T, T),
) {
    let channels = windows.channels;
    let mut outputs = output.iter_mut();
    for oy in 0..windows.rows.output {
        let rows = windows.rows.span(oy);
        for ox in 0..windows.columns.output {
            let columns = windows.columns.span(ox);
            for (channel, slot) in (0..channels).zip(&mut outputs) {
                let values = rows.positions().flat_map(|y| {
                    let row = y.wrapping_mul(windows.columns.input);
                    columns.positions().filter_map(move |x| {
                        let pixel = row.wrapping_add(x).wrapping_mul(channels);
                        input.get(pixel.wrapping_add(channel)).copied()
                    })
                });
                let value = match operation {
                    PoolOperation::Average => {
                        T::mean(values, rows.count.wrapping_mul(columns.count))
                    }
                    PoolOperation::Max => values.reduce(T::greater).unwrap_or(T::LEAST),
                };
                *slot = value.clamped(low, high);
            }
        }
    }
}
