//! Signals of integers: filters, decimators and interpolators, and of several channels those that go each by itself.
//!
//! The seam is the line. [`run_sums`] takes an operation apart into direct filters ([`Part`]: one, or one for each phase of a
//! transposed operation), whose outputs all have the same taps and read inputs a fixed distance apart. Outputs between the
//! borders are computed [`WIDTH`] at a time, so that each weight is loaded once for all of them; where they are neighbours
//! the inputs roll through registers, too. Taps that are no run in memory, of a flipped kernel or a phase, are copied into
//! one first, once for all outputs.
//!
//! | inputs, weights | sums | where |
//! |---|---|---|
//! | `i8`, `u8`, `i16` by `i8` | 32 bits | always |
//! | `i16` by `i16` | 32 bits | where Σ\|tap\| < 2¹⁶ |
//! | | 64 bits | elsewhere |
//! | `i32` by `i32` into `i128` | 64 bits | where Σ\|tap\| < 2³² |
//! | | 128 bits | elsewhere |
//!
//! The bits are the same: no sum of fewer bits can overflow. On Armv7E-M two products of `i16` are one instruction, SMLAD
//! or SMLALD.

#[cfg(conv_isa = "armv7em")]
mod bytes;
#[cfg(any(
    conv_isa = "armv7m",
    conv_isa = "armv8m",
    conv_isa = "armv7em",
    conv_isa = "mve"
))]
mod products;
#[cfg(conv_isa = "mve")]
mod vectors;
#[cfg(any(conv_isa = "armv7m", conv_isa = "armv8m", conv_isa = "armv7em"))]
mod words;

use crate::element::Element;
use crate::engine::part::{Part, phase};
use crate::engine::{Direction, Inner, Line, Pixels, Plan};
use crate::finish::Finish;

/// Outputs computed together: as many sums as registers hold beside the inputs.
const WIDTH: usize = 4;

/// Taps copied at a time where they are no run.
const COPIED: usize = 64;

/// A sum of products of `T` and `W`.
pub(crate) trait Sum<T, W>: Element {
    /// `self + input·weight`.
    #[must_use]
    fn plus(self, input: T, weight: W) -> Self;

    /// Adds what taps in a run give to [`WIDTH`] outputs whose inputs are `step` elements apart, `tap` elements from tap to
    /// tap.
    ///
    /// # Safety
    ///
    /// 1. `taps` weights may be read.
    /// 2. So may the inputs `x + output·step + index·tap` for each output below [`WIDTH`] and index below `taps`.
    #[inline(always)]
    unsafe fn add(
        sums: &mut [Self; WIDTH],
        x: *const T,
        step: usize,
        tap: usize,
        weights: *const W,
        taps: usize,
    ) where
        T: Copy,
        W: Copy,
    {
        // SAFETY: 1 and 2 as here.
        unsafe {
            match (step, tap) {
                (1, 1) => rolling(sums, x, weights, taps),
                (_, 1) => apart(sums, x, step, weights, taps),
                _ => dilated(sums, x, step, tap, weights, taps),
            }
        }
    }
}

/// [`Sum::add`] by a core's own loops, where taps lie side by side.
macro_rules! own {
    ($isa:meta, $input:ty, $weight:ty, $($module:ident)::+) => {
        #[cfg($isa)]
        #[inline(always)]
        unsafe fn add(
            sums: &mut [Self; WIDTH],
            x: *const $input,
            step: usize,
            tap: usize,
            weights: *const $weight,
            taps: usize,
        ) {
            // SAFETY: 1 and 2 as here.
            unsafe {
                match (step, tap) {
                    (1, 1) => $($module)::+::rolling(sums, x, weights, taps),
                    (_, 1) => $($module)::+::apart(sums, x, step, weights, taps),
                    _ => dilated(sums, x, step, tap, weights, taps),
                }
            }
        }
    };
}

