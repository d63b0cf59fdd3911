//! Links every binary with the script of its start-up crate; `board` supplies the memory layout.
//! `sensor` logs with defmt, which has a script of its own.

use std::env;

/// The least severe level that is logged; defmt's macros read it when they are compiled.
const LOG_LEVEL: &str = "DEFMT_LOG";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        println!("cargo:rustc-link-arg-bins=-Tlink.x");
        println!("cargo:rustc-link-arg-bin=sensor=-Tdefmt.x");
    }
    println!("cargo:rerun-if-env-changed={LOG_LEVEL}");
    let level = env::var(LOG_LEVEL).unwrap_or_else(|_| "info".into());
    println!("cargo:rustc-env={LOG_LEVEL}={level}");
}
