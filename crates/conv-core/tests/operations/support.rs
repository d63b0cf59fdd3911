//! One case: a geometry as the crate under test makes it and as the oracle sees it, and the check of
//! both operations over it.

use core::fmt::Debug;

use conv_core::dynamic::Planar;
use conv_core::element::{Element, Multiply};
use conv_core::{Axis, Error, Geometry, KernelLayout, Matrix, Orientation};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::oracle::{self, Problem, Sum, Taps, Value, channels_first, channels_last};
use conv_vectors::random::{Draw, Lcg};
use conv_vectors::tolerance;

/// An element that operations read: what the oracle computes with, and what the properties need.
pub(crate) trait Operand: Element + Draw {
    /// The oracle's number.
    type Exact: Value;
    /// The multiplicative identity.
    const ONE: Self;

    fn exact(self) -> Self::Exact;

    /// Half the value, rounded towards zero for integers, so that two of them add up without overflow.
    fn half(self) -> Self;

    /// The sum of two halves.
    fn plus(self, other: Self) -> Self;
}

macro_rules! integer_operands {
    ($($integer:ty),*) => {$(
        impl Operand for $integer {
            type Exact = i128;
            const ONE: Self = 1;

            fn exact(self) -> i128 {
                i128::from(self)
            }

            fn half(self) -> Self {
                self / 2
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }
        }
    )*};
}
integer_operands!(i8, u8, i16, i32);

macro_rules! float_operands {
    ($($float:ty),*) => {$(
        impl Operand for $float {
            type Exact = f64;
            const ONE: Self = 1.0;

            fn exact(self) -> f64 {
                f64::from(self)
            }

            fn half(self) -> Self {
                self / 2.0
            }

            fn plus(self, other: Self) -> Self {
                self + other
            }
        }
    )*};
}
float_operands!(f32, f64);

/// An element that operations write.
pub(crate) trait Total: Element + Dirt {
    /// The oracle's number.
    type Exact: Value;

    fn exact(self) -> Self::Exact;

    /// The value of an oracle's sum that is exact in `Self`.
    fn of(exact: Self::Exact) -> Self;

    /// Integers bit for bit, floats by the tolerance table.
    fn hold(self, sum: &Sum<Self::Exact>) -> Result<(), String>;
}

macro_rules! integer_totals {
    ($($integer:ty),*) => {$(
        impl Total for $integer {
            type Exact = i128;

            fn exact(self) -> i128 {
                i128::from(self)
            }

            fn of(exact: i128) -> Self {
                Self::try_from(exact).expect("the sum is within the accumulator")
            }

            fn hold(self, sum: &Sum<i128>) -> Result<(), String> {
                match i128::from(self) == sum.value() {
                    true => Ok(()),
                    false => Err(format!("got {self}, expected {}", sum.value())),
                }
            }
        }
    )*};
}
integer_totals!(i32, i64, i128);

impl Total for f32 {
    type Exact = f64;

    fn exact(self) -> f64 {
        f64::from(self)
    }

    fn of(exact: f64) -> Self {
        exact as Self
    }

    fn hold(self, sum: &Sum<f64>) -> Result<(), String> {
        tolerance::check_f32(self, sum.value(), sum.terms(), sum.magnitude())
            .map_err(|mismatch| mismatch.to_string())
    }
}

impl Total for f64 {
    type Exact = Self;

    fn exact(self) -> Self {
        self
    }

    fn of(exact: Self) -> Self {
        exact
    }

    fn hold(self, sum: &Sum<Self>) -> Result<(), String> {
        tolerance::check_f64(self, sum.high_low(), sum.terms(), sum.magnitude())
            .map_err(|mismatch| mismatch.to_string())
    }
}

/// The channels of a case: those of x, those of y, the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channels {
    pub(crate) x: usize,
    pub(crate) y: usize,
    pub(crate) groups: usize,
}

impl Channels {
    pub(crate) const ONE: Self = Self::new(1, 1, 1);

    pub(crate) const fn new(x: usize, y: usize, groups: usize) -> Self {
        Self { x, y, groups }
    }

