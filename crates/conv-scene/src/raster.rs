//! Pictures as pixels: SVG through resvg, with DejaVu Sans (Bitstream Vera's licence) embedded; PNG, APNG and GIF.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::fault::Fault;

/// Most pixels of all pictures together.
const MOST_PIXELS: usize = 1 << 26;

/// Draws SVGs.
///
/// ```
/// use conv_scene::raster::{Painter, gif};
///
/// let blank = r#"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="4"/>"#;
/// let sheet = Painter::new(2.0).paint(blank)?;
/// assert_eq!((sheet.width, sheet.height), (16, 8));
/// assert!(gif(&[sheet], 700)?.starts_with(b"GIF89a"));
/// # Ok::<(), conv_scene::Fault>(())
/// ```
pub struct Painter {
    options: Options<'static>,
    scale: f32,
}

/// Pixels of three bytes, row by row.
pub struct Sheet {
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Red, green and blue of each.
    pub pixels: Vec<[u8; 3]>,
}

/// Colour numbers of all pictures of an animation.
struct Indexed {
    palette: Vec<[u8; 3]>,
    frames: Vec<Vec<u8>>,
}

impl Painter {
    /// One that makes `scale` pixels of a unit.
    #[must_use]
    pub fn new(scale: f32) -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(dejavu::sans::regular().to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        let options = Options {
            font_family: "DejaVu Sans".to_owned(),
            fontdb: Arc::new(fonts),
            ..Options::default()
        };
        Self { options, scale }
    }

    /// Refuses pictures of this size before any is drawn.
    ///
    /// # Errors
    ///
    /// More than 2²⁶ pixels in all.
    pub fn check(&self, (width, height): (f64, f64), frames: usize) -> Result<(), Fault> {
        let scale = f64::from(self.scale);
        let (width, height) = ((width * scale).ceil(), (height * scale).ceil());
        if width * height * frames as f64 > MOST_PIXELS as f64 {
            return Err(Fault::illegal(format!(
                "{frames} pictures of {width}×{height} pixels would be drawn, at most {MOST_PIXELS} pixels in all: draw a smaller setting or --scale"
            )));
        }
        Ok(())
    }

    /// The pixels of an SVG.
    ///
    /// # Errors
    ///
    /// A text that is no SVG, or one without pixels.
    pub fn paint(&self, svg: &str) -> Result<Sheet, Fault> {
        let tree = Tree::from_str(svg, &self.options).map_err(|error| spoiled(&error))?;
        let size = tree.size();
        let extent = |length: f32| (length * self.scale).ceil() as u32;
        let mut pixmap = Pixmap::new(extent(size.width()), extent(size.height()))
            .ok_or_else(|| spoiled(&"has no pixels"))?;
        resvg::render(
            &tree,
            Transform::from_scale(self.scale, self.scale),
            &mut pixmap.as_mut(),
        );
        // The sheet is white and opaque: premultiplied colours are the colours.
        let pixels = pixmap
            .pixels()
            .iter()
            .map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
        Ok(Sheet {
            width: pixmap.width(),
            height: pixmap.height(),
            pixels: pixels.collect(),
        })
    }
}

/// Why there is no picture.
fn spoiled(error: &dyn std::fmt::Display) -> Fault {
    Fault::illegal(format!("the picture: {error}"))
}

/// A still PNG.
///
/// # Errors
///
/// A picture that is too large for the format.
pub fn png(sheet: &Sheet) -> Result<Vec<u8>, Fault> {
    let indexed = Indexed::new(std::slice::from_ref(sheet));
    encode_png(sheet, &indexed, None)
}

/// An animated PNG that runs for ever, each picture for `delay` milliseconds.
///
/// # Errors
///
/// No picture, or one that is too large for the format.
pub fn apng(sheets: &[Sheet], delay: u16) -> Result<Vec<u8>, Fault> {
    let Some(first) = sheets.first() else {
        return Err(spoiled(&"has no frames"));
    };
    encode_png(first, &Indexed::new(sheets), Some(delay))
}

fn encode_png(sheet: &Sheet, indexed: &Indexed, delay: Option<u16>) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let mut write = || {
        let mut encoder = png::Encoder::new(&mut bytes, sheet.width, sheet.height);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(indexed.palette.as_flattened());
        encoder.set_compression(png::Compression::High);
        if let Some(delay) = delay {
            encoder.set_animated(u32::try_from(indexed.frames.len()).unwrap_or(1), 0)?;
            encoder.set_frame_delay(delay, 1000)?;
        }
        let mut writer = encoder.write_header()?;
        for frame in &indexed.frames {
            writer.write_image_data(frame)?;
        }
        writer.finish()
    };
    write().map_err(|error: png::EncodingError| spoiled(&error))?;
    Ok(bytes)
}

