//! Prints the digest through the host's `print`; `run.mjs` beside this is such a host.
#![no_std]

use core::fmt::{self, Write};

use conv_digest::{Report, Summary};

#[allow(unsafe_code)]
mod host {
    #[link(wasm_import_module = "host")]
    unsafe extern "C" {
        /// Prints `length` bytes of UTF-8 that begin at `text`.
        pub(crate) fn print(text: *const u8, length: usize);
    }
}

struct Console;

impl Write for Console {
    #[allow(unsafe_code)]
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // SAFETY: pointer and length are those of a live string, which the host only reads.
        unsafe { host::print(text.as_ptr(), text.len()) };
        Ok(())
    }
}

fn print(part: fn(Report<'_>) -> Summary) -> u32 {
    let summary = part(&mut |case, hash| {
        let _ = writeln!(Console, "case {case} {hash:016x}");
    });
    let _ = writeln!(Console, "{summary}");
    summary.failures
}

/// Runs the cases of the plain operations and returns how many failed their own check.
#[allow(unsafe_code)]
// SAFETY: nothing else in this module exports the name.
#[unsafe(no_mangle)]
pub extern "C" fn operations() -> u32 {
    print(conv_digest::operations)
}

/// Runs the cases of quantised layers and streams and returns how many failed their own check.
#[allow(unsafe_code)]
// SAFETY: nothing else in this module exports the name.
#[unsafe(no_mangle)]
pub extern "C" fn layers() -> u32 {
    print(conv_digest::layers)
}

/// Runs the cases of the core's own kernels and returns how many failed their own check.
#[allow(unsafe_code)]
// SAFETY: nothing else in this module exports the name.
#[unsafe(no_mangle)]
pub extern "C" fn kernels() -> u32 {
    print(conv_digest::kernels)
}

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    let _ = writeln!(Console, "{info}");
    core::arch::wasm32::unreachable()
}
