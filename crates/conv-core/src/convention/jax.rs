//! JAX: `jax.lax.conv_general_dilated` and `jax.lax.conv_transpose`.
//!
//! Cross-correlation. `conv_transpose` stretches its input and correlates it with the kernel *as it is*, where the
//! transpose of a convolution needs it flipped: with `transpose_kernel=False`, the default, it is Cᵀ of the
//! map whose kernel is the given one flipped, with input and output channels in each other's place.
//! [`ConvTranspose::orientation`] says so.
//!
//! Source: `jax/_src/lax/convolution.py`.

use super::{ConventionError, Direct, Framework, Names, Reason, Transposed, bare, total_pads};
use crate::axis::{self, Axis, AxisError, Window, attempt};
use crate::geometry::Orientation;

const NAMES: Names = Names {
    framework: Framework::Jax,
    kernel: "rhs",
    stride: "window_strides",
    dilation: "rhs_dilation",
    padding: "padding",
    output_padding: "padding",
    output: "padding",
};

const TRANSPOSE: Names = Names {
    stride: "strides",
    ..NAMES
};

const STRETCHED: Names = Names {
    stride: "lhs_dilation",
    ..NAMES
};

/// `padding` of [`ConvGeneralDilated`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// `'SAME'`: the odd zero comes after.
    Same,
    /// `'SAME_LOWER'`: the odd zero comes before.
    SameLower,
    /// `'VALID'`.
    Valid,
    /// `(low, high)` zeros; negative crops.
    Explicit(isize, isize),
}

/// One axis of `conv_general_dilated`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvGeneralDilated {
    /// Number of taps of the kernel, `rhs`.
    pub rhs: usize,
    /// No default in JAX; 1 here.
    pub window_strides: usize,
    /// No default in JAX; VALID here.
    pub padding: Padding,
    /// Default 1. More stretches the input.
    pub lhs_dilation: usize,
    /// Default 1.
    pub rhs_dilation: usize,
}

impl ConvGeneralDilated {
    /// Strides and dilations 1, VALID.
    #[must_use]
    pub const fn new(rhs: usize) -> Self {
        Self {
            rhs,
            window_strides: 1,
            padding: Padding::Valid,
            lhs_dilation: 1,
            rhs_dilation: 1,
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// # Errors
    ///
    /// `lhs_dilation` other than 1, for which see [`ConvGeneralDilated::transposed_axis`]; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        if self.lhs_dilation != 1 {
            return Err(NAMES.error("lhs_dilation", Reason::Stretched));
        }
        let padding = match self.padding {
            Padding::Same => axis::Padding::SameUpper,
            Padding::SameLower => axis::Padding::SameLower,
            Padding::Valid => axis::Padding::Valid,
            Padding::Explicit(before, after) => axis::Padding::Explicit { before, after },
        };
        let window = Window::new()
            .with_stride(self.window_strides)
            .with_dilation(self.rhs_dilation)
            .with_padding(padding);
        let axis = attempt!(NAMES.checked(window.axis(self.rhs, input)));
        NAMES.direct(axis, input)
    }

    /// Resolves the axis over `input` elements as the transposed operation that it is for `lhs_dilation` above
    /// 1, with the kernel read in [`Orientation::Convolution`] and its channels as for
    /// [`ConvTranspose`] with `transpose_kernel: false`.
    ///
    /// ```
    /// use conv_core::convention::jax::{ConvGeneralDilated, Padding};
    ///
    /// // jax.lax.conv_general_dilated(x, w, (1,), [(1, 2)], lhs_dilation=(2,)), 3 taps, 16 → 32
    /// let call = ConvGeneralDilated { lhs_dilation: 2, padding: Padding::Explicit(1, 2), ..ConvGeneralDilated::new(3) };
    /// assert_eq!(call.transposed_axis(16).unwrap().output, 32);
    /// assert!(call.axis(16).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// `window_strides` other than 1 beside it: a stretched input is then skipped over, which is neither a direct
    /// nor a transposed operation. `padding` by name, which JAX rejects here. An illegal axis.
    pub const fn transposed_axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        if self.window_strides != 1 {
            let with = "window_strides other than 1";
            return Err(NAMES.error("lhs_dilation", Reason::Conflict { with }));
        }
        let Padding::Explicit(low, high) = self.padding else {
            let with = "lhs_dilation";
            return Err(NAMES.error("padding by name", Reason::Conflict { with }));
        };
        let axis = bare(self.rhs, self.lhs_dilation, self.rhs_dilation);
        let axis = attempt!(STRETCHED.checked(with_stretched_pads(axis, low, high)));
        STRETCHED.transposed(axis, input, 0)
    }
}

