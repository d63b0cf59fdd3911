//! Every small axis, and a sample of pairs of axes, through the run-time forms.
//!
//! One dimension, exhaustively: extent 1..=6, kernel 1..=4, stride 1..=3, dilation 1..=2, pads 0..=3
//! on each side, the operation and its transpose, with every legal output padding. Two dimensions:
//! pairs of such axes, drawn. Most element types take the single axes as images of one row, which
//! saves flash; `i8` and `f32` also as signals. Channels, groups and orientation change from one case to the next.
//! Each output is held against the matrix, row by row, and every output buffer begins dirty.

use conv_core::element::{Element, Multiply};
use conv_core::geometry::{KernelLayout, Orientation};
use conv_core::matrix::Matrix;
use conv_core::{Axis, Geometry, dynamic::Planar};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};

/// Input channels, output channels, groups; the last two are depthwise.
pub(crate) const CHANNELS: [(usize, usize, usize); 5] =
    [(1, 1, 1), (2, 3, 1), (4, 2, 2), (3, 3, 3), (2, 4, 2)];
/// The longest buffers of the sweeps: 9×9 outputs with 4 channels.
const LONGEST: usize = 9 * 9 * 4;
/// The largest kernel: 3×3 taps, 2 input channels, 3 output channels.
const TAPS: usize = 3 * 3 * 6;
/// How many pairs of axes are drawn for each pair of elements.
const PAIRS: u32 = 150;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("sweep/signals-i8", |group| {
        signals::<i8, i8, i32, 1>(group, |&signal| signal)
    });
    run.group("sweep/signals-f32", |group| {
        signals::<f32, f32, f32, 1>(group, |&signal| signal)
    });
    both::<i8, i8, i32>(run, ["sweep/i8", "pairs/i8"], Spread::Uniform);
    both::<i8, i8, i64>(run, ["sweep/i8-i64", "pairs/i8-i64"], Spread::Extremes);
    both::<u8, i8, i32>(run, ["sweep/u8", "pairs/u8"], Spread::Extremes);
    both::<u8, i8, i64>(run, ["sweep/u8-i64", "pairs/u8-i64"], Spread::Uniform);
    both::<i16, i8, i32>(run, ["sweep/i16-i8", "pairs/i16-i8"], Spread::Extremes);
    both::<i16, i8, i64>(
        run,
        ["sweep/i16-i8-i64", "pairs/i16-i8-i64"],
        Spread::Uniform,
    );
    both::<i16, i16, i64>(run, ["sweep/i16", "pairs/i16"], Spread::Extremes);
    both::<i32, i32, i128>(run, ["sweep/i32", "pairs/i32"], Spread::Extremes);
    both::<f32, f32, f32>(run, ["sweep/f32", "pairs/f32"], Spread::Full);
    both::<f64, f64, f64>(run, ["sweep/f64", "pairs/f64"], Spread::Full);
}

fn both<T, W, A>(run: &mut Run<'_>, names: [&str; 2], spread: Spread)
where
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    run.group(names[0], |group| {
        group.spread(spread);
        signals::<T, W, A, 2>(group, Geometry::as_2d);
    });
    run.group(names[1], |group| {
        group.spread(spread);
        images::<T, W, A>(group);
    });
}

/// Every axis of the sweep, with its extent.
pub(crate) fn axes() -> impl Iterator<Item = (Axis, usize)> {
    (0..6 * 4 * 3 * 2 * 4 * 4_usize).map(|index| {
        let (index, extent) = (index / 6, 1 + index % 6);
        let (index, kernel) = (index / 4, 1 + index % 4);
        let (index, stride) = (index / 3, 1 + index % 3);
        let (index, dilation) = (index / 2, 1 + index % 2);
        let (pad_after, pad_before) = (index / 4, index % 4);
        let axis = Axis::new(kernel)
            .with_stride(stride)
            .with_dilation(dilation);
        (
            axis.with_pads(pad_before as isize, pad_after as isize),
            extent,
        )
    })
}

/// The axes one at a time; `form` says whether as signals or as images of one row.
fn signals<T, W, A, const D: usize>(group: &mut Group, form: fn(&Geometry<1>) -> Geometry<D>)
where
    Geometry<D>: Planar,
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    for (index, (axis, extent)) in axes().enumerate() {
        let (input_channels, output_channels, groups) = CHANNELS[index % CHANNELS.len()];
        let direct = Geometry::direct([axis], [extent], input_channels, output_channels, groups);
        // Which settings are legal is a result, too.
        group.note(u32::from(direct.is_ok()));
        if let Ok(geometry) = direct {
            let geometry = form(&geometry.with_orientation(orientation(index)));
            Case { group, geometry }.run::<T, W, A>(Ways::Both);
        }
        for output_padding in 0..axis.stride.max(axis.dilation) {
            let Ok(output) = axis.transposed_output(extent, output_padding) else {
                continue;
            };
            let transposed = Geometry::transposed(
                [axis],
                [extent],
                [output],
                input_channels,
                output_channels,
                groups,
            );
            group.note(u32::from(transposed.is_ok()));
            if let Ok(geometry) = transposed {
                let geometry = form(&geometry.with_orientation(orientation(index)));
                Case { group, geometry }.run::<T, W, A>(Ways::Transposed);
            }
        }
    }
}

