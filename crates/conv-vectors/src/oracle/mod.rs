//! The operations by their definitions, slowly, in numbers that do not round.
//!
//! A [`Problem`] names the geometry of the direct operation. Values come from closures, so that a
//! caller keeps its own layout and element type and converts to `i128` (integers: exact) or `f64`
//! (floats: summed in twice the working precision). Every output says how many terms it has and
//! how large they are, which is what [`crate::tolerance`] asks for.
//!
//! ```
//! use conv_vectors::guide;
//! use conv_vectors::oracle::{Axis, Problem, direct, transposed};
//!
//! let axis = Axis::new(5, 3);
//! let problem = Problem::new(&[axis, axis]);
//! let kernel = |_, _, tap: &[usize]| i128::from(guide::KERNEL[tap[0]][tap[1]]);
//! let output = direct(&problem, |_, _, at| i128::from(guide::INPUT[at[0]][at[1]]), kernel);
//! let output = output.unwrap();
//! assert_eq!(output.value(0, 0, &[0, 2]), 17);
//!
//! // The transposed operation of the same problem goes back to the input's extents.
//! let back = transposed(&problem, |_, _, at| output.value(0, 0, at), kernel).unwrap();
//! assert_eq!(back.value(0, 0, &[2, 2]), 132);
//! ```
//!
//! # Independence
//!
//! The extents are counted window by window. The direct operation gathers; the transposed one
//! scatters, and drops what falls outside. The two share the loop over positions and nothing else,
//! and neither is shared with the crates under test.

mod axis;
mod fused;
pub mod layers;
mod matrix;
pub mod onnx;
pub mod requantise;
mod sum;

pub use axis::{Axis, Boundary};
pub use fused::fused;
pub use matrix::{Matrix, matrix};
pub use sum::{Sum, Value};

use std::vec::Vec;

/// Which tap of the kernel meets which input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taps {
    /// Cross-correlation, what neural networks call convolution.
    #[default]
    AsGiven,
    /// True convolution: the kernel reversed on every axis.
    Flipped,
}

/// The geometry of a direct operation from x (batch, `x_channels`, input extents) to y (batch,
/// `y_channels`, output extents). The transposed operation and the gradients are named by the
/// direct operation whose map they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Number of images.
    pub batch: usize,
    /// Number of groups; divides both channel counts.
    pub groups: usize,
    /// Channels of x, the direct operation's input.
    pub x_channels: usize,
    /// Channels of y, the direct operation's output.
    pub y_channels: usize,
    /// Whether the kernel is flipped.
    pub taps: Taps,
    /// What positions outside the input read; the transposed operation knows only zero.
    pub boundary: Boundary,
    axes: Vec<Axis>,
}

/// A position on up to three axes; the unused ones are 0.
type Position = [usize; 3];

impl Problem {
    /// One image, one channel, one group, zeros outside, over one to three axes.
    ///
    /// # Panics
    ///
    /// When there are no axes or more than three.
    #[must_use]
    pub fn new(axes: &[Axis]) -> Self {
        assert!((1..=3).contains(&axes.len()), "one to three axes");
        Self {
            batch: 1,
            groups: 1,
            x_channels: 1,
            y_channels: 1,
            taps: Taps::AsGiven,
            boundary: Boundary::Zero,
            axes: axes.to_vec(),
        }
    }

    /// With this many images.
    #[must_use]
    pub fn batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    /// With these channel counts: those of x, then those of y.
    #[must_use]
    pub fn channels(self, x_channels: usize, y_channels: usize) -> Self {
        Self {
            x_channels,
            y_channels,
            ..self
        }
    }

    /// With this many groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// With the kernel as given or flipped.
    #[must_use]
    pub fn taps(self, taps: Taps) -> Self {
        Self { taps, ..self }
    }

    /// With another boundary.
    #[must_use]
    pub fn boundary(self, boundary: Boundary) -> Self {
        Self { boundary, ..self }
    }

    /// The axes, outermost first.
    #[must_use]
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The output extents of the direct operation, counted; `None` when an axis has none or the
    /// groups do not divide the channels.
    #[must_use]
    pub fn output_extents(&self) -> Option<Vec<usize>> {
        if self.groups == 0
            || !self.x_channels.is_multiple_of(self.groups)
            || !self.y_channels.is_multiple_of(self.groups)
        {
            return None;
        }
        self.axes.iter().map(Axis::output).collect()
    }

