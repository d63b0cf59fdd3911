//! One command: how it prints, how it runs, what it said.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::console::Console;

/// A command that hangs is ended after this long, unless it has a limit of its own.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// A command to run.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    program: String,
    arguments: Vec<String>,
    set: Vec<(String, String)>,
    unset: Vec<String>,
    directory: PathBuf,
    limit: Duration,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Whether it exited with 0, in time.
    pub(crate) success: bool,
    /// Its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error.
    pub(crate) stderr: Vec<u8>,
    /// How it ended, in words.
    pub(crate) ending: String,
    /// How long it ran.
    pub(crate) time: Duration,
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Where the builds go: `target`, or what `CARGO_TARGET_DIR` says.
pub(crate) fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(directory) => root().join(directory),
        None => root().join("target"),
    }
}

/// Finds a program in the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_else(OsString::new);
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

impl Invocation {
    /// A program, by name or path, run in the root of the project.
    pub(crate) fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            set: Vec::new(),
            unset: Vec::new(),
            directory: root().into(),
            limit: LIMIT,
        }
    }

    /// cargo, with the words of `line` as its arguments.
    pub(crate) fn cargo(line: &str) -> Self {
        Self::new("cargo").words(line)
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a path as an argument.
    pub(crate) fn path(self, path: &Path) -> Self {
        self.arg(path.to_string_lossy())
    }

    /// Adds each word of `line` as an argument.
    pub(crate) fn words(mut self, line: &str) -> Self {
        self.arguments
            .extend(line.split_whitespace().map(str::to_owned));
        self
    }

    /// Sets an environment variable; the last value counts.
    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set.retain(|(set, _)| set != name);
        self.set.push((name.into(), value.into()));
        self
    }

    /// Removes an environment variable.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.unset.push(name.into());
        self
    }

    /// Runs in a directory of the project instead of its root.
    pub(crate) fn within(mut self, directory: impl AsRef<Path>) -> Self {
        self.directory = root().join(directory);
        self
    }

    /// Ends the command after this long.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command as a line for a shell in the root of the project.
    pub(crate) fn line(&self) -> String {
        let mut words = Vec::new();
        if self.directory != root() {
            let directory = self
                .directory
                .strip_prefix(root())
                .unwrap_or(&self.directory);
            words.push(format!("cd {} &&", quote(&directory.to_string_lossy())));
        }
        words.extend(
            self.set
                .iter()
                .map(|(name, value)| format!("{name}={}", quote(value))),
        );
        words.push(quote(&self.shorten(&self.program)));
        words.extend(
            self.arguments
                .iter()
                .map(|argument| quote(&self.shorten(argument))),
        );
        words.join(" ")
    }

    /// Paths inside the project are printed relative to the directory the command runs in.
    fn shorten(&self, argument: &str) -> String {
        match Path::new(argument).strip_prefix(&self.directory) {
            Ok(inside) if !inside.as_os_str().is_empty() => inside.to_string_lossy().into_owned(),
            _ => argument.into(),
        }
    }

    /// Prints the command, runs it to its end and returns what it said.
    ///
    /// # Errors
    ///
    /// If the program cannot be started. A failing command is an [`Outcome`].
    pub(crate) fn run(&self, console: &Console) -> Result<Outcome> {
        console.say(&format!("$ {}", self.line()));
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        for name in &self.unset {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        let start = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.program))?;
        let mut outcome = self.collect(child, console)?;
        outcome.time = start.elapsed();
        Ok(outcome)
    }

    /// Runs the command; anything but success is an error with all that it printed.
    ///
    /// # Errors
    ///
    /// If the program cannot be started, fails or takes too long.
    pub(crate) fn expect(&self, console: &Console) -> Result<Outcome> {
        let outcome = self.run(console)?;
        if outcome.success {
            return Ok(outcome);
        }
        bail!("{}\n  {}\n{}", self.line(), outcome.ending, outcome.text())
    }

    fn collect(&self, mut child: Child, console: &Console) -> Result<Outcome> {
        let (send, receive) = mpsc::channel();
        let readers = [
            child
                .stdout
                .take()
                .map(|pipe| read_lines(pipe, Stream::Stdout, send.clone())),
            child
                .stderr
                .take()
                .map(|pipe| read_lines(pipe, Stream::Stderr, send.clone())),
        ];
        drop(send);
        let mut follower = console.follow(&self.program);
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut latest = String::new();
        let deadline = Instant::now() + self.limit;
        let mut late = Lateness::InTime;
        loop {
            match receive.recv_timeout(Duration::from_millis(200)) {
                Ok((stream, line)) => {
                    latest = String::from_utf8_lossy(&line).into_owned();
                    follower.line(&latest);
                    match stream {
                        Stream::Stdout => stdout.extend(line),
                        Stream::Stderr => stderr.extend(line),
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            follower.tick(&latest);
            if late == Lateness::InTime && Instant::now() > deadline {
                late = Lateness::Late;
                child
                    .kill()
                    .context("cannot end a command that takes too long")?;
            }
        }
        for reader in readers.into_iter().flatten() {
            let _ = reader.join();
        }
        let status = child.wait()?;
        let ending = match late {
            Lateness::InTime => status.to_string(),
            Lateness::Late => format!("ended after {} s without a result", self.limit.as_secs()),
        };
        let success = status.success() && late == Lateness::InTime;
        Ok(Outcome {
            success,
            stdout,
            stderr,
            ending,
            time: Duration::ZERO,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lateness {
    InTime,
    Late,
}

#[derive(Clone, Copy)]
enum Stream {
    Stdout,
    Stderr,
}

fn read_lines(
    pipe: impl Read + Send + 'static,
    stream: Stream,
    send: Sender<(Stream, Vec<u8>)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(1..) if send.send((stream, line)).is_ok() => {}
                _ => return,
            }
        }
    })
}

impl Outcome {
    /// Both streams as text, standard output first.
    pub(crate) fn text(&self) -> String {
        let mut text = self.stdout();
        text += &String::from_utf8_lossy(&self.stderr);
        text
    }

    /// Standard output as text.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

/// Quotes a word for a shell where it needs that.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+.,:/@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_as_a_shell_would_read_it() {
        let invocation = Invocation::cargo("build --release")
            .env("RUSTFLAGS", "-Ca=b -Cc=d")
            .arg("it's")
            .path(&root().join("examples/firmware/image"))
            .within("examples/firmware");
        assert_eq!(
            invocation.line(),
            r"cd examples/firmware && RUSTFLAGS='-Ca=b -Cc=d' cargo build --release 'it'\''s' image"
        );
    }

    #[test]
    fn both_streams_and_the_exit_code_come_back() {
        let console = Console::new();
        let shell = Invocation::new("sh")
            .arg("-c")
            .arg("echo out; echo err >&2; exit 3");
        let outcome = shell.run(&console).unwrap();
        assert!(!outcome.success);
        assert_eq!(outcome.text(), "out\nerr\n");
        let error = shell.expect(&console).unwrap_err().to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("err"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_hangs_is_ended_and_fails() {
        let sleep = Invocation::new("sleep")
            .arg("60")
            .limit(Duration::from_millis(300));
        let outcome = sleep.run(&Console::new()).unwrap();
        assert!(!outcome.success && outcome.time < Duration::from_secs(20));
        assert!(outcome.ending.contains("without a result"));
    }

    #[test]
    fn a_missing_program_is_an_error_that_names_it() {
        let error = Invocation::new("no-such-program")
            .run(&Console::new())
            .unwrap_err();
        assert!(error.to_string().contains("no-such-program"));
        assert!(find("no-such-program").is_none() && find("sh").is_some());
    }
}
