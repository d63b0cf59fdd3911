//! The int8 layers: per-channel requantisation with double rounding, data from [`crate::data`].
//!
//! The first eleven are those of [`conv_vectors::anchors`], for which other libraries' counts are known. The twelfth
//! has a shape that none of them has; it is what one layer more costs in code.

use conv_core::quantised::{QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d, Quantisation};
use conv_core::requantise::{Double, Multiplier};
use conv_core::{Window2d, window2d};
use conv_vectors::anchors;

use crate::data::{depthwise_kernel, kernel};

/// Runs a layer: the one place that says how a layer is called.
#[macro_export]
macro_rules! run {
    ($layer:expr, $input:expr, $output:expr, $scratch:expr) => {
        $layer.run($input, $output, $scratch)
    };
}

macro_rules! longest {
    ($most:ident $index:literal $name:literal, $layer:ident, $input:tt => $output:tt) => {
        if $layer.scratch_bytes() > $most {
            $most = $layer.scratch_bytes();
        }
    };
}

/// Calls the macro `case` once for each of the eleven layers, with what follows it, the layer's index in
/// [`anchors::LAYERS`], its name, its static in [`crate::int8`], and the extents of its input and its output.
#[macro_export]
macro_rules! int8_layers {
    ($case:ident $($with:tt)*) => {
        $case!{$($with)* 0 "conv3x3 16x16x16→32 s1 p1", CONV_3X3, [16, 16, 16] => [16, 16, 32]}
        $case!{$($with)* 1 "conv3x3 32x32x3→16 s1 p1", CONV_COLOURS, [32, 32, 3] => [32, 32, 16]}
        $case!{$($with)* 2 "conv1x1 25x5x64→64", CONV_1X1, [25, 5, 64] => [25, 5, 64]}
        $case!{$($with)* 3 "conv10x4 49x10x1→64 s2 p1", CONV_SPEECH, [49, 10, 1] => [21, 5, 64]}
        $case!{$($with)* 4 "conv5x5 8x8x32→32 s1 p2", CONV_5X5, [8, 8, 32] => [8, 8, 32]}
        $case!{$($with)* 5 "depthwise 3x3 25x5x64 s1 p1", DEPTHWISE, [25, 5, 64] => [25, 5, 64]}
        $case!{$($with)* 6 "depthwise 3x3 16x16x32 s2 p1", DEPTHWISE_STRIDED, [16, 16, 32] => [8, 8, 32]}
        $case!{$($with)* 7 "transposed k3 s2 p1 a1 8x8x16→16", TRANSPOSED_3X3, [8, 8, 16] => [16, 16, 16]}
        $case!{$($with)* 8 "transposed k4 s2 p1 8x8x16→16", TRANSPOSED_4X4, [8, 8, 16] => [16, 16, 16]}
        $case!{$($with)* 9 "transposed k2 s2 8x8x32→16", TRANSPOSED_2X2, [8, 8, 32] => [16, 16, 16]}
        $case!{$($with)* 10 "transposed k3 s1 p1 16x16x8→8", TRANSPOSED_SAME, [16, 16, 8] => [16, 16, 8]}
    };
}

/// Words of scratch that the layers share, as many as the one takes that takes most.
pub const SCRATCH: usize = {
    let mut most = CONV_TWELFTH.scratch_bytes();
    int8_layers! { longest most }
    most.div_ceil(size_of::<u32>())
};

/// As many values as the largest output has.
pub const OUTPUTS: usize = 16_384;

window2d! {
    /// Stride 1, no padding.
    pub struct Plain
}
window2d! {
    /// One on each side.
    pub struct Pad1: pad 1
}
window2d! {
    /// Two on each side.
    pub struct Pad2: pad 2
}
window2d! {
    /// Stride 2, no padding.
    pub struct Stride2: stride 2
}
window2d! {
    /// Stride 2, one on each side.
    pub struct Half: stride 2, pad 1
}
window2d! {
    /// Stride 2, one before.
    pub struct HalfBefore: stride 2, pad_before 1, pad_after 0
}
window2d! {
    /// Stride 2, one before, and one after the columns.
    pub struct Speech: stride 2, pad_before 1, pad_after (0, 1)
}

/// A layer of a direct operation on a kernel `O H W I`.
type Conv<W, const CI: usize, const KW: usize, const KH: usize, const CO: usize> =
    QuantConv2d<W, i8, [[[[i8; CI]; KW]; KH]; CO], Double, CO>;
