//! A layer as a sequence of pictures: one for each output, or in the scattering view one for each input.
//!
//! What is lit in a picture is a row of the [`Weave`], the matrix C: an input is lit where the matrix has an entry. Where
//! the window lies over padding and inserted zeros follows from the axis.

use std::collections::BTreeMap;

use conv_core::{Axis, Orientation};

use crate::fault::Fault;
use crate::formula::{caption, extents};
use crate::layer::{Direction, Layer, Line};
use crate::picture::{Anchor, Element, Look, Mark, Picture};
use crate::weave::{Term, Weave, element_name};

/// How an operation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Direct: the window over the padded input.
    Window,
    /// Transposed, as the guide draws it: a direct operation with the flipped kernel on the input with `stride − 1` zeros
    /// in each gap.
    Stretched,
    /// Transposed, as it is computed here: outputs of a phase read the taps of that phase, and no zero is multiplied.
    Polyphase,
    /// Transposed, as it is defined: each input is multiplied with the whole kernel and added to the output.
    Scatter,
}

/// The views and their words.
pub const VIEWS: [(&str, View); 4] = [
    ("window", View::Window),
    ("stretched", View::Stretched),
    ("polyphase", View::Polyphase),
    ("scatter", View::Scatter),
];

/// What a scene shows beside the layer.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How; by default the window, or of a transposed layer the stretched input.
    pub view: Option<View>,
    /// Whether cells are empty rather than with numbers.
    pub plain: bool,
    /// The input, channels in front; by default small numbers.
    pub data: Option<Vec<f64>>,
    /// The weights, O I spatial; by default small numbers.
    pub weights: Option<Vec<f64>>,
}

/// Positions along an axis that are drawn, `lo..hi`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    lo: isize,
    hi: isize,
}

impl Span {
    const fn len(self) -> usize {
        self.hi.saturating_sub(self.lo).unsigned_abs()
    }
}

/// A grid of cells on the sheet.
#[derive(Clone, Copy, Debug)]
struct Grid {
    x: f64,
    y: f64,
    spans: [Span; 2],
}

/// A layer that is drawn.
#[derive(Clone, Debug)]
pub struct Scene {
    weave: Weave,
    view: View,
    plain: bool,
    data: Vec<f64>,
    weights: Vec<f64>,
    /// Every output.
    sums: Vec<f64>,
    /// Height and width; the height of a signal has extent 1.
    lines: [Line; 2],
    layout: Layout,
}

/// Where everything is.
#[derive(Clone, Debug)]
struct Layout {
    cell: f64,
    width: f64,
    height: f64,
    /// A grid for each channel.
    inputs: Vec<Grid>,
    kernels: Vec<Grid>,
    outputs: Vec<Grid>,
    /// Base line of the first line of the sum.
    footer: f64,
    footer_lines: usize,
}

/// Most rows, columns and channels that are drawn.
const MOST_CELLS: usize = 64;
const MOST_CHANNELS: usize = 8;
/// Most pictures of a scene.
const MOST_FRAMES: usize = 4096;
const MARGIN: f64 = 24.0;
/// Widths of a letter at the sizes 13 and 15, as DejaVu Sans has them on average.
const LETTER: f64 = 7.9;
const TITLE_LETTER: f64 = 8.8;

/// The worked example of the guide's first figure, and a pattern like it.
const DATA: [f64; 25] = [
    3.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0, 3.0, 1.0, 3.0, 1.0, 2.0, 2.0, 3.0, 2.0, 0.0, 0.0, 2.0,
    2.0, 2.0, 0.0, 0.0, 0.0, 1.0,
];
const WEIGHTS: [f64; 9] = [0.0, 1.0, 2.0, 2.0, 2.0, 0.0, 0.0, 1.0, 2.0];

impl Scene {
    /// The scene of a layer.
    ///
    /// ```
    /// use conv_scene::guide::figures;
    /// use conv_scene::operation::OWN;
    /// use conv_scene::scene::{Options, Scene};
    /// use conv_scene::Layer;
    ///
    /// let layer = Layer::resolve(&OWN, &figures()[0].values)?;
    /// let scene = Scene::new(&layer, Options::default())?;
    /// assert_eq!(scene.frames(), 4);
    /// assert!(scene.picture(0).svg().contains("input 4×4"));
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A layer of three axes, one too large to be looked at, a view of the other direction, or numbers that are not as
    /// many as there are elements.
    pub fn new(layer: &Layer, options: Options) -> Result<Self, Fault> {
        let lines = match layer.lines.as_slice() {
            [width] => [
                Line {
                    axis: Axis::new(1),
                    input: 1,
                    output: 1,
                },
                *width,
            ],
            [height, width] => [*height, *width],
            _ => {
                return Err(Fault::illegal(
                    "one and two axes are drawn, this layer has three",
                ));
            }
        };
        let view = view(layer.direction, options.view)?;
        let spans = Spans::new(view, &lines)?;
        small_enough(layer, &spans)?;
        let weave = Weave::new(layer)?;
        let data = given("input", options.data, weave.columns(), &DATA)?;
        let weights = given("kernel", options.weights, weave.weights(), &WEIGHTS)?;
        let frames = if view == View::Scatter {
            weave.columns()
        } else {
            weave.rows()
        };
        if frames > MOST_FRAMES {
            return Err(Fault::illegal(format!(
                "there would be {frames} pictures, one for each element, at most {MOST_FRAMES}: draw a smaller input"
            )));
        }
        let layout = Layout::new(layer, view, &spans, options.plain);
        let mut scene = Self {
            weave,
            view,
            plain: options.plain,
            data,
            weights,
            sums: Vec::new(),
            lines,
            layout,
        };
        scene.sums = (0..scene.weave.rows())
            .map(|row| scene.sum(scene.weave.row(row)))
            .collect();
        Ok(scene)
    }

