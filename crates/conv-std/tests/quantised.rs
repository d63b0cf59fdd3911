//! Quantised plans against the published cases, the anchors' hashes, the oracle and conv-core.

mod common;

use common::layer::{Contract, Layer, Quantised, anchor_scale, check_quantised};
use common::{Setting, array};
use conv_std::ndarray::Array4;
use conv_std::quantised::{
    Activation, Double, FloatHalfEven, HalfAway, HalfEven, Int4, Multiplier, Quantisation,
    Rounding, Single, Wide, WideDouble, WideHalfAway,
};
use conv_std::rayon::ThreadPoolBuilder;
use conv_std::{
    Boundary, Conv2d, ConvTranspose2d, Layout, Number, Operand, Orientation, Products, SimdLevel,
};
use conv_vectors::anchors::{self, AnchorData};
use conv_vectors::golden::{self, IntegerType, Kind, QuantisedCase, Rounding as Published};
use conv_vectors::oracle::Axis;
use conv_vectors::random::{Lcg, Spread};

/// A quantised layer of one of the published kinds, NHWC, with TFLite's kernel.
struct Tflite<'a, T, R: Rounding> {
    kind: Kind,
    /// Images, height, width and channels.
    input: Array4<T>,
    kernel: Array4<i8>,
    /// Height and width.
    output: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pads: [[isize; 2]; 2],
    groups: usize,
    bias: Option<Vec<R::Accumulator>>,
    scales: &'a [R::Scale],
    quantisation: Quantisation,
}

impl<T, R> Tflite<'_, T, R>
where
    T: Activation + Number + Operand<i8, R::Accumulator>,
    R: Rounding<Accumulator: Number, Scale: Send + Sync>,
{
    /// The outputs in NHWC order, from a plan of the given layout.
    fn run(&self, layout: Layout, level: SimdLevel, threads: usize) -> Vec<T> {
        // O H W I of the direct map behind it.
        let kernel = match self.kind {
            Kind::Direct => self.kernel.view(),
            // H W O as 1 H W O, and O H W I of the operation's own channels.
            Kind::Depthwise | Kind::Transposed => self.kernel.view().permuted_axes([3, 1, 2, 0]),
        };
        assert!(self.kind != Kind::Transposed || self.groups == 1);
        let (kernel, input) = match layout {
            Layout::Nhwc => (kernel, self.input.view()),
            Layout::Nchw => (
                kernel.permuted_axes([0, 3, 1, 2]),
                self.input.view().permuted_axes([0, 3, 1, 2]),
            ),
        };
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.unwrap().into();
        macro_rules! run {
            ($builder:expr) => {{
                let mut builder = $builder
                    .layout(layout)
                    .strides(self.stride)
                    .dilations(self.dilation)
                    .pads(self.pads[0], self.pads[1])
                    .groups(self.groups)
                    .threads(&pool)
                    .simd(level);
                if let Some(bias) = &self.bias {
                    builder = builder.bias(bias);
                }
                let quantised = builder.quantised::<R, T>(self.scales, self.quantisation);
                quantised.build().unwrap().run(input).unwrap()
            }};
        }
        let output = match self.kind {
            Kind::Transposed => run!(ConvTranspose2d::new(kernel).output_size(self.output)),
            _ => run!(Conv2d::new(kernel)),
        };
        let output = match layout {
            Layout::Nhwc => output,
            Layout::Nchw => output.permuted_axes([0, 2, 3, 1]),
        };
        assert_eq!(output.shape()[1..3], self.output);
        output.iter().copied().collect()
    }

    /// At every level, in both layouts and with one thread and three.
    fn check(&self, name: &str, expected: impl Fn(&[T]) -> bool) {
        for level in SimdLevel::available() {
            for layout in [Layout::Nhwc, Layout::Nchw] {
                for threads in [1, 3] {
                    let found = self.run(layout, level, threads);
                    assert!(expected(&found), "{name}, {level}, {layout:?}");
                }
            }
        }
    }
}

