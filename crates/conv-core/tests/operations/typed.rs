//! Some hundred shapes through the typed form itself: equal to the oracle, equal to the run-time form, nothing
//! written beside the output.

use conv_core::axis::{Axis, Padding, Window};
use conv_core::element::Multiply;
use conv_core::finish::{Bias, Clamp, Finish, RoundingShift, bias, raw};
use conv_core::shape::{Image, Kernel1d, Kernel2d, Signal, swap_channels};
use conv_core::{Geometry, Orientation, Window1d, Window2d, window1d, window2d};
use conv_vectors::guard::Dirt;
use conv_vectors::random::{Lcg, Spread};

use crate::support::{Case, Channels, Operand, Total, agree, same};

/// An array of arrays as its elements, in memory order.
trait Array {
    type Part: Copy;

    fn each(&mut self, run: &mut impl FnMut(&mut Self::Part));

    fn flat(&mut self) -> Vec<Self::Part> {
        let mut parts = Vec::new();
        self.each(&mut |part| parts.push(*part));
        parts
    }
}

macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Array for $scalar {
            type Part = Self;

            fn each(&mut self, run: &mut impl FnMut(&mut Self)) {
                run(self);
            }
        }
    )*};
}
scalars!(i8, u8, i16, i32, i64, i128, f32, f64);

impl<A: Array, const N: usize> Array for [A; N] {
    type Part = A::Part;

    fn each(&mut self, run: &mut impl FnMut(&mut A::Part)) {
        for part in self {
            part.each(run);
        }
    }
}

/// An output between guards.
#[repr(C)]
struct Around<O> {
    before: [u64; 32],
    output: O,
    after: [u64; 32],
}

impl<O: Array<Part: Dirt>> Around<O> {
    fn dirty(mut output: O) -> Self {
        let mut position = 0;
        output.each(&mut |part| {
            *part = Dirt::dirt(position);
            position += 1;
        });
        Self {
            before: core::array::from_fn(Dirt::dirt),
            output,
            after: core::array::from_fn(Dirt::dirt),
        }
    }

    /// The output, if nothing beside it was written.
    fn checked(mut self) -> Vec<O::Part> {
        let guards: [u64; 32] = core::array::from_fn(Dirt::dirt);
        assert_eq!((self.before, self.after), (guards, guards));
        self.output.flat()
    }
}

/// The axis that a window is, by the table of paddings: `input` is that of the direct operation.
fn resolve(window: Window, kernel: usize, input: usize) -> Axis {
    let reach = (window.dilation * (kernel - 1)) as isize;
    let outputs = input.div_ceil(window.stride);
    let last = ((outputs - 1) * window.stride) as isize;
    let total = (last + reach + 1 - input as isize).max(0);
    let (before, after) = match window.padding {
        Padding::Valid => (0, 0),
        Padding::Half => ((reach + 1) / 2, (reach + 1) / 2),
        Padding::Full => (reach, reach),
        Padding::Causal => (reach, 0),
        Padding::SameUpper => (total / 2, total - total / 2),
        Padding::SameLower => (total - total / 2, total / 2),
        Padding::Explicit { before, after } => (before, after),
    };
    Axis::new(kernel)
        .with_stride(window.stride)
        .with_dilation(window.dilation)
        .with_pads(before, after)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Direct,
    Transposed,
}

/// What a typed call was made of.
struct Call<const D: usize> {
    way: Way,
    windows: [Window; D],
    orientation: Orientation,
    /// `None` for depthwise.
    groups: Option<usize>,
    kernel: [usize; D],
    source: ([usize; D], usize),
    target: ([usize; D], usize),
}

