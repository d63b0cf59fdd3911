//! Armv8.1-M with integer Helium (Cortex-M55, M85): VMLADAVA multiplies 16 pairs of bytes and adds all products to one sum, so
//! that two channels of two pixels take 9 instructions for 16 taps, 64 multiply-accumulates.
//!
//! # Columns
//!
//! The inputs under the kernel of a pixel, as bytes, in the order of its weights. Padding is the zero point, so that a sum
//! starts at `bias − zero_point·Σweight`: of a direct layer a constant ([`FOLDED`]), of a transposed one, where that depends on
//! the phase, computed once for each phase ahead of its pixels, into the scratch.
//!
//! ```text
//! scratch:   starts of a transposed layer, 4 bytes a channel │ column of pixel A │ column of pixel B
//! ```
//!
//! A pixel whose window is one run of bytes in the input, such as that of every kernel of one tap, is its own column. Inputs `u8`
//! are copied in any case: with their highest bit turned they are `i8`, less 128 (see [`shift`]).
//!
//! # Weights
//!
//! In the order of the kernel; of transposed layers by phases, each as the kernel of a direct layer. Depthwise kernels stay
//! as they are: neighbours are neighbouring channels already.
//!
//! # The block
//!
//! Sums of up to [`CHUNK`] channels of two pixels stand on the stack. `products` writes what they start with and adds the products,
//! two channels a round, and `requantise` makes outputs of four channels at once, without a remainder in Rust: the loops of
//! both are predicated (DLSTP, LETP), the last round having fewer lanes.
//!
//! ```text
//! products:    r0 r1 columns   r2 r3 weights   q0 q1 columns   q2 q3 weights
//!              r4 r6 sums of pixel A   r8 r10 of B   r5 distance of channels   r7 sums   r9 taps   r11 weights   r12 rounds
//! requantise:  q7 addresses of four records   q0 q1 q2 multipliers, offsets, shifts   q3 q4 sums   q5 q6 clamp
//! ```
//!
//! # Depthwise
//!
//! 16 channels of a pixel at a time, `depthwise_signed`: inputs less the zero point and weights are widened as they are loaded
//! (VLDRB.S16), multiplied by VMULLB and VMULLT, whose even and odd lanes VLD2 and VST2 take apart and put together. Taps in the
//! padding are left out. There is no scratch.
//!
//! # Requantisation
//!
//! [`Double`](crate::requantise::Double): VQRDMULH is its doubling high multiplication `h`. Adding `c = 2^(r−1) + (zero point << r)`
//! and the sign of the sum for halves away from zero, `(h + c + sign) >> r` is the output. Exact where `1 ≤ r ≤ 22` and
//! `|sum| < 2³⁰`: see [`is_short`].

#[cfg(conv_isa = "mve")]
use core::arch::naked_asm;
use core::ops::Range;

use crate::arch::layer::{Last, Layer, Pixel, Sub};
use crate::arch::order::{Order, PartTaps, Runs};
use crate::engine::Plan;
use crate::engine::part::Part;
use crate::quantised::{Activation, QuantOperation};
use crate::requantise::Multiplier;

/// Two pixels, a byte each.
pub(crate) const CELL_BYTES: usize = 2;
/// Where a channel's sums start.
pub(crate) const START_BYTES: usize = 4;
/// Columns are raw bytes.
pub(crate) const FOLDED: bool = true;
/// [`requantise`] does.
pub(crate) const CLAMPS: bool = true;

/// Channels whose sums are on the stack together: `2·4·CHUNK` bytes.
const CHUNK: usize = 16;

/// Bytes of a column at a time, where there is no scratch for it.
const PIECE: usize = 32;

/// What [`Double`](crate::requantise::Double) needs of a channel.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    multiplier: i32,
    /// `2^(right − 1) + (output zero point << right)`.
    offset: i32,
    /// `−right`.
    left: i32,
}

impl Record {
    pub(crate) const fn new(scale: Multiplier, output_zero_point: i32) -> Self {
        let offset = match scale.shift {
            -22..=-1 => {
                let right = scale.shift.unsigned_abs();
                (1 << (right - 1)) + output_zero_point.wrapping_shl(right)
            }
            _ => 0,
        };
        Self {
            multiplier: scale.multiplier,
            offset,
            left: scale.shift,
        }
    }

    /// The scale.
    #[inline]
    pub(crate) const fn scale(&self) -> Multiplier {
        Multiplier {
            multiplier: self.multiplier,
            shift: self.left,
        }
    }
}

/// Whether the short form gives the bits of [`Double`](crate::requantise::Double) for every sum up to `greatest`.
pub(crate) const fn is_short(scale: Multiplier, greatest: u64) -> bool {
    scale.multiplier >= 0 && scale.shift <= -1 && scale.shift >= -22 && greatest < 1 << 30
}

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
            let mut channel = 0;
            while channel < order.produce {
                at = pack_channel(order, &rows, &columns, channel, from, to, at);
                channel += 1;
            }
            column_part += 1;
        }
        row_part += 1;
    }
}

/// The weights of one part and output channel; returns where the next begin.
const fn pack_channel(
    order: &Order,
    rows: &PartTaps,
    columns: &PartTaps,
    channel: usize,
    from: &[i8],
    to: &mut [i8],
    mut at: usize,
) -> usize {
    let runs = Runs::new(order, *rows, *columns);
    let mut run = 0;
    while run < runs.count {
        let (_, slot) = to.split_at_mut(at);
        let (slot, _) = slot.split_at_mut(runs.length);
        runs.copy(channel, run, 0, from, slot);
        at += runs.length;
        run += 1;
    }
    at
}

