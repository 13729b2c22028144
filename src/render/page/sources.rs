//! Sources: is data flowing?

use askama::Template;
use chrono::TimeDelta;

use crate::model::{Calendar, Evaluation, Name, Status, Timestamp};
use crate::plan::Plan;
use crate::render::words;

use super::Frame;

/// A source as the server read it from the store.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// Its name.
    pub name: Name,
    /// Its kind, such as `ga4`.
    pub kind: String,
    /// When it last answered.
    pub success: Option<Timestamp>,
    /// Why it failed last, if the newest pull failed.
    pub failure: Option<String>,
    /// Whether a person must act.
    pub refused: bool,
    /// Rows of the newest pull.
    pub rows: u64,
    /// How long it took.
    pub took: TimeDelta,
    /// Remarks of the newest pull.
    pub notes: Vec<String>,
    /// When it is asked next.
    pub next: Option<Timestamp>,
    /// The newest judgement of its freshness.
    pub freshness: Option<Evaluation>,
}

impl SourceRow {
    /// Whether nothing arrives although the source answers.
    pub(super) fn is_late(&self) -> bool {
        self.failure.is_none() && self.status() > Some(Status::Ok)
    }

    fn status(&self) -> Option<Status> {
        self.freshness.as_ref()?.outcome.status()
    }
}

/// A source in words.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) class: &'static str,
    pub(super) state: &'static str,
    pub(super) answered: String,
    pub(super) data: String,
    pub(super) next: String,
    pub(super) pull: String,
    pub(super) why: String,
    pub(super) notes: Vec<String>,
}

#[derive(Template)]
#[template(path = "sources.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    sources: Vec<Line>,
}

/// The page of all sources.
pub fn sources(frame: Frame, plan: &Plan, found: &[SourceRow], now: Timestamp) -> String {
    let calendar = &plan.project.calendar;
    let sources = found.iter().map(|one| line(one, calendar, now)).collect();
    let frame = frame.at("/sources");
    Page { frame, sources }.render().unwrap_or_default()
}

pub(super) fn line(one: &SourceRow, calendar: &Calendar, now: Timestamp) -> Line {
    let (class, state) = match (&one.failure, one.success) {
        (Some(_), _) => ("failing", "◆ Failing"),
        (None, None) => ("none", "○ Not read yet"),
        (None, Some(_)) if one.status() == Some(Status::Failing) => ("failing", "◆ Late"),
        (None, Some(_)) if one.is_late() => ("warning", "▲ Late"),
        (None, Some(_)) => ("ok", "● Fresh"),
    };
    let ago = |at: Timestamp| format!("{} ago", words::span(now - at));
    let freshness = one
        .freshness
        .as_ref()
        .and_then(|one| one.outcome.finding().map(|finding| (one, finding)));
    Line {
        name: words::cut(one.name.as_str()),
        kind: words::cut(&one.kind),
        class,
        state,
        answered: one.success.map_or("never".to_owned(), ago),
        data: freshness.map_or_else(
            || "not known".to_owned(),
            |(_, finding)| {
                let old = words::value(finding.now.observed, &finding.unit);
                let most = words::value(finding.now.high, &finding.unit);
                format!("newest value {old} old, usually at most {most}")
            },
        ),
        next: match one.next {
            Some(at) if at > now => words::moment(calendar, at),
            Some(_) => "due now".to_owned(),
            None => "when it is pushed".to_owned(),
        },
        pull: format!(
            "{} in {} ms",
            words::many(usize::try_from(one.rows).unwrap_or(usize::MAX), "value"),
            one.took.num_milliseconds()
        ),
        why: one.failure.as_deref().map(words::cut).unwrap_or_default(),
        notes: one.notes.iter().map(|note| words::cut(note)).collect(),
    }
}
