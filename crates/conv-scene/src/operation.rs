//! The operations of nine conventions and this library's own, each with its settings as the framework spells them.
//!
//! A table, from which the command makes its arguments and the page its fields. What the settings mean is
//! [`conv_core::convention`]'s business alone.

use conv_core::convention::Framework;

/// What a setting is about. Within an operation a role occurs once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Extents that the operation reads.
    Input,
    /// Kernel extents.
    Kernel,
    /// Strides.
    Stride,
    /// Pads by number, by side or by name.
    Padding,
    /// ONNX's `auto_pad`.
    AutoPad,
    /// Distances between taps.
    Dilation,
    /// What a transposed operation adds to its least output.
    OutputPadding,
    /// Extents that a transposed operation writes, or that CMSIS-NN's direct one does.
    Output,
    /// JAX's stretching of the input.
    InputDilation,
    /// What PyTorch extends the input by.
    PaddingMode,
    /// Whether the kernel is flipped: Theano's `filter_flip`.
    Flip,
    /// JAX's `transpose_kernel`.
    TransposeKernel,
    /// JAX's `use_consistent_padding`.
    ConsistentPadding,
    /// Channels that the operation reads.
    InputChannels,
    /// Channels that the operation writes.
    OutputChannels,
    /// Groups of channels.
    Groups,
    /// Number of spatial axes.
    Rank,
    /// A flag of this library's own spelling: the transposed operation.
    Transposed,
}

/// A setting of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The framework's spelling.
    pub name: &'static str,
    /// What it is about.
    pub role: Role,
    /// Whether there is no default.
    pub required: bool,
    /// A sentence, with the default.
    pub help: &'static str,
}

/// An operation of a framework, or this library's own.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Whose; `None` for this library's own spelling.
    pub framework: Option<Framework>,
    /// The framework's spelling.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Number of spatial axes, where the name says it.
    pub rank: Option<usize>,
    /// Whether it is a transposed operation by its name.
    pub transposed: bool,
    /// Its settings.
    pub settings: &'static [Setting],
}

impl Operation {
    /// The spelling of the setting of this role, if the operation has one.
    ///
    /// ```
    /// use conv_scene::operation::{Role, find};
    ///
    /// assert_eq!(find("theano", "conv2d").unwrap().spelling(Role::Stride), Some("subsample"));
    /// ```
    #[must_use]
    pub fn spelling(&self, role: Role) -> Option<&'static str> {
        let mut settings = self.settings.iter();
        settings
            .find(|setting| setting.role == role)
            .map(|setting| setting.name)
    }
}

/// The command's word for a framework.
#[must_use]
pub const fn word(framework: Framework) -> &'static str {
    match framework {
        Framework::Torch => "torch",
        Framework::Onnx => "onnx",
        Framework::TensorFlow => "tensorflow",
        Framework::Keras => "keras",
        Framework::Jax => "jax",
        Framework::Theano => "theano",
        Framework::NumPy => "numpy",
        Framework::SciPy => "scipy",
        _ => "cmsis-nn",
    }
}

/// The nine frameworks.
pub const FRAMEWORKS: [Framework; 9] = [
    Framework::Torch,
    Framework::Onnx,
    Framework::TensorFlow,
    Framework::Keras,
    Framework::Jax,
    Framework::Theano,
    Framework::NumPy,
    Framework::SciPy,
    Framework::CmsisNn,
];

/// The operation of this name or alias, of the framework of this [`word`].
#[must_use]
pub fn find(framework: &str, name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| {
        operation
            .framework
            .is_some_and(|own| word(own) == framework)
            && (operation.name == name || operation.aliases.contains(&name))
    })
}

const fn required(role: Role, name: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        role,
        required: true,
        help,
    }
}

const fn optional(role: Role, name: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        role,
        required: false,
        help,
    }
}

