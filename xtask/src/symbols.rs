//! Proves that a firmware binary cannot panic: none of the functions that begin a panic is linked.
//!
//! The binary is linked with `--emit-relocs`, so that it still says which function refers to which
//! symbol. Where a panicking function is found, every function that refers to it is named, with the
//! line of the source (through whatever was inlined) and the chain of callers up to the entry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use addr2line::fallible_iterator::FallibleIterator;
use addr2line::{Context, gimli};
use anyhow::{Result, bail};
use clap::Args;
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionKind, SymbolKind};

use crate::console::Console;
use crate::firmware;
use crate::image::{self, Program};
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// The examples that together call every operation of conv-core: those whose names begin so.
const PREFIX: &str = "operations_";
/// The targets that are checked unless others are named: each instruction set once.
const TARGETS: [&str; 4] = ["cortex-m0", "cortex-m4f", "cortex-m33", "riscv32imc"];
/// Optimised for speed, and for size.
const PROFILES: [&str; 2] = ["symbols", "symbols-small"];

/// `cargo xtask symbols`.
#[derive(Args)]
pub(crate) struct SymbolsArgs {
    /// Only this firmware example; without it those that together call every operation.
    #[arg(long)]
    example: Option<String>,
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
}

/// A reference to a panicking function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The panicking function.
    pub(crate) panics: String,
    /// Who refers to it.
    pub(crate) offender: String,
    /// Where in the source, innermost inlined function first.
    pub(crate) places: Vec<String>,
    /// The offender's callers up to the entry.
    pub(crate) callers: Vec<String>,
}

