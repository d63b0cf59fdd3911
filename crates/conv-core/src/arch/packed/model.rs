//! The block in plain Rust, of cores without one of their own and for the tests on other machines.

use crate::arch::packed::depthwise::Quads;
use crate::arch::packed::{Block, InColumns, dot, short};

/// The outputs of all pairs of channels, for two pixels.
///
/// # Safety
///
/// 1. `block.columns` has all taps, 2. `block.weights` those of all pairs, 3. `starts` and `records` two for each pair,
/// 4. `outputs` may be written for two bytes for each pair.
#[inline(never)]
pub(super) unsafe fn short_pairs(block: &Block) {
    let mut block = *block;
    for index in 0..block.pairs {
        // SAFETY: by 1 to 4.
        unsafe {
            let start = block.starts.add(2 * index);
            let sums = dot::<2, _>(&block, start, InColumns(block.columns));
            for (c, sums) in sums.into_iter().enumerate() {
                let channel = 2 * index + c;
                let record = &*block.records.add(channel);
                for (output, sum) in block.outputs.into_iter().zip(sums) {
                    output.add(channel).write(short(sum, record));
                }
            }
        }
        let taps = 2 * block.groups + block.left_over;
        block.weights = block.weights.wrapping_add(2 * taps);
    }
}

/// `rows` times `count` elements of two pixels, with `skip` bytes between a row's end and the next one's start; returns where the
/// next word goes.
///
/// # Safety
///
/// 1. The elements may be read from `a` and `b` on, 2. `to` written for a word each.
#[inline(never)]
pub(super) unsafe fn interleave(
    mut a: *const u8,
    mut b: *const u8,
    count: usize,
    mut to: *mut u32,
    rows: usize,
    skip: usize,
) -> *mut u32 {
    for _ in 0..rows {
        for _ in 0..count {
            // SAFETY: by 1 and 2.
            unsafe {
                let word = i32::from(a.read() as i8).wrapping_add(i32::from(b.read() as i8) << 16);
                to.write(word as u32);
            }
            a = a.wrapping_add(1);
            b = b.wrapping_add(1);
            to = to.wrapping_add(1);
        }
        a = a.wrapping_add(skip);
        b = b.wrapping_add(skip);
    }
    to
}

/// The outputs of fours of channels of a depthwise layer, for one pixel.
///
/// # Safety
///
/// 1. The taps' weights may be read for all channels, and the inputs of those that lie inside, 2. `starts` and `records`, 3. `output`
///    written, 4. there is at least one four.
#[inline(never)]
pub(super) unsafe fn depthwise_quads(block: &Quads) {
    for channel in (0..4 * block.count).step_by(4) {
        // SAFETY: by 1 to 3.
        unsafe {
            let mut sums = block.starts.add(channel).cast::<[i32; 4]>().read();
            let mut tap = block.taps;
            while tap != block.inside {
                let weight = (*tap).weight.add(channel);
                let input = block.input.wrapping_add((*tap).offset + channel);
                for (index, sum) in sums.iter_mut().enumerate() {
                    let (x, w) = (input.add(index).read(), weight.add(index).read());
                    *sum = sum.wrapping_add(i32::from(x) * i32::from(w));
                }
                tap = tap.add(1);
            }
            while tap != block.end {
                let weight = (*tap).weight.add(channel);
                for (index, sum) in sums.iter_mut().enumerate() {
                    let w = i32::from(weight.add(index).read());
                    *sum = sum.wrapping_add(block.zero_point.wrapping_mul(w));
                }
                tap = tap.add(1);
            }
            for (index, sum) in sums.into_iter().enumerate() {
                let record = &*block.records.add(channel + index);
                block.output.add(channel + index).write(short(sum, record));
            }
        }
    }
}
