//! `cargo xtask explorer`: the page as a folder of static files, served on loopback, checked in a browser.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use wasm_bindgen_cli_support::Bindgen;

use crate::command::{Invocation, root, target_directory};
use crate::console::Console;
use crate::image::{self, Program};
use crate::setup;
use crate::targets::{TARGETS, Target};
use crate::toolchain::{self, Choice, Toolchain};

/// Where the page's own files are.
const WEB: &str = "crates/conv-explorer/web";
/// The page is served below this path, as a project's page is on most hosts.
const SUB_PATH: &str = "/conv/";
/// Bytes of a request that are read.
const LONGEST_REQUEST: u64 = 1 << 16;

/// Arguments of `cargo xtask explorer`.
#[derive(Args)]
pub(crate) struct ExplorerArgs {
    /// Serve the page on loopback until the command is ended.
    #[arg(long)]
    serve: bool,
    /// Serve it and open it in the browser.
    #[arg(long)]
    open: bool,
    /// Compare the page in a browser without a window with the native library.
    #[arg(long, conflicts_with_all = ["serve", "open"])]
    check: bool,
    /// The port to serve on [default: one that is free].
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
}

/// Builds the page into `target/explorer`, and serves or checks it.
///
/// # Errors
///
/// If it cannot be built, the port is taken, or the page differs from the library.
pub(crate) fn verb(console: &Console, arguments: &ExplorerArgs, choice: Choice) -> Result<()> {
    if arguments.check {
        return check(console, choice);
    }
    let directory = build(console, choice)?;
    println!("{}", directory.display());
    if !arguments.serve && !arguments.open {
        return Ok(());
    }
    let server = listen(arguments.port)?;
    let address = address(&server)?;
    println!("{address}");
    if arguments.open {
        Invocation::new("xdg-open").arg(&address).run(console)?;
    }
    answer(&server, &directory);
    Ok(())
}

/// Tests the package on this machine, then builds the page and drives it in a browser: what it shows has to be what the native
/// library says.
///
/// # Errors
///
/// If a test fails, a browser cannot be had, or anything differs.
pub(crate) fn check(console: &Console, choice: Choice) -> Result<()> {
    let browser = [
        ("chromium", "chromium"),
        ("chromedriver", "chromium-driver"),
    ];
    setup::packages(console, &browser)?;
    Invocation::cargo("test --locked --package conv-explorer").expect(console)?;
    let directory = build(console, choice)?;
    let server = listen(0)?;
    let address = address(&server)?;
    thread::spawn(move || answer(&server, &directory));
    let screenshots = target_directory().join("explorer-screenshots");
    let outcome = Invocation::cargo("run --locked --quiet --package conv-browser --")
        .arg(address)
        .path(&screenshots)
        .expect(console)?;
    console.say(outcome.stdout().trim_end());
    Ok(())
}

fn build(console: &Console, choice: Choice) -> Result<PathBuf> {
    let target = webassembly()?;
    let program = Program {
        workspace: "",
        package: "conv-explorer",
        file: "conv_explorer.wasm",
        profile: "page",
        // The page has allocations and strings; what else is built for this target has neither.
        arguments: match toolchain::resolve(target, choice)? {
            Toolchain::Rustup => "",
            Toolchain::Debian => "-Zbuild-std=std,panic_abort",
        },
        layout: None,
        flags: &[],
    };
    let image = image::build(console, &program, target, choice)?;
    let directory = target_directory().join("explorer");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    for file in fs::read_dir(root().join(WEB))? {
        let file = file?;
        fs::copy(file.path(), directory.join(file.file_name()))?;
    }
    Bindgen::new()
        .input_path(&image)
        .out_name("conv_explorer")
        .web(true)?
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(directory.join("wasm"))
        .map_err(|error| anyhow!("cannot bind {}: {error:#}", image.display()))?;
    Ok(directory)
}

fn webassembly() -> Result<&'static Target> {
    let mut targets = TARGETS.iter();
    targets
        .find(|target| target.name == "wasm32")
        .context("there is no target wasm32")
}

fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("cannot serve on port {port}"))
}

fn address(server: &TcpListener) -> Result<String> {
    Ok(format!("http://{}{SUB_PATH}", server.local_addr()?))
}

/// Answers requests until the process ends, a thread and one answer for each connection: browsers keep several open.
fn answer(server: &TcpListener, directory: &Path) {
    for connection in server.incoming().flatten() {
        let directory = directory.to_owned();
        // The browser may have gone away in the middle of an answer.
        thread::spawn(move || drop(respond(connection, &directory)));
    }
}

fn respond(mut connection: TcpStream, directory: &Path) -> Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut lines = BufReader::new(connection.try_clone()?.take(LONGEST_REQUEST)).lines();
    let request = lines.next().context("no request")??;
    // The headers are read, so that closing does not cut the answer off.
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let url = request
        .strip_prefix("GET ")
        .and_then(|rest| rest.split(' ').next());
    let found = url
        .context("not a GET")
        .and_then(|url| file(directory, url));
    let (status, kind, body) = match found {
        Ok(path) => ("200 OK", kind(&path), fs::read(&path)?),
        Err(_) => ("404 Not Found", "text/plain", Vec::new()),
    };
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    connection.write_all(&body)?;
    Ok(())
}

/// The file that an address names, inside the directory.
fn file(directory: &Path, url: &str) -> Result<PathBuf> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.strip_prefix(SUB_PATH).context("outside the page")?;
    let name = if name.is_empty() { "index.html" } else { name };
    let inside = |part: Component| matches!(part, Component::Normal(_));
    if !Path::new(name).components().all(inside) {
        bail!("{name} is outside the page");
    }
    let path = directory.join(name);
    if !path.is_file() {
        bail!("there is no {name}");
    }
    Ok(path)
}

fn kind(path: &Path) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        // A browser compiles a module as it arrives only if it is called one.
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::file;

    #[test]
    fn only_files_of_the_page_are_served() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("page");
        std::fs::create_dir_all(page.join("wasm")).unwrap();
        std::fs::write(page.join("index.html"), "").unwrap();
        std::fs::write(page.join("wasm/a.js"), "").unwrap();
        std::fs::write(directory.path().join("secret"), "").unwrap();
        assert_eq!(file(&page, "/conv/").unwrap(), page.join("index.html"));
        assert_eq!(
            file(&page, "/conv/wasm/a.js?v").unwrap(),
            page.join("wasm/a.js")
        );
        for outside in [
            "/",
            "/conv/../secret",
            "/conv//etc/passwd",
            "/conv/none",
            "/conv/wasm",
        ] {
            assert!(file(&page, outside).is_err(), "{outside}");
        }
    }
}
