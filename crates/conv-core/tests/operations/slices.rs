//! Run-time lengths: typed windows on slices, vectors of fixed capacity, and every form with a finish.

use conv_core::finish::{self, Finish, bias, bias_slice, raw};
use conv_core::{Axis, AxisError, Buffer, Dimension, Error, Geometry, Window1d, window1d};
use conv_vectors::guard::Guarded;
use conv_vectors::random::Lcg;

use crate::support::{drawn, same, untouched};

window1d! { struct Plain }
window1d! { struct Half: stride 2, pad_before 1, pad_after 2 }
window1d! { struct Same: stride 3, dilation 2, padding SameLower, flip }
window1d! { struct Causal: dilation 3, padding Causal }
window1d! { struct Cropped: pad_before (-2), pad_after 1, groups 2 }

/// The geometry of a window over `length` samples, if it has one.
fn geometry<M: Window1d>(
    taps: usize,
    length: usize,
    channels: [usize; 2],
) -> Result<Geometry<1>, Error> {
    let dimension = Dimension::Length;
    let axis = M::LENGTH.axis(taps, length);
    let axis = axis.map_err(|error| Error::Axis { dimension, error })?;
    Geometry::direct([axis], [length], channels[0], channels[1], M::GROUPS)
        .map(|geometry| geometry.with_orientation(M::ORIENTATION))
}

/// `conv_slice` and `output_length` of lengths 0 to 12 are the run-time form's; outputs one sample short or long
/// and lengths without a geometry are errors that leave the output.
fn direct_slices<M: Window1d, const CI: usize, const G: usize, const K: usize, const CO: usize>() {
    let mut random = Lcg::new(1);
    let mut kernel = [[[0_i8; G]; K]; CO];
    random.fill(kernel.as_flattened_mut().as_flattened_mut());
    for length in 0..13 {
        let x: Vec<i8> = drawn(&mut random, length * CI);
        let (samples, _) = x.as_chunks::<CI>();
        let made = geometry::<M>(K, length, [CI, CO]);
        let outputs = made.map(|geometry| geometry.output()[0]);
        assert_eq!(M::output_length(&kernel, length), outputs);
        let count = outputs.unwrap_or(3);
        for wrong in [count + 1, count - 1] {
            let mut output = Guarded::<i32>::new(wrong * CO);
            let (space, _) = output.as_mut_slice().as_chunks_mut::<CO>();
            let expected = made.map_or_else(
                |error| error,
                |_| Error::Extent {
                    buffer: Buffer::Output,
                    dimension: Dimension::Length,
                    expected: count,
                    found: wrong,
                },
            );
            assert_eq!(M::conv_slice(samples, &kernel, space, raw()), Err(expected));
            untouched(&length, &output);
        }
        let Ok(geometry) = made else { continue };
        let mut output = Guarded::<i32>::new(count * CO);
        let (space, _) = output.as_mut_slice().as_chunks_mut::<CO>();
        assert_eq!(M::conv_slice(samples, &kernel, space, raw()), Ok(()));
        assert_eq!(output.check(), Ok(()));
        let mut expected = vec![0; count * CO];
        let weights = kernel.as_flattened().as_flattened();
        geometry
            .conv(&x, weights, &mut expected)
            .expect("the right lengths");
        same(&geometry, output.as_slice(), &expected);

        let matrix = M::matrix(&kernel, length).expect("a legal length");
        let mut product = vec![0; count * CO];
        matrix
            .multiply(&x, &mut product)
            .expect("the right lengths");
        assert_eq!(product, expected);
    }
}

/// `conv_transpose_slice` to every length to which the window leads, and to those to which it does not.
fn transposed_slices<
    M: Window1d,
    const CI: usize,
    const G: usize,
    const K: usize,
    const CO: usize,
