use conv_core::{Window1d, window1d};

window1d! { struct Decimate: stride 3 }

fn main() {
    let mut output = [0_i64; 4];
    Decimate::conv(&[1_i16; 9], &[1_i16; 2], &mut output);
}
