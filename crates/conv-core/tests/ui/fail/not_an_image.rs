use conv_core::{Window2d, window2d};

window2d! { struct Plain }

fn main() {
    let mut output = [[0_i32; 4]; 1];
    Plain::conv(&[1_i8; 4], &[[1_i8; 1]; 1], &mut output);
}
