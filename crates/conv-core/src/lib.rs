//! Convolution and transposed convolution as one linear map, on fixed-size buffers.
//!
//! A convolution with given geometry and kernel is a sparse matrix C. The direct operation is `y = C·x`, the
//! transposed one `x = Cᵀ·y`; everything in this crate is a view of that map. No heap, no dependency, no
//! panic; wrong shapes do not compile; results are the same bits on every target.
//!
//! ```
//! use conv_core::{Window2d, window2d};
//!
//! window2d! { struct Half: stride 2, pad 1 }
//!
//! let input = [[[1_i8; 3]; 32]; 32]; // height, width, channels
//! let kernel = [[[[1_i8; 3]; 3]; 3]; 16]; // output channels, height, width, input channels
//! let mut output = [[[0_i32; 16]; 16]; 16];
//! Half::conv(&input, &kernel, &mut output); // an output of another extent does not compile
//!
//! let mut back = [[[0_i32; 3]; 32]; 32];
//! Half::conv_transpose(&[[[1_i8; 16]; 16]; 16], &kernel, &mut back); // the same map's transpose
//! ```
//!
//! # Where to find what
//!
//! | you have | you want | look at |
//! |---|---|---|
//! | arrays | direct, transposed, depthwise, grouped; 1-D and 2-D | [`Window1d`], [`Window2d`] and their macros |
//! | accumulators | bias, ReLU, clamp, Q7/Q15/Q31, tanh, sigmoid | [`finish`] |
//! | slices of run-time length | the same operations, with a [`Result`] | [`dynamic`], [`Window1d::conv_slice`] |
//! | a layer with scales and zero points | TFLite's arithmetic, bit for bit | [`quantised`], [`requantise`] |
//! | feature maps | average and max pooling; quantised sums | [`pool`], [`add`] |
//! | a network | memory for its feature maps, its peak a constant | [`arena`] |
//! | samples or rows as they arrive | the same, sample by sample or row by row | [`stream`] |
//! | `heapless::Vec` | the same, feature `heapless` | `heapless` |
//! | settings of PyTorch, ONNX, TFLite, Keras, JAX, Theano | this crate's geometry | [`convention`] |
//! | a rule of convolution arithmetic | the function that computes it | [`guide`], [`axis`] |
//! | an effect | a kernel for it: Sobel, Gaussian, sinc, bilinear | [`filter`] |
//! | a question | the matrix C, printed | [`matrix`] |
//! | element types | accumulator and its proof | [`element`] |
//! | a core | which kernels it has, and how they work | [`kernels`] |
//!
//! Features, all off by default: `heapless` (outputs in [`heapless::Vec`](https://docs.rs/heapless)),
//! `micromath` (activations that need an exponential), `defmt` (`defmt::Format` on
//! geometry and errors), `portable` (no [`kernels`], whatever the core has).
//!
//! # Three misunderstandings
//!
//! **Transposing C is not transposing the kernel.** The kernel enters `Cᵀ` as it is; only rows and columns of the
//! matrix change places. The columns of C are the rows of Cᵀ:
//!
//! ```
//! use conv_core::{Window1d, window1d};
//!
//! window1d! { struct Stride2: stride 2 }
//!
//! let kernel = [1_i8, 2, 3];
//! let c = Stride2::matrix(&kernel, 5)?;
//! assert_eq!(c.to_string(), "\
//! 1 2 3 0 0
//! 0 0 1 2 3
//! ");
//! assert_eq!(c.transposed().to_string(), "\
//! 1 0
//! 2 0
//! 3 1
//! 0 2
//! 0 3
//! ");
//! // Each input of the transposed operation lays down one copy of the kernel, unflipped.
//! let mut x = [0_i32; 5];
//! Stride2::conv_transpose(&[1_i8, 10], &kernel, &mut x);
//! assert_eq!(x, [1, 2, 3 + 10, 20, 30]);
//! # Ok::<(), conv_core::Error>(())
//! ```
//!
//! **Zeros are inserted *and* padded, and the kernel is flipped**, when the transposed operation is written
//! as a direct one: `stride − 1` zeros in each gap, `k̂ − 1 − pad` zeros at each end. It is a way to understand
//! the operation, not to compute it: here the taps that would meet those zeros are never visited.
//!
//! ```
//! use conv_core::{Axis, Window1d, window1d};
//!
//! window1d! { struct Stride2: stride 2 }
//! window1d! { struct Full: padding Full, flip }
//!
//! let mut transposed = [0_i32; 5];
//! Stride2::conv_transpose(&[1_i8, 10], &[1_i8, 2, 3], &mut transposed);
//! // 1 and 10 with one zero between them, padded by 2 at each end, flipped kernel.
//! let mut direct = [0_i32; 5];
//! Full::conv(&[1_i8, 0, 10], &[1_i8, 2, 3], &mut direct);
//! assert_eq!(transposed, direct);
//! // Where those numbers come from:
//! assert_eq!(Axis::new(3).with_stride(2).transposed_as_direct(0), Ok(Axis::new(3).with_pads(2, 2)));
//! ```
//!
//! **Transposed is not inverse.** `Cᵀ·C` is not the identity; the transposed operation restores the shape, not
//! the values. That is why it is not called deconvolution here.
//!
//! ```
//! use conv_core::{Window1d, window1d};
//!
//! window1d! { struct Stride2: stride 2 }
//!
//! let kernel = [1_i8, 2, 3];
//! let mut y = [0_i32; 2];
//! Stride2::conv(&[1_i8, 0, 0, 0, 0], &kernel, &mut y);
//! let mut x = [0_i32; 5];
//! Stride2::conv_transpose(&y.map(|value| value as i8), &kernel, &mut x);
//! assert_eq!(x, [1, 2, 3, 0, 0]); // not [1, 0, 0, 0, 0]
//! ```
//!
//! What does hold, exactly over integers, is the adjoint identity `⟨C·x, y⟩ = ⟨x, Cᵀ·y⟩`.
//!
//! # What is promised
//!
//! - **Integer sums are exact.** The accumulator is proven wide enough for the ranges of the types and the number
//!   of products: at compile time for arrays, else by an [`Error::Accumulator`]. See [`element`].
//! - **Float sums have one answer.** From `+0.0`, over kernel rows, then kernel columns, then source channels
//!   in ascending order, each product rounded before it is added; the transposed operation likewise. No fused
//!   multiply-add, no reassociation, so the bits are the same on every target. NaN and infinity propagate as IEEE
//!   754 says: zero weights are not skipped. (The bits of a NaN itself are the target's.)
//! - **Nothing panics.** With optimisation no panicking symbol is linked into firmware that calls any of the
//!   operations; texts of errors, being `core::fmt`, are what that check leaves out.
//! - **No memory but the arguments'** is written. Quantised layers take a scratch of constant size, empty where the core needs
//!   none.
//! - **Unsafe code is in one place,** the [`kernels`] of particular cores, each held to the portable loops on its own core; a
//!   feature turns them off.
//!
//! # How it is built
//!
//! A call compiles to a constant plan (extents, strides, which inner loop) in flash and a jump into a loop
//! that all shapes of the same element types and finish share, so a further layer costs its plan and little
//! code. Direct and transposed are one loop: both visit, for each output, an arithmetic progression of taps over
//! one of input positions (the transposed one being the polyphase form). On some cores whole layers run on [`kernels`] instead.
//!
//! Compile-time errors carry numbers (`output width is 17, expected 16`), since a constant panic may print a text
//! that was itself built in a constant; the words are those of [`Error`]. Markers hold a [`Window`], not an
//! [`Axis`], because named paddings such as `SameUpper` depend on extents that only the arrays know. Pads are
//! signed throughout: cropping is what a transposed operation with a pad larger than its kernel amounts to.
#![no_std]

#[cfg(test)]
extern crate std;

#[doc(hidden)]
#[path = "fits.rs"]
pub mod __fits;
pub mod add;
mod arch;
pub mod arena;
pub mod axis;
pub mod convention;
mod dot;
pub mod dynamic;
pub mod element;
mod engine;
pub mod error;
pub mod filter;
pub mod finish;
pub mod geometry;
pub mod guide;
#[cfg(feature = "heapless")]
pub mod heapless;
pub mod kernels;
pub mod matrix;
mod message;
#[cfg(feature = "micromath")]
pub mod micromath;
pub mod pool;
pub mod quantised;
mod reciprocal;
pub mod requantise;
pub mod shape;
pub mod stream;
mod typed;
pub mod window;

pub use axis::{Axis, AxisError, Padding, Window};
pub use error::{Buffer, Dimension, Error};
pub use geometry::{Geometry, KernelLayout, Orientation};
pub use matrix::Matrix;
pub use window::{Window1d, Window2d};

/// The crate's README, its example run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
