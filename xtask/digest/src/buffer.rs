//! Elements and arrays of them, as bytes to hash and as places to fill.

use conv_vectors::hash::Hash;

/// A number that a case computes with.
pub trait Number: Copy + PartialEq {
    /// What a buffer holds before an operation writes it.
    const DIRTY: Self;

    /// Adds the number to a hash, as little-endian bytes on every target.
    fn hash(self, hash: &mut Hash);
}

/// A number, or an array of what is itself one of these.
pub trait Bytes: Copy {
    /// The numbers in it.
    type Item: Number;
    /// All of them 0.
    const ZERO: Self;

    /// The numbers in memory order.
    fn flatten(slice: &[Self]) -> &[Self::Item];

    /// The numbers in memory order.
    fn flatten_mut(slice: &mut [Self]) -> &mut [Self::Item];
}

macro_rules! elements {
    ($($element:ty = $zero:literal, $dirty:literal);* $(;)?) => {$(
        impl Number for $element {
            const DIRTY: Self = $dirty;

            fn hash(self, hash: &mut Hash) {
                hash.write(&self.to_le_bytes());
            }
        }

        impl Bytes for $element {
            type Item = Self;
            const ZERO: Self = $zero;

            fn flatten(slice: &[Self]) -> &[Self] {
                slice
            }

            fn flatten_mut(slice: &mut [Self]) -> &mut [Self] {
                slice
            }
        }
    )*};
}
elements! {
    i8 = 0, 85; u8 = 0, 85; i16 = 0, 85; i32 = 0, 85; i64 = 0, 85; i128 = 0, 85;
    f32 = 0.0, 85.0; f64 = 0.0, 85.0;
}

impl<B: Bytes, const N: usize> Bytes for [B; N] {
    type Item = B::Item;
    const ZERO: Self = [B::ZERO; N];

    fn flatten(slice: &[Self]) -> &[B::Item] {
        B::flatten(slice.as_flattened())
    }

    fn flatten_mut(slice: &mut [Self]) -> &mut [B::Item] {
        B::flatten_mut(slice.as_flattened_mut())
    }
}
