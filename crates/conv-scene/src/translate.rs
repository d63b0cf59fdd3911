//! One framework's setting in another's words, or why it cannot be said there.
//!
//! Candidates are written in the other framework's settings and resolved by [`Layer::resolve`], as if a user had
//! written them: only what is the same map again is a translation.

use conv_core::convention::Framework;
use conv_core::{Axis, Orientation};

use crate::fault::Fault;
use crate::layer::{Direction, Layer, Line};
use crate::operation::{OPERATIONS, Operation, Role};
use crate::value::{Values, joined};

/// A setting in a framework's words.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The operation.
    pub operation: &'static Operation,
    /// Its settings, which resolve to the same map.
    pub values: Values,
    /// What else has to be known: how the kernel has to be stored.
    pub notes: Vec<String>,
}

/// Says a layer in the words of `framework`.
///
/// ```
/// use conv_core::convention::Framework;
/// use conv_scene::operation::{Role, find};
/// use conv_scene::translate::translate;
/// use conv_scene::{Layer, value::Values};
///
/// // Keras's SAME pads the end of an even input by one: PyTorch has no word for that.
/// let keras = find("keras", "Conv2D").unwrap();
/// let values = Values::new().with(Role::Input, 32).with(Role::Kernel, 3).with(Role::Stride, 2).with(Role::Padding, "same");
/// let layer = Layer::resolve(keras, &values)?;
/// let onnx = translate(&layer, Framework::Onnx)?;
/// assert_eq!(onnx.values.get(Role::Padding), Some("0,0,1,1"));
/// assert!(translate(&layer, Framework::Torch).unwrap_err().to_string().contains("0 before and 1 after"));
/// # Ok::<(), conv_scene::Fault>(())
/// ```
///
/// # Errors
///
/// [`Fault::Illegal`] with a sentence that says why it cannot be said.
pub fn translate(layer: &Layer, framework: Framework) -> Result<Translation, Fault> {
    let operation = operation_for(layer, framework)?;
    let (layer, notes) = oriented(layer, operation);
    limits(&layer, framework)?;
    let mut refusal = None;
    for values in candidates(&layer, operation) {
        match Layer::resolve(operation, &values) {
            Ok(found) if found.is_same_map(&layer) => {
                return Ok(Translation {
                    operation,
                    values,
                    notes,
                });
            }
            Ok(_) => {}
            Err(fault) => {
                refusal.get_or_insert(fault);
            }
        }
    }
    Err(unsayable(&layer, framework, refusal))
}

fn operation_for(layer: &Layer, framework: Framework) -> Result<&'static Operation, Fault> {
    let transposed = layer.direction == Direction::Transposed;
    let fits = |operation: &&Operation| {
        operation.framework == Some(framework)
            && operation.transposed == transposed
            && operation.rank.is_none_or(|rank| rank == layer.rank())
    };
    OPERATIONS.iter().find(fits).ok_or_else(|| {
        Fault::illegal(format!(
            "{framework} has no {} operation of rank {}",
            layer.direction.name(),
            layer.rank()
        ))
    })
}

/// The layer as the operation reads its kernel, with what has to be done to the kernel for that.
fn oriented(layer: &Layer, operation: &Operation) -> (Layer, Vec<String>) {
    let flips = matches!(
        operation.framework,
        Some(Framework::NumPy | Framework::SciPy)
    );
    let chooses = operation.spelling(Role::Flip).is_some();
    let jax_transpose = operation.spelling(Role::TransposeKernel).is_some();
    let mut layer = layer.clone();
    let wanted = if flips {
        Orientation::Convolution
    } else if chooses || jax_transpose {
        layer.orientation
    } else {
        Orientation::Correlation
    };
    let mut notes = Vec::new();
    if layer.orientation != wanted {
        notes.push("the kernel flipped along every spatial axis".to_owned());
        layer.orientation = wanted;
    }
    if jax_transpose && wanted == Orientation::Convolution {
        notes.push("rhs as conv_transpose with transpose_kernel=False reads it: its I are the channels that come in".to_owned());
    }
    (layer, notes)
}

