//! The short form of [`Double`](crate::requantise::Double) on cores whose products have 32 bits: the multiplier in four pieces
//! of 8 bits, from the lowest.
//!
//! ```text
//! s = (((acc·m₀ >> 8) + acc·m₁ >> 8) + acc·m₂ >> 8) + acc·m₃ = ⌊acc·m / 2²⁴⌋
//! h = (s + 64) >> 7                                           = ⌊acc·m / 2³¹ + 1/2⌋
//! ```
//!
//! for a floor of a floor is a floor; no sum leaves 32 bits where `|acc| < 2²³`. Then as on other cores, from −128 on, so that a
//! number that needs to be clamped is one beyond 255.

use crate::requantise::Multiplier;

/// What [`Double`](crate::requantise::Double) needs of a channel.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[cfg_attr(not(conv_isa = "armv6m"), allow(unreachable_pub, reason = "for tests"))]
pub struct Record {
    pieces: [i32; 4],
    /// `2^(right − 1) + (output zero point + 128 << right)`.
    offset: i32,
    right: i32,
}

impl Record {
    pub(crate) const fn new(scale: Multiplier, output_zero_point: i32) -> Self {
        let right = scale.shift.wrapping_neg();
        let offset = match right {
            1..=22 => {
                (1 << (right - 1))
                    + output_zero_point
                        .wrapping_add(128)
                        .wrapping_shl(right as u32)
            }
            _ => 0,
        };
        let multiplier = scale.multiplier;
        Self {
            pieces: [
                multiplier & 255,
                multiplier >> 8 & 255,
                multiplier >> 16 & 255,
                multiplier >> 24,
            ],
            offset,
            right,
        }
    }

    /// The scale.
    #[inline]
    pub(crate) const fn scale(&self) -> Multiplier {
        let [first, second, third, fourth] = self.pieces;
        Multiplier {
            multiplier: first | second << 8 | third << 16 | fourth << 24,
            shift: self.right.wrapping_neg(),
        }
    }
}

/// Whether the short form gives the bits of [`Double`](crate::requantise::Double) for every sum up to `greatest`.
pub(crate) const fn is_short(scale: Multiplier, greatest: u64) -> bool {
    scale.multiplier >= 0 && scale.shift <= -1 && scale.shift >= -22 && greatest < 1 << 23
}

/// The short form.
#[inline]
#[cfg_attr(
    any(conv_isa = "armv6m", conv_isa = "armv7m", conv_isa = "armv8m"),
    allow(dead_code, reason = "in the block's own instructions")
)]
pub(super) fn short(sum: i32, record: &Record) -> i8 {
    let [first, second, third, fourth] = record.pieces;
    let mut high = sum.wrapping_mul(first) >> 8;
    high = high.wrapping_add(sum.wrapping_mul(second)) >> 8;
    high = high.wrapping_add(sum.wrapping_mul(third)) >> 8;
    high = high.wrapping_add(sum.wrapping_mul(fourth));
    high = high.wrapping_add(64) >> 7;
    let rounded = high.wrapping_add(record.offset).wrapping_add(sum >> 31) >> (record.right & 31);
    (rounded.clamp(0, 255) - 128) as i8
}
