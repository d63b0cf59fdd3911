use conv_core::window2d;

window2d! { struct Half: stride 2, padding Same }

fn main() {}
