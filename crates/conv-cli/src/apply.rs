//! `conv apply`: a kernel to an image, a sound or an array, by conv-std.

use std::time::Duration;

use clap::ArgMatches;
use conv_scene::formula::extents;
use conv_scene::operation::{OWN, Role};
use conv_scene::value::Values;
use conv_scene::{Direction, Fault, Layer, Line};
use conv_std::{Boundary, Conv2d, ConvTranspose2d};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array4, ArrayView4, Axis, concatenate};
use serde_json::json;

use crate::arguments::id;
use crate::failure::Failure;
use crate::filter::{Kernel, kernel};
use crate::media::{Media, Source, tensor};
use crate::report::{Report, write_whole};

/// The boundaries and their words.
pub(crate) const BOUNDARIES: [(&str, Boundary); 4] = [
    ("zero", Boundary::Zero),
    ("reflect", Boundary::Reflect),
    ("replicate", Boundary::Replicate),
    ("circular", Boundary::Circular),
];

/// Most numbers that come out.
const MOST: usize = 1 << 30;

pub(crate) fn apply(matches: &ArgMatches) -> Result<Report, Failure> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let missing = |name: &str| Fault::usage(format!("{name} is missing"));
    let input = text("file").ok_or_else(|| missing("FILE"))?;
    let output = text(id::OUT).ok_or_else(|| missing("-o FILE"))?;
    let values = kernel(text("kernel").ok_or_else(|| missing("--kernel"))?)?;
    let media = Media::read(input)?;
    media.writable(output)?;
    let job = Job::new(&media, values, matches)?;
    let scaling = Scaling::of(matches)?;
    let mut result = job.run(&media)?;
    for value in &mut result.values {
        *value = scaling.apply(*value);
    }
    let strides = job.strides();
    let rates = match job.layer.direction {
        Direction::Direct => (1, strides[1]),
        Direction::Transposed => (strides[1], 1),
    };
    write_whole(output.as_ref(), &result.write(output, rates)?)?;
    Ok(report(input, &media, output, &result))
}

fn report(input: &str, media: &Media, output: &str, result: &Media) -> Report {
    let shape = |media: &Media| {
        let skipped = usize::from(media.is_signal());
        format!("{}×{}", media.channels, extents(&media.extents[skipped..]))
    };
    let mut text = format!("{input} {} → {output} {}\n", shape(media), shape(result));
    let left_out = matches!(
        media.source,
        Source::Image {
            had_alpha: true,
            ..
        }
    );
    if left_out {
        text += "the transparency is left out\n";
    }
    let json = json!({
        "input": { "file": input, "channels": media.channels, "extents": media.extents },
        "output": { "file": output, "channels": result.channels, "extents": result.extents },
        "transparency_left_out": left_out,
    });
    Report::new(text, json)
}

/// What is done to the sums before they are written.
struct Scaling {
    scale: f64,
    offset: f64,
    absolute: bool,
}

impl Scaling {
    fn of(matches: &ArgMatches) -> Result<Self, Fault> {
        let number = |name: &str, default: f64| match matches.get_one::<String>(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|value: &f64| value.is_finite())
                .ok_or_else(|| {
                    Fault::usage(format!(
                        "--{name} has the value `{text}`, expected a number"
                    ))
                }),
        };
        Ok(Self {
            scale: number("scale", 1.0)?,
            offset: number("offset", 0.0)?,
            absolute: matches.get_flag("absolute"),
        })
    }

    fn apply(&self, value: f64) -> f64 {
        let scaled = value * self.scale;
        self.offset + if self.absolute { scaled.abs() } else { scaled }
    }
}

/// Kernels one after the other, each along the axes that it has.
struct Job {
    layer: Layer,
    passes: Vec<Pass>,
    /// Whether the kernel mixes channels; else each is by itself.
    mixes: bool,
    boundary: Boundary,
}

struct Pass {
    weights: Array4<f64>,
    lines: [Line; 2],
}

