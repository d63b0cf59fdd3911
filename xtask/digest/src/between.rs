//! What stands between convolutions in a network: pooling and sums of feature maps.

use conv_core::add::{Affine, QuantAdd};
use conv_core::pool::{PoolOperation, Pooled};
use conv_core::quantised::Activation;
use conv_core::{Axis, Geometry};
use conv_vectors::random::{Draw, Spread};

use crate::buffer::Number;
use crate::run::{Group, Run};

/// The longest buffers: 6×6 inputs with pads of 2, of 3 channels.
const LONGEST: usize = 512;
/// Shapes that are drawn for each element.
const SHAPES: u32 = 500;

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("pool/i8", pools::<i8>);
    run.group("pool/u8", pools::<u8>);
    run.group("pool/i16", pools::<i16>);
    run.group("pool/f32", pools::<f32>);
    run.group("add/i8", sums::<i8>);
    run.group("add/u8", sums::<u8>);
    run.group("add/i16", sums::<i16>);
}

fn pools<T: Pooled + Draw + Number>(group: &mut Group) {
    group.spread(Spread::Extremes);
    for _ in 0..SHAPES {
        let mut draw = |from: usize, count: usize| from + group.random.below(count);
        let axes = [(); 2].map(|()| {
            Axis::new(draw(1, 4))
                .with_stride(draw(1, 3))
                .with_dilation(draw(1, 2))
                .with_pads(draw(0, 3) as isize, draw(0, 3) as isize)
        });
        let (extents, channels) = ([draw(1, 6), draw(1, 6)], draw(1, 3));
        let geometry = Geometry::direct(axes, extents, channels, channels, channels);
        group.note(u32::from(geometry.is_ok()));
        let Ok(geometry) = geometry else {
            continue;
        };
        let (mut input, mut target) = ([T::ZERO; LONGEST], [T::DIRTY; LONGEST]);
        let input = &mut input[..geometry.input_elements()];
        group.fill(input);
        let (output, guard) = target.split_at_mut(geometry.output_elements());
        for operation in [PoolOperation::Average, PoolOperation::Max] {
            // Windows of padding alone are an error, which leaves the output.
            let done = geometry.pool(operation, input, output, T::LEAST, T::GREATEST);
            group.note(u32::from(done.is_ok()));
            group.values(output);
        }
        let untouched = guard.iter().all(|value| *value == T::DIRTY);
        group.check(untouched);
    }
}

fn sums<T: Activation + Draw + Number>(group: &mut Group) {
    group.spread(Spread::Extremes);
    let (mut left, mut right) = ([T::ZERO; 64], [T::ZERO; 64]);
    for _ in 0..SHAPES {
        let mut affine = || Affine {
            scale: (1 + group.random.below(1000)) as f32 / 1000.0,
            // A value of every type but of `i16`, whose zero point is 0.
            zero_point: match T::GREATEST {
                32_767 => 0,
                _ => group.random.below(128) as i32,
            },
        };
        let layer = QuantAdd::<T>::try_new(affine(), affine(), affine());
        group.note(u32::from(layer.is_ok()));
        let Ok(layer) = layer else {
            continue;
        };
        group.fill(&mut left);
        group.fill(&mut right);
        let mut output = [T::DIRTY; 64];
        let done = layer.run_slices(&left, &right, &mut output);
        group.check(done.is_ok());
        group.values(&output);
    }
}
