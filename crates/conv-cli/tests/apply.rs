//! `conv apply`: what it computes, against sums written out here; what it refuses, with nothing half-written.

use std::fs;
use std::path::Path;

use image::{GrayImage, ImageBuffer, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use ndarray::{Array1, Array2, Array3, Array4, array};
use ndarray_npy::{read_npy, write_npy};

/// Runs `conv apply` with files of this directory, which replaces `@`.
fn apply(directory: &Path, words: &str) -> (u8, String, String) {
    let words = words.replace('@', &format!("{}/", directory.display()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = ["conv", "apply"]
        .into_iter()
        .chain(words.split_whitespace());
    let code = conv_cli::run(arguments, &mut out, &mut err);
    (
        code,
        String::from_utf8(out).unwrap(),
        String::from_utf8(err).unwrap(),
    )
}

fn succeed(directory: &Path, words: &str) -> String {
    let (code, out, err) = apply(directory, words);
    assert_eq!((code, err.as_str()), (0, ""), "{words}");
    out
}

/// The sentence, with the directory's name taken out; the directory holds the same files as before.
fn refuse(directory: &Path, words: &str) -> (u8, String) {
    let files = || {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .flatten()
            .map(|entry| entry.file_name())
            .collect();
        names.sort();
        names
    };
    let before = files();
    let (code, out, err) = apply(directory, words);
    assert_eq!(out, "");
    assert_eq!(files(), before, "{words}");
    (
        code,
        err.replace(&format!("{}/", directory.display()), "")
            .trim_end()
            .to_owned(),
    )
}

fn pixel(x: u32, y: u32) -> u8 {
    ((x * 37 + y * 91 + x * y) % 251) as u8
}

#[test]
fn an_image_keeps_its_size_and_its_channels_stay_apart() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let image = RgbImage::from_fn(7, 5, |x, y| {
        Rgb([pixel(x, y), pixel(y, x), 255 - pixel(x, y)])
    });
    image.save(here.join("photo.png")).unwrap();
    let out = succeed(
        here,
        "@photo.png --kernel 1,2,1;0,0,3;1,0,1 --boundary replicate --scale 0.1 --offset 5 -o @out.png",
    );
    assert!(
        out.contains("photo.png 3×5×7 → ") && out.ends_with("out.png 3×5×7\n"),
        "{out}"
    );
    let found = image::open(here.join("out.png")).unwrap().into_rgb8();
    let kernel = [[1, 2, 1], [0, 0, 3], [1, 0, 1]];
    for (x, y, rgb) in found.enumerate_pixels() {
        for (c, value) in rgb.0.into_iter().enumerate() {
            let mut sum = 0;
            for (j, row) in kernel.iter().enumerate() {
                for (i, weight) in row.iter().enumerate() {
                    let column = (x as i32 + i as i32 - 1).clamp(0, 6) as u32;
                    let line = (y as i32 + j as i32 - 1).clamp(0, 4) as u32;
                    sum += weight * i32::from(image.get_pixel(column, line).0[c]);
                }
            }
            let expected = (f64::from(sum) * 0.1 + 5.0).round().clamp(0.0, 255.0);
            assert!((f64::from(value) - expected).abs() <= 0.0, "{x} {y} {c}");
        }
    }
}

#[test]
fn images_of_16_bits_stay_so_and_transparency_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let deep =
        ImageBuffer::<Luma<u16>, _>::from_fn(6, 4, |x, y| Luma([(x * 9000 + y * 77) as u16]));
    deep.save(here.join("deep.png")).unwrap();
    succeed(here, "@deep.png --kernel 1 --stride 2,3 -o @out.png");
    let found = image::open(here.join("out.png")).unwrap().into_luma16();
    assert_eq!(found.dimensions(), (2, 2));
    assert_eq!(found.get_pixel(1, 1), deep.get_pixel(3, 2));

    RgbaImage::from_pixel(3, 3, Rgba([10, 20, 30, 7]))
        .save(here.join("clear.png"))
        .unwrap();
    let out = succeed(here, "@clear.png --kernel 1 -o @opaque.png");
    assert!(out.ends_with("the transparency is left out\n"));
    let found = image::open(here.join("opaque.png")).unwrap();
    assert!(!found.color().has_alpha());
    assert_eq!(found.into_rgb8().get_pixel(1, 1), &Rgb([10, 20, 30]));

    GrayImage::from_pixel(40, 40, Luma([90]))
        .save(here.join("grey.png"))
        .unwrap();
    succeed(
        here,
        "@grey.png --kernel gaussian:2 --boundary reflect -o @out.jpg",
    );
    let found = image::open(here.join("out.jpg")).unwrap().into_luma8();
    assert!(found.pixels().all(|pixel| pixel.0[0].abs_diff(90) <= 1));
}

/// Two passes of a separable filter are its product in one, at any boundary, stride and direction.
#[test]
fn separable_filters_are_their_products() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let array = Array2::from_shape_fn((9, 8), |(y, x)| f64::from(pixel(x as u32, y as u32)));
    write_npy(here.join("a.npy"), &array).unwrap();
    let product = "1,2,1;2,4,2;1,2,1 --scale 0.0625";
    for settings in [
        "",
        "--boundary reflect",
        "--boundary circular --stride 2,1",
        "--pad 2:0,1:3",
        "--dilation 2,1 --boundary replicate",
        "--transposed --stride 2,3 --pad 1 --output-padding 1,2",
    ] {
        succeed(
            here,
            &format!("@a.npy --kernel binomial:3 {settings} -o @two.npy"),
        );
        succeed(
            here,
            &format!("@a.npy --kernel {product} {settings} -o @one.npy"),
        );
        let (two, one): (Array2<f64>, Array2<f64>) = (
            read_npy(here.join("two.npy")).unwrap(),
            read_npy(here.join("one.npy")).unwrap(),
        );
        assert_eq!(two.dim(), one.dim(), "{settings}");
        assert!(
            two.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-9),
            "{settings}"
        );
    }
}

