//! The bytes of a set, cut into cases and values.

use core::fmt;
use core::ops::Deref;

/// Why the bytes are not a set of cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatError;

impl fmt::Display for FormatError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the bytes do not begin with this set's magic and case count")
    }
}

impl core::error::Error for FormatError {}

/// Why values could not be copied into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongFit {
    /// The buffer holds another number of values.
    Length {
        /// How many values there are.
        expected: usize,
        /// How many the buffer holds.
        found: usize,
    },
    /// The value at this index is outside the buffer's element type.
    Value {
        /// Where it is.
        index: usize,
    },
}

impl fmt::Display for WrongFit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { expected, found } => {
                write!(
                    formatter,
                    "expected a buffer of {expected} values, found {found}"
                )
            }
            Self::Value { index } => {
                write!(formatter, "value {index} does not fit the element type")
            }
        }
    }
}

impl core::error::Error for WrongFit {}

/// One value per axis (at most five, batch and channels included); reads as a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerAxis<T> {
    values: [T; 5],
    axes: usize,
}

impl<T: Copy + Default> PerAxis<T> {
    /// `axes` default values; `None` when there are more than five.
    pub(crate) fn new(axes: usize) -> Option<Self> {
        (axes <= 5).then(|| Self {
            values: [T::default(); 5],
            axes,
        })
    }

    pub(crate) fn as_mut(&mut self) -> &mut [T] {
        self.values.get_mut(..self.axes).unwrap_or_default()
    }
}

impl<T> Deref for PerAxis<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.values.get(..self.axes).unwrap_or_default()
    }
}

/// How the values of a block are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    I4,
    I8,
    I16,
    I32,
    F32,
}

impl Encoding {
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::I4,
            1 => Self::I8,
            2 => Self::I16,
            3 => Self::I32,
            4 => Self::F32,
            _ => return None,
        })
    }

    fn bytes(self, count: usize) -> Option<usize> {
        match self {
            Self::I4 => Some(count.div_ceil(2)),
            Self::I8 => Some(count),
            Self::I16 => count.checked_mul(2),
            Self::I32 | Self::F32 => count.checked_mul(4),
        }
    }
}

/// A run of encoded values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    encoding: Encoding,
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Block<'a> {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    fn word<const N: usize>(&self, index: usize) -> Option<[u8; N]> {
        let begin = index.checked_mul(N)?;
        self.bytes.get(begin..)?.first_chunk().copied()
    }

    /// The value at `index` as an integer; `None` past the end and for a float block.
    pub(crate) fn integer(&self, index: usize) -> Option<i32> {
        if index >= self.count {
            return None;
        }
        match self.encoding {
            Encoding::I4 => {
                let byte = *self.bytes.get(index / 2)? as i8;
                // The low nibble is moved up first, so that the shift down copies its sign.
                let high = if index.is_multiple_of(2) {
                    byte << 4
                } else {
                    byte
                };
                Some(i32::from(high >> 4))
            }
            Encoding::I8 => Some(i32::from(*self.bytes.get(index)? as i8)),
            Encoding::I16 => self.word(index).map(i16::from_le_bytes).map(i32::from),
            Encoding::I32 => self.word(index).map(i32::from_le_bytes),
            Encoding::F32 => None,
        }
    }

    /// The value at `index` as a float; exact, because the writer only narrows what converts back.
    pub(crate) fn float(&self, index: usize) -> Option<f32> {
        match self.encoding {
            Encoding::F32 if index < self.count => self.word(index).map(f32::from_le_bytes),
            Encoding::F32 => None,
            _ => self.integer(index).map(|value| value as f32),
        }
    }
}

/// A cursor over the bytes of a set or of one case. Every read past the end is `None`.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    cases: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const EMPTY: Self = Reader {
        bytes: &[],
        cases: 0,
    };

    pub(crate) fn open(bytes: &'a [u8], magic: &[u8; 4]) -> Result<Self, FormatError> {
        let mut reader = Reader { bytes, cases: 0 };
        if reader.take(4) != Some(magic) {
            return Err(FormatError);
        }
        reader.cases = usize::from(reader.u16().ok_or(FormatError)?);
        Ok(reader)
    }

    pub(crate) fn remaining(&self) -> usize {
        self.cases
    }

    pub(crate) fn next_case<C>(
        &mut self,
        read: impl Fn(&mut Reader<'a>) -> Option<C>,
    ) -> Option<C> {
        self.cases = self.cases.checked_sub(1)?;
        let length = self.u32()?;
        let bytes = self.take(length)?;
        let case = read(&mut Reader { bytes, cases: 0 });
        if case.is_none() {
            self.cases = 0;
        }
        case
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn word<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (word, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*word)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.word().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.word().map(u16::from_le_bytes)
    }

    pub(crate) fn i16(&mut self) -> Option<i16> {
        self.word().map(i16::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Option<i32> {
        self.word().map(i32::from_le_bytes)
    }

    fn u32(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.word()?)).ok()
    }

    pub(crate) fn extents<const N: usize>(&mut self) -> Option<[usize; N]> {
        let mut values = [0; N];
        for value in &mut values {
            *value = usize::from(self.u16()?);
        }
        Some(values)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.u8()?;
        core::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    pub(crate) fn block(&mut self) -> Option<Block<'a>> {
        let encoding = Encoding::from_code(self.u8()?)?;
        let count = self.u32()?;
        let bytes = self.take(encoding.bytes(count)?)?;
        Some(Block {
            encoding,
            count,
            bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nibbles_come_low_first_and_keep_their_sign() {
        let block = Block {
            encoding: Encoding::I4,
            count: 3,
            bytes: &[0x78, 0x0f],
        };
        assert_eq!(block.integer(0), Some(-8));
        assert_eq!(block.integer(1), Some(7));
        assert_eq!(block.integer(2), Some(-1));
        assert_eq!(block.integer(3), None);
        assert_eq!(block.float(2), Some(-1.0));
    }

    #[test]
    fn malformed_bytes_are_an_error_or_an_early_end() {
        assert_eq!(Reader::open(b"CVQ1", b"CVO1").unwrap_err(), FormatError);
        assert_eq!(Reader::open(b"CVO1\x01", b"CVO1").unwrap_err(), FormatError);
        let cut = b"CVO1\x02\x00\xff\x00\x00\x00abc";
        let mut reader = Reader::open(cut, b"CVO1").unwrap();
        assert_eq!(reader.next_case(|case| case.u8()), None);
        let block = Reader {
            bytes: &[3, 255, 255, 255, 255, 0],
            cases: 0,
        }
        .block();
        assert!(block.is_none());
    }
}
