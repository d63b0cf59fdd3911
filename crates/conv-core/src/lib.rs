//! Convolution and transposed convolution as one linear map.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod axis;
pub mod convention;
mod dot;
pub mod dynamic;
pub mod element;
mod engine;
pub mod error;
pub mod finish;
pub mod geometry;
#[cfg(feature = "heapless")]
pub mod heapless;
pub mod matrix;
mod message;
pub mod shape;
mod typed;
pub mod window;

pub use axis::{Axis, AxisError, Padding, Window};
pub use error::{Buffer, Dimension, Error};
pub use geometry::{Geometry, KernelLayout, Orientation};
pub use matrix::Matrix;
pub use window::{Window1d, Window2d};
