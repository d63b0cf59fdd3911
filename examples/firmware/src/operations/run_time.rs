//! The operations whose extents are known only at run time: slices in, slices or vectors of fixed capacity out.

use core::hint::black_box;

use conv_core::element::Multiply;
use conv_core::finish::{self, Finish};
use conv_core::{Axis, Error, Geometry, Orientation, Window1d, window1d};
use heapless::Vec;

use crate::data::{Data, Number, Sink, given};

pub fn all(sink: &mut Sink) {
    pair::<i8, i8, i32>(sink);
    pair::<i8, i8, i64>(sink);
    pair::<u8, i8, i32>(sink);
    pair::<u8, i8, i64>(sink);
    pair::<i16, i8, i32>(sink);
    pair::<i16, i8, i64>(sink);
    pair::<i16, i16, i64>(sink);
    pair::<i32, i32, i128>(sink);
    pair::<f32, f32, f32>(sink);
    pair::<f64, f64, f64>(sink);
    // Refused: more than one product.
    slices_1d::<i32, i32, i64>(sink);

    finishes_1d(sink);
    finishes_2d(sink);
    typed_slices(sink);
    typed_vectors(sink);
}

fn pair<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
    slices_1d::<T, W, A>(sink);
    slices_2d::<T, W, A>(sink);
    depthwise_slices::<T, W, A>(sink);
    vectors_1d::<T, W, A>(sink);
    vectors_2d::<T, W, A>(sink);
}

#[inline(never)]
fn axis(kernel: usize) -> Axis {
    black_box(Axis::new(kernel).with_stride(2).with_pads(1, 1))
}

/// Signals of 9 samples of 4 channels to 5 of 6, in 2 groups.
#[inline(never)]
fn signal() -> Result<Geometry<1>, Error> {
    Geometry::direct([axis(3)], black_box([9]), black_box(4), 6, black_box(2))
}

/// Images of 5 × 6 pixels of 4 channels to 3 × 3 of 6, in 2 groups, the kernel flipped.
#[inline(never)]
fn plane() -> Result<Geometry<2>, Error> {
    let axes = [axis(3), axis(3)];
    let geometry = Geometry::transposed(axes, [3, 3], black_box([5, 6]), 4, 6, black_box(2))?;
    Ok(geometry.with_orientation(black_box(Orientation::Convolution)))
}

/// Signals of 9 samples of 3 channels to 5 of 6, each channel by itself.
#[inline(never)]
fn channelwise() -> Result<Geometry<1>, Error> {
    Geometry::direct([axis(3)], black_box([9]), 3, 6, black_box(3))
}

#[inline(never)]
fn take<D: Data, const N: usize>(sink: &mut Sink, result: &Result<Vec<D, N>, Error>) {
    match result {
        Ok(vector) => vector.iter().for_each(|item| sink.data(item)),
        Err(error) => sink.value(error),
    }
}

/// Defines one function for each line, which runs each operation once with the right lengths and once
/// with an output that is too short.
macro_rules! slices {
    ($(
        $name:ident: $geometry:ident, $direct:ident, $transposed:ident,
        $input:literal, $kernel:literal, $output:literal;
    )*) => {$(
        #[inline(never)]
        fn $name<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
            let kernel: [W; $kernel] = given();
            for short in [0, 1] {
                let mut output: [A; $output] = given();
                let result = $geometry().and_then(|geometry| {
                    let output = output.get_mut(black_box(short)..).unwrap_or_default();
                    geometry.$direct(&given::<[T; $input]>(), &kernel, output)
                });
                sink.value(&result);
                sink.data(&output);
                let mut back: [A; $input] = given();
                let result = $geometry().and_then(|geometry| {
                    let back = back.get_mut(black_box(short)..).unwrap_or_default();
                    geometry.$transposed(&given::<[T; $output]>(), &kernel, back)
                });
                sink.value(&result);
                sink.data(&back);
            }
        }
    )*};
}

slices! {
    slices_1d: signal, conv, conv_transpose, 36, 36, 30;
    slices_2d: plane, conv, conv_transpose, 120, 108, 54;
    depthwise_slices: channelwise, depthwise, depthwise_transpose, 27, 18, 30;
}

#[inline(never)]
fn vectors_1d<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
    let (input, kernel): ([T; 36], [W; 36]) = (given(), given());
    let output: Result<Vec<A, 32>, Error> = signal().and_then(|map| map.conv_vec(&input, &kernel));
    take(sink, &output);
    // Too small by one.
    let output: Result<Vec<A, 29>, Error> = signal().and_then(|map| map.conv_vec(&input, &kernel));
    take(sink, &output);
    let y: [T; 30] = given();
    let back: Result<Vec<A, 36>, Error> =
        signal().and_then(|map| map.conv_transpose_vec(&y, &kernel));
    take(sink, &back);

    let (input, kernel): ([T; 27], [W; 18]) = (given(), given());
    let output: Result<Vec<A, 30>, Error> =
        channelwise().and_then(|map| map.depthwise_vec(&input, &kernel));
    take(sink, &output);
    let back: Result<Vec<A, 27>, Error> =
        channelwise().and_then(|map| map.depthwise_transpose_vec(&y, &kernel));
    take(sink, &back);
}

