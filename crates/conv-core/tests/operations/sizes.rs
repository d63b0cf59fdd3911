//! Shape arithmetic at any size a machine word can hold: it never panics, and it equals the same arithmetic in
//! `i128`, where nothing here overflows.

use conv_core::axis::{Axis, AxisError, Padding, Window};
use conv_core::{Dimension, Error, Geometry};
use proptest::prelude::*;

const LIMIT: i128 = isize::MAX as i128;

/// Extents small, large, at the borders of `isize` and `usize`, and anything.
fn extent() -> impl Strategy<Value = usize> {
    let near =
        |middle: usize| (0..4_usize).prop_map(move |by| middle.wrapping_add(by).wrapping_sub(2));
    prop_oneof![
        6 => 0..12_usize,
        1 => near(isize::MAX as usize),
        1 => near(isize::MAX as usize / 2),
        1 => near(usize::MAX),
        1 => near(1 << (usize::BITS / 2)),
        1 => any::<usize>(),
        1 => (0..usize::BITS).prop_map(|bit| 1 << bit),
    ]
}

fn pad() -> impl Strategy<Value = isize> {
    prop_oneof![
        5 => -12..12_isize,
        1 => Just(isize::MIN),
        1 => Just(isize::MAX),
        1 => any::<isize>(),
        2 => extent().prop_map(|extent| extent as isize),
        1 => extent().prop_map(|extent| (extent as isize).wrapping_neg()),
    ]
}

fn axis() -> impl Strategy<Value = Axis> {
    (extent(), extent(), extent(), pad(), pad()).prop_map(
        |(kernel, stride, dilation, before, after)| {
            Axis::new(kernel)
                .with_stride(stride)
                .with_dilation(dilation)
                .with_pads(before, after)
        },
    )
}

/// An axis in `i128`.
#[derive(Clone, Copy)]
struct Wide {
    k: i128,
    s: i128,
    d: i128,
    before: i128,
    after: i128,
}

impl Wide {
    fn of(axis: &Axis) -> Self {
        Self {
            k: axis.kernel as i128,
            s: axis.stride as i128,
            d: axis.dilation as i128,
            before: axis.pad_before as i128,
            after: axis.pad_after as i128,
        }
    }

    /// The setting that is zero, if one is.
    fn zero(&self) -> Option<AxisError> {
        match (self.k, self.s, self.d) {
            (0, ..) => Some(AxisError::ZeroKernel),
            (_, 0, _) => Some(AxisError::ZeroStride),
            (.., 0) => Some(AxisError::ZeroDilation),
            _ => None,
        }
    }

    fn dilated(&self) -> i128 {
        // Two words' product may exceed i128; such a size only has to be beyond isize.
        self.d.saturating_mul(self.k - 1).saturating_add(1)
    }

    fn padded(&self, input: i128) -> i128 {
        input + self.before + self.after
    }

    fn base(&self, input: i128) -> i128 {
        let span = self.s.saturating_mul(input - 1);
        span.saturating_add(self.dilated())
            .saturating_sub(self.before)
            .saturating_sub(self.after)
    }

    fn limit(&self) -> i128 {
        self.s.max(self.d)
    }

    /// Whether an intermediate size of any of the functions is beyond `isize`, so that one of them may
    /// say so.
    fn overflows(&self, more: &[i128]) -> bool {
        let own = [self.k, self.s, self.d, self.dilated()];
        own.iter()
            .chain(more)
            .any(|size| !(-LIMIT - 1..=LIMIT).contains(size))
    }
}

