use conv_core::{Window1d, window1d};

window1d! { struct Plain }

fn main() {
    let mut output = [[0_i32; 3]; 4];
    Plain::conv(&[[1_i8; 2]; 4], &[[[1_i8; 2]; 1]; 4], &mut output);
}
