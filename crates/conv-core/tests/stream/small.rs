//! One small geometry streamed, in every way that it allows, against the batch operation.

use conv_core::dynamic::Planar;
use conv_core::element::{Element, Multiply};
use conv_core::finish::{self, raw};
use conv_core::pool::{PoolOperation, Pooled};
use conv_core::quantised::{Accumulate, Activation, QuantOperation, Quantisation, Requantisation};
use conv_core::requantise::{Multiplier, Rounding};
use conv_core::stream::{Compute, SliceMap, SliceStream};
use conv_core::{Axis, Error, Geometry, Orientation};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::random::{Draw, Lcg};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

fn batch<T, W, A, const D: usize>(
    way: Way,
    geometry: &Geometry<D>,
    input: &[T],
    kernel: &[W],
) -> Vec<A>
where
    Geometry<D>: Planar,
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    let count = match way.transposed() {
        false => geometry.output_elements(),
        true => geometry.input_elements(),
    };
    let mut output = vec![A::ZERO; count];
    let done = match way {
        Way::Conv => geometry.conv(input, kernel, &mut output),
        Way::ConvTranspose => geometry.conv_transpose(input, kernel, &mut output),
        Way::Depthwise => geometry.depthwise(input, kernel, &mut output),
        Way::DepthwiseTranspose => geometry.depthwise_transpose(input, kernel, &mut output),
    };
    done.expect("the lengths fit");
    output
}

fn stream<'a, T, W, A, const D: usize>(
    way: Way,
    geometry: &Geometry<D>,
    kernel: &'a [W],
    history: &'a mut [T],
) -> Result<SliceStream<'a, T, SliceMap<'a, W, finish::Raw<A>>>, Error>
where
    Geometry<D>: Planar,
    T: Multiply<W, A>,
    W: Element,
    A: Element,
{
    match way {
        Way::Conv => SliceStream::conv(geometry, kernel, history, raw()),
        Way::ConvTranspose => SliceStream::conv_transpose(geometry, kernel, history, raw()),
        Way::Depthwise => SliceStream::depthwise(geometry, kernel, history, raw()),
        Way::DepthwiseTranspose => {
            SliceStream::depthwise_transpose(geometry, kernel, history, raw())
        }
    }
}

/// What to run and how long its inputs and outputs are.
struct Run<'a> {
    way: Way,
    axis: &'a Axis,
    padding: usize,
    row: usize,
    width: usize,
}

/// Runs a signal through the stream and compares with the batch output, output by output, and the input with which
/// each comes with the latency.
fn compare<T, L, O>(stream: &mut SliceStream<'_, T, L>, run: &Run<'_>, rows: &[T], expected: &[O])
where
    T: Element,
    L: Compute<T, O>,
    O: Element + Dirt,
{
    let &Run {
        way,
        axis,
        padding,
        row,
        width,
    } = run;
    let mut wanted = expected.chunks_exact(width);
    let mut output = Guarded::<O>::new(width);
    let (mut index, inputs) = (0_isize, rows.len() / row);
    let all = stream.outputs_of(inputs);
    assert_eq!(stream.outputs_of(0), 0);
    for (step, input) in rows.chunks_exact(row).enumerate() {
        let promised = stream.outputs_of(1);
        let latency = stream.latency();
        let mut due = stream.push(input).expect("the lengths fit");
        assert_eq!(due.remaining(), promised, "{axis:?}");
        while due.write_next(output.as_mut_slice()).expect("fits") {
            let want = wanted.next().expect("no more outputs than the batch");
            let same = output.as_slice().iter().zip(want).all(|(a, b)| a.same(*b));
            assert!(
                same,
                "output {index} of {way:?} {axis:?}: {output:?} not {want:?}"
            );
            let comes = match way.transposed() {
                false => index * axis.stride as isize + latency,
                true => (index + latency).div_euclid(axis.stride as isize),
            };
            assert_eq!(
                step as isize,
                comes.max(0),
                "output {index} of {way:?} {axis:?}"
            );
            index += 1;
        }
    }
    assert_eq!(index, all as isize, "{axis:?}");
    let mut due = stream.flush(padding).expect("a legal padding");
    while due.write_next(output.as_mut_slice()).expect("fits") {
        let want = wanted.next().expect("no more outputs than the batch");
        let same = output.as_slice().iter().zip(want).all(|(a, b)| a.same(*b));
        assert!(same, "output {index} of {way:?} {axis:?} at the end");
        index += 1;
    }
    assert_eq!(output.check(), Ok(()));
    assert_eq!(
        wanted.count(),
        0,
        "{way:?} {axis:?} with {inputs} inputs lacks outputs"
    );
}

