//! TensorFlow and TFLite (also reachable as `tflite`): `tf.nn.conv2d`, `conv2d_transpose`, their 1-D and 3-D
//! forms, and the operators `CONV_2D`, `DEPTHWISE_CONV_2D` and `TRANSPOSE_CONV`.
//!
//! Cross-correlation. TensorFlow's kernels are H W I O, and H W O I of the transposed operation's own channels,
//! which is again H W I O of the direct map; TFLite's are O H W I of each operation's own channels. TFLite's
//! transposed operation has no dilation and neither has explicit pads.
//!
//! [`Conv`] has the axes of `AVERAGE_POOL_2D` and `MAX_POOL_2D` too, with the window as the kernel.
//!
//! Source: the documentation of `tf.nn.convolution`, and `ComputePadding` in `tflite/kernels/padding.h`.

use super::{ConventionError, Direct, Framework, Names, Transposed};
use crate::axis::{self, Window, attempt, to_signed};

const NAMES: Names = Names {
    framework: Framework::TensorFlow,
    kernel: "filters",
    stride: "strides",
    dilation: "dilations",
    padding: "padding",
    output_padding: "output_shape",
    output: "output_shape",
};

/// `padding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Padding {
    /// `'SAME'`: `⌈input/strides⌉` outputs; with `total = max((⌈i/s⌉ − 1)·s + k̂ − i, 0)`, `⌊total/2⌋` zeros before
    /// and the rest after.
    Same,
    /// `'VALID'`: no zeros.
    Valid,
    /// Explicit zeros `[before, after]` of this axis, in TensorFlow only.
    Explicit([usize; 2]),
}

const fn resolve(padding: Padding) -> Result<axis::Padding, ConventionError> {
    Ok(match padding {
        Padding::Same => axis::Padding::SameUpper,
        Padding::Valid => axis::Padding::Valid,
        Padding::Explicit([before, after]) => axis::Padding::Explicit {
            before: attempt!(NAMES.checked(to_signed(before))),
            after: attempt!(NAMES.checked(to_signed(after))),
        },
    })
}

/// One axis of `conv2d` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Number of taps.
    pub filters: usize,
    /// No default in TensorFlow; 1 here.
    pub strides: usize,
    /// No default in TensorFlow; VALID here.
    pub padding: Padding,
    /// Default 1.
    pub dilations: usize,
}

impl Conv {
    /// Stride 1, VALID, dilation 1.
    #[must_use]
    pub const fn new(filters: usize) -> Self {
        Self {
            filters,
            strides: 1,
            padding: Padding::Valid,
            dilations: 1,
        }
    }

    /// Resolves the axis over `input` elements.
    ///
    /// ```
    /// use conv_core::convention::tflite::{Conv, Padding};
    ///
    /// let same = Conv { strides: 2, padding: Padding::Same, ..Conv::new(3) }.axis(96).unwrap();
    /// assert_eq!((same.axis.pad_before, same.axis.pad_after, same.output), (0, 1, 48));
    /// ```
    ///
    /// # Errors
    ///
    /// An illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        let window = Window::new()
            .with_stride(self.strides)
            .with_dilation(self.dilations)
            .with_padding(attempt!(resolve(self.padding)));
        let axis = attempt!(NAMES.checked(window.axis(self.filters, input)));
        NAMES.direct(axis, input)
    }
}

/// One axis of `conv2d_transpose` and its kin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConvTranspose {
    /// Number of taps.
    pub filters: usize,
    /// The output extent, which the caller has to choose.
    pub output_shape: usize,
    /// No default in TensorFlow; 1 here.
    pub strides: usize,
    /// That of the direct operation from `output_shape` to the input. Default SAME.
    pub padding: Padding,
    /// Default 1.
    pub dilations: usize,
}

impl ConvTranspose {
    /// Stride 1, SAME, dilation 1.
    #[must_use]
    pub const fn new(filters: usize, output_shape: usize) -> Self {
        Self {
            filters,
            output_shape,
            strides: 1,
            padding: Padding::Same,
            dilations: 1,
        }
    }

    /// Resolves the axis over `input` elements: the pads are those of the direct operation from
    /// `output_shape`, which has to lead back to `input`.
    ///
    /// ```
    /// use conv_core::convention::tflite::ConvTranspose;
    ///
    /// let layer = ConvTranspose { strides: 2, ..ConvTranspose::new(3, 7) };
    /// let same = layer.axis(4).unwrap();
    /// assert_eq!((same.axis.pad_before, same.axis.pad_after, same.output), (1, 1, 7));
    /// assert_eq!(
    ///     layer.axis(5).unwrap_err().to_string(),
    ///     "TensorFlow: output_shape is 7, from which the direct operation leads to 4, expected the input extent 5"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// `output_shape` where the direct operation does not lead back to `input`; an illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Transposed, ConventionError> {
        let window = Window::new()
            .with_stride(self.strides)
            .with_dilation(self.dilations)
            .with_padding(attempt!(resolve(self.padding)));
        let axis = window.axis(self.filters, self.output_shape);
        NAMES.leading_back(attempt!(NAMES.checked(axis)), input, self.output_shape)
    }
}