/// A result equals the one in `i128`, or is an overflow where a size overflows.
fn hold(found: Result<usize, AxisError>, exact: Result<i128, AxisError>, may_overflow: bool) {
    if found == Err(AxisError::Overflow) {
        assert!(
            may_overflow,
            "an overflow where nothing overflows: {exact:?}"
        );
        return;
    }
    assert_eq!(found.map(|size| size as i128), exact);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn output_extents(axis in axis(), input in extent()) {
        let (wide, i) = (Wide::of(&axis), input as i128);
        let slack = wide.padded(i).saturating_sub(wide.dilated());
        let sizes = [i, i + wide.before, wide.padded(i), slack];
        let may_overflow = wide.overflows(&sizes);
        let exact = match wide.zero() {
            Some(error) => Err(error),
            None if i == 0 => Err(AxisError::EmptyExtent),
            None if wide.padded(i) < wide.dilated() => Err(AxisError::KernelTooLarge {
                padded_input: wide.padded(i) as isize,
                dilated_kernel: wide.dilated() as usize,
            }),
            None => Ok(slack / wide.s + 1),
        };
        hold(axis.output(input), exact, may_overflow);
        let remainder = exact.map(|_| slack % wide.s.max(1));
        hold(axis.adjoint_padding(input), remainder, may_overflow);
        let dilated = wide.zero().map_or(Ok(wide.dilated()), Err);
        hold(axis.dilated_kernel(), dilated, wide.overflows(&[]));
        prop_assert_eq!(axis.check(), axis.dilated_kernel().map(drop));
    }

    #[test]
    fn transposed_extents(axis in axis(), input in extent(), padding in extent(), output in extent()) {
        let (wide, i, a) = (Wide::of(&axis), input as i128, padding as i128);
        let span = wide.s.saturating_mul(i - 1);
        let full = span.saturating_add(wide.dilated());
        let base = wide.base(i);
        let greatest = base.saturating_add(wide.limit() - 1);
        let part = full.saturating_sub(wide.before);
        let sizes = [i, span, full, part, base, greatest, base.saturating_add(a), output as i128];
        let may_overflow = wide.overflows(&sizes);
        let given = match wide.zero() {
            Some(error) => Err(error),
            None if i == 0 => Err(AxisError::EmptyExtent),
            None => Ok(()),
        };
        let within = |()| match a < wide.limit() {
            true => Ok(()),
            false => Err(AxisError::OutputPadding { limit: wide.limit() as usize, found: padding }),
        };
        let exact = given.and_then(within).and_then(|()| match base.saturating_add(a) {
            ..1 => Err(AxisError::EmptyOutput),
            extent => Ok(extent),
        });
        hold(axis.transposed_output(input, padding), exact, may_overflow);

        let exact = given.and_then(|()| match output as i128 {
            0 => Err(AxisError::EmptyExtent),
            extent if (base..=greatest).contains(&extent) => Ok(extent - base),
            _ => Err(AxisError::TransposedExtent {
                least: base as isize,
                greatest: greatest as isize,
                found: output,
            }),
        });
        hold(axis.output_padding(input, output), exact, may_overflow);
    }

    #[test]
    fn adjoint_paddings_lead_back(axis in axis(), input in extent()) {
        if let (Ok(output), Ok(padding)) = (axis.output(input), axis.adjoint_padding(input)) {
            match axis.transposed_output(output, padding) {
                Ok(back) => prop_assert_eq!(back, input),
                Err(error) => prop_assert_eq!(error, AxisError::Overflow),
            }
        }
    }

    #[test]
    fn transposed_as_direct(axis in axis(), padding in extent()) {
        let (wide, a) = (Wide::of(&axis), padding as i128);
        let reach = wide.dilated() - 1;
        let before = reach.saturating_sub(wide.before);
        let after = reach.saturating_sub(wide.after);
        match axis.transposed_as_direct(padding) {
            Ok(direct) => {
                prop_assert!(wide.zero().is_none() && a < wide.limit());
                prop_assert_eq!([direct.stride, direct.kernel], [1, axis.kernel]);
                prop_assert_eq!(direct.dilation, axis.dilation);
                prop_assert_eq!(direct.pad_before as i128, before);
                prop_assert_eq!(direct.pad_after as i128, after + a);
            }
            Err(AxisError::Overflow) => {
                prop_assert!(wide.overflows(&[before, after, after.saturating_add(a)]));
            }
            Err(AxisError::OutputPadding { limit, found }) => {
                prop_assert!(a >= wide.limit());
                prop_assert_eq!([limit as i128, found as i128], [wide.limit(), a]);
            }
            Err(error) => prop_assert_eq!(Some(error), wide.zero()),
        }
    }

    #[test]
    fn transposed_taps(axis in axis()) {
        let wide = Wide::of(&axis);
        let (mut a, mut b) = (wide.s, wide.d);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let exact = match wide.zero() {
            Some(error) => Err(error),
            None => {
                let step = wide.s / a;
                Ok((wide.k + step - 1) / step)
            }
        };
        hold(axis.transposed_taps(), exact, wide.overflows(&[]));
    }

    #[test]
    fn named_paddings(
        kernel in extent(),
        stride in extent(),
        dilation in extent(),
        input in extent(),
        before in pad(),
        after in pad(),
    ) {
        let bare = Axis::new(kernel).with_stride(stride).with_dilation(dilation);
        let (wide, i) = (Wide::of(&bare), input as i128);
        let reach = wide.dilated() - 1;
        let total = || ((i - 1) / wide.s * wide.s + wide.dilated() - i).max(0);
        let half = wide.dilated() / 2;
        let given = Padding::Explicit { before, after };
        for padding in [
            Padding::Valid,
            Padding::Half,
            Padding::Full,
            Padding::SameUpper,
            Padding::SameLower,
            Padding::Causal,
            given,
        ] {
            let window = Window::new().with_stride(stride).with_dilation(dilation);
            let found = window.with_padding(padding).axis(kernel, input);
            if let Some(error) = wide.zero() {
                prop_assert_eq!(found, Err(error));
                continue;
            }
            if found == Err(AxisError::Overflow) {
                prop_assert!(wide.overflows(&[i]));
                continue;
            }
            if i == 0 {
                prop_assert_eq!(found, Err(AxisError::EmptyExtent));
                continue;
            }
            let pads = match padding {
                Padding::Valid => (0, 0),
                Padding::Half => (half, half),
                Padding::Full => (reach, reach),
                Padding::Causal => (reach, 0),
                Padding::SameUpper => (total() / 2, total() - total() / 2),
                Padding::SameLower => (total() - total() / 2, total() / 2),
                Padding::Explicit { before, after } => (before as i128, after as i128),
            };
            let axis = found.expect("nothing is zero or overflows");
            prop_assert_eq!((axis.pad_before as i128, axis.pad_after as i128), pads);
            prop_assert_eq!([axis.kernel, axis.stride, axis.dilation], [kernel, stride, dilation]);
        }
    }

    #[test]
    fn geometries(
        axes in [axis(), axis()],
        input in [extent(), extent()],
        to in [extent(), extent()],
        channels in [extent(), extent()],
        groups in extent(),
    ) {
        let [x, y] = channels;
        check_geometry(Geometry::direct(axes, input, x, y, groups));
        check_geometry(Geometry::transposed(axes, input, to, x, y, groups));
        check_geometry(Geometry::direct([axes[0]], [input[0]], x, y, groups).map(|signal| signal.as_2d()));
        // Legal on both axes, whatever the extents are.
        let plain = [Axis::new(1); 2];
        check_geometry(Geometry::direct(plain, input, x, y, groups));
        check_geometry(Geometry::transposed(plain, input, input, x, y, groups));
    }
}

