//! Armv7-M and later: MLA multiplies and adds up in 32 bits. Four neighbouring outputs take six instructions a tap, loads
//! included, others nine.

use core::arch::naked_asm;

use super::WIDTH;

/// Loops for inputs and weights of one type each: how both are loaded, and their sizes.
macro_rules! loops {
    ($module:ident, $input:ty, $weight:ty, $load:literal, $size:literal, $load_weight:literal, $weight_size:literal) => {
        pub(super) mod $module {
            use super::*;

            /// Four neighbouring outputs.
            ///
            /// # Safety
            ///
            /// As [`Sum::add`](crate::arch::signal::Sum::add), both steps being 1.
            #[inline(always)]
            pub(crate) unsafe fn rolling(
                sums: &mut [i32; WIDTH],
                x: *const $input,
                weights: *const $weight,
                taps: usize,
            ) {
                // SAFETY: 1 and 2 as here.
                unsafe { neighbours(sums, x, weights, taps) }
            }

            /// # Safety
            ///
            /// As [`rolling`].
            #[unsafe(naked)]
            unsafe extern "C" fn neighbours(
                sums: &mut [i32; WIDTH],
                x: *const $input,
                weights: *const $weight,
                taps: usize,
            ) {
                // r4 to r7 the sums, r8 to r11 the four inputs of a tap, r12 its weight.
                macro_rules! tap {
                    ($a:literal, $b:literal, $c:literal, $d:literal) => {
                        concat!(
                            $load_weight,
                            " r12, [r2], #",
                            $weight_size,
                            "\n",
                            $load,
                            " ",
                            $d,
                            ", [r1], #",
                            $size,
                            "\n",
                            "mla r4, ",
                            $a,
                            ", r12, r4\n",
                            "mla r5, ",
                            $b,
                            ", r12, r5\n",
                            "mla r6, ",
                            $c,
                            ", r12, r6\n",
                            "mla r7, ",
                            $d,
                            ", r12, r7\n",
                        )
                    };
                }
                naked_asm!(
                    "cmp r3, #0
                     beq 5f
                     push {{r4-r11, lr}}
                     ldm r0, {{r4-r7}}",
                    concat!($load, " r8, [r1], #", $size),
                    concat!($load, " r9, [r1], #", $size),
                    concat!($load, " r10, [r1], #", $size),
                    "subs r3, #4
                     blo 2f
                    1:",
                    tap!("r8", "r9", "r10", "r11"),
                    tap!("r9", "r10", "r11", "r8"),
                    tap!("r10", "r11", "r8", "r9"),
                    tap!("r11", "r8", "r9", "r10"),
                    "subs r3, #4
                     bhs 1b
                    2:
                     adds r3, #4
                     beq 4f
                    3:",
                    tap!("r8", "r9", "r10", "r11"),
                    "mov r8, r9
                     mov r9, r10
                     mov r10, r11
                     subs r3, #1
                     bne 3b
                    4:
                     stm r0, {{r4-r7}}
                     pop {{r4-r11, pc}}
                    5:
                     bx lr"
                )
            }

            /// Four outputs whose inputs lie apart.
            ///
            /// # Safety
            ///
            /// As [`Sum::add`](crate::arch::signal::Sum::add), `tap` being 1.
            #[inline(always)]
            pub(crate) unsafe fn apart(
                sums: &mut [i32; WIDTH],
                x: *const $input,
                step: usize,
                weights: *const $weight,
                taps: usize,
            ) {
                // SAFETY: 1 and 2 as here.
                unsafe { distant(sums, x, weights, taps, step * size_of::<$input>()) }
            }

            /// `step` counts bytes.
            ///
            /// # Safety
            ///
            /// As [`apart`].
            #[unsafe(naked)]
            unsafe extern "C" fn distant(
                sums: &mut [i32; WIDTH],
                x: *const $input,
                weights: *const $weight,
                taps: usize,
                step: usize,
            ) {
                // r4 to r7 the sums, r1 r9 r10 r11 the inputs' addresses, r8 the weight, r12 an input.
                macro_rules! tap {
                    () => {
                        concat!(
                            $load_weight,
                            " r8, [r2], #",
                            $weight_size,
                            "\n",
                            $load,
                            " r12, [r1], #",
                            $size,
                            "\n",
                            "mla r4, r12, r8, r4\n",
                            $load,
                            " r12, [r9], #",
                            $size,
                            "\n",
                            "mla r5, r12, r8, r5\n",
                            $load,
                            " r12, [r10], #",
                            $size,
                            "\n",
                            "mla r6, r12, r8, r6\n",
                            $load,
                            " r12, [r11], #",
                            $size,
                            "\n",
                            "mla r7, r12, r8, r7\n",
                        )
                    };
                }
                naked_asm!(
                    "push {{r4-r11, lr}}
                     ldr r12, [sp, #36]
                     add r9, r1, r12
                     add r10, r9, r12
                     add r11, r10, r12
                     ldm r0, {{r4-r7}}
                     subs r3, #4
                     blo 2f
                    1:",
                    tap!(),
                    tap!(),
                    tap!(),
                    tap!(),
                    "subs r3, #4
                     bhs 1b
                    2:
                     adds r3, #4
                     beq 4f
                    3:",
                    tap!(),
                    "subs r3, #1
                     bne 3b
                    4:
                     stm r0, {{r4-r7}}
                     pop {{r4-r11, pc}}"
                )
            }
        }
    };
}
#[cfg(any(conv_isa = "armv7m", conv_isa = "armv8m"))]
loops!(bytes, i8, i8, "ldrsb", "1", "ldrsb", "1");
loops!(unsigned_bytes, u8, i8, "ldrb", "1", "ldrsb", "1");
#[cfg(not(conv_isa = "mve"))]
loops!(halves_by_bytes, i16, i8, "ldrsh", "2", "ldrsb", "1");
#[cfg(any(conv_isa = "armv7m", conv_isa = "armv8m"))]
loops!(halves, i16, i16, "ldrsh", "2", "ldrsh", "2");
