//! Streams against the batch operations: the same bits, whatever the shape and however the input is cut.
//!
//! | module | what it holds streams to |
//! |---|---|
//! | `small` | what the sweep and the fuzzing share: one geometry, every way of streaming it |
//! | `sweep` | every small shape, direct and transposed, through the run-time form |
//! | `typed` | arrays, blocks of every length, quantised layers, constants, reset |

mod small;
mod sweep;
mod typed;
