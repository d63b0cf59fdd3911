//! The block in plain Rust, of cores without one of their own and for the tests on other machines.

use crate::arch::packed::depthwise::Quads;
use crate::arch::packed::{Block, Halves, product, short};

/// The outputs of all pairs of channels, for two pixels.
///
/// # Safety
///
/// 1. `block.columns` has the words of all groups and of a tap that is left over, 2. `block.weights` those of all pairs, 3. `starts` and `records` two for each pair,
/// 4. `outputs` may be written for two bytes for each pair.
#[inline(never)]
pub(super) unsafe fn short_pairs(block: &Block) {
    let mut pair = 0;
    // SAFETY: by 1 to 4.
    unsafe {
        while block.pairs - pair >= 2 {
            pairs::<2>(block, pair);
            pair += 2;
        }
        if pair < block.pairs {
            pairs::<1>(block, pair);
        }
    }
}

/// The outputs of `P` pairs of channels from number `first` on.
///
/// # Safety
///
/// As [`short_pairs`], of these pairs.
#[inline]
unsafe fn pairs<const P: usize>(block: &Block, first: usize) {
    let (left_over, skip) = match block.rest {
        1 => (1, 0),
        skip => (0, skip),
    };
    let distance = 2 * (2 * block.groups + left_over) + skip;
    let mut weights = block.weights.wrapping_add(first * distance);
    let mut column = block.columns.cast::<i32>();
    let end = column.wrapping_add(2 * block.groups);
    let mut halves = [[Halves::default(); 2]; P];
    // SAFETY: by the caller's.
    unsafe {
        while column != end {
            #[cfg(target_arch = "riscv32")]
            if P == 2 {
                (column, weights) = four_channels(column, end, weights, distance, &mut halves);
                continue;
            }
            let (one, two) = (column.read(), column.add(1).read());
            for (pair, halves) in halves.iter_mut().enumerate() {
                let weights = weights.add(pair * distance);
                for (channel, halves) in halves.iter_mut().enumerate() {
                    let weights = weights.add(2 * channel);
                    halves.add(product(one, weights).wrapping_add(product(two, weights.add(1))));
                }
            }
            column = column.add(2);
            weights = weights.add(4);
        }
        if left_over > 0 {
            let word = column.read();
            for (pair, halves) in halves.iter_mut().enumerate() {
                for (channel, halves) in halves.iter_mut().enumerate() {
                    halves.add(product(word, weights.add(pair * distance + channel)));
                }
            }
        }
        let groups = (block.groups + left_over) as i32;
        for (index, halves) in halves.as_flattened().iter().enumerate() {
            let channel = 2 * first + index;
            let record = &*block.records.add(channel);
            let sums = halves.sums(block.starts.add(channel).read(), groups);
            for (output, sum) in block.outputs.into_iter().zip(sums) {
                output.add(channel).write(short(sum, record));
            }
        }
    }
}

/// Groups of two taps of four channels: 38 instructions for 16 multiply-accumulates. Returns where columns and weights go on.
///
/// # Safety
///
/// 1. `column..end` are columns of some groups, 2. `weights` the weights of the first pair for them, `distance` bytes before those of the
///    second. 3. `halves` are two pairs.
#[cfg(target_arch = "riscv32")]
#[inline]
unsafe fn four_channels(
    column: *const i32,
    end: *const i32,
    weights: *const i8,
    distance: usize,
    halves: &mut [[Halves; 2]],
) -> (*const i32, *const i8) {
    macro_rules! channel {
        ($weights:literal, $index:literal, $taps:literal, $total:literal, $upper:literal) => {
            concat!(
                "lb {v}, 4*",
                $taps,
                "+2*",
                $index,
                "(",
                $weights,
                ")\n",
                "lb {w}, 4*",
                $taps,
                "+2*",
                $index,
                "+1(",
                $weights,
                ")\n",
                "mul {v}, {v}, {x}\n",
                "mul {w}, {w}, {y}\n",
                "add {v}, {v}, {w}\n",
                "add ",
                $total,
                ", ",
                $total,
                ", {v}\n",
                "add {v}, {v}, {c}\n",
                "srai {v}, {v}, 16\n",
                "add ",
                $upper,
                ", ",
                $upper,
                ", {v}\n",
            )
        };
    }
    macro_rules! group {
        ($taps:literal) => {
            concat!(
                "lw {x}, 8*",
                $taps,
                "({p})\n",
                "lw {y}, 8*",
                $taps,
                "+4({p})\n",
                channel!("{m}", 0, $taps, "{t0}", "{u0}"),
                channel!("{m}", 1, $taps, "{t1}", "{u1}"),
                channel!("{n}", 0, $taps, "{t2}", "{u2}"),
                channel!("{n}", 1, $taps, "{t3}", "{u3}"),
            )
        };
    }
    let [[a, b], [c, d]] = halves else {
        return (end, weights);
    };
    let (mut column, mut first) = (column, weights);
    let mut second = weights.wrapping_add(distance);
    let fours = column.wrapping_add((end.addr() - column.addr()) / 32 * 8);
    // SAFETY: by 1 and 2 it reads columns and weights of groups up to `end`, and changes nothing but registers.
    unsafe {
        core::arch::asm!(
            "beq {p}, {q}, 3f",
            "2:",
            group!(0), group!(1), group!(2), group!(3),
            "addi {p}, {p}, 32",
            "addi {m}, {m}, 16",
            "addi {n}, {n}, 16",
            "bne {p}, {q}, 2b",
            "3:",
            "beq {p}, {e}, 5f",
            "4:",
            group!(0),
            "addi {p}, {p}, 8",
            "addi {m}, {m}, 4",
            "addi {n}, {n}, 4",
            "bne {p}, {e}, 4b",
            "5:",
            p = inout(reg) column, q = in(reg) fours, e = in(reg) end, m = inout(reg) first, n = inout(reg) second,
            c = in(reg) super::CARRY,
            t0 = inout(reg) a.total, u0 = inout(reg) a.upper, t1 = inout(reg) b.total, u1 = inout(reg) b.upper,
            t2 = inout(reg) c.total, u2 = inout(reg) c.upper, t3 = inout(reg) d.total, u3 = inout(reg) d.upper,
            x = out(reg) _, y = out(reg) _, v = out(reg) _, w = out(reg) _,
            options(readonly, nostack)
        );
    }
    let _ = second;
    (column, first)
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
        let end = to.wrapping_add(count);
        let fours = to.wrapping_add(count / 4 * 4);
        while to != fours {
            for index in 0..4 {
                // SAFETY: by 1 and 2.
                unsafe {
                    let (a, b) = (a.add(index).read() as i8, b.add(index).read() as i8);
                    let word = i32::from(a).wrapping_add(i32::from(b) << 16);
                    to.add(index).write(word as u32);
                }
            }
            a = a.wrapping_add(4);
            b = b.wrapping_add(4);
            to = to.wrapping_add(4);
        }
        while to != end {
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
