//! `conv draw`: a setting as SVG, PNG, GIF or APNG; and the guide's fifteen pictures.

use std::path::Path;

use conv_scene::guide::figures;
use conv_scene::operation::OWN;
use conv_scene::raster::{Painter, Sheet, apng, gif, png};
use conv_scene::scene::{Options, Scene, VIEWS, View};
use conv_scene::value::Values;
use conv_scene::{Fault, Layer};
use conv_std::rayon::prelude::*;
use indicatif::ProgressBar;
use serde_json::json;

use crate::arguments::{Asked, id};
use crate::data::numbers;
use crate::failure::Failure;
use crate::report::{Report, write_whole};

pub(crate) const FORMATS: [&str; 4] = ["svg", "png", "gif", "apng"];

pub(crate) fn draw(asked: &Asked) -> Result<Report, Failure> {
    let style = Style::of(asked)?;
    if let Some(directory) = asked.text("guide") {
        if asked.operation.framework.is_some() || asked.values != Values::new() {
            return Err(Fault::usage("--guide draws the guide's own settings").into());
        }
        return guide(asked, directory, &style);
    }
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    let scene = Scene::new(&layer, style.options(asked)?)?;
    let format = format(asked)?;
    let bytes = style.file(&scene, format)?;
    let (width, height) = scene.size();
    let json =
        json!({ "format": format, "frames": scene.frames(), "width": width, "height": height });
    Ok(Report::file(bytes, json))
}

/// The fifteen pictures in a directory.
fn guide(asked: &Asked, directory: &str, style: &Style) -> Result<Report, Failure> {
    let format = asked.text("format").unwrap_or("gif");
    std::fs::create_dir_all(directory).map_err(|error| Failure::file(directory, &error.kind()))?;
    let (mut text, mut list) = (String::new(), Vec::new());
    for figure in figures() {
        let layer = Layer::resolve(&OWN, &figure.values)?;
        let scene = Scene::new(
            &layer,
            Options {
                view: None,
                ..style.options(asked)?
            },
        )?;
        let path = Path::new(directory).join(format!("{}.{format}", figure.name));
        write_whole(&path, &style.file(&scene, format)?)?;
        let command = figure.values.words(&OWN);
        text += &format!("{}  conv draw {command}\n", path.display());
        list.push(json!({ "file": path.display().to_string(), "frames": scene.frames(), "settings": command }));
    }
    Ok(Report::new(text, json!(list)))
}

fn format(asked: &Asked) -> Result<&'static str, Fault> {
    let of = |name: &str| FORMATS.into_iter().find(|format| *format == name);
    if let Some(format) = asked.text("format").and_then(of) {
        return Ok(format);
    }
    let Some(file) = asked.text(id::OUT) else {
        return Ok("svg");
    };
    let ending = Path::new(file)
        .extension()
        .and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase);
    ending.as_deref().and_then(of).ok_or_else(|| {
        Fault::usage(format!(
            "{file} does not end in .svg, .png, .gif or .apng: give --format"
        ))
    })
}

/// How pictures are drawn.
struct Style {
    view: Option<View>,
    plain: bool,
    step: Option<usize>,
    delay: u16,
    painter: Painter,
}

impl Style {
    fn of(asked: &Asked) -> Result<Self, Fault> {
        let scale = asked.text("scale").unwrap_or("1");
        let factor = scale
            .parse::<f32>()
            .ok()
            .filter(|scale| (0.1..=16.0).contains(scale));
        let factor = factor.ok_or_else(|| {
            Fault::usage(format!(
                "--scale has the value `{scale}`, expected a number from 0.1 to 16"
            ))
        })?;
        let named = |name: &str| {
            VIEWS
                .iter()
                .find(|(word, _)| *word == name)
                .map(|(_, view)| *view)
        };
        Ok(Self {
            view: asked.text("view").and_then(named),
            plain: asked.matches.get_flag("plain"),
            step: asked.matches.get_one::<usize>("step").copied(),
            delay: asked
                .matches
                .get_one::<u16>("delay")
                .copied()
                .unwrap_or(700),
            painter: Painter::new(factor),
        })
    }

    fn options(&self, asked: &Asked) -> Result<Options, Failure> {
        let values = |name: &str| asked.text(name).map(numbers).transpose();
        Ok(Options {
            view: self.view,
            plain: self.plain,
            data: values("data")?.map(|numbers| numbers.values),
            weights: values("weights")?.map(|numbers| numbers.values),
        })
    }

    /// A file of this format: stills of one step, by default the middle one.
    fn file(&self, scene: &Scene, format: &str) -> Result<Vec<u8>, Failure> {
        let step = self.step.unwrap_or(scene.frames() / 2);
        if step >= scene.frames() {
            let last = scene.frames().saturating_sub(1);
            return Err(
                Fault::illegal(format!("there is no step {step}, the last one is {last}")).into(),
            );
        }
        let still = || scene.picture(step).svg();
        match format {
            "svg" => Ok(still().into_bytes()),
            "png" => {
                self.painter.check(scene.size(), 1)?;
                Ok(png(&self.painter.paint(&still())?)?)
            }
            _ => {
                let sheets = self.sheets(scene)?;
                Ok(if format == "gif" {
                    gif(&sheets, self.delay)?
                } else {
                    apng(&sheets, self.delay)?
                })
            }
        }
    }

    fn sheets(&self, scene: &Scene) -> Result<Vec<Sheet>, Failure> {
        self.painter.check(scene.size(), scene.frames())?;
        // Shown on a terminal only.
        let bar = ProgressBar::new(scene.frames() as u64);
        let paint = |step| {
            bar.inc(1);
            self.painter.paint(&scene.picture(step).svg())
        };
        let sheets: Result<_, Fault> = (0..scene.frames()).into_par_iter().map(paint).collect();
        bar.finish_and_clear();
        Ok(sheets?)
    }
}
