//! Plans: geometry and weights in, prepared weights and a chosen register block out.

use core::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use conv_core::element::Element as _;
use conv_core::finish::{Raw, raw};
use conv_core::{Axis, AxisError, Buffer, Dimension, Geometry, Orientation, Padding, Window};
use ndarray::{Array, ArrayView, ArrayViewMut, Dimension as _};
use rayon::ThreadPool;

use crate::boundary::Boundary;
use crate::element::{Number, Operand, check_accumulator};
use crate::error::{Error, allocate};
use crate::gather::{Finishing, Run};
use crate::kernels::{SimdLevel, Table};
use crate::layout::{Layout, Rank, Spatial, Tensor, volume};
use crate::pack::{Channels, Packed};
use crate::parallel::Threads;
use crate::products::Products;
use crate::quantised::{Shares, ZeroPoint};
use crate::{direct, transposed};

/// The direct operation, `y = C·x`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct {
    pub(crate) boundary: Boundary,
}

/// The transposed operation, `x = Cᵀ·y`.
#[derive(Clone, Copy, Debug)]
pub struct Transposed<const D: usize> {
    output_padding: [usize; D],
    output_size: Option<[usize; D]>,
}

/// [`Direct`] or [`Transposed`]: which way a plan goes through its map. Sealed.
pub trait Operation<const D: usize>: sealed::Operation<D> {}

impl<const D: usize, O: sealed::Operation<D>> Operation<D> for O {}

mod sealed {
    use super::{Boundary, Error, Geometry, Map};

    pub trait Operation<const D: usize>: Copy + Send + Sync {
        const TRANSPOSED: bool;

        /// The map for an input of these extents.
        fn geometry(&self, map: &Map<D>, input: [usize; D]) -> Result<Geometry<D>, Error>;

        /// What contradicts itself among the operation's own settings.
        fn check(&self) -> Result<(), Error>;

        fn boundary(&self) -> Boundary;
    }
}

/// The map C without extents. Channels are those of the direct operation.
#[derive(Clone, Copy, Debug)]
pub struct Map<const D: usize> {
    pub(crate) windows: [Window; D],
    pub(crate) kernel: [usize; D],
    pub(crate) input_channels: usize,
    pub(crate) output_channels: usize,
    pub(crate) groups: usize,
}

impl<const D: usize> Map<D> {
    pub(crate) fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Settings that no extent makes legal, and those so large that positions could overflow.
    fn check(&self) -> Result<(), Error> {
        let Self {
            groups,
            input_channels,
            output_channels,
            ..
        } = *self;
        if groups == 0
            || input_channels == 0
            || output_channels == 0
            || !output_channels.is_multiple_of(groups)
        {
            return Err(conv_core::Error::Groups {
                groups,
                input_channels,
                output_channels,
            }
            .into());
        }
        for (d, (window, kernel)) in self.windows.iter().zip(self.kernel).enumerate() {
            window
                .axis(kernel, 1)
                .and_then(|axis| check_magnitude(&axis))
                .map_err(|error| axis_error::<D>(d, error))?;
        }
        Ok(())
    }

    fn axes(&self, extents: [usize; D]) -> Result<[Axis; D], Error> {
        let mut axes = [Axis::new(1); D];
        for (d, axis) in axes.iter_mut().enumerate() {
            *axis = self.windows[d]
                .axis(self.kernel[d], extents[d])
                .map_err(|error| axis_error::<D>(d, error))?;
        }
        Ok(axes)
    }

    /// The map of the direct operation on an input of `extents`.
    pub(crate) fn direct(&self, extents: [usize; D]) -> Result<Geometry<D>, Error> {
        let axes = self.axes(extents)?;
        let Self {
            input_channels,
            output_channels,
            groups,
            ..
        } = *self;
        Ok(Geometry::direct(
            axes,
            extents,
            input_channels,
            output_channels,
            groups,
        )?)
    }

    /// The map whose transpose leads from `input` to `output`.
    fn transposed(&self, input: [usize; D], output: [usize; D]) -> Result<Geometry<D>, Error> {
        let axes = self.axes(output)?;
        let Self {
            input_channels,
            output_channels,
            groups,
            ..
        } = *self;
        Ok(Geometry::transposed(
            axes,
            input,
            output,
            input_channels,
            output_channels,
            groups,
        )?)
    }
}

