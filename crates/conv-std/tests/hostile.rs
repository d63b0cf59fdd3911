//! Input that nobody means: each has the answer that the crate's documentation names.

mod common;

use std::sync::Arc;

use common::{Setting, conv, conv_transpose};
use conv_std::ndarray::{Array3, Array4};
use conv_std::rayon::ThreadPoolBuilder;
use conv_std::{Conv1d, Conv2d, ConvTranspose2d, Layout, SimdLevel};
use conv_vectors::guard::Guarded;
use conv_vectors::oracle::Axis;
use conv_vectors::random::Spread;

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn a_batch_of_nothing_is_an_error() {
    let kernel = Array4::<f32>::ones((2, 1, 3, 3));
    let plan = Conv2d::<f32>::new(kernel.view()).build().unwrap();
    let error = plan.run(Array4::zeros((0, 1, 5, 5)).view()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch: the extent is 0, expected at least 1"
    );
    let error = plan.run_slice(&[], 0, [5, 5], &mut []).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch: the extent is 0, expected at least 1"
    );
}

#[test]
fn absurd_extents_are_errors_that_leave_the_output() {
    let kernel = Array4::<i8>::ones((2, 1, 3, 3));
    let direct = Conv2d::<i8, i8, i32>::new(kernel.view()).build().unwrap();
    let transposed = ConvTranspose2d::<i8, i8, i32>::new(kernel.view())
        .stride(2)
        .build()
        .unwrap();
    let most = usize::MAX;
    for extents in [
        [most, 5],
        [5, most],
        [most / 2, most / 2],
        [1 << 40, 1 << 40],
        [0, 5],
    ] {
        for batch in [1, 1 << 20, most] {
            let mut output = Guarded::<i32>::new(18);
            let before = output.as_slice().to_vec();
            assert!(
                direct
                    .run_slice(&[1; 25], batch, extents, output.as_mut_slice())
                    .is_err()
            );
            assert!(
                transposed
                    .run_slice(&[1; 25], batch, extents, output.as_mut_slice())
                    .is_err()
            );
            assert_eq!(output.as_slice(), before);
            assert_eq!(output.check(), Ok(()));
        }
    }
    for pads in [isize::MAX, isize::MIN] {
        let plan = Conv2d::<i8, i8, i32>::new(kernel.view()).pad(pads).build();
        assert!(plan.is_err() || plan.is_ok_and(|plan| plan.output_extents([5, 5]).is_err()));
    }
    for step in [most, 1 << 62] {
        let plan = Conv2d::<i8, i8, i32>::new(kernel.view())
            .dilation(step)
            .build();
        assert!(plan.is_err() || plan.is_ok_and(|plan| plan.output_extents([5, 5]).is_err()));
    }
}

/// Slices that start at every element of a cache line: vector loads and stores are never aligned by luck alone.
#[test]
fn slices_at_any_element_give_the_same_bits() {
    for layout in [Layout::Nchw, Layout::Nhwc] {
        let setting = Setting {
            groups: 1,
            inputs: 5,
            outputs: 19,
            layout,
            spread: Spread::Full,
            ..Setting::new([Axis::new(9, 3).pad(1, 1), Axis::new(37, 3).pad(1, 2)])
        };
        let extents = setting.output_extents().unwrap();
        let weights = setting.weight_array::<f32>();
        let (x, y) = (setting.x::<f32>(), setting.y::<f32>(extents));
        for level in SimdLevel::available() {
            let direct = conv::<f32, f32, f32, 2>(&setting, &weights)
                .simd(level)
                .build()
                .unwrap();
            let back = conv_transpose::<f32, f32, f32, 2>(&setting, &weights).simd(level);
            let back = back.output_size(setting.extents()).build().unwrap();
            let mut first = None;
            for offset in 0..16 {
                let shifted = |values: &[f32]| [&vec![f32::NAN; offset][..], values].concat();
                let (from_x, from_y) = (shifted(&x), shifted(&y));
                let (mut to_y, mut to_x) =
                    (vec![7.0; offset + y.len()], vec![7.0; offset + x.len()]);
                direct
                    .run_slice(&from_x[offset..], 1, setting.extents(), &mut to_y[offset..])
                    .unwrap();
                back.run_slice(&from_y[offset..], 1, extents, &mut to_x[offset..])
                    .unwrap();
                assert!(
                    to_y[..offset]
                        .iter()
                        .chain(&to_x[..offset])
                        .all(|&value| value == 7.0)
                );
                let found = (bits(&to_y[offset..]), bits(&to_x[offset..]));
                let first = first.get_or_insert_with(|| found.clone());
                assert!(*first == found, "{layout:?} {level} at {offset}");
            }
        }
    }
}

/// `0·∞` and `0·NaN` are NaN where a tap reads them, at every level, and nowhere else.
#[test]
fn nan_and_infinity_pass_through_zero_weights() {
    for (poison, inputs) in [(f32::NAN, 1), (f32::INFINITY, 3), (f32::NEG_INFINITY, 8)] {
        for level in SimdLevel::available() {
            let kernel = Array3::<f32>::zeros((9, inputs, 3));
            let plan = Conv1d::new(kernel.view())
                .pad(1)
                .simd(level)
                .build()
                .unwrap();
            let mut x = Array3::<f32>::ones((1, inputs, 40));
            x[[0, inputs - 1, 20]] = poison;
            let y = plan.run(x.view()).unwrap();
            for ((_, _, t), value) in y.indexed_iter() {
                assert_eq!(
                    value.is_nan(),
                    (19..=21).contains(&t),
                    "{level}: {value} at {t}"
                );
            }
        }
    }
}

#[test]
fn a_pool_of_one_gives_the_same_bits() {
    let pool = Arc::new(ThreadPoolBuilder::new().num_threads(1).build().unwrap());
    let kernel = Array4::<f32>::from_shape_fn((16, 3, 3, 3), |(o, i, y, x)| {
        (o * 7 + i * 5 + y * 3 + x) as f32 / 8.0
    });
    let image = Array4::<f32>::from_shape_fn((1, 3, 90, 90), |(_, c, y, x)| {
        ((c + y * 31 + x * 17) % 29) as f32 / 4.0
    });
    let alone = Conv2d::new(kernel.view())
        .threads(&pool)
        .build()
        .unwrap()
        .run(image.view())
        .unwrap();
    let there = Conv2d::new(kernel.view())
        .build()
        .unwrap()
        .run(image.view())
        .unwrap();
    assert_eq!(
        bits(alone.as_slice().unwrap()),
        bits(there.as_slice().unwrap())
    );
    // A pool of one whose only thread is the caller.
    let plan = Conv2d::new(kernel.view()).threads(&pool).build().unwrap();
    let inside = pool.install(|| plan.run(image.view())).unwrap();
    assert_eq!(inside, alone);
}
