//! Every public operation of the crate is called by some test of this folder, and every other public function by one
//! of those, by a test beside it or by an example in the docs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All Rust files under a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    &text[..end.unwrap_or(text.len())]
}

/// The public functions that a source file defines, those of its public traits and those that its macros make
/// of a list of names.
fn public_functions(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (mut in_trait, mut in_list) = (false, false);
    for line in source.lines() {
        let text = line.trim_start();
        if text == "mod tests {" {
            break;
        }
        if line == "}" {
            (in_trait, in_list) = (false, false);
        }
        in_trait |= text.starts_with("pub trait ");
        // `typed_operation! {`, `run_time_forms! {`, `vector_forms! {`, and what follows them.
        if text.ends_with("_operation! {") || text.ends_with("_forms! {") {
            in_list = true;
        }
        let function = ["pub fn ", "pub const fn "]
            .iter()
            .find_map(|start| text.strip_prefix(start));
        let of_trait = text.strip_prefix("fn ").filter(|_| in_trait);
        if let Some(rest) = function.or(of_trait) {
            names.insert(identifier(rest).to_owned());
        }
        let name = identifier(text);
        let listed = matches!(
            text[name.len()..].trim_start().chars().next(),
            Some(',' | ':' | '=')
        );
        if in_list && listed && is_operation(name) {
            names.insert(name.to_owned());
        }
    }
    // What a macro names by a parameter is in its list.
    names.remove("");
    names
}

fn calls(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = &text[at + name.len()..];
        let whole = !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        // A call, a path without one, or the name of an operation given to a macro.
        whole
            && (after.starts_with(['(', ')', ';', ','])
                || after.starts_with("::<")
                || after.starts_with(" ["))
    })
}

/// What a source file runs as tests itself: its examples and its tests.
fn own_tests(source: &str) -> String {
    let (code, tests) = source.split_once("mod tests {").unwrap_or((source, ""));
    let mut examples = String::new();
    // Whether the block that a line is in, if it is in one, is run.
    let mut block = None;
    for line in code.lines() {
        let text = line.trim_start();
        let Some(doc) = text.strip_prefix("//!").or(text.strip_prefix("///")) else {
            continue;
        };
        if let Some(kind) = doc.trim_start().strip_prefix("```") {
            block = match block {
                None => Some(kind.is_empty()),
                Some(_) => None,
            };
        } else if block == Some(true) {
            examples.push_str(doc);
            examples.push('\n');
        }
    }
    examples + tests
}

/// Public only because a public trait has them: what calls them, and is called by a test.
const THROUGH: [(&str, &str); 16] = [
    ("add_to", "pool"),
    ("outputs_mut", "push"),
    ("activate_tanh", "tanh"),
    ("activate_sigmoid", "sigmoid"),
    ("add_product", "run"),
    ("compute", "push"),
    ("with_elements", "push"),
    ("greater", "pool"),
    ("mean_of", "pool"),
    ("run_on_core", "conv"),
    ("widened", "conv"),
    ("finish_narrow", "conv_with"),
    ("narrow_output", "conv_with"),
    ("narrow_shift_to", "conv_with"),
    ("elements_of", "push_block"),
    ("elements_of_outputs", "push_block"),
];

fn is_operation(name: &str) -> bool {
    name.starts_with("conv") || name.starts_with("depthwise")
}

#[test]
fn every_public_function_is_tested() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &PathBuf| fs::read_to_string(path).expect("a readable file");
    let here: String = sources(&root.join("tests"))
        .iter()
        .filter(|path| !path.ends_with("listed.rs"))
        .map(read)
        .collect();
    let files: Vec<(PathBuf, String)> = (sources(&root.join("src")).into_iter())
        .map(|path| (path.clone(), read(&path)))
        .collect();
    let anywhere: String = files.iter().map(|(_, source)| own_tests(source)).collect();
    let mut missing = Vec::new();
    let mut all = BTreeSet::new();
    for (path, source) in &files {
        for name in public_functions(source) {
            let through = THROUGH.iter().find(|(hidden, _)| *hidden == name);
            let name = through.map_or(name, |(_, caller)| (*caller).to_owned());
            let tested = calls(&here, &name) || (!is_operation(&name) && calls(&anywhere, &name));
            if !tested {
                missing.push(format!("{name} of {}", path.display()));
            }
            all.insert(name);
        }
    }
    // The reading above finds what it is meant to find.
    for name in [
        "conv",
        "conv_with",
        "conv_transpose",
        "conv_transpose_with",
        "depthwise",
        "depthwise_with",
        "depthwise_transpose",
        "depthwise_transpose_with",
        "conv_slice",
        "conv_transpose_slice",
        "conv_vec",
        "depthwise_transpose_vec_with",
        "output",
        "multiply",
        "swap_channels",
        "to_q31",
    ] {
        assert!(all.contains(name), "`{name}` is not found in the sources");
    }
    assert!(missing.is_empty(), "no test calls\n{}", missing.join("\n"));
}

#[test]
fn a_missing_call_is_noticed() {
    assert!(calls("Half::conv(&x)", "conv") && calls("Half::conv::<X>()", "conv"));
    assert!(!calls("Half::conv_with(&x)", "conv") && !calls("deconv(&x)", "conv"));
    let source =
        "pub trait T {\n    fn used<S>();\n}\npub(crate) fn hidden() {}\npub const fn seen() {}\n";
    let names: Vec<_> = public_functions(source).into_iter().collect();
    assert_eq!(names, ["seen", "used"]);
    let source = "/// ```text\n/// drawn(1)\n/// ```\n/// told(1)\n/// ```\n/// shown(1);\n/// ```\nmod tests {\nrun(1)";
    let own = own_tests(source);
    assert!(calls(&own, "shown") && calls(&own, "run"));
    assert!(!calls(&own, "told") && !calls(&own, "drawn"));
}
