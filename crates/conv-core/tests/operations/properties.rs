//! Properties of the map C, for every element pair, on signals and on images.

use conv_core::dynamic::Planar;
use conv_core::element::Multiply;
use conv_core::{Axis, Error, Geometry, KernelLayout, Orientation};
use conv_vectors::guard::Guarded;
use conv_vectors::oracle::{Sum, channels_last};
use conv_vectors::random::{Lcg, Spread};
use proptest::array::uniform;
use proptest::prelude::*;

use crate::support::{Case, Channels, Operand, Total, for_every_pair, same, untouched};

/// A legal map: kernels to 5, strides to 4, dilations to 3, unlike pads from −2 to 6, any set of channels, in
/// either orientation, named from either side. `most_taps` keeps to maps that few products can meet in.
fn any_case<const D: usize>(most_taps: u64) -> impl Strategy<Value = Case<D>>
where
    Geometry<D>: Planar,
{
    let one_tap = most_taps == 1;
    let kernels = if one_tap { 1..=1_usize } else { 1..=5 };
    let axis = (
        kernels,
        1..=4_usize,
        1..=3_usize,
        -2..=6_isize,
        -2..=6_isize,
    )
        .prop_map(|(k, s, d, before, after)| {
            Axis::new(k)
                .with_stride(s)
                .with_dilation(d)
                .with_pads(before, after)
        });
    let orientation = prop_oneof![
        Just(Orientation::Correlation),
        Just(Orientation::Convolution)
    ];
    let layout = prop_oneof![
        Just(KernelLayout::OutputSpatialInput),
        Just(KernelLayout::SpatialOutput)
    ];
    let sets: Vec<Channels> = (Channels::SETS.into_iter())
        .filter(|set| !one_tap || (set.x == set.groups && set.y == set.groups))
        .collect();
    (
        uniform::<_, D>((axis, 1..=7_usize, 0..=4_usize)),
        proptest::sample::select(sets),
        orientation,
        layout,
    )
        .prop_filter_map(
            "not a legal map",
            |(axes, channels, orientation, layout)| {
                let extents = axes.map(|(_, extent, _)| extent);
                // 0: the direct operation's input is given; above: the transposed one's, with that much padding
                // of its output and one less.
                let paddings = axes.map(|(.., choice)| choice);
                let axes = axes.map(|(axis, ..)| axis);
                let case = if paddings[0] == 0 {
                    Case::direct(axes, extents, channels, orientation)?
                } else {
                    let mut to = [0; D];
                    for d in 0..D {
                        let padding = paddings[d].saturating_sub(1);
                        to[d] = axes[d].transposed_output(extents[d], padding).ok()?;
                    }
                    Case::transposed(axes, extents, to, channels, orientation)?
                };
                match layout {
                    KernelLayout::SpatialOutput => case.depthwise(),
                    _ => Some(case),
                }
            },
        )
}

/// `C·x` in a buffer of its own.
fn conv<T, W, A, const D: usize>(case: &Case<D>, x: &[T], kernel: &[W]) -> Vec<A>
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand,
    A: Total,
{
    let mut output = Guarded::<A>::new(case.geometry.output_elements());
    case.conv(x, kernel, output.as_mut_slice())
        .expect("a legal case");
    assert_eq!(output.check(), Ok(()));
    output.as_slice().to_vec()
}

/// `Cᵀ·y` in a buffer of its own.
fn conv_transpose<T, W, A, const D: usize>(case: &Case<D>, y: &[T], kernel: &[W]) -> Vec<A>
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand,
    A: Total,
{
    let mut output = Guarded::<A>::new(case.geometry.input_elements());
    case.conv_transpose(y, kernel, output.as_mut_slice())
        .expect("a legal case");
    assert_eq!(output.check(), Ok(()));
    output.as_slice().to_vec()
}

