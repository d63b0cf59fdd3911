//! Every error: a call that gives it, its words, and that the output is as it was.

use core::error::Error as _;

use conv_core::axis::{Axis, AxisError, Padding, Window};
use conv_core::finish::{self, Finish};
use conv_core::{Buffer, Dimension, Error, Geometry, KernelLayout, Matrix, Orientation};
use conv_vectors::guard::Guarded;

use crate::support::untouched;

#[track_caller]
fn says<E: core::error::Error>(error: E, words: &str) {
    assert_eq!(error.to_string(), words);
}

#[test]
fn axis_errors() {
    let three = Axis::new(3);
    let half = three.with_stride(2).with_pads(1, 1);
    for (result, expected, words) in [
        (
            Axis::new(0).output(5),
            AxisError::ZeroKernel,
            "the kernel extent is 0, expected at least 1",
        ),
        (
            three.with_stride(0).output(5),
            AxisError::ZeroStride,
            "the stride is 0, expected at least 1",
        ),
        (
            three.with_dilation(0).output(5),
            AxisError::ZeroDilation,
            "the dilation is 0, expected at least 1",
        ),
        (
            three.output(0),
            AxisError::EmptyExtent,
            "the extent is 0, expected at least 1",
        ),
        (
            three.with_dilation(3).with_pads(-9, 1).output(5),
            AxisError::KernelTooLarge {
                padded_input: -3,
                dilated_kernel: 7,
            },
            "the dilated kernel extent is 7, expected at most the padded input extent -3",
        ),
        (
            three.with_pads(3, 2).transposed_output(3, 0),
            AxisError::EmptyOutput,
            "the pads crop the whole transposed output away",
        ),
        (
            half.output_padding(16, 33),
            AxisError::TransposedExtent {
                least: 31,
                greatest: 32,
                found: 33,
            },
            "the transposed output extent is 33, expected 31 to 32",
        ),
        (
            half.with_dilation(3).transposed_output(16, 4),
            AxisError::OutputPadding { limit: 3, found: 4 },
            "the output padding is 4, expected less than the stride or the dilation, 3",
        ),
        (
            three.with_pads(isize::MAX, 0).output(1),
            AxisError::Overflow,
            "a size does not fit the machine's address range",
        ),
    ] {
        assert_eq!(result, Err(expected));
        says(expected, words);
        assert!(expected.source().is_none());
    }
}

/// As in the table of errors of an axis: zeros are found by every function, in the same order.
#[test]
fn every_function_of_an_axis_checks_it() {
    for (axis, error) in [
        (Axis::new(0).with_stride(0), AxisError::ZeroKernel),
        (
            Axis::new(1).with_stride(0).with_dilation(0),
            AxisError::ZeroStride,
        ),
        (Axis::new(1).with_dilation(0), AxisError::ZeroDilation),
        (Axis::new(usize::MAX), AxisError::Overflow),
    ] {
        assert_eq!(axis.check(), Err(error));
        assert_eq!(axis.dilated_kernel(), Err(error));
        assert_eq!(axis.output(5), Err(error));
        assert_eq!(axis.adjoint_padding(5), Err(error));
        assert_eq!(axis.transposed_output(5, 0), Err(error));
        assert_eq!(axis.output_padding(5, 5), Err(error));
        assert_eq!(axis.transposed_as_direct(0), Err(error));
        assert_eq!(axis.transposed_taps(), Err(error));
        let window = Window::new()
            .with_stride(axis.stride)
            .with_dilation(axis.dilation);
        assert_eq!(
            window.with_padding(Padding::SameUpper).axis(axis.kernel, 5),
            Err(error)
        );
    }
}

fn signal(axis: Axis, length: usize) -> Geometry<1> {
    Geometry::direct([axis], [length], 1, 1, 1).expect("a legal axis")
}

