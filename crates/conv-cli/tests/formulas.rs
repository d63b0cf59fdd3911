//! `conv size` against the formulas that PyTorch, ONNX and TensorFlow document, written here once more, on thousands of
//! random settings; and every translation against the setting that it translates.

use serde_json::Value;

/// Answers the command gives to the words; `Err` is the sentence on standard error.
fn conv(words: &str) -> Result<Value, (u8, String)> {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let arguments = ["conv"]
        .into_iter()
        .chain(words.split_whitespace())
        .chain(["--json"]);
    let code = conv_cli::run(arguments, &mut out, &mut err);
    let text = String::from_utf8(if code == 0 { out } else { err }).unwrap();
    if code == 0 {
        Ok(serde_json::from_str(&text).unwrap())
    } else {
        Err((code, text))
    }
}

/// Output extents and pads of a 2-D answer.
fn axes(answer: &Value) -> Vec<(i64, i64, i64)> {
    let get = |axis: &Value, name: &str| axis[name].as_i64().unwrap();
    let axes = answer["axes"].as_array().unwrap();
    axes.iter()
        .map(|axis| {
            (
                get(axis, "output"),
                get(axis, "pad_before"),
                get(axis, "pad_after"),
            )
        })
        .collect()
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).rem_euclid(limit)
    }

    /// Two numbers from `first` on.
    fn pair(&mut self, first: i64, count: i64) -> [i64; 2] {
        [first + self.below(count), first + self.below(count)]
    }
}

fn pair(values: [i64; 2]) -> String {
    format!("{},{}", values[0], values[1])
}

/// What a formula gives along both axes; `None` where the setting is illegal.
type Expected = Option<[(i64, i64, i64); 2]>;

fn both(axis: impl Fn(usize) -> Option<(i64, i64, i64)>) -> Expected {
    Some([axis(0)?, axis(1)?])
}

/// Compares, and counts the settings that are legal.
fn compare(words: &str, expected: Expected, legal: &mut usize) {
    match (conv(words), expected) {
        (Ok(answer), Some(expected)) => {
            *legal += 1;
            assert_eq!(axes(&answer), expected, "{words}");
        }
        (Err((1, sentence)), None) => assert!(sentence.starts_with("error: "), "{sentence}"),
        (found, expected) => panic!("{words}: {found:?}, expected {expected:?}"),
    }
}

const ROUNDS: usize = 1200;

/// `torch.nn.Conv2d`: `H_out = ⌊(H_in + 2·padding − dilation·(kernel_size − 1) − 1)/stride + 1⌋`.
#[test]
fn pytorch_conv() {
    let (mut random, mut legal) = (Random(1), 0);
    for _ in 0..ROUNDS {
        let (i, k, s) = (random.pair(1, 30), random.pair(1, 6), random.pair(1, 4));
        let (p, d) = (random.pair(0, 5), random.pair(1, 3));
        let words = format!(
            "size torch Conv2d --input {} --kernel_size {} --stride {} --padding {} --dilation {}",
            pair(i),
            pair(k),
            pair(s),
            pair(p),
            pair(d)
        );
        let expected = both(|a| {
            let numerator = i[a] + 2 * p[a] - d[a] * (k[a] - 1) - 1;
            (numerator >= 0).then(|| (numerator / s[a] + 1, p[a], p[a]))
        });
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 2 && legal < ROUNDS);
}

/// `torch.nn.ConvTranspose2d`: `H_out = (H_in − 1)·stride − 2·padding + dilation·(kernel_size − 1) + output_padding + 1`, with
/// the output padding smaller than either stride or dilation.
#[test]
fn pytorch_conv_transpose() {
    let (mut random, mut legal) = (Random(2), 0);
    for _ in 0..ROUNDS {
        let (i, k, s) = (random.pair(1, 20), random.pair(1, 6), random.pair(1, 4));
        let (p, d, a) = (random.pair(0, 4), random.pair(1, 3), random.pair(0, 3));
        let words = format!(
            "size torch ConvTranspose2d --input {} --kernel_size {} --stride {} --padding {} --dilation {} --output_padding {}",
            pair(i),
            pair(k),
            pair(s),
            pair(p),
            pair(d),
            pair(a)
        );
        let expected = both(|n| {
            let output = (i[n] - 1) * s[n] - 2 * p[n] + d[n] * (k[n] - 1) + a[n] + 1;
            let is_legal = output >= 1 && (a[n] < s[n] || a[n] < d[n]);
            is_legal.then_some((output, p[n], p[n]))
        });
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 4 && legal < ROUNDS);
}