/// Strides, pads and dilated kernels beyond 2⁶⁰ leave no room for the arithmetic on positions.
fn check_magnitude(axis: &Axis) -> Result<(), AxisError> {
    const LIMIT: u64 = 1 << 60;
    let large = [
        axis.stride as u64,
        axis.dilated_kernel()? as u64,
        axis.dilation as u64,
        axis.pad_before.unsigned_abs() as u64,
        axis.pad_after.unsigned_abs() as u64,
    ];
    if large.iter().any(|size| *size > LIMIT) {
        return Err(AxisError::Overflow);
    }
    Ok(())
}

pub(crate) fn axis_error<const D: usize>(index: usize, error: AxisError) -> Error {
    conv_core::Error::Axis {
        dimension: Dimension::spatial(index, D),
        error,
    }
    .into()
}

impl<const D: usize> sealed::Operation<D> for Direct {
    const TRANSPOSED: bool = false;

    fn geometry(&self, map: &Map<D>, input: [usize; D]) -> Result<Geometry<D>, Error> {
        map.direct(input)
    }

    fn check(&self) -> Result<(), Error> {
        Ok(())
    }

    fn boundary(&self) -> Boundary {
        self.boundary
    }
}

impl<const D: usize> Transposed<D> {
    /// The output extent along one axis.
    fn output(&self, map: &Map<D>, d: usize, input: usize) -> Result<usize, AxisError> {
        if let Some(extents) = self.output_size {
            return Ok(extents[d]);
        }
        let window = map.windows[d];
        match window.padding {
            // Its pads are those of the direct operation from the output back to the input.
            Padding::SameUpper | Padding::SameLower => {
                input.checked_mul(window.stride).ok_or(AxisError::Overflow)
            }
            // The pads depend on no extent.
            _ => {
                let axis = window.axis(map.kernel[d], 1)?;
                axis.transposed_output(input, self.output_padding[d])
            }
        }
    }
}

impl<const D: usize> sealed::Operation<D> for Transposed<D> {
    const TRANSPOSED: bool = true;

    fn geometry(&self, map: &Map<D>, input: [usize; D]) -> Result<Geometry<D>, Error> {
        let mut output = [0; D];
        for (d, extent) in output.iter_mut().enumerate() {
            if input[d] == 0 {
                return Err(axis_error::<D>(d, AxisError::EmptyExtent));
            }
            *extent = self
                .output(map, d, input[d])
                .map_err(|error| axis_error::<D>(d, error))?;
            if self.output_padding[d] > 0
                && matches!(
                    map.windows[d].padding,
                    Padding::SameUpper | Padding::SameLower
                )
            {
                return Err(output_padding_error::<D>(d, self.output_padding[d]));
            }
        }
        map.transposed(input, output)
    }

    fn check(&self) -> Result<(), Error> {
        let padded = self
            .output_padding
            .iter()
            .enumerate()
            .find(|(_, padding)| **padding > 0);
        match (self.output_size, padded) {
            (Some(_), Some((d, found))) => Err(output_padding_error::<D>(d, *found)),
            _ => Ok(()),
        }
    }

    fn boundary(&self) -> Boundary {
        Boundary::Zero
    }
}

fn output_padding_error<const D: usize>(index: usize, found: usize) -> Error {
    Error::OutputPadding {
        dimension: Dimension::spatial(index, D),
        found,
    }
}

/// Settings of a plan, from [`Conv2d::new`](Builder::new) to [`build`](Builder::build).
///
/// Use it by the names [`Conv1d`], [`Conv2d`], [`Conv3d`], [`ConvTranspose1d`], [`ConvTranspose2d`] and
/// [`ConvTranspose3d`]. Every setting is checked by `build`; until then nothing fails.
#[must_use = "settings do nothing until `build`"]
pub struct Builder<'w, O, T, W, A, F, const D: usize>
where
    Rank<D>: Spatial,
{
    weights: ArrayView<'w, W, Tensor<D>>,
    operation: O,
    windows: [Window; D],
    groups: usize,
    orientation: Orientation,
    layout: Layout,
    bias: Option<Vec<A>>,
    finish: F,
    zero_point: Option<ZeroPoint<T>>,
    products: Products,
    simd: Option<SimdLevel>,
    threads: Threads,
    element: PhantomData<fn() -> T>,
}

