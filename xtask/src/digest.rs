//! The digest programs: building and running them, their report, and the comparison of the reports.

use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::command::root;
use crate::console::Console;
use crate::image::{self, Program};
use crate::targets::{Machine, Target};
use crate::toolchain::Choice;

/// The workspace of the digest programs.
pub(crate) const WORKSPACE: &str = "xtask/digest";
/// Where the committed report lies.
pub(crate) const EXPECTED: &str = "xtask/digest/expected.txt";

/// What the parts of the digest reported, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Each case's name and the hash of what it computed, in order.
    pub(crate) groups: Vec<(String, String)>,
    /// The number of single computations behind them all.
    pub(crate) cases: u32,
    /// How many failed the program's own checks.
    pub(crate) failures: u32,
    /// The hash of everything in each part.
    pub(crate) digests: Vec<String>,
}

/// The parts: a program each, but for WebAssembly, where one image has all.
const PARTS: [&str; 3] = ["operations", "layers", "kernels"];

impl Report {
    /// Reads what the parts printed.
    ///
    /// # Errors
    ///
    /// If a line is not understood, or there is not a digest for each part.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut report = Self::default();
        let (mut cases, mut failures) = (0, 0);
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            match words[..] {
                ["case", ref name @ .., hash] if !name.is_empty() => {
                    report.groups.push((name.join(" "), hash.into()));
                }
                ["digest", digest, "cases", of_part, "failures", failed] => {
                    report.digests.push(digest.into());
                    cases += of_part.parse::<u32>().context("the number of cases")?;
                    failures += failed.parse::<u32>().context("the number of failures")?;
                }
                [] => {}
                _ => bail!("the digest program printed a line that is not a result: {line:?}"),
            }
        }
        if report.digests.len() != PARTS.len() {
            bail!(
                "{} of {} parts of the digest ended:\n{text}",
                report.digests.len(),
                PARTS.len()
            );
        }
        (report.cases, report.failures) = (cases, failures);
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
        (self.digests != expected.digests).then(|| {
            format!(
                "digest {}, expected {}",
                self.digests.join(" "),
                expected.digests.join(" ")
            )
        })
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

/// The digest's images for a target, each with the machine that has the memory for it.
pub(crate) fn programs(target: &'static Target) -> Vec<(Program<'static>, &'static Target)> {
    let program = |package, file, arguments| Program {
        workspace: WORKSPACE,
        package,
        file,
        profile: "release",
        arguments,
        layout: None,
        flags: &[],
    };
    let package = match target.machine {
        Machine::Host { .. } | Machine::User { .. } => "digest-host",
        Machine::Arm { .. } | Machine::Riscv { .. } => "digest-firmware",
        Machine::Node => return vec![(program("digest-wasm", "digest_wasm.wasm", ""), target)],
    };
    let machine = target.with_memory();
    let [operations, layers, kernels] = PARTS;
    vec![
        (program(package, operations, "--bin operations"), machine),
        (program(package, layers, "--bin layers"), machine),
        (program(package, kernels, "--bin kernels"), machine),
    ]
}

/// Builds the digest programs for a target, runs them and returns what they printed, and how long they ran.
///
/// # Errors
///
/// If one cannot be built, cannot be run or fails.
pub(crate) fn output(
    console: &Console,
    target: &'static Target,
    choice: Choice,
) -> Result<(String, Duration)> {
    let (mut text, mut time) = (String::new(), Duration::ZERO);
    for (program, machine) in programs(target) {
        let image = image::build(console, &program, machine, choice)?;
        let outcome = image::run(console, &image, machine)?;
        if !outcome.success {
            bail!("{}: {}\n{}", program.file, outcome.ending, outcome.text());
        }
        text += &outcome.stdout();
        time += outcome.time;
    }
    Ok((text, time))
}

/// Builds the digest programs for a target, runs them and reads their report.
///
/// # Errors
///
/// If it cannot be built, cannot be run, fails or prints something else.
pub(crate) fn measure(
    console: &Console,
    target: &'static Target,
    choice: Choice,
) -> Result<(Report, Duration)> {
    let (text, time) = output(console, target, choice)?;
    let report = Report::parse(&text).with_context(|| target.name)?;
    if report.failures != 0 {
        bail!(
            "{} of {} cases failed:\n{text}",
            report.failures,
            report.cases
        );
    }
    Ok((report, time))
}

