//! Samples and taps of the signals: those with which CMSIS-DSP was counted.

/// A linear congruential generator's next state.
const fn step(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// Samples of every input.
pub const SAMPLES: usize = 5 * 256;

/// An element of a signal.
pub trait Sample: Copy + 'static {
    /// Bytes of an output in little-endian order.
    fn bytes(self) -> impl Iterator<Item = u8>;
}

macro_rules! element {
    ($element:ident, $module:ident, |$value:ident, $shift:ident| $made:expr) => {
        /// Signals of one element type.
        pub mod $module {
            use super::{SAMPLES, Sample, step};

            const fn made($value: i32, $shift: u32) -> $element {
                $made
            }

            /// `K` taps, scaled down by `2^shift`: from 32 taps on by 2⁵ or 2⁶, so that their magnitudes add up to less than 1.
            #[must_use]
            pub const fn taps<const K: usize>(shift: u32) -> [$element; K] {
                generate(12_345, shift)
            }

            /// [`taps`] in reverse.
            #[must_use]
            pub const fn reversed<const K: usize>(shift: u32) -> [$element; K] {
                let (taps, mut reversed) = (taps::<K>(shift), [0 as $element; K]);
                let mut index = 0;
                while index < K {
                    reversed[index] = taps[K - 1 - index];
                    index += 1;
                }
                reversed
            }

            const fn generate<const N: usize>(mut state: u32, shift: u32) -> [$element; N] {
                let mut values = [0 as $element; N];
                let mut index = 0;
                while index < N {
                    state = step(state);
                    values[index] = made(state as i32, shift);
                    index += 1;
                }
                values
            }

            /// What memory holds before it is written.
            pub const DIRT: $element = made(0x5a5a_5a5a, 0);

            /// The input.
            pub static INPUT: [$element; SAMPLES] = generate(1, 0);

            impl Sample for $element {
                fn bytes(self) -> impl Iterator<Item = u8> {
                    self.to_le_bytes().into_iter()
                }
            }
        }
    };
}
element!(i32, q31, |value, shift| value >> shift);
element!(i16, q15, |value, shift| ((value >> 16) as i16) >> shift);
element!(i8, q7, |value, shift| ((value >> 24) as i8) >> shift);
element!(f32, float, |value, shift| ((value >> 16) >> shift) as f32
    / 32_768.0);