/// The maps of these axes, in every way that they allow, with every output padding along the streamed one.
fn cases<const D: usize>(
    axes: [Axis; D],
    extents: [usize; D],
    (x, y, groups): (usize, usize, usize),
    orientation: Orientation,
) -> Vec<(Way, Geometry<D>, usize)> {
    let mut cases = Vec::new();
    if let Ok(geometry) = Geometry::direct(axes, extents, x, y, groups) {
        cases.push((Way::Conv, geometry.with_orientation(orientation), 0));
    }
    for padding in 0..axes[0].stride.max(axes[0].dilation) {
        let mut to = [0; D];
        for d in 0..D {
            let padding = if d == 0 { padding } else { 0 };
            to[d] = axes[d].transposed_output(extents[d], padding).unwrap_or(0);
        }
        if let Ok(geometry) = Geometry::transposed(axes, extents, to, x, y, groups) {
            let geometry = geometry.with_orientation(orientation);
            cases.push((Way::ConvTranspose, geometry, padding));
        }
    }
    if groups == x {
        for (way, geometry, padding) in cases.clone() {
            let way = match way.transposed() {
                false => Way::Depthwise,
                true => Way::DepthwiseTranspose,
            };
            cases.push((way, geometry, padding));
        }
    }
    cases
}

/// Two signals one after the other, after a third that a reset breaks off, through the stream that `stream` makes over a
/// history: each gives what `batch` gives.
fn drive<'a, T, L, O, const D: usize>(
    random: &mut Lcg,
    (way, geometry, padding): (Way, &Geometry<D>, usize),
    history: &'a mut Guarded<T>,
    stream: impl FnOnce(&'a mut [T]) -> Result<SliceStream<'a, T, L>, Error>,
    batch: impl Fn(&[T]) -> Vec<O>,
) where
    T: Element + Draw + Dirt,
    L: Compute<T, O>,
    O: Element + Dirt,
{
    let (source, target, inputs, outputs) = match way.transposed() {
        false => (
            geometry.input_elements(),
            geometry.output_elements(),
            geometry.input()[0],
            geometry.output()[0],
        ),
        true => (
            geometry.output_elements(),
            geometry.input_elements(),
            geometry.output()[0],
            geometry.input()[0],
        ),
    };
    let (row, width) = (source / inputs, target / outputs);
    let mut made = match stream(history.as_mut_slice()) {
        Ok(made) => made,
        Err(error) => panic!("{way:?} {geometry:?}: {error}"),
    };
    for _ in 0..random.below(4) {
        let mut noise = vec![T::ZERO; row];
        random.fill(&mut noise);
        let _ = made.push(&noise).expect("fits").remaining();
    }
    made.reset();
    for _ in 0..2 {
        let mut input = vec![T::ZERO; source];
        random.fill(&mut input);
        let expected = batch(&input);
        let axis = &geometry.axes()[0];
        let run = Run {
            way,
            axis,
            padding,
            row,
            width,
        };
        compare(&mut made, &run, &input, &expected);
    }
}

/// A history as long as needed, or longer by up to two inputs and, where that is not a whole number of them, some
/// elements.
fn history<T: Element + Draw + Dirt, const D: usize>(
    random: &mut Lcg,
    way: Way,
    geometry: &Geometry<D>,
) -> Guarded<T> {
    let (needed, row) = match way.transposed() {
        false => (
            geometry.conv_history(),
            geometry.input_elements() / geometry.input()[0],
        ),
        true => (
            geometry.conv_transpose_history(),
            geometry.output_elements() / geometry.output()[0],
        ),
    };
    let needed = needed.expect("small");
    assert_eq!(needed % row, 0);
    let mut history = Guarded::<T>::new(needed + random.below(2 * row + 2));
    random.fill(history.as_mut_slice());
    history
}

/// One geometry with a signal of `extents`, in every way it allows; how many there were.
pub(crate) fn check<T, W, A, const D: usize>(
    random: &mut Lcg,
    axes: [Axis; D],
    extents: [usize; D],
    channels: (usize, usize, usize),
    orientation: Orientation,
) -> usize
where
    Geometry<D>: Planar,
    T: Multiply<W, A> + Draw + Dirt,
    W: Element + Draw,
    A: Element + Dirt,
{
    let cases = cases(axes, extents, channels, orientation);
    for &(way, geometry, padding) in &cases {
        let mut kernel = vec![W::ZERO; geometry.kernel_elements()];
        random.fill(&mut kernel);
        let mut history = history::<T, D>(random, way, &geometry);
        drive(
            random,
            (way, &geometry, padding),
            &mut history,
            |memory| stream::<T, W, A, D>(way, &geometry, &kernel, memory),
            |input| batch::<T, W, A, D>(way, &geometry, input, &kernel),
        );
        assert_eq!(history.check(), Ok(()));
    }
    cases.len()
}