impl<const D: usize> Call<D>
where
    Geometry<D>: conv_core::dynamic::Planar,
{
    fn hold<T, W, A>(&self, input: &[T], kernel: &[W], found: &[A])
    where
        T: Operand + Multiply<W, A>,
        W: Operand<Exact = T::Exact>,
        A: Total<Exact = T::Exact>,
    {
        let ((from, from_channels), (to, to_channels)) = (self.source, self.target);
        let (x, channels) = match self.way {
            Way::Direct => (from, [from_channels, to_channels]),
            Way::Transposed => (to, [to_channels, from_channels]),
        };
        let groups = self.groups.unwrap_or(channels[0]);
        let channels = Channels::new(channels[0], channels[1], groups);
        let axes = core::array::from_fn(|d| resolve(self.windows[d], self.kernel[d], x[d]));
        let case = match self.way {
            Way::Direct => Case::direct(axes, from, channels, self.orientation),
            Way::Transposed => Case::transposed(axes, from, to, channels, self.orientation),
        };
        let case = case.expect("a typed call that compiles is legal");
        let case = match self.groups {
            Some(_) => case,
            None => case.depthwise().expect("a group for each channel"),
        };
        let mut again = vec![A::dirt(7); found.len()];
        match self.way {
            Way::Direct => {
                assert_eq!(case.geometry.output(), to);
                agree(&case, found, &case.expected_direct(input, kernel));
                case.conv(input, kernel, &mut again).expect("a legal case");
            }
            Way::Transposed => {
                agree(&case, found, &case.expected_transposed(input, kernel));
                case.conv_transpose(input, kernel, &mut again)
                    .expect("a legal case");
            }
        }
        same(&case, found, &again);
    }
}

macro_rules! forms {
    ($($name:ident: $window:ident::$operation:ident $way:ident $groups:expr, $array:ident $kernel:ident [$($extent:ident)*];)*) => {$(
        /// Fills the arrays, makes the call, and holds what it wrote.
        fn $name<M, I, K, O>(mut input: I, mut kernel: K, output: O)
        where
            M: $window,
            I: $array + Array<Part = <I as $array>::Element>,
            K: $kernel + Array<Part = <K as $kernel>::Element>,
            O: $array + Array<Part = <O as $array>::Element>,
            <I as $array>::Element:
                Operand + Multiply<<K as $kernel>::Element, <O as $array>::Element>,
            <K as $kernel>::Element: Operand<Exact = <<I as $array>::Element as Operand>::Exact>,
            <O as $array>::Element: Total<Exact = <<I as $array>::Element as Operand>::Exact>,
        {
            let mut random = Lcg::new(9).spread(Spread::Full);
            input.each(&mut |part| *part = random.draw());
            kernel.each(&mut |part| *part = random.draw());
            let mut around = Around::dirty(output);
            M::$operation(&input, &kernel, &mut around.output);
            let call = Call {
                way: Way::$way,
                windows: [$(M::$extent),*],
                orientation: M::ORIENTATION,
                groups: $groups,
                kernel: [$(<K as $kernel>::$extent),*],
                source: ([$(<I as $array>::$extent),*], <I as $array>::CHANNELS),
                target: ([$(<O as $array>::$extent),*], <O as $array>::CHANNELS),
            };
            call.hold(&input.flat(), &kernel.flat(), &around.checked());
        }
    )*};
}

forms! {
    conv_1d: Window1d::conv Direct Some(M::GROUPS), Signal Kernel1d [LENGTH];
    conv_transpose_1d: Window1d::conv_transpose Transposed Some(M::GROUPS), Signal Kernel1d [LENGTH];
    depthwise_1d: Window1d::depthwise Direct None, Signal Signal [LENGTH];
    depthwise_transpose_1d: Window1d::depthwise_transpose Transposed None, Signal Signal [LENGTH];
    conv_2d: Window2d::conv Direct Some(M::GROUPS), Image Kernel2d [HEIGHT WIDTH];
    conv_transpose_2d: Window2d::conv_transpose Transposed Some(M::GROUPS), Image Kernel2d [HEIGHT WIDTH];
    depthwise_2d: Window2d::depthwise Direct None, Image Image [HEIGHT WIDTH];
    depthwise_transpose_2d: Window2d::depthwise_transpose Transposed None, Image Image [HEIGHT WIDTH];
}

/// `⌊(i + b + a − k̂)/s⌋ + 1`.
const fn forward(i: i64, k: i64, [s, d, b, a]: [i64; 4]) -> usize {
    ((i + b + a - d * (k - 1) - 1) / s + 1) as usize
}

