//! The operations against the independent oracle, the matrix and each other.
//!
//! | module | what it holds the operations to |
//! |---|---|
//! | `sweep` | every small shape, against oracle and matrix, between guards, onto a dirty output |
//! | `typed` | some hundred array shapes through the typed form |
//! | `properties` | adjoint, linearity, impulse, extremes, and four ways to transpose |
//! | `floats` | the documented order of summation bit by bit, the tolerance table, NaN and infinity |
//! | `errors` | every error, its words, and that the output is as it was |
//! | `sizes` | shape arithmetic at any size, against the same in `i128` |
//! | `slices` | the forms with run-time lengths on typed windows, and into `heapless::Vec` |
//! | `published` | the ONNX project's cases in one and two dimensions |
//! | `pieces` | the parts that operations are made of, each by itself |
//! | `listed` | that no public operation lacks a test |

mod errors;
mod floats;
mod listed;
mod pieces;
mod properties;
mod published;
mod sizes;
mod slices;
mod support;
mod sweep;
mod typed;
