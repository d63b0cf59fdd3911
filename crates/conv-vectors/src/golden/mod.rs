//! Golden cases: inputs, weights and outputs that others published.
//!
//! Each set is one `static` of bytes, so that a firmware image which reads only one set links only
//! that one. A case is a view into those bytes: nothing is copied or allocated, and values are
//! decoded one at a time, little-endian on every target.
//!
//! ```
//! use conv_vectors::golden::{self, OnnxOp};
//!
//! let case = golden::onnx().find(|case| case.name == "test_convtranspose_pads").unwrap();
//! assert_eq!(case.op, OnnxOp::ConvTranspose);
//! assert_eq!((&case.stride[..], &case.out[..]), (&[3, 2][..], &[7, 3][..]));
//! assert_eq!(case.x.values().sum::<f32>(), 36.0);
//! assert_eq!(golden::onnx().len() + golden::quantised().len(), 46 + 35);
//! ```
//!
//! # The bytes
//!
//! All numbers are little-endian. A set is `magic: [u8; 4]` (`CVO1` for ONNX, `CVQ1` for
//! quantised), `cases: u16`, then each case as `length: u32` and that many bytes:
//!
//! ```text
//! text   := length u8, that many UTF-8 bytes
//! block  := encoding u8, count u32, values      0 i4 (two a byte, the first one low), 1 i8, 2 i16,
//!                                               3 i32, 4 f32
//! tensor := rank u8, rank × u16 extents, block
//!
//! ONNX case := name text, op u8 (0 Conv, 1 ConvTranspose), source u8 (0 node, 1 converted model),
//!     flags u8 (1 exact, 2 has a bias), group u16, axes u8,
//!     per axis: stride u16, dilation u16, pad_begin i16, pad_end i16, output_padding u16, out u16,
//!     tensors x, w, then the bias if there is one, then y
//!
//! quantised case := name text, kind u8 (0 direct, 1 depthwise, 2 transposed),
//!     input type u8, weight type u8 (encodings as above), rounding u8 (0 double, 1 single,
//!     2 i64 accumulator), flags u8 (1 has a bias, 2 also single, 4 also i64 accumulator),
//!     17 × u16: batch, input H W C, kernel H W, output H W C, stride H W, pad_before H W,
//!     dilation H W, groups, 0,
//!     4 × i32: input_offset, output_offset, clamp low, clamp high,
//!     blocks multiplier, shift, the bias if there is one, input, weights, output
//! ```
//!
//! The writer is `examples/import.rs`; it uses the smallest encoding that gives every value back
//! bit for bit, and reads its own output again to prove it.

mod onnx;
mod quantised;
mod reader;

pub use onnx::{OnnxCase, OnnxOp, OnnxSource, Tensor};
pub use quantised::{IntegerType, Integers, Kind, QuantisedCase, Rounding, WeightLayout, packed};
pub use reader::{FormatError, PerAxis, WrongFit};

use reader::Reader;

static ONNX: &[u8] = include_bytes!("../../data/onnx.bin");
static QUANTISED: &[u8] = include_bytes!("../../data/quantised.bin");

/// The 46 cases of the ONNX project's backend tests for Conv and ConvTranspose, in NCHW.
#[must_use]
pub fn onnx() -> OnnxCases<'static> {
    OnnxCases::from_bytes(ONNX).unwrap_or(OnnxCases(Reader::EMPTY))
}

/// The 35 quantised cases of CMSIS-NN's unit tests, in NHWC.
#[must_use]
pub fn quantised() -> QuantisedCases<'static> {
    QuantisedCases::from_bytes(QUANTISED).unwrap_or(QuantisedCases(Reader::EMPTY))
}

macro_rules! cases {
    ($name:ident, $case:ident, $magic:literal, $what:literal) => {
        #[doc = $what]
        ///
        /// An iterator that knows its length. A malformed case ends it early; the tests of this
        /// crate hold that none of the committed ones is.
        #[derive(Clone, Debug)]
        pub struct $name<'a>(Reader<'a>);

        impl<'a> $name<'a> {
            /// Reads a set laid out as the module says.
            ///
            /// # Errors
            ///
            /// [`FormatError`] when the magic bytes or the case count are missing.
            pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, FormatError> {
                Reader::open(bytes, $magic).map(Self)
            }
        }

        impl<'a> Iterator for $name<'a> {
            type Item = $case<'a>;

            fn next(&mut self) -> Option<$case<'a>> {
                self.0.next_case($case::read)
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                (self.0.remaining(), Some(self.0.remaining()))
            }
        }

        impl ExactSizeIterator for $name<'_> {}
    };
}

cases!(OnnxCases, OnnxCase, b"CVO1", "The cases of an ONNX set.");
cases!(
    QuantisedCases,
    QuantisedCase,
    b"CVQ1",
    "The cases of a quantised set."
);
