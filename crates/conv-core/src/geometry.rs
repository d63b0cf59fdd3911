//! The linear map C, without its weights: one [`Axis`] per dimension, the extents on both sides, the
//! channels and how the kernel is laid out and read.
//!
//! The direct operation `y = C·x` leads from the map's *input* to its *output*, the transposed one
//! `x = Cᵀ·y` back. Both are described by the same [`Geometry`], always named from the direct side: for
//! the transposed operation `input` is what it writes.

use crate::axis::{Axis, AxisError, attempt, quotient, quotient_up, to_signed};
use crate::element::{Element, Multiply};
use crate::error::{Buffer, Dimension, Error};

/// Whether the kernel is applied as it is stored or flipped along every spatial axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Orientation {
    /// As stored: cross-correlation, what every neural network framework calls convolution.
    #[default]
    Correlation,
    /// Flipped: the convolution of mathematics and signal processing, and Theano's default.
    Convolution,
}

/// The order of the axes of a kernel, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KernelLayout {
    /// Output channels, spatial axes, input channels of the group: TFLite's OHWI.
    OutputSpatialInput,
    /// Output channels, input channels of the group, spatial axes: PyTorch's and ONNX's OIHW. The same
    /// order is their transposed operation's (I, O/g, H, W), whose input channels are C's output channels.
    OutputInputSpatial,
    /// Spatial axes, output channels: TFLite's depthwise HWO, of which there is one input channel a group.
    SpatialOutput,
    /// Input channels, spatial axes, output channels of the group: TFLite's OHWI of a *transposed* layer, which
    /// calls C's input channels its output channels.
    InputSpatialOutput,
}

/// The map C of `D` spatial dimensions, checked: extents, channels and groups fit each other and every
/// buffer's number of elements fits `isize`.
///
/// ```
/// use conv_core::axis::Axis;
/// use conv_core::geometry::Geometry;
///
/// let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
/// let geometry = Geometry::direct([axis; 2], [32, 32], 3, 16, 1).unwrap();
/// assert_eq!(geometry.output(), [16, 16]);
/// assert_eq!(geometry.taps(), 27);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Geometry<const D: usize> {
    axes: [Axis; D],
    input: [usize; D],
    output: [usize; D],
    input_channels: usize,
    output_channels: usize,
    groups: usize,
    orientation: Orientation,
}

impl<const D: usize> Geometry<D> {
    /// The map from an input of `input` elements along each axis; the output extents follow.
    ///
    /// # Errors
    ///
    /// [`Error::Axis`] naming the axis without legal geometry, [`Error::Groups`] where `groups` does not
    /// divide both channel counts or one of the three is 0, [`Error::Overflow`] for a buffer whose number of
    /// elements does not fit `isize`.
    pub const fn direct(
        axes: [Axis; D],
        input: [usize; D],
        input_channels: usize,
        output_channels: usize,
        groups: usize,
    ) -> Result<Self, Error> {
        let mut output = [0; D];
        let mut d = 0;
        while d < D {
            output[d] = match axes[d].output(input[d]) {
                Ok(extent) => extent,
                Err(error) => return Err(axis_error(d, D, error)),
            };
            d += 1;
        }
        Self::checked(axes, input, output, input_channels, output_channels, groups)
    }

    /// The map whose *transpose* leads from `transposed_input` to `transposed_output`: those are the
    /// extents of its output and its input. Channels are named as for [`Geometry::direct`], so that the
    /// transposed operation leads from `output_channels` to `input_channels`.
    ///
    /// # Errors
    ///
    /// As [`Geometry::direct`]; an output extent that the transposed operation cannot have is an
    /// [`AxisError::TransposedExtent`].
    pub const fn transposed(
        axes: [Axis; D],
        transposed_input: [usize; D],
        transposed_output: [usize; D],
        input_channels: usize,
        output_channels: usize,
        groups: usize,
    ) -> Result<Self, Error> {
        let mut d = 0;
        while d < D {
            if let Err(error) = axes[d].output_padding(transposed_input[d], transposed_output[d]) {
                return Err(axis_error(d, D, error));
            }
            // As for the direct operation, positions in the padded input have to fit.
            if let Err(error) = axes[d].padded(transposed_output[d]) {
                return Err(axis_error(d, D, error));
            }
            d += 1;
        }
        Self::checked(
            axes,
            transposed_output,
            transposed_input,
            input_channels,
            output_channels,
            groups,
        )
    }

    const fn checked(
        axes: [Axis; D],
        input: [usize; D],
        output: [usize; D],
        input_channels: usize,
        output_channels: usize,
        groups: usize,
    ) -> Result<Self, Error> {
        if groups == 0
            || input_channels == 0
            || output_channels == 0
            || !input_channels.is_multiple_of(groups)
            || !output_channels.is_multiple_of(groups)
        {
            return Err(Error::Groups {
                groups,
                input_channels,
                output_channels,
            });
        }
        let mut kernel = [0; D];
        let mut d = 0;
        while d < D {
            kernel[d] = axes[d].kernel;
            d += 1;
        }
        attempt!(elements(Buffer::Input, &input, input_channels, 1));
        attempt!(elements(Buffer::Output, &output, output_channels, 1));
        attempt!(elements(
            Buffer::Kernel,
            &kernel,
            output_channels,
            quotient(input_channels, groups)
        ));
        Ok(Self {
            axes,
            input,
            output,
            input_channels,
            output_channels,
            groups,
            orientation: Orientation::Correlation,
        })
    }

    /// The same map with the kernel read in another orientation.
    #[must_use]
    pub const fn with_orientation(self, orientation: Orientation) -> Self {
        Self {
            orientation,
            ..self
        }
    }

