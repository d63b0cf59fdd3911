//! Which compiler builds for a target, and with which arguments.
//!
//! The ordinary way is the pinned toolchain with the target's precompiled core, which
//! `rustup target add` installs. Where that cannot be had, Debian's compiler builds core from the
//! source that Debian packages, and links with Debian's lld.

use std::path::Path;

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::command::{Invocation, find, target_directory};
use crate::targets::{Machine, Target};

/// The environment variable that stands for `--toolchain`.
const VARIABLE: &str = "CONV_TOOLCHAIN";

/// Which compiler the caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Choice {
    /// rustup's where it has the target, else Debian's.
    Auto,
    /// The pinned toolchain and nothing else.
    Rustup,
    /// Debian's packages and nothing else.
    Debian,
}

impl Choice {
    /// What `CONV_TOOLCHAIN` says, else [`Choice::Auto`].
    pub(crate) fn from_environment() -> Self {
        let value = std::env::var(VARIABLE).unwrap_or_default();
        Self::from_str(&value, true).unwrap_or(Self::Auto)
    }
}

/// The compiler chosen for one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The pinned toolchain.
    Rustup,
    /// `/usr/bin/cargo`, which builds core itself.
    Debian,
}

/// Debian's files that building for another target needs, each with its package.
pub(crate) const DEBIAN_FILES: &[(&str, &str)] = &[
    ("/usr/bin/rustc", "rustc-web"),
    ("/usr/bin/cargo", "cargo-web"),
    (
        "/usr/lib/rustlib/src/rust/library/core/Cargo.toml",
        "rust-web-src",
    ),
    ("/usr/bin/ld.lld-22", "lld-22"),
];

/// Whether the pinned toolchain has the target's precompiled core.
pub(crate) fn rustup_has(triple: &str) -> bool {
    let sysroot = std::process::Command::new("rustc")
        .args(["--print", "sysroot"])
        .current_dir(crate::command::root())
        .output();
    let Ok(sysroot) = sysroot else { return false };
    let sysroot = String::from_utf8_lossy(&sysroot.stdout).trim().to_owned();
    Path::new(&sysroot)
        .join("lib/rustlib")
        .join(triple)
        .join("lib")
        .is_dir()
}

/// Whether Debian's compiler, its source and its linker are all there.
pub(crate) fn debian_is_ready() -> bool {
    DEBIAN_FILES
        .iter()
        .all(|(file, _)| Path::new(file).exists())
}

/// The compiler that will build for a target.
///
/// # Errors
///
/// If none can, with the way to install one.
pub(crate) fn resolve(target: &Target, choice: Choice) -> Result<Toolchain> {
    let Target { name, triple, .. } = target;
    if choice != Choice::Debian && rustup_has(triple) {
        return Ok(Toolchain::Rustup);
    }
    if choice != Choice::Rustup && debian_is_ready() {
        return Ok(Toolchain::Debian);
    }
    bail!("no compiler for {triple}: run `cargo xtask setup --target {name}`")
}

/// A `cargo build` for a target, without what to build; `flags` go to the compiler after the
/// target's own.
pub(crate) fn cargo_build(target: &Target, toolchain: Toolchain, flags: &[&str]) -> Invocation {
    cargo("build", target, toolchain, flags)
}

/// A `cargo test` for a target that a user-mode emulator runs, without what to test.
pub(crate) fn cargo_test(target: &Target, toolchain: Toolchain) -> Invocation {
    let cargo = cargo("test", target, toolchain, &[]);
    match target.machine {
        Machine::User { emulator, root, .. } => {
            let runner = format!("{emulator} -L {root}");
            cargo.env(&variable(target, "RUNNER"), runner)
        }
        _ => cargo,
    }
}

/// Cargo's environment variable for a setting of a target.
fn variable(target: &Target, setting: &str) -> String {
    let triple = target.triple.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{triple}_{setting}")
}

