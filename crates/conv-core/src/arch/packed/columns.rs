//! Columns: the inputs under the kernel of two pixels, a word for each tap.

use crate::arch::layer::{Pixel, Sub};
use crate::arch::packed::{interleave, is_all};
use crate::quantised::Activation;

/// How the columns of a sub are read.
pub(super) struct Walk<'a> {
    sub: &'a Sub<'a>,
    /// What turns a sign-extended byte of the input into the value that stands in columns: nothing, or of `u8` its highest bit.
    pub(super) flip: i32,
    /// Runs of taps that lie side by side, of one row of taps: elements of each, their number, and from one's end to the next's start.
    length: usize,
    runs: usize,
    skip: usize,
    /// From one row of taps to the next, in bytes.
    row_step: usize,
    /// Positions from the first tap to the last.
    reach: [usize; 2],
}

impl<'a> Walk<'a> {
    pub(super) fn of<T: Activation>(sub: &'a Sub<'a>) -> Self {
        let columns = sub.columns;
        let (length, runs, step) = match sub.is_contiguous() {
            true => (columns.taps * sub.reduce, 1, 0),
            false => (sub.reduce, columns.taps, columns.tap_step * sub.pixel),
        };
        let reach = [sub.rows, columns].map(|part| part.taps.saturating_sub(1) * part.tap_step);
        Self {
            sub,
            flip: if T::LEAST == 0 { -128 } else { 0 },
            length,
            runs,
            skip: step.wrapping_sub(length),
            row_step: sub.rows.tap_step * sub.width * sub.pixel,
            reach,
        }
    }

    /// The zero point of what stands in columns.
    #[inline]
    pub(super) fn zero_point(&self) -> i32 {
        let byte = self.sub.layer.quantisation.input_zero_point as u8;
        i32::from(byte as i8) ^ self.flip
    }

    /// Whether all taps of a pixel lie inside the input.
    #[inline]
    fn is_inside(&self, pixel: Pixel) -> bool {
        let [rows, columns] = self.reach;
        let inside = |first: isize, reach: usize, extent: usize| {
            first >= 0 && first.unsigned_abs() + reach < extent
        };
        inside(pixel.y, rows, self.sub.height) && inside(pixel.x, columns, self.sub.width)
    }

    /// Columns of two pixels.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for all taps of the sub, and is aligned to 4. 2. The pixels are the sub's.
    pub(super) unsafe fn columns(&self, pixels: [Pixel; 2], to: *mut u32) {
        if self.length == 0 || self.sub.rows.taps == 0 {
            return;
        }
        let [first, second] = pixels;
        if self.flip != 0 || !self.is_inside(first) || !self.is_inside(second) {
            // SAFETY: by 1 and 2.
            unsafe { self.with_padding(pixels, to) };
            return;
        }
        let sub = self.sub;
        let [mut a, mut b] = pixels.map(|pixel| sub.source(pixel.y, pixel.x));
        if self.runs == 1 {
            // Rows of taps are as runs of one row.
            let skip = self.row_step.wrapping_sub(self.length);
            // SAFETY: all taps lie inside the input; by 1.
            unsafe { interleave(a, b, self.length, to, sub.rows.taps, skip) };
            return;
        }
        let mut to = to;
        for _ in 0..sub.rows.taps {
            // SAFETY: likewise.
            to = unsafe { interleave(a, b, self.length, to, self.runs, self.skip) };
            a = a.wrapping_add(self.row_step);
            b = b.wrapping_add(self.row_step);
        }
    }

    /// [`Walk::columns`] where taps may lie outside.
    #[inline(never)]
    unsafe fn with_padding(&self, pixels: [Pixel; 2], mut to: *mut u32) {
        let sub = self.sub;
        let zero_point = sub.layer.quantisation.input_zero_point as u8;
        let rows = pixels.map(|pixel| sub.rows_inside(pixel.y));
        let across = pixels.map(|pixel| sub.columns_inside(pixel.x));
        let [mut a, mut b] = pixels.map(|pixel| sub.source(pixel.y, pixel.x));
        let [all_a, all_b] = [0, 1].map(|pixel| is_all(&across[pixel], sub.columns.taps));
        for row in 0..sub.rows.taps {
            let [in_a, in_b] = [0, 1].map(|pixel| rows[pixel].contains(&row));
            // SAFETY: each piece lies within the taps of the row, and reads inputs inside alone.
            unsafe {
                if in_a && in_b && all_a && all_b && self.flip == 0 {
                    to = interleave(a, b, self.length, to, self.runs, self.skip);
                } else if self.runs == 1 {
                    // Taps of either pixel that lie inside.
                    let bounds = |pixel: usize, inside: bool| match inside {
                        true => {
                            [across[pixel].start, across[pixel].end].map(|tap| tap * sub.reduce)
                        }
                        false => [self.length; 2],
                    };
                    to = self.pieces(a, b, bounds(0, in_a), bounds(1, in_b), &zero_point, to);
                } else {
                    for tap in 0..self.runs {
                        let bounds = |pixel: usize, inside: bool| match inside
                            && across[pixel].contains(&tap)
                        {
                            true => [0, self.length],
                            false => [self.length; 2],
                        };
                        let offset = tap * self.skip.wrapping_add(self.length);
                        let (a, b) = (a.wrapping_add(offset), b.wrapping_add(offset));
                        to = self.pieces(a, b, bounds(0, in_a), bounds(1, in_b), &zero_point, to);
                    }
                }
            }
            a = a.wrapping_add(self.row_step);
            b = b.wrapping_add(self.row_step);
        }
    }

    /// A run of which the elements `first..end` of either pixel lie inside; returns where the next starts.
    ///
    /// # Safety
    ///
    /// 1. The elements that lie inside may be read. 2. `to` may be written for the run.
    #[inline(never)]
    unsafe fn pieces(
        &self,
        a: *const u8,
        b: *const u8,
        [first_a, end_a]: [usize; 2],
        [first_b, end_b]: [usize; 2],
        zero_point: &u8,
        mut to: *mut u32,
    ) -> *mut u32 {
        let padding = (&raw const *zero_point, 0);
        let mut at = 0;
        while at < self.length {
            let piece = |input: *const u8, first: usize, end: usize| {
                if at < first {
                    (padding, first)
                } else if at < end {
                    ((input.wrapping_add(at), 1), end)
                } else {
                    (padding, self.length)
                }
            };
            let (a, end_a) = piece(a, first_a, end_a);
            let (b, end_b) = piece(b, first_b, end_b);
            let end = Ord::min(end_a, end_b);
            // SAFETY: by 1 and 2.
            to = unsafe { self.fill(a, b, end - at, to) };
            at = end;
        }
        to
    }

    /// `count` elements of either pixel, each with the distance from one to the next.
    ///
    /// # Safety
    ///
    /// 1. They may be read. 2. `to` may be written.
    #[inline]
    unsafe fn fill(
        &self,
        (mut a, step_a): (*const u8, usize),
        (mut b, step_b): (*const u8, usize),
        count: usize,
        mut to: *mut u32,
    ) -> *mut u32 {
        // SAFETY: by 1; there is at least one.
        let value = |input: *const u8| i32::from(unsafe { input.read() } as i8) ^ self.flip;
        let end = to.wrapping_add(count);
        while to != end {
            let word = value(a).wrapping_add(value(b) << 16);
            // SAFETY: by 2.
            unsafe { to.write(word as u32) };
            to = to.wrapping_add(1);
            a = a.wrapping_add(step_a);
            b = b.wrapping_add(step_b);
        }
        to
    }
}
