//! From an operation's settings to its axes, through [`conv_core::convention`]; nothing here computes a size.

use conv_core::convention::{
    ConventionError, Direct, Framework, Transposed, cmsis_nn, jax, keras, onnx, scipy, tensorflow,
    theano, torch,
};
use conv_core::{Axis, Dimension, Geometry, Orientation, Padding, Window};

use crate::fault::Fault;
use crate::operation::{Operation, Role};
use crate::value::{Pad, Values, along, counts, flag, pads};

/// Which way an operation goes through its map C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// `y = C·x`.
    Direct,
    /// `x = Cᵀ·y`.
    Transposed,
}

impl Direction {
    /// `direct` or `transposed`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Transposed => "transposed",
        }
    }
}

/// One axis of an operation, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    /// The axis of the direct operation.
    pub axis: Axis,
    /// Extent that the operation reads.
    pub input: usize,
    /// Extent that it writes.
    pub output: usize,
}

impl From<Direct> for Line {
    fn from(direct: Direct) -> Self {
        let Direct {
            axis,
            input,
            output,
        } = direct;
        Self {
            axis,
            input,
            output,
        }
    }
}

impl From<Transposed> for Line {
    fn from(transposed: Transposed) -> Self {
        let Transposed {
            axis,
            input,
            output,
        } = transposed;
        Self {
            axis,
            input,
            output,
        }
    }
}

/// An operation with every setting resolved: what all answers and pictures are made from.
///
/// ```
/// use conv_scene::operation::{OWN, Role};
/// use conv_scene::value::Values;
/// use conv_scene::Layer;
///
/// let values = Values::new().with(Role::Input, "32,24").with(Role::Kernel, 3).with(Role::Stride, 2).with(Role::Padding, 1);
/// let layer = Layer::resolve(&OWN, &values)?;
/// assert_eq!(layer.output(), [16, 12]);
/// # Ok::<(), conv_scene::Fault>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Direct or transposed.
    pub direction: Direction,
    /// The axes, slowest first, 1 to 3.
    pub lines: Vec<Line>,
    /// Whether the kernel is flipped.
    pub orientation: Orientation,
    /// Channels that the operation reads.
    pub input_channels: usize,
    /// Channels that it writes.
    pub output_channels: usize,
    /// Groups of channels.
    pub groups: usize,
}

impl Layer {
    /// Resolves the settings of an operation.
    ///
    /// # Errors
    ///
    /// [`Fault::Usage`] for a value that cannot be read, [`Fault::Illegal`] with the library's sentence for a
    /// setting without a canonical form or with an illegal geometry.
    pub fn resolve(operation: &Operation, values: &Values) -> Result<Self, Fault> {
        let settings = Settings::read(operation, values)?;
        let axes = (0..settings.rank).map(|d| {
            let resolved = framework_axis(operation, &settings, d);
            resolved.map_err(|fault| named(fault, d, settings.rank))
        });
        let axes = axes.collect::<Result<Vec<Resolved>, Fault>>()?;
        let Some(first) = axes.first() else {
            return Err(Fault::usage("the rank is 0, expected 1 to 3"));
        };
        if axes.iter().any(|axis| axis.direction != first.direction) {
            return Err(Fault::illegal(
                "one axis stretches its input and another does not: neither a direct nor a transposed operation",
            ));
        }
        let layer = Self {
            direction: first.direction,
            lines: axes.iter().map(|axis| axis.line).collect(),
            orientation: first.orientation,
            input_channels: settings.input_channels.unwrap_or(settings.groups),
            output_channels: settings.output_channels.unwrap_or(settings.groups),
            groups: settings.groups,
        };
        layer.geometry()?;
        Ok(layer)
    }

