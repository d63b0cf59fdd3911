//! How much stack each kind of layer takes: `cargo xtask stack` runs this on every board and prints a table.
//!
//! Inputs and outputs stand in the caller's frame, kernels in flash: what is measured are the layer's own frames and
//! those of what it calls. The compiler sees no value of the buffers, so that it cannot compute the layer beforehand.
#![no_std]
#![no_main]

use core::hint::black_box;

use board::{Exit, println, stack};
use conv_core::add::{Affine, QuantAdd};
use conv_core::finish::{self, Finish};
use conv_core::pool::{AveragePool2d, MaxPool2d, PoolOperation};
use conv_core::quantised::{
    Int4Kernel, QuantConv1d, QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d,
    QuantFullyConnected, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Double, HalfEven, Multiplier, Single, Wide, WideHalfAway};
use conv_core::stream::{SliceStream, Stream};
use conv_core::{Axis, Geometry, Window1d, Window2d, window1d, window2d};

board::entry!(main);

window1d! { struct Signal: stride 2, pad 1 }
window1d! { struct Filter }
window2d! { struct Half: stride 2, pad 1 }
window2d! { struct Groups: stride 2, pad 1, groups 2 }
window2d! { struct Pairs: stride 2 }

const SCALE: Multiplier = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();
const ZERO_POINTS: Quantisation = Quantisation::new(3, -5).with_clamp(-100, 90);

static KERNEL: [[[[i8; 4]; 3]; 3]; 6] = [[[[7; 4]; 3]; 3]; 6];
static FLOATS: [[[[f32; 4]; 3]; 3]; 6] = [[[[0.5; 4]; 3]; 3]; 6];
static NINE: [[[[f32; 9]; 3]; 3]; 6] = [[[[0.5; 9]; 3]; 3]; 6];
static GROUPED: [[[[i8; 2]; 3]; 3]; 6] = [[[[7; 2]; 3]; 3]; 6];
static EACH: [[[i8; 4]; 3]; 3] = [[[5; 4]; 3]; 3];
static DOUBLES: [[[f64; 4]; 3]; 3] = [[[0.5; 4]; 3]; 3];
static WORDS: [[[i32; 4]; 3]; 3] = [[[5; 4]; 3]; 3];
static BIAS: [i32; 6] = [9; 6];

type Full = [[[[i8; 4]; 3]; 3]; 6];

static DOUBLE: QuantConv2d<Half, i8, Full, Double, 6> =
    QuantConv2d::new([[[[7; 4]; 3]; 3]; 6], [40; 6], [SCALE; 6], ZERO_POINTS);
static SINGLE: QuantConv2d<Half, u8, Full, Single, 6> =
    QuantConv2d::new([[[[7; 4]; 3]; 3]; 6], [40; 6], [SCALE; 6], ZERO_POINTS);
static HALF_EVEN: QuantConv2d<Half, i8, Full, HalfEven, 6> =
    QuantConv2d::new([[[[7; 4]; 3]; 3]; 6], [40; 6], [0.004; 6], ZERO_POINTS);
static WIDE: QuantConv2d<Half, i16, Full, Wide, 6> =
    QuantConv2d::wide([[[[7; 4]; 3]; 3]; 6], [40; 6], [SCALE; 6], ZERO_POINTS);
static PACKED: QuantConv2d<Half, i8, Int4Kernel<4, 3, 3, 6, 108>, Double, 6> =
    QuantConv2d::packed(Int4Kernel([0x7a; 108]), [40; 6], [SCALE; 6], ZERO_POINTS);
static DEPTHWISE: QuantDepthwise2d<Half, i8, [[[i8; 4]; 3]; 3], Double, 4> =
    QuantDepthwise2d::new([[[5; 4]; 3]; 3], [40; 4], [SCALE; 4], ZERO_POINTS);
static DEPTHWISE_WIDE: QuantDepthwise2d<Half, i16, [[[i8; 4]; 3]; 3], Wide, 4> =
    QuantDepthwise2d::wide([[[5; 4]; 3]; 3], [40; 4], [SCALE; 4], ZERO_POINTS);
static DEPTHWISE_REAL: QuantDepthwise2d<Half, i16, [[[i8; 4]; 3]; 3], WideHalfAway, 4> =
    QuantDepthwise2d::wide([[[5; 4]; 3]; 3], [40; 4], [0.004; 4], ZERO_POINTS);
