//! Quantised layers: every kind, kernel, activation and rounding; layers in flash and their run-time form.

use core::hint::black_box;

use conv_core::quantised::{
    Activation, Int4, Int4Depthwise, Int4Kernel, QuantConv1d, QuantConv2d, QuantConvTranspose1d,
    QuantConvTranspose2d, QuantDepthwise1d, QuantDepthwise2d, QuantDepthwiseTranspose1d,
    QuantDepthwiseTranspose2d, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway,
};
use conv_core::{Axis, Error, Geometry, window1d, window2d};

use crate::data::{Data, Sink, given};

window2d! { struct Half: stride 2, pad 1 }
window1d! { struct HalfSignal: stride 2, pad 1 }

const SCALE: Multiplier = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();
const ZERO_POINTS: Quantisation = Quantisation::new(3, -5).with_clamp(-100, 90);

/// Kernels of 3 × 3 taps from 2 channels to 3, depthwise ones of 2 channels, and both packed.
type Full = [[[[i8; 2]; 3]; 3]; 3];
type Each = [[[i8; 2]; 3]; 3];
type FullPacked = Int4Kernel<2, 3, 3, 3, 27>;
type EachPacked = Int4Depthwise<2, 3, 3, 9>;
/// The same of 3 taps on signals.
type Row = [[[i8; 2]; 3]; 3];
type RowPacked = Int4Kernel<2, 3, 1, 3, 9>;
type RowEach = [[i8; 2]; 3];

const FULL: Full = [[[[7, -3]; 3]; 3], [[[1, 2]; 3]; 3], [[[-128, 5]; 3]; 3]];
const EACH: Each = [[[4, -9]; 3]; 3];
const FULL_PACKED: FullPacked = Int4Kernel([0x7a; 27]);
const EACH_PACKED: EachPacked = Int4Depthwise([0x3d; 9]);
const ROW: Row = [[[7, -3]; 3], [[1, 2]; 3], [[-128, 5]; 3]];
const ROW_PACKED: RowPacked = Int4Kernel([0x7a; 9]);
const ROW_EACH: RowEach = [[4, -9]; 3];

pub fn all(sink: &mut Sink) {
    conv_double(sink);
    conv_single(sink);
    conv_half_even(sink);
    conv_wide(sink);
    conv_packed(sink);
    depthwise_double(sink);
    depthwise_wide(sink);
    depthwise_packed(sink);
    transpose_single(sink);
    transpose_wide(sink);
    transpose_packed(sink);
    depthwise_transpose(sink);
    depthwise_transpose_wide(sink);
    signal(sink);
    signal_packed(sink);
    signal_depthwise(sink);
    signal_transpose(sink);
    signal_depthwise_transpose(sink);

    run_time::<i8, i8, Double>(sink, SCALE);
    run_time::<u8, u8, Single>(sink, SCALE);
    run_time::<i8, u8, HalfEven>(sink, 0.004);
    run_time::<i16, i16, Wide>(sink, SCALE);
    run_time::<i16, i16, WideHalfAway>(sink, 0.004);
    multipliers(sink);
    nibbles(sink);
}

/// The contracts that were added after the hash of [`all`] was committed.
pub fn later(sink: &mut Sink) {
    conv_float_half_even(sink);
    conv_wide_double(sink);
    for value in [i32::MIN, -77, 0, 1_000_000, i32::MAX] {
        let value = black_box(value);
        sink.value(&FloatHalfEven::requantise(
            value,
            black_box(0.37),
            3,
            -128,
            127,
        ));
        let long = i64::from(value) << 8;
        sink.value(&WideDouble::requantise(
            long,
            black_box(SCALE),
            3,
            -128,
            127,
        ));
    }
}

/// Defines a layer in flash and a function that runs it for each line: images of 5 × 6 pixels to 3 × 3, signals of 6 samples
/// to 3, and back where the layer is transposed.
macro_rules! layers {
    ($(
        $name:ident: $layer:ident<$window:ident, $activation:ty, $kernel:ty, $rounding:ty, $channels:literal>,
        $new:ident($weights:expr, $bias:literal, $scale:expr), $input:ty => $output:ty;
    )*) => {$(
        #[inline(never)]
        fn $name(sink: &mut Sink) {
            static LAYER: $layer<$window, $activation, $kernel, $rounding, $channels> =
                $layer::$new($weights, [$bias; $channels], [$scale; $channels], ZERO_POINTS);
            let mut output: $output = given();
            black_box(&LAYER).run(&given::<$input>(), &mut output, &mut LAYER.scratch());
            sink.data(&output);
        }
    )*};
}

