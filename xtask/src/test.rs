//! `cargo xtask test`: everything that can fail, in order, with every failure listed at the end.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};
use serde_json::json;

use crate::command::Invocation;
use crate::console::Console;
use crate::digest::{self, Report, Row};
use crate::lanes::{self, Lane};
use crate::targets::{Machine, TARGETS, Target};
use crate::toolchain::{self, Choice, Toolchain};
use crate::{
    blocks, explorer, firmware, fuzz, helium, instructions, package, setup, size, spills, stack,
    symbols, valgrind,
};

/// What has passed and what has not, and how long it took.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) passed: usize,
    pub(crate) failures: Vec<String>,
    /// Seconds of each step.
    times: Vec<(String, f64)>,
}

impl Summary {
    /// Of one failure.
    pub(crate) fn failed(failure: String) -> Self {
        Self {
            failures: vec![failure],
            ..Self::default()
        }
    }

    /// Adds another.
    pub(crate) fn extend(&mut self, other: Self) {
        self.passed += other.passed;
        self.failures.extend(other.failures);
        self.times.extend(other.times);
    }

    pub(crate) fn to_json(&self) -> String {
        json!({"passed": self.passed, "failures": self.failures, "times": self.times}).to_string()
    }

    /// What [`Summary::to_json`] wrote.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let failures = value["failures"].as_array()?.iter();
        let times = value["times"].as_array()?.iter();
        Some(Self {
            passed: value["passed"].as_u64()? as usize,
            failures: failures
                .map(|failure| failure.as_str().map(str::to_owned))
                .collect::<Option<_>>()?,
            times: times
                .map(|time| Some((time[0].as_str()?.to_owned(), time[1].as_f64()?)))
                .collect::<Option<_>>()?,
        })
    }

    /// Prints the longest steps, the failures and, last, how many steps passed and failed.
    fn print(&self, start: Instant) -> ExitCode {
        const LONGEST: usize = 12;
        let mut times: Vec<_> = self.times.iter().collect();
        times.sort_by(|a, b| b.1.total_cmp(&a.1));
        println!("\nsteps that took longest, in seconds");
        for (name, seconds) in times.into_iter().take(LONGEST) {
            println!("{seconds:7.1}  {name}");
        }
        println!();
        for failure in &self.failures {
            println!("FAILED {failure}");
        }
        println!("{:.0} s in all", start.elapsed().as_secs_f64());
        println!("{} passed, {} failed", self.passed, self.failures.len());
        match self.failures.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

/// The steps so far.
struct Tally<'a> {
    console: &'a Console,
    summary: Summary,
}

impl<'a> Tally<'a> {
    fn new(console: &'a Console) -> Self {
        Self {
            console,
            summary: Summary::default(),
        }
    }

    /// Runs one step; a failure is printed in full now and named again at the end.
    fn step(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        let start = Instant::now();
        self.console.say(&format!("\n== {name}"));
        let result = step();
        let seconds = start.elapsed().as_secs_f64();
        self.summary.times.push((name.to_owned(), seconds));
        match result {
            Ok(()) => {
                self.summary.passed += 1;
                self.console
                    .say(&format!("   {name}: passed in {seconds:.1} s"));
            }
            Err(error) => {
                let text = format!("{error:#}");
                self.console
                    .say(&format!("{text}\n   {name}: FAILED after {seconds:.1} s"));
                let failure = format!("{name}: {}", summary(&text));
                self.summary.failures.push(failure);
            }
        }
    }
}

/// A failure in few lines, for the list at the end: the command and how it ended, then the first
/// error it printed, or what it printed last where nothing is called an error.
fn summary(text: &str) -> String {
    const HEAD: usize = 2;
    const TAIL: usize = 8;
    let lines: Vec<_> = text.lines().collect();
    let error = ["error", "thread '", "FAILED"];
    let tail = (HEAD..lines.len())
        .find(|&at| {
            error
                .iter()
                .any(|word| lines[at].trim_start().starts_with(word))
        })
        .unwrap_or(lines.len().saturating_sub(TAIL).max(HEAD));
    let head = lines.iter().take(HEAD);
    let tail = lines.iter().skip(tail).take(TAIL);
    head.chain(tail).copied().collect::<Vec<_>>().join("\n    ")
}

