//! Means of integers, rounded half away from zero, without a division for each.
//!
//! ```text
//! mean = (Σ ± n/2)/n      towards zero, + where Σ ≥ 0, n/2 without its fraction
//! ```
//!
//! A small core divides in software, by more than a hundred instructions. The number of taps `n` is the same for most
//! windows, so that its reciprocal is computed once, and each mean is a product:
//!
//! ```text
//! u = Σ − n·least + n/2 − [Σ < 0 and n even]      never negative: all values are at least `least`
//! mean = ⌊u/n⌋ + least                            the formula above, for −(−Σ + n/2)/n = ⌊(Σ − n/2 + n − 1)/n⌋
//! ```
//!
//! With a range of `2^b` values `u ≤ (2^b − 1/2)·n`. Let `f = ⌈2^k/n⌉ = (2^k + e)/n`, `e < n`. Then `u·f/2^k` is
//! `u/n + u·e/(n·2^k)`, and its floor is that of `u/n` where the last term is below `1/n`, that is `u·e < 2^k`.
//!
//! With values of 8 bits `k` is 24: `255.5·n² < 2^24` for `n ≤ 256`, and `u·f < 255.5·(2^24 + 256) < 2^32` is a product
//! of 32 bits. For values of 16 bits [`high_half`] takes a product of 64 bits, and [`two_steps`], on a core that would
//! call a function for it, three of 32 bits. More taps than 256 are divided by: their sum costs far more than that.

use crate::element::LONG_PRODUCT;

/// Most taps for which the mean is a product.
const TAPS: usize = 256;

/// `k` of values of 8 bits.
const NARROW: u32 = 24;

/// A number of taps, ready to be divided by. For values of 8 and of 16 bits.
#[derive(Clone, Copy, Debug)]
pub struct Reciprocal {
    count: i32,
    /// `n/2 − n·least`.
    offset: i32,
    /// −1 where `n` is even.
    even: i32,
    /// `⌈2^24/n⌉`; 0 where sums are divided.
    factor: u32,
    /// For values of 16 bits, `⌊(2^32 − 1)/n⌋` for [`high_half`], `⌊2^16/n⌋` for [`two_steps`].
    wide: u32,
}

impl Reciprocal {
    /// The reciprocal of `count` taps, of values of at least `least`; no sum of so many leaves 32 bits.
    #[inline]
    pub(crate) const fn new(count: usize, least: i32) -> Self {
        let taps = count as i32;
        let factor = quotient(1 << NARROW, count as u32);
        let exact = factor.wrapping_mul(count as u32) == 1 << NARROW;
        let factor = match count {
            1..=TAPS if exact => factor,
            1..=TAPS => factor + 1,
            _ => 0,
        };
        let wide = quotient(if LONG_PRODUCT { u32::MAX } else { 1 << 16 }, count as u32);
        Self {
            count: taps,
            offset: (taps >> 1).wrapping_sub(taps.wrapping_mul(least)),
            even: (taps & 1).wrapping_sub(1),
            factor,
            wide,
        }
    }

    /// The means of as many sums of values of at least `least`.
    #[inline]
    pub(crate) fn means<T>(
        &self,
        sums: &[i32],
        least: i32,
        narrowed: impl Fn(i32) -> T,
        means: &mut [T],
    ) {
        let each = means.iter_mut().zip(sums);
        if self.factor == 0 {
            for (mean, &sum) in each {
                *mean = narrowed(self.divided(sum));
            }
        } else if size_of::<T>() == 1 {
            for (mean, &sum) in each {
                *mean = narrowed(self.mean::<8>(sum, least));
            }
        } else {
            for (mean, &sum) in each {
                *mean = narrowed(self.mean::<16>(sum, least));
            }
        }
    }

    /// The mean of values of `BITS` bits, of at least `least`, where there are not more than [`TAPS`].
    #[inline]
    pub(crate) fn mean<const BITS: u32>(&self, sum: i32, least: i32) -> i32 {
        if self.count == 4 {
            // ⌊(Σ + 2)/4⌋ rounds halves up: away from 0 where a negative sum is one less.
            return sum.wrapping_add(sum >> 31).wrapping_add(2) >> 2;
        }
        let raised = self.raised(sum, least);
        let quotient = if BITS == 8 {
            raised.wrapping_mul(self.factor) >> NARROW
        } else if LONG_PRODUCT {
            high_half(raised, self.wide)
        } else {
            two_steps(raised, self.wide, self.count as u32, self.factor)
        };
        quotient as i32 + least
    }

    /// `u`.
    #[inline]
    fn raised(&self, sum: i32, least: i32) -> u32 {
        let negative = if least < 0 {
            (sum >> 31) & self.even
        } else {
            0
        };
        sum.wrapping_add(self.offset).wrapping_add(negative) as u32
    }

    /// The formula.
    #[inline(never)]
    fn divided(&self, sum: i32) -> i32 {
        let half = self.count / 2;
        let half = if sum > 0 { half } else { -half };
        sum.wrapping_add(half).checked_div(self.count).unwrap_or(0)
    }
}

/// 0 where the divisor is.
const fn quotient(dividend: u32, divisor: u32) -> u32 {
    match dividend.checked_div(divisor) {
        Some(quotient) => quotient,
        None => 0,
    }
}

