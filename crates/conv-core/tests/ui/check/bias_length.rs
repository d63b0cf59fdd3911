use conv_core::finish::{self, Finish};
use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

static BIAS: [i32; 15] = [0; 15];

assert_shapes!(
    Half::conv_with([[[i8; 3]; 32]; 32], [[[[i8; 3]; 3]; 3]; 16], finish::bias(&BIAS).relu().to_q7(8))
        => [[[i8; 16]; 16]; 16]
);

fn main() {}
