//! The order of a tensor's axes, and how tensors of 1, 2 and 3 spatial dimensions become one of 3.

use conv_core::{Dimension, KernelLayout};
use ndarray::{Ix3, Ix4, Ix5};

/// The order of the axes of input, output and kernel, slowest first. `H W` stands for all spatial axes: `L` in
/// 1-D, `D H W` in 3-D.
///
/// | | input and output | kernel |
/// |---|---|---|
/// | `Nchw` | batch, channels, H, W | O, I/groups, H, W |
/// | `Nhwc` | batch, H, W, channels | O, H, W, I/groups |
///
/// `O` and `I` are the output and input channels of the *direct* operation. A transposed plan takes the kernel
/// of the direct operation whose transpose it is, unchanged: its own input has `O` channels and its output `I`,
/// which is PyTorch's and ONNX's `(I, O/groups, H, W)` by their names.
///
/// Kernels are views, so any other order is a permutation away and costs nothing:
///
/// ```
/// # use ndarray::Array;
/// // TFLite's transposed OHWI names the transposed operation's own channels: bring its I to the front.
/// let tflite = Array::<f32, _>::zeros((16, 3, 3, 8));
/// assert_eq!(tflite.view().permuted_axes([3, 1, 2, 0]).shape(), [8, 3, 3, 16]);
/// // TFLite's depthwise 1HWO has one input channel a group: exchange first and last.
/// let depthwise = Array::<f32, _>::zeros((1, 3, 3, 8));
/// assert_eq!(depthwise.view().permuted_axes([3, 1, 2, 0]).shape(), [8, 3, 3, 1]);
/// // TensorFlow's and JAX's direct HWIO, for an Nhwc plan.
/// let hwio = Array::<f32, _>::zeros((3, 3, 8, 16));
/// assert_eq!(hwio.view().permuted_axes([3, 0, 1, 2]).shape(), [16, 3, 3, 8]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Layout {
    /// Channels before the spatial axes: PyTorch, ONNX.
    #[default]
    Nchw,
    /// Channels innermost: TensorFlow, TFLite, conv-core.
    Nhwc,
}

impl Layout {
    /// The layout of the kernel.
    #[must_use]
    pub const fn kernel(self) -> KernelLayout {
        match self {
            Self::Nchw => KernelLayout::OutputInputSpatial,
            Self::Nhwc => KernelLayout::OutputSpatialInput,
        }
    }

    /// Where the channels stand among the `rank` axes of a tensor.
    pub(crate) const fn channel_axis(self, rank: usize) -> usize {
        match self {
            Self::Nchw => 1,
            Self::Nhwc => rank - 1,
        }
    }

    /// Where the first spatial axis stands.
    pub(crate) const fn spatial_axis(self) -> usize {
        match self {
            Self::Nchw => 2,
            Self::Nhwc => 1,
        }
    }

    /// What axis `axis` of `rank` is called.
    pub(crate) fn dimension(self, axis: usize, rank: usize) -> Dimension {
        if axis == 0 {
            Dimension::Batch
        } else if axis == self.channel_axis(rank) {
            Dimension::Channels
        } else {
            Dimension::spatial(axis - self.spatial_axis(), rank - 2)
        }
    }

    /// The shape of a tensor: `outer` is the batch or the output channels.
    pub(crate) fn shape<const D: usize>(
        self,
        outer: usize,
        channels: usize,
        extents: [usize; D],
    ) -> Vec<usize> {
        let mut shape = vec![outer];
        match self {
            Self::Nchw => {
                shape.push(channels);
                shape.extend(extents);
            }
            Self::Nhwc => {
                shape.extend(extents);
                shape.push(channels);
            }
        }
        shape
    }
}

/// The number of spatial dimensions, 1 to 3.
#[derive(Clone, Copy, Debug)]
pub struct Rank<const D: usize>;

/// `Rank<1>`, `Rank<2>` and `Rank<3>`: which array types they go with. Sealed by [`Rank`].
pub trait Spatial {
    /// The dimension type of a tensor: `D` spatial axes, batch and channels.
    type Tensor: ndarray::Dimension;
}

impl Spatial for Rank<1> {
    type Tensor = Ix3;
}

impl Spatial for Rank<2> {
    type Tensor = Ix4;
}

impl Spatial for Rank<3> {
    type Tensor = Ix5;
}

/// The dimension type of tensors with `D` spatial axes: `Ix3`, `Ix4` or `Ix5`.
pub type Tensor<const D: usize> = <Rank<D> as Spatial>::Tensor;

/// `values` for depth, height and width, those that `D` dimensions lack as `missing`.
pub(crate) fn volume<V: Copy, const D: usize>(values: &[V; D], missing: V) -> [V; 3] {
    let mut all = [missing; 3];
    for (place, value) in all.iter_mut().rev().zip(values.iter().rev()) {
        *place = *value;
    }
    all
}

/// Distances between neighbours of a tensor in standard order, in elements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strides {
    pub(crate) batch: usize,
    pub(crate) channel: usize,
    /// Depth, height, width.
    pub(crate) spatial: [usize; 3],
}

impl Strides {
    /// Of a tensor of `channels` and `extents`. The number of elements is known to fit.
    pub(crate) fn new(layout: Layout, channels: usize, extents: [usize; 3]) -> Self {
        let [depth, height, width] = extents;
        let (channel, pixel) = match layout {
            Layout::Nchw => (depth * height * width, 1),
            Layout::Nhwc => (1, channels),
        };
        Self {
            batch: channels * depth * height * width,
            channel,
            spatial: [height * width * pixel, width * pixel, pixel],
        }
    }
}
