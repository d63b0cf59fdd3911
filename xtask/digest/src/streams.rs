//! Streams at run-time shapes against the batch operation: every small axis, and a sample of pairs of axes.

use conv_core::element::{Element, Multiply};
use conv_core::finish::{self, Raw};
use conv_core::stream::SliceStream;
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
        false => SliceStream::<T, W, Raw<A>>::conv_history(geometry),
        true => SliceStream::<T, W, Raw<A>>::conv_transpose_history(geometry),
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

/// Whether the stream's outputs are the batch's, one after the other.
fn streamed<T, W, A>(
    group: &mut Group,
    stream: &mut SliceStream<'_, T, W, Raw<A>>,
    [row, width]: [usize; 2],
    padding: usize,
    input: &[T],
    batch: &[A],
) -> Result<bool, Error>
where
    T: Multiply<W, A>,
    W: Element,
    A: Element + Number,
{
    let mut wanted = batch.chunks_exact(width);
    let mut output = [A::DIRTY; LONGEST];
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
