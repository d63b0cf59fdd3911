//! One program over conv-core that every target runs: the same cases, the same bits, one digest.
//!
//! A case is one operation on pseudo-random data; its output is hashed as little-endian bytes, and
//! where a second way to the result exists (the matrix, a published output) the case compares with
//! it. Cases are reported in groups, each with a hash of its own, so that a target that differs
//! says where.
//!
//! | module | cases |
//! |---|---|
//! | [`typed`] | the operations on arrays, for every pair of elements |
//! | [`sweep`] | every small axis, and a sample of pairs of axes, through the run-time forms |
//! | [`finishes`] | every last step: bias, clamp, rounding shifts, activations |
//! | [`filters`] | every kernel builder |
//! | [`published`] | the guide's matrices and ONNX's published cases |
//!
//! It needs less than 16 KiB of RAM and no heap.
#![no_std]

mod buffer;
mod filters;
mod finishes;
mod hash;
mod limits;
mod published;
mod run;
mod sweep;
mod typed;

pub use buffer::{Bytes, Number};
pub use hash::Hash;
pub use run::{Group, Run, Summary};

/// Runs every case; `report` is called with the name and the hash of each group.
pub fn run(report: &mut dyn FnMut(&str, u64)) -> Summary {
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
