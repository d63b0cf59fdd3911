//! Armv7E-M and the DSP extension of Armv8-M (Cortex-M4, M7, M33): SMLAD multiplies two pairs of 16-bit numbers and adds
//! both products, so that two channels of two pixels take 14 instructions for 4 taps, 16 multiply-accumulates.
//!
//! # Columns
//!
//! The inputs under the kernel of two pixels A and B, less the zero point, widened to 16 bits: padding is 0 and
//! biases stay as they are. `SXTAB16` widens bytes 0 and 2 of a word and adds the zero point at once, with a rotation by 8 bytes
//! 1 and 3; weights are split in the same way when they are multiplied, so that both sides stay in the order of memory.
//!
//! ```text
//! 4 taps:   A0 A2 │ A1 A3 │ B0 B2 │ B1 B3        16 bytes
//! ```
//!
//! That is 4 bytes a weight of one channel, their number rounded up to four: what CMSIS-NN's two columns take. A row of taps
//! that lie side by side in the input is a *run*. Groups of four never straddle two runs, so that each is one unaligned load:
//! what is left over of the runs (with 3×3 taps of 3 channels one of 9) follows after all groups of four, and again in groups
//! of four. The last of them may have 1 to 3 taps, which then stand at its end, behind zeros.
//!
//! # Weights
//!
//! For each part and group of the layer, for each pair of channels: four taps of the first, four of the second, and so on; of
//! an odd last channel alone. The one to three taps of each channel that are no group of four stand at the end of
//! the kernel, those of the first part last, so that everything else stays aligned to 4 bytes, as LDRD wants it. They are
//! loaded as the last bytes of a word, whose first ones meet the zeros.
//!
//! # The block
//!
//! ```text
//! r0 columns   r1 weights   r2 groups left   r3–r6 columns   r7 r8 weights   r9 temporary
//! r10 r11 sums of the first channel for A and B   r12 lr those of the second
//! ```
//!
//! Rows of taps that lie in the padding are left out where runs are multiples of four.
//!
//! # Requantisation
//!
//! [`Double`](crate::requantise::Double) in six instructions an output. With `a = 2·acc`, `h = (a·m + 2³¹) >> 32` is its doubling
//! high multiplication; adding `c = 2^(r−1) + (zero point << r)` within SMMLAR and the sign of `acc` for halves away from zero,
//! `(h + c + sign) >> r` is the output. Exact where `1 ≤ r ≤ 22` and `|acc| < 2³⁰`: see [`is_short`].

#[cfg(conv_isa = "armv7em")]
use core::arch::{asm, naked_asm};
use core::ops::Range;

use crate::arch::layer::{Last, Pixel, Sub, finish};
use crate::arch::order::{Order, PartTaps, Runs};
use crate::quantised::{Activation, QuantOperation};
use crate::requantise::Multiplier;

/// Two pixels, 16 bits each.
pub(crate) const CELL_BYTES: usize = 4;
pub(crate) const START_BYTES: usize = 0;

/// What [`Double`](crate::requantise::Double) needs of a channel.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    multiplier: i32,
    /// `2^(right − 1) + (output zero point << right)`.
    offset: i32,
    right: i32,
}

impl Record {
    pub(crate) const fn new(scale: Multiplier, output_zero_point: i32) -> Self {
        let right = scale.shift.wrapping_neg();
        let offset = match right {
            1..=22 => (1 << (right - 1)) + output_zero_point.wrapping_shl(right as u32),
            _ => 0,
        };
        Self {
            multiplier: scale.multiplier,
            offset,
            right,
        }
    }

    /// The scale.
    #[inline]
    pub(crate) const fn scale(&self) -> Multiplier {
        Multiplier {
            multiplier: self.multiplier,
            shift: self.right.wrapping_neg(),
        }
    }
}

/// Whether the short form gives the bits of [`Double`](crate::requantise::Double) for every sum up to `greatest`.
pub(crate) const fn is_short(scale: Multiplier, greatest: u64) -> bool {
    scale.multiplier >= 0 && scale.shift <= -1 && scale.shift >= -22 && greatest < 1 << 30
}

/// Direct and transposed layers of 8-bit inputs.
pub(crate) const fn runs<T: Activation>(operation: QuantOperation) -> bool {
    T::GREATEST - T::LEAST == 255
        && matches!(
            operation,
            QuantOperation::Conv | QuantOperation::ConvTranspose
        )
}

/// Weights in the order of the module's description.
pub(crate) const fn pack(order: &Order, from: &[i8], to: &mut [i8]) {
    let mut at = 0;
    let mut end = to.len();
    let mut row_part = 0;
    while row_part < order.parts(0) {
        let rows = order.taps(0, row_part);
        let mut column_part = 0;
        while column_part < order.parts(1) {
            let columns = order.taps(1, column_part);
            let mut group = 0;
            while group < order.groups {
                (at, end) = pack_group(order, &rows, &columns, group, from, to, at, end);
                group += 1;
            }
            column_part += 1;
        }
        row_part += 1;
    }
}