static TRANSPOSE: QuantConvTranspose2d<Half, i8, [[[[i8; 6]; 3]; 3]; 4], Double, 4> =
    QuantConvTranspose2d::new([[[[7; 6]; 3]; 3]; 4], [40; 4], [SCALE; 4], ZERO_POINTS);
static TRANSPOSE_WIDE: QuantConvTranspose2d<Half, i16, [[[[i8; 6]; 3]; 3]; 4], Wide, 4> =
    QuantConvTranspose2d::wide([[[[7; 6]; 3]; 3]; 4], [40; 4], [SCALE; 4], ZERO_POINTS);
static FULLY: QuantFullyConnected<i8, [[i8; 144]; 10], Double, 10> =
    QuantFullyConnected::new([[3; 144]; 10], [40; 10], [SCALE; 10], ZERO_POINTS);
static SAMPLES: QuantConv1d<Signal, i16, [[[i8; 4]; 3]; 6], Wide, 6> = QuantConv1d::wide(
    [[[7; 4]; 3]; 6],
    [40; 6],
    [SCALE; 6],
    Quantisation::new(0, 0),
);
static AVERAGE: AveragePool2d<Pairs, i8, 2, 2> = AveragePool2d::new();
static MAX: MaxPool2d<Pairs, i8, 2, 2> = MaxPool2d::new();
static ADD: QuantAdd<i8> = QuantAdd::new(affine(3), affine(-5), affine(0));

const fn affine(zero_point: i32) -> Affine {
    let scale = 0.02;
    Affine { scale, zero_point }
}

type Image<T> = [[[T; 4]; 6]; 6];
type Map<T> = [[[T; 6]; 3]; 3];

/// Measures one layer with an input and an output of these types.
fn layer<I: Copy, O: Copy>(name: &str, input: I, output: O, mut run: impl FnMut(&I, &mut O)) {
    let (input, mut output) = (black_box(input), output);
    let depth = stack::depth(&mut || {
        run(&input, &mut output);
        black_box(&mut output);
    });
    // A call of nothing is not the layer's.
    let nothing = stack::depth(&mut || {
        black_box(&mut output);
    });
    report(
        name,
        depth
            .zip(nothing)
            .map(|(depth, nothing)| depth.saturating_sub(nothing)),
    );
}

fn report(name: &str, depth: Option<usize>) {
    let Some(bytes) = depth else {
        println!("{name} takes more stack than was painted");
        board::exit(Exit::Failure)
    };
    println!("{name}: {bytes}");
}

const BYTES: Image<i8> = [[[1; 4]; 6]; 6];
const SMALL: Map<i8> = [[[1; 6]; 3]; 3];

fn main() {
    plain();
    wide();
    quantised();
    between();
    run_time();
    streams();
}

fn plain() {
    let signal = [[1_i8; 4]; 16];
    static SIGNAL: [[[i8; 4]; 3]; 6] = [[[7; 4]; 3]; 6];
    layer("conv 1-D, i8", signal, [[0_i32; 6]; 8], |x, y| {
        Signal::conv(x, &SIGNAL, y);
    });
    layer(
        "conv transpose 1-D, i8",
        [[1_i8; 6]; 8],
        [[0_i32; 4]; 16],
        |y, x| Signal::conv_transpose(y, &SIGNAL, x),
    );
    layer("conv 2-D, i8", BYTES, [[[0_i32; 6]; 3]; 3], |x, y| {
        Half::conv(x, &KERNEL, y);
    });
    layer("conv 2-D, i8, bias, ReLU, Q7", BYTES, SMALL, |x, y| {
        Half::conv_with(x, &KERNEL, y, finish::bias(&BIAS).relu().to_q7(3));
    });
    layer(
        "conv 2-D, i8 to i64",
        BYTES,
        [[[0_i64; 6]; 3]; 3],
        |x, y| Half::conv(x, &KERNEL, y),
    );
    layer(
        "conv 2-D, f32",
        [[[1_f32; 4]; 6]; 6],
        [[[0_f32; 6]; 3]; 3],
        |x, y| Half::conv(x, &FLOATS, y),
    );
    layer(
        "conv 2-D, 2 groups, i8",
        BYTES,
        [[[0_i32; 6]; 3]; 3],
        |x, y| Groups::conv(x, &GROUPED, y),
    );
    layer("depthwise 2-D, i8", BYTES, [[[0_i32; 4]; 3]; 3], |x, y| {
        Half::depthwise(x, &EACH, y);
    });
    layer(
        "conv transpose 2-D, i8",
        SMALL,
        [[[0_i32; 4]; 6]; 6],
        |y, x| Half::conv_transpose(y, &KERNEL, x),
    );
    layer(
        "conv transpose 2-D, f32",
        [[[1_f32; 6]; 3]; 3],
        [[[0_f32; 4]; 6]; 6],
        |y, x| {
            Half::conv_transpose(y, &FLOATS, x);
        },
    );
    layer(
        "conv transpose 2-D, f32, 9 channels",
        [[[1_f32; 6]; 3]; 3],
        [[[0_f32; 9]; 6]; 6],
        |y, x| {
            Half::conv_transpose(y, &NINE, x);
        },
    );
    layer("conv 1-D, f32", [1_f32; 40], [0_f32; 36], |x, y| {
        Filter::conv(x, &[0.5_f32; 5], y);
    });
}

