//! Framework settings against what each framework's source does, written out literally: which input meets
//! which output through which tap.

use conv_core::convention::{
    ConventionError, Direct, Framework, Reason, Transposed, cmsis_nn, jax, keras, onnx, scipy,
    tflite, theano, torch,
};
use conv_core::{Axis, AxisError, Error, Orientation};

/// `(element of C's input, tap, element of C's output)`, sorted.
type Links = Vec<(isize, usize, isize)>;

/// What `axis` links, by the definition of the direct operation.
fn canonical(axis: Axis, input: usize, output: usize) -> Links {
    let mut links = Links::new();
    for t in 0..output as isize {
        for j in 0..axis.kernel {
            let x = t * axis.stride as isize + (j * axis.dilation) as isize - axis.pad_before;
            if (0..input as isize).contains(&x) {
                links.push((x, j, t));
            }
        }
    }
    links.sort_unstable();
    links
}

fn of_direct(resolved: Direct) -> Links {
    assert_eq!(resolved.axis.output(resolved.input), Ok(resolved.output));
    canonical(resolved.axis, resolved.input, resolved.output)
}

/// The transposed operation's output is C's input.
fn of_transposed(resolved: Transposed) -> Links {
    assert!(resolved.output_padding().is_ok(), "{resolved:?}");
    canonical(resolved.axis, resolved.output, resolved.input)
}

/// A transposed operation that scatters: `x[n·s + j·d − before] += y[n]·w[j]`, into `output` elements.
fn scattered([k, s, d]: [usize; 3], before: isize, input: usize, output: isize) -> Links {
    let mut links = Links::new();
    for n in 0..input {
        for j in 0..k {
            let x = (n * s + j * d) as isize - before;
            if (0..output).contains(&x) {
                links.push((x, j, n as isize));
            }
        }
    }
    links.sort_unstable();
    links
}

/// A correlation of the input stretched by `s` and padded, with tap `j` of the kernel called `k − 1 − j`.
fn stretched([k, s, d]: [usize; 3], pads: [isize; 2], input: usize) -> Links {
    let mut links = Links::new();
    let reach = (d * (k - 1)) as isize;
    let padded = ((input - 1) * s + 1) as isize + pads[0] + pads[1];
    for t in 0..padded - reach {
        for j in 0..k {
            let position = t + (j * d) as isize - pads[0];
            let n = position.div_euclid(s as isize);
            if position.rem_euclid(s as isize) == 0 && (0..input as isize).contains(&n) {
                links.push((t, k - 1 - j, n));
            }
        }
    }
    links.sort_unstable();
    links
}

/// Kernels, strides, dilations and inputs, every combination.
fn settings() -> impl Iterator<Item = ([usize; 3], usize)> {
    (1..=5).flat_map(|k| {
        (1..=4).flat_map(move |s| {
            (1..=3).flat_map(move |d| (1..=6).map(move |input| ([k, s, d], input)))
        })
    })
}

#[test]
fn torch_direct_and_same() {
    for ([k, s, d], input) in settings() {
        for zeros in 0..4 {
            let conv = torch::Conv {
                stride: s,
                dilation: d,
                padding: torch::Padding::Zeros(zeros),
                ..torch::Conv::new(k)
            };
            let slack = (input + 2 * zeros) as isize - (d * (k - 1)) as isize - 1;
            let Ok(resolved) = conv.axis(input) else {
                assert!(slack < 0);
                continue;
            };
            assert_eq!(resolved.output, slack as usize / s + 1);
            assert_eq!(resolved.axis.pad_before, zeros as isize);
        }
        let same = torch::Conv {
            dilation: d,
            padding: torch::Padding::Same,
            ..torch::Conv::new(k)
        };
        let resolved = same.axis(input).unwrap();
        assert_eq!(resolved.output, input);
        assert_eq!(resolved.axis.pad_before, (d * (k - 1) / 2) as isize);
        let strided = torch::Conv { stride: s, ..same };
        assert_eq!(strided.axis(input).is_err(), s > 1);
    }
    let mirrored = torch::Conv {
        padding: torch::Padding::Zeros(1),
        padding_mode: torch::PaddingMode::Reflect,
        ..torch::Conv::new(3)
    };
    assert_eq!(mirrored.axis(8).unwrap_err().setting, "padding_mode");
    assert!(
        torch::Conv {
            padding: torch::Padding::Valid,
            ..mirrored
        }
        .axis(8)
        .is_ok()
    );
}

