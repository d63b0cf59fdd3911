//! The matrix of an operation with symbols for weights: which input meets which tap in which output.
//!
//! It is [`conv_core::Matrix`] with the weights numbered from 1, so that an entry says which weight it is. Everything
//! that is lit in a picture or written in a sum is a row of it.

use conv_core::{Geometry, KernelLayout, Matrix};

use crate::fault::Fault;
use crate::layer::{Direction, Layer};

/// C of a direct layer or Cᵀ of a transposed one, with numbered weights.
#[derive(Clone, Debug)]
pub struct Weave {
    layer: Layer,
    geometry: Geometry<3>,
    numbers: Vec<i32>,
}

/// A product in an output: an input element and a weight, both by number and by place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// Element of the input in memory order, channels innermost.
    pub input: usize,
    /// Its position along each axis.
    pub position: Vec<usize>,
    /// Its channel.
    pub channel: usize,
    /// Weight in the order O I spatial of the direct operation: PyTorch's and ONNX's, direct and transposed.
    pub weight: usize,
    /// Its place along each axis of the kernel.
    pub tap: Vec<usize>,
    /// Its output and input channel within the group, of the direct operation.
    pub pair: (usize, usize),
}

/// Positions along each axis and channel of element `index`, channels innermost.
fn place(index: usize, extents: &[usize], channels: usize) -> (Vec<usize>, usize) {
    let channels = channels.max(1);
    (unravel(index / channels, extents), index % channels)
}

fn unravel(index: usize, extents: &[usize]) -> Vec<usize> {
    let mut rest = index;
    let mut position: Vec<usize> = extents
        .iter()
        .rev()
        .map(|extent| {
            let along = rest % extent.max(&1);
            rest /= extent.max(&1);
            along
        })
        .collect();
    position.reverse();
    position
}

impl Weave {
    /// Most weights that are numbered.
    pub const MOST_WEIGHTS: usize = 1 << 20;

    /// The weave of a layer.
    ///
    /// ```
    /// use conv_scene::operation::{OWN, Role};
    /// use conv_scene::weave::Weave;
    /// use conv_scene::{Layer, value::Values};
    ///
    /// let values = Values::new().with(Role::Input, 4).with(Role::Kernel, 3).with(Role::Padding, 1);
    /// let weave = Weave::new(&Layer::resolve(&OWN, &values)?)?;
    /// // The first output meets the first two inputs with the taps 1 and 2: tap 0 lies in the padding.
    /// let taps: Vec<_> = weave.row(0).map(|term| (term.position[0], term.tap[0])).collect();
    /// assert_eq!(taps, [(0, 1), (1, 2)]);
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// More than [`Weave::MOST_WEIGHTS`] weights; groups that do not divide the channels.
    pub fn new(layer: &Layer) -> Result<Self, Fault> {
        let geometry = layer.geometry()?;
        let weights = geometry.kernel_elements();
        if weights > Self::MOST_WEIGHTS {
            return Err(Fault::illegal(format!(
                "the kernel has {weights} weights, at most {} are written out",
                Self::MOST_WEIGHTS
            )));
        }
        Ok(Self {
            layer: layer.clone(),
            geometry,
            numbers: (1..).take(weights).collect(),
        })
    }

    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> &Layer {
        &self.layer
    }

    /// Number of weights.
    #[must_use]
    pub fn weights(&self) -> usize {
        self.numbers.len()
    }

