//! Golden results: what a plan computes today it computes tomorrow, to the bit.
//!
//! That results are right is the oracle's to say, in the other tests; this one holds that they stay. `golden.txt` has a
//! line for each case: what is computed, of which shape, and the FNV-1a hash of the output's little-endian bytes in the
//! order of `Nchw`.
//!
//! ```text
//! direct i8-i8-i32 n2 g3 c3-9 reflect flipped 4k2s1d1p0,-1 7k3s2d2p1,3 0123456789abcdef
//! ```
//!
//! is the direct operation on two images, in three groups that lead from 3 channels to 9, with reflection at the
//! boundary and a flipped kernel; along the height the input's extent is 4, the kernel's 2, stride and dilation are 1, and
//! the pads 0 before and −1 after. A transposed operation is named by the direct one whose transpose it is.
//!
//! Products are rounded; a line that begins with `fused` has what [`Products::Fused`] gives for floats.
//!
//! Each case runs in both layouts, at every SIMD level, on one thread and on three: all give the same hash. With
//! `CONV_BLESS` in the environment the test writes the file; `cargo xtask vectors --bless` sets it.

mod common;

use std::any::type_name;
use std::fmt::Write;
use std::fs;
use std::sync::Arc;

use common::layer::anchor_scale;
use common::{Setting, conv, conv_transpose};
use conv_std::finish::{Finish, raw};
use conv_std::ndarray::{Array, Dimension};
use conv_std::quantised::{
    Double, HalfAway, HalfEven, Quantisation, Rounding, Single, Wide, WideHalfAway,
};
use conv_std::rayon::{ThreadPool, ThreadPoolBuilder};
use conv_std::{
    Boundary, Builder, ConvTranspose, Error, Finishing, Layout, Number, Operand, Operation,
    Orientation, Padding, Plan, Products, Rank, SimdLevel, Spatial, Tensor,
};
use conv_vectors::hash::Hash;
use conv_vectors::oracle::Axis;
use conv_vectors::random::{Draw, Lcg, Spread};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden.txt");

#[test]
fn every_case_is_as_committed() {
    let mut golden = Golden::new();
    for products in [Products::Rounded, Products::Fused] {
        golden.products = products;
        every_pair_of_elements(&mut golden);
        signals_and_volumes(&mut golden);
        gradients_of_images(&mut golden);
        named_paddings(&mut golden);
        finishes(&mut golden);
        quantised_layers(&mut golden);
        work_for_threads(&mut golden);
    }
    many_channels(&mut golden);
    if std::env::var_os("CONV_BLESS").is_some() {
        fs::write(FILE, golden.lines.join("\n") + "\n").unwrap();
        return;
    }
    let expected = fs::read_to_string(FILE).unwrap_or_default();
    let differences = differences(&golden.lines, &expected);
    assert!(
        differences.is_empty(),
        "{FILE}, which `cargo xtask vectors --bless` writes where a change is meant:\n{}",
        differences.join("\n")
    );
}

/// The cases so far, and what they run on.
struct Golden {
    pools: [Arc<ThreadPool>; 2],
    products: Products,
    lines: Vec<String>,
}

impl Golden {
    fn new() -> Self {
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build();
        Self {
            pools: [1, 3].map(|threads| Arc::new(pool(threads).unwrap())),
            products: Products::Rounded,
            lines: Vec::new(),
        }
    }

