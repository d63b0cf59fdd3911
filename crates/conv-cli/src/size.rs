//! `conv size`: the output extents of a setting, with the pads that follow.

use conv_scene::formula::{axis_name, extents, formula, relationship};
use conv_scene::{Direction, Layer, Line};
use serde_json::{Value, json};

use crate::arguments::Asked;
use crate::failure::Failure;
use crate::report::Report;

pub(crate) fn size(asked: &Asked) -> Result<Report, Failure> {
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    let mut text = format!("{}\n", extents(&layer.output()));
    for (d, line) in layer.lines.iter().enumerate() {
        let name = axis_name(d, layer.rank());
        text += &format!("\n{name:<7} {}\n", formula(layer.direction, line));
        text += &format!(
            "        {}; rule {} of the guide\n",
            described(&layer, line),
            relationship(layer.direction, line)
        );
    }
    Ok(Report::new(text, layer_json(&layer)))
}

fn described(layer: &Layer, line: &Line) -> String {
    let axis = &line.axis;
    let mut text = format!(
        "kernel {}, stride {}, dilation {}, pads {} before and {} after",
        axis.kernel, axis.stride, axis.dilation, axis.pad_before, axis.pad_after
    );
    if layer.direction == Direction::Transposed {
        text += &format!(", output padding {}", added(line));
    }
    text
}

fn added(line: &Line) -> usize {
    // A resolved line has one.
    line.axis
        .output_padding(line.input, line.output)
        .unwrap_or(0)
}

/// An axis as JSON; `output_padding` is a direct operation's that leads its transpose back.
fn line_json(layer: &Layer, d: usize, line: &Line) -> Value {
    let axis = &line.axis;
    let output_padding = match layer.direction {
        Direction::Direct => axis.adjoint_padding(line.input).unwrap_or(0),
        Direction::Transposed => added(line),
    };
    json!({
        "name": axis_name(d, layer.rank()),
        "input": line.input,
        "output": line.output,
        "kernel": axis.kernel,
        "dilated_kernel": axis.dilated_kernel().ok(),
        "stride": axis.stride,
        "dilation": axis.dilation,
        "pad_before": axis.pad_before,
        "pad_after": axis.pad_after,
        "output_padding": output_padding,
        "formula": formula(layer.direction, line),
        "relationship": relationship(layer.direction, line),
    })
}

/// A layer as JSON.
pub(crate) fn layer_json(layer: &Layer) -> Value {
    let axes: Vec<Value> = layer
        .lines
        .iter()
        .enumerate()
        .map(|(d, line)| line_json(layer, d, line))
        .collect();
    json!({
        "direction": layer.direction.name(),
        "input": layer.input(),
        "output": layer.output(),
        "flipped": layer.orientation == conv_core::Orientation::Convolution,
        "input_channels": layer.input_channels,
        "output_channels": layer.output_channels,
        "groups": layer.groups,
        "axes": axes,
    })
}
