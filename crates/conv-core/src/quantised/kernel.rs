//! Kernels of typed quantised layers: arrays of `i8`, or 4-bit weights in arrays of bytes.

use crate::arch::{ColumnScratch, NoScratch, PhaseScratch, Scratch};
use crate::error::{Buffer, Error};
use crate::quantised::{Int4, QuantWeights};

/// The kernel array of a quantised layer over `D` dimensions.
///
/// | | images, `D = 2` | signals, `D = 1` |
/// |---|---|---|
/// | direct, transposed | `[[[[i8; CI]; KW]; KH]; CO]` | `[[[i8; CI]; K]; CO]` |
/// | depthwise | `[[[i8; C]; KW]; KH]` | `[[i8; C]; K]` |
/// | pointwise, fully connected | `[[i8; CI]; CO]` | |
/// | direct, transposed, packed | [`Int4Kernel`]`<CI, KW, KH, CO, BYTES>` | `Int4Kernel<CI, K, 1, CO, BYTES>` |
/// | depthwise, packed | [`Int4Depthwise`]`<C, KW, KH, BYTES>` | `Int4Depthwise<C, K, 1, BYTES>` |
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the kernel of a quantised layer over {D} dimensions",
    note = "over images it is `[[[[i8; CI]; KW]; KH]; CO]`, depthwise `[[[i8; C]; KW]; KH]`, over signals `[[[i8; CI]; K]; CO]`, depthwise `[[i8; C]; K]`, or packed by `Int4Kernel` or `Int4Depthwise`"
)]
pub trait QuantKernel<const D: usize> {
    /// Number of taps along each dimension.
    const EXTENTS: [usize; D];
    /// Input channels of a group of the layer.
    const INPUT_CHANNELS: usize;
    /// Output channels of the layer, of a depthwise transposed one its input channels.
    const OUTPUT_CHANNELS: usize;

    /// Whether each weight is a byte of its own.
    const IN_BYTES: bool;
    /// Scratch of a direct layer, see [`QuantLayer::scratch`](crate::quantised::QuantLayer::scratch).
    type Columns: Scratch;
    /// Scratch of a transposed layer.
    type Phases: Scratch;

    /// The weights in memory order.
    fn weights(&self) -> impl QuantWeights;
}

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize> QuantKernel<2>
    for [[[[i8; CI]; KW]; KH]; CO]
{
    const EXTENTS: [usize; 2] = [KH, KW];
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;
    const IN_BYTES: bool = true;
    type Columns = ColumnScratch<CI, KW, KH>;
    type Phases = PhaseScratch<CI, KW, KH, CO>;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened().as_flattened().as_flattened()
    }
}

impl<const C: usize, const KW: usize, const KH: usize> QuantKernel<2> for [[[i8; C]; KW]; KH] {
    const EXTENTS: [usize; 2] = [KH, KW];
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = C;
    const IN_BYTES: bool = true;
    type Columns = NoScratch;
    type Phases = NoScratch;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened().as_flattened()
    }
}

/// The kernel of a fully connected layer, and of a pointwise one.
impl<const CI: usize, const CO: usize> QuantKernel<2> for [[i8; CI]; CO] {
    const EXTENTS: [usize; 2] = [1, 1];
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;
    const IN_BYTES: bool = true;
    type Columns = NoScratch;
    type Phases = NoScratch;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened()
    }
}

impl<const CI: usize, const K: usize, const CO: usize> QuantKernel<1> for [[[i8; CI]; K]; CO] {
    const EXTENTS: [usize; 1] = [K];
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;
    const IN_BYTES: bool = true;
    type Columns = ColumnScratch<CI, K, 1>;
    type Phases = PhaseScratch<CI, K, 1, CO>;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened().as_flattened()
    }
}

