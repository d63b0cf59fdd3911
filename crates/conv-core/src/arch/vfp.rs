//! `f32` on Arm cores with a float unit: several sums in registers, so that each load serves several products.
//!
//! The portable loops load an input and a weight for each product. Here outputs that the same taps reach ("alike": the
//! pixels of a row between its borders, or of one phase of a transposed operation) are computed a few at a time, by the
//! blocks of [`block`]. The order of summation stays what it was, so the bits do too.
//!
//! | plan | block (pixels × channels) | instructions per product in its loop |
//! |---|---|---|
//! | direct: weights lie along the summed channels, or along the whole row | 2 × 4 | 2.25 |
//! | its last pixel, pixels at the borders, a single pixel | 1 × 4 | 2.44 |
//! | its last one to three channels | 4 × 1, then 1 × 1 | 2.44, 3 |
//! | transposed: weights lie along the produced channels | 2 × 8, 2 × 4, 2 × 2, 2 × 1 | 2.25, 2.5, 3, 4 |
//! | its last pixel, pixels at the borders, a single pixel | 1 × 8, 1 × 4, 1 × 2, 1 × 1 | 2.44, 2.75, 3.5, 5 |
//! | weights along neither: as a transposed one with one channel | 2 × 1 | 4 |
//! | a signal: one source channel, pixels side by side, and its kernel turned round | 8 × 1 | 2.16 |
//! | a signal, transposed | 8 × 1 | 2.38 |
//! | a signal, dilated | 8 × 1 | 2.75 |
//! | a signal's last pixels | 4 × 1, 2 × 1, 1 × 1 | 2.44 to 3.5, 5, 3 to 8 |
//! | depthwise | 1 × 8, 1 × 4, 1 × 2, 1 × 1 | 2.75, 3.5, 5, 8 |
//!
//! A run of fewer than four elements (two in a transposed operation) takes them one by one: 3 instead of 2.25 instructions
//! for each in the widest block. Where the summed channels are few and the row of taps is no run, in grouped, dilated and
//! turned operations on several channels, each tap costs 12 instructions more for a whole block.
//!
//! No operation on `f32` takes another path on these cores.
#![allow(
    unsafe_code,
    reason = "the register blocks read through pointers; each call says why it may"
)]

mod block;

use core::mem::MaybeUninit;

use crate::engine::{Direction, Inner, Line, Pixels, Plan, Taps};
use crate::finish::Finish;

use block::Block;

/// A register block. The pointers and steps of its argument must lead to elements of the input and the kernel only.
type Kernel = unsafe extern "C" fn(*mut Block);

/// Bytes of an element.
const ELEMENT: isize = size_of::<f32>() as isize;

/// Runs an operation. Input, kernel and `output` have the lengths of the plan's geometry; where the first two were
/// shorter, nothing would be written.
pub(crate) fn run<F>(
    plan: &Plan,
    pixels: Pixels,
    input: &[f32],
    kernel: &[f32],
    finish: &F,
    output: &mut [F::Output],
) where
    F: Finish<Accumulator = f32>,
{
    // Condition 1 of every block below.
    if input.len() < source_elements(plan) || kernel.len() < kernel_elements(plan) {
        return;
    }
    let mut work = Work {
        plan,
        pixels,
        input: input.as_ptr(),
        kernel: kernel.as_ptr(),
        finish,
        output,
        alike: 1,
        step: plan.columns.phases() * plan.groups * plan.produce,
        place: Place::default(),
        block: Block {
            input: input.as_ptr(),
            pixel: plan.columns.pixel_positions() * plan.channels() as isize * ELEMENT,
            kernel: kernel.as_ptr(),
            weights: 0,
            run: 1,
            columns: 1,
            rows: 1,
            input_column: 0,
            kernel_column: 0,
            input_row: 0,
            kernel_row: 0,
            tap: 0,
            sums: [MaybeUninit::uninit(); block::SUMS],
        },
    };
    for row in 0..plan.rows.target {
        work.row(row);
    }
}

/// Elements of the input that the plan's positions lie in.
fn source_elements(plan: &Plan) -> usize {
    plan.rows.source * plan.columns.source * plan.channels()
}

/// One more than the index of the last weight that the plan's taps reach.
fn kernel_elements(plan: &Plan) -> usize {
    let taps = |line: &Line| line.axis.kernel.saturating_sub(1) * line.weight_step.unsigned_abs();
    taps(&plan.rows)
        + taps(&plan.columns)
        + plan.groups.saturating_sub(1) * plan.group_weights
        + plan.reduce.saturating_sub(1) * plan.reduce_weights
        + plan.produce.saturating_sub(1) * plan.produce_weights
        + 1
}

