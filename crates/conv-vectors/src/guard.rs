//! A dirty buffer between guard values: what a kernel must not touch, and what it must not trust.
//!
//! ```
//! use conv_vectors::guard::Guarded;
//!
//! let mut output = Guarded::<i32>::new(4);
//! output.as_mut_slice().copy_from_slice(&[1, 2, 3, 4]);
//! assert_eq!(output.check(), Ok(()));
//! assert_eq!(output.as_slice(), &[1, 2, 3, 4]);
//! ```

use std::vec::Vec;

use core::fmt::{self, Debug};

/// Guards on each side: enough that an index one row or one channel too far, in small shapes,
/// lands on a guard and not on memory that nobody looks at.
pub const GUARDS: usize = 64;

/// An element type with values that stand out.
pub trait Dirt: Copy + Debug {
    /// The value at a position of the guards or of the dirty contents: neighbours differ, so that
    /// a copied or shifted guard shows too.
    fn dirt(position: usize) -> Self;

    /// Bitwise equality: floats that are NaN compare equal to themselves.
    fn same(self, other: Self) -> bool;
}

macro_rules! dirt {
    ($($integer:ident),*) => {$(
        impl Dirt for $integer {
            fn dirt(position: usize) -> Self {
                // An odd factor times the position, from a pattern that no small sum gives.
                let pattern = 0x5bd1_e995_a5c3_96e7u64 ^ (position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                (pattern >> 7) as Self
            }

            fn same(self, other: Self) -> bool {
                self == other
            }
        }
    )*};
}

dirt!(i8, u8, i16, u16, i32, u32, i64, u64, i128);

macro_rules! dirt_float {
    ($($float:ident $bits:ident $nan:literal),*) => {$(
        impl Dirt for $float {
            /// A quiet NaN with the position in its payload: using it shows in every result.
            fn dirt(position: usize) -> Self {
                Self::from_bits($nan | 1 << 16 | (position as $bits & 0xffff))
            }

            fn same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits()
            }
        }
    )*};
}

dirt_float!(f32 u32 0x7fc0_0000, f64 u64 0x7ff8_0000_0000_0000);

/// Which guard was overwritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// This many elements before the first one of the buffer; 1 is the nearest.
    Before(usize),
    /// This many elements after the last one of the buffer; 1 is the nearest.
    After(usize),
}

impl fmt::Display for Hit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Before(distance) => write!(formatter, "written {distance} before the buffer"),
            Self::After(distance) => write!(formatter, "written {distance} after the buffer"),
        }
    }
}

impl core::error::Error for Hit {}

/// A buffer with [`GUARDS`] guard values on each side, dirty until it is written.
#[derive(Clone, Debug)]
pub struct Guarded<T> {
    all: Vec<T>,
    length: usize,
}

impl<T: Dirt> Guarded<T> {
    /// A buffer of `length` dirty values.
    #[must_use]
    pub fn new(length: usize) -> Self {
        Self {
            all: (0..length + 2 * GUARDS).map(T::dirt).collect(),
            length,
        }
    }

    /// The buffer, without its guards.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.all[GUARDS..GUARDS + self.length]
    }

    /// The buffer to write to.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.all[GUARDS..GUARDS + self.length]
    }

    /// The buffer as a pointer into the whole allocation, for code that is tested for stray
    /// writes: those land on the guards.
    pub fn as_mut_ptr(&mut self) -> *mut T {
        self.all.as_mut_ptr().wrapping_add(GUARDS)
    }

    /// Whether every guard is as it was.
    ///
    /// # Errors
    ///
    /// The overwritten guard nearest to the buffer, those before it first.
    pub fn check(&self) -> Result<(), Hit> {
        let intact = |position: usize| self.all[position].same(T::dirt(position));
        if let Some(distance) = (1..=GUARDS).find(|distance| !intact(GUARDS - distance)) {
            return Err(Hit::Before(distance));
        }
        let end = GUARDS + self.length;
        match (1..=GUARDS).find(|distance| !intact(end + distance - 1)) {
            Some(distance) => Err(Hit::After(distance)),
            None => Ok(()),
        }
    }

    /// The first element of the buffer that still has its dirty value: most likely not written.
    /// A result may equal the dirt by chance in a narrow type, so this is for messages, or for
    /// types of 32 bits and more.
    #[must_use]
    pub fn first_unwritten(&self) -> Option<usize> {
        (0..self.length).find(|index| self.as_slice()[*index].same(T::dirt(GUARDS + index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_stray_write_is_named<T: Dirt>(value: T) {
        for length in [0, 1, 5] {
            assert_eq!(Guarded::<T>::new(length).check(), Ok(()));
            for distance in 1..=GUARDS {
                let mut before = Guarded::<T>::new(length);
                before.all[GUARDS - distance] = value;
                assert_eq!(before.check(), Err(Hit::Before(distance)));
                let mut after = Guarded::<T>::new(length);
                after.all[GUARDS + length + distance - 1] = value;
                assert_eq!(after.check(), Err(Hit::After(distance)));
            }
        }
    }

    #[test]
    fn stray_writes_are_found() {
        every_stray_write_is_named(0i32);
        every_stray_write_is_named(0i64);
        every_stray_write_is_named(0.0f32);
        every_stray_write_is_named(f64::NAN);
    }

    #[test]
    fn contents_are_dirty_until_written() {
        let mut buffer = Guarded::<f32>::new(3);
        assert!(buffer.as_slice().iter().all(|value| value.is_nan()));
        assert_eq!(buffer.first_unwritten(), Some(0));
        buffer.as_mut_slice()[..2].fill(1.0);
        assert_eq!(buffer.first_unwritten(), Some(2));
        buffer.as_mut_slice()[2] = 1.0;
        assert_eq!(buffer.first_unwritten(), None);
    }

    #[test]
    fn a_moved_guard_is_a_hit() {
        let mut buffer = Guarded::<i8>::new(2);
        buffer.all.rotate_left(1);
        assert!(buffer.check().is_err());
    }
}
