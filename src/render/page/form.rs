//! Pages with one form: confirming a deed, signing in, and what is said when something is not there.

use askama::Template;

use crate::incident::Incident;
use crate::model::Timestamp;
use crate::plan::Plan;
use crate::render::describe;

use super::Frame;

/// What a person may do to an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Take it.
    Acknowledge,
    /// Mute it for some time.
    Silence,
    /// Say what it was.
    Label,
    /// End it.
    Resolve,
}

impl Deed {
    /// By the word of a link.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "ack" | "acknowledge" => Some(Self::Acknowledge),
            "silence" => Some(Self::Silence),
            "label" => Some(Self::Label),
            "resolve" => Some(Self::Resolve),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Silence => "silence",
            Self::Label => "label",
            Self::Resolve => "resolve",
        }
    }
}

#[derive(Template)]
#[template(path = "confirm.html", escape = "html", config = ".config/askama.toml")]
struct Confirm {
    frame: Frame,
    number: u32,
    head: String,
    since: String,
    deed: &'static str,
}

/// Asks before anything changes: a preview of a link must never take an incident.
pub fn confirm(frame: Frame, plan: &Plan, one: &Incident, deed: Deed, now: Timestamp) -> String {
    let text = describe(plan, one, now);
    Confirm {
        frame: frame.at("/incidents"),
        number: one.number.unwrap_or(0),
        head: text.head,
        since: text.since,
        deed: deed.word(),
    }
    .render()
    .unwrap_or_default()
}

#[derive(Template)]
#[template(path = "sign_in.html", escape = "html", config = ".config/askama.toml")]
struct SignIn {
    frame: Frame,
    next: String,
    wrong: bool,
}

/// Asks for a token; `next` is where to go afterwards.
pub fn sign_in(frame: Frame, next: &str, wrong: bool) -> String {
    SignIn {
        frame: frame.at("/sign-in"),
        next: next.to_owned(),
        wrong,
    }
    .render()
    .unwrap_or_default()
}

#[derive(Template)]
#[template(path = "problem.html", escape = "html", config = ".config/askama.toml")]
struct Problem {
    frame: Frame,
    title: String,
    detail: String,
}

/// Something is not there or was refused.
pub fn problem(title: &str, detail: &str) -> String {
    Problem {
        frame: Frame::bare(),
        title: title.to_owned(),
        detail: detail.to_owned(),
    }
    .render()
    .unwrap_or_default()
}
