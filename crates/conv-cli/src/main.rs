//! The command `conv`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    ExitCode::from(conv_cli::run(std::env::args_os(), &mut out, &mut err))
}
