//! Both operations and their gradients against the oracle: every small 1-D shape, and random ones in 1 to 3
//! dimensions, for every element pair and SIMD level.

mod common;

use common::{Setting, check_direct, check_gradients, check_transposed};
use conv_std::ndarray::Array3;
use conv_std::{Boundary, Layout, Orientation, Products};
use conv_vectors::oracle::Axis;
use conv_vectors::random::Spread;
use proptest::prelude::*;

const BOUNDARIES: [Boundary; 4] = [
    Boundary::Zero,
    Boundary::Reflect,
    Boundary::Replicate,
    Boundary::Circular,
];

/// Every axis with extent 1 to 6, kernel 1 to 4, stride 1 to 3, dilation 1 and 2, pads 0 to 3 each side.
fn every_axis(mut check: impl FnMut(Axis)) {
    let mut count = 0;
    for input in 1..=6 {
        for kernel in 1..=4 {
            for stride in 1..=3 {
                for dilation in 1..=2 {
                    for before in 0..=3 {
                        for after in 0..=3 {
                            let axis = Axis::new(input, kernel).stride(stride).dilation(dilation);
                            check(axis.pad(before, after));
                            count += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(count, 6 * 4 * 3 * 2 * 16);
}

#[test]
fn every_small_axis() {
    let mut seed = 0;
    every_axis(|axis| {
        seed += 1;
        // One channel: outputs share registers. Nine: channels do, with empty lanes.
        for outputs in [1, 9] {
            let setting = Setting {
                outputs,
                inputs: 2,
                seed,
                ..Setting::new([axis])
            };
            check_direct::<i8, i8, i32, 1>(&setting);
            check_transposed::<i8, i8, i32, 1>(&setting);
        }
    });
}

#[test]
fn every_small_axis_at_every_boundary() {
    let mut seed = 0;
    every_axis(|axis| {
        for boundary in BOUNDARIES {
            seed += 1;
            let setting = Setting {
                boundary,
                seed,
                ..Setting::new([axis])
            };
            check_direct::<i16, i16, i64, 1>(&setting);
            check_gradients::<i16, i64, 1>(&setting).unwrap();
        }
    });
}

#[test]
fn transposed_extents_with_output_padding() {
    let mut legal = 0;
    every_axis(|up| {
        for output_padding in 0..up.stride.max(up.dilation) {
            // Here `input` is the extent that is strided apart.
            let weights = Array3::<i8>::ones((1, 1, up.kernel));
            let plan = conv_std::ConvTranspose1d::<i8, i8, i32>::new(weights.view())
                .stride(up.stride)
                .dilation(up.dilation)
                .pads([up.pad_before], [up.pad_after])
                .output_padding(output_padding)
                .build()
                .unwrap();
            let found = plan.output_extents([up.input]);
            match up.transposed(output_padding) {
                None => assert!(found.is_err(), "{up:?}"),
                Some(direct) => {
                    assert_eq!(found, Ok([direct.input]), "{up:?}");
                    let x = vec![1_i8; up.input];
                    let mut output = vec![0; direct.input];
                    plan.run_slice(&x, 1, [up.input], &mut output).unwrap();
                    let setting = Setting::new([direct]);
                    let expected = setting.transposed(&x, &vec![1_i8; up.kernel]).unwrap();
                    common::judge(&setting, &output, &expected);
                    legal += 1;
                }
            }
        }
    });
    assert!(legal > 2000, "{legal}");
}

prop_compose! {
    fn axis(most: usize)(
        input in 1..=most,
        kernel in 1_usize..=4,
        stride in 1_usize..=4,
        dilation in 1_usize..=3,
        before in -2_isize..=6,
        after in -2_isize..=6,
    ) -> Axis {
        Axis::new(input, kernel).stride(stride).dilation(dilation).pad(before, after)
    }
}

fn setting_with<const D: usize>(most: usize, channels: usize) -> impl Strategy<Value = Setting<D>> {
    let axes = proptest::array::uniform::<_, D>(axis(most));
    let batch = 1_usize..=2;
    let groups = 1_usize..=3;
    // Below, on and beyond a block of 8 channels, and beyond a partial sum of 16.
    let inputs = prop_oneof![4 => 1_usize..=3, 1 => 8_usize..=9, 1 => 17_usize..=25];
    let outputs = prop_oneof![1_usize..=5, 8..=channels];
    let orientation = prop_oneof![
        Just(Orientation::Convolution),
        Just(Orientation::Correlation)
    ];
    let layout = prop_oneof![Just(Layout::Nhwc), Just(Layout::Nchw)];
    let boundary = prop_oneof![
        3 => Just(Boundary::Zero),
        1 => Just(Boundary::Reflect),
        1 => Just(Boundary::Replicate),
        1 => Just(Boundary::Circular),
    ];
    let spread = prop_oneof![Just(Spread::Full), Just(Spread::Extremes)];
    let products = prop_oneof![Just(Products::Fused), Just(Products::Rounded)];
    let all = (
        (axes, batch, groups, inputs, outputs),
        (
            orientation,
            layout,
            boundary,
            products,
            any::<u32>(),
            spread,
        ),
    );
    all.prop_map(|(sizes, settings)| {
        let (axes, batch, groups, inputs, outputs) = sizes;
        let (orientation, layout, boundary, products, seed, spread) = settings;
        Setting {
            axes,
            batch,
            groups,
            inputs,
            outputs,
            orientation,
            layout,
            boundary,
            products,
            seed,
            spread,
        }
    })
}

fn setting<const D: usize>() -> BoxedStrategy<Setting<D>> {
    match D {
        1 => setting_with::<D>(90, 35).boxed(),
        2 => setting_with::<D>(11, 20).boxed(),
        _ => setting_with::<D>(5, 17).boxed(),
    }
}

/// As many groups as channels, with and without a multiplier.
fn depthwise<const D: usize>() -> impl Strategy<Value = Setting<D>> {
    (setting::<D>(), 1_usize..=40, 1_usize..=2).prop_map(|(setting, groups, outputs)| Setting {
        groups,
        inputs: 1,
        outputs,
        ..setting
    })
}

/// One property: random settings of a strategy, both operations against the oracle.
macro_rules! properties {
    ($($name:ident: $strategy:ident<$dimensions:literal>, $input:ty, $kernel:ty => $accumulator:ty;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(64))]
            $(
                #[test]
                fn $name(setting in $strategy::<$dimensions>()) {
                    check_direct::<$input, $kernel, $accumulator, $dimensions>(&setting);
                    check_transposed::<$input, $kernel, $accumulator, $dimensions>(&zeros(setting));
                }
            )*
        }
    };
}

/// The transposed operation knows no other boundary.
fn zeros<const D: usize>(setting: Setting<D>) -> Setting<D> {
    Setting {
        boundary: Boundary::Zero,
        ..setting
    }
}

// Dimensions differ in geometry only, which all pairs share: each pair runs on images, some on all.
properties! {
    f32_signals: setting<1>, f32, f32 => f32;
    f32_images: setting<2>, f32, f32 => f32;
    f32_volumes: setting<3>, f32, f32 => f32;
    f32_depthwise: depthwise<2>, f32, f32 => f32;
    f64_images: setting<2>, f64, f64 => f64;
    f64_depthwise: depthwise<2>, f64, f64 => f64;
    i8_i8_i32_signals: setting<1>, i8, i8 => i32;
    i8_i8_i32_images: setting<2>, i8, i8 => i32;
    i8_i8_i32_volumes: setting<3>, i8, i8 => i32;
    i8_i8_i32_depthwise: depthwise<2>, i8, i8 => i32;
    i8_i8_i64_images: setting<2>, i8, i8 => i64;
    u8_i8_i32_images: setting<2>, u8, i8 => i32;
    u8_i8_i32_depthwise: depthwise<2>, u8, i8 => i32;
    u8_i8_i64_images: setting<2>, u8, i8 => i64;
    i16_i8_i32_images: setting<2>, i16, i8 => i32;
    i16_i8_i32_depthwise: depthwise<2>, i16, i8 => i32;
    i16_i8_i64_images: setting<2>, i16, i8 => i64;
    i16_i16_i64_images: setting<2>, i16, i16 => i64;
    i16_i16_i64_depthwise: depthwise<2>, i16, i16 => i64;
    i32_i32_i128_images: setting<2>, i32, i32 => i128;
    i32_i32_i128_depthwise: depthwise<2>, i32, i32 => i128;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gradients_in_1d(setting in setting::<1>()) {
        check_gradients::<f64, f64, 1>(&setting).unwrap();
        check_gradients::<i16, i64, 1>(&setting).unwrap();
    }

    #[test]
    fn gradients_in_2d(setting in setting::<2>()) {
        check_gradients::<f32, f32, 2>(&setting).unwrap();
        check_gradients::<i8, i64, 2>(&setting).unwrap();
    }

    #[test]
    fn gradients_in_3d(setting in setting::<3>()) {
        check_gradients::<f32, f32, 3>(&setting).unwrap();
        check_gradients::<i32, i128, 3>(&setting).unwrap();
    }

    #[test]
    fn gradients_of_depthwise(setting in depthwise::<2>()) {
        check_gradients::<f32, f32, 2>(&setting).unwrap();
        check_gradients::<i8, i64, 2>(&setting).unwrap();
    }

    /// `i32 · i32` into `i64` holds one product: with a kernel of one tap it is legal.
    #[test]
    fn i32_into_i64(setting in setting::<1>()) {
        let axes = setting.axes.map(|axis| Axis { kernel: 1, ..axis });
        let setting = Setting { axes, inputs: 1, outputs: 1, ..setting };
        check_direct::<i32, i32, i64, 1>(&setting);
        check_transposed::<i32, i32, i64, 1>(&zeros(setting));
    }
}
