//! No kernels: layers run on the loops of [`crate::engine`], on weights in their own order.

use crate::arch::order::Order;
use crate::quantised::{Activation, QuantOperation};
use crate::requantise::Multiplier;

pub(crate) const CELL_BYTES: usize = 0;
pub(crate) const START_BYTES: usize = 0;
pub(crate) const FOLDED: bool = false;

/// What [`Double`](crate::requantise::Double) needs of a channel.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    scale: Multiplier,
}

impl Record {
    pub(crate) const fn new(scale: Multiplier, _output_zero_point: i32) -> Self {
        Self { scale }
    }

    /// The scale.
    #[inline]
    pub(crate) const fn scale(&self) -> Multiplier {
        self.scale
    }
}

/// There is no short form.
pub(crate) const fn is_short(_scale: Multiplier, _greatest: u64) -> bool {
    false
}

/// Inputs are what they are.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "other cores ask for it"
)]
pub(crate) const fn shift<T: Activation>(_operation: QuantOperation) -> i32 {
    0
}

/// No operation.
#[expect(
    clippy::extra_unused_type_parameters,
    reason = "kernels of cores ask for it"
)]
pub(crate) const fn runs<T: Activation>(_operation: QuantOperation) -> bool {
    false
}

/// Never called.
pub(crate) const fn pack(_order: &Order, _from: &[i8], _to: &mut [i8]) {}
