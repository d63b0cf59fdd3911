//! How many instructions each layer of the example network takes for a picture, and all of them together:
//! `cargo xtask instructions` runs this on every board and prints a table.
#![no_std]
#![no_main]

#[path = "../../network/layers.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared with the desktop, as its own module"
)]
mod layers;

use board::counter::Counter;
use board::{Exit, println};
use layers::{Memory, record, run_with};

board::entry!(main);

fn main() {
    let Some(counter) = Counter::start() else {
        println!("the timer does not go by instructions: run this under QEMU with -icount shift=0");
        board::exit(Exit::Failure);
    };
    let record = record(0);
    let mut memory = Memory::new();
    let (mut counts, mut length) = ([("", 0); 16], 0);
    let mut start = counter.now();
    let answer = run_with(&record.picture, &mut memory, &mut |layer| {
        if let Some(count) = counts.get_mut(length) {
            *count = (layer, counter.since(start));
        }
        length += 1;
        start = counter.now();
    });
    if answer != record.expected || length > counts.len() {
        println!("the answer is another than TFLite's");
        board::exit(Exit::Failure);
    }
    let counts = counts.get(..length).unwrap_or_default();
    for (layer, instructions) in counts {
        println!("{layer}: {instructions}");
    }
    println!(
        "a picture: {}",
        counts.iter().map(|(_, count)| count).sum::<u64>()
    );
}
