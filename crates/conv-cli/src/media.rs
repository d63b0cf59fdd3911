//! Images, sounds and arrays as channels of numbers, and back.

use std::io::Cursor;
use std::path::Path;

use conv_scene::Fault;
use image::{DynamicImage, ImageBuffer, ImageFormat, ImageReader, Luma, Rgb};
use ndarray::{Array, ArrayD, IxDyn};
use ndarray_npy::WriteNpyExt;

use crate::data::{Kind, missing, numbers};
use crate::failure::Failure;

/// Channels of numbers, and what they were.
pub(crate) struct Media {
    pub(crate) channels: usize,
    /// Height and width; a signal has height 1.
    pub(crate) extents: [usize; 2],
    /// Channel by channel.
    pub(crate) values: Vec<f64>,
    pub(crate) source: Source,
}

/// What is read, as far as it matters for what is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    /// An image of this many bits a sample; whether there was transparency, which is left out.
    Image { bits: u32, had_alpha: bool },
    /// A sound.
    Sound(hound::WavSpec),
    /// An array of this rank.
    Array { rank: usize, kind: Kind },
}

impl Media {
    /// The kind of file goes by its ending.
    pub(crate) fn read(path: &str) -> Result<Self, Failure> {
        match ending(path).as_str() {
            "npy" => array(path),
            "wav" => sound(path),
            "png" | "jpg" | "jpeg" => picture(path),
            _ => Err(Failure::file(
                path,
                &"does not end in .png, .jpg, .jpeg, .wav or .npy",
            )),
        }
    }

    pub(crate) fn is_signal(&self) -> bool {
        matches!(
            self.source,
            Source::Sound(_) | Source::Array { rank: 1, .. }
        )
    }

    /// The file's bytes, in the format of its ending; `rates` is by how much a sound's samples grow more.
    pub(crate) fn write(&self, path: &str, rates: (usize, usize)) -> Result<Vec<u8>, Failure> {
        self.writable(path)?;
        match ending(path).as_str() {
            "npy" => self.npy(path),
            "wav" => self.wav(path, rates),
            _ => self.image(path),
        }
    }

    /// What can be seen before anything is computed: an ending that this source cannot be written as.
    pub(crate) fn writable(&self, path: &str) -> Result<(), Fault> {
        let fits = matches!(
            (ending(path).as_str(), self.source),
            ("npy", _) | ("wav", Source::Sound(_)) | ("png" | "jpg" | "jpeg", Source::Image { .. })
        );
        if fits {
            return Ok(());
        }
        let expected = match self.source {
            Source::Image { .. } => "of an image .png, .jpg, .jpeg or .npy",
            Source::Sound(_) => "of a sound .wav or .npy",
            Source::Array { .. } => "of an array .npy",
        };
        Err(Fault::usage(format!(
            "{path} has another ending than what comes out has, expected {expected}"
        )))
    }

    fn image(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let [height, width] = self.extents;
        let wrong = |error: &dyn std::fmt::Display| Failure::file(path, error);
        let too_large = || wrong(&"the image is too large for its format");
        let (width, height) = (
            u32::try_from(width).map_err(|_| too_large())?,
            u32::try_from(height).map_err(|_| too_large())?,
        );
        let is_png = ending(path) == "png";
        let deep = is_png && matches!(self.source, Source::Image { bits: 16, .. });
        let image = match (self.channels, deep) {
            (1, false) => ImageBuffer::<Luma<u8>, _>::from_raw(width, height, self.bytes())
                .map(DynamicImage::from),
            (3, false) => ImageBuffer::<Rgb<u8>, _>::from_raw(width, height, self.bytes())
                .map(DynamicImage::from),
            (1, true) => ImageBuffer::<Luma<u16>, _>::from_raw(width, height, self.words())
                .map(DynamicImage::from),
            (3, true) => ImageBuffer::<Rgb<u16>, _>::from_raw(width, height, self.words())
                .map(DynamicImage::from),
            (channels, _) => {
                return Err(wrong(&format!(
                    "an image has 1 or 3 channels, here are {channels}: write .npy"
                )));
            }
        };
        let format = if is_png {
            ImageFormat::Png
        } else {
            ImageFormat::Jpeg
        };
        let mut bytes = Cursor::new(Vec::new());
        image
            .ok_or_else(too_large)?
            .write_to(&mut bytes, format)
            .map_err(|error| wrong(&error))?;
        Ok(bytes.into_inner())
    }

