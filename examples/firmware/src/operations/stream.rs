//! Streams: every operation, on signals and images, typed and at run-time shapes, quantised or not, and pooling.

use core::hint::black_box;

use conv_core::finish::{self, Finish};
use conv_core::pool::{AveragePool2d, MaxPool1d, PoolOperation};
use conv_core::quantised::{
    QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Double, Multiplier, Wide};
use conv_core::stream::{SliceStream, Stream};
use conv_core::{Axis, Error, Geometry, window1d, window2d};

use crate::data::{Sink, given};

window1d! { struct Signal: stride 2, pad 1 }
window2d! { struct Image: stride 2, pad 1 }

const SCALE: Multiplier = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();

pub fn all(sink: &mut Sink) {
    conv_1d(sink);
    conv_transpose_1d(sink);
    depthwise_1d(sink);
    depthwise_transpose_1d(sink);
    conv_2d(sink);
    conv_transpose_2d(sink);
    depthwise_2d(sink);
    depthwise_transpose_2d(sink);
    blocks(sink);
    quantised(sink);
    quantised_samples(sink);
    quantised_back(sink);
    pooled_rows(sink);
    pooled_samples(sink);
    run_time(sink);
    run_time_quantised(sink);
    run_time_pool(sink);
}

/// Defines a function for each line that pushes six samples, flushes, and starts again after a reset.
macro_rules! signals {
    ($($name:ident: [$sample:ty; $history:literal], $kernel:ty, $finish:expr => $output:ty;)*) => {$(
        #[inline(never)]
        fn $name(sink: &mut Sink) {
            let kernel: $kernel = given();
            let history: [$sample; $history] = given();
            let mut stream = Stream::$name(Signal, &kernel, $finish, history);
            for _ in 0..2 {
                for sample in given::<[$sample; 6]>() {
                    for output in stream.push(sample) {
                        let output: $output = output;
                        sink.data(&output);
                    }
                }
                stream.flush().for_each(|output| sink.data(&output));
                if let Ok(outputs) = stream.flush_padded(black_box(1)) {
                    outputs.for_each(|output| sink.data(&output));
                }
                stream.reset();
            }
        }
    )*};
}

signals! {
    conv_1d: [[i16; 2]; 5], [[[i16; 2]; 3]; 3], finish::bias(&[7_i64; 3]).to_q15(4) => [i16; 3];
    conv_transpose_1d: [[f32; 3]; 3], [[[f32; 2]; 3]; 3], finish::raw::<f32>().relu() => [f32; 2];
    depthwise_1d: [[i8; 2]; 4], [[i8; 4]; 3], finish::raw::<i32>() => [i32; 4];
    depthwise_transpose_1d: [[i32; 4]; 3], [[i32; 4]; 3], finish::raw::<i128>() => [i128; 2];
}

/// The same for five rows of six pixels.
macro_rules! images {
    ($($name:ident: [$row:ty; $history:literal], $kernel:ty, $finish:expr => $output:ty;)*) => {$(
        #[inline(never)]
        fn $name(sink: &mut Sink) {
            let kernel: $kernel = given();
            let history: [$row; $history] = given();
            let mut stream = Stream::$name(Image, &kernel, $finish, history);
            let mut output: $output = given();
            for row in given::<[$row; 5]>() {
                let mut due = stream.push(&row);
                while due.write_next(&mut output) {
                    sink.data(&output);
                }
            }
            for row in stream.flush() {
                sink.data(&row);
            }
        }
    )*};
}

images! {
    conv_2d: [[[u8; 2]; 6]; 4], [[[[i8; 2]; 3]; 3]; 3], finish::raw::<i32>().to_u8(5) => [[u8; 3]; 3];
    conv_transpose_2d: [[[f64; 3]; 3]; 3], [[[[f64; 2]; 3]; 3]; 3], finish::raw::<f64>() => [[f64; 2]; 6];
    depthwise_2d: [[[i8; 2]; 6]; 3], [[[i8; 2]; 3]; 3], finish::bias(&[3_i32, -3]).to_q7(6) => [[i8; 2]; 3];
    depthwise_transpose_2d: [[[i16; 2]; 3]; 3], [[[i8; 2]; 3]; 3], finish::raw::<i64>() => [[i64; 2]; 6];
}

