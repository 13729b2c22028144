//! Text to tables with positions: knows TOML, knows no meaning.
//!
//! `parse` takes all files at once and returns what was typed together with every complaint.
//! Reading typed values out of a table goes through [`Reader`], which remembers what was asked
//! for, so that whatever is left over is an unknown key with a suggestion.

mod code;
pub mod human;
mod parse;
mod reader;
mod suggest;
mod syntax;

use std::collections::BTreeMap;

use crate::model::Span;

pub use code::{codes, explain_code};
pub use parse::{Document, FAMILIES, includes, list_of_tables, parse};
pub use reader::{Reader, unknown};
pub use suggest::suggest;

/// One file as given by the shell.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// The path as the user knows it, relative to the project where possible.
    pub path: String,
    /// The content.
    pub text: String,
}

/// A table as typed, keys in order of appearance by position.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Section {
    /// Dotted path from the root, such as `["source", "ga4"]`.
    pub path: Vec<String>,
    /// The header, or the inline table.
    pub span: Span,
    /// The entries by key.
    pub entries: BTreeMap<String, Entry>,
    /// Whether secrets may stand in the file as plain text (`--allow-plain`).
    pub plain_secrets: bool,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Where the key stands.
    pub key: Span,
    /// Where the value stands.
    pub at: Span,
    /// The value.
    pub value: Typed,
}

/// A value as typed.
#[derive(Clone, PartialEq)]
pub enum Typed {
    /// A string.
    Text(String),
    /// An integer.
    Whole(i64),
    /// A float.
    Decimal(f64),
    /// true or false.
    Flag(bool),
    /// A date without a time.
    Date(chrono::NaiveDate),
    /// A date and time, as written.
    Moment(String),
    /// A list, each item with its place.
    List(Vec<(Span, Typed)>),
    /// A table or inline table.
    Table(Section),
}

/// Where a secret text is kept. Holds no secret itself, except when plain text was allowed.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// An environment variable.
    Env(String),
    /// A file, relative to the configuration.
    File(String),
    /// A systemd credential.
    Credential(String),
    /// The standard output of a command.
    Command(Vec<String>),
    /// Written in the file, accepted only with `--allow-plain`.
    Plain(String),
}

impl Section {
    /// Accepts secrets as plain text here and in every table below.
    fn accept_plain_secrets(&mut self) {
        self.plain_secrets = true;
        for entry in self.entries.values_mut() {
            entry.value.accept_plain_secrets();
        }
    }

    /// The path as written in a header: `source.ga4`.
    pub fn title(&self) -> String {
        self.path.join(".")
    }

    /// Sub-tables with their keys, in order of appearance.
    pub fn tables(&self) -> Vec<(&str, Span, &Section)> {
        let mut found: Vec<(&str, Span, &Section)> = self
            .entries
            .iter()
            .filter_map(|(key, entry)| match &entry.value {
                Typed::Table(section) => Some((key.as_str(), entry.key, section)),
                _ => None,
            })
            .collect();
        found.sort_by_key(|(_, key, section)| (*key).min(section.span));
        found
    }
}

impl Typed {
    fn accept_plain_secrets(&mut self) {
        match self {
            Self::Table(section) => section.accept_plain_secrets(),
            Self::List(items) => {
                for (_, item) in items {
                    item.accept_plain_secrets();
                }
            }
            _ => (),
        }
    }

    /// What it is, for messages.
    pub fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Decimal(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::Date(_) => "a date",
            Self::Moment(_) => "a date with a time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A file may hold secrets (`--allow-plain`): its name and length tell enough.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.text.len())
    }
}

/// A text may be a secret (`--allow-plain`): what it is for is known to its reader alone.
impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "text of {} bytes", text.len()),
            Self::Whole(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
            Self::Flag(flag) => flag.fmt(f),
            Self::Date(date) => date.fmt(f),
            Self::Moment(text) => text.fmt(f),
            Self::List(items) => items.fmt(f),
            Self::Table(section) => section.fmt(f),
        }
    }
}

impl std::fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env {name}"),
            Self::File(path) => write!(f, "file {path}"),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Command(words) => {
                write!(f, "command {}", words.first().map_or("", String::as_str))
            }
            Self::Plain(_) => f.write_str("plain [redacted]"),
        }
    }
}
