//! Armv7-M and later: SMLAL multiplies two words and adds the product to 64 bits, so that two outputs of two taps take six
//! instructions, loads included.

use core::arch::naked_asm;

use super::WIDTH;

/// # Safety
///
/// As [`Sum::add`](super::Sum::add), both steps being 1.
#[inline(always)]
pub(super) unsafe fn rolling(
    sums: &mut [i64; WIDTH],
    x: *const i32,
    weights: *const i32,
    taps: usize,
) {
    let sums = sums.as_mut_ptr();
    // SAFETY: 1 and 2 as here, of two outputs each; 3: there are four sums.
    unsafe {
        neighbours(sums, x, weights, taps);
        neighbours(sums.add(2), x.wrapping_add(2), weights, taps);
    }
}

/// # Safety
///
/// As [`Sum::add`](super::Sum::add), `tap` being 1.
#[inline(always)]
pub(super) unsafe fn apart(
    sums: &mut [i64; WIDTH],
    x: *const i32,
    step: usize,
    weights: *const i32,
    taps: usize,
) {
    let sums = sums.as_mut_ptr();
    // SAFETY: 1 and 2 as here, of two outputs each; 3: there are four sums.
    unsafe {
        distant(sums, x, weights, taps, step);
        distant(sums.add(2), x.wrapping_add(2 * step), weights, taps, step);
    }
}

/// Two neighbouring outputs.
///
/// # Safety
///
/// 1. `taps` weights may be read, 2. so may `taps + 1` inputs unless there are no taps, 3. two sums may be read and written.
#[unsafe(naked)]
unsafe extern "C" fn neighbours(sums: *mut i64, x: *const i32, weights: *const i32, taps: usize) {
    // r4 r5 and r6 r7 the sums, r8 the input that both outputs still need, r9 r10 weights, r11 r12 inputs.
    macro_rules! two_taps {
        ($first:literal, $last:literal) => {
            concat!(
                "ldrd r9, r10, [r2], #8
                 ldrd r11, ",
                $last,
                ", [r1], #8
                 smlal r4, r5, ",
                $first,
                ", r9
                 smlal r6, r7, r11, r9
                 smlal r4, r5, r11, r10
                 smlal r6, r7, ",
                $last,
                ", r10
                "
            )
        };
    }
    naked_asm!(
        "cmp r3, #0
         beq 5f
         push {{r4-r11, lr}}
         ldm r0, {{r4-r7}}
         ldr r8, [r1], #4
         subs r3, #8
         blo 2f
        1:",
        two_taps!("r8", "r12"),
        two_taps!("r12", "r8"),
        two_taps!("r8", "r12"),
        two_taps!("r12", "r8"),
        "subs r3, #8
         bhs 1b
        2:
         adds r3, #8
         beq 4f
        3:
         ldr r9, [r2], #4
         ldr r11, [r1], #4
         smlal r4, r5, r8, r9
         smlal r6, r7, r11, r9
         mov r8, r11
         subs r3, #1
         bne 3b
        4:
         stm r0, {{r4-r7}}
         pop {{r4-r11, pc}}
        5:
         bx lr"
    )
}

/// Two outputs whose inputs lie `step` words apart.
///
/// # Safety
///
/// 1. `taps` weights may be read, 2. so may as many inputs, and as many from `step` on, 3. two sums may be read and written.
#[unsafe(naked)]
unsafe extern "C" fn distant(
    sums: *mut i64,
    x: *const i32,
    weights: *const i32,
    taps: usize,
    step: usize,
) {
    // r4 r5 and r6 r7 the sums, r1 and lr the inputs of both, r8 r9 weights, r10 r11 inputs.
    macro_rules! two_taps {
        () => {
            "ldrd r8, r9, [r2], #8
             ldrd r10, r11, [r1], #8
             smlal r4, r5, r10, r8
             smlal r4, r5, r11, r9
             ldrd r10, r11, [lr], #8
             smlal r6, r7, r10, r8
             smlal r6, r7, r11, r9
            "
        };
    }
    naked_asm!(
        "push {{r4-r11, lr}}
         ldr lr, [sp, #36]
         add lr, r1, lr, lsl #2
         ldm r0, {{r4-r7}}
         subs r3, #4
         blo 2f
        1:",
        two_taps!(),
        two_taps!(),
        "subs r3, #4
         bhs 1b
        2:
         adds r3, #4
         beq 4f
        3:
         ldr r8, [r2], #4
         ldr r10, [r1], #4
         ldr r11, [lr], #4
         smlal r4, r5, r10, r8
         smlal r6, r7, r11, r8
         subs r3, #1
         bne 3b
        4:
         stm r0, {{r4-r7}}
         pop {{r4-r11, pc}}"
    )
}
