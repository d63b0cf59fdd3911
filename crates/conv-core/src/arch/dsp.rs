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
//! 1 to 3 taps that are left over, each:  A │ B    4 bytes
//! ```
//!
//! That is 4 bytes a weight of one channel, what CMSIS-NN's two columns take. A row of taps that lie side by side in the
//! input is a *run*. Groups of four never straddle two runs, so that each is one unaligned load: what is left over of the runs
//! (with 3×3 taps of 3 channels one of 9) follows after all groups of four, and again in groups of four.
//!
//! # Weights
//!
//! For each part and group of the layer, for each pair of channels: four taps of the first, four of the second, and so on; of
//! an odd last channel alone. The one to three taps of each channel that are no group of four stand at the end of
//! the kernel, those of the first part last, so that everything else stays aligned to 4 bytes, as LDRD wants it.
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
    let (scratch, bytes) = sub.scratch();
    let taps = sub.taps();
    if bytes >= CELL_BYTES * taps {
        sub.each_pair(|first, second| {
            let rows = columns(sub, [first, second], scratch.cast());
            // SAFETY: 1, 2: `columns` has just written `rows`; 3: `each_pair`.
            unsafe { channels(sub, scratch.cast(), rows, [first, second], last) };
        });
    } else {
        without_scratch(sub, last);
    }
}

/// A kernel of one tap needs no scratch: columns stand in the part of the output that is not written yet. Where that is too
/// short, for the last pixels, and where pixels are not written one after the other, inputs are widened anew for each pair of
/// channels.
fn without_scratch<O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, last: &Last<F>) {
    let in_order = sub.is_contiguous() && sub.columns.step == 1;
    sub.each_pair(|first, second| {
        let free = sub
            .output::<O>(second.output + sub.produce - 1)
            .wrapping_add(1);
        let free = free.cast::<u8>();
        let scratch = free.wrapping_add(free.align_offset(4));
        let room = sub.output_end::<O>().addr().saturating_sub(scratch.addr());
        if in_order && room >= CELL_BYTES * sub.taps() {
            let rows = columns(sub, [first, second], scratch.cast());
            // SAFETY: as above; the columns end before the output does and begin behind what is written.
            unsafe { channels(sub, scratch.cast(), rows, [first, second], last) };
        } else {
            in_place(sub, [first, second], last);
        }
    });
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
    #[inline]
    fn of(sub: &Sub<'_>) -> Self {
        let (rows, columns) = (sub.rows.taps, sub.columns.taps);
        let (runs, length) = match sub.is_contiguous() {
            true => (rows, columns * sub.reduce),
            false => (rows * columns, sub.reduce),
        };
        Self {
            runs,
            length,
            fours: length / 4,
            taps: runs * length,
        }
    }

    /// Byte offset of a tap's halfword in the columns, of pixel 0 or 1.
    #[inline]
    fn halfword(&self, tap: usize, pixel: usize) -> usize {
        let (four, lane) = (tap / 4, tap % 4);
        if four < self.taps / 4 {
            // 0 and 2 share a word, 1 and 3.
            four * 16 + pixel * 8 + lane % 2 * 4 + lane / 2 * 2
        } else {
            tap * 4 + pixel * 2
        }
    }

    /// The tap number of an element of a run.
    #[inline]
    fn tap(&self, run: usize, offset: usize) -> usize {
        let whole = self.fours * 4;
        if offset < whole {
            run * whole + offset
        } else {
            self.runs * whole + run * (self.length - whole) + (offset - whole)
        }
    }
}