#[test]
fn geometry_errors_name_the_axis() {
    let (plain, zero) = (Axis::new(1), Axis::new(1).with_stride(0));
    let error = AxisError::ZeroStride;
    for (result, dimension, words) in [
        (
            Geometry::direct([zero], [4], 1, 1, 1).map(drop),
            Dimension::Length,
            "length: the stride is 0, expected at least 1",
        ),
        (
            Geometry::direct([zero, plain], [4, 4], 1, 1, 1).map(drop),
            Dimension::Height,
            "height: the stride is 0, expected at least 1",
        ),
        (
            Geometry::transposed([plain, zero], [4, 4], [4, 4], 1, 1, 1).map(drop),
            Dimension::Width,
            "width: the stride is 0, expected at least 1",
        ),
        (
            Geometry::transposed([zero, plain, plain], [4; 3], [4; 3], 1, 1, 1).map(drop),
            Dimension::Depth,
            "depth: the stride is 0, expected at least 1",
        ),
    ] {
        let expected = Error::Axis { dimension, error };
        assert_eq!(result, Err(expected));
        says(expected, words);
        let source = expected.source().expect("the axis error");
        assert_eq!(source.to_string(), error.to_string());
    }
    let long = Geometry::transposed([plain, plain], [4, 4], [4, 5], 1, 1, 1);
    says(
        long.expect_err("too wide"),
        "width: the transposed output extent is 5, expected 4 to 4",
    );
}

#[test]
fn channels_and_groups() {
    for (x, y, groups) in [
        (3, 4, 2),
        (4, 3, 2),
        (0, 1, 1),
        (1, 0, 1),
        (1, 1, 0),
        (2, 2, 4),
    ] {
        let expected = Error::Groups {
            groups,
            input_channels: x,
            output_channels: y,
        };
        assert_eq!(
            Geometry::direct([Axis::new(1)], [1], x, y, groups),
            Err(expected)
        );
        assert_eq!(
            Geometry::transposed([Axis::new(1)], [1], [1], x, y, groups),
            Err(expected)
        );
        let words = format!(
            "groups are {groups}, expected at least 1 and a divisor of {x} input and {y} output channels"
        );
        says(expected, &words);
        assert!(expected.source().is_none());
    }
}

#[test]
fn buffers_beyond_the_address_range() {
    let huge = isize::MAX as usize;
    let plain = Axis::new(1);
    let words = "input: the number of elements does not fit the machine's address range";
    let error = Geometry::direct([plain; 2], [huge, 2], 1, 1, 1).expect_err("too many");
    assert_eq!(
        error,
        Error::Overflow {
            buffer: Buffer::Input
        }
    );
    says(error, words);
    let error = Geometry::direct([plain], [1], 1, usize::MAX, 1).expect_err("too many");
    assert_eq!(
        error,
        Error::Overflow {
            buffer: Buffer::Output
        }
    );
    let kernel = Geometry::direct([Axis::new(3)], [3], huge / 8, 8, 1);
    assert_eq!(
        kernel,
        Err(Error::Overflow {
            buffer: Buffer::Kernel
        })
    );
    let kernel = Geometry::direct([Axis::new(3)], [3], huge / 16, huge / 16, 1);
    assert_eq!(
        kernel,
        Err(Error::Overflow {
            buffer: Buffer::Kernel
        })
    );
}

/// Each run-time form with one buffer of the wrong length: which one, how many elements it should have and how
/// many it has.
#[test]
fn lengths() {
    let geometry = signal(Axis::new(3).with_stride(2), 7);
    let right = [7, 3, 3];
    for (wrong, buffer, back_buffer, words) in [
        (
            [6, 3, 3],
            Buffer::Input,
            Buffer::Output,
            "input has 6 elements, expected 7",
        ),
        (
            [7, 4, 3],
            Buffer::Kernel,
            Buffer::Kernel,
            "kernel has 4 elements, expected 3",
        ),
        (
            [7, 3, 2],
            Buffer::Output,
            Buffer::Input,
            "output has 2 elements, expected 3",
        ),
    ] {
        let at = (0..3)
            .find(|&at| wrong[at] != right[at])
            .expect("one is wrong");
        let [x, kernel, y] = wrong.map(|length| vec![1_i8; length]);
        let error = |buffer| Error::Elements {
            buffer,
            expected: right[at],
            found: wrong[at],
        };
        says(error(buffer), words);

        let mut output = Guarded::<i32>::new(y.len());
        let space = output.as_mut_slice();
        assert_eq!(geometry.conv(&x, &kernel, space), Err(error(buffer)));
        assert_eq!(
            geometry.conv_with(&x, &kernel, space, finish::raw()),
            Err(error(buffer))
        );
        assert_eq!(geometry.depthwise(&x, &kernel, space), Err(error(buffer)));
        assert_eq!(
            geometry.depthwise_with(&x, &kernel, space, finish::raw()),
            Err(error(buffer))
        );
        untouched(&words, &output);

        let mut output = Guarded::<i32>::new(x.len());
        let space = output.as_mut_slice();
        let expected = Err(error(back_buffer));
        assert_eq!(geometry.conv_transpose(&y, &kernel, space), expected);
        assert_eq!(
            geometry.conv_transpose_with(&y, &kernel, space, finish::raw()),
            expected
        );
        assert_eq!(geometry.depthwise_transpose(&y, &kernel, space), expected);
        assert_eq!(
            geometry.depthwise_transpose_with(&y, &kernel, space, finish::raw()),
            expected
        );
        untouched(&words, &output);
    }
}

