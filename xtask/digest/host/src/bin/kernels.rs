//! Prints the digest of the core's own kernels on an operating system; exits with 1 when a case fails its own check.

use std::process::ExitCode;

fn main() -> ExitCode {
    digest_host::print(conv_digest::kernels)
}