#[test]
fn torch_transposed_scatters() {
    for (ksd @ [k, s, d], input) in settings() {
        for padding in 0..3 {
            for output_padding in 0..4 {
                let layer = torch::ConvTranspose {
                    stride: s,
                    padding,
                    output_padding,
                    dilation: d,
                    ..torch::ConvTranspose::new(k)
                };
                let output = ((input - 1) * s + d * (k - 1) + 1 + output_padding) as isize
                    - 2 * padding as isize;
                let legal = output > 0 && (output_padding < s || output_padding < d);
                match layer.axis(input) {
                    Ok(resolved) => {
                        assert!(legal);
                        assert_eq!(resolved.output as isize, output);
                        let expected = scattered(ksd, padding as isize, input, output);
                        assert_eq!(of_transposed(resolved), expected);
                        // By output_size only what is less than the stride can be asked for.
                        let by_size = layer.axis_to(input, resolved.output);
                        assert_eq!(by_size.is_ok(), output_padding < s, "{layer:?}");
                        assert!(by_size.is_err() || by_size == Ok(resolved));
                    }
                    Err(error) => assert!(!legal, "{error}"),
                }
            }
        }
    }
}

/// `op_conv_transpose.py` of ONNX's reference implementation.
fn onnx_reference(
    [k, s, d]: [usize; 3],
    input: usize,
    op: usize,
    out: isize,
    upper: bool,
) -> isize {
    let total = (s * (input - 1) + op + (k - 1) * d + 1) as isize - out;
    let floor = total.div_euclid(2);
    if upper { floor } else { total - floor }
}

#[test]
fn onnx_transposed_distributes_pads_as_the_reference() {
    for (ksd @ [k, s, d], input) in settings() {
        for auto_pad in [
            onnx::AutoPad::NotSet,
            onnx::AutoPad::SameUpper,
            onnx::AutoPad::SameLower,
        ] {
            let upper = auto_pad == onnx::AutoPad::SameUpper;
            let base = onnx::ConvTranspose {
                strides: s,
                dilations: d,
                auto_pad,
                ..onnx::ConvTranspose::new(k)
            };
            for output_shape in [None, Some(1), Some(4), Some(9), Some(30)] {
                for output_padding in 0..s.max(d) {
                    let Some(out) =
                        output_shape.or((auto_pad != onnx::AutoPad::NotSet).then_some(input * s))
                    else {
                        continue;
                    };
                    let layer = onnx::ConvTranspose {
                        output_padding,
                        output_shape,
                        ..base
                    };
                    let resolved = layer.axis(input).unwrap();
                    assert_eq!(resolved.output, out);
                    let before = onnx_reference(ksd, input, output_padding, out as isize, upper);
                    let expected = scattered(ksd, before, input, out as isize);
                    assert_eq!(of_transposed(resolved), expected, "{layer:?}");
                }
            }
        }
        let cropped = onnx::ConvTranspose {
            strides: s,
            dilations: d,
            pads: [0, 1],
            ..onnx::ConvTranspose::new(k)
        };
        let output = ((input - 1) * s + d * (k - 1)) as isize;
        assert_eq!(
            cropped.axis(input).map(|r| r.output as isize).unwrap_or(0),
            output
        );
    }
}

