//! Convolution and transposed convolution as one linear map.
#![no_std]

#[cfg(test)]
extern crate std;

pub mod axis;
pub mod element;
pub mod error;
pub mod finish;
pub mod geometry;

pub use axis::{Axis, AxisError, Padding, Window};
pub use error::{Buffer, Dimension, Error};
pub use geometry::{Geometry, KernelLayout, Orientation};
