//! Incident: what happened, where, since when, and what now?

use askama::Template;

use crate::incident::{Incident, Label, State};
use crate::model::{Evaluation, Outcome, Timestamp};
use crate::notify::Silence;
use crate::plan::Plan;
use crate::render::history::{History, Width};
use crate::render::{describe, words};

use super::{Frame, check_link, class};

/// What the page of an incident shows.
pub struct IncidentPage<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The incident.
    pub incident: &'a Incident,
    /// Its leading check over time.
    pub history: &'a History,
    /// The newest result of each of its checks.
    pub members: &'a [Evaluation],
    /// Letters about it: channel, why, when, what became of them.
    pub letters: &'a [(String, String, Timestamp, String)],
    /// Silences that mute it now.
    pub silences: &'a [Silence],
    /// Now.
    pub now: Timestamp,
}

/// An incident with its chart and facts.
pub(super) struct Card {
    pub(super) number: u32,
    pub(super) class: &'static str,
    pub(super) state: String,
    pub(super) head: String,
    /// A figure.
    pub(super) chart: String,
    pub(super) rows: Vec<(&'static str, String)>,
    pub(super) on: bool,
    pub(super) taken: bool,
}

struct View {
    card: Card,
    /// The numbers of the chart.
    table: Vec<[String; 4]>,
    /// Check, address, state, class, line.
    members: Vec<(String, String, &'static str, &'static str, String)>,
    /// Segment, change, share of the whole.
    parts: Vec<(String, String, String)>,
    /// System, change, whether that is outside its own range.
    others: Vec<(String, String, &'static str)>,
    letters: Vec<[String; 4]>,
    marks: Vec<String>,
    silences: Vec<String>,
    label: &'static str,
    /// Whether its days are in the baseline, because of its label.
    put_back: bool,
}

#[derive(Template)]
#[template(
    path = "incident.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct Page {
    frame: Frame,
    view: View,
}

/// The page of an incident.
#[expect(clippy::too_many_lines, reason = "one page from top to bottom")]
pub fn incident(frame: Frame, what: &IncidentPage<'_>) -> String {
    let calendar = &what.plan.project.calendar;
    let one = what.incident;
    let finding = one.finding.as_ref();
    let view = View {
        card: card(what.plan, one, Some(what.history), what.now),
        table: what.history.rows(),
        members: what
            .members
            .iter()
            .map(|seen| {
                let (state, class) = super::state(seen);
                let line = match &seen.outcome {
                    Outcome::NoData(gap) => words::gap(gap, calendar),
                    Outcome::Known { finding, .. } => format!(
                        "{}, expected {}",
                        words::value(finding.now.observed, &finding.unit),
                        words::range(&finding.now, &finding.unit)
                    ),
                };
                let name = words::cut(seen.check.as_str());
                (name, check_link(&seen.check), state, class, line)
            })
            .collect(),
        parts: finding
            .into_iter()
            .flat_map(|finding| &finding.segments)
            .map(|part| {
                (
                    words::segment(&part.segment),
                    words::change(part.change),
                    words::share(part.share.clamp(0.0, 1.0)),
                )
            })
            .collect(),
        others: one
            .companions
            .iter()
            .map(|other| {
                let word = if other.outside {
                    "outside its range"
                } else {
                    "as expected"
                };
                (other.source.to_string(), words::change(other.change), word)
            })
            .collect(),
        letters: what
            .letters
            .iter()
            .map(|(channel, why, at, fate)| {
                [
                    words::moment(calendar, *at),
                    words::capital(&words::spoken(why)),
                    words::cut(channel),
                    words::cut(fate),
                ]
            })
            .collect(),
        marks: one
            .causes
            .iter()
            .map(|mark| {
                let at = words::moment(calendar, mark.at);
                format!(
                    "{at}: {} {}",
                    mark.kind.word(),
                    words::cut(mark.name.as_str())
                )
            })
            .collect(),
        silences: what
            .silences
            .iter()
            .map(|silence| {
                let until = words::moment(calendar, silence.window.to);
                format!("Silent until {until}: {}", words::cut(&silence.reason))
            })
            .collect(),
        put_back: matches!(one.label, Some(Label::Expected | Label::Noise)),
        label: match one.label {
            Some(Label::Real) => "a true trouble",
            Some(Label::Expected) => "expected",
            Some(Label::Noise) => "noise",
            None => "",
        },
    };
    let frame = frame.at("/incidents");
    Page { frame, view }.render().unwrap_or_default()
}

/// The head, chart and facts of an incident.
pub(super) fn card(plan: &Plan, one: &Incident, history: Option<&History>, now: Timestamp) -> Card {
    let text = describe(plan, one, now);
    let mut rows = Vec::new();
    let mut add =
        |title, value: Option<&String>| rows.extend(value.map(|value| (title, value.clone())));
    add("Now", text.now.as_ref());
    add("Since", Some(&text.since));
    add("Verdict", text.verdict.as_ref());
    add("Certainty", Some(&text.certainty));
    add("Where", text.place.as_ref());
    add("Gap", text.bridge.as_ref());
    add("Just before", text.likely.as_ref());
    add("Impact", text.impact.as_ref());
    add("Owner", text.owner.as_ref());
    let taken = one.acknowledged.as_ref().map(|(by, at)| {
        let at = words::moment(&plan.project.calendar, *at);
        format!("{}, {at}", words::cut(by))
    });
    add("Taken by", taken.as_ref());
    let members = text.members.join(", ");
    add("Checks", Some(&members).filter(|_| text.members.len() > 1));
    let over = one.over_at().is_some();
    let state = match (&one.state, over) {
        (_, true) => "● Over".to_owned(),
        (State::Recovering { .. }, _) => format!("{} {}, recovering", text.mark, text.status),
        (State::Suspected { .. } | State::Open | State::Resolved { .. }, _) => {
            format!("{} {}", text.mark, text.status)
        }
    };
    Card {
        number: one.number.unwrap_or(0),
        class: if over { "ok" } else { class(Some(one.status)) },
        state,
        chart: drawn(history, &text.head),
        head: text.head,
        rows,
        on: one.is_on(),
        taken: one.acknowledged.is_some(),
    }
}

/// Both drawings of a history, what their signs mean, and what is left out of the baseline.
#[derive(Template)]
#[template(path = "figure.html", escape = "html", config = ".config/askama.toml")]
struct Figure {
    /// Two drawings of which the style sheet shows the one that fits.
    wide: String,
    narrow: String,
    signs: Vec<(&'static str, &'static str)>,
    /// When, why, and the number of the incident.
    left_out: Vec<(String, String, Option<u32>)>,
}

/// The figure of a history; empty when there is nothing to draw.
pub(super) fn drawn(history: Option<&History>, title: &str) -> String {
    let Some(history) = history.filter(|history| history.is_drawable()) else {
        return String::new();
    };
    let figure = Figure {
        wide: history.svg(Width::Wide, title),
        narrow: history.svg(Width::Narrow, title),
        signs: history.signs(),
        left_out: history.left_out(),
    };
    figure.render().unwrap_or_default()
}