impl Job {
    fn new(media: &Media, kernel: Kernel, matches: &ArgMatches) -> Result<Self, Failure> {
        let signal = media.is_signal();
        let (shape, mixes) = full_shape(&kernel, signal)?;
        let layer = resolve(media, &shape, mixes, matches)?;
        let outputs = layer.output().iter().try_fold(
            layer.output_channels.max(media.channels),
            |product, extent| product.checked_mul(*extent),
        );
        if outputs.is_none_or(|outputs| outputs > MOST) {
            let text = format!(
                "the output would be {} with {} channels, at most {MOST} numbers",
                extents(&layer.output()),
                layer.output_channels
            );
            return Err(Fault::illegal(text).into());
        }
        let word = matches
            .get_one::<String>("boundary")
            .map_or("zero", String::as_str);
        let boundary = BOUNDARIES
            .iter()
            .find(|(name, _)| *name == word)
            .map_or(Boundary::Zero, |(_, boundary)| *boundary);
        if layer.direction == Direction::Transposed && boundary != Boundary::Zero {
            return Err(Fault::usage("a transposed operation has no boundary").into());
        }
        let passes = passes(kernel, shape, &layer)?;
        Ok(Self {
            layer,
            passes,
            mixes,
            boundary,
        })
    }

    /// Strides along height and width.
    fn strides(&self) -> [usize; 2] {
        match self.layer.lines.as_slice() {
            [height, width] => [height.axis.stride, width.axis.stride],
            _ => [1, 1],
        }
    }

    fn run(&self, media: &Media) -> Result<Media, Failure> {
        let [height, width] = media.extents;
        // Channels that are by themselves run one by one, so that there is progress to show.
        let (batches, together) = if self.mixes {
            (1, media.channels)
        } else {
            (media.channels, 1)
        };
        let input = tensor(media.values.clone(), [batches, together, height, width])?;
        let bar = progress(batches * self.passes.len());
        let mut outputs = Vec::new();
        for batch in input.axis_iter(Axis(0)) {
            let mut current = batch.to_owned().insert_axis(Axis(0));
            for pass in &self.passes {
                current = self.pass(pass, current.view())?;
                bar.inc(1);
            }
            outputs.push(current);
        }
        bar.finish_and_clear();
        let views: Vec<ArrayView4<f64>> = outputs.iter().map(|output| output.view()).collect();
        let all =
            concatenate(Axis(0), &views).map_err(|error| Failure::file("the output", &error))?;
        let (batches, channels, height, width) = all.dim();
        let (values, _) = all.into_raw_vec_and_offset();
        Ok(Media {
            channels: batches * channels,
            extents: [height, width],
            values,
            source: media.source,
        })
    }

    fn pass(&self, pass: &Pass, input: ArrayView4<f64>) -> Result<Array4<f64>, Failure> {
        let lines = &pass.lines;
        let axes = lines.map(|line| line.axis);
        let (strides, dilations) = (axes.map(|axis| axis.stride), axes.map(|axis| axis.dilation));
        let pads = (
            axes.map(|axis| axis.pad_before),
            axes.map(|axis| axis.pad_after),
        );
        let refused = |error: conv_std::Error| Failure::Fault(Fault::illegal(error.to_string()));
        match self.layer.direction {
            Direction::Direct => {
                let plan = Conv2d::<f64>::new(pass.weights.view())
                    .strides(strides)
                    .dilations(dilations)
                    .pads(pads.0, pads.1)
                    .boundary(self.boundary)
                    .orientation(self.layer.orientation)
                    .build()
                    .map_err(refused)?;
                plan.run(input).map_err(refused)
            }
            Direction::Transposed => {
                let plan = ConvTranspose2d::<f64>::new(pass.weights.view())
                    .strides(strides)
                    .dilations(dilations)
                    .pads(pads.0, pads.1)
                    .orientation(self.layer.orientation)
                    .output_size(lines.map(|line| line.output))
                    .build()
                    .map_err(refused)?;
                plan.run(input).map_err(refused)
            }
        }
    }
}

