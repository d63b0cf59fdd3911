//! One output, term by term; of a quantised layer with every step from the sum to the stored integer.

use conv_core::requantise::{
    Double, FloatHalfEven, HalfAway, HalfEven, Multiplier, Rounding, Single, Wide, WideDouble,
    WideHalfAway, float_scale, real_scale,
};

use crate::fault::Fault;

/// A rounding contract of [`conv_core::requantise`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contract {
    /// [`Double`].
    Double,
    /// [`Single`].
    Single,
    /// [`Wide`].
    Wide,
    /// [`HalfAway`].
    HalfAway,
    /// [`WideHalfAway`].
    WideHalfAway,
    /// [`HalfEven`].
    HalfEven,
    /// [`FloatHalfEven`].
    FloatHalfEven,
    /// [`WideDouble`].
    WideDouble,
}

impl Contract {
    /// All, with their words and whose they are.
    pub const ALL: [(Self, &'static str, &'static str); 8] = [
        (
            Self::Double,
            "double",
            "TFLite's and TFLM's reference kernels, CMSIS-NN's default",
        ),
        (Self::Single, "single", "ruy, CMSIS-NN's option"),
        (
            Self::Wide,
            "wide",
            "TFLite's int16 layers with a 64-bit accumulator",
        ),
        (
            Self::HalfAway,
            "half-away",
            "TFLite's fully connected layers",
        ),
        (
            Self::WideHalfAway,
            "wide-half-away",
            "TFLite's fully connected int16 layers with a 64-bit bias",
        ),
        (
            Self::HalfEven,
            "half-even",
            "ONNX's QLinearConv, its reference implementation",
        ),
        (
            Self::FloatHalfEven,
            "float-half-even",
            "XNNPACK, ONNX Runtime's QLinearConv",
        ),
        (
            Self::WideDouble,
            "wide-double",
            "TFLite's int16 layers with a 32-bit bias, sums of 64 bits saturated to 32",
        ),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(contract, ..)| *contract == self)
            .map_or("", |(_, word, _)| word)
    }
}

/// What a quantised layer adds to the sum of products.
#[derive(Clone, Copy, Debug)]
pub struct Quantisation {
    /// Scales of input, weight and output.
    pub scales: [f32; 3],
    /// Zero points of input, weight and output.
    pub zero_points: [i32; 3],
    /// Added to the sum.
    pub bias: i64,
    /// Least and greatest output.
    pub clamp: (i32, i32),
    /// How it rounds.
    pub contract: Contract,
}

/// A step: what is computed, and what comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// The formula with its numbers.
    pub formula: String,
    /// The value.
    pub value: String,
}

fn step(name: &str, formula: impl Into<String>, value: impl ToString) -> Step {
    Step {
        name: name.to_owned(),
        formula: formula.into(),
        value: value.to_string(),
    }
}

/// The steps of a quantised output, from pairs of input and weight.
///
/// ```
/// use conv_scene::explain::{Contract, Quantisation, quantised};
///
/// let layer = Quantisation {
///     scales: [0.5, 0.25, 1.0],
///     zero_points: [-3, 0, 10],
///     bias: 7,
///     clamp: (-128, 127),
///     contract: Contract::Double,
/// };
/// // (5 + 3)·2 + (1 + 3)·(−1) + 7 = 19. Of 19/8 double rounding makes 9.5/4, 10/4, 3; single rounding 2.
/// let (steps, output) = quantised(&[(5, 2), (1, -1)], &layer)?;
/// assert_eq!((steps[0].value.as_str(), output), ("12", 13));
/// let single = Quantisation { contract: Contract::Single, ..layer };
/// assert_eq!(quantised(&[(5, 2), (1, -1)], &single)?.1, 12);
/// # Ok::<(), conv_scene::Fault>(())
/// ```
///
/// # Errors
///
/// Scales that are not positive finite numbers; a sum that the contract's accumulator does not hold; a clamp the
/// wrong way round.
pub fn quantised(terms: &[(i64, i64)], layer: &Quantisation) -> Result<(Vec<Step>, i32), Fault> {
    let (low, high) = layer.clamp;
    if low > high {
        return Err(Fault::illegal(format!(
            "clamp is from {low} to {high}, expected the lower bound first"
        )));
    }
    let mut steps = Vec::new();
    let accumulator = sum(terms, layer, &mut steps)?;
    let output = finish(accumulator, layer, &mut steps)?;
    Ok((steps, output))
}

