//! The matrix C itself, as a view that computes its entries when asked: what tests hold the kernels against,
//! and what a reader prints to understand.
//!
//! Row `r` of C belongs to output element `r`, column `c` to input element `c`, both numbered in memory order
//! with channels innermost. Each entry is one weight or zero, for one tap at most leads from an input to an
//! output position. In one dimension C is a Toeplitz matrix (each row is the one above moved by the stride),
//! in two dimensions a doubly blocked one.
//!
//! ```
//! use conv_core::{Window1d, window1d};
//!
//! window1d! { struct Half: stride 2, pad 1 }
//!
//! let kernel = [1_i8, 2, 3];
//! let matrix = Half::matrix(&kernel, 5)?;
//! assert_eq!(matrix.to_string(), "\
//! 2 3 0 0 0
//! 0 1 2 3 0
//! 0 0 0 1 2
//! ");
//! assert_eq!(matrix.transposed().to_string(), "\
//! 2 0 0
//! 3 1 0
//! 0 2 0
//! 0 3 1
//! 0 0 2
//! ");
//! # Ok::<(), conv_core::Error>(())
//! ```

use core::fmt;

use crate::axis::Axis;
use crate::element::{Element, Multiply};
use crate::engine::Direction;
use crate::error::{Buffer, Dimension, Error};
use crate::geometry::{Geometry, KernelLayout, Orientation, WeightStrides};

/// The matrix of a geometry and a kernel, or its transpose. See the [module](self).
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, W, const D: usize> {
    geometry: Geometry<D>,
    strides: WeightStrides<D>,
    kernel: &'a [W],
    direction: Direction,
}

impl<'a, W: Element, const D: usize> Matrix<'a, W, D> {
    /// The matrix C of `geometry` with the weights `kernel`, laid out as `layout` says.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] if the kernel has not as many weights as the geometry,
    /// [`Error::DepthwiseGroups`] if the layout is depthwise and the geometry is not.
    pub const fn new(
        geometry: Geometry<D>,
        layout: KernelLayout,
        kernel: &'a [W],
    ) -> Result<Self, Error> {
        if kernel.len() != geometry.kernel_elements() {
            return Err(Error::Elements {
                buffer: Buffer::Kernel,
                expected: geometry.kernel_elements(),
                found: kernel.len(),
            });
        }
        if matches!(layout, KernelLayout::SpatialOutput)
            && geometry.groups() != geometry.input_channels()
        {
            return Err(Error::DepthwiseGroups {
                groups: geometry.groups(),
                input_channels: geometry.input_channels(),
            });
        }
        Ok(Self {
            geometry,
            strides: geometry.weight_strides(layout),
            kernel,
            direction: Direction::Direct,
        })
    }

    /// Cᵀ of C and C of Cᵀ: rows and columns exchanged, no entry changed.
    #[must_use]
    pub const fn transposed(self) -> Self {
        Self {
            direction: match self.direction {
                Direction::Direct => Direction::Transposed,
                Direction::Transposed => Direction::Direct,
            },
            ..self
        }
    }

    /// Number of rows: elements that a product with this matrix has.
    #[must_use]
    pub const fn rows(&self) -> usize {
        match self.direction {
            Direction::Direct => self.geometry.output_elements(),
            Direction::Transposed => self.geometry.input_elements(),
        }
    }

