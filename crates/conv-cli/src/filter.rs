//! Kernels by name, from [`conv_core::filter`], or from numbers.

use conv_core::filter::{self, Taper};
use conv_scene::Fault;

use crate::data::numbers;
use crate::failure::Failure;

/// A kernel, its axes slowest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kernel {
    /// The same taps along every axis, one pass each.
    Separable(Vec<f64>),
    /// One for all channels: a row, or height and width.
    Plain {
        shape: Vec<usize>,
        weights: Vec<f64>,
    },
    /// Output and input channels, then the spatial axes.
    Channels {
        shape: Vec<usize>,
        weights: Vec<f64>,
    },
}

/// The names, for the help.
pub(crate) const NAMES: &str = "gaussian:SIGMA, box:N, binomial:N, low-pass:CUTOFF, decimator:STRIDE, sobel-x, sobel-y, scharr-x, scharr-y, prewitt-x, prewitt-y, laplacian, laplacian-diagonal";

/// Calls a function of constant length for a length known at run time; `None` beyond 64.
macro_rules! of_length {
    ($length:expr, $function:ident $arguments:tt) => {
        of_length!(@ $length, $function $arguments,
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32
            33 34 35 36 37 38 39 40 41 42 43 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63 64)
    };
    (@ $length:expr, $function:ident $arguments:tt, $($n:literal)*) => {
        match $length {
            $($n => Some(filter::$function::<$n> $arguments .map(f64::from).to_vec()),)*
            _ => None,
        }
    };
}

pub(crate) fn kernel(text: &str) -> Result<Kernel, Failure> {
    if let Some(named) = named(text)? {
        return Ok(named);
    }
    let read = numbers(text)?;
    Ok(match read.shape.len() {
        1 | 2 => Kernel::Plain {
            shape: read.shape,
            weights: read.values,
        },
        3 | 4 => Kernel::Channels {
            shape: read.shape,
            weights: read.values,
        },
        rank => {
            let text = format!(
                "the kernel has {rank} axes, expected a row, height and width, or those behind output and input channels"
            );
            return Err(Fault::illegal(text).into());
        }
    })
}

fn square<const H: usize, const W: usize>(rows: [[i8; W]; H]) -> Kernel {
    Kernel::Plain {
        shape: vec![H, W],
        weights: rows
            .as_flattened()
            .iter()
            .map(|weight| f64::from(*weight))
            .collect(),
    }
}

fn named(text: &str) -> Result<Option<Kernel>, Fault> {
    let fixed = match text {
        "sobel-x" => filter::sobel_x(),
        "sobel-y" => filter::sobel_y(),
        "scharr-x" => filter::scharr_x(),
        "scharr-y" => filter::scharr_y(),
        "prewitt-x" => filter::prewitt_x(),
        "prewitt-y" => filter::prewitt_y(),
        "laplacian" => filter::laplacian(),
        "laplacian-diagonal" => filter::laplacian_diagonal(),
        _ => return parametrised(text),
    };
    Ok(Some(square(fixed)))
}

fn parametrised(text: &str) -> Result<Option<Kernel>, Fault> {
    let Some((name, value)) = text.split_once(':') else {
        return Ok(None);
    };
    let wrong = |expected: &str| {
        Fault::usage(format!(
            "--kernel has the value `{text}`, expected {name}: with {expected}"
        ))
    };
    let number = |expected: &str| {
        value
            .parse::<f32>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(|| wrong(expected))
    };
    let length = |expected: &str| value.parse::<usize>().map_err(|_| wrong(expected));
    let taps = match name {
        "gaussian" => {
            let expected = "a standard deviation above 0 and at most 10";
            let sigma = number(expected)?;
            // An odd length of at least 6·sigma + 1.
            let length = (sigma * 3.0).ceil() as usize * 2 + 1;
            let taps = (sigma > 0.0).then(|| of_length!(length, gaussian_1d(sigma)));
            taps.flatten().ok_or_else(|| wrong(expected))?
        }
        "box" => {
            let expected = "1 to 64 taps";
            let taps = of_length!(length(expected)?, box_1d()).ok_or_else(|| wrong(expected))?;
            normalised(taps)
        }
        "binomial" => {
            let expected = "1 to 18 taps";
            let taps = binomial(length(expected)?).ok_or_else(|| wrong(expected))?;
            normalised(taps)
        }
        "low-pass" => {
            let expected = "a cut-off above 0 and at most 0.5, in cycles per sample";
            let cutoff = number(expected)?;
            if !(cutoff > 0.0 && cutoff <= 0.5) {
                return Err(wrong(expected));
            }
            filter::low_pass::<63>(cutoff, Taper::Hamming)
                .map(f64::from)
                .to_vec()
        }
        "decimator" => {
            let expected = "a stride of 1 to 16";
            let stride = Some(length(expected)?)
                .filter(|stride| (1..=16).contains(stride))
                .ok_or_else(|| wrong(expected))?;
            filter::decimator::<63>(stride, Taper::Hamming)
                .map(f64::from)
                .to_vec()
        }
        _ => return Ok(None),
    };
    Ok(Some(Kernel::Separable(taps)))
}

fn binomial(length: usize) -> Option<Vec<f64>> {
    macro_rules! lengths {
        ($($n:literal)*) => {
            match length {
                $($n => Some(filter::binomial_1d::<$n>().map(f64::from).to_vec()),)*
                _ => None,
            }
        };
    }
    lengths!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18)
}

fn normalised(taps: Vec<f64>) -> Vec<f64> {
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_their_filters() {
        assert_eq!(kernel("box:4").unwrap(), Kernel::Separable(vec![0.25; 4]));
        assert_eq!(
            kernel("binomial:3").unwrap(),
            Kernel::Separable(vec![0.25, 0.5, 0.25])
        );
        let Kernel::Separable(taps) = kernel("gaussian:1.5").unwrap() else {
            panic!()
        };
        assert_eq!(taps.len(), 11);
        assert!((taps.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        let Kernel::Plain { shape, weights } = kernel("sobel-x").unwrap() else {
            panic!()
        };
        assert_eq!(
            (shape, weights),
            (
                vec![3, 3],
                vec![-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0]
            )
        );
        let Kernel::Plain { shape, .. } = kernel("1,2;3,4;5,6").unwrap() else {
            panic!()
        };
        assert_eq!(shape, [3, 2]);
    }

    #[test]
    fn every_name_of_the_help_is_one() {
        for name in NAMES.split(", ") {
            let example = match name.split_once(':') {
                Some((name, "SIGMA" | "CUTOFF")) => format!("{name}:0.5"),
                Some((name, _)) => format!("{name}:4"),
                None => name.to_owned(),
            };
            assert!(named(&example).unwrap().is_some(), "{name}");
        }
    }

    #[test]
    fn wrong_parameters_say_what_is_expected() {
        for text in [
            "gaussian:0",
            "gaussian:11",
            "gaussian:x",
            "gaussian:nan",
            "box:0",
            "box:65",
            "binomial:19",
            "low-pass:0.6",
            "decimator:0",
        ] {
            let fault = kernel(text).unwrap_err();
            assert!(fault.to_string().contains("expected"), "{fault}");
        }
        assert!(
            kernel("blur")
                .unwrap_err()
                .to_string()
                .contains("`blur` is not a number, nor a file")
        );
    }
}
