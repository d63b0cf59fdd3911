use conv_core::{Window1d, window1d};

window1d! { struct Plain }

fn main() {
    let mut output = [0_i32; 1];
    Plain::conv(&[1_i16; 512], &[1_i8; 512], &mut output);
}