/// The least extent that leads forward to `o`.
const fn least(o: usize, k: i64, [s, d, b, a]: [i64; 4]) -> usize {
    (s * (o as i64 - 1) + d * (k - 1) + 1 - b - a) as usize
}

/// The greatest output padding.
const fn most([s, d, ..]: [i64; 4]) -> usize {
    (if s > d { s - 1 } else { d - 1 }) as usize
}

/// The shapes of one setting on signals: extent and kernel taps of each.
macro_rules! signal_shapes {
    ($setting:expr; $($i:literal $k:literal)*) => {$({
        const O: usize = forward($i, $k, $setting);
        const LEAST: usize = least(O, $k, $setting);
        const GREATEST: usize = LEAST + most($setting);
        conv_1d::<Plain, _, _, _>([0_i8; $i], [0_i8; $k], [0_i32; O]);
        conv_1d::<Plain, _, _, _>([[0_u8; 2]; $i], [[[0_i8; 2]; $k]; 3], [[0_i32; 3]; O]);
        conv_1d::<Pairs, _, _, _>([[0_i8; 4]; $i], [[[0_i8; 2]; $k]; 6], [[0_i64; 6]; O]);
        conv_transpose_1d::<Plain, _, _, _>([0_i16; O], [0_i16; $k], [0_i64; LEAST]);
        conv_transpose_1d::<Plain, _, _, _>([[0_i8; 3]; O], [[[0_i8; 2]; $k]; 3], [[0_i32; 2]; GREATEST]);
        conv_transpose_1d::<Pairs, _, _, _>([[0_i8; 2]; O], [[[0_i8; 3]; $k]; 2], [[0_i32; 6]; LEAST]);
        depthwise_1d::<Plain, _, _, _>([[0_i16; 3]; $i], [[0_i8; 6]; $k], [[0_i32; 6]; O]);
        depthwise_transpose_1d::<Plain, _, _, _>([[0_i8; 9]; O], [[0_i8; 9]; $k], [[0_i32; 9]; GREATEST]);
    })*};
}

macro_rules! signals {
    ($($name:ident: [$s:literal, $d:literal, $b:literal, $a:literal] $($flip:ident)?;)*) => {$(
        mod $name {
            use super::*;

            window1d! {
                struct Plain: stride $s, dilation $d, pad_before ($b), pad_after ($a) $(, $flip)?
            }
            window1d! {
                struct Pairs: pad_after ($a), groups 2, pad_before ($b), dilation $d, stride $s $(, $flip)?
            }

            #[test]
            fn signals() {
                signal_shapes!([$s, $d, $b, $a]; 9 3 12 4 7 1);
            }
        }
    )*};
}

signals! {
    plain: [1, 1, 0, 0];
    flipped: [1, 1, 0, 0] flip;
    before: [1, 1, 2, 0];
    after: [1, 1, 0, 3];
    stride_two: [2, 1, 0, 0];
    stride_two_unlike_pads: [2, 1, 1, 2];
    stride_two_flipped: [2, 1, 2, 1] flip;
    stride_three: [3, 1, 0, 1];
    stride_beyond_the_kernel: [5, 1, 1, 0];
    dilated: [1, 2, 0, 0];
    dilated_unlike_pads: [1, 2, 3, 1];
    dilated_with_stride: [2, 2, 1, 2];
    dilation_beyond_the_stride: [2, 3, 2, 3];
    stride_beyond_the_dilation: [3, 2, 1, 0] flip;
    cropped_before: [1, 1, -2, 1];
    cropped_after: [2, 1, 1, -1];
    far_pads: [2, 1, 6, 7];
}