    /// Number of columns: elements that this matrix multiplies.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.transposed().rows()
    }

    /// The entry in `row` and `column`; zero where no tap leads from one to the other, and outside the matrix.
    #[must_use]
    pub fn entry(&self, row: usize, column: usize) -> W {
        self.row(row)
            .find(|&(found, _)| found == column)
            .map_or(W::ZERO, |(_, weight)| weight)
    }

    /// The entries of a row that belong to a tap, as `(column, weight)`, in the order in which the operations
    /// add them up: by kernel position, then by channel. A weight of zero is among them. Empty outside the
    /// matrix.
    #[must_use]
    pub fn row(&self, row: usize) -> Entries<'a, W, D> {
        let channels = self.far_channels();
        let count = if row < self.rows() {
            self.geometry.kernel().iter().product::<usize>() * channels
        } else {
            0
        };
        Entries {
            matrix: *self,
            near: row,
            next: 0,
            count,
        }
    }

    /// The entries of a column that belong to a tap, as `(row, weight)`: the row of the transposed matrix.
    #[must_use]
    pub fn column(&self, column: usize) -> Entries<'a, W, D> {
        self.transposed().row(column)
    }

    /// The product with a vector, literally: `output[row] = Σ entry(row, column)·input[column]`, summed in the
    /// order of [`Matrix::row`].
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] unless `input` has as many elements as there are columns and `output` as many as there
    /// are rows; [`Error::Accumulator`] where the sum could overflow. The output is then untouched.
    pub fn multiply<T, A>(&self, input: &[T], output: &mut [A]) -> Result<(), Error>
    where
        T: Multiply<W, A>,
        A: Element,
    {
        for (buffer, expected, found) in [
            (Buffer::Input, self.columns(), input.len()),
            (Buffer::Output, self.rows(), output.len()),
        ] {
            if expected != found {
                return Err(Error::Elements {
                    buffer,
                    expected,
                    found,
                });
            }
        }
        let taps = match self.direction {
            Direction::Direct => self.geometry.taps(),
            Direction::Transposed => self.geometry.transposed_taps(),
        };
        Geometry::<D>::check_accumulator::<T, W, A>(taps)?;
        for (row, slot) in output.iter_mut().enumerate() {
            *slot = self.row(row).fold(A::ZERO, |sum, (column, weight)| {
                input
                    .get(column)
                    .map_or(sum, |&x| T::multiply_add(sum, x, weight))
            });
        }
        Ok(())
    }

    /// Writes the matrix out, zeros included.
    ///
    /// ```
    /// use conv_core::{Window1d, window1d};
    ///
    /// window1d! { struct Plain }
    ///
    /// let mut dense = [[0_i8; 4]; 3];
    /// Plain::matrix(&[1_i8, 2], 4)?.write_dense(&mut dense)?;
    /// assert_eq!(dense, [[1, 2, 0, 0], [0, 1, 2, 0], [0, 0, 1, 2]]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Extent`] unless `dense` has the matrix's rows and columns.
    pub fn write_dense<const ROWS: usize, const COLUMNS: usize>(
        &self,
        dense: &mut [[W; COLUMNS]; ROWS],
    ) -> Result<(), Error> {
        for (dimension, expected, found) in [
            (Dimension::Rows, self.rows(), ROWS),
            (Dimension::Columns, self.columns(), COLUMNS),
        ] {
            if expected != found {
                return Err(Error::Extent {
                    buffer: Buffer::Matrix,
                    dimension,
                    expected,
                    found,
                });
            }
        }
        for (row, slots) in dense.iter_mut().enumerate() {
            slots.fill(W::ZERO);
            for (column, weight) in self.row(row) {
                if let Some(slot) = slots.get_mut(column) {
                    *slot = weight;
                }
            }
        }
        Ok(())
    }

    /// Channels of a group on the side of the columns.
    const fn far_channels(&self) -> usize {
        let channels = match self.direction {
            Direction::Direct => self.geometry.input_channels(),
            Direction::Transposed => self.geometry.output_channels(),
        };
        match channels.checked_div(self.geometry.groups()) {
            Some(channels) => channels,
            None => 0,
        }
    }

    const fn extents(&self, direction: Direction) -> ([usize; D], usize) {
        match direction {
            Direction::Direct => (self.geometry.output(), self.geometry.output_channels()),
            Direction::Transposed => (self.geometry.input(), self.geometry.input_channels()),
        }
    }

    /// The column and weight that tap `tap` and far channel `channel` have in row `near`, if the tap leads
    /// anywhere from there. The tap is numbered in kernel order, slowest axis first.
    fn entry_of_tap(&self, near: usize, tap: usize, channel: usize) -> Option<(usize, W)> {
        let (near_extents, near_channels) = self.extents(self.direction);
        let (far_extents, far_channels) = self.extents(self.transposed().direction);
        let group_channels = far_channels.checked_div(self.geometry.groups())?;
        let near_channel = near.checked_rem(near_channels)?;
        let group_size = near_channels.checked_div(self.geometry.groups())?;
        let group = near_channel.checked_div(group_size)?;
        let far_channel = group * group_channels + channel;

        let (mut near_rest, mut tap_rest) = (near.checked_div(near_channels)?, tap);
        let (mut far, mut far_scale, mut weight) = (0, 1, 0);
        let axes = self.geometry.axes().iter();
        let extents = near_extents.iter().zip(&far_extents);
        for ((axis, tap_weights), (&near_extent, &far_extent)) in
            axes.zip(&self.strides.tap).zip(extents).rev()
        {
            let position = near_rest.checked_rem(near_extent)?;
            near_rest = near_rest.checked_div(near_extent)?;
            let j = tap_rest.checked_rem(axis.kernel)?;
            tap_rest = tap_rest.checked_div(axis.kernel)?;
            far += self.reached(axis, position, j, far_extent)? * far_scale;
            far_scale *= far_extent;
            let stored = match self.geometry.orientation() {
                Orientation::Correlation => j,
                Orientation::Convolution => axis.kernel - 1 - j,
            };
            weight += stored * tap_weights;
        }
        // Both channels counted within their group.
        let near_in_group = near_channel.checked_rem(group_size)?;
        let (output_channel, input_channel) = match self.direction {
            Direction::Direct => (near_in_group, channel),
            Direction::Transposed => (channel, near_in_group),
        };
        weight += group * self.strides.group
            + output_channel * self.strides.output_channel
            + input_channel * self.strides.input_channel;
        let weight = *self.kernel.get(weight)?;
        Some((far * far_channels + far_channel, weight))
    }

    /// The position on the far side that tap `j` leads to along one axis: input `t·s + j·d − pad_before` of
    /// output `t`, or the output `t` of which that is input `position`.
    fn reached(&self, axis: &Axis, position: usize, j: usize, far_extent: usize) -> Option<usize> {
        let offset = (j * axis.dilation) as isize;
        let reached = match self.direction {
            Direction::Direct => {
                let window = (position * axis.stride) as isize;
                usize::try_from(window.wrapping_add(offset).wrapping_sub(axis.pad_before)).ok()?
            }
            Direction::Transposed => {
                let window = (position as isize).wrapping_add(axis.pad_before);
                let window = usize::try_from(window.wrapping_sub(offset)).ok()?;
                if window.checked_rem(axis.stride)? != 0 {
                    return None;
                }
                window.checked_div(axis.stride)?
            }
        };
        (reached < far_extent).then_some(reached)
    }
}

/// The entries of a row or column. See [`Matrix::row`].
#[derive(Clone, Debug)]
pub struct Entries<'a, W, const D: usize> {
    matrix: Matrix<'a, W, D>,
    near: usize,
    next: usize,
    count: usize,
}

impl<W: Element, const D: usize> Iterator for Entries<'_, W, D> {
    type Item = (usize, W);

    fn next(&mut self) -> Option<(usize, W)> {
        let channels = self.matrix.far_channels();
        while self.next < self.count {
            let tap = self.next.checked_div(channels)?;
            let channel = self.next.checked_rem(channels)?;
            self.next += 1;
            if let Some(entry) = self.matrix.entry_of_tap(self.near, tap, channel) {
                return Some(entry);
            }
        }
        None
    }
}

impl<W: Element + fmt::Display, const D: usize> fmt::Display for Matrix<'_, W, D> {
    /// One line a row, entries separated by spaces; a width in the format pads each entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in 0..self.rows() {
            for column in 0..self.columns() {
                if column > 0 {
                    f.write_str(" ")?;
                }
                fmt::Display::fmt(&self.entry(row, column), f)?;
            }
            f.write_str("\n")?;
        }
        Ok(())
    }
}
