//! Cores that multiply one pair of numbers at a time (Cortex-M0, M0+, M3, M23, Armv8-M without DSP, RV32IM): two pixels in one
//! word, so that a multiplication is two multiply-accumulates.
//!
//! # Two pixels in a word
//!
//! A column, the inputs under the kernel, has a word for each tap: `X = A + 2¹⁶·B`, with the inputs A and B of two pixels. With
//! the sum of two taps' products `g = X₀·w₀ + X₁·w₁ = a + 2¹⁶·b`, and `C = 0x7fff − 0x10000`,
//!
//! ```text
//! (g + C) >> 16 = b − 1    exactly, for a and b lie in −32512..=32768, so that a + 0x7fff lies in 255..=65535
//! T += g   B += (g + C) >> 16
//! ```
//!
//! and after all taps `B` is the second pixel's sum and `T − (B << 16)` the first's, both modulo 2³². Each group of two taps leaves
//! −1 in `B` (and, where the multiplication adds it, `C` in `T`): constants, which the starts make up for. A tap that is left over is a group
//! of its own.
//!
//! Inputs are raw, with the zero point in the padding: what that adds is in the start of each channel. It is known at compile
//! time of direct layers ([`FOLDED`]), and summed up for each part of transposed ones, into the scratch behind the
//! columns. Bytes `u8` are taken as `x − 128`, by their highest bit turned over.
//!
//! Rows of taps that lie in the padding for both pixels are left out where their weights are whole groups and nothing stands in
//! a start for them: where padding is 0, and in transposed layers, whose starts are summed up anew for the rows that are left.
//!
//! A pointwise layer without scratch has its columns in the part of the output that is not written yet; for the last pixels,
//! where that is too short, on the stack.
//!
//! # Weights
//!
//! For each part and group of the layer, for each pair of channels, for every two taps in natural order: those of the first channel, those
//! of the second; then a tap that is left over, of both. Of an odd last channel in natural order.
//!
//! # Blocks
//!
//! | core | file | block | requantisation |
//! |---|---|---|---|
//! | Armv7-M, Armv8-M | `armv7m` | 25 instructions for 4 taps, 16 multiply-accumulates | 8 by SMULL |
//! | Armv6-M | `armv6m` | 21 for 2 taps, 8 | 24, the multiplier in four pieces of 8 bits |
//! | RV32IM | `model` | plain Rust, 4 channels at a time | by MULH |

#[cfg(conv_isa = "armv6m")]
mod armv6m;
#[cfg(any(conv_isa = "armv7m", conv_isa = "armv8m"))]
mod armv7m;
mod columns;
mod depthwise;
#[cfg(not(any(conv_isa = "armv6m", conv_isa = "armv7m", conv_isa = "armv8m")))]
mod model;
#[cfg(any(conv_isa = "armv6m", test))]
mod pieces;

use core::array;
use core::mem::MaybeUninit;
use core::ops::Range;

use crate::arch::layer::{Last, Layer, Pixel, Sub, finish};
use crate::arch::order::{Order, PartTaps, Runs};
use crate::engine::Plan;
use crate::quantised::{Activation, QuantOperation};
use columns::Walk;
pub(crate) use depthwise::run_depthwise;

#[cfg(not(conv_isa = "armv6m"))]
pub use crate::arch::high::Record;
#[cfg(not(conv_isa = "armv6m"))]
pub(crate) use crate::arch::high::is_short;
#[cfg(not(any(conv_isa = "armv6m", conv_isa = "armv7m", conv_isa = "armv8m")))]
use crate::arch::high::short;
#[cfg(conv_isa = "armv6m")]
use armv6m::{depthwise_quads, interleave, short_pairs};
#[cfg(any(conv_isa = "armv7m", conv_isa = "armv8m"))]
use armv7m::{depthwise_quads, interleave, short_pairs};
#[cfg(not(any(conv_isa = "armv6m", conv_isa = "armv7m", conv_isa = "armv8m")))]
use model::{depthwise_quads, interleave, short_pairs};
#[cfg(conv_isa = "armv6m")]
pub use pieces::Record;
#[cfg(conv_isa = "armv6m")]
pub(crate) use pieces::is_short;

