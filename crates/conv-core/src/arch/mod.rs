//! Kernels for particular cores, and the only unsafe code of the crate.
//!
//! The seam is the layer: plan, packed weights, what each channel needs, input, output and scratch go to one function
//! ([`run`]) that is not generic over shapes. It takes the layer apart into direct convolutions of stride and dilation
//! ([`Sub`]: one, or one for each phase of a transposed layer and each group), walks their pixels two by two, and hands each
//! pair to the core's file, which builds *columns* (the inputs under the kernel, in the order of its weights) and multiplies
//! them with all channels.
//!
//! | file | cores | block |
//! |---|---|---|
//! | `dsp` | Cortex-M4, M7, M33 | SMLAD: 2 channels × 2 pixels × 4 taps |
//! | `helium` | Cortex-M55, M85 | VMLADAVA: 2 channels × 2 pixels × 16 taps; depthwise VMULL: 16 channels |
//! | `packed` | Cortex-M0, M0+, M3, M23, RV32 | two pixels in a word: a multiplication is two multiply-accumulates |
//! | `portable` | every other | none: the loops of [`crate::engine`] |
//!
//! Operations on `f32` have a file and a seam of their own, the [`Plan`](crate::engine::Plan): `vfp`, for cores with a float
//! unit.
//!
//! A file says:
//!
//! | item | |
//! |---|---|
//! | [`runs`], `takes` | which operations on which inputs run here, and of these which shapes: others run on portable loops |
//! | [`CELL_BYTES`], [`START_BYTES`] | scratch for each weight of an output channel, and for each output channel of a transposed layer |
//! | [`FOLDED`] | whether the bias of a direct layer's channel comes with `−zero_point·Σweight`, for columns of raw bytes |
//! | [`shift`] | what columns are less than the inputs, 128 where bytes `u8` become `i8` |
//! | [`Record`] | what a channel's requantisation needs, and [`is_short`], whether the short form is exact for it |
//! | [`pack`] | the order of the weights, a permutation within the kernel's own array |
//! | `CLAMPS` | whether the short form clamps, or only saturates |
//! | `run_sub` | one [`Sub`] |
//! | `run_depthwise` | the one [`Sub`] of a depthwise layer, whose channels are those of all groups |
//! | [`runs_connected`], `run_connected` | on which inputs fully connected layers run here, and such a layer, its weights in their own order |

#![allow(unsafe_code)]

use crate::quantised::{Activation, QuantOperation};
use crate::requantise::Rounding;

mod cast;
#[cfg(conv_arch = "dsp")]
mod dsp;
#[cfg(conv_arch = "helium")]
mod helium;
#[cfg(any(
    conv_arch = "dsp",
    all(conv_arch = "packed", any(not(conv_isa = "armv6m"), test))
))]
mod high;
#[cfg(not(conv_arch = "portable"))]
mod layer;
pub(crate) mod order;
#[cfg(conv_arch = "packed")]
mod packed;
#[cfg(conv_arch = "portable")]
mod portable;
mod scratch;
#[cfg(not(conv_arch = "portable"))]
pub(crate) mod signal;
#[cfg(conv_float = "vfp")]
pub(crate) mod vfp;

#[cfg(conv_arch = "dsp")]
use dsp as chosen;
#[cfg(conv_arch = "helium")]
use helium as chosen;
#[cfg(conv_arch = "packed")]
use packed as chosen;
#[cfg(conv_arch = "portable")]
use portable as chosen;

pub(crate) use cast::{prepared, records};
pub use chosen::Record;
use chosen::{CELL_BYTES, START_BYTES, is_short};
pub(crate) use chosen::{FOLDED, pack, runs, shift};
#[cfg(not(conv_arch = "portable"))]
pub(crate) use chosen::{runs_connected, takes};
#[cfg(not(conv_arch = "portable"))]
pub(crate) use layer::{Last, Layer, connected, run};

#[cfg(not(conv_arch = "portable"))]
pub(crate) use scratch::Region;
pub use scratch::{ColumnScratch, NoScratch, PhaseScratch, Scratch};

/// Whether every channel's short requantisation is exact for sums up to `greatest`.
pub(crate) const fn are_short(records: &[Record], greatest: &[u64]) -> bool {
    let mut channel = 0;
    while channel < records.len() && channel < greatest.len() {
        if !is_short(records[channel].scale(), greatest[channel]) {
            return false;
        }
        channel += 1;
    }
    true
}

/// Scratch of a direct layer of so many taps of all input channels, or of a transposed one whose phases have at most so many.
pub(crate) const fn scratch_bytes(taps: usize, starts: usize) -> usize {
    CELL_BYTES * taps.next_multiple_of(4) + START_BYTES * starts
}

/// Whether layers of an operation run on the core's kernels, with inputs `T` and the sums of a contract.
pub(crate) const fn runs_layer<T: Activation, R: Rounding>(operation: QuantOperation) -> bool {
    size_of::<R::Accumulator>() == 4 && runs::<T>(operation)
}

/// The first `count` bytes of words.
pub(crate) fn bytes_of(words: &mut [u32], count: usize) -> &mut [i8] {
    let count = Ord::min(count, size_of_val(words));
    // SAFETY: the bytes are the words', which are borrowed as long, and any bits are an `i8`.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), count) }
}
