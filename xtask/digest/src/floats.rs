//! Every small shape of an operation on `f32`, bit for bit against the sum written out.
//!
//! Cores with a float unit compute several outputs at once: two, four or eight pixels by one to eight channels, and what
//! is left over by narrower blocks. So channels go from 1 to 9 on either side, widths to 6, signals to 40, and each
//! shape is run direct and transposed, grouped, depthwise and with a kernel turned round; strides, dilations and pads
//! (negative ones crop) are drawn. One case in four has infinities, NaN, zeros of either sign and subnormal numbers among
//! its data. The output lies between guards, and holds something else before.

use conv_core::geometry::Orientation;
use conv_core::{Axis, Geometry, finish};

use crate::run::{Group, Run};

/// The longest buffers.
const LONGEST: usize = 4096;
/// The largest kernel.
const TAPS: usize = 2048;
/// Values on either side of the output that stay what they were.
const GUARDS: usize = 32;
/// What the guards and the output hold beforehand.
const DIRT: f32 = -85.5;
/// Input and output channels of a group.
const GROUPED: [[usize; 2]; 8] = [
    [1, 1],
    [1, 2],
    [2, 1],
    [3, 2],
    [2, 5],
    [5, 3],
    [1, 9],
    [4, 4],
];

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("floats/channels", channels);
    run.group("floats/wide", wide);
    run.group("floats/signals", signals);
    run.group("floats/groups", groups);
    run.group("floats/depthwise", depthwise);
}

/// Channels 1 to 9 by 1 to 9, kernels to 4 wide, images to 6.
fn channels(group: &mut Group) {
    for index in 0..9 * 9 * 4 * 6_usize {
        let (index, inputs) = (index / 9, 1 + index % 9);
        let (index, outputs) = (index / 9, 1 + index % 9);
        let (width, kernel) = (1 + index / 4, 1 + index % 4);
        for _ in 0..3 {
            let shape = Shape::drawn(group, kernel, width, [inputs, outputs, 1]);
            both(group, &shape, Layout::Channels);
        }
    }
}

/// More channels than any block has, and so few weights that only their number matters.
fn wide(group: &mut Group) {
    for channels in [10, 11, 12, 13, 15, 16, 17, 31, 33] {
        for (inputs, outputs) in [(channels, 3), (3, channels), (channels, 17)] {
            for kernel in 1..=3 {
                let width = 3 + group.random.below(4);
                let mut shape = Shape::drawn(group, kernel, width, [inputs, outputs, 1]);
                shape.axes[0].kernel = 1;
                both(group, &shape, Layout::Channels);
            }
        }
    }
}

/// One, two or three channels, up to 40 samples, up to 17 taps.
fn signals(group: &mut Group) {
    for length in 1..=40 {
        for kernel in 1..=17 {
            for _ in 0..3 {
                let draw = [group.random.below(4), group.random.below(4)];
                let channels = draw.map(|draw| [1, 1, 2, 3][draw]);
                let mut shape = Shape::drawn(group, kernel, length, [channels[0], channels[1], 1]);
                (shape.axes[0], shape.extents[0]) = (Axis::new(1), 1);
                both(group, &shape, Layout::Channels);
            }
        }
    }
}

/// Groups of several channels.
fn groups(group: &mut Group) {
    for groups in 2..=5 {
        for [inputs, outputs] in GROUPED {
            for width in 1..=6 {
                for kernel in 1..=3 {
                    let channels = [inputs * groups, outputs * groups, groups];
                    let shape = Shape::drawn(group, kernel, width, channels);
                    both(group, &shape, Layout::Channels);
                }
            }
        }
    }
}

/// Each channel by itself, and several outputs for each.
fn depthwise(group: &mut Group) {
    for channels in 1..=17 {
        for multiplier in [1, 1, 2, 3] {
            for width in 1..=6 {
                let kernel = 1 + group.random.below(4);
                let shape = Shape::drawn(
                    group,
                    kernel,
                    width,
                    [channels, channels * multiplier, channels],
                );
                both(group, &shape, Layout::Depthwise);
            }
        }
    }
}

/// Axes, extents and channels, not yet checked.
#[derive(Clone, Copy)]
struct Shape {
    axes: [Axis; 2],
    extents: [usize; 2],
    /// Input channels, output channels, groups.
    channels: [usize; 3],
    orientation: Orientation,
}