const INPUT: Setting = required(Role::Input, "input", "Extents that the operation reads");
const RANK: Setting = optional(
    Role::Rank,
    "rank",
    "Number of spatial axes, 1 to 3 [default: as many as the longest list has]",
);
const CHANNELS_IN: Setting = optional(
    Role::InputChannels,
    "in_channels",
    "Channels that it reads [default: groups]",
);
const CHANNELS_OUT: Setting = optional(
    Role::OutputChannels,
    "out_channels",
    "Channels that it writes [default: groups]",
);
const GROUPS: Setting = optional(Role::Groups, "groups", "Groups of channels [default: 1]");

/// This library's own spelling, of the direct operation and, with `--transposed`, of the transposed one.
pub static OWN: Operation = Operation {
    framework: None,
    name: "",
    aliases: &[],
    rank: None,
    transposed: false,
    settings: &[
        INPUT,
        required(Role::Kernel, "kernel", "Kernel extents"),
        optional(
            Role::Stride,
            "stride",
            "Distance between windows [default: 1]",
        ),
        optional(
            Role::Dilation,
            "dilation",
            "Distance between taps [default: 1]",
        ),
        optional(
            Role::Padding,
            "pad",
            "Pads of the direct operation: a number for both sides, before:after, negative to crop, or valid, half, full, same-upper, same-lower, causal [default: 0]",
        ),
        optional(
            Role::Transposed,
            "transposed",
            "The transposed operation, Cᵀ of the direct one with the same settings",
        ),
        optional(
            Role::OutputPadding,
            "output-padding",
            "Transposed: what is added to the least output [default: 0]",
        ),
        optional(
            Role::Output,
            "output",
            "Transposed: the output extents, instead of an output padding",
        ),
        optional(
            Role::Flip,
            "flip",
            "true: convolution, the kernel flipped [default: false, correlation]",
        ),
        optional(
            Role::InputChannels,
            "input-channels",
            "Channels that it reads [default: groups]",
        ),
        optional(
            Role::OutputChannels,
            "output-channels",
            "Channels that it writes [default: groups]",
        ),
        GROUPS,
        RANK,
    ],
};

const TORCH_CONV: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_size", "Number of taps"),
    optional(Role::Stride, "stride", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "Zeros on both sides, or valid or same [default: 0]",
    ),
    optional(Role::Dilation, "dilation", "[default: 1]"),
    optional(
        Role::PaddingMode,
        "padding_mode",
        "zeros, reflect, replicate or circular [default: zeros]",
    ),
    CHANNELS_IN,
    CHANNELS_OUT,
    GROUPS,
];

const TORCH_TRANSPOSE: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_size", "Number of taps"),
    optional(Role::Stride, "stride", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "Outputs dropped on both sides [default: 0]",
    ),
    optional(
        Role::OutputPadding,
        "output_padding",
        "Less than stride or dilation [default: 0]",
    ),
    optional(
        Role::Output,
        "output_size",
        "The output extents, instead of output_padding",
    ),
    optional(Role::Dilation, "dilation", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    GROUPS,
];

const ONNX_PADS: Setting = optional(
    Role::Padding,
    "pads",
    "All begins, then all ends [default: 0 everywhere]",
);
const ONNX_AUTO: Setting = optional(
    Role::AutoPad,
    "auto_pad",
    "NOTSET, SAME_UPPER, SAME_LOWER or VALID [default: NOTSET]",
);
const ONNX_GROUP: Setting = optional(Role::Groups, "group", "Groups of channels [default: 1]");

const ONNX_CONV: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_shape", "Number of taps"),
    optional(Role::Stride, "strides", "[default: 1]"),
    ONNX_PADS,
    ONNX_AUTO,
    optional(Role::Dilation, "dilations", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    ONNX_GROUP,
    RANK,
];

