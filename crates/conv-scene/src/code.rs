//! A setting as a line of code.

use conv_core::convention::Framework;

use crate::layer::{Direction, Layer, Line};
use crate::operation::{Operation, Role, Setting};
use crate::translate::Translation;
use crate::value::joined;

/// The call or layer of a translation.
///
/// ```
/// use conv_core::convention::Framework;
/// use conv_scene::operation::{OWN, Role};
/// use conv_scene::{Layer, code, translate::translate, value::Values};
///
/// let values = Values::new().with(Role::Input, "32,32").with(Role::Kernel, 3).with(Role::Stride, 2).with(Role::Padding, 1);
/// let layer = Layer::resolve(&OWN, &values)?;
/// let torch = translate(&layer, Framework::Torch)?;
/// assert_eq!(code::call(&layer, &torch), "torch.nn.Conv2d(1, 1, kernel_size=3, stride=2, padding=1)");
/// # Ok::<(), conv_scene::Fault>(())
/// ```
#[must_use]
pub fn call(layer: &Layer, said: &Translation) -> String {
    let operation = said.operation;
    let name = operation.name;
    let (reads, writes) = (layer.input_channels, layer.output_channels);
    // What stands in front of the keywords, and which settings are no keywords.
    let (start, left_out): (String, &[Role]) = match operation.framework {
        Some(Framework::Torch) => (format!("torch.nn.{name}({reads}, {writes}"), &[]),
        Some(Framework::Onnx) => {
            let start = format!("onnx.helper.make_node(\"{name}\", [\"x\", \"w\"], [\"y\"]");
            (start, &[])
        }
        Some(Framework::TensorFlow) => {
            (format!("tf.nn.{name}(x, w"), &[Role::Kernel, Role::Groups])
        }
        Some(Framework::Keras) => (format!("keras.layers.{name}({writes}"), &[]),
        Some(Framework::Jax) => (format!("jax.lax.{name}(x, w"), &[Role::Kernel]),
        Some(Framework::Theano) => (format!("theano.tensor.nnet.{name}(x, w"), &[Role::Kernel]),
        Some(Framework::NumPy) => (
            format!("numpy.convolve(x, w{}", reversal(layer, said)),
            &[Role::Kernel],
        ),
        Some(Framework::SciPy) => (
            format!("scipy.signal.convolve(x, w{}", reversal(layer, said)),
            &[Role::Kernel],
        ),
        _ => return cmsis(layer, operation),
    };
    let mut parts = vec![start];
    parts.extend(keywords(layer, said, left_out));
    format!("{})", parts.join(", "))
}

/// The index that flips a NumPy array, where the translation needs it.
fn reversal(layer: &Layer, said: &Translation) -> String {
    match said.notes.iter().any(|note| note.contains("flipped")) {
        true => format!("[{}]", vec!["::-1"; layer.rank()].join(", ")),
        false => String::new(),
    }
}

/// `name=value` of every setting that is given and not left out.
fn keywords(layer: &Layer, said: &Translation, left_out: &[Role]) -> Vec<String> {
    let written = |setting: &Setting| {
        let is_channels = matches!(setting.role, Role::InputChannels | Role::OutputChannels);
        let skipped =
            setting.role == Role::Input || is_channels || left_out.contains(&setting.role);
        let text = said.values.get(setting.role).filter(|_| !skipped)?;
        Some(format!(
            "{}={}",
            setting.name,
            python(layer, said.operation, setting.role, text)
        ))
    };
    let mut all: Vec<String> = said.operation.settings.iter().filter_map(written).collect();
    let framework = said.operation.framework;
    // Strides and padding have no default there.
    let mut need = |role: Role, default: &str| {
        if matches!(framework, Some(Framework::TensorFlow | Framework::Jax))
            && said.values.get(role).is_none()
            && let Some(name) = said.operation.spelling(role)
        {
            let value = python(layer, said.operation, role, default);
            all.insert(0, format!("{name}={value}"));
        }
    };
    need(Role::Padding, "VALID");
    need(Role::Stride, "1");
    all
}

