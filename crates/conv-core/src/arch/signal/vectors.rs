//! Helium: VMLADAVA and VMLALDAVA multiply a vector of inputs by one of weights and add all products to a sum. Each vector of
//! weights serves four outputs; the last one, of fewer taps, is masked by the loop.

use core::arch::naked_asm;

use super::WIDTH;

/// Loops with sums of 32 bits.
macro_rules! sums_of_32_bits {
    ($module:ident, $input:ty, $weight:ty, $loop:literal, $load:literal, $load_weight:literal, $weights:literal, $add:literal) => {
        loops! {
            $module, $input, $weight, i32, $loop, $load, $load_weight, $weights,
            "ldm r0, {{r4, r6, r8, r10}}", concat!($add, " r4, "), concat!($add, " r6, "), concat!($add, " r8, "),
            concat!($add, " r10, "), "stm r0, {{r4, r6, r8, r10}}"
        }
    };
}

/// Loops with sums of 64 bits.
macro_rules! sums_of_64_bits {
    ($module:ident, $input:ty, $weight:ty, $loop:literal, $load:literal, $load_weight:literal, $weights:literal, $add:literal) => {
        loops! {
            $module, $input, $weight, i64, $loop, $load, $load_weight, $weights,
            "ldm r0, {{r4-r11}}", concat!($add, " r4, r5, "), concat!($add, " r6, r7, "), concat!($add, " r8, r9, "),
            concat!($add, " r10, r11, "), "stm r0, {{r4-r11}}"
        }
    };
}

macro_rules! loops {
    (
        $module:ident, $input:ty, $weight:ty, $sum:ty, $loop:literal, $load:literal, $load_weight:literal, $weights:literal,
        $sums:literal, $first:expr, $second:expr, $third:expr, $fourth:expr, $store:literal
    ) => {
        pub(super) mod $module {
            use super::*;

            /// Four neighbouring outputs.
            ///
            /// # Safety
            ///
            /// As [`Sum::add`](crate::arch::signal::Sum::add), both steps being 1.
            #[inline(always)]
            pub(crate) unsafe fn rolling(
                sums: &mut [$sum; WIDTH],
                x: *const $input,
                weights: *const $weight,
                taps: usize,
            ) {
                // SAFETY: 1 and 2 as here.
                unsafe { apart(sums, x, 1, weights, taps) }
            }

            /// Four outputs.
            ///
            /// # Safety
            ///
            /// As [`Sum::add`](crate::arch::signal::Sum::add), `tap` being 1.
            #[inline(always)]
            pub(crate) unsafe fn apart(
                sums: &mut [$sum; WIDTH],
                x: *const $input,
                step: usize,
                weights: *const $weight,
                taps: usize,
            ) {
                // SAFETY: 1 and 2 as here.
                unsafe { four(sums, x, weights, taps, step * size_of::<$input>()) }
            }

            /// `step` counts bytes. Masked lanes are neither loaded nor added.
            ///
            /// # Safety
            ///
            /// As [`apart`].
            #[unsafe(naked)]
            unsafe extern "C" fn four(
                sums: &mut [$sum; WIDTH],
                x: *const $input,
                weights: *const $weight,
                taps: usize,
                step: usize,
            ) {
                // r4 to r11 the sums, r1 r12 r0 r3 the inputs' addresses, q0 weights, q1 inputs.
                naked_asm!(
                    "push {{r0, r4-r11, lr}}",
                    $sums,
                    "ldr r0, [sp, #40]
                     add r12, r1, r0",
                    concat!($loop, " lr, r3, 2f"),
                    "add r3, r12, r0
                     add r0, r3, r0
                    1:",
                    concat!($load_weight, " q0, [r2], #", $weights),
                    concat!($load, " q1, [r1], #16"),
                    concat!($first, "q0, q1"),
                    concat!($load, " q1, [r12], #16"),
                    concat!($second, "q0, q1"),
                    concat!($load, " q1, [r3], #16"),
                    concat!($third, "q0, q1"),
                    concat!($load, " q1, [r0], #16"),
                    concat!($fourth, "q0, q1"),
                    "letp lr, 1b
                    2:
                     pop {{r0}}",
                    $store,
                    "pop {{r4-r11, pc}}"
                )
            }
        }
    };
}
sums_of_32_bits!(
    bytes,
    i8,
    i8,
    "wlstp.8",
    "vldrb.u8",
    "vldrb.u8",
    "16",
    "vmladava.s8"
);
sums_of_32_bits!(
    halves_by_bytes,
    i16,
    i8,
    "wlstp.16",
    "vldrh.u16",
    "vldrb.s16",
    "8",
    "vmladava.s16"
);
sums_of_32_bits!(
    halves,
    i16,
    i16,
    "wlstp.16",
    "vldrh.u16",
    "vldrh.u16",
    "16",
    "vmladava.s16"
);
sums_of_64_bits!(
    long_halves,
    i16,
    i16,
    "wlstp.16",
    "vldrh.u16",
    "vldrh.u16",
    "16",
    "vmlaldava.s16"
);
sums_of_64_bits!(
    words,
    i32,
    i32,
    "wlstp.32",
    "vldrw.u32",
    "vldrw.u32",
    "16",
    "vmlaldava.s32"
);
