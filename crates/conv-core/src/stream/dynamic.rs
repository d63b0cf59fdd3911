//! Streams whose shapes only run time knows.

use core::marker::PhantomData;

use crate::dynamic::{Operation, Planar, length};
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::Finish;
use crate::geometry::Geometry;
use crate::pool::{self, PoolOperation, Pooled};
use crate::quantised::{
    Accumulate, Activation, QuantOperation, QuantWeights, Requantisation, run_quantised,
};
use crate::requantise::Rounding;
use crate::stream::layer::{self, Course};
use crate::stream::remembered;
use crate::stream::schedule::{Cursor, Due, Schedule};

/// A [`Stream`](crate::stream::Stream) of shapes known at run time, on flat slices with channels innermost.
///
/// The geometry's first dimension is the one that is streamed, whatever its extents there: length, or height.
/// One input is a sample of all channels or a row of all columns and channels. `L` is what it runs: [`SliceMap`],
/// [`SliceQuantised`] or [`SlicePool`].
///
/// ```
/// use conv_core::finish;
/// use conv_core::stream::SliceStream;
/// use conv_core::{Axis, Geometry};
///
/// let kernel = [1_i8, 2, 1];
/// let geometry = Geometry::direct([Axis::new(3).with_pads(1, 1)], [4], 1, 1, 1)?;
/// let mut history = [0_i8; 3];
/// let mut stream = SliceStream::conv(&geometry, &kernel, &mut history, finish::raw::<i32>())?;
///
/// let mut outputs = [0_i32; 4];
/// let mut slots = outputs.chunks_exact_mut(1);
/// for sample in [1, 0, 0, 5] {
///     let mut due = stream.push(&[sample])?;
///     while due.remaining() > 0 {
///         due.write_next(slots.next().unwrap())?;
///     }
/// }
/// stream.flush(0)?.write_next(slots.next().unwrap())?;
/// assert_eq!(outputs, [2, 1, 5, 10]);
/// # Ok::<(), conv_core::Error>(())
/// ```
#[derive(Debug)]
pub struct SliceStream<'a, T, L> {
    course: Course,
    cursor: Cursor,
    dimension: Dimension,
    /// Elements of an input and of an output.
    input: usize,
    output: usize,
    history: &'a mut [T],
    layer: L,
}

/// What a [`SliceStream`] runs, from inputs of `T` to outputs of `O`. Sealed.
pub trait Compute<T, O>: sealed::Sealed {
    /// The outputs of a plan; the buffers have its lengths.
    #[doc(hidden)]
    fn compute(&self, plan: &Plan, input: &[T], output: &mut [O]);
}

/// A kernel and a last step: one of the four operations.
#[derive(Clone, Copy, Debug)]
pub struct SliceMap<'a, W, F> {
    kernel: &'a [W],
    finish: F,
}

/// A quantised layer with outputs of `O`.
#[derive(Clone, Copy, Debug)]
pub struct SliceQuantised<'a, K, R: Rounding, O> {
    kernel: K,
    requantisation: Requantisation<'a, R>,
    output: PhantomData<fn() -> O>,
}

/// Average or max pooling.
#[derive(Clone, Copy, Debug)]
pub struct SlicePool<T> {
    operation: PoolOperation,
    low: T,
    high: T,
}

mod sealed {
    use crate::requantise::Rounding;

    pub trait Sealed {}
    impl<W, F> Sealed for super::SliceMap<'_, W, F> {}
    impl<K, R: Rounding, O> Sealed for super::SliceQuantised<'_, K, R, O> {}
    impl<T> Sealed for super::SlicePool<T> {}
}

impl<T, W, F> Compute<T, F::Output> for SliceMap<'_, W, F>
where
    T: Multiply<W, F::Accumulator>,
    W: Element,
    F: Finish,
{
    fn compute(&self, plan: &Plan, input: &[T], output: &mut [F::Output]) {
        layer::run(plan, input, self.kernel, output, &self.finish);
    }
}

