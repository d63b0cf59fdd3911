//! A setting as the controls make it, and what the library says about it.

use conv_scene::operation::{OWN, Role};
use conv_scene::scene::{Options, Scene, View};
use conv_scene::value::Values;
use conv_scene::{Fault, Layer};

/// A control of each axis: its fields' names begin with this.
pub(crate) const CONTROLS: [&str; 7] = [
    "input",
    "kernel",
    "stride",
    "dilation",
    "pad-before",
    "pad-after",
    "output-padding",
];

/// Values of all controls.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) rank: usize,
    pub(crate) transposed: bool,
    pub(crate) flip: bool,
    pub(crate) view: Option<View>,
    /// By axis and in the order of [`CONTROLS`].
    pub(crate) axes: [[i64; 7]; 2],
    /// Groups, channels that are read and that are written.
    pub(crate) channels: [i64; 3],
}

impl Model {
    pub(crate) fn values(&self) -> Values {
        let list = |control: usize| {
            let of = |axis: &[i64; 7]| axis[control].to_string();
            let all: Vec<String> = self.axes.iter().take(self.rank).map(of).collect();
            all.join(",")
        };
        let pads: Vec<String> = self
            .axes
            .iter()
            .take(self.rank)
            .map(|axis| format!("{}:{}", axis[4], axis[5]))
            .collect();
        let mut values = Values::new()
            .with(Role::Rank, self.rank)
            .with(Role::Input, list(0))
            .with(Role::Kernel, list(1))
            .with(Role::Stride, list(2))
            .with(Role::Dilation, list(3))
            .with(Role::Padding, pads.join(","))
            .with(Role::Groups, self.channels[0])
            .with(Role::InputChannels, self.channels[1])
            .with(Role::OutputChannels, self.channels[2]);
        if self.flip {
            values = values.with(Role::Flip, true);
        }
        if self.transposed {
            values = values
                .with(Role::Transposed, true)
                .with(Role::OutputPadding, list(6));
        }
        values
    }

    pub(crate) fn layer(&self) -> Result<Layer, Fault> {
        Layer::resolve(&OWN, &self.values())
    }

    pub(crate) fn scene(&self, layer: &Layer) -> Result<Scene, Fault> {
        let options = Options {
            view: self.view,
            ..Options::default()
        };
        Scene::new(layer, options)
    }
}