layers! {
    conv_double: QuantConv2d<Half, i8, Full, Double, 3>,
        new(FULL, 40, SCALE), [[[i8; 2]; 6]; 5] => [[[i8; 3]; 3]; 3];
    conv_single: QuantConv2d<Half, u8, Full, Single, 3>,
        new(FULL, -40, SCALE), [[[u8; 2]; 6]; 5] => [[[i16; 3]; 3]; 3];
    conv_half_even: QuantConv2d<Half, i8, Full, HalfEven, 3>,
        new(FULL, 7, 0.004), [[[i8; 2]; 6]; 5] => [[[i8; 3]; 3]; 3];
    conv_float_half_even: QuantConv2d<Half, i8, Full, FloatHalfEven, 3>,
        new(FULL, 7, 0.004), [[[i8; 2]; 6]; 5] => [[[i8; 3]; 3]; 3];
    conv_wide_double: QuantConv2d<Half, i16, Full, WideDouble, 3>,
        wide(FULL, 1_000_000, SCALE), [[[i16; 2]; 6]; 5] => [[[i16; 3]; 3]; 3];
    conv_wide: QuantConv2d<Half, i16, Full, Wide, 3>,
        wide(FULL, 1_000_000, SCALE), [[[i16; 2]; 6]; 5] => [[[i16; 3]; 3]; 3];
    conv_packed: QuantConv2d<Half, i8, FullPacked, Double, 3>,
        packed(FULL_PACKED, 40, SCALE), [[[i8; 2]; 6]; 5] => [[[i8; 3]; 3]; 3];
    depthwise_double: QuantDepthwise2d<Half, i8, Each, Double, 2>,
        new(EACH, 40, SCALE), [[[i8; 2]; 6]; 5] => [[[i8; 2]; 3]; 3];
    depthwise_wide: QuantDepthwise2d<Half, i16, Each, Wide, 2>,
        wide(EACH, 40, SCALE), [[[i16; 2]; 6]; 5] => [[[i16; 2]; 3]; 3];
    depthwise_packed: QuantDepthwise2d<Half, u8, EachPacked, Single, 2>,
        packed(EACH_PACKED, 40, SCALE), [[[u8; 2]; 6]; 5] => [[[i8; 2]; 3]; 3];
    transpose_single: QuantConvTranspose2d<Half, i8, Full, Single, 3>,
        new(FULL, 40, SCALE), [[[i8; 2]; 3]; 3] => [[[i8; 3]; 6]; 5];
    transpose_wide: QuantConvTranspose2d<Half, i16, Full, Wide, 3>,
        wide(FULL, 40, SCALE), [[[i16; 2]; 3]; 3] => [[[i16; 3]; 6]; 5];
    transpose_packed: QuantConvTranspose2d<Half, i8, FullPacked, Double, 3>,
        packed(FULL_PACKED, 40, SCALE), [[[i8; 2]; 3]; 3] => [[[i8; 3]; 6]; 5];
    depthwise_transpose: QuantDepthwiseTranspose2d<Half, i8, Each, Double, 1>,
        new(EACH, 40, SCALE), [[[i8; 2]; 3]; 3] => [[[i8; 1]; 6]; 5];
    depthwise_transpose_wide: QuantDepthwiseTranspose2d<Half, i16, Each, Wide, 2>,
        wide(EACH, 40, SCALE), [[[i16; 2]; 3]; 3] => [[[i16; 2]; 6]; 5];
    signal: QuantConv1d<HalfSignal, i8, Row, Double, 3>,
        new(ROW, 40, SCALE), [[i8; 2]; 6] => [[i8; 3]; 3];
    signal_packed: QuantConv1d<HalfSignal, u8, RowPacked, HalfEven, 3>,
        packed(ROW_PACKED, 40, 0.004), [[u8; 2]; 6] => [[i8; 3]; 3];
    signal_depthwise: QuantDepthwise1d<HalfSignal, i16, RowEach, Wide, 2>,
        wide(ROW_EACH, 40, SCALE), [[i16; 2]; 6] => [[i16; 2]; 3];
    signal_transpose: QuantConvTranspose1d<HalfSignal, i16, Row, Wide, 3>,
        wide(ROW, 40, SCALE), [[i16; 2]; 3] => [[i16; 3]; 6];
    signal_depthwise_transpose: QuantDepthwiseTranspose1d<HalfSignal, i8, RowEach, Single, 2>,
        new(ROW_EACH, 40, SCALE), [[i8; 2]; 3] => [[i8; 2]; 6];
}

