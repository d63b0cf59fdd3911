use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

type Picture = [[[i8; 4]; 32]; 32];
type Kernel = [[[[i8; 3]; 3]; 3]; 16];

assert_shapes!(Half::conv(Picture, Kernel) => [[[i32; 16]; 16]; 16]);

fn main() {}
