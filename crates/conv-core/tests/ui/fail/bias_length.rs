use conv_core::{Window2d, finish, window2d};

window2d! { struct Plain }

fn main() {
    let mut output = [[[0_i32; 4]; 4]; 4];
    let bias = finish::bias(&[1, 2, 3]);
    Plain::conv_with(&[[[1_i8; 2]; 4]; 4], &[[[[1_i8; 2]; 1]; 1]; 4], &mut output, bias);
}