/// A layer of a depthwise operation on a kernel `H W O`.
type Depthwise<W, const C: usize, const KW: usize, const KH: usize> =
    QuantDepthwise2d<W, i8, [[[i8; C]; KW]; KH], Double, C>;
/// A layer of a transposed operation on a kernel `O H W I`, from `CI` channels to `CO`.
type Transposed<W, const CI: usize, const KW: usize, const KH: usize, const CO: usize> =
    QuantConvTranspose2d<W, i8, [[[[i8; CI]; KW]; KH]; CO], Double, CO>;

const ZERO_POINTS: Quantisation = Quantisation::new(-anchors::INPUT_OFFSET, anchors::OUTPUT_OFFSET);

const fn bias<const C: usize>() -> [i32; C] {
    let mut bias = [0; C];
    let mut channel = 0;
    while channel < C {
        bias[channel] = anchors::bias(channel);
        channel += 1;
    }
    bias
}

const fn scales<const C: usize>() -> [Multiplier; C] {
    let mut scales = [Multiplier::ZERO; C];
    let mut channel = 0;
    while channel < C {
        scales[channel] = Multiplier {
            multiplier: anchors::multiplier(channel),
            shift: anchors::shift(channel),
        };
        channel += 1;
    }
    scales
}

const fn conv<W: Window2d, const CI: usize, const KW: usize, const KH: usize, const CO: usize>()
-> Conv<W, CI, KW, KH, CO> {
    QuantConv2d::new(kernel(), bias(), scales(), ZERO_POINTS)
}

const fn depthwise<W: Window2d, const C: usize, const KW: usize, const KH: usize>()
-> Depthwise<W, C, KW, KH> {
    QuantDepthwise2d::new(depthwise_kernel(), bias(), scales(), ZERO_POINTS)
}

const fn transposed<
    W: Window2d,
    const CI: usize,
    const KW: usize,
    const KH: usize,
    const CO: usize,
>() -> Transposed<W, CI, KW, KH, CO> {
    QuantConvTranspose2d::new(kernel(), bias(), scales(), ZERO_POINTS)
}

/// 3×3, 16 to 32 channels.
pub static CONV_3X3: Conv<Pad1, 16, 3, 3, 32> = conv();
/// 3×3, three channels to 16.
pub static CONV_COLOURS: Conv<Pad1, 3, 3, 3, 16> = conv();
/// 1×1, 64 to 64 channels.
pub static CONV_1X1: QuantConv2d<Plain, i8, [[i8; 64]; 64], Double, 64> = {
    let [[kernel]] = kernel::<64, 64, 1, 1>();
    QuantConv2d::pointwise(kernel, bias(), scales(), ZERO_POINTS)
};
/// 10×4 at stride 2, one channel to 64.
pub static CONV_SPEECH: Conv<Speech, 1, 4, 10, 64> = conv();
/// 5×5, 32 to 32 channels.
pub static CONV_5X5: Conv<Pad2, 32, 5, 5, 32> = conv();
/// Depthwise 3×3 of 64 channels.
pub static DEPTHWISE: Depthwise<Pad1, 64, 3, 3> = depthwise();
/// Depthwise 3×3 at stride 2 of 32 channels.
pub static DEPTHWISE_STRIDED: Depthwise<HalfBefore, 32, 3, 3> = depthwise();
/// Transposed 3×3 at stride 2, 16 to 16 channels.
pub static TRANSPOSED_3X3: Transposed<Half, 16, 3, 3, 16> = transposed();
/// Transposed 4×4 at stride 2, 16 to 16 channels.
pub static TRANSPOSED_4X4: Transposed<Half, 16, 4, 4, 16> = transposed();
/// Transposed 2×2 at stride 2, 32 to 16 channels.
pub static TRANSPOSED_2X2: Transposed<Stride2, 32, 2, 2, 16> = transposed();
/// Transposed 3×3 at stride 1, 8 to 8 channels.
pub static TRANSPOSED_SAME: Transposed<Pad1, 8, 3, 3, 8> = transposed();
/// The twelfth: 5×3 at stride 2, 12 to 20 channels.
pub static CONV_TWELFTH: Conv<Half, 12, 3, 5, 20> = conv();