    /// One case, computed in every way: what `build` builds and what `run` then does with tensors that it brings into
    /// the layout. In `setting` channels are outermost.
    fn case<O, T, W, A, F, V, const D: usize>(
        &mut self,
        name: &str,
        setting: &Setting<D>,
        build: impl for<'w> Fn(&Setting<D>, &'w Array<W, Tensor<D>>) -> Builder<'w, O, T, W, A, F, D>,
        run: impl Fn(&Plan<O, T, W, A, F, D>, Layout) -> Result<Array<V, Tensor<D>>, Error>,
    ) where
        Rank<D>: Spatial,
        O: Operation<D>,
        T: Operand<W, A>,
        W: Number + Draw,
        A: Number,
        F: Finishing<A>,
        V: Bytes,
    {
        let elements = elements::<T, W, A>();
        let is_fused = self.products == Products::Fused;
        if is_fused && !type_name::<A>().starts_with('f') {
            // Integers ignore it.
            return;
        }
        let mut name = format!("{name} {elements} {}", notation(setting));
        if is_fused {
            name.insert_str(0, "fused ");
        }
        let weights = setting.weight_array::<W>();
        let mut expected = None;
        for layout in [Layout::Nchw, Layout::Nhwc] {
            let weights = arranged(layout, &weights);
            let setting = Setting {
                layout,
                products: self.products,
                ..setting.clone()
            };
            for level in SimdLevel::available() {
                for pool in &self.pools {
                    let plan = build(&setting, &weights).simd(level).threads(pool).build();
                    let output = plan.and_then(|plan| run(&plan, layout));
                    let output = output.unwrap_or_else(|error| panic!("case {name}: {error}"));
                    let found = hash(layout, output);
                    let expected = *expected.get_or_insert(found);
                    let threads = pool.current_num_threads();
                    assert!(
                        found == expected,
                        "case {name} in {layout:?} by {level} on {threads} threads: {found:016x}, \
                         expected {expected:016x}"
                    );
                }
            }
        }
        let hash = expected.unwrap();
        self.lines.push(format!("{name} {hash:016x}"));
    }
}

/// How the found lines differ from the committed ones: every other hash, up to the first case that is another one.
fn differences(found: &[String], expected: &str) -> Vec<String> {
    let expected: Vec<&str> = expected.lines().collect();
    let mut differences = Vec::new();
    for index in 0..found.len().max(expected.len()) {
        let split = |line: &str| {
            let (name, hash) = line.rsplit_once(' ').unwrap_or((line, ""));
            (name.to_owned(), hash.to_owned())
        };
        let found = found.get(index).map(|line| split(line));
        match (found, expected.get(index).map(|line| split(line))) {
            (found, expected) if found == expected => continue,
            (Some((name, found)), Some((same, expected))) if name == same => {
                differences.push(format!("case {name}: {found}, expected {expected}"));
                continue;
            }
            (Some((name, _)), Some((other, _))) => {
                differences.push(format!("case {name} stands where {other} is expected"));
            }
            (Some((name, _)), None) => differences.push(format!("case {name} is not expected")),
            (None, Some((name, _))) => differences.push(format!("case {name} is missing")),
            (None, None) => {}
        }
        break;
    }
    differences
}

#[test]
fn another_hash_number_or_order_of_cases_is_a_difference() {
    let found = ["a 1 00ff", "b 1 00fe"].map(String::from);
    let of = |expected| differences(&found, expected).join("; ");
    assert_eq!(of("a 1 00ff\nb 1 00fe\n"), "");
    assert_eq!(of("a 1 00ff\nb 1 00fd\n"), "case b 1: 00fe, expected 00fd");
    assert_eq!(
        of("a 1 00f0\nb 1 00f0\n"),
        "case a 1: 00ff, expected 00f0; case b 1: 00fe, expected 00f0"
    );
    assert_eq!(
        of("b 1 00fe\na 1 00ff\n"),
        "case a 1 stands where b 1 is expected"
    );
    assert_eq!(of("a 1 00ff\n"), "case b 1 is not expected");
    assert_eq!(of("a 1 00ff\nb 1 00fe\nc 1 00fd\n"), "case c 1 is missing");
    assert_eq!(of(""), "case a 1 is not expected");
}

/// Numbers of an output, as bytes to hash.
trait Bytes: Number {
    fn write(self, hash: &mut Hash);
}

macro_rules! bytes {
    ($($number:ty),*) => {$(
        impl Bytes for $number {
            fn write(self, hash: &mut Hash) {
                hash.write(&self.to_le_bytes());
            }
        }
    )*};
}
bytes!(i8, u8, i16, i32, i64, i128, f32, f64);

fn elements<T, W, A>() -> String {
    [type_name::<T>(), type_name::<W>(), type_name::<A>()].join("-")
}

