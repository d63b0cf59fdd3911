//! One memory of constant size for the feature maps of a network: when a map has been read for the last time, a later one takes
//! its place.
//!
//! ```text
//! element 0               768            1536            2304
//!         ├───── sum ─────┼──── first ────┼─── between ───┤   while the sum is computed from these
//!         ├───── sum ─────┼ deep ─┼─┤ pooled                  while these are computed from the sum
//! ```
//!
//! Which maps live together is a type, and everything else follows from it: [`Maps::PEAK`] is the least memory that
//! holds them, and [`Arena::place`] takes it apart into references to arrays. Of maps `A`, `B` and `C`:
//!
//! | type | meaning | peak |
//! |---|---|---|
//! | an array, `[T; N]`, `[[T; C]; N]` or `[[[T; C]; W]; H]` | one map | its elements |
//! | `(A, B)`, `(A, B, C)`, at most four | at the same time, side by side | `A + B`, `A + B + C` |
//! | [`Then<A, B>`] | first `A`; once that is needed no longer, `B` in the same place | `max(A, B)` |
//!
//! and each of `A`, `B` and `C` may again be any of these.
//!
//! ```
//! use conv_core::arena::{Arena, Maps, Then};
//!
//! type Wide = [[[i8; 12]; 8]; 8];
//! type Deep = [[[i8; 24]; 4]; 4];
//! type Pooled = [[[i8; 24]; 2]; 2];
//!
//! // `sum` outlives `first` and `between`; `deep` and `pooled` come where these were.
//! type Network = (Wide, Then<(Wide, Wide), (Deep, Pooled)>);
//!
//! let mut memory = Arena::<i8, { Network::PEAK }>::new();
//! assert_eq!(size_of_val(&memory), 2304); // side by side they are 2784 bytes
//!
//! let (sum, mut turns) = memory.place::<Network>();
//! let (first, between) = turns.first();
//! first[7][7][11] = 1;
//! between[0][0][0] = first[7][7][11] + 1;
//! sum[0][0][0] = first[7][7][11] + between[0][0][0];
//! let (deep, pooled) = turns.then();
//! deep[0][0][0] = sum[0][0][0] + 1;
//! pooled[0][0][0] = deep[0][0][0] + 1;
//! assert_eq!(pooled[0][0][0], 5);
//! ```
//!
//! The borrow checker keeps the order: a map of the first turn that is still used when the second has begun does not
//! compile.
//!
//! ```compile_fail
//! use conv_core::arena::{Arena, Then};
//!
//! let mut memory = Arena::<i8, 8>::new();
//! let mut turns = memory.place::<Then<[i8; 8], [i8; 4]>>();
//! let before = turns.first();
//! let after = turns.then(); // error: cannot move out of `turns` because it is borrowed
//! after[0] = before[0];
//! ```
//!
//! A chain of layers needs two neighbouring maps at a time, so its maps take turns in two places:
//!
//! ```
//! use conv_core::arena::{Arena, Maps, Then};
//!
//! type Chain = (Then<[i16; 100], [i16; 60]>, Then<[i16; 80], [i16; 10]>);
//!
//! static MEMORY: Arena<i16, { Chain::PEAK }> = Arena::new(); // in firmware in a `Mutex`, as it is to be changed
//! let mut memory = MEMORY.clone();
//! assert_eq!(Chain::PEAK, 100 + 80);
//!
//! let (mut odd, mut even) = memory.place::<Chain>();
//! let a: &mut [i16; 100] = odd.first();
//! let b: &mut [i16; 80] = even.first(); // computed from `a`
//! let c: &mut [i16; 60] = odd.then(); // from `b`; `a` is gone
//! let d: &mut [i16; 10] = even.then(); // from `c`; `b` is gone
//! ```
//!
//! Two limits. Places are a tree: what comes in the place of several maps comes after all of them, in one [`Then`], and
//! cannot begin in the place of one map and end in that of a neighbour which lives on for a while. And a map begins with
//! what was in its place; layers write every element of their output, so to them it does not matter.
//!
//! Placing computes nothing, the places are constants. Maps of other elements need an arena of their own.

use core::hint;
use core::marker::PhantomData;

use crate::element::Element;
use crate::message::Message;
use crate::shape::Array;

/// Memory for feature maps of `T`: `N` elements, in a `static` or on the stack. See the [module](self).
///
/// # Generics
///
/// `N` is [`Maps::PEAK`] of the maps that are to be placed, or more.
#[derive(Clone, Debug)]
pub struct Arena<T, const N: usize> {
    memory: [T; N],
}

