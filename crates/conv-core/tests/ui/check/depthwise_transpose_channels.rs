use conv_core::{assert_shapes, window1d};

window1d! { struct Twice: stride 2 }

assert_shapes!(Twice::depthwise_transpose([[i8; 3]; 4], [[i8; 2]; 2]) => [[i32; 2]; 8]);

fn main() {}
