//! Columns: the inputs under the kernel of two pixels, a word for each tap.

use core::ops::Range;

use crate::arch::layer::{Pixel, Sub};
use crate::arch::packed::interleave;
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
        if self.sub.taps() == 0 {
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
    unsafe fn with_padding(&self, [first, second]: [Pixel; 2], mut to: *mut u32) {
        let sub = self.sub;
        let (mut a, mut b) = (Edge::of(sub, first), Edge::of(sub, second));
        for row in 0..sub.rows.taps {
            let (one, two) = (a.row(row), b.row(row));
            // SAFETY: each run lies within the taps, and reads inputs inside alone.
            unsafe {
                if self.runs == 1 {
                    to = self.run(one.of(sub.reduce), two.of(sub.reduce), to);
                } else {
                    let step = self.skip.wrapping_add(self.length);
                    for tap in 0..self.runs {
                        let (one, two) = (one.tap(tap, step), two.tap(tap, step));
                        to = self.run(one.of(self.length), two.of(self.length), to);
                    }
                }
            }
            a.input = a.input.wrapping_add(self.row_step);
            b.input = b.input.wrapping_add(self.row_step);
        }
    }

    /// A run of either pixel; returns where the next starts.
    ///
    /// # Safety
    ///
    /// 1. The elements that lie inside may be read. 2. `to` may be written for the run.
    #[inline(never)]
    unsafe fn run(&self, a: Inside, b: Inside, mut to: *mut u32) -> *mut u32 {
        let padding = self.zero_point();
        let mut at = 0;
        while at < self.length {
            let (input_a, end_a) = a.piece(at, self.length);
            let (input_b, end_b) = b.piece(at, self.length);
            let end = Ord::min(end_a, end_b);
            let count = end - at;
            // SAFETY: by 1 and 2; the count is not 0.
            to = unsafe {
                match (input_a, input_b) {
                    (Some(a), Some(b)) if self.flip == 0 => interleave(a, b, count, to, 1, 0),
                    (Some(a), Some(b)) => self.both(a, b, count, to),
                    (Some(a), None) => self.one(a, 0, padding << 16, count, to),
                    (None, Some(b)) => self.one(b, 16, padding, count, to),
                    (None, None) => fill(padding.wrapping_add(padding << 16), count, to),
                }
            };
            at = end;
        }
        to
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
unsafe fn fill(word: i32, count: usize, mut to: *mut u32) -> *mut u32 {
    let end = to.wrapping_add(count);
    while to != end {
        // SAFETY: by 1.
        unsafe { to.write(word as u32) };
        to = to.wrapping_add(1);
    }
    to
}

/// Where a pixel's first tap of a row is, and which of its taps lie inside.
struct Edge {
    input: *const u8,
    rows: Range<usize>,
    across: Range<usize>,
}

impl Edge {
    #[inline]
    fn of(sub: &Sub<'_>, pixel: Pixel) -> Self {
        Self {
            input: sub.source(pixel.y, pixel.x),
            rows: sub.rows_inside(pixel.y),
            across: sub.columns_inside(pixel.x),
        }
    }

    /// Of a row of taps.
    #[inline]
    fn row(&self, row: usize) -> Inside {
        let (first, end) = match self.rows.contains(&row) {
            true => (self.across.start, self.across.end),
            false => (0, 0),
        };
        Inside {
            input: self.input,
            first,
            end,
        }
    }
}

/// A run of a pixel, and which of its taps or elements lie inside.
#[derive(Clone, Copy)]
struct Inside {
    input: *const u8,
    first: usize,
    end: usize,
}

impl Inside {
    /// By elements, so many a tap.
    #[inline]
    fn of(self, elements: usize) -> Self {
        Self {
            first: self.first * elements,
            end: self.end * elements,
            ..self
        }
    }

    /// One tap, `step` bytes from one to the next, as a run of its own.
    #[inline]
    fn tap(self, tap: usize, step: usize) -> Self {
        Self {
            input: self.input.wrapping_add(tap * step),
            first: 0,
            end: usize::from(self.first <= tap && tap < self.end),
        }
    }

    /// From element `at` on: what lies inside, or nothing, and where that changes.
    #[inline]
    fn piece(&self, at: usize, length: usize) -> (Option<*const u8>, usize) {
        if at < self.first {
            (None, self.first)
        } else if at < self.end {
            (Some(self.input.wrapping_add(at)), self.end)
        } else {
            (None, length)
        }
    }
}
