use conv_core::arena::Arena;

fn main() {
    let mut memory = Arena::<i8, 8>::new();
    let map = memory.place::<[i16; 4]>();
    map[0] = 1;
}
