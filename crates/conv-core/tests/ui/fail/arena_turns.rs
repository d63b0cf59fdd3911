use conv_core::arena::{Arena, Maps, Then};

type Network = Then<[i8; 6], [[i8; 2]; 2]>;

fn main() {
    let mut memory = Arena::<i8, { Network::PEAK }>::new();
    let mut turns = memory.place::<Network>();
    let before = turns.first();
    let after = turns.then();
    after[0][0] = before[0];
}
