//! Kernels against their formulas in `f64` by the standard library, and by what they do to signals.

use std::f64::consts::PI;

use conv_core::filter::{self, Taper, Upsampling};
use conv_core::{Window1d, Window2d, window1d, window2d};

const TAPERS: [Taper; 3] = [Taper::Hann, Taper::Hamming, Taper::Blackman];

/// Amplitude of a symmetric filter at `frequency` cycles per sample.
fn response(taps: &[f64], frequency: f64) -> f64 {
    let centre = (taps.len() as f64 - 1.0) / 2.0;
    let terms = taps.iter().enumerate();
    terms
        .map(|(j, tap)| tap * (2.0 * PI * frequency * (j as f64 - centre)).cos())
        .sum()
}

fn wide<const N: usize>(taps: [f32; N]) -> Vec<f64> {
    taps.iter().map(|&tap| f64::from(tap)).collect()
}

fn decibels(amplitude: f64) -> f64 {
    20.0 * amplitude.abs().log10()
}

/// Largest amplitude in `range`, of 4000 frequencies.
fn peak(taps: &[f64], range: std::ops::Range<f64>) -> f64 {
    let step = (range.end - range.start) / 4000.0;
    (0..=4000)
        .map(|i| response(taps, range.start + step * f64::from(i)).abs())
        .fold(0.0, f64::max)
}

/// The largest distance, relative to the largest tap of the reference.
fn distance(taps: &[f64], reference: &[f64]) -> f64 {
    let largest = reference.iter().fold(0.0, |m: f64, tap| m.max(tap.abs()));
    let pairs = taps.iter().zip(reference);
    pairs.fold(0.0, |m: f64, (a, b)| m.max((a - b).abs())) / largest
}

fn normalised(mut taps: Vec<f64>, gain: f64) -> Vec<f64> {
    let sum: f64 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap *= gain / sum);
    taps
}

fn gaussian_reference(count: usize, sigma: f64) -> Vec<f64> {
    let centre = (count as f64 - 1.0) / 2.0;
    let taps = (0..count).map(|j| (-(j as f64 - centre).powi(2) / (2.0 * sigma * sigma)).exp());
    normalised(taps.collect(), 1.0)
}

fn sinc_reference(count: usize, cutoff: f64, taper: Taper, gain: f64) -> Vec<f64> {
    let last = count as f64 - 1.0;
    let taps = (0..count).map(|j| {
        let (x, turn) = (
            2.0 * cutoff * (j as f64 - last / 2.0),
            2.0 * PI * j as f64 / last,
        );
        let sinc = if x == 0.0 {
            1.0
        } else {
            (PI * x).sin() / (PI * x)
        };
        sinc * match taper {
            Taper::Hann => 0.5 - 0.5 * turn.cos(),
            Taper::Hamming => 0.54 - 0.46 * turn.cos(),
            Taper::Blackman => 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos(),
        }
    });
    normalised(taps.collect(), gain)
}

#[test]
fn gaussians_are_those_of_the_standard_library() {
    fn check<const N: usize>() {
        for sigma in [0.3_f32, 0.5, 0.8, 1.0, 1.7, 3.0, 10.0, 1e3] {
            let taps = wide(filter::gaussian_1d::<N>(sigma));
            let reference = gaussian_reference(N, f64::from(sigma));
            assert!(distance(&taps, &reference) < 6e-8, "{N} {sigma}");
            let plane = filter::gaussian_2d::<N>(sigma);
            for (row, y) in plane.iter().zip(&reference) {
                for (&tap, x) in row.iter().zip(&reference) {
                    assert!((f64::from(tap) - x * y).abs() < 6e-8, "{N} {sigma}");
                }
            }
        }
        // Where the formula has no value, its limit.
        for sigma in [0.0, -1.0, f32::NAN] {
            let taps = filter::gaussian_1d::<N>(sigma);
            let centre = if N.is_multiple_of(2) { 0.5 } else { 1.0 };
            assert_eq!((taps[N / 2], taps[(N - 1) / 2]), (centre, centre));
            assert_eq!(taps.iter().sum::<f32>(), 1.0);
        }
        assert_eq!(
            filter::gaussian_1d::<N>(1e-20)[N / 2],
            filter::gaussian_1d::<N>(0.0)[N / 2]
        );
        assert_eq!(filter::gaussian_1d::<N>(f32::INFINITY), [1.0 / N as f32; N]);
    }
    check::<1>();
    check::<2>();
    check::<5>();
    check::<8>();
    check::<31>();
}