#[inline(never)]
fn vectors_2d<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
    let (input, kernel): ([T; 120], [W; 108]) = (given(), given());
    let output: Result<Vec<A, 54>, Error> = plane().and_then(|map| map.conv_vec(&input, &kernel));
    take(sink, &output);
    let y: [T; 54] = given();
    let back: Result<Vec<A, 120>, Error> =
        plane().and_then(|map| map.conv_transpose_vec(&y, &kernel));
    take(sink, &back);
}

#[inline(never)]
fn finishes_1d(sink: &mut Sink) {
    let kernel: [i8; 36] = given();
    let bias: [i32; 7] = given();
    // One length that fits and one that does not.
    for channels in [6, 7] {
        let bias = bias.get(..black_box(channels)).unwrap_or_default();
        let finish = finish::bias_slice(bias).relu().to_q7(black_box(4));
        let mut output: [i8; 30] = given();
        let result = signal()
            .and_then(|map| map.conv_with(&given::<[i8; 36]>(), &kernel, &mut output, finish));
        sink.value(&result);
        sink.data(&output);
        let vector: Result<Vec<i8, 30>, Error> =
            signal().and_then(|map| map.conv_vec_with(&given::<[i8; 36]>(), &kernel, finish));
        take(sink, &vector);
    }
    let finish = finish::bias_slice(bias.get(..4).unwrap_or_default()).to_q15(black_box(3));
    let mut back: [i16; 36] = given();
    let result = signal()
        .and_then(|map| map.conv_transpose_with(&given::<[i8; 30]>(), &kernel, &mut back, finish));
    sink.value(&result);
    sink.data(&back);
    let vector: Result<Vec<i16, 36>, Error> =
        signal().and_then(|map| map.conv_transpose_vec_with(&given::<[i8; 30]>(), &kernel, finish));
    take(sink, &vector);
}

#[inline(never)]
fn finishes_2d(sink: &mut Sink) {
    let kernel: [i16; 18] = given();
    let finish = finish::raw::<i64>()
        .clamp(given(), given())
        .to_q31(black_box(2));
    let mut output: [i32; 30] = given();
    let result = channelwise()
        .and_then(|map| map.depthwise_with(&given::<[i16; 27]>(), &kernel, &mut output, finish));
    sink.value(&result);
    sink.data(&output);
    let mut back: [i32; 27] = given();
    let y: [i16; 30] = given();
    let result =
        channelwise().and_then(|map| map.depthwise_transpose_with(&y, &kernel, &mut back, finish));
    sink.value(&result);
    sink.data(&back);
    let vector: Result<Vec<i32, 30>, Error> = channelwise()
        .and_then(|map| map.depthwise_vec_with(&given::<[i16; 27]>(), &kernel, finish));
    take(sink, &vector);
    let vector: Result<Vec<i32, 27>, Error> =
        channelwise().and_then(|map| map.depthwise_transpose_vec_with(&y, &kernel, finish));
    take(sink, &vector);
}

window1d! { struct Half: stride 2, pad 1, groups 2 }

/// Channels from the types, lengths from the slices.
#[inline(never)]
fn typed_slices(sink: &mut Sink) {
    let kernel: [[[i8; 2]; 3]; 6] = given();
    let input: [[i8; 4]; 9] = given();
    for length in [9, 0] {
        let input = input.get(..black_box(length)).unwrap_or_default();
        let mut output: [[i32; 6]; 5] = given();
        sink.value(&Half::output_length(&kernel, input.len()));
        sink.value(&Half::conv_slice(
            input,
            &kernel,
            output.as_mut_slice(),
            finish::raw(),
        ));
        sink.data(&output);
        let y: [[i8; 6]; 5] = given();
        let mut back: [[i32; 4]; 9] = given();
        let back_slice = back.get_mut(..black_box(length)).unwrap_or_default();
        sink.value(&Half::conv_transpose_slice(
            &y,
            &kernel,
            back_slice,
            finish::raw(),
        ));
        sink.data(&back);
    }
}

#[inline(never)]
fn typed_vectors(sink: &mut Sink) {
    let kernel: [[[i8; 2]; 3]; 6] = given();
    let input: [[i8; 4]; 9] = given();
    for length in [9, 0] {
        let input = input.get(..black_box(length)).unwrap_or_default();
        let output: Result<Vec<[i32; 6], 5>, Error> = Half::conv_vec(input, &kernel, finish::raw());
        take(sink, &output);
        let y: [[i8; 6]; 5] = given();
        let back: Result<Vec<[i32; 4], 9>, Error> =
            Half::conv_transpose_vec(&y, &kernel, black_box(length), finish::raw());
        take(sink, &back);
    }
}
