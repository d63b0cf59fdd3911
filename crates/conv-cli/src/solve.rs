//! `conv solve`: backwards, from extents to settings; and the legal outputs of a transposed operation.

use clap::ArgMatches;
use conv_scene::operation::Role;
use conv_scene::solve::{
    Outputs, Search, Solution, legal_outputs, legal_outputs_of, solve as search,
};
use conv_scene::{Direction, Fault, Layer};
use serde_json::{Value, json};

use crate::arguments::Asked;
use crate::failure::Failure;
use crate::report::Report;

/// Most settings that one search tries.
const MOST: usize = 1_000_000;

pub(crate) fn solve(asked: &Asked, verb: &ArgMatches) -> Result<Report, Failure> {
    let given = |name: &str| verb.get_one::<String>(name).map(String::as_str);
    match (given("to"), asked.operation.framework) {
        (Some(_), Some(_)) => Err(Fault::usage(
            "the search with --to is in this library's own spelling, without a framework",
        )
        .into()),
        (Some(to), None) => Ok(settings(asked, to, &given)?),
        (None, _) => outputs(asked),
    }
}

fn settings<'a>(
    asked: &Asked,
    to: &str,
    given: &dyn Fn(&str) -> Option<&'a str>,
) -> Result<Report, Fault> {
    let one = |role: Role| asked.values.get(role);
    let number = |name: &str, text: &str| {
        counts(name, text).and_then(|list| match list.as_slice() {
            [one] => Ok(*one),
            _ => Err(Fault::usage(format!(
                "{name} has several values; the search is along one axis"
            ))),
        })
    };
    let input = one(Role::Input).ok_or_else(|| Fault::usage("--input is missing"))?;
    let list = |name: &str, single: Role, default: &str| {
        counts(
            &format!("--{name}"),
            given(name).or(one(single)).unwrap_or(default),
        )
    };
    let query = Search {
        direction: if one(Role::Transposed).is_some() {
            Direction::Transposed
        } else {
            Direction::Direct
        },
        input: number("--input", input)?,
        output: number("--to", to)?,
        kernels: list("kernels", Role::Kernel, "1..7")?,
        strides: list("strides", Role::Stride, "1..4")?,
        dilations: list("dilations", Role::Dilation, "1")?,
        pads: pads(given("pads").or(one(Role::Padding)).unwrap_or("0..3"))?,
    };
    let tried = [
        query.kernels.len(),
        query.strides.len(),
        query.dilations.len(),
        query.pads.len(),
    ];
    let tried = tried
        .iter()
        .try_fold(1_usize, |product, count| product.checked_mul(*count));
    if tried.is_none_or(|tried| tried > MOST) {
        return Err(Fault::illegal(format!(
            "the lists have more than {MOST} combinations: shorten them"
        )));
    }
    let found = search(&query);
    if found.is_empty() {
        return Err(Fault::illegal(format!(
            "none of the {} settings tried leads from {} to {}: widen --kernels, --strides, --dilations or --pads",
            tried.unwrap_or(0),
            query.input,
            query.output
        )));
    }
    Ok(settings_report(&query, &found))
}

fn settings_report(query: &Search, found: &[Solution]) -> Report {
    let (mut text, mut rows) = (
        String::from("kernel  stride  dilation  pads   output padding\n"),
        Vec::new(),
    );
    for solution in found {
        let axis = &solution.axis;
        let pads = format!("{}:{}", axis.pad_before, axis.pad_after);
        text += &format!(
            "{:>6}  {:>6}  {:>8}  {pads:<5}  {}\n",
            axis.kernel, axis.stride, axis.dilation, solution.output_padding
        );
        rows.push(json!({
            "kernel": axis.kernel, "stride": axis.stride, "dilation": axis.dilation,
            "pad_before": axis.pad_before, "pad_after": axis.pad_after, "output_padding": solution.output_padding,
        }));
    }
    if query.direction == Direction::Direct {
        text += "\nThe output padding is the one with which the transposed operation leads back.\n";
    }
    Report::new(
        text,
        json!({ "input": query.input, "output": query.output, "direction": query.direction.name(), "settings": rows }),
    )
}

