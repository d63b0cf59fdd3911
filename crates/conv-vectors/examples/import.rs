//! Writes a golden set from its JSON: one case a line, as the ONNX and CMSIS-NN cases were
//! collected.
//!
//! ```text
//! cargo run -p conv-vectors --example import -- onnx onnx.json data/onnx.bin
//! cargo run -p conv-vectors --example import -- quantised quantised.json data/quantised.bin
//! ```
//!
//! The layout is in the docs of `conv_vectors::golden`. The bytes are read back and compared with
//! the JSON, value by value and bit by bit, before the file is written.

use std::error::Error;

use conv_vectors::golden::{
    IntegerType, Integers, Kind, OnnxCase, OnnxCases, OnnxOp, OnnxSource, QuantisedCase,
    QuantisedCases, Rounding, Tensor,
};
use serde_json::Value;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [set, source, target] = arguments.as_slice() else {
        return Err("usage: import onnx|quantised CASES.json TARGET.bin".into());
    };
    let json: Value = serde_json::from_str(&std::fs::read_to_string(source)?)?;
    let cases = json.as_array().ok_or("the JSON is not an array of cases")?;
    let bytes = match set.as_str() {
        "onnx" => {
            let bytes = write_set(b"CVO1", cases, write_onnx)?;
            check_set(cases, OnnxCases::from_bytes(&bytes)?, same_onnx)?;
            bytes
        }
        "quantised" => {
            let bytes = write_set(b"CVQ1", cases, write_quantised)?;
            check_set(cases, QuantisedCases::from_bytes(&bytes)?, same_quantised)?;
            bytes
        }
        other => return Err(format!("unknown set {other}: onnx or quantised").into()),
    };
    std::fs::write(target, &bytes)?;
    println!("{} cases, {} bytes: {target}", cases.len(), bytes.len());
    Ok(())
}

/// Magic, count, then every case behind its length.
fn write_set(
    magic: &[u8; 4],
    cases: &[Value],
    write: fn(&Value, &mut Vec<u8>) -> Outcome<()>,
) -> Outcome<Vec<u8>> {
    let mut bytes = magic.to_vec();
    bytes.extend(u16::try_from(cases.len())?.to_le_bytes());
    for case in cases {
        let mut record = Vec::new();
        write(case, &mut record).map_err(|error| format!("{}: {error}", case["name"]))?;
        bytes.extend(u32::try_from(record.len())?.to_le_bytes());
        bytes.extend(record);
    }
    Ok(bytes)
}

/// Every case read back is the one in the JSON.
fn check_set<C>(
    cases: &[Value],
    read: impl ExactSizeIterator<Item = C>,
    same: fn(&Value, &C) -> Outcome<bool>,
) -> Outcome<()> {
    let mut checked = 0;
    for (json, case) in cases.iter().zip(read) {
        if !same(json, &case)? {
            return Err(format!("{} does not read back as it was", json["name"]).into());
        }
        checked += 1;
    }
    if checked != cases.len() {
        return Err(format!("{checked} of {} cases read back", cases.len()).into());
    }
    Ok(())
}

fn write_onnx(case: &Value, bytes: &mut Vec<u8>) -> Outcome<()> {
    write_text(text(case, "name")?, bytes)?;
    bytes.push(match text(case, "op")? {
        "Conv" => 0,
        "ConvTranspose" => 1,
        other => return Err(format!("unknown op {other}").into()),
    });
    bytes.push(match text(case, "src")? {
        "onnx-node" => 0,
        "onnx-pytorch" => 1,
        other => return Err(format!("unknown source {other}").into()),
    });
    let exact = case["exact"].as_bool().ok_or("exact is not a boolean")?;
    bytes.push(u8::from(exact) | u8::from(!case["b"].is_null()) << 1);
    write_extent(integer(&case["group"])?, bytes)?;
    let stride = integers(&case["stride"])?;
    bytes.push(u8::try_from(stride.len())?);
    for axis in 0..stride.len() {
        for field in ["stride", "dilation"] {
            write_extent(integer(&case[field][axis])?, bytes)?;
        }
        for field in ["pad_begin", "pad_end"] {
            bytes.extend(i16::try_from(integer(&case[field][axis])?)?.to_le_bytes());
        }
        for field in ["output_padding", "out"] {
            write_extent(integer(&case[field][axis])?, bytes)?;
        }
    }
    for tensor in ["x", "w", "b", "y"] {
        if !case[tensor].is_null() {
            write_tensor(&case[tensor], bytes)?;
        }
    }
    Ok(())
}

