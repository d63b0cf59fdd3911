//! The loops that all shapes share: one function for every geometry, direct and transposed alike.
//!
//! Both operations compute each output once, as a sum over the taps that reach it ("gather"), so neither
//! needs scratch memory. They differ only in which taps those are. Along one axis, for output position `t`:
//!
//! ```text
//! direct:      taps j = j₀, j₀+1, …        read position t·s + j·d − pad_before, which grows by d
//! transposed:  taps j with j·d ≡ t + pad_before (mod s):
//!              j = j₀, j₀+s/g, …           read position (t + pad_before − j·d)/s, which falls by d/g
//!                                          (g = gcd(s, d))
//! ```
//!
//! so both are an arithmetic progression of taps over one of positions, [`Taps`], already cut to the taps
//! whose position lies inside the input. No zero is multiplied, whether it pads or stretches.
//!
//! Indices are computed from shapes that were checked before, so no slice below is ever out of range; where
//! the compiler cannot know that, `get` with an empty default keeps a panic out of the binary.

#[cfg(not(conv_arch = "portable"))]
pub(crate) mod part;

use core::mem;

use crate::axis::Axis;
use crate::dot::{self, Product, Weights, part};
use crate::element::Element;
use crate::finish::Finish;
use crate::geometry::{Geometry, KernelLayout, Orientation};

/// Which way through the map C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `y = C·x`.
    Direct,
    /// `x = Cᵀ·y`.
    Transposed,
}

/// One operation on images, resolved. For typed shapes it is a constant in flash.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub(crate) rows: Line,
    pub(crate) columns: Line,
    pub(crate) groups: usize,
    /// Source channels of a group, summed over.
    pub(crate) reduce: usize,
    /// Target channels of a group.
    pub(crate) produce: usize,
    pub(crate) group_weights: usize,
    pub(crate) reduce_weights: usize,
    pub(crate) produce_weights: usize,
    pub(crate) inner: Inner,
    /// Sums of [`Inner::Lanes`]: as many as have contiguous weights.
    pub(crate) lanes: usize,
}

/// Along one axis: from a target position to the taps that reach it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) axis: Axis,
    pub(crate) direction: Direction,
    pub(crate) source: usize,
    pub(crate) target: usize,
    /// Index of the weight of tap 0.
    pub(crate) first_weight: usize,
    /// From the weight of one tap to that of the next; negative for a flipped kernel.
    pub(crate) weight_step: isize,
    /// Distance between taps of one phase, and between the positions they read. Transposed only.
    pub(crate) phase_taps: usize,
    phase_positions: usize,
}

/// Which of the loops of [`crate::dot`] suits the weights' order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inner {
    /// Input and weights of a whole row of taps are contiguous: one dot product a row.
    DotRow,
    /// The weights of the summed channels are contiguous.
    Dot,
    /// Neither: one product at a time, with the sums of neighbouring produced channels side by side.
    Lanes,
    /// Depthwise: each channel by itself, their weights contiguous.
    Depthwise,
}

/// Outputs computed together where their weights are contiguous: as many as a small core has registers for.
pub(crate) const LANES: usize = 8;

/// Of accumulators wider than 32 bits fewer, for they are on the stack.
const fn lanes_of<A>() -> usize {
    match size_of::<A>() {
        ..=4 => LANES,
        8 => 4,
        _ => 1,
    }
}

