use conv_core::{assert_shapes, window1d};

window1d! { struct Plain }

assert_shapes!(Plain::conv([i16; 600], [i8; 512]) => [i32; 89]);

fn main() {}
