//! The operations on arrays whose shapes are types, for every element pair.

use conv_core::element::Multiply;
use conv_core::{Window1d, Window2d, window1d, window2d};

use crate::data::{Number, Sink, given};

window1d! { struct Signal: stride 2, pad 1 }
window1d! { struct Grouped: stride 2, dilation 2, pad_before 3, pad_after 1, groups 2 }
window1d! { struct Flipped: padding SameUpper, flip }
window1d! { struct Single: stride 2 }
window2d! { struct Plane: stride (2, 1), dilation (1, 2), pad_before (1, 0), pad_after (0, 2) }
window2d! { struct GroupedPlane: stride 2, pad 1, groups 2 }
window2d! { struct FlippedPlane: pad (1, 2), flip }

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
    single_products(sink);
}

fn pair<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
    conv_1d::<T, W, A>(sink);
    conv_transpose_1d::<T, W, A>(sink);
    conv_channels_1d::<T, W, A>(sink);
    conv_transpose_channels_1d::<T, W, A>(sink);
    conv_flipped_1d::<T, W, A>(sink);
    conv_transpose_flipped_1d::<T, W, A>(sink);
    depthwise_1d::<T, W, A>(sink);
    depthwise_transpose_1d::<T, W, A>(sink);
    conv_2d::<T, W, A>(sink);
    conv_transpose_2d::<T, W, A>(sink);
    conv_channels_2d::<T, W, A>(sink);
    conv_transpose_channels_2d::<T, W, A>(sink);
    conv_flipped_2d::<T, W, A>(sink);
    conv_transpose_flipped_2d::<T, W, A>(sink);
    depthwise_2d::<T, W, A>(sink);
    depthwise_transpose_2d::<T, W, A>(sink);
}

/// Defines one function for each line: `marker::operation(input, kernel, output)`.
macro_rules! operations {
    ($($name:ident: $marker:ident::$operation:ident $input:tt, $kernel:tt => $output:tt;)*) => {$(
        #[inline(never)]
        fn $name<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
            let input: operations!(@type T $input) = given();
            let kernel: operations!(@type W $kernel) = given();
            let mut output: operations!(@type A $output) = given();
            $marker::$operation(&input, &kernel, &mut output);
            sink.data(&output);
        }
    )*};
    (@type $element:ident ($a:literal)) => { [$element; $a] };
    (@type $element:ident ($a:literal, $b:literal)) => { [[$element; $b]; $a] };
    (@type $element:ident ($a:literal, $b:literal, $c:literal)) => { [[[$element; $c]; $b]; $a] };
    (@type $element:ident ($a:literal, $b:literal, $c:literal, $d:literal)) => {
        [[[[$element; $d]; $c]; $b]; $a]
    };
}

// Extents as in memory, slowest first: length and channels, height, width and channels; kernels with output channels
// first, depthwise ones with output channels last.
operations! {
    conv_1d: Signal::conv (9), (3) => (5);
    conv_transpose_1d: Signal::conv_transpose (5), (3) => (10);
    conv_channels_1d: Grouped::conv (9, 4), (10, 3, 2) => (5, 10);
    conv_transpose_channels_1d: Grouped::conv_transpose (5, 10), (10, 3, 2) => (9, 4);
    conv_flipped_1d: Flipped::conv (7, 3), (2, 4, 3) => (7, 2);
    conv_transpose_flipped_1d: Flipped::conv_transpose (7, 2), (2, 4, 3) => (7, 3);
    depthwise_1d: Signal::depthwise (9, 11), (3, 11) => (5, 11);
    depthwise_transpose_1d: Signal::depthwise_transpose (5, 4), (3, 4) => (9, 2);
    conv_2d: Plane::conv (7, 6), (3, 2) => (3, 6);
    conv_transpose_2d: Plane::conv_transpose (3, 6), (3, 2) => (7, 6);
    conv_channels_2d: GroupedPlane::conv (5, 6, 4), (6, 3, 3, 2) => (3, 3, 6);
    conv_transpose_channels_2d: GroupedPlane::conv_transpose (3, 3, 6), (6, 3, 3, 2) => (5, 6, 4);
    conv_flipped_2d: FlippedPlane::conv (4, 3, 2), (3, 3, 3, 2) => (4, 5, 3);
    conv_transpose_flipped_2d: FlippedPlane::conv_transpose (4, 5, 3), (3, 3, 3, 2) => (4, 3, 2);
    depthwise_2d: Plane::depthwise (7, 6, 3), (3, 2, 6) => (3, 6, 6);
    depthwise_transpose_2d: Plane::depthwise_transpose (3, 6, 9), (3, 2, 9) => (7, 6, 9);
}

/// `i32·i32` into `i64`, which holds one product.
fn single_products(sink: &mut Sink) {
    single_conv(sink);
    single_conv_transpose(sink);
    single_depthwise(sink);
    single_conv_2d(sink);
}

macro_rules! single {
    ($($name:ident: $marker:ident::$operation:ident $input:ty, $kernel:ty => $output:ty;)*) => {$(
        #[inline(never)]
        fn $name(sink: &mut Sink) {
            let mut output: $output = given();
            $marker::$operation(&given::<$input>(), &given::<$kernel>(), &mut output);
            sink.data(&output);
        }
    )*};
}

single! {
    single_conv: Single::conv [i32; 5], [i32; 1] => [i64; 3];
    single_conv_transpose: Single::conv_transpose [i32; 3], [i32; 2] => [i64; 6];
    single_depthwise: Single::depthwise [[i32; 4]; 5], [[i32; 4]; 1] => [[i64; 4]; 3];
    single_conv_2d: FlippedPlane::conv [[i32; 3]; 3], [[i32; 1]; 1] => [[i64; 7]; 5];
}
