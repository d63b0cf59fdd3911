//! The table of targets: what is built, with which flags, and the machine that runs it.

use anyhow::{Result, bail};

/// A target: a compiler triple, the processor that it is compiled for, and a machine to run it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// What `--target` calls it.
    pub(crate) name: &'static str,
    /// The compiler's name of it.
    pub(crate) triple: &'static str,
    /// Further compiler flags, for the processor.
    pub(crate) flags: &'static [&'static str],
    /// The machine that runs it.
    pub(crate) machine: Machine,
}

/// What runs a target's programs.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    /// This computer. Its processor must have the features named, as `/proc/cpuinfo` spells them.
    Host { features: &'static [&'static str] },
    /// A Linux program under user-mode emulation.
    User {
        emulator: &'static str,
        gcc: &'static str,
        root: &'static str,
    },
    /// A board of `qemu-system-arm`.
    Arm { board: &'static str },
    /// The virt machine of `qemu-system-riscv32`.
    Riscv { board: &'static str },
    /// Node.
    Node,
}

const X86_64: &str = "x86_64-unknown-linux-gnu";
const HARD_V8M: &str = "thumbv8m.main-none-eabihf";

/// Every target, in the order in which they are tested.
pub(crate) static TARGETS: &[Target] = &[
    Target {
        name: "x86-64-v1",
        triple: X86_64,
        flags: &["-Ctarget-cpu=x86-64"],
        machine: Machine::Host { features: &[] },
    },
    Target {
        name: "x86-64-v2",
        triple: X86_64,
        flags: &["-Ctarget-cpu=x86-64-v2"],
        machine: Machine::Host {
            features: &["sse4_2", "ssse3", "popcnt", "cx16"],
        },
    },
    Target {
        name: "x86-64-v3",
        triple: X86_64,
        flags: &["-Ctarget-cpu=x86-64-v3"],
        machine: Machine::Host {
            features: &["avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"],
        },
    },
    Target {
        name: "x86-64-v4",
        triple: X86_64,
        flags: &["-Ctarget-cpu=x86-64-v4"],
        machine: Machine::Host {
            features: &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"],
        },
    },
    Target {
        name: "aarch64-linux",
        triple: "aarch64-unknown-linux-gnu",
        flags: &[],
        machine: Machine::User {
            emulator: "qemu-aarch64",
            gcc: "aarch64-linux-gnu-gcc",
            root: "/usr/aarch64-linux-gnu",
        },
    },
    Target {
        name: "s390x-linux",
        triple: "s390x-unknown-linux-gnu",
        flags: &[],
        machine: Machine::User {
            emulator: "qemu-s390x",
            gcc: "s390x-linux-gnu-gcc",
            root: "/usr/s390x-linux-gnu",
        },
    },
    Target {
        name: "cortex-m0",
        triple: "thumbv6m-none-eabi",
        flags: &[],
        machine: Machine::Arm { board: "microbit" },
    },
    Target {
        name: "cortex-m3",
        triple: "thumbv7m-none-eabi",
        flags: &[],
        machine: Machine::Arm {
            board: "mps2-an385",
        },
    },
    Target {
        name: "cortex-m4f",
        triple: "thumbv7em-none-eabihf",
        flags: &[],
        machine: Machine::Arm {
            board: "mps2-an386",
        },
    },
    Target {
        name: "cortex-m7",
        triple: "thumbv7em-none-eabihf",
        flags: &["-Ctarget-cpu=cortex-m7"],
        machine: Machine::Arm {
            board: "mps2-an500",
        },
    },
    Target {
        name: "cortex-m33",
        triple: HARD_V8M,
        flags: &["-Ctarget-feature=+dsp"],
        machine: Machine::Arm {
            board: "mps2-an505",
        },
    },
    // Integer Helium. The floating-point half (mve.fp) is left out: LLVM 22 crashes on it.
    Target {
        name: "cortex-m55",
        triple: HARD_V8M,
        flags: &["-Ctarget-feature=+v8.1m.main,+mve,+lob,+dsp"],
        machine: Machine::Arm {
            board: "mps3-an547",
        },
    },
    Target {
        name: "riscv32imc",
        triple: "riscv32imc-unknown-none-elf",
        flags: &[],
        machine: Machine::Riscv {
            board: "riscv32-virt",
        },
    },
    Target {
        name: "wasm32",
        triple: "wasm32-unknown-unknown",
        flags: &[],
        machine: Machine::Node,
    },
];

/// The Cortex-M0's code in the memory of the Cortex-M3's board, which runs it as it is: for what needs more than the
/// micro:bit has.
static LARGE_M0: Target = Target {
    name: "cortex-m0",
    triple: "thumbv6m-none-eabi",
    flags: &[],
    machine: Machine::Arm {
        board: "mps2-an385",
    },
};

impl Target {
    /// The target with a few hundred KiB of memory: another board where its own has less.
    pub(crate) fn with_memory(&'static self) -> &'static Self {
        match self.machine {
            Machine::Arm { board: "microbit" } => &LARGE_M0,
            _ => self,
        }
    }

    /// What the tables call the machine.
    pub(crate) fn machine_name(&self) -> String {
        match &self.machine {
            Machine::Host { .. } => "this machine".into(),
            Machine::User { emulator, .. } => (*emulator).into(),
            Machine::Arm { board } => format!("qemu {board}"),
            Machine::Riscv { .. } => "qemu virt".into(),
            Machine::Node => "node".into(),
        }
    }

    /// The memory layout, for boards.
    pub(crate) fn board(&self) -> Option<&'static str> {
        match self.machine {
            Machine::Arm { board } | Machine::Riscv { board } => Some(board),
            Machine::Host { .. } | Machine::User { .. } | Machine::Node => None,
        }
    }

    /// Whether a Linux program runs on it, standard library and all.
    pub(crate) fn has_std(&self) -> bool {
        matches!(self.machine, Machine::Host { .. } | Machine::User { .. })
    }

    /// What this computer's processor lacks to run the target, if anything.
    pub(crate) fn lacking(&self) -> Option<&'static str> {
        match self.machine {
            Machine::Host { features } => first_lacking(features, &processor_flags()),
            _ => None,
        }
    }
}

