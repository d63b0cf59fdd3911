//! The three register blocks, written once over element types and compiled once for each SIMD level.
//!
//! All of them gather: a block of outputs is held in registers while the taps go by, each output adding
//! `input · weight` in the order that [`Gather`] says. What differs is which outputs share a register:
//!
//! | block | lanes of a register | shared by its outputs | for |
//! |---|---|---|---|
//! | [`channel_lanes`] | 16 output channels | one input, broadcast | dense layers |
//! | [`pixel_lanes`] | neighbouring outputs | one weight, broadcast | few output channels, images, signals |
//! | [`depthwise_lanes`] | 16 channels | nothing: one input and one weight each | depthwise, channels innermost |
//!
//! A lane is one output and its additions happen in one order whatever the width of the registers, so every
//! level gives the same bits.

use core::ops::Range;

use conv_core::element::{Element, Multiply};

/// A number that partial sums are added in.
pub trait Sum: Element {
    /// `self + other`; wraps for integers.
    #[must_use]
    fn plus(self, other: Self) -> Self;
}

macro_rules! sums {
    ($($number:ty: |$left:ident, $right:ident| $sum:expr;)*) => {$(
        impl Sum for $number {
            #[inline(always)]
            fn plus(self, other: Self) -> Self {
                let ($left, $right) = (self, other);
                $sum
            }
        }
    )*};
}
sums! {
    i8: |left, right| left.wrapping_add(right);
    u8: |left, right| left.wrapping_add(right);
    i16: |left, right| left.wrapping_add(right);
    i32: |left, right| left.wrapping_add(right);
    i64: |left, right| left.wrapping_add(right);
    i128: |left, right| left.wrapping_add(right);
    f32: |left, right| left + right;
    f64: |left, right| left + right;
}

/// How an accumulator takes a product in.
pub(crate) trait Product<T, W, A> {
    /// `accumulator + input·kernel`.
    fn add(accumulator: A, input: T, kernel: W) -> A;
}

/// The product is rounded, then added: conv-core's arithmetic, and that of integers.
#[derive(Debug)]
pub(crate) struct Rounding;

impl<T: Multiply<W, A>, W: Element, A: Element> Product<T, W, A> for Rounding {
    #[inline(always)]
    fn add(accumulator: A, input: T, kernel: W) -> A {
        T::multiply_add(accumulator, input, kernel)
    }
}

/// One rounding, of the exact product and the accumulator.
#[derive(Debug)]
pub(crate) struct Fusing;

macro_rules! fusing {
    ($($float:ty),*) => {$(
        impl Product<$float, $float, $float> for Fusing {
            #[inline(always)]
            fn add(accumulator: $float, input: $float, kernel: $float) -> $float {
                input.mul_add(kernel, accumulator)
            }
        }
    )*};
}
fusing!(f32, f64);

/// Output channels of one block of [`channel_lanes`] and [`depthwise_lanes`].
pub(crate) const LANES: usize = 16;

/// One tap of a gather, as offsets into the source and the packed weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tap {
    /// From the first pixel's base to the source element of the first channel.
    pub(crate) offset: isize,
    /// From the first tap to this one, in rows of weights: a row has the lanes of one source channel.
    pub(crate) row: usize,
}

/// Taps in the order of summation, and how far they reach.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    list: Vec<Tap>,
    least: isize,
    greatest: isize,
    row: usize,
}

impl Taps {
    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    pub(crate) fn push(&mut self, tap: Tap) {
        let Tap { offset, row } = tap;
        if self.list.is_empty() {
            (self.least, self.greatest, self.row) = (offset, offset, row);
        } else {
            self.least = self.least.min(offset);
            self.greatest = self.greatest.max(offset);
            self.row = self.row.max(row);
        }
        self.list.push(tap);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Tap> {
        self.list.iter()
    }

    /// Lowest and highest source offset, and highest row of weights; all 0 without taps.
    pub(crate) fn bounds(&self) -> (isize, isize, usize) {
        (self.least, self.greatest, self.row)
    }
}

/// In which order the products of one output are added.
///
/// ```text
/// for each partial sum:  for each of its `fold` blocks of channels:  for each tap:  for each of the block's channels
/// ```
///
/// The first partial sum goes on from what the accumulator holds; each later one starts at zero and is added whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Channels of a block; the last has those that are left.
    pub(crate) block: usize,
    /// Blocks of a partial sum.
    pub(crate) fold: usize,
}