    /// Rounded, clamped and interleaved. A file of 16 bits that is written with 8 loses the lower ones.
    fn bytes(&self) -> Vec<u8> {
        let scale = match self.source {
            Source::Image { bits: 16, .. } => 255.0 / 65535.0,
            _ => 1.0,
        };
        self.interleaved(|value| (value * scale).round().clamp(0.0, 255.0) as u8)
    }

    fn words(&self) -> Vec<u16> {
        self.interleaved(|value| value.round().clamp(0.0, 65535.0) as u16)
    }

    fn interleaved<T>(&self, convert: impl Fn(f64) -> T) -> Vec<T> {
        let pixels = self.extents[0] * self.extents[1];
        let sample = |pixel: usize| (0..self.channels).map(move |channel| channel * pixels + pixel);
        (0..pixels)
            .flat_map(sample)
            .map(|index| convert(self.values[index]))
            .collect()
    }

    fn wav(&self, path: &str, (more, fewer): (usize, usize)) -> Result<Vec<u8>, Failure> {
        let wrong = |error: &dyn std::fmt::Display| Failure::file(path, error);
        let Source::Sound(spec) = self.source else {
            return Err(wrong(&"is not made of a sound"));
        };
        let channels =
            u16::try_from(self.channels).map_err(|_| wrong(&"has too many channels for a .wav"))?;
        let rate = u64::from(spec.sample_rate) * more as u64 / fewer.max(1) as u64;
        let sample_rate = u32::try_from(rate).ok().filter(|rate| *rate > 0);
        let sample_rate = sample_rate
            .ok_or_else(|| wrong(&format!("a sample rate of {rate} cannot be written")))?;
        let spec = hound::WavSpec {
            channels,
            sample_rate,
            ..spec
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut write = || -> Result<(), hound::Error> {
            let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
            for value in self.interleaved(|value| value) {
                match spec.sample_format {
                    hound::SampleFormat::Float => writer.write_sample(value as f32)?,
                    hound::SampleFormat::Int => {
                        let limit = 2_f64.powi(i32::from(spec.bits_per_sample) - 1);
                        writer.write_sample(value.round().clamp(-limit, limit - 1.0) as i32)?;
                    }
                }
            }
            writer.finalize()
        };
        write().map_err(|error| wrong(&error))?;
        Ok(bytes.into_inner())
    }

    fn npy(&self, path: &str) -> Result<Vec<u8>, Failure> {
        let [height, width] = self.extents;
        let shape = match (self.source, self.channels) {
            (Source::Array { rank: 1, .. }, 1) => vec![width],
            (Source::Array { rank: 2, .. }, 1) => vec![height, width],
            _ if self.is_signal() => vec![self.channels, width],
            _ => vec![self.channels, height, width],
        };
        let array = ArrayD::from_shape_vec(IxDyn(&shape), self.values.clone());
        let array = array.map_err(|error| Failure::file(path, &error))?;
        let mut bytes = Vec::new();
        let written = match self.source {
            Source::Array {
                kind: Kind::Single, ..
            } => array.mapv(|value| value as f32).write_npy(&mut bytes),
            _ => array.write_npy(&mut bytes),
        };
        written.map_err(|error| Failure::file(path, &error))?;
        Ok(bytes)
    }
}

pub(crate) fn ending(path: &str) -> String {
    let ending = Path::new(path)
        .extension()
        .and_then(|ending| ending.to_str());
    ending.unwrap_or("").to_ascii_lowercase()
}

fn array(path: &str) -> Result<Media, Failure> {
    let read = numbers(path)?;
    let (channels, extents) = match *read.shape.as_slice() {
        [width] => (1, [1, width]),
        [height, width] => (1, [height, width]),
        [channels, height, width] => (channels, [height, width]),
        _ => {
            let rank = read.shape.len();
            return Err(Failure::file(
                path,
                &format!("has {rank} axes, expected 1, 2, or 3 with the channels in front"),
            ));
        }
    };
    let source = Source::Array {
        rank: read.shape.len(),
        kind: read.kind,
    };
    Ok(Media {
        channels,
        extents,
        values: read.values,
        source,
    })
}

fn sound(path: &str) -> Result<Media, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::file(path, &format!("is not a readable .wav: {error}"))
    };
    let bytes = std::fs::read(path).map_err(|error| missing(path, &error))?;
    let mut reader = hound::WavReader::new(bytes.as_slice()).map_err(|error| wrong(&error))?;
    let spec = reader.spec();
    let samples: Result<Vec<f64>, hound::Error> = match spec.sample_format {
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .map(|sample| sample.map(f64::from))
            .collect(),
        hound::SampleFormat::Int => reader
            .samples::<i32>()
            .map(|sample| sample.map(f64::from))
            .collect(),
    };
    let samples = samples.map_err(|error| wrong(&error))?;
    let channels = usize::from(spec.channels);
    let length = samples.len().checked_div(channels).unwrap_or(0);
    if length == 0 {
        return Err(Failure::file(path, &"has no samples"));
    }
    Ok(Media {
        channels,
        extents: [1, length],
        values: planes(&samples, channels, length),
        source: Source::Sound(spec),
    })
}

