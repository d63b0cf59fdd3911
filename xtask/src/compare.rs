//! conv-std beside other libraries, case by case, in the same minutes and on the same data.
//!
//! Each library runs in a process of its own and keeps its plan between calls: conv-std in an example of its crate,
//! `benches/compare`, the others in `xtask/compare/peers.py`, which is run in a Python environment under `target`. For each case a
//! further process makes the data and computes in f64, independently, what is right; an output that is further from it than its
//! tolerance is an error where it is conv-std's, and else leaves its library out of the case. Then every variant is measured for a
//! moment, one after the other, and again, round after round; between them the CPU's peak of fused multiply-adds.
//! What else the machine does meets all of them alike. Of one thread it is CPU time that counts, of more it is time.
//!
//! A variant's figure is the median of its rounds. Rates count two operations a multiply-accumulate, padded taps included.

mod plot;
mod report;
mod worker;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::command::{self, Invocation};
use crate::console::{Console, Quiet};
use report::{Compared, Sample};
use worker::Worker;

/// Libraries that can be asked for, in the order in which they are measured.
const PEERS: [&str; 6] = ["ort", "openvino", "ncnn", "litert", "opencv", "scipy"];

/// The cases, where none are named.
const CASES: &str = "crates/conv-std/benches/cases/cases.txt";

/// `cargo xtask compare`.
#[derive(Args)]
pub(crate) struct CompareArgs {
    /// These libraries: ort, openvino, ncnn, litert, opencv, scipy. All of them unless named, of a sweep ort.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    peers: Vec<String>,
    /// Threads of each library.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Only these cases, or those whose names begin so.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    cases: Vec<String>,
    /// Instead of the cases so many random layers.
    #[arg(long, value_name = "N", conflicts_with = "cases")]
    sweep: Option<usize>,
    /// Which random layers.
    #[arg(long, default_value_t = 1, requires = "sweep")]
    seed: u64,
    /// Instead of the cases 3x3 layers of growing channels and extents, beside ONNX Runtime unless others are named.
    #[arg(long, conflicts_with_all = ["cases", "sweep"])]
    grid: bool,
    /// Write a picture of the results, as SVG, to this file.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// How often each variant's turn comes.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How long a turn lasts, in seconds.
    #[arg(long, default_value_t = 0.05)]
    seconds: f64,
    /// One JSON object a line: case, threads, impl, us, gflops, peak (of the CPU, in GFLOP/s), max_error, version, layer.
    #[arg(long)]
    json: bool,
}

/// Every process that takes part.
struct Workers {
    /// Makes data and says what is right.
    data: Worker,
    /// conv-std, then the others.
    libraries: Vec<Worker>,
    /// Where data go.
    directory: PathBuf,
    threads: usize,
}

/// `cargo xtask compare`.
///
/// # Errors
///
/// If Python is missing, a library cannot be installed or conv-std not built, a name is unknown, or conv-std computes something
/// else than it should.
pub(crate) fn verb(console: &Console, arguments: &CompareArgs) -> Result<()> {
    if arguments.json {
        console.set_quiet(Quiet::Yes);
    }
    if arguments.threads == 0 || arguments.rounds == 0 {
        bail!("at least one thread and one round are needed");
    }
    let peers = peers(arguments)?;
    let mut workers = Workers::start(console, &peers, arguments.threads)?;
    let lines = match arguments.sweep {
        Some(count) => workers.random(count, arguments.seed)?,
        None if arguments.grid => plot::grid(),
        None => {
            let table = std::fs::read_to_string(command::root().join(CASES))?;
            select(&table, &arguments.cases)?
        }
    };
    let mut all = Vec::new();
    if !arguments.json {
        print!("{}", report::heading(arguments.threads));
    }
    for line in &lines {
        let compared = workers.compare(line, arguments.rounds, arguments.seconds)?;
        match arguments.json {
            true => compared.json().iter().for_each(|line| println!("{line}")),
            false => print!("{}", compared.row()),
        }
        for problem in &compared.problems {
            console.say(&format!("    {}: {problem}", compared.case));
        }
        all.push(compared);
    }
    if !arguments.json {
        print!("{}", report::summary(&all));
    }
    if let Some(file) = &arguments.plot {
        std::fs::write(file, plot::svg(&all))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    wrong(&all)
}

/// An error that names where conv-std is wrong.
fn wrong(all: &[Compared]) -> Result<()> {
    let wrong: Vec<_> = all.iter().flat_map(|compared| &compared.wrong).collect();
    match wrong[..] {
        [] => Ok(()),
        [first, ..] => bail!("{} outputs of conv-std are wrong: {first}", wrong.len()),
    }
}

/// The libraries that were asked for.
fn peers(arguments: &CompareArgs) -> Result<Vec<&'static str>> {
    if arguments.peers.is_empty() {
        return Ok(match arguments.sweep.is_some() || arguments.grid {
            true => vec!["ort"],
            false => PEERS.to_vec(),
        });
    }
    let known = |name: &String| {
        let known = PEERS.iter().copied().find(|peer| peer == name);
        known.with_context(|| format!("no library {name:?}; there are {}", PEERS.join(", ")))
    };
    arguments.peers.iter().map(known).collect()
}

