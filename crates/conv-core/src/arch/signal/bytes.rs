//! Armv7E-M: SXTB16 widens bytes 0 and 2 of a word, and with a rotation 1 and 3; SMLAD multiplies two pairs. Four neighbouring
//! outputs of four taps take 19 instructions, loads included: pairs `(x[k], x[k+2])` serve two outputs each.

use core::arch::naked_asm;

use super::WIDTH;

/// Four neighbouring outputs.
///
/// # Safety
///
/// As [`Sum::add`](super::Sum::add), both steps being 1.
#[inline(always)]
pub(super) unsafe fn rolling(
    sums: &mut [i32; WIDTH],
    x: *const i8,
    weights: *const i8,
    taps: usize,
) {
    // SAFETY: 1 and 2 as here.
    unsafe { neighbours(sums, x, weights, taps) }
}

/// Of four taps from `x` on inputs 0 to 6 are read, which are those of the four outputs.
///
/// # Safety
///
/// As [`rolling`].
#[unsafe(naked)]
unsafe extern "C" fn neighbours(
    sums: &mut [i32; WIDTH],
    x: *const i8,
    weights: *const i8,
    taps: usize,
) {
    // r4 to r7 the sums, r8 weights 0 and 2, r9 1 and 3, r10 to r12 inputs.
    naked_asm!(
        "push {{r4-r11, lr}}
         ldm r0, {{r4-r7}}
         subs r3, #4
         blo 2f
        1:
         ldr r9, [r2], #4
         sxtb16 r8, r9
         sxtb16 r9, r9, ror #8
         ldr r10, [r1], #4
         sxtb16 r11, r10
         sxtb16 r12, r10, ror #8
         smlad r4, r11, r8, r4
         smlad r4, r12, r9, r4
         smlad r5, r12, r8, r5
         ldr r10, [r1, #-2]
         sxtb16 r11, r10
         sxtb16 r12, r10, ror #8
         smlad r5, r11, r9, r5
         smlad r6, r11, r8, r6
         smlad r6, r12, r9, r6
         smlad r7, r12, r8, r7
         ldr r10, [r1, #-1]
         sxtb16 r11, r10, ror #8
         smlad r7, r11, r9, r7
         subs r3, #4
         bhs 1b
        2:
         adds r3, #4
         beq 4f
        3:
         ldrsb r8, [r2], #1
         ldrsb r9, [r1], #1
         ldrsb r10, [r1]
         ldrsb r11, [r1, #1]
         ldrsb r12, [r1, #2]
         mla r4, r9, r8, r4
         mla r5, r10, r8, r5
         mla r6, r11, r8, r6
         mla r7, r12, r8, r7
         subs r3, #1
         bne 3b
        4:
         stm r0, {{r4-r7}}
         pop {{r4-r11, pc}}"
    )
}

/// Four outputs whose inputs lie apart.
///
/// # Safety
///
/// As [`Sum::add`](super::Sum::add), `tap` being 1.
#[inline(always)]
pub(super) unsafe fn apart(
    sums: &mut [i32; WIDTH],
    x: *const i8,
    step: usize,
    weights: *const i8,
    taps: usize,
) {
    // SAFETY: 1 and 2 as here.
    unsafe { distant(sums, x, weights, taps, step) }
}

/// # Safety
///
/// As [`apart`].
#[unsafe(naked)]
unsafe extern "C" fn distant(
    sums: &mut [i32; WIDTH],
    x: *const i8,
    weights: *const i8,
    taps: usize,
    step: usize,
) {
    // r4 to r7 the sums, r0 r1 r12 lr the inputs' addresses, r8 weights 0 and 2, r9 1 and 3, r10 r11 inputs.
    macro_rules! four_taps {
        ($address:literal, $sum:literal) => {
            concat!(
                "ldr r11, [",
                $address,
                "], #4\n",
                "sxtb16 r10, r11\n",
                "sxtb16 r11, r11, ror #8\n",
                "smlad ",
                $sum,
                ", r10, r8, ",
                $sum,
                "\n",
                "smlad ",
                $sum,
                ", r11, r9, ",
                $sum,
                "\n",
            )
        };
    }
    macro_rules! tap {
        ($address:literal, $sum:literal) => {
            concat!(
                "ldrsb r10, [",
                $address,
                "], #1\n",
                "mla ",
                $sum,
                ", r10, r8, ",
                $sum,
                "\n",
            )
        };
    }
    naked_asm!(
        "push {{r0, r4-r11, lr}}
         ldm r0, {{r4-r7}}
         ldr r0, [sp, #40]
         add r12, r1, r0
         add lr, r12, r0
         add r0, lr, r0
         subs r3, #4
         blo 2f
        1:
         ldr r9, [r2], #4
         sxtb16 r8, r9
         sxtb16 r9, r9, ror #8",
        four_taps!("r1", "r4"),
        four_taps!("r12", "r5"),
        four_taps!("lr", "r6"),
        four_taps!("r0", "r7"),
        "subs r3, #4
         bhs 1b
        2:
         adds r3, #4
         beq 4f
        3:
         ldrsb r8, [r2], #1",
        tap!("r1", "r4"),
        tap!("r12", "r5"),
        tap!("lr", "r6"),
        tap!("r0", "r7"),
        "subs r3, #1
         bne 3b
        4:
         pop {{r0}}
         stm r0, {{r4-r7}}
         pop {{r4-r11, pc}}"
    )
}