impl Line {
    /// Distance between targets of one phase.
    fn phases(&self) -> usize {
        match self.direction {
            Direction::Direct => 1,
            Direction::Transposed => self.axis.stride,
        }
    }

    /// Distance between the positions that they read.
    fn pixel_positions(&self) -> isize {
        match self.direction {
            Direction::Direct => self.axis.stride as isize,
            Direction::Transposed => 1,
        }
    }

    /// How many targets of a phase, from the one that `taps` reach, are reached by the same taps, each from
    /// [`Line::pixel_positions`] further on. At least 1, and not cut to the targets that there are.
    ///
    /// Where no tap is missing, none will be until a position would lie beyond the last. Direct: the last tap's comes
    /// there first. Transposed: positions fall from tap to tap, so the first tap's does.
    fn alike(&self, taps: &Taps) -> usize {
        let last = self.source.wrapping_sub(1);
        match self.direction {
            Direction::Direct if taps.count == self.axis.kernel => {
                let reach = self.axis.kernel.wrapping_sub(1) * self.axis.dilation;
                let further = last.saturating_sub(taps.position + reach);
                1 + further.checked_div(self.axis.stride).unwrap_or(0)
            }
            Direction::Transposed => {
                let distance = taps.weight.abs_diff(self.first_weight);
                let first = distance
                    .checked_div(self.weight_step.unsigned_abs())
                    .unwrap_or(0);
                let whole = first < self.phase_taps
                    && first + taps.count * self.phase_taps >= self.axis.kernel;
                match whole {
                    true => 1 + last.saturating_sub(taps.position),
                    false => 1,
                }
            }
            Direction::Direct => 1,
        }
    }
}

/// An operation under way, in one place in memory: the loops below are a call deep each, and hold little themselves.
struct Work<'a, F: Finish> {
    plan: &'a Plan,
    pixels: Pixels,
    /// The first elements of both.
    input: *const f32,
    kernel: *const f32,
    finish: &'a F,
    output: &'a mut [F::Output],
    /// How many pixels of a row the same taps reach, each from the same distance further on: those in work.
    alike: usize,
    /// From a pixel's outputs to those of the next one alike.
    step: usize,
    /// Where the channels in work begin.
    place: Place,
    block: Block,
}

/// Where to read and to write.
#[derive(Clone, Copy, Default)]
struct Place {
    /// Pixels that are done.
    pixel: usize,
    /// Index of what the first pixel's first tap reads.
    input: usize,
    /// Index of that tap's weight.
    kernel: usize,
    /// Index of the first pixel's output.
    output: usize,
    /// Its channel.
    channel: usize,
}

