//! What other exact libraries take: the figures that ours are held against.
//!
//! An anchor is the least that any library needs whose every output byte is TFLite's reference's, in instructions per
//! multiply-accumulate over a whole layer, counted under QEMU's `-icount shift=0` (7.2) with the data of
//! `conv_vectors::anchors`. The libraries:
//!
//! - **CMSIS-NN** (Apache-2.0, commit 99f736a), built by arm-none-eabi-gcc 12.2 with `-Ofast`, or with
//!   `-O2 -DCMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY`, which takes fewer on every row of the Cortex-M4. All but the
//!   following. The `f32` ones are `arm_convolve_wrapper_f32` and `arm_transpose_conv_f32`.
//! - **TinyEngine** (MIT), its kernel for three input channels: the Cortex-M4 and M7 in the row of 32×32×3. It is exact at
//!   stride 2, and with stride 1 does not pad right and bottom; CMSIS-NN takes 4.50 there.
//! - **muriscv-nn**: riscv32imc, and the depthwise rows of the Cortex-M0, with aligned 32-bit loads that an Armv6-M
//!   core faults on where the address is odd; CMSIS-NN takes 35.6 and 37.8, esp-nn 22.9 and 23.6.
//!
//! - **CMSIS-DSP** (Apache-2.0, commit ec1bb75), the same compiler, the best of `-O2`, `-O3` and `-Ofast` with and without
//!   loop unrolling: its exact functions, state carried on (`arm_fir_q15`, `arm_fir_decimate_q15`,
//!   `arm_fir_interpolate_q15`, `arm_conv_q15` and their like). It truncates where conv-core rounds. Of its `f32` ones those
//!   whose bits are conv-core's, built with `-ffp-contract=off`; on the Cortex-M55 it sums in another order, and only the
//!   interpolator is listed.
//!
//! TinyMaix, NNoM and TinyEngine's float requantisation take fewer on some rows and are not exact. Code for the
//! Cortex-M0 was run by the board mps2-an385.
//!
//! A case of a program of `examples/firmware/measure` that has no row here is counted without an anchor, and its hash
//! is not looked at.

/// The targets that have anchors, in the order of the columns.
const CORES: [&str; 7] = [
    "cortex-m0",
    "cortex-m3",
    "cortex-m4f",
    "cortex-m7",
    "cortex-m33",
    "cortex-m55",
    "riscv32imc",
];

/// A case whose output is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// What the program that counts it calls it.
    pub(crate) name: &'static str,
    /// 32-bit FNV-1a of the output's bytes.
    pub(crate) hash: u32,
    /// By core.
    anchors: [Option<f64>; CORES.len()],
}