fn sum(terms: &[(i64, i64)], layer: &Quantisation, steps: &mut Vec<Step>) -> Result<i64, Fault> {
    let [zero_x, zero_w, _] = layer.zero_points.map(i64::from);
    let wide = |sum: i128| {
        i64::try_from(sum)
            .map_err(|_| Fault::illegal(format!("the sum is {sum}, which no accumulator holds")))
    };
    let total = |term: &dyn Fn(&(i64, i64)) -> i128| terms.iter().map(term).sum::<i128>();
    let products = total(&|&(x, w)| i128::from(x - zero_x) * i128::from(w - zero_w));
    let products = wide(products)?;
    let plain = total(&|&(x, w)| i128::from(x) * i128::from(w));
    let (of_x, of_w) = (total(&|&(x, _)| x.into()), total(&|&(_, w)| w.into()));
    let mut formula = format!("Σx·w = {plain}");
    if zero_x != 0 {
        formula += &format!(", −z_x·Σw = {}", -i128::from(zero_x) * of_w);
    }
    if zero_w != 0 {
        formula += &format!(", −z_w·Σx = {}", -i128::from(zero_w) * of_x);
    }
    if zero_x != 0 && zero_w != 0 {
        formula += &format!(
            ", n·z_x·z_w = {}",
            i128::from(zero_x * zero_w) * terms.len() as i128
        );
    }
    steps.push(step(
        "sum",
        format!(
            "Σ(x − z_x)·(w − z_w) over the {} taps inside: {formula}",
            terms.len()
        ),
        products,
    ));
    let accumulator = wide(i128::from(products) + i128::from(layer.bias))?;
    steps.push(step(
        "accumulator",
        format!("{products} + bias {}", layer.bias),
        accumulator,
    ));
    let is_wide = matches!(
        layer.contract,
        Contract::Wide | Contract::WideHalfAway | Contract::WideDouble
    );
    if !is_wide && i32::try_from(accumulator).is_err() {
        return Err(Fault::illegal(format!(
            "the accumulator is {accumulator}, which does not fit the 32 bits of `{}`",
            layer.contract.word()
        )));
    }
    Ok(accumulator)
}

fn finish(accumulator: i64, layer: &Quantisation, steps: &mut Vec<Step>) -> Result<i32, Fault> {
    let [s_x, s_w, s_y] = layer.scales;
    let refused = || {
        Fault::illegal(format!(
            "scale {s_x}·{s_w}/{s_y} is out of range, expected a positive finite number"
        ))
    };
    if layer
        .scales
        .iter()
        .any(|scale| !(scale.is_finite() && *scale > 0.0))
    {
        return Err(refused());
    }
    let real = real_scale(s_x, s_w, s_y).ok_or_else(refused)?;
    steps.push(step(
        "real scale",
        format!("s_x·s_w/s_y = {s_x}·{s_w}/{s_y}"),
        format!("{real:e}"),
    ));
    let zero = layer.zero_points[2];
    let (low, high) = layer.clamp;
    // `sum` has seen that the 32-bit contracts' accumulators fit.
    let narrow = accumulator as i32;
    let fixed = Multiplier::from_scales(s_x, s_w, s_y).ok_or_else(refused)?;
    let float = float_scale(s_x, s_w, s_y).ok_or_else(refused)?;
    let output = match layer.contract {
        Contract::Double => Double::requantise(narrow, fixed, zero, low, high),
        Contract::Single => Single::requantise(narrow, fixed, zero, low, high),
        Contract::Wide => Wide::requantise(accumulator, fixed, zero, low, high),
        Contract::HalfAway => HalfAway::requantise(narrow, real, zero, low, high),
        Contract::WideHalfAway => WideHalfAway::requantise(accumulator, real, zero, low, high),
        Contract::HalfEven => HalfEven::requantise(narrow, real as f32, zero, low, high),
        Contract::FloatHalfEven => FloatHalfEven::requantise(narrow, float, zero, low, high),
        Contract::WideDouble => WideDouble::requantise(accumulator, fixed, zero, low, high),
    };
    let rounded = match layer.contract {
        Contract::HalfAway | Contract::WideHalfAway => {
            let product = accumulator as f64 * real;
            steps.push(step(
                "scaled",
                format!("{accumulator} · {real:e}, in f64"),
                product,
            ));
            let rounded = product.round();
            steps.push(step("rounded", "half away from zero", rounded));
            Some(rounded as i128)
        }
        Contract::HalfEven => {
            half_even(accumulator, real as f32, zero, steps);
            None
        }
        Contract::FloatHalfEven => {
            let product = narrow as f32 * float;
            let text = format!("f32 {narrow} · f32 {float:e}, rounded to an f32");
            steps.push(step("scaled", text, product));
            let rounded = product.round_ties_even();
            steps.push(step("rounded", "half to even", rounded));
            Some(rounded as i128)
        }
        contract => {
            let text = format!("{real:e} = m/2³¹ · 2^s, m rounded half away from zero");
            let value = format!("m = {}, s = {}", fixed.multiplier, fixed.shift);
            steps.push(step("multiplier", text, value));
            let accumulator = match contract {
                Contract::WideDouble => saturated(accumulator, steps),
                _ => accumulator,
            };
            Some(fixed_point(accumulator.into(), fixed, contract, steps))
        }
    };
    if let Some(rounded) = rounded {
        let sum = rounded + i128::from(zero);
        steps.push(step("zero point", format!("{rounded} + z_y {zero}"), sum));
    }
    steps.push(step("output", format!("clamped to {low}..{high}"), output));
    Ok(output)
}

