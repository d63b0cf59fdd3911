//! Which weights of a layer meet in one output, for the proof that no accumulator overflows, and what the input's zero point
//! adds to their sum: at compile time of typed layers, at run time where a bound by their number is not enough.

use crate::axis::{Axis, attempt};
use crate::error::Error;
use crate::quantised::{
    Activation, Int4, QuantOperation, Quantisation, check_clamp, check_input, check_sum, nibble,
    reach,
};

/// Weights in a constant: there, traits cannot be called.
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// One to a byte.
    Bytes(&'a [i8]),
    /// Two to a byte.
    Nibbles(Int4<'a>),
}

impl Stored<'_> {
    const fn count(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Nibbles(weights) => weights.count,
        }
    }

    /// The weight number `index`, 0 where there are not so many.
    const fn get(&self, index: usize) -> i64 {
        match self {
            Self::Bytes(bytes) if index < bytes.len() => bytes[index] as i64,
            Self::Nibbles(weights) if index / 2 < weights.bytes.len() => {
                nibble(weights.bytes[index / 2], index) as i64
            }
            _ => 0,
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
    /// Of them kernel extent, stride and dilation count.
    pub(super) axes: [Axis; 2],
}

impl Weights<'_> {
    /// Distances between the weights of one output channel of `channels`, those of one tap and the number of
    /// weights that lie side by side. 0 where a kernel has no taps or no channels, which no map allows.
    const fn strides(&self, channels: usize) -> (usize, usize, usize) {
        let [rows, columns] = self.axes;
        let taps = rows.kernel * columns.kernel;
        let Some(of_tap) = self.stored.count().checked_div(taps) else {
            return (0, 0, 0);
        };
        let Some(together) = of_tap.checked_div(channels) else {
            return (0, 0, 0);
        };
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

    /// Over every `step`-th tap from `first` on, along rows and columns.
    const fn sums(
        &self,
        channel: usize,
        channels: usize,
        first: [usize; 2],
        step: [usize; 2],
    ) -> Sums {
        let (per_channel, per_tap, together) = self.strides(channels);
        let [rows, columns] = self.axes;
        let mut sums = Sums {
            sum: 0,
            magnitude: 0,
        };
        let [mut ky, first_column] = first;
        let [row_step, column_step] = step;
        while ky < rows.kernel {
            let mut kx = first_column;
            while kx < columns.kernel {
                let tap = ky * columns.kernel + kx;
                let start = channel * per_channel + tap * per_tap;
                let mut index = start;
                while index < start + together {
                    let weight = self.stored.get(index);
                    sums.sum += weight;
                    sums.magnitude += weight.unsigned_abs();
                    index += 1;
                }
                kx = kx.saturating_add(column_step);
            }
            ky = ky.saturating_add(row_step);
        }
        sums
    }

    const fn is_transposed(&self) -> bool {
        matches!(
            self.operation,
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose
        )
    }

    /// All taps meet in an output of a direct layer, in one of a transposed layer every so many: its phases are the
    /// first taps below that.
    const fn phase_steps(&self) -> [usize; 2] {
        let [rows, columns] = self.axes;
        match self.is_transposed() {
            true => [rows.phase_step(), columns.phase_step()],
            false => [1, 1],
        }
    }

    /// The greatest sum of magnitudes over the phases of a channel.
    pub(super) const fn magnitude(&self, channel: usize, channels: usize) -> u64 {
        let [rows, columns] = self.axes;
        let step = self.phase_steps();
        let [row_step, column_step] = step;
        let mut greatest = 0;
        let mut y = 0;
        while y < row_step && y < rows.kernel {
            let mut x = 0;
            while x < column_step && x < columns.kernel {
                let Sums { magnitude, .. } = self.sums(channel, channels, [y, x], step);
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
                let Sums { sum, .. } = self.sums(channel, CO, [0, 0], [1, 1]);
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