impl Order {
    /// Taps, then all channels, in one sum.
    pub(crate) const fn plain(channels: usize) -> Self {
        Self {
            block: channels,
            fold: 1,
        }
    }
}

/// A run of outputs that read the same taps, each `pixel` source elements after the one before.
pub(crate) struct Gather<'a, T, W> {
    /// Everything that may be read.
    pub(crate) source: &'a [T],
    /// Source index of the first pixel, to which tap offsets are added.
    pub(crate) base: isize,
    /// Source elements from one output's to the next one's.
    pub(crate) pixel: isize,
    /// Source elements from one channel to the next.
    pub(crate) channel: isize,
    /// Number of source channels.
    pub(crate) channels: usize,
    pub(crate) order: Order,
    /// Rows of weights from one block of channels to the next.
    pub(crate) block_rows: usize,
    /// The taps, ascending.
    pub(crate) taps: &'a Taps,
    /// Weights of this block of outputs.
    pub(crate) weights: &'a [W],
}

impl<T, W> Gather<'_, T, W> {
    /// Where the taps of output `pixel` start. Computed without `offset`'s in-bounds promise: the base may
    /// lie outside the source, the sums with the tap offsets do not.
    #[inline(always)]
    pub(super) fn start(&self, pixel: usize) -> *const T {
        let index = self
            .base
            .wrapping_add(self.pixel.wrapping_mul(pixel as isize));
        self.source.as_ptr().wrapping_offset(index)
    }

    /// First channels of the partial sums, and of what follows the last.
    #[inline(always)]
    pub(super) fn partial_sums(&self) -> impl Iterator<Item = Range<usize>> + use<T, W> {
        let (channels, most) = (self.channels, self.order.fold * self.order.block);
        (0..channels)
            .step_by(most.max(1))
            .map(move |first| first..channels.min(first + most))
    }

    /// The blocks of channels of a partial sum: first channel, number of channels, first row of weights.
    #[inline(always)]
    pub(super) fn blocks(
        &self,
        of: Range<usize>,
    ) -> impl Iterator<Item = (usize, usize, usize)> + use<T, W> {
        let (block, rows) = (self.order.block, self.block_rows);
        of.clone()
            .step_by(block)
            .map(move |first| (first, block.min(of.end - first), first / block * rows))
    }
}

/// `tile[pixel][lane] += Σ source · weight` for 16 output channels and `pixels` outputs.
///
/// Weights are `[block][tap][channel][16]`. `BUDGET` is the number of bytes of accumulators that the registers of
/// the level hold.
///
/// # Safety
///
/// For every tap, channel and pixel: `base + offset + channel·c + pixel·p` lies in `source`, and
/// every row that a block of channels and a tap lead to has 16 weights. `tile` has at least `16·pixels` elements.
#[inline(always)]
pub(crate) unsafe fn channel_lanes<M, T, W, A, const BUDGET: usize>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let most = pixels_at_once(BUDGET, size_of::<A>());
    let blocks = pixels.div_ceil(most);
    let mut first = 0;
    for block in 0..blocks {
        // Blocks of nearly equal size: 8 pixels are 4 + 4, not 6 + 2.
        let count = (pixels - first).div_ceil(blocks - block);
        let part = &mut tile[first * LANES..][..count * LANES];
        // SAFETY: pixels first..first + count are among the caller's, and `part` has 16 for each.
        unsafe {
            match count {
                1 => channel_block::<M, T, W, A, 1>(gather, first, part),
                2 if most >= 2 => channel_block::<M, T, W, A, 2>(gather, first, part),
                3 if most >= 3 => channel_block::<M, T, W, A, 3>(gather, first, part),
                4 if most >= 4 => channel_block::<M, T, W, A, 4>(gather, first, part),
                5 if most >= 5 => channel_block::<M, T, W, A, 5>(gather, first, part),
                6 if most >= 6 => channel_block::<M, T, W, A, 6>(gather, first, part),
                // 1 ≤ count ≤ most ≤ 6: nothing is left.
                _ => {}
            }
        }
        first += count;
    }
}

