//! Builds every workspace: the host's, and the digest and firmware images for each target.

use anyhow::{Result, bail};

use crate::command::Invocation;
use crate::console::Console;
use crate::targets::Target;
use crate::toolchain::Choice;
use crate::{digest, firmware, image, instructions, setup};

/// Builds everything for the targets.
///
/// # Errors
///
/// If anything cannot be built; everything is tried, and every failure is listed.
pub(crate) fn everything(
    console: &Console,
    targets: &[&'static Target],
    choice: Choice,
) -> Result<()> {
    setup::install(console, targets, choice)?;
    let mut failures = Vec::new();
    let host = Invocation::cargo("build --locked --workspace --all-targets --all-features");
    if let Err(error) = host.expect(console) {
        failures.push(format!("workspace: {error:#}"));
    }
    for target in targets {
        if let Err(error) = one(console, target, choice) {
            failures.push(format!("{}: {error:#}", target.name));
        }
    }
    if failures.is_empty() {
        println!(
            "built the workspace and the images of {} targets",
            targets.len()
        );
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

fn one(console: &Console, target: &'static Target, choice: Choice) -> Result<()> {
    for (program, machine) in digest::programs(target) {
        image::build(console, &program, machine, choice)?;
    }
    if target.board().is_some() {
        firmware::build(console, target, choice)?;
        instructions::build(console, target, choice)?;
    }
    Ok(())
}
