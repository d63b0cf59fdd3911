//! Quantised plans: what the input's zero point takes off the sums, and the step from sums to quantised outputs.
//!
//! The register blocks multiply plain inputs by plain weights. Their sums exceed those of the layer by
//! `zero_point·Σweight` over the taps that an output met. That is the same for all outputs that share a tap list: it is taken off once for each run of
//! them. Padded taps are on no list, so they contribute exactly 0, and the phases of a transposed plan are lists like
//! any other.

use core::marker::PhantomData;
use std::collections::BTreeMap;

use conv_core::finish::{Channels, Finish, Raw};
use conv_core::quantised::{check_scales, reach};
use conv_core::{Buffer, Dimension};

use crate::element::{Number, Operand};
use crate::error::{Error, allocate};
use crate::kernels::{LANES, Taps};
use crate::layout::{Rank, Spatial};
use crate::pack::{Block, Packed};
use crate::plan::{Builder, Map};

pub use conv_core::quantised::{Activation, Int4, Quantisation};
pub use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway, float_scale, real_scale, real_scales,
};

/// The finishing step of a quantised plan: `clamp(round(sum · scale) + output_zero_point, low, high)` as a `U`. Made by
/// [`Builder::quantised`].
#[derive(Clone, Debug)]
pub struct Requantise<R: Rounding, U> {
    scales: Vec<R::Scale>,
    quantisation: Quantisation,
    output: PhantomData<fn() -> U>,
}

impl<R, U> Finish for Requantise<R, U>
where
    R: Rounding,
    U: Activation,
{
    type Accumulator = R::Accumulator;
    type Output = U;
    const CHANNELS: Channels = Channels::AtRunTime;

    #[inline]
    fn finish(&self, channel: usize, sum: R::Accumulator) -> U {
        // Their number is checked by `build`: one for each channel, or one for all.
        let scale = self.scales[channel.min(self.scales.len() - 1)];
        self.quantisation.requantise::<R, U>(sum, scale)
    }
}

/// What a builder knows of a quantised plan's input.
pub(crate) struct ZeroPoint<T> {
    value: T,
    /// Largest `|input − zero point|`.
    reach: u128,
    /// How many scales were given.
    scales: usize,
    /// Whether zero points and clamp are values of their types, and scales numbers of at least 0.
    checked: Result<(), conv_core::Error>,
}

impl<'w, O, T, A, const D: usize> Builder<'w, O, T, i8, A, Raw<A>, D>
where
    Rank<D>: Spatial,
    T: Activation,
    A: Number,
{
    /// Makes the plan a quantised layer, with the arithmetic of [`conv_core::quantised`]:
    ///
    /// ```text
    /// sum[c]  = Σ (input − input_zero_point) · weight + bias[c]           padded taps contribute exactly 0
    /// output  = clamp(round(sum[c] · scale[c]) + output_zero_point, low, high)
    /// ```
    ///
    /// `R` says how it rounds, `scales` has a value for each output channel or one for all, and outputs are `U`.
    /// Inputs are `i8`, `u8` or `i16`, weights `i8`; unpack 4-bit ones with
    /// [`Int4`](conv_core::quantised::Int4). Settings are checked by [`build`](Self::build).
    ///
    /// ```
    /// use conv_std::ndarray::Array4;
    /// use conv_std::quantised::{Double, Multiplier, Quantisation};
    /// use conv_std::{Conv2d, Layout};
    ///
    /// // From 2 channels to 4 by 3×3 taps; scales of input, weights and output: 0.02, 0.01 and 0.05.
    /// let kernel = Array4::<i8>::ones((4, 3, 3, 2));
    /// let scale = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();
    /// let plan = Conv2d::new(kernel.view())
    ///     .layout(Layout::Nhwc)
    ///     .pad(1)
    ///     .bias(&[100; 4])
    ///     .quantised::<Double, i8>(&[scale], Quantisation::new(-128, 3))
    ///     .build()?;
    /// let image = Array4::<i8>::from_elem((1, 8, 8, 2), -28);
    /// let features = plan.run(image.view())?;
    /// assert_eq!(features[[0, 4, 4, 0]], 11); // (18·100 + 100)·0.004 + 3, rounded
    /// assert_eq!(features[[0, 0, 0, 0]], 7); // 8 taps in the corner: (8·100 + 100)·0.004 + 3
    /// # Ok::<(), conv_std::Error>(())
    /// ```
    pub fn quantised<R, U>(
        self,
        scales: &[R::Scale],
        quantisation: Quantisation,
    ) -> Builder<'w, O, T, i8, A, Requantise<R, U>, D>
    where
        R: Rounding<Accumulator = A>,
        R::Scale: Send + Sync,
        U: Activation + Number,
    {
        let zero_point = ZeroPoint {
            value: T::saturated(quantisation.input_zero_point),
            reach: reach::<T>(quantisation.input_zero_point).into(),
            scales: scales.len(),
            checked: quantisation
                .check::<T, U>()
                .and_then(|()| check_scales::<R>(scales)),
        };
        let finish = Requantise {
            scales: scales.to_vec(),
            quantisation,
            output: PhantomData,
        };
        self.with_finish(finish, Some(zero_point))
    }
}

