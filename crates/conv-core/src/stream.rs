//! Convolution of what arrives: a signal sample by sample or block by block, an image row by row; quantised layers and
//! pooling likewise.
//!
//! A [`Stream`] is a layer with a short memory, the *history*. What its [`push`](Stream::push) calls and the final
//! [`flush`](Stream::flush) give, one after the other, is bit for bit what the batch operation gives of the whole
//! signal: pads before and after, cropping, floats and quantised outputs included. It runs the same loops over
//! the history as the batch operation over its input.
//!
//! ```text
//!            push(x₅)                          direct, kernel 3, stride 1, pad 1: LATENCY 1
//!               ↓
//!  x₀ x₁ x₂ [x₃ x₄ x₅]  history                y₀ = w·(0, x₀, x₁)   comes with x₁
//!             ↓  ↓  ↓                          y₄ = w·(x₃, x₄, x₅)  comes with x₅
//!            w₀ w₁ w₂   →  y₄                  y₅ = w·(x₄, x₅, 0)   comes with flush
//! ```
//!
//! | | inputs remembered, at least | outputs of one push | output `t` comes with input |
//! |---|---|---|---|
//! | direct | `k̂ + crop` | 1 every `s` inputs | `t·s + LATENCY` |
//! | transposed | `2 + ⌊(k̂ − 1 − lead)/s⌋`, which is `⌈k̂/s⌉` where `lead = s` | `s` | `⌊(t + LATENCY)/s⌋` |
//!
//! with `k̂` the dilated kernel extent, `s` the stride, `crop = max(−pad_after, 0)` and
//! `lead = min(s, k̂ − pad_after)`. Both operations gather: the transposed one remembers inputs, not half-done
//! outputs, so that float sums keep the documented order.
//!
//! # Signals
//!
//! A decimator, as an interrupt would run it. The history's array says how many samples are remembered; one too
//! short does not compile: `history length is 4, expected at least 5`.
//!
//! ```
//! use conv_core::finish::{self, Finish};
//! use conv_core::stream::Stream;
//! use conv_core::window1d;
//!
//! window1d! { struct Decimate: stride 2, padding Causal }
//!
//! static TAPS: [i16; 5] = [1, 4, 6, 4, 1];
//! let mut decimator = Stream::conv_1d(Decimate, &TAPS, finish::raw::<i64>().to_q15(4), [0_i16; 5]);
//!
//! let mut sent = [0_i16; 3];
//! let mut slots = sent.iter_mut();
//! for sample in [160_i16, 160, 160, 160, 160, 160] {
//!     // In the interrupt: at most one output, at most so much work as the kernel has taps.
//!     if let Some(output) = decimator.push(sample).next() {
//!         *slots.next().unwrap() = output;
//!     }
//! }
//! assert_eq!(sent, [10, 110, 160]);
//! ```
//!
//! An interpolator gives several outputs for each sample:
//!
//! ```
//! use conv_core::finish;
//! use conv_core::stream::Stream;
//! use conv_core::{Window1d, window1d};
//!
//! window1d! { struct Triple: stride 3, pad 1 }
//!
//! let taps = [1_i8, 2, 3, 2, 1];
//! let mut interpolator = Stream::conv_transpose_1d(Triple, &taps, finish::raw::<i32>(), [0_i8; 2]);
//! let mut outputs = [0_i32; 9];
//! let count = interpolator.push_block(&[10, 0, 5], &mut outputs)?;
//! for (slot, output) in outputs[count..].iter_mut().zip(interpolator.flush()) {
//!     *slot = output;
//! }
//!
//! let mut batch = [0_i32; 9];
//! Triple::conv_transpose(&[10_i8, 0, 5], &taps, &mut batch);
//! assert_eq!(outputs, batch);
//! # Ok::<(), conv_core::Error>(())
//! ```
//!
//! # Images
//!
//! The history of an image is a line buffer, `[[[T; C]; W]; N]`. Streams chain: an output row of one is an input
//! row of the next, so that whole networks run in a few rows of memory. Two layers and an upsampler:
//!
//! ```
//! use conv_core::finish::{self, Finish};
//! use conv_core::stream::Stream;
//! use conv_core::window2d;
//!
//! window2d! { struct Same: pad 1 }
//! window2d! { struct Half: stride 2, pad_before 1, pad_after 0 }
//! window2d! { struct Double: stride 2 }
//!
//! static FIRST: [[[[i8; 1]; 3]; 3]; 8] = [[[[1]; 3]; 3]; 8];
//! static SECOND: [[[[i8; 8]; 3]; 3]; 4] = [[[[1; 8]; 3]; 3]; 4];
//! static UP: [[[[i8; 1]; 2]; 2]; 4] = [[[[1]; 2]; 2]; 4];
//!
//! let mut first = Stream::conv_2d(Same, &FIRST, finish::raw::<i32>().to_q7(4), [[0_i8; 64]; 3]);
//! let mut second = Stream::conv_2d(Half, &SECOND, finish::raw::<i32>().to_q7(8), [[[0_i8; 8]; 64]; 3]);
//! let mut up = Stream::conv_transpose_2d(Double, &UP, finish::raw::<i32>().to_q7(4), [[[0_i8; 4]; 32]; 1]);
//!
//! let mut rows = 0;
//! let mut show = |row: [i8; 64]| rows += row.len() / 64;
//! for _ in 0..64 {
//!     let camera = [100_i8; 64];
//!     first.push(&camera).for_each(|row: [[i8; 8]; 64]| {
//!         second.push(&row).for_each(|row: [[i8; 4]; 32]| up.push(&row).for_each(&mut show));
//!     });
//! }
//! first.flush().for_each(|row| {
//!     second.push(&row).for_each(|row| up.push(&row).for_each(&mut show));
//! });
//! second.flush().for_each(|row| up.push(&row).for_each(&mut show));
//! up.flush().for_each(&mut show);
//! assert_eq!(rows, 64);
//!
//! // All three in less RAM than the 64 × 64 image, or the 32 KiB of the first feature map.
//! let bytes = [size_of_val(&first), size_of_val(&second), size_of_val(&up)];
//! println!("{bytes:?} bytes");
//! assert!(bytes.iter().sum::<usize>() < 2048);
//! ```
//!
//! | | whole input | history |
//! |---|---|---|
//! | `first` | 64·64·1 = 4096 bytes | 3·64·1 = 192 bytes |
//! | `second` | 64·64·8 = 32768 bytes | 3·64·8 = 1536 bytes |
//! | `up` | 32·32·4 = 4096 bytes | 1·32·4 = 128 bytes |
//!
//! To that a stream adds three counters, the reference to its kernel and the finish: on a 64-bit machine this
//! prints `[232, 1576, 168] bytes`.
//!
//! # Work and memory
//!
//! A push does a bounded amount of work: it stores its input, at most once moves the history down, and
//! computes at most [`Stream::OUTPUTS`] outputs, each at its own call of `next`. With a longer history array
//! than needed the move is rarer: `[T; N]` moves once every `N − HISTORY + 1` inputs. No memory is used beside
//! the stream, the output and the stack. Nothing panics and no counter grows: a stream may run for ever.
//!
//! What a batch would refuse, a signal too short for one window, gives no outputs here. Shapes that only run
//! time knows are for [`SliceStream`].

