//! The operations against the independent oracle, the matrix and each other.
//!
//! | module | what it holds the operations to |
//! |---|---|
//! | `sweep` | every small shape, against oracle and matrix, between guards, onto a dirty output |

mod support;
mod sweep;
