//! Counting, hashing and reporting.

use core::fmt;

use conv_vectors::hash::Hash;
use conv_vectors::random::{Draw, Lcg, Spread};

use crate::buffer::{Bytes, Number};

/// What a run amounted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Cases run.
    pub cases: u32,
    /// Cases whose own check failed.
    pub failures: u32,
    /// The FNV-1a hash of every group's hash.
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

/// A run of all cases.
pub struct Run<'a> {
    report: &'a mut dyn FnMut(&str, u64),
    summary: Summary,
    hash: Hash,
}

impl<'a> Run<'a> {
    /// A run that has not begun.
    pub fn new(report: &'a mut dyn FnMut(&str, u64)) -> Self {
        let summary = Summary {
            cases: 0,
            failures: 0,
            digest: 0,
        };
        Self {
            report,
            summary,
            hash: Hash::new(),
        }
    }

    /// Runs a group of cases under a name and reports its hash. The data follow from the name.
    ///
    /// Never inlined, so that the buffers of one group are gone when the next begins.
    #[inline(never)]
    pub fn group(&mut self, name: &str, cases: impl FnOnce(&mut Group)) {
        let mut seed = Hash::new();
        seed.write(name.as_bytes());
        let seed = seed.finish();
        let random = Lcg::new((seed ^ (seed >> 32)) as u32).spread(Spread::Full);
        let mut group = Group {
            hash: Hash::new(),
            cases: 0,
            failures: 0,
            random,
        };
        cases(&mut group);
        self.close(name, &group);
    }

    fn close(&mut self, name: &str, group: &Group) {
        self.summary.cases += group.cases;
        self.summary.failures += group.failures;
        self.hash.write(&group.hash.finish().to_le_bytes());
        (self.report)(name, group.hash.finish());
    }

    /// What the run amounted to.
    #[must_use]
    pub fn finish(self) -> Summary {
        Summary {
            digest: self.hash.finish(),
            ..self.summary
        }
    }
}

/// The cases under one name.
pub struct Group {
    hash: Hash,
    cases: u32,
    failures: u32,
    /// The group's data.
    pub random: Lcg,
}

impl Group {
    /// The group's data with integers at the ends of their ranges, or as they were.
    pub fn spread(&mut self, spread: Spread) {
        self.random = self.random.clone().spread(spread);
    }

    /// An array, of any depth, of pseudo-random elements.
    pub fn draw<B: Bytes>(&mut self) -> B
    where
        B::Item: Draw,
    {
        let mut array = B::ZERO;
        self.fill(B::flatten_mut(core::slice::from_mut(&mut array)));
        array
    }

    /// Fills a buffer with pseudo-random elements. Not inlined, for the sake of the flash.
    #[inline(never)]
    pub fn fill<T: Draw>(&mut self, buffer: &mut [T]) {
        self.random.fill(buffer);
    }

    /// An array with something else in it than zeros: what an operation must overwrite.
    #[must_use]
    pub fn dirty<B: Bytes>(&self) -> B {
        let mut array = B::ZERO;
        B::flatten_mut(core::slice::from_mut(&mut array)).fill(B::Item::DIRTY);
        array
    }

    /// Adds an output, an array of any depth, to the hash: one case more.
    pub fn output<B: Bytes>(&mut self, output: &B) {
        self.values(B::flatten(core::slice::from_ref(output)));
    }

    /// Adds an output to the hash: one case more.
    #[inline(never)]
    pub fn values<T: Number>(&mut self, output: &[T]) {
        self.cases += 1;
        for &value in output {
            value.hash(&mut self.hash);
        }
    }

    /// Adds a number to the hash without counting a case.
    pub fn note(&mut self, value: u32) {
        self.hash.write(&value.to_le_bytes());
    }

    /// The present case fails unless `right`.
    pub fn check(&mut self, right: bool) {
        self.failures += u32::from(!right);
    }
}
