//! What the firmware examples share: start-up, a memory layout for each board, and a console.
//!
//! A program names its main function with [`entry!`], prints with [`println!`] and ends by
//! returning, or with [`exit`]. Everything goes through semihosting: the debugger, or QEMU, does the
//! printing, so that no board needs a driver.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//!
//! board::entry!(main);
//!
//! fn main() {
//!     board::println!("hello from {}", board::NAME);
//! }
//! ```
//!
//! | board | core | code | data | start-up |
//! |---|---|---|---|---|
//! | `microbit` | Cortex-M0 | 256 KiB | 16 KiB | as every Cortex-M |
//! | `mps2-an385` | Cortex-M3 | 4 MiB | 4 MiB | as every Cortex-M |
//! | `mps2-an386` | Cortex-M4F | 4 MiB | 4 MiB | the FPU is switched on before `main` |
//! | `mps2-an500` | Cortex-M7 | 4 MiB | 4 MiB | the FPU is switched on before `main` |
//! | `mps2-an505` | Cortex-M33 | 4 MiB | 2 MiB | secure state, secure addresses; FPU on |
//! | `mps3-an547` | Cortex-M55 | 512 KiB | 512 KiB | secure state, secure addresses; FPU and Helium on |
//! | `riscv32-virt` | RV32IMC | 4 MiB | 4 MiB | no firmware: the hart starts in the program |
//!
//! The environment variable `CONV_BOARD` chooses among them when the program is built;
//! `cargo xtask` sets it.
#![no_std]

#[cfg(target_os = "none")]
pub mod counter;
#[cfg(target_os = "none")]
pub mod stack;
#[cfg(target_os = "none")]
pub mod timer;

#[cfg(target_arch = "arm")]
use cortex_m_rt as _;
#[cfg(target_arch = "riscv32")]
use riscv_rt as _;

// The critical sections of the one core there is.
#[cfg(target_arch = "arm")]
pub use cortex_m;
#[cfg(target_arch = "riscv32")]
pub use riscv;
pub use semihosting::{print, println};

/// The board that this program is linked for.
pub const NAME: &str = match option_env!("CONV_BOARD") {
    Some(name) => name,
    None => "host",
};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well; QEMU's exit code is 0.
    Success,
    /// Something failed; QEMU's exit code is 1.
    Failure,
}

/// Ends the program, and QEMU with it.
pub fn exit(how: Exit) -> ! {
    semihosting::process::exit(match how {
        Exit::Success => 0,
        Exit::Failure => 1,
    })
}

/// Prints text without the formatting machinery, which can panic: for programs that prove that
/// nothing else in them can.
pub fn print_text(text: &str) {
    console::write(text.as_bytes());
}

/// Prints a number as 16 hexadecimal digits, without the formatting machinery.
pub fn print_hex(value: u64) {
    let mut text = [0; 16];
    for (position, digit) in text.iter_mut().enumerate() {
        let nibble = (value >> (60 - 4 * position as u32)) as u8 & 15;
        *digit = if nibble < 10 {
            b'0' + nibble
        } else {
            b'a' + nibble - 10
        };
    }
    if let Ok(text) = core::str::from_utf8(&text) {
        print_text(text);
    }
}

/// The console, by semihosting calls alone: the crate's own streams check for conditions that end in a
/// panic.
mod console {
    use semihosting::sys::arm_compat::syscall::{OperationNumber, ParamRegR, syscall_readonly};

    /// To open for writing, as `fopen`'s `w`.
    const WRITE: usize = 4;

    #[allow(unsafe_code)]
    pub(crate) fn write(bytes: &[u8]) {
        let path = c":tt";
        let open = [
            ParamRegR::c_str(path),
            ParamRegR::usize(WRITE),
            ParamRegR::usize(path.count_bytes()),
        ];
        // SAFETY: SYS_OPEN reads a block of three words, the first of them the address of a string
        // that ends with a zero, and writes nothing; block and string live until it returns.
        let file = unsafe { syscall_readonly(OperationNumber::SYS_OPEN, ParamRegR::block(&open)) };
        let write = [
            ParamRegR::usize(file.usize()),
            ParamRegR::buf(bytes),
            ParamRegR::usize(bytes.len()),
        ];
        // SAFETY: SYS_WRITE reads a block of three words and as many bytes as the third says, and
        // writes nothing; block and bytes live until it returns. A bad file is refused.
        unsafe { syscall_readonly(OperationNumber::SYS_WRITE, ParamRegR::block(&write)) };
        let close = [ParamRegR::usize(file.usize())];
        // SAFETY: SYS_CLOSE reads a block of one word, which lives until it returns.
        unsafe { syscall_readonly(OperationNumber::SYS_CLOSE, ParamRegR::block(&close)) };
    }
}

/// Names the main function of a program, a `fn()`.
///
/// It is called once memory is ready and the floating-point unit, where there is one, is on. The
/// program ends with [`Exit::Success`] when it returns.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[allow(unsafe_code)]
        // SAFETY: `main` is the symbol that the start-up code of both architectures calls, once,
        // with the C calling convention; nothing else in the program exports it.
        #[unsafe(export_name = "main")]
        extern "C" fn __board_entry() -> ! {
            let main: fn() = $main;
            main();
            $crate::exit($crate::Exit::Success)
        }
    };
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    semihosting::eprintln!("{info}");
    exit(Exit::Failure)
}
