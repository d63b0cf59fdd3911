//! Typed layers of every kind, on signals and images, against the run-time form, which the oracle holds.

use conv_core::quantised::{
    Accumulate, Activation, Int4, Int4Depthwise, Int4Kernel, QuantConv1d, QuantConv2d,
    QuantConvTranspose1d, QuantConvTranspose2d, QuantDepthwise1d, QuantDepthwise2d,
    QuantDepthwiseTranspose1d, QuantDepthwiseTranspose2d, QuantOperation, QuantWeights,
    Quantisation, Requantisation,
};
use conv_core::requantise::{Double, Multiplier, Rounding, Single, Wide};
use conv_core::{Geometry, Window1d, Window2d, dynamic::Planar, window1d, window2d};
use conv_vectors::random::{Lcg, Spread};

window1d! { struct Signal: stride 2, pad_before 2, pad_after 1 }
window1d! { struct SignalGroups: dilation 2, pad 2, groups 2 }
window2d! { struct Image: stride (2, 3), dilation (1, 2), pad_before (1, 0), pad_after (0, 2) }
window2d! { struct ImageGroups: stride 2, pad 1, groups 2 }

/// An array from a generator, element by element in memory order.
trait Fill {
    fn fill(random: &mut Lcg) -> Self;
}

macro_rules! fill {
    ($($element:ty),*) => {$(
        impl Fill for $element {
            fn fill(random: &mut Lcg) -> Self {
                random.draw()
            }
        }
    )*};
}
fill!(i8, u8, i16);

impl<T: Fill, const N: usize> Fill for [T; N] {
    fn fill(random: &mut Lcg) -> Self {
        std::array::from_fn(|_| T::fill(random))
    }
}

const SCALES: [Multiplier; 3] = [
    Multiplier::from_scales(0.02, 0.01, 0.05).unwrap(),
    Multiplier::from_scales(0.02, 0.03, 0.05).unwrap(),
    Multiplier::from_scales(0.02, 0.017, 0.9).unwrap(),
];

/// What the run-time form gives.
fn expected<T, K, R, O, const D: usize>(
    operation: QuantOperation,
    geometry: &Geometry<D>,
    input: &[T],
    kernel: K,
    requantisation: &Requantisation<'_, R>,
) -> Vec<O>
where
    Geometry<D>: Planar,
    T: Activation,
    K: QuantWeights,
    R: Rounding<Accumulator: Accumulate>,
    O: Activation,
{
    let elements = match operation {
        QuantOperation::Conv | QuantOperation::Depthwise => geometry.output_elements(),
        _ => geometry.input_elements(),
    };
    let mut output = vec![O::ZERO; elements];
    let done = geometry.quantised(operation, input, kernel, &mut output, requantisation);
    done.unwrap();
    output
}

/// `name: layer<window>::constructor, rounding; input, kernel, channels => output; operation, map, weights of the kernel`.
macro_rules! layers {
    ($(
        $name:ident: $layer:ident<$window:ident, $element:ty>::$new:ident, $rounding:ident;
        $input:ty, $kernel:ty, $channels:literal => $output:ty;
        $operation:ident, $map:expr, |$k:ident| $weights:expr;
    )*) => {$(
        #[test]
        fn $name() {
            let mut random = Lcg::new(7).spread(Spread::Extremes);
            let geometry = $map.unwrap();
            for zero_point in [0, 3, 100] {
                let quantisation = Quantisation::new(zero_point, 7).with_clamp(-90, 101);
                let wide = <$element>::GREATEST > 255;
                if wide && zero_point != 0 {
                    continue;
                }
                let $k: $kernel = Kernel::kernel(&mut random);
                let bias = std::array::from_fn(|channel| <$rounding as Rounding>::Accumulator::from(1000 * channel as i32));
                let scales = std::array::from_fn(|channel| SCALES[channel % SCALES.len()]);
                let layer = $layer::<$window, $element, $kernel, $rounding, $channels>::$new(
                    $k, bias, scales, quantisation,
                );
                let input: $input = Fill::fill(&mut random);
                let mut output: $output = Fill::fill(&mut random);
                layer.run(&input, &mut output, &mut layer.scratch());
                let requantisation = Requantisation::<$rounding> {
                    bias: Some(&bias),
                    scales: &scales,
                    quantisation,
                };
                let operation = QuantOperation::$operation;
                let flat = conv_core::shape::Array::elements(&input);
                let found = conv_core::shape::Array::elements(&output);
                let expected = expected(operation, &geometry, flat, $weights, &requantisation);
                assert_eq!(found, expected, "zero point {zero_point}");
                assert!(found.iter().any(|&value| value != found[0]), "{found:?}");
            }
        }
    )*};
}

/// A kernel array from a generator.
trait Kernel {
    fn kernel(random: &mut Lcg) -> Self;
}

