//! Arrays, views, paddings, finishes, every error, and the adjoint identity.

mod common;

use common::{Setting, conv, conv_transpose};
use conv_std::finish::{Finish, bias_slice, raw};
use conv_std::ndarray::{Array3, Array4, Array5, ShapeBuilder, s};
use conv_std::{
    AxisError, Boundary, Buffer, Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d,
    Dimension, Error, Layout, Padding, SimdLevel,
};
use conv_vectors::oracle::Axis;
use conv_vectors::random::Lcg;

use conv_core::Error as Shape;

fn geometry(error: Shape) -> Error {
    Error::Geometry(error)
}

fn values(shape: (usize, usize, usize, usize)) -> Array4<f32> {
    let mut random = Lcg::new(5);
    Array4::from_shape_simple_fn(shape, || random.draw())
}

#[test]
fn views_of_any_strides_give_the_same_as_copies() {
    let kernel = values((9, 4, 3, 2));
    let big = values((4, 8, 20, 22));
    let view = big.slice(s![..;2, 1..5, ..;-1, 3..18]);
    let plan = Conv2d::new(kernel.view()).stride(2).pad(1).build().unwrap();
    let expected = plan.run(view.to_owned().view()).unwrap();
    assert_eq!(plan.run(view).unwrap(), expected);

    // A kernel view in another memory order.
    let turned = kernel
        .view()
        .permuted_axes([0, 1, 3, 2])
        .as_standard_layout()
        .into_owned();
    let plan = Conv2d::new(turned.view().permuted_axes([0, 1, 3, 2]))
        .stride(2)
        .pad(1)
        .build()
        .unwrap();
    assert_eq!(plan.run(view).unwrap(), expected);

    // Outputs that are not in standard order.
    let (batch, channels, height, width) = expected.dim();
    let mut fortran = Array4::<f32>::from_elem((batch, channels, height, width).f(), f32::NAN);
    plan.run_into(view, fortran.view_mut()).unwrap();
    assert_eq!(fortran, expected);
    let mut wide = Array4::<f32>::from_elem((batch, channels, height, width + 3), 7.0);
    plan.run_into(view, wide.slice_mut(s![.., .., .., 1..=width]))
        .unwrap();
    assert_eq!(wide.slice(s![.., .., .., 1..=width]), expected);
    assert!(
        wide.slice(s![.., .., .., 0])
            .iter()
            .all(|value| *value == 7.0)
    );
    assert!(
        wide.slice(s![.., .., .., width + 1..])
            .iter()
            .all(|value| *value == 7.0)
    );
}

#[test]
fn layouts_are_permutations_of_each_other() {
    let (x, kernel) = (values((2, 6, 9, 8)), values((8, 3, 3, 2)));
    let plan = Conv2d::new(kernel.view()).groups(2).pad(1).build().unwrap();
    let innermost = Conv2d::new(kernel.view().permuted_axes([0, 2, 3, 1]));
    let innermost = innermost
        .layout(Layout::Nhwc)
        .groups(2)
        .pad(1)
        .build()
        .unwrap();
    let expected = plan.run(x.view()).unwrap();
    let found = innermost.run(x.view().permuted_axes([0, 2, 3, 1])).unwrap();
    assert_eq!(found.permuted_axes([0, 3, 1, 2]), expected);
}

#[test]
fn named_paddings_give_the_named_extents() {
    let kernel = Array3::<f32>::ones((1, 1, 4));
    for input in 4..12 {
        for stride in 1..4 {
            let extents = |padding| {
                let plan = Conv1d::<f32>::new(kernel.view())
                    .stride(stride)
                    .padding(padding);
                plan.build().unwrap().output_extents([input]).unwrap()[0]
            };
            assert_eq!(extents(Padding::Valid), (input - 4) / stride + 1);
            assert_eq!(extents(Padding::Full), (input + 2) / stride + 1);
            for padding in [Padding::SameUpper, Padding::SameLower, Padding::Causal] {
                assert_eq!(extents(padding), input.div_ceil(stride));
            }
            for padding in [Padding::SameUpper, Padding::SameLower] {
                let builder = ConvTranspose1d::<f32>::new(kernel.view())
                    .stride(stride)
                    .padding(padding);
                let plan = builder.build().unwrap();
                assert_eq!(plan.output_extents([input]).unwrap()[0], input * stride);
            }
        }
    }
}