#[test]
fn arrays_keep_their_rank_and_kernels_with_channels_mix_them() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    write_npy(here.join("signal.npy"), &array![1_i64, 2, 4, 8, 16]).unwrap();
    succeed(here, "@signal.npy --kernel -1,0,1 --pad 0 -o @slope.npy");
    assert_eq!(
        read_npy::<_, Array1<f64>>(here.join("slope.npy")).unwrap(),
        array![3.0, 6.0, 12.0]
    );
    succeed(
        here,
        "@signal.npy --kernel -1,0,1 --pad 0 --flip -o @slope.npy",
    );
    assert_eq!(
        read_npy::<_, Array1<f64>>(here.join("slope.npy")).unwrap(),
        array![-3.0, -6.0, -12.0]
    );
    succeed(
        here,
        "@signal.npy --kernel 1,10,100 --transposed --stride 2 -o @up.npy",
    );
    let up: Array1<f64> = read_npy(here.join("up.npy")).unwrap();
    assert_eq!(up.len(), 11);
    assert_eq!(up.as_slice().unwrap()[..5], [1.0, 10.0, 102.0, 20.0, 204.0]);

    write_npy(
        here.join("planes.npy"),
        &Array3::<f32>::from_shape_fn((2, 3, 4), |(c, y, x)| (c * 100 + y * 10 + x) as f32),
    )
    .unwrap();
    // Output 0 is the sum of both channels, output 1 their difference, output 2 the first.
    let kernel = Array4::from_shape_vec((3, 2, 1, 1), vec![1_i32, 1, 1, -1, 1, 0]).unwrap();
    write_npy(here.join("mix.npy"), &kernel).unwrap();
    succeed(here, "@planes.npy --kernel @mix.npy -o @mixed.npy");
    let mixed: Array3<f32> = read_npy(here.join("mixed.npy")).unwrap();
    assert_eq!(mixed.dim(), (3, 3, 4));
    assert_eq!(
        [mixed[[0, 2, 3]], mixed[[1, 2, 3]], mixed[[2, 2, 3]]],
        [146.0, -100.0, 23.0]
    );
    let (code, sentence) = refuse(here, "@signal.npy --kernel @mix.npy -o @out.npy");
    assert_eq!(
        (code, sentence.as_str()),
        (
            1,
            "error: the kernel is 3×2×1×1, expected a row, or channels out, channels in, taps"
        )
    );
}

