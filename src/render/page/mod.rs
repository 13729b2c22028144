//! Pages of the daemon, one file per screen. No script; one style sheet; forms that post and
//! redirect, so that everything works in any browser.

mod check;
mod compare;
mod form;
mod incident;
mod incidents;
mod overview;
mod plan;
mod reports;
mod silences;
mod sources;

use crate::model::{Calendar, Evaluation, Grain, Held, Name, Outcome, Status, Timestamp};
use crate::plan::Plan;

use super::{chart, words};

pub use check::{CheckPage, check};
pub use compare::compare;
pub use form::{Deed, confirm, problem, sign_in};
pub use incident::{IncidentPage, incident};
pub use incidents::{Which, incidents};
pub use overview::{Overview, overview};
pub use plan::{PlanPage, plan};
pub use reports::reports;
pub use silences::silences;
pub use sources::{SourceRow, sources};

/// The style sheet.
pub const STYLE: &str = include_str!("../template/style.css");

/// The mark in the browser's tab.
pub const ICON: &str = include_str!("../template/icon.svg");

/// What the reader of a page may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hand {
    /// Not signed in.
    Nobody,
    /// Signed in to read.
    Reader,
    /// Signed in to act; each form carries this seal, which only our own pages know.
    Writer {
        /// Hexadecimal text.
        seal: String,
    },
}

/// What every page shows around its content.
#[derive(Debug, Clone)]
pub struct Frame {
    project: String,
    known: String,
    hand: Hand,
    here: &'static str,
}

impl Frame {
    /// Of a plan, at a time, for somebody.
    pub fn new(plan: &Plan, now: Timestamp, hand: Hand) -> Self {
        let calendar = &plan.project.calendar;
        Self {
            project: plan.project.name.to_string(),
            known: format!(
                "{} ({})",
                words::moment(calendar, now),
                calendar.zone().name()
            ),
            hand,
            here: "",
        }
    }

    /// Without a project, for pages that are shown to anybody.
    fn bare() -> Self {
        Self {
            project: String::new(),
            known: String::new(),
            hand: Hand::Nobody,
            here: "",
        }
    }

    fn at(mut self, here: &'static str) -> Self {
        self.here = here;
        self
    }

    /// Address and title of each screen, and whether it is this one.
    fn links(&self) -> Vec<(&'static str, &'static str, bool)> {
        [
            ("/", "Overview"),
            ("/incidents", "Incidents"),
            ("/plan", "Tracking plan"),
            ("/compare", "Compare"),
            ("/sources", "Sources"),
            ("/silences", "Silences"),
            ("/reports", "Reports"),
        ]
        .into_iter()
        .map(|(address, title)| (address, title, address == self.here))
        .collect()
    }

    fn signed_in(&self) -> bool {
        self.hand != Hand::Nobody
    }

    fn may_act(&self) -> bool {
        matches!(self.hand, Hand::Writer { .. })
    }

    fn seal(&self) -> &str {
        match &self.hand {
            Hand::Writer { seal } => seal,
            Hand::Nobody | Hand::Reader => "",
        }
    }
}

/// One line of a list, in words.
struct Row {
    name: String,
    link: String,
    about: String,
    class: &'static str,
    state: &'static str,
    strip: String,
    line: String,
}

fn class(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Ok) => "ok",
        Some(Status::Warning) => "warning",
        Some(Status::Failing) => "failing",
        None => "none",
    }
}

/// The word of a result, and its class.
fn state(one: &Evaluation) -> (&'static str, &'static str) {
    if one.held == Held::ByBudget {
        return ("◌ Watched", "none");
    }
    let status = one.outcome.status();
    (words::state(status), class(status))
}

/// Address of the page of a check.
fn check_link(name: &Name) -> String {
    format!("/checks/{}", encoded(name.as_str()))
}

/// A text as one segment of an address, or as a value after `?`.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Results that people see: totals, no witnesses; hours only while they are in trouble, else the
/// days speak for the check.
fn shown(latest: &[Evaluation]) -> Vec<&Evaluation> {
    latest
        .iter()
        .filter(|one| !one.witness && one.segment.is_empty())
        .filter(|one| one.bucket.grain != Grain::Hour || one.outcome.status() > Some(Status::Ok))
        .collect()
}

/// One result as a line, with its last 28 days.
fn row(one: &Evaluation, past: &[Evaluation], calendar: &Calendar, now: Timestamp) -> Row {
    let line = match &one.outcome {
        Outcome::NoData(gap) => words::gap(gap, calendar),
        Outcome::Known {
            finding,
            provisional,
            ..
        } => format!(
            "{}{}, expected {}{}",
            words::hour(&one.bucket),
            words::value(finding.now.observed, &finding.unit),
            words::range(&finding.now, &finding.unit),
            if *provisional { ", provisional" } else { "" }
        ),
    };
    let (state, class) = state(one);
    Row {
        name: words::cut(one.check.as_str()),
        link: check_link(&one.check),
        about: words::asked(one),
        class,
        state,
        strip: strip(one, past, calendar, now),
        line,
    }
}

/// The worst state of each of the last 28 days.
fn strip(one: &Evaluation, past: &[Evaluation], calendar: &Calendar, now: Timestamp) -> String {
    let today = calendar.bucket(Grain::Day, now);
    let mine: Vec<&Evaluation> = past
        .iter()
        .filter(|seen| seen.check == one.check && seen.source == one.source && !seen.witness)
        .collect();
    let days: Vec<Option<Status>> = (0..28)
        .rev()
        .map(|back| {
            let date = calendar.back(&today, back).date();
            mine.iter()
                .filter(|seen| seen.bucket.date() == date)
                .filter_map(|seen| seen.outcome.status())
                .max()
        })
        .collect();
    let of = |status| days.iter().filter(|day| **day == Some(status)).count();
    let (failing, warning) = (of(Status::Failing), of(Status::Warning));
    let none = days.iter().filter(|day| day.is_none()).count();
    chart::strip(
        &days,
        &format!("28 days: {failing} failing, {warning} with a warning, {none} not judged"),
    )
}

/// `3 incidents`, `1 incident`.
fn many(count: usize, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}