/// Direct convolution over `D` spatial axes: a [`Builder`] of `T` inputs, `W` weights and `A` accumulators.
pub type Conv<'w, T, W, A, const D: usize> = Builder<'w, Direct, T, W, A, Raw<A>, D>;
/// Transposed convolution over `D` spatial axes: a [`Builder`] of `T` inputs, `W` weights and `A` accumulators.
pub type ConvTranspose<'w, T, W, A, const D: usize> =
    Builder<'w, Transposed<D>, T, W, A, Raw<A>, D>;
/// Direct convolution of signals.
pub type Conv1d<'w, T, W = T, A = T> = Conv<'w, T, W, A, 1>;
/// Direct convolution of images.
pub type Conv2d<'w, T, W = T, A = T> = Conv<'w, T, W, A, 2>;
/// Direct convolution of volumes.
pub type Conv3d<'w, T, W = T, A = T> = Conv<'w, T, W, A, 3>;
/// Transposed convolution of signals.
pub type ConvTranspose1d<'w, T, W = T, A = T> = ConvTranspose<'w, T, W, A, 1>;
/// Transposed convolution of images.
pub type ConvTranspose2d<'w, T, W = T, A = T> = ConvTranspose<'w, T, W, A, 2>;
/// Transposed convolution of volumes.
pub type ConvTranspose3d<'w, T, W = T, A = T> = ConvTranspose<'w, T, W, A, 3>;

impl<'w, T, W, A: Number, const D: usize> Conv<'w, T, W, A, D>
where
    Rank<D>: Spatial,
{
    /// A direct convolution with these weights, laid out as [`Layout`] says: stride 1, no pads, one group,
    /// `Nchw`, until set otherwise.
    pub fn new(weights: ArrayView<'w, W, Tensor<D>>) -> Self {
        Self::with_operation(weights, Direct::default())
    }
}

impl<T, W, A, F, const D: usize> Builder<'_, Direct, T, W, A, F, D>
where
    Rank<D>: Spatial,
{
    /// What taps outside the input read. Zeros unless set.
    pub fn boundary(mut self, boundary: Boundary) -> Self {
        self.operation.boundary = boundary;
        self
    }
}

impl<'w, T, W, A: Number, const D: usize> ConvTranspose<'w, T, W, A, D>
where
    Rank<D>: Spatial,
{
    /// A transposed convolution with the weights of the direct one, laid out as [`Layout`] says: stride 1, no
    /// pads, one group, `Nchw`, until set otherwise.
    pub fn new(weights: ArrayView<'w, W, Tensor<D>>) -> Self {
        let operation = Transposed {
            output_padding: [0; D],
            output_size: None,
        };
        Self::with_operation(weights, operation)
    }
}

impl<T, W, A, F, const D: usize> Builder<'_, Transposed<D>, T, W, A, F, D>
where
    Rank<D>: Spatial,
{
    /// Adds `output_padding` to every output extent. Must be less than the stride or the dilation.
    pub fn output_padding(self, output_padding: usize) -> Self {
        self.output_paddings([output_padding; D])
    }

    /// [`output_padding`](Self::output_padding) for each axis.
    pub fn output_paddings(mut self, output_paddings: [usize; D]) -> Self {
        self.operation.output_padding = output_paddings;
        self
    }

    /// The output extents, instead of an output padding. A run whose input cannot lead there is an error.
    pub fn output_size(mut self, extents: [usize; D]) -> Self {
        self.operation.output_size = Some(extents);
        self
    }
}

impl<'w, O, T, W, A: Number, const D: usize> Builder<'w, O, T, W, A, Raw<A>, D>
where
    Rank<D>: Spatial,
{
    fn with_operation(weights: ArrayView<'w, W, Tensor<D>>, operation: O) -> Self {
        Self {
            weights,
            operation,
            windows: [Window::new(); D],
            groups: 1,
            orientation: Orientation::Correlation,
            layout: Layout::Nchw,
            bias: None,
            finish: raw(),
            zero_point: None,
            products: Products::default(),
            simd: None,
            threads: Threads::default(),
            element: PhantomData,
        }
    }
}

