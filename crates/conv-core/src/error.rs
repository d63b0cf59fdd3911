//! What can be wrong with run-time shapes. The typed operations have no errors: there, what is wrong does
//! not compile.

use core::fmt;

use crate::axis::AxisError;
use crate::message::Message;

/// A buffer, as named in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Buffer {
    /// What the operation reads: `x` of `y = C·x`, or `y` of `x = Cᵀ·y`.
    Input,
    /// The weights.
    Kernel,
    /// What the operation writes.
    Output,
    /// One value for each output channel.
    Bias,
    /// The multipliers of a quantised layer: one for each output channel, or one for all.
    Scales,
    /// The dense matrix that a view is written into.
    Matrix,
    /// What a stream remembers of its input.
    History,
    /// What a layer needs while it runs.
    Scratch,
}

/// A dimension of a buffer, as named in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Dimension {
    /// Independent inputs in one call.
    Batch,
    /// The only spatial dimension of a signal.
    Length,
    /// The slowest spatial dimension of a volume.
    Depth,
    /// Rows.
    Height,
    /// Columns.
    Width,
    /// Channels of an input or output.
    Channels,
    /// Input channels of a kernel, within one group.
    InputChannels,
    /// Output channels of a kernel.
    OutputChannels,
    /// Rows of a matrix.
    Rows,
    /// Columns of a matrix.
    Columns,
}

impl Dimension {
    /// Name of spatial dimension `index` of `count`: length; height and width; depth, height and width.
    #[must_use]
    pub const fn spatial(index: usize, count: usize) -> Self {
        match (count, index) {
            (1, _) => Self::Length,
            (3, 0) => Self::Depth,
            (3, 1) | (2, 0) => Self::Height,
            _ => Self::Width,
        }
    }

    /// Whether the dimension is named by what it counts: an input *has 3 channels*, its width *is 3*.
    const fn is_count(self) -> bool {
        match self {
            Self::Batch | Self::Length | Self::Depth | Self::Height | Self::Width => false,
            Self::Channels
            | Self::InputChannels
            | Self::OutputChannels
            | Self::Rows
            | Self::Columns => true,
        }
    }

    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Length => "length",
            Self::Depth => "depth",
            Self::Height => "height",
            Self::Width => "width",
            Self::Channels => "channels",
            Self::InputChannels => "input channels",
            Self::OutputChannels => "output channels",
            Self::Rows => "rows",
            Self::Columns => "columns",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Buffer {
    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Kernel => "kernel",
            Self::Output => "output",
            Self::Bias => "bias",
            Self::Scales => "scales",
            Self::Matrix => "matrix",
            Self::History => "history",
            Self::Scratch => "scratch",
        }
    }
}

impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why an operation at run-time shapes did not run. Nothing was written to its output.
///
/// New variants come last, so that the derived hash of the others stays what it was.
///
/// ```
/// use conv_core::{Error, Buffer, Dimension};
///
/// let error = Error::Extent { buffer: Buffer::Output, dimension: Dimension::Width, expected: 16, found: 17 };
/// assert_eq!(error.to_string(), "output width is 17, expected 16");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Error {
    /// An axis has no legal geometry.
    Axis {
        /// The axis.
        dimension: Dimension,
        /// What is wrong with it.
        error: AxisError,
    },
    /// A buffer has the wrong extent in a dimension.
    Extent {
        /// The buffer.
        buffer: Buffer,
        /// The dimension.
        dimension: Dimension,
        /// The extent that the geometry gives.
        expected: usize,
        /// The buffer's extent.
        found: usize,
    },
    /// A flat buffer has the wrong number of elements.
    Elements {
        /// The buffer.
        buffer: Buffer,
        /// The number that the geometry gives.
        expected: usize,
        /// The buffer's number.
        found: usize,
    },
    /// The groups do not divide the channels, or there are none of either.
    Groups {
        /// Number of groups.
        groups: usize,
        /// Input channels of the direct operation.
        input_channels: usize,
        /// Output channels of the direct operation.
        output_channels: usize,
    },
    /// A depthwise operation was asked of a map whose groups are not its input channels.
    DepthwiseGroups {
        /// Number of groups.
        groups: usize,
        /// Input channels of the direct operation.
        input_channels: usize,
    },
    /// More products meet in one output than the accumulator is proven to hold.
    Accumulator {
        /// Products in one output.
        taps: u64,
        /// Most that the accumulator holds.
        limit: u64,
    },
    /// Weights of a quantised layer could overflow its accumulator.
    WeightSum {
        /// Sum of the magnitudes of the weights that meet in one output, or a bound of it.
        sum: u64,
        /// Greatest sum that the accumulator is proven to hold with the layer's zero point.
        limit: u64,
    },
    /// A zero point or clamp of a quantised layer is not a value of its buffer.
    Quantisation {
        /// The buffer.
        buffer: Buffer,
        /// Least value of the buffer's elements.
        least: i32,
        /// Greatest value of the buffer's elements.
        greatest: i32,
        /// The zero point or bound given.
        found: i32,
    },
    /// The output does not fit the fixed capacity of its buffer.
    Capacity {
        /// Elements that the output has.
        needed: usize,
        /// Elements that the buffer can hold.
        available: usize,
    },
    /// The number of elements of a buffer does not fit `isize`.
    Overflow {
        /// The buffer.
        buffer: Buffer,
    },
    /// A scale of a quantised buffer is not a positive finite number, or too far from the others.
    Scale {
        /// The buffer.
        buffer: Buffer,
    },
    /// A pooling window lies wholly in the padding.
    EmptyWindow {
        /// The dimension.
        dimension: Dimension,
        /// The output along it, counted from 0.
        output: usize,
    },
    /// The bounds of a clamp are the wrong way round.
    Clamp {
        /// The lower bound.
        low: i32,
        /// The upper bound.
        high: i32,
    },
    /// A pad of a pooling stream could hold a whole window.
    PoolPad {
        /// The dimension along which the stream runs.
        dimension: Dimension,
        /// The dilated kernel extent: the first pad that is too large.
        limit: usize,
        /// The greater one of its pads.
        found: usize,
    },
    /// The scale of an output channel is negative or not a finite number.
    ChannelScale {
        /// The channel.
        channel: usize,
    },
    /// The bias of an output channel leaves too little of the accumulator for its weights, which would fit without it.
    Bias {
        /// The channel.
        channel: usize,
        /// Its bias.
        found: i64,
        /// Greatest magnitude of a bias of this sign with these weights.
        limit: u64,
    },
}