impl Shape {
    /// A width and its kernel, as given; everything else drawn.
    fn drawn(group: &mut Group, kernel: usize, width: usize, channels: [usize; 3]) -> Self {
        let axes = [1 + group.random.below(3), kernel].map(|kernel| {
            let mut draw = |from: isize, count: usize| from + group.random.below(count) as isize;
            Axis::new(kernel)
                .with_stride(draw(1, 3).unsigned_abs())
                .with_dilation(draw(1, 2).unsigned_abs())
                .with_pads(draw(-1, 5), draw(-1, 5))
        });
        let orientation = match group.random.below(2) {
            0 => Orientation::Correlation,
            _ => Orientation::Convolution,
        };
        Self {
            axes,
            extents: [1 + group.random.below(3), width],
            channels,
            orientation,
        }
    }
}

/// The order of the weights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Output channels, height, width, input channels of the group.
    Channels,
    /// Height, width, output channels.
    Depthwise,
}

/// Which way through the map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Transposed,
}

/// The shape direct, and with its extents on the other side transposed, as far as either is legal.
fn both(group: &mut Group, shape: &Shape, layout: Layout) {
    let &Shape {
        axes,
        extents,
        channels: [inputs, outputs, groups],
        orientation,
    } = shape;
    if let Ok(geometry) = Geometry::direct(axes, extents, inputs, outputs, groups) {
        let geometry = geometry.with_orientation(orientation);
        operation(group, &geometry, layout, Way::Direct);
    }
    let padding = axes.map(|axis| group.random.below(axis.stride.max(axis.dilation)));
    let [Ok(height), Ok(width)] =
        [0, 1].map(|axis| axes[axis].transposed_output(extents[axis], padding[axis]))
    else {
        return;
    };
    let target = [height, width];
    if let Ok(geometry) = Geometry::transposed(axes, extents, target, inputs, outputs, groups) {
        let geometry = geometry.with_orientation(orientation);
        operation(group, &geometry, layout, Way::Transposed);
    }
}

/// One operation, with a bias for each channel in one case of two.
#[inline(never)]
fn operation(group: &mut Group, geometry: &Geometry<2>, layout: Layout, way: Way) {
    let (from, to, channels) = match way {
        Way::Direct => (
            geometry.input_elements(),
            geometry.output_elements(),
            geometry.output_channels(),
        ),
        Way::Transposed => (
            geometry.output_elements(),
            geometry.input_elements(),
            geometry.input_channels(),
        ),
    };
    let (mut source, mut kernel) = ([0.0; LONGEST], [0.0; TAPS]);
    let mut target = [DIRT; LONGEST];
    let (source, kernel) = (
        &mut source[..from],
        &mut kernel[..geometry.kernel_elements()],
    );
    group.fill(source);
    group.fill(kernel);
    if group.random.below(4) == 0 {
        special(group, source);
        special(group, kernel);
    }
    let mut biases = [0.0; 64];
    let biases = &mut biases[..channels];
    let (before, rest) = target.split_at_mut(GUARDS);
    let (output, after) = rest.split_at_mut(to);
    let done = if group.random.below(2) == 0 {
        run(geometry, layout, way, source, kernel, output, finish::raw())
    } else {
        group.fill(biases);
        let bias = finish::bias_slice(biases);
        run(geometry, layout, way, source, kernel, output, bias)
    };
    let untouched = before.iter().chain(&*after).all(|&value| value == DIRT);
    let sums = Sums {
        geometry,
        layout,
        way,
        source,
        kernel,
    };
    let right = sums.equal(biases, output);
    for value in &mut *output {
        // The bits of a NaN are the target's.
        if value.is_nan() {
            *value = f32::NAN;
        }
    }
    group.values(output);
    group.check(done && untouched && right);
}

/// Puts some of the numbers that are not like others into a buffer.
fn special(group: &mut Group, buffer: &mut [f32]) {
    const SPECIAL: [f32; 7] = [
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -0.0,
        0.0,
        f32::MAX,
        1e-40,
    ];
    for value in buffer {
        if group.random.below(12) == 0 {
            *value = SPECIAL[group.random.below(SPECIAL.len())];
        }
    }
}

