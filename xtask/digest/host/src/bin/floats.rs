//! Holds every small shape of an operation on `f32` against its sum, on an operating system; exits with 1 when one differs.

use std::process::ExitCode;

fn main() -> ExitCode {
    digest_host::print(conv_digest::floats)
}
