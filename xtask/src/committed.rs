//! Figures that are committed, one a line, and may not grow: measured ones are held against them.
//!
//! They are of the pinned compiler; what another one built is not compared, and not committed.

use anyhow::{Context, Result, bail};

use crate::command::root;
use crate::targets::{TARGETS, Target};
use crate::toolchain::{self, Choice, Toolchain};

/// A figure may grow by this many parts of a hundred.
const TOLERANCE: u64 = 2;

/// A file of committed figures.
pub(crate) struct Ledger {
    /// The file, in the project.
    pub(crate) file: &'static str,
    /// What writes it.
    pub(crate) bless: &'static str,
    /// What the figures are of.
    pub(crate) unit: &'static str,
    /// What two measurements of the same thing may differ by.
    pub(crate) resolution: u64,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// The target's name.
    pub(crate) target: String,
    /// What was measured.
    pub(crate) case: String,
    /// How much it is.
    pub(crate) value: u64,
}

/// What came of a comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// Each figure that fails, in words.
    pub(crate) failures: Vec<String>,
    /// How many figures have become smaller by more than the tolerance.
    pub(crate) smaller: usize,
}

impl Ledger {
    /// Holds what was measured on these targets against the file. Targets that another compiler built for than the
    /// pinned one are named, and left out.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a figure is missing, not committed, or too large; each is named.
    pub(crate) fn check(
        &self,
        measured: &[Figure],
        targets: &[&Target],
        choice: Choice,
    ) -> Result<()> {
        let (pinned, others) = by_compiler(targets, choice);
        for target in others {
            let name = target.name;
            eprintln!(
                "{name}: not compared, the {} committed are of the pinned compiler",
                self.unit
            );
        }
        let named = |figure: &&Figure| pinned.iter().any(|target| target.name == figure.target);
        let measured: Vec<_> = measured.iter().filter(named).cloned().collect();
        let Comparison { failures, smaller } = self.compare(&self.read()?, &measured, &pinned);
        if smaller > 0 {
            eprintln!(
                "{smaller} cases take more than {TOLERANCE} % fewer {} than committed: `{}` writes it down",
                self.unit, self.bless
            );
        }
        if failures.is_empty() {
            return Ok(());
        }
        bail!("{}", failures.join("\n"))
    }

    /// Writes what was measured on these targets to the file; the lines of other targets stay.
    ///
    /// # Errors
    ///
    /// If another compiler than the pinned one built for one of them, or the file cannot be read or written.
    pub(crate) fn write(
        &self,
        measured: &[Figure],
        targets: &[&Target],
        choice: Choice,
    ) -> Result<()> {
        if let (_, others) = by_compiler(targets, choice)
            && let Some(other) = others.first()
        {
            bail!(
                "{}: not the pinned compiler, whose figures are committed",
                other.name
            );
        }
        let path = root().join(self.file);
        let before = match path.exists() {
            true => self.read()?,
            false => Vec::new(),
        };
        let text = self.text(&merge(&before, measured, targets));
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", self.file))?;
        eprintln!("wrote {}", self.file);
        Ok(())
    }

    fn read(&self) -> Result<Vec<Figure>> {
        let text = std::fs::read_to_string(root().join(self.file))
            .with_context(|| format!("cannot read {}; `{}` writes it", self.file, self.bless))?;
        parse(&text).with_context(|| self.file)
    }

    fn text(&self, figures: &[Figure]) -> String {
        let mut text = format!(
            "# target, {}, case; written by `{}`\n",
            self.unit, self.bless
        );
        for Figure {
            target,
            case,
            value,
        } in figures
        {
            text += &format!("{target:12} {value:>11}  {case}\n");
        }
        text
    }

    fn compare(
        &self,
        committed: &[Figure],
        measured: &[Figure],
        targets: &[&Target],
    ) -> Comparison {
        let mut comparison = Comparison::default();
        for Figure {
            target,
            case,
            value,
        } in committed
        {
            if !TARGETS.iter().any(|known| known.name == target) {
                let surplus =
                    format!("{target}: {case}: committed of a target that does not exist");
                comparison.failures.push(surplus);
            } else if targets.iter().any(|asked| asked.name == target)
                && find(measured, target, case).is_none()
            {
                let missing = format!("{target}: {case}: committed with {value}, not measured");
                comparison.failures.push(missing);
            }
        }
        for figure in measured {
            let Figure {
                target,
                case,
                value,
            } = figure;
            match find(committed, target, case) {
                None => comparison
                    .failures
                    .push(format!("{target}: {case}: {value}, not committed")),
                Some(before) => {
                    comparison.failures.extend(self.growth(figure, before));
                    comparison.smaller += usize::from(self.grew(*value, before));
                }
            }
        }
        comparison
    }

    fn growth(&self, figure: &Figure, before: u64) -> Option<String> {
        let Figure {
            target,
            case,
            value,
        } = figure;
        self.grew(before, *value).then(|| {
            let percent = (*value as f64 / before as f64 - 1.0) * 100.0;
            format!(
                "{target}: {case}: {value} {}, {percent:.1} % more than the {before} committed",
                self.unit
            )
        })
    }

    /// Whether a figure is larger than before by more than the tolerance, and by more than measuring twice would
    /// make it.
    fn grew(&self, before: u64, value: u64) -> bool {
        value.saturating_sub(before) > self.resolution && value * 100 > before * (100 + TOLERANCE)
    }
}

