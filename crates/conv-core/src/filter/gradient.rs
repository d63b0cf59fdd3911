//! Derivatives of images.

/// A column times a row.
const fn outer<const N: usize>(column: [i8; N], row: [i8; N]) -> [[i8; N]; N] {
    let mut kernel = [[0; N]; N];
    let mut y = 0;
    while y < N {
        let mut x = 0;
        while x < N {
            kernel[y][x] = column[y] * row[x];
            x += 1;
        }
        y += 1;
    }
    kernel
}

/// Sobel's derivative along the width: `[1 2 1]ᵀ · [−1 0 1]`. Positive where values rise to the right, 8 times
/// the slope for each column.
///
/// ```
/// use conv_core::{Window2d, filter, window2d};
///
/// window2d! { struct Plain }
/// static SOBEL: [[i8; 3]; 3] = filter::sobel_x();
/// let mut slope = [[0_i32; 1]; 1];
/// Plain::conv(&[[10_u8, 15, 20], [10, 15, 20], [10, 15, 20]], &SOBEL, &mut slope);
/// assert_eq!(slope, [[8 * 5]]);
/// ```
#[must_use]
pub const fn sobel_x() -> [[i8; 3]; 3] {
    outer([1, 2, 1], [-1, 0, 1])
}

/// Sobel's derivative down the height, the transpose of [`sobel_x`]: positive where values rise downwards.
#[must_use]
pub const fn sobel_y() -> [[i8; 3]; 3] {
    outer([-1, 0, 1], [1, 2, 1])
}

/// Sobel's derivative along the width over 5×5: `[1 4 6 4 1]ᵀ · [−1 −2 0 2 1]`, 128 times the slope for each
/// column. OpenCV's of `ksize=5`.
#[must_use]
pub const fn sobel_5_x() -> [[i8; 5]; 5] {
    outer([1, 4, 6, 4, 1], [-1, -2, 0, 2, 1])
}

/// The transpose of [`sobel_5_x`], down the height.
#[must_use]
pub const fn sobel_5_y() -> [[i8; 5]; 5] {
    outer([-1, -2, 0, 2, 1], [1, 4, 6, 4, 1])
}

/// Scharr's derivative along the width, whose direction is more exact than Sobel's: `[3 10 3]ᵀ · [−1 0 1]`,
/// 32 times the slope for each column.
#[must_use]
pub const fn scharr_x() -> [[i8; 3]; 3] {
    outer([3, 10, 3], [-1, 0, 1])
}

/// The transpose of [`scharr_x`], down the height.
#[must_use]
pub const fn scharr_y() -> [[i8; 3]; 3] {
    outer([-1, 0, 1], [3, 10, 3])
}

/// Prewitt's derivative along the width: `[1 1 1]ᵀ · [−1 0 1]`, 6 times the slope for each column.
#[must_use]
pub const fn prewitt_x() -> [[i8; 3]; 3] {
    outer([1, 1, 1], [-1, 0, 1])
}

/// The transpose of [`prewitt_x`], down the height.
#[must_use]
pub const fn prewitt_y() -> [[i8; 3]; 3] {
    outer([-1, 0, 1], [1, 1, 1])
}

/// The Laplacian over the four neighbours, `∂²/∂x² + ∂²/∂y²`: sum 0, 2 for the image `x²/2 + y²/2`.
///
/// ```
/// assert_eq!(conv_core::filter::laplacian(), [[0, 1, 0], [1, -4, 1], [0, 1, 0]]);
/// ```
#[must_use]
pub const fn laplacian() -> [[i8; 3]; 3] {
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
}

/// The Laplacian over all eight neighbours: sum 0, 3 times [`laplacian`] on quadratic images.
#[must_use]
pub const fn laplacian_diagonal() -> [[i8; 3]; 3] {
    [[1, 1, 1], [1, -8, 1], [1, 1, 1]]
}