>() {
    let mut random = Lcg::new(2);
    let mut kernel = [[[0_i8; G]; K]; CO];
    random.fill(kernel.as_flattened_mut().as_flattened_mut());
    let mut legal = 0;
    for from in 0..8 {
        let y: Vec<i8> = drawn(&mut random, from * CO);
        let (samples, _) = y.as_chunks::<CO>();
        for to in 0..40 {
            let mut output = Guarded::<i32>::new(to * CI);
            let (space, _) = output.as_mut_slice().as_chunks_mut::<CI>();
            let ran = M::conv_transpose_slice(samples, &kernel, space, raw());
            assert_eq!(output.check(), Ok(()));
            let made = M::LENGTH.axis(K, to).and_then(|axis| {
                axis.output_padding(from, to)?;
                Ok(axis)
            });
            match made {
                Ok(axis) => {
                    legal += 1;
                    assert_eq!(ran, Ok(()), "{from} to {to}");
                    let geometry = Geometry::transposed([axis], [from], [to], CI, CO, M::GROUPS)
                        .expect("a legal axis")
                        .with_orientation(M::ORIENTATION);
                    let mut expected = vec![0; to * CI];
                    let weights = kernel.as_flattened().as_flattened();
                    geometry
                        .conv_transpose(&y, weights, &mut expected)
                        .expect("the right lengths");
                    same(&geometry, output.as_slice(), &expected);
                }
                Err(error) => {
                    let dimension = Dimension::Length;
                    assert_eq!(ran, Err(Error::Axis { dimension, error }), "{from} to {to}");
                    untouched(&to, &output);
                }
            }
        }
    }
    assert!(legal > 6, "{legal} legal lengths");
}

macro_rules! slices {
    ($($window:ident $ci:literal $group:literal $taps:literal $co:literal),* $(,)?) => {
        #[test]
        fn direct() {
            $(direct_slices::<$window, $ci, $group, $taps, $co>();)*
        }

        #[test]
        fn transposed() {
            $(transposed_slices::<$window, $ci, $group, $taps, $co>();)*
        }
    };
}

slices! {
    Plain 1 1 3 1, Plain 2 2 1 3, Half 1 1 4 2, Half 3 3 3 1, Same 1 1 3 1, Same 2 2 2 9, Causal 1 1 2 1,
    Causal 4 4 3 2, Cropped 2 1 2 4, Cropped 4 2 3 2,
}

#[test]
fn plain_samples_have_one_channel() {
    let mut output = Guarded::<i64>::new(4);
    let ran = Half::conv_slice(
        &[1_i16, 2, 3, 4],
        &[1_i16, 10],
        output.as_mut_slice(),
        raw(),
    );
    let error = Error::Extent {
        buffer: Buffer::Output,
        dimension: Dimension::Length,
        expected: 3,
        found: 4,
    };
    assert_eq!(ran, Err(error));
    untouched(&"four samples", &output);
    let mut output = [0_i64; 3];
    Half::conv_slice(&[1_i16, 2, 3, 4], &[1_i16, 10], &mut output, raw()).expect("legal");
    assert_eq!(output, [10, 32, 4]);
    let mut back = [0_i64; 4];
    Half::conv_transpose_slice(&[1_i16, 2, 3], &[1_i16, 10], &mut back, raw()).expect("legal");
    assert_eq!(back, [10, 2, 20, 3]);
}

#[test]
fn wrong_channels_are_errors() {
    let error = |buffer, expected, found| {
        let dimension = Dimension::Channels;
        Err(Error::Extent {
            buffer,
            dimension,
            expected,
            found,
        })
    };
    let kernel = [[[1_i8; 2]; 1]; 3];
    let mut output = [[7_i32; 3]; 2];
    let ran = Plain::conv_slice(&[[1_i8; 1]; 2], &kernel, &mut output, raw());
    assert_eq!(ran, error(Buffer::Input, 2, 1));
    let mut narrow = [[7_i32; 2]; 2];
    let ran = Plain::conv_slice(&[[1_i8; 2]; 2], &kernel, &mut narrow, raw());
    assert_eq!(ran, error(Buffer::Output, 3, 2));
    let ran = Plain::conv_transpose_slice(&[[1_i8; 2]; 2], &kernel, &mut narrow, raw());
    assert_eq!(ran, error(Buffer::Input, 3, 2));
    let ran = Plain::conv_transpose_slice(&[[1_i8; 3]; 2], &kernel, &mut output, raw());
    assert_eq!(ran, error(Buffer::Output, 2, 3));
    assert_eq!((output, narrow), ([[7; 3]; 2], [[7; 2]; 2]));
}