/// A GIF that runs for ever, each picture for `delay` milliseconds; each frame holds only what changes.
///
/// # Errors
///
/// No picture, or one that is too large for the format.
pub fn gif(sheets: &[Sheet], delay: u16) -> Result<Vec<u8>, Fault> {
    let too_large = || spoiled(&"is wider or taller than a GIF can be, 65535 pixels");
    let first = sheets.first().ok_or_else(too_large)?;
    let width = u16::try_from(first.width).map_err(|_| too_large())?;
    let height = u16::try_from(first.height).map_err(|_| too_large())?;
    let indexed = Indexed::new(sheets);
    let mut bytes = Vec::new();
    let mut write = || {
        // A last colour that is never painted: what shows through to the frame before.
        let mut palette = indexed.palette.clone();
        let transparent = palette.len() as u8;
        palette.push([0; 3]);
        let mut encoder = gif::Encoder::new(&mut bytes, width, height, palette.as_flattened())?;
        encoder.set_repeat(gif::Repeat::Infinite)?;
        let mut before: Option<&[u8]> = None;
        for frame in &indexed.frames {
            let (left, top, right, bottom) =
                changed(before, frame, usize::from(width), usize::from(height));
            let stays = |index: usize| before.is_some_and(|before| before[index] == frame[index]);
            let colour = |index: usize| {
                if stays(index) {
                    transparent
                } else {
                    frame[index]
                }
            };
            let row = |y: usize| (left..right).map(move |x| y * usize::from(width) + x);
            let buffer: Vec<u8> = (top..bottom).flat_map(row).map(colour).collect();
            encoder.write_frame(&gif::Frame {
                delay: delay / 10,
                left: left as u16,
                top: top as u16,
                width: (right - left) as u16,
                height: (bottom - top) as u16,
                transparent: before.is_some().then_some(transparent),
                buffer: Cow::Owned(buffer),
                ..gif::Frame::default()
            })?;
            before = Some(frame);
        }
        Ok(())
    };
    write().map_err(|error: gif::EncodingError| spoiled(&error))?;
    Ok(bytes)
}

/// Left, top, right and bottom of what differs from the frame before, at least a pixel.
fn changed(
    before: Option<&[u8]>,
    frame: &[u8],
    width: usize,
    height: usize,
) -> (usize, usize, usize, usize) {
    let Some(before) = before else {
        return (0, 0, width, height);
    };
    let (mut left, mut top, mut right, mut bottom) = (width, height, 0, 0);
    for (index, (old, new)) in before.iter().zip(frame).enumerate() {
        if old != new {
            let (x, y) = (index % width, index / width);
            (left, right) = (left.min(x), right.max(x + 1));
            (top, bottom) = (top.min(y), bottom.max(y + 1));
        }
    }
    if right == 0 {
        (0, 0, 1, 1)
    } else {
        (left, top, right, bottom)
    }
}

