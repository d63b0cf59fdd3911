use conv_core::{Window2d, window2d};

window2d! { struct Half: stride 2, pad 1 }

fn main() {
    let mut output = [[[0_i32; 2]; 7]; 7];
    Half::conv_transpose(&[[[1_i8; 3]; 4]; 4], &[[[[1_i8; 2]; 3]; 3]; 4], &mut output);
}
