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
    /// Rows of taps that are multiplied, none if they have no taps.
    rows: Range<usize>,
    /// Positions from a pixel's first tap to the first of these rows.
    first: isize,
    /// The first positions of the first of these taps, by rows and by columns, for which the last lies outside.
    limits: [usize; 2],
    /// The rows of the pixels that these are for.
    at: [isize; 2],
}

impl<'a> Walk<'a> {
    /// Before [`Walk::turn_to`], without rows.
    pub(super) fn of<T: Activation>(sub: &'a Sub<'a>) -> Self {
        let columns = sub.columns;
        let (length, runs, step) = match sub.is_contiguous() {
            true => (columns.taps * sub.reduce, 1, 0),
            false => (sub.reduce, columns.taps, columns.tap_step * sub.pixel),
        };
        Self {
            sub,
            flip: if T::LEAST == 0 { -128 } else { 0 },
            length,
            runs,
            skip: step.wrapping_sub(length),
            row_step: sub.rows.tap_step * sub.width * sub.pixel,
            rows: 0..0,
            first: 0,
            limits: [0, limit(sub.width, columns.taps, columns.tap_step)],
            at: [isize::MIN; 2],
        }
    }

    /// Whether pixels lie in the rows that the walk has turned to.
    #[inline]
    pub(super) fn is_at(&self, [first, second]: &[Pixel; 2]) -> bool {
        self.at == [first.y, second.y]
    }

    /// Turns to other rows of pixels, and may leave out the rows of taps that lie in the padding for both; says whether other
    /// rows of taps are multiplied than before. The weights of rows that are left out need to be whole groups.
    pub(super) fn turn_to(&mut self, [first, second]: &[Pixel; 2], leaves_out: bool) -> bool {
        let sub = self.sub;
        self.at = [first.y, second.y];
        let rows = match leaves_out {
            true => {
                let (a, b) = (sub.rows_inside(first.y), sub.rows_inside(second.y));
                Ord::min(a.start, b.start)..Ord::max(a.end, b.end)
            }
            false => 0..sub.rows.taps,
        };
        if rows == self.rows || self.row() == 0 {
            return false;
        }
        let step = sub.rows.tap_step;
        self.first = (rows.start * step) as isize;
        self.limits[0] = limit(sub.height, count(&rows), step);
        self.rows = rows;
        true
    }

    /// Weights of a row of taps.
    #[inline]
    pub(super) fn row(&self) -> usize {
        self.runs * self.length
    }

    /// The taps that are multiplied: the first, and how many.
    #[inline]
    pub(super) fn taps(&self) -> (usize, usize) {
        (self.rows.start * self.row(), count(&self.rows) * self.row())
    }

    /// The zero point of what stands in columns.
    #[inline]
    pub(super) fn zero_point(&self) -> i32 {
        let byte = self.sub.layer.quantisation.input_zero_point as u8;
        i32::from(byte as i8) ^ self.flip
    }

    /// Whether the rows and the columns of taps of a pixel that are multiplied all lie inside the input.
    #[inline]
    fn are_inside(&self, pixel: &Pixel) -> [bool; 2] {
        let [rows, columns] = self.limits;
        // A position below 0 is beyond every limit.
        let y = pixel.y.wrapping_add(self.first) as usize;
        [y < rows, (pixel.x as usize) < columns]
    }

    /// Columns of two pixels.
    ///
    /// # Safety
    ///
    /// 1. `to` may be written for all taps that are multiplied, and is aligned to 4. 2. The pixels are the sub's.
    pub(super) unsafe fn columns(&self, pixels: &[Pixel; 2], to: *mut u32) {
        if self.rows.is_empty() {
            return;
        }
        let [first, second] = pixels;
        if self.flip != 0
            || self.are_inside(first) != [true; 2]
            || self.are_inside(second) != [true; 2]
        {
            // SAFETY: by 1 and 2.
            unsafe { self.with_padding(pixels, 0..self.length, to) };
            return;
        }
        let [mut a, mut b] = [first, second].map(|pixel| self.source(pixel));
        if self.runs == 1 {
            // Rows of taps are as runs of one row.
            let skip = self.row_step.wrapping_sub(self.length);
            // SAFETY: all taps lie inside the input; by 1.
            unsafe { interleave(a, b, self.length, to, count(&self.rows), skip) };
            return;
        }
        let mut to = to;
        for _ in self.rows.clone() {
            // SAFETY: likewise.
            to = unsafe { interleave(a, b, self.length, to, self.runs, self.skip) };
            a = a.wrapping_add(self.row_step);
            b = b.wrapping_add(self.row_step);
        }
    }

    /// [`Walk::columns`] where taps may lie outside, or of a kernel of one tap: the elements `span` of every run.
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
        for row in self.rows.clone() {
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

    /// Address of a pixel's first tap of the rows that are multiplied.
    #[inline]
    fn source(&self, pixel: &Pixel) -> *const u8 {
        self.sub.source(pixel.y.wrapping_add(self.first), pixel.x)
    }

    /// Where a pixel's taps are, and which of them lie inside.
    #[inline(never)]
    fn edge(&self, pixel: &Pixel) -> Edge {
        let sub = self.sub;
        let [are_rows, are_columns] = self.are_inside(pixel);
        let rows = match are_rows {
            true => self.rows.clone(),
            false => sub.rows_inside(pixel.y),
        };
        let across = match are_columns {
            true => 0..sub.columns.taps,
            false => sub.columns_inside(pixel.x),
        };
        Edge {
            input: self.source(pixel),
            rows,
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

/// Of taps `step` apart the first position of the first for which the last is beyond an extent.
#[inline]
fn limit(extent: usize, taps: usize, step: usize) -> usize {
    extent.saturating_sub(taps.saturating_sub(1) * step)
}

/// Elements of a range, without a check that they can be counted.
#[inline]
fn count(range: &Range<usize>) -> usize {
    range.end.saturating_sub(range.start)
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
