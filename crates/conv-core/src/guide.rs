//! The fifteen relationships of the guide, each with the function that computes it.
//!
//! Vincent Dumoulin and Francesco Visin number the rules of their *guide to convolution arithmetic for deep
//! learning* (arXiv:1603.07285) from 1 to 15. This module has no code: it says what each rule is here, and
//! runs it. All hold along each axis by itself. `i`, `o`, `k`, `s`, `p` and `d` are the extents of input, output
//! and kernel, stride, pad on both sides and dilation; a prime marks the transposed operation, whose input is
//! `i'` and whose output is `o'`.
//!
//! | rule | here |
//! |---|---|
//! | 1 to 6, 15 | [`Axis::output`] |
//! | the names of the pads in 3 and 4 | [`Padding::Half`], [`Padding::Full`] |
//! | 7, pooling | [`Axis::output`] of the window |
//! | 8 to 13 | [`Axis::transposed_output`] without output padding |
//! | 14 | [`Axis::transposed_output`] with [`Axis::adjoint_padding`] |
//! | the direct operation in 8 to 14 | [`Axis::transposed_as_direct`] |
//! | `k̂` in 15 | [`Axis::dilated_kernel`] |
//!
//! The pictures' settings and the worked matrices of the guide are tests: `tests/guide.rs`.
//!
//! # Direct
//!
//! ## 1. No pads, stride 1: `o = (i − k) + 1`
//!
//! The window has `i − k` steps to go, and its first place counts too.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k) = (4, 3);
//! assert_eq!(Axis::new(k).output(i), Ok((i - k) + 1));
//! ```
//!
//! ## 2. Stride 1: `o = (i − k) + 2p + 1`
//!
//! Pads on both sides make the input longer by `2p`. Unequal pads, which the guide leaves out, add up.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k) = (5, 4);
//! assert_eq!(Axis::new(k).with_pads(2, 2).output(i), Ok((i - k) + 2 * 2 + 1));
//! assert_eq!(Axis::new(k).with_pads(1, 3).output(i), Ok((i - k) + 1 + 3 + 1));
//! ```
//!
//! ## 3. Half padding: odd `k`, `p = ⌊k/2⌋`, stride 1: `o = i`
//!
//! An odd kernel has a centre, and with half of it hanging over on either side the centre visits every input.
//! [`Padding::SameUpper`] does for even kernels what no symmetric pad can.
//!
//! ```
//! use conv_core::{Padding, Window};
//!
//! let i = 5;
//! let half = Window::new().with_padding(Padding::Half);
//! assert_eq!(half.axis(3, i)?.output(i), Ok(i));
//! assert_eq!(half.axis(4, i)?.output(i), Ok(i + 1));
//! let same = Window::new().with_padding(Padding::SameUpper);
//! assert_eq!(same.axis(4, i)?.output(i), Ok(i));
//! # Ok::<(), conv_core::AxisError>(())
//! ```
//!
//! ## 4. Full padding: `p = k − 1`, stride 1: `o = i + (k − 1)`
//!
//! Every window that touches the input at all.
//!
//! ```
//! use conv_core::{Padding, Window};
//!
//! let (i, k) = (5, 3);
//! let full = Window::new().with_padding(Padding::Full).axis(k, i)?;
//! assert_eq!(full.output(i), Ok(i + (k - 1)));
//! # Ok::<(), conv_core::AxisError>(())
//! ```
//!
//! ## 5. No pads: `o = ⌊(i − k)/s⌋ + 1`
//!
//! A stride keeps every s-th window of rule 1. Where `s` does not divide `i − k`, the last inputs are not read.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k, s) = (5, 3, 2);
//! assert_eq!(Axis::new(k).with_stride(s).output(i), Ok((i - k) / s + 1));
//! assert_eq!(Axis::new(k).with_stride(s).output(i + 1), Ok((i - k) / s + 1));
//! ```
//!
//! ## 6. In general: `o = ⌊(i + 2p − k)/s⌋ + 1`
//!
//! ```
//! use conv_core::Axis;
//!
//! let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
//! assert_eq!(axis.output(5), Ok((5 + 2 - 3) / 2 + 1));
//! assert_eq!(axis.output(6), Ok(3)); // another input, the same output: rule 14 tells them apart
//! ```
//!
//! ## 7. Pooling: `o = ⌊(i − k)/s⌋ + 1`
//!
//! A pooling window slides as a kernel does, whatever it makes of what it sees; so its extents are those of rule
//! 5. A *mean* is moreover a depthwise convolution with equal weights; a maximum is not linear and has no
//! matrix C.
//!
//! ```
//! use conv_core::{Axis, Window2d, finish, finish::Finish, window2d};
//!
//! assert_eq!(Axis::new(2).with_stride(2).output(4), Ok((4 - 2) / 2 + 1));
//!
//! window2d! { struct Pool: stride 2 }
//! let image = [[[1_u8, 90], [3, 90]], [[5, 80], [7, 80]]];
//! let mut mean = [[[0_u8; 2]; 1]; 1];
//! Pool::depthwise_with(&image, &[[[1_i8; 2]; 2]; 2], &mut mean, finish::raw::<i32>().to_u8(2));
//! assert_eq!(mean, [[[4, 85]]]);
//! ```
//!
//! # Transposed
//!
//! The transposed operation turns a direct operation round: `i'` is its `o`, and `o'` its `i`. Its geometry is
//! that of the direct operation, and so are the names `k`, `s` and `p`. The guide computes it as *another* direct
//! operation with `k' = k`, `s' = 1` and pad `p'`, over an input with `s − 1` zeros in each gap, with the kernel
//! flipped: [`Axis::transposed_as_direct`]. The kernels here reach the same sums without the zeros.
//!
//! ## 8. No pads, stride 1: `p' = k − 1`, `o' = i' + (k − 1)`
//!
//! The transpose of rule 1 is rule 4.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k) = (2, 3);
//! let axis = Axis::new(k);
//! assert_eq!(axis.transposed_output(i, 0), Ok(i + (k - 1)));
//! assert_eq!(axis.transposed_as_direct(0), Ok(Axis::new(k).with_pads(2, 2)));
//! ```
//!
//! ## 9. Stride 1: `p' = k − p − 1`, `o' = i' + (k − 1) − 2p`
//!
//! Pads of the direct operation are cropped from the transposed one.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k) = (6, 4);
//! let axis = Axis::new(k).with_pads(2, 2);
//! assert_eq!(axis.transposed_output(i, 0), Ok(i + (k - 1) - 2 * 2));
//! assert_eq!(axis.transposed_as_direct(0), Ok(Axis::new(k).with_pads(1, 1)));
//! // Beyond the guide: a pad greater than k − 1, where p' is negative and crops.
//! let wide = Axis::new(k).with_pads(5, 5);
//! assert_eq!(wide.transposed_as_direct(0), Ok(Axis::new(k).with_pads(-2, -2)));
//! ```
//!
//! ## 10. Half padding: `p' = p`, `o' = i'`
//!
//! The transpose of rule 3 is rule 3, with the kernel flipped.
//!
//! ```
//! use conv_core::Axis;
//!
//! let half = Axis::new(3).with_pads(1, 1);
//! assert_eq!(half.transposed_output(5, 0), Ok(5));
//! assert_eq!(half.transposed_as_direct(0), Ok(half));
//! ```
//!
//! ## 11. Full padding: `p' = 0`, `o' = i' − (k − 1)`
//!
//! The transpose of rule 4 is rule 1.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k) = (7, 3);
//! let full = Axis::new(k).with_pads(2, 2);
//! assert_eq!(full.transposed_output(i, 0), Ok(i - (k - 1)));
//! assert_eq!(full.transposed_as_direct(0), Ok(Axis::new(k)));
//! ```
//!
//! ## 12. No pads, `s` divides `i − k`: `p' = k − 1`, `o' = s(i' − 1) + k`
//!
//! Each input writes `k` outputs, `s` after those of the input before it. As a direct operation the stretched
//! input has `s(i' − 1) + 1` elements.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k, s) = (2, 3, 2);
//! let axis = Axis::new(k).with_stride(s);
//! assert_eq!(axis.transposed_output(i, 0), Ok(s * (i - 1) + k));
//! let direct = axis.transposed_as_direct(0)?;
//! assert_eq!(direct, Axis::new(k).with_pads(2, 2));
//! assert_eq!(direct.output(s * (i - 1) + 1), axis.transposed_output(i, 0));
//! # Ok::<(), conv_core::AxisError>(())
//! ```
//!
//! ## 13. `s` divides `i + 2p − k`: `p' = k − p − 1`, `o' = s(i' − 1) + k − 2p`
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k, s) = (3, 3, 2);
//! let axis = Axis::new(k).with_stride(s).with_pads(1, 1);
//! assert_eq!(axis.transposed_output(i, 0), Ok(s * (i - 1) + k - 2));
//! assert_eq!(axis.transposed_as_direct(0), Ok(Axis::new(k).with_pads(1, 1)));
//! ```
//!
//! ## 14. In general: `a = (i + 2p − k) mod s`, `o' = s(i' − 1) + a + k − 2p`
//!
//! `s` inputs share an output extent (rule 6); `a`, the output padding, says which of them to go back to. No
//! zeros are added to the output: it is `a` elements longer, and taps may reach them. In the typed
//! operations the output array says how long it is, in the run-time ones the geometry.
//!
//! ```
//! use conv_core::{Axis, Window1d, window1d};
//!
//! let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
//! for i in [5, 6] {
//!     assert_eq!(axis.output(i), Ok(3));
//!     let a = axis.adjoint_padding(i)?;
//!     assert_eq!(a, (i + 2 - 3) % 2);
//!     assert_eq!(axis.transposed_output(3, a), Ok(i));
//!     // As a direct operation, the a more outputs take a more zeros after the stretched input.
//!     assert_eq!(axis.transposed_as_direct(a)?, Axis::new(3).with_pads(1, 1 + a as isize));
//! }
//!
//! window1d! { struct Half: stride 2, pad 1 }
//! let (mut five, mut six) = ([0_i32; 5], [0_i32; 6]);
//! Half::conv_transpose(&[1_i8, 2, 3], &[1_i8, 10, 100], &mut five);
//! Half::conv_transpose(&[1_i8, 2, 3], &[1_i8, 10, 100], &mut six);
//! assert_eq!(five, six[..5]);
//! assert_eq!(six, [10, 102, 20, 203, 30, 300]);
//! # Ok::<(), conv_core::AxisError>(())
//! ```
//!
//! # Dilated
//!
//! ## 15. `k̂ = k + (k − 1)(d − 1)`, `o = ⌊(i + 2p − k̂)/s⌋ + 1`
//!
//! `d − 1` positions between neighbouring taps are skipped; the kernel then spans `k̂`, and every rule above
//! holds with `k̂` for `k`.
//!
//! ```
//! use conv_core::Axis;
//!
//! let (i, k, d) = (7, 3, 2);
//! let axis = Axis::new(k).with_dilation(d);
//! let dilated = axis.dilated_kernel()?;
//! assert_eq!(dilated, k + (k - 1) * (d - 1));
//! assert_eq!(axis.output(i), Ok((i - dilated) / 1 + 1));
//! assert_eq!(axis.transposed_output(3, 0), Ok(7));
//! # Ok::<(), conv_core::AxisError>(())
//! ```
//!
//! [`Axis::output`]: crate::Axis::output
//! [`Axis::transposed_output`]: crate::Axis::transposed_output
//! [`Axis::adjoint_padding`]: crate::Axis::adjoint_padding
//! [`Axis::transposed_as_direct`]: crate::Axis::transposed_as_direct
//! [`Axis::dilated_kernel`]: crate::Axis::dilated_kernel
//! [`Padding::Half`]: crate::Padding::Half
//! [`Padding::Full`]: crate::Padding::Full
//! [`Padding::SameUpper`]: crate::Padding::SameUpper
