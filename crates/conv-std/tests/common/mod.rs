//! What the tests share: a setting, the oracle's answer to it, and this crate's at every SIMD level.
// Each test binary uses its own part of this module.
#![allow(dead_code, unreachable_pub)]

pub mod layer;

use conv_std::ndarray::{Array, IxDyn};
use conv_std::{
    Boundary, Conv, ConvTranspose, Error, Layout, Number, Operand, Orientation, Products, Rank,
    SimdLevel, Spatial, Tensor,
};
use conv_vectors::guard::{Dirt, Guarded};
use conv_vectors::oracle::{
    self, Axis, Outputs, Problem, Sum, Taps, Value, channels_first, channels_last,
};
use conv_vectors::random::{Draw, Lcg, Spread};
use conv_vectors::tolerance;

/// A number that the oracle knows.
pub trait Exact: Copy {
    type In: Value;
    fn exact(self) -> Self::In;
}

/// An accumulator that the oracle judges.
pub trait Judge: Exact {
    fn judge(self, sum: &Sum<Self::In>) -> Result<(), String>;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Exact for $integer {
            type In = i128;
            fn exact(self) -> i128 {
                i128::from(self)
            }
        }
        impl Judge for $integer {
            fn judge(self, sum: &Sum<i128>) -> Result<(), String> {
                if self.exact() == sum.value() {
                    return Ok(());
                }
                Err(format!("{self}, expected {}", sum.value()))
            }
        }
    )*};
}
integers!(i8, u8, i16, i32, i64, i128);

impl Exact for f32 {
    type In = f64;
    fn exact(self) -> f64 {
        f64::from(self)
    }
}

impl Judge for f32 {
    fn judge(self, sum: &Sum<f64>) -> Result<(), String> {
        tolerance::check_f32(self, sum.value(), sum.terms(), sum.magnitude())
            .map_err(|error| error.to_string())
    }
}

impl Exact for f64 {
    type In = f64;
    fn exact(self) -> f64 {
        self
    }
}

impl Judge for f64 {
    fn judge(self, sum: &Sum<f64>) -> Result<(), String> {
        tolerance::check_f64(self, sum.high_low(), sum.terms(), sum.magnitude())
            .map_err(|error| error.to_string())
    }
}

/// What an accumulator must be able to do here.
pub trait Sums: Number + Judge + Dirt + From<i8> {}
impl<A: Number + Judge + Dirt + From<i8>> Sums for A {}

/// Where (image, channel, position) stands in a flat tensor.
pub type Index = Box<dyn Fn(usize, usize, &[usize]) -> usize>;

/// A direct problem in a layout.
#[derive(Clone, Debug)]
pub struct Setting<const D: usize> {
    pub axes: [Axis; D],
    pub batch: usize,
    pub groups: usize,
    /// Channels of each group.
    pub inputs: usize,
    pub outputs: usize,
    pub orientation: Orientation,
    pub layout: Layout,
    pub boundary: Boundary,
    pub products: Products,
    pub seed: u32,
    pub spread: Spread,
}

impl<const D: usize> Setting<D> {
    pub fn new(axes: [Axis; D]) -> Self {
        Self {
            axes,
            batch: 1,
            groups: 1,
            inputs: 1,
            outputs: 1,
            orientation: Orientation::Correlation,
            layout: Layout::Nchw,
            boundary: Boundary::Zero,
            products: Products::Fused,
            seed: 1,
            spread: Spread::Uniform,
        }
    }

    pub fn problem(&self) -> Problem {
        let taps = match self.orientation {
            Orientation::Correlation => Taps::AsGiven,
            Orientation::Convolution => Taps::Flipped,
        };
        let boundary = match self.boundary {
            Boundary::Zero => oracle::Boundary::Zero,
            Boundary::Reflect => oracle::Boundary::Reflect,
            Boundary::Replicate => oracle::Boundary::Replicate,
            Boundary::Circular => oracle::Boundary::Circular,
        };
        Problem::new(&self.axes)
            .batch(self.batch)
            .channels(self.groups * self.inputs, self.groups * self.outputs)
            .groups(self.groups)
            .taps(taps)
            .boundary(boundary)
    }