fn write_quantised(case: &Value, bytes: &mut Vec<u8>) -> Outcome<()> {
    write_text(text(case, "name")?, bytes)?;
    bytes.push(match text(case, "kind")? {
        "direct" => 0,
        "depthwise" => 1,
        "transposed" => 2,
        other => return Err(format!("unknown kind {other}").into()),
    });
    for field in ["input_type", "weight_type"] {
        bytes.push(match text(case, field)? {
            "i4" => 0,
            "i8" => 1,
            "i16" => 2,
            other => return Err(format!("unknown type {other}").into()),
        });
    }
    bytes.push(match rounding(text(case, "rounding")?)? {
        Rounding::Double => 0,
        Rounding::Single => 1,
        Rounding::Wide => 2,
    });
    let mut flags = u8::from(!case["bias"].is_null());
    for also in array(&case["also_matches"])? {
        flags |= match rounding(also.as_str().ok_or("a contract is not a text")?)? {
            Rounding::Double => 0,
            Rounding::Single => 2,
            Rounding::Wide => 4,
        };
    }
    bytes.push(flags);
    write_extent(integer(&case["batch"])?, bytes)?;
    for field in QUANTISED_EXTENTS {
        for value in integers(&case[field])? {
            write_extent(value, bytes)?;
        }
    }
    write_extent(integer(&case["groups"])?, bytes)?;
    write_extent(0, bytes)?;
    for value in [
        &case["input_offset"],
        &case["output_offset"],
        &case["clamp"][0],
        &case["clamp"][1],
    ] {
        bytes.extend(i32::try_from(integer(value)?)?.to_le_bytes());
    }
    for field in QUANTISED_BLOCKS {
        if !case[field].is_null() {
            write_integers(&integers(&case[field])?, bytes)?;
        }
    }
    Ok(())
}

const QUANTISED_EXTENTS: [&str; 6] = [
    "input_hwc",
    "kernel_hw",
    "output_hwc",
    "stride",
    "pad_before",
    "dilation",
];

const QUANTISED_BLOCKS: [&str; 6] = [
    "multiplier",
    "shift",
    "bias",
    "input_nhwc",
    "weights",
    "output_nhwc",
];

fn rounding(name: &str) -> Outcome<Rounding> {
    Ok(match name {
        "double" => Rounding::Double,
        "single" => Rounding::Single,
        "i64 accumulator, 16-bit multiplier" | "s64" => Rounding::Wide,
        other => return Err(format!("unknown rounding {other}").into()),
    })
}

fn write_text(text: &str, bytes: &mut Vec<u8>) -> Outcome<()> {
    bytes.push(u8::try_from(text.len())?);
    bytes.extend(text.as_bytes());
    Ok(())
}

fn write_extent(value: i64, bytes: &mut Vec<u8>) -> Outcome<()> {
    bytes.extend(u16::try_from(value)?.to_le_bytes());
    Ok(())
}

fn write_tensor(tensor: &Value, bytes: &mut Vec<u8>) -> Outcome<()> {
    if tensor["dtype"] != "float32" {
        return Err(format!("a tensor of {}", tensor["dtype"]).into());
    }
    let shape = integers(&tensor["shape"])?;
    bytes.push(u8::try_from(shape.len())?);
    for extent in shape {
        write_extent(extent, bytes)?;
    }
    let values = floats(&tensor["data"])?;
    // Narrow only what comes back bit for bit: −0.0 does not, as an integer.
    let whole: Option<Vec<i64>> = values
        .iter()
        .map(|&value| {
            let narrow = value as i16;
            (f32::from(narrow).to_bits() == value.to_bits()).then_some(i64::from(narrow))
        })
        .collect();
    match whole {
        Some(whole) => write_integers(&whole, bytes)?,
        None => {
            bytes.push(4);
            bytes.extend(u32::try_from(values.len())?.to_le_bytes());
            bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        }
    }
    Ok(())
}

/// The smallest encoding that holds every value.
fn write_integers(values: &[i64], bytes: &mut Vec<u8>) -> Outcome<()> {
    let within = |bits: u32| {
        let limit = 1i64 << (bits - 1);
        values.iter().all(|value| (-limit..limit).contains(value))
    };
    let count = u32::try_from(values.len())?.to_le_bytes();
    if within(4) {
        bytes.push(0);
        bytes.extend(count);
        for pair in values.chunks(2) {
            let high = pair.get(1).copied().unwrap_or(0);
            bytes.push((pair[0] & 15) as u8 | ((high & 15) as u8) << 4);
        }
    } else if within(8) {
        bytes.push(1);
        bytes.extend(count);
        bytes.extend(values.iter().map(|&value| value as i8 as u8));
    } else if within(16) {
        bytes.push(2);
        bytes.extend(count);
        bytes.extend(
            values
                .iter()
                .flat_map(|&value| (value as i16).to_le_bytes()),
        );
    } else if within(32) {
        bytes.push(3);
        bytes.extend(count);
        bytes.extend(
            values
                .iter()
                .flat_map(|&value| (value as i32).to_le_bytes()),
        );
    } else {
        return Err("a value needs more than 32 bits".into());
    }
    Ok(())
}