mod dynamic;
mod frame;
mod layer;
mod schedule;

use core::fmt;
use core::marker::PhantomData;

use crate::error::{Dimension, Error};
use crate::pool::Pool;
use crate::quantised::{LayerKind, QuantKernel, QuantLayer};
use crate::requantise::Rounding;

pub use dynamic::{Compute, SliceMap, SliceOutputs, SlicePool, SliceQuantised, SliceStream};
pub use frame::{Frame, Images, Signals};
pub use layer::{
    Conv, ConvTranspose, Depthwise, DepthwiseTranspose, Layer, Layer1d, Layer2d, Operation1d,
    Operation2d, Quantised,
};
use schedule::{Cursor, Due};

/// A layer `L` that convolves inputs as they arrive, with a history of type `H` and outputs of type `P`. See the
/// [module](self).
///
/// Made by [`Stream::conv_1d`] and its likes. The output type is that of the first use of an output. To name the
/// type, in a `static` or a struct, write for example
///
/// ```
/// use conv_core::finish::{self, Raw};
/// use conv_core::stream::{Conv, Layer1d, Stream};
/// use conv_core::window1d;
///
/// window1d! { struct Decimate: stride 4, padding Causal }
///
/// static TAPS: [i16; 8] = [1; 8];
/// type Decimator = Stream<Layer1d<'static, Conv, Decimate, [i16; 8], Raw<i64>>, [i16; 16], i64>;
///
/// const DECIMATOR: Decimator = Stream::conv_1d(Decimate, &TAPS, finish::raw(), [0; 16]);
/// assert_eq!((Decimator::HISTORY, Decimator::OUTPUTS, Decimator::LATENCY), (8, 1, 0));
/// assert!(Decimator::STATE_BYTES <= 64);
/// let mut decimator = DECIMATOR;
/// assert_eq!(decimator.push(5).next(), Some(5));
/// ```
///
/// A history that is too short does not compile: `history length is 7, expected at least 8`.
///
/// ```compile_fail
/// # use conv_core::finish;
/// # use conv_core::stream::Stream;
/// # use conv_core::window1d;
/// # window1d! { struct Decimate: stride 4, padding Causal }
/// # static TAPS: [i16; 8] = [1; 8];
/// let mut decimator = Stream::conv_1d(Decimate, &TAPS, finish::raw::<i64>(), [0_i16; 7]);
/// let output: Option<i64> = decimator.push(1).next();
/// ```
///
/// `SameUpper` and `SameLower` with a stride do not either: their pads depend on the extent of the whole signal.
pub struct Stream<L, H, P> {
    layer: L,
    history: H,
    cursor: Cursor,
    output: PhantomData<fn() -> P>,
}