#[test]
fn depthwise_asks_for_a_group_for_each_channel() {
    let geometry = Geometry::direct([Axis::new(1)], [2], 4, 4, 2).expect("legal");
    let expected = Error::DepthwiseGroups {
        groups: 2,
        input_channels: 4,
    };
    let words =
        "groups are 2, expected one for each of the 4 input channels of a depthwise operation";
    says(expected, words);
    let kernel = vec![1_i8; geometry.kernel_elements()];
    let mut output = Guarded::<i32>::new(8);
    assert_eq!(
        geometry.depthwise(&[1_i8; 8], &kernel, output.as_mut_slice()),
        Err(expected)
    );
    let back = geometry.depthwise_transpose(&[1_i8; 8], &kernel, output.as_mut_slice());
    assert_eq!(back, Err(expected));
    untouched(&words, &output);
    let matrix = Matrix::new(geometry, KernelLayout::SpatialOutput, &kernel);
    assert_eq!(matrix.map(drop), Err(expected));
}

#[test]
fn biases_have_a_value_for_each_output_channel() {
    let geometry = Geometry::direct([Axis::new(1)], [2], 2, 3, 1).expect("legal");
    let (x, y, kernel) = ([1_i8; 4], [1_i8; 6], [1_i8; 6]);
    let error = |expected, found| Error::Extent {
        buffer: Buffer::Bias,
        dimension: Dimension::Channels,
        expected,
        found,
    };
    says(error(3, 2), "bias has 2 channels, expected 3");
    let values = [1; 4];
    let mut output = Guarded::<i32>::new(6);
    let space = output.as_mut_slice();
    for short in [2, 4] {
        let step = finish::bias_slice(&values[..short]);
        assert_eq!(
            geometry.conv_with(&x, &kernel, space, step),
            Err(error(3, short))
        );
        // A step after the bias passes its number of channels on.
        let clamped = finish::bias_slice(&values[..short]).relu();
        assert_eq!(
            geometry.conv_with(&x, &kernel, space, clamped),
            Err(error(3, short))
        );
    }
    assert_eq!(
        geometry.conv_with(&x, &kernel, space, finish::bias(&[1; 2])),
        Err(error(3, 2))
    );
    untouched(&"a bias of the wrong length", &output);
    let mut output = Guarded::<i32>::new(4);
    let step = finish::bias_slice(&values[..3]);
    let back = geometry.conv_transpose_with(&y, &kernel, output.as_mut_slice(), step);
    assert_eq!(back, Err(error(2, 3)));
    untouched(&"a bias of the wrong length", &output);
    let mut output = Guarded::<i8>::new(6);
    let step = finish::bias_slice(&values[..2]).to_q7(1);
    assert_eq!(
        geometry.conv_with(&x, &kernel, output.as_mut_slice(), step),
        Err(error(3, 2))
    );
    untouched(&"a bias of the wrong length", &output);
}

#[test]
fn accumulators_that_could_overflow() {
    let geometry = signal(Axis::new(512), 512);
    let expected = Error::Accumulator {
        taps: 512,
        limit: 511,
    };
    let words = "512 products meet in one output, expected at most 511: use a wider accumulator";
    says(expected, words);
    let (x, kernel) = ([1_i16; 512], [1_i8; 512]);
    let mut output = Guarded::<i32>::new(1);
    assert_eq!(
        geometry.conv(&x, &kernel, output.as_mut_slice()),
        Err(expected)
    );
    untouched(&words, &output);
    let mut wide = [0_i64];
    assert_eq!(geometry.conv(&x, &kernel, &mut wide), Ok(()));
    assert_eq!(wide, [512]);

    let matrix = Matrix::new(geometry, KernelLayout::OutputSpatialInput, &kernel).expect("legal");
    assert_eq!(matrix.multiply(&x, output.as_mut_slice()), Err(expected));
    untouched(&words, &output);
    let check = Geometry::<1>::check_accumulator::<i16, i8, i32>;
    assert_eq!((check(511), check(512)), (Ok(()), Err(expected)));
}

