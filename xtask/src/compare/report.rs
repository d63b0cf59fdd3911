//! What was measured of a case, and how it is told: medians, ratios, a table, JSON lines.

use serde_json::{Value, json};

/// How our variants' names begin.
const OURS: &str = "conv-std";

/// Greatest error of `f32` outputs, as a part of the greatest output: of conv-std, and of others.
const TOLERANCE: (f64, f64) = (2e-5, 1e-4);

/// Greatest error of integers, in steps.
const STEPS: (f64, f64) = (0.0, 1.0);

/// A variant of a library on a case.
pub(super) struct Sample {
    pub(super) name: String,
    version: Option<String>,
    max_error: f64,
    /// Microseconds of a call, a value a round.
    pub(super) us: Vec<f64>,
}

impl Sample {
    pub(super) fn new(name: &str, version: Option<&str>, max_error: f64) -> Self {
        Self {
            name: name.into(),
            version: version.map(str::to_owned),
            max_error,
            us: Vec::new(),
        }
    }

    fn ours(&self) -> bool {
        self.name.starts_with(OURS)
    }
}

/// A case on every library.
pub(super) struct Compared {
    pub(super) case: String,
    /// The line that describes it.
    layer: String,
    threads: usize,
    /// Two a multiply-accumulate.
    pub(super) operations: f64,
    /// GFLOP/s of fused multiply-adds, a value a round; none where the CPU has a unit that is not known.
    pub(super) peaks: Vec<f64>,
    pub(super) samples: Vec<Sample>,
    /// What keeps a library out, in words.
    pub(super) problems: Vec<String>,
    /// Where conv-std is wrong, in words.
    pub(super) wrong: Vec<String>,
}

/// The middle value, of an even number the mean of both; `None` of none.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => Some(sorted[half]),
        _ => Some((sorted.get(half.checked_sub(1)?)? + sorted[half]) / 2.0),
    }
}

/// The line above the table.
pub(super) fn heading(threads: usize) -> String {
    let clock = match threads {
        1 => "one thread, by CPU time".into(),
        _ => format!("{threads} threads, by time"),
    };
    format!(
        "{clock}; GFLOP/s, of integers Gop/s; shares are of the f32 FMA peak of the same moments\n\
         {:18} {:>12} {:>9} {:>6}  {:24} {:>9} {:>6}  {:>6}\n",
        "case", "conv-std us", "rate", "peak", "best other", "rate", "peak", "ratio"
    )
}

impl Compared {
    pub(super) fn new(layer: &str, threads: usize) -> Self {
        let case = layer.split_whitespace().next().unwrap_or_default();
        // Columns of the table are set apart by more than one space.
        let words: Vec<_> = layer.split_whitespace().collect();
        Self {
            case: case.into(),
            layer: words.join(" "),
            threads,
            operations: 0.0,
            peaks: Vec::new(),
            samples: Vec::new(),
            problems: Vec::new(),
            wrong: Vec::new(),
        }
    }

    /// Takes part from here on, unless its output was wrong.
    pub(super) fn admit(&mut self, sample: Sample) -> bool {
        let floats = self.layer.split(' ').nth(1) == Some("f32");
        let (ours, others) = if floats { TOLERANCE } else { STEPS };
        let bound = if sample.ours() { ours } else { others };
        if sample.max_error <= bound {
            self.samples.push(sample);
            return true;
        }
        let words = format!(
            "the output of {} on {} is off by {:.1e}, allowed are {bound:.1e}",
            sample.name, self.case, sample.max_error
        );
        match sample.ours() {
            true => self.wrong.push(words),
            false => self.problems.push(words),
        }
        false
    }

    fn peak(&self) -> Option<f64> {
        median(&self.peaks)
    }

    fn rate(&self, us: f64) -> f64 {
        self.operations / us * 1e-3
    }

