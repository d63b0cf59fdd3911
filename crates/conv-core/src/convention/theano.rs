//! Theano: `theano.tensor.nnet.conv2d`, its 3-D form, and `conv2d_grad_wrt_inputs` with its alias
//! `conv2d_transpose`.
//!
//! True convolution by default: `filter_flip=True` is [`Orientation::Convolution`]. Kernels are O I/g H W, of the
//! gradient those of the direct operation.
//!
//! Source: the documentation of `theano.tensor.nnet.conv2d`, `theano/tensor/nnet/abstract_conv.py`, and Theano's
//! convolution arithmetic tutorial.
//!
//! # The documented call, line by line
//!
//! ```python
//! output = theano.tensor.nnet.conv2d(
//!     input, filters, input_shape=(b, c2, i1, i2), filter_shape=(c1, c2, k1, k2),
//!     border_mode=(p1, p2), subsample=(s1, s2))
//! ```
//!
//! | Theano | here |
//! |---|---|
//! | `input`, `input_shape=(b, c2, i1, i2)` | `b` calls, each with an `[[[T; C2]; I2]; I1]`, channels innermost |
//! | `filters`, `filter_shape=(c1, c2, k1, k2)` | `[[[[T; C2]; K2]; K1]; C1]`, input channels innermost |
//! | `border_mode=(p1, p2)` | `pad (P1, P2)` |
//! | `subsample=(s1, s2)` | `stride (S1, S2)` |
//! | `filter_flip=True`, the default | `flip` |
//! | `filter_flip=False` | no `flip` |
//! | `filter_dilation=(d1, d2)`, `num_groups=g` | `dilation (D1, D2)`, `groups G` |
//! | the result, `(b, c1, o1, o2)` | `b` arrays `[[[A; C1]; O2]; O1]` |
//!
//! ```
//! use conv_core::convention::theano::{BorderMode, Conv};
//! use conv_core::{Window2d, window2d};
//!
//! const B: usize = 2; // input_shape=(2, 2, 5, 4)
//! const C2: usize = 2;
//! const I1: usize = 5;
//! const I2: usize = 4;
//! const C1: usize = 3; // filter_shape=(3, 2, 3, 2)
//! const K1: usize = 3;
//! const K2: usize = 2;
//!
//! window2d! { struct Flipped: pad (1, 2), stride (2, 1), flip } // border_mode=(1, 2), subsample=(2, 1)
//! window2d! { struct AsStored: pad (1, 2), stride (2, 1) } // the same with filter_flip=False
//!
//! // Theano resolves the same settings to the same extents, o1 = 3 and o2 = 7.
//! let rows = Conv { border_mode: BorderMode::Zeros(1), subsample: 2, ..Conv::new(K1) }.axis(I1).unwrap();
//! let columns = Conv { border_mode: BorderMode::Zeros(2), ..Conv::new(K2) }.axis(I2).unwrap();
//! const O1: usize = 3;
//! const O2: usize = 7;
//! assert_eq!((rows.output, columns.output), (O1, O2));
//!
//! // Theano's arrays, b c2 i1 i2 and c1 c2 k1 k2, …
//! let theano_input = |b: usize, c: usize, y: usize, x: usize| (b * 7 + c * 5 + y * 3 + x) as i8;
//! let theano_filters = |o: usize, c: usize, y: usize, x: usize| (o * 11 + c * 6 + y * 2 + x) as i8 - 9;
//! // … and the same numbers in this crate's order.
//! let input: [[[[i8; C2]; I2]; I1]; B] = std::array::from_fn(|b| std::array::from_fn(|y|
//!     std::array::from_fn(|x| std::array::from_fn(|c| theano_input(b, c, y, x)))));
//! let filters: [[[[i8; C2]; K2]; K1]; C1] = std::array::from_fn(|o| std::array::from_fn(|y|
//!     std::array::from_fn(|x| std::array::from_fn(|c| theano_filters(o, c, y, x)))));
//!
//! for b in 0..B {
//!     let (mut flipped, mut as_stored) = ([[[0_i32; C1]; O2]; O1], [[[0_i32; C1]; O2]; O1]);
//!     Flipped::conv(&input[b], &filters, &mut flipped);
//!     AsStored::conv(&input[b], &filters, &mut as_stored);
//!     for (o, y, x) in (0..C1).flat_map(|o| (0..O1).flat_map(move |y| (0..O2).map(move |x| (o, y, x)))) {
//!         // Theano's definition: the flipped filter reads filters[k1 − 1 − i][k2 − 1 − j].
//!         let (mut with_flip, mut without) = (0, 0);
//!         for (c, i, j) in (0..C2).flat_map(|c| (0..K1).flat_map(move |i| (0..K2).map(move |j| (c, i, j)))) {
//!             let (Some(row), Some(column)) = ((2 * y + i).checked_sub(1), (x + j).checked_sub(2)) else { continue };
//!             if row < I1 && column < I2 {
//!                 let value = i32::from(theano_input(b, c, row, column));
//!                 with_flip += value * i32::from(theano_filters(o, c, K1 - 1 - i, K2 - 1 - j));
//!                 without += value * i32::from(theano_filters(o, c, i, j));
//!             }
//!         }
//!         assert_eq!((flipped[y][x][o], as_stored[y][x][o]), (with_flip, without));
//!     }
//! }
//! ```

