//! Means: box, binomial, Gaussian.

use super::exp;

/// `N` ones: the sum of the samples under the window, a moving mean times `N`.
#[must_use]
pub const fn box_1d<const N: usize>() -> [i8; N] {
    [1; N]
}

/// `H × W` ones, a mean times `H·W`.
#[must_use]
pub const fn box_2d<const W: usize, const H: usize>() -> [[i8; W]; H] {
    [[1; W]; H]
}

/// The binomial approximation of a Gaussian: row `N − 1` of Pascal's triangle, `(N−1)!/(j!·(N−1−j)!)`.
///
/// The sum is `2^(N−1)`, so that a rounding shift by `N − 1` normalises; the variance is `(N − 1)/4`, a standard
/// deviation of 1 for 5 taps. [`narrow`] makes an `i8` of up to 10 taps. More than 18 taps, which `i16` cannot
/// hold, do not compile.
///
/// ```
/// use conv_core::filter;
///
/// static BLUR: [i16; 5] = filter::binomial_1d();
/// assert_eq!(BLUR, [1, 4, 6, 4, 1]);
/// ```
///
/// ```compile_fail
/// let taps: [i16; 19] = conv_core::filter::binomial_1d();
/// ```
#[must_use]
pub const fn binomial_1d<const N: usize>() -> [i16; N] {
    const { assert!(0 < N && N <= 18, "a binomial kernel has 1 to 18 taps") };
    let mut taps = [0; N];
    let mut value: i32 = 1;
    let mut j = 0;
    while j < N {
        taps[j] = value as i16;
        // Divides without remainder: value·(N − 1 − j) is (j + 1) times the next coefficient.
        value = value * (N - 1 - j) as i32 / (j + 1) as i32;
        j += 1;
    }
    taps
}

/// [`binomial_1d`] along both axes: `kernel[y][x] = taps[y]·taps[x]`, with sum `2^(2N−2)`.
///
/// A rounding shift by `2N − 2` normalises. [`narrow`] makes an `i8` of up to 6×6 taps. More than 10×10 taps, which
/// `i16` cannot hold, do not compile.
///
/// ```
/// use conv_core::filter;
///
/// static BLUR: [[i8; 3]; 3] = filter::narrow(&filter::binomial_2d()); // then to_u8(4)
/// assert_eq!(BLUR, [[1, 2, 1], [2, 4, 2], [1, 2, 1]]);
/// ```
#[must_use]
pub const fn binomial_2d<const N: usize>() -> [[i16; N]; N] {
    const { assert!(0 < N && N <= 10, "a binomial kernel has 1×1 to 10×10 taps") };
    let taps = binomial_1d::<N>();
    let mut kernel = [[0; N]; N];
    let mut y = 0;
    while y < N {
        let mut x = 0;
        while x < N {
            kernel[y][x] = taps[y] * taps[x];
            x += 1;
        }
        y += 1;
    }
    kernel
}

/// The same kernel in `i8`. Values beyond `i8` saturate.
///
/// ```
/// assert_eq!(conv_core::filter::narrow(&[[300, -300, 7]]), [[127, -128, 7]]);
/// ```
#[must_use]
pub const fn narrow<const W: usize, const H: usize>(kernel: &[[i16; W]; H]) -> [[i8; W]; H] {
    let mut narrowed = [[0; W]; H];
    let mut y = 0;
    while y < H {
        let mut x = 0;
        while x < W {
            let value = kernel[y][x];
            narrowed[y][x] = if value > i8::MAX as i16 {
                i8::MAX
            } else if value < i8::MIN as i16 {
                i8::MIN
            } else {
                value as i8
            };
            x += 1;
        }
        y += 1;
    }
    narrowed
}

/// The same kernel in `i16`, for 16-bit images.
///
/// ```
/// static SOBEL: [[i16; 3]; 3] = conv_core::filter::widen(&conv_core::filter::sobel_x());
/// assert_eq!(SOBEL[1], [-2, 0, 2]);
/// ```
#[must_use]
pub const fn widen<const W: usize, const H: usize>(kernel: &[[i8; W]; H]) -> [[i16; W]; H] {
    let mut widened = [[0; W]; H];
    let mut y = 0;
    while y < H {
        let mut x = 0;
        while x < W {
            widened[y][x] = kernel[y][x] as i16;
            x += 1;
        }
        y += 1;
    }
    widened
}

/// Gaussian in `f64`, its sum 1.
const fn gaussian<const N: usize>(sigma: f64) -> [f64; N] {
    let mut taps = [0.0; N];
    let mut sum = 0.0;
    let mut j = 0;
    while j < N {
        // Twice the distance from the centre, and from it to the nearest tap.
        let distance = (2 * j + 1) as f64 - N as f64;
        let least = if N.is_multiple_of(2) { 1.0 } else { 0.0 };
        // Relative to the nearest tap, so that a small sigma does not underflow everywhere.
        let excess = distance * distance - least;
        taps[j] = if excess == 0.0 {
            1.0
        } else if sigma > 0.0 {
            exp(-excess / (8.0 * sigma * sigma))
        } else {
            0.0
        };
        sum += taps[j];
        j += 1;
    }
    j = 0;
    while j < N {
        taps[j] /= sum;
        j += 1;
    }
    taps
}

/// A Gaussian of `N` taps with standard deviation `sigma` samples, sampled at the taps and normalised to sum 1:
/// `taps[j] ∝ exp(−(j − (N−1)/2)²/(2·sigma²))`.
///
/// `N ≥ 6·sigma + 1` holds more than 99.7 % of it. For a `sigma` of 0, below, or NaN the centre tap is 1, or the two
/// centre taps ½; for an infinite one all taps are `1/N`.
///
/// ```
/// static BLUR: [f32; 7] = conv_core::filter::gaussian_1d(1.0);
/// assert!((BLUR[3] - 0.399_05).abs() < 1e-5);
/// ```
#[must_use]
pub const fn gaussian_1d<const N: usize>(sigma: f32) -> [f32; N] {
    let exact = gaussian::<N>(sigma as f64);
    let mut taps = [0.0; N];
    let mut j = 0;
    while j < N {
        taps[j] = exact[j] as f32;
        j += 1;
    }
    taps
}

/// [`gaussian_1d`] along both axes, normalised to sum 1.
///
/// Two passes with [`gaussian_1d`] give the same image for `2·N` products instead of `N²`.
///
/// ```
/// static BLUR: [[f32; 5]; 5] = conv_core::filter::gaussian_2d(0.8);
/// assert_eq!(BLUR[1][3], BLUR[3][1]);
/// ```
#[must_use]
pub const fn gaussian_2d<const N: usize>(sigma: f32) -> [[f32; N]; N] {
    let exact = gaussian::<N>(sigma as f64);
    let mut kernel = [[0.0; N]; N];
    let mut y = 0;
    while y < N {
        let mut x = 0;
        while x < N {
            kernel[y][x] = (exact[y] * exact[x]) as f32;
            x += 1;
        }
        y += 1;
    }
    kernel
}
