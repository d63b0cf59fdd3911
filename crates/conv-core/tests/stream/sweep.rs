//! Every small shape at run time.

use conv_core::element::{Element, Multiply};
use conv_core::finish::raw;
use conv_core::pool::Pooled;
use conv_core::quantised::{Accumulate, Activation};
use conv_core::requantise::{Double, Multiplier, Rounding, Single, Wide};
use conv_core::stream::SliceStream;
use conv_core::{Axis, AxisError, Buffer, Dimension, Error, Geometry, Orientation};
use conv_vectors::guard::Dirt;
use conv_vectors::random::{Draw, Lcg, Spread};

use crate::small::{check, check_pool, check_quantised};

/// Channels of x, of y, groups: each of the engine's loops.
const CHANNELS: [(usize, usize, usize); 7] = [
    (1, 1, 1),
    (2, 3, 1),
    (1, 9, 1),
    (4, 2, 2),
    (3, 3, 3),
    (9, 18, 9),
    (3, 1, 1),
];

fn axes(least_pad: isize) -> Vec<Axis> {
    let mut axes = Vec::new();
    for kernel in 1..=4 {
        for stride in 1..=3 {
            for dilation in 1..=2 {
                for before in least_pad..=3 {
                    for after in least_pad..=3 {
                        let axis = Axis::new(kernel).with_stride(stride);
                        axes.push(axis.with_dilation(dilation).with_pads(before, after));
                    }
                }
            }
        }
    }
    axes
}

#[test]
fn every_small_signal() {
    let mut random = Lcg::new(1);
    let (mut cases, mut turn) = (0, 0);
    for axis in axes(-2) {
        for extent in [1, 2, 3, 4, 5, 6, 9] {
            turn += 1;
            let orientation = [Orientation::Correlation, Orientation::Convolution][turn % 2];
            for channels in [CHANNELS[0], CHANNELS[1 + turn % (CHANNELS.len() - 1)]] {
                let run = check::<i8, i8, i32, 1>;
                cases += run(&mut random, [axis], [extent], channels, orientation);
            }
        }
    }
    assert!(cases > 20_000, "{cases} cases");
}

#[test]
fn every_small_signal_of_floats() {
    let mut random = Lcg::new(2).spread(Spread::Full);
    let mut cases = 0;
    for (turn, axis) in axes(0).into_iter().enumerate() {
        for extent in [1, 3, 8] {
            let channels = CHANNELS[turn % CHANNELS.len()];
            let run = check::<f32, f32, f32, 1>;
            cases += run(
                &mut random,
                [axis],
                [extent],
                channels,
                Orientation::Correlation,
            );
        }
    }
    assert!(cases > 1_500, "{cases} cases");
}

fn planes<T, W, A>(seed: u32, count: usize)
where
    T: Multiply<W, A> + Draw + Dirt,
    W: Element + Draw,
    A: Element + Dirt,
{
    let axes = axes(-1);
    let mut random = Lcg::new(seed).spread(Spread::Full);
    let mut cases = 0;
    while cases < count {
        let pair = [0; 2].map(|_| axes[random.below(axes.len())]);
        let extents = [1 + random.below(9), 1 + random.below(5)];
        let channels = CHANNELS[random.below(CHANNELS.len())];
        let orientation = [Orientation::Correlation, Orientation::Convolution][random.below(2)];
        cases += check::<T, W, A, 2>(&mut random, pair, extents, channels, orientation);
    }
}

#[test]
fn images_row_by_row() {
    planes::<i8, i8, i32>(3, 12_000);
    planes::<u8, i8, i32>(4, 1_000);
    planes::<i16, i16, i64>(5, 1_000);
    planes::<f32, f32, f32>(6, 3_000);
    planes::<f64, f64, f64>(7, 1_000);
}

fn quantised<T, R, O>(seed: u32, signals: usize, images: usize)
where
    T: Activation + Draw + Dirt,
    R: Rounding<Scale = Multiplier, Accumulator: Accumulate>,
    O: Activation + Dirt,
{
    let axes = axes(-1);
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    let mut cases = 0;
    while cases < signals + images {
        let pair = [0; 2].map(|_| axes[random.below(axes.len())]);
        let extents = [1 + random.below(9), 1 + random.below(5)];
        let channels = CHANNELS[random.below(CHANNELS.len())];
        let turn = [Orientation::Correlation, Orientation::Convolution][random.below(2)];
        cases += if cases < signals {
            let (axis, extent) = ([pair[0]], [extents[0]]);
            check_quantised::<T, R, O, 1>(&mut random, axis, extent, channels, turn)
        } else {
            check_quantised::<T, R, O, 2>(&mut random, pair, extents, channels, turn)
        };
    }
}

#[test]
fn quantised_layers_sample_by_sample_and_row_by_row() {
    quantised::<i8, Double, i8>(9, 3_000, 3_000);
    quantised::<u8, Single, i8>(10, 1_000, 1_000);
    quantised::<i16, Double, i16>(11, 1_000, 1_000);
    quantised::<i16, Wide, i16>(12, 1_000, 1_000);
}

