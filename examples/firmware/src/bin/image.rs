//! An image layer and its transpose, on a photograph of a cat.
//!
//! A layer of seven 3×3 filters at stride 2, with bias, ReLU and a rounding shift, makes 16×16×7 features in Q7 of
//! 32×32 grey pixels. The transposed layer, the same weights and the same geometry, leads from the features back
//! to 32×32 pixels. It is the transpose, not the inverse: it spreads each feature over the window that it was
//! read from. With a blur, whose transpose interpolates, and edges in both signs, whose transposes sharpen,
//! the photograph comes back recognisable, and how close is printed.
//!
//! The photograph is read from flash; features, edges and reconstruction take 7 KiB of RAM.
#![no_std]
#![no_main]

use board::{print, println};
use conv_core::finish::{self, Finish};
use conv_core::{Window2d, assert_shapes, filter, window2d};

board::entry!(main);

const EXTENT: usize = 32;

/// One channel of grey, 0 black to 255 white.
type Photograph = [[u8; EXTENT]; EXTENT];

/// Chelsea the cat, by Stéfan van der Walt (CC0): see `data/README.md`.
static CAT: Photograph = rows(include_bytes!("../../data/cat.grey"));

const fn rows(bytes: &[u8; EXTENT * EXTENT]) -> Photograph {
    let mut rows = [[0; EXTENT]; EXTENT];
    let mut index = 0;
    while index < bytes.len() {
        rows[index / EXTENT][index % EXTENT] = bytes[index];
        index += 1;
    }
    rows
}

window2d! {
    /// Every pixel has a window around it.
    struct Same: pad 1
}

window2d! {
    /// Every other row and column has a window around it.
    struct Half: stride 2, pad 1
}

type Filter = [[i8; 3]; 3];

/// Output channels first, then rows, columns and the one input channel.
static SOBEL: [[[[i8; 1]; 3]; 3]; 2] = [channel(ACROSS, 1), channel(DOWN, 1)];

/// A blur, and three kinds of edges in both signs, of which ReLU lets one pass.
static FILTERS: [[[[i8; 1]; 3]; 3]; 7] = [
    channel(BLUR, 1),
    channel(ACROSS, 1),
    channel(ACROSS, -1),
    channel(DOWN, 1),
    channel(DOWN, -1),
    channel(CROSS, 2),
    channel(CROSS, -2),
];

/// Half a step of Q7 against noise in flat places.
static BIAS: [i32; 7] = [0, -16, -16, -16, -16, -16, -16];

/// Weights 1 2 1 across and down.
const BLUR: Filter = filter::narrow(&filter::binomial_2d());
const ACROSS: Filter = filter::sobel_x();
const DOWN: Filter = filter::sobel_y();
/// Where brightness rises towards two opposite corners.
const CROSS: Filter = [[1, 0, -1], [0, 0, 0], [-1, 0, 1]];

const fn channel(filter: Filter, factor: i8) -> [[[i8; 1]; 3]; 3] {
    let mut channel = [[[0; 1]; 3]; 3];
    let mut tap = 0;
    while tap < 9 {
        channel[tap / 3][tap % 3][0] = factor * filter[tap / 3][tap % 3];
        tap += 1;
    }
    channel
}

/// 16 rows of 16 columns of 7 channels, in Q7.
type Features = [[[i8; 7]; 16]; 16];

// What does not fit, editor and `cargo check` say here.
assert_shapes!(Same::conv(Photograph, [[[[i8; 1]; 3]; 3]; 2]) => [[[i32; 2]; EXTENT]; EXTENT]);
assert_shapes!(Half::conv_with(Photograph, [[[[i8; 1]; 3]; 3]; 7], finish::bias(&BIAS).relu().to_q7(5)) => Features);
assert_shapes!(
    Half::conv_transpose_with(Features, [[[[i8; 1]; 3]; 3]; 7], finish::raw::<i32>().to_u8(1)) => Photograph
);

