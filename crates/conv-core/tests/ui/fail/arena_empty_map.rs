use conv_core::arena::Arena;

fn main() {
    let mut memory = Arena::<i8, 8>::new();
    let (signal, image) = memory.place::<([i8; 4], [[[i8; 2]; 0]; 3])>();
    signal[0] = image.len() as i8;
}
