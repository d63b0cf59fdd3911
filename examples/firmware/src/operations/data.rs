//! Where inputs come from and where outputs go.

use core::hash::{Hash, Hasher};
use core::hint::black_box;

use conv_core::element::Element;
use conv_core::shape::Sample;

/// The FNV-1a hash of all outputs so far, 64 bits.
pub struct Sink(u64);

impl Sink {
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Prints the hash so far.
    pub fn report(&self, what: &str) {
        board::print_text(what);
        board::print_text(" ");
        board::print_hex(self.0);
        board::print_text("\n");
    }

    /// Takes an output of an operation on elements.
    pub fn data<D: Data>(&mut self, data: &D) {
        data.hash_into(self);
    }

    /// Takes anything else: sizes, geometries, errors.
    pub fn value<H: Hash>(&mut self, value: &H) {
        value.hash(self);
    }
}

impl Hasher for Sink {
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Elements, and arrays of arrays of them.
pub trait Data: Copy {
    const ZERO: Self;

    /// Small numbers of both signs, different ones from `next` on.
    fn fill(&mut self, next: &mut i8);

    fn hash_into(&self, sink: &mut Sink);
}

/// An element that [`Data`] can fill in and hash, and that is a sample of one channel by itself.
pub trait Number: Data + Element + Sample<Element = Self> {}
impl<T: Data + Element + Sample<Element = T>> Number for T {}

/// An input, filled in when the program runs.
pub fn given<D: Data>() -> D {
    let mut data = D::ZERO;
    data.fill(&mut 3);
    black_box(data)
}

#[inline(never)]
fn fill<D: Data>(data: &mut [D], next: &mut i8) {
    for item in data {
        item.fill(next);
    }
}

#[inline(never)]
fn hash<D: Data>(data: &[D], sink: &mut Sink) {
    for item in data {
        item.hash_into(sink);
    }
}

impl<D: Data, const N: usize> Data for [D; N] {
    const ZERO: Self = [D::ZERO; N];

    fn fill(&mut self, next: &mut i8) {
        fill(self, next);
    }

    fn hash_into(&self, sink: &mut Sink) {
        hash(self, sink);
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Data for $number {
            const ZERO: Self = 0 as Self;

            fn fill(&mut self, next: &mut i8) {
                *next = next.wrapping_mul(37).wrapping_add(11);
                *self = *next as Self;
            }

            fn hash_into(&self, sink: &mut Sink) {
                sink.write(&self.to_le_bytes());
            }
        }
    )*};
}
numbers!(i8, u8, i16, i32, i64, i128, f32, f64);
