use conv_core::{Window2d, window2d};

window2d! { struct Three: groups 3 }

fn main() {
    let mut output = [[[0_i32; 4]; 4]; 4];
    Three::conv(&[[[1_i8; 3]; 4]; 4], &[[[[1_i8; 1]; 1]; 1]; 4], &mut output);
}
