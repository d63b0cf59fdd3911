//! Prepared weights: in the order in which the register blocks read them.

use conv_core::Buffer;

use crate::depthwise;
use crate::element::Number;
use crate::error::Error;
use crate::kernels::{LANES, Order, WIDE};
use crate::layout::Layout;

/// Channels of a gather, of one group except where said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    pub(crate) groups: usize,
    /// Channels that are read.
    pub(crate) sources: usize,
    /// Channels that are written.
    pub(crate) sinks: usize,
}

/// Which register block computes a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// 16 output channels share a register.
    Channels,
    /// Neighbouring outputs share a register.
    Pixels,
    /// 16 channels share a register, each with its own input.
    Depthwise,
}

impl Algorithm {
    /// The block for these channels. Fewer than 8 output channels a group would leave more than half of the 16
    /// lanes empty.
    pub(crate) fn choose(layout: Layout, channels: &Channels) -> Self {
        if layout == Layout::Nhwc && depthwise::fits(channels) {
            Self::Depthwise
        } else if channels.sinks >= LANES / 2 {
            Self::Channels
        } else {
            Self::Pixels
        }
    }
}

/// Most output channels of a block of `Algorithm::Pixels`.
const PIXEL_SINKS: usize = 4;

/// Output channels that one call of a register block computes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    pub(crate) group: usize,
    /// First output channel, counted over all groups.
    pub(crate) first: usize,
    pub(crate) count: usize,
    /// Lanes of a row of weights, of which `count` are used.
    pub(crate) lanes: usize,
    /// Index of the first weight.
    pub(crate) weights: usize,
}

/// Prepared weights.
#[derive(Debug)]
pub(crate) struct Packed<W> {
    pub(crate) algorithm: Algorithm,
    pub(crate) channels: Channels,
    pub(crate) order: Order,
    pub(crate) taps: usize,
    pub(crate) blocks: Vec<Block>,
    pub(crate) weights: Vec<W>,
}

impl<W: Number> Packed<W> {
    /// Packs `weight(output channel, input channel of its group, tap)`, of dense layers for blocks of at most `lanes`
    /// output channels.
    ///
    /// # Errors
    ///
    /// A packed size that overflows or that the allocator refuses.
    pub(crate) fn new(
        layout: Layout,
        channels: Channels,
        lanes: usize,
        order: Order,
        taps: usize,
        weight: impl Fn(usize, usize, usize) -> W,
    ) -> Result<Self, Error> {
        let algorithm = Algorithm::choose(layout, &channels);
        let rows = match algorithm {
            Algorithm::Channels => channels.groups * lanes_of(channels.sinks, lanes),
            Algorithm::Pixels => channels.groups * channels.sinks,
            Algorithm::Depthwise => channels.groups.next_multiple_of(LANES),
        };
        let elements = rows
            .checked_mul(taps)
            .and_then(|product| product.checked_mul(rows_of(channels.sources, order)?))
            .filter(|elements| isize::try_from(*elements).is_ok())
            .ok_or(conv_core::Error::Overflow {
                buffer: Buffer::Kernel,
            })?;
        let mut weights = Vec::<W>::new();
        weights
            .try_reserve_exact(elements + CACHE_LINE / size_of::<W>())
            .map_err(|_| Error::Allocation {
                buffer: Buffer::Kernel,
                elements,
            })?;
        // No row of lanes lies in two cache lines.
        let unaligned = weights.as_ptr().align_offset(CACHE_LINE);
        weights.resize(unaligned.min(CACHE_LINE / size_of::<W>()), W::ZERO);
        let blocks = match algorithm {
            Algorithm::Depthwise => depthwise::pack(&channels, taps, &mut weights, weight),
            Algorithm::Channels => {
                channel_blocks(&channels, lanes, order, taps, &mut weights, weight)
            }
            Algorithm::Pixels => pixel_blocks(&channels, order, taps, &mut weights, weight),
        };
        Ok(Self {
            algorithm,
            channels,
            order,
            taps,
            blocks,
            weights,
        })
    }

    /// The weight that was packed from `weight(sink, source, tap)`.
    pub(crate) fn get(&self, sink: usize, source: usize, tap: usize) -> W {
        let sinks = self.channels.sinks;
        let (group, within) = (sink / sinks, sink % sinks);
        let block = self.order.block;
        let row = source / block * self.block_rows() + tap * block + source % block;
        let block = match self.algorithm {
            Algorithm::Depthwise => sink / LANES,
            // Each group has as many blocks, and none but its last has fewer channels than the first.
            Algorithm::Channels | Algorithm::Pixels => {
                let blocks = self.blocks.len() / self.channels.groups;
                group * blocks + within / self.blocks[0].count
            }
        };
        let block = &self.blocks[block];
        let lane = sink - block.first;
        self.weights[match self.algorithm {
            Algorithm::Channels | Algorithm::Depthwise => block.weights + row * block.lanes + lane,
            Algorithm::Pixels => block.weights + lane * self.sink_rows() + row,
        }]
    }

