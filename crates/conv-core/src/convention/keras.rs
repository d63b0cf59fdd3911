//! Keras: the layers `Conv1D`–`3D`, `Conv1DTranspose`–`3DTranspose`, `DepthwiseConv`.
//!
//! Cross-correlation. Kernels are H W I O, of the transposed layers H W O I of their own channels, which is
//! H W I O of the direct map.
//!
//! Source: `deconv_output_length` of Keras 2, and `backend/common/backend_utils.py` and the transposed layers of
//! Keras 3. With the TensorFlow backend an output extent of `(input − 1)·strides` (an even kernel, SAME and
//! `output_padding=0`) fails at run time; the other backends compute what is resolved here.

use super::{ConventionError, Direct, Framework, Names, Reason, Transposed, bare, total_pads};
use crate::axis::{self, AxisError, Window, attempt};

const NAMES: Names = Names {
    framework: Framework::Keras,
    kernel: "kernel_size",
    stride: "strides",
    dilation: "dilation_rate",
    padding: "padding",
    output_padding: "output_padding",
    output: "output_padding",
};

/// `padding` of [`Conv`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// `'valid'`, the default: no zeros.
    Valid,
    /// `'same'`: `⌈input/strides⌉` outputs, the odd zero after.
    Same,
    /// `'causal'`, of `Conv1D` only: `dilation_rate·(kernel_size − 1)` zeros before.
    Causal,
}

/// One axis of `Conv…D`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Number of taps.
    pub kernel_size: usize,
    /// Default 1.
    pub strides: usize,
    /// Default `'valid'`.
    pub padding: Padding,
    /// Default 1.
    pub dilation_rate: usize,
}

impl Conv {
    /// Keras's defaults.
    #[must_use]
    pub const fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            strides: 1,
            padding: Padding::Valid,
            dilation_rate: 1,
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// ```
    /// use conv_core::convention::keras::{Conv, Padding};
    ///
    /// let causal = Conv { dilation_rate: 4, padding: Padding::Causal, ..Conv::new(2) }.axis(100).unwrap();
    /// assert_eq!((causal.axis.pad_before, causal.axis.pad_after, causal.output), (4, 0, 100));
    /// ```
    ///
    /// # Errors
    ///
    /// `dilation_rate > 1` with `strides > 1`; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        attempt!(no_strided_dilation(self.strides, self.dilation_rate));
        let padding = match self.padding {
            Padding::Valid => axis::Padding::Valid,
            Padding::Same => axis::Padding::SameUpper,
            Padding::Causal => axis::Padding::Causal,
        };
        let window = Window::new()
            .with_stride(self.strides)
            .with_dilation(self.dilation_rate)
            .with_padding(padding);
        let axis = attempt!(NAMES.checked(window.axis(self.kernel_size, input)));
        NAMES.direct(axis, input)
    }
}

/// `padding` of [`ConvTranspose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransposePadding {
    /// `'valid'`, the default.
    Valid,
    /// `'same'`.
    Same,
}

/// One axis of `Conv…DTranspose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Number of taps.
    pub kernel_size: usize,
    /// Default 1.
    pub strides: usize,
    /// Default `'valid'`.
    pub padding: TransposePadding,
    /// Default `None`; less than `strides`.
    pub output_padding: Option<usize>,
    /// Default 1.
    pub dilation_rate: usize,
}

impl ConvTranspose {
    /// Keras's defaults.
    #[must_use]
    pub const fn new(kernel_size: usize) -> Self {
        Self {
            kernel_size,
            strides: 1,
            padding: TransposePadding::Valid,
            output_padding: None,
            dilation_rate: 1,
        }
    }

    /// Resolves the axis over `input` elements, with `k̂` the dilated kernel:
    ///
    /// | `padding` | `output_padding` | outputs |
    /// |---|---|---|
    /// | valid | `None` | `(input − 1)·strides + max(k̂, strides)` |
    /// | same | `None` | `input·strides` |
    /// | valid | given | `(input − 1)·strides + k̂ + output_padding` |
    /// | same | given | `(input − 1)·strides + k̂ mod 2 + output_padding` |
    ///
    /// SAME drops `⌊total/2⌋` outputs before and the rest of `total = (input − 1)·strides + k̂ − outputs` after.
    ///
    /// ```
    /// use conv_core::convention::keras::{ConvTranspose, TransposePadding::Same};
    ///
    /// let layer = ConvTranspose { strides: 2, padding: Same, ..ConvTranspose::new(5) };
    /// let double = layer.axis(16).unwrap();
    /// assert_eq!((double.axis.pad_before, double.axis.pad_after, double.output), (1, 2, 32));
    /// let odd = ConvTranspose { output_padding: Some(0), ..layer }.axis(16).unwrap();
    /// assert_eq!((odd.axis.pad_before, odd.axis.pad_after, odd.output), (2, 2, 31));
    /// ```
    ///
    /// # Errors
    ///
    /// `dilation_rate > 1` with `strides > 1`; `output_padding` not below `strides`; pads that leave no output;
    /// an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        attempt!(no_strided_dilation(self.strides, self.dilation_rate));
        let axis = bare(self.kernel_size, self.strides, self.dilation_rate);
        let dilated = attempt!(NAMES.checked(axis.dilated_kernel()));
        if let Some(found) = self.output_padding
            && found >= self.strides
        {
            return Err(NAMES.error(
                "output_padding",
                Reason::NotBelow {
                    limit: "strides",
                    value: self.strides,
                    found,
                },
            ));
        }
        let total = match (self.padding, self.output_padding) {
            (TransposePadding::Valid, None) => {
                return NAMES.transposed(axis, input, self.strides.saturating_sub(dilated));
            }
            (TransposePadding::Valid, Some(padding)) => {
                return NAMES.transposed(axis, input, padding);
            }
            (TransposePadding::Same, None) => {
                let Some(output) = input.checked_mul(self.strides) else {
                    return Err(NAMES.axis_error(AxisError::Overflow));
                };
                attempt!(NAMES.checked(total_pads(axis, input, 0, output)))
            }
            // Both terms are in 0..=isize::MAX.
            (TransposePadding::Same, Some(padding)) => {
                (dilated - dilated % 2) as isize - padding as isize
            }
        };
        if total < 0 {
            return NAMES.transposed(axis, input, total.unsigned_abs());
        }
        let before = total / 2;
        NAMES.transposed(axis.with_pads(before, total - before), input, 0)
    }
}

const fn no_strided_dilation(strides: usize, dilation_rate: usize) -> Result<(), ConventionError> {
    if strides > 1 && dilation_rate > 1 {
        let with = "strides > 1";
        return Err(NAMES.error("dilation_rate > 1", Reason::Conflict { with }));
    }
    Ok(())
}