/// Accumulators of 64 and 128 bits.
fn wide() {
    let scratch = &mut [0_u32; 0];
    layer(
        "depthwise 2-D, f64",
        [[[1_f64; 4]; 6]; 6],
        [[[0_f64; 4]; 3]; 3],
        |x, y| {
            Half::depthwise(x, &DOUBLES, y);
        },
    );
    layer(
        "depthwise transpose 2-D, f64",
        [[[1_f64; 4]; 3]; 3],
        [[[0_f64; 4]; 6]; 6],
        |y, x| Half::depthwise_transpose(y, &DOUBLES, x),
    );
    layer(
        "depthwise 2-D, i32 to i128",
        [[[1_i32; 4]; 6]; 6],
        [[[0_i128; 4]; 3]; 3],
        |x, y| Half::depthwise(x, &WORDS, y),
    );
    layer(
        "depthwise transpose 2-D, i32 to i128",
        [[[1_i32; 4]; 3]; 3],
        [[[0_i128; 4]; 6]; 6],
        |y, x| Half::depthwise_transpose(y, &WORDS, x),
    );
    layer(
        "quantised depthwise, i16, i64 sums",
        [[[1_i16; 4]; 6]; 6],
        [[[0_i16; 4]; 3]; 3],
        |x, y| DEPTHWISE_WIDE.run(x, y, scratch),
    );
    layer(
        "quantised depthwise, half-away, i64 sums",
        [[[1_i16; 4]; 6]; 6],
        [[[0_i16; 4]; 3]; 3],
        |x, y| DEPTHWISE_REAL.run(x, y, scratch),
    );
}

fn quantised() {
    let scratch = &mut [0_u32; 64];
    layer("quantised conv, double", BYTES, SMALL, |x, y| {
        DOUBLE.run(x, y, scratch);
    });
    layer(
        "quantised conv, single, u8",
        [[[1_u8; 4]; 6]; 6],
        SMALL,
        |x, y| SINGLE.run(x, y, scratch),
    );
    layer("quantised conv, half-even", BYTES, SMALL, |x, y| {
        HALF_EVEN.run(x, y, scratch);
    });
    layer(
        "quantised conv, i16, i64 sums",
        [[[1_i16; 4]; 6]; 6],
        [[[0_i16; 6]; 3]; 3],
        |x, y| WIDE.run(x, y, scratch),
    );
    layer("quantised conv, 4-bit weights", BYTES, SMALL, |x, y| {
        PACKED.run(x, y, scratch);
    });
    layer("quantised depthwise", BYTES, [[[0_i8; 4]; 3]; 3], |x, y| {
        DEPTHWISE.run(x, y, scratch);
    });
    layer("quantised conv transpose", SMALL, BYTES, |x, y| {
        TRANSPOSE.run(x, y, scratch);
    });
    layer(
        "quantised conv transpose, i16",
        [[[1_i16; 6]; 3]; 3],
        [[[0_i16; 4]; 6]; 6],
        |x, y| TRANSPOSE_WIDE.run(x, y, scratch),
    );
}