fn notation<const D: usize>(setting: &Setting<D>) -> String {
    let Setting {
        batch,
        groups,
        inputs,
        outputs,
        boundary,
        ..
    } = setting;
    let boundary = format!("{boundary:?}").to_lowercase();
    let mut text = format!("n{batch} g{groups} c{inputs}-{outputs} {boundary}");
    if setting.orientation == Orientation::Convolution {
        text += " flipped";
    }
    for axis in &setting.axes {
        let Axis {
            input,
            kernel,
            stride,
            dilation,
            pad_before,
            pad_after,
        } = axis;
        write!(
            text,
            " {input}k{kernel}s{stride}d{dilation}p{pad_before},{pad_after}"
        )
        .unwrap();
    }
    text
}

/// A tensor with channels outermost, in the order of axes of a layout.
fn arranged<V: Clone, N: Dimension>(layout: Layout, tensor: &Array<V, N>) -> Array<V, N> {
    let mut axes: Vec<usize> = (0..tensor.ndim()).collect();
    if layout == Layout::Nhwc {
        axes[1..].rotate_left(1);
    }
    let turned = tensor.clone().into_dyn().permuted_axes(axes);
    turned.into_dimensionality().unwrap()
}

/// The hash of a tensor of this layout, read with channels outermost.
fn hash<V: Bytes, N: Dimension>(layout: Layout, tensor: Array<V, N>) -> u64 {
    let mut axes: Vec<usize> = (0..tensor.ndim()).collect();
    if layout == Layout::Nhwc {
        axes[1..].rotate_right(1);
    }
    let mut hash = Hash::new();
    let turned = tensor.into_dyn().permuted_axes(axes);
    turned.iter().for_each(|value| value.write(&mut hash));
    hash.finish()
}

/// Groups, input and output channels of each, and extent and stride along the last axis. Channels are just off the
/// register blocks of 16, and either way there are runs of outputs for each of those of 64, 32, 16, 4 and 1.
const SHAPES: [(usize, usize, usize, usize, usize); 12] = [
    (1, 1, 1, 150, 1),
    (1, 1, 33, 26, 1),
    (1, 3, 17, 5, 2),
    (1, 3, 1, 79, 1),
    (2, 17, 3, 23, 1),
    (1, 17, 33, 7, 1),
    (17, 1, 1, 26, 1),
    (1, 1, 3, 41, 1),
    (1, 33, 1, 35, 2),
    (33, 1, 1, 19, 3),
    (3, 3, 9, 8, 1),
    (3, 1, 2, 37, 1),
];

/// A setting of every shape, everything else drawn, by the name of what they are for.
fn settings<const D: usize>(name: &str) -> impl Iterator<Item = Setting<D>> {
    let mut seed = Hash::new();
    seed.write(name.as_bytes());
    let mut random = Lcg::new(seed.finish() as u32);
    SHAPES
        .into_iter()
        .map(move |(groups, inputs, outputs, extent, stride)| {
            loop {
                let mut setting = drawn::<D>(&mut random);
                (setting.groups, setting.inputs, setting.outputs) = (groups, inputs, outputs);
                setting.axes[D - 1] = Axis {
                    input: extent,
                    stride,
                    ..setting.axes[D - 1]
                };
                if setting.output_extents().is_some() {
                    return setting;
                }
            }
        })
}

fn drawn<const D: usize>(random: &mut Lcg) -> Setting<D> {
    let axes = [(); D].map(|()| {
        let kernel = 1 + random.below(3);
        Axis::new(3 + random.below(4), kernel)
            .stride(1 + random.below(kernel))
            .dilation(1 + random.below(2))
            .pad(random.below(4) as isize - 1, random.below(4) as isize - 1)
    });
    Setting {
        batch: 1 + random.below(2),
        orientation: [Orientation::Correlation, Orientation::Convolution][random.below(2)],
        boundary: [
            Boundary::Zero,
            Boundary::Reflect,
            Boundary::Replicate,
            Boundary::Circular,
        ][random.below(4)],
        seed: random.next_u32(),
        // Exponents far apart: another order gives other bits.
        spread: Spread::Full,
        ..Setting::new(axes)
    }
}

