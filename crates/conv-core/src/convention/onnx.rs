//! ONNX: the operators `Conv` and `ConvTranspose`.
//!
//! Cross-correlation. Kernels are (M, C/group, k…), of `ConvTranspose` (C, M/group, k…): as PyTorch's, both O I/g
//! of the direct map.
//!
//! Source: the operators' specification and its reference implementation, `onnx/reference/ops/op_conv_transpose.py`.
//! Where runtimes differ from it, the specification counts: ONNX Runtime rejects SAME with a dilation,
//! which has a plain meaning, and raises a negative total of pads to 0.

use super::{ConventionError, Direct, Framework, Names, Reason, Transposed, bare, total_pads};
use crate::axis::{Axis, AxisError, Padding, Window, attempt, to_signed};

const NAMES: Names = Names {
    framework: Framework::Onnx,
    kernel: "kernel_shape",
    stride: "strides",
    dilation: "dilations",
    padding: "pads",
    output_padding: "output_padding",
    output: "output_shape",
};

/// `auto_pad`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AutoPad {
    /// `NOTSET`, the default: `pads` counts.
    NotSet,
    /// `SAME_UPPER`: the odd zero comes after.
    SameUpper,
    /// `SAME_LOWER`: the odd zero comes before.
    SameLower,
    /// `VALID`: no pads.
    Valid,
}

/// One axis of `Conv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Number of taps.
    pub kernel_shape: usize,
    /// Default 1.
    pub strides: usize,
    /// Default 1.
    pub dilations: usize,
    /// `[begin, end]` of this axis, default 0. In the attribute all begins come before all ends.
    pub pads: [usize; 2],
    /// Default `NOTSET`.
    pub auto_pad: AutoPad,
}

impl Conv {
    /// ONNX's defaults.
    #[must_use]
    pub const fn new(kernel_shape: usize) -> Self {
        Self {
            kernel_shape,
            strides: 1,
            dilations: 1,
            pads: [0; 2],
            auto_pad: AutoPad::NotSet,
        }
    }

    /// Resolves the axis over `input` elements. SAME gives `⌈input/strides⌉` outputs.
    ///
    /// ```
    /// use conv_core::convention::onnx::{AutoPad, Conv};
    ///
    /// let lower = Conv { strides: 2, auto_pad: AutoPad::SameLower, ..Conv::new(4) }.axis(7).unwrap();
    /// assert_eq!((lower.axis.pad_before, lower.axis.pad_after, lower.output), (2, 1, 4));
    /// ```
    ///
    /// # Errors
    ///
    /// `pads` given beside an `auto_pad`; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        let window = Window::new()
            .with_stride(self.strides)
            .with_dilation(self.dilations);
        let padding = match self.auto_pad {
            AutoPad::NotSet => {
                let [before, after] = attempt!(signed(self.pads));
                Padding::Explicit { before, after }
            }
            _ if self.pads[0] != 0 || self.pads[1] != 0 => return Err(pads_conflict()),
            AutoPad::Valid => Padding::Valid,
            AutoPad::SameUpper => Padding::SameUpper,
            AutoPad::SameLower => Padding::SameLower,
        };
        let axis = window.with_padding(padding).axis(self.kernel_shape, input);
        NAMES.direct(attempt!(NAMES.checked(axis)), input)
    }
}

/// One axis of `ConvTranspose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Number of taps.
    pub kernel_shape: usize,
    /// Default 1.
    pub strides: usize,
    /// Default 1.
    pub dilations: usize,
    /// `[begin, end]` of this axis, default 0: so many outputs are dropped.
    pub pads: [usize; 2],
    /// Default `NOTSET`.
    pub auto_pad: AutoPad,
    /// Default 0; less than the stride or the dilation.
    pub output_padding: usize,
    /// The output extent asked for; the pads follow from it and `pads` does not count.
    pub output_shape: Option<usize>,
}

impl ConvTranspose {
    /// ONNX's defaults.
    #[must_use]
    pub const fn new(kernel_shape: usize) -> Self {
        Self {
            kernel_shape,
            strides: 1,
            dilations: 1,
            pads: [0; 2],
            auto_pad: AutoPad::NotSet,
            output_padding: 0,
            output_shape: None,
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// With `total = strides·(input − 1) + output_padding + k̂ − output`, where `output` is `output_shape` or,
    /// for SAME, `input·strides`: `SAME_UPPER` begins with `⌊total/2⌋` pads, every other mode with
    /// `total − ⌊total/2⌋`. A negative total pads with trailing and, from −2 on, leading outputs that no input
    /// reaches.
    ///
    /// ```
    /// use conv_core::convention::onnx::ConvTranspose;
    ///
    /// // The standard's own test convtranspose_output_shape: 3 → 10 and 3 → 8 by kernels of 3.
    /// let rows = ConvTranspose { strides: 3, output_shape: Some(10), ..ConvTranspose::new(3) }.axis(3).unwrap();
    /// assert_eq!((rows.axis.pad_before, rows.axis.pad_after, rows.output), (0, -1, 10));
    /// let columns = ConvTranspose { strides: 2, output_shape: Some(8), ..ConvTranspose::new(3) }.axis(3).unwrap();
    /// assert_eq!((columns.axis.pad_before, columns.axis.pad_after, columns.output), (0, -1, 8));
    /// ```
    ///
    /// # Errors
    ///
    /// `pads` given beside an `auto_pad`; `output_padding` not below both stride and dilation; pads that leave
    /// no output; an `output_shape` of 0; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        let axis = bare(self.kernel_shape, self.strides, self.dilations);
        let automatic = !matches!(self.auto_pad, AutoPad::NotSet);
        if automatic && (self.pads[0] != 0 || self.pads[1] != 0) {
            return Err(pads_conflict());
        }
        let [before, after] = match (self.output_shape, self.auto_pad) {
            (Some(0), _) => {
                return Err(NAMES.error("output_shape", Reason::Axis(AxisError::EmptyExtent)));
            }
            (Some(output), _) => attempt!(self.distributed(axis, input, output)),
            (None, AutoPad::NotSet) => attempt!(signed(self.pads)),
            (None, AutoPad::Valid) => [0; 2],
            (None, AutoPad::SameUpper | AutoPad::SameLower) => {
                let Some(output) = input.checked_mul(self.strides) else {
                    return Err(NAMES.axis_error(AxisError::Overflow));
                };
                attempt!(self.distributed(axis, input, output))
            }
        };
        NAMES.transposed(axis.with_pads(before, after), input, self.output_padding)
    }

    /// The pads with which the operation leads from `input` to `output`.
    const fn distributed(
        &self,
        axis: Axis,
        input: usize,
        output: usize,
    ) -> Result<[isize; 2], ConventionError> {
        let total = total_pads(axis, input, self.output_padding, output);
        let total = attempt!(NAMES.checked(total));
        let floor = total.div_euclid(2);
        Ok(match self.auto_pad {
            AutoPad::SameUpper => [floor, total - floor],
            _ => [total - floor, floor],
        })
    }
}

const fn signed(pads: [usize; 2]) -> Result<[isize; 2], ConventionError> {
    let before = attempt!(NAMES.checked(to_signed(pads[0])));
    let after = attempt!(NAMES.checked(to_signed(pads[1])));
    Ok([before, after])
}

const fn pads_conflict() -> ConventionError {
    NAMES.error("pads", Reason::Conflict { with: "auto_pad" })
}
