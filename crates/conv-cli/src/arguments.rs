//! The command line, made from [`conv_scene::operation`]'s table: every operation of every framework with the
//! settings as the framework spells them.

use clap::{Arg, ArgAction, ArgMatches, Command};
use conv_scene::Fault;
use conv_scene::operation::{FRAMEWORKS, OPERATIONS, OWN, Operation, Role, word};
use conv_scene::scene::VIEWS;
use conv_scene::value::Values;

use crate::apply::BOUNDARIES;
use crate::draw::FORMATS;
use crate::help;

/// Identifiers of arguments that are not settings.
pub(crate) mod id {
    pub(crate) const JSON: &str = "json";
    pub(crate) const OUT: &str = "out";
}

/// The whole command.
pub(crate) fn command() -> Command {
    Command::new("conv")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Convolution arithmetic, asked and seen")
        .long_about(help::ABOUT)
        .after_long_help(help::EXAMPLES)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new(id::JSON)
                .long("json")
                .action(ArgAction::SetTrue)
                .global(true)
                .help("Print JSON"),
        )
        .arg(
            Arg::new(id::OUT)
                .short('o')
                .long("out")
                .value_name("FILE")
                .global(true)
                .help("Write to a file, whole or not at all"),
        )
        .subcommands(VERBS.iter().map(|verb| {
            // Most commands of the table are never asked for: they are made when they are.
            Command::new(verb.name).about(verb.about).defer(asking)
        }))
        .subcommand(applying())
        .subcommand(completions())
        .subcommand(
            Command::new("man")
                .about("Write man pages into a directory")
                .arg(
                    Arg::new("directory")
                        .required(true)
                        .value_name("DIRECTORY")
                        .help("Where conv.1, conv-size.1, … go"),
                ),
        )
}

fn applying() -> Command {
    let option = |name, value| Arg::new(name).long(name).value_name(value);
    let flag = |name| Arg::new(name).long(name).action(ArgAction::SetTrue);
    Command::new("apply")
        .about("A kernel to an image, a sound or an array")
        .after_help(help::APPLY)
        .arg_required_else_help(true)
        .args([
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .help("A .png, .jpg, .wav or .npy"),
            option("kernel", "KERNEL")
                .required(true)
                .allow_hyphen_values(true)
                .help(format!(
                    "{}; rows of numbers as in 1,2;3,4; or a .npy, .safetensors or text file",
                    crate::filter::NAMES
                )),
            option("boundary", "BOUNDARY")
                .value_parser(BOUNDARIES.map(|(word, _)| word))
                .help("What lies outside the input [default: zero]"),
            option("stride", "A,B").help("[default: 1]"),
            option("dilation", "A,B").help("[default: 1]"),
            option("pad", "PADS")
                .allow_hyphen_values(true)
                .help("As of `conv size` [default: half; transposed 0]"),
            option("output-padding", "A,B")
                .help("Transposed: added to the least output [default: 0]"),
            flag("transposed").help("The transposed operation"),
            flag("flip").help("Convolution: the kernel flipped [default: correlation]"),
            option("scale", "FACTOR")
                .allow_hyphen_values(true)
                .help("Multiplies what comes out [default: 1]"),
            option("offset", "NUMBER")
                .allow_hyphen_values(true)
                .help("Added to it then [default: 0]"),
            flag("absolute").help("Its magnitude, before the offset"),
        ])
}

fn completions() -> Command {
    Command::new("completions")
        .about("Print a shell's completions")
        .arg(
            Arg::new("shell")
                .required(true)
                .value_parser(clap::value_parser!(clap_complete::Shell))
                .help("Whose completions"),
        )
}

/// A verb that takes a setting: this library's own spelling, or a framework and an operation.
struct Verb {
    name: &'static str,
    about: &'static str,
    examples: &'static str,
    arguments: fn() -> Vec<Arg>,
}

const VERBS: [Verb; 7] = [
    Verb {
        name: "size",
        about: "The output extents of a setting, with the pads that follow",
        examples: help::SIZE,
        arguments: Vec::new,
    },
    Verb {
        name: "solve",
        about: "Backwards: which settings lead from one extent to another, which outputs are legal",
        examples: help::SOLVE,
        arguments: solve_arguments,
    },
    Verb {
        name: "translate",
        about: "One framework's setting in another's words, or why it cannot be said there",
        examples: help::TRANSLATE,
        arguments: translate_arguments,
    },
    Verb {
        name: "macs",
        about: "Multiplications, parameters, receptive field and memory of a layer or a chain",
        examples: help::MACS,
        arguments: macs_arguments,
    },
    Verb {
        name: "matrix",
        about: "C, or Cᵀ of a transposed operation, for values or symbols",
        examples: help::MATRIX,
        arguments: matrix_arguments,
    },
    Verb {
        name: "explain",
        about: "One output, term by term, with every step of a quantised layer",
        examples: help::EXPLAIN,
        arguments: explain_arguments,
    },
    Verb {
        name: "draw",
        about: "SVG, PNG, GIF or APNG of a setting, or of the guide's fifteen",
        examples: help::DRAW,
        arguments: draw_arguments,
    },
];