/// What the framework's settings have no place for, whatever their values.
fn limits(layer: &Layer, framework: Framework) -> Result<(), Fault> {
    let grouped = layer.groups > 1;
    let no = |what: &str| Err(Fault::illegal(format!("{framework} has {what}")));
    match framework {
        Framework::NumPy | Framework::SciPy => {
            if layer.lines.iter().any(|line| line.axis.stride > 1) {
                return no("no stride: convolve with stride 1, then keep every s-th output");
            }
            if layer.lines.iter().any(|line| line.axis.dilation > 1) {
                return no("no dilation: write the zeros between the taps into the kernel");
            }
            if layer.input_channels > 1 || layer.output_channels > 1 {
                return no("no channels: one call for each pair of them, and sums");
            }
        }
        Framework::Keras | Framework::Jax
            if grouped && layer.direction == Direction::Transposed =>
        {
            return no("no groups in its transposed operation: one call for each group");
        }
        _ => {}
    }
    Ok(())
}

/// Settings that may say the layer, the plainest first.
fn candidates(layer: &Layer, operation: &Operation) -> Vec<Values> {
    let base = basics(layer, operation);
    let lines = &layer.lines;
    match operation.framework {
        Some(Framework::Torch) if operation.transposed => torch_transpose(&base, lines),
        Some(Framework::Torch) => {
            let zeros = lines.iter().map(|line| line.axis.pad_before);
            vec![
                base.clone().with(Role::Padding, joined(zeros)),
                base.with(Role::Padding, "same"),
            ]
        }
        Some(Framework::Onnx) => onnx(&base, lines, operation.transposed),
        Some(Framework::TensorFlow) => {
            let explicit = base.clone().with(Role::Padding, sides(lines));
            let named = ["SAME", "VALID"].map(|name| base.clone().with(Role::Padding, name));
            named
                .into_iter()
                .chain([explicit])
                .chain(clipped(&base, lines))
                .collect()
        }
        Some(Framework::Keras) => keras(&base, lines, operation.transposed),
        Some(Framework::Jax) if operation.transposed => jax_transpose(&base, layer),
        Some(Framework::Jax) => {
            let named = ["VALID", "SAME"].map(|name| base.clone().with(Role::Padding, name));
            let explicit = base.clone().with(Role::Padding, sides(lines));
            named.into_iter().chain([explicit]).collect()
        }
        Some(Framework::Theano) => theano(&base, layer),
        Some(Framework::NumPy | Framework::SciPy) => ["full", "same", "valid"]
            .map(|mode| base.clone().with(Role::Padding, mode))
            .to_vec(),
        _ => {
            let zeros = lines.iter().map(|line| line.axis.pad_before);
            vec![base.with(Role::Padding, joined(zeros))]
        }
    }
}

/// Everything but the pads.
fn basics(layer: &Layer, operation: &Operation) -> Values {
    let lines = &layer.lines;
    let all_one = |values: &[usize]| values.iter().all(|value| *value == 1);
    let strides: Vec<usize> = lines.iter().map(|line| line.axis.stride).collect();
    let dilations: Vec<usize> = lines.iter().map(|line| line.axis.dilation).collect();
    let list = |values: Vec<usize>| match operation.rank {
        Some(_) => joined(values),
        // The rank follows from the longest list: say it once, whole.
        None => values
            .iter()
            .map(usize::to_string)
            .collect::<Vec<_>>()
            .join(","),
    };
    let mut values = Values::new()
        .with(Role::Input, list(layer.input()))
        .with(Role::Kernel, joined(layer.kernel()));
    if !all_one(&strides) {
        values = values.with(Role::Stride, joined(strides));
    }
    if !all_one(&dilations) {
        values = values.with(Role::Dilation, joined(dilations));
    }
    let requires_output = operation
        .settings
        .iter()
        .any(|s| s.role == Role::Output && s.required);
    if requires_output {
        values = values.with(Role::Output, joined(layer.output()));
    }
    for (role, count) in [
        (Role::InputChannels, layer.input_channels),
        (Role::OutputChannels, layer.output_channels),
        (Role::Groups, layer.groups),
    ] {
        let is_default = count
            == if role == Role::Groups {
                1
            } else {
                layer.groups
            };
        if !is_default && operation.spelling(role).is_some() {
            values = values.with(role, count);
        }
    }
    values
}

