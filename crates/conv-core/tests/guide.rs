//! The guide's figures, its worked example, and its fifteen relationships against counted windows.

use conv_core::axis::{Axis, AxisError, Padding, Window};
use conv_core::{Geometry, KernelLayout, Matrix, Orientation, Window2d, window2d};
use conv_vectors::guide::{
    FIGURES, Figure, INPUT, KERNEL, OUTPUT, OUTPUT_STRIDED, TRANSPOSED, TRANSPOSED_STRIDED,
    TRANSPOSED_STRIDED_PADDED, TRUE_CONVOLUTION,
};

fn axis_of(figure: &Figure) -> Axis {
    Axis::new(figure.kernel)
        .with_stride(figure.stride)
        .with_dilation(figure.dilation)
        .with_pads(figure.pad as isize, figure.pad as isize)
}

/// Number of places where the dilated kernel lies within the padded input, found by sliding it.
fn windows(axis: Axis, input: usize) -> usize {
    let padded = (input as isize + axis.pad_before + axis.pad_after).max(0) as usize;
    let last_tap = (axis.kernel - 1) * axis.dilation;
    (0..padded)
        .step_by(axis.stride)
        .filter(|start| start + last_tap < padded)
        .count()
}

/// Eight settings, each direct and transposed: sixteen.
#[test]
fn the_sixteen_figure_settings() {
    let mut settings = 0;
    for figure in &FIGURES {
        let axis = axis_of(figure);
        assert_eq!(
            axis.output(figure.input),
            Ok(figure.output),
            "{}",
            figure.name
        );
        assert_eq!(
            windows(axis, figure.input),
            figure.output,
            "{}",
            figure.name
        );
        settings += 1;

        let padding = axis.adjoint_padding(figure.input).unwrap();
        assert_eq!(padding, figure.output_padding(), "{}", figure.name);
        assert_eq!(
            axis.transposed_output(figure.output, padding),
            Ok(figure.input),
            "{}",
            figure.name
        );
        assert_eq!(
            axis.output_padding(figure.output, figure.input),
            Ok(padding)
        );
        // As the guide draws it: a window sliding in single steps over the stretched, padded input.
        let direct = axis.transposed_as_direct(padding).unwrap();
        let between = figure.stride * (figure.output - 1) + 1;
        assert_eq!(windows(direct, between), figure.input, "{}", figure.name);
        settings += 1;
    }
    assert_eq!(settings, 16);
    // The pooling figures: a 3×3 window over 5×5.
    assert_eq!(Axis::new(3).output(5), Ok(3));
}

/// The pads p' under the guide's transposed figures.
#[test]
fn the_transposed_figures_as_direct_operations() {
    let expected = [
        (2, 2),
        (1, 1),
        (1, 1),
        (0, 0),
        (2, 2),
        (1, 1),
        (1, 2),
        (4, 4),
    ];
    for (figure, (before, after)) in FIGURES.iter().zip(expected) {
        let direct = axis_of(figure)
            .transposed_as_direct(figure.output_padding())
            .unwrap();
        assert_eq!(
            (direct.pad_before, direct.pad_after),
            (before, after),
            "{}",
            figure.name
        );
        assert_eq!((direct.stride, direct.kernel), (1, figure.kernel));
    }
}

window2d! { struct Plain }
window2d! { struct Strided: stride 2, pad 1 }
window2d! { struct Flipped: flip }

/// `i32·i32` into `i64` holds one product only; the guide's numbers fit `i16`.
fn narrow<const N: usize>(values: [[i32; N]; N]) -> [[i16; N]; N] {
    values.map(|row| row.map(|value| value as i16))
}

fn wide<const N: usize>(values: [[i32; N]; N]) -> [[i64; N]; N] {
    values.map(|row| row.map(i64::from))
}

#[test]
fn the_worked_example_by_the_kernels() {
    let (mut plain, mut strided, mut flipped) = ([[0_i64; 3]; 3], [[0_i64; 3]; 3], [[0_i64; 3]; 3]);
    Plain::conv(&narrow(INPUT), &narrow(KERNEL), &mut plain);
    Strided::conv(&narrow(INPUT), &narrow(KERNEL), &mut strided);
    Flipped::conv(&narrow(INPUT), &narrow(KERNEL), &mut flipped);
    assert_eq!(
        (plain, strided, flipped),
        (wide(OUTPUT), wide(OUTPUT_STRIDED), wide(TRUE_CONVOLUTION))
    );

    let (mut back, mut five, mut six) = ([[0_i64; 5]; 5], [[0_i64; 5]; 5], [[0_i64; 6]; 6]);
    Plain::conv_transpose(&narrow(OUTPUT), &narrow(KERNEL), &mut back);
    Strided::conv_transpose(&narrow(OUTPUT_STRIDED), &narrow(KERNEL), &mut five);
    Strided::conv_transpose(&narrow(OUTPUT_STRIDED), &narrow(KERNEL), &mut six);
    assert_eq!(
        (back, five, six),
        (
            wide(TRANSPOSED),
            wide(TRANSPOSED_STRIDED),
            wide(TRANSPOSED_STRIDED_PADDED)
        )
    );
}

