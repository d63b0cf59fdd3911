//! Worst-case stack of each kind of layer on every board, measured by painting under QEMU.

use anyhow::{Result, bail};
use clap::Args;

use crate::console::Console;
use crate::measurements::Measuring;
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// Most bytes that a layer may take on a Cortex-M.
const LIMIT: usize = 512;

/// What a run-time form, named `run-time …`, holds on the stack besides: the operation resolved, which typed layers
/// have in flash.
const PLAN: usize = 136;

/// What a run-time average pool holds besides: its sums, where channels are many 32 of them.
const SUMS: usize = 160;

/// What a quantised layer on a core's own kernels holds besides: the layer as direct convolutions, the walk over their pixels and
/// the block.
const KERNELS: usize = 544;

/// Most bytes that this layer may take on this target.
fn limit(target: &Target, layer: &str) -> usize {
    if !target.name.starts_with("cortex") {
        return usize::MAX;
    }
    let narrow = !["i16", "i64", "4-bit", "stream"]
        .iter()
        .any(|word| layer.contains(word));
    match layer {
        "run-time average pool" => LIMIT + PLAN + SUMS,
        _ if layer.starts_with("run-time") => LIMIT + PLAN,
        _ if layer.starts_with("quantised") && narrow => LIMIT + KERNELS,
        _ => LIMIT,
    }
}

/// `cargo xtask stack`.
#[derive(Args)]
pub(crate) struct StackArgs {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
}

/// `cargo xtask stack`.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn verb(console: &Console, arguments: &StackArgs, choice: Choice) -> Result<()> {
    let boards = targets::select(&arguments.names, Scope::Boards)?;
    setup::install(console, &boards, choice)?;
    check(console, &boards, choice)
}

/// Measures every layer on these boards and prints a table.
///
/// # Errors
///
/// If the program cannot be built or run, or a layer takes more than the limit on a Cortex-M.
pub(crate) fn check(console: &Console, boards: &[&Target], choice: Choice) -> Result<()> {
    let layers = Measuring {
        binary: "stack",
        title: "bytes of stack",
        at_least: 20,
    };
    let columns = layers.table(console, boards, choice)?;
    let mut failures = Vec::new();
    for (target, column) in boards.iter().zip(&columns) {
        for (layer, bytes) in column {
            let limit = limit(target, layer);
            if *bytes > limit {
                let name = target.name;
                failures.push(format!(
                    "{name}: {layer} takes {bytes} bytes of stack, expected at most {limit}"
                ));
            }
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}
