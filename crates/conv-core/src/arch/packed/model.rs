//! The block in plain Rust, of cores without one of their own and for the tests on other machines.

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
