//! What the explorer's page asks in WebAssembly: [`conv_scene`]'s answers as text, and nothing of its own.
//!
//! ```text
//! web/*.js    a question: the settings as they stand in the address, input=5,5&kernel=3,3&stride=2,2
//!     │
//! Explorer    facts (JSON), frame and matrix (SVG), sentence, animation (GIF)
//!     │
//! conv_scene  Layer, Scene, Weave, Table: what `conv draw` is made from
//! ```
//!
//! A frame of the page is the frame of the command, bit for bit: both are [`Scene::picture`]. No size is computed
//! here or in JavaScript.

mod facts;
mod image;
mod question;

use conv_scene::raster::{Painter, gif};
use conv_scene::scene::{Scene, View};
use conv_scene::table::Table;
use conv_scene::weave::Weave;
use conv_scene::{Fault, Layer};
use wasm_bindgen::prelude::wasm_bindgen;

pub use crate::image::Applied;
use crate::question::Question;

/// Rows and columns of the matrix that the page shows; a larger matrix is sampled and says so.
const MATRIX: usize = 64;

/// A legal setting and its pictures.
#[wasm_bindgen]
pub struct Explorer {
    question: Question,
    layer: Layer,
    weave: Weave,
    /// The sentence where the layer is too large to be drawn.
    scene: Result<Scene, Fault>,
}

#[wasm_bindgen]
impl Explorer {
    /// The layer of a question: settings as `name=value`, joined by `&`, in this library's own spelling, with
    /// `view`, `weights` and `data` as `conv draw` has them.
    ///
    /// ```
    /// use conv_explorer::Explorer;
    ///
    /// let explorer = Explorer::new("input=5,6&kernel=3,3&stride=2,2&pad=1:1,0:1")?;
    /// assert_eq!(explorer.frames(), 9);
    /// let sentence = "the dilated kernel extent is 9, expected at most the padded input extent 5";
    /// assert_eq!(Explorer::new("input=5&kernel=9").err().unwrap(), sentence);
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The sentence that says why the setting is illegal.
    #[wasm_bindgen(constructor)]
    pub fn new(question: &str) -> Result<Self, String> {
        let explorer = Question::read(question).and_then(Self::answer);
        explorer.map_err(|fault| fault.to_string())
    }

    fn answer(question: Question) -> Result<Self, Fault> {
        let layer = question.layer()?;
        let weave = Weave::new(&layer)?;
        let scene = Scene::new(&layer, question.options.clone());
        Ok(Self {
            question,
            layer,
            weave,
            scene,
        })
    }

    /// Everything that is said about the setting, as JSON: extents, formulas, legal outputs, costs, code.
    #[must_use]
    pub fn facts(&self) -> String {
        facts::facts(self).to_string()
    }

    /// Number of pictures, 0 where the layer is too large to be drawn.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.scene.as_ref().map_or(0, Scene::frames)
    }

    /// Picture `step` as SVG, empty where there is none.
    #[must_use]
    pub fn frame(&self, step: usize) -> String {
        let scene = self.scene.as_ref();
        scene.map_or_else(|_| String::new(), |scene| scene.picture(step).svg())
    }

    /// What picture `step` shows, in words.
    #[must_use]
    pub fn sentence(&self, step: usize) -> String {
        let scene = self.scene.as_ref();
        scene.map_or_else(Fault::to_string, |scene| scene.sentence(step))
    }

    /// C or Cᵀ as SVG, each weight by what stands in the brackets of its name.
    #[must_use]
    pub fn matrix(&self) -> String {
        let numbers = |weight| {
            let name = self.weave.weight_name(weight);
            name.trim_start_matches("w[")
                .trim_end_matches(']')
                .to_owned()
        };
        self.table().svg(&numbers)
    }

    fn table(&self) -> Table<'_> {
        Table::new(&self.weave, MATRIX)
    }

    /// Whether the pictures go through the inputs, columns of the matrix, rather than through its rows.
    #[must_use]
    pub fn is_scattering(&self) -> bool {
        let scene = self.scene.as_ref();
        scene.is_ok_and(|scene| scene.view() == View::Scatter)
    }

    /// All pictures as the GIF that `conv draw` makes, each for `delay` milliseconds.
    ///
    /// # Errors
    ///
    /// The sentence that says why there is none, with its size where it would be too large.
    pub fn animation(&self, delay: u16) -> Result<Vec<u8>, String> {
        self.gif(delay).map_err(|fault| fault.to_string())
    }

    fn gif(&self, delay: u16) -> Result<Vec<u8>, Fault> {
        let scene = self.scene.as_ref().map_err(Clone::clone)?;
        let painter = Painter::new(1.0);
        painter.check(scene.size(), scene.frames())?;
        let paint = |step| painter.paint(&scene.picture(step).svg());
        let sheets: Result<Vec<_>, Fault> = (0..scene.frames()).map(paint).collect();
        gif(&sheets?, delay)
    }

    /// The kernel on an own picture of `width` pixels a row, four bytes each, computed by `conv-core`.
    ///
    /// # Errors
    ///
    /// The sentence that says why it cannot be: a signal, or a picture for which the setting is illegal.
    pub fn apply(&self, pixels: &[u8], width: usize) -> Result<Applied, String> {
        let weights = self.scene.as_ref().map_or(&[][..], Scene::weights);
        let applied = image::apply(&self.question, &self.layer, weights, pixels, width);
        applied.map_err(|fault| fault.to_string())
    }
}

/// The guide's figures as JSON: names and questions.
///
/// ```
/// assert!(conv_explorer::figures().contains("no padding no strides"));
/// ```
#[wasm_bindgen]
#[must_use]
pub fn figures() -> String {
    facts::figures().to_string()
}
