use conv_core::quantised::{QuantConv2d, Quantisation};
use conv_core::requantise::{Double, Multiplier};
use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

static LAYER: QuantConv2d<Half, i8, [[[[i8; 3]; 3]; 3]; 16], Double, 16> = QuantConv2d::new(
    [[[[1; 3]; 3]; 3]; 16],
    [0; 16],
    [Multiplier::from_scale(0.01).unwrap(); 16],
    Quantisation::new(0, 0),
);

assert_shapes!(LAYER.run([[[i8; 3]; 32]; 32]) => [[[i8; 16]; 17]; 16]);

fn main() {}