fn sides(lines: &[Line]) -> String {
    joined(
        lines
            .iter()
            .map(|line| format!("{}:{}", line.axis.pad_before, line.axis.pad_after)),
    )
}

/// The pads with 0 after where the layer crops there: often the window stops before the end anyway.
fn clipped(base: &Values, lines: &[Line]) -> Option<Values> {
    let crops = lines.iter().any(|line| line.axis.pad_after < 0);
    let after = |line: &Line| format!("{}:{}", line.axis.pad_before, line.axis.pad_after.max(0));
    crops.then(|| {
        base.clone()
            .with(Role::Padding, joined(lines.iter().map(after)))
    })
}

/// The output paddings with which pads of `after` lead to the layer's outputs.
fn output_paddings(lines: &[Line], after: impl Fn(&Axis) -> isize) -> Option<Vec<usize>> {
    let padding = |line: &Line| {
        let axis = line.axis.with_pads(line.axis.pad_before, after(&line.axis));
        axis.output_padding(line.input, line.output).ok()
    };
    lines.iter().map(padding).collect()
}

fn with_output_paddings(values: Values, paddings: &[usize]) -> Values {
    if paddings.iter().all(|padding| *padding == 0) {
        return values;
    }
    values.with(Role::OutputPadding, joined(paddings))
}

fn torch_transpose(base: &Values, lines: &[Line]) -> Vec<Values> {
    let padded = base.clone().with(
        Role::Padding,
        joined(lines.iter().map(|line| line.axis.pad_before)),
    );
    let paddings = output_paddings(lines, |axis| axis.pad_before);
    let with_padding = paddings.map(|paddings| with_output_paddings(padded.clone(), &paddings));
    // For the sentence that says which extents there are.
    let with_size = padded.with(Role::Output, joined(lines.iter().map(|line| line.output)));
    with_padding.into_iter().chain([with_size]).collect()
}

fn onnx(base: &Values, lines: &[Line], transposed: bool) -> Vec<Values> {
    let written = |after: fn(&Axis) -> isize| {
        let begins = lines.iter().map(|line| line.axis.pad_before.to_string());
        let ends = lines.iter().map(|line| after(&line.axis).to_string());
        begins.chain(ends).collect::<Vec<_>>().join(",")
    };
    let no_pads = lines
        .iter()
        .all(|line| line.axis.pad_before == 0 && line.axis.pad_after == 0);
    let with_pads = |after: fn(&Axis) -> isize| {
        if no_pads {
            base.clone()
        } else {
            base.clone().with(Role::Padding, written(after))
        }
    };
    let afters: [fn(&Axis) -> isize; 2] = [|axis| axis.pad_after, |axis| axis.pad_after.max(0)];
    if !transposed {
        return afters.map(with_pads).to_vec();
    }
    let mut all = Vec::new();
    for after in afters {
        if let Some(paddings) = output_paddings(lines, after) {
            all.push(with_output_paddings(with_pads(after), &paddings));
        }
    }
    let shape = joined(lines.iter().map(|line| line.output));
    let shaped = base.clone().with(Role::Output, shape);
    all.push(shaped.clone().with(Role::AutoPad, "SAME_UPPER"));
    all.push(shaped);
    all
}

fn keras(base: &Values, lines: &[Line], transposed: bool) -> Vec<Values> {
    let named = |names: &[&str]| -> Vec<Values> {
        names
            .iter()
            .map(|name| base.clone().with(Role::Padding, name))
            .collect()
    };
    if !transposed {
        return named(&["valid", "same", "causal"]);
    }
    let mut all = named(&["valid", "same"]);
    let strides = lines.iter().map(|line| line.axis.stride).max().unwrap_or(1);
    for padding in 0..strides.min(64) {
        for values in named(&["valid", "same"]) {
            all.push(values.with(Role::OutputPadding, padding));
        }
    }
    all
}

