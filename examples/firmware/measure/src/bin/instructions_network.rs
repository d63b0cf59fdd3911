//! Counts the instructions of each layer of the example network for a picture, and of all of them together:
//! `cargo xtask instructions` runs this on every board.
#![no_std]
#![no_main]

#[path = "../../../../network/layers.rs"]
#[allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "shared with the desktop, as its own module"
)]
mod layers;

use board::{Exit, println};
use layers::{Answer, Memory, record, run_with};
use measure::case;

board::entry!(main);

/// Multiply-accumulates of each layer, padded taps included; sums and averages have none.
const MACS: [usize; 8] = [
    8 * 8 * 12 * 3 * 3,
    8 * 8 * 12 * 3 * 3,
    8 * 8 * 12 * 12,
    0,
    4 * 4 * 24 * 3 * 3 * 12,
    0,
    10 * 96,
    4 * 4 * 24 * 4 * 4,
];

fn main() {
    let counter = case::counter();
    let record = record(0);
    let mut memory = Memory::new();
    let (mut counts, mut length) = ([("", 0); MACS.len()], 0);
    let mut start = counter.now();
    let answer = run_with(&record.picture, &mut memory, &mut |layer| {
        if let Some(count) = counts.get_mut(length) {
            *count = (layer, counter.since(start));
        }
        length += 1;
        start = counter.now();
    });
    if answer != record.expected || length != counts.len() {
        println!("the answer is another than TFLite's");
        board::exit(Exit::Failure);
    }
    // The feature maps share their memory, so that the answer alone has a hash, and the scratch is the network's.
    for ((layer, instructions), macs) in counts.iter().zip(MACS) {
        println!("network: {layer}|{macs}|{instructions}|-|-");
    }
    let sum: u64 = counts.iter().map(|(_, count)| count).sum();
    println!(
        "network: a picture|{}|{sum}|{:08x}|-",
        MACS.iter().sum::<usize>(),
        hash(&answer)
    );
}

/// The hash of logits and drawing.
fn hash(answer: &Answer) -> u32 {
    let values = answer.logits.iter().chain(answer.drawn.as_flattened());
    case::hash(values.map(|&value| value as u8))
}