#[test]
fn windowed_sincs_are_those_of_the_standard_library() {
    fn check<const N: usize>() {
        for taper in TAPERS {
            for cutoff in [0.01_f32, 0.1, 0.125, 0.3, 0.499, 0.5] {
                let taps = filter::low_pass::<N>(cutoff, taper);
                let reference = sinc_reference(N, f64::from(cutoff), taper, 1.0);
                assert!(
                    distance(&wide(taps), &reference) < 6e-8,
                    "{N} {taper:?} {cutoff}"
                );
                assert!(
                    taps.iter().eq(taps.iter().rev()),
                    "symmetric to the last bit"
                );
            }
            for stride in [1, 2, 3, 4, 7] {
                let cutoff = 0.5 / stride as f64;
                let down = wide(filter::decimator::<N>(stride, taper));
                let up = wide(filter::interpolator::<N>(stride, taper));
                assert!(distance(&down, &sinc_reference(N, cutoff, taper, 1.0)) < 6e-8);
                assert!(distance(&up, &sinc_reference(N, cutoff, taper, stride as f64)) < 6e-8);
            }
        }
    }
    check::<3>();
    check::<8>();
    check::<33>();
    check::<64>();
    check::<255>();
}

#[test]
fn windowed_sincs_without_a_formula_have_their_limit() {
    for taper in TAPERS {
        assert_eq!(filter::low_pass::<1>(0.2, taper), [1.0]);
        assert_eq!(filter::low_pass::<2>(0.2, taper), [0.5; 2]);
        assert!(filter::low_pass::<0>(0.2, taper).is_empty());
        assert_eq!(
            filter::low_pass::<9>(f32::NAN, taper),
            filter::low_pass::<9>(-3.0, taper)
        );
        assert_eq!(
            filter::low_pass::<9>(7.0, taper),
            filter::low_pass::<9>(0.5, taper)
        );
        assert_eq!(
            filter::decimator::<9>(0, taper),
            filter::decimator::<9>(1, taper)
        );
        assert_eq!(
            filter::interpolator::<9>(0, taper),
            filter::interpolator::<9>(1, taper)
        );
    }
}

/// The table of [`Taper`]: attenuation, and half the transition times the number of taps.
#[test]
fn stop_bands_are_as_deep_as_documented() {
    fn check<const N: usize>() {
        for (taper, attenuation, half_transition) in [
            (Taper::Hann, 43.0, 1.65),
            (Taper::Hamming, 50.0, 1.75),
            (Taper::Blackman, 73.0, 2.85),
        ] {
            for cutoff in [0.0625_f32, 0.125, 0.25] {
                let taps = wide(filter::low_pass::<N>(cutoff, taper));
                let (cutoff, half) = (f64::from(cutoff), half_transition / N as f64);
                if cutoff < 2.0 * half {
                    continue;
                }
                let stop = decibels(peak(&taps, cutoff + half..0.5));
                println!("{taper:?} {N} {cutoff}: stop band {stop:.1} dB");
                assert!(stop < -attenuation, "{taper:?} {N} {cutoff}: {stop}");
                assert!((response(&taps, 0.0) - 1.0).abs() < 1e-6);
                assert!((response(&taps, cutoff) - 0.5).abs() < 0.01);
            }
        }
    }
    check::<31>();
    check::<63>();
    check::<64>();
    check::<255>();
}

window1d! { struct By4: stride 4, pad 31 }

#[test]
fn a_decimator_keeps_what_is_slow_and_drops_what_would_fold() {
    let taps = filter::decimator::<63>(4, Taper::Hamming);
    let run = |frequency: f64| {
        let signal: [f32; 800] =
            std::array::from_fn(|t| (2.0 * PI * frequency * t as f64).cos() as f32);
        let mut slow = [0.0_f32; 200];
        By4::conv(&signal, &taps, &mut slow);
        (20..180)
            .map(|t| {
                (
                    slow[t],
                    (2.0 * PI * frequency * 4.0 * t as f64).cos() as f32,
                )
            })
            .collect::<Vec<_>>()
    };
    assert!(
        run(0.02)
            .iter()
            .all(|(got, kept)| (got - kept).abs() < 0.004)
    );
    assert!(run(0.22).iter().all(|(got, _)| got.abs() < 0.004));
}

window1d! { struct Up4: stride 4, pad 32 }