/// ONNX's `auto_pad` of `Conv`: `output_shape[i] = ceil(input_shape[i]/strides[i])`, the odd pad at the end for SAME_UPPER and
/// at the beginning for SAME_LOWER; else the explicit pads.
#[test]
fn onnx_conv() {
    let (mut random, mut legal) = (Random(3), 0);
    for round in 0..ROUNDS {
        let (i, k, s) = (random.pair(1, 30), random.pair(1, 6), random.pair(1, 4));
        let (begin, end, d) = (random.pair(0, 4), random.pair(0, 4), random.pair(1, 3));
        let mode = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"][round % 4];
        let pads = match mode {
            "NOTSET" => format!("--pads {},{}", pair(begin), pair(end)),
            _ => String::new(),
        };
        let words = format!(
            "size onnx Conv --input {} --kernel_shape {} --strides {} --dilations {} --auto_pad {mode} {pads}",
            pair(i),
            pair(k),
            pair(s),
            pair(d)
        );
        let expected = both(|a| {
            let span = d[a] * (k[a] - 1) + 1;
            let total = (((i[a] + s[a] - 1) / s[a] - 1) * s[a] + span - i[a]).max(0);
            let (before, after) = match mode {
                "NOTSET" => (begin[a], end[a]),
                "SAME_UPPER" => (total / 2, total - total / 2),
                "SAME_LOWER" => (total - total / 2, total / 2),
                _ => (0, 0),
            };
            let numerator = i[a] + before + after - span;
            (numerator >= 0).then(|| (numerator / s[a] + 1, before, after))
        });
        if let (Some(expected), "SAME_UPPER" | "SAME_LOWER") = (expected, mode) {
            for a in 0..2 {
                assert_eq!(expected[a].0, (i[a] + s[a] - 1) / s[a]);
            }
        }
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 2 && legal < ROUNDS);
}

/// ONNX's `ConvTranspose`: `total_padding[i] = stride[i]·(input_size[i] − 1) + output_padding[i] + ((kernel_shape[i] − 1)·dilations[i] + 1) −
/// output_shape[i]`, of which SAME_UPPER puts `total/2` at the start and every other mode at the end.
#[test]
fn onnx_conv_transpose() {
    let (mut random, mut legal) = (Random(4), 0);
    for round in 0..ROUNDS {
        let (i, k, s) = (random.pair(1, 20), random.pair(1, 6), random.pair(1, 4));
        let d = random.pair(1, 2);
        let (begin, end, shape) = (random.pair(0, 4), random.pair(0, 4), random.pair(1, 40));
        let mode = ["NOTSET", "SAME_UPPER", "SAME_LOWER"][round % 3];
        let by_shape = round % 2 == 0;
        let extra = match (mode, by_shape) {
            (_, true) => format!("--output_shape {}", pair(shape)),
            ("NOTSET", false) => format!("--pads {},{}", pair(begin), pair(end)),
            _ => String::new(),
        };
        let words = format!(
            "size onnx ConvTranspose --input {} --kernel_shape {} --strides {} --dilations {} --auto_pad {mode} {extra}",
            pair(i),
            pair(k),
            pair(s),
            pair(d)
        );
        let expected = both(|a| {
            let full = s[a] * (i[a] - 1) + (k[a] - 1) * d[a] + 1;
            let wanted = if by_shape { shape[a] } else { i[a] * s[a] };
            let total = full - wanted;
            let half = total.div_euclid(2);
            let (before, after) = match (mode, by_shape) {
                ("SAME_UPPER", _) => (half, total - half),
                ("NOTSET", false) => (begin[a], end[a]),
                _ => (total - half, half),
            };
            let output = full - before - after;
            (output >= 1).then_some((output, before, after))
        });
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 2 && legal < ROUNDS);
}