    pub fn extents(&self) -> [usize; D] {
        self.axes.map(|axis| axis.input)
    }

    pub fn kernel(&self) -> [usize; D] {
        self.axes.map(|axis| axis.kernel)
    }

    pub fn output_extents(&self) -> Option<[usize; D]> {
        let mut extents = [0; D];
        extents.copy_from_slice(&self.problem().output_extents()?);
        Some(extents)
    }

    /// Where (image, channel, position) stands in this layout.
    pub fn index(&self, channels: usize, extents: &[usize]) -> Index {
        match self.layout {
            Layout::Nchw => Box::new(channels_first(channels, extents)),
            Layout::Nhwc => Box::new(channels_last(channels, extents)),
        }
    }

    pub fn shape(&self, outer: usize, channels: usize, extents: [usize; D]) -> Vec<usize> {
        let mut shape = vec![outer];
        match self.layout {
            Layout::Nchw => {
                shape.push(channels);
                shape.extend(extents);
            }
            Layout::Nhwc => {
                shape.extend(extents);
                shape.push(channels);
            }
        }
        shape
    }

    pub fn random<V: Draw>(&self, salt: u32, shape: &[usize]) -> Vec<V> {
        let mut random =
            Lcg::new(self.seed.wrapping_mul(31).wrapping_add(salt)).spread(self.spread);
        (0..shape.iter().product::<usize>())
            .map(|_| random.draw())
            .collect()
    }

    pub fn weights<W: Draw>(&self) -> Vec<W> {
        self.random(
            1,
            &self.shape(self.groups * self.outputs, self.inputs, self.kernel()),
        )
    }

    pub fn weight_array<W: Number + Draw>(&self) -> Array<W, Tensor<D>>
    where
        Rank<D>: Spatial,
    {
        let shape = self.shape(self.groups * self.outputs, self.inputs, self.kernel());
        array::<_, D>(&shape, self.weights())
    }

    pub fn x<T: Draw>(&self) -> Vec<T> {
        self.random(
            2,
            &self.shape(self.batch, self.groups * self.inputs, self.extents()),
        )
    }

    pub fn y<T: Draw>(&self, extents: [usize; D]) -> Vec<T> {
        self.random(
            3,
            &self.shape(self.batch, self.groups * self.outputs, extents),
        )
    }

    pub fn x_array<T: Draw>(&self) -> Array<T, Tensor<D>>
    where
        Rank<D>: Spatial,
    {
        let shape = self.shape(self.batch, self.groups * self.inputs, self.extents());
        array::<_, D>(&shape, self.x())
    }

    pub fn y_array<T: Draw>(&self, extents: [usize; D]) -> Array<T, Tensor<D>>
    where
        Rank<D>: Spatial,
    {
        let shape = self.shape(self.batch, self.groups * self.outputs, extents);
        array::<_, D>(&shape, self.y(extents))
    }

    pub fn bias<A: From<i8>>(&self, channels: usize) -> Vec<A> {
        let values: Vec<i8> = Setting {
            spread: Spread::Uniform,
            ..self.clone()
        }
        .random(4, &[channels]);
        values.into_iter().map(A::from).collect()
    }

    /// The oracle's sums for the direct operation, in this layout.
    pub fn direct<T: Exact, W: Exact<In = T::In>>(
        &self,
        x: &[T],
        w: &[W],
    ) -> Option<Outputs<T::In>> {
        let at_x = self.index(self.groups * self.inputs, &self.extents());
        let at_w = self.index(self.inputs, &self.kernel());
        oracle::direct(
            &self.problem(),
            |image, channel, at| x[at_x(image, channel, at)].exact(),
            |output, input, tap| w[at_w(output, input, tap)].exact(),
        )
    }

    /// The oracle's sums for the transposed operation.
    pub fn transposed<T: Exact, W: Exact<In = T::In>>(
        &self,
        y: &[T],
        w: &[W],
    ) -> Option<Outputs<T::In>> {
        let at_y = self.index(self.groups * self.outputs, &self.output_extents()?);
        let at_w = self.index(self.inputs, &self.kernel());
        oracle::transposed(
            &self.problem(),
            |image, channel, at| y[at_y(image, channel, at)].exact(),
            |output, input, tap| w[at_w(output, input, tap)].exact(),
        )
    }
}

