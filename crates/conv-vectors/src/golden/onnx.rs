//! One case of the ONNX project's backend tests.

use super::reader::{Block, PerAxis, Reader, WrongFit};

/// Which operator an ONNX case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnnxOp {
    /// Direct convolution (cross-correlation); the kernel is `(O, I/group, k…)`.
    Conv,
    /// Transposed convolution; the kernel is `(I, O/group, k…)`.
    ConvTranspose,
}

/// Which of the ONNX project's test sets a case is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnnxSource {
    /// The node tests, whose outputs were written by hand or by the reference implementation.
    Node,
    /// The models converted from PyTorch, whose outputs PyTorch computed in `f32`.
    ConvertedModel,
}

/// A Conv or ConvTranspose with every attribute resolved: automatic padding and requested output
/// shapes are already the pads and extents that they mean.
#[derive(Clone, Copy, Debug)]
pub struct OnnxCase<'a> {
    /// The ONNX project's name for the case.
    pub name: &'a str,
    /// The operator.
    pub op: OnnxOp,
    /// The test set.
    pub source: OnnxSource,
    /// `true` where an `f32` result must match `y` bit for bit; elsewhere the ONNX project asks
    /// for 1e-4, and [`crate::tolerance`] for much less.
    pub exact: bool,
    /// Number of groups.
    pub group: usize,
    /// Stride per spatial axis.
    pub stride: PerAxis<usize>,
    /// Dilation per spatial axis.
    pub dilation: PerAxis<usize>,
    /// Padding before the first element per spatial axis; negative crops.
    pub pad_begin: PerAxis<isize>,
    /// Padding after the last element per spatial axis; negative crops, which for a transposed
    /// operation extends the output.
    pub pad_end: PerAxis<isize>,
    /// Output padding per spatial axis (0 for Conv).
    pub output_padding: PerAxis<usize>,
    /// Output extent per spatial axis.
    pub out: PerAxis<usize>,
    /// The input, `(N, C, …)`.
    pub x: Tensor<'a>,
    /// The kernel, with its axes as [`OnnxOp`] says.
    pub w: Tensor<'a>,
    /// The bias, one value per output channel.
    pub b: Option<Tensor<'a>>,
    /// The published output, `(N, C, …)`.
    pub y: Tensor<'a>,
}

impl<'a> OnnxCase<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let name = reader.text()?;
        let op = match reader.u8()? {
            0 => OnnxOp::Conv,
            1 => OnnxOp::ConvTranspose,
            _ => return None,
        };
        let source = match reader.u8()? {
            0 => OnnxSource::Node,
            1 => OnnxSource::ConvertedModel,
            _ => return None,
        };
        let flags = reader.u8()?;
        let group = usize::from(reader.u16()?);
        let axes = usize::from(reader.u8()?);
        let mut sizes: [PerAxis<usize>; 4] = [PerAxis::new(axes)?; 4];
        let mut pads: [PerAxis<isize>; 2] = [PerAxis::new(axes)?; 2];
        for axis in 0..axes {
            for field in [0, 1] {
                *sizes.get_mut(field)?.as_mut().get_mut(axis)? = usize::from(reader.u16()?);
            }
            for pad in &mut pads {
                *pad.as_mut().get_mut(axis)? = isize::from(reader.i16()?);
            }
            for field in [2, 3] {
                *sizes.get_mut(field)?.as_mut().get_mut(axis)? = usize::from(reader.u16()?);
            }
        }
        let [stride, dilation, output_padding, out] = sizes;
        let [pad_begin, pad_end] = pads;
        let x = Tensor::read(reader)?;
        let w = Tensor::read(reader)?;
        let b = match flags & 2 {
            0 => None,
            _ => Some(Tensor::read(reader)?),
        };
        Some(Self {
            name,
            op,
            source,
            exact: flags & 1 != 0,
            group,
            stride,
            dilation,
            pad_begin,
            pad_end,
            output_padding,
            out,
            x,
            w,
            b,
            y: Tensor::read(reader)?,
        })
    }
}

/// An `f32` tensor, row-major. Integer-valued ones are stored in one or two bytes a value.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    shape: PerAxis<usize>,
    block: Block<'a>,
}

impl<'a> Tensor<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let mut shape = PerAxis::new(usize::from(reader.u8()?))?;
        for extent in shape.as_mut() {
            *extent = usize::from(reader.u16()?);
        }
        let block = reader.block()?;
        let count = shape
            .iter()
            .try_fold(1usize, |count, &extent| count.checked_mul(extent))?;
        (count == block.len()).then_some(Self { shape, block })
    }

    /// The extents, outermost first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many values there are: the product of the extents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.block.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at a flat index; `None` past the end.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<f32> {
        self.block.float(index)
    }

    /// The values in row-major order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = f32> + Clone + use<'a> {
        let block = self.block;
        // Every index below the count is readable: the block was cut to that size.
        (0..block.len()).map(move |index| block.float(index).unwrap_or(f32::NAN))
    }

    /// Copies every value into a buffer of exactly that many.
    ///
    /// # Errors
    ///
    /// [`WrongFit::Length`]; the buffer is untouched then.
    pub fn copy_to(&self, buffer: &mut [f32]) -> Result<(), WrongFit> {
        if buffer.len() != self.len() {
            return Err(WrongFit::Length {
                expected: self.len(),
                found: buffer.len(),
            });
        }
        for (place, value) in buffer.iter_mut().zip(self.values()) {
            *place = value;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::golden::{OnnxOp, OnnxSource, WrongFit, onnx};

    #[test]
    fn the_set_is_whole() {
        assert_eq!(onnx().len(), 46);
        assert_eq!(onnx().count(), 46);
        assert_eq!(onnx().filter(|case| case.exact).count(), 17);
        let transposed = onnx()
            .filter(|case| case.op == OnnxOp::ConvTranspose)
            .count();
        assert_eq!(transposed, 14);
        for case in onnx() {
            assert_eq!(case.exact, case.source == OnnxSource::Node, "{}", case.name);
            let axes = case.stride.len();
            assert_eq!(case.x.shape().len(), axes + 2, "{}", case.name);
            assert_eq!(&case.y.shape()[2..], &case.out[..], "{}", case.name);
            assert_eq!(case.x.values().len(), case.x.len());
        }
    }

    #[test]
    fn values_are_those_published() {
        let case = onnx()
            .find(|case| case.name == "test_basic_conv_with_padding")
            .unwrap();
        assert!(case.x.values().eq((0..25u8).map(f32::from)));
        assert_eq!(case.y.get(0), Some(12.0));
        assert_eq!(case.y.get(12), Some(108.0));
        assert_eq!(case.y.get(25), None);
        let same = onnx()
            .find(|case| case.name == "test_convtranspose_output_shape")
            .unwrap();
        assert_eq!(&same.pad_end[..], &[-1, -1]);
        assert!(same.b.is_none());
    }

    #[test]
    fn copying_asks_for_the_exact_length() {
        let case = onnx().next().unwrap();
        let mut short = [7.0; 3];
        let error = case.x.copy_to(&mut short).unwrap_err();
        assert_eq!(
            error,
            WrongFit::Length {
                expected: 25,
                found: 3
            }
        );
        assert_eq!(short, [7.0; 3]);
        let mut whole = [7.0; 25];
        case.x.copy_to(&mut whole).unwrap();
        assert_eq!(whole[24], 24.0);
    }
}