/// Two pixels.
pub(crate) const CELL_BYTES: usize = 4;
/// Bias and share of the zero point.
pub(crate) const START_BYTES: usize = 4;
/// Columns hold raw inputs.
pub(crate) const FOLDED: bool = true;

/// `0x7fff − 0x10000`: what keeps the lower half of a group from borrowing of the upper.
const CARRY: i32 = 0x7fff - 0x1_0000;

/// The short form saturates to the range of `i8`.
/// Fully connected layers do not.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "other cores ask for it"
)]
pub(crate) const fn runs_connected<T: Activation>() -> bool {
    false
}

/// Never called.
pub(crate) fn run_connected<T, O, F>(
    _layer: &Layer<'_>,
    _input: &[T],
    _output: &mut [O],
    _last: &Last<F>,
) {
}

/// The short form saturates to the range of `i8`.
pub(crate) const CLAMPS: bool = false;

/// All layers of 8-bit inputs but transposed depthwise ones.
pub(crate) const fn runs<T: Activation>(operation: QuantOperation) -> bool {
    T::GREATEST - T::LEAST == 255 && !matches!(operation, QuantOperation::DepthwiseTranspose)
}

/// Of depthwise layers those with one output channel for each input channel.
#[inline]
pub(crate) fn takes(operation: QuantOperation, plan: &Plan) -> bool {
    let channels = plan.of_groups();
    !matches!(operation, QuantOperation::Depthwise)
        || (channels.reduce == 1 && channels.produce == 1)
}

/// Bytes `u8` become `i8` in columns; depthwise layers read them as they are.
pub(crate) const fn shift<T: Activation>(operation: QuantOperation) -> i32 {
    match operation {
        QuantOperation::Conv | QuantOperation::ConvTranspose if T::LEAST == 0 => 128,
        _ => 0,
    }
}

/// Weights in the order of the module's description.
pub(crate) const fn pack(order: &Order, from: &[i8], to: &mut [i8]) {
    if matches!(order.operation, QuantOperation::Depthwise) {
        return;
    }
    let mut at = 0;
    let mut row_part = 0;
    while row_part < order.parts(0) {
        let rows = order.taps(0, row_part);
        let mut column_part = 0;
        while column_part < order.parts(1) {
            let columns = order.taps(1, column_part);
            let mut group = 0;
            while group < order.groups {
                at = pack_group(order, &rows, &columns, group, from, to, at);
                group += 1;
            }
            column_part += 1;
        }
        row_part += 1;
    }
}

/// The weights of one part and group, to `to` from number `at` on; returns the next number.
const fn pack_group(
    order: &Order,
    rows: &PartTaps,
    columns: &PartTaps,
    group: usize,
    from: &[i8],
    to: &mut [i8],
    mut at: usize,
) -> usize {
    let runs = Runs::new(order, *rows, *columns);
    let produce = order.produce_of_group();
    let taps = runs.count * runs.length;
    let mut channel = 0;
    while channel < produce {
        // Two channels side by side, or the last of an odd number.
        let together = if produce - channel >= 2 { 2 } else { 1 };
        let mut tap = 0;
        while tap < taps {
            let count = if taps - tap >= 2 { 2 } else { 1 };
            let mut c = 0;
            while c < together {
                let (_, slot) = to.split_at_mut(at);
                let (slot, _) = slot.split_at_mut(count);
                copy_taps(&runs, group * produce + channel + c, tap, from, slot);
                at += count;
                c += 1;
            }
            tap += count;
        }
        channel += together;
    }
    at
}

/// Taps of a channel from number `tap` on.
const fn copy_taps(runs: &Runs<'_>, channel: usize, tap: usize, from: &[i8], to: &mut [i8]) {
    let (run, offset) = (tap / runs.length, tap % runs.length);
    if offset + to.len() <= runs.length {
        runs.copy(channel, run, offset, from, to);
        return;
    }
    let mut index = 0;
    while index < to.len() {
        let tap = tap + index;
        to[index] = from[runs.weight(channel, tap / runs.length, tap % runs.length)];
        index += 1;
    }
}