pub fn array<V, const D: usize>(shape: &[usize], values: Vec<V>) -> Array<V, Tensor<D>>
where
    Rank<D>: Spatial,
{
    let dynamic = Array::from_shape_vec(IxDyn(shape), values).unwrap();
    dynamic.into_dimensionality().unwrap()
}

/// The settings that both builders have, from a [`Setting`].
#[macro_export]
macro_rules! configure {
    ($builder:expr, $setting:expr) => {
        $builder
            .strides($setting.axes.map(|axis| axis.stride))
            .dilations($setting.axes.map(|axis| axis.dilation))
            .pads(
                $setting.axes.map(|axis| axis.pad_before),
                $setting.axes.map(|axis| axis.pad_after),
            )
            .groups($setting.groups)
            .orientation($setting.orientation)
            .layout($setting.layout)
    };
}

pub fn conv<'w, T, W, A: Number, const D: usize>(
    setting: &Setting<D>,
    weights: &'w Array<W, Tensor<D>>,
) -> Conv<'w, T, W, A, D>
where
    Rank<D>: Spatial,
{
    configure!(Conv::new(weights.view()), setting)
        .boundary(setting.boundary)
        .products(setting.products)
}

pub fn conv_transpose<'w, T, W, A: Number, const D: usize>(
    setting: &Setting<D>,
    weights: &'w Array<W, Tensor<D>>,
) -> ConvTranspose<'w, T, W, A, D>
where
    Rank<D>: Spatial,
{
    configure!(ConvTranspose::new(weights.view()), setting).products(setting.products)
}

/// Holds every value against its sum.
pub fn judge<A: Judge + std::fmt::Debug, const D: usize>(
    setting: &Setting<D>,
    found: &[A],
    expected: &Outputs<A::In>,
) {
    let index = setting.index(expected.channels, &expected.extents);
    let expected = expected.arranged(index);
    assert_eq!(found.len(), expected.len(), "{setting:?}");
    for (place, (found, sum)) in found.iter().zip(&expected).enumerate() {
        if let Err(error) = found.judge(sum) {
            panic!("{setting:?}: at {place}: {error}");
        }
    }
}

/// Runs a plan's closure at every level between guards: the same bits, nothing outside.
fn levels<A: Dirt>(
    elements: usize,
    context: &dyn std::fmt::Debug,
    mut run: impl FnMut(SimdLevel, &mut [A]),
) -> Vec<A> {
    let mut first: Option<Vec<A>> = None;
    for level in SimdLevel::available() {
        let mut output = Guarded::<A>::new(elements);
        run(level, output.as_mut_slice());
        assert_eq!(output.check(), Ok(()), "{level}: {context:?}");
        match &first {
            None => first = Some(output.as_slice().to_vec()),
            Some(first) => {
                let same = first.iter().zip(output.as_slice()).all(|(a, b)| a.same(*b));
                assert!(same, "{level} differs: {context:?}");
            }
        }
    }
    first.unwrap_or_default()
}

/// The direct operation against the oracle at every level, with bias; an error where the oracle has no output.
pub fn check_direct<T, W, A, const D: usize>(setting: &Setting<D>)
where
    Rank<D>: Spatial,
    T: Operand<W, A> + Draw + Exact<In = A::In>,
    W: Number + Draw + Exact<In = A::In>,
    A: Sums,
{
    let weights = setting.weight_array::<W>();
    let x = setting.x::<T>();
    let channels = setting.groups * setting.outputs;
    let bias = setting.bias::<A>(channels);
    let Some(expected) = setting.direct(&x, weights.as_slice().unwrap()) else {
        let plan = conv::<T, W, A, D>(setting, &weights).build().unwrap();
        assert!(
            plan.output_extents(setting.extents()).is_err(),
            "{setting:?}"
        );
        return;
    };
    let expected = expected.with_bias(|channel| bias[channel].exact());
    let found = levels::<A>(expected.sums().len(), setting, |level, output| {
        let plan = conv::<T, W, A, D>(setting, &weights)
            .bias(&bias)
            .simd(level)
            .build()
            .unwrap();
        plan.run_slice(&x, setting.batch, setting.extents(), output)
            .unwrap_or_else(|error| panic!("{setting:?}: {error}"));
    });
    judge(setting, &found, &expected);
}

