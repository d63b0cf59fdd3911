//! Kernels to convolve with, all built by `const fn`: a `static` of one lies in flash and costs no start-up time.
//!
//! ```
//! use conv_core::{Window1d, Window2d, filter, finish, finish::Finish, window1d, window2d};
//!
//! // A decimator by 4 with a low-pass of 63 taps, in Q15.
//! static TAPS: [i16; 63] = filter::to_i16(&filter::decimator(4, filter::Taper::Hamming), 15);
//! window1d! { struct Decimate: stride 4, pad 31 }
//! let mut slow = [0_i16; 50];
//! Decimate::conv_with(&[1000_i16; 200], &TAPS, &mut slow, finish::raw::<i64>().to_q15(15));
//! assert_eq!(slow[25], 1000); // a constant passes unchanged
//!
//! // Bilinear enlargement by 2 is a transposed convolution.
//! window2d! { struct Double: stride 2, pad 1 }
//! static TENT: [[f32; 4]; 4] = filter::bilinear_upsampling();
//! let mut large = [[0.0_f32; 4]; 4];
//! Double::conv_transpose(&[[0.0_f32, 4.0], [8.0, 12.0]], &TENT, &mut large);
//! assert_eq!(large[1][1..3], [3.0, 5.0]);
//! ```
//!
//! # Integers
//!
//! Exact, with a stated sum. Where it is a power of two, a rounding shift
//! ([`Finish::to_u8`](crate::finish::Finish::to_u8) and its kin) normalises.
//!
//! # Floats, and why they need no mathematics library
//!
//! [`gaussian_1d`] and the windowed sinc need exponential and sine. Both are computed here in `f64` by Taylor
//! series after an exact reduction of the argument, with additions and multiplications alone, so that the
//! compiler can evaluate them and every target has the same bits. Taps are then rounded to `f32` once:
//! `tests/filter.rs` finds none that is further than 6·10⁻⁸ of the largest tap from what the standard library's
//! `f64` functions give. Called at run time they are slow on a core without `f64`, and still right.
//!
//! All kernels are meant for correlation, the crate's default. All but the derivatives are symmetric, for
//! which a flip changes nothing; a flipped derivative changes its sign.

mod fixed;
mod gradient;
mod smooth;
mod upsample;
mod windowed;

pub use fixed::{to_i8, to_i16};
pub use gradient::{
    laplacian, laplacian_diagonal, prewitt_x, prewitt_y, scharr_x, scharr_y, sobel_5_x, sobel_5_y,
    sobel_x, sobel_y,
};
pub use smooth::{
    binomial_1d, binomial_2d, box_1d, box_2d, gaussian_1d, gaussian_2d, narrow, widen,
};
pub use upsample::{
    Upsampling, bilinear_numerators, bilinear_upsampling, linear_numerators, linear_upsampling,
};
pub use windowed::{Taper, decimator, interpolator, low_pass};

/// `e^x` for `x ≤ 0`, 0 below −700. Relative error below 10⁻¹⁵.
const fn exp(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    // Truncation rounds a negative number half a unit lower to the nearest.
    let n = (x * core::f64::consts::LOG2_E - 0.5) as i64;
    // ln 2 in two parts, of which the first times n is exact.
    let r = (x - n as f64 * 0.693_147_180_369_123_8) - n as f64 * 1.908_214_929_270_587_7e-10;
    let mut sum = 1.0;
    let mut term = 16;
    while term > 0 {
        sum = 1.0 + r / term as f64 * sum;
        term -= 1;
    }
    // −1010 ≤ n ≤ 0: a normal power of two.
    sum * f64::from_bits(((n + 1023) as u64) << 52)
}

/// `sin(π·x)` for `|x| < 2⁵²`. Absolute error below 10⁻¹⁵.
const fn sin_pi(x: f64) -> f64 {
    let mut magnitude = if x < 0.0 { -x } else { x };
    let mut sign = if x < 0.0 { -1.0 } else { 1.0 };
    magnitude -= 2.0 * (magnitude / 2.0) as i64 as f64;
    if magnitude >= 1.0 {
        magnitude -= 1.0;
        sign = -sign;
    }
    if magnitude > 0.5 {
        magnitude = 1.0 - magnitude;
    }
    let angle = core::f64::consts::PI * magnitude;
    let mut sum = 1.0;
    let mut term = 24;
    while term > 0 {
        sum = 1.0 - angle * angle / (term * (term + 1)) as f64 * sum;
        term -= 2;
    }
    sign * angle * sum
}

/// `cos(π·x)` for `|x| < 2⁵²`. Absolute error below 10⁻¹⁵.
const fn cos_pi(x: f64) -> f64 {
    sin_pi(if x < 0.0 { -x } else { x } + 0.5)
}
