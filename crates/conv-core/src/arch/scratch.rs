//! Scratch memory of a layer: types of constant size. Columns come first, then the starts of a transposed layer.

use crate::arch::{CELL_BYTES, START_BYTES};

/// Memory that a layer needs while it runs, beside input and output. What it holds is neither read nor kept.
///
/// Either the layer's own type, which [`QuantLayer::scratch`](crate::quantised::QuantLayer::scratch) makes, or an array of
/// words `[u32; N]` that several layers share: one that is too short does not compile. Sealed.
pub trait Scratch: sealed::Sealed {
    /// Its size.
    const BYTES: usize;
    /// A value to start with.
    const NEW: Self;
}

mod sealed {
    pub trait Sealed {}
}

/// No scratch.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoScratch;

impl sealed::Sealed for NoScratch {}
impl Scratch for NoScratch {
    const BYTES: usize = 0;
    const NEW: Self = Self;
}

impl<const N: usize> sealed::Sealed for [u32; N] {}
impl<const N: usize> Scratch for [u32; N] {
    const BYTES: usize = 4 * N;
    const NEW: Self = [0; N];
}

/// Of a direct layer: columns, up to 4 bytes for each weight of an output channel and for three more.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct ColumnScratch<const CI: usize, const KW: usize, const KH: usize> {
    columns: [[[[u8; CELL_BYTES]; CI]; KW]; KH],
    rounding: [[u8; CELL_BYTES]; 3],
}

/// Of a transposed layer: columns likewise, and up to 8 bytes for each output channel.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(4))]
pub struct PhaseScratch<const CI: usize, const KW: usize, const KH: usize, const CO: usize> {
    columns: [[[[u8; CELL_BYTES]; CI]; KW]; KH],
    rounding: [[u8; CELL_BYTES]; 3],
    starts: [[u8; START_BYTES]; CO],
}

impl<const CI: usize, const KW: usize, const KH: usize> sealed::Sealed
    for ColumnScratch<CI, KW, KH>
{
}
impl<const CI: usize, const KW: usize, const KH: usize> Scratch for ColumnScratch<CI, KW, KH> {
    const BYTES: usize = size_of::<Self>();
    const NEW: Self = Self {
        columns: [[[[0; CELL_BYTES]; CI]; KW]; KH],
        rounding: [[0; CELL_BYTES]; 3],
    };
}

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize> sealed::Sealed
    for PhaseScratch<CI, KW, KH, CO>
{
}
impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize> Scratch
    for PhaseScratch<CI, KW, KH, CO>
{
    const BYTES: usize = size_of::<Self>();
    const NEW: Self = Self {
        columns: [[[[0; CELL_BYTES]; CI]; KW]; KH],
        rounding: [[0; CELL_BYTES]; 3],
        starts: [[0; START_BYTES]; CO],
    };
}

/// A scratch as a layer sees it.
#[cfg(not(conv_arch = "portable"))]
pub(crate) struct Region<'a> {
    /// Aligned to 4, unless it is empty.
    pub(super) start: *mut u8,
    pub(super) bytes: usize,
    scratch: core::marker::PhantomData<&'a mut u8>,
}

#[cfg(not(conv_arch = "portable"))]
impl<'a> Region<'a> {
    pub(crate) fn of<S: Scratch>(scratch: &'a mut S) -> Self {
        Self {
            start: (&raw mut *scratch).cast(),
            bytes: S::BYTES,
            scratch: core::marker::PhantomData,
        }
    }

    pub(crate) fn of_words(scratch: &'a mut [u32]) -> Self {
        Self {
            start: scratch.as_mut_ptr().cast(),
            bytes: size_of_val(scratch),
            scratch: core::marker::PhantomData,
        }
    }
}