    /// The input extents.
    #[must_use]
    pub fn input_extents(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.input).collect()
    }

    /// The kernel extents.
    #[must_use]
    pub fn kernel_extents(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.kernel).collect()
    }

    /// The input position that tap `tap` of output position `at` reads, as the boundary resolves
    /// it; `None` where it reads zero.
    fn source(&self, at: &Position, tap: &Position) -> Option<Position> {
        let mut position = [0; 3];
        for (index, axis) in self.axes.iter().enumerate() {
            let place = axis.place(at[index], tap[index]);
            position[index] = self.boundary.resolve(place, axis.input)?;
        }
        Some(position)
    }

    /// Where in the kernel the value for a tap stands.
    fn stored(&self, tap: &Position) -> Position {
        let mut stored = *tap;
        if self.taps == Taps::Flipped {
            for (index, axis) in self.axes.iter().enumerate() {
                stored[index] = axis.kernel - 1 - tap[index];
            }
        }
        stored
    }

    fn x_channels_per_group(&self) -> usize {
        self.x_channels / self.groups
    }

    fn y_channels_per_group(&self) -> usize {
        self.y_channels / self.groups
    }

    /// The x channel that is number `channel` of the group which `y_channel` is in.
    fn x_channel(&self, y_channel: usize, channel: usize) -> usize {
        y_channel / self.y_channels_per_group() * self.x_channels_per_group() + channel
    }
}

/// Every position within the extents, the last axis fastest.
fn positions(extents: &[usize]) -> impl Iterator<Item = Position> + use<> {
    let extent = |axis: usize| extents.get(axis).copied().unwrap_or(1);
    let [first, second, third] = [extent(0), extent(1), extent(2)];
    (0..first).flat_map(move |a| (0..second).flat_map(move |b| (0..third).map(move |c| [a, b, c])))
}

/// The results of an operation, channels first: (batch, channels, extents).
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs<T> {
    /// Number of images (of output channels, for a kernel gradient).
    pub batch: usize,
    /// Number of channels (of those within a group, for a kernel gradient).
    pub channels: usize,
    /// The extents.
    pub extents: Vec<usize>,
    sums: Vec<Sum<T>>,
}

impl<T: Value> Outputs<T> {
    fn zeros(batch: usize, channels: usize, extents: &[usize]) -> Self {
        let count = batch * channels * extents.iter().product::<usize>();
        Self {
            batch,
            channels,
            extents: extents.to_vec(),
            sums: std::vec![Sum::default(); count],
        }
    }

    fn index(&self, image: usize, channel: usize, at: &[usize]) -> usize {
        let plane = image * self.channels + channel;
        self.extents
            .iter()
            .zip(at)
            .fold(plane, |index, (extent, at)| index * extent + at)
    }

    fn add(&mut self, image: usize, channel: usize, at: &Position, x: T, w: T) {
        let index = self.index(image, channel, at);
        self.sums[index].add(x, w);
    }

    /// The sum at an image, a channel and a position.
    ///
    /// # Panics
    ///
    /// When it is outside.
    #[must_use]
    pub fn at(&self, image: usize, channel: usize, at: &[usize]) -> &Sum<T> {
        &self.sums[self.index(image, channel, at)]
    }

    /// The value at an image, a channel and a position.
    ///
    /// # Panics
    ///
    /// When it is outside.
    #[must_use]
    pub fn value(&self, image: usize, channel: usize, at: &[usize]) -> T {
        self.at(image, channel, at).value()
    }

    /// The sums, channels first.
    #[must_use]
    pub fn sums(&self) -> &[Sum<T>] {
        &self.sums
    }

