//! CMSIS-NN and TFLM: `arm_convolve_…`, `arm_depthwise_conv_…` and `arm_transpose_conv_…`.
//!
//! Cross-correlation. The caller gives the pads before the input and the output extent; what lies beyond the end
//! of the input reads as padding, so that the pads after it follow. Kernels are O H W I of each function's own
//! channels, of the depthwise ones 1 H W O.
//!
//! Source: `arm_nn_types.h` and the comments of the functions.

use super::{ConventionError, Direct, Framework, Names, Reason, Transposed, bare, total_pads};
use crate::axis::{AxisError, attempt, to_signed};

const NAMES: Names = Names {
    framework: Framework::CmsisNn,
    kernel: "filter_dims",
    stride: "stride",
    dilation: "dilation",
    padding: "padding",
    output_padding: "output_dims",
    output: "output_dims",
};

/// One axis of `cmsis_nn_conv_params`, `cmsis_nn_dw_conv_params` or `cmsis_nn_transpose_conv_params`, with the
/// extent of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvParams {
    /// Number of taps.
    pub filter_dims: usize,
    /// Distance between windows.
    pub stride: usize,
    /// Pads before the input; of the transposed functions so many outputs are dropped before the first.
    pub padding: usize,
    /// Distance between taps.
    pub dilation: usize,
}

impl ConvParams {
    /// Stride 1, dilation 1, no pads.
    #[must_use]
    pub const fn new(filter_dims: usize) -> Self {
        Self {
            filter_dims,
            stride: 1,
            padding: 0,
            dilation: 1,
        }
    }

    /// Resolves the axis of a direct function from `input_dims` to `output_dims`.
    ///
    /// The pads after are 0 where that gives `output_dims`, and else
    /// `stride·(output_dims − 1) + k̂ − input_dims − padding`, negative where the end of the input is not read.
    ///
    /// ```
    /// use conv_core::convention::cmsis_nn::ConvParams;
    ///
    /// let same = ConvParams { stride: 2, ..ConvParams::new(3) };
    /// assert_eq!(same.axis(96, 48).unwrap().axis.pad_after, 1);
    /// assert_eq!(same.axis(96, 47).unwrap().axis.pad_after, 0);
    /// ```
    ///
    /// # Errors
    ///
    /// An extent of 0; an illegal axis.
    pub const fn axis(
        &self,
        input_dims: usize,
        output_dims: usize,
    ) -> Result<Direct, ConventionError> {
        let before = attempt!(NAMES.checked(to_signed(self.padding)));
        let axis = bare(self.filter_dims, self.stride, self.dilation).with_pads(before, 0);
        attempt!(NAMES.checked(axis.check()));
        if input_dims == 0 {
            return Err(NAMES.axis_error(AxisError::EmptyExtent));
        }
        if output_dims == 0 {
            return Err(NAMES.error("output_dims", Reason::Axis(AxisError::EmptyExtent)));
        }
        if let Ok(resolved) = Direct::resolve(axis, input_dims)
            && resolved.output == output_dims
        {
            return Ok(resolved);
        }
        // What the transpose of the map, from output_dims to input_dims, has to drop.
        let total = attempt!(NAMES.checked(total_pads(axis, output_dims, 0, input_dims)));
        let Some(after) = total.checked_sub(before) else {
            return Err(NAMES.axis_error(AxisError::Overflow));
        };
        NAMES.direct(axis.with_pads(before, after), input_dims)
    }

    /// Resolves the axis of a transposed function from `input_dims` to `output_dims`. Outputs beyond the reach of
    /// the last input are 0 (before the bias), and beyond `output_dims` they are dropped;
    /// `padding_offsets` is not needed.
    ///
    /// ```
    /// use conv_core::convention::cmsis_nn::ConvParams;
    ///
    /// let double = ConvParams { stride: 2, ..ConvParams::new(3) }.transposed_axis(16, 32).unwrap();
    /// assert_eq!((double.axis.pad_before, double.axis.pad_after), (0, 1));
    /// ```
    ///
    /// # Errors
    ///
    /// An extent of 0; an illegal axis.
    pub const fn transposed_axis(
        &self,
        input_dims: usize,
        output_dims: usize,
    ) -> Result<Transposed, ConventionError> {
        let before = attempt!(NAMES.checked(to_signed(self.padding)));
        let axis = bare(self.filter_dims, self.stride, self.dilation);
        if output_dims == 0 {
            return Err(NAMES.error("output_dims", Reason::Axis(AxisError::EmptyExtent)));
        }
        let total = attempt!(NAMES.checked(total_pads(axis, input_dims, 0, output_dims)));
        let Some(after) = total.checked_sub(before) else {
            return Err(NAMES.axis_error(AxisError::Overflow));
        };
        NAMES.transposed(axis.with_pads(before, after), input_dims, 0)
    }
}