#[test]
fn same_and_valid_of_tensorflow_and_onnx() {
    for ([k, s, d], input) in settings() {
        let dilated = d * (k - 1) + 1;
        let output = input.div_ceil(s);
        let total = ((output - 1) * s + dilated).saturating_sub(input);
        for (lower, padding) in [
            (total / 2, onnx::AutoPad::SameUpper),
            (total - total / 2, onnx::AutoPad::SameLower),
        ] {
            let conv = onnx::Conv {
                strides: s,
                dilations: d,
                auto_pad: padding,
                ..onnx::Conv::new(k)
            };
            let resolved = conv.axis(input).unwrap();
            assert_eq!(
                (resolved.output, resolved.axis.pad_before),
                (output, lower as isize)
            );
            assert_eq!(resolved.axis.pad_after, (total - lower) as isize);
        }
        let same = tflite::Conv {
            strides: s,
            dilations: d,
            padding: tflite::Padding::Same,
            ..tflite::Conv::new(k)
        };
        let resolved = same.axis(input).unwrap();
        assert_eq!(
            (resolved.output, resolved.axis.pad_before),
            (output, (total / 2) as isize)
        );
        // TFLM gives CMSIS-NN the pads before and both extents.
        let params = cmsis_nn::ConvParams {
            stride: s,
            dilation: d,
            padding: total / 2,
            ..cmsis_nn::ConvParams::new(k)
        };
        assert_eq!(
            of_direct(params.axis(input, output).unwrap()),
            of_direct(resolved)
        );
        // The transpose from `output` back to `input` is that of the same map, and to no other extent.
        let back = tflite::ConvTranspose {
            strides: s,
            dilations: d,
            ..tflite::ConvTranspose::new(k, input)
        };
        assert_eq!(
            of_transposed(back.axis(output).unwrap()),
            of_direct(resolved)
        );
        assert!(back.axis(output + 1).is_err());
        let valid = tflite::Conv {
            strides: s,
            dilations: d,
            ..tflite::Conv::new(k)
        };
        assert_eq!(
            valid.axis(input).map(|r| r.output).ok(),
            (input >= dilated).then(|| (input - dilated) / s + 1)
        );
    }
}

/// `_convert_conv_transpose_padding_args_from_keras_to_jax`.
fn keras_reference([k, s, d]: [usize; 3], same: bool, output_padding: Option<usize>) -> [isize; 2] {
    let (k, s) = (((k - 1) * d + 1) as isize, s as isize);
    if !same {
        let extra = output_padding.map_or(k.max(s) - k, |padding| padding as isize);
        return [k - 1, k - 1 + extra];
    }
    let length = output_padding.map_or(s + k - 2, |padding| k + k % 2 - 2 + padding as isize);
    let left = (length.div_euclid(2) + length.rem_euclid(2)).min(k - 1);
    [left, length - left]
}

#[test]
fn keras_transposed_as_its_jax_backend() {
    for (ksd @ [k, s, d], input) in settings() {
        for (same, padding) in [
            (false, keras::TransposePadding::Valid),
            (true, keras::TransposePadding::Same),
        ] {
            for output_padding in [None, Some(0), Some(1), Some(2), Some(3)] {
                let layer = keras::ConvTranspose {
                    strides: s,
                    padding,
                    output_padding,
                    dilation_rate: d,
                    ..keras::ConvTranspose::new(k)
                };
                let pads = keras_reference(ksd, same, output_padding);
                let output =
                    ((input - 1) * s + 1) as isize + pads[0] + pads[1] - (d * (k - 1)) as isize;
                let legal =
                    (s == 1 || d == 1) && output_padding.is_none_or(|p| p < s) && output > 0;
                match layer.axis(input) {
                    Ok(resolved) => {
                        assert!(legal, "{layer:?}");
                        assert_eq!(resolved.output as isize, output);
                        // A flipped kernel on the stretched input is the transpose of the unflipped one.
                        assert_eq!(
                            of_transposed(resolved),
                            stretched(ksd, pads, input),
                            "{layer:?}"
                        );
                    }
                    Err(error) => assert!(!legal, "{layer:?}: {error}"),
                }
            }
        }
    }
}

