use conv_core::{Window1d, window1d};

window1d! { struct Plain }

fn main() {
    let mut output = [0_i32; 3];
    Plain::conv(&[1_i16; 4], &[1_i16; 2], &mut output);
}
