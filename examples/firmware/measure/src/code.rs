//! The programs whose images show how much code layers link: they differ in which layers they call, and in nothing
//! else.
//!
//! Code of conv-core cannot be told by the names of functions: link-time optimisation puts parts of it into `main`, and
//! brings in functions of other names, for multiplications and divisions that a core lacks. So it is the difference of
//! two images: what the executable sections grow by when eleven calls are put into a program that has their inputs
//! and outputs already. That is the layers' code, the calls of it, constants between functions (as Arm's literal pools
//! are), and every library function that nothing but a layer calls. Weights, channels' constants and tables in
//! `.rodata` are not code.

/// Defines `main`: it hands every layer's input and output to the macro `call`, as `call!(LAYER, input, output, scratch)`,
/// and those of the twelfth layer to the macro `twelfth`. What is in between the compiler cannot know.
#[macro_export]
macro_rules! code_program {
    ($call:ident, $twelfth:ident) => {
        fn main() {
            let mut memory = $crate::data::Aligned([0; $crate::int8::OUTPUTS]);
            let mut scratch = [0; $crate::int8::SCRATCH];
            let scratch = core::hint::black_box(&mut scratch);
            let _ = core::hint::black_box(layers(&mut memory.0, scratch));
        }

        fn layers(memory: &mut [i8], scratch: &mut [u32; $crate::int8::SCRATCH]) -> Option<()> {
            use $crate::{int8_layers, maps};
            int8_layers! { maps memory scratch $call }
            maps! { memory scratch $twelfth 11 "conv5x3 14x10x12→20 s2 p1", CONV_TWELFTH, [14, 10, 12] => [6, 5, 20] }
            Some(())
        }
    };
}

/// Hands the input and the output of one layer of [`int8_layers!`](crate::int8_layers) to the macro `call`.
#[macro_export]
macro_rules! maps {
    ($memory:ident $scratch:ident $call:ident $index:literal $name:literal, $layer:ident,
     [$ih:literal, $iw:literal, $ci:literal] => [$oh:literal, $ow:literal, $co:literal]) => {
        let input: &[[[i8; $ci]; $iw]; $ih] = $crate::data::image($crate::data::input())?;
        let output: &mut [[[i8; $co]; $ow]; $oh] = $crate::data::image_mut($memory)?;
        let (input, output) = (core::hint::black_box(input), core::hint::black_box(output));
        $call!($crate::int8::$layer, input, output, $scratch);
        core::hint::black_box(&*output);
    };
}

/// Leaves a layer out, in place of [`run!`](crate::run).
#[macro_export]
macro_rules! leave_out {
    ($layer:expr, $input:expr, $output:expr, $scratch:expr) => {
        let _: (&_, &mut _, &mut _) = ($input, &mut *$output, &mut *$scratch);
    };
}
