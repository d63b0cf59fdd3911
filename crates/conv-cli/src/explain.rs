//! `conv explain`: one output, term by term, with every step of a quantised layer.

use conv_scene::explain::{Contract, Quantisation, Step, quantised};
use conv_scene::weave::{Term, Weave, element_name};
use conv_scene::{Fault, Layer};
use serde_json::{Value, json};

use crate::arguments::Asked;
use crate::data::numbers;
use crate::failure::Failure;
use crate::report::Report;

/// Most terms that are written out.
const MOST: usize = 1 << 16;

pub(crate) fn explain(asked: &Asked) -> Result<Report, Failure> {
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    let weave = Weave::new(&layer)?;
    let (position, channel) = output(asked, &layer)?;
    let Some(row) = weave.output_index(&position, channel) else {
        let text = format!(
            "there is no output {}, the output is {} with {} channels",
            element_name("output", &position, channel, layer.output_channels),
            conv_scene::formula::extents(&layer.output()),
            layer.output_channels
        );
        return Err(Fault::illegal(text).into());
    };
    let terms: Vec<Term> = weave.row(row).take(MOST + 1).collect();
    if terms.len() > MOST {
        return Err(Fault::illegal(format!(
            "the output has more than {MOST} terms, which is more than can be read"
        ))
        .into());
    }
    let input = values(asked, "data", weave.columns(), "input")?;
    let kernel = values(asked, "weights", weave.weights(), "kernel")?;
    let name = element_name("output", &position, channel, layer.output_channels);
    let rows: Vec<Row> = terms
        .iter()
        .map(|term| Row::new(&weave, term, input.as_deref(), kernel.as_deref()))
        .collect();
    if asked.text("input-scale").is_some() {
        return quantised_report(asked, &name, &rows);
    }
    plain_report(asked, &name, &rows)
}

/// The position and channel that are asked for.
fn output(asked: &Asked, layer: &Layer) -> Result<(Vec<usize>, usize), Fault> {
    let channel = asked
        .matches
        .get_one::<usize>("channel")
        .copied()
        .unwrap_or(0);
    let Some(text) = asked.text("at") else {
        return Ok((
            layer.output().iter().map(|extent| extent / 2).collect(),
            channel,
        ));
    };
    let wrong = |item: &str| {
        Fault::usage(format!(
            "--at has the value `{item}`, expected {} numbers",
            layer.rank()
        ))
    };
    let position = text
        .split(',')
        .map(|item| item.trim().parse().map_err(|_| wrong(item)));
    let position = position.collect::<Result<Vec<usize>, Fault>>()?;
    if position.len() != layer.rank() {
        return Err(wrong(text));
    }
    Ok((position, channel))
}

fn values(
    asked: &Asked,
    name: &str,
    expected: usize,
    buffer: &str,
) -> Result<Option<Vec<f64>>, Failure> {
    let Some(text) = asked.text(name) else {
        return Ok(None);
    };
    let read = numbers(text)?;
    if read.values.len() != expected {
        let text = format!(
            "{buffer} has {} elements, expected {expected}",
            read.values.len()
        );
        return Err(Fault::illegal(text).into());
    }
    Ok(Some(read.values))
}

/// A term with its names and, where they are given, its numbers.
struct Row {
    input_name: String,
    weight_name: String,
    input: Option<f64>,
    weight: Option<f64>,
}

impl Row {
    fn new(weave: &Weave, term: &Term, input: Option<&[f64]>, kernel: Option<&[f64]>) -> Self {
        let layer = weave.layer();
        let extents = layer.input();
        // What is given has the channels in front, the matrix has them innermost.
        let place = term
            .position
            .iter()
            .zip(&extents)
            .fold(term.channel, |index, (at, extent)| index * extent + at);
        Self {
            input_name: element_name("input", &term.position, term.channel, layer.input_channels),
            weight_name: weave.weight_name(term.weight),
            input: input.and_then(|values| values.get(place).copied()),
            weight: kernel.and_then(|values| values.get(term.weight).copied()),
        }
    }

    fn json(&self) -> Value {
        json!({ "input": self.input_name, "weight": self.weight_name, "input_value": self.input, "weight_value": self.weight })
    }
}

