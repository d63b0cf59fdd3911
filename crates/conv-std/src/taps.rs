//! Which source element each tap of each output reads, for both operations alike.
//!
//! Both gather. Along one axis the outputs fall into phases, whose members read the same taps at sources that
//! advance evenly: one phase for the direct operation, up to `stride` for the transposed one. Inside a phase
//!
//! ```text
//! output(m)    = first + m·step
//! source(m, n) = origin + m·advance + n·source_step        tap(n) = tap_first + n·tap_step
//! ```
//!
//! so a phase of the transposed operation *is* a small direct operation with stride 1, and neither multiplies
//! a stretched zero. Outputs whose taps all lie inside the source are the interior: they share one tap list.
//! The others get lists of their own, clipped or mapped by the boundary.

use core::ops::Range;

use crate::boundary::Boundary;
use crate::kernels::{Tap, Taps};

/// The outputs of one phase along one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AxisPhase {
    pub(crate) first: usize,
    pub(crate) step: usize,
    pub(crate) count: usize,
    pub(crate) origin: i64,
    pub(crate) advance: i64,
    pub(crate) taps: usize,
    pub(crate) tap_first: usize,
    pub(crate) tap_step: usize,
    pub(crate) source_step: i64,
    pub(crate) extent: usize,
}

impl AxisPhase {
    /// Source position that tap `n` of output `m` reads; may lie outside.
    fn source(&self, m: usize, n: usize) -> i64 {
        self.origin + m as i64 * self.advance + n as i64 * self.source_step
    }

    /// The outputs all of whose taps lie inside the source.
    pub(crate) fn interior(&self) -> Range<usize> {
        let last = (self.taps as i64 - 1) * self.source_step;
        // Every tap inside: origin + m·advance + min(last, 0) ≥ 0 and origin + m·advance + max(last, 0) < extent.
        let below = -(self.origin + last.min(0));
        let above = self.extent as i64 - 1 - self.origin - last.max(0);
        let count = self.count as i64;
        let start = (below + self.advance - 1)
            .div_euclid(self.advance)
            .clamp(0, count);
        let end = (above.div_euclid(self.advance) + 1).clamp(start, count);
        start as usize..end as usize
    }

    /// The outputs whose positions lie in `positions`.
    pub(crate) fn members(&self, positions: Range<usize>) -> Range<usize> {
        let index = |position: usize| {
            let ahead = position.saturating_sub(self.first);
            ahead.div_ceil(self.step).min(self.count)
        };
        let start = index(positions.start);
        start..index(positions.end).max(start)
    }
}

/// Strides by which a tap list addresses source and weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addressing {
    /// Source elements between neighbours in depth, height and width.
    pub(crate) source: [usize; 3],
    /// Kernel extents.
    pub(crate) kernel: [usize; 3],
    /// Rows of packed weights between neighbouring taps.
    pub(crate) rows: usize,
    pub(crate) boundary: Boundary,
}

/// The taps of one output, or of a run of outputs that share them.
#[derive(Debug, Default)]
pub(crate) struct TapList {
    taps: Taps,
    /// Kernel position and source offset along each axis.
    axes: [Vec<(usize, isize)>; 3],
    base: isize,
}

impl TapList {
    /// The taps of output `at`, in ascending kernel position: depth, height, width.
    ///
    /// Along an axis where `at` is interior, offsets count from its first tap, so that the list serves every
    /// interior output when the base moves along; along the others they are absolute.
    pub(crate) fn fill(&mut self, phase: &[AxisPhase; 3], at: [usize; 3], to: &Addressing) {
        self.base = 0;
        for (d, axis) in phase.iter().enumerate() {
            let list = &mut self.axes[d];
            list.clear();
            let (m, stride) = (at[d], to.source[d] as isize);
            let interior = axis.interior().contains(&m);
            for n in 0..axis.taps {
                let tap = axis.tap_first + n * axis.tap_step;
                if interior {
                    list.push((tap, (n as i64 * axis.source_step) as isize * stride));
                } else if let Some(position) = to.boundary.position(axis.source(m, n), axis.extent)
                {
                    list.push((tap, position as isize * stride));
                }
            }
            if interior {
                self.base += axis.source(m, 0) as isize * stride;
            }
        }
        self.combine(to);
    }

    fn combine(&mut self, to: &Addressing) {
        self.taps.clear();
        let [depths, heights, widths] = &self.axes;
        for (kz, z) in depths {
            for (ky, y) in heights {
                for (kx, x) in widths {
                    let index = (kz * to.kernel[1] + ky) * to.kernel[2] + kx;
                    self.taps.push(Tap {
                        offset: z + y + x,
                        row: index * to.rows,
                    });
                }
            }
        }
    }

    pub(crate) fn taps(&self) -> &Taps {
        &self.taps
    }
}

