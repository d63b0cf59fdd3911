//! Convolves a photograph: edges, a blur, a pyramid, and the photograph back from the pyramid.
//!
//! ```sh
//! cargo run --release --example photo                # the bundled photograph
//! cargo run --release --example photo -- mine.jpg    # yours
//! ```
//!
//! Everything is `f32` in NCHW: tensors `(1, channels, height, width)`, kernels
//! `(output channels, input channels of a group, height, width)`. Each function below is one use of conv-std.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use conv_core::filter::{self, Taper};
use conv_examples::{Steps, contact_sheet, nested, psnr, read, to_grey, to_picture, to_tensor};
use conv_std::ndarray::{Array1, Array2, Array3, Array4, Axis};
use conv_std::rayon::ThreadPoolBuilder;
use conv_std::{Boundary, Conv2d, ConvTranspose1d, ConvTranspose2d, SimdLevel};
use image::RgbImage;

/// Standard deviation of the blur in pixels, and enough taps for three of it on either side.
const SIGMA: f32 = 4.0;
const BLUR: [f32; 25] = filter::gaussian_1d(SIGMA);
const BLUR_PAD: isize = BLUR.len() as isize / 2;

/// The low-pass of the pyramid: what half the sampling rate can hold, and little above.
const LOW_PASS: [f32; 9] = filter::decimator(2, Taper::Hamming);
const LOW_PASS_PAD: isize = LOW_PASS.len() as isize / 2;

/// Halvings, and the shorter side that leaves the last level one pixel.
const LEVELS: usize = 3;
const LEAST_SIDE: u32 = 1 << LEVELS;

/// Sobel's derivatives of the brightness: two output channels, x and y, of three input channels, red, green and
/// blue. A weight for each colour times a weight for each pixel is one kernel.
fn derivatives(photo: &Array4<f32>) -> Result<Array4<f32>> {
    let brightness = [0.299, 0.587, 0.114];
    let sobel = [filter::sobel_x(), filter::sobel_y()];
    let kernel = Array4::from_shape_fn((2, 3, 3, 3), |(derivative, colour, y, x)| {
        f32::from(sobel[derivative][y][x]) * brightness[colour]
    });
    let plan = Conv2d::new(kernel.view())
        .pad(1)
        .boundary(Boundary::Replicate) // zeros would make the frame an edge
        .build()?;
    Ok(plan.run(photo.view())?)
}

/// How steep the brightness is, whichever way it rises, in grey levels a pixel.
fn steepness(derivatives: &Array4<f32>) -> Array2<f32> {
    let plane = |channel| {
        derivatives
            .index_axis(Axis(0), 0)
            .index_axis_move(Axis(0), channel)
    };
    let mut steepness = plane(0).to_owned();
    steepness.zip_mut_with(&plane(1), |x, y| *x = x.hypot(*y) / 8.0); // Sobel gives 8 times the slope
    steepness
}

/// A Gaussian along the rows, then down the columns: 2·25 products a pixel instead of 25². As many groups as
/// channels: red, green and blue each by itself.
fn blur(photo: &Array4<f32>) -> Result<Array4<f32>> {
    let along = Array4::from_shape_fn((3, 1, 1, BLUR.len()), |(_, _, _, x)| BLUR[x]);
    let down = along.view().permuted_axes([0, 1, 3, 2]);
    let along = Conv2d::new(along.view())
        .groups(3)
        .pads([0, BLUR_PAD], [0, BLUR_PAD])
        .boundary(Boundary::Reflect)
        .build()?;
    let down = Conv2d::new(down)
        .groups(3)
        .pads([BLUR_PAD, 0], [BLUR_PAD, 0])
        .boundary(Boundary::Reflect)
        .build()?;
    Ok(down.run(along.run(photo.view())?.view())?)
}

/// The low-pass along both axes, once for each colour.
fn low_pass() -> Array4<f32> {
    let taps = LOW_PASS.len();
    Array4::from_shape_fn((3, 1, taps, taps), |(_, _, y, x)| LOW_PASS[y] * LOW_PASS[x])
}

/// The photograph and its halvings, each a convolution with stride 2 of the one before. A plan is built once and
/// runs at any size; an odd side is rounded up.
fn pyramid(photo: Array4<f32>) -> Result<Vec<Array4<f32>>> {
    let halve = Conv2d::new(low_pass().view())
        .groups(3)
        .stride(2)
        .pad(LOW_PASS_PAD)
        .boundary(Boundary::Reflect)
        .build()?;
    let mut levels = vec![photo];
    for level in 0..LEVELS {
        levels.push(halve.run(levels[level].view())?);
    }
    Ok(levels)
}

