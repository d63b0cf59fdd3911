//! A periodic interrupt, from whichever timer the board has.
//!
//! | boards | timer | clock |
//! |---|---|---|
//! | MPS2 and MPS3 | SysTick, the core's own | the core's: 20, 25 or 32 MHz |
//! | `microbit` | TIMER0 of the nRF51822, whose Cortex-M0 has no SysTick | 1 MHz |
//! | `riscv32-virt` | the machine timer | 10 MHz |
//!
//! [`timer!`](crate::timer!) names the function that the interrupt calls, [`start`] starts it.

/// Names the function, a `fn()`, that the timer's interrupt calls.
///
/// ```ignore
/// board::timer!(sample);
///
/// fn sample() { … }
/// ```
#[macro_export]
macro_rules! timer {
    ($handler:path) => {
        #[cfg(target_arch = "arm")]
        #[allow(unsafe_code)]
        // SAFETY: the start-up code's vector table holds this symbol, and calls it with the C calling
        // convention; nothing else in the program exports it.
        #[unsafe(export_name = "SysTick")]
        extern "C" fn __board_system_tick() {
            let handler: fn() = $handler;
            handler();
        }

        #[cfg(target_arch = "arm")]
        #[allow(unsafe_code)]
        // SAFETY: as above. The vector table of the start-up code sends every interrupt here that is not
        // of the core itself.
        #[unsafe(export_name = "DefaultHandler")]
        extern "C" fn __board_peripheral() {
            let handler: fn() = $handler;
            $crate::timer::acknowledge();
            handler();
        }

        #[cfg(target_arch = "riscv32")]
        #[allow(unsafe_code)]
        // SAFETY: as above, of the start-up code's table of core interrupts.
        #[unsafe(export_name = "MachineTimer")]
        extern "C" fn __board_machine_timer() {
            let handler: fn() = $handler;
            $crate::timer::acknowledge();
            handler();
        }
    };
}

/// Sleeps until an interrupt has been served. One that came just before is waited for in vain; the
/// timer's next one ends the sleep.
pub fn sleep() {
    #[cfg(target_arch = "arm")]
    cortex_m::asm::wfi();
    #[cfg(target_arch = "riscv32")]
    riscv::asm::wfi();
}

#[cfg(target_arch = "arm")]
pub(crate) use arm::nrf51;
#[cfg(target_arch = "arm")]
pub use arm::{acknowledge, start};
#[cfg(target_arch = "riscv32")]
pub use riscv32::{acknowledge, start};