impl<L: Clone, H: Clone, P> Clone for Stream<L, H, P> {
    fn clone(&self) -> Self {
        Self {
            layer: self.layer.clone(),
            history: self.history.clone(),
            cursor: self.cursor,
            output: PhantomData,
        }
    }
}

impl<L: fmt::Debug, H: fmt::Debug, P> fmt::Debug for Stream<L, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("layer", &self.layer)
            .field("history", &self.history)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident: $layer:ident, $operation:ident;)*) => {$(
        impl<'a, M, K, F, H, P> Stream<$layer<'a, $operation, M, K, F>, H, P>
        where
            $layer<'a, $operation, M, K, F>: Layer<H, P>,
        {
            $(#[$doc])*
            /// `history` is the memory; what it holds is not read.
            pub const fn $name(window: M, kernel: &'a K, finish: F, history: H) -> Self {
                // Here and not in `of`: the compiler shows the innermost call that fails, which has to be the caller's.
                let cursor = const {
                    <$layer<'a, $operation, M, K, F> as Layer<H, P>>::COURSE.schedule.cursor()
                };
                Self::of($layer::new(window, kernel, finish), history, cursor)
            }
        }
    )*};
}
constructors! {
    /// The direct operation on a signal, from samples `T` or `[T; C]`. See the [module](self#signals).
    conv_1d: Layer1d, Conv;
    /// The transposed operation on a signal: an interpolator. See the [module](self#signals).
    conv_transpose_1d: Layer1d, ConvTranspose;
    /// The depthwise operation on a signal.
    depthwise_1d: Layer1d, Depthwise;
    /// The transposed depthwise operation on a signal.
    depthwise_transpose_1d: Layer1d, DepthwiseTranspose;
    /// The direct operation on an image, row by row. See the [module](self#images).
    conv_2d: Layer2d, Conv;
    /// The transposed operation on an image, row by row: an upsampler. See the [module](self#images).
    conv_transpose_2d: Layer2d, ConvTranspose;
    /// The depthwise operation on an image, row by row.
    depthwise_2d: Layer2d, Depthwise;
    /// The transposed depthwise operation on an image, row by row.
    depthwise_transpose_2d: Layer2d, DepthwiseTranspose;
}

