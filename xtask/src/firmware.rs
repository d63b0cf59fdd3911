//! The firmware examples: one binary each, with the output that it prints beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::command::{Outcome, root};
use crate::console::Console;
use crate::image::{self, Program};
use crate::setup;
use crate::targets::{self, Scope, Target};
use crate::toolchain::Choice;

/// The workspace of the examples.
pub(crate) const WORKSPACE: &str = "examples/firmware";

/// `cargo xtask qemu`.
#[derive(Args)]
pub(crate) struct QemuArgs {
    /// The example: a file of examples/firmware/src/bin, without its ending.
    example: String,
    /// The board's target; without it, every board.
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
    /// Write what the example prints to the file beside it.
    #[arg(long)]
    bless: bool,
}

/// The names of the examples, sorted.
///
/// # Errors
///
/// If the directory cannot be read.
pub(crate) fn examples() -> Result<Vec<String>> {
    let mut names = Vec::new();
    let directory = root().join(WORKSPACE).join("src/bin");
    let entries = std::fs::read_dir(&directory)
        .with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            names.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
    }
    names.sort();
    Ok(names)
}

/// The file with an example's expected output.
pub(crate) fn expected_file(example: &str) -> PathBuf {
    root()
        .join(WORKSPACE)
        .join("src/bin")
        .join(format!("{example}.txt"))
}

/// An example as a program.
pub(crate) fn program(example: &str) -> Program<'_> {
    Program {
        workspace: WORKSPACE,
        package: "conv-firmware",
        file: example,
        profile: "release",
        arguments: "--bins",
        layout: None,
        flags: &[],
    }
}

/// Builds every example for a target and returns each one's name and image.
///
/// # Errors
///
/// If one cannot be built.
pub(crate) fn build(
    console: &Console,
    target: &Target,
    choice: Choice,
) -> Result<Vec<(String, PathBuf)>> {
    image::compile(console, &program(""), target, choice)?;
    let collect = |example: String| {
        let image = image::collect(&program(&example), target, choice)?;
        Ok((example, image))
    };
    examples()?.into_iter().map(collect).collect()
}

/// Runs an example on its board and returns what it printed, decoded where it logs with defmt.
///
/// # Errors
///
/// If it cannot be run, fails, or logs something that defmt cannot decode.
pub(crate) fn run(
    console: &Console,
    example: &str,
    image: &Path,
    target: &Target,
) -> Result<String> {
    run_with(console, example, image, target, "")
}

/// [`run`] with further arguments to QEMU.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn run_with(
    console: &Console,
    example: &str,
    image: &Path,
    target: &Target,
    machine: &str,
) -> Result<String> {
    let outcome = image::run_with(console, image, target, machine)?;
    let text = readable(image, &outcome)?;
    if !outcome.success {
        let errors = String::from_utf8_lossy(&outcome.stderr).into_owned();
        bail!(
            "{example} on {}: {}\n{text}{errors}",
            target.machine_name(),
            outcome.ending
        );
    }
    Ok(text)
}

/// `cargo xtask qemu`.
///
/// # Errors
///
/// If the example cannot be built or run, fails, or prints something else than expected.
pub(crate) fn qemu(console: &Console, arguments: &QemuArgs, choice: Choice) -> Result<()> {
    let QemuArgs {
        example,
        names,
        bless: writing,
    } = arguments;
    if !examples()?.contains(example) {
        bail!(
            "no example is called {example:?}; there are {}",
            examples()?.join(", ")
        );
    }
    let boards = targets::select(names, Scope::Boards)?;
    setup::install(console, &boards, choice)?;
    for target in &boards {
        let arguments = format!("--bin {example}");
        let program = Program {
            arguments: &arguments,
            ..program(example)
        };
        let image = image::build(console, &program, target, choice)?;
        let text = run(console, example, &image, target)?;
        print!("{text}");
        if *writing {
            bless(console, example, &text)?;
        } else {
            compare(example, target, &text)?;
        }
    }
    Ok(())
}

/// Writes an example's expected output.
///
/// # Errors
///
/// If the file cannot be written.
pub(crate) fn bless(console: &Console, example: &str, text: &str) -> Result<()> {
    let file = expected_file(example);
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    console.say(&format!(
        "wrote {}",
        file.strip_prefix(root()).unwrap_or(&file).display()
    ));
    Ok(())
}

/// Holds an example's output against the committed one.
///
/// # Errors
///
/// If they differ, with the first line that does, or if there is no committed one.
pub(crate) fn compare(example: &str, target: &Target, text: &str) -> Result<()> {
    let file = expected_file(example);
    let expected = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "no expected output; `cargo xtask qemu {example} --bless` writes {}",
            file.display()
        )
    })?;
    match first_difference(text, &expected) {
        None => Ok(()),
        Some(difference) => bail!("{example} on {}: {difference}", target.machine_name()),
    }
}

fn first_difference(text: &str, expected: &str) -> Option<String> {
    if text == expected {
        return None;
    }
    let (mut ours, mut theirs) = (text.lines(), expected.lines());
    for number in 1.. {
        match (ours.next(), theirs.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let show = |line: Option<&str>| line.map_or("the end".into(), |l| format!("{l:?}"));
                return Some(format!(
                    "line {number} is {}, expected {}",
                    show(one),
                    show(other)
                ));
            }
        }
    }
    Some("the line ends differ".into())
}

/// What a program printed as text: defmt's frames decoded, anything else as it is.
fn readable(image: &Path, outcome: &Outcome) -> Result<String> {
    let elf = std::fs::read(image)?;
    let logs = crate::size::section_size(&elf, ".defmt")?.is_some_and(|size| size > 0);
    if !logs {
        return Ok(outcome.stdout());
    }
    let table = defmt_decoder::Table::parse(&elf)?.context("no defmt table in the image")?;
    let mut decoder = table.new_stream_decoder();
    decoder.received(&outcome.stdout);
    let mut text = String::new();
    loop {
        match decoder.decode() {
            Ok(frame) => {
                let level = frame.level().map_or("", |level| level.as_str());
                text += &format!("{:5} {}\n", level.to_uppercase(), frame.display_message());
            }
            Err(defmt_decoder::DecodeError::UnexpectedEof) => return Ok(text),
            Err(defmt_decoder::DecodeError::Malformed) => {
                bail!("a defmt frame is malformed after\n{text}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_different_line_is_named() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let difference = first_difference("a\nb\n", "a\nc\n").unwrap();
        assert_eq!(difference, r#"line 2 is "b", expected "c""#);
        let difference = first_difference("a\n", "a\nc\n").unwrap();
        assert_eq!(difference, r#"line 2 is the end, expected "c""#);
        assert!(
            first_difference("a", "a\n").is_some(),
            "a missing line end is a difference"
        );
    }
}
