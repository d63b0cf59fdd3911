//! A case as a plan with its data, ready to run.

use std::sync::Arc;

use conv_core::element::Element as _;
use conv_std::quantised::{Activation, FloatHalfEven, Quantisation};
use conv_std::rayon::ThreadPool;
use conv_std::{
    Conv, ConvTranspose, Finishing, Layout, Number, Operand, Operation as Way, Plan, Rank, Spatial,
};

use super::{Case, Elements, Operation, Problem};

/// What a case computes with, channels before the spatial axes, each value one of its type.
pub(crate) struct Data {
    pub(crate) input: Vec<f64>,
    pub(crate) weights: Vec<f64>,
    /// Of quantised cases one for each output channel.
    pub(crate) scales: Vec<f64>,
}

/// A plan that runs on the same input each time.
pub(crate) trait Runnable {
    /// Runs once.
    fn run(&mut self) -> Result<(), Problem>;
    /// What the last run computed, channels before the spatial axes.
    fn output(&self) -> Vec<f64>;
    /// As [`Case::operations`].
    fn operations(&self) -> usize;
}

/// A number that data are converted to and outputs from.
pub(crate) trait Value: Copy {
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
}

macro_rules! value {
    ($($type:ty)*) => {$(
        impl Value for $type {
            fn from_f64(value: f64) -> Self {
                value as Self
            }

            fn to_f64(self) -> f64 {
                self.into()
            }
        }
    )*};
}

value!(f32 u8 i8 i16 i32);

struct Variant<O, T: Number, W: Number, A: Number, F: Finishing<A>, const D: usize> {
    plan: Plan<O, T, W, A, F, D>,
    case: Case,
    layout: Layout,
    extents: [usize; D],
    output_extents: [usize; D],
    input: Vec<T>,
    output: Vec<F::Output>,
}

impl<O, T, W, A, F, const D: usize> Runnable for Variant<O, T, W, A, F, D>
where
    Rank<D>: Spatial,
    O: Way<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
    F::Output: Value,
{
    fn run(&mut self) -> Result<(), Problem> {
        let (input, output) = (&self.input, &mut self.output);
        let done = self
            .plan
            .run_slice(input, self.case.batch, self.extents, output);
        done.map_err(|error| error.to_string())
    }

    fn output(&self) -> Vec<f64> {
        let values: Vec<_> = self.output.iter().map(|value| value.to_f64()).collect();
        let points = self.output_extents.iter().product();
        match self.layout {
            Layout::Nchw => values,
            Layout::Nhwc => exchanged(&values, points, self.case.outputs),
        }
    }

    fn operations(&self) -> usize {
        self.case.operations(&self.output_extents)
    }
}

/// Of each item, `rows` by `columns`, the columns as rows.
fn exchanged(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let item = |item: &[f64]| -> Vec<f64> {
        let at = |index: usize| item[index % rows * columns + index / rows];
        (0..rows * columns).map(at).collect()
    };
    values.chunks(rows * columns).flat_map(item).collect()
}

/// Builds a case's plan in a layout and puts its data beside it.
pub(crate) fn prepare(
    case: &Case,
    data: &Data,
    layout: Layout,
    threads: &Arc<ThreadPool>,
) -> Result<Box<dyn Runnable>, Problem> {
    let (expected, found) = (case.input_len(), data.input.len());
    if expected != found {
        return Err(format!("{expected} inputs expected, {found} found"));
    }
    match case.extents.len() {
        1 => of_rank::<1>(case, data, layout, threads),
        2 => of_rank::<2>(case, data, layout, threads),
        3 => of_rank::<3>(case, data, layout, threads),
        rank => Err(format!("{rank} axes")),
    }
}