    /// Channels that reach each of the engine's loops, with more than its lanes and without.
    pub(crate) const SETS: [Self; 14] = [
        Self::ONE,
        Self::new(1, 2, 1),
        Self::new(2, 1, 1),
        Self::new(2, 3, 1),
        Self::new(3, 2, 1),
        Self::new(1, 9, 1),
        Self::new(9, 1, 1),
        Self::new(2, 2, 2),
        Self::new(4, 2, 2),
        Self::new(2, 6, 2),
        Self::new(6, 3, 3),
        Self::new(3, 3, 3),
        Self::new(3, 6, 3),
        Self::new(9, 18, 9),
    ];
}

/// A map over which both operations run.
#[derive(Clone, Debug)]
pub(crate) struct Case<const D: usize> {
    pub(crate) geometry: Geometry<D>,
    pub(crate) problem: Problem,
    pub(crate) layout: KernelLayout,
}

/// The same axis for the oracle.
pub(crate) fn oracle_axis(axis: &Axis, input: usize) -> oracle::Axis {
    oracle::Axis::new(input, axis.kernel)
        .stride(axis.stride)
        .dilation(axis.dilation)
        .pad(axis.pad_before, axis.pad_after)
}

fn problem(axes: &[oracle::Axis], channels: Channels, orientation: Orientation) -> Problem {
    Problem::new(axes)
        .channels(channels.x, channels.y)
        .groups(channels.groups)
        .taps(match orientation {
            Orientation::Correlation => Taps::AsGiven,
            Orientation::Convolution => Taps::Flipped,
        })
}

