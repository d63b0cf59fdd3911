//! Arrays: every way to cut a signal, constants, quantised layers, what pads must not touch.

use conv_core::finish::{self, Finish, raw};
use conv_core::pool::{AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d};
use conv_core::quantised::{
    Int4Depthwise, QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d,
    QuantDepthwise1d, QuantDepthwise2d, QuantDepthwiseTranspose1d, QuantDepthwiseTranspose2d,
    Quantisation,
};
use conv_core::requantise::{Double as Double32, Multiplier, Single, Wide};
use conv_core::stream::{Frame, Layer, Outputs, Stream};
use conv_core::{AxisError, Dimension, Error, Window1d, Window2d, window1d, window2d};
use conv_vectors::random::{Draw, Lcg};

/// Pushes `signal` in blocks of each length, and singly, and with outputs dropped before a reset; each time the
/// outputs are `expected`.
fn every_cut<L, H, P>(
    mut stream: Stream<L, H, P>,
    signal: &[<L::Frame as Frame<H, P>>::Row],
    padding: usize,
    expected: &[P],
    blank: P,
) where
    L: Layer<H, P>,
    P: Copy + PartialEq + std::fmt::Debug,
{
    for block in 1..=signal.len() {
        for input in signal.iter().take(block) {
            let _: Outputs<'_, L, H, P> = stream.push(L::Frame::input(input));
        }
        stream.reset();
        let mut found = vec![blank; expected.len()];
        let mut count = 0;
        for part in signal.chunks(block) {
            let promised = stream.outputs_of(part.len());
            if promised > 0 {
                let before = found.clone();
                let short = count + promised - 1;
                let error = stream
                    .push_block(part, &mut found[count..short])
                    .unwrap_err();
                let (needed, available) = (promised, promised - 1);
                assert_eq!(error, Error::Capacity { needed, available });
                assert_eq!(found, before);
            }
            assert_eq!(stream.push_block(&[], &mut []), Ok(0));
            let written = stream.push_block(part, &mut found[count..]);
            assert_eq!(written, Ok(promised));
            count += promised;
        }
        let tail = stream.flush_padded(padding).expect("legal");
        assert!(tail.len() <= Stream::<L, H, P>::FLUSH_OUTPUTS + padding);
        found.truncate(count);
        found.extend(tail);
        assert_eq!(found, expected, "in blocks of {block}");
        assert_eq!(stream.flush().len(), 0, "nothing begun, nothing to end");
    }
    let mut most = 0;
    for input in signal {
        most = stream.push(L::Frame::input(input)).len().max(most);
    }
    assert_eq!(most, Stream::<L, H, P>::OUTPUTS, "outputs of one push");
    assert_eq!(size_of_val(&stream), Stream::<L, H, P>::STATE_BYTES);
}

fn drawn<T: Draw, const N: usize>(seed: u32) -> [T; N] {
    let mut random = Lcg::new(seed);
    std::array::from_fn(|_| random.draw())
}

fn picture(seed: u32) -> [[[i8; 2]; 6]; 7] {
    let mut random = Lcg::new(seed);
    [(); 7].map(|()| [(); 6].map(|()| [(); 2].map(|()| random.draw())))
}

