//! Streams whose shapes only run time knows.

use crate::dot::Plain;
use crate::dynamic::{Operation, Planar};
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Operands, Pixels};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::Finish;
use crate::geometry::Geometry;
use crate::stream::layer::Course;
use crate::stream::remembered;
use crate::stream::schedule::{Cursor, Due, Schedule};

/// A [`Stream`](crate::stream::Stream) of shapes known at run time, on flat slices with channels innermost.
///
/// The geometry's first dimension is the one that is streamed, whatever its extents there: length, or height.
/// One input is a sample of all channels or a row of all columns and channels.
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
pub struct SliceStream<'a, T, W, F> {
    course: Course,
    cursor: Cursor,
    dimension: Dimension,
    /// Elements of an input and of an output.
    input: usize,
    output: usize,
    history: &'a mut [T],
    kernel: &'a [W],
    finish: F,
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
            Self::new(Operation::$operation, geometry, kernel, history, finish)
        }
    )*};
}

impl<'a, T, W, F> SliceStream<'a, T, W, F>
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

    fn new<const D: usize>(
        operation: Operation,
        geometry: &Geometry<D>,
        kernel: &'a [W],
        history: &'a mut [T],
        finish: F,
    ) -> Result<Self, Error>
    where
        Geometry<D>: Planar,
    {
        operation.check::<T, W, F::Accumulator, D>(geometry, finish.channels())?;
        length(Buffer::Kernel, geometry.kernel_elements(), kernel.len())?;
        let schedule = schedule(operation.direction(), geometry)?;
        let planar = geometry.planar();
        // A signal is an image of one row, which the stream runs along.
        let dimension = 2 - D.min(2);
        let across = |extents: [usize; 2]| if D == 1 { 1 } else { extents[1] };
        let (x, y) = (
            across(planar.input()) * geometry.input_channels(),
            across(planar.output()) * geometry.output_channels(),
        );
        let (input, output) = match operation.direction() {
            Direction::Direct => (x, y),
            Direction::Transposed => (y, x),
        };
        let expected = needed(&schedule, input)?;
        if history.len() < expected {
            length(Buffer::History, expected, history.len())?;
        }
        Ok(Self {
            course: Course {
                plan: operation.plan(&planar),
                schedule,
                dimension,
            },
            cursor: schedule.cursor(),
            dimension: Dimension::spatial(0, D),
            input,
            output,
            history,
            kernel,
            finish,
        })
    }

    /// Takes the next input and gives the outputs that are due. Outputs not taken are lost.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] for an input of another length; nothing is then taken.
    pub fn push(&mut self, input: &[T]) -> Result<SliceOutputs<'_, 'a, T, W, F>, Error> {
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
    pub fn flush(&mut self, output_padding: usize) -> Result<SliceOutputs<'_, 'a, T, W, F>, Error> {
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

impl<T, W, F> SliceStream<'_, T, W, F> {
    /// Least length of the history of a direct or depthwise stream, in elements.
    ///
    /// # Errors
    ///
    /// [`Error::Axis`] and [`Error::Overflow`] where that does not fit.
    pub fn conv_history<const D: usize>(geometry: &Geometry<D>) -> Result<usize, Error> {
        history(Direction::Direct, geometry)
    }

    /// Least length of the history of a transposed stream, in elements.
    ///
    /// # Errors
    ///
    /// [`Error::Axis`] and [`Error::Overflow`] where that does not fit.
    pub fn conv_transpose_history<const D: usize>(geometry: &Geometry<D>) -> Result<usize, Error> {
        history(Direction::Transposed, geometry)
    }
}

/// The outputs that are due, each computed when it is taken. From [`SliceStream::push`] and [`SliceStream::flush`].
#[must_use = "outputs not taken are lost"]
#[derive(Debug)]
pub struct SliceOutputs<'s, 'a, T, W, F> {
    stream: &'s SliceStream<'a, T, W, F>,
    due: Due,
}

impl<T, W, F> SliceOutputs<'_, '_, T, W, F>
where
    T: Multiply<W, F::Accumulator>,
    W: Element,
    F: Finish,
{
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
    pub fn write_next(&mut self, output: &mut [F::Output]) -> Result<bool, Error> {
        let stream = self.stream;
        length(Buffer::Output, stream.output, output.len())?;
        let valid = self.due.valid;
        let source = remembered(stream.history, &self.due, stream.input);
        let Some(start) = stream.course.schedule.next(&mut self.due) else {
            return Ok(false);
        };
        let plan = stream
            .course
            .plan
            .within(stream.course.dimension, start, valid);
        let operands = Operands {
            product: Plain,
            input: source,
            kernel: stream.kernel,
            finish: &stream.finish,
        };
        operands.run(&plan, Pixels::All, output);
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

fn history<const D: usize>(direction: Direction, geometry: &Geometry<D>) -> Result<usize, Error> {
    let (extents, channels) = match direction {
        Direction::Direct => (geometry.input(), geometry.input_channels()),
        Direction::Transposed => (geometry.output(), geometry.output_channels()),
    };
    let across = extents.iter().skip(1).product::<usize>();
    needed(&schedule(direction, geometry)?, across * channels)
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

const fn length(buffer: Buffer, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Elements {
        buffer,
        expected,
        found,
    })
}