impl<const C: usize, const K: usize> QuantKernel<1> for [[i8; C]; K] {
    const EXTENTS: [usize; 1] = [K];
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = C;
    const IN_BYTES: bool = true;
    type Columns = NoScratch;
    type Phases = NoScratch;

    fn weights(&self) -> impl QuantWeights {
        self.as_flattened()
    }
}

/// A kernel of 4-bit weights, packed: the shape of `[[[[i8; CI]; KW]; KH]; CO]` in `BYTES = ⌈CI·KW·KH·CO/2⌉` bytes. With
/// `KH = 1` also that of a signal, `[[[i8; CI]; KW]; CO]`.
#[derive(Clone, Copy, Debug)]
pub struct Int4Kernel<
    const CI: usize,
    const KW: usize,
    const KH: usize,
    const CO: usize,
    const BYTES: usize,
>(
    /// The weights in memory order, the first of two in the low half of a byte.
    pub [u8; BYTES],
);

/// A depthwise kernel of 4-bit weights, packed: the shape of `[[[i8; C]; KW]; KH]` in `BYTES = ⌈C·KW·KH/2⌉` bytes. With
/// `KH = 1` also that of a signal, `[[i8; C]; KW]`.
#[derive(Clone, Copy, Debug)]
pub struct Int4Depthwise<const C: usize, const KW: usize, const KH: usize, const BYTES: usize>(
    /// The weights in memory order, the first of two in the low half of a byte.
    pub [u8; BYTES],
);

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize, const BYTES: usize>
    Int4Kernel<CI, KW, KH, CO, BYTES>
{
    pub(super) const fn nibbles(&self) -> Int4<'_> {
        nibbles(&self.0, CI * KW * KH * CO)
    }
}

impl<const C: usize, const KW: usize, const KH: usize, const BYTES: usize>
    Int4Depthwise<C, KW, KH, BYTES>
{
    pub(super) const fn nibbles(&self) -> Int4<'_> {
        nibbles(&self.0, C * KW * KH)
    }
}

/// As many weights as the type of a kernel says.
const fn nibbles(bytes: &[u8], count: usize) -> Int4<'_> {
    Int4 { bytes, count }
}

/// Stops the build where a packed kernel has not the bytes for its weights.
pub(super) const fn assert_packed(weights: usize, bytes: usize) {
    if bytes != weights.div_ceil(2) {
        let error = Error::Elements {
            buffer: Buffer::Kernel,
            expected: weights.div_ceil(2),
            found: bytes,
        };
        error.stop_the_build()
    }
}

macro_rules! packed_kernels {
    ($(
        $kernel:ident [$($extent:ident),*], $dimensions:literal, $extents:expr, $inputs:expr, $outputs:expr,
        $count:expr, $kind:ty
    );*) => {$(
        impl<$(const $extent: usize,)* const BYTES: usize> QuantKernel<$dimensions> for $kind {
            const EXTENTS: [usize; $dimensions] = $extents;
            const INPUT_CHANNELS: usize = $inputs;
            const OUTPUT_CHANNELS: usize = $outputs;
            const IN_BYTES: bool = false;
            type Columns = NoScratch;
            type Phases = NoScratch;

            fn weights(&self) -> impl QuantWeights {
                const { assert_packed($count, BYTES) };
                self.nibbles()
            }
        }
    )*};
}
packed_kernels! {
    Int4Kernel [CI, KW, KH, CO], 2, [KH, KW], CI, CO, CI * KW * KH * CO, Int4Kernel<CI, KW, KH, CO, BYTES>;
    Int4Kernel [CI, K, CO], 1, [K], CI, CO, CI * K * CO, Int4Kernel<CI, K, 1, CO, BYTES>;
    Int4Depthwise [C, KW, KH], 2, [KH, KW], 1, C, C * KW * KH, Int4Depthwise<C, KW, KH, BYTES>;
    Int4Depthwise [C, K], 1, [K], 1, C, C * K, Int4Depthwise<C, K, 1, BYTES>
}
