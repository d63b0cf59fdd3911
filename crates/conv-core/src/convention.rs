//! What each framework calls it: from its settings along one axis to the canonical [`Axis`], or an error
//! that names the setting which has no canonical form.
//!
//! Each submodule has plain structs whose fields carry the framework's own names, a `new` with the
//! framework's defaults, and an `axis` that resolves them against the extents. Everything is a `const fn`:
//! a wrong setting can stop the build.
//!
//! ```
//! use conv_core::axis::Axis;
//! use conv_core::convention::{Transposed, torch};
//!
//! // torch.nn.ConvTranspose2d(16, 3, kernel_size=3, stride=2, padding=1, output_padding=1), 16×16 → 32×32
//! let rows = torch::ConvTranspose { stride: 2, padding: 1, output_padding: 1, ..torch::ConvTranspose::new(3) }
//!     .axis(16)
//!     .unwrap();
//! assert_eq!(rows.axis, Axis::new(3).with_stride(2).with_pads(1, 1));
//! assert_eq!(rows.output, 32);
//! // 16 channels in, 3 channels out: it is the transpose of a map from 3 to 16 channels.
//! let geometry = Transposed::geometry([rows, rows], 16, 3, 1).unwrap();
//! assert_eq!((geometry.input(), geometry.input_channels()), ([32, 32], 3));
//! ```
//!
//! In the typed operations the settings become a marker's, checked when the program compiles, and the
//! weights change their order there too ([`weights`]):
//!
//! ```
//! use conv_core::convention::{Transposed, torch, weights};
//! use conv_core::{Window2d, window2d};
//!
//! // torch.nn.ConvTranspose2d(2, 1, kernel_size=2, stride=2), 2×2 → 4×4
//! const AXIS: Transposed = match (torch::ConvTranspose { stride: 2, ..torch::ConvTranspose::new(2) }).axis(2) {
//!     Ok(axis) => axis,
//!     Err(_) => panic!("illegal layer"),
//! };
//! window2d! { struct Layer: window (AXIS.window()) }
//!
//! // layer.weight, (in, out, kH, kW), as PyTorch prints it.
//! static KERNEL: [[[[i8; 1]; 2]; 2]; 2] = weights::from_oihw(&[[[[1, 2], [3, 4]]], [[[5, 6], [7, 8]]]]);
//! let mut output = [[[0_i32; 1]; 4]; 4];
//! Layer::conv_transpose(&[[[1_i8, 0], [0, 1]], [[10, 0], [0, 10]]], &KERNEL, &mut output);
//! assert_eq!(output, [[[1], [2], [5], [6]], [[3], [4], [7], [8]], [[10], [20], [50], [60]], [[30], [40], [70], [80]]]);
//! ```
//!
//! # What has the same name and means something else
//!
//! - `padding` of PyTorch's, Keras's and TensorFlow's transposed operations is that of the *direct* operation
//!   whose transpose they compute, as here; JAX's is that of the stretched input ([`jax::TransposePadding`]).
//! - SAME of PyTorch, ONNX and TensorFlow puts the odd zero after; ONNX's SAME_LOWER before; NumPy's and
//!   SciPy's `same` with the flipped kernel before.
//! - `output_padding` adds no zeros: it makes the output of the transposed operation longer, and what it
//!   adds are outputs that the kernel may well reach.
//! - Convolution is cross-correlation everywhere but in Theano, NumPy and SciPy, which flip the kernel:
//!   [`Orientation::Convolution`](crate::Orientation::Convolution). JAX's `conv_transpose` does not flip
//!   where the others do, and so needs it too.
//!
//! # Order of the kernel's axes
//!
//! With C the direct map, `I` its input and `O` its output channels (so that a *transposed* operation reads
//! `O` channels and writes `I`), `g` the groups, and `H W` the spatial axes, of which 1-D has one. The last
//! column is the permutation to the order O H W I of `conv_core`'s arrays, in NumPy's `transpose` notation;
//! [`weights`] does it in a `const fn`.
//!
//! | | order, slowest first | [`KernelLayout`] | to O H W I |
//! |---|---|---|---|
//! | PyTorch, ONNX, Theano direct | O I/g H W | `OutputInputSpatial` | 0 2 3 1 |
//! | PyTorch, ONNX transposed | O I/g H W, called (in, out/g, kH, kW) | `OutputInputSpatial` | 0 2 3 1 |
//! | Theano `conv2d_grad_wrt_inputs` | O I/g H W | `OutputInputSpatial` | 0 2 3 1 |
//! | TensorFlow, Keras, JAX (HWIO) direct | H W I/g O | – | 3 0 1 2 |
//! | TensorFlow, Keras transposed | H W I O, called (height, width, out, in) | – | 3 0 1 2 |
//! | JAX `conv_transpose`, HWIO, `transpose_kernel=True` | H W I O | – | 3 0 1 2 |
//! | JAX `conv_transpose`, HWIO, `transpose_kernel=False` | H W O I, flipped | – | 2 0 1 3 |
//! | TFLite, CMSIS-NN direct | O H W I/g | `OutputSpatialInput` | as it is |
//! | TFLite, CMSIS-NN depthwise | 1 H W O | `SpatialOutput` | 3 1 2 0 |
//! | TFLite, CMSIS-NN transposed | I H W O, called (out, height, width, in) | – | 3 1 2 0 |
//!
//! [`KernelLayout`]: crate::KernelLayout

