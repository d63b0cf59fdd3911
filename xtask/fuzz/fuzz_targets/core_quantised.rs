//! Quantised layers of any small shape in every contract against the oracle; and layers of absurd zero points, clamps,
//! scales and biases, which are an error that leaves the output, or run.
#![no_main]

#[path = "../../../crates/conv-core/tests/quantised/small.rs"]
#[allow(dead_code)]
mod small;

use conv_core::add::{Affine, QuantAdd};
use conv_core::quantised::{Accumulate, Activation, QuantOperation, Quantisation, Requantisation};
use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway,
};
use conv_core::{Axis, Geometry};
use conv_fuzz::{Choices, multiplier, scale};
use conv_vectors::guard::Dirt;
use conv_vectors::oracle::{layers, requantise};
use conv_vectors::random::{Draw, Lcg};
use libfuzzer_sys::fuzz_target;

use small::{Expected, Settings, Small, Weights};

fuzz_target!(|bytes: &[u8]| {
    let choices = &mut Choices::new(bytes);
    match choices.below(12) {
        0 => absurd(choices),
        1 => added(choices),
        contract => {
            let Some(layer) = Small::chosen(&mut |limit| choices.below(limit)) else {
                return;
            };
            match contract {
                2 => run::<i8, Double>(&layer, choices, small::double, multiplier),
                3 => run::<u8, Single>(&layer, choices, small::single, multiplier),
                4 => run::<i16, Double>(&layer, choices, small::double, multiplier),
                5 => run::<i16, Wide>(&layer, choices, small::wide, multiplier),
                6 => run::<i8, Single>(&layer, choices, small::single, multiplier),
                7 => run::<i8, HalfAway>(&layer, choices, small::half_away, real),
                8 => run::<i16, WideHalfAway>(&layer, choices, small::half_away, real),
                9 => run::<i8, FloatHalfEven>(&layer, choices, small::float_half_even, scale),
                10 => run::<i16, WideDouble>(&layer, choices, small::wide_double, multiplier),
                _ => run::<i8, HalfEven>(&layer, choices, small::half_even, scale),
            }
        }
    }
});

fn real(random: &mut Lcg) -> f64 {
    scale(random).into()
}

fn run<T, R>(
    layer: &Small,
    choices: &mut Choices<'_>,
    expected: Expected<R::Scale>,
    scale: fn(&mut Lcg) -> R::Scale,
) where
    T: Activation + Draw + Dirt,
    R: Rounding,
    R::Accumulator: Accumulate,
{
    let seed = choices.integer() as u32;
    // Of `i16` the zero point is 0: with another, a sum can leave 32 bits.
    let span = if T::GREATEST > 255 { 1 } else { 256 };
    let mut value = || (choices.below(span) as i32 + T::LEAST.max(-128)).max(-128);
    let (input, output) = match span {
        1 => (0, 0),
        _ => (value(), value()),
    };
    let mut bounds = [choices.integer(), choices.integer()]
        .map(|bound| bound.rem_euclid(T::GREATEST - T::LEAST + 1) + T::LEAST);
    bounds.sort_unstable();
    let mut quantisation = Quantisation::new(input, output);
    if choices.below(2) == 0 {
        quantisation = quantisation.with_clamp(bounds[0], bounds[1]);
    }
    let narrow = choices.below(20);
    let bias = |channel: usize| {
        let word: i32 = Lcg::new(seed.wrapping_add(channel as u32)).draw();
        R::Accumulator::from(word >> (2 + narrow))
    };
    let scale = |channel: usize| {
        scale(&mut Lcg::new(
            seed.wrapping_mul(31).wrapping_add(channel as u32),
        ))
    };
    let settings = Settings::<R> {
        weights: choices.of(&[Weights::Bytes, Weights::Nibbles]),
        quantisation,
        bias: (choices.below(3) > 0).then_some(&bias),
        scale: &scale,
        expected,
    };
    layer.check::<T, R>(&mut choices.data(), &settings);
}