/// A finish sees every output once, with its own channel; the result is the finish of the raw one.
fn finishes_by_channel(geometry: &Geometry<1>, kernel: &[i8]) {
    let mut random = Lcg::new(3);
    let x: Vec<i8> = drawn(&mut random, geometry.input_elements());
    let y: Vec<i8> = drawn(&mut random, geometry.output_elements());
    let values: Vec<i32> = (0..18).map(|channel| 1000 * channel - 4000).collect();
    let pass = |depthwise: usize| {
        let (mut forward, mut back) = (vec![0; y.len()], vec![0; x.len()]);
        let mut stepped = Guarded::<i16>::new(y.len());
        let mut stepped_back = Guarded::<i16>::new(x.len());
        let step = bias_slice(&values[..geometry.output_channels()])
            .relu()
            .to_q15(3);
        let back_step = bias_slice(&values[..geometry.input_channels()])
            .clamp(-9, 9999)
            .to_q15(0);
        let (space, back_space) = (stepped.as_mut_slice(), stepped_back.as_mut_slice());
        let results = if depthwise == 0 {
            [
                geometry.conv(&x, kernel, &mut forward),
                geometry.conv_transpose(&y, kernel, &mut back),
                geometry.conv_with(&x, kernel, space, step),
                geometry.conv_transpose_with(&y, kernel, back_space, back_step),
            ]
        } else {
            [
                geometry.depthwise(&x, kernel, &mut forward),
                geometry.depthwise_transpose(&y, kernel, &mut back),
                geometry.depthwise_with(&x, kernel, space, step),
                geometry.depthwise_transpose_with(&y, kernel, back_space, back_step),
            ]
        };
        assert_eq!(results, [Ok(()); 4]);
        let wanted: Vec<i16> = (forward.iter().enumerate())
            .map(|(index, sum): (usize, &i32)| {
                let biased = sum + values[index % geometry.output_channels()];
                let eighths = (i64::from(biased.max(0)) + 4).div_euclid(8);
                eighths.clamp(-32_768, 32_767) as i16
            })
            .collect();
        same(geometry, stepped.as_slice(), &wanted);
        let wanted: Vec<i16> = (back.iter().enumerate())
            .map(|(index, sum)| {
                (sum + values[index % geometry.input_channels()]).clamp(-9, 9999) as i16
            })
            .collect();
        same(geometry, stepped_back.as_slice(), &wanted);
        assert_eq!((stepped.check(), stepped_back.check()), (Ok(()), Ok(())));
    };
    pass(0);
    if geometry.groups() == geometry.input_channels() {
        pass(1);
    }
}

#[test]
fn every_form_with_a_finish() {
    let mut random = Lcg::new(4);
    for [x, y, groups] in [
        [1, 1, 1],
        [2, 3, 1],
        [1, 18, 1],
        [9, 9, 9],
        [3, 6, 3],
        [4, 2, 2],
        [18, 9, 1],
    ] {
        for axis in [
            Axis::new(3).with_pads(1, 0),
            Axis::new(2).with_stride(2).with_pads(0, 1),
        ] {
            let geometry = Geometry::direct([axis], [7], x, y, groups).expect("legal");
            let kernel: Vec<i8> = drawn(&mut random, geometry.kernel_elements());
            finishes_by_channel(&geometry, &kernel);
        }
    }
}