impl Plan {
    pub(crate) const fn new(
        geometry: &Geometry<2>,
        layout: KernelLayout,
        direction: Direction,
    ) -> Self {
        let weights = geometry.weight_strides(layout);
        let groups = geometry.groups();
        let input_channels = quotient(geometry.input_channels(), groups);
        let output_channels = quotient(geometry.output_channels(), groups);
        let (reduce, produce, reduce_weights, produce_weights) = match direction {
            Direction::Direct => (
                input_channels,
                output_channels,
                weights.input_channel,
                weights.output_channel,
            ),
            Direction::Transposed => (
                output_channels,
                input_channels,
                weights.output_channel,
                weights.input_channel,
            ),
        };
        // Taken apart by patterns, which unlike an index cannot be out of range.
        let [row_axis, column_axis] = *geometry.axes();
        let ([height, width], [output_height, output_width]) =
            (geometry.input(), geometry.output());
        let [row_weights, column_weights] = weights.tap;
        let orientation = geometry.orientation();
        let rows =
            Line::new(row_axis, orientation, row_weights, direction).between(height, output_height);
        let columns = Line::new(column_axis, orientation, column_weights, direction)
            .between(width, output_width);
        let group_weights = weights.group;
        let contiguous_row = matches!(direction, Direction::Direct)
            && groups == 1
            && columns.axis.dilation == 1
            && columns.weight_step == reduce as isize;
        let inner = if reduce == 1 && produce == 1 && groups > 1 && group_weights == 1 {
            Inner::Depthwise
        } else if reduce_weights == 1 && contiguous_row {
            Inner::DotRow
        } else if reduce_weights == 1 {
            Inner::Dot
        } else {
            Inner::Lanes
        };
        Self {
            rows,
            columns,
            groups,
            reduce,
            produce,
            group_weights,
            reduce_weights,
            produce_weights,
            inner,
            lanes: if produce_weights == 1 { LANES } else { 1 },
        }
    }
}

impl Plan {
    /// The same operation where the source along one dimension is a window of `source` positions, and the first of
    /// `target` positions is the one whose taps begin at `start`: its tap `j` of the direct operation reads position
    /// `start + j·dilation`, of the transposed one `(start − j·dilation)/stride`.
    pub(crate) const fn within(
        mut self,
        dimension: usize,
        start: isize,
        source: usize,
        target: usize,
    ) -> Self {
        let line = match dimension {
            0 => &mut self.rows,
            _ => &mut self.columns,
        };
        line.source = source;
        line.target = target;
        line.axis.pad_before = match line.direction {
            Direction::Direct => start.wrapping_neg(),
            Direction::Transposed => start,
        };
        self
    }

    /// Source channels of a group.
    pub(crate) const fn reduce(&self) -> usize {
        self.reduce
    }

    /// Number of source channels.
    #[inline]
    pub(crate) fn channels(&self) -> usize {
        self.groups * self.reduce
    }

    /// [`Plan::source`] of any numbers: a stride or a dilation that no second tap or output makes use of may be as large as it
    /// likes.
    #[inline]
    pub(crate) fn wrapping_source(&self, row: usize, column: usize) -> usize {
        row.wrapping_mul(self.columns.source)
            .wrapping_add(column)
            .wrapping_mul(self.channels())
    }

    /// Index of the first channel of an input pixel.
    #[inline]
    pub(crate) fn source(&self, row: usize, column: usize) -> usize {
        (row * self.columns.source + column) * self.channels()
    }
}

impl Line {
    const fn new(
        axis: Axis,
        orientation: Orientation,
        tap_weights: usize,
        direction: Direction,
    ) -> Self {
        let (first_weight, weight_step) = match orientation {
            Orientation::Correlation => (0, tap_weights as isize),
            Orientation::Convolution => (
                axis.kernel.saturating_sub(1) * tap_weights,
                -(tap_weights as isize),
            ),
        };
        Self {
            axis,
            direction,
            source: 0,
            target: 0,
            first_weight,
            weight_step,
            phase_taps: axis.phase_step(),
            phase_positions: axis.phase_positions(),
        }
    }

    /// With the map's input and output extents.
    const fn between(self, input: usize, output: usize) -> Self {
        let (source, target) = match self.direction {
            Direction::Direct => (input, output),
            Direction::Transposed => (output, input),
        };
        Self {
            source,
            target,
            ..self
        }
    }