/// A signal of one channel through both operations: `name: settings; kernel, signal, direct output, its
/// least history; transposed output, its least history, output padding`.
macro_rules! signals {
    ($($name:ident: [$($settings:tt)*] $taps:literal, $length:literal -> $direct:literal, $history:literal;
        $transposed:literal, $remembered:literal, $padding:literal;)*) => {$(
        mod $name {
            use super::*;

            window1d! { struct M: $($settings)* }

            #[test]
            fn integers() {
                let (kernel, signal) = (drawn::<i8, $taps>(1), drawn::<i8, $length>(2));
                let mut expected = [0_i32; $direct];
                M::conv(&signal, &kernel, &mut expected);
                let stream = Stream::conv_1d(M, &kernel, raw::<i32>(), [7_i8; $history]);
                every_cut(stream, &signal, 0, &expected, 0);
                let stream = Stream::conv_1d(M, &kernel, raw::<i32>(), [7_i8; $history + 5]);
                every_cut(stream, &signal, 0, &expected, 0);

                let mut expected = [0_i32; $transposed];
                M::conv_transpose(&signal, &kernel, &mut expected);
                let stream = Stream::conv_transpose_1d(M, &kernel, raw::<i32>(), [7_i8; $remembered]);
                every_cut(stream, &signal, $padding, &expected, 0);
            }

            #[test]
            fn least_histories() {
                let kernel = [1_i8; $taps];
                let direct = Stream::conv_1d(M, &kernel, raw::<i32>(), [0_i8; $history]);
                let transposed = Stream::conv_transpose_1d(M, &kernel, raw::<i32>(), [0_i8; $remembered]);
                fn least<L: Layer<H, i32>, H>(_: &Stream<L, H, i32>) -> usize {
                    Stream::<L, H, i32>::HISTORY
                }
                assert_eq!([least(&direct), least(&transposed)], [$history, $remembered]);
            }

            #[test]
            fn depthwise_floats() {
                let kernel = drawn::<i8, $taps>(3).map(|w| [f32::from(w) / 7.0, 0.3, 1e9]);
                let signal = drawn::<i8, $length>(4).map(|x| [0.1, f32::from(x) / 3.0, -1e-9]);
                let mut expected = [[0_f32; 3]; $direct];
                M::depthwise(&signal, &kernel, &mut expected);
                let stream = Stream::depthwise_1d(M, &kernel, raw::<f32>(), [[0_f32; 3]; $history]);
                every_cut(stream, &signal, 0, &expected, [0.0; 3]);
                let mut expected = [[0_f32; 3]; $transposed];
                M::depthwise_transpose(&signal, &kernel, &mut expected);
                let stream = Stream::depthwise_transpose_1d(M, &kernel, raw::<f32>(), [[0_f32; 3]; $remembered]);
                every_cut(stream, &signal, $padding, &expected, [0.0; 3]);
            }
        }
    )*};
}
signals! {
    plain: [stride 1] 3, 8 -> 6, 3; 10, 3, 0;
    causal: [dilation 2, padding Causal] 3, 9 -> 9, 5; 9, 5, 0;
    decimator: [stride 3, pad_before 2, pad_after 1] 5, 11 -> 4, 5; 33, 2, 1;
    same: [padding SameUpper] 4, 7 -> 7, 4; 7, 4, 0;
    flipped: [stride 2, flip, pad 1] 4, 10 -> 5, 4; 20, 2, 0;
    sparse: [stride 3, pad_after 2] 1, 7 -> 3, 1; 18, 2, 1;
    cropped: [pad_before (-1), pad_after (-2)] 2, 8 -> 4, 4; 12, 2, 0;
    early: [pad_before 4, pad_after 0] 2, 6 -> 9, 2; 3, 2, 0;
}

window2d! { struct Half: stride 2, pad_before (1, 0), pad_after (0, 1) }
window2d! { struct Grouped: dilation (2, 1), pad 1, groups 2 }
window2d! { struct Double: stride (2, 3), pad (1, 0) }

#[test]
fn images_with_a_finish() {
    let kernel = [[[[1_i8, -2], [3, 4], [5, 6]], [[-7, 8], [9, 1], [2, -3]]]; 3];
    let image: [[[i8; 2]; 6]; 7] = picture(5);
    let step = || finish::bias(&[100, -5, 7]).relu().to_q7(3);
    let mut expected = [[[0_i8; 3]; 3]; 4];
    Half::conv_with(&image, &kernel, &mut expected, step());
    let stream = Stream::conv_2d(Half, &kernel, step(), [[[0_i8; 2]; 6]; 2]);
    every_cut(stream, &image, 0, &expected, [[0; 3]; 3]);

    let step = || finish::bias(&[1, -1]).to_q7(2);
    let kernel = [[[[1_i8], [3], [5]], [[-7], [9], [2]], [[4], [4], [-1]]]; 2];
    let mut expected = [[[0_i8; 2]; 6]; 5];
    Grouped::conv_with(&image, &kernel, &mut expected, step());
    let stream = Stream::conv_2d(Grouped, &kernel, step(), [[[0_i8; 2]; 6]; 6]);
    every_cut(stream, &image, 0, &expected, [[0; 2]; 6]);

    let kernel = [[
        [[1_i8, -2, 3], [3, 4, 5]],
        [[5, 6, 7], [-7, 8, 9]],
        [[1, 0, 1], [-9, 5, 2]],
    ]; 2];
    let mut expected = [[[0_i32; 3]; 17]; 14];
    Double::conv_transpose(&image, &kernel, &mut expected);
    let stream = Stream::conv_transpose_2d(Double, &kernel, raw::<i32>(), [[[0_i8; 2]; 6]; 2]);
    every_cut(stream, &image, 1, &expected, [[0; 3]; 17]);
}

