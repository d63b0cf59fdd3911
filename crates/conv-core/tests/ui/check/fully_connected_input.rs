use conv_core::assert_shapes;
use conv_core::quantised::{QuantFullyConnected, Quantisation};
use conv_core::requantise::{Double, Multiplier};

static SCORES: QuantFullyConnected<i8, [[i8; 4]; 2], Double, 2> = QuantFullyConnected::new(
    [[1; 4]; 2],
    [0; 2],
    [Multiplier::from_scale(0.5).unwrap(); 2],
    Quantisation::new(0, 0),
);

assert_shapes!(SCORES.run([[[i8; 2]; 2]; 2]) => [i8; 2]);

fn main() {}
