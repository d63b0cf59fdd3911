//! Every small shape.

use conv_core::element::{Element, Multiply};
use conv_core::{Axis, Error, Geometry, KernelLayout, Matrix, Orientation};
use conv_vectors::guard::Guarded;
use conv_vectors::random::{Lcg, Spread};

use crate::support::{Case, Channels, Operand, Total, for_every_pair, untouched};

const ORIENTATIONS: [Orientation; 2] = [Orientation::Correlation, Orientation::Convolution];

/// Every axis with kernel, stride, dilation and pads up to the given ones; the least pad may be negative.
fn axes(
    kernels: usize,
    strides: usize,
    dilations: usize,
    least_pad: isize,
    greatest_pad: isize,
) -> Vec<Axis> {
    let mut axes = Vec::new();
    for kernel in 1..=kernels {
        for stride in 1..=strides {
            for dilation in 1..=dilations {
                for before in least_pad..=greatest_pad {
                    for after in least_pad..=greatest_pad {
                        let axis = Axis::new(kernel)
                            .with_stride(stride)
                            .with_dilation(dilation);
                        axes.push(axis.with_pads(before, after));
                    }
                }
            }
        }
    }
    axes
}

/// The greatest extent that a transposed operation could be asked for along a small axis, and more.
fn beyond(axis: &Axis, from: usize) -> usize {
    let crop = axis.pad_before.min(0) + axis.pad_after.min(0);
    from * axis.stride
        + axis.kernel * axis.dilation
        + axis.stride.max(axis.dilation)
        + crop.unsigned_abs()
}

/// Every direct and every transposed case of an axis with one extent, all channels and orientations of
/// which `keep` holds.
fn for_each_case(
    axis: Axis,
    extent: usize,
    keep: impl Fn(usize) -> bool,
    mut run: impl FnMut(&Case<1>),
) -> [usize; 2] {
    let (mut direct, mut transposed) = (0, 0);
    for (index, channels) in Channels::SETS.into_iter().enumerate() {
        for (turn, orientation) in ORIENTATIONS.into_iter().enumerate() {
            if !keep(2 * index + turn) {
                continue;
            }
            if let Some(case) = Case::direct([axis], [extent], channels, orientation) {
                direct += 1;
                run(&case);
                case.depthwise().iter().for_each(&mut run);
            }
            for to in 1..=beyond(&axis, extent) {
                let case = Case::transposed([axis], [extent], [to], channels, orientation);
                if let Some(case) = case {
                    transposed += 1;
                    run(&case);
                    case.depthwise().iter().for_each(&mut run);
                }
            }
        }
    }
    [direct, transposed]
}

/// Extents 1 to 6, kernels to 4, strides to 3, dilations to 2, pads 0 to 3 on each side and, beyond those, one
/// cropped element; each with one channel in both orientations and two more sets of channels in turn.
#[test]
fn every_small_axis() {
    let mut random = Lcg::new(1);
    let mut counts = [0; 2];
    let mut turn = 0;
    for axis in axes(4, 3, 2, -1, 3) {
        for extent in 1..=6 {
            turn += 1;
            let sets = 2 * Channels::SETS.len();
            let chosen = [0, 1, 2 + turn % (sets - 2), 2 + (turn * 7 + 3) % (sets - 2)];
            let found = for_each_case(
                axis,
                extent,
                |set| chosen.contains(&set),
                |case| {
                    case.check::<i8, i8, i32>(&mut random);
                },
            );
            counts = [counts[0] + found[0], counts[1] + found[1]];
        }
    }
    assert!(counts[0] > 8_000 && counts[1] > 20_000, "{counts:?} cases");
}

/// A smaller sweep with every set of channels.
#[test]
fn every_channel_set() {
    let mut random = Lcg::new(2);
    for axis in axes(3, 2, 2, 0, 1) {
        for extent in [1, 2, 5] {
            for_each_case(
                axis,
                extent,
                |_| true,
                |case| case.check::<i8, i8, i32>(&mut random),
            );
        }
    }
}

