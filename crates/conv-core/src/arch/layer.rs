//! What the cores' files share: a layer as direct convolutions, the walk over their pixels, the outputs of other contracts.

use core::ops::Range;

use crate::arch::chosen::{self, Record};
use crate::arch::scratch::Region;
use crate::engine::Plan;
use crate::engine::part::{Part, PlanChannels};
use crate::quantised::{Activation, QuantOperation, Quantisation};

/// A quantised layer with 8-bit inputs, 32-bit sums and packed weights.
pub(crate) struct Layer<'a> {
    pub(crate) plan: &'a Plan,
    /// In the order of [`chosen::pack`].
    pub(crate) kernel: &'a [i8],
    /// One for each output channel; of direct layers with the share of the zero point where [`chosen::FOLDED`].
    pub(crate) bias: &'a [i32],
    /// One for each output channel: `−zero_point·Σweight`, of transposed layers 0. Or none: then biases of depthwise layers come
    /// without it.
    #[cfg_attr(
        not(conv_arch = "helium"),
        allow(dead_code, reason = "for files that widen only some inputs")
    )]
    pub(crate) correction: &'a [i32],
    /// One for each output channel, where the contract is [`Double`](crate::requantise::Double); else none.
    pub(crate) records: &'a [Record],
    pub(crate) quantisation: &'a Quantisation,
    pub(crate) operation: QuantOperation,
}

/// What becomes of sums.
pub(crate) enum Last<F> {
    /// The short form of [`Double`](crate::requantise::Double), into `i8`; or as below.
    Short(F),
    /// A function of channel and sum, bias included.
    General(F),
}

impl<F> Last<F> {
    /// The function of channel and sum.
    #[inline]
    #[cfg_attr(
        conv_arch = "helium",
        allow(dead_code, reason = "for what blocks leave over")
    )]
    pub(crate) fn function(&self) -> &F {
        match self {
            Self::Short(function) | Self::General(function) => function,
        }
    }
}

/// One direct convolution of a layer: a part of its targets, of one group of channels.
pub(crate) struct Sub<'a> {
    pub(crate) layer: &'a Layer<'a>,
    pub(crate) rows: Part,
    pub(crate) columns: Part,
    /// First input of the group, `i8` or `u8`.
    pub(crate) input: *const u8,
    /// Extents of the input.
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// Channels of an input pixel, of all groups.
    pub(crate) pixel: usize,
    /// Input channels of the group.
    pub(crate) reduce: usize,
    /// Output channels of the group, the first of them, and how many there are of all groups.
    pub(crate) produce: usize,
    pub(crate) channel: usize,
    pub(crate) channels: usize,
    /// Weights of all subs before this one, and how many of those were left over from groups of four.
    pub(crate) weights: usize,
    #[cfg_attr(
        any(conv_arch = "helium", conv_arch = "packed"),
        allow(dead_code, reason = "for files that multiply groups of four")
    )]
    pub(crate) leftovers: usize,
    scratch: *mut u8,
    scratch_bytes: usize,
    output: *mut u8,
    output_elements: usize,
}

/// A pixel of a sub: where its first tap lies in the input, possibly outside, and its first output channel of the group.
#[derive(Clone, Copy, Default)]
pub(crate) struct Pixel {
    pub(crate) y: isize,
    pub(crate) x: isize,
    /// Elements from the start of the output.
    pub(crate) output: usize,
}

