//! What the direct operation reads outside its input.

/// What the direct operation reads where a tap lies outside the input.
///
/// For an input `a b c d` and three pads each side:
///
/// ```text
/// Zero       0 0 0 | a b c d | 0 0 0
/// Reflect    d c b | a b c d | c b a      the edge is not repeated
/// Replicate  a a a | a b c d | d d d
/// Circular   b c d | a b c d | a b c
/// ```
///
/// Pads may exceed the input: reflection and circulation go on periodically, as NumPy's `pad` does, and a
/// single element reflects to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Boundary {
    /// Zeros. Such taps are skipped, so that not even an infinite weight makes a NaN of them.
    #[default]
    Zero,
    /// The input mirrored at its first and last element.
    Reflect,
    /// The nearest input element.
    Replicate,
    /// The input repeated.
    Circular,
}

impl Boundary {
    /// The input position that is read for position `position` of an input of `extent` elements, `None` where
    /// nothing is.
    pub(crate) fn position(self, position: i64, extent: usize) -> Option<usize> {
        let length = extent as i64;
        if (0..length).contains(&position) {
            return Some(position as usize);
        }
        let inside = match self {
            Self::Zero => return None,
            Self::Replicate => position.clamp(0, length - 1),
            Self::Circular => position.rem_euclid(length),
            Self::Reflect => {
                // The period runs there and back: 0 1 2 3 2 1 | 0 1 …
                let period = (2 * (length - 1)).max(1);
                let phase = position.rem_euclid(period);
                phase.min(period - phase).min(length - 1)
            }
        };
        Some(inside as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::Boundary;

    fn read(boundary: Boundary, extent: usize) -> Vec<Option<usize>> {
        (-5..extent as i64 + 5)
            .map(|position| boundary.position(position, extent))
            .collect()
    }

    #[test]
    fn positions_are_those_of_the_picture() {
        let of = |positions: &[usize]| positions.iter().map(|p| Some(*p)).collect::<Vec<_>>();
        let reflected = [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2];
        assert_eq!(read(Boundary::Reflect, 4), of(&reflected));
        let replicated = [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3];
        assert_eq!(read(Boundary::Replicate, 4), of(&replicated));
        let circular = [3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0];
        assert_eq!(read(Boundary::Circular, 4), of(&circular));
        assert_eq!(read(Boundary::Reflect, 1), of(&[0; 11]));
        assert_eq!(read(Boundary::Zero, 1)[4..7], [None, Some(0), None]);
    }
}
