//! Kernels from the order of a framework's axes to O H W I, channels innermost, as `const fn`: a `static` of the
//! result lies in flash.
//!
//! `O` and `I` are the output and input channels of the direct map, `I` within a group; which of a transposed
//! layer's axes they are says the table of the [parent module](super). A 1-D kernel is one of height 1, or of the
//! `_1d` forms.

use crate::element::Element;
use crate::shape::swap_channels;

/// From O I H W: PyTorch, ONNX and Theano, direct and transposed.
///
/// ```
/// use conv_core::convention::weights;
///
/// // 1 output channel, 2 input channels, 1×3 taps
/// static KERNEL: [[[[i8; 2]; 3]; 1]; 1] = weights::from_oihw(&[[[[1, 2, 3]], [[4, 5, 6]]]]);
/// assert_eq!(KERNEL, [[[[1, 4], [2, 5], [3, 6]]]]);
/// ```
#[must_use]
pub const fn from_oihw<
    T: Element,
    const I: usize,
    const H: usize,
    const W: usize,
    const O: usize,
>(
    kernel: &[[[[T; W]; H]; I]; O],
) -> [[[[T; I]; W]; H]; O] {
    let mut ordered = [[[[T::ZERO; I]; W]; H]; O];
    let mut o = 0;
    while o < O {
        let mut y = 0;
        while y < H {
            let mut x = 0;
            while x < W {
                let mut i = 0;
                while i < I {
                    ordered[o][y][x][i] = kernel[o][i][y][x];
                    i += 1;
                }
                x += 1;
            }
            y += 1;
        }
        o += 1;
    }
    ordered
}

/// From H W I O: TensorFlow, Keras and JAX, direct; TensorFlow and Keras transposed.
///
/// ```
/// use conv_core::convention::weights;
///
/// // 1×2 taps, 2 input channels, 3 output channels
/// static KERNEL: [[[[i8; 2]; 2]; 1]; 3] =
///     weights::from_hwio(&[[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]]);
/// assert_eq!(KERNEL[2], [[[3, 6], [9, 12]]]);
/// ```
#[must_use]
pub const fn from_hwio<
    T: Element,
    const I: usize,
    const H: usize,
    const W: usize,
    const O: usize,
>(
    kernel: &[[[[T; O]; I]; W]; H],
) -> [[[[T; I]; W]; H]; O] {
    let mut ordered = [[[[T::ZERO; I]; W]; H]; O];
    let mut o = 0;
    while o < O {
        let mut y = 0;
        while y < H {
            let mut x = 0;
            while x < W {
                let mut i = 0;
                while i < I {
                    ordered[o][y][x][i] = kernel[y][x][i][o];
                    i += 1;
                }
                x += 1;
            }
            y += 1;
        }
        o += 1;
    }
    ordered
}

/// From H W O I: JAX's `conv_transpose` with `transpose_kernel=False`, whose HWIO counts its own channels. The marker
/// has to `flip`, too: see [`jax::ConvTranspose::orientation`](super::jax::ConvTranspose::orientation).
///
/// ```
/// use conv_core::convention::weights;
///
/// // The transposed layer reads 2 channels and writes 1: O is 2 and I is 1.
/// static KERNEL: [[[[i8; 1]; 2]; 1]; 2] = weights::from_hwoi(&[[[[1], [2]], [[3], [4]]]]);
/// assert_eq!(KERNEL, [[[[1], [3]]], [[[2], [4]]]]);
/// ```
#[must_use]
pub const fn from_hwoi<
    T: Element,
    const I: usize,
    const H: usize,
    const W: usize,
    const O: usize,
>(
    kernel: &[[[[T; I]; O]; W]; H],
) -> [[[[T; I]; W]; H]; O] {
    let mut ordered = [[[[T::ZERO; I]; W]; H]; O];
    let mut o = 0;
    while o < O {
        let mut y = 0;
        while y < H {
            let mut x = 0;
            while x < W {
                ordered[o][y][x] = kernel[y][x][o];
                x += 1;
            }
            y += 1;
        }
        o += 1;
    }
    ordered
}

/// From I H W O: TFLite and CMSIS-NN, transposed. Its own inverse, with I and O exchanged.
///
/// ```
/// use conv_core::convention::weights;
///
/// // The transposed layer writes 1 channel and reads 2: I is 1 and O is 2.
/// static KERNEL: [[[[i8; 1]; 2]; 1]; 2] = weights::from_ihwo(&[[[[1, 2], [3, 4]]]]);
/// assert_eq!(KERNEL, [[[[1], [3]]], [[[2], [4]]]]);
/// ```
#[must_use]
pub const fn from_ihwo<
    T: Element,
    const I: usize,
    const H: usize,
    const W: usize,
    const O: usize,
>(
    kernel: &[[[[T; O]; W]; H]; I],
) -> [[[[T; I]; W]; H]; O] {
    swap_channels(kernel)
}

/// From O I K: PyTorch, ONNX and Theano, 1-D.
///
/// ```
/// use conv_core::convention::weights;
///
/// static KERNEL: [[[i8; 2]; 3]; 1] = weights::from_oik_1d(&[[[1, 2, 3], [4, 5, 6]]]);
/// assert_eq!(KERNEL, [[[1, 4], [2, 5], [3, 6]]]);
/// ```
#[must_use]
pub const fn from_oik_1d<T: Element, const I: usize, const K: usize, const O: usize>(
    kernel: &[[[T; K]; I]; O],
) -> [[[T; I]; K]; O] {
    let mut ordered = [[[T::ZERO; I]; K]; O];
    let mut o = 0;
    while o < O {
        let mut j = 0;
        while j < K {
            let mut i = 0;
            while i < I {
                ordered[o][j][i] = kernel[o][i][j];
                i += 1;
            }
            j += 1;
        }
        o += 1;
    }
    ordered
}

/// From K I O: TensorFlow, Keras and JAX, 1-D.
///
/// ```
/// use conv_core::convention::weights;
///
/// static KERNEL: [[[i8; 1]; 2]; 3] = weights::from_kio_1d(&[[[1, 2, 3]], [[4, 5, 6]]]);
/// assert_eq!(KERNEL, [[[1], [4]], [[2], [5]], [[3], [6]]]);
/// ```
#[must_use]
pub const fn from_kio_1d<T: Element, const I: usize, const K: usize, const O: usize>(
    kernel: &[[[T; O]; I]; K],
) -> [[[T; I]; K]; O] {
    let mut ordered = [[[T::ZERO; I]; K]; O];
    let mut o = 0;
    while o < O {
        let mut j = 0;
        while j < K {
            let mut i = 0;
            while i < I {
                ordered[o][j][i] = kernel[j][i][o];
                i += 1;
            }
            j += 1;
        }
        o += 1;
    }
    ordered
}