impl<T: Element, const N: usize> Arena<T, N> {
    /// Memory full of zeros.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            memory: [T::ZERO; N],
        }
    }

    /// The maps `M` in this memory: `&mut` to each array, tuples of what they hold, [`Turns`] for a [`Then`]. They
    /// hold what was there before.
    ///
    /// An arena that is too small does not compile: `arena has 17 elements, expected at least 18`. Never panics.
    ///
    /// ```
    /// use conv_core::arena::Arena;
    ///
    /// let mut memory = Arena::<i8, 18>::new();
    /// let (signal, image) = memory.place::<([i8; 6], [[[i8; 2]; 3]; 2])>();
    /// signal[5] = image[1][2][1] + 1;
    /// assert_eq!(signal, &[0, 0, 0, 0, 0, 1]);
    /// ```
    ///
    /// ```compile_fail
    /// use conv_core::arena::Arena;
    ///
    /// let mut memory = Arena::<i8, 17>::new();
    /// let (signal, image) = memory.place::<([i8; 6], [[[i8; 2]; 3]; 2])>();
    /// ```
    #[inline]
    #[must_use]
    pub fn place<M: Maps<Element = T>>(&mut self) -> M::Place<'_> {
        const { check(N, M::PEAK) };
        proven(M::carve(&mut self.memory))
    }
}

impl<T: Element, const N: usize> Default for Arena<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Feature maps and which of them live together: arrays, tuples of two to four, [`Then`]. See the [module](self).
///
/// A map without elements does not compile. Sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a feature map",
    note = "a feature map is `[T; N]`, `[[T; C]; N]` or `[[[T; C]; W]; H]`; several are tuples of two to four, or `Then<A, B>`"
)]
pub trait Maps: sealed::Sealed + 'static {
    /// What the maps hold, all of them the same.
    type Element: Element;
    /// Elements of the least arena that holds the maps.
    const PEAK: usize;
    /// The maps in an arena.
    type Place<'a>;

    /// The maps at the start of a memory, and what follows them; `None` if the memory is too short.
    #[doc(hidden)]
    fn carve(memory: &mut [Self::Element]) -> Carved<'_, Self>;
}

/// Maps in their places, and the memory after them.
type Carved<'a, M> = Option<(<M as Maps>::Place<'a>, &'a mut [<M as Maps>::Element])>;

/// First the maps `A`, then the maps `B` in the same place. See the [module](self).
#[derive(Debug)]
pub struct Then<A, B>(PhantomData<fn() -> (A, B)>);

/// The place of a [`Then<A, B>`]: `A` is to be had until `B` is asked for.
///
/// ```
/// use conv_core::arena::{Arena, Maps, Then};
///
/// type Three = Then<[i8; 5], Then<[[i8; 2]; 4], [i8; 3]>>;
///
/// let mut memory = Arena::<i8, { Three::PEAK }>::new();
/// let mut turns = memory.place::<Three>();
/// *turns.first() = [1; 5];
/// let mut turns = turns.then();
/// assert_eq!(turns.first(), &[[1, 1], [1, 1], [1, 0], [0, 0]]);
/// assert_eq!(turns.then(), &[1; 3]);
/// ```
#[derive(Debug)]
pub struct Turns<'a, A: Maps, B> {
    /// As long as the longer one of the two.
    memory: &'a mut [A::Element],
    maps: PhantomData<fn() -> (A, B)>,
}

impl<'a, A: Maps, B: Maps<Element = A::Element>> Turns<'a, A, B> {
    /// The maps of the first turn. They hold what was there before. Never panics.
    #[inline]
    #[must_use]
    pub fn first(&mut self) -> A::Place<'_> {
        proven(A::carve(self.memory))
    }

    /// The maps of the second turn, which ends the first one. They hold what was there before. Never panics.
    #[inline]
    #[must_use]
    pub fn then(self) -> B::Place<'a> {
        proven(B::carve(self.memory))
    }
}

impl<A, B> sealed::Sealed for Then<A, B> {}
impl<A: Maps, B: Maps<Element = A::Element>> Maps for Then<A, B> {
    type Element = A::Element;
    const PEAK: usize = if A::PEAK > B::PEAK { A::PEAK } else { B::PEAK };
    type Place<'a> = Turns<'a, A, B>;

    #[inline]
    fn carve(memory: &mut [A::Element]) -> Carved<'_, Self> {
        let (memory, rest) = memory.split_at_mut_checked(Self::PEAK)?;
        let maps = PhantomData;
        Some((Turns { memory, maps }, rest))
    }
}