/// `⟨C·x, y⟩ = ⟨x, Cᵀ·y⟩`, exactly.
fn adjoint<T, W, A, const D: usize>(case: &Case<D>, mut random: Lcg)
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand<Exact = T::Exact>,
    A: Total<Exact = T::Exact>,
{
    let (x, kernel, y) = case.draw::<T, W>(&mut random);
    let inner = |totals: &[A], operands: &[T]| {
        let mut sum = Sum::<T::Exact>::default();
        for (total, operand) in totals.iter().zip(operands) {
            sum.add(total.exact(), operand.exact());
        }
        sum.value()
    };
    let left = inner(&conv(case, &x, &kernel), &y);
    let right = inner(&conv_transpose(case, &y, &kernel), &x);
    assert_eq!(left, right, "{case:?}");
}

fn added<A: Total>(a: &[A], b: &[A]) -> Vec<A> {
    let one = <A::Exact as conv_vectors::oracle::Value>::ONE;
    (a.iter().zip(b))
        .map(|(a, b)| {
            let mut sum = Sum::default();
            sum.add(a.exact(), one);
            sum.add(b.exact(), one);
            A::of(sum.value())
        })
        .collect()
}

fn halves<T: Operand>(values: &[T]) -> Vec<T> {
    values.iter().map(|value| value.half()).collect()
}

fn sums<T: Operand>(a: &[T], b: &[T]) -> Vec<T> {
    a.iter().zip(b).map(|(a, b)| a.plus(*b)).collect()
}

/// Both operations are linear in their input and in the kernel.
fn linearity<T, W, A, const D: usize>(case: &Case<D>, mut random: Lcg)
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand<Exact = T::Exact>,
    A: Total<Exact = T::Exact>,
{
    let (x, kernel, y) = case.draw::<T, W>(&mut random);
    let (x, kernel, y) = (halves(&x), halves(&kernel), halves(&y));
    let (u, other, v) = case.draw::<T, W>(&mut random);
    let (u, other, v) = (halves(&u), halves(&other), halves(&v));
    let both = sums(&kernel, &other);

    let parts = added::<A>(&conv(case, &x, &kernel), &conv(case, &u, &kernel));
    same(case, &conv(case, &sums(&x, &u), &kernel), &parts);
    let parts = added::<A>(&conv(case, &x, &kernel), &conv(case, &x, &other));
    same(case, &conv(case, &x, &both), &parts);

    let parts = added::<A>(
        &conv_transpose(case, &y, &kernel),
        &conv_transpose(case, &v, &kernel),
    );
    same(case, &conv_transpose(case, &sums(&y, &v), &kernel), &parts);
    let parts = added::<A>(
        &conv_transpose(case, &y, &kernel),
        &conv_transpose(case, &y, &other),
    );
    same(case, &conv_transpose(case, &y, &both), &parts);
}

/// Position and channel of an index into a buffer with channels innermost.
fn place<const D: usize>(
    index: usize,
    channels: usize,
    extents: [usize; D],
) -> ([usize; D], usize) {
    let mut rest = index / channels;
    let mut at = [0; D];
    for d in (0..D).rev() {
        at[d] = rest % extents[d];
        rest /= extents[d];
    }
    (at, index % channels)
}

/// The weight that leads from an element of x to one of y, by the formula `n = t·s + j·d − pad_before`.
fn weight_between<W: Operand, const D: usize>(
    case: &Case<D>,
    kernel: &[W],
    x_index: usize,
    y_index: usize,
) -> Option<W>
where
    Geometry<D>: Planar,
{
    let geometry = &case.geometry;
    let (n, x_channel) = place(x_index, geometry.input_channels(), geometry.input());
    let (t, y_channel) = place(y_index, geometry.output_channels(), geometry.output());
    let inputs = geometry.input_channels() / geometry.groups();
    let outputs = geometry.output_channels() / geometry.groups();
    if x_channel / inputs != y_channel / outputs {
        return None;
    }
    let mut stored = [0; D];
    for d in 0..D {
        let axis = geometry.axes()[d];
        let offset = n[d] as isize + axis.pad_before - (t[d] * axis.stride) as isize;
        let tap = usize::try_from(offset).ok()?;
        if tap % axis.dilation != 0 || tap / axis.dilation >= axis.kernel {
            return None;
        }
        stored[d] = match geometry.orientation() {
            Orientation::Correlation => tap / axis.dilation,
            Orientation::Convolution => axis.kernel - 1 - tap / axis.dilation,
        };
    }
    Some(kernel[case.weight(y_channel, x_channel % inputs, &stored)])
}

