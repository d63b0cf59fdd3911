//! Instructions that conv-core takes, case by case, counted under QEMU and held against other exact libraries.
//!
//! The programs of `examples/firmware/measure` run under `-icount shift=0`, where each instruction takes a nanosecond,
//! and read the board's timer round each case: whole layers, requantisation and edges included, and nothing subtracted.
//! On the MPS2 and MPS3 boards the timer steps every 31 to 50 instructions, on the micro:bit every 63, on riscv32imc
//! every one. They are instructions, not cycles.
//!
//! Cortex-M0 code of the larger cases runs on the Cortex-M3's board, since the micro:bit has 16 KiB of memory.
//!
//! What is counted today is committed in [`COUNTS`]; `cargo xtask test` fails where a case takes more than 2 % more.

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::anchors;
use crate::code::Build;
use crate::committed::{Figure, Ledger};
use crate::console::{Console, Quiet};
use crate::firmware;
use crate::image::{self, Program};
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// The package of the programs.
pub(crate) const PACKAGE: &str = "measure";

/// The committed counts.
pub(crate) const COUNTS: Ledger = Ledger {
    file: "xtask/instructions.txt",
    bless: "cargo xtask instructions --bless",
    unit: "instructions",
    resolution: 63,
};

/// Which machine a program needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Memory {
    /// The target's own board.
    Board,
    /// One with memory for the larger cases.
    Large,
}

/// The program that counts the int8 layers.
const INT8: (&str, Memory) = ("instructions_int8", Memory::Large);

/// Every program that counts.
const PROGRAMS: [(&str, Memory); 4] = [
    INT8,
    ("instructions_float", Memory::Large),
    ("instructions_signals", Memory::Large),
    ("instructions_network", Memory::Board),
];

/// `cargo xtask instructions`.
#[derive(Args)]
pub(crate) struct InstructionsArgs {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
    /// One JSON object a line: target, case, macs, instructions, anchor (per MAC, or null), hash.
    #[arg(long)]
    json: bool,
    /// Of programs that are built for size, which are not held against the committed counts.
    #[arg(long, conflicts_with_all = ["check", "bless"])]
    small: bool,
    /// Fail where a case takes more than 2 % more instructions than committed.
    #[arg(long, conflicts_with = "bless")]
    check: bool,
    /// Write the counts to the committed file.
    #[arg(long)]
    bless: bool,
}

/// A counted case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Count {
    /// The case's name.
    pub(crate) case: String,
    /// Multiply-accumulates, padded taps included.
    pub(crate) macs: u64,
    /// Instructions of the whole case.
    pub(crate) instructions: u64,
    /// 32-bit FNV-1a of its output, where it has one of its own.
    pub(crate) hash: Option<u32>,
    /// Bytes that it takes beside input and output, where it says so.
    pub(crate) scratch: Option<u64>,
}

/// `cargo xtask instructions`.
///
/// # Errors
///
/// If a program cannot be built or run, an output is wrong, or with `--check` as [`check`].
pub(crate) fn verb(console: &Console, arguments: &InstructionsArgs, choice: Choice) -> Result<()> {
    let boards = targets::select(&arguments.names, Scope::Boards)?;
    if arguments.json {
        console.set_quiet(Quiet::Yes);
    }
    setup::install(console, &boards, choice)?;
    let build = match arguments.small {
        true => Build::Size,
        false => Build::Speed,
    };
    let figures = show(console, &boards, choice, build, Form::of(arguments))?;
    if arguments.bless {
        COUNTS.write(&figures, &boards, choice)?;
    }
    if arguments.check {
        COUNTS.check(&figures, &boards, choice)?;
    }
    Ok(())
}