    /// The values of axis `d` alone for each axis of an operation: its settings along every axis are those along that one.
    /// `None` where there is no such axis.
    ///
    /// ```
    /// use conv_scene::operation::{Role, find};
    /// use conv_scene::{Layer, value::Values};
    ///
    /// let conv = find("onnx", "Conv").unwrap();
    /// let values = Values::new().with(Role::Input, "5,6").with(Role::Kernel, 3).with(Role::Padding, "0,1,2,3");
    /// let columns = Layer::values_along(conv, &values, 1)?.unwrap();
    /// assert_eq!(columns.get(Role::Input), Some("6,6"));
    /// assert_eq!(columns.get(Role::Padding), Some("1,1,3,3"));
    /// assert!(Layer::values_along(conv, &values, 2)?.is_none());
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Fault::Usage`] for a value that cannot be read.
    pub fn values_along(
        operation: &Operation,
        values: &Values,
        d: usize,
    ) -> Result<Option<Values>, Fault> {
        let rank = Settings::read(operation, values)?.rank;
        if d >= rank {
            return Ok(None);
        }
        let mut along = values.clone();
        for (role, text) in values.iter() {
            let items: Vec<&str> = text.split(',').collect();
            // A list of one value for each axis, or of ONNX's begins and ends.
            let is_list = rank > 1 && items.len().is_multiple_of(rank);
            let lists = items.chunks_exact(rank);
            if is_list {
                let chosen = lists.flat_map(|list| vec![list[d]; rank]);
                along = along.with(role, chosen.collect::<Vec<_>>().join(","));
            }
        }
        Ok(Some(along))
    }

    /// Number of spatial axes.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.lines.len()
    }

    /// Extents that the operation reads.
    #[must_use]
    pub fn input(&self) -> Vec<usize> {
        self.lines.iter().map(|line| line.input).collect()
    }

    /// Extents that it writes.
    #[must_use]
    pub fn output(&self) -> Vec<usize> {
        self.lines.iter().map(|line| line.output).collect()
    }

    /// Kernel extents.
    #[must_use]
    pub fn kernel(&self) -> Vec<usize> {
        self.lines.iter().map(|line| line.axis.kernel).collect()
    }

    /// Whether both are the same map, read the same way: the pads after the input count only as far as they
    /// decide the output extent, and a kernel's orientation only where it has more than one tap.
    ///
    /// ```
    /// use conv_scene::operation::{OWN, Role};
    /// use conv_scene::{Layer, value::Values};
    ///
    /// let values = Values::new().with(Role::Input, 6).with(Role::Kernel, 3).with(Role::Stride, 2);
    /// let plain = Layer::resolve(&OWN, &values)?;
    /// let cropped = Layer::resolve(&OWN, &values.clone().with(Role::Padding, "0:-1"))?;
    /// assert!(plain.is_same_map(&cropped)); // the last input is not read either way
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    #[must_use]
    pub fn is_same_map(&self, other: &Self) -> bool {
        let essence = |line: &Line| {
            let dilation = if line.axis.kernel == 1 {
                1
            } else {
                line.axis.dilation
            };
            let stride = line.axis.stride;
            (
                line.axis.kernel,
                stride,
                dilation,
                line.axis.pad_before,
                line.input,
                line.output,
            )
        };
        let taps: usize = self.kernel().iter().product();
        self.direction == other.direction
            && self.lines.len() == other.lines.len()
            && self
                .lines
                .iter()
                .zip(&other.lines)
                .all(|(a, b)| essence(a) == essence(b))
            && (taps == 1 || self.orientation == other.orientation)
    }

