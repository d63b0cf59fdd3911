//! Calls every quantised layer, with inputs that the compiler cannot see; prints a hash of
//! what they gave.
//!
//! `cargo xtask symbols` links this and proves that no panicking function is in it. Each operation stands in a
//! function of its own that is never inlined, so that the proof names it when it fails. The hash covers
//! every output and error, so that it also shows that all boards compute the same bits.
//!
//! The programs `operations_…` call every operation of conv-core between them; each fits the flash of the
//! smallest board. Not in them are the texts of errors (`Display`), their `Debug` and their `defmt::Format`: the
//! formatting machinery of `core` and the logger of defmt can panic by themselves. A firmware that wants to be
//! free of panics matches on errors and prints none.
#![no_std]
#![no_main]

#[path = "../operations/data.rs"]
#[allow(dead_code, reason = "each program uses a part of it")]
mod data;
#[path = "../operations/quantised.rs"]
mod quantised;

board::entry!(main);

fn main() {
    let mut sink = data::Sink::new();
    quantised::all(&mut sink);
    sink.report("quantised layers");
    let mut sink = data::Sink::new();
    quantised::later(&mut sink);
    sink.report("of more contracts");
}
