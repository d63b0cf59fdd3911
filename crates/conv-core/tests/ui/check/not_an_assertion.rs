use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

assert_shapes!(Half::conv([[i8; 8]; 8], [[i8; 3]; 3], [[i32; 4]; 4]));

fn main() {}
