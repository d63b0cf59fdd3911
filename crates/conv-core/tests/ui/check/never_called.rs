use conv_core::{assert_shapes, window2d};

window2d! { struct Half: stride 2, pad 1 }

// What a generic function does not show until someone calls it, the line beside its types does.
pub fn features<const N: usize>(image: &[[[i8; 3]; N]; 32], kernel: &Kernel) -> Features {
    assert_shapes!(Half::conv([[[i8; 3]; 32]; 32], Kernel) => Features);
    let _ = (image, kernel);
    [[[0; 16]; 16]; 17]
}

type Kernel = [[[[i8; 3]; 3]; 3]; 16];
type Features = [[[i32; 16]; 16]; 17];

fn main() {}