/// Any zero point, clamp, bias and scale: an error that leaves the output, or a value within the clamp.
fn absurd(choices: &mut Choices<'_>) {
    let geometry = Geometry::direct([Axis::new(2)], [3], 2, 2, 1).expect("legal");
    let quantisation = Quantisation::new(
        choices.integer() >> choices.below(32),
        choices.integer() >> choices.below(32),
    )
    .with_clamp(
        choices.integer() >> choices.below(32),
        choices.integer() >> choices.below(32),
    );
    let mut random = choices.data();
    let (mut input, mut kernel) = ([0_i8; 6], [0_i8; 8]);
    random.fill(&mut input);
    random.fill(&mut kernel);
    let bias = [choices.integer(), choices.integer() >> 16];
    let bias = match choices.below(4) {
        0 => None,
        1 => Some(&bias[..1]),
        _ => Some(&bias[..]),
    };
    let mut multiplier = || Multiplier {
        multiplier: choices.integer(),
        shift: choices.integer() >> choices.below(32),
    };
    let scales = [multiplier(), multiplier()];
    let floats = [choices.float(), choices.float()];
    let run = |answer: &mut dyn FnMut(&mut [i8]) -> Result<(), conv_core::Error>| {
        let mut output = [77_i8; 4];
        match answer(&mut output) {
            Ok(()) => {
                let (low, high) = (quantisation.low, quantisation.high);
                assert!(low <= high, "{quantisation:?} ran");
                assert!(
                    output
                        .iter()
                        .all(|&value| (low..=high).contains(&value.into()))
                );
            }
            Err(error) => assert!(!error.to_string().is_empty() && output == [77; 4]),
        }
    };
    macro_rules! contract {
        ($rounding:ty, $scales:expr) => {
            run(&mut |output| {
                let requantisation = Requantisation::<$rounding> {
                    bias,
                    scales: $scales,
                    quantisation,
                };
                geometry.quantised(
                    QuantOperation::Conv,
                    &input,
                    kernel.as_slice(),
                    output,
                    &requantisation,
                )
            })
        };
    }
    contract!(Double, &scales);
    contract!(Single, &scales);
    contract!(HalfEven, &floats);
    let wide: Option<Vec<i64>> =
        bias.map(|bias| bias.iter().map(|&b| i64::from(b) << 20).collect());
    run(&mut |output| {
        let requantisation = Requantisation::<Wide> {
            bias: wide.as_deref(),
            scales: &scales,
            quantisation,
        };
        geometry.quantised(
            QuantOperation::Conv,
            &input,
            kernel.as_slice(),
            output,
            &requantisation,
        )
    });
    for float in floats {
        let scale = f64::from(float);
        let found = Multiplier::from_scale(scale).map(|m| (m.multiplier, m.shift));
        assert_eq!(found, requantise::multiplier_and_shift(scale), "{scale:e}");
    }
}

/// Residual sums of any scales: an error, or what the oracle says.
fn added(choices: &mut Choices<'_>) {
    let mut affine = || Affine {
        scale: match choices.below(3) {
            0 => choices.float(),
            _ => (1 + choices.below(1000)) as f32 / 1000.0,
        },
        zero_point: match choices.below(3) {
            0 => choices.integer(),
            _ => choices.below(256) as i32 - 128,
        },
    };
    let (left, right, output) = (affine(), affine(), affine());
    let Ok(add) = QuantAdd::<i8>::try_new(left, right, output) else {
        return;
    };
    let mut random = choices.data();
    let (mut a, mut b, mut sum) = ([0_i8; 8], [0_i8; 8], [0_i8; 8]);
    random.fill(&mut a);
    random.fill(&mut b);
    add.run_slices(&a, &b, &mut sum).expect("equal lengths");
    let greater = f64::from(left.scale.max(right.scale));
    if greater / f64::from(output.scale) > 4096.0 {
        // The sum leaves 32 bits, which the oracle does not have.
        return;
    }
    let seen = |affine: Affine| layers::Affine {
        scale: affine.scale,
        zero_point: affine.zero_point,
    };
    for ((&a, &b), &found) in a.iter().zip(&b).zip(&sum) {
        let inputs = [(a.into(), seen(left)), (b.into(), seen(right))];
        let expected = layers::add(inputs[0], inputs[1], seen(output), 20).clamp(-128, 127);
        assert_eq!(
            i128::from(found),
            expected,
            "{a} + {b}: {left:?} {right:?} {output:?}"
        );
    }
}