/// The transposed operation knows no other boundary.
fn zeros<const D: usize>(setting: &Setting<D>) -> Setting<D> {
    Setting {
        boundary: Boundary::Zero,
        ..setting.clone()
    }
}

/// The transposed operation that leads from the output of the direct one back to its input.
fn back<'w, T, W, A: Number, const D: usize>(
    setting: &Setting<D>,
    weights: &'w Array<W, Tensor<D>>,
) -> ConvTranspose<'w, T, W, A, D>
where
    Rank<D>: Spatial,
{
    conv_transpose(setting, weights).output_size(setting.extents())
}

/// The direct operation of a setting: what `$build` makes of a builder and of a bias for its channels.
macro_rules! direct {
    ($golden:expr, $name:expr, $setting:expr, $input:ty, $kernel:ty => $accumulator:ty,
     |$builder:ident, $bias:ident| $build:expr) => {{
        let setting = $setting;
        let x = setting.x_array::<$input>();
        let $bias = setting.bias::<$accumulator>(setting.groups * setting.outputs);
        $golden.case(
            concat!("direct", $name),
            setting,
            |setting, weights| {
                let $builder = conv::<$input, $kernel, $accumulator, _>(setting, weights);
                $build
            },
            |plan, layout| plan.run(arranged(layout, &x).view()),
        );
    }};
}

/// The transposed one.
macro_rules! transposed {
    ($golden:expr, $name:expr, $setting:expr, $input:ty, $kernel:ty => $accumulator:ty,
     |$builder:ident, $bias:ident| $build:expr) => {{
        let setting = zeros($setting);
        let y = setting.y_array::<$input>(setting.output_extents().unwrap());
        let $bias = setting.bias::<$accumulator>(setting.groups * setting.inputs);
        $golden.case(
            concat!("transposed", $name),
            &setting,
            |setting, weights| {
                let $builder = back::<$input, $kernel, $accumulator, _>(setting, weights);
                $build
            },
            |plan, layout| plan.run(arranged(layout, &y).view()),
        );
    }};
}

macro_rules! both {
    ($($arguments:tt)*) => {
        direct!($($arguments)*);
        transposed!($($arguments)*);
    };
}

fn with_bias<T, W, A, const D: usize>(golden: &mut Golden, setting: &Setting<D>)
where
    Rank<D>: Spatial,
    T: Operand<W, A> + Draw,
    W: Number + Draw,
    A: Bytes + From<i8>,
{
    both!(golden, "", setting, T, W => A, |builder, bias| builder.bias(&bias));
}

fn every_pair_of_elements(golden: &mut Golden) {
    macro_rules! pairs {
        ($($input:ty, $kernel:ty => $accumulator:ty;)*) => {$(
            for setting in settings(&elements::<$input, $kernel, $accumulator>()) {
                with_bias::<$input, $kernel, $accumulator, 2>(golden, &setting);
            }
        )*};
    }
    pairs! {
        f32, f32 => f32;
        f64, f64 => f64;
        i8, i8 => i32;
        i8, i8 => i64;
        u8, i8 => i32;
        u8, i8 => i64;
        i16, i8 => i32;
        i16, i8 => i64;
        i16, i16 => i64;
        i32, i32 => i128;
    }
    // Holds one product.
    for setting in settings::<2>("one tap") {
        let axes = setting.axes.map(|axis| Axis { kernel: 1, ..axis });
        let one_input = Setting {
            axes,
            inputs: 1,
            ..setting.clone()
        };
        direct!(golden, "", &one_input, i32, i32 => i64, |builder, bias| builder.bias(&bias));
        let one_output = Setting {
            axes,
            outputs: 1,
            ..setting
        };
        transposed!(golden, "", &one_output, i32, i32 => i64, |builder, bias| builder.bias(&bias));
    }
}

/// Dimensions differ in geometry only, which all elements share.
fn signals_and_volumes(golden: &mut Golden) {
    for setting in settings("signals") {
        with_bias::<i8, i8, i32, 1>(golden, &setting);
        gradients::<i8, i32, 1>(golden, &setting);
    }
    for setting in settings("volumes") {
        with_bias::<f32, f32, f32, 3>(golden, &setting);
        gradients::<f32, f32, 3>(golden, &setting);
    }
}

