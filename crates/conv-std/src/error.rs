//! What can be wrong with a plan or a run.

use core::fmt;

use conv_core::{Buffer, Dimension};

use crate::kernels::SimdLevel;

/// Why a plan was not built, or a run did not happen. In a run the output is as it was.
///
/// ```
/// use conv_std::{Conv2d, ndarray::Array4};
///
/// let kernel = Array4::<f32>::zeros((8, 3, 3, 3));
/// let plan = Conv2d::new(kernel.view()).build()?;
/// let error = plan.run(Array4::<f32>::zeros((1, 4, 9, 9)).view()).unwrap_err();
/// assert_eq!(error.to_string(), "input has 4 channels, expected 3");
/// # Ok::<(), conv_std::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// Shapes, sizes, groups or the accumulator: conv-core's error, which names what it is about.
    Geometry(conv_core::Error),
    /// The SIMD level asked for is not one that this CPU has.
    Simd {
        /// The level.
        level: SimdLevel,
    },
    /// An output padding was given together with an output extent or a padding that decides it.
    OutputPadding {
        /// The axis.
        dimension: Dimension,
        /// The output padding.
        found: usize,
    },
    /// The allocator refused a buffer.
    Allocation {
        /// What the buffer was for.
        buffer: Buffer,
        /// Its number of elements.
        elements: usize,
    },
}

impl From<conv_core::Error> for Error {
    fn from(error: conv_core::Error) -> Self {
        Self::Geometry(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Geometry(error) => error.fmt(f),
            Self::Simd { level } => {
                write!(f, "the SIMD level {level} is not available on this CPU")
            }
            Self::OutputPadding { dimension, found } => write!(
                f,
                "{dimension}: the output padding is {found}, expected 0 beside an output extent or SAME padding"
            ),
            Self::Allocation { buffer, elements } => {
                write!(f, "no memory for the {elements} elements of the {buffer}")
            }
        }
    }
}

impl core::error::Error for Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Geometry(error) => Some(error),
            _ => None,
        }
    }
}

/// A zeroed buffer, or an error instead of an abort where the allocator refuses.
pub(crate) fn allocate<T: Copy>(
    buffer: Buffer,
    elements: usize,
    value: T,
) -> Result<Vec<T>, Error> {
    let mut memory = Vec::new();
    memory
        .try_reserve_exact(elements)
        .map_err(|_| Error::Allocation { buffer, elements })?;
    memory.resize(elements, value);
    Ok(memory)
}