/// Most pixels whose 16 accumulators each fit the registers.
const fn pixels_at_once(budget: usize, accumulator: usize) -> usize {
    let pixels = budget / (LANES * accumulator);
    if pixels > 6 {
        6
    } else if pixels == 0 {
        1
    } else {
        pixels
    }
}

#[inline(always)]
unsafe fn channel_block<M, T, W, A, const P: usize>(
    gather: &Gather<'_, T, W>,
    first: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let mut sums = [[A::ZERO; LANES]; P];
    for (sum, part) in sums.iter_mut().zip(tile.chunks_exact(LANES)) {
        sum.copy_from_slice(part);
    }
    for part in gather.partial_sums() {
        if part.start > 0 {
            sums = [[A::ZERO; LANES]; P];
        }
        // SAFETY: the caller's promise, for these channels.
        unsafe { channel_part::<M, T, W, A, P>(gather, first, part.clone(), &mut sums) };
        for (places, sum) in tile.chunks_exact_mut(LANES).zip(&sums) {
            if part.start == 0 {
                places.copy_from_slice(sum);
            } else {
                for (place, sum) in places.iter_mut().zip(sum) {
                    *place = place.plus(*sum);
                }
            }
        }
    }
}

/// One partial sum of a block.
///
/// # Safety
///
/// As [`channel_lanes`], for the pixels `first..first + P` and the channels `part`.
#[inline(always)]
unsafe fn channel_part<M, T, W, A, const P: usize>(
    gather: &Gather<'_, T, W>,
    first: usize,
    part: Range<usize>,
    sums: &mut [[A; LANES]; P],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let start = gather.start(first);
    for (channel, count, row) in gather.blocks(part) {
        let from = gather.channel.wrapping_mul(channel as isize);
        for tap in &gather.taps.list {
            let mut source = start.wrapping_offset(from).wrapping_offset(tap.offset);
            let mut weight = gather
                .weights
                .as_ptr()
                .wrapping_add((row + tap.row) * LANES);
            for _ in 0..count {
                // SAFETY: the row is within the weights for every channel, by the caller's promise.
                let lanes = unsafe { weight.cast::<[W; LANES]>().read() };
                for (p, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: this channel's element of pixel first + p, in the source by the caller's promise.
                    let value = unsafe { source.wrapping_offset(gather.pixel * p as isize).read() };
                    for (sum, lane) in sum.iter_mut().zip(&lanes) {
                        *sum = M::add(*sum, value, *lane);
                    }
                }
                source = source.wrapping_offset(gather.channel);
                weight = weight.wrapping_add(LANES);
            }
        }
    }
}

/// `tile[sink][pixel] = Σ source · weight` for up to 4 output channels, `sink_step` weights apart.
///
/// Weights are `[sink][block][tap][channel]`. Registers hold neighbouring outputs; a run that is no multiple of the
/// register block ends in a block that overlaps the one before and writes the same values again.
///
/// # Safety
///
/// For every tap, channel, pixel and sink: `base + offset + channel·c + pixel·p` lies in `source`, and
/// every row that a block of channels and a tap lead to, `sink_step·s` further, in `weights`. `tile` has at least `sinks·pixels` elements and `sinks` is 1 to 4.
#[inline(always)]
pub(crate) unsafe fn pixel_lanes<M, T, W, A, const BUDGET: usize>(
    gather: &Gather<'_, T, W>,
    sinks: usize,
    sink_step: usize,
    pixels: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    // SAFETY: the caller's promise, unchanged; one sink is read where `sinks` is 1.
    unsafe {
        if sinks == 1 {
            pixel_blocks::<M, T, W, A, BUDGET, 1>(gather, sinks, sink_step, pixels, tile);
        } else {
            pixel_blocks::<M, T, W, A, BUDGET, 4>(gather, sinks, sink_step, pixels, tile);
        }
    }
}

