//! Prints the digest of the core's own kernels on a board, over semihosting.
#![no_std]
#![no_main]

board::entry!(main);

fn main() {
    digest_firmware::print(conv_digest::kernels);
}
