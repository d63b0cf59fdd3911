//! One program over conv-core that every target runs: the same cases, the same bits, one digest.
#![no_std]

mod hash;

pub use hash::Hash;

use core::fmt;

/// What a run amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Cases run.
    pub cases: u32,
    /// Cases whose own check failed.
    pub failures: u32,
    /// The FNV-1a hash of every case's output.
    pub digest: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cases,
            failures,
            digest,
        } = self;
        write!(f, "digest {digest:016x} cases {cases} failures {failures}")
    }
}

/// Runs every case.
pub fn run(report: &mut dyn FnMut(&str, u64)) -> Summary {
    let mut hash = Hash::new();
    hash.write(&[1, 2, 3]);
    report("placeholder", hash.finish());
    Summary {
        cases: 1,
        failures: 0,
        digest: hash.finish(),
    }
}
