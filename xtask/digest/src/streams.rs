//! Streams at run-time shapes against the batch operation: every small axis, and a sample of pairs of axes; quantised
//! layers and pooling along every small axis.

use conv_core::element::{Element, Multiply};
use conv_core::finish;
use conv_core::pool::{PoolOperation, Pooled};
use conv_core::quantised::{Accumulate, Activation, QuantOperation, Quantisation, Requantisation};
use conv_core::requantise::{Double, Multiplier, Rounding, Wide};
use conv_core::stream::{Compute, SliceStream};
use conv_core::{Axis, Error, Geometry, dynamic::Planar};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};
use crate::sweep::{CHANNELS, axes, orientation};

/// The longest buffers: 5×5 inputs of 4 channels become up to 27×27.
const LONGEST: usize = 4096;
/// How many pairs of axes are drawn for each pair of elements.
const PAIRS: u32 = 400;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    of::<i8, i8, i32>(run, ["streams/i8", "streams/rows-i8"]);
    of::<i16, i16, i64>(run, ["streams/i16", "streams/rows-i16"]);
    of::<f32, f32, f32>(run, ["streams/f32", "streams/rows-f32"]);
    run.group("streams/quantised-i8", quantised::<i8, Double>);
    run.group("streams/quantised-i16", quantised::<i16, Wide>);
    run.group("streams/pool-i8", pools::<i8>);
    run.group("streams/pool-f32", pools::<f32>);
}

fn of<T, W, A>(run: &mut Run<'_>, names: [&str; 2])
where
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    run.group(names[0], |group| {
        group.spread(Spread::Extremes);
        for (index, (axis, extent)) in axes().enumerate() {
            check::<T, W, A, 1>(group, [axis], [extent], index);
        }
    });
    run.group(names[1], |group| {
        group.spread(Spread::Extremes);
        let mut drawn = 0;
        while drawn < PAIRS {
            let mut draw = |from: usize, count: usize| from + group.random.below(count);
            let axes = [(); 2].map(|()| {
                Axis::new(draw(1, 3))
                    .with_stride(draw(1, 3))
                    .with_dilation(draw(1, 2))
                    .with_pads(draw(0, 3) as isize, draw(0, 3) as isize)
            });
            let (extents, index) = ([draw(1, 5), draw(1, 5)], draw(0, 10));
            drawn += check::<T, W, A, 2>(group, axes, extents, index);
        }
    });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Conv,
    ConvTranspose,
    Depthwise,
    DepthwiseTranspose,
}

impl Way {
    fn transposed(self) -> bool {
        matches!(self, Self::ConvTranspose | Self::DepthwiseTranspose)
    }
}

/// Every way through the maps of these axes, with every output padding along the streamed one; how many there were.
fn check<T, W, A, const D: usize>(
    group: &mut Group,
    axes: [Axis; D],
    extents: [usize; D],
    index: usize,
) -> u32
where
    Geometry<D>: Planar,
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    let (x, y, groups) = CHANNELS[index % CHANNELS.len()];
    let depthwise = groups == x;
    let mut count = 0;
    if let Ok(geometry) = Geometry::direct(axes, extents, x, y, groups) {
        let geometry = geometry.with_orientation(orientation(index));
        compare::<T, W, A, D>(group, Way::Conv, &geometry, extents[0], 0);
        if depthwise {
            compare::<T, W, A, D>(group, Way::Depthwise, &geometry, extents[0], 0);
        }
        count += 1;
    }
    for padding in 0..axes[0].stride.max(axes[0].dilation) {
        let mut to = [0; D];
        for (d, to) in to.iter_mut().enumerate() {
            let padding = if d == 0 { padding } else { 0 };
            *to = axes[d].transposed_output(extents[d], padding).unwrap_or(0);
        }
        if let Ok(geometry) = Geometry::transposed(axes, extents, to, x, y, groups) {
            let geometry = geometry.with_orientation(orientation(index));
            compare::<T, W, A, D>(group, Way::ConvTranspose, &geometry, extents[0], padding);
            if depthwise {
                let way = Way::DepthwiseTranspose;
                compare::<T, W, A, D>(group, way, &geometry, extents[0], padding);
            }
            count += 1;
        }
    }
    count
}