/// Two taps at a time, where the core has instructions for that.
macro_rules! pairs {
    ($add:ident) => {
        #[cfg(conv_isa = "armv7em")]
        #[inline(always)]
        unsafe fn add(
            sums: &mut [Self; WIDTH],
            x: *const i16,
            step: usize,
            tap: usize,
            weights: *const i16,
            taps: usize,
        ) {
            // SAFETY: 1 and 2 as here.
            unsafe {
                match (step, tap) {
                    (1, 1) => pairs::rolling(sums, x, weights, taps, pairs::$add),
                    (_, 1) => pairs::apart(sums, x, step, weights, taps, pairs::$add),
                    _ => dilated(sums, x, step, tap, weights, taps),
                }
            }
        }
    };
}

macro_rules! sums {
    ($($input:ty, $weight:ty, $product:ty => $sum:ty $({ $($own:item)* })?;)*) => {$(
        impl Sum<$input, $weight> for $sum {
            #[inline(always)]
            fn plus(self, input: $input, weight: $weight) -> Self {
                let product = <$product>::from(input).wrapping_mul(<$product>::from(weight));
                self.wrapping_add(<$sum>::from(product))
            }

            $($($own)*)?
        }
    )*};
}
sums! {
    i8, i8, i32 => i32 {
        own!(any(conv_isa = "armv7m", conv_isa = "armv8m"), i8, i8, products::bytes);
        own!(conv_isa = "armv7em", i8, i8, bytes);
        own!(conv_isa = "mve", i8, i8, vectors::bytes);
    };
    u8, i8, i32 => i32 {
        own!(any(conv_isa = "armv7m", conv_isa = "armv8m", conv_isa = "armv7em", conv_isa = "mve"), u8, i8, products::unsigned_bytes);
    };
    i16, i8, i32 => i32 {
        own!(any(conv_isa = "armv7m", conv_isa = "armv8m", conv_isa = "armv7em"), i16, i8, products::halves_by_bytes);
        own!(conv_isa = "mve", i16, i8, vectors::halves_by_bytes);
    };
    i16, i16, i32 => i32 {
        own!(any(conv_isa = "armv7m", conv_isa = "armv8m"), i16, i16, products::halves);
        pairs!(smlad);
        own!(conv_isa = "mve", i16, i16, vectors::halves);
    };
    i16, i16, i32 => i64 {
        pairs!(smlald);
        own!(conv_isa = "mve", i16, i16, vectors::long_halves);
    };
    i32, i32, i64 => i64 {
        own!(any(conv_isa = "armv7m", conv_isa = "armv8m", conv_isa = "armv7em"), i32, i32, words);
        own!(conv_isa = "mve", i32, i32, vectors::words);
    };
    i32, i32, i64 => i128;
}

/// Neighbouring outputs: input `index + output` meets tap `index`.
///
/// # Safety
///
/// As [`Sum::add`], both steps being 1.
#[inline(never)]
unsafe fn rolling<T: Copy, W: Copy, S: Sum<T, W>>(
    sums: &mut [S; WIDTH],
    mut x: *const T,
    mut weights: *const W,
    taps: usize,
) {
    let [mut a, mut b, mut c, mut d] = *sums;
    // SAFETY: by 1 and 2; the last input read is that of the last tap and output.
    unsafe {
        let (mut p, mut q, mut r) = (*x, *x.add(1), *x.add(2));
        x = x.add(WIDTH - 1);
        macro_rules! tap {
            ($first:ident $second:ident $third:ident $at:literal) => {
                let (next, weight) = (*x.add($at), *weights.add($at));
                a = a.plus($first, weight);
                b = b.plus($second, weight);
                c = c.plus($third, weight);
                d = d.plus(next, weight);
                $first = next;
            };
        }
        for _ in 0..taps / 6 {
            tap!(p q r 0);
            tap!(q r p 1);
            tap!(r p q 2);
            tap!(p q r 3);
            tap!(q r p 4);
            tap!(r p q 5);
            (x, weights) = (x.add(6), weights.add(6));
        }
        for _ in 0..taps % 6 {
            tap!(p q r 0);
            (p, q, r) = (q, r, p);
            (x, weights) = (x.add(1), weights.add(1));
        }
    }
    *sums = [a, b, c, d];
}

