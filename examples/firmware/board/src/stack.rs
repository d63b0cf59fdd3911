//! How deep a call goes: the memory below the stack pointer is painted, the call runs, and what it painted over counts.

use core::hint::black_box;
use core::ptr::{self, with_exposed_provenance, with_exposed_provenance_mut};

/// Words painted: 4 KiB, of which every board has more free than that below `main`.
const WORDS: usize = 1024;

/// Unlikely as a value that a program writes.
const PAINT: u32 = 0xC0DE_57AC;

/// Bytes of stack that `work` takes, the frame of the call included. Interrupts have to be off.
///
/// `None` where it took all that was painted, or more.
#[inline(never)]
#[allow(unsafe_code)]
pub fn depth(work: &mut impl FnMut()) -> Option<usize> {
    let top = pointer();
    let places = (1..=WORDS).map(|word| top.wrapping_sub(word * size_of::<u32>()));
    for place in places.clone() {
        // SAFETY: below the stack pointer is memory that nothing uses until the next call, and none comes before
        // the loop ends; it is RAM, aligned to words as the stack pointer is.
        unsafe { ptr::write_volatile(with_exposed_provenance_mut::<u32>(place), PAINT) };
    }
    call(work);
    let intact = places.rev().take_while(|&place| {
        // SAFETY: as above; whatever was written there, any bits are a `u32`.
        let word = unsafe { ptr::read_volatile(with_exposed_provenance::<u32>(place)) };
        word == PAINT
    });
    match WORDS - intact.count() {
        WORDS => None,
        words => Some(words * size_of::<u32>()),
    }
}

#[inline(never)]
fn call(work: &mut impl FnMut()) {
    black_box(work)();
}

/// The stack pointer.
#[inline(always)]
fn pointer() -> usize {
    #[cfg(target_arch = "arm")]
    return cortex_m::register::msp::read() as usize;
    #[cfg(target_arch = "riscv32")]
    {
        let pointer: usize;
        #[allow(unsafe_code)]
        // SAFETY: it copies a register and touches nothing else.
        unsafe {
            core::arch::asm!("mv {}, sp", out(reg) pointer, options(nomem, nostack, preserves_flags));
        }
        pointer
    }
}
