//! Drives the explorer in a browser and compares what the page shows with the native library:
//! `conv-browser ADDRESS SCREENSHOTS`.
//!
//! Settings are made with the page's own controls; what has to be seen is worked out here, from [`conv_scene`] compiled
//! for this machine.

mod browser;
mod checks;
mod model;
mod screenshots;

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::browser::Browser;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("no address is given")?;
    let directory = arguments.next().context("no directory is given")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(&address, Path::new(&directory)))
}

async fn run(address: &str, directory: &Path) -> Result<()> {
    let start = Instant::now();
    let browser = Browser::start().await?;
    browser.open(address).await?;
    let compared = checks::sweep(&browser).await?;
    checks::refused(&browser).await?;
    checks::hover(&browser).await?;
    checks::weights(&browser).await?;
    checks::legal_outputs(&browser).await?;
    checks::figures(&browser).await?;
    checks::animation(&browser).await?;
    checks::picture(&browser).await?;
    checks::address(&browser, address).await?;
    checks::keyboard(&browser, address).await?;
    let files = screenshots::take(&browser, address, directory).await?;
    checks::no_messages(&browser).await?;
    browser.stop().await?;
    println!(
        "{compared} pictures compared with the library, {files} screenshots in {}, {:.0} s",
        directory.display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
