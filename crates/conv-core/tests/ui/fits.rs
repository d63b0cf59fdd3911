//! The programs of `fail/` as they should be.

use conv_core::arena::{Arena, Maps, Then};
use conv_core::finish::{self, Finish};
use conv_core::{Window1d, Window2d, window1d, window2d};

window1d! { struct Signal: stride 2, pad 1 }
window2d! { struct Half: stride 2, pad 1 }
window2d! { struct Groups: groups 2 }

fn main() {
    let mut samples = [0_i32; 4];
    Signal::conv(&[1_i8; 8], &[1_i8; 3], &mut samples);
    let mut samples = [0_i32; 8];
    Signal::conv_transpose(&[1_i8; 4], &[1_i8; 3], &mut samples);
    let mut features = [[[0_i32; 4]; 4]; 4];
    Half::conv(&[[[1_i8; 2]; 8]; 8], &[[[[1_i8; 2]; 3]; 3]; 4], &mut features);
    let mut features = [[[0_i8; 4]; 4]; 4];
    let step = finish::bias(&[1, 2, 3, 4]).to_q7(2);
    Half::conv_with(&[[[1_i8; 2]; 8]; 8], &[[[[1_i8; 2]; 3]; 3]; 4], &mut features, step);
    let mut back = [[[0_i32; 2]; 7]; 8];
    Half::conv_transpose(&[[[1_i8; 4]; 4]; 4], &[[[[1_i8; 2]; 3]; 3]; 4], &mut back);
    let mut separate = [[[0_i32; 4]; 4]; 4];
    Half::depthwise(&[[[1_i8; 2]; 8]; 8], &[[[1_i8; 4]; 3]; 3], &mut separate);
    let mut grouped = [[[0_i32; 6]; 7]; 6];
    Groups::conv(&[[[1_i8; 4]; 8]; 8], &[[[[1_i8; 2]; 2]; 3]; 6], &mut grouped);
    let mut sum = [0_i64; 1];
    Unit::conv(&[1_i16; 512], &[1_i8; 512], &mut sum);
    let mut memory = Arena::<i8, { Network::PEAK }>::new();
    let (image, mut turns) = memory.place::<Network>();
    turns.first()[0] = image[0][0][0];
    turns.then()[0][0] = image[0][0][0];
}

window1d! { struct Unit }

type Network = ([[[i8; 2]; 3]; 2], Then<[i8; 6], [[i8; 2]; 2]>);