impl<const D: usize> Case<D>
where
    Geometry<D>: Planar,
{
    /// The map over an input of the given extents, if the oracle says that it is legal; panics where the
    /// crate under test says otherwise.
    pub(crate) fn direct(
        axes: [Axis; D],
        input: [usize; D],
        channels: Channels,
        orientation: Orientation,
    ) -> Option<Self> {
        let seen: Vec<_> = axes
            .iter()
            .zip(input)
            .map(|(axis, i)| oracle_axis(axis, i))
            .collect();
        let problem = problem(&seen, channels, orientation);
        let made = Geometry::direct(axes, input, channels.x, channels.y, channels.groups);
        let expected = problem.output_extents();
        let output = made.map(|geometry| geometry.output().to_vec());
        assert_eq!(
            output.ok(),
            expected,
            "output extents of {axes:?} over {input:?}"
        );
        Some(Self {
            geometry: made.ok()?.with_orientation(orientation),
            problem,
            layout: KernelLayout::OutputSpatialInput,
        })
    }

    /// The map whose transpose leads from `from` to `to`, likewise. Both have at least one element.
    pub(crate) fn transposed(
        axes: [Axis; D],
        from: [usize; D],
        to: [usize; D],
        channels: Channels,
        orientation: Orientation,
    ) -> Option<Self> {
        let seen: Option<Vec<_>> = (axes.iter().zip(from).zip(to))
            .map(|((axis, from), to)| {
                let step = oracle_axis(axis, from);
                (0..axis.stride.max(axis.dilation))
                    .filter_map(|padding| step.transposed(padding))
                    .find(|back| back.input == to)
            })
            .collect();
        let made = Geometry::transposed(axes, from, to, channels.x, channels.y, channels.groups);
        let legal = seen.is_some();
        assert_eq!(
            made.is_ok(),
            legal,
            "{axes:?} transposed from {from:?} to {to:?}: {made:?}"
        );
        let problem = problem(&seen?, channels, orientation);
        assert_eq!(problem.output_extents().as_deref(), Some(&from[..]));
        Some(Self {
            geometry: made.ok()?.with_orientation(orientation),
            problem,
            layout: KernelLayout::OutputSpatialInput,
        })
    }

    /// The same map with a depthwise kernel, where its groups are its input channels.
    pub(crate) fn depthwise(&self) -> Option<Self> {
        (self.geometry.groups() == self.geometry.input_channels()).then(|| Self {
            layout: KernelLayout::SpatialOutput,
            ..self.clone()
        })
    }

    /// The same map with the kernel in another order; only the matrix reads some of them.
    pub(crate) fn with_layout(&self, layout: KernelLayout) -> Self {
        Self {
            layout,
            ..self.clone()
        }
    }

    /// Where the weight for an output channel, an input channel of its group and a tap stands.
    pub(crate) fn weight(&self, y_channel: usize, x_channel: usize, tap: &[usize]) -> usize {
        let kernel = &self.problem.kernel_extents();
        let inputs = self.problem.x_channels / self.problem.groups;
        let outputs = self.problem.y_channels / self.problem.groups;
        match self.layout {
            KernelLayout::OutputSpatialInput => {
                channels_last(inputs, kernel)(y_channel, x_channel, tap)
            }
            KernelLayout::OutputInputSpatial => {
                channels_first(inputs, kernel)(y_channel, x_channel, tap)
            }
            KernelLayout::SpatialOutput => {
                channels_last(self.problem.y_channels, kernel)(0, y_channel, tap)
            }
            KernelLayout::InputSpatialOutput => {
                let x_channel = y_channel / outputs * inputs + x_channel;
                channels_last(outputs, kernel)(x_channel, y_channel % outputs, tap)
            }
        }
    }

    /// `y = C·x` by the oracle, in the order of the crate's buffers.
    pub(crate) fn expected_direct<T, W>(&self, x: &[T], kernel: &[W]) -> Vec<Sum<T::Exact>>
    where
        T: Operand,
        W: Operand<Exact = T::Exact>,
    {
        let x_index = channels_last(self.problem.x_channels, &self.problem.input_extents());
        let y_extents = &self.problem.output_extents().expect("the case is legal");
        oracle::direct(
            &self.problem,
            |image, channel, at| x[x_index(image, channel, at)].exact(),
            |outer, inner, tap| kernel[self.weight(outer, inner, tap)].exact(),
        )
        .expect("the case is legal")
        .arranged(channels_last(self.problem.y_channels, y_extents))
    }

    /// `x = Cᵀ·y` by the oracle, in the order of the crate's buffers.
    pub(crate) fn expected_transposed<T, W>(&self, y: &[T], kernel: &[W]) -> Vec<Sum<T::Exact>>
    where
        T: Operand,
        W: Operand<Exact = T::Exact>,
    {
        let y_extents = &self.problem.output_extents().expect("the case is legal");
        let y_index = channels_last(self.problem.y_channels, y_extents);
        oracle::transposed(
            &self.problem,
            |image, channel, at| y[y_index(image, channel, at)].exact(),
            |outer, inner, tap| kernel[self.weight(outer, inner, tap)].exact(),
        )
        .expect("the case is legal")
        .arranged(channels_last(
            self.problem.x_channels,
            &self.problem.input_extents(),
        ))
    }

    /// Products in the fullest output of the direct operation, were there no edges.
    pub(crate) fn taps(&self) -> u64 {
        let window: usize = self.problem.kernel_extents().iter().product();
        (window * self.problem.x_channels / self.problem.groups) as u64
    }

    /// Products in the fullest output of the transposed operation: along each axis, most taps whose
    /// distance from the window's start leaves the same rest of the stride.
    pub(crate) fn transposed_taps(&self) -> u64 {
        let window: usize = (self.problem.axes().iter())
            .map(|axis| {
                let rest = |tap: usize| tap * axis.dilation % axis.stride;
                let alike = |rests| (0..axis.kernel).filter(|tap| rest(*tap) == rests).count();
                (0..axis.stride).map(alike).max().unwrap_or(0)
            })
            .product();
        (window * self.problem.y_channels / self.problem.groups) as u64
    }

    /// The direct operation of the case's layout.
    pub(crate) fn conv<T, W, A>(&self, x: &[T], kernel: &[W], y: &mut [A]) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        W: Element,
        A: Element,
    {
        match self.layout {
            KernelLayout::SpatialOutput => self.geometry.depthwise(x, kernel, y),
            _ => self.geometry.conv(x, kernel, y),
        }
    }

    /// The transposed operation of the case's layout.
    pub(crate) fn conv_transpose<T, W, A>(
        &self,
        y: &[T],
        kernel: &[W],
        x: &mut [A],
    ) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        W: Element,
        A: Element,
    {
        match self.layout {
            KernelLayout::SpatialOutput => self.geometry.depthwise_transpose(y, kernel, x),
            _ => self.geometry.conv_transpose(y, kernel, x),
        }
    }

    /// Drawn values for x, kernel and y.
    pub(crate) fn draw<T: Operand, W: Operand>(
        &self,
        random: &mut Lcg,
    ) -> (Vec<T>, Vec<W>, Vec<T>) {
        let x = drawn(random, self.geometry.input_elements());
        let kernel = drawn(random, self.geometry.kernel_elements());
        let y = drawn(random, self.geometry.output_elements());
        (x, kernel, y)
    }

    /// Both operations against oracle and matrix, between guards, onto dirty outputs. Where the
    /// accumulator could overflow: the error, the output untouched.
    pub(crate) fn check<T, W, A>(&self, random: &mut Lcg)
    where
        T: Operand + Multiply<W, A>,
        W: Operand<Exact = T::Exact>,
        A: Total<Exact = T::Exact>,
    {
        let (x, kernel, y) = self.draw::<T, W>(random);
        let matrix = Matrix::new(self.geometry, self.layout, &kernel).expect("a legal matrix");
        let within = |taps: u64| match taps <= T::MAX_TAPS {
            true => Ok(()),
            false => Err(Error::Accumulator {
                taps,
                limit: T::MAX_TAPS,
            }),
        };
        let mut output = Guarded::<A>::new(self.geometry.output_elements());
        let ran = self.conv(&x, &kernel, output.as_mut_slice());
        assert_eq!(ran, within(self.taps()), "{self:?}");
        if ran.is_ok() {
            agree(self, output.as_slice(), &self.expected_direct(&x, &kernel));
            let mut product = Guarded::<A>::new(matrix.rows());
            matrix
                .multiply(&x, product.as_mut_slice())
                .expect("the same lengths");
            same(self, output.as_slice(), product.as_slice());
        } else {
            untouched(self, &output);
        }
        assert_eq!(output.check(), Ok(()), "{self:?}");

        let mut output = Guarded::<A>::new(self.geometry.input_elements());
        let ran = self.conv_transpose(&y, &kernel, output.as_mut_slice());
        assert_eq!(ran, within(self.transposed_taps()), "{self:?}");
        if ran.is_ok() {
            agree(
                self,
                output.as_slice(),
                &self.expected_transposed(&y, &kernel),
            );
            let mut product = Guarded::<A>::new(matrix.columns());
            let transposed = matrix.transposed();
            transposed
                .multiply(&y, product.as_mut_slice())
                .expect("the same lengths");
            same(self, output.as_slice(), product.as_slice());
        } else {
            untouched(self, &output);
        }
        assert_eq!(output.check(), Ok(()), "{self:?}");
    }
}

