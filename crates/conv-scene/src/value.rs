//! Values as they are written: `a,b` per axis, `before:after` per side.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use crate::fault::Fault;
use crate::operation::{Operation, Role};

/// The values of an operation's settings, as text, by role.
///
/// ```
/// use conv_scene::operation::{OWN, Role};
/// use conv_scene::value::Values;
///
/// let values = Values::new().with(Role::Input, "5,6").with(Role::Kernel, "3");
/// assert_eq!(values.words(&OWN), "--input 5,6 --kernel 3");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values(BTreeMap<Role, String>);

impl Values {
    /// No values: every default.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The same with one more value, or another.
    #[must_use]
    pub fn with(mut self, role: Role, value: impl Display) -> Self {
        self.0.insert(role, value.to_string());
        self
    }

    /// The text given for a role.
    #[must_use]
    pub fn get(&self, role: Role) -> Option<&str> {
        self.0.get(&role).map(String::as_str)
    }

    /// Roles and texts.
    pub fn iter(&self) -> impl Iterator<Item = (Role, &str)> {
        self.0.iter().map(|(role, text)| (*role, text.as_str()))
    }

    /// As options of the command, in the operation's spelling and order.
    #[must_use]
    pub fn words(&self, operation: &Operation) -> String {
        let mut words = String::new();
        for setting in operation.settings {
            if let Some(text) = self.get(setting.role) {
                let space = if words.is_empty() { "" } else { " " };
                // Writing to a string does not fail.
                let _ = match setting.role {
                    Role::Transposed => write!(words, "{space}--{}", setting.name),
                    _ => write!(words, "{space}--{} {text}", setting.name),
                };
            }
        }
        words
    }
}

/// `a,b` of the values.
pub fn joined(values: impl IntoIterator<Item = impl Display>) -> String {
    let texts: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    match texts.split_first() {
        Some((first, rest)) if rest.iter().all(|text| text == first) => first.clone(),
        _ => texts.join(","),
    }
}

/// One axis's pads as they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pad<'a> {
    /// A name, in lower case or upper as given.
    Name(&'a str),
    /// The same on both sides.
    Both(isize),
    /// Before and after.
    Sides(isize, isize),
}

pub(crate) fn counts(name: &str, text: &str) -> Result<Vec<usize>, Fault> {
    let parse = |item: &str| {
        item.trim().parse().map_err(|_| {
            Fault::usage(format!(
                "{name} has the value `{item}`, expected a whole number of at least 0"
            ))
        })
    };
    text.split(',').map(parse).collect()
}

pub(crate) fn pads<'a>(name: &str, text: &'a str) -> Result<Vec<Pad<'a>>, Fault> {
    let number = |item: &str| {
        item.parse().map_err(|_| {
            Fault::usage(format!(
                "{name} has the value `{item}`, expected a whole number"
            ))
        })
    };
    let parse = |item: &'a str| {
        let item = item.trim();
        if item.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Ok(Pad::Name(item));
        }
        match item.split_once(':') {
            Some((before, after)) => Ok(Pad::Sides(number(before)?, number(after)?)),
            None => number(item).map(Pad::Both),
        }
    };
    text.split(',').map(parse).collect()
}

pub(crate) fn flag(name: &str, text: &str) -> Result<bool, Fault> {
    match text {
        "true" | "True" | "1" => Ok(true),
        "false" | "False" | "0" => Ok(false),
        _ => Err(Fault::usage(format!(
            "{name} has the value `{text}`, expected true or false"
        ))),
    }
}

/// One value for all axes, or one for each.
pub(crate) fn along<T: Copy>(name: &str, values: &[T], rank: usize) -> Result<Vec<T>, Fault> {
    match values {
        [one] => Ok(vec![*one; rank]),
        _ if values.len() == rank => Ok(values.to_vec()),
        _ => Err(Fault::usage(format!(
            "{name} has {} values, expected 1 or {rank}, one for each axis",
            values.len()
        ))),
    }
}
