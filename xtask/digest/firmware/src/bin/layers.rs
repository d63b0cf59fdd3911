//! Prints the digest of quantised layers and streams on a board, over semihosting.
#![no_std]
#![no_main]

board::entry!(main);

fn main() {
    digest_firmware::print(conv_digest::layers);
}
