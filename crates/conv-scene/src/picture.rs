//! Marks on a sheet, and the sheet as SVG.

use std::fmt::Write as _;

/// What a cell, line or text is: it decides the colours, and is the `class` in the SVG for a page's own style sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Look {
    /// An input element.
    Input,
    /// An input element that the current output meets.
    InputLit,
    /// An input element that the current output cannot meet: of another group.
    InputFaint,
    /// An input element that a negative pad crops.
    Cropped,
    /// A zero of the padding.
    Pad,
    /// A zero of the padding under the kernel.
    PadLit,
    /// A zero that stretches the input.
    Zero,
    /// A zero that stretches the input, under the kernel.
    ZeroLit,
    /// A weight.
    Kernel,
    /// A weight that meets an input.
    KernelLit,
    /// An output that is computed.
    Output,
    /// The output that is being computed.
    OutputLit,
    /// An output that is yet to come.
    OutputPending,
    /// A place outside the output that is dropped.
    Dropped,
    /// An element of this phase, counted from 0.
    Phase(usize),
    /// An element of this phase that takes part.
    PhaseLit(usize),
    /// An element of this phase that is yet to come.
    PhasePending(usize),
    /// The outline of the window.
    Window,
    /// A text.
    Text,
    /// A less important text.
    Note,
    /// A line from a tap to its output.
    Link,
}

/// Fill, stroke and text colour.
type Colours = (&'static str, &'static str, &'static str);

/// Fill, stroke and lit fill of the phases; the ninth is like the first again.
const PHASES: [(&str, &str, &str, &str); 8] = [
    ("#cfe3f5", "#3f7fb5", "#3f86c4", "#eef5fb"),
    ("#f9ddc0", "#c9762a", "#dd8433", "#fdf4ea"),
    ("#cdebd9", "#2f8f66", "#35a07c", "#eff9f3"),
    ("#ead3ee", "#8d4aa0", "#a460b8", "#f8f0fa"),
    ("#f7d0d3", "#b7474f", "#cc5a63", "#fcf0f1"),
    ("#dfe3b0", "#8a8f2a", "#9aa035", "#f6f7e6"),
    ("#cfe9ee", "#2d8795", "#3a9bab", "#eef8fa"),
    ("#e2dcd3", "#7d6d58", "#8f7d66", "#f6f3f0"),
];

const DARK: &str = "#22303c";

impl Look {
    const fn colours(self) -> Colours {
        match self {
            Self::Input => ("#cfe3f5", "#6f9fc8", DARK),
            Self::InputLit => ("#3f86c4", "#265f91", "#ffffff"),
            Self::InputFaint => ("#f1f6fa", "#c9d8e4", "#9aa7b2"),
            Self::Cropped => ("#f4f1ee", "#c4b8ab", "#a59a8e"),
            Self::Pad | Self::Dropped => ("#ffffff", "#a9b4bd", "#8d99a3"),
            Self::PadLit => ("#e1e6ea", "#5f6d78", "#5f6d78"),
            Self::Zero => ("#ffffff", "#d3dae0", "#a9b4bd"),
            Self::ZeroLit => ("#e1e6ea", "#8d99a3", "#5f6d78"),
            Self::Kernel => ("#fbeecb", "#d6b662", DARK),
            Self::KernelLit => ("#eab12f", "#a87708", DARK),
            Self::Output => ("#cdebd9", "#6db494", DARK),
            Self::OutputLit => ("#2f9973", "#1c6b4f", "#ffffff"),
            Self::OutputPending => ("#f6fbf8", "#bcdccd", "#8db5a3"),
            Self::Phase(phase) => {
                let (fill, stroke, ..) = PHASES[phase % PHASES.len()];
                (fill, stroke, DARK)
            }
            Self::PhaseLit(phase) => {
                let (_, stroke, fill, _) = PHASES[phase % PHASES.len()];
                (fill, stroke, "#ffffff")
            }
            Self::PhasePending(phase) => {
                let (_, stroke, _, fill) = PHASES[phase % PHASES.len()];
                (fill, stroke, "#8d99a3")
            }
            Self::Window => ("none", "#a87708", DARK),
            Self::Text => ("none", "none", DARK),
            Self::Note => ("none", "none", "#5f6d78"),
            Self::Link => ("none", "#b9c3cb", DARK),
        }
    }

    const fn is_dashed(self) -> bool {
        matches!(
            self,
            Self::Pad | Self::PadLit | Self::Dropped | Self::Cropped
        )
    }

    /// The class in the SVG.
    #[must_use]
    pub fn class(self) -> String {
        match self {
            Self::Phase(phase) => format!("phase phase-{phase}"),
            Self::PhaseLit(phase) => format!("phase-lit phase-{phase}"),
            Self::PhasePending(phase) => format!("phase-pending phase-{phase}"),
            look => {
                let mut class = String::new();
                for letter in format!("{look:?}").chars() {
                    if letter.is_ascii_uppercase() && !class.is_empty() {
                        class.push('-');
                    }
                    class.push(letter.to_ascii_lowercase());
                }
                class
            }
        }
    }
}

/// Where a text is anchored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
}

/// Which element of the layer a cell shows, by its number in memory order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// An input: a column of the matrix.
    Input(usize),
    /// A weight.
    Weight(usize),
    /// An output: a row of the matrix.
    Output(usize),
}

