//! One counted case: running it, and the line that it prints.

use core::hint::black_box;

use board::counter::Counter;
use board::{Exit, println};
use conv_vectors::anchors::{FNV1A_START, fnv1a_step};

/// The counter, or the end of the program where time does not go by instructions.
#[must_use]
pub fn counter() -> Counter {
    let Some(counter) = Counter::start() else {
        println!("the timer does not go by instructions: run this under QEMU with -icount shift=0");
        board::exit(Exit::Failure)
    };
    counter
}

/// Instructions of one call of `run`, of whose input and output the compiler knows nothing. Nothing is subtracted: the
/// few instructions round the call, and the timer's step where it falls, are in the figure.
pub fn count<I: ?Sized, O: ?Sized>(
    counter: &Counter,
    input: &I,
    output: &mut O,
    run: impl FnOnce(&I, &mut O),
) -> u64 {
    let (input, output) = (black_box(input), black_box(output));
    let start = counter.now();
    run(input, output);
    let instructions = counter.since(start);
    black_box(output);
    instructions
}

/// Prints a case: `name|MACs|instructions|hash|scratch`. The hash has eight hexadecimal digits; scratch is what the case
/// takes beside its input and its output, in bytes.
pub fn report(name: &str, macs: usize, instructions: u64, hash: u32, scratch: usize) {
    println!("{name}|{macs}|{instructions}|{hash:08x}|{scratch}");
}

/// The 32-bit FNV-1a hash of an output's bytes, of wider elements each in little-endian order.
#[must_use]
#[inline(never)]
pub fn hash(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(FNV1A_START, fnv1a_step)
}
