//! Puts the memory layout of the chosen board where the linker finds it.
//!
//! `CONV_BOARD` names the board; without it, the target's usual one is taken.

use std::{env, fs, path::PathBuf};

fn main() {
    println!("cargo:rerun-if-env-changed=CONV_BOARD");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=memory");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("none") {
        return;
    }
    let target = env::var("TARGET").expect("cargo sets TARGET");
    let board = env::var("CONV_BOARD").unwrap_or_else(|_| usual_board(&target).into());
    let layout = PathBuf::from("memory").join(format!("{board}.x"));
    let layout = fs::read_to_string(&layout)
        .unwrap_or_else(|error| panic!("CONV_BOARD={board}: {}: {error}", layout.display()));
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("memory.x"), layout).expect("OUT_DIR is writable");
    println!("cargo:rustc-link-search={}", out.display());
    println!("cargo:rustc-link-arg-examples=-Tlink.x");
    println!("cargo:rustc-env=CONV_BOARD={board}");
}

fn usual_board(target: &str) -> &'static str {
    match target {
        "thumbv6m-none-eabi" => "microbit",
        "thumbv7m-none-eabi" => "mps2-an385",
        "thumbv7em-none-eabi" | "thumbv7em-none-eabihf" => "mps2-an386",
        "thumbv8m.main-none-eabi" | "thumbv8m.main-none-eabihf" => "mps2-an505",
        "riscv32imc-unknown-none-elf" => "riscv32-virt",
        _ => panic!("no board for {target}; set CONV_BOARD to one of the files in memory/"),
    }
}
