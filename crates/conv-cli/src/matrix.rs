//! `conv matrix`: C, or Cᵀ of a transposed operation, for values or symbols.

use std::path::Path;

use conv_scene::table::Table;
use conv_scene::weave::Weave;
use conv_scene::{Fault, Layer};
use ndarray::Array2;
use ndarray_npy::WriteNpyExt;
use serde_json::{Value, json};

use crate::arguments::{Asked, id};
use crate::data::{Kind, numbers};
use crate::failure::Failure;
use crate::report::Report;

/// Most entries that a file holds.
const MOST: usize = 1 << 26;

pub(crate) fn matrix(asked: &Asked) -> Result<Report, Failure> {
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    let weave = Weave::new(&layer)?;
    let (weights, kind) = match asked.text("weights") {
        None => (None, Kind::Double),
        Some(text) => {
            let read = numbers(text)?;
            if read.values.len() != weave.weights() {
                return Err(Fault::illegal(format!(
                    "kernel has {} elements, expected {}",
                    read.values.len(),
                    weave.weights()
                ))
                .into());
            }
            (Some(read.values), read.kind)
        }
    };
    let ending = asked
        .text(id::OUT)
        .and_then(|file| Path::new(file).extension()?.to_str());
    let format = asked
        .text("format")
        .or(ending.filter(|ending| ["csv", "npy", "svg"].contains(ending)));
    match format {
        Some("csv") => {
            entries_fit(&weave)?;
            let table = csv(&weave, weights.as_deref());
            Ok(Report::file(table.into_bytes(), summary(&weave)))
        }
        Some("npy") => {
            entries_fit(&weave)?;
            let Some(weights) = weights else {
                return Err(Fault::usage("a .npy array holds numbers: give --weights").into());
            };
            npy(&weave, &weights, kind)
        }
        Some("svg") => {
            let svg = Table::new(&weave, Table::PICTURE)
                .svg(&|weight| entry_text(&weave, weights.as_deref(), weight));
            Ok(Report::file(svg.into_bytes(), summary(&weave)))
        }
        _ => Ok(text(&weave, weights.as_deref())),
    }
}

fn summary(weave: &Weave) -> Value {
    json!({ "rows": weave.rows(), "columns": weave.columns() })
}

fn entries_fit(weave: &Weave) -> Result<(), Fault> {
    let entries = weave.rows().checked_mul(weave.columns());
    if entries.is_none_or(|entries| entries > MOST) {
        return Err(Fault::illegal(format!(
            "the matrix has {} rows and {} columns, at most {MOST} entries are written; text and SVG are sampled",
            weave.rows(),
            weave.columns()
        )));
    }
    Ok(())
}

fn entry_text(weave: &Weave, weights: Option<&[f64]>, weight: usize) -> String {
    match weights {
        Some(values) => values.get(weight).map_or_else(String::new, f64::to_string),
        None => weave.weight_name(weight),
    }
}

/// A row in full, `0` where no tap leads.
fn full_row(weave: &Weave, weights: Option<&[f64]>, row: usize) -> Vec<String> {
    let mut cells = vec!["0".to_owned(); weave.columns()];
    for (column, weight) in weave.entries(row) {
        cells[column] = entry_text(weave, weights, weight);
    }
    cells
}

fn csv(weave: &Weave, weights: Option<&[f64]>) -> String {
    let quoted = |cell: String| {
        if cell.contains(',') {
            format!("\"{cell}\"")
        } else {
            cell
        }
    };
    let mut text = String::new();
    for row in 0..weave.rows() {
        let cells: Vec<String> = full_row(weave, weights, row)
            .into_iter()
            .map(quoted)
            .collect();
        text += &cells.join(",");
        text.push('\n');
    }
    text
}

fn npy(weave: &Weave, weights: &[f64], kind: Kind) -> Result<Report, Failure> {
    let mut dense = Array2::<f64>::zeros((weave.rows(), weave.columns()));
    for row in 0..weave.rows() {
        for (column, weight) in weave.entries(row) {
            dense[[row, column]] = weights[weight];
        }
    }
    let mut bytes = Vec::new();
    let written = match kind {
        Kind::Single => dense.mapv(|value| value as f32).write_npy(&mut bytes),
        Kind::Double | Kind::Integer => dense.write_npy(&mut bytes),
    };
    written.map_err(|error| Failure::file("the array", &error))?;
    Ok(Report::file(bytes, summary(weave)))
}

fn text(weave: &Weave, weights: Option<&[f64]>) -> Report {
    let table = Table::new(weave, Table::TEXT);
    let shown = |row: usize| {
        let mut cells = vec![".".to_owned(); table.columns().len()];
        for (column, weight) in weave.entries(row) {
            if let Ok(place) = table.columns().binary_search(&column) {
                cells[place] = entry_text(weave, weights, weight);
            }
        }
        cells
    };
    let cells: Vec<Vec<String>> = table.rows().iter().map(|row| shown(*row)).collect();
    let width = cells
        .iter()
        .flatten()
        .map(|cell| cell.chars().count())
        .max()
        .unwrap_or(1);
    let mut text = String::new();
    for row in &cells {
        let line: Vec<String> = row.iter().map(|cell| format!("{cell:>width$}")).collect();
        text += line.join(" ").trim_end();
        text.push('\n');
    }
    if let Some(note) = table.note() {
        text += &format!("{note}\n");
    }
    let entries = |row: &usize| -> Vec<Value> {
        weave
            .entries(*row)
            .map(|(column, weight)| {
                let value = weights.map_or_else(
                    || json!(weave.weight_name(weight)),
                    |values| json!(values[weight]),
                );
                json!({ "column": column, "weight": value })
            })
            .collect()
    };
    let rows: Vec<Value> = table
        .rows()
        .iter()
        .map(|row| json!({ "row": row, "entries": entries(row) }))
        .collect();
    let json = json!({ "rows": weave.rows(), "columns": weave.columns(), "sampled": table.note(), "entries": rows });
    Report::new(text, json)
}
