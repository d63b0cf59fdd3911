use conv_core::quantised::{Quantisation, QuantConv2d};
use conv_core::requantise::{Double, Multiplier};
use conv_core::window2d;

window2d! { struct Unit }

static LAYER: QuantConv2d<Unit, i8, [[[[i8; 1]; 1]; 1]; 1], Double, 1> = QuantConv2d::new(
    [[[[1]]]],
    [0],
    [Multiplier::ZERO],
    Quantisation::new(0, 0).with_clamp(127, 0),
);

fn main() {
    LAYER.run(&[[[1_i8]]], &mut [[[0_i8]]], &mut LAYER.scratch());
}
