//! Depthwise layers with one output channel for each input channel: four channels at a time, their taps from a table.
//!
//! Channels lie side by side in inputs and weights alike, so that one table of a pixel's taps serves all of them: where the weights of a
//! tap are, and how far from the pixel's first tap its input is. The taps in the padding come last; of them only the
//! weight is read, since the start of a channel holds the zero point's share of all taps. The table stays as it is while the taps
//! that lie inside do.
//!
//! Kernels of more taps than [`MOST_TAPS`], inputs `u8`, other contracts and the last channels of a number that is no multiple of four take
//! one channel at a time.

use core::ops::Range;

use crate::arch::layer::{Last, Sub};
use crate::arch::packed::{Record, depthwise_quads, once};
use crate::quantised::Activation;

/// Of a kernel of 5×5 taps.
const MOST_TAPS: usize = 25;

/// A tap of a pixel.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Tap {
    /// Weight of the first channel.
    pub(super) weight: *const i8,
    /// Bytes from the pixel's first tap to its input.
    pub(super) offset: usize,
}

/// What a block of depthwise channels reads and writes, in the order in which it loads them.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Quads {
    pub(super) taps: *const Tap,
    /// The end of the taps that lie inside, and of those that lie in the padding.
    pub(super) inside: *const Tap,
    pub(super) end: *const Tap,
    /// The pixel's first tap.
    pub(super) input: *const i8,
    pub(super) starts: *const i32,
    pub(super) records: *const Record,
    pub(super) output: *mut i8,
    pub(super) zero_point: i32,
    /// Fours of channels.
    pub(super) count: usize,
}

/// Runs a depthwise layer: `sub` has its channels as those of one group.
#[inline(never)]
pub(crate) fn run_depthwise<T: Activation, O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    last: &Last<F>,
) {
    let taps = sub.rows.taps * sub.columns.taps;
    let quads = match last {
        Last::Short(_) if T::LEAST < 0 && taps <= MOST_TAPS => sub.produce / 4,
        _ => 0,
    };
    if quads > 0 {
        fours(sub, quads);
    }
    if 4 * quads < sub.produce {
        each_channel::<T, O, F>(sub, 4 * quads, last.function());
    }
}

/// Where the weights of the first channel and tap are in the kernel's own order, and from one tap to the next, by rows and by columns.
fn weights(sub: &Sub<'_>) -> (*const i8, [isize; 2]) {
    let plan = sub.layer.plan;
    let ((first_row, row_step), (first_column, column_step)) =
        (plan.rows.weights(), plan.columns.weights());
    let first = sub
        .layer
        .kernel
        .as_ptr()
        .wrapping_add(first_row + first_column);
    (first, [row_step, column_step])
}

/// Distances of inputs from one tap to the next, by rows and by columns.
fn steps(sub: &Sub<'_>) -> [usize; 2] {
    [
        sub.rows.tap_step * sub.width * sub.pixel,
        sub.columns.tap_step * sub.pixel,
    ]
}

/// The first `quads` fours of channels of all pixels.
#[inline(never)]
fn fours(sub: &Sub<'_>, quads: usize) {
    let mut table = [const {
        Tap {
            weight: core::ptr::null(),
            offset: 0,
        }
    }; MOST_TAPS];
    let mut filled = None;
    let mut block = Quads {
        taps: table.as_ptr(),
        inside: table.as_ptr(),
        end: table.as_ptr(),
        input: core::ptr::null(),
        starts: sub.layer.bias.as_ptr(),
        records: sub.layer.records.as_ptr(),
        output: core::ptr::null_mut(),
        zero_point: sub.layer.quantisation.input_zero_point,
        count: quads,
    };
    let (rows, columns) = (&sub.rows, &sub.columns);
    let line = sub.layer.plan.columns.target;
    let mut y = rows.origin;
    for row in 0..rows.targets {
        let inside = sub.rows_inside(y);
        let mut x = columns.origin;
        for column in 0..columns.targets {
            let taps = [inside.clone(), sub.columns_inside(x)];
            if filled.as_ref() != Some(&taps) {
                let count = fill(sub, &taps, &mut table);
                block.taps = table.as_ptr();
                block.inside = block.taps.wrapping_add(count);
                block.end = block.taps.wrapping_add(rows.taps * columns.taps);
                filled = Some(taps);
            }
            block.input = sub.source(y, x).cast();
            block.output = sub.output::<i8>((row * line + column) * sub.produce);
            // SAFETY: 1: the table has these taps, the first of which lie inside the input, for all channels; 2: `starts` and `records`
            // have one for each channel; 3: the outputs of the pixel's channels; 4: they are not none.
            unsafe { depthwise_quads(&block) };
            x = x.wrapping_add(columns.origin_step as isize);
        }
        y = y.wrapping_add(rows.origin_step as isize);
    }
}

