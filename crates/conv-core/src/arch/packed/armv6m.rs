//! Armv6-M and the baseline of Armv8-M: eight registers for most instructions, products of 32 bits, no unaligned loads.

use core::arch::naked_asm;

use crate::arch::packed::Block;
use crate::arch::packed::depthwise::Quads;

/// Two taps: eight multiply-accumulates of two channels for two pixels.
///
/// ```text
/// r0 columns   r1 weights   r2 r3 words of columns   r4 r5 weights, products   r6 0   r7 1
/// r8 r9 T and B of the first channel   r10 r11 those of the second   r12 C   lr end of the groups
/// ```
///
/// LDRSB takes no constant, hence the registers with 0 and 1.
macro_rules! two_taps {
    () => {
        "ldmia r0!, {{r2, r3}}
         ldrsb r4, [r1, r6]
         ldrsb r5, [r1, r7]
         muls r4, r2, r4
         muls r5, r3, r5
         adds r1, #2
         adds r4, r4, r5
         add r8, r4
         add r4, r12
         asrs r4, r4, #16
         add r9, r4
         ldrsb r4, [r1, r6]
         ldrsb r5, [r1, r7]
         muls r4, r2, r4
         muls r5, r3, r5
         adds r1, #2
         adds r4, r4, r5
         add r10, r4
         add r4, r12
         asrs r4, r4, #16
         add r11, r4
        "
    };
}

