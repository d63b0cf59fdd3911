//! Depthwise layers: four channels of a pixel side by side, weights in the order of the kernel, H W C, and no scratch.
//!
//! A word of inputs and a word of weights hold the same tap of four neighbouring channels. Both are taken apart into bytes 0, 2
//! and 1, 3, the inputs by `SXTAB16`, which adds the zero point, and multiplied half by half:
//!
//! ```text
//! ldr r4, [r0 + tap]       sxtab16 r5, zp, r4, ror #8    sxtab16 r4, zp, r4       inputs  C0 C2 in r4, C1 C3 in r5
//! ldr r6, [r1 + tap]       sxtb16  r7, r6, ror #8        sxtb16  r6, r6           weights C0 C2 in r6, C1 C3 in r7
//! smlabb r9, r4, r6        smlabb r10, r5, r7            smlatt r11, r4, r6       smlatt r12, r5, r7
//! ```
//!
//! 10 instructions for 4 multiply-accumulates, where widened weights in flash would take 8 and twice the flash. What remains of
//! the cost is everything round it, so that windows of at most 3×3 taps side by side in the input, 2 or 3 of them in a row, are
//! unrolled: the number of rows and columns inside the input says where the code is entered.
//!
//! ```text
//! r0 inputs   r1 weights   r2 channels   r3 a row of inputs, or a tap   r4–r7 temporary   r8 zero point
//! r9–r12 sums of four channels   lr a row of weights, or taps left of a row
//! ```
//!
//! Taps in the padding are left out. One to three channels that remain are computed with those before them once more, for four
//! at a time. Kernels of fewer channels, several outputs of an input channel and other contracts than
//! [`Double`](crate::requantise::Double) run on the same step in Rust.

use crate::arch::dsp::{Record, pair, widened};
use crate::arch::layer::{Last, Sub};
use crate::arch::order::Order;
use crate::quantised::Activation;

/// Taps ascend in the input: of a flipped kernel they are put in reverse.
pub(crate) const fn pack(order: &Order, from: &[i8], to: &mut [i8]) {
    let (rows, columns) = (order.taps(0, 0), order.taps(1, 0));
    let mut rest = to;
    let mut row = 0;
    while row < rows.count {
        let mut column = 0;
        while column < columns.count {
            let tap = rows.tap(row) * columns.count + columns.tap(column);
            let (_, weights) = from.split_at(tap * order.produce);
            let (weights, _) = weights.split_at(order.produce);
            let (slot, tail) = rest.split_at_mut(order.produce);
            slot.copy_from_slice(weights);
            rest = tail;
            column += 1;
        }
        row += 1;
    }
}

/// Runs a layer, whose channels are those of one sub.
#[inline(never)]
pub(crate) fn run_depthwise<T: Activation, O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    last: &Last<F>,
) {
    let walk = Walk::new(sub);
    match last {
        Last::Short(_) if walk.multiplier == 1 && sub.produce >= 4 => by_words::<T>(&walk),
        Last::Short(function) | Last::General(function) => by_bytes::<T, O, F>(&walk, function),
    }
}

/// The way over a layer's pixels.
struct Walk<'a> {
    sub: &'a Sub<'a>,
    /// Outputs of an input channel.
    multiplier: usize,
    /// From one tap of a row to the next, and from one row of taps to the next, in the input.
    tap_step: usize,
    row_step: usize,
    /// From one row of taps to the next, in the kernel.
    row_weights: usize,
    /// The input's zero point, negative, in both halves.
    zero_point: u32,
}

/// The taps of a pixel that lie inside the input.
struct Window {
    rows: usize,
    columns: usize,
    /// Elements from the start of the input to the first tap's, of the kernel, of the output. Of a window without taps the
    /// first two say nothing.
    input: usize,
    weights: usize,
    output: usize,
}

impl<'a> Walk<'a> {
    fn new(sub: &'a Sub<'a>) -> Self {
        let layer = sub.layer;
        Self {
            sub,
            multiplier: layer.plan.of_groups().produce,
            tap_step: sub.columns.tap_step * sub.reduce,
            row_step: sub.rows.tap_step * sub.width * sub.reduce,
            row_weights: sub.columns.taps * sub.produce,
            zero_point: pair(layer.quantisation.input_zero_point.wrapping_neg()),
        }
    }