/// Outputs whose inputs lie apart, with taps side by side.
///
/// # Safety
///
/// As [`Sum::add`], `tap` being 1.
#[inline(never)]
unsafe fn apart<T: Copy, W: Copy, S: Sum<T, W>>(
    sums: &mut [S; WIDTH],
    x: *const T,
    step: usize,
    mut weights: *const W,
    taps: usize,
) {
    let [mut a, mut b, mut c, mut d] = *sums;
    // SAFETY: by 1 and 2.
    unsafe {
        let (mut p, mut q, mut r, mut s) = (x, x.add(step), x.add(2 * step), x.add(3 * step));
        macro_rules! taps {
            ($($at:literal)*) => {$(
                let weight = *weights.add($at);
                a = a.plus(*p.add($at), weight);
                b = b.plus(*q.add($at), weight);
                c = c.plus(*r.add($at), weight);
                d = d.plus(*s.add($at), weight);
            )*};
        }
        for _ in 0..taps / 4 {
            taps!(0 1 2 3);
            weights = weights.add(4);
            (p, q, r, s) = (p.add(4), q.add(4), r.add(4), s.add(4));
        }
        for _ in 0..taps % 4 {
            taps!(0);
            weights = weights.add(1);
            (p, q, r, s) = (p.add(1), q.add(1), r.add(1), s.add(1));
        }
    }
    *sums = [a, b, c, d];
}

/// Outputs and taps whose inputs lie apart.
///
/// # Safety
///
/// As [`Sum::add`].
#[inline(never)]
unsafe fn dilated<T: Copy, W: Copy, S: Sum<T, W>>(
    sums: &mut [S; WIDTH],
    mut x: *const T,
    step: usize,
    tap: usize,
    weights: *const W,
    taps: usize,
) {
    let [mut a, mut b, mut c, mut d] = *sums;
    for index in 0..taps {
        // SAFETY: by 1 and 2. Only the pointer's number goes beyond the input, after the last tap.
        unsafe {
            let weight = *weights.add(index);
            a = a.plus(*x, weight);
            b = b.plus(*x.add(step), weight);
            c = c.plus(*x.add(2 * step), weight);
            d = d.plus(*x.add(3 * step), weight);
        }
        x = x.wrapping_add(tap);
    }
    *sums = [a, b, c, d];
}

/// Strides, dilations and pads beyond are left to the portable loops: sums of a few of them would overflow.
const FAR: usize = isize::MAX as usize / 8;

/// Whether an operation runs here: a signal, each channel by itself.
#[inline(always)]
fn is_signal(plan: &Plan, pixels: Pixels) -> bool {
    let axis = &plan.columns.axis;
    let rows = &plan.rows;
    let single = plan.reduce == 1 && plan.produce == 1;
    let flat =
        rows.source == 1 && rows.target == 1 && rows.axis.kernel == 1 && rows.axis.pad_before == 0;
    let near = [axis.stride, axis.dilation, axis.pad_before.unsigned_abs()]
        .iter()
        .all(|&number| number <= FAR);
    near && pixels == Pixels::All
        && single
        && flat
        && (plan.groups == 1 || plan.inner == Inner::Depthwise)
}

/// The greatest sum of magnitudes of taps with which no sum of half the accumulator's bits overflows.
pub(crate) trait Taps: Element {
    const GREATEST: u64;

    fn magnitude(self) -> u64;
}

impl Taps for i16 {
    // 2¹⁵·(2¹⁶ − 1) < 2³¹.
    const GREATEST: u64 = u16::MAX as u64;

    fn magnitude(self) -> u64 {
        u64::from(self.unsigned_abs())
    }
}

impl Taps for i32 {
    // 2³¹·(2³² − 1) < 2⁶³.
    const GREATEST: u64 = u32::MAX as u64;

    fn magnitude(self) -> u64 {
        u64::from(self.unsigned_abs())
    }
}