fn of_rank<const D: usize>(
    case: &Case,
    data: &Data,
    layout: Layout,
    threads: &Arc<ThreadPool>,
) -> Result<Box<dyn Runnable>, Problem>
where
    Rank<D>: Spatial,
{
    let symmetric = Quantisation::new(0, 0);
    match case.elements {
        Elements::F32 => plain::<f32, f32, f32, D>(case, data, layout, threads),
        Elements::I16Sums => plain::<i16, i8, i32, D>(case, data, layout, threads),
        Elements::Int8 => {
            let offset = Quantisation::new(128, 128);
            quantised::<u8, D>(case, data, layout, threads, offset)
        }
        Elements::U8 => quantised::<u8, D>(case, data, layout, threads, symmetric),
        Elements::I16 => quantised::<i16, D>(case, data, layout, threads, symmetric),
    }
}

fn plain<T, W, A, const D: usize>(
    case: &Case,
    data: &Data,
    layout: Layout,
    threads: &Arc<ThreadPool>,
) -> Result<Box<dyn Runnable>, Problem>
where
    Rank<D>: Spatial,
    T: Operand<W, A> + Value + 'static,
    W: Number + Value + 'static,
    A: Number + Value + 'static,
{
    let weights: Vec<W> = converted(&data.weights);
    let view = case.kernel_view(&weights, layout)?;
    match &case.operation {
        Operation::Direct => {
            let builder = Conv::<T, W, A, D>::new(view);
            variant(case, data, layout, case.settle(builder, layout, threads)?)
        }
        Operation::Transposed { output_padding } => {
            let builder = ConvTranspose::<T, W, A, D>::new(view);
            let builder = builder.output_paddings(Case::per_axis(output_padding)?);
            variant(case, data, layout, case.settle(builder, layout, threads)?)
        }
    }
}

fn quantised<T, const D: usize>(
    case: &Case,
    data: &Data,
    layout: Layout,
    threads: &Arc<ThreadPool>,
    quantisation: Quantisation,
) -> Result<Box<dyn Runnable>, Problem>
where
    Rank<D>: Spatial,
    T: Operand<i8, i32> + Activation + Value + 'static,
{
    let weights: Vec<i8> = converted(&data.weights);
    let scales: Vec<f32> = converted(&data.scales);
    let view = case.kernel_view(&weights, layout)?;
    match &case.operation {
        Operation::Direct => {
            let builder = Conv::<T, i8, i32, D>::new(view);
            let builder = builder.quantised::<FloatHalfEven, T>(&scales, quantisation);
            variant(case, data, layout, case.settle(builder, layout, threads)?)
        }
        Operation::Transposed { output_padding } => {
            let builder = ConvTranspose::<T, i8, i32, D>::new(view);
            let builder = builder.output_paddings(Case::per_axis(output_padding)?);
            let builder = builder.quantised::<FloatHalfEven, T>(&scales, quantisation);
            variant(case, data, layout, case.settle(builder, layout, threads)?)
        }
    }
}

fn variant<O, T, W, A, F, const D: usize>(
    case: &Case,
    data: &Data,
    layout: Layout,
    plan: Plan<O, T, W, A, F, D>,
) -> Result<Box<dyn Runnable>, Problem>
where
    Rank<D>: Spatial,
    O: Way<D> + 'static,
    T: Operand<W, A> + Value + 'static,
    W: Number + 'static,
    A: Number + 'static,
    F: Finishing<A> + 'static,
    F::Output: Value,
{
    let extents = Case::per_axis(&case.extents)?;
    let output_extents = plan.output_extents(extents);
    let output_extents = output_extents.map_err(|error| error.to_string())?;
    let points = output_extents.iter().product::<usize>();
    let input = match layout {
        Layout::Nchw => converted(&data.input),
        Layout::Nhwc => {
            let points = extents.iter().product();
            converted(&exchanged(&data.input, case.channels, points))
        }
    };
    Ok(Box::new(Variant {
        plan,
        case: case.clone(),
        layout,
        extents,
        output_extents,
        input,
        output: vec![F::Output::ZERO; case.batch * case.outputs * points],
    }))
}

fn converted<V: Value>(values: &[f64]) -> Vec<V> {
    values.iter().map(|&value| V::from_f64(value)).collect()
}
