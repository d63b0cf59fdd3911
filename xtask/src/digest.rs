//! The digest program: building and running it, its report, and the comparison of the reports.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::command::root;
use crate::console::Console;
use crate::image::{self, Program};
use crate::targets::{Machine, Target};
use crate::toolchain::Choice;

/// The workspace of the digest program.
pub(crate) const WORKSPACE: &str = "xtask/digest";
/// Where the committed report lies.
pub(crate) const EXPECTED: &str = "xtask/digest/expected.txt";

/// What one run of the digest program reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Each case's name and the hash of what it computed, in order.
    pub(crate) groups: Vec<(String, String)>,
    /// The number of single computations behind them.
    pub(crate) cases: u32,
    /// How many failed the program's own checks.
    pub(crate) failures: u32,
    /// The hash of everything.
    pub(crate) digest: String,
}

impl Report {
    /// Reads what the program printed.
    ///
    /// # Errors
    ///
    /// If a line is not understood or the last one is missing.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut report = Self::default();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["case", name, hash] => report.groups.push((name.into(), hash.into())),
                ["digest", digest, "cases", cases, "failures", failures] => {
                    report.digest = digest.into();
                    report.cases = cases.parse().context("the number of cases")?;
                    report.failures = failures.parse().context("the number of failures")?;
                }
                [] => {}
                _ => bail!("the digest program printed a line that is not a result: {line:?}"),
            }
        }
        if report.digest.is_empty() {
            bail!("the digest program ended without a digest:\n{text}");
        }
        Ok(report)
    }

    /// The first case in which two reports differ, in words; `None` if they are the same.
    pub(crate) fn difference(&self, expected: &Self) -> Option<String> {
        for (index, (name, hash)) in expected.groups.iter().enumerate() {
            match self.groups.get(index) {
                None => return Some(format!("case {name} is missing")),
                Some((other, _)) if other != name => {
                    return Some(format!("case {other} stands where {name} is expected"));
                }
                Some((_, other)) if other != hash => {
                    return Some(format!(
                        "first different case {name}: {other}, expected {hash}"
                    ));
                }
                Some(_) => {}
            }
        }
        if let Some((name, _)) = self.groups.get(expected.groups.len()) {
            return Some(format!("case {name} is not expected"));
        }
        if self.cases != expected.cases {
            return Some(format!(
                "{} cases ran, expected {}",
                self.cases, expected.cases
            ));
        }
        (self.digest != expected.digest)
            .then(|| format!("digest {}, expected {}", self.digest, expected.digest))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, hash) in &self.groups {
            writeln!(f, "case {name} {hash}")?;
        }
        let Self {
            digest,
            cases,
            failures,
            ..
        } = self;
        writeln!(f, "digest {digest} cases {cases} failures {failures}")
    }
}

/// The committed report.
///
/// # Errors
///
/// If it cannot be read.
pub(crate) fn expected() -> Result<Report> {
    let text = std::fs::read_to_string(root().join(EXPECTED)).with_context(|| {
        format!("cannot read {EXPECTED}; `cargo xtask vectors --bless` writes it")
    })?;
    Report::parse(&text)
}

/// The digest program's image for a target.
pub(crate) fn program(target: &Target) -> Program<'static> {
    let (package, file) = match target.machine {
        Machine::Host { .. } | Machine::User { .. } => ("digest-host", "digest-host"),
        Machine::Arm { .. } | Machine::Riscv { .. } => ("digest-firmware", "digest-firmware"),
        Machine::Node => ("digest-wasm", "digest_wasm.wasm"),
    };
    Program {
        workspace: WORKSPACE,
        package,
        file,
        profile: "release",
        arguments: "",
        layout: None,
        flags: &[],
    }
}

/// Builds the digest program for a target, runs it and reads its report.
///
/// # Errors
///
/// If it cannot be built, cannot be run, fails or prints something else.
pub(crate) fn measure(
    console: &Console,
    target: &Target,
    choice: Choice,
) -> Result<(Report, Duration)> {
    let image = image::build(console, &program(target), target, choice)?;
    let outcome = image::run(console, &image, target)?;
    let report = Report::parse(&outcome.stdout())
        .with_context(|| format!("{}: {}\n{}", target.name, outcome.ending, outcome.text()))?;
    if report.failures != 0 {
        bail!(
            "{} of {} cases failed:\n{}",
            report.failures,
            report.cases,
            outcome.text()
        );
    }
    if !outcome.success {
        bail!("{}\n{}", outcome.ending, outcome.text());
    }
    Ok((report, outcome.time))
}

