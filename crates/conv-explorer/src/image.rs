//! The kernel on an own picture.

use conv_core::Geometry;
use conv_scene::{Direction, Fault, Layer};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::question::Question;

/// Bytes of a pixel: red, green, blue and opacity.
const BYTES: usize = 4;
/// Most pixels of an output.
const MOST: usize = 1 << 22;

/// A picture that a kernel was applied to.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Applied {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

#[wasm_bindgen]
impl Applied {
    /// Pixels of a row.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Red, green, blue and opacity of each pixel.
    #[must_use]
    pub fn pixels(&self) -> Vec<u8> {
        self.pixels.clone()
    }
}

/// Applies the first kernel to each colour by itself, divided by the sum of the weights' magnitudes so that every
/// output is a colour; of a kernel whose weights add up to nothing or less the magnitude is shown.
pub(crate) fn apply(
    question: &Question,
    layer: &Layer,
    weights: &[f64],
    pixels: &[u8],
    width: usize,
) -> Result<Applied, Fault> {
    if layer.rank() != 2 {
        return Err(Fault::illegal("a picture has two axes, this layer has one"));
    }
    let taps: usize = layer.kernel().iter().product();
    let kernel = weights
        .get(..taps)
        .ok_or_else(|| Fault::illegal("the kernel has no weights to apply: draw a smaller one"))?;
    let kernel: Vec<f32> = kernel.iter().map(|weight| *weight as f32).collect();
    let height = pixels.len() / BYTES / width.max(1);
    let on_picture = question.layer_on([height, width])?;
    let output = on_picture.output();
    let [rows, columns] = [0, 1].map(|d| output.get(d).copied().unwrap_or(1));
    let count = rows.saturating_mul(columns);
    if count > MOST {
        return Err(Fault::illegal(format!(
            "the output would have {rows}×{columns} pixels, at most {MOST} are computed: choose a smaller picture"
        )));
    }
    let mut painted = vec![255; count * BYTES];
    for colour in 0..BYTES - 1 {
        let plane = |pixel: &[u8]| pixel.get(colour).map_or(0.0, |value| f32::from(*value));
        let input: Vec<f32> = pixels.chunks_exact(BYTES).map(plane).collect();
        let mut sums = vec![0.0; count];
        run(&on_picture, &input, &kernel, &mut sums)?;
        for (pixel, sum) in painted.chunks_exact_mut(BYTES).zip(sums) {
            pixel[colour] = shade(sum, &kernel);
        }
    }
    Ok(Applied {
        width: columns,
        height: rows,
        pixels: painted,
    })
}

fn run(layer: &Layer, input: &[f32], kernel: &[f32], output: &mut [f32]) -> Result<(), Fault> {
    let [Some(rows), Some(columns)] = [layer.lines.first(), layer.lines.get(1)] else {
        return Err(Fault::illegal("a picture has two axes"));
    };
    let axes = [rows.axis, columns.axis];
    let (reads, writes) = ([rows.input, columns.input], [rows.output, columns.output]);
    let oriented = |geometry: Geometry<2>| geometry.with_orientation(layer.orientation);
    match layer.direction {
        Direction::Direct => {
            oriented(Geometry::direct(axes, reads, 1, 1, 1)?).conv(input, kernel, output)?;
        }
        Direction::Transposed => {
            oriented(Geometry::transposed(axes, reads, writes, 1, 1, 1)?)
                .conv_transpose(input, kernel, output)?;
        }
    }
    Ok(())
}

fn shade(sum: f32, kernel: &[f32]) -> u8 {
    let magnitude: f32 = kernel.iter().map(|weight| weight.abs()).sum();
    let total: f32 = kernel.iter().sum();
    let value = if total > 0.0 { sum } else { sum.abs() };
    // A float is clamped to the byte's range, 0 where it is no number.
    (value / magnitude.max(f32::MIN_POSITIVE)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(
        question: &str,
        weights: &[f64],
        pixels: &[u8],
        width: usize,
    ) -> Result<Applied, Fault> {
        let question = Question::read(question)?;
        let layer = question.layer()?;
        apply(&question, &layer, weights, pixels, width)
    }

    /// Grey pixels.
    fn grey(values: &[u8]) -> Vec<u8> {
        values
            .iter()
            .flat_map(|value| [*value, *value, *value, 255])
            .collect()
    }

    #[test]
    fn a_mean_of_neighbours() {
        let result = applied(
            "input=5,5&kernel=1,2",
            &[1.0, 1.0],
            &grey(&[10, 20, 30, 50, 70, 90]),
            3,
        )
        .unwrap();
        assert_eq!((result.width, result.height), (2, 2));
        assert_eq!(result.pixels, grey(&[15, 25, 60, 80]));
    }

    #[test]
    fn an_edge_is_a_magnitude_and_a_flip_turns_the_kernel() {
        let pixels = grey(&[0, 100, 40]);
        let edge = applied("input=1,3&kernel=1,2", &[1.0, -1.0], &pixels, 3).unwrap();
        assert_eq!(edge.pixels, grey(&[50, 30]));
        let weights = [3.0, 1.0];
        let plain = applied("input=1,3&kernel=1,2", &weights, &pixels, 3).unwrap();
        let flipped = applied("input=1,3&kernel=1,2&flip=true", &weights, &pixels, 3).unwrap();
        assert_eq!(
            (plain.pixels, flipped.pixels),
            (grey(&[25, 85]), grey(&[75, 55]))
        );
    }

    #[test]
    fn a_transposed_kernel_enlarges() {
        let text = "input=2,2&kernel=1,2&stride=1,2&transposed=true";
        let result = applied(text, &[1.0, 1.0], &grey(&[10, 20]), 2).unwrap();
        assert_eq!(result.pixels, grey(&[5, 5, 10, 10]));
    }

    #[test]
    fn what_cannot_be_applied_has_a_sentence() {
        let refused = |question: &str, weights: &[f64]| {
            applied(question, weights, &grey(&[1, 2]), 2)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("input=5&kernel=2", &[1.0; 2]).starts_with("a picture has two axes"));
        assert!(refused("input=5,5&kernel=2,2", &[1.0; 4]).contains("expected at most"));
        assert!(refused("input=5,5&kernel=2,2", &[]).contains("no weights"));
        let huge = "input=5,5&kernel=1,1&stride=1,99999999&transposed=true";
        assert!(refused(huge, &[1.0]).starts_with("the output would have"));
    }
}
