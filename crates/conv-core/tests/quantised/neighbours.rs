//! Typed depthwise and fully connected layers, whose channels a core's kernels may compute side by side, over many shapes
//! against the run-time form, which runs on the loops that every core has and is itself held to the oracle.

use conv_core::quantised::{
    Activation, QuantDepthwise2d, QuantFullyConnected, QuantOperation, Quantisation, Requantisation,
};
use conv_core::requantise::{Double, Multiplier, Rounding, Single};
use conv_core::shape::Array;
use conv_core::{Geometry, Window, Window2d, window2d};

window2d! { struct Plain }
window2d! { struct Same: pad 1 }
window2d! { struct Half: stride 2, pad_before 1, pad_after 0 }
window2d! { struct Wide: stride (1, 3), pad_before (3, 0), pad_after (0, 4) }
window2d! { struct Sparse: dilation (2, 1), stride (2, 1), pad_before (2, 1), pad_after (1, 2) }
window2d! { struct Holes: dilation (1, 3), pad_before (1, 4), pad_after (2, 3) }
window2d! { struct Far: pad_before (4, 5), pad_after (5, 4) }
window2d! { struct Flipped: pad_before (1, 0), pad_after (0, 1), flip }
window2d! { struct Cropped: pad_before (-1, 1), pad_after (0, -2) }

/// What elements are drawn from.
#[derive(Clone, Copy, Debug)]
enum Draw {
    Any,
    /// The least and the greatest value.
    Ends,
    /// The least value alone.
    Least,
}

/// A generator of bytes.
struct Bytes(u32, Draw);

impl Bytes {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match (self.1, self.0 >> 31) {
            (Draw::Any, _) => (self.0 >> 24) as u8,
            (Draw::Ends, 1) => 0x7f,
            (Draw::Ends, _) | (Draw::Least, _) => 0x80,
        }
    }
}

/// Outputs between guards.
#[repr(C)]
struct Guarded<A> {
    before: [u8; 8],
    output: A,
    after: [u8; 8],
}

const GUARD: [u8; 8] = *b"guarding";

/// Scales whose short form is exact, right shifts 1 to 9.
fn scales<const N: usize>() -> [Multiplier; N] {
    core::array::from_fn(|channel| Multiplier {
        multiplier: (1 << 30) + 12_345_678 * (channel as i32 % 80),
        shift: -1 - (channel as i32 * 5 % 9),
    })
}

fn biases<const N: usize>() -> [i32; N] {
    core::array::from_fn(|channel| (channel as i32 * 7919) % 3001 - 1500)
}

/// An input, a clamp and a zero point for each kind of draw.
fn settings() -> impl Iterator<Item = (Draw, Quantisation)> {
    [Draw::Any, Draw::Ends, Draw::Least]
        .into_iter()
        .flat_map(|draw| {
            let clamped = Quantisation::new(100, -3).with_clamp(-90, 101);
            [Quantisation::new(0, 0), clamped].map(|quantisation| (draw, quantisation))
        })
}

/// Runs a layer between guards, and the run-time form.
fn compare<T, O, R, const N: usize>(
    bytes: &mut Bytes,
    geometry: &Geometry<2>,
    operation: QuantOperation,
    input: &[T],
    kernel: &[i8],
    quantisation: Quantisation,
    run: impl FnOnce(&mut O),
) where
    T: Activation,
    O: Array<Element = i8> + Drawn + Copy,
    R: Rounding<Accumulator = i32, Scale = Multiplier>,
{
    let draw = bytes.1;
    let mut expected = O::drawn(bytes);
    let mut guarded = Guarded {
        before: GUARD,
        output: expected,
        after: GUARD,
    };
    run(&mut guarded.output);
    let requantisation = Requantisation::<R> {
        bias: Some(&biases::<N>()),
        scales: &scales::<N>(),
        quantisation,
    };
    let done = geometry.quantised(
        operation,
        input,
        kernel,
        expected.elements_mut(),
        &requantisation,
    );
    done.unwrap();
    assert_eq!(
        guarded.output.elements(),
        expected.elements(),
        "{draw:?} {quantisation:?} {geometry:?}"
    );
    assert_eq!([guarded.before, guarded.after], [GUARD; 2], "{geometry:?}");
}

/// Elements and arrays from a generator.
trait Drawn {
    fn drawn(bytes: &mut Bytes) -> Self;
}

impl Drawn for u8 {
    fn drawn(bytes: &mut Bytes) -> Self {
        bytes.next()
    }
}

impl Drawn for i8 {
    fn drawn(bytes: &mut Bytes) -> Self {
        bytes.next() as Self
    }
}

impl<T: Drawn, const N: usize> Drawn for [T; N] {
    fn drawn(bytes: &mut Bytes) -> Self {
        core::array::from_fn(|_| T::drawn(bytes))
    }
}

/// Outputs along one axis.
const fn targets(window: Window, kernel: usize, input: usize) -> usize {
    let Ok(axis) = window.axis(kernel, input) else {
        panic!("no axis")
    };
    let Ok(targets) = axis.output(input) else {
        panic!("no output")
    };
    targets
}

