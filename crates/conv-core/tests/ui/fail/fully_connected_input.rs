use conv_core::quantised::{Quantisation, QuantFullyConnected};
use conv_core::requantise::{Double, Multiplier};

static SCORES: QuantFullyConnected<i8, [[i8; 16]; 10], Double, 10> = QuantFullyConnected::new(
    [[1; 16]; 10],
    [0; 10],
    [Multiplier::ZERO; 10],
    Quantisation::new(0, 0),
);

fn main() {
    let features = [[[0_i8; 4]; 2]; 3];
    let mut scores = [0_i8; 10];
    SCORES.run(&features, &mut scores);
}