/// `padding` of [`ConvTranspose`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransposePadding {
    /// `'SAME'`: `input·strides` outputs.
    Same,
    /// `'VALID'`: `(input − 1)·strides + max(k̂, strides)` outputs.
    Valid,
    /// `(low, high)` zeros around the *stretched* input.
    Explicit(isize, isize),
    /// `(low, high)` with `use_consistent_padding=True`: the pads of the direct operation, as in PyTorch and here.
    Consistent(isize, isize),
}

/// One axis of `conv_transpose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Number of taps of the kernel, `rhs`.
    pub rhs: usize,
    /// No default in JAX; 1 here.
    pub strides: usize,
    /// No default in JAX; VALID here.
    pub padding: TransposePadding,
    /// Default 1.
    pub rhs_dilation: usize,
    /// Default `false`: the kernel is not flipped.
    pub transpose_kernel: bool,
}

impl ConvTranspose {
    /// Stride and dilation 1, VALID, `transpose_kernel=False`.
    #[must_use]
    pub const fn new(rhs: usize) -> Self {
        Self {
            rhs,
            strides: 1,
            padding: TransposePadding::Valid,
            rhs_dilation: 1,
            transpose_kernel: false,
        }
    }

    /// How the canonical transposed operation has to read the kernel: `transpose_kernel=False` is
    /// [`Orientation::Convolution`], and the kernel's I, the channels of `lhs`, are then C's output channels.
    /// `transpose_kernel=True` is [`Orientation::Correlation`] with the kernel of the direct operation.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        if self.transpose_kernel {
            Orientation::Correlation
        } else {
            Orientation::Convolution
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// ```
    /// use conv_core::convention::jax::{ConvTranspose, TransposePadding};
    ///
    /// let call = ConvTranspose { strides: 2, ..ConvTranspose::new(3) };
    /// assert_eq!(call.axis(16).unwrap().output, 33);
    /// let same = ConvTranspose { padding: TransposePadding::Same, ..call }.axis(16).unwrap();
    /// assert_eq!((same.axis.pad_before, same.axis.pad_after, same.output), (0, 1, 32));
    /// // Pads of the stretched input, k̂ − 1 − p for the p of the direct operation.
    /// let explicit = ConvTranspose { padding: TransposePadding::Explicit(1, 1), ..call }.axis(16).unwrap();
    /// let consistent = ConvTranspose { padding: TransposePadding::Consistent(1, 1), ..call }.axis(16).unwrap();
    /// assert_eq!(explicit, consistent);
    /// ```
    ///
    /// # Errors
    ///
    /// Pads that leave no output; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        let axis = bare(self.rhs, self.strides, self.rhs_dilation);
        let dilated = attempt!(TRANSPOSE.checked(axis.dilated_kernel()));
        match self.padding {
            TransposePadding::Valid => {
                TRANSPOSE.transposed(axis, input, self.strides.saturating_sub(dilated))
            }
            TransposePadding::Same => {
                let Some(output) = input.checked_mul(self.strides) else {
                    return Err(TRANSPOSE.axis_error(AxisError::Overflow));
                };
                let total = attempt!(TRANSPOSE.checked(total_pads(axis, input, 0, output)));
                if total < 0 {
                    // JAX pads the stretched input with k̂ − 1 before and the rest after.
                    return TRANSPOSE.transposed(axis, input, total.unsigned_abs());
                }
                let before = total / 2;
                TRANSPOSE.transposed(axis.with_pads(before, total - before), input, 0)
            }
            TransposePadding::Explicit(low, high) => {
                let axis = attempt!(TRANSPOSE.checked(with_stretched_pads(axis, low, high)));
                TRANSPOSE.transposed(axis, input, 0)
            }
            TransposePadding::Consistent(before, after) => {
                TRANSPOSE.transposed(axis.with_pads(before, after), input, 0)
            }
        }
    }
}

/// The axis whose stretched input has the pads `low` and `high`: its own are `k̂ − 1` minus those.
const fn with_stretched_pads(axis: Axis, low: isize, high: isize) -> Result<Axis, AxisError> {
    let reach = attempt!(axis.dilated_kernel()) as isize - 1;
    match (reach.checked_sub(low), reach.checked_sub(high)) {
        (Some(before), Some(after)) => Ok(axis.with_pads(before, after)),
        _ => Err(AxisError::Overflow),
    }
}
