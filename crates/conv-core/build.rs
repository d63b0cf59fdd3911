//! Which core the crate is compiled for: the file of `src/arch` that its layers run on.
//!
//! Stable `rustc` sets no `cfg` for the instructions that matter here (`dsp`, `mve`), so they are read from the target's
//! name and from the compiler flags. `CONV_ARCH` names a file instead, on any machine: the kernels then run as their models
//! in Rust, which is how the host tests them. `CONV_ARCH=portable` and the feature `portable` turn all of them off.
//!
//! | `conv_arch` | cores |
//! |---|---|
//! | `dsp` | Armv7E-M and Armv8-M with the DSP extension: Cortex-M4, M7, M33 |
//! | `packed` | Armv6-M and Armv7-M without it: Cortex-M0, M0+, M3, M23; RISC-V with 32 bits |
//! | `helium` | Armv8.1-M with integer vectors: Cortex-M55, M85 |
//! | `portable` | all others |
//!
//! Beside the file for layers of integers there is one for `f32`, `conv_float = "vfp"`: of Arm cores with a float unit.

use std::env;

const FILES: [&str; 4] = ["dsp", "packed", "helium", "portable"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CONV_ARCH");
    println!(
        "cargo:rustc-check-cfg=cfg(conv_arch, values(\"dsp\", \"packed\", \"helium\", \"portable\"))"
    );
    println!(
        "cargo:rustc-check-cfg=cfg(conv_isa, values(\"armv6m\", \"armv7m\", \"armv7em\", \"armv8m\", \"mve\", \"none\"))"
    );
    let target = env::var("TARGET").unwrap_or_default();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let isa = isa(&target, &flags);
    let chosen = env::var("CONV_ARCH").unwrap_or_default();
    let arch = if env::var_os("CARGO_FEATURE_PORTABLE").is_some() {
        "portable"
    } else if chosen.is_empty() {
        usual(isa, &target)
    } else {
        FILES
            .into_iter()
            .find(|file| *file == chosen)
            .unwrap_or_else(|| panic!("CONV_ARCH is {chosen:?}, expected one of {FILES:?}"))
    };
    println!("cargo:rustc-cfg=conv_arch=\"{arch}\"");
    println!("cargo:rustc-cfg=conv_isa=\"{isa}\"");
    println!("cargo:rustc-check-cfg=cfg(conv_float, values(\"vfp\"))");
    if arch != "portable" && has_float_unit(&target) {
        println!("cargo:rustc-cfg=conv_float=\"vfp\"");
    }
}

/// Whether the core has a unit for single-precision floats (VFPv4, FPv5): the triples that pass floats in registers do.
fn has_float_unit(target: &str) -> bool {
    let profile = target.starts_with("thumbv7em-") || target.starts_with("thumbv8m.main-");
    profile && target.ends_with("eabihf")
}

/// The instructions that the compiler may use.
fn isa(target: &str, flags: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| flags.contains(word));
    let helium = ["+mve", "cortex-m55", "cortex-m85", "cortex-m52"];
    let dsp = ["+dsp", "cortex-m33", "cortex-m35p"];
    if target.starts_with("thumb") && has(&helium) {
        "mve"
    } else if target.starts_with("thumbv7em") || target.starts_with("thumb") && has(&dsp) {
        "armv7em"
    } else if target.starts_with("thumbv7m") {
        "armv7m"
    } else if target.starts_with("thumbv8m.main") {
        "armv8m"
    } else if target.starts_with("thumbv6m") || target.starts_with("thumbv8m.base") {
        "armv6m"
    } else {
        "none"
    }
}

/// The file for a core.
fn usual(isa: &str, target: &str) -> &'static str {
    match isa {
        "mve" => "helium",
        "armv7em" => "dsp",
        "armv7m" | "armv8m" | "armv6m" => "packed",
        _ if target.starts_with("riscv32") => "packed",
        _ => "portable",
    }
}
