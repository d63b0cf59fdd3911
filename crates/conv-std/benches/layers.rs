//! Layers of published networks, images and signals, `f32` and (those on images) quantised int8, batch 1, on one
//! thread and on all.
//!
//! `cargo bench -p conv-std` runs all; `cargo bench -p conv-std -- 1/3x3` those that match. Criterion's
//! throughput counts one element for each multiplication and each addition, padded taps included, so that
//! `Gelem/s` reads as GFLOP/s.

use std::hint::black_box;
use std::sync::Arc;

use conv_core::element::Element as _;
use conv_std::ndarray::{Array, Array1, Dimension};
use conv_std::quantised::{Double, Multiplier, Quantisation};
use conv_std::rayon::{ThreadPool, ThreadPoolBuilder};
use conv_std::{
    Builder, Conv, ConvTranspose, Finishing, Number, Operand, Plan, Rank, Spatial, Tensor,
};
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

/// Numbers of the whole range of a byte.
fn values<V, E: Dimension>(shape: &[usize], value: fn(i8) -> V) -> Array<V, E> {
    let count = shape.iter().product::<usize>();
    let values = (0..count).map(|index| value((index.wrapping_mul(2_654_435_761) >> 8) as i8));
    let array = Array1::from_iter(values).into_shape_with_order(shape.to_vec());
    array.unwrap().into_dimensionality().unwrap()
}

impl<const D: usize> Case<D>
where
    Rank<D>: Spatial,
{
    fn input<V>(&self, value: fn(i8) -> V) -> Array<V, Tensor<D>> {
        let mut shape = vec![1, self.channels];
        shape.extend(self.extents);
        values(&shape, value)
    }

    fn weights<V>(&self, value: fn(i8) -> V) -> Array<V, Tensor<D>> {
        let mut shape = match self.operation {
            Operation::Direct => vec![self.outputs, self.channels / self.groups],
            Operation::Transposed { .. } => vec![self.channels, self.outputs / self.groups],
        };
        shape.extend([self.kernel; D]);
        values(&shape, value)
    }

    /// Measures a plan under the case's name and a prefix.
    fn measure<O, T, W, A, F>(
        &self,
        criterion: &mut Criterion,
        plan: &Plan<O, T, W, A, F, D>,
        prefix: &str,
        input: &Array<T, Tensor<D>>,
        threads: usize,
    ) where
        O: conv_std::Operation<D>,
        T: Operand<W, A>,
        W: Number,
        A: Number,
        F: Finishing<A>,
    {
        let extents = plan.output_extents(self.extents).unwrap();
        let output = extents.iter().product::<usize>();
        let points = match self.operation {
            Operation::Direct => output * self.outputs * (self.channels / self.groups),
            Operation::Transposed { .. } => {
                let input = self.extents.iter().product::<usize>();
                input * self.channels * (self.outputs / self.groups)
            }
        };
        let products = points * self.kernel.pow(D as u32);
        let mut place = vec![F::Output::ZERO; output * self.outputs];
        let mut group = criterion.benchmark_group(threads.to_string());
        group.throughput(Throughput::Elements(2 * products as u64));
        group.sample_size(20);
        group.bench_function(format!("{prefix}{}", self.name), |bencher| {
            let source = input.as_slice().unwrap();
            bencher.iter(|| {
                plan.run_slice(black_box(source), 1, self.extents, &mut place)
                    .unwrap();
            });
        });
        group.finish();
    }

    /// The case's settings on a builder, built.
    fn plan<O, T, W, A, F>(
        &self,
        builder: Builder<'_, O, T, W, A, F, D>,
        threads: &Arc<ThreadPool>,
    ) -> Plan<O, T, W, A, F, D>
    where
        O: conv_std::Operation<D>,
        T: Operand<W, A>,
        W: Number,
        A: Number,
        F: Finishing<A>,
    {
        let builder = builder.stride(self.stride).dilation(self.dilation);
        let builder = builder.pad(self.pad).groups(self.groups);
        builder.threads(threads).build().unwrap()
    }

    fn f32(&self, criterion: &mut Criterion, threads: &Arc<ThreadPool>) {
        let value = |byte| f32::from(byte) / 128.0;
        let (input, weights) = (self.input(value), self.weights(value));
        let count = threads.current_num_threads();
        match self.operation {
            Operation::Direct => {
                let plan = self.plan(Conv::new(weights.view()), threads);
                self.measure(criterion, &plan, "", &input, count);
            }
            Operation::Transposed { output_padding } => {
                let builder = ConvTranspose::new(weights.view()).output_padding(output_padding);
                let plan = self.plan(builder, threads);
                self.measure(criterion, &plan, "", &input, count);
            }
        }
    }

    /// Quantised, with the rounding of TFLite's reference kernels.
    fn int8(&self, criterion: &mut Criterion, threads: &Arc<ThreadPool>) {
        let (input, weights) = (self.input(|byte| byte), self.weights(|byte| byte));
        let count = threads.current_num_threads();
        let scale = [Multiplier::from_scale(0.001).unwrap()];
        let quantisation = Quantisation::new(-5, 3);
        match self.operation {
            Operation::Direct => {
                let builder = Conv::<i8, i8, i32, D>::new(weights.view());
                let builder = builder.quantised::<Double, i8>(&scale, quantisation);
                let plan = self.plan(builder, threads);
                self.measure(criterion, &plan, "int8 ", &input, count);
            }
            Operation::Transposed { output_padding } => {
                let builder = ConvTranspose::<i8, i8, i32, D>::new(weights.view());
                let builder = builder.output_padding(output_padding);
                let builder = builder.quantised::<Double, i8>(&scale, quantisation);
                let plan = self.plan(builder, threads);
                self.measure(criterion, &plan, "int8 ", &input, count);
            }
        }
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
            case.f32(criterion, &pool);
            case.int8(criterion, &pool);
        }
        for case in &SIGNALS {
            case.f32(criterion, &pool);
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
        volume.f32(criterion, &pool);
    }
}

criterion_group!(benches, layers);
criterion_main!(benches);