/// `cargo xtask symbols`.
///
/// # Errors
///
/// If a binary cannot be built or read, or something in it can panic.
pub(crate) fn verb(console: &Console, arguments: &SymbolsArgs, choice: Choice) -> Result<()> {
    let names = match arguments.names.is_empty() {
        true => TARGETS.map(str::to_owned).to_vec(),
        false => arguments.names.clone(),
    };
    let boards = targets::select(&names, Scope::Boards)?;
    setup::install(console, &boards, choice)?;
    let mut failures = Vec::new();
    for target in boards {
        let proof = self_test(console, target, choice);
        failures.extend(
            proof
                .err()
                .map(|error| format!("the check itself: {error:#}")),
        );
        let result = match &arguments.example {
            Some(example) => check_examples(console, std::slice::from_ref(example), target, choice),
            None => check(console, target, choice),
        };
        failures.extend(result.err().map(|error| format!("{error:#}")));
    }
    if failures.is_empty() {
        println!("no panicking symbol is linked");
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

/// The targets that `cargo xtask test` checks, of those selected.
pub(crate) fn of_interest(target: &Target) -> bool {
    TARGETS.contains(&target.name)
}

/// Checks the examples that together call every operation, in both profiles.
///
/// # Errors
///
/// If one cannot be built or read, or something in it can panic, or there is none.
pub(crate) fn check(console: &Console, target: &Target, choice: Choice) -> Result<()> {
    let mut examples = firmware::examples()?;
    examples.retain(|example| example.starts_with(PREFIX));
    if examples.is_empty() {
        bail!("no firmware example is called {PREFIX}…: there is nothing to check");
    }
    check_examples(console, &examples, target, choice)
}

fn check_examples(
    console: &Console,
    examples: &[String],
    target: &Target,
    choice: Choice,
) -> Result<()> {
    let arguments: String = examples
        .iter()
        .map(|example| format!(" --bin {example}"))
        .collect();
    let mut failures = Vec::new();
    for profile in PROFILES {
        let program = |example| Program {
            profile,
            arguments: &arguments,
            layout: Some(layout(target)),
            flags: &["-Clink-arg=--emit-relocs"],
            ..firmware::program(example)
        };
        image::compile(console, &program(""), target, choice)?;
        for example in examples {
            let findings = inspect(&image::collect(&program(example), target, choice)?)?;
            if !findings.is_empty() {
                let text = report(&findings);
                failures.push(format!(
                    "{example} for {} ({profile}) can panic:\n{text}",
                    target.name
                ));
            }
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        bail!("{}", failures.join("\n"))
    }
}

/// These images are not run, and without link-time optimisation they are larger than the smallest
/// board: the Cortex-M0 takes the layout of a larger one.
fn layout(target: &Target) -> &'static str {
    match target.board() {
        Some("microbit") | None => "mps2-an385",
        Some(board) => board,
    }
}

/// Proves that the check finds what it is for: a program with one function that panics, and the
/// same program without.
///
/// # Errors
///
/// If the first passes, if the function is not named, or if the second does not pass.
pub(crate) fn self_test(console: &Console, target: &Target, choice: Choice) -> Result<()> {
    let findings_of = |example: &str| -> Result<Vec<Finding>> {
        let file = format!("examples/{example}");
        let arguments = format!("--example {example}");
        let program = Program {
            workspace: firmware::WORKSPACE,
            package: "board",
            file: &file,
            profile: "symbols",
            arguments: &arguments,
            layout: Some(layout(target)),
            flags: &["-Clink-arg=--emit-relocs"],
        };
        inspect(&image::build(console, &program, target, choice)?)
    };
    let quiet = findings_of("quiet")?;
    if !quiet.is_empty() {
        bail!(
            "a program that cannot panic is said to:\n{}",
            report(&quiet)
        );
    }
    let found = findings_of("panics")?;
    let named = |finding: &Finding| finding.offender.contains("takes_an_element");
    if !found.iter().any(named) {
        bail!(
            "takes_an_element can panic and was not named; found:\n{}",
            report(&found)
        );
    }
    Ok(())
}

/// The findings as text, one paragraph each.
fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding {
        panics,
        offender,
        places,
        callers,
    } in findings
    {
        text += &format!("  {offender}\n    refers to {panics}\n");
        for place in places {
            text += &format!("    at {place}\n");
        }
        if !callers.is_empty() {
            text += &format!("    called by {}\n", callers.join(", by "));
        }
    }
    text
}

/// A function of the image.
#[derive(Debug)]
struct Function {
    name: String,
    start: u64,
    end: u64,
}

/// Everything in an image that refers to a panicking function from outside of them.
///
/// # Errors
///
/// If it is not an ELF image, or was linked without `--emit-relocs`.
pub(crate) fn inspect(image: &Path) -> Result<Vec<Finding>> {
    let bytes = std::fs::read(image)?;
    let file = object::File::parse(&*bytes)?;
    let functions = functions(&file)?;
    let calls = references(&file, &functions)?;
    if calls.is_empty() {
        bail!(
            "{} has no relocations: it was linked without --emit-relocs",
            image.display()
        );
    }
    let lines = lines(&file)?;
    let reached = reached(&calls, &functions);
    let mut findings = Vec::new();
    for call in &calls {
        let panicking = &functions[call.callee].name;
        let caller = call.caller_name(&functions);
        if can_panic(panicking) && !can_panic(caller) && call.caller.is_none_or(|c| reached[c]) {
            findings.push(Finding {
                panics: panicking.clone(),
                offender: caller.into(),
                places: places(&lines, call.address),
                callers: chain(&calls, &functions, call.caller),
            });
        }
    }
    if findings.is_empty() {
        findings.extend(
            functions
                .iter()
                .filter(|function| can_panic(&function.name))
                .map(unreferred),
        );
    }
    findings.dedup();
    Ok(findings)
}

/// A panicking function that is linked although nothing that is reached refers to it: still a
/// finding, since the image holds it.
fn unreferred(function: &Function) -> Finding {
    Finding {
        panics: function.name.clone(),
        offender: "(linked, although nothing that is called refers to it)".into(),
        places: Vec::new(),
        callers: Vec::new(),
    }
}

/// Which functions can be called without a panic having begun: from those that nothing refers to,
/// such as the reset handler, and those in the vector table, through any but panicking ones.
fn reached(calls: &[Reference], functions: &[Function]) -> Vec<bool> {
    let mut referred = vec![false; functions.len()];
    let mut reached = vec![false; functions.len()];
    for call in calls {
        referred[call.callee] = true;
        // Start-up code in assembly has no size, so that it is nobody's.
        let start = call.from == From::Code && call.caller.is_none();
        reached[call.callee] |= start || call.from == From::VectorTable;
    }
    for (index, function) in functions.iter().enumerate() {
        reached[index] |= !referred[index];
        reached[index] &= !can_panic(&function.name);
    }
    loop {
        let mut grew = false;
        for call in calls {
            let new = call.caller.is_some_and(|caller| reached[caller]) && !reached[call.callee];
            if new && !can_panic(&functions[call.callee].name) {
                reached[call.callee] = true;
                grew = true;
            }
        }
        if !grew {
            return reached;
        }
    }
}

fn functions(file: &object::File<'_>) -> Result<Vec<Function>> {
    let mut found = BTreeMap::new();
    for symbol in file.symbols() {
        if symbol.kind() != SymbolKind::Text || symbol.is_undefined() {
            continue;
        }
        let name = format!("{:#}", rustc_demangle::demangle(symbol.name()?));
        // The lowest bit of a Thumb function's address says that it is one.
        let start = address(file, symbol.address());
        if name.is_empty() || name.starts_with('$') {
            continue;
        }
        let end = start + symbol.size();
        let function = Function { name, start, end };
        let entry = found.entry(start).or_insert_with(|| Function {
            name: String::new(),
            ..function
        });
        if entry.name.is_empty() || can_panic(&function.name) {
            *entry = function;
        }
    }
    Ok(found.into_values().collect())
}

fn address(file: &object::File<'_>, address: u64) -> u64 {
    match file.architecture() {
        object::Architecture::Arm => address & !1,
        _ => address,
    }
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Code,
    VectorTable,
    Data,
}

/// A reference from one function, or from a table, to another function.
#[derive(Debug)]
struct Reference {
    from: From,
    caller: Option<usize>,
    callee: usize,
    address: u64,
}

impl Reference {
    fn caller_name<'a>(&self, functions: &'a [Function]) -> &'a str {
        match (self.caller, self.from) {
            (Some(caller), _) => &functions[caller].name,
            (None, From::Code) => "(code without a name)",
            (None, _) => "(a table of addresses)",
        }
    }
}

