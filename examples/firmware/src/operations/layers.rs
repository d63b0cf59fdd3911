//! What stands between convolutions in a network: pooling, sums of feature maps, fully connected layers; and the
//! memory of the feature maps.

use core::hint::black_box;

use conv_core::add::{Affine, QuantAdd};
use conv_core::arena::{Arena, Maps, Then, Turns};
use conv_core::pool::{AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d, PoolOperation, Pooled};
use conv_core::quantised::{Activation, Int4Kernel, QuantFullyConnected, Quantisation};
use conv_core::requantise::{Double, HalfAway, Multiplier, Wide};
use conv_core::{Axis, Geometry, window1d, window2d};

use crate::data::{Number, Sink, given};

window2d! { struct Half: stride 2, pad 1 }
window1d! { struct HalfSignal: stride 2, pad 1 }

const SCALE: Multiplier = Multiplier::from_scales(0.02, 0.01, 0.05).unwrap();
const ZERO_POINTS: Quantisation = Quantisation::new(3, -5).with_clamp(-100, 90);

pub fn all(sink: &mut Sink) {
    average::<i8>(sink);
    average::<u8>(sink);
    average::<i16>(sink);
    average::<f32>(sink);
    greatest::<i8>(sink);
    greatest::<i16>(sink);
    greatest::<f64>(sink);
    add::<i8>(sink);
    add::<u8>(sink);
    add::<i16>(sink);
    fully_connected(sink);
    fully_connected_packed(sink);
    fully_connected_wide(sink);
    arena::<i8>(sink);
    arena::<i64>(sink);
}

#[inline(never)]
fn average<T: Pooled + Number>(sink: &mut Sink) {
    let mut output: [[[T; 2]; 3]; 3] = given();
    AveragePool2d::<Half, T, 3, 2>::new().run(&given::<[[[T; 2]; 4]; 5]>(), &mut output);
    sink.data(&output);
    let mut output: [[T; 2]; 3] = given();
    AveragePool1d::<HalfSignal, T, 3>::new().run(&given::<[[T; 2]; 5]>(), &mut output);
    sink.data(&output);
    run_time::<T>(sink, PoolOperation::Average);
}

#[inline(never)]
fn greatest<T: Pooled + Number>(sink: &mut Sink) {
    let mut output: [[[T; 2]; 3]; 3] = given();
    MaxPool2d::<Half, T, 3, 2>::new().run(&given::<[[[T; 2]; 4]; 5]>(), &mut output);
    sink.data(&output);
    let mut output: [[T; 2]; 3] = given();
    MaxPool1d::<HalfSignal, T, 3>::new().run(&given::<[[T; 2]; 5]>(), &mut output);
    sink.data(&output);
    run_time::<T>(sink, PoolOperation::Max);
}

/// A signal of 9 samples under 3 taps; with 7 after it, which leaves windows of padding alone.
#[inline(never)]
fn run_time<T: Pooled + Number>(sink: &mut Sink, operation: PoolOperation) {
    let input: [T; 9] = given();
    let mut output: [T; 5] = given();
    for pad in [1, 7] {
        let axis = Axis::new(black_box(3)).with_stride(2).with_pads(1, pad);
        match Geometry::direct([axis], [input.len()], 1, 1, 1) {
            Ok(geometry) => {
                let done = geometry.pool(operation, &input, &mut output, T::LEAST, T::GREATEST);
                sink.value(&done);
            }
            Err(error) => sink.value(&error),
        }
        sink.data(&output);
    }
}

#[inline(never)]
fn add<T: Activation + Number>(sink: &mut Sink) {
    let affine = |scale, zero_point| Affine { scale, zero_point };
    let (left, right): ([[T; 3]; 4], [[T; 3]; 4]) = (given(), given());
    let mut output: [[T; 3]; 4] = given();
    for scale in [0.02, 0.0] {
        match QuantAdd::<T>::try_new(
            affine(black_box(scale), 3),
            affine(0.07, 0),
            affine(0.09, 5),
        ) {
            Ok(layer) => {
                let layer = layer.with_clamp(-100, 90);
                layer.run(&left, &right, &mut output);
                sink.data(&output);
                layer.run_in_place(&left, &mut output);
                sink.data(&output);
                let (left, right) = (left.as_flattened(), right.as_flattened());
                for length in [0, 1] {
                    let output = output.as_flattened_mut();
                    let right = right.get(black_box(length)..).unwrap_or_default();
                    sink.value(&layer.run_slices(left, right, output));
                }
                sink.data(&output);
            }
            Err(error) => sink.value(&error),
        }
    }
}

#[inline(never)]
fn fully_connected(sink: &mut Sink) {
    static LAYER: QuantFullyConnected<i8, [[i8; 12]; 4], Double, 4> =
        QuantFullyConnected::new([[-7; 12]; 4], [40; 4], [SCALE; 4], ZERO_POINTS);
    static TFLITE: QuantFullyConnected<i8, [[i8; 12]; 4], HalfAway, 4> =
        QuantFullyConnected::new([[-7; 12]; 4], [40; 4], [0.004; 4], ZERO_POINTS);
    let mut output: [i8; 4] = given();
    black_box(&LAYER).run(&given::<[[[i8; 2]; 3]; 2]>(), &mut output);
    sink.data(&output);
    black_box(&TFLITE).run(&given::<[[[i8; 2]; 3]; 2]>(), &mut output);
    sink.data(&output);
}

#[inline(never)]
fn fully_connected_packed(sink: &mut Sink) {
    static LAYER: QuantFullyConnected<u8, Int4Kernel<5, 1, 1, 3, 8>, Double, 3> =
        QuantFullyConnected::packed(Int4Kernel([0x7a; 8]), [40; 3], [SCALE; 3], ZERO_POINTS);
    let mut output: [[i8; 1]; 3] = given();
    black_box(&LAYER).run(&given::<[u8; 5]>(), &mut output);
    sink.data(&output);
}

#[inline(never)]
fn fully_connected_wide(sink: &mut Sink) {
    static LAYER: QuantFullyConnected<i16, [[i8; 12]; 4], Wide, 4> =
        QuantFullyConnected::wide([[9; 12]; 4], [1 << 30; 4], [SCALE; 4], ZERO_POINTS);
    let mut output: [i16; 4] = given();
    black_box(&LAYER).run(&given::<[[i16; 4]; 3]>(), &mut output);
    sink.data(&output);
}

type Signals<T> = ([T; 5], [[T; 2]; 3]);
type Images<T> = ([[[T; 2]; 3]; 2], [T; 1], [[T; 3]; 1], [T; 2]);
type Turn<T> = Then<Signals<T>, Images<T>>;

#[inline(never)]
fn arena<T: Number>(sink: &mut Sink) {
    const PEAK: usize = <([i8; 3], Turn<i8>)>::PEAK;
    let mut memory = black_box(Arena::<T, PEAK>::new());
    let (kept, turns) = memory.place::<([T; 3], Turn<T>)>();
    *kept = given();
    arena_turns(turns, sink);
    sink.data(kept);
}

/// Out of sight of the function that knows how long the memory is.
#[inline(never)]
fn arena_turns<T: Number>(mut turns: Turns<'_, Signals<T>, Images<T>>, sink: &mut Sink) {
    let (signal, channels) = turns.first();
    (*signal, *channels) = (given(), given());
    let (image, one, row, two) = turns.then();
    sink.data(image);
    (*image, *one, *row, *two) = (given(), given(), given(), given());
    sink.data(image);
    sink.data(one);
    sink.data(row);
    sink.data(two);
}
