//! When a stream's outputs are due, and which of the remembered positions they read.
//!
//! All state is one counter that stays small however long the stream runs, its *position* `p`:
//!
//! ```text
//!                      direct                            transposed, with lead = min(s, k̂ − pad_after)
//! p starts at          k̂ − pad_before + crop             pad_before
//! each input           p −= 1                            p −= s
//! an output is due     while p ≤ 0                       while p ≤ lead − s − 1
//! each output          p += s                            p += 1
//! at the end           while p ≤ max(pad_after, 0)       while p ≤ k̂ − pad_after − s − 1 + output padding
//! remembered           k̂ + crop                          2 + ⌊(k̂ − 1 − lead)/s⌋
//! taps start at        p − k̂ − crop + remembered         p + s·remembered
//! ```
//!
//! where `crop = max(−pad_after, 0)`: an output of the direct operation waits until nothing that is cropped can
//! be its last input. For the transposed one, `p = t + pad_before − s·received`: output `t` is due once no
//! later input can reach it *and* it is certain to exist, which with a large `pad_after` it is only later.

use crate::axis::{Axis, AxisError, attempt, to_signed};
use crate::dot::part;
use crate::engine::Direction;
use crate::error::{Dimension, Error};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Positions to remember.
    pub(crate) history: usize,
    /// Position before the first input.
    start: isize,
    per_input: isize,
    per_output: isize,
    /// Outputs are due up to this position, at the end up to the other.
    due: isize,
    due_at_end: isize,
    /// From the position, plus `per_input` for each input remembered, to where the taps start.
    origin: isize,
    /// The first illegal output padding.
    padding_limit: usize,
    axis: Axis,
    direction: Direction,
}

/// What a stream remembers besides its inputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor {
    /// Where the next input goes.
    end: usize,
    /// Inputs remembered before that, at most `history`.
    valid: usize,
    position: isize,
}

/// Outputs that are due at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    /// First remembered input, and their number.
    pub(crate) first: usize,
    pub(crate) valid: usize,
    position: isize,
    pub(crate) count: usize,
}

/// No number of a schedule is beyond this, so no sum of eight of them overflows.
const GREATEST: usize = isize::MAX as usize / 8;

impl Schedule {
    pub(crate) const fn new(axis: Axis, direction: Direction) -> Result<Self, AxisError> {
        let dilated = attempt!(axis.dilated_kernel());
        let (before, after) = (axis.pad_before, axis.pad_after);
        if dilated > GREATEST
            || axis.stride > GREATEST
            || axis.dilation > GREATEST
            || before.unsigned_abs() > GREATEST
            || after.unsigned_abs() > GREATEST
        {
            return Err(AxisError::Overflow);
        }
        let (reach, stride) = (dilated as isize, axis.stride as isize);
        let crop = if after < 0 { -after } else { 0 };
        let schedule = match direction {
            Direction::Direct => Self {
                history: (reach + crop) as usize,
                start: reach - before + crop,
                per_input: 1,
                per_output: stride,
                due: 0,
                due_at_end: after + crop,
                origin: -reach - crop,
                padding_limit: 1,
                axis,
                direction,
            },
            Direction::Transposed => {
                let last = reach - after;
                let lead = if last < stride { last } else { stride };
                let older = match (reach - 1 - lead).checked_div_euclid(stride) {
                    Some(older) => older,
                    None => return Err(AxisError::ZeroStride),
                };
                let limit = if axis.stride > axis.dilation {
                    axis.stride
                } else {
                    axis.dilation
                };
                Self {
                    history: (2 + older) as usize,
                    start: before,
                    per_input: stride,
                    per_output: 1,
                    due: lead - stride - 1,
                    due_at_end: last - stride - 1,
                    origin: 0,
                    padding_limit: limit,
                    axis,
                    direction,
                }
            }
        };
        match to_signed(schedule.history) {
            Ok(_) => Ok(schedule),
            Err(error) => Err(error),
        }
    }