    /// The map as one of three spatial dimensions, the missing ones of extent 1 in front.
    ///
    /// # Errors
    ///
    /// Groups that do not divide the channels, or a buffer whose number of elements overflows.
    pub fn geometry(&self) -> Result<Geometry<3>, Fault> {
        let missing = Line {
            axis: Axis::new(1),
            input: 1,
            output: 1,
        };
        let mut lines = [missing; 3];
        for (place, line) in lines.iter_mut().rev().zip(self.lines.iter().rev()) {
            *place = *line;
        }
        let axes = lines.map(|line| line.axis);
        let (input, output) = (lines.map(|l| l.input), lines.map(|l| l.output));
        let (reads, writes) = (self.input_channels, self.output_channels);
        let geometry = match self.direction {
            Direction::Direct => Geometry::direct(axes, input, reads, writes, self.groups)?,
            Direction::Transposed => {
                Geometry::transposed(axes, input, output, writes, reads, self.groups)?
            }
        };
        Ok(geometry.with_orientation(self.orientation))
    }
}

/// What is written, as lists of one value for each axis.
struct Settings<'a> {
    rank: usize,
    input: Vec<usize>,
    kernel: Vec<usize>,
    stride: Vec<usize>,
    dilation: Vec<usize>,
    input_dilation: Vec<usize>,
    pads: Option<Vec<Pad<'a>>>,
    output_padding: Option<Vec<usize>>,
    output: Option<Vec<usize>>,
    auto_pad: Option<&'a str>,
    padding_mode: Option<&'a str>,
    flip: Option<bool>,
    transposed: bool,
    transpose_kernel: bool,
    consistent_padding: bool,
    input_channels: Option<usize>,
    output_channels: Option<usize>,
    groups: usize,
}

/// Reads texts by role, with the operation's spelling in errors.
struct Reader<'a> {
    operation: &'a Operation,
    values: &'a Values,
}

impl<'a> Reader<'a> {
    fn name(&self, role: Role) -> String {
        format!("--{}", self.operation.spelling(role).unwrap_or("?"))
    }

    fn list(&self, role: Role) -> Result<Option<Vec<usize>>, Fault> {
        let text = self.values.get(role);
        text.map(|text| counts(&self.name(role), text)).transpose()
    }

    fn pads(&self) -> Result<Option<Vec<Pad<'a>>>, Fault> {
        let text = self.values.get(Role::Padding);
        text.map(|text| pads(&self.name(Role::Padding), text))
            .transpose()
    }

    fn one(&self, role: Role) -> Result<Option<usize>, Fault> {
        match self.list(role)?.as_deref() {
            None => Ok(None),
            Some([one]) => Ok(Some(*one)),
            Some(_) => Err(Fault::usage(format!(
                "{} has several values, expected 1",
                self.name(role)
            ))),
        }
    }

    fn flag(&self, role: Role) -> Result<Option<bool>, Fault> {
        let text = self.values.get(role);
        text.map(|text| flag(&self.name(role), text)).transpose()
    }

    fn spread(
        &self,
        role: Role,
        list: Option<Vec<usize>>,
        rank: usize,
    ) -> Result<Option<Vec<usize>>, Fault> {
        list.map(|list| along(&self.name(role), &list, rank))
            .transpose()
    }

    /// How many values the longest list has.
    fn longest(&self) -> Result<usize, Fault> {
        let mut longest = 1;
        for role in [
            Role::Input,
            Role::Kernel,
            Role::Stride,
            Role::Dilation,
            Role::InputDilation,
            Role::OutputPadding,
            Role::Output,
        ] {
            longest = longest.max(self.list(role)?.map_or(0, |list| list.len()));
        }
        let pads = self.pads()?.map_or(0, |list| list.len());
        Ok(longest.max(if self.has_onnx_pads() { pads / 2 } else { pads }))
    }

    fn has_onnx_pads(&self) -> bool {
        self.operation.framework == Some(Framework::Onnx)
    }

    /// The pads of each axis: ONNX writes all begins before all ends.
    fn pads_along(&self, rank: usize) -> Result<Option<Vec<Pad<'a>>>, Fault> {
        let Some(written) = self.pads()? else {
            return Ok(None);
        };
        let name = self.name(Role::Padding);
        if !self.has_onnx_pads() {
            return along(&name, &written, rank).map(Some);
        }
        let number = |pad: &Pad| match pad {
            Pad::Both(number) => Ok(*number),
            _ => Err(Fault::usage(format!(
                "{name} has a value that is not a number, expected all begins, then all ends"
            ))),
        };
        let numbers = written.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        match numbers.split_at_checked(rank) {
            Some((begins, ends)) if ends.len() == rank => {
                let sides = begins
                    .iter()
                    .zip(ends)
                    .map(|(begin, end)| Pad::Sides(*begin, *end));
                Ok(Some(sides.collect()))
            }
            _ => Err(Fault::usage(format!(
                "{name} has {} values, expected {}: all begins, then all ends",
                numbers.len(),
                2 * rank
            ))),
        }
    }
}

