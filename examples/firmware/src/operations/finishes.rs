//! Every last step from accumulator to output, in a layer and in a transposed layer, for every accumulator.

use conv_core::element::Multiply;
use conv_core::finish::{self, Finish, Saturate, ShiftTo};
use conv_core::micromath::{Activate, Activated};
use conv_core::{Window2d, window2d};

use crate::data::{Number, Sink, given};

window2d! { struct GroupedPlane: stride 2, pad 1, groups 2 }

pub fn all(sink: &mut Sink) {
    integer_finishes::<i8, i8, i32>(sink);
    integer_finishes::<i16, i16, i64>(sink);
    integer_finishes::<i32, i32, i128>(sink);
    float_finishes::<f32>(sink);
    float_finishes::<f64>(sink);
}

fn integer_finishes<T, W, A>(sink: &mut Sink)
where
    T: Number + Multiply<W, A>,
    W: Number,
    A: Number + Shifts,
{
    finish_q7::<T, W, A>(sink);
    finish_q15::<T, W, A>(sink);
    finish_q31::<T, W, A>(sink);
    finish_u8::<T, W, A>(sink);
}

fn float_finishes<F: Number + Multiply<F, F> + SaturateAndActivate>(sink: &mut Sink) {
    finish_tanh::<F, F, F>(sink);
    finish_sigmoid::<F, F, F>(sink);
}

/// Defines one function for each line: a layer with that finish, and the transposed layer with it.
macro_rules! finishes {
    ($($name:ident: $output:ty, $bounds:path, |$bias:ident| $finish:expr;)*) => {$(
        #[inline(never)]
        fn $name<T: Number + Multiply<W, A>, W: Number, A: Number + $bounds>(sink: &mut Sink) {
            let kernel: [[[[W; 2]; 3]; 3]; 4] = given();
            let $bias: &[A; 4] = &given();
            let mut output: [[[$output; 4]; 3]; 3] = given();
            GroupedPlane::conv_with(&given::<[[[T; 4]; 6]; 5]>(), &kernel, &mut output, $finish);
            sink.data(&output);
            let mut back: [[[$output; 4]; 6]; 5] = given();
            let input: [[[T; 4]; 3]; 3] = given();
            GroupedPlane::conv_transpose_with(&input, &kernel, &mut back, $finish);
            sink.data(&back);
        }
    )*};
}

/// A shift that the compiler cannot see.
fn shift() -> u32 {
    core::hint::black_box(5)
}

finishes! {
    finish_q7: i8, Shifts, |bias| finish::bias(bias).relu().to_q7(shift());
    finish_q15: i16, Shifts, |bias| finish::bias(bias).to_q15(shift()).clamp(-7, 900);
    finish_q31: i32, Shifts, |bias| finish::bias(bias).clamp(given(), given()).to_q31(shift());
    finish_u8: u8, Shifts, |bias| finish::bias(bias).to_u8(shift());
    finish_tanh: A, SaturateAndActivate, |bias| finish::bias(bias).relu().tanh();
    finish_sigmoid: A, SaturateAndActivate, |bias| finish::bias(bias).clamp(given(), given()).sigmoid();
}

trait Shifts: Saturate + ShiftTo<i8> + ShiftTo<u8> + ShiftTo<i16> + ShiftTo<i32> {}
impl<A: Saturate + ShiftTo<i8> + ShiftTo<u8> + ShiftTo<i16> + ShiftTo<i32>> Shifts for A {}

trait SaturateAndActivate: Saturate + Activated {}
impl<A: Saturate + Activated> SaturateAndActivate for A {}
