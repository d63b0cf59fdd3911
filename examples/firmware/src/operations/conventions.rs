//! Every framework's settings, resolved at run time.

use core::hint::black_box;

use conv_core::convention::{
    Direct, Transposed, cmsis_nn, jax, keras, onnx, scipy, tensorflow, theano, torch, weights,
};

use crate::data::{Sink, given};

const EXTENTS: [usize; 4] = [9, 4, 0, usize::MAX];
const STRIDES: [usize; 3] = [1, 2, 0];

pub fn all(sink: &mut Sink) {
    for stride in STRIDES {
        for extent in EXTENTS {
            let (stride, extent) = (black_box(stride), black_box(extent));
            torch(sink, stride, extent);
            onnx(sink, stride, extent);
            tensorflow(sink, stride, extent);
            keras(sink, stride, extent);
            jax(sink, stride, extent);
            theano(sink, stride, extent);
            scipy(sink, extent);
            cmsis_nn(sink, stride, extent);
        }
    }
    geometries(sink);
    orders(sink);
}

#[inline(never)]
fn torch(sink: &mut Sink, stride: usize, extent: usize) {
    use torch::{Conv, ConvTranspose, Padding, PaddingMode};
    for padding in [Padding::Zeros(1), Padding::Valid, Padding::Same] {
        for padding_mode in [
            PaddingMode::Zeros,
            PaddingMode::Reflect,
            PaddingMode::Replicate,
            PaddingMode::Circular,
        ] {
            let (padding, padding_mode) = (black_box(padding), black_box(padding_mode));
            let layer = Conv {
                stride,
                padding,
                padding_mode,
                ..Conv::new(black_box(3))
            };
            sink.value(&layer.axis(extent));
        }
    }
    for output_padding in [0, 1, 2] {
        let output_padding = black_box(output_padding);
        let layer = ConvTranspose {
            stride,
            padding: 1,
            output_padding,
            ..ConvTranspose::new(3)
        };
        sink.value(&black_box(layer).axis(extent));
        sink.value(&black_box(layer).axis_to(extent, black_box(18)));
    }
}

#[inline(never)]
fn onnx(sink: &mut Sink, strides: usize, extent: usize) {
    use onnx::{AutoPad, Conv, ConvTranspose};
    for auto_pad in [
        AutoPad::NotSet,
        AutoPad::SameUpper,
        AutoPad::SameLower,
        AutoPad::Valid,
    ] {
        let auto_pad = black_box(auto_pad);
        for pads in [[0, 0], [1, 2], [usize::MAX, 1]] {
            let pads = black_box(pads);
            let layer = Conv {
                strides,
                pads,
                auto_pad,
                ..Conv::new(black_box(3))
            };
            sink.value(&layer.axis(extent));
            for output_shape in [None, Some(17), Some(0)] {
                let output_shape = black_box(output_shape);
                let new = ConvTranspose::new(black_box(3));
                let layer = ConvTranspose {
                    strides,
                    pads,
                    auto_pad,
                    output_shape,
                    ..new
                };
                sink.value(&layer.axis(extent));
            }
        }
    }
}

#[inline(never)]
fn tensorflow(sink: &mut Sink, strides: usize, extent: usize) {
    use tensorflow::{Conv, ConvTranspose, Padding};
    for padding in [Padding::Same, Padding::Valid, Padding::Explicit([1, 2])] {
        let padding = black_box(padding);
        sink.value(
            &Conv {
                strides,
                padding,
                ..Conv::new(black_box(3))
            }
            .axis(extent),
        );
        let layer = ConvTranspose::new(black_box(3), black_box(18));
        sink.value(
            &ConvTranspose {
                strides,
                padding,
                ..layer
            }
            .axis(extent),
        );
    }
}

#[inline(never)]
fn keras(sink: &mut Sink, strides: usize, extent: usize) {
    use keras::{Conv, ConvTranspose, Padding, TransposePadding};
    for padding in [Padding::Valid, Padding::Same, Padding::Causal] {
        let padding = black_box(padding);
        sink.value(
            &Conv {
                strides,
                padding,
                ..Conv::new(black_box(3))
            }
            .axis(extent),
        );
    }
    for padding in [TransposePadding::Valid, TransposePadding::Same] {
        for output_padding in [None, Some(1), Some(5)] {
            let (padding, output_padding) = (black_box(padding), black_box(output_padding));
            let layer = ConvTranspose {
                strides,
                padding,
                output_padding,
                ..ConvTranspose::new(3)
            };
            sink.value(&black_box(layer).axis(extent));
        }
    }
}

