//! Looks into images at the inner loops of conv-core's kernels: each must have the instruction that it was written for, and none
//! may touch the stack. A compiler, an assembler or a change that loses either is noticed before a stopwatch would.

use std::path::Path;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

use crate::console::Console;
use crate::digest;
use crate::image;
use crate::targets::Target;
use crate::toolchain::Choice;

/// A kernel's loop.
struct Block {
    /// Of the function's symbol.
    name: &'static str,
    /// What it exists for, in words.
    instruction: &'static str,
    /// Whether two halfwords are that instruction.
    is: fn(u16, u16) -> bool,
    /// How many of them the loop has at least.
    count: usize,
}

/// SMLAD: `0xFB2n`, then `ra rd 000m rm` with an addend.
fn smlad(first: u16, second: u16) -> bool {
    first & 0xfff0 == 0xfb20 && second & 0x00e0 == 0 && second >> 12 != 15
}

/// SXTAB16: `0xFA2n`, then `1111 rd 10rr rm` with an addend.
fn sxtab16(first: u16, second: u16) -> bool {
    first & 0xfff0 == 0xfa20 && first & 15 != 15 && second & 0xf080 == 0xf080
}

/// MLA: `0xFB0n`, then `ra rd 0000 rm` with an addend.
fn mla(first: u16, second: u16) -> bool {
    first & 0xfff0 == 0xfb00 && second & 0x00f0 == 0 && second >> 12 != 15
}

/// MULS: `0100 0011 01 rn rd`.
fn muls(first: u16, _second: u16) -> bool {
    first & 0xffc0 == 0x4340
}

/// VMLADAVA.S8: `0xEEFn`, then `rd 1111 q q q 0` with the sums that were there before.
fn vmladava(first: u16, second: u16) -> bool {
    first & 0xfff1 == 0xeef0 && second & 0x0f01 == 0x0f00
}

/// The blocks of the kernels that a target's layers run on.
fn blocks(target: &Target) -> &'static [Block] {
    match target.name {
        "cortex-m4f" | "cortex-m7" | "cortex-m33" => &[
            Block {
                name: "short_pairs",
                instruction: "SMLAD",
                is: smlad,
                count: 8,
            },
            Block {
                name: "whole_signed",
                instruction: "SXTAB16",
                is: sxtab16,
                count: 4,
            },
        ],
        "cortex-m3" => &[Block {
            name: "short_pairs",
            instruction: "MLA",
            is: mla,
            count: 8,
        }],
        "cortex-m0" => &[Block {
            name: "short_pairs",
            instruction: "MULS",
            is: muls,
            count: 8,
        }],
        "cortex-m55" => &[Block {
            name: "products",
            instruction: "VMLADAVA",
            is: vmladava,
            count: 4,
        }],
        _ => &[],
    }
}

/// Whether a target has kernels whose loops are looked at.
pub(crate) fn of_interest(target: &Target) -> bool {
    !blocks(target).is_empty()
}

/// Checks each block of a target in the image that runs the kernels.
///
/// # Errors
///
/// If the image cannot be built or read, a block is not in it, lacks its instruction or has a loop that touches the stack.
pub(crate) fn check(console: &Console, target: &'static Target, choice: Choice) -> Result<()> {
    let Some((program, machine)) = digest::programs(target)
        .into_iter()
        .find(|(program, _)| program.file == "kernels")
    else {
        bail!("{} has no image of the kernels", target.name)
    };
    let image = image::build(console, &program, machine, choice)?;
    for block in blocks(target) {
        let loops = loops_of(&image, block.name)?;
        let found = loops
            .iter()
            .filter(|body| {
                instructions(body)
                    .filter(|&(a, b)| (block.is)(a, b))
                    .count()
                    >= block.count
            })
            .collect::<Vec<_>>();
        if found.is_empty() {
            bail!(
                "{}: no loop of {} has {} {}",
                target.name,
                block.name,
                block.count,
                block.instruction
            );
        }
        if let Some(body) = found.iter().find(|body| touches_stack(body)) {
            bail!(
                "{}: a loop of {} halfwords in {} reads or writes the stack",
                target.name,
                body.len(),
                block.name
            );
        }
        console.say(&format!(
            "    {}: {} in {} loop(s), none touches the stack",
            block.name,
            block.instruction,
            found.len()
        ));
    }
    Ok(())
}

/// The innermost loops of every function whose symbol contains `name`, as halfwords.
fn loops_of(image: &Path, name: &str) -> Result<Vec<Vec<u16>>> {
    let elf = std::fs::read(image)?;
    let file = object::File::parse(&*elf)?;
    let mut loops = Vec::new();
    for symbol in file.symbols() {
        if symbol.kind() != SymbolKind::Text || !symbol.name()?.contains(name) {
            continue;
        }
        let section = symbol.section_index().context("a function in no section")?;
        let section = file.section_by_index(section)?;
        // The lowest bit says that it is Thumb code.
        let start = symbol.address() & !1;
        let code = section
            .data_range(start, symbol.size())?
            .with_context(|| format!("{name} is not in its section"))?;
        let (halfwords, _) = code.as_chunks::<2>();
        let halfwords: Vec<_> = halfwords
            .iter()
            .map(|&pair| u16::from_le_bytes(pair))
            .collect();
        loops.extend(innermost(&halfwords));
    }
    if loops.is_empty() {
        bail!("the image has no function {name} with a loop");
    }
    Ok(loops)
}

