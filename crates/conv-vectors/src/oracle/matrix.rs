//! The matrix C, written out.

use std::vec::Vec;

use super::{Problem, Value, positions};

/// A dense matrix, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T> {
    /// Rows: one per element of y.
    pub rows: usize,
    /// Columns: one per element of x.
    pub columns: usize,
    entries: Vec<T>,
}

/// The matrix of one image: `y = C x` with both flattened channels first (channel, position). Where
/// a boundary makes several taps read one element, their weights add up.
///
/// `kernel(y_channel, x_channel_in_group, tap)` as for [`super::direct`]; `None` when the problem
/// has no output.
///
/// ```
/// use conv_vectors::oracle::{Axis, Problem, matrix};
///
/// // Three taps over four elements: two rows, each the kernel, one further along.
/// let problem = Problem::new(&[Axis::new(4, 3)]);
/// let c = matrix(&problem, |_, _, tap| i128::from([1, 2, 3][tap[0]])).unwrap();
/// assert_eq!(c.row(0), [1, 2, 3, 0]);
/// assert_eq!(c.row(1), [0, 1, 2, 3]);
/// assert_eq!(c.apply_transposed(&[1, 10]), [1, 12, 23, 30]);
/// ```
pub fn matrix<T: Value>(
    problem: &Problem,
    kernel: impl Fn(usize, usize, &[usize]) -> T,
) -> Option<Matrix<T>> {
    let output = problem.output_extents()?;
    let input = problem.input_extents();
    let axes = output.len();
    let taps = problem.kernel_extents();
    let columns = problem.x_channels * input.iter().product::<usize>();
    let mut rows = Vec::new();
    for y_channel in 0..problem.y_channels {
        for at in positions(&output) {
            let mut row = std::vec![super::Sum::default(); columns];
            for channel in 0..problem.x_channels_per_group() {
                for tap in positions(&taps) {
                    let Some(from) = problem.source(&at, &tap) else {
                        continue;
                    };
                    let plane = problem.x_channel(y_channel, channel);
                    let column = input
                        .iter()
                        .zip(from)
                        .fold(plane, |index, (extent, at)| index * extent + at);
                    let stored = problem.stored(&tap);
                    row[column].add(kernel(y_channel, channel, &stored[..axes]), T::ONE);
                }
            }
            rows.push(row);
        }
    }
    Some(Matrix {
        rows: rows.len(),
        columns,
        entries: rows.iter().flatten().map(|entry| entry.value()).collect(),
    })
}

impl<T: Value> Matrix<T> {
    /// One row.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &[T] {
        &self.entries[row * self.columns..][..self.columns]
    }

    /// One entry.
    ///
    /// # Panics
    ///
    /// When it is outside.
    #[must_use]
    pub fn at(&self, row: usize, column: usize) -> T {
        self.row(row)[column]
    }

    /// C x.
    ///
    /// # Panics
    ///
    /// When x is shorter than a row.
    #[must_use]
    pub fn apply(&self, x: &[T]) -> Vec<T> {
        let product = |row: usize| {
            let mut sum = super::Sum::default();
            (0..self.columns).for_each(|column| sum.add(self.at(row, column), x[column]));
            sum.value()
        };
        (0..self.rows).map(product).collect()
    }

    /// Cᵀ y.
    ///
    /// # Panics
    ///
    /// When y is shorter than a column.
    #[must_use]
    pub fn apply_transposed(&self, y: &[T]) -> Vec<T> {
        let product = |column: usize| {
            let mut sum = super::Sum::default();
            (0..self.rows).for_each(|row| sum.add(self.at(row, column), y[row]));
            sum.value()
        };
        (0..self.columns).map(product).collect()
    }
}