/// `_conv_transpose_padding` of `jax/_src/lax/convolution.py`.
fn jax_reference([k, s, d]: [usize; 3], same: bool) -> [isize; 2] {
    let (k, s) = (((k - 1) * d + 1) as isize, s as isize);
    let (length, before) = if same {
        let length = k + s - 2;
        let before = if s > k - 1 { k - 1 } else { (length + 1) / 2 };
        (length, before)
    } else {
        (k + s - 2 + (k - s).max(0), k - 1)
    };
    [before, length - before]
}

#[test]
fn jax_transposed_stretches_its_input() {
    for (ksd @ [k, s, d], input) in settings() {
        let base = jax::ConvTranspose {
            strides: s,
            rhs_dilation: d,
            ..jax::ConvTranspose::new(k)
        };
        assert_eq!(base.orientation(), Orientation::Convolution);
        for (same, padding) in [
            (true, jax::TransposePadding::Same),
            (false, jax::TransposePadding::Valid),
        ] {
            let resolved = jax::ConvTranspose { padding, ..base }.axis(input).unwrap();
            let pads = jax_reference(ksd, same);
            assert_eq!(
                of_transposed(resolved),
                stretched(ksd, pads, input),
                "{ksd:?} {padding:?}"
            );
            let extent = if same {
                input * s
            } else {
                (input - 1) * s + (d * (k - 1) + 1).max(s)
            };
            assert_eq!(resolved.output, extent);
        }
        for pads in [[0, 0], [1, 3], [-1, 2], [5, -2]] {
            let padding = jax::TransposePadding::Explicit(pads[0], pads[1]);
            let output =
                ((input - 1) * s + 1) as isize + pads[0] + pads[1] - (d * (k - 1)) as isize;
            let resolved = jax::ConvTranspose { padding, ..base }.axis(input);
            assert_eq!(resolved.is_ok(), output > 0);
            let general = jax::ConvGeneralDilated {
                padding: jax::Padding::Explicit(pads[0], pads[1]),
                lhs_dilation: s,
                rhs_dilation: d,
                ..jax::ConvGeneralDilated::new(k)
            };
            if let Ok(resolved) = resolved {
                assert_eq!(of_transposed(resolved), stretched(ksd, pads, input));
                assert_eq!(general.transposed_axis(input), Ok(resolved));
            }
            assert_eq!(general.axis(input).is_err(), s > 1 || output < 1);
        }
    }
    let kept = jax::ConvTranspose {
        transpose_kernel: true,
        ..jax::ConvTranspose::new(3)
    };
    assert_eq!(kept.orientation(), Orientation::Correlation);
}

#[test]
fn theano_borders_and_gradients() {
    use theano::BorderMode;
    for ([k, s, d], input) in settings() {
        let dilated = d * (k - 1) + 1;
        for (mode, [before, after]) in [
            (BorderMode::Valid, [0, 0]),
            (BorderMode::Full, [dilated - 1; 2]),
            (BorderMode::Half, [dilated / 2; 2]),
            (BorderMode::Zeros(2), [2, 2]),
            (BorderMode::Pair(1, 3), [1, 3]),
        ] {
            let conv = theano::Conv {
                border_mode: mode,
                subsample: s,
                filter_dilation: d,
                ..theano::Conv::new(k)
            };
            let Ok(resolved) = conv.axis(input) else {
                assert!(input + before + after < dilated);
                continue;
            };
            // get_conv_shape_1axis
            assert_eq!(resolved.output, (input + before + after - dilated) / s + 1);
            assert_eq!(resolved.axis.pad_before, before as isize);
            let gradient = conv.grad_wrt_inputs_axis(resolved.output, input).unwrap();
            assert_eq!(of_transposed(gradient), of_direct(resolved));
        }
    }
    assert_eq!(theano::Conv::new(3).orientation(), Orientation::Convolution);
    let unflipped = theano::Conv {
        filter_flip: false,
        ..theano::Conv::new(3)
    };
    assert_eq!(unflipped.orientation(), Orientation::Correlation);
}