/// The step from 64 bits to 32.
fn saturated(accumulator: i64, steps: &mut Vec<Step>) -> i64 {
    let saturated = accumulator.clamp(i32::MIN.into(), i32::MAX.into());
    steps.push(step(
        "32 bits",
        format!("{accumulator}, saturated"),
        saturated,
    ));
    saturated
}

fn half_even(accumulator: i64, scale: f32, zero: i32, steps: &mut Vec<Step>) {
    let real = accumulator as f64 * f64::from(scale) + f64::from(zero);
    let formula = format!("{accumulator} · f32 {scale:e} + z_y {zero}, in f64");
    steps.push(step("scaled", formula, real));
    steps.push(step(
        "rounded",
        "half to even, after the clamp",
        real.round_ties_even(),
    ));
}

/// The steps of the contracts in fixed point; returns the rounded value before the zero point.
fn fixed_point(
    accumulator: i128,
    fixed: Multiplier,
    contract: Contract,
    steps: &mut Vec<Step>,
) -> i128 {
    let (m, s) = (i128::from(fixed.multiplier), fixed.shift);
    // Beyond, nothing is left of a sum; no scale of three f32 reaches further to the left than 2¹²⁷.
    let half_up = |value: i128, bits: i32| match bits {
        1..=126 => (value + (1 << (bits - 1))) >> bits,
        127.. => 0,
        _ => value.saturating_mul(1_i128 << bits.unsigned_abs().min(126)),
    };
    match contract {
        Contract::Double | Contract::WideDouble => {
            let left = s.max(0);
            let high_half = half_up(accumulator * m, 31 - left);
            let text = format!("({accumulator}·2^{left}·m + 2³⁰) >> 31");
            steps.push(step("high multiply", text, high_half));
            let right = s.min(0).unsigned_abs().min(62);
            let remainder = high_half & ((1 << right) - 1);
            let threshold = (((1_i128 << right) - 1) >> 1) + i128::from(high_half < 0);
            let rounded = (high_half >> right) + i128::from(remainder > threshold);
            let text = format!(
                "{high_half} >> {right}, remainder {remainder} above {threshold}: +{}",
                i32::from(remainder > threshold)
            );
            steps.push(step("shift", text, rounded));
            rounded
        }
        Contract::Wide => {
            let narrow = if m < 0x7fff_0000 {
                (m + 0x8000) >> 16
            } else {
                0x7fff
            };
            steps.push(step(
                "16 bits",
                "(m + 0x8000) >> 16, at most 0x7fff",
                narrow,
            ));
            let rounded = half_up(accumulator * narrow, 15 - s);
            let text = format!("({accumulator}·{narrow} + 2^{}) >> {}", 14 - s, 15 - s);
            steps.push(step("shift", text, rounded));
            rounded
        }
        _ => {
            let rounded = half_up(accumulator * m, 31 - s);
            let text = format!("({accumulator}·m + 2^{}) >> {}", 30 - s, 31 - s);
            steps.push(step("shift", text, rounded));
            rounded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The written-out steps end where the library's requantisation does, for every contract.
    #[test]
    fn steps_lead_to_the_output_of_the_library() {
        let mut state = 1_u64;
        let mut random = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for round in 0..20_000 {
            let (contract, ..) = Contract::ALL[round % Contract::ALL.len()];
            let terms: Vec<(i64, i64)> = (0..random(20))
                .map(|_| (random(256) as i64 - 128, random(255) as i64 - 127))
                .collect();
            let scale = |value: u64| (value + 1) as f32 / 1024.0;
            let layer = Quantisation {
                scales: [scale(random(4096)), scale(random(64)), scale(random(8192))],
                zero_points: [
                    random(256) as i32 - 128,
                    random(3) as i32 - 1,
                    random(256) as i32 - 128,
                ],
                bias: random(20_001) as i64 - 10_000,
                clamp: (i32::MIN, i32::MAX),
                contract,
            };
            let (steps, output) = quantised(&terms, &layer).unwrap();
            // Without a clamp the step before the last is the output.
            let before = &steps[steps.len() - 2];
            assert_eq!(
                before.value.parse::<f64>().unwrap(),
                f64::from(output),
                "{layer:?} {terms:?} {steps:?}"
            );
            let clamped = Quantisation {
                clamp: (-128, 127),
                ..layer
            };
            assert_eq!(
                quantised(&terms, &clamped).unwrap().1,
                output.clamp(-128, 127)
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_a_sentence() {
        let layer = Quantisation {
            scales: [1.0; 3],
            zero_points: [0; 3],
            bias: i64::from(i32::MAX),
            clamp: (-128, 127),
            contract: Contract::Double,
        };
        let fault = quantised(&[(1, 1)], &layer).unwrap_err().to_string();
        assert_eq!(
            fault,
            "the accumulator is 2147483648, which does not fit the 32 bits of `double`"
        );
        let scales = [0.0, 1.0, 1.0];
        assert!(quantised(&[], &Quantisation { scales, ..layer }).is_err());
        let clamp = (1, 0);
        assert!(quantised(&[], &Quantisation { clamp, ..layer }).is_err());
    }
}
