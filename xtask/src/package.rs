//! The packages that are published: complete, and building from what they hold alone.

use std::fs;

use anyhow::{Context, Result};

use crate::command::{Invocation, target_directory};
use crate::console::Console;

/// Packages both crates together, so that conv-std is built against the packaged conv-core.
///
/// The target directory is a new one each time. Cargo unpacks conv-core's package into its home
/// under a name that stands for the target directory, and what is unpacked there already it takes
/// as it is: conv-std would be built against the conv-core of the last run.
///
/// # Errors
///
/// If either cannot be packaged, or its package does not build.
pub(crate) fn check(console: &Console) -> Result<()> {
    let parent = target_directory();
    fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let directory = tempfile::Builder::new()
        .prefix("package-")
        .tempdir_in(&parent)
        .with_context(|| format!("cannot make a directory in {}", parent.display()))?;
    Invocation::cargo("package --locked --allow-dirty -p conv-core -p conv-std --target-dir")
        .path(directory.path())
        .expect(console)?;
    Ok(())
}
