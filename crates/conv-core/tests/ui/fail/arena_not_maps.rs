use conv_core::arena::Arena;

fn main() {
    let mut memory = Arena::<i8, 16>::new();
    let volume = memory.place::<[[[[i8; 2]; 2]; 2]; 2]>();
    volume[0][0][0][0] = 1;
}
