//! Columns: the inputs under the kernel of two pixels, a word for each tap.

use core::ops::Range;

use crate::arch::layer::{Pixel, Sub};
use crate::arch::packed::interleave;
use crate::quantised::Activation;

/// How the columns of a sub are read.
pub(super) struct Walk<'a> {
    pub(super) sub: &'a Sub<'a>,
    /// What turns a sign-extended byte of the input into the value that stands in columns: nothing, or of `u8` its highest bit.
    flip: i32,
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
    fn is_inside(&self, pixel: &Pixel) -> bool {
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
    pub(super) unsafe fn columns(&self, pixels: &[Pixel; 2], to: *mut u32) {
        if self.sub.taps() == 0 {
            return;
        }
        let [first, second] = pixels;
        if self.flip != 0 || !self.is_inside(first) || !self.is_inside(second) {
            // SAFETY: by 1 and 2.
            unsafe { self.with_padding(pixels, 0..self.length, to) };
            return;
        }
        let sub = self.sub;
        let [mut a, mut b] = [first, second].map(|pixel| sub.source(pixel.y, pixel.x));
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

    /// [`Walk::columns`] where taps may lie outside, or of a kernel of one tap: of every run the elements `span`.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for them, and is aligned to 4. 2. The pixels are the sub's.
    #[inline(never)]
    pub(super) unsafe fn with_padding(
        &self,
        pixels: &[Pixel; 2],
        span: Range<usize>,
        mut to: *mut u32,
    ) {
        let [a, b] = pixels;
        let [mut a, mut b] = [self.edge(a), self.edge(b)];
        let padding = self.zero_point();
        for row in 0..self.sub.rows.taps {
            let (ends_a, ends_b) = (a.ends(row), b.ends(row));
            let mut skip = 0_usize;
            for run in 0..self.runs {
                let mut at = run * self.length + span.start;
                let last = run * self.length + span.end;
                while at < last {
                    let (is_a, end_a) = inside(at, ends_a);
                    let (is_b, end_b) = inside(at, ends_b);
                    let end = Ord::min(Ord::min(end_a, end_b), last);
                    let from = skip.wrapping_add(at);
                    let (from_a, from_b) = (a.input.wrapping_add(from), b.input.wrapping_add(from));
                    let count = end - at;
                    at = end;
                    // SAFETY: elements that lie inside alone are read, and written by 1; the count is not 0.
                    to = unsafe {
                        match (is_a, is_b) {
                            (true, true) if self.flip == 0 => {
                                interleave(from_a, from_b, count, to, 1, 0)
                            }
                            (true, true) => self.both(from_a, from_b, count, to),
                            (true, false) => self.one(from_a, 0, padding << 16, count, to),
                            (false, true) => self.one(from_b, 16, padding, count, to),
                            (false, false) => fill(padding + (padding << 16), count, to),
                        }
                    };
                }
                skip = skip.wrapping_add(self.skip);
            }
            a.input = a.input.wrapping_add(self.row_step);
            b.input = b.input.wrapping_add(self.row_step);
        }
    }

    /// Where a pixel's taps are, and which of them lie inside.
    #[inline(never)]
    fn edge(&self, pixel: &Pixel) -> Edge {
        let sub = self.sub;
        let across = sub.columns_inside(pixel.x);
        Edge {
            input: sub.source(pixel.y, pixel.x),
            rows: sub.rows_inside(pixel.y),
            ends: [across.start * sub.reduce, across.end * sub.reduce],
        }
    }

    /// `count` elements of both pixels, any type of input.
    ///
    /// # Safety
    ///
    /// 1. They may be read. 2. `to` may be written for as many.
    unsafe fn both(
        &self,
        mut a: *const u8,
        mut b: *const u8,
        count: usize,
        mut to: *mut u32,
    ) -> *mut u32 {
        // SAFETY: by 1.
        let value = |input: *const u8| i32::from(unsafe { input.read() } as i8) ^ self.flip;
        let end = to.wrapping_add(count);
        while to != end {
            let word = value(a).wrapping_add(value(b) << 16);
            // SAFETY: by 2.
            unsafe { to.write(word as u32) };
            to = to.wrapping_add(1);
            a = a.wrapping_add(1);
            b = b.wrapping_add(1);
        }
        to
    }

    /// `count` elements of one pixel, shifted to the left, and padding of the other.
    ///
    /// # Safety
    ///
    /// 1. They may be read. 2. `to` may be written for as many.
    unsafe fn one(
        &self,
        mut input: *const u8,
        shift: u32,
        padding: i32,
        count: usize,
        mut to: *mut u32,
    ) -> *mut u32 {
        let end = to.wrapping_add(count);
        while to != end {
            // SAFETY: by 1.
            let value = i32::from(unsafe { input.read() } as i8) ^ self.flip;
            let word = (value << shift).wrapping_add(padding);
            // SAFETY: by 2.
            unsafe { to.write(word as u32) };
            to = to.wrapping_add(1);
            input = input.wrapping_add(1);
        }
        to
    }
}

/// `count` times a word; returns where the next goes.
///
/// # Safety
///
/// 1. `to` may be written for as many.
#[inline(never)]
unsafe fn fill(word: i32, count: usize, mut to: *mut u32) -> *mut u32 {
    let end = to.wrapping_add(count);
    while to != end {
        // SAFETY: by 1.
        unsafe { to.write(word as u32) };
        to = to.wrapping_add(1);
    }
    to
}

/// A pixel at a border.
struct Edge {
    /// The first tap of a row.
    input: *const u8,
    rows: Range<usize>,
    /// Elements of a row of taps, the first that lies inside and the next that does not.
    ends: [usize; 2],
}

impl Edge {
    /// Of a row of taps, the elements that lie inside.
    #[inline]
    fn ends(&self, row: usize) -> [usize; 2] {
        match self.rows.contains(&row) {
            true => self.ends,
            false => [0, 0],
        }
    }
}

/// Whether an element lies inside, and where that changes.
#[inline]
fn inside(at: usize, [first, end]: [usize; 2]) -> (bool, usize) {
    if at < first {
        (false, first)
    } else if at < end {
        (true, end)
    } else {
        (false, usize::MAX)
    }
}
