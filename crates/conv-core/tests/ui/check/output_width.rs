use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

assert_shapes!(Half::conv([[[i8; 3]; 32]; 32], [[[[i8; 3]; 3]; 3]; 16]) => [[[i32; 16]; 17]; 16]);

fn main() {}