#[test]
fn bias_comes_before_the_finish() {
    let kernel = Array3::<i8>::ones((2, 1, 1));
    let x = Array3::from_shape_vec((1, 1, 3), vec![-5_i8, 0, 100]).unwrap();
    let plan = Conv1d::new(kernel.view())
        .bias(&[3_i32, -100])
        .finish(raw::<i32>().relu().to_q7(1));
    let y = plan.build().unwrap().run(x.view()).unwrap();
    assert_eq!(y.as_slice().unwrap(), [0_i8, 2, 52, 0, 0, 0]);
    let offsets = [3_i32, -100];
    let plan = Conv1d::new(kernel.view()).finish(bias_slice(&offsets).relu().to_q7(1));
    assert_eq!(plan.build().unwrap().run(x.view()).unwrap(), y);
}

#[test]
fn the_transposed_plan_is_the_adjoint() {
    for seed in 0..60 {
        let mut random = Lcg::new(seed);
        let mut axis = || {
            Axis::new(1 + random.below(9), 1 + random.below(4))
                .stride(1 + random.below(3))
                .dilation(1 + random.below(2))
                .pad(random.below(6) as isize - 1, random.below(6) as isize - 1)
        };
        let setting = Setting {
            batch: 2,
            groups: 1 + seed as usize % 3,
            inputs: 2,
            outputs: 1 + seed as usize % 10,
            layout: [Layout::Nchw, Layout::Nhwc][seed as usize % 2],
            seed,
            ..Setting::new([axis(), axis()])
        };
        let Some(extents) = setting.output_extents() else {
            continue;
        };
        let weights = setting.weight_array::<i8>();
        let (x, y) = (setting.x::<i8>(), setting.y::<i8>(extents));
        let forward = conv::<i8, i8, i64, 2>(&setting, &weights).build().unwrap();
        let mut cx = vec![0; y.len()];
        forward
            .run_slice(&x, 2, setting.extents(), &mut cx)
            .unwrap();
        let builder = conv_transpose::<i8, i8, i64, 2>(&setting, &weights);
        let backward = builder.output_size(setting.extents()).build().unwrap();
        let mut cty = vec![0; x.len()];
        backward.run_slice(&y, 2, extents, &mut cty).unwrap();
        let dot =
            |a: &[i64], b: &[i8]| a.iter().zip(b).map(|(a, b)| a * i64::from(*b)).sum::<i64>();
        assert_eq!(dot(&cx, &y), dot(&cty, &x), "{setting:?}");
    }
}

#[test]
fn errors_when_building() {
    let kernel = Array4::<f32>::ones((4, 3, 2, 2));
    let plan = || Conv2d::<f32>::new(kernel.view());
    let height = |error| {
        geometry(Shape::Axis {
            dimension: Dimension::Height,
            error,
        })
    };
    assert_eq!(
        plan().stride(0).build().unwrap_err(),
        height(AxisError::ZeroStride)
    );
    assert_eq!(
        plan().dilation(0).build().unwrap_err(),
        height(AxisError::ZeroDilation)
    );
    for huge in [1 << 61, usize::MAX] {
        assert_eq!(
            plan().stride(huge).build().unwrap_err(),
            height(AxisError::Overflow)
        );
        assert_eq!(
            plan().dilation(huge).build().unwrap_err(),
            height(AxisError::Overflow)
        );
    }
    for huge in [isize::MIN, isize::MAX, 1 << 61] {
        assert_eq!(
            plan().pad(huge).build().unwrap_err(),
            height(AxisError::Overflow)
        );
    }
    for groups in [0, 3] {
        let error = Shape::Groups {
            groups,
            input_channels: 3 * groups,
            output_channels: 4,
        };
        assert_eq!(plan().groups(groups).build().unwrap_err(), geometry(error));
    }
    let overflow = Shape::Overflow {
        buffer: Buffer::Input,
    };
    assert_eq!(
        plan().groups(usize::MAX).build().unwrap_err(),
        geometry(overflow)
    );
}

