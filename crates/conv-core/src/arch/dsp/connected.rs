//! Fully connected layers: four channels at a time, weights in the order of the kernel, and no scratch.
//!
//! A word of inputs is widened once, its zero point added by `SXTAB16`, and meets a word of each channel's weights:
//!
//! ```text
//! ldr r4, [r0], #4            sxtab16 r5, zp, r4, ror #8     sxtab16 r4, zp, r4
//! ldr r6, [row of weights]    sxtb16 r7, r6    smlad sum, r4, r7    sxtb16 r6, r6, ror #8    smlad sum, r5, r6
//! ```
//!
//! that is 23 instructions for 16 multiply-accumulates. The rows of four channels are as long as the input, so that three
//! registers reach all: `r1`, `r1 + r2`, `r1 + 2·r2` and `r3`.
//!
//! One to three channels that remain are computed with those before them once more. Layers of fewer channels take their first
//! row for the others, too.

use crate::arch::dsp::pair;
use crate::arch::layer::{Last, Layer};
use crate::quantised::Activation;

/// On bytes.
pub(crate) const fn runs_connected<T: Activation>() -> bool {
    T::GREATEST - T::LEAST == 255
}

/// Runs a layer, whose kernel has a row of weights as long as the input for each output, and biases and records as many.
pub(crate) fn run_connected<T: Activation, O, F: Fn(usize, i32) -> O>(
    layer: &Layer<'_>,
    input: &[T],
    output: &mut [O],
    last: &Last<F>,
) {
    let function = last.function();
    four_by_four(layer, input, output.len(), |channel, sum| {
        if let Some(output) = output.get_mut(channel) {
            *output = function(channel, sum);
        }
    });
}

/// Four rows of weights against the input: what [`instructions::add`] reads.
#[repr(C)]
struct Rows {
    input: *const u8,
    weights: *const i8,
    /// Inputs, and weights of a row.
    length: usize,
    /// From the first row to the second and from the second to the third; to the fourth.
    step: usize,
    fourth: usize,
    /// The input's zero point, negative, in both halves.
    zero_point: u32,
}

/// Calls `each` with the channels below `channels` and their sums, at least once.
#[inline(always)]
fn four_by_four<T: Activation>(
    layer: &Layer<'_>,
    input: &[T],
    channels: usize,
    mut each: impl FnMut(usize, i32),
) {
    let length = input.len();
    if length.checked_mul(channels) != Some(layer.kernel.len()) {
        return;
    }
    let mut rows = Rows {
        input: input.as_ptr().cast(),
        weights: layer.kernel.as_ptr(),
        length,
        step: length,
        fourth: 3 * length,
        zero_point: pair(layer.quantisation.input_zero_point.wrapping_neg()),
    };
    if channels < 4 {
        (rows.step, rows.fourth) = (0, 0);
    }
    let mut done = 0;
    while done < channels {
        // Fewer than four that are left are the last of four.
        let channel = match channels {
            ..=3 => done,
            _ => Ord::min(done, channels - 4),
        };
        let mut sums = [0; 4];
        for (sum, bias) in sums.iter_mut().zip(layer.bias.iter().skip(channel)) {
            *sum = *bias;
        }
        rows.weights = layer.kernel.as_ptr().wrapping_add(channel * length);
        // SAFETY: 1: the input's own length; 2: there are four rows from `channel` on, or all steps are 0 and there is one.
        unsafe { instructions::add::<T>(&rows, &mut sums) };
        let count = if channels < 4 { 1 } else { 4 };
        for (number, &sum) in (channel..channel + count).zip(&sums) {
            each(number, sum);
        }
        done = channel + count;
    }
}

/// The instructions.
#[cfg(conv_isa = "armv7em")]
mod instructions {
    use core::arch::naked_asm;

    use super::{Activation, Rows};

