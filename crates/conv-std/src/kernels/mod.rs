//! The one seam where speed lives: register blocks behind a table of functions for each element pair and SIMD
//! level. The only unsafe code of this crate.
//!
//! A [`Table`] is handed out only for a level that this CPU has, and its methods check every index that the
//! block can reach before they call it, so that everything outside this module is safe code.
#![allow(unsafe_code)]

mod generic;

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use conv_core::element::{Element, Multiply};

use generic::{Fusing, Product, Rounding};
pub(crate) use generic::{Gather, LANES, Order, Sum, Tap, Taps};

use crate::products::Products;

/// Instruction sets that kernels are compiled for.
///
/// Every level gives the same bits. A plan takes the best that the CPU has; [`Builder::simd`] forces one, for
/// tests and comparisons.
///
/// [`Builder::simd`]: crate::Builder::simd
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SimdLevel {
    /// What every CPU of the target has: SSE2 on x86-64.
    Portable,
    /// aarch64's 128-bit vectors.
    Neon,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl SimdLevel {
    /// Every level, the least first.
    pub const ALL: [Self; 4] = [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512];

    /// Whether this CPU has the level.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Neon => cfg!(target_arch = "aarch64"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// The levels that this CPU has, the least first.
    ///
    /// ```
    /// use conv_std::SimdLevel;
    /// assert_eq!(SimdLevel::available().next(), Some(SimdLevel::Portable));
    /// ```
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|level| level.is_available())
    }

    /// The best level that this CPU has.
    #[must_use]
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }
}

impl core::fmt::Display for SimdLevel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Neon => "NEON",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        })
    }
}

/// Output channels of a wide block.
pub(crate) const WIDE: usize = 32;