fn gradients_of_images(golden: &mut Golden) {
    for setting in settings("gradients") {
        gradients::<f32, f32, 2>(golden, &setting);
    }
    for setting in settings("gradients of integers").step_by(2) {
        gradients::<i16, i64, 2>(golden, &setting);
    }
}

fn named_paddings(golden: &mut Golden) {
    use Padding::{Causal, Full, Half, SameLower, SameUpper, Valid};
    for padding in [Valid, Half, Full, SameUpper, SameLower, Causal] {
        for setting in settings::<2>(&format!("{padding:?}")).skip(1).step_by(3) {
            // Extents that every one of them takes, also as those of the transposed operation's input.
            let axes = setting.axes.map(|axis| {
                let axis = Axis {
                    input: 8 + axis.input % 8,
                    ..axis
                };
                axis.pad(0, 0)
            });
            let setting = Setting { axes, ..setting };
            let x = setting.x_array::<f32>();
            golden.case(
                &format!("direct {padding:?}"),
                &setting,
                |setting, weights| conv::<f32, f32, f32, 2>(setting, weights).padding(padding),
                |plan, layout| plan.run(arranged(layout, &x).view()),
            );
            let y = setting.y_array::<f32>(setting.extents());
            golden.case(
                &format!("transposed {padding:?}"),
                &zeros(&setting),
                |setting, weights| {
                    conv_transpose::<f32, f32, f32, 2>(setting, weights).padding(padding)
                },
                |plan, layout| plan.run(arranged(layout, &y).view()),
            );
        }
    }
}

fn finishes(golden: &mut Golden) {
    macro_rules! finishes {
        ($($name:literal, $input:ty, $kernel:ty => $accumulator:ty: $finish:expr;)*) => {$(
            for setting in settings::<2>($name).skip(2).step_by(4) {
                both!(golden, concat!(" ", $name), &setting, $input, $kernel => $accumulator,
                    |builder, bias| builder.bias(&bias).finish($finish));
            }
        )*};
    }
    finishes! {
        "clamp", f32, f32 => f32: raw::<f32>().clamp(-3.5, 70.25);
        "relu", f64, f64 => f64: raw::<f64>().relu();
        "relu-to-q7", i8, i8 => i32: raw::<i32>().relu().to_q7(9);
        "clamp-to-q15", i16, i16 => i64: raw::<i64>().clamp(-1 << 29, 1 << 30).to_q15(16);
        "to-q31", i32, i32 => i128: raw::<i128>().to_q31(33);
    }
}

/// Layers of a contract, whose name stands before those of input and output.
macro_rules! quantised {
    ($golden:expr, $contract:ident, $input:ident, $output:ident, $quantisation:expr, $scale:expr) => {
        let name = stringify!($contract $input $output);
        let quantisation: Quantisation = $quantisation;
        for setting in settings::<2>(name).step_by(2) {
            both!(
                $golden,
                concat!(" ", stringify!($contract), " to ", stringify!($output)),
                &setting,
                $input, i8 => <$contract as Rounding>::Accumulator,
                |builder, bias| {
                    let scales: Vec<_> = (0..bias.len()).map($scale).collect();
                    builder.bias(&bias).quantised::<$contract, $output>(&scales, quantisation)
                }
            );
        }
    };
}

fn quantised_layers(golden: &mut Golden) {
    let plain = Quantisation::new;
    let clamped = |input, output| plain(input, output).with_clamp(-100, 120);
    quantised!(golden, Double, i8, i8, clamped(-5, 7), anchor_scale);
    quantised!(golden, Double, i16, i16, plain(300, 7), anchor_scale);
    quantised!(golden, Single, i8, i8, clamped(127, 7), anchor_scale);
    quantised!(golden, Single, u8, u8, plain(128, 130), anchor_scale);
    quantised!(golden, Wide, i16, i16, plain(0, 0), anchor_scale);
    // Scales of few bits, so that ties occur.
    let scale = |channel| [1.0 / 64.0, 3.0 / 1024.0, 0.001][channel % 3];
    quantised!(golden, HalfEven, i8, i8, clamped(3, 7), scale);
    let scale = |channel| f64::from(scale(channel));
    quantised!(golden, HalfAway, i8, i8, clamped(-128, 7), scale);
    quantised!(golden, WideHalfAway, i16, i16, plain(0, 0), scale);
}

