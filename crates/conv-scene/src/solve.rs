//! Backwards: which settings lead from one extent to another, and which extents a transposed operation may write.

use conv_core::{Axis, AxisError};

use crate::fault::Fault;
use crate::formula::axis_name;
use crate::layer::{Direction, Layer};
use crate::operation::{Operation, Role};
use crate::value::Values;

/// What to look for along one axis: each list is tried in full.
#[derive(Clone, Debug)]
pub struct Search {
    /// Direct or transposed.
    pub direction: Direction,
    /// Extent that the operation reads.
    pub input: usize,
    /// Extent that it is to write.
    pub output: usize,
    /// Kernel extents to try.
    pub kernels: Vec<usize>,
    /// Strides to try.
    pub strides: Vec<usize>,
    /// Dilations to try.
    pub dilations: Vec<usize>,
    /// Pads to try, before and after.
    pub pads: Vec<(isize, isize)>,
}

/// A setting that leads where the search wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The axis.
    pub axis: Axis,
    /// The output padding: of a direct operation that of its transpose, with which it leads back.
    pub output_padding: usize,
}

/// Every setting of the search that leads from its input to its output, the smallest first.
///
/// ```
/// use conv_scene::Direction;
/// use conv_scene::solve::{Search, solve};
///
/// let search = Search {
///     direction: Direction::Transposed,
///     input: 16,
///     output: 32,
///     kernels: vec![3, 4],
///     strides: vec![2],
///     dilations: vec![1],
///     pads: vec![(0, 0), (1, 1)],
/// };
/// let found = solve(&search);
/// // 3 taps with an output padding of 1, or 4 taps without.
/// assert_eq!(found.iter().map(|s| (s.axis.kernel, s.axis.pad_before, s.output_padding)).collect::<Vec<_>>(), [(3, 1, 1), (4, 1, 0)]);
/// ```
#[must_use]
pub fn solve(search: &Search) -> Vec<Solution> {
    let mut found = Vec::new();
    for &kernel in &search.kernels {
        for &stride in &search.strides {
            for &dilation in &search.dilations {
                for &(before, after) in &search.pads {
                    let axis = Axis::new(kernel)
                        .with_stride(stride)
                        .with_dilation(dilation)
                        .with_pads(before, after);
                    let led = match search.direction {
                        Direction::Direct => (axis.output(search.input) == Ok(search.output))
                            .then(|| axis.adjoint_padding(search.input)),
                        Direction::Transposed => {
                            Some(axis.output_padding(search.input, search.output))
                        }
                    };
                    if let Some(Ok(output_padding)) = led {
                        found.push(Solution {
                            axis,
                            output_padding,
                        });
                    }
                }
            }
        }
    }
    found
}

/// Most legal extents that are listed.
const LISTED: isize = 1 << 14;

/// The extents that a transposed operation may write along an axis, and why no others.
#[derive(Clone, Debug)]
pub struct Outputs {
    /// The legal ones, ascending.
    pub legal: Vec<usize>,
    /// The sentence for the extent below the least.
    pub below: Option<String>,
    /// The sentence for the extent above the greatest.
    pub above: Option<String>,
}

/// The legal output extents of a transposed operation along `axis` from `input`, each with its output padding
/// being its place in the list counted from the least.
///
/// ```
/// use conv_core::Axis;
/// use conv_scene::solve::legal_outputs;
///
/// let outputs = legal_outputs(&Axis::new(3).with_stride(2).with_pads(1, 1), 16)?;
/// assert_eq!(outputs.legal, [31, 32]);
/// assert_eq!(outputs.above.as_deref(), Some("the transposed output extent is 33, expected 31 to 32"));
/// # Ok::<(), conv_scene::Fault>(())
/// ```
///
/// # Errors
///
/// An illegal axis, pads that leave no output at all, or more than 2¹⁴ legal outputs.
pub fn legal_outputs(axis: &Axis, input: usize) -> Result<Outputs, Fault> {
    // The library names the range where an extent is outside it.
    let (least, greatest) = match axis.output_padding(input, usize::MAX / 4) {
        Err(AxisError::TransposedExtent {
            least, greatest, ..
        }) => (least, greatest),
        Err(error) => return Err(error.into()),
        Ok(_) => return Err(AxisError::Overflow.into()),
    };
    if greatest < 1 {
        return Err(AxisError::EmptyOutput.into());
    }
    if greatest.saturating_sub(least.max(1)) >= LISTED {
        return Err(Fault::illegal(format!(
            "every extent from {} to {greatest} is legal, more than {LISTED}, which are not listed",
            least.max(1)
        )));
    }
    let legal: Vec<usize> = (least.max(1)..=greatest).map(isize::unsigned_abs).collect();
    let refused = |extent: usize| {
        axis.output_padding(input, extent)
            .err()
            .map(|error| error.to_string())
    };
    let below = usize::try_from(least - 1)
        .ok()
        .filter(|extent| *extent > 0)
        .and_then(refused);
    let above = refused(greatest.unsigned_abs() + 1);
    Ok(Outputs {
        legal,
        below,
        above,
    })
}