/// The weights of one part and group; returns what is left of `to`'s front and back.
#[expect(clippy::too_many_arguments, reason = "a step of one loop nest")]
const fn pack_group(
    order: &Order,
    rows: &PartTaps,
    columns: &PartTaps,
    group: usize,
    from: &[i8],
    to: &mut [i8],
    mut at: usize,
    end: usize,
) -> (usize, usize) {
    let runs = Runs::new(order, *rows, *columns);
    let produce = order.produce_of_group();
    let taps = runs.count * runs.length;
    let end = end - taps % 4 * produce;
    let mut left_over = end;
    let mut channel = 0;
    while channel < produce {
        // Two channels side by side, or the last of an odd number.
        let together = if produce - channel >= 2 { 2 } else { 1 };
        let mut four = 0;
        while four < taps / 4 {
            let mut c = 0;
            while c < together {
                let (_, slot) = to.split_at_mut(at);
                let (slot, _) = slot.split_at_mut(4);
                copy_taps(&runs, group * produce + channel + c, four * 4, from, slot);
                at += 4;
                c += 1;
            }
            four += 1;
        }
        let mut c = 0;
        while c < together {
            let (_, slot) = to.split_at_mut(left_over);
            let (slot, _) = slot.split_at_mut(taps % 4);
            copy_taps(
                &runs,
                group * produce + channel + c,
                taps / 4 * 4,
                from,
                slot,
            );
            left_over += taps % 4;
            c += 1;
        }
        channel += together;
    }
    (at, end)
}

/// Up to four taps of a channel from number `tap` on: of the runs' groups of four first, then of what is left over of them.
const fn copy_taps(runs: &Runs<'_>, channel: usize, tap: usize, from: &[i8], to: &mut [i8]) {
    let fours = runs.length / 4 * 4;
    if tap < runs.count * fours {
        runs.copy(channel, tap / fours, tap % fours, from, to);
        return;
    }
    let mut index = 0;
    while index < to.len() {
        let rest = tap - runs.count * fours + index;
        let each = runs.length - fours;
        to[index] = from[runs.weight(channel, rest / each, fours + rest % each)];
        index += 1;
    }
}

/// Runs a sub.
pub(crate) fn run_sub<O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, last: &Last<F>) {
    let walk = Walk::new(sub);
    let (scratch, bytes) = sub.scratch();
    let whole = walk.block();
    let mut block = whole;
    if bytes < walk.shape.bytes() {
        return without_scratch(&walk, &whole, last);
    }
    block.columns = scratch.cast();
    sub.each_pair(|first, second| {
        walk.columns([first, second], scratch.cast(), &whole, &mut block);
        // SAFETY: 1: `columns` has just written them and says so in `block`; 2: `each_pair`.
        unsafe { channels(&walk, &block, [first, second], last) };
    });
}

/// A kernel of one tap needs no scratch: columns stand in the part of the output that is not written yet. Where that is too
/// short, for the last pixels, and where pixels are not written one after the other, inputs are widened anew for each pair of
/// channels.
fn without_scratch<O, F: Fn(usize, i32) -> O>(walk: &Walk<'_>, whole: &Block, last: &Last<F>) {
    let sub = walk.sub;
    let in_order = sub.is_contiguous() && sub.columns.step == 1;
    let end = sub.output_end::<O>().addr();
    let mut block = *whole;
    sub.each_pair(|first, second| {
        let free = sub.output::<O>(second.output).wrapping_add(sub.produce);
        let free = free.cast::<u8>();
        let scratch = free
            .wrapping_add(free.addr().wrapping_neg() & 3)
            .cast::<u32>();
        if in_order && scratch.addr() + walk.shape.bytes() <= end {
            walk.columns([first, second], scratch, whole, &mut block);
            block.columns = scratch;
            // SAFETY: as above; the columns begin behind what is written and end before the output does.
            unsafe { channels(walk, &block, [first, second], last) };
        } else {
            in_place(walk, whole, [first, second], last);
        }
    });
}

/// A sub with what all of its pixels share.
struct Walk<'a> {
    sub: &'a Sub<'a>,
    shape: Shape,
    contiguous: bool,
    /// Origins from 0 up to here read no padding, along both axes.
    interior: [usize; 2],
    /// Bytes from the end of a row of taps in the input to the start of the next, and between the starts.
    row_gap: usize,
    row_step: usize,
    /// The input's zero point for SXTAB16: its negative in both halves.
    offset: u32,
}

/// Where the columns of a sub stand: groups of four of each run, then what is left over of the runs.
#[derive(Clone, Copy)]
struct Shape {
    runs: usize,
    length: usize,
    /// Groups of four of a run.
    fours: usize,
    /// Weights of a channel.
    taps: usize,
}

impl Shape {
    /// Byte offset of a tap's halfword in the columns, of pixel 0 or 1.
    #[inline]
    fn halfword(&self, tap: usize, pixel: usize) -> usize {
        let place = match tap < self.taps & !3 {
            true => tap,
            false => tap + self.missing(),
        };
        // 0 and 2 share a word, 1 and 3.
        (place / 4 * 16) + pixel * 8 + place % 2 * 4 + (place & 2)
    }

    /// Zeros before the taps of the last group.
    #[inline]
    fn missing(&self) -> usize {
        self.taps.wrapping_neg() % 4
    }

    /// Bytes of the columns.
    #[inline]
    fn bytes(&self) -> usize {
        CELL_BYTES * self.taps.next_multiple_of(4)
    }

    /// The number of the first tap that is left over of a run.
    #[inline]
    fn left_over(&self, run: usize) -> usize {
        self.runs * self.fours * 4 + run * (self.length % 4)
    }
}