/// A bar on a terminal, nothing elsewhere; the spinner turns while a channel is computed.
fn progress(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:40} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Output and input channels, height and width of the kernel; and whether it mixes channels.
fn full_shape(kernel: &Kernel, signal: bool) -> Result<([usize; 4], bool), Fault> {
    let refused = |shape: &[usize]| {
        let expected = if signal {
            "a row, or channels out, channels in, taps"
        } else {
            "a row, height and width, or channels out, channels in, height, width"
        };
        Err(Fault::illegal(format!(
            "the kernel is {}, expected {expected}",
            extents(shape)
        )))
    };
    match kernel {
        Kernel::Separable(taps) => {
            let height = if signal { 1 } else { taps.len() };
            Ok(([1, 1, height, taps.len()], false))
        }
        Kernel::Plain { shape, .. } => match (shape.as_slice(), signal) {
            ([width], _) => Ok(([1, 1, 1, *width], false)),
            ([height, width], false) => Ok(([1, 1, *height, *width], false)),
            _ => refused(shape),
        },
        Kernel::Channels { shape, .. } => match (shape.as_slice(), signal) {
            ([outputs, inputs, width], true) => Ok(([*outputs, *inputs, 1, *width], true)),
            ([outputs, inputs, height, width], false) => {
                Ok(([*outputs, *inputs, *height, *width], true))
            }
            _ => refused(shape),
        },
    }
}

/// The setting as a layer of two axes: the sizes, and what is wrong with them.
fn resolve(
    media: &Media,
    shape: &[usize; 4],
    mixes: bool,
    matches: &ArgMatches,
) -> Result<Layer, Fault> {
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let transposed = matches.get_flag("transposed");
    let signal = media.is_signal();
    // A signal's height is 1 and stays so.
    let plane = |value: &str, still: &str| match signal {
        true => format!("{still},{value}"),
        false => value.to_owned(),
    };
    let [outer, inner, height, width] = *shape;
    let mut values = Values::new()
        .with(Role::Rank, 2)
        .with(
            Role::Input,
            format!("{},{}", media.extents[0], media.extents[1]),
        )
        .with(Role::Kernel, format!("{height},{width}"))
        .with(
            Role::Padding,
            plane(
                text("pad").unwrap_or(if transposed { "0" } else { "half" }),
                "0",
            ),
        );
    for (role, name, still) in [
        (Role::Stride, "stride", "1"),
        (Role::Dilation, "dilation", "1"),
        (Role::OutputPadding, "output-padding", "0"),
    ] {
        if let Some(value) = text(name) {
            if signal && value.contains(',') {
                return Err(Fault::usage(format!(
                    "--{name} has several values, a signal has one axis"
                )));
            }
            values = values.with(role, plane(value, still));
        }
    }
    if transposed {
        values = values.with(Role::Transposed, "true");
    }
    values = values.with(Role::Flip, matches.get_flag("flip"));
    if mixes {
        // The kernel is the direct operation's, as PyTorch and ONNX store both.
        let (reads, writes) = if transposed {
            (outer, inner)
        } else {
            (inner, outer)
        };
        if reads != media.channels {
            return Err(Fault::illegal(format!(
                "input has {} channels, expected {reads}",
                media.channels
            )));
        }
        values = values
            .with(Role::InputChannels, reads)
            .with(Role::OutputChannels, writes);
    }
    Layer::resolve(&OWN, &values)
}

fn passes(kernel: Kernel, shape: [usize; 4], layer: &Layer) -> Result<Vec<Pass>, Failure> {
    let [height, width] = match layer.lines.as_slice() {
        [height, width] => [*height, *width],
        // `resolve` asks for two axes.
        _ => return Ok(Vec::new()),
    };
    let (weights, shapes) = match kernel {
        Kernel::Plain { weights, .. } | Kernel::Channels { weights, .. } => {
            (weights, vec![(shape, [height, width])])
        }
        Kernel::Separable(taps) => {
            let still = |extent: usize| Line {
                axis: conv_core::Axis::new(1),
                input: extent,
                output: extent,
            };
            let along_width = ([1, 1, 1, taps.len()], [still(height.output), width]);
            let along_height = ([1, 1, taps.len(), 1], [height, still(width.input)]);
            let both = if shape[2] == 1 {
                vec![along_width]
            } else {
                vec![along_height, along_width]
            };
            (taps, both)
        }
    };
    let pass = |(shape, lines)| {
        Ok(Pass {
            weights: tensor(weights.clone(), shape)?,
            lines,
        })
    };
    shapes.into_iter().map(pass).collect()
}
