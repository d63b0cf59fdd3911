//! The documented order of summation: the results are those of the sums written down here, bit for bit.

mod common;

use common::{Setting, conv, conv_transpose};
use conv_std::{Layout, Products, SimdLevel};
use conv_vectors::oracle::{Axis, fused};
use conv_vectors::random::{Lcg, Spread};

/// Taps as height and width of an axis pair, ascending.
fn taps(kernel: [usize; 2]) -> impl Iterator<Item = [usize; 2]> {
    (0..kernel[0]).flat_map(move |ky| (0..kernel[1]).map(move |kx| [ky, kx]))
}

/// The sum of one output: products of `operands(tap, channel)` over the taps that it meets, ascending.
fn sum(
    setting: &Setting<2>,
    met: &[usize],
    channels: usize,
    operands: impl Fn(usize, usize) -> (f32, f32),
) -> f32 {
    if setting.products == Products::Fused {
        let kernel = setting.kernel().iter().product();
        return fused(kernel, met, channels, operands);
    }
    let mut sum = 0.0;
    for tap in met {
        for channel in 0..channels {
            let (input, weight) = operands(*tap, channel);
            sum += input * weight;
        }
    }
    sum
}

/// The positions that the taps of an output read, by tap.
type Met = Vec<(usize, [usize; 2])>;

/// The taps for which both axes have a position.
fn met(setting: &Setting<2>, place: impl Fn(usize, usize) -> Option<usize>) -> Met {
    let taps = taps(setting.kernel()).enumerate();
    let places =
        taps.filter_map(|(index, tap)| Some((index, [place(0, tap[0])?, place(1, tap[1])?])));
    places.collect()
}

fn at(met: &Met, tap: usize) -> [usize; 2] {
    met.iter().find(|(index, _)| *index == tap).unwrap().1
}

fn direct(setting: &Setting<2>, x: &[f32], w: &[f32], bias: &[f32]) -> Vec<f32> {
    let extents = setting.output_extents().unwrap();
    let at_x = setting.index(setting.groups * setting.inputs, &setting.extents());
    let at_w = setting.index(setting.inputs, &setting.kernel());
    let channels = setting.groups * setting.outputs;
    let at_y = setting.index(channels, &extents);
    let mut y = vec![0.0; setting.batch * channels * extents[0] * extents[1]];
    for image in 0..setting.batch {
        for output in 0..channels {
            for [oy, ox] in taps(extents) {
                let met = met(setting, |d, tap| {
                    let axis = setting.axes[d];
                    let ahead = ([oy, ox][d] * axis.stride + tap * axis.dilation) as isize;
                    let place = ahead - axis.pad_before;
                    (0..axis.input as isize)
                        .contains(&place)
                        .then_some(place as usize)
                });
                let list: Vec<usize> = met.iter().map(|(tap, _)| *tap).collect();
                let sum = sum(setting, &list, setting.inputs, |tap, input| {
                    let channel = output / setting.outputs * setting.inputs + input;
                    let width = setting.kernel()[1];
                    let weight = w[at_w(output, input, &[tap / width, tap % width])];
                    (x[at_x(image, channel, &at(&met, tap))], weight)
                });
                y[at_y(image, output, &[oy, ox])] = sum + bias[output];
            }
        }
    }
    y
}

