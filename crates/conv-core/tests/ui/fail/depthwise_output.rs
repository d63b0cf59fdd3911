use conv_core::{Window2d, window2d};

window2d! { struct Plain }

fn main() {
    let mut output = [[[0_i32; 2]; 4]; 3];
    Plain::depthwise(&[[[1_i8; 2]; 6]; 5], &[[[1_i8; 2]; 2]; 3], &mut output);
}