#[test]
fn an_interpolator_has_unity_gain_and_keeps_its_inputs() {
    let taps = filter::interpolator::<65>(4, Taper::Hamming);
    // Zero at the multiples of the stride from the centre, 1 in it.
    assert!(
        (0..65)
            .step_by(4)
            .all(|j| (taps[j] - f32::from(u8::from(j == 32))).abs() < 2e-3)
    );
    let phases: Vec<f64> = (0..4)
        .map(|r| wide(taps).iter().skip(r).step_by(4).sum())
        .collect();
    assert!(
        phases.iter().all(|sum| (sum - 1.0).abs() < 0.005),
        "{phases:?}"
    );
    let wave = |t: f64| (2.0 * PI * 0.08 * t).sin();
    let signal: [f32; 100] = std::array::from_fn(|t| wave(t as f64) as f32);
    let mut fast = [0.0_f32; 397]; // 4·99 + 65 − 64
    Up4::conv_transpose(&signal, &taps, &mut fast);
    for (t, &value) in fast.iter().enumerate().skip(64).take(260) {
        assert!(
            (f64::from(value) - wave(t as f64 / 4.0)).abs() < 0.005,
            "{t}"
        );
    }
}

#[test]
fn fixed_point_keeps_sum_and_symmetry() {
    fn check<const N: usize>(taps: [f32; N], fraction_bits: u32, gain: i32) {
        let fixed = filter::to_i16(&taps, fraction_bits);
        let sum: i32 = fixed.iter().map(|&tap| i32::from(tap)).sum();
        assert_eq!(sum, gain << fraction_bits);
        let bends = fixed
            .iter()
            .zip(fixed.iter().rev())
            .filter(|(a, b)| a != b)
            .count();
        assert!(
            bends == 0 || (N.is_multiple_of(2) && bends == 2),
            "{fixed:?}"
        );
        for (&tap, &exact) in fixed.iter().zip(&taps) {
            let error = f64::from(tap) - f64::from(exact) * f64::from(1 << fraction_bits);
            assert!(error.abs() <= N.div_ceil(2) as f64 + 0.5);
        }
    }
    for taper in TAPERS {
        check(filter::decimator::<63>(4, taper), 15, 1);
        check(filter::decimator::<64>(4, taper), 15, 1);
        check(filter::interpolator::<63>(4, taper), 14, 4);
        check(filter::interpolator::<255>(8, taper), 14, 8);
        // Q15 costs the Hamming filter nothing: its stop band stays where it was.
        let fixed = filter::to_i16(&filter::decimator::<63>(4, taper), 15);
        let taps: Vec<f64> = fixed.iter().map(|&tap| f64::from(tap) / 32768.0).collect();
        assert!(decibels(peak(&taps, 0.125 + 2.85 / 63.0..0.5)) < -43.5);
    }
    check(filter::gaussian_1d::<9>(1.5), 15, 1);
    assert_eq!(
        // The 1 saturates, and the −1 makes up for it.
        filter::to_i16(&[1.0, -1.0, 0.5, -0.5], 15),
        [32767, -32767, 16384, -16384]
    );
    assert_eq!(filter::to_i16(&[f32::NAN, 1.0], 4), [0, 16]);
    assert_eq!(filter::to_i16(&[f32::INFINITY, 0.0], 99), [i16::MAX, 0]);
    assert_eq!(filter::to_i8(&[0.25, 0.5, 0.25], 7), [32, 64, 32]);
    assert!(filter::to_i16(&[], 15).is_empty());
}

#[test]
fn binomials_are_pascals_triangle() {
    fn check<const N: usize>() {
        let mut row = vec![1_i64];
        for _ in 1..N {
            let next = (0..=row.len())
                .map(|j| row.get(j).unwrap_or(&0) + if j > 0 { row[j - 1] } else { 0 });
            row = next.collect();
        }
        let taps = filter::binomial_1d::<N>();
        assert!(
            taps.iter()
                .map(|&tap| i64::from(tap))
                .eq(row.iter().copied())
        );
        assert_eq!(row.iter().sum::<i64>(), 1 << (N - 1));
    }
    check::<1>();
    check::<2>();
    check::<5>();
    check::<10>();
    check::<17>();
    check::<18>();
    let plane = filter::binomial_2d::<10>();
    assert_eq!(plane[4][5], 126 * 126);
    assert_eq!(
        plane
            .as_flattened()
            .iter()
            .map(|&tap| i32::from(tap))
            .sum::<i32>(),
        1 << 18
    );
    let small = filter::narrow(&filter::binomial_2d::<6>());
    assert_eq!(filter::widen(&small), filter::binomial_2d::<6>());
    assert_eq!(filter::box_1d::<3>(), [1; 3]);
    assert_eq!(filter::box_2d::<3, 2>(), [[1; 3]; 2]);
}