impl<'a> Settings<'a> {
    fn read(operation: &'a Operation, values: &'a Values) -> Result<Self, Fault> {
        let reader = Reader { operation, values };
        let longest = reader.longest()?;
        let rank = reader
            .one(Role::Rank)?
            .or(operation.rank)
            .unwrap_or(longest);
        if !(1..=3).contains(&rank) {
            return Err(Fault::usage(format!("the rank is {rank}, expected 1 to 3")));
        }
        let needed = |role: Role| {
            let list = reader.spread(role, reader.list(role)?, rank)?;
            list.ok_or_else(|| Fault::usage(format!("{} is missing", reader.name(role))))
        };
        let given = |role: Role| reader.spread(role, reader.list(role)?, rank);
        let ones = |role: Role| Ok::<_, Fault>(given(role)?.unwrap_or_else(|| vec![1; rank]));
        let required = |role: Role| {
            operation
                .settings
                .iter()
                .any(|s| s.role == role && s.required)
        };
        let output = if required(Role::Output) {
            Some(needed(Role::Output)?)
        } else {
            given(Role::Output)?
        };
        Ok(Self {
            rank,
            input: needed(Role::Input)?,
            kernel: needed(Role::Kernel)?,
            stride: ones(Role::Stride)?,
            dilation: ones(Role::Dilation)?,
            input_dilation: ones(Role::InputDilation)?,
            pads: reader.pads_along(rank)?,
            output_padding: given(Role::OutputPadding)?,
            output,
            auto_pad: values.get(Role::AutoPad),
            padding_mode: values.get(Role::PaddingMode),
            flip: reader.flag(Role::Flip)?,
            transposed: reader.flag(Role::Transposed)?.unwrap_or(false),
            transpose_kernel: reader.flag(Role::TransposeKernel)?.unwrap_or(false),
            consistent_padding: reader.flag(Role::ConsistentPadding)?.unwrap_or(false),
            input_channels: reader.one(Role::InputChannels)?,
            output_channels: reader.one(Role::OutputChannels)?,
            groups: reader.one(Role::Groups)?.unwrap_or(1),
        })
    }

    fn at(&self, d: usize) -> AxisSettings<'a> {
        AxisSettings {
            input: self.input[d],
            kernel: self.kernel[d],
            stride: self.stride[d],
            dilation: self.dilation[d],
            input_dilation: self.input_dilation[d],
            pad: self.pads.as_ref().map(|pads| pads[d]),
            output_padding: self.output_padding.as_ref().map(|list| list[d]),
            output: self.output.as_ref().map(|list| list[d]),
        }
    }
}

/// What is written for one axis.
struct AxisSettings<'a> {
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    input_dilation: usize,
    pad: Option<Pad<'a>>,
    output_padding: Option<usize>,
    output: Option<usize>,
}

struct Resolved {
    line: Line,
    direction: Direction,
    orientation: Orientation,
}

impl Resolved {
    fn direct(direct: Result<Direct, ConventionError>) -> Result<Self, Fault> {
        Ok(Self {
            line: direct?.into(),
            direction: Direction::Direct,
            orientation: Orientation::Correlation,
        })
    }