/// `⌊u/n⌋` for `u ≤ 65535.5·n` and `n` in `1..=256`, with `w = ⌊(2^32 − 1)/n⌋ = (2^32 − e)/n`, `1 ≤ e ≤ n`.
///
/// `(u + 1)·w/2^32` is `(u + 1)/n − (u + 1)·e/(n·2^32)`. The last term is not 0, and not above `1/n`, for
/// `(65535.5·n + 1)·n ≤ 2^32`: so the whole lies in `u/n..(u + 1)/n`, and its floor is that of `u/n`.
#[inline]
fn high_half(raised: u32, wide: u32) -> u32 {
    let product = u64::from(raised.wrapping_add(1)) * u64::from(wide);
    (product >> 32) as u32
}

/// `⌊u/n⌋` for `u ≤ 65535.5·n` and `n` in `1..=256`, by products of 32 bits, where `f = ⌈2^24/n⌉` and
/// `w = ⌊2^16/n⌋ = (2^16 − e)/n`, `e < n`.
///
/// `q = ⌊u·w/2^16⌋` is at most `u/n`, and `u·w < 2^32`. It is less than `u/n` by not more than `u·e/(n·2^16) + 1`, where
/// `u/n < 2^16`, so that `r = u − q·n < (e + 1)·n ≤ 255·n`, for `e` is 0 where `n = 256`. Then `r·f < 255·(2^24 + 255)`,
/// below 2^32, and `r·(n·f − 2^24) < 255·n·n < 2^24` where `n < 256`; for 256 `f` is exact. So `⌊r/n⌋ = ⌊r·f/2^24⌋`.
#[inline]
fn two_steps(raised: u32, wide: u32, count: u32, factor: u32) -> u32 {
    let quotient = raised.wrapping_mul(wide) >> 16;
    let rest = raised.wrapping_sub(quotient.wrapping_mul(count));
    quotient.wrapping_add(rest.wrapping_mul(factor) >> NARROW)
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// `(Σ ± n/2)/n`.
    fn mean(sum: i32, count: usize) -> i32 {
        let (sum, count) = (i64::from(sum), count as i64);
        let half = if sum > 0 { count / 2 } else { -(count / 2) };
        ((sum + half) / count) as i32
    }

    fn check<T>(
        sums: impl Iterator<Item = i32>,
        count: usize,
        least: i32,
        narrowed: impl Fn(i32) -> T,
    ) where
        T: Clone + Default + PartialEq + core::fmt::Debug,
    {
        let sums: Vec<i32> = sums.collect();
        let mut means = std::vec![T::default(); sums.len()];
        Reciprocal::new(count, least).means(&sums, least, &narrowed, &mut means);
        for (sum, found) in sums.into_iter().zip(means) {
            assert_eq!(found, narrowed(mean(sum, count)), "{sum}/{count}");
        }
    }

    /// Every sum of every number of taps for which a mean is a product, and of some beyond.
    #[test]
    fn means_of_bytes_equal_the_formula_for_every_sum() {
        for count in (1..=TAPS + 2).chain([361, 1024, 4000]) {
            let taps = count as i32;
            check(-128 * taps..=127 * taps, count, -128, |mean| mean as i8);
            check(0..=255 * taps, count, 0, |mean| mean as u8);
        }
    }

    /// Of each number of taps every sum next to one at which the mean changes, which says it of all between them.
    #[test]
    fn means_of_words_equal_the_formula_at_every_step() {
        for count in (1..=TAPS + 2).chain([1000, 65_534]) {
            let taps = count as i32;
            let (low, high) = (-32768 * taps, 32767 * taps);
            let steps = (-32768..=32767).flat_map(|mean| {
                let middle = mean * taps;
                [middle + taps / 2, middle - taps / 2]
            });
            let beside = steps.flat_map(|sum| (sum - 1)..=(sum + 1));
            let sums = [low, low + 1, -1, 0, 1, high - 1, high];
            let all = beside.chain(sums).filter(|sum| (low..=high).contains(sum));
            check(all, count, -32768, |mean| mean as i16);
        }
    }

    /// Both ways, whichever this target takes.
    #[test]
    fn both_products_divide_words() {
        for count in 1..=TAPS as u32 {
            let (long, short) = (u32::MAX / count, (1 << 16) / count);
            let factor = (1_u32 << NARROW).div_ceil(count);
            let greatest = 65535 * count + count / 2;
            let steps = (0..=65535).flat_map(|step| [step * count, step * count + count - 1]);
            for raised in steps.chain([greatest]).filter(|&raised| raised <= greatest) {
                let expected = raised / count;
                assert_eq!(high_half(raised, long), expected, "{raised}/{count}");
                let found = two_steps(raised, short, count, factor);
                assert_eq!(found, expected, "{raised}/{count}");
            }
        }
    }

    #[test]
    fn no_value_has_the_mean_0() {
        let mut means = [1];
        let reciprocal = Reciprocal::new(0, -128);
        reciprocal.means(&[0], -128, |mean| mean as i8, &mut means);
        assert_eq!(means, [0]);
    }
}
