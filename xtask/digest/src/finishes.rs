//! Every last step, on layers of their own: bias, clamp, rounding shifts, activations.

use conv_core::finish::{self, Finish};
use conv_core::micromath::Activate;
use conv_core::{Axis, Geometry, Window1d, window1d};

use crate::run::Run;

window1d! { struct Same: padding Half }

const SHIFTS: [u32; 8] = [0, 1, 2, 7, 15, 31, 33, 70];

/// All of them.
pub fn all(run: &mut Run<'_>) {
    integers(run);
    floats(run);
    run_time(run);
}

fn integers(run: &mut Run<'_>) {
    run.group("finish/i32", |group| {
        let input: [[i8; 2]; 9] = group.draw();
        let kernel: [[[i8; 2]; 3]; 3] = group.draw();
        let bias: [i32; 3] = group.draw();
        let mut q7: [[i8; 3]; 9] = group.dirty();
        let mut q15: [[i16; 3]; 9] = group.dirty();
        let mut q31: [[i32; 3]; 9] = group.dirty();
        let mut byte: [[u8; 3]; 9] = group.dirty();
        for shift in SHIFTS {
            Same::conv_with(&input, &kernel, &mut q7, finish::raw::<i32>().to_q7(shift));
            group.output(&q7);
            let step = finish::bias(&[-1000, 0, 1000]).relu().to_q15(shift);
            Same::conv_with(&input, &kernel, &mut q15, step);
            group.output(&q15);
            let step = finish::bias(&bias).clamp(-(1 << 30), 1 << 29).to_q31(shift);
            Same::conv_with(&input, &kernel, &mut q31, step);
            group.output(&q31);
            Same::conv_with(
                &input,
                &kernel,
                &mut byte,
                finish::bias(&[500; 3]).to_u8(shift),
            );
            group.output(&byte);
        }
    });
    run.group("finish/i64", |group| {
        let input: [i16; 12] = group.draw();
        let kernel: [i16; 5] = group.draw();
        let mut q15: [i16; 12] = group.dirty();
        let mut q31: [i32; 12] = group.dirty();
        for shift in SHIFTS {
            Same::conv_with(
                &input,
                &kernel,
                &mut q15,
                finish::bias(&[1_i64 << 20]).to_q15(shift),
            );
            group.output(&q15);
            Same::conv_with(
                &input,
                &kernel,
                &mut q31,
                finish::raw::<i64>().relu().to_q31(shift),
            );
            group.output(&q31);
        }
    });
    run.group("finish/i128", |group| {
        let input: [i32; 10] = group.draw();
        let kernel: [i32; 3] = group.draw();
        let mut q31: [i32; 10] = group.dirty();
        for shift in SHIFTS {
            let step = finish::bias(&[-1_i128 << 60]).to_q31(shift);
            Same::conv_with(&input, &kernel, &mut q31, step);
            group.output(&q31);
        }
    });
}

fn floats(run: &mut Run<'_>) {
    run.group("finish/f32", |group| {
        let input: [[f32; 2]; 9] = group.draw();
        let kernel: [[[f32; 2]; 3]; 3] = group.draw();
        let bias: [f32; 3] = group.draw();
        let mut output: [[f32; 3]; 9] = group.dirty();
        Same::conv_with(&input, &kernel, &mut output, finish::bias(&bias).relu());
        group.output(&output);
        Same::conv_with(
            &input,
            &kernel,
            &mut output,
            finish::raw::<f32>().clamp(-2.5, 4.0),
        );
        group.output(&output);
        Same::conv_with(&input, &kernel, &mut output, finish::bias(&bias).tanh());
        group.output(&output);
        Same::conv_with(&input, &kernel, &mut output, finish::raw::<f32>().sigmoid());
        group.output(&output);
    });
    run.group("finish/f64", |group| {
        let input: [f64; 12] = group.draw();
        let kernel: [f64; 3] = group.draw();
        let mut output: [f64; 12] = group.dirty();
        Same::conv_with(
            &input,
            &kernel,
            &mut output,
            finish::bias(&[0.1_f64]).relu(),
        );
        group.output(&output);
        Same::conv_with(&input, &kernel, &mut output, finish::raw::<f64>().tanh());
        group.output(&output);
        Same::conv_with(&input, &kernel, &mut output, finish::raw::<f64>().sigmoid());
        group.output(&output);
    });
    run.group("finish/activations", |group| {
        for step in -400..=400 {
            let x = step as f32 * 0.25;
            group.values(&[
                conv_core::micromath::tanh(x),
                conv_core::micromath::sigmoid(x),
            ]);
            let x = step as f32 * 0.001;
            group.values(&[
                conv_core::micromath::tanh(x),
                conv_core::micromath::sigmoid(x),
            ]);
        }
    });
}

fn run_time(run: &mut Run<'_>) {
    run.group("finish/run-time", |group| {
        let axis = Axis::new(3).with_stride(2).with_pads(1, 2);
        let Ok(geometry) = Geometry::direct([axis], [7], 2, 3, 1) else {
            return group.check(false);
        };
        let input: [[u8; 2]; 7] = group.draw();
        let kernel: [[[i8; 2]; 3]; 3] = group.draw();
        let bias: [i32; 3] = group.draw();
        let (input, kernel) = (input.as_flattened(), kernel.as_flattened().as_flattened());
        for shift in SHIFTS {
            let step = finish::bias_slice(&bias).relu().to_q7(shift);
            let mut output: [i8; 12] = group.dirty();
            group.check(geometry.conv_with(input, kernel, &mut output, step).is_ok());
            group.output(&output);
            let output = geometry.conv_vec_with::<_, _, _, 12>(input, kernel, step);
            group.check(output.is_ok());
            group.values(&output.unwrap_or_default());
        }
        // A bias of another length is refused, and the output stays as it was.
        let mut output: [i32; 12] = group.dirty();
        let step = finish::bias_slice(&bias[..2]);
        group.check(
            geometry
                .conv_with(input, kernel, &mut output, step)
                .is_err(),
        );
        group.check(output == group.dirty::<[i32; 12]>());
        group.output(&output);
    });
}