    /// Number of pictures.
    #[must_use]
    pub const fn frames(&self) -> usize {
        match self.view {
            View::Scatter => self.weave.columns(),
            _ => self.weave.rows(),
        }
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (f64, f64) {
        (self.layout.width, self.layout.height)
    }

    /// The weave that is drawn.
    #[must_use]
    pub const fn weave(&self) -> &Weave {
        &self.weave
    }

    /// How it is shown.
    #[must_use]
    pub const fn view(&self) -> View {
        self.view
    }

    /// The weights, O I spatial.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    fn sum(&self, terms: impl Iterator<Item = Term>) -> f64 {
        terms
            .map(|term| self.datum(&term.position, term.channel) * self.weights[term.weight])
            .sum()
    }

    /// An input element: what is given has the channels in front.
    fn datum(&self, position: &[usize], channel: usize) -> f64 {
        let extents = self.weave.layer().input();
        let place = position
            .iter()
            .zip(&extents)
            .fold(channel, |place, (at, extent)| place * extent + at);
        self.data[place]
    }

    /// Picture `step`, counted from 0; beyond the last one, the last.
    #[must_use]
    pub fn picture(&self, step: usize) -> Picture {
        let step = step.min(self.frames().saturating_sub(1));
        let layer = self.layer();
        let group = match self.view {
            View::Scatter => self.weave.input_place(step).1 / (layer.input_channels / layer.groups),
            _ => self.weave.output_place(step).1 / (layer.output_channels / layer.groups),
        };
        let mut marks = self.titles(group);
        let description = match self.view {
            View::Scatter => self.scatter(step, &mut marks),
            _ => self.gather(step, &mut marks),
        };
        Picture {
            width: self.layout.width,
            height: self.layout.height,
            description: format!("{}; {description}", caption(self.weave.layer())),
            marks,
        }
    }

    /// What picture `step` shows, in words: the output with its sum, or the input and where it is added.
    ///
    /// ```
    /// use conv_scene::operation::{OWN, Role};
    /// use conv_scene::scene::{Options, Scene};
    /// use conv_scene::{Layer, value::Values};
    ///
    /// let layer = Layer::resolve(&OWN, &Values::new().with(Role::Input, 4).with(Role::Kernel, 3))?;
    /// let scene = Scene::new(&layer, Options::default())?;
    /// assert_eq!(scene.sentence(1), "output[1] = 3·0 + 2·1 + 1·2 = 4");
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    #[must_use]
    pub fn sentence(&self, step: usize) -> String {
        let step = step.min(self.frames().saturating_sub(1));
        let layer = self.layer();
        if self.view != View::Scatter {
            let (position, channel) = self.weave.output_place(step);
            let terms: Vec<Term> = self.weave.row(step).collect();
            let name = element_name("output", &position, channel, layer.output_channels);
            return format!("{name} = {}", self.written_sum(&terms, self.sums[step]));
        }
        let (position, channel) = self.weave.input_place(step);
        let name = element_name("input", &position, channel, layer.input_channels);
        let value = match self.plain {
            true => String::new(),
            false => format!(" = {}", shown(self.datum(&position, channel))),
        };
        let outputs = self.weave.column(step).count();
        format!("{name}{value}, times the kernel, is added to {outputs} outputs")
    }

    fn layer(&self) -> &Layer {
        self.weave.layer()
    }

    /// Caption and the names of the grids.
    fn titles(&self, group: usize) -> Vec<Mark> {
        let layer = self.layer();
        let mut marks = vec![Mark::Text {
            x: MARGIN,
            y: MARGIN + 10.0,
            size: 15.0,
            anchor: Anchor::Start,
            look: Look::Text,
            text: caption(layer),
        }];
        let names = grid_names(layer, self.view);
        let layout = &self.layout;
        for (index, (name, grids)) in names
            .iter()
            .zip([&layout.inputs, &layout.kernels, &layout.outputs])
            .enumerate()
        {
            // The kernels are those of the group's channels.
            let first = if index == 1 { group * grids.len() } else { 0 };
            for (channel, grid) in grids.iter().enumerate() {
                let text = match layer.input_channels.max(layer.output_channels) {
                    1 => name.clone(),
                    _ if index == 1 && self.view == View::Scatter => {
                        format!("{name}, to channel {}", first + channel)
                    }
                    _ if index == 1 => format!("{name}, for channel {}", first + channel),
                    _ => format!("{name}, channel {channel}"),
                };
                marks.push(Mark::Text {
                    x: grid.x,
                    y: grid.y - 7.0,
                    size: 13.0,
                    anchor: Anchor::Start,
                    look: Look::Note,
                    text,
                });
            }
        }
        marks
    }

    /// Position along both axes of an element's position.
    fn plane(&self, position: &[usize]) -> [usize; 2] {
        match position {
            [row, column] => [*row, *column],
            [column] => [0, *column],
            _ => [0, 0],
        }
    }

    fn number(&self, value: f64) -> String {
        if self.plain || self.layout.cell < 20.0 {
            String::new()
        } else {
            shown(value)
        }
    }