/// Which elements of the full convolution a mode keeps: `(x, tap in flipped order, t)`.
fn slice_of_full(kernel: usize, input: usize, first: usize, count: usize) -> Links {
    let mut links = Links::new();
    for t in 0..count {
        for m in 0..kernel {
            // full[first + t] = Σ input[first + t − m]·kernel[m]; flipped, kernel[m] is tap k − 1 − m.
            let x = (first + t) as isize - m as isize;
            if (0..input as isize).contains(&x) {
                links.push((x, kernel - 1 - m, t as isize));
            }
        }
    }
    links.sort_unstable();
    links
}

#[test]
fn numpy_and_scipy_modes() {
    use scipy::{Mode, NumpyConvolve, ScipyConvolve};
    for kernel in 1..=7 {
        for input in 1..=7 {
            let (short, long) = (kernel.min(input), kernel.max(input));
            for (mode, numpy, scipy) in [
                (Mode::Full, (0, kernel + input - 1), (0, kernel + input - 1)),
                (
                    Mode::Same,
                    ((short - 1) / 2, long),
                    ((kernel - 1) / 2, input),
                ),
                (
                    Mode::Valid,
                    (short - 1, long - short + 1),
                    (short - 1, long - short + 1),
                ),
            ] {
                let resolved = NumpyConvolve { kernel, mode }.axis(input).unwrap();
                assert_eq!(resolved.output, numpy.1);
                assert_eq!(
                    of_direct(resolved),
                    slice_of_full(kernel, input, numpy.0, numpy.1)
                );
                let resolved = ScipyConvolve { kernel, mode }.axis(input).unwrap();
                assert_eq!(resolved.output, scipy.1);
                assert_eq!(
                    of_direct(resolved),
                    slice_of_full(kernel, input, scipy.0, scipy.1)
                );
            }
        }
    }
    assert!(NumpyConvolve::new(3).axis(0).is_err());
    assert!(ScipyConvolve::new(0).axis(3).is_err());
    assert_eq!(ScipyConvolve::ORIENTATION, NumpyConvolve::ORIENTATION);
}

#[test]
fn cmsis_nn_takes_any_output_extent() {
    for (ksd @ [k, s, d], input) in settings() {
        for padding in 0..3 {
            let params = cmsis_nn::ConvParams {
                stride: s,
                padding,
                dilation: d,
                ..cmsis_nn::ConvParams::new(k)
            };
            for output in 1..12 {
                let resolved = params.axis(input, output).unwrap();
                let bare = Axis::new(k)
                    .with_stride(s)
                    .with_dilation(d)
                    .with_pads(padding as isize, 0);
                assert_eq!(of_direct(resolved), canonical(bare, input, output));
                let back = params.transposed_axis(input, output).unwrap();
                assert_eq!(back.output, output);
                assert_eq!(
                    of_transposed(back),
                    scattered(ksd, padding as isize, input, output as isize)
                );
            }
        }
    }
}

#[test]
fn jax_direct_takes_signed_pads() {
    let call = jax::ConvGeneralDilated {
        window_strides: 2,
        padding: jax::Padding::Explicit(-1, 2),
        ..jax::ConvGeneralDilated::new(3)
    };
    let resolved = call.axis(9).unwrap();
    assert_eq!((resolved.axis.pad_before, resolved.output), (-1, 4));
    let lower = jax::ConvGeneralDilated {
        padding: jax::Padding::SameLower,
        ..call
    };
    assert_eq!(lower.axis(8).unwrap().axis.pad_before, 1);
    let skipped = jax::ConvGeneralDilated {
        lhs_dilation: 2,
        ..call
    };
    assert_eq!(
        skipped.transposed_axis(9).unwrap_err().to_string(),
        "JAX: lhs_dilation cannot be combined with window_strides other than 1"
    );
}