fn published<R, T>(case: &QuantisedCase<'_>)
where
    R: Rounding<Scale = Multiplier, Accumulator: Number + TryFrom<i64>>,
    T: Activation + Number + Operand<i8, R::Accumulator>,
{
    let mut weights: Vec<i8> = case.weights.values().map(|v| v as i8).collect();
    if case.weight_type == IntegerType::I4 {
        // Through TFLite's packed form.
        let bytes: Vec<u8> = golden::packed(&weights).collect();
        let unpacked = Int4::new(&bytes, weights.len()).unwrap().iter().collect();
        assert_eq!(weights, unpacked);
        weights = unpacked;
    }
    let [ih, iw, ic] = case.input_hwc;
    let [oh, ow, oc] = case.output_hwc;
    let [kh, kw] = case.kernel_hw;
    let inputs = match case.kind {
        Kind::Depthwise => vec![1, kh, kw, oc],
        _ => vec![oc, kh, kw, ic / case.groups],
    };
    let scales: Vec<Multiplier> = (case.multiplier.values())
        .zip(case.shift.values())
        .map(|(multiplier, shift)| Multiplier { multiplier, shift })
        .collect();
    let bias = |value: i32| R::Accumulator::try_from(value.into()).ok().unwrap();
    let layer = Tflite::<T, R> {
        kind: case.kind,
        input: array::<_, 2>(
            &[case.batch, ih, iw, ic],
            case.input.values().map(T::saturated).collect(),
        ),
        kernel: array::<_, 2>(&inputs, weights),
        output: [oh, ow],
        stride: case.stride,
        dilation: case.dilation,
        pads: [case.pad_before.map(|pad| pad as isize), case.pad_after()],
        groups: case.groups,
        bias: case.bias.map(|values| values.values().map(bias).collect()),
        scales: &scales,
        quantisation: Quantisation::new(-case.input_offset, case.output_offset)
            .with_clamp(case.clamp.0, case.clamp.1),
    };
    layer.check(case.name, |found| {
        case.output.values().eq(found.iter().map(|&v| v.into()))
    });
}

#[test]
fn the_35_published_cases_bit_for_bit() {
    let mut count = 0;
    for case in golden::quantised() {
        match (case.input_type, case.rounding) {
            (IntegerType::I16, Published::Double) => published::<Double, i16>(&case),
            (IntegerType::I16, Published::Single) => published::<Single, i16>(&case),
            (IntegerType::I16, Published::Wide) => published::<Wide, i16>(&case),
            (_, Published::Double) => published::<Double, i8>(&case),
            (_, Published::Single) => published::<Single, i8>(&case),
            (_, Published::Wide) => published::<Wide, i8>(&case),
        }
        count += 1;
    }
    assert_eq!(count, 35);
}

#[test]
fn the_eleven_anchors_by_hash() {
    let (input, weights): (Vec<i8>, Vec<i8>) = AnchorData::new().take(65536).unzip();
    for layer in anchors::LAYERS {
        let [ih, iw, ic] = layer.input;
        let [oh, ow, oc] = layer.output;
        let [kh, kw] = layer.kernel;
        let kernel = match layer.kind {
            Kind::Depthwise => [1, kh, kw, oc],
            _ => [oc, kh, kw, ic],
        };
        let before = layer.pad_before as isize;
        let (x, y) = match layer.kind {
            Kind::Transposed => ([oh, ow], [ih, iw]),
            _ => ([ih, iw], [oh, ow]),
        };
        let after = [0, 1].map(|d| {
            let reach = (y[d] - 1) * layer.stride + layer.kernel[d];
            reach as isize - x[d] as isize - before
        });
        let scales: Vec<Multiplier> = (0..oc).map(anchor_scale).collect();
        let values = |from: &[i8], shape: &[usize]| {
            array::<_, 2>(shape, from[..shape.iter().product()].to_vec())
        };
        let tflite = Tflite::<i8, Double> {
            kind: layer.kind,
            input: values(&input, &[1, ih, iw, ic]),
            kernel: values(&weights, &kernel),
            output: [oh, ow],
            stride: [layer.stride; 2],
            dilation: [1; 2],
            pads: [[before; 2], after],
            groups: if layer.kind == Kind::Depthwise { ic } else { 1 },
            bias: Some((0..oc).map(anchors::bias).collect()),
            scales: &scales,
            quantisation: Quantisation::new(-anchors::INPUT_OFFSET, anchors::OUTPUT_OFFSET),
        };
        tflite.check(layer.name, |found| {
            let bytes: Vec<u8> = found.iter().map(|&value| value as u8).collect();
            anchors::fnv1a(&bytes) == layer.hash
        });
    }
}

/// A layer with data-dependent everything: absent bias, one scale for all, clamps, 4-bit weights, by turns.
fn layer<T: Activation, R>(
    random: &mut Lcg,
    zero_points: &[i32],
    scale: fn(usize) -> R::Scale,
) -> Layer<R>
where
    R: Contract<Accumulator: From<i32>>,
{
    let quantisation = Quantisation::new(zero_points[random.below(zero_points.len())], 7);
    let bias = |channel| R::Accumulator::from(anchors::bias(channel) * 1000);
    Layer {
        quantisation: match random.below(2) {
            0 => quantisation,
            _ => quantisation.with_clamp((-100).max(T::LEAST), 101),
        },
        bias: (random.below(3) > 0).then(|| (0..200).map(bias).collect()),
        scales: match random.below(3) {
            0 => vec![scale(1)],
            _ => (0..200).map(scale).collect(),
        },
        narrow: random.below(3) == 0,
    }
}

/// Every axis with extent 1 to 6, kernel 1 to 4, stride 1 to 3, dilation 1 and 2 and pads 0 to 3 each side, for each of
/// the register blocks.
#[test]
fn every_small_axis() {
    let mut random = Lcg::new(21);
    let numbers = (1..=6).flat_map(|input| (1..=4).map(move |kernel| Axis::new(input, kernel)));
    let mut count = 0;
    for axis in numbers {
        for stride in 1..=3 {
            for dilation in 1..=2 {
                for (before, after) in (0..=3).flat_map(|a| (0..=3).map(move |b| (a, b))) {
                    let axis = axis.stride(stride).dilation(dilation).pad(before, after);
                    // Outputs share registers, channels do, each channel has its own input.
                    for (layout, groups, inputs, outputs) in [
                        (Layout::Nchw, 2, 3, 1),
                        (Layout::Nhwc, 1, 2, 9),
                        (Layout::Nhwc, 17, 1, 1),
                    ] {
                        let setting = Setting {
                            groups,
                            inputs,
                            outputs,
                            layout,
                            seed: count,
                            spread: Spread::Extremes,
                            ..Setting::new([axis])
                        };
                        let layer =
                            layer::<i8, Double>(&mut random, &[-128, -5, 0, 127], anchor_scale);
                        check_quantised::<i8, i8, Double, 1>(&setting, &layer);
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, 6 * 4 * 3 * 2 * 16 * 3);
}

fn setting<const D: usize>(random: &mut Lcg, most: usize) -> Setting<D> {
    let axes = [(); D].map(|()| {
        Axis::new(1 + random.below(most), 1 + random.below(4))
            .stride(1 + random.below(4))
            .dilation(1 + random.below(3))
            .pad(random.below(6) as isize - 2, random.below(6) as isize - 2)
    });
    let of_depthwise = random.below(4) == 0;
    let (groups, inputs) = match of_depthwise {
        true => (1 + random.below(40), 1),
        false => (1 + random.below(3), 1 + random.below(3)),
    };
    Setting {
        axes,
        batch: 1 + random.below(2),
        groups,
        inputs,
        outputs: match random.below(2) {
            0 if !of_depthwise => 8 + random.below(12),
            _ => 1 + random.below(2),
        },
        orientation: [Orientation::Correlation, Orientation::Convolution][random.below(2)],
        layout: [Layout::Nchw, Layout::Nhwc][random.below(2)],
        products: Products::Fused,
        boundary: [
            Boundary::Zero,
            Boundary::Reflect,
            Boundary::Replicate,
            Boundary::Circular,
        ][random.below(4)],
        seed: random.below(1 << 20) as u32,
        spread: [Spread::Full, Spread::Extremes][random.below(2)],
    }
}

/// A contract over random shapes of 1 to 3 dimensions.
fn sweep<T, U, R>(seed: u32, zero_points: &[i32], scale: fn(usize) -> R::Scale)
where
    T: Quantised + Operand<i8, R::Accumulator>,
    U: Quantised,
    R: Contract<Accumulator: From<i32>>,
{
    let mut random = Lcg::new(seed);
    for _ in 0..400 {
        let settings = layer::<U, R>(&mut random, zero_points, scale);
        check_quantised::<T, U, R, 1>(&setting::<1>(&mut random, 90), &settings);
        check_quantised::<T, U, R, 2>(&setting::<2>(&mut random, 11), &settings);
        check_quantised::<T, U, R, 3>(&setting::<3>(&mut random, 5), &settings);
    }
}

#[test]
fn random_shapes_equal_the_oracle_in_every_contract() {
    sweep::<i8, i8, Double>(1, &[-128, -5, 0, 127], anchor_scale);
    sweep::<i8, i8, Single>(2, &[-128, -5, 0, 127], anchor_scale);
    sweep::<u8, u8, Single>(3, &[0, 128, 255], anchor_scale);
    sweep::<u8, i8, Double>(4, &[0, 128, 255], anchor_scale);
    sweep::<i16, i16, Double>(5, &[0, 300], anchor_scale);
    sweep::<i16, i16, Wide>(6, &[0, -32_768], anchor_scale);
    // Scales of few bits, so that ties occur.
    let scale = |channel| [1.0 / 64.0, 3.0 / 1024.0, 0.001][channel % 3];
    sweep::<i8, i8, HalfEven>(7, &[-128, 3, 127], scale);
    sweep::<i8, i8, FloatHalfEven>(10, &[-128, 3, 127], scale);
    sweep::<i16, i16, WideDouble>(11, &[0, -32_768], anchor_scale);
    let scale = |channel| [1.0 / 64.0, 3.0 / 1024.0, 0.001][channel % 3];
    sweep::<i8, i8, HalfAway>(8, &[-128, 3, 127], scale);
    sweep::<i16, i16, WideHalfAway>(9, &[0, -32_768], scale);
}

#[test]
fn the_weights_that_a_plan_has_decide_whether_its_sums_could_overflow() {
    let plain = Quantisation::new(0, 0);
    let scale = [Multiplier::from_scale(0.001).unwrap()];
    // 3·3·64 = 576 taps of i16: too many for weights of 127, not for those of 100.
    let build = |weight: i8, bias: i32, quantisation: Quantisation| {
        let kernel = Array4::from_elem((1, 64, 3, 3), weight);
        let builder = Conv2d::<i16, i8, i32>::new(kernel.view()).bias(&[bias]);
        let plan = builder
            .quantised::<Double, i16>(&scale, quantisation)
            .build();
        plan.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(build(100, i32::MAX - 57_600 * 32_768, plain), Ok(()));
    let text = "bias of output channel 0 is 260046848, expected a magnitude of at most 260046847 with its weights: use a \
                contract with sums of 64 bits, such as WideDouble";
    assert_eq!(
        build(100, i32::MAX - 57_600 * 32_768 + 1, plain).unwrap_err(),
        text
    );
    // Below 0 there is one more.
    assert_eq!(build(100, 57_600 * 32_768 + i32::MIN, plain), Ok(()));
    assert_eq!(build(0, i32::MIN, plain), Ok(()));
    let text = "weights of one output sum up to 73152, expected at most 65535: use a contract with sums of 64 bits, such as \
                WideDouble";
    assert_eq!(build(127, 0, plain).unwrap_err(), text);
    // Further from the zero point.
    let text = "weights of one output sum up to 57600, expected at most 32768: use a contract with sums of 64 bits, such as \
                WideDouble";
    let far = Quantisation::new(32_767, 0);
    assert_eq!(build(100, 0, far).unwrap_err(), text);

    // A transposed plan of stride 2 adds only every second tap along an axis: 4·4/4 of 288 channels.
    let kernel = Array4::from_elem((288, 1, 4, 4), 50_i8);
    let up = || ConvTranspose2d::<i16, i8, i32>::new(kernel.view());
    let up = |stride| up().stride(stride).quantised::<Double, i16>(&scale, plain);
    assert!(up(2).build().is_ok());
    assert!(up(1).build().is_err());
}

#[test]
fn sums_may_wrap_before_the_zero_point_is_taken_off() {
    // (255 − 128)·127 of each of 132,000 weights fits i32 when added up; 255·127 does not.
    const COUNT: usize = 132_000;
    let scale = Multiplier::from_scale(1.0 / f64::from(127 * 127 * 132)).unwrap();
    for (layout, shape) in [
        (Layout::Nchw, [1, COUNT, 1, 1]),
        (Layout::Nhwc, [1, 1, 1, COUNT]),
    ] {
        let kernel = Array4::from_elem(shape, 127_i8);
        let plan = Conv2d::new(kernel.view())
            .layout(layout)
            .quantised::<Double, i16>(&[scale], Quantisation::new(128, 0))
            .build()
            .unwrap();
        let output = plan.run(Array4::from_elem(shape, 255_u8).view()).unwrap();
        assert_eq!(output[[0, 0, 0, 0]], 1000);
    }
}

#[test]
fn errors_name_what_is_wrong() {
    const SCALE: Multiplier = Multiplier {
        multiplier: 1 << 30,
        shift: -8,
    };
    let kernel = Array4::<i8>::ones((2, 1, 1, 1));
    let text = |bias: &[i32], scales: &[Multiplier], quantisation| {
        let builder = Conv2d::<i8, i8, i32>::new(kernel.view()).bias(bias);
        let plan = builder
            .quantised::<Double, i8>(scales, quantisation)
            .build();
        plan.unwrap_err().to_string()
    };
    let plain = Quantisation::new(0, 0);
    let with = |input, output, low, high| {
        let quantisation = Quantisation::new(input, output).with_clamp(low, high);
        text(&[1, 1], &[SCALE], quantisation)
    };
    assert_eq!(
        with(200, 0, 0, 0),
        "input zero point or clamp is 200, expected -128 to 127"
    );
    assert_eq!(
        with(0, -129, 0, 0),
        "output zero point or clamp is -129, expected -128 to 127"
    );
    assert_eq!(
        with(0, 0, 0, 128),
        "output zero point or clamp is 128, expected -128 to 127"
    );
    assert_eq!(
        with(0, 0, 83, 0),
        "clamp is from 83 to 0, expected the lower bound first"
    );
    assert_eq!(
        text(&[1], &[SCALE], plain),
        "bias has 1 channels, expected 2"
    );
    assert_eq!(
        text(&[1, 1], &[], plain),
        "scales has 0 channels, expected 2"
    );
    let negative = Multiplier {
        multiplier: -1,
        ..SCALE
    };
    assert_eq!(
        text(&[1, 1], &[SCALE, negative], plain),
        "scale of output channel 1 is out of range, expected a finite number of at least 0"
    );
    assert_eq!(
        text(&[1, 1], &[SCALE; 3], plain),
        "scales has 3 channels, expected 2"
    );
    assert_eq!(
        text(&[1, i32::MIN], &[SCALE], plain),
        "bias of output channel 1 is -2147483648, expected a magnitude of at most 2147483520 with its weights: use a contract \
         with sums of 64 bits, such as WideDouble"
    );
}
