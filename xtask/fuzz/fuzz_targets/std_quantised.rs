//! conv-std's quantised plans at every SIMD level, direct and transposed, in every contract against the oracle; and
//! plans of absurd zero points, clamps, scales and biases, which are an error, or run.
#![no_main]

#[path = "../../../crates/conv-std/tests/common/mod.rs"]
mod common;
#[path = "../src/settings.rs"]
mod settings;

use conv_fuzz::{Choices, multiplier, scale};
use conv_std::Conv2d;
use conv_std::ndarray::Array4;
use conv_std::quantised::{
    Activation, Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Quantisation, Rounding,
    Single, Wide, WideDouble, WideHalfAway,
};
use conv_std::{Number, Operand};
use conv_vectors::random::Lcg;
use libfuzzer_sys::fuzz_target;

use common::Setting;
use common::layer::{Contract, Layer, Quantised, check_quantised};
use settings::{BOUNDARIES, setting};

fuzz_target!(|bytes: &[u8]| {
    let choices = &mut Choices::new(bytes);
    match choices.below(12) {
        0 => absurd(choices),
        1 => run::<i8, i8, Double>(choices, multiplier),
        2 => run::<i8, i8, Single>(choices, multiplier),
        3 => run::<u8, u8, Single>(choices, multiplier),
        4 => run::<u8, i8, Double>(choices, multiplier),
        5 => run::<i16, i16, Double>(choices, multiplier),
        6 => run::<i16, i16, Wide>(choices, multiplier),
        7 => run::<i8, i8, HalfAway>(choices, real),
        8 => run::<i16, i16, WideHalfAway>(choices, real),
        9 => run::<i8, i8, FloatHalfEven>(choices, scale),
        10 => run::<i16, i16, WideDouble>(choices, multiplier),
        _ => run::<i8, i8, HalfEven>(choices, scale),
    }
});

fn real(random: &mut Lcg) -> f64 {
    scale(random).into()
}

/// A layer of any shape in 1 to 3 dimensions.
fn run<T, U, R>(choices: &mut Choices<'_>, scale: fn(&mut Lcg) -> R::Scale)
where
    T: Quantised + Operand<i8, R::Accumulator>,
    U: Quantised,
    R: Contract<Accumulator: From<i32>>,
{
    let layer = layer::<T, U, R>(choices, scale);
    let boundary = choices.of(&BOUNDARIES);
    macro_rules! check {
        ($dimensions:literal, $most:literal) => {{
            let setting = Setting {
                boundary,
                ..setting::<$dimensions>(choices, $most)
            };
            check_quantised::<T, U, R, $dimensions>(&setting, &layer);
        }};
    }
    match choices.below(3) {
        0 => check!(1, 40),
        1 => check!(2, 9),
        _ => check!(3, 4),
    }
}

/// Zero points, clamp, bias and scales of a layer whose sums fit.
fn layer<T, U, R>(choices: &mut Choices<'_>, scale: fn(&mut Lcg) -> R::Scale) -> Layer<R>
where
    T: Activation,
    U: Activation,
    R: Contract<Accumulator: From<i32>>,
{
    /// More than any setting has.
    const CHANNELS: usize = 100;
    let value = |choices: &mut Choices<'_>, least: i32, greatest: i32| {
        choices.integer().rem_euclid(greatest - least + 1) + least
    };
    // Of `i16` into 32 bits the zero point is small: with another, a sum could leave them.
    let span = if T::GREATEST > 255 {
        (-9, 9)
    } else {
        (T::LEAST, T::GREATEST)
    };
    let input = value(choices, span.0, span.1);
    let mut quantisation = Quantisation::new(input, value(choices, U::LEAST, U::GREATEST));
    if choices.below(2) == 0 {
        let mut bounds = [(); 2].map(|()| value(choices, U::LEAST, U::GREATEST));
        bounds.sort_unstable();
        quantisation = quantisation.with_clamp(bounds[0], bounds[1]);
    }
    let mut random = choices.data();
    let narrow = 4 + choices.below(20);
    let bias = (choices.below(3) > 0).then(|| {
        let values = (0..CHANNELS).map(|_| random.next_u32() as i32 >> narrow);
        values.map(R::Accumulator::from).collect()
    });
    let count = choices.of(&[1, CHANNELS]);
    Layer {
        quantisation,
        bias,
        scales: (0..count).map(|_| scale(&mut random)).collect(),
        narrow: choices.below(3) == 0,
    }
}

/// Any zero point, clamp, bias and scale: an error, or values within the clamp.
fn absurd(choices: &mut Choices<'_>) {
    let mut number = || choices.integer() >> choices.below(32);
    let quantisation = Quantisation::new(number(), number()).with_clamp(number(), number());
    let mut multiplier = || Multiplier {
        multiplier: number(),
        shift: number(),
    };
    let multipliers = [multiplier(), multiplier(), multiplier()];
    let bias = [number(), number()];
    let floats = [choices.float(), choices.float()];
    let (scales, biases) = (choices.below(4), choices.below(3));
    let wide = bias.map(|bias| i64::from(bias) << 20);
    attempt::<i8, Double>(quantisation, &bias[..biases], &multipliers[..scales]);
    attempt::<u8, Single>(quantisation, &bias[..biases], &multipliers[..scales]);
    attempt::<i16, Wide>(quantisation, &wide[..biases], &multipliers[..scales]);
    attempt::<i8, HalfEven>(quantisation, &bias[..biases], &floats[..scales.min(2)]);
}

fn attempt<T, R>(quantisation: Quantisation, bias: &[R::Accumulator], scales: &[R::Scale])
where
    T: Quantised + Operand<i8, R::Accumulator>,
    R: Rounding<Accumulator: Number, Scale: Send + Sync>,
{
    let kernel =
        Array4::<i8>::from_shape_fn((2, 2, 1, 2), |(o, i, _, x)| (o * 90 + i * 7 + x) as i8);
    let mut builder = Conv2d::<T, i8, R::Accumulator>::new(kernel.view());
    if !bias.is_empty() {
        builder = builder.bias(bias);
    }
    let plan = builder.quantised::<R, T>(scales, quantisation).build();
    let legal = quantisation.check::<T, T>().is_ok()
        && [0, 2].contains(&bias.len())
        && [1, 2].contains(&scales.len());
    match plan {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(plan) => {
            assert!(
                legal,
                "{quantisation:?}, {} biases, {} scales",
                bias.len(),
                scales.len()
            );
            let input = Array4::from_elem((1, 2, 2, 3), T::saturated(100));
            let output = plan.run(input.view()).expect("a legal shape");
            let clamp = quantisation.low..=quantisation.high;
            assert!(
                output.iter().all(|&value| clamp.contains(&value.into())),
                "{quantisation:?}"
            );
        }
    }
}