impl<'a> Walk<'a> {
    fn new(sub: &'a Sub<'a>) -> Self {
        let contiguous = sub.is_contiguous();
        let (rows, columns) = (sub.rows.taps, sub.columns.taps);
        let (runs, length) = match contiguous {
            true => (rows, columns * sub.reduce),
            false => (rows * columns, sub.reduce),
        };
        let interior = |taps: usize, step: usize, extent: usize| {
            // One past the last origin without padding.
            (extent + 1).saturating_sub(taps.saturating_sub(1) * step + 1)
        };
        let row_step = sub.rows.tap_step * sub.width * sub.pixel;
        Self {
            sub,
            shape: Shape {
                runs,
                length,
                fours: length / 4,
                taps: runs * length,
            },
            contiguous,
            interior: [
                interior(rows, sub.rows.tap_step, sub.height),
                interior(columns, sub.columns.tap_step, sub.width),
            ],
            row_gap: row_step.wrapping_sub(length / 4 * 4),
            row_step,
            offset: pair(sub.layer.quantisation.input_zero_point.wrapping_neg()),
        }
    }

    /// All channels of the group over all rows of taps, outputs still missing.
    fn block(&self) -> Block {
        let Self { sub, shape, .. } = self;
        let layer = sub.layer;
        let kernel = layer.kernel.as_ptr();
        let left_overs = shape.taps % 4;
        let left_over = layer.kernel.len() - sub.leftovers - left_overs * sub.produce;
        Block {
            columns: core::ptr::null(),
            weights: kernel.wrapping_add(sub.weights - sub.leftovers),
            bias: layer.bias.as_ptr().wrapping_add(sub.channel),
            records: layer.records.as_ptr().wrapping_add(sub.channel),
            fours: shape.taps / 4,
            pairs: sub.produce / 2,
            skip: 0,
            left_over: kernel.wrapping_add(left_over),
            left_overs,
            before: 0,
        }
    }

    /// Columns of two pixels, of all rows of taps or, where runs are multiples of four, of those that lie inside the input for
    /// either pixel: `block` is `whole` but for that. `scratch` has room for all taps.
    #[inline]
    fn columns(&self, pixels: [Pixel; 2], scratch: *mut u32, whole: &Block, block: &mut Block) {
        let inside = |pixel: Pixel| {
            let [rows, columns] = self.interior;
            (pixel.y as usize) < rows && (pixel.x as usize) < columns
        };
        let [first, second] = pixels;
        // SAFETY: `scratch` has room.
        unsafe { self.zeros(scratch) };
        if self.contiguous && inside(first) && inside(second) {
            block.clone_from(whole);
            block.columns = scratch;
            for (number, pixel) in pixels.into_iter().enumerate() {
                // SAFETY: the pixel's taps lie inside the input; `scratch` has room.
                unsafe { self.interior_column(pixel, number, scratch) };
            }
            return;
        }
        self.border_columns(pixels, scratch, whole, block);
    }

    /// The column of a pixel all of whose taps lie inside the input.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps, and is aligned to 4. 2. The pixel's taps lie inside the input.
    #[inline]
    unsafe fn interior_column(&self, pixel: Pixel, number: usize, scratch: *mut u32) {
        let Self { sub, shape, .. } = self;
        let source = sub.source(pixel.y, pixel.x);
        let to = scratch.wrapping_add(2 * number);
        // SAFETY: by 1 and 2.
        unsafe {
            if shape.fours > 0 && shape.runs > 0 {
                widen_rows(
                    sub.unsigned,
                    source,
                    [shape.fours, shape.runs, self.row_gap],
                    to,
                    self.offset,
                );
            }
            if shape.length % 4 > 0 {
                self.left_overs(source.wrapping_add(shape.fours * 4), number, scratch);
            }
        }
    }

    /// What is left over of the runs of a column all of whose taps lie inside the input, from that of the first run on.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps. 2. The taps may be read.
    unsafe fn left_overs(&self, mut row: *const u8, number: usize, scratch: *mut u32) {
        let shape = &self.shape;
        let rest = shape.length % 4;
        let mut place = shape.runs * shape.fours * 4;
        let last = shape.taps & !3;
        if place == last {
            place += shape.missing();
        }
        for _ in 0..shape.runs {
            for element in 0..rest {
                // SAFETY: by 2.
                let value = unsafe { self.read(row.wrapping_add(element)) };
                let at = (place / 4 * 16) + number * 8 + place % 2 * 4 + (place & 2);
                // SAFETY: by 1.
                unsafe { scratch.cast::<u8>().add(at).cast::<i16>().write(value) };
                place += 1;
                if place == last {
                    place += shape.missing();
                }
            }
            row = row.wrapping_add(self.row_step);
        }
    }

    /// The zeros of the last group.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps.
    #[inline]
    unsafe fn zeros(&self, scratch: *mut u32) {
        if self.shape.taps % 4 > 0 {
            // SAFETY: by 1: the group is in the columns.
            unsafe {
                scratch
                    .add(self.shape.taps & !3)
                    .cast::<[u32; 4]>()
                    .write([0; 4])
            };
        }
    }

