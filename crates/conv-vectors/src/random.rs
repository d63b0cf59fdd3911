//! A tiny deterministic generator, for tests and for firmware that makes its own input.
//!
//! `s = s·1664525 + 1013904223 (mod 2³²)`, of which values take the upper bits: the lower ones of
//! such a generator repeat after a few steps. It is not for statistics or secrets.
//!
//! ```
//! use conv_vectors::random::{Lcg, Spread};
//!
//! let mut random = Lcg::new(1);
//! let image: [[i8; 4]; 4] = core::array::from_fn(|_| core::array::from_fn(|_| random.draw()));
//! assert_eq!(image[0], [60, 94, -127, -76]);
//!
//! let mut worst = Lcg::new(1).spread(Spread::Extremes);
//! let mut taps = [0i16; 64];
//! worst.fill(&mut taps);
//! assert!(taps.contains(&i16::MIN) && taps.contains(&i16::MAX));
//! ```

/// Which values a generator gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Every value of the type with equal chance. Floats are multiples of 2⁻⁴ in [−8, 8), so that
    /// every sum of up to 1024 of their products is exact in `f32` and has the same bits in any
    /// order.
    #[default]
    Uniform,
    /// Three in four are the lowest or the highest value of the type, so that products meet as
    /// MIN×MIN and MIN×MAX; the rest is uniform. Floats are ±8 then, and
    /// sums as exact as the uniform ones.
    Extremes,
    /// Integers as in [`Uniform`](Self::Uniform). Floats have a full mantissa, either sign and an
    /// exponent from −20 to 19, so that sums round and cancel.
    Full,
}

/// The generator.
#[derive(Clone, Debug)]
pub struct Lcg {
    state: u32,
    spread: Spread,
}

impl Lcg {
    /// A generator; equal seeds give equal values on every target.
    #[must_use]
    pub const fn new(seed: u32) -> Self {
        Self {
            state: seed,
            spread: Spread::Uniform,
        }
    }

    /// The same generator with another spread.
    #[must_use]
    pub const fn spread(mut self, spread: Spread) -> Self {
        self.spread = spread;
        self
    }

    /// The next state, all 32 bits. Of these the upper ones are the better ones.
    pub const fn next_u32(&mut self) -> u32 {
        self.state = self
            .state
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        self.state
    }

    /// A value below `limit`, 0 when `limit` is 0; from the upper 16 bits, so limits above 65536
    /// are not filled.
    pub const fn below(&mut self, limit: usize) -> usize {
        match (self.next_u32() >> 16).checked_rem(limit as u32) {
            Some(value) => value as usize,
            None => 0,
        }
    }

    /// The next value of a type, as the generator's [`Spread`] says.
    pub fn draw<T: Draw>(&mut self) -> T {
        T::draw(self)
    }

    /// Fills a buffer, front to back.
    pub fn fill<T: Draw>(&mut self, buffer: &mut [T]) {
        for place in buffer {
            *place = self.draw();
        }
    }
}

/// A type that [`Lcg::draw`] gives.
pub trait Draw: Sized {
    /// The next value.
    fn draw(random: &mut Lcg) -> Self;
}

/// Two fair-enough bits that choose an extreme, if the spread asks for them.
fn extreme<T>(random: &mut Lcg, low: T, high: T) -> Option<T> {
    if random.spread != Spread::Extremes {
        return None;
    }
    match random.next_u32() >> 30 {
        0 => Some(low),
        1 => Some(high),
        // MIN×MIN is the product that overflows first: it is the likeliest.
        2 => Some(low),
        _ => None,
    }
}

macro_rules! draw_integer {
    ($($integer:ident from $bits:literal),*) => {$(
        impl Draw for $integer {
            fn draw(random: &mut Lcg) -> Self {
                match extreme(random, Self::MIN, Self::MAX) {
                    Some(value) => value,
                    None => (random.next_u32() >> (32 - $bits)) as Self,
                }
            }
        }
    )*};
}

draw_integer!(i8 from 8, u8 from 8, i16 from 16, u16 from 16);

impl Draw for i32 {
    fn draw(random: &mut Lcg) -> Self {
        match extreme(random, Self::MIN, Self::MAX) {
            Some(value) => value,
            None => {
                let high = random.next_u32() & 0xffff_0000;
                (high | random.next_u32() >> 16) as Self
            }
        }
    }
}