fn python(layer: &Layer, operation: &Operation, role: Role, text: &str) -> String {
    let items: Vec<&str> = text.split(',').collect();
    let rank = layer.rank();
    let is_name =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && !matches!(text, "True" | "False");
    if is_name {
        return format!("\"{text}\"");
    }
    let each = |items: &[&str]| match items {
        [one] => vec![(*one).to_owned(); rank],
        _ => items.iter().map(|item| (*item).to_owned()).collect(),
    };
    let pair = |item: &String| format!("({})", item.replace(':', ", "));
    match (operation.framework, role) {
        (_, Role::TransposeKernel | Role::ConsistentPadding | Role::Flip | Role::Groups) => {
            text.to_owned()
        }
        (Some(Framework::Onnx), Role::Padding) => format!("[{}]", items.join(", ")),
        (Some(Framework::Onnx), _) => format!("[{}]", each(&items).join(", ")),
        (Some(Framework::TensorFlow), Role::Padding) => {
            let sides: Vec<String> = each(&items)
                .iter()
                .map(|item| format!("[{}]", item.replace(':', ", ")))
                .collect();
            format!("[[0, 0], {}, [0, 0]]", sides.join(", "))
        }
        (Some(Framework::TensorFlow), Role::Output) => {
            format!(
                "[n, {}, {}]",
                each(&items).join(", "),
                layer.output_channels
            )
        }
        (Some(Framework::Jax), Role::Padding) => {
            format!(
                "[{}]",
                each(&items).iter().map(pair).collect::<Vec<_>>().join(", ")
            )
        }
        (Some(Framework::Theano), Role::Output) => {
            format!(
                "(n, {}, {})",
                layer.output_channels,
                each(&items).join(", ")
            )
        }
        (Some(Framework::Jax | Framework::Theano), _) => tuple(&each(&items), pair),
        _ if items.len() > 1 => tuple(&each(&items), pair),
        _ => text.to_owned(),
    }
}

fn tuple(items: &[String], pair: impl Fn(&String) -> String) -> String {
    let items: Vec<String> = items
        .iter()
        .map(|item| {
            if item.contains(':') {
                pair(item)
            } else {
                item.clone()
            }
        })
        .collect();
    match items.as_slice() {
        [one] => format!("({one},)"),
        _ => format!("({})", items.join(", ")),
    }
}

fn cmsis(layer: &Layer, operation: &Operation) -> String {
    let axes = |get: fn(&Line) -> String| {
        let names = if layer.rank() == 1 {
            &["w"][..]
        } else {
            &["h", "w"][..]
        };
        let fields: Vec<String> = names
            .iter()
            .zip(&layer.lines)
            .map(|(name, line)| format!(".{name} = {}", get(line)))
            .collect();
        format!("{{{}}}", fields.join(", "))
    };
    let parameters = match operation.transposed {
        true => "cmsis_nn_transpose_conv_params",
        false => "cmsis_nn_conv_params",
    };
    format!(
        "{parameters} params = {{.stride = {}, .padding = {}, .dilation = {}}}; /* filter_dims {}, output_dims {} */",
        axes(|line| line.axis.stride.to_string()),
        axes(|line| line.axis.pad_before.to_string()),
        axes(|line| line.axis.dilation.to_string()),
        axes(|line| line.axis.kernel.to_string()),
        axes(|line| line.output.to_string()),
    )
}

/// The marker of `conv_core`'s typed operations, and the call.
///
/// ```
/// use conv_scene::operation::{OWN, Role};
/// use conv_scene::{Layer, code, value::Values};
///
/// let values = Values::new().with(Role::Input, "32,32").with(Role::Kernel, 3).with(Role::Padding, "0:1,1:1");
/// let layer = Layer::resolve(&OWN, &values)?;
/// assert_eq!(
///     code::conv_core(&layer),
///     "window2d! { struct Layer: pad_before (0, 1), pad_after 1 } Layer::conv(&input, &kernel, &mut output)"
/// );
/// # Ok::<(), conv_scene::Fault>(())
/// ```
#[must_use]
pub fn conv_core(layer: &Layer) -> String {
    let per_axis = |name: &str, get: fn(&Line) -> String, default: &str| {
        let text = joined(layer.lines.iter().map(get));
        match (text.as_str() == default, text.contains(',')) {
            (true, _) => None,
            (_, true) => Some(format!("{name} ({})", text.replace(',', ", "))),
            (_, false) => Some(format!("{name} {text}")),
        }
    };
    let equal = layer
        .lines
        .iter()
        .all(|line| line.axis.pad_before == line.axis.pad_after);
    let pads = match equal {
        true => vec![per_axis(
            "pad",
            |line| line.axis.pad_before.to_string(),
            "0",
        )],
        false => vec![
            per_axis("pad_before", |line| line.axis.pad_before.to_string(), "0"),
            per_axis("pad_after", |line| line.axis.pad_after.to_string(), "0"),
        ],
    };
    let mut settings = vec![
        per_axis("stride", |line| line.axis.stride.to_string(), "1"),
        per_axis("dilation", |line| line.axis.dilation.to_string(), "1"),
    ];
    settings.extend(pads);
    settings.push((layer.groups > 1).then(|| format!("groups {}", layer.groups)));
    settings.push(
        (layer.orientation == conv_core::Orientation::Convolution).then(|| "flip".to_owned()),
    );
    let settings: Vec<String> = settings.into_iter().flatten().collect();
    let call = match layer.direction {
        Direction::Direct => "conv",
        Direction::Transposed => "conv_transpose",
    };
    let colon = if settings.is_empty() { "" } else { ": " };
    let rank = layer.rank();
    if rank > 2 {
        return "conv_core's typed operations have one or two axes; conv_std::Conv3d has three"
            .to_owned();
    }
    format!(
        "window{rank}d! {{ struct Layer{colon}{} }} Layer::{call}(&input, &kernel, &mut output)",
        settings.join(", ")
    )
}
