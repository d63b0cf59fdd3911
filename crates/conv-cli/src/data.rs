//! Numbers from the command line or a file: rows of text, `.npy`, `.safetensors`.

use std::path::Path;

use ndarray::ArrayD;
use ndarray_npy::{ReadNpyError, ReadNpyExt, ReadableElement};
use safetensors::{Dtype, SafeTensors};

use crate::failure::Failure;

/// What the numbers were before they became `f64`, in which all of them are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `f32`.
    Single,
    /// `f64`, or a text with a point.
    Double,
    /// Integers of up to 32 bits, or a text without a point.
    Integer,
}

/// An array of numbers, slowest axis first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Numbers {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
    pub(crate) kind: Kind,
}

/// Reads `1,2;3,4`, or the file of that name: `.npy`, `.safetensors` (with `:name` for one of several tensors), or
/// else rows of text.
pub(crate) fn numbers(text: &str) -> Result<Numbers, Failure> {
    let ending = |text: &str| {
        Path::new(text)
            .extension()
            .map(|ending| ending.to_ascii_lowercase())
    };
    let (file, tensor) = match text.split_once(".safetensors:") {
        Some((stem, tensor)) => (format!("{stem}.safetensors"), Some(tensor)),
        None => (text.to_owned(), None),
    };
    match ending(&file)
        .and_then(|ending| ending.into_string().ok())
        .as_deref()
    {
        Some("npy") => npy(&file),
        Some("safetensors") => safetensors(&file, tensor),
        Some("txt" | "csv" | "tsv") => rows(&file, &read_text(&file)?),
        _ if Path::new(&file).is_file() => rows(&file, &read_text(&file)?),
        _ => rows("the values", text),
    }
}

fn read(path: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| missing(path, &error))
}

fn read_text(path: &str) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::file(path, &"is not a text"))
}

/// A file that cannot be opened, in words that are the same on every system.
pub(crate) fn missing(path: &str, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::file(path, &"no such file"),
        kind => Failure::file(path, &kind),
    }
}

/// Rows end at a line's end or a semicolon; numbers are separated by commas or space.
fn rows(name: &str, text: &str) -> Result<Numbers, Failure> {
    let lines = text.split(['\n', ';']).map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (mut values, mut widths) = (Vec::new(), Vec::new());
    for line in lines {
        let items = line
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|item| !item.is_empty());
        let before = values.len();
        for item in items {
            let value: f64 = item.parse().map_err(|_| {
                Failure::File(format!("{name}: `{item}` is not a number, nor a file"))
            })?;
            values.push(value);
        }
        widths.push(values.len() - before);
    }
    let Some(width) = widths.first().copied().filter(|width| *width > 0) else {
        return Err(Failure::file(name, &"there are no numbers"));
    };
    if let Some(row) = widths.iter().position(|found| *found != width) {
        return Err(Failure::file(
            name,
            &format!(
                "row {row} has {} numbers, the first has {width}",
                widths[row]
            ),
        ));
    }
    let shape = if widths.len() == 1 {
        vec![width]
    } else {
        vec![widths.len(), width]
    };
    let whole = values
        .iter()
        .all(|value: &f64| value.fract() == 0.0 && value.abs() < 2_f64.powi(53));
    let kind = if whole { Kind::Integer } else { Kind::Double };
    Ok(Numbers {
        shape,
        values,
        kind,
    })
}

/// The array of a `.npy` file whose elements are one of these types.
macro_rules! read_elements {
    ($bytes:expr, $($element:ty => $kind:expr),*) => {{
        let mut found = Err(WRONG_TYPE.to_owned());
        $(
            if found == Err(WRONG_TYPE.to_owned()) {
                found = elements::<$element>($bytes).map(|array| {
                    let shape = array.shape().to_vec();
                    let values = array.iter().map(|value| *value as f64).collect();
                    Numbers { shape, values, kind: $kind }
                });
            }
        )*
        found
    }};
}

