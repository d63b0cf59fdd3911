use conv_core::pool::AveragePool1d;
use conv_core::{assert_shapes, window1d};

window1d! { struct Half: stride 2 }

static AVERAGE: AveragePool1d<Half, i16, 2> = AveragePool1d::new();

assert_shapes!(AVERAGE.run([i16; 9]) => [i16; 5]);

fn main() {}