/// The response to a single one is the kernel, each weight in its place and nothing elsewhere.
fn impulse<T, W, A, const D: usize>(case: &Case<D>, mut random: Lcg)
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand<Exact = T::Exact>,
    A: Total<Exact = T::Exact>,
{
    let (x, kernel, y) = case.draw::<T, W>(&mut random);
    let total = |weight: Option<W>| weight.map_or(A::ZERO, |weight| A::of(weight.exact()));

    let at = random.below(x.len());
    let mut one = vec![T::ZERO; x.len()];
    one[at] = T::ONE;
    let expected: Vec<A> = (0..y.len())
        .map(|t| total(weight_between(case, &kernel, at, t)))
        .collect();
    assert!(
        conv::<T, W, A, D>(case, &one, &kernel) == expected,
        "{case:?}"
    );

    let at = random.below(y.len());
    let mut one = vec![T::ZERO; y.len()];
    one[at] = T::ONE;
    let expected: Vec<A> = (0..x.len())
        .map(|n| total(weight_between(case, &kernel, n, at)))
        .collect();
    assert!(
        conv_transpose::<T, W, A, D>(case, &one, &kernel) == expected,
        "{case:?}"
    );
}

fn opposite(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Correlation => Orientation::Convolution,
        Orientation::Convolution => Orientation::Correlation,
    }
}

/// The kernel of the map from y to x, output channels first: `swapped[x][taps[m]…][y] = kernel[y][…][x]`, of
/// the taps listed for each axis.
fn swapped<W: Operand, const D: usize>(
    case: &Case<D>,
    kernel: &[W],
    taps: &[Vec<usize>; D],
) -> Vec<W>
where
    Geometry<D>: Planar,
{
    let geometry = &case.geometry;
    let inputs = geometry.input_channels() / geometry.groups();
    let outputs = geometry.output_channels() / geometry.groups();
    let extents = taps.each_ref().map(Vec::len);
    let window: usize = extents.iter().product();
    let index = channels_last(outputs, &extents);
    let mut swapped = vec![W::ZERO; geometry.input_channels() * window * outputs];
    for x_channel in 0..geometry.input_channels() {
        for tap in 0..window {
            let (at, _) = place(tap, 1, extents);
            let mut stored = [0; D];
            for d in 0..D {
                stored[d] = taps[d][at[d]];
            }
            for output in 0..outputs {
                let y_channel = x_channel / inputs * outputs + output;
                swapped[index(x_channel, output, &at)] =
                    kernel[case.weight(y_channel, x_channel % inputs, &stored)];
            }
        }
    }
    swapped
}

/// The transposed operation as a direct one: zeros between the inputs, the kernel flipped.
fn stretched<T, W, A, const D: usize>(case: &Case<D>, y: &[T], kernel: &[W]) -> Vec<A>
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand,
    A: Total,
{
    let geometry = &case.geometry;
    let (from, to, channels) = (
        geometry.output(),
        geometry.input(),
        geometry.output_channels(),
    );
    let mut axes = *geometry.axes();
    let mut extents = from;
    for d in 0..D {
        let padding = axes[d]
            .output_padding(from[d], to[d])
            .expect("a legal extent");
        extents[d] = (from[d] - 1) * axes[d].stride + 1;
        axes[d] = axes[d]
            .transposed_as_direct(padding)
            .expect("a legal padding");
    }
    let index = channels_last(channels, &extents);
    let mut input = vec![T::ZERO; extents.iter().product::<usize>() * channels];
    for (source, &value) in y.iter().enumerate() {
        let (mut at, channel) = place(source, channels, from);
        for (place, axis) in at.iter_mut().zip(geometry.axes()) {
            *place *= axis.stride;
        }
        input[index(0, channel, &at)] = value;
    }
    let taps = geometry.kernel().map(|extent| (0..extent).collect());
    let direct = Geometry::direct(
        axes,
        extents,
        channels,
        geometry.input_channels(),
        geometry.groups(),
    )
    .expect("a legal direct operation")
    .with_orientation(opposite(geometry.orientation()));
    assert_eq!(direct.output(), to);
    let mut output = Guarded::<A>::new(direct.output_elements());
    let ran = direct.conv(&input, &swapped(case, kernel, &taps), output.as_mut_slice());
    assert_eq!(ran, Ok(()));
    output.as_slice().to_vec()
}

