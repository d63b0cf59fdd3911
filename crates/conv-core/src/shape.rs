//! The arrays that hold signals, images and kernels, channels innermost.
//!
//! | | one channel | several channels |
//! |---|---|---|
//! | signal | `[T; N]` | `[[T; C]; N]` |
//! | image | `[[T; W]; H]` | `[[[T; C]; W]; H]` |
//! | kernel of a signal | `[T; K]` | `[[[T; CI]; K]; CO]` |
//! | kernel of an image | `[[T; KW]; KH]` | `[[[[T; CI]; KW]; KH]; CO]` |
//! | depthwise kernel of a signal | `[T; K]` | `[[T; C]; K]` |
//! | depthwise kernel of an image | `[[T; KW]; KH]` | `[[[T; C]; KW]; KH]` |
//!
//! `CI` counts the input channels of one group. The last index varies fastest in memory, so the values under
//! a row of kernel taps are contiguous: what multiply-accumulate instructions want, and the order of TFLite's
//! weights (OHWI, depthwise HWO).

use crate::element::Element;

/// One position of a signal or one pixel of an image: `T` with one channel or `[T; C]` with `C`.
pub trait Sample: Copy + sealed::Sealed {
    /// What the channels hold.
    type Element: Element;
    /// Number of channels.
    const CHANNELS: usize;
    /// All channels zero.
    const ZERO: Self;

    /// The elements of a slice of samples, in memory order.
    fn flatten(samples: &[Self]) -> &[Self::Element];

    /// The elements of a mutable slice of samples, in memory order.
    fn flatten_mut(samples: &mut [Self]) -> &mut [Self::Element];
}

macro_rules! plain_samples {
    ($($element:ty),*) => {$(
        impl sealed::Sealed for $element {}
        impl Sample for $element {
            type Element = Self;
            const CHANNELS: usize = 1;
            const ZERO: Self = <Self as Element>::ZERO;

            #[inline]
            fn flatten(samples: &[Self]) -> &[Self] {
                samples
            }

            #[inline]
            fn flatten_mut(samples: &mut [Self]) -> &mut [Self] {
                samples
            }
        }
    )*};
}
plain_samples!(i8, u8, i16, i32, i64, i128, f32, f64);

impl<T: Element, const C: usize> sealed::Sealed for [T; C] {}
impl<T: Element, const C: usize> Sample for [T; C] {
    type Element = T;
    const CHANNELS: usize = C;
    const ZERO: Self = [T::ZERO; C];

    #[inline]
    fn flatten(samples: &[Self]) -> &[T] {
        samples.as_flattened()
    }

    #[inline]
    fn flatten_mut(samples: &mut [Self]) -> &mut [T] {
        samples.as_flattened_mut()
    }
}

/// An array that holds a signal: `[T; N]` or `[[T; C]; N]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a signal",
    note = "a signal is `[T; N]` or, with several channels, `[[T; C]; N]`"
)]
pub trait Signal {
    /// What it holds.
    type Element: Element;
    /// Number of samples.
    const LENGTH: usize;
    /// Number of channels.
    const CHANNELS: usize;

    /// The elements in memory order.
    fn elements(&self) -> &[Self::Element];

    /// The elements in memory order.
    fn elements_mut(&mut self) -> &mut [Self::Element];
}

impl<S: Sample, const N: usize> Signal for [S; N] {
    type Element = S::Element;
    const LENGTH: usize = N;
    const CHANNELS: usize = S::CHANNELS;

    #[inline]
    fn elements(&self) -> &[S::Element] {
        S::flatten(self)
    }

    #[inline]
    fn elements_mut(&mut self) -> &mut [S::Element] {
        S::flatten_mut(self)
    }
}

/// An array that holds an image: `[[T; W]; H]` or `[[[T; C]; W]; H]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an image",
    note = "an image is `[[T; W]; H]` or, with several channels, `[[[T; C]; W]; H]`"
)]
pub trait Image {
    /// What it holds.
    type Element: Element;
    /// Number of rows.
    const HEIGHT: usize;
    /// Number of columns.
    const WIDTH: usize;
    /// Number of channels.
    const CHANNELS: usize;

    /// The elements in memory order.
    fn elements(&self) -> &[Self::Element];

    /// The elements in memory order.
    fn elements_mut(&mut self) -> &mut [Self::Element];
}

impl<S: Sample, const W: usize, const H: usize> Image for [[S; W]; H] {
    type Element = S::Element;
    const HEIGHT: usize = H;
    const WIDTH: usize = W;
    const CHANNELS: usize = S::CHANNELS;

    #[inline]
    fn elements(&self) -> &[S::Element] {
        S::flatten(self.as_flattened())
    }

    #[inline]
    fn elements_mut(&mut self) -> &mut [S::Element] {
        S::flatten_mut(self.as_flattened_mut())
    }
}

/// An array of one to three dimensions of which only the number of elements counts: what a fully connected layer
/// reads and writes, and what is added element by element.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an array of elements",
    note = "it is `[T; N]`, `[[T; C]; N]` or `[[[T; C]; W]; H]`"
)]
pub trait Array {
    /// What it holds.
    type Element: Element;
    /// Number of elements.
    const ELEMENTS: usize;

    /// The elements in memory order.
    fn elements(&self) -> &[Self::Element];

    /// The elements in memory order.
    fn elements_mut(&mut self) -> &mut [Self::Element];
}

