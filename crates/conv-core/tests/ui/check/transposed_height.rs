use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

assert_shapes!(Half::conv_transpose([[i8; 4]; 4], [[i8; 3]; 3]) => [[i32; 8]; 9]);

fn main() {}
