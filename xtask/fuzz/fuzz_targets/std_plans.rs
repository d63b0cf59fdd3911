//! conv-std's plans at every SIMD level against the oracle, gradients too; and plans of absurd numbers, which are an
//! error that leaves the output, or run.
#![no_main]

#[path = "../../../crates/conv-std/tests/common/mod.rs"]
mod common;
#[path = "../src/settings.rs"]
mod settings;

use conv_fuzz::Choices;
use conv_std::ndarray::Array;
use conv_std::{Conv, ConvTranspose};
use libfuzzer_sys::fuzz_target;

use common::{Setting, check_direct, check_gradients, check_transposed};
use settings::{BOUNDARIES, setting};

fuzz_target!(|bytes: &[u8]| {
    let choices = &mut Choices::new(bytes);
    match choices.below(4) {
        0 => absurd(choices),
        1 => signals(choices),
        2 => images(choices),
        _ => volumes(choices),
    }
});

/// The direct operation at any boundary, the transposed one, and the gradients.
macro_rules! check {
    ($choices:ident, $setting:ident, $dimensions:literal, $input:ty, $kernel:ty => $accumulator:ty) => {
        match $choices.below(2) {
            0 => check_transposed::<$input, $kernel, $accumulator, $dimensions>(&$setting),
            _ => {
                let boundary = $choices.of(&BOUNDARIES);
                let setting = Setting {
                    boundary,
                    ..$setting
                };
                check_direct::<$input, $kernel, $accumulator, $dimensions>(&setting);
            }
        }
    };
}

fn signals(choices: &mut Choices<'_>) {
    let setting = setting::<1>(choices, 70);
    match choices.below(4) {
        0 => check!(choices, setting, 1, f32, f32 => f32),
        1 => check!(choices, setting, 1, i8, i8 => i32),
        2 => check!(choices, setting, 1, i32, i32 => i128),
        _ => check_gradients::<f32, f32, 1>(&setting).expect("a legal setting"),
    }
}

fn images(choices: &mut Choices<'_>) {
    let setting = setting::<2>(choices, 11);
    match choices.below(7) {
        0 => check!(choices, setting, 2, f32, f32 => f32),
        1 => check!(choices, setting, 2, f64, f64 => f64),
        2 => check!(choices, setting, 2, i8, i8 => i32),
        3 => check!(choices, setting, 2, u8, i8 => i32),
        4 => check!(choices, setting, 2, i16, i8 => i64),
        5 => check!(choices, setting, 2, i16, i16 => i64),
        _ => check_gradients::<i8, i64, 2>(&setting).expect("a legal setting"),
    }
}

fn volumes(choices: &mut Choices<'_>) {
    let setting = setting::<3>(choices, 5);
    match choices.below(3) {
        0 => check!(choices, setting, 3, f32, f32 => f32),
        1 => check!(choices, setting, 3, i8, i8 => i32),
        _ => check_gradients::<f32, f32, 3>(&setting).expect("a legal setting"),
    }
}

/// Strides, dilations, pads, groups, batches and extents of any size.
fn absurd(choices: &mut Choices<'_>) {
    let [outer, inner] = [0; 2].map(|_| choices.below(4));
    let axes = [choices.absurd_axis(), choices.absurd_axis()];
    let kernel = axes.map(|axis| axis.kernel.min(3));
    let weights = Array::<i8, _>::ones((outer, inner, kernel[0], kernel[1]));
    let mut number = || match choices.below(3) {
        0 => choices.absurd(),
        _ => choices.below(5),
    };
    let groups = number();
    let (batch, extents, size) = (number(), [number(), number()], [number(), number()]);
    let (x, mut output) = ([1_i8; 48], [77_i32; 48]);
    let lengths = [choices.below(49), choices.below(49)];
    macro_rules! run {
        ($builder:expr) => {{
            let builder = $builder
                .strides(axes.map(|axis| axis.stride))
                .dilations(axes.map(|axis| axis.dilation))
                .pads(
                    axes.map(|axis| axis.pad_before),
                    axes.map(|axis| axis.pad_after),
                )
                .groups(groups);
            if let Ok(plan) = builder.build() {
                let _ = plan.output_extents(extents);
                let output = &mut output[..lengths[1]];
                output.fill(77);
                if let Err(error) = plan.run_slice(&x[..lengths[0]], batch, extents, output) {
                    assert!(!error.to_string().is_empty());
                    assert!(output.iter().all(|&value| value == 77), "{error}");
                }
            }
        }};
    }
    match choices.below(3) {
        0 => {
            let boundary = choices.of(&BOUNDARIES);
            run!(Conv::<i8, i8, i32, 2>::new(weights.view()).boundary(boundary));
        }
        1 => run!(ConvTranspose::<i8, i8, i32, 2>::new(weights.view()).output_size(size)),
        _ => run!(ConvTranspose::<i8, i8, i32, 2>::new(weights.view()).output_paddings(size)),
    }
}
