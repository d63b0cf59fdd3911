//! What can be wrong with a question.

use core::fmt;

use conv_core::convention::ConventionError;
use conv_core::{AxisError, Error};

/// Why a question has no answer.
///
/// ```
/// use conv_scene::Fault;
///
/// let fault = Fault::from(conv_core::AxisError::ZeroStride);
/// assert_eq!(fault, Fault::Illegal("the stride is 0, expected at least 1".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The question itself makes no sense: a value that is not a number, a list of the wrong length.
    Usage(String),
    /// The setting is illegal, or cannot be said; the library's sentence where it has one.
    Illegal(String),
}

impl Fault {
    /// A [`Fault::Usage`] of this text.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// A [`Fault::Illegal`] of this text.
    pub fn illegal(text: impl Into<String>) -> Self {
        Self::Illegal(text.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Illegal(text) => f.write_str(text),
        }
    }
}

impl core::error::Error for Fault {}

impl From<ConventionError> for Fault {
    fn from(error: ConventionError) -> Self {
        Self::Illegal(error.to_string())
    }
}

impl From<AxisError> for Fault {
    fn from(error: AxisError) -> Self {
        Self::Illegal(error.to_string())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Illegal(error.to_string())
    }
}
