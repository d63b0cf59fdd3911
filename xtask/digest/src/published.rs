//! Outputs that others published: the guide's literal matrices, and ONNX's cases.

use conv_core::finish;
use conv_core::{Axis, Geometry, Window2d, window2d};
use conv_vectors::golden::{OnnxCase, OnnxCases, OnnxOp, Tensor};
use conv_vectors::guide;

use crate::limits::{CHANNELS, INPUT, KERNEL, OUTPUT};
use crate::run::{Group, Run};

/// The cases that `build.rs` chose.
static ONNX: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/onnx.bin"));

window2d! { struct Plain }
window2d! { struct Strided: stride 2, pad 1 }
window2d! { struct Flipped: flip }

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("guide", guide_matrices);
    let Ok(cases) = OnnxCases::from_bytes(ONNX) else {
        return run.group("onnx", |group| group.check(false));
    };
    for case in cases {
        run.group(case.name, |group| onnx(group, &case));
    }
}

fn narrow<const N: usize>(matrix: &[[i32; N]; N]) -> [[i8; N]; N] {
    matrix.map(|row| row.map(|value| value as i8))
}

fn guide_matrices(group: &mut Group) {
    let input = narrow(&guide::INPUT);
    let kernel = narrow(&guide::KERNEL);
    let mut output: [[i32; 3]; 3] = group.dirty();
    let mut back: [[i32; 5]; 5] = group.dirty();
    let mut padded: [[i32; 6]; 6] = group.dirty();

    Plain::conv(&input, &kernel, &mut output);
    group.check(output == guide::OUTPUT);
    group.output(&output);
    Plain::conv_transpose(&narrow(&output), &kernel, &mut back);
    group.check(back == guide::TRANSPOSED);
    group.output(&back);

    Strided::conv(&input, &kernel, &mut output);
    group.check(output == guide::OUTPUT_STRIDED);
    group.output(&output);
    Strided::conv_transpose(&narrow(&output), &kernel, &mut back);
    group.check(back == guide::TRANSPOSED_STRIDED);
    group.output(&back);
    Strided::conv_transpose(&narrow(&output), &kernel, &mut padded);
    group.check(padded == guide::TRANSPOSED_STRIDED_PADDED);
    group.output(&padded);

    Flipped::conv(&input, &kernel, &mut output);
    group.check(output == guide::TRUE_CONVOLUTION);
    group.output(&output);
}

/// Height and width of a shape's spatial axes; a signal has the height 1.
fn extents<T: Copy>(axes: &[T], one: T) -> [T; 2] {
    match *axes {
        [width] => [one, width],
        [height, width] => [height, width],
        _ => [one, one],
    }
}

/// Copies image `n` of an NCHW tensor, or filter `n` of an OIHW one, to channels innermost.
fn channels_innermost(tensor: &Tensor<'_>, n: usize, buffer: &mut [f32]) {
    let [height, width] = extents(tensor.shape().get(2..).unwrap_or_default(), 1);
    let channels = tensor.shape().get(1).copied().unwrap_or(0);
    for channel in 0..channels {
        for pixel in 0..height * width {
            let value = tensor.get((n * channels + channel) * height * width + pixel);
            if let (Some(place), Some(value)) = (buffer.get_mut(pixel * channels + channel), value)
            {
                *place = value;
            }
        }
    }
}

/// The case's geometry: for the transposed operator that of the direct map behind it.
fn geometry(case: &OnnxCase<'_>) -> Option<Geometry<2>> {
    let kernel = extents(case.w.shape().get(2..)?, 1);
    let (stride, dilation) = (extents(&case.stride, 1), extents(&case.dilation, 1));
    let (begin, end) = (extents(&case.pad_begin, 0), extents(&case.pad_end, 0));
    let axes = core::array::from_fn(|d| {
        let axis = Axis::new(kernel[d])
            .with_stride(stride[d])
            .with_dilation(dilation[d]);
        axis.with_pads(begin[d], end[d])
    });
    let (input, output) = (extents(case.x.shape().get(2..)?, 1), extents(&case.out, 1));
    let (from, to) = (*case.x.shape().get(1)?, *case.y.shape().get(1)?);
    match case.op {
        OnnxOp::Conv => Geometry::direct(axes, input, from, to, case.group),
        OnnxOp::ConvTranspose => Geometry::transposed(axes, input, output, to, from, case.group),
    }
    .ok()
}

fn onnx(group: &mut Group, case: &OnnxCase<'_>) {
    let Some(geometry) = geometry(case) else {
        return group.check(false);
    };
    let (mut input, mut kernel) = ([0.0_f32; INPUT], [0.0_f32; KERNEL]);
    let (mut output, mut bias) = ([0.0_f32; OUTPUT], [0.0_f32; CHANNELS]);
    let batch = case.x.shape().first().copied().unwrap_or(0);
    let (from, to) = (case.x.len() / batch, case.y.len() / batch);
    let filters = case.w.shape().first().copied().unwrap_or(0);
    let each = case.w.len() / filters;
    for filter in 0..filters {
        channels_innermost(&case.w, filter, &mut kernel[filter * each..]);
    }
    let channels = case.y.shape().get(1).copied().unwrap_or(0);
    if let Some(values) = case.b {
        group.check(values.copy_to(&mut bias[..channels]).is_ok());
    }
    for n in 0..batch {
        channels_innermost(&case.x, n, &mut input);
        let step = finish::bias_slice(&bias[..channels]);
        let (x, w, y) = (&input[..from], &kernel[..case.w.len()], &mut output[..to]);
        let done = match case.op {
            OnnxOp::Conv => geometry.conv_with(x, w, y, step),
            OnnxOp::ConvTranspose => geometry.conv_transpose_with(x, w, y, step),
        };
        group.check(done.is_ok());
        group.values(&output[..to]);
        group.check(is_published(case, n, &output[..to], channels));
    }
}

/// Whether image `n` of the case's output is the published one, as closely as ONNX asks.
fn is_published(case: &OnnxCase<'_>, n: usize, output: &[f32], channels: usize) -> bool {
    let pixels = output.len() / channels;
    (0..output.len()).all(|index| {
        let (pixel, channel) = (index / channels, index % channels);
        let expected = case
            .y
            .get((n * channels + channel) * pixels + pixel)
            .unwrap_or(f32::NAN);
        let found = output[index];
        match case.exact {
            true => found == expected,
            false => (found - expected).abs() <= 1e-4 * (1.0 + expected.abs()),
        }
    })
}