/// Blocks of every length that fit, and of one that does not.
#[inline(never)]
fn blocks(sink: &mut Sink) {
    let kernel: [i8; 3] = given();
    let mut stream = Stream::conv_1d(Signal, &kernel, finish::raw::<i32>(), given::<[i8; 4]>());
    let mut outputs: [i32; 3] = given();
    for length in 0..=8 {
        let block = given::<[i8; 8]>();
        let block = block.get(..black_box(length)).unwrap_or_default();
        sink.value(&stream.outputs_of(block.len()));
        sink.value(&stream.push_block(block, &mut outputs));
        sink.data(&outputs);
    }
}

#[inline(never)]
fn quantised(sink: &mut Sink) {
    static LAYER: QuantConv2d<Image, i8, [[[[i8; 2]; 3]; 3]; 3], Double, 3> = QuantConv2d::new(
        [[[[7, -3]; 3]; 3], [[[1, 2]; 3]; 3], [[[-128, 5]; 3]; 3]],
        [40; 3],
        [SCALE; 3],
        Quantisation::new(3, -5),
    );
    let mut stream = Stream::quantised(black_box(&LAYER), given::<[[[i8; 2]; 6]; 3]>());
    for row in given::<[[[i8; 2]; 6]; 5]>() {
        for output in stream.push(&row) {
            let output: [[i8; 3]; 3] = output;
            sink.data(&output);
        }
    }
    stream.flush().for_each(|output| sink.data(&output));
}

#[inline(never)]
fn quantised_samples(sink: &mut Sink) {
    static LAYER: QuantConv1d<Signal, i16, [[[i8; 2]; 3]; 3], Wide, 3> = QuantConv1d::wide(
        [[[7, -3]; 3], [[1, 2]; 3], [[-128, 5]; 3]],
        [40; 3],
        [SCALE; 3],
        Quantisation::new(0, 0),
    );
    let mut stream = Stream::quantised(black_box(&LAYER), given::<[[i16; 2]; 5]>());
    for sample in given::<[[i16; 2]; 6]>() {
        for output in stream.push(sample) {
            let output: [i16; 3] = output;
            sink.data(&output);
        }
    }
    stream.flush().for_each(|output| sink.data(&output));
}

#[inline(never)]
fn quantised_back(sink: &mut Sink) {
    static LAYER: QuantConvTranspose1d<Signal, i8, [[[i8; 2]; 3]; 3], Double, 3> =
        QuantConvTranspose1d::new(
            [[[7, -3]; 3], [[1, 2]; 3], [[-128, 5]; 3]],
            [40; 3],
            [SCALE; 3],
            Quantisation::new(3, -5),
        );
    let mut stream = Stream::quantised(black_box(&LAYER), given::<[[i8; 2]; 3]>());
    for sample in given::<[[i8; 2]; 6]>() {
        for output in stream.push(sample) {
            let output: [i8; 3] = output;
            sink.data(&output);
        }
    }
    stream.flush().for_each(|output| sink.data(&output));
}

#[inline(never)]
fn pooled_rows(sink: &mut Sink) {
    static LAYER: AveragePool2d<Image, i8, 3, 2> = AveragePool2d::new();
    let mut stream = Stream::pool(black_box(&LAYER), given::<[[[i8; 2]; 6]; 3]>());
    for row in given::<[[[i8; 2]; 6]; 5]>() {
        for output in stream.push(&row) {
            let output: [[i8; 2]; 4] = output;
            sink.data(&output);
        }
    }
    stream.flush().for_each(|output| sink.data(&output));
}

#[inline(never)]
fn pooled_samples(sink: &mut Sink) {
    static LAYER: MaxPool1d<Signal, f32, 3> = MaxPool1d::new();
    let mut stream = Stream::pool(black_box(&LAYER), given::<[f32; 4]>());
    for sample in given::<[f32; 6]>() {
        for output in stream.push(sample) {
            let output: f32 = output;
            sink.data(&output);
        }
    }
    stream.flush().for_each(|output| sink.data(&output));
}

