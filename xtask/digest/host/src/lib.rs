//! The digest on an operating system.

use std::process::ExitCode;

use conv_digest::{Report, Summary};

/// Runs a part of the cases and prints what it reports; the code is 1 when a case failed its own check.
pub fn print(part: fn(Report<'_>) -> Summary) -> ExitCode {
    let summary = part(&mut |case, hash| println!("case {case} {hash:016x}"));
    println!("{summary}");
    ExitCode::from(u8::from(summary.failures != 0))
}
