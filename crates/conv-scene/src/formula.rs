//! The formula of an extent with the numbers in it, and which of the guide's relationships it is.

use conv_core::Dimension;

use crate::layer::{Direction, Layer, Line};

/// What an axis is called: length; height and width; depth, height and width.
#[must_use]
pub fn axis_name(index: usize, rank: usize) -> &'static str {
    Dimension::spatial(index, rank).name()
}

/// `5×6`.
#[must_use]
pub fn extents(values: &[usize]) -> String {
    let texts: Vec<String> = values.iter().map(usize::to_string).collect();
    texts.join("×")
}

fn signed(value: isize) -> String {
    match value {
        0 => String::new(),
        1.. => format!(" + {value}"),
        _ => format!(" − {}", value.unsigned_abs()),
    }
}

/// The output extent of an axis as its formula says it; the value is the library's.
///
/// ```
/// use conv_core::Axis;
/// use conv_scene::formula::formula;
/// use conv_scene::{Direction, Line};
///
/// let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
/// let line = Line { axis, input: 32, output: 16 };
/// assert_eq!(formula(Direction::Direct, &line), "⌊(32 + 1 + 1 − 3)/2⌋ + 1 = 16");
/// let line = Line { axis, input: 16, output: 32 };
/// assert_eq!(formula(Direction::Transposed, &line), "2·(16 − 1) + 3 − 1 − 1 + 1 = 32");
/// ```
#[must_use]
pub fn formula(direction: Direction, line: &Line) -> String {
    let Line {
        axis,
        input,
        output,
    } = line;
    let dilated = axis.dilated_kernel().unwrap_or(axis.kernel);
    let (before, after) = (axis.pad_before, axis.pad_after);
    match direction {
        Direction::Direct => format!(
            "⌊({input}{}{} − {dilated})/{}⌋ + 1 = {output}",
            signed(before),
            signed(after),
            axis.stride
        ),
        Direction::Transposed => {
            let added = axis.output_padding(*input, *output).unwrap_or(0);
            format!(
                "{}·({input} − 1) + {dilated}{}{}{} = {output}",
                axis.stride,
                signed(before.saturating_neg()),
                signed(after.saturating_neg()),
                signed(isize::try_from(added).unwrap_or(0))
            )
        }
    }
}

/// The relationship of [`conv_core::guide`] that an axis is a case of, the most special one.
///
/// ```
/// use conv_core::Axis;
/// use conv_scene::formula::relationship;
/// use conv_scene::{Direction, Line};
///
/// let half = Line { axis: Axis::new(3).with_pads(1, 1), input: 5, output: 5 };
/// assert_eq!(relationship(Direction::Direct, &half), 3);
/// assert_eq!(relationship(Direction::Transposed, &half), 10);
/// ```
#[must_use]
pub fn relationship(direction: Direction, line: &Line) -> u32 {
    let axis = &line.axis;
    let dilated = axis.dilated_kernel().unwrap_or(axis.kernel);
    let reach = isize::try_from(dilated).unwrap_or(isize::MAX) - 1;
    let pads = (axis.pad_before, axis.pad_after);
    let none = pads == (0, 0);
    let half = dilated % 2 == 1 && pads == (reach / 2, reach / 2);
    let full = pads == (reach, reach);
    let single = axis.stride == 1;
    match direction {
        Direction::Direct if axis.dilation > 1 => 15,
        Direction::Direct => match (single, none, half, full) {
            (true, true, ..) => 1,
            (true, _, true, _) => 3,
            (true, _, _, true) => 4,
            (true, ..) => 2,
            (false, true, ..) => 5,
            _ => 6,
        },
        Direction::Transposed if axis.output_padding(line.input, line.output) != Ok(0) => 14,
        Direction::Transposed => match (single, none, half, full) {
            (true, true, ..) => 8,
            (true, _, true, _) => 10,
            (true, _, _, true) => 11,
            (true, ..) => 9,
            (false, true, ..) => 12,
            _ => 13,
        },
    }
}

/// What a relationship of the guide is about.
///
/// ```
/// assert_eq!(conv_scene::formula::relationship_name(3), "half padding, stride 1");
/// ```
#[must_use]
pub const fn relationship_name(number: u32) -> &'static str {
    match number {
        1 => "no pads, stride 1",
        2 => "stride 1",
        3 => "half padding, stride 1",
        4 => "full padding, stride 1",
        5 => "no pads",
        6 => "pads and stride",
        7 => "pooling",
        8 => "transposed, no pads, stride 1",
        9 => "transposed, stride 1",
        10 => "transposed, half padding, stride 1",
        11 => "transposed, full padding, stride 1",
        12 => "transposed, no pads",
        13 => "transposed, pads and stride",
        14 => "transposed, with output padding",
        15 => "dilated",
        _ => "none of the guide's",
    }
}

/// `convolution, input 5×5, kernel 3×3, stride 2, pads 1, output 3×3`.
#[must_use]
pub fn caption(layer: &Layer) -> String {
    let lines = &layer.lines;
    let mut text = match layer.direction {
        Direction::Direct => "convolution: ".to_owned(),
        Direction::Transposed => "transposed convolution: ".to_owned(),
    };
    text += &format!("kernel {}", extents(&layer.kernel()));
    let per_axis = |name: &str, values: Vec<String>, default: &str| {
        if values.iter().all(|value| value == default) {
            return String::new();
        }
        format!(", {name} {}", crate::value::joined(values))
    };
    let of = |get: fn(&Line) -> String| lines.iter().map(get).collect::<Vec<_>>();
    text += &per_axis("stride", of(|line| line.axis.stride.to_string()), "1");
    text += &per_axis("dilation", of(|line| line.axis.dilation.to_string()), "1");
    let pads = of(|line| match (line.axis.pad_before, line.axis.pad_after) {
        (before, after) if before == after => before.to_string(),
        (before, after) => format!("{before}:{after}"),
    });
    text += &per_axis("pad", pads, "0");
    if layer.direction == Direction::Transposed {
        let added = of(|line| {
            line.axis
                .output_padding(line.input, line.output)
                .unwrap_or(0)
                .to_string()
        });
        text += &per_axis("output padding", added, "0");
    }
    if layer.groups > 1 {
        text += &format!(", {} groups", layer.groups);
    }
    text
}
