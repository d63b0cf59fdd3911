//! All shape arithmetic, one axis at a time. Typed layers, run-time plans, conventions and the command take their sizes from here;
//! only the oracle of the tests computes its own.
//!
//! Along one axis the direct operation reads, for output position `t` and kernel tap `j`,
//!
//! ```text
//! input[t·stride + j·dilation − pad_before]          (0 where that lies outside the input)
//! ```
//!
//! and from that follow the output extent `⌊(i + pad_before + pad_after − k̂)/stride⌋ + 1`, with
//! `k̂ = dilation·(kernel − 1) + 1`, and every size of the transposed operation. All sizes are counts of
//! elements. Every function is a `const fn`, so that a wrong size stops the build where shapes are types,
//! and returns an [`AxisError`] where they are values.
//!
//! Pads are signed. A negative pad crops: the map then never reads those input elements. It is what JAX
//! and ONNX mean by a negative pad, and what writing a transposed operation as a direct one needs when its
//! pad exceeds the kernel.

use core::fmt;

use crate::message::Message;

/// Unwraps a `Result` in a `const fn`, where `?` is not available.
macro_rules! attempt {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}
pub(crate) use attempt;

/// The geometry along one axis, without the extents of its input and output.
///
/// `kernel`, `stride` and `dilation` count elements and are at least 1; [`Axis::check`] says so, and every
/// function below calls it. Pads count elements before the first and after the last one, negative to crop.
///
/// ```
/// use conv_core::axis::Axis;
///
/// let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
/// assert_eq!(axis.output(32), Ok(16));
/// // The transpose of the same map leads from 16 back to 31 or, with one element of output padding, to 32.
/// assert_eq!(axis.transposed_output(16, 0), Ok(31));
/// assert_eq!(axis.transposed_output(16, axis.adjoint_padding(32).unwrap()), Ok(32));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Axis {
    /// Number of kernel taps, `k`.
    pub kernel: usize,
    /// Distance between the windows of neighbouring outputs, `s`.
    pub stride: usize,
    /// Distance between neighbouring taps, `d`.
    pub dilation: usize,
    /// Zeros before the first input element; negative crops.
    pub pad_before: isize,
    /// Zeros after the last input element; negative crops.
    pub pad_after: isize,
}

/// Why an axis has no legal geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum AxisError {
    /// The kernel has no tap.
    ZeroKernel,
    /// The stride is 0.
    ZeroStride,
    /// The dilation is 0.
    ZeroDilation,
    /// An extent that must be at least 1 is 0.
    EmptyExtent,
    /// The dilated kernel is longer than the padded input, so that the output would be empty.
    KernelTooLarge {
        /// Input extent with both pads, `i + pad_before + pad_after`; may be negative when pads crop.
        padded_input: isize,
        /// `k̂ = dilation·(kernel − 1) + 1`.
        dilated_kernel: usize,
    },
    /// The pads crop the whole output of the transposed operation away.
    EmptyOutput,
    /// The output extent asked of the transposed operation is not one that it can have.
    TransposedExtent {
        /// The least legal extent, `stride·(i' − 1) + k̂ − pad_before − pad_after`; may be negative.
        least: isize,
        /// The greatest legal extent.
        greatest: isize,
        /// The extent asked for.
        found: usize,
    },
    /// The output padding is not less than the stride or the dilation.
    OutputPadding {
        /// The first illegal value, `max(stride, dilation)`.
        limit: usize,
        /// The output padding asked for.
        found: usize,
    },
    /// A size does not fit `isize`.
    Overflow,
}

