use conv_core::quantised::{QuantConv2d, Quantisation};
use conv_core::requantise::{Double, Multiplier};
use conv_core::window2d;

window2d! { struct Plain }

static LAYER: QuantConv2d<Plain, i8, [[[[i8; 3]; 1]; 1]; 2], Double, 2> = QuantConv2d::new(
    [[[[2; 3]; 1]; 1]; 2],
    [0, -2_147_483_647],
    [Multiplier::from_scale(0.01).unwrap(); 2],
    Quantisation::new(0, 0),
);

fn main() {}
