//! The operations on arrays: shapes in the types, every pair of elements.

use conv_core::finish::{self, Finish};
use conv_core::{Window1d, Window2d, window1d, window2d};

use crate::run::Run;

window1d! { struct Plain }
window1d! { struct Decimate: stride 2, pad 1 }
window1d! { struct Wide: dilation 2, pad_before 4, pad_after 1 }
window1d! { struct Recent: dilation 3, padding Causal }
window1d! { struct Flipped: stride 3, padding Full, flip }
window1d! { struct Grouped: stride 2, pad_after 2, groups 2 }
window1d! { struct Cropped: pad_before (-1), pad_after 2 }

window2d! { struct Flat }
window2d! { struct Half: stride 2, pad 1 }
window2d! { struct Skewed: stride (1, 2), dilation (2, 1), pad_before (3, 0), pad_after (0, 2) }
window2d! { struct Lower: stride 2, padding SameLower }
window2d! { struct Turned: padding Half, flip }
window2d! { struct Parts: stride (2, 1), pad 1, groups 2 }

/// One group with one case: draws input and kernel, runs the operation into a dirty output.
macro_rules! typed {
    ($run:ident, $name:literal, $marker:ident::$operation:ident,
     $input:ty, $kernel:ty => $output:ty $(, $finish:expr)?) => {
        $run.group($name, |group| {
            let input: $input = group.draw();
            let kernel: $kernel = group.draw();
            let mut output: $output = group.dirty();
            $marker::$operation(&input, &kernel, &mut output $(, $finish)?);
            group.output(&output);
        })
    };
}

/// Signals: direct, transposed, depthwise and grouped.
pub fn signals(run: &mut Run<'_>) {
    typed!(run, "signal/i8", Plain::conv, [i8; 9], [i8; 3] => [i32; 7]);
    typed!(run, "signal/i8-i64", Plain::conv, [i8; 9], [i8; 3] => [i64; 7]);
    typed!(run, "signal/u8", Decimate::conv, [[u8; 3]; 9], [[[i8; 3]; 4]; 2] => [[i32; 2]; 4]);
    typed!(run, "signal/u8-i64", Wide::conv, [u8; 9], [i8; 3] => [i64; 10]);
    typed!(run, "signal/i16-i8", Wide::conv, [[i16; 2]; 8], [[[i8; 2]; 3]; 3] => [[i32; 3]; 9]);
    typed!(run, "signal/i16-i8-i64", Cropped::conv, [i16; 8], [i8; 3] => [i64; 7]);
    typed!(run, "signal/i16", Recent::conv, [[i16; 2]; 12], [[[i16; 2]; 3]; 2] => [[i64; 2]; 12]);
    typed!(run, "signal/i32", Flipped::conv, [i32; 10], [i32; 4] => [i128; 5]);
    typed!(run, "signal/i32-i64", Plain::conv, [i32; 10], [i32; 1] => [i64; 10]);
    typed!(run, "signal/f32", Decimate::conv, [[f32; 3]; 16], [[[f32; 3]; 5]; 4] => [[f32; 4]; 7]);
    typed!(run, "signal/f64", Recent::conv, [[f64; 2]; 11], [[[f64; 2]; 4]; 2] => [[f64; 2]; 11]);
    typed!(run, "signal/grouped", Grouped::conv, [[i8; 4]; 9], [[[i8; 2]; 3]; 6] => [[i32; 6]; 5]);

    typed!(run, "signal-transposed/i8", Plain::conv_transpose, [i8; 7], [i8; 3] => [i32; 9]);
    typed!(run, "signal-transposed/u8", Decimate::conv_transpose,
        [[u8; 2]; 4], [[[i8; 3]; 4]; 2] => [[i32; 3]; 9]);
    typed!(run, "signal-transposed/i16-i8", Wide::conv_transpose,
        [[i16; 3]; 9], [[[i8; 2]; 3]; 3] => [[i32; 2]; 8]);
    typed!(run, "signal-transposed/i16", Recent::conv_transpose,
        [[i16; 2]; 12], [[[i16; 2]; 3]; 2] => [[i64; 2]; 12]);
    typed!(run, "signal-transposed/i32", Flipped::conv_transpose, [i32; 5], [i32; 4] => [i128; 11]);
    typed!(run, "signal-transposed/f32", Decimate::conv_transpose,
        [[f32; 4]; 7], [[[f32; 3]; 5]; 4] => [[f32; 3]; 16]);
    typed!(run, "signal-transposed/f64", Recent::conv_transpose,
        [[f64; 2]; 11], [[[f64; 2]; 4]; 2] => [[f64; 2]; 11]);
    typed!(run, "signal-transposed/grouped", Grouped::conv_transpose,
        [[i8; 6]; 5], [[[i8; 2]; 3]; 6] => [[i32; 4]; 9]);

    typed!(run, "signal-depthwise/i8", Decimate::depthwise,
        [[i8; 3]; 8], [[i8; 6]; 3] => [[i32; 6]; 4]);
    typed!(run, "signal-depthwise/f32", Wide::depthwise,
        [[f32; 3]; 8], [[f32; 3]; 3] => [[f32; 3]; 9]);
    typed!(run, "signal-depthwise-transposed/i8", Decimate::depthwise_transpose,
        [[i8; 6]; 4], [[i8; 6]; 3] => [[i32; 3]; 8]);
    typed!(run, "signal-depthwise-transposed/f32", Wide::depthwise_transpose,
        [[f32; 3]; 9], [[f32; 3]; 3] => [[f32; 3]; 8]);
}