/// The transposed operation against the oracle at every level.
pub fn check_transposed<T, W, A, const D: usize>(setting: &Setting<D>)
where
    Rank<D>: Spatial,
    T: Operand<W, A> + Draw + Exact<In = A::In>,
    W: Number + Draw + Exact<In = A::In>,
    A: Sums,
{
    let Some(extents) = setting.output_extents() else {
        return;
    };
    let weights = setting.weight_array::<W>();
    let y = setting.y::<T>(extents);
    let bias = setting.bias::<A>(setting.groups * setting.inputs);
    let expected = setting.transposed(&y, weights.as_slice().unwrap()).unwrap();
    let expected = expected.with_bias(|channel| bias[channel].exact());
    let found = levels::<A>(expected.sums().len(), setting, |level, output| {
        let builder = conv_transpose::<T, W, A, D>(setting, &weights)
            .bias(&bias)
            .simd(level);
        let plan = builder.output_size(setting.extents()).build().unwrap();
        plan.run_slice(&y, setting.batch, extents, output)
            .unwrap_or_else(|error| panic!("{setting:?}: {error}"));
    });
    judge(setting, &found, &expected);
}

/// Both gradients of the direct operation, and of the transposed one where the boundary is zeros.
pub fn check_gradients<T, A, const D: usize>(setting: &Setting<D>) -> Result<(), Error>
where
    Rank<D>: Spatial,
    T: Operand<T, A> + Draw + Exact<In = A::In>,
    A: Sums,
{
    let Some(extents) = setting.output_extents() else {
        return Ok(());
    };
    let weights = setting.weight_array::<T>();
    let w = weights.as_slice().unwrap();
    let (x, g) = (setting.x::<T>(), setting.y::<T>(extents));
    let [at_x, at_y] = [
        setting.index(setting.groups * setting.inputs, &setting.extents()),
        setting.index(setting.groups * setting.outputs, &extents),
    ];
    let at_w = setting.index(setting.inputs, &setting.kernel());
    let problem = setting.problem();
    let of_x = |image: usize, channel: usize, at: &[usize]| x[at_x(image, channel, at)].exact();
    let of_g = |image: usize, channel: usize, at: &[usize]| g[at_y(image, channel, at)].exact();
    let of_w = |output: usize, input: usize, tap: &[usize]| w[at_w(output, input, tap)].exact();
    let kernel_gradient = oracle::gradient_kernel(&problem, of_x, of_g).unwrap();
    let input_gradient = oracle::gradient_input(&problem, of_g, of_w).unwrap();

    let (x, g) = (setting.x_array::<T>(), setting.y_array::<T>(extents));
    let plan = conv::<T, T, A, D>(setting, &weights).build()?;
    let found = plan.input_gradient(g.view(), setting.extents())?;
    judge(setting, found.as_slice().unwrap(), &input_gradient);
    let found = plan.weight_gradient(x.view(), g.view())?;
    assert_eq!(found.shape(), weights.shape());
    judge(setting, found.as_slice().unwrap(), &kernel_gradient);

    if setting.boundary == Boundary::Zero {
        // Of x' = Cᵀ·g, with x in the place of the gradient at its output.
        let builder = conv_transpose::<T, T, A, D>(setting, &weights);
        let plan = builder.output_size(setting.extents()).build()?;
        let found = plan.weight_gradient(g.view(), x.view())?;
        judge(setting, found.as_slice().unwrap(), &kernel_gradient);
        let found = plan.input_gradient(x.view(), extents)?;
        let forward = setting.direct(x.as_slice().unwrap(), w).unwrap();
        judge(setting, found.as_slice().unwrap(), &forward);
    }
    Ok(())
}