impl<'w, O, T, W, A, F, const D: usize> Builder<'w, O, T, W, A, F, D>
where
    Rank<D>: Spatial,
{
    /// The same stride along every axis.
    pub fn stride(self, stride: usize) -> Self {
        self.strides([stride; D])
    }

    /// The stride along each axis.
    pub fn strides(mut self, strides: [usize; D]) -> Self {
        for (window, stride) in self.windows.iter_mut().zip(strides) {
            window.stride = stride;
        }
        self
    }

    /// The same dilation along every axis.
    pub fn dilation(self, dilation: usize) -> Self {
        self.dilations([dilation; D])
    }

    /// The dilation along each axis.
    pub fn dilations(mut self, dilations: [usize; D]) -> Self {
        for (window, dilation) in self.windows.iter_mut().zip(dilations) {
            window.dilation = dilation;
        }
        self
    }

    /// The same pad before and after every axis; negative crops.
    pub fn pad(self, pad: isize) -> Self {
        self.pads([pad; D], [pad; D])
    }

    /// The pads before and after each axis; negative crops.
    pub fn pads(mut self, before: [isize; D], after: [isize; D]) -> Self {
        for (window, (before, after)) in self.windows.iter_mut().zip(before.into_iter().zip(after))
        {
            *window = window.with_pads(before, after);
        }
        self
    }

    /// The same named padding along every axis.
    ///
    /// In a transposed plan the pads are those of the direct operation from the output back to the input; with
    /// [`Padding::SameUpper`] and [`Padding::SameLower`] the output has `stride` times the input's extent unless
    /// [`output_size`](Builder::output_size) says otherwise.
    pub fn padding(self, padding: Padding) -> Self {
        self.paddings([padding; D])
    }

    /// The named padding along each axis.
    pub fn paddings(mut self, paddings: [Padding; D]) -> Self {
        for (window, padding) in self.windows.iter_mut().zip(paddings) {
            window.padding = padding;
        }
        self
    }

    /// The number of groups; each reads and writes its own share of the channels. As many groups as input
    /// channels are a depthwise convolution.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Whether the kernel is applied as stored, which is the default, or flipped along every spatial axis.
    pub fn orientation(mut self, orientation: Orientation) -> Self {
        self.orientation = orientation;
        self
    }

    /// The order of axes of input, kernel and output.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// One value for each output channel, added to the sum of products.
    pub fn bias(mut self, values: &[A]) -> Self
    where
        A: Clone,
    {
        self.bias = Some(values.to_vec());
        self
    }

    /// The step from accumulator, after the [`bias`](Self::bias), to output: ReLU, clamp or a rounding shift of
    /// [`conv_core::finish`]. It takes the place of an earlier one, and of [`quantised`](Builder::quantised).
    ///
    /// ```
    /// use conv_std::finish::{Finish, raw};
    /// use conv_std::{Conv2d, ndarray::{Array4, arr1}};
    ///
    /// let kernel = Array4::from_elem((1, 1, 1, 2), 64_i8);
    /// let plan = Conv2d::new(kernel.view()).finish(raw::<i32>().to_q7(7)).build()?;
    /// let input = arr1(&[100_i8, 100, 10, -10]).into_shape_with_order((1, 1, 1, 4)).unwrap();
    /// let output = plan.run(input.view())?;
    /// assert_eq!(output.into_raw_vec_and_offset().0, [100_i8, 55, 0]);
    /// # Ok::<(), conv_std::Error>(())
    /// ```
    pub fn finish<G: Finishing<A>>(self, finish: G) -> Builder<'w, O, T, W, A, G, D>
    where
        A: Number,
    {
        self.with_finish(finish, None)
    }

    pub(crate) fn with_finish<G>(
        self,
        finish: G,
        zero_point: Option<ZeroPoint<T>>,
    ) -> Builder<'w, O, T, W, A, G, D> {
        Builder {
            weights: self.weights,
            operation: self.operation,
            windows: self.windows,
            groups: self.groups,
            orientation: self.orientation,
            layout: self.layout,
            bias: self.bias,
            finish,
            zero_point,
            products: self.products,
            simd: self.simd,
            threads: self.threads,
            element: PhantomData,
        }
    }

    /// How products of floats are added up: [`Products::Fused`] unless set.
    pub fn products(mut self, products: Products) -> Self {
        self.products = products;
        self
    }

    /// Forces a SIMD level; without it the plan takes the best that the CPU has. The results are the same.
    pub fn simd(mut self, level: SimdLevel) -> Self {
        self.simd = Some(level);
        self
    }

    /// Runs in this pool. Without it a run uses the pool that it is called in, as by
    /// [`ThreadPool::install`], or else rayon's global one.
    pub fn threads(mut self, pool: &Arc<ThreadPool>) -> Self {
        self.threads = Threads(Some(Arc::clone(pool)));
        self
    }
}