/// `count` drawn values.
pub(crate) fn drawn<T: Draw>(random: &mut Lcg, count: usize) -> Vec<T> {
    (0..count).map(|_| random.draw()).collect()
}

/// Every value is what the oracle says.
pub(crate) fn agree<A: Total>(what: &impl Debug, found: &[A], expected: &[Sum<A::Exact>]) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    for (index, (value, sum)) in found.iter().zip(expected).enumerate() {
        if let Err(mismatch) = value.hold(sum) {
            panic!("output {index}: {mismatch}\n{what:?}");
        }
    }
}

/// The same bits.
pub(crate) fn same<A: Dirt>(what: &impl Debug, found: &[A], expected: &[A]) {
    let equal = found.iter().zip(expected).all(|(a, b)| a.same(*b));
    assert!(
        equal && found.len() == expected.len(),
        "{found:?}\ninstead of\n{expected:?}\n{what:?}"
    );
}

/// The output holds what it held before the call.
pub(crate) fn untouched<A: Dirt>(what: &impl Debug, output: &Guarded<A>) {
    same(
        what,
        output.as_slice(),
        Guarded::new(output.as_slice().len()).as_slice(),
    );
    assert_eq!(output.check(), Ok(()), "{what:?}");
}

/// Calls a macro with every element pair and accumulator, as `name, input, kernel, accumulator`.
macro_rules! for_every_pair {
    ($macro:ident) => {
        $macro!(i8_i8_i32, i8, i8, i32);
        $macro!(i8_i8_i64, i8, i8, i64);
        $macro!(u8_i8_i32, u8, i8, i32);
        $macro!(u8_i8_i64, u8, i8, i64);
        $macro!(i16_i8_i32, i16, i8, i32);
        $macro!(i16_i8_i64, i16, i8, i64);
        $macro!(i16_i16_i64, i16, i16, i64);
        $macro!(i32_i32_i64, i32, i32, i64);
        $macro!(i32_i32_i128, i32, i32, i128);
        $macro!(f32_f32_f32, f32, f32, f32);
        $macro!(f64_f64_f64, f64, f64, f64);
    };
}
pub(crate) use for_every_pair;
