//! Incidents of an audit in words, with the times that people needed.

use crate::incident::Incident;
use crate::model::{Calendar, Name};
use crate::render::{facts, words};
use crate::report::{Report, Speed};

use super::view::{BAD, OK, WARN};

/// One incident.
pub(super) struct IncidentRow {
    pub(super) mark: &'static str,
    pub(super) ink: &'static str,
    pub(super) number: String,
    pub(super) link: String,
    pub(super) head: String,
    /// Since when, how far it has come, who answers for it.
    pub(super) about: String,
    /// Time to notice, to acknowledge and to fix.
    pub(super) times: String,
}

/// An incident with how long it took people to notice, take and fix it.
pub(super) fn incident(
    one: &Incident,
    report: &Report,
    calendar: &Calendar,
    address: String,
) -> IncidentRow {
    let until = one.over_at();
    let (mark, ink) = match (until.is_some(), one.status) {
        (true, _) => ("●", OK),
        (false, crate::model::Status::Failing) => ("◆", BAD),
        (false, _) => ("▲", WARN),
    };
    let lasted = words::span(until.unwrap_or(report.made_at) - one.first.start);
    let state = match (until, &one.acknowledged) {
        (Some(_), _) => format!("over after {lasted}"),
        (None, Some((by, _))) => format!("open for {lasted}, taken by {}", words::cut(by)),
        (None, None) => format!("open for {lasted}"),
    };
    let owner = one.owner.as_ref().map_or("no owner", Name::as_str);
    let lapse = |from: Option<crate::model::Timestamp>, to: Option<crate::model::Timestamp>| {
        from.zip(to)
            .map(|(from, to)| words::span((to - from).max(chrono::TimeDelta::zero())))
    };
    let (opened, acknowledged) = (one.opened_at, one.acknowledged.as_ref().map(|(_, at)| *at));
    let times = [
        lapse(Some(one.first.end), opened).map_or_else(
            || "notice not known".to_owned(),
            |time| format!("noticed after {time}"),
        ),
        lapse(opened, acknowledged).map_or_else(
            || "not acknowledged".to_owned(),
            |time| format!("acknowledged after {time}"),
        ),
        lapse(opened, until).map_or_else(
            || "not fixed yet".to_owned(),
            |time| format!("fixed after {time}"),
        ),
    ];
    IncidentRow {
        mark,
        ink,
        link: address,
        number: one
            .number
            .map_or(String::new(), |number| format!("#{number}")),
        head: facts::head_line(one, calendar),
        about: format!(
            "Since {}, {state}. Owner: {owner}.",
            words::since(calendar, &one.first)
        ),
        times: words::capital(&format!("{}.", times.join(", "))),
    }
}

/// `Median times: 3 h to notice, 1 d to fix.`; empty when nothing is known.
pub(super) fn speed(of: Speed) -> String {
    let parts: Vec<String> = [
        ("to notice", of.notice),
        ("to acknowledge", of.acknowledge),
        ("to fix", of.mend),
    ]
    .into_iter()
    .filter_map(|(word, time)| Some(format!("{} {word}", words::span(time?))))
    .collect();
    if parts.is_empty() {
        return String::new();
    }
    format!("Median times: {}.", parts.join(", "))
}
