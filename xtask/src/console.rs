//! Progress: a spinner with the latest line on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Without a terminal, a command that runs longer than this says so each time it has passed.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Where progress goes.
pub(crate) struct Console {
    terminal: bool,
    quiet: Cell<Quiet>,
}

/// Whether commands are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Each command is printed before it runs.
    No,
    /// Only results are printed, for output that a program reads.
    Yes,
}

impl Console {
    pub(crate) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            quiet: Cell::new(Quiet::No),
        }
    }

    /// Says whether commands are printed from here on.
    pub(crate) fn set_quiet(&self, quiet: Quiet) {
        self.quiet.set(quiet);
    }

    /// Prints a line of progress.
    pub(crate) fn say(&self, line: &str) {
        if self.quiet.get() == Quiet::No {
            eprintln!("{line}");
        }
    }

    /// Follows one command.
    pub(crate) fn follow(&self, what: &str) -> Follower {
        let bar = self.terminal.then(|| {
            let style = ProgressStyle::with_template("{spinner} {elapsed} {prefix}: {wide_msg}");
            let bar = ProgressBar::new_spinner().with_prefix(what.to_owned());
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        let plain = bar.is_none() && self.quiet.get() == Quiet::No;
        Follower {
            bar,
            plain,
            what: what.into(),
            start: Instant::now(),
            spoke: Instant::now(),
        }
    }
}

/// Shows how one command is getting on.
pub(crate) struct Follower {
    bar: Option<ProgressBar>,
    plain: bool,
    what: String,
    start: Instant,
    spoke: Instant,
}

impl Follower {
    /// Shows the latest line that the command printed.
    pub(crate) fn line(&self, line: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(line.trim().to_owned());
        }
    }

    /// Called a few times a second while the command runs; `latest` is what it printed last.
    pub(crate) fn tick(&mut self, latest: &str) {
        if self.plain && self.spoke.elapsed() >= HEARTBEAT {
            self.spoke = Instant::now();
            let seconds = self.start.elapsed().as_secs();
            eprintln!(
                "    {} has run for {seconds} s: {}",
                self.what,
                latest.trim()
            );
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
