//! Low-pass filters by the window method.

use super::{cos_pi, sin_pi};

/// The window that tapers an ideal low-pass to a finite length. With `u = j/(N − 1)` over the taps `j`:
///
/// | | window | stop band below | from the cut-off plus |
/// |---|---|---|---|
/// | `Hann` | `0.5 − 0.5·cos 2πu` | −43 dB | 1.65/N |
/// | `Hamming` | `0.54 − 0.46·cos 2πu` | −50 dB | 1.75/N |
/// | `Blackman` | `0.42 − 0.5·cos 2πu + 0.08·cos 4πu` | −73 dB | 2.85/N |
///
/// Frequencies in cycles per sample. The last two columns are of the filter, measured in `tests/filter.rs` for 31 to
/// 255 taps; textbooks give −44, −53 and −74 dB for long filters (Oppenheim and Schafer, *Discrete-Time Signal
/// Processing*, "Design of FIR filters by windowing").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taper {
    /// Raised cosine; its first and last tap are 0.
    Hann,
    /// Raised cosine on a pedestal.
    Hamming,
    /// Two cosines; its first and last tap are 0.
    Blackman,
}

impl Taper {
    /// The window over tap `j` of `taps`; 1 for fewer than 3 taps, of which some would be nothing but zeros.
    const fn at(self, j: usize, taps: usize) -> f64 {
        if taps < 3 {
            return 1.0;
        }
        let u = j as f64 / (taps - 1) as f64;
        match self {
            Self::Hann => 0.5 - 0.5 * cos_pi(2.0 * u),
            Self::Hamming => 0.54 - 0.46 * cos_pi(2.0 * u),
            Self::Blackman => 0.42 - 0.5 * cos_pi(2.0 * u) + 0.08 * cos_pi(4.0 * u),
        }
    }
}

/// A windowed sinc of `N` taps, its sum `gain`.
const fn windowed_sinc<const N: usize>(cutoff: f64, taper: Taper, gain: f64) -> [f32; N] {
    let mut exact = [0.0; N];
    let mut sum = 0.0;
    let mut j = 0;
    while j < N {
        // Whichever half j lies in, the same arithmetic: the taps are symmetric to the last bit.
        let mirrored = N - 1 - j;
        let near = if j < mirrored { j } else { mirrored };
        let x = cutoff * (N - 1 - 2 * near) as f64;
        let sinc = if x == 0.0 {
            1.0
        } else {
            sin_pi(x) / (core::f64::consts::PI * x)
        };
        exact[j] = sinc * taper.at(near, N);
        sum += exact[j];
        j += 1;
    }
    let mut taps = [0.0; N];
    j = 0;
    while j < N {
        taps[j] = (exact[j] / sum * gain) as f32;
        j += 1;
    }
    taps
}

/// A low-pass of `N` taps that passes up to `cutoff` cycles per sample (half of it at `cutoff`), with gain 1 at
/// frequency 0: `taps[j] ∝ sinc(2·cutoff·(j − (N−1)/2))·window(j)`, where `sinc(x) = sin(πx)/(πx)`.
///
/// The taps are symmetric, so the delay is `(N − 1)/2` samples at every frequency. The same taps as SciPy's
/// `firwin(N, cutoff, window=…, fs=1)`. A `cutoff` above 0.5 counts as 0.5, one below 0 or NaN as 0, which leaves the
/// window itself.
///
/// ```
/// use conv_core::filter::{self, Taper};
///
/// static SMOOTH: [f32; 31] = filter::low_pass(0.1, Taper::Hamming);
/// assert_eq!(SMOOTH[0], SMOOTH[30]);
/// ```
#[must_use]
pub const fn low_pass<const N: usize>(cutoff: f32, taper: Taper) -> [f32; N] {
    let cutoff = if cutoff > 0.5 {
        0.5
    } else if cutoff > 0.0 {
        cutoff as f64
    } else {
        0.0
    };
    windowed_sinc(cutoff, taper, 1.0)
}

/// The low-pass before a decimation by `stride`: cut-off `0.5/stride`, gain 1. Convolve with that stride.
///
/// `N` of about `4·stride·m` taps keeps `m` lobes of the sinc on either side; the delay is `(N − 1)/2` input samples,
/// which as `pad_before` centres the outputs. A stride of 0 counts as 1.
///
/// ```
/// use conv_core::{Window1d, filter, window1d};
///
/// window1d! { struct Quarter: stride 4, pad 15 }
/// let mut slow = [0.0_f32; 16];
/// Quarter::conv(&[1.0_f32; 64], &filter::decimator::<31>(4, filter::Taper::Hamming), &mut slow);
/// assert!((slow[8] - 1.0).abs() < 1e-6);
/// ```
#[must_use]
pub const fn decimator<const N: usize>(stride: usize, taper: Taper) -> [f32; N] {
    windowed_sinc(half_band(stride), taper, 1.0)
}

/// The low-pass of an interpolation by `stride`: cut-off `0.5/stride`, gain `stride`. Convolve *transposed* with that
/// stride: between the inputs the transposed convolution has `stride − 1` zeros each, so that the gain of
/// `stride` makes the result as large as the input.
///
/// Where `N − 1` is a multiple of `2·stride` the filter is zero at all multiples of `stride` from its centre, to
/// rounding, and near 1 in it: then the inputs themselves are among the outputs, up to the factor of that tap.
/// A stride of 0 counts as 1.
///
/// ```
/// use conv_core::{Window1d, filter, window1d};
///
/// window1d! { struct Quadruple: stride 4, pad 16 }
/// let mut fast = [0.0_f32; 61]; // 4·(16 − 1) + 33 − 32
/// Quadruple::conv_transpose(&[1.0_f32; 16], &filter::interpolator::<33>(4, filter::Taper::Hamming), &mut fast);
/// assert!(fast[20..40].iter().all(|value| (value - 1.0).abs() < 0.005));
/// ```
#[must_use]
pub const fn interpolator<const N: usize>(stride: usize, taper: Taper) -> [f32; N] {
    let gain = if stride == 0 { 1 } else { stride };
    windowed_sinc(half_band(stride), taper, gain as f64)
}

const fn half_band(stride: usize) -> f64 {
    let stride = if stride == 0 { 1 } else { stride };
    0.5 / stride as f64
}