    /// The least extents of source and target that the axis allows.
    pub(crate) const fn least_extents(&self) -> Result<(usize, usize), AxisError> {
        let axis = self.axis;
        let pads = axis.pad_before + axis.pad_after;
        let dilated = attempt!(axis.dilated_kernel()) as isize;
        match self.direction {
            Direction::Direct => {
                let least = dilated - pads;
                let source = if least < 1 { 1 } else { least as usize };
                Ok((source, attempt!(axis.output(source))))
            }
            Direction::Transposed => {
                let short = 1 - dilated + pads;
                let source = match short {
                    1.. => (short as usize).div_ceil(axis.stride) + 1,
                    _ => 1,
                };
                Ok((source, attempt!(axis.transposed_output(source, 0))))
            }
        }
    }

    pub(crate) const fn cursor(&self) -> Cursor {
        Cursor {
            end: 0,
            valid: 0,
            position: self.start,
        }
    }

    /// Outputs due up to position `limit`, from `position` on.
    const fn count(&self, position: isize, limit: isize) -> usize {
        if position > limit {
            return 0;
        }
        let distance = limit.saturating_sub(position).unsigned_abs();
        match distance.checked_div(self.per_output.unsigned_abs()) {
            Some(steps) => steps + 1,
            None => 0,
        }
    }

    /// Most outputs of one input.
    pub(crate) const fn most_outputs(&self) -> usize {
        let first = self.count(self.start - self.per_input, self.due);
        let later = self.count(self.due + 1 - self.per_input, self.due);
        if first > later { first } else { later }
    }

    /// Most outputs at the end without output padding.
    pub(crate) const fn most_at_end(&self) -> usize {
        self.count(self.due + 1, self.due_at_end)
    }

    /// Output `t` of the direct operation comes with input `max(t·s + latency, 0)`, of the transposed one
    /// with input `max(⌊(t + latency)/s⌋, 0)`.
    pub(crate) const fn latency(&self) -> isize {
        self.start - self.due - 1
    }

    /// Outputs of the next `inputs` inputs.
    pub(crate) fn count_after(&self, cursor: &Cursor, inputs: usize) -> usize {
        if inputs == 0 {
            return 0;
        }
        let inputs = isize::try_from(inputs).unwrap_or(isize::MAX);
        let steps = inputs.saturating_mul(self.per_input);
        self.count(cursor.position.saturating_sub(steps), self.due)
    }

    /// Takes one input of `row.len()` elements into `history`, whose length is a multiple of that.
    #[inline]
    pub(crate) fn push<T: Copy>(&self, cursor: &mut Cursor, history: &mut [T], row: &[T]) -> Due {
        let width = row.len();
        if (cursor.end + 1) * width > history.len() {
            self.make_room(cursor, history, width);
        }
        for (slot, &value) in history.iter_mut().skip(cursor.end * width).zip(row) {
            *slot = value;
        }
        cursor.end += 1;
        cursor.valid = (cursor.valid + 1).min(self.history);
        cursor.position -= self.per_input;
        self.take(cursor, self.due)
    }

    /// Moves what later outputs need to the front of the history.
    #[inline(never)]
    fn make_room<T: Copy>(&self, cursor: &mut Cursor, history: &mut [T], width: usize) {
        let keep = cursor.valid.min(self.history - 1);
        let from = (cursor.end - keep) * width;
        // To a lower index, in ascending order: what overlaps is read before it is written.
        let cells = core::cell::Cell::from_mut(history).as_slice_of_cells();
        for (to, from) in cells.iter().zip(cells.iter().skip(from)).take(keep * width) {
            to.set(from.get());
        }
        cursor.end = keep;
        cursor.valid = keep;
    }

