//! `conv translate`: one framework's setting in another's words, or why it cannot be said there.

use conv_core::convention::Framework;
use conv_scene::operation::{FRAMEWORKS, word};
use conv_scene::translate::{Translation, translate as say};
use conv_scene::{Fault, Layer, code};
use serde_json::{Map, Value, json};

use crate::arguments::Asked;
use crate::failure::Failure;
use crate::report::Report;

pub(crate) fn translate(asked: &Asked) -> Result<Report, Failure> {
    let layer = Layer::resolve(asked.operation, &asked.values)?;
    if let Some(to) = asked.text("to") {
        let named = FRAMEWORKS
            .into_iter()
            .find(|framework| word(*framework) == to);
        // clap lets only those words through.
        let framework = named.ok_or_else(|| Fault::usage(format!("{to} is not a framework")))?;
        let said = say(&layer, framework)?;
        return Ok(Report::new(
            paragraph(&layer, &said),
            translation_json(&layer, &said),
        ));
    }
    let (mut text, mut all) = (
        format!("conv-core\n  {}\n", code::conv_core(&layer)),
        Map::new(),
    );
    for framework in FRAMEWORKS {
        let (said, json) = match say(&layer, framework) {
            Ok(said) => (paragraph(&layer, &said), translation_json(&layer, &said)),
            Err(fault) => (
                format!("cannot be said: {fault}\n"),
                json!({ "refused": fault.to_string() }),
            ),
        };
        let said: String = said.lines().map(|line| format!("  {line}\n")).collect();
        text += &format!("{}\n{said}", name(framework));
        all.insert(word(framework).to_owned(), json);
    }
    Ok(Report::new(text, Value::Object(all)))
}

fn name(framework: Framework) -> String {
    framework.to_string()
}

fn paragraph(layer: &Layer, said: &Translation) -> String {
    let mut text = format!("{}\n", code::call(layer, said));
    for note in &said.notes {
        text += &format!("with {note}\n");
    }
    text
}

fn translation_json(layer: &Layer, said: &Translation) -> Value {
    let settings = said.values.iter().filter_map(|(role, text)| {
        said.operation
            .spelling(role)
            .map(|spelling| (spelling.to_owned(), json!(text)))
    });
    json!({
        "operation": said.operation.name,
        "settings": settings.collect::<Map<_, _>>(),
        "code": code::call(layer, said),
        "command": format!("{} {}", said.operation.name, said.values.words(said.operation)),
        "notes": said.notes,
    })
}
