use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

assert_shapes!(Half::depthwise([[[i8; 2]; 9]; 9], [[[i8; 3]; 3]; 3]) => [[[i32; 3]; 5]; 5]);

fn main() {}