fn pools<T: Pooled + Draw + Dirt>(seed: u32, signals: usize, images: usize) {
    let axes = axes(-1);
    let mut random = Lcg::new(seed).spread(Spread::Extremes);
    let mut cases = 0;
    while cases < signals + images {
        let pair = [0; 2].map(|_| axes[random.below(axes.len())]);
        let extents = [1 + random.below(9), 1 + random.below(5)];
        let channels = 1 + random.below(4);
        cases += if cases < signals {
            check_pool::<T, 1>(&mut random, [pair[0]], [extents[0]], channels)
        } else {
            check_pool::<T, 2>(&mut random, pair, extents, channels)
        };
    }
}

#[test]
fn pooling_sample_by_sample_and_row_by_row() {
    pools::<i8>(13, 3_000, 3_000);
    pools::<u8>(14, 500, 500);
    pools::<i16>(15, 500, 500);
    pools::<f32>(16, 1_000, 1_000);
}

/// Pads and strides far beyond the kernel.
#[test]
fn far_pads() {
    let mut random = Lcg::new(8);
    let mut cases = 0;
    for (before, after) in [(7, 0), (0, 9), (6, 8), (-3, 9), (9, -3), (-5, -4)] {
        for stride in [1, 2, 5, 7] {
            for kernel in [1, 3] {
                for dilation in [1, 4] {
                    for extent in [1, 4, 20] {
                        let axis = Axis::new(kernel).with_stride(stride);
                        let axis = axis.with_dilation(dilation).with_pads(before, after);
                        let run = check::<i8, i8, i32, 1>;
                        let turn = Orientation::Convolution;
                        cases += run(&mut random, [axis], [extent], (2, 3, 1), turn);
                    }
                }
            }
        }
    }
    assert!(cases > 500, "{cases} cases");
}

/// A signal too short for one window: an error of the batch operation, no output here.
#[test]
fn too_short_a_signal_gives_nothing() {
    let geometry = Geometry::direct([Axis::new(4)], [4], 1, 1, 1).expect("legal");
    let (kernel, mut history) = ([1_i8; 4], [0_i8; 4]);
    let made = SliceStream::conv(&geometry, &kernel, &mut history, raw::<i32>());
    let mut stream = made.expect("legal");
    for length in 0..4 {
        for _ in 0..length {
            assert_eq!(stream.push(&[1]).expect("fits").remaining(), 0);
        }
        assert_eq!(stream.flush(0).expect("legal").remaining(), 0);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    let axis = Axis::new(3).with_stride(2);
    let geometry = Geometry::direct([axis; 2], [5, 4], 2, 1, 1).expect("legal");
    let kernel = [1_i8; 18];
    let mut history = [0_i8; 24];
    let made = SliceStream::conv(&geometry, &kernel, &mut history[1..], raw::<i32>());
    let error = made.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "history has 23 elements, expected 24");
    let made = SliceStream::conv(&geometry, &kernel[1..], &mut history, raw::<i32>());
    let buffer = Buffer::Kernel;
    let wrong = Error::Elements {
        buffer,
        expected: 18,
        found: 17,
    };
    assert_eq!(made.map(|_| ()), Err(wrong));

    let made = SliceStream::conv(&geometry, &kernel, &mut history, raw::<i32>());
    let mut stream = made.expect("legal");
    let buffer = Buffer::Input;
    let wrong = Error::Elements {
        buffer,
        expected: 8,
        found: 7,
    };
    assert_eq!(stream.push(&[1; 7]).map(|_| ()), Err(wrong));
    assert_eq!(stream.outputs_of(3), 1);
    for _ in 0..2 {
        assert_eq!(stream.push(&[1; 8]).expect("fits").remaining(), 0);
    }
    let mut due = stream.push(&[1; 8]).expect("fits");
    let mut output = [7_i32; 2];
    let buffer = Buffer::Output;
    let wrong = Error::Elements {
        buffer,
        expected: 1,
        found: 2,
    };
    assert_eq!(due.write_next(&mut output), Err(wrong));
    assert_eq!((output, due.remaining()), ([7; 2], 1));
    assert_eq!(due.write_next(&mut output[..1]), Ok(true));
    assert_eq!(output, [18, 7]);
    assert_eq!(due.write_next(&mut output[..1]), Ok(false));

    let error = AxisError::OutputPadding { limit: 1, found: 1 };
    let dimension = Dimension::Height;
    let wrong = Error::Axis { dimension, error };
    assert_eq!(stream.flush(1).map(|_| ()), Err(wrong));

    let far = Axis::new(1).with_pads(isize::MAX / 4, 0);
    let geometry = Geometry::direct([far], [1], 1, 1, 1).expect("legal");
    let made = SliceStream::conv(&geometry, &kernel[..1], &mut history, raw::<i32>());
    let dimension = Dimension::Length;
    let wrong = Error::Axis {
        dimension,
        error: AxisError::Overflow,
    };
    assert_eq!(made.map(|_| ()), Err(wrong));
}
