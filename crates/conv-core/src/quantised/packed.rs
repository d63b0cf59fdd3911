//! Layers at run-time extents on the core's own kernels, their weights packed into the caller's memory.

use core::marker::PhantomData;

use crate::arch;
use crate::arch::order::Order;
use crate::dynamic::{Planar, length};
use crate::engine::Plan;
use crate::error::{Buffer, Error};
use crate::geometry::Geometry;
use crate::quantised::prepared::{Stored, Weights};
use crate::quantised::{Accumulate, Activation, QuantOperation, Requantisation, View, channels_of};
use crate::requantise::Rounding;

/// Memory for what [`Geometry::pack_quantised`] makes of a layer. What it holds before is not read.
#[derive(Debug)]
pub struct PackedMemory<'a, R: Rounding> {
    /// As many bytes as the kernel has weights, rounded up to words.
    pub kernel: &'a mut [u32],
    /// One for each output channel.
    pub bias: &'a mut [R::Accumulator],
    /// One for each output channel, for example `[R::prepare(scale, 0); CO]`.
    pub prepared: &'a mut [R::Prepared],
}

/// A quantised layer at run-time extents whose weights are packed for the core: as fast as a typed one. See
/// [`Geometry::pack_quantised`].
#[derive(Debug)]
pub struct PackedLayer<'a, R: Rounding, T, O> {
    #[cfg_attr(
        conv_arch = "portable",
        allow(dead_code, reason = "there is one way to run it")
    )]
    operation: QuantOperation,
    plan: Plan,
    view: View<'a, R>,
    elements: [usize; 2],
    scratch_words: usize,
    types: PhantomData<fn(T) -> O>,
}

impl<const D: usize> Geometry<D>
where
    Self: Planar,
{
    /// A quantised layer from inputs `T` to outputs `O`, whose kernel of 8-bit weights is packed once into `memory` in the order
    /// that the core's kernels want, to be run many times. [`Geometry::quantised`] needs no memory and runs on the portable
    /// loops.
    ///
    /// ```
    /// use conv_core::quantised::{PackedMemory, QuantOperation, Quantisation, Requantisation};
    /// use conv_core::requantise::{Double, Multiplier, Rounding};
    /// use conv_core::{Axis, Geometry};
    ///
    /// let scale = Multiplier::from_scale(0.5).unwrap();
    /// let geometry = Geometry::direct([Axis::new(3).with_pads(1, 1)], [4], 1, 2, 1)?;
    /// let (mut kernel, mut bias, mut prepared) = ([0; 2], [0; 2], [Double::prepare(scale, 0); 2]);
    /// let layer = geometry.pack_quantised::<i8, Double, i8>(
    ///     QuantOperation::Conv,
    ///     &[1, 2, 1, -1, 0, 1],
    ///     &Requantisation { bias: Some(&[0, 10]), scales: &[scale], quantisation: Quantisation::new(0, 0) },
    ///     PackedMemory { kernel: &mut kernel, bias: &mut bias, prepared: &mut prepared },
    /// )?;
    ///
    /// let mut output = [[0_i8; 2]; 4];
    /// let mut scratch = [0; 16];
    /// layer.run(&[10, 20, 30, 40], output.as_flattened_mut(), &mut scratch[..layer.scratch_words()])?;
    /// assert_eq!(output, [[20, 15], [40, 15], [60, 15], [55, -10]]);
    /// # Ok::<(), conv_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Geometry::quantised`], and [`Error::Elements`] or [`Error::Extent`] naming memory of the wrong length; the memory is
    /// then untouched.
    pub fn pack_quantised<'a, T, R, O>(
        &self,
        operation: QuantOperation,
        kernel: &[i8],
        requantisation: &Requantisation<'_, R>,
        memory: PackedMemory<'a, R>,
    ) -> Result<PackedLayer<'a, R, T, O>, Error>
    where
        T: Activation,
        R: Rounding,
        R::Accumulator: Accumulate,
        O: Activation,
    {
        self.check_quantised::<T, &[i8], R, O>(operation, kernel, requantisation)?;
        let resolved = operation.operation();
        let channels = resolved.target_channels(self);
        let PackedMemory {
            kernel: words,
            bias,
            prepared,
        } = memory;
        length(Buffer::Kernel, kernel.len().div_ceil(4), words.len())?;
        length(Buffer::Bias, channels, bias.len())?;
        length(Buffer::Scales, channels, prepared.len())?;
        let planar = self.planar();
        let plan = resolved.plan(&planar);
        let order = Order {
            axes: *planar.axes(),
            operation,
            orientation: planar.orientation(),
            groups: planar.groups(),
            produce: channels,
            reduce: plan.reduce(),
        };
        let packed = arch::bytes_of(words, kernel.len());
        packed.copy_from_slice(kernel);
        let on_core = runs_on_core::<T, R>(operation, &plan);
        if on_core {
            arch::pack(&order, kernel, packed);
        }
        // Helium's depthwise layers take the share of the zero point off again where taps lie in the padding. There is no memory for
        // it here: their biases stay as they are.
        let is_corrected =
            cfg!(conv_arch = "helium") && matches!(operation, QuantOperation::Depthwise);
        let shift = (on_core && !is_corrected).then(|| arch::shift::<T>(operation));
        let weights = Weights {
            stored: Stored::Bytes(kernel),
            operation,
            axes: order.axes,
        };
        let is_short = channels_of::<T, R>(&weights, requantisation, shift, bias, prepared);
        let (taps, starts) = order.most_taps();
        Ok(PackedLayer {
            operation,
            plan,
            view: View {
                kernel: packed,
                bias,
                correction: &[],
                prepared,
                quantisation: requantisation.quantisation,
                is_short,
            },
            elements: [
                resolved.source_elements(self),
                resolved.target_elements(self),
            ],
            scratch_words: match operation {
                QuantOperation::Depthwise => 0,
                _ if on_core => arch::scratch_bytes(taps, starts).div_ceil(4),
                _ => 0,
            },
            types: PhantomData,
        })
    }
}

