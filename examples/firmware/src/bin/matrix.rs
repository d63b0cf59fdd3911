//! A convolution written out as a matrix, and its transpose: what the two operations compute, in numbers.
//!
//! Prints C and Cᵀ for a kernel of three taps at stride 2, the two products with them, the same transposed
//! operation as a direct one over a stretched signal, and that one does not undo the other.
#![no_std]
#![no_main]

use board::println;
use conv_core::{Axis, Dimension, Error, Window1d, window1d};

board::entry!(main);

window1d! {
    /// Windows around samples 0, 2 and 4.
    struct Half: stride 2, pad 1
}

window1d! {
    /// [`Half`] transposed, as a direct operation: see [`Axis::transposed_as_direct`].
    struct Stretched: pad 1, flip
}

static KERNEL: [i8; 3] = [1, 2, 3];
static SIGNAL: [i8; 5] = [7, 0, 1, 0, 2];

fn main() {
    if let Err(error) = show() {
        println!("{error}");
        board::exit(board::Exit::Failure);
    }
}

fn show() -> Result<(), Error> {
    let matrix = Half::matrix(&KERNEL, SIGNAL.len())?;
    println!(
        "kernel {KERNEL:?}, stride 2, one zero before and after: C leads from 5 samples to 3."
    );
    println!("\nC =\n{matrix}\nC transposed =\n{}", matrix.transposed());

    let mut halved = [0; 3];
    Half::conv(&SIGNAL, &KERNEL, &mut halved);
    let mut product = [0; 3];
    matrix.multiply(&SIGNAL, &mut product)?;
    println!("x = {SIGNAL:?}");
    println!("conv            y = {halved:?}, C times x = {product:?}");

    let narrow = halved.map(|value: i32| value as i8);
    let mut back = [0; 5];
    Half::conv_transpose(&narrow, &KERNEL, &mut back);
    let mut product = [0; 5];
    matrix.transposed().multiply(&narrow, &mut product)?;
    println!("conv_transpose  z = {back:?}, C transposed times y = {product:?}");
    println!("z is not x: the transpose is not the inverse.");

    let axis = Axis::new(3).with_stride(2).with_pads(1, 1);
    let direct = axis.transposed_as_direct(0).map_err(|error| Error::Axis {
        dimension: Dimension::Length,
        error,
    })?;
    let stretched = [narrow[0], 0, narrow[1], 0, narrow[2]];
    let mut same: [i32; 5] = [0; 5];
    Stretched::conv(&stretched, &KERNEL, &mut same);
    println!(
        "\nThe same by a direct convolution: zeros between the samples, {stretched:?},\n\
         stride {}, pads {} and {}, and the kernel flipped: {same:?}.",
        direct.stride, direct.pad_before, direct.pad_after
    );

    static FLIPPED: [i8; 3] = [3, 2, 1];
    let flipped = Half::matrix(&FLIPPED, SIGNAL.len())?;
    println!(
        "\nFlipping the kernel alone does not transpose C. It still leads from 5 samples to 3:\n{flipped}"
    );
    Ok(())
}
