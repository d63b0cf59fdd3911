//! One small geometry streamed, in every way that it allows, against the batch operation.

use conv_core::element::{Element, Multiply};
use conv_core::finish::{self, raw};
use conv_core::stream::SliceStream;
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
pub(crate) fn check<T, W, A, const D: usize>(
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