window2d! { struct Plain }

#[test]
fn derivatives_measure_slopes() {
    // values[y][x] = 2x + 5y
    let plane: [[u8; 5]; 5] =
        std::array::from_fn(|y| std::array::from_fn(|x| (2 * x + 5 * y) as u8));
    for (x, y, gain) in [
        (filter::sobel_x(), filter::sobel_y(), 8),
        (filter::scharr_x(), filter::scharr_y(), 32),
        (filter::prewitt_x(), filter::prewitt_y(), 6),
    ] {
        let (mut across, mut down) = ([[0_i32; 3]; 3], [[0_i32; 3]; 3]);
        Plain::conv(&plane, &x, &mut across);
        Plain::conv(&plane, &y, &mut down);
        assert_eq!((across, down), ([[2 * gain; 3]; 3], [[5 * gain; 3]; 3]));
    }
    let (mut across, mut down) = ([[0_i32; 1]; 1], [[0_i32; 1]; 1]);
    Plain::conv(&plane, &filter::sobel_5_x(), &mut across);
    Plain::conv(&plane, &filter::sobel_5_y(), &mut down);
    assert_eq!((across, down), ([[2 * 128]], [[5 * 128]]));
    assert_eq!(filter::sobel_5_x()[2], [-6, -12, 0, 12, 6]);

    // values = x² + y² = 2·(x²/2 + y²/2)
    let bowl: [[i8; 3]; 3] =
        std::array::from_fn(|y| std::array::from_fn(|x| ((x * x) + (y * y)) as i8));
    let (mut four, mut eight) = ([[0_i32; 1]; 1], [[0_i32; 1]; 1]);
    Plain::conv(&bowl, &filter::laplacian(), &mut four);
    Plain::conv(&bowl, &filter::laplacian_diagonal(), &mut eight);
    assert_eq!((four, eight), ([[4]], [[12]]));
    Plain::conv(&[[1_i8; 3]; 3], &filter::laplacian_diagonal(), &mut eight);
    assert_eq!(eight, [[0]]);
}

#[test]
fn linear_upsampling_is_the_tent_and_sums_to_one_in_every_phase() {
    fn check<const K: usize>(stride: usize) {
        let setting = Upsampling::new(stride);
        assert_eq!(setting.kernel, K);
        // The usual way to write it: factor, centre, 1 − |j − centre|/factor.
        let factor = K.div_ceil(2) as f64;
        let centre = if K % 2 == 1 {
            factor - 1.0
        } else {
            factor - 0.5
        };
        let tent = |j: usize| 1.0 - (j as f64 - centre).abs() / factor;
        let taps = filter::linear_upsampling::<K>();
        let plane = filter::bilinear_upsampling::<K>();
        let numerators = filter::linear_numerators::<K>();
        let plane_numerators = filter::bilinear_numerators::<K>();
        for y in 0..K {
            assert!((f64::from(taps[y]) - tent(y)).abs() < 6e-8);
            assert_eq!(
                f32::from(numerators[y]) / setting.denominator as f32,
                taps[y]
            );
            for x in 0..K {
                assert!((f64::from(plane[y][x]) - tent(y) * tent(x)).abs() < 6e-8);
                assert_eq!(
                    i32::from(plane_numerators[y][x]),
                    i32::from(numerators[y]) * i32::from(numerators[x])
                );
            }
        }
        for phase in 0..stride {
            let sum: usize = numerators
                .iter()
                .skip(phase)
                .step_by(stride)
                .map(|&n| n as usize)
                .sum();
            assert_eq!(sum, setting.denominator);
        }
        let axis = conv_core::Axis::new(K)
            .with_stride(stride)
            .with_pads(setting.pad as isize, setting.pad as isize);
        assert_eq!(axis.transposed_output(7, 0), Ok(7 * stride));
    }
    check::<1>(1);
    check::<4>(2);
    check::<5>(3);
    check::<8>(4);
    check::<9>(5);
    check::<12>(6);
    check::<128>(64);
}

window2d! { struct Twice: stride 2, pad 1 }

