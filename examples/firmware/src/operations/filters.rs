//! The kernel builders and activations, called at run time.

use core::hint::black_box;

use conv_core::filter::{self, Taper};
use conv_core::micromath;

use crate::data::{Sink, given};

pub fn all(sink: &mut Sink) {
    smoothing(sink);
    gaussians(sink);
    gradients(sink);
    upsampling(sink);
    for taper in [Taper::Hann, Taper::Hamming, Taper::Blackman] {
        windowed::<1>(sink, black_box(taper));
        windowed::<16>(sink, black_box(taper));
        windowed::<33>(sink, black_box(taper));
    }
    fixed_point(sink);
    activations(sink);
}

#[inline(never)]
fn smoothing(sink: &mut Sink) {
    sink.data(&filter::box_1d::<5>());
    sink.data(&filter::box_2d::<3, 5>());
    sink.data(&filter::binomial_1d::<7>());
    sink.data(&filter::binomial_2d::<5>());
    sink.data(&filter::narrow(&given::<[[i16; 3]; 5]>()));
    sink.data(&filter::widen(&given::<[[i8; 3]; 5]>()));
}

#[inline(never)]
fn gaussians(sink: &mut Sink) {
    for sigma in [0.8, 0.0, -1.0, f32::NAN, f32::INFINITY] {
        sink.data(&filter::gaussian_1d::<5>(black_box(sigma)));
        sink.data(&filter::gaussian_2d::<4>(black_box(sigma)));
    }
}

#[inline(never)]
fn gradients(sink: &mut Sink) {
    for kernel in [
        filter::sobel_x(),
        filter::sobel_y(),
        filter::scharr_x(),
        filter::scharr_y(),
        filter::prewitt_x(),
        filter::prewitt_y(),
        filter::laplacian(),
        filter::laplacian_diagonal(),
    ] {
        sink.data(&black_box(kernel));
    }
    sink.data(&filter::sobel_5_x());
    sink.data(&filter::sobel_5_y());
}

#[inline(never)]
fn upsampling(sink: &mut Sink) {
    for stride in [0, 2, 3, usize::MAX] {
        let shape = filter::Upsampling::new(black_box(stride));
        sink.value(&(shape.stride, shape.kernel, shape.pad, shape.denominator));
    }
    sink.data(&filter::linear_numerators::<4>());
    sink.data(&filter::bilinear_numerators::<5>());
    sink.data(&filter::linear_upsampling::<8>());
    sink.data(&filter::bilinear_upsampling::<4>());
}

#[inline(never)]
fn windowed<const N: usize>(sink: &mut Sink, taper: Taper) {
    for cutoff in [0.1, 0.7, -1.0, f32::NAN] {
        sink.data(&filter::low_pass::<N>(black_box(cutoff), taper));
    }
    for stride in [4, 0, usize::MAX] {
        sink.data(&filter::decimator::<N>(black_box(stride), taper));
        sink.data(&filter::interpolator::<N>(black_box(stride), taper));
    }
}

#[inline(never)]
fn fixed_point(sink: &mut Sink) {
    for bits in [15, 7, 0, 99] {
        sink.data(&filter::to_i16(&given::<[f32; 9]>(), black_box(bits)));
        sink.data(&filter::to_i8(&given::<[f32; 8]>(), black_box(bits)));
    }
    sink.data(&filter::to_i16(
        &black_box([f32::NAN, f32::INFINITY, -0.25]),
        black_box(12),
    ));
}

#[inline(never)]
fn activations(sink: &mut Sink) {
    for x in [0.0, 0.1, -0.7, 3.0, -9.5, 90.0, -90.0, f32::INFINITY] {
        sink.data(&micromath::tanh(black_box(x)));
        sink.data(&micromath::sigmoid(black_box(x)));
    }
}