    /// The values, channels first.
    pub fn values(&self) -> impl ExactSizeIterator<Item = T> + '_ {
        self.sums.iter().map(Sum::value)
    }

    /// The sums in another order: `index(image, channel, position)` is where each goes.
    ///
    /// # Panics
    ///
    /// When an index is not below the number of sums.
    #[must_use]
    pub fn arranged(&self, index: impl Fn(usize, usize, &[usize]) -> usize) -> Vec<Sum<T>> {
        let mut arranged = std::vec![Sum::default(); self.sums.len()];
        for image in 0..self.batch {
            for channel in 0..self.channels {
                for at in positions(&self.extents) {
                    let at = &at[..self.extents.len()];
                    arranged[index(image, channel, at)] = *self.at(image, channel, at);
                }
            }
        }
        arranged
    }

    /// Adds one value per channel: a bias. It is a term like any other.
    ///
    /// # Panics
    ///
    /// Whatever `bias` does.
    #[must_use]
    pub fn with_bias(mut self, bias: impl Fn(usize) -> T) -> Self {
        let plane = self.extents.iter().product::<usize>().max(1);
        for (index, sum) in self.sums.iter_mut().enumerate() {
            sum.add(bias(index / plane % self.channels), T::ONE);
        }
        self
    }
}

/// Flat index for (image, channel, position…): NCHW, and OIHW for kernels.
pub fn channels_first(
    channels: usize,
    extents: &[usize],
) -> impl Fn(usize, usize, &[usize]) -> usize + Clone + use<> {
    let extents = extents.to_vec();
    move |image, channel, at| {
        extents
            .iter()
            .zip(at)
            .fold(image * channels + channel, |index, (extent, at)| {
                index * extent + at
            })
    }
}

/// Flat index for (image, position…, channel): NHWC, and OHWI for kernels.
pub fn channels_last(
    channels: usize,
    extents: &[usize],
) -> impl Fn(usize, usize, &[usize]) -> usize + Clone + use<> {
    let extents = extents.to_vec();
    move |image, channel, at| {
        let pixel = extents
            .iter()
            .zip(at)
            .fold(image, |index, (extent, at)| index * extent + at);
        pixel * channels + channel
    }
}

/// y = C x: `y[t] = Σ x[t·s + j·d − pad_before] · w[j]`, summed over the taps j and the channels of
/// the group.
///
/// `x(image, channel, position)` and `kernel(y_channel, x_channel_in_group, tap)` give the values.
/// `None` when the problem has no output.
pub fn direct<T: Value>(
    problem: &Problem,
    x: impl Fn(usize, usize, &[usize]) -> T,
    kernel: impl Fn(usize, usize, &[usize]) -> T,
) -> Option<Outputs<T>> {
    let extents = problem.output_extents()?;
    let axes = extents.len();
    let taps: Vec<Position> = positions(&problem.kernel_extents()).collect();
    let mut y = Outputs::zeros(problem.batch, problem.y_channels, &extents);
    for image in 0..problem.batch {
        for y_channel in 0..problem.y_channels {
            for at in positions(&extents) {
                let mut sum = Sum::default();
                for channel in 0..problem.x_channels_per_group() {
                    let x_channel = problem.x_channel(y_channel, channel);
                    for tap in &taps {
                        if let Some(from) = problem.source(&at, tap) {
                            let stored = problem.stored(tap);
                            sum.add(
                                x(image, x_channel, &from[..axes]),
                                kernel(y_channel, channel, &stored[..axes]),
                            );
                        }
                    }
                }
                let index = y.index(image, y_channel, &at);
                y.sums[index] = sum;
            }
        }
    }
    Some(y)
}

/// x' = Cᵀ y by scattering: `x'[n·s + j·d − pad_before] += y[n] · w[j]`, what falls outside is
/// dropped.
///
/// The problem is the direct operation's: its output extents are those of y, its input extents
/// those of the result, so every legal output extent of a transposed operation is one of a direct
/// problem (see [`Axis::transposed`]). `kernel(y_channel, x_channel_in_group, tap)` is the direct
/// operation's kernel, unflipped: PyTorch's and ONNX's `(I, O/groups, k…)` for their transposed
/// layers. Only for [`Boundary::Zero`]; `None` otherwise, or when the problem has no output.
pub fn transposed<T: Value>(
    problem: &Problem,
    y: impl Fn(usize, usize, &[usize]) -> T,
    kernel: impl Fn(usize, usize, &[usize]) -> T,
) -> Option<Outputs<T>> {
    let extents = problem.output_extents()?;
    if problem.boundary != Boundary::Zero {
        return None;
    }
    let axes = extents.len();
    let taps: Vec<Position> = positions(&problem.kernel_extents()).collect();
    let mut x = Outputs::zeros(problem.batch, problem.x_channels, &problem.input_extents());
    for image in 0..problem.batch {
        for y_channel in 0..problem.y_channels {
            for at in positions(&extents) {
                let value = y(image, y_channel, &at[..axes]);
                for channel in 0..problem.x_channels_per_group() {
                    let x_channel = problem.x_channel(y_channel, channel);
                    for tap in &taps {
                        let Some(to) = scattered(problem, &at, tap) else {
                            continue;
                        };
                        let stored = problem.stored(tap);
                        let weight = kernel(y_channel, channel, &stored[..axes]);
                        x.add(image, x_channel, &to, value, weight);
                    }
                }
            }
        }
    }
    Some(x)
}