/// Runs the operation under test, and says whether it took its arguments.
fn run<F>(
    geometry: &Geometry<2>,
    layout: Layout,
    way: Way,
    source: &[f32],
    kernel: &[f32],
    output: &mut [f32],
    finish: F,
) -> bool
where
    F: finish::Finish<Accumulator = f32, Output = f32>,
{
    let done = match (layout, way) {
        (Layout::Channels, Way::Direct) => geometry.conv_with(source, kernel, output, finish),
        (Layout::Channels, Way::Transposed) => {
            geometry.conv_transpose_with(source, kernel, output, finish)
        }
        (Layout::Depthwise, Way::Direct) => geometry.depthwise_with(source, kernel, output, finish),
        (Layout::Depthwise, Way::Transposed) => {
            geometry.depthwise_transpose_with(source, kernel, output, finish)
        }
    };
    done.is_ok()
}

/// The sums of an operation as the documentation states them: rows, columns, channels, each product rounded.
struct Sums<'a> {
    geometry: &'a Geometry<2>,
    layout: Layout,
    way: Way,
    source: &'a [f32],
    kernel: &'a [f32],
}

impl Sums<'_> {
    /// Whether the output is every sum plus its bias, to the bit; a NaN is one whatever its bits.
    #[inline(never)]
    fn equal(&self, biases: &[f32], output: &[f32]) -> bool {
        let extents = match self.way {
            Way::Direct => self.geometry.output(),
            Way::Transposed => self.geometry.input(),
        };
        let channels = biases.len();
        let [height, width] = extents;
        output.len() == height * width * channels
            && output.iter().enumerate().all(|(index, &found)| {
                let (pixel, channel) = (index / channels, index % channels);
                let sum = self.sum([pixel / width, pixel % width], channel);
                let biased = sum + biases[channel];
                let same = |value: f32| value.to_bits() == found.to_bits();
                // Without a bias nothing is added, not even the 0 that would take the sign from −0.
                let expected = if biases[channel] == 0.0 { sum } else { biased };
                same(expected) || expected.is_nan() && found.is_nan()
            })
    }

    fn sum(&self, target: [usize; 2], channel: usize) -> f32 {
        let geometry = self.geometry;
        let groups = geometry.groups();
        let (sources, targets, extents) = match self.way {
            Way::Direct => (
                geometry.input_channels(),
                geometry.output_channels(),
                geometry.input(),
            ),
            Way::Transposed => (
                geometry.output_channels(),
                geometry.input_channels(),
                geometry.output(),
            ),
        };
        let reduce = sources / groups;
        let group = channel / (targets / groups);
        let [rows, columns] = geometry.kernel();
        let mut sum = 0.0_f32;
        for row in 0..rows {
            let Some(y) = self.position(0, target[0], row, extents[0]) else {
                continue;
            };
            for column in 0..columns {
                let Some(x) = self.position(1, target[1], column, extents[1]) else {
                    continue;
                };
                for source in group * reduce..(group + 1) * reduce {
                    let value = self.source[(y * extents[1] + x) * sources + source];
                    let product = value * self.weight(row, column, source, channel);
                    sum += product;
                }
            }
        }
        sum
    }

    /// What a tap reads for a target position, if that lies inside the source.
    fn position(&self, axis: usize, target: usize, tap: usize, extent: usize) -> Option<usize> {
        let axis = &self.geometry.axes()[axis];
        let distance = (tap * axis.dilation) as isize;
        let position = match self.way {
            Way::Direct => (target * axis.stride) as isize + distance - axis.pad_before,
            Way::Transposed => {
                let reach = target as isize + axis.pad_before - distance;
                let stride = axis.stride as isize;
                (reach % stride == 0).then_some(reach / stride)?
            }
        };
        usize::try_from(position)
            .ok()
            .filter(|&position| position < extent)
    }

    /// The weight between a source and a target channel.
    fn weight(&self, row: usize, column: usize, source: usize, target: usize) -> f32 {
        let geometry = self.geometry;
        let [rows, columns] = geometry.kernel();
        let (row, column) = match geometry.orientation() {
            Orientation::Correlation => (row, column),
            Orientation::Convolution => (rows - 1 - row, columns - 1 - column),
        };
        let (input, output) = match self.way {
            Way::Direct => (source, target),
            Way::Transposed => (target, source),
        };
        let tap = row * columns + column;
        let inputs = geometry.input_channels() / geometry.groups();
        self.kernel[match self.layout {
            Layout::Channels => (output * rows * columns + tap) * inputs + input % inputs,
            Layout::Depthwise => tap * geometry.output_channels() + output,
        }]
    }
}
