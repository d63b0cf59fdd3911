//! Looks into optimised code at the inner loops of conv-std's kernels: none may store a vector register to the stack. Such a
//! loop ran out of registers, and costs a store and a load where it should only multiply.
//!
//! Kernels are found by what they do, wherever they are in the crate: innermost loops with at least [`PRODUCTS`] multiplications of
//! vectors. Both widths must be among them, so that the check cannot pass by finding nothing.

use std::collections::HashMap;

use anyhow::{Result, bail};

use crate::command::{self, Invocation};
use crate::console::Console;
use crate::setup;

/// Where the kernels are: how the paths of their functions begin.
const KERNELS: [&str; 2] = ["conv_std::kernels::", "<conv_std::kernels::"];

/// Vector multiplications that make a loop a kernel's.
const PRODUCTS: usize = 4;

/// Registers of the widths that there are kernels for.
const WIDTHS: [&str; 2] = ["%ymm", "%zmm"];

/// How instructions begin that multiply vectors: of floats, fused or not, and of integers.
const MULTIPLY: [&str; 8] = [
    "vfmadd", "vfnmadd", "vmulps", "vmulpd", "vpmull", "vpmuldq", "vpmaddwd", "vpdp",
];

/// An instruction: where it is, and how `objdump` writes it.
type Instruction<'a> = (u64, &'a str);

/// Builds conv-std for a comparison, where all its kernels are linked, and checks them.
///
/// # Errors
///
/// If it cannot be built or disassembled, a loop stores vectors to the stack, or no loop of a width was found.
pub(crate) fn check(console: &Console) -> Result<()> {
    setup::packages(console, &[("objdump", "binutils")])?;
    Invocation::cargo("build --locked --release -p conv-std --example compare").expect(console)?;
    let built = command::target_directory().join("release/examples/compare");
    let outcome = Invocation::new("objdump")
        .words("--disassemble --demangle --no-show-raw-insn")
        .path(&built)
        .expect(console)?;
    let found = verdict(&outcome.stdout())?;
    console.say(&format!(
        "    {found} loops of kernels keep their vectors in registers"
    ));
    Ok(())
}

/// How many loops of kernels a disassembly has, none of which spills.
fn verdict(disassembly: &str) -> Result<usize> {
    let mut counts = WIDTHS.map(|_| 0);
    for (name, code) in functions(disassembly) {
        for body in innermost(&code) {
            let Some(width) = width_of(body) else {
                continue;
            };
            counts[width] += 1;
            if let Some((at, text)) = body.iter().find(|(_, text)| spills(text)) {
                bail!("a loop of {name} stores a vector to the stack, at {at:x}: {text}");
            }
        }
    }
    for (width, count) in WIDTHS.iter().zip(counts) {
        if count == 0 {
            bail!(
                "no loop of a kernel multiplies {width} registers: are kernels elsewhere than in {KERNELS:?}?"
            );
        }
    }
    Ok(counts.iter().sum())
}

/// The kernels' functions.
fn functions(disassembly: &str) -> Vec<(&str, Vec<Instruction<'_>>)> {
    let mut functions: Vec<(&str, Vec<_>)> = Vec::new();
    let mut inside = false;
    for line in disassembly.lines() {
        if let Some((_, name)) = line
            .strip_suffix(">:")
            .and_then(|line| line.split_once(" <"))
        {
            inside = KERNELS.iter().any(|path| name.starts_with(path));
            if inside {
                functions.push((name, Vec::new()));
            }
        } else if inside
            && let Some((at, text)) = line.split_once(":\t")
            && let Ok(at) = u64::from_str_radix(at.trim(), 16)
            && let Some((_, code)) = functions.last_mut()
        {
            code.push((at, text));
        }
    }
    functions
}