/// The outputs of one phase along one axis: positions `first`, `first + s`, …, `count` of them, as a direct
/// operation at stride 1 with the taps that reach them.
struct Phase {
    first: usize,
    count: usize,
    taps: Vec<usize>,
    axis: Axis,
}

impl Phase {
    /// The phase of `(t + pad_before) mod s = rest`, if any tap reaches any output of it.
    fn new(
        axis: &Axis,
        orientation: Orientation,
        from: usize,
        to: usize,
        rest: usize,
    ) -> Option<Self> {
        let (stride, dilation) = (axis.stride, axis.dilation);
        let outputs: Vec<usize> = (0..to)
            .filter(|t| {
                (*t as isize + axis.pad_before).rem_euclid(stride as isize) == rest as isize
            })
            .collect();
        let taps: Vec<usize> = (0..axis.kernel)
            .filter(|tap| tap * dilation % stride == rest)
            .collect();
        let (&first, &first_tap) = (outputs.first()?, taps.first()?);
        // Position that the first tap reads for the first output; each next tap reads `step` before.
        let reach = first as isize + axis.pad_before - (first_tap * dilation) as isize;
        let position = reach / stride as isize;
        assert_eq!(position * stride as isize, reach);
        let step = taps
            .get(1)
            .map_or(1, |tap| (tap - first_tap) * dilation / stride);
        let span = ((taps.len() - 1) * step) as isize;
        let before = span - position;
        let after = outputs.len() as isize + span - from as isize - before;
        Some(Self {
            first,
            count: outputs.len(),
            axis: Axis::new(taps.len())
                .with_dilation(step)
                .with_pads(before, after),
            taps: match orientation {
                Orientation::Correlation => taps,
                Orientation::Convolution => taps.iter().map(|tap| axis.kernel - 1 - tap).collect(),
            },
        })
    }
}

/// The transposed operation phase by phase: dense direct operations at stride 1 that multiply no inserted zero.
fn polyphase<T, W, A, const D: usize>(case: &Case<D>, y: &[T], kernel: &[W]) -> Vec<A>
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand,
    A: Total,
{
    let geometry = &case.geometry;
    let (from, to) = (geometry.output(), geometry.input());
    let channels = geometry.input_channels();
    let strides = geometry.axes().map(|axis| axis.stride);
    let index = channels_last(channels, &to);
    let mut output = vec![A::ZERO; geometry.input_elements()];
    for phase in 0..strides.iter().product() {
        let (rests, _) = place(phase, 1, strides);
        let phases: Option<Vec<Phase>> = (0..D)
            .map(|d| {
                let axis = &geometry.axes()[d];
                Phase::new(axis, geometry.orientation(), from[d], to[d], rests[d])
            })
            .collect();
        let Some(phases) = phases else { continue };
        let phases: [Phase; D] = phases
            .try_into()
            .unwrap_or_else(|_| unreachable!("one an axis"));
        let axes = phases.each_ref().map(|phase| phase.axis);
        let taps = phases.each_ref().map(|phase| phase.taps.clone());
        let direct = Geometry::direct(
            axes,
            from,
            geometry.output_channels(),
            channels,
            geometry.groups(),
        )
        .expect("a legal direct operation")
        .with_orientation(Orientation::Convolution);
        assert_eq!(direct.output(), phases.each_ref().map(|phase| phase.count));
        let mut part = Guarded::<A>::new(direct.output_elements());
        let ran = direct.conv(y, &swapped(case, kernel, &taps), part.as_mut_slice());
        assert_eq!(ran, Ok(()));
        for (source, &value) in part.as_slice().iter().enumerate() {
            let (mut at, channel) = place(source, channels, direct.output());
            for d in 0..D {
                at[d] = phases[d].first + at[d] * strides[d];
            }
            output[index(0, channel, &at)] = value;
        }
    }
    output
}

