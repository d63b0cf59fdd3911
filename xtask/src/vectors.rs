//! The committed results: what is computed today is computed tomorrow.

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{Invocation, root};
use crate::console::Console;
use crate::targets::{self, Scope};
use crate::toolchain::Choice;
use crate::{digest, firmware, setup};

/// The file that conv-std's test of the same name compares with, or writes where [`BLESS`] is set.
const GOLDEN: &str = "crates/conv-std/tests/golden.txt";
/// The environment variable that asks that test to write.
const BLESS: &str = "CONV_BLESS";

/// `cargo xtask vectors`.
#[derive(Args)]
pub(crate) struct VectorsArgs {
    /// Compare with the committed files (this is what happens without a flag).
    #[arg(long, conflicts_with = "bless")]
    check: bool,
    /// Rewrite the committed files.
    #[arg(long)]
    bless: bool,
    /// The target that computes the digests.
    #[arg(long = "target", value_name = "NAME", default_value = "x86-64-v1")]
    name: String,
    /// The target whose board runs the firmware examples.
    #[arg(long, value_name = "NAME", default_value = "cortex-m4f")]
    board: String,
}

/// `cargo xtask vectors`: the digests, conv-std's golden results, and every firmware example's output.
///
/// # Errors
///
/// If a program cannot be built or run, or its results are not the committed ones.
pub(crate) fn verb(console: &Console, arguments: &VectorsArgs, choice: Choice) -> Result<()> {
    let computing = targets::select(std::slice::from_ref(&arguments.name), Scope::All)?;
    let boards = targets::select(std::slice::from_ref(&arguments.board), Scope::Boards)?;
    setup::install(console, &[&computing[..], &boards[..]].concat(), choice)?;
    let mut failures = Vec::new();
    for target in computing {
        let (text, _) = digest::output(console, target, choice)?;
        let report = digest::Report::parse(&text)?;
        if arguments.bless {
            let file = root().join(digest::EXPECTED);
            std::fs::write(&file, &text)
                .with_context(|| format!("cannot write {}", digest::EXPECTED))?;
            println!("wrote {}", digest::EXPECTED);
        } else if let Some(difference) = report.difference(&digest::expected()?) {
            failures.push(format!("{}: {difference}", target.name));
        }
    }
    let golden = Invocation::cargo("test --locked -p conv-std --test golden");
    if arguments.bless {
        golden.env(BLESS, "1").expect(console)?;
        println!("wrote {GOLDEN}");
    } else if let Err(error) = golden.without_env(BLESS).expect(console) {
        failures.push(format!("{error:#}"));
    }
    for target in boards {
        for (example, image) in firmware::build(console, target, choice)? {
            let text = firmware::run(console, &example, &image, target)?;
            if arguments.bless {
                firmware::bless(console, &example, &text)?;
            } else if let Err(error) = firmware::compare(&example, target, &text) {
                failures.push(format!("{error:#}"));
            }
        }
    }
    if failures.is_empty() {
        println!("every result is the committed one");
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}