#[test]
fn the_worked_example_by_the_matrix() {
    let kernel = KERNEL
        .as_flattened()
        .iter()
        .map(|&w| w as i16)
        .collect::<Vec<_>>();
    let narrow = |values: &[i32]| values.iter().map(|&v| v as i16).collect::<Vec<_>>();
    let multiply = |matrix: Matrix<'_, i16, 2>, vector: &[i32]| {
        let mut product = vec![0_i64; matrix.rows()];
        matrix.multiply(&narrow(vector), &mut product).unwrap();
        product
    };
    let same = |product: Vec<i64>, expected: &[i32]| {
        assert!(
            product
                .iter()
                .copied()
                .eq(expected.iter().copied().map(i64::from)),
            "{product:?}"
        );
    };
    let plain = Axis::new(3);
    let strided = plain.with_stride(2).with_pads(1, 1);
    let geometry =
        |axis: Axis, extent: usize| Geometry::direct([axis; 2], [extent; 2], 1, 1, 1).unwrap();
    let layout = KernelLayout::OutputSpatialInput;

    let c = Matrix::new(geometry(plain, 5), layout, &kernel).unwrap();
    assert_eq!((c.rows(), c.columns()), (9, 25));
    same(multiply(c, INPUT.as_flattened()), OUTPUT.as_flattened());
    same(
        multiply(c.transposed(), OUTPUT.as_flattened()),
        TRANSPOSED.as_flattened(),
    );

    let c = Matrix::new(geometry(strided, 5), layout, &kernel).unwrap();
    same(
        multiply(c, INPUT.as_flattened()),
        OUTPUT_STRIDED.as_flattened(),
    );
    same(
        multiply(c.transposed(), OUTPUT_STRIDED.as_flattened()),
        TRANSPOSED_STRIDED.as_flattened(),
    );

    let longer = Matrix::new(geometry(strided, 6), layout, &kernel).unwrap();
    same(
        multiply(longer.transposed(), OUTPUT_STRIDED.as_flattened()),
        TRANSPOSED_STRIDED_PADDED.as_flattened(),
    );

    let flipped = geometry(plain, 5).with_orientation(Orientation::Convolution);
    let c = Matrix::new(flipped, layout, &kernel).unwrap();
    same(
        multiply(c, INPUT.as_flattened()),
        TRUE_CONVOLUTION.as_flattened(),
    );
}

/// The matrix that the guide writes out in "Convolution as a matrix operation": 4×16 for 3×3 over 4×4.
#[test]
fn the_matrix_of_the_first_figure() {
    // Weights that name their place: row·10 + column + 1, so that 0 stands for no tap.
    let weights = [1_i16, 2, 3, 11, 12, 13, 21, 22, 23];
    let geometry = Geometry::direct([Axis::new(3); 2], [4, 4], 1, 1, 1).unwrap();
    let matrix = Matrix::new(geometry, KernelLayout::OutputSpatialInput, &weights).unwrap();
    let mut dense = [[0; 16]; 4];
    matrix.write_dense(&mut dense).unwrap();
    assert_eq!(
        dense,
        [
            [1, 2, 3, 0, 11, 12, 13, 0, 21, 22, 23, 0, 0, 0, 0, 0],
            [0, 1, 2, 3, 0, 11, 12, 13, 0, 21, 22, 23, 0, 0, 0, 0],
            [0, 0, 0, 0, 1, 2, 3, 0, 11, 12, 13, 0, 21, 22, 23, 0],
            [0, 0, 0, 0, 0, 1, 2, 3, 0, 11, 12, 13, 0, 21, 22, 23],
        ]
    );
}

