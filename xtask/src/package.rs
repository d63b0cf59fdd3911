//! The packages that are published: complete, and building from what they hold alone.

use anyhow::Result;

use crate::command::Invocation;
use crate::console::Console;

/// Packages both crates together, so that conv-std is built against the packaged conv-core.
///
/// # Errors
///
/// If either cannot be packaged, or its package does not build.
pub(crate) fn check(console: &Console) -> Result<()> {
    Invocation::cargo("package --locked --allow-dirty -p conv-core -p conv-std").expect(console)?;
    Ok(())
}
