//! The direct operation: `y[t] = Σ x[t·stride + j·dilation − pad_before] · w[j]`.

use conv_core::Axis;

use crate::taps::AxisPhase;

/// The direct operation along one axis: one phase.
pub(crate) fn phases(axis: &Axis, input: usize, output: usize) -> Vec<AxisPhase> {
    vec![AxisPhase {
        first: 0,
        step: 1,
        count: output,
        origin: -(axis.pad_before as i64),
        advance: axis.stride as i64,
        taps: axis.kernel,
        tap_first: 0,
        tap_step: 1,
        source_step: axis.dilation as i64,
        extent: input,
    }]
}