/// [`run_sums`] in the accumulator.
#[inline(always)]
pub(crate) fn run<T, W, F>(
    plan: &Plan,
    pixels: Pixels,
    input: &[T],
    kernel: &[W],
    finish: &F,
    output: &mut [F::Output],
) -> bool
where
    T: Element,
    W: Element,
    F: Finish,
    F::Accumulator: Sum<T, W>,
{
    is_signal(plan, pixels) && {
        let finish = |channel, sum| finish.finish(channel, sum);
        run_sums(plan, input, kernel, finish, output);
        true
    }
}

/// [`run_sums`] in half the accumulator's bits where the taps allow it, else in the accumulator.
#[inline(always)]
pub(crate) fn run_narrow_or_wide<T, F>(
    plan: &Plan,
    pixels: Pixels,
    input: &[T],
    kernel: &[T],
    finish: &F,
    output: &mut [F::Output],
) -> bool
where
    T: Taps,
    F: Finish,
    F::Accumulator: Sum<T, T>,
    <F::Accumulator as Element>::Narrow: Sum<T, T>,
{
    is_signal(plan, pixels) && {
        if plan.columns.target >= WIDTH && is_narrow(kernel) {
            let finish = |channel, sum| finish.finish_narrow(channel, sum);
            run_sums(plan, input, kernel, finish, output);
        } else {
            let finish = |channel, sum| finish.finish(channel, sum);
            run_sums(plan, input, kernel, finish, output);
        }
        true
    }
}

/// Whether sums of half the bits are proven for these taps.
fn is_narrow<T: Taps>(kernel: &[T]) -> bool {
    let mut left = T::GREATEST;
    kernel
        .iter()
        .all(|tap| match left.checked_sub(tap.magnitude()) {
            Some(less) => {
                left = less;
                true
            }
            None => false,
        })
}

/// Runs an operation on a signal, with sums of `S` that `finish` takes to outputs. Input, kernel and output have the lengths of
/// the plan's geometry. Not inlined: operations that are no signal would have its frame on their stack.
#[inline(never)]
fn run_sums<T, W, S, O>(
    plan: &Plan,
    input: &[T],
    kernel: &[W],
    finish: impl Fn(usize, S) -> O,
    output: &mut [O],
) where
    T: Element,
    W: Element,
    S: Sum<T, W>,
{
    let line = &plan.columns;
    for channel in 0..plan.groups {
        // Where the stride goes beyond the output, most phases have no target.
        for first in 0..Ord::min(line.parts(), line.target) {
            let number = line.part_of(first);
            let filter = Filter {
                part: line.part(number),
                source: line.source,
                channels: plan.groups,
                input: input.get(channel..).unwrap_or_default(),
                weights: Weights::of(
                    line,
                    number,
                    kernel
                        .get(channel * plan.group_weights..)
                        .unwrap_or_default(),
                ),
            };
            let output = output.get_mut(channel..).unwrap_or_default();
            filter.run(&|sum| finish(channel, sum), output);
        }
    }
}

/// The weights of a part, in the order of ascending positions.
#[derive(Clone, Copy)]
struct Weights<'a, W> {
    kernel: &'a [W],
    first: usize,
    step: isize,
}

impl<'a, W: Element> Weights<'a, W> {
    fn of(line: &Line, number: usize, kernel: &'a [W]) -> Self {
        let (first, step) = line.weights();
        let (tap, between) = match line.direction {
            Direction::Direct => (0, 1),
            Direction::Transposed => {
                let (tap, taps) = phase(&line.axis, number);
                let last = tap + taps.saturating_sub(1) * line.phase_taps;
                (last, (line.phase_taps as isize).wrapping_neg())
            }
        };
        Self {
            kernel,
            first: first.wrapping_add_signed(step.wrapping_mul(tap as isize)),
            step: step.wrapping_mul(between),
        }
    }

    /// Weights from one on in a run: in place, or copied. As many as asked for, or as there is room for.
    #[inline(always)]
    fn run<'b>(&'b self, start: usize, count: usize, copy: &'b mut [W; COPIED]) -> &'b [W] {
        let first = self
            .first
            .wrapping_add_signed(self.step.wrapping_mul(start as isize));
        if self.step == 1 {
            return self.kernel.get(first..first + count).unwrap_or_default();
        }
        let count = Ord::min(count, COPIED);
        let mut index = first;
        for slot in copy.iter_mut().take(count) {
            *slot = self.kernel.get(index).copied().unwrap_or(W::ZERO);
            index = index.wrapping_add_signed(self.step);
        }
        copy.get(..count).unwrap_or_default()
    }
}

