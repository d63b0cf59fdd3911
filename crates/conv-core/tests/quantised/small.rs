//! Small quantised layers of any shape: how the library and how the oracle sees one, and the comparison.

use conv_core::quantised::{
    Accumulate, Activation, Int4, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Multiplier, Rounding};
use conv_core::{Axis, Geometry};
use conv_vectors::anchors;
use conv_vectors::golden::packed;
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::oracle::{self, Problem, direct, requantise, transposed};
use conv_vectors::random::{Draw, Lcg};

/// A layer: which operation, and its problem as the oracle sees it.
pub(crate) struct Small {
    operation: QuantOperation,
    geometry: Geometry<2>,
    problem: Problem,
    source: [usize; 3],
    target: [usize; 3],
    kernel: [usize; 2],
}

/// Channels of a layer: groups, and C's input and output channels within one.
#[derive(Clone, Copy)]
pub(crate) struct Channels {
    pub(crate) groups: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

fn seen(axis: Axis, input: usize) -> oracle::Axis {
    oracle::Axis::new(input, axis.kernel)
        .stride(axis.stride)
        .dilation(axis.dilation)
        .pad(axis.pad_before, axis.pad_after)
}

impl Small {
    /// A shape by the numbers that `choose` gives, each below its argument: pads asymmetric, of the transposed
    /// operation every output padding. `None` where it is not legal, on which library and oracle have to agree.
    pub(crate) fn chosen(choose: &mut impl FnMut(usize) -> usize) -> Option<Self> {
        let operation = [
            QuantOperation::Conv,
            QuantOperation::Depthwise,
            QuantOperation::ConvTranspose,
            QuantOperation::DepthwiseTranspose,
        ][choose(4)];
        let groups = 1 + choose(3);
        let (inputs, outputs) = match operation {
            QuantOperation::Depthwise | QuantOperation::DepthwiseTranspose => (1, 1 + choose(2)),
            _ => (1 + choose(3), 1 + choose(3)),
        };
        let axes = [0, 1].map(|_| {
            Axis::new(1 + choose(4))
                .with_stride(1 + choose(3))
                .with_dilation(1 + choose(2))
                .with_pads(choose(4) as isize, choose(4) as isize)
        });
        let extents = [0, 1].map(|_| 1 + choose(6));
        let channels = Channels {
            groups,
            inputs,
            outputs,
        };
        match operation {
            QuantOperation::ConvTranspose | QuantOperation::DepthwiseTranspose => {
                let padding = axes.map(|axis| choose(axis.stride.max(axis.dilation)));
                Self::transposed(operation, axes, extents, padding, channels)
            }
            _ => Self::direct(operation, axes, extents, channels),
        }
    }

    /// A direct or depthwise layer over an input of `extents`.
    pub(crate) fn direct(
        operation: QuantOperation,
        axes: [Axis; 2],
        extents: [usize; 2],
        channels: Channels,
    ) -> Option<Self> {
        let Channels {
            groups,
            inputs,
            outputs,
        } = channels;
        let problem = Problem::new(&[seen(axes[0], extents[0]), seen(axes[1], extents[1])])
            .channels(inputs * groups, outputs * groups)
            .groups(groups);
        let geometry = Geometry::direct(axes, extents, inputs * groups, outputs * groups, groups);
        let expected = problem.output_extents();
        assert_eq!(
            geometry.ok().map(|geometry| geometry.output().to_vec()),
            expected
        );
        let output = expected?;
        Some(Self {
            operation,
            geometry: geometry.ok()?,
            problem,
            source: [extents[0], extents[1], inputs * groups],
            target: [output[0], output[1], outputs * groups],
            kernel: axes.map(|axis| axis.kernel),
        })
    }

    /// A transposed layer, depthwise or not, over an input of `extents`; `channels` are those of the map C, whose input
    /// it writes.
    pub(crate) fn transposed(
        operation: QuantOperation,
        axes: [Axis; 2],
        extents: [usize; 2],
        output_padding: [usize; 2],
        channels: Channels,
    ) -> Option<Self> {
        let Channels {
            groups,
            inputs,
            outputs,
        } = channels;
        let steps = [0, 1].map(|d| seen(axes[d], extents[d]).transposed(output_padding[d]));
        let problem_axes = [steps[0]?, steps[1]?];
        let back = problem_axes.map(|axis| axis.input);
        let geometry = Geometry::transposed(
            axes,
            extents,
            back,
            inputs * groups,
            outputs * groups,
            groups,
        );
        Some(Self {
            operation,
            geometry: geometry.expect("the oracle calls it legal"),
            problem: Problem::new(&problem_axes)
                .channels(inputs * groups, outputs * groups)
                .groups(groups),
            source: [extents[0], extents[1], outputs * groups],
            target: [back[0], back[1], inputs * groups],
            kernel: axes.map(|axis| axis.kernel),
        })
    }

