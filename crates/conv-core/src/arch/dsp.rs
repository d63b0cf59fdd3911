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

mod connected;
mod depthwise;

#[cfg(conv_isa = "armv7em")]
use core::arch::{asm, naked_asm};
use core::marker::PhantomData;
use core::ops::Range;

use crate::arch::layer::{Last, Pixel, Sub, finish};
use crate::arch::order::{Order, PartTaps, Runs};
use crate::engine::Plan;
use crate::quantised::{Activation, QuantOperation};

pub use crate::arch::high::Record;
pub(crate) use crate::arch::high::is_short;
pub(crate) use connected::{run_connected, runs_connected};
pub(crate) use depthwise::run_depthwise;

/// Two pixels, 16 bits each.
pub(crate) const CELL_BYTES: usize = 4;
pub(crate) const START_BYTES: usize = 0;
/// Columns are less the zero point: biases stay as they are.
pub(crate) const FOLDED: bool = false;

/// The short form saturates to the range of `i8`.
pub(crate) const CLAMPS: bool = false;

/// Direct, transposed and depthwise layers of 8-bit inputs.
pub(crate) const fn runs<T: Activation>(operation: QuantOperation) -> bool {
    T::GREATEST - T::LEAST == 255
        && matches!(
            operation,
            QuantOperation::Conv | QuantOperation::ConvTranspose | QuantOperation::Depthwise
        )
}

/// Whatever their shape.
#[inline]
pub(crate) fn takes(_operation: QuantOperation, _plan: &Plan) -> bool {
    true
}

/// Columns are less the zero point.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "other cores ask for it"
)]
pub(crate) const fn shift<T: Activation>(_operation: QuantOperation) -> i32 {
    0
}

/// Weights in the order of the module's description.
pub(crate) const fn pack(order: &Order, from: &[i8], to: &mut [i8]) {
    if let QuantOperation::Depthwise = order.operation {
        return depthwise::pack(order, from, to);
    }
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
#[inline(never)]
pub(crate) fn run_sub<T: Activation, O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, last: &Last<F>) {
    let walk = Walk::<T>::new(sub);
    let (scratch, bytes) = sub.scratch();
    let mut whole = walk.block();
    let has_scratch = bytes >= walk.shape.bytes();
    // A kernel of one tap needs no scratch: columns stand in the part of the output that is not written yet. Where that is too
    // short, for the last pixels, and where pixels are not written one after the other, inputs are widened anew for each
    // channel.
    let in_order = walk.contiguous && sub.columns.step == 1;
    let behind = sub.produce + (walk.shape.bytes() + 3).div_ceil(size_of::<O>().max(1));
    let room = match in_order {
        true => sub.output_elements().checked_sub(behind),
        false => None,
    };
    whole.columns = scratch.cast();
    if has_scratch {
        // SAFETY: the columns have room.
        unsafe { walk.zeros(whole.columns) };
    }
    let mut pairs = sub.pairs();
    while let Some(pixels) = pairs.next(sub) {
        if !has_scratch {
            let [_, second] = pixels;
            if room.is_none_or(|room| second.output > room) {
                in_place(&walk, &whole, pixels, last);
                continue;
            }
            let free = sub.output::<O>(second.output + sub.produce).cast::<u8>();
            whole.columns = free.wrapping_add(free.addr().wrapping_neg() & 3).cast();
            // SAFETY: the columns have room, behind what is written and before the end of the output.
            unsafe { walk.zeros(whole.columns) };
        }
        walk.pair(pixels, &mut whole, last);
    }
}

/// A sub with what all of its pixels share.
struct Walk<'a, T> {
    sub: &'a Sub<'a>,
    shape: Shape,
    contiguous: bool,
    /// Origins from 0 up to here read no padding, along both axes.
    interior: [usize; 2],
    whole_columns: Columns,
    input: PhantomData<T>,
}

/// What the columns of two pixels without padding are built of, in the order in which it is loaded.
#[derive(Clone, Copy)]
#[repr(C)]
struct Columns {
    /// Groups of four of a run, and what is left over of it.
    fours: usize,
    rest: usize,
    runs: usize,
    /// Bytes from the end of a run in the input to the start of the next.
    gap: usize,
    /// The input's zero point for SXTAB16: its negative in both halves.
    offset: u32,
    /// Where the first tap that is left over stands, and how many places are left out before place `last`.
    place: usize,
    last: usize,
    missing: usize,
    /// Bytes before the first group of four.
    before: usize,
}

