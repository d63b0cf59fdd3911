use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

// Rows and columns first, as TensorFlow has them.
type Kernel = [[[[i8; 16]; 3]; 5]; 5];

assert_shapes!(Half::conv([[[i8; 3]; 32]; 32], Kernel) => [[[i32; 16]; 15]; 15]);

fn main() {}