/// The legal output extents along each axis of a framework's transposed operation, found by asking for each: by the
/// setting that names the output where it has one, else by its output padding, else the one that there is.
///
/// ```
/// use conv_scene::operation::{Role, find};
/// use conv_scene::solve::legal_outputs_of;
/// use conv_scene::value::Values;
///
/// let layer = find("torch", "ConvTranspose2d").unwrap();
/// let values = Values::new().with(Role::Input, "4,16").with(Role::Kernel, 3).with(Role::Stride, "3,2");
/// let axes = legal_outputs_of(layer, &values)?;
/// assert_eq!(axes.iter().map(|axis| axis.legal.clone()).collect::<Vec<_>>(), [vec![12, 13, 14], vec![33, 34]]);
/// # Ok::<(), conv_scene::Fault>(())
/// ```
///
/// # Errors
///
/// The framework's sentence where nothing is legal; [`Fault::Usage`] for values that cannot be read.
pub fn legal_outputs_of(operation: &Operation, values: &Values) -> Result<Vec<Outputs>, Fault> {
    let mut axes = Vec::new();
    while let Some(along) = Layer::values_along(operation, values, axes.len())? {
        let outputs = legal_outputs_along(operation, &along);
        // Every axis is asked about as the first.
        let first = |rank| format!("{}: ", axis_name(0, rank));
        let bare = |text: String| {
            let mut names = (2..=3).map(first);
            let prefix = names.find(|name| text.starts_with(name.as_str()));
            prefix.map_or_else(|| text.clone(), |prefix| text[prefix.len()..].to_owned())
        };
        let d = axes.len();
        let outputs = outputs.map_err(|fault| match fault {
            Fault::Illegal(text) if d > 0 => Fault::illegal(format!("axis {d}: {}", bare(text))),
            fault => fault,
        })?;
        axes.push(Outputs {
            below: outputs.below.map(bare),
            above: outputs.above.map(bare),
            ..outputs
        });
    }
    Ok(axes)
}

/// [`legal_outputs_of`] where all axes are alike.
fn legal_outputs_along(operation: &Operation, values: &Values) -> Result<Outputs, Fault> {
    /// Extents that are tried.
    const LIMIT: usize = LISTED.unsigned_abs();
    let has = |role| operation.spelling(role).is_some();
    let ask = |role: Role, value: usize| {
        let asked = values.clone().with(role, value);
        Layer::resolve(operation, &asked).map(|layer| layer.lines[0].output)
    };
    let (role, first) = match (has(Role::Output), has(Role::OutputPadding)) {
        (true, _) => (Role::Output, 1),
        (false, true) => (Role::OutputPadding, 0),
        _ => {
            let layer = Layer::resolve(operation, values)?;
            return Ok(Outputs {
                legal: vec![layer.lines[0].output],
                below: None,
                above: None,
            });
        }
    };
    let mut outputs = Outputs {
        legal: Vec::new(),
        below: None,
        above: None,
    };
    let mut refusal = None;
    for value in first..LIMIT {
        match ask(role, value) {
            Ok(output) => outputs.legal.push(output),
            Err(fault @ Fault::Usage(_)) => return Err(fault),
            Err(fault) if outputs.legal.is_empty() => {
                outputs.below = Some(fault.to_string());
                refusal.get_or_insert(fault);
            }
            Err(fault) => {
                outputs.above = Some(fault.to_string());
                break;
            }
        }
    }
    match refusal {
        Some(fault) if outputs.legal.is_empty() => Err(fault),
        _ => Ok(outputs),
    }
}