/// From each jump that leads back to the place that it leads to, where no other such loop lies within.
fn innermost<'a, 'b>(code: &'b [Instruction<'a>]) -> Vec<&'b [Instruction<'a>]> {
    let places: HashMap<u64, usize> = (0..)
        .zip(code)
        .map(|(index, code)| (code.0, index))
        .collect();
    let back = |(end, (_, text)): (usize, &Instruction<'_>)| {
        let start = *places.get(&target(text)?)?;
        (start <= end).then_some((start, end))
    };
    let loops: Vec<_> = code.iter().enumerate().filter_map(back).collect();
    let within = |outer: (usize, usize), inner: (usize, usize)| {
        inner != outer && outer.0 <= inner.0 && inner.1 <= outer.1
    };
    let inner = loops
        .iter()
        .filter(|&&outer| !loops.iter().any(|&inner| within(outer, inner)));
    inner.map(|&(start, end)| &code[start..=end]).collect()
}

/// Where a jump leads.
fn target(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace();
    words.next()?.strip_prefix('j')?;
    u64::from_str_radix(words.next()?, 16).ok()
}

/// Which of [`WIDTHS`] a kernel's loop multiplies: the widest; `None` of loops that are no kernel's.
fn width_of(body: &[Instruction<'_>]) -> Option<usize> {
    let multiplies =
        |(_, text): &&Instruction<'_>| MULTIPLY.iter().any(|word| text.starts_with(word));
    let products: Vec<_> = body.iter().filter(multiplies).collect();
    if products.len() < PRODUCTS {
        return None;
    }
    WIDTHS
        .iter()
        .rposition(|width| products.iter().any(|(_, text)| text.contains(width)))
}

/// Whether an instruction stores a vector register relative to the stack's pointer.
fn spills(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let moves = words
        .next()
        .is_some_and(|word| word.starts_with("vmov") || word.starts_with("mov"));
    let Some((source, place)) = words.next().and_then(|operands| operands.split_once(',')) else {
        return false;
    };
    let vector = ["%xmm", "%ymm", "%zmm"]
        .iter()
        .any(|width| source.starts_with(width));
    moves && vector && (place.contains("(%rsp") || place.contains("(%rbp"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A loop of eight multiplications, and a last instruction before it leads back.
    fn disassembly(name: &str, register: &str, last: &str) -> String {
        let mut text = format!("0000000000001000 <{name}>:\n    1000:\tpush   %rbx\n");
        for at in 1..=8 {
            text += &format!(
                "    {:x}:\tvfmadd231ps (%rsi),{register}1,{register}2\n",
                0x1000 + at
            );
        }
        text + &format!("    1009:\t{last}\n    100a:\tjne    1001 <{name}+0x1>\n    100b:\tret\n")
    }

    fn both(last: &str) -> String {
        WIDTHS
            .map(|width| disassembly("conv_std::kernels::block", width, last))
            .concat()
    }

    #[test]
    fn loops_that_stay_in_registers_pass() {
        for last in [
            "inc    %rax",
            "vmovups %zmm3,0x40(%rdi)",
            "vmovups 0x40(%rsp),%zmm3",
        ] {
            assert_eq!(verdict(&both(last)).unwrap(), 2, "{last}");
        }
    }

    #[test]
    fn a_store_to_the_stack_is_named() {
        let last = "vmovaps %ymm3,0x40(%rsp)";
        let error = verdict(&both(last)).unwrap_err().to_string();
        assert!(
            error.contains("conv_std::kernels::block") && error.contains(last),
            "{error}"
        );
    }

    #[test]
    fn a_width_without_kernels_fails() {
        let one = disassembly("conv_std::kernels::block", "%ymm", "inc    %rax");
        assert!(verdict(&one).unwrap_err().to_string().contains("%zmm"));
        let elsewhere = both("inc    %rax").replace("conv_std", "other");
        assert!(verdict(&elsewhere).is_err());
    }

    #[test]
    fn of_nested_loops_the_inner_one_counts() {
        let code = [
            (1, "push"),
            (2, "inc"),
            (3, "jne 2 <x>"),
            (4, "vmovaps %ymm1,(%rsp)"),
            (5, "jmp 1 <x>"),
        ];
        assert_eq!(innermost(&code), [&code[1..3]]);
    }
}