/// Runs a sub.
#[inline(never)]
pub(crate) fn run_sub<T: Activation, O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, last: &Last<F>) {
    let (scratch, bytes) = sub.scratch();
    let cells = CELL_BYTES * sub.taps();
    let mut walk = Walk::of::<T>(sub);
    let bias = sub.layer.bias.as_ptr().wrapping_add(sub.channel);
    let mut block = Block::of(sub, bias);
    let padding_counts = walk.zero_point() != 0;
    let has_starts = padding_counts
        && sub.layer.plan.is_transposed()
        && bytes >= cells + START_BYTES * sub.produce;
    let starts = has_starts.then_some(scratch.wrapping_add(cells).cast());
    let leaves_out = walk.row() % 2 == 0 && (has_starts || !padding_counts);
    let mut pairs = sub.pairs();
    let mut pixels = [Pixel::default(); 2];
    while pairs.put_next(sub, &mut pixels) {
        if !walk.is_at(&pixels) && walk.turn_to(&pixels, leaves_out) {
            // SAFETY: 1: `starts` are behind the columns, as `has_starts` says; they are aligned as the scratch is.
            unsafe { block.turn_to(&walk, bias, starts) };
        }
        let [first, second] = &pixels;
        block.outputs = [first, second].map(|pixel| sub.output(pixel.output));
        let columns = match bytes >= cells {
            true => Some(scratch.cast()),
            false => unwritten::<O>(sub, second),
        };
        let Some(columns) = columns else {
            // SAFETY: 1: `pairs`; only kernels of one tap come without scratch.
            unsafe { on_stack(&walk, &mut block, &pixels, last) };
            continue;
        };
        block.columns = columns;
        // SAFETY: columns: 1: there is room for all taps, as either arm asked; 2: `pairs`. Channels: 1: they were just
        // built; 2: the layer's, or just computed, of every channel of the sub; 3: `pairs`.
        unsafe {
            walk.columns(&pixels, columns);
            channels(&walk, &block, &pixels, last);
        }
    }
}

/// A kernel of one tap needs no scratch: columns stand in the part of the output that is not written yet, where that has room
/// for them and pixels are written one after the other.
#[inline(never)]
fn unwritten<O>(sub: &Sub<'_>, second: &Pixel) -> Option<*mut u32> {
    let free = sub.output::<O>(second.output + sub.produce).cast::<u8>();
    let columns = free.wrapping_add(free.addr().wrapping_neg() % 4);
    let end = sub.output::<O>(sub.output_elements());
    let in_order = sub.is_contiguous() && sub.columns.step == 1;
    let has_room = end.addr().saturating_sub(columns.addr()) >= CELL_BYTES * sub.taps();
    (in_order && has_room).then_some(columns.cast())
}

/// Words of columns on the stack.
const PIECE: usize = 64;

/// All channels for two pixels of a kernel of one tap, for whose columns the output has no room: they stand on the stack, or if they are
/// longer one piece after the other, anew for every pair of channels.
///
/// # Safety
///
/// 1. The pixels are the sub's, which has one tap, and `block` its own.
#[inline(never)]
unsafe fn on_stack<O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_>,
    block: &mut Block,
    pixels: &[Pixel; 2],
    last: &Last<F>,
) {
    let mut words = [const { MaybeUninit::<u32>::uninit() }; PIECE];
    let columns: *mut u32 = words.as_mut_ptr().cast();
    block.columns = columns;
    // SAFETY: as in `run_sub`; those of one tap are of one run, of which there is room for `PIECE`.
    unsafe {
        if walk.row() <= PIECE {
            walk.columns(pixels, columns);
            channels(walk, block, pixels, last);
        } else {
            let piece = |taps| walk.with_padding(pixels, taps, columns);
            each_channel(walk, block, 0, pixels, last.function(), Some(&piece));
        }
    }
}

