//! Code that the int8 layers link, and the scratch that they take, beside what other exact libraries do.
//!
//! Code is measured as the difference of images, since link-time optimisation puts parts of a library into its callers
//! and brings in functions of other names: three programs of `examples/firmware/measure` have the inputs and outputs of
//! the eleven layers and of a twelfth, and call none of them, the eleven, and all twelve. Of what their executable
//! sections differ by,
//!
//! - `calls` is the growth of the callers, `main` and the program's own functions: each layer's call, and whatever of
//!   the layer the compiler put into it;
//! - `code` is the rest: conv-core's functions, and any library function that nothing but a layer calls. The anchors
//!   count the same of their libraries: functions without the calls of them;
//! - `twelfth` is everything that the twelfth layer adds, its call included: it shares its code with the eleven, and
//!   has a shape of its own.
//!
//! Arm's constants between functions are in executable sections, and count. Weights, channels' constants and tables in
//! `.rodata` are not code, and do not.

use anyhow::{Context, Result};
use object::elf::SHF_EXECINSTR;
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SymbolKind};

use crate::anchors;
use crate::console::Console;
use crate::firmware;
use crate::image::{self, Program};
use crate::instructions::PACKAGE;
use crate::targets::Target;
use crate::toolchain::Choice;

/// What the compiler optimises for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// `opt-level = 3`.
    Speed,
    /// `opt-level = "s"`.
    Size,
}

/// Both.
pub(crate) const BUILDS: [Build; 2] = [Build::Speed, Build::Size];

/// The programs: none of the layers, the eleven, and a twelfth besides.
const PROGRAMS: [&str; 3] = ["code_none", "code_eleven", "code_twelve"];

impl Build {
    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Speed => "speed",
            Self::Size => "size",
        }
    }

    /// The profile of the firmware workspace.
    pub(crate) fn profile(self) -> &'static str {
        match self {
            Self::Speed => "release",
            Self::Size => "small",
        }
    }

    /// The least of the anchors, in bytes.
    pub(crate) fn anchor(self, target: &str) -> Option<u64> {
        match self {
            Self::Speed => anchors::code(target),
            Self::Size => anchors::small_code(target),
        }
    }
}

/// Code that the layers link, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    /// The functions that the eleven layers link.
    pub(crate) code: u64,
    /// The eleven calls.
    pub(crate) calls: u64,
    /// All that a twelfth layer adds.
    pub(crate) twelfth: u64,
}

/// Builds the programs for a target and compares their images.
///
/// # Errors
///
/// If one cannot be built or its image not be read, or has less code than the one with fewer layers.
pub(crate) fn measure(
    console: &Console,
    target: &'static Target,
    choice: Choice,
    build: Build,
) -> Result<Code> {
    let machine = target.with_memory();
    let arguments: String = PROGRAMS.map(|name| format!("--bin {name} ")).concat();
    let program = |name| Program {
        package: PACKAGE,
        profile: build.profile(),
        arguments: &arguments,
        ..firmware::program(name)
    };
    image::compile(console, &program(""), machine, choice)?;
    let read = |name: &'static str| -> Result<Executable> {
        let image = image::collect(&program(name), machine, choice)?;
        executable(&std::fs::read(&image)?).with_context(|| name)
    };
    let [none, eleven, twelve] = PROGRAMS.map(read);
    difference(none?, eleven?, twelve?)
        .with_context(|| format!("{}: a layer links no code", target.name))
}

/// What an image executes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Executable {
    /// All of it.
    all: u64,
    /// What of it are the callers of the layers.
    callers: u64,
}

fn executable(elf: &[u8]) -> Result<Executable> {
    let file = object::File::parse(elf)?;
    let (mut all, mut callers) = (0, 0);
    for section in file.sections() {
        if let SectionFlags::Elf { sh_flags, .. } = section.flags()
            && sh_flags.contains(SHF_EXECINSTR)
        {
            all += section.size();
        }
    }
    for symbol in file.symbols() {
        if symbol.kind() == SymbolKind::Text && calls_layers(symbol.name()?) {
            callers += symbol.size();
        }
    }
    Ok(Executable { all, callers })
}

/// Whether a function is one of the program's own.
fn calls_layers(symbol: &str) -> bool {
    let name = format!("{:#}", rustc_demangle::demangle(symbol));
    let mut path = name.split("::");
    name == "main" || path.next().is_some_and(|first| PROGRAMS.contains(&first))
}

fn difference(none: Executable, eleven: Executable, twelve: Executable) -> Option<Code> {
    let calls = eleven.callers.checked_sub(none.callers)?;
    Some(Code {
        code: eleven.all.checked_sub(none.all)?.checked_sub(calls)?,
        calls,
        twelfth: twelve.all.checked_sub(eleven.all)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_the_callers_do_not_have() {
        let image = |all, callers| Executable { all, callers };
        let (none, eleven, twelve) = (image(784, 502), image(12_592, 2262), image(12_804, 2474));
        let code = difference(none, eleven, twelve).unwrap();
        assert_eq!((code.code, code.calls, code.twelfth), (10_048, 1760, 212));
        assert_eq!(difference(eleven, none, twelve), None);
        assert_eq!(difference(none, twelve, eleven), None);
    }

    #[test]
    fn the_programs_own_functions_are_the_callers() {
        for own in [
            "main",
            "_ZN11code_eleven4main17hd1befc63b4aa7573E",
            "_RNvCs123_9code_none6layers",
        ] {
            assert!(calls_layers(own), "{own}");
        }
        for other in [
            "_ZN9conv_core11requantise10double_far17h02431950f4472df8E",
            "__aeabi_lmul",
            "Reset",
            "",
        ] {
            assert!(!calls_layers(other), "{other}");
        }
    }
}
