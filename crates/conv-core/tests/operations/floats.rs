//! Floats: the documented order of summation, bit by bit, and what is not finite.
//!
//! Sums start from `+0.0` and run over kernel rows, then kernel columns, then source channels, each product
//! rounded before it is added. The loops here say just that, and nothing else.

use core::ops::{Add, Mul};

use conv_core::element::Multiply;
use conv_core::{Axis, Geometry, Matrix, Orientation};
use conv_vectors::guard::Guarded;
use conv_vectors::oracle::channels_last;
use conv_vectors::random::{Lcg, Spread};

use crate::support::{Case, Channels, Operand, Total, same};

/// A float with the two roundings of a product and a sum.
trait Float:
    Operand<Exact = f64>
    + Total<Exact = f64>
    + Multiply<Self, Self>
    + Add<Output = Self>
    + Mul<Output = Self>
{
}
impl Float for f32 {}
impl Float for f64 {}

/// A position of an image; a signal is an image of one row.
#[derive(Clone, Copy)]
struct Plane {
    axes: [Axis; 2],
    x: [usize; 2],
    y: [usize; 2],
}

impl Plane {
    fn of(geometry: &Geometry<2>) -> Self {
        Self {
            axes: *geometry.axes(),
            x: geometry.input(),
            y: geometry.output(),
        }
    }

    /// The x position that a tap reads for a y position.
    fn read(&self, t: [usize; 2], tap: [usize; 2]) -> Option<[usize; 2]> {
        let mut at = [0; 2];
        for d in 0..2 {
            let axis = self.axes[d];
            let place = (t[d] * axis.stride + tap[d] * axis.dilation) as isize - axis.pad_before;
            at[d] = usize::try_from(place)
                .ok()
                .filter(|place| *place < self.x[d])?;
        }
        Some(at)
    }

    /// The y position that reads an x position through a tap.
    fn reader(&self, n: [usize; 2], tap: [usize; 2]) -> Option<[usize; 2]> {
        let mut at = [0; 2];
        for d in 0..2 {
            let axis = self.axes[d];
            let place = n[d] as isize + axis.pad_before - (tap[d] * axis.dilation) as isize;
            let place = usize::try_from(place).ok()?;
            if place % axis.stride != 0 {
                return None;
            }
            at[d] = Some(place / axis.stride).filter(|place| *place < self.y[d])?;
        }
        Some(at)
    }
}

/// Both operations, one product after the other.
fn in_order<F: Float>(case: &Case<2>, x: &[F], kernel: &[F], y: &[F]) -> (Vec<F>, Vec<F>) {
    let geometry = &case.geometry;
    let plane = Plane::of(geometry);
    let [rows, columns] = geometry.kernel();
    let stored = |tap: [usize; 2]| match geometry.orientation() {
        Orientation::Correlation => tap,
        Orientation::Convolution => [rows - 1 - tap[0], columns - 1 - tap[1]],
    };
    let (inputs, outputs) = (
        geometry.input_channels() / geometry.groups(),
        geometry.output_channels() / geometry.groups(),
    );
    let x_index = channels_last(geometry.input_channels(), &plane.x);
    let y_index = channels_last(geometry.output_channels(), &plane.y);
    let mut forward = vec![F::ONE; y.len()];
    for oy in 0..plane.y[0] {
        for ox in 0..plane.y[1] {
            for co in 0..geometry.output_channels() {
                let mut sum = F::ZERO;
                for ky in 0..rows {
                    for kx in 0..columns {
                        let Some(at) = plane.read([oy, ox], [ky, kx]) else {
                            continue;
                        };
                        for channel in 0..inputs {
                            let ci = co / outputs * inputs + channel;
                            let weight = kernel[case.weight(co, channel, &stored([ky, kx]))];
                            let product = x[x_index(0, ci, &at)] * weight;
                            sum = sum + product;
                        }
                    }
                }
                forward[y_index(0, co, &[oy, ox])] = sum;
            }
        }
    }
    let mut back = vec![F::ONE; x.len()];
    for iy in 0..plane.x[0] {
        for ix in 0..plane.x[1] {
            for ci in 0..geometry.input_channels() {
                let mut sum = F::ZERO;
                for ky in 0..rows {
                    for kx in 0..columns {
                        let Some(at) = plane.reader([iy, ix], [ky, kx]) else {
                            continue;
                        };
                        for channel in 0..outputs {
                            let co = ci / inputs * outputs + channel;
                            let weight = kernel[case.weight(co, ci % inputs, &stored([ky, kx]))];
                            let product = y[y_index(0, co, &at)] * weight;
                            sum = sum + product;
                        }
                    }
                }
                back[x_index(0, ci, &[iy, ix])] = sum;
            }
        }
    }
    (forward, back)
}

