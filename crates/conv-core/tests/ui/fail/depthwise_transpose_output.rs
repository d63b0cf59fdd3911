use conv_core::{Window2d, window2d};

window2d! { struct Half: stride 2, pad 1 }

fn main() {
    let mut output = [[[0_i32; 2]; 7]; 9];
    Half::depthwise_transpose(&[[[1_i8; 2]; 4]; 4], &[[[1_i8; 2]; 3]; 3], &mut output);
}