    macro_rules! channel {
        ($load:literal, $sum:literal) => {
            concat!(
                "ldr r6, ",
                $load,
                "
                 sxtb16 r7, r6
                 smlad ",
                $sum,
                ", r4, r7, ",
                $sum,
                "
                 sxtb16 r6, r6, ror #8
                 smlad ",
                $sum,
                ", r5, r6, ",
                $sum,
                "
                "
            )
        };
    }
    macro_rules! four_taps {
        ($extend:literal) => {
            concat!(
                "ldr r4, [r0], #4
                 ",
                $extend,
                " r5, r8, r4, ror #8
                 ",
                $extend,
                " r4, r8, r4
                ",
                channel!("[r1, r2]", "r10"),
                channel!("[r1, r2, lsl #1]", "r11"),
                channel!("[r1], #4", "r9"),
                channel!("[r3], #4", "r12"),
            )
        };
    }
    /// Four sums, with a load and a widening of bytes.
    macro_rules! add {
        ($(#[$doc:meta])* $name:ident, $extend:literal, $load:literal) => {
            $(#[$doc])*
            #[unsafe(naked)]
            unsafe extern "C" fn $name(rows: &Rows, sums: &mut [i32; 4]) {
                naked_asm!(
                    ".arch armv7e-m",
                    "push {{r1, r4-r11, lr}}
                     ldm r1, {{r9-r12}}
                     ldr r8, [r0, #20]
                     ldm r0, {{r0, r1, r2, r3, r4}}
                     mov r5, r2
                     mov r2, r3
                     add r3, r1, r4
                     push {{r5}}
                     lsrs lr, r5, #3
                     bcc 2f",
                    four_taps!($extend),
                    "2:
                     cmp lr, #0
                     beq 4f
                    3:",
                    four_taps!($extend),
                    four_taps!($extend),
                    "subs lr, #1
                     bne 3b
                    4:
                     pop {{r5}}
                     ands lr, r5, #3
                     beq 6f
                    5:
                     ",
                    concat!($load, " r4, [r0], #1"),
                    "ldrsb r5, [r1, r2]
                     ldrsb r6, [r1, r2, lsl #1]
                     ldrsb r7, [r1], #1
                     add r4, r8
                     smlabb r10, r4, r5, r10
                     smlabb r11, r4, r6, r11
                     smlabb r9, r4, r7, r9
                     ldrsb r7, [r3], #1
                     smlabb r12, r4, r7, r12
                     subs lr, #1
                     bne 5b
                    6:
                     pop {{r1}}
                     stm r1, {{r9-r12}}
                     pop {{r4-r11, pc}}"
                )
            }
        };
    }
    add! {
        /// Of signed inputs. Its conditions are [`add`]'s.
        add_signed, "sxtab16", "ldrsb"
    }
    add! {
        /// Of unsigned inputs.
        add_unsigned, "uxtab16", "ldrb"
    }

    /// Adds the products of four rows to four sums.
    ///
    /// # Safety
    ///
    /// 1. `rows.input` may be read for `length` bytes, 2. and so may be the weights at 0, `step`, `2·step` and `fourth`.
    #[inline]
    pub(super) unsafe fn add<T: Activation>(rows: &Rows, sums: &mut [i32; 4]) {
        // SAFETY: the caller's; words of inputs and weights are loaded by LDR, which needs no alignment on these cores.
        unsafe {
            match const { T::LEAST == 0 } {
                true => add_unsigned(rows, sums),
                false => add_signed(rows, sums),
            }
        }
    }
}

/// The same in Rust, for the tests on other machines.
#[cfg(not(conv_isa = "armv7em"))]
mod instructions {
    use super::{Activation, Rows};
    use crate::arch::dsp::{smlad, widened};

    pub(super) unsafe fn add<T: Activation>(rows: &Rows, sums: &mut [i32; 4]) {
        let Rows {
            input,
            weights,
            length,
            step,
            fourth,
            zero_point,
        } = *rows;
        let unsigned = T::LEAST == 0;
        let starts = [0, step, 2 * step, fourth];
        for (sum, start) in sums.iter_mut().zip(starts) {
            let weights = weights.wrapping_add(start);
            // SAFETY: the caller's rows.
            unsafe {
                for four in 0..length / 4 {
                    let word = |from: *const u8| {
                        u32::from_le(from.add(4 * four).cast::<u32>().read_unaligned())
                    };
                    let (x, w) = (word(input), word(weights.cast()));
                    for turn in [0, 8] {
                        let x = widened(unsigned, zero_point, x.rotate_right(turn));
                        *sum = smlad(x, widened(false, 0, w.rotate_right(turn)), *sum);
                    }
                }
                for tap in length / 4 * 4..length {
                    let x = widened(unsigned, zero_point, u32::from(input.add(tap).read()));
                    let weight = i32::from(weights.add(tap).read());
                    *sum = sum.wrapping_add(i32::from(x as i16).wrapping_mul(weight));
                }
            }
        }
    }
}
