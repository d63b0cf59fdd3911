//! `conv`: convolution arithmetic, asked and seen. The command as a function, for its binary and its tests.
//!
//! What it knows is [`conv_scene`]'s, and every size is [`conv_core`]'s. Here are the command line, files and
//! their formats.

mod apply;
mod arguments;
mod data;
mod draw;
mod explain;
mod failure;
mod filter;
mod help;
mod macs;
mod matrix;
mod media;
mod report;
mod size;
mod solve;
mod translate;

use std::ffi::OsString;
use std::io::Write;

use clap::ArgMatches;
use conv_scene::Fault;

use crate::arguments::id;
use crate::failure::Failure;
use crate::report::{Report, deliver};

/// Runs the command and returns its exit code: 0; 1 for an illegal setting or a file that cannot be used; 2 for
/// usage. The first argument is the program's name.
///
/// ```
/// let (mut out, mut err) = (Vec::new(), Vec::new());
/// let arguments = ["conv", "size", "--input", "32", "--kernel", "3", "--stride", "2", "--pad", "1"];
/// assert_eq!(conv_cli::run(arguments, &mut out, &mut err), 0);
/// assert!(String::from_utf8(out).unwrap().starts_with("16\n"));
/// ```
pub fn run<I>(arguments: I, out: &mut dyn Write, err: &mut dyn Write) -> u8
where
    I: IntoIterator<Item: Into<OsString> + Clone>,
{
    let matches = match arguments::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            let code = u8::try_from(error.exit_code()).unwrap_or(2);
            let text = error.render();
            // Nobody is left to tell where a standard stream is closed.
            let _ = if code == 0 {
                write!(out, "{text}")
            } else {
                write!(err, "{text}")
            };
            return code;
        }
    };
    match answer(&matches, out) {
        Ok(()) => 0,
        Err(failure) => {
            let _ = writeln!(err, "error: {failure}");
            failure.code()
        }
    }
}

fn answer(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Some((verb, inner)) = matches.subcommand() else {
        return Err(Fault::usage("a verb is missing").into());
    };
    match verb {
        "completions" => return completions(inner, out),
        "man" => return man(inner),
        "apply" => {
            let report = apply::apply(inner)?;
            return deliver(&report, inner.get_flag(id::JSON), None, out);
        }
        _ => {}
    }
    let asked = arguments::asked(inner)?;
    let report = match verb {
        "size" => size::size(&asked)?,
        "solve" => solve::solve(&asked, inner)?,
        "translate" => translate::translate(&asked)?,
        "macs" => macs::macs(&asked)?,
        "matrix" => matrix::matrix(&asked)?,
        "draw" => draw::draw(&asked)?,
        _ => explain::explain(&asked)?,
    };
    let json = asked.matches.get_flag(id::JSON);
    deliver(&report, json, asked.text(id::OUT), out)
}

fn completions(matches: &ArgMatches, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(shell) = matches.get_one::<clap_complete::Shell>("shell") else {
        return Err(Fault::usage("a shell is missing").into());
    };
    let mut bytes = Vec::new();
    clap_complete::generate(*shell, &mut arguments::command(), "conv", &mut bytes);
    deliver(
        &Report::file(bytes, serde_json::Value::Null),
        false,
        matches.get_one::<String>(id::OUT).map(String::as_str),
        out,
    )
}

fn man(matches: &ArgMatches) -> Result<(), Failure> {
    let Some(directory) = matches.get_one::<String>("directory") else {
        return Err(Fault::usage("a directory is missing").into());
    };
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error))?;
    let mut verbs = arguments::command();
    verbs.build();
    let mut pages = vec![("conv.1".to_owned(), verbs.clone())];
    for verb in verbs
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
    {
        let name = format!("conv-{}", verb.get_name());
        // Frameworks and operations have no page of their own: `--help` has their settings.
        let bare = verb.clone().name(name.clone()).subcommand_required(false);
        pages.push((format!("{name}.1"), bare));
    }
    for (file, page) in pages {
        let mut bytes = Vec::new();
        clap_mangen::Man::new(page)
            .render(&mut bytes)
            .map_err(|error| Failure::file(&file, &error))?;
        let path = std::path::Path::new(directory).join(file);
        report::write_whole(&path, &bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        crate::arguments::command().debug_assert();
    }
}
