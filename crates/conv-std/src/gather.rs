//! One run of either operation: phases, prepared weights and buffers in, finished outputs out.

use conv_core::finish::Finish;

use crate::boundary::Boundary;
use crate::element::{Number, Operand};
use crate::kernels::{Gather, LANES, Table};
use crate::layout::{Layout, Strides};
use crate::pack::{Algorithm, Block, Packed};
use crate::parallel::{self, Piece, Threads};
use crate::quantised::Shares;
use crate::taps::{Addressing, AxisPhase, Segment, TapList, walk};

/// Accumulators of the tile that each thread keeps on its stack, between kernel and finishing.
const TILE: usize = 1024;

/// Aligned so that no register of lanes lies in two cache lines.
#[repr(align(64))]
struct Tile<A>([A; TILE]);

/// A finishing step that plans accept: conv-core's, from accumulator `A`, usable from every thread.
pub trait Finishing<A: Number>: Finish<Accumulator = A, Output: Number> + Send + Sync {}

impl<A: Number, F: Finish<Accumulator = A, Output: Number> + Send + Sync> Finishing<A> for F {}

/// Everything about a run but its buffers.
pub(crate) struct Run<'a, T, W, A, F> {
    pub(crate) table: &'a Table<T, W, A>,
    pub(crate) packed: &'a Packed<W>,
    pub(crate) layout: Layout,
    pub(crate) boundary: Boundary,
    pub(crate) batch: usize,
    /// Depth, height and width of what is read, of the kernel and of what is written.
    pub(crate) source: [usize; 3],
    pub(crate) kernel: [usize; 3],
    pub(crate) output: [usize; 3],
    /// Phases along depth, height and width.
    pub(crate) phases: [Vec<AxisPhase>; 3],
    pub(crate) bias: Option<&'a [A]>,
    /// What the input's zero point has added to the sums.
    pub(crate) shares: Option<&'a Shares<A>>,
    pub(crate) finish: &'a F,
}