type Block<T, W, A> = unsafe fn(&Gather<'_, T, W>, usize, &mut [A]);
type PixelBlock<T, W, A> = unsafe fn(&Gather<'_, T, W>, usize, usize, usize, &mut [A]);

type Transpose<A> = unsafe fn(&[A], usize, usize, &mut [A]);

/// The kernels of one element pair at one SIMD level.
///
/// Invariant: the functions need no CPU feature that this CPU lacks. [`Dispatch::table`] holds it.
#[derive(Debug)]
pub struct Table<T, W, A> {
    channel: Block<T, W, A>,
    /// The same for [`WIDE`] output channels, where the level has registers for them.
    wide: Option<Block<T, W, A>>,
    /// Runs of a multiple of so many outputs leave no short block of `channel` and `wide`.
    together: usize,
    transpose: Option<Transpose<A>>,
    pixel: PixelBlock<T, W, A>,
    depthwise: Block<T, W, A>,
}

/// Lowest and highest offset that `steps` strides of `step` reach, both included.
fn reach(step: isize, steps: usize) -> Option<(isize, isize)> {
    let end = step.checked_mul(isize::try_from(steps.checked_sub(1)?).ok()?)?;
    Some((end.min(0), end.max(0)))
}

impl<T: Element, W: Element> Gather<'_, T, W> {
    /// Whether every source element lies in the source, when each read is `width` elements wide, and every row of
    /// `lanes` weights in the weights, also `further` weights on.
    fn is_within(&self, pixels: usize, width: usize, lanes: usize, further: usize) -> bool {
        let (least, greatest, row) = self.taps.bounds();
        let bounds = || {
            let (pixel_low, pixel_high) = reach(self.pixel, pixels)?;
            let (channel_low, channel_high) = reach(self.channel, self.channels)?;
            let low = self.base.checked_add(least)?.checked_add(pixel_low)?;
            let high = self.base.checked_add(greatest)?.checked_add(pixel_high)?;
            let low = low.checked_add(channel_low)?;
            let high = high
                .checked_add(channel_high)?
                .checked_add_unsigned(width)?;
            let before = self
                .channels
                .checked_sub(1)?
                .checked_div(self.order.block)?;
            let rows = before.checked_mul(self.block_rows)?;
            let rows = rows.checked_add(row)?;
            let rows = rows.checked_add(self.order.block.min(self.channels))?;
            let weights = rows.checked_mul(lanes)?.checked_add(further)?;
            let is_inside = low >= 0 && high <= self.source.len() as isize;
            Some(self.order.fold > 0 && is_inside && weights <= self.weights.len())
        };
        bounds().unwrap_or(false)
    }
}

impl<T: Element, W: Element, A: Element> Table<T, W, A> {
    /// Most output channels of a block of [`channel_lanes`](Self::channel_lanes).
    pub(crate) const fn lanes(&self) -> usize {
        match self.wide {
            Some(_) => WIDE,
            None => LANES,
        }
    }

    /// Outputs for which [`channel_lanes`](Self::channel_lanes) is best asked at a time: a multiple of so many.
    pub(crate) const fn together(&self) -> usize {
        self.together
    }

    /// `tile[pixel][lane] += Σ source · weight` for `lanes` output channels, 16 or [`lanes`](Self::lanes). Weights are
    /// `[block][tap][channel][lane]`.
    pub(crate) fn channel_lanes(
        &self,
        gather: &Gather<'_, T, W>,
        lanes: usize,
        pixels: usize,
        tile: &mut [A],
    ) {
        if gather.taps.is_empty() || pixels == 0 {
            return;
        }
        let within = gather.is_within(pixels, 1, lanes, 0) && tile.len() / lanes >= pixels;
        let block = match (lanes, self.wide) {
            (LANES, _) => self.channel,
            (WIDE, Some(wide)) => wide,
            _ => return debug_assert!(false, "lanes that the table has not"),
        };
        debug_assert!(within, "a tap outside its buffer");
        if within {
            // SAFETY: just checked; the level is available by the table's invariant.
            unsafe { block(gather, pixels, tile) }
        }
    }

    /// Whether [`transpose`](Self::transpose) has something for so many pixels.
    pub(crate) const fn transposes(&self, pixels: usize) -> bool {
        self.transpose.is_some() && pixels >= 8
    }

    /// `to[lane][pixel] = from[pixel][lane]` for at least 8 pixels of 16 or 32 lanes, where the level is faster at it
    /// than a loop; says whether it did it.
    pub(crate) fn transpose(&self, from: &[A], pixels: usize, lanes: usize, to: &mut [A]) -> bool {
        let elements = pixels.saturating_mul(lanes);
        match self.transpose {
            Some(transpose)
                if pixels >= 8
                    && lanes.is_multiple_of(8)
                    && from.len().min(to.len()) >= elements =>
            {
                // SAFETY: just checked; the level is available by the table's invariant.
                unsafe { transpose(from, pixels, lanes, to) };
                true
            }
            _ => false,
        }
    }

    /// `tile[sink][pixel] = Σ source · weight` for 1 to 4 output channels. Weights are
    /// `[sink][block][tap][channel]`.
    pub(crate) fn pixel_lanes(
        &self,
        gather: &Gather<'_, T, W>,
        sinks: usize,
        sink_step: usize,
        pixels: usize,
        tile: &mut [A],
    ) {
        let tile = &mut tile[..sinks * pixels];
        if gather.taps.is_empty() || pixels == 0 || !(1..=4).contains(&sinks) {
            tile.fill(A::ZERO);
            return;
        }
        let within = gather.is_within(pixels, 1, 1, (sinks - 1).saturating_mul(sink_step));
        debug_assert!(within, "a tap outside its buffer");
        if within {
            // SAFETY: just checked; the level is available by the table's invariant.
            unsafe { (self.pixel)(gather, sinks, sink_step, pixels, tile) }
        }
    }

    /// `tile[pixel][lane] = Σ source[lane] · weight[lane]` for 16 channels. Weights are `[tap][16]`.
    pub(crate) fn depthwise_lanes(&self, gather: &Gather<'_, T, W>, pixels: usize, tile: &mut [A]) {
        let tile = &mut tile[..LANES * pixels];
        if gather.taps.is_empty() || pixels == 0 {
            tile.fill(A::ZERO);
            return;
        }
        let within = gather.is_within(pixels, LANES, LANES, 0);
        debug_assert!(within, "a tap outside its buffer");
        if within {
            // SAFETY: just checked; the level is available by the table's invariant.
            unsafe { (self.depthwise)(gather, pixels, tile) }
        }
    }
}

/// Element pairs with kernels. Implemented for every pair of [`conv_core::element`].
pub trait Dispatch<W: Element, A: Sum>: Multiply<W, A> {
    /// The kernels of a level, if this CPU has it.
    fn table(level: SimdLevel, products: Products) -> Option<&'static Table<Self, W, A>>;
}

mod portable {
    //! What the base instruction set gives: accumulators sized for 16 registers of 16 bytes.

    use super::generic;
    use super::{Element, Gather, Product, Sum};

    /// Bytes of accumulators held in registers.
    const BUDGET: usize = 192;

    /// # Safety
    ///
    /// As [`generic::channel_lanes`].
    pub(super) unsafe fn channel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
        gather: &Gather<'_, T, W>,
        pixels: usize,
        tile: &mut [A],
    ) {
        // SAFETY: the caller's promise, unchanged.
        unsafe { generic::channel_lanes::<M, T, W, A, BUDGET>(gather, pixels, tile) }
    }

    /// # Safety
    ///
    /// As [`generic::pixel_lanes`].
    pub(super) unsafe fn pixel_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
        gather: &Gather<'_, T, W>,
        sinks: usize,
        sink_step: usize,
        pixels: usize,
        tile: &mut [A],
    ) {
        // SAFETY: the caller's promise, unchanged.
        unsafe {
            generic::pixel_lanes::<M, T, W, A, BUDGET>(gather, sinks, sink_step, pixels, tile);
        }
    }

    /// # Safety
    ///
    /// As [`generic::depthwise_lanes`].
    pub(super) unsafe fn depthwise_lanes<M: Product<T, W, A>, T: Element, W: Element, A: Sum>(
        gather: &Gather<'_, T, W>,
        pixels: usize,
        tile: &mut [A],
    ) {
        // SAFETY: the caller's promise, unchanged.
        unsafe { generic::depthwise_lanes::<M, T, W, A, BUDGET>(gather, pixels, tile) }
    }
}