    fn transposed(transposed: Result<Transposed, ConventionError>) -> Result<Self, Fault> {
        Ok(Self {
            line: transposed?.into(),
            direction: Direction::Transposed,
            orientation: Orientation::Correlation,
        })
    }

    fn oriented(self, orientation: Orientation) -> Self {
        Self {
            orientation,
            ..self
        }
    }
}

/// The fault with the axis in front, where there are several.
fn named(fault: Fault, d: usize, rank: usize) -> Fault {
    match fault {
        Fault::Illegal(text) if rank > 1 => {
            Fault::Illegal(format!("{}: {text}", Dimension::spatial(d, rank)))
        }
        fault => fault,
    }
}

fn framework_axis(operation: &Operation, settings: &Settings, d: usize) -> Result<Resolved, Fault> {
    let axis = settings.at(d);
    match operation.framework {
        None => own(settings, &axis),
        Some(Framework::Torch) if operation.transposed => torch_transpose(&axis),
        Some(Framework::Torch) => torch_conv(settings, &axis),
        Some(Framework::Onnx) if operation.transposed => onnx_transpose(settings, &axis),
        Some(Framework::Onnx) => onnx_conv(settings, &axis),
        Some(Framework::TensorFlow) => tensorflow_axis(operation, &axis),
        Some(Framework::Keras) if operation.transposed => keras_transpose(&axis),
        Some(Framework::Keras) => keras_conv(settings, &axis),
        Some(Framework::Jax) if operation.transposed => jax_transpose(settings, &axis),
        Some(Framework::Jax) => jax_general(settings, &axis),
        Some(Framework::Theano) => theano_axis(operation, settings, &axis),
        Some(Framework::NumPy) => {
            let mode = mode(&axis)?;
            let call = scipy::NumpyConvolve {
                kernel: axis.kernel,
                mode,
            };
            Ok(Resolved::direct(call.axis(axis.input))?.oriented(Orientation::Convolution))
        }
        Some(Framework::SciPy) => {
            let mode = mode(&axis)?;
            let call = scipy::ScipyConvolve {
                kernel: axis.kernel,
                mode,
            };
            Ok(Resolved::direct(call.axis(axis.input))?.oriented(Orientation::Convolution))
        }
        Some(_) => cmsis(operation, &axis),
    }
}

/// A pad that the setting does not take.
fn no_pad<T>(setting: &str, pad: Pad, expected: &str) -> Result<T, Fault> {
    let found = match pad {
        Pad::Name(name) => name.to_owned(),
        Pad::Both(number) => number.to_string(),
        Pad::Sides(before, after) => format!("{before}:{after}"),
    };
    Err(Fault::usage(format!(
        "--{setting} has the value `{found}`, expected {expected}"
    )))
}

fn natural(setting: &str, number: isize) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| {
        Fault::usage(format!(
            "--{setting} has the value `{number}`, expected at least 0"
        ))
    })
}

fn own(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Both(0)) {
        Pad::Both(pad) => Padding::Explicit {
            before: pad,
            after: pad,
        },
        Pad::Sides(before, after) => Padding::Explicit { before, after },
        Pad::Name("valid") => Padding::Valid,
        Pad::Name("half") => Padding::Half,
        Pad::Name("full") => Padding::Full,
        Pad::Name("same-upper") => Padding::SameUpper,
        Pad::Name("same-lower") => Padding::SameLower,
        Pad::Name("causal") => Padding::Causal,
        pad @ Pad::Name(_) => {
            let expected =
                "a number, before:after, valid, half, full, same-upper, same-lower or causal";
            return no_pad("pad", pad, expected);
        }
    };
    let window = Window::new()
        .with_stride(axis.stride)
        .with_dilation(axis.dilation)
        .with_padding(padding);
    let orientation = match settings.flip {
        Some(true) => Orientation::Convolution,
        _ => Orientation::Correlation,
    };
    if !settings.transposed {
        if axis.output.is_some() || axis.output_padding.is_some() {
            return Err(Fault::usage(
                "--output and --output-padding are for --transposed",
            ));
        }
        let resolved = window.axis(axis.kernel, axis.input)?;
        let line = Line {
            axis: resolved,
            input: axis.input,
            output: resolved.output(axis.input)?,
        };
        return Ok(Resolved {
            line,
            direction: Direction::Direct,
            orientation,
        });
    }
    let line = own_transposed(&window, axis)?;
    Ok(Resolved {
        line,
        direction: Direction::Transposed,
        orientation,
    })
}