impl<O, T, W, A, F, const D: usize> Builder<'_, O, T, W, A, F, D>
where
    Rank<D>: Spatial,
    O: Operation<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// Checks the settings and prepares the weights.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`] for a zero among kernel extents, strides and dilations, for groups that do not divide
    /// the channels, for a bias, finish or scales of another number of channels, for zero points and clamps outside
    /// their type, for sizes that overflow, and for integers whose products and bias could overflow the accumulator
    /// (of a quantised plan: with the weights it has); [`Error::Simd`] for a level that this CPU lacks; [`Error::OutputPadding`] beside an output size; [`Error::Allocation`].
    pub fn build(self) -> Result<Plan<O, T, W, A, F, D>, Error> {
        let map = self.map()?;
        map.check()?;
        self.operation.check()?;
        let channels = channels(&map, O::TRANSPOSED);
        let outputs = channels.groups * channels.sinks;
        let bias = self.bias.as_ref().map(Vec::len);
        for found in [bias, self.finish.channels()].into_iter().flatten() {
            if found != outputs {
                return Err(conv_core::Error::Extent {
                    buffer: Buffer::Bias,
                    dimension: Dimension::Channels,
                    expected: outputs,
                    found,
                }
                .into());
            }
        }
        let products = products(&map, O::TRANSPOSED)?;
        if self.zero_point.is_none() {
            let magnitudes = self.bias.iter().flatten().map(|value| value.magnitude());
            check_accumulator::<T, W, A>(products, magnitudes.max().unwrap_or(0))?;
        }
        let level = self.simd.unwrap_or_else(SimdLevel::best);
        let table = T::table(level, self.products).ok_or(Error::Simd { level })?;
        let packed = self.pack(&map, channels, table.lanes())?;
        let shares = match &self.zero_point {
            Some(zero_point) => {
                zero_point.check(&map, O::TRANSPOSED, &packed, self.bias.as_deref())?;
                Shares::new(zero_point, &packed)?
            }
            None => None,
        };
        Ok(Plan {
            operation: self.operation,
            map,
            orientation: self.orientation,
            layout: self.layout,
            bias: self.bias,
            shares,
            finish: self.finish,
            products: self.products,
            level,
            table,
            threads: self.threads,
            packed,
            adjoint: OnceLock::new(),
        })
    }

    fn map(&self) -> Result<Map<D>, Error> {
        let rank = D + 2;
        let shape = self.weights.shape();
        let mut kernel = [0; D];
        kernel.copy_from_slice(&shape[self.layout.spatial_axis()..][..D]);
        let within = shape[self.layout.channel_axis(rank)];
        let overflow = conv_core::Error::Overflow {
            buffer: Buffer::Input,
        };
        Ok(Map {
            windows: self.windows,
            kernel,
            input_channels: within.checked_mul(self.groups).ok_or(overflow)?,
            output_channels: shape[0],
            groups: self.groups,
        })
    }

    fn pack(&self, map: &Map<D>, channels: Channels, lanes: usize) -> Result<Packed<W>, Error> {
        let standard = self.weights.as_standard_layout();
        let weights = standard.as_slice().unwrap_or(&[]);
        let taps = map.taps();
        let inputs = map.input_channels / map.groups;
        let outputs = map.output_channels / map.groups;
        let at = |output: usize, input: usize, tap: usize| {
            let tap = orient(self.orientation, tap, taps);
            weights[match self.layout {
                Layout::Nchw => (output * inputs + input) * taps + tap,
                Layout::Nhwc => (output * taps + tap) * inputs + input,
            }]
        };
        let order = self.products.order::<A>(channels.sources, taps);
        if O::TRANSPOSED {
            // The sink is a channel of x, the source one of y in the same group.
            Packed::new(
                self.layout,
                channels,
                lanes,
                order,
                taps,
                |sink, source, tap| at(sink / inputs * outputs + source, sink % inputs, tap),
            )
        } else {
            Packed::new(self.layout, channels, lanes, order, taps, at)
        }
    }
}