    /// An input less the zero point.
    ///
    /// # Safety
    ///
    /// 1. `input` may be read.
    #[inline]
    unsafe fn read(&self, input: *const u8) -> i16 {
        // SAFETY: by 1.
        let byte = unsafe { input.read() };
        let input = match self.sub.unsigned {
            true => i16::from(byte),
            false => i16::from(byte as i8),
        };
        input.wrapping_add(self.offset as i16)
    }

    /// Writes one tap of a column.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for tap number `tap`.
    #[inline]
    unsafe fn put(&self, tap: usize, number: usize, value: i16, scratch: *mut u32) {
        let at = self.shape.halfword(tap, number);
        // SAFETY: by 1; halfwords stand at even offsets.
        unsafe { scratch.cast::<u8>().add(at).cast::<i16>().write(value) };
    }

    /// [`Walk::columns`] of pixels of which one reads padding, and of dilated and grouped subs.
    #[inline(never)]
    fn border_columns(
        &self,
        pixels: [Pixel; 2],
        scratch: *mut u32,
        whole: &Block,
        block: &mut Block,
    ) {
        let Self { sub, shape, .. } = self;
        let inside = pixels.map(|pixel| sub.rows_inside(pixel.y));
        let [a, b] = &inside;
        let rows = match shape.length % 4 {
            0 if a.is_empty() => b.clone(),
            0 if b.is_empty() => a.clone(),
            0 => Ord::min(a.start, b.start)..Ord::max(a.end, b.end),
            _ => 0..sub.rows.taps,
        };
        let per_row = match self.contiguous {
            true => shape.fours,
            false => shape.fours * sub.columns.taps,
        };
        block.clone_from(whole);
        block.columns = scratch;
        if shape.length % 4 == 0 {
            block.fours = per_row * rows.len();
            block.skip = 8 * (whole.fours - block.fours);
            block.before = per_row * rows.start;
            block.weights = whole.weights.wrapping_add(8 * block.before);
        }
        for (number, (pixel, inside)) in pixels.into_iter().zip(inside).enumerate() {
            // SAFETY: 1: `scratch` has room; 2: `inside` are the rows inside.
            unsafe { self.border_column(pixel, number, rows.clone(), inside, scratch) };
        }
    }

    /// The column of one pixel, number 0 or 1.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps, and is aligned to 4.
    /// 2. `inside` are the rows of taps that lie inside the input.
    unsafe fn border_column(
        &self,
        pixel: Pixel,
        number: usize,
        rows: Range<usize>,
        inside: Range<usize>,
        scratch: *mut u32,
    ) {
        let sub = self.sub;
        let across = sub.columns_inside(pixel.x);
        let mut y = pixel
            .y
            .wrapping_add((rows.start * sub.rows.tap_step) as isize);
        for row in rows.clone() {
            let taps = match inside.contains(&row) {
                true => across.clone(),
                false => 0..0,
            };
            // SAFETY: by 1; taps in `across` lie inside the input.
            unsafe {
                if self.contiguous {
                    let source = sub.source(y, pixel.x);
                    self.put_run(row - rows.start, number, source, taps, scratch);
                } else {
                    for tap in 0..sub.columns.taps {
                        let x = pixel.x.wrapping_add((tap * sub.columns.tap_step) as isize);
                        let source = sub.source(y, x);
                        let one = usize::from(taps.contains(&tap));
                        let run = (row - rows.start) * sub.columns.taps + tap;
                        self.put_run(run, number, source, 0..one, scratch);
                    }
                }
            }
            y = y.wrapping_add(sub.rows.tap_step as isize);
        }
    }

    /// One run of a column, padding outside of `taps`; `source` is where its first tap lies or would lie.
    ///
    /// # Safety
    ///
    /// 1. The inputs of `taps` may be read.
    /// 2. `scratch` may be written for all taps.
    #[inline(never)]
    unsafe fn put_run(
        &self,
        run: usize,
        number: usize,
        source: *const u8,
        taps: Range<usize>,
        scratch: *mut u32,
    ) {
        let shape = &self.shape;
        let (first, end) = (taps.start * self.sub.reduce, taps.end * self.sub.reduce);
        let value = |element: usize| {
            if element < first || element >= end {
                return 0;
            }
            // SAFETY: by 1.
            unsafe { self.read(source.wrapping_add(element)) }
        };
        let mut to = scratch.wrapping_add(2 * number + 4 * run * shape.fours);
        let mut element = 0;
        if (first | end | shape.length) % 4 == 0 {
            // SAFETY: by 1 and 2.
            unsafe {
                fill(first / 4, to);
                if first < end {
                    let size = [(end - first) / 4, 1, 0];
                    let source = source.wrapping_add(first);
                    widen_rows(self.sub.unsigned, source, size, to.add(first), self.offset);
                }
                fill((shape.length - end) / 4, to.wrapping_add(end));
            }
            return;
        }
        while element < shape.fours * 4 {
            let words = if element >= first && element + 4 <= end {
                // SAFETY: by 1.
                let word = unsafe { source.add(element).cast::<u32>().read_unaligned() };
                let word = u32::from_le(word);
                [
                    widened(self.sub.unsigned, self.offset, word),
                    widened(self.sub.unsigned, self.offset, word.rotate_right(8)),
                ]
            } else if element + 4 <= first || element >= end {
                [0; 2]
            } else {
                let of = |lane: usize| u32::from(value(element + lane) as u16);
                [of(0) | of(2) << 16, of(1) | of(3) << 16]
            };
            // SAFETY: by 2.
            unsafe { to.cast::<[u32; 2]>().write(words) };
            to = to.wrapping_add(4);
            element += 4;
        }
        for rest in 0..shape.length % 4 {
            let tap = shape.left_over(run) + rest;
            // SAFETY: by 2.
            unsafe { self.put(tap, number, value(element + rest), scratch) };
        }
    }
}

