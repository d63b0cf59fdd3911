//! The settings and the worked example of the guide: Dumoulin & Visin, *A guide to convolution
//! arithmetic for deep learning*, arXiv:1603.07285.
//!
//! ```
//! use conv_vectors::guide;
//!
//! // Its first figure, no padding and unit stride: relationship 1, o = (i − k) + 1.
//! let first = guide::FIGURES[0];
//! assert_eq!(first.output, first.input - first.kernel + 1);
//! assert_eq!(guide::OUTPUT[0], [12, 12, 17]);
//! ```

/// One figure: a square direct operation with the same numbers on both axes. Except for the
/// dilated one, the guide also draws its transpose, which maps `output` back to `input`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What the guide calls the setting.
    pub name: &'static str,
    /// Input extent, i.
    pub input: usize,
    /// Output extent, o.
    pub output: usize,
    /// Padding on each side, p.
    pub pad: usize,
    /// Kernel extent, k.
    pub kernel: usize,
    /// Stride, s.
    pub stride: usize,
    /// Dilation, d.
    pub dilation: usize,
}

impl Figure {
    const fn new(name: &'static str, [i, o, p, k, s, d]: [usize; 6]) -> Self {
        Self {
            name,
            input: i,
            output: o,
            pad: p,
            kernel: k,
            stride: s,
            dilation: d,
        }
    }

    /// Output padding that makes the transposed operation map `output` back to `input`:
    /// `a = (i + 2p − k̂) mod s`, relationship 14.
    #[must_use]
    pub const fn output_padding(&self) -> usize {
        let reach = self.dilation * (self.kernel - 1) + 1;
        (self.input + 2 * self.pad - reach) % self.stride
    }
}

/// The guide's figures. The first seven are drawn with their transposes.
pub const FIGURES: [Figure; 8] = [
    Figure::new("no padding, unit strides", [4, 2, 0, 3, 1, 1]),
    Figure::new("arbitrary padding, unit strides", [5, 6, 2, 4, 1, 1]),
    Figure::new("half padding, unit strides", [5, 5, 1, 3, 1, 1]),
    Figure::new("full padding, unit strides", [5, 7, 2, 3, 1, 1]),
    Figure::new("no padding, strided", [5, 2, 0, 3, 2, 1]),
    Figure::new("padding, strided", [5, 3, 1, 3, 2, 1]),
    Figure::new("padding, strided, one row left over", [6, 3, 1, 3, 2, 1]),
    Figure::new("dilation", [7, 3, 0, 3, 1, 2]),
];

/// The worked example's input, x.
pub const INPUT: [[i32; 5]; 5] = [
    [3, 3, 2, 1, 0],
    [0, 0, 1, 3, 1],
    [3, 1, 2, 2, 3],
    [2, 0, 0, 2, 2],
    [2, 0, 0, 0, 1],
];

/// The worked example's kernel, w. It is not symmetric, so that a flip shows.
pub const KERNEL: [[i32; 3]; 3] = [[0, 1, 2], [2, 2, 0], [0, 1, 2]];

/// y = C x without padding, stride 1.
pub const OUTPUT: [[i32; 3]; 3] = [[12, 12, 17], [10, 17, 19], [9, 6, 14]];

/// Cᵀ y of [`OUTPUT`], without padding, stride 1. It is not x: a transpose is not an inverse.
pub const TRANSPOSED: [[i32; 5]; 5] = [
    [0, 12, 36, 41, 34],
    [24, 58, 95, 87, 38],
    [20, 75, 132, 105, 62],
    [18, 40, 77, 81, 38],
    [0, 9, 24, 26, 28],
];

/// y = C x with padding 1 and stride 2.
pub const OUTPUT_STRIDED: [[i32; 3]; 3] = [[6, 17, 3], [8, 17, 13], [6, 4, 4]];

/// Cᵀ y of [`OUTPUT_STRIDED`], padding 1, stride 2, without output padding.
pub const TRANSPOSED_STRIDED: [[i32; 5]; 5] = [
    [12, 34, 34, 6, 6],
    [14, 28, 34, 68, 16],
    [16, 34, 34, 26, 26],
    [14, 28, 21, 42, 17],
    [12, 8, 8, 8, 8],
];

/// The same with output padding 1: one more column and one more row, the rest unchanged.
pub const TRANSPOSED_STRIDED_PADDED: [[i32; 6]; 6] = [
    [12, 34, 34, 6, 6, 0],
    [14, 28, 34, 68, 16, 32],
    [16, 34, 34, 26, 26, 0],
    [14, 28, 21, 42, 17, 34],
    [12, 8, 8, 8, 8, 0],
    [6, 12, 4, 8, 4, 8],
];

/// The true convolution (kernel flipped on both axes) without padding, stride 1.
pub const TRUE_CONVOLUTION: [[i32; 3]; 3] = [[18, 20, 19], [10, 9, 17], [11, 8, 14]];