    /// Number of outputs: the rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        match self.layer.direction {
            Direction::Direct => self.geometry.output_elements(),
            Direction::Transposed => self.geometry.input_elements(),
        }
    }

    /// Number of inputs: the columns.
    #[must_use]
    pub const fn columns(&self) -> usize {
        match self.layer.direction {
            Direction::Direct => self.geometry.input_elements(),
            Direction::Transposed => self.geometry.output_elements(),
        }
    }

    fn matrix(&self) -> Option<Matrix<'_, i32, 3>> {
        // As many numbers as the geometry has weights, and the layout is not depthwise.
        let matrix = Matrix::new(
            self.geometry,
            KernelLayout::OutputInputSpatial,
            &self.numbers,
        )
        .ok()?;
        Some(match self.layer.direction {
            Direction::Direct => matrix,
            Direction::Transposed => matrix.transposed(),
        })
    }

    /// The products of output `row`, in the order in which the operations add them.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Term> + '_ {
        let entries = self.matrix().map(|matrix| matrix.row(row));
        entries
            .into_iter()
            .flatten()
            .map(|(column, number)| self.term(column, number))
    }

    /// The products that input `column` takes part in: outputs, each with the weight.
    pub fn column(&self, column: usize) -> impl Iterator<Item = Term> + '_ {
        let entries = self.matrix().map(|matrix| matrix.column(column));
        entries
            .into_iter()
            .flatten()
            .map(move |(row, number)| Term {
                position: self.output_place(row).0,
                channel: self.output_place(row).1,
                input: row,
                ..self.term(column, number)
            })
    }

    /// Columns and weights of a row, numbered from 0.
    pub fn entries(&self, row: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let entries = self.matrix().map(|matrix| matrix.row(row));
        let counted = |(column, number): (usize, i32)| (column, number.unsigned_abs() as usize - 1);
        entries.into_iter().flatten().map(counted)
    }

    fn term(&self, column: usize, number: i32) -> Term {
        let weight = number.unsigned_abs() as usize - 1;
        let kernel = self.layer.kernel();
        let window: usize = kernel.iter().product();
        let inputs = match self.layer.direction {
            Direction::Direct => self.layer.input_channels,
            Direction::Transposed => self.layer.output_channels,
        } / self.layer.groups;
        let (position, channel) = self.input_place(column);
        Term {
            input: column,
            position,
            channel,
            weight,
            tap: unravel(weight % window, &kernel),
            pair: (weight / window / inputs, weight / window % inputs),
        }
    }

    /// Position and channel of an input element.
    #[must_use]
    pub fn input_place(&self, column: usize) -> (Vec<usize>, usize) {
        place(column, &self.layer.input(), self.layer.input_channels)
    }

    /// Position and channel of an output element.
    #[must_use]
    pub fn output_place(&self, row: usize) -> (Vec<usize>, usize) {
        place(row, &self.layer.output(), self.layer.output_channels)
    }

    /// Number of the output at this position and channel, `None` where there is none.
    ///
    /// ```
    /// # use conv_scene::{Layer, operation::{OWN, Role}, value::Values, weave::Weave};
    /// # let values = Values::new().with(Role::Input, "4,5").with(Role::Kernel, 3);
    /// let weave = Weave::new(&Layer::resolve(&OWN, &values)?)?;
    /// assert_eq!((weave.output_index(&[1, 2], 0), weave.output_index(&[1, 3], 0)), (Some(5), None));
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    #[must_use]
    pub fn output_index(&self, position: &[usize], channel: usize) -> Option<usize> {
        let extents = self.layer.output();
        let inside = position.len() == extents.len()
            && position
                .iter()
                .zip(&extents)
                .all(|(at, extent)| at < extent);
        if !inside || channel >= self.layer.output_channels {
            return None;
        }
        let index = position
            .iter()
            .zip(&extents)
            .fold(0, |index, (at, extent)| index * extent + at);
        Some(index * self.layer.output_channels + channel)
    }

    /// `w[1,2]`, with channels `w[o,i,1,2]` where there are several, the direct operation's.
    #[must_use]
    pub fn weight_name(&self, weight: usize) -> String {
        let kernel = self.layer.kernel();
        let window: usize = kernel.iter().product();
        let tap = unravel(weight % window, &kernel);
        let mut numbers: Vec<String> = tap.iter().map(usize::to_string).collect();
        if self.weights() > window {
            let Term { pair, .. } = self.term(0, i32::try_from(weight + 1).unwrap_or(1));
            numbers.splice(0..0, [pair.0.to_string(), pair.1.to_string()]);
        }
        format!("w[{}]", numbers.join(","))
    }
}

/// `name[1,2]`, with the channel in front where there are several.
#[must_use]
pub fn element_name(name: &str, position: &[usize], channel: usize, channels: usize) -> String {
    let mut numbers: Vec<String> = position.iter().map(usize::to_string).collect();
    if channels > 1 {
        numbers.insert(0, channel.to_string());
    }
    format!("{name}[{}]", numbers.join(","))
}