/// What a stream of a quantised layer holds.
type QuantisedLayer<'a, Kind, M, T, K, R, const CO: usize, const D: usize> =
    Quantised<'a, QuantLayer<Kind, M, T, K, R, CO, D>, <Kind as LayerKind>::Scratch<K, D>>;

impl<'a, Kind, M, T, K, R, H, P, const CO: usize, const D: usize>
    Stream<QuantisedLayer<'a, Kind, M, T, K, R, CO, D>, H, P>
where
    Kind: LayerKind,
    K: QuantKernel<D>,
    R: Rounding,
    QuantisedLayer<'a, Kind, M, T, K, R, CO, D>: Layer<H, P>,
{
    /// A quantised layer, sample by sample or row by row. `history` is the memory; what it holds is not read.
    ///
    /// ```
    /// use conv_core::quantised::{QuantConv2d, Quantisation};
    /// use conv_core::requantise::{Double, Multiplier};
    /// use conv_core::stream::Stream;
    /// use conv_core::window2d;
    ///
    /// window2d! { struct Same: pad 1 }
    ///
    /// static LAYER: QuantConv2d<Same, i8, [[[[i8; 1]; 3]; 3]; 1], Double, 1> = QuantConv2d::new(
    ///     [[[[1], [2], [1]], [[2], [4], [2]], [[1], [2], [1]]]],
    ///     [0],
    ///     [Multiplier::from_scales(1.0, 0.0625, 1.0).unwrap()],
    ///     Quantisation::new(-128, -128),
    /// );
    ///
    /// let mut blur = Stream::quantised(&LAYER, [[0_i8; 6]; 3]);
    /// let mut batch = [[0_i8; 6]; 4];
    /// LAYER.run(&[[100_i8; 6]; 4], &mut batch, &mut LAYER.scratch());
    /// let mut rows = batch.iter();
    /// for _ in 0..4 {
    ///     for row in blur.push(&[100_i8; 6]) {
    ///         assert_eq!(Some(&row), rows.next());
    ///     }
    /// }
    /// assert!(blur.flush().eq(rows.copied()));
    /// ```
    pub const fn quantised(layer: &'a QuantLayer<Kind, M, T, K, R, CO, D>, history: H) -> Self {
        let cursor = const {
            <QuantisedLayer<'a, Kind, M, T, K, R, CO, D> as Layer<H, P>>::COURSE
                .schedule
                .cursor()
        };
        Self::of(Quantised::new(layer), history, cursor)
    }
}

impl<'a, Kind, M, T, H, P, const KH: usize, const KW: usize, const D: usize>
    Stream<&'a Pool<Kind, M, T, KH, KW, D>, H, P>
where
    &'a Pool<Kind, M, T, KH, KW, D>: Layer<H, P>,
{
    /// A pooling layer, sample by sample or row by row. `history` is the memory; what it holds is not read.
    ///
    /// Pads along the stream are less than the dilated kernel: a larger one does not compile. A signal so short that a
    /// window holds padding alone, which the batch refuses, gives the clamped least value there, of an average 0.
    ///
    /// ```
    /// use conv_core::pool::MaxPool2d;
    /// use conv_core::stream::Stream;
    /// use conv_core::window2d;
    ///
    /// window2d! { struct Half: stride 2 }
    ///
    /// static GREATEST: MaxPool2d<Half, i8, 2, 2> = MaxPool2d::new();
    ///
    /// let mut halved = Stream::pool(&GREATEST, [[0_i8; 4]; 2]);
    /// assert_eq!(halved.push(&[1, 2, 3, 4]).len(), 0);
    /// let row: [i8; 2] = halved.push(&[8, 7, 6, 5]).next().unwrap();
    /// assert_eq!(row, [8, 6]);
    /// ```
    pub const fn pool(layer: &'a Pool<Kind, M, T, KH, KW, D>, history: H) -> Self {
        let cursor = const {
            <&'a Pool<Kind, M, T, KH, KW, D> as Layer<H, P>>::COURSE
                .schedule
                .cursor()
        };
        Self::of(layer, history, cursor)
    }
}

