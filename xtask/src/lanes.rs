//! The two halves of `cargo xtask test` beside each other: most steps keep one core busy, and every machine has two.
//!
//! Each half is this program once more, in a process of its own, so that what a step prints stays together: it is shown when the
//! step has ended. Compilers of both halves build for other profiles or targets, and rarely wait for each other.

use std::io::{BufRead, BufReader, PipeReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::test::Summary;
use crate::toolchain::Choice;

/// Half of the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lane {
    /// What the host's own compiler checks, and what runs on the host.
    Host,
    /// What runs on boards and under emulators, and the digests.
    Boards,
}

impl Lane {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Host, Self::Boards];

    const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Boards => "boards",
        }
    }
}

/// What stands before the summary in the last line of a half.
const SUMMARY: &str = "summary ";

/// The last line of a half, for the process that started it.
pub(crate) fn print_summary(summary: &Summary) {
    println!("{SUMMARY}{}", summary.to_json());
}

/// Runs both halves at once. Returns what they say together.
///
/// # Errors
///
/// If one cannot be started. One that ends without a summary is a failure in it.
pub(crate) fn run(choice: Choice) -> Result<Summary> {
    let printing = Mutex::new(());
    let halves = Lane::ALL.map(|lane| start(lane, choice));
    let mut both = Summary::default();
    thread::scope(|scope| -> Result<()> {
        let mut followers = Vec::new();
        for (lane, half) in Lane::ALL.into_iter().zip(halves) {
            let (child, pipe) = half?;
            let printing = &printing;
            followers.push(scope.spawn(move || follow(lane, child, pipe, printing)));
        }
        for follower in followers {
            let summary = follower
                .join()
                .map_err(|_| anyhow!("a half was not followed to its end"))?;
            both.extend(summary);
        }
        Ok(())
    })?;
    Ok(both)
}

fn start(lane: Lane, choice: Choice) -> Result<(Child, PipeReader)> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let (pipe, end) = std::io::pipe().context("no pipe")?;
    let toolchain = choice.to_possible_value();
    let toolchain = toolchain.as_ref().map_or("auto", |value| value.get_name());
    let child = Command::new(program)
        .args(["--toolchain", toolchain, "test", "--lane", lane.name()])
        .stdin(Stdio::null())
        .stdout(end.try_clone().context("no pipe")?)
        .stderr(end)
        .spawn()
        .with_context(|| format!("cannot start the half called {}", lane.name()))?;
    Ok((child, pipe))
}

/// Prints what a half says, step by step, and returns its summary.
fn follow(lane: Lane, mut child: Child, pipe: PipeReader, printing: &Mutex<()>) -> Summary {
    let print = |text: &str| {
        let _one_at_a_time = printing.lock();
        println!("{text}");
    };
    let mut summary = None;
    let mut step = String::new();
    for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        match parsed(&line) {
            Line::Summary(text) => summary = Summary::from_json(text),
            Line::News => print(&line),
            Line::Last => {
                print(&format!("{step}{line}"));
                step.clear();
            }
            Line::Other => step += &format!("{line}\n"),
        }
    }
    if !step.trim().is_empty() {
        print(step.trim_end());
    }
    let ending = child
        .wait()
        .map_or_else(|error| error.to_string(), |status| status.to_string());
    summary.unwrap_or_else(|| {
        Summary::failed(format!(
            "{}: this half of the test ended without a summary: {ending}",
            lane.name()
        ))
    })
}

/// A line that a half prints.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Summary(&'a str),
    /// How long a command has run.
    News,
    /// The last of a step.
    Last,
    Other,
}

fn parsed(line: &str) -> Line<'_> {
    if let Some(summary) = line.strip_prefix(SUMMARY) {
        return Line::Summary(summary);
    }
    if line.starts_with("    ") && line.contains(" has run for ") {
        return Line::News;
    }
    let ended = [": passed in ", ": FAILED after "];
    match line.starts_with("   ")
        && line.ends_with(" s")
        && ended.iter().any(|end| line.contains(end))
    {
        true => Line::Last,
        false => Line::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_step_stay_together_until_it_has_ended() {
        assert_eq!(parsed("$ cargo test"), Line::Other);
        assert_eq!(parsed("    cargo has run for 30 s: Compiling"), Line::News);
        assert_eq!(parsed("   tests: passed in 3.5 s"), Line::Last);
        assert_eq!(parsed("   digest: wasm32: FAILED after 1.0 s"), Line::Last);
        assert_eq!(parsed("summary {}"), Line::Summary("{}"));
    }

    #[test]
    fn a_half_that_says_nothing_is_a_failure() {
        let (pipe, end) = std::io::pipe().unwrap();
        let child = Command::new("sh")
            .args(["-c", "echo '== step'; exit 3"])
            .stdout(end)
            .spawn()
            .unwrap();
        let summary = follow(Lane::Host, child, pipe, &Mutex::new(()));
        assert_eq!((summary.passed, summary.failures.len()), (0, 1));
        assert!(
            summary.failures[0].contains("exit status: 3"),
            "{:?}",
            summary.failures
        );
    }
}