    #[inline(never)]
    pub(crate) const fn taps(&self, target: usize) -> Taps {
        let (first, count, position, tap_step, position_step) = match self.direction {
            Direction::Direct => self.direct_taps(target),
            Direction::Transposed => self.transposed_taps(target),
        };
        Taps {
            count,
            weight: self
                .first_weight
                .wrapping_add_signed(self.weight_step.wrapping_mul(first as isize)),
            weight_step: self.weight_step.wrapping_mul(tap_step as isize),
            position,
            position_step,
        }
    }

    /// Taps `j` in `0..kernel` whose position `t·s − pad_before + j·d` lies in `0..source`.
    const fn direct_taps(&self, target: usize) -> (usize, usize, usize, usize, isize) {
        let Axis {
            kernel,
            stride,
            dilation,
            pad_before,
            ..
        } = self.axis;
        let origin = ((target * stride) as isize).wrapping_sub(pad_before);
        // Before 0 lie ⌈−origin/d⌉ taps, before `source` ⌈(source − origin)/d⌉.
        let first = match origin {
            ..=-1 => quotient_up(origin.unsigned_abs(), dilation),
            _ => 0,
        };
        let end = match (self.source as isize).wrapping_sub(origin) {
            distance @ 1.. => lesser(quotient_up(distance.unsigned_abs(), dilation), kernel),
            _ => 0,
        };
        let position = origin.wrapping_add((first * dilation) as isize);
        let count = end.saturating_sub(first);
        (first, count, position as usize, 1, dilation as isize)
    }

    /// Taps `j` in `0..kernel` with `t + pad_before − j·d = q·s` for a position `q` in `0..source`.
    const fn transposed_taps(&self, target: usize) -> (usize, usize, usize, usize, isize) {
        let Axis {
            kernel,
            stride,
            dilation,
            pad_before,
            ..
        } = self.axis;
        let step = (
            self.phase_taps,
            (self.phase_positions as isize).wrapping_neg(),
        );
        let none = (0, 0, 0, step.0, step.1);
        let reach = (target as isize).wrapping_add(pad_before);
        if reach < 0 {
            return none;
        }
        let reach = reach.unsigned_abs();
        // The first tap of the phase, if the stride and the dilation let any tap reach this output.
        let mut first = 0;
        let mut remainder = reach;
        loop {
            if first >= lesser(kernel, self.phase_taps) {
                return none;
            }
            if modulo(remainder, stride) == 0 {
                break;
            }
            let Some(next) = remainder.checked_sub(dilation) else {
                return none;
            };
            remainder = next;
            first += 1;
        }
        let mut position = quotient(remainder, stride);
        if position >= self.source {
            // Skip the taps that reach beyond the last position.
            let skip = quotient_up(position - self.source + 1, self.phase_positions);
            first += skip * self.phase_taps;
            match position.checked_sub(skip * self.phase_positions) {
                Some(inside) => position = inside,
                None => return none,
            }
        }
        let by_tap = quotient_up(kernel.saturating_sub(first), self.phase_taps);
        let by_position = quotient(position, self.phase_positions) + 1;
        let count = lesser(by_tap, by_position);
        (first, count, position, step.0, step.1)
    }
}

/// `a / b`; the divisor is a checked stride or dilation, never 0.
const fn quotient(a: usize, b: usize) -> usize {
    if b == 1 {
        return a;
    }
    match a.checked_div(b) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// `⌈a / b⌉`, likewise.
const fn quotient_up(a: usize, b: usize) -> usize {
    quotient(a + (b - 1), b)
}

/// `a mod b`, likewise.
const fn modulo(a: usize, b: usize) -> usize {
    match a.checked_rem(b) {
        Some(remainder) => remainder,
        None => 0,
    }
}

/// The lesser of two; [`Ord`] cannot be called in a constant.
const fn lesser(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}

/// The taps that reach one output, along one axis, with the positions that they read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taps {
    pub(crate) count: usize,
    pub(crate) weight: usize,
    pub(crate) weight_step: isize,
    pub(crate) position: usize,
    pub(crate) position_step: isize,
}