fn jax_transpose(base: &Values, layer: &Layer) -> Vec<Values> {
    let base = match layer.orientation {
        Orientation::Correlation => base.clone().with(Role::TransposeKernel, "True"),
        Orientation::Convolution => base.clone(),
    };
    let named = ["VALID", "SAME"].map(|name| base.clone().with(Role::Padding, name));
    let stretched = |line: &Line| {
        let padding = line.axis.output_padding(line.input, line.output).ok()?;
        let direct = line.axis.transposed_as_direct(padding).ok()?;
        Some(format!("{}:{}", direct.pad_before, direct.pad_after))
    };
    let explicit: Option<Vec<String>> = layer.lines.iter().map(stretched).collect();
    let explicit = explicit.map(|pads| base.clone().with(Role::Padding, joined(pads)));
    named.into_iter().chain(explicit).collect()
}

fn theano(base: &Values, layer: &Layer) -> Vec<Values> {
    let base = match layer.orientation {
        Orientation::Correlation => base.clone().with(Role::Flip, "False"),
        Orientation::Convolution => base.clone(),
    };
    let named = ["valid", "full", "half"].map(|name| base.clone().with(Role::Padding, name));
    let lines = &layer.lines;
    let zeros = joined(lines.iter().map(|line| line.axis.pad_before));
    let same = base.clone().with(Role::Padding, zeros);
    let explicit = base.clone().with(Role::Padding, sides(lines));
    named
        .into_iter()
        .chain([same, explicit])
        .chain(clipped(&base, lines))
        .collect()
}

/// Why no candidate says the layer.
fn unsayable(layer: &Layer, framework: Framework, refusal: Option<Fault>) -> Fault {
    let transposed = layer.direction == Direction::Transposed;
    let unequal = layer
        .lines
        .iter()
        .map(|line| line.axis)
        .find(|axis| axis.pad_before != axis.pad_after);
    let negative = layer
        .lines
        .iter()
        .map(|line| line.axis)
        .find(|axis| axis.pad_before < 0 || axis.pad_after < 0);
    let pads = |axis: Axis| format!("{} before and {} after", axis.pad_before, axis.pad_after);
    let advice = match (transposed, framework) {
        (false, Framework::Torch) => ": pad the input first, with torch.nn.functional.pad",
        (false, Framework::Keras) => ": pad the input first, with a ZeroPadding layer",
        (false, Framework::NumPy | Framework::SciPy) => {
            ": pad the input first, with numpy.pad, then mode='valid'"
        }
        (false, _) => ": crop the input first",
        (true, _) => ": crop or pad the output afterwards",
    };
    let text = match (framework, unequal, negative) {
        (Framework::Torch, Some(axis), _) if axis.pad_before >= 0 => format!(
            "{framework} has one padding for both sides, this layer pads {}{advice}",
            pads(axis)
        ),
        (Framework::Keras, ..) if !transposed => {
            let axis = layer.lines.first().map_or(Axis::new(1), |line| line.axis);
            let strided = layer
                .lines
                .iter()
                .any(|l| l.axis.stride > 1 && l.axis.dilation > 1);
            match refusal {
                Some(fault) if strided => return fault,
                _ => format!(
                    "{framework} has only 'valid' and 'same', this layer pads {}{advice}",
                    pads(axis)
                ),
            }
        }
        (Framework::Keras, ..) => {
            let line = layer.lines.first();
            let (axis, output) = line.map_or((Axis::new(1), 0), |line| (line.axis, line.output));
            format!(
                "{framework} chooses the pads of a transposed layer from 'valid' or 'same' and output_padding, and none of them drops {} of {output} outputs{advice}",
                pads(axis)
            )
        }
        (Framework::NumPy | Framework::SciPy, ..) => {
            let axis = layer.lines.first().map_or(Axis::new(1), |line| line.axis);
            format!(
                "{framework} has only 'full', 'same' and 'valid', this layer pads {}{advice}",
                pads(axis)
            )
        }
        (_, _, Some(axis)) if !matches!(framework, Framework::Jax) => {
            format!(
                "{framework} has no negative pads, this layer pads {}{advice}",
                pads(axis)
            )
        }
        _ => match refusal {
            Some(fault) => return fault,
            None => format!("{framework} has no settings that give this map"),
        },
    };
    Fault::illegal(text)
}
