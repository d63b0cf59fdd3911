//! A golden ONNX case by the definitions.

use std::vec::Vec;

use super::{Axis, Outputs, Problem, channels_first, direct, transposed};
use crate::golden::{OnnxCase, OnnxOp, Tensor};

/// The direct problem of a golden case; a ConvTranspose is the transpose of it.
///
/// `None` when the case's attributes fit no direct operation.
#[must_use]
pub fn problem(case: &OnnxCase<'_>) -> Option<Problem> {
    let axes: Option<Vec<Axis>> = (0..case.stride.len())
        .map(|axis| {
            let given = Axis::new(
                *case.x.shape().get(axis + 2)?,
                *case.w.shape().get(axis + 2)?,
            )
            .stride(case.stride[axis])
            .dilation(case.dilation[axis])
            .pad(case.pad_begin[axis], case.pad_end[axis]);
            match case.op {
                OnnxOp::Conv => Some(given),
                OnnxOp::ConvTranspose => given.transposed(case.output_padding[axis]),
            }
        })
        .collect();
    let [inputs, outputs] = [case.x.shape().get(1)?, case.y.shape().get(1)?];
    let problem = Problem::new(&axes?)
        .batch(*case.x.shape().first()?)
        .groups(case.group);
    Some(match case.op {
        OnnxOp::Conv => problem.channels(*inputs, *outputs),
        OnnxOp::ConvTranspose => problem.channels(*outputs, *inputs),
    })
}

/// The output of a golden case, bias included, with what [`crate::tolerance`] asks for; its order
/// is that of the published `y`.
///
/// `None` as [`problem`], or when there is no output.
///
/// ```
/// use conv_vectors::golden;
/// use conv_vectors::oracle::onnx;
/// use conv_vectors::tolerance::check_f32;
///
/// for case in golden::onnx() {
///     let exact = onnx::run(&case).unwrap();
///     // In place of the published values, hold those of the code under test.
///     for (found, sum) in case.y.values().zip(exact.sums()) {
///         check_f32(found, sum.value(), sum.terms(), sum.magnitude()).unwrap();
///     }
/// }
/// ```
///
/// # Panics
///
/// When a tensor of the case is shorter than its attributes say; none of the committed ones is.
#[must_use]
pub fn run(case: &OnnxCase<'_>) -> Option<Outputs<f64>> {
    let problem = problem(case)?;
    let at = |tensor: &Tensor<'_>, index| f64::from(tensor.get(index).expect("a whole tensor"));
    let x_index = channels_first(*case.x.shape().get(1)?, &case.x.shape()[2..]);
    let w_index = channels_first(*case.w.shape().get(1)?, &case.w.shape()[2..]);
    let x =
        |image: usize, channel: usize, place: &[usize]| at(&case.x, x_index(image, channel, place));
    let w = |outer: usize, inner: usize, tap: &[usize]| at(&case.w, w_index(outer, inner, tap));
    let sums = match case.op {
        OnnxOp::Conv => direct(&problem, x, w),
        OnnxOp::ConvTranspose => transposed(&problem, x, w),
    }?;
    Some(match &case.b {
        Some(bias) => sums.with_bias(|channel| at(bias, channel)),
        None => sums,
    })
}