/// A geometry has sizes that fit, or its error says truly what does not.
fn check_geometry(made: Result<Geometry<2>, Error>) {
    let product = |sizes: &[usize]| {
        (sizes.iter()).try_fold(1_i128, |product, size| product.checked_mul(*size as i128))
    };
    match made {
        Ok(geometry) => {
            let [x, y] = [geometry.input_channels(), geometry.output_channels()];
            let [ih, iw] = geometry.input();
            let [oh, ow] = geometry.output();
            let [kh, kw] = geometry.kernel();
            let kernel = [kh, kw, y, x / geometry.groups()];
            for (found, sizes) in [
                (geometry.input_elements(), [ih, iw, x, 1]),
                (geometry.output_elements(), [oh, ow, y, 1]),
                (geometry.kernel_elements(), kernel),
            ] {
                assert_eq!(Some(found as i128), product(&sizes));
                assert!(found as i128 <= LIMIT);
            }
            assert_eq!(
                Some(i128::from(geometry.taps())),
                product(&[kh, kw, x / geometry.groups()])
            );
            assert!(geometry.transposed_taps() as i128 <= LIMIT);
        }
        Err(Error::Groups {
            groups,
            input_channels,
            output_channels,
        }) => {
            let divides = |channels: usize| channels > 0 && channels.is_multiple_of(groups);
            assert!(groups == 0 || !divides(input_channels) || !divides(output_channels));
        }
        Err(Error::Overflow { .. } | Error::Axis { .. }) => {}
        Err(error) => panic!("not an error of a geometry: {error}"),
    }
}

/// Extents that fit small buffers, with strides, dilations and pads of any size: pads that cancel out, kernels
/// whose taps lie far apart.
fn far_axis() -> impl Strategy<Value = (Axis, usize, usize)> {
    let step = prop_oneof![4 => 1..5_usize, 1 => extent()];
    let given = (1..4_usize, step.clone(), step, pad(), 1..5_usize, 0..6_i128);
    given.prop_filter_map(
        "the pad after overflows",
        |(kernel, stride, dilation, before, input, room)| {
            let axis = Axis::new(kernel)
                .with_stride(stride)
                .with_dilation(dilation);
            let wide = Wide {
                before: before as i128,
                ..Wide::of(&axis)
            };
            let after = wide.dilated() + room - input as i128 - wide.before;
            let axis = axis.with_pads(before, isize::try_from(after).ok()?);
            Some((axis, input, axis.output(input).ok()?))
        },
    )
}

