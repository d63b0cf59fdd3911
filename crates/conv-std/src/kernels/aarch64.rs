//! aarch64: NEON is part of the base instruction set, so this level is the register blocks of
//! [`super::generic`] with accumulators sized for 32 registers of 16 bytes, 24 of them accumulators.

use conv_core::element::Element;

use super::generic::{self, Gather, Product, Sum};

/// Bytes of accumulators held in registers.
const BUDGET: usize = 384;

/// # Safety
///
/// As [`generic::channel_lanes`].
pub(super) unsafe fn channel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::channel_lanes::<M, T, W, A, BUDGET>(gather, pixels, tile) }
}

/// # Safety
///
/// As [`generic::pixel_lanes`].
pub(super) unsafe fn pixel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
    gather: &Gather<'_, T, W>,
    sinks: usize,
    sink_step: usize,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::pixel_lanes::<M, T, W, A, BUDGET>(gather, sinks, sink_step, pixels, tile) }
}

/// # Safety
///
/// As [`generic::depthwise_lanes`].
pub(super) unsafe fn depthwise_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::depthwise_lanes::<M, T, W, A, BUDGET>(gather, pixels, tile) }
}
