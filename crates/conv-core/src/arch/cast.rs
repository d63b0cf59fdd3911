//! What a layer stores for each channel, in constants and functions that are generic over a contract and therefore cannot see
//! that `R::Prepared` is the [`Record`] that it is.

use crate::arch::Record;
use crate::requantise::{Multiplier, Rounding};

/// `value`, whose type `A` is `B`.
///
/// # Safety
///
/// 1. `A` and `B` are one type, or arrays of it of one length.
const unsafe fn same<A: Copy, B: Copy>(value: A) -> B {
    assert!(size_of::<A>() == size_of::<B>());
    // SAFETY: by 1 the bytes are those of a `B`.
    unsafe { core::mem::transmute_copy(&value) }
}

/// What a layer stores of its scales.
pub(crate) const fn prepared<R: Rounding, const CO: usize>(
    scales: [R::Scale; CO],
    output_zero_point: i32,
) -> [R::Prepared; CO] {
    if R::HAS_RECORDS {
        // SAFETY: 1: of a contract with records the scale is a multiplier, and what is prepared a record: the trait is sealed
        // and says so of `Double` alone.
        let multipliers: [Multiplier; CO] = unsafe { same(scales) };
        let mut records = [Record::new(Multiplier::ZERO, 0); CO];
        let mut channel = 0;
        while channel < CO {
            records[channel] = Record::new(multipliers[channel], output_zero_point);
            channel += 1;
        }
        // SAFETY: 1: as above.
        unsafe { same(records) }
    } else {
        // SAFETY: 1: of the others both are one type.
        unsafe { same(scales) }
    }
}

/// The records of channels, if the contract has any.
pub(crate) const fn records<R: Rounding>(prepared: &[R::Prepared]) -> &[Record] {
    if R::HAS_RECORDS {
        // SAFETY: of a contract with records what is prepared is a record, see `prepared`.
        unsafe { core::slice::from_raw_parts(prepared.as_ptr().cast(), prepared.len()) }
    } else {
        &[]
    }
}
