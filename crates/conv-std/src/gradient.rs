//! Gradients of both operations, for the same bits on any number of threads.
//!
//! With `y = C·x` and `g = ∂L/∂y`:
//!
//! ```text
//! ∂L/∂x = Cᵀ·g                                    the opposite operation with the same weights
//! ∂L/∂w[co][ci][j] = Σ x[ci][t·stride + j·dilation − pad_before] · g[co][t]     over batch and t
//! ```
//!
//! and with `x = Cᵀ·y` the same with the roles of `x` and `y` exchanged. Bias, finish and the zero point of a quantised
//! input are not part of the map: `g` is the gradient at the sum of products, and the gradient of the bias is the sum of `g` over batch
//! and positions.

use core::ops::Range;

use conv_core::finish::raw;
use conv_core::{Axis, Buffer, Geometry};
use ndarray::{Array, ArrayView};

use crate::boundary::Boundary;
use crate::element::{Number, Operand, check_accumulator};
use crate::error::{Error, allocate};
use crate::gather::Finishing;
use crate::kernels::{Gather, LANES, Order, Table, Tap, Taps};
use crate::layout::{Layout, Rank, Spatial, Strides, Tensor, volume};
use crate::pack::{Channels, Packed};
use crate::plan::{
    Direct, Operation, Plan, Resolved, Transposed, array, batched, channels, check_shape, orient,
    products, split_shape,
};

impl<O, T, W, A, F, const D: usize> Plan<O, T, W, A, F, D>
where
    Rank<D>: Spatial,
    O: Operation<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// `∂L/∂input` from `∂L/∂output`, for an input of `input` elements along each axis: the opposite operation
    /// with this plan's weights, without bias and finish.
    ///
    /// Sums run in the order of the plan's [`Products`](crate::Products). With a [`Boundary`] other than zeros the
    /// opposite operation leads to the padded input, and each input then adds, ascending, what the padded
    /// positions that read it received; that padded buffer is the only memory beyond the result.
    /// The weights of the opposite operation are prepared when first needed and kept.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), where the gradient is named as the *output* whose shape it must have; integers whose
    /// products could overflow the accumulator.
    pub fn input_gradient(
        &self,
        gradient: ArrayView<'_, T, Tensor<D>>,
        input: [usize; D],
    ) -> Result<Array<A, Tensor<D>>, Error> {
        let (batch, _, _) = split_shape::<D>(self.layout, gradient.shape());
        let resolved = self.resolve(batch, input)?;
        let expected = self.sink_shape(&resolved);
        check_shape(self.layout, Buffer::Output, &expected, gradient.shape())?;
        let boundary = self.operation.boundary();
        let padded = match boundary {
            Boundary::Zero => resolved.geometry,
            _ => padded(&resolved.geometry)?,
        };
        let opposite = Resolved {
            batch,
            geometry: padded,
            transposed: !O::TRANSPOSED,
        };
        let (count, extents) = opposite.sink();
        let elements = batched(
            Buffer::Input,
            batch,
            count * extents.iter().product::<usize>(),
        )?;
        let mut values = allocate(Buffer::Input, elements, A::ZERO)?;
        // After the buffer: it has failed where the pads are too large to be listed.
        let folds = Folds::new(boundary, &resolved.geometry);
        let taps = products(&self.map, !O::TRANSPOSED)?.saturating_mul(folds.most());
        check_accumulator::<T, W, A>(taps, 0)?;
        let finish = raw::<A>();
        let standard = gradient.as_standard_layout();
        let run = opposite.run(self.table, self.opposite()?, self.layout, &finish);
        run.execute(
            standard.as_slice().unwrap_or(&[]),
            &mut values,
            &self.threads,
        );
        if boundary != Boundary::Zero {
            values = folds.fold(&values, self.layout, batch, count)?;
        }
        array::<_, D>(&self.layout.shape(batch, count, input), values)
    }

    /// Prepared weights of the opposite operation.
    fn opposite(&self) -> Result<&Packed<W>, Error> {
        if let Some(packed) = self.adjoint.get() {
            return Ok(packed);
        }
        let channels = channels(&self.map, !O::TRANSPOSED);
        let Channels { sources, sinks, .. } = channels;
        let packed = Packed::new(
            self.layout,
            channels,
            self.table.lanes(),
            self.products.order::<A>(sources, self.packed.taps),
            self.packed.taps,
            |sink, source, tap| {
                self.packed
                    .get(sink / sinks * sources + source, sink % sinks, tap)
            },
        )?;
        Ok(self.adjoint.get_or_init(|| packed))
    }
}