impl Sub<'_> {
    /// Weights of one output channel.
    #[inline]
    pub(crate) fn taps(&self) -> usize {
        self.rows.taps * self.columns.taps * self.reduce
    }

    /// Whether the taps of a row lie side by side in the input, so that a run of them is one copy.
    #[inline]
    pub(crate) fn is_contiguous(&self) -> bool {
        self.columns.tap_step == 1 && self.pixel == self.reduce
    }

    /// The scratch, aligned to 4 bytes, and its size in bytes.
    #[inline]
    pub(crate) fn scratch(&self) -> (*mut u8, usize) {
        (self.scratch, self.scratch_bytes)
    }

    /// Where an output goes. Those of [`Sub::pairs`] lie inside.
    #[inline]
    pub(crate) fn output<O>(&self, element: usize) -> *mut O {
        debug_assert!(element <= self.output_elements);
        self.output.cast::<O>().wrapping_add(element)
    }

    /// Elements of the output.
    #[inline]
    #[cfg_attr(
        conv_arch = "helium",
        allow(dead_code, reason = "for columns in the output")
    )]
    pub(crate) fn output_elements(&self) -> usize {
        self.output_elements
    }

    /// Address of the input at a position, which may lie outside.
    #[inline]
    pub(crate) fn source(&self, y: isize, x: isize) -> *const u8 {
        let pixel = y.wrapping_mul(self.width as isize).wrapping_add(x);
        self.input
            .wrapping_offset(pixel.wrapping_mul(self.pixel as isize))
    }

    /// The rows of taps of a pixel that lie inside the input.
    #[inline]
    pub(crate) fn rows_inside(&self, y: isize) -> Range<usize> {
        inside(y, self.rows.tap_step, self.rows.taps, self.height)
    }

    /// The columns of taps of a pixel that lie inside the input.
    #[inline]
    pub(crate) fn columns_inside(&self, x: isize) -> Range<usize> {
        inside(x, self.columns.tap_step, self.columns.taps, self.width)
    }

    /// Every pixel in pairs, the last of an odd number with itself.
    ///
    /// Of each pixel `produce` outputs from number `output` on lie inside the output: targets are below the plan's
    /// extents and channels below its channels.
    #[inline]
    pub(crate) fn pairs(&self) -> Pairs {
        let (rows, columns) = (&self.rows, &self.columns);
        let first = rows.first * self.layer.plan.columns.target + columns.first;
        let output = first * self.channels + self.channel;
        Pairs {
            at: Pixel {
                y: rows.origin,
                x: columns.origin,
                output,
            },
            line: output,
            left_in_row: columns.targets,
            rows: rows.targets,
        }
    }
}

/// The pixels of a sub, see [`Sub::pairs`].
pub(crate) struct Pairs {
    at: Pixel,
    /// The first output of the row.
    line: usize,
    left_in_row: usize,
    /// Rows that are left, this one included.
    rows: usize,
}

impl Pairs {
    /// One pixel.
    #[inline]
    fn pixel(&mut self, sub: &Sub<'_>) -> Option<Pixel> {
        if self.rows == 0 {
            return None;
        }
        let at = self.at;
        self.at.x = at.x.wrapping_add(sub.columns.origin_step as isize);
        self.at.output = at.output.wrapping_add(sub.columns.step * sub.channels);
        self.left_in_row -= 1;
        if self.left_in_row == 0 {
            let line = sub.rows.step * sub.layer.plan.columns.target * sub.channels;
            self.line = self.line.wrapping_add(line);
            self.at = Pixel {
                y: at.y.wrapping_add(sub.rows.origin_step as isize),
                x: sub.columns.origin,
                output: self.line,
            };
            self.left_in_row = sub.columns.targets;
            self.rows -= 1;
        }
        Some(at)
    }

    /// The next two, to `pixels`; says whether there are any.
    #[cfg(conv_arch = "packed")]
    #[inline(never)]
    pub(crate) fn put_next(&mut self, sub: &Sub<'_>, [first, second]: &mut [Pixel; 2]) -> bool {
        if self.rows > 0 && self.left_in_row > 2 {
            // Both are of one row, which goes on.
            let next = |pixel: Pixel| Pixel {
                x: pixel.x.wrapping_add(sub.columns.origin_step as isize),
                output: (pixel.output).wrapping_add(sub.columns.step * sub.channels),
                ..pixel
            };
            *first = self.at;
            *second = next(*first);
            self.at = next(*second);
            self.left_in_row -= 2;
            return true;
        }
        let Some(pixel) = self.pixel(sub) else {
            return false;
        };
        *first = pixel;
        *second = self.pixel(sub).unwrap_or(pixel);
        true
    }

    /// The next two.
    #[cfg(not(conv_arch = "packed"))]
    #[inline]
    pub(crate) fn next(&mut self, sub: &Sub<'_>) -> Option<[Pixel; 2]> {
        let first = self.pixel(sub)?;
        Some([first, self.pixel(sub).unwrap_or(first)])
    }
}

/// The taps `j` in `0..taps` with `origin + j·step` in `0..extent`.
#[inline]
fn inside(origin: isize, step: usize, taps: usize, extent: usize) -> Range<usize> {
    let up = |distance: isize| match distance {
        ..=0 => 0,
        _ if step == 1 => distance.unsigned_abs(),
        _ => distance.unsigned_abs().div_ceil(step.max(1)),
    };
    let first = up(origin.wrapping_neg()).min(taps);
    let end = up((extent as isize).wrapping_sub(origin)).min(taps);
    first..end.max(first)
}

