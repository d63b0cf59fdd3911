//! aarch64: NEON is part of the base instruction set, so this level is the register blocks of
//! [`super::generic`] with accumulators sized for 32 registers of 16 bytes, 24 of them accumulators.

use conv_core::element::{Element, Multiply};

use super::generic::{self, Gather};

/// Bytes of accumulators held in registers.
const BUDGET: usize = 384;

/// # Safety
///
/// As [`generic::channel_lanes`].
pub(super) unsafe fn channel_lanes<T: Multiply<W, A>, W: Element, A: Element>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::channel_lanes::<T, W, A, BUDGET>(gather, pixels, tile) }
}

/// # Safety
///
/// As [`generic::pixel_lanes`].
pub(super) unsafe fn pixel_lanes<T: Multiply<W, A>, W: Element, A: Element>(
    gather: &Gather<'_, T, W>,
    sinks: usize,
    sink_step: usize,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::pixel_lanes::<T, W, A, BUDGET>(gather, sinks, sink_step, pixels, tile) }
}

/// # Safety
///
/// As [`generic::depthwise_lanes`].
pub(super) unsafe fn depthwise_lanes<T: Multiply<W, A>, W: Element, A: Element>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) {
    // SAFETY: the caller's promise, unchanged.
    unsafe { generic::depthwise_lanes::<T, W, A, BUDGET>(gather, pixels, tile) }
}