/// The same map with its positive pads made part of the input.
fn padded<const D: usize>(geometry: &Geometry<D>) -> Result<Geometry<D>, Error> {
    let (mut axes, mut extents) = (*geometry.axes(), geometry.input());
    for (axis, extent) in axes.iter_mut().zip(&mut extents) {
        let zeros = axis.pad_before.max(0).unsigned_abs() + axis.pad_after.max(0).unsigned_abs();
        *extent = extent.saturating_add(zeros);
        *axis = axis.with_pads(axis.pad_before.min(0), axis.pad_after.min(0));
    }
    Ok(Geometry::direct(
        axes,
        extents,
        geometry.input_channels(),
        geometry.output_channels(),
        geometry.groups(),
    )?)
}

/// Which input each position of the padded input reads, along depth, height and width.
struct Folds {
    reads: [Vec<usize>; 3],
    input: [usize; 3],
}

impl Folds {
    /// One position each where the boundary is zeros.
    fn new<const D: usize>(boundary: Boundary, geometry: &Geometry<D>) -> Self {
        let axes = volume(geometry.axes(), Axis::new(1));
        let input = volume(&geometry.input(), 1);
        let reads = core::array::from_fn(|d| {
            if boundary == Boundary::Zero {
                return Vec::new();
            }
            let before = axes[d].pad_before.max(0) as i64;
            let end = input[d] as i64 + axes[d].pad_after.max(0) as i64;
            (-before..end)
                .filter_map(|position| boundary.position(position, input[d]))
                .collect()
        });
        Self { reads, input }
    }

    /// Most padded positions that read one input.
    fn most(&self) -> u64 {
        let mut most = 1_u64;
        for (reads, extent) in self.reads.iter().zip(self.input) {
            if reads.is_empty() {
                continue;
            }
            let mut counts = vec![0_u64; extent];
            for position in reads {
                counts[*position] += 1;
            }
            most = most.saturating_mul(counts.into_iter().max().unwrap_or(1));
        }
        most
    }

    /// Adds up the padded positions of each input.
    fn fold<A: Number>(
        &self,
        padded: &[A],
        layout: Layout,
        batch: usize,
        channels: usize,
    ) -> Result<Vec<A>, Error> {
        let extents = [0, 1, 2].map(|d: usize| self.reads[d].len());
        let from = Strides::new(layout, channels, extents);
        let to = Strides::new(layout, channels, self.input);
        let mut sums = allocate(Buffer::Input, batch * to.batch, A::ZERO)?;
        for item in 0..batch {
            let (padded, sums) = (&padded[item * from.batch..], &mut sums[item * to.batch..]);
            for (z, into_z) in self.reads[0].iter().enumerate() {
                for (y, into_y) in self.reads[1].iter().enumerate() {
                    for (x, into_x) in self.reads[2].iter().enumerate() {
                        let source = dot([z, y, x], from.spatial);
                        let sink = dot([*into_z, *into_y, *into_x], to.spatial);
                        for channel in 0..channels {
                            let sum = &mut sums[sink + channel * to.channel];
                            *sum = sum.saturating_sum(padded[source + channel * from.channel]);
                        }
                    }
                }
            }
        }
        Ok(sums)
    }
}

fn dot(position: [usize; 3], strides: [usize; 3]) -> usize {
    position
        .iter()
        .zip(strides)
        .map(|(place, stride)| place * stride)
        .sum()
}