    /// Takes inputs from the front of a block of which `before` were taken already, and says how many, with the outputs
    /// that are due and where they read: as many as go behind what is remembered, until later outputs read the block alone,
    /// then all that are left.
    pub(crate) fn push_piece<'s, T: Copy>(
        &self,
        cursor: &mut Cursor,
        history: &'s mut [T],
        block: &'s [T],
        width: usize,
        before: usize,
    ) -> (usize, Due, &'s [T]) {
        let (inputs, keep) = (block.len() / width.max(1), self.history - 1);
        if before >= keep {
            return self.take_block(cursor, history, block, width, before);
        }
        let count = (inputs - before).min(keep - before);
        if (cursor.end + count) * width > history.len() {
            self.make_room(cursor, history, width);
        }
        let room = (history.len() / width.max(1)).saturating_sub(cursor.end);
        let count = count.min(room);
        let old = cursor.valid.min(keep);
        let (from, to) = (before * width, cursor.end * width);
        let piece = part(block, from, count * width);
        for (slot, &value) in history.iter_mut().skip(to).zip(piece) {
            *slot = value;
        }
        cursor.end += count;
        cursor.valid = old + count;
        cursor.position -= (count as isize).wrapping_mul(self.per_input);
        let due = self.take(cursor, self.due);
        cursor.valid = cursor.valid.min(self.history);
        let source = part(history, due.first * width, due.valid * width);
        (count, due, source)
    }

    /// Takes all inputs of a block from the one number `before` on, before which lie all that their outputs read, and
    /// remembers the last.
    fn take_block<'s, T: Copy>(
        &self,
        cursor: &mut Cursor,
        history: &mut [T],
        block: &'s [T],
        width: usize,
        before: usize,
    ) -> (usize, Due, &'s [T]) {
        let (inputs, keep) = (block.len() / width.max(1), self.history - 1);
        let (count, first) = (inputs - before, before - keep);
        cursor.end = inputs - first;
        cursor.valid = cursor.end;
        cursor.position -= (count as isize).wrapping_mul(self.per_input);
        let due = self.take(cursor, self.due);
        let last = self.history.min(inputs);
        let tail = part(block, (inputs - last) * width, last * width);
        for (slot, &value) in history.iter_mut().zip(tail) {
            *slot = value;
        }
        (cursor.end, cursor.valid) = (last, last);
        let source = part(block, first * width, due.valid * width);
        (count, due, source)
    }

    pub(crate) const fn check_padding(
        &self,
        dimension: Dimension,
        found: usize,
    ) -> Result<(), Error> {
        let limit = self.padding_limit;
        if found < limit {
            return Ok(());
        }
        let error = AxisError::OutputPadding { limit, found };
        Err(Error::Axis { dimension, error })
    }

    /// Ends the signal and begins the next one.
    pub(crate) fn finish(&self, cursor: &mut Cursor, output_padding: usize) -> Due {
        let limit = match cursor.valid {
            // No signal, no output.
            0 => cursor.position - 1,
            _ => self.due_at_end.saturating_add_unsigned(output_padding),
        };
        let due = self.take(cursor, limit);
        *cursor = self.cursor();
        due
    }

    fn take(&self, cursor: &mut Cursor, limit: isize) -> Due {
        let count = self.count(cursor.position, limit);
        let due = Due {
            first: cursor.end - cursor.valid,
            valid: cursor.valid,
            position: cursor.position,
            count,
        };
        cursor.position += (count as isize).wrapping_mul(self.per_output);
        due
    }

    /// Where the taps of the next output start, counted from the first input remembered.
    pub(crate) const fn start(&self, due: &Due) -> isize {
        due.position + self.origin + (due.valid as isize).wrapping_mul(self.per_input)
    }

    /// [`Schedule::start`], after which the output is not due any more.
    pub(crate) fn next(&self, due: &mut Due) -> Option<isize> {
        due.count = due.count.checked_sub(1)?;
        let start = self.start(due);
        due.position += self.per_output;
        Some(start)
    }
}
