//! The parts that operations are made of, each by itself.

use conv_core::axis::{Padding, Window};
use conv_core::dynamic::Planar;
use conv_core::element::{Element, Multiply};
use conv_core::finish::{Saturate, ShiftTo};
use conv_core::shape::{Image, Sample, Signal};
use conv_core::{Axis, Geometry, KernelLayout, Orientation};

#[test]
fn windows_take_pads_side_by_side() {
    let window = Window::new().with_stride(2);
    assert_eq!(Window::default(), Window::new());
    assert_eq!(window.with_pad_before(3), window.with_pads(3, 0));
    assert_eq!(window.with_pad_after(-4), window.with_pads(0, -4));
    assert_eq!(
        window.with_pad_before(3).with_pad_after(4),
        window.with_pads(3, 4)
    );
    assert_eq!(
        window.with_pad_after(4).with_pad_before(3),
        window.with_pads(3, 4)
    );
    // A side given after a named padding replaces that.
    let same = window.with_padding(Padding::SameUpper);
    assert_eq!(same.with_pad_before(1), window.with_pads(1, 0));
    assert_eq!(same.with_pad_after(1), window.with_pads(0, 1));
}

#[test]
fn a_signal_is_an_image_of_one_row() {
    let axis = Axis::new(3).with_stride(2).with_pads(1, 2);
    let signal = Geometry::direct([axis], [7], 4, 6, 2).expect("legal");
    let signal = signal.with_orientation(Orientation::Convolution);
    let image = Geometry::direct([Axis::new(1), axis], [1, 7], 4, 6, 2).expect("legal");
    let image = image.with_orientation(Orientation::Convolution);
    assert_eq!(
        (signal.planar(), signal.as_2d(), image.planar()),
        (image, image, image)
    );
}

#[test]
fn weights_stand_where_the_layout_says() {
    let geometry = Geometry::direct([Axis::new(3), Axis::new(5)], [9, 9], 4, 6, 2).expect("legal");
    for (layout, output, input, taps, group) in [
        (KernelLayout::OutputSpatialInput, 30, 1, [10, 2], 90),
        (KernelLayout::OutputInputSpatial, 30, 15, [5, 1], 90),
        (KernelLayout::InputSpatialOutput, 1, 45, [15, 3], 90),
    ] {
        let strides = geometry.weight_strides(layout);
        let found = (
            strides.output_channel,
            strides.input_channel,
            strides.tap,
            strides.group,
        );
        assert_eq!(found, (output, input, taps, group), "{layout:?}");
    }
    let depthwise = Geometry::direct([Axis::new(3), Axis::new(5)], [9, 9], 2, 6, 2).expect("legal");
    let strides = depthwise.weight_strides(KernelLayout::SpatialOutput);
    assert_eq!(
        (strides.output_channel, strides.tap, strides.group),
        (1, [30, 6], 3)
    );
}

#[test]
fn products_wrap_and_never_panic() {
    let add = <i32 as Multiply<i32, i64>>::multiply_add;
    assert_eq!(add(1, -3, 7), -20);
    assert_eq!(add(1 << 62, i32::MIN, i32::MIN), i64::MIN);
    let add = <u8 as Multiply<i8, i32>>::multiply_add;
    assert_eq!(add(i32::MIN, 255, -128), i32::MIN.wrapping_sub(32_640));
    let add = <f32 as Multiply<f32, f32>>::multiply_add;
    assert!(add(0.0, f32::INFINITY, 0.0).is_nan());
    assert_eq!(<f64 as Element>::ZERO.to_bits(), 0);
}

#[test]
fn sums_saturate_and_shifts_round() {
    assert_eq!(i32::MAX.saturating_sum(1), i32::MAX);
    assert_eq!(i64::MIN.saturating_sum(-1), i64::MIN);
    assert_eq!(1.5_f64.saturating_sum(f64::MAX), f64::MAX);
    assert_eq!(
        (
            5_i32.clamped(0, 3),
            (-5_i32).clamped(0, 3),
            2_i32.clamped(3, 1)
        ),
        (3, 0, 1)
    );
    let narrow = |value: i32, shift| -> i8 { value.shift_to(shift) };
    assert_eq!([3, -3, 2, -2].map(|value| narrow(value, 1)), [2, -1, 1, -1]);
    assert_eq!(
        (narrow(-1000, 0), narrow(i32::MAX, 3), narrow(i32::MIN, 40)),
        (-128, 127, 0)
    );
}

#[test]
fn arrays_are_read_and_written_in_memory_order() {
    let mut signal = [[1_i8, 2], [3, 4]];
    Signal::elements_mut(&mut signal)[3] = 9;
    assert_eq!(Signal::elements(&signal), [1, 2, 3, 9]);
    let mut image = [[[1_i8, 2], [3, 4]], [[5, 6], [7, 8]]];
    Image::elements_mut(&mut image)[5] = 9;
    assert_eq!(Image::elements(&image), [1, 2, 3, 4, 5, 9, 7, 8]);
    let mut plain = [1.5_f32, 2.5];
    <f32 as Sample>::flatten_mut(&mut plain)[0] = 0.5;
    assert_eq!(<f32 as Sample>::flatten(&plain), [0.5, 2.5]);
    assert_eq!(<[i8; 2] as Sample>::flatten(&signal), [1, 2, 3, 9]);
    <[i8; 2] as Sample>::flatten_mut(&mut signal)[0] = 7;
    assert_eq!(signal, [[7, 2], [3, 9]]);
    assert_eq!(<[i8; 2] as Sample>::ZERO, [0, 0]);
}
