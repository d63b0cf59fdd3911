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
    /// Packed weights between neighbouring taps.
    pub(crate) weight: usize,
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
                        weight: index * to.weight,
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
    visit: &mut dyn FnMut(&TapList, Segment),
) {
    let [z, y, x] = phase;
    let (inside_y, inside_x) = (y.interior(), x.interior());
    for m_z in 0..z.count {
        let plane = (z.first + m_z * z.step) * output[1];
        // Rows of this plane, counted within it.
        let start = rows.start.saturating_sub(plane).min(output[1]);
        let end = rows.end.saturating_sub(plane).min(output[1]);
        let members = y.members(start..end);
        if members.is_empty() {
            continue;
        }
        let middle_start = inside_y.start.clamp(members.start, members.end);
        let middle_end = inside_y.end.clamp(middle_start, members.end);
        let pixel_index = |m_y: usize, m_x: usize| {
            let row = plane + y.first + m_y * y.step - rows.start;
            row * output[2] + x.first + m_x * x.step
        };
        let pixel_x = x.advance as isize * to.source[2] as isize;
        let pixel_y = y.advance as isize * to.source[1] as isize;
        let single = |m_y: usize, m_x: usize, base: isize| Segment {
            base,
            pixel: pixel_x,
            output: pixel_index(m_y, m_x),
            step: x.step,
            count: 1,
        };
        let outside_x = || (0..inside_x.start).chain(inside_x.end..x.count);

        // Rows above and below the interior.
        for m_y in (members.start..middle_start).chain(middle_end..members.end) {
            if !inside_x.is_empty() {
                list.fill(phase, [m_z, m_y, inside_x.start], to);
                let count = inside_x.len();
                visit(
                    list,
                    Segment {
                        count,
                        ..single(m_y, inside_x.start, list.base)
                    },
                );
            }
            for m_x in outside_x() {
                list.fill(phase, [m_z, m_y, m_x], to);
                visit(list, single(m_y, m_x, list.base));
            }
        }
        if middle_start == middle_end {
            continue;
        }
        // The interior, row by row.
        if !inside_x.is_empty() {
            list.fill(phase, [m_z, middle_start, inside_x.start], to);
            for m_y in middle_start..middle_end {
                let base = list.base + (m_y - middle_start) as isize * pixel_y;
                let count = inside_x.len();
                visit(
                    list,
                    Segment {
                        count,
                        ..single(m_y, inside_x.start, base)
                    },
                );
            }
        }
        // The columns left and right of it.
        for m_x in outside_x() {
            list.fill(phase, [m_z, middle_start, m_x], to);
            visit(
                list,
                Segment {
                    base: list.base,
                    pixel: pixel_y,
                    output: pixel_index(middle_start, m_x),
                    step: y.step * output[2],
                    count: middle_end - middle_start,
                },
            );
        }
    }
}