impl<T: Element, const N: usize> Array for [T; N] {
    type Element = T;
    const ELEMENTS: usize = N;

    #[inline]
    fn elements(&self) -> &[T] {
        self
    }

    #[inline]
    fn elements_mut(&mut self) -> &mut [T] {
        self
    }
}

impl<T: Element, const C: usize, const N: usize> Array for [[T; C]; N] {
    type Element = T;
    const ELEMENTS: usize = N * C;

    #[inline]
    fn elements(&self) -> &[T] {
        self.as_flattened()
    }

    #[inline]
    fn elements_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut()
    }
}

impl<T: Element, const C: usize, const W: usize, const H: usize> Array for [[[T; C]; W]; H] {
    type Element = T;
    const ELEMENTS: usize = H * W * C;

    #[inline]
    fn elements(&self) -> &[T] {
        self.as_flattened().as_flattened()
    }

    #[inline]
    fn elements_mut(&mut self) -> &mut [T] {
        self.as_flattened_mut().as_flattened_mut()
    }
}

/// The kernel of a signal: `[T; K]` or `[[[T; CI]; K]; CO]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the kernel of a signal",
    note = "it is `[T; K]` from one channel to one or, from `CI` channels a group to `CO`, `[[[T; CI]; K]; CO]`"
)]
pub trait Kernel1d {
    /// What it holds.
    type Element: Element;
    /// Number of taps.
    const LENGTH: usize;
    /// Input channels of a group.
    const INPUT_CHANNELS: usize;
    /// Output channels.
    const OUTPUT_CHANNELS: usize;

    /// The weights in memory order.
    fn elements(&self) -> &[Self::Element];
}

impl<T: Element, const K: usize> Kernel1d for [T; K] {
    type Element = T;
    const LENGTH: usize = K;
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = 1;

    #[inline]
    fn elements(&self) -> &[T] {
        self
    }
}

impl<T: Element, const CI: usize, const K: usize, const CO: usize> Kernel1d for [[[T; CI]; K]; CO] {
    type Element = T;
    const LENGTH: usize = K;
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;

    #[inline]
    fn elements(&self) -> &[T] {
        self.as_flattened().as_flattened()
    }
}

/// The kernel of an image: `[[T; KW]; KH]` or `[[[[T; CI]; KW]; KH]; CO]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the kernel of an image",
    note = "it is `[[T; KW]; KH]` from one channel to one or, from `CI` channels a group to `CO`, `[[[[T; CI]; KW]; KH]; CO]`"
)]
pub trait Kernel2d {
    /// What it holds.
    type Element: Element;
    /// Number of rows of taps.
    const HEIGHT: usize;
    /// Number of columns of taps.
    const WIDTH: usize;
    /// Input channels of a group.
    const INPUT_CHANNELS: usize;
    /// Output channels.
    const OUTPUT_CHANNELS: usize;

    /// The weights in memory order.
    fn elements(&self) -> &[Self::Element];
}

impl<T: Element, const KW: usize, const KH: usize> Kernel2d for [[T; KW]; KH] {
    type Element = T;
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = 1;
    const OUTPUT_CHANNELS: usize = 1;

    #[inline]
    fn elements(&self) -> &[T] {
        self.as_flattened()
    }
}

impl<T: Element, const CI: usize, const KW: usize, const KH: usize, const CO: usize> Kernel2d
    for [[[[T; CI]; KW]; KH]; CO]
{
    type Element = T;
    const HEIGHT: usize = KH;
    const WIDTH: usize = KW;
    const INPUT_CHANNELS: usize = CI;
    const OUTPUT_CHANNELS: usize = CO;

    #[inline]
    fn elements(&self) -> &[T] {
        self.as_flattened().as_flattened().as_flattened()
    }
}

/// The other order of a kernel's two channel axes: `swapped[i][…][o] = kernel[o][…][i]`.
///
/// A transposed layer whose weights are stored with *its own* output channels first, as TFLite's OHWI are,
/// becomes the kernel of the map C whose transpose it is, which has C's output channels first.
///
/// ```
/// use conv_core::shape::swap_channels;
///
/// // 2 output channels, 1×1 taps, 3 input channels.
/// const OHWI: [[[[i8; 3]; 1]; 1]; 2] = [[[[1, 2, 3]]], [[[4, 5, 6]]]];
/// const KERNEL: [[[[i8; 2]; 1]; 1]; 3] = swap_channels(&OHWI);
/// assert_eq!(KERNEL, [[[[1, 4]]], [[[2, 5]]], [[[3, 6]]]]);
/// ```
#[must_use]
pub const fn swap_channels<
    T: Element,
    const CI: usize,
    const KW: usize,
    const KH: usize,
    const CO: usize,
>(
    kernel: &[[[[T; CI]; KW]; KH]; CO],
) -> [[[[T; CO]; KW]; KH]; CI] {
    let mut swapped = [[[[T::ZERO; CO]; KW]; KH]; CI];
    let mut co = 0;
    while co < CO {
        let mut ky = 0;
        while ky < KH {
            let mut kx = 0;
            while kx < KW {
                let mut ci = 0;
                while ci < CI {
                    swapped[ci][ky][kx][co] = kernel[co][ky][kx][ci];
                    ci += 1;
                }
                kx += 1;
            }
            ky += 1;
        }
        co += 1;
    }
    swapped
}

mod sealed {
    pub trait Sealed {}
}