/// Biases with the share of the zero point in the taps that are multiplied, of a transposed layer's part.
///
/// # Safety
///
/// 1. `to` may be written for the sub's channels, 2. `bias` read.
#[inline(never)]
unsafe fn put_starts(walk: &Walk<'_>, bias: *const i32, to: *mut i32) {
    let sub = walk.sub;
    let (all, (first, count)) = (sub.taps(), walk.taps());
    let kernel = sub.layer.kernel.as_ptr().wrapping_add(sub.weights);
    for channel in (0..sub.produce).step_by(2) {
        let together = Ord::min(sub.produce - channel, 2);
        let weights = kernel.wrapping_add(channel * all + together * first);
        // SAFETY: the weights of an odd last channel, or of a pair: four for two taps, and two that are left over.
        let sums = unsafe {
            if together == 1 {
                [sum_of(weights, count, 1), 0]
            } else {
                let [one, two] = pair_sums(weights, count / 2);
                let rest = weights.wrapping_add(count / 2 * 4);
                [
                    one.wrapping_add(sum_of(rest, count % 2, 1)),
                    two.wrapping_add(sum_of(rest.wrapping_add(1), count % 2, 1)),
                ]
            }
        };
        for (index, sum) in sums.into_iter().enumerate().take(together) {
            let share = walk.zero_point().wrapping_mul(sum);
            // SAFETY: by 1 and 2.
            unsafe {
                let bias = bias.add(channel + index).read();
                to.add(channel + index).write(bias.wrapping_sub(share));
            }
        }
    }
}

/// Sum of `count` weights, `step` apart.
///
/// # Safety
///
/// 1. They may be read.
unsafe fn sum_of(weights: *const i8, count: usize, step: usize) -> i32 {
    let mut sum = 0_i32;
    for index in 0..count {
        // SAFETY: by 1.
        sum = sum.wrapping_add(i32::from(unsafe { weights.add(index * step).read() }));
        once();
    }
    sum
}

/// Sums of `groups` groups of four weights, two of each of two channels. Each as `weight + 128`, a byte: whole words are added up, and the
/// second and fourth bytes alone, of which the first and third follow.
///
/// # Safety
///
/// 1. They may be read.
unsafe fn pair_sums(mut weights: *const i8, groups: usize) -> [i32; 2] {
    let (mut one, mut two) = (0_u32, 0_u32);
    let mut left = groups;
    while left > 0 {
        if !weights.cast::<u32>().is_aligned() {
            // SAFETY: by 1.
            return unsafe {
                let [one, two] =
                    [one, two].map(|sum| sum.wrapping_sub(256 * (groups - left) as u32) as i32);
                let pair = |from: usize| {
                    let from = weights.add(from);
                    sum_of(from, left, 4).wrapping_add(sum_of(from.add(1), left, 4))
                };
                [one.wrapping_add(pair(0)), two.wrapping_add(pair(2))]
            };
        }
        // 257 bytes add up to less than 2¹⁶.
        let now = Ord::min(left, 256);
        let (mut all, mut odd) = (0_u32, 0_u32);
        let end = weights.wrapping_add(4 * now);
        while weights != end {
            // SAFETY: by 1; it is aligned.
            let word = u32::from_le(unsafe { weights.cast::<u32>().read() }) ^ 0x8080_8080;
            all = all.wrapping_add(word);
            odd = odd.wrapping_add(word >> 8 & 0x00ff_00ff);
            weights = weights.wrapping_add(4);
            once();
        }
        let even = all.wrapping_sub(odd << 8);
        one = one.wrapping_add((even & 0xffff) + (odd & 0xffff));
        two = two.wrapping_add((even >> 16) + (odd >> 16));
        left -= now;
    }
    [one, two].map(|sum| sum.wrapping_sub(256 * groups as u32) as i32)
}

