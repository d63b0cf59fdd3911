use conv_core::pool::AveragePool2d;
use conv_core::window2d;

window2d! { struct Far: pad_after 3 }

static POOL: AveragePool2d<Far, i8, 2, 2> = AveragePool2d::new();

fn main() {
    let image = [[0_i8; 5]; 5];
    let mut pooled = [[0_i8; 7]; 7];
    POOL.run(&image, &mut pooled);
}
