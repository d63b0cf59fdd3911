//! NumPy and SciPy: `numpy.convolve` and `scipy.signal.convolve` with their three modes.
//!
//! True convolution: the kernel is flipped, [`Orientation::Convolution`]. Both operands are of one channel and
//! either may be the longer; `full[t] = Σ input[t − j]·kernel[j]` has `input + kernel − 1` elements. A 2-D
//! `scipy.signal.convolve` resolves each axis by itself; in mode `valid` it also demands that one of the
//! operands be the longer along every axis.
//!
//! Source: the documentation of both functions, `_pyarray_correlate` in NumPy's `multiarraymodule.c` and
//! `_centered` in `scipy/signal/_signaltools.py`.

use super::{ConventionError, Direct, Framework, Names};
use crate::axis::{Axis, AxisError, attempt, to_signed};
use crate::geometry::Orientation;

/// `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// `'full'`, the default: every overlap.
    Full,
    /// `'same'`: the centre of `full`. NumPy gives `max(input, kernel)` elements, SciPy `input`.
    Same,
    /// `'valid'`: where the shorter operand lies wholly within the longer.
    Valid,
}

/// `numpy.convolve(input, kernel, mode)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NumpyConvolve {
    /// Extent of the second operand.
    pub kernel: usize,
    /// Default `'full'`.
    pub mode: Mode,
}

/// One axis of `scipy.signal.convolve(input, kernel, mode)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScipyConvolve {
    /// Extent of the second operand.
    pub kernel: usize,
    /// Default `'full'`.
    pub mode: Mode,
}

impl NumpyConvolve {
    /// How the kernel is read.
    pub const ORIENTATION: Orientation = Orientation::Convolution;

    /// Mode `'full'`.
    #[must_use]
    pub const fn new(kernel: usize) -> Self {
        let mode = Mode::Full;
        Self { kernel, mode }
    }

    /// Resolves the operation over `input` elements. `'same'` begins at `full[⌊(min(input, kernel) − 1)/2⌋]`.
    ///
    /// ```
    /// use conv_core::convention::scipy::{Mode, NumpyConvolve};
    ///
    /// let same = NumpyConvolve { kernel: 4, mode: Mode::Same };
    /// // full[1..1 + 9]
    /// let resolved = same.axis(9).unwrap();
    /// assert_eq!((resolved.axis.pad_before, resolved.axis.pad_after, resolved.output), (2, 1, 9));
    /// assert_eq!(same.axis(3).unwrap().output, 4);
    /// ```
    ///
    /// # Errors
    ///
    /// An operand without elements, as NumPy; an overflow.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        let names = names(Framework::NumPy);
        let (short, long) = ordered(self.kernel, input);
        let range = match self.mode {
            Mode::Same => (short.saturating_sub(1) / 2, long),
            mode => outer(mode, short, long),
        };
        slice_of_full(&names, self.kernel, input, range)
    }
}

impl ScipyConvolve {
    /// How the kernel is read.
    pub const ORIENTATION: Orientation = Orientation::Convolution;

    /// Mode `'full'`.
    #[must_use]
    pub const fn new(kernel: usize) -> Self {
        let mode = Mode::Full;
        Self { kernel, mode }
    }

    /// Resolves one axis over `input` elements. `'same'` begins at `full[⌊(kernel − 1)/2⌋]`.
    ///
    /// ```
    /// use conv_core::convention::scipy::{Mode, ScipyConvolve};
    ///
    /// let same = ScipyConvolve { kernel: 4, mode: Mode::Same };
    /// assert_eq!(same.axis(3).unwrap().output, 3);
    /// ```
    ///
    /// # Errors
    ///
    /// An operand without elements; an overflow.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        let names = names(Framework::SciPy);
        let range = match self.mode {
            Mode::Same => (self.kernel.saturating_sub(1) / 2, input),
            mode => {
                let (short, long) = ordered(self.kernel, input);
                outer(mode, short, long)
            }
        };
        slice_of_full(&names, self.kernel, input, range)
    }
}

const fn names(framework: Framework) -> Names {
    Names {
        framework,
        kernel: "kernel",
        stride: "mode",
        dilation: "mode",
        padding: "mode",
        output_padding: "mode",
        output: "mode",
    }
}

const fn ordered(a: usize, b: usize) -> (usize, usize) {
    if a < b { (a, b) } else { (b, a) }
}

/// First element and extent of the modes that do not depend on which operand comes first. A wrapped sum
/// is found by [`slice_of_full`], which adds the extents with checks first.
const fn outer(mode: Mode, short: usize, long: usize) -> (usize, usize) {
    match mode {
        Mode::Valid => (short.saturating_sub(1), (long - short).saturating_add(1)),
        Mode::Full | Mode::Same => (0, long.wrapping_add(short).wrapping_sub(1)),
    }
}

/// The axis that computes `count` elements of the full convolution from `first` on: with
/// `pad_before = kernel − 1 − first` and as many pads after as `count` asks for.
const fn slice_of_full(
    names: &Names,
    kernel: usize,
    input: usize,
    (first, count): (usize, usize),
) -> Result<Direct, ConventionError> {
    let reach = attempt!(names.checked(Axis::new(kernel).dilated_kernel())) as isize - 1;
    let extent = attempt!(names.checked(to_signed(input)));
    let full = match extent.checked_add(reach) {
        Some(full) if extent > 0 => full,
        Some(_) => return Err(names.axis_error(AxisError::EmptyExtent)),
        None => return Err(names.axis_error(AxisError::Overflow)),
    };
    // first + count ≤ full, and all are at least 0: every difference fits.
    let (first, count) = (first as isize, count as isize);
    let skipped_after = full - first - count;
    let axis = Axis::new(kernel).with_pads(reach - first, reach - skipped_after);
    names.direct(axis, input)
}