#[test]
fn slices_with_a_finish() {
    let mut output = [[0_u8; 2]; 2];
    let kernel = [[[1_i8], [2]], [[-1], [-1]]];
    let step = bias(&[100, 1000]).relu().to_u8(1);
    Plain::conv_slice(&[10_i8, 20, 30], &kernel, &mut output, step).expect("legal");
    assert_eq!(output, [[75, 255], [90, 255]]);
    let mut output = [0_i32; 3];
    let step = bias_slice(&[-7]).to_q31(0);
    Plain::conv_transpose_slice(&[[1_i8, 2], [3, 4]], &kernel, &mut output, step).expect("legal");
    assert_eq!(output, [-8, -8, -5]);
    let ran = Plain::conv_slice(&[1_i8, 2], &[1_i8], &mut output[..2], bias_slice(&[1, 2]));
    assert_eq!(
        ran,
        Err(Error::Extent {
            buffer: Buffer::Bias,
            dimension: Dimension::Channels,
            expected: 1,
            found: 2,
        })
    );
    assert_eq!(output, [-8, -8, -5]);
    let _: finish::Raw<i32> = raw();
}

#[test]
fn slices_that_could_overflow() {
    let mut output = [7_i32];
    let ran = Plain::conv_slice(&[1_i16; 512], &[1_i8; 512], &mut output, raw());
    assert_eq!(
        (ran, output),
        (
            Err(Error::Accumulator {
                taps: 512,
                limit: 511
            }),
            [7]
        )
    );
    assert_eq!(
        Plain::output_length(&[1_i8; 4], 3),
        Err(Error::Axis {
            dimension: Dimension::Length,
            error: AxisError::KernelTooLarge {
                padded_input: 3,
                dilated_kernel: 4
            },
        })
    );
}

/// The forms into vectors are those into slices, with the output's length known to them.
#[cfg(feature = "heapless")]
mod vectors {
    use heapless::Vec as Fixed;

    use super::*;

    fn hold(geometry: &Geometry<1>, kernel: &[i8]) {
        let mut random = Lcg::new(5);
        let x: Vec<i8> = drawn(&mut random, geometry.input_elements());
        let y: Vec<i8> = drawn(&mut random, geometry.output_elements());
        let (mut forward, mut back) = (vec![0; y.len()], vec![0; x.len()]);
        geometry.conv(&x, kernel, &mut forward).expect("legal");
        geometry
            .conv_transpose(&y, kernel, &mut back)
            .expect("legal");
        let halved =
            |sums: &[i32]| -> Vec<i16> { sums.iter().map(|sum| ((sum + 1) >> 1) as i16).collect() };

        let found: Fixed<i32, 200> = geometry.conv_vec(&x, kernel).expect("legal");
        assert_eq!(found[..], forward[..]);
        let found: Fixed<i32, 200> = geometry.conv_transpose_vec(&y, kernel).expect("legal");
        assert_eq!(found[..], back[..]);
        let step = || raw::<i32>().to_q15(1);
        let found: Fixed<i16, 200> = geometry.conv_vec_with(&x, kernel, step()).expect("legal");
        assert_eq!(found[..], halved(&forward));
        let found = geometry.conv_transpose_vec_with::<_, _, _, 200>(&y, kernel, step());
        assert_eq!(found.expect("legal")[..], halved(&back));

        if geometry.groups() == geometry.input_channels() {
            geometry.depthwise(&x, kernel, &mut forward).expect("legal");
            geometry
                .depthwise_transpose(&y, kernel, &mut back)
                .expect("legal");
            let found: Fixed<i32, 200> = geometry.depthwise_vec(&x, kernel).expect("legal");
            assert_eq!(found[..], forward[..]);
            let found: Fixed<i32, 200> =
                geometry.depthwise_transpose_vec(&y, kernel).expect("legal");
            assert_eq!(found[..], back[..]);
            let found = geometry.depthwise_vec_with::<_, _, _, 200>(&x, kernel, step());
            assert_eq!(found.expect("legal")[..], halved(&forward));
            let found = geometry.depthwise_transpose_vec_with::<_, _, _, 200>(&y, kernel, step());
            assert_eq!(found.expect("legal")[..], halved(&back));
        }
    }