/// Builds the parts that layers run in with conv-core's kernels turned off, runs them and holds them against what is expected.
///
/// # Errors
///
/// If one cannot be built or run, or computes something else.
pub(crate) fn without_kernels(
    console: &Console,
    target: &'static Target,
    choice: Choice,
    expected: &Report,
) -> Result<()> {
    // On cores with a float unit the plain operations have kernels too.
    let parts: &[(&str, &str)] = match has_float_unit(target) {
        true => &[
            ("operations", "--bin operations --features portable"),
            ("layers", "--bin layers --features portable"),
        ],
        false => &[("layers", "--bin layers --features portable")],
    };
    for (program, machine) in programs(target) {
        let Some((_, arguments)) = parts.iter().find(|(part, _)| *part == program.file) else {
            continue;
        };
        let program = Program {
            arguments,
            ..program
        };
        let image = image::build(console, &program, machine, choice)?;
        let outcome = image::run(console, &image, machine)?;
        let text = outcome.stdout();
        let digest = text
            .lines()
            .find_map(|line| line.strip_prefix("digest ")?.split_whitespace().next())
            .with_context(|| format!("{} printed no digest:\n{text}", program.file))?;
        if !expected.digests.iter().any(|expected| expected == digest) {
            bail!(
                "{} without kernels: digest {digest}, expected one of {}",
                program.file,
                expected.digests.join(" ")
            );
        }
    }
    Ok(())
}

/// Whether `f32` has instructions of its own in conv-core on a target: whether its triple is that of a board whose core
/// has a float unit.
pub(crate) fn has_float_unit(target: &Target) -> bool {
    target.board().is_some() && target.triple.ends_with("eabihf")
}

/// Holds every small shape of an operation on `f32` against its sum, on one target.
///
/// # Errors
///
/// If the program cannot be built or run, or a shape has another sum.
pub(crate) fn floats(console: &Console, target: &'static Target, choice: Choice) -> Result<()> {
    let program = Program {
        workspace: WORKSPACE,
        package: "digest-firmware",
        file: "floats",
        profile: "release",
        arguments: "--bin floats",
        layout: None,
        flags: &[],
    };
    let machine = target.with_memory();
    let image = image::build(console, &program, machine, choice)?;
    let outcome = image::run(console, &image, machine)?;
    if !outcome.success {
        bail!("{}\n{}", outcome.ending, outcome.text());
    }
    Ok(())
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
        machine: target.with_memory().machine_name(),
        result,
    }
}

/// The table of targets: what ran, and with which digest.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = format!(
        "{:14} {:17} {:>7}  {:16} {:16} {:16} {:>7}\n",
        "target", "machine", "cases", PARTS[0], PARTS[1], PARTS[2], "seconds"
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
                let (cases, digests) = (report.cases, report.digests.join(" "));
                format!("{cases:>7}  {digests:50} {:>7.2}{mark}", time.as_secs_f64())
            }
            Verdict::Failed(_) => format!("{:>7}  FAILED", "-"),
            Verdict::Lacking(feature) => format!("{:>7}  not run: this CPU lacks {feature}", "-"),
        };
        table += &format!("{target:14} {machine:17} {rest}\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "case a 0000000000000001\ndigest 0000000000000003 cases 20 failures 0\n\
                        case b b 0000000000000002\ndigest 0000000000000004 cases 7 failures 1\n\
                        digest 0000000000000005 cases 0 failures 0\n";

    #[test]
    fn the_cores_with_a_float_unit_are_those_of_the_table() {
        let names = crate::targets::TARGETS
            .iter()
            .filter(|&target| has_float_unit(target));
        let names: Vec<_> = names.map(|target| target.name).collect();
        assert_eq!(
            names,
            ["cortex-m4f", "cortex-m7", "cortex-m33", "cortex-m55"]
        );
    }

    #[test]
    fn a_report_has_the_groups_and_the_cases_of_all_parts() {
        let report = Report::parse(TEXT).unwrap();
        let name = |(name, _): &(String, String)| name.clone();
        assert_eq!(
            report.groups.iter().map(name).collect::<Vec<_>>(),
            ["a", "b b"]
        );
        assert_eq!((report.cases, report.failures), (27, 1));
        assert_eq!(
            report.digests,
            ["0000000000000003", "0000000000000004", "0000000000000005"]
        );
    }

    #[test]
    fn a_report_without_an_end_or_with_another_line_is_an_error() {
        let (first, _) = TEXT.split_once("case b").unwrap();
        assert!(Report::parse(first).is_err());
        assert!(Report::parse(&format!("{TEXT}panicked at src/lib.rs\n")).is_err());
    }

    #[test]
    fn the_first_different_case_is_named() {
        let expected = Report::parse(TEXT).unwrap();
        assert_eq!(expected.difference(&expected), None);
        let other = |from, to| Report::parse(&TEXT.replace(from, to)).unwrap();
        let difference = |from, to| other(from, to).difference(&expected).unwrap();
        assert!(difference("0000000000000002", "000000000000000f").contains("case b b"));
        assert!(difference("case a 0000000000000001\n", "").contains("case b b stands where a"));
        assert!(difference("digest 0000000000000003", "digest 5").contains("digest 5"));
        assert!(difference("cases 20", "cases 19").contains("26 cases ran"));
        assert!(difference("digest 0000000000000004", "case c 5\ndigest 4").contains("case c"));
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
