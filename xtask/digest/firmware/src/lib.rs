//! The digest on a board.
#![no_std]

use conv_digest::{Report, Summary};

/// Runs a part of the cases and prints what it reports; the program fails when a case failed its own check.
pub fn print(part: fn(Report<'_>) -> Summary) {
    let summary = part(&mut |case, hash| board::println!("case {case} {hash:016x}"));
    board::println!("{summary}");
    if summary.failures != 0 {
        board::exit(board::Exit::Failure);
    }
}
