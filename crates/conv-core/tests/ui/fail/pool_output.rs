use conv_core::pool::MaxPool2d;
use conv_core::window2d;

window2d! { struct Half: stride 2 }

static POOL: MaxPool2d<Half, i8, 2, 2> = MaxPool2d::new();

fn main() {
    let image = [[[0_i8; 3]; 8]; 8];
    let mut pooled = [[[0_i8; 3]; 5]; 4];
    POOL.run(&image, &mut pooled);
}