/// Some channels of two pixels: what [`products`] and [`requantise`] read and write.
#[repr(C)]
struct Block {
    /// The channels' sums, of pixel A and of B.
    sums: [[i32; CHUNK]; 2],
    columns: [*const u8; 2],
    /// Of the next channels.
    weights: *const i8,
    /// From the weights of one channel to those of the next.
    stride: usize,
    taps: usize,
    /// Where the next channels' sums start. Null where they continue.
    starts: *const i32,
    /// Channels that are left.
    left: usize,
    /// Channels whose sums these are.
    count: usize,
    /// Of the next channels.
    records: *const Record,
    outputs: [*mut i8; 2],
    clamp: [i32; 2],
}

impl Block {
    fn new(sub: &Sub<'_>) -> Self {
        let quantisation = sub.layer.quantisation;
        Self {
            sums: [[0; CHUNK]; 2],
            columns: [core::ptr::null(); 2],
            weights: core::ptr::null(),
            stride: sub.taps(),
            taps: sub.taps(),
            starts: core::ptr::null(),
            left: 0,
            count: 0,
            records: core::ptr::null(),
            outputs: [core::ptr::null_mut(); 2],
            clamp: [
                Ord::max(quantisation.low, -128),
                Ord::min(quantisation.high, 127),
            ],
        }
    }

    /// Sets it to the first channels of two pixels.
    #[inline]
    fn rewind<O>(&mut self, sub: &Sub<'_>, pixels: [Pixel; 2], starts: *const i32) {
        self.weights = sub.layer.kernel.as_ptr().wrapping_add(sub.weights);
        self.starts = starts;
        self.left = sub.produce;
        self.records = sub.layer.records.as_ptr().wrapping_add(sub.channel);
        self.outputs = pixels.map(|pixel| sub.output::<O>(pixel.output).cast());
    }
}

/// Runs a sub.
#[inline(never)]
pub(crate) fn run_sub<T: Activation, O, F: Fn(usize, i32) -> O>(sub: &Sub<'_>, last: &Last<F>) {
    let mut block = Block::new(sub);
    let (scratch, bytes) = sub.scratch();
    let is_transposed = matches!(sub.layer.operation, QuantOperation::ConvTranspose);
    let starts_bytes = match is_transposed {
        true => START_BYTES * sub.produce,
        false => 0,
    };
    let has_scratch = bytes >= starts_bytes + CELL_BYTES * block.taps;
    let columns = scratch.wrapping_add(starts_bytes);
    let windows = Windows::new::<T>(sub);
    let mut starts = sub.layer.bias.as_ptr().wrapping_add(sub.channel);
    if is_transposed && has_scratch {
        // SAFETY: 1, 2: the scratch has room, and is aligned.
        unsafe { write_starts(sub, &windows, columns, &mut block, scratch.cast()) };
        starts = scratch.cast();
    }
    let mut pairs = sub.pairs();
    while let Some(pixels) = pairs.next(sub) {
        if has_scratch {
            // SAFETY: 1: the scratch has room.
            block.columns = unsafe { windows.columns(pixels, columns) };
        } else {
            block.columns = pixels.map(|pixel| windows.in_place(pixel));
            if is_transposed || block.columns.iter().any(|column| column.is_null()) {
                without_scratch(&windows, pixels, &mut block, last);
                continue;
            }
        }
        block.rewind::<O>(sub, pixels, starts);
        while block.left > 0 {
            // SAFETY: 1: columns have the sub's taps; weights, starts and records are those of its channels. 2: outputs are those
            // of `Sub::pairs`.
            unsafe {
                products(&mut block);
                finish(sub, pixels, &mut block, last);
            }
        }
    }
}

/// What is the same for all windows of a sub: the inputs under the kernel of a pixel.
struct Windows<'a> {
    sub: &'a Sub<'a>,
    /// Windows that begin at rows and columns `0..` these lie inside the input.
    inside: [usize; 2],
    /// Whether those are one run of bytes, as columns want them.
    are_runs: bool,
    /// The bits that columns have turned.
    flip: u8,
    /// The copy of a window inside the input, of one of its rows where its taps are runs of their own.
    copy: Copy,
}

impl<'a> Windows<'a> {
    fn new<T: Activation>(sub: &'a Sub<'a>) -> Self {
        let (rows, columns) = (&sub.rows, &sub.columns);
        let flip = match T::LEAST {
            0 => 0x80,
            _ => 0,
        };
        let is_contiguous = sub.is_contiguous();
        let line = rows.tap_step * sub.width * sub.pixel;
        let copy = match is_contiguous {
            true => Copy {
                bytes: columns.taps * sub.reduce,
                source_step: line,
                step: columns.taps * sub.reduce,
                flip: u32::from(flip),
            },
            false => Copy {
                bytes: sub.reduce,
                source_step: columns.tap_step * sub.pixel,
                step: sub.reduce,
                flip: u32::from(flip),
            },
        };
        Self {
            sub,
            inside: inside(sub),
            are_runs: flip == 0
                && match is_contiguous {
                    true => rows.taps == 1 || line == columns.taps * sub.reduce,
                    false => rows.taps == 1 && columns.taps == 1,
                },
            flip,
            copy,
        }
    }

    /// The byte that stands for padding in columns.
    #[inline]
    fn padding(&self) -> u8 {
        self.sub.layer.quantisation.input_zero_point as u8 ^ self.flip
    }

    /// Bytes whose sum is `−zero_point` of columns, which itself may be no byte.
    fn shares(&self) -> [u8; 2] {
        let share = -i32::from(self.padding() as i8);
        let half = share / 2;
        [half as u8, (share - half) as u8]
    }

    /// Where a pixel's window lies in the input as its column, else null.
    #[inline]
    fn in_place(&self, pixel: Pixel) -> *const u8 {
        match self.are_runs && is_inside(self.inside, pixel) {
            true => self.sub.source(pixel.y, pixel.x),
            false => core::ptr::null(),
        }
    }

