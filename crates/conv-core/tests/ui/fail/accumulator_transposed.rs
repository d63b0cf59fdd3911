use conv_core::{Window1d, window1d};

window1d! { struct Double: stride 2 }

fn main() {
    // 1024 taps, of which every second meets an output.
    let mut output = [0_i32; 1026];
    Double::conv_transpose(&[1_i16; 2], &[1_i8; 1024], &mut output);
}