impl AxisError {
    pub(crate) const fn message(&self, start: Message) -> Message {
        match *self {
            Self::ZeroKernel => start.text("the kernel extent is 0, expected at least 1"),
            Self::ZeroStride => start.text("the stride is 0, expected at least 1"),
            Self::ZeroDilation => start.text("the dilation is 0, expected at least 1"),
            Self::EmptyExtent => start.text("the extent is 0, expected at least 1"),
            Self::KernelTooLarge {
                padded_input,
                dilated_kernel,
            } => start
                .text("the dilated kernel extent is ")
                .count(dilated_kernel)
                .text(", expected at most the padded input extent ")
                .signed(padded_input),
            Self::EmptyOutput => start.text("the pads crop the whole transposed output away"),
            Self::TransposedExtent {
                least,
                greatest,
                found,
            } => start
                .text("the transposed output extent is ")
                .count(found)
                .text(", expected ")
                .signed(least)
                .text(" to ")
                .signed(greatest),
            Self::OutputPadding { limit, found } => start
                .text("the output padding is ")
                .count(found)
                .text(", expected less than the stride or the dilation, ")
                .count(limit),
            Self::Overflow => start.text("a size does not fit the machine's address range"),
        }
    }
}

impl fmt::Display for AxisError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message(Message::new()).as_str())
    }
}

impl core::error::Error for AxisError {}

pub(crate) const fn to_signed(value: usize) -> Result<isize, AxisError> {
    if value > isize::MAX as usize {
        Err(AxisError::Overflow)
    } else {
        Ok(value as isize)
    }
}

