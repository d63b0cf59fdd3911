//! Flash and RAM: of every firmware example on every board, from the sections of the image, and of the int8 layers, as
//! code and scratch beside what other exact libraries take (see [`crate::code`]).

use anyhow::Result;
use clap::Args;
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};

use crate::anchors;
use crate::code::{self, BUILDS, Build, Code};
use crate::committed::{Figure, Ledger};
use crate::console::{Console, Quiet};
use crate::firmware;
use crate::instructions::{self, Count};
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// The committed sizes.
const SIZES: Ledger = Ledger {
    file: "xtask/sizes.txt",
    bless: "cargo xtask size --bless",
    unit: "bytes",
    resolution: 0,
};

/// `cargo xtask size`.
#[derive(Args)]
pub(crate) struct SizeArgs {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
    /// One JSON object a line. An example: target, example, flash, ram, maps. The code of the int8 layers: target,
    /// build, code, calls, twelfth, anchor (or null). A layer's scratch: target, case, scratch, anchor (or null).
    #[arg(long)]
    json: bool,
    /// Only the int8 layers, not the examples.
    #[arg(long, conflicts_with_all = ["check", "bless"])]
    layers: bool,
    /// Fail where anything takes more than 2 % more bytes than committed.
    #[arg(long, conflicts_with = "bless")]
    check: bool,
    /// Write the sizes to the committed file.
    #[arg(long)]
    bless: bool,
}

/// What an image takes of a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Code, constants and the initial values of variables, in bytes.
    pub(crate) flash: u64,
    /// Variables, initialised or not, in bytes; the stack is not counted.
    pub(crate) ram: u64,
    /// The part of `ram` that holds a network's feature maps: the static [`FEATURE_MAPS`], whose size is the network's peak.
    pub(crate) maps: u64,
}

/// What an example that runs a network calls the static that holds every map which lives while it runs.
const FEATURE_MAPS: &str = "FEATURE_MAPS";

/// What one target's programs take.
struct Measured {
    target: &'static str,
    examples: Vec<(String, Size)>,
    layers: Vec<(Build, Code)>,
    cases: Vec<Count>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Everything,
    Layers,
}

/// `cargo xtask size`.
///
/// # Errors
///
/// If a program cannot be built or run or its image not be read, or with `--check` as [`check`].
pub(crate) fn verb(console: &Console, arguments: &SizeArgs, choice: Choice) -> Result<()> {
    let boards = targets::select(&arguments.names, Scope::Boards)?;
    if arguments.json {
        console.set_quiet(Quiet::Yes);
    }
    setup::install(console, &boards, choice)?;
    let what = match arguments.layers {
        true => What::Layers,
        false => What::Everything,
    };
    let all = measure_all(console, &boards, choice, what)?;
    match arguments.json {
        true => all.iter().for_each(print_json),
        false => print_tables(&all),
    }
    if arguments.bless {
        SIZES.write(&figures(&all), &boards, choice)?;
    }
    if arguments.check {
        SIZES.check(&figures(&all), &boards, choice)?;
    }
    Ok(())
}

