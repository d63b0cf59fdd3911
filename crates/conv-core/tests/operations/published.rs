//! The ONNX project's cases for Conv and ConvTranspose in one and two dimensions, in `f32`.
//!
//! The published buffers have channels first. Here they are brought to the order of the crate, channels
//! innermost, and the results compared with the published outputs: bit for bit where the case says so, else
//! within the tolerance table of the exact sums, and within the 1e-4 that the ONNX project asks for.

use conv_core::dynamic::Planar;
use conv_core::finish::{Finish, bias, bias_slice, raw};
use conv_core::{Axis, Geometry, Window1d, Window2d, window1d, window2d};
use conv_vectors::golden::{self, OnnxCase, OnnxOp, Tensor};
use conv_vectors::guard::Guarded;
use conv_vectors::oracle::{Outputs, channels_first, onnx};
use conv_vectors::tolerance;

/// A tensor (outer, channels, extents…) with its channels last.
fn channels_innermost(tensor: &Tensor<'_>) -> Vec<f32> {
    let (outer, rest) = tensor.shape().split_first().expect("a rank of at least 3");
    let (channels, extents) = rest.split_first().expect("a rank of at least 3");
    let plane: usize = extents.iter().product();
    let mut values = Vec::with_capacity(tensor.len());
    for image in 0..*outer {
        for at in 0..plane {
            for channel in 0..*channels {
                let index = (image * channels + channel) * plane + at;
                values.push(tensor.get(index).expect("a whole tensor"));
            }
        }
    }
    values
}