impl<F> Work<'_, F>
where
    F: Finish<Accumulator = f32>,
{
    /// The outputs of a row, phase by phase, those alike together.
    #[inline(never)]
    fn row(&mut self, row: usize) {
        let rows = self.plan.rows.taps(row);
        let phases = self.plan.columns.phases();
        for phase in 0..phases.min(self.plan.columns.target) {
            let mut column = phase;
            while column < self.plan.columns.target {
                match self.begin(&rows, row, column) {
                    Order::None => {}
                    Order::Empty => self.empty(),
                    Order::Dot => self.dot(),
                    Order::Lanes => self.lanes(),
                    Order::Depthwise => self.depthwise(),
                    Order::Signal => self.signal(),
                }
                column += self.alike * phases;
            }
        }
    }

    /// Finds the pixels alike from `column` on, and which of the loops suits them. Never inlined: its stack is free again
    /// when they are computed.
    #[inline(never)]
    fn begin(&mut self, rows: &Taps, row: usize, column: usize) -> Order {
        let plan = self.plan;
        let line = &plan.columns;
        let columns = line.taps(column);
        self.alike = 1;
        self.place = Place {
            pixel: 0,
            input: plan.source(rows.position, columns.position),
            kernel: rows.weight.wrapping_add(columns.weight),
            output: (row * line.target + column) * plan.groups * plan.produce,
            channel: 0,
        };
        if self.pixels != Pixels::All {
            let interior = rows.count == plan.rows.axis.kernel;
            if !self
                .pixels
                .contain(interior && columns.count == line.axis.kernel)
            {
                return Order::None;
            }
        }
        if rows.count == 0 || columns.count == 0 {
            return Order::Empty;
        }
        let (left, phases) = (line.target - 1 - column, line.phases());
        if left >= phases {
            let further = left.checked_div(phases).unwrap_or(0);
            self.alike = line.alike(&columns).min(1 + further);
        }
        self.set_steps(rows, &columns)
    }

    /// A pixel that no tap reaches.
    fn empty(&mut self) {
        let channels = self.plan.groups * self.plan.produce;
        let pixel = self.output.get_mut(self.place.output..);
        for (channel, slot) in pixel.into_iter().flatten().take(channels).enumerate() {
            *slot = self.finish.finish(channel, 0.0);
        }
    }

    /// Sets the block's steps, and tells which of the loops suits plan and pixels.
    fn set_steps(&mut self, rows: &Taps, columns: &Taps) -> Order {
        let plan = self.plan;
        let block = &mut self.block;
        let channels = plan.channels() as isize;
        let row = rows.position_step * plan.columns.source as isize * channels;
        let column = columns.position_step * channels;
        // Pixels side by side, or a single sum over taps of one element.
        let signal = channels == 1
            && match self.alike {
                1 => plan.inner != Inner::DotRow && plan.produce < 4,
                _ => block.pixel == ELEMENT,
            };
        if signal || plan.inner == Inner::DotRow {
            // A row of taps is one run: rows stand in the place of columns.
            block.run = match signal {
                true => columns.count,
                false => columns.count * plan.reduce,
            };
            let run = block.run as isize;
            (block.columns, block.rows) = (rows.count, 1);
            (block.tap, block.weights) = (column * ELEMENT, columns.weight_step * ELEMENT);
            if signal {
                block.input_column = row * ELEMENT - run * block.tap;
                block.kernel_column = rows.weight_step * ELEMENT - run * block.weights;
                return Order::Signal;
            }
            block.input_column = (row - run) * ELEMENT;
            block.kernel_column = (rows.weight_step - run) * ELEMENT;
            block.weights = plan.produce_weights as isize * ELEMENT;
            return Order::Dot;
        }
        let count = columns.count as isize;
        block.run = plan.reduce;
        (block.columns, block.rows) = (columns.count, rows.count);
        block.input_row = (row - count * column) * ELEMENT;
        block.kernel_row = (rows.weight_step - count * columns.weight_step) * ELEMENT;
        // From the end of a run on; blocks of single taps do not move by themselves.
        let (moved, weights, order) = match plan.inner {
            Inner::Depthwise => (0, 0, Order::Depthwise),
            Inner::Lanes => (plan.reduce, plan.reduce_weights, Order::Lanes),
            Inner::Dot | Inner::DotRow => (plan.reduce, 1, Order::Dot),
        };
        block.input_column = (column - moved as isize) * ELEMENT;
        block.kernel_column = (columns.weight_step - (moved * weights) as isize) * ELEMENT;
        block.weights = match order {
            Order::Lanes => weights as isize * ELEMENT,
            _ => plan.produce_weights as isize * ELEMENT,
        };
        order
    }

    /// Goes from the end of a group to the next.
    fn next_group(&mut self) {
        let (plan, place) = (self.plan, &mut self.place);
        place.input += plan.reduce;
        let kernel = place.kernel.wrapping_add(plan.group_weights);
        place.kernel = kernel.wrapping_sub(plan.produce * plan.produce_weights);
    }

    /// Goes past `width` channels that are done.
    fn advance(&mut self, width: usize, weights: usize) {
        let place = &mut self.place;
        place.pixel = 0;
        place.kernel += width * weights;
        place.output += width;
        place.channel += width;
    }

    /// Four channels by two pixels, what is left of the channels by four pixels.
    #[inline(never)]
    fn dot(&mut self) {
        for _ in 0..self.plan.groups {
            let mut left = self.plan.produce;
            while left != 0 {
                let width = if left >= 4 { 4 } else { 1 };
                if width == 4 {
                    self.pass::<2, 4>(block::dot_2x4);
                    self.pass::<1, 4>(block::dot_1x4);
                } else {
                    self.pass::<4, 1>(block::dot_4x1);
                    self.pass::<1, 1>(block::dot_1x1);
                }
                self.advance(width, self.plan.produce_weights);
                left -= width;
            }
            self.next_group();
        }
    }

    /// As many channels as have contiguous weights by two pixels.
    #[inline(never)]
    fn lanes(&mut self) {
        for _ in 0..self.plan.groups {
            let mut left = self.plan.produce;
            while left != 0 {
                let width = width(left.min(self.plan.lanes));
                match width {
                    8 => {
                        self.pass::<2, 8>(block::lanes_2x8);
                        self.pass::<1, 8>(block::lanes_1x8);
                    }
                    4 => {
                        self.pass::<2, 4>(block::lanes_2x4);
                        self.pass::<1, 4>(block::lanes_1x4);
                    }
                    2 => {
                        self.pass::<2, 2>(block::lanes_2x2);
                        self.pass::<1, 2>(block::lanes_1x2);
                    }
                    _ => {
                        self.pass::<2, 1>(block::lanes_2x1);
                        self.pass::<1, 1>(block::lanes_1x1);
                    }
                }
                self.advance(width, self.plan.produce_weights);
                left -= width;
            }
            self.next_group();
        }
    }

    /// Eight channels of one pixel.
    #[inline(never)]
    fn depthwise(&mut self) {
        let mut left = self.plan.groups;
        while left != 0 {
            let width = width(left);
            match width {
                8 => self.pass::<1, 8>(block::channels_8),
                4 => self.pass::<1, 4>(block::channels_4),
                2 => self.pass::<1, 2>(block::channels_2),
                _ => self.pass::<1, 1>(block::channels_1),
            }
            self.advance(width, 1);
            self.place.input += width;
            left -= width;
        }
    }

    /// One source channel, pixels an element apart: eight of them by one channel.
    #[inline(never)]
    fn signal(&mut self) {
        const AGAINST: isize = -ELEMENT;
        for _ in 0..self.plan.produce {
            match (self.block.tap, self.block.weights) {
                (ELEMENT, ELEMENT) => {
                    self.pass::<8, 1>(block::window_8);
                    self.pass::<4, 1>(block::dot_4x1);
                    self.pass::<1, 1>(block::dot_1x1);
                }
                (ELEMENT, AGAINST) => self.pass::<8, 1>(block::turned_8),
                (AGAINST, _) => self.pass::<8, 1>(block::falling_8),
                _ => self.pass::<8, 1>(block::pixels_8),
            }
            if self.place.pixel != self.alike {
                self.pass::<4, 1>(block::pixels_4);
                self.pass::<2, 1>(block::pixels_2);
                match (self.block.tap, self.block.weights) {
                    (ELEMENT, AGAINST) => self.pass::<1, 1>(block::turned_1),
                    _ => self.pass::<1, 1>(block::pixels_1),
                }
            }
            self.advance(1, self.plan.produce_weights);
        }
    }

    /// `N` channels of the pixels left, `P` at a time by the register block that computes so many. Leaves fewer pixels
    /// than `P`.
    #[inline(always)]
    fn pass<const P: usize, const N: usize>(&mut self, kernel: Kernel) {
        let blocks = (self.alike - self.place.pixel) / P;
        if blocks != 0 {
            self.blocks::<P, N>(blocks, kernel);
        }
    }

    /// `blocks` times `P` pixels by `N` channels.
    #[inline(never)]
    fn blocks<const P: usize, const N: usize>(&mut self, mut blocks: usize, kernel: Kernel) {
        const { assert!(P * N <= block::SUMS) };
        let (step, place, block) = (self.step, &mut self.place, &mut self.block);
        let start = place.output + place.pixel * step;
        // Condition 6: the outputs of all pixels exist.
        let length = (blocks * P - 1) * step + N;
        let Some(slots) = self.output.get_mut(start..start + length) else {
            return;
        };
        let mut slot = slots.as_mut_ptr();
        let first = self.input.wrapping_add(place.input);
        block.input = first.wrapping_byte_offset(block.pixel * place.pixel as isize);
        block.kernel = self.kernel.wrapping_add(place.kernel);
        place.pixel += blocks * P;
        while blocks != 0 {
            // SAFETY: the block reads inside the two slices and writes to its sums alone.
            // 1. Input and kernel are as long as the plan says: `run` has checked both.
            // 2. The positions of all taps lie inside the source, and the taps inside the kernel: `Line::taps`.
            // 3. So they do for every pixel that a block takes, all of them being alike: `Line::alike`.
            // 4. Channels that a block takes together exist, and lie side by side where its loads are vectors: the
            //    loops above take no wider block than there are channels left, and `Plan` tells the strides.
            // 5. Rows, columns and the run are at least 1: `begin` has dealt with pixels that no tap reaches.
            unsafe { kernel(block) }
            block.input = block.input.wrapping_byte_offset(block.pixel * P as isize);
            let sums = block.sums.as_ptr().wrapping_add(block::SUMS - P * N);
            for pixel in 0..P {
                for channel in 0..N {
                    // SAFETY: there are `P` times `N` sums, which the block has written, and the slot lies inside
                    // `slots` by condition 6.
                    unsafe {
                        let sum = (*sums.add(pixel * N + channel)).assume_init();
                        *slot.add(channel) = self.finish.finish(place.channel + channel, sum);
                    }
                }
                slot = slot.wrapping_add(step);
            }
            blocks -= 1;
        }
    }
}

/// Which of the loops computes the pixels in work.
enum Order {
    /// None: they are not asked for.
    None,
    /// No tap reaches them.
    Empty,
    Dot,
    Lanes,
    Depthwise,
    Signal,
}

/// The widest block, of 8, 4, 2 and 1, that `left` fill.
fn width(left: usize) -> usize {
    match left {
        8.. => 8,
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}