const ONNX_TRANSPOSE: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_shape", "Number of taps"),
    optional(Role::Stride, "strides", "[default: 1]"),
    ONNX_PADS,
    ONNX_AUTO,
    optional(Role::Dilation, "dilations", "[default: 1]"),
    optional(
        Role::OutputPadding,
        "output_padding",
        "Less than stride or dilation [default: 0]",
    ),
    optional(
        Role::Output,
        "output_shape",
        "The output extents; pads follow from them",
    ),
    CHANNELS_IN,
    CHANNELS_OUT,
    ONNX_GROUP,
    RANK,
];

const TENSORFLOW_CONV: &[Setting] = &[
    INPUT,
    required(
        Role::Kernel,
        "filters",
        "Number of taps, the spatial axes of the filters",
    ),
    optional(Role::Stride, "strides", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "SAME, VALID, or before:after [default: VALID]",
    ),
    optional(Role::Dilation, "dilations", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    GROUPS,
];

const TENSORFLOW_TRANSPOSE: &[Setting] = &[
    INPUT,
    required(
        Role::Kernel,
        "filters",
        "Number of taps, the spatial axes of the filters",
    ),
    required(Role::Output, "output_shape", "Extents that it writes"),
    optional(Role::Stride, "strides", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "SAME, VALID, or before:after of the direct operation [default: SAME]",
    ),
    optional(Role::Dilation, "dilations", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    GROUPS,
];

const KERAS_FILTERS: Setting = optional(
    Role::OutputChannels,
    "filters",
    "Channels that it writes [default: groups]",
);

const KERAS_CONV: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_size", "Number of taps"),
    optional(Role::Stride, "strides", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "valid, same or causal [default: valid]",
    ),
    optional(Role::Dilation, "dilation_rate", "[default: 1]"),
    CHANNELS_IN,
    KERAS_FILTERS,
    GROUPS,
];

const KERAS_TRANSPOSE: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel_size", "Number of taps"),
    optional(Role::Stride, "strides", "[default: 1]"),
    optional(Role::Padding, "padding", "valid or same [default: valid]"),
    optional(
        Role::OutputPadding,
        "output_padding",
        "Less than strides [default: None]",
    ),
    optional(Role::Dilation, "dilation_rate", "[default: 1]"),
    CHANNELS_IN,
    KERAS_FILTERS,
];

const JAX_GROUPS: Setting = optional(
    Role::Groups,
    "feature_group_count",
    "Groups of channels [default: 1]",
);

