//! Screens of `status`, `incident`, `silence` and `letters`.

use crate::incident::{Incident, State};
use crate::model::{Evaluation, Name, Status, Timestamp};
use crate::notify::Silence;
use crate::plan::Plan;
use crate::render::{describe, words};

use super::{padded, painted, tally};

/// What stands where judgements would, before there are any.
pub const NOT_JUDGED: &str = "No round has run yet, so nothing is judged: neither well nor ill.\nRun `truecount serve`, which asks, judges and tells; or look once with `truecount check --fresh`.";

/// One source for `status`.
pub struct SourceLine {
    /// Its name.
    pub name: Name,
    /// Whether it was ever asked.
    pub asked: bool,
    /// When it last answered.
    pub last_success: Option<Timestamp>,
    /// Why it failed last.
    pub failure: Option<String>,
    /// What its last pull remarked, such as the quota left.
    pub notes: Vec<String>,
}

/// The screen of `status`; `latest` is what was judged, nothing before the first round.
pub fn status(
    plan: &Plan,
    latest: Option<&[Evaluation]>,
    known: &[Incident],
    sources: &[SourceLine],
    now: Timestamp,
    color: bool,
) -> String {
    let judged = latest.map_or(NOT_JUDGED.to_owned(), |latest| {
        let shown: Vec<&Evaluation> = latest.iter().filter(|one| !one.witness).collect();
        tally(&shown)
    });
    let mut out = format!(
        "{} · {}\n{judged}\n",
        plan.project.name,
        words::moment(&plan.project.calendar, now),
    );
    let on: Vec<&Incident> = known.iter().filter(|one| one.is_on()).collect();
    if !on.is_empty() {
        out.push('\n');
        let list: Vec<Incident> = on.into_iter().cloned().collect();
        out.push_str(&incidents(plan, &list, now, color));
    }
    if !sources.is_empty() {
        out.push_str("\nSources\n");
    }
    for source in sources {
        let (mark, status) = match (&source.failure, source.asked) {
            (Some(_), _) => ("◆ ", Some(Status::Failing)),
            (None, true) => ("● ", Some(Status::Ok)),
            (None, false) => ("○ ", None),
        };
        let state = painted(mark, status, color);
        let answered = match source.last_success {
            Some(at) => format!("answered {} ago", words::span(now - at)),
            None if source.asked => "never answered".to_owned(),
            None => "not asked yet".to_owned(),
        };
        let why = source
            .failure
            .as_ref()
            .map_or(String::new(), |why| format!("  {}", words::cut(why)));
        out.push_str(&format!(
            "  {state}{} {answered}{why}\n",
            padded(source.name.as_str(), 20)
        ));
        for note in &source.notes {
            out.push_str(&format!("    {} {}\n", padded("", 20), words::cut(note)));
        }
    }
    out
}

/// A list of incidents.
pub fn incidents(plan: &Plan, list: &[Incident], now: Timestamp, color: bool) -> String {
    if list.is_empty() {
        return "no incidents in the last 28 days\n".to_owned();
    }
    let mut out = String::new();
    for one in list {
        let text = describe(plan, one, now);
        let state = match one.state {
            State::Resolved { .. } => "resolved",
            State::Recovering { .. } => "recovering",
            State::Suspected { .. } => "suspected",
            State::Open if one.acknowledged.is_some() => "taken",
            State::Open => "open",
        };
        let number = one
            .number
            .map_or("—".to_owned(), |number| format!("#{number}"));
        let mark = painted(text.mark, Some(one.status), color);
        out.push_str(&format!(
            "{mark} {} {} {}  since {}\n",
            padded(&number, 5),
            padded(state, 10),
            text.head,
            text.since
        ));
    }
    out
}

/// Everything about one incident.
pub fn incident(plan: &Plan, one: &Incident, now: Timestamp, color: bool) -> String {
    let text = describe(plan, one, now);
    let mut out = incidents(plan, std::slice::from_ref(one), now, color);
    let mut row = |title: &str, value: Option<&String>| {
        if let Some(value) = value {
            out.push_str(&format!("  {title:<12}{value}\n"));
        }
    };
    row("Now", text.now.as_ref());
    row("Where", text.place.as_ref());
    row("Gap", text.bridge.as_ref());
    row("Certainty", Some(&text.certainty));
    row("Verdict", text.verdict.as_ref());
    row("Before", text.likely.as_ref());
    row("Impact", text.impact.as_ref());
    row("Owner", text.owner.as_ref());
    row("Checks", Some(&text.members.join(", ")));
    let taken = one
        .acknowledged
        .as_ref()
        .map(|(by, at)| format!("by {by}, {}", words::moment(&plan.project.calendar, *at)));
    row("Taken", taken.as_ref());
    out
}

/// Silences with their ids.
pub fn silences(plan: &Plan, list: &[Silence], now: Timestamp) -> String {
    if list.is_empty() {
        return "no silence is in force\n".to_owned();
    }
    let calendar = &plan.project.calendar;
    let line = |one: &Silence| {
        let matcher = &one.matcher;
        let what: Vec<String> = [
            &matcher.checks,
            &matcher.events,
            &matcher.sources,
            &matcher.owners,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        let what = if what.is_empty() {
            "everything".to_owned()
        } else {
            what.join(", ")
        };
        let left = words::span(one.window.to - now);
        format!(
            "{}  {what}  until {} ({left} left)  {}, {}\n",
            one.id,
            words::moment(calendar, one.window.to),
            one.reason,
            one.by
        )
    };
    list.iter().map(line).collect()
}

/// Messages that nobody took: id, channel, reason, tries.
pub fn dead_letters(rows: &[(String, String, String, u32)]) -> String {
    if rows.is_empty() {
        return "every message was taken\n".to_owned();
    }
    let line = |(id, channel, why, tries): &(String, String, String, u32)| {
        format!(
            "{id}  {}  {tries} tries  {}\n",
            padded(channel, 24),
            words::cut(why)
        )
    };
    rows.iter().map(line).collect()
}
