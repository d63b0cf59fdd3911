//! `conv macs`: multiplications, parameters, receptive field and memory, of one layer or a chain.

use std::io::Read;

use conv_scene::cost::{Cost, cost, receptive_field};
use conv_scene::formula::{axis_name, caption, extents};
use conv_scene::operation::Role;
use conv_scene::value::{Values, joined};
use conv_scene::{Direction, Fault, Layer};
use serde_json::{Value, json};

use crate::arguments::{Asked, asked, command};
use crate::data::missing;
use crate::failure::Failure;
use crate::report::Report;

struct Row {
    layer: Layer,
    cost: Cost,
    biases: u128,
}

pub(crate) fn macs(asked: &Asked) -> Result<Report, Failure> {
    let with_bias = asked.matches.get_flag("bias");
    let bytes = u128::from(asked.matches.get_one::<u64>("bytes").copied().unwrap_or(4));
    let layers = match asked.text("chain") {
        None => vec![Layer::resolve(asked.operation, &asked.values)?],
        Some(_) if asked.operation.framework.is_some() || asked.values != Values::new() => {
            return Err(Fault::usage("--chain takes its settings from its lines").into());
        }
        Some(file) => chain(file)?,
    };
    let row = |layer: Layer| {
        let biases = if with_bias {
            layer.output_channels as u128
        } else {
            0
        };
        Ok(Row {
            cost: cost(&layer)?,
            layer,
            biases,
        })
    };
    let rows = layers
        .into_iter()
        .map(row)
        .collect::<Result<Vec<_>, Fault>>()?;
    Ok(report(&rows, bytes))
}

/// The layers of a text, each reading what the one above writes.
fn chain(file: &str) -> Result<Vec<Layer>, Failure> {
    let mut text = String::new();
    if file == "-" {
        let read = std::io::stdin().read_to_string(&mut text);
        read.map_err(|error| Failure::file("standard input", &error))?;
    } else {
        text = std::fs::read_to_string(file).map_err(|error| missing(file, &error))?;
    }
    let mut layers: Vec<Layer> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let layer = chain_layer(line, layers.last()).map_err(|fault| match fault {
            Fault::Usage(text) => Fault::Usage(format!("{file}, line {}: {text}", number + 1)),
            Fault::Illegal(text) => Fault::Illegal(format!("{file}, line {}: {text}", number + 1)),
        })?;
        layers.push(layer);
    }
    if layers.is_empty() {
        return Err(Failure::file(file, &"there is no layer"));
    }
    Ok(layers)
}

fn chain_layer(line: &str, above: Option<&Layer>) -> Result<Layer, Fault> {
    let words = ["conv", "macs"].into_iter().chain(line.split_whitespace());
    let matches = command().try_get_matches_from(words).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or("");
        Fault::usage(first.trim_start_matches("error: ").to_owned())
    })?;
    let Some((_, verb)) = matches.subcommand() else {
        return Err(Fault::usage("there is no layer"));
    };
    let asked = asked(verb)?;
    let (operation, mut values) = (asked.operation, asked.values);
    let Some(above) = above else {
        return Layer::resolve(operation, &values);
    };
    if values.get(Role::Input).is_some() {
        return Err(Fault::usage(
            "only the first layer has an input: the others read what the one above writes",
        ));
    }
    values = values.with(Role::Input, joined(above.output()));
    if operation.rank.is_none() && operation.spelling(Role::Rank).is_some() {
        values = values.with(Role::Rank, above.rank());
    }
    let channels = operation.spelling(Role::InputChannels);
    if channels.is_some() && values.get(Role::InputChannels).is_none() {
        values = values.with(Role::InputChannels, above.output_channels);
    }
    let layer = Layer::resolve(operation, &values)?;
    if layer.rank() != above.rank() || layer.input_channels != above.output_channels {
        return Err(Fault::illegal(format!(
            "it reads {} channels of rank {}, the layer above writes {} of rank {}",
            layer.input_channels,
            layer.rank(),
            above.output_channels,
            above.rank()
        )));
    }
    Ok(layer)
}

