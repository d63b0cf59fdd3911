use conv_core::arena::{Arena, Then};

type Network = ([[[i8; 2]; 3]; 2], Then<[i8; 6], [[i8; 2]; 2]>);

fn main() {
    let mut memory = Arena::<i8, 17>::new();
    let (image, mut turns) = memory.place::<Network>();
    turns.first()[0] = image[0][0][0];
}