#[test]
fn errors_when_building_from_channels() {
    let kernel = Array4::<f32>::ones((4, 3, 2, 2));
    let plan = || Conv2d::<f32>::new(kernel.view());
    let bias = geometry(Shape::Extent {
        buffer: Buffer::Bias,
        dimension: Dimension::Channels,
        expected: 4,
        found: 3,
    });
    assert_eq!(plan().bias(&[0.0; 3]).build().unwrap_err(), bias);
    assert_eq!(
        plan().finish(bias_slice(&[0.0; 3])).build().unwrap_err(),
        bias
    );
    let empty = Array4::<f32>::ones((4, 3, 0, 2));
    let error = Conv2d::<f32>::new(empty.view()).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "height: the kernel extent is 0, expected at least 1"
    );
    for shape in [(0, 3, 2, 2), (4, 0, 2, 2)] {
        let empty = Array4::<f32>::ones(shape);
        let error = Conv2d::<f32>::new(empty.view()).build().unwrap_err();
        assert!(
            matches!(error, Error::Geometry(Shape::Groups { .. })),
            "{error}"
        );
    }
    let builder = ConvTranspose2d::<f32>::new(kernel.view()).output_size([9, 9]);
    let error = builder.output_paddings([0, 1]).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "width: the output padding is 1, expected 0 beside an output extent or SAME padding"
    );
}

#[test]
fn a_level_that_the_cpu_lacks_is_an_error() {
    let kernel = Array4::<f32>::ones((1, 1, 1, 1));
    let mut lacking = 0;
    for level in SimdLevel::ALL {
        let plan = Conv2d::<f32>::new(kernel.view()).simd(level).build();
        if level.is_available() {
            assert_eq!(plan.unwrap().simd(), level);
        } else {
            assert_eq!(plan.unwrap_err(), Error::Simd { level });
            lacking += 1;
        }
    }
    // NEON and AVX never meet on one CPU.
    assert!(lacking > 0);
}

#[test]
fn accumulators_that_could_overflow_are_errors() {
    let limit = |error: Error| match error {
        Error::Geometry(Shape::Accumulator { taps, limit }) => (taps, limit),
        other => panic!("{other}"),
    };
    let kernel = Array3::<i8>::ones((1, 73, 7));
    assert!(Conv1d::<i16, i8, i32>::new(kernel.view()).build().is_ok());
    let kernel = Array3::<i8>::ones((1, 128, 4));
    let error = Conv1d::<i16, i8, i32>::new(kernel.view())
        .build()
        .unwrap_err();
    assert_eq!(limit(error), (512, 511));
    assert!(Conv1d::<i16, i8, i64>::new(kernel.view()).build().is_ok());
    // 511 products leave 2³¹ − 1 − 511·2²² = 4194303 for the bias.
    let kernel = Array3::<i8>::ones((1, 73, 7));
    let plan = |bias: i32| {
        Conv1d::<i16, i8, i32>::new(kernel.view())
            .bias(&[bias])
            .build()
    };
    for bias in [4_194_303, -4_194_303] {
        assert!(plan(bias).is_ok());
    }
    for bias in [4_194_304, -4_194_304, i32::MIN] {
        assert_eq!(limit(plan(bias).unwrap_err()).0, 511);
    }
    // Of the transposed operation's taps only every second meets an output.
    let kernel = Array3::<i8>::ones((511, 1, 2));
    let plan = ConvTranspose1d::<i16, i8, i32>::new(kernel.view());
    assert!(plan.stride(2).build().is_ok());
    let error = ConvTranspose1d::<i16, i8, i32>::new(kernel.view())
        .build()
        .unwrap_err();
    assert_eq!(limit(error), (1022, 511));
    let kernel = Array3::<i32>::ones((1, 1, 2));
    let error = Conv1d::<i32, i32, i64>::new(kernel.view())
        .build()
        .unwrap_err();
    assert_eq!(limit(error), (2, 1));
    assert!(Conv1d::<i32, i32, i128>::new(kernel.view()).build().is_ok());
    // The weight gradient adds over positions.
    let kernel = Array3::<i32>::ones((1, 1, 1));
    let plan = Conv1d::<i32, i32, i64>::new(kernel.view()).build().unwrap();
    let x = Array3::<i32>::ones((1, 1, 2));
    assert_eq!(
        limit(plan.weight_gradient(x.view(), x.view()).unwrap_err()),
        (2, 1)
    );
}