/// Scattering by the oracle, gathering by the engine, the stretched direct operation and the phases.
fn four_ways_to_transpose<T, W, A, const D: usize>(case: &Case<D>, mut random: Lcg)
where
    Geometry<D>: Planar,
    T: Operand + Multiply<W, A>,
    W: Operand<Exact = T::Exact>,
    A: Total<Exact = T::Exact>,
{
    let (_, kernel, y) = case.draw::<T, W>(&mut random);
    let gathered: Vec<A> = conv_transpose(case, &y, &kernel);
    let scattered: Vec<A> = case
        .expected_transposed(&y, &kernel)
        .iter()
        .map(|sum| A::of(sum.value()))
        .collect();
    same(case, &gathered, &scattered);
    same(
        case,
        &stretched::<T, W, A, D>(case, &y, &kernel),
        &scattered,
    );
    same(
        case,
        &polyphase::<T, W, A, D>(case, &y, &kernel),
        &scattered,
    );
}

macro_rules! properties {
    ($name:ident, $input:ty, $kernel:ty, $accumulator:ty) => {
        mod $name {
            use super::*;

            const MOST_TAPS: u64 = <$input as Multiply<$kernel, $accumulator>>::MAX_TAPS;

            proptest! {
                #![proptest_config(ProptestConfig::with_cases(48))]

                #[test]
                fn equal_to_oracle_and_matrix(
                    signal in any_case::<1>(MOST_TAPS),
                    image in any_case::<2>(MOST_TAPS),
                    seed: u32,
                ) {
                    for spread in [Spread::Uniform, Spread::Extremes, Spread::Full] {
                        let mut random = Lcg::new(seed).spread(spread);
                        signal.check::<$input, $kernel, $accumulator>(&mut random);
                        image.check::<$input, $kernel, $accumulator>(&mut random);
                    }
                }
            }

            each_property!(
                $input, $kernel, $accumulator:
                adjoint, linearity, impulse, four_ways_to_transpose
            );
        }
    };
}

macro_rules! each_property {
    ($input:ty, $kernel:ty, $accumulator:ty: $($property:ident),*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(48))]
            $(
                #[test]
                fn $property(
                    signal in any_case::<1>(MOST_TAPS),
                    image in any_case::<2>(MOST_TAPS),
                    seed: u32,
                ) {
                    for spread in [Spread::Uniform, Spread::Extremes] {
                        let random = Lcg::new(seed).spread(spread);
                        super::$property::<$input, $kernel, $accumulator, 1>(&signal, random.clone());
                        super::$property::<$input, $kernel, $accumulator, 2>(&image, random);
                    }
                }
            )*
        }
    };
}

for_every_pair!(properties);