/// The elements of a stream's inputs.
type ElementOf<L, H, P> = <<L as Layer<H, P>>::Frame as Frame<H, P>>::Element;

impl<L: Layer<H, P>, H, P> Stream<L, H, P> {
    /// Least number of samples or rows that the history must hold.
    pub const HISTORY: usize = L::COURSE.schedule.history;
    /// Most outputs of one push. More than 1, or the stride of a transposed operation, only where pads make
    /// more outputs due at the first input.
    pub const OUTPUTS: usize = L::COURSE.schedule.most_outputs();
    /// Most outputs of [`Stream::flush`].
    pub const FLUSH_OUTPUTS: usize = L::COURSE.schedule.most_at_end();
    /// Output `t` of the direct operation comes with input `max(t·stride + LATENCY, 0)`, of the transposed one with
    /// input `max(⌊(t + LATENCY)/stride⌋, 0)`, both counted from 0; outputs for which the signal ends before come with
    /// [`Stream::flush`]. Negative where pads make outputs due before the input that they are named after.
    pub const LATENCY: isize = L::COURSE.schedule.latency();
    /// Size of the stream: history, counters, reference to the kernel, finish.
    pub const STATE_BYTES: usize = size_of::<Self>();

    const fn of(layer: L, history: H, cursor: Cursor) -> Self {
        Self {
            layer,
            history,
            cursor,
            output: PhantomData,
        }
    }

    /// Takes the next sample, or a reference to the next row, and gives the outputs that are due: an iterator, each
    /// of whose steps computes one. Outputs not taken are lost. Never panics.
    #[inline]
    pub fn push(&mut self, input: <L::Frame as Frame<H, P>>::Input<'_>) -> Outputs<'_, L, H, P> {
        let schedule = const { &L::COURSE.schedule };
        let Self {
            history, cursor, ..
        } = self;
        let due = L::Frame::with_elements(input, |row| {
            schedule.push(cursor, L::Frame::elements_mut(history), row)
        });
        self.outputs(due)
    }

    /// Takes a block and writes the outputs that are due to the front of `outputs`; their number is returned. Blocks may
    /// have any length, also 0.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] where `outputs` is too short; nothing is then taken or written.
    pub fn push_block(
        &mut self,
        inputs: &[<L::Frame as Frame<H, P>>::Row],
        outputs: &mut [P],
    ) -> Result<usize, Error> {
        let needed = self.outputs_of(inputs.len());
        if needed > outputs.len() {
            return Err(Error::Capacity {
                needed,
                available: outputs.len(),
            });
        }
        let (course, width) = const { (&L::COURSE, elements_of_input::<L, H, P>()) };
        let block = L::Frame::elements_of(inputs);
        let (mut taken, mut written) = (0, 0);
        while taken < inputs.len() {
            let history = L::Frame::elements_mut(&mut self.history);
            let schedule = &course.schedule;
            let (count, due, source) =
                schedule.push_piece(&mut self.cursor, history, block, width, taken);
            taken += count;
            if due.count > 0 {
                let plan = course.at(schedule.start(&due), due.valid, due.count);
                let slots = outputs
                    .get_mut(written..written + due.count)
                    .unwrap_or_default();
                let slots = L::Frame::elements_of_outputs(slots);
                self.layer.run(&plan, source, slots);
                written += due.count;
            }
        }
        Ok(needed)
    }

    /// Number of outputs that the next `inputs` samples or rows will give.
    #[must_use]
    pub fn outputs_of(&self, inputs: usize) -> usize {
        const { L::COURSE.schedule }.count_after(&self.cursor, inputs)
    }

    /// Ends the signal: gives the outputs that were waiting for inputs that did not come, then is as new. Without any
    /// input there are none. A transposed operation ends without output padding.
    pub fn flush(&mut self) -> Outputs<'_, L, H, P> {
        let due = const { &L::COURSE.schedule }.finish(&mut self.cursor, 0);
        self.outputs(due)
    }