/// One stream over `inputs` rows, against the batch operation; and over the same ones once more after a reset.
#[inline(never)]
fn compare<T, W, A, const D: usize>(
    group: &mut Group,
    way: Way,
    geometry: &Geometry<D>,
    inputs: usize,
    padding: usize,
) where
    Geometry<D>: Planar,
    T: Multiply<W, A> + Draw,
    W: Element + Draw,
    A: Element + Number,
{
    let (from, to, outputs) = match way.transposed() {
        false => (
            geometry.input_elements(),
            geometry.output_elements(),
            geometry.output()[0],
        ),
        true => (
            geometry.output_elements(),
            geometry.input_elements(),
            geometry.input()[0],
        ),
    };
    let needed = match way.transposed() {
        false => geometry.conv_history(),
        true => geometry.conv_transpose_history(),
    };
    let fits = |&needed: &usize| needed <= LONGEST && from <= LONGEST && to <= LONGEST;
    let Some(needed) = needed.ok().filter(fits) else {
        return group.check(false);
    };
    let (mut input, mut kernel) = ([T::ZERO; LONGEST], [W::ZERO; LONGEST]);
    let (mut history, mut batch) = ([T::ZERO; LONGEST], [A::DIRTY; LONGEST]);
    let (input, kernel) = (
        &mut input[..from],
        &mut kernel[..geometry.kernel_elements()],
    );
    group.fill(input);
    group.fill(kernel);
    let batch = &mut batch[..to];
    let done = match way {
        Way::Conv => geometry.conv(input, kernel, batch),
        Way::ConvTranspose => geometry.conv_transpose(input, kernel, batch),
        Way::Depthwise => geometry.depthwise(input, kernel, batch),
        Way::DepthwiseTranspose => geometry.depthwise_transpose(input, kernel, batch),
    };
    group.check(done.is_ok());
    let history = &mut history[..needed];
    let raw = finish::raw();
    let stream = match way {
        Way::Conv => SliceStream::conv(geometry, kernel, history, raw),
        Way::ConvTranspose => SliceStream::conv_transpose(geometry, kernel, history, raw),
        Way::Depthwise => SliceStream::depthwise(geometry, kernel, history, raw),
        Way::DepthwiseTranspose => SliceStream::depthwise_transpose(geometry, kernel, history, raw),
    };
    let Ok(mut stream) = stream else {
        return group.check(false);
    };
    let sizes = [from / inputs, to / outputs];
    for _ in 0..2 {
        let same = streamed(group, &mut stream, sizes, padding, input, batch);
        group.check(same == Ok(true));
        stream.reset();
    }
}

/// Quantised layers along every small axis, both ways, depthwise where the channels allow it.
fn quantised<T, R>(group: &mut Group)
where
    T: Activation + Draw + Number,
    R: Rounding<Scale = Multiplier, Accumulator: Accumulate>,
{
    group.spread(Spread::Extremes);
    for (index, (axis, extent)) in axes().enumerate() {
        let (x, y, groups) = CHANNELS[index % CHANNELS.len()];
        let to = axis.transposed_output(extent, 0).unwrap_or(0);
        let direct = Geometry::direct([axis], [extent], x, y, groups);
        let transposed = Geometry::transposed([axis], [extent], [to], x, y, groups);
        let depthwise = groups == x;
        for (operation, geometry) in [
            (QuantOperation::Conv, direct),
            (QuantOperation::ConvTranspose, transposed),
            (QuantOperation::Depthwise, direct),
            (QuantOperation::DepthwiseTranspose, transposed),
        ] {
            let each = matches!(
                operation,
                QuantOperation::Depthwise | QuantOperation::DepthwiseTranspose
            );
            if let Ok(geometry) = geometry
                && (depthwise || !each)
            {
                let geometry = geometry.with_orientation(orientation(index));
                compare_quantised::<T, R>(group, operation, &geometry, extent);
            }
        }
    }
}

