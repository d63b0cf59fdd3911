//! The transposed operation, `x[n·stride + j·dilation − pad_before] += y[n] · w[j]`, as a gather by phases.
//!
//! Output `t` of phase `r = (t + pad_before) mod stride` reads only the taps with `j·dilation ≡ r`. Those are
//! `j₀, j₀ + stride/g, …` with `g = gcd(stride, dilation)`, and the source steps back by `dilation/g` from one
//! to the next. So each phase is a dense convolution of stride 1: no zero is multiplied and nothing is
//! scattered.

use conv_core::Axis;

use crate::taps::AxisPhase;

fn greatest_common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The transposed operation along one axis, from `input` to `output` elements: the phases that have outputs
/// and taps. No tap reaches an output that is in none of them; its sum is 0.
pub(crate) fn phases(axis: &Axis, input: usize, output: usize) -> Vec<AxisPhase> {
    let stride = axis.stride as i64;
    let divisor = greatest_common_divisor(axis.stride, axis.dilation);
    let tap_step = axis.stride / divisor;
    let mut phases = Vec::new();
    for tap_first in 0..tap_step.min(axis.kernel) {
        let reach = (tap_first * axis.dilation) as i64;
        let before = axis.pad_before as i64;
        // The first t ≥ 0 with t + pad_before ≡ reach.
        let first = (reach - before).rem_euclid(stride) as usize;
        if first >= output {
            continue;
        }
        phases.push(AxisPhase {
            first,
            step: axis.stride,
            count: (output - 1 - first) / axis.stride + 1,
            origin: (first as i64 + before - reach).div_euclid(stride),
            advance: 1,
            taps: (axis.kernel - 1 - tap_first) / tap_step + 1,
            tap_first,
            tap_step,
            source_step: -((axis.dilation / divisor) as i64),
            extent: input,
        });
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_the_scatter_read_backwards() {
        for kernel in 1..=5 {
            for (stride, dilation) in [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (4, 6), (7, 1)] {
                let axis = Axis::new(kernel)
                    .with_stride(stride)
                    .with_dilation(dilation)
                    .with_pads(1, 0);
                for input in 1..=4 {
                    let Ok(output) = axis.transposed_output(input, 0) else {
                        continue;
                    };
                    let mut scattered = Vec::new();
                    for source in 0..input {
                        for tap in 0..kernel {
                            let position = (source * stride + tap * dilation) as i64 - 1;
                            if (0..output as i64).contains(&position) {
                                scattered.push((position as usize, tap, source));
                            }
                        }
                    }
                    scattered.sort_unstable();
                    let mut gathered = Vec::new();
                    for phase in phases(&axis, input, output) {
                        for m in 0..phase.count {
                            for n in 0..phase.taps {
                                let source = phase.origin + m as i64 + n as i64 * phase.source_step;
                                if (0..input as i64).contains(&source) {
                                    let tap = phase.tap_first + n * phase.tap_step;
                                    gathered.push((
                                        phase.first + m * phase.step,
                                        tap,
                                        source as usize,
                                    ));
                                }
                            }
                        }
                    }
                    gathered.sort_unstable();
                    assert_eq!(gathered, scattered, "{axis:?}, input {input}");
                }
            }
        }
    }
}
