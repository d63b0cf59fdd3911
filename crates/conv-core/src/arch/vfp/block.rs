//! The register blocks of `f32`: a few sums in registers, and the loops that add products to them.
//!
//! Each product is rounded by VMUL before VADD adds it, taps in the order of rows, columns and source channels: the
//! bits are those of the portable loops. Products of neighbouring sums alternate, so that none waits for the last.
//!
//! All blocks share their registers:
//!
//! ```text
//! r0–r5  pointers to input and weights     r6   columns left     r7  rows left     r8  elements of a run
//! r9     to the input of the next column   r10  to its weights   r11 columns       r12 elements left of the run
//! lr     the block, behind its sums
//! ```

use core::arch::asm;
use core::mem::{MaybeUninit, offset_of};

/// What a register block reads, and the sums that it leaves. Steps are in bytes.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Block {
    /// What is left: the sums, channels innermost, as many as there are at the end.
    pub(super) sums: [MaybeUninit<f32>; SUMS],
    /// First element that the first pixel reads.
    pub(super) input: *const f32,
    /// From a pixel's input to that of the next pixel.
    pub(super) pixel: isize,
    /// Its weight for the first channel.
    pub(super) kernel: *const f32,
    /// From a weight to that of the next produced channel (`dot`), of the next source channel (`lanes`), or of the next
    /// tap of a signal.
    pub(super) weights: isize,
    /// Elements that follow each other in the input, at least 1.
    pub(super) run: usize,
    /// Runs of a row, at least 1.
    pub(super) columns: usize,
    /// Rows, at least 1.
    pub(super) rows: usize,
    /// From the end of a run to the next.
    pub(super) input_column: isize,
    /// The same of the weights.
    pub(super) kernel_column: isize,
    /// From where the column after the last would be to the next row.
    pub(super) input_row: isize,
    /// The same of the weights.
    pub(super) kernel_row: isize,
    /// From what a tap of a signal reads to what the next one does.
    pub(super) tap: isize,
}

/// Most sums of a block.
pub(super) const SUMS: usize = 16;

// The offsets from the end of the sums that the instructions below are written with.
const _: () = {
    const fn is_at(field: usize, offset: usize) -> bool {
        field == offset_of!(Block, input) + offset
    }
    assert!(offset_of!(Block, input) == 64 && size_of::<[f32; SUMS]>() == 64);
    assert!(is_at(offset_of!(Block, weights), 12) && is_at(offset_of!(Block, run), 16));
    assert!(is_at(offset_of!(Block, columns), 20) && is_at(offset_of!(Block, rows), 24));
    assert!(is_at(offset_of!(Block, input_column), 28));
    assert!(is_at(offset_of!(Block, kernel_column), 32));
    assert!(is_at(offset_of!(Block, input_row), 36));
    assert!(is_at(offset_of!(Block, kernel_row), 40) && is_at(offset_of!(Block, tap), 44));
};

/// For each `[sum input weight product]`: the products, each rounded, then their sums in the order given.
macro_rules! add_products {
    ($([$sum:literal $input:literal $weight:literal $product:literal])*) => {
        concat!(
            $("vmul.f32 ", $product, ", ", $input, ", ", $weight, "\n",)*
            $("vadd.f32 ", $sum, ", ", $sum, ", ", $product, "\n",)*
        )
    };
}

/// Instructions that take `block` in r0. They save what a called function has to save, r4 to r11, lr and s16 to s31,
/// themselves, as the compiler lets no operand be r6 or r7; a naked function would do the same, but its text is
/// assembled without the float unit in a build with link-time optimisation.
macro_rules! block_of_registers {
    ($block:ident, $($text:expr),* $(,)?) => {
        // SAFETY: the caller vouches for what the block reads; it writes to its sums alone. All registers that the
        // text changes are either saved and restored by it or outputs below, and so is the stack's pointer.
        unsafe {
            asm!(
                $($text,)*
                inout("r0") $block => _, out("r1") _, out("r2") _, out("r3") _, out("r12") _,
                out("d0") _, out("d1") _, out("d2") _, out("d3") _,
                out("d4") _, out("d5") _, out("d6") _, out("d7") _,
            );
        }
    };
}