/// `12 345 678`.
fn grouped(count: u128) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn fields(rows: &[Row]) -> Vec<u128> {
    let rank = rows.first().map_or(0, |row| row.layer.rank());
    let along = |d: usize| {
        let lines: Vec<_> = rows
            .iter()
            .map(|row| (row.layer.direction, row.layer.lines[d]))
            .collect();
        receptive_field(&lines)
    };
    (0..rank).map(along).collect()
}

fn report(rows: &[Row], bytes: u128) -> Report {
    let (mut text, mut list) = (String::new(), Vec::new());
    for (number, row) in rows.iter().enumerate() {
        let (layer, cost) = (&row.layer, &row.cost);
        let field = fields(&rows[..=number]);
        text += &format!(
            "{}  {}×{} → {}×{}\n",
            caption(layer),
            layer.input_channels,
            extents(&layer.input()),
            layer.output_channels,
            extents(&layer.output())
        );
        text += &format!(
            "  multiplications {} ({} without pads",
            grouped(cost.products),
            grouped(cost.inside)
        );
        text += &match layer.direction {
            Direction::Direct => ")\n".to_owned(),
            Direction::Transposed => format!(
                " and dropped outputs; {} on a stretched input)\n",
                grouped(cost.stretched)
            ),
        };
        text += &format!("  parameters {}", grouped(cost.weights + row.biases));
        text += &format!(", output {} bytes", grouped(cost.output * bytes));
        let fields_text: Vec<String> = field.iter().map(u128::to_string).collect();
        text += &format!(", receptive field {}\n", fields_text.join("×"));
        list.push(row_json(row, &field, bytes));
    }
    let total = |count: &dyn Fn(&Row) -> u128| rows.iter().map(count).sum::<u128>();
    let products = total(&|row| row.cost.products);
    let inside = total(&|row| row.cost.inside);
    let parameters = total(&|row| row.cost.weights + row.biases);
    // While a layer runs, what it reads and what it writes are there.
    let live = rows
        .iter()
        .map(|row| row.cost.input + row.cost.output)
        .max()
        .unwrap_or(0);
    if rows.len() > 1 {
        text += &format!(
            "\n{} layers: multiplications {} ({} without pads), parameters {}, {} bytes of them\n",
            rows.len(),
            grouped(products),
            grouped(inside),
            grouped(parameters),
            grouped(parameters * bytes)
        );
    }
    text += &format!(
        "largest input and output together {} bytes\n",
        grouped(live * bytes)
    );
    let json = json!({
        "layers": list,
        "multiplications": number(products),
        "multiplications_without_pads": number(inside),
        "parameters": number(parameters),
        "parameter_bytes": number(parameters * bytes),
        "largest_input_and_output_bytes": number(live * bytes),
    });
    Report::new(text, json)
}

/// A count as a JSON number, as a text beyond 64 bits.
fn number(count: u128) -> Value {
    u64::try_from(count).map_or_else(|_| json!(count.to_string()), |count| json!(count))
}

fn row_json(row: &Row, field: &[u128], bytes: u128) -> Value {
    let (layer, cost) = (&row.layer, &row.cost);
    let axes: Vec<&str> = (0..layer.rank())
        .map(|d| axis_name(d, layer.rank()))
        .collect();
    json!({
        "layer": caption(layer),
        "axes": axes,
        "input": layer.input(),
        "output": layer.output(),
        "multiplications": number(cost.products),
        "multiplications_without_pads": number(cost.inside),
        "multiplications_on_stretched_input": number(cost.stretched),
        "parameters": number(cost.weights + row.biases),
        "input_bytes": number(cost.input * bytes),
        "output_bytes": number(cost.output * bytes),
        "receptive_field": field.iter().map(|span| number(*span)).collect::<Vec<_>>(),
    })
}
