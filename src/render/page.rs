//! Pages of the daemon: the overview and an incident. No script; one style sheet.

use std::collections::BTreeMap;

use askama::Template;

use crate::incident::Incident;
use crate::model::{Evaluation, Grain, Held, Name, Outcome, Reading, Status, Timestamp};
use crate::plan::Plan;

use super::{chart, describe, words};

/// The style sheet.
pub const STYLE: &str = include_str!("template/style.css");

/// What the overview shows, as the server read it from the store.
pub struct Overview<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The newest result of each check.
    pub latest: &'a [Evaluation],
    /// Results of the last 28 days.
    pub past: &'a [Evaluation],
    /// Incidents that are on.
    pub incidents: &'a [Incident],
    /// Newest values of the check that leads each incident, by its number.
    pub charts: &'a BTreeMap<u32, Vec<Reading>>,
    /// Sources: when each last answered, and why it failed last.
    pub sources: &'a [(Name, Option<Timestamp>, Option<String>)],
    /// Now.
    pub now: Timestamp,
}

struct Card {
    number: u32,
    class: &'static str,
    state: String,
    head: String,
    chart: String,
    rows: Vec<(&'static str, String)>,
}

struct Row {
    name: String,
    class: &'static str,
    state: &'static str,
    strip: String,
    line: String,
}

struct View {
    project: String,
    sentence: String,
    second: String,
    known: String,
    incidents: Vec<Card>,
    checks: Vec<Row>,
    sources: Vec<Row>,
}

#[derive(Template)]
#[template(
    path = "overview.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct OverviewTemplate {
    view: View,
}

#[derive(Template)]
#[template(
    path = "incident.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct IncidentTemplate {
    view: Card,
    project: String,
}

fn class(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Ok) => "ok",
        Some(Status::Warning) => "warning",
        Some(Status::Failing) => "failing",
        None => "none",
    }
}

/// The overview.
pub fn overview(what: &Overview<'_>) -> String {
    let calendar = &what.plan.project.calendar;
    let shown: Vec<&Evaluation> = what
        .latest
        .iter()
        .filter(|one| !one.witness && one.segment.is_empty())
        .collect();
    let of = |status: Option<Status>| {
        shown
            .iter()
            .filter(|one| one.outcome.status() == status && one.held == Held::No)
            .count()
    };
    let failed = what
        .sources
        .iter()
        .filter(|(_, _, why)| why.is_some())
        .count();
    let second = match (failed, what.sources.len()) {
        (0, all) => format!("All {all} sources answered."),
        (failed, all) => format!("{failed} of {all} sources could not be read."),
    };
    let view = View {
        project: what.plan.project.name.to_string(),
        sentence: format!(
            "{} failing, {} warning, {} healthy, {} without data",
            of(Some(Status::Failing)),
            of(Some(Status::Warning)),
            of(Some(Status::Ok)),
            of(None)
        ),
        second,
        known: format!(
            "{} ({})",
            words::moment(calendar, what.now),
            calendar.zone().name()
        ),
        incidents: what
            .incidents
            .iter()
            .map(|one| card(what.plan, one, what.charts, what.now))
            .collect(),
        checks: rows(what, &shown),
        sources: what
            .sources
            .iter()
            .map(|one| source(one, what.now))
            .collect(),
    };
    OverviewTemplate { view }.render().unwrap_or_default()
}

/// The page of an incident.
pub fn incident(plan: &Plan, one: &Incident, past: &[Reading], now: Timestamp) -> String {
    let charts = BTreeMap::from([(one.number.unwrap_or(0), past.to_vec())]);
    let view = card(plan, one, &charts, now);
    let project = plan.project.name.to_string();
    IncidentTemplate { view, project }
        .render()
        .unwrap_or_default()
}