/// All channels of a group for two pixels with their columns.
///
/// # Safety
///
/// 1. `block` says which columns there are and which weights meet them.
/// 2. `produce` outputs of both pixels may be written.
#[inline]
unsafe fn channels<O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_>,
    block: &Block,
    pixels: [Pixel; 2],
    last: &Last<F>,
) {
    let sub = walk.sub;
    let outputs = pixels.map(|pixel| sub.output::<O>(pixel.output));
    let source = InColumns(block.columns);
    // SAFETY: the columns hold `fours` groups and the taps left over (1); weights, biases and records are those of the sub's
    // channels, by the layer's own lengths; the outputs may be written (2).
    unsafe {
        match last {
            Last::Short => {
                let outputs = outputs.map(<*mut O>::cast);
                // Where there is no group of four before them, weights that are left over cannot be loaded as a word.
                let by_pairs = block.fours > 0 || block.left_overs == 0;
                let (done, rest) = match by_pairs && block.pairs > 0 {
                    true => {
                        short_pairs(block, outputs[0], outputs[1]);
                        (2 * block.pairs, block.after_pairs())
                    }
                    false => (0, *block),
                };
                if done < sub.produce {
                    each_channel(sub, rest, done, outputs, &shortened(sub), source);
                }
            }
            Last::General(function) => each_channel(sub, *block, 0, outputs, function, source),
        }
    }
}

/// All channels of a group for two pixels of a kernel of one tap, their inputs read where they lie.
#[inline(never)]
fn in_place<O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_>,
    whole: &Block,
    pixels: [Pixel; 2],
    last: &Last<F>,
) {
    let sub = walk.sub;
    let source = InPlace {
        inputs: pixels.map(|pixel| {
            let inside =
                !sub.rows_inside(pixel.y).is_empty() && !sub.columns_inside(pixel.x).is_empty();
            inside.then(|| sub.source(pixel.y, pixel.x))
        }),
        unsigned: sub.unsigned,
        zero_point: sub.layer.quantisation.input_zero_point,
    };
    let outputs = pixels.map(|pixel| sub.output::<O>(pixel.output));
    // SAFETY: as in `channels`; inputs inside may be read for the taps of one pixel.
    unsafe {
        match last {
            Last::Short => {
                each_channel(
                    sub,
                    *whole,
                    0,
                    outputs.map(<*mut O>::cast),
                    &shortened(sub),
                    source,
                );
            }
            Last::General(function) => each_channel(sub, *whole, 0, outputs, function, source),
        }
    }
}

/// The short form as a function of channel and sum.
fn shortened(sub: &Sub<'_>) -> impl Fn(usize, i32) -> i8 {
    let records = sub.layer.records;
    move |channel, sum| match records.get(channel) {
        Some(record) => short(sum, record),
        None => 0,
    }
}

/// What a block reads and writes, in the order in which it loads them.
#[derive(Clone, Copy)]
#[repr(C)]
struct Block {
    columns: *const u32,
    weights: *const i8,
    bias: *const i32,
    records: *const Record,
    /// Groups of four taps.
    fours: usize,
    /// Pairs of channels.
    pairs: usize,
    /// Bytes of weights between those of one pair and the next.
    skip: usize,
    /// Weights that are no group of four: of each channel `left_overs`.
    left_over: *const i8,
    left_overs: usize,
    /// Groups of four that are left out at the start.
    before: usize,
}

impl Block {
    /// The block of the odd last channel.
    fn after_pairs(&self) -> Self {
        let all = 8 * self.fours + self.skip;
        Self {
            weights: self.weights.wrapping_add(all * self.pairs),
            left_over: self
                .left_over
                .wrapping_add(2 * self.pairs * self.left_overs),
            ..*self
        }
    }
}

/// The channels from number `first` of the group on, through a function of channel and sum.
///
/// # Safety
///
/// 1. `block` has the weights of these channels, 2. `source` gives as many taps, 3. the outputs of all channels of the group
///    may be written.
unsafe fn each_channel<O, F: Fn(usize, i32) -> O, S: Source>(
    sub: &Sub<'_>,
    mut block: Block,
    first: usize,
    outputs: [*mut O; 2],
    function: &F,
    source: S,
) {
    let mut channel = first;
    while channel < sub.produce {
        let together = Ord::min(sub.produce - channel, 2);
        let number = sub.channel + channel;
        let places = outputs.map(|output| output.wrapping_add(channel));
        let bias = |c: usize| sub.layer.bias.get(number + c).copied().unwrap_or(0);
        let with = |c: usize, sums: [i32; 2]| sums.map(|sum| sum.wrapping_add(bias(c)));
        // SAFETY: by 1 and 2; outputs by 3.
        unsafe {
            if together == 2 {
                let [one, two] = dot::<2, S>(&block, source);
                finish(places, number, &[with(0, one), with(1, two)], function);
            } else {
                // An odd channel's groups are half as long.
                block.weights = block.weights.wrapping_sub(4 * block.before);
                let [one] = dot::<1, S>(&block, source);
                finish(places, number, &[with(0, one)], function);
            }
        }
        block.weights = block
            .weights
            .wrapping_add(4 * together * block.fours + block.skip);
        block.left_over = block.left_over.wrapping_add(together * block.left_overs);
        channel += together;
    }
}

