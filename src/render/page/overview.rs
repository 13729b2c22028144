//! Overview: can I trust the numbers today?

use std::collections::BTreeMap;

use askama::Template;

use crate::incident::Incident;
use crate::model::{Evaluation, Held, Status, Timestamp};
use crate::plan::Plan;
use crate::render::history::History;

use super::compare::{Matrix, matrix};
use super::incident::{Card, card};
use super::sources::{Line, SourceRow, line};
use super::{Frame, Row, many, row, shown};

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
    /// The check that leads each incident over time, by the incident's number.
    pub charts: &'a BTreeMap<u32, History>,
    /// Sources.
    pub sources: &'a [SourceRow],
    /// Now.
    pub now: Timestamp,
}

struct View {
    sentence: String,
    second: String,
    incidents: Vec<Card>,
    checks: Vec<Row>,
    sources: Vec<Line>,
    matrix: Matrix,
    /// Nothing was ever pulled.
    empty: bool,
}

#[derive(Template)]
#[template(
    path = "overview.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct Page {
    frame: Frame,
    view: View,
}

/// The overview.
pub fn overview(frame: Frame, what: &Overview<'_>) -> String {
    let calendar = &what.plan.project.calendar;
    let mut checks = shown(what.latest);
    let rank = |one: &Evaluation| match (one.outcome.status(), one.held) {
        (Some(Status::Failing), Held::No) => 0_u8,
        (Some(Status::Warning), Held::No) => 1,
        (_, Held::ByBudget) => 2,
        (None, Held::No) => 3,
        (Some(Status::Ok), Held::No) => 4,
    };
    checks.sort_by_key(|one| (rank(one), !one.primary, one.check.clone()));
    let mut open: Vec<&Incident> = what.incidents.iter().collect();
    open.sort_by_key(|one| (std::cmp::Reverse(one.status), !one.primary, one.number));
    let view = View {
        sentence: sentence(&checks),
        second: second(what),
        incidents: open
            .into_iter()
            .map(|one| {
                let history = what.charts.get(&one.number.unwrap_or(0));
                card(what.plan, one, history, what.now)
            })
            .collect(),
        checks: checks
            .into_iter()
            .map(|one| row(one, what.past, calendar, what.now))
            .collect(),
        sources: what
            .sources
            .iter()
            .map(|one| line(one, calendar, what.now))
            .collect(),
        matrix: matrix(what.plan, what.latest, what.past, what.now),
        empty: what.sources.iter().all(|one| one.success.is_none()),
    };
    let frame = frame.at("/");
    Page { frame, view }.render().unwrap_or_default()
}

/// `4 failing, 8 healthy, 2 without data`; what is not there is not said.
fn sentence(checks: &[&Evaluation]) -> String {
    let of = |status: Option<Status>| {
        checks
            .iter()
            .filter(|one| one.outcome.status() == status && one.held == Held::No)
            .count()
    };
    let watched = checks
        .iter()
        .filter(|one| one.held == Held::ByBudget)
        .count();
    let parts: Vec<String> = [
        (of(Some(Status::Failing)), "failing"),
        (of(Some(Status::Warning)), "warning"),
        (of(Some(Status::Ok)), "healthy"),
        (of(None), "without data"),
        (watched, "watched"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{count} {word}"))
    .collect();
    if parts.is_empty() {
        "Nothing was checked yet".to_owned()
    } else {
        parts.join(", ")
    }
}

fn second(what: &Overview<'_>) -> String {
    let incidents = match what.incidents.len() {
        0 => "No incident is open.".to_owned(),
        count => format!("{} open.", many(count, "incident")),
    };
    let all = what.sources.len();
    let failed = what
        .sources
        .iter()
        .filter(|one| one.failure.is_some())
        .count();
    let late = what.sources.iter().filter(|one| one.is_late()).count();
    let never = what
        .sources
        .iter()
        .filter(|one| one.success.is_none() && one.failure.is_none())
        .count();
    let sources = if failed > 0 {
        format!("{failed} of {} could not be read.", many(all, "source"))
    } else if late > 0 {
        format!("{late} of {} late.", many(all, "source"))
    } else if never > 0 {
        format!("{never} of {} not read yet.", many(all, "source"))
    } else {
        format!("{} up to date.", many(all, "source"))
    };
    format!("{incidents} {sources}")
}
