//! conv-core's operations on slices, of any legal map and every pair of elements, against oracle and matrix; and maps
//! of absurd numbers, which are an error or keep their promises.
#![no_main]

#[path = "../../../crates/conv-core/tests/operations/support.rs"]
#[allow(dead_code, unused_imports, unused_macros)]
mod support;

use conv_core::dynamic::Planar;
use conv_core::pool::PoolOperation;
use conv_core::{Axis, Error, Geometry, KernelLayout, Matrix};
use conv_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

use support::{Case, Channels, for_every_pair};

fuzz_target!(|bytes: &[u8]| {
    let choices = &mut Choices::new(bytes);
    match choices.below(4) {
        0 => legal::<1>(choices),
        1 => legal::<2>(choices),
        2 => absurd::<1>(choices),
        _ => absurd::<2>(choices),
    }
});

/// A small map that the oracle calls legal, and its answers.
fn legal<const D: usize>(choices: &mut Choices<'_>)
where
    Geometry<D>: Planar,
{
    let axes = [(); D].map(|()| choices.axis());
    let extents = axes.map(|_| 1 + choices.below(8));
    let groups = 1 + choices.below(4);
    let mut channels = || groups * (1 + choices.below(5));
    let channels = Channels::new(channels(), channels(), groups);
    let orientation = choices.orientation();
    let case = if choices.below(2) == 0 {
        Case::direct(axes, extents, channels, orientation)
    } else {
        let back = |(axis, extent): (Axis, usize)| {
            let padding = choices.below(axis.stride.max(axis.dilation));
            axis.transposed_output(extent, padding).unwrap_or(0)
        };
        let back: Vec<_> = axes.into_iter().zip(extents).map(back).collect();
        let mut to = [0; D];
        to.copy_from_slice(&back);
        Case::transposed(axes, extents, to, channels, orientation)
    };
    let Some(case) = case else { return };
    let case = match choices.below(2) {
        0 => case.depthwise().unwrap_or(case),
        _ => case,
    };
    let (pair, mut data) = (choices.below(11), choices.data());
    let mut checks: Vec<fn(&Case<D>, &mut conv_vectors::random::Lcg)> = Vec::new();
    macro_rules! list {
        ($name:ident, $input:ty, $kernel:ty, $accumulator:ty) => {
            checks.push(Case::check::<$input, $kernel, $accumulator>);
        };
    }
    for_every_pair!(list);
    checks[pair](&case, &mut data);
}

/// Extents by the formula over integers that cannot overflow.
fn output(axis: &Axis, input: usize) -> Option<i128> {
    let [kernel, stride, dilation, input] =
        [axis.kernel, axis.stride, axis.dilation, input].map(|n| i128::try_from(n).ok());
    let (kernel, stride, dilation, input) = (kernel?, stride?, dilation?, input?);
    let padded = input + axis.pad_before as i128 + axis.pad_after as i128;
    let room = padded - (dilation.checked_mul(kernel - 1)? + 1);
    (room >= 0).then(|| room / stride + 1)
}

fn absurd<const D: usize>(choices: &mut Choices<'_>)
where
    Geometry<D>: Planar,
{
    let axes = [(); D].map(|()| choices.absurd_axis());
    let mut number = || match choices.below(2) {
        0 => choices.absurd(),
        _ => choices.below(8),
    };
    let extents = axes.map(|_| number());
    let others = axes.map(|_| number());
    let (inputs, outputs, groups) = (number(), number(), number());
    let turn = choices.orientation();
    match Geometry::direct(axes, extents, inputs, outputs, groups) {
        Ok(geometry) => {
            for d in 0..D {
                let found = geometry.output()[d] as i128;
                assert_eq!(Some(found), output(&axes[d], extents[d]), "{geometry:?}");
            }
            promises(&geometry.with_orientation(turn));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Geometry::transposed(axes, others, extents, inputs, outputs, groups) {
        Ok(geometry) => {
            for d in 0..D {
                // Where the dilation is the greater one, an output padding can leave room for more windows.
                let most = output(&axes[d], extents[d]);
                assert!(most >= Some(others[d] as i128), "{geometry:?}");
            }
            promises(&geometry.with_orientation(turn));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A map that was accepted: its buffers have the products of its extents, and every operation runs or is an error.
fn promises<const D: usize>(geometry: &Geometry<D>)
where
    Geometry<D>: Planar,
{
    let elements = [
        (
            geometry.input().to_vec(),
            geometry.input_channels(),
            geometry.input_elements(),
        ),
        (
            geometry.output().to_vec(),
            geometry.output_channels(),
            geometry.output_elements(),
        ),
    ];
    for (extents, channels, elements) in elements {
        let product = extents.iter().fold(channels as u128, |all, &one| {
            all.saturating_mul(one as u128)
        });
        assert_eq!(product, elements as u128, "{geometry:?}");
    }
    let (taps, transposed_taps) = (geometry.taps(), geometry.transposed_taps());
    assert!(taps > 0 && transposed_taps > 0, "{geometry:?}");

    // A length that is wrong but for maps of one element.
    let mut output = [77_i64; 1];
    let mut unchanged = true;
    let mut tried = |result: Result<(), Error>, output: &[i64]| match result {
        Ok(()) => unchanged = false,
        Err(error) => assert!(!error.to_string().is_empty() && (!unchanged || output == [77])),
    };
    tried(geometry.conv(&[3_i8], &[5_i8], &mut output), &output);
    tried(geometry.depthwise(&[3_i8], &[5_i8], &mut output), &output);
    tried(
        geometry.conv_transpose(&[3_i8], &[5_i8], &mut output),
        &output,
    );
    tried(
        geometry.depthwise_transpose(&[3_i8], &[5_i8], &mut output),
        &output,
    );

    // What is small enough to run, runs.
    let sizes = [
        geometry.input_elements(),
        geometry.kernel_elements(),
        geometry.output_elements(),
    ];
    let work = sizes[2] as u128 * taps as u128 + sizes[0] as u128 * transposed_taps as u128;
    if sizes.iter().any(|&size| size > 4096) || work > 1 << 20 {
        return;
    }
    let (x, kernel, y) = (
        vec![-1_i8; sizes[0]],
        vec![2_i8; sizes[1]],
        vec![3_i8; sizes[2]],
    );
    let matrix = Matrix::new(*geometry, KernelLayout::OutputSpatialInput, &kernel)
        .expect("as long as the kernel");
    let (mut direct, mut product) = (vec![7_i64; sizes[2]], vec![8_i64; sizes[2]]);
    geometry
        .conv(&x, &kernel, &mut direct)
        .expect("the lengths fit");
    matrix.multiply(&x, &mut product).expect("the lengths fit");
    assert_eq!(direct, product, "{geometry:?}");
    let (mut transposed, mut product) = (vec![7_i64; sizes[0]], vec![8_i64; sizes[0]]);
    geometry
        .conv_transpose(&y, &kernel, &mut transposed)
        .expect("the lengths fit");
    matrix
        .transposed()
        .multiply(&y, &mut product)
        .expect("the lengths fit");
    assert_eq!(transposed, product, "{geometry:?}");
    for operation in [PoolOperation::Average, PoolOperation::Max] {
        let mut pooled = vec![5_i8; sizes[2]];
        if geometry.pool(operation, &x, &mut pooled, -128, 127).is_ok() {
            assert!(pooled.iter().all(|&value| value == -1), "{geometry:?}");
        }
    }
}
