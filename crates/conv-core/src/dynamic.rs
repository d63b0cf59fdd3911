//! Run-time extents in fixed memory: slices in, slices out, a [`Result`] that names what is wrong.
//!
//! The operations are methods of [`Geometry`], on flat slices with channels innermost, and share every loop
//! with the typed ones. Kernels are laid out as [`KernelLayout::OutputSpatialInput`], depthwise ones as
//! [`KernelLayout::SpatialOutput`]. The output is written only if every length fits; on error it is as it was.
//!
//! ```
//! use conv_core::{Axis, Geometry};
//!
//! // A decimator whose block length is known only at run time.
//! let block: &[i16] = &[1, 2, 3, 4, 5, 6, 7];
//! let axis = Axis::new(3).with_stride(2);
//! let geometry = Geometry::direct([axis], [block.len()], 1, 1, 1)?;
//! let mut output = [0_i64; 3];
//! geometry.conv(block, &[1_i16, 2, 1], &mut output)?;
//! assert_eq!(output, [8, 16, 24]);
//!
//! let error = geometry.conv(block, &[1_i16, 2, 1], &mut [0_i64; 4]).unwrap_err();
//! assert_eq!(error.to_string(), "output has 4 elements, expected 3");
//! # Ok::<(), conv_core::Error>(())
//! ```
//!
//! | what comes in | what happens |
//! |---|---|
//! | extents, pads, strides or dilations beyond any memory; extents whose product overflows | [`Geometry`] and [`Axis`](crate::Axis) give an error |
//! | an extent, kernel, stride or dilation of 0; no channels or groups | the same |
//! | a batch of 0 | an operation takes one item: there is no batch |
//! | slices that are too long, too short or empty | an error |
//! | products that could overflow the accumulator | an error, whatever the data |
//! | zero points and clamps of quantised layers outside their type, scales below 0, NaN or infinite | an error |
//! | NaN and infinity | propagate as IEEE 754 says, through weights of zero too; padding multiplies nothing |
//! | slices at any address | the same bits: this crate has no unsafe code |
//! | a panic of the caller's finishing step | comes through, with the output partly written |

use crate::axis::attempt;
use crate::dot::Plain;
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Operands, Pixels, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::{Finish, Raw, raw};
use crate::geometry::{Geometry, KernelLayout};

/// Geometries that conv-core's operations run on: one and two spatial dimensions.
pub trait Planar: sealed::Sealed {
    /// The same map on images; a signal is an image of one row.
    fn planar(&self) -> Geometry<2>;
}

impl sealed::Sealed for Geometry<1> {}
impl sealed::Sealed for Geometry<2> {}

impl Planar for Geometry<1> {
    fn planar(&self) -> Geometry<2> {
        self.as_2d()
    }
}

impl Planar for Geometry<2> {
    fn planar(&self) -> Geometry<2> {
        *self
    }
}

mod sealed {
    pub trait Sealed {}
}

/// One of the operations, as the run-time forms name it.
#[derive(Clone, Copy)]
pub(crate) struct Operation {
    direction: Direction,
    layout: KernelLayout,
}

impl Operation {
    pub(crate) const CONV: Self = Self {
        direction: Direction::Direct,
        layout: KernelLayout::OutputSpatialInput,
    };
    pub(crate) const CONV_TRANSPOSE: Self = Self {
        direction: Direction::Transposed,
        layout: KernelLayout::OutputSpatialInput,
    };
    pub(crate) const DEPTHWISE: Self = Self {
        direction: Direction::Direct,
        layout: KernelLayout::SpatialOutput,
    };
    pub(crate) const DEPTHWISE_TRANSPOSE: Self = Self {
        direction: Direction::Transposed,
        layout: KernelLayout::SpatialOutput,
    };

    pub(crate) const fn new(direction: Direction, layout: KernelLayout) -> Self {
        Self { direction, layout }
    }

    pub(crate) const fn plan(self, geometry: &Geometry<2>) -> Plan {
        Plan::new(geometry, self.layout, self.direction)
    }

    /// [`Operation::plan`] of a map of one or two dimensions. Never inlined, so that the map's copy is off the stack
    /// when the operation runs.
    #[inline(never)]
    pub(crate) fn planar_plan<const D: usize>(self, geometry: &Geometry<D>) -> Plan
    where
        Geometry<D>: Planar,
    {
        self.plan(&geometry.planar())
    }

    pub(crate) const fn direction(self) -> Direction {
        self.direction
    }

    pub(crate) const fn layout(self) -> KernelLayout {
        self.layout
    }

    /// Number of elements that the operation writes.
    pub(crate) const fn target_elements<const D: usize>(self, geometry: &Geometry<D>) -> usize {
        match self.direction {
            Direction::Direct => geometry.output_elements(),
            Direction::Transposed => geometry.input_elements(),
        }
    }

    pub(crate) const fn source_elements<const D: usize>(self, geometry: &Geometry<D>) -> usize {
        match self.direction {
            Direction::Direct => geometry.input_elements(),
            Direction::Transposed => geometry.output_elements(),
        }
    }

    pub(crate) const fn target_channels<const D: usize>(self, geometry: &Geometry<D>) -> usize {
        match self.direction {
            Direction::Direct => geometry.output_channels(),
            Direction::Transposed => geometry.input_channels(),
        }
    }

