use conv_core::window2d;

window2d! { struct Half: pad 1, strides 2 }

fn main() {}
