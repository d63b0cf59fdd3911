use conv_core::{Window2d, window2d};

window2d! { struct Same: padding SameUpper, stride (1, 2) }

fn main() {
    let mut output = [[0_i32; 4]; 5];
    Same::conv(&[[1_i8; 8]; 6], &[[1_i8; 3]; 3], &mut output);
}