    /// [`Stream::flush`] of a transposed operation with output padding, for the longer of its possible outputs.
    ///
    /// # Errors
    ///
    /// [`AxisError::OutputPadding`](crate::AxisError::OutputPadding) unless it is less than the stride or the dilation, for direct operations unless
    /// it is 0; nothing is then done.
    pub fn flush_padded(&mut self, output_padding: usize) -> Result<Outputs<'_, L, H, P>, Error> {
        let course = const { &L::COURSE };
        // Signals run along dimension 1 of an image of one row.
        let dimension = Dimension::spatial(0, 2 - course.dimension);
        course.schedule.check_padding(dimension, output_padding)?;
        let due = course.schedule.finish(&mut self.cursor, output_padding);
        Ok(self.outputs(due))
    }

    /// Forgets all inputs: the next one is the first of a new signal.
    pub fn reset(&mut self) {
        self.cursor = const { L::COURSE.schedule.cursor() };
    }

    #[inline]
    fn outputs(&mut self, due: Due) -> Outputs<'_, L, H, P> {
        Outputs { stream: self, due }
    }
}

/// The outputs that are due, each computed when it is taken. From [`Stream::push`] and [`Stream::flush`].
#[must_use = "outputs not taken are lost"]
pub struct Outputs<'s, L, H, P> {
    stream: &'s mut Stream<L, H, P>,
    due: Due,
}

impl<L, H, P> fmt::Debug for Outputs<'_, L, H, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outputs")
            .field("count", &self.due.count)
            .finish_non_exhaustive()
    }
}

impl<L: Layer<H, P>, H, P> Outputs<'_, L, H, P> {
    /// Writes the next output, where there is one, without a copy in between. Says whether there was.
    pub fn write_next(&mut self, output: &mut P) -> bool {
        let course = const { &L::COURSE };
        let valid = self.due.valid;
        let elements = L::Frame::elements(&self.stream.history);
        let source = remembered(
            elements,
            &self.due,
            const { elements_of_input::<L, H, P>() },
        );
        match course.schedule.next(&mut self.due) {
            Some(start) => {
                let plan = course.at(start, valid, 1);
                let output = L::Frame::outputs_mut(output);
                self.stream.layer.run(&plan, source, output);
                true
            }
            None => false,
        }
    }
}

impl<L: Layer<H, P>, H, P> Iterator for Outputs<'_, L, H, P> {
    type Item = P;

    fn next(&mut self) -> Option<P> {
        if self.due.count == 0 {
            return None;
        }
        let mut output = L::Frame::blank();
        self.write_next(&mut output);
        Some(output)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.due.count, Some(self.due.count))
    }
}

impl<L: Layer<H, P>, H, P> ExactSizeIterator for Outputs<'_, L, H, P> {}

impl<L: Layer<H, P>, H, P> core::iter::FusedIterator for Outputs<'_, L, H, P> {}

const fn elements_of_input<L: Layer<H, P>, H, P>() -> usize {
    size_of::<<L::Frame as Frame<H, P>>::Row>() / size_of::<ElementOf<L, H, P>>()
}

/// The inputs remembered, of `width` elements each.
fn remembered<'h, T>(history: &'h [T], due: &Due, width: usize) -> &'h [T] {
    let start = due.first * width;
    history
        .get(start..start + due.valid * width)
        .unwrap_or_default()
}