/// The targets that the pinned compiler builds for, and the others.
fn by_compiler<'a>(targets: &[&'a Target], choice: Choice) -> (Vec<&'a Target>, Vec<&'a Target>) {
    let pinned = |target: &&Target| {
        toolchain::resolve(target, choice).is_ok_and(|chosen| chosen == Toolchain::Rustup)
    };
    targets.iter().copied().partition(pinned)
}

fn find(figures: &[Figure], target: &str, case: &str) -> Option<u64> {
    let same = |figure: &&Figure| figure.target == target && figure.case == case;
    figures.iter().find(same).map(|figure| figure.value)
}

/// The measured figures of these targets and the earlier ones of the others, in the order of the table of targets.
fn merge(before: &[Figure], measured: &[Figure], targets: &[&Target]) -> Vec<Figure> {
    let mut merged = Vec::new();
    for target in TARGETS {
        let figures = match targets.iter().any(|asked| asked.name == target.name) {
            true => measured,
            false => before,
        };
        let of_target = figures.iter().filter(|figure| figure.target == target.name);
        merged.extend(of_target.cloned());
    }
    merged
}

fn parse(text: &str) -> Result<Vec<Figure>> {
    let mut figures = Vec::<Figure>::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (target, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (value, case) = rest.trim_start().split_once("  ").unwrap_or((rest, ""));
        let figure = Figure {
            target: target.into(),
            case: case.into(),
            value: value
                .parse()
                .with_context(|| format!("no figure: {line:?}"))?,
        };
        if case.is_empty() {
            bail!("no case: {line:?}");
        }
        if find(&figures, target, case).is_some() {
            bail!("twice: {line:?}");
        }
        figures.push(figure);
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEDGER: Ledger = Ledger {
        file: "figures.txt",
        bless: "cargo xtask figures --bless",
        unit: "instructions",
        resolution: 63,
    };

    fn figure(target: &str, case: &str, value: u64) -> Figure {
        Figure {
            target: target.into(),
            case: case.into(),
            value,
        }
    }

    fn boards(names: &[&str]) -> Vec<&'static Target> {
        TARGETS
            .iter()
            .filter(|target| names.contains(&target.name))
            .collect()
    }

    fn failures(committed: &[Figure], measured: &[Figure]) -> Vec<String> {
        let targets = boards(&["cortex-m3", "cortex-m7"]);
        LEDGER.compare(committed, measured, &targets).failures
    }

    #[test]
    fn a_growth_by_more_than_two_percent_fails_and_names_case_target_and_both_figures() {
        let committed = [figure("cortex-m3", "conv 3x3", 100_000)];
        for value in [1, 99_999, 100_000, 102_000] {
            assert!(failures(&committed, &[figure("cortex-m3", "conv 3x3", value)]).is_empty());
        }
        let failures = failures(&committed, &[figure("cortex-m3", "conv 3x3", 102_001)]);
        assert_eq!(failures.len(), 1);
        for word in ["cortex-m3", "conv 3x3", "100000", "102001", "2.0 %"] {
            assert!(failures[0].contains(word), "{failures:?}");
        }
    }

    #[test]
    fn a_step_of_the_timer_is_no_growth() {
        let committed = [figure("cortex-m3", "a small one", 1000)];
        let of = |value| failures(&committed, &[figure("cortex-m3", "a small one", value)]);
        assert!(of(1063).is_empty());
        assert_eq!(of(1064).len(), 1);
    }

    #[test]
    fn a_missing_case_and_a_surplus_one_fail() {
        let (one, other) = (
            figure("cortex-m3", "one", 5),
            figure("cortex-m7", "other", 6),
        );
        let both = [one.clone(), other.clone()];
        assert!(failures(&both, &both).is_empty());
        assert!(failures(&both, std::slice::from_ref(&one))[0].contains("not measured"));
        assert!(failures(&[one], &both)[0].contains("not committed"));
    }

    #[test]
    fn a_target_that_is_not_measured_is_not_missing_but_one_that_does_not_exist_fails() {
        let of_another = figure("cortex-m55", "one", 5);
        assert!(failures(&[of_another], &[]).is_empty());
        assert!(failures(&[figure("cortex-m9", "one", 5)], &[])[0].contains("cortex-m9"));
    }

    #[test]
    fn smaller_figures_are_counted() {
        let committed = [figure("cortex-m3", "one", 10_000)];
        let smaller = |value| {
            let measured = [figure("cortex-m3", "one", value)];
            LEDGER
                .compare(&committed, &measured, &boards(&["cortex-m3"]))
                .smaller
        };
        assert_eq!((smaller(5000), smaller(9900), smaller(20_000)), (1, 0, 0));
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let figures = [
            figure("cortex-m3", "conv3x3 16x16x16→32 s1 p1", 12_345_678_901),
            figure("cortex-m7", "network: conv 3x3, 1 to 12 channels", 7),
        ];
        let text = LEDGER.text(&figures);
        assert_eq!(parse(&text).unwrap(), figures);
        assert!(parse(&format!("{text}{text}")).is_err(), "every line twice");
        assert!(parse("cortex-m3 many  conv\n").is_err());
        assert!(parse("cortex-m3 5\n").is_err());
    }

    #[test]
    fn writing_replaces_the_lines_of_the_measured_targets_alone() {
        let (m3, m7) = (figure("cortex-m3", "a", 1), figure("cortex-m7", "a", 2));
        let new = figure("cortex-m3", "b", 3);
        let merged = merge(
            &[m7.clone(), m3],
            std::slice::from_ref(&new),
            &boards(&["cortex-m3"]),
        );
        assert_eq!(merged, [new, m7]);
    }
}
