//! The network as a function over fixed arrays: its layers in flash, its feature maps in memory of constant size.
//!
//! ```text
//! picture 8×8×1 ─ conv 3×3 ─ 8×8×12 ─┬─ depthwise 3×3 ─ pointwise ─ add ─ 8×8×12 ─ conv 3×3, stride 2 ─ 4×4×24 ─┬─ average 2×2 ─ fully connected ─ 10 logits
//!                                    └───────────────────────────────┘                                            └─ transposed 4×4, stride 2 ─ 8×8×1
//! ```
//!
//! Windows, kernels and maps are types: a layer whose output is not the next one's input does not compile. The
//! multipliers are computed from TFLite's scales by the compiler; the target has no float arithmetic to do.
//!
//! Of TFLite 2.21's reference kernels the convolutions round twice ([`Double`]), the fully connected layer once, on a real
//! scale ([`HalfAway`]): see [`conv_core::requantise`].

use conv_core::add::{Affine, QuantAdd};
use conv_core::arena::{Arena, Maps, Then};
use conv_core::pool::AveragePool2d;
use conv_core::quantised::{
    QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d, QuantFullyConnected, Quantisation,
};
use conv_core::requantise::{Double, HalfAway, Multiplier, real_scales};
use conv_core::{assert_shapes, window2d};

#[path = "weights.rs"]
#[rustfmt::skip]
#[allow(clippy::excessive_precision, reason = "nine digits say which f32 it is")]
mod weights;

use weights::*;

/// A picture, one channel.
pub type Picture = [[i8; 8]; 8];
/// Twelve channels on every pixel.
type Wide = [[[i8; 12]; 8]; 8];
/// Twenty-four on a quarter of them.
type Deep = [[[i8; 24]; 4]; 4];
type Pooled = [[[i8; 24]; 2]; 2];

window2d! { struct Same: padding SameUpper }
window2d! { struct Pointwise }
window2d! { struct Strided: stride 2, padding SameUpper }
window2d! { struct Upsample: stride 2, pad 1 }
window2d! { struct Halves: stride 2 }

static CONV: QuantConv2d<Same, i8, [[[[i8; 1]; 3]; 3]; 12], Double, 12> = QuantConv2d::new(
    CONV_KERNEL,
    CONV_BIAS,
    Multiplier::per_channel(PICTURE.scale, CONV_SCALES, CONV_OUTPUT.scale).unwrap(),
    relu6(PICTURE, CONV_OUTPUT),
);

static DEPTHWISE: QuantDepthwise2d<Same, i8, [[[i8; 12]; 3]; 3], Double, 12> =
    QuantDepthwise2d::new(
        DEPTHWISE_KERNEL,
        DEPTHWISE_BIAS,
        Multiplier::per_channel(CONV_OUTPUT.scale, DEPTHWISE_SCALES, DEPTHWISE_OUTPUT.scale)
            .unwrap(),
        relu6(CONV_OUTPUT, DEPTHWISE_OUTPUT),
    );

static POINTWISE: QuantConv2d<Pointwise, i8, [[[[i8; 12]; 1]; 1]; 12], Double, 12> =
    QuantConv2d::new(
        POINTWISE_KERNEL,
        POINTWISE_BIAS,
        Multiplier::per_channel(
            DEPTHWISE_OUTPUT.scale,
            POINTWISE_SCALES,
            POINTWISE_OUTPUT.scale,
        )
        .unwrap(),
        Quantisation::new(DEPTHWISE_OUTPUT.zero_point, POINTWISE_OUTPUT.zero_point),
    );

static ADD: QuantAdd<i8> = {
    let Quantisation { low, high, .. } = relu6(CONV_OUTPUT, ADD_OUTPUT);
    QuantAdd::new(CONV_OUTPUT, POINTWISE_OUTPUT, ADD_OUTPUT).with_clamp(low, high)
};

static STRIDED: QuantConv2d<Strided, i8, [[[[i8; 12]; 3]; 3]; 24], Double, 24> = QuantConv2d::new(
    STRIDED_KERNEL,
    STRIDED_BIAS,
    Multiplier::per_channel(ADD_OUTPUT.scale, STRIDED_SCALES, STRIDED_OUTPUT.scale).unwrap(),
    relu6(ADD_OUTPUT, STRIDED_OUTPUT),
);

static POOL: AveragePool2d<Halves, i8, 2, 2> = AveragePool2d::new();

static LOGITS: QuantFullyConnected<i8, [[i8; 96]; 10], HalfAway, 10> = QuantFullyConnected::new(
    LOGITS_KERNEL,
    LOGITS_BIAS,
    real_scales(POOL_OUTPUT.scale, LOGITS_SCALES, LOGITS_OUTPUT.scale).unwrap(),
    Quantisation::new(POOL_OUTPUT.zero_point, LOGITS_OUTPUT.zero_point),
);

static DRAWN: QuantConvTranspose2d<Upsample, i8, [[[[i8; 24]; 4]; 4]; 1], Double, 1> =
    QuantConvTranspose2d::new(
        DRAWN_KERNEL,
        DRAWN_BIAS,
        Multiplier::per_channel(STRIDED_OUTPUT.scale, DRAWN_SCALES, DRAWN_OUTPUT.scale).unwrap(),
        Quantisation::new(STRIDED_OUTPUT.zero_point, DRAWN_OUTPUT.zero_point),
    );

