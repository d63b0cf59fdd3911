use conv_core::{Window1d, window1d};

window1d! { struct Half: stride 2, pad 1 }

fn main() {
    let mut output = [0_i32; 9];
    Half::conv_transpose(&[1_i8; 4], &[1_i8; 3], &mut output);
}
