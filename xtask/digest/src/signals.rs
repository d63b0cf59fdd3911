//! Signals of integers on the core's own loops, against sums written out in 128 bits.
//!
//! Cores compute four outputs at a time and take up to eight taps together, sixteen with vectors, so that taps go from 1 to 40, each with
//! lengths around as many. Strides, dilations and pads (negative ones crop) are drawn, as are direct and transposed, one
//! channel or several each by itself, and kernels turned round. One case in four has values at the ends of their ranges, one in
//! eight the least in all places; one in two has small weights, with which fewer bits are proven to hold the sums. The output lies
//! between guards, and holds something else before.

use conv_core::element::{Element, Multiply};
use conv_core::finish::Saturate;
use conv_core::geometry::Orientation;
use conv_core::{Axis, Geometry, finish};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};

/// Most taps; the longest buffers.
const TAPS: usize = 40;
const LONGEST: usize = 1024;
const KERNEL: usize = 128;
/// Values on either side of the output that stay what they were.
const GUARDS: usize = 16;
/// Lengths that are drawn for each number of taps.
const LENGTHS: usize = 12;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("signals/i8", sweep::<i8, i8, i32>);
    run.group("signals/u8", sweep::<u8, i8, i32>);
    run.group("signals/i16-i8", sweep::<i16, i8, i32>);
    run.group("signals/i16", sweep::<i16, i16, i64>);
    run.group("signals/i32", sweep::<i32, i32, i128>);
}

/// An integer whose values all are an `i64`.
trait Short: Element + Draw + Saturate + Into<i64> {
    const LEAST: Self;
    /// Without its last bits.
    fn small(self) -> Self;
}

macro_rules! short {
    ($($integer:ty, $bits:literal;)*) => {$(
        impl Short for $integer {
            const LEAST: Self = Self::MIN;

            fn small(self) -> Self {
                self >> $bits
            }
        }
    )*};
}
short! {
    i8, 3;
    u8, 3;
    i16, 5;
    i32, 5;
}

fn sweep<T, W, A>(group: &mut Group)
where
    T: Short + Multiply<W, A>,
    W: Short,
    A: Number + Saturate + TryFrom<i128>,
{
    for taps in 1..=TAPS {
        for _ in 0..LENGTHS {
            let mut draw = |from: isize, count: usize| from + group.random.below(count) as isize;
            let axis = Axis::new(taps)
                .with_stride([1, 1, 2, 3, 4][draw(0, 5).unsigned_abs()])
                .with_dilation([1, 1, 1, 2][draw(0, 4).unsigned_abs()])
                .with_pads(draw(-1, taps + 2), draw(-1, taps + 2));
            let length = draw(1, taps + 24).unsigned_abs();
            let channels = [1, 1, 1, 2, 3][draw(0, 5).unsigned_abs()];
            let is_transposed = draw(0, 2) == 0;
            let orientation = match draw(0, 2) {
                0 => Orientation::Correlation,
                _ => Orientation::Convolution,
            };
            let geometry = match is_transposed {
                false => Geometry::direct([axis], [length], channels, channels, channels),
                true => {
                    let padding = group.random.below(axis.stride.max(axis.dilation));
                    let Ok(target) = axis.transposed_output(length, padding) else {
                        continue;
                    };
                    Geometry::transposed([axis], [length], [target], channels, channels, channels)
                }
            };
            let Ok(geometry) = geometry else { continue };
            let geometry = geometry.with_orientation(orientation);
            if Ord::max(geometry.input_elements(), geometry.output_elements()) <= LONGEST {
                operation::<T, W, A>(group, &geometry, is_transposed);
            }
        }
    }
}

/// One operation.
#[inline(never)]
fn operation<T, W, A>(group: &mut Group, geometry: &Geometry<1>, is_transposed: bool)
where
    T: Short + Multiply<W, A>,
    W: Short,
    A: Number + Saturate + TryFrom<i128>,
{
    let (mut source, mut kernel) = ([T::ZERO; LONGEST], [W::ZERO; KERNEL]);
    let mut target = [A::GREATEST; LONGEST + 2 * GUARDS];
    let (from, to) = match is_transposed {
        false => (geometry.input_elements(), geometry.output_elements()),
        true => (geometry.output_elements(), geometry.input_elements()),
    };
    let (source, kernel) = (
        &mut source[..from],
        &mut kernel[..geometry.kernel_elements()],
    );
    fill(group, source, kernel);
    let (before, rest) = target.split_at_mut(GUARDS);
    let (output, after) = rest.split_at_mut(to);
    let raw = finish::raw::<A>();
    let done = match is_transposed {
        false => geometry.depthwise_with(source, kernel, output, raw),
        true => geometry.depthwise_transpose_with(source, kernel, output, raw),
    };
    let untouched = before
        .iter()
        .chain(&*after)
        .all(|&value| value == A::GREATEST);
    let sums = Sums {
        geometry,
        source,
        kernel,
        is_transposed,
    };
    let right = (output.iter().enumerate())
        .all(|(index, &found)| A::try_from(sums.sum(index)).is_ok_and(|sum| sum == found));
    group.values(output);
    group.check(done.is_ok() && untouched && right);
}

fn fill<T: Short, W: Short>(group: &mut Group, source: &mut [T], kernel: &mut [W]) {
    let spread = [Spread::Full, Spread::Full, Spread::Full, Spread::Extremes];
    let spread = spread[group.random.below(4)];
    group.spread(spread);
    group.fill(source);
    group.fill(kernel);
    group.spread(Spread::Full);
    if group.random.below(8) == 0 {
        source.fill(T::LEAST);
        kernel.fill(W::LEAST);
    }
    if group.random.below(2) == 0 {
        for weight in kernel {
            *weight = weight.small();
        }
    }
}

/// The sums of an operation as the documentation states them.
struct Sums<'a, T, W> {
    geometry: &'a Geometry<1>,
    source: &'a [T],
    kernel: &'a [W],
    is_transposed: bool,
}

impl<T: Short, W: Short> Sums<'_, T, W> {
    fn sum(&self, index: usize) -> i128 {
        let channels = self.geometry.groups();
        let (position, channel) = (index / channels, index % channels);
        let [axis] = *self.geometry.axes();
        let mut sum = 0;
        for tap in 0..axis.kernel {
            let reach = (tap * axis.dilation) as isize;
            let from = match self.is_transposed {
                false => (position * axis.stride) as isize + reach - axis.pad_before,
                true => {
                    let distance = position as isize + axis.pad_before - reach;
                    if distance.rem_euclid(axis.stride as isize) != 0 {
                        continue;
                    }
                    distance.div_euclid(axis.stride as isize)
                }
            };
            let Ok(from) = usize::try_from(from) else {
                continue;
            };
            let Some(&x) = self.source.get(from * channels + channel) else {
                continue;
            };
            let stored = match self.geometry.orientation() {
                Orientation::Convolution => axis.kernel - 1 - tap,
                Orientation::Correlation => tap,
            };
            let (x, w): (i64, i64) = (x.into(), self.kernel[stored * channels + channel].into());
            sum += i128::from(x) * i128::from(w);
        }
        sum
    }
}
