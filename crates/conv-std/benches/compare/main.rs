//! The side of `cargo xtask compare` that runs conv-std: answers requests, a JSON object a line, until its input ends.
//!
//! | request | answer |
//! |---|---|
//! | `{"do": "open", "case": a line of cases.txt, "data": a directory, "threads": n}` | `{"variants": [names], "operations": n}`, after a run of each whose output it left in the directory |
//! | `{"do": "measure", "variant": name, "seconds": s}` | `{"us": the mean of as many calls as fit}` |
//! | `{"do": "peak", "threads": n}` | `{"gflops": of fused multiply-adds, or null}` |
//!
//! What goes wrong is answered by `{"error": …}`. Data are files of little-endian f64, `input`, `weights` and `scales`, as
//! `xtask/compare/peers.py` writes them.

#[path = "../cases/mod.rs"]
mod cases;
mod clock;
mod peak;

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cases::prepare::{Data, Runnable, prepare};
use cases::{Case, Problem};
use clock::Clock;
use conv_std::Layout;
use conv_std::rayon::ThreadPoolBuilder;
use serde_json::{Value, json};

/// What is measured: a name, and a case's plan.
type Variants = Vec<(&'static str, Box<dyn Runnable>)>;

/// The case that is open.
#[derive(Default)]
struct Runner {
    variants: Variants,
    threads: usize,
}

fn main() -> Result<(), Problem> {
    let mut runner = Runner::default();
    let mut answers = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(said)?;
        let answer = runner.answer(&line);
        let answer = answer.unwrap_or_else(|problem| json!({"error": problem}));
        writeln!(answers, "{answer}").map_err(said)?;
        answers.flush().map_err(said)?;
    }
    Ok(())
}

fn said(error: impl ToString) -> Problem {
    error.to_string()
}

impl Runner {
    fn answer(&mut self, line: &str) -> Result<Value, Problem> {
        let request: Value = serde_json::from_str(line).map_err(said)?;
        let threads = request["threads"].as_u64().map(|threads| threads as usize);
        match request["do"].as_str() {
            Some("open") => {
                self.threads = threads.ok_or("how many threads?")?;
                let case = request["case"].as_str().ok_or("which case?")?;
                let data = request["data"].as_str().ok_or("which data?")?;
                self.open(&case.parse()?, Path::new(data))
            }
            Some("measure") => {
                let variant = request["variant"].as_str().ok_or("which variant?")?;
                let seconds = request["seconds"].as_f64().ok_or("for how long?")?;
                self.measure(variant, seconds)
            }
            Some("peak") => {
                let threads = threads.ok_or("how many threads?")?;
                let peak = peak::peak(threads, Clock::of(threads));
                Ok(json!({"gflops": peak.map(|peak| peak * 1e-9)}))
            }
            _ => Err(format!("no request: {line}")),
        }
    }

    fn open(&mut self, case: &Case, directory: &Path) -> Result<Value, Problem> {
        let data = Data {
            input: read(&directory.join("input"))?,
            weights: read(&directory.join("weights"))?,
            scales: read(&directory.join("scales"))?,
        };
        let pool = ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = Arc::new(pool.map_err(said)?);
        self.variants.clear();
        let (mut names, mut operations) = (Vec::new(), 0);
        for (name, layout) in [
            ("conv-std nchw", Layout::Nchw),
            ("conv-std nhwc", Layout::Nhwc),
        ] {
            let mut plan = prepare(case, &data, layout, &pool)?;
            plan.run()?;
            let output = plan.output().into_iter().flat_map(f64::to_le_bytes);
            let output: Vec<_> = output.collect();
            std::fs::write(directory.join(name), output).map_err(said)?;
            operations = plan.operations();
            names.push(name);
            self.variants.push((name, plan));
        }
        Ok(json!({"variants": names, "operations": operations}))
    }

    fn measure(&mut self, variant: &str, seconds: f64) -> Result<Value, Problem> {
        let open = self.variants.iter_mut().find(|(name, _)| *name == variant);
        let (_, plan) = open.ok_or_else(|| format!("not open: {variant}"))?;
        let budget = Duration::try_from_secs_f64(seconds).map_err(said)?;
        let mean = Clock::of(self.threads).mean(budget, || plan.run())?;
        Ok(json!({"us": mean.as_secs_f64() * 1e6}))
    }
}

fn read(file: &Path) -> Result<Vec<f64>, Problem> {
    let bytes = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (values, rest) = bytes.as_chunks::<8>();
    match rest {
        [] => Ok(values
            .iter()
            .map(|&value| f64::from_le_bytes(value))
            .collect()),
        _ => Err(format!(
            "{} is not whole numbers of 8 bytes",
            file.display()
        )),
    }
}
