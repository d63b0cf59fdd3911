//! conv-std's tests under Valgrind: its kernels are the unsafe code that runs on this machine. That of conv-core, for other cores, is
//! swept with guarded buffers on those.

use anyhow::{Result, bail};

use crate::command::Invocation;
use crate::console::Console;
use crate::setup;

/// The test binaries and which of their tests: all that run kernels on small shapes. The sweeps of tens of thousands of
/// shapes would take hours.
const TESTS: [(&str, &str); 5] = [
    (
        "oracle",
        "f32_images f32_volumes f32_depthwise f64_images i8_i8_i32_images i8_i8_i32_depthwise u8_i8_i32_images \
         i16_i8_i64_images i16_i16_i64_images i32_i32_i128_images gradients_in_2d gradients_of_depthwise",
    ),
    ("quantised", ""),
    ("api", ""),
    ("threads", ""),
    ("hostile", ""),
];

/// Runs them; a read or write that is not in its buffer, or of what was not written before, is an error.
///
/// # Errors
///
/// If Valgrind is missing, finds anything or a test fails.
pub(crate) fn check(console: &Console) -> Result<()> {
    setup::packages(console, &[("valgrind", "valgrind")])?;
    for (binary, names) in TESTS {
        let outcome = Invocation::cargo("test --locked -p conv-std --test")
            .arg(binary)
            .words("--")
            .words(names)
            .words("--test-threads=2")
            .env(
                "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER",
                "valgrind --quiet --error-exitcode=99",
            )
            .expect(console)?;
        let wanted = names.split_whitespace().count().max(1);
        let text = outcome.stdout();
        let passed = text
            .lines()
            .filter(|line| line.starts_with("test ") && line.ends_with(" ok"))
            .count();
        if passed < wanted {
            bail!("{binary}: {passed} tests passed under Valgrind, expected at least {wanted}");
        }
    }
    Ok(())
}