/// Images: direct, transposed, depthwise and grouped.
pub fn images(run: &mut Run<'_>) {
    typed!(run, "image/i8", Half::conv,
        [[[i8; 3]; 8]; 7], [[[[i8; 3]; 3]; 3]; 4] => [[[i32; 4]; 4]; 4]);
    typed!(run, "image/u8", Flat::conv, [[u8; 7]; 6], [[i8; 3]; 2] => [[i32; 5]; 5]);
    typed!(run, "image/i16-i8", Skewed::conv,
        [[[i16; 2]; 9]; 6], [[[[i8; 2]; 3]; 3]; 3] => [[[i32; 3]; 5]; 5]);
    typed!(run, "image/i16", Lower::conv,
        [[[i16; 2]; 7]; 6], [[[[i16; 2]; 3]; 4]; 2] => [[[i64; 2]; 4]; 3]);
    typed!(run, "image/i32", Turned::conv, [[i32; 6]; 5], [[i32; 3]; 5] => [[i128; 6]; 5]);
    typed!(run, "image/f32", Half::conv,
        [[[f32; 3]; 8]; 7], [[[[f32; 3]; 3]; 3]; 4] => [[[f32; 4]; 4]; 4]);
    typed!(run, "image/f64", Skewed::conv,
        [[[f64; 2]; 9]; 6], [[[[f64; 2]; 3]; 3]; 2] => [[[f64; 2]; 5]; 5]);
    typed!(run, "image/grouped", Parts::conv,
        [[[i8; 4]; 6]; 5], [[[[i8; 2]; 3]; 3]; 6] => [[[i32; 6]; 6]; 3]);
    typed!(run, "image/q15", Half::conv_with,
        [[[i8; 3]; 8]; 7], [[[[i8; 3]; 3]; 3]; 3] => [[[i16; 3]; 4]; 4],
        finish::bias(&[-900_i32, 4000, 17]).relu().to_q15(7));

    typed!(run, "image-transposed/i8", Half::conv_transpose,
        [[[i8; 4]; 4]; 4], [[[[i8; 3]; 3]; 3]; 4] => [[[i32; 3]; 8]; 7]);
    typed!(run, "image-transposed/u8", Flat::conv_transpose,
        [[u8; 5]; 5], [[i8; 3]; 2] => [[i32; 7]; 6]);
    typed!(run, "image-transposed/i16-i8", Skewed::conv_transpose,
        [[[i16; 3]; 5]; 5], [[[[i8; 2]; 3]; 3]; 3] => [[[i32; 2]; 9]; 6]);
    typed!(run, "image-transposed/i16", Lower::conv_transpose,
        [[[i16; 2]; 4]; 3], [[[[i16; 2]; 3]; 4]; 2] => [[[i64; 2]; 7]; 6]);
    typed!(run, "image-transposed/i32", Turned::conv_transpose,
        [[i32; 6]; 5], [[i32; 3]; 5] => [[i128; 6]; 5]);
    typed!(run, "image-transposed/f32", Half::conv_transpose,
        [[[f32; 4]; 4]; 4], [[[[f32; 3]; 3]; 3]; 4] => [[[f32; 3]; 8]; 7]);
    typed!(run, "image-transposed/f64", Skewed::conv_transpose,
        [[[f64; 2]; 5]; 5], [[[[f64; 2]; 3]; 3]; 2] => [[[f64; 2]; 9]; 6]);
    typed!(run, "image-transposed/grouped", Parts::conv_transpose,
        [[[i8; 6]; 6]; 3], [[[[i8; 2]; 3]; 3]; 6] => [[[i32; 4]; 6]; 5]);
    typed!(run, "image-transposed/q31", Half::conv_transpose_with,
        [[[i8; 4]; 4]; 4], [[[[i8; 3]; 3]; 3]; 4] => [[[i32; 3]; 8]; 7],
        finish::bias(&[-900_i32, 4000, 17]).clamp(-20_000, 30_000).to_q31(3));

    typed!(run, "image-depthwise/i8", Half::depthwise,
        [[[i8; 3]; 8]; 7], [[[i8; 6]; 3]; 3] => [[[i32; 6]; 4]; 4]);
    typed!(run, "image-depthwise/f32", Half::depthwise,
        [[[f32; 4]; 8]; 7], [[[f32; 4]; 3]; 3] => [[[f32; 4]; 4]; 4]);
    typed!(run, "image-depthwise-transposed/i8", Half::depthwise_transpose,
        [[[i8; 6]; 4]; 4], [[[i8; 6]; 3]; 3] => [[[i32; 3]; 8]; 7]);
    typed!(run, "image-depthwise-transposed/f32", Half::depthwise_transpose,
        [[[f32; 4]; 4]; 4], [[[f32; 4]; 3]; 3] => [[[f32; 4]; 8]; 7]);
}