fn asking(command: Command) -> Command {
    let Some(verb) = VERBS.iter().find(|verb| verb.name == command.get_name()) else {
        return command;
    };
    let frameworks = FRAMEWORKS.map(|framework| {
        Command::new(word(framework))
            .about(format!("Settings as {framework} spells them"))
            .defer(framework_operations)
    });
    command
        .after_help(verb.examples)
        .subcommand_value_name("FRAMEWORK")
        .subcommand_help_heading("Frameworks")
        .disable_help_subcommand(true)
        .arg_required_else_help(true)
        .args(OWN.settings.iter().map(setting_argument))
        .args((verb.arguments)())
        .subcommands(frameworks)
}

fn framework_operations(command: Command) -> Command {
    let name = command.get_name().to_owned();
    let operations = OPERATIONS.iter().filter(|operation| {
        operation
            .framework
            .is_some_and(|framework| word(framework) == name)
    });
    command
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand_value_name("OPERATION")
        .subcommand_help_heading("Operations")
        .subcommands(operations.map(operation_command))
}

fn translate_arguments() -> Vec<Arg> {
    vec![
        verb_argument("to", "FRAMEWORK")
            .value_parser(FRAMEWORKS.map(word))
            .help("The framework to translate to [default: all nine]"),
    ]
}

fn operation_command(operation: &'static Operation) -> Command {
    Command::new(operation.name)
        .visible_aliases(operation.aliases)
        .about(match operation.transposed {
            true => "A transposed operation",
            false => "A direct operation",
        })
        .disable_help_subcommand(true)
        .args(operation.settings.iter().map(setting_argument))
}

fn setting_argument(setting: &'static conv_scene::operation::Setting) -> Arg {
    let help = match setting.required {
        true => format!("{} [needed]", setting.help),
        false => setting.help.to_owned(),
    };
    let argument = Arg::new(setting.name)
        .long(setting.name)
        .help(help)
        .help_heading("Settings");
    match setting.role {
        Role::Transposed => argument.action(ArgAction::SetTrue),
        // Pads may be negative.
        Role::Padding => argument.value_name("PADS").allow_hyphen_values(true),
        Role::Input | Role::Output | Role::Kernel => argument.value_name("A,B"),
        Role::Stride | Role::Dilation | Role::OutputPadding | Role::InputDilation => {
            argument.value_name("A,B")
        }
        Role::AutoPad | Role::PaddingMode => argument.value_name("NAME"),
        Role::Flip | Role::TransposeKernel | Role::ConsistentPadding => argument.value_name("BOOL"),
        Role::InputChannels | Role::OutputChannels | Role::Groups | Role::Rank => {
            argument.value_name("N")
        }
    }
}

/// An argument of a verb, which may also stand behind the operation.
fn verb_argument(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).global(true)
}

/// The search of `solve`, in this library's spelling alone: frameworks have settings of the same names.
fn solve_arguments() -> Vec<Arg> {
    let list = |name, help| {
        Arg::new(name)
            .long(name)
            .value_name("LIST")
            .allow_hyphen_values(true)
            .help(help)
            .help_heading("Search")
    };
    vec![
        list(
            "to",
            "Search for settings that lead from --input to this extent, along one axis",
        ),
        list(
            "kernels",
            "Kernel extents to try, such as 3,5 or 1..7 [default: 1..7]",
        ),
        list("strides", "Strides to try [default: 1..4]"),
        list("dilations", "Dilations to try [default: 1]"),
        list(
            "pads",
            "Pads to try, the same on both sides or before:after [default: 0..3]",
        ),
    ]
}

fn macs_arguments() -> Vec<Arg> {
    vec![
        verb_argument("chain", "FILE")
            .help("A layer a line, each reading what the one above writes; - for standard input"),
        verb_argument("bytes", "N")
            .value_parser(clap::value_parser!(u64).range(1..=16))
            .help("Bytes of an element [default: 4]"),
        Arg::new("bias")
            .long("bias")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Count a bias for each output channel"),
    ]
}

fn matrix_arguments() -> Vec<Arg> {
    vec![
        verb_argument("weights", "VALUES").allow_hyphen_values(true).help("Weights, O I spatial: 1,2;3,4 in rows, or a .npy, .safetensors or text file [default: symbols]"),
        verb_argument("format", "FORMAT")
            .value_parser(["text", "csv", "npy", "svg"])
            .help("[default: by the file's ending, or text]"),
    ]
}

