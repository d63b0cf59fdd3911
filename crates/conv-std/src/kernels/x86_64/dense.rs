//! Dense `f32` layers of fused products: 32 output channels in two registers of 16 or 16 in two of 8, times up to 14
//! or 6 outputs.
//!
//! What [`generic::channel_lanes`](super::generic::channel_lanes) computes, to the bit. Here the outputs are unrolled in
//! source: LLVM leaves a loop over more than a dozen of them rolled, with the accumulators in memory. Addresses are three
//! bases and multiples of the distance that an x86 address can scale.

use core::arch::x86_64::{
    __m256, __m512, _mm256_add_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_permute2f128_ps,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_shuffle_ps, _mm256_storeu_ps, _mm256_unpackhi_ps,
    _mm256_unpacklo_ps, _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::generic::Gather;

/// A register of `f32` lanes.
///
/// # Safety
///
/// Every function needs the CPU features of its register; pointers lead to [`LANES`](Self::LANES) numbers.
trait Register: Copy {
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn plus(self, other: Self) -> Self;
    /// `self + input·kernel`, rounded once.
    unsafe fn multiply_add(self, input: Self, kernel: Self) -> Self;
}

macro_rules! register {
    ($register:ty, $lanes:literal: $zero:ident, $splat:ident, $load:ident, $store:ident, $add:ident, $fma:ident) => {
        impl Register for $register {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the features of the trait's contract.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(value: f32) -> Self {
                // SAFETY: the features of the trait's contract.
                unsafe { $splat(value) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: features and pointer of the trait's contract.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: features and pointer of the trait's contract.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: the features of the trait's contract.
                unsafe { $add(self, other) }
            }
            #[inline(always)]
            unsafe fn multiply_add(self, input: Self, kernel: Self) -> Self {
                // SAFETY: the features of the trait's contract.
                unsafe { $fma(input, kernel, self) }
            }
        }
    };
}
register!(__m256, 8: _mm256_setzero_ps, _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_add_ps, _mm256_fmadd_ps);
register!(__m512, 16: _mm512_setzero_ps, _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_add_ps, _mm512_fmadd_ps);

/// `$body` for each constant `$index` below `$count`, unrolled.
macro_rules! unrolled {
    ($index:ident < $count:expr, $body:block) => {
        unrolled!(@ $index $count; $body; 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $index:ident $count:expr; $body:block; $($number:literal)*) => {{
        $(if $number < $count {
            #[allow(non_upper_case_globals)]
            const $index: usize = $number;
            $body
        })*
    }};
}

/// Where the outputs of a block read: output `q` at `bases[q / 5]` and `q % 5` distances on.
#[derive(Clone, Copy)]
struct Places {
    bases: [*const u8; 3],
    /// Bytes from one output's input to the next one's, and three times that.
    distance: isize,
    triple: isize,
}

impl Places {
    #[inline(always)]
    fn new(start: *const f32, pixel: isize) -> Self {
        let start = start.cast::<u8>();
        let distance = pixel.wrapping_mul(size_of::<f32>() as isize);
        Self {
            bases: [0, 5, 10].map(|q: isize| start.wrapping_offset(distance.wrapping_mul(q))),
            distance,
            triple: distance.wrapping_mul(3),
        }
    }

    #[inline(always)]
    fn advanced(self, elements: isize) -> Self {
        let bytes = elements.wrapping_mul(size_of::<f32>() as isize);
        Self {
            bases: self.bases.map(|base| base.wrapping_offset(bytes)),
            ..self
        }
    }

    /// Where output `q` reads; `UNIT` where neighbours read neighbours.
    #[inline(always)]
    fn of<const UNIT: bool>(&self, q: usize) -> *const f32 {
        if UNIT {
            return self.bases[0].cast::<f32>().wrapping_add(q);
        }
        let base = self.bases[q / 5];
        let place = match q % 5 {
            0 => base,
            1 => base.wrapping_offset(self.distance),
            2 => base.wrapping_offset(self.distance.wrapping_mul(2)),
            3 => base.wrapping_offset(self.triple),
            _ => base.wrapping_offset(self.distance.wrapping_mul(4)),
        };
        place.cast()
    }
}

/// The block of outputs `first..first + P`: `tile[output][lane]`.
///
/// # Safety
///
/// As [`generic::channel_lanes`](super::generic::channel_lanes) for these outputs and rows of `N` registers, on a CPU with
/// the features of `R`; `UNIT` only where `gather.pixel` is 1.
#[inline(always)]
unsafe fn block<R: Register, const N: usize, const P: usize, const UNIT: bool>(
    gather: &Gather<'_, f32, f32>,
    first: usize,
    tile: &mut [f32],
) {
    let lanes = N * R::LANES;
    let tile = tile[..P * lanes].as_mut_ptr();
    let start = gather.start(first);
    for part in gather.partial_sums() {
        let is_first = part.start == 0;
        // SAFETY: the features are the caller's promise; `tile` has `P` rows of `N` registers.
        unsafe {
            let mut sums = [[R::zero(); N]; P];
            if is_first {
                unrolled!(q < P, {
                    for (v, sum) in sums[q].iter_mut().enumerate() {
                        *sum = R::load(tile.add(q * lanes + v * R::LANES));
                    }
                });
            }
            for (channel, count, row) in gather.blocks(part) {
                let from = start.wrapping_offset(gather.channel.wrapping_mul(channel as isize));
                for tap in gather.taps.iter() {
                    let mut places = Places::new(from.wrapping_offset(tap.offset), gather.pixel);
                    let mut weight = gather
                        .weights
                        .as_ptr()
                        .wrapping_add((row + tap.row) * lanes);
                    for _ in 0..count {
                        // SAFETY: the row is in the weights, and each output's element of this channel in the
                        // source, by the caller's promise.
                        let mut factors = [R::zero(); N];
                        for (v, factor) in factors.iter_mut().enumerate() {
                            *factor = R::load(weight.wrapping_add(v * R::LANES));
                        }
                        unrolled!(q < P, {
                            let value = R::splat(places.of::<UNIT>(q).read());
                            for (sum, factor) in sums[q].iter_mut().zip(factors) {
                                *sum = sum.multiply_add(value, factor);
                            }
                        });
                        places = places.advanced(gather.channel);
                        weight = weight.wrapping_add(lanes);
                    }
                }
            }
            unrolled!(q < P, {
                for (v, sum) in sums[q].into_iter().enumerate() {
                    let place = tile.add(q * lanes + v * R::LANES);
                    let sum = if is_first {
                        sum
                    } else {
                        R::load(place).plus(sum)
                    };
                    sum.store(place);
                }
            });
        }
    }
}

/// All outputs, in blocks of nearly equal size: 16 are 8 + 8, not 14 + 2.
macro_rules! level {
    ($(#[$doc:meta])* $name:ident, $features:literal, $register:ty, $registers:literal, $most:literal: $($outputs:literal)*) => {
        $(#[$doc])*
        ///
        /// # Safety
        ///
        /// As [`generic::channel_lanes`](super::generic::channel_lanes) with rows of this level's lanes, on a CPU with its
        /// features.
        #[target_feature(enable = $features)]
        pub(crate) unsafe fn $name(
            gather: &Gather<'_, f32, f32>,
            pixels: usize,
            tile: &mut [f32],
        ) {
            const LANES: usize = $registers * <$register as Register>::LANES;
            let blocks = pixels.div_ceil($most);
            let mut first = 0;
            for index in 0..blocks {
                let count = (pixels - first).div_ceil(blocks - index);
                let part = &mut tile[first * LANES..][..count * LANES];
                // SAFETY: outputs first..first + count are among the caller's, `part` has their sums, and the branch
                // looks at the distance.
                unsafe {
                    match (count, gather.pixel == 1) {
                        $(
                            ($outputs, true) => block::<$register, $registers, $outputs, true>(gather, first, part),
                            ($outputs, false) => block::<$register, $registers, $outputs, false>(gather, first, part),
                        )*
                        // 1 ≤ count ≤ most: nothing is left.
                        _ => {}
                    }
                }
                first += count;
            }
        }
    };
}
level! {
    /// AVX2 and FMA, 16 lanes.
    avx2, "avx2,fma", __m256, 2, 6: 1 2 3 4 5 6
}
level! {
    /// AVX-512, 16 lanes.
    avx512, "avx2,fma,avx512f", __m512, 1, 14: 1 2 3 4 5 6 7 8 9 10 11 12 13 14
}
level! {
    /// AVX-512, 32 lanes.
    avx512_wide, "avx2,fma,avx512f", __m512, 2, 14: 1 2 3 4 5 6 7 8 9 10 11 12 13 14
}

/// `to[lane][pixel] = from[pixel][lane]`, 8 by 8; where fewer are left the last block moves back.
///
/// # Safety
///
/// On a CPU with AVX2. `lanes` is a multiple of 8 and `pixels` at least 8; both slices have `pixels·lanes` elements.
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn transpose(from: &[f32], pixels: usize, lanes: usize, to: &mut [f32]) {
    let (from, to) = (from.as_ptr(), to.as_mut_ptr());
    for lane in (0..lanes).step_by(8) {
        for pixel in (0..pixels).step_by(8) {
            let pixel = pixel.min(pixels - 8);
            // SAFETY: pixels pixel..pixel + 8 and lanes lane..lane + 8 exist, by the caller's promise.
            unsafe {
                let rows = [0, 1, 2, 3, 4, 5, 6, 7]
                    .map(|row| _mm256_loadu_ps(from.add((pixel + row) * lanes + lane)));
                for (row, values) in transposed(rows).into_iter().enumerate() {
                    _mm256_storeu_ps(to.add((lane + row) * pixels + pixel), values);
                }
            }
        }
    }
}

/// Columns of 8 rows, by pairs, fours and halves.
#[inline]
#[target_feature(enable = "avx2")]
fn transposed(rows: [__m256; 8]) -> [__m256; 8] {
    let [a, b, c, d, e, f, g, h] = rows;
    let fours = |a, b, c, d| {
        let low = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        let high = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        [
            _mm256_shuffle_ps::<0x44>(low.0, low.1),
            _mm256_shuffle_ps::<0xee>(low.0, low.1),
            _mm256_shuffle_ps::<0x44>(high.0, high.1),
            _mm256_shuffle_ps::<0xee>(high.0, high.1),
        ]
    };
    let (first, last) = (fours(a, b, c, d), fours(e, f, g, h));
    let low = |i: usize| _mm256_permute2f128_ps::<0x20>(first[i], last[i]);
    let high = |i: usize| _mm256_permute2f128_ps::<0x31>(first[i], last[i]);
    [
        low(0),
        low(1),
        low(2),
        low(3),
        high(0),
        high(1),
        high(2),
        high(3),
    ]
}
