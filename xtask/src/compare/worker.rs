//! The processes that take part in a comparison, and the Python environment of those that are not ours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{self, Invocation};
use crate::console::Console;

/// The libraries, with their versions.
const REQUIREMENTS: &str = "xtask/compare/requirements.txt";

/// The script that runs a library.
const SCRIPT: &str = "xtask/compare/peers.py";

/// Where everything goes that a comparison makes.
pub(super) fn directory() -> PathBuf {
    command::target_directory().join("compare")
}

/// The interpreter of an environment that has the libraries; it is made, and they are installed from PyPI, where it has not the
/// versions that the project asks for.
///
/// # Errors
///
/// If there is no Python, it cannot make environments, or the libraries cannot be installed.
pub(super) fn environment(console: &Console) -> Result<PathBuf> {
    let environment = directory().join("environment");
    let python = environment.join("bin/python");
    let stamp = environment.join("installed.txt");
    let wanted = std::fs::read_to_string(command::root().join(REQUIREMENTS))?;
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if command::find("python3").is_none() {
        bail!(
            "no python3 in the search path: the other libraries come as Python packages; install Python 3.11 or later with its venv module"
        );
    }
    console.say(&format!(
        "installing the libraries of {REQUIREMENTS} from PyPI, about 800 MB, into {}",
        environment.display()
    ));
    Invocation::new("python3")
        .words("-m venv")
        .path(&environment)
        .expect(console)?;
    Invocation::new(python.to_string_lossy())
        .words("-m pip install --disable-pip-version-check --quiet --requirement")
        .arg(REQUIREMENTS)
        .expect(console)?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

/// A process that answers a JSON object a line with another.
pub(super) struct Worker {
    name: String,
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// A library's script in the environment of `python`.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(super) fn python(python: &Path, name: &str, threads: usize) -> Result<Self> {
        let script = command::root().join(SCRIPT);
        let script = script.to_string_lossy();
        Self::start(
            name,
            python,
            &[&*script, name, &threads.to_string()],
            threads,
        )
    }

    /// Starts a program.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub(super) fn start(
        name: &str,
        program: &Path,
        arguments: &[&str],
        threads: usize,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(command::root());
        // What the libraries' thread pools and matrix products look at.
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(variable, threads.to_string());
        }
        command
            .env_remove("OPENBLAS_CORETYPE")
            .env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Some libraries greet and warn; what goes wrong comes as an answer.
        command.stderr(Stdio::null());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("a process without output")?;
        Ok(Self {
            name: name.into(),
            child,
            requests,
            answers: BufReader::new(answers),
        })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    ///
    /// If the process has ended or answers with an error.
    pub(super) fn ask(&mut self, request: &Value) -> Result<Value> {
        let requests = self.requests.as_mut().context("no pipe to the process")?;
        writeln!(requests, "{request}").with_context(|| format!("{} has ended", self.name))?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let answer: Value = serde_json::from_str(&line)
            .with_context(|| format!("{} ended at {request}", self.name))?;
        match answer["error"].as_str() {
            Some(problem) => bail!("{}: {problem}", self.name),
            None => Ok(answer),
        }
    }
}

impl Drop for Worker {
    /// The end of its input is the end of the process.
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shell(script: &str) -> Worker {
        let shell = command::find("sh").unwrap();
        Worker::start("the shell", &shell, &["-c", script], 1).unwrap()
    }

    #[test]
    fn a_request_is_answered_line_by_line() {
        let mut echo = shell("while read -r line; do echo \"$line\"; done");
        for seconds in [1, 2] {
            let request = json!({"do": "measure", "seconds": seconds});
            assert_eq!(echo.ask(&request).unwrap(), request);
        }
    }

    #[test]
    fn an_error_and_an_end_name_the_library() {
        let mut failing = shell("read -r line; echo '{\"error\": \"no such layer\"}'");
        let error = failing.ask(&json!({})).unwrap_err().to_string();
        assert_eq!(error, "the shell: no such layer");
        let error = failing.ask(&json!({})).unwrap_err().to_string();
        assert!(error.contains("the shell"), "{error}");
    }
}