/// Twice the size, by the transposed convolution with the kernel, stride and pads of the halving.
///
/// Two sizes are halved to the same one (451 and 452 to 226), so the output size says which is meant. It is no
/// inverse: each pixel is spread over those that it was made of, and what the low-pass took away stays away.
fn double(small: &Array4<f32>, size: [usize; 2]) -> Result<Array4<f32>> {
    let plan = ConvTranspose2d::new(low_pass().view())
        .groups(3)
        .stride(2)
        .pad(LOW_PASS_PAD)
        .output_size(size)
        .build()?;
    let mut large = plan.run(small.view())?;
    let [height, width] = size;
    large /= &gain(small.len_of(Axis(2)), height)?.insert_axis(Axis(1)); // a column for all x
    large /= &gain(small.len_of(Axis(3)), width)?; // a row for all y
    Ok(large)
}

/// What the transpose makes of ones, along one axis: about ½ inside, since only every other tap meets a pixel, and
/// another value near the ends, where neighbours are missing.
fn gain(small: usize, large: usize) -> Result<Array1<f32>> {
    let kernel = Array3::from_shape_fn((1, 1, LOW_PASS.len()), |(_, _, x)| LOW_PASS[x]);
    let plan = ConvTranspose1d::<f32>::new(kernel.view())
        .stride(2)
        .pad(LOW_PASS_PAD)
        .output_size([large])
        .build()?;
    Ok(plan.run(Array3::ones((1, 1, small)).view())?.into_flat())
}

/// What each level has that the doubled next one lacks: with the smallest level, the whole photograph.
fn residuals(levels: &[Array4<f32>]) -> Result<Vec<Array4<f32>>> {
    let pairs = levels.iter().zip(&levels[1..]);
    pairs
        .map(|(large, small)| Ok(large - double(small, size(large))?))
        .collect()
}

/// The photograph's size again, from the smallest level alone.
fn rebuild(levels: &[Array4<f32>]) -> Result<Array4<f32>> {
    let mut picture = levels[LEVELS].clone();
    for level in levels[..LEVELS].iter().rev() {
        picture = double(&picture, size(level))?;
    }
    Ok(picture)
}

/// The photograph again, from the smallest level and the residuals.
fn restore(smallest: &Array4<f32>, residuals: &[Array4<f32>]) -> Result<Array4<f32>> {
    let mut picture = smallest.clone();
    for residual in residuals.iter().rev() {
        picture = double(&picture, size(residual))? + residual;
    }
    Ok(picture)
}

fn size(tensor: &Array4<f32>) -> [usize; 2] {
    [tensor.len_of(Axis(2)), tensor.len_of(Axis(3))]
}

/// What is written, in the order in which [`convolve`] returns it.
const FILES: [(&str, &str); 7] = [
    ("sheet.png", "photo, edges, blur; pyramid, rebuilt, missing"),
    ("edges.png", "steepness of the brightness, times 4"),
    ("blur.png", "Gaussian of standard deviation 4"),
    ("pyramid.png", "the photo halved once, twice, three times"),
    ("rebuilt.png", "doubled from the smallest of these alone"),
    ("missing.png", "what that lacks: photo − rebuilt + 128"),
    ("restored.png", "doubled with residuals: the photo again"),
];

/// All of the above, each timed.
fn convolve(original: &RgbImage, steps: &Steps) -> Result<[RgbImage; FILES.len()]> {
    let pixels = original.len() / 3;
    let photo = to_tensor(original);

    let name = "edges      Sobel along x and y, 3 to 2 channels";
    let slopes = steps.timed(name, pixels, || derivatives(&photo))?;
    // Few edges rise by more than 64 grey levels a pixel.
    let edges = to_grey((steepness(&slopes) * 4.0).view());
    drop(slopes);

    let name = "blur       Gaussian, 25 taps along x, then 25 along y";
    let blurred = to_picture(&steps.timed(name, pixels, || blur(&photo))?);

    let name = "pyramid    3 convolutions with stride 2, 9×9 taps";
    let levels = steps.timed(name, pixels, || pyramid(photo))?;
    let halvings = nested(&levels[1..].iter().map(to_picture).collect::<Vec<_>>());

    let name = "rebuilt    3 transposed convolutions with stride 2";
    let (rebuilt, missing) = {
        let rebuilt = steps.timed(name, pixels, || rebuild(&levels))?;
        (
            to_picture(&rebuilt),
            to_picture(&(&levels[0] - &rebuilt + 128.0)),
        )
    };

    let name = "residuals  the same, 3 differences";
    let residuals = steps.timed(name, pixels, || residuals(&levels))?;
    let name = "restored   the same, 3 sums";
    let restored = steps.timed(name, pixels, || restore(&levels[LEVELS], &residuals))?;
    let restored = to_picture(&restored);

    let [height, width] = size(&levels[LEVELS]);
    let decibels = psnr(original, &rebuilt);
    steps.say(&format!(
        "\nrebuilt from {width}×{height} pixels: PSNR {decibels:.2} dB"
    ));
    steps.say(&match psnr(original, &restored) {
        f64::INFINITY => "restored with the residuals: every byte as in the photo".to_owned(),
        decibels => format!("restored with the residuals: PSNR {decibels:.2} dB"),
    });
    let sheet = contact_sheet(&[original, &edges, &blurred, &halvings, &rebuilt, &missing]);
    Ok([sheet, edges, blurred, halvings, rebuilt, missing, restored])
}