/// The same of quantised layers with outputs of `O`, of any zero point, clamp, biases and scales.
pub(crate) fn check_quantised<T, R, O, const D: usize>(
    random: &mut Lcg,
    axes: [Axis; D],
    extents: [usize; D],
    channels: (usize, usize, usize),
    orientation: Orientation,
) -> usize
where
    Geometry<D>: Planar,
    T: Activation + Draw + Dirt,
    R: Rounding<Scale = Multiplier>,
    R::Accumulator: Accumulate,
    O: Activation + Dirt,
{
    let cases = cases(axes, extents, channels, orientation);
    for &(way, geometry, padding) in &cases {
        let operation = match way {
            Way::Conv => QuantOperation::Conv,
            Way::ConvTranspose => QuantOperation::ConvTranspose,
            Way::Depthwise => QuantOperation::Depthwise,
            Way::DepthwiseTranspose => QuantOperation::DepthwiseTranspose,
        };
        let outputs = match way.transposed() {
            false => geometry.output_channels(),
            true => geometry.input_channels(),
        };
        let mut kernel = vec![0_i8; geometry.kernel_elements()];
        random.fill(&mut kernel);
        let bias: Vec<R::Accumulator> = (0..outputs)
            .map(|_| R::Accumulator::from(random.draw::<i16>().into()))
            .collect();
        let scales: Vec<Multiplier> = (0..outputs)
            .map(|_| Multiplier {
                multiplier: (random.next_u32() >> 2) as i32 | 1 << 30,
                shift: -4 - random.below(8) as i32,
            })
            .collect();
        let span = (T::GREATEST - T::LEAST).min(255) as usize + 1;
        let zero_point = match T::LEAST < -128 {
            true => 0,
            false => T::LEAST + random.below(span) as i32,
        };
        let requantisation = Requantisation::<R> {
            bias: (random.below(3) > 0).then_some(bias.as_slice()),
            scales: &scales,
            quantisation: Quantisation::new(zero_point, 7).with_clamp(O::LEAST.max(-100), 101),
        };
        let kernel = kernel.as_slice();
        let mut history = history::<T, D>(random, way, &geometry);
        drive(
            random,
            (way, &geometry, padding),
            &mut history,
            |memory| SliceStream::quantised(&geometry, operation, kernel, memory, requantisation),
            |input| {
                let elements = match way.transposed() {
                    false => geometry.output_elements(),
                    true => geometry.input_elements(),
                };
                let mut output = vec![O::ZERO; elements];
                geometry
                    .quantised(operation, input, kernel, &mut output, &requantisation)
                    .expect("the lengths fit");
                output
            },
        );
        assert_eq!(history.check(), Ok(()));
    }
    cases.len()
}

/// The same of average and max pooling. Where the batch refuses a window of padding alone, so does the stream, or the
/// signal is shorter than a window.
pub(crate) fn check_pool<T, const D: usize>(
    random: &mut Lcg,
    axes: [Axis; D],
    extents: [usize; D],
    channels: usize,
) -> usize
where
    Geometry<D>: Planar,
    T: Pooled + Draw + Dirt,
{
    let Ok(geometry) = Geometry::direct(axes, extents, channels, channels, channels) else {
        return 0;
    };
    let (low, high) = (T::LEAST, T::GREATEST);
    let mut count = 0;
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let batch = |input: &[T]| {
            let mut output = vec![T::ZERO; geometry.output_elements()];
            let done = geometry.pool(operation, input, &mut output, low, high);
            done.map(|()| output)
        };
        let blank = vec![T::ZERO; geometry.input_elements()];
        let mut history = history::<T, D>(random, Way::Conv, &geometry);
        let window = axes[0].dilated_kernel().expect("small");
        if let Err(error) = batch(&blank) {
            assert!(matches!(error, Error::EmptyWindow { .. }), "{error}");
            let memory = history.as_mut_slice();
            let made = SliceStream::pool(&geometry, operation, memory, low, high);
            assert!(made.is_err() || extents[0] < window, "{geometry:?}");
            continue;
        }
        let pad = axes[0].pad_before.max(axes[0].pad_after);
        if pad >= window as isize {
            let memory = history.as_mut_slice();
            let made = SliceStream::pool(&geometry, operation, memory, low, high);
            assert!(matches!(made, Err(Error::PoolPad { .. })), "{geometry:?}");
            continue;
        }
        drive(
            random,
            (Way::Conv, &geometry, 0),
            &mut history,
            |memory| SliceStream::pool(&geometry, operation, memory, low, high),
            |input| batch(input).expect("as before"),
        );
        assert_eq!(history.check(), Ok(()));
        count += 1;
    }
    count
}