#[test]
fn geometries_name_channels_from_the_direct_side() {
    let axis = torch::ConvTranspose::new(2).axis(4).unwrap();
    let geometry = Transposed::geometry([axis; 2], 6, 9, 3).unwrap();
    assert_eq!((geometry.output(), geometry.output_channels()), ([4, 4], 6));
    assert_eq!((geometry.input(), geometry.input_channels()), ([5, 5], 9));
    let axis = keras::Conv::new(2).axis(4).unwrap();
    let geometry = Direct::geometry([axis], 6, 9, 3).unwrap();
    assert_eq!(
        (geometry.input_channels(), geometry.output_channels()),
        (6, 9)
    );
    assert!(matches!(
        Direct::geometry([axis], 6, 9, 2),
        Err(Error::Groups { .. })
    ));
}

#[test]
fn errors_name_framework_and_setting() {
    let cases: [(ConventionError, &str); 8] = [
        (
            torch::Conv::new(0).axis(3).unwrap_err(),
            "PyTorch: kernel_size: the kernel extent is 0, expected at least 1",
        ),
        (
            torch::ConvTranspose {
                stride: 2,
                output_padding: 2,
                ..torch::ConvTranspose::new(3)
            }
            .axis(4)
            .unwrap_err(),
            "PyTorch: output_padding: the output padding is 2, expected less than the stride or the dilation, 2",
        ),
        (
            onnx::Conv {
                pads: [1, 0],
                auto_pad: onnx::AutoPad::Valid,
                ..onnx::Conv::new(3)
            }
            .axis(4)
            .unwrap_err(),
            "ONNX: pads cannot be combined with auto_pad",
        ),
        (
            keras::Conv {
                strides: 2,
                dilation_rate: 2,
                ..keras::Conv::new(3)
            }
            .axis(9)
            .unwrap_err(),
            "Keras: dilation_rate > 1 cannot be combined with strides > 1",
        ),
        (
            theano::Conv {
                subsample: 0,
                ..theano::Conv::new(3)
            }
            .axis(9)
            .unwrap_err(),
            "Theano: subsample: the stride is 0, expected at least 1",
        ),
        (
            jax::ConvGeneralDilated {
                lhs_dilation: 2,
                ..jax::ConvGeneralDilated::new(3)
            }
            .axis(9)
            .unwrap_err(),
            "JAX: lhs_dilation stretches the input: resolve it as a transposed operation",
        ),
        (
            torch::ConvTranspose {
                padding: 3,
                ..torch::ConvTranspose::new(3)
            }
            .axis(4)
            .unwrap_err(),
            "PyTorch: padding: the pads crop the whole transposed output away",
        ),
        (
            tflite::Conv::new(5).axis(4).unwrap_err(),
            "TensorFlow: filters: the dilated kernel extent is 5, expected at most the padded input extent 4",
        ),
    ];
    for (error, expected) in cases {
        assert_eq!(error.to_string(), expected);
        let source = std::error::Error::source(&error);
        assert_eq!(source.is_some(), matches!(error.reason, Reason::Axis(_)));
    }
    let error = torch::Conv::new(0).axis(3).unwrap_err();
    assert_eq!(
        (error.framework, error.reason),
        (Framework::Torch, Reason::Axis(AxisError::ZeroKernel))
    );
}