/// All channels of a group for two pixels with their columns.
///
/// # Safety
///
/// 1. The columns hold all taps and are aligned to 4. 2. `starts` has one for each channel of the group. 3. `produce` outputs of both
///    pixels may be written.
#[inline]
unsafe fn channels<O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_>,
    block: &Block,
    pixels: &[Pixel; 2],
    last: &Last<F>,
) {
    let mut done = 0;
    // SAFETY: weights, starts (2) and records are those of the sub's channels; columns by 1, outputs by 3.
    unsafe {
        if matches!(last, Last::Short(_)) && block.pairs > 0 {
            short_pairs(block);
            done = 2 * block.pairs;
        }
        if done < walk.sub.produce {
            each_channel(walk, block, done, pixels, last.function(), None);
        }
    }
}

/// What a block reads and writes, in the order in which it loads them.
#[derive(Clone, Copy)]
#[repr(C)]
struct Block {
    columns: *const u32,
    weights: *const i8,
    /// Biases with the share of the zero point.
    starts: *const i32,
    records: *const Record,
    outputs: [*mut i8; 2],
    /// Pairs of channels.
    pairs: usize,
    /// Groups of two taps.
    groups: usize,
    /// 1 if a tap is left over, else the weights between those of one pair of channels and of the next, a number of fours.
    rest: usize,
}

impl Block {
    /// Of a sub; without columns and outputs, and before [`Block::turn_to`].
    fn of(sub: &Sub<'_>, starts: *const i32) -> Self {
        Self {
            columns: core::ptr::null(),
            weights: core::ptr::null(),
            starts,
            records: sub.layer.records.as_ptr().wrapping_add(sub.channel),
            outputs: [core::ptr::null_mut(); 2],
            pairs: sub.produce / 2,
            groups: 0,
            rest: 0,
        }
    }

    /// The taps of a walk that are multiplied now. Where some are left out, the others are whole groups. Of transposed layers that
    /// have a zero point the starts are those of these taps, put together at `starts`.
    ///
    /// # Safety
    ///
    /// 1. `starts` may be written for the sub's channels, and `bias` read.
    #[inline(never)]
    unsafe fn turn_to(&mut self, walk: &Walk<'_>, bias: *const i32, starts: Option<*mut i32>) {
        let (sub, (first, taps)) = (walk.sub, walk.taps());
        let kernel = sub.layer.kernel.as_ptr();
        self.weights = kernel.wrapping_add(sub.weights + 2 * first);
        self.groups = taps / 2;
        self.rest = match taps % 2 {
            0 => 2 * (sub.taps() - taps),
            _ => 1,
        };
        if let Some(starts) = starts {
            // SAFETY: by 1.
            unsafe { put_starts(walk, bias, starts) };
            self.starts = starts;
        }
    }
}

/// The channels from number `first` of the group on, through a function of channel and sum. Of columns that come piece by piece,
/// `piece` builds those of some taps.
///
/// # Safety
///
/// 1. `block` has the starts of all channels of the group, 2. its columns hold all taps that are multiplied, or `piece` makes them hold up to
///    [`PIECE`]. 3. The outputs of all channels of the group may be written for both pixels.
#[inline(never)]
unsafe fn each_channel<O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_>,
    block: &Block,
    first: usize,
    pixels: &[Pixel; 2],
    function: &F,
    piece: Option<&dyn Fn(Range<usize>)>,
) {
    let sub = walk.sub;
    let (first_tap, taps) = walk.taps();
    let kernel = sub.layer.kernel.as_ptr().wrapping_add(sub.weights);
    let outputs = pixels.each_ref().map(|pixel| sub.output::<O>(pixel.output));
    let mut channel = first;
    while channel < sub.produce {
        let together = Ord::min(sub.produce - channel, 2);
        let mut weights = kernel.wrapping_add(channel * sub.taps() + together * first_tap);
        // SAFETY: by 1.
        let start = |index: usize| unsafe { block.starts.add(channel + index).read() };
        let mut sums = [[start(0); 2], [start(together - 1); 2]];
        let mut tap = 0;
        while tap < taps {
            let mut end = taps;
            if let Some(piece) = piece {
                end = Ord::min(tap + PIECE, end);
                piece(tap..end);
            }
            // SAFETY: by 1 and 2; pieces are of even numbers of taps but the last.
            unsafe {
                match &mut sums {
                    [sums, _] if together == 1 => {
                        dot(block.columns, weights, end - tap, array::from_mut(sums));
                    }
                    sums => dot(block.columns, weights, end - tap, sums),
                }
            }
            weights = weights.wrapping_add(together * (end - tap));
            tap = end;
        }
        let places = outputs.map(|output| output.wrapping_add(channel));
        // SAFETY: by 3.
        unsafe { finish(places, sub.channel + channel, &sums[..together], function) };
        channel += together;
    }
}