/// The same for the transposed operation, over its own input channels of the group.
fn transposed(setting: &Setting<2>, y: &[f32], w: &[f32]) -> Vec<f32> {
    let (extents, strided) = (setting.extents(), setting.output_extents().unwrap());
    let channels = setting.groups * setting.inputs;
    let at_y = setting.index(setting.groups * setting.outputs, &strided);
    let at_w = setting.index(setting.inputs, &setting.kernel());
    let at_x = setting.index(channels, &extents);
    let mut x = vec![0.0; setting.batch * channels * extents[0] * extents[1]];
    for image in 0..setting.batch {
        for channel in 0..channels {
            for [ty, tx] in taps(extents) {
                let met = met(setting, |d, tap| {
                    let axis = setting.axes[d];
                    let ahead =
                        [ty, tx][d] as isize + axis.pad_before - (tap * axis.dilation) as isize;
                    let stride = axis.stride as isize;
                    let inside =
                        ahead >= 0 && ahead % stride == 0 && ahead / stride < strided[d] as isize;
                    inside.then_some((ahead / stride) as usize)
                });
                let list: Vec<usize> = met.iter().map(|(tap, _)| *tap).collect();
                let sum = sum(setting, &list, setting.outputs, |tap, output| {
                    let source = channel / setting.inputs * setting.outputs + output;
                    let width = setting.kernel()[1];
                    let place = [tap / width, tap % width];
                    let weight = w[at_w(source, channel % setting.inputs, &place)];
                    (y[at_y(image, source, &at(&met, tap))], weight)
                });
                x[at_x(image, channel, &[ty, tx])] = sum;
            }
        }
    }
    x
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn results_are_the_documented_sums() {
    let mut random = Lcg::new(11);
    let mut checked = 0;
    for seed in 0..240 {
        let mut axis = || {
            Axis::new(1 + random.below(20), 1 + random.below(4))
                .stride(1 + random.below(3))
                .dilation(1 + random.below(2))
                .pad(random.below(5) as isize - 1, random.below(5) as isize - 1)
        };
        let axes = [axis(), axis()];
        let channels = [
            (1, 1, 1),
            (1, 3, 18),
            (2, 2, 5),
            (20, 1, 1),
            (3, 9, 2),
            (1, 17, 33),
            (2, 37, 14),
            (1, 70, 40),
        ];
        let (groups, inputs, outputs) = channels[seed % channels.len()];
        let setting = Setting {
            batch: 1 + seed % 2,
            groups,
            inputs,
            outputs,
            layout: [Layout::Nchw, Layout::Nhwc][seed / 8 % 2],
            products: [Products::Fused, Products::Rounded][seed / 16 % 2],
            seed: seed as u32,
            // Exponents far apart: another order gives other bits.
            spread: Spread::Full,
            ..Setting::new(axes)
        };
        let Some(extents) = setting.output_extents() else {
            continue;
        };
        let weights = setting.weight_array::<f32>();
        let w = weights.as_slice().unwrap();
        let (x, y) = (setting.x::<f32>(), setting.y::<f32>(extents));
        let bias = setting.bias::<f32>(groups * outputs);
        let expected = direct(&setting, &x, w, &bias);
        let expected_back = transposed(&setting, &y, w);
        for level in SimdLevel::available() {
            let plan = conv::<f32, f32, f32, 2>(&setting, &weights)
                .bias(&bias)
                .simd(level);
            let mut found = vec![f32::NAN; expected.len()];
            let plan = plan.build().unwrap();
            plan.run_slice(&x, setting.batch, setting.extents(), &mut found)
                .unwrap();
            assert_eq!(bits(&found), bits(&expected), "{level}: {setting:?}");

            let builder = conv_transpose::<f32, f32, f32, 2>(&setting, &weights).simd(level);
            let plan = builder.output_size(setting.extents()).build().unwrap();
            let mut found = vec![f32::NAN; expected_back.len()];
            plan.run_slice(&y, setting.batch, extents, &mut found)
                .unwrap();
            assert_eq!(bits(&found), bits(&expected_back), "{level}: {setting:?}");
        }
        checked += 1;
    }
    assert!(checked > 120, "{checked}");
}

#[test]
fn padding_multiplies_nothing_and_other_values_propagate() {
    use conv_std::ndarray::arr1;
    let shaped = |values: &[f32]| {
        arr1(values)
            .into_shape_with_order((1, 1, values.len()))
            .unwrap()
    };
    // Of three taps only the middle one meets the single input; the infinite ones meet the pads.
    let kernel = shaped(&[f32::INFINITY, 2.0, f32::NAN]);
    let plan = conv_std::Conv1d::<f32>::new(kernel.view())
        .pad(1)
        .build()
        .unwrap();
    assert_eq!(plan.run(shaped(&[3.0]).view()).unwrap()[[0, 0, 0]], 6.0);
    // A zero weight is multiplied: 0 · ∞ is not a number.
    let kernel = shaped(&[0.0, 1.0]);
    let plan = conv_std::Conv1d::<f32>::new(kernel.view()).build().unwrap();
    let y = plan
        .run(shaped(&[f32::INFINITY, 1.0, f32::INFINITY, 1.0]).view())
        .unwrap();
    assert!(y[[0, 0, 0]].is_nan());
    assert_eq!(y[[0, 0, 1]], f32::INFINITY);
    assert!(y[[0, 0, 2]].is_nan());
}