impl Taps {
    /// `(index of the weight, position)` of each tap. Computed from the tap's number, so that a loop over them holds
    /// one number and not two that step.
    #[inline]
    pub(crate) fn each(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.count).map(|tap| {
            let after = |start: usize, step: isize| {
                start.wrapping_add_signed(step.wrapping_mul(tap as isize))
            };
            (
                after(self.weight, self.weight_step),
                after(self.position, self.position_step),
            )
        })
    }
}

/// Which outputs to compute: those all of whose taps lie inside the input, the others, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    All,
    Interior,
    Border,
}

impl Pixels {
    /// Whether an output is among them all of whose taps lie inside the input, or of which some do not.
    pub(crate) fn contain(self, interior: bool) -> bool {
        match self {
            Self::All => true,
            Self::Interior => interior,
            Self::Border => !interior,
        }
    }
}

/// What an operation reads. Its loops are never inlined: together in one function they would hold the stack that each
/// needs alone.
///
/// The plan is none of it but an argument: where all calls have the same one, the compiler leaves out the loops that it
/// does not ask for.
pub(crate) struct Operands<'a, T, K, P, F> {
    pub(crate) product: P,
    pub(crate) input: &'a [T],
    pub(crate) kernel: K,
    pub(crate) finish: &'a F,
}