#[inline(never)]
fn jax(sink: &mut Sink, strides: usize, extent: usize) {
    use jax::{ConvGeneralDilated, ConvTranspose, Padding, TransposePadding};
    for padding in [
        Padding::Same,
        Padding::SameLower,
        Padding::Valid,
        Padding::Explicit(-1, 2),
    ] {
        for lhs_dilation in STRIDES {
            let (padding, lhs_dilation) = (black_box(padding), black_box(lhs_dilation));
            let new = ConvGeneralDilated::new(black_box(3));
            let layer = ConvGeneralDilated {
                window_strides: strides,
                padding,
                lhs_dilation,
                ..new
            };
            sink.value(&layer.axis(extent));
            sink.value(&layer.transposed_axis(extent));
        }
    }
    for padding in [
        TransposePadding::Same,
        TransposePadding::Valid,
        TransposePadding::Explicit(1, 2),
        TransposePadding::Consistent(2, -1),
    ] {
        let layer = ConvTranspose {
            strides,
            padding: black_box(padding),
            ..ConvTranspose::new(3)
        };
        sink.value(&(
            black_box(layer).axis(extent),
            black_box(layer).orientation(),
        ));
    }
}

#[inline(never)]
fn theano(sink: &mut Sink, subsample: usize, extent: usize) {
    use theano::{BorderMode, Conv};
    for border_mode in [
        BorderMode::Valid,
        BorderMode::Full,
        BorderMode::Half,
        BorderMode::Zeros(1),
        BorderMode::Pair(1, 2),
    ] {
        let border_mode = black_box(border_mode);
        let layer = Conv {
            border_mode,
            subsample,
            ..Conv::new(black_box(3))
        };
        sink.value(&(layer.axis(extent), black_box(layer).orientation()));
        sink.value(&layer.grad_wrt_inputs_axis(extent, black_box(17)));
    }
}

#[inline(never)]
fn scipy(sink: &mut Sink, extent: usize) {
    use scipy::{Mode, NumpyConvolve, ScipyConvolve};
    for mode in [Mode::Full, Mode::Same, Mode::Valid] {
        let mode = black_box(mode);
        sink.value(
            &NumpyConvolve {
                mode,
                ..NumpyConvolve::new(black_box(4))
            }
            .axis(extent),
        );
        sink.value(
            &ScipyConvolve {
                mode,
                ..ScipyConvolve::new(black_box(4))
            }
            .axis(extent),
        );
    }
}

#[inline(never)]
fn cmsis_nn(sink: &mut Sink, stride: usize, extent: usize) {
    for padding in [0, 1, 5] {
        let new = cmsis_nn::ConvParams::new(black_box(3));
        let layer = cmsis_nn::ConvParams {
            stride,
            padding: black_box(padding),
            ..new
        };
        for other in EXTENTS {
            sink.value(&layer.axis(extent, black_box(other)));
            sink.value(&layer.transposed_axis(extent, black_box(other)));
        }
    }
}

#[inline(never)]
fn geometries(sink: &mut Sink) {
    let direct = torch::Conv::new(black_box(3)).axis(black_box(9));
    let transposed = torch::ConvTranspose::new(black_box(3)).axis(black_box(9));
    if let (Ok(direct), Ok(transposed)) = (black_box(direct), black_box(transposed)) {
        sink.value(&(
            direct.window(),
            transposed.window(),
            transposed.output_padding(),
        ));
        sink.value(&Direct::geometry(
            [direct, direct],
            black_box(4),
            6,
            black_box(2),
        ));
        sink.value(&Transposed::geometry(
            [transposed, transposed],
            black_box(6),
            4,
            black_box(2),
        ));
    }
}

#[inline(never)]
fn orders(sink: &mut Sink) {
    let kernel: [[[[i8; 5]; 4]; 3]; 2] = given();
    sink.data(&weights::from_oihw(&kernel));
    sink.data(&weights::from_hwio(&kernel));
    sink.data(&weights::from_hwoi(&kernel));
    sink.data(&weights::from_ihwo(&kernel));
    sink.data(&conv_core::shape::swap_channels(&kernel));
    let kernel: [[[f32; 5]; 4]; 3] = given();
    sink.data(&weights::from_oik_1d(&kernel));
    sink.data(&weights::from_kio_1d(&kernel));
}
