//! Quantised layers: everything of one but its shape, and the comparison with the oracle.

use std::fmt::Debug;

use conv_std::quantised::{
    Activation, Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Quantisation, Rounding,
    Single, Wide, WideDouble, WideHalfAway,
};
use conv_std::{Boundary, Error, Number, Operand, Rank, Spatial};
use conv_vectors::anchors;
use conv_vectors::guard::Dirt;
use conv_vectors::oracle::{Outputs, requantise};
use conv_vectors::random::Draw;

use super::{Exact, Setting, conv, conv_transpose, levels};

/// A rounding contract as the oracle has it.
pub trait Contract:
    Rounding<Accumulator: Number + Exact<In = i128>, Scale: Send + Sync> + Debug
{
    /// What an output is, of a sum with its bias, a scale, the output's zero point and the clamp.
    fn expected(sum: i128, scale: Self::Scale, zero_point: i32, clamp: (i32, i32)) -> i32;
}

macro_rules! contracts {
    ($($contract:ident: $function:ident),*) => {$(
        impl Contract for $contract {
            fn expected(sum: i128, scale: Multiplier, zero_point: i32, clamp: (i32, i32)) -> i32 {
                let rounded = requantise::$function(sum, scale.multiplier, scale.shift);
                requantise::output(rounded, zero_point, clamp)
            }
        }
    )*};
}
contracts!(Double: double, Single: single, Wide: wide, WideDouble: wide_double);

impl Contract for FloatHalfEven {
    fn expected(sum: i128, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
        requantise::float_half_even(sum as i32, scale, zero_point, clamp)
    }
}

impl Contract for HalfEven {
    fn expected(sum: i128, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
        requantise::half_even(sum as i32, scale, zero_point, clamp)
    }
}

macro_rules! half_away {
    ($($contract:ident),*) => {$(
        impl Contract for $contract {
            fn expected(sum: i128, scale: f64, zero_point: i32, clamp: (i32, i32)) -> i32 {
                requantise::half_away(sum, scale, zero_point, clamp)
            }
        }
    )*};
}
half_away!(HalfAway, WideHalfAway);

/// Everything of a quantised layer but its shape and data.
#[derive(Clone, Debug)]
pub struct Layer<R: Contract> {
    pub quantisation: Quantisation,
    /// For each channel, the first where there are more.
    pub bias: Option<Vec<R::Accumulator>>,
    /// For each channel, the first where there are more, or one for all.
    pub scales: Vec<R::Scale>,
    /// Whether the weights are of 4 bits.
    pub narrow: bool,
}

/// Multiplier and shift of a channel, as the anchors have them.
pub fn anchor_scale(channel: usize) -> Multiplier {
    let (multiplier, shift) = (anchors::multiplier(channel), anchors::shift(channel));
    Multiplier { multiplier, shift }
}

/// Inputs and outputs of quantised layers.
pub trait Quantised: Activation + Number + Draw + Dirt + Exact<In = i128> {}
impl<T: Activation + Number + Draw + Dirt + Exact<In = i128>> Quantised for T {}

impl<R: Contract> Layer<R> {
    fn bias(&self, channels: usize) -> Option<&[R::Accumulator]> {
        self.bias.as_ref().map(|bias| &bias[..channels])
    }

    fn scales(&self, channels: usize) -> &[R::Scale] {
        match self.scales.len() {
            1 => &self.scales,
            _ => &self.scales[..channels],
        }
    }

    /// Whether a sum over all of these weights and a bias could leave 32 bits: where it could not, neither can the sum
    /// of one output.
    fn could_overflow<T: Activation>(&self, weights: &[i8]) -> bool {
        let zero_point = i128::from(self.quantisation.input_zero_point);
        let reach = (i128::from(T::GREATEST) - zero_point).max(zero_point - i128::from(T::LEAST));
        let magnitudes = weights.iter().map(|weight| weight.exact().abs());
        let biases = self.bias.iter().flatten().map(|bias| bias.exact().abs());
        magnitudes.sum::<i128>() * reach + biases.max().unwrap_or(0) > i32::MAX.into()
    }