/// Each operation at run-time shapes, with inputs and outputs of a right and a wrong length.
#[inline(never)]
fn run_time(sink: &mut Sink) {
    let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, 1));
    sink.value(&map(axis).and_then(|map| map.conv_history()));
    sink.value(&map(axis).and_then(|map| map.conv_transpose_history()));
    slice_conv(sink, axis);
    slice_conv_transpose(sink, axis);
    slice_depthwise(sink, axis);
    slice_depthwise_transpose(sink, axis);
}

fn map(axis: Axis) -> Result<Geometry<1>, Error> {
    Geometry::direct([axis], [black_box(6)], 2, 2, black_box(2))
}

macro_rules! slices {
    ($($name:ident: $constructor:ident;)*) => {$(
        #[inline(never)]
        fn $name(sink: &mut Sink, axis: Axis) {
            let kernel: [i8; 6] = given();
            for length in [1, 12] {
                let mut history: [i8; 12] = given();
                let history = history.get_mut(..black_box(length)).unwrap_or_default();
                let result = map(axis).and_then(|map| {
                    let mut stream = SliceStream::$constructor(&map, &kernel, history, finish::raw::<i32>())?;
                    sink.value(&stream.latency());
                    sink.value(&stream.outputs_of(6));
                    for sample in given::<[[i8; 2]; 6]>() {
                        let mut output: [i32; 2] = given();
                        let mut due = stream.push(&sample)?;
                        while due.remaining() > 0 {
                            due.write_next(&mut output)?;
                            sink.data(&output);
                        }
                    }
                    sink.value(&stream.push(black_box(&[1])).err());
                    stream.reset();
                    stream.flush(black_box(0))?.write_next(&mut [0; 2])
                });
                sink.value(&result);
            }
        }
    )*};
}
slices! {
    slice_conv: conv;
    slice_conv_transpose: conv_transpose;
    slice_depthwise: depthwise;
    slice_depthwise_transpose: depthwise_transpose;
}

/// Quantised layers both ways, with scales of a right and a wrong number.
#[inline(never)]
fn run_time_quantised(sink: &mut Sink) {
    let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, 1));
    let kernel: [i8; 6] = given();
    for operation in [
        QuantOperation::Conv,
        QuantOperation::ConvTranspose,
        QuantOperation::Depthwise,
        QuantOperation::DepthwiseTranspose,
    ] {
        for count in [1, 3] {
            let scales = [SCALE; 3];
            let requantisation = Requantisation::<Double> {
                bias: None,
                scales: scales.get(..black_box(count)).unwrap_or_default(),
                quantisation: Quantisation::new(3, -5),
            };
            let mut history: [i8; 12] = given();
            let result = map(axis).and_then(|map| {
                let (operation, kernel) = (black_box(operation), kernel.as_slice());
                let mut stream =
                    SliceStream::quantised(&map, operation, kernel, &mut history, requantisation)?;
                for sample in given::<[[i8; 2]; 6]>() {
                    let mut output: [i8; 2] = given();
                    let mut due = stream.push(&sample)?;
                    while due.write_next(&mut output)? {
                        sink.data(&output);
                    }
                }
                stream.flush(black_box(0))?.write_next(&mut [0_i8; 2])
            });
            sink.value(&result);
        }
    }
}

/// Pooling, with pads that fit and one that could hold a window.
#[inline(never)]
fn run_time_pool(sink: &mut Sink) {
    for pad in [1, 3] {
        let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, pad));
        let mut history: [i8; 12] = given();
        let result = map(axis).and_then(|map| {
            let operation = black_box(PoolOperation::Average);
            let mut stream = SliceStream::pool(&map, operation, &mut history, i8::MIN, i8::MAX)?;
            for sample in given::<[[i8; 2]; 6]>() {
                let mut output: [i8; 2] = given();
                let mut due = stream.push(&sample)?;
                while due.write_next(&mut output)? {
                    sink.data(&output);
                }
            }
            stream.flush(black_box(0))?.write_next(&mut [0_i8; 2])
        });
        sink.value(&result);
    }
}
