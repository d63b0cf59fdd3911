//! What every target runs over conv-core: the same cases, the same bits, one digest for each part.
//!
//! A case is one operation on pseudo-random data; its output is hashed as little-endian bytes, and
//! where a second way to the result exists (the matrix, a published output) the case compares with
//! it. Cases are reported in groups, each with a hash of its own, so that a target that differs
//! says where.
//!
//! The part [`operations`] needs less than 16 KiB of RAM and, on Armv6-M, 320 KiB of flash, [`layers`] and [`kernels`] a few hundred
//! KiB of RAM; none a heap.
//!
//! | module | cases |
//! |---|---|
//! | *of [`operations`]* | |
//! | [`typed`] | the operations on arrays, for every pair of elements |
//! | [`sweep`] | every small axis, and a sample of pairs of axes, through the run-time forms |
//! | [`finishes`] | every last step: bias, clamp, rounding shifts, activations |
//! | [`filters`] | every kernel builder |
//! | [`published`] | the guide's matrices and ONNX's published cases |
//! | *of [`layers`]* | |
//! | [`quantised`] | CMSIS-NN's published cases, the anchors by hash, and small shapes in every contract |
//! | [`between`] | pooling and sums of feature maps |
//! | [`streams`] | every small axis, and a sample of pairs of axes, against the batch operation |
//! | *of [`kernels`]* | |
//! | `kernels` | layers on the core's own kernels against the portable loops, byte for byte |
//! | `signals` | filters of integers on the core's own loops, against sums written out |
//! | *of [`floats`]* | |
//! | [`mod@floats`] | every small shape of an operation on `f32`, against the sum written out |
#![no_std]

mod between;
mod buffer;
mod filters;
mod finishes;
mod floats;
mod kernels;
mod limits;
mod published;
mod quantised;
mod run;
mod signals;
mod streams;
mod sweep;
mod typed;

pub use buffer::{Bytes, Number};
pub use conv_vectors::hash::Hash;
pub use run::{Group, Run, Summary};

/// What is called with the name and the hash of each group.
pub type Report<'a> = &'a mut dyn FnMut(&str, u64);

/// Runs the cases of the plain operations.
pub fn operations(report: Report<'_>) -> Summary {
    let mut run = Run::new(report);
    typed::signals(&mut run);
    typed::images(&mut run);
    typed::run_time_lengths(&mut run);
    finishes::all(&mut run);
    filters::all(&mut run);
    published::all(&mut run);
    sweep::all(&mut run);
    run.finish()
}

/// Runs the cases of quantised layers, of what stands between layers, and of streams.
pub fn layers(report: Report<'_>) -> Summary {
    let mut run = Run::new(report);
    quantised::all(&mut run);
    between::all(&mut run);
    streams::all(&mut run);
    run.finish()
}

/// Runs the cases of the core's own kernels.
pub fn kernels(report: Report<'_>) -> Summary {
    let mut run = Run::new(report);
    kernels::all(&mut run);
    signals::all(&mut run);
    run.finish()
}

/// Runs the operations on `f32` over more shapes than the other parts do, for the cores that have instructions of their
/// own for them. Its digest is committed nowhere: each case is held against a sum of its own.
pub fn floats(report: Report<'_>) -> Summary {
    let mut run = Run::new(report);
    floats::all(&mut run);
    run.finish()
}
