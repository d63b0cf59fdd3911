//! Eleven int8 layers with generated data, whose outputs are known by hash.
//!
//! CMSIS-NN (commit 99f736a) gives these hashes for these layers, and so does any correct model of
//! the double-rounding contract. Only the numbers below are stored; the data come from
//! [`AnchorData`].
//!
//! ```
//! use conv_vectors::anchors::{self, AnchorData};
//!
//! let layer = anchors::LAYERS[0];
//! assert_eq!(layer.macs(), 1_179_648);
//! let (input, weight) = AnchorData::new().next().unwrap();
//! assert_eq!((input, weight), (60, 94));
//! assert_eq!(anchors::fnv1a(b"a"), 0xe40c_292c);
//! ```

use crate::golden::Kind;
use crate::random::Lcg;

/// A layer: its shape and the hash of its output. Per-channel double rounding, input offset
/// [`INPUT_OFFSET`], output offset [`OUTPUT_OFFSET`], no clamp below the `i8` range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The layer in words.
    pub name: &'static str,
    /// The operation. Weights are OHWI, for depthwise HWO.
    pub kind: Kind,
    /// Input height, width and channels.
    pub input: [usize; 3],
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Output height, width and channels.
    pub output: [usize; 3],
    /// Stride on both axes.
    pub stride: usize,
    /// Padding before on both axes; the rest follows from the output extent.
    pub pad_before: usize,
    /// [`fnv1a`] of the output bytes in HWC order.
    pub hash: u32,
}

impl Layer {
    /// Multiply-accumulates, padded taps included. Direct: `OH·OW·CO·KH·KW·CI`; depthwise:
    /// `OH·OW·C·KH·KW`; transposed: `IH·IW·CI·CO·KH·KW`.
    #[must_use]
    pub const fn macs(&self) -> usize {
        let [ih, iw, ci] = self.input;
        let [oh, ow, co] = self.output;
        let taps = self.kernel[0] * self.kernel[1];
        match self.kind {
            Kind::Direct => oh * ow * co * taps * ci,
            Kind::Depthwise => oh * ow * co * taps,
            Kind::Transposed => ih * iw * ci * co * taps,
        }
    }

    /// How many weights the layer reads from the front of the generated ones.
    #[must_use]
    pub const fn weights(&self) -> usize {
        let taps = self.kernel[0] * self.kernel[1];
        match self.kind {
            Kind::Depthwise => taps * self.output[2],
            Kind::Direct | Kind::Transposed => taps * self.output[2] * self.input[2],
        }
    }
}

macro_rules! layers {
    ($($name:literal $kind:ident $input:expr, $kernel:expr => $output:expr;
       s $stride:literal p $pad:literal # $hash:literal)*) => {
        [$(Layer {
            name: $name,
            kind: Kind::$kind,
            input: $input,
            kernel: $kernel,
            output: $output,
            stride: $stride,
            pad_before: $pad,
            hash: $hash,
        }),*]
    };
}

/// The eleven layers.
pub const LAYERS: [Layer; 11] = layers! {
    "conv3x3 16x16x16 to 32" Direct [16, 16, 16], [3, 3] => [16, 16, 32]; s 1 p 1 # 0xcb1c_47fb
    "conv3x3 32x32x3 to 16" Direct [32, 32, 3], [3, 3] => [32, 32, 16]; s 1 p 1 # 0x3667_a45d
    "conv1x1 25x5x64 to 64" Direct [25, 5, 64], [1, 1] => [25, 5, 64]; s 1 p 0 # 0xec34_deea
    "conv10x4 49x10x1 to 64" Direct [49, 10, 1], [10, 4] => [21, 5, 64]; s 2 p 1 # 0x9177_579c
    "conv5x5 8x8x32 to 32" Direct [8, 8, 32], [5, 5] => [8, 8, 32]; s 1 p 2 # 0x1f0d_26cc
    "depthwise3x3 25x5x64" Depthwise [25, 5, 64], [3, 3] => [25, 5, 64]; s 1 p 1 # 0x34a6_2534
    "depthwise3x3 16x16x32" Depthwise [16, 16, 32], [3, 3] => [8, 8, 32]; s 2 p 1 # 0xc661_e485
    "transposed3x3 8x8x16 to 16" Transposed [8, 8, 16], [3, 3] => [16, 16, 16]; s 2 p 1 # 0xf8a3_fb63
    "transposed4x4 8x8x16 to 16" Transposed [8, 8, 16], [4, 4] => [16, 16, 16]; s 2 p 1 # 0x6df3_88f3
    "transposed2x2 8x8x32 to 16" Transposed [8, 8, 32], [2, 2] => [16, 16, 16]; s 2 p 0 # 0xbe8f_fabf
    "transposed3x3 16x16x8 to 8" Transposed [16, 16, 8], [3, 3] => [16, 16, 8]; s 1 p 1 # 0x103f_4da2
};

/// Added to every input value.
pub const INPUT_OFFSET: i32 = 5;

/// Added to every requantised value.
pub const OUTPUT_OFFSET: i32 = -3;

/// The bias of an output channel: `(37·c mod 200) − 100`.
#[must_use]
pub const fn bias(channel: usize) -> i32 {
    (37 * channel % 200) as i32 - 100
}

/// The fixed-point multiplier of an output channel: `2³⁰ + 1000003·c`.
#[must_use]
pub const fn multiplier(channel: usize) -> i32 {
    (1 << 30) + 1_000_003 * channel as i32
}

/// The shift of an output channel: `−8 − (c mod 3)`.
#[must_use]
pub const fn shift(channel: usize) -> i32 {
    -8 - (channel % 3) as i32
}

/// The 32-bit FNV-1a hash of no bytes.
pub const FNV1A_START: u32 = 0x811c_9dc5;

/// The 32-bit FNV-1a hash of one byte more.
#[must_use]
pub const fn fnv1a_step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}

/// 32-bit FNV-1a.
#[must_use]
pub const fn fnv1a(bytes: &[u8]) -> u32 {
    let mut hash = FNV1A_START;
    let mut rest = bytes;
    while let [byte, tail @ ..] = rest {
        hash = fnv1a_step(hash, *byte);
        rest = tail;
    }
    hash
}

/// The generated data: pairs of the i-th input value and the i-th weight, without end. Each layer
/// reads both from the front, in the order of its layout.
#[derive(Clone, Debug)]
pub struct AnchorData(Lcg);

impl AnchorData {
    /// The data from the start.
    #[must_use]
    pub const fn new() -> Self {
        Self(Lcg::new(1))
    }
}

impl Default for AnchorData {
    fn default() -> Self {
        Self::new()
    }
}

impl Iterator for AnchorData {
    type Item = (i8, i8);

    fn next(&mut self) -> Option<(i8, i8)> {
        let mut step = || (self.0.next_u32() >> 24) as i8;
        let input = step();
        Some((input, step().max(-127)))
    }
}