const JAX_GENERAL: &[Setting] = &[
    INPUT,
    required(
        Role::Kernel,
        "rhs",
        "Number of taps, the spatial axes of rhs",
    ),
    optional(Role::Stride, "window_strides", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "SAME, SAME_LOWER, VALID, or low:high, negative to crop [default: VALID]",
    ),
    optional(
        Role::InputDilation,
        "lhs_dilation",
        "More than 1 stretches the input [default: 1]",
    ),
    optional(Role::Dilation, "rhs_dilation", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    JAX_GROUPS,
    RANK,
];

const JAX_TRANSPOSE: &[Setting] = &[
    INPUT,
    required(
        Role::Kernel,
        "rhs",
        "Number of taps, the spatial axes of rhs",
    ),
    optional(Role::Stride, "strides", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "SAME, VALID, or low:high of the stretched input [default: VALID]",
    ),
    optional(
        Role::ConsistentPadding,
        "use_consistent_padding",
        "True: low:high are the direct operation's pads [default: False]",
    ),
    optional(Role::Dilation, "rhs_dilation", "[default: 1]"),
    optional(
        Role::TransposeKernel,
        "transpose_kernel",
        "True: the kernel of the direct operation [default: False]",
    ),
    CHANNELS_IN,
    CHANNELS_OUT,
    RANK,
];

const THEANO_BORDER: Setting = optional(
    Role::Padding,
    "border_mode",
    "valid, full, half, zeros on both sides, or before:after [default: valid]",
);
const THEANO_FLIP: Setting = optional(Role::Flip, "filter_flip", "True or False [default: True]");
const THEANO_GROUPS: Setting = optional(
    Role::Groups,
    "num_groups",
    "Groups of channels [default: 1]",
);

const THEANO_CONV: &[Setting] = &[
    INPUT,
    required(
        Role::Kernel,
        "filter_shape",
        "Number of taps, the spatial axes of filter_shape",
    ),
    THEANO_BORDER,
    optional(Role::Stride, "subsample", "The stride [default: 1]"),
    optional(Role::Dilation, "filter_dilation", "[default: 1]"),
    THEANO_FLIP,
    CHANNELS_IN,
    CHANNELS_OUT,
    THEANO_GROUPS,
];

const THEANO_GRADIENT: &[Setting] = &[
    required(
        Role::Input,
        "output_grad",
        "Extents that the operation reads",
    ),
    required(
        Role::Kernel,
        "filter_shape",
        "Number of taps, the spatial axes of filter_shape",
    ),
    required(Role::Output, "input_shape", "Extents that it writes"),
    THEANO_BORDER,
    optional(Role::Stride, "subsample", "The stride [default: 1]"),
    optional(Role::Dilation, "filter_dilation", "[default: 1]"),
    THEANO_FLIP,
    CHANNELS_IN,
    CHANNELS_OUT,
    THEANO_GROUPS,
];

const CONVOLVE: &[Setting] = &[
    INPUT,
    required(Role::Kernel, "kernel", "Extents of the second operand"),
    optional(Role::Padding, "mode", "full, same or valid [default: full]"),
];

const CMSIS: &[Setting] = &[
    required(Role::Input, "input_dims", "Extents that the function reads"),
    required(Role::Kernel, "filter_dims", "Number of taps"),
    required(Role::Output, "output_dims", "Extents that it writes"),
    optional(Role::Stride, "stride", "[default: 1]"),
    optional(
        Role::Padding,
        "padding",
        "Pads before the input [default: 0]",
    ),
    optional(Role::Dilation, "dilation", "[default: 1]"),
    CHANNELS_IN,
    CHANNELS_OUT,
    GROUPS,
    RANK,
];

const fn direct(
    framework: Framework,
    name: &'static str,
    aliases: &'static [&'static str],
    rank: Option<usize>,
    settings: &'static [Setting],
) -> Operation {
    Operation {
        framework: Some(framework),
        name,
        aliases,
        rank,
        transposed: false,
        settings,
    }
}

const fn transposed(
    framework: Framework,
    name: &'static str,
    aliases: &'static [&'static str],
    rank: Option<usize>,
    settings: &'static [Setting],
) -> Operation {
    Operation {
        transposed: true,
        ..direct(framework, name, aliases, rank, settings)
    }
}