/// Convolves a photograph: edges, a blur, a pyramid, and the photograph back from the pyramid.
#[derive(Parser)]
struct Arguments {
    /// PNG or JPEG; without one, a bundled photograph of a cat
    photo: Option<PathBuf>,
    /// Folder for the pictures
    #[arg(long, value_name = "DIR", default_value = "target/photo")]
    output: PathBuf,
    /// Threads; as many as there are cores unless given
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/chelsea.png");
    let photo = read(&arguments.photo.unwrap_or(bundled))?;
    let (width, height) = photo.dimensions();
    ensure!(
        width.min(height) >= LEAST_SIDE,
        "the photo has {width}×{height} pixels; to be halved {LEVELS} times it needs {LEAST_SIDE}×{LEAST_SIDE}"
    );
    let folder = std::path::absolute(arguments.output)?;
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;

    // Plans run in the pool that they are called in; 0 is a thread for each core.
    let threads = arguments.threads.map_or(0, NonZeroUsize::get);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let (simd, threads) = (SimdLevel::best(), pool.current_num_threads());
    let steps = Steps::new(6 + FILES.len() as u64);
    steps.say(&format!(
        "{width}×{height} pixels; {simd}, threads: {threads}\n"
    ));
    let pictures = pool.install(|| convolve(&photo, &steps))?;
    for ((name, _), picture) in FILES.iter().zip(&pictures) {
        let file = folder.join(name);
        let text = format!("writing {}", file.display());
        steps.step(&text, || Ok(picture.save(&file)?))?;
    }
    steps.finish();

    let folder = folder.display();
    steps.say(&format!("\nWritten to {folder}; look at sheet.png first:"));
    for (name, meaning) in FILES {
        steps.say(&format!("  {name:<14}{meaning}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something of every frequency, the three colours unlike each other.
    fn picture(width: usize, height: usize) -> Array4<f32> {
        Array4::from_shape_fn((1, 3, height, width), |(_, channel, y, x)| {
            ((x * x * 7 + y * y * 13 + x * y * 3 + channel * 50) % 256) as f32
        })
    }

    fn greatest_difference(a: &Array4<f32>, b: &Array4<f32>) -> f32 {
        assert_eq!(a.dim(), b.dim());
        (a - b)
            .iter()
            .fold(0.0, |greatest, value| value.abs().max(greatest))
    }

    #[test]
    fn residuals_restore_every_size() {
        for (width, height) in [(8, 8), (9, 15), (16, 33), (57, 38), (101, 10)] {
            let photo = picture(width, height);
            let levels = pyramid(photo.clone()).unwrap();
            let halved = [height.div_ceil(2), width.div_ceil(2)];
            assert_eq!(size(&levels[1]), halved);
            let residuals = residuals(&levels).unwrap();
            let restored = restore(&levels[LEVELS], &residuals).unwrap();
            assert!(
                greatest_difference(&restored, &photo) < 1e-3,
                "{width}×{height}"
            );
            assert_eq!(
                to_picture(&restored),
                to_picture(&photo),
                "{width}×{height}"
            );
            let rebuilt = rebuild(&levels).unwrap();
            assert!(
                greatest_difference(&rebuilt, &photo) > 10.0,
                "the residuals matter"
            );
        }
    }

    #[test]
    fn a_plain_picture_stays_plain() {
        let plain = Array4::from_elem((1, 3, 21, 34), 100.0);
        assert!(greatest_difference(&blur(&plain).unwrap(), &plain) < 1e-3);
        let levels = pyramid(plain.clone()).unwrap();
        let residuals = residuals(&levels).unwrap();
        for residual in &residuals {
            assert!(
                residual.iter().all(|value| value.abs() < 1e-3),
                "up to the last border pixel"
            );
        }
        let slopes = derivatives(&plain).unwrap();
        assert!(
            slopes.iter().all(|value| value.abs() < 1e-3),
            "the frame is no edge"
        );
    }

    #[test]
    fn a_ramp_is_as_steep_as_it_is() {
        let ramp = Array4::from_shape_fn((1, 3, 9, 9), |(_, _, y, x)| (3 * x + 4 * y) as f32);
        let steepness = steepness(&derivatives(&ramp).unwrap());
        assert!((steepness[[4, 4]] - 5.0).abs() < 1e-4);
    }

    #[test]
    fn a_blur_keeps_the_sum_and_the_colours_apart() {
        let mut photo = Array4::zeros((1, 3, 41, 41));
        photo[[0, 1, 20, 20]] = 1000.0;
        let blurred = blur(&photo).unwrap();
        assert!((blurred.sum() - 1000.0).abs() < 0.01);
        assert!(
            (blurred[[0, 1, 20, 24]] / blurred[[0, 1, 20, 20]] - (-0.5_f32).exp()).abs() < 1e-4
        );
        assert_eq!(blurred[[0, 0, 20, 20]], 0.0);
    }
}