impl<T, W, A, F, const D: usize> Plan<Direct, T, W, A, F, D>
where
    Rank<D>: Spatial,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// `∂L/∂weights` from the input and `∂L/∂output`, in the layout of the weights.
    ///
    /// Each weight adds its products, fused or rounded as the plan's are, in one sum in the order batch, depth, height,
    /// width of the output, from `+0.0`. The
    /// sums of each weight are kept once more while it runs, of every block of 16 output channels of a group.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), where the gradient is named as the *output* whose shape it must have; integers whose
    /// products could overflow the accumulator.
    pub fn weight_gradient(
        &self,
        input: ArrayView<'_, T, Tensor<D>>,
        gradient: ArrayView<'_, W, Tensor<D>>,
    ) -> Result<Array<A, Tensor<D>>, Error> {
        let resolved = self.resolve_shape(input.shape())?;
        let expected = self.sink_shape(&resolved);
        check_shape(self.layout, Buffer::Output, &expected, gradient.shape())?;
        let (x, g) = (input.as_standard_layout(), gradient.as_standard_layout());
        let boundary = self.operation.boundary;
        let (x, g) = (x.as_slice().unwrap_or(&[]), g.as_slice().unwrap_or(&[]));
        self.correlate(&resolved, boundary, x, g)
    }
}

impl<T, A, F, const D: usize> Plan<Transposed<D>, T, T, A, F, D>
where
    Rank<D>: Spatial,
    T: Operand<T, A>,
    A: Number,
    F: Finishing<A>,
{
    /// `∂L/∂weights` from the input and `∂L/∂output`, in the layout of the weights.
    ///
    /// Each weight adds its products, fused or rounded as the plan's are, in one sum in the order batch, depth, height,
    /// width of the *input*, from `+0.0`. The
    /// sums of each weight are kept once more while it runs, of every block of 16 input channels of a group.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), where the gradient is named as the *output* whose shape it must have; integers whose
    /// products could overflow the accumulator.
    pub fn weight_gradient(
        &self,
        input: ArrayView<'_, T, Tensor<D>>,
        gradient: ArrayView<'_, T, Tensor<D>>,
    ) -> Result<Array<A, Tensor<D>>, Error> {
        let resolved = self.resolve_shape(input.shape())?;
        let expected = self.sink_shape(&resolved);
        check_shape(self.layout, Buffer::Output, &expected, gradient.shape())?;
        let (y, g) = (input.as_standard_layout(), gradient.as_standard_layout());
        let (y, g) = (y.as_slice().unwrap_or(&[]), g.as_slice().unwrap_or(&[]));
        // The gradient stands where the map's x does, the input where its y does.
        self.correlate(&resolved, Boundary::Zero, g, y)
    }
}

