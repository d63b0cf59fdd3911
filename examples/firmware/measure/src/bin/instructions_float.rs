//! Counts the instructions of five `f32` operations: `cargo xtask instructions` runs this on every board.
#![no_std]
#![no_main]

use board::Exit;
use board::counter::Counter;
use conv_core::{Window2d, window2d};
use measure::case;
use measure::data::{Aligned, float_input, float_kernel, image, image_mut};

board::entry!(main);

window2d! { struct Plain }
window2d! { struct Pad1: pad 1 }
window2d! { struct Stride2: stride 2 }
window2d! { struct Half: stride 2, pad 1 }

// `O H W I` of the direct operation; the transposed one reads O and writes I.
static CONV_3X3: [[[[f32; 8]; 3]; 3]; 16] = float_kernel();
static CONV_1X1: [[[[f32; 32]; 1]; 1]; 32] = float_kernel();
static TRANSPOSED_4X4: [[[[f32; 16]; 4]; 4]; 16] = float_kernel();
static TRANSPOSED_2X2: [[[[f32; 16]; 2]; 2]; 32] = float_kernel();
static TRANSPOSED_3X3: [[[[f32; 16]; 3]; 3]; 16] = float_kernel();

/// As many values as the largest output has.
const OUTPUTS: usize = 8192;

fn main() {
    let mut memory = Aligned([f32::NAN; OUTPUTS]);
    if operations(&case::counter(), &mut memory.0).is_none() {
        board::println!("an input or an output is longer than the memory for it");
        board::exit(Exit::Failure);
    }
}

fn operations(counter: &Counter, memory: &mut [f32]) -> Option<()> {
    let images = (image(float_input())?, image_mut(memory)?);
    counted(
        "conv3x3 16x16x8→16 s1 p1 f32",
        16 * 16 * 16 * 3 * 3 * 8,
        counter,
        images,
        |x: &[[[f32; 8]; 16]; 16], y: &mut [[[f32; 16]; 16]; 16]| Pad1::conv(x, &CONV_3X3, y),
    );
    let images = (image(float_input())?, image_mut(memory)?);
    counted(
        "conv1x1 16x16x32→32 f32",
        16 * 16 * 32 * 32,
        counter,
        images,
        |x: &[[[f32; 32]; 16]; 16], y: &mut [[[f32; 32]; 16]; 16]| Plain::conv(x, &CONV_1X1, y),
    );
    let images = (image(float_input())?, image_mut(memory)?);
    counted(
        "transposed k4 s2 p1 8x8x16→16 f32",
        8 * 8 * 16 * 16 * 4 * 4,
        counter,
        images,
        |y: &[[[f32; 16]; 8]; 8], x: &mut [[[f32; 16]; 16]; 16]| {
            Half::conv_transpose(y, &TRANSPOSED_4X4, x);
        },
    );
    let images = (image(float_input())?, image_mut(memory)?);
    counted(
        "transposed k2 s2 8x8x32→16 f32",
        8 * 8 * 32 * 16 * 2 * 2,
        counter,
        images,
        |y: &[[[f32; 32]; 8]; 8], x: &mut [[[f32; 16]; 16]; 16]| {
            Stride2::conv_transpose(y, &TRANSPOSED_2X2, x);
        },
    );
    let images = (image(float_input())?, image_mut(memory)?);
    counted(
        "transposed k3 s2 p1 a1 8x8x16→16 f32",
        8 * 8 * 16 * 16 * 3 * 3,
        counter,
        images,
        |y: &[[[f32; 16]; 8]; 8], x: &mut [[[f32; 16]; 16]; 16]| {
            Half::conv_transpose(y, &TRANSPOSED_3X3, x);
        },
    );
    Some(())
}

type Image<const C: usize, const W: usize, const H: usize> = [[[f32; C]; W]; H];

/// Counts one operation on dirty memory, and prints the hash of its bits.
fn counted<
    const CI: usize,
    const IW: usize,
    const IH: usize,
    const CO: usize,
    const OW: usize,
    const OH: usize,
>(
    name: &str,
    macs: usize,
    counter: &Counter,
    (input, output): (&Image<CI, IW, IH>, &mut Image<CO, OW, OH>),
    run: impl FnOnce(&Image<CI, IW, IH>, &mut Image<CO, OW, OH>),
) {
    output.as_flattened_mut().as_flattened_mut().fill(f32::NAN);
    let instructions = case::count(counter, input, output, run);
    let values = output.as_flattened().as_flattened().iter();
    let hash = case::hash(values.flat_map(|value| value.to_bits().to_le_bytes()));
    case::report(name, macs, instructions, hash, 0);
}