/// Runs a layer. `input` and `output` have the lengths of the plan; the layer's kernel, biases and records are those of the
/// plan's channels. `last` is [`Last::Short`] only for outputs `i8` and where [`is_short`](chosen::is_short) holds for every
/// channel.
#[inline(never)]
pub(crate) fn run<T, O, F>(
    layer: &Layer<'_>,
    input: &[T],
    output: &mut [O],
    scratch: Region<'_>,
    last: &Last<F>,
) where
    T: Activation,
    O: Activation,
    F: Fn(usize, i32) -> O,
{
    let plan = layer.plan;
    let PlanChannels {
        groups,
        reduce,
        produce,
    } = plan.of_groups();
    // The channels of a depthwise layer are those of one sub.
    let is_depthwise = matches!(layer.operation, QuantOperation::Depthwise);
    let (groups, reduce, produce) = match is_depthwise {
        true => (1, groups * reduce, groups * produce),
        false => (groups, reduce, produce),
    };
    let mut sub = Sub {
        layer,
        rows: Part::NONE,
        columns: Part::NONE,
        input: input.as_ptr().cast(),
        height: plan.rows.source,
        width: plan.columns.source,
        pixel: groups * reduce,
        reduce,
        produce,
        channel: 0,
        channels: groups * produce,
        weights: 0,
        leftovers: 0,
        scratch: scratch.start,
        scratch_bytes: scratch.bytes,
        output: output.as_mut_ptr().cast(),
        output_elements: output.len(),
    };
    // In one place: what is spilled besides would be on the stack twice.
    let sub = core::hint::black_box(&mut sub);
    for row_part in 0..plan.rows.parts() {
        sub.rows = plan.rows.part(row_part);
        for column_part in 0..plan.columns.parts() {
            sub.columns = plan.columns.part(column_part);
            sub.input = input.as_ptr().cast();
            sub.channel = 0;
            for _ in 0..groups {
                if sub.rows.targets > 0 && sub.columns.targets > 0 {
                    match is_depthwise {
                        true => chosen::run_depthwise::<T, O, F>(sub, last),
                        false => chosen::run_sub::<T, O, F>(sub, last),
                    }
                }
                let taps = sub.taps();
                sub.weights += taps * produce;
                sub.leftovers += taps % 4 * produce;
                sub.input = sub.input.wrapping_add(reduce);
                sub.channel += produce;
            }
        }
    }
    clamp(layer.quantisation, output, last);
}

/// Runs a fully connected layer, every output of all inputs, with kernel, biases and records of as many channels as there are
/// outputs. `last` as for [`run`].
#[inline(never)]
pub(crate) fn connected<T, O, F>(layer: &Layer<'_>, input: &[T], output: &mut [O], last: &Last<F>)
where
    T: Activation,
    O: Activation,
    F: Fn(usize, i32) -> O,
{
    chosen::run_connected::<T, O, F>(layer, input, output, last);
    clamp(layer.quantisation, output, last);
}

/// The short form saturates to the range of `i8`; a narrower clamp is taken afterwards.
#[inline(never)]
fn clamp<O: Activation, F>(quantisation: &Quantisation, output: &mut [O], last: &Last<F>) {
    let &Quantisation { low, high, .. } = quantisation;
    if chosen::CLAMPS
        || matches!(last, Last::General(_))
        || (low <= O::LEAST && high >= O::GREATEST)
    {
        return;
    }
    for output in output {
        let value: i32 = (*output).into();
        *output = O::saturated(Ord::min(Ord::max(value, low), high));
    }
}

/// Writes the outputs of two pixels and some neighbouring channels through a function of channel and sum.
///
/// # Safety
///
/// 1. Both outputs may be written at `sums.len()` elements.
#[inline]
#[cfg_attr(
    conv_arch = "helium",
    allow(dead_code, reason = "for sums in registers")
)]
pub(crate) unsafe fn finish<O, F: Fn(usize, i32) -> O>(
    outputs: [*mut O; 2],
    channel: usize,
    sums: &[[i32; 2]],
    function: &F,
) {
    for (index, sums) in sums.iter().enumerate() {
        for (output, &sum) in outputs.into_iter().zip(sums) {
            // SAFETY: by 1.
            unsafe { output.add(index).write(function(channel + index, sum)) };
        }
    }
}