/// `⌊a/b⌋` where the caller knows that `b` is at least 1. Plain division links a panic for `b == 0` wherever the
/// compiler does not see that.
pub(crate) const fn quotient(a: usize, b: usize) -> usize {
    match a.checked_div(b) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// `⌈a/b⌉` where the caller knows that `b` is at least 1.
pub(crate) const fn quotient_up(a: usize, b: usize) -> usize {
    let floor = quotient(a, b);
    if floor * b < a { floor + 1 } else { floor }
}

const fn add(a: isize, b: isize) -> Result<isize, AxisError> {
    match a.checked_add(b) {
        Some(sum) => Ok(sum),
        None => Err(AxisError::Overflow),
    }
}

const fn multiply(a: isize, b: isize) -> Result<isize, AxisError> {
    match a.checked_mul(b) {
        Some(product) => Ok(product),
        None => Err(AxisError::Overflow),
    }
}

impl Axis {
    /// An axis of `kernel` taps with stride 1, dilation 1 and no pads.
    #[must_use]
    pub const fn new(kernel: usize) -> Self {
        Self {
            kernel,
            stride: 1,
            dilation: 1,
            pad_before: 0,
            pad_after: 0,
        }
    }

    /// The same axis with another stride.
    #[must_use]
    pub const fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same axis with another dilation.
    #[must_use]
    pub const fn with_dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The same axis with other pads.
    #[must_use]
    pub const fn with_pads(self, pad_before: isize, pad_after: isize) -> Self {
        Self {
            pad_before,
            pad_after,
            ..self
        }
    }

    /// `Ok` if kernel, stride and dilation are at least 1 and fit the arithmetic.
    ///
    /// # Errors
    ///
    /// The zero or overflowing setting, as an [`AxisError`].
    pub const fn check(&self) -> Result<(), AxisError> {
        match self.dilated_kernel() {
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Extent that the taps span, `k̂ = dilation·(kernel − 1) + 1`.
    ///
    /// ```
    /// assert_eq!(conv_core::axis::Axis::new(3).with_dilation(2).dilated_kernel(), Ok(5));
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Axis::check`].
    pub const fn dilated_kernel(&self) -> Result<usize, AxisError> {
        if self.kernel == 0 {
            return Err(AxisError::ZeroKernel);
        }
        if self.stride == 0 {
            return Err(AxisError::ZeroStride);
        }
        if self.dilation == 0 {
            return Err(AxisError::ZeroDilation);
        }
        attempt!(to_signed(self.stride));
        let taps = attempt!(to_signed(self.kernel));
        let dilation = attempt!(to_signed(self.dilation));
        let reach = attempt!(multiply(dilation, taps - 1));
        Ok(attempt!(add(reach, 1)) as usize)
    }

    /// `i + pad_before + pad_after − k̂`: how far the window can slide. Negative: it does not fit.
    const fn slack(&self, input: usize) -> Result<isize, AxisError> {
        let dilated = attempt!(self.dilated_kernel());
        let padded = attempt!(self.padded(input));
        // Both terms are at least isize::MIN + 1 and k̂ is positive: the check is needed only below.
        add(padded, -(dilated as isize))
    }

    /// `i + pad_before + pad_after`; may be negative when pads crop.
    pub(crate) const fn padded(&self, input: usize) -> Result<isize, AxisError> {
        let before = attempt!(add(attempt!(to_signed(input)), self.pad_before));
        add(before, self.pad_after)
    }

    /// Output extent of the direct operation, `⌊(i + pad_before + pad_after − k̂)/stride⌋ + 1`.
    ///
    /// # Errors
    ///
    /// [`AxisError::EmptyExtent`] for `input == 0`, [`AxisError::KernelTooLarge`] where the window does not
    /// fit once, and whatever [`Axis::check`] finds.
    pub const fn output(&self, input: usize) -> Result<usize, AxisError> {
        let slack = attempt!(self.slack(input));
        if input == 0 {
            return Err(AxisError::EmptyExtent);
        }
        if slack < 0 {
            return Err(AxisError::KernelTooLarge {
                padded_input: attempt!(self.padded(input)),
                dilated_kernel: attempt!(self.dilated_kernel()),
            });
        }
        Ok(quotient(slack as usize, self.stride) + 1)
    }

    /// Output padding `a` with which the transposed operation leads back to `input`, the exact adjoint's:
    /// `a = (i + pad_before + pad_after − k̂) mod stride`.
    ///
    /// # Errors
    ///
    /// As [`Axis::output`].
    pub const fn adjoint_padding(&self, input: usize) -> Result<usize, AxisError> {
        attempt!(self.output(input));
        let slack = attempt!(self.slack(input)) as usize;
        Ok(slack - quotient(slack, self.stride) * self.stride)
    }

    /// `stride·(i' − 1) + k̂ − pad_before − pad_after`, the transposed extent without output padding. At most
    /// 0 where the pads crop everything.
    const fn transposed_base(&self, input: usize) -> Result<isize, AxisError> {
        let dilated = attempt!(self.dilated_kernel());
        if input == 0 {
            return Err(AxisError::EmptyExtent);
        }
        let steps = attempt!(to_signed(input)) - 1;
        let span = attempt!(multiply(self.stride as isize, steps));
        let full = attempt!(add(span, dilated as isize));
        let Some(after_before) = full.checked_sub(self.pad_before) else {
            return Err(AxisError::Overflow);
        };
        match after_before.checked_sub(self.pad_after) {
            Some(base) => Ok(base),
            None => Err(AxisError::Overflow),
        }
    }

    /// Output extent of the transposed operation,
    /// `stride·(i' − 1) + k̂ − pad_before − pad_after + output_padding`.
    ///
    /// # Errors
    ///
    /// [`AxisError::OutputPadding`] unless `output_padding < max(stride, dilation)`,
    /// [`AxisError::EmptyExtent`] for `input == 0`, [`AxisError::EmptyOutput`] where the pads leave nothing,
    /// and whatever [`Axis::check`] finds.
    pub const fn transposed_output(
        &self,
        input: usize,
        output_padding: usize,
    ) -> Result<usize, AxisError> {
        let base = attempt!(self.transposed_base(input));
        if output_padding >= self.output_padding_limit() {
            return Err(AxisError::OutputPadding {
                limit: self.output_padding_limit(),
                found: output_padding,
            });
        }
        let output = attempt!(add(base, output_padding as isize));
        if output < 1 {
            return Err(AxisError::EmptyOutput);
        }
        Ok(output as usize)
    }

    /// The output padding that leads the transposed operation from `input` to `output`.
    ///
    /// # Errors
    ///
    /// [`AxisError::TransposedExtent`] where none does, [`AxisError::EmptyExtent`] for an extent of 0, and
    /// whatever [`Axis::check`] finds.
    pub const fn output_padding(&self, input: usize, output: usize) -> Result<usize, AxisError> {
        let least = attempt!(self.transposed_base(input));
        if output == 0 {
            return Err(AxisError::EmptyExtent);
        }
        let greatest = attempt!(add(least, self.output_padding_limit() as isize - 1));
        let signed = attempt!(to_signed(output));
        if signed < least || signed > greatest {
            return Err(AxisError::TransposedExtent {
                least,
                greatest,
                found: output,
            });
        }
        // `least` may be far below zero, but `signed − least` is below the limit, as just checked.
        Ok((signed - least) as usize)
    }

    /// First illegal output padding: it must be less than the stride or less than the dilation.
    const fn output_padding_limit(&self) -> usize {
        if self.stride > self.dilation {
            self.stride
        } else {
            self.dilation
        }
    }

    /// The direct operation on a stretched input that computes the transposed one: put `stride − 1` zeros
    /// between neighbouring inputs, then convolve with the *flipped* kernel along the returned axis, whose
    /// pads are `k̂ − 1 − pad_before` and `k̂ − 1 − pad_after + output_padding`.
    ///
    /// ```
    /// use conv_core::axis::Axis;
    ///
    /// let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
    /// let stretched = axis.transposed_as_direct(1).unwrap();
    /// assert_eq!(stretched, Axis::new(3).with_pads(1, 2));
    /// // 3 inputs, stretched to 5 by a zero in each gap.
    /// assert_eq!(stretched.output(5), axis.transposed_output(3, 1));
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Axis::transposed_output`], except that no extent is involved.
    pub const fn transposed_as_direct(&self, output_padding: usize) -> Result<Self, AxisError> {
        let reach = attempt!(self.dilated_kernel()) as isize - 1;
        if output_padding >= self.output_padding_limit() {
            return Err(AxisError::OutputPadding {
                limit: self.output_padding_limit(),
                found: output_padding,
            });
        }
        let (Some(before), Some(after)) = (
            reach.checked_sub(self.pad_before),
            reach.checked_sub(self.pad_after),
        ) else {
            return Err(AxisError::Overflow);
        };
        let after = attempt!(add(after, output_padding as isize));
        Ok(Self {
            stride: 1,
            ..self.with_pads(before, after)
        })
    }

    /// Greatest number of taps that meet in one output of the transposed operation: `⌈k/s⌉` at dilation 1
    /// and `⌈k·g/s⌉` with `g = gcd(stride, dilation)` in general, since tap `j` reaches output `t` only where
    /// `j·dilation ≡ t + pad_before (mod stride)`.
    ///
    /// # Errors
    ///
    /// As [`Axis::check`].
    pub const fn transposed_taps(&self) -> Result<usize, AxisError> {
        attempt!(self.check());
        Ok(quotient_up(self.kernel, self.phase_step()))
    }

    /// `stride / gcd(stride, dilation)`: the distance between taps of the same phase. The axis is legal.
    pub(crate) const fn phase_step(&self) -> usize {
        match self.stride.checked_div(self.gcd()) {
            Some(step) => step,
            None => 1,
        }
    }

    /// `dilation / gcd(stride, dilation)`: the distance between the positions that neighbouring taps of the
    /// same phase read. The axis is legal.
    pub(crate) const fn phase_positions(&self) -> usize {
        match self.dilation.checked_div(self.gcd()) {
            Some(step) => step,
            None => 1,
        }
    }

    const fn gcd(&self) -> usize {
        let (mut a, mut b) = (self.stride, self.dilation);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    }
}

/// A padding by its name in the field, resolved against extents by [`Window::axis`].
///
/// With `i` the input extent, `k̂` the dilated kernel extent and `s` the stride:
///
/// | | before | after | output extent |
/// |---|---|---|---|
/// | `Valid` | 0 | 0 | `⌊(i − k̂)/s⌋ + 1` |
/// | `Half` | `⌊k̂/2⌋` | `⌊k̂/2⌋` | `i` for odd `k̂` and `s = 1` |
/// | `Full` | `k̂ − 1` | `k̂ − 1` | `i + k̂ − 1` for `s = 1` |
/// | `SameUpper` | `⌊total/2⌋` | `⌈total/2⌉` | `⌈i/s⌉` |
/// | `SameLower` | `⌈total/2⌉` | `⌊total/2⌋` | `⌈i/s⌉` |
/// | `Causal` | `k̂ − 1` | 0 | `⌈i/s⌉` |
///
/// where `total = max((⌈i/s⌉ − 1)·s + k̂ − i, 0)`. In the transposed operation `i` is the extent of *its
/// output*, since its geometry is that of the direct operation whose transpose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Padding {
    /// No pads: only windows wholly inside the input.
    Valid,
    /// Half the kernel on both sides, the guide's "half" or "same" padding.
    Half,
    /// Every window that touches the input.
    Full,
    /// TensorFlow's SAME and ONNX's SAME_UPPER: the odd zero comes after.
    SameUpper,
    /// ONNX's SAME_LOWER: the odd zero comes before.
    SameLower,
    /// All zeros before, so that output `t` depends on no input after `t·s`.
    Causal,
    /// These pads, each side by itself; negative crops.
    Explicit {
        /// Zeros before the first element.
        before: isize,
        /// Zeros after the last element.
        after: isize,
    },
}

/// Stride, dilation and padding along one axis: what a layer's author chooses, before the extents of kernel
/// and input are known. [`Window::axis`] adds those.
///
/// ```
/// use conv_core::axis::{Axis, Padding, Window};
///
/// let window = Window::new().with_stride(2).with_padding(Padding::SameUpper);
/// assert_eq!(window.axis(3, 6), Ok(Axis::new(3).with_stride(2).with_pads(0, 1)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Distance between the windows of neighbouring outputs.
    pub stride: usize,
    /// Distance between neighbouring taps.
    pub dilation: usize,
    /// The zeros around the input.
    pub padding: Padding,
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

impl Window {
    /// Stride 1, dilation 1, no pads.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            stride: 1,
            dilation: 1,
            padding: Padding::Valid,
        }
    }

    /// The same window with another stride.
    #[must_use]
    pub const fn with_stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same window with another dilation.
    #[must_use]
    pub const fn with_dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The same window with another padding.
    #[must_use]
    pub const fn with_padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// The same window with these pads.
    #[must_use]
    pub const fn with_pads(self, before: isize, after: isize) -> Self {
        self.with_padding(Padding::Explicit { before, after })
    }

    /// The same window with another pad before the first element, the one after it explicit.
    #[must_use]
    pub const fn with_pad_before(self, before: isize) -> Self {
        let after = match self.padding {
            Padding::Explicit { after, .. } => after,
            _ => 0,
        };
        self.with_pads(before, after)
    }

    /// The same window with another pad after the last element, the one before it explicit.
    #[must_use]
    pub const fn with_pad_after(self, after: isize) -> Self {
        let before = match self.padding {
            Padding::Explicit { before, .. } => before,
            _ => 0,
        };
        self.with_pads(before, after)
    }

    /// The axis that this window is over `kernel` taps and `input` elements. For the transposed operation
    /// `input` is the extent of its output.
    ///
    /// # Errors
    ///
    /// A zero among kernel, stride, dilation and input, or a size that overflows.
    pub const fn axis(&self, kernel: usize, input: usize) -> Result<Axis, AxisError> {
        let bare = Axis::new(kernel)
            .with_stride(self.stride)
            .with_dilation(self.dilation);
        let dilated = attempt!(bare.dilated_kernel());
        if input == 0 {
            return Err(AxisError::EmptyExtent);
        }
        let reach = dilated as isize - 1;
        let half = (dilated / 2) as isize;
        let (before, after) = match self.padding {
            Padding::Valid => (0, 0),
            Padding::Half => (half, half),
            Padding::Full => (reach, reach),
            Padding::Causal => (reach, 0),
            Padding::SameUpper => {
                let total = attempt!(self.same_total(reach, input));
                (total / 2, total - total / 2)
            }
            Padding::SameLower => {
                let total = attempt!(self.same_total(reach, input));
                (total - total / 2, total / 2)
            }
            Padding::Explicit { before, after } => (before, after),
        };
        Ok(bare.with_pads(before, after))
    }

    /// `max((⌈i/s⌉ − 1)·s + k̂ − i, 0)`: as `(⌈i/s⌉ − 1)·s < i`, nothing here overflows.
    const fn same_total(&self, reach: isize, input: usize) -> Result<isize, AxisError> {
        let input_signed = attempt!(to_signed(input));
        let last_window = (quotient(input - 1, self.stride) * self.stride) as isize;
        let total = last_window - input_signed + 1 + reach;
        Ok(if total > 0 { total } else { 0 })
    }
}