/// A run of outputs that share a tap list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment {
    /// Source offset of the first output, to which tap offsets are added.
    pub(crate) base: isize,
    /// Source elements from one output to the next.
    pub(crate) pixel: isize,
    /// Index of the first output, in pixels from the first row of the walk.
    pub(crate) output: usize,
    /// Pixels from one output to the next.
    pub(crate) step: usize,
    pub(crate) count: usize,
}

/// What [`walk`] calls with each run.
pub(crate) type Visit<'a> = dyn FnMut(&TapList, Segment) + 'a;

/// Calls `visit` with every run of outputs of one phase in the rows `rows`, where row `z·height + y` has `width`
/// outputs.
///
/// Interior rows are runs along the width. The columns left and right of the interior become runs along the
/// height, so that a border costs no more than its share even where the map is 7 pixels wide.
pub(crate) fn walk(
    phase: &[AxisPhase; 3],
    rows: Range<usize>,
    output: [usize; 3],
    to: &Addressing,
    list: &mut TapList,
    visit: &mut Visit<'_>,
) {
    let [z, y, _] = phase;
    let inside_y = y.interior();
    for m_z in 0..z.count {
        let first_row = (z.first + m_z * z.step) * output[1];
        // Rows of this plane, counted within it.
        let start = rows.start.saturating_sub(first_row).min(output[1]);
        let end = rows.end.saturating_sub(first_row).min(output[1]);
        let members = y.members(start..end);
        if members.is_empty() {
            continue;
        }
        let middle_start = inside_y.start.clamp(members.start, members.end);
        let middle_end = inside_y.end.clamp(middle_start, members.end);
        let plane = Plane {
            phase,
            to,
            inside_x: phase[2].interior(),
            m_z,
            first_row,
            rows_start: rows.start,
            width: output[2],
        };
        for m_y in (members.start..middle_start).chain(middle_end..members.end) {
            plane.border_row(m_y, list, visit);
        }
        if middle_start < middle_end {
            plane.interior_rows(middle_start..middle_end, list, visit);
        }
    }
}

/// The outputs of one phase at one depth.
struct Plane<'a> {
    phase: &'a [AxisPhase; 3],
    to: &'a Addressing,
    inside_x: Range<usize>,
    m_z: usize,
    /// Row of the plane's first output, counted over all planes.
    first_row: usize,
    /// First row of the walk.
    rows_start: usize,
    width: usize,
}

impl Plane<'_> {
    /// A run of one output.
    fn single(&self, m_y: usize, m_x: usize, base: isize) -> Segment {
        let [_, y, x] = self.phase;
        let row = self.first_row + y.first + m_y * y.step - self.rows_start;
        Segment {
            base,
            // Wraps only where the stride leads out of the source, so that no run has a second output.
            pixel: (x.advance as isize).wrapping_mul(self.to.source[2] as isize),
            output: row * self.width + x.first + m_x * x.step,
            step: x.step,
            count: 1,
        }
    }

    /// The outputs left and right of the interior.
    fn outside_x(&self) -> impl Iterator<Item = usize> + use<> {
        (0..self.inside_x.start).chain(self.inside_x.end..self.phase[2].count)
    }

    /// A row above or below the interior.
    fn border_row(&self, m_y: usize, list: &mut TapList, visit: &mut Visit<'_>) {
        let first = self.inside_x.start;
        if !self.inside_x.is_empty() {
            list.fill(self.phase, [self.m_z, m_y, first], self.to);
            let run = Segment {
                count: self.inside_x.len(),
                ..self.single(m_y, first, list.base)
            };
            visit(list, run);
        }
        for m_x in self.outside_x() {
            list.fill(self.phase, [self.m_z, m_y, m_x], self.to);
            visit(list, self.single(m_y, m_x, list.base));
        }
    }

    /// The interior row by row, then the columns beside it.
    fn interior_rows(&self, rows: Range<usize>, list: &mut TapList, visit: &mut Visit<'_>) {
        let y = &self.phase[1];
        let pixel = (y.advance as isize).wrapping_mul(self.to.source[1] as isize);
        let first = self.inside_x.start;
        if !self.inside_x.is_empty() {
            list.fill(self.phase, [self.m_z, rows.start, first], self.to);
            for m_y in rows.clone() {
                let ahead = pixel.wrapping_mul((m_y - rows.start) as isize);
                let run = Segment {
                    count: self.inside_x.len(),
                    ..self.single(m_y, first, list.base + ahead)
                };
                visit(list, run);
            }
        }
        for m_x in self.outside_x() {
            list.fill(self.phase, [self.m_z, rows.start, m_x], self.to);
            let run = Segment {
                pixel,
                step: y.step * self.width,
                count: rows.len(),
                ..self.single(rows.start, m_x, list.base)
            };
            visit(list, run);
        }
    }
}
