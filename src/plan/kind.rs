//! One plug: its name, its help, its settings and how it is built.

use crate::config::Section;
use crate::model::{Diagnostic, Name, Span};

use super::Plan;

/// A family member such as the source kind `ga4` or the channel kind `slack`.
pub struct Kind<T: ?Sized> {
    /// The word after `type =`.
    pub name: &'static str,
    /// Markdown: what it is, what it needs, an example. Printed by `explain` and `doctor`, and the
    /// page under `docs/`.
    pub about: &'static str,
    /// Keys of its table.
    pub settings: &'static [Setting],
    /// Keys of `in.<source>` of an event, for sources.
    pub mapping: &'static [Setting],
    /// For sources: whether events have names of their own there, so that an event without `in.*`
    /// is expected under its plan name (decision 19).
    pub event_named: bool,
    /// Makes one from its table, or says everything that is wrong with it. Reads no secret and
    /// opens nothing.
    pub build: Build<T>,
}

/// What `plan` must know of a plug that it cannot import: handed in by `app` from the registries.
#[derive(Debug, Clone, Copy)]
pub struct KindFacts {
    /// The word after `type =`.
    pub name: &'static str,
    /// Keys of its table.
    pub settings: &'static [Setting],
    /// Keys of `in.<source>`.
    pub mapping: &'static [Setting],
    /// See [`Kind::event_named`].
    pub event_named: bool,
    /// Web or app analytics with usual names: it knows visits and where they come from, and a
    /// purchase by its `transaction_id`.
    pub analytics: bool,
    /// false for a kind that is known to `validate` but not in this build or release yet.
    pub built: bool,
}

impl<T: ?Sized> Kind<T> {
    /// What `plan` must know of it.
    pub fn facts(&self) -> KindFacts {
        KindFacts {
            name: self.name,
            settings: self.settings,
            mapping: self.mapping,
            event_named: self.event_named,
            analytics: false,
            built: true,
        }
    }
}

/// All plugs that a plan may mention.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Source kinds.
    pub sources: Vec<KindFacts>,
    /// Channel kinds.
    pub channels: Vec<KindFacts>,
    /// Check kinds: name and settings.
    pub checks: Vec<KindFacts>,
}

/// Makes a plug from its table and the plan around it.
pub type Build<T> = fn(&Decl, &Plan) -> Result<Box<T>, Vec<Diagnostic>>;

/// One key of a table.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// What it does, one sentence, for the schema and the docs.
    pub about: &'static str,
    /// What may stand there.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
    /// The default as a user would write it; empty when there is none.
    pub default: &'static str,
}

/// What may stand as a value: for the schema and for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A whole number.
    Whole,
    /// A number or a text with a percent sign.
    Share,
    /// `"2 days"`.
    Duration,
    /// true or false.
    Flag,
    /// A text or a list of texts.
    Texts,
    /// `{ env = "NAME" }` and its siblings.
    Secret,
    /// An http or https address.
    Url,
    /// A table of any keys.
    Table,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Form {
    /// A value of this form as a user would write it.
    pub(super) fn example(self) -> String {
        match self {
            Self::Text => "\"…\"".to_owned(),
            Self::Whole => "10".to_owned(),
            Self::Share => "\"5%\"".to_owned(),
            Self::Duration => "\"2 days\"".to_owned(),
            Self::Flag => "true".to_owned(),
            Self::Texts => "[\"…\"]".to_owned(),
            Self::Secret => "{ env = \"NAME\" }".to_owned(),
            Self::Url => "\"https://…\"".to_owned(),
            Self::Table => "{ … }".to_owned(),
            Self::OneOf(words) => format!("\"{}\"", words.join("\" or \"")),
        }
    }
}

/// A table that declares a plug.
#[derive(Debug, Clone, PartialEq)]
pub struct Decl {
    /// The name the user gave it.
    pub name: Name,
    /// The word after `type =`.
    pub kind: String,
    /// The header, for complaints.
    pub span: Span,
    /// The table as typed.
    pub section: Section,
}