    /// Everything about the operation that its output buffer has no say in.
    ///
    /// # Errors
    ///
    /// Of the run-time forms.
    pub(crate) const fn check<T, W, A, const D: usize>(
        self,
        geometry: &Geometry<D>,
        finish_channels: Option<usize>,
    ) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        W: Element,
        A: Element,
    {
        attempt!(self.check_map(geometry, finish_channels));
        Geometry::<D>::check_accumulator::<T, W, A>(self.taps(geometry))
    }

    /// Most products that meet in one output.
    pub(crate) const fn taps<const D: usize>(self, geometry: &Geometry<D>) -> u64 {
        match self.direction {
            Direction::Direct => geometry.taps(),
            Direction::Transposed => geometry.transposed_taps(),
        }
    }

    /// Whether the finish and the kernel's layout fit the map.
    pub(crate) const fn check_map<const D: usize>(
        self,
        geometry: &Geometry<D>,
        finish_channels: Option<usize>,
    ) -> Result<(), Error> {
        let channels = self.target_channels(geometry);
        if let Some(found) = finish_channels
            && found != channels
        {
            return Err(Error::Extent {
                buffer: Buffer::Bias,
                dimension: Dimension::Channels,
                expected: channels,
                found,
            });
        }
        if matches!(self.layout, KernelLayout::SpatialOutput)
            && geometry.groups() != geometry.input_channels()
        {
            return Err(Error::DepthwiseGroups {
                groups: geometry.groups(),
                input_channels: geometry.input_channels(),
            });
        }
        Ok(())
    }

    /// Whether input and output have the lengths of the map. Never inlined: its stack is free again when the operation
    /// runs.
    #[inline(never)]
    pub(crate) fn check_buffers<const D: usize>(
        self,
        geometry: &Geometry<D>,
        input: usize,
        output: usize,
    ) -> Result<(), Error> {
        length(Buffer::Input, self.source_elements(geometry), input)?;
        length(Buffer::Output, self.target_elements(geometry), output)
    }

    /// Everything that can be wrong. Never inlined: its stack is free again when the operation runs.
    #[inline(never)]
    fn check_all<T, W, A, const D: usize>(
        self,
        geometry: &Geometry<D>,
        finish_channels: Option<usize>,
        [input, kernel, output]: [usize; 3],
    ) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        W: Element,
        A: Element,
    {
        self.check::<T, W, A, D>(geometry, finish_channels)?;
        length(Buffer::Kernel, geometry.kernel_elements(), kernel)?;
        self.check_buffers(geometry, input, output)
    }

    pub(crate) fn run<T, W, F, const D: usize>(
        self,
        geometry: &Geometry<D>,
        input: &[T],
        kernel: &[W],
        output: &mut [F::Output],
        finish: &F,
    ) -> Result<(), Error>
    where
        Geometry<D>: Planar,
        T: Multiply<W, F::Accumulator>,
        W: Element,
        F: Finish,
    {
        self.check_all::<T, W, F::Accumulator, D>(
            geometry,
            finish.channels(),
            [input.len(), kernel.len(), output.len()],
        )?;
        let operands = Operands {
            product: Plain,
            input,
            kernel,
            finish,
        };
        operands.run(&self.planar_plan(geometry), Pixels::All, output);
        Ok(())
    }
}

/// Whether a buffer has as many elements as expected.
pub(crate) const fn length(buffer: Buffer, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Elements {
        buffer,
        expected,
        found,
    })
}

macro_rules! run_time_forms {
    ($($(#[$doc:meta])* $name:ident, $(#[$doc_with:meta])* $name_with:ident => $operation:ident;)*) => {
        impl<const D: usize> Geometry<D>
        where
            Self: Planar,
        {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// [`Error::Elements`] for a buffer of the wrong length, [`Error::Accumulator`] where the sum could
            /// overflow, for depthwise operations [`Error::DepthwiseGroups`]. The output is then untouched.
            pub fn $name<T, W, A>(&self, input: &[T], kernel: &[W], output: &mut [A]) -> Result<(), Error>
            where
                T: Multiply<W, A>,
                W: Element,
                A: Element,
            {
                let finish: Raw<A> = raw();
                self.$name_with(input, kernel, output, finish)
            }

            $(#[$doc_with])*
            ///
            /// # Errors
            ///
            /// As without a finish, and [`Error::Extent`] where a bias has not one value for each channel.
            pub fn $name_with<T, W, F>(
                &self,
                input: &[T],
                kernel: &[W],
                output: &mut [F::Output],
                finish: F,
            ) -> Result<(), Error>
            where
                T: Multiply<W, F::Accumulator>,
                W: Element,
                F: Finish,
            {
                Operation::$operation.run(self, input, kernel, output, &finish)
            }
        )*}
    };
}

run_time_forms! {
    /// `y = C·x`: the direct operation on run-time extents.
    conv,
    /// [`Geometry::conv`] with a last step from accumulator to output.
    conv_with => CONV;
    /// `x = Cᵀ·y`: the transposed operation on run-time extents, from [`Geometry::output`] to
    /// [`Geometry::input`].
    conv_transpose,
    /// [`Geometry::conv_transpose`] with a last step from accumulator to output.
    conv_transpose_with => CONV_TRANSPOSE;
    /// `y = C·x` for a depthwise map, one group for each input channel, with a kernel laid out
    /// height, width, output channels.
    depthwise,
    /// [`Geometry::depthwise`] with a last step from accumulator to output.
    depthwise_with => DEPTHWISE;
    /// `x = Cᵀ·y` for a depthwise map.
    depthwise_transpose,
    /// [`Geometry::depthwise_transpose`] with a last step from accumulator to output.
    depthwise_transpose_with => DEPTHWISE_TRANSPOSE;
}
