//! Every small shape at run time.

use conv_core::element::{Element, Multiply};
use conv_core::finish::{self, raw};
use conv_core::stream::SliceStream;
use conv_core::{Axis, AxisError, Buffer, Dimension, Error, Geometry, Orientation};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::random::{Draw, Lcg, Spread};

/// Channels of x, of y, groups: each of the engine's loops.
const CHANNELS: [(usize, usize, usize); 7] = [
    (1, 1, 1),
    (2, 3, 1),
    (1, 9, 1),
    (4, 2, 2),
    (3, 3, 3),
    (9, 18, 9),
    (3, 1, 1),
];

fn axes(least_pad: isize) -> Vec<Axis> {
    let mut axes = Vec::new();
    for kernel in 1..=4 {
        for stride in 1..=3 {
            for dilation in 1..=2 {
                for before in least_pad..=3 {
                    for after in least_pad..=3 {
                        let axis = Axis::new(kernel).with_stride(stride);
                        axes.push(axis.with_dilation(dilation).with_pads(before, after));
                    }
                }
            }
        }
    }
    axes
}

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
    Geometry<D>: conv_core::dynamic::Planar,
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
) -> Result<SliceStream<'a, T, W, finish::Raw<A>>, Error>
where
    Geometry<D>: conv_core::dynamic::Planar,
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
fn compare<T, W, A>(
    stream: &mut SliceStream<'_, T, W, finish::Raw<A>>,
    run: &Run<'_>,
    rows: &[T],
    expected: &[A],
) where
    T: Multiply<W, A>,
    W: Element,
    A: Element + Dirt,
{
    let &Run {
        way,
        axis,
        padding,
        row,
        width,
    } = run;
    let mut wanted = expected.chunks_exact(width);
    let mut output = Guarded::<A>::new(width);
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

/// One geometry with a signal of `extent`, in every way it allows. Two signals one after the other, the first
/// broken off by a reset.
fn check<T, W, A, const D: usize>(
    random: &mut Lcg,
    axes: [Axis; D],
    extents: [usize; D],
    (x, y, groups): (usize, usize, usize),
    orientation: Orientation,
) -> usize
where
    Geometry<D>: conv_core::dynamic::Planar,
    T: Multiply<W, A> + Draw + Dirt,
    W: Element + Draw,
    A: Element + Dirt,
{
    let mut cases = Vec::new();
    if let Ok(geometry) = Geometry::direct(axes, extents, x, y, groups) {
        cases.push((Way::Conv, geometry, 0));
        if groups == x {
            cases.push((Way::Depthwise, geometry, 0));
        }
    }
    for padding in 0..axes[0].stride.max(axes[0].dilation) {
        let mut to = [0; D];
        for d in 0..D {
            let padding = if d == 0 { padding } else { 0 };
            to[d] = axes[d].transposed_output(extents[d], padding).unwrap_or(0);
        }
        if let Ok(geometry) = Geometry::transposed(axes, extents, to, x, y, groups) {
            cases.push((Way::ConvTranspose, geometry, padding));
            if groups == x {
                cases.push((Way::DepthwiseTranspose, geometry, padding));
            }
        }
    }
    for &(way, geometry, padding) in &cases {
        let geometry = geometry.with_orientation(orientation);
        let (source, target) = match way.transposed() {
            false => (geometry.input_elements(), geometry.output_elements()),
            true => (geometry.output_elements(), geometry.input_elements()),
        };
        let to = match way.transposed() {
            false => geometry.output()[0],
            true => geometry.input()[0],
        };
        let (row, width) = (source / extents[0], target / to);
        let needed = match way.transposed() {
            false => SliceStream::<T, W, finish::Raw<A>>::conv_history(&geometry),
            true => SliceStream::<T, W, finish::Raw<A>>::conv_transpose_history(&geometry),
        };
        let needed = needed.expect("small");
        assert_eq!(needed % row, 0);
        let mut kernel = vec![W::ZERO; geometry.kernel_elements()];
        random.fill(&mut kernel);
        // Longer by up to two inputs and, where that is not a whole number of them, some elements.
        let mut history = Guarded::<T>::new(needed + random.below(2 * row + 2));
        random.fill(history.as_mut_slice());
        let mut made = stream::<T, W, A, D>(way, &geometry, &kernel, history.as_mut_slice())
            .expect("a history that is long enough");
        for _ in 0..random.below(4) {
            let mut noise = vec![T::ZERO; row];
            random.fill(&mut noise);
            let _ = made.push(&noise).expect("fits").remaining();
        }
        made.reset();
        for _ in 0..2 {
            let mut input = vec![T::ZERO; source];
            random.fill(&mut input);
            let expected = batch::<T, W, A, D>(way, &geometry, &input, &kernel);
            let axis = &axes[0];
            let run = Run {
                way,
                axis,
                padding,
                row,
                width,
            };
            compare(&mut made, &run, &input, &expected);
        }
        assert_eq!(history.check(), Ok(()));
    }
    cases.len()
}

#[test]
fn every_small_signal() {
    let mut random = Lcg::new(1);
    let (mut cases, mut turn) = (0, 0);
    for axis in axes(-2) {
        for extent in [1, 2, 3, 4, 5, 6, 9] {
            turn += 1;
            let orientation = [Orientation::Correlation, Orientation::Convolution][turn % 2];
            for channels in [CHANNELS[0], CHANNELS[1 + turn % (CHANNELS.len() - 1)]] {
                let run = check::<i8, i8, i32, 1>;
                cases += run(&mut random, [axis], [extent], channels, orientation);
            }
        }
    }
    assert!(cases > 20_000, "{cases} cases");
}

#[test]
fn every_small_signal_of_floats() {
    let mut random = Lcg::new(2).spread(Spread::Full);
    let mut cases = 0;
    for (turn, axis) in axes(0).into_iter().enumerate() {
        for extent in [1, 3, 8] {
            let channels = CHANNELS[turn % CHANNELS.len()];
            let run = check::<f32, f32, f32, 1>;
            cases += run(
                &mut random,
                [axis],
                [extent],
                channels,
                Orientation::Correlation,
            );
        }
    }
    assert!(cases > 1_500, "{cases} cases");
}

fn planes<T, W, A>(seed: u32, count: usize)
where
    T: Multiply<W, A> + Draw + Dirt,
    W: Element + Draw,
    A: Element + Dirt,
{
    let axes = axes(-1);
    let mut random = Lcg::new(seed).spread(Spread::Full);
    let mut cases = 0;
    while cases < count {
        let pair = [0; 2].map(|_| axes[random.below(axes.len())]);
        let extents = [1 + random.below(9), 1 + random.below(5)];
        let channels = CHANNELS[random.below(CHANNELS.len())];
        let orientation = [Orientation::Correlation, Orientation::Convolution][random.below(2)];
        cases += check::<T, W, A, 2>(&mut random, pair, extents, channels, orientation);
    }
}

#[test]
fn images_row_by_row() {
    planes::<i8, i8, i32>(3, 12_000);
    planes::<u8, i8, i32>(4, 1_000);
    planes::<i16, i16, i64>(5, 1_000);
    planes::<f32, f32, f32>(6, 3_000);
    planes::<f64, f64, f64>(7, 1_000);
}

/// Pads and strides far beyond the kernel.
#[test]
fn far_pads() {
    let mut random = Lcg::new(8);
    let mut cases = 0;
    for (before, after) in [(7, 0), (0, 9), (6, 8), (-3, 9), (9, -3), (-5, -4)] {
        for stride in [1, 2, 5, 7] {
            for kernel in [1, 3] {
                for dilation in [1, 4] {
                    for extent in [1, 4, 20] {
                        let axis = Axis::new(kernel).with_stride(stride);
                        let axis = axis.with_dilation(dilation).with_pads(before, after);
                        let run = check::<i8, i8, i32, 1>;
                        let turn = Orientation::Convolution;
                        cases += run(&mut random, [axis], [extent], (2, 3, 1), turn);
                    }
                }
            }
        }
    }
    assert!(cases > 500, "{cases} cases");
}

/// A signal too short for one window: an error of the batch operation, no output here.
#[test]
fn too_short_a_signal_gives_nothing() {
    let geometry = Geometry::direct([Axis::new(4)], [4], 1, 1, 1).expect("legal");
    let (kernel, mut history) = ([1_i8; 4], [0_i8; 4]);
    let made = SliceStream::conv(&geometry, &kernel, &mut history, raw::<i32>());
    let mut stream = made.expect("legal");
    for length in 0..4 {
        for _ in 0..length {
            assert_eq!(stream.push(&[1]).expect("fits").remaining(), 0);
        }
        assert_eq!(stream.flush(0).expect("legal").remaining(), 0);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    let axis = Axis::new(3).with_stride(2);
    let geometry = Geometry::direct([axis; 2], [5, 4], 2, 1, 1).expect("legal");
    let kernel = [1_i8; 18];
    let mut history = [0_i8; 24];
    let made = SliceStream::conv(&geometry, &kernel, &mut history[1..], raw::<i32>());
    let error = made.map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "history has 23 elements, expected 24");
    let made = SliceStream::conv(&geometry, &kernel[1..], &mut history, raw::<i32>());
    let buffer = Buffer::Kernel;
    let wrong = Error::Elements {
        buffer,
        expected: 18,
        found: 17,
    };
    assert_eq!(made.map(|_| ()), Err(wrong));

    let made = SliceStream::conv(&geometry, &kernel, &mut history, raw::<i32>());
    let mut stream = made.expect("legal");
    let buffer = Buffer::Input;
    let wrong = Error::Elements {
        buffer,
        expected: 8,
        found: 7,
    };
    assert_eq!(stream.push(&[1; 7]).map(|_| ()), Err(wrong));
    assert_eq!(stream.outputs_of(3), 1);
    for _ in 0..2 {
        assert_eq!(stream.push(&[1; 8]).expect("fits").remaining(), 0);
    }
    let mut due = stream.push(&[1; 8]).expect("fits");
    let mut output = [7_i32; 2];
    let buffer = Buffer::Output;
    let wrong = Error::Elements {
        buffer,
        expected: 1,
        found: 2,
    };
    assert_eq!(due.write_next(&mut output), Err(wrong));
    assert_eq!((output, due.remaining()), ([7; 2], 1));
    assert_eq!(due.write_next(&mut output[..1]), Ok(true));
    assert_eq!(output, [18, 7]);
    assert_eq!(due.write_next(&mut output[..1]), Ok(false));

    let error = AxisError::OutputPadding { limit: 1, found: 1 };
    let dimension = Dimension::Height;
    let wrong = Error::Axis { dimension, error };
    assert_eq!(stream.flush(1).map(|_| ()), Err(wrong));

    let far = Axis::new(1).with_pads(isize::MAX / 4, 0);
    let geometry = Geometry::direct([far], [1], 1, 1, 1).expect("legal");
    let made = SliceStream::conv(&geometry, &kernel[..1], &mut history, raw::<i32>());
    let dimension = Dimension::Length;
    let wrong = Error::Axis {
        dimension,
        error: AxisError::Overflow,
    };
    assert_eq!(made.map(|_| ()), Err(wrong));
}
