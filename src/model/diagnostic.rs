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

impl Diagnostic {
    /// An error with its head line; add the place with [`Diagnostic::at`].
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            level: Level::Error,
            message: message.into(),
            at: None,
            label: String::new(),
            also: Vec::new(),
            help: None,
            fix: None,
        }
    }

    /// A warning with its head line.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(code, message)
        }
    }

    /// A note with its head line.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self {
            level: Level::Note,
            ..Self::error(code, message)
        }
    }

    /// The offending text and what to say under it.
    #[must_use]
    pub fn at(mut self, at: Span, label: impl Into<String>) -> Self {
        self.at = Some(at);
        self.label = label.into();
        self
    }

    /// A second place.
    #[must_use]
    pub fn also(mut self, at: Span, text: impl Into<String>) -> Self {
        self.also.push(Note {
            at,
            text: text.into(),
        });
        self
    }

    /// The remedy in words.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// The remedy as a patch.
    #[must_use]
    pub fn fix(mut self, at: Span, with: impl Into<String>, safe: bool) -> Self {
        self.fix = Some(Fix {
            at,
            with: with.into(),
            safe,
        });
        self
    }
}