use core::fmt;

use crate::axis::{Axis, AxisError, Window, attempt};
use crate::error::Error;
use crate::geometry::Geometry;

pub mod cmsis_nn;
pub mod jax;
pub mod keras;
pub mod onnx;
pub mod scipy;
pub mod tensorflow;
pub mod theano;
pub mod torch;
pub mod weights;

pub use tensorflow as tflite;

/// A framework's direct operation along one axis, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Direct {
    /// The canonical axis.
    pub axis: Axis,
    /// Extent that the operation reads.
    pub input: usize,
    /// Extent that it writes: `axis.output(input)`.
    pub output: usize,
}

impl Direct {
    const fn resolve(axis: Axis, input: usize) -> Result<Self, AxisError> {
        let output = attempt!(axis.output(input));
        Ok(Self {
            axis,
            input,
            output,
        })
    }

    /// What a marker type needs of the axis: [`Window1d`](crate::Window1d), [`Window2d`](crate::Window2d).
    #[must_use]
    pub const fn window(&self) -> Window {
        window_of(self.axis)
    }

    /// The map of `D` spatial dimensions, slowest axis first, reading `input_channels`.
    ///
    /// # Errors
    ///
    /// As [`Geometry::direct`].
    pub const fn geometry<const D: usize>(
        axes: [Self; D],
        input_channels: usize,
        output_channels: usize,
        groups: usize,
    ) -> Result<Geometry<D>, Error> {
        let mut canonical = [Axis::new(1); D];
        let mut input = [0; D];
        let mut d = 0;
        while d < D {
            canonical[d] = axes[d].axis;
            input[d] = axes[d].input;
            d += 1;
        }
        Geometry::direct(canonical, input, input_channels, output_channels, groups)
    }
}

/// A framework's transposed operation along one axis, resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Transposed {
    /// The canonical axis: that of the direct operation whose transpose this is.
    pub axis: Axis,
    /// Extent that the transposed operation reads.
    pub input: usize,
    /// Extent that it writes.
    pub output: usize,
}

impl Transposed {
    const fn resolve(axis: Axis, input: usize, output_padding: usize) -> Result<Self, AxisError> {
        let output = attempt!(axis.transposed_output(input, output_padding));
        Ok(Self {
            axis,
            input,
            output,
        })
    }

    /// The canonical output padding, `axis.output_padding(input, output)`.
    ///
    /// # Errors
    ///
    /// None for what this module returns; an [`AxisError`] where the fields were changed to contradict each
    /// other.
    pub const fn output_padding(&self) -> Result<usize, AxisError> {
        self.axis.output_padding(self.input, self.output)
    }

