use conv_core::window2d;

window2d! { struct Half: strides 2 }

fn main() {}
