use conv_core::{Window1d, window1d};

window1d! { struct Still: dilation 0 }

fn main() {
    let mut output = [0_i32; 9];
    Still::conv(&[1_i8; 9], &[1_i8; 3], &mut output);
}
