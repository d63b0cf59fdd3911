//! Chooses those of ONNX's golden cases that fit the smallest board, so that the image holds no others.
//!
//! The set's layout is that of `conv_vectors::golden`: four bytes of magic, the number of cases, and
//! each case with its length before it.

use std::{env, fs, path::PathBuf};

use conv_vectors::golden::{OnnxCase, OnnxCases};

#[path = "src/limits.rs"]
mod limits;

const SET: &str = "../../crates/conv-vectors/data/onnx.bin";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/limits.rs");
    println!("cargo:rerun-if-changed={SET}");
    let set = fs::read(SET).expect("the golden cases are committed");
    let (magic, rest) = set.split_at(4);
    let (mut rest, mut cases) = (&rest[2..], Vec::new());
    while let Some((length, more)) = rest.split_first_chunk::<4>() {
        let (case, more) = more.split_at(u32::from_le_bytes(*length) as usize);
        let alone = [magic, &[1, 0], length, case].concat();
        let read = OnnxCases::from_bytes(&alone)
            .expect("the golden cases are well formed")
            .next();
        if fits(&read.expect("every case can be read")) {
            cases.push([&length[..], case].concat());
        }
        rest = more;
    }
    let count = u16::try_from(cases.len()).expect("fewer cases than the whole set");
    let chosen = [magic, &count.to_le_bytes(), &cases.concat()].concat();
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("onnx.bin"), chosen).expect("OUT_DIR is writable");
}

/// Whether a case has one or two axes and its tensors fit.
fn fits(case: &OnnxCase<'_>) -> bool {
    let batch = case.x.shape().first().copied().unwrap_or(0);
    let channels = case.y.shape().get(1).copied().unwrap_or(0);
    (1..=2).contains(&case.stride.len())
        && batch > 0
        && case.x.len() / batch <= limits::INPUT
        && case.w.len() <= limits::KERNEL
        && case.y.len() / batch <= limits::OUTPUT
        && channels <= limits::CHANNELS
}