/// As many extreme products as the accumulator is said to hold, in one output, and one more.
fn fullest<T, W, A>(lowest: (T, W))
where
    T: Operand<Exact = i128> + Multiply<W, A>,
    W: Operand<Exact = i128>,
    A: Total<Exact = i128>,
{
    let limit = T::MAX_TAPS as usize;
    let exact = lowest.0.exact() * lowest.1.exact() * limit as i128;
    let run = |axis: Axis, input: usize, x_channels: usize, y_channels: usize| {
        let made = Geometry::direct([axis], [input], x_channels, y_channels, 1);
        let geometry = made.expect("a legal axis");
        let kernel = vec![lowest.1; geometry.kernel_elements()];
        let mut forward = Guarded::<A>::new(geometry.output_elements());
        let mut back = Guarded::<A>::new(geometry.input_elements());
        let x = vec![lowest.0; geometry.input_elements()];
        let y = vec![lowest.0; geometry.output_elements()];
        let results = [
            geometry.conv(&x, &kernel, forward.as_mut_slice()),
            geometry.conv_transpose(&y, &kernel, back.as_mut_slice()),
        ];
        (results, forward, back)
    };
    // All taps along the kernel, then all in the channels.
    for (axis, input, channels) in [(Axis::new(limit), limit, 1), (Axis::new(1), 1, limit)] {
        let (results, forward, _) = run(axis, input, channels, 1);
        assert_eq!(results[0], Ok(()));
        assert_eq!(forward.as_slice()[0].exact(), exact);
    }
    let (results, forward, _) = run(Axis::new(limit + 1), limit + 1, 1, 1);
    let taps = limit as u64 + 1;
    assert_eq!(
        results[0],
        Err(Error::Accumulator {
            taps,
            limit: T::MAX_TAPS
        })
    );
    untouched(&"one product more", &forward);

    // The transposed operation at stride 2: half of the kernel's taps meet in one output.
    let (results, _, back) = run(Axis::new(2 * limit).with_stride(2), 4 * limit, 1, 1);
    assert_eq!(results[1], Ok(()));
    let greatest = back.as_slice().iter().map(|sum| sum.exact().abs()).max();
    assert_eq!(greatest, Some(exact.abs()));
    let (results, _, back) = run(Axis::new(2 * limit + 1).with_stride(2), 4 * limit + 2, 1, 1);
    assert_eq!(
        results[1],
        Err(Error::Accumulator {
            taps,
            limit: T::MAX_TAPS
        })
    );
    untouched(&"one product more", &back);
}

#[test]
fn accumulators_hold_what_they_claim() {
    fullest::<i16, i8, i32>((i16::MIN, i8::MIN));
    fullest::<i32, i32, i64>((i32::MIN, i32::MIN));
}

/// The same for bytes, of which too many products fit to meet in every output of a long signal.
fn fullest_bytes<T>(input: T, weight: i8, limit: usize)
where
    T: Operand<Exact = i128> + Multiply<i8, i32>,
{
    let (x, kernel) = (vec![input; limit + 1], vec![weight; limit + 1]);
    let exact = input.exact() * weight.exact() * limit as i128;
    let full = [i32::try_from(exact).expect("as many as fit")];
    // Otherwise the limit would be too low.
    assert!(i32::try_from(exact + input.exact() * weight.exact()).is_err());

    let mut output = Guarded::<i32>::new(1);
    let along = Geometry::direct([Axis::new(limit)], [limit], 1, 1, 1).expect("legal");
    assert_eq!(
        along.conv(&x[..limit], &kernel[..limit], output.as_mut_slice()),
        Ok(())
    );
    assert_eq!(output.as_slice(), full);

    let mut output = Guarded::<i32>::new(1);
    let across = Geometry::direct([Axis::new(1)], [1], 1, limit, 1).expect("legal");
    let back = across.conv_transpose(&x[..limit], &kernel[..limit], output.as_mut_slice());
    assert_eq!((back, output.as_slice()), (Ok(()), &full[..]));

    let taps = limit as u64 + 1;
    let error = Error::Accumulator {
        taps,
        limit: limit as u64,
    };
    let mut output = Guarded::<i32>::new(1);
    let along = Geometry::direct([Axis::new(limit + 1)], [limit + 1], 1, 1, 1).expect("legal");
    assert_eq!(along.conv(&x, &kernel, output.as_mut_slice()), Err(error));
    untouched(&"one product more", &output);
    let across = Geometry::direct([Axis::new(1)], [1], 1, limit + 1, 1).expect("legal");
    let back = across.conv_transpose(&x, &kernel, output.as_mut_slice());
    assert_eq!(back, Err(error));
    untouched(&"one product more", &output);
}

#[test]
fn bytes_fill_their_accumulator() {
    fullest_bytes(i8::MIN, i8::MIN, 131_071);
    fullest_bytes(u8::MAX, i8::MIN, 65_793);
}