    /// Rows of weights from one block of source channels to the next.
    pub(crate) const fn block_rows(&self) -> usize {
        self.taps * self.order.block
    }

    /// Rows of weights that a block of output channels has; of `Algorithm::Pixels` an output channel.
    pub(crate) const fn sink_rows(&self) -> usize {
        self.channels.sources.div_ceil(self.order.block) * self.block_rows()
    }
}

/// Bytes of a cache line.
const CACHE_LINE: usize = 64;

/// Lanes of the blocks of `most`, or else 16, that `sinks` output channels of a group fill.
const fn lanes_of(sinks: usize, most: usize) -> usize {
    let whole = sinks / most * most;
    whole + (sinks - whole).next_multiple_of(LANES)
}

/// Source channels with the last block filled up.
fn rows_of(sources: usize, order: Order) -> Option<usize> {
    sources.checked_next_multiple_of(order.block)
}

/// For each row of packed weights, block by block and tap by tap, its source channel and tap; `None` where the last
/// block of channels is filled up.
fn rows(sources: usize, order: Order, taps: usize) -> impl Iterator<Item = Option<(usize, usize)>> {
    (0..sources).step_by(order.block).flat_map(move |first| {
        (0..taps).flat_map(move |tap| {
            let channels = first..first + order.block;
            channels.map(move |source| (source < sources).then_some((source, tap)))
        })
    })
}

/// Output channels of each group in blocks of at most `most`, as group, first channel and count.
fn split(channels: &Channels, most: usize) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
    let sinks = channels.sinks;
    (0..channels.groups).flat_map(move |group| {
        (0..sinks)
            .step_by(most)
            .map(move |start| (group, group * sinks + start, most.min(sinks - start)))
    })
}

/// `[output block][source block][tap][source][lane]`, zero where a group's output channels are no multiple of 16.
fn channel_blocks<W: Number>(
    channels: &Channels,
    most: usize,
    order: Order,
    taps: usize,
    data: &mut Vec<W>,
    weight: impl Fn(usize, usize, usize) -> W,
) -> Vec<Block> {
    let blocks = split(channels, most).map(|(group, first, count)| {
        let (offset, lanes) = (data.len(), lanes_of(count, most));
        for row in rows(channels.sources, order, taps) {
            let mut values = [W::ZERO; WIDE];
            if let Some((source, tap)) = row {
                for (lane, place) in values.iter_mut().take(count).enumerate() {
                    *place = weight(first + lane, source, tap);
                }
            }
            data.extend_from_slice(&values[..lanes]);
        }
        Block {
            group,
            first,
            count,
            lanes,
            weights: offset,
        }
    });
    blocks.collect()
}

/// `[output channel][source block][tap][source]`.
fn pixel_blocks<W: Number>(
    channels: &Channels,
    order: Order,
    taps: usize,
    data: &mut Vec<W>,
    weight: impl Fn(usize, usize, usize) -> W,
) -> Vec<Block> {
    let blocks = split(channels, PIXEL_SINKS).map(|(group, first, count)| {
        let offset = data.len();
        let lanes = 1;
        for sink in first..first + count {
            let rows = rows(channels.sources, order, taps);
            data.extend(
                rows.map(|row| row.map_or(W::ZERO, |(source, tap)| weight(sink, source, tap))),
            );
        }
        Block {
            group,
            first,
            count,
            lanes,
            weights: offset,
        }
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again() {
        for groups in [1, 3, 16, 21] {
            for (sources, sinks) in [(1, 1), (2, 3), (1, 9), (5, 17), (2, 16), (3, 33)] {
                for layout in [Layout::Nchw, Layout::Nhwc] {
                    let channels = Channels {
                        groups,
                        sources,
                        sinks,
                    };
                    let value = |sink: usize, source: usize, tap: usize| {
                        ((sink * 8 + source) * 8 + tap) as i32
                    };
                    let halves = Order {
                        block: 2.min(sources),
                        fold: 1,
                    };
                    for (lanes, order) in [(LANES, Order::plain(sources)), (WIDE, halves)] {
                        let packed = Packed::new(layout, channels, lanes, order, 5, value).unwrap();
                        for sink in 0..groups * sinks {
                            for source in 0..sources {
                                for tap in 0..5 {
                                    assert_eq!(
                                        packed.get(sink, source, tap),
                                        value(sink, source, tap)
                                    );
                                }
                            }
                        }
                        let written: usize = packed.blocks.iter().map(|block| block.count).sum();
                        assert!(written >= groups * sinks);
                    }
                }
            }
        }
    }
}