impl<T: Fill, const N: usize> Kernel for [T; N] {
    fn kernel(random: &mut Lcg) -> Self {
        Fill::fill(random)
    }
}

impl<const CI: usize, const KW: usize, const KH: usize, const CO: usize, const BYTES: usize> Kernel
    for Int4Kernel<CI, KW, KH, CO, BYTES>
{
    fn kernel(random: &mut Lcg) -> Self {
        Self(Fill::fill(random))
    }
}

impl<const C: usize, const KW: usize, const KH: usize, const BYTES: usize> Kernel
    for Int4Depthwise<C, KW, KH, BYTES>
{
    fn kernel(random: &mut Lcg) -> Self {
        Self(Fill::fill(random))
    }
}

fn direct_1d<M: Window1d>(k: usize, x: usize, channels: [usize; 3]) -> Map<1> {
    let axis = M::LENGTH.axis(k, x).unwrap();
    Geometry::direct([axis], [x], channels[0], channels[1], channels[2])
}

fn transposed_1d<M: Window1d>(k: usize, [y, x]: [usize; 2], channels: [usize; 3]) -> Map<1> {
    let axis = M::LENGTH.axis(k, x).unwrap();
    Geometry::transposed([axis], [y], [x], channels[0], channels[1], channels[2])
}

fn axes_2d<M: Window2d>(k: [usize; 2], x: [usize; 2]) -> [conv_core::Axis; 2] {
    [
        M::HEIGHT.axis(k[0], x[0]).unwrap(),
        M::WIDTH.axis(k[1], x[1]).unwrap(),
    ]
}

fn direct_2d<M: Window2d>(k: [usize; 2], x: [usize; 2], channels: [usize; 3]) -> Map<2> {
    let [inputs, outputs, groups] = channels;
    Geometry::direct(axes_2d::<M>(k, x), x, inputs, outputs, groups)
}

fn transposed_2d<M: Window2d>(
    k: [usize; 2],
    [y, x]: [[usize; 2]; 2],
    channels: [usize; 3],
) -> Map<2> {
    let [inputs, outputs, groups] = channels;
    Geometry::transposed(axes_2d::<M>(k, x), y, x, inputs, outputs, groups)
}

type Map<const D: usize> = Result<Geometry<D>, conv_core::Error>;