    /// One output and what it is the sum of.
    fn gather(&self, row: usize, marks: &mut Vec<Mark>) -> String {
        let (position, channel) = self.weave.output_place(row);
        let terms: Vec<Term> = self.weave.row(row).collect();
        let met: BTreeMap<([usize; 2], usize), &Term> = terms
            .iter()
            .map(|term| ((self.plane(&term.position), term.channel), term))
            .collect();
        let at = self.plane(&position);
        let group = channel / (self.layer().output_channels / self.layer().groups);
        for (index, grid) in self.layout.inputs.iter().enumerate() {
            let in_group = index / (self.layer().input_channels / self.layer().groups) == group;
            self.input_grid(grid, index, in_group, at, &met, marks);
        }
        self.kernel_grids(channel, &terms, marks);
        self.links(at, channel, &terms, marks);
        for (index, grid) in self.layout.outputs.iter().enumerate() {
            self.output_grid(grid, index, row, marks);
        }
        self.footer(&self.sentence(row), marks);
        element_name("output", &position, channel, self.layer().output_channels)
    }

    fn written_sum(&self, terms: &[Term], sum: f64) -> String {
        if self.plain {
            let named = |term: &Term| {
                let input = element_name(
                    "input",
                    &term.position,
                    term.channel,
                    self.layer().input_channels,
                );
                format!("{input}·{}", self.weave.weight_name(term.weight))
            };
            let all: Vec<String> = terms.iter().map(named).collect();
            return if all.is_empty() {
                "0".to_owned()
            } else {
                all.join(" + ")
            };
        }
        let product = |term: &Term| {
            format!(
                "{}·{}",
                shown(self.datum(&term.position, term.channel)),
                shown(self.weights[term.weight])
            )
        };
        let all: Vec<String> = terms.iter().map(product).collect();
        if all.is_empty() {
            "0, no tap meets an input".to_owned()
        } else {
            format!("{} = {}", all.join(" + "), shown(sum))
        }
    }