fn between() {
    layer("fully connected", BYTES, [0_i8; 10], |x, y| FULLY.run(x, y));
    layer("average pool", BYTES, [[[0_i8; 4]; 3]; 3], |x, y| {
        AVERAGE.run(x, y);
    });
    layer("max pool", BYTES, [[[0_i8; 4]; 3]; 3], |x, y| MAX.run(x, y));
    layer("residual sum", BYTES, BYTES, |x, y| ADD.run_in_place(x, y));
}

fn run_time() {
    let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, 1));
    let Ok(geometry) = Geometry::direct([axis; 2], black_box([6; 2]), 4, 6, 1) else {
        return report("geometry", None);
    };
    let kernel = KERNEL.as_flattened().as_flattened().as_flattened();
    layer("run-time conv 2-D, i8", [1_i8; 144], [0_i32; 54], |x, y| {
        let _ = black_box(geometry.conv(x, kernel, y));
    });
    layer(
        "run-time conv transpose 2-D, i8",
        [1_i8; 54],
        [0_i32; 144],
        |y, x| {
            let _ = black_box(geometry.conv_transpose(y, kernel, x));
        },
    );
    let floats = FLOATS.as_flattened().as_flattened().as_flattened();
    layer(
        "run-time conv transpose 2-D, f32",
        [1_f32; 54],
        [0_f32; 144],
        |y, x| {
            let _ = black_box(geometry.conv_transpose(y, floats, x));
        },
    );
    let requantisation = Requantisation::<Double> {
        bias: Some(&BIAS),
        scales: &[SCALE],
        quantisation: ZERO_POINTS,
    };
    layer(
        "run-time quantised conv",
        [1_i8; 144],
        [0_i8; 54],
        |x, y| {
            let operation = QuantOperation::Conv;
            let _ = black_box(geometry.quantised(operation, x, kernel, y, &requantisation));
        },
    );
    let requantisation = Requantisation::<Wide> {
        bias: None,
        scales: &[SCALE],
        quantisation: Quantisation::new(0, 0),
    };
    layer(
        "run-time quantised conv transpose, i16",
        [1_i16; 54],
        [0_i16; 144],
        |y, x| {
            let operation = QuantOperation::ConvTranspose;
            let _ = black_box(geometry.quantised(operation, y, kernel, x, &requantisation));
        },
    );
    let Ok(each) = Geometry::direct([axis; 2], black_box([6; 2]), 4, 4, 4) else {
        return report("geometry", None);
    };
    layer("run-time average pool", [1_i8; 144], [0_i8; 36], |x, y| {
        let _ = black_box(each.pool(PoolOperation::Average, x, y, i8::MIN, i8::MAX));
    });
}

fn streams() {
    let mut rows = Stream::quantised(&DOUBLE, [[[0_i8; 4]; 6]; 3]);
    layer(
        "stream of rows, quantised",
        [[1_i8; 4]; 6],
        [[0_i8; 6]; 3],
        |x, y| {
            for row in rows.push(x) {
                *y = row;
            }
        },
    );
    let mut samples = Stream::quantised(&SAMPLES, [[0_i16; 4]; 3]);
    layer(
        "stream of samples, quantised",
        [1_i16; 4],
        [0_i16; 6],
        |x, y| {
            for sample in samples.push(*x) {
                *y = sample;
            }
        },
    );
    let mut pooled = Stream::pool(&AVERAGE, [[[0_i8; 4]; 6]; 2]);
    layer(
        "stream of rows, average pool",
        [[1_i8; 4]; 6],
        [[0_i8; 4]; 3],
        |x, y| {
            for row in pooled.push(x) {
                *y = row;
            }
        },
    );
    let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, 1));
    let kernel = [1_i8, 2, 1];
    let mut history = [0_i8; 8];
    let stream = Geometry::direct([axis], [16], 1, 1, 1)
        .and_then(|map| SliceStream::conv(&map, &kernel, &mut history, finish::raw::<i32>()));
    let Ok(mut stream) = stream else {
        return report("stream", None);
    };
    layer("stream of samples, run-time", [1_i8], [0_i32], |x, y| {
        if let Ok(mut due) = stream.push(x) {
            let _ = black_box(due.write_next(y));
        }
    });
}
