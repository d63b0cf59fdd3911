//! The oracle against what others published, and against itself where two definitions meet.

use std::vec::Vec;

use super::*;
use crate::golden;
use crate::guide;
use crate::random::Lcg;
use crate::tolerance::{check_f32, check_f64};

fn square(axis: Axis) -> Problem {
    Problem::new(&[axis, axis])
}

fn guide_input(_: usize, _: usize, at: &[usize]) -> i128 {
    guide::INPUT[at[0]][at[1]].into()
}

fn guide_kernel(_: usize, _: usize, tap: &[usize]) -> i128 {
    guide::KERNEL[tap[0]][tap[1]].into()
}

fn assert_rows<const N: usize>(found: &Outputs<i128>, expected: &[[i32; N]; N]) {
    assert_eq!(found.extents, [N, N]);
    assert!(
        found
            .values()
            .eq(expected.iter().flatten().map(|&value| value.into())),
        "{found:?}"
    );
}

#[test]
fn the_guides_figures_have_their_extents() {
    for figure in guide::FIGURES {
        let pad = figure.pad as isize;
        let axis = Axis::new(figure.input, figure.kernel)
            .stride(figure.stride)
            .dilation(figure.dilation)
            .pad(pad, pad);
        assert_eq!(axis.output(), Some(figure.output), "{}", figure.name);
        let back = Axis {
            input: figure.output,
            ..axis
        };
        let back = back.transposed(figure.output_padding()).unwrap();
        assert_eq!(back.input, figure.input, "{}", figure.name);
    }
}

#[test]
fn the_guides_matrices_are_reproduced() {
    let plain = square(Axis::new(5, 3));
    let output = direct(&plain, guide_input, guide_kernel).unwrap();
    assert_rows(&output, &guide::OUTPUT);
    let back = transposed(&plain, |_, _, at| output.value(0, 0, at), guide_kernel).unwrap();
    assert_rows(&back, &guide::TRANSPOSED);
    let flipped = plain.taps(Taps::Flipped);
    let output = direct(&flipped, guide_input, guide_kernel).unwrap();
    assert_rows(&output, &guide::TRUE_CONVOLUTION);

    let axis = Axis::new(5, 3).stride(2).pad(1, 1);
    let output = direct(&square(axis), guide_input, guide_kernel).unwrap();
    assert_rows(&output, &guide::OUTPUT_STRIDED);
    let back = transposed(
        &square(axis),
        |_, _, at| output.value(0, 0, at),
        guide_kernel,
    );
    assert_rows(&back.unwrap(), &guide::TRANSPOSED_STRIDED);
    let wider = square(Axis { input: 3, ..axis }.transposed(1).unwrap());
    let back = transposed(&wider, |_, _, at| output.value(0, 0, at), guide_kernel);
    assert_rows(&back.unwrap(), &guide::TRANSPOSED_STRIDED_PADDED);
}

#[test]
fn all_46_onnx_cases_are_reproduced() {
    let mut exact = 0;
    for case in golden::onnx() {
        let found = onnx::run(&case).unwrap();
        assert_eq!(found.extents[..], case.out[..], "{}", case.name);
        assert_eq!(found.sums().len(), case.y.len(), "{}", case.name);
        for (sum, published) in found.sums().iter().zip(case.y.values()) {
            if case.exact {
                assert_eq!(sum.value(), f64::from(published), "{}", case.name);
            }
            // Tighter than the 1e-4 that the cases ask for.
            let checked = check_f32(published, sum.value(), sum.terms(), sum.magnitude());
            checked.unwrap_or_else(|mismatch| panic!("{}: {mismatch}", case.name));
        }
        exact += usize::from(case.exact);
    }
    assert_eq!(exact, 17);
}

/// Small problems with differing axes, channels and pads, and data for them.
fn problems() -> Vec<Problem> {
    let mut random = Lcg::new(2);
    let mut problems = Vec::new();
    while problems.len() < 300 {
        let axes: Vec<Axis> = (0..1 + random.below(3))
            .map(|_| {
                Axis::new(1 + random.below(5), 1 + random.below(3))
                    .stride(1 + random.below(3))
                    .dilation(1 + random.below(2))
                    .pad(random.below(6) as isize - 1, random.below(6) as isize - 1)
            })
            .collect();
        let groups = 1 + random.below(2);
        let problem = Problem::new(&axes)
            .batch(1 + random.below(2))
            .groups(groups)
            .channels(
                groups * (1 + random.below(2)),
                groups * (1 + random.below(2)),
            )
            .taps([Taps::AsGiven, Taps::Flipped][random.below(2)]);
        if problem.output_extents().is_some() {
            problems.push(problem);
        }
    }
    problems
}

/// Values of their own for every index, the same on each call.
fn data(seed: usize) -> impl Fn(usize, usize, &[usize]) -> i128 + Copy {
    move |outer, inner, at| {
        let index = at
            .iter()
            .fold(outer * 7 + inner, |index, at| index * 11 + at);
        Lcg::new((index * 31 + seed) as u32).draw::<i16>().into()
    }
}

fn dot(a: impl Iterator<Item = i128>, b: impl Iterator<Item = i128>) -> i128 {
    a.zip(b).map(|(a, b)| a * b).sum()
}

