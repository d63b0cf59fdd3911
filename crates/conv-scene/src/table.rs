//! The matrix as a table: whole where it is small, sampled and saying so where it is not.

use std::fmt::Write as _;

use crate::layer::Direction;
use crate::weave::Weave;

/// Rows and columns of a matrix that are shown.
#[derive(Clone, Debug)]
pub struct Table<'a> {
    weave: &'a Weave,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

/// Every index below `count`, or as many as the limit evenly spread, the first and the last among them.
fn sampled(count: usize, limit: usize) -> Vec<usize> {
    if count <= limit {
        return (0..count).collect();
    }
    let last = count as u128 - 1;
    let steps = limit as u128 - 1;
    (0..limit as u128)
        .map(|step| (last * step / steps) as usize)
        .collect()
}

impl<'a> Table<'a> {
    /// Rows and columns of a text.
    pub const TEXT: usize = 40;
    /// Rows and columns of a picture.
    pub const PICTURE: usize = 128;

    /// At most `limit` rows and columns of a weave, at least 2.
    ///
    /// ```
    /// # use conv_scene::{Layer, operation::{OWN, Role}, value::Values, weave::Weave};
    /// use conv_scene::table::Table;
    ///
    /// # let values = Values::new().with(Role::Input, 100).with(Role::Kernel, 3);
    /// let weave = Weave::new(&Layer::resolve(&OWN, &values)?)?;
    /// let table = Table::new(&weave, 4);
    /// assert_eq!(table.columns(), [0, 33, 66, 99]);
    /// assert_eq!(table.note().unwrap(), "sampled: 4 of 98 rows and 4 of 100 columns");
    /// assert!(Table::new(&weave, 100).note().is_none());
    /// # Ok::<(), conv_scene::Fault>(())
    /// ```
    #[must_use]
    pub fn new(weave: &'a Weave, limit: usize) -> Self {
        let limit = limit.max(2);
        Self {
            weave,
            rows: sampled(weave.rows(), limit),
            columns: sampled(weave.columns(), limit),
        }
    }

    /// The rows that are shown, ascending.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The columns that are shown, ascending.
    #[must_use]
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// What is not shown, if anything is not.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let (rows, columns) = (self.weave.rows(), self.weave.columns());
        let whole = self.rows.len() == rows && self.columns.len() == columns;
        (!whole).then(|| {
            format!(
                "sampled: {} of {rows} rows and {} of {columns} columns",
                self.rows.len(),
                self.columns.len()
            )
        })
    }

    /// A picture: a cell for each entry, coloured by its weight; with what `name` calls the weights, by their numbers,
    /// where there is room.
    #[must_use]
    pub fn svg(&self, name: &dyn Fn(usize) -> String) -> String {
        let names: Vec<String> = (0..self.weave.weights()).map(name).collect();
        let name_length = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        let named = self.rows.len() <= 40 && self.columns.len() <= 40 && name_length <= 8;
        let cell = if named { 8 * name_length + 4 } else { 8 };
        let height = if named { 22 } else { 8 };
        let (left, top) = (16, 44);
        let (width, tall) = (self.columns.len() * cell, self.rows.len() * height);
        let matrix = match self.weave.layer().direction {
            Direction::Direct => "C",
            Direction::Transposed => "Cᵀ",
        };
        let note = self
            .note()
            .map_or_else(String::new, |note| format!(", {note}"));
        let title = format!(
            "{matrix}, {} × {}{note}",
            self.weave.rows(),
            self.weave.columns()
        );
        let (picture_width, picture_height) =
            ((width + 2 * left).max(8 * title.len()), tall + top + left);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{picture_width}\" height=\"{picture_height}\" viewBox=\"0 0 {picture_width} {picture_height}\" font-family=\"DejaVu Sans, sans-serif\">\n<rect class=\"sheet\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n<text class=\"text\" x=\"{left}\" y=\"26\" font-size=\"15\" fill=\"#22303c\">{title}</text>\n<rect class=\"matrix\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{tall}\" fill=\"#f4f6f8\" stroke=\"#9aa7b2\"/>\n"
        );
        for (y, row) in self.rows.iter().enumerate() {
            let y = top + y * height;
            // Writing to a string does not fail.
            let _ = writeln!(
                svg,
                "<g class=\"row\" data-row=\"{row}\"><rect class=\"row\" x=\"{left}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"none\"/>"
            );
            for (column, weight) in self.weave.entries(*row) {
                let Ok(x) = self.columns.binary_search(&column) else {
                    continue;
                };
                let x = left + x * cell;
                // Neighbouring weights far apart on the circle of hues.
                let hue = weight * 137 % 360;
                let Some(name) = names.get(weight) else {
                    continue;
                };
                let _ = write!(
                    svg,
                    "<rect class=\"entry\" data-column=\"{column}\" data-weight=\"{weight}\" x=\"{x}\" y=\"{y}\" width=\"{cell}\" height=\"{height}\" fill=\"hsl({hue}, 55%, 78%)\"><title>row {row}, column {column}: {name}</title></rect>"
                );
                if named {
                    let _ = write!(
                        svg,
                        "<text class=\"name\" x=\"{}\" y=\"{}\" font-size=\"12\" text-anchor=\"middle\" fill=\"#22303c\">{name}</text>",
                        x + cell / 2,
                        y + 15
                    );
                }
                svg.push('\n');
            }
            svg.push_str("</g>\n");
        }
        svg + "</svg>\n"
    }
}