/// Where an input of the transposed operation lands through a tap, unless that is outside.
fn scattered(problem: &Problem, from: &Position, tap: &Position) -> Option<Position> {
    let mut to = [0; 3];
    for (index, axis) in problem.axes.iter().enumerate() {
        let place = from[index] * axis.stride + tap[index] * axis.dilation;
        let place = usize::try_from(place as i64 - axis.pad_before as i64).ok()?;
        if place >= axis.input {
            return None;
        }
        to[index] = place;
    }
    Some(to)
}

/// The gradient with respect to x of a direct operation: `∂/∂x[p] = Σ g[t]·w[j]` over the pairs
/// (t, j) that read p, through the boundary too. Without one it is the transposed operation.
///
/// `None` when the problem has no output.
pub fn gradient_input<T: Value>(
    problem: &Problem,
    gradient: impl Fn(usize, usize, &[usize]) -> T,
    kernel: impl Fn(usize, usize, &[usize]) -> T,
) -> Option<Outputs<T>> {
    let extents = problem.output_extents()?;
    let axes = extents.len();
    let taps: Vec<Position> = positions(&problem.kernel_extents()).collect();
    let mut x = Outputs::zeros(problem.batch, problem.x_channels, &problem.input_extents());
    for image in 0..problem.batch {
        for y_channel in 0..problem.y_channels {
            for at in positions(&extents) {
                for channel in 0..problem.x_channels_per_group() {
                    let x_channel = problem.x_channel(y_channel, channel);
                    for tap in &taps {
                        if let Some(from) = problem.source(&at, tap) {
                            let stored = problem.stored(tap);
                            let weight = kernel(y_channel, channel, &stored[..axes]);
                            let value = gradient(image, y_channel, &at[..axes]);
                            x.add(image, x_channel, &from, value, weight);
                        }
                    }
                }
            }
        }
    }
    Some(x)
}

/// The gradient with respect to the kernel: `∂/∂w[j] = Σ x[p]·g[t]` over images and over the pairs
/// (p, t) that meet at j. The result is (y channels, x channels in a group, kernel extents).
///
/// For a transposed operation the same sum holds with the roles swapped: `x` is the gradient at
/// its output and `gradient` its input. `None` when the problem has no output.
pub fn gradient_kernel<T: Value>(
    problem: &Problem,
    x: impl Fn(usize, usize, &[usize]) -> T,
    gradient: impl Fn(usize, usize, &[usize]) -> T,
) -> Option<Outputs<T>> {
    let extents = problem.output_extents()?;
    let axes = extents.len();
    let taps = problem.kernel_extents();
    let mut kernel = Outputs::zeros(problem.y_channels, problem.x_channels_per_group(), &taps);
    for y_channel in 0..problem.y_channels {
        for channel in 0..problem.x_channels_per_group() {
            let x_channel = problem.x_channel(y_channel, channel);
            for tap in positions(&taps) {
                let stored = problem.stored(&tap);
                for image in 0..problem.batch {
                    for at in positions(&extents) {
                        if let Some(from) = problem.source(&at, &tap) {
                            let value = x(image, x_channel, &from[..axes]);
                            let slope = gradient(image, y_channel, &at[..axes]);
                            kernel.add(y_channel, channel, &stored, value, slope);
                        }
                    }
                }
            }
        }
    }
    Some(kernel)
}

#[cfg(test)]
mod tests;
