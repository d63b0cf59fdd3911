//! Which weights of a kernel meet in which part of a layer, for the functions that pack them at compile time.

use crate::axis::{Axis, quotient_up};
#[cfg(not(conv_arch = "portable"))]
use crate::engine::part::phase;
use crate::geometry::Orientation;
use crate::quantised::QuantOperation;

/// A kernel, `[[[[i8; CI]; KW]; KH]; CO]` or depthwise `[[[i8; CO]; KW]; KH]`, and what decides its parts. The pads have no
/// say.
#[derive(Clone, Copy)]
#[cfg_attr(
    conv_arch = "portable",
    allow(dead_code, reason = "read by kernels of cores")
)]
pub(crate) struct Order {
    /// Of them kernel extent, stride and dilation count.
    pub(crate) axes: [Axis; 2],
    pub(crate) operation: QuantOperation,
    pub(crate) orientation: Orientation,
    pub(crate) groups: usize,
    /// Output channels of all groups.
    pub(crate) produce: usize,
    /// Input channels of a group.
    pub(crate) reduce: usize,
}

/// The taps of a part along one axis, in the order of the positions that they read: `first, first + step, …`.
#[cfg(not(conv_arch = "portable"))]
#[derive(Clone, Copy)]
pub(crate) struct PartTaps {
    pub(crate) count: usize,
    first: usize,
    step: isize,
    /// From one position to the next.
    pub(crate) tap_step: usize,
}

#[cfg(not(conv_arch = "portable"))]
impl PartTaps {
    /// Index of a tap in the kernel.
    pub(crate) const fn tap(&self, number: usize) -> usize {
        self.first
            .wrapping_add_signed(self.step.wrapping_mul(number as isize))
    }
}

impl Order {
    /// Taps of all input channels that meet in one output, at most, and how many channels need a start of their own.
    pub(crate) const fn most_taps(&self) -> (usize, usize) {
        let [rows, columns] = &self.axes;
        let (steps, starts) = match self.operation {
            QuantOperation::ConvTranspose => {
                ([rows.phase_step(), columns.phase_step()], self.produce)
            }
            _ => ([1, 1], 0),
        };
        let rows = quotient_up(rows.kernel, steps[0]);
        let columns = quotient_up(columns.kernel, steps[1]);
        (rows * columns * self.reduce, starts)
    }
}

#[cfg(not(conv_arch = "portable"))]
impl Order {
    const fn is_transposed(&self) -> bool {
        matches!(
            self.operation,
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose
        )
    }

    /// Parts along an axis.
    pub(crate) const fn parts(&self, dimension: usize) -> usize {
        match self.is_transposed() {
            true => self.axes[dimension].stride,
            false => 1,
        }
    }

    /// The taps of part `number` along an axis. Of a transposed layer, in reverse.
    pub(crate) const fn taps(&self, dimension: usize, number: usize) -> PartTaps {
        let axis = &self.axes[dimension];
        let (first, count, step, tap_step) = if self.is_transposed() {
            let (first, count) = phase(axis, number);
            let step = axis.phase_step();
            let last = first + count.saturating_sub(1) * step;
            (last, count, -(step as isize), axis.phase_positions())
        } else {
            (0, axis.kernel, 1, axis.dilation)
        };
        let (first, step) = match self.orientation {
            Orientation::Correlation => (first, step),
            Orientation::Convolution => (axis.kernel.saturating_sub(1 + first), -step),
        };
        PartTaps {
            count,
            first,
            step,
            tap_step,
        }
    }

    /// Output channels of a group.
    #[cfg_attr(
        conv_arch = "helium",
        allow(dead_code, reason = "for channels side by side")
    )]
    pub(crate) const fn produce_of_group(&self) -> usize {
        match self.produce.checked_div(self.groups) {
            Some(produce) => produce,
            None => 0,
        }
    }

    /// Index of the first weight of a channel's tap.
    pub(crate) const fn weight(&self, channel: usize, row: usize, column: usize) -> usize {
        ((channel * self.axes[0].kernel + row) * self.axes[1].kernel + column) * self.reduce
    }
}

/// A part of a kernel for one group, as *runs*: rows of weights of one output channel whose inputs lie side by side. Of a
/// dilated or grouped part each tap is a run of its own.
#[cfg(not(conv_arch = "portable"))]
#[derive(Clone, Copy)]
pub(crate) struct Runs<'a> {
    order: &'a Order,
    rows: PartTaps,
    columns: PartTaps,
    /// Number of runs.
    pub(crate) count: usize,
    /// Weights of each.
    pub(crate) length: usize,
    /// Whether a run is a whole row of taps.
    whole: bool,
    /// Whether neighbours in a run are neighbours in the kernel.
    neighbours: bool,
}

#[cfg(not(conv_arch = "portable"))]
impl<'a> Runs<'a> {
    pub(crate) const fn new(order: &'a Order, rows: PartTaps, columns: PartTaps) -> Self {
        let whole = order.groups == 1 && columns.tap_step == 1;
        let (count, length) = match whole {
            true => (rows.count, columns.count * order.reduce),
            false => (rows.count * columns.count, order.reduce),
        };
        Self {
            order,
            rows,
            columns,
            count,
            length,
            whole,
            neighbours: !whole || columns.step == 1,
        }
    }

    /// Index in the kernel of a weight of an output channel.
    pub(crate) const fn weight(&self, channel: usize, run: usize, offset: usize) -> usize {
        let reduce = self.order.reduce;
        let (row, column, input) = match self.whole {
            true => (run, offset / reduce, offset % reduce),
            false => (run / self.columns.count, run % self.columns.count, offset),
        };
        self.order
            .weight(channel, self.rows.tap(row), self.columns.tap(column))
            + input
    }

    /// Copies `count` weights of an output channel from a place in a run on. A compiler that evaluates constants counts steps:
    /// where they are neighbours they are one copy.
    pub(crate) const fn copy(
        &self,
        channel: usize,
        run: usize,
        offset: usize,
        from: &[i8],
        to: &mut [i8],
    ) {
        let count = to.len();
        let reduce = self.order.reduce;
        if self.neighbours || (offset % reduce) + count <= reduce {
            let start = self.weight(channel, run, offset);
            let (_, tail) = from.split_at(start);
            let (weights, _) = tail.split_at(count);
            to.copy_from_slice(weights);
            return;
        }
        let mut index = 0;
        while index < count {
            to[index] = from[self.weight(channel, run, offset + index)];
            index += 1;
        }
    }
}
