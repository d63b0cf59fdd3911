//! Streams of shapes known at run time against the batch operation, bit for bit: maps, quantised layers, pooling; and
//! streams along absurd axes, which are an error or run.
#![no_main]

#[path = "../../../crates/conv-core/tests/stream/small.rs"]
mod small;

use conv_core::finish::raw;
use conv_core::pool::PoolOperation;
use conv_core::requantise::{Double, Single, Wide};
use conv_core::stream::SliceStream;
use conv_core::{Axis, Geometry};
use conv_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

use small::{check, check_pool, check_quantised};

fuzz_target!(|bytes: &[u8]| {
    let choices = &mut Choices::new(bytes);
    let run = choices.below(16);
    if run == 0 {
        return absurd(choices);
    }
    let axes = [choices.axis(), choices.axis()];
    let extents = [1 + choices.below(12), 1 + choices.below(6)];
    let groups = 1 + choices.below(3);
    let channels = (
        groups * (1 + choices.below(4)),
        groups * (1 + choices.below(4)),
        groups,
    );
    let (turn, mut data) = (choices.orientation(), choices.data());
    let signal = ([axes[0]], [extents[0]]);
    match run {
        1 => check::<i8, i8, i32, 1>(&mut data, signal.0, signal.1, channels, turn),
        2 => check::<i16, i16, i64, 1>(&mut data, signal.0, signal.1, channels, turn),
        3 => check::<f32, f32, f32, 1>(&mut data, signal.0, signal.1, channels, turn),
        4 => check::<i8, i8, i32, 2>(&mut data, axes, extents, channels, turn),
        5 => check::<u8, i8, i64, 2>(&mut data, axes, extents, channels, turn),
        6 => check::<f32, f32, f32, 2>(&mut data, axes, extents, channels, turn),
        7 => check::<f64, f64, f64, 2>(&mut data, axes, extents, channels, turn),
        8 => check_quantised::<i8, Double, i8, 1>(&mut data, signal.0, signal.1, channels, turn),
        9 => check_quantised::<i16, Wide, i16, 1>(&mut data, signal.0, signal.1, channels, turn),
        10 => check_quantised::<u8, Single, i8, 2>(&mut data, axes, extents, channels, turn),
        11 => check_quantised::<i8, Double, i8, 2>(&mut data, axes, extents, channels, turn),
        12 => check_pool::<i8, 1>(&mut data, signal.0, signal.1, groups),
        13 => check_pool::<f32, 1>(&mut data, signal.0, signal.1, groups),
        14 => check_pool::<u8, 2>(&mut data, axes, extents, groups),
        _ => check_pool::<i16, 2>(&mut data, axes, extents, groups),
    };
});

/// A stream along any axis, if its history fits: no push or flush panics, and counts of outputs hold.
fn absurd(choices: &mut Choices<'_>) {
    let axis = choices.absurd_axis();
    let (extent, output) = (choices.absurd(), choices.absurd());
    pooled(axis, extent);
    let transposed = choices.below(2) == 1;
    let geometry = match transposed {
        false => Geometry::direct([axis], [extent], 1, 1, 1),
        true => Geometry::transposed([axis], [extent], [output], 1, 1, 1),
    };
    let Ok(geometry) = geometry else { return };
    if geometry.kernel_elements() > 4096 {
        return;
    }
    let kernel = vec![2_i8; geometry.kernel_elements()];
    let mut history = [0_i8; 4096];
    let made = match transposed {
        false => SliceStream::conv(&geometry, &kernel, &mut history, raw::<i64>()),
        true => SliceStream::conv_transpose(&geometry, &kernel, &mut history, raw::<i64>()),
    };
    let Ok(mut stream) = made else { return };
    let (_, promised) = (stream.latency(), stream.outputs_of(choices.absurd()));
    let _ = promised;
    for _ in 0..choices.below(40) {
        let promised = stream.outputs_of(1);
        let mut due = stream.push(&[1]).expect("one sample");
        assert_eq!(due.remaining(), promised, "{geometry:?}");
        for _ in 0..50 {
            let before = due.remaining();
            let wrote = due.write_next(&mut [0]).expect("one sample");
            assert_eq!(wrote, before > 0, "{geometry:?}");
            assert_eq!(due.remaining(), before.saturating_sub(1), "{geometry:?}");
        }
    }
    let padding = choices.absurd();
    if let Ok(mut due) = stream.flush(padding) {
        for _ in 0..50 {
            let _ = due.write_next(&mut [0]).expect("one sample");
        }
    }
}

/// Pooling along any axis, if its history fits: an error, or a stream that runs.
fn pooled(axis: Axis, extent: usize) {
    let Ok(geometry) = Geometry::direct([axis], [extent], 1, 1, 1) else {
        return;
    };
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let mut history = [0_i8; 4096];
        let made = SliceStream::pool(&geometry, operation, &mut history, -100, 100);
        let Ok(mut stream) = made else { continue };
        for _ in 0..5 {
            let mut due = stream.push(&[7]).expect("one sample");
            let mut output = [0_i8];
            while due.write_next(&mut output).expect("one sample") {
                assert!((-100..=100).contains(&output[0]), "{geometry:?}");
            }
        }
        let _ = stream.flush(0).expect("direct").remaining();
    }
}