fn own_transposed(window: &Window, axis: &AxisSettings) -> Result<Line, Fault> {
    if axis.output.is_some() && axis.output_padding.is_some() {
        return Err(Fault::usage(
            "--output and --output-padding exclude each other",
        ));
    }
    let depends_on_output = matches!(window.padding, Padding::SameUpper | Padding::SameLower);
    let (resolved, output) = match axis.output {
        Some(output) => (window.axis(axis.kernel, output)?, output),
        None if depends_on_output => {
            return Err(Fault::usage(
                "--pad same-… of a transposed operation depends on its --output, which is missing",
            ));
        }
        None => {
            // The pads do not depend on the extent.
            let resolved = window.axis(axis.kernel, 1)?;
            (
                resolved,
                resolved.transposed_output(axis.input, axis.output_padding.unwrap_or(0))?,
            )
        }
    };
    resolved.output_padding(axis.input, output)?;
    Ok(Line {
        axis: resolved,
        input: axis.input,
        output,
    })
}

fn torch_conv(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Both(0)) {
        Pad::Both(zeros) => torch::Padding::Zeros(natural("padding", zeros)?),
        Pad::Name("valid") => torch::Padding::Valid,
        Pad::Name("same") => torch::Padding::Same,
        pad => return no_pad("padding", pad, "a number for both sides, valid or same"),
    };
    let padding_mode = match settings.padding_mode.unwrap_or("zeros") {
        "zeros" => torch::PaddingMode::Zeros,
        "reflect" => torch::PaddingMode::Reflect,
        "replicate" => torch::PaddingMode::Replicate,
        "circular" => torch::PaddingMode::Circular,
        other => {
            return Err(Fault::usage(format!(
                "--padding_mode has the value `{other}`, expected zeros, reflect, replicate or circular"
            )));
        }
    };
    let conv = torch::Conv {
        kernel_size: axis.kernel,
        stride: axis.stride,
        padding,
        dilation: axis.dilation,
        padding_mode,
    };
    Resolved::direct(conv.axis(axis.input))
}

fn torch_transpose(axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Both(0)) {
        Pad::Both(zeros) => natural("padding", zeros)?,
        pad => return no_pad("padding", pad, "a number for both sides"),
    };
    let layer = torch::ConvTranspose {
        kernel_size: axis.kernel,
        stride: axis.stride,
        padding,
        output_padding: axis.output_padding.unwrap_or(0),
        dilation: axis.dilation,
    };
    match axis.output {
        Some(_) if axis.output_padding.is_some() => Err(Fault::usage(
            "--output_size and --output_padding exclude each other",
        )),
        Some(output) => Resolved::transposed(layer.axis_to(axis.input, output)),
        None => Resolved::transposed(layer.axis(axis.input)),
    }
}

fn onnx_pads(pad: Option<Pad>) -> Result<[usize; 2], Fault> {
    match pad {
        Some(Pad::Sides(begin, end)) => Ok([natural("pads", begin)?, natural("pads", end)?]),
        _ => Ok([0; 2]),
    }
}

fn onnx_auto(settings: &Settings) -> Result<onnx::AutoPad, Fault> {
    match settings.auto_pad.unwrap_or("NOTSET") {
        "NOTSET" => Ok(onnx::AutoPad::NotSet),
        "SAME_UPPER" => Ok(onnx::AutoPad::SameUpper),
        "SAME_LOWER" => Ok(onnx::AutoPad::SameLower),
        "VALID" => Ok(onnx::AutoPad::Valid),
        other => Err(Fault::usage(format!(
            "--auto_pad has the value `{other}`, expected NOTSET, SAME_UPPER, SAME_LOWER or VALID"
        ))),
    }
}