/// Images of 5 × 6 pixels of 2 channels to 3 × 3 of 2, in as many groups.
#[inline(never)]
fn map(groups: usize) -> Result<Geometry<2>, Error> {
    let axis = black_box(Axis::new(3).with_stride(2).with_pads(1, 1));
    Geometry::direct([axis; 2], black_box([5, 6]), 2, 2, black_box(groups))
}

/// Each operation with plain and packed weights; one call of each has too few scales.
#[inline(never)]
fn run_time<T, O, R>(sink: &mut Sink, scale: R::Scale)
where
    T: Activation + Data,
    O: Activation + Data,
    R: Rounding<Accumulator: conv_core::quantised::Accumulate + Data>,
{
    let scales = black_box([scale; 2]);
    let bias: [R::Accumulator; 2] = given();
    for count in [2, 1, 0] {
        let requantisation = Requantisation::<R> {
            bias: Some(&bias),
            scales: scales.get(..black_box(count)).unwrap_or_default(),
            quantisation: Quantisation::new(black_box(1), black_box(2)),
        };
        for (operation, groups, weights) in [
            (QuantOperation::Conv, 1, 36),
            (QuantOperation::Depthwise, 2, 18),
            (QuantOperation::ConvTranspose, 1, 36),
            (QuantOperation::DepthwiseTranspose, 2, 18),
        ] {
            let operation = black_box(operation);
            let kernel: [i8; 36] = given();
            let kernel = kernel.get(..black_box(weights)).unwrap_or_default();
            let packed: [u8; 18] = given();
            let packed = packed.get(..black_box(weights / 2)).unwrap_or_default();
            let (input, mut output): ([T; 60], [O; 60]) = (given(), given());
            let (read, written) = match operation {
                QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => (18, 60),
                _ => (60, 18),
            };
            let input = input.get(..read).unwrap_or_default();
            let result = map(groups).and_then(|map| {
                let output = output.get_mut(..written).unwrap_or_default();
                map.quantised(operation, input, kernel, output, &requantisation)
            });
            sink.value(&result);
            let result = map(groups).and_then(|map| {
                let output = output.get_mut(..written).unwrap_or_default();
                let kernel = Int4::new(packed, weights)?;
                map.quantised(operation, input, kernel, output, &requantisation)
            });
            sink.value(&result);
            sink.data(&output);
        }
    }
}

#[inline(never)]
fn multipliers(sink: &mut Sink) {
    for scale in [
        0.004,
        0.0,
        -1.0,
        1e-30,
        3e9,
        f64::NAN,
        f64::INFINITY,
        1e-320,
    ] {
        sink.value(&Multiplier::from_scale(black_box(scale)));
    }
    sink.value(&Multiplier::from_scales(
        black_box(0.5),
        black_box(0.25),
        black_box(0.0),
    ));
    for shift in [-31, -2, 0, 7, 30] {
        let scale = black_box(Multiplier {
            multiplier: 1_518_500_250,
            shift,
        });
        for value in [i32::MIN, -77, 0, 1_000_000, i32::MAX] {
            let value = black_box(value);
            sink.value(&Double::requantise(value, scale, 3, -128, 127));
            sink.value(&Single::requantise(value, scale, 3, -128, 127));
            sink.value(&Wide::requantise(
                i64::from(value) << 20,
                scale,
                3,
                -128,
                127,
            ));
            sink.value(&HalfEven::requantise(value, black_box(0.37), 3, -128, 127));
            sink.value(&HalfAway::requantise(value, black_box(0.37), 3, -128, 127));
            let long = i64::from(value) << 30;
            sink.value(&WideHalfAway::requantise(
                long,
                black_box(1e-9),
                3,
                -128,
                127,
            ));
        }
    }
}

#[inline(never)]
fn nibbles(sink: &mut Sink) {
    for count in [18, 17, 36, 99] {
        match Int4::new(&black_box([0x7a; 9]), black_box(count)) {
            Ok(weights) => weights.iter().for_each(|weight| sink.value(&weight)),
            Err(error) => sink.value(&error),
        }
    }
}