#[test]
fn bilinear_upsampling_continues_a_plane() {
    let plane: [[f32; 4]; 4] =
        std::array::from_fn(|y| std::array::from_fn(|x| (4 * x + 8 * y) as f32));
    let mut large = [[0.0_f32; 8]; 8];
    Twice::conv_transpose(&plane, &filter::bilinear_upsampling::<4>(), &mut large);
    for (y, row) in large.iter().enumerate().skip(1).take(6) {
        for (x, &value) in row.iter().enumerate().skip(1).take(6) {
            // Output x lies at input (x − 0.5)/2.
            assert_eq!(value, 2.0 * (x as f32 - 0.5) + 4.0 * (y as f32 - 0.5));
        }
    }
}

#[cfg(feature = "micromath")]
mod activations {
    use conv_core::finish::{Channels, Finish, bias, raw};
    use conv_core::micromath::{Activate, sigmoid, tanh};

    /// Every 1009th `f32` of the whole range.
    fn floats() -> impl Iterator<Item = f32> {
        (0..=u32::MAX / 1009)
            .map(|i| f32::from_bits(i * 1009))
            .filter(|x| x.is_finite())
    }

    #[test]
    fn tanh_is_as_exact_as_documented() {
        let mut worst = 0.0_f64;
        for x in floats() {
            let exact = f64::from(x).tanh();
            if exact != 0.0 {
                worst = worst.max(((f64::from(tanh(x)) - exact) / exact).abs());
            }
            assert_eq!(tanh(-x).to_bits(), (-tanh(x)).to_bits(), "odd");
            assert!(tanh(x).abs() <= 1.0);
        }
        println!("tanh: relative error {worst:.2e}");
        assert!((1e-8..2e-6).contains(&worst), "{worst:e}");
        assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (1.0, -1.0));
        assert!(tanh(f32::NAN).is_nan());
        assert_eq!(tanh(-0.0).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(tanh(9.02), 1.0);
    }

    #[test]
    fn sigmoid_is_as_exact_as_documented() {
        let mut worst = 0.0_f64;
        for x in floats() {
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            if x >= -87.0 {
                worst = worst.max(((f64::from(sigmoid(x)) - exact) / exact).abs());
            } else {
                assert_eq!(sigmoid(x), 0.0);
                assert!(exact < 2.0_f64.powi(-125));
            }
            assert!((0.0..=1.0).contains(&sigmoid(x)));
        }
        println!("sigmoid: relative error {worst:.2e}");
        assert!((1e-8..2e-6).contains(&worst), "{worst:e}");
        assert_eq!(
            (sigmoid(f32::INFINITY), sigmoid(f32::NEG_INFINITY)),
            (1.0, 0.0)
        );
        assert!(sigmoid(f32::NAN).is_nan());
        assert_eq!(sigmoid(0.0), 0.5);
    }

    #[test]
    fn steps_compose() {
        let step = bias(&[1.0_f64, -1.0]).tanh().relu();
        assert_eq!(step.finish(1, 0.5), 0.0);
        assert_eq!(step.finish(0, 0.0), f64::from(tanh(1.0)));
        assert_eq!(step.channels(), Some(2));
        assert!(raw::<f64>().sigmoid().finish(0, f64::NAN).is_nan());
        assert_eq!(raw::<f64>().sigmoid().finish(0, 1e300), 1.0);
        assert_eq!(raw::<f64>().tanh().finish(0, -1e300), -1.0);
        fn channels<F: Finish>(_: &F) -> Channels {
            F::CHANNELS
        }
        assert_eq!(
            channels(&bias(&[0.0_f32; 3]).sigmoid()),
            Channels::Exactly(3)
        );
    }
}

#[cfg(feature = "defmt")]
#[test]
fn geometry_and_errors_have_a_defmt_format() {
    fn is_format<T: defmt::Format>() -> &'static str {
        std::any::type_name::<T>()
    }
    let names = [
        is_format::<conv_core::Axis>(),
        is_format::<conv_core::AxisError>(),
        is_format::<conv_core::Padding>(),
        is_format::<conv_core::Window>(),
        is_format::<conv_core::Geometry<2>>(),
        is_format::<conv_core::Orientation>(),
        is_format::<conv_core::KernelLayout>(),
        is_format::<conv_core::Buffer>(),
        is_format::<conv_core::Dimension>(),
        is_format::<conv_core::Error>(),
        is_format::<conv_core::convention::ConventionError>(),
    ];
    assert_eq!(names.len(), 11);
}