#[test]
fn safetensors_and_texts_are_kernels() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    write_npy(here.join("signal.npy"), &array![1.0, 2.0, 4.0]).unwrap();
    let weights: Vec<u8> = [1.0_f32, 0.5]
        .iter()
        .flat_map(|weight| weight.to_le_bytes())
        .collect();
    let view = |shape| {
        safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, &weights).unwrap()
    };
    let tensors = [("conv.weight", view(vec![2])), ("bias", view(vec![1, 2]))];
    fs::write(
        here.join("model.safetensors"),
        safetensors::serialize(tensors, None).unwrap(),
    )
    .unwrap();
    succeed(
        here,
        "@signal.npy --kernel @model.safetensors:conv.weight --pad 0 -o @out.npy",
    );
    assert_eq!(
        read_npy::<_, Array1<f64>>(here.join("out.npy")).unwrap(),
        array![2.0, 4.0]
    );
    let (code, sentence) = refuse(here, "@signal.npy --kernel @model.safetensors -o @out.npy");
    assert_eq!(code, 1);
    assert_eq!(
        sentence,
        "error: model.safetensors: name one of its tensors, as in model.safetensors:name: bias, conv.weight"
    );

    fs::write(here.join("kernel.txt"), "# two taps\n1 0.5\n").unwrap();
    succeed(here, "@signal.npy --kernel @kernel.txt --pad 0 -o @out.npy");
    assert_eq!(
        read_npy::<_, Array1<f64>>(here.join("out.npy")).unwrap(),
        array![2.0, 4.0]
    );
}

fn sound(path: &Path, spec: hound::WavSpec, samples: &[i32]) {
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for sample in samples {
        writer.write_sample(*sample).unwrap();
    }
    writer.finalize().unwrap();
}

const STEREO: hound::WavSpec = hound::WavSpec {
    channels: 2,
    sample_rate: 48_000,
    bits_per_sample: 16,
    sample_format: hound::SampleFormat::Int,
};

#[test]
fn sounds_keep_their_channels_and_their_rate_follows_the_stride() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let samples: Vec<i32> = (0..40).flat_map(|at| [at * 100, -at]).collect();
    sound(&here.join("sound.wav"), STEREO, &samples);
    succeed(
        here,
        "@sound.wav --kernel 1,1 --pad 0 --stride 2 -o @half.wav",
    );
    let mut reader = hound::WavReader::open(here.join("half.wav")).unwrap();
    assert_eq!(
        reader.spec(),
        hound::WavSpec {
            sample_rate: 24_000,
            ..STEREO
        }
    );
    let found: Vec<i32> = reader.samples().map(Result::unwrap).collect();
    let expected: Vec<i32> = (0..20)
        .flat_map(|at| [(4 * at + 1) * 100, -(4 * at + 1)])
        .collect();
    assert_eq!(found, expected);
    succeed(
        here,
        "@sound.wav --kernel 1,1 --transposed --stride 2 --scale 40 -o @double.wav",
    );
    let mut reader = hound::WavReader::open(here.join("double.wav")).unwrap();
    assert_eq!((reader.spec().sample_rate, reader.duration()), (96_000, 80));
    // What does not fit 16 bits is clamped, not wrapped.
    assert_eq!(
        reader.samples::<i32>().map(Result::unwrap).max(),
        Some(32_767)
    );
}

/// A PNG whose header says that it is 0 pixels wide.
fn empty_png() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::new(&mut bytes, 1, 1).write_header().unwrap();
    writer.write_image_data(&[0]).unwrap();
    writer.finish().unwrap();
    bytes[16..20].fill(0);
    bytes
}

