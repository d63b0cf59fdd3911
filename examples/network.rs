//! A network that TFLite quantised, on the desktop: every picture of its test set, held to what TFLite's reference
//! kernels give, bit for bit.
//!
//! ```sh
//! cargo run --release --example network
//! ```
//!
//! The same layers run on microcontrollers: `examples/firmware/src/bin/network.rs`. How they were trained says
//! `examples/network/README.md`.

#[path = "network/layers.rs"]
#[allow(
    clippy::type_complexity,
    missing_docs,
    unreachable_pub,
    reason = "shared with the firmware, as its own module"
)]
mod layers;

use anyhow::{Result, ensure};
use layers::{Memory, PEAK, PICTURES, Picture, Record, record, run};

/// The number of pictures whose digit the network reads.
fn check() -> Result<usize> {
    let mut memory = Memory::new();
    let mut right = 0;
    for index in 0..PICTURES {
        let Record {
            label,
            picture,
            expected,
        } = record(index);
        let answer = run(&picture, &mut memory);
        ensure!(
            answer == expected,
            "picture {index}: {answer:?}, but TFLite gives {expected:?}"
        );
        right += usize::from(answer.digit() == usize::from(label));
    }
    Ok(right)
}

/// Two characters a pixel, which makes it about square.
fn draw(rows: [&[i8; 8]; 2]) {
    const SHADES: &[u8; 9] = b" .:-=+*#@";
    let shade = |pixel: i8| SHADES[(usize::from(pixel.wrapping_add(-128) as u8) * 9) / 256] as char;
    for row in rows {
        let text: String = row.iter().flat_map(|&pixel| [shade(pixel); 2]).collect();
        print!("  |{text}|");
    }
    println!();
}

fn main() -> Result<()> {
    let example = record(0);
    let answer = run(&example.picture, &mut Memory::new());
    println!("picture 0, and as the network draws it again:");
    let (picture, drawn): (&Picture, &Picture) = (&example.picture, &answer.drawn);
    for rows in picture.iter().zip(drawn) {
        draw([rows.0, rows.1]);
    }
    println!(
        "a {}, says the network; it is a {}",
        answer.digit(),
        example.label
    );

    let right = check()?;
    println!("{PICTURES} pictures: logits and drawings are those of TFLite, bit for bit");
    println!("{right} of {PICTURES} digits are right");
    println!("feature maps: {PEAK} bytes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_gives_what_tflite_gives() {
        assert_eq!((check().unwrap(), PICTURES), (567, 597));
    }

    /// The sum and the two maps that it is made of, 8·8·12 each: a pointwise layer's input and output, beside what is
    /// added to it.
    #[test]
    fn feature_maps_take_what_lives_at_the_same_time() {
        assert_eq!(PEAK, 3 * 8 * 8 * 12);
    }
}
