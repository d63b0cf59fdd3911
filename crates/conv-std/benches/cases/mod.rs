//! A case that is measured, a line of `cases.txt`: read here for the benches and for what `cargo xtask compare` runs.

use std::str::FromStr;
use std::sync::Arc;

use conv_std::ndarray::{ArrayView, IxDyn};
use conv_std::rayon::ThreadPool;
use conv_std::{Builder, Finishing, Layout, Number, Operand, Plan, Rank, Spatial, Tensor};

pub(crate) mod prepare;

/// What a case's words cannot be, in words.
pub(crate) type Problem = String;

/// Direct, or transposed with this output padding along each axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Direct,
    Transposed { output_padding: Vec<usize> },
}

/// What inputs, weights and outputs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    /// `f32` throughout.
    F32,
    /// A quantised layer: `u8` in and out with zero points of 128, `i8` weights, a scale for each output channel.
    Int8,
    /// `u8` in and out, `i8` weights, one scale.
    U8,
    /// `i16` in and out, `i8` weights, one scale.
    I16,
    /// `i16` in, `i8` weights, sums of `i32` out.
    I16Sums,
}

/// A layer and the input that it is measured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) elements: Elements,
    pub(crate) operation: Operation,
    pub(crate) batch: usize,
    /// Of the input.
    pub(crate) channels: usize,
    /// Of the input.
    pub(crate) extents: Vec<usize>,
    /// Channels of the output.
    pub(crate) outputs: usize,
    pub(crate) kernel: Vec<usize>,
    pub(crate) strides: Vec<usize>,
    pub(crate) pads: Vec<usize>,
    pub(crate) dilations: Vec<usize>,
    pub(crate) groups: usize,
}

impl FromStr for Case {
    type Err = Problem;

    fn from_str(line: &str) -> Result<Self, Problem> {
        let words: Vec<_> = line.split_whitespace().collect();
        let [
            name,
            elements,
            operation,
            batch,
            channels,
            extents,
            outputs,
            kernel,
            stride,
            pad,
            dilation,
            groups,
            output_padding,
        ] = words[..]
        else {
            return Err(format!("a case has 13 words: {line:?}"));
        };
        let extents = list(extents)?;
        let rank = extents.len();
        Ok(Self {
            name: name.into(),
            elements: elements.parse()?,
            operation: match operation {
                "direct" => Operation::Direct,
                "transposed" => Operation::Transposed {
                    output_padding: axes(output_padding, rank)?,
                },
                other => return Err(format!("neither direct nor transposed: {other:?}")),
            },
            batch: number(batch)?,
            channels: number(channels)?,
            extents,
            outputs: number(outputs)?,
            kernel: axes(kernel, rank)?,
            strides: axes(stride, rank)?,
            pads: axes(pad, rank)?,
            dilations: axes(dilation, rank)?,
            groups: number(groups)?,
        })
    }
}

impl FromStr for Elements {
    type Err = Problem;

    fn from_str(word: &str) -> Result<Self, Problem> {
        match word {
            "f32" => Ok(Self::F32),
            "int8" => Ok(Self::Int8),
            "u8" => Ok(Self::U8),
            "i16" => Ok(Self::I16),
            "i16>i32" => Ok(Self::I16Sums),
            other => Err(format!("no elements: {other:?}")),
        }
    }
}

fn number(word: &str) -> Result<usize, Problem> {
    word.parse().map_err(|_| format!("not a number: {word:?}"))
}

fn list(word: &str) -> Result<Vec<usize>, Problem> {
    word.split('x').map(number).collect()
}

/// One value an axis; a single one is for all.
fn axes(word: &str, rank: usize) -> Result<Vec<usize>, Problem> {
    let values = list(word)?;
    match values[..] {
        [value] => Ok(vec![value; rank]),
        _ if values.len() == rank => Ok(values),
        _ => Err(format!("not a value for each of {rank} axes: {word:?}")),
    }
}

impl Case {
    /// Two for each multiplication and addition, padded taps included; of a transposed layer each input meets every tap.
    pub(crate) fn operations(&self, output_extents: &[usize]) -> usize {
        let product = |values: &[usize]| values.iter().product::<usize>();
        let points = match self.operation {
            Operation::Direct => self.outputs * product(output_extents) * self.channels,
            Operation::Transposed { .. } => self.channels * product(&self.extents) * self.outputs,
        };
        2 * self.batch * points * product(&self.kernel) / self.groups
    }

    /// Elements of the input.
    pub(crate) fn input_len(&self) -> usize {
        self.batch * self.channels * self.extents.iter().product::<usize>()
    }

    /// Shape of the weights, as PyTorch and ONNX have them: `O I/groups …` or, transposed, `I O/groups …`.
    pub(crate) fn weight_shape(&self) -> Vec<usize> {
        let mut shape = match self.operation {
            Operation::Direct => vec![self.outputs, self.channels / self.groups],
            Operation::Transposed { .. } => vec![self.channels, self.outputs / self.groups],
        };
        shape.extend(&self.kernel);
        shape
    }

    fn per_axis<const D: usize>(values: &[usize]) -> Result<[usize; D], Problem> {
        let rank = values.len();
        values
            .try_into()
            .map_err(|_| format!("{rank} axes, not {D}"))
    }

    /// The weights as a view that a builder of this layout takes.
    fn kernel_view<'a, W, const D: usize>(
        &self,
        weights: &'a [W],
        layout: Layout,
    ) -> Result<ArrayView<'a, W, Tensor<D>>, Problem>
    where
        Rank<D>: Spatial,
    {
        let view = ArrayView::from_shape(IxDyn(&self.weight_shape()), weights);
        let mut view = view.map_err(|error| error.to_string())?;
        if layout == Layout::Nhwc {
            // The axis after the first goes to the end.
            for axis in 1..=D {
                view.swap_axes(axis, axis + 1);
            }
        }
        view.into_dimensionality()
            .map_err(|error| error.to_string())
    }

    fn settle<O, T, W, A, F, const D: usize>(
        &self,
        builder: Builder<'_, O, T, W, A, F, D>,
        layout: Layout,
        threads: &Arc<ThreadPool>,
    ) -> Result<Plan<O, T, W, A, F, D>, Problem>
    where
        Rank<D>: Spatial,
        O: conv_std::Operation<D>,
        T: Operand<W, A>,
        W: Number,
        A: Number,
        F: Finishing<A>,
    {
        let pads = Self::per_axis::<D>(&self.pads)?.map(|pad| pad as isize);
        let builder = builder.strides(Self::per_axis(&self.strides)?);
        let builder = builder.dilations(Self::per_axis(&self.dilations)?);
        let builder = builder.pads(pads, pads).groups(self.groups).layout(layout);
        let plan = builder.threads(threads).build();
        plan.map_err(|error| error.to_string())
    }
}
