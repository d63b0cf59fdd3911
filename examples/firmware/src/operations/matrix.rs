//! The matrix C as a view, in one, two and three dimensions.

use core::hint::black_box;

use conv_core::element::Multiply;
use conv_core::{
    Axis, Error, Geometry, KernelLayout, Matrix, Orientation, Window1d, Window2d, window1d,
    window2d,
};

use crate::data::{Number, Sink, given};

window1d! { struct Signal: stride 2, pad 1 }
window2d! { struct Plane: stride 2, pad 1, flip }

pub fn all(sink: &mut Sink) {
    from_markers(sink);
    one_dimension(sink);
    two_dimensions(sink);
    three_dimensions(sink);
    multiply::<i8, i8, i32>(sink);
    multiply::<i8, i8, i64>(sink);
    multiply::<u8, i8, i32>(sink);
    multiply::<u8, i8, i64>(sink);
    multiply::<i16, i8, i32>(sink);
    multiply::<i16, i8, i64>(sink);
    multiply::<i16, i16, i64>(sink);
    multiply::<i32, i32, i64>(sink);
    multiply::<i32, i32, i128>(sink);
    multiply::<f32, f32, f32>(sink);
    multiply::<f64, f64, f64>(sink);
    write_dense(sink);
}

#[inline(never)]
fn from_markers(sink: &mut Sink) {
    let kernel: [i8; 3] = given();
    match Signal::matrix(&kernel, black_box(9)) {
        Ok(matrix) => look(sink, matrix),
        Err(error) => sink.value(&error),
    }
    let kernel: [[[[i8; 2]; 3]; 3]; 2] = given();
    match Plane::matrix(&kernel, black_box(4), black_box(3)) {
        Ok(matrix) => look(sink, matrix),
        Err(error) => sink.value(&error),
    }
}

fn geometry<const D: usize>(input: [usize; D], groups: usize) -> Result<Geometry<D>, Error> {
    let axes = black_box([Axis::new(2).with_stride(2).with_pads(1, 1); D]);
    let geometry = Geometry::direct(axes, black_box(input), 2, 4, black_box(groups))?;
    Ok(geometry.with_orientation(black_box(Orientation::Convolution)))
}

fn view<const D: usize>(
    sink: &mut Sink,
    geometry: Result<Geometry<D>, Error>,
    layout: KernelLayout,
    kernel: &[i16],
) {
    match geometry.and_then(|geometry| Matrix::new(geometry, black_box(layout), kernel)) {
        Ok(matrix) => look(sink, matrix),
        Err(error) => sink.value(&error),
    }
}

/// Everything about a matrix and its transpose but the products.
fn look<W: Number, const D: usize>(sink: &mut Sink, matrix: Matrix<'_, W, D>) {
    for matrix in [matrix, matrix.transposed()] {
        sink.value(&(matrix.rows(), matrix.columns()));
        sink.data(&matrix.entry(black_box(1), black_box(2)));
        for (column, weight) in matrix.row(black_box(3)) {
            sink.value(&column);
            sink.data(&weight);
        }
        for (row, weight) in matrix.column(black_box(1)).clone() {
            sink.value(&row);
            sink.data(&weight);
        }
    }
}

#[inline(never)]
fn one_dimension(sink: &mut Sink) {
    let kernel: [i16; 16] = given();
    view(
        sink,
        geometry([5], 1),
        KernelLayout::OutputSpatialInput,
        &kernel,
    );
    view(
        sink,
        geometry([5], 1),
        KernelLayout::OutputInputSpatial,
        &kernel,
    );
    // One weight too many.
    view(
        sink,
        geometry([5], 2),
        KernelLayout::OutputSpatialInput,
        &kernel,
    );
}

#[inline(never)]
fn two_dimensions(sink: &mut Sink) {
    let kernel: [i16; 16] = given();
    view(
        sink,
        geometry([5, 3], 2),
        KernelLayout::SpatialOutput,
        &kernel,
    );
    view(
        sink,
        geometry([5, 3], 2),
        KernelLayout::OutputInputSpatial,
        &kernel,
    );
}

#[inline(never)]
fn three_dimensions(sink: &mut Sink) {
    let kernel: [i16; 32] = given();
    view(
        sink,
        geometry([3, 2, 4], 2),
        KernelLayout::OutputSpatialInput,
        &kernel,
    );
}

#[inline(never)]
fn multiply<T: Number + Multiply<W, A>, W: Number, A: Number>(sink: &mut Sink) {
    let kernel: [W; 16] = given();
    let matrix = geometry([5], 1)
        .and_then(|geometry| Matrix::new(geometry, KernelLayout::OutputSpatialInput, &kernel));
    let matrix = match matrix {
        Ok(matrix) => matrix,
        Err(error) => return sink.value(&error),
    };
    let mut output: [A; 12] = given();
    sink.value(&matrix.multiply(&given::<[T; 10]>(), &mut output));
    sink.data(&output);
    let mut back: [A; 10] = given();
    sink.value(&matrix.transposed().multiply(&given::<[T; 12]>(), &mut back));
    sink.data(&back);
    // An output that is one too short.
    let mut short: [A; 11] = given();
    sink.value(&matrix.multiply(&given::<[T; 10]>(), &mut short));
}

#[inline(never)]
fn write_dense(sink: &mut Sink) {
    let kernel: [i8; 3] = given();
    let mut dense: [[i8; 9]; 5] = given();
    let mut wrong: [[i8; 8]; 5] = given();
    match Signal::matrix(&kernel, black_box(9)) {
        Ok(matrix) => {
            sink.value(&matrix.write_dense(&mut dense));
            sink.value(&matrix.write_dense(&mut wrong));
        }
        Err(error) => sink.value(&error),
    }
    sink.data(&dense);
    sink.data(&wrong);
}