/// A deterministic sample of maps, of either layout.
fn maps(count: usize, seed: u32, mut run: impl FnMut(&Case<2>)) {
    let mut random = Lcg::new(seed);
    let mut ran = 0;
    while ran < count {
        let mut axis = || {
            Axis::new(1 + random.below(4))
                .with_stride(1 + random.below(3))
                .with_dilation(1 + random.below(3))
                .with_pads(random.below(6) as isize - 2, random.below(6) as isize - 2)
        };
        let axes = [axis(), axis()];
        let extents = [1 + random.below(6), 1 + random.below(6)];
        let channels = Channels::SETS[random.below(Channels::SETS.len())];
        let orientation = match random.below(2) {
            0 => Orientation::Correlation,
            _ => Orientation::Convolution,
        };
        if let Some(case) = Case::direct(axes, extents, channels, orientation) {
            ran += 1;
            run(&case);
            case.depthwise().iter().for_each(&mut run);
        }
    }
}

fn order_of_summation<F: Float>() {
    let mut random = Lcg::new(1).spread(Spread::Full);
    let mut orders_differ = 0;
    maps(1_500, 2, |case| {
        let (x, kernel, y) = case.draw::<F, F>(&mut random);
        let (forward, back) = in_order(case, &x, &kernel, &y);
        let mut output = Guarded::<F>::new(y.len());
        case.conv(&x, &kernel, output.as_mut_slice())
            .expect("a legal case");
        same(case, output.as_slice(), &forward);
        let exact = case.expected_direct(&x, &kernel);
        let rounded = output.as_slice().iter().zip(&exact);
        orders_differ += rounded
            .filter(|(found, sum)| !found.same(F::of(sum.value())))
            .count();

        let mut output = Guarded::<F>::new(x.len());
        case.conv_transpose(&y, &kernel, output.as_mut_slice())
            .expect("a legal case");
        same(case, output.as_slice(), &back);

        let matrix = Matrix::new(case.geometry, case.layout, &kernel).expect("a legal matrix");
        let mut output = Guarded::<F>::new(y.len());
        matrix
            .multiply(&x, output.as_mut_slice())
            .expect("the same lengths");
        same(case, output.as_slice(), &forward);
    });
    // The values round: an order that differs would show.
    assert!(orders_differ > 1_000, "{orders_differ} sums were rounded");
}

#[test]
fn sums_run_in_the_documented_order() {
    order_of_summation::<f32>();
    order_of_summation::<f64>();
}

/// A weight of zero still multiplies: `0·NaN` and `0·∞` are NaN, in every output whose window sees them and in no
/// other.
#[test]
fn zero_weights_are_not_skipped() {
    let mut random = Lcg::new(3);
    maps(300, 4, |case| {
        let (mut x, mut kernel, mut y) = case.draw::<f32, f32>(&mut random);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            x.fill(1.0);
            y.fill(1.0);
            kernel.fill(0.0);
            let (source, target) = (random.below(x.len()), random.below(y.len()));
            x[source] = odd;
            y[target] = odd;
            let mut forward = vec![7.0; y.len()];
            let mut back = vec![7.0; x.len()];
            case.conv(&x, &kernel, &mut forward).expect("a legal case");
            case.conv_transpose(&y, &kernel, &mut back)
                .expect("a legal case");
            let sees = |row: usize, column: usize| {
                let matrix = Matrix::new(case.geometry, case.layout, &kernel).expect("legal");
                matrix.row(row).any(|(at, _)| at == column)
            };
            for (row, value) in forward.iter().enumerate() {
                assert_eq!(
                    value.is_nan(),
                    sees(row, source),
                    "output {row} of {case:?}"
                );
                assert!(value.is_nan() || value.to_bits() == 0, "{value}");
            }
            for (column, value) in back.iter().enumerate() {
                assert_eq!(
                    value.is_nan(),
                    sees(target, column),
                    "output {column} of {case:?}"
                );
                assert!(value.is_nan() || value.to_bits() == 0, "{value}");
            }
        }
    });
}