/// Columns of two pixels, of the rows of taps that it returns: all of them, or, where runs are multiples of four, those that
/// lie inside the input for either pixel. `scratch` has room for all taps.
fn columns(sub: &Sub<'_>, pixels: [Pixel; 2], scratch: *mut u32) -> Range<usize> {
    let shape = Shape::of(sub);
    let inside = pixels.map(|pixel| sub.rows_inside(pixel.y));
    let [a, b] = &inside;
    let rows = match shape.length % 4 {
        0 if a == b => a.clone(),
        0 => Ord::min(a.start, b.start)..Ord::max(a.end, b.end),
        _ => 0..sub.rows.taps,
    };
    for (number, (pixel, inside)) in pixels.into_iter().zip(inside).enumerate() {
        // SAFETY: 1: `scratch` has room; 2, 3: pixels of `each_pair` with their rows inside.
        unsafe { column(sub, &shape, pixel, number, rows.clone(), inside, scratch) };
    }
    rows
}

/// The column of one pixel, number 0 or 1.
///
/// # Safety
///
/// 1. `scratch` may be written for all taps, and is aligned to 4.
/// 2. `inside` are the rows of taps that lie inside the input, 3. `pixel` one of the sub's.
#[inline(never)]
unsafe fn column(
    sub: &Sub<'_>,
    shape: &Shape,
    pixel: Pixel,
    number: usize,
    rows: Range<usize>,
    inside: Range<usize>,
    scratch: *mut u32,
) {
    let across = sub.columns_inside(pixel.x);
    let mut words = scratch.wrapping_add(2 * number);
    let mut y = pixel
        .y
        .wrapping_add((rows.start * sub.rows.tap_step) as isize);
    let start = rows.start;
    for row in rows {
        let within = inside.contains(&row);
        let mut run = |run: usize, x: isize, taps: Range<usize>, all: usize| {
            let taps = if within { taps } else { 0..0 };
            let source = sub.source(y, x.wrapping_add(taps.start as isize));
            // SAFETY: `taps` of the run lie inside the input, from `source` on; the columns have room for the run.
            unsafe {
                let piece = Piece {
                    left: taps.start * sub.reduce,
                    middle: taps.len() * sub.reduce,
                    right: (all - taps.end) * sub.reduce,
                };
                words = put_run(sub, shape, run, number, source, piece, words, scratch);
            }
        };
        if sub.is_contiguous() {
            run(row - start, pixel.x, across.clone(), sub.columns.taps);
        } else {
            for tap in 0..sub.columns.taps {
                let x = pixel.x.wrapping_add((tap * sub.columns.tap_step) as isize);
                let one = usize::from(across.contains(&tap));
                let number = (row - start) * sub.columns.taps + tap;
                run(number, x, 0..one, 1);
            }
        }
        y = y.wrapping_add(sub.rows.tap_step as isize);
    }
}

/// A run's elements: padding, inputs, padding.
struct Piece {
    left: usize,
    middle: usize,
    right: usize,
}

/// One run of a column; returns where the next run's groups of four start.
///
/// # Safety
///
/// 1. `source` may be read for `piece.middle` bytes.
/// 2. `words` and `scratch` may be written where [`Shape::halfword`] puts the taps of the run.
#[inline]
#[expect(clippy::too_many_arguments, reason = "the state of one loop")]
unsafe fn put_run(
    sub: &Sub<'_>,
    shape: &Shape,
    run: usize,
    number: usize,
    source: *const u8,
    piece: Piece,
    words: *mut u32,
    scratch: *mut u32,
) -> *mut u32 {
    let Piece {
        left,
        middle,
        right,
    } = piece;
    let zero_point = sub.layer.quantisation.input_zero_point;
    let read = |element: usize| {
        // SAFETY: by 1: it is called for less than `middle`.
        let byte = unsafe { source.add(element).read() };
        let input = match sub.unsigned {
            true => i32::from(byte),
            false => i32::from(byte as i8),
        };
        input.wrapping_sub(zero_point) as i16
    };
    let put = |offset: usize, value: i16| {
        let at = shape.halfword(shape.tap(run, offset), number);
        // SAFETY: by 2.
        unsafe { scratch.cast::<u8>().add(at).cast::<i16>().write(value) };
    };
    // SAFETY: by 1 and 2.
    unsafe {
        if (left | middle | right) % 4 == 0 {
            let words = fill(left / 4, words);
            let words = widen(sub.unsigned, source, middle / 4, words, zero_point);
            return fill(right / 4, words);
        }
        let next = words.wrapping_add(4 * shape.fours);
        if middle == shape.length {
            widen(sub.unsigned, source, shape.fours, words, zero_point);
            for offset in 4 * shape.fours..middle {
                put(offset, read(offset));
            }
            return next;
        }
        for offset in 0..left {
            put(offset, 0);
        }
        for offset in 0..middle {
            put(left + offset, read(offset));
        }
        for offset in left + middle..shape.length {
            put(offset, 0);
        }
        next
    }
}