    fn footer(&self, text: &str, marks: &mut Vec<Mark>) {
        let letters = ((self.layout.width - 2.0 * MARGIN) / LETTER).max(20.0) as usize;
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let fits = lines
                .last()
                .is_some_and(|line| line.chars().count() + word.chars().count() < letters);
            match lines.last_mut() {
                Some(line) if fits && !line.is_empty() => *line = format!("{line} {word}"),
                Some(line) if line.is_empty() => word.clone_into(line),
                _ => lines.push(word.to_owned()),
            }
        }
        if lines.len() > self.layout.footer_lines {
            lines.truncate(self.layout.footer_lines);
            if let Some(last) = lines.last_mut() {
                last.push_str(" …");
            }
        }
        for (index, line) in lines.into_iter().enumerate() {
            let y = self.layout.footer + 19.0 * index as f64;
            marks.push(Mark::Text {
                x: MARGIN,
                y,
                size: 13.0,
                anchor: Anchor::Start,
                look: Look::Text,
                text: line,
            });
        }
    }

    /// Positions of the window's taps along axis `d` for an output at `at`, in the coordinates of the input's grid.
    fn window(&self, d: usize, at: usize) -> Vec<isize> {
        let Line {
            axis,
            input,
            output,
        } = &self.lines[d];
        let (start, axis) = match self.view {
            View::Window => ((at * axis.stride) as isize - axis.pad_before, *axis),
            View::Stretched => {
                let direct = stretched(axis, *input, *output);
                (at as isize - direct.pad_before, direct)
            }
            View::Polyphase | View::Scatter => return Vec::new(),
        };
        (0..axis.kernel)
            .map(|j| start + (j * axis.dilation) as isize)
            .collect()
    }

    fn input_grid(
        &self,
        grid: &Grid,
        channel: usize,
        in_group: bool,
        at: [usize; 2],
        met: &BTreeMap<([usize; 2], usize), &Term>,
        marks: &mut Vec<Mark>,
    ) {
        let taps = [self.window(0, at[0]), self.window(1, at[1])];
        for y in grid.spans[0].lo..grid.spans[0].hi {
            for x in grid.spans[1].lo..grid.spans[1].hi {
                let under = in_group && taps[0].contains(&y) && taps[1].contains(&x);
                let (look, text, corner) = match self.place([y, x]) {
                    Place::Element(position) => {
                        let text = self.number(self.datum_at(position, channel));
                        match met.get(&(position, channel)) {
                            Some(term) => {
                                (Look::InputLit, text, self.number(self.weights[term.weight]))
                            }
                            None if in_group => (Look::Input, text, String::new()),
                            None => (Look::InputFaint, text, String::new()),
                        }
                    }
                    Place::Cropped(position) => (
                        Look::Cropped,
                        self.number(self.datum_at(position, channel)),
                        String::new(),
                    ),
                    Place::Zero if under => (Look::ZeroLit, self.number(0.0), String::new()),
                    Place::Zero => (Look::Zero, self.number(0.0), String::new()),
                    Place::Pad if under => (Look::PadLit, String::new(), String::new()),
                    Place::Pad => (Look::Pad, String::new(), String::new()),
                };
                let element = match self.place([y, x]) {
                    Place::Element(position) | Place::Cropped(position) => {
                        Some(self.input_element(position, channel))
                    }
                    Place::Zero | Place::Pad => None,
                };
                marks.push(self.cell(grid, [y, x], look, (text, corner), element));
            }
        }
        if in_group && !taps[0].is_empty() {
            let ends = |taps: &[isize]| {
                (
                    taps.first().copied().unwrap_or(0),
                    taps.last().copied().unwrap_or(0),
                )
            };
            let ((top, bottom), (left, right)) = (ends(&taps[0]), ends(&taps[1]));
            let side = self.layout.cell;
            marks.push(Mark::Outline {
                x: grid.x + (left - grid.spans[1].lo) as f64 * side,
                y: grid.y + (top - grid.spans[0].lo) as f64 * side,
                width: (right - left + 1) as f64 * side,
                height: (bottom - top + 1) as f64 * side,
                look: Look::Window,
            });
        }
    }

    fn input_element(&self, position: [usize; 2], channel: usize) -> Element {
        let place = position[0] * self.lines[1].input + position[1];
        Element::Input(place * self.layer().input_channels + channel)
    }

    fn datum_at(&self, position: [usize; 2], channel: usize) -> f64 {
        match self.layer().rank() {
            1 => self.datum(&position[1..], channel),
            _ => self.datum(&position, channel),
        }
    }

    fn cell(
        &self,
        grid: &Grid,
        at: [isize; 2],
        look: Look,
        (text, corner): (String, String),
        element: Option<Element>,
    ) -> Mark {
        let side = self.layout.cell;
        Mark::Cell {
            x: grid.x + (at[1] - grid.spans[1].lo) as f64 * side,
            y: grid.y + (at[0] - grid.spans[0].lo) as f64 * side,
            side,
            look,
            text,
            corner,
            element,
        }
    }

    /// What lies at a place of the input's grid.
    fn place(&self, at: [isize; 2]) -> Place {
        let along = |d: usize| axis_place(self.view, &self.lines[d], at[d]);
        match (along(0), along(1)) {
            (AxisPlace::Pad, _) | (_, AxisPlace::Pad) => Place::Pad,
            (AxisPlace::Zero, _) | (_, AxisPlace::Zero) => Place::Zero,
            (AxisPlace::Element(row), AxisPlace::Element(column)) => Place::Element([row, column]),
            (
                AxisPlace::Element(row) | AxisPlace::Cropped(row),
                AxisPlace::Element(column) | AxisPlace::Cropped(column),
            ) => Place::Cropped([row, column]),
        }
    }

    /// The kernels between the current output channel and every input channel of its group, as they are applied.
    fn kernel_grids(&self, channel: usize, terms: &[Term], marks: &mut Vec<Mark>) {
        let layer = self.layer();
        let (reads, writes) = (
            layer.input_channels / layer.groups,
            layer.output_channels / layer.groups,
        );
        for (index, grid) in self.layout.kernels.iter().enumerate() {
            // Channels of the direct operation: its outputs are what the transposed one reads.
            let (group, within) = (channel / writes, channel % writes);
            let pair = match layer.direction {
                Direction::Direct => (group * writes + within, index),
                Direction::Transposed => (group * reads + index, within),
            };
            self.kernel_grid(grid, pair, terms, marks);
        }
    }

    fn kernel_grid(
        &self,
        grid: &Grid,
        (output, input): (usize, usize),
        terms: &[Term],
        marks: &mut Vec<Mark>,
    ) {
        let layer = self.layer();
        let inputs = match layer.direction {
            Direction::Direct => layer.input_channels,
            Direction::Transposed => layer.output_channels,
        } / layer.groups;
        let kernel = self.lines.map(|line| line.axis.kernel);
        let flipped = self.is_flipped();
        for y in 0..kernel[0] {
            for x in 0..kernel[1] {
                let stored = if flipped {
                    [kernel[0] - 1 - y, kernel[1] - 1 - x]
                } else {
                    [y, x]
                };
                let weight =
                    ((output * inputs + input) * kernel[0] + stored[0]) * kernel[1] + stored[1];
                let lit = terms.iter().any(|term| term.weight == weight);
                let look = match (self.view, lit) {
                    (View::Polyphase, true) => {
                        Look::PhaseLit(self.phase([y, x], |axis, j| j * axis.dilation))
                    }
                    (View::Polyphase, false) => {
                        Look::Phase(self.phase([y, x], |axis, j| j * axis.dilation))
                    }
                    (_, true) => Look::KernelLit,
                    (_, false) => Look::Kernel,
                };
                let text = match self.plain {
                    true => String::new(),
                    false => self.number(self.weights[weight]),
                };
                let at = [y as isize, x as isize];
                let element = Some(Element::Weight(weight));
                marks.push(self.cell(grid, at, look, (text, String::new()), element));
            }
        }
    }

    /// Whether the kernel is drawn flipped: as it lies on the stretched input, or as a true convolution reads it.
    fn is_flipped(&self) -> bool {
        (self.view == View::Stretched) != (self.layer().orientation == Orientation::Convolution)
    }

    /// Number of the phase of an index along both axes, each mapped to a position.
    fn phase(&self, index: [usize; 2], position: impl Fn(&Axis, usize) -> usize) -> usize {
        let along = |d: usize| position(&self.lines[d].axis, index[d]) % self.lines[d].axis.stride;
        along(0) * self.lines[1].axis.stride + along(1)
    }

    /// Phase of an output: where it lies between the windows, `(t + pad_before) mod stride`.
    fn output_phase(&self, at: [usize; 2]) -> usize {
        self.phase(at, |axis, t| {
            let stride = axis.stride as isize;
            (t as isize + axis.pad_before)
                .rem_euclid(stride)
                .unsigned_abs()
        })
    }

    fn output_grid(&self, grid: &Grid, channel: usize, row: usize, marks: &mut Vec<Mark>) {
        let rank = self.layer().rank();
        for y in 0..self.lines[0].output {
            for x in 0..self.lines[1].output {
                let position = [y, x];
                let Some(index) = self.weave.output_index(&position[2 - rank..], channel) else {
                    continue;
                };
                let phases = self.view == View::Polyphase;
                let phase = self.output_phase(position);
                let look = match (index.cmp(&row), phases) {
                    (std::cmp::Ordering::Less, false) => Look::Output,
                    (std::cmp::Ordering::Less, true) => Look::Phase(phase),
                    (std::cmp::Ordering::Equal, false) => Look::OutputLit,
                    (std::cmp::Ordering::Equal, true) => Look::PhaseLit(phase),
                    (std::cmp::Ordering::Greater, false) => Look::OutputPending,
                    (std::cmp::Ordering::Greater, true) => Look::PhasePending(phase),
                };
                let text = if index <= row {
                    self.number(self.sums[index])
                } else {
                    String::new()
                };
                let at = [y as isize, x as isize];
                let element = Some(Element::Output(index));
                marks.push(self.cell(grid, at, look, (text, String::new()), element));
            }
        }
    }

    /// Of a signal, lines from the inputs to the output.
    fn links(&self, at: [usize; 2], channel: usize, terms: &[Term], marks: &mut Vec<Mark>) {
        if self.layer().rank() != 1 {
            return;
        }
        let side = self.layout.cell;
        let middle = |grid: &Grid, position: isize| {
            grid.x + ((position - grid.spans[1].lo) as f64 + 0.5) * side
        };
        let Some(output) = self.layout.outputs.get(channel) else {
            return;
        };
        let Some(input) = self.layout.inputs.last() else {
            return;
        };
        let to = (middle(output, at[1] as isize), output.y);
        for term in terms
            .iter()
            .filter(|term| term.channel + 1 == self.layer().input_channels)
        {
            let scale = match self.view {
                View::Stretched => self.lines[1].axis.stride,
                _ => 1,
            };
            let from = (
                middle(input, (term.position[0] * scale) as isize),
                input.y + side,
            );
            marks.push(Mark::Line {
                from,
                to,
                look: Look::Link,
            });
        }
    }

    /// One input and where it is added.
    fn scatter(&self, column: usize, marks: &mut Vec<Mark>) -> String {
        let (position, channel) = self.weave.input_place(column);
        let layer = self.layer();
        let current = self.plane(&position);
        for (index, grid) in self.layout.inputs.iter().enumerate() {
            for y in 0..self.lines[0].input {
                for x in 0..self.lines[1].input {
                    let lit = index == channel && [y, x] == current;
                    let look = if lit { Look::InputLit } else { Look::Input };
                    let text = self.number(self.datum_at([y, x], index));
                    let at = [y as isize, x as isize];
                    let element = Some(self.input_element([y, x], index));
                    marks.push(self.cell(grid, at, look, (text, String::new()), element));
                }
            }
        }
        let added: Vec<Term> = self.weave.column(column).collect();
        let writes = layer.output_channels / layer.groups;
        let group = channel / (layer.input_channels / layer.groups);
        self.kernel_grid_of_input(channel, &added, marks);
        let mut partial = vec![0.0; self.weave.rows()];
        for earlier in 0..=column {
            let (position, channel) = self.weave.input_place(earlier);
            let value = self.datum(&position, channel);
            for term in self.weave.column(earlier) {
                partial[term.input] += value * self.weights[term.weight];
            }
        }
        for (index, grid) in self.layout.outputs.iter().enumerate() {
            self.scattered_grid(
                grid,
                index,
                index / writes == group,
                current,
                &added,
                &partial,
                marks,
            );
        }
        self.footer(&self.sentence(column), marks);
        element_name("input", &position, channel, layer.input_channels)
    }

    fn kernel_grid_of_input(&self, channel: usize, added: &[Term], marks: &mut Vec<Mark>) {
        let writes = self.layer().output_channels / self.layer().groups;
        for (index, grid) in self.layout.kernels.iter().enumerate().take(writes) {
            self.kernel_grid(grid, (channel, index), added, marks);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one grid of the scattering view and all that is in it"
    )]
    fn scattered_grid(
        &self,
        grid: &Grid,
        channel: usize,
        in_group: bool,
        current: [usize; 2],
        added: &[Term],
        partial: &[f64],
        marks: &mut Vec<Mark>,
    ) {
        let rank = self.layer().rank();
        let start = |d: usize| {
            (current[d] * self.lines[d].axis.stride) as isize - self.lines[d].axis.pad_before
        };
        for y in grid.spans[0].lo..grid.spans[0].hi {
            for x in grid.spans[1].lo..grid.spans[1].hi {
                let inside = usize::try_from(y).ok().zip(usize::try_from(x).ok());
                let index =
                    inside.and_then(|(y, x)| self.weave.output_index(&[y, x][2 - rank..], channel));
                let Some(index) = index else {
                    let empty = (String::new(), String::new());
                    marks.push(self.cell(grid, [y, x], Look::Dropped, empty, None));
                    continue;
                };
                let term = added.iter().find(|term| term.input == index);
                let look = if term.is_some() {
                    Look::OutputLit
                } else {
                    Look::Output
                };
                let corner =
                    term.map_or_else(String::new, |term| self.number(self.weights[term.weight]));
                let texts = (self.number(partial[index]), corner);
                let element = Some(Element::Output(index));
                marks.push(self.cell(grid, [y, x], look, texts, element));
            }
        }
        if in_group {
            let side = self.layout.cell;
            let reach = |d: usize| self.lines[d].axis.dilated_kernel().unwrap_or(1) as f64 * side;
            marks.push(Mark::Outline {
                x: grid.x + (start(1) - grid.spans[1].lo) as f64 * side,
                y: grid.y + (start(0) - grid.spans[0].lo) as f64 * side,
                width: reach(1),
                height: reach(0),
                look: Look::Window,
            });
        }
    }
}

