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

    /// `sums` with `count` weights from number `start` on, those that there are. A compiler that evaluates constants counts
    /// steps, hence the slices and no branch for the sign.
    const fn add_to(&self, mut sums: Sums, start: usize, count: usize) -> Sums {
        match self {
            Self::Bytes(bytes) => {
                let Some((_, tail)) = bytes.split_at_checked(start) else {
                    return sums;
                };
                let Some((mut rest, _)) = tail.split_at_checked(count) else {
                    return sums;
                };
                while let [weight, tail @ ..] = rest {
                    sums = sums.with(*weight as i64);
                    rest = tail;
                }
            }
            Self::Nibbles(weights) => {
                let mut index = start;
                while index < start + count && index / 2 < weights.bytes.len() {
                    sums = sums.with(nibble(weights.bytes[index / 2], index) as i64);
                    index += 1;
                }
            }
        }
        sums
    }
}

/// Sum and sum of magnitudes of the weights that meet in one output.
#[derive(Clone, Copy)]
struct Sums {
    sum: i64,
    magnitude: i64,
}

impl Sums {
    const ZERO: Self = Self {
        sum: 0,
        magnitude: 0,
    };

    #[inline]
    const fn with(self, weight: i64) -> Self {
        let sign = weight >> 63;
        Self {
            sum: self.sum + weight,
            magnitude: self.magnitude + ((weight ^ sign) - sign),
        }
    }
}

/// What the weights of a layer add up to, for each channel.
pub(super) struct LayerSums<const CO: usize> {
    /// `−zero_point·Σweight`, of a transposed layer 0.
    pub(super) corrections: [i32; CO],
    /// `Σweight`, of a transposed layer 0.
    pub(super) weights: [i64; CO],
    /// A bound of the magnitude of every accumulator.
    pub(super) greatest: [u64; CO],
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
        let mut sums = Sums::ZERO;
        let [mut ky, first_column] = first;
        let [row_step, column_step] = step;
        while ky < rows.kernel {
            let mut kx = first_column;
            while kx < columns.kernel {
                let tap = ky * columns.kernel + kx;
                let start = channel * per_channel + tap * per_tap;
                sums = self.stored.add_to(sums, start, together);
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

    /// The phase of a channel with the greatest sum of magnitudes: of a direct layer its only one.
    const fn greatest(&self, channel: usize, channels: usize) -> Sums {
        let [rows, columns] = self.axes;
        let step = self.phase_steps();
        let [row_step, column_step] = step;
        let mut greatest = Sums::ZERO;
        let mut y = 0;
        while y < row_step && y < rows.kernel {
            let mut x = 0;
            while x < column_step && x < columns.kernel {
                let sums = self.sums(channel, channels, [y, x], step);
                if sums.magnitude >= greatest.magnitude {
                    greatest = sums;
                }
                x += 1;
            }
            y += 1;
        }
        greatest
    }

    /// `−zero_point·Σweight` of a channel, of a transposed layer 0, and a bound of its accumulators' magnitude.
    pub(super) const fn of_channel(
        &self,
        channel: usize,
        channels: usize,
        zero_point: i32,
        reach: u64,
        bias: u64,
    ) -> (i64, u64) {
        let Sums { sum, magnitude } = self.greatest(channel, channels);
        let correction = match self.is_transposed() {
            true => 0,
            false => -(zero_point as i64) * sum,
        };
        (correction, magnitude as u64 * reach + bias)
    }

    /// Its sum of magnitudes.
    pub(super) const fn magnitude(&self, channel: usize, channels: usize) -> u64 {
        self.greatest(channel, channels).magnitude as u64
    }

    /// What a layer's weights add up to, with the proof that no accumulator overflows.
    pub(super) const fn prepared<T: Activation, const CO: usize>(
        &self,
        quantisation: &Quantisation,
        bias: [i64; CO],
        greatest: u64,
    ) -> Result<LayerSums<CO>, Error> {
        attempt!(check_input::<T>(quantisation));
        attempt!(check_clamp(quantisation));
        let zero_point = quantisation.input_zero_point;
        let reach = reach::<T>(zero_point);
        let mut corrections = [0; CO];
        let mut weights = [0; CO];
        let mut magnitudes = [0; CO];
        let mut channel = 0;
        while channel < CO {
            let Sums { sum, magnitude } = self.greatest(channel, CO);
            let magnitude = magnitude as u64;
            attempt!(check_sum(
                channel,
                magnitude,
                reach,
                bias[channel],
                greatest
            ));
            magnitudes[channel] = magnitude * reach + bias[channel].unsigned_abs();
            if !self.is_transposed() {
                let correction = -(zero_point as i64) * sum;
                // |zero point| ≤ reach, so that only 64-bit accumulators leave anything to check.
                if correction < i32::MIN as i64 || correction > i32::MAX as i64 {
                    return Err(Error::WeightSum {
                        sum: magnitude,
                        limit: i32::MAX as u64 / zero_point.unsigned_abs() as u64,
                    });
                }
                corrections[channel] = correction as i32;
                weights[channel] = sum;
            }
            channel += 1;
        }
        Ok(LayerSums {
            corrections,
            weights,
            greatest: magnitudes,
        })
    }
}