impl<T> ZeroPoint<T> {
    /// Checks the layer's values, and that no weights and biases overflow the accumulator.
    ///
    /// # Errors
    ///
    /// [`conv_core::Error`]: `Quantisation`, `Clamp`, `ChannelScale`, `Extent` of the scales, `WeightSum`, `Bias`.
    pub(crate) fn check<W: Number, A: Number, const D: usize>(
        &self,
        map: &Map<D>,
        transposed: bool,
        packed: &Packed<W>,
        bias: Option<&[A]>,
    ) -> Result<(), conv_core::Error> {
        self.checked?;
        let channels = packed.channels.groups * packed.channels.sinks;
        if self.scales != 1 && self.scales != channels {
            return Err(conv_core::Error::Extent {
                buffer: Buffer::Scales,
                dimension: Dimension::Channels,
                expected: channels,
                found: self.scales,
            });
        }
        let Some(greatest) = A::LIMIT else {
            return Ok(());
        };
        let (meeting, count) = meeting(map, transposed);
        let narrow = |sum: u128| u64::try_from(sum).unwrap_or(u64::MAX);
        let is_negative = |bias: A| bias.clamped(A::ZERO, A::GREATEST) != bias;
        let wide = |bias: A| {
            let magnitude = narrow(bias.magnitude());
            match is_negative(bias) {
                true => 0_i64.saturating_sub_unsigned(magnitude),
                false => 0_i64.saturating_add_unsigned(magnitude),
            }
        };
        for channel in 0..channels {
            let mut sums = vec![0_u128; count];
            for (tap, class) in meeting.iter().enumerate() {
                for source in 0..packed.channels.sources {
                    sums[*class] += packed.get(channel, source, tap).magnitude();
                }
            }
            let sum = sums.into_iter().max().unwrap_or(0);
            let Some(room) = greatest.checked_sub(sum.saturating_mul(self.reach)) else {
                return Err(conv_core::Error::WeightSum {
                    sum: narrow(sum),
                    limit: narrow(greatest / self.reach),
                });
            };
            // A sum below 0 may be one further away from it.
            let bias = bias.map_or(A::ZERO, |bias| bias[channel]);
            let limit = room + u128::from(is_negative(bias));
            if bias.magnitude() > limit {
                return Err(conv_core::Error::Bias {
                    channel,
                    found: wide(bias),
                    limit: narrow(limit),
                });
            }
        }
        Ok(())
    }
}

/// For each tap, which others meet it in an output, as the number of their class; and how many classes there are. Of a
/// transposed map those that leave the same remainder by the stride along every axis, of a direct one all.
fn meeting<const D: usize>(map: &Map<D>, transposed: bool) -> (Vec<usize>, usize) {
    if !transposed {
        return (vec![0; map.taps()], 1);
    }
    let mut classes = BTreeMap::new();
    let class = |tap: usize| {
        let mut rest = tap;
        let mut remainders = [0; D];
        for d in (0..D).rev() {
            let (kernel, window) = (map.kernel[d], map.windows[d]);
            // Checked to fit: kernel and dilation are those of a legal axis.
            remainders[d] = rest % kernel * window.dilation % window.stride;
            rest /= kernel;
        }
        let next = classes.len();
        *classes.entry(remainders).or_insert(next)
    };
    let of_taps = (0..map.taps()).map(class).collect();
    (of_taps, classes.len())
}

/// What inputs at the zero point add to the sums: `zero_point·Σweight` of each tap, `[tap][output channel]`.
#[derive(Debug)]
pub(crate) struct Shares<A> {
    values: Vec<A>,
    channels: usize,
}

impl<A: Number> Shares<A> {
    /// `None` where the zero point is 0.
    ///
    /// # Errors
    ///
    /// [`Error::Allocation`].
    pub(crate) fn new<T: Operand<W, A>, W: Number>(
        zero_point: &ZeroPoint<T>,
        packed: &Packed<W>,
    ) -> Result<Option<Self>, Error> {
        if zero_point.value == T::ZERO {
            return Ok(None);
        }
        let channels = packed.channels.groups * packed.channels.sinks;
        // No more than there are weights, whose number is known to fit.
        let mut values = allocate(Buffer::Kernel, packed.taps * channels, A::ZERO)?;
        for (index, value) in values.iter_mut().enumerate() {
            let (tap, channel) = (index / channels, index % channels);
            for source in 0..packed.channels.sources {
                let weight = packed.get(channel, source, tap);
                *value = T::multiply_add(*value, zero_point.value, weight);
            }
        }
        Ok(Some(Self { values, channels }))
    }

    /// The share in the sums of a block's channels after these taps, whose rows of weights are `rows` apart.
    pub(crate) fn of(&self, taps: &Taps, rows: usize, block: &Block) -> [A; LANES] {
        let mut sums = [A::ZERO; LANES];
        for tap in taps.iter() {
            let start = tap.row / rows * self.channels + block.first;
            let values = &self.values[start..][..block.count];
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = sum.plus(*value);
            }
        }
        sums
    }
}
