//! The fifteen pictures of Dumoulin and Visin's *guide to convolution arithmetic* (arXiv:1603.07285), by the names of
//! their published animations.

use crate::operation::Role;
use crate::value::Values;

/// A picture of the guide.
#[derive(Clone, Debug)]
pub struct Figure {
    /// Its published name.
    pub name: String,
    /// Its setting in this library's own spelling, [`OWN`](crate::operation::OWN).
    pub values: Values,
}

/// Name, input, kernel, pad and stride of the direct operations; a transposed one goes with each.
const SETTINGS: [(&str, usize, usize, usize, usize); 7] = [
    ("no_padding_no_strides", 4, 3, 0, 1),
    ("arbitrary_padding_no_strides", 5, 4, 2, 1),
    ("same_padding_no_strides", 5, 3, 1, 1),
    ("full_padding_no_strides", 5, 3, 2, 1),
    ("no_padding_strides", 5, 3, 0, 2),
    ("padding_strides", 5, 3, 1, 2),
    ("padding_strides_odd", 6, 3, 1, 2),
];

/// All fifteen, the direct ones first.
///
/// ```
/// use conv_scene::guide::figures;
/// use conv_scene::{Layer, operation::OWN};
///
/// let figures = figures();
/// assert_eq!(figures.len(), 15);
/// let odd = figures.iter().find(|figure| figure.name == "padding_strides_odd_transposed").unwrap();
/// assert_eq!(Layer::resolve(&OWN, &odd.values)?.output(), [6, 6]);
/// # Ok::<(), conv_scene::Fault>(())
/// ```
#[must_use]
pub fn figures() -> Vec<Figure> {
    let base = |input: usize, kernel: usize, pad: usize, stride: usize| {
        Values::new()
            .with(Role::Input, input)
            .with(Role::Kernel, kernel)
            .with(Role::Padding, pad)
            .with(Role::Stride, stride)
            .with(Role::Rank, 2)
    };
    let direct = SETTINGS
        .iter()
        .map(|&(name, input, kernel, pad, stride)| Figure {
            name: name.to_owned(),
            values: base(input, kernel, pad, stride),
        });
    let dilation = Figure {
        name: "dilation".to_owned(),
        values: base(7, 3, 0, 1).with(Role::Dilation, 2),
    };
    let transposed = SETTINGS.iter().map(|&(name, input, kernel, pad, stride)| {
        let forward =
            crate::Layer::resolve(&crate::operation::OWN, &base(input, kernel, pad, stride));
        // The direct operation of the table is legal; its output is what its transpose reads.
        let reads = forward.map_or(0, |layer| layer.output().first().copied().unwrap_or(0));
        Figure {
            name: format!("{name}_transposed"),
            values: base(reads, kernel, pad, stride)
                .with(Role::Transposed, "true")
                .with(Role::Output, input),
        }
    });
    direct.chain([dilation]).chain(transposed).collect()
}