#[test]
fn the_extremes_that_just_fit_do_not_wrap() {
    let kernel = Array3::<i8>::from_elem((1, 73, 7), i8::MIN);
    let x = Array3::<i16>::from_elem((1, 73, 7), i16::MIN);
    for level in SimdLevel::available() {
        let plan = Conv1d::<i16, i8, i32>::new(kernel.view())
            .bias(&[4_194_303])
            .simd(level);
        let y = plan.build().unwrap().run(x.view()).unwrap();
        assert_eq!(y[[0, 0, 0]], i32::MAX);
    }
}

/// Runs that fail leave every output as it was.
fn fails(
    plan: &conv_std::Plan<conv_std::Direct, f32, f32, f32, conv_std::finish::Raw<f32>, 2>,
    x: (usize, usize, usize, usize),
    y: (usize, usize, usize, usize),
) -> Error {
    let x = Array4::<f32>::ones(x);
    let mut output = Array4::from_elem(y, 77.0_f32);
    let error = plan.run_into(x.view(), output.view_mut()).unwrap_err();
    assert!(output.iter().all(|value| *value == 77.0));
    error
}

#[test]
fn errors_when_running() {
    let kernel = Array4::<f32>::ones((4, 3, 2, 2));
    let plan = Conv2d::new(kernel.view()).build().unwrap();
    let extent = |buffer, dimension, expected, found| {
        geometry(Shape::Extent {
            buffer,
            dimension,
            expected,
            found,
        })
    };
    let batch = fails(&plan, (0, 3, 5, 5), (0, 4, 4, 4));
    assert_eq!(
        batch.to_string(),
        "batch: the extent is 0, expected at least 1"
    );
    let channels = fails(&plan, (1, 2, 5, 5), (1, 4, 4, 4));
    assert_eq!(channels, extent(Buffer::Input, Dimension::Channels, 3, 2));
    let small = fails(&plan, (1, 3, 5, 1), (1, 4, 4, 1));
    assert_eq!(
        small.to_string(),
        "width: the dilated kernel extent is 2, expected at most the padded input extent 1"
    );
    let empty = fails(&plan, (1, 3, 0, 5), (1, 4, 4, 4));
    assert_eq!(
        empty.to_string(),
        "height: the extent is 0, expected at least 1"
    );
    let outputs = [
        ((2, 4, 4, 4), Dimension::Batch, 1, 2),
        ((1, 5, 4, 4), Dimension::Channels, 4, 5),
        ((1, 4, 3, 4), Dimension::Height, 4, 3),
        ((1, 4, 4, 6), Dimension::Width, 4, 6),
    ];
    for (shape, dimension, expected, found) in outputs {
        let error = fails(&plan, (1, 3, 5, 5), shape);
        assert_eq!(error, extent(Buffer::Output, dimension, expected, found));
    }
    let innermost = Conv2d::new(kernel.view())
        .layout(Layout::Nhwc)
        .build()
        .unwrap();
    let error = fails(&innermost, (1, 5, 5, 3), (1, 3, 4, 4));
    assert_eq!(error, extent(Buffer::Input, Dimension::Channels, 2, 3));
}