fn cargo(verb: &str, target: &Target, toolchain: Toolchain, flags: &[&str]) -> Invocation {
    let mut flags = [target.flags, flags].concat();
    let mut cargo = match toolchain {
        Toolchain::Rustup => Invocation::cargo(verb),
        Toolchain::Debian => {
            flags.extend(debian_linker(target));
            debian_cargo(verb, target)
        }
    };
    cargo = cargo.words(&format!("--locked --target {}", target.triple));
    cargo = cargo.arg("--target-dir").path(&directory(toolchain));
    if let Machine::User { gcc, .. } = target.machine {
        cargo = cargo.env(&variable(target, "LINKER"), gcc);
    }
    if let Some(board) = target.board() {
        cargo = cargo.env("CONV_BOARD", board);
    }
    cargo = cargo.without_env("CARGO_ENCODED_RUSTFLAGS");
    if flags.is_empty() {
        cargo.without_env("RUSTFLAGS")
    } else {
        cargo.env("RUSTFLAGS", flags.join(" "))
    }
}

/// Where a compiler's builds go.
pub(crate) fn directory(toolchain: Toolchain) -> std::path::PathBuf {
    match toolchain {
        Toolchain::Rustup => target_directory(),
        Toolchain::Debian => target_directory().join("debian"),
    }
}

fn debian_cargo(verb: &str, target: &Target) -> Invocation {
    let library = match (verb, target.has_std()) {
        ("test", _) => "std,panic_unwind,panic_abort,test,proc_macro",
        (_, true) => "std,panic_abort",
        (_, false) => "core",
    };
    Invocation::new("/usr/bin/cargo")
        .arg(verb)
        .arg(format!("-Zbuild-std={library}"))
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .without_env("RUSTUP_TOOLCHAIN")
}

fn debian_linker(target: &Target) -> Option<&'static str> {
    match target.machine {
        Machine::Arm { .. } | Machine::Riscv { .. } => Some("-Clinker=ld.lld-22"),
        Machine::Node => Some("-Clinker=wasm-ld-22"),
        Machine::Host { .. } | Machine::User { .. } => None,
    }
}

/// The tools that linking for and running a target take, each with its Debian packages.
pub(crate) fn tools(target: &Target) -> Vec<(&'static str, &'static [&'static str])> {
    match target.machine {
        Machine::Host { .. } => vec![],
        Machine::User {
            emulator: "qemu-aarch64",
            ..
        } => vec![
            ("qemu-aarch64", &["qemu-user"]),
            (
                "aarch64-linux-gnu-gcc",
                &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
            ),
        ],
        Machine::User { .. } => vec![
            ("qemu-s390x", &["qemu-user"]),
            (
                "s390x-linux-gnu-gcc",
                &["gcc-s390x-linux-gnu", "libc6-dev-s390x-cross"],
            ),
        ],
        Machine::Arm { .. } => vec![("qemu-system-arm", &["qemu-system-arm"])],
        Machine::Riscv { .. } => vec![("qemu-system-riscv32", &["qemu-system-misc"])],
        Machine::Node => vec![("node", &["nodejs"])],
    }
}

/// The packages of those of a target's tools that are missing.
pub(crate) fn missing_packages(target: &Target) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for (program, packages) in tools(target) {
        if find(program).is_none() {
            missing.extend(packages);
        }
    }
    if let Machine::User { root, .. } = target.machine
        && !Path::new(root).join("lib/crt1.o").exists()
    {
        missing.extend(
            tools(target)
                .iter()
                .flat_map(|(_, packages)| packages.iter().skip(1)),
        );
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::TARGETS;

    #[test]
    fn each_way_says_what_it_needs() {
        let m55 = TARGETS
            .iter()
            .find(|target| target.name == "cortex-m55")
            .unwrap();
        let rustup = cargo_build(m55, Toolchain::Rustup, &[]).line();
        assert!(rustup.contains("RUSTFLAGS=-Ctarget-feature=+v8.1m.main,+mve,+lob,+dsp"));
        assert!(rustup.contains("CONV_BOARD=mps3-an547") && !rustup.contains("lld"));
        let debian = cargo_build(m55, Toolchain::Debian, &[]).line();
        assert!(debian.contains("-Clinker=ld.lld-22") && debian.contains("-Zbuild-std=core"));
        assert!(debian.contains("RUSTC=/usr/bin/rustc"), "{debian}");
    }

    #[test]
    fn every_emulated_target_names_its_tools() {
        for target in TARGETS {
            let local = matches!(target.machine, Machine::Host { .. });
            assert_eq!(tools(target).is_empty(), local, "{}", target.name);
        }
    }
}
