//! Which kernels this build has, how they work, and which layers run on them. Documentation, and one constant.
//!
//! The crate is written twice. The *portable* loops run every operation on every target in safe Rust; they are what everything
//! else is held against. For some cores there are *kernels* beside them, chosen when the crate is compiled; they compute the same
//! bits in a fraction of the instructions. [`ARCH`] and [`FLOAT`] say which.
//!
//! | [`ARCH`] | cores | block, and instructions for its multiply-accumulates |
//! |---|---|---|
//! | `dsp` | Armv7E-M, Armv8-M with DSP: Cortex-M4, M7, M33 | SMLAD, 2 channels × 2 pixels × 4 taps: 14 for 16 |
//! | `packed` | Armv7-M: Cortex-M3, and Armv8-M without DSP | MLA on two pixels in a word, 2 channels × 4 taps: 25 for 16 |
//! | `packed` | Armv6-M: Cortex-M0, M0+; Armv8-M baseline: M23 | MULS on two pixels in a word, 2 channels × 2 taps: 21 for 8 |
//! | `packed` | RISC-V with 32 bits | the same in Rust, 4 channels |
//! | `helium` | Armv8.1-M with vectors: Cortex-M55, M85 | VMLADAVA, 2 channels × 2 pixels × 16 taps: 9 for 64 |
//! | `portable` | all others: desktops, servers, WebAssembly, 64-bit Arm and RISC-V | none |
//!
//! [`FLOAT`] is `vfp` on Arm microcontrollers with a float unit (targets that end in `eabihf`): VMUL and VADD, each rounded, 2
//! pixels × 4 channels or 8 outputs of a signal at a time, 2.2 instructions for a product.
//!
//! Stable Rust does not say whether a target has DSP or vector instructions; the crate's build script reads the target's name
//! and the compiler flags. A Cortex-M33 needs `-Ctarget-cpu=cortex-m33` or `-Ctarget-feature=+dsp`, a Cortex-M55
//! `-Ctarget-feature=+v8.1m.main,+mve,+lob,+dsp`; without them they run what Armv8-M has. The feature `portable` and the
//! environment variable `CONV_ARCH=portable` turn all kernels off; `CONV_ARCH=dsp`, `packed` or `helium` on another machine runs
//! that file's kernels as their models in Rust, which is how they are tested on a desktop.
//!
//! # Which layers run where
//!
//! | layer | kernels | portable loops |
//! |---|---|---|
//! | `Quant…` direct and transposed, pointwise, grouped, 1-D and 2-D, streamed, and [`pack_quantised`](crate::Geometry::pack_quantised): inputs `i8` or `u8`, weights `i8`, 32-bit sums | any channels, extents, stride, dilation, pads, groups, orientation, clamp, scale and contract | with `ARCH` `portable` |
//! | `Quant…` depthwise, inputs `i8` or `u8`, weights `i8`, 32-bit sums | the same, with a channel multiplier on `dsp` | with a channel multiplier on other cores; transposed depthwise |
//! | fully connected, inputs `i8` or `u8`, weights `i8`, 32-bit sums | `dsp` | other cores |
//! | weights of 4 bits; inputs `i16`; 64-bit sums | | always |
//! | [`Geometry::quantised`](crate::Geometry::quantised), weights not packed | | always |
//! | `f32`: every operation, [`Window1d`](crate::Window1d) and [`Window2d`](crate::Window2d), slices, streams | `FLOAT` `vfp` | elsewhere |
//! | signals of integers, one channel or depthwise: direct and transposed, any taps, stride, dilation, pads, orientation, finish; `i8`, `u8`, `i16` by `i8` into `i32`, `i16` by `i16` into `i64`, `i32` by `i32` into `i128` | four outputs share each weight: SMLAD (`dsp`), VMLADAVA and VMLALDAVA (`helium`), MLA and SMLAL (Armv7-M), the compiler's own instructions elsewhere | with `ARCH` `portable`, a channel multiplier |
//! | other plain integer operations (raw sums, `finish`), `f64` | | always |
//! | pooling, residual sums | | always; without divisions or 64-bit multiplications where the core has none |
//!
//! Outputs of [`Double`](crate::requantise::Double) into `i8` are requantised by the kernel in 6 (`dsp`), 8 (Armv7-M), about 24
//! (Armv6-M) instructions or four at a time (`helium`) where a constant proves that the short form is exact: shifts from −22 to
//! −1 and sums below 2³⁰, on Armv6-M 2²³. Everything else gets sums from the kernel and rounds them one by one.
//!
//! # Which sums signals take
//!
//! Taps decide, once a call: where they prove that sums of fewer bits cannot overflow, those are taken, to the same bits.
//!
//! | inputs by taps | sums | for |
//! |---|---|---|
//! | `i8`, `u8`, `i16` by `i8` into `i32` | 32 bits | all taps |
//! | `i16` by `i16` into `i64` | 32 bits | Σ\|tap\| < 2¹⁶: in Q15, twice the gain of 1 |
//! | | 64 bits | others, and fewer than four outputs at a time |
//! | `i32` by `i32` into `i128` | 64 bits | Σ\|tap\| < 2³²: in Q31, twice the gain of 1 |
//! | | 128 bits | others, and fewer than four outputs at a time |
//!
//! # How a layer runs
//!
//! 1. **At compile time** the layer's constructor permutes the weights within their own array into the order in which the block
//!    reads them, and computes for each channel what its requantisation needs. Of a transposed layer the weights are sorted by
//!    *phase*: outputs `t` with one remainder of `t + pad_before` by the stride meet the same taps.
//! 2. **`run`** hands plan, weights, channels, input, output and scratch to one function that all layers share. It takes the layer
//!    apart into direct convolutions: one, or one for each phase and group, whose outputs may lie a stride apart.
//! 3. Each of these walks its pixels two by two. For a pair it builds **columns**, the inputs under the kernel in the order of the
//!    weights: interior pixels by one loop, pixels at a border with padding filled in. On `dsp` they are widened to 16 bits, less
//!    the zero point; on `packed` cores two pixels share a word; on `helium` they are bytes, and a window that is one run of bytes
//!    is not copied at all.
//! 4. The **block** multiplies the columns with all channels, two at a time, and requantises.
//!
//! Columns stand in the *scratch*, at most 4 bytes for each weight of one output channel, which is what CMSIS-NN takes. Depthwise
//! and fully connected layers need none, nor do pointwise ones made by
//! [`QuantConv2d::pointwise`](crate::quantised::QuantLayer::pointwise): their columns stand in the part of the output that is not
//! written yet; on `packed` cores those of the last pixels on the stack, up to 256 bytes at a time.
//!
//! # Porting to another core
//!
//! One file in `src/arch`, one row in its `mod.rs`, one in `build.rs`. The file says which operations it runs, how many bytes of
//! scratch a weight takes, what a channel's record holds and when the short requantisation is exact, permutes a kernel in a
//! `const fn`, and runs one direct convolution: see `arch/mod.rs`. Its tests exist: the layers' tests of the crate run on its
//! model with `CONV_ARCH`, and on the core itself `cargo xtask test` compares 7,500 small layers with the portable loops, guards
//! round output and scratch.

/// The kernels of quantised layers that this build has: `dsp`, `packed`, `helium` or `portable`.
///
/// ```
/// assert!(["dsp", "packed", "helium", "portable"].contains(&conv_core::kernels::ARCH));
/// ```
pub const ARCH: &str = if cfg!(conv_arch = "dsp") {
    "dsp"
} else if cfg!(conv_arch = "packed") {
    "packed"
} else if cfg!(conv_arch = "helium") {
    "helium"
} else {
    "portable"
};

/// The kernels of operations on `f32` that this build has: `vfp` or `portable`.
///
/// ```
/// assert!(["vfp", "portable"].contains(&conv_core::kernels::FLOAT));
/// ```
pub const FLOAT: &str = if cfg!(conv_float = "vfp") {
    "vfp"
} else {
    "portable"
};
