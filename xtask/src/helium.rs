//! Proves that the Cortex-M55 image uses Helium: the compiler takes its features from a flag that it
//! calls unstable, and would say nothing if it dropped them.

use std::path::Path;

use anyhow::{Result, bail};
use object::{Object, ObjectSection, SectionKind};

use crate::console::Console;
use crate::image;
use crate::targets::Target;
use crate::toolchain::Choice;

/// Whether a target's flags ask for Helium.
pub(crate) fn is_asked_for(target: &Target) -> bool {
    target.flags.iter().any(|flag| flag.contains("+mve"))
}

/// Checks that each digest image has loops that only Helium has.
///
/// # Errors
///
/// If the image cannot be built or read, or has none.
pub(crate) fn check(console: &Console, target: &'static Target, choice: Choice) -> Result<()> {
    for (program, machine) in crate::digest::programs(target) {
        let image = image::build(console, &program, machine, choice)?;
        let loops = loops_of(&image)?;
        if loops == 0 {
            bail!(
                "{}: not one tail-predicated vector loop (LETP) in the image {}",
                target.name,
                program.file
            );
        }
        console.say(&format!(
            "    {loops} tail-predicated vector loops (LETP) in the image {}",
            program.file
        ));
    }
    Ok(())
}

/// Number of tail-predicated loops in an image.
fn loops_of(image: &Path) -> Result<usize> {
    let elf = std::fs::read(image)?;
    let file = object::File::parse(&*elf)?;
    let mut loops = 0;
    for section in file
        .sections()
        .filter(|section| section.kind() == SectionKind::Text)
    {
        loops += tail_predicated_loops(section.data()?);
    }
    Ok(loops)
}

/// Number of LETP instructions, the ends of tail-predicated loops: `0xF01F`, then `0b1100…1`.
fn tail_predicated_loops(code: &[u8]) -> usize {
    let (halfwords, _) = code.as_chunks::<2>();
    let halfwords: Vec<_> = halfwords
        .iter()
        .map(|&bytes| u16::from_le_bytes(bytes))
        .collect();
    halfwords
        .windows(2)
        .filter(|pair| pair[0] == 0xf01f && pair[1] & 0xf001 == 0xc001)
        .count()
}

#[cfg(test)]
mod tests {
    use super::tail_predicated_loops;

    #[test]
    fn a_loop_end_is_counted_and_its_relatives_are_not() {
        // letp lr, #-20; le lr, #-20; dlstp.32 lr, r2.
        assert_eq!(tail_predicated_loops(&[0x1f, 0xf0, 0x0b, 0xc0]), 1);
        assert_eq!(tail_predicated_loops(&[0x0f, 0xf0, 0x0b, 0xc0]), 0);
        assert_eq!(tail_predicated_loops(&[0x22, 0xf0, 0x01, 0xe0]), 0);
    }
}
