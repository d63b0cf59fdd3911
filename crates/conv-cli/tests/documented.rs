//! The commands that the README and `--help` show and that write files: each runs in a directory of its own and writes
//! what it says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

fn conv(words: &str, directory: &Path) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conv"));
    command
        .args(words.split_whitespace().skip(1))
        .env("COLUMNS", "400")
        .current_dir(directory)
        .output()
        .unwrap()
}

/// Lines of the README's shell blocks, without comments.
fn readme() -> Vec<String> {
    let text = include_str!("../README.md");
    let blocks = text
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next());
    blocks
        .flat_map(str::lines)
        .filter(|line| line.starts_with("conv "))
        .map(str::to_owned)
        .collect()
}

/// Lines of the examples of every verb's help, continued ones joined.
fn help() -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let verbs = [
        "size",
        "solve",
        "translate",
        "macs",
        "matrix",
        "explain",
        "draw",
        "apply",
    ];
    let text = |verb: &str| {
        let output = conv(&format!("conv {verb} --help"), directory.path());
        assert!(output.status.success(), "{verb}");
        String::from_utf8(output.stdout).unwrap()
    };
    let texts = verbs.map(text).join("\n").replace("\\\n", " ");
    let lines = texts.lines().filter_map(|line| {
        line.strip_prefix("  ")
            .filter(|line| line.starts_with("conv "))
    });
    lines.map(str::to_owned).collect()
}

/// The files that examples read.
fn prepare(directory: &Path) {
    std::fs::copy("tests/chain.txt", directory.join("network.txt")).unwrap();
    let photo = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * y % 256) as u8]));
    photo.save(directory.join("photo.png")).unwrap();
    ndarray_npy::write_npy(
        directory.join("array.npy"),
        &ndarray::Array1::<f32>::linspace(0.0, 9.0, 40),
    )
    .unwrap();
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 48_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(directory.join("sound.wav"), spec).unwrap();
    for sample in 0..400_i16 {
        writer.write_sample(sample * 7).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn every_documented_command_runs_and_writes_its_file() {
    let (readme, help) = (readme(), help());
    assert!(
        readme.len() >= 6 && help.len() >= 20,
        "{} and {}",
        readme.len(),
        help.len()
    );
    for words in readme.iter().chain(&help).collect::<BTreeSet<_>>() {
        let directory = tempfile::tempdir().unwrap();
        prepare(directory.path());
        // Fifteen animations of small pixels: the rest is as it is documented.
        let small = if words.contains("--guide") {
            " --scale 0.2"
        } else {
            ""
        };
        let output = conv(&format!("{words}{small}"), directory.path());
        let error = String::from_utf8_lossy(&output.stderr);
        // Two of the examples show a refusal.
        let refused = error.contains("PyTorch has one padding for both sides");
        assert!(output.status.success() || refused, "{words}: {error}");
        if let Some((_, file)) = words.split_once(" -o ") {
            let bytes = std::fs::read(directory.path().join(file)).unwrap();
            assert!(is_of_its_kind(file, &bytes), "{words}");
            if file == "transposed.gif" {
                let committed = std::fs::read(file).unwrap();
                assert!(
                    bytes == committed,
                    "the README's picture is not what its command draws"
                );
            }
        }
        if words.contains("--guide") {
            assert_eq!(
                std::fs::read_dir(directory.path().join("guide"))
                    .unwrap()
                    .count(),
                15
            );
        }
        let left_over = std::fs::read_dir(directory.path()).unwrap();
        assert!(
            left_over
                .flatten()
                .all(|entry| !entry.file_name().to_string_lossy().starts_with('.'))
        );
    }
}

/// Whether a file begins as files of its ending do.
fn is_of_its_kind(file: &str, bytes: &[u8]) -> bool {
    let begins: &[u8] = match file.rsplit('.').next() {
        Some("svg") => b"<svg",
        Some("png" | "apng") => b"\x89PNG\r\n\x1a\n",
        Some("gif") => b"GIF89a",
        Some("npy") => b"\x93NUMPY",
        Some("wav") => b"RIFF",
        _ => return false,
    };
    bytes.starts_with(begins) && bytes.len() > 100
}

#[test]
fn man_pages_and_completions_are_written() {
    let directory = tempfile::tempdir().unwrap();
    assert!(conv("conv man man", directory.path()).status.success());
    let page = std::fs::read_to_string(directory.path().join("man/conv-draw.1")).unwrap();
    assert!(page.contains("polyphase") && page.contains(".TH"));
    for (shell, word) in [
        ("bash", "ConvTranspose2d"),
        ("zsh", "ConvTranspose2d"),
        ("powershell", "ConvTranspose2d"),
        ("elvish", "ConvTranspose2d"),
        // Only the outer two levels are completed there.
        ("fish", "translate"),
    ] {
        let output = conv(&format!("conv completions {shell}"), directory.path());
        assert!(
            String::from_utf8(output.stdout).unwrap().contains(word),
            "{shell}"
        );
    }
}