/// Interleaved samples channel by channel; of the first `channels` of `stride` samples a pixel.
fn planes(samples: &[f64], channels: usize, length: usize) -> Vec<f64> {
    let stride = samples.len().checked_div(length).unwrap_or(1);
    (0..channels)
        .flat_map(|channel| (0..length).map(move |at| samples[at * stride + channel]))
        .collect()
}

fn picture(path: &str) -> Result<Media, Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::file(path, &format!("is not a readable image: {error}"))
    };
    let reader = ImageReader::open(path).map_err(|error| missing(path, &error))?;
    let image = reader.decode().map_err(|error| wrong(&error))?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    if width == 0 || height == 0 {
        return Err(Failure::file(path, &"the image has no pixels"));
    }
    let had_alpha = image.color().has_alpha();
    let channels = if image.color().has_color() { 3 } else { 1 };
    let deep = image.color().bytes_per_pixel() > image.color().channel_count();
    let samples: Vec<f64> = match (channels, deep) {
        (1, false) => image
            .into_luma8()
            .into_raw()
            .into_iter()
            .map(f64::from)
            .collect(),
        (1, true) => image
            .into_luma16()
            .into_raw()
            .into_iter()
            .map(f64::from)
            .collect(),
        (_, false) => image
            .into_rgb8()
            .into_raw()
            .into_iter()
            .map(f64::from)
            .collect(),
        (_, true) => image
            .into_rgb16()
            .into_raw()
            .into_iter()
            .map(f64::from)
            .collect(),
    };
    let source = Source::Image {
        bits: if deep { 16 } else { 8 },
        had_alpha,
    };
    let values = planes(&samples, channels, width * height);
    Ok(Media {
        channels,
        extents: [height, width],
        values,
        source,
    })
}

/// A view of channels as a tensor: each its own batch entry, or together.
pub(crate) fn tensor(
    values: Vec<f64>,
    shape: [usize; 4],
) -> Result<Array<f64, ndarray::Ix4>, Failure> {
    Array::from_shape_vec(shape, values).map_err(|error| Failure::file("the input", &error))
}