/// How many neighbouring outputs a block of `S` sinks holds.
const fn lanes_at_once<A>(budget: usize, sinks: usize, pixels: usize, unit: bool) -> usize {
    let fits = budget / (sinks * size_of::<A>());
    if unit && sinks == 1 && pixels >= 64 && fits >= 64 {
        64
    } else if unit && sinks == 1 && pixels >= 32 && fits >= 32 {
        32
    } else if unit && pixels >= 16 && fits >= 16 {
        16
    } else if pixels >= 4 {
        4
    } else {
        1
    }
}

#[inline(always)]
unsafe fn pixel_blocks<M, T, W, A, const BUDGET: usize, const S: usize>(
    gather: &Gather<'_, T, W>,
    sinks: usize,
    sink_step: usize,
    pixels: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let unit = gather.pixel == 1;
    let lanes = lanes_at_once::<A>(BUDGET, S, pixels, unit);
    let run = Sinks {
        count: sinks,
        step: sink_step,
    };
    let mut first = 0;
    while first < pixels {
        // The last block moves back so that it ends with the run: lanes ≤ pixels.
        let start = first.min(pixels - lanes);
        // SAFETY: pixels start..start + lanes are among the caller's, and neighbours where `unit`.
        unsafe {
            match (lanes, unit) {
                (64, _) if S == 1 => {
                    pixel_block::<M, T, W, A, S, 64, true>(gather, run, start, pixels, tile);
                }
                (32, _) if S == 1 => {
                    pixel_block::<M, T, W, A, S, 32, true>(gather, run, start, pixels, tile);
                }
                (16, _) => pixel_block::<M, T, W, A, S, 16, true>(gather, run, start, pixels, tile),
                (4, true) => {
                    pixel_block::<M, T, W, A, S, 4, true>(gather, run, start, pixels, tile);
                }
                (4, false) => {
                    pixel_block::<M, T, W, A, S, 4, false>(gather, run, start, pixels, tile);
                }
                _ => pixel_block::<M, T, W, A, S, 1, false>(gather, run, start, pixels, tile),
            }
        }
        first += lanes;
    }
}

/// Output channels of a pixel block, and the weights from one to the next.
#[derive(Clone, Copy)]
struct Sinks {
    count: usize,
    step: usize,
}

/// # Safety
///
/// As [`pixel_lanes`], for the pixels `first..first + L`; `UNIT` only where `gather.pixel` is 1.
#[inline(always)]
unsafe fn pixel_block<M, T, W, A, const S: usize, const L: usize, const UNIT: bool>(
    gather: &Gather<'_, T, W>,
    sinks: Sinks,
    first: usize,
    pixels: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    for part in gather.partial_sums() {
        // SAFETY: the caller's promise, for these channels.
        let sums =
            unsafe { pixel_part::<M, T, W, A, S, L, UNIT>(gather, sinks, first, part.clone()) };
        for (row, sum) in tile.chunks_exact_mut(pixels).zip(&sums).take(sinks.count) {
            let places = &mut row[first..first + L];
            if part.start == 0 {
                places.copy_from_slice(sum);
            } else {
                for (place, sum) in places.iter_mut().zip(sum) {
                    *place = place.plus(*sum);
                }
            }
        }
    }
}

