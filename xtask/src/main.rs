//! Builds, runs, checks and measures every target. `cargo xtask --help` lists the verbs;
//! `cargo xtask test` is all of them that can fail, and what CI calls.
//!
//! | module | what it does |
//! |---|---|
//! | [`targets`] | the table of targets: triple, flags, machine |
//! | [`command`] | one command: how it prints, runs, times out |
//! | [`console`] | progress on a terminal, plain lines elsewhere |
//! | [`setup`] | installs what the targets need |
//! | [`toolchain`] | which compiler builds for a target, and with which arguments |
//! | [`image`] | builds a program for a target and runs it on the target's machine |
//! | [`digest`] | the digest program: its report, and the comparison of the reports |
//! | [`firmware`] | the firmware examples and the output committed beside them |
//! | [`symbols`] | finds whatever could panic in a firmware binary, and names the caller |
//! | [`helium`] | proves that the Cortex-M55 image uses the vector instructions |
//! | [`spills`] | looks at the inner loops of conv-std's kernels: no vector goes to the stack |
//! | [`explorer`] | the explorer: builds the page, serves it, checks it in a browser |
//! | [`fuzz`], [`valgrind`] | run-time forms and unsafe kernels under a fuzzer, AddressSanitizer and Valgrind |
//! | [`size`] | flash and RAM of every example, code and scratch of the int8 layers |
//! | [`code`] | code that the int8 layers link |
//! | [`stack`] | worst-case stack of each kind of layer, painted and measured |
//! | [`instructions`] | instructions of each case, beside what other exact libraries take |
//! | [`anchors`] | what those take, and from where it is known |
//! | [`committed`] | committed figures that may not grow |
//! | [`measurements`] | what a firmware program measures, board by board, as a table |
//! | [`mod@test`], [`build`], [`vectors`] | the verbs of the same names |
//! | [`compare`] | conv-std beside other libraries |
//! | [`lanes`] | both halves of `test` at once |
//! | [`package`] | a step of `test`: the published packages are complete |

mod anchors;
mod blocks;
mod build;
mod code;
mod command;
mod committed;
mod compare;
mod console;
mod digest;
mod explorer;
mod firmware;
mod fuzz;
mod helium;
mod image;
mod instructions;
mod lanes;
mod measurements;
mod package;
mod setup;
mod size;
mod spills;
mod stack;
mod symbols;
mod targets;
mod test;
mod toolchain;
mod valgrind;
mod vectors;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::console::Console;
use crate::targets::Target;
use crate::toolchain::Choice;

/// Builds, runs, checks and measures every target.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    /// Which compiler builds for other targets: rustup's, Debian's packages, or the first that works.
    #[arg(long, global = true, value_enum, default_value_t = Choice::from_environment())]
    toolchain: Choice,
    #[command(subcommand)]
    verb: Verb,
}

/// Which targets a verb is for.
#[derive(Args, Clone)]
struct Selection {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
    /// Print the targets and stop.
    #[arg(long)]
    list: bool,
    /// Only the targets that this machine runs itself, without an emulator.
    #[arg(long, conflicts_with = "names")]
    host_only: bool,
}

/// `cargo xtask test`.
#[derive(Args)]
struct TestArgs {
    #[command(flatten)]
    selection: Selection,
    /// One half of the steps, which `test` itself starts.
    #[arg(long, hide = true)]
    lane: Option<lanes::Lane>,
}

#[derive(Subcommand)]
enum Verb {
    /// Install what the targets need.
    Setup(Selection),
    /// Everything: formatting, clippy, docs, tests, packages, symbols, firmware, every target.
    Test(TestArgs),
    /// Build every workspace, for every target.
    Build(Selection),
    /// Build a firmware example and run it on its board under QEMU.
    Qemu(firmware::QemuArgs),
    /// Check that nothing in a firmware binary can panic, and name whatever can.
    Symbols(symbols::SymbolsArgs),
    /// Flash and RAM of every firmware example and of the int8 layers on every board.
    Size(size::SizeArgs),
    /// Worst-case stack of each kind of layer on every board.
    Stack(stack::StackArgs),
    /// Instructions of each case on every board, beside what other exact libraries take.
    Instructions(instructions::InstructionsArgs),
    /// conv-std beside other libraries, on the same data and in the same minutes.
    Compare(compare::CompareArgs),
    /// Build the explorer, the page, into target/explorer; serve it, or check it in a browser.
    Explorer(explorer::ExplorerArgs),
    /// Run the fuzz targets under AddressSanitizer.
    Fuzz(fuzz::FuzzArgs),
    /// Run conv-std's tests of its unsafe kernels under Valgrind.
    Valgrind,
    /// Check that no inner loop of conv-std's kernels stores a vector to the stack.
    Spills,
    /// Check, or with --bless rewrite, the committed results: digests, conv-std's golden ones, firmware outputs.
    Vectors(vectors::VectorsArgs),
}

fn main() -> ExitCode {
    match dispatch(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(cli: Cli) -> Result<ExitCode> {
    let console = Console::new();
    let choice = cli.toolchain;
    match cli.verb {
        Verb::Setup(selection) => with_targets(&selection, |targets| {
            setup::install(&console, targets, choice)?;
            println!(
                "Everything that {} targets need is installed.",
                targets.len()
            );
            Ok(ExitCode::SUCCESS)
        }),
        Verb::Test(arguments) => {
            with_targets(&arguments.selection, |targets| match arguments.lane {
                Some(lane) => Ok(test::half(&console, lane, targets, choice)),
                None => test::everything(&console, targets, choice),
            })
        }
        Verb::Build(selection) => with_targets(&selection, |targets| {
            build::everything(&console, targets, choice)?;
            Ok(ExitCode::SUCCESS)
        }),
        Verb::Qemu(arguments) => success(firmware::qemu(&console, &arguments, choice)),
        Verb::Symbols(arguments) => success(symbols::verb(&console, &arguments, choice)),
        Verb::Size(arguments) => success(size::verb(&console, &arguments, choice)),
        Verb::Stack(arguments) => success(stack::verb(&console, &arguments, choice)),
        Verb::Instructions(arguments) => success(instructions::verb(&console, &arguments, choice)),
        Verb::Compare(arguments) => success(compare::verb(&console, &arguments)),
        Verb::Explorer(arguments) => success(explorer::verb(&console, &arguments, choice)),
        Verb::Fuzz(arguments) => success(fuzz::verb(&console, &arguments)),
        Verb::Valgrind => success(valgrind::check(&console)),
        Verb::Spills => success(spills::check(&console)),
        Verb::Vectors(arguments) => success(vectors::verb(&console, &arguments, choice)),
    }
}

fn success(done: Result<()>) -> Result<ExitCode> {
    done.map(|()| ExitCode::SUCCESS)
}

/// Resolves a selection, or prints the table of targets where that is what was asked for.
fn with_targets(
    selection: &Selection,
    verb: impl FnOnce(&[&'static Target]) -> Result<ExitCode>,
) -> Result<ExitCode> {
    if selection.list {
        print!("{}", targets::listing());
        return Ok(ExitCode::SUCCESS);
    }
    let scope = match selection.host_only {
        true => targets::Scope::Host,
        false => targets::Scope::All,
    };
    verb(&targets::select(&selection.names, scope)?)
}
