//! What does not fit does not compile, and the message says which buffer or setting, what was expected and what was
//! found. The expected output of the compiler stands beside each program in `ui/`; after a change of the toolchain it
//! is written anew by `TRYBUILD=overwrite cargo test -p conv-core --test compile_fail`.

use std::fs;
use std::path::Path;

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    // With a program that compiles, trybuild builds instead of checking: shapes are compared when code is generated.
    cases.pass("tests/ui/fits.rs");
    cases.compile_fail("tests/ui/fail/*.rs");
}

/// What `cargo check` says: no program of this folder needs code to be generated.
#[test]
fn check() {
    trybuild::TestCases::new().compile_fail("tests/ui/check/*.rs");
}

/// What each message must name; the words beside it, and where the compiler points, may change with the toolchain.
const MESSAGES: &[(&str, &str)] = &[
    (
        "accumulator",
        "512 products meet in one output, expected at most 511: use a wider accumulator",
    ),
    (
        "accumulator_transposed",
        "512 products meet in one output, expected at most 511: use a wider accumulator",
    ),
    (
        "add_scale",
        "input scale is out of range, expected a positive finite number",
    ),
    (
        "arena_element",
        "type mismatch resolving `<[i16; 4] as Maps>::Element == i8`",
    ),
    (
        "arena_empty_map",
        "a map has 0 elements, expected at least 1",
    ),
    (
        "arena_not_maps",
        "`[[[[i8; 2]; 2]; 2]; 2]` is not a feature map",
    ),
    ("arena_short", "arena has 17 elements, expected at least 18"),
    (
        "arena_turns",
        "cannot move out of `turns` because it is borrowed",
    ),
    (
        "clamp_order",
        "clamp is from 127 to 0, expected the lower bound first",
    ),
    (
        "fully_connected_input",
        "input has 24 channels, expected 16",
    ),
    (
        "pool_empty",
        "output 5 along the height is pooled from padding alone, expected at least 1 input",
    ),
    ("pool_output", "output width is 5, expected 4"),
    ("quantised_signal", "output length is 8, expected 9"),
    ("stream_history", "history length is 7, expected at least 8"),
    (
        "stream_pool_pad",
        "height: a pad is 2, expected less than the 2 positions that a window of a pooling stream covers",
    ),
    ("bias_length", "bias has 3 channels, expected 4"),
    (
        "bias_slice",
        "the number of biases is known only at run time: use `finish::bias` with an array",
    ),
    (
        "depthwise_channels",
        "groups are 2, expected at least 1 and a divisor of 2 input and 3 output channels",
    ),
    ("depthwise_output", "output width is 4, expected 5"),
    (
        "depthwise_transpose_output",
        "height: the transposed output extent is 9, expected 7 to 8",
    ),
    (
        "groups",
        "groups are 3, expected at least 1 and a divisor of 3 input and 4 output channels",
    ),
    ("input_channels", "input has 3 channels, expected 2"),
    (
        "kernel_too_large",
        "width: the dilated kernel extent is 7, expected at most the padded input extent 6",
    ),
    (
        "narrow_accumulator",
        "type mismatch resolving `<[i32; 3] as Signal>::Element == i64`",
    ),
    (
        "not_a_pair",
        "`u8` inputs with `u8` kernels do not accumulate into",
    ),
    ("not_an_image", "`[i8; 4]` is not an image"),
    ("output_channels", "output has 3 channels, expected 4"),
    ("output_height", "output height is 5, expected 6"),
    ("output_length", "output length is 4, expected 3"),
    ("output_width", "output width is 17, expected 16"),
    ("transposed_channels", "input has 3 channels, expected 4"),
    (
        "transposed_height",
        "height: the transposed output extent is 6, expected 7 to 8",
    ),
    (
        "transposed_length",
        "length: the transposed output extent is 9, expected 7 to 8",
    ),
    (
        "transposed_width",
        "width: the transposed output extent is 9, expected 7 to 8",
    ),
    (
        "unknown_setting",
        "unknown setting `kernel`: expected stride, dilation, pad, pad_before, pad_after, padding, window, groups or flip",
    ),
    (
        "zero_dilation",
        "length: the dilation is 0, expected at least 1",
    ),
    (
        "zero_stride",
        "height: the stride is 0, expected at least 1",
    ),
];