fn card(plan: &Plan, one: &Incident, charts: &BTreeMap<u32, Vec<Reading>>, now: Timestamp) -> Card {
    let text = describe(plan, one, now);
    let number = one.number.unwrap_or(0);
    let mut rows = Vec::new();
    let mut add =
        |title, value: Option<&String>| rows.extend(value.map(|value| (title, value.clone())));
    add("Now", text.now.as_ref());
    add("Since", Some(&text.since));
    add("Where", text.place.as_ref());
    add("Gap", text.bridge.as_ref());
    add("Certainty", Some(&text.certainty));
    add("Verdict", Some(&text.verdict));
    add("Just before", text.likely.as_ref());
    add("Impact", text.impact.as_ref());
    add("Owner", text.owner.as_ref());
    let members = text.members.join(", ");
    add("Checks", Some(&members).filter(|_| text.members.len() > 1));
    let over = one.over_at().is_some();
    let state = if over {
        "● Over".to_owned()
    } else {
        format!("{} {}", text.mark, text.status)
    };
    let range = one
        .finding
        .as_ref()
        .filter(|_| one.kind.as_str() == "volume")
        .map(|finding| (finding.now.low, finding.now.high));
    let past = charts.get(&number).map_or(&[][..], Vec::as_slice);
    let chart = if past.len() > 1 {
        chart::line(past, range, &text.head)
    } else {
        String::new()
    };
    Card {
        number,
        class: if over { "ok" } else { class(Some(one.status)) },
        state,
        head: text.head,
        chart,
        rows,
    }
}

/// Worst first.
fn rows(what: &Overview<'_>, shown: &[&Evaluation]) -> Vec<Row> {
    let calendar = &what.plan.project.calendar;
    let mut found: Vec<(u8, Row)> = Vec::new();
    // Hours are news only while they are in trouble; else the days speak for the check.
    let told = |one: &&&Evaluation| {
        one.bucket.grain != Grain::Hour || one.outcome.status() > Some(Status::Ok)
    };
    for one in shown.iter().filter(told) {
        let status = one.outcome.status();
        let rank = match status {
            Some(Status::Failing) => 0,
            Some(Status::Warning) => 1,
            None => 2,
            Some(Status::Ok) => 3,
        };
        let line = match &one.outcome {
            Outcome::NoData(gap) => words::gap(gap, calendar),
            Outcome::Known { finding, .. } => format!(
                "{}{}, expected {}",
                words::hour(&one.bucket),
                words::value(finding.now.observed, &finding.unit),
                words::range(&finding.now, &finding.unit)
            ),
        };
        let state = if one.held == Held::ByBudget {
            "◌ Watched"
        } else {
            words::state(status)
        };
        found.push((
            rank,
            Row {
                name: one.check.to_string(),
                class: class(status),
                state,
                strip: strip(what, one),
                line,
            },
        ));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)));
    found.into_iter().map(|(_, row)| row).collect()
}

fn strip(what: &Overview<'_>, one: &Evaluation) -> String {
    let calendar = &what.plan.project.calendar;
    let today = calendar.bucket(Grain::Day, what.now);
    let days: Vec<Option<Status>> = (1..=28)
        .rev()
        .map(|back| {
            let date = calendar.back(&today, back).date();
            what.past
                .iter()
                .filter(|seen| {
                    seen.check == one.check && seen.source == one.source && !seen.witness
                })
                .filter(|seen| seen.bucket.date() == date)
                .filter_map(|seen| seen.outcome.status())
                .max()
        })
        .collect();
    let bad = days.iter().filter(|day| **day > Some(Status::Ok)).count();
    chart::strip(
        &days,
        &format!("{bad} of 28 days with a warning or failure"),
    )
}

fn source(
    (name, success, failure): &(Name, Option<Timestamp>, Option<String>),
    now: Timestamp,
) -> Row {
    let ago = success.map_or("never".to_owned(), |at| {
        format!("{} ago", words::span(now - at))
    });
    let (class, state) = if failure.is_some() {
        ("failing", "◆ Failing")
    } else {
        ("ok", "● Fresh")
    };
    let line = match failure {
        Some(why) => format!("{ago}; {}", words::cut(why)),
        None => ago,
    };
    Row {
        name: name.to_string(),
        class,
        state,
        strip: String::new(),
        line,
    }
}
