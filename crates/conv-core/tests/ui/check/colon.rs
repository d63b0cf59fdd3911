use conv_core::window1d;

window1d! { struct Half: stride: 2 }

fn main() {}
