//! What the programs that measure conv-core share: the cases, their data, and the line that a counted case prints.
//!
//! | program | what it is for |
//! |---|---|
//! | `instructions_int8` | instructions of the eleven int8 layers whose outputs are known by hash |
//! | `instructions_float` | instructions of five `f32` operations |
//! | `instructions_signals` | instructions of filters of signals, in one call and by `push_block` |
//! | `instructions_network` | instructions of the example network, layer by layer |
//! | `code_none`, `code_eleven`, `code_twelve` | code that none, eleven and twelve int8 layers link |
//!
//! `cargo xtask instructions` runs the first four under QEMU's `-icount shift=0`, one instruction a nanosecond, and
//! holds what they print against other libraries' figures and against the committed counts. `cargo xtask size` reads
//! the images of the others, which are not run.
//!
//! **A new case** is one line of [`int8_layers!`] or of the program that counts it, a row in `xtask/src/anchors.rs`
//! where its hash or another library's count is known, and `cargo xtask instructions --bless`.
//!
//! **How a layer is called** is said once, in [`run!`].
#![no_std]

pub mod case;
pub mod code;
pub mod data;
pub mod int8;
pub mod signals;
