//! One case of CMSIS-NN's unit tests, whose numbers TFLite made.

use super::reader::{Block, Reader, WrongFit};

/// Which operation a quantised case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Direct convolution, grouped where `groups` is more than 1.
    Direct,
    /// Depthwise convolution: output channel `o` reads input channel `o / multiplier`, where the
    /// channel multiplier is output channels over input channels.
    Depthwise,
    /// Transposed convolution.
    Transposed,
}

/// The order of the weights' axes, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightLayout {
    /// Output channel, row, column, input channel within the group.
    Ohwi,
    /// Row, column, output channel.
    Hwo,
}

/// An integer element type of a quantised case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntegerType {
    /// Four bits, one value each once read.
    I4,
    /// Eight bits.
    I8,
    /// Sixteen bits.
    I16,
}

/// Weights of 4 bits as TFLite packs them: two to a byte, the first in the low half.
///
/// ```
/// assert!(conv_vectors::golden::packed(&[-1, 2, -8]).eq([0x2f, 0x08]));
/// ```
pub fn packed(weights: &[i8]) -> impl Iterator<Item = u8> + '_ {
    let low_half = |weight: i8| weight as u8 & 15;
    weights.chunks(2).map(move |pair| {
        let high = pair.get(1).map_or(0, |&weight| low_half(weight));
        low_half(pair[0]) | (high << 4)
    })
}

/// How an accumulator becomes an output: the contract's name. The reference for each is
/// `conv_vectors::oracle::requantise`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// Doubling high multiply, then a rounding shift: TFLite's reference kernels.
    Double,
    /// One rounding of the 64-bit product.
    Single,
    /// 64-bit accumulator and a 16-bit multiplier: int16 activations.
    Wide,
}

/// A quantised layer, its data and its published output.
///
/// The sum is `Σ (input + input_offset)·weight + bias`, where padding contributes 0; the output is
/// `clamp(requantise(sum) + output_offset)`.
#[derive(Clone, Copy, Debug)]
pub struct QuantisedCase<'a> {
    /// CMSIS-NN's name for the data set.
    pub name: &'a str,
    /// The operation.
    pub kind: Kind,
    /// Element type of input and output.
    pub input_type: IntegerType,
    /// Element type of the weights.
    pub weight_type: IntegerType,
    /// The contract that the published output follows.
    pub rounding: Rounding,
    also: u8,
    /// Number of images.
    pub batch: usize,
    /// Input height, width and channels.
    pub input_hwc: [usize; 3],
    /// Kernel height and width.
    pub kernel_hw: [usize; 2],
    /// Output height, width and channels.
    pub output_hwc: [usize; 3],
    /// Stride down and across.
    pub stride: [usize; 2],
    /// Padding above and to the left; the rest follows from the output extent, see
    /// [`pad_after`](Self::pad_after).
    pub pad_before: [usize; 2],
    /// Dilation down and across.
    pub dilation: [usize; 2],
    /// Number of groups; for depthwise the number of input channels.
    pub groups: usize,
    /// Added to every input value: minus the input's zero point.
    pub input_offset: i32,
    /// Added to every requantised value: the output's zero point.
    pub output_offset: i32,
    /// Lowest and highest output, inclusive.
    pub clamp: (i32, i32),
    /// The fixed-point multiplier of each output channel.
    pub multiplier: Integers<'a>,
    /// The shift of each output channel; positive is to the left.
    pub shift: Integers<'a>,
    /// The bias of each output channel.
    pub bias: Option<Integers<'a>>,
    /// The input, NHWC.
    pub input: Integers<'a>,
    /// The weights, laid out as [`weight_layout`](Self::weight_layout) says.
    pub weights: Integers<'a>,
    /// The published output, NHWC.
    pub output: Integers<'a>,
}