    /// The columns of two pixels: their inputs in place, or copies in the scratch.
    ///
    /// # Safety
    ///
    /// 1. `scratch` may be written for the taps of two pixels.
    #[inline]
    unsafe fn columns(&self, pixels: [Pixel; 2], scratch: *mut u8) -> [*const u8; 2] {
        let [first, second] = pixels;
        // SAFETY: by 1.
        unsafe {
            let column = self.column(first, scratch);
            if first.output == second.output {
                return [column; 2];
            }
            [
                column,
                self.column(second, scratch.wrapping_add(self.sub.taps())),
            ]
        }
    }

    /// The column of a pixel.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for the taps of a pixel.
    #[inline]
    unsafe fn column(&self, pixel: Pixel, to: *mut u8) -> *const u8 {
        let sub = self.sub;
        if !is_inside(self.inside, pixel) || (!self.are_runs && !sub.is_contiguous()) {
            // SAFETY: by 1.
            unsafe { self.write(pixel, to) };
            return to;
        }
        let source = sub.source(pixel.y, pixel.x);
        if self.are_runs {
            return source;
        }
        if sub.rows.taps > 0 && self.copy.bytes > 0 {
            // SAFETY: 1: as here; 2: the window lies inside the input.
            unsafe { copy_runs(&self.copy, to, source, sub.rows.taps) };
        }
        to
    }

    /// Writes the column of any pixel.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for the taps of a pixel.
    #[inline(never)]
    unsafe fn write(&self, pixel: Pixel, to: *mut u8) {
        let sub = self.sub;
        let (rows, columns) = (sub.rows_inside(pixel.y), sub.columns_inside(pixel.x));
        let (height, width) = (sub.rows.taps, sub.columns.taps);
        if rows.len() < height || columns.len() < width {
            // SAFETY: by 1.
            unsafe { fill(to, sub.taps(), self.padding()) };
        }
        if rows.is_empty() || columns.is_empty() || sub.reduce == 0 {
            return;
        }
        let mut to = to.wrapping_add((rows.start * width + columns.start) * sub.reduce);
        let mut source = first_input(sub, pixel, &rows, &columns);
        let mut copy = self.copy;
        // SAFETY: rows and columns of taps lie inside the input, at distances of `source_step`, and in the column.
        unsafe {
            if sub.is_contiguous() {
                copy.bytes = columns.len() * sub.reduce;
                return copy_runs(&copy, to, source, rows.len());
            }
            for _ in rows {
                copy_runs(&copy, to, source, columns.len());
                source = source.wrapping_add(sub.rows.tap_step * sub.width * sub.pixel);
                to = to.wrapping_add(width * sub.reduce);
            }
        }
    }
}

/// Windows that begin at rows and columns `0..` these lie inside the input.
fn inside(sub: &Sub<'_>) -> [usize; 2] {
    let [height, width] = [(&sub.rows, sub.height), (&sub.columns, sub.width)].map(
        |(part, extent): (&Part, usize)| {
            extent.saturating_sub(part.taps.saturating_sub(1) * part.tap_step)
        },
    );
    [height, width]
}

/// Whether a pixel's window is one of those.
#[inline]
fn is_inside([height, width]: [usize; 2], pixel: Pixel) -> bool {
    // Positions before 0 are far beyond as `usize`.
    (pixel.y as usize) < height && (pixel.x as usize) < width
}

/// Runs of bytes, from the input into a column.
#[derive(Clone, Copy)]
#[repr(C)]
struct Copy {
    bytes: usize,
    source_step: usize,
    step: usize,
    flip: u32,
}

/// `bias − zero_point·Σweight` of a transposed layer's channels, by two columns that are constant.
///
/// # Safety
///
/// 1. `columns` may be written for the taps of two pixels.
/// 2. `starts` may be written for the channels of a group, and is aligned.
#[inline(never)]
unsafe fn write_starts(
    sub: &Sub<'_>,
    windows: &Windows<'_>,
    columns: *mut u8,
    block: &mut Block,
    starts: *mut i32,
) {
    let taps = sub.taps();
    let second = columns.wrapping_add(taps);
    let [half, other] = windows.shares();
    // SAFETY: by 1.
    unsafe {
        fill(columns, taps, half);
        fill(second, taps, other);
    }
    let mut biases = sub.layer.bias.iter().skip(sub.channel);
    block.columns = [columns, second];
    block.weights = sub.layer.kernel.as_ptr().wrapping_add(sub.weights);
    block.starts = sub.layer.bias.as_ptr().wrapping_add(sub.channel);
    block.left = sub.produce;
    let mut to = starts;
    while block.left > 0 {
        // SAFETY: 1: the columns have just been written.
        unsafe { products(block) };
        let [first, second] = &block.sums;
        let sums = first.iter().zip(second).take(block.count);
        for ((first, second), bias) in sums.zip(&mut biases) {
            // SAFETY: by 2.
            unsafe { to.write(first.wrapping_add(*second).wrapping_sub(*bias)) };
            to = to.wrapping_add(1);
        }
    }
}

/// The input of the first of some rows and columns of taps.
#[inline]
fn first_input(
    sub: &Sub<'_>,
    pixel: Pixel,
    rows: &Range<usize>,
    columns: &Range<usize>,
) -> *const u8 {
    let y = (rows.start * sub.rows.tap_step) as isize;
    let x = (columns.start * sub.columns.tap_step) as isize;
    sub.source(pixel.y.wrapping_add(y), pixel.x.wrapping_add(x))
}