/// Every value of a closure, channels first.
fn all(
    batch: usize,
    channels: usize,
    extents: &[usize],
    value: impl Fn(usize, usize, &[usize]) -> i128,
) -> Vec<i128> {
    let mut values = Vec::new();
    for image in 0..batch {
        for channel in 0..channels {
            for at in positions(extents) {
                values.push(value(image, channel, &at[..extents.len()]));
            }
        }
    }
    values
}

#[test]
fn gather_scatter_gradients_and_matrix_are_one_map() {
    let boundaries = [
        Boundary::Zero,
        Boundary::Reflect,
        Boundary::Replicate,
        Boundary::Circular,
    ];
    let [x, w, g] = [data(1), data(2), data(3)];
    for (index, problem) in problems().into_iter().enumerate() {
        let problem = problem.boundary(boundaries[index % 4]);
        let (input, output) = (problem.input_extents(), problem.output_extents().unwrap());
        let inputs = all(problem.batch, problem.x_channels, &input, x);
        let slopes = all(problem.batch, problem.y_channels, &output, g);
        let y = direct(&problem, x, w).unwrap();
        let product = dot(y.values(), slopes.iter().copied());

        // ⟨Cx, g⟩ = ⟨x, Cᵀg⟩ = ⟨w, ∂w⟩.
        let back = gradient_input(&problem, g, w).unwrap();
        assert_eq!(
            dot(inputs.iter().copied(), back.values()),
            product,
            "{problem:?}"
        );
        let slope = gradient_kernel(&problem, x, g).unwrap();
        let kernel = all(slope.batch, slope.channels, &slope.extents, w);
        assert_eq!(
            dot(kernel.into_iter(), slope.values()),
            product,
            "{problem:?}"
        );

        let scattered = transposed(&problem, g, w);
        match problem.boundary {
            Boundary::Zero => assert_eq!(scattered, Some(back.clone()), "{problem:?}"),
            _ => assert_eq!(scattered, None),
        }

        let c = matrix(&problem, w).unwrap();
        let image = inputs.len() / problem.batch;
        let rows: Vec<i128> = inputs
            .chunks(image)
            .flat_map(|image| c.apply(image))
            .collect();
        assert!(y.values().eq(rows), "{problem:?}");
        let columns = slopes
            .chunks(c.rows)
            .flat_map(|image| c.apply_transposed(image));
        assert!(back.values().eq(columns), "{problem:?}");
    }
}

#[test]
fn terms_are_the_taps_inside() {
    let problem = Problem::new(&[Axis::new(4, 3).pad(1, 1)]).channels(2, 1);
    let y = direct(&problem, |_, _, _| 2, |_, _, _| -3).unwrap();
    let terms: Vec<usize> = y.sums().iter().map(Sum::terms).collect();
    assert_eq!(terms, [4, 6, 6, 4]);
    assert_eq!((y.sums()[0].value(), y.sums()[0].magnitude()), (-24, 24));
    let biased = y.with_bias(|_| 5);
    assert_eq!(
        (biased.sums()[0].value(), biased.sums()[0].terms()),
        (-19, 5)
    );
    let replicated = problem.boundary(Boundary::Replicate);
    let y = direct(&replicated, |_, _, _| 2i128, |_, _, _| -3).unwrap();
    assert!(y.sums().iter().all(|sum| sum.terms() == 6));
}

#[test]
fn layouts_are_permutations() {
    let problem = square(Axis::new(4, 2)).batch(2).channels(1, 3);
    let y = direct(&problem, data(1), data(2)).unwrap();
    let extents = [3, 3];
    let first = y.arranged(channels_first(3, &extents));
    assert_eq!(first, y.sums());
    let last = y.arranged(channels_last(3, &extents));
    assert_eq!(last[((9 + 2 * 3) + 1) * 3 + 2], *y.at(1, 2, &[2, 1]));
}

#[test]
fn what_has_no_output_is_none() {
    let narrow = Problem::new(&[Axis::new(2, 3)]);
    assert!(direct(&narrow, data(1), data(2)).is_none());
    assert!(transposed(&narrow, data(1), data(2)).is_none());
    assert!(gradient_input(&narrow, data(1), data(2)).is_none());
    assert!(gradient_kernel(&narrow, data(1), data(2)).is_none());
    assert!(matrix(&narrow, data(1)).is_none());
    let odd = Problem::new(&[Axis::new(3, 3)]).channels(3, 2).groups(2);
    assert!(direct(&odd, data(1), data(2)).is_none());
    assert!(odd.groups(0).output_extents().is_none());
}

#[test]
fn float_sums_in_any_order_meet_the_pair() {
    let mut random = Lcg::new(21).spread(crate::random::Spread::Full);
    let x: Vec<f64> = (0..200).map(|_| random.draw()).collect();
    let w: Vec<f64> = (0..50).map(|_| random.draw()).collect();
    let problem = Problem::new(&[Axis::new(200, 50)]);
    let y = direct(&problem, |_, _, at| x[at[0]], |_, _, tap| w[tap[0]]).unwrap();
    for (at, sum) in y.sums().iter().enumerate() {
        let backward = (0..50)
            .rev()
            .fold(0.0, |total, tap| total + x[at + tap] * w[tap]);
        check_f64(backward, sum.high_low(), sum.terms(), sum.magnitude()).unwrap();
    }
}