/// One partial sum of a block.
///
/// # Safety
///
/// As [`pixel_block`], for the channels `part`.
#[inline(always)]
unsafe fn pixel_part<M, T, W, A, const S: usize, const L: usize, const UNIT: bool>(
    gather: &Gather<'_, T, W>,
    sinks: Sinks,
    first: usize,
    part: Range<usize>,
) -> [[A; L]; S]
where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let mut sums = [[A::ZERO; L]; S];
    let start = gather.start(first);
    for (channel, count, row) in gather.blocks(part) {
        let from = gather.channel.wrapping_mul(channel as isize);
        for tap in &gather.taps.list {
            let mut source = start.wrapping_offset(from).wrapping_offset(tap.offset);
            let mut weight = gather.weights.as_ptr().wrapping_add(row + tap.row);
            for _ in 0..count {
                let local: [T; L];
                let values: &[T; L] = if !UNIT {
                    local = core::array::from_fn(|lane| {
                        let place = source.wrapping_offset(gather.pixel * lane as isize);
                        // SAFETY: pixel first + lane of this channel, in the source by the caller's promise.
                        unsafe { place.read() }
                    });
                    &local
                } else if S > 1 {
                    // Read once for all sinks: LLVM then keeps the values in registers.
                    // SAFETY: L neighbouring pixels of this channel, in the source by the caller's promise.
                    local = unsafe { source.cast::<[T; L]>().read() };
                    &local
                } else {
                    // SAFETY: as above; `[T; L]` is aligned as `T` is.
                    unsafe { &*source.cast::<[T; L]>() }
                };
                for (s, sum) in sums.iter_mut().enumerate() {
                    // Sums beyond the last sink repeat it and are not stored.
                    let place = weight.wrapping_add(s.min(sinks.count - 1) * sinks.step);
                    // SAFETY: the weight of a sink below the count, by the caller's promise.
                    let factor = unsafe { place.read() };
                    for (sum, value) in sum.iter_mut().zip(values) {
                        *sum = M::add(*sum, *value, factor);
                    }
                }
                source = source.wrapping_offset(gather.channel);
                weight = weight.wrapping_add(1);
            }
        }
    }
    sums
}

/// `tile[pixel][lane] = Σ source[lane] · weight[lane]` for 16 channels that each read only themselves.
///
/// Weights are `[tap][16]`, and the 16 channels are neighbours in the source.
///
/// # Safety
///
/// For every tap, pixel and lane below 16: `base + offset + pixel·p + lane` lies in `source`, and
/// the tap's row has 16 weights. `tile` has at least `16·pixels` elements.
#[inline(always)]
pub(crate) unsafe fn depthwise_lanes<M, T, W, A, const BUDGET: usize>(
    gather: &Gather<'_, T, W>,
    pixels: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let most = if BUDGET >= 4 * LANES * size_of::<A>() {
        4
    } else {
        1
    };
    let mut first = 0;
    while first < pixels {
        let count = if pixels - first >= most { most } else { 1 };
        let part = &mut tile[first * LANES..][..count * LANES];
        // SAFETY: pixels first..first + count are among the caller's, and `part` has 16 for each.
        unsafe {
            match count {
                4 if most == 4 => depthwise_block::<M, T, W, A, 4>(gather, first, part),
                _ => depthwise_block::<M, T, W, A, 1>(gather, first, part),
            }
        }
        first += count;
    }
}

#[inline(always)]
unsafe fn depthwise_block<M, T, W, A, const P: usize>(
    gather: &Gather<'_, T, W>,
    first: usize,
    tile: &mut [A],
) where
    M: Product<T, W, A>,
    T: Element,
    W: Element,
    A: Sum,
{
    let mut sums = [[A::ZERO; LANES]; P];
    let start = gather.start(first);
    for tap in &gather.taps.list {
        let source = start.wrapping_offset(tap.offset);
        let weight = gather.weights.as_ptr().wrapping_add(tap.row * LANES);
        // SAFETY: the row is within the weights, by the caller's promise.
        let factors = unsafe { weight.cast::<[W; LANES]>().read() };
        for (p, sum) in sums.iter_mut().enumerate() {
            let place = source.wrapping_offset(gather.pixel * p as isize);
            // SAFETY: the 16 channels of pixel first + p, in the source by the caller's promise.
            let values = unsafe { place.cast::<[T; LANES]>().read() };
            for ((sum, value), factor) in sum.iter_mut().zip(&values).zip(&factors) {
                *sum = M::add(*sum, *value, *factor);
            }
        }
    }
    for (part, sum) in tile.chunks_exact_mut(LANES).zip(&sums) {
        part.copy_from_slice(sum);
    }
}