const SCALES: [Multiplier; 2] = [
    Multiplier::from_scales(0.02, 0.01, 0.05).unwrap(),
    Multiplier::from_scales(0.02, 0.03, 0.05).unwrap(),
];
const QUANTISATION: Quantisation = Quantisation::new(-5, 3).with_clamp(-100, 90);
type Kernel<const KW: usize> = [[[[i8; 2]; KW]; 3]; 2];
static CONV: QuantConv2d<Half, i8, Kernel<3>, Double32, 2> = QuantConv2d::new(
    [
        [
            [[1, -2], [3, 4], [5, 6]],
            [[-7, 8], [9, 1], [2, -3]],
            [[7, 7], [-8, 1], [2, 2]],
        ],
        [
            [[9, 5], [-3, -4], [1, 0]],
            [[1, 2], [3, 4], [-5, 6]],
            [[0, 7], [8, -9], [-1, 2]],
        ],
    ],
    [100, -300],
    SCALES,
    QUANTISATION,
);
static DEPTHWISE: QuantDepthwise2d<Half, i8, [[[i8; 2]; 3]; 3], Single, 2> = QuantDepthwise2d::new(
    [
        [[1, -2], [3, 4], [5, 6]],
        [[-7, 8], [9, 1], [2, -3]],
        [[7, 7], [-8, 1], [2, 2]],
    ],
    [10, -30],
    SCALES,
    QUANTISATION,
);
static UP: QuantConvTranspose2d<Double, i8, Kernel<2>, Double32, 2> = QuantConvTranspose2d::new(
    [
        [[[1, -2], [3, 4]], [[5, 6], [-7, 8]], [[9, 1], [2, -3]]],
        [[[9, 5], [-3, -4]], [[1, 0], [1, 2]], [[3, 4], [-5, 6]]],
    ],
    [100, -300],
    SCALES,
    QUANTISATION,
);

#[test]
fn quantised_layers() {
    let image: [[[i8; 2]; 6]; 7] = picture(9);
    let mut expected = [[[0_i8; 2]; 3]; 3];
    CONV.run(&image, &mut expected, &mut CONV.scratch());
    every_cut(
        Stream::quantised(&CONV, [[[0_i8; 2]; 6]; 3]),
        &image,
        0,
        &expected,
        [[0; 2]; 3],
    );
    DEPTHWISE.run(&image, &mut expected, &mut DEPTHWISE.scratch());
    every_cut(
        Stream::quantised(&DEPTHWISE, [[[0_i8; 2]; 6]; 4]),
        &image,
        0,
        &expected,
        [[0; 2]; 3],
    );
    let mut expected = [[[0_i8; 2]; 17]; 14];
    UP.run(&image, &mut expected, &mut UP.scratch());
    every_cut(
        Stream::quantised(&UP, [[[0_i8; 2]; 6]; 2]),
        &image,
        1,
        &expected,
        [[0; 2]; 17],
    );
    assert_ne!(expected[0], expected[1]);
}

static UP_EACH: QuantDepthwiseTranspose2d<Double, i8, [[[i8; 4]; 2]; 3], Single, 2> =
    QuantDepthwiseTranspose2d::new(
        [
            [[1, -2, 3, 4], [5, 6, -7, 8]],
            [[9, 1, 2, -3], [9, 5, -3, -4]],
            [[1, 0, 1, 2], [3, 4, -5, 6]],
        ],
        [100, -300],
        SCALES,
        QUANTISATION,
    );

