//! A whole network that TFLite quantised to int8: convolutions, a depthwise one, a residual sum, pooling, a fully
//! connected layer, and a transposed convolution that draws the picture again.
//!
//! ```text
//! picture ──► layers in flash, feature maps in a static of constant size ──► digit, drawing
//! ```
//!
//! What it prints is what TFLite's reference kernels give for the same pictures, bit for bit; the desktop example
//! `network` runs the whole test set on the same layers.
#![no_std]
#![no_main]

#[path = "../../../network/layers.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared with the desktop, as its own module"
)]
mod layers;

use core::cell::RefCell;

use board::{Exit, print, println};
use critical_section::Mutex;
use layers::{Memory, PEAK, Picture, Record, record, run};

board::entry!(main);

const SHOWN: usize = 10;

/// The first pictures of the test set, with TFLite's answers.
static RECORDS: [Record; SHOWN] = {
    let mut records = [record(0); SHOWN];
    let mut index = 0;
    while index < SHOWN {
        records[index] = record(index);
        index += 1;
    }
    records
};

/// `cargo xtask size` prints the size of this.
static FEATURE_MAPS: Mutex<RefCell<Memory>> = Mutex::new(RefCell::new(Memory::new()));

fn main() {
    critical_section::with(|token| {
        let mut memory = FEATURE_MAPS.borrow_ref_mut(token);
        classify(&mut memory);
    });
    println!("feature maps: {PEAK} bytes");
}

fn classify(memory: &mut Memory) {
    let mut right = 0;
    for record in &RECORDS {
        let answer = run(&record.picture, memory);
        println!("{}, logits {:?}", answer.digit(), answer.logits);
        if answer != record.expected {
            println!("TFLite gives {:?}", record.expected);
            board::exit(Exit::Failure);
        }
        right += usize::from(answer.digit() == usize::from(record.label));
    }
    println!("{right} of {SHOWN} right; logits and drawings are those of TFLite, bit for bit\n");

    let [.., last] = &RECORDS;
    let answer = run(&last.picture, memory);
    println!("the last picture, and as the network draws it again:");
    draw(&last.picture, &answer.drawn);
}

fn draw(picture: &Picture, drawn: &Picture) {
    const SHADES: &[u8; 9] = b" .:-=+*#@";
    for rows in picture.iter().zip(drawn) {
        for row in [rows.0, rows.1] {
            print!("|");
            for pixel in row {
                // At most 255·9/256 = 8.
                let shade = SHADES[usize::from(pixel.wrapping_add(-128) as u8) * 9 / 256] as char;
                print!("{shade}{shade}");
            }
            print!("|  ");
        }
        println!();
    }
}