/// The columns of two pixels, by the group of four taps.
trait Source: Copy {
    /// Group number `four`, as in the module's description.
    unsafe fn four(&self, four: usize) -> [u32; 4];
    /// The group after `fours`, of 1 to 3 taps.
    unsafe fn last(&self, fours: usize, taps: usize) -> [u32; 4];
}

/// Columns that were built.
#[derive(Clone, Copy)]
struct InColumns(*const u32);

impl Source for InColumns {
    #[inline]
    unsafe fn four(&self, four: usize) -> [u32; 4] {
        // SAFETY: the caller asks for groups that the columns have.
        unsafe { self.0.add(4 * four).cast::<[u32; 4]>().read() }
    }

    #[inline]
    unsafe fn last(&self, fours: usize, _taps: usize) -> [u32; 4] {
        // SAFETY: likewise.
        unsafe { self.four(fours) }
    }
}

/// Inputs of two pixels, `None` where they are padding.
#[derive(Clone, Copy)]
struct InPlace {
    inputs: [Option<*const u8>; 2],
    unsigned: bool,
    zero_point: i32,
}

impl Source for InPlace {
    #[inline]
    unsafe fn four(&self, four: usize) -> [u32; 4] {
        let offset = pair(self.zero_point.wrapping_neg());
        let [a, b] = self.inputs.map(|input| match input {
            // SAFETY: the caller asks for taps that the pixel has.
            Some(input) => unsafe {
                let word = input.add(4 * four).cast::<u32>().read_unaligned();
                let word = u32::from_le(word);
                let (even, odd) = (word, word.rotate_right(8));
                [
                    widened(self.unsigned, offset, even),
                    widened(self.unsigned, offset, odd),
                ]
            },
            None => [0; 2],
        });
        [a[0], a[1], b[0], b[1]]
    }

    #[inline]
    unsafe fn last(&self, fours: usize, taps: usize) -> [u32; 4] {
        let [a, b] = self.inputs.map(|input| {
            let mut halves = [0; 4];
            if let Some(input) = input {
                for tap in 0..taps {
                    // SAFETY: likewise.
                    let byte = unsafe { input.add(4 * fours + tap).read() };
                    let input = match self.unsigned {
                        true => i32::from(byte),
                        false => i32::from(byte as i8),
                    };
                    let value = input.wrapping_sub(self.zero_point) as u32 & 0xffff;
                    if let Some(half) = halves.get_mut(4 - taps + tap) {
                        *half = value;
                    }
                }
            }
            let [h0, h1, h2, h3] = halves;
            [h0 | h2 << 16, h1 | h3 << 16]
        });
        [a[0], a[1], b[0], b[1]]
    }
}

/// Sums of `C` channels for two pixels, without biases: the block in Rust.
///
/// # Safety
///
/// 1. `block.weights` has `4·C` bytes for each of `block.fours` groups, 2. `block.left_over` `left_overs` for each channel,
/// 3. `source` as many taps.
unsafe fn dot<const C: usize, S: Source>(block: &Block, source: S) -> [[i32; 2]; C] {
    let mut sums = [[0; 2]; C];
    let mut weights = block.weights;
    // SAFETY: by 1 to 3.
    unsafe {
        for four in 0..block.fours {
            let [a0, a1, b0, b1] = source.four(four);
            for [a, b] in &mut sums {
                let word = u32::from_le(weights.cast::<u32>().read_unaligned());
                weights = weights.add(4);
                let (even, odd) = (
                    widened(false, 0, word),
                    widened(false, 0, word.rotate_right(8)),
                );
                *a = smlad(a0, even, *a);
                *b = smlad(b0, even, *b);
                *a = smlad(a1, odd, *a);
                *b = smlad(b1, odd, *b);
            }
        }
        if block.left_overs > 0 {
            let [a0, a1, b0, b1] = source.last(block.fours, block.left_overs);
            for (c, [a, b]) in sums.iter_mut().enumerate() {
                let mut word = 0;
                for index in 0..block.left_overs {
                    let weight = block.left_over.add(c * block.left_overs + index).read();
                    word = word >> 8 | u32::from(weight as u8) << 24;
                }
                let (even, odd) = (
                    widened(false, 0, word),
                    widened(false, 0, word.rotate_right(8)),
                );
                *a = smlad(a1, odd, smlad(a0, even, *a));
                *b = smlad(b1, odd, smlad(b0, even, *b));
            }
        }
    }
    sums
}

/// Twice the low half of a number.
#[inline]
fn pair(value: i32) -> u32 {
    (value as u32 & 0xffff).wrapping_mul(0x1_0001)
}

/// The instructions.
#[cfg(conv_isa = "armv7em")]
mod instructions {
    use super::*;

