//! From the settings of a convolution to everything that can be said and drawn about it: what the command `conv` and
//! any other face share, so that they cannot disagree.
//!
//! ```text
//! operation, values   settings as a framework spells them
//!        │  Layer::resolve, through conv_core::convention
//!      Layer           direction, an axis with input and output extent for each dimension, channels, groups
//!        │
//!        ├─ formula, solve, translate, code, cost    sizes, backwards, in other words, as code, what it costs
//!        └─ Weave       the matrix C with numbered weights, conv_core::Matrix
//!             ├─ explain, table                      sums term by term, the matrix as a table
//!             └─ scene, picture, guide               a picture for each output, as SVG
//! ```
//!
//! Nothing here computes a size: every extent and pad is [`conv_core`]'s. Neither files nor a terminal are needed, so
//! that it compiles to WebAssembly as it is.
//!
//! ```
//! use conv_scene::operation::{Role, find};
//! use conv_scene::{Layer, value::Values};
//!
//! let operation = find("torch", "ConvTranspose2d").unwrap();
//! let values = Values::new().with(Role::Input, "4,5").with(Role::Kernel, 3).with(Role::Stride, 2);
//! assert_eq!(Layer::resolve(operation, &values)?.output(), [9, 11]);
//! # Ok::<(), conv_scene::Fault>(())
//! ```

pub mod code;
pub mod cost;
pub mod explain;
pub mod fault;
pub mod formula;
pub mod guide;
pub mod layer;
pub mod operation;
pub mod picture;
#[cfg(feature = "raster")]
pub mod raster;
pub mod scene;
pub mod solve;
pub mod table;
pub mod translate;
pub mod value;
pub mod weave;
pub use fault::Fault;
pub use layer::{Direction, Layer, Line};