/// Index of the stored tap that is applied as `tap`: flipping every axis reverses the flat index.
pub(crate) fn orient(orientation: Orientation, tap: usize, taps: usize) -> usize {
    match orientation {
        Orientation::Correlation => tap,
        Orientation::Convolution => taps - 1 - tap,
    }
}

/// The channels of a gather through the map, either way.
pub(crate) fn channels<const D: usize>(map: &Map<D>, transposed: bool) -> Channels {
    let inputs = map.input_channels / map.groups;
    let outputs = map.output_channels / map.groups;
    let (sources, sinks) = if transposed {
        (outputs, inputs)
    } else {
        (inputs, outputs)
    };
    Channels {
        groups: map.groups,
        sources,
        sinks,
    }
}

/// Most products that meet in one output.
pub(crate) fn products<const D: usize>(map: &Map<D>, transposed: bool) -> Result<u64, Error> {
    let mut products = channels(map, transposed).sources as u64;
    for (d, (window, kernel)) in map.windows.iter().zip(map.kernel).enumerate() {
        let taps = if transposed {
            let axis = window.axis(kernel, 1);
            axis.and_then(|axis| axis.transposed_taps())
                .map_err(|error| axis_error::<D>(d, error))?
        } else {
            kernel
        };
        products = products.saturating_mul(taps as u64);
    }
    Ok(products)
}

/// A convolution ready to run at any extents: prepared weights, bias and finish. `Send` and `Sync`; one plan
/// may run from many threads at once.
pub struct Plan<O, T: Number, W: Number, A: Number, F, const D: usize> {
    pub(crate) operation: O,
    pub(crate) map: Map<D>,
    pub(crate) orientation: Orientation,
    pub(crate) layout: Layout,
    bias: Option<Vec<A>>,
    shares: Option<Shares<A>>,
    finish: F,
    pub(crate) products: Products,
    level: SimdLevel,
    pub(crate) table: &'static Table<T, W, A>,
    pub(crate) threads: Threads,
    pub(crate) packed: Packed<W>,
    /// The weights of the opposite operation, prepared when a gradient first asks for them.
    pub(crate) adjoint: OnceLock<Packed<W>>,
}