/// All channels of a group for two pixels with their columns.
///
/// # Safety
///
/// 1. The columns hold the rows of taps `rows`, and `rows` are all where runs are no multiples of four.
/// 2. They are aligned to 4.
/// 3. `produce` outputs of both pixels may be written.
unsafe fn channels<O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    columns: *const u32,
    rows: Range<usize>,
    pixels: [Pixel; 2],
    last: &Last<F>,
) {
    let shape = Shape::of(sub);
    let per_row = match sub.is_contiguous() {
        true => shape.fours,
        false => shape.fours * sub.columns.taps,
    };
    let all = shape.taps / 4;
    let (fours, before) = match shape.length % 4 {
        0 => (per_row * rows.len(), per_row * rows.start),
        _ => (all, 0),
    };
    let layer = sub.layer;
    let left_overs = shape.taps % 4;
    let total = layer.kernel.len();
    let left_over = total - sub.leftovers - left_overs * sub.produce;
    let kernel = layer.kernel.as_ptr();
    let outputs = pixels.map(|pixel| sub.output::<O>(pixel.output));
    let block = Block {
        columns,
        weights: kernel.wrapping_add(sub.weights - sub.leftovers + 8 * before),
        bias: layer.bias.as_ptr().wrapping_add(sub.channel),
        records: layer.records.as_ptr().wrapping_add(sub.channel),
        outputs: outputs.map(<*mut O>::cast),
        fours,
        pairs: sub.produce / 2,
        skip: 8 * (all - fours),
        left_over: kernel.wrapping_add(left_over),
        left_overs,
        before,
    };
    // SAFETY: the columns hold `fours` groups and the taps left over (1); weights, biases and records are those of the sub's
    // channels, by the layer's own lengths; the outputs may be written (3).
    unsafe {
        match last {
            Last::Short => {
                if block.pairs > 0 {
                    short_pairs(&block);
                }
                let done = 2 * block.pairs;
                if done < sub.produce {
                    let rest = block.after_pairs();
                    let function = shortened(sub);
                    each_channel(
                        sub,
                        rest,
                        done,
                        block.outputs,
                        &function,
                        InColumns(columns),
                    );
                }
            }
            Last::General(function) => {
                each_channel(sub, block, 0, outputs, function, InColumns(columns));
            }
        }
    }
}