/// Adds the products of `taps` taps to the sums of `C` channels for two pixels: the block in Rust.
///
/// # Safety
///
/// 1. `columns` has as many words, 2. `weights` as many of `C` channels each.
#[inline(never)]
unsafe fn dot<const C: usize>(
    columns: *const u32,
    mut weights: *const i8,
    taps: usize,
    sums: &mut [[i32; 2]; C],
) {
    let mut halves = [Halves::default(); C];
    let mut column = columns.cast::<i32>();
    let end = column.wrapping_add(taps / 2 * 2);
    // SAFETY: by 1 and 2.
    unsafe {
        while column != end {
            let (first, second) = (column.read(), column.add(1).read());
            column = column.add(2);
            for halves in &mut halves {
                halves.add(product(first, weights).wrapping_add(product(second, weights.add(1))));
                weights = weights.add(2);
            }
            once();
        }
        if taps % 2 == 1 {
            let word = column.read();
            for halves in &mut halves {
                halves.add(product(word, weights));
                weights = weights.add(1);
            }
        }
    }
    for (sums, halves) in sums.iter_mut().zip(halves) {
        let found = halves.sums(0, taps.div_ceil(2) as i32);
        *sums = [0, 1].map(|pixel| sums[pixel].wrapping_add(found[pixel]));
    }
}

