//! Convolution and transposed convolution at run-time shapes: 1-D to 3-D, batch, groups, depthwise, dilation,
//! any pads, `f32`, `f64` and integers, `ndarray` in and out, on all cores.
//!
//! A kernel and a geometry are one sparse linear map C. The direct operation is `y = C·x`, the transposed one
//! `x = Cᵀ·y`; the gradients of one are made of the other. Per axis, with `k̂ = dilation·(kernel − 1) + 1`:
//!
//! ```text
//! direct       y[t] = Σⱼ x[t·stride + j·dilation − pad_before] · w[j]      o = ⌊(i + pads − k̂)/stride⌋ + 1
//! transposed   x[n·stride + j·dilation − pad_before] += y[n] · w[j]        i = stride·(o − 1) + k̂ − pads + a
//! ```
//!
//! A *plan* holds a kernel in the order in which the processor reads it, with bias and finishing step. It is
//! built once, checks every setting, and runs at any batch and extents:
//!
//! ```
//! use conv_std::Conv2d;
//! use conv_std::ndarray::Array4;
//!
//! // Batch, channels, height, width; kernels O, I, H, W.
//! let image = Array4::<f32>::ones((1, 3, 32, 32));
//! let kernel = Array4::<f32>::ones((16, 3, 3, 3));
//! let plan = Conv2d::new(kernel.view()).stride(2).pad(1).bias(&[0.5; 16]).build()?;
//! let features = plan.run(image.view())?;
//! assert_eq!(features.dim(), (1, 16, 16, 16));
//! assert_eq!(features[[0, 0, 8, 8]], 27.5);
//!
//! // Without allocating the output.
//! let mut again = Array4::zeros(features.dim());
//! plan.run_into(image.view(), again.view_mut())?;
//! assert_eq!(again, features);
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Transposed
//!
//! A transposed plan takes the kernel of the direct operation whose transpose it is. Several input extents lead
//! the direct operation to one output extent, so the way back needs to know which:
//! [`output_size`](Builder::output_size) names it, [`output_padding`](Builder::output_padding) adds to the least.
//! It computes each output once, from the taps that reach it: no zero is multiplied, nothing is scattered.
//!
//! ```
//! use conv_std::{Conv2d, ConvTranspose2d};
//! use conv_std::ndarray::Array4;
//!
//! let kernel = Array4::<f32>::ones((16, 3, 3, 3));
//! let down = Conv2d::<f32>::new(kernel.view()).stride(2).pad(1).build()?;
//! assert_eq!(down.output_extents([31, 32])?, [16, 16]);
//!
//! let up = ConvTranspose2d::new(kernel.view()).stride(2).pad(1).output_size([31, 32]).build()?;
//! let image = up.run(Array4::<f32>::ones((1, 16, 16, 16)).view())?;
//! assert_eq!(image.dim(), (1, 3, 31, 32));
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Channels innermost
//!
//! ```
//! use conv_std::{Conv2d, Layout};
//! use conv_std::ndarray::Array4;
//!
//! // Batch, height, width, channels; kernels O, H, W, I.
//! let kernel = Array4::<f32>::ones((16, 3, 3, 3));
//! let plan = Conv2d::new(kernel.view()).layout(Layout::Nhwc).pad(1).build()?;
//! let features = plan.run(Array4::<f32>::ones((1, 32, 24, 3)).view())?;
//! assert_eq!(features.dim(), (1, 32, 24, 16));
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Integers
//!
//! The output's type names the accumulator. A plan whose products and bias could overflow it is not built:
//!
//! ```
//! use conv_std::Conv1d;
//! use conv_std::ndarray::{Array3, array};
//!
//! let kernel = array![[[1_i16, -2, 3]]];
//! let plan = Conv1d::new(kernel.view()).build()?;
//! let y: Array3<i64> = plan.run(array![[[1_i16, 2, 3, 4]]].view())?;
//! assert_eq!(y, array![[[6, 8]]]);
//!
//! // 512 products of i16 and i8 could reach 2³¹: one too many for i32.
//! let kernel = Array3::<i8>::ones((1, 128, 4));
//! assert!(Conv1d::<i16, i8, i32>::new(kernel.view()).build().is_err());
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Quantised layers
//!
//! TFLite's and ONNX's, with scales, zero points and clamps, and the rounding as a type: see
//! [`quantised`](Builder::quantised). The same layers run on microcontrollers with [`conv_core::quantised`], to the
//! same bits. TFLite's kernels are views of an [`Nhwc`](Layout) plan's, see [`Layout`]; its packed 4-bit weights are
//! unpacked first:
//!
//! ```
//! use conv_std::ndarray::Array4;
//! use conv_std::quantised::{Int4, Multiplier, Quantisation, Single};
//! use conv_std::{ConvTranspose2d, Layout};
//!
//! // O H W I of the layer's own channels: 1 out, 2×2 taps, 3 in. C's input channels are the layer's output channels.
//! let packed = [0x21, 0x43, 0x65, 0xf7, 0x21, 0x43];
//! let weights: Vec<i8> = Int4::new(&packed, 12)?.iter().collect();
//! let kernel = Array4::from_shape_vec((1, 2, 2, 3), weights).unwrap();
//! let plan = ConvTranspose2d::<i16, i8, i32>::new(kernel.view().permuted_axes([3, 1, 2, 0]))
//!     .layout(Layout::Nhwc)
//!     .stride(2)
//!     .quantised::<Single, i16>(&[Multiplier::from_scale(0.5).unwrap()], Quantisation::new(0, 0))
//!     .build()?;
//! let image = plan.run(Array4::from_elem((1, 2, 2, 3), 10).view())?;
//! assert_eq!(image.dim(), (1, 4, 4, 1));
//! assert_eq!(image[[0, 0, 0, 0]], 30); // 10·(1 + 2 + 3)/2
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Gradients
//!
//! ```
//! use conv_std::Conv2d;
//! use conv_std::ndarray::Array4;
//!
//! let (x, kernel) = (Array4::<f32>::ones((2, 3, 9, 9)), Array4::<f32>::ones((4, 3, 3, 3)));
//! let plan = Conv2d::new(kernel.view()).pad(1).build()?;
//! let y = plan.run(x.view())?;
//! // Of L = ½ Σ y², for which ∂L/∂y = y.
//! let by_input = plan.input_gradient(y.view(), [9, 9])?;
//! let by_weights = plan.weight_gradient(x.view(), y.view())?;
//! assert_eq!((by_input.dim(), by_weights.dim()), (x.dim(), kernel.dim()));
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Threads
//!
//! Runs of less than half a million products stay on the calling thread. Larger ones are cut into disjoint
//! pieces of the output and use the rayon pool that they are called in, or one given to the plan:
//!
//! ```
//! use conv_std::rayon::ThreadPoolBuilder;
//! use conv_std::{Conv2d, ndarray::Array4};
//! # let (image, kernel) = (Array4::<f32>::ones((1, 3, 128, 128)), Array4::<f32>::ones((8, 3, 3, 3)));
//! let plan = Conv2d::new(kernel.view()).build()?;
//! let pool = ThreadPoolBuilder::new().num_threads(2).build().unwrap();
//! let there = pool.install(|| plan.run(image.view()))?;
//! assert_eq!(there, plan.run(image.view())?);
//! # Ok::<(), conv_std::Error>(())
//! ```
//!
//! # Determinism
//!
//! Each output is computed whole, by one thread, in one order that depends on the shape alone: products are added as
//! [`Products`] says, fused unless set otherwise; then the bias; then the finishing step. A flipped kernel's taps
//! ascend as they are applied. So results are the same bits for every number of threads, every SIMD level, every
//! layout, one image or a batch, and with any other work beside. The error is at most `γₙ·Σ|x·w|` with
//! `γₙ = n·u/(1 − n·u)` for `n` terms and unit roundoff `u`.
//!
//! Pads are skipped, not multiplied, so an infinite weight over a pad gives no NaN. Weights that are zero are
//! multiplied, so NaN and infinity in the input propagate as IEEE 754 says.
//!
//! # SIMD
//!
//! The kernels are compiled for what every CPU of the target has, and on x86-64 for AVX2 with FMA and for AVX-512. A plan
//! takes the best level that the CPU has; [`Builder::simd`] forces one. See [`SimdLevel`].
//!
//! # Memory
//!
//! Beyond input, output and weights:
//!
//! - a plan holds its weights once more, prepared, with the output channels of each group rounded up to a
//!   multiple of 16 where there are 8 or more, and of floats the input channels beyond 8 to a multiple of 8; and the same again for the opposite operation once
//!   [`input_gradient`](Plan::input_gradient) has run; a quantised one whose input has a zero point other than 0 also an
//!   accumulator for each tap and output channel;
//! - a run holds 2,048 accumulators on each thread's stack, two words for each tap, a dozen for each kernel
//!   position along an axis, and one slice for each channel and piece. There is no im2col buffer and no padded copy;
//! - an input that is not in standard order is copied, an output that is not is computed in order and copied;
//! - an input gradient at a boundary other than zeros holds the padded input, a weight gradient its sums, with
//!   the output channels of each group rounded up to a multiple of 16.
//!
//! # Errors and panics
//!
//! Whatever is wrong with shapes, settings or sizes is an [`Error`] that names the axis or buffer, what was
//! expected and what was found; a run that fails has not touched its output. The crate does not panic. Others
//! may, while it runs: a finishing step of the caller's own, whose panic comes through and leaves the output
//! partly written but plan and pool usable; rayon, where the system refuses it threads for its global
//! pool; and the allocator aborts where there is no memory for a copy of an input. The output itself is allocated
//! with an error.
//!
//! | what comes in | what happens |
//! |---|---|
//! | extents, pads, strides or dilations beyond any memory; products of extents that overflow | an error, before anything is allocated |
//! | a batch of 0, an extent of 0 | an error; an empty result has no use here |
//! | products or a bias that could overflow the accumulator | the plan is not built |
//! | zero points and clamps outside their type, a clamp that ends before it begins, scales below 0, NaN or infinite | the plan is not built |
//! | NaN and infinity | propagate as IEEE 754 says, through weights of zero too; padding multiplies nothing |
//! | slices at any address | the same bits: vector loads ask for no alignment beyond the element's |
//! | more threads than work, a pool of one, a run inside the pool it uses | the same bits |
//! | a panic of the caller's finishing step | comes through; plan and pool stay usable |
//!
//! # Elements
//!
//! See [`Operand`] for the pairs and their accumulators. Shapes, paddings and finishing steps are those of
//! [`conv_core`].

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
mod products;
pub mod quantised;
mod taps;
mod transposed;

pub use conv_core::{
    Axis, AxisError, Buffer, Dimension, KernelLayout, Orientation, Padding, Window, finish,
};
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
pub use products::Products;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