/// Both gradients of the direct operation, and of the transposed one of the same map.
fn gradients<T, A, const D: usize>(golden: &mut Golden, setting: &Setting<D>)
where
    Rank<D>: Spatial,
    T: Operand<T, A> + Draw,
    A: Bytes,
{
    let extents = setting.output_extents().unwrap();
    let (x, y) = (setting.x_array::<T>(), setting.y_array::<T>(extents));
    let [x, y] = [x, y].map(|tensor| move |layout| arranged(layout, &tensor));
    golden.case(
        "direct-input-gradient",
        setting,
        conv::<T, T, A, D>,
        |plan, layout| plan.input_gradient(y(layout).view(), setting.extents()),
    );
    golden.case(
        "direct-weight-gradient",
        setting,
        conv::<T, T, A, D>,
        |plan, layout| plan.weight_gradient(x(layout).view(), y(layout).view()),
    );
    let setting = &zeros(setting);
    golden.case(
        "transposed-input-gradient",
        setting,
        back::<T, T, A, D>,
        |plan, layout| plan.input_gradient(x(layout).view(), extents),
    );
    golden.case(
        "transposed-weight-gradient",
        setting,
        back::<T, T, A, D>,
        |plan, layout| plan.weight_gradient(y(layout).view(), x(layout).view()),
    );
}

/// Shapes whose products, more than 2¹⁹, are cut into pieces for several threads: many channels, one channel, depthwise,
/// batches of groups.
fn work_for_threads(golden: &mut Golden) {
    let axis = |extent: usize| Axis::new(extent, 3).pad(2, 1);
    let shapes = [
        (1, 1, 3, 17, [axis(41), axis(37)]),
        (1, 1, 17, 33, [axis(23).stride(2), axis(17)]),
        (1, 1, 1, 1, [axis(257), axis(241)]),
        (3, 33, 1, 1, [axis(27), axis(25)]),
        (5, 4, 5, 6, [axis(11), axis(13).dilation(2)]),
    ];
    for (index, (batch, groups, inputs, outputs, axes)) in shapes.into_iter().enumerate() {
        let setting = Setting {
            batch,
            groups,
            inputs,
            outputs,
            seed: index as u32,
            spread: Spread::Full,
            ..Setting::new(axes)
        };
        with_bias::<f32, f32, f32, 2>(golden, &setting);
        with_bias::<i8, i8, i32, 2>(golden, &setting);
        // The weight gradient is cut into blocks of 16 output channels.
        if outputs > 16 {
            gradients::<f32, f32, 2>(golden, &setting);
        }
    }
}

/// Blocks of 8 channels and partial sums of 16, whole and begun, and the register blocks of 32 outputs.
fn many_channels(golden: &mut Golden) {
    let axis = |extent: usize, kernel: usize| Axis::new(extent, kernel).pad(1, 0);
    let shapes = [
        (1, 65, 33, [axis(5, 3), axis(31, 3)]),
        (1, 150, 47, [axis(3, 1), axis(17, 1)]),
        (2, 24, 64, [axis(7, 3), axis(7, 3)]),
        (1, 40, 5, [axis(6, 2), axis(21, 3).stride(2)]),
        (2, 9, 96, [axis(4, 3).stride(2), axis(43, 2).dilation(2)]),
    ];
    for (index, (groups, inputs, outputs, axes)) in shapes.into_iter().enumerate() {
        let setting = Setting {
            groups,
            inputs,
            outputs,
            seed: index as u32,
            spread: Spread::Full,
            ..Setting::new(axes)
        };
        with_bias::<f32, f32, f32, 2>(golden, &setting);
        with_bias::<f64, f64, f64, 2>(golden, &setting);
        gradients::<f32, f32, 2>(golden, &setting);
    }
}
