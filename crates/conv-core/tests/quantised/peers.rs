//! Shapes that other libraries got wrong: transposed layers that wrote behind their output and reported success, wrong
//! sums with output padding, an accumulator that became narrower for the last pixel.

use conv_core::Axis;
use conv_core::quantised::{QuantOperation, Quantisation};
use conv_core::requantise::{Double, Multiplier, Wide};
use conv_vectors::anchors;
use conv_vectors::random::{Lcg, Spread};

use crate::small::{Channels, Settings, Small, Weights, anchor_scale, double, wide};

fn settings<'a>(bias: &'a dyn Fn(usize) -> i32) -> Settings<'a, Double> {
    Settings {
        weights: Weights::Bytes,
        quantisation: Quantisation::new(-5, -3),
        bias: Some(bias),
        scale: &anchor_scale,
        expected: double,
    }
}

/// Transposed layers with one kernel, stride and pad on both axes, over all extents up to 5 and all output paddings.
fn transposed(kernel: usize, stride: usize, pad: isize, inputs: &[usize]) -> usize {
    let mut random = Lcg::new(7).spread(Spread::Extremes);
    let bias = |channel| anchors::bias(channel);
    let axis = Axis::new(kernel).with_stride(stride).with_pads(pad, pad);
    let mut legal = 0;
    for &channels in inputs {
        for extents in (1..=5).flat_map(|height| (1..=5).map(move |width| [height, width])) {
            for padding in 0..stride {
                let channels = Channels {
                    groups: 1,
                    inputs: 3,
                    outputs: channels,
                };
                let layer = Small::transposed(
                    QuantOperation::ConvTranspose,
                    [axis; 2],
                    extents,
                    [padding, stride - 1 - padding],
                    channels,
                );
                if let Some(layer) = layer {
                    layer.check::<i8, Double>(&mut random, &settings(&bias));
                    legal += 1;
                }
            }
        }
    }
    legal
}

#[test]
fn transposed_kernel_3_stride_3_pad_1_stays_inside_its_output() {
    assert_eq!(transposed(3, 3, 1, &[1, 4, 16, 17]), 4 * 25 * 3);
}

#[test]
fn transposed_kernel_1_stride_2_stays_inside_its_output() {
    assert_eq!(transposed(1, 2, 0, &[1, 4, 16, 17]), 4 * 25 * 2);
}

#[test]
fn transposed_kernel_2_stride_2_pad_1_with_up_to_16_inputs_stays_inside_its_output() {
    let channels: Vec<usize> = (1..=17).collect();
    // Of one input the pads leave the output padding, if there is any: 4 extents without, 5 with.
    assert_eq!(transposed(2, 2, 1, &channels), 17 * 2 * 4 * 5);
}

#[test]
fn transposed_with_output_padding_and_4_inputs_is_right_for_every_small_shape() {
    let mut random = Lcg::new(8).spread(Spread::Extremes);
    let bias = |channel| anchors::bias(channel);
    let channels = Channels {
        groups: 1,
        inputs: 2,
        outputs: 4,
    };
    let mut legal = 0;
    let mut axes = Vec::new();
    for kernel in 1..=4 {
        for stride in 1..=3 {
            for pad in 0..=3 {
                let axis = Axis::new(kernel).with_stride(stride).with_pads(pad, pad);
                axes.extend((0..stride).map(|padding| (axis, padding)));
            }
        }
    }
    for &(rows, below) in &axes {
        for &(columns, beside) in &axes {
            for extents in [[1, 3], [2, 1], [3, 2]] {
                let layer = Small::transposed(
                    QuantOperation::ConvTranspose,
                    [rows, columns],
                    extents,
                    [below, beside],
                    channels,
                );
                if let Some(layer) = layer {
                    layer.check::<i8, Double>(&mut random, &settings(&bias));
                    legal += 1;
                }
            }
        }
    }
    assert!(legal > 12_987, "{legal}");
}

#[test]
fn sixteen_bit_activations_with_64_bit_bias_and_more_than_512_columns_keep_64_bits_for_every_pixel()
{
    let mut random = Lcg::new(9).spread(Spread::Extremes);
    // 3×3×64 = 576 columns; odd numbers of pixels leave one over from pairs and fours.
    let channels = Channels {
        groups: 1,
        inputs: 64,
        outputs: 3,
    };
    let axis = Axis::new(3).with_pads(1, 1);
    let bias = |channel: usize| [(1_i64 << 33) + 1, -(1 << 34), 7][channel];
    let scale = |_| Multiplier {
        multiplier: 1 << 30,
        shift: -18,
    };
    let settings = Settings::<Wide> {
        weights: Weights::Bytes,
        quantisation: Quantisation::new(0, 0),
        bias: Some(&bias),
        scale: &scale,
        expected: wide,
    };
    for extents in [[1, 1], [1, 3], [3, 3], [5, 1], [1, 7]] {
        let layer = Small::direct(QuantOperation::Conv, [axis; 2], extents, channels);
        layer.unwrap().check::<i16, Wide>(&mut random, &settings);
    }
}