/// A level's functions as a table.
macro_rules! table {
    ($product:ty, $($level:ident)::+) => {
        Table {
            channel: $($level)::+::channel_lanes::<$product, _, _, _>,
            wide: None,
            together: 12,
            transpose: None,
            pixel: $($level)::+::pixel_lanes::<$product, _, _, _>,
            depthwise: $($level)::+::depthwise_lanes::<$product, _, _, _>,
        }
    };
}

/// The tables are statics of this crate: kernels are compiled here, with this crate's optimisation, and not in
/// every crate that uses them.
///
/// Each pair names how its products are added where they may be fused, and the functions of its AVX2 and its AVX-512
/// table. Wide accumulators gain nothing from the wider level: those tables name the functions of the narrower one,
/// which such a CPU has too.
macro_rules! dispatch {
    ($($input:ty, $kernel:ty => $accumulator:ty: $fused:ty, $($avx2:ident)::+, $($avx512:ident)::+);* $(;)?) => {$(
        dispatch! {
            $input, $kernel => $accumulator:
            table!(Rounding, portable), table!($fused, portable);
            table!(Rounding, $($avx2)::+), table!($fused, $($avx2)::+);
            table!(Rounding, $($avx512)::+), table!($fused, $($avx512)::+);
            $fused
        }
    )*};
    ($input:ty, $kernel:ty => $accumulator:ty:
     $portable:expr, $portable_fused:expr; $avx2:expr, $avx2_fused:expr; $avx512:expr, $avx512_fused:expr;
     $fused:ty) => {
        impl Dispatch<$kernel, $accumulator> for $input {
            fn table(
                level: SimdLevel,
                products: Products,
            ) -> Option<&'static Table<Self, $kernel, $accumulator>> {
                /// Of products that are rounded, and of others.
                type Tables = [Table<$input, $kernel, $accumulator>; 2];
                static PORTABLE: Tables = [$portable, $portable_fused];
                #[cfg(target_arch = "aarch64")]
                static NEON: Tables = [table!(Rounding, aarch64), table!($fused, aarch64)];
                #[cfg(target_arch = "x86_64")]
                static AVX2: Tables = [$avx2, $avx2_fused];
                #[cfg(target_arch = "x86_64")]
                static AVX512: Tables = [$avx512, $avx512_fused];

                if !level.is_available() {
                    return None;
                }
                let tables = match level {
                    SimdLevel::Portable => &PORTABLE,
                    #[cfg(target_arch = "aarch64")]
                    SimdLevel::Neon => &NEON,
                    #[cfg(target_arch = "x86_64")]
                    SimdLevel::Avx2 => &AVX2,
                    #[cfg(target_arch = "x86_64")]
                    SimdLevel::Avx512 => &AVX512,
                    #[allow(unreachable_patterns)]
                    _ => return None,
                };
                Some(&tables[usize::from(products != Products::Rounded)])
            }
        }
    };
}
dispatch! {
    i8, i8 => i32: Rounding, x86_64::avx2, x86_64::avx512;
    i8, i8 => i64: Rounding, x86_64::avx2, x86_64::avx2;
    u8, i8 => i32: Rounding, x86_64::avx2, x86_64::avx512;
    u8, i8 => i64: Rounding, x86_64::avx2, x86_64::avx2;
    i16, i8 => i32: Rounding, x86_64::avx2, x86_64::avx512;
    i16, i8 => i64: Rounding, x86_64::avx2, x86_64::avx2;
    i16, i16 => i64: Rounding, x86_64::avx2, x86_64::avx2;
    i32, i32 => i64: Rounding, x86_64::avx2, x86_64::avx2;
    i32, i32 => i128: Rounding, portable, portable;
    f64, f64 => f64: Fusing, x86_64::avx2, x86_64::avx512;
}
dispatch! {
    f32, f32 => f32:
    table!(Rounding, portable), table!(Fusing, portable);
    table!(Rounding, x86_64::avx2),
    Table {
        channel: x86_64::dense::avx2,
        together: 6,
        transpose: Some(x86_64::dense::transpose),
        ..table!(Fusing, x86_64::avx2)
    };
    table!(Rounding, x86_64::avx512),
    Table {
        channel: x86_64::dense::avx512,
        wide: Some(x86_64::dense::avx512_wide),
        together: 14,
        transpose: Some(x86_64::dense::transpose),
        ..table!(Fusing, x86_64::avx512)
    };
    Fusing
}