impl<T, K, R, O> Compute<T, O> for SliceQuantised<'_, K, R, O>
where
    T: Activation,
    K: QuantWeights,
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    fn compute(&self, plan: &Plan, input: &[T], output: &mut [O]) {
        run_quantised(plan, input, self.kernel, output, &self.requantisation);
    }
}

impl<T: Pooled> Compute<T, T> for SlicePool<T> {
    fn compute(&self, plan: &Plan, input: &[T], output: &mut [T]) {
        pool::run(self.operation, plan, input, output, (self.low, self.high));
    }
}

macro_rules! slice_constructors {
    ($($(#[$doc:meta])* $name:ident => $operation:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// As the operation of the same name on a [`Geometry`], and [`Error::Elements`] for a `history` shorter than
        /// the number expected.
        pub fn $name<const D: usize>(
            geometry: &Geometry<D>,
            kernel: &'a [W],
            history: &'a mut [T],
            finish: F,
        ) -> Result<Self, Error>
        where
            Geometry<D>: Planar,
        {
            let operation = Operation::$operation;
            operation.check::<T, W, F::Accumulator, D>(geometry, finish.channels())?;
            length(Buffer::Kernel, geometry.kernel_elements(), kernel.len())?;
            let plan = operation.planar_plan(geometry);
            let layer = SliceMap { kernel, finish };
            Self::new(operation.direction(), geometry, plan, history, layer)
        }
    )*};
}

impl<'a, T, W, F> SliceStream<'a, T, SliceMap<'a, W, F>>
where
    T: Multiply<W, F::Accumulator>,
    W: Element,
    F: Finish,
{
    slice_constructors! {
        /// A stream of the direct operation.
        conv => CONV;
        /// A stream of the transposed operation.
        conv_transpose => CONV_TRANSPOSE;
        /// A stream of the depthwise operation.
        depthwise => DEPTHWISE;
        /// A stream of the transposed depthwise operation.
        depthwise_transpose => DEPTHWISE_TRANSPOSE;
    }
}

impl<'a, T, K, R, O> SliceStream<'a, T, SliceQuantised<'a, K, R, O>>
where
    T: Activation,
    K: QuantWeights,
    R: Rounding,
    R::Accumulator: Accumulate,
    O: Activation,
{
    /// A stream of a quantised layer, with the arithmetic of [`Geometry::quantised`].
    ///
    /// ```
    /// use conv_core::quantised::{QuantOperation, Quantisation, Requantisation};
    /// use conv_core::requantise::{Double, Multiplier};
    /// use conv_core::stream::SliceStream;
    /// use conv_core::{Axis, Geometry};
    ///
    /// let geometry = Geometry::direct([Axis::new(3).with_pads(2, 0)], [8], 1, 1, 1)?;
    /// let requantisation = Requantisation::<Double> {
    ///     bias: None,
    ///     scales: &[Multiplier::from_scale(0.25).unwrap()],
    ///     quantisation: Quantisation::new(-128, -128),
    /// };
    /// let kernel: &[i8] = &[1, 2, 1];
    /// let mut history = [0_i8; 3];
    /// let operation = QuantOperation::Conv;
    /// let mut stream = SliceStream::quantised(&geometry, operation, kernel, &mut history, requantisation)?;
    ///
    /// let mut output = [0_i8];
    /// stream.push(&[-28])?.write_next(&mut output)?;
    /// assert_eq!(output, [-103]); // 100·1/4
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Geometry::quantised`], and [`Error::Elements`] for a `history` shorter than the number expected.
    pub fn quantised<const D: usize>(
        geometry: &Geometry<D>,
        operation: QuantOperation,
        kernel: K,
        history: &'a mut [T],
        requantisation: Requantisation<'a, R>,
    ) -> Result<Self, Error>
    where
        Geometry<D>: Planar,
    {
        geometry.check_quantised::<T, K, R, O>(operation, kernel, &requantisation)?;
        let operation = operation.operation();
        let plan = operation.planar_plan(geometry);
        let layer = SliceQuantised {
            kernel,
            requantisation,
            output: PhantomData,
        };
        Self::new(operation.direction(), geometry, plan, history, layer)
    }
}

impl<'a, T: Pooled> SliceStream<'a, T, SlicePool<T>> {
    /// A stream of average or max pooling, as [`Geometry::pool`]. A signal so short that a window holds padding
    /// alone, which that refuses, gives the clamped least value there, of an average 0.
    ///
    /// ```
    /// use conv_core::pool::PoolOperation;
    /// use conv_core::stream::SliceStream;
    /// use conv_core::{Axis, Geometry};
    ///
    /// let geometry = Geometry::direct([Axis::new(2).with_stride(2)], [8], 1, 1, 1)?;
    /// let mut history = [0_i16; 2];
    /// let (operation, range) = (PoolOperation::Average, (i16::MIN, i16::MAX));
    /// let mut stream = SliceStream::pool(&geometry, operation, &mut history, range.0, range.1)?;
    ///
    /// let mut output = [0];
    /// assert!(!stream.push(&[10])?.write_next(&mut output)?);
    /// assert!(stream.push(&[14])?.write_next(&mut output)?);
    /// assert_eq!(output, [12]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Geometry::pool`], [`Error::PoolPad`] for a pad along the stream that could hold a whole window, and
    /// [`Error::Elements`] for a `history` shorter than the number expected.
    pub fn pool<const D: usize>(
        geometry: &Geometry<D>,
        operation: PoolOperation,
        history: &'a mut [T],
        low: T,
        high: T,
    ) -> Result<Self, Error>
    where
        Geometry<D>: Planar,
    {
        pool::check_stream::<T, D>(operation, &geometry.planar())?;
        let plan = Operation::DEPTHWISE.planar_plan(geometry);
        let layer = SlicePool {
            operation,
            low,
            high,
        };
        Self::new(Direction::Direct, geometry, plan, history, layer)
    }
}

impl<'a, T: Element, L> SliceStream<'a, T, L> {
    fn new<const D: usize>(
        direction: Direction,
        geometry: &Geometry<D>,
        plan: Plan,
        history: &'a mut [T],
        layer: L,
    ) -> Result<Self, Error> {
        let schedule = schedule(direction, geometry)?;
        let (x, y) = (
            across(geometry.input(), geometry.input_channels()),
            across(geometry.output(), geometry.output_channels()),
        );
        let (input, output) = match direction {
            Direction::Direct => (x, y),
            Direction::Transposed => (y, x),
        };
        let expected = needed(&schedule, input)?;
        if history.len() < expected {
            length(Buffer::History, expected, history.len())?;
        }
        Ok(Self {
            course: Course {
                plan,
                schedule,
                // A signal is an image of one row, which the stream runs along.
                dimension: 2 - D.min(2),
            },
            cursor: schedule.cursor(),
            dimension: Dimension::spatial(0, D),
            input,
            output,
            history,
            layer,
        })
    }

    /// Takes the next input and gives the outputs that are due. Outputs not taken are lost.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] for an input of another length; nothing is then taken.
    pub fn push(&mut self, input: &[T]) -> Result<SliceOutputs<'_, 'a, T, L>, Error> {
        length(Buffer::Input, self.input, input.len())?;
        let schedule = &self.course.schedule;
        let due = schedule.push(&mut self.cursor, self.history, input);
        Ok(SliceOutputs { stream: self, due })
    }

    /// Ends the signal, of a transposed operation with `output_padding`: gives the outputs that were waiting for
    /// inputs that did not come, then is as new.
    ///
    /// # Errors
    ///
    /// [`AxisError::OutputPadding`](crate::AxisError::OutputPadding) unless it is less than the stride or the dilation, for direct
    /// operations unless it is 0; nothing is then done.
    pub fn flush(&mut self, output_padding: usize) -> Result<SliceOutputs<'_, 'a, T, L>, Error> {
        let schedule = &self.course.schedule;
        schedule.check_padding(self.dimension, output_padding)?;
        let due = schedule.finish(&mut self.cursor, output_padding);
        Ok(SliceOutputs { stream: self, due })
    }

    /// Forgets all inputs: the next one is the first of a new signal.
    pub fn reset(&mut self) {
        self.cursor = self.course.schedule.cursor();
    }

    /// Number of outputs that the next `inputs` samples or rows will give.
    #[must_use]
    pub fn outputs_of(&self, inputs: usize) -> usize {
        self.course.schedule.count_after(&self.cursor, inputs)
    }

    /// As [`Stream::LATENCY`](crate::stream::Stream::LATENCY).
    #[must_use]
    pub fn latency(&self) -> isize {
        self.course.schedule.latency()
    }
}

impl<const D: usize> Geometry<D> {
    /// Least length, in elements, of the history of a [`SliceStream`] of a direct, depthwise or pooling layer.
    ///
    /// # Errors
    ///
    /// [`Error::Axis`] and [`Error::Overflow`] where that does not fit.
    pub fn conv_history(&self) -> Result<usize, Error> {
        let input = across(self.input(), self.input_channels());
        needed(&schedule(Direction::Direct, self)?, input)
    }

    /// Least length, in elements, of the history of a [`SliceStream`] of a transposed layer.
    ///
    /// # Errors
    ///
    /// [`Error::Axis`] and [`Error::Overflow`] where that does not fit.
    pub fn conv_transpose_history(&self) -> Result<usize, Error> {
        let input = across(self.output(), self.output_channels());
        needed(&schedule(Direction::Transposed, self)?, input)
    }
}

/// The outputs that are due, each computed when it is taken. From [`SliceStream::push`] and [`SliceStream::flush`].
#[must_use = "outputs not taken are lost"]
#[derive(Debug)]
pub struct SliceOutputs<'s, 'a, T, L> {
    stream: &'s SliceStream<'a, T, L>,
    due: Due,
}

impl<T: Element, L> SliceOutputs<'_, '_, T, L> {
    /// Number of outputs not yet taken.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.due.count
    }

    /// Writes the next output, where there is one. Says whether there was.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] for an output of another length; nothing is then written or taken.
    pub fn write_next<O>(&mut self, output: &mut [O]) -> Result<bool, Error>
    where
        L: Compute<T, O>,
    {
        let stream = self.stream;
        length(Buffer::Output, stream.output, output.len())?;
        let valid = self.due.valid;
        let source = remembered(stream.history, &self.due, stream.input);
        let Some(start) = stream.course.schedule.next(&mut self.due) else {
            return Ok(false);
        };
        let plan = stream.course.at(start, valid, 1);
        stream.layer.compute(&plan, source, output);
        Ok(true)
    }
}

fn schedule<const D: usize>(
    direction: Direction,
    geometry: &Geometry<D>,
) -> Result<Schedule, Error> {
    let dimension = Dimension::spatial(0, D);
    match geometry.axes().first() {
        Some(&axis) => {
            Schedule::new(axis, direction).map_err(|error| Error::Axis { dimension, error })
        }
        None => Err(Error::Overflow {
            buffer: Buffer::History,
        }),
    }
}

/// Elements of one input or output: all extents but the first, times the channels. Checked to fit by [`Geometry`].
fn across<const D: usize>(extents: [usize; D], channels: usize) -> usize {
    extents.iter().skip(1).product::<usize>() * channels
}

/// Elements of the history for inputs of `width`.
fn needed(schedule: &Schedule, width: usize) -> Result<usize, Error> {
    schedule
        .history
        .checked_mul(width)
        .filter(|&elements| elements <= isize::MAX.unsigned_abs())
        .ok_or(Error::Overflow {
            buffer: Buffer::History,
        })
}
