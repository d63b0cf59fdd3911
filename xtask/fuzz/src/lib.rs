//! What the fuzz targets share: choices made from the fuzzer's bytes.

use arbitrary::Unstructured;
use conv_core::requantise::Multiplier;
use conv_core::{Axis, Orientation};
use conv_vectors::random::{Lcg, Spread};

/// Choices made from bytes; when they run out, every choice is the first one.
#[derive(Debug)]
pub struct Choices<'a>(Unstructured<'a>);

impl<'a> Choices<'a> {
    /// Choices made from `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// A number below `limit`, 0 where `limit` is 0.
    pub fn below(&mut self, limit: usize) -> usize {
        let last = limit.saturating_sub(1);
        self.0.int_in_range(0..=last).unwrap_or(0)
    }

    /// One of `all`.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A pad: a crop by up to 2 or as far as 6 outside.
    pub fn pad(&mut self) -> isize {
        self.below(9) as isize - 2
    }

    /// Any orientation.
    pub fn orientation(&mut self) -> Orientation {
        self.of(&[Orientation::Correlation, Orientation::Convolution])
    }

    /// A small axis, seldom without legal geometry.
    pub fn axis(&mut self) -> Axis {
        Axis::new(1 + self.below(5))
            .with_stride(1 + self.below(4))
            .with_dilation(1 + self.below(3))
            .with_pads(self.pad(), self.pad())
    }

    /// A generator of data, of any seed and spread.
    pub fn data(&mut self) -> Lcg {
        let seed = self.0.arbitrary().unwrap_or(1);
        let spreads = [Spread::Uniform, Spread::Extremes, Spread::Full];
        Lcg::new(seed).spread(self.of(&spreads))
    }

    /// A number as no one in their right mind would give: zero, small, near a power of two, near the ends of
    /// `usize` and `isize`, or anything.
    pub fn absurd(&mut self) -> usize {
        let near = self.below(9);
        let offset = |number: usize| number.wrapping_add(near).wrapping_sub(4);
        match self.below(6) {
            0 | 1 => near,
            2 => offset(1 << self.below(usize::BITS as usize)),
            3 => offset(usize::MAX),
            4 => offset(isize::MAX.unsigned_abs()),
            _ => self.0.arbitrary().unwrap_or(0),
        }
    }

    /// An axis of absurd numbers; two of three are small.
    pub fn absurd_axis(&mut self) -> Axis {
        let mut some = |limit| match self.below(3) {
            0 => self.absurd(),
            _ => self.below(limit),
        };
        let (kernel, stride, dilation) = (some(6), some(5), some(4));
        let (before, after) = (some(7) as isize, some(7) as isize);
        Axis::new(kernel)
            .with_stride(stride)
            .with_dilation(dilation)
            .with_pads(before, after)
    }

    /// A float of any bits: NaN, infinite, denormal, negative.
    pub fn float(&mut self) -> f32 {
        f32::from_bits(self.0.arbitrary().unwrap_or(0))
    }

    /// Any `i32`.
    pub fn integer(&mut self) -> i32 {
        self.0.arbitrary().unwrap_or(0)
    }
}

/// A multiplier of the whole range, from 2⁻³² to 2¹².
#[must_use]
pub fn multiplier(random: &mut Lcg) -> Multiplier {
    let bits = (random.next_u32() >> 2) as i32;
    Multiplier {
        multiplier: bits | 1 << 30,
        shift: random.below(44) as i32 - 31,
    }
}

/// A scale of few bits, so that ties occur.
#[must_use]
pub fn scale(random: &mut Lcg) -> f32 {
    random.below(256) as f32 / (1_u32 << random.below(20)) as f32
}