#[inline(never)]
fn compare_quantised<T, R>(
    group: &mut Group,
    operation: QuantOperation,
    geometry: &Geometry<1>,
    inputs: usize,
) where
    T: Activation + Draw + Number,
    R: Rounding<Scale = Multiplier, Accumulator: Accumulate>,
{
    let (x, y) = (geometry.input_elements(), geometry.output_elements());
    let (from, to, outputs, needed) = match operation {
        QuantOperation::Conv | QuantOperation::Depthwise => {
            (x, y, geometry.output()[0], geometry.conv_history())
        }
        _ => (y, x, geometry.input()[0], geometry.conv_transpose_history()),
    };
    let (mut input, mut kernel) = ([T::ZERO; LONGEST], [0_i8; LONGEST]);
    let (mut history, mut batch) = ([T::ZERO; LONGEST], [T::DIRTY; LONGEST]);
    let (input, batch) = (&mut input[..from], &mut batch[..to]);
    let kernel = &mut kernel[..geometry.kernel_elements()];
    group.fill(input);
    group.fill(kernel);
    let kernel = &*kernel;
    let scales = [Multiplier {
        multiplier: (group.random.next_u32() >> 2) as i32 | 1 << 30,
        shift: -4 - group.random.below(8) as i32,
    }];
    let zero_point = group.random.below(9) as i32;
    let requantisation = Requantisation::<R> {
        bias: None,
        scales: &scales,
        quantisation: Quantisation::new(zero_point, 7).with_clamp(-100, 101),
    };
    let done = geometry.quantised(operation, input, kernel, batch, &requantisation);
    group.check(done.is_ok());
    let Some(history) = needed.ok().and_then(|needed| history.get_mut(..needed)) else {
        return group.check(false);
    };
    let made = SliceStream::quantised(geometry, operation, kernel, history, requantisation);
    let same = made.and_then(|mut stream| {
        let sizes = [from / inputs, to / outputs];
        streamed(group, &mut stream, sizes, 0, input, batch)
    });
    group.check(same == Ok(true));
}

/// Pooling along every small axis. A pad that could hold a window is an error; so is, for the batch, a signal with a window
/// of padding alone.
fn pools<T: Pooled + Draw + Number>(group: &mut Group) {
    group.spread(Spread::Extremes);
    for (index, (axis, extent)) in axes().enumerate() {
        let channels = 1 + index % 3;
        let geometry = Geometry::direct([axis], [extent], channels, channels, channels);
        let Ok(geometry) = geometry else {
            continue;
        };
        for operation in [PoolOperation::Average, PoolOperation::Max] {
            compare_pool::<T>(group, operation, &geometry);
        }
    }
}

#[inline(never)]
fn compare_pool<T: Pooled + Draw + Number>(
    group: &mut Group,
    operation: PoolOperation,
    geometry: &Geometry<1>,
) {
    let (mut input, mut history) = ([T::ZERO; LONGEST], [T::ZERO; LONGEST]);
    let mut batch = [T::DIRTY; LONGEST];
    let input = &mut input[..geometry.input_elements()];
    let batch = &mut batch[..geometry.output_elements()];
    group.fill(input);
    let (low, high) = (T::LEAST, T::GREATEST);
    let done = geometry.pool(operation, input, batch, low, high);
    let made = SliceStream::pool(geometry, operation, &mut history, low, high);
    group.note(u32::from(done.is_ok()) + 2 * u32::from(made.is_ok()));
    if let (Ok(()), Ok(mut stream)) = (done, made) {
        let channels = geometry.input_channels();
        let same = streamed(group, &mut stream, [channels; 2], 0, input, batch);
        group.check(same == Ok(true));
    }
}

/// Whether the stream's outputs are the batch's, one after the other.
fn streamed<T, L, O>(
    group: &mut Group,
    stream: &mut SliceStream<'_, T, L>,
    [row, width]: [usize; 2],
    padding: usize,
    input: &[T],
    batch: &[O],
) -> Result<bool, Error>
where
    T: Element,
    L: Compute<T, O>,
    O: Number,
{
    let mut wanted = batch.chunks_exact(width);
    let mut output = [O::DIRTY; LONGEST];
    let output = &mut output[..width];
    let mut same = true;
    for row in input.chunks_exact(row) {
        let mut due = stream.push(row)?;
        while due.write_next(output)? {
            group.values(output);
            same &= wanted.next() == Some(output);
        }
    }
    let mut due = stream.flush(padding)?;
    while due.write_next(output)? {
        group.values(output);
        same &= wanted.next() == Some(output);
    }
    Ok(same && wanted.next().is_none())
}