fn onnx_conv(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let conv = onnx::Conv {
        kernel_shape: axis.kernel,
        strides: axis.stride,
        dilations: axis.dilation,
        pads: onnx_pads(axis.pad)?,
        auto_pad: onnx_auto(settings)?,
    };
    Resolved::direct(conv.axis(axis.input))
}

fn onnx_transpose(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let layer = onnx::ConvTranspose {
        kernel_shape: axis.kernel,
        strides: axis.stride,
        dilations: axis.dilation,
        pads: onnx_pads(axis.pad)?,
        auto_pad: onnx_auto(settings)?,
        output_padding: axis.output_padding.unwrap_or(0),
        output_shape: axis.output,
    };
    Resolved::transposed(layer.axis(axis.input))
}

fn tensorflow_axis(operation: &Operation, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let default = if operation.transposed {
        "SAME"
    } else {
        "VALID"
    };
    let padding = match axis.pad.unwrap_or(Pad::Name(default)) {
        Pad::Name("SAME") => tensorflow::Padding::Same,
        Pad::Name("VALID") => tensorflow::Padding::Valid,
        Pad::Sides(before, after) => {
            tensorflow::Padding::Explicit([natural("padding", before)?, natural("padding", after)?])
        }
        pad => return no_pad("padding", pad, "SAME, VALID or before:after"),
    };
    if !operation.transposed {
        let conv = tensorflow::Conv {
            filters: axis.kernel,
            strides: axis.stride,
            padding,
            dilations: axis.dilation,
        };
        return Resolved::direct(conv.axis(axis.input));
    }
    let layer = tensorflow::ConvTranspose {
        filters: axis.kernel,
        // The operation requires it, so it is there.
        output_shape: axis.output.unwrap_or(0),
        strides: axis.stride,
        padding,
        dilations: axis.dilation,
    };
    Resolved::transposed(layer.axis(axis.input))
}

fn keras_conv(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Name("valid")) {
        Pad::Name("valid") => keras::Padding::Valid,
        Pad::Name("same") => keras::Padding::Same,
        Pad::Name("causal") if settings.rank == 1 => keras::Padding::Causal,
        Pad::Name("causal") => {
            return Err(Fault::illegal("Keras: padding='causal' is Conv1D's alone"));
        }
        pad => return no_pad("padding", pad, "valid, same or causal"),
    };
    let conv = keras::Conv {
        kernel_size: axis.kernel,
        strides: axis.stride,
        padding,
        dilation_rate: axis.dilation,
    };
    Resolved::direct(conv.axis(axis.input))
}

fn keras_transpose(axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Name("valid")) {
        Pad::Name("valid") => keras::TransposePadding::Valid,
        Pad::Name("same") => keras::TransposePadding::Same,
        pad => return no_pad("padding", pad, "valid or same"),
    };
    let layer = keras::ConvTranspose {
        kernel_size: axis.kernel,
        strides: axis.stride,
        padding,
        output_padding: axis.output_padding,
        dilation_rate: axis.dilation,
    };
    Resolved::transposed(layer.axis(axis.input))
}

fn jax_general(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Name("VALID")) {
        Pad::Name("SAME") => jax::Padding::Same,
        Pad::Name("SAME_LOWER") => jax::Padding::SameLower,
        Pad::Name("VALID") => jax::Padding::Valid,
        Pad::Sides(low, high) => jax::Padding::Explicit(low, high),
        pad => return no_pad("padding", pad, "SAME, SAME_LOWER, VALID or low:high"),
    };
    let call = jax::ConvGeneralDilated {
        rhs: axis.kernel,
        window_strides: axis.stride,
        padding,
        lhs_dilation: axis.input_dilation,
        rhs_dilation: axis.dilation,
    };
    if settings
        .input_dilation
        .iter()
        .all(|&dilation| dilation == 1)
    {
        return Resolved::direct(call.axis(axis.input));
    }
    let transposed = Resolved::transposed(call.transposed_axis(axis.input))?;
    Ok(transposed.oriented(Orientation::Convolution))
}

