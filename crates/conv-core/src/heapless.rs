//! Run-time lengths with [`heapless::Vec`] outputs, behind the feature `heapless`.
//!
//! Inputs are slices, so a [`heapless::Vec`] goes in as it is.
//!
//! ```
//! use conv_core::{Axis, Geometry};
//! use heapless::Vec;
//!
//! let block: Vec<i8, 16> = Vec::from_slice(&[1, 2, 3, 4])?;
//! let geometry = Geometry::direct([Axis::new(2)], [block.len()], 1, 1, 1).unwrap();
//! let sums: Vec<i32, 8> = geometry.conv_vec(&block, &[1_i8, 1]).unwrap();
//! assert_eq!(sums, [3, 5, 7]);
//!
//! let error = geometry.conv_vec::<i8, i8, i32, 2>(&block, &[1, 1]).unwrap_err();
//! assert_eq!(error.to_string(), "output has 3 elements, expected at most the capacity of 2");
//! # Ok::<(), heapless::CapacityError>(())
//! ```

use ::heapless::Vec;

use crate::dynamic::{Operation, Planar};
use crate::element::{Element, Multiply};
use crate::error::Error;
use crate::finish::{Finish, raw};
use crate::geometry::Geometry;

/// A vector of `length` zeros.
pub(crate) fn zeros<S: Copy, const N: usize>(length: usize, zero: S) -> Result<Vec<S, N>, Error> {
    let mut vector = Vec::new();
    match vector.resize(length, zero) {
        Ok(()) => Ok(vector),
        Err(_) => Err(Error::Capacity {
            needed: length,
            available: N,
        }),
    }
}

macro_rules! vector_forms {
    ($($(#[$doc:meta])* $name:ident, $(#[$doc_with:meta])* $name_with:ident => $operation:ident;)*) => {
        impl<const D: usize> Geometry<D>
        where
            Self: Planar,
        {$(
            $(#[$doc])*
            ///
            /// # Errors
            ///
            /// [`Error::Capacity`] where the output does not fit `N` elements, [`Error::Elements`] for a buffer of
            /// the wrong length, [`Error::Accumulator`] where the sum could overflow.
            pub fn $name<T, W, A, const N: usize>(&self, input: &[T], kernel: &[W]) -> Result<Vec<A, N>, Error>
            where
                T: Multiply<W, A>,
                W: Element,
                A: Element,
            {
                self.$name_with(input, kernel, raw())
            }

            $(#[$doc_with])*
            ///
            /// # Errors
            ///
            /// As without a finish, and [`Error::Extent`] where a bias has not one value for each channel.
            pub fn $name_with<T, W, F, const N: usize>(
                &self,
                input: &[T],
                kernel: &[W],
                finish: F,
            ) -> Result<Vec<F::Output, N>, Error>
            where
                T: Multiply<W, F::Accumulator>,
                W: Element,
                F: Finish,
            {
                let operation = Operation::$operation;
                let mut output = zeros(operation.target_elements(self), F::Output::ZERO)?;
                operation.run(self, input, kernel, &mut output, &finish)?;
                Ok(output)
            }
        )*}
    };
}

vector_forms! {
    /// [`Geometry::conv`] into a vector.
    conv_vec,
    /// [`Geometry::conv_with`] into a vector.
    conv_vec_with => CONV;
    /// [`Geometry::conv_transpose`] into a vector.
    conv_transpose_vec,
    /// [`Geometry::conv_transpose_with`] into a vector.
    conv_transpose_vec_with => CONV_TRANSPOSE;
    /// [`Geometry::depthwise`] into a vector.
    depthwise_vec,
    /// [`Geometry::depthwise_with`] into a vector.
    depthwise_vec_with => DEPTHWISE;
    /// [`Geometry::depthwise_transpose`] into a vector.
    depthwise_transpose_vec,
    /// [`Geometry::depthwise_transpose_with`] into a vector.
    depthwise_transpose_vec_with => DEPTHWISE_TRANSPOSE;
}