/// The cases.
#[rustfmt::skip]
#[expect(clippy::approx_constant, reason = "3.14 instructions, not π")]
pub(crate) static CASES: [Case; 37] = [
    //                                                          M0+     M3     M4F    M7     M33    M55   rv32imc
    int8("conv3x3 16x16x16→32 s1 p1",        0xcb1c_47fb, [ 7.130,  3.061, 2.088, 2.096, 2.092, 0.420,  4.126]),
    int8("conv3x3 32x32x3→16 s1 p1",         0x3667_a45d, [11.69,   5.446, 2.42,  2.43,  4.506, 1.735,  6.010]),
    int8("conv1x1 25x5x64→64",               0xec34_deea, [ 7.04,   3.017, 1.972, 1.963, 1.983, 0.507,  4.807]),
    int8("conv10x4 49x10x1→64 s2 p1",        0x9177_579c, [ 9.425,  4.268, 3.31,  3.364, 3.324, 1.164,  5.047]),
    int8("conv5x5 8x8x32→32 s1 p2",          0x1f0d_26cc, [ 6.34,   2.769, 1.80,  1.808, 1.809, 0.272,  3.898]),
    int8("depthwise 3x3 25x5x64 s1 p1",      0x34a6_2534, [18.0,    8.41,  6.991, 7.187, 6.979, 2.967, 11.78]),
    int8("depthwise 3x3 16x16x32 s2 p1",     0xc661_e485, [18.7,    8.85,  7.294, 7.493, 7.270, 3.461, 12.52]),
    int8("transposed k3 s2 p1 a1 8x8x16→16", 0xf8a3_fb63, [11.787,  5.597, 4.203, 4.203, 4.124, 2.253,  7.002]),
    int8("transposed k4 s2 p1 8x8x16→16",    0x6df3_88f3, [10.560,  5.095, 3.774, 3.774, 3.730, 2.034,  6.219]),
    int8("transposed k2 s2 8x8x32→16",       0xbe8f_fabf, [29.946, 13.146, 8.933, 8.933, 8.940, 1.865, 21.45]),
    int8("transposed k3 s1 p1 16x16x8→8",    0x103f_4da2, [12.048,  6.171, 4.782, 4.782, 4.750, 4.052,  7.105]),
    //                                                       M4F    M7
    f32("conv3x3 16x16x8→16 s1 p1 f32",         0x80f5_3498, 5.818, 6.757),
    f32("conv1x1 16x16x32→32 f32",              0xb9b5_6dcc, 5.609, 6.480),
    f32("transposed k4 s2 p1 8x8x16→16 f32",    0x80f7_4735, 7.781, 7.688),
    f32("transposed k2 s2 8x8x32→16 f32",       0xe99f_33df, 9.715, 9.528),
    f32("transposed k3 s2 p1 a1 8x8x16→16 f32", 0xdd76_9bee, 8.513, 8.346),
    // The example network's logits and drawing of its first picture, as TFLite's reference kernels give them.
    alone("network: a picture", 0x5635_4992),
    // Signals, against CMSIS-DSP, whose functions truncate where ours round.     M0+, M3, M4F, M7, M55
    signal("fir32 q15", 0x7082_aa64, [Some(15.30), Some(5.58), Some(2.11), Some(2.05), Some(0.50)]),
    signal("fir64 q15", 0xb15f_7932, [Some(14.80), Some(5.30), Some(1.84), Some(1.78), Some(0.83)]),
    signal("dec4 q15", 0x3098_16ed, [Some(15.50), Some(4.44), Some(3.23), Some(3.23), Some(1.15)]),
    signal("int4 q15", 0x1cd5_3096, [Some(59.90), Some(5.25), Some(5.65), Some(5.40), Some(2.79)]),
    signal("conv q15", 0x96db_41e3, [Some(41.70), Some(24.50), Some(2.73), Some(2.52), Some(1.02)]),
    signal("fir32 q31", 0x5fa6_1955, [Some(55.30), Some(2.68), Some(2.68), Some(2.99), Some(1.32)]),
    signal("fir64 q31", 0xcb2c_5d98, [Some(55.10), Some(2.41), Some(2.41), Some(2.66), Some(0.91)]),
    signal("dec4 q31", 0x4f87_a99e, [Some(55.30), Some(5.48), Some(5.68), Some(5.58), Some(1.40)]),
    signal("int4 q31", 0xdc5c_768d, [Some(57.70), Some(4.55), Some(4.96), Some(5.23), Some(3.14)]),
    alone("conv q31", 0x9fc7_7669),
    signal("fir32 q7", 0x9489_b460, [Some(5.67), Some(2.19), Some(2.16), Some(2.17), Some(0.29)]),
    signal("fir64 q7", 0x2e13_7275, [Some(5.21), Some(1.97), Some(1.95), Some(1.96), Some(0.23)]),
    alone("dec4 q7", 0x2a84_b6b2),
    alone("int4 q7", 0x995a_9295),
    alone("conv q7", 0xeabe_753a),
    signal("fir32 f32", 0xbbd2_516d, [Some(187.0), Some(89.20), Some(2.54), Some(2.50), None]),
    signal("fir64 f32", 0x91e8_a0bf, [Some(187.0), Some(89.30), Some(2.43), Some(2.40), None]),
    signal("dec4 f32", 0x110d_b7ca, [Some(190.0), Some(90.50), Some(4.59), Some(4.60), None]),
    signal("int4 f32", 0xd2b6_0db2, [Some(188.0), Some(88.50), Some(4.09), Some(4.10), Some(2.29)]),
    signal("conv f32", 0x65e2_5454, [Some(208.0), Some(108.0), Some(3.69), Some(3.70), None]),
];

const fn int8(name: &'static str, hash: u32, least: [f64; CORES.len()]) -> Case {
    let mut case = alone(name, hash);
    let mut core = 0;
    while core < CORES.len() {
        case.anchors[core] = Some(least[core]);
        core += 1;
    }
    case
}

const fn f32(name: &'static str, hash: u32, m4f: f64, m7: f64) -> Case {
    let anchors = [None, None, Some(m4f), Some(m7), None, None, None];
    Case {
        name,
        hash,
        anchors,
    }
}

/// A filter of a signal. A Cortex-M33 has the M4F's instructions; it and riscv32imc were not counted.
const fn signal(name: &'static str, hash: u32, least: [Option<f64>; 5]) -> Case {
    let [m0, m3, m4f, m7, m55] = least;
    Case {
        name,
        hash,
        anchors: [m0, m3, m4f, m7, None, m55, None],
    }
}

/// A case that no other library has been counted in.
const fn alone(name: &'static str, hash: u32) -> Case {
    let anchors = [None; CORES.len()];
    Case {
        name,
        hash,
        anchors,
    }
}

/// The row of a case. A filter that is fed block by block shares that of one call.
pub(crate) fn case(name: &str) -> Option<&'static Case> {
    let name = name.strip_suffix(" block").unwrap_or(name);
    CASES.iter().find(|case| case.name == name)
}

impl Case {
    /// The least instructions per multiply-accumulate of any other exact library on a target.
    pub(crate) fn anchor(&self, target: &str) -> Option<f64> {
        self.anchors[core(target)?]
    }
}

fn core(target: &str) -> Option<usize> {
    CORES.iter().position(|core| *core == target)
}

