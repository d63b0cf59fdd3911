//! Flash and RAM of every firmware example on every board, from the sections of the image.

use anyhow::Result;
use clap::Args;
use object::elf::{SHF_ALLOC, SHF_WRITE};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags, SectionKind, SymbolKind};

use crate::console::{Console, Quiet};
use crate::firmware;
use crate::setup;
use crate::targets::{self, Scope};
use crate::toolchain::Choice;

/// `cargo xtask size`.
#[derive(Args)]
pub(crate) struct SizeArgs {
    /// Only this target (may be given several times).
    #[arg(long = "target", value_name = "NAME")]
    names: Vec<String>,
    /// One JSON object a line: target, example, flash, ram, maps.
    #[arg(long)]
    json: bool,
}

/// What an image takes of a board.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Code, constants and the initial values of variables, in bytes.
    pub(crate) flash: u64,
    /// Variables, initialised or not, in bytes; the stack is not counted.
    pub(crate) ram: u64,
    /// What of it are a network's feature maps: the static [`FEATURE_MAPS`], whose size is the network's peak.
    pub(crate) maps: u64,
}

/// What an example that runs a network calls the static that holds every map which lives while it runs.
const FEATURE_MAPS: &str = "FEATURE_MAPS";

/// `cargo xtask size`.
///
/// # Errors
///
/// If an example cannot be built or its image not be read.
pub(crate) fn verb(console: &Console, arguments: &SizeArgs, choice: Choice) -> Result<()> {
    let boards = targets::select(&arguments.names, Scope::Boards)?;
    if arguments.json {
        console.set_quiet(Quiet::Yes);
    }
    setup::install(console, &boards, choice)?;
    if !arguments.json {
        println!(
            "{:14} {:20} {:>9} {:>9} {:>9}",
            "target", "example", "flash", "ram", "maps"
        );
    }
    for target in boards {
        for (example, image) in firmware::build(console, target, choice)? {
            let Size { flash, ram, maps } = measure(&std::fs::read(&image)?)?;
            let name = target.name;
            if arguments.json {
                let line = serde_json::json!({
                    "target": name, "example": example, "flash": flash, "ram": ram, "maps": maps
                });
                println!("{line}");
            } else {
                println!("{name:14} {example:20} {flash:>9} {ram:>9} {maps:>9}");
            }
        }
    }
    Ok(())
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