/// The shapes of one setting on images: extents and kernel extents of each.
macro_rules! image_shapes {
    ($rows:expr, $columns:expr; $($h:literal $w:literal $kh:literal $kw:literal)*) => {$({
        const OH: usize = forward($h, $kh, $rows);
        const OW: usize = forward($w, $kw, $columns);
        const H: usize = least(OH, $kh, $rows);
        const W: usize = least(OW, $kw, $columns);
        const TALL: usize = H + most($rows);
        const WIDE: usize = W + most($columns);
        conv_2d::<Plain, _, _, _>([[0_i8; $w]; $h], [[0_i8; $kw]; $kh], [[0_i32; OW]; OH]);
        conv_2d::<Plain, _, _, _>([[[0_u8; 3]; $w]; $h], [[[[0_i8; 3]; $kw]; $kh]; 2], [[[0_i32; 2]; OW]; OH]);
        conv_2d::<Pairs, _, _, _>([[[0_i16; 2]; $w]; $h], [[[[0_i8; 1]; $kw]; $kh]; 4], [[[0_i32; 4]; OW]; OH]);
        conv_transpose_2d::<Plain, _, _, _>([[0_i8; OW]; OH], [[0_i8; $kw]; $kh], [[0_i32; W]; TALL]);
        conv_transpose_2d::<Plain, _, _, _>(
            [[[0_i8; 2]; OW]; OH],
            [[[[0_i8; 9]; $kw]; $kh]; 2],
            [[[0_i64; 9]; WIDE]; H],
        );
        conv_transpose_2d::<Pairs, _, _, _>(
            [[[0_i8; 4]; OW]; OH],
            [[[[0_i8; 3]; $kw]; $kh]; 4],
            [[[0_i32; 6]; WIDE]; TALL],
        );
        depthwise_2d::<Plain, _, _, _>([[[0_i8; 2]; $w]; $h], [[[0_i8; 4]; $kw]; $kh], [[[0_i32; 4]; OW]; OH]);
        depthwise_2d::<Pairs, _, _, _>([[[0_i8; 9]; $w]; $h], [[[0_i8; 9]; $kw]; $kh], [[[0_i32; 9]; OW]; OH]);
        depthwise_transpose_2d::<Plain, _, _, _>(
            [[[0_i8; 4]; OW]; OH],
            [[[0_i8; 4]; $kw]; $kh],
            [[[0_i32; 2]; W]; TALL],
        );
    })*};
}

macro_rules! images {
    ($($name:ident:
        [$sy:literal, $dy:literal, $by:literal, $ay:literal]
        [$sx:literal, $dx:literal, $bx:literal, $ax:literal] $($flip:ident)?;
    )*) => {$(
        mod $name {
            use super::*;

            window2d! {
                struct Plain: stride ($sy, $sx), dilation ($dy, $dx), pad_before ($by, $bx), pad_after ($ay, $ax)
                    $(, $flip)?
            }
            window2d! {
                struct Pairs: $($flip,)? pad_after ($ay, $ax), pad_before ($by, $bx), dilation ($dy, $dx),
                    stride ($sy, $sx), groups 2
            }

            #[test]
            fn images() {
                image_shapes!([$sy, $dy, $by, $ay], [$sx, $dx, $bx, $ax]; 6 7 3 2 5 9 1 4);
            }
        }
    )*};
}

images! {
    plain_plane: [1, 1, 0, 0] [1, 1, 0, 0];
    flipped_plane: [1, 1, 0, 0] [1, 1, 0, 0] flip;
    four_unlike_pads: [1, 1, 1, 2] [1, 1, 3, 0];
    strides: [2, 1, 0, 0] [3, 1, 0, 0];
    strides_and_four_unlike_pads: [3, 1, 2, 1] [2, 1, 0, 3];
    dilations: [1, 2, 0, 0] [1, 1, 0, 0];
    dilations_and_four_unlike_pads: [1, 1, 0, 1] [1, 2, 3, 2] flip;
    everything: [2, 2, 1, 2] [3, 2, 2, 0] flip;
    dilations_beyond_strides: [1, 2, 1, 0] [2, 3, 4, 1];
    cropped: [1, 1, -1, 2] [2, 1, 1, -2];
    far: [2, 1, 4, 5] [1, 1, 7, 6];
}