fn plain_report(asked: &Asked, name: &str, rows: &[Row]) -> Result<Report, Failure> {
    let bias: f64 = number(asked, "bias", 0.0)?;
    let known = rows
        .iter()
        .all(|row| row.input.is_some() && row.weight.is_some());
    let width = rows
        .iter()
        .map(|row| row.input_name.len() + row.weight_name.len() + 1)
        .max()
        .unwrap_or(0);
    let (mut text, mut sum) = (format!("{name} is the sum of {} terms\n", rows.len()), 0.0);
    for row in rows {
        let product = format!("{}·{}", row.input_name, row.weight_name);
        let (product, pad) = (product.clone(), width - (product.chars().count()));
        text += &format!("  {product}{}", " ".repeat(pad));
        if let (Some(x), Some(w)) = (row.input, row.weight) {
            sum += x * w;
            text += &format!("  {x}·{w} = {}, sum {sum}", x * w);
        } else if let Some(value) = row.input {
            text += &format!("  {value}·{}", row.weight_name);
        } else if let Some(value) = row.weight {
            text += &format!("  {}·{value}", row.input_name);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    if rows.is_empty() {
        text += "  no tap meets an input here: it is 0\n";
    }
    if bias != 0.0 {
        text += &format!("  bias {bias}\n");
    }
    let value = known.then_some(sum + bias);
    if let Some(value) = value {
        text += &format!("{name} = {value}\n");
    }
    let terms: Vec<Value> = rows.iter().map(Row::json).collect();
    Ok(Report::new(
        text,
        json!({ "output": name, "terms": terms, "value": value }),
    ))
}

/// A number of an argument.
fn number<T: std::str::FromStr>(asked: &Asked, name: &str, default: T) -> Result<T, Fault> {
    let Some(text) = asked.text(name) else {
        return Ok(default);
    };
    text.trim().parse().map_err(|_| {
        Fault::usage(format!(
            "--{name} has the value `{text}`, expected a number"
        ))
    })
}

fn needed(asked: &Asked, name: &str) -> Result<f32, Fault> {
    if asked.text(name).is_none() {
        return Err(Fault::usage(format!(
            "--{name} is missing: a quantised layer has three scales"
        )));
    }
    number(asked, name, 0.0)
}

fn quantisation(asked: &Asked) -> Result<Quantisation, Fault> {
    let clamp = asked.text("clamp").unwrap_or("-128:127");
    let wrong = || {
        Fault::usage(format!(
            "--clamp has the value `{clamp}`, expected low:high"
        ))
    };
    let (low, high) = clamp.split_once(':').ok_or_else(wrong)?;
    let word = asked.text("rounding").unwrap_or("double");
    let contract = Contract::ALL.iter().find(|(_, name, _)| *name == word);
    Ok(Quantisation {
        scales: [
            needed(asked, "input-scale")?,
            needed(asked, "weight-scale")?,
            needed(asked, "output-scale")?,
        ],
        zero_points: [
            number(asked, "input-zero-point", 0)?,
            number(asked, "weight-zero-point", 0)?,
            number(asked, "output-zero-point", 0)?,
        ],
        bias: number(asked, "bias", 0)?,
        clamp: (
            low.parse().map_err(|_| wrong())?,
            high.parse().map_err(|_| wrong())?,
        ),
        // clap lets only those words through.
        contract: contract.map_or(Contract::Double, |(contract, ..)| *contract),
    })
}

fn quantised_report(asked: &Asked, name: &str, rows: &[Row]) -> Result<Report, Failure> {
    let layer = quantisation(asked)?;
    let whole = |value: Option<f64>| {
        value.filter(|value| value.fract() == 0.0 && value.abs() < 2_f64.powi(31))
    };
    let mut terms = Vec::new();
    let mut text = format!(
        "{name}, {} taps inside; contract `{}`\n",
        rows.len(),
        layer.contract.word()
    );
    let [zero_x, zero_w, _] = layer.zero_points;
    for row in rows {
        let (Some(x), Some(w)) = (whole(row.input), whole(row.weight)) else {
            return Err(Fault::usage(
                "a quantised output needs --data and --weights of whole numbers",
            )
            .into());
        };
        let (x, w) = (x as i64, w as i64);
        let product = (x - i64::from(zero_x)) * (w - i64::from(zero_w));
        text += &format!(
            "  ({}={x} − {zero_x})·({}={w} − {zero_w}) = {product}\n",
            row.input_name, row.weight_name
        );
        terms.push((x, w));
    }
    let (steps, output) = quantised(&terms, &layer)?;
    for Step {
        name,
        formula,
        value,
    } in &steps
    {
        // Multiplier and shift are two values with their own signs of equality.
        let equals = if value.contains('=') { "" } else { "= " };
        text += &format!("{name:<13} {formula}\n{:<13} {equals}{value}\n", "");
    }
    let list: Vec<Value> = steps
        .iter()
        .map(|step| json!({ "name": step.name, "formula": step.formula, "value": step.value }))
        .collect();
    let json = json!({ "output": name, "terms": rows.iter().map(Row::json).collect::<Vec<_>>(), "steps": list, "value": output, "rounding": layer.contract.word() });
    Ok(Report::new(text, json))
}