fn images<T, W, A>(group: &mut Group)
where
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    let mut drawn = 0;
    while drawn < PAIRS {
        let mut draw = |from: usize, count: usize| from + group.random.below(count);
        let axes = [(); 2].map(|()| {
            let axis = Axis::new(draw(1, 3))
                .with_stride(draw(1, 3))
                .with_dilation(draw(1, 2));
            axis.with_pads(draw(0, 3) as isize, draw(0, 3) as isize)
        });
        let extents = [draw(1, 5), draw(1, 5)];
        let index = draw(0, 10);
        let (input_channels, output_channels, groups) = CHANNELS[index % CHANNELS.len()];
        let geometry = Geometry::direct(axes, extents, input_channels, output_channels, groups);
        group.note(u32::from(geometry.is_ok()));
        if let Ok(geometry) = geometry {
            let geometry = geometry.with_orientation(orientation(index));
            Case { group, geometry }.run::<T, W, A>(Ways::Both);
            drawn += 1;
        }
    }
}

/// The orientation by turns.
pub(crate) fn orientation(index: usize) -> Orientation {
    if index.is_multiple_of(2) {
        Orientation::Correlation
    } else {
        Orientation::Convolution
    }
}

/// Which operations of a geometry are run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    Both,
    Transposed,
}

/// One operation.
#[derive(Clone, Copy)]
enum Way {
    Direct,
    Transposed,
}

/// One geometry, with data from its group.
struct Case<'a, const D: usize> {
    group: &'a mut Group,
    geometry: Geometry<D>,
}

impl<const D: usize> Case<'_, D>
where
    Geometry<D>: Planar,
{
    fn run<T, W, A>(&mut self, ways: Ways)
    where
        T: Multiply<W, A> + Draw,
        W: Element + Draw,
        A: Element + Number,
    {
        let depthwise = self.geometry.groups() == self.geometry.input_channels();
        let layouts = [
            KernelLayout::OutputSpatialInput,
            KernelLayout::SpatialOutput,
        ];
        for layout in layouts.into_iter().take(1 + usize::from(depthwise)) {
            if ways == Ways::Both {
                self.operation::<T, W, A>(layout, Way::Direct);
            }
            self.operation::<T, W, A>(layout, Way::Transposed);
        }
    }

    /// Never inlined: its buffers are most of what the smallest board has.
    #[inline(never)]
    fn operation<T, W, A>(&mut self, layout: KernelLayout, way: Way)
    where
        T: Multiply<W, A> + Draw,
        W: Element + Draw,
        A: Element + Number,
    {
        let geometry = self.geometry;
        let (from, to) = match way {
            Way::Direct => (geometry.input_elements(), geometry.output_elements()),
            Way::Transposed => (geometry.output_elements(), geometry.input_elements()),
        };
        let (mut kernel, mut source) = ([W::ZERO; TAPS], [T::ZERO; LONGEST]);
        let mut target = [A::DIRTY; LONGEST];
        let (kernel, source) = (
            &mut kernel[..geometry.kernel_elements()],
            &mut source[..from],
        );
        self.group.fill(kernel);
        self.group.fill(source);
        let (output, guard) = target.split_at_mut(to);
        let done = match (layout, way) {
            (KernelLayout::SpatialOutput, Way::Direct) => {
                geometry.depthwise(source, kernel, output)
            }
            (KernelLayout::SpatialOutput, Way::Transposed) => {
                geometry.depthwise_transpose(source, kernel, output)
            }
            (_, Way::Direct) => geometry.conv(source, kernel, output),
            (_, Way::Transposed) => geometry.conv_transpose(source, kernel, output),
        };
        self.group.values(output);
        let untouched = guard.iter().all(|value| *value == A::DIRTY);
        let matrix = Matrix::new(geometry.planar(), layout, kernel).map(|matrix| match way {
            Way::Direct => matrix,
            Way::Transposed => matrix.transposed(),
        });
        let right = matrix.is_ok_and(|matrix| is_product(&matrix, source, output));
        self.group.check(done.is_ok() && untouched && right);
    }
}

/// Whether `output` is the matrix times `source`, bit for bit: both sum in the same order.
#[inline(never)]
fn is_product<T, W, A>(matrix: &Matrix<'_, W, 2>, source: &[T], output: &[A]) -> bool
where
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    matrix.rows() == output.len()
        && matrix.columns() == source.len()
        && output.iter().enumerate().all(|(row, value)| {
            let sum = matrix.row(row).fold(A::ZERO, |sum, (column, weight)| {
                source
                    .get(column)
                    .map_or(sum, |&x| T::multiply_add(sum, x, weight))
            });
            sum == *value
        })
}