use super::{ConventionError, Direct, Framework, Names, Transposed};
use crate::axis::{self, Axis, Window, attempt, to_signed};
use crate::geometry::Orientation;

const NAMES: Names = Names {
    framework: Framework::Theano,
    kernel: "filter_shape",
    stride: "subsample",
    dilation: "filter_dilation",
    padding: "border_mode",
    output_padding: "input_shape",
    output: "input_shape",
};

/// `border_mode` along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BorderMode {
    /// `'valid'`, the default: no zeros.
    Valid,
    /// `'full'`: `k̂ − 1` zeros on both sides.
    Full,
    /// `'half'`: `⌊k̂/2⌋` zeros on both sides.
    Half,
    /// An integer, or this axis's entry of a tuple of integers: so many zeros on both sides.
    Zeros(usize),
    /// This axis's entry where that is a pair: zeros before and after.
    Pair(usize, usize),
}

/// One axis of `conv2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Number of taps, this axis's entry of `filter_shape`.
    pub filter_shape: usize,
    /// Default `'valid'`.
    pub border_mode: BorderMode,
    /// The stride, default 1.
    pub subsample: usize,
    /// The dilation, default 1.
    pub filter_dilation: usize,
    /// Default `true`.
    pub filter_flip: bool,
}

impl Conv {
    /// Theano's defaults.
    #[must_use]
    pub const fn new(filter_shape: usize) -> Self {
        Self {
            filter_shape,
            border_mode: BorderMode::Valid,
            subsample: 1,
            filter_dilation: 1,
            filter_flip: true,
        }
    }

    /// How the kernel is read: flipped unless `filter_flip=False`.
    #[must_use]
    pub const fn orientation(&self) -> Orientation {
        if self.filter_flip {
            Orientation::Convolution
        } else {
            Orientation::Correlation
        }
    }

    /// Resolves the axis of `conv2d` over `input` elements.
    ///
    /// ```
    /// use conv_core::convention::theano::{BorderMode, Conv};
    ///
    /// let full = Conv { border_mode: BorderMode::Full, ..Conv::new(3) };
    /// assert_eq!(full.axis(5).unwrap().output, 7);
    /// ```
    ///
    /// # Errors
    ///
    /// An illegal axis.
    pub const fn axis(&self, input: usize) -> Result<Direct, ConventionError> {
        NAMES.direct(attempt!(self.canonical(input)), input)
    }

    /// Resolves the axis of `conv2d_grad_wrt_inputs`, whose `output_grad` has `output_grad` elements and whose
    /// result has `input_shape`: the transpose of [`Conv::axis`] over `input_shape`. `filter_flip` keeps its
    /// meaning, that of the direct operation.
    ///
    /// ```
    /// use conv_core::convention::theano::{BorderMode, Conv};
    ///
    /// let conv = Conv { subsample: 2, border_mode: BorderMode::Zeros(1), ..Conv::new(3) };
    /// assert_eq!(conv.grad_wrt_inputs_axis(3, 6).unwrap().output_padding(), Ok(1));
    /// assert_eq!(
    ///     conv.grad_wrt_inputs_axis(3, 7).unwrap_err().to_string(),
    ///     "Theano: input_shape is 7, from which the direct operation leads to 4, expected the input extent 3"
    /// );
    /// ```
    ///
    /// # Errors
    ///
    /// `input_shape` where the direct operation does not lead back to `output_grad`; an illegal axis.
    pub const fn grad_wrt_inputs_axis(
        &self,
        output_grad: usize,
        input_shape: usize,
    ) -> Result<Transposed, ConventionError> {
        let axis = attempt!(self.canonical(input_shape));
        NAMES.leading_back(axis, output_grad, input_shape)
    }

    const fn canonical(&self, input: usize) -> Result<Axis, ConventionError> {
        let (before, after) = match self.border_mode {
            BorderMode::Zeros(zeros) => (zeros, zeros),
            BorderMode::Pair(before, after) => (before, after),
            BorderMode::Valid | BorderMode::Full | BorderMode::Half => (0, 0),
        };
        let padding = match self.border_mode {
            BorderMode::Valid => axis::Padding::Valid,
            BorderMode::Full => axis::Padding::Full,
            BorderMode::Half => axis::Padding::Half,
            BorderMode::Zeros(_) | BorderMode::Pair(..) => axis::Padding::Explicit {
                before: attempt!(NAMES.checked(to_signed(before))),
                after: attempt!(NAMES.checked(to_signed(after))),
            },
        };
        let window = Window::new()
            .with_stride(self.subsample)
            .with_dilation(self.filter_dilation)
            .with_padding(padding);
        NAMES.checked(window.axis(self.filter_shape, input))
    }
}