/// Counts every case on these boards, prints the table and holds the counts against the committed ones.
///
/// # Errors
///
/// If a program cannot be built or run, an output is wrong, a case takes more than 2 % more instructions than
/// committed, or the cases are others.
pub(crate) fn check(console: &Console, boards: &[&'static Target], choice: Choice) -> Result<()> {
    let figures = show(console, boards, choice, Build::Speed, Form::Table)?;
    COUNTS.check(&figures, boards, choice)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Table,
    Json,
}

impl Form {
    fn of(arguments: &InstructionsArgs) -> Self {
        match arguments.json {
            true => Self::Json,
            false => Self::Table,
        }
    }
}

/// Counts and prints, board by board.
fn show(
    console: &Console,
    boards: &[&'static Target],
    choice: Choice,
    build: Build,
    form: Form,
) -> Result<Vec<Figure>> {
    let (mut figures, mut failures) = (Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for target in boards {
        let mut counts = Vec::new();
        for program in PROGRAMS {
            match count(console, target, choice, build, program) {
                Ok(counted) => counts.extend(counted),
                Err(error) => failures.push(format!("{}: {error:#}", target.name)),
            }
        }
        match form {
            Form::Table => print!("{}", table(target, &counts)),
            Form::Json => counts
                .iter()
                .for_each(|count| println!("{}", count.json(target.name))),
        }
        ratios.extend(counts.iter().filter_map(|count| count.ratio(target.name)));
        for count in counts {
            failures.extend(
                count
                    .wrong()
                    .map(|wrong| format!("{}: {wrong}", target.name)),
            );
            figures.push(Figure {
                target: target.name.into(),
                case: count.case,
                value: count.instructions,
            });
        }
    }
    if form == Form::Table {
        println!("{}", summary(&ratios));
    }
    if failures.is_empty() {
        return Ok(figures);
    }
    bail!("{}", failures.join("\n"))
}

/// Builds every measuring program for a target.
///
/// # Errors
///
/// If one cannot be built.
pub(crate) fn build(console: &Console, target: &'static Target, choice: Choice) -> Result<()> {
    let programs = Program {
        package: PACKAGE,
        ..firmware::program("")
    };
    image::compile(console, &programs, target.with_memory(), choice)
}

/// The counts of the int8 layers on a board.
///
/// # Errors
///
/// If the program cannot be built or run.
pub(crate) fn int8(
    console: &Console,
    target: &'static Target,
    choice: Choice,
) -> Result<Vec<Count>> {
    count(console, target, choice, Build::Speed, INT8)
}

fn count(
    console: &Console,
    target: &'static Target,
    choice: Choice,
    build: Build,
    (name, memory): (&str, Memory),
) -> Result<Vec<Count>> {
    let machine = match memory {
        Memory::Board => target,
        Memory::Large => target.with_memory(),
    };
    let arguments = format!("--bin {name}");
    let program = Program {
        package: PACKAGE,
        profile: build.profile(),
        arguments: &arguments,
        ..firmware::program(name)
    };
    let image = image::build(console, &program, machine, choice)?;
    let text = firmware::run_with(console, name, &image, machine, "-icount shift=0")?;
    parse(&text).with_context(|| format!("{name} on {}", machine.machine_name()))
}

/// Reads what a program printed: a line `name|MACs|instructions|hash|scratch` for each case, a dash where it says
/// nothing.
fn parse(text: &str) -> Result<Vec<Count>> {
    let parse = |line: &str| -> Result<Count> {
        let words: Vec<_> = line.split('|').collect();
        let [case, macs, instructions, hash, scratch] = words[..] else {
            bail!("five things are printed of a case");
        };
        Ok(Count {
            case: case.into(),
            macs: macs.parse()?,
            instructions: instructions.parse()?,
            hash: said(hash)
                .map(|hash| u32::from_str_radix(hash, 16))
                .transpose()?,
            scratch: said(scratch).map(str::parse).transpose()?,
        })
    };
    let counts = text
        .lines()
        .map(|line| parse(line).with_context(|| format!("not a case: {line:?}")))
        .collect::<Result<Vec<_>>>()?;
    if counts.is_empty() {
        bail!("no case was counted");
    }
    Ok(counts)
}

fn said(word: &str) -> Option<&str> {
    (word != "-").then_some(word)
}

impl Count {
    /// The anchor on a target, in instructions per multiply-accumulate.
    fn anchor(&self, target: &str) -> Option<f64> {
        anchors::case(&self.case)?.anchor(target)
    }

    /// Instructions per multiply-accumulate; `None` of a case that has no products.
    fn per_mac(&self) -> Option<f64> {
        (self.macs > 0).then(|| self.instructions as f64 / self.macs as f64)
    }

    /// How many times ours the anchor is.
    fn ratio(&self, target: &str) -> Option<f64> {
        Some(self.anchor(target)? / self.per_mac()?)
    }

    /// How the output differs from what it has to be, in words.
    fn wrong(&self) -> Option<String> {
        let expected = anchors::case(&self.case)?.hash;
        let hash = self
            .hash
            .map_or("none".into(), |hash| format!("{hash:08x}"));
        (self.hash != Some(expected)).then(|| {
            format!(
                "{}: the output's hash is {hash}, expected {expected:08x}",
                self.case
            )
        })
    }

    fn json(&self, target: &str) -> serde_json::Value {
        serde_json::json!({
            "target": target,
            "case": self.case,
            "macs": self.macs,
            "instructions": self.instructions,
            "anchor": self.anchor(target),
            "hash": self.hash.map(|hash| format!("{hash:08x}")),
        })
    }

    /// A line of the table.
    fn row(&self, target: &str) -> String {
        let show = |value: Option<f64>, digits| {
            value.map_or("-".into(), |value| format!("{value:.digits$}"))
        };
        let hash = self.hash.map_or("-".into(), |hash| format!("{hash:08x}"));
        let mark = match self.wrong() {
            Some(_) => "  WRONG",
            None => "",
        };
        format!(
            "{:40} {:>9} {:>12} {:>9} {:>8} {:>6}  {hash}{mark}\n",
            self.case,
            self.macs,
            self.instructions,
            show(self.per_mac(), 3),
            show(self.anchor(target), 3),
            show(self.ratio(target), 2),
        )
    }
}

/// How the cases stand to their anchors, in a line.
fn summary(ratios: &[f64]) -> String {
    let more = ratios.iter().filter(|ratio| **ratio < 1.0).count();
    format!(
        "{more} of {} cases take more than the anchor, the least that any other exact library takes: see xtask/src/anchors.rs",
        ratios.len()
    )
}

/// The machines that run a target's programs, in words.
fn machines(target: &'static Target) -> String {
    let (own, large) = (target.machine_name(), target.with_memory().machine_name());
    match own == large {
        true => own,
        false => format!("{large}, {own}"),
    }
}

/// A target's cases as a table.
fn table(target: &'static Target, counts: &[Count]) -> String {
    let title = format!("{}, {}", target.name, machines(target));
    let mut table = format!(
        "{title:40} {:>9} {:>12} {:>9} {:>8} {:>6}  output\n",
        "MACs", "instructions", "per MAC", "anchor", "ratio"
    );
    for count in counts {
        table += &count.row(target.name);
    }
    table += "\n";
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::TARGETS;

    const TEXT: &str = "conv1x1 25x5x64→64|512000|1024000|ec34deea|0\n\
                        network: residual sum|0|24600|-|-\n";

    fn m4f() -> &'static Target {
        let named = |target: &&Target| target.name == "cortex-m4f";
        TARGETS.iter().find(named).unwrap()
    }

    #[test]
    fn a_case_is_read_with_its_hash_and_without() {
        let counts = parse(TEXT).unwrap();
        assert_eq!(counts[0].case, "conv1x1 25x5x64→64");
        assert_eq!(
            (counts[0].macs, counts[0].instructions),
            (512_000, 1_024_000)
        );
        assert_eq!(
            (counts[0].hash, counts[0].scratch),
            (Some(0xec34_deea), Some(0))
        );
        assert_eq!((counts[1].hash, counts[1].scratch), (None, None));
    }

    #[test]
    fn anything_else_that_is_printed_is_an_error() {
        for text in [
            "",
            "panicked",
            "a|1|2|3",
            "a|b|2|3|4",
            "a|1|2|g|4",
            "a|1|2|3|x",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_json_line_has_six_keys() {
        let [first, second] = &parse(TEXT).unwrap()[..] else {
            panic!("two cases");
        };
        let line = first.json("cortex-m4f").to_string();
        let keys = ["anchor", "case", "hash", "instructions", "macs", "target"];
        let object: serde_json::Map<_, _> = serde_json::from_str(&line).unwrap();
        let mut found: Vec<_> = object.keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, keys);
        assert_eq!(object["anchor"], 1.972);
        assert_eq!(object["hash"], "ec34deea");
        let other = second.json("cortex-m4f");
        assert!(other["anchor"].is_null() && other["hash"].is_null());
    }

    #[test]
    fn a_wrong_hash_is_named_and_marked() {
        let right = &parse(TEXT).unwrap()[0];
        assert_eq!(right.wrong(), None);
        for hash in ["00000000", "-"] {
            let wrong = &parse(&TEXT.replace("ec34deea", hash)).unwrap()[0];
            let words = wrong.wrong().unwrap();
            assert!(
                words.contains("conv1x1") && words.contains("expected ec34deea"),
                "{words}"
            );
            assert!(wrong.row("cortex-m4f").contains("WRONG"));
        }
        assert!(!right.row("cortex-m4f").contains("WRONG"));
    }

    #[test]
    fn the_table_has_the_ratio_to_the_anchor() {
        let table = table(m4f(), &parse(TEXT).unwrap());
        let words = |line: usize| -> Vec<_> {
            let row = table.lines().nth(line).unwrap();
            row.split_whitespace().rev().take(6).collect()
        };
        assert_eq!(
            words(1),
            ["ec34deea", "0.99", "1.972", "2.000", "1024000", "512000"]
        );
        assert_eq!(words(2), ["-", "-", "-", "-", "24600", "0"]);
        assert!(summary(&[0.99, 1.0, 1.01]).starts_with("1 of 3 cases"));
    }
}
