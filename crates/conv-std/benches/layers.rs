//! Layers of published networks, images and signals, `f32` and integers, batch 1, on one thread and on all, in both
//! layouts: the cases of `cases/cases.txt`.
//!
//! `cargo bench -p conv-std` runs all; `cargo bench -p conv-std -- 1/r50` those that match. Criterion's
//! throughput counts one element for each multiplication and each addition, padded taps included, so that
//! `Gelem/s` reads as GFLOP/s. `cargo xtask compare` measures the same cases beside other libraries.

mod cases;

use std::sync::Arc;

use cases::prepare::{Data, prepare};
use cases::{Case, Elements};
use conv_std::Layout;
use conv_std::rayon::{ThreadPool, ThreadPoolBuilder};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The cases, a line each; lines that begin with `#` say what they are.
const CASES: &str = include_str!("cases/cases.txt");

/// Numbers of the whole range of a byte, as `value` makes them.
fn values(count: usize, value: fn(i8) -> f64) -> Vec<f64> {
    let byte = |index: usize| (index.wrapping_mul(2_654_435_761) >> 8) as i8;
    (0..count).map(|index| value(byte(index))).collect()
}

fn data(case: &Case) -> Data {
    let fraction = |byte| f64::from(byte) / 128.0;
    let input = match case.elements {
        Elements::F32 => fraction,
        Elements::Int8 | Elements::U8 => |byte| f64::from(byte as u8),
        Elements::I16 | Elements::I16Sums => |byte| f64::from(byte) * 256.0,
    };
    let weights = match case.elements {
        Elements::F32 => fraction,
        _ => f64::from,
    };
    Data {
        input: values(case.input_len(), input),
        weights: values(case.weight_shape().iter().product(), weights),
        scales: vec![0.001; case.outputs],
    }
}

fn measure(criterion: &mut Criterion, case: &Case, data: &Data, threads: &Arc<ThreadPool>) {
    let mut group = criterion.benchmark_group(threads.current_num_threads().to_string());
    group.sample_size(20);
    let mut outputs = Vec::new();
    for (name, layout) in [("nchw", Layout::Nchw), ("nhwc", Layout::Nhwc)] {
        let mut plan = prepare(case, data, layout, threads).unwrap();
        plan.run().unwrap();
        outputs.push(plan.output());
        group.throughput(Throughput::Elements(plan.operations() as u64));
        group.bench_function(format!("{} {name}", case.name), |bencher| {
            bencher.iter(|| plan.run().unwrap());
        });
    }
    group.finish();
    assert!(
        outputs[0] == outputs[1],
        "{}: the layouts differ",
        case.name
    );
}

/// At most so many products has a layer that is run where benches are tested, not measured.
const TESTED: usize = 30_000_000;

/// About how many products a case has.
fn products(case: &Case) -> usize {
    let points = case.batch * case.extents.iter().product::<usize>();
    points * case.weight_shape().iter().product::<usize>()
}

fn layers(criterion: &mut Criterion) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![1, all];
    counts.dedup();
    let lines = CASES.lines().filter(|line| !line.starts_with('#'));
    let mut cases: Vec<Case> = lines.map(|line| line.parse().unwrap()).collect();
    // `cargo test` runs each bench once, unoptimised.
    if !std::env::args().any(|argument| argument == "--bench") {
        counts.truncate(1);
        cases.retain(|case| products(case) < TESTED);
    }
    for count in counts {
        let pool = Arc::new(ThreadPoolBuilder::new().num_threads(count).build().unwrap());
        for case in &cases {
            measure(criterion, case, &data(case), &pool);
        }
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
