//! The three inner loops: everything else decides which elements meet, these multiply them. Each adds its products in
//! order of increasing index, which is what makes float results the same on every target. Where a core has instructions
//! of its own for a pair of elements, [`Product::run_on_core`] takes the whole operation; it keeps that order for floats.
//!
//! What a product is, is a [`Product`]: input times weight, or (input − zero point) times weight. Where the
//! weights come from is a [`Weights`]: a slice, or two to a byte.

use crate::element::{Element, Multiply};
use crate::engine::{Pixels, Plan};
use crate::finish::Finish;

/// What an input element and a weight contribute to an accumulator.
pub(crate) trait Product<T, W, A>: Copy {
    /// `accumulator + product`.
    fn add_to(self, accumulator: A, input: T, weight: W) -> A;

    /// Runs the whole operation by the core's own instructions, and says whether it did: see
    /// [`Multiply::run_on_core`].
    #[inline(always)]
    fn run_on_core<F>(
        self,
        _plan: &Plan,
        _pixels: Pixels,
        _input: &[T],
        _kernel: &[W],
        _finish: &F,
        _output: &mut [F::Output],
    ) -> bool
    where
        F: Finish<Accumulator = A>,
    {
        false
    }
}

/// `input · weight`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl<T, W, A> Product<T, W, A> for Plain
where
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    #[inline]
    fn add_to(self, accumulator: A, input: T, weight: W) -> A {
        T::multiply_add(accumulator, input, weight)
    }

    #[inline(always)]
    fn run_on_core<F>(
        self,
        plan: &Plan,
        pixels: Pixels,
        input: &[T],
        kernel: &[W],
        finish: &F,
        output: &mut [F::Output],
    ) -> bool
    where
        F: Finish<Accumulator = A>,
    {
        T::run_on_core(plan, pixels, input, kernel, finish, output)
    }
}

/// A kernel buffer.
pub trait Weights: Copy {
    /// A weight.
    type Element: Element;

    /// `length` weights from number `start` on; fewer, instead of a panic, where there are not so many.
    fn part(self, start: usize, length: usize) -> impl Iterator<Item = Self::Element>;

    /// The weights as they lie in memory, where that is an element each.
    #[inline(always)]
    fn elements(&self) -> Option<&[Self::Element]> {
        None
    }
}

impl<W: Element> Weights for &[W] {
    type Element = W;

    #[inline]
    fn part(self, start: usize, length: usize) -> impl Iterator<Item = W> {
        part(self, start, length).iter().copied()
    }

    #[inline(always)]
    fn elements(&self) -> Option<&[W]> {
        Some(self)
    }
}

/// `buffer[start..start + length]`, empty instead of a panic.
#[inline]
pub(crate) fn part<T>(buffer: &[T], start: usize, length: usize) -> &[T] {
    buffer
        .get(start..start.wrapping_add(length))
        .unwrap_or_default()
}

/// `accumulator + Σ input[i]·kernel[i]`.
#[inline]
pub(crate) fn dot<T, W, A, P>(
    product: P,
    accumulator: A,
    input: &[T],
    kernel: impl Iterator<Item = W>,
) -> A
where
    T: Element,
    P: Product<T, W, A>,
{
    input
        .iter()
        .zip(kernel)
        .fold(accumulator, |sum, (&x, w)| product.add_to(sum, x, w))
}

/// `accumulators[i] += input·kernel[i]`.
#[inline]
pub(crate) fn scale_add<T, W, A, P>(
    product: P,
    accumulators: &mut [A],
    input: T,
    kernel: impl Iterator<Item = W>,
) where
    T: Element,
    A: Element,
    P: Product<T, W, A>,
{
    for (sum, w) in accumulators.iter_mut().zip(kernel) {
        *sum = product.add_to(*sum, input, w);
    }
}

/// `accumulators[i] += input[i]·kernel[i]`.
#[inline]
pub(crate) fn multiply_add<T, W, A, P>(
    product: P,
    accumulators: &mut [A],
    input: &[T],
    kernel: impl Iterator<Item = W>,
) where
    T: Element,
    A: Element,
    P: Product<T, W, A>,
{
    for ((sum, &x), w) in accumulators.iter_mut().zip(input).zip(kernel) {
        *sum = product.add_to(*sum, x, w);
    }
}
