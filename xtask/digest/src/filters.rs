//! Every kernel builder, computed by the target itself rather than by its compiler.

use conv_core::filter::{self, Taper};

use crate::run::Run;

/// A value that the compiler does not see through, so that the target computes with it.
fn hidden<T>(value: T) -> T {
    core::hint::black_box(value)
}

/// All of them.
pub fn all(run: &mut Run<'_>) {
    run.group("filter/integer", |group| {
        let gradients = [
            filter::sobel_x(),
            filter::sobel_y(),
            filter::scharr_x(),
            filter::scharr_y(),
            filter::prewitt_x(),
            filter::prewitt_y(),
            filter::laplacian(),
            filter::laplacian_diagonal(),
        ];
        group.output(&gradients);
        group.output(&[filter::sobel_5_x(), filter::sobel_5_y()]);
        group.output(&(filter::box_1d::<5>()));
        group.output(&(filter::box_2d::<3, 2>()));
        group.output(&filter::binomial_1d::<17>());
        group.output(&filter::binomial_2d::<7>());
        group.output(&filter::narrow(&filter::binomial_2d::<5>()));
        group.output(&filter::widen(&filter::sobel_x()));
        group.output(&filter::linear_numerators::<8>());
        group.output(&filter::bilinear_numerators::<5>());
    });
    run.group("filter/smooth", |group| {
        for sigma in [0.3, 0.5, 0.8, 1.0, 1.7, 3.0] {
            group.output(&filter::gaussian_1d::<9>(hidden(sigma)));
            group.output(&filter::gaussian_2d::<5>(hidden(sigma)));
        }
        group.output(&filter::linear_upsampling::<8>());
        group.output(&filter::bilinear_upsampling::<4>());
    });
    run.group("filter/sinc", |group| {
        for taper in [Taper::Hamming, Taper::Hann, Taper::Blackman] {
            for stride in [2, 3, 4] {
                let taps = filter::decimator::<21>(hidden(stride), taper);
                group.output(&taps);
                group.output(&filter::to_i16(&taps, hidden(15)));
                group.output(&filter::interpolator::<16>(hidden(stride), taper));
            }
            let taps = filter::low_pass::<15>(hidden(0.17), taper);
            group.output(&taps);
            group.output(&filter::to_i8(&taps, hidden(7)));
        }
    });
}