#[test]
fn bad_input_is_a_sentence_and_nothing_is_written() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    GrayImage::from_pixel(4, 4, Luma([9]))
        .save(here.join("photo.png"))
        .unwrap();
    fs::write(
        here.join("broken.png"),
        &fs::read(here.join("photo.png")).unwrap()[..40],
    )
    .unwrap();
    fs::write(here.join("empty.png"), empty_png()).unwrap();
    fs::write(here.join("broken.npy"), b"\x93NUMPY\x01\x00").unwrap();
    fs::write(here.join("broken.wav"), b"RIFF....WAVE").unwrap();
    fs::write(here.join("broken.safetensors"), b"12345678{").unwrap();
    write_npy(here.join("boolean.npy"), &array![true, false]).unwrap();
    write_npy(here.join("none.npy"), &Array1::<f32>::zeros(0)).unwrap();
    write_npy(here.join("deep.npy"), &Array4::<f32>::zeros((1, 1, 1, 1))).unwrap();
    sound(&here.join("silent.wav"), STEREO, &[]);
    fs::create_dir(here.join("directory.png")).unwrap();
    for (words, code, sentence) in [
        (
            "@nothing.png --kernel 1 -o @out.png",
            1,
            "nothing.png: no such file",
        ),
        (
            "@nothing.wav --kernel 1 -o @out.wav",
            1,
            "nothing.wav: no such file",
        ),
        (
            "@nothing.npy --kernel 1 -o @out.npy",
            1,
            "nothing.npy: no such file",
        ),
        (
            "@broken.png --kernel 1 -o @out.png",
            1,
            "broken.png: is not a readable image: ",
        ),
        (
            "@empty.png --kernel 1 -o @out.png",
            1,
            "empty.png: is not a readable image: ",
        ),
        (
            "@broken.npy --kernel 1 -o @out.npy",
            1,
            "broken.npy: is not a readable .npy array: ",
        ),
        (
            "@broken.wav --kernel 1 -o @out.wav",
            1,
            "broken.wav: is not a readable .wav: ",
        ),
        (
            "@photo.png --kernel @broken.safetensors -o @out.png",
            1,
            "broken.safetensors: is not a readable .safetensors file: ",
        ),
        (
            "@boolean.npy --kernel 1 -o @out.npy",
            1,
            "boolean.npy: elements of this type are not read, expected integers of 8 to 64 bits, f32 or f64",
        ),
        (
            "@none.npy --kernel 1 -o @out.npy",
            1,
            "none.npy: there are no numbers",
        ),
        (
            "@deep.npy --kernel 1 -o @out.npy",
            1,
            "deep.npy: has 4 axes, expected 1, 2, or 3 with the channels in front",
        ),
        (
            "@silent.wav --kernel 1 -o @out.wav",
            1,
            "silent.wav: has no samples",
        ),
        (
            "@photo.png --kernel 1 -o @nowhere/out.png",
            1,
            "nowhere/out.png: the directory does not exist",
        ),
        (
            "@photo.png --kernel 1 -o @directory.png",
            1,
            "directory.png: is a directory, expected a file",
        ),
        (
            "@photo.png --kernel @nothing.npy -o @out.png",
            1,
            "nothing.npy: no such file",
        ),
        (
            "@photo.png --kernel 1;1,2 -o @out.png",
            1,
            "the values: row 1 has 2 numbers, the first has 1",
        ),
        (
            "@photo.png --kernel 1,1,1,1,1 --pad 0 -o @out.png",
            1,
            "width: the dilated kernel extent is 5, expected at most the padded input extent 4",
        ),
        (
            "@photo.png --kernel 1 --stride 0 -o @out.png",
            1,
            "height: the stride is 0, expected at least 1",
        ),
        (
            "@photo.png --kernel 1 --transposed --stride 99999999 -o @out.png",
            1,
            "the output would be 299999998×299999998 with 1 channels, at most 1073741824 numbers",
        ),
        (
            "@photo.png --kernel 1 -o @out.wav",
            2,
            "out.wav has another ending than what comes out has, expected of an image .png, .jpg, .jpeg or .npy",
        ),
        (
            "@photo.txt --kernel 1 -o @out.png",
            1,
            "photo.txt: does not end in .png, .jpg, .jpeg, .wav or .npy",
        ),
        (
            "@photo.png --kernel 1 --transposed --boundary reflect -o @out.png",
            2,
            "a transposed operation has no boundary",
        ),
        (
            "@photo.png --kernel 1 --scale x -o @out.png",
            2,
            "--scale has the value `x`, expected a number",
        ),
        ("@photo.png --kernel 1", 2, "-o FILE is missing"),
    ] {
        let (found, text) = refuse(here, words);
        assert_eq!(found, code, "{words}: {text}");
        assert!(
            text.starts_with(&format!("error: {sentence}")),
            "{words}: {text}"
        );
        assert!(!text.contains('\n') && text.len() > 20, "{text}");
    }
}

/// A file that is there stays as it is until the new one is whole.
#[test]
fn a_refusal_leaves_the_old_output_alone() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    fs::write(here.join("out.png"), "old").unwrap();
    refuse(here, "@nothing.png --kernel 1 -o @out.png");
    assert_eq!(fs::read(here.join("out.png")).unwrap(), b"old");
    GrayImage::from_pixel(4, 4, Luma([9]))
        .save(here.join("photo.png"))
        .unwrap();
    succeed(here, "@photo.png --kernel 1 -o @out.png");
    assert!(image::open(here.join("out.png")).is_ok());
}