    /// The axes, slowest first.
    #[must_use]
    pub const fn axes(&self) -> &[Axis; D] {
        &self.axes
    }

    /// Extents of `x`: what the direct operation reads and the transposed one writes.
    #[must_use]
    pub const fn input(&self) -> [usize; D] {
        self.input
    }

    /// Extents of `y`: what the direct operation writes and the transposed one reads.
    #[must_use]
    pub const fn output(&self) -> [usize; D] {
        self.output
    }

    /// Kernel extents.
    #[must_use]
    pub const fn kernel(&self) -> [usize; D] {
        let mut kernel = [0; D];
        let mut d = 0;
        while d < D {
            kernel[d] = self.axes[d].kernel;
            d += 1;
        }
        kernel
    }

    /// Channels of `x`.
    #[must_use]
    pub const fn input_channels(&self) -> usize {
        self.input_channels
    }

    /// Channels of `y`.
    #[must_use]
    pub const fn output_channels(&self) -> usize {
        self.output_channels
    }

    /// Number of groups: output channel `c` reads only the input channels of its own group.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.groups
    }

    /// How the kernel is read.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Number of elements of `x`: the columns of C.
    #[must_use]
    pub const fn input_elements(&self) -> usize {
        product(&self.input) * self.input_channels
    }

    /// Number of elements of `y`: the rows of C.
    #[must_use]
    pub const fn output_elements(&self) -> usize {
        product(&self.output) * self.output_channels
    }

    /// Number of weights.
    #[must_use]
    pub const fn kernel_elements(&self) -> usize {
        product(&self.kernel()) * self.output_channels * quotient(self.input_channels, self.groups)
    }

    /// Most products that meet in one output of the direct operation: `Πk · input_channels/groups`.
    #[must_use]
    pub const fn taps(&self) -> u64 {
        quotient(self.kernel_elements(), self.output_channels) as u64
    }

    /// Most products that meet in one output of the transposed operation: `Π⌈k/step⌉ · output_channels/groups`
    /// with `step` of [`Axis::transposed_taps`].
    #[must_use]
    pub const fn transposed_taps(&self) -> u64 {
        let mut taps = quotient(self.output_channels, self.groups) as u64;
        let mut d = 0;
        while d < D {
            taps *= quotient_up(self.axes[d].kernel, self.axes[d].phase_step()) as u64;
            d += 1;
        }
        taps
    }

    /// `Ok` if `taps` products of `T · W` cannot overflow `A`.
    ///
    /// # Errors
    ///
    /// [`Error::Accumulator`].
    pub const fn check_accumulator<T, W, A>(taps: u64) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        W: Element,
        A: Element,
    {
        if taps > T::MAX_TAPS {
            return Err(Error::Accumulator {
                taps,
                limit: T::MAX_TAPS,
            });
        }
        Ok(())
    }
}

/// Distances in a kernel buffer between weights that differ in one index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WeightStrides<const D: usize> {
    /// Between output channels.
    pub output_channel: usize,
    /// Between taps of each axis.
    pub tap: [usize; D],
    /// Between input channels of a group.
    pub input_channel: usize,
    /// Between groups.
    pub group: usize,
}

impl<const D: usize> Geometry<D> {
    /// Where the weights of this map stand in a kernel buffer of the given layout.
    #[must_use]
    pub const fn weight_strides(&self, layout: KernelLayout) -> WeightStrides<D> {
        let inputs = quotient(self.input_channels, self.groups);
        let outputs = quotient(self.output_channels, self.groups);
        let kernel = self.kernel();
        let window = product(&kernel);
        let (output_channel, innermost, input_channel, group) = match layout {
            KernelLayout::OutputSpatialInput => {
                (window * inputs, inputs, 1, outputs * window * inputs)
            }
            KernelLayout::OutputInputSpatial => {
                (window * inputs, 1, window, outputs * window * inputs)
            }
            KernelLayout::SpatialOutput => (1, self.output_channels, 0, outputs),
            KernelLayout::InputSpatialOutput => {
                (1, outputs, window * outputs, inputs * window * outputs)
            }
        };
        let mut tap = [innermost; D];
        let mut d = D;
        while d > 1 {
            d -= 1;
            tap[d - 1] = tap[d] * kernel[d];
        }
        WeightStrides {
            output_channel,
            tap,
            input_channel,
            group,
        }
    }
}

impl Geometry<1> {
    /// The same map on images of one row.
    #[must_use]
    pub const fn as_2d(&self) -> Geometry<2> {
        Geometry {
            axes: [Axis::new(1), self.axes[0]],
            input: [1, self.input[0]],
            output: [1, self.output[0]],
            input_channels: self.input_channels,
            output_channels: self.output_channels,
            groups: self.groups,
            orientation: self.orientation,
        }
    }
}

const fn axis_error(index: usize, count: usize, error: AxisError) -> Error {
    Error::Axis {
        dimension: Dimension::spatial(index, count),
        error,
    }
}

const fn product<const D: usize>(extents: &[usize; D]) -> usize {
    let mut product = 1;
    let mut d = 0;
    while d < D {
        product *= extents[d];
        d += 1;
    }
    product
}

/// `Πextents · a · b`, where it fits `isize`.
const fn elements<const D: usize>(
    buffer: Buffer,
    extents: &[usize; D],
    a: usize,
    b: usize,
) -> Result<usize, Error> {
    let Some(mut total) = a.checked_mul(b) else {
        return Err(Error::Overflow { buffer });
    };
    let mut d = 0;
    while d < D {
        total = match total.checked_mul(extents[d]) {
            Some(total) => total,
            None => return Err(Error::Overflow { buffer }),
        };
        d += 1;
    }
    match to_signed(total) {
        Ok(_) => Ok(total),
        Err(_) => Err(Error::Overflow { buffer }),
    }
}