/// Each named padding on signals and images, at strides and dilations, in both directions.
macro_rules! named_paddings {
    ($($name:ident $padding:ident: $($s:literal $d:literal => $o9:literal $o6:literal)*;)*) => {$(
        #[test]
        fn $name() {
            $({
                window1d! { struct Along: stride $s, dilation $d, padding $padding }
                window2d! { struct Across: stride ($s, 1), padding $padding, dilation ($d, 1) }
                const W: usize = forward(6, 2, [1, 1, 0, 0]) + match Padding::$padding {
                    Padding::Valid => 0,
                    Padding::Half | Padding::Full => 2,
                    _ => 1,
                };
                conv_1d::<Along, _, _, _>([0_i8; 9], [0_i8; 3], [0_i32; $o9]);
                conv_1d::<Along, _, _, _>([[0_i8; 2]; 6], [[[0_i8; 2]; 2]; 3], [[0_i32; 3]; $o6]);
                conv_transpose_1d::<Along, _, _, _>([0_i8; $o9], [0_i8; 3], [0_i32; 9]);
                conv_transpose_1d::<Along, _, _, _>([[0_i8; 3]; $o6], [[[0_i8; 2]; 2]; 3], [[0_i32; 2]; 6]);
                depthwise_1d::<Along, _, _, _>([[0_i8; 2]; 9], [[0_i8; 2]; 3], [[0_i32; 2]; $o9]);
                conv_2d::<Across, _, _, _>([[0_i8; 6]; 9], [[0_i8; 2]; 3], [[0_i32; W]; $o9]);
                conv_transpose_2d::<Across, _, _, _>([[0_i8; W]; $o9], [[0_i8; 2]; 3], [[0_i32; 6]; 9]);
            })*
        }
    )*};
}

// Stride and dilation, the outputs of 9 samples with 3 taps, those of 6 with 2.
named_paddings! {
    valid Valid: 1 1 => 7 5 2 1 => 4 3 2 2 => 3 2 1 3 => 3 3;
    half Half: 1 1 => 9 7 2 1 => 5 4 2 2 => 5 3 3 1 => 3 3;
    full Full: 1 1 => 11 7 2 1 => 6 4 1 2 => 13 8 3 2 => 5 3;
    same_upper SameUpper: 1 1 => 9 6 2 1 => 5 3 2 2 => 5 3 4 1 => 3 2;
    same_lower SameLower: 1 1 => 9 6 2 1 => 5 3 1 3 => 9 6 4 1 => 3 2;
    causal Causal: 1 1 => 9 6 2 1 => 5 3 1 2 => 9 6 3 2 => 3 2;
}

window1d! { struct Skewed: stride 2, pad_before 1, pad_after 2 }
window2d! { struct SkewedPlane: stride (1, 2), pad_before (2, 1), pad_after (0, 1) }

macro_rules! every_element {
    ($name:ident, $input:ty, $kernel:ty, $accumulator:ty) => {
        #[test]
        fn $name() {
            let (x, w, a) = (<$input>::ZERO, <$kernel>::ZERO, <$accumulator>::ZERO);
            // One tap where the accumulator holds no more.
            const K: usize = if <$input as Multiply<$kernel, $accumulator>>::MAX_TAPS > 1 {
                3
            } else {
                1
            };
            const O: usize = forward(8, K as i64, [2, 1, 1, 2]);
            const OH: usize = forward(5, K as i64, [1, 1, 2, 0]);
            const OW: usize = forward(8, K as i64, [2, 1, 1, 1]);
            conv_1d::<Skewed, _, _, _>([x; 8], [w; K], [a; O]);
            conv_transpose_1d::<Skewed, _, _, _>([x; O], [w; K], [a; 8]);
            depthwise_1d::<Skewed, _, _, _>([[x; 3]; 8], [[w; 6]; K], [[a; 6]; O]);
            depthwise_transpose_1d::<Skewed, _, _, _>([[x; 3]; O], [[w; 3]; K], [[a; 3]; 8]);
            conv_2d::<SkewedPlane, _, _, _>([[x; 8]; 5], [[w; K]; K], [[a; OW]; OH]);
            conv_transpose_2d::<SkewedPlane, _, _, _>([[x; OW]; OH], [[w; K]; K], [[a; 8]; 5]);
            depthwise_2d::<SkewedPlane, _, _, _>(
                [[[x; 2]; 8]; 5],
                [[[w; 2]; K]; K],
                [[[a; 2]; OW]; OH],
            );
            depthwise_transpose_2d::<SkewedPlane, _, _, _>(
                [[[x; 2]; OW]; OH],
                [[[w; 2]; K]; K],
                [[[a; 2]; 8]; 5],
            );
        }
    };
}