impl<O: core::fmt::Debug, T: Number, W: Number, A: Number, F, const D: usize> core::fmt::Debug
    for Plan<O, T, W, A, F, D>
{
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Plan")
            .field("operation", &self.operation)
            .field("map", &self.map)
            .field("orientation", &self.orientation)
            .field("layout", &self.layout)
            .field("algorithm", &self.packed.algorithm)
            .field("products", &self.products)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

/// Splits a shape of `D + 2` axes into batch, channels and extents.
pub(crate) fn split_shape<const D: usize>(
    layout: Layout,
    shape: &[usize],
) -> (usize, usize, [usize; D]) {
    let mut extents = [0; D];
    extents.copy_from_slice(&shape[layout.spatial_axis()..][..D]);
    (shape[0], shape[layout.channel_axis(D + 2)], extents)
}

/// `Ok` where every axis of `found` is as `expected`.
pub(crate) fn check_shape(
    layout: Layout,
    buffer: Buffer,
    expected: &[usize],
    found: &[usize],
) -> Result<(), Error> {
    let differs = |(_, (expected, found)): &(usize, (&usize, &usize))| expected != found;
    match expected.iter().zip(found).enumerate().find(differs) {
        None => Ok(()),
        Some((axis, (wanted, given))) => Err(conv_core::Error::Extent {
            buffer,
            dimension: layout.dimension(axis, expected.len()),
            expected: *wanted,
            found: *given,
        }
        .into()),
    }
}

/// The number of elements of a batch of items.
pub(crate) fn batched(buffer: Buffer, batch: usize, elements: usize) -> Result<usize, Error> {
    batch
        .checked_mul(elements)
        .filter(|total| isize::try_from(*total).is_ok())
        .ok_or(conv_core::Error::Overflow { buffer }.into())
}

/// `Ok` where the batch has an item.
pub(crate) fn check_batch(batch: usize) -> Result<(), Error> {
    if batch == 0 {
        return Err(conv_core::Error::Axis {
            dimension: Dimension::Batch,
            error: AxisError::EmptyExtent,
        }
        .into());
    }
    Ok(())
}

/// An array of this shape around values in standard order.
pub(crate) fn array<V, const D: usize>(
    shape: &[usize],
    values: Vec<V>,
) -> Result<Array<V, Tensor<D>>, Error>
where
    Rank<D>: Spatial,
{
    let mut dimension = Tensor::<D>::default();
    dimension.slice_mut().copy_from_slice(shape);
    Array::from_shape_vec(dimension, values).map_err(|_| {
        conv_core::Error::Overflow {
            buffer: Buffer::Output,
        }
        .into()
    })
}

/// A run whose shapes fit: batch and map, and whether it goes through the map backwards.
pub(crate) struct Resolved<const D: usize> {
    pub(crate) batch: usize,
    pub(crate) geometry: Geometry<D>,
    pub(crate) transposed: bool,
}

impl<const D: usize> Resolved<D> {
    pub(crate) fn source(&self) -> (usize, [usize; D]) {
        let geometry = &self.geometry;
        if self.transposed {
            (geometry.output_channels(), geometry.output())
        } else {
            (geometry.input_channels(), geometry.input())
        }
    }

    pub(crate) fn sink(&self) -> (usize, [usize; D]) {
        let geometry = &self.geometry;
        if self.transposed {
            (geometry.input_channels(), geometry.input())
        } else {
            (geometry.output_channels(), geometry.output())
        }
    }

    fn elements((channels, extents): (usize, [usize; D])) -> usize {
        // Checked to fit by `Geometry`.
        channels * extents.iter().product::<usize>()
    }

    /// Elements of input and output, all batch items together.
    fn sizes(&self) -> Result<(usize, usize), Error> {
        let input = batched(Buffer::Input, self.batch, Self::elements(self.source()))?;
        let output = batched(Buffer::Output, self.batch, Self::elements(self.sink()))?;
        Ok((input, output))
    }

    /// The engine's run, with spatial dimensions that are missing as extents of 1.
    pub(crate) fn run<'a, T, W, A, F>(
        &self,
        table: &'a Table<T, W, A>,
        packed: &'a Packed<W>,
        layout: Layout,
        finish: &'a F,
    ) -> Run<'a, T, W, A, F> {
        let axes = volume(self.geometry.axes(), Axis::new(1));
        let source = volume(&self.source().1, 1);
        let output = volume(&self.sink().1, 1);
        let phases = core::array::from_fn(|d| {
            if self.transposed {
                transposed::phases(&axes[d], source[d], output[d])
            } else {
                direct::phases(&axes[d], source[d], output[d])
            }
        });
        Run {
            table,
            packed,
            layout,
            boundary: Boundary::Zero,
            batch: self.batch,
            source,
            kernel: volume(&self.geometry.kernel(), 1),
            output,
            phases,
            bias: None,
            shares: None,
            finish,
        }
    }
}

