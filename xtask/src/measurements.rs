//! What a firmware program measures of a list of things, board by board, as a table.

use anyhow::{Context, Result, bail};

use crate::console::Console;
use crate::firmware;
use crate::image::{self, Program};
use crate::targets::Target;
use crate::toolchain::Choice;

/// A program that prints a line `name: number` for each thing that it measures.
pub(crate) struct Measuring {
    /// The binary of the firmware workspace.
    pub(crate) binary: &'static str,
    /// What the table is of.
    pub(crate) title: &'static str,
    /// Fewer lines are an error.
    pub(crate) at_least: usize,
}

/// What one board measured: names and numbers.
pub(crate) type Column = Vec<(String, usize)>;

impl Measuring {
    /// Builds and runs the program on each board, and prints the table.
    ///
    /// # Errors
    ///
    /// If the program cannot be built or run, or prints something else.
    pub(crate) fn table(
        &self,
        console: &Console,
        boards: &[&Target],
        choice: Choice,
    ) -> Result<Vec<Column>> {
        let mut columns = Vec::new();
        for target in boards {
            let arguments = format!("--bin {}", self.binary);
            let program = Program {
                arguments: &arguments,
                ..firmware::program(self.binary)
            };
            let image = image::build(console, &program, target, choice)?;
            let text = firmware::run(console, self.binary, &image, target)?;
            let column = self.column(&text);
            columns.push(column.with_context(|| format!("on {}", target.machine_name()))?);
        }
        let Some(first) = columns.first() else {
            return Ok(columns);
        };
        print!("{:40}", self.title);
        boards
            .iter()
            .for_each(|target| print!(" {:>11}", target.name));
        println!();
        for (row, (name, _)) in first.iter().enumerate() {
            print!("{name:40}");
            for column in &columns {
                print!(" {:>11}", column[row].1);
            }
            println!();
        }
        Ok(columns)
    }

    fn column(&self, text: &str) -> Result<Column> {
        let parse = |line: &str| {
            let (name, number) = line
                .split_once(": ")
                .with_context(|| format!("not a measurement: {line:?}"))?;
            let number = number
                .parse()
                .with_context(|| format!("not a number: {line:?}"))?;
            Ok((name.to_owned(), number))
        };
        let lines = text.lines().map(parse).collect::<Result<Vec<_>>>()?;
        if lines.len() < self.at_least {
            bail!(
                "{} things were measured, expected at least {}",
                lines.len(),
                self.at_least
            );
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::Measuring;

    #[test]
    fn measurements_are_read_and_counted() {
        let measuring = Measuring {
            binary: "",
            title: "",
            at_least: 20,
        };
        let text = "layer: 12\n".repeat(20);
        assert_eq!(measuring.column(&text).unwrap()[19], ("layer".into(), 12));
        assert!(measuring.column("layer: 12\n").is_err());
        assert!(measuring.column(&"layer: all\n".repeat(20)).is_err());
    }
}