/// Every setting with `f(i, k, s, p, d)` where the window fits, checked against counted windows first.
fn sweep(mut rule: impl FnMut(usize, usize, usize, usize, usize, usize)) {
    for i in 1..=9 {
        for k in 1..=5 {
            for s in 1..=4 {
                for p in 0..=5 {
                    for d in 1..=3 {
                        let axis = Axis::new(k)
                            .with_stride(s)
                            .with_dilation(d)
                            .with_pads(p as isize, p as isize);
                        match axis.output(i) {
                            Ok(o) => {
                                assert_eq!(o, windows(axis, i), "{axis:?} over {i}");
                                rule(i, k, s, p, d, o);
                            }
                            Err(error) => {
                                assert_eq!(windows(axis, i), 0, "{axis:?} over {i}");
                                assert!(matches!(error, AxisError::KernelTooLarge { .. }));
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn direct_relationships_hold() {
    let mut held = [0; 16];
    sweep(|i, k, s, p, d, o| {
        let mut check = |rule: usize, applies: bool, formula: fn([usize; 5]) -> usize| {
            if applies {
                assert_eq!(
                    o,
                    formula([i, k, s, p, d]),
                    "rule {rule}: {:?}",
                    (i, k, s, p, d)
                );
                held[rule] += 1;
            }
        };
        check(1, d == 1 && s == 1 && p == 0, |[i, k, ..]| (i - k) + 1);
        check(2, d == 1 && s == 1, |[i, k, _, p, _]| i + 2 * p - k + 1);
        check(3, d == 1 && s == 1 && k % 2 == 1 && p == k / 2, |[i, ..]| i);
        check(4, d == 1 && s == 1 && p == k - 1, |[i, k, ..]| i + (k - 1));
        check(5, d == 1 && p == 0, |[i, k, s, ..]| (i - k) / s + 1);
        check(6, d == 1, |[i, k, s, p, _]| (i + 2 * p - k) / s + 1);
        check(7, d == 1 && p == 0, |[i, k, s, ..]| (i - k) / s + 1);
        check(15, true, |[i, k, s, p, d]| {
            (i + 2 * p - (k + (k - 1) * (d - 1))) / s + 1
        });
    });
    for rule in [1, 2, 3, 4, 5, 6, 7, 15] {
        assert!(held[rule] > 0, "rule {rule} was never tried");
    }
}

#[test]
fn transposed_relationships_hold() {
    let mut held = [0; 16];
    sweep(|i, k, s, p, d, o| {
        if d > 1 {
            return;
        }
        let axis = Axis::new(k)
            .with_stride(s)
            .with_pads(p as isize, p as isize);
        let a = (i + 2 * p - k) % s;
        // The transpose leads from o back to i; a rule gives that extent and the pad p' before the stretched input.
        let mut check = |rule: usize, applies: bool, extent: usize, pad: isize| {
            if applies {
                assert_eq!(extent, i, "rule {rule}: {axis:?}");
                assert_eq!(
                    axis.transposed_output(o, a),
                    Ok(extent),
                    "rule {rule}: {axis:?}"
                );
                let direct = axis.transposed_as_direct(a).unwrap();
                assert_eq!(
                    (direct.pad_before, direct.pad_after),
                    (pad, pad + a as isize)
                );
                assert_eq!(
                    windows(direct, s * (o - 1) + 1),
                    extent,
                    "rule {rule}: {axis:?}"
                );
                held[rule] += 1;
            }
        };
        let pad = k as isize - p as isize - 1;
        check(8, s == 1 && p == 0, o + (k - 1), k as isize - 1);
        check(9, s == 1, (o + k - 1).wrapping_sub(2 * p), pad);
        check(10, s == 1 && k % 2 == 1 && p == k / 2, o, p as isize);
        check(11, s == 1 && p == k - 1, (o + 1).wrapping_sub(k), 0);
        check(
            12,
            p == 0 && (i - k).is_multiple_of(s),
            s * (o - 1) + k,
            k as isize - 1,
        );
        check(13, a == 0, (s * (o - 1) + k).wrapping_sub(2 * p), pad);
        check(14, true, (s * (o - 1) + a + k).wrapping_sub(2 * p), pad);
    });
    for (rule, count) in held.iter().enumerate().skip(8).take(7) {
        assert!(*count > 0, "rule {rule} was never tried");
    }
}

/// The named pads are those of rules 3 and 4, also dilated.
#[test]
fn named_pads_are_those_of_the_rules() {
    for k in 1..=6 {
        for d in 1..=3 {
            for i in 1..=8 {
                let window = Window::new().with_dilation(d);
                let full = window.with_padding(Padding::Full).axis(k, i).unwrap();
                assert_eq!(full.output(i), Ok(i + d * (k - 1)));
                let half = window.with_padding(Padding::Half).axis(k, i).unwrap();
                let odd = (d * (k - 1) + 1) % 2 == 1;
                assert_eq!(half.output(i), Ok(if odd { i } else { i + 1 }));
            }
        }
    }
}
