use conv_core::{Window2d, window2d};

window2d! { struct Plain }

fn main() {
    let mut output = [[[0_i32; 4]; 4]; 4];
    Plain::conv(&[[[1_i8; 3]; 4]; 4], &[[[[1_i8; 2]; 1]; 1]; 4], &mut output);
}
