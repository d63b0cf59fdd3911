//! An operation as direct operations over parts of its targets: what kernels of `arch` run, which need to know which weights
//! meet before they know which output.
//!
//! ```text
//! direct:      one part
//! transposed:  one part for each remainder of target + pad_before by the stride: a direct operation of stride 1 whose taps
//!              are every so many of the kernel's, in reverse, and whose targets lie stride apart
//! ```

use crate::axis::Axis;
use crate::engine::{Direction, Line, Plan, modulo, quotient_up};

/// A direct operation over part of the targets of a line: all of them, or those of one phase of a transposed one, whose
/// taps are then counted from the last, so that positions ascend:
///
/// ```text
/// target first + i·step reads, with its tap j in 0..taps, position origin + i·origin_step + j·tap_step
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// Taps of every target. A phase may have none.
    pub(crate) taps: usize,
    pub(crate) first: usize,
    pub(crate) step: usize,
    pub(crate) targets: usize,
    /// Outside of `0..source` where taps lie in the padding.
    pub(crate) origin: isize,
    pub(crate) origin_step: usize,
    pub(crate) tap_step: usize,
}

/// The phase of a transposed operation whose targets have `(target + pad_before) mod stride = remainder`: its first tap,
/// and how many there are, one every [`Axis::phase_step`]. With a stride and a dilation that have a common divisor some
/// phases have none.
pub(crate) const fn phase(axis: &Axis, remainder: usize) -> (usize, usize) {
    let step = axis.phase_step();
    let mut tap = 0;
    while tap < step && tap < axis.kernel {
        if modulo(tap * axis.dilation, axis.stride) == remainder {
            return (tap, quotient_up(axis.kernel - tap, step));
        }
        tap += 1;
    }
    (0, 0)
}

/// The channels of a [`Plan`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanChannels {
    pub(crate) groups: usize,
    /// Source channels of a group.
    pub(crate) reduce: usize,
    /// Target channels of a group.
    pub(crate) produce: usize,
}

impl Part {
    /// A part without taps and targets.
    pub(crate) const NONE: Self = Self {
        taps: 0,
        first: 0,
        step: 1,
        targets: 0,
        origin: 0,
        origin_step: 0,
        tap_step: 1,
    };
}

impl Plan {
    /// Whether it is a transposed operation.
    #[cfg(conv_arch = "packed")]
    pub(crate) const fn is_transposed(&self) -> bool {
        matches!(self.rows.direction, Direction::Transposed)
    }

    /// Groups, and the channels of one.
    pub(crate) const fn of_groups(&self) -> PlanChannels {
        PlanChannels {
            groups: self.groups,
            reduce: self.reduce,
            produce: self.produce,
        }
    }
}

impl Line {
    /// Index of the weight of tap 0, and from the weight of one tap to that of the next: in a kernel's own order.
    #[cfg_attr(conv_arch = "dsp", allow(dead_code, reason = "for depthwise layers"))]
    pub(crate) const fn weights(&self) -> (usize, isize) {
        (self.first_weight, self.weight_step)
    }

    /// Number of [`Part`]s: the remainders of a position by the stride, of a direct operation one.
    pub(crate) const fn parts(&self) -> usize {
        match self.direction {
            Direction::Direct => 1,
            Direction::Transposed => self.axis.stride,
        }
    }

    /// The number of the part that a target belongs to.
    pub(crate) fn part_of(&self, target: usize) -> usize {
        let Axis {
            stride, pad_before, ..
        } = self.axis;
        match self.direction {
            Direction::Direct => 0,
            Direction::Transposed => (target as isize)
                .wrapping_add(pad_before)
                .checked_rem_euclid(stride as isize)
                .map_or(0, isize::unsigned_abs),
        }
    }

    /// The part number `remainder`, as a direct operation of its own.
    pub(crate) const fn part(&self, remainder: usize) -> Part {
        let Axis {
            kernel,
            stride,
            dilation,
            pad_before,
            ..
        } = self.axis;
        if let Direction::Direct = self.direction {
            return Part {
                taps: kernel,
                first: 0,
                step: 1,
                targets: self.target,
                origin: pad_before.wrapping_neg(),
                origin_step: stride,
                tap_step: dilation,
            };
        }
        let (first_tap, taps) = phase(&self.axis, remainder);
        // The first target with (target + pad_before) mod stride = remainder.
        let shift = (remainder as isize).wrapping_sub(pad_before);
        let first = match shift.checked_rem_euclid(stride as isize) {
            Some(first) => first.unsigned_abs(),
            None => 0,
        };
        let targets = match self.target.checked_sub(first) {
            Some(distance) => quotient_up(distance, stride),
            None => 0,
        };
        // The position that the phase's first tap reads, from which its last tap, the first in ascending order, lies
        // (taps − 1)·phase_positions before. The division has no remainder.
        let reach = (first as isize)
            .wrapping_add(pad_before)
            .wrapping_sub((first_tap * dilation) as isize);
        let position = match reach.checked_div(stride as isize) {
            Some(position) => position,
            None => 0,
        };
        let span = (taps.saturating_sub(1) * self.phase_positions) as isize;
        Part {
            taps,
            first,
            step: stride,
            targets,
            origin: position.wrapping_sub(span),
            origin_step: 1,
            tap_step: self.phase_positions,
        }
    }
}