impl Error {
    const fn message(&self) -> Message {
        let start = Message::new();
        match *self {
            Self::Axis { dimension, error } => {
                error.message(start.text(dimension.name()).text(": "))
            }
            Self::Extent {
                buffer,
                dimension,
                expected,
                found,
            } => {
                let start = start.text(buffer.name());
                let found = if dimension.is_count() {
                    start
                        .text(" has ")
                        .count(found)
                        .text(" ")
                        .text(dimension.name())
                } else {
                    start
                        .text(" ")
                        .text(dimension.name())
                        .text(" is ")
                        .count(found)
                };
                found.text(", expected ").count(expected)
            }
            Self::Elements {
                buffer,
                expected,
                found,
            } => start
                .text(buffer.name())
                .text(" has ")
                .count(found)
                .text(" elements, expected ")
                .count(expected),
            Self::Groups {
                groups,
                input_channels,
                output_channels,
            } => start
                .text("groups are ")
                .count(groups)
                .text(", expected at least 1 and a divisor of ")
                .count(input_channels)
                .text(" input and ")
                .count(output_channels)
                .text(" output channels"),
            Self::DepthwiseGroups {
                groups,
                input_channels,
            } => start
                .text("groups are ")
                .count(groups)
                .text(", expected one for each of the ")
                .count(input_channels)
                .text(" input channels of a depthwise operation"),
            Self::Accumulator { taps, limit } => start
                .number(taps)
                .text(" products meet in one output, expected at most ")
                .number(limit)
                .text(": use a wider accumulator"),
            Self::WeightSum { sum, limit } => start
                .text("weights of one output sum up to ")
                .number(sum)
                .text(", expected at most ")
                .number(limit)
                .text(": use a contract with sums of 64 bits, such as WideDouble"),
            Self::Quantisation {
                buffer,
                least,
                greatest,
                found,
            } => start
                .text(buffer.name())
                .text(" zero point or clamp is ")
                .signed(found as isize)
                .text(", expected ")
                .signed(least as isize)
                .text(" to ")
                .signed(greatest as isize),
            Self::Scale { buffer } => start
                .text(buffer.name())
                .text(" scale is out of range, expected a positive finite number"),
            Self::EmptyWindow { dimension, output } => start
                .text("output ")
                .count(output)
                .text(" along the ")
                .text(dimension.name())
                .text(" is pooled from padding alone, expected at least 1 input"),
            Self::PoolPad {
                dimension,
                limit,
                found,
            } => start
                .text(dimension.name())
                .text(": a pad is ")
                .count(found)
                .text(", expected less than the ")
                .count(limit)
                .text(" positions that a window of a pooling stream covers"),
            Self::ChannelScale { channel } => start
                .text("scale of output channel ")
                .count(channel)
                .text(" is out of range, expected a finite number of at least 0"),
            Self::Bias {
                channel,
                found,
                limit,
            } => start
                .text("bias of output channel ")
                .count(channel)
                .text(" is ")
                .long(found)
                .text(", expected a magnitude of at most ")
                .number(limit)
                .text(" with its weights: use a contract with sums of 64 bits, such as WideDouble"),
            Self::Clamp { low, high } => start
                .text("clamp is from ")
                .signed(low as isize)
                .text(" to ")
                .signed(high as isize)
                .text(", expected the lower bound first"),
            Self::Capacity { needed, available } => start
                .text("output has ")
                .count(needed)
                .text(" elements, expected at most the capacity of ")
                .count(available),
            Self::Overflow { buffer } => start
                .text(buffer.name())
                .text(": the number of elements does not fit the machine's address range"),
        }
    }

    /// Stops the build with the error's text. Only for constants: there is no panic at run time.
    #[track_caller]
    pub(crate) const fn stop_the_build(self) -> ! {
        panic!("{}", self.message().as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Axis { error, .. } => Some(error),
            _ => None,
        }
    }
}