fn geometry<const D: usize>(case: &OnnxCase<'_>) -> Geometry<D>
where
    Geometry<D>: Planar,
{
    let mut axes = [Axis::new(1); D];
    let (mut from, mut to) = ([0; D], [0; D]);
    for d in 0..D {
        axes[d] = Axis::new(case.w.shape()[d + 2])
            .with_stride(case.stride[d])
            .with_dilation(case.dilation[d])
            .with_pads(case.pad_begin[d], case.pad_end[d]);
        (from[d], to[d]) = (case.x.shape()[d + 2], case.out[d]);
        if case.op == OnnxOp::ConvTranspose {
            let extent = axes[d].transposed_output(from[d], case.output_padding[d]);
            assert_eq!(extent, Ok(to[d]), "{}", case.name);
        }
    }
    let [inputs, outputs] = [case.x.shape()[1], case.y.shape()[1]];
    match case.op {
        OnnxOp::Conv => {
            let made = Geometry::direct(axes, from, inputs, outputs, case.group);
            let geometry = made.expect(case.name);
            assert_eq!(geometry.output(), to, "{}", case.name);
            geometry
        }
        // The map of which it is the transpose leads from its output to its input.
        OnnxOp::ConvTranspose => {
            Geometry::transposed(axes, from, to, outputs, inputs, case.group).expect(case.name)
        }
    }
}

fn run_image<const D: usize, F>(
    case: &OnnxCase<'_>,
    x: &[f32],
    kernel: &[f32],
    y: &mut [f32],
    finish: F,
) where
    Geometry<D>: Planar,
    F: Finish<Accumulator = f32, Output = f32>,
{
    let geometry = geometry::<D>(case);
    let ran = match case.op {
        OnnxOp::Conv => geometry.conv_with(x, kernel, y, finish),
        OnnxOp::ConvTranspose => geometry.conv_transpose_with(x, kernel, y, finish),
    };
    ran.expect(case.name);
}

/// The whole batch, image by image.
fn run<const D: usize>(case: &OnnxCase<'_>) -> Vec<f32>
where
    Geometry<D>: Planar,
{
    let (x, kernel) = (channels_innermost(&case.x), channels_innermost(&case.w));
    let batch = case.x.shape()[0];
    let mut results = Vec::new();
    for image in x.chunks_exact(x.len() / batch) {
        let mut output = Guarded::<f32>::new(case.y.len() / batch);
        let space = output.as_mut_slice();
        match &case.b {
            Some(tensor) => {
                let values: Vec<f32> = tensor.values().collect();
                run_image::<D, _>(case, image, &kernel, space, bias_slice(&values));
            }
            None => run_image::<D, _>(case, image, &kernel, space, raw()),
        }
        assert_eq!(output.check(), Ok(()), "{}", case.name);
        results.extend_from_slice(output.as_slice());
    }
    results
}

/// Holds results with channels innermost against the published ones and the exact sums.
fn hold(case: &OnnxCase<'_>, found: &[f32]) {
    let published = channels_innermost(&case.y);
    assert_eq!(found.len(), published.len(), "{}", case.name);
    let exact: Outputs<f64> = onnx::run(case).expect(case.name);
    let shape = case.y.shape();
    let first = channels_first(shape[1], &shape[2..]);
    let plane: usize = shape[2..].iter().product();
    for (index, (value, wanted)) in found.iter().zip(&published).enumerate() {
        let (pixel, channel) = (index / shape[1], index % shape[1]);
        let (image, mut rest) = (pixel / plane, pixel % plane);
        let mut at = vec![0; shape.len() - 2];
        for d in (0..at.len()).rev() {
            at[d] = rest % shape[d + 2];
            rest /= shape[d + 2];
        }
        let name = case.name;
        if case.exact {
            assert_eq!(
                value.to_bits(),
                wanted.to_bits(),
                "{name} at {image} {at:?} {channel}"
            );
        }
        assert!(
            (value - wanted).abs() <= 1e-4,
            "{name}: {value}, published {wanted}"
        );
        let sum = &exact.sums()[first(image, channel, &at)];
        let held = tolerance::check_f32(*value, sum.value(), sum.terms(), sum.magnitude());
        held.unwrap_or_else(|mismatch| panic!("{name} at {image} {at:?} {channel}: {mismatch}"));
    }
}

#[test]
fn run_time_forms() {
    let (mut signals, mut images, mut volumes, mut exact) = (0, 0, 0, 0);
    for case in golden::onnx() {
        match case.stride.len() {
            1 => {
                signals += 1;
                hold(&case, &run::<1>(&case));
            }
            2 => {
                images += 1;
                hold(&case, &run::<2>(&case));
            }
            // Volumes are conv-std's.
            _ => {
                volumes += 1;
                continue;
            }
        }
        exact += usize::from(case.exact);
    }
    assert_eq!([signals, images, volumes, exact], [9, 29, 8, 16]);
}

fn named(name: &str) -> OnnxCase<'static> {
    golden::onnx().find(|case| case.name == name).expect(name)
}

/// Copies values into an array of arrays, and out of one.
trait Flat {
    fn read(&mut self, values: &mut impl Iterator<Item = f32>);
    fn write(&self, values: &mut Vec<f32>);
}

impl Flat for f32 {
    fn read(&mut self, values: &mut impl Iterator<Item = f32>) {
        *self = values.next().expect("as many values as the array has");
    }

    fn write(&self, values: &mut Vec<f32>) {
        values.push(*self);
    }
}

impl<T: Flat, const N: usize> Flat for [T; N] {
    fn read(&mut self, values: &mut impl Iterator<Item = f32>) {
        self.iter_mut().for_each(|part| part.read(values));
    }

    fn write(&self, values: &mut Vec<f32>) {
        self.iter().for_each(|part| part.write(values));
    }
}

fn filled<A: Flat>(mut array: A, values: &[f32]) -> A {
    let mut values = values.iter().copied();
    array.read(&mut values);
    assert_eq!(values.next(), None, "more values than the array has");
    array
}

/// One published case through the typed form: the first image of the batch, with arrays of these shapes.
macro_rules! typed {
    ($name:literal: $window:ident::$operation:ident($input:expr, $kernel:expr) -> $output:expr $(, $bias:literal)?) => {{
        let case = named($name);
        let batch = case.x.shape()[0];
        let x = channels_innermost(&case.x);
        let kernel = filled($kernel, &channels_innermost(&case.w));
        let mut found = Vec::new();
        for image in x.chunks_exact(x.len() / batch) {
            let input = filled($input, image);
            let mut output = $output;
            typed!(@run case $window $operation input kernel output $($bias)?);
            output.write(&mut found);
        }
        hold(&case, &found);
    }};
    (@run $case:ident $window:ident $operation:ident $input:ident $kernel:ident $output:ident) => {
        assert!($case.b.is_none());
        $window::$operation(&$input, &$kernel, &mut $output);
    };
    (@run $case:ident $window:ident $operation:ident $input:ident $kernel:ident $output:ident $bias:literal) => {
        let mut values = [0.0; $bias];
        $case.b.expect("a bias").copy_to(&mut values).expect("of this length");
        $window::$operation(&$input, &$kernel, &mut $output, bias(&values));
    };
}

window1d! { struct Signal }
window1d! { struct Dilated: dilation 2 }
window1d! { struct Pairs: groups 2 }
window2d! { struct Plain }
window2d! { struct Pad: pad 1 }
window2d! { struct Half: stride 2, pad 1 }
window2d! { struct Columns: stride 2, pad (1, 0) }
window2d! { struct Same: stride 2, padding SameUpper }
window2d! { struct Up: stride (3, 2), pad_before (1, 2), pad_after (1, 2) }
window2d! { struct Groups: groups 2 }
window2d! { struct Cropped: stride (3, 2), pad_after (-1, -1) }

#[test]
fn typed_forms() {
    typed!("test_basic_conv_with_padding": Pad::conv([[0.0; 5]; 5], [[0.0; 3]; 3]) -> [[0.0; 5]; 5]);
    typed!("test_basic_conv_without_padding": Plain::conv([[0.0; 5]; 5], [[0.0; 3]; 3]) -> [[0.0; 3]; 3]);
    typed!("test_conv_with_strides_padding": Half::conv([[0.0; 5]; 7], [[0.0; 3]; 3]) -> [[0.0; 3]; 4]);
    typed!("test_conv_with_strides_and_asymmetric_padding":
        Columns::conv([[0.0; 5]; 7], [[0.0; 3]; 3]) -> [[0.0; 2]; 4]);
    typed!("test_conv_with_autopad_same": Same::conv([[0.0; 5]; 5], [[0.0; 3]; 3]) -> [[0.0; 3]; 3]);
    typed!("test_Conv1d": Signal::conv_with([[0.0; 4]; 10], [[[0.0; 4]; 3]; 5]) -> [[0.0; 5]; 8], 5);
    typed!("test_Conv1d_dilated": Dilated::conv_with([[0.0; 4]; 10], [[[0.0; 4]; 3]; 5]) -> [[0.0; 5]; 6], 5);
    typed!("test_Conv1d_groups": Pairs::conv_with([[0.0; 4]; 6], [[[0.0; 2]; 3]; 6]) -> [[0.0; 6]; 4], 6);
    typed!("test_Conv2d": Plain::conv_with([[[0.0; 3]; 5]; 7], [[[[0.0; 3]; 2]; 3]; 4]) -> [[[0.0; 4]; 4]; 5], 4);
    typed!("test_Conv2d_groups":
        Groups::conv_with([[[0.0; 4]; 5]; 6], [[[[0.0; 2]; 2]; 3]; 6]) -> [[[0.0; 6]; 4]; 4], 6);
    typed!("test_convtranspose_1d": Signal::conv_transpose([0.0; 3], [[[0.0; 2]; 3]; 1]) -> [[0.0; 2]; 5]);
    typed!("test_convtranspose": Plain::conv_transpose([[0.0; 3]; 3], [[[[0.0; 2]; 3]; 3]; 1]) -> [[[0.0; 2]; 5]; 5]);
    typed!("test_convtranspose_pads":
        Up::conv_transpose([[0.0; 3]; 3], [[[[0.0; 2]; 3]; 3]; 1]) -> [[[0.0; 2]; 3]; 7]);
    typed!("test_convtranspose_output_shape":
        Cropped::conv_transpose([[0.0; 3]; 3], [[[[0.0; 2]; 3]; 3]; 1]) -> [[[0.0; 2]; 8]; 10]);
    typed!("test_convtranspose_group_2":
        Groups::conv_transpose([[[0.0; 2]; 3]; 3], [[[[0.0; 1]; 3]; 3]; 2]) -> [[[0.0; 2]; 5]; 5]);
}