/// Typed kernels over slices and vectors whose lengths are known only at run time.
pub fn run_time_lengths(run: &mut Run<'_>) {
    run.group("slices", |group| {
        let input: [[i8; 2]; 12] = group.draw();
        let kernel: [[[i8; 2]; 3]; 3] = group.draw();
        for length in 2..=12 {
            let mut output: [[i32; 3]; 6] = group.dirty();
            let right = Decimate::output_length(&kernel, length).and_then(|expected| {
                let output = output.get_mut(..expected).unwrap_or_default();
                Decimate::conv_slice(&input[..length], &kernel, output, finish::raw())
            });
            group.check(right.is_ok());
            group.output(&output);

            let source: [[i16; 3]; 6] = group.draw();
            let mut back: [[i32; 2]; 12] = group.dirty();
            let right = Decimate::output_length(&kernel, length).and_then(|expected| {
                let source = source.get(..expected).unwrap_or_default();
                Decimate::conv_transpose_slice(source, &kernel, &mut back[..length], finish::raw())
            });
            group.check(right.is_ok());
            group.output(&back);
        }
    });
    run.group("vectors", |group| {
        let input: [i16; 12] = group.draw();
        let kernel: [i16; 4] = group.draw();
        for length in 3..=12 {
            let step = finish::raw::<i64>().to_q15(15);
            let output = Wide::conv_vec::<_, _, i16, _, 16>(&input[..length], &[1_i16, 2, 3], step);
            group.check(output.is_ok());
            group.values(&output.unwrap_or_default());
            let output = Flipped::conv_vec::<_, _, i16, _, 8>(&input[..length], &kernel, step);
            group.check(output.is_ok());
            let output = output.unwrap_or_default();
            group.values(&output);
            let back =
                Flipped::conv_transpose_vec::<_, _, i16, _, 12>(&output, &kernel, length, step);
            group.check(back.is_ok());
            group.values(&back.unwrap_or_default());
        }
    });
}