/// A pair of pixels of a kernel of one tap, where there is no scratch: pieces of columns on the stack.
#[inline(never)]
fn without_scratch<O, F: Fn(usize, i32) -> O>(
    windows: &Windows<'_>,
    pixels: [Pixel; 2],
    block: &mut Block,
    last: &Last<F>,
) {
    let sub = windows.sub;
    let taps = sub.taps();
    let inputs = pixels.map(|pixel| match is_inside(windows.inside, pixel) {
        true => sub.source(pixel.y, pixel.x),
        false => core::ptr::null(),
    });
    block.rewind::<O>(
        sub,
        pixels,
        sub.layer.bias.as_ptr().wrapping_add(sub.channel),
    );
    let (mut weights, mut starts, mut left) = (block.weights, block.starts, block.left);
    while left > 0 {
        let count = Ord::min(left, CHUNK);
        block.starts = starts;
        let mut first = 0;
        // At least one piece, if an empty one, for the starts.
        loop {
            block.taps = Ord::min(taps - first, PIECE);
            block.weights = weights.wrapping_add(first);
            // SAFETY: inputs have the taps of the piece; weights and starts are those of `count` channels.
            unsafe { add_piece(windows, inputs, first, count, block) };
            first += block.taps;
            if first >= taps {
                break;
            }
        }
        weights = weights.wrapping_add(count * taps);
        starts = starts.wrapping_add(count);
        left -= count;
        block.left = left;
        // SAFETY: outputs are those of `Sub::pairs`.
        unsafe { finish(sub, pixels, block, last) };
    }
    block.taps = taps;
}

/// Adds the products of `block.taps` taps of two pixels from number `first` on, for `count` channels; of a transposed layer with
/// the share of the zero point.
///
/// # Safety
///
/// 1. `inputs` may be read for these taps, if they are not null: padding.
/// 2. `block` has weights and starts of at least `count` channels, at most [`CHUNK`], and at most [`PIECE`] taps.
unsafe fn add_piece(
    windows: &Windows<'_>,
    inputs: [*const u8; 2],
    first: usize,
    count: usize,
    block: &mut Block,
) {
    let mut columns = [[windows.padding(); PIECE]; 2];
    let copy = Copy {
        bytes: block.taps,
        ..windows.copy
    };
    for (column, input) in columns.iter_mut().zip(inputs) {
        if !input.is_null() && copy.bytes > 0 {
            let source = input.wrapping_add(first);
            // SAFETY: 1: here; 2: by 1, and a column has room.
            unsafe { copy_runs(&copy, column.as_mut_ptr(), source, 1) };
        }
    }
    let weights = block.weights;
    let mut add = |columns: [*const u8; 2]| {
        block.weights = weights;
        block.columns = columns;
        block.left = count;
        // SAFETY: 1: by 2, for columns of `PIECE` bytes.
        unsafe { products(block) };
        block.starts = core::ptr::null();
    };
    add(columns.each_ref().map(|column| column.as_ptr()));
    if matches!(windows.sub.layer.operation, QuantOperation::ConvTranspose) {
        for share in windows.shares() {
            let column = [share; PIECE];
            add([column.as_ptr(); 2]);
        }
    }
}

/// The outputs of the channels whose sums are in `block`.
///
/// # Safety
///
/// 1. These are channels of the sub, `block.left` from the end.
/// 2. Their outputs may be written for both pixels.
#[inline]
unsafe fn finish<O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    pixels: [Pixel; 2],
    block: &mut Block,
    last: &Last<F>,
) {
    match last {
        // SAFETY: by 1 and 2; outputs of the short form are `i8`.
        Last::Short(_) => unsafe { requantise(block) },
        Last::General(function) => {
            let channel = sub.produce - block.left - block.count;
            for (pixel, sums) in pixels.into_iter().zip(&block.sums) {
                let output = sub.output::<O>(pixel.output + channel);
                for (index, &sum) in sums.iter().take(block.count).enumerate() {
                    let value = function(sub.channel + channel + index, sum);
                    // SAFETY: by 2.
                    unsafe { output.add(index).write(value) };
                }
            }
        }
    }
}

/// Runs a depthwise layer.
#[inline(never)]
pub(crate) fn run_depthwise<T: Activation, O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    last: &Last<F>,
) {
    let inside = inside(sub);
    let mut window = Window::new(sub);
    let weights = window.weights;
    // Without corrections biases are as they were given: then inputs are less the zero point everywhere.
    let is_folded = !sub.layer.correction.is_empty();
    let mut pairs = sub.pairs();
    while let Some([first, second]) = pairs.next(sub) {
        let mut pixel = first;
        loop {
            if is_folded && is_inside(inside, pixel) {
                window.input = sub.source(pixel.y, pixel.x);
                window.weights = weights;
                window.columns = sub.columns.taps;
                window.rows = sub.rows.taps;
                window.zero_point = 0;
                window.corrections = core::ptr::null();
            } else {
                window.cut(sub, pixel);
            }
            window.starts = sub.layer.bias.as_ptr();
            window.left = sub.produce;
            // SAFETY: 1: the window has inputs, weights, starts and records of the layer's channels; 2: outputs are those of
            // `Sub::pairs`.
            unsafe {
                match last {
                    Last::Short(_) => {
                        window.records = sub.layer.records.as_ptr();
                        window.output = sub.output::<i8>(pixel.output);
                        depthwise::<T>(&mut window);
                    }
                    Last::General(function) => {
                        apart::<T, O, F>(sub, pixel, &mut window, function);
                    }
                }
            }
            // The last pixel of an odd number is its own neighbour.
            if pixel.output == second.output {
                break;
            }
            pixel = second;
        }
    }
}

/// The channels of a pixel through a function of channel and sum.
///
/// # Safety
///
/// 1. `window` is one of the sub's, without records. 2. Outputs of the pixel may be written.
unsafe fn apart<T: Activation, O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    pixel: Pixel,
    window: &mut Window,
    function: &F,
) {
    let mut channel = 0;
    while window.left > 0 {
        // SAFETY: by 1.
        unsafe { depthwise::<T>(window) };
        for &sum in window.sums.iter().take(window.count) {
            let output = sub.output::<O>(pixel.output + channel);
            // SAFETY: by 2.
            unsafe { output.write(function(channel, sum)) };
            channel += 1;
        }
    }
}