#[test]
fn quantised_depthwise_transposed() {
    let image: [[[i8; 2]; 6]; 7] = picture(10);
    let image = image.map(|row| row.map(|[a, b]| [a, b, b, a]));
    let mut expected = [[[0_i8; 2]; 17]; 14];
    UP_EACH.run(&image, &mut expected, &mut UP_EACH.scratch());
    every_cut(
        Stream::quantised(&UP_EACH, [[[0_i8; 4]; 6]; 2]),
        &image,
        1,
        &expected,
        [[0; 2]; 17],
    );
}

window1d! { struct Decimate: stride 2, dilation 2, pad_before 3, pad_after 1 }
window1d! { struct Interpolate: stride 3, pad 1 }

static SAMPLES: QuantConv1d<Decimate, i8, [[[i8; 2]; 3]; 2], Double32, 2> = QuantConv1d::new(
    [[[1, -2], [3, 4], [5, 6]], [[-7, 8], [9, 1], [2, -3]]],
    [100, -300],
    SCALES,
    QUANTISATION,
);
static EACH: QuantDepthwise1d<Decimate, i8, Int4Depthwise<4, 3, 1, 6>, Single, 4> =
    QuantDepthwise1d::packed(
        Int4Depthwise([0x2f, 0x08, 0x71, 0x3c, 0x99, 0xe5]),
        [10, -30, 50, 0],
        [SCALES[0]; 4],
        QUANTISATION,
    );
static BACK: QuantConvTranspose1d<Interpolate, i16, [[[i8; 2]; 5]; 3], Wide, 3> =
    QuantConvTranspose1d::wide(
        [
            [[1, -2], [3, 4], [5, 6], [-7, 8], [9, 1]],
            [[2, -3], [9, 5], [-3, -4], [1, 0], [1, 2]],
            [[3, 4], [-5, 6], [127, -128], [0, 1], [1, 1]],
        ],
        [100, -300, 1 << 20],
        [SCALES[0]; 3],
        Quantisation::new(0, 0).with_clamp(-3000, 5000),
    );
static BACK_EACH: QuantDepthwiseTranspose1d<Interpolate, i8, [[i8; 2]; 5], Double32, 2> =
    QuantDepthwiseTranspose1d::new(
        [[1, -2], [3, 4], [5, 6], [-7, 8], [9, 1]],
        [7, -7],
        SCALES,
        QUANTISATION,
    );

/// Signals and one-row images of the same layer give the same, and so do streams of samples.
#[test]
fn quantised_signals() {
    let signal: [[i8; 2]; 6] = picture(11)[0];
    let mut expected = [[0_i8; 2]; 3];
    SAMPLES.run(&signal, &mut expected, &mut SAMPLES.scratch());
    every_cut(
        Stream::quantised(&SAMPLES, [[0_i8; 2]; 5]),
        &signal,
        0,
        &expected,
        [0; 2],
    );
    let mut expected = [[0_i8; 4]; 3];
    EACH.run(&signal, &mut expected, &mut EACH.scratch());
    every_cut(
        Stream::quantised(&EACH, [[0_i8; 2]; 7]),
        &signal,
        0,
        &expected,
        [0; 4],
    );
    let wide = signal.map(|sample| sample.map(|x| i16::from(x) * 255));
    let mut expected = [[0_i16; 3]; 19];
    BACK.run(&wide, &mut expected, &mut BACK.scratch());
    every_cut(
        Stream::quantised(&BACK, [[0_i16; 2]; 2]),
        &wide,
        1,
        &expected,
        [0; 3],
    );
    let mut expected = [[0_i8; 2]; 18];
    BACK_EACH.run(&signal, &mut expected, &mut BACK_EACH.scratch());
    every_cut(
        Stream::quantised(&BACK_EACH, [[0_i8; 2]; 2]),
        &signal,
        0,
        &expected,
        [0; 2],
    );
}

window2d! { struct Pooled: stride (2, 1), pad (1, 0) }
window1d! { struct Pairs: stride 2, pad_after 1 }