/// Code that the eleven int8 cases link, in bytes: the library's functions alone, without the calls of them.
///
/// CMSIS-NN and on riscv32imc muriscv-nn, of the builds above the one with less code. Of the Cortex-M4F that is the
/// one with inline assembly; `-Ofast` takes 16,772.
const CODE: [u64; CORES.len()] = [12_674, 11_954, 14_456, 16_888, 16_806, 12_174, 11_352];

/// The same of CMSIS-NN at `-Os`, which was built for the Cortex-M4F alone; it runs 1.1 to 1.7 times the instructions.
const SMALL_CODE_M4F: u64 = 13_010;

/// The least code that another library's eleven cases link on a target, in bytes, built for speed.
pub(crate) fn code(target: &str) -> Option<u64> {
    core(target).map(|core| CODE[core])
}

/// The same, built for size.
pub(crate) fn small_code(target: &str) -> Option<u64> {
    (target == "cortex-m4f").then_some(SMALL_CODE_M4F)
}

/// Bytes that CMSIS-NN takes in each int8 case beside input and output: with Helium, and without.
///
/// Its `arm_…_get_buffer_size` functions say so, as arm-none-eabi-gcc compiles them. Direct, of `K = KH·KW·CI` values
/// under the kernel: two columns of `i16`, `K` rounded up to 4; with Helium four of `i8`, `K` rounded up to 16; 1×1 none.
/// Depthwise 3×3: none; with Helium 4·124 bytes a tap. Transposed: `max(KH, s)` rows of `s·(IW − 1) + max(KW, s)` pixels
/// of `CO` sums of 32 bits; with more than 16 input channels the columns of a direct operation, and the weights in
/// reverse order. TinyEngine takes 576 to 8,448, muriscv-nn 37,000 to 74,000 in transposed layers.
#[rustfmt::skip]
static SCRATCH: [(&str, u64, u64); 11] = [
    ("conv3x3 16x16x16→32 s1 p1",         576,  576),
    ("conv3x3 32x32x3→16 s1 p1",          128,  112),
    ("conv1x1 25x5x64→64",                  0,    0),
    ("conv10x4 49x10x1→64 s2 p1",         192,  160),
    ("conv5x5 8x8x32→32 s1 p2",          3200, 3200),
    ("depthwise 3x3 25x5x64 s1 p1",      4464,    0),
    ("depthwise 3x3 16x16x32 s2 p1",     4464,    0),
    ("transposed k3 s2 p1 a1 8x8x16→16", 3264, 3264),
    ("transposed k4 s2 p1 8x8x16→16",    4608, 4608),
    ("transposed k2 s2 8x8x32→16",       2560, 2560),
    ("transposed k3 s1 p1 16x16x8→8",    1728, 1728),
];

/// Bytes that CMSIS-NN takes in a case beside input and output, on riscv32imc as on a core without DSP.
pub(crate) fn scratch(case: &str, target: &str) -> Option<u64> {
    let (_, helium, other) = SCRATCH.iter().find(|(name, ..)| *name == case)?;
    Some(match target {
        "cortex-m55" => *helium,
        _ => *other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::TARGETS;

    #[test]
    fn every_core_is_a_target_with_a_board() {
        for core in CORES {
            let target = TARGETS.iter().find(|target| target.name == core);
            assert!(
                target.is_some_and(|target| target.board().is_some()),
                "{core}"
            );
        }
        let boards = TARGETS.iter().filter(|target| target.board().is_some());
        assert_eq!(boards.count(), CORES.len());
    }

    #[test]
    fn the_int8_hashes_are_those_that_conv_vectors_derives() {
        for (case, layer) in CASES.iter().zip(&conv_vectors::anchors::LAYERS) {
            assert_eq!(case.hash, layer.hash, "{} is {}", case.name, layer.name);
        }
    }

    #[test]
    fn an_anchor_belongs_to_a_case_and_a_core() {
        let anchor = |name, target| case(name).unwrap().anchor(target);
        assert_eq!(
            anchor("conv3x3 16x16x16→32 s1 p1", "cortex-m55"),
            Some(0.42)
        );
        assert_eq!(anchor("conv1x1 16x16x32→32 f32", "cortex-m7"), Some(6.48));
        assert_eq!(anchor("conv1x1 16x16x32→32 f32", "cortex-m0"), None);
        assert_eq!(anchor("conv1x1 25x5x64→64", "wasm32"), None);
        assert_eq!(anchor("fir32 q15 block", "cortex-m55"), Some(0.5));
        assert_eq!(anchor("fir32 f32", "cortex-m55"), None);
        assert!(case("network: residual sum").is_none());
        for case in &CASES {
            let of_name = CASES.iter().filter(|other| other.name == case.name);
            assert_eq!(of_name.count(), 1, "{}", case.name);
        }
    }

    #[test]
    fn every_int8_case_has_the_scratch_of_cmsis_nn() {
        for (case, (name, ..)) in CASES.iter().zip(SCRATCH) {
            assert_eq!(case.name, name);
        }
        let of = |target| scratch("conv3x3 32x32x3→16 s1 p1", target);
        assert_eq!((of("cortex-m55"), of("cortex-m4f")), (Some(128), Some(112)));
        assert_eq!(scratch("network: a picture", "cortex-m55"), None);
    }
}
