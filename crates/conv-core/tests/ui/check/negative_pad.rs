use conv_core::window2d;

window2d! { struct Cropped: stride 2, pad -1 }

fn main() {}