impl Draw for i64 {
    fn draw(random: &mut Lcg) -> Self {
        match extreme(random, Self::MIN, Self::MAX) {
            Some(value) => value,
            None => {
                let high = i64::from(i32::draw(random)) << 32;
                high | i64::from(i32::draw(random) as u32)
            }
        }
    }
}

/// The upper 8 bits as a signed multiple of 2⁻⁴.
fn dyadic(random: &mut Lcg) -> f32 {
    ((random.next_u32() as i32) >> 24) as f32 / 16.0
}

/// A full mantissa, either sign, an exponent from −20 to 19.
fn full(random: &mut Lcg) -> f32 {
    let exponent = 127 - 20 + random.below(40) as u32;
    let rest = random.next_u32() >> 8;
    // 24 bits: the sign, then 23 of mantissa.
    f32::from_bits((rest >> 23) << 31 | exponent << 23 | rest & 0x7f_ffff)
}

impl Draw for f32 {
    fn draw(random: &mut Lcg) -> Self {
        match extreme(random, -8.0, 8.0) {
            Some(value) => value,
            None if random.spread == Spread::Full => full(random),
            None => dyadic(random),
        }
    }
}

impl Draw for f64 {
    /// As for `f32`; a full mantissa has 52 bits.
    fn draw(random: &mut Lcg) -> Self {
        match extreme(random, -8.0, 8.0) {
            Some(value) => value,
            None if random.spread == Spread::Full => {
                let high = f64::from(full(random));
                // Below the last bit of the 24-bit mantissa by at least one bit.
                let low = f64::from(dyadic(random)) / f64::from(1 << 29);
                high + high * low
            }
            None => f64::from(dyadic(random)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_states_are_the_recurrence() {
        let mut random = Lcg::new(1);
        assert_eq!(random.next_u32(), 1_015_568_748);
        let second = 1_015_568_748u32.wrapping_mul(1_664_525);
        assert_eq!(random.next_u32(), second.wrapping_add(1_013_904_223));
    }

    #[test]
    fn uniform_covers_the_whole_type() {
        let mut random = Lcg::new(7);
        let mut seen = [false; 256];
        for _ in 0..8192 {
            seen[usize::from(random.draw::<u8>())] = true;
        }
        assert!(seen.iter().all(|&seen| seen));
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn sums_of_uniform_float_products_are_exact() {
        for spread in [Spread::Uniform, Spread::Extremes] {
            let mut random = Lcg::new(3).spread(spread);
            let (mut narrow, mut wide) = (0.0f32, 0.0f64);
            for _ in 0..1024 {
                let [x, w]: [f32; 2] = [random.draw(), random.draw()];
                assert!((-8.0..=8.0).contains(&x));
                assert_eq!((x * 16.0) % 1.0, 0.0);
                narrow += x * w;
                wide += f64::from(x) * f64::from(w);
            }
            assert_eq!(f64::from(narrow), wide);
        }
        // The largest of them: 1024 · 8 · 8 in units of 2⁻⁸ is 2²⁴.
        assert_eq!(1024.0f32 * 64.0 * 256.0, (1 << 24) as f32);
    }

    #[test]
    fn full_floats_use_every_mantissa_bit() {
        let mut random = Lcg::new(3).spread(Spread::Full);
        let (mut ones, mut signs) = (0u32, [0; 2]);
        for _ in 0..1000 {
            let bits = random.draw::<f32>().to_bits();
            assert!((107..147).contains(&(bits >> 23 & 0xff)));
            ones |= bits & 0x7f_ffff;
            signs[(bits >> 31) as usize] += 1;
        }
        assert_eq!(ones, 0x7f_ffff);
        assert!(signs.iter().all(|&count| count > 400));
        let wide = (0..1000).map(|_| random.draw::<f64>().to_bits() & 0x1fff_ffff);
        assert!(wide.fold(0, |ones, bits| ones | bits) == 0x1fff_ffff);
    }

    #[test]
    fn extremes_meet_in_every_pair() {
        let mut random = Lcg::new(5).spread(Spread::Extremes);
        let mut pairs = [[0; 2]; 2];
        for _ in 0..1000 {
            let [a, b]: [i32; 2] = [random.draw(), random.draw()];
            if let (i32::MIN | i32::MAX, i32::MIN | i32::MAX) = (a, b) {
                pairs[usize::from(a > 0)][usize::from(b > 0)] += 1;
            }
        }
        assert!(pairs.iter().flatten().all(|&count| count > 10), "{pairs:?}");
    }
}