impl<T, W, A, F> Run<'_, T, W, A, F>
where
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// Computes every output. The slices have the sizes that the extents give.
    pub(crate) fn execute(&self, source: &[T], output: &mut [F::Output], threads: &Threads) {
        let shape = parallel::Shape {
            layout: self.layout,
            batch: self.batch,
            channels: self.sink_channels(),
            rows: self.output[0] * self.output[1],
            width: self.output[2],
            blocks: &self.packed.blocks,
        };
        let pieces = parallel::cut(output, &shape, threads.pieces(self.products()));
        threads.each(pieces, |piece| self.piece(source, piece));
    }

    fn sink_channels(&self) -> usize {
        self.packed.channels.groups * self.packed.channels.sinks
    }

    /// Products of the whole run, padded ones included.
    fn products(&self) -> u128 {
        let channels = self.packed.channels;
        let mut products = (self.batch * channels.groups * channels.sinks) as u128;
        products = products.saturating_mul(channels.sources as u128);
        for axis in &self.phases {
            let along: u128 = axis
                .iter()
                .map(|phase| phase.count as u128 * phase.taps as u128)
                .sum();
            products = products.saturating_mul(along.max(1));
        }
        products
    }

    /// Whether every output belongs to a phase; the others read no tap.
    fn is_covered(&self) -> bool {
        let along = |(axis, extent): (&Vec<AxisPhase>, &usize)| {
            axis.iter().map(|phase| phase.count).sum::<usize>() == *extent
        };
        self.phases.iter().zip(&self.output).all(along)
    }

    fn piece(&self, source: &[T], mut piece: Piece<'_, F::Output>) {
        let channels = self.packed.channels.groups * self.packed.channels.sources;
        let strides = Strides::new(self.layout, channels, self.source);
        let source = &source[piece.batch * strides.batch..][..strides.batch];
        let blocks = &self.packed.blocks[piece.blocks.clone()];
        if !self.is_covered() {
            self.fill(blocks, &mut piece);
        }
        let to = Addressing {
            source: strides.spatial,
            kernel: self.kernel,
            rows: self.packed.order.block,
            boundary: self.boundary,
        };
        let mut tile = Tile([A::ZERO; TILE]);
        let tile = &mut tile.0;
        let mut list = TapList::default();
        // Dense blocks read many weights: each stays in the cache while it passes over the rows. Blocks of few
        // channels read many inputs: each row's taps serve all of them.
        let together = match self.packed.algorithm {
            Algorithm::Channels => 1,
            Algorithm::Pixels | Algorithm::Depthwise => blocks.len(),
        };
        for blocks in blocks.chunks(together.max(1)) {
            for z in &self.phases[0] {
                for y in &self.phases[1] {
                    for x in &self.phases[2] {
                        let phase = [z.clone(), y.clone(), x.clone()];
                        let rows = piece.rows.clone();
                        walk(
                            &phase,
                            rows,
                            self.output,
                            &to,
                            &mut list,
                            &mut |list, segment| {
                                for block in blocks {
                                    self.segment(
                                        source, &strides, block, list, segment, tile, &mut piece,
                                    );
                                }
                            },
                        );
                    }
                }
            }
        }
    }

    /// Writes the outputs that no tap reaches, and others that will be written again.
    fn fill(&self, blocks: &[Block], piece: &mut Piece<'_, F::Output>) {
        let channels = self.sink_channels();
        for block in blocks {
            for channel in block.first..block.first + block.count {
                let value = self.finisher(channel, None)(A::ZERO);
                match self.layout {
                    Layout::Nchw => piece.planes[channel - piece.channel].fill(value),
                    Layout::Nhwc => {
                        let places = piece.planes[0].iter_mut().skip(channel).step_by(channels);
                        places.for_each(|place| *place = value);
                    }
                }
            }
        }
    }

    /// From the sum of products to the output of a channel, without the zero point's share.
    #[inline]
    fn finisher(&self, channel: usize, share: Option<A>) -> impl Fn(A) -> F::Output {
        let bias = self.bias.map(|bias| bias[channel]);
        let finish = self.finish;
        move |sum| {
            let sum = match share {
                Some(share) => sum.wrapping_difference(share),
                None => sum,
            };
            let sum = match bias {
                Some(bias) => sum.saturating_sum(bias),
                None => sum,
            };
            finish.finish(channel, sum)
        }
    }

    /// Computes, finishes and stores a run of outputs of one channel block, a tile at a time.
    #[expect(
        clippy::too_many_arguments,
        reason = "the loop state of `piece`, taken apart"
    )]
    fn segment(
        &self,
        source: &[T],
        strides: &Strides,
        block: &Block,
        list: &TapList,
        segment: Segment,
        tile: &mut [A; TILE],
        piece: &mut Piece<'_, F::Output>,
    ) {
        let Packed {
            channels,
            algorithm,
            ..
        } = self.packed;
        let first_source = match algorithm {
            Algorithm::Depthwise => block.first,
            _ => block.group * channels.sources,
        } * strides.channel;
        // A multiple of every register block's pixels, so that tiles do not end in short blocks.
        let most = match algorithm {
            Algorithm::Pixels => TILE / 4,
            Algorithm::Channels => {
                let together = self.table.together();
                TILE / block.lanes / together * together
            }
            Algorithm::Depthwise => 60,
        };
        let shares = self
            .shares
            .map(|shares| shares.of(list.taps(), self.packed.order.block, block));
        let mut done = 0;
        while done < segment.count {
            let count = most.min(segment.count - done);
            let gather = Gather {
                source,
                base: segment.base + first_source as isize + done as isize * segment.pixel,
                pixel: segment.pixel,
                channel: strides.channel as isize,
                channels: channels.sources,
                order: self.packed.order,
                block_rows: self.packed.block_rows(),
                taps: list.taps(),
                weights: &self.packed.weights[block.weights..],
            };
            let sums = self.compute(&gather, block, count, tile);
            let part = Segment {
                output: segment.output + done * segment.step,
                count,
                ..segment
            };
            self.store(tile, sums, shares.as_ref(), block, part, piece);
            done += count;
        }
    }

    /// The sums of `count` outputs of a block, and how they lie in the tile.
    fn compute(
        &self,
        gather: &Gather<'_, T, W>,
        block: &Block,
        count: usize,
        tile: &mut [A; TILE],
    ) -> Sums {
        let lanes_together = Sums {
            pixel: block.lanes,
            lane: 1,
        };
        match self.packed.algorithm {
            Algorithm::Channels => {
                tile[..count * block.lanes].fill(A::ZERO);
                self.table.channel_lanes(gather, block.lanes, count, tile);
                lanes_together
            }
            Algorithm::Depthwise => {
                self.table.depthwise_lanes(gather, count, tile);
                lanes_together
            }
            Algorithm::Pixels => {
                let step = self.packed.sink_rows();
                self.table
                    .pixel_lanes(gather, block.count, step, count, tile);
                Sums {
                    pixel: 1,
                    lane: count,
                }
            }
        }
    }

    /// The tile with the sums of a lane side by side, where they are not and the level is fast at it.
    fn turned(&self, tile: &[A; TILE], sums: Sums, lanes: usize, pixels: usize) -> Option<Tile<A>> {
        if sums.lane != 1 || !self.table.transposes(pixels) {
            return None;
        }
        let mut turned = Tile([A::ZERO; TILE]);
        let done = self.table.transpose(tile, pixels, lanes, &mut turned.0);
        done.then_some(turned)
    }

    /// Finishes the sums in the tile and writes them to the output.
    fn store(
        &self,
        tile: &[A; TILE],
        sums: Sums,
        shares: Option<&[A; LANES]>,
        block: &Block,
        segment: Segment,
        piece: &mut Piece<'_, F::Output>,
    ) {
        let channels = self.sink_channels();
        if self.layout == Layout::Nhwc && sums.lane == 1 {
            // Both tile and output have a pixel's channels side by side.
            for pixel in 0..segment.count {
                let start = (segment.output + pixel * segment.step) * channels + block.first;
                let places = &mut piece.planes[0][start..][..block.count];
                let sums = &tile[pixel * sums.pixel..][..block.count];
                for (lane, (place, sum)) in places.iter_mut().zip(sums).enumerate() {
                    let share = shares.map(|shares| shares[lane]);
                    *place = self.finisher(block.first + lane, share)(*sum);
                }
            }
            return;
        }
        let (mut tile, mut sums) = (tile, sums);
        let turned = self.turned(tile, sums, block.lanes, segment.count);
        if let Some(turned) = &turned {
            tile = &turned.0;
            sums = Sums {
                pixel: 1,
                lane: segment.count,
            };
        }
        for lane in 0..block.count {
            let channel = block.first + lane;
            let finish = self.finisher(channel, shares.map(|shares| shares[lane]));
            let (places, step) = match self.layout {
                Layout::Nchw => {
                    let plane = &mut piece.planes[channel - piece.channel];
                    (&mut plane[segment.output..], segment.step)
                }
                Layout::Nhwc => {
                    let start = segment.output * channels + channel;
                    (&mut piece.planes[0][start..], segment.step * channels)
                }
            };
            let of_lane = &tile[lane * sums.lane..];
            if step == 1 && sums.pixel == 1 {
                for (place, sum) in places[..segment.count].iter_mut().zip(of_lane) {
                    *place = finish(*sum);
                }
            } else {
                let places = places.iter_mut().step_by(step).take(segment.count);
                for (place, sum) in places.zip(of_lane.iter().step_by(sums.pixel)) {
                    *place = finish(*sum);
                }
            }
        }
    }
}

/// Distances in the tile.
#[derive(Clone, Copy)]
struct Sums {
    pixel: usize,
    lane: usize,
}