/// The feature maps and which of them live together: the residual sum outlives the two maps that it is made of, and
/// the maps that are made of the sum take their place.
type FeatureMaps = (Wide, Then<(Wide, Wide), (Deep, Pooled)>);

/// Memory for the feature maps, as much as live at the same time.
pub type Memory = Arena<i8, { FeatureMaps::PEAK }>;

/// The network's peak RAM in bytes, besides its input and its outputs: a constant.
pub const PEAK: usize = size_of::<Memory>();

/// Words that the layers need while they run, of the one that needs most; none on the desktop.
const SCRATCH: usize = {
    let layers = [
        CONV.scratch_bytes(),
        POINTWISE.scratch_bytes(),
        STRIDED.scratch_bytes(),
        DRAWN.scratch_bytes(),
    ];
    let mut most = 0;
    let mut layer = 0;
    while layer < layers.len() {
        if layers[layer] > most {
            most = layers[layer];
        }
        layer += 1;
    }
    most.div_ceil(4)
};

/// What the network says of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For each digit, on the scale of [`LOGITS_OUTPUT`].
    pub logits: [i8; 10],
    /// The picture, drawn again.
    pub drawn: Picture,
}

impl Answer {
    /// The digit with the greatest logit, the first where there are several.
    pub fn digit(&self) -> usize {
        let mut best = 0;
        for (digit, logit) in self.logits.iter().enumerate() {
            if self
                .logits
                .get(best)
                .is_some_and(|greatest| logit > greatest)
            {
                best = digit;
            }
        }
        best
    }
}

// What does not fit, editor and `cargo check` say here.
assert_shapes!(CONV.run(Picture) => Wide);
assert_shapes!(DEPTHWISE.run(Wide) => Wide);
assert_shapes!(POINTWISE.run(Wide) => Wide);
assert_shapes!(STRIDED.run(Wide) => Deep);
assert_shapes!(POOL.run(Deep) => Pooled);
assert_shapes!(LOGITS.run(Pooled) => [i8; 10]);
assert_shapes!(DRAWN.run(Deep) => Picture);

/// Runs the network.
pub fn run(picture: &Picture, memory: &mut Memory) -> Answer {
    run_with(picture, memory, &mut |_| {})
}

/// Runs the network, and calls `done` with each layer's name when it has run.
pub fn run_with(
    picture: &Picture,
    memory: &mut Memory,
    done: &mut impl FnMut(&'static str),
) -> Answer {
    let scratch = &mut [0_u32; SCRATCH];
    let (sum, mut turns) = memory.place::<FeatureMaps>();
    let (first, between) = turns.first();
    CONV.run(picture, first, scratch);
    done("conv 3x3, 1 to 12 channels");
    DEPTHWISE.run(first, between, scratch);
    done("depthwise 3x3, 12 channels");
    POINTWISE.run(between, sum, scratch);
    done("pointwise, 12 to 12 channels");
    ADD.run_in_place(first, sum);
    done("residual sum");
    let (deep, pooled) = turns.then();
    STRIDED.run(sum, deep, scratch);
    done("conv 3x3 stride 2, 12 to 24");
    POOL.run(deep, pooled);
    done("average 2x2");
    let mut answer = Answer {
        logits: [0; 10],
        drawn: [[0; 8]; 8],
    };
    LOGITS.run(pooled, &mut answer.logits);
    done("fully connected, 96 to 10");
    DRAWN.run(deep, &mut answer.drawn, scratch);
    done("transposed 4x4 stride 2, 24 to 1");
    answer
}

/// Zero points, and the clamp that fuses a ReLU6.
const fn relu6(input: Affine, output: Affine) -> Quantisation {
    Quantisation::new(input.zero_point, output.zero_point).with_relu6::<i8>(output.scale)
}

/// One picture of the test set as [`RECORDS`] holds it, with what TFLite's reference kernels make of it.
#[derive(Clone, Copy)]
pub struct Record {
    /// The digit that was written.
    pub label: u8,
    pub picture: Picture,
    pub expected: Answer,
}

/// Label, picture, logits, drawing.
const LENGTH: usize = 1 + 64 + 10 + 64;

/// The test set, written by train.py: see README.md.
const RECORDS: &[u8] = include_bytes!("test.bin");

/// Number of pictures in the test set.
pub const PICTURES: usize = RECORDS.len() / LENGTH;

/// Picture number `index` of the test set.
pub const fn record(index: usize) -> Record {
    let start = index * LENGTH;
    let mut logits = [0; 10];
    let mut digit = 0;
    while digit < 10 {
        logits[digit] = RECORDS[start + 65 + digit] as i8;
        digit += 1;
    }
    Record {
        label: RECORDS[start],
        picture: picture(start + 1),
        expected: Answer {
            logits,
            drawn: picture(start + 75),
        },
    }
}

const fn picture(start: usize) -> Picture {
    let mut rows = [[0; 8]; 8];
    let mut pixel = 0;
    while pixel < 64 {
        rows[pixel / 8][pixel % 8] = RECORDS[start + pixel] as i8;
        pixel += 1;
    }
    rows
}