impl Columns {
    /// Byte offset of a place in the columns: 0 and 2 share a word, 1 and 3.
    #[inline]
    fn at(place: usize) -> usize {
        ((place & !3) + (place & 1)) * 4 + (place & 2)
    }
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
        Columns::at(place) + pixel * 8
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

impl<'a, T: Activation> Walk<'a, T> {
    /// Whether inputs are `u8`.
    const UNSIGNED: bool = T::LEAST == 0;

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
        let shape = Shape {
            runs,
            length,
            fours: length / 4,
            taps: runs * length,
        };
        let (place, last) = (runs * shape.fours * 4, shape.taps & !3);
        Self {
            sub,
            shape,
            contiguous,
            interior: [
                interior(rows, sub.rows.tap_step, sub.height),
                interior(columns, sub.columns.tap_step, sub.width),
            ],
            whole_columns: Columns {
                fours: shape.fours,
                rest: length % 4,
                runs,
                gap: (sub.rows.tap_step * sub.width * sub.pixel).wrapping_sub(length),
                offset: pair(sub.layer.quantisation.input_zero_point.wrapping_neg()),
                place: match place == last {
                    true => place + shape.missing(),
                    false => place,
                },
                last,
                missing: shape.missing(),
                before: 0,
            },
            input: PhantomData,
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
            columns: core::ptr::null_mut(),
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

    /// Whether all taps of a pixel lie inside the input.
    #[inline]
    fn is_interior(&self, pixel: Pixel) -> bool {
        let [rows, columns] = self.interior;
        (pixel.y as usize) < rows && (pixel.x as usize) < columns
    }

    /// The outputs of two pixels. Where `whole.columns` points there is room for the columns, with the zeros of the last group.
    #[inline]
    fn pair<O, F: Fn(usize, i32) -> O>(
        &self,
        pixels: [Pixel; 2],
        whole: &mut Block,
        last: &Last<F>,
    ) {
        let [first, second] = pixels;
        let outputs = pixels.map(|pixel| self.sub.output::<O>(pixel.output));
        if self.contiguous && self.is_interior(first) && self.is_interior(second) {
            // SAFETY: the pixels' taps lie inside the input; the columns hold all of them; `Sub::pairs` for the outputs.
            unsafe {
                self.whole_columns(pixels, whole.columns);
                channels(self.sub, whole, outputs, last);
            }
        } else {
            self.border_columns(pixels, whole);
            // SAFETY: the columns hold what the block says; `Sub::pairs` for the outputs.
            unsafe { channels(self.sub, whole, outputs, last) };
            whole.restore();
        }
    }

    /// The columns of two pixels all of whose taps lie inside the input.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps, and is aligned to 4. 2. The pixels' taps lie inside the input.
    #[inline]
    unsafe fn whole_columns(&self, pixels: [Pixel; 2], scratch: *mut u32) {
        let [first, second] = pixels.map(|pixel| self.sub.source(pixel.y, pixel.x));
        if self.shape.runs > 0 {
            // SAFETY: by 1 and 2; there is a run.
            unsafe { whole_columns::<T>(&self.whole_columns, first, second, scratch) };
        }
    }

    /// The zeros of the last group.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps.
    #[inline]
    unsafe fn zeros(&self, scratch: *mut u32) {
        if !self.shape.taps.is_multiple_of(4) {
            let last = scratch.wrapping_add(self.shape.taps & !3);
            // SAFETY: by 1: the group is in the columns.
            unsafe { last.cast::<[u32; 4]>().write([0; 4]) };
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
        let input = match Self::UNSIGNED {
            true => i16::from(byte),
            false => i16::from(byte as i8),
        };
        input.wrapping_add(self.whole_columns.offset as i16)
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

    /// Columns of pixels of which one reads padding, and of dilated and grouped subs: of all rows of taps or, where runs are
    /// multiples of four, of those that lie inside the input for either pixel.
    #[inline(never)]
    fn border_columns(&self, pixels: [Pixel; 2], block: &mut Block) {
        let Self { sub, shape, .. } = self;
        let inside = pixels.map(|pixel| sub.rows_inside(pixel.y));
        let [a, b] = &inside;
        let mut rows = 0..sub.rows.taps;
        if shape.length % 4 == 0 {
            rows = match (a.is_empty(), b.is_empty()) {
                (true, _) => b.clone(),
                (_, true) => a.clone(),
                _ => Ord::min(a.start, b.start)..Ord::max(a.end, b.end),
            };
            let per_row = match self.contiguous {
                true => shape.fours,
                false => shape.fours * sub.columns.taps,
            };
            let all = block.fours;
            block.fours = per_row * rows.len();
            block.skip = 8 * (all - block.fours);
            block.before = per_row * rows.start;
            block.weights = block.weights.wrapping_add(8 * block.before);
        }
        if self.contiguous && a == b && !a.is_empty() && self.are_inside_across(pixels) {
            // SAFETY: there is room for the columns; the rows of taps `a` lie inside the input.
            unsafe { self.rows_of_columns(pixels, a.clone(), rows, block.columns) };
            return;
        }
        let all = self.contiguous && rows.len() == sub.rows.taps;
        let whole_ones = pixels.map(|pixel| all && self.is_interior(pixel));
        for pixel in pixels
            .into_iter()
            .zip(whole_ones)
            .filter_map(|(pixel, whole)| whole.then_some(pixel))
        {
            // SAFETY: there is room for the columns; the pixel is interior. The other's column is written next.
            unsafe { self.whole_columns([pixel; 2], block.columns) };
        }
        for (number, (pixel, inside)) in pixels.into_iter().zip(inside).enumerate() {
            if whole_ones.get(number) == Some(&false) {
                // SAFETY: 1: there is room for the columns; 2: `inside` are its rows inside.
                unsafe { self.border_column(pixel, number, rows.clone(), inside, block.columns) };
            }
            once();
        }
    }

    /// Whether pixels read no padding left or right.
    #[inline]
    fn are_inside_across(&self, pixels: [Pixel; 2]) -> bool {
        let [_, columns] = self.interior;
        pixels.iter().all(|pixel| (pixel.x as usize) < columns)
    }

    /// Columns of two pixels that read padding above or below alone: of the rows of taps `rows`, those `inside` read the input.
    ///
    /// # Safety
    ///
    /// 1. The columns may be written for `rows`, 2. the taps in `inside` lie inside the input for both pixels.
    unsafe fn rows_of_columns(
        &self,
        pixels: [Pixel; 2],
        inside: Range<usize>,
        rows: Range<usize>,
        scratch: *mut u32,
    ) {
        let Self { sub, shape, .. } = self;
        let step = sub.rows.tap_step;
        let [first, second] = pixels.map(|pixel| {
            let y = pixel.y.wrapping_add((inside.start * step) as isize);
            sub.source(y, pixel.x)
        });
        let mut columns = self.whole_columns;
        columns.runs = inside.len();
        if inside.len() < rows.len() {
            // SAFETY: by 1: `rows` are all then.
            unsafe {
                fill(shape.taps.div_ceil(4), scratch);
                fill(shape.taps.div_ceil(4), scratch.wrapping_add(2));
            }
            columns.before = 16 * shape.fours * inside.start;
            columns.place = shape.left_over(inside.start);
            if columns.place >= columns.last {
                columns.place += columns.missing;
            }
        }
        // SAFETY: by 1 and 2; there is a run.
        unsafe { whole_columns::<T>(&columns, first, second, scratch) };
    }

    /// The column of one pixel, number 0 or 1.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for all taps, and is aligned to 4.
    /// 2. `inside` are the rows of taps that lie inside the input.
    #[inline]
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
        if (first | end | shape.length).is_multiple_of(4) {
            // SAFETY: by 1 and 2.
            unsafe {
                fill(first / 4, to);
                if first < end {
                    let source = source.wrapping_add(first);
                    let offset = self.whole_columns.offset;
                    widen::<T>(source, (end - first) / 4, to.add(first), offset);
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
                    widened(Self::UNSIGNED, self.whole_columns.offset, word),
                    widened(
                        Self::UNSIGNED,
                        self.whole_columns.offset,
                        word.rotate_right(8),
                    ),
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
    sub: &Sub<'_>,
    block: &Block,
    outputs: [*mut O; 2],
    last: &Last<F>,
) {
    let source = InColumns(block.columns);
    // SAFETY: the columns hold `fours` groups and the taps left over (1); weights, biases and records are those of the sub's
    // channels, by the layer's own lengths; the outputs may be written (2).
    unsafe {
        let mut done = 0;
        // Where there is no group of four before them, weights that are left over cannot be loaded as a word.
        let by_pairs = block.pairs > 0 && (block.fours > 0 || block.left_overs == 0);
        if matches!(last, Last::Short(_)) && by_pairs {
            let [first, second] = outputs.map(<*mut O>::cast);
            short_pairs(block, first, second);
            done = 2 * block.pairs;
        }
        if done < sub.produce {
            each_channel::<2, O, F, _>(sub, block, done, outputs, last.function(), source);
        }
    }
}

/// All channels of a group for two pixels of a kernel of one tap, their inputs read where they lie.
#[inline(never)]
fn in_place<T: Activation, O, F: Fn(usize, i32) -> O>(
    walk: &Walk<'_, T>,
    whole: &Block,
    pixels: [Pixel; 2],
    last: &Last<F>,
) {
    let sub = walk.sub;
    // What stands for padding, again and again.
    let zeros = [sub.layer.quantisation.input_zero_point as u8; 4];
    let inside = pixels.map(|pixel| {
        !sub.rows_inside(pixel.y).is_empty() && !sub.columns_inside(pixel.x).is_empty()
    });
    let mut source = InPlace::<T> {
        inputs: pixels.map(|pixel| sub.source(pixel.y, pixel.x)),
        steps: [1; 2],
        offset: walk.whole_columns.offset,
        input: PhantomData,
    };
    for ((input, step), inside) in (source.inputs.iter_mut())
        .zip(&mut source.steps)
        .zip(inside)
    {
        if !inside {
            (*input, *step) = (zeros.as_ptr(), 0);
        }
    }
    let outputs = pixels.map(|pixel| sub.output::<O>(pixel.output));
    let mut done = 0;
    // SAFETY: as in `channels`; inputs inside may be read for the taps of one pixel, zeros for four bytes.
    unsafe {
        let words = whole.pairs > 0 && whole.fours > 0 && whole.left_overs == 0;
        if matches!(last, Last::Short(_)) && words && inside == [true; 2] {
            let [first, second] = source.inputs;
            let pixels = InPlacePixels {
                first,
                second,
                end: first.add(4 * whole.fours),
                offset: source.offset,
            };
            let [first, second] = outputs.map(<*mut O>::cast);
            short_pairs_in_place::<T>(whole, first, second, &pixels);
            done = 2 * whole.pairs;
        }
        if done < sub.produce {
            each_channel::<1, O, F, _>(sub, whole, done, outputs, last.function(), source);
        }
    }
}

/// Two pixels of a kernel of one tap, in the order in which they are loaded.
#[repr(C)]
struct InPlacePixels {
    first: *const u8,
    second: *const u8,
    /// Of the first.
    end: *const u8,
    /// The input's zero point for SXTAB16.
    offset: u32,
}

/// What a block reads and writes, in the order in which it loads them.
#[derive(Clone, Copy)]
#[repr(C)]
struct Block {
    columns: *mut u32,
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
    /// Over all rows of taps again.
    #[inline]
    fn restore(&mut self) {
        self.weights = self.weights.wrapping_sub(8 * self.before);
        self.fours += self.skip / 8;
        (self.skip, self.before) = (0, 0);
    }

    /// Weights of a channel and the bytes from one group of four to the next; those left over.
    #[inline]
    fn weights_of(&self, channel: usize) -> (*const i8, usize, *const i8) {
        let pair = 8 * self.fours + self.skip;
        let left_over = self.left_over.wrapping_add(channel * self.left_overs);
        let weights = self.weights.wrapping_add(channel / 2 * pair);
        match channel / 2 < self.pairs {
            true => (weights.wrapping_add(channel % 2 * 4), 8, left_over),
            // An odd channel stands alone: its groups are half as long.
            false => (weights.wrapping_sub(4 * self.before), 4, left_over),
        }
    }
}

/// The channels from number `first` of the group on, through a function of channel and sum.
///
/// # Safety
///
/// 1. `block` has the weights of all channels, 2. `source` gives as many taps, 3. the outputs of all channels of the group
///    may be written.
#[inline(never)]
unsafe fn each_channel<const TOGETHER: usize, O, F: Fn(usize, i32) -> O, S: Source>(
    sub: &Sub<'_>,
    block: &Block,
    first: usize,
    outputs: [*mut O; 2],
    function: &F,
    source: S,
) {
    let mut channel = first;
    while channel < sub.produce {
        let number = sub.channel + channel;
        let places = outputs.map(|output| output.wrapping_add(channel));
        let bias = |c: usize| sub.layer.bias.get(number + c).copied().unwrap_or(0);
        let with = |c: usize, sums: [i32; 2]| sums.map(|sum| sum.wrapping_add(bias(c)));
        // SAFETY: by 1 and 2; outputs by 3.
        unsafe {
            if TOGETHER == 2 && channel + 1 < sub.produce {
                let [one, two] = dot::<2, S>(block, channel, source);
                finish(places, number, &[with(0, one), with(1, two)], function);
                channel += 2;
            } else {
                let [one] = dot::<1, S>(block, channel, source);
                finish(places, number, &[with(0, one)], function);
                channel += 1;
            }
        }
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
struct InColumns(*mut u32);

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

/// Inputs of two pixels, or zero points that stand for them, with steps of 0.
struct InPlace<T> {
    inputs: [*const u8; 2],
    steps: [usize; 2],
    /// The input's zero point for SXTAB16.
    offset: u32,
    input: PhantomData<T>,
}

impl<T> Clone for InPlace<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for InPlace<T> {}

impl<T: Activation> Source for InPlace<T> {
    #[inline]
    unsafe fn four(&self, four: usize) -> [u32; 4] {
        let ([a, b], [step_a, step_b]) = (self.inputs, self.steps);
        let halves = |input: *const u8| {
            // SAFETY: the caller asks for taps that the pixel has.
            let word = unsafe { input.cast::<u32>().read_unaligned() };
            let word = u32::from_le(word);
            [word, word.rotate_right(8)].map(|word| widened(T::LEAST == 0, self.offset, word))
        };
        let [a0, a1] = halves(a.wrapping_add(4 * four * step_a));
        let [b0, b1] = halves(b.wrapping_add(4 * four * step_b));
        [a0, a1, b0, b1]
    }

    #[inline]
    unsafe fn last(&self, fours: usize, taps: usize) -> [u32; 4] {
        let mut halves = [0; 4];
        for tap in 0..taps {
            once();
            let place = 4 - taps + tap;
            let shift = (place & 2) * 8;
            for (number, (input, step)) in self.inputs.into_iter().zip(self.steps).enumerate() {
                // SAFETY: likewise.
                let byte = unsafe { input.add((4 * fours + tap) * step).read() };
                let input = match T::LEAST == 0 {
                    true => u32::from(byte),
                    false => byte as i8 as u32,
                };
                if let Some(half) = halves.get_mut(2 * number + (place & 1)) {
                    *half |= (input.wrapping_add(self.offset) & 0xffff) << shift;
                }
            }
        }
        halves
    }
}

/// Sums of `C` channels for two pixels, without biases: the block in Rust.
///
/// # Safety
///
/// 1. The block has the weights of `C` channels from `channel` on, two only if they are a pair, 2. `source` as many taps.
#[inline(never)]
unsafe fn dot<const C: usize, S: Source>(
    block: &Block,
    channel: usize,
    source: S,
) -> [[i32; 2]; C] {
    let mut sums = [[0; 2]; C];
    let (mut weights, step, left_over) = block.weights_of(channel);
    // SAFETY: by 1 and 2.
    unsafe {
        for four in 0..block.fours {
            once();
            let columns = source.four(four);
            for (c, sums) in sums.iter_mut().enumerate() {
                let word = weights.add(4 * c).cast::<u32>().read_unaligned();
                multiply(columns, u32::from_le(word), sums);
            }
            weights = weights.add(step);
        }
        if block.left_overs > 0 {
            let columns = source.last(block.fours, block.left_overs);
            let mut weights = left_over;
            for sums in &mut sums {
                let mut word = 0;
                for _ in 0..block.left_overs {
                    once();
                    word = word >> 8 | u32::from(weights.read() as u8) << 24;
                    weights = weights.add(1);
                }
                multiply(columns, word, sums);
            }
        }
    }
    sums
}

/// A group of four taps of two pixels times the weights of one channel.
#[inline]
fn multiply([a0, a1, b0, b1]: [u32; 4], weights: u32, [a, b]: &mut [i32; 2]) {
    let even = widened(false, 0, weights);
    let odd = widened(false, 0, weights.rotate_right(8));
    *a = smlad(a1, odd, smlad(a0, even, *a));
    *b = smlad(b1, odd, smlad(b0, even, *b));
}

/// Twice the low half of a number.
#[inline]
fn pair(value: i32) -> u32 {
    (value as u32 & 0xffff).wrapping_mul(0x1_0001)
}

/// The instructions.
///
/// Functions of assembly alone name their architecture: a compiler that gathers their symbols knows the target's name, not its
/// flags, and of Armv8-M the name does not say that there is a DSP extension.
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

    /// Inputs into groups of four of a column, 16 bytes apart.
    ///
    /// # Safety
    ///
    /// 1. `4·words` inputs may be read, 2. `to` may be written for two words, and so on every four. 3. There is a word.
    #[inline(never)]
    pub(super) unsafe fn widen<T: Activation>(
        source: *const u8,
        words: usize,
        to: *mut u32,
        offset: u32,
    ) {
        macro_rules! widen {
            ($extend:literal) => {
                asm!(
                    "lsrs {n}, {n}, #1",
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
                    s = inout(reg) source => _, d = inout(reg) to => _, o = in(reg) offset,
                    n = inout(reg) words => _, t = out(reg) _, u = out(reg) _,
                    options(nostack)
                )
            };
        }
        // SAFETY: by 1 to 3; loads need no alignment on these cores.
        unsafe {
            if const { T::LEAST == 0 } {
                widen!("uxtab16");
            } else {
                widen!("sxtab16");
            }
        }
    }

    /// The columns of two pixels without padding, from their first taps on.
    ///
    /// # Safety
    ///
    /// 1. The inputs of all runs may be read, 2. `to` may be written for all taps, and is aligned to 4. 3. There is a run.
    #[inline]
    pub(super) unsafe fn whole_columns<T: Activation>(
        columns: &Columns,
        first: *const u8,
        second: *const u8,
        to: *mut u32,
    ) {
        // SAFETY: by 1 to 3.
        unsafe {
            if const { T::LEAST == 0 } {
                whole_unsigned(columns, first, second, to);
            } else {
                whole_signed(columns, first, second, to);
            }
        }
    }

    macro_rules! widen_both {
        ($extend:literal) => {
            concat!(
                "ldr r6, [r1], #4
                 ",
                $extend,
                " r7, r8, r6, ror #8
                 ",
                $extend,
                " r6, r8, r6
                 strd r6, r7, [r12], #8
                 ldr r6, [r2], #4
                 ",
                $extend,
                " r7, r8, r6, ror #8
                 ",
                $extend,
                " r6, r8, r6
                 strd r6, r7, [r12], #8
                "
            )
        };
    }
    macro_rules! whole {
        ($name:ident, $extend:literal, $load:literal) => {
            /// The loop of [`whole_columns`].
            ///
            /// ```text
            /// r0 columns   r1 r2 inputs of A and B   r3 to   r4 runs   r5 counter   r6 r7 temporaries   r8 offset
            /// r9 gap   r10 place   r11 last   r12 groups of four   lr temporary
            /// ```
            #[unsafe(naked)]
            unsafe extern "C" fn $name(
                columns: &Columns,
                first: *const u8,
                second: *const u8,
                to: *mut u32,
            ) {
                naked_asm!(
                    ".arch armv7e-m",
                    concat!(
                        "push {{r4-r11, lr}}
                     ldrd r4, r9, [r0, #8]
                     ldr r8, [r0, #16]
                     ldrd r10, r11, [r0, #20]
                     ldr r12, [r0, #32]
                     add r12, r3
                    1:
                     ldr r5, [r0]
                     lsrs r5, r5, #1
                     bcc 3f
",
                        widen_both!($extend),
                        "3:
                     beq 4f
                    2:
",
                        widen_both!($extend),
                        widen_both!($extend),
                        "subs r5, #1
                     bne 2b
                    4:
                     ldr r5, [r0, #4]
                     cbz r5, 6f
                    5:
",
                        $load,
                        " r6, [r1], #1
                     and lr, r10, #1
                     bic r7, r10, #3
                     add lr, lr, r7
",
                        $load,
                        " r7, [r2], #1
                     add lr, r3, lr, lsl #2
                     add r6, r8
                     add r7, r8
                     tst r10, #2
                     it ne
                     addne lr, #2
                     strh r6, [lr]
                     strh r7, [lr, #8]
                     add r10, #1
                     cmp r10, r11
                     itt eq
                     ldreq r7, [r0, #28]
                     addeq r10, r7
                     subs r5, #1
                     bne 5b
                    6:
                     add r1, r9
                     add r2, r9
                     subs r4, #1
                     bne 1b
                     pop {{r4-r11, pc}}"
                    )
                )
            }
        };
    }
    whole!(whole_signed, "sxtab16", "ldrsb");
    whole!(whole_unsigned, "uxtab16", "ldrb");

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

    // Four sums become outputs; on to the next pair.
    macro_rules! four_outputs {
        () => {
            concat!(
                "str r1, [sp, #4]
                 ldr r9, [sp, #12]
                 ldrd r0, r1, [sp, #36]
                 ldm r9!, {{r2-r7}}
                 str r9, [sp, #12]
                ",
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
                "
            )
        };
    }

    /// The outputs of all pairs of channels, for two pixels.
    ///
    /// # Safety
    ///
    /// 1. `block.columns` has `fours` groups, and another where there are `left_overs`.
    /// 2. `block.weights` has 8 bytes for each group and pair, the pairs `skip` bytes apart.
    /// 3. `block.left_over` has `2·left_overs` bytes for each pair, and 3 readable bytes before.
    /// 4. `bias` and `records` have two for each pair.
    /// 5. Both outputs may be written for two bytes for each pair.
    /// 6. There is at least one pair.
    /// 7. Columns, weights, biases and records are aligned to 4.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn short_pairs(block: &Block, first: *mut i8, second: *mut i8) {
        // The frame: columns 0, weights 4, bias 8, records 12, fours 16, pairs 20, skip 24, left_over 28, left_overs 32,
        // outputs 36 and 40.
        naked_asm!(
            ".arch armv7e-m",
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
            8:",
            four_outputs!(),
            "bne 2b
             add sp, #44
             pop {{r4-r11, pc}}"
        )
    }

    /// As [`short_pairs`], from inputs where they lie.
    ///
    /// # Safety
    ///
    /// 1. Both pixels may be read for `block.fours` groups, of which there is one.
    /// 2. There are no taps left over, and all that [`short_pairs`] asks for but the columns holds.
    #[inline]
    pub(super) unsafe fn short_pairs_in_place<T: Activation>(
        block: &Block,
        first: *mut i8,
        second: *mut i8,
        pixels: &InPlacePixels,
    ) {
        // SAFETY: by 1 and 2.
        unsafe {
            if const { T::LEAST == 0 } {
                in_place_unsigned(block, first, second, pixels);
            } else {
                in_place_signed(block, first, second, pixels);
            }
        }
    }

    macro_rules! four_taps_in_place {
        ($extend:literal) => {
            concat!(
                "ldr r3, [r0], #4
                 ldr r5, [r9], #4
                 ldr r7, [r1], #4
                 ",
                $extend,
                " r4, r2, r3, ror #8
                 ",
                $extend,
                " r3, r2, r3
                 ",
                $extend,
                " r6, r2, r5, ror #8
                 ",
                $extend,
                " r5, r2, r5
                 sxtb16 r8, r7
                 smlad r10, r3, r8, r10
                 smlad r11, r5, r8, r11
                 sxtb16 r7, r7, ror #8
                 smlad r10, r4, r7, r10
                 smlad r11, r6, r7, r11
                 ldr r7, [r1], #4
                 sxtb16 r8, r7
                 smlad r12, r3, r8, r12
                 smlad lr, r5, r8, lr
                 sxtb16 r7, r7, ror #8
                 smlad r12, r4, r7, r12
                 smlad lr, r6, r7, lr
                "
            )
        };
    }
    macro_rules! in_place {
        ($name:ident, $extend:literal) => {
            /// The loop of [`short_pairs_in_place`]. No register is left for the end of the pixel: it is on the stack.
            #[unsafe(naked)]
            unsafe extern "C" fn $name(
                block: &Block,
                first: *mut i8,
                second: *mut i8,
                pixels: &InPlacePixels,
            ) {
                // The frame of `short_pairs`, and first 44, second 48, end 52, offset 56.
                naked_asm!(concat!(
                    "push {{r4-r11, lr}}
                     sub sp, #60
                     mov r12, r3
                     ldm r0, {{r3-r11}}
                     stm sp, {{r3-r11}}
                     strd r1, r2, [sp, #36]
                     mov r1, r4
                     ldm r12, {{r4-r7}}
                     add r12, sp, #44
                     stm r12, {{r4-r7}}
                    2:
                     ldr r9, [sp, #8]
                     ldm r9!, {{r10, r12}}
                     str r9, [sp, #8]
                     ldrd r0, r9, [sp, #44]
                     ldrd r7, r2, [sp, #52]
                     mov r11, r10
                     mov lr, r12
                     sub r7, r0
                     lsls r7, r7, #29
                     bmi 4f
                    3:
                    ",
                    four_taps_in_place!($extend),
                    "4:
                    ",
                    four_taps_in_place!($extend),
                    "ldr r7, [sp, #52]
                     cmp r0, r7
                     bne 3b
                    ",
                    four_outputs!(),
                    "bne 2b
                     add sp, #60
                     pop {{r4-r11, pc}}"
                ))
            }
        };
    }
    in_place!(in_place_signed, "sxtab16");
    in_place!(in_place_unsigned, "uxtab16");
}

/// The same in Rust, for the tests on other machines.
#[cfg(not(conv_isa = "armv7em"))]
mod instructions {
    use super::*;
    use crate::arch::high::short;

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

    pub(super) unsafe fn widen<T: Activation>(
        source: *const u8,
        words: usize,
        to: *mut u32,
        offset: u32,
    ) {
        for index in 0..words {
            // SAFETY: the caller's words.
            unsafe {
                let word = source.add(4 * index).cast::<u32>().read_unaligned();
                let (even, odd) = (u32::from_le(word), u32::from_le(word).rotate_right(8));
                let words = [even, odd].map(|word| widened(T::LEAST == 0, offset, word));
                to.add(4 * index).cast::<[u32; 2]>().write(words);
            }
        }
    }

    pub(super) unsafe fn whole_columns<T: Activation>(
        columns: &Columns,
        first: *const u8,
        second: *const u8,
        to: *mut u32,
    ) {
        let &Columns {
            fours,
            rest,
            runs,
            gap,
            offset,
            ..
        } = columns;
        for (number, mut source) in [first, second].into_iter().enumerate() {
            let mut place = columns.place;
            for run in 0..runs {
                // SAFETY: the caller's inputs and columns.
                unsafe {
                    let to_run = to.add(columns.before / 4 + 4 * run * fours + 2 * number);
                    widen::<T>(source, fours, to_run, offset);
                    source = source.wrapping_add(4 * fours);
                    for _ in 0..rest {
                        let byte = source.read();
                        let input = match T::LEAST == 0 {
                            true => i16::from(byte),
                            false => i16::from(byte as i8),
                        };
                        let at = to.cast::<u8>().add(Columns::at(place) + 8 * number);
                        at.cast::<i16>().write(input.wrapping_add(offset as i16));
                        place += 1;
                        if place == columns.last {
                            place += columns.missing;
                        }
                        source = source.wrapping_add(1);
                    }
                }
                source = source.wrapping_add(gap);
            }
        }
    }

    pub(super) unsafe fn short_pairs(block: &Block, first: *mut i8, second: *mut i8) {
        // SAFETY: the caller's block.
        unsafe { pairs_of(block, first, second, InColumns(block.columns)) };
    }

    pub(super) unsafe fn short_pairs_in_place<T: Activation>(
        block: &Block,
        first: *mut i8,
        second: *mut i8,
        pixels: &InPlacePixels,
    ) {
        let source = InPlace::<T> {
            inputs: [pixels.first, pixels.second],
            steps: [1; 2],
            offset: pixels.offset,
            input: PhantomData,
        };
        // SAFETY: the caller's block and pixels.
        unsafe { pairs_of(block, first, second, source) };
    }

    unsafe fn pairs_of(block: &Block, first: *mut i8, second: *mut i8, source: impl Source) {
        for channel in (0..2 * block.pairs).step_by(2) {
            // SAFETY: the caller's block.
            unsafe {
                let sums = dot::<2, _>(block, channel, source);
                for (c, sums) in sums.into_iter().enumerate() {
                    let channel = channel + c;
                    let (bias, record) =
                        (block.bias.add(channel).read(), &*block.records.add(channel));
                    for (output, sum) in [first, second].into_iter().zip(sums) {
                        output
                            .add(channel)
                            .write(short(sum.wrapping_add(bias), record));
                    }
                }
            }
        }
    }
}
use instructions::{short_pairs, short_pairs_in_place, smlad, whole_columns, widen, widened};

/// Keeps the compiler from unrolling a short loop, whose code would be several times as long.
#[inline]
fn once() {
    #[cfg(conv_isa = "armv7em")]
    // SAFETY: it does nothing.
    unsafe {
        asm!("", options(nomem, nostack, preserves_flags));
    }
}

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
        once();
    }
}