/// One row of the table at the end of `cargo xtask test`.
#[derive(Debug)]
pub(crate) struct Row {
    /// The target's name.
    pub(crate) target: &'static str,
    /// The machine that ran it.
    pub(crate) machine: String,
    /// What came of it.
    pub(crate) result: Verdict,
}

/// What came of one target.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It ran; the text, where there is one, says how it differs from what is expected.
    Ran(Report, Duration, Option<String>),
    /// It could not be built or run.
    Failed(String),
    /// This computer's processor lacks a feature, so that nothing was run.
    Lacking(&'static str),
}

impl Row {
    /// Why the row fails the test, if it does.
    pub(crate) fn failure(&self) -> Option<String> {
        match &self.result {
            Verdict::Ran(_, _, difference) => difference.clone(),
            Verdict::Failed(error) => Some(error.clone()),
            Verdict::Lacking(_) => None,
        }
    }
}

/// Builds and runs the digest program on one target and holds it against what is expected.
pub(crate) fn row(
    console: &Console,
    target: &'static Target,
    choice: Choice,
    expected: &Report,
) -> Row {
    let result = match target.lacking() {
        Some(feature) => Verdict::Lacking(feature),
        None => match measure(console, target, choice) {
            Ok((report, time)) => {
                let difference = report.difference(expected);
                Verdict::Ran(report, time, difference)
            }
            Err(error) => Verdict::Failed(format!("{error:#}")),
        },
    };
    Row {
        target: target.name,
        machine: target.machine_name(),
        result,
    }
}

/// The table of targets: what ran, and with which digest.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:14} {:18} {:>8}  {:16} {:>8}\n",
        "target", "machine", "cases", "digest", "seconds"
    );
    for Row {
        target,
        machine,
        result,
    } in rows
    {
        let rest = match result {
            Verdict::Ran(report, time, difference) => {
                let mark = if difference.is_some() {
                    "  DIFFERS"
                } else {
                    ""
                };
                let (cases, digest) = (report.cases, &report.digest);
                format!("{cases:>8}  {digest:16} {:>8.2}{mark}", time.as_secs_f64())
            }
            Verdict::Failed(_) => format!("{:>8}  FAILED", "-"),
            Verdict::Lacking(feature) => format!("{:>8}  not run: this CPU lacks {feature}", "-"),
        };
        table += &format!("{target:14} {machine:18} {rest}\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "case a 0000000000000001\ncase b 0000000000000002\n\
                        digest 0000000000000003 cases 20 failures 0\n";

    #[test]
    fn a_report_reads_back_as_it_is_written() {
        let report = Report::parse(TEXT).unwrap();
        assert_eq!(report.to_string(), TEXT);
        assert_eq!(
            (report.cases, report.failures, report.groups.len()),
            (20, 0, 2)
        );
    }

    #[test]
    fn a_report_without_an_end_or_with_another_line_is_an_error() {
        assert!(Report::parse("case a 0000000000000001\n").is_err());
        assert!(Report::parse(&format!("{TEXT}panicked at src/lib.rs\n")).is_err());
    }

    #[test]
    fn the_first_different_case_is_named() {
        let expected = Report::parse(TEXT).unwrap();
        assert_eq!(expected.difference(&expected), None);
        let other = |from, to| Report::parse(&TEXT.replace(from, to)).unwrap();
        let difference = |from, to| other(from, to).difference(&expected).unwrap();
        assert!(difference("0000000000000002", "000000000000000f").contains("case b"));
        assert!(difference("case a 0000000000000001\n", "").contains("case b stands where a"));
        assert!(difference("digest 0000000000000003", "digest 4").contains("digest 4"));
        assert!(difference("cases 20", "cases 19").contains("19 cases ran"));
        assert!(difference("digest", "case c 5\ndigest").contains("case c is not expected"));
    }

    #[test]
    fn one_different_digest_fails_its_row() {
        let expected = Report::parse(TEXT).unwrap();
        let other = Report::parse(&TEXT.replace("digest 0000000000000003", "digest 4")).unwrap();
        let row = |report: &Report| {
            let difference = report.difference(&expected);
            let result = Verdict::Ran(report.clone(), Duration::ZERO, difference);
            Row {
                target: "cortex-m0",
                machine: "qemu microbit".into(),
                result,
            }
        };
        assert_eq!(row(&expected).failure(), None);
        assert!(row(&other).failure().is_some());
        assert!(table(&[row(&other)]).contains("DIFFERS"));
        assert!(!table(&[row(&expected)]).contains("DIFFERS"));
    }
}