    /// Sums of `(input − zero point)·weight`, in the order of the output buffer.
    fn sums<T: Into<i32> + Copy>(&self, input: &[T], zero_point: i32, weights: &[i8]) -> Vec<i128> {
        let at = oracle::channels_last(self.source[2], &self.source[..2]);
        let value = |image: usize, channel: usize, place: &[usize]| {
            i128::from(input[at(image, channel, place)].into() - zero_point)
        };
        let groups = self.problem.groups;
        let [inputs, outputs] =
            [self.problem.x_channels, self.problem.y_channels].map(|c| c / groups);
        let weight = |index: usize| i128::from(weights[index]);
        let sums = match self.operation {
            QuantOperation::Conv => {
                let place = oracle::channels_last(inputs, &self.kernel);
                direct(&self.problem, value, |o, i, tap| weight(place(o, i, tap)))
            }
            QuantOperation::Depthwise => {
                let place = oracle::channels_last(self.problem.y_channels, &self.kernel);
                direct(&self.problem, value, |o, _, tap| weight(place(0, o, tap)))
            }
            QuantOperation::DepthwiseTranspose => {
                let place = oracle::channels_last(self.problem.y_channels, &self.kernel);
                transposed(&self.problem, value, |y, _, tap| weight(place(0, y, tap)))
            }
            QuantOperation::ConvTranspose => {
                // O H W I/g of the layer's own channels: the oracle's x channel first, its y channel last.
                let place = oracle::channels_last(outputs, &self.kernel);
                transposed(&self.problem, value, |y, x, tap| {
                    weight(place(y / outputs * inputs + x, y % outputs, tap))
                })
            }
        };
        let order = oracle::channels_last(self.target[2], &self.target[..2]);
        (sums.unwrap().arranged(order).iter())
            .map(|sum| sum.value())
            .collect()
    }

    /// The layer over random inputs and weights, between guards, onto a dirty output, against the oracle.
    pub(crate) fn check<T, R>(&self, random: &mut Lcg, settings: &Settings<'_, R>)
    where
        T: Activation + Draw + Dirt,
        R: Rounding,
        R::Accumulator: Accumulate,
    {
        let (geometry, operation) = (&self.geometry, self.operation);
        let mut input = vec![T::saturated(0); self.source.iter().product()];
        let mut weights = vec![0_i8; geometry.kernel_elements()];
        random.fill(&mut input);
        random.fill(&mut weights);
        if settings.weights == Weights::Nibbles {
            weights.iter_mut().for_each(|weight| *weight >>= 4);
        }
        let channels = self.target[2];
        let bias: Option<Vec<R::Accumulator>> =
            settings.bias.map(|bias| (0..channels).map(bias).collect());
        let scales: Vec<R::Scale> = (0..channels).map(settings.scale).collect();
        let quantisation = settings.quantisation;
        let requantisation = Requantisation::<R> {
            bias: bias.as_deref(),
            scales: &scales,
            quantisation,
        };
        let mut guarded = Guarded::<T>::new(self.target.iter().product());
        let output = guarded.as_mut_slice();
        let done = match settings.weights {
            Weights::Nibbles => {
                let packed: Vec<u8> = packed(&weights).collect();
                let kernel = Int4::new(&packed, weights.len()).unwrap();
                geometry.quantised(operation, &input, kernel, output, &requantisation)
            }
            Weights::Bytes => {
                let kernel = weights.as_slice();
                geometry.quantised(operation, &input, kernel, output, &requantisation)
            }
        };
        done.unwrap_or_else(|error| panic!("{operation:?} {geometry:?}: {error}"));
        guarded
            .check()
            .unwrap_or_else(|hit| panic!("{operation:?} {geometry:?}: {hit}"));
        let low = quantisation.low.max(T::LEAST);
        let high = quantisation.high.min(T::GREATEST);
        let sums = self.sums(&input, quantisation.input_zero_point, &weights);
        for (index, sum) in sums.into_iter().enumerate() {
            let channel = index % channels;
            let bias = bias.as_ref().map_or(0, |bias| bias[channel].into());
            let expected = (settings.expected)(
                sum + i128::from(bias),
                scales[channel],
                quantisation.output_zero_point,
                (low, high),
            );
            let found: i32 = guarded.as_slice()[index].into();
            assert_eq!(found, expected, "{operation:?} {geometry:?} at {index}");
        }
    }
}

/// How weights are stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weights {
    Bytes,
    Nibbles,
}

/// Everything of a layer but its shape and its data.
pub(crate) struct Settings<'a, R: Rounding> {
    pub(crate) weights: Weights,
    pub(crate) quantisation: Quantisation,
    /// The bias of a channel.
    pub(crate) bias: Option<&'a dyn Fn(usize) -> R::Accumulator>,
    /// The scale of a channel.
    pub(crate) scale: &'a dyn Fn(usize) -> R::Scale,
    pub(crate) expected: Expected<R::Scale>,
}

/// What an output is, of a sum with its bias, a scale, the output's zero point and the clamp.
pub(crate) type Expected<S> = fn(i128, S, i32, (i32, i32)) -> i32;

pub(crate) fn double(sum: i128, scale: Multiplier, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::output(
        requantise::double(sum, scale.multiplier, scale.shift),
        zero_point,
        clamp,
    )
}

pub(crate) fn single(sum: i128, scale: Multiplier, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::output(
        requantise::single(sum, scale.multiplier, scale.shift),
        zero_point,
        clamp,
    )
}

pub(crate) fn wide(sum: i128, scale: Multiplier, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::output(
        requantise::wide(sum, scale.multiplier, scale.shift),
        zero_point,
        clamp,
    )
}

pub(crate) fn half_even(sum: i128, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::half_even(sum as i32, scale, zero_point, clamp)
}

pub(crate) fn float_half_even(sum: i128, scale: f32, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::float_half_even(sum as i32, scale, zero_point, clamp)
}

pub(crate) fn wide_double(sum: i128, scale: Multiplier, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::output(
        requantise::wide_double(sum, scale.multiplier, scale.shift),
        zero_point,
        clamp,
    )
}

pub(crate) fn half_away(sum: i128, scale: f64, zero_point: i32, clamp: (i32, i32)) -> i32 {
    requantise::half_away(sum, scale, zero_point, clamp)
}

/// Multiplier and shift of a channel, as the anchors have them.
pub(crate) fn anchor_scale(channel: usize) -> Multiplier {
    let (multiplier, shift) = (anchors::multiplier(channel), anchors::shift(channel));
    Multiplier { multiplier, shift }
}
