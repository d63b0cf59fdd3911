//! FNV-1a, 64 bits: what outputs are committed as.
//!
//! ```
//! use conv_vectors::hash::Hash;
//!
//! let mut hash = Hash::new();
//! assert_eq!(hash.finish(), 0xcbf2_9ce4_8422_2325);
//! hash.write(b"a");
//! assert_eq!(hash.finish(), 0xaf63_dc4c_8601_ec8c);
//! ```

/// The 64-bit FNV-1a hash of the bytes written so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

impl Hash {
    /// The hash of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds bytes.
    #[inline(never)]
    pub fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// The hash so far.
    #[must_use]
    pub const fn finish(self) -> u64 {
        self.0
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}
