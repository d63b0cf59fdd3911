//! How the arrays of a stream look: a history of samples with outputs of one sample, or of rows with outputs of one row.

use core::slice;

use crate::element::Element;
use crate::shape::Sample;

/// The part of a stream's shapes that follows from the types of its history and its outputs.
#[derive(Clone, Copy)]
pub struct Arrays {
    /// Inputs that the history holds.
    pub(crate) history: usize,
    /// Across the stream, of inputs and outputs: the width of a row, 1 of a sample.
    pub(crate) widths: [usize; 2],
    /// Channels of inputs and outputs.
    pub(crate) channels: [usize; 2],
}

/// A history `H` of inputs, and outputs `P`: [`Signals`] or [`Images`]. Sealed.
#[diagnostic::on_unimplemented(
    message = "a stream has no history `{H}` with outputs `{P}`",
    note = "a signal's history is `[T; N]` or `[[T; C]; N]`, an image's `[[T; W]; N]` or `[[[T; C]; W]; N]`; outputs are one sample, or one row `[T; W]` or `[[T; C]; W]`"
)]
pub trait Frame<H, P>: sealed::Sealed {
    /// What one step takes: a sample, or a reference to a row.
    type Input<'r>: Copy;
    /// The same in a slice.
    type Row;
    /// What inputs hold.
    type Element: Element;
    /// What outputs hold.
    type Output: Element;
    #[doc(hidden)]
    const ARRAYS: Arrays;

    /// An input, from a block.
    #[doc(hidden)]
    fn input(row: &Self::Row) -> Self::Input<'_>;
    /// The elements of a block of inputs.
    #[doc(hidden)]
    fn elements_of(rows: &[Self::Row]) -> &[Self::Element];
    /// The elements of a block of outputs.
    #[doc(hidden)]
    fn elements_of_outputs(outputs: &mut [P]) -> &mut [Self::Output];
    /// Calls `with` with the elements of an input.
    #[doc(hidden)]
    fn with_elements<R>(input: Self::Input<'_>, with: impl FnOnce(&[Self::Element]) -> R) -> R;
    /// The elements of the history.
    #[doc(hidden)]
    fn elements(history: &H) -> &[Self::Element];
    /// The elements of the history.
    #[doc(hidden)]
    fn elements_mut(history: &mut H) -> &mut [Self::Element];
    /// The elements of an output.
    #[doc(hidden)]
    fn outputs_mut(output: &mut P) -> &mut [Self::Output];
    /// An output of zeros.
    #[doc(hidden)]
    fn blank() -> P;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Signals {}
    impl Sealed for super::Images {}
}

/// Sample by sample: a history `[S; N]` of samples `T` or `[T; C]`, outputs of one sample.
#[derive(Clone, Copy, Debug)]
pub struct Signals;

/// Row by row: a history `[[S; W]; N]` of rows of pixels `T` or `[T; C]`, outputs of one row.
#[derive(Clone, Copy, Debug)]
pub struct Images;

impl<S: Sample, R: Sample, const N: usize> Frame<[S; N], R> for Signals {
    type Input<'r> = S;
    type Row = S;
    type Element = S::Element;
    type Output = R::Element;
    const ARRAYS: Arrays = Arrays {
        history: N,
        widths: [1, 1],
        channels: [S::CHANNELS, R::CHANNELS],
    };

    fn input(row: &S) -> S {
        *row
    }

    fn elements_of(rows: &[S]) -> &[S::Element] {
        S::flatten(rows)
    }

    fn elements_of_outputs(outputs: &mut [R]) -> &mut [R::Element] {
        R::flatten_mut(outputs)
    }

    fn with_elements<Q>(input: S, with: impl FnOnce(&[S::Element]) -> Q) -> Q {
        with(S::flatten(slice::from_ref(&input)))
    }

    fn elements(history: &[S; N]) -> &[S::Element] {
        S::flatten(history)
    }

    fn elements_mut(history: &mut [S; N]) -> &mut [S::Element] {
        S::flatten_mut(history)
    }

    fn outputs_mut(output: &mut R) -> &mut [R::Element] {
        R::flatten_mut(slice::from_mut(output))
    }

    fn blank() -> R {
        R::ZERO
    }
}

impl<S, R, const W: usize, const N: usize, const OW: usize> Frame<[[S; W]; N], [R; OW]> for Images
where
    S: Sample + 'static,
    R: Sample,
{
    type Input<'r> = &'r [S; W];
    type Row = [S; W];
    type Element = S::Element;
    type Output = R::Element;
    const ARRAYS: Arrays = Arrays {
        history: N,
        widths: [W, OW],
        channels: [S::CHANNELS, R::CHANNELS],
    };

    fn input(row: &[S; W]) -> &[S; W] {
        row
    }

    fn elements_of(rows: &[[S; W]]) -> &[S::Element] {
        S::flatten(rows.as_flattened())
    }

    fn elements_of_outputs(outputs: &mut [[R; OW]]) -> &mut [R::Element] {
        R::flatten_mut(outputs.as_flattened_mut())
    }

    fn with_elements<Q>(input: &[S; W], with: impl FnOnce(&[S::Element]) -> Q) -> Q {
        with(S::flatten(input))
    }

    fn elements(history: &[[S; W]; N]) -> &[S::Element] {
        S::flatten(history.as_flattened())
    }

    fn elements_mut(history: &mut [[S; W]; N]) -> &mut [S::Element] {
        S::flatten_mut(history.as_flattened_mut())
    }

    fn outputs_mut(output: &mut [R; OW]) -> &mut [R::Element] {
        R::flatten_mut(output)
    }

    fn blank() -> [R; OW] {
        [R::ZERO; OW]
    }
}