fn same_onnx(json: &Value, case: &OnnxCase<'_>) -> Outcome<bool> {
    let op = match case.op {
        OnnxOp::Conv => "Conv",
        OnnxOp::ConvTranspose => "ConvTranspose",
    };
    let source = match case.source {
        OnnxSource::Node => "onnx-node",
        OnnxSource::ConvertedModel => "onnx-pytorch",
    };
    let axes = |name: &str, read: &[usize]| -> Outcome<bool> {
        Ok(integers(&json[name])?
            .into_iter()
            .eq(read.iter().map(|&value| value as i64)))
    };
    let pads = |name: &str, read: &[isize]| -> Outcome<bool> {
        Ok(integers(&json[name])?
            .into_iter()
            .eq(read.iter().map(|&value| value as i64)))
    };
    let bias = match &case.b {
        Some(bias) => same_tensor(&json["b"], bias)?,
        None => json["b"].is_null(),
    };
    Ok(json["name"] == case.name
        && json["op"] == op
        && json["src"] == source
        && json["exact"] == case.exact
        && json["group"] == case.group
        && axes("stride", &case.stride)?
        && axes("dilation", &case.dilation)?
        && pads("pad_begin", &case.pad_begin)?
        && pads("pad_end", &case.pad_end)?
        && axes("output_padding", &case.output_padding)?
        && axes("out", &case.out)?
        && same_tensor(&json["x"], &case.x)?
        && same_tensor(&json["w"], &case.w)?
        && bias
        && same_tensor(&json["y"], &case.y)?)
}

fn same_tensor(json: &Value, tensor: &Tensor<'_>) -> Outcome<bool> {
    let shape = integers(&json["shape"])?;
    let values = floats(&json["data"])?;
    Ok(shape
        .into_iter()
        .eq(tensor.shape().iter().map(|&extent| extent as i64))
        && values
            .iter()
            .map(|value| value.to_bits())
            .eq(tensor.values().map(f32::to_bits)))
}

fn same_quantised(json: &Value, case: &QuantisedCase<'_>) -> Outcome<bool> {
    let kind = match case.kind {
        Kind::Direct => "direct",
        Kind::Depthwise => "depthwise",
        Kind::Transposed => "transposed",
    };
    let width = |integer| match integer {
        IntegerType::I4 => "i4",
        IntegerType::I8 => "i8",
        IntegerType::I16 => "i16",
    };
    let extents: [&[usize]; 6] = [
        &case.input_hwc,
        &case.kernel_hw,
        &case.output_hwc,
        &case.stride,
        &case.pad_before,
        &case.dilation,
    ];
    for (name, read) in QUANTISED_EXTENTS.iter().zip(extents) {
        if !integers(&json[name])?
            .into_iter()
            .eq(read.iter().map(|&value| value as i64))
        {
            return Ok(false);
        }
    }
    let blocks: [Option<Integers<'_>>; 6] = [
        Some(case.multiplier),
        Some(case.shift),
        case.bias,
        Some(case.input),
        Some(case.weights),
        Some(case.output),
    ];
    for (name, read) in QUANTISED_BLOCKS.iter().zip(blocks) {
        let same = match read {
            Some(read) => integers(&json[name])?
                .into_iter()
                .eq(read.values().map(i64::from)),
            None => json[name].is_null(),
        };
        if !same {
            return Ok(false);
        }
    }
    let mut also = vec![rounding(text(json, "rounding")?)?];
    for name in array(&json["also_matches"])? {
        also.push(rounding(name.as_str().ok_or("a contract is not a text")?)?);
    }
    let contracts = [Rounding::Double, Rounding::Single, Rounding::Wide];
    Ok(json["name"] == case.name
        && json["kind"] == kind
        && json["input_type"] == width(case.input_type)
        && json["weight_type"] == width(case.weight_type)
        && rounding(text(json, "rounding")?)? == case.rounding
        && contracts
            .iter()
            .all(|&name| case.matches(name) == also.contains(&name))
        && json["batch"] == case.batch
        && json["groups"] == case.groups
        && json["input_offset"] == case.input_offset
        && json["output_offset"] == case.output_offset
        && json["clamp"][0] == case.clamp.0
        && json["clamp"][1] == case.clamp.1)
}

fn text<'a>(case: &'a Value, field: &str) -> Outcome<&'a str> {
    Ok(case[field]
        .as_str()
        .ok_or_else(|| format!("{field} is not a text"))?)
}

fn array(value: &Value) -> Outcome<&Vec<Value>> {
    Ok(value.as_array().ok_or("not an array")?)
}

fn integer(value: &Value) -> Outcome<i64> {
    Ok(value
        .as_i64()
        .ok_or_else(|| format!("{value} is not an integer"))?)
}

fn integers(value: &Value) -> Outcome<Vec<i64>> {
    array(value)?.iter().map(integer).collect()
}

fn floats(value: &Value) -> Outcome<Vec<f32>> {
    array(value)?
        .iter()
        .map(|value| {
            Ok(value
                .as_f64()
                .ok_or_else(|| format!("{value} is not a number"))? as f32)
        })
        .collect()
}