fn draw_arguments() -> Vec<Arg> {
    let values = |name, help| {
        verb_argument(name, "VALUES")
            .allow_hyphen_values(true)
            .help(help)
    };
    vec![
        verb_argument("view", "VIEW")
            .value_parser(VIEWS.map(|(word, _)| word))
            .help("window of a direct operation; stretched (the guide's), polyphase or scatter of a transposed one [default: window, stretched]"),
        verb_argument("format", "FORMAT")
            .value_parser(FORMATS)
            .help("svg and png are stills, gif and apng run [default: by the file's ending, or svg]"),
        verb_argument("step", "N")
            .value_parser(clap::value_parser!(usize))
            .help("Which output a still shows, counted from 0 [default: the middle]"),
        verb_argument("delay", "MILLISECONDS")
            .value_parser(clap::value_parser!(u16).range(10..=60_000))
            .help("How long a step is shown [default: 700]"),
        verb_argument("scale", "FACTOR").help("Enlarges pixels of PNG, GIF and APNG [default: 1]"),
        values("data", "The input, channels then spatial: 1,2;3,4 in rows, or a .npy, .safetensors or text file [default: small numbers]"),
        values("weights", "The kernel, O I spatial, likewise"),
        Arg::new("plain")
            .long("plain")
            .global(true)
            .action(ArgAction::SetTrue)
            .help("Cells without numbers"),
        verb_argument("guide", "DIRECTORY").help("Draw the guide's fifteen settings into a directory, as GIF or in another --format"),
    ]
}

fn explain_arguments() -> Vec<Arg> {
    let number = |name, help| {
        verb_argument(name, "NUMBER")
            .allow_hyphen_values(true)
            .help(help)
            .help_heading("Quantised")
    };
    vec![
        verb_argument("at", "A,B").help("The output's position, counted from 0 [default: the middle]"),
        verb_argument("channel", "N").value_parser(clap::value_parser!(usize)).help("The output's channel [default: 0]"),
        verb_argument("data", "VALUES").allow_hyphen_values(true).help("The input, channels then spatial: 1,2;3,4 in rows, or a .npy, .safetensors or text file"),
        verb_argument("weights", "VALUES").allow_hyphen_values(true).help("The kernel, O I spatial, likewise"),
        number("bias", "Added to the sum [default: 0]"),
        number("input-scale", "Scale of the input; with it the layer is quantised"),
        number("weight-scale", "Scale of the kernel"),
        number("output-scale", "Scale of the output"),
        number("input-zero-point", "[default: 0]"),
        number("weight-zero-point", "[default: 0]"),
        number("output-zero-point", "[default: 0]"),
        number("clamp", "LOW:HIGH [default: -128:127]"),
        verb_argument("rounding", "CONTRACT")
            .value_parser(conv_scene::explain::Contract::ALL.map(|(_, word, _)| word))
            .help("How the layer rounds [default: double]")
            .help_heading("Quantised"),
    ]
}

/// What a verb was asked about: an operation and its settings.
pub(crate) struct Asked<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) values: Values,
    /// The matches that hold the verb's own arguments.
    pub(crate) matches: &'a ArgMatches,
}

impl Asked<'_> {
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.matches.get_one::<String>(name).map(String::as_str)
    }
}

/// The operation and settings in a verb's matches.
pub(crate) fn asked(matches: &ArgMatches) -> Result<Asked<'_>, Fault> {
    let own = settings(&OWN, matches);
    let Some((framework, inner)) = matches.subcommand() else {
        return Ok(Asked {
            operation: &OWN,
            values: own,
            matches,
        });
    };
    if own != Values::new() {
        return Err(Fault::usage(format!(
            "settings of {framework} stand behind the operation"
        )));
    }
    // clap lets only names of the table through.
    let found = inner.subcommand().and_then(|(name, leaf)| {
        conv_scene::operation::find(framework, name).map(|operation| (operation, leaf))
    });
    match found {
        Some((operation, leaf)) => Ok(Asked {
            operation,
            values: settings(operation, leaf),
            matches: leaf,
        }),
        None => Err(Fault::usage(format!("{framework} needs an operation"))),
    }
}

fn settings(operation: &Operation, matches: &ArgMatches) -> Values {
    let mut values = Values::new();
    for setting in operation.settings {
        if setting.role == Role::Transposed {
            if matches.get_flag(setting.name) {
                values = values.with(setting.role, "true");
            }
        } else if let Some(text) = matches.get_one::<String>(setting.name) {
            values = values.with(setting.role, text);
        }
    }
    values
}