fn main() {
    println!(
        "photograph, {EXTENT} x {EXTENT}, hash {:08x}",
        hash(CAT.as_flattened())
    );
    draw(&CAT);
    edges();

    // 16 times the mean of the window, a number up to 4080, becomes Q7 by a shift of 5.
    let mut features: Features = [[[0; 7]; 16]; 16];
    Half::conv_with(
        &CAT,
        &FILTERS,
        &mut features,
        finish::bias(&BIAS).relu().to_q7(5),
    );
    let flat = features.as_flattened().as_flattened();
    println!(
        "\nlayer: 3 x 3, stride 2, 7 channels, 16 x 16, hash {:08x}",
        hash_signed(flat)
    );
    for (name, (row, column)) in [("bridge of the nose", (6, 8)), ("eye", (5, 4))] {
        println!("features at the {name}: {:?}", features[row][column]);
    }

    println!("\ntransposed layer, from 16 x 16 x 7 back to 32 x 32:");
    let all = back(&features);
    draw(&all);
    println!("hash {:08x}", hash(all.as_flattened()));
    report("all seven channels", &all);

    for pixel in features.as_flattened_mut() {
        pixel[1..].fill(0);
    }
    report("the blur alone", &back(&features));
}

/// Sobel's two filters in one layer, drawn as the sum of their magnitudes.
fn edges() {
    let mut gradient = [[[0_i32; 2]; EXTENT]; EXTENT];
    Same::conv(&CAT, &SOBEL, &mut gradient);
    let mut edges: Photograph = [[0; EXTENT]; EXTENT];
    // The outermost windows see the zeros of the padding, which are not the cat's.
    for row in 1..EXTENT - 1 {
        for column in 1..EXTENT - 1 {
            let [across, down] = gradient[row][column];
            let magnitude = (across.abs() + down.abs()) / 3;
            edges[row][column] = magnitude.min(255) as u8;
        }
    }
    println!("\nedges, hash {:08x}", hash(edges.as_flattened()));
    draw(&edges);
}

/// The transposed layer. In each output the taps of the blur sum to 4 and a feature is half a pixel, so that a
/// shift by 1 is the pixel again.
fn back(features: &Features) -> Photograph {
    let mut photograph = [[0; EXTENT]; EXTENT];
    Half::conv_transpose_with(
        features,
        &FILTERS,
        &mut photograph,
        finish::raw::<i32>().to_u8(1),
    );
    photograph
}

/// How far a reconstruction is from the photograph, without the outermost rows and columns: there the windows
/// read zeros, and the last ones are reached by half as many windows.
fn report(name: &str, photograph: &Photograph) {
    const INSIDE: core::ops::Range<usize> = 1..EXTENT - 1;
    let mut sum = 0;
    for (ours, cats) in photograph[INSIDE].iter().zip(&CAT[INSIDE]) {
        let pairs = ours[INSIDE].iter().zip(&cats[INSIDE]);
        sum += pairs.map(|(&a, &b)| u32::from(a.abs_diff(b))).sum::<u32>();
    }
    let tenths = sum * 10 / (INSIDE.len() * INSIDE.len()) as u32;
    println!(
        "with {name} the mean difference is {}.{} of 255",
        tenths / 10,
        tenths % 10
    );
}

/// Two characters a pixel, which makes it about square.
fn draw(photograph: &Photograph) {
    const SHADES: &[u8; 9] = b".:-=+*#%@";
    for row in photograph {
        for &pixel in row {
            // At most 255·9/256 = 8.
            let shade = SHADES[usize::from(pixel) * SHADES.len() / 256] as char;
            print!("{shade}{shade}");
        }
        println!();
    }
}

/// FNV-1a, 32 bits.
fn hash(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0x811c_9dc5, |hash, &byte| step(hash, byte))
}

fn hash_signed(values: &[i8]) -> u32 {
    values.iter().fold(0x811c_9dc5, |hash, &value| {
        step(hash, value.cast_unsigned())
    })
}

const fn step(hash: u32, byte: u8) -> u32 {
    (hash ^ byte as u32).wrapping_mul(0x0100_0193)
}