impl<T: Element, const N: usize> sealed::Sealed for [T; N] {}
impl<T: Element, const N: usize> Maps for [T; N] {
    type Element = T;
    const PEAK: usize = map_elements(<Self as Array>::ELEMENTS);
    type Place<'a> = &'a mut Self;

    #[inline]
    fn carve(memory: &mut [T]) -> Carved<'_, Self> {
        memory.split_first_chunk_mut()
    }
}

impl<T: Element, const C: usize, const N: usize> sealed::Sealed for [[T; C]; N] {}
impl<T: Element, const C: usize, const N: usize> Maps for [[T; C]; N] {
    type Element = T;
    const PEAK: usize = map_elements(<Self as Array>::ELEMENTS);
    type Place<'a> = &'a mut Self;

    #[inline]
    fn carve(memory: &mut [T]) -> Carved<'_, Self> {
        let (map, rest) = memory.split_at_mut_checked(Self::PEAK)?;
        let (samples, _) = map.as_chunks_mut();
        Some((samples.first_chunk_mut()?, rest))
    }
}

impl<T: Element, const C: usize, const W: usize, const H: usize> sealed::Sealed
    for [[[T; C]; W]; H]
{
}
impl<T: Element, const C: usize, const W: usize, const H: usize> Maps for [[[T; C]; W]; H] {
    type Element = T;
    const PEAK: usize = map_elements(<Self as Array>::ELEMENTS);
    type Place<'a> = &'a mut Self;

    #[inline]
    fn carve(memory: &mut [T]) -> Carved<'_, Self> {
        let (map, rest) = memory.split_at_mut_checked(Self::PEAK)?;
        let (pixels, _) = map.as_chunks_mut();
        let (rows, _) = pixels.as_chunks_mut();
        Some((rows.first_chunk_mut()?, rest))
    }
}

macro_rules! side_by_side {
    ($first:ident $first_place:ident $(, $maps:ident $place:ident)+) => {
        impl<$first $(, $maps)+> sealed::Sealed for ($first $(, $maps)+) {}
        impl<$first: Maps $(, $maps: Maps<Element = $first::Element>)+> Maps for ($first $(, $maps)+) {
            type Element = $first::Element;
            const PEAK: usize = $first::PEAK $(+ $maps::PEAK)+;
            type Place<'a> = ($first::Place<'a> $(, $maps::Place<'a>)+);

            #[inline]
            fn carve(memory: &mut [$first::Element]) -> Carved<'_, Self> {
                let ($first_place, rest) = $first::carve(memory)?;
                $(let ($place, rest) = $maps::carve(rest)?;)+
                Some((($first_place $(, $place)+), rest))
            }
        }
    };
}
side_by_side!(A a, B b);
side_by_side!(A a, B b, C c);
side_by_side!(A a, B b, C c, D d);

/// The elements of one map. An empty one stops the build: a layer has no use for it.
const fn map_elements(elements: usize) -> usize {
    assert!(elements > 0, "a map has 0 elements, expected at least 1");
    elements
}

/// Stops the build if an arena is too small.
const fn check(found: usize, expected: usize) {
    if found < expected {
        let message = Message::new()
            .text("arena has ")
            .count(found)
            .text(" elements, expected at least ")
            .count(expected);
        panic!("{}", message.as_str());
    }
}

/// Maps that are there, as a constant has shown: [`Arena::place`] checks that the whole tree of maps fits, and every
/// [`Turns`] holds as much as the longer one of its two. The other branch is never taken. It waits instead of
/// panicking, since a panic would be linked into firmware that hands [`Turns`] to a function which is not inlined: there
/// the optimiser does not know their length.
#[inline]
fn proven<P, R>(carved: Option<(P, R)>) -> P {
    match carved {
        Some((maps, _)) => maps,
        None => loop {
            hint::spin_loop();
        },
    }
}

mod sealed {
    pub trait Sealed {}
}

#[cfg(test)]
mod tests {
    use core::ops::Range;

    use super::*;

    /// Where the elements of an array are, counted in elements from the start of the memory.
    fn range<A: Array>(start: *const A::Element, map: &A) -> Range<usize> {
        let found = map.elements().as_ptr_range();
        let size = size_of::<A::Element>();
        (found.start.addr() - start.addr()) / size..(found.end.addr() - start.addr()) / size
    }