/// A layer of `C` input channels and `m` times as many outputs.
macro_rules! depthwise {
    ($window:ident, $element:ty, $rounding:ident, [$h:literal, $w:literal], [$kh:literal, $kw:literal], $c:literal, $m:literal) => {{
        const OH: usize = targets($window::HEIGHT, $kh, $h);
        const OW: usize = targets($window::WIDTH, $kw, $w);
        const CO: usize = $c * $m;
        type Kernel = [[[i8; CO]; $kw]; $kh];
        let axes = [
            $window::HEIGHT.axis($kh, $h).unwrap(),
            $window::WIDTH.axis($kw, $w).unwrap(),
        ];
        let geometry = Geometry::direct(axes, [$h, $w], $c, CO, $c).unwrap();
        let geometry = geometry.with_orientation($window::ORIENTATION);
        for (draw, quantisation) in settings() {
            let mut bytes = Bytes(7, draw);
            let kernel: Kernel = Drawn::drawn(&mut bytes);
            let input: [[[$element; $c]; $w]; $h] = Drawn::drawn(&mut bytes);
            let layer = QuantDepthwise2d::<$window, $element, Kernel, $rounding, CO>::new(
                kernel,
                biases(),
                scales(),
                quantisation,
            );
            compare::<_, [[[i8; CO]; OW]; OH], $rounding, CO>(
                &mut bytes,
                &geometry,
                QuantOperation::Depthwise,
                input.as_flattened().as_flattened(),
                kernel.as_flattened().as_flattened(),
                quantisation,
                |output| layer.run(&input, output, &mut layer.scratch()),
            );
        }
    }};
}

/// One shape with many numbers of channels.
macro_rules! shape {
    ($window:ident, $input:tt, $kernel:tt) => {
        depthwise!($window, i8, Double, $input, $kernel, 1, 1);
        depthwise!($window, i8, Double, $input, $kernel, 2, 1);
        depthwise!($window, i8, Double, $input, $kernel, 3, 1);
        depthwise!($window, i8, Double, $input, $kernel, 4, 1);
        depthwise!($window, i8, Double, $input, $kernel, 5, 1);
        depthwise!($window, i8, Double, $input, $kernel, 6, 1);
        depthwise!($window, i8, Double, $input, $kernel, 8, 1);
        depthwise!($window, i8, Double, $input, $kernel, 11, 1);
        depthwise!($window, u8, Double, $input, $kernel, 3, 1);
        depthwise!($window, u8, Double, $input, $kernel, 9, 1);
        depthwise!($window, i8, Single, $input, $kernel, 1, 1);
        depthwise!($window, i8, Single, $input, $kernel, 7, 1);
        depthwise!($window, u8, Single, $input, $kernel, 8, 1);
        depthwise!($window, i8, Double, $input, $kernel, 1, 3);
        depthwise!($window, i8, Double, $input, $kernel, 3, 2);
        depthwise!($window, u8, Double, $input, $kernel, 2, 5);
        depthwise!($window, i8, Single, $input, $kernel, 4, 4);
    };
}

/// Shapes whose windows lie in the input as a whole, in part, and not at all.
#[test]
pub(crate) fn depthwise_layers() {
    shape!(Plain, [3, 3], [3, 3]);
    shape!(Same, [1, 1], [3, 3]);
    shape!(Same, [4, 5], [3, 3]);
    shape!(Same, [3, 1], [2, 2]);
    shape!(Half, [6, 7], [3, 3]);
    shape!(Half, [4, 6], [1, 5]);
    shape!(Wide, [2, 7], [3, 2]);
    shape!(Sparse, [5, 4], [3, 3]);
    shape!(Holes, [4, 5], [2, 3]);
    shape!(Far, [2, 2], [3, 2]);
    shape!(Flipped, [5, 5], [3, 4]);
    shape!(Cropped, [5, 6], [2, 3]);
    shape!(Plain, [1, 6], [1, 1]);
}

/// A layer of some inputs and outputs.
macro_rules! connected {
    ($element:ty, $rounding:ident, $ci:literal, $co:literal) => {{
        let axes = [Plain::HEIGHT.axis(1, 1).unwrap(); 2];
        let geometry = Geometry::direct(axes, [1, 1], $ci, $co, 1).unwrap();
        for (draw, quantisation) in settings() {
            let mut bytes = Bytes(7, draw);
            let kernel: [[i8; $ci]; $co] = Drawn::drawn(&mut bytes);
            let input: [$element; $ci] = Drawn::drawn(&mut bytes);
            let layer = QuantFullyConnected::<$element, [[i8; $ci]; $co], $rounding, $co>::new(
                kernel,
                biases(),
                scales(),
                quantisation,
            );
            compare::<_, [i8; $co], $rounding, $co>(
                &mut bytes,
                &geometry,
                QuantOperation::Conv,
                &input,
                kernel.as_flattened(),
                quantisation,
                |output| layer.run(&input, output),
            );
        }
    }};
}

/// One number of inputs with some of outputs.
macro_rules! inputs {
    ($($ci:literal),*) => {$(
        connected!(i8, Double, $ci, 1);
        connected!(i8, Double, $ci, 3);
        connected!(i8, Double, $ci, 4);
        connected!(i8, Double, $ci, 7);
        connected!(u8, Double, $ci, 5);
        connected!(u8, Single, $ci, 2);
        connected!(i8, Single, $ci, 9);
    )*};
}

/// Every number of inputs up to two steps of the loop and what is left over.
#[test]
pub(crate) fn fully_connected_layers() {
    inputs!(
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 23, 64
    );
}
