//! The operations against the independent oracle, the matrix and each other.
//!
//! | module | what it holds the operations to |
//! |---|---|
//! | `sweep` | every small shape, against oracle and matrix, between guards, onto a dirty output |
//! | `properties` | adjoint, linearity, impulse, extremes, and four ways to transpose |
//! | `floats` | the documented order of summation bit by bit, the tolerance table, NaN and infinity |
//! | `sizes` | shape arithmetic at any size, against the same in `i128` |

mod floats;
mod properties;
mod sizes;
mod support;
mod sweep;