    /// What a marker type needs of the axis: [`Window1d`](crate::Window1d), [`Window2d`](crate::Window2d).
    #[must_use]
    pub const fn window(&self) -> Window {
        window_of(self.axis)
    }

    /// The map of `D` spatial dimensions whose transpose reads `input_channels` and writes `output_channels`,
    /// slowest axis first. [`Geometry`] names both from the direct side, so they change places in it.
    ///
    /// # Errors
    ///
    /// As [`Geometry::transposed`].
    pub const fn geometry<const D: usize>(
        axes: [Self; D],
        input_channels: usize,
        output_channels: usize,
        groups: usize,
    ) -> Result<Geometry<D>, Error> {
        let mut canonical = [Axis::new(1); D];
        let mut input = [0; D];
        let mut output = [0; D];
        let mut d = 0;
        while d < D {
            canonical[d] = axes[d].axis;
            input[d] = axes[d].input;
            output[d] = axes[d].output;
            d += 1;
        }
        Geometry::transposed(
            canonical,
            input,
            output,
            output_channels,
            input_channels,
            groups,
        )
    }
}

/// A framework, as named in errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Framework {
    /// PyTorch.
    Torch,
    /// ONNX.
    Onnx,
    /// TensorFlow and TFLite.
    TensorFlow,
    /// Keras.
    Keras,
    /// JAX.
    Jax,
    /// Theano.
    Theano,
    /// NumPy's `convolve`.
    NumPy,
    /// SciPy's `signal.convolve`.
    SciPy,
    /// CMSIS-NN and TFLM.
    CmsisNn,
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Torch => "PyTorch",
            Self::Onnx => "ONNX",
            Self::TensorFlow => "TensorFlow",
            Self::Keras => "Keras",
            Self::Jax => "JAX",
            Self::Theano => "Theano",
            Self::NumPy => "NumPy",
            Self::SciPy => "SciPy",
            Self::CmsisNn => "CMSIS-NN",
        })
    }
}

/// A setting that has no canonical form, or that its framework rejects.
///
/// ```
/// use conv_core::convention::{keras, torch};
///
/// let layer = torch::Conv { stride: 2, padding: torch::Padding::Same, ..torch::Conv::new(3) };
/// assert_eq!(
///     layer.axis(8).unwrap_err().to_string(),
///     "PyTorch: padding='same' cannot be combined with stride > 1"
/// );
/// let layer = keras::ConvTranspose { strides: 2, output_padding: Some(2), ..keras::ConvTranspose::new(3) };
/// assert_eq!(layer.axis(8).unwrap_err().to_string(), "Keras: output_padding is 2, expected less than strides, 2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConventionError {
    /// Whose setting.
    pub framework: Framework,
    /// The setting, by the framework's name.
    pub setting: &'static str,
    /// What is wrong with it.
    pub reason: Reason,
}

/// Why a setting has no canonical form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reason {
    /// The axis that it gives has no legal geometry.
    Axis(AxisError),
    /// The framework does not accept it together with another setting.
    Conflict {
        /// The other setting.
        with: &'static str,
    },
    /// It is not below its limit.
    NotBelow {
        /// The setting that limits it.
        limit: &'static str,
        /// The value of that setting: the first illegal one.
        value: usize,
        /// The value asked for.
        found: usize,
    },
    /// The output extent asked of a transposed operation does not lead back to its input.
    DoesNotLeadBack {
        /// The extent asked for.
        output: usize,
        /// Where the direct operation leads from there.
        found: usize,
        /// Where it has to lead: the input extent of the transposed operation.
        expected: usize,
    },
    /// The input is extended by something other than zeros.
    NotZeros,
    /// The input is stretched: that is a transposed operation.
    Stretched,
}