/// A direct filter of one channel of `channels`, of which input and output begin with it.
struct Filter<'a, T, W> {
    part: Part,
    /// Positions of the input.
    source: usize,
    channels: usize,
    input: &'a [T],
    weights: Weights<'a, W>,
}

impl<T: Element, W: Element> Filter<'_, T, W> {
    #[inline(never)]
    fn run<S: Sum<T, W>, O>(&self, finish: &impl Fn(S) -> O, output: &mut [O]) {
        let mut copy = [W::ZERO; COPIED];
        let weights = self.weights.run(0, self.part.taps, &mut copy);
        let weights = (weights.len() == self.part.taps).then_some(weights);
        let (first, end) = self.interior();
        let mut target = 0;
        while target < self.part.targets {
            let inside = target >= first && target < end;
            if inside && self.part.taps != 0 && end - target >= WIDTH {
                let blocks = (end - target) / WIDTH;
                self.blocks(target, blocks, weights, finish, output);
                target += blocks * WIDTH;
                continue;
            }
            let sum = self.one(target, weights);
            if let Some(slot) = output.get_mut(self.output(target)) {
                *slot = finish(sum);
            }
            target += 1;
        }
    }

    /// Index of a target's output.
    #[inline(always)]
    fn output(&self, target: usize) -> usize {
        (self.part.first + target * self.part.step) * self.channels
    }

    /// The targets all of whose taps lie inside the input.
    fn interior(&self) -> (usize, usize) {
        let Part {
            taps,
            targets,
            origin,
            origin_step,
            tap_step,
            ..
        } = self.part;
        let reach = taps.saturating_sub(1) * tap_step;
        let up = |distance: isize| match distance {
            ..=0 => 0,
            distance if origin_step == 1 => distance.unsigned_abs(),
            distance => distance.unsigned_abs().div_ceil(Ord::max(origin_step, 1)),
        };
        let first = up(origin.wrapping_neg());
        let end = up((self.source as isize)
            .wrapping_sub(reach as isize)
            .wrapping_sub(origin));
        let end = Ord::min(end, targets);
        (Ord::min(first, end), end)
    }

    /// `blocks` times [`WIDTH`] targets inside.
    #[inline(always)]
    fn blocks<S: Sum<T, W>, O>(
        &self,
        target: usize,
        blocks: usize,
        weights: Option<&[W]>,
        finish: &impl Fn(S) -> O,
        output: &mut [O],
    ) {
        let Part {
            taps,
            origin,
            origin_step,
            tap_step,
            step,
            ..
        } = self.part;
        let start = origin.wrapping_add((target * origin_step) as isize) as usize * self.channels;
        let apart = step * self.channels;
        // The last target's last tap, and the last output.
        let reach = start
            + ((blocks * WIDTH - 1) * origin_step + taps.saturating_sub(1) * tap_step)
                * self.channels;
        let from = self.output(target);
        let to = from + (blocks * WIDTH - 1) * apart;
        let Some(slots) = output.get_mut(from..=to) else {
            return;
        };
        if reach >= self.input.len() {
            return;
        }
        let mut x = self.input.as_ptr().wrapping_add(start);
        let mut slot = slots.as_mut_ptr();
        for _ in 0..blocks {
            let mut sums = [S::ZERO; WIDTH];
            // SAFETY: `reach`, the greatest index of all, lies inside the input.
            unsafe {
                match weights {
                    Some(weights) => self.add(&mut sums, x, weights),
                    None => self.add_pieces(&mut sums, x),
                }
            }
            for sum in sums {
                // SAFETY: the outputs lie inside `slots`, `apart` apart, as many as there are targets.
                unsafe { *slot = finish(sum) };
                slot = slot.wrapping_add(apart);
            }
            x = x.wrapping_add(WIDTH * origin_step * self.channels);
        }
    }

    /// Adds products of [`WIDTH`] targets with taps that are a run.
    ///
    /// # Safety
    ///
    /// 1. All inputs of the targets may be read, from `x` on, which the first tap of the first reads.
    #[inline(always)]
    unsafe fn add<S: Sum<T, W>>(&self, sums: &mut [S; WIDTH], x: *const T, weights: &[W]) {
        let Part {
            origin_step,
            tap_step,
            ..
        } = self.part;
        let (step, tap) = (
            origin_step.wrapping_mul(self.channels),
            tap_step.wrapping_mul(self.channels),
        );
        // SAFETY: 1: they are a slice; 2: by 1.
        unsafe { S::add(sums, x, step, tap, weights.as_ptr(), weights.len()) }
    }

    /// [`Filter::add`] of more taps than are copied at a time.
    ///
    /// # Safety
    ///
    /// As there.
    #[inline(never)]
    unsafe fn add_pieces<S: Sum<T, W>>(&self, sums: &mut [S; WIDTH], x: *const T) {
        let mut copy = [W::ZERO; COPIED];
        let mut done = 0;
        while done < self.part.taps {
            let weights = self.weights.run(done, self.part.taps - done, &mut copy);
            let x = x.wrapping_add(done * self.part.tap_step.wrapping_mul(self.channels));
            // SAFETY: 1: the taps from `done` on are among all taps.
            unsafe { self.add(sums, x, weights) };
            done += Ord::max(weights.len(), 1);
        }
    }

    /// The sum of one target, of whose taps some may lie outside.
    #[inline(never)]
    fn one<S: Sum<T, W>>(&self, target: usize, weights: Option<&[W]>) -> S {
        let Part {
            taps,
            origin,
            origin_step,
            tap_step,
            ..
        } = self.part;
        let position = origin.wrapping_add((target * origin_step) as isize);
        let tap_of = |distance: isize| match distance {
            ..=0 => 0,
            distance if tap_step == 1 => distance.unsigned_abs(),
            distance => distance.unsigned_abs().div_ceil(Ord::max(tap_step, 1)),
        };
        let first = tap_of(position.wrapping_neg());
        let end = Ord::min(tap_of((self.source as isize).wrapping_sub(position)), taps);
        let mut sum = S::ZERO;
        if first >= end {
            return sum;
        }
        let start = position.wrapping_add((first * tap_step) as isize) as usize * self.channels;
        let inputs = self.input.get(start..).unwrap_or_default();
        let weights = weights.and_then(|weights| weights.get(first..end));
        match weights {
            Some(weights) if tap_step.wrapping_mul(self.channels) == 1 => {
                for (&x, &w) in inputs.iter().zip(weights) {
                    sum = sum.plus(x, w);
                }
            }
            _ => {
                let mut index = self
                    .weights
                    .first
                    .wrapping_add_signed(self.weights.step.wrapping_mul(first as isize));
                for &x in inputs
                    .iter()
                    .step_by(Ord::max(tap_step.wrapping_mul(self.channels), 1))
                    .take(end - first)
                {
                    sum = sum.plus(
                        x,
                        self.weights.kernel.get(index).copied().unwrap_or(W::ZERO),
                    );
                    index = index.wrapping_add_signed(self.weights.step);
                }
            }
        }
        sum
    }
}