impl<T, K, P, F> Operands<'_, T, K, P, F>
where
    T: Element,
    K: Weights,
    P: Product<T, K::Element, F::Accumulator>,
    F: Finish,
{
    /// Runs the operation by instructions of the core's own, if `arch` has some for it.
    #[inline(always)]
    fn run_on_core(&self, plan: &Plan, pixels: Pixels, output: &mut [F::Output]) -> bool {
        match self.kernel.elements() {
            Some(kernel) => {
                let (input, finish) = (self.input, self.finish);
                self.product
                    .run_on_core(plan, pixels, input, kernel, finish, output)
            }
            None => false,
        }
    }

    /// Runs the operation. Input, kernel and `output` have the lengths of the plan's geometry.
    ///
    /// Never inlined: all layers of the same element types and finish share one copy.
    #[inline(never)]
    pub(crate) fn run(&self, plan: &Plan, pixels: Pixels, output: &mut [F::Output]) {
        if self.run_on_core(plan, pixels, output) {
            return;
        }
        let channels = plan.groups * plan.produce;
        let mut rest = output;
        for row in 0..plan.rows.target {
            let rows = plan.rows.taps(row);
            for column in 0..plan.columns.target {
                let Some((pixel, tail)) = mem::take(&mut rest).split_at_mut_checked(channels)
                else {
                    return;
                };
                rest = tail;
                let columns = plan.columns.taps(column);
                let interior = rows.count == plan.rows.axis.kernel
                    && columns.count == plan.columns.axis.kernel;
                if !pixels.contain(interior) {
                    continue;
                }
                match plan.inner {
                    Inner::DotRow => self.dot_row(plan, &rows, &columns, pixel),
                    Inner::Dot => self.dot(plan, &rows, &columns, pixel),
                    Inner::Lanes => self.lanes(plan, &rows, &columns, pixel),
                    Inner::Depthwise => self.depthwise(plan, &rows, &columns, pixel),
                }
            }
        }
    }

    #[inline(never)]
    fn dot_row(&self, plan: &Plan, rows: &Taps, columns: &Taps, pixel: &mut [F::Output]) {
        let length = columns.count * plan.reduce;
        let mut weights = columns.weight;
        for (channel, slot) in pixel.iter_mut().enumerate() {
            let mut sum = F::Accumulator::ZERO;
            for (weight, row) in rows.each() {
                let input = part(self.input, plan.source(row, columns.position), length);
                let kernel = self.kernel.part(weight + weights, length);
                sum = dot::dot(self.product, sum, input, kernel);
            }
            *slot = self.finish.finish(channel, sum);
            weights += plan.produce_weights;
        }
    }

    #[inline(never)]
    fn dot(&self, plan: &Plan, rows: &Taps, columns: &Taps, pixel: &mut [F::Output]) {
        let mut slots = pixel.iter_mut().enumerate();
        for group in 0..plan.groups {
            for produced in 0..plan.produce {
                let Some((channel, slot)) = slots.next() else {
                    return;
                };
                let weights = group * plan.group_weights + produced * plan.produce_weights;
                let mut sum = F::Accumulator::ZERO;
                for (row_weight, row) in rows.each() {
                    for (column_weight, column) in columns.each() {
                        let source = plan.source(row, column) + group * plan.reduce;
                        let weight = weights.wrapping_add(row_weight).wrapping_add(column_weight);
                        let input = part(self.input, source, plan.reduce);
                        let kernel = self.kernel.part(weight, plan.reduce);
                        sum = dot::dot(self.product, sum, input, kernel);
                    }
                }
                *slot = self.finish.finish(channel, sum);
            }
        }
    }

    fn lanes(&self, plan: &Plan, rows: &Taps, columns: &Taps, pixel: &mut [F::Output]) {
        match const { lanes_of::<F::Accumulator>() } {
            LANES => self.some_lanes::<LANES>(plan, rows, columns, pixel),
            4 => self.some_lanes::<4>(plan, rows, columns, pixel),
            _ => self.some_lanes::<1>(plan, rows, columns, pixel),
        }
    }

    fn depthwise(&self, plan: &Plan, rows: &Taps, columns: &Taps, pixel: &mut [F::Output]) {
        match const { lanes_of::<F::Accumulator>() } {
            LANES => self.some_depthwise::<LANES>(plan, rows, columns, pixel),
            4 => self.some_depthwise::<4>(plan, rows, columns, pixel),
            _ => self.some_depthwise::<1>(plan, rows, columns, pixel),
        }
    }

    #[inline(never)]
    fn some_lanes<const N: usize>(
        &self,
        plan: &Plan,
        rows: &Taps,
        columns: &Taps,
        pixel: &mut [F::Output],
    ) {
        let mut slots = pixel.iter_mut().enumerate();
        for group in 0..plan.groups {
            let mut produced = 0;
            while produced < plan.produce {
                let width = (plan.produce - produced).min(plan.lanes).min(N);
                let weights = group * plan.group_weights + produced * plan.produce_weights;
                let mut sums = [F::Accumulator::ZERO; N];
                for (row_weight, row) in rows.each() {
                    for (column_weight, column) in columns.each() {
                        let source = plan.source(row, column) + group * plan.reduce;
                        let mut weight =
                            weights.wrapping_add(row_weight).wrapping_add(column_weight);
                        for &x in part(self.input, source, plan.reduce) {
                            let kernel = self.kernel.part(weight, width);
                            dot::scale_add(self.product, &mut sums, x, kernel);
                            weight += plan.reduce_weights;
                        }
                    }
                }
                for &sum in sums.iter().take(width) {
                    if let Some((channel, slot)) = slots.next() {
                        *slot = self.finish.finish(channel, sum);
                    }
                }
                produced += width;
            }
        }
    }

    #[inline(never)]
    fn some_depthwise<const N: usize>(
        &self,
        plan: &Plan,
        rows: &Taps,
        columns: &Taps,
        pixel: &mut [F::Output],
    ) {
        let mut slots = pixel.iter_mut().enumerate();
        let mut first = 0;
        while first < plan.groups {
            let width = (plan.groups - first).min(N);
            let mut sums = [F::Accumulator::ZERO; N];
            for (row_weight, row) in rows.each() {
                for (column_weight, column) in columns.each() {
                    let input = part(self.input, plan.source(row, column) + first, width);
                    let weight = row_weight.wrapping_add(column_weight).wrapping_add(first);
                    let kernel = self.kernel.part(weight, width);
                    dot::multiply_add(self.product, &mut sums, input, kernel);
                }
            }
            for &sum in sums.iter().take(width) {
                if let Some((channel, slot)) = slots.next() {
                    *slot = self.finish.finish(channel, sum);
                }
            }
            first += width;
        }
    }
}
