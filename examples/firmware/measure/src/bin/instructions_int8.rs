//! Counts the instructions of the eleven int8 layers whose outputs are known by hash: `cargo xtask instructions` runs
//! this on every board.
#![no_std]
#![no_main]

use core::hint::black_box;

use board::Exit;
use board::counter::Counter;
use conv_vectors::anchors::LAYERS;
use measure::data::{Aligned, image, image_mut, input};
use measure::{case, int8, int8_layers, run};

board::entry!(main);

/// A value that output and scratch are full of before each layer.
const DIRT: i8 = 0x55;

fn main() {
    let mut memory = Aligned([DIRT; int8::OUTPUTS]);
    if layers(&case::counter(), &mut memory.0).is_none() {
        board::println!("a layer's input or output is longer than the memory for it");
        board::exit(Exit::Failure);
    }
}

macro_rules! counted {
    ($counter:ident $memory:ident $scratch:ident $index:literal $name:literal, $layer:ident,
     [$ih:literal, $iw:literal, $ci:literal] => [$oh:literal, $ow:literal, $co:literal]) => {
        $memory.fill(DIRT);
        $scratch.fill(u32::from_ne_bytes([DIRT as u8; 4]));
        let input: &[[[i8; $ci]; $iw]; $ih] = image(input())?;
        let output: &mut [[[i8; $co]; $ow]; $oh] = image_mut($memory)?;
        let instructions = case::count($counter, input, output, |input, output| {
            run!(int8::$layer, input, output, $scratch);
        });
        let values = output.as_flattened().as_flattened().iter();
        let hash = case::hash(values.map(|&value| value as u8));
        let bytes = int8::$layer.scratch_bytes();
        case::report(
            $name,
            const { LAYERS[$index].macs() },
            instructions,
            hash,
            bytes,
        );
    };
}

fn layers(counter: &Counter, memory: &mut [i8]) -> Option<()> {
    let mut scratch = [0_u32; int8::SCRATCH];
    let scratch = black_box(&mut scratch);
    int8_layers! { counted counter memory scratch }
    Some(())
}
