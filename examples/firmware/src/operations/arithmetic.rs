//! Shape arithmetic at run time: axes, windows, geometries.

use core::hint::black_box;

use conv_core::axis::{Axis, AxisError, Padding, Window};
use conv_core::{Buffer, Dimension, Geometry, KernelLayout, Orientation};

use crate::data::Sink;

pub fn all(sink: &mut Sink) {
    for axis in axes() {
        axis_extents(sink, black_box(axis));
        axis_transposed(sink, black_box(axis));
    }
    for padding in paddings() {
        windows(sink, black_box(padding));
    }
    window_settings(sink);
    geometries(sink);
    geometries_transposed(sink);
    accumulators(sink);
    names(sink);
}

/// Legal ones, ones with a zero, ones that overflow.
fn axes() -> [Axis; 7] {
    let axis = Axis::new(3).with_stride(2);
    [
        axis.with_pads(1, 1),
        axis.with_dilation(3).with_pads(-1, 4),
        Axis::new(0),
        Axis::new(3).with_stride(0),
        Axis::new(3).with_dilation(0),
        Axis::new(usize::MAX),
        axis.with_pads(isize::MAX, isize::MIN),
    ]
}

const EXTENTS: [usize; 4] = [9, 2, 0, usize::MAX];

#[inline(never)]
fn axis_extents(sink: &mut Sink, axis: Axis) {
    sink.value(&(axis.check(), axis.dilated_kernel(), axis.transposed_taps()));
    for extent in EXTENTS {
        let extent = black_box(extent);
        sink.value(&(axis.output(extent), axis.adjoint_padding(extent)));
    }
}

#[inline(never)]
fn axis_transposed(sink: &mut Sink, axis: Axis) {
    for extent in EXTENTS {
        let extent = black_box(extent);
        sink.value(&axis.transposed_as_direct(extent));
        for other in EXTENTS {
            let other = black_box(other);
            sink.value(&axis.transposed_output(extent, other));
            sink.value(&axis.output_padding(extent, other));
        }
    }
}

fn paddings() -> [Padding; 7] {
    [
        Padding::Valid,
        Padding::Half,
        Padding::Full,
        Padding::SameUpper,
        Padding::SameLower,
        Padding::Causal,
        Padding::Explicit {
            before: 2,
            after: -1,
        },
    ]
}

#[inline(never)]
fn windows(sink: &mut Sink, padding: Padding) {
    for (stride, dilation) in [(1, 1), (2, 3), (0, 1), (1, 0), (usize::MAX, 2)] {
        let window = Window::new()
            .with_padding(padding)
            .with_stride(black_box(stride))
            .with_dilation(black_box(dilation));
        for extent in EXTENTS {
            sink.value(&window.axis(black_box(3), black_box(extent)));
        }
        sink.value(
            &window
                .with_pad_before(black_box(1))
                .with_pad_after(black_box(2)),
        );
    }
}

#[inline(never)]
fn window_settings(sink: &mut Sink) {
    sink.value(&black_box(Window::default()).with_pads(black_box(3), black_box(-3)));
    sink.value(&black_box(Axis::new(3)).with_pads(black_box(3), black_box(-3)));
}

fn look<const D: usize>(sink: &mut Sink, geometry: &Geometry<D>) {
    sink.value(geometry);
    sink.value(&(geometry.input(), geometry.output(), geometry.kernel()));
    sink.value(&(geometry.axes(), geometry.groups(), geometry.orientation()));
    sink.value(&(geometry.input_channels(), geometry.output_channels()));
    sink.value(&(geometry.input_elements(), geometry.output_elements()));
    sink.value(&(
        geometry.kernel_elements(),
        geometry.taps(),
        geometry.transposed_taps(),
    ));
    for layout in [
        KernelLayout::OutputSpatialInput,
        KernelLayout::OutputInputSpatial,
        KernelLayout::SpatialOutput,
    ] {
        sink.value(&geometry.weight_strides(black_box(layout)));
    }
}

fn geometries_of<const D: usize>(sink: &mut Sink) {
    for axis in axes() {
        for (input, groups) in [(9, 2), (9, 0), (9, 3), (usize::MAX / 8, 2)] {
            let axes = black_box([axis; D]);
            match Geometry::direct(
                axes,
                black_box([input; D]),
                black_box(4),
                6,
                black_box(groups),
            ) {
                Ok(geometry) => {
                    look(
                        sink,
                        &geometry.with_orientation(black_box(Orientation::Convolution)),
                    );
                }
                Err(error) => sink.value(&error),
            }
        }
    }
}

#[inline(never)]
fn geometries(sink: &mut Sink) {
    geometries_of::<1>(sink);
    geometries_of::<2>(sink);
    geometries_of::<3>(sink);
    match Geometry::direct(black_box([Axis::new(3)]), black_box([9]), 1, 1, 1) {
        Ok(geometry) => look(sink, &geometry.as_2d()),
        Err(error) => sink.value(&error),
    }
}

#[inline(never)]
fn geometries_transposed(sink: &mut Sink) {
    for axis in axes() {
        for (input, output) in [(5, 9), (5, 8), (0, 9), (5, usize::MAX)] {
            let axes = black_box([axis; 2]);
            let (input, output) = (black_box([input; 2]), black_box([output; 2]));
            sink.value(&Geometry::transposed(
                axes,
                input,
                output,
                4,
                6,
                black_box(2),
            ));
        }
    }
}

#[inline(never)]
fn accumulators(sink: &mut Sink) {
    for taps in [1, 512, u64::MAX] {
        let taps = black_box(taps);
        sink.value(&Geometry::<1>::check_accumulator::<i8, i8, i32>(taps));
        sink.value(&Geometry::<1>::check_accumulator::<i16, i8, i32>(taps));
        sink.value(&Geometry::<2>::check_accumulator::<i32, i32, i64>(taps));
        sink.value(&Geometry::<2>::check_accumulator::<f32, f32, f32>(taps));
    }
}

#[inline(never)]
fn names(sink: &mut Sink) {
    for count in 1..4 {
        for index in 0..4 {
            sink.value(&Dimension::spatial(black_box(index), black_box(count)).name());
        }
    }
    sink.value(&black_box(Buffer::Output).name());
    sink.value(&black_box(AxisError::Overflow));
}
