//! One axis: extents by counting, and what lies outside the input.

/// One axis of a direct operation. Pads may be negative: they crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Input extent.
    pub input: usize,
    /// Kernel extent.
    pub kernel: usize,
    /// Stride.
    pub stride: usize,
    /// Dilation.
    pub dilation: usize,
    /// Padding before the first element.
    pub pad_before: isize,
    /// Padding after the last element.
    pub pad_after: isize,
}

impl Axis {
    /// Unit stride and dilation, no padding.
    #[must_use]
    pub const fn new(input: usize, kernel: usize) -> Self {
        Self {
            input,
            kernel,
            stride: 1,
            dilation: 1,
            pad_before: 0,
            pad_after: 0,
        }
    }

    /// With this stride.
    #[must_use]
    pub const fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// With this dilation.
    #[must_use]
    pub const fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// With these pads.
    #[must_use]
    pub const fn pad(self, pad_before: isize, pad_after: isize) -> Self {
        Self {
            pad_before,
            pad_after,
            ..self
        }
    }

    /// The input position that a tap reads for an output position; outside the input it is
    /// negative or too large.
    pub(super) fn place(&self, output: usize, tap: usize) -> i64 {
        output as i64 * self.stride as i64 + tap as i64 * self.dilation as i64
            - self.pad_before as i64
    }

    /// The output extent of the direct operation, by laying down one window after the other as
    /// long as the last tap is inside the padded input. `None` when not one fits, or an extent,
    /// stride or dilation is 0.
    #[must_use]
    pub fn output(&self) -> Option<usize> {
        if [self.input, self.kernel, self.stride, self.dilation].contains(&0) {
            return None;
        }
        let end = self.input as i64 + self.pad_after as i64;
        let fits = |window: usize| self.place(window, self.kernel - 1) < end;
        let mut windows = 0;
        while fits(windows) {
            windows += 1;
        }
        (windows > 0).then_some(windows)
    }

    /// The axis of the direct operation whose transpose takes `self.input` elements to an output
    /// with these pads and this output padding: the output's elements are counted, from the first
    /// kept position to the last.
    ///
    /// `self` reads as a transposed operation: `input` is the extent that is strided apart. `None`
    /// when nothing is left, or when the direct operation on that output gives another extent
    /// (padding that no stride or dilation explains).
    ///
    /// ```
    /// use conv_vectors::oracle::Axis;
    ///
    /// let up = Axis::new(3, 3).stride(2).pad(1, 1);
    /// assert_eq!(up.transposed(0).unwrap().input, 5);
    /// assert_eq!(up.transposed(1).unwrap().input, 6);
    /// ```
    #[must_use]
    pub fn transposed(&self, output_padding: usize) -> Option<Self> {
        if [self.input, self.kernel, self.stride, self.dilation].contains(&0) {
            return None;
        }
        // The furthest position that any input writes to through any tap, before cropping.
        let mut written = 0;
        for input in 0..self.input {
            for tap in 0..self.kernel {
                written = written.max(input * self.stride + tap * self.dilation);
            }
        }
        let first = self.pad_before as i64;
        let end = written as i64 + 1 + output_padding as i64 - self.pad_after as i64;
        let output = (first..end).count();
        // What the direct operation has to be given after it, so that its windows are as many as
        // the inputs: without the part that the output padding added and no window reaches.
        let direct = Self {
            input: output,
            pad_after: self.pad_after,
            ..*self
        };
        if output == 0 {
            return None;
        }
        if direct.output() == Some(self.input) {
            return Some(direct);
        }
        let trimmed = Self {
            pad_after: self.pad_after - output_padding as isize,
            ..direct
        };
        (trimmed.output() == Some(self.input)).then_some(trimmed)
    }
}

/// What a position outside the input reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Boundary {
    /// Zero.
    #[default]
    Zero,
    /// The input mirrored at its first and last element, which are not repeated: `c b | a b c | b a`.
    Reflect,
    /// The nearest element: `a a | a b c | c c`.
    Replicate,
    /// The input again from its other end: `b c | a b c | a b`.
    Circular,
}

impl Boundary {
    /// The input position that a place reads; `None` for zero. `extent` is at least 1.
    #[must_use]
    pub fn resolve(self, place: i64, extent: usize) -> Option<usize> {
        let last = extent as i64 - 1;
        let mut place = place;
        // One mirror, step or turn at a time, until it is inside.
        loop {
            if (0..=last).contains(&place) {
                return usize::try_from(place).ok();
            }
            place = match self {
                Self::Zero => return None,
                Self::Replicate if place < 0 => 0,
                Self::Replicate => last,
                Self::Circular if place < 0 => place + extent as i64,
                Self::Circular => place - extent as i64,
                // A single element is its own mirror image.
                Self::Reflect if last == 0 => 0,
                Self::Reflect if place < 0 => -place,
                Self::Reflect => 2 * last - place,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn counting_agrees_with_the_closed_formulas() {
        for input in 1..=7usize {
            for kernel in 1..=4usize {
                for stride in 1..=3usize {
                    for dilation in 1..=3usize {
                        for before in -2..=4isize {
                            for after in -2..=4isize {
                                let axis = Axis::new(input, kernel)
                                    .stride(stride)
                                    .dilation(dilation)
                                    .pad(before, after);
                                formulas(&axis);
                            }
                        }
                    }
                }
            }
        }
    }

    fn formulas(axis: &Axis) {
        let [input, kernel] = [axis.input as isize, axis.kernel as isize];
        let [stride, dilation] = [axis.stride as isize, axis.dilation as isize];
        let reach = dilation * (kernel - 1) + 1;
        let room = input + axis.pad_before + axis.pad_after - reach;
        let output = (room >= 0).then(|| (room / stride + 1) as usize);
        assert_eq!(axis.output(), output, "{axis:?}");
        for padding in 0..stride {
            let back = stride * (input - 1) + reach - axis.pad_before - axis.pad_after + padding;
            let found = axis.transposed(padding as usize);
            if back >= 1 {
                assert_eq!(found.unwrap().input as isize, back, "{axis:?} {padding}");
            } else {
                assert_eq!(found, None, "{axis:?} {padding}");
            }
        }
    }

    #[test]
    fn output_padding_below_the_dilation_is_legal() {
        let axis = Axis::new(3, 2).dilation(3);
        assert_eq!(axis.transposed(2).unwrap().input, 8);
        assert_eq!(axis.transposed(2).unwrap().output(), Some(3));
    }

    #[test]
    fn zero_settings_have_no_output() {
        assert_eq!(Axis::new(0, 1).output(), None);
        assert_eq!(Axis::new(1, 0).output(), None);
        assert_eq!(Axis::new(1, 1).stride(0).output(), None);
        assert_eq!(Axis::new(1, 1).dilation(0).transposed(0), None);
    }

    #[test]
    fn boundaries_resolve_as_drawn() {
        let read = |boundary: Boundary| -> Vec<Option<usize>> {
            (-4..7).map(|place| boundary.resolve(place, 3)).collect()
        };
        let all = |places: [usize; 11]| places.map(Some).to_vec();
        assert_eq!(
            read(Boundary::Reflect),
            all([0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2])
        );
        assert_eq!(
            read(Boundary::Replicate),
            all([0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2])
        );
        assert_eq!(
            read(Boundary::Circular),
            all([2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
        );
        assert_eq!(Boundary::Zero.resolve(-1, 3), None);
        assert_eq!(Boundary::Zero.resolve(3, 3), None);
        assert_eq!(Boundary::Reflect.resolve(-5, 1), Some(0));
    }
}