/// Runs everything that concerns the targets.
///
/// The whole workspace is tested on the host unless targets are named that all are other machines. Of all targets, both halves of
/// the steps run at once, see [`lanes`].
///
/// The last line printed says how many steps passed and failed; one failure fails the command.
///
/// # Errors
///
/// If the halves cannot be started. A failing step is one of those counted, and the others are run all the same.
pub(crate) fn everything(
    console: &Console,
    targets: &[&'static Target],
    choice: Choice,
) -> Result<ExitCode> {
    let start = Instant::now();
    let mut tally = Tally::new(console);
    tally.step("setup", || setup::install(console, targets, choice));
    if targets.len() == TARGETS.len() {
        tally.summary.extend(lanes::run(choice)?);
    } else {
        let is_host = |target: &&Target| matches!(target.machine, Machine::Host { .. });
        if targets.iter().all(is_host) {
            host(&mut tally, choice);
        }
        boards(&mut tally, targets, choice);
    }
    Ok(tally.summary.print(start))
}

/// Runs one half of the steps, of all targets, for [`lanes`].
pub(crate) fn half(
    console: &Console,
    lane: Lane,
    targets: &[&'static Target],
    choice: Choice,
) -> ExitCode {
    let mut tally = Tally::new(console);
    match lane {
        Lane::Host => host(&mut tally, choice),
        Lane::Boards => boards(&mut tally, targets, choice),
    }
    lanes::print_summary(&tally.summary);
    ExitCode::SUCCESS
}

/// What runs on boards, under emulators and, of the digests, on the host.
fn boards(tally: &mut Tally<'_>, targets: &[&'static Target], choice: Choice) {
    let console = tally.console;
    let boards: Vec<_> = targets
        .iter()
        .copied()
        .filter(|target| target.board().is_some())
        .collect();
    panics(tally, &boards, choice);
    examples(tally, &boards, choice);
    if !boards.is_empty() {
        tally.step("stack", || stack::check(console, &boards, choice));
        tally.step("instructions", || {
            instructions::check(console, &boards, choice)
        });
        tally.step("size", || size::check(console, &boards, choice));
    }
    emulated(tally, targets, choice);
    let rows = digests(tally, targets, choice);
    println!("\n{}", digest::table(&rows));
}

/// What the host's own compiler checks.
fn host(tally: &mut Tally<'_>, choice: Choice) {
    let console = tally.console;
    let run = |invocation: Invocation| invocation.expect(console).map(|_| ());
    tally.step("formatting", || {
        run(Invocation::cargo("fmt --all --check"))?;
        run(Invocation::cargo("fmt --all --check").within(firmware::WORKSPACE))?;
        run(Invocation::cargo("fmt --all --check").within(digest::WORKSPACE))?;
        run(Invocation::cargo("fmt --all --check").within(fuzz::WORKSPACE))
    });
    tally.step("clippy", || {
        let line = "clippy --locked --workspace --all-targets --all-features -- -D warnings";
        run(Invocation::cargo(line))
    });
    tally.step("clippy of the digest program", || {
        let line = "clippy --locked -p conv-digest -p digest-host --target-dir";
        let cargo = Invocation::cargo(line).path(&crate::command::target_directory());
        run(cargo.words("-- -D warnings").within(digest::WORKSPACE))
    });
    tally.step("clippy of the fuzz targets", || {
        let cargo = Invocation::cargo("clippy --locked --target-dir")
            .path(&crate::command::target_directory());
        run(cargo.words("-- -D warnings").within(fuzz::WORKSPACE))
    });
    tally.step("documentation", || {
        let line = "doc --locked --no-deps --workspace --all-features";
        run(Invocation::cargo(line).env("RUSTDOCFLAGS", "-D warnings"))
    });
    // conv-explorer is tested without the features of others: symbols of `defmt` have names that no shared library may export.
    tally.step("tests", || {
        let line = "test --locked --workspace --exclude xtask --exclude conv-explorer --all-features --all-targets";
        run(Invocation::cargo(line))
    });
    tally.step("tests of xtask", || {
        run(Invocation::cargo(
            "test --locked --profile xtask --package xtask",
        ))
    });
    tally.step("documentation tests", || {
        let line = "test --locked --workspace --exclude xtask --exclude conv-explorer --all-features --doc";
        run(Invocation::cargo(line))
    });
    for arch in ["dsp", "packed", "helium"] {
        tally.step(&format!("tests of the model of {arch}"), || {
            let line = "test --locked -p conv-core --test quantised --test layers --test stream --target-dir";
            let models = crate::command::target_directory().join("models");
            run(Invocation::cargo(line).path(&models).env("CONV_ARCH", arch))
        });
    }
    tally.step("fuzzing", || fuzz::minute(console));
    tally.step("valgrind", || valgrind::check(console));
    if cfg!(target_arch = "x86_64") {
        tally.step("spills", || spills::check(console));
    }
    tally.step("packages", || package::check(console));
    tally.step("explorer", || explorer::check(console, choice));
}

/// Clippy over the firmware, and the proof that it cannot panic.
fn panics(tally: &mut Tally<'_>, boards: &[&'static Target], choice: Choice) {
    let console = tally.console;
    if let Some(target) = boards
        .iter()
        .find(|target| target.triple.starts_with("thumb"))
    {
        clippy_of_firmware(tally, target, choice);
    }
    for target in boards.iter().filter(|target| symbols::of_interest(target)) {
        tally.step(
            &format!("symbols: the check itself, {}", target.name),
            || symbols::self_test(console, target, choice),
        );
        tally.step(&format!("symbols: {}", target.name), || {
            symbols::check(console, target, choice)
        });
    }
}

