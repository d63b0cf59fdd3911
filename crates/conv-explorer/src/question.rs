//! The setting as it stands in the page's address.

use conv_scene::operation::{OWN, Role};
use conv_scene::scene::{Options, VIEWS};
use conv_scene::value::Values;
use conv_scene::{Fault, Layer};

/// A setting and how it is shown.
pub(crate) struct Question {
    pub(crate) values: Values,
    pub(crate) options: Options,
}

impl Question {
    /// Reads `name=value`, joined by `&`; names are those of `conv draw`'s options.
    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let mut question = Self {
            values: Values::new(),
            options: Options::default(),
        };
        for item in text.split('&').filter(|item| !item.is_empty()) {
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            question = question.with(name, value)?;
        }
        Ok(question)
    }

    fn with(mut self, name: &str, value: &str) -> Result<Self, Fault> {
        match name {
            "view" => self.options.view = Some(view(value)?),
            "weights" => self.options.weights = Some(numbers(name, value)?),
            "data" => self.options.data = Some(numbers(name, value)?),
            _ => {
                let setting = OWN.settings.iter().find(|setting| setting.name == name);
                let setting = setting
                    .ok_or_else(|| Fault::usage(format!("there is no setting named `{name}`")))?;
                self.values = self.values.with(setting.role, value);
            }
        }
        Ok(self)
    }

    pub(crate) fn layer(&self) -> Result<Layer, Fault> {
        Layer::resolve(&OWN, &self.values)
    }

    /// The layer on an image of this extent, one channel by itself.
    pub(crate) fn layer_on(&self, extents: [usize; 2]) -> Result<Layer, Fault> {
        let [height, width] = extents;
        let mut values = self.values.clone();
        for role in [Role::Groups, Role::InputChannels, Role::OutputChannels] {
            values = values.with(role, 1);
        }
        Layer::resolve(&OWN, &values.with(Role::Input, format!("{height},{width}")))
    }
}

fn view(word: &str) -> Result<conv_scene::scene::View, Fault> {
    let found = VIEWS.iter().find(|(name, _)| *name == word);
    found
        .map(|(_, view)| *view)
        .ok_or_else(|| Fault::usage(format!("there is no view named `{word}`")))
}

fn numbers(name: &str, text: &str) -> Result<Vec<f64>, Fault> {
    let number = |item: &str| {
        let parsed = item.trim().parse::<f64>().ok();
        parsed.filter(|number| number.is_finite()).ok_or_else(|| {
            Fault::usage(format!("{name} has the value `{item}`, expected a number"))
        })
    };
    text.split(',').map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_what_the_command_line_would_be() {
        let text = "input=5,6&kernel=3,3&pad=-1:1,0:2&transposed=true&view=scatter&weights=1,-2.5";
        let question = Question::read(text).unwrap();
        let words = "--input 5,6 --kernel 3,3 --pad -1:1,0:2 --transposed";
        assert_eq!(question.values.words(&OWN), words);
        assert_eq!(question.options.weights, Some(vec![1.0, -2.5]));
    }

    #[test]
    fn what_cannot_be_read_has_a_sentence() {
        let sentence = |text| Question::read(text).err().unwrap().to_string();
        assert_eq!(sentence("colour=red"), "there is no setting named `colour`");
        assert_eq!(sentence("view=x"), "there is no view named `x`");
        let number = "weights has the value `inf`, expected a number";
        assert_eq!(sentence("weights=1,inf"), number);
    }
}
