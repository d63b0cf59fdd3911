//! What a typed layer's constructor computes, at compile time: the input zero point's share of the sums, and the proof
//! that no accumulator overflows.

use crate::axis::{Window, attempt};
use crate::error::Error;
use crate::quantised::{
    Activation, Int4, QuantOperation, Quantisation, check_clamp, check_input, check_sum, nibble,
    reach,
};

/// Weights in a constant: there, traits cannot be called.
#[derive(Clone, Copy)]
pub(super) enum Stored<'a> {
    Bytes(&'a [i8]),
    Nibbles(Int4<'a>),
}

impl Stored<'_> {
    const fn count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Nibbles(weights) => weights.count,
        }
    }

    const fn get(&self, index: usize) -> i8 {
        match self {
            Self::Bytes(bytes) => bytes[index],
            Self::Nibbles(weights) => nibble(weights.bytes[index / 2], index),
        }
    }
}

/// Sum and sum of magnitudes of the weights that meet in one output.
#[derive(Clone, Copy)]
struct Sums {
    sum: i64,
    magnitude: u64,
}

/// A layer's weights, and what says which of them meet in one output.
pub(super) struct Weights<'a> {
    pub(super) stored: Stored<'a>,
    pub(super) operation: QuantOperation,
    /// Taps along rows and columns.
    pub(super) extents: [usize; 2],
    pub(super) windows: [Window; 2],
}

impl Weights<'_> {
    /// Distances between the weights of one output channel of `channels`, those of one tap and the number of
    /// weights that lie side by side. 0 where a kernel has no taps or no channels, which no map allows.
    const fn strides(&self, channels: usize) -> (usize, usize, usize) {
        let taps = self.extents[0] * self.extents[1];
        if taps == 0 || channels == 0 {
            return (0, 0, 0);
        }
        let of_tap = self.stored.count() / taps;
        let together = of_tap / channels;
        match self.operation {
            // H W O: of a transposed layer, the channels of one group side by side.
            QuantOperation::Depthwise | QuantOperation::DepthwiseTranspose => {
                (together, of_tap, together)
            }
            QuantOperation::Conv | QuantOperation::ConvTranspose => {
                (together * taps, together, together)
            }
        }
    }

    /// Over the taps `(ky, kx)` whose offsets leave the remainders `phase` by the strides.
    const fn sums(&self, channel: usize, channels: usize, phase: [usize; 2]) -> Sums {
        let (per_channel, per_tap, together) = self.strides(channels);
        let [rows, columns] = self.windows;
        let mut sums = Sums {
            sum: 0,
            magnitude: 0,
        };
        let mut ky = 0;
        while ky < self.extents[0] {
            let mut kx = 0;
            while kx < self.extents[1] {
                if self.is_in_phase(ky, rows, phase[0]) && self.is_in_phase(kx, columns, phase[1]) {
                    let tap = ky * self.extents[1] + kx;
                    let start = channel * per_channel + tap * per_tap;
                    let mut index = start;
                    while index < start + together {
                        let weight = self.stored.get(index) as i64;
                        sums.sum += weight;
                        sums.magnitude += weight.unsigned_abs();
                        index += 1;
                    }
                }
                kx += 1;
            }
            ky += 1;
        }
        sums
    }

    const fn is_transposed(&self) -> bool {
        matches!(
            self.operation,
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose
        )
    }

    /// All taps of a direct layer meet in every output, of a transposed one those whose offsets `tap·dilation` leave
    /// the same remainder by the stride.
    const fn is_in_phase(&self, tap: usize, window: Window, phase: usize) -> bool {
        !self.is_transposed() || tap.wrapping_mul(window.dilation) % window.stride == phase
    }

    /// The greatest sum of magnitudes over the phases of a channel.
    const fn magnitude(&self, channel: usize, channels: usize) -> u64 {
        if !self.is_transposed() {
            return self.sums(channel, channels, [0, 0]).magnitude;
        }
        let mut greatest = 0;
        let mut y = 0;
        while y < self.windows[0].stride {
            let mut x = 0;
            while x < self.windows[1].stride {
                let Sums { magnitude, .. } = self.sums(channel, channels, [y, x]);
                if magnitude > greatest {
                    greatest = magnitude;
                }
                x += 1;
            }
            y += 1;
        }
        greatest
    }

    /// `−zero_point·Σweight` of each channel, of a transposed layer 0, with the proof that no accumulator overflows.
    pub(super) const fn prepared<T: Activation, const CO: usize>(
        &self,
        quantisation: &Quantisation,
        bias: [u64; CO],
        greatest: u64,
    ) -> Result<[i32; CO], Error> {
        attempt!(check_input::<T>(quantisation));
        attempt!(check_clamp(quantisation));
        let zero_point = quantisation.input_zero_point;
        let reach = reach::<T>(zero_point);
        let mut corrections = [0; CO];
        let mut channel = 0;
        while channel < CO {
            let magnitude = self.magnitude(channel, CO);
            attempt!(check_sum(magnitude, reach, bias[channel], greatest));
            if !self.is_transposed() {
                let Sums { sum, .. } = self.sums(channel, CO, [0, 0]);
                let correction = -(zero_point as i64) * sum;
                // |zero point| ≤ reach, so that only 64-bit accumulators leave anything to check.
                if correction < i32::MIN as i64 || correction > i32::MAX as i64 {
                    return Err(Error::WeightSum {
                        sum: magnitude,
                        limit: i32::MAX as u64 / zero_point.unsigned_abs() as u64,
                    });
                }
                corrections[channel] = correction as i32;
            }
            channel += 1;
        }
        Ok(corrections)
    }
}
