//! What the convolution crates are held against: cases that others published, an independent
//! oracle, and one table of float tolerances.
//!
//! Nothing here calls the code under test. Shapes are found by counting windows, not by the closed
//! formula; the transposed operation is the scatter definition, never the gather that the crates
//! use; integers are summed in `i128` and floats in twice the working precision.
//!
//! | module | what it has | needs `std` |
//! |---|---|---|
//! | [`golden`] | 46 ONNX and 35 quantised cases, read without a copy from committed bytes | no |
//! | [`guide`] | the figures and literal matrices of Dumoulin & Visin, arXiv:1603.07285 | no |
//! | [`anchors`] | eleven int8 layers whose outputs are known by hash | no |
//! | [`hash`] | FNV-1a, for outputs that are committed by hash | no |
//! | [`random`] | a tiny deterministic generator for tests and firmware | no |
//! | [`tolerance`] | how far a float result may be from the exact one, and why | no |
//! | `oracle` | direct, transposed, gradients, the matrix, requantisation | yes |
//! | `guard` | a dirty buffer between guard values, to catch stray writes | yes |
//!
//! The golden data come from the ONNX project and from CMSIS-NN, both under Apache-2.0: see
//! `NOTICE` and `LICENSE-APACHE` beside this crate's manifest.
#![no_std]

#[cfg(feature = "std")]
extern crate std;

pub mod anchors;
pub mod golden;
#[cfg(feature = "std")]
pub mod guard;
pub mod guide;
pub mod hash;
#[cfg(feature = "std")]
pub mod oracle;
pub mod random;
pub mod tolerance;
