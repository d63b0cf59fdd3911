//! Armv7-M and Armv8-M without the DSP extension: MLA multiplies and adds, loads need no alignment.

use core::arch::naked_asm;

use crate::arch::packed::Block;
use crate::arch::packed::depthwise::Quads;

/// Four taps: sixteen multiply-accumulates of two channels for two pixels.
///
/// ```text
/// r0 columns   r1 weights   r3–r6 words of columns   r7 weight   r8 group   r9 C
/// r10 r11 T and B of the first channel   r12 lr those of the second
/// ```
macro_rules! four_taps {
    () => {
        "ldm r0!, {{r3, r4, r5, r6}}
         ldrsb r7, [r1], #8
         mla r8, r3, r7, r9
         ldrsb r7, [r1, #-7]
         mla r8, r4, r7, r8
         ldrsb r7, [r1, #-6]
         mla r3, r3, r7, r9
         ldrsb r7, [r1, #-5]
         mla r3, r4, r7, r3
         add r10, r10, r8
         add r11, r11, r8, asr #16
         add r12, r12, r3
         add lr, lr, r3, asr #16
         ldrsb r7, [r1, #-4]
         mla r8, r5, r7, r9
         ldrsb r7, [r1, #-3]
         mla r8, r6, r7, r8
         ldrsb r7, [r1, #-2]
         mla r5, r5, r7, r9
         ldrsb r7, [r1, #-1]
         mla r5, r6, r7, r5
         add r10, r10, r8
         add r11, r11, r8, asr #16
         add r12, r12, r5
         add lr, lr, r5, asr #16
        "
    };
}

/// The short form of one sum, to the output in a register: see [`high`](crate::arch::packed::high).
macro_rules! requantise {
    ($sum:literal, $multiplier:literal, $offset:literal, $right:literal, $output:literal) => {
        concat!(
            "lsls ",
            $sum,
            ", ",
            $sum,
            ", #1
             smull r8, r9, ",
            $sum,
            ", ",
            $multiplier,
            "
             add r9, r9, r8, lsr #31
             add r9, r9, ",
            $offset,
            "
             add r9, r9, ",
            $sum,
            ", asr #31
             asr r9, r9, ",
            $right,
            "
             ssat r9, #8, r9
             strb r9, [",
            $output,
            "], #1
            "
        )
    };
}

/// The outputs of all pairs of channels, for two pixels.
///
/// # Safety
///
/// 1. `block.columns` has the words of all groups and of a tap that is left over, 2. `block.weights` those of all pairs, 3. `starts` and `records` two for each pair,
/// 4. `outputs` may be written for two bytes for each pair, 5. there is at least one pair, 6. columns, starts and records are
///    aligned to 4.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn short_pairs(block: &Block) {
    // The frame: columns 0, weights 4, starts 8, records 12, outputs 16 and 20, pairs 24, groups 28, rest 32, then
    // n, the groups with a tap that is left over, 36, −n·C = n·0x8001 40, 2¹⁶ + 1 44,
    // where to go on after sixteens of taps 48 and after all groups 52.
    naked_asm!(
        "push {{r4-r11, lr}}
         sub sp, #56
         ldm r0, {{r1-r9}}
         stm sp, {{r1-r9}}
         mov r2, r8
         adr.w r6, 10f + 1
         cmp r9, #1
         blo 1f
         adr.w r6, 8f + 1
         bhi 1f
         adr.w r6, 9f + 1
         add r2, r2, #1
        1:
         add r3, r2, r2, lsl #15
         mov r4, #0x10001
         adr.w r5, 4f + 1
         lsls r7, r8, #29
         it eq
         moveq r5, r6
         add r7, sp, #36
         stm r7, {{r2-r6}}
         ldr r1, [sp, #4]
        2:
         ldr r9, [sp, #8]
         add r5, sp, #36
         ldm r5, {{r3, r4, r5}}
         ldr r0, [sp]
         ldr r2, [sp, #28]
         ldm r9!, {{r10, r12}}
         str r9, [sp, #8]
         mvn r9, #0x8000
         add r11, r10, r3
         mla r10, r10, r5, r4
         add lr, r12, r3
         mla r12, r12, r5, r4
         subs r2, #8
         blo 4f
        3:",
        four_taps!(),
        four_taps!(),
        four_taps!(),
        four_taps!(),
        "subs r2, #8
         bhs 3b
         ldr pc, [sp, #48]
        4:
         adds r2, #6
         bmi 6f
        5:",
        four_taps!(),
        "subs r2, #2
         bpl 5b
        6:
         tst r2, #1
         beq 7f
         ldm r0!, {{r3, r4}}
         ldrsb r7, [r1], #4
         mla r8, r3, r7, r9
         ldrsb r7, [r1, #-3]
         mla r8, r4, r7, r8
         ldrsb r7, [r1, #-2]
         mla r3, r3, r7, r9
         ldrsb r7, [r1, #-1]
         mla r3, r4, r7, r3
         add r10, r10, r8
         add r11, r11, r8, asr #16
         add r12, r12, r3
         add lr, lr, r3, asr #16
        7:
         ldr pc, [sp, #52]
        8:
         ldr r2, [sp, #32]
         add r1, r1, r2
         b 10f
        9:
         ldr r3, [r0]
         ldrsb r7, [r1], #2
         mla r8, r3, r7, r9
         ldrsb r7, [r1, #-1]
         mla r3, r3, r7, r9
         add r10, r10, r8
         add r11, r11, r8, asr #16
         add r12, r12, r3
         add lr, lr, r3, asr #16
        10:
         str r1, [sp, #4]
         ldr r9, [sp, #12]
         ldrd r0, r1, [sp, #16]
         sub r10, r10, r11, lsl #16
         ldm r9!, {{r2-r7}}
         sub r12, r12, lr, lsl #16
         str r9, [sp, #12]",
        requantise!("r10", "r2", "r3", "r4", "r0"),
        requantise!("r11", "r2", "r3", "r4", "r1"),
        requantise!("r12", "r5", "r6", "r7", "r0"),
        requantise!("lr", "r5", "r6", "r7", "r1"),
        "ldr r9, [sp, #24]
         strd r0, r1, [sp, #16]
         ldr r1, [sp, #4]
         subs r9, #1
         str r9, [sp, #24]
         bne 2b
         add sp, #56
         pop {{r4-r11, pc}}"
    )
}

/// `rows` times `count` elements of two pixels, with `skip` bytes between a row's end and the next one's start; returns where the
/// next word goes.
///
/// # Safety
///
/// 1. The elements may be read from `a` and `b` on, 2. `to`, aligned to 4, written for a word each, 3. neither number is 0.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn interleave(
    a: *const u8,
    b: *const u8,
    count: usize,
    to: *mut u32,
    rows: usize,
    skip: usize,
) -> *mut u32 {
    naked_asm!(
        "push {{r4-r10, lr}}
         ldrd r9, r10, [sp, #32]
        1:
         subs lr, r2, #4
         blo 3f
        2:
         ldrsb r4, [r0], #4
         ldrsb r8, [r1], #4
         ldrsb r5, [r0, #-3]
         ldrsb r12, [r1, #-3]
         add r4, r4, r8, lsl #16
         ldrsb r6, [r0, #-2]
         ldrsb r8, [r1, #-2]
         add r5, r5, r12, lsl #16
         ldrsb r7, [r0, #-1]
         ldrsb r12, [r1, #-1]
         add r6, r6, r8, lsl #16
         add r7, r7, r12, lsl #16
         stm r3!, {{r4-r7}}
         subs lr, #4
         bhs 2b
        3:
         adds lr, #4
         beq 5f
        4:
         ldrsb r4, [r0], #1
         ldrsb r8, [r1], #1
         add r4, r4, r8, lsl #16
         str r4, [r3], #4
         subs lr, #1
         bne 4b
        5:
         add r0, r10
         add r1, r10
         subs r9, #1
         bne 1b
         mov r0, r3
         pop {{r4-r10, pc}}"
    )
}

/// The outputs of fours of channels of a depthwise layer, for one pixel.
///
/// ```text
/// r0 tap   r1 weights   r2 inputs   r3 address of the input, for the channels   r4 channel   r5 r6 factors
/// r7 end of the taps   r8 zero point   r10–r12 lr sums
/// ```
///
/// # Safety
///
/// 1. The taps' weights may be read for all channels, and the inputs of those that lie inside, 2. `starts` and `records`, 3. `output`
///    written, 4. there is at least one four. 5. Starts and records are aligned to 4.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn depthwise_quads(block: &Quads) {
    // The frame: taps 0, inside 4, end 8, input 12, starts 16, records 20, output 24, zero_point 28, count 32.
    naked_asm!(
        "push {{r4-r11, lr}}
         sub sp, #44
         ldm r0, {{r1-r9}}
         stm sp, {{r1-r9}}
         mov r4, #0
         ldr r9, [sp, #16]
        2:
         ldm r9!, {{r10, r11, r12, lr}}
         str r9, [sp, #16]
         ldrd r0, r7, [sp]
         ldr r3, [sp, #12]
         add r3, r4
         cmp r0, r7
         beq 4f
        3:
         ldrd r1, r2, [r0], #8
         ldr r1, [r1, r4]
         ldr r2, [r2, r3]
         sxtb r5, r1
         sxtb r6, r2
         mla r10, r5, r6, r10
         sxtb r5, r1, ror #8
         sxtb r6, r2, ror #8
         mla r11, r5, r6, r11
         sxtb r5, r1, ror #16
         sxtb r6, r2, ror #16
         mla r12, r5, r6, r12
         asrs r1, r1, #24
         asrs r2, r2, #24
         mla lr, r1, r2, lr
         cmp r0, r7
         bne 3b
        4:
         ldr r7, [sp, #8]
         cmp r0, r7
         beq 6f
         ldr r8, [sp, #28]
        5:
         ldr r1, [r0], #8
         ldr r1, [r1, r4]
         sxtb r5, r1
         mla r10, r5, r8, r10
         sxtb r5, r1, ror #8
         mla r11, r5, r8, r11
         sxtb r5, r1, ror #16
         mla r12, r5, r8, r12
         asrs r1, r1, #24
         mla lr, r1, r8, lr
         cmp r0, r7
         bne 5b
        6:
         ldrd r0, r5, [sp, #20]
         ldm r0!, {{r1, r2, r3}}",
        requantise!("r10", "r1", "r2", "r3", "r5"),
        "ldm r0!, {{r1, r2, r3}}",
        requantise!("r11", "r1", "r2", "r3", "r5"),
        "ldm r0!, {{r1, r2, r3}}",
        requantise!("r12", "r1", "r2", "r3", "r5"),
        "ldm r0!, {{r1, r2, r3}}",
        requantise!("lr", "r1", "r2", "r3", "r5"),
        "strd r0, r5, [sp, #20]
         ldr r7, [sp, #32]
         ldr r9, [sp, #16]
         adds r4, #4
         subs r7, #1
         str r7, [sp, #32]
         bne 2b
         add sp, #44
         pop {{r4-r11, pc}}"
    )
}
