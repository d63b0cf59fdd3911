//! `cargo xtask test`: everything that can fail, in order, with every failure listed at the end.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::command::Invocation;
use crate::console::Console;
use crate::digest::{self, Report, Row};
use crate::targets::{Machine, TARGETS, Target};
use crate::toolchain::{self, Choice, Toolchain};
use crate::{
    blocks, firmware, fuzz, helium, instructions, package, setup, size, stack, symbols, valgrind,
};

/// What has passed and what has not.
struct Tally<'a> {
    console: &'a Console,
    passed: usize,
    failures: Vec<String>,
}

impl Tally<'_> {
    /// Runs one step; a failure is printed in full now and named again at the end.
    fn step(&mut self, name: &str, step: impl FnOnce() -> Result<()>) {
        let start = Instant::now();
        self.console.say(&format!("\n== {name}"));
        let result = step();
        let seconds = start.elapsed().as_secs_f64();
        match result {
            Ok(()) => {
                self.passed += 1;
                self.console
                    .say(&format!("   {name}: passed in {seconds:.1} s"));
            }
            Err(error) => {
                let text = format!("{error:#}");
                self.console
                    .say(&format!("{text}\n   {name}: FAILED after {seconds:.1} s"));
                self.failures.push(format!("{name}: {}", summary(&text)));
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
/// The whole workspace is tested on the host unless targets are named that all are other machines.
///
/// The last line printed says how many steps passed and failed; one failure fails the command.
///
/// # Errors
///
/// None: a failing step is one of those counted, and the others are run all the same.
pub(crate) fn everything(
    console: &Console,
    targets: &[&'static Target],
    choice: Choice,
) -> Result<ExitCode> {
    let start = Instant::now();
    let mut tally = Tally {
        console,
        passed: 0,
        failures: Vec::new(),
    };
    tally.step("setup", || setup::install(console, targets, choice));
    let everywhere = targets.len() == TARGETS.len();
    if everywhere
        || targets
            .iter()
            .all(|target| matches!(target.machine, Machine::Host { .. }))
    {
        host(&mut tally);
    }
    let boards: Vec<_> = targets
        .iter()
        .copied()
        .filter(|target| target.board().is_some())
        .collect();
    panics(&mut tally, &boards, choice);
    examples(&mut tally, &boards, choice);
    if !boards.is_empty() {
        tally.step("stack", || stack::check(console, &boards, choice));
        tally.step("instructions", || {
            instructions::check(console, &boards, choice)
        });
        tally.step("size", || size::check(console, &boards, choice));
    }
    emulated(&mut tally, targets, choice);
    let rows = digests(&mut tally, targets, choice);

    println!("\n{}", digest::table(&rows));
    for failure in &tally.failures {
        println!("FAILED {failure}");
    }
    println!("{:.0} s in all", start.elapsed().as_secs_f64());
    println!("{} passed, {} failed", tally.passed, tally.failures.len());
    Ok(if tally.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What the host's own compiler checks.
fn host(tally: &mut Tally<'_>) {
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
    tally.step("tests", || {
        let line = "test --locked --workspace --exclude xtask --all-features --all-targets";
        run(Invocation::cargo(line))
    });
    tally.step("tests of xtask", || {
        run(Invocation::cargo(
            "test --locked --profile xtask --package xtask",
        ))
    });
    tally.step("documentation tests", || {
        let line = "test --locked --workspace --exclude xtask --all-features --doc";
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
    tally.step("packages", || package::check(console));
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
            tally.failures.push(format!("digest: {error:#}"));
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
        let mut tally = Tally {
            console: &console,
            passed: 0,
            failures: Vec::new(),
        };
        tally.step("first", || bail!("broken\nbadly"));
        tally.step("second", || Ok(()));
        assert_eq!((tally.passed, tally.failures.len()), (1, 1));
        assert!(tally.failures[0].starts_with("first: broken"));
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