    /// Every pixel. The taps of its window lie inside input and kernel, its channels inside the output: targets are below the
    /// plan's extents.
    #[inline(always)]
    fn each(&self, mut pixel: impl FnMut(Window)) {
        let sub = self.sub;
        let (rows, columns) = (&sub.rows, &sub.columns);
        let mut output = 0;
        let mut y = rows.origin;
        for _ in 0..rows.targets {
            let down = sub.rows_inside(y);
            let line = y.wrapping_add((down.start * rows.tap_step) as isize);
            let line = line.wrapping_mul(sub.width as isize);
            let weights = down.start * self.row_weights;
            let mut x = columns.origin;
            for _ in 0..columns.targets {
                let across = sub.columns_inside(x);
                let first = x.wrapping_add((across.start * columns.tap_step) as isize);
                pixel(Window {
                    rows: down.len(),
                    columns: across.len(),
                    input: (line.wrapping_add(first) as usize).wrapping_mul(sub.reduce),
                    weights: weights + across.start * sub.produce,
                    output,
                });
                x = x.wrapping_add(columns.origin_step as isize);
                output += sub.produce;
            }
            y = y.wrapping_add(rows.origin_step as isize);
        }
    }
}

/// Four channels after four of a pixel: what [`short_quads`](instructions::short_quads) reads and writes, in the order of its
/// frame.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Quads {
    input: *const u8,
    weights: *const i8,
    records: *const Record,
    output: *mut i8,
    bias: *const i32,
    /// Channels: from one tap's weights to the next's, and where windows are unrolled from one tap's inputs.
    channels: usize,
    /// Where windows are unrolled from one row of inputs to the next, else from one tap's inputs to the next's.
    input_step: usize,
    /// The input's zero point, negative, in both halves.
    zero_point: u32,
    /// Where windows are unrolled from one row of weights to the next, else the number of columns.
    weight_step: usize,
    /// Rows left.
    left: usize,
    /// From the end of one row of inputs to the start of the next, and of weights.
    input_skip: usize,
    weight_skip: usize,
    rows: usize,
    /// Where the code is entered.
    entry: Entry,
    /// The end of the output.
    end: *mut i8,
}

/// Numbers of unrolled rows of two and three columns, one after the other; then the loop and no taps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
struct Entry(usize);

impl Entry {
    const LOOP: Self = Self(6);
    const NONE: Self = Self(7);

    /// Unrolled rows of so many columns.
    #[inline]
    fn unrolled(rows: usize, columns: usize) -> Option<Self> {
        let is_unrolled = matches!(rows, 1..=3) && matches!(columns, 2..=3);
        is_unrolled.then(|| Self(3 * columns + rows - 7))
    }
}

/// Layers of one output an input channel and of four channels or more, in the short form of their contract.
#[inline(always)]
fn by_words<T: Activation>(walk: &Walk<'_>) {
    let sub = walk.sub;
    let layer = sub.layer;
    let channels = sub.produce;
    let side_by_side = sub.columns.tap_step == 1;
    let whole = channels / 4 * 4;
    walk.each(|window| {
        let Window { rows, columns, .. } = window;
        let unrolled = match side_by_side {
            true => Entry::unrolled(rows, columns),
            false => None,
        };
        let (entry, input_step, weight_step) = match unrolled {
            Some(entry) => (entry, walk.row_step, walk.row_weights),
            None if rows == 0 || columns == 0 => (Entry::NONE, 0, 0),
            None => (Entry::LOOP, walk.tap_step, columns),
        };
        let output = sub.output::<i8>(window.output);
        let quads = Quads {
            input: sub.input.wrapping_add(window.input),
            weights: layer.kernel.as_ptr().wrapping_add(window.weights),
            records: layer.records.as_ptr(),
            output,
            bias: layer.bias.as_ptr(),
            channels,
            input_step,
            zero_point: walk.zero_point,
            weight_step,
            left: rows,
            input_skip: walk.row_step.wrapping_sub(columns * walk.tap_step),
            weight_skip: walk.row_weights.wrapping_sub(columns * channels),
            rows,
            entry,
            end: output.wrapping_add(whole),
        };
        // SAFETY: 1, 2: the taps of a window of `each` lie inside input and kernel; 3: a layer has a bias and a record for each
        // channel; 4: a pixel of `each` lies inside the output; 5: `whole` is a multiple of 4, and above 0 with 4 channels.
        unsafe { instructions::short_quads::<T>(&quads) };
        if whole != channels {
            let last = channels.wrapping_sub(4);
            let quads = Quads {
                input: quads.input.wrapping_add(last),
                weights: quads.weights.wrapping_add(last),
                records: quads.records.wrapping_add(last),
                output: quads.output.wrapping_add(last),
                bias: quads.bias.wrapping_add(last),
                end: quads.output.wrapping_add(channels),
                ..quads
            };
            // SAFETY: as above, for the last four channels.
            unsafe { instructions::short_quads::<T>(&quads) };
        }
    });
}

