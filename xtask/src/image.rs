//! Builds a program for a target and runs it on the target's machine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::command::{Invocation, Outcome, root};
use crate::console::Console;
use crate::targets::{Machine, Target};
use crate::toolchain::{self, Choice};

/// No program here takes longer; one that does hangs.
const LIMIT: Duration = Duration::from_secs(300);

/// A program of one of the workspaces that are built for other machines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    /// The workspace's directory.
    pub(crate) workspace: &'a str,
    /// The package's name.
    pub(crate) package: &'a str,
    /// The file that cargo makes of it, below the profile's directory.
    pub(crate) file: &'a str,
    /// The profile that it is built with.
    pub(crate) profile: &'a str,
    /// Further arguments to `cargo build`.
    pub(crate) arguments: &'a str,
    /// The memory layout, where it is not that of the target's board.
    pub(crate) layout: Option<&'a str>,
    /// Further compiler flags.
    pub(crate) flags: &'a [&'a str],
}

/// Builds a program and copies it to `target/images/TARGET`, where a build for the next target
/// with the same triple leaves it alone.
///
/// # Errors
///
/// If there is no compiler for the target, or the build fails.
pub(crate) fn build(
    console: &Console,
    program: &Program<'_>,
    target: &Target,
    choice: Choice,
) -> Result<PathBuf> {
    compile(console, program, target, choice)?;
    collect(program, target, choice)
}

/// Builds what [`Program::arguments`] name, without copying it.
///
/// # Errors
///
/// If there is no compiler for the target, or the build fails.
pub(crate) fn compile(
    console: &Console,
    program: &Program<'_>,
    target: &Target,
    choice: Choice,
) -> Result<()> {
    let chosen = toolchain::resolve(target, choice)?;
    let cargo = toolchain::cargo_build(target, chosen, program.flags);
    let package = format!(
        "--profile {} --package {}",
        program.profile, program.package
    );
    let cargo = cargo.words(&package).words(program.arguments);
    let cargo = match program.layout {
        Some(board) => cargo.env("CONV_BOARD", board),
        None => cargo,
    };
    cargo.within(program.workspace).expect(console)?;
    Ok(())
}

/// Copies a program that has just been built to `target/images/TARGET`.
///
/// # Errors
///
/// If it is not there or cannot be copied.
pub(crate) fn collect(program: &Program<'_>, target: &Target, choice: Choice) -> Result<PathBuf> {
    let chosen = toolchain::resolve(target, choice)?;
    let built = toolchain::directory(chosen).join(target.triple);
    let built = built
        .join(profile_directory(program.profile))
        .join(program.file);
    let images = crate::command::target_directory()
        .join("images")
        .join(target.name);
    std::fs::create_dir_all(&images)?;
    let name = program.file.rsplit('/').next().unwrap_or(program.file);
    let image = images.join(format!("{name}.{}", program.profile));
    std::fs::copy(&built, &image).with_context(|| format!("cannot copy {}", built.display()))?;
    Ok(image)
}

fn profile_directory(profile: &str) -> &str {
    if profile == "dev" { "debug" } else { profile }
}

/// Runs a built program to its end.
///
/// # Errors
///
/// If the machine cannot be started. A program that fails is an [`Outcome`].
pub(crate) fn run(console: &Console, image: &Path, target: &Target) -> Result<Outcome> {
    run_with(console, image, target, "")
}

/// [`run`] with further arguments to the machine.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_with(
    console: &Console,
    image: &Path,
    target: &Target,
    machine: &str,
) -> Result<Outcome> {
    let invocation = invocation(image, target).words(machine);
    let outcome = invocation.limit(LIMIT).run(console);
    let packages = toolchain::missing_packages(target);
    if packages.is_empty() {
        return outcome;
    }
    let advice = format!("run `cargo xtask setup`, or install {}", packages.join(" "));
    outcome.context(advice)
}

fn invocation(image: &Path, target: &Target) -> Invocation {
    match target.machine {
        Machine::Host { .. } => Invocation::new(image.to_string_lossy()),
        Machine::User { emulator, root, .. } => {
            Invocation::new(emulator).arg("-L").arg(root).path(image)
        }
        Machine::Arm { board } => semihosting(
            Invocation::new("qemu-system-arm").arg("-M").arg(board),
            image,
        ),
        Machine::Riscv { .. } => semihosting(
            Invocation::new("qemu-system-riscv32").words("-M virt -bios none"),
            image,
        ),
        Machine::Node => Invocation::new("node")
            .path(&root().join("xtask/digest/wasm/run.mjs"))
            .path(image),
    }
}

fn semihosting(qemu: Invocation, image: &Path) -> Invocation {
    qemu.words("-nographic -semihosting-config enable=on,target=native -kernel")
        .path(image)
}