/// A table of taps: those in the rows and columns named, then the others. Returns how many are the first.
#[inline(never)]
fn fill(sub: &Sub<'_>, inside: &[Range<usize>; 2], table: &mut [Tap; MOST_TAPS]) -> usize {
    let [rows, columns] = inside;
    let (first, [row_step, column_step]) = weights(sub);
    let [down, across] = steps(sub);
    let count = rows.len() * columns.len();
    let (head, tail) = table.split_at_mut(Ord::min(count, MOST_TAPS));
    let (mut head, mut tail) = (head.iter_mut(), tail.iter_mut());
    for row in 0..sub.rows.taps {
        for column in 0..sub.columns.taps {
            let next = match rows.contains(&row) && columns.contains(&column) {
                true => head.next(),
                false => tail.next(),
            };
            let (y, x) = (row as isize, column as isize);
            let weight = y
                .wrapping_mul(row_step)
                .wrapping_add(x.wrapping_mul(column_step));
            if let Some(tap) = next {
                *tap = Tap {
                    weight: first.wrapping_offset(weight),
                    offset: row * down + column * across,
                };
            }
            once();
        }
    }
    count
}

/// The channels from number `from` on of all pixels, one at a time.
#[inline(never)]
fn each_channel<T: Activation, O, F: Fn(usize, i32) -> O>(
    sub: &Sub<'_>,
    from: usize,
    function: &F,
) {
    let (rows, columns) = (&sub.rows, &sub.columns);
    let line = sub.layer.plan.columns.target;
    let mut y = rows.origin;
    for row in 0..rows.targets {
        let down = sub.rows_inside(y);
        let mut x = columns.origin;
        for column in 0..columns.targets {
            let across = sub.columns_inside(x);
            let input = sub.source(y, x);
            for channel in from..sub.produce {
                // SAFETY: 1, 2: taps of `rows_inside` and `columns_inside`, of one of the channels.
                let sum = unsafe { sum::<T>(sub, input, [&down, &across], channel) };
                let output = sub.output::<O>((row * line + column) * sub.produce + channel);
                // SAFETY: it is an output of the layer.
                unsafe { output.write(function(channel, sum)) };
            }
            x = x.wrapping_add(columns.origin_step as isize);
        }
        y = y.wrapping_add(rows.origin_step as isize);
    }
}

/// The sum of a channel for the pixel whose first tap is at `input`.
///
/// # Safety
///
/// 1. The taps `inside` may be read, 2. there is such a channel.
#[inline(never)]
unsafe fn sum<T: Activation>(
    sub: &Sub<'_>,
    input: *const u8,
    [rows, columns]: [&Range<usize>; 2],
    channel: usize,
) -> i32 {
    let zero_point = sub.layer.quantisation.input_zero_point;
    let (first, [row_step, column_step]) = weights(sub);
    let [down, across] = steps(sub);
    let mut sum = sub.layer.bias.get(channel).copied().unwrap_or(0);
    let mut weight_row = first.wrapping_add(channel);
    let mut input_row = input.wrapping_add(channel);
    for row in 0..sub.rows.taps {
        let (mut weight, mut input) = (weight_row, input_row);
        for column in 0..sub.columns.taps {
            let value = if rows.contains(&row) && columns.contains(&column) {
                // SAFETY: by 1.
                let byte = unsafe { input.read() };
                match T::LEAST {
                    0 => i32::from(byte),
                    _ => i32::from(byte as i8),
                }
            } else {
                zero_point
            };
            // SAFETY: by 2, one of the kernel's.
            let product = value.wrapping_mul(i32::from(unsafe { weight.read() }));
            sum = sum.wrapping_add(product);
            weight = weight.wrapping_offset(column_step);
            input = input.wrapping_add(across);
            once();
        }
        weight_row = weight_row.wrapping_offset(row_step);
        input_row = input_row.wrapping_add(down);
    }
    sum
}