fn clippy_of_firmware(tally: &mut Tally<'_>, target: &Target, choice: Choice) {
    let console = tally.console;
    if toolchain::resolve(target, choice).is_ok_and(|chosen| chosen == Toolchain::Debian) {
        console.say("\n== clippy of the firmware: not run, Debian's compiler comes without clippy");
        return;
    }
    tally.step("clippy of the firmware", || {
        for (workspace, packages) in [
            (firmware::WORKSPACE, "--workspace"),
            (digest::WORKSPACE, "-p digest-firmware"),
        ] {
            let line = format!("clippy --locked {packages} --target {}", target.triple);
            let cargo = Invocation::cargo(&line).arg("--target-dir");
            let cargo = cargo.path(&crate::command::target_directory());
            cargo
                .words("-- -D warnings")
                .within(workspace)
                .expect(console)?;
        }
        Ok(())
    });
}

/// Every firmware example on every board, against its committed output.
fn examples(tally: &mut Tally<'_>, boards: &[&'static Target], choice: Choice) {
    let console = tally.console;
    for target in boards {
        tally.step(&format!("firmware examples: {}", target.name), || {
            let mut failures = Vec::new();
            for (example, image) in firmware::build(console, target, choice)? {
                let result = firmware::run(console, &example, &image, target)
                    .and_then(|text| firmware::compare(&example, target, &text));
                failures.extend(result.err().map(|error| format!("{example}: {error:#}")));
            }
            if failures.is_empty() {
                Ok(())
            } else {
                Err(anyhow!("{}", failures.join("\n")))
            }
        });
    }
}

/// The published cases, the anchors' hashes and the sweeps of both crates, quantised or not, streams and what stands
/// between layers, and conv-std's golden results, on every target that runs a test as it is.
fn emulated(tally: &mut Tally<'_>, targets: &[&'static Target], choice: Choice) {
    let console = tally.console;
    let emulated = |target: &&&Target| matches!(target.machine, Machine::User { .. });
    for target in targets.iter().filter(emulated) {
        tally.step(&format!("tests: {}", target.name), || {
            let toolchain = toolchain::resolve(target, choice)?;
            let cargo = toolchain::cargo_test(target, toolchain);
            cargo
                .words("-p conv-core --test quantised --test layers --test stream")
                .words("-p conv-std --test oracle --test order --test onnx --test golden")
                .expect(console)
                .map(|_| ())
        });
    }
}

/// The digest program on every target.
fn digests(tally: &mut Tally<'_>, targets: &[&'static Target], choice: Choice) -> Vec<Row> {
    let console = tally.console;
    let expected = match digest::expected() {
        Ok(expected) => expected,
        Err(error) => {
            tally.summary.failures.push(format!("digest: {error:#}"));
            Report::default()
        }
    };
    let mut rows = Vec::new();
    for target in targets {
        if let Some(feature) = target.lacking() {
            console.say(&format!(
                "\n== digest: {}: not run, this CPU lacks {feature}",
                target.name
            ));
            rows.push(digest::row(console, target, choice, &expected));
            continue;
        }
        tally.step(&format!("digest: {}", target.name), || {
            let row = digest::row(console, target, choice, &expected);
            let failure = row.failure();
            rows.push(row);
            failure.map_or(Ok(()), |failure| Err(anyhow!(failure)))
        });
        if target.board().is_some() {
            let name = format!("digest without kernels: {}", target.name);
            tally.step(&name, || {
                digest::without_kernels(console, target, choice, &expected)
            });
        }
    }
    for target in targets.iter().filter(|target| blocks::of_interest(target)) {
        tally.step(&format!("inner loops: {}", target.name), || {
            blocks::check(console, target, choice)
        });
    }
    for target in targets
        .iter()
        .filter(|target| digest::has_float_unit(target))
    {
        tally.step(&format!("shapes of f32: {}", target.name), || {
            digest::floats(console, target, choice)
        });
    }
    for target in targets.iter().filter(|target| helium::is_asked_for(target)) {
        tally.step(&format!("helium: {}", target.name), || {
            helium::check(console, target, choice)
        });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn a_failing_step_is_counted_and_named_and_the_next_still_runs() {
        let console = Console::new();
        let mut tally = Tally::new(&console);
        tally.step("first", || bail!("broken\nbadly"));
        tally.step("second", || Ok(()));
        let summary = Summary::from_json(&tally.summary.to_json()).unwrap();
        assert_eq!((summary.passed, summary.failures.len()), (1, 1));
        assert!(summary.failures[0].starts_with("first: broken"));
        assert_eq!(summary.times.len(), 2);
    }

    #[test]
    fn a_summary_holds_the_command_its_end_and_the_first_error() {
        let text = "cargo build\n  exit status: 101\nwarning: old\n | x\nerror: missing\n --> here";
        let said = "cargo build\n      exit status: 101\n    error: missing\n     --> here";
        assert_eq!(summary(text), said);
        let silent = (0..20).map(|at| at.to_string()).collect::<Vec<_>>();
        let shown = summary(&silent.join("\n"));
        assert_eq!(
            shown.split_whitespace().collect::<Vec<_>>(),
            ["0", "1", "12", "13", "14", "15", "16", "17", "18", "19"]
        );
        assert_eq!(summary("alone"), "alone");
    }
}
