//! Instructions of the example network on every board, counted under QEMU.

use anyhow::Result;
use clap::Args;

use crate::console::Console;
use crate::measurements::Measuring;
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// `cargo xtask instructions`.
#[derive(Args)]
pub(crate) struct InstructionsArgs {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
}

/// `cargo xtask instructions`.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn verb(console: &Console, arguments: &InstructionsArgs, choice: Choice) -> Result<()> {
    let boards = targets::select(&arguments.names, Scope::Boards)?;
    setup::install(console, &boards, choice)?;
    check(console, &boards, choice)
}

/// Counts the instructions of every layer of the network and prints a table.
///
/// # Errors
///
/// If the program cannot be built or run, or the network's answer is wrong.
pub(crate) fn check(console: &Console, boards: &[&Target], choice: Choice) -> Result<()> {
    let network = Measuring {
        binary: "instructions",
        machine: "-icount shift=0",
        title: "instructions of a picture",
        at_least: 9,
    };
    network.table(console, boards, choice).map(|_| ())
}