    /// Bytes 0 and 2 of a word, widened, plus `offset` for each half.
    #[inline]
    pub(super) fn widened(unsigned: bool, offset: u32, word: u32) -> u32 {
        let result;
        // SAFETY: it changes nothing but the result.
        unsafe {
            if unsigned {
                asm!("uxtab16 {}, {}, {}", lateout(reg) result, in(reg) offset, in(reg) word,
                    options(pure, nomem, nostack, preserves_flags));
            } else {
                asm!("sxtab16 {}, {}, {}", lateout(reg) result, in(reg) offset, in(reg) word,
                    options(pure, nomem, nostack, preserves_flags));
            }
        }
        result
    }

    /// `sum` and both products of halves.
    #[inline]
    pub(super) fn smlad(x: u32, w: u32, sum: i32) -> i32 {
        let result;
        // SAFETY: it changes nothing but the result and the Q flag, which the calling convention does not keep.
        unsafe {
            asm!("smlad {}, {}, {}, {}", lateout(reg) result, in(reg) x, in(reg) w, in(reg) sum,
                options(pure, nomem, nostack, preserves_flags));
        }
        result
    }

    /// The short form of [`Double`](crate::requantise::Double).
    #[inline]
    pub(super) fn short(sum: i32, record: &Record) -> i8 {
        let result: i32;
        // SAFETY: it changes nothing but the result, a temporary register and the Q flag.
        unsafe {
            asm!(
                "lsl {t}, {sum}, #1",
                "smmlar {t}, {t}, {m}, {c}",
                "add {t}, {t}, {sum}, asr #31",
                "asr {t}, {t}, {r}",
                "ssat {t}, #8, {t}",
                t = out(reg) result, sum = in(reg) sum, m = in(reg) record.multiplier,
                c = in(reg) record.offset, r = in(reg) record.right,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        result as i8
    }

    /// Rows of inputs into groups of four of a column, 16 bytes apart: of each row so many words, `gap` bytes between its end
    /// and the next.
    ///
    /// # Safety
    ///
    /// 1. The inputs may be read, 2. `to` may be written for two words, and so on every four. 3. There is a word and a row.
    #[inline(never)]
    pub(super) unsafe fn widen_rows(
        unsigned: bool,
        source: *const u8,
        [words, rows, gap]: [usize; 3],
        to: *mut u32,
        offset: u32,
    ) {
        macro_rules! widen {
            ($extend:literal) => {
                asm!(
                    "1:",
                    "lsrs {n}, {words}, #1",
                    "bcc 3f",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "strd {t}, {u}, [{d}], #16",
                    "3:",
                    "beq 4f",
                    "2:",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "strd {t}, {u}, [{d}], #16",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "strd {t}, {u}, [{d}], #16",
                    "subs {n}, #1",
                    "bne 2b",
                    "4:",
                    "add {s}, {gap}",
                    "subs {rows}, #1",
                    "bne 1b",
                    words = in(reg) words, rows = inout(reg) rows => _, gap = in(reg) gap,
                    s = inout(reg) source => _, d = inout(reg) to => _, o = in(reg) offset,
                    n = out(reg) _, t = out(reg) _, u = out(reg) _,
                    options(nostack)
                )
            };
        }
        // SAFETY: by 1 to 3; loads need no alignment on these cores.
        unsafe {
            if unsigned {
                widen!("uxtab16");
            } else {
                widen!("sxtab16");
            }
        }
    }

    macro_rules! multiply {
        () => {
            "sxtb16 r9, r7
             smlad r10, r3, r9, r10
             smlad r11, r5, r9, r11
             sxtb16 r7, r7, ror #8
             smlad r10, r4, r7, r10
             smlad r11, r6, r7, r11
             sxtb16 r9, r8
             smlad r12, r3, r9, r12
             smlad lr, r5, r9, lr
             sxtb16 r8, r8, ror #8
             smlad r12, r4, r8, r12
             smlad lr, r6, r8, lr
            "
        };
    }
    macro_rules! four_taps {
        () => {
            concat!(
                "ldm r0!, {{r3, r4, r5, r6}}
                 ldrd r7, r8, [r1], #8
                ",
                multiply!()
            )
        };
    }
    macro_rules! requantise {
        ($sum:literal, $multiplier:literal, $offset:literal, $right:literal, $output:literal) => {
            concat!(
                "lsls ",
                $sum,
                ", ",
                $sum,
                ", #1
                 smmlar r9, ",
                $sum,
                ", ",
                $multiplier,
                ", ",
                $offset,
                "
                 add r9, r9, ",
                $sum,
                ", asr #31
                 asr r9, r9, ",
                $right,
                "
                 ssat r9, #8, r9
                 strb r9, [",
                $output,
                "], #1
                "
            )
        };
    }

    /// The outputs of all pairs of channels, for two pixels.
    ///
    /// # Safety
    ///
    /// 1. `block.columns` has `fours` groups, and another where there are `left_overs`, 2. `block.weights` 8 bytes for each group and pair, `skip`
    ///    bytes apart, 3. `block.left_over` `2·left_overs` bytes for each pair, and 3 readable bytes before, 4. `bias` and `records` two for each pair,
    /// 5. both outputs may be written for two bytes for each pair, 6. there is at least one pair,
    /// 7. columns, weights, biases and records are aligned to 4.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn short_pairs(block: &Block, first: *mut i8, second: *mut i8) {
        // The frame: columns 0, weights 4, bias 8, records 12, fours 16, pairs 20, skip 24, left_over 28, left_overs 32,
        // outputs 36 and 40.
        naked_asm!(
            "push {{r4-r11, lr}}
             sub sp, #44
             ldm r0, {{r3-r11}}
             stm sp, {{r3-r11}}
             strd r1, r2, [sp, #36]
             mov r1, r4
            2:
             ldr r9, [sp, #8]
             ldr r0, [sp]
             ldm r9!, {{r10, r12}}
             ldr r2, [sp, #16]
             mov r11, r10
             mov lr, r12
             str r9, [sp, #8]
             subs r2, #4
             blo 4f
            3:",
            four_taps!(),
            four_taps!(),
            four_taps!(),
            four_taps!(),
            "subs r2, #4
             bhs 3b
            4:
             adds r2, #4
             beq 6f
            5:",
            four_taps!(),
            "subs r2, #1
             bne 5b
            6:
             ldr r2, [sp, #32]
             cbz r2, 8f
             ldr r9, [sp, #28]
             add r9, r2
             ldr r7, [r9, #-4]
             add r9, r2
             ldr r8, [r9, #-4]
             str r9, [sp, #28]
             ldm r0, {{r3, r4, r5, r6}}",
            multiply!(),
            "
            8:
             str r1, [sp, #4]
             ldr r9, [sp, #12]
             ldrd r0, r1, [sp, #36]
             ldm r9!, {{r2-r7}}
             str r9, [sp, #12]",
            requantise!("r10", "r2", "r3", "r4", "r0"),
            requantise!("r11", "r2", "r3", "r4", "r1"),
            requantise!("r12", "r5", "r6", "r7", "r0"),
            requantise!("lr", "r5", "r6", "r7", "r1"),
            "strd r0, r1, [sp, #36]
             ldrd r9, r2, [sp, #20]
             ldr r1, [sp, #4]
             subs r9, #1
             add r1, r2
             str r9, [sp, #20]
             bne 2b
             add sp, #44
             pop {{r4-r11, pc}}"
        )
    }
}

/// The same in Rust, for the tests on other machines.
#[cfg(not(conv_isa = "armv7em"))]
mod instructions {
    use super::*;

    pub(super) fn widened(unsigned: bool, offset: u32, word: u32) -> u32 {
        let half = |shift: u32| {
            let byte = (word >> shift) as u8;
            let value = match unsigned {
                true => u32::from(byte),
                false => byte as i8 as u32,
            };
            value.wrapping_add(offset >> shift) & 0xffff
        };
        half(0) | half(16) << 16
    }

    pub(super) fn smlad(x: u32, w: u32, sum: i32) -> i32 {
        let product = |shift: u32| {
            i32::from((x >> shift) as i16).wrapping_mul(i32::from((w >> shift) as i16))
        };
        sum.wrapping_add(product(0)).wrapping_add(product(16))
    }

    pub(super) fn short(sum: i32, record: &Record) -> i8 {
        let &Record {
            multiplier,
            offset,
            right,
        } = record;
        let product = i64::from(sum.wrapping_shl(1)) * i64::from(multiplier);
        let high = ((product + (i64::from(offset) << 32) + (1 << 31)) >> 32) as i32;
        let rounded = high.wrapping_add(sum >> 31) >> (right & 31);
        Ord::min(Ord::max(rounded, -128), 127) as i8
    }

    pub(super) unsafe fn widen_rows(
        unsigned: bool,
        mut source: *const u8,
        [words, rows, gap]: [usize; 3],
        mut to: *mut u32,
        offset: u32,
    ) {
        for _ in 0..rows {
            for _ in 0..words {
                // SAFETY: the caller's words.
                unsafe {
                    let word = u32::from_le(source.cast::<u32>().read_unaligned());
                    to.write(widened(unsigned, offset, word));
                    to.add(1)
                        .write(widened(unsigned, offset, word.rotate_right(8)));
                }
                source = source.wrapping_add(4);
                to = to.wrapping_add(4);
            }
            source = source.wrapping_add(gap);
        }
    }

    pub(super) unsafe fn short_pairs(block: &Block, first: *mut i8, second: *mut i8) {
        let mut block = *block;
        let outputs = [first, second];
        for index in 0..block.pairs {
            // SAFETY: the caller's block.
            unsafe {
                let sums = dot::<2, _>(&block, InColumns(block.columns));
                for (c, sums) in sums.into_iter().enumerate() {
                    let channel = 2 * index + c;
                    let (bias, record) =
                        (block.bias.add(channel).read(), &*block.records.add(channel));
                    for (output, sum) in outputs.into_iter().zip(sums) {
                        output
                            .add(channel)
                            .write(short(sum.wrapping_add(bias), record));
                    }
                }
            }
            block.weights = block.weights.wrapping_add(8 * block.fours + block.skip);
            block.left_over = block.left_over.wrapping_add(2 * block.left_overs);
        }
    }
}
use instructions::{short, short_pairs, smlad, widen_rows, widened};

/// Padding in groups of four of a column.
///
/// # Safety
///
/// 1. `to` may be written for two words, and so on every four.
#[inline]
unsafe fn fill(words: usize, to: *mut u32) {
    for index in 0..words {
        // SAFETY: by 1.
        unsafe { to.add(4 * index).cast::<[u32; 2]>().write([0; 2]) };
    }
}
