//! The short form of [`Double`](crate::requantise::Double) on cores with the high half of a product (SMMLAR, SMULL, MULH).
//!
//! With `h = (2·acc·m + 2³¹) >> 32`, the doubling high multiplication, and `c = 2^(r−1) + (zero point << r)`,
//! `(h + c + (acc >> 31)) >> r` is the output: the sign makes halves round away from zero.

use crate::requantise::Multiplier;

/// What [`Double`](crate::requantise::Double) needs of a channel.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    multiplier: i32,
    /// `2^(right − 1) + (output zero point << right)`.
    offset: i32,
    right: i32,
}

impl Record {
    pub(crate) const fn new(scale: Multiplier, output_zero_point: i32) -> Self {
        let right = scale.shift.wrapping_neg();
        let offset = match right {
            1..=22 => (1 << (right - 1)) + output_zero_point.wrapping_shl(right as u32),
            _ => 0,
        };
        Self {
            multiplier: scale.multiplier,
            offset,
            right,
        }
    }

    /// The scale.
    #[inline]
    pub(crate) const fn scale(&self) -> Multiplier {
        Multiplier {
            multiplier: self.multiplier,
            shift: self.right.wrapping_neg(),
        }
    }
}

/// Whether the short form gives the bits of [`Double`](crate::requantise::Double) for every sum up to `greatest`.
pub(crate) const fn is_short(scale: Multiplier, greatest: u64) -> bool {
    scale.multiplier >= 0 && scale.shift <= -1 && scale.shift >= -22 && greatest < 1 << 30
}

/// The short form.
#[inline]
#[cfg_attr(
    not(conv_isa = "none"),
    allow(dead_code, reason = "in the block's own instructions")
)]
pub(crate) fn short(sum: i32, record: &Record) -> i8 {
    let &Record {
        multiplier,
        offset,
        right,
    } = record;
    let product = i64::from(sum.wrapping_shl(1)) * i64::from(multiplier);
    let high = ((product >> 32) as i32).wrapping_add((product as u32 >> 31) as i32);
    let rounded = high.wrapping_add(offset).wrapping_add(sum >> 31) >> (right & 31);
    rounded.clamp(-128, 127) as i8
}
