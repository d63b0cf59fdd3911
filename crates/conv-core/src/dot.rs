//! The three inner loops, and the one seam where speed lives: everything else decides which elements meet,
//! these multiply them. Each adds its products in order of increasing index, which is what makes float
//! results the same on every target; a faster version for some core must keep that order for floats.

use crate::element::{Element, Multiply};

/// `accumulator + Σ input[i]·kernel[i]`.
#[inline]
pub(crate) fn dot<T, W, A>(accumulator: A, input: &[T], kernel: &[W]) -> A
where
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    input
        .iter()
        .zip(kernel)
        .fold(accumulator, |sum, (&x, &w)| T::multiply_add(sum, x, w))
}

/// `accumulators[i] += input·kernel[i]`.
#[inline]
pub(crate) fn scale_add<T, W, A>(accumulators: &mut [A], input: T, kernel: &[W])
where
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    for (sum, &w) in accumulators.iter_mut().zip(kernel) {
        *sum = T::multiply_add(*sum, input, w);
    }
}

/// `accumulators[i] += input[i]·kernel[i]`.
#[inline]
pub(crate) fn multiply_add<T, W, A>(accumulators: &mut [A], input: &[T], kernel: &[W])
where
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    for ((sum, &x), &w) in accumulators.iter_mut().zip(input).zip(kernel) {
        *sum = T::multiply_add(*sum, x, w);
    }
}