const WRONG_TYPE: &str =
    "elements of this type are not read, expected integers of 8 to 64 bits, f32 or f64";

fn npy(path: &str) -> Result<Numbers, Failure> {
    let bytes = read(path)?;
    let numbers = read_elements!(
        &bytes,
        f32 => Kind::Single,
        f64 => Kind::Double,
        u8 => Kind::Integer,
        i8 => Kind::Integer,
        i16 => Kind::Integer,
        u16 => Kind::Integer,
        i32 => Kind::Integer,
        u32 => Kind::Integer,
        i64 => Kind::Integer,
        u64 => Kind::Integer
    );
    checked(path, numbers.map_err(|text| Failure::file(path, &text))?)
}

fn elements<T: ReadableElement>(bytes: &[u8]) -> Result<ArrayD<T>, String> {
    ArrayD::<T>::read_npy(bytes).map_err(|error| match error {
        ReadNpyError::WrongDescriptor(_) => WRONG_TYPE.to_owned(),
        error => format!("is not a readable .npy array: {error}"),
    })
}

/// What no operation takes: no numbers, or integers that an `f64` does not hold.
fn checked(path: &str, numbers: Numbers) -> Result<Numbers, Failure> {
    let limit = 2_f64.powi(53);
    if numbers.values.is_empty() {
        return Err(Failure::file(path, &"there are no numbers"));
    }
    if numbers.kind == Kind::Integer && numbers.values.iter().any(|value| value.abs() >= limit) {
        return Err(Failure::file(
            path,
            &"an integer is beyond 2^53, where f64 is not exact",
        ));
    }
    Ok(numbers)
}

fn safetensors(path: &str, tensor: Option<&str>) -> Result<Numbers, Failure> {
    let bytes = read(path)?;
    let broken = |error: safetensors::SafeTensorError| {
        Failure::file(
            path,
            &format!("is not a readable .safetensors file: {error}"),
        )
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(broken)?;
    let mut names = tensors.names();
    names.sort_unstable();
    let name = match (tensor, names.as_slice()) {
        (Some(name), _) if names.contains(&name) => name,
        (None, [only]) => only,
        _ => {
            let names = names.join(", ");
            return Err(Failure::file(
                path,
                &format!("name one of its tensors, as in {path}:name: {names}"),
            ));
        }
    };
    let view = tensors.tensor(name).map_err(broken)?;
    let data = view.data();
    let (kind, values) = match view.dtype() {
        Dtype::F32 => (
            Kind::Single,
            little_endian(data, |b| f32::from_le_bytes(b).into()),
        ),
        Dtype::F64 => (Kind::Double, little_endian(data, f64::from_le_bytes)),
        // An f32 without its lower half.
        Dtype::BF16 => (
            Kind::Single,
            little_endian(data, |[a, b]| f32::from_le_bytes([0, 0, a, b]).into()),
        ),
        Dtype::I8 => (
            Kind::Integer,
            little_endian(data, |b| i8::from_le_bytes(b).into()),
        ),
        Dtype::U8 => (
            Kind::Integer,
            little_endian(data, |b| u8::from_le_bytes(b).into()),
        ),
        Dtype::I16 => (
            Kind::Integer,
            little_endian(data, |b| i16::from_le_bytes(b).into()),
        ),
        Dtype::I32 => (
            Kind::Integer,
            little_endian(data, |b| i32::from_le_bytes(b).into()),
        ),
        other => {
            let text = format!(
                "tensor {name} has elements of type {other:?}, expected F32, F64, BF16, I8, U8, I16 or I32"
            );
            return Err(Failure::file(path, &text));
        }
    };
    checked(
        path,
        Numbers {
            shape: view.shape().to_vec(),
            values,
            kind,
        },
    )
}

fn little_endian<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    data.as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| read(*bytes))
        .collect()
}
