//! Fused multiply-adds that the CPU can do: what a layer's rate is held against.

use std::thread;
use std::time::Instant;

use cpu_time::ThreadTime;

use crate::clock::Clock;

/// Iterations of a loop of [`CHAINS`] vectors: about 10 ms.
const ITERATIONS: usize = 2_000_000;
/// Sums that do not wait for each other: twice what two units with a latency of 4 to 5 cycles need.
const CHAINS: usize = 12;

/// `f32` operations a second, two a fused multiply-add, of so many threads together; `None` without a unit that this knows.
pub(crate) fn peak(threads: usize, clock: Clock) -> Option<f64> {
    let run = work()?;
    let timed = move || {
        let (start, cpu) = (Instant::now(), ThreadTime::now());
        let operations = run();
        let seconds = match clock {
            Clock::Cpu => cpu.elapsed(),
            Clock::Wall => start.elapsed(),
        };
        operations as f64 / seconds.as_secs_f64()
    };
    let workers: Vec<_> = (0..threads).map(|_| thread::spawn(timed)).collect();
    workers
        .into_iter()
        .map(|worker| worker.join().ok())
        .sum::<Option<f64>>()
}

/// What multiplies and adds with the widest unit, and returns how many operations those were.
#[cfg(target_arch = "x86_64")]
fn work() -> Option<fn() -> usize> {
    #[allow(unsafe_code)]
    fn wide() -> usize {
        // SAFETY: `work` returns this function only where the CPU was found to have AVX-512F, all that it asks for.
        unsafe { x86_64::avx512() }
    }

    #[allow(unsafe_code)]
    fn narrow() -> usize {
        // SAFETY: `work` returns this function only where the CPU was found to have AVX and FMA, all that it asks for.
        unsafe { x86_64::fma() }
    }

    if is_x86_feature_detected!("avx512f") {
        Some(wide)
    } else if is_x86_feature_detected!("avx") && is_x86_feature_detected!("fma") {
        Some(narrow)
    } else {
        None
    }
}

#[cfg(target_arch = "aarch64")]
fn work() -> Option<fn() -> usize> {
    Some(aarch64::neon)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn work() -> Option<fn() -> usize> {
    None
}

/// A loop of fused multiply-adds on `$lanes` lanes.
macro_rules! chains {
    ($lanes:literal, $splat:path, $fma:expr) => {{
        let (factor, addend) = ($splat(black_box(0.999)), $splat(black_box(1e-9)));
        let mut sums = [$splat(1.0); CHAINS];
        for _ in 0..ITERATIONS {
            for sum in &mut sums {
                *sum = $fma(*sum, factor, addend);
            }
        }
        black_box(sums);
        2 * $lanes * CHAINS * ITERATIONS
    }};
}

#[cfg(target_arch = "x86_64")]
mod x86_64 {
    use std::arch::x86_64::{_mm256_fmadd_ps, _mm256_set1_ps, _mm512_fmadd_ps, _mm512_set1_ps};
    use std::hint::black_box;

    use super::{CHAINS, ITERATIONS};

    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512() -> usize {
        chains!(16, _mm512_set1_ps, _mm512_fmadd_ps)
    }

    #[target_feature(enable = "avx,fma")]
    pub(super) fn fma() -> usize {
        chains!(8, _mm256_set1_ps, _mm256_fmadd_ps)
    }
}

#[cfg(target_arch = "aarch64")]
mod aarch64 {
    use std::arch::aarch64::{vdupq_n_f32, vfmaq_f32};
    use std::hint::black_box;

    use super::{CHAINS, ITERATIONS};

    pub(super) fn neon() -> usize {
        chains!(4, vdupq_n_f32, |sum, factor, addend| vfmaq_f32(
            addend, sum, factor
        ))
    }
}