#[test]
fn matrices() {
    let geometry = signal(Axis::new(2), 4);
    let layout = KernelLayout::OutputSpatialInput;
    let short = Matrix::new(geometry, layout, &[1_i8]).map(drop);
    let error = Error::Elements {
        buffer: Buffer::Kernel,
        expected: 2,
        found: 1,
    };
    assert_eq!(short, Err(error));

    let matrix = Matrix::new(geometry, layout, &[1_i8, 2]).expect("legal");
    let mut output = Guarded::<i32>::new(3);
    let found = matrix.multiply(&[1_i8; 3], output.as_mut_slice());
    let error = Error::Elements {
        buffer: Buffer::Input,
        expected: 4,
        found: 3,
    };
    assert_eq!(found, Err(error));
    untouched(&error, &output);
    let mut output = Guarded::<i32>::new(3);
    let found = matrix
        .transposed()
        .multiply(&[1_i8; 3], output.as_mut_slice());
    let error = Error::Elements {
        buffer: Buffer::Output,
        expected: 4,
        found: 3,
    };
    assert_eq!(found, Err(error));
    untouched(&error, &output);

    let mut dense = [[9_i8; 4]; 2];
    let error = matrix.write_dense(&mut dense).expect_err("two rows");
    says(error, "matrix has 2 rows, expected 3");
    assert_eq!(dense, [[9; 4]; 2]);
    let mut dense = [[9_i8; 5]; 3];
    let error = matrix.write_dense(&mut dense).expect_err("five columns");
    says(error, "matrix has 5 columns, expected 4");
    assert_eq!(dense, [[9; 5]; 3]);
    let mut dense = [[9_i8; 3]; 4];
    matrix
        .transposed()
        .write_dense(&mut dense)
        .expect("the right extents");
    assert_eq!(dense, [[1, 0, 0], [2, 1, 0], [0, 2, 1], [0, 0, 2]]);
}

#[test]
fn capacity() {
    let error = Error::Capacity {
        needed: 3,
        available: 2,
    };
    says(
        error,
        "output has 3 elements, expected at most the capacity of 2",
    );
}

/// No message is cut off, however long its numbers are.
#[test]
fn messages_are_whole() {
    let most = usize::MAX;
    let groups = Error::Groups {
        groups: most,
        input_channels: most,
        output_channels: most,
    };
    let depthwise = Error::DepthwiseGroups {
        groups: most,
        input_channels: most,
    };
    let taps = Error::Accumulator {
        taps: u64::MAX,
        limit: u64::MAX,
    };
    for (error, end) in [
        (groups, "output channels"),
        (depthwise, "input channels of a depthwise operation"),
        (taps, "use a wider accumulator"),
        (
            Error::Capacity {
                needed: most,
                available: most,
            },
            &most.to_string(),
        ),
    ] {
        assert!(error.to_string().ends_with(end), "{error}");
    }
    let error = AxisError::TransposedExtent {
        least: isize::MIN,
        greatest: isize::MAX,
        found: most,
    };
    let dimension = Dimension::OutputChannels;
    let end = format!("expected {} to {}", isize::MIN, isize::MAX);
    assert!(Error::Axis { dimension, error }.to_string().ends_with(&end));
    let padding = AxisError::OutputPadding {
        limit: most,
        found: most,
    };
    assert!(padding.to_string().ends_with(&most.to_string()));
}

/// The names that errors are made of.
#[test]
fn names() {
    for (buffer, name) in [
        (Buffer::Input, "input"),
        (Buffer::Kernel, "kernel"),
        (Buffer::Output, "output"),
        (Buffer::Bias, "bias"),
        (Buffer::Matrix, "matrix"),
    ] {
        assert_eq!((buffer.name(), buffer.to_string().as_str()), (name, name));
    }
    for (dimension, name) in [
        (Dimension::Batch, "batch"),
        (Dimension::spatial(0, 1), "length"),
        (Dimension::spatial(0, 3), "depth"),
        (Dimension::spatial(1, 3), "height"),
        (Dimension::spatial(2, 3), "width"),
        (Dimension::spatial(0, 2), "height"),
        (Dimension::spatial(1, 2), "width"),
        (Dimension::Channels, "channels"),
        (Dimension::InputChannels, "input channels"),
        (Dimension::OutputChannels, "output channels"),
        (Dimension::Rows, "rows"),
        (Dimension::Columns, "columns"),
    ] {
        assert_eq!(
            (dimension.name(), dimension.to_string().as_str()),
            (name, name)
        );
    }
    assert_eq!(Orientation::default(), Orientation::Correlation);
}
