//! Installs what the targets need: compiler targets from rustup, the rest from Debian.
//!
//! With everything there it takes no more than a look at a few files.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::command::{Invocation, find};
use crate::console::Console;
use crate::targets::Target;
use crate::toolchain::{self, Choice, DEBIAN_FILES};

/// Installs whatever of the targets' needs is missing.
///
/// # Errors
///
/// If something cannot be installed, with the commands that would.
pub(crate) fn install(console: &Console, targets: &[&Target], choice: Choice) -> Result<()> {
    components(console)?;
    let mut packages = BTreeSet::new();
    for target in targets {
        packages.extend(toolchain::missing_packages(target));
        if !compiler(console, target.triple, choice) {
            packages.extend(missing_debian_compiler());
        }
    }
    apt(console, &packages)?;
    for target in targets {
        toolchain::resolve(target, choice)?;
        let missing = toolchain::missing_packages(target);
        if !missing.is_empty() {
            bail!(
                "{}: still missing after the installation: {}",
                target.name,
                missing.join(" ")
            );
        }
    }
    Ok(())
}

/// rustfmt and clippy, which a bare toolchain lacks.
fn components(console: &Console) -> Result<()> {
    for (probe, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let present = std::process::Command::new("cargo")
            .args([probe, "--version"])
            .current_dir(crate::command::root())
            .output()
            .is_ok_and(|output| output.status.success());
        if !present {
            Invocation::new("rustup")
                .words("component add")
                .arg(component)
                .expect(console)?;
        }
    }
    Ok(())
}

/// Sees to rustup's part for a triple; `false` means that Debian's compiler has to do it.
fn compiler(console: &Console, triple: &str, choice: Choice) -> bool {
    if choice == Choice::Debian {
        return false;
    }
    if toolchain::rustup_has(triple) {
        return true;
    }
    let add = Invocation::new("rustup").words("target add").arg(triple);
    match add.expect(console) {
        Ok(_) => toolchain::rustup_has(triple),
        Err(error) => {
            console.say(&format!("    {error:#}"));
            choice == Choice::Rustup
        }
    }
}

/// cargo-fuzz, and the C++ compiler that libFuzzer is built with.
///
/// # Errors
///
/// If one is missing and cannot be installed.
pub(crate) fn fuzzing(console: &Console) -> Result<()> {
    packages(console, &[("c++", "g++")])?;
    let present = Invocation::cargo("fuzz --version").run(console)?.success;
    if !present {
        Invocation::cargo("install --locked --version 0.13.2 cargo-fuzz").expect(console)?;
    }
    Ok(())
}

/// The Debian packages of those programs that are missing.
///
/// # Errors
///
/// If they cannot be installed, with the command that would.
pub(crate) fn packages(console: &Console, programs: &[(&str, &'static str)]) -> Result<()> {
    let missing = programs
        .iter()
        .filter(|(program, _)| find(program).is_none());
    apt(console, &missing.map(|&(_, package)| package).collect())
}

fn missing_debian_compiler() -> Vec<&'static str> {
    let missing = DEBIAN_FILES
        .iter()
        .filter(|(file, _)| !std::path::Path::new(file).exists());
    missing.map(|&(_, package)| package).collect()
}

/// Installs Debian packages, as root or through a sudo that asks nothing.
fn apt(console: &Console, packages: &BTreeSet<&str>) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.iter().copied().collect::<Vec<_>>().join(" ");
    let advice = format!(
        "these Debian packages are missing: {names}. Install them with\n  \
         sudo apt-get update && sudo apt-get install -y --no-install-recommends {names}"
    );
    if find("apt-get").is_none() {
        bail!("{advice}\n(or with what this system has instead of apt-get)");
    }
    let Some(as_root) = superuser() else {
        bail!("{advice}")
    };
    let apt = |arguments: &str| {
        let words = format!("{as_root}apt-get {arguments}");
        let (program, rest) = words.split_once(' ').unwrap_or((&words, ""));
        Invocation::new(program)
            .words(rest)
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    apt("update").expect(console)?;
    let install = apt(&format!("install -y --no-install-recommends {names}"));
    install
        .expect(console)
        .map_err(|error| error.context(advice))?;
    Ok(())
}

/// What to write before a command that only root may run; `None` if there is no way.
fn superuser() -> Option<&'static str> {
    let succeeds = |program: &str, arguments: &[&str], expected: &str| {
        let output = std::process::Command::new(program).args(arguments).output();
        output.is_ok_and(|output| {
            output.status.success() && String::from_utf8_lossy(&output.stdout).trim() == expected
        })
    };
    if succeeds("id", &["-u"], "0") {
        return Some("");
    }
    succeeds("sudo", &["-n", "id", "-u"], "0").then_some("sudo -n ")
}
