//! Why the command fails, and with which exit code.

use std::fmt;
use std::path::Path;

use conv_scene::Fault;

/// A sentence, and whether the user or the setting is at fault.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The question.
    Fault(Fault),
    /// A file, by name.
    File(String),
    /// The reader of standard output has gone: nothing to report.
    Closed,
}

impl Failure {
    pub(crate) fn file(path: impl AsRef<Path>, error: &dyn fmt::Display) -> Self {
        Self::File(format!("{}: {error}", path.as_ref().display()))
    }

    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Fault(Fault::Usage(_)) => 2,
            Self::Fault(Fault::Illegal(_)) | Self::File(_) => 1,
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::File(text) => f.write_str(text),
            Self::Closed => f.write_str("standard output is closed"),
        }
    }
}
