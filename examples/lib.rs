//! What the desktop examples need besides convolution: pictures in and out, a page of pictures, timings.
//!
//! A picture is a tensor `(1, channels, height, width)` of `f32` with values 0 to 255, as in the file, so that
//! reading and writing are exact.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use conv_std::ndarray::{Array4, ArrayView2};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, Rgb, RgbImage};
use indicatif::{ProgressBar, ProgressStyle};

/// Reads a PNG or JPEG, turned as the camera says that it was held.
///
/// # Errors
///
/// A file that cannot be opened, is neither PNG nor JPEG, or is damaged; the error names it.
pub fn read(path: &Path) -> Result<RgbImage> {
    let file =
        ImageReader::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let decode = || -> Result<RgbImage> {
        let mut decoder = file.with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut picture = DynamicImage::from_decoder(decoder)?;
        picture.apply_orientation(orientation);
        Ok(picture.into_rgb8())
    };
    decode().with_context(|| format!("cannot read {} as a PNG or JPEG", path.display()))
}

/// The picture as a tensor `(1, 3, height, width)`.
#[must_use]
pub fn to_tensor(picture: &RgbImage) -> Array4<f32> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let bytes = picture.as_raw();
    Array4::from_shape_fn((1, 3, height, width), |(_, channel, y, x)| {
        f32::from(bytes[(y * width + x) * 3 + channel])
    })
}

/// The first three channels of the first item as a picture, rounded and clamped to 0 to 255.
#[must_use]
pub fn to_picture(tensor: &Array4<f32>) -> RgbImage {
    let (_, _, height, width) = tensor.dim();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([0, 1, 2].map(|channel| to_byte(tensor[[0, channel, y as usize, x as usize]])))
    })
}

/// One plane as a grey picture, rounded and clamped to 0 to 255.
#[must_use]
pub fn to_grey(plane: ArrayView2<'_, f32>) -> RgbImage {
    let (height, width) = plane.dim();
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        Rgb([to_byte(plane[[y as usize, x as usize]]); 3])
    })
}

fn to_byte(value: f32) -> u8 {
    // A float converts to the nearest value that an integer can hold.
    value.round() as u8
}

/// Peak signal-to-noise ratio of two pictures of one size, in decibels: `10·log₁₀(255²/mean squared error)`.
/// Infinite where they are equal.
#[must_use]
pub fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    let squares = a
        .iter()
        .zip(b.iter())
        .map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2));
    let mean = squares.sum::<u64>() as f64 / a.len() as f64;
    10.0 * (255.0_f64.powi(2) / mean).log10()
}

/// Space round pictures on a page, in pixels.
const GAP: u32 = 8;

/// The first picture, and the others below each other on its right.
#[must_use]
pub fn nested(pictures: &[RgbImage]) -> RgbImage {
    let Some((first, others)) = pictures.split_first() else {
        return blank(0, 0);
    };
    let column = others
        .iter()
        .map(|other| other.width() + GAP)
        .max()
        .unwrap_or(0);
    let stack: u32 = others.iter().map(|other| other.height() + GAP).sum();
    let height = first.height().max(stack.saturating_sub(GAP));
    let mut page = blank(first.width() + column, height);
    imageops::replace(&mut page, first, 0, 0);
    let mut top = 0;
    for other in others {
        imageops::replace(&mut page, other, i64::from(first.width() + GAP), top);
        top += i64::from(other.height() + GAP);
    }
    page
}

/// Cells of a contact sheet in a row, and the width of each in pixels.
const COLUMNS: u32 = 3;
const CELL: u32 = 256;

/// The pictures in rows of three, each made to fit a cell with the proportions of the first.
#[must_use]
pub fn contact_sheet(pictures: &[&RgbImage]) -> RgbImage {
    let Some(first) = pictures.first() else {
        return blank(0, 0);
    };
    // However long and thin the first is, the page stays a page.
    let height = (u64::from(CELL) * u64::from(first.height()) / u64::from(first.width()))
        .clamp(64, 768) as u32;
    let rows = (pictures.len() as u32).div_ceil(COLUMNS);
    let mut page = blank(COLUMNS * (CELL + GAP) - GAP, rows * (height + GAP) - GAP);
    for (index, picture) in (0..).zip(pictures) {
        let fitted = fit(picture, CELL, height);
        let left = index % COLUMNS * (CELL + GAP) + (CELL - fitted.width()) / 2;
        let top = index / COLUMNS * (height + GAP) + (height - fitted.height()) / 2;
        imageops::replace(&mut page, &fitted, i64::from(left), i64::from(top));
    }
    page
}

/// The picture enlarged or reduced to just fit `width` and `height`.
fn fit(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let across = f64::from(width) / f64::from(picture.width());
    let scale = across.min(f64::from(height) / f64::from(picture.height()));
    let scaled = |extent: u32| ((f64::from(extent) * scale).round() as u32).max(1);
    imageops::resize(
        picture,
        scaled(picture.width()),
        scaled(picture.height()),
        FilterType::Triangle,
    )
}

fn blank(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([255; 3]))
}

/// Steps of work: a progress bar on a terminal, and a line with the time for each that is timed.
pub struct Steps {
    bar: ProgressBar,
}