/// Pads that exceed the kernel, strides that exceed it, and crops of several elements.
#[test]
fn far_pads_and_strides() {
    let mut random = Lcg::new(3);
    for kernel in 1..=3 {
        for stride in [1, 2, 5] {
            for dilation in [1, 3, 4] {
                for (before, after) in [(7, 0), (0, 9), (6, 8), (-3, 9), (9, -3), (-2, -2)] {
                    let axis = Axis::new(kernel)
                        .with_stride(stride)
                        .with_dilation(dilation);
                    let axis = axis.with_pads(before, after);
                    for extent in [1, 3, 8] {
                        for_each_case(
                            axis,
                            extent,
                            |set| set % 5 == extent % 5,
                            |case| {
                                case.check::<i8, i8, i32>(&mut random);
                            },
                        );
                    }
                }
            }
        }
    }
}

fn every_axis_with<T, W, A>()
where
    T: Operand + Multiply<W, A>,
    W: Operand<Exact = T::Exact>,
    A: Total<Exact = T::Exact>,
{
    let mut random = Lcg::new(4).spread(Spread::Full);
    for (turn, axis) in axes(3, 3, 2, -1, 2).into_iter().enumerate() {
        for extent in [1, 4] {
            for_each_case(
                axis,
                extent,
                |set| set % 14 == turn % 14,
                |case| {
                    case.check::<T, W, A>(&mut random);
                },
            );
        }
    }
}

macro_rules! element_sweep {
    ($name:ident, $input:ty, $kernel:ty, $accumulator:ty) => {
        #[test]
        fn $name() {
            super::every_axis_with::<$input, $kernel, $accumulator>();
        }
    };
}

mod every_axis_with {
    use super::for_every_pair;

    for_every_pair!(element_sweep);
}

/// Pairs of the axes above, height and width, each with its extent: a deterministic sample.
fn planes(count: usize, seed: u32, mut run: impl FnMut(&Case<2>)) -> usize {
    let axes = axes(4, 3, 2, -1, 3);
    let mut random = Lcg::new(seed);
    let mut cases = 0;
    while cases < count {
        let pair = [
            axes[random.below(axes.len())],
            axes[random.below(axes.len())],
        ];
        let extents = [1 + random.below(6), 1 + random.below(6)];
        let channels = Channels::SETS[random.below(Channels::SETS.len())];
        let orientation = ORIENTATIONS[random.below(2)];
        let case = match random.below(2) {
            0 => Case::direct(pair, extents, channels, orientation),
            _ => {
                let to = [0, 1].map(|d| {
                    let least = pair[d].transposed_output(extents[d], 0).unwrap_or(0);
                    let paddings = pair[d].stride.max(pair[d].dilation);
                    // One in eight is illegal.
                    least + random.below(paddings) + random.below(16) / 15
                });
                if to.contains(&0) {
                    continue;
                }
                Case::transposed(pair, extents, to, channels, orientation)
            }
        };
        if let Some(case) = case {
            cases += 1;
            run(&case);
            case.depthwise().iter().for_each(&mut run);
        }
    }
    cases
}

#[test]
fn pairs_of_axes() {
    let mut random = Lcg::new(5);
    planes(40_000, 6, |case| case.check::<i8, i8, i32>(&mut random));
}

macro_rules! pair_sweep {
    ($name:ident, $input:ty, $kernel:ty, $accumulator:ty) => {
        #[test]
        fn $name() {
            let mut random = super::Lcg::new(7).spread(super::Spread::Full);
            super::planes(600, 8, |case| {
                case.check::<$input, $kernel, $accumulator>(&mut random);
            });
        }
    };
}

mod pairs_of_axes_with {
    use super::for_every_pair;

    for_every_pair!(pair_sweep);
}

/// Calls both operations and the depthwise ones with every buffer one element short and one too long: the
/// error names it, and the output is as it was.
fn wrong_lengths<const D: usize>(case: &Case<D>)
where
    Geometry<D>: conv_core::dynamic::Planar,
{
    let geometry = case.geometry;
    let right = [
        geometry.input_elements(),
        geometry.kernel_elements(),
        geometry.output_elements(),
    ];
    for buffer in 0..3 {
        for wrong in [right[buffer] - 1, right[buffer] + 1] {
            let mut lengths = right;
            lengths[buffer] = wrong;
            let [x, kernel, y] = lengths.map(|length| vec![1_i8; length]);
            let mut forward = Guarded::<i32>::new(lengths[2]);
            let mut back = Guarded::<i32>::new(lengths[0]);
            let results = [
                case.conv(&x, &kernel, forward.as_mut_slice()),
                case.conv_transpose(&y, &kernel, back.as_mut_slice()),
            ];
            untouched(case, &forward);
            untouched(case, &back);
            for result in results {
                let Err(Error::Elements {
                    expected, found, ..
                }) = result
                else {
                    panic!("{result:?} of {case:?}");
                };
                assert_eq!([expected, found], [right[buffer], wrong], "{case:?}");
            }
        }
    }
}