/// The short form of the sum in r7, with the record at r0, to byte `$at` from r6 on: see
/// [`pieces`](crate::arch::packed::pieces).
macro_rules! requantise {
    ($label:literal, $at:literal) => {
        concat!(
            "ldmia r0!, {{r1, r2, r3, r4, r5}}
             muls r1, r7, r1
             asrs r1, r1, #8
             muls r2, r7, r2
             adds r1, r1, r2
             asrs r1, r1, #8
             muls r3, r7, r3
             adds r1, r1, r3
             asrs r1, r1, #8
             muls r4, r7, r4
             adds r1, r1, r4
             adds r1, #64
             asrs r1, r1, #7
             ldmia r0!, {{r2}}
             adds r1, r1, r5
             asrs r7, r7, #31
             adds r1, r1, r7
             asrs r1, r1, r2
             cmp r1, #255
             bls ",
            $label,
            "f
             asrs r1, r1, #31
             mvns r1, r1
            ",
            $label,
            ":
             subs r1, #128
             strb r1, [r6, #",
            $at,
            "]
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
    // The frame: columns 0, weights 4, starts 8, records 12, outputs 16 and 20, pairs 24, groups and later the entry 28, rest 32,
    // the groups with a tap that is left over 36, where to go on after all groups 40. The entry is where the loop of four groups starts so that the last of them
    // ends it: a group has 42 bytes. Without groups it is the loop's end.
    naked_asm!(
        "push {{r4-r7, lr}}
         mov r4, r8
         mov r5, r9
         mov r6, r10
         mov r7, r11
         push {{r4-r7}}
         sub sp, #44
         mov r1, sp
         ldmia r0!, {{r2-r6}}
         stmia r1!, {{r2-r6}}
         ldmia r0!, {{r4-r7}}
         lsls r3, r6, #3
         adds r3, r3, r2
         mov lr, r3
         mov r2, r6
         adr r3, 7f
         cmp r7, #0
         beq 1f
         adr r3, 5f
         cmp r7, #1
         bne 1f
         adr r3, 6f
         adds r2, #1
        1:
         str r2, [sp, #36]
         str r3, [sp, #40]
         rsbs r2, r6, #0
         movs r3, #3
         ands r2, r3
         cmp r6, #0
         bne 3f
         movs r2, #4
        3:
         movs r3, #42
         muls r2, r3, r2
         adr r6, 4f
         adds r6, r6, r2
         stmia r1!, {{r4-r7}}
         ldr r4, =0xffff7fff
         mov r12, r4
        2:
         ldr r2, [sp, #8]
         ldr r3, [sp, #36]
         ldmia r2!, {{r4, r5}}
         str r2, [sp, #8]
         lsls r6, r4, #16
         adds r6, r6, r4
         mov r8, r6
         adds r4, r4, r3
         mov r9, r4
         lsls r6, r5, #16
         adds r6, r6, r5
         mov r10, r6
         adds r5, r5, r3
         mov r11, r5
         ldr r0, [sp]
         ldr r1, [sp, #4]
         movs r6, #0
         movs r7, #1
         ldr r4, [sp, #28]
         mov pc, r4
         .p2align 2
        4:",
        two_taps!(),
        two_taps!(),
        two_taps!(),
        two_taps!(),
        "cmp r0, lr
         bne 4b
         ldr r2, [sp, #40]
         mov pc, r2
         .p2align 2
        5:
         ldr r2, [sp, #32]
         adds r1, r1, r2
         b 7f
         .p2align 2
        6:
         ldr r3, [r0]
         ldrsb r4, [r1, r6]
         ldrsb r5, [r1, r7]
         muls r4, r3, r4
         muls r5, r3, r5
         adds r1, #2
         add r8, r4
         add r4, r12
         asrs r4, r4, #16
         add r9, r4
         add r10, r5
         add r5, r12
         asrs r5, r5, #16
         add r11, r5
         .p2align 2
        7:
         ldr r6, [sp, #16]
         str r1, [sp, #4]
         ldr r0, [sp, #12]
         mov r7, r8
         mov r4, r9
         lsls r4, r4, #16
         subs r7, r7, r4",
        requantise!("71", "0"),
        "mov r7, r10
         mov r4, r11
         lsls r4, r4, #16
         subs r7, r7, r4",
        requantise!("72", "1"),
        "adds r6, #2
         str r6, [sp, #16]
         ldr r6, [sp, #20]
         mov r7, r9
         subs r0, #48",
        requantise!("73", "0"),
        "mov r7, r11",
        requantise!("74", "1"),
        "adds r6, #2
         str r6, [sp, #20]
         str r0, [sp, #12]
         ldr r0, [sp, #24]
         subs r0, #1
         str r0, [sp, #24]
         beq 8f
         b 2b
        8:
         add sp, #44
         pop {{r4-r7}}
         mov r8, r4
         mov r9, r5
         mov r10, r6
         mov r11, r7
         pop {{r4-r7, pc}}
         .pool"
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
        "push {{r4-r7, lr}}
        1:
         adds r0, r0, r2
         adds r1, r1, r2
         rsbs r6, r2, #0
         movs r7, #3
         ands r7, r2
         beq 3f
        2:
         ldrsb r4, [r0, r6]
         ldrsb r5, [r1, r6]
         lsls r5, r5, #16
         adds r4, r4, r5
         stmia r3!, {{r4}}
         adds r6, #1
         subs r7, #1
         bne 2b
         cmp r6, #0
         beq 4f
        3:
         ldrsb r4, [r0, r6]
         ldrsb r5, [r1, r6]
         lsls r5, r5, #16
         adds r6, #1
         adds r4, r4, r5
         ldrsb r5, [r1, r6]
         lsls r7, r5, #16
         ldrsb r5, [r0, r6]
         adds r6, #1
         adds r5, r5, r7
         stmia r3!, {{r4, r5}}
         ldrsb r4, [r0, r6]
         ldrsb r5, [r1, r6]
         lsls r5, r5, #16
         adds r6, #1
         adds r4, r4, r5
         ldrsb r5, [r1, r6]
         lsls r7, r5, #16
         ldrsb r5, [r0, r6]
         adds r5, r5, r7
         stmia r3!, {{r4, r5}}
         adds r6, #1
         bne 3b
        4:
         ldr r4, [sp, #24]
         ldr r5, [sp, #20]
         adds r0, r0, r4
         adds r1, r1, r4
         subs r5, #1
         str r5, [sp, #20]
         bne 1b
         mov r0, r3
         pop {{r4-r7, pc}}"
    )
}

/// A channel of a tap, inside the input and in the padding.
macro_rules! depthwise_channel {
    ($index:literal, $sum:literal) => {
        concat!(
            "movs r3, #",
            $index,
            "
             ldrsb r4, [r1, r3]
             ldrsb r5, [r2, r3]
             muls r4, r5, r4
             add ",
            $sum,
            ", r4
            "
        )
    };
}
macro_rules! padded_channel {
    ($index:literal, $sum:literal) => {
        concat!(
            "movs r3, #",
            $index,
            "
             ldrsb r4, [r1, r3]
             muls r4, r5, r4
             add ",
            $sum,
            ", r4
            "
        )
    };
}

/// The outputs of fours of channels of a depthwise layer, for one pixel.
///
/// ```text
/// r0 tap   r1 weights   r2 inputs   r3 channel of the four   r4 r5 factors   r6 address of the input, for the channels   r7 channel
/// r8–r11 sums   lr end of the taps
/// ```
///
/// # Safety
///
/// 1. The taps' weights may be read for all channels, and the inputs of those that lie inside, 2. `starts` and `records`, 3. `output`
///    written, 4. there is at least one four. 5. Starts and records are aligned to 4.
#[unsafe(naked)]
pub(super) unsafe extern "C" fn depthwise_quads(block: &Quads) {
    // The frame: taps 0, inside 4, end 8, input 12, starts 16, records 20, output 24, zero_point 28, count 32, channel 36.
    naked_asm!(
        "push {{r4-r7, lr}}
         mov r4, r8
         mov r5, r9
         mov r6, r10
         mov r7, r11
         push {{r4-r7}}
         sub sp, #40
         mov r1, sp
         ldmia r0!, {{r2-r6}}
         stmia r1!, {{r2-r6}}
         ldmia r0!, {{r2-r5}}
         movs r6, #0
         stmia r1!, {{r2-r6}}
        2:
         ldr r2, [sp, #16]
         ldmia r2!, {{r4-r7}}
         str r2, [sp, #16]
         mov r8, r4
         mov r9, r5
         mov r10, r6
         mov r11, r7
         ldr r0, [sp]
         ldr r1, [sp, #4]
         mov lr, r1
         ldr r6, [sp, #12]
         ldr r7, [sp, #36]
         adds r6, r6, r7
         cmp r0, lr
         beq 4f
        3:
         ldmia r0!, {{r1, r2}}
         adds r1, r1, r7
         adds r2, r2, r6",
        depthwise_channel!("0", "r8"),
        depthwise_channel!("1", "r9"),
        depthwise_channel!("2", "r10"),
        depthwise_channel!("3", "r11"),
        "cmp r0, lr
         bne 3b
        4:
         ldr r1, [sp, #8]
         mov lr, r1
         cmp r0, lr
         beq 6f
         ldr r5, [sp, #28]
        5:
         ldmia r0!, {{r1, r2}}
         adds r1, r1, r7",
        padded_channel!("0", "r8"),
        padded_channel!("1", "r9"),
        padded_channel!("2", "r10"),
        padded_channel!("3", "r11"),
        "cmp r0, lr
         bne 5b
        6:
         adds r7, #4
         str r7, [sp, #36]
         ldr r0, [sp, #20]
         ldr r6, [sp, #24]
         mov r7, r8",
        requantise!("71", "0"),
        "mov r7, r9",
        requantise!("72", "1"),
        "mov r7, r10",
        requantise!("73", "2"),
        "mov r7, r11",
        requantise!("74", "3"),
        "adds r6, #4
         str r6, [sp, #24]
         str r0, [sp, #20]
         ldr r0, [sp, #32]
         subs r0, #1
         str r0, [sp, #32]
         beq 8f
         b 2b
        8:
         add sp, #40
         pop {{r4-r7}}
         mov r8, r4
         mov r9, r5
         mov r10, r6
         mov r11, r7
         pop {{r4-r7, pc}}"
    )
}
