//! Where results and notes go: results to standard output, notes to standard error.

use std::io::{IsTerminal as _, Write as _};

use super::{Color, Format, Global};

/// The terminal as commands see it.
#[derive(Debug, Clone)]
pub struct Screen {
    /// How results are printed.
    pub format: Format,
    /// Whether to use color.
    pub color: bool,
    /// Only results.
    pub quiet: bool,
    /// Whether to show how far something is.
    pub progress: bool,
}

impl Screen {
    /// By the flags, and by what standard output is.
    pub fn new(global: &Global) -> Self {
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                set("CLICOLOR_FORCE") || (std::io::stdout().is_terminal() && !set("NO_COLOR"))
            }
        };
        Self {
            format: global.format,
            color,
            quiet: global.quiet,
            progress: !global.quiet && !global.no_progress,
        }
    }

    /// Whether results are for machines.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// A result. A closed pipe is the reader's decision, not an error.
    pub fn say(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| {
            if text.ends_with('\n') {
                Ok(())
            } else {
                out.write_all(b"\n")
            }
        });
        written.and_then(|()| out.flush()).unwrap_or_default();
    }

    /// A result for machines.
    pub fn say_json(&self, value: &serde_json::Value) {
        self.say(&format!("{value:#}"));
    }

    /// A note.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(text);
        }
    }

    /// Why a command could not run.
    pub fn error(&self, text: &str) {
        to_stderr(&format!("error: {text}"));
    }
}

fn to_stderr(text: &str) {
    // When standard error is gone there is nobody left to tell.
    writeln!(std::io::stderr().lock(), "{}", text.trim_end()).unwrap_or_default();
}

/// Whether an environment variable is set and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment"
)]
pub(super) fn set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !value.is_empty())
}
