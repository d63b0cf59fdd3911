use conv_core::quantised::{QuantConv1d, Quantisation};
use conv_core::requantise::{Multiplier, Single};
use conv_core::window1d;

window1d! { struct Same: padding SameUpper }

static LAYER: QuantConv1d<Same, i8, [[[i8; 2]; 3]; 4], Single, 4> = QuantConv1d::new(
    [[[1; 2]; 3]; 4],
    [0; 4],
    [Multiplier::ZERO; 4],
    Quantisation::new(0, 0),
);

fn main() {
    let mut output = [[0_i8; 4]; 8];
    LAYER.run(&[[1_i8; 2]; 9], &mut output, &mut LAYER.scratch());
}