#[test]
fn errors_of_flat_buffers() {
    let kernel = Array4::<f32>::ones((4, 3, 2, 2));
    let plan = Conv2d::<f32>::new(kernel.view()).build().unwrap();
    let mut output = vec![7.0; 63];
    let elements = |buffer, expected, found| {
        geometry(Shape::Elements {
            buffer,
            expected,
            found,
        })
    };
    let error = plan
        .run_slice(&[0.0; 75], 1, [5, 5], &mut output)
        .unwrap_err();
    assert_eq!(error, elements(Buffer::Output, 64, 63));
    let error = plan
        .run_slice(&[0.0; 74], 1, [5, 5], &mut output)
        .unwrap_err();
    assert_eq!(error, elements(Buffer::Input, 75, 74));
    let hostile = [usize::MAX, 1 << 62, 1 << 40, isize::MAX as usize];
    for extent in hostile {
        assert!(
            plan.run_slice(&[0.0; 75], 1, [extent, extent], &mut output)
                .is_err()
        );
        assert!(
            plan.run_slice(&[0.0; 75], 1, [extent, 5], &mut output)
                .is_err()
        );
        assert!(
            plan.run_slice(&[0.0; 75], extent, [5, 5], &mut output)
                .is_err()
        );
    }
    assert!(output.iter().all(|value| *value == 7.0));
}

#[test]
fn errors_of_transposed_runs() {
    let kernel = Array3::<f32>::ones((2, 1, 3));
    let plan = |extent: usize| {
        ConvTranspose1d::<f32>::new(kernel.view())
            .stride(2)
            .output_size([extent])
            .build()
    };
    let x = Array3::<f32>::ones((1, 2, 4));
    for legal in [9, 10] {
        assert_eq!(
            plan(legal).unwrap().run(x.view()).unwrap().dim(),
            (1, 1, legal)
        );
    }
    for illegal in [8, 11, 1 << 60] {
        let error = plan(illegal).unwrap().run(x.view()).unwrap_err();
        assert!(error.to_string().ends_with("expected 9 to 10"), "{error}");
    }
    let padded = ConvTranspose1d::<f32>::new(kernel.view())
        .stride(2)
        .output_padding(2)
        .build()
        .unwrap();
    let error = padded.run(x.view()).unwrap_err();
    assert!(error.to_string().contains("output padding is 2"), "{error}");
    let same = ConvTranspose1d::<f32>::new(kernel.view())
        .stride(2)
        .padding(Padding::SameUpper);
    let error = same
        .output_padding(1)
        .build()
        .unwrap()
        .run(x.view())
        .unwrap_err();
    assert!(
        matches!(error, Error::OutputPadding { found: 1, .. }),
        "{error}"
    );
    // Room for more elements than any machine has is an error too, not an abort.
    let huge = ConvTranspose1d::<f32>::new(kernel.view())
        .stride(1 << 58)
        .build()
        .unwrap();
    let error = huge.run(x.view()).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Allocation {
                buffer: Buffer::Output,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn errors_of_gradients() {
    let kernel = Array3::<f32>::ones((2, 1, 3));
    let mirrored = Conv1d::<f32>::new(kernel.view()).boundary(Boundary::Reflect);
    let mirrored = mirrored
        .stride(1 << 59)
        .pads([1 << 59], [3])
        .build()
        .unwrap();
    let gradient = Array3::<f32>::ones((1, 2, 2));
    let error = mirrored.input_gradient(gradient.view(), [1]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Allocation {
                buffer: Buffer::Input,
                ..
            }
        ),
        "{error}"
    );

    let forward = Conv1d::<f32>::new(kernel.view()).build().unwrap();
    let wrong = Array3::<f32>::ones((1, 2, 5));
    let error = forward.input_gradient(wrong.view(), [6]).unwrap_err();
    assert_eq!(error.to_string(), "output length is 5, expected 4");
    let input = Array3::<f32>::ones((1, 1, 6));
    let error = forward
        .weight_gradient(input.view(), wrong.view())
        .unwrap_err();
    assert_eq!(error.to_string(), "output length is 5, expected 4");
}

#[test]
fn volumes_and_their_names() {
    let kernel = Array5::<f32>::ones((1, 1, 2, 2, 2));
    let plan = Conv3d::new(kernel.view()).build().unwrap();
    let y = plan
        .run(Array5::<f32>::ones((1, 1, 3, 4, 5)).view())
        .unwrap();
    assert_eq!(y.dim(), (1, 1, 2, 3, 4));
    assert!(y.iter().all(|value| *value == 8.0));
    let error = plan
        .run(Array5::<f32>::ones((1, 1, 1, 4, 5)).view())
        .unwrap_err();
    assert!(error.to_string().starts_with("depth: "), "{error}");
}