fn first_lacking(features: &[&'static str], flags: &str) -> Option<&'static str> {
    let has = |feature: &str| flags.split_whitespace().any(|flag| flag == feature);
    features.iter().copied().find(|feature| !has(feature))
}

fn processor_flags() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags"));
    flags
        .and_then(|line| line.split_once(':'))
        .map_or(String::new(), |(_, flags)| flags.into())
}

/// How far a selection reaches when it names no target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Every target.
    All,
    /// Those that run without an emulator.
    Host,
    /// Those with a board.
    Boards,
}

/// The targets named, or all those in scope when none is.
pub(crate) fn select(names: &[String], scope: Scope) -> Result<Vec<&'static Target>> {
    let in_scope = |target: &&Target| match scope {
        Scope::All => true,
        Scope::Host => matches!(target.machine, Machine::Host { .. }),
        Scope::Boards => target.board().is_some(),
    };
    if names.is_empty() {
        return Ok(TARGETS.iter().filter(in_scope).collect());
    }
    names.iter().map(|name| by_name(name, scope)).collect()
}

fn by_name(name: &str, scope: Scope) -> Result<&'static Target> {
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        let known: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        bail!(
            "no target is called {name:?}; there are {}",
            known.join(", ")
        );
    };
    if scope == Scope::Boards && target.board().is_none() {
        bail!("{name} has no board: it is not a target for firmware");
    }
    Ok(target)
}

/// The table that `--list` prints.
pub(crate) fn listing() -> String {
    let mut table = format!("{:14} {:28} {:20} flags\n", "target", "triple", "machine");
    for target in TARGETS {
        let Target {
            name,
            triple,
            flags,
            ..
        } = target;
        let line = format!(
            "{name:14} {triple:28} {:20} {}",
            target.machine_name(),
            flags.join(" ")
        );
        table += line.trim_end();
        table += "\n";
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_selectable() {
        for target in TARGETS {
            let found = select(&[target.name.into()], Scope::All).unwrap();
            assert_eq!(found, [target]);
            assert!(listing().contains(target.name));
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known() {
        let error = select(&["cortex-m9".into()], Scope::All)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("cortex-m9") && error.contains("cortex-m55"),
            "{error}"
        );
    }

    #[test]
    fn a_desktop_target_takes_no_firmware() {
        assert!(select(&["wasm32".into()], Scope::Boards).is_err());
        assert!(
            select(&[], Scope::Boards)
                .unwrap()
                .iter()
                .all(|target| target.board().is_some())
        );
    }

    #[test]
    fn more_memory_is_another_board_for_the_same_code() {
        for target in TARGETS {
            let large = target.with_memory();
            assert_eq!(
                (large.name, large.triple, large.flags),
                (target.name, target.triple, target.flags)
            );
            assert_eq!(large == target, target.name != "cortex-m0");
        }
    }

    #[test]
    fn a_missing_processor_feature_is_named() {
        assert_eq!(
            first_lacking(&["avx2", "avx512f"], "sse2 avx2"),
            Some("avx512f")
        );
        assert_eq!(first_lacking(&["avx2"], "sse2 avx2"), None);
        assert_eq!(
            first_lacking(&["avx"], "avx2"),
            Some("avx"),
            "whole words only"
        );
    }
}