/// Likewise an input of zero: it meets a weight that is not finite as NaN.
#[test]
fn zero_inputs_are_not_skipped() {
    let mut random = Lcg::new(5);
    maps(300, 6, |case| {
        let (mut x, mut kernel, mut y) = case.draw::<f32, f32>(&mut random);
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            x.fill(0.0);
            y.fill(0.0);
            kernel.fill(1.0);
            let at = random.below(kernel.len());
            kernel[at] = odd;
            let mut forward = vec![7.0; y.len()];
            let mut back = vec![7.0; x.len()];
            case.conv(&x, &kernel, &mut forward).expect("a legal case");
            case.conv_transpose(&y, &kernel, &mut back)
                .expect("a legal case");
            let matrix = Matrix::new(case.geometry, case.layout, &kernel).expect("legal");
            for (row, value) in forward.iter().enumerate() {
                let meets = matrix.row(row).any(|(_, weight)| !weight.is_finite());
                assert_eq!(value.is_nan(), meets, "output {row} of {case:?}");
            }
            for (column, value) in back.iter().enumerate() {
                let meets = matrix.column(column).any(|(_, weight)| !weight.is_finite());
                assert_eq!(value.is_nan(), meets, "output {column} of {case:?}");
            }
        }
    });
}

fn signal<const K: usize>(pads: (isize, isize), x: &[f32], kernel: [f32; K]) -> Vec<f32> {
    let axis = Axis::new(K).with_pads(pads.0, pads.1);
    let geometry = Geometry::direct([axis], [x.len()], 1, 1, 1).expect("a legal axis");
    let mut output = vec![f32::NAN; geometry.output_elements()];
    geometry
        .conv(x, &kernel, &mut output)
        .expect("the right lengths");
    output
}

#[test]
fn infinities_keep_their_sign_and_meet_as_nan() {
    let infinity = f32::INFINITY;
    assert_eq!(signal((0, 0), &[1.0, infinity], [1.0, 2.0]), [infinity]);
    assert_eq!(signal((0, 0), &[1.0, infinity], [1.0, -2.0]), [-infinity]);
    assert!(signal((0, 0), &[infinity, infinity], [1.0, -2.0])[0].is_nan());
    assert_eq!(
        signal((0, 0), &[f32::MAX, f32::MAX], [1.0, 1.0]),
        [infinity]
    );
}

/// Pads are not multiplied: an infinite weight over a pad adds nothing.
#[test]
fn pads_are_not_multiplied() {
    let infinity = f32::INFINITY;
    assert_eq!(
        signal((1, 0), &[1.0, 2.0], [infinity, 1.0]),
        [1.0, infinity]
    );
    assert_eq!(signal((2, 2), &[3.0], [f32::NAN])[..2], [0.0, 0.0]);
    let axis = Axis::new(1).with_stride(2);
    let geometry = Geometry::transposed([axis], [2], [3], 1, 1, 1).expect("a legal axis");
    let mut output = [7.0; 3];
    geometry
        .conv_transpose(&[1.0_f32, 2.0], &[infinity], &mut output)
        .expect("the right lengths");
    assert_eq!(output, [infinity, 0.0, infinity]);
}

/// A sum starts from `+0.0`: it is never `−0.0`.
#[test]
fn sums_start_from_positive_zero() {
    assert_eq!(signal((0, 0), &[-0.0], [1.0])[0].to_bits(), 0);
    assert_eq!(signal((0, 0), &[1.0, 1.0], [-0.0, -0.0])[0].to_bits(), 0);
    assert_eq!(signal((3, 0), &[-1.0], [0.0])[0].to_bits(), 0);
}

/// Products round before they are added; fused, this sum would not be zero.
#[test]
fn products_round_before_they_are_added() {
    let x = 1.0 + f32::EPSILON;
    let square = x * x;
    assert_eq!(signal((0, 0), &[-square, x], [1.0, x]), [0.0]);
    assert_ne!(f64::from(x) * f64::from(x), f64::from(square));
}