    /// The fastest variant of ours, or of the others, and its microseconds.
    fn best(&self, ours: bool) -> Option<(&Sample, f64)> {
        self.samples
            .iter()
            .filter(|sample| sample.ours() == ours)
            .filter_map(|sample| Some((sample, median(&sample.us)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// How many times as fast as the best other library the better of our variants is.
    pub(super) fn ratio(&self) -> Option<f64> {
        Some(self.best(false)?.1 / self.best(true)?.1)
    }

    /// How many times as fast as the best other library this variant is.
    fn ratio_of(&self, variant: &str) -> Option<f64> {
        let sample = self.samples.iter().find(|sample| sample.name == variant)?;
        Some(self.best(false)?.1 / median(&sample.us)?)
    }

    /// Shares of the peak that the better of our variants and the best other library reach.
    pub(super) fn shares(&self) -> [Option<f64>; 2] {
        [true, false].map(|ours| Some(self.rate(self.best(ours)?.1) / self.peak()?))
    }

    /// A line of the table.
    pub(super) fn row(&self) -> String {
        let share = |us: f64| match self.peak() {
            Some(peak) => format!("{:.0}%", 100.0 * self.rate(us) / peak),
            None => "-".into(),
        };
        let Some((ours, us)) = self.best(true) else {
            return format!("{:18} conv-std was not measured\n", self.case);
        };
        let layout = ours.name.trim_start_matches(OURS).trim();
        let mut row = format!(
            "{:18} {us:>7.0} {layout:4} {:>9.1} {:>6}",
            self.case,
            self.rate(us),
            share(us)
        );
        if let Some((other, us)) = self.best(false) {
            row += &format!(
                "  {:24} {:>9.1} {:>6}  {:>6.2}",
                other.name,
                self.rate(us),
                share(us),
                self.ratio().unwrap_or_default()
            );
        }
        row + "\n"
    }

    /// A JSON object for each variant.
    pub(super) fn json(&self) -> Vec<Value> {
        let line = |sample: &Sample| {
            let us = median(&sample.us);
            json!({
                "case": self.case,
                "threads": self.threads,
                "impl": sample.name,
                "us": us,
                "gflops": us.map(|us| self.rate(us)),
                "peak": self.peak(),
                "max_error": sample.max_error,
                "version": sample.version,
                "layer": self.layer,
            })
        };
        self.samples.iter().map(line).collect()
    }
}

/// How many cases are ahead of every other library, in the better layout and in each, and which are furthest behind.
pub(super) fn summary(all: &[Compared]) -> String {
    let better = all
        .iter()
        .filter_map(|compared| Some((compared.ratio()?, compared)))
        .collect();
    let mut text = format!("\n{}", standing("the better layout", better));
    for variant in ["conv-std nchw", "conv-std nhwc"] {
        let own = |compared| Some((Compared::ratio_of(compared, variant)?, compared));
        text += &standing(variant, all.iter().filter_map(own).collect());
    }
    text
}

/// How many of these ratios are at least 1, and the least.
fn standing(variant: &str, mut ratios: Vec<(f64, &Compared)>) -> String {
    const BEHIND: usize = 5;
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    let least = |bound: f64| ratios.iter().filter(|(ratio, _)| *ratio >= bound).count();
    let mut text = format!(
        "{variant}: of {} cases {} are at least as fast as the best other library, {} slower by more than a tenth\n",
        ratios.len(),
        least(1.0),
        ratios.len() - least(1.0 / 1.1)
    );
    for (ratio, compared) in ratios.iter().take(BEHIND).filter(|(ratio, _)| *ratio < 1.0) {
        text += &format!("{ratio:6.2}  {}\n", compared.layer);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared() -> Compared {
        let mut compared = Compared::new("layer   f32 direct 1 8", 2);
        compared.operations = 2e6;
        compared.peaks = vec![90.0, 100.0, 400.0];
        for (name, us) in [
            ("conv-std nchw", [50.0, 40.0, 45.0]),
            ("conv-std nhwc", [40.0, 1000.0, 40.0]),
            ("ort", [80.0, 90.0, 70.0]),
            ("ncnn", [60.0, 50.0, 1.0]),
        ] {
            let mut sample = Sample::new(name, Some("1.0"), 1e-6);
            sample.us = us.to_vec();
            assert!(compared.admit(sample));
        }
        compared
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_better_layout_is_held_against_the_best_other() {
        let compared = compared();
        assert_eq!(compared.ratio(), Some(50.0 / 40.0));
        let row = compared.row();
        for words in ["40 nhwc", "50.0", "50%", "ncnn", "40.0", "40%", "1.25"] {
            assert!(row.contains(words), "{words}: {row}");
        }
        assert_eq!(compared.ratio_of("conv-std nchw"), Some(50.0 / 45.0));
        let summary = summary(&[compared]);
        assert!(summary.contains("the better layout: of 1 cases 1 are"));
        assert!(summary.contains("conv-std nchw: of 1 cases 1 are"));
    }

    #[test]
    fn a_json_line_has_the_keys_that_are_promised() {
        let lines = compared().json();
        assert_eq!(lines.len(), 4);
        let keys = [
            "case",
            "threads",
            "impl",
            "us",
            "gflops",
            "peak",
            "max_error",
            "version",
            "layer",
        ];
        for key in keys {
            assert!(!lines[0][key].is_null(), "{key}");
        }
        assert_eq!(lines[0]["us"], 45.0);
        assert_eq!(lines[1]["gflops"], 50.0);
        assert_eq!(lines[0]["peak"], 100.0);
    }

    #[test]
    fn what_is_wrong_is_not_measured() {
        let mut compared = Compared::new("layer int8 direct", 1);
        assert!(compared.admit(Sample::new("conv-std nchw", None, 0.0)));
        assert!(!compared.admit(Sample::new("conv-std nhwc", None, 1.0)));
        assert!(compared.admit(Sample::new("ort", None, 1.0)));
        assert!(!compared.admit(Sample::new("ncnn", None, 2.0)));
        assert!(!compared.admit(Sample::new("litert", None, f64::NAN)));
        assert_eq!((compared.wrong.len(), compared.problems.len()), (1, 2));
        assert!(compared.wrong[0].contains("conv-std nhwc on layer"));
        let floats = Compared::new("layer f32 direct", 1).admit(Sample::new("ort", None, 1e-3));
        assert!(!floats);
    }
}
