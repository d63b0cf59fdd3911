//! Layers of published networks, images and signals, `f32`, batch 1, on one thread and on all.
//!
//! `cargo bench -p conv-std` runs all; `cargo bench -p conv-std -- 1/3x3` those that match. Criterion's
//! throughput counts one element for each multiplication and each addition, padded taps included, so that
//! `Gelem/s` reads as GFLOP/s.

use std::hint::black_box;
use std::sync::Arc;

use conv_std::ndarray::{Array, Array1, ArrayView, Dimension};
use conv_std::rayon::{ThreadPool, ThreadPoolBuilder};
use conv_std::{Conv, ConvTranspose, Rank, Spatial, Tensor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Direct,
    Transposed { output_padding: usize },
}

struct Case<const D: usize> {
    name: &'static str,
    operation: Operation,
    channels: usize,
    extents: [usize; D],
    outputs: usize,
    kernel: usize,
    stride: usize,
    pad: isize,
    dilation: usize,
    groups: usize,
}

impl<const D: usize> Case<D> {
    const fn direct(
        name: &'static str,
        channels: usize,
        extents: [usize; D],
        outputs: usize,
        kernel: usize,
        stride: usize,
        pad: isize,
    ) -> Self {
        Self {
            name,
            operation: Operation::Direct,
            channels,
            extents,
            outputs,
            kernel,
            stride,
            pad,
            dilation: 1,
            groups: 1,
        }
    }

    const fn transposed(self, output_padding: usize) -> Self {
        let operation = Operation::Transposed { output_padding };
        Self { operation, ..self }
    }

    const fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    const fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }
}

fn values<E: Dimension>(shape: &[usize]) -> Array<f32, E> {
    let count = shape.iter().product::<usize>();
    let values = (0..count)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 8 & 0xff) as f32 / 128.0 - 1.0);
    let array = Array1::from_iter(values).into_shape_with_order(shape.to_vec());
    array.unwrap().into_dimensionality().unwrap()
}

fn bench<const D: usize>(criterion: &mut Criterion, threads: &Arc<ThreadPool>, case: &Case<D>)
where
    Rank<D>: Spatial,
{
    let mut shape = vec![1, case.channels];
    shape.extend(case.extents);
    let input: Array<f32, Tensor<D>> = values(&shape);
    let mut shape = match case.operation {
        Operation::Direct => vec![case.outputs, case.channels / case.groups],
        Operation::Transposed { .. } => vec![case.channels, case.outputs / case.groups],
    };
    shape.extend([case.kernel; D]);
    let weights: Array<f32, Tensor<D>> = values(&shape);
    let taps = case.kernel.pow(D as u32);

    macro_rules! measure {
        ($builder:expr) => {{
            let builder = $builder
                .stride(case.stride)
                .dilation(case.dilation)
                .pad(case.pad);
            let plan = builder
                .groups(case.groups)
                .threads(threads)
                .build()
                .unwrap();
            let output = plan
                .output_extents(case.extents)
                .unwrap()
                .iter()
                .product::<usize>();
            let points = if case.operation == Operation::Direct {
                output * case.outputs * (case.channels / case.groups)
            } else {
                case.extents.iter().product::<usize>()
                    * case.channels
                    * (case.outputs / case.groups)
            };
            let mut place = vec![0.0; output * case.outputs];
            let mut group = criterion.benchmark_group(threads.current_num_threads().to_string());
            group.throughput(Throughput::Elements(2 * (points * taps) as u64));
            group.sample_size(20);
            group.bench_function(case.name, |bencher| {
                let view: ArrayView<'_, f32, _> = input.view();
                let source = view.as_slice().unwrap();
                bencher.iter(|| {
                    plan.run_slice(black_box(source), 1, case.extents, &mut place)
                        .unwrap();
                });
            });
            group.finish();
        }};
    }
    match case.operation {
        Operation::Direct => measure!(Conv::<f32, f32, f32, D>::new(weights.view())),
        Operation::Transposed { output_padding } => measure!(
            ConvTranspose::<f32, f32, f32, D>::new(weights.view()).output_padding(output_padding)
        ),
    }
}

/// Layers on images.
const IMAGES: [Case<2>; 12] = [
    Case::direct("3x3 64 channels 56²", 64, [56, 56], 64, 3, 1, 1),
    Case::direct("3x3 512 channels 7²", 512, [7, 7], 512, 3, 1, 1),
    Case::direct("stem 7x7 stride 2 224²", 3, [224, 224], 64, 7, 2, 3),
    Case::direct(
        "depthwise 3x3 32 channels 112²",
        32,
        [112, 112],
        32,
        3,
        1,
        1,
    )
    .groups(32),
    Case::direct(
        "depthwise 3x3 512 channels 14²",
        512,
        [14, 14],
        512,
        3,
        1,
        1,
    )
    .groups(512),
    Case::direct("1x1 64 to 128 channels 56²", 64, [56, 56], 128, 1, 1, 0),
    Case::direct(
        "3x3 128 channels 32 groups 56²",
        128,
        [56, 56],
        128,
        3,
        1,
        1,
    )
    .groups(32),
    Case::direct("image 5x5 512²", 1, [512, 512], 1, 5, 1, 2),
    Case::direct(
        "transposed 4x4 stride 2 512 channels 8² to 256",
        512,
        [8, 8],
        256,
        4,
        2,
        1,
    )
    .transposed(0),
    Case::direct(
        "transposed 4x4 stride 2 128 channels 32² to 3",
        128,
        [32, 32],
        3,
        4,
        2,
        1,
    )
    .transposed(0),
    Case::direct(
        "transposed 2x2 stride 2 512 channels 32² to 256",
        512,
        [32, 32],
        256,
        2,
        2,
        0,
    )
    .transposed(0),
    Case::direct(
        "transposed 9x9 stride 3 56 channels 64² to 1",
        56,
        [64, 64],
        1,
        9,
        3,
        4,
    )
    .transposed(2),
];

/// Layers on signals.
const SIGNALS: [Case<1>; 3] = [
    Case::direct(
        "signal 7 dilation 3 256 channels 1024",
        256,
        [1024],
        256,
        7,
        1,
        9,
    )
    .dilation(3),
    Case::direct("signal 64 taps 1000000", 1, [1_000_000], 1, 64, 1, 0),
    Case::direct(
        "signal transposed 16 stride 8 512 channels 128 to 256",
        512,
        [128],
        256,
        16,
        8,
        4,
    )
    .transposed(0),
];

fn layers(criterion: &mut Criterion) {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = vec![1, all];
    counts.dedup();
    for count in counts {
        let pool = Arc::new(ThreadPoolBuilder::new().num_threads(count).build().unwrap());
        for case in &IMAGES {
            bench(criterion, &pool, case);
        }
        for case in &SIGNALS {
            bench(criterion, &pool, case);
        }
        let volume = Case::direct(
            "volume 3x3x3 16 to 32 channels 16x32x32",
            16,
            [16, 32, 32],
            32,
            3,
            1,
            1,
        );
        bench(criterion, &pool, &volume);
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
