//! Counts instructions with the board's timer, where an emulator's time goes by instructions: under QEMU's
//! `-icount shift=0` each takes one nanosecond.
//!
//! | boards | timer | resolution |
//! |---|---|---|
//! | MPS2 and MPS3 | SysTick on the core's clock | 31 to 50 instructions |
//! | `microbit` | TIMER0 of the nRF51822 at 16 MHz | 63 instructions |
//! | `riscv32-virt` | the counter of retired instructions | 1 instruction |

/// Iterations of the loop that [`Counter::start`] measures, of two instructions each.
const ITERATIONS: u32 = 1 << 22;

/// A running timer, and what it shows for a known number of instructions.
#[derive(Clone, Copy, Debug)]
pub struct Counter {
    ticks: u64,
}

impl Counter {
    /// Starts the timer, of which nothing else may make use. `None` where its time does not go by instructions: two
    /// runs of one loop then take times that differ.
    #[must_use]
    pub fn start() -> Option<Self> {
        timer::start();
        let [first, second] = [(); 2].map(|()| {
            let start = timer::now();
            spin(ITERATIONS);
            timer::since(start)
        });
        (first > 0 && first.abs_diff(second) <= 2).then_some(Self { ticks: first })
    }

    /// A point in time for [`Counter::since`].
    #[must_use]
    pub fn now(&self) -> u64 {
        timer::now()
    }

    /// Instructions since a point in time, at most some hundred million.
    #[must_use]
    pub fn since(&self, start: u64) -> u64 {
        timer::since(start) * u64::from(2 * ITERATIONS) / self.ticks
    }
}

/// A loop of two instructions, so many times.
#[inline(never)]
#[allow(unsafe_code)]
fn spin(iterations: u32) {
    // SAFETY: it counts a register down to 0 and touches nothing else but the flags.
    unsafe {
        #[cfg(target_arch = "arm")]
        core::arch::asm!(
            "2: subs {0}, {0}, #1", "bne 2b",
            inout(reg) iterations => _, options(nomem, nostack)
        );
        #[cfg(target_arch = "riscv32")]
        core::arch::asm!(
            "2: addi {0}, {0}, -1", "bnez {0}, 2b",
            inout(reg) iterations => _, options(nomem, nostack)
        );
    }
}

#[cfg(target_arch = "arm")]
mod timer {
    use cortex_m::peripheral::{SYST, syst::SystClkSource};

    use crate::timer::nrf51;

    const IS_NRF51: bool = matches!(crate::NAME.as_bytes(), b"microbit");
    /// The bits that the counter has.
    const MASK: u32 = if IS_NRF51 { u32::MAX } else { 0x00ff_ffff };

    pub(super) fn start() {
        if IS_NRF51 {
            return nrf51::count();
        }
        #[allow(unsafe_code)]
        // SAFETY: nothing else in the program uses SysTick, by the promise that `Counter::start` asks for.
        let mut timer: SYST = unsafe { cortex_m::Peripherals::steal() }.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(MASK);
        timer.clear_current();
        timer.enable_counter();
    }

    pub(super) fn now() -> u64 {
        // SysTick counts down.
        u64::from(if IS_NRF51 {
            nrf51::captured()
        } else {
            !SYST::get_current() & MASK
        })
    }

    pub(super) fn since(start: u64) -> u64 {
        u64::from((now() as u32).wrapping_sub(start as u32) & MASK)
    }
}

#[cfg(target_arch = "riscv32")]
mod timer {
    pub(super) fn start() {}

    pub(super) fn now() -> u64 {
        riscv::register::minstret::read64()
    }

    pub(super) fn since(start: u64) -> u64 {
        now().wrapping_sub(start)
    }
}