/// `tf.nn.convolution`: VALID `ceil((input − (filter − 1)·dilation)/stride)`, SAME `ceil(input/stride)` with
/// `max((out − 1)·stride + filter − input, 0)` pads, the odd one after.
#[test]
fn tensorflow_conv2d() {
    let (mut random, mut legal) = (Random(5), 0);
    for round in 0..ROUNDS {
        let (i, k, s, d) = (
            random.pair(1, 30),
            random.pair(1, 6),
            random.pair(1, 4),
            random.pair(1, 3),
        );
        let padding = ["SAME", "VALID"][round % 2];
        let words = format!(
            "size tensorflow conv2d --input {} --filters {} --strides {} --dilations {} --padding {padding}",
            pair(i),
            pair(k),
            pair(s),
            pair(d)
        );
        let expected = both(|a| {
            let span = (k[a] - 1) * d[a] + 1;
            if padding == "VALID" {
                let fits = i[a] >= span;
                return fits.then(|| ((i[a] - span + s[a]) / s[a], 0, 0));
            }
            let output = (i[a] + s[a] - 1) / s[a];
            let total = ((output - 1) * s[a] + span - i[a]).max(0);
            Some((output, total / 2, total - total / 2))
        });
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 2 && legal < ROUNDS);
}

/// `tf.nn.conv2d_transpose`: `output_shape` is legal where the forward convolution leads from it to the input.
#[test]
fn tensorflow_conv2d_transpose() {
    let (mut random, mut legal) = (Random(6), 0);
    for round in 0..ROUNDS {
        let (o, k, s) = (random.pair(1, 30), random.pair(1, 6), random.pair(1, 4));
        let padding = ["SAME", "VALID"][round % 2];
        let forward = |a: usize| match padding {
            "SAME" => (o[a] + s[a] - 1) / s[a],
            _ => (o[a] - k[a] + s[a]) / s[a],
        };
        // Every fourth input is off by one.
        let off = i64::from(round % 4 == 0);
        let i = [forward(0) + off, forward(1)].map(|extent| extent.max(1));
        let words = format!(
            "size tensorflow conv2d_transpose --input {} --filters {} --strides {} --output_shape {} --padding {padding}",
            pair(i),
            pair(k),
            pair(s),
            pair(o)
        );
        let expected = both(|a| {
            if padding == "VALID" && o[a] < k[a] || forward(a) != i[a] {
                return None;
            }
            let total = match padding {
                "SAME" => ((i[a] - 1) * s[a] + k[a] - o[a]).max(0),
                _ => 0,
            };
            Some((o[a], total / 2, total - total / 2))
        });
        compare(&words, expected, &mut legal);
    }
    assert!(legal > ROUNDS / 4 && legal < ROUNDS);
}

/// What `translate` says in a framework's words is the same map when the command reads it back.
#[test]
fn translations_read_back_as_the_same_map() {
    let (mut random, mut said) = (Random(7), 0);
    for round in 0..300 {
        let (i, k, s, d) = (
            random.pair(4, 20),
            random.pair(1, 5),
            random.pair(1, 3),
            random.pair(1, 2),
        );
        let (before, after) = (random.pair(0, 3), random.pair(0, 3));
        let pads = match round % 3 {
            0 => pair(before),
            _ => format!("{}:{},{}:{}", before[0], after[0], before[1], after[1]),
        };
        let transposed = if round % 2 == 0 { "--transposed" } else { "" };
        let settings = format!(
            "--input {} --kernel {} --stride {} --dilation {} --pad {pads} {transposed}",
            pair(i),
            pair(k),
            pair(s),
            pair(d)
        );
        let Ok(original) = conv(&format!("size {settings}")) else {
            continue;
        };
        let all = conv(&format!("translate {settings}")).unwrap();
        for (framework, answer) in all.as_object().unwrap() {
            let Some(command) = answer["command"].as_str() else {
                assert!(
                    answer["refused"]
                        .as_str()
                        .is_some_and(|why| !why.is_empty())
                );
                continue;
            };
            said += 1;
            let found = conv(&format!("size {framework} {command}")).unwrap();
            assert_eq!(found["output"], original["output"], "{framework} {command}");
            for (found, original) in found["axes"]
                .as_array()
                .unwrap()
                .iter()
                .zip(original["axes"].as_array().unwrap())
            {
                assert_eq!(
                    found["pad_before"], original["pad_before"],
                    "{framework} {command}"
                );
            }
        }
    }
    assert!(said > 600, "{said}");
}