layers! {
    conv_1d: QuantConv1d<Signal, i8>::new, Double;
        [[i8; 3]; 9], [[[i8; 3]; 4]; 2], 2 => [[i8; 2]; 5];
        Conv, direct_1d::<Signal>(4, 9, [3, 2, 1]), |k| k.as_flattened().as_flattened();
    conv_1d_of_one_channel: QuantConv1d<Signal, u8>::new, Single;
        [u8; 9], [[[i8; 1]; 4]; 1], 1 => [i8; 5];
        Conv, direct_1d::<Signal>(4, 9, [1, 1, 1]), |k| k.as_flattened().as_flattened();
    conv_1d_grouped_packed: QuantConv1d<SignalGroups, u8>::packed, Single;
        [[u8; 4]; 7], Int4Kernel<2, 3, 1, 6, 18>, 6 => [[i8; 6]; 7];
        Conv, direct_1d::<SignalGroups>(3, 7, [4, 6, 2]), |k| Int4::new(&k.0, 36).unwrap();
    conv_1d_wide: QuantConv1d<Signal, i16>::wide, Wide;
        [[i16; 3]; 9], [[[i8; 3]; 4]; 2], 2 => [[i16; 2]; 5];
        Conv, direct_1d::<Signal>(4, 9, [3, 2, 1]), |k| k.as_flattened().as_flattened();
    conv_1d_packed_wide: QuantConv1d<SignalGroups, i16>::packed_wide, Wide;
        [[i16; 4]; 7], Int4Kernel<2, 3, 1, 6, 18>, 6 => [[i16; 6]; 7];
        Conv, direct_1d::<SignalGroups>(3, 7, [4, 6, 2]), |k| Int4::new(&k.0, 36).unwrap();
    depthwise_1d: QuantDepthwise1d<Signal, i8>::new, Double;
        [[i8; 2]; 9], [[i8; 6]; 4], 6 => [[i8; 6]; 5];
        Depthwise, direct_1d::<Signal>(4, 9, [2, 6, 2]), |k| k.as_flattened();
    depthwise_1d_packed: QuantDepthwise1d<Signal, i8>::packed, Double;
        [[i8; 3]; 9], Int4Depthwise<3, 4, 1, 6>, 3 => [[i8; 3]; 5];
        Depthwise, direct_1d::<Signal>(4, 9, [3, 3, 3]), |k| Int4::new(&k.0, 12).unwrap();
    conv_transpose_1d: QuantConvTranspose1d<Signal, i8>::new, Double;
        [[i8; 3]; 5], [[[i8; 3]; 4]; 2], 2 => [[i8; 2]; 9];
        ConvTranspose, transposed_1d::<Signal>(4, [5, 9], [2, 3, 1]), |k| k.as_flattened().as_flattened();
    conv_transpose_1d_grouped_wide: QuantConvTranspose1d<SignalGroups, i16>::wide, Wide;
        [[i16; 6]; 7], [[[i8; 3]; 3]; 4], 4 => [[i16; 4]; 7];
        ConvTranspose, transposed_1d::<SignalGroups>(3, [7, 7], [4, 6, 2]), |k| k.as_flattened().as_flattened();
    depthwise_transpose_1d: QuantDepthwiseTranspose1d<Signal, i8>::new, Double;
        [[i8; 6]; 5], [[i8; 6]; 4], 2 => [[i8; 2]; 9];
        DepthwiseTranspose, transposed_1d::<Signal>(4, [5, 9], [2, 6, 2]), |k| k.as_flattened();
    conv_2d_grouped: QuantConv2d<ImageGroups, i8>::new, Single;
        [[[i8; 4]; 6]; 5], [[[[i8; 2]; 3]; 3]; 6], 6 => [[[i8; 6]; 3]; 3];
        Conv, direct_2d::<ImageGroups>([3, 3], [5, 6], [4, 6, 2]), |k| k.as_flattened().as_flattened().as_flattened();
    conv_2d_packed: QuantConv2d<Image, u8>::packed, Double;
        [[[u8; 3]; 7]; 6], Int4Kernel<3, 3, 2, 3, 27>, 3 => [[[i8; 3]; 2]; 3];
        Conv, direct_2d::<Image>([2, 3], [6, 7], [3, 3, 1]), |k| Int4::new(&k.0, 54).unwrap();
    depthwise_2d: QuantDepthwise2d<Image, i8>::new, Double;
        [[[i8; 2]; 7]; 6], [[[i8; 4]; 3]; 2], 4 => [[[i8; 4]; 2]; 3];
        Depthwise, direct_2d::<Image>([2, 3], [6, 7], [2, 4, 2]), |k| k.as_flattened().as_flattened();
    conv_transpose_2d_grouped: QuantConvTranspose2d<ImageGroups, i8>::new, Double;
        [[[i8; 6]; 3]; 3], [[[[i8; 3]; 3]; 3]; 4], 4 => [[[i8; 4]; 6]; 5];
        ConvTranspose, transposed_2d::<ImageGroups>([3, 3], [[3, 3], [5, 6]], [4, 6, 2]),
        |k| k.as_flattened().as_flattened().as_flattened();
    conv_transpose_2d_packed: QuantConvTranspose2d<Image, i8>::packed, Double;
        [[[i8; 3]; 2]; 3], Int4Kernel<3, 3, 2, 3, 27>, 3 => [[[i8; 3]; 7]; 6];
        ConvTranspose, transposed_2d::<Image>([2, 3], [[3, 2], [6, 7]], [3, 3, 1]), |k| Int4::new(&k.0, 54).unwrap();
    depthwise_transpose_2d: QuantDepthwiseTranspose2d<Image, i8>::new, Single;
        [[[i8; 4]; 2]; 3], [[[i8; 4]; 3]; 2], 2 => [[[i8; 2]; 7]; 6];
        DepthwiseTranspose, transposed_2d::<Image>([2, 3], [[3, 2], [6, 7]], [2, 4, 2]), |k| k.as_flattened().as_flattened();
    depthwise_transpose_2d_wide: QuantDepthwiseTranspose2d<Image, i16>::wide, Wide;
        [[[i16; 2]; 2]; 3], [[[i8; 2]; 3]; 2], 2 => [[[i16; 2]; 7]; 6];
        DepthwiseTranspose, transposed_2d::<Image>([2, 3], [[3, 2], [6, 7]], [2, 2, 2]), |k| k.as_flattened().as_flattened();
}

/// The weights of a transposed layer meet in one output by phase: all taps together could overflow, none of four does.
#[test]
fn a_transposed_layer_is_refused_by_phase_alone() {
    window2d! { struct Twice: stride 2, pad 1 }
    type Kernel = [[[[i8; 16]; 4]; 4]; 1];
    // 16 taps of 2,000 in all, of which 4 meet: 16·2,000·32,768 > 2³¹ > 4·2,000·32,768.
    static LAYER: QuantConvTranspose2d<Twice, i16, Kernel, Single, 1> = QuantConvTranspose2d::new(
        [[[[125; 16]; 4]; 4]; 1],
        [0],
        [Multiplier::from_scale(1e-5).unwrap()],
        Quantisation::new(0, 0),
    );
    let mut output = [[0_i16; 4]; 4];
    LAYER.run(&[[[i16::MAX; 16]; 2]; 2], &mut output, &mut LAYER.scratch());
    assert_eq!(output[1][1], 2621); // 4·16·125·32,767·10⁻⁵
}
