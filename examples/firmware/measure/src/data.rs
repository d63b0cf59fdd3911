//! The generated data of the cases, made by the compiler: see [`conv_vectors::anchors`], whose generator this is as a
//! `const fn`.
#![allow(
    long_running_const_eval,
    reason = "25,600 steps of the generator take the compiler a tenth of a second"
)]

/// As many weights as the largest kernel has.
const WEIGHTS_MADE: usize = 25_600;

/// As many input values as the largest input has.
const INPUTS_MADE: usize = 8192;

/// An array at an address that every core loads words and vectors from, as linkers and allocators place them.
#[repr(C, align(16))]
#[derive(Clone, Copy, Debug)]
pub struct Aligned<T>(pub T);

/// Input values, and one weight made after each.
const fn generate() -> ([i8; WEIGHTS_MADE], [i8; WEIGHTS_MADE]) {
    let (mut inputs, mut weights) = ([0; WEIGHTS_MADE], [0; WEIGHTS_MADE]);
    let mut state = 1_u32;
    let mut index = 0;
    while index < WEIGHTS_MADE {
        state = step(state);
        inputs[index] = (state >> 24) as i8;
        state = step(state);
        let weight = (state >> 24) as i8;
        weights[index] = if weight == i8::MIN { -i8::MAX } else { weight };
        index += 1;
    }
    (inputs, weights)
}

const fn step(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// Known to the compiler alone: no program links it.
static GENERATED: ([i8; WEIGHTS_MADE], [i8; WEIGHTS_MADE]) = generate();

/// The input values, of which each case reads as many as it needs from the front.
static INPUT: Aligned<[i8; INPUTS_MADE]> = {
    let mut input = [0; INPUTS_MADE];
    let mut index = 0;
    while index < INPUTS_MADE {
        input[index] = GENERATED.0[index];
        index += 1;
    }
    Aligned(input)
};

/// The same, divided by 30.
static FLOAT_INPUT: Aligned<[f32; INPUTS_MADE]> = {
    let mut input = [0.0; INPUTS_MADE];
    let mut index = 0;
    while index < INPUTS_MADE {
        input[index] = GENERATED.0[index] as f32 / 30.0;
        index += 1;
    }
    Aligned(input)
};

/// An image in row-major order from the front of `values`; `None` where there are too few.
#[must_use]
pub fn image<T, const C: usize, const W: usize, const H: usize>(
    values: &[T],
) -> Option<&[[[T; C]; W]; H]> {
    let (pixels, _) = values.as_chunks();
    let (rows, _) = pixels.as_chunks();
    rows.first_chunk()
}

/// [`image`], to write to.
#[must_use]
pub fn image_mut<T, const C: usize, const W: usize, const H: usize>(
    values: &mut [T],
) -> Option<&mut [[[T; C]; W]; H]> {
    let (pixels, _) = values.as_chunks_mut();
    let (rows, _) = pixels.as_chunks_mut();
    rows.first_chunk_mut()
}

/// All `i8` input values that there are.
#[must_use]
pub fn input() -> &'static [i8] {
    &INPUT.0
}

/// All `f32` input values that there are.
#[must_use]
pub fn float_input() -> &'static [f32] {
    &FLOAT_INPUT.0
}

/// A kernel `O H W I` of the generated weights.
#[must_use]
pub const fn kernel<const CI: usize, const KW: usize, const KH: usize, const CO: usize>()
-> [[[[i8; CI]; KW]; KH]; CO] {
    let mut kernel = [[[[0; CI]; KW]; KH]; CO];
    let weights = kernel
        .as_flattened_mut()
        .as_flattened_mut()
        .as_flattened_mut();
    let mut index = 0;
    while index < weights.len() {
        weights[index] = GENERATED.1[index];
        index += 1;
    }
    kernel
}

/// A depthwise kernel `H W O` of the generated weights.
#[must_use]
pub const fn depthwise_kernel<const C: usize, const KW: usize, const KH: usize>()
-> [[[i8; C]; KW]; KH] {
    let [kernel] = kernel::<C, KW, KH, 1>();
    kernel
}

/// A kernel `O H W I` of the generated weights divided by 100.
#[must_use]
pub const fn float_kernel<const CI: usize, const KW: usize, const KH: usize, const CO: usize>()
-> [[[[f32; CI]; KW]; KH]; CO] {
    let mut kernel = [[[[0.0; CI]; KW]; KH]; CO];
    let weights = kernel
        .as_flattened_mut()
        .as_flattened_mut()
        .as_flattened_mut();
    let mut index = 0;
    while index < weights.len() {
        weights[index] = GENERATED.1[index] as f32 / 100.0;
        index += 1;
    }
    kernel
}
