//! Settings of conv-std's plans, as its tests have them, made from the fuzzer's bytes.

use conv_fuzz::Choices;
use conv_std::{Boundary, Layout, Products};
use conv_vectors::oracle::Axis;
use conv_vectors::random::Spread;

use crate::common::Setting;

/// What the direct operation may read outside its input.
pub(crate) const BOUNDARIES: [Boundary; 4] = [
    Boundary::Zero,
    Boundary::Reflect,
    Boundary::Replicate,
    Boundary::Circular,
];

/// A direct map whose inputs have up to `most` elements along each axis, with zeros outside.
pub(crate) fn setting<const D: usize>(choices: &mut Choices<'_>, most: usize) -> Setting<D> {
    let axes = [(); D].map(|()| {
        let axis = choices.axis();
        Axis::new(1 + choices.below(most), axis.kernel)
            .stride(axis.stride)
            .dilation(axis.dilation)
            .pad(axis.pad_before, axis.pad_after)
    });
    Setting {
        axes,
        batch: 1 + choices.below(2),
        groups: 1 + choices.below(4),
        inputs: 1 + choices.below(4),
        outputs: 1 + choices.below(20),
        orientation: choices.orientation(),
        layout: choices.of(&[Layout::Nchw, Layout::Nhwc]),
        boundary: Boundary::Zero,
        products: choices.of(&[Products::Fused, Products::Rounded]),
        seed: choices.integer() as u32,
        spread: choices.of(&[Spread::Uniform, Spread::Extremes, Spread::Full]),
    }
}