    /// The layer's outputs for these sums of products.
    fn expected<U: Activation, const D: usize>(
        &self,
        setting: &Setting<D>,
        sums: &Outputs<i128>,
    ) -> Vec<i32> {
        let quantisation = &self.quantisation;
        let clamp = (
            quantisation.low.max(U::LEAST),
            quantisation.high.min(U::GREATEST),
        );
        let scales = self.scales(sums.channels);
        let finish = |channel: usize, sum: i128| {
            let bias = self
                .bias(sums.channels)
                .map_or(0, |bias| bias[channel].exact());
            let scale = scales[channel.min(scales.len() - 1)];
            R::expected(sum + bias, scale, quantisation.output_zero_point, clamp)
        };
        // Where each channel's outputs stand in the setting's layout.
        let index = setting.index(sums.channels, &sums.extents);
        let mut channels = vec![0; sums.sums().len()];
        let mut at = vec![0; sums.extents.len()];
        for image in 0..setting.batch {
            for channel in 0..sums.channels {
                loop {
                    channels[index(image, channel, &at)] = channel;
                    let Some(d) = (0..at.len()).rev().find(|&d| at[d] + 1 < sums.extents[d]) else {
                        break;
                    };
                    at[d] += 1;
                    at[d + 1..].fill(0);
                }
                at.fill(0);
            }
        }
        let arranged = sums.arranged(index);
        (arranged.iter().zip(channels))
            .map(|(sum, channel)| finish(channel, sum.value()))
            .collect()
    }
}

/// A value less the zero point, for the oracle.
#[derive(Clone, Copy)]
struct Less(i128);

impl Exact for Less {
    type In = i128;
    fn exact(self) -> i128 {
        self.0
    }
}

fn less<T: Exact<In = i128>>(values: &[T], zero_point: i32) -> Vec<Less> {
    let zero_point = i128::from(zero_point);
    let difference = |value: &T| Less(value.exact() - zero_point);
    values.iter().map(difference).collect()
}

fn compare<U: Activation>(context: &dyn Debug, found: &[U], expected: &[i32]) {
    assert_eq!(found.len(), expected.len(), "{context:?}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let found: i32 = (*found).into();
        assert_eq!(found, *expected, "{context:?} at {place}");
    }
}

/// A quantised plan, direct and transposed, at every level and between guards against the oracle.
pub fn check_quantised<T, U, R, const D: usize>(setting: &Setting<D>, layer: &Layer<R>)
where
    Rank<D>: Spatial,
    T: Quantised + Operand<i8, R::Accumulator>,
    U: Quantised,
    R: Contract,
{
    let mut weights = setting.weight_array::<i8>();
    if layer.narrow {
        weights.mapv_inplace(|weight| weight >> 4);
    }
    let zero_point = layer.quantisation.input_zero_point;
    let of_weights = weights.as_slice().unwrap();
    let context = (setting, layer);

    let x = setting.x::<T>();
    let Some(sums) = setting.direct(&less(&x, zero_point), of_weights) else {
        return;
    };
    macro_rules! run {
        ($builder:expr, $input:expr, $extents:expr, $sums:expr) => {{
            let sums = $sums;
            let quantised =
                $builder.quantised::<R, U>(layer.scales(sums.channels), layer.quantisation);
            if let Err(Error::Geometry(conv_core::Error::WeightSum { .. })) = quantised.build() {
                assert!(layer.could_overflow::<T>(of_weights), "{context:?}");
                return;
            }
            let found = levels::<U>(sums.sums().len(), &context, |level, output| {
                let mut builder = $builder.simd(level);
                if let Some(bias) = layer.bias(sums.channels) {
                    builder = builder.bias(bias);
                }
                let scales = layer.scales(sums.channels);
                let plan = builder
                    .quantised::<R, U>(scales, layer.quantisation)
                    .build();
                let plan = plan.unwrap_or_else(|error| panic!("{context:?}: {error}"));
                plan.run_slice($input, setting.batch, $extents, output)
                    .unwrap_or_else(|error| panic!("{context:?}: {error}"));
            });
            compare(&context, &found, &layer.expected::<U, D>(setting, &sums));
        }};
    }
    run!(
        conv::<T, i8, R::Accumulator, D>(setting, &weights),
        &x,
        setting.extents(),
        sums
    );

    // The transposed operation knows no other boundary.
    let setting = &Setting {
        boundary: Boundary::Zero,
        ..setting.clone()
    };
    let extents = setting.output_extents().unwrap();
    let y = setting.y::<T>(extents);
    let sums = setting.transposed(&less(&y, zero_point), of_weights);
    run!(
        conv_transpose::<T, i8, R::Accumulator, D>(setting, &weights)
            .output_size(setting.extents()),
        &y,
        extents,
        sums.unwrap()
    );
}