/// What lies at a place of the input's grid.
enum Place {
    Element([usize; 2]),
    Cropped([usize; 2]),
    Zero,
    Pad,
}

enum AxisPlace {
    Element(usize),
    Cropped(usize),
    Zero,
    Pad,
}

/// The direct axis on the stretched input; a resolved line has one.
fn stretched(axis: &Axis, input: usize, output: usize) -> Axis {
    let added = axis.output_padding(input, output).unwrap_or(0);
    axis.transposed_as_direct(added).unwrap_or(*axis)
}

fn axis_place(view: View, line: &Line, at: isize) -> AxisPlace {
    let Line {
        axis,
        input,
        output,
    } = line;
    let (axis, step) = match view {
        View::Window => (*axis, 1),
        View::Stretched => (stretched(axis, *input, *output), axis.stride),
        View::Polyphase | View::Scatter => (Axis::new(1), 1),
    };
    let extent = stretched_extent(*input, step);
    let Some(inside) = usize::try_from(at).ok().filter(|at| *at < extent) else {
        return AxisPlace::Pad;
    };
    if inside % step != 0 {
        return AxisPlace::Zero;
    }
    let cropped = at < -axis.pad_before || at >= extent as isize + axis.pad_after;
    match cropped {
        true => AxisPlace::Cropped(inside / step),
        false => AxisPlace::Element(inside / step),
    }
}