mod every_element {
    use conv_core::element::Element;

    use super::*;
    use crate::support::for_every_pair;

    for_every_pair!(every_element);
}

/// The forms with a finish write the finish of what the plain forms write, channel by channel.
#[test]
fn with_a_finish() {
    let image = [[[3_i8, -5]; 4]; 3];
    let kernel = [[[[1_i8, 2]; 2]; 2], [[[-3, 1]; 2]; 2], [[[7, 7]; 2]; 2]];
    let mut sums = [[[0; 3]; 3]; 3];
    let mut stepped = [[[0_i16; 3]; 3]; 3];
    let values = [100, -100, 1000];
    SkewedPlane::conv(&[image[0], image[1]], &kernel, &mut sums);
    let step = bias(&values).clamp(-90, 900).to_q15(1);
    SkewedPlane::conv_with(&[image[0], image[1]], &kernel, &mut stepped, step);
    for (sum, found) in sums.as_flattened().iter().zip(stepped.as_flattened()) {
        for channel in 0..3 {
            let biased: i32 = (sum[channel] + values[channel]).clamp(-90, 900);
            assert_eq!(i32::from(found[channel]), (biased + 1) >> 1);
        }
    }

    static VALUES: [i32; 3] = [100, -100, 1000];
    type Step = RoundingShift<Clamp<Bias<'static, i32, 3>>, i16>;
    const STEP: Step = RoundingShift::new(Clamp::new(bias(&VALUES), -90, 900), 1);
    let mut by_constant = [[[0_i16; 3]; 3]; 3];
    SkewedPlane::conv_with(&[image[0], image[1]], &kernel, &mut by_constant, STEP);
    assert_eq!(by_constant, stepped);

    let mut back = [[[0; 2]; 4]; 3];
    let mut stepped = [[[0_u8; 2]; 4]; 3];
    let gradient = [[[9_i8, -8, 7]; 3]; 4];
    SkewedPlane::conv_transpose(&gradient, &kernel, &mut back);
    SkewedPlane::conv_transpose_with(
        &gradient,
        &kernel,
        &mut stepped,
        bias(&[5, 50]).relu().to_u8(2),
    );
    for (sum, found) in back.as_flattened().iter().zip(stepped.as_flattened()) {
        for channel in 0..2 {
            let biased: i32 = (sum[channel] + [5, 50][channel]).max(0);
            assert_eq!(i32::from(found[channel]), ((biased + 2) >> 2).min(255));
        }
    }

    let signal = [[1_i16, -2], [3, 4], [-5, 6], [7, 8]];
    let taps = [[1_i8, 3], [2, -4]];
    let (mut sums, mut stepped) = ([[0; 2]; 3], [[0_i8; 2]; 3]);
    Skewed::depthwise(&signal, &taps, &mut sums);
    Skewed::depthwise_with(&signal, &taps, &mut stepped, raw::<i32>().to_q7(0));
    assert_eq!(stepped.map(|pair| pair.map(i32::from)), sums);
    let (mut sums, mut stepped) = ([[0; 2]; 4], [[0_i32; 2]; 4]);
    let gradient = [signal[0], signal[1], signal[2]];
    Skewed::depthwise_transpose(&gradient, &taps, &mut sums);
    Skewed::depthwise_transpose_with(&gradient, &taps, &mut stepped, bias(&[1, -1]).to_q31(0));
    assert_eq!(stepped, sums.map(|[a, b]| [a + 1, b - 1]));

    let (mut sums, mut stepped) = ([0_i32; 3], [0_i32; 3]);
    Skewed::conv(&[1_i8, 2, 3, 4], &[5_i8, 6], &mut sums);
    Skewed::conv_with(
        &[1_i8, 2, 3, 4],
        &[5_i8, 6],
        &mut stepped,
        raw::<i32>().clamp(7, 30),
    );
    assert_eq!(stepped, sums.map(|sum| sum.clamp(7, 30)));
    let (mut sums, mut stepped) = ([0_i32; 4], [0_i32; 4]);
    Skewed::conv_transpose(&[1_i8, -2, 3], &[5_i8, 6], &mut sums);
    Skewed::conv_transpose_with(
        &[1_i8, -2, 3],
        &[5_i8, 6],
        &mut stepped,
        raw::<i32>().relu(),
    );
    assert_eq!(stepped, sums.map(|sum| sum.max(0)));

    let plane = [[[1_i8, 2]; 3]; 2];
    let taps = [[[4_i8, -7]; 2]; 1];
    let (mut sums, mut stepped) = ([[[0; 2]; 2]; 4], [[[0_i32; 2]; 2]; 4]);
    SkewedPlane::depthwise(&plane, &taps, &mut sums);
    SkewedPlane::depthwise_with(&plane, &taps, &mut stepped, bias(&[10, 20]));
    assert_eq!(stepped, sums.map(|row| row.map(|[a, b]| [a + 10, b + 20])));
    let (mut back, mut stepped) = ([[[0; 2]; 3]; 2], [[[0_i32; 2]; 3]; 2]);
    let gradient = [[[1_i8, 2]; 2]; 4];
    SkewedPlane::depthwise_transpose(&gradient, &taps, &mut back);
    SkewedPlane::depthwise_transpose_with(&gradient, &taps, &mut stepped, bias(&[10, 20]));
    assert_eq!(stepped, back.map(|row| row.map(|[a, b]| [a + 10, b + 20])));
}