/// A block over rows, columns and runs. `many` takes `unroll` elements of a run, `one` a single one; both move the
/// pointers on.
macro_rules! runs {
    (
        $(#[$documentation:meta])*
        $name:ident: save [$($save:literal)?], setup [$($setup:literal)*], zero [$($zero:literal)*],
        inputs [$($input:literal)*], kernels [$($kernel:literal)*],
        $unroll:literal by [$($many:expr),*], one by [$($one:expr),*], sums $sums:literal
    ) => {
        $(#[$documentation])*
        #[inline(never)]
        pub(super) unsafe extern "C" fn $name(block: *mut Block) {
            block_of_registers!(
                block,
                "push {{r4-r11, lr}}",
                $(concat!("vpush {{", $save, "}}"),)?
                "add lr, r0, #64",
                "ldm lr, {{r0-r3}}",
                $($setup,)*
                "mov r12, #0",
                $(concat!("vmov ", $zero, ", r12, r12"),)*
                "ldrd r8, r11, [lr, #16]",
                "ldrd r7, r9, [lr, #24]",
                "ldr r10, [lr, #32]",
                "mov r6, r11",
                "b 4f",
                // The next row.
                "2:",
                "ldrd r6, r12, [lr, #36]",
                $(concat!("add ", $input, ", ", $input, ", r6"),)*
                $(concat!("add ", $kernel, ", ", $kernel, ", r12"),)*
                "mov r6, r11",
                // The next column.
                "3:",
                $(concat!("add ", $input, ", ", $input, ", r9"),)*
                $(concat!("add ", $kernel, ", ", $kernel, ", r10"),)*
                "4:",
                concat!("subs r12, r8, #", $unroll),
                "blo 6f",
                "5:",
                $($many,)*
                concat!("subs r12, r12, #", $unroll),
                "bhs 5b",
                "6:",
                concat!("adds r12, r12, #", $unroll),
                "beq 8f",
                "7:",
                $($one,)*
                "subs r12, r12, #1",
                "bne 7b",
                "8:",
                "subs r6, r6, #1",
                "bne 3b",
                "subs r7, r7, #1",
                "bne 2b",
                concat!("vstmdb lr!, {{", $sums, "}}"),
                $(concat!("vpop {{", $save, "}}"),)?
                "pop {{r4-r11, lr}}",
            )
        }
    };
}

/// Four elements of a run, of two pixels and one channel.
macro_rules! four_of_two {
    ($kernel:literal, $first:literal, $second:literal) => {
        concat!(
            "vldmia ", $kernel, "!, {{s16-s19}}\n",
            add_products!([$first "s8" "s16" "s20"] [$second "s12" "s16" "s21"]),
            add_products!([$first "s9" "s17" "s20"] [$second "s13" "s17" "s21"]),
            add_products!([$first "s10" "s18" "s20"] [$second "s14" "s18" "s21"]),
            add_products!([$first "s11" "s19" "s20"] [$second "s15" "s19" "s21"]),
        )
    };
}

/// One element of a run, of two pixels and one channel.
macro_rules! one_of_two {
    ($kernel:literal, $first:literal, $second:literal) => {
        concat!(
            "vldmia ", $kernel, "!, {{s16}}\n",
            add_products!([$first "s8" "s16" "s20"] [$second "s12" "s16" "s21"]),
        )
    };
}

/// Four elements of a run, of one pixel and one channel.
macro_rules! four_of_one {
    ($kernel:literal, $sum:literal) => {
        concat!(
            "vldmia ", $kernel, "!, {{s12-s15}}\n",
            add_products!(
                [$sum "s8" "s12" "s4"] [$sum "s9" "s13" "s5"] [$sum "s10" "s14" "s6"] [$sum "s11" "s15" "s7"]
            ),
        )
    };
}

/// One element of a run, of one pixel and one channel.
macro_rules! one_of_one {
    ($kernel:literal, $sum:literal) => {
        concat!(
            "vldmia ", $kernel, "!, {{s12}}\n",
            add_products!([$sum "s8" "s12" "s4"]),
        )
    };
}

runs! {
    /// Two pixels by four channels whose weights lie along the run. Sums s0–s3, s4–s7; inputs s8–s11, s12–s15; weights
    /// s16–s19.
    dot_2x4: save ["s16-s21"],
    setup ["add r1, r1, r0" "add r4, r2, r3, lsl #1" "add r5, r4, r3" "add r3, r3, r2"],
    zero ["d0" "d1" "d2" "d3"], inputs ["r0" "r1"], kernels ["r2" "r3" "r4" "r5"],
    4 by [
        "vldmia r0!, {{s8-s11}}", "vldmia r1!, {{s12-s15}}",
        four_of_two!("r2", "s0", "s4"), four_of_two!("r3", "s1", "s5"),
        four_of_two!("r4", "s2", "s6"), four_of_two!("r5", "s3", "s7")
    ],
    one by [
        "vldmia r0!, {{s8}}", "vldmia r1!, {{s12}}",
        one_of_two!("r2", "s0", "s4"), one_of_two!("r3", "s1", "s5"),
        one_of_two!("r4", "s2", "s6"), one_of_two!("r5", "s3", "s7")
    ],
    sums "s0-s7"
}

runs! {
    /// One pixel by four channels. Sums s0–s3, inputs s8–s11, weights s12–s15.
    dot_1x4: save [],
    setup ["add r4, r2, r3, lsl #1" "add r5, r4, r3" "add r3, r3, r2"],
    zero ["d0" "d1"], inputs ["r0"], kernels ["r2" "r3" "r4" "r5"],
    4 by [
        "vldmia r0!, {{s8-s11}}",
        four_of_one!("r2", "s0"), four_of_one!("r3", "s1"), four_of_one!("r4", "s2"), four_of_one!("r5", "s3")
    ],
    one by [
        "vldmia r0!, {{s8}}",
        one_of_one!("r2", "s0"), one_of_one!("r3", "s1"), one_of_one!("r4", "s2"), one_of_one!("r5", "s3")
    ],
    sums "s0-s3"
}

/// Four elements of a run, of two of four pixels.
macro_rules! four_of_pixels {
    ($input:literal, $other:literal, $first:literal, $second:literal) => {
        concat!(
            "vldmia ", $input, "!, {{s8-s11}}\nvldmia ", $other, "!, {{s12-s15}}\n",
            add_products!(
                [$first "s8" "s4" "s8"] [$second "s12" "s4" "s12"] [$first "s9" "s5" "s9"] [$second "s13" "s5" "s13"]
                [$first "s10" "s6" "s10"] [$second "s14" "s6" "s14"] [$first "s11" "s7" "s11"] [$second "s15" "s7" "s15"]
            ),
        )
    };
}

runs! {
    /// Four pixels by one channel. Sums s0–s3, weights s4–s7, inputs s8–s15, two pixels at a time.
    dot_4x1: save [],
    setup ["mov r4, r2" "add r2, r0, r1, lsl #1" "add r3, r2, r1" "add r1, r1, r0"],
    zero ["d0" "d1"], inputs ["r0" "r1" "r2" "r3"], kernels ["r4"],
    4 by [
        "vldmia r4!, {{s4-s7}}",
        four_of_pixels!("r0", "r1", "s0", "s1"), four_of_pixels!("r2", "r3", "s2", "s3")
    ],
    one by [
        "vldmia r4!, {{s4}}",
        "vldmia r0!, {{s8}}", "vldmia r1!, {{s9}}", "vldmia r2!, {{s10}}", "vldmia r3!, {{s11}}",
        add_products!(
            ["s0" "s8" "s4" "s8"] ["s1" "s9" "s4" "s9"] ["s2" "s10" "s4" "s10"] ["s3" "s11" "s4" "s11"]
        )
    ],
    sums "s0-s3"
}

runs! {
    /// One pixel by one channel. Sum s0, inputs s8–s11, weights s12–s15.
    dot_1x1: save [], setup [], zero ["d0"], inputs ["r0"], kernels ["r2"],
    4 by ["vldmia r0!, {{s8-s11}}", four_of_one!("r2", "s0")],
    one by ["vldmia r0!, {{s8}}", one_of_one!("r2", "s0")],
    sums "s0"
}

/// A tap of eight outputs that follow each other in the input; products s23–s30.
macro_rules! tap_of_eight {
    ($weight:literal: $a:literal $b:literal $c:literal $d:literal $e:literal $f:literal $g:literal $h:literal) => {
        add_products!(
            ["s0" $a $weight "s23"] ["s1" $b $weight "s24"] ["s2" $c $weight "s25"] ["s3" $d $weight "s26"]
            ["s4" $e $weight "s27"] ["s5" $f $weight "s28"] ["s6" $g $weight "s29"] ["s7" $h $weight "s30"]
        )
    };
}

runs! {
    /// Eight pixels, one element apart, by one channel whose weights lie along the run: a filter over a signal. Sums
    /// s0–s7; of the input the window s8–s18, which four taps share; weights s19–s22.
    window_8: save ["s16-s31"], setup [], zero ["d0" "d1" "d2" "d3"], inputs ["r0"], kernels ["r2"],
    4 by [
        "vldmia r0, {{s8-s18}}", "vldmia r2!, {{s19-s22}}", "add r0, r0, #16",
        tap_of_eight!("s19": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15"),
        tap_of_eight!("s20": "s9" "s10" "s11" "s12" "s13" "s14" "s15" "s16"),
        tap_of_eight!("s21": "s10" "s11" "s12" "s13" "s14" "s15" "s16" "s17"),
        tap_of_eight!("s22": "s11" "s12" "s13" "s14" "s15" "s16" "s17" "s18")
    ],
    one by [
        "vldmia r0, {{s8-s15}}", "vldmia r2!, {{s19}}", "add r0, r0, #4",
        tap_of_eight!("s19": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15")
    ],
    sums "s0-s7"
}

runs! {
    /// The same with the kernel turned round: its weights lie against the run.
    turned_8: save ["s16-s31"], setup ["add r2, r2, #4"], zero ["d0" "d1" "d2" "d3"], inputs ["r0"], kernels ["r2"],
    4 by [
        "vldmia r0, {{s8-s18}}", "vldmdb r2!, {{s19-s22}}", "add r0, r0, #16",
        tap_of_eight!("s22": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15"),
        tap_of_eight!("s21": "s9" "s10" "s11" "s12" "s13" "s14" "s15" "s16"),
        tap_of_eight!("s20": "s10" "s11" "s12" "s13" "s14" "s15" "s16" "s17"),
        tap_of_eight!("s19": "s11" "s12" "s13" "s14" "s15" "s16" "s17" "s18")
    ],
    one by [
        "vldmia r0, {{s8-s15}}", "vldmdb r2!, {{s19}}", "add r0, r0, #4",
        tap_of_eight!("s19": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15")
    ],
    sums "s0-s7"
}

runs! {
    /// The same for a phase of a transposed operation: from tap to tap the input falls by an element, and the weights lie
    /// any distance apart.
    falling_8: save ["s16-s31"], setup ["sub r0, r0, #12"], zero ["d0" "d1" "d2" "d3"], inputs ["r0"], kernels ["r2"],
    4 by [
        "vldmia r0, {{s8-s18}}", "sub r0, r0, #16",
        "vldr s19, [r2]", "add r2, r2, r3",
        tap_of_eight!("s19": "s11" "s12" "s13" "s14" "s15" "s16" "s17" "s18"),
        "vldr s19, [r2]", "add r2, r2, r3",
        tap_of_eight!("s19": "s10" "s11" "s12" "s13" "s14" "s15" "s16" "s17"),
        "vldr s19, [r2]", "add r2, r2, r3",
        tap_of_eight!("s19": "s9" "s10" "s11" "s12" "s13" "s14" "s15" "s16"),
        "vldr s19, [r2]", "add r2, r2, r3",
        tap_of_eight!("s19": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15")
    ],
    one by [
        "add r1, r0, #12", "vldmia r1, {{s8-s15}}", "sub r0, r0, #4",
        "vldr s19, [r2]", "add r2, r2, r3",
        tap_of_eight!("s19": "s8" "s9" "s10" "s11" "s12" "s13" "s14" "s15")
    ],
    sums "s0-s7"
}

runs! {
    /// One pixel by one channel with the kernel turned round. Sum s0, inputs s8–s11, weights s12–s15.
    turned_1: save [], setup ["add r2, r2, #4"], zero ["d0"], inputs ["r0"], kernels ["r2"],
    4 by [
        "vldmia r0!, {{s8-s11}}", "vldmdb r2!, {{s12-s15}}",
        add_products!(["s0" "s8" "s15" "s4"] ["s0" "s9" "s14" "s5"] ["s0" "s10" "s13" "s6"] ["s0" "s11" "s12" "s7"])
    ],
    one by ["vldmia r0!, {{s8}}", "vldmdb r2!, {{s12}}", add_products!(["s0" "s8" "s12" "s4"])],
    sums "s0"
}

/// A tap of several outputs that follow each other in the input, taps any distance apart. The product takes the register
/// of its input.
macro_rules! tap_of_pixels {
    ($inputs:literal, $weight:literal: $([$sum:literal $input:literal])*) => {
        concat!(
            "vldmia r0, {{", $inputs, "}}\nvldr ", $weight, ", [r2]\nadd r0, r0, r1\nadd r2, r2, r3\n",
            add_products!($([$sum $input $weight $input])*),
        )
    };
}

runs! {
    /// Eight pixels, one element apart, by one channel, whatever the order of taps. Sums s0–s7, inputs s8–s15, weight s16.
    pixels_8: save ["s16-s17"], setup ["ldr r1, [lr, #44]"],
    zero ["d0" "d1" "d2" "d3"], inputs ["r0"], kernels ["r2"],
    1 by [
        tap_of_pixels!("s8-s15", "s16": ["s0" "s8"] ["s1" "s9"] ["s2" "s10"] ["s3" "s11"]
            ["s4" "s12"] ["s5" "s13"] ["s6" "s14"] ["s7" "s15"])
    ],
    one by [], sums "s0-s7"
}

runs! {
    /// Four pixels. Sums s0–s3, inputs s4–s7, weight s8.
    pixels_4: save [], setup ["ldr r1, [lr, #44]"], zero ["d0" "d1"], inputs ["r0"], kernels ["r2"],
    1 by [tap_of_pixels!("s4-s7", "s8": ["s0" "s4"] ["s1" "s5"] ["s2" "s6"] ["s3" "s7"])],
    one by [], sums "s0-s3"
}

runs! {
    /// Two pixels. Sums s0 s1, inputs s4 s5, weight s8.
    pixels_2: save [], setup ["ldr r1, [lr, #44]"], zero ["d0"], inputs ["r0"], kernels ["r2"],
    1 by [tap_of_pixels!("s4-s5", "s8": ["s0" "s4"] ["s1" "s5"])],
    one by [], sums "s0-s1"
}

runs! {
    /// One pixel. Sum s0, input s4, weight s8.
    pixels_1: save [], setup ["ldr r1, [lr, #44]"], zero ["d0"], inputs ["r0"], kernels ["r2"],
    1 by [tap_of_pixels!("s4", "s8": ["s0" "s4"])],
    one by [], sums "s0"
}

/// A source channel of eight produced channels and two pixels.
macro_rules! source_of_2x8 {
    ($first:literal, $second:literal) => {
        concat!(
            "vldmia r2, {{s16-s23}}\nadd r2, r2, r3\n",
            add_products!(
                ["s0" $first "s16" "s28"] ["s8" $second "s16" "s29"] ["s1" $first "s17" "s30"] ["s9" $second "s17" "s31"]
            ),
            add_products!(
                ["s2" $first "s18" "s28"] ["s10" $second "s18" "s29"] ["s3" $first "s19" "s30"] ["s11" $second "s19" "s31"]
            ),
            add_products!(
                ["s4" $first "s20" "s28"] ["s12" $second "s20" "s29"] ["s5" $first "s21" "s30"] ["s13" $second "s21" "s31"]
            ),
            add_products!(
                ["s6" $first "s22" "s28"] ["s14" $second "s22" "s29"] ["s7" $first "s23" "s30"] ["s15" $second "s23" "s31"]
            ),
        )
    };
}

runs! {
    /// Two pixels by eight channels whose weights lie side by side. Sums s0–s7, s8–s15; weights s16–s23; inputs s24 s25,
    /// s26 s27.
    lanes_2x8: save ["s16-s31"], setup ["add r1, r1, r0"],
    zero ["d0" "d1" "d2" "d3" "d4" "d5" "d6" "d7"], inputs ["r0" "r1"], kernels ["r2"],
    2 by [
        "vldmia r0!, {{s24-s25}}", "vldmia r1!, {{s26-s27}}",
        source_of_2x8!("s24", "s26"), source_of_2x8!("s25", "s27")
    ],
    one by ["vldmia r0!, {{s24}}", "vldmia r1!, {{s26}}", source_of_2x8!("s24", "s26")],
    sums "s0-s15"
}

/// A source channel of eight produced channels and one pixel.
macro_rules! source_of_1x8 {
    ($input:literal) => {
        concat!(
            "vldmia r2, {{s8-s15}}\nadd r2, r2, r3\n",
            add_products!(
                ["s0" $input "s8" "s8"] ["s1" $input "s9" "s9"] ["s2" $input "s10" "s10"] ["s3" $input "s11" "s11"]
                ["s4" $input "s12" "s12"] ["s5" $input "s13" "s13"] ["s6" $input "s14" "s14"] ["s7" $input "s15" "s15"]
            ),
        )
    };
}

runs! {
    /// One pixel by eight channels. Sums s0–s7, weights s8–s15, inputs s16 s17.
    lanes_1x8: save ["s16-s17"], setup [],
    zero ["d0" "d1" "d2" "d3"], inputs ["r0"], kernels ["r2"],
    2 by ["vldmia r0!, {{s16-s17}}", source_of_1x8!("s16"), source_of_1x8!("s17")],
    one by ["vldmia r0!, {{s16}}", source_of_1x8!("s16")],
    sums "s0-s7"
}

/// A source channel of four produced channels and two pixels.
macro_rules! source_of_2x4 {
    ($first:literal, $second:literal) => {
        concat!(
            "vldmia r2, {{s8-s11}}\nadd r2, r2, r3\n",
            add_products!(
                ["s0" $first "s8" "s16"] ["s4" $second "s8" "s17"] ["s1" $first "s9" "s18"] ["s5" $second "s9" "s19"]
            ),
            add_products!(
                ["s2" $first "s10" "s16"] ["s6" $second "s10" "s17"] ["s3" $first "s11" "s18"] ["s7" $second "s11" "s19"]
            ),
        )
    };
}

runs! {
    /// Two pixels by four channels. Sums s0–s3, s4–s7; weights s8–s11; inputs s12 s13, s14 s15.
    lanes_2x4: save ["s16-s19"], setup ["add r1, r1, r0"],
    zero ["d0" "d1" "d2" "d3"], inputs ["r0" "r1"], kernels ["r2"],
    2 by [
        "vldmia r0!, {{s12-s13}}", "vldmia r1!, {{s14-s15}}",
        source_of_2x4!("s12", "s14"), source_of_2x4!("s13", "s15")
    ],
    one by ["vldmia r0!, {{s12}}", "vldmia r1!, {{s14}}", source_of_2x4!("s12", "s14")],
    sums "s0-s7"
}

/// A source channel of four produced channels and one pixel.
macro_rules! source_of_1x4 {
    ($input:literal) => {
        concat!(
            "vldmia r2, {{s4-s7}}\nadd r2, r2, r3\n",
            add_products!(
                ["s0" $input "s4" "s4"] ["s1" $input "s5" "s5"] ["s2" $input "s6" "s6"] ["s3" $input "s7" "s7"]
            ),
        )
    };
}

runs! {
    /// One pixel by four channels. Sums s0–s3, weights s4–s7, inputs s8 s9.
    lanes_1x4: save [], setup [], zero ["d0" "d1"], inputs ["r0"], kernels ["r2"],
    2 by ["vldmia r0!, {{s8-s9}}", source_of_1x4!("s8"), source_of_1x4!("s9")],
    one by ["vldmia r0!, {{s8}}", source_of_1x4!("s8")],
    sums "s0-s3"
}

/// A source channel of two produced channels and two pixels.
macro_rules! source_of_2x2 {
    ($first:literal, $second:literal) => {
        concat!(
            "vldmia r2, {{s4-s5}}\nadd r2, r2, r3\n",
            add_products!(
                ["s0" $first "s4" "s10"] ["s2" $second "s4" "s11"] ["s1" $first "s5" "s12"] ["s3" $second "s5" "s13"]
            ),
        )
    };
}

runs! {
    /// Two pixels by two channels. Sums s0 s1, s2 s3; weights s4 s5; inputs s6 s7, s8 s9.
    lanes_2x2: save [], setup ["add r1, r1, r0"], zero ["d0" "d1"], inputs ["r0" "r1"], kernels ["r2"],
    2 by [
        "vldmia r0!, {{s6-s7}}", "vldmia r1!, {{s8-s9}}",
        source_of_2x2!("s6", "s8"), source_of_2x2!("s7", "s9")
    ],
    one by ["vldmia r0!, {{s6}}", "vldmia r1!, {{s8}}", source_of_2x2!("s6", "s8")],
    sums "s0-s3"
}

/// A source channel of two produced channels and one pixel.
macro_rules! source_of_1x2 {
    ($input:literal) => {
        concat!(
            "vldmia r2, {{s4-s5}}\nadd r2, r2, r3\n",
            add_products!(["s0" $input "s4" "s4"] ["s1" $input "s5" "s5"]),
        )
    };
}

runs! {
    /// One pixel by two channels. Sums s0 s1, weights s4 s5, inputs s6 s7.
    lanes_1x2: save [], setup [], zero ["d0"], inputs ["r0"], kernels ["r2"],
    2 by ["vldmia r0!, {{s6-s7}}", source_of_1x2!("s6"), source_of_1x2!("s7")],
    one by ["vldmia r0!, {{s6}}", source_of_1x2!("s6")],
    sums "s0-s1"
}

/// A source channel of one produced channel and two pixels.
macro_rules! source_of_2x1 {
    ($first:literal, $second:literal) => {
        concat!(
            "vldmia r2, {{s4}}\nadd r2, r2, r3\n",
            add_products!(["s0" $first "s4" "s10"] ["s1" $second "s4" "s11"]),
        )
    };
}

runs! {
    /// Two pixels by one channel. Sums s0, s1; weight s4; inputs s6 s7, s8 s9.
    lanes_2x1: save [], setup ["add r1, r1, r0"], zero ["d0"], inputs ["r0" "r1"], kernels ["r2"],
    2 by [
        "vldmia r0!, {{s6-s7}}", "vldmia r1!, {{s8-s9}}",
        source_of_2x1!("s6", "s8"), source_of_2x1!("s7", "s9")
    ],
    one by ["vldmia r0!, {{s6}}", "vldmia r1!, {{s8}}", source_of_2x1!("s6", "s8")],
    sums "s0-s1"
}

/// A source channel of one produced channel and one pixel.
macro_rules! source_of_1x1 {
    ($input:literal) => {
        concat!(
            "vldmia r2, {{s4}}\nadd r2, r2, r3\n",
            add_products!(["s0" $input "s4" "s4"]),
        )
    };
}

runs! {
    /// One pixel by one channel. Sum s0, weight s4, inputs s6 s7.
    lanes_1x1: save [], setup [], zero ["d0"], inputs ["r0"], kernels ["r2"],
    2 by ["vldmia r0!, {{s6-s7}}", source_of_1x1!("s6"), source_of_1x1!("s7")],
    one by ["vldmia r0!, {{s6}}", source_of_1x1!("s6")],
    sums "s0"
}

/// A block over rows and columns, every tap a vector of inputs and of weights. The product takes the register of its
/// input.
macro_rules! taps {
    (
        $(#[$documentation:meta])*
        $name:ident: save [$($save:literal)?], zero [$($zero:literal)*],
        input $inputs:literal, weight $weights:literal, sums $sums:literal, $([$sum:literal $input:literal $weight:literal])*
    ) => {
        $(#[$documentation])*
        #[inline(never)]
        pub(super) unsafe extern "C" fn $name(block: *mut Block) {
            block_of_registers!(
                block,
                "push {{r4-r11, lr}}",
                $(concat!("vpush {{", $save, "}}"),)?
                "add lr, r0, #64",
                "ldm lr, {{r0-r2}}",
                "mov r12, #0",
                $(concat!("vmov ", $zero, ", r12, r12"),)*
                "ldrd r11, r7, [lr, #20]",
                "ldrd r9, r10, [lr, #28]",
                "ldrd r4, r5, [lr, #36]",
                "2:",
                "mov r6, r11",
                "3:",
                concat!("vldmia r0, {{", $inputs, "}}"),
                concat!("vldmia r2, {{", $weights, "}}"),
                "add r0, r0, r9",
                "add r2, r2, r10",
                add_products!($([$sum $input $weight $input])*),
                "subs r6, r6, #1",
                "bne 3b",
                "add r0, r0, r4",
                "add r2, r2, r5",
                "subs r7, r7, #1",
                "bne 2b",
                concat!("vstmdb lr!, {{", $sums, "}}"),
                $(concat!("vpop {{", $save, "}}"),)?
                "pop {{r4-r11, lr}}",
            )
        }
    };
}

taps! {
    /// Eight channels of one pixel, each with a weight of its own.
    channels_8: save ["s16-s23"], zero ["d0" "d1" "d2" "d3"], input "s8-s15", weight "s16-s23", sums "s0-s7",
    ["s0" "s8" "s16"] ["s1" "s9" "s17"] ["s2" "s10" "s18"] ["s3" "s11" "s19"]
    ["s4" "s12" "s20"] ["s5" "s13" "s21"] ["s6" "s14" "s22"] ["s7" "s15" "s23"]
}

taps! {
    /// Four channels of one pixel.
    channels_4: save [], zero ["d0" "d1"], input "s4-s7", weight "s8-s11", sums "s0-s3",
    ["s0" "s4" "s8"] ["s1" "s5" "s9"] ["s2" "s6" "s10"] ["s3" "s7" "s11"]
}

taps! {
    /// Two channels of one pixel.
    channels_2: save [], zero ["d0"], input "s4-s5", weight "s8-s9", sums "s0-s1",
    ["s0" "s4" "s8"] ["s1" "s5" "s9"]
}

taps! {
    /// One channel of one pixel.
    channels_1: save [], zero ["d0"], input "s4", weight "s8", sums "s0", ["s0" "s4" "s8"]
}