/// Any other layer, up to four channels at a time, through a function of channel and sum.
#[inline(always)]
fn by_bytes<T: Activation, O, F: Fn(usize, i32) -> O>(walk: &Walk<'_>, function: &F) {
    let sub = walk.sub;
    let biases = sub.layer.bias;
    walk.each(|window| {
        let mut four = Four::default();
        while four.channel < sub.produce {
            let count = four.advance(sub.produce, walk.multiplier);
            let mut sums = [0; 4];
            let numbers = four.channel - count..four.channel;
            for (sum, bias) in sums.iter_mut().zip(biases.iter().skip(numbers.start)) {
                *sum = *bias;
            }
            four.add_products::<T>(walk, &window, &mut sums);
            for (number, &sum) in numbers.zip(&sums) {
                let place = sub.output::<O>(window.output + number);
                // SAFETY: a channel of a pixel of `each` lies inside the output.
                unsafe { place.write(function(number, sum)) };
            }
        }
    });
}

/// Up to four output channels, and the input channels that they read.
#[derive(Default)]
struct Four {
    /// Channels of each; beyond the last channel that one again.
    inputs: [usize; 4],
    outputs: [usize; 4],
    /// The next output channel, its input channel and its number among the outputs of that.
    channel: usize,
    input: usize,
    copy: usize,
}

impl Four {
    /// Takes the next channels of `channels`, and says how many there are.
    fn advance(&mut self, channels: usize, multiplier: usize) -> usize {
        let first = self.channel;
        let (mut input, mut output) = (self.input, first);
        for (from, to) in self.inputs.iter_mut().zip(&mut self.outputs) {
            if self.channel < channels {
                (input, output) = (self.input, self.channel);
                self.channel += 1;
                self.copy += 1;
                if self.copy == multiplier {
                    self.copy = 0;
                    self.input += 1;
                }
            }
            (*from, *to) = (input, output);
        }
        self.channel - first
    }

    /// Adds what a window gives these channels.
    fn add_products<T: Activation>(&self, walk: &Walk<'_>, window: &Window, sums: &mut [i32; 4]) {
        let sub = walk.sub;
        let kernel = sub.layer.kernel.as_ptr().cast::<u8>();
        let are_neighbours = |channels: &[usize; 4]| {
            let [first, .., last] = channels;
            last - first == 3
        };
        let words = are_neighbours(&self.inputs) && are_neighbours(&self.outputs);
        for row in 0..window.rows {
            let mut from = sub
                .input
                .wrapping_add(window.input.wrapping_add(row * walk.row_step));
            let mut weights = kernel.wrapping_add(window.weights + row * walk.row_weights);
            for _ in 0..window.columns {
                // SAFETY: the taps of a window of `each` lie inside input and kernel, with all of their channels.
                let (x, w) = unsafe {
                    match words {
                        true => (word(from, self.inputs[0]), word(weights, self.outputs[0])),
                        false => (gather(from, &self.inputs), gather(weights, &self.outputs)),
                    }
                };
                instructions::add_products::<T>(sums, x, w, walk.zero_point);
                from = from.wrapping_add(walk.tap_step);
                weights = weights.wrapping_add(sub.produce);
            }
        }
    }
}

/// Four bytes from an offset on.
///
/// # Safety
///
/// 1. They may be read.
#[inline]
unsafe fn word(from: *const u8, offset: usize) -> u32 {
    // SAFETY: by 1.
    u32::from_le(unsafe { from.add(offset).cast::<u32>().read_unaligned() })
}

/// The bytes at four offsets.
///
/// # Safety
///
/// 1. They may be read.
#[inline]
unsafe fn gather(from: *const u8, offsets: &[usize; 4]) -> u32 {
    // SAFETY: by 1.
    u32::from_le_bytes(offsets.map(|offset| unsafe { from.add(offset).read() }))
}

/// The instructions.
#[cfg(conv_isa = "armv7em")]
mod instructions {
    use core::arch::{asm, naked_asm};

    use super::{Activation, Quads, widened};