impl<O, T, W, A, F, const D: usize> Plan<O, T, W, A, F, D>
where
    Rank<D>: Spatial,
    O: Operation<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// The weight gradient from the tensors on both sides of the map.
    fn correlate(
        &self,
        resolved: &Resolved<D>,
        boundary: Boundary,
        x: &[T],
        y: &[W],
    ) -> Result<Array<A, Tensor<D>>, Error> {
        let geometry = &resolved.geometry;
        let positions = geometry.output().iter().product::<usize>();
        let count = (resolved.batch as u64).saturating_mul(positions as u64);
        check_accumulator::<T, W, A>(count, 0)?;

        let inputs = geometry.input_channels() / geometry.groups();
        let outputs = geometry.output_channels() / geometry.groups();
        let mut tap = Taps::default();
        tap.push(Tap { offset: 0, row: 0 });
        let correlation = Correlation {
            tap,
            table: self.table,
            axes: volume(geometry.axes(), Axis::new(1)),
            input: volume(&geometry.input(), 1),
            output: volume(&geometry.output(), 1),
            x_strides: Strides::new(
                self.layout,
                geometry.input_channels(),
                volume(&geometry.input(), 1),
            ),
            y_strides: Strides::new(
                self.layout,
                geometry.output_channels(),
                volume(&geometry.output(), 1),
            ),
            batch: resolved.batch,
            inputs,
            boundary,
        };
        let taps = self.map.taps();
        let blocks = LaneBlock::all(geometry.groups(), outputs);
        let block_size = taps * inputs * LANES;
        let size = batched(Buffer::Kernel, blocks.len(), block_size)?;
        let mut sums = allocate(Buffer::Kernel, size, A::ZERO)?;
        let work: Vec<_> = blocks.iter().zip(sums.chunks_mut(block_size)).collect();
        let products = u128::from(count) * (block_size * blocks.len()) as u128;
        let run = |(block, sums): (&LaneBlock, &mut [A])| correlation.block(block, x, y, sums);
        if self.threads.pieces(products) == 1 {
            work.into_iter().for_each(run);
        } else {
            self.threads.each(work, run);
        }
        let weights = self.arrange(&blocks, &sums, geometry.kernel_elements(), inputs)?;
        let shape = self
            .layout
            .shape(geometry.output_channels(), inputs, geometry.kernel());
        array::<_, D>(&shape, weights)
    }

    /// The sums of all blocks, `[tap][input channel][16]` each, in the layout of the weights.
    fn arrange(
        &self,
        blocks: &[LaneBlock],
        sums: &[A],
        elements: usize,
        inputs: usize,
    ) -> Result<Vec<A>, Error> {
        let taps = self.map.taps();
        let mut weights = allocate(Buffer::Kernel, elements, A::ZERO)?;
        for (block, sums) in blocks.iter().zip(sums.chunks(taps * inputs * LANES)) {
            for (index, lanes) in sums.chunks(LANES).enumerate() {
                let (tap, input) = (index / inputs, index % inputs);
                let tap = orient(self.orientation, tap, taps);
                for (lane, sum) in lanes.iter().take(block.count).enumerate() {
                    let output = block.first + lane;
                    weights[match self.layout {
                        Layout::Nchw => (output * inputs + input) * taps + tap,
                        Layout::Nhwc => (output * taps + tap) * inputs + input,
                    }] = *sum;
                }
            }
        }
        Ok(weights)
    }
}

/// Up to 16 output channels of one group.
#[derive(Clone, Copy)]
struct LaneBlock {
    group: usize,
    first: usize,
    count: usize,
}

impl LaneBlock {
    /// The blocks of every group of `outputs` channels.
    fn all(groups: usize, outputs: usize) -> Vec<Self> {
        let of_group = |group| {
            (0..outputs).step_by(LANES).map(move |start| Self {
                group,
                first: group * outputs + start,
                count: LANES.min(outputs - start),
            })
        };
        (0..groups).flat_map(of_group).collect()
    }
}

/// Positions of `y` that are brought into lanes at a time.
const STRIP: usize = 64;

/// `w[j] = Σ x[t·stride + j·dilation − pad_before] · y[t]`, 16 channels of `y` at a time: `x` is what the
/// register block reads as its source, `y` stands for its weights, and positions for its channels.
struct Correlation<'a, T, W, A> {
    table: &'a Table<T, W, A>,
    axes: [Axis; 3],
    input: [usize; 3],
    output: [usize; 3],
    x_strides: Strides,
    y_strides: Strides,
    batch: usize,
    inputs: usize,
    boundary: Boundary,
    /// One tap without offset.
    tap: Taps,
}

