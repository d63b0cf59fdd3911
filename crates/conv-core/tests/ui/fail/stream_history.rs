use conv_core::finish;
use conv_core::stream::Stream;
use conv_core::window1d;

window1d! { struct Decimate: stride 4, padding Causal }

static TAPS: [i16; 8] = [1; 8];

fn main() {
    let mut decimator = Stream::conv_1d(Decimate, &TAPS, finish::raw::<i64>(), [0_i16; 7]);
    let output: Option<i64> = decimator.push(1).next();
    assert!(output.is_some());
}
