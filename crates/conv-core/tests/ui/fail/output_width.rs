use conv_core::{Window2d, window2d};

window2d! { struct Half: stride 2, pad 1 }

fn main() {
    let mut output = [[[0_i32; 16]; 17]; 16];
    Half::conv(&[[[1_i8; 3]; 32]; 32], &[[[[1_i8; 3]; 3]; 3]; 16], &mut output);
}
