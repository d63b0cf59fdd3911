//! Pools of any size give the same bits, and pools that misbehave do no harm.

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use common::{Setting, conv, conv_transpose};
use conv_std::finish::{Channels, Finish};
use conv_std::ndarray::Array3;
use conv_std::rayon::{ThreadPool, ThreadPoolBuilder};
use conv_std::{Boundary, Layout};
use conv_vectors::guard::Guarded;
use conv_vectors::oracle::Axis;
use conv_vectors::random::Spread;

fn pool(threads: usize) -> Arc<ThreadPool> {
    Arc::new(
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap(),
    )
}

/// Shapes with work enough for threads: wide, few channels, one channel, depthwise, tall batches.
fn settings() -> Vec<Setting<2>> {
    let axis = |extent: usize| Axis::new(extent, 3).pad(2, 1);
    let shapes = [
        (1, 1, 24, 40, [axis(23), axis(31)]),
        (1, 1, 30, 3, [axis(60), axis(41).stride(2)]),
        (1, 1, 1, 1, [axis(301), axis(257)]),
        (3, 33, 1, 1, [axis(33), axis(64)]),
        (5, 4, 5, 6, [axis(19), axis(27).dilation(2)]),
    ];
    let layouts = [Layout::Nchw, Layout::Nhwc];
    layouts
        .into_iter()
        .flat_map(|layout| {
            shapes.map(|(batch, groups, inputs, outputs, axes)| Setting {
                batch,
                groups,
                inputs,
                outputs,
                layout,
                spread: Spread::Full,
                ..Setting::new(axes)
            })
        })
        .collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for setting in settings() {
        let extents = setting.output_extents().unwrap();
        let weights = setting.weight_array::<f32>();
        let (x, y) = (setting.x::<f32>(), setting.y::<f32>(extents));
        let (x_array, y_array) = (setting.x_array::<f32>(), setting.y_array::<f32>(extents));
        let mut first = None;
        for threads in [1, 2, 3, 7] {
            let pool = pool(threads);
            let plan = conv::<f32, f32, f32, 2>(&setting, &weights)
                .threads(&pool)
                .build()
                .unwrap();
            let mut forward = Guarded::<f32>::new(y.len());
            plan.run_slice(&x, setting.batch, setting.extents(), forward.as_mut_slice())
                .unwrap();
            assert_eq!(forward.check(), Ok(()));

            // The same plan without a pool of its own, inside the caller's.
            let builder = conv_transpose::<f32, f32, f32, 2>(&setting, &weights);
            let back = builder.output_size(setting.extents()).build().unwrap();
            let mut backward = Guarded::<f32>::new(x.len());
            let slice = backward.as_mut_slice();
            pool.install(|| back.run_slice(&y, setting.batch, extents, slice))
                .unwrap();
            assert_eq!(backward.check(), Ok(()));

            let by_input = plan
                .input_gradient(y_array.view(), setting.extents())
                .unwrap();
            let by_weight = plan
                .weight_gradient(x_array.view(), y_array.view())
                .unwrap();
            let all = [
                bits(forward.as_slice()),
                bits(backward.as_slice()),
                bits(by_input.as_slice().unwrap()),
                bits(by_weight.as_slice().unwrap()),
            ];
            assert!(forward.as_slice().iter().any(|value| *value != 0.0));
            match &first {
                None => first = Some(all),
                Some(first) => assert_eq!(first, &all, "{threads} threads: {setting:?}"),
            }
        }
    }
}

#[test]
fn more_threads_than_work() {
    let pool = pool(16);
    for extent in [1, 2, 700_000] {
        let kernel = Array3::<f32>::ones((1, 1, 1));
        let plan = conv_std::Conv1d::<f32>::new(kernel.view())
            .threads(&pool)
            .build()
            .unwrap();
        let x = vec![1.5; extent];
        let mut y = vec![0.0; extent];
        plan.run_slice(&x, 1, [extent], &mut y).unwrap();
        assert_eq!(x, y);
    }
}

/// Panics at one value: what a caller's own finishing step might do.
#[derive(Clone, Copy)]
struct Fragile;

impl Finish for Fragile {
    type Accumulator = f32;
    type Output = f32;
    const CHANNELS: Channels = Channels::Any;

    fn finish(&self, _channel: usize, accumulator: f32) -> f32 {
        assert!(accumulator != 13.0, "unlucky");
        accumulator
    }
}

#[test]
fn a_panic_in_the_callers_pool_leaves_plan_and_pool_usable() {
    let pool = pool(2);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        pool.install(|| panic!("the caller's own"))
    }));
    assert!(outcome.is_err());

    let kernel = Array3::<f32>::ones((1, 1, 1));
    let builder = conv_std::Conv1d::<f32>::new(kernel.view())
        .finish(Fragile)
        .threads(&pool);
    let plan = builder.build().unwrap();
    let mut x = vec![1.0; 800_000];
    let mut y = vec![0.0; x.len()];
    x[799_999] = 13.0;
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        plan.run_slice(&x, 1, [800_000], &mut y)
    }));
    assert!(outcome.is_err());
    x[799_999] = 12.0;
    plan.run_slice(&x, 1, [800_000], &mut y).unwrap();
    assert_eq!(x, y);
}

#[test]
fn one_plan_runs_from_many_threads_at_once() {
    fn assert_shared<P: Send + Sync>(_: &P) {}
    let setting = Setting {
        inputs: 9,
        outputs: 17,
        boundary: Boundary::Reflect,
        ..Setting::new([Axis::new(40, 3).pad(1, 1); 2])
    };
    let weights = setting.weight_array::<f32>();
    let plan = conv::<f32, f32, f32, 2>(&setting, &weights)
        .build()
        .unwrap();
    assert_shared(&plan);
    let x = setting.x::<f32>();
    let run = || {
        let mut y = vec![0.0; 17 * 40 * 40];
        plan.run_slice(&x, 1, [40, 40], &mut y).unwrap();
        bits(&y)
    };
    let expected = run();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        for handle in runs {
            assert_eq!(handle.join().unwrap(), expected);
        }
    });
}
