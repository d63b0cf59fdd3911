//! Holds every small shape of an operation on `f32` against its sum, on a board.
#![no_std]
#![no_main]

board::entry!(main);

fn main() {
    digest_firmware::print(conv_digest::floats);
}
