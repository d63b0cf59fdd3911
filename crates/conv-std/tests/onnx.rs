//! The ONNX project's cases for Conv and ConvTranspose.
use conv_std::ndarray::{Array, IxDyn};
use conv_std::{Conv, ConvTranspose, Rank, Spatial, Tensor};
use conv_vectors::golden::{OnnxCase, OnnxOp, Tensor as Golden, onnx};

fn array<const D: usize>(golden: &Golden<'_>) -> Array<f32, Tensor<D>>
where
    Rank<D>: Spatial,
{
    let dynamic = Array::from_shape_vec(IxDyn(golden.shape()), golden.values().collect()).unwrap();
    dynamic.into_dimensionality().unwrap()
}

fn exact<V: Copy + Default, const D: usize>(values: &[V]) -> [V; D] {
    let mut all = [V::default(); D];
    all.copy_from_slice(values);
    all
}

fn run<const D: usize>(case: &OnnxCase<'_>) -> Vec<f32>
where
    Rank<D>: Spatial,
{
    let (x, w) = (array::<D>(&case.x), array::<D>(&case.w));
    let bias: Option<Vec<f32>> = case.b.map(|bias| bias.values().collect());
    macro_rules! plan {
        ($builder:expr) => {{
            let builder = $builder
                .strides(exact(&case.stride))
                .dilations(exact(&case.dilation))
                .pads(exact(&case.pad_begin), exact(&case.pad_end))
                .groups(case.group);
            match &bias {
                Some(bias) => builder.bias(bias),
                None => builder,
            }
            .build()
            .unwrap()
        }};
    }
    let y = match case.op {
        OnnxOp::Conv => plan!(Conv::new(w.view())).run(x.view()),
        OnnxOp::ConvTranspose => {
            let builder = ConvTranspose::new(w.view());
            plan!(builder.output_paddings(exact(&case.output_padding))).run(x.view())
        }
    };
    let y = y.unwrap_or_else(|error| panic!("{}: {error}", case.name));
    assert_eq!(y.shape(), case.y.shape(), "{}", case.name);
    y.into_raw_vec_and_offset().0
}

#[test]
fn all_46_cases() {
    let mut cases = 0;
    for case in onnx() {
        let found = match case.stride.len() {
            1 => run::<1>(&case),
            2 => run::<2>(&case),
            _ => run::<3>(&case),
        };
        for (index, (found, expected)) in found.iter().zip(case.y.values()).enumerate() {
            let context = || format!("{} at {index}: {found}, expected {expected}", case.name);
            if case.exact {
                assert_eq!(found.to_bits(), (expected + 0.0).to_bits(), "{}", context());
            } else {
                let error = (f64::from(*found) - f64::from(expected)).abs();
                assert!(
                    error <= 1e-4 * f64::from(expected).abs().max(1.0),
                    "{}",
                    context()
                );
            }
        }
        cases += 1;
    }
    assert_eq!(cases, 46);
}
