//! The fuzz targets: conv-core's and conv-std's run-time forms on whatever the fuzzer thinks of, against the oracle,
//! under AddressSanitizer.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;

use crate::command::{Invocation, root, target_directory};
use crate::console::Console;
use crate::setup;

/// The fuzz targets' workspace.
pub(crate) const WORKSPACE: &str = "xtask/fuzz";

/// Inputs are choices: longer ones hardly reach anything new.
const LONGEST: usize = 128;

/// `cargo xtask fuzz`.
#[derive(Args)]
pub(crate) struct FuzzArgs {
    /// How long each target runs.
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// Afterwards, write the fewest inputs that reach the same code to the committed corpus.
    #[arg(long)]
    minimise: bool,
    /// The targets: files of xtask/fuzz/fuzz_targets, without their ending; without one, all.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// `cargo xtask fuzz`.
///
/// # Errors
///
/// If a target cannot be built or finds something: the message has the command that runs what it found again.
pub(crate) fn verb(console: &Console, arguments: &FuzzArgs) -> Result<()> {
    let all = targets()?;
    let chosen = match arguments.targets.as_slice() {
        [] => all,
        named => {
            if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
                bail!(
                    "no fuzz target is called {unknown}; there are {}",
                    all.join(", ")
                );
            }
            named.to_vec()
        }
    };
    setup::fuzzing(console)?;
    cargo_fuzz("build", "").expect(console)?;
    let mut failures = Vec::new();
    println!("{:16} {:>8} {:>12}", "fuzz target", "seconds", "inputs");
    for target in &chosen {
        match run(console, target, arguments.seconds) {
            Ok(inputs) => println!("{target:16} {:>8} {inputs:>12}", arguments.seconds),
            Err(error) => failures.push(format!("{target}: {error:#}")),
        }
        if arguments.minimise {
            minimise(console, target)?;
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

/// A minute of every target, for the tests.
///
/// # Errors
///
/// As [`verb`].
pub(crate) fn minute(console: &Console) -> Result<()> {
    let arguments = FuzzArgs {
        seconds: 60,
        minimise: false,
        targets: Vec::new(),
    };
    verb(console, &arguments)
}

/// The names of all fuzz targets.
fn targets() -> Result<Vec<String>> {
    let folder = root().join(WORKSPACE).join("fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).context("no folder of fuzz targets")? {
        let path = entry?.path();
        names.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}

/// A verb of cargo-fuzz. It asks for options of a nightly compiler, which this variable gives the pinned one.
fn cargo_fuzz(verb: &str, target: &str) -> Invocation {
    let directory = target_directory().join("fuzz");
    Invocation::cargo("fuzz")
        .words(verb)
        .words("--fuzz-dir")
        .path(&root().join(WORKSPACE))
        .words("--target-dir")
        .path(&directory)
        .words(target)
        .env("RUSTC_BOOTSTRAP", "1")
}

fn corpus(target: &str) -> std::path::PathBuf {
    root().join(WORKSPACE).join("corpus").join(target)
}

/// Runs one target from the committed corpus and returns how many inputs it tried.
fn run(console: &Console, target: &str, seconds: u64) -> Result<u64> {
    let [found, artifacts] = ["corpus", "artifacts"]
        .map(|folder| target_directory().join("fuzz").join(folder).join(target));
    for folder in [&found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let outcome = cargo_fuzz("run", target)
        .path(&found)
        .path(&corpus(target))
        .arg("--")
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .words("-print_final_stats=1 -timeout=60")
        .limit(std::time::Duration::from_secs(seconds + 600))
        .env("RUST_BACKTRACE", "0")
        .run(console)?;
    let text = outcome.text();
    if !outcome.success {
        let telling = |line: &&str| {
            !line.starts_with('#')
                && (line.contains("panicked")
                    || line.contains("ERROR")
                    || line.contains("Test unit"))
        };
        let lines: Vec<_> = text.lines().filter(telling).collect();
        bail!("{}\n{}", outcome.ending, lines.join("\n"));
    }
    executed(&text).ok_or_else(|| anyhow!("the fuzzer did not say how many inputs it tried"))
}

/// The fuzzer's own count, if it tried any input.
fn executed(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))?;
    line.trim().parse().ok().filter(|&count| count > 0)
}

/// Replaces the committed corpus by the fewest inputs that reach all that it and the found ones do.
fn minimise(console: &Console, target: &str) -> Result<()> {
    let committed = corpus(target);
    let scratch = target_directory().join("fuzz/minimal").join(target);
    empty(&scratch)?;
    let found = target_directory().join("fuzz/corpus").join(target);
    fs::create_dir_all(&committed)?;
    cargo_fuzz("run", target)
        .path(&scratch)
        .path(&committed)
        .path(&found)
        .words("-- -set_cover_merge=1 -use_counters=0")
        .expect(console)?;
    empty(&committed)?;
    let mut count = 0;
    for entry in fs::read_dir(&scratch)? {
        let entry = entry?;
        fs::copy(entry.path(), committed.join(entry.file_name()))?;
        count += 1;
    }
    println!("{target}: {count} inputs in the committed corpus");
    Ok(())
}

fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_has_a_corpus_and_a_place_in_the_manifest() {
        let manifest = fs::read_to_string(root().join(WORKSPACE).join("Cargo.toml")).unwrap();
        let names = targets().unwrap();
        assert!(names.len() >= 4, "{names:?}");
        for name in names {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(fs::read_dir(corpus(&name)).unwrap().count() > 0, "{name}");
        }
    }

    #[test]
    fn a_run_without_inputs_does_not_count() {
        assert_eq!(
            executed("x\nstat::number_of_executed_units: 17\n"),
            Some(17)
        );
        assert_eq!(executed("stat::number_of_executed_units: 0\n"), None);
        assert_eq!(executed("Done"), None);
    }
}