/// Whether a layer runs on the core's kernels.
fn runs_on_core<T: Activation, R: Rounding>(operation: QuantOperation, plan: &Plan) -> bool {
    #[cfg(conv_arch = "portable")]
    let takes = |_, _| true;
    #[cfg(not(conv_arch = "portable"))]
    let takes = arch::takes;
    arch::runs_layer::<T, R>(operation) && takes(operation, plan)
}

impl<R, T, O> PackedLayer<'_, R, T, O>
where
    R: Rounding,
    R::Accumulator: Accumulate,
    T: Activation,
    O: Activation,
{
    /// Words that [`run`](Self::run) needs beside input and output: none on cores without kernels of their own.
    #[must_use]
    pub const fn scratch_words(&self) -> usize {
        self.scratch_words
    }

    /// Runs the layer. What `scratch` holds is neither read nor kept.
    ///
    /// # Errors
    ///
    /// [`Error::Elements`] naming a buffer of the wrong length, of the scratch one that is shorter than
    /// [`scratch_words`](Self::scratch_words). The output is then untouched.
    pub fn run(&self, input: &[T], output: &mut [O], scratch: &mut [u32]) -> Result<(), Error> {
        let [source, target] = self.elements;
        length(Buffer::Input, source, input.len())?;
        length(Buffer::Output, target, output.len())?;
        if scratch.len() < self.scratch_words {
            return Err(Error::Elements {
                buffer: Buffer::Scratch,
                expected: self.scratch_words,
                found: scratch.len(),
            });
        }
        #[cfg(not(conv_arch = "portable"))]
        if runs_on_core::<T, R>(self.operation, &self.plan) {
            let scratch = arch::Region::of_words(scratch);
            self.view
                .run_on_core(self.operation, &self.plan, input, output, scratch);
            return Ok(());
        }
        self.view.run_portably(&self.plan, input, output);
        Ok(())
    }
}