fn references(file: &object::File<'_>, functions: &[Function]) -> Result<Vec<Reference>> {
    let mut found = Vec::new();
    for section in file.sections() {
        let name = section.name()?;
        let from = match name {
            ".vector_table" | ".init" => From::VectorTable,
            _ if section.kind() == SectionKind::Text => From::Code,
            _ if section.kind().is_bss() || name.starts_with(".debug") => continue,
            _ => From::Data,
        };
        for (address_of_reference, relocation) in section.relocations() {
            let RelocationTarget::Symbol(index) = relocation.target() else {
                continue;
            };
            let target = file.symbol_by_index(index)?;
            let target = address(file, target.address());
            let Ok(callee) = functions.binary_search_by_key(&target, |function| function.start)
            else {
                continue;
            };
            let before = functions.partition_point(|f| f.start <= address_of_reference);
            let caller = before.checked_sub(1);
            let caller = caller.filter(|&at| address_of_reference < functions[at].end);
            // A function's jumps within itself are none of its callers.
            if caller == Some(callee) {
                continue;
            }
            found.push(Reference {
                from,
                caller,
                callee,
                address: address_of_reference,
            });
        }
    }
    Ok(found)
}

/// Whether a function is one of those that begin or continue a panic.
fn can_panic(name: &str) -> bool {
    if name.contains("rust_begin_unwind") || name.contains("rust_panic") {
        return true;
    }
    let path = name.trim_start_matches('<');
    let runtime = ["core::", "alloc::", "std::"]
        .iter()
        .any(|crate_| path.starts_with(crate_));
    let words = ["panic", "_fail", "capacity_overflow"];
    runtime && (words.iter().any(|word| name.contains(word)) || name.ends_with("handle_error"))
}