/// All channels of a group for two pixels of a kernel of one tap, their inputs read where they lie.
fn in_place<O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, pixels: [Pixel; 2], last: &Last<F>) {
    let inputs = pixels.map(|pixel| {
        let inside =
            !sub.rows_inside(pixel.y).is_empty() && !sub.columns_inside(pixel.x).is_empty();
        inside.then(|| sub.source(pixel.y, pixel.x))
    });
    let source = InPlace {
        inputs,
        unsigned: sub.unsigned,
        zero_point: sub.layer.quantisation.input_zero_point,
    };
    let layer = sub.layer;
    let kernel = layer.kernel.as_ptr();
    let taps = sub.taps();
    let left_overs = taps % 4;
    let left_over = layer.kernel.len() - sub.leftovers - left_overs * sub.produce;
    let outputs = pixels.map(|pixel| sub.output::<O>(pixel.output));
    let block = Block {
        columns: core::ptr::null(),
        weights: kernel.wrapping_add(sub.weights - sub.leftovers),
        bias: layer.bias.as_ptr().wrapping_add(sub.channel),
        records: layer.records.as_ptr().wrapping_add(sub.channel),
        outputs: outputs.map(<*mut O>::cast),
        fours: taps / 4,
        pairs: sub.produce / 2,
        skip: 0,
        left_over: kernel.wrapping_add(left_over),
        left_overs,
        before: 0,
    };
    // SAFETY: as in `channels`; inputs inside may be read for the taps of one pixel.
    unsafe {
        match last {
            Last::Short => {
                each_channel(
                    sub,
                    block,
                    0,
                    outputs.map(<*mut O>::cast),
                    &shortened(sub),
                    source,
                );
            }
            Last::General(function) => each_channel(sub, block, 0, outputs, function, source),
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
    outputs: [*mut i8; 2],
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
    /// Tap number `tap` that is left over: of pixel A below, of B above.
    unsafe fn one(&self, tap: usize) -> u32;
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
    unsafe fn one(&self, tap: usize) -> u32 {
        // SAFETY: likewise; left over taps take a word each.
        unsafe { self.0.add(tap).read() }
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
    unsafe fn one(&self, tap: usize) -> u32 {
        let [a, b] = self.inputs.map(|input| match input {
            Some(input) => {
                // SAFETY: likewise.
                let byte = unsafe { input.add(tap).read() };
                let input = match self.unsigned {
                    true => i32::from(byte),
                    false => i32::from(byte as i8),
                };
                input.wrapping_sub(self.zero_point)
            }
            None => 0,
        });
        (a as u32 & 0xffff) | (b as u32) << 16
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
        for index in 0..block.left_overs {
            let word = source.one(4 * block.fours + index);
            let (low, high) = (i32::from(word as i16), word as i32 >> 16);
            for (c, [a, b]) in sums.iter_mut().enumerate() {
                let weight = i32::from(block.left_over.add(c * block.left_overs + index).read());
                *a = a.wrapping_add(low.wrapping_mul(weight));
                *b = b.wrapping_add(high.wrapping_mul(weight));
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

    /// `words` words of inputs into groups of four of a column, 16 bytes apart; returns the next.
    ///
    /// # Safety
    ///
    /// 1. `source` may be read for `4·words` bytes.
    /// 2. `to` may be written for two words, and so on every four.
    #[inline(never)]
    pub(super) unsafe fn widen(
        unsigned: bool,
        source: *const u8,
        words: usize,
        to: *mut u32,
        zero_point: i32,
    ) -> *mut u32 {
        let offset = pair(zero_point.wrapping_neg());
        let end;
        macro_rules! widen {
            ($extend:literal) => {
                asm!(
                    "lsrs {n}, {n}, #1",
                    "bcc 3f",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "str {u}, [{d}, #4]",
                    "str {t}, [{d}], #16",
                    "3:",
                    "cbz {n}, 4f",
                    "2:",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "str {u}, [{d}, #4]",
                    "str {t}, [{d}], #16",
                    "ldr {t}, [{s}], #4",
                    concat!($extend, " {u}, {o}, {t}, ror #8"),
                    concat!($extend, " {t}, {o}, {t}"),
                    "str {u}, [{d}, #4]",
                    "str {t}, [{d}], #16",
                    "subs {n}, #1",
                    "bne 2b",
                    "4:",
                    n = inout(reg_thumb) words => _, s = inout(reg) source => _, d = inout(reg) to => end,
                    o = in(reg) offset, t = out(reg) _, u = out(reg) _,
                    options(nostack)
                )
            };
        }
        // SAFETY: by 1 and 2; loads need no alignment on these cores.
        unsafe {
            if unsigned {
                widen!("uxtab16");
            } else {
                widen!("sxtab16");
            }
        }
        end
    }

    macro_rules! four_taps {
        () => {
            "ldm r0!, {{r3, r4, r5, r6}}
             ldrd r7, r8, [r1], #8
             sxtb16 r9, r7
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
    /// 1. `block.columns` has `fours` groups and `left_overs` words, 2. `block.weights` 8 bytes for each group and pair, `skip`
    ///    bytes apart, 3. `block.left_over` `2·left_overs` bytes for each pair, 4. `bias` and `records` two for each pair,
    /// 5. `outputs` may be written for two bytes for each pair, 6. there is at least one pair,
    /// 7. columns, weights, biases and records are aligned to 4.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn short_pairs(block: &Block) {
        // The frame: columns 0, weights 4, bias 8, records 12, outputs 16 and 20, fours 24, pairs 28, skip 32, left_over 36,
        // left_overs 40.
        naked_asm!(
            "push {{r4-r11, lr}}
             sub sp, #44
             ldm r0!, {{r1-r6}}
             stm sp, {{r1-r6}}
             ldm r0, {{r1-r5}}
             add r0, sp, #24
             stm r0, {{r1-r5}}
             ldr r1, [sp, #4]
            2:
             ldr r9, [sp, #8]
             ldr r0, [sp]
             ldm r9!, {{r10, r12}}
             ldr r2, [sp, #24]
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
             ldr r2, [sp, #40]
             cbz r2, 8f
             ldr r3, [sp, #36]
             add r4, r3, r2
            7:
             ldr r5, [r0], #4
             ldrsb r6, [r3], #1
             ldrsb r7, [r4], #1
             smlabb r10, r5, r6, r10
             smlatb r11, r5, r6, r11
             smlabb r12, r5, r7, r12
             smlatb lr, r5, r7, lr
             subs r2, #1
             bne 7b
             str r4, [sp, #36]
            8:
             str r1, [sp, #4]
             ldr r9, [sp, #12]
             ldrd r0, r1, [sp, #16]
             ldm r9!, {{r2-r7}}
             str r9, [sp, #12]",
            requantise!("r10", "r2", "r3", "r4", "r0"),
            requantise!("r11", "r2", "r3", "r4", "r1"),
            requantise!("r12", "r5", "r6", "r7", "r0"),
            requantise!("lr", "r5", "r6", "r7", "r1"),
            "strd r0, r1, [sp, #16]
             ldrd r9, r2, [sp, #28]
             ldr r1, [sp, #4]
             subs r9, #1
             add r1, r2
             str r9, [sp, #28]
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

    pub(super) unsafe fn widen(
        unsigned: bool,
        source: *const u8,
        words: usize,
        to: *mut u32,
        zero_point: i32,
    ) -> *mut u32 {
        let offset = pair(zero_point.wrapping_neg());
        for index in 0..words {
            // SAFETY: the caller's words.
            unsafe {
                let word = u32::from_le(source.add(4 * index).cast::<u32>().read_unaligned());
                let to = to.add(4 * index);
                to.write(widened(unsigned, offset, word));
                to.add(1)
                    .write(widened(unsigned, offset, word.rotate_right(8)));
            }
        }
        to.wrapping_add(4 * words)
    }

    pub(super) unsafe fn short_pairs(block: &Block) {
        let mut block = *block;
        for index in 0..block.pairs {
            // SAFETY: the caller's block.
            unsafe {
                let sums = dot::<2, _>(&block, InColumns(block.columns));
                for (c, sums) in sums.into_iter().enumerate() {
                    let channel = 2 * index + c;
                    let (bias, record) =
                        (block.bias.add(channel).read(), &*block.records.add(channel));
                    for (output, sum) in block.outputs.into_iter().zip(sums) {
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
use instructions::{short, short_pairs, smlad, widen, widened};

/// Padding in groups of four of a column; returns the next.
///
/// # Safety
///
/// 1. `to` may be written for two words, and so on every four.
#[inline(never)]
unsafe fn fill(words: usize, to: *mut u32) -> *mut u32 {
    for index in 0..words {
        // SAFETY: by 1.
        unsafe { to.add(4 * index).cast::<[u32; 2]>().write([0; 2]) };
    }
    to.wrapping_add(4 * words)
}