impl<'a> QuantisedCase<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let name = reader.text()?;
        let kind = match reader.u8()? {
            0 => Kind::Direct,
            1 => Kind::Depthwise,
            2 => Kind::Transposed,
            _ => return None,
        };
        let input_type = IntegerType::from_code(reader.u8()?)?;
        let weight_type = IntegerType::from_code(reader.u8()?)?;
        let rounding = match reader.u8()? {
            0 => Rounding::Double,
            1 => Rounding::Single,
            2 => Rounding::Wide,
            _ => return None,
        };
        let flags = reader.u8()?;
        let batch = usize::from(reader.u16()?);
        let input_hwc = reader.extents()?;
        let kernel_hw = reader.extents()?;
        let output_hwc = reader.extents()?;
        let stride = reader.extents()?;
        let pad_before = reader.extents()?;
        let dilation = reader.extents()?;
        let [groups, _reserved] = reader.extents()?;
        let input_offset = reader.i32()?;
        let output_offset = reader.i32()?;
        let clamp = (reader.i32()?, reader.i32()?);
        let mut integers = || reader.block().map(|block| Integers { block });
        let multiplier = integers()?;
        let shift = integers()?;
        let bias = match flags & 1 {
            0 => None,
            _ => Some(integers()?),
        };
        Some(Self {
            name,
            kind,
            input_type,
            weight_type,
            rounding,
            also: flags,
            batch,
            input_hwc,
            kernel_hw,
            output_hwc,
            stride,
            pad_before,
            dilation,
            groups,
            input_offset,
            output_offset,
            clamp,
            multiplier,
            shift,
            bias,
            input: integers()?,
            weights: integers()?,
            output: integers()?,
        })
    }

    /// Whether this contract gives the published output too, be it by rule or by luck.
    #[must_use]
    pub fn matches(&self, rounding: Rounding) -> bool {
        let bit = match rounding {
            Rounding::Double => 0,
            Rounding::Single => 2,
            Rounding::Wide => 4,
        };
        rounding == self.rounding || self.also & bit != 0
    }

    /// The order of the weights' axes: HWO for depthwise, OHWI for the others.
    #[must_use]
    pub fn weight_layout(&self) -> WeightLayout {
        match self.kind {
            Kind::Depthwise => WeightLayout::Hwo,
            Kind::Direct | Kind::Transposed => WeightLayout::Ohwi,
        }
    }

    /// Padding below and to the right that gives exactly the case's output extent; negative where
    /// input (direct) or output (transposed) has to be added or is left over.
    ///
    /// Direct: `(o − 1)·s + k̂ − i − pad_before`. Transposed: `(i − 1)·s + k̂ − o − pad_before`.
    #[must_use]
    pub fn pad_after(&self) -> [isize; 2] {
        [0, 1].map(|axis| {
            let [input, output] = [self.input_hwc[axis], self.output_hwc[axis]];
            let (strided, plain) = match self.kind {
                Kind::Direct | Kind::Depthwise => (output, input),
                Kind::Transposed => (input, output),
            };
            let reach = self.dilation[axis] * (self.kernel_hw[axis] - 1) + 1;
            let span = (strided - 1) * self.stride[axis] + reach;
            span as isize - plain as isize - self.pad_before[axis] as isize
        })
    }
}

impl IntegerType {
    fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::I4,
            1 => Self::I8,
            2 => Self::I16,
            _ => return None,
        })
    }
}

/// A run of integers, stored in the fewest of 4, 8, 16 or 32 bits that hold them all.
#[derive(Clone, Copy, Debug)]
pub struct Integers<'a> {
    block: Block<'a>,
}

