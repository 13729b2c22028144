//! A complaint about a text, as a value: printers live in `render`.

/// Where in a text: byte offsets into the file with this index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Index into the list of files that was given to `config::parse`.
    pub file: u16,
    /// First byte.
    pub start: u32,
    /// First byte after.
    pub end: u32,
}

/// A stable code such as `TC201`; `config::code` explains each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TC{:03}", self.0)
    }
}

/// How bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Good to know.
    Note,
    /// Works, but probably not as meant.
    Warning,
    /// The configuration is refused.
    Error,
}

/// A second place that belongs to the complaint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub at: Span,
    /// What to say there.
    pub text: String,
}

/// A patch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What is replaced.
    pub at: Span,
    /// By what.
    pub with: String,
    /// Whether `validate --fix` may apply it unasked.
    pub safe: bool,
}

/// One mistake with its place, reason and remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code.
    pub code: Code,
    /// How bad.
    pub level: Level,
    /// The head line: lower case, no full stop.
    pub message: String,
    /// The offending text; `None` when it concerns no single place.
    pub at: Option<Span>,
    /// What to say under the offending text.
    pub label: String,
    /// Further places.
    pub also: Vec<Note>,
    /// The remedy in words.
    pub help: Option<String>,
    /// The remedy as a patch.
    pub fix: Option<Fix>,
}