impl<O, T, W, A, F, const D: usize> Plan<O, T, W, A, F, D>
where
    O: Operation<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// The SIMD level that the plan runs with.
    #[must_use]
    pub fn simd(&self) -> SimdLevel {
        self.level
    }

    /// Extents of the output for an input of `input` elements along each axis.
    ///
    /// # Errors
    ///
    /// An axis without legal geometry, or a number of elements that overflows.
    pub fn output_extents(&self, input: [usize; D]) -> Result<[usize; D], Error> {
        Ok(self.resolve(1, input)?.sink().1)
    }

    /// Channels of the input.
    #[must_use]
    pub fn input_channels(&self) -> usize {
        self.packed.channels.groups * self.packed.channels.sources
    }

    /// Channels of the output.
    #[must_use]
    pub fn output_channels(&self) -> usize {
        self.packed.channels.groups * self.packed.channels.sinks
    }

    pub(crate) fn resolve(&self, batch: usize, input: [usize; D]) -> Result<Resolved<D>, Error> {
        check_batch(batch)?;
        Ok(Resolved {
            batch,
            geometry: self.operation.geometry(&self.map, input)?,
            transposed: O::TRANSPOSED,
        })
    }

    pub(crate) fn resolve_shape(&self, shape: &[usize]) -> Result<Resolved<D>, Error> {
        let (batch, channels, extents) = split_shape(self.layout, shape);
        let expected = self.layout.shape(batch, self.input_channels(), extents);
        debug_assert_eq!(shape[self.layout.channel_axis(D + 2)], channels);
        check_shape(self.layout, Buffer::Input, &expected, shape)?;
        self.resolve(batch, extents)
    }

    pub(crate) fn sink_shape(&self, resolved: &Resolved<D>) -> Vec<usize> {
        let (channels, extents) = resolved.sink();
        self.layout.shape(resolved.batch, channels, extents)
    }

    fn execute(&self, resolved: &Resolved<D>, input: &[T], output: &mut [F::Output]) {
        let mut run = resolved.run(self.table, &self.packed, self.layout, &self.finish);
        run.boundary = self.operation.boundary();
        run.bias = self.bias.as_deref();
        run.shares = self.shares.as_ref();
        run.execute(input, output, &self.threads);
    }

    /// Runs on flat buffers in standard order: `batch` items of `extents` elements along each axis.
    ///
    /// # Errors
    ///
    /// A batch or extent of 0, an axis without legal geometry, a buffer with another number of elements than
    /// the geometry gives. The output is then as it was.
    pub fn run_slice(
        &self,
        input: &[T],
        batch: usize,
        extents: [usize; D],
        output: &mut [F::Output],
    ) -> Result<(), Error> {
        let resolved = self.resolve(batch, extents)?;
        let (inputs, outputs) = resolved.sizes()?;
        for (buffer, expected, found) in [
            (Buffer::Input, inputs, input.len()),
            (Buffer::Output, outputs, output.len()),
        ] {
            if expected != found {
                return Err(conv_core::Error::Elements {
                    buffer,
                    expected,
                    found,
                }
                .into());
            }
        }
        self.execute(&resolved, input, output);
        Ok(())
    }
}

impl<O, T, W, A, F, const D: usize> Plan<O, T, W, A, F, D>
where
    Rank<D>: Spatial,
    O: Operation<D>,
    T: Operand<W, A>,
    W: Number,
    A: Number,
    F: Finishing<A>,
{
    /// Runs, returning a new array in standard order. An input that is not in standard order is copied first.
    ///
    /// # Errors
    ///
    /// An empty batch or axis, another number of channels than the weights have, an axis without legal
    /// geometry, an output too large for the allocator.
    pub fn run(
        &self,
        input: ArrayView<'_, T, Tensor<D>>,
    ) -> Result<Array<F::Output, Tensor<D>>, Error> {
        let resolved = self.resolve_shape(input.shape())?;
        let (_, elements) = resolved.sizes()?;
        let mut output = allocate(Buffer::Output, elements, F::Output::ZERO)?;
        let standard = input.as_standard_layout();
        self.execute(&resolved, standard.as_slice().unwrap_or(&[]), &mut output);
        array::<_, D>(&self.sink_shape(&resolved), output)
    }

    /// Runs into an array of the caller's. Nothing of the output's size is allocated, unless the output is not
    /// in standard order: then it is computed in order and copied.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and an output of another shape than the geometry gives. The output is then as it
    /// was.
    pub fn run_into(
        &self,
        input: ArrayView<'_, T, Tensor<D>>,
        mut output: ArrayViewMut<'_, F::Output, Tensor<D>>,
    ) -> Result<(), Error> {
        let resolved = self.resolve_shape(input.shape())?;
        let (_, elements) = resolved.sizes()?;
        let shape = self.sink_shape(&resolved);
        check_shape(self.layout, Buffer::Output, &shape, output.shape())?;
        let standard = input.as_standard_layout();
        let input = standard.as_slice().unwrap_or(&[]);
        if let Some(slice) = output.as_slice_mut() {
            self.execute(&resolved, input, slice);
        } else {
            let mut ordered = allocate(Buffer::Output, elements, F::Output::ZERO)?;
            self.execute(&resolved, input, &mut ordered);
            output.assign(&array::<_, D>(&shape, ordered)?);
        }
        Ok(())
    }
}
