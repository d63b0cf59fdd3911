//! Depthwise convolution: as many groups as channels.
//!
//! With channels innermost, output channel `c` needs input channel `c` only, so both stand in the same lane of
//! a register: 16 channels at a time, their weights beside each other. The last block moves back so that it
//! ends with the last channel, and computes some channels twice to the same values.
//!
//! With channels outermost each channel is an image of its own, and neighbouring outputs share a register
//! instead; so they do where a channel multiplier gives one input channel several outputs.

use crate::element::Number;
use crate::kernels::LANES;
use crate::pack::{Block, Channels};

/// Whether the depthwise block serves these channels: one input and one output channel a group, and enough
/// groups for one block.
pub(crate) const fn fits(channels: &Channels) -> bool {
    channels.sinks == 1 && channels.sources == 1 && channels.groups >= LANES
}

/// Blocks of 16 channels and their weights, `[block][tap][16]`.
pub(crate) fn pack<W: Number>(
    channels: &Channels,
    taps: usize,
    data: &mut Vec<W>,
    weight: impl Fn(usize, usize, usize) -> W,
) -> Vec<Block> {
    let count = channels.groups.div_ceil(LANES);
    let blocks = (0..count).map(|index| {
        let first = (index * LANES).min(channels.groups - LANES);
        let offset = data.len();
        for tap in 0..taps {
            let mut lanes = [W::ZERO; LANES];
            for (lane, place) in lanes.iter_mut().enumerate() {
                *place = weight(first + lane, 0, tap);
            }
            data.extend_from_slice(&lanes);
        }
        Block {
            group: first,
            first,
            count: LANES,
            lanes: LANES,
            weights: offset,
        }
    });
    blocks.collect()
}