/// The same seen from the transposed side.
fn far_transposed_axis() -> impl Strategy<Value = (Axis, usize, usize)> {
    let step = prop_oneof![4 => 1..5_usize, 1 => extent()];
    let given = (
        1..4_usize,
        step.clone(),
        step,
        pad(),
        1..4_usize,
        1..6_usize,
    );
    given.prop_filter_map(
        "the pad after overflows",
        |(kernel, stride, dilation, before, from, to)| {
            let axis = Axis::new(kernel)
                .with_stride(stride)
                .with_dilation(dilation);
            let wide = Wide {
                before: before as i128,
                ..Wide::of(&axis)
            };
            let after = wide.base(from as i128) - to as i128;
            let axis = axis.with_pads(before, isize::try_from(after).ok()?);
            axis.output_padding(from, to).ok()?;
            Some((axis, to, from))
        },
    )
}

/// Both operations of a map of one axis, by the formula in `i128`.
fn hold_far(geometry: &Geometry<1>) {
    let axis = geometry.axes()[0];
    let (wide, [input], [output]) = (Wide::of(&axis), geometry.input(), geometry.output());
    let x: Vec<i8> = (0..input).map(|n| 3 * n as i8 - 5).collect();
    let y: Vec<i8> = (0..output).map(|t| 7 - 2 * t as i8).collect();
    let kernel: Vec<i8> = (0..axis.kernel).map(|j| 1 + 4 * j as i8).collect();
    let (mut forward, mut back) = (vec![0; output], vec![0; input]);
    for t in 0..output {
        for (j, weight) in kernel.iter().enumerate() {
            let n = t as i128 * wide.s + j as i128 * wide.d - wide.before;
            if (0..input as i128).contains(&n) {
                forward[t] += i32::from(x[n as usize]) * i32::from(*weight);
                back[n as usize] += i32::from(y[t]) * i32::from(*weight);
            }
        }
    }
    let mut found = vec![77; output];
    assert_eq!(geometry.conv(&x, &kernel, &mut found), Ok(()));
    assert_eq!(found, forward, "{geometry:?}");
    let mut found = vec![77; input];
    assert_eq!(geometry.conv_transpose(&y, &kernel, &mut found), Ok(()));
    assert_eq!(found, back, "{geometry:?}");
    let layout = conv_core::KernelLayout::OutputSpatialInput;
    let matrix = conv_core::Matrix::new(*geometry, layout, &kernel).expect("a legal matrix");
    let mut found = vec![77; output];
    matrix.multiply(&x, &mut found).expect("the same lengths");
    assert_eq!(found, forward, "{geometry:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_local_rejects: 1_000_000,
        ..ProptestConfig::with_cases(4_000)
    })]

    #[test]
    fn operations_over_far_axes((axis, input, _) in far_axis()) {
        hold_far(&Geometry::direct([axis], [input], 1, 1, 1).expect("a legal axis"));
    }

    #[test]
    fn operations_over_far_transposed_axes((axis, input, output) in far_transposed_axis()) {
        let made = Geometry::transposed([axis], [output], [input], 1, 1, 1);
        let wide = Wide::of(&axis);
        let positions = [input as i128 + wide.before, wide.padded(input as i128)];
        match made {
            Ok(geometry) => hold_far(&geometry),
            Err(Error::Axis { error: AxisError::Overflow, .. }) => {
                prop_assert!(wide.overflows(&positions));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Kernel, pads and extents that only just fit: the greatest dilated kernel, a pad before that reaches to its last
/// tap. One element more is an overflow in both directions, for the operations count on the padded input.
#[test]
fn the_farthest_tap() {
    let most = isize::MAX;
    let axis = Axis::new(3).with_dilation(most as usize / 2);
    assert_eq!(axis.dilated_kernel(), Ok(most as usize));
    let direct = Geometry::direct([axis.with_pads(most - 1, 0)], [1], 1, 1, 1).expect("legal");
    hold_far(&direct);
    let back = Geometry::transposed([axis.with_pads(most - 1, 0)], [1], [1], 1, 1, 1);
    hold_far(&back.expect("legal"));

    let beyond = axis.with_pads(most - 1, -1);
    let error = Error::Axis {
        dimension: Dimension::Length,
        error: AxisError::Overflow,
    };
    assert_eq!(Geometry::direct([beyond], [2], 1, 1, 1), Err(error));
    assert_eq!(
        Geometry::transposed([beyond], [1], [2], 1, 1, 1),
        Err(error)
    );
}
