//! Linear interpolation as a transposed convolution.

/// The geometry of linear enlargement by a whole factor: what stride, kernel and pads it takes.
///
/// With `stride` the factor, `kernel = 2·stride − stride mod 2` taps and `pad = ⌊stride/2⌋` dropped outputs on both
/// sides, the transposed convolution leads from `i` to `i·stride` elements. Inputs are the means of their
/// stretch of outputs, as in images ("half-pixel centres"). Beyond the first and last input lie zeros, so
/// that the outermost `⌊stride/2⌋` outputs fade.
///
/// ```
/// use conv_core::{Axis, filter::Upsampling};
///
/// const BY_3: Upsampling = Upsampling::new(3);
/// assert_eq!((BY_3.kernel, BY_3.pad, BY_3.denominator), (5, 1, 3));
/// let axis = Axis::new(BY_3.kernel).with_stride(3).with_pads(1, 1);
/// assert_eq!(axis.transposed_output(10, 0), Ok(30));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upsampling {
    /// Enlargement.
    pub stride: usize,
    /// Taps: the `K` of [`linear_upsampling`] and its kin.
    pub kernel: usize,
    /// Pads on both sides.
    pub pad: usize,
    /// What the integer numerators are to be divided by along each axis: `2·stride` for an even stride, `stride`
    /// for an odd one.
    pub denominator: usize,
}

impl Upsampling {
    /// Enlargement by `stride`. Saturates for a stride beyond half of `usize`.
    #[must_use]
    pub const fn new(stride: usize) -> Self {
        let even = stride.is_multiple_of(2);
        let double = stride.saturating_mul(2);
        Self {
            stride,
            kernel: if even {
                double
            } else {
                double.saturating_sub(1)
            },
            pad: stride / 2,
            denominator: if even { double } else { stride },
        }
    }
}

/// The weights of linear interpolation as integers, to be divided by [`Upsampling::denominator`]: a tent, 1, 3, 5 …
/// for an even stride and 1, 2, 3 … for an odd one.
///
/// `K` says the stride: [`Upsampling::kernel`]. Another `K` (2, 3, 6, 7, …) belongs to no stride and does not
/// compile; nor does one above 128.
///
/// ```
/// // Enlargement by 2: quarters. By 4: eighths, exact as Q7 after a shift by 4.
/// static BY_2: [i8; 4] = conv_core::filter::linear_numerators();
/// assert_eq!(BY_2, [1, 3, 3, 1]);
/// assert_eq!(conv_core::filter::linear_numerators(), [1_i8, 3, 5, 7, 7, 5, 3, 1]);
/// assert_eq!(conv_core::filter::linear_numerators(), [1_i8, 2, 3, 2, 1]);
/// ```
#[must_use]
pub const fn linear_numerators<const K: usize>() -> [i8; K] {
    const { check(K) };
    let mut taps = [0; K];
    let mut j = 0;
    while j < K {
        taps[j] = numerator(K, j) as i8;
        j += 1;
    }
    taps
}

/// [`linear_numerators`] along both axes: `numerators[y]·numerators[x]`, to be divided by the square of
/// [`Upsampling::denominator`].
///
/// ```
/// // Enlargement by 2: sixteenths, so a rounding shift by 4 finishes it.
/// static BY_2: [[i16; 4]; 4] = conv_core::filter::bilinear_numerators();
/// assert_eq!(BY_2[1], [3, 9, 9, 3]);
/// ```
#[must_use]
pub const fn bilinear_numerators<const K: usize>() -> [[i16; K]; K] {
    const { check(K) };
    let mut kernel = [[0; K]; K];
    let mut y = 0;
    while y < K {
        let mut x = 0;
        while x < K {
            kernel[y][x] = (numerator(K, y) * numerator(K, x)) as i16;
            x += 1;
        }
        y += 1;
    }
    kernel
}

/// The weights of linear interpolation for the transposed convolution that [`Upsampling`] describes; each output
/// that is not at the border gets weights of sum 1.
///
/// `K` says the stride, as for [`linear_numerators`]. Each weight is the exact quotient rounded once.
///
/// ```
/// use conv_core::{Window1d, filter, window1d};
///
/// window1d! { struct Triple: stride 3, pad 1 }
/// let mut line = [0.0_f32; 9];
/// Triple::conv_transpose(&[3.0_f32, 6.0, 9.0], &filter::linear_upsampling::<5>(), &mut line);
/// assert_eq!(line[1..8], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
/// ```
#[must_use]
pub const fn linear_upsampling<const K: usize>() -> [f32; K] {
    const { check(K) };
    let denominator = Upsampling::new(stride(K)).denominator as f32;
    let mut taps = [0.0; K];
    let mut j = 0;
    while j < K {
        taps[j] = numerator(K, j) as f32 / denominator;
        j += 1;
    }
    taps
}

/// [`linear_upsampling`] along both axes, the kernel that fully convolutional networks start their
/// transposed layers with.
///
/// ```
/// static BY_2: [[f32; 4]; 4] = conv_core::filter::bilinear_upsampling();
/// assert_eq!(BY_2[0], [0.0625, 0.1875, 0.1875, 0.0625]);
/// ```
#[must_use]
pub const fn bilinear_upsampling<const K: usize>() -> [[f32; K]; K] {
    const { check(K) };
    let denominator = Upsampling::new(stride(K)).denominator;
    let mut kernel = [[0.0; K]; K];
    let mut y = 0;
    while y < K {
        let mut x = 0;
        while x < K {
            let product = numerator(K, y) * numerator(K, x);
            kernel[y][x] = product as f32 / (denominator * denominator) as f32;
            x += 1;
        }
        y += 1;
    }
    kernel
}

/// The stride whose kernel has `kernel` taps.
const fn stride(kernel: usize) -> usize {
    kernel.div_ceil(2)
}

const fn check(kernel: usize) {
    assert!(
        0 < kernel && kernel <= 128 && Upsampling::new(stride(kernel)).kernel == kernel,
        "a linear interpolation kernel has 2·stride − stride mod 2 taps, at most 128"
    );
}

/// Height of the tent over tap `j`.
const fn numerator(kernel: usize, j: usize) -> usize {
    let mirrored = kernel - 1 - j;
    let from_edge = if j < mirrored { j } else { mirrored };
    if kernel.is_multiple_of(2) {
        2 * from_edge + 1
    } else {
        from_edge + 1
    }
}
