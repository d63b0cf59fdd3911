use conv_core::{Window2d, window2d};

window2d! { struct Wide: dilation (1, 3), pad (0, 1) }

fn main() {
    let mut output = [[0_i32; 1]; 4];
    Wide::conv(&[[1_i8; 4]; 4], &[[1_i8; 3]; 1], &mut output);
}