/// The same of `check/`.
const CHECK_MESSAGES: &[(&str, &str)] = &[
    (
        "accumulator",
        "512 products meet in one output, expected at most 511: use a wider accumulator",
    ),
    ("bias_length", "bias has 15 channels, expected 16"),
    (
        "braces",
        "unexpected braces around the settings of `Half`: expected `struct Half: stride 2, pad 1`",
    ),
    (
        "colon",
        "unexpected `:` after `stride`: expected the value right behind the name",
    ),
    (
        "depthwise_channels",
        "groups are 2, expected at least 1 and a divisor of 2 input and 3 output channels",
    ),
    (
        "depthwise_transpose_channels",
        "input has 3 channels, expected 2",
    ),
    ("fully_connected_input", "input has 8 channels, expected 4"),
    ("input_channels", "input has 4 channels, expected 3"),
    ("kernel_order", "input has 3 channels, expected 16"),
    (
        "layer_bias",
        "bias of output channel 1 is -2147483647, expected a magnitude of at most 2147482880 with its weights: use a contract with sums of 64 bits, such as WideDouble",
    ),
    ("layer_output", "output width is 17, expected 16"),
    (
        "negative_pad",
        "unexpected `pad -1`: expected a negative value in parentheses, `pad (-1)`",
    ),
    ("never_called", "output height is 17, expected 16"),
    (
        "no_comma",
        "unexpected `stride 2 pad 1`: expected settings separated by commas",
    ),
    (
        "not_an_assertion",
        "expected `Marker::conv(Input, Kernel) => Output`",
    ),
    ("output_width", "output width is 17, expected 16"),
    (
        "padding_name",
        "unknown padding `Same`: expected Valid, Half, Full, SameUpper (TensorFlow's SAME), SameLower or Causal",
    ),
    ("plural", "unknown setting `strides`: expected `stride`"),
    ("pool_output", "output length is 5, expected 4"),
    (
        "transposed_height",
        "height: the transposed output extent is 9, expected 7 to 8",
    ),
];

#[test]
fn messages_name_buffer_and_axis() {
    messages("fail", MESSAGES);
}

#[test]
fn messages_of_check_stand_on_the_line_that_is_wrong() {
    messages("check", CHECK_MESSAGES);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/check");
    for (name, _) in CHECK_MESSAGES {
        let path = folder.join(name).with_extension("stderr");
        let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The second line says where, and nothing else is an error.
        let place = found.lines().nth(1).unwrap_or_default();
        let own = format!("--> tests/ui/check/{name}.rs");
        assert!(place.contains(&own), "{name}: {place}");
        let errors = found.lines().filter(|line| line.starts_with("error"));
        assert_eq!(errors.count(), 1, "{name}: {found}");
    }
}

fn messages(folder: &str, expected: &[(&str, &str)]) {
    let of = folder;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/ui")
        .join(of);
    for (name, words) in expected {
        let path = folder.join(name).with_extension("stderr");
        let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        // The first line is the message.
        let first = found.lines().next().unwrap_or_default();
        assert!(first.contains(words), "{name}: {first}");
        // The call that does not fit is shown.
        let call = format!("--> tests/ui/{of}/{name}.rs");
        assert!(found.contains(&call), "{name} does not show the call");
    }
    let programs = fs::read_dir(&folder).expect("a readable folder");
    let count = programs.filter(|entry| {
        let path = entry.as_ref().expect("a readable entry").path();
        path.extension().is_some_and(|extension| extension == "rs")
    });
    assert_eq!(
        count.count(),
        expected.len(),
        "programs without a message here"
    );
}