/// From each branch that leads back to the place that it leads to, where no other such branch lies between.
fn innermost(code: &[u16]) -> Vec<Vec<u16>> {
    let mut loops = Vec::new();
    let mut last_end = 0;
    let mut at = 0;
    while at < code.len() {
        let (first, second) = (code[at], code.get(at + 1).copied().unwrap_or(0));
        let wide = is_wide(first);
        // Offsets count from 4 bytes behind the branch.
        if let Some(bytes) = back(first, second)
            && let Some(start) = (at + 2).checked_sub(bytes / 2)
        {
            if start >= last_end {
                loops.push(code[start..at].to_vec());
            }
            last_end = at;
        }
        at += 1 + usize::from(wide);
    }
    loops
}

/// By how many bytes a branch leads back, if it is one that does.
fn back(first: u16, second: u16) -> Option<usize> {
    let offset = if first & 0xf000 == 0xd000 && first & 0x0f00 < 0x0e00 {
        // B<c>, 8 bits.
        i32::from(first as u8 as i8) * 2
    } else if first & 0xf800 == 0xe000 {
        // B, 11 bits.
        i32::from((first << 5) as i16 >> 5) * 2
    } else if first & 0xf800 == 0xf000 && second & 0xd000 == 0x8000 && first & 0x0380 != 0x0380 {
        // B<c>.W, 20 bits: bit 10 of the first halfword is the sign.
        let bits = u32::from(first & 0x3f) << 12
            | u32::from(second & 0x7ff) << 1
            | u32::from(second & 0x2000) << 5
            | u32::from(second & 0x0800) << 8
            | u32::from(first & 0x0400) << 10;
        (bits << 11) as i32 >> 11
    } else if matches!(first, 0xf00f | 0xf01f | 0xf02f) && second & 0xf001 == 0xc001 {
        // LE and LETP: an offset that is taken off.
        let bits = (second >> 1 & 0x3ff) << 1 | (second >> 11 & 1);
        return Some(usize::from(bits) * 2);
    } else {
        return None;
    };
    (offset < 0).then(|| offset.unsigned_abs() as usize)
}

/// Whether an instruction has two halfwords.
fn is_wide(first: u16) -> bool {
    first >= 0xe800
}

/// The instructions of a loop; of one halfword the second is 0.
fn instructions(body: &[u16]) -> impl Iterator<Item = (u16, u16)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let first = *body.get(at)?;
        let wide = is_wide(first);
        let second = match wide {
            true => body.get(at + 1).copied().unwrap_or(0),
            false => 0,
        };
        at += 1 + usize::from(wide);
        Some((first, second))
    })
}

/// Whether any instruction loads from or stores to the stack.
fn touches_stack(body: &[u16]) -> bool {
    const SP: u16 = 13;
    instructions(body).any(|(first, _)| match first {
        // LDR and STR from SP, PUSH, POP.
        0x9000..=0x9fff | 0xb400..=0xb5ff | 0xbc00..=0xbdff => true,
        // LDM, STM, LDRD, STRD.
        0xe800..=0xe9ff => first & 15 == SP,
        // Loads and stores of one value.
        0xf800..=0xf9ff => first & 15 == SP,
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// smlad r10, r3, r9, r10; subs r2, #1; bne back to the first.
    const LOOP: [u16; 4] = [0xfb23, 0xaa09, 0x3a01, 0xd1fb];

    #[test]
    fn a_loop_is_found_with_its_instruction() {
        let loops = innermost(&LOOP);
        assert_eq!(loops, [&LOOP[..3]]);
        let found = instructions(&loops[0])
            .filter(|&(a, b)| smlad(a, b))
            .count();
        assert_eq!(found, 1);
        assert!(!touches_stack(&loops[0]));
    }

    #[test]
    fn of_nested_loops_the_inner_one_counts() {
        // The loop above, then a branch back to its beginning and beyond.
        let code = [&[0xbf00][..], &LOOP, &[0xe7f9]].concat();
        assert_eq!(innermost(&code).len(), 1);
    }

    #[test]
    fn stack_traffic_is_seen() {
        // ldr r2, [sp, #16]; ldrd r0, r1, [sp, #36]; ldr.w r9, [sp, #8].
        for code in [&[0x9a04][..], &[0xe9dd, 0x0109], &[0xf8dd, 0x9008]] {
            assert!(touches_stack(code), "{code:x?}");
        }
        // ldm r0!, {r3-r6}; ldr.w r6, [r1], #4.
        assert!(!touches_stack(&[0xc878, 0xf851, 0x6b04]));
    }

    #[test]
    fn relatives_are_not_taken_for_the_instruction() {
        // smuad has no addend, sxtb16 neither.
        assert!(!smlad(0xfb23, 0xfa09));
        assert!(!sxtab16(0xfa2f, 0xf987));
        assert!(sxtab16(0xfa28, 0xf796));
        // mul has no addend, muls is not mvns; vmladava is not vmladav.
        assert!(mla(0xfb03, 0x9807) && !mla(0xfb03, 0xf807));
        assert!(muls(0x4354, 0) && !muls(0x43d4, 0));
        assert!(vmladava(0xeef0, 0x4f24) && !vmladava(0xeef0, 0x4f04 | 1));
    }
}