/// The legal outputs of the transposed operation that is asked about.
fn outputs(asked: &Asked) -> Result<Report, Failure> {
    if asked.operation.framework.is_some() {
        if !asked.operation.transposed {
            return Err(Fault::usage("a direct operation has one output extent, `conv size` prints it; solve takes a transposed operation, or --to").into());
        }
        let outputs = legal_outputs_of(asked.operation, &asked.values)?;
        return Ok(outputs_report(&outputs, None));
    }
    if asked.values.get(Role::Transposed).is_none() {
        return Err(Fault::usage(
            "solve takes --to with an extent, or --transposed for the legal outputs",
        )
        .into());
    }
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    let axes = layer
        .lines
        .iter()
        .map(|line| legal_outputs(&line.axis, line.input));
    let axes = axes.collect::<Result<Vec<_>, Fault>>()?;
    Ok(outputs_report(&axes, Some(&layer)))
}

fn outputs_report(axes: &[Outputs], layer: Option<&Layer>) -> Report {
    /// Extents that are written out.
    const SHOWN: usize = 16;
    let (mut text, mut rows) = (String::new(), Vec::new());
    for (d, outputs) in axes.iter().enumerate() {
        let name = match axes.len() {
            1 => String::new(),
            rank => format!("{}: ", conv_scene::formula::axis_name(d, rank)),
        };
        let shown: Vec<String> = outputs
            .legal
            .iter()
            .take(SHOWN)
            .map(usize::to_string)
            .collect();
        let more = outputs.legal.len().saturating_sub(SHOWN);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        text += &format!("{name}legal outputs {}{more}\n", shown.join(" "));
        if let Some(line) = layer.map(|layer| &layer.lines[d]) {
            let (stride, dilation) = (line.axis.stride, line.axis.dilation);
            text += &format!(
                "  the direct operation leads from each of the first {stride} back to {}; an output padding is less than the stride {stride} or the dilation {dilation}\n",
                line.input
            );
        }
        for (side, sentence) in [("below", &outputs.below), ("above", &outputs.above)] {
            if let Some(sentence) = sentence {
                text += &format!("  {side}: {sentence}\n");
            }
        }
        rows.push(
            json!({ "legal": outputs.legal, "below": outputs.below, "above": outputs.above }),
        );
    }
    Report::new(text, Value::Array(rows))
}

/// `3,5` or `1..7`, both ends included.
fn counts(name: &str, text: &str) -> Result<Vec<usize>, Fault> {
    let wrong = |item: &str| {
        Fault::usage(format!(
            "{name} has the value `{item}`, expected numbers as in 3,5 or 1..7"
        ))
    };
    let mut list = Vec::new();
    for item in text.split(',') {
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| wrong(item));
        match item.split_once("..") {
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last || last - first >= MOST {
                    return Err(wrong(item));
                }
                list.extend(first..=last);
            }
            None => list.push(number(item)?),
        }
    }
    Ok(list)
}

/// `0..3`, `1` on both sides, or `0:1`.
fn pads(text: &str) -> Result<Vec<(isize, isize)>, Fault> {
    let wrong = |item: &str| {
        Fault::usage(format!(
            "--pads has the value `{item}`, expected numbers, before:after, or 0..3"
        ))
    };
    let mut list = Vec::new();
    for item in text.split(',') {
        let number = |text: &str| text.trim().parse::<isize>().map_err(|_| wrong(item));
        match (item.split_once(".."), item.split_once(':')) {
            (Some((first, last)), _) => {
                let (first, last) = (number(first)?, number(last)?);
                if first > last || last.saturating_sub(first) >= MOST as isize {
                    return Err(wrong(item));
                }
                list.extend((first..=last).map(|pad| (pad, pad)));
            }
            (None, Some((before, after))) => list.push((number(before)?, number(after)?)),
            (None, None) => list.push((number(item)?, number(item)?)),
        }
    }
    Ok(list)
}
