//! How products of floats are added, and in which order.

use crate::element::Number;
use crate::kernels::Order;

/// How products of floats are added up. Integers are exact either way and ignore it.
///
/// Both choices fix every bit: results depend on the shape alone, and are the same for both layouts, every
/// [`SimdLevel`](crate::SimdLevel), any number of threads, and one image or a batch of them.
///
/// ```
/// use conv_std::{Conv1d, Error, Products, ndarray::arr3};
///
/// // x² = 1 + 2⁻¹¹ + 2⁻²⁴, whose last bit an `f32` has no room for.
/// let x = 1.0 + 1.0 / 4096.0_f32;
/// let (input, kernel) = (arr3(&[[[-1.0, x]]]), arr3(&[[[1.0 + 1.0 / 2048.0, x]]]));
/// let sum = |products| -> Result<f32, Error> {
///     let plan = Conv1d::<f32>::new(kernel.view()).products(products).build()?;
///     Ok(plan.run(input.view())?[[0, 0, 0]])
/// };
/// assert_eq!(sum(Products::Rounded)?, 0.0);
/// assert_eq!(sum(Products::Fused)?, 1.0 / 16_777_216.0);
/// # Ok::<(), conv_std::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Products {
    /// One fused multiply-add a product, `sum = fma(input, weight, sum)`, rounded once.
    ///
    /// Channels of the group go in blocks of 8, the last with those that are left. The sum starts at `+0.0`; for each
    /// block, for each tap ascending by depth, height and width, for each channel of the block, its product is added.
    /// After every 2 blocks, or every 8 where the kernel has one tap, the sum so far is set aside and a new one starts at
    /// `+0.0`; these partial sums are added in their order. With up to 16 channels, and so for depthwise layers, images
    /// and signals, there is one.
    ///
    /// aarch64 and s390x have an instruction for it, and x86-64 from [`SimdLevel::Avx2`](crate::SimdLevel::Avx2) on. At
    /// `Portable` on x86-64 it is computed exactly by a function of the C library: the same bits, many times slower.
    #[default]
    Fused,
    /// Each product is rounded, then added: conv-core's bits.
    ///
    /// The sum starts at `+0.0`; for each tap ascending by depth, height and width, for each channel of the group, its
    /// product is added.
    Rounded,
}

/// Channels of a block.
const BLOCK: usize = 8;

impl Products {
    /// The order of an operation that reads `channels` of a group through `taps` taps into `A`.
    pub(crate) fn order<A: Number>(self, channels: usize, taps: usize) -> Order {
        let is_float = A::LIMIT.is_none();
        match self {
            Self::Fused if is_float => Order {
                block: BLOCK.min(channels),
                fold: if taps == 1 { 8 } else { 2 },
            },
            _ => Order::plain(channels),
        }
    }
}