impl Element {
    /// The attribute in the SVG with which a page finds the cell.
    fn attribute(self) -> String {
        match self {
            Self::Input(index) => format!(" data-input=\"{index}\""),
            Self::Weight(index) => format!(" data-weight=\"{index}\""),
            Self::Output(index) => format!(" data-output=\"{index}\""),
        }
    }
}

/// Something drawn. Lengths are pixels, y runs downwards.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A square, its content in the middle and a weight in its lower right corner.
    Cell {
        /// Left edge.
        x: f64,
        /// Upper edge.
        y: f64,
        /// Width and height.
        side: f64,
        /// What it is.
        look: Look,
        /// Its content.
        text: String,
        /// What stands in its corner.
        corner: String,
        /// Which element it shows, if it shows one.
        element: Option<Element>,
    },
    /// A rectangle without a filling.
    Outline {
        /// Left edge.
        x: f64,
        /// Upper edge.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// What it is.
        look: Look,
    },
    /// A straight line.
    Line {
        /// One end.
        from: (f64, f64),
        /// The other end.
        to: (f64, f64),
        /// What it is.
        look: Look,
    },
    /// A line of text.
    Text {
        /// Anchor.
        x: f64,
        /// Base line.
        y: f64,
        /// Height of the letters.
        size: f64,
        /// Which part of the text is at `x`.
        anchor: Anchor,
        /// What it is.
        look: Look,
        /// The text.
        text: String,
    },
}

/// A sheet with marks, drawn in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: f64,
    /// Height in pixels.
    pub height: f64,
    /// What it shows, in words.
    pub description: String,
    /// What is drawn.
    pub marks: Vec<Mark>,
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

impl Picture {
    /// The picture as a standalone SVG.
    ///
    /// ```
    /// use conv_scene::picture::Picture;
    ///
    /// let blank = Picture { width: 8.0, height: 4.0, description: "a < b".into(), marks: vec![] };
    /// assert!(blank.svg().starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"4\""));
    /// assert!(blank.svg().contains("<title>a &lt; b</title>"));
    /// ```
    #[must_use]
    pub fn svg(&self) -> String {
        let Self {
            width,
            height,
            description,
            marks,
        } = self;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, sans-serif\" role=\"img\">\n<title>{}</title>\n<rect class=\"sheet\" width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
            escaped(description)
        );
        for mark in marks {
            mark.write(&mut svg);
        }
        svg + "</svg>\n"
    }
}

impl Mark {
    fn write(&self, svg: &mut String) {
        // Writing to a string does not fail.
        let _ = match self {
            Self::Cell {
                x,
                y,
                side,
                look,
                text,
                corner,
                element,
            } => {
                let element = element.map_or_else(String::new, Element::attribute);
                return cell(svg, (*x, *y, *side), *look, text, corner, &element);
            }
            Self::Outline {
                x,
                y,
                width,
                height,
                look,
            } => {
                let (_, stroke, _) = look.colours();
                writeln!(
                    svg,
                    "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"{stroke}\" stroke-width=\"2.5\"/>",
                    look.class()
                )
            }
            Self::Line { from, to, look } => {
                let (_, stroke, _) = look.colours();
                writeln!(
                    svg,
                    "<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{stroke}\" stroke-width=\"1.5\"/>",
                    look.class(),
                    from.0,
                    from.1,
                    to.0,
                    to.1
                )
            }
            Self::Text {
                x,
                y,
                size,
                anchor,
                look,
                text,
            } => {
                let anchor = match anchor {
                    Anchor::Start => "start",
                    Anchor::Middle => "middle",
                };
                let (.., colour) = look.colours();
                writeln!(
                    svg,
                    "<text class=\"{}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{}</text>",
                    look.class(),
                    escaped(text)
                )
            }
        };
    }
}

fn cell(
    svg: &mut String,
    (x, y, side): (f64, f64, f64),
    look: Look,
    text: &str,
    corner: &str,
    element: &str,
) {
    let (fill, stroke, colour) = look.colours();
    let class = look.class();
    let dash = if look.is_dashed() {
        " stroke-dasharray=\"4 3\""
    } else {
        ""
    };
    // Strokes lie inside, so that neighbours do not cover each other's.
    let (left, top, inner) = (x + 1.0, y + 1.0, side - 2.0);
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\"{element} x=\"{left}\" y=\"{top}\" width=\"{inner}\" height=\"{inner}\" fill=\"{fill}\" stroke=\"{stroke}\"{dash}/>"
    );
    if look == Look::Cropped {
        let (right, bottom) = (left + inner, top + inner);
        let _ = writeln!(
            svg,
            "<line class=\"{class}\" x1=\"{left}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{top}\" stroke=\"{stroke}\"/>"
        );
    }
    let letters = text.chars().count().max(1) as f64;
    let size = (side * 0.42).min(side * 1.25 / letters);
    if !text.is_empty() {
        let (middle, base) = (x + side / 2.0, y + side * 0.5 + size * 0.36);
        let _ = writeln!(
            svg,
            "<text x=\"{middle}\" y=\"{base:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" fill=\"{colour}\">{}</text>",
            escaped(text)
        );
    }
    if !corner.is_empty() {
        let (right, base) = (x + side - 3.5, y + side - 4.0);
        let small = (side * 0.26).min(side * 0.9 / corner.chars().count().max(1) as f64);
        let _ = writeln!(
            svg,
            "<text class=\"weight\" x=\"{right}\" y=\"{base}\" font-size=\"{small:.1}\" text-anchor=\"end\" fill=\"#ffe7a8\">{}</text>",
            escaped(corner)
        );
    }
}