/// See [`depthwise_signed`].
///
/// # Safety
///
/// 1. As there.
#[inline]
unsafe fn depthwise<T: Activation>(window: &mut Window) {
    // SAFETY: by 1.
    unsafe {
        match T::LEAST {
            0 => depthwise_unsigned(window),
            _ => depthwise_signed(window),
        }
    }
}

/// The taps of a depthwise kernel that lie inside the input, and what becomes of their sums.
#[repr(C)]
struct Window {
    /// Of the next channels.
    input: *const u8,
    weights: *const i8,
    /// From one tap to the next.
    input_step: isize,
    weight_step: isize,
    /// From one row of taps to the next.
    input_line: isize,
    weight_line: isize,
    /// What inputs are less. 0 where all taps are inside: then it is in the starts.
    zero_point: i32,
    columns: usize,
    rows: usize,
    /// Of the next channels.
    starts: *const i32,
    /// What starts are less, or null.
    corrections: *const i32,
    /// Channels that are left.
    left: usize,
    /// Channels whose sums these are.
    count: usize,
    /// Of the next channels. Null where sums are wanted, not outputs.
    records: *const Record,
    output: *mut i8,
    /// So that sums are where the functions look for them.
    reserved: [u32; 2],
    sums: [i32; LANES],
    /// Where four records are, from one record before them.
    offsets: [i32; 4],
    low: [i32; 4],
    high: [i32; 4],
}

/// Depthwise channels at a time.
const LANES: usize = 16;

impl Window {
    fn new(sub: &Sub<'_>) -> Self {
        let (plan, quantisation) = (sub.layer.plan, sub.layer.quantisation);
        let (row_weight, weight_line) = plan.rows.weights();
        let (column_weight, weight_step) = plan.columns.weights();
        let weight = row_weight + column_weight;
        Self {
            input: core::ptr::null(),
            weights: sub.layer.kernel.as_ptr().wrapping_add(weight),
            input_step: (sub.columns.tap_step * sub.pixel) as isize,
            weight_step,
            input_line: (sub.rows.tap_step * sub.width * sub.pixel) as isize,
            weight_line,
            zero_point: 0,
            columns: 0,
            rows: 0,
            starts: core::ptr::null(),
            corrections: core::ptr::null(),
            left: 0,
            count: 0,
            records: core::ptr::null(),
            output: core::ptr::null_mut(),
            reserved: [0; 2],
            sums: [0; LANES],
            offsets: [-48, -36, -24, -12],
            low: [Ord::max(quantisation.low, -128); 4],
            high: [Ord::min(quantisation.high, 127); 4],
        }
    }

    /// Sets it to the taps of a pixel that lie inside the input.
    #[inline(never)]
    fn cut(&mut self, sub: &Sub<'_>, pixel: Pixel) {
        let (rows, columns) = (sub.rows_inside(pixel.y), sub.columns_inside(pixel.x));
        let (row_weight, _) = sub.layer.plan.rows.weights();
        let (column_weight, _) = sub.layer.plan.columns.weights();
        let weight = (row_weight + column_weight)
            .wrapping_add_signed(self.weight_line.wrapping_mul(rows.start as isize))
            .wrapping_add_signed(self.weight_step.wrapping_mul(columns.start as isize));
        self.input = first_input(sub, pixel, &rows, &columns);
        self.weights = sub.layer.kernel.as_ptr().wrapping_add(weight);
        self.zero_point = sub.layer.quantisation.input_zero_point;
        self.corrections = match sub.layer.correction {
            [] => core::ptr::null(),
            corrections => corrections.as_ptr(),
        };
        // Neither or both.
        self.rows = match columns.is_empty() {
            true => 0,
            false => rows.len(),
        };
        self.columns = columns.len();
    }
}

/// The instructions.
#[cfg(conv_isa = "mve")]
mod instructions {
    use super::*;

    // What the functions know of the types.
    const _: () = {
        assert!(CHUNK == 16 && size_of::<Record>() == 12);
        assert!(core::mem::offset_of!(Block, columns) == 128);
        assert!(core::mem::offset_of!(Block, clamp) == 172);
        assert!(
            core::mem::offset_of!(Window, starts) == 36
                && core::mem::offset_of!(Window, sums) == 68
        );
    };

    // `.cpu`: what is naked is assembled for the target's own instructions, not for those of the flags.

