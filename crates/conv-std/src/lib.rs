//! Convolution and transposed convolution at run-time shapes.

mod boundary;
mod depthwise;
mod direct;
mod element;
mod error;
mod gather;
mod gradient;
mod kernels;
mod layout;
mod pack;
mod parallel;
mod plan;
mod taps;
mod transposed;

pub use conv_core::{Axis, AxisError, Buffer, Dimension, Orientation, Padding, Window, finish};
pub use ndarray;
pub use rayon;

pub use boundary::Boundary;
pub use element::{Number, Operand};
pub use error::Error;
pub use gather::Finishing;
pub use kernels::SimdLevel;
pub use layout::{Layout, Rank, Spatial, Tensor};
pub use plan::{
    Builder, Conv, Conv1d, Conv2d, Conv3d, ConvTranspose, ConvTranspose1d, ConvTranspose2d,
    ConvTranspose3d, Direct, Operation, Plan, Transposed,
};
