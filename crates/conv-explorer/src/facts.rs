//! What the page says about a setting, as JSON.

use conv_core::convention::Framework;
use conv_scene::cost::cost;
use conv_scene::formula::{axis_name, caption, extents, formula, relationship, relationship_name};
use conv_scene::guide;
use conv_scene::operation::{FRAMEWORKS, OWN};
use conv_scene::scene::{Scene, VIEWS, View};
use conv_scene::solve::legal_outputs;
use conv_scene::translate::translate;
use conv_scene::{Direction, Layer, Line, code};
use serde_json::{Value, json};

use crate::Explorer;

/// Most weights that the page makes fields of.
const MOST_FIELDS: usize = 150;

pub(crate) fn facts(explorer: &Explorer) -> Value {
    let (layer, weave) = (&explorer.layer, &explorer.weave);
    let table = explorer.table();
    let axes: Vec<Value> = (0..layer.rank()).map(|d| axis(layer, d)).collect();
    json!({
        "caption": caption(layer),
        "input": channelled(layer.input_channels, &layer.input()),
        "output": channelled(layer.output_channels, &layer.output()),
        "axes": axes,
        "cost": costs(layer),
        "frames": explorer.frames(),
        "views": views(layer),
        "view": explorer.scene.as_ref().ok().map(|scene| word(scene.view())),
        "refused": explorer.scene.as_ref().err().map(ToString::to_string),
        "matrix": {
            "name": match layer.direction { Direction::Direct => "C", Direction::Transposed => "Cᵀ" },
            "rows": weave.rows(),
            "columns": weave.columns(),
            "note": table.note(),
        },
        "kernels": kernels(explorer),
        "code": codes(layer),
        "command": format!("conv draw {}", explorer.question.values.words(&OWN)),
    })
}

fn channelled(channels: usize, spatial: &[usize]) -> String {
    match channels {
        1 => extents(spatial),
        _ => format!("{channels}×{}", extents(spatial)),
    }
}

fn axis(layer: &Layer, d: usize) -> Value {
    let Some(line) = layer.lines.get(d) else {
        return Value::Null;
    };
    let number = relationship(layer.direction, line);
    json!({
        "name": axis_name(d, layer.rank()),
        "input": line.input,
        "output": line.output,
        "formula": formula(layer.direction, line),
        "relationship": number,
        "relationshipName": relationship_name(number),
        "legal": legal(layer.direction, line),
    })
}

/// Every output extent that the transposed operation may have, each with its output padding, and why no others.
fn legal(direction: Direction, line: &Line) -> Value {
    if direction == Direction::Direct {
        return Value::Null;
    }
    let outputs = match legal_outputs(&line.axis, line.input) {
        Ok(outputs) => outputs,
        Err(fault) => return json!({ "refused": fault.to_string() }),
    };
    let offer = |output: &usize| {
        let added = line.axis.output_padding(line.input, *output).ok()?;
        Some(json!({ "output": output, "outputPadding": added }))
    };
    let offers: Vec<Value> = outputs.legal.iter().filter_map(offer).collect();
    json!({ "outputs": offers, "below": outputs.below, "above": outputs.above })
}

fn costs(layer: &Layer) -> Value {
    match cost(layer) {
        Ok(cost) => json!({
            "products": cost.products.to_string(),
            "inside": cost.inside.to_string(),
            "weights": cost.weights.to_string(),
        }),
        Err(fault) => json!({ "refused": fault.to_string() }),
    }
}

fn word(view: View) -> &'static str {
    let mut views = VIEWS.iter();
    views
        .find(|(_, found)| *found == view)
        .map_or("", |(word, _)| word)
}

fn views(layer: &Layer) -> Vec<&'static str> {
    let fits = |view: View| (view == View::Window) == (layer.direction == Direction::Direct);
    let all = VIEWS.iter().filter(|(_, view)| fits(*view));
    all.map(|(word, _)| *word).collect()
}

/// The weights by name, kernel by kernel; none where they are too many for fields.
fn kernels(explorer: &Explorer) -> Value {
    let weights = explorer.scene.as_ref().map_or(&[][..], Scene::weights);
    let kernel = explorer.layer.kernel();
    let columns = kernel.last().copied().unwrap_or(1);
    let taps: usize = kernel.iter().product();
    if weights.is_empty() || weights.len() > MOST_FIELDS {
        return json!({ "weights": [], "count": explorer.weave.weights(), "most": MOST_FIELDS });
    }
    let names: Vec<String> = (0..weights.len())
        .map(|weight| explorer.weave.weight_name(weight))
        .collect();
    json!({ "weights": weights, "names": names, "columns": columns, "taps": taps, "count": weights.len() })
}

fn codes(layer: &Layer) -> Vec<Value> {
    let mut all = vec![json!({ "name": "conv-core", "code": code::conv_core(layer), "notes": [] })];
    all.extend(FRAMEWORKS.map(|framework| said(layer, framework)));
    all
}

fn said(layer: &Layer, framework: Framework) -> Value {
    let name = framework.to_string();
    match translate(layer, framework) {
        Ok(said) => json!({ "name": name, "code": code::call(layer, &said), "notes": said.notes }),
        Err(fault) => json!({ "name": name, "refused": fault.to_string() }),
    }
}

/// Names and questions of the guide's figures, every setting written out.
pub(crate) fn figures() -> Value {
    let figure = |figure: guide::Figure| {
        let settings: Vec<String> = OWN
            .settings
            .iter()
            .filter_map(|setting| {
                let text = figure.values.get(setting.role)?;
                Some(format!("{}={text}", setting.name))
            })
            .collect();
        json!({ "name": figure.name.replace('_', " "), "question": settings.join("&") })
    };
    guide::figures().into_iter().map(figure).collect()
}