    #[test]
    fn geometries() {
        let mut random = Lcg::new(6);
        for [x, y, groups] in [[1, 1, 1], [2, 3, 1], [9, 9, 9], [3, 6, 3], [4, 2, 2]] {
            for axis in [
                Axis::new(3).with_pads(1, 0),
                Axis::new(2).with_stride(2).with_pads(0, 1),
            ] {
                let geometry = Geometry::direct([axis], [7], x, y, groups).expect("legal");
                let kernel: Vec<i8> = drawn(&mut random, geometry.kernel_elements());
                hold(&geometry, &kernel);
            }
        }
    }

    #[test]
    fn capacities() {
        let geometry = Geometry::direct([Axis::new(2)], [5], 1, 1, 1).expect("legal");
        let (x, y, kernel) = ([1_i8; 5], [1_i8; 4], [1_i8; 2]);
        let short = Error::Capacity {
            needed: 4,
            available: 3,
        };
        let short_back = Error::Capacity {
            needed: 5,
            available: 4,
        };
        assert_eq!(geometry.conv_vec::<_, _, i32, 3>(&x, &kernel), Err(short));
        assert_eq!(
            geometry.depthwise_vec::<_, _, i32, 3>(&x, &kernel),
            Err(short)
        );
        assert_eq!(
            geometry.conv_transpose_vec::<_, _, i32, 4>(&y, &kernel),
            Err(short_back)
        );
        assert_eq!(
            geometry.depthwise_transpose_vec::<_, _, i32, 4>(&y, &kernel),
            Err(short_back)
        );
        assert_eq!(
            Plain::conv_vec::<_, _, i32, _, 3>(&x, &kernel, raw()),
            Err(short)
        );
        let back = Plain::conv_transpose_vec::<_, _, i32, _, 4>(&y, &kernel, 5, raw());
        assert_eq!(back, Err(short_back));
        // Exactly enough.
        let sums: Fixed<i32, 4> = Plain::conv_vec(&x, &kernel, raw()).expect("four");
        assert_eq!(sums, [2, 2, 2, 2]);
        let sums: Fixed<i32, 5> = Plain::conv_transpose_vec(&y, &kernel, 5, raw()).expect("five");
        assert_eq!(sums, [1, 2, 2, 2, 1]);
        let error = Plain::conv_transpose_vec::<_, _, i32, _, 9>(&y, &kernel, 6, raw());
        let expected = AxisError::TransposedExtent {
            least: 5,
            greatest: 5,
            found: 6,
        };
        assert_eq!(
            error,
            Err(Error::Axis {
                dimension: Dimension::Length,
                error: expected
            })
        );
        let wrong = geometry.conv_vec::<_, _, i32, 9>(&x[1..], &kernel);
        assert_eq!(
            wrong,
            Err(Error::Elements {
                buffer: Buffer::Input,
                expected: 5,
                found: 4
            })
        );
    }

    #[test]
    fn vectors_of_samples() {
        let kernel = [[[1_i8, 2]], [[0, -1]], [[3, 0]]];
        let input: Fixed<[i8; 2], 4> = Fixed::from_slice(&[[1, 2], [3, 4]]).expect("two");
        let output: Fixed<[i32; 3], 2> = Plain::conv_vec(&input, &kernel, raw()).expect("legal");
        assert_eq!(output, [[5, -2, 3], [11, -4, 9]]);
        let output: Fixed<[i32; 2], 2> =
            Plain::conv_transpose_vec(&[[1_i8, 1, 1], [0, 2, 0]], &kernel, 2, raw())
                .expect("legal");
        assert_eq!(output, [[4, 1], [0, -2]]);
    }
}

#[cfg(not(feature = "heapless"))]
#[test]
fn vectors_need_the_feature() {
    println!("skipped: the forms into `heapless::Vec`; run with `--features heapless`");
}
