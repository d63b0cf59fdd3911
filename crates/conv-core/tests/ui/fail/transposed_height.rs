use conv_core::{Window2d, window2d};

window2d! { struct Half: stride 2, pad 1 }

fn main() {
    let mut output = [[0_i32; 7]; 6];
    Half::conv_transpose(&[[1_i8; 4]; 4], &[[1_i8; 3]; 3], &mut output);
}