#[test]
fn wrong_lengths_leave_the_output() {
    planes(2_000, 9, wrong_lengths);
    for axis in axes(2, 2, 2, 0, 1) {
        for_each_case(axis, 4, |set| set % 9 == 0, wrong_lengths);
    }
}

/// Where there is no legal geometry there is an error, and no operation to run.
#[test]
fn illegal_axes_are_errors() {
    let mut illegal = 0;
    for axis in axes(4, 3, 2, -1, 3) {
        for extent in 1..=6 {
            let made = Geometry::direct([axis], [extent], 1, 1, 1);
            if Case::direct([axis], [extent], Channels::ONE, Orientation::Correlation).is_none() {
                assert!(matches!(made, Err(Error::Axis { .. })), "{made:?}");
                illegal += 1;
            }
        }
    }
    assert!(illegal > 500, "{illegal} illegal axes");
    for zero in [
        Axis::new(0),
        Axis::new(1).with_stride(0),
        Axis::new(1).with_dilation(0),
    ] {
        assert!(Geometry::direct([zero], [5], 1, 1, 1).is_err());
        assert!(Geometry::transposed([zero], [5], [5], 1, 1, 1).is_err());
    }
    assert!(Geometry::direct([Axis::new(1)], [0], 1, 1, 1).is_err());
    assert!(Geometry::transposed([Axis::new(1)], [0], [1], 1, 1, 1).is_err());
    assert!(Geometry::transposed([Axis::new(1)], [1], [0], 1, 1, 1).is_err());
}

/// The matrix agrees with the oracle's entry by entry, rows and columns alike, for kernels in any order.
#[test]
fn entries_of_the_matrix() {
    let mut random = Lcg::new(10);
    planes(400, 11, |case| {
        entries(case, &mut random);
        if case.layout == KernelLayout::OutputSpatialInput {
            for layout in [
                KernelLayout::OutputInputSpatial,
                KernelLayout::InputSpatialOutput,
            ] {
                entries(&case.with_layout(layout), &mut random);
            }
        }
    });
}

fn entries(case: &Case<2>, random: &mut Lcg) {
    let (_, kernel, _) = case.draw::<i8, i8>(random);
    let found = Matrix::new(case.geometry, case.layout, &kernel).expect("legal");
    let expected = conv_vectors::oracle::matrix(&case.problem, |outer, inner, tap| {
        i128::from(kernel[case.weight(outer, inner, tap)])
    })
    .expect("legal");
    let (rows, columns) = (found.rows(), found.columns());
    assert_eq!([rows, columns], [expected.rows, expected.columns]);
    // The oracle numbers channels first.
    let first = |index: usize, channels: usize, all: usize| {
        index % channels * (all / channels) + index / channels
    };
    let (y, x) = (case.problem.y_channels, case.problem.x_channels);
    for row in 0..rows {
        let mut dense = vec![0; columns];
        for (column, weight) in found.row(row) {
            dense[column] += i128::from(weight);
        }
        let wanted: Vec<i128> = (0..columns)
            .map(|column| expected.at(first(row, y, rows), first(column, x, columns)))
            .collect();
        assert_eq!(dense, wanted, "row {row} of {case:?}");
    }
    let (row, column) = (random.below(rows), random.below(columns));
    let entry = expected.at(first(row, y, rows), first(column, x, columns));
    assert_eq!(i128::from(found.entry(row, column)), entry);
    assert_eq!(
        found.transposed().entry(column, row),
        found.entry(row, column)
    );
    let mut down = found.column(column).filter(|&(at, _)| at == row);
    assert_eq!(
        down.next().map_or(0, |(_, weight)| i128::from(weight)),
        entry
    );
    assert_eq!(found.entry(rows, 0), i8::ZERO);
    assert_eq!(found.row(rows).count(), 0);
}