    #[test]
    fn maps_of_every_shape_stand_side_by_side() {
        type Shapes = ([i16; 3], [[i16; 2]; 5], [[[i16; 3]; 2]; 4], [i16; 1]);
        let mut memory = Arena::<i16, { Shapes::PEAK }>::new();
        let start = memory.memory.as_ptr();
        let (a, b, c, d) = memory.place::<Shapes>();
        assert_eq!(range(start, a), 0..3);
        assert_eq!(range(start, b), 3..13);
        assert_eq!(range(start, c), 13..37);
        assert_eq!(range(start, d), 37..38);
        (*a, *b, *c, *d) = ([1; 3], [[2; 2]; 5], [[[3; 3]; 2]; 4], [4]);
        c[3][1][2] = 5; // the last one in memory order
        let expected = [(1, 3), (2, 10), (3, 23), (5, 1), (4, 1)];
        let expected = expected.map(|(value, count)| std::vec![value; count]);
        assert_eq!(memory.memory.as_slice(), expected.concat());
    }

    #[test]
    fn what_is_beyond_the_maps_is_not_touched() {
        let mut memory = Arena::<u8, 9>::new();
        let (a, b) = memory.place::<([u8; 2], Then<[u8; 3], [[u8; 2]; 2]>)>();
        *a = [1; 2];
        *b.then() = [[2; 2]; 2];
        assert_eq!(memory.memory, [1, 1, 2, 2, 2, 2, 0, 0, 0]);
    }

    #[test]
    fn turns_share_their_place_and_nothing_else() {
        type Nested = (
            Then<[i8; 4], ([i8; 2], [i8; 1])>,
            [i8; 2],
            Then<[i8; 1], Then<([i8; 2], [i8; 3]), [[i8; 2]; 3]>>,
        );
        assert_eq!(Nested::PEAK, 4 + 2 + 6);
        let mut memory = Arena::<i8, { Nested::PEAK }>::new();
        let start = memory.memory.as_ptr();
        let (mut left, middle, mut right) = memory.place::<Nested>();
        assert_eq!(range(start, left.first()), 0..4);
        let (a, b) = left.then();
        assert_eq!([range(start, a), range(start, b)], [0..2, 2..3]);
        assert_eq!(range(start, middle), 4..6);
        assert_eq!(range(start, right.first()), 6..7);
        let mut right = right.then();
        let (c, d) = right.first();
        assert_eq!([range(start, c), range(start, d)], [6..8, 8..11]);
        assert_eq!(range(start, right.then()), 6..12);
    }

    #[test]
    fn the_first_turn_may_be_the_longer_or_the_shorter_one() {
        const LONGER: usize = Then::<[i8; 7], [i8; 3]>::PEAK;
        const SHORTER: usize = Then::<[i8; 3], [i8; 7]>::PEAK;
        assert_eq!([LONGER, SHORTER], [7; 2]);
        let mut memory = Arena::<i8, 7>::new();
        let mut turns = memory.place::<Then<[i8; 7], [i8; 3]>>();
        *turns.first() = [1; 7];
        *turns.then() = [2; 3];
        let mut turns = memory.place::<Then<[i8; 3], [i8; 7]>>();
        *turns.first() = [3; 3];
        assert_eq!(turns.then(), &[3, 3, 3, 1, 1, 1, 1]);
    }

    /// Every element type; the widest ones in an odd place.
    #[test]
    fn every_element_can_be_placed() {
        fn element<T: Element>(value: T) {
            let mut memory = Arena::<T, 4>::default();
            let (a, b) = memory.place::<([T; 1], [[[T; 1]; 3]; 1])>();
            *a = b[0][2];
            b[0][2][0] = value;
            assert_eq!(memory.memory, [T::ZERO, T::ZERO, T::ZERO, value]);
        }
        element(1_i8);
        element(1_u8);
        element(1_i16);
        element(1_i32);
        element(1_i64);
        element(1_i128);
        element(1_f32);
        element(1_f64);
    }

    #[test]
    fn a_memory_that_is_too_short_gives_nothing() {
        type Map = [[[i8; 2]; 3]; 2];
        let mut memory = [0; 12];
        assert!(Map::carve(&mut memory[..11]).is_none());
        assert!(<[[i8; 6]; 2]>::carve(&mut memory[..11]).is_none());
        assert!(<[i8; 12]>::carve(&mut memory[..11]).is_none());
        assert!(<([i8; 6], [i8; 6])>::carve(&mut memory[..11]).is_none());
        assert!(Then::<[i8; 3], Map>::carve(&mut memory[..11]).is_none());
        let (_, rest) = Map::carve(&mut memory).unwrap();
        assert!(rest.is_empty());
    }

    #[test]
    #[should_panic(expected = "arena has 17 elements, expected at least 18")]
    fn a_small_arena_stops_the_build() {
        check(17, 18);
    }

    #[test]
    #[should_panic(expected = "a map has 0 elements, expected at least 1")]
    fn an_empty_map_stops_the_build() {
        map_elements(0);
    }
}