/// The lines of a table whose names begin with one of these words; all lines if there are none.
fn select(table: &str, names: &[String]) -> Result<Vec<String>> {
    let lines: Vec<_> = table
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| !lines.iter().any(|line| line.starts_with(*name)))
    {
        bail!("no case begins with {unknown:?}; they are in {CASES}");
    }
    let named = |line: &String| names.iter().any(|name| line.starts_with(name));
    Ok(lines
        .into_iter()
        .filter(|line| names.is_empty() || named(line))
        .collect())
}

impl Workers {
    fn start(console: &Console, peers: &[&str], threads: usize) -> Result<Self> {
        let python = worker::environment(console)?;
        Invocation::cargo("build --locked --release -p conv-std --example compare")
            .expect(console)?;
        let built = command::target_directory().join("release/examples/compare");
        let directory = worker::directory().join("data");
        std::fs::create_dir_all(&directory)?;
        let mut libraries = vec![Worker::start("conv-std", &built, &[], threads)?];
        for peer in peers {
            libraries.push(Worker::python(&python, peer, threads)?);
        }
        Ok(Self {
            data: Worker::python(&python, "data", threads)?,
            libraries,
            directory,
            threads,
        })
    }

    /// So many random layers.
    fn random(&mut self, count: usize, seed: u64) -> Result<Vec<String>> {
        let request = json!({"do": "sweep", "count": count, "seed": seed});
        let answer = self.data.ask(&request)?;
        let lines = answer["cases"].as_array().context("no cases were made")?;
        let line = |line: &Value| line.as_str().map(str::to_owned).context("a case is a line");
        lines.iter().map(line).collect()
    }

    /// Opens a case in every library, checks what it computes, and measures in rounds.
    fn compare(&mut self, line: &str, rounds: usize, seconds: f64) -> Result<Compared> {
        let mut compared = Compared::new(line, self.threads);
        let data = self.directory.to_string_lossy().into_owned();
        self.data
            .ask(&json!({"do": "data", "case": line, "data": data}))?;
        let open = json!({"do": "open", "case": line, "data": data, "threads": self.threads});
        // Which library each sample is of.
        let mut owners = Vec::new();
        for (owner, library) in self.libraries.iter_mut().enumerate() {
            let answer = match library.ask(&open) {
                Ok(answer) => answer,
                Err(problem) if owner > 0 => {
                    compared.problems.push(format!("{problem:#}"));
                    continue;
                }
                Err(problem) => return Err(problem.context(line.to_owned())),
            };
            if let Some(operations) = answer["operations"].as_f64() {
                compared.operations = operations;
            }
            for name in answer["variants"].as_array().into_iter().flatten() {
                let name = name.as_str().context("a variant is a name")?;
                let check = json!({"do": "check", "output": name});
                let error = self.data.ask(&check)?["max_error"].as_f64();
                let version = answer["version"].as_str();
                if compared.admit(Sample::new(name, version, error.unwrap_or(f64::INFINITY))) {
                    owners.push(owner);
                }
            }
        }
        for _ in 0..rounds {
            let request = json!({"do": "peak", "threads": self.threads});
            let peak = self.libraries[0].ask(&request)?["gflops"].as_f64();
            compared.peaks.extend(peak);
            for (sample, owner) in compared.samples.iter_mut().zip(&owners) {
                let request = json!({"do": "measure", "variant": sample.name, "seconds": seconds});
                let answer = self.libraries[*owner].ask(&request)?;
                sample.us.extend(answer["us"].as_f64());
            }
        }
        Ok(compared)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# names\n  r50_l1 f32\n  r50_l2 f32\n  img3 f32\n\n";

    fn selected(names: &[&str]) -> Result<Vec<String>> {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        select(TABLE, &names)
    }

    #[test]
    fn cases_are_named_by_how_they_begin() {
        assert_eq!(selected(&[]).unwrap().len(), 3);
        assert_eq!(selected(&["r50"]).unwrap(), ["r50_l1 f32", "r50_l2 f32"]);
        assert_eq!(selected(&["img3", "r50_l2"]).unwrap().len(), 2);
        let error = selected(&["vgg"]).unwrap_err().to_string();
        assert!(error.contains("vgg") && error.contains(CASES), "{error}");
    }

    #[test]
    fn every_library_has_its_part_and_is_pinned() {
        let directory = command::root().join("xtask/compare");
        for peer in PEERS {
            assert!(
                directory.join(format!("peer_{peer}.py")).is_file(),
                "{peer}"
            );
        }
        let pinned = std::fs::read_to_string(directory.join("requirements.txt")).unwrap();
        let mut lines = pinned.lines().filter(|line| !line.starts_with('#'));
        assert!(lines.all(|line| line.contains("==")));
    }
}
