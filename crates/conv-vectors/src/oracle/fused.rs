//! Sums of fused products in the order that conv-std documents, written down once more.

/// `Σ input · weight` of `products(tap, channel)` by `f32::mul_add`: channels in blocks of 8, in a block the taps `met`
/// as they come, in a tap the block's channels. After every 2 blocks, or 8 where the kernel has one tap, a partial sum
/// ends; the first is the sum so far, and each later one is added to it.
///
/// `kernel` is the number of the kernel's taps, met or not.
#[must_use]
pub fn fused(
    kernel: usize,
    met: &[usize],
    channels: usize,
    products: impl Fn(usize, usize) -> (f32, f32),
) -> f32 {
    let together = if kernel == 1 { 64 } else { 16 };
    let mut total = None;
    for part in 0..channels.div_ceil(together) {
        let (mut sum, end) = (0.0_f32, channels.min((part + 1) * together));
        for block in part * together / 8..end.div_ceil(8) {
            for tap in met {
                for channel in block * 8..end.min(block * 8 + 8) {
                    let (input, weight) = products(*tap, channel);
                    sum = input.mul_add(weight, sum);
                }
            }
        }
        total = Some(total.map_or(sum, |total: f32| total + sum));
    }
    total.unwrap_or(0.0)
}