impl Indexed {
    /// The most frequent colours, at most 255, the rarer ones as the nearest of those: edges of letters alone.
    fn new(sheets: &[Sheet]) -> Self {
        // Neighbours mostly have the same colour: they are looked up together.
        let runs = |sheet: &Sheet| -> Vec<([u8; 3], usize)> {
            let runs = sheet.pixels.chunk_by(|a, b| a == b);
            runs.map(|run| (run[0], run.len())).collect()
        };
        let runs: Vec<Vec<([u8; 3], usize)>> = sheets.iter().map(runs).collect();
        let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
        for (colour, count) in runs.iter().flatten() {
            *counts.entry(*colour).or_default() += count;
        }
        let mut colours: Vec<([u8; 3], usize)> = counts.into_iter().collect();
        // By count, then by colour, so that the same pictures make the same file.
        colours.sort_unstable_by_key(|(colour, count)| (usize::MAX - count, *colour));
        let palette: Vec<[u8; 3]> = colours
            .iter()
            .take(255)
            .map(|(colour, _)| *colour)
            .collect();
        let nearest = |colour: &[u8; 3]| {
            let distance = |other: &[u8; 3]| -> u32 {
                colour
                    .iter()
                    .zip(other)
                    .map(|(a, b)| u32::from(a.abs_diff(*b)).pow(2))
                    .sum()
            };
            let best = palette
                .iter()
                .enumerate()
                .min_by_key(|(_, other)| distance(other));
            best.map_or(0, |(index, _)| index as u8)
        };
        let numbers: HashMap<[u8; 3], u8> = colours
            .iter()
            .map(|(colour, _)| (*colour, nearest(colour)))
            .collect();
        let numbered = |runs: &Vec<([u8; 3], usize)>| {
            let runs = runs.iter();
            runs.flat_map(|(colour, count)| std::iter::repeat_n(numbers[colour], *count))
                .collect()
        };
        let frames = runs.iter().map(numbered).collect();
        Self { palette, frames }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(pixels: &[[u8; 3]]) -> Sheet {
        Sheet {
            width: 2,
            height: 2,
            pixels: pixels.to_vec(),
        }
    }

    #[test]
    fn animations_decode_to_what_was_painted() {
        let (a, b, c) = ([255, 255, 255], [1, 2, 3], [200, 100, 0]);
        let sheets = [
            sheet(&[a, a, b, a]),
            sheet(&[a, a, b, c]),
            sheet(&[a, a, b, c]),
        ];
        let bytes = gif(&sheets, 500).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes.as_slice()).unwrap();
        let first = decoder.read_next_frame().unwrap().unwrap();
        assert_eq!(
            first.buffer.as_ref(),
            [a, a, b, a].map(|[r, g, b]| [r, g, b, 255]).as_flattened()
        );
        let second = decoder.read_next_frame().unwrap().unwrap();
        // Only what changes.
        assert_eq!(
            (
                second.left,
                second.top,
                second.width,
                second.height,
                second.delay
            ),
            (1, 1, 1, 1, 50)
        );
        assert_eq!(second.buffer.as_ref(), [200, 100, 0, 255]);
        let third = decoder.read_next_frame().unwrap().unwrap();
        assert_eq!(third.buffer[3], 0, "nothing changes: one transparent pixel");
        assert!(decoder.read_next_frame().unwrap().is_none());

        let bytes = apng(&sheets, 500).unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        assert_eq!(
            reader
                .info()
                .animation_control
                .map(|control| control.num_frames),
            Some(3)
        );
        for expected in &sheets {
            let mut pixels = [0; 12];
            reader.next_frame(&mut pixels).unwrap();
            assert_eq!(pixels.as_slice(), expected.pixels.as_flattened());
        }
    }

    /// Frames laid over each other, what is transparent left as it was, are the pictures, for ever new ones.
    #[test]
    fn frames_of_a_gif_add_up_to_the_pictures() {
        let pixel = |frame: usize, place: usize| {
            let seed = (frame / 2 * 7 + place * 13 + frame * place) % 5;
            [40 * seed as u8, 255 - 50 * seed as u8, 9]
        };
        let sheets: Vec<Sheet> = (0..9)
            .map(|frame| Sheet {
                width: 6,
                height: 4,
                pixels: (0..24).map(|place| pixel(frame, place)).collect(),
            })
            .collect();
        let bytes = gif(&sheets, 500).unwrap();
        let mut options = gif::DecodeOptions::new();
        options.set_color_output(gif::ColorOutput::RGBA);
        let mut decoder = options.read_info(bytes.as_slice()).unwrap();
        let mut canvas = vec![[0; 3]; 24];
        for sheet in &sheets {
            let frame = decoder.read_next_frame().unwrap().unwrap();
            let width = usize::from(frame.width);
            for (index, rgba) in frame.buffer.as_chunks::<4>().0.iter().enumerate() {
                let x = usize::from(frame.left) + index % width;
                let y = usize::from(frame.top) + index / width;
                if rgba[3] > 0 {
                    canvas[y * 6 + x] = [rgba[0], rgba[1], rgba[2]];
                }
            }
            assert_eq!(canvas, sheet.pixels);
        }
    }

    #[test]
    fn text_is_painted_with_the_embedded_font() {
        let svg = |text: &str| {
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"><rect width=\"40\" height=\"20\" fill=\"#ffffff\"/><text x=\"2\" y=\"16\" font-size=\"14\" font-family=\"DejaVu Sans, Verdana, sans-serif\">{text}</text></svg>"
            )
        };
        let dark = |text: &str| {
            let sheet = Painter::new(1.0).paint(&svg(text)).unwrap();
            sheet.pixels.iter().filter(|pixel| pixel[0] < 128).count()
        };
        assert_eq!(dark(""), 0);
        assert!(dark("×") > 5 && dark("⌊8⌋") > dark("8"));
    }

    #[test]
    fn what_is_too_large_is_refused_with_its_size() {
        let fault = Painter::new(1.0)
            .check((1000.0, 1000.0), 100)
            .unwrap_err()
            .to_string();
        assert!(
            fault.starts_with(
                "100 pictures of 1000×1000 pixels would be drawn, at most 67108864 pixels"
            ),
            "{fault}"
        );
        assert!(Painter::new(1.0).check((1000.0, 1000.0), 60).is_ok());
    }
}
