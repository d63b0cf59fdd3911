//! Costs and receptive fields against counts made one by one, from the definition of the operations alone.

use std::collections::BTreeSet;

use conv_core::Axis;
use conv_scene::cost::{cost, receptive_field};
use conv_scene::operation::{OWN, Role};
use conv_scene::value::Values;
use conv_scene::{Direction, Layer, Line};

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Pairs of positions that a tap joins: of the map's input `x` and output `y`, `x = y·s + j·d − before`.
fn joined(axis: &Axis, x: usize, y: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for t in 0..y {
        for j in 0..axis.kernel {
            let at = (t * axis.stride + j * axis.dilation) as isize - axis.pad_before;
            if at >= 0 && (at as usize) < x {
                pairs.push((at as usize, t));
            }
        }
    }
    pairs
}

fn random_layer(random: &mut Random) -> Option<Layer> {
    let groups = 1 + random.below(3);
    let transposed = random.below(2) == 1;
    let mut values = Values::new()
        .with(
            Role::Input,
            format!("{},{}", 1 + random.below(9), 1 + random.below(9)),
        )
        .with(
            Role::Kernel,
            format!("{},{}", 1 + random.below(4), 1 + random.below(4)),
        )
        .with(
            Role::Stride,
            format!("{},{}", 1 + random.below(3), 1 + random.below(3)),
        )
        .with(
            Role::Dilation,
            format!("{},{}", 1 + random.below(2), 1 + random.below(2)),
        )
        .with(
            Role::Padding,
            format!(
                "{}:{}",
                random.below(4) as isize - 1,
                random.below(4) as isize - 1
            ),
        )
        .with(Role::Groups, groups)
        .with(Role::InputChannels, groups * (1 + random.below(3)))
        .with(Role::OutputChannels, groups * (1 + random.below(3)));
    if transposed {
        values = values.with(Role::Transposed, "true");
    }
    Layer::resolve(&OWN, &values).ok()
}

#[test]
fn products_are_as_many_as_counted_one_by_one() {
    let (mut random, mut counted) = (Random(1), 0);
    while counted < 500 {
        let Some(layer) = random_layer(&mut random) else {
            continue;
        };
        counted += 1;
        let found = cost(&layer).unwrap();
        let pairs = layer.input_channels * layer.output_channels / layer.groups;
        let count = |line: &Line| match layer.direction {
            Direction::Direct => joined(&line.axis, line.input, line.output).len(),
            Direction::Transposed => joined(&line.axis, line.output, line.input).len(),
        };
        let inside: usize = layer.lines.iter().map(count).product::<usize>() * pairs;
        assert_eq!(found.inside, inside as u128, "{layer:?}");
        let taps: usize = layer.kernel().iter().product::<usize>() * pairs;
        let places = |extents: Vec<usize>| extents.iter().product::<usize>();
        let near = match layer.direction {
            Direction::Direct => places(layer.output()),
            Direction::Transposed => places(layer.input()),
        };
        assert_eq!(
            (found.weights, found.products),
            (taps as u128, (taps * near) as u128)
        );
        assert!(
            found.inside <= found.products && found.products <= found.stretched.max(found.products)
        );
    }
}

/// The inputs that an output of a chain depends on, followed one by one on axes long enough that no border is met.
#[test]
fn receptive_fields_are_as_wide_as_what_is_reached() {
    let (mut random, mut checked) = (Random(2), 0);
    while checked < 200 {
        let (mut extent, mut chain) = (40 + random.below(20), Vec::new());
        for _ in 0..1 + random.below(3) {
            // Without gaps between the taps that meet an output the hull is the set.
            let stride = 1 + random.below(2);
            let axis = Axis::new(stride + random.below(3)).with_stride(stride);
            let direct = random.below(3) > 0;
            let line = if direct {
                let Ok(output) = axis.output(extent) else {
                    break;
                };
                Line {
                    axis,
                    input: extent,
                    output,
                }
            } else {
                Line {
                    axis,
                    input: extent,
                    output: axis.transposed_output(extent, 0).unwrap(),
                }
            };
            extent = line.output;
            chain.push((
                if direct {
                    Direction::Direct
                } else {
                    Direction::Transposed
                },
                line,
            ));
        }
        if chain.is_empty() || extent < 10 {
            continue;
        }
        checked += 1;
        let reached = |output: usize| {
            let mut set = BTreeSet::from([output]);
            for (direction, line) in chain.iter().rev() {
                let pairs: Vec<(usize, usize)> = match direction {
                    Direction::Direct => joined(&line.axis, line.input, line.output),
                    Direction::Transposed => joined(&line.axis, line.output, line.input)
                        .into_iter()
                        .map(|(x, y)| (y, x))
                        .collect(),
                };
                set = pairs
                    .into_iter()
                    .filter(|(_, written)| set.contains(written))
                    .map(|(read, _)| read)
                    .collect();
            }
            set.last().unwrap() - set.first().unwrap() + 1
        };
        let widest = (0..extent).map(reached).max().unwrap();
        assert_eq!(receptive_field(&chain), widest as u128, "{chain:?}");
    }
}