impl fmt::Display for ConventionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            framework, setting, ..
        } = self;
        match self.reason {
            Reason::Axis(error) => write!(f, "{framework}: {setting}: {error}"),
            Reason::Conflict { with } => {
                write!(f, "{framework}: {setting} cannot be combined with {with}")
            }
            Reason::NotBelow {
                limit,
                value,
                found,
            } => write!(
                f,
                "{framework}: {setting} is {found}, expected less than {limit}, {value}"
            ),
            Reason::DoesNotLeadBack {
                output,
                found,
                expected,
            } => write!(
                f,
                "{framework}: {setting} is {output}, from which the direct operation leads to {found}, expected the input extent {expected}"
            ),
            Reason::NotZeros => write!(
                f,
                "{framework}: {setting} extends the input by something other than zeros: extend it first, then convolve without pads"
            ),
            Reason::Stretched => write!(
                f,
                "{framework}: {setting} stretches the input: resolve it as a transposed operation"
            ),
        }
    }
}

impl core::error::Error for ConventionError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.reason {
            Reason::Axis(error) => Some(error),
            _ => None,
        }
    }
}

/// What a framework calls the settings of an axis.
#[derive(Clone, Copy)]
struct Names {
    framework: Framework,
    kernel: &'static str,
    stride: &'static str,
    dilation: &'static str,
    padding: &'static str,
    output_padding: &'static str,
    output: &'static str,
}

impl Names {
    const fn error(&self, setting: &'static str, reason: Reason) -> ConventionError {
        ConventionError {
            framework: self.framework,
            setting,
            reason,
        }
    }

    /// The axis's error under the framework's name for what is wrong.
    const fn axis_error(&self, error: AxisError) -> ConventionError {
        let setting = match error {
            AxisError::ZeroKernel | AxisError::KernelTooLarge { .. } => self.kernel,
            AxisError::ZeroStride => self.stride,
            AxisError::ZeroDilation => self.dilation,
            AxisError::EmptyExtent | AxisError::Overflow => "input",
            AxisError::EmptyOutput => self.padding,
            AxisError::TransposedExtent { .. } => self.output,
            AxisError::OutputPadding { .. } => self.output_padding,
        };
        self.error(setting, Reason::Axis(error))
    }

    const fn direct(&self, axis: Axis, input: usize) -> Result<Direct, ConventionError> {
        self.checked(Direct::resolve(axis, input))
    }

    const fn transposed(
        &self,
        axis: Axis,
        input: usize,
        output_padding: usize,
    ) -> Result<Transposed, ConventionError> {
        self.checked(Transposed::resolve(axis, input, output_padding))
    }

    const fn checked<T: Copy>(&self, result: Result<T, AxisError>) -> Result<T, ConventionError> {
        match result {
            Ok(value) => Ok(value),
            Err(error) => Err(self.axis_error(error)),
        }
    }

    /// The transposed operation from `input` to `output` of the direct operation along `axis`, which has to
    /// lead back from `output` to `input`.
    const fn leading_back(
        &self,
        axis: Axis,
        input: usize,
        output: usize,
    ) -> Result<Transposed, ConventionError> {
        let found = attempt!(self.checked(axis.output(output)));
        if found != input {
            return Err(self.error(
                self.output,
                Reason::DoesNotLeadBack {
                    output,
                    found,
                    expected: input,
                },
            ));
        }
        let padding = attempt!(self.checked(axis.adjoint_padding(output)));
        self.transposed(axis, input, padding)
    }
}

const fn window_of(axis: Axis) -> Window {
    Window::new()
        .with_stride(axis.stride)
        .with_dilation(axis.dilation)
        .with_pads(axis.pad_before, axis.pad_after)
}

/// An axis without pads.
const fn bare(kernel: usize, stride: usize, dilation: usize) -> Axis {
    Axis::new(kernel)
        .with_stride(stride)
        .with_dilation(dilation)
}

/// `stride·(i − 1) + k̂ + output_padding − output`: the pads that the transposed operation along the axis, whose
/// own pads do not count, needs together. Negative where zeros are to be appended.
const fn total_pads(
    axis: Axis,
    input: usize,
    output_padding: usize,
    output: usize,
) -> Result<isize, AxisError> {
    let unpadded = attempt!(
        axis.with_pads(0, 0)
            .transposed_output(input, output_padding)
    );
    // Both lie in 0..=isize::MAX, so their difference fits.
    Ok(unpadded as isize - attempt!(crate::axis::to_signed(output)))
}
