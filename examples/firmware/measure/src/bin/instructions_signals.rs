//! Counts the instructions of filters, decimators, interpolators and full convolutions of signals, in one call and by
//! `push_block`: `cargo xtask instructions` runs this on every board.
//!
//! Four blocks of 256 samples, after one that fills the history; `conv` is four times all that 128 samples and 32 taps give.
//! Samples and taps are those of CMSIS-DSP's figures in `xtask/src/anchors.rs`: Σ|tap| is less than 1.
#![no_std]
#![no_main]

use core::hint::black_box;

use board::counter::Counter;
use conv_core::finish::{self, Finish};
use conv_core::stream::Stream;
use conv_core::{Window1d, window1d};
use measure::case;
use measure::signals::{Sample, float, q7, q15, q31};

board::entry!(main);

window1d! { struct Valid }
window1d! { struct Valid4: stride 4 }
window1d! { struct Up: stride 4, pad_before 28, pad_after 28 }
window1d! { struct Causal: padding Causal }
window1d! { struct Causal4: stride 4, padding Causal }
window1d! { struct UpCausal: stride 4 }
window1d! { struct Full: padding Full, flip }

/// Samples of a block, and blocks.
const BLOCK: usize = 256;
const BLOCKS: usize = 4;

/// As many values as the largest output has.
const OUTPUTS: usize = 4 * BLOCK * BLOCKS;

/// Counts calls of an operation, one for each block, on dirty memory.
macro_rules! call {
    (
        $counter:ident, $name:expr, $window:ident::$operation:ident, $module:ident, $taps:expr,
        $before:literal + $length:literal => $outputs:literal, $finish:expr, $macs:expr
    ) => {
        let run = |input: &[_], output: &mut [_]| {
            let outputs = output.as_chunks_mut::<$outputs>().0;
            for (block, output) in (1..).zip(outputs) {
                let samples = input.get(block * BLOCK - $before..);
                if let Some(input) = samples.and_then(|samples| samples.first_chunk::<$length>()) {
                    $window::$operation(input, black_box(const { &$taps }), output, $finish);
                }
            }
        };
        let mut memory = [$module::DIRT; OUTPUTS];
        counted(
            $counter,
            $name,
            $macs,
            &$module::INPUT,
            &mut memory[..BLOCKS * $outputs],
            run,
        );
    };
}

/// Counts the same blocks pushed into a stream with a history of a block behind the samples that a window needs.
macro_rules! block {
    (
        $counter:ident, $name:expr, $window:ident::$operation:ident, $module:ident, $taps:expr,
        $before:literal => $outputs:literal, $finish:expr, $macs:expr
    ) => {
        let history = [$module::DIRT; $before + BLOCK];
        let mut stream = Stream::$operation($window, const { &$taps }, $finish, history);
        let (first, blocks) = $module::INPUT.split_at(BLOCK);
        let mut memory = [$module::DIRT; OUTPUTS];
        let filled = stream.push_block(first, &mut memory).is_ok();
        let stream = black_box(&mut stream);
        let run = |input: &[_], output: &mut [_]| {
            for (input, output) in input
                .chunks_exact(BLOCK)
                .zip(output.chunks_exact_mut($outputs))
            {
                let _ = black_box(stream.push_block(input, output));
            }
        };
        if filled {
            counted(
                $counter,
                $name,
                $macs,
                blocks,
                &mut memory[..BLOCKS * $outputs],
                run,
            );
        }
    };
}

/// Filters of 32 and 64 taps, a decimator and an interpolator by 4 of 32 taps each.
macro_rules! filters {
    ($function:ident, $module:ident, $name:literal, $finish:expr) => {
        #[inline(never)]
        fn $function(counter: &Counter) {
            use $module::{reversed, taps};
            call!(counter, concat!("fir32 ", $name), Valid::conv_with, $module, taps::<32>(5), 31 + 287 => 256, $finish, 8192);
            block!(counter, concat!("fir32 ", $name, " block"), Causal::conv_1d, $module, taps::<32>(5), 31 => 256, $finish, 8192);
            call!(counter, concat!("fir64 ", $name), Valid::conv_with, $module, taps::<64>(6), 63 + 319 => 256, $finish, 16384);
            block!(counter, concat!("fir64 ", $name, " block"), Causal::conv_1d, $module, taps::<64>(6), 63 => 256, $finish, 16384);
            call!(counter, concat!("dec4 ", $name), Valid4::conv_with, $module, taps::<32>(5), 31 + 287 => 64, $finish, 2048);
            block!(counter, concat!("dec4 ", $name, " block"), Causal4::conv_1d, $module, taps::<32>(5), 31 => 64, $finish, 2048);
            call!(counter, concat!("int4 ", $name), Up::conv_transpose_with, $module, reversed::<32>(5), 7 + 263 => 1024, $finish, 8192);
            block!(counter, concat!("int4 ", $name, " block"), UpCausal::conv_transpose_1d, $module, reversed::<32>(5), 7 => 1024, $finish, 8192);
            call!(counter, concat!("conv ", $name), Full::conv_with, $module, taps::<32>(5), 0 + 128 => 159, $finish, 4096);
        }
    };
}
filters!(signals_q15, q15, "q15", finish::raw::<i64>().to_q15(15));
filters!(signals_q31, q31, "q31", finish::raw::<i128>().to_q31(31));
filters!(signals_q7, q7, "q7", finish::raw::<i32>().to_q7(7));
filters!(signals_f32, float, "f32", finish::raw::<f32>());

fn main() {
    let counter = case::counter();
    signals_q15(&counter);
    signals_q31(&counter);
    signals_q7(&counter);
    signals_f32(&counter);
}

/// Counts one case of all blocks, and prints the hash of its output.
fn counted<T: Sample>(
    counter: &Counter,
    name: &str,
    macs: usize,
    input: &[T],
    output: &mut [T],
    run: impl FnOnce(&[T], &mut [T]),
) {
    let instructions = case::count(counter, input, output, run);
    let hash = case::hash(output.iter().flat_map(|value| value.bytes()));
    case::report(name, BLOCKS * macs, instructions, hash, 0);
}
