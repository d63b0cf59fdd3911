//! Which golden cases fit the smallest board, beside its stack: the same ones on every target.

/// The largest input of one image, in elements.
pub(crate) const INPUT: usize = 512;
/// The largest kernel.
pub(crate) const KERNEL: usize = 512;
/// The largest output of one image.
pub(crate) const OUTPUT: usize = 512;
/// The most channels of an output with a bias.
pub(crate) const CHANNELS: usize = 16;