/// Functions and lines by address.
type Lines<'a> = Context<gimli::EndianSlice<'a, gimli::LittleEndian>>;

/// Reads the debug sections as the linker left them. (addr2line's own loader would apply their
/// relocations, which `--emit-relocs` keeps, a second time.)
fn lines<'a>(file: &object::File<'a>) -> Result<Lines<'a>> {
    let load = |id: gimli::SectionId| -> Result<_, gimli::Error> {
        let section = file.section_by_name(id.name());
        let data = section
            .and_then(|section| section.data().ok())
            .unwrap_or_default();
        Ok(gimli::EndianSlice::new(data, gimli::LittleEndian))
    };
    Ok(Context::from_dwarf(gimli::Dwarf::load(load)?)?)
}

/// Where an address lies in the source: function and line, innermost inlined function first.
fn places(lines: &Lines<'_>, address: u64) -> Vec<String> {
    let Ok(frames) = lines.find_frames(address).skip_all_loads() else {
        return Vec::new();
    };
    let places = frames.map(|frame| {
        let function = frame
            .function
            .as_ref()
            .and_then(|function| function.demangle().ok());
        let function = function.map_or("?".into(), |name| name.into_owned());
        let location = frame.location.as_ref();
        let file = location.and_then(|location| location.file).unwrap_or("?");
        let line = location.and_then(|location| location.line).unwrap_or(0);
        Ok(format!("{function} ({file}:{line})"))
    });
    places.collect().unwrap_or_default()
}

/// The shortest chain of callers from a function up to one that nothing calls.
fn chain(calls: &[Reference], functions: &[Function], from: Option<usize>) -> Vec<String> {
    let Some(from) = from else { return Vec::new() };
    let mut paths = std::collections::VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(path) = paths.pop_front() {
        let last = path[path.len() - 1];
        let callers: Vec<_> = calls
            .iter()
            .filter(|call| call.callee == last)
            .filter_map(|call| call.caller)
            .collect();
        if callers.is_empty() {
            return path[1..]
                .iter()
                .map(|&function| functions[function].name.clone())
                .collect();
        }
        for caller in callers {
            if seen.insert(caller) {
                paths.push_back([&path[..], &[caller]].concat());
            }
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::can_panic;

    #[test]
    fn every_way_to_panic_is_known() {
        for name in [
            "core::panicking::panic_fmt",
            "core::panicking::panic_bounds_check",
            "core::panicking::panic_const::panic_const_div_by_zero",
            "core::option::unwrap_failed",
            "core::option::expect_failed",
            "core::result::unwrap_failed",
            "core::slice::index::slice_index_fail",
            "core::slice::index::slice_end_index_len_fail::do_panic::runtime",
            "core::slice::copy_from_slice_impl::len_mismatch_fail",
            "core::str::slice_error_fail",
            "core::cell::panic_already_borrowed",
            "alloc::raw_vec::capacity_overflow",
            "alloc::raw_vec::handle_error",
            "__rustc::rust_begin_unwind",
            "rust_begin_unwind",
        ] {
            assert!(can_panic(name), "{name}");
        }
    }

    #[test]
    fn other_functions_are_not() {
        for name in [
            "conv_core::shape::overflow_free",
            "core::num::<impl u32>::overflowing_mul",
            "main",
            "__aeabi_memcpy",
            "core::slice::iter::Iter::next",
        ] {
            assert!(!can_panic(name), "{name}");
        }
    }
}
