use conv_core::pool::MaxPool2d;
use conv_core::stream::Stream;
use conv_core::window2d;

window2d! { struct Far: pad_after (2, 0) }

static POOL: MaxPool2d<Far, i8, 2, 2> = MaxPool2d::new();

fn main() {
    let mut pooled = Stream::pool(&POOL, [[0_i8; 5]; 2]);
    let row: Option<[i8; 4]> = pooled.push(&[1; 5]).next();
    assert!(row.is_none());
}