/// Measures everything on these boards, prints the tables and holds the sizes against the committed ones.
///
/// # Errors
///
/// If a program cannot be built or run or its image not be read, anything takes more than 2 % more bytes than
/// committed, or other things were measured.
pub(crate) fn check(console: &Console, boards: &[&'static Target], choice: Choice) -> Result<()> {
    let all = measure_all(console, boards, choice, What::Everything)?;
    print_tables(&all);
    SIZES.check(&figures(&all), boards, choice)
}

fn measure_all(
    console: &Console,
    boards: &[&'static Target],
    choice: Choice,
    what: What,
) -> Result<Vec<Measured>> {
    let of = |target: &&'static Target| {
        Ok(Measured {
            target: target.name,
            examples: match what {
                What::Everything => examples(console, target, choice)?,
                What::Layers => Vec::new(),
            },
            layers: layers(console, target, choice)?,
            cases: instructions::int8(console, target, choice)?,
        })
    };
    boards.iter().map(of).collect()
}

fn examples(console: &Console, target: &Target, choice: Choice) -> Result<Vec<(String, Size)>> {
    let images = firmware::build(console, target, choice)?.into_iter();
    images
        .map(|(example, image)| Ok((example, measure(&std::fs::read(&image)?)?)))
        .collect()
}

fn layers(
    console: &Console,
    target: &'static Target,
    choice: Choice,
) -> Result<Vec<(Build, Code)>> {
    BUILDS
        .iter()
        .map(|&build| Ok((build, code::measure(console, target, choice, build)?)))
        .collect()
}

/// Everything measured as figures that are committed.
fn figures(all: &[Measured]) -> Vec<Figure> {
    let mut figures = Vec::new();
    for measured in all {
        let mut add = |case: String, value| {
            let target = measured.target.into();
            figures.push(Figure {
                target,
                case,
                value,
            });
        };
        for (example, Size { flash, ram, .. }) in &measured.examples {
            add(format!("{example}: flash"), *flash);
            add(format!("{example}: ram"), *ram);
        }
        for (build, code) in &measured.layers {
            let build = build.name();
            add(format!("eleven int8 layers for {build}: code"), code.code);
            add(format!("eleven int8 layers for {build}: calls"), code.calls);
            add(
                format!("a twelfth int8 layer for {build}: code"),
                code.twelfth,
            );
        }
        for Count { case, scratch, .. } in &measured.cases {
            scratch
                .iter()
                .for_each(|scratch| add(format!("{case}: scratch"), *scratch));
        }
    }
    figures
}

fn print_json(measured: &Measured) {
    let target = measured.target;
    for (example, Size { flash, ram, maps }) in &measured.examples {
        let line = serde_json::json!({
            "target": target, "example": example, "flash": flash, "ram": ram, "maps": maps
        });
        println!("{line}");
    }
    for (build, code) in &measured.layers {
        let line = serde_json::json!({
            "target": target, "build": build.name(), "code": code.code, "calls": code.calls,
            "twelfth": code.twelfth, "anchor": build.anchor(target)
        });
        println!("{line}");
    }
    for Count { case, scratch, .. } in &measured.cases {
        let line = serde_json::json!({
            "target": target, "case": case, "scratch": scratch, "anchor": anchors::scratch(case, target)
        });
        println!("{line}");
    }
}

fn print_tables(all: &[Measured]) {
    if all.iter().any(|measured| !measured.examples.is_empty()) {
        print_examples(all);
    }
    print_layers(all);
    print_scratch(all);
}

fn print_examples(all: &[Measured]) {
    println!(
        "{:14} {:20} {:>9} {:>9} {:>9}",
        "target", "example", "flash", "ram", "maps"
    );
    for measured in all {
        for (example, Size { flash, ram, maps }) in &measured.examples {
            let name = measured.target;
            println!("{name:14} {example:20} {flash:>9} {ram:>9} {maps:>9}");
        }
    }
    println!();
}

fn print_layers(all: &[Measured]) {
    println!(
        "{:14} {:20} {:>9} {:>9} {:>9} {:>9}",
        "target", "int8 layers, for", "code", "anchor", "calls", "twelfth"
    );
    for measured in all {
        for (build, code) in &measured.layers {
            println!(
                "{:14} {:20} {:>9} {:>9} {:>9} {:>9}",
                measured.target,
                build.name(),
                code.code,
                shown(build.anchor(measured.target)),
                code.calls,
                code.twelfth
            );
        }
    }
    println!();
}

/// A column for each target: the layer's bytes, and CMSIS-NN's after a stroke.
fn print_scratch(all: &[Measured]) {
    let Some(first) = all.first() else { return };
    print!("{:33}", "scratch, ours/CMSIS-NN's");
    all.iter()
        .for_each(|measured| print!(" {:>11}", measured.target));
    println!();
    for (row, Count { case, .. }) in first.cases.iter().enumerate() {
        print!("{case:33}");
        for Measured { target, cases, .. } in all {
            let ours = cases.get(row).and_then(|count| count.scratch);
            let theirs = anchors::scratch(case, target);
            print!(" {:>11}", format!("{}/{}", shown(ours), shown(theirs)));
        }
        println!();
    }
}

fn shown(bytes: Option<u64>) -> String {
    bytes.map_or("-".into(), |bytes| bytes.to_string())
}

/// Reads an image's sizes from its sections.
///
/// # Errors
///
/// If it is not an ELF image.
pub(crate) fn measure(elf: &[u8]) -> Result<Size> {
    let file = object::File::parse(elf)?;
    let mut size = Size::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        // What riscv-rt calls .heap and .stack is the free memory, not a part of the program.
        let free = matches!(section.name()?, ".heap" | ".stack");
        if !sh_flags.contains(SHF_ALLOC) || free {
            continue;
        }
        if section.kind() != SectionKind::UninitializedData {
            size.flash += section.size();
        }
        if sh_flags.contains(SHF_WRITE) {
            size.ram += section.size();
        }
    }
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Data && symbol.name()?.contains(FEATURE_MAPS) {
            size.maps += symbol.size();
        }
    }
    Ok(size)
}

/// The size of a section of an image; `None` if it has no such section.
///
/// # Errors
///
/// If it is not an ELF image.
pub(crate) fn section_size(elf: &[u8], name: &str) -> Result<Option<u64>> {
    let file = object::File::parse(elf)?;
    Ok(file.section_by_name(name).map(|section| section.size()))
}