/// `matrix` of a window is the map of its operations.
#[test]
fn matrices() {
    let kernel = [[1_i8, 2], [3, 4]];
    let image = [[1_i8, -2, 3, 4], [5, 6, -7, 8]];
    let matrix = <SkewedPlane as Window2d>::matrix(&kernel, 2, 4).expect("a legal extent");
    let (mut output, mut product) = ([[0_i32; 3]; 3], [0_i32; 9]);
    SkewedPlane::conv(&image, &kernel, &mut output);
    matrix
        .multiply(image.as_flattened(), &mut product)
        .expect("the same lengths");
    assert_eq!(output.as_flattened(), product);
    let (mut back, mut product) = ([[0_i32; 4]; 2], [0_i32; 8]);
    let gradient = [[1_i8, 2, 3], [4, 5, 6], [7, 8, 9]];
    SkewedPlane::conv_transpose(&gradient, &kernel, &mut back);
    let transposed = matrix.transposed();
    transposed
        .multiply(gradient.as_flattened(), &mut product)
        .expect("the same lengths");
    assert_eq!(back.as_flattened(), product);
    let error = <SkewedPlane as Window2d>::matrix(&[[1_i8; 2]; 5], 2, 4).expect_err("too tall");
    let words =
        "height: the dilated kernel extent is 5, expected at most the padded input extent 4";
    assert_eq!(error.to_string(), words);
}

/// A transposed layer whose weights have its own output channels first, as TFLite's.
#[test]
fn swapped_channels() {
    let ohwi = [[[[1_i8, 2, 3], [4, 5, 6]]], [[[7, 8, 9], [10, 11, 12]]]];
    let kernel: [[[[i8; 2]; 2]; 1]; 3] = swap_channels(&ohwi);
    for (o, by_output) in ohwi.iter().enumerate() {
        for (x, taps) in by_output[0].iter().enumerate() {
            for (i, weight) in taps.iter().enumerate() {
                assert_eq!(kernel[i][0][x][o], *weight);
            }
        }
    }
    assert_eq!(swap_channels(&kernel), ohwi);
}