/// Keeps the compiler from unrolling a short loop, whose code would be several times as long.
#[inline]
fn once() {
    #[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
    // SAFETY: it does nothing.
    unsafe {
        core::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

/// A column's word times a weight.
///
/// # Safety
///
/// 1. The weight may be read.
#[inline]
unsafe fn product(word: i32, weight: *const i8) -> i32 {
    // SAFETY: by 1.
    word.wrapping_mul(i32::from(unsafe { weight.read() }))
}

/// The sums of a channel for two pixels: see the module's description.
#[derive(Clone, Copy, Default)]
struct Halves {
    total: i32,
    upper: i32,
}

impl Halves {
    /// Adds a group's `g`.
    #[inline]
    fn add(&mut self, group: i32) {
        self.total = self.total.wrapping_add(group);
        self.upper = self.upper.wrapping_add(group.wrapping_add(CARRY) >> 16);
    }

    /// Both sums, after so many groups.
    #[inline]
    fn sums(self, start: i32, groups: i32) -> [i32; 2] {
        let upper = self.upper.wrapping_add(groups);
        let lower = self.total.wrapping_sub(upper << 16);
        [lower.wrapping_add(start), upper.wrapping_add(start)]
    }
}

#[cfg(test)]
mod tests {
    #![allow(unused_qualifications, reason = "both models by their names")]

    use super::*;
    use crate::arch::high;
    use crate::requantise::{Double, Multiplier, Rounding};

    /// Both models of the short form against the contract, for one sum.
    fn compare(sum: i32, scale: Multiplier, zero_point: i32) {
        let expected = Double::requantise(sum, scale, zero_point, -128, 127);
        let greatest = u64::from(sum.unsigned_abs());
        if high::is_short(scale, greatest) {
            let record = high::Record::new(scale, zero_point);
            assert_eq!(record.scale(), scale);
            let found = high::short(sum, &record);
            assert_eq!(
                i32::from(found),
                expected,
                "high: {sum} {scale:?} {zero_point}"
            );
        }
        if pieces::is_short(scale, greatest) {
            let record = pieces::Record::new(scale, zero_point);
            assert_eq!(record.scale(), scale);
            let found = pieces::short(sum, &record);
            assert_eq!(
                i32::from(found),
                expected,
                "pieces: {sum} {scale:?} {zero_point}"
            );
        }
    }

    #[test]
    fn the_short_forms_give_the_contracts_bits() {
        let mut random = 1_u64;
        let mut next = || {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (random >> 32) as i32
        };
        let mut multipliers = [1 << 30, (1 << 30) + 1, i32::MAX, i32::MAX - 1, 0, 0, 0];
        for multiplier in &mut multipliers[4..6] {
            *multiplier = 1 << 30 | next() >> 2 & 0x3fff_ffff;
        }
        for multiplier in multipliers {
            for right in 1..=22 {
                for zero_point in [-128, -3, 127] {
                    let scale = Multiplier {
                        multiplier,
                        shift: -right,
                    };
                    for sum in -400..=400 {
                        compare(sum, scale, zero_point);
                    }
                    // Round the halves: accumulator·scale near k + 1/2.
                    for k in -300_i64..300 {
                        let half = (((2 * k + 1) << (right + 30))
                            / i64::from(multiplier.max(1 << 30)))
                            as i32;
                        for sum in half.saturating_sub(1)..=half.saturating_add(1) {
                            compare(sum, scale, zero_point);
                        }
                    }
                    // The ends of the conditions, and anything between.
                    for exponent in [22, 23, 29, 30] {
                        for distance in 1..40 {
                            compare((1 << exponent) - distance, scale, zero_point);
                            compare(distance - (1 << exponent), scale, zero_point);
                        }
                    }
                    for shift in 1..200 {
                        compare(next() >> (shift % 20 + 1), scale, zero_point);
                    }
                }
            }
        }
    }

    #[test]
    fn both_halves_are_exact_for_the_extremes() {
        const VALUES: [i8; 7] = [-128, -127, -1, 0, 1, 126, 127];
        let word = |a: i8, b: i8| i32::from(a).wrapping_add(i32::from(b) << 16);
        for a in VALUES {
            for b in VALUES {
                for c in VALUES {
                    for weights in VALUES
                        .map(|one| VALUES.map(|two| [one, two]))
                        .as_flattened()
                    {
                        let [one, two] = weights.map(i32::from);
                        let mut halves = Halves::default();
                        // Three groups, the last of them a tap that is left over.
                        for _ in 0..2 {
                            let group = word(a, b)
                                .wrapping_mul(one)
                                .wrapping_add(word(c, a).wrapping_mul(two));
                            halves.add(group);
                        }
                        halves.add(word(b, c).wrapping_mul(one));
                        let [a, b, c] = [a, b, c].map(i32::from);
                        let expected = [
                            2 * (a * one + c * two) + b * one + 5,
                            2 * (b * one + a * two) + c * one + 5,
                        ];
                        assert_eq!(halves.sums(5, 3), expected, "{a} {b} {c} {one} {two}");
                    }
                }
            }
        }
    }

    #[test]
    fn sums_of_weights_need_no_alignment() {
        let mut weights = [0_i8; 2056];
        for (index, weight) in weights.iter_mut().enumerate() {
            *weight = if index % 7 < 3 {
                -128
            } else {
                (index % 251) as u8 as i8
            };
        }
        for start in 0..4 {
            for groups in [0, 1, 5, 256, 257, 512] {
                let mut expected = [0_i32; 2];
                for group in 0..groups {
                    for (channel, sum) in expected.iter_mut().enumerate() {
                        let at = start + 4 * group + 2 * channel;
                        *sum += i32::from(weights[at]) + i32::from(weights[at + 1]);
                    }
                }
                // SAFETY: 3 + 4·512 weights are there.
                let found = unsafe { pair_sums(weights.as_ptr().add(start), groups) };
                assert_eq!(found, expected, "{start} {groups}");
            }
        }
    }
}