/// Every operation of every framework.
pub static OPERATIONS: &[Operation] = &[
    direct(Framework::Torch, "Conv1d", &["conv1d"], Some(1), TORCH_CONV),
    direct(Framework::Torch, "Conv2d", &["conv2d"], Some(2), TORCH_CONV),
    direct(Framework::Torch, "Conv3d", &["conv3d"], Some(3), TORCH_CONV),
    transposed(
        Framework::Torch,
        "ConvTranspose1d",
        &["conv_transpose1d"],
        Some(1),
        TORCH_TRANSPOSE,
    ),
    transposed(
        Framework::Torch,
        "ConvTranspose2d",
        &["conv_transpose2d"],
        Some(2),
        TORCH_TRANSPOSE,
    ),
    transposed(
        Framework::Torch,
        "ConvTranspose3d",
        &["conv_transpose3d"],
        Some(3),
        TORCH_TRANSPOSE,
    ),
    direct(Framework::Onnx, "Conv", &[], None, ONNX_CONV),
    transposed(Framework::Onnx, "ConvTranspose", &[], None, ONNX_TRANSPOSE),
    direct(
        Framework::TensorFlow,
        "conv1d",
        &[],
        Some(1),
        TENSORFLOW_CONV,
    ),
    direct(
        Framework::TensorFlow,
        "conv2d",
        &["depthwise_conv2d", "CONV_2D", "DEPTHWISE_CONV_2D"],
        Some(2),
        TENSORFLOW_CONV,
    ),
    direct(
        Framework::TensorFlow,
        "conv3d",
        &[],
        Some(3),
        TENSORFLOW_CONV,
    ),
    transposed(
        Framework::TensorFlow,
        "conv1d_transpose",
        &[],
        Some(1),
        TENSORFLOW_TRANSPOSE,
    ),
    transposed(
        Framework::TensorFlow,
        "conv2d_transpose",
        &["TRANSPOSE_CONV"],
        Some(2),
        TENSORFLOW_TRANSPOSE,
    ),
    transposed(
        Framework::TensorFlow,
        "conv3d_transpose",
        &[],
        Some(3),
        TENSORFLOW_TRANSPOSE,
    ),
    direct(Framework::Keras, "Conv1D", &[], Some(1), KERAS_CONV),
    direct(
        Framework::Keras,
        "Conv2D",
        &["DepthwiseConv2D"],
        Some(2),
        KERAS_CONV,
    ),
    direct(Framework::Keras, "Conv3D", &[], Some(3), KERAS_CONV),
    transposed(
        Framework::Keras,
        "Conv1DTranspose",
        &[],
        Some(1),
        KERAS_TRANSPOSE,
    ),
    transposed(
        Framework::Keras,
        "Conv2DTranspose",
        &[],
        Some(2),
        KERAS_TRANSPOSE,
    ),
    transposed(
        Framework::Keras,
        "Conv3DTranspose",
        &[],
        Some(3),
        KERAS_TRANSPOSE,
    ),
    direct(
        Framework::Jax,
        "conv_general_dilated",
        &[],
        None,
        JAX_GENERAL,
    ),
    transposed(Framework::Jax, "conv_transpose", &[], None, JAX_TRANSPOSE),
    direct(Framework::Theano, "conv2d", &[], Some(2), THEANO_CONV),
    direct(Framework::Theano, "conv3d", &[], Some(3), THEANO_CONV),
    transposed(
        Framework::Theano,
        "conv2d_grad_wrt_inputs",
        &["conv2d_transpose"],
        Some(2),
        THEANO_GRADIENT,
    ),
    transposed(
        Framework::Theano,
        "conv3d_grad_wrt_inputs",
        &[],
        Some(3),
        THEANO_GRADIENT,
    ),
    direct(Framework::NumPy, "convolve", &[], Some(1), CONVOLVE),
    direct(Framework::SciPy, "convolve", &[], None, CONVOLVE),
    direct(
        Framework::CmsisNn,
        "convolve",
        &["depthwise_conv"],
        None,
        CMSIS,
    ),
    transposed(Framework::CmsisNn, "transpose_conv", &[], None, CMSIS),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FRAMEWORKS, OPERATIONS, OWN, find, word};

    #[test]
    fn names_and_roles_are_unique_and_every_framework_is_there() {
        for framework in FRAMEWORKS {
            let own = OPERATIONS.iter().filter(|o| o.framework == Some(framework));
            let names: Vec<_> = own
                .flat_map(|o| o.aliases.iter().chain([&o.name]))
                .collect();
            assert!(!names.is_empty(), "{framework}");
            assert_eq!(names.len(), names.iter().collect::<BTreeSet<_>>().len());
            for name in names {
                assert!(find(word(framework), name).is_some());
            }
        }
        for operation in OPERATIONS.iter().chain([&OWN]) {
            let roles: BTreeSet<_> = operation.settings.iter().map(|s| s.role).collect();
            assert_eq!(roles.len(), operation.settings.len(), "{}", operation.name);
        }
    }
}