    /// Takes the next channels, at most [`CHUNK`] of those that are left, and sums up their products for both pixels.
    ///
    /// # Safety
    ///
    /// 1. At least one channel is left. `block` has `taps` bytes of two columns, as many weights every `stride`, and starts, if
    ///    they are not null, for all of them.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn products(block: &mut Block) {
        // The frame: columns 0 and 4, block 8. r2 is the number of channels, r12 two less than those that are left of it: of an odd
        // last channel the round multiplies it twice, into its own sums and those of a channel that is not there.
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r0, r4-r11, lr}}
             ldr r4, [r0, #152]
             movs r2, #16
             cmp r4, r2
             it lo
             movlo r2, r4
             subs r4, r4, r2
             strd r4, r2, [r0, #152]
             ldr r3, [r0, #148]
             cbz r3, 3f
             mov r7, r0
             dlstp.32 lr, r2
            2:
             vldrw.u32 q0, [r3], #16
             vstrw.32 q0, [r7, #64]
             vstrw.32 q0, [r7], #16
             letp lr, 2b
             str r3, [r0, #148]
            3:
             ldrd r5, r9, [r0, #140]
             cmp r9, #0
             beq 9f
             mov r7, r0
             ldr r11, [r0, #136]
             ldrd r0, r1, [r0, #128]
             push {{r0, r1}}
             subs r12, r2, #2
             blo 6f
            4:
             ldrd r4, r6, [r7]
             ldrd r8, r10, [r7, #64]
             ldrd r0, r1, [sp]
             mov r2, r11
             add r3, r11, r5
             add r11, r3, r5
             dlstp.8 lr, r9
            5:
             vldrb.u8 q0, [r0], #16
             vldrb.u8 q2, [r2], #16
             vmladava.s8 r4, q0, q2
             vldrb.u8 q1, [r1], #16
             vmladava.s8 r8, q1, q2
             vldrb.u8 q3, [r3], #16
             vmladava.s8 r6, q0, q3
             vmladava.s8 r10, q1, q3
             letp lr, 5b
             strd r8, r10, [r7, #64]
             strd r4, r6, [r7], #8
             subs r12, #2
             bhs 4b
            6:
             adds r12, #1
             it eq
             moveq r5, #0
             beq 4b
             ldr r0, [sp, #8]
             str r11, [r0, #136]
             add sp, #8
            9:
             pop {{r0, r4-r11, pc}}"
        )
    }

    /// The short form of [`Double`](crate::requantise::Double), clamped, for the channels of both pixels whose sums are in the
    /// block; the block then has records and outputs of the next.
    ///
    /// # Safety
    ///
    /// 1. There is at least one. `block` has records of them, and outputs that may be written.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn requantise(block: &mut Block) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r7, r8, lr}}
             vpush {{d8-d15}}
             add r1, r0, #156
             ldm r1, {{r1, r4-r8}}
             movs r2, #0
             vidup.u32 q7, r2, #4
             vdup.32 q5, r7
             movs r2, #3
             vdup.32 q6, r8
             vmul.i32 q7, q7, r2
             sub r3, r4, #48
             vadd.i32 q7, q7, r3
             mov r3, r0
             dlstp.32 lr, r1
            2:
             vldrw.u32 q0, [q7, #48]!
             vldrw.u32 q3, [r3, #64]
             vldrw.u32 q1, [q7, #4]
             vqrdmulh.s32 q4, q3, q0
             vshr.s32 q3, q3, #31
             vadd.i32 q4, q4, q1
             vldrw.u32 q2, [q7, #8]
             vadd.i32 q4, q4, q3
             vldrw.u32 q3, [r3], #16
             vshl.s32 q4, q4, q2
             vqrdmulh.s32 q0, q3, q0
             vmax.s32 q4, q4, q5
             vshr.s32 q3, q3, #31
             vmin.s32 q4, q4, q6
             vadd.i32 q0, q0, q1
             vstrb.32 q4, [r6], #4
             vadd.i32 q0, q0, q3
             vshl.s32 q0, q0, q2
             vmax.s32 q0, q0, q5
             vmin.s32 q0, q0, q6
             vstrb.32 q0, [r5], #4
             letp lr, 2b
             add r4, #192
             add r1, r0, #160
             stm r1, {{r4-r6}}
             vpop {{d8-d15}}
             pop {{r4-r7, r8, pc}}"
        )
    }

    /// Writes `count` bytes.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for them.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn fill(to: *mut u8, count: usize, byte: u8) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r7, lr}}
             vdup.8 q0, r2
             wlstp.8 lr, r1, 3f
            2:
             vstrb.8 q0, [r0], #16
             letp lr, 2b
            3:
             pop {{r7, pc}}"
        )
    }

    /// Copies runs of bytes and turns some of their bits.
    ///
    /// # Safety
    ///
    /// 1. There is at least one run of at least one byte.
    /// 2. `source` may be read for `copy.bytes` bytes every `copy.source_step`, `to` written every `copy.step`.
    #[unsafe(naked)]
    pub(super) unsafe extern "C" fn copy_runs(
        copy: &Copy,
        to: *mut u8,
        source: *const u8,
        runs: usize,
    ) {
        naked_asm!(
            ".cpu cortex-m55",
            "push {{r4-r7, lr}}
             ldm r0, {{r4-r7}}
             vdup.8 q1, r7
            2:
             mov r0, r1
             mov r7, r2
             dlstp.8 lr, r4
            3:
             vldrb.u8 q0, [r7], #16
             veor q0, q0, q1
             vstrb.8 q0, [r0], #16
             letp lr, 3b
             add r1, r6
             add r2, r5
             subs r3, #1
             bne 2b
             pop {{r4-r7, pc}}"
        )
    }

    /// A depthwise kernel's function for inputs of one type: its name, and the type that widens them as they are loaded.
    macro_rules! depthwise {
        ($name:ident, $type:literal) => {
            /// The outputs of all channels of a pixel; without records the sums of the next [`LANES`].
            ///
            /// # Safety
            ///
            /// 1. At least one channel is left. `window` has inputs and weights of its taps, starts, corrections, and records and
            ///    outputs, for all of them, where they are not null.
            #[unsafe(naked)]
            pub(super) unsafe extern "C" fn $name(window: &mut Window) {
                // r4 to r7 steps, r8 zero point, r9 columns, r10 rows, r11 sums, r12 channels left; the window at 64 bytes.
                naked_asm!(
                    ".cpu cortex-m55",
                    "push {{r0, r4-r11, lr}}
                     vpush {{d8-d15}}
                     ldrd r4, r5, [r0, #8]
                     ldrd r6, r7, [r0, #16]
                     ldrd r8, r9, [r0, #24]
                    20:
                     ldr lr, [sp, #64]
                     ldrd r2, r3, [lr, #36]
                     ldr r12, [lr, #44]
                     cmp r12, #16
                     blo 21f
                     vld20.32 {{q4, q5}}, [r2]
                     vld21.32 {{q4, q5}}, [r2]!
                     vld20.32 {{q6, q7}}, [r2]
                     vld21.32 {{q6, q7}}, [r2]!
                     cbz r3, 23f
                     vld20.32 {{q0, q1}}, [r3]
                     vld21.32 {{q0, q1}}, [r3]!
                     vld20.32 {{q2, q3}}, [r3]
                     vld21.32 {{q2, q3}}, [r3]!
                     vsub.i32 q4, q4, q0
                     vsub.i32 q5, q5, q1
                     vsub.i32 q6, q6, q2
                     vsub.i32 q7, q7, q3
                     b 23f
                    21:
                     add r11, lr, #68
                     mov r0, lr
                     dlstp.32 lr, r12
                    22:
                     vldrw.u32 q0, [r2], #16
                     cbz r3, 30f
                     vldrw.u32 q1, [r3], #16
                     vsub.i32 q0, q0, q1
                    30:
                     vstrw.32 q0, [r11], #16
                     letp lr, 22b
                     mov lr, r0
                     add r11, lr, #68
                     vld20.32 {{q4, q5}}, [r11]
                     vld21.32 {{q4, q5}}, [r11]!
                     vld20.32 {{q6, q7}}, [r11]
                     vld21.32 {{q6, q7}}, [r11]
                    23:
                     strd r2, r3, [lr, #36]
                     ldrd r0, r1, [lr]
                     ldr r10, [lr, #32]
                     add r2, r0, #16
                     add r3, r1, #16
                     strd r2, r3, [lr]
                     cmp r10, #0
                     beq 29f
                     cmp r12, #16
                     blo 33f
                     cmp r8, #0
                     bne 25f
                    24:
                     mov r2, r0
                     mov r3, r1
                     dls lr, r9
                    2:",
                    concat!("vldrb.", $type, " q0, [r2]"),
                    "vldrb.s16 q1, [r3]
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1",
                    concat!("vldrb.", $type, " q0, [r2, #8]"),
                    "vldrb.s16 q1, [r3, #8]
                     vadd.i32 q4, q4, q2
                     vadd.i32 q5, q5, q3
                     add r2, r4
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1
                     add r3, r5
                     vadd.i32 q6, q6, q2
                     vadd.i32 q7, q7, q3
                     le lr, 2b
                     add r0, r6
                     add r1, r7
                     subs r10, #1
                     bne 24b
                     b 29f
                    25:
                     mov r2, r0
                     mov r3, r1
                     dls lr, r9
                    26:",
                    concat!("vldrb.", $type, " q0, [r2]"),
                    "vldrb.s16 q1, [r3]
                     vsub.i16 q0, q0, r8
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1",
                    concat!("vldrb.", $type, " q0, [r2, #8]"),
                    "vldrb.s16 q1, [r3, #8]
                     vadd.i32 q4, q4, q2
                     vadd.i32 q5, q5, q3
                     vsub.i16 q0, q0, r8
                     add r2, r4
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1
                     add r3, r5
                     vadd.i32 q6, q6, q2
                     vadd.i32 q7, q7, q3
                     le lr, 26b
                     add r0, r6
                     add r1, r7
                     subs r10, #1
                     bne 25b
                     b 29f
                    33:
                     subs r11, r12, #8
                     it lo
                     movlo r11, #0
                    27:
                     mov r2, r0
                     mov r3, r1
                     dls lr, r9
                    28:
                     vctp.16 r12
                     vpstt",
                    concat!("vldrbt.", $type, " q0, [r2]"),
                    "vldrbt.s16 q1, [r3]
                     vsub.i16 q0, q0, r8
                     vctp.16 r11
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1
                     vpstt",
                    concat!("vldrbt.", $type, " q0, [r2, #8]"),
                    "vldrbt.s16 q1, [r3, #8]
                     vadd.i32 q4, q4, q2
                     vadd.i32 q5, q5, q3
                     vsub.i16 q0, q0, r8
                     add r2, r4
                     vmullb.s16 q2, q0, q1
                     vmullt.s16 q3, q0, q1
                     add r3, r5
                     vadd.i32 q6, q6, q2
                     vadd.i32 q7, q7, q3
                     le lr, 28b
                     add r0, r6
                     add r1, r7
                     subs r10, #1
                     bne 27b
                    29:
                     ldr lr, [sp, #64]
                     add r0, lr, #68
                     mov r3, r0
                     vst20.32 {{q4, q5}}, [r3]
                     vst21.32 {{q4, q5}}, [r3]!
                     vst20.32 {{q6, q7}}, [r3]
                     vst21.32 {{q6, q7}}, [r3]
                     mov r3, #16
                     subs r12, #16
                     itt lo
                     addlo r3, r12
                     movlo r12, #0
                     strd r12, r3, [lr, #44]
                     ldrd r1, r2, [lr, #52]
                     cbz r1, 32f
                     vldrw.u32 q4, [lr, #132]
                     vldrw.u32 q5, [lr, #148]
                     vldrw.u32 q6, [lr, #164]
                     vadd.i32 q4, q4, r1
                     add r1, #192
                     dlstp.32 lr, r3
                    31:
                     vldrw.u32 q1, [q4, #48]!
                     vldrw.u32 q0, [r0], #16
                     vldrw.u32 q2, [q4, #4]
                     vqrdmulh.s32 q1, q0, q1
                     vshr.s32 q0, q0, #31
                     vadd.i32 q1, q1, q2
                     vldrw.u32 q3, [q4, #8]
                     vadd.i32 q1, q1, q0
                     vshl.s32 q1, q1, q3
                     vmax.s32 q1, q1, q5
                     vmin.s32 q1, q1, q6
                     vstrb.32 q1, [r2], #4
                     letp lr, 31b
                     ldr lr, [sp, #64]
                     strd r1, r2, [lr, #52]
                     cmp r12, #0
                     bne.w 20b
                    32:
                     vpop {{d8-d15}}
                     pop {{r0, r4-r11, pc}}"
                )
            }
        };
    }
    depthwise!(depthwise_signed, "s16");
    depthwise!(depthwise_unsigned, "u16");
}

/// The same in Rust, for the tests on other machines.
#[cfg(not(conv_isa = "mve"))]
mod instructions {
    use super::*;

    /// Takes the next channels.
    fn take(block: &mut Block) {
        block.count = Ord::min(block.left, CHUNK);
        block.left -= block.count;
    }

    pub(super) unsafe fn products(block: &mut Block) {
        take(block);
        let &mut Block {
            weights,
            stride,
            taps,
            starts,
            count,
            ..
        } = block;
        for (sums, column) in block.sums.iter_mut().zip(block.columns) {
            for (channel, sum) in sums.iter_mut().take(count).enumerate() {
                // SAFETY: the caller's starts, columns and weights.
                unsafe {
                    if !starts.is_null() {
                        *sum = starts.add(channel).read();
                    }
                    for tap in 0..taps {
                        let input = column.add(tap).cast::<i8>().read();
                        let weight = weights.add(channel * stride + tap).read();
                        *sum = sum.wrapping_add(i32::from(input) * i32::from(weight));
                    }
                }
            }
        }
        if !starts.is_null() {
            block.starts = starts.wrapping_add(count);
        }
        block.weights = weights.wrapping_add(count * stride);
    }

    /// The output of a sum.
    fn short(sum: i32, record: Record, [low, high]: [i32; 2]) -> i8 {
        let product = i64::from(sum) * i64::from(record.multiplier);
        let doubled = ((product + (1 << 30)) >> 31) as i32;
        let sum = doubled.wrapping_add(record.offset).wrapping_add(sum >> 31);
        let rounded = sum >> (record.left.unsigned_abs() & 31);
        Ord::min(Ord::max(rounded, low), high) as i8
    }

    pub(super) unsafe fn requantise(block: &mut Block) {
        for (output, sums) in block.outputs.iter_mut().zip(&block.sums) {
            for (channel, &sum) in sums.iter().take(block.count).enumerate() {
                // SAFETY: the caller's records and outputs.
                unsafe {
                    let record = block.records.add(channel).read();
                    output.write(short(sum, record, block.clamp));
                }
                *output = output.wrapping_add(1);
            }
        }
        block.records = block.records.wrapping_add(block.count);
    }

    pub(super) unsafe fn fill(to: *mut u8, count: usize, byte: u8) {
        // SAFETY: the caller's bytes.
        unsafe { to.write_bytes(byte, count) };
    }

    pub(super) unsafe fn copy_runs(copy: &Copy, to: *mut u8, source: *const u8, runs: usize) {
        for run in 0..runs {
            for byte in 0..copy.bytes {
                // SAFETY: the caller's runs.
                unsafe {
                    let value = source.add(run * copy.source_step + byte).read();
                    let to = to.add(run * copy.step + byte);
                    to.write(value ^ copy.flip as u8);
                }
            }
        }
    }

    /// One sum of a window, its inputs widened by `widen`.
    unsafe fn sum(window: &Window, channel: usize, widen: impl Fn(u8) -> i32) -> i32 {
        // SAFETY: the caller's starts and corrections.
        let mut sum = unsafe {
            let start = window.starts.add(channel).read();
            match window.corrections.is_null() {
                true => start,
                false => start.wrapping_sub(window.corrections.add(channel).read()),
            }
        };
        for row in 0..window.rows as isize {
            for column in 0..window.columns as isize {
                let input = row * window.input_line + column * window.input_step;
                let weight = row * window.weight_line + column * window.weight_step;
                // SAFETY: the caller's window.
                unsafe {
                    let input = window.input.offset(input).add(channel).read();
                    let weight = window.weights.offset(weight).add(channel).read();
                    let product = (widen(input) - window.zero_point) * i32::from(weight);
                    sum = sum.wrapping_add(product);
                }
            }
        }
        sum
    }

    unsafe fn depthwise(window: &mut Window, widen: impl Fn(u8) -> i32 + core::marker::Copy) {
        loop {
            window.count = Ord::min(window.left, LANES);
            window.left -= window.count;
            for channel in 0..window.count {
                // SAFETY: the caller's window, records and outputs.
                unsafe {
                    let sum = sum(window, channel, widen);
                    if let Some(place) = window.sums.get_mut(channel) {
                        *place = sum;
                    }
                    if !window.records.is_null() {
                        let record = window.records.add(channel).read();
                        window.output.add(channel).write(short(
                            sum,
                            record,
                            [window.low[0], window.high[0]],
                        ));
                    }
                }
            }
            window.input = window.input.wrapping_add(LANES);
            window.weights = window.weights.wrapping_add(LANES);
            window.starts = window.starts.wrapping_add(LANES);
            if !window.corrections.is_null() {
                window.corrections = window.corrections.wrapping_add(LANES);
            }
            if window.records.is_null() || window.left == 0 {
                return;
            }
            window.records = window.records.wrapping_add(LANES);
            window.output = window.output.wrapping_add(LANES);
        }
    }

    pub(super) unsafe fn depthwise_signed(window: &mut Window) {
        // SAFETY: as the caller's.
        unsafe { depthwise(window, |byte| i32::from(byte as i8)) };
    }

    pub(super) unsafe fn depthwise_unsigned(window: &mut Window) {
        // SAFETY: as the caller's.
        unsafe { depthwise(window, i32::from) };
    }
}
use instructions::{copy_runs, depthwise_signed, depthwise_unsigned, fill, products, requantise};