impl<'a> Integers<'a> {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at an index; `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<i32> {
        self.block.integer(index)
    }

    /// The values in order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = i32> + Clone + use<'a> {
        let block = self.block;
        // Every index below the count is readable, and the writer makes no float block here.
        (0..block.len()).map(move |index| block.integer(index).unwrap_or(i32::MIN))
    }

    /// Copies every value into a buffer of exactly that many.
    ///
    /// # Errors
    ///
    /// [`WrongFit`] when the length differs (the buffer is untouched then) or when a value is
    /// outside `T` (the values before it are written).
    pub fn copy_to<T: TryFrom<i32>>(&self, buffer: &mut [T]) -> Result<(), WrongFit> {
        if buffer.len() != self.len() {
            return Err(WrongFit::Length {
                expected: self.len(),
                found: buffer.len(),
            });
        }
        for (index, (place, value)) in buffer.iter_mut().zip(self.values()).enumerate() {
            *place = T::try_from(value).map_err(|_| WrongFit::Value { index })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::golden::{IntegerType, Kind, Rounding, WrongFit, quantised};

    #[test]
    fn the_set_is_whole() {
        assert_eq!(quantised().len(), 35);
        assert_eq!(quantised().count(), 35);
        let of = |kind| quantised().filter(|case| case.kind == kind).count();
        assert_eq!(of(Kind::Direct), 23);
        assert_eq!(of(Kind::Depthwise), 10);
        assert_eq!(of(Kind::Transposed), 2);
        let wide = quantised().filter(|case| case.rounding == Rounding::Wide);
        assert_eq!(wide.count(), 6);
    }

    #[test]
    fn lengths_follow_from_the_extents() {
        for case in quantised() {
            let [height, width, channels] = case.input_hwc;
            assert_eq!(case.input.len(), case.batch * height * width * channels);
            let [height, width, out] = case.output_hwc;
            assert_eq!(case.output.len(), case.batch * height * width * out);
            let taps = case.kernel_hw[0] * case.kernel_hw[1];
            let expected = match case.kind {
                Kind::Direct | Kind::Transposed => out * taps * channels / case.groups,
                Kind::Depthwise => out * taps,
            };
            assert_eq!(case.weights.len(), expected, "{}", case.name);
            assert_eq!(case.multiplier.len(), out);
            assert_eq!(case.shift.len(), out);
            assert!(case.bias.is_none_or(|bias| bias.len() == out));
            let limit = match case.weight_type {
                IntegerType::I4 => 8,
                IntegerType::I8 => 128,
                IntegerType::I16 => 32768,
            };
            assert!(
                case.weights
                    .values()
                    .all(|value| (-limit..limit).contains(&value))
            );
        }
    }

    #[test]
    fn values_are_those_published() {
        let case = quantised().find(|case| case.name == "basic").unwrap();
        assert_eq!(case.multiplier.get(0), Some(1_625_013_239));
        assert_eq!(case.shift.get(0), Some(-8));
        assert_eq!(case.bias.unwrap().get(0), Some(6388));
        assert!(
            case.weights
                .values()
                .eq([-72, 32, -107, -50, 81, -114, -7, -127])
        );
        assert!(case.matches(Rounding::Double) && case.matches(Rounding::Single));
        assert_eq!(case.pad_after(), [0, 0]);
        let null = quantised()
            .find(|case| case.name == "depthwise_null_bias_0")
            .unwrap();
        assert_eq!(null.pad_after(), [1, 1]);
        let transposed = quantised().find(|case| case.name == "reverse_transpose_conv_3");
        assert_eq!(transposed.unwrap().pad_after(), [0, 1]);
    }

    #[test]
    fn copying_checks_length_and_range() {
        let case = quantised().find(|case| case.name == "basic").unwrap();
        let mut weights = [0i8; 8];
        case.weights.copy_to(&mut weights).unwrap();
        assert_eq!(weights[7], -127);
        let mut bias = [0i8; 1];
        let error = case.bias.unwrap().copy_to(&mut bias).unwrap_err();
        assert_eq!(error, WrongFit::Value { index: 0 });
        let error = case.weights.copy_to(&mut bias).unwrap_err();
        assert_eq!(
            error,
            WrongFit::Length {
                expected: 8,
                found: 1
            }
        );
    }
}