    /// Adds the products of four channels.
    #[inline]
    pub(super) fn add_products<T: Activation>(
        sums: &mut [i32; 4],
        input: u32,
        weights: u32,
        zero_point: u32,
    ) {
        let unsigned = const { T::LEAST == 0 };
        let inputs = [input, input.rotate_right(8)];
        let inputs = inputs.map(|word| widened(unsigned, zero_point, word));
        let weights = [weights, weights.rotate_right(8)].map(|word| widened(false, 0, word));
        let [a, b, c, d] = sums;
        for ((low, high), (x, w)) in [(a, c), (b, d)]
            .into_iter()
            .zip(inputs.into_iter().zip(weights))
        {
            // SAFETY: it changes nothing but the sums and the Q flag, which the calling convention does not keep.
            unsafe {
                asm!("smlabb {s}, {x}, {w}, {s}", "smlatt {t}, {x}, {w}, {t}",
                    s = inout(reg) *low, t = inout(reg) *high, x = in(reg) x, w = in(reg) w,
                    options(pure, nomem, nostack, preserves_flags));
            }
        }
    }

    macro_rules! tap {
        ($extend:literal, $column:literal) => {
            concat!(
                "ldr r4, [r0",
                $column,
                "]
                 ldr r6, [r1",
                $column,
                "]
                 ",
                $extend,
                " r5, r8, r4, ror #8
                 ",
                $extend,
                " r4, r8, r4
                 sxtb16 r7, r6, ror #8
                 sxtb16 r6, r6
                 smlabb r9, r4, r6, r9
                 smlabb r10, r5, r7, r10
                 smlatt r11, r4, r6, r11
                 smlatt r12, r5, r7, r12
                "
            )
        };
    }
    macro_rules! two_taps {
        ($extend:literal) => {
            concat!(tap!($extend, ""), tap!($extend, ", r2"))
        };
    }
    macro_rules! three_taps {
        ($extend:literal) => {
            concat!(two_taps!($extend), tap!($extend, ", r2, lsl #1"))
        };
    }
    macro_rules! requantise {
        ($sum:literal) => {
            concat!(
                "ldm r2!, {{r4, r5, r6}}
                 lsls ",
                $sum,
                ", ",
                $sum,
                ", #1
                 smmlar r4, ",
                $sum,
                ", r4, r5
                 add r4, r4, ",
                $sum,
                ", asr #31
                 asrs r4, r6
                 ssat r4, #8, r4
                 strb r4, [r3], #1
                "
            )
        };
    }
    /// A row further.
    macro_rules! next_row {
        () => {
            "add r0, r3
             add r1, lr
            "
        };
    }

    /// The frame: inputs 0, weights 4, records 8, output 12, bias 16, r2 20, r3 24, r8 28, lr 32, rows left 36, skips 40 and 44,
    /// rows 48, entry 52, end 56.
    macro_rules! short_quads {
        ($(#[$doc:meta])* $name:ident, $extend:literal) => {
            $(#[$doc])*
            #[unsafe(naked)]
            unsafe extern "C" fn $name(quads: &Quads) {
                naked_asm!(
                    ".arch armv7e-m",
                    "push {{r4-r11, lr}}
                     sub sp, #60
                     ldm r0!, {{r1-r8}}
                     stm sp, {{r1-r8}}
                     ldm r0, {{r1-r7}}
                     add r0, sp, #32
                     stm r0, {{r1-r7}}
                     ldm sp, {{r0, r1, r2, r3, r8}}
                     ldr lr, [sp, #32]
                    2:
                     ldm r8!, {{r9-r12}}
                     ldr r7, [sp, #52]
                     stm sp, {{r0, r1, r2, r3, r8}}
                     ldrd r2, r3, [sp, #20]
                     ldr r8, [sp, #28]
                     tbh [pc, r7, lsl #1]
                    20:
                     .short (21f - 20b) / 2
                     .short (22f - 20b) / 2
                     .short (23f - 20b) / 2
                     .short (31f - 20b) / 2
                     .short (32f - 20b) / 2
                     .short (33f - 20b) / 2
                     .short (40f - 20b) / 2
                     .short (50f - 20b) / 2
                    23:",
                    two_taps!($extend), next_row!(),
                    "22:",
                    two_taps!($extend), next_row!(),
                    "21:",
                    two_taps!($extend),
                    "b 50f
                    40:
                     ldr r7, [sp, #48]
                     str r7, [sp, #36]
                    41:",
                    tap!($extend, ""),
                    "add r0, r3
                     add r1, r2
                     subs lr, #1
                     bne 41b
                     ldrd r4, r5, [sp, #40]
                     ldrd lr, r6, [sp, #32]
                     add r0, r4
                     add r1, r5
                     subs r6, #1
                     str r6, [sp, #36]
                     bne 41b
                     b 50f
                    33:",
                    three_taps!($extend), next_row!(),
                    "32:",
                    three_taps!($extend), next_row!(),
                    "31:",
                    three_taps!($extend),
                    "50:
                     ldm sp, {{r0, r1, r2, r3, r8}}",
                    requantise!("r9"),
                    requantise!("r10"),
                    requantise!("r11"),
                    requantise!("r12"),
                    "ldr r7, [sp, #56]
                     adds r0, #4
                     adds r1, #4
                     cmp r3, r7
                     bne 2b
                     add sp, #60
                     pop {{r4-r11, pc}}"
                )
            }
        };
    }
    short_quads! {
        /// The outputs of some channels of a pixel, of signed inputs. Its conditions are [`short_quads`]'.
        signed_quads, "sxtab16"
    }
    short_quads! {
        /// Likewise of unsigned inputs.
        unsigned_quads, "uxtab16"
    }

    /// The outputs of some channels of a pixel.
    ///
    /// # Safety
    ///
    /// 1. `quads.input` may be read at `rows` rows of `columns` taps of all channels, steps and skips apart, 2. `quads.weights`
    ///    likewise, 3. `bias` and `records` for each channel; 4. `output` may be written up to `end`; 5. these are a multiple
    ///    of four channels, and not none.
    #[inline]
    pub(super) unsafe fn short_quads<T: Activation>(quads: &Quads) {
        // SAFETY: the caller's; loads of inputs and weights are LDR, which needs no alignment on these cores, biases and records
        // are aligned to 4 by their types.
        unsafe {
            match const { T::LEAST == 0 } {
                true => unsigned_quads(quads),
                false => signed_quads(quads),
            }
        }
    }
}

/// The same in Rust, for the tests on other machines.
#[cfg(not(conv_isa = "armv7em"))]
mod instructions {
    use super::{Activation, Entry, Quads, widened, word};
    use crate::arch::high::short;

    pub(super) fn add_products<T: Activation>(
        sums: &mut [i32; 4],
        input: u32,
        weights: u32,
        zero_point: u32,
    ) {
        let [a, b, c, d] = sums;
        for (turn, sums) in [(0, [a, c]), (8, [b, d])] {
            let x = widened(T::LEAST == 0, zero_point, input.rotate_right(turn));
            let w = widened(false, 0, weights.rotate_right(turn));
            for (sum, shift) in sums.into_iter().zip([0, 16]) {
                let half = |word: u32| i32::from((word >> shift) as i16);
                *sum = sum.wrapping_add(half(x).wrapping_mul(half(w)));
            }
        }
    }

    pub(super) unsafe fn short_quads<T: Activation>(quads: &Quads) {
        let Quads {
            entry, channels, ..
        } = *quads;
        let mut quads = *quads;
        let mut sums = [0; 4];
        while quads.output != quads.end {
            // SAFETY: the caller's quads.
            unsafe {
                for (channel, sum) in sums.iter_mut().enumerate() {
                    *sum = quads.bias.add(channel).read();
                }
                let mut tap = |input: usize, weights: usize| {
                    let x = word(quads.input, input);
                    let w = word(quads.weights.cast(), weights);
                    add_products::<T>(&mut sums, x, w, quads.zero_point);
                };
                if entry == Entry::LOOP {
                    let (mut input, mut weights) = (0, 0);
                    for _ in 0..quads.rows {
                        for _ in 0..quads.weight_step {
                            tap(input, weights);
                            input += quads.input_step;
                            weights += channels;
                        }
                        input = input.wrapping_add(quads.input_skip);
                        weights += quads.weight_skip;
                    }
                } else if entry != Entry::NONE {
                    for row in 0..=entry.0 % 3 {
                        for column in 0..2 + entry.0 / 3 {
                            let across = column * channels;
                            tap(
                                row * quads.input_step + across,
                                row * quads.weight_step + across,
                            );
                        }
                    }
                }
                for (channel, &sum) in sums.iter().enumerate() {
                    let record = &*quads.records.add(channel);
                    quads.output.add(channel).write(short(sum, record));
                }
            }
            quads.input = quads.input.wrapping_add(4);
            quads.weights = quads.weights.wrapping_add(4);
            quads.records = quads.records.wrapping_add(4);
            quads.output = quads.output.wrapping_add(4);
            quads.bias = quads.bias.wrapping_add(4);
        }
    }
}