/// Two products at a time: Armv7E-M, where words may be loaded from any address of two bytes.
#[cfg(conv_isa = "armv7em")]
mod pairs {
    use core::arch::asm;

    use super::{Sum, WIDTH};

    // Not pure: the compiler would gather all products of a sum, and keep the inputs of the others on the stack.

    /// `sum` and both products of halves.
    #[inline(always)]
    pub(super) fn smlad(sum: i32, x: u32, w: u32) -> i32 {
        let result;
        // SAFETY: it changes nothing but the result and the Q flag, which the calling convention does not keep.
        unsafe {
            asm!("smlad {}, {}, {}, {}", lateout(reg) result, in(reg) x, in(reg) w, in(reg) sum,
                options(nomem, nostack, preserves_flags));
        }
        result
    }

    /// The same in 64 bits.
    #[inline(always)]
    pub(super) fn smlald(sum: i64, x: u32, w: u32) -> i64 {
        let (mut low, mut high) = (sum as u32, (sum >> 32) as u32);
        // SAFETY: it changes nothing but the sum.
        unsafe {
            asm!("smlald {}, {}, {}, {}", inout(reg) low, inout(reg) high, in(reg) x, in(reg) w,
                options(nomem, nostack, preserves_flags));
        }
        (i64::from(high as i32) << 32) | i64::from(low)
    }

