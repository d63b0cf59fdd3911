//! x86-64: the register blocks of [`super::generic`], compiled for AVX2 and for AVX-512.
//!
//! Neither level fuses multiplication and addition: Rust does not contract, and the results stay those of the
//! portable level bit for bit. Dense layers of
//! `f32` whose products are fused have blocks of their own, in [`dense`].

use conv_core::element::Element;

use super::generic::{self, Gather, Product, Sum};

pub(super) mod dense;

macro_rules! level {
    ($(#[$doc:meta])* $module:ident, $features:literal, $budget:literal) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::*;

            /// # Safety
            ///
            /// As [`generic::channel_lanes`], on a CPU with this level's features.
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn channel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
                gather: &Gather<'_, T, W>,
                pixels: usize,
                tile: &mut [A],
            ) {
                // SAFETY: the caller's promise, unchanged.
                unsafe { generic::channel_lanes::<M, T, W, A, $budget>(gather, pixels, tile) }
            }

            /// # Safety
            ///
            /// As [`generic::pixel_lanes`], on a CPU with this level's features.
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn pixel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
                gather: &Gather<'_, T, W>,
                sinks: usize,
                sink_step: usize,
                pixels: usize,
                tile: &mut [A],
            ) {
                // SAFETY: the caller's promise, unchanged.
                unsafe { generic::pixel_lanes::<M, T, W, A, $budget>(gather, sinks, sink_step, pixels, tile) }
            }

            /// # Safety
            ///
            /// As [`generic::depthwise_lanes`], on a CPU with this level's features.
            #[target_feature(enable = $features)]
            pub(crate) unsafe fn depthwise_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
                gather: &Gather<'_, T, W>,
                pixels: usize,
                tile: &mut [A],
            ) {
                // SAFETY: the caller's promise, unchanged.
                unsafe { generic::depthwise_lanes::<M, T, W, A, $budget>(gather, pixels, tile) }
            }
        }
    };
}

level! {
    /// 16 registers of 32 bytes, 12 of them accumulators: 6 pixels of 16 `f32` channels.
    avx2, "avx2,fma", 384
}
level! {
    /// 32 registers of 64 bytes, 24 of them accumulators.
    avx512, "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl", 1536
}