/// Settings at the ends of their types are errors or extents, never a panic or a wrapped size.
#[test]
fn no_setting_panics() {
    const M: usize = usize::MAX;
    const S: usize = isize::MAX as usize;
    let values = [0, 1, 2, 3, S - 1, S, S + 1, M - 1, M];
    let signed = [isize::MIN, isize::MIN + 1, -1, 0, 1, isize::MAX];
    let mut resolved = 0;
    let mut count = |ok: bool| resolved += usize::from(ok);
    for a in values {
        for b in values {
            for c in values {
                for d in values {
                    let same = torch::Padding::Same;
                    count(
                        torch::Conv {
                            stride: b,
                            dilation: d,
                            padding: torch::Padding::Zeros(c),
                            ..torch::Conv::new(a)
                        }
                        .axis(c)
                        .is_ok(),
                    );
                    count(
                        torch::Conv {
                            dilation: d,
                            padding: same,
                            ..torch::Conv::new(a)
                        }
                        .axis(c)
                        .is_ok(),
                    );
                    let transposed = torch::ConvTranspose {
                        stride: b,
                        dilation: d,
                        padding: c,
                        output_padding: c,
                        ..torch::ConvTranspose::new(a)
                    };
                    count(transposed.axis(d).is_ok());
                    count(transposed.axis_to(c, d).is_ok());
                    for auto_pad in [
                        onnx::AutoPad::NotSet,
                        onnx::AutoPad::SameUpper,
                        onnx::AutoPad::SameLower,
                    ] {
                        count(
                            onnx::Conv {
                                strides: b,
                                dilations: d,
                                auto_pad,
                                ..onnx::Conv::new(a)
                            }
                            .axis(c)
                            .is_ok(),
                        );
                        let layer = onnx::ConvTranspose {
                            strides: b,
                            dilations: d,
                            auto_pad,
                            ..onnx::ConvTranspose::new(a)
                        };
                        count(layer.axis(c).is_ok());
                        count(
                            onnx::ConvTranspose {
                                output_shape: Some(d),
                                ..layer
                            }
                            .axis(c)
                            .is_ok(),
                        );
                    }
                    count(
                        tflite::Conv {
                            strides: b,
                            dilations: d,
                            padding: tflite::Padding::Explicit([c, a]),
                            ..tflite::Conv::new(a)
                        }
                        .axis(c)
                        .is_ok(),
                    );
                    count(
                        tflite::ConvTranspose {
                            strides: b,
                            ..tflite::ConvTranspose::new(a, c)
                        }
                        .axis(d)
                        .is_ok(),
                    );
                    count(
                        keras::Conv {
                            strides: b,
                            padding: keras::Padding::Causal,
                            ..keras::Conv::new(a)
                        }
                        .axis(c)
                        .is_ok(),
                    );
                    for padding in [
                        keras::TransposePadding::Valid,
                        keras::TransposePadding::Same,
                    ] {
                        for output_padding in [None, Some(d)] {
                            count(
                                keras::ConvTranspose {
                                    strides: b,
                                    padding,
                                    output_padding,
                                    ..keras::ConvTranspose::new(a)
                                }
                                .axis(c)
                                .is_ok(),
                            );
                        }
                        count(
                            keras::ConvTranspose {
                                padding,
                                dilation_rate: b,
                                ..keras::ConvTranspose::new(a)
                            }
                            .axis(c)
                            .is_ok(),
                        );
                    }
                    for low in signed {
                        for padding in [
                            jax::TransposePadding::Same,
                            jax::TransposePadding::Explicit(low, 1),
                            jax::TransposePadding::Consistent(1, low),
                        ] {
                            count(
                                jax::ConvTranspose {
                                    strides: b,
                                    rhs_dilation: d,
                                    padding,
                                    ..jax::ConvTranspose::new(a)
                                }
                                .axis(c)
                                .is_ok(),
                            );
                        }
                        count(
                            jax::ConvGeneralDilated {
                                window_strides: b,
                                padding: jax::Padding::Explicit(low, low),
                                ..jax::ConvGeneralDilated::new(a)
                            }
                            .axis(c)
                            .is_ok(),
                        );
                    }
                    count(
                        theano::Conv {
                            subsample: b,
                            border_mode: theano::BorderMode::Pair(c, d),
                            ..theano::Conv::new(a)
                        }
                        .grad_wrt_inputs_axis(c, d)
                        .is_ok(),
                    );
                    let params = cmsis_nn::ConvParams {
                        stride: b,
                        padding: c,
                        dilation: a,
                        ..cmsis_nn::ConvParams::new(a)
                    };
                    count(params.axis(c, d).is_ok());
                    count(params.transposed_axis(c, d).is_ok());
                }
            }
            for mode in [scipy::Mode::Full, scipy::Mode::Same, scipy::Mode::Valid] {
                count(scipy::NumpyConvolve { kernel: a, mode }.axis(b).is_ok());
                count(scipy::ScipyConvolve { kernel: a, mode }.axis(b).is_ok());
            }
        }
    }
    assert!(resolved > 1000, "{resolved}");
}