    /// Two elements from one on.
    ///
    /// # Safety
    ///
    /// 1. Both may be read.
    #[inline(always)]
    unsafe fn pair(from: *const i16) -> u32 {
        // SAFETY: by 1; any bits are a word.
        unsafe { from.cast::<u32>().read_unaligned() }
    }

    /// # Safety
    ///
    /// As [`Sum::add`], both steps being 1.
    #[inline(never)]
    pub(super) unsafe fn rolling<S: Sum<i16, i16>>(
        sums: &mut [S; WIDTH],
        mut x: *const i16,
        mut weights: *const i16,
        taps: usize,
        add: impl Fn(S, u32, u32) -> S,
    ) {
        let [mut a, mut b, mut c, mut d] = *sums;
        // SAFETY: by 1 and 2: of the pairs of outputs 2 and 3 the last ends with the last tap's input.
        unsafe {
            if taps >= 2 {
                let (mut even, mut odd) = (pair(x), pair(x.add(1)));
                macro_rules! taps {
                    ($($at:literal)*) => {$(
                        let weight = pair(weights.add($at));
                        a = add(a, even, weight);
                        b = add(b, odd, weight);
                        even = pair(x.add($at + 2));
                        c = add(c, even, weight);
                        odd = pair(x.add($at + 3));
                        d = add(d, odd, weight);
                    )*};
                }
                for _ in 0..taps / 8 {
                    taps!(0 2 4 6);
                    (x, weights) = (x.add(8), weights.add(8));
                }
                for _ in 0..taps % 8 / 2 {
                    taps!(0);
                    (x, weights) = (x.add(2), weights.add(2));
                }
            }
            if taps % 2 == 1 {
                let weight = *weights;
                a = a.plus(*x, weight);
                b = b.plus(*x.add(1), weight);
                c = c.plus(*x.add(2), weight);
                d = d.plus(*x.add(3), weight);
            }
        }
        *sums = [a, b, c, d];
    }

    /// # Safety
    ///
    /// As [`Sum::add`], `tap` being 1.
    #[inline(never)]
    pub(super) unsafe fn apart<S: Sum<i16, i16>>(
        sums: &mut [S; WIDTH],
        x: *const i16,
        step: usize,
        mut weights: *const i16,
        taps: usize,
        add: impl Fn(S, u32, u32) -> S,
    ) {
        let [mut a, mut b, mut c, mut d] = *sums;
        // SAFETY: by 1 and 2.
        unsafe {
            let (mut p, mut q, mut r, mut s) = (x, x.add(step), x.add(2 * step), x.add(3 * step));
            macro_rules! taps {
                ($($at:literal)*) => {$(
                    let weight = pair(weights.add($at));
                    a = add(a, pair(p.add($at)), weight);
                    b = add(b, pair(q.add($at)), weight);
                    c = add(c, pair(r.add($at)), weight);
                    d = add(d, pair(s.add($at)), weight);
                )*};
            }
            for _ in 0..taps / 8 {
                taps!(0 2 4 6);
                weights = weights.add(8);
                (p, q, r, s) = (p.add(8), q.add(8), r.add(8), s.add(8));
            }
            for _ in 0..taps % 8 / 2 {
                taps!(0);
                weights = weights.add(2);
                (p, q, r, s) = (p.add(2), q.add(2), r.add(2), s.add(2));
            }
            if taps % 2 == 1 {
                let weight = *weights;
                a = a.plus(*p, weight);
                b = b.plus(*q, weight);
                c = c.plus(*r, weight);
                d = d.plus(*s, weight);
            }
        }
        *sums = [a, b, c, d];
    }
}