impl<T: Operand<W, A>, W: Number, A: Number> Correlation<'_, T, W, A> {
    /// Adds one block's sums, `[tap][input channel][16]`.
    fn block(&self, block: &LaneBlock, x: &[T], y: &[W], sums: &mut [A]) {
        let mut strip = [W::ZERO; STRIP * LANES];
        let [depth, height, width] = self.output;
        for item in 0..self.batch {
            let x = &x[item * self.x_strides.batch..][..self.x_strides.batch];
            let y = &y[item * self.y_strides.batch..][..self.y_strides.batch];
            for oz in 0..depth {
                for oy in 0..height {
                    for start in (0..width).step_by(STRIP) {
                        let range = start..width.min(start + STRIP);
                        self.load(block, y, [oz, oy], range.clone(), &mut strip);
                        self.row(block, x, [oz, oy], range, &strip, sums);
                    }
                }
            }
        }
    }

    /// Brings the block's channels of a strip of `y` side by side.
    fn load(
        &self,
        block: &LaneBlock,
        y: &[W],
        [oz, oy]: [usize; 2],
        range: Range<usize>,
        strip: &mut [W; STRIP * LANES],
    ) {
        let strides = &self.y_strides;
        for (lanes, ox) in strip.chunks_mut(LANES).zip(range) {
            let start = dot([oz, oy, ox], strides.spatial) + block.first * strides.channel;
            let channels = y[start..].iter().step_by(strides.channel);
            for (lane, value) in lanes.iter_mut().zip(channels).take(block.count) {
                *lane = *value;
            }
        }
    }

    /// Adds a strip's products to every tap.
    fn row(
        &self,
        block: &LaneBlock,
        x: &[T],
        [oz, oy]: [usize; 2],
        range: Range<usize>,
        strip: &[W; STRIP * LANES],
        sums: &mut [A],
    ) {
        let [kz_count, ky_count, kx_count] = self.axes.map(|axis| axis.kernel);
        for kz in 0..kz_count {
            let Some(z) = self.position(0, oz, kz) else {
                continue;
            };
            for ky in 0..ky_count {
                let Some(y) = self.position(1, oy, ky) else {
                    continue;
                };
                for kx in 0..kx_count {
                    let tap = (kz * ky_count + ky) * kx_count + kx;
                    let sums = &mut sums[tap * self.inputs * LANES..][..self.inputs * LANES];
                    let inside = self.inside(kx, &range);
                    let single = |ox: usize| ox..ox + 1;
                    let runs = (range.start..inside.start).map(single);
                    let runs = runs.chain([inside.clone()]);
                    for run in runs.chain((inside.end..range.end).map(single)) {
                        if run.is_empty() {
                            continue;
                        }
                        let Some(at) = self.position(2, run.start, kx) else {
                            continue;
                        };
                        let strip = &strip[(run.start - range.start) * LANES..];
                        self.run(block, x, [z, y, at], run.len(), strip, sums);
                    }
                }
            }
        }
    }

    /// The input position that output `t` reads through tap `j` along an axis.
    fn position(&self, d: usize, t: usize, j: usize) -> Option<usize> {
        let axis = &self.axes[d];
        let position =
            (t * axis.stride) as i64 + (j * axis.dilation) as i64 - axis.pad_before as i64;
        self.boundary.position(position, self.input[d])
    }

    /// The outputs of a range whose input through tap `kx` lies inside.
    fn inside(&self, kx: usize, range: &Range<usize>) -> Range<usize> {
        let axis = &self.axes[2];
        let stride = axis.stride as i64;
        // 0 ≤ t·stride + offset < extent.
        let offset = (kx * axis.dilation) as i64 - axis.pad_before as i64;
        let (start, end) = (range.start as i64, range.end as i64);
        let first = (stride - 1 - offset).div_euclid(stride).clamp(start, end);
        let last = (self.input[2] as i64 - 1 - offset).div_euclid(stride);
        first as usize..(last + 1).clamp(first, end) as usize
    }

    /// Adds the products of `count` neighbouring outputs through one tap.
    fn run(
        &self,
        block: &LaneBlock,
        x: &[T],
        at: [usize; 3],
        count: usize,
        strip: &[W],
        sums: &mut [A],
    ) {
        let strides = &self.x_strides;
        let first = block.group * self.inputs * strides.channel;
        let gather = Gather {
            source: x,
            base: (dot(at, strides.spatial) + first) as isize,
            pixel: strides.channel as isize,
            channel: (self.axes[2].stride as isize).saturating_mul(strides.spatial[2] as isize),
            channels: count,
            order: Order::plain(count),
            block_rows: 0,
            taps: &self.tap,
            weights: strip,
        };
        self.table.channel_lanes(&gather, LANES, self.inputs, sums);
    }
}