#[cfg(target_arch = "arm")]
mod arm {
    use cortex_m::peripheral::scb::VectActive;
    use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};

    /// The board whose timer is not the core's.
    const MICROBIT: &str = "microbit";

    /// Starts the interrupt, one every so many microseconds, at most half a second.
    pub fn start(microseconds: u32) {
        let megahertz = match crate::NAME {
            MICROBIT => return nrf51::start(microseconds),
            "mps2-an505" => 20,
            "mps3-an547" => 32,
            _ => 25,
        };
        #[allow(unsafe_code)]
        // SAFETY: nothing else in the program uses SysTick.
        let mut timer: SYST = unsafe { cortex_m::Peripherals::steal() }.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(microseconds * megahertz - 1);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
    }

    /// Tells a timer outside the core that its interrupt is being served. Stops here, as the start-up
    /// code does, at an interrupt that nothing asked for.
    pub fn acknowledge() {
        let timer = VectActive::Interrupt {
            irqn: nrf51::INTERRUPT,
        };
        if crate::NAME != MICROBIT || SCB::vect_active() != timer {
            loop {
                cortex_m::asm::nop();
            }
        }
        nrf51::acknowledge();
    }

    pub(crate) mod nrf51 {
        /// TIMER0 and its interrupt (nRF51 reference manual, "Timer/counter").
        pub(super) const INTERRUPT: u8 = 8;
        const TIMER0: usize = 0x4000_8000;
        const TASKS_START: usize = TIMER0;
        const TASKS_CAPTURE_0: usize = TIMER0 + 0x040;
        const EVENTS_COMPARE_0: usize = TIMER0 + 0x140;
        const SHORTS: usize = TIMER0 + 0x200;
        const INTENSET: usize = TIMER0 + 0x304;
        const BITMODE: usize = TIMER0 + 0x508;
        const PRESCALER: usize = TIMER0 + 0x510;
        const CC_0: usize = TIMER0 + 0x540;
        /// The interrupt controller's register that enables interrupts 0 to 31.
        const ISER: usize = 0xE000_E100;

        pub(super) fn start(microseconds: u32) {
            write(PRESCALER, 4); // 16 MHz / 2⁴
            write(BITMODE, 3); // 32 bits
            write(CC_0, microseconds);
            write(SHORTS, 1); // start again from 0 at the compare event
            write(INTENSET, 1 << 16); // interrupt at the compare event
            write(ISER, 1 << INTERRUPT);
            write(TASKS_START, 1);
        }

        pub(super) fn acknowledge() {
            write(EVENTS_COMPARE_0, 0);
        }

        /// Starts counting at 16 MHz, in 32 bits.
        pub(crate) fn count() {
            write(PRESCALER, 0);
            write(BITMODE, 3);
            write(TASKS_START, 1);
        }

        /// What [`count`] has come to.
        pub(crate) fn captured() -> u32 {
            write(TASKS_CAPTURE_0, 1);
            #[allow(unsafe_code)]
            // SAFETY: as for `write`.
            unsafe {
                (CC_0 as *const u32).read_volatile()
            }
        }

        fn write(register: usize, value: u32) {
            #[allow(unsafe_code)]
            // SAFETY: the addresses above are 32-bit registers of the nRF51822, and this runs on no other
            // board; nothing else in the program uses the timer.
            unsafe {
                (register as *mut u32).write_volatile(value);
            }
        }
    }
}

#[cfg(target_arch = "riscv32")]
mod riscv32 {
    use core::sync::atomic::{AtomicU32, Ordering};

    /// The core-local interruptor of QEMU's virt machine: the time, and the time of the next interrupt.
    const MTIME: usize = 0x0200_BFF8;
    const MTIMECMP: usize = 0x0200_4000;
    const TICKS_PER_MICROSECOND: u32 = 10;

    static PERIOD: AtomicU32 = AtomicU32::new(0);

    /// Starts the interrupt, one every so many microseconds, at most half a second.
    pub fn start(microseconds: u32) {
        PERIOD.store(microseconds * TICKS_PER_MICROSECOND, Ordering::Relaxed);
        acknowledge();
        #[allow(unsafe_code)]
        // SAFETY: `timer!` has named the handler, which is ready from the start.
        unsafe {
            riscv::register::mie::set_mtimer();
            riscv::interrupt::enable();
        }
    }

    /// Sets the time of the next interrupt, which ends the present one.
    pub fn acknowledge() {
        let next = now() + u64::from(PERIOD.load(Ordering::Relaxed));
        // In between, the time of the next interrupt is never too early.
        write(MTIMECMP + 4, u32::MAX);
        write(MTIMECMP, next as u32);
        write(MTIMECMP + 4, (next >> 32) as u32);
    }

    fn now() -> u64 {
        loop {
            let high = read(MTIME + 4);
            let low = read(MTIME);
            if read(MTIME + 4) == high {
                return (u64::from(high) << 32) | u64::from(low);
            }
        }
    }

    fn read(register: usize) -> u32 {
        #[allow(unsafe_code)]
        // SAFETY: the addresses above are halves of 64-bit registers of the virt machine, the only board
        // of this architecture.
        unsafe {
            (register as *const u32).read_volatile()
        }
    }

    fn write(register: usize, value: u32) {
        #[allow(unsafe_code)]
        // SAFETY: as for `read`; nothing else in the program uses the timer.
        unsafe {
            (register as *mut u32).write_volatile(value);
        }
    }
}
