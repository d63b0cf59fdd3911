use conv_core::add::{Affine, QuantAdd};

const UNIT: Affine = Affine {
    scale: 1.0,
    zero_point: 0,
};

static SUM: QuantAdd<i8> = QuantAdd::new(
    UNIT,
    Affine {
        scale: 0.0,
        zero_point: 0,
    },
    UNIT,
);

fn main() {
    let mut sum = [0_i8; 4];
    SUM.run(&[1; 4], &[2; 4], &mut sum);
}
