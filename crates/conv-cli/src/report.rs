//! What a verb answers, and where it goes: to standard output or, whole or not at all, to a file.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde_json::Value;

use crate::failure::Failure;

/// An answer in its forms.
pub(crate) struct Report {
    content: Content,
    json: Value,
}

enum Content {
    /// What is printed, unless JSON is asked for instead.
    Text(Vec<u8>),
    /// What a file is to hold, JSON or not.
    File(Vec<u8>),
}

impl Report {
    /// A text for people and the same for programs.
    pub(crate) fn new(text: impl Into<String>, json: Value) -> Self {
        let content = Content::Text(text.into().into_bytes());
        Self { content, json }
    }

    /// A file's content, and what programs may want to know of it.
    pub(crate) const fn file(bytes: Vec<u8>, json: Value) -> Self {
        let content = Content::File(bytes);
        Self { content, json }
    }
}

/// Prints the answer, or writes it to `file`. Of a file's content JSON is printed beside.
pub(crate) fn deliver(
    report: &Report,
    json: bool,
    file: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let pretty = format!("{:#}\n", report.json).into_bytes();
    match (&report.content, json, file) {
        (Content::File(bytes), true, Some(path)) => {
            write_whole(Path::new(path), bytes)?;
            print(&pretty, out)
        }
        (Content::Text(_), true, Some(path)) => write_whole(Path::new(path), &pretty),
        (_, true, None) => print(&pretty, out),
        (Content::File(bytes) | Content::Text(bytes), false, Some(path)) => {
            write_whole(Path::new(path), bytes)
        }
        (Content::File(bytes) | Content::Text(bytes), false, None) => print(bytes, out),
    }
}

fn print(bytes: &[u8], out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::Closed),
        written => written.map_err(|error| Failure::file("standard output", &error)),
    }
}

/// Writes a file beside its place and then moves it there: what was there stays until the new one is whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::file(path, &"is a directory, expected a file"));
    }
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let write = || {
        let mut file = new_beside(directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: std::io::Error| Failure::file(path, &plain(&error)))
}

fn new_beside(directory: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".conv-");
    // As any file that a program writes; the umask takes its share.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(directory)
}

/// The error without the temporary file's name, which says nothing to the user.
fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "the directory does not exist".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        kind => kind.to_string(),
    }
}
