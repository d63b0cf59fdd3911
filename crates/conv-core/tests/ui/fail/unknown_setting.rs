use conv_core::window2d;

window2d! { struct Half: pad 1, kernel 3 }

fn main() {}
