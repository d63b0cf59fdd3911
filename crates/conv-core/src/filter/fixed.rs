//! Taps in fixed point.

/// Taps in `i16` with `fraction_bits` bits after the point, so that a finish that shifts right by as many gives the
/// filter's gain: 15 for Q15, less for taps of 1 and more, such as an [`interpolator`](super::interpolator)'s.
///
/// Each tap is rounded to nearest, halves away from zero, and saturated. Then what the sum of all lacks of
/// `Σtaps·2^fraction_bits`, rounded likewise, is added to the tap of the largest magnitude, half to each of the two
/// where its mirror image is its equal: the gain at frequency 0 is exact to the last bit, and symmetric taps stay
/// symmetric unless their number is even and the missing sum odd. The correction is at most `⌈N/2⌉` units.
/// `fraction_bits` above 30 counts as 30, a NaN as 0.
///
/// ```
/// use conv_core::filter::{self, Taper};
///
/// static TAPS: [i16; 33] = filter::to_i16(&filter::decimator(4, Taper::Blackman), 15);
/// assert_eq!(TAPS.iter().map(|&tap| i32::from(tap)).sum::<i32>(), 1 << 15);
/// ```
#[must_use]
pub const fn to_i16<const N: usize>(taps: &[f32; N], fraction_bits: u32) -> [i16; N] {
    let fixed = fixed(taps, fraction_bits, i16::MIN as i64, i16::MAX as i64);
    let mut narrow = [0; N];
    let mut j = 0;
    while j < N {
        narrow[j] = fixed[j] as i16;
        j += 1;
    }
    narrow
}

/// [`to_i16`] for `i8`, Q7 with 7 fraction bits.
///
/// ```
/// static BLUR: [i8; 5] = conv_core::filter::to_i8(&conv_core::filter::gaussian_1d(1.0), 7);
/// assert_eq!(BLUR, [7, 31, 52, 31, 7]);
/// ```
#[must_use]
pub const fn to_i8<const N: usize>(taps: &[f32; N], fraction_bits: u32) -> [i8; N] {
    let fixed = fixed(taps, fraction_bits, i8::MIN as i64, i8::MAX as i64);
    let mut narrow = [0; N];
    let mut j = 0;
    while j < N {
        narrow[j] = fixed[j] as i8;
        j += 1;
    }
    narrow
}

const fn fixed<const N: usize>(
    taps: &[f32; N],
    fraction_bits: u32,
    least: i64,
    greatest: i64,
) -> [i64; N] {
    let scale = (1_u64
        << if fraction_bits > 30 {
            30
        } else {
            fraction_bits
        }) as f64;
    let mut fixed = [0; N];
    let (mut wanted, mut sum) = (0.0, 0);
    let (mut largest, mut magnitude) = (0, 0);
    let mut j = 0;
    while j < N {
        let value = if taps[j].is_nan() {
            0.0
        } else {
            taps[j] as f64 * scale
        };
        wanted += value;
        fixed[j] = clamp(round(value), least, greatest);
        sum += fixed[j];
        if fixed[j].unsigned_abs() > magnitude {
            magnitude = fixed[j].unsigned_abs();
            largest = j;
        }
        j += 1;
    }
    if N == 0 {
        return fixed;
    }
    let missing = round(wanted).saturating_sub(sum);
    // Asked for again, although both are known to be less than N: an index that the compiler cannot see to be
    // in range would link a panic.
    let mirror = (N - 1).wrapping_sub(largest);
    if largest < N && mirror < N {
        let half = if taps[mirror] == taps[largest] && mirror != largest {
            missing / 2
        } else {
            0
        };
        fixed[mirror] = clamp(fixed[mirror].saturating_add(half), least, greatest);
        let rest = missing.saturating_sub(half);
        fixed[largest] = clamp(fixed[largest].saturating_add(rest), least, greatest);
    }
    fixed
}

/// To nearest, halves away from zero; saturated, a NaN 0, as `as` does.
const fn round(value: f64) -> i64 {
    (if value < 0.0 {
        value - 0.5
    } else {
        value + 0.5
    }) as i64
}

const fn clamp(value: i64, least: i64, greatest: i64) -> i64 {
    if value < least {
        least
    } else if value > greatest {
        greatest
    } else {
        value
    }
}