impl Steps {
    /// Of `count` steps.
    #[must_use]
    pub fn new(count: u64) -> Self {
        let bar = ProgressBar::new(count);
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Does the work, shown as `name`.
    ///
    /// # Errors
    ///
    /// Those of `work`, with the name.
    pub fn step<R>(&self, name: &str, work: impl FnOnce() -> Result<R>) -> Result<R> {
        self.bar.set_message(name.to_owned());
        let result = work().with_context(|| format!("{name} failed"))?;
        self.bar.inc(1);
        Ok(result)
    }

    /// [`step`](Self::step) with its time printed, and the rate for `pixels` pixels.
    ///
    /// # Errors
    ///
    /// Those of `work`, with the name.
    pub fn timed<R>(
        &self,
        name: &str,
        pixels: usize,
        work: impl FnOnce() -> Result<R>,
    ) -> Result<R> {
        self.step(name, || {
            let start = Instant::now();
            let result = work()?;
            let seconds = start.elapsed().as_secs_f64();
            let rate = pixels as f64 / 1e6 / seconds;
            self.say(&format!(
                "{name:<60} {:>9.2} ms {rate:>7.1} MP/s",
                seconds * 1e3
            ));
            Ok(result)
        })
    }

    /// Prints a line above the bar.
    pub fn say(&self, line: &str) {
        // A reader that has gone, as `head` does, is no reason to stop.
        self.bar
            .suspend(|| drop(writeln!(std::io::stdout(), "{line}")));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use conv_std::ndarray::arr2;

    use super::*;

    fn gradient(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([x as u8, y as u8, (3 * x + 5 * y) as u8])
        })
    }

    #[test]
    fn a_picture_survives_the_tensor() {
        let picture = gradient(256, 7);
        let tensor = to_tensor(&picture);
        assert_eq!(tensor.dim(), (1, 3, 7, 256));
        assert_eq!(tensor[[0, 0, 2, 200]], 200.0);
        assert_eq!(tensor[[0, 1, 2, 200]], 2.0);
        assert_eq!(to_picture(&tensor), picture);
    }

    #[test]
    fn values_out_of_range_are_clamped_and_rounded() {
        let plane = arr2(&[[-3.0, 0.4, 0.5, 254.5, 300.0]]);
        let grey = to_grey(plane.view());
        let values: Vec<_> = grey.pixels().map(|pixel| pixel.0).collect();
        assert_eq!(values, [0, 0, 1, 255, 255].map(|value| [value; 3]));
    }

    #[test]
    fn psnr_of_a_known_error() {
        let picture = gradient(16, 16);
        assert_eq!(psnr(&picture, &picture), f64::INFINITY);
        let mut off_by_one = picture.clone();
        for value in off_by_one.iter_mut() {
            *value ^= 1;
        }
        // 20·log₁₀ 255
        assert!((psnr(&picture, &off_by_one) - 48.130_803_6).abs() < 1e-6);
    }

    #[test]
    fn a_sheet_holds_every_picture() {
        let red = RgbImage::from_pixel(320, 100, Rgb([255, 0, 0]));
        let blue = RgbImage::from_pixel(5, 10, Rgb([0, 0, 255]));
        // Cells of 256 × 80: red fills its cell, blue stands 40 wide in the middle of its own.
        let sheet = contact_sheet(&[&red, &blue, &red, &blue]);
        assert_eq!(sheet.dimensions(), (784, 168));
        let (red, blue, white) = (red[(0, 0)], blue[(0, 0)], Rgb([255; 3]));
        assert_eq!([sheet[(0, 0)], sheet[(255, 79)]], [red; 2]);
        assert_eq!([sheet[(256, 0)], sheet[(371, 40)]], [white; 2]);
        assert_eq!([sheet[(372, 0)], sheet[(411, 79)]], [blue; 2]);
        assert_eq!([sheet[(783, 79)], sheet[(128, 167)]], [red, blue]);
        let tall = RgbImage::from_pixel(8, 2000, Rgb([9; 3]));
        assert_eq!(contact_sheet(&[&tall]).dimensions(), (784, 768));
    }

    #[test]
    fn smaller_pictures_stand_on_the_right() {
        let square = |side: u32| RgbImage::from_pixel(side, side, Rgb([side as u8; 3]));
        let page = nested(&[square(40), square(20), square(10)]);
        assert_eq!(page.dimensions(), (68, 40));
        assert_eq!(
            [page[(39, 39)], page[(48, 19)], page[(57, 37)]].map(|pixel| pixel[0]),
            [40, 20, 10]
        );
        assert_eq!(page[(44, 0)], Rgb([255; 3]));
    }

    #[test]
    fn errors_name_the_file_and_what_is_wrong() {
        let text = |path: &Path| format!("{:#}", read(path).expect_err("not a picture"));
        let absent = text(Path::new("no/such.png"));
        assert!(absent.starts_with("cannot open no/such.png: "), "{absent}");
        let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/lib.rs"));
        let unreadable = text(source);
        assert!(
            unreadable.contains("lib.rs as a PNG or JPEG: "),
            "{unreadable}"
        );
    }
}
