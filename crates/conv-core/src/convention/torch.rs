//! PyTorch: `torch.nn.Conv1d`–`Conv3d`, `ConvTranspose1d`–`3d` and their functional forms.
//!
//! Cross-correlation. Kernels are (out, in/groups, k…), of the transposed layers (in, out/groups, k…): as both
//! are O I/g of the direct map, a transposed layer's weights need no change to be read as C's.
//!
//! Source: the documentation of `torch.nn.Conv2d` and `torch.nn.ConvTranspose2d`, and `_output_padding` in
//! `torch/nn/modules/conv.py`.

use super::{ConventionError, Direct, Framework, Names, Reason, Transposed, bare};
use crate::axis::{AxisError, attempt, to_signed};

const NAMES: Names = Names {
    framework: Framework::Torch,
    kernel: "kernel_size",
    stride: "stride",
    dilation: "dilation",
    padding: "padding",
    output_padding: "output_padding",
    output: "output_size",
};

/// `padding` of [`Conv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// This many zeros on both sides.
    Zeros(usize),
    /// `'valid'`, no zeros.
    Valid,
    /// `'same'`: with `total = dilation·(kernel_size − 1)`, `⌊total/2⌋` before and `⌈total/2⌉` after. PyTorch
    /// rejects it for a stride above 1.
    Same,
}

/// `padding_mode` of [`Conv`]: only zeros have a canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaddingMode {
    /// Zeros, the default.
    Zeros,
    /// Mirrored without the edge.
    Reflect,
    /// The edge repeated.
    Replicate,
    /// The other end.
    Circular,
}

/// One axis of `torch.nn.Conv…d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Number of taps.
    pub kernel_size: usize,
    /// Default 1.
    pub stride: usize,
    /// Default 0.
    pub padding: Padding,
    /// Default 1.
    pub dilation: usize,
    /// Default zeros.
    pub padding_mode: PaddingMode,
}

impl Conv {
    /// PyTorch's defaults.
    #[must_use]
    pub const fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            stride: 1,
            padding: Padding::Zeros(0),
            dilation: 1,
            padding_mode: PaddingMode::Zeros,
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// ```
    /// use conv_core::convention::torch::{Conv, Padding};
    ///
    /// let same = Conv { padding: Padding::Same, ..Conv::new(4) }.axis(9).unwrap();
    /// assert_eq!((same.axis.pad_before, same.axis.pad_after, same.output), (1, 2, 9));
    /// ```
    ///
    /// # Errors
    ///
    /// `padding='same'` with `stride > 1`; a `padding_mode` other than zeros while there are pads; an illegal
    /// axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        let axis = bare(self.kernel_size, self.stride, self.dilation);
        let (before, after) = match self.padding {
            Padding::Valid => (0, 0),
            Padding::Zeros(zeros) => {
                let zeros = attempt!(NAMES.checked(to_signed(zeros)));
                (zeros, zeros)
            }
            Padding::Same if self.stride > 1 => {
                let with = "stride > 1";
                return Err(NAMES.error("padding='same'", Reason::Conflict { with }));
            }
            Padding::Same => {
                let total = attempt!(NAMES.checked(axis.dilated_kernel())) as isize - 1;
                (total / 2, total - total / 2)
            }
        };
        if !matches!(self.padding_mode, PaddingMode::Zeros) && (before != 0 || after != 0) {
            return Err(NAMES.error("padding_mode", Reason::NotZeros));
        }
        NAMES.direct(axis.with_pads(before, after), input)
    }
}

/// One axis of `torch.nn.ConvTranspose…d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Number of taps.
    pub kernel_size: usize,
    /// Default 1.
    pub stride: usize,
    /// Zeros on both sides of the *direct* operation's input: this many outputs are dropped on both sides.
    /// Default 0.
    pub padding: usize,
    /// Default 0; less than the stride or less than the dilation.
    pub output_padding: usize,
    /// Default 1.
    pub dilation: usize,
}

impl ConvTranspose {
    /// PyTorch's defaults.
    #[must_use]
    pub const fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            stride: 1,
            padding: 0,
            output_padding: 0,
            dilation: 1,
        }
    }

    /// Resolves the axis over `input` elements, to
    /// `(input − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1` outputs.
    ///
    /// # Errors
    ///
    /// `output_padding` not below both stride and dilation; pads that leave no output; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        let zeros = attempt!(NAMES.checked(to_signed(self.padding)));
        let axis = bare(self.kernel_size, self.stride, self.dilation).with_pads(zeros, zeros);
        NAMES.transposed(axis, input, self.output_padding)
    }

    /// Resolves the axis for a call with `output_size`, which replaces `output_padding`.
    ///
    /// ```
    /// use conv_core::convention::torch::ConvTranspose;
    ///
    /// let layer = ConvTranspose { stride: 2, padding: 1, ..ConvTranspose::new(3) };
    /// assert_eq!(layer.axis_to(16, 32).unwrap().output_padding(), Ok(1));
    /// assert_eq!(
    ///     layer.axis_to(16, 33).unwrap_err().to_string(),
    ///     "PyTorch: output_size: the transposed output extent is 33, expected 31 to 32"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// `output_size` not among the `stride` extents from `axis(input)` without output padding on; an illegal
    /// axis.
    pub const fn axis_to(
        &self,
        input: usize,
        output_size: usize,
    ) -> Result<Transposed, ConventionError> {
        let zeros = attempt!(NAMES.checked(to_signed(self.padding)));
        let axis = bare(self.kernel_size, self.stride, self.dilation).with_pads(zeros, zeros);
        let (least, padding) = match axis.output_padding(input, output_size) {
            // The extents fit isize, as `output_padding` checked.
            Ok(padding) => (output_size as isize - padding as isize, padding),
            Err(AxisError::TransposedExtent { least, .. }) => (least, usize::MAX),
            Err(error) => return Err(NAMES.axis_error(error)),
        };
        // The canonical form also has the extents up to the dilation; PyTorch's `output_size` does not.
        if padding >= self.stride {
            return Err(NAMES.axis_error(AxisError::TransposedExtent {
                least,
                greatest: least.saturating_add_unsigned(self.stride - 1),
                found: output_size,
            }));
        }
        NAMES.transposed(axis, input, padding)
    }
}
