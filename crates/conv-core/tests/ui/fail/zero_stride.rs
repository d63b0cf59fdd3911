use conv_core::{Window2d, window2d};

window2d! { struct Still: stride (0, 1) }

fn main() {
    let mut output = [[0_i32; 9]; 9];
    Still::conv(&[[1_i8; 9]; 9], &[[1_i8; 1]; 1], &mut output);
}