#[test]
fn pools() {
    static AVERAGE: AveragePool2d<Pooled, i8, 3, 2> = AveragePool2d::with_clamp(-100, 90);
    static GREATEST: MaxPool2d<Pooled, i8, 3, 2> = MaxPool2d::new();
    let image: [[[i8; 2]; 6]; 7] = picture(12);
    let mut expected = [[[0_i8; 2]; 5]; 4];
    AVERAGE.run(&image, &mut expected);
    let blank = [[0_i8; 2]; 5];
    every_cut(
        Stream::pool(&AVERAGE, [[[0_i8; 2]; 6]; 3]),
        &image,
        0,
        &expected,
        blank,
    );
    GREATEST.run(&image, &mut expected);
    every_cut(
        Stream::pool(&GREATEST, [[[0_i8; 2]; 6]; 5]),
        &image,
        0,
        &expected,
        blank,
    );
    static MEAN: AveragePool1d<Pairs, f32, 2> = AveragePool1d::new();
    static TOP: MaxPool1d<Pairs, f32, 2> = MaxPool1d::new();
    let signal = [0.1_f32, 0.7, -3.0, 1e9, f32::NEG_INFINITY, 2.0, 0.3];
    let mut expected = [0_f32; 4];
    MEAN.run(&signal, &mut expected);
    every_cut(
        Stream::pool(&MEAN, [0_f32; 2]),
        &signal,
        0,
        &expected,
        0_f32,
    );
    TOP.run(&signal, &mut expected);
    assert_eq!(expected, [0.7, 1e9, 2.0, 0.3]);
    every_cut(Stream::pool(&TOP, [0_f32; 2]), &signal, 0, &expected, 0_f32);
}

window1d! { struct Padded: pad 1 }

/// Padded taps are not multiplied: an infinite weight does not meet the pads' zeros.
#[test]
fn pads_are_not_multiplied() {
    let kernel = [f32::INFINITY, 1.0, f32::NAN];
    let mut stream = Stream::conv_1d(Padded, &kernel, raw::<f32>(), [0_f32; 3]);
    assert!(stream.push(1.0).next().is_none());
    let first: f32 = stream.push(2.0).next().expect("due");
    assert!(first.is_nan());
    let last = stream.flush().next().expect("due");
    assert_eq!(last, f32::INFINITY);
}

/// Counters stay small: after many inputs a stream is as one that began a few inputs ago.
#[test]
fn a_long_run() {
    window1d! { struct Resample: stride 3, pad_before 2 }
    let kernel = drawn::<i8, 4>(6);
    let mut stream = Stream::conv_1d(Resample, &kernel, raw::<i32>(), [0_i8; 7]);
    let mut random = Lcg::new(7);
    let mut last = [0_i8; 4];
    let mut next = 1; // the last input of output 0
    for index in 0..200_000 {
        let sample = random.draw::<i8>();
        last.rotate_left(1);
        last[3] = sample;
        let output = stream.push(sample).next();
        let expected: i32 = last
            .iter()
            .zip(&kernel)
            .map(|(&x, &w)| i32::from(x) * i32::from(w))
            .sum();
        match index == next {
            true => {
                assert_eq!(output, Some(expected));
                next += 3;
            }
            false => assert_eq!(output, None),
        }
    }
    assert_eq!(next, 199_999 + 3);
}

#[test]
fn output_padding_has_a_limit() {
    window1d! { struct Up: stride 2 }
    let mut stream = Stream::conv_transpose_1d(Up, &[1_i8, 2], raw::<i32>(), [0_i8; 1]);
    assert_eq!(stream.push(3).collect::<Vec<i32>>(), [3, 6]);
    let error = AxisError::OutputPadding { limit: 2, found: 2 };
    let dimension = Dimension::Length;
    let wrong = Error::Axis { dimension, error };
    assert_eq!(stream.flush_padded(2).map(|_| ()), Err(wrong));
    // Nothing was done: the signal can still be ended.
    assert_eq!(
        stream.flush_padded(1).expect("legal").collect::<Vec<_>>(),
        [0]
    );
}
