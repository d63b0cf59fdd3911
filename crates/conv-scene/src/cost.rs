//! What a layer costs: products, parameters, memory; and what a chain of layers sees.
//!
//! Products are counted from the map C, which a direct operation and its transpose share: as many as C has entries
//! that belong to a tap. So a transposed layer is counted by its inputs and taps, not by the zeros that one way of
//! drawing it inserts, and a dilated one by its taps, not by its span.

use conv_core::{Axis, Geometry, KernelLayout, Matrix};

use crate::fault::Fault;
use crate::layer::{Direction, Layer, Line};

/// Costs of one layer, each a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Products with pads counted: a direct operation's outputs times its taps, a transposed one's inputs times its
    /// taps. What papers call multiply-accumulates.
    pub products: u128,
    /// Products of which no factor is a pad or a dropped output: the entries of C.
    pub inside: u128,
    /// Products of a transposed operation computed on a stretched input, zeros and all; of a direct one the same as
    /// `products`.
    pub stretched: u128,
    /// Weights.
    pub weights: u128,
    /// Elements read.
    pub input: u128,
    /// Elements written.
    pub output: u128,
}

/// Counts what a layer costs.
///
/// ```
/// use conv_scene::operation::{OWN, Role};
/// use conv_scene::{Layer, cost::cost, value::Values};
///
/// let values = Values::new().with(Role::Input, 4).with(Role::Kernel, 3).with(Role::Stride, 2).with(Role::Transposed, true);
/// let cost = cost(&Layer::resolve(&OWN, &values)?)?;
/// // 4 inputs meet 3 taps each; on the stretched input, 9 outputs would.
/// assert_eq!((cost.products, cost.inside, cost.stretched), (12, 12, 27));
/// # Ok::<(), conv_scene::Fault>(())
/// ```
///
/// # Errors
///
/// An axis of more than 2²⁴ products, which is not counted but refused.
pub fn cost(layer: &Layer) -> Result<Cost, Fault> {
    let geometry = layer.geometry()?;
    let weights = geometry.kernel_elements() as u128;
    // Products for each tap of C: of every pair of channels that the groups let meet.
    let places = |extents: Vec<usize>| {
        extents
            .iter()
            .map(|extent| *extent as u128)
            .product::<u128>()
    };
    let near = match layer.direction {
        Direction::Direct => layer.output(),
        Direction::Transposed => layer.input(),
    };
    let pairs = weights / places(layer.kernel());
    let mut inside = pairs;
    for line in &layer.lines {
        inside *= entries(layer.direction, line)?;
    }
    let products = weights * places(near);
    let stretched = match layer.direction {
        Direction::Direct => products,
        Direction::Transposed => weights * places(layer.output()),
    };
    Ok(Cost {
        products,
        inside,
        stretched,
        weights,
        input: places(layer.input()) * layer.input_channels as u128,
        output: places(layer.output()) * layer.output_channels as u128,
    })
}

/// Entries of C along one axis.
fn entries(direction: Direction, line: &Line) -> Result<u128, Fault> {
    /// Most pairs of an output and a tap that are looked at.
    const LIMIT: usize = 1 << 24;
    let (input, output) = match direction {
        Direction::Direct => (line.input, line.output),
        Direction::Transposed => (line.output, line.input),
    };
    let pairs = output
        .checked_mul(line.axis.kernel)
        .filter(|pairs| *pairs <= LIMIT);
    if pairs.is_none() {
        return Err(Fault::illegal(format!(
            "{output} windows of {} taps along one axis are too many to count, at most {LIMIT} products",
            line.axis.kernel
        )));
    }
    let geometry = Geometry::transposed([line.axis], [output], [input], 1, 1, 1)?;
    let ones = vec![1_i8; line.axis.kernel];
    let matrix = Matrix::new(geometry, KernelLayout::OutputSpatialInput, &ones)?;
    Ok((0..output).map(|row| matrix.row(row).count() as u128).sum())
}

/// Inputs of a chain that one output depends on, along one axis: the most over all outputs, pads counted.
///
/// ```
/// use conv_core::Axis;
/// use conv_scene::cost::receptive_field;
/// use conv_scene::{Direction, Line};
///
/// let axis = Axis::new(3);
/// let layer = |input, output| (Direction::Direct, Line { axis, input, output });
/// assert_eq!(receptive_field(&[layer(9, 7), layer(7, 5)]), 5);
/// ```
#[must_use]
pub fn receptive_field(chain: &[(Direction, Line)]) -> u128 {
    /// Outputs that are looked at: more than any period of strides that fits memory.
    const LIMIT: usize = 1 << 16;
    let Some((_, last)) = chain.last() else {
        return 1;
    };
    let span = |output: usize| {
        let start = (output as i128, output as i128);
        let (first, last) = chain
            .iter()
            .rev()
            .fold(start, |(first, last), (direction, line)| {
                reached(*direction, &line.axis, first, last)
            });
        u128::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0)
    };
    (0..last.output.min(LIMIT)).map(span).max().unwrap_or(1)
}

/// The positions that the outputs `first..=last` read, from the first to the last of them.
fn reached(direction: Direction, axis: &Axis, first: i128, last: i128) -> (i128, i128) {
    let (stride, before) = (axis.stride as i128, axis.pad_before as i128);
    let reach = (axis.kernel as i128 - 1) * axis.dilation as i128;
    // Saturating: chains of absurd strides leave the range.
    match direction {
        Direction::Direct => {
            let start = |output: i128| output.saturating_mul(stride).saturating_sub(before);
            (start(first), start(last).saturating_add(reach))
        }
        // Position n reaches the outputs n·stride + j·dilation − before.
        Direction::Transposed => {
            let behind = reach.saturating_sub(first).saturating_sub(before);
            let ahead = last.saturating_add(before);
            (-behind.div_euclid(stride), ahead.div_euclid(stride))
        }
    }
}
