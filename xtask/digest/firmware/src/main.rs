//! Prints the digest on a board, over semihosting.
#![no_std]
#![no_main]

board::entry!(main);

fn main() {
    let summary = conv_digest::run(&mut |case, hash| board::println!("case {case} {hash:016x}"));
    board::println!("{summary}");
    if summary.failures != 0 {
        board::exit(board::Exit::Failure);
    }
}