fn jax_transpose(settings: &Settings, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Name("VALID")) {
        Pad::Name("SAME") => jax::TransposePadding::Same,
        Pad::Name("VALID") => jax::TransposePadding::Valid,
        Pad::Sides(low, high) if settings.consistent_padding => {
            jax::TransposePadding::Consistent(low, high)
        }
        Pad::Sides(low, high) => jax::TransposePadding::Explicit(low, high),
        pad => return no_pad("padding", pad, "SAME, VALID or low:high"),
    };
    let call = jax::ConvTranspose {
        rhs: axis.kernel,
        strides: axis.stride,
        padding,
        rhs_dilation: axis.dilation,
        transpose_kernel: settings.transpose_kernel,
    };
    Ok(Resolved::transposed(call.axis(axis.input))?.oriented(call.orientation()))
}

fn theano_axis(
    operation: &Operation,
    settings: &Settings,
    axis: &AxisSettings,
) -> Result<Resolved, Fault> {
    let border_mode = match axis.pad.unwrap_or(Pad::Name("valid")) {
        Pad::Name("valid") => theano::BorderMode::Valid,
        Pad::Name("full") => theano::BorderMode::Full,
        Pad::Name("half") => theano::BorderMode::Half,
        Pad::Both(zeros) => theano::BorderMode::Zeros(natural("border_mode", zeros)?),
        Pad::Sides(before, after) => theano::BorderMode::Pair(
            natural("border_mode", before)?,
            natural("border_mode", after)?,
        ),
        pad @ Pad::Name(_) => {
            return no_pad(
                "border_mode",
                pad,
                "valid, full, half, a number or before:after",
            );
        }
    };
    let conv = theano::Conv {
        filter_shape: axis.kernel,
        border_mode,
        subsample: axis.stride,
        filter_dilation: axis.dilation,
        filter_flip: settings.flip.unwrap_or(true),
    };
    let resolved = if operation.transposed {
        // The operation requires input_shape, so it is there.
        Resolved::transposed(conv.grad_wrt_inputs_axis(axis.input, axis.output.unwrap_or(0)))?
    } else {
        Resolved::direct(conv.axis(axis.input))?
    };
    Ok(resolved.oriented(conv.orientation()))
}

fn mode(axis: &AxisSettings) -> Result<scipy::Mode, Fault> {
    match axis.pad.unwrap_or(Pad::Name("full")) {
        Pad::Name("full") => Ok(scipy::Mode::Full),
        Pad::Name("same") => Ok(scipy::Mode::Same),
        Pad::Name("valid") => Ok(scipy::Mode::Valid),
        pad => no_pad("mode", pad, "full, same or valid"),
    }
}

fn cmsis(operation: &Operation, axis: &AxisSettings) -> Result<Resolved, Fault> {
    let padding = match axis.pad.unwrap_or(Pad::Both(0)) {
        Pad::Both(zeros) => natural("padding", zeros)?,
        pad => return no_pad("padding", pad, "a number, the pads before the input"),
    };
    let params = cmsis_nn::ConvParams {
        filter_dims: axis.kernel,
        stride: axis.stride,
        padding,
        dilation: axis.dilation,
    };
    // The operation requires output_dims, so it is there.
    let output = axis.output.unwrap_or(0);
    if operation.transposed {
        Resolved::transposed(params.transposed_axis(axis.input, output))
    } else {
        Resolved::direct(params.axis(axis.input, output))
    }
}