/// Extent of an input with `step − 1` zeros in each gap: what one tap writes with that stride.
fn stretched_extent(input: usize, step: usize) -> usize {
    Axis::new(1)
        .with_stride(step)
        .transposed_output(input, 0)
        .unwrap_or(input)
}

fn view(direction: Direction, asked: Option<View>) -> Result<View, Fault> {
    match (direction, asked) {
        (Direction::Direct, None | Some(View::Window)) => Ok(View::Window),
        (Direction::Transposed, None) => Ok(View::Stretched),
        (Direction::Transposed, Some(view)) if view != View::Window => Ok(view),
        (Direction::Direct, Some(_)) => Err(Fault::illegal(
            "this view is of a transposed operation, the layer is direct",
        )),
        (Direction::Transposed, Some(_)) => Err(Fault::illegal(
            "this view is of a direct operation, the layer is transposed",
        )),
    }
}

fn given(
    name: &str,
    values: Option<Vec<f64>>,
    count: usize,
    pattern: &[f64],
) -> Result<Vec<f64>, Fault> {
    match values {
        None => Ok(pattern.iter().copied().cycle().take(count).collect()),
        Some(values) if values.len() == count => Ok(values),
        Some(values) => Err(Fault::illegal(format!(
            "{name} has {} elements, expected {count}",
            values.len()
        ))),
    }
}

/// A number of at most two decimals.
fn shown(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// The spans of the input's and output's grids.
struct Spans {
    input: [Span; 2],
    output: [Span; 2],
    kernel: [Span; 2],
}

impl Spans {
    fn new(view: View, lines: &[Line; 2]) -> Result<Self, Fault> {
        let mut spans = Self {
            input: [Span { lo: 0, hi: 0 }; 2],
            output: [Span { lo: 0, hi: 0 }; 2],
            kernel: [Span { lo: 0, hi: 0 }; 2],
        };
        for (d, line) in lines.iter().enumerate() {
            let Line {
                axis,
                input,
                output,
            } = line;
            let padded = |axis: &Axis, extent: usize| Span {
                lo: axis.pad_before.saturating_neg().min(0),
                hi: (extent as isize).saturating_add(axis.pad_after.max(0)),
            };
            let whole = |extent: usize| Span {
                lo: 0,
                hi: extent as isize,
            };
            spans.input[d] = match view {
                View::Window => padded(axis, *input),
                View::Stretched => padded(
                    &stretched(axis, *input, *output),
                    stretched_extent(*input, axis.stride),
                ),
                View::Polyphase | View::Scatter => whole(*input),
            };
            spans.output[d] = whole(*output);
            if view == View::Scatter {
                let full = axis.with_pads(0, 0).transposed_output(*input, 0)?;
                let hi = (*output as isize).max((full as isize).saturating_sub(axis.pad_before));
                spans.output[d] = Span {
                    lo: axis.pad_before.saturating_neg().min(0),
                    hi,
                };
            }
            spans.kernel[d] = whole(axis.kernel);
        }
        Ok(spans)
    }
}

fn small_enough(layer: &Layer, spans: &Spans) -> Result<(), Fault> {
    let size = |spans: &[Span; 2]| spans.map(Span::len);
    for (name, spans) in [
        ("input", &spans.input),
        ("kernel", &spans.kernel),
        ("output", &spans.output),
    ] {
        let [rows, columns] = size(spans);
        if rows > MOST_CELLS || columns > MOST_CELLS {
            return Err(Fault::illegal(format!(
                "the {name} would be drawn as {rows}×{columns} cells, at most {MOST_CELLS}×{MOST_CELLS}: draw a smaller one"
            )));
        }
    }
    let channels = layer.input_channels.max(layer.output_channels);
    if channels > MOST_CHANNELS {
        return Err(Fault::illegal(format!(
            "{channels} channels would be drawn, at most {MOST_CHANNELS}: draw fewer"
        )));
    }
    Ok(())
}

fn grid_names(layer: &Layer, view: View) -> [String; 3] {
    let kernel = extents(&layer.kernel());
    let flipped = (view == View::Stretched) != (layer.orientation == Orientation::Convolution);
    let input = format!("input {}", extents(&layer.input()));
    let stretched = layer.lines.iter().any(|line| line.axis.stride > 1);
    [
        match view {
            View::Stretched if stretched => format!("{input}, stretched"),
            _ => input,
        },
        if flipped {
            format!("kernel {kernel}, flipped")
        } else {
            format!("kernel {kernel}")
        },
        format!("output {}", extents(&layer.output())),
    ]
}

impl Layout {
    fn new(layer: &Layer, view: View, spans: &Spans, plain: bool) -> Self {
        let most = [&spans.input, &spans.output]
            .into_iter()
            .flatten()
            .map(|span| span.len())
            .max()
            .unwrap_or(1);
        let cell = match most {
            0..=12 => 38.0,
            13..=24 => 28.0,
            25..=36 => 20.0,
            _ => 13.0,
        };
        let kernels = match view {
            View::Scatter => layer.output_channels / layer.groups,
            _ => layer.input_channels / layer.groups,
        };
        let counts = [layer.input_channels, kernels, layer.output_channels];
        let spans = [spans.input, spans.kernel, spans.output];
        let mut layout = Self {
            cell,
            width: 0.0,
            height: 0.0,
            inputs: Vec::new(),
            kernels: Vec::new(),
            outputs: Vec::new(),
            footer: 0.0,
            footer_lines: 2,
        };
        let names = grid_names(layer, view);
        let title = MARGIN + 18.0;
        let (width, bottom) = match layer.rank() {
            1 => layout.stack(&spans, counts, &names, title),
            _ => layout.side_by_side(&spans, counts, &names, title),
        };
        layout.width = width
            .max(2.0 * MARGIN + TITLE_LETTER * caption(layer).chars().count() as f64)
            .ceil();
        let most_terms = layer.kernel().iter().product::<usize>() * kernels;
        let letters = match view {
            View::Scatter => 64,
            _ => most_terms * if plain { 22 } else { 7 } + 22,
        };
        let per_line = ((layout.width - 2.0 * MARGIN) / LETTER).max(20.0);
        layout.footer_lines = ((letters as f64 / per_line).ceil() as usize).clamp(1, 4);
        layout.footer = bottom + 30.0;
        layout.height =
            (layout.footer + 19.0 * (layout.footer_lines - 1) as f64 + MARGIN * 0.75).ceil();
        layout
    }

    fn grids(&mut self) -> [&mut Vec<Grid>; 3] {
        [&mut self.inputs, &mut self.kernels, &mut self.outputs]
    }

    /// Images: input, kernel and output in three columns, the channels below each other.
    fn side_by_side(
        &mut self,
        spans: &[[Span; 2]; 3],
        counts: [usize; 3],
        names: &[String; 3],
        top: f64,
    ) -> (f64, f64) {
        const GAP: f64 = 44.0;
        const LABEL: f64 = 26.0;
        let cell = self.cell;
        let height = |d: usize| counts[d] as f64 * (spans[d][0].len() as f64 * cell + LABEL);
        let tallest = height(0).max(height(1)).max(height(2));
        let mut x = MARGIN;
        for d in 0..3 {
            let mut y = top + (tallest - height(d)) / 2.0;
            let label = names[d].chars().count() as f64
                + if counts[0].max(counts[2]) > 1 {
                    15.0
                } else {
                    0.0
                };
            let own = spans[d][1].len() as f64 * cell;
            for _ in 0..counts[d] {
                y += LABEL;
                self.grids()[d].push(Grid {
                    x,
                    y,
                    spans: spans[d],
                });
                y += spans[d][0].len() as f64 * cell;
            }
            x += own.max(label * LETTER * 0.92) + GAP;
        }
        (x - GAP + MARGIN, top + tallest)
    }

    /// Signals: input, kernel and output below each other, the channels too.
    fn stack(
        &mut self,
        spans: &[[Span; 2]; 3],
        counts: [usize; 3],
        names: &[String; 3],
        top: f64,
    ) -> (f64, f64) {
        const LABEL: f64 = 26.0;
        const GAP: f64 = 30.0;
        let cell = self.cell;
        let width = |d: usize| spans[d][1].len() as f64 * cell;
        // The kernels stand at the right, so that lines lead from inputs to outputs.
        let left = width(0)
            .max(width(2))
            .max(names[0].chars().count() as f64 * LETTER);
        let mut y = top;
        for d in [0, 2] {
            let x = MARGIN + (left - width(d)) / 2.0;
            for _ in 0..counts[d] {
                y += LABEL;
                self.grids()[d].push(Grid {
                    x,
                    y,
                    spans: spans[d],
                });
                y += cell;
            }
            y += GAP;
        }
        let bottom = y - GAP;
        let x = MARGIN + left + 44.0;
        let mut y = top;
        for _ in 0..counts[1] {
            y += LABEL;
            self.grids()[1].push(Grid {
                x,
                y,
                spans: spans[1],
            });
            y += cell;
        }
        let label = (names[1].chars().count() as f64
            + if counts[0].max(counts[2]) > 1 {
                15.0
            } else {
                0.0
            })
            * LETTER
            * 0.92;
        (x + width(1).max(label) + MARGIN, bottom.max(y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{OWN, Role};
    use crate::value::Values;

    /// Small layers of every kind.
    fn layers() -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut state = 1_u64;
        let mut below = |limit: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        while layers.len() < 400 {
            let rank = 1 + below(2) as usize;
            let list = |values: [u64; 2]| crate::value::joined(values.into_iter().take(rank));
            let pads =
                [0; 2].map(|_: u8| format!("{}:{}", below(4) as i64 - 1, below(4) as i64 - 1));
            let groups = 1 + below(2);
            let mut values = Values::new()
                .with(Role::Rank, rank)
                .with(Role::Input, list([1 + below(6), 1 + below(6)]))
                .with(Role::Kernel, list([1 + below(3), 1 + below(3)]))
                .with(Role::Stride, list([1 + below(3), 1 + below(3)]))
                .with(Role::Dilation, list([1 + below(2), 1 + below(2)]))
                .with(
                    Role::Padding,
                    crate::value::joined(pads.into_iter().take(rank)),
                )
                .with(Role::Groups, groups)
                .with(Role::InputChannels, groups * (1 + below(2)))
                .with(Role::OutputChannels, groups * (1 + below(2)))
                .with(Role::Flip, below(2) == 1);
            if below(2) == 1 {
                values = values.with(Role::Transposed, "true");
            }
            layers.extend(Layer::resolve(&OWN, &values));
        }
        layers
    }

    fn scene(layer: &Layer, view: View) -> Scene {
        Scene::new(
            layer,
            Options {
                view: Some(view),
                ..Options::default()
            },
        )
        .unwrap()
    }

    fn lit(scene: &Scene, step: usize, look: Look) -> usize {
        let is_lit =
            |mark: &&Mark| matches!(mark, Mark::Cell { look: found, .. } if *found == look);
        scene.picture(step).marks.iter().filter(is_lit).count()
    }

    /// What lies under the window, by the arithmetic of the axis, is what the matrix has in that row: in every picture
    /// of a direct layer, and of a transposed one as a direct layer on the stretched input.
    #[test]
    fn what_lies_under_the_window_is_a_row_of_the_matrix() {
        for layer in layers() {
            let view = match layer.direction {
                Direction::Direct => View::Window,
                Direction::Transposed => View::Stretched,
            };
            let scene = scene(&layer, view);
            for row in 0..scene.frames() {
                let (position, _) = scene.weave.output_place(row);
                let at = scene.plane(&position);
                let mut under = Vec::new();
                for y in scene.window(0, at[0]) {
                    for x in scene.window(1, at[1]) {
                        if let Place::Element(place) = scene.place([y, x]) {
                            under.push(place);
                        }
                    }
                }
                let first = scene.weave.row(row).next().map(|term| term.channel);
                let of_one_channel = scene
                    .weave
                    .row(row)
                    .filter(|term| Some(term.channel) == first);
                let mut met: Vec<_> = of_one_channel
                    .map(|term| scene.plane(&term.position))
                    .collect();
                under.sort_unstable();
                met.sort_unstable();
                assert_eq!(under, met, "{layer:?}, output {row}");
                assert_eq!(
                    lit(&scene, row, Look::InputLit),
                    scene.weave.row(row).count()
                );
            }
        }
    }

    /// In the polyphase view exactly the taps of the output's phase may be lit, and all that meet an input are.
    #[test]
    fn lit_taps_are_of_the_phase_of_the_output() {
        for layer in layers()
            .iter()
            .filter(|layer| layer.direction == Direction::Transposed)
        {
            let scene = scene(layer, View::Polyphase);
            for row in 0..scene.frames() {
                let (position, _) = scene.weave.output_place(row);
                let phase = scene.output_phase(scene.plane(&position));
                assert_eq!(
                    lit(&scene, row, Look::PhaseLit(phase)),
                    scene.weave.row(row).count() + 1
                );
                assert_eq!(
                    lit(&scene, row, Look::InputLit),
                    scene.weave.row(row).count()
                );
            }
        }
    }

    /// After the last input everything is added up.
    #[test]
    fn scattering_ends_with_the_sums() {
        for layer in layers()
            .iter()
            .filter(|layer| layer.direction == Direction::Transposed)
        {
            let scattered = scene(layer, View::Scatter);
            let gathered = scene(layer, View::Stretched);
            let texts = |scene: &Scene, outputs: [Look; 2]| -> Vec<String> {
                let last = scene.picture(scene.frames() - 1);
                let cells = last.marks.into_iter().filter_map(|mark| match mark {
                    Mark::Cell { look, text, .. } if outputs.contains(&look) => Some(text),
                    _ => None,
                });
                cells.collect()
            };
            let outputs = [Look::Output, Look::OutputLit];
            assert_eq!(
                texts(&scattered, outputs),
                texts(&gathered, outputs),
                "{layer:?}"
            );
        }
    }

    #[test]
    fn what_is_too_large_is_refused_with_its_size() {
        let refused = |values: Values, options| {
            let layer = Layer::resolve(&OWN, &values).unwrap();
            Scene::new(&layer, options).unwrap_err().to_string()
        };
        let wide = Values::new()
            .with(Role::Input, "4,900")
            .with(Role::Kernel, 3);
        assert_eq!(
            refused(wide.clone(), Options::default()),
            "the input would be drawn as 4×900 cells, at most 64×64: draw a smaller one"
        );
        let deep = Values::new()
            .with(Role::Input, 5)
            .with(Role::Kernel, 3)
            .with(Role::InputChannels, 9);
        assert_eq!(
            refused(deep, Options::default()),
            "9 channels would be drawn, at most 8: draw fewer"
        );
        let volume = Values::new()
            .with(Role::Input, "5,5,5")
            .with(Role::Kernel, 3);
        assert!(refused(volume, Options::default()).starts_with("one and two axes are drawn"));
        let plain = Values::new().with(Role::Input, 5).with(Role::Kernel, 3);
        let scatter = Options {
            view: Some(View::Scatter),
            ..Options::default()
        };
        assert_eq!(
            refused(plain.clone(), scatter),
            "this view is of a transposed operation, the layer is direct"
        );
        let few = Options {
            data: Some(vec![1.0]),
            ..Options::default()
        };
        assert_eq!(refused(plain, few), "input has 1 elements, expected 5");
    }
}
