//! Screens of the command line: results with shape, word and color.

mod backtest;
mod explain;
mod incident;
mod tool;
mod tried;

use serde_json::{Value, json};

use crate::model::{Evaluation, Held, Name, Outcome, Status, Timestamp};
use crate::plan::Plan;

use super::words;

pub use backtest::{Reach, Row, Told, backtest, backtest_json, reaches};
pub use explain::{Explanation, explain, sparkline};
pub use incident::{NOT_JUDGED, SourceLine, dead_letters, incident, incidents, silences, status};
pub use tool::{
    Finding, Health, Planned, Reached, diff, diff_json, doctor, doctor_json, forecast,
    forecast_json, progress, progress_line, pulled, pulled_json, scorecard, slack_preview,
};
pub use tried::{found, tried};

fn painted(text: &str, status: Option<Status>, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let code = match status {
        Some(Status::Ok) => "32",
        Some(Status::Warning) => "33",
        Some(Status::Failing) => "31;1",
        None => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

fn padded(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}

/// The screen of `check`.
pub fn check(plan: &Plan, seen: &[Evaluation], all: bool, now: Timestamp, color: bool) -> String {
    let calendar = &plan.project.calendar;
    let mut shown: Vec<&Evaluation> = seen.iter().filter(|one| !one.witness).collect();
    shown.sort_by_key(|one| (rank(one), one.check.clone(), one.bucket.grain));
    let mut out = format!(
        "{} · {} ({}) · {} results\n\n",
        plan.project.name,
        words::moment(calendar, now),
        calendar.zone().name(),
        shown.len()
    );
    let width = shown
        .iter()
        .map(|one| one.check.as_str().chars().count())
        .max()
        .unwrap_or(0)
        .clamp(20, 44);
    let fine =
        |one: &&&Evaluation| one.outcome.status() == Some(Status::Ok) && one.held == Held::No;
    for one in shown.iter().filter(|one| all || !fine(one)) {
        let state = if one.held == Held::ByBudget {
            "◌ Watched"
        } else {
            words::state(one.outcome.status())
        };
        let state = painted(&padded(state, 11), one.outcome.status(), color);
        out.push_str(&format!(
            "{state}{} {}\n",
            padded(one.check.as_str(), width + 1),
            line(plan, one)
        ));
    }
    let count = shown.iter().filter(fine).count();
    if !all && count > 0 {
        out.push_str(&format!(
            "{}{count} results\n",
            painted(&padded("● OK", 11), Some(Status::Ok), color)
        ));
    }
    if let Some(first) = shown.iter().find(|one| !fine(one)) {
        out.push_str(&format!("\nWhy: truecount explain {}\n", first.check));
    }
    out.push_str(&tally(&shown));
    out
}

fn rank(one: &Evaluation) -> u8 {
    match (one.outcome.status(), one.held) {
        (Some(Status::Failing), Held::No) => 0,
        (Some(Status::Warning), Held::No) => 1,
        (None, _) => 2,
        (_, Held::ByBudget) => 3,
        (Some(Status::Ok), Held::No) => 4,
    }
}

fn line(plan: &Plan, one: &Evaluation) -> String {
    let calendar = &plan.project.calendar;
    match &one.outcome {
        Outcome::NoData(gap) => words::gap(gap, calendar),
        Outcome::Known {
            finding,
            provisional,
            status,
        } => {
            let amount = &finding.now;
            let mut parts = vec![format!(
                "{}{}  expected {}",
                words::hour(&one.bucket),
                words::value(amount.observed, &finding.unit),
                words::range(amount, &finding.unit)
            )];
            let counts = matches!(
                finding.unit,
                crate::model::Unit::Count | crate::model::Unit::Money(_)
            );
            if let Some(change) = amount.change().filter(|_| counts) {
                parts.push(words::change(change));
            }
            if *status > Status::Ok {
                parts.push(format!("since {}", words::since(calendar, &finding.since)));
            }
            if !one.segment.is_empty() {
                parts.push(words::segment(&one.segment));
            }
            if let Some(part) = finding.segments.first() {
                parts.push(format!(
                    "{} {}",
                    words::segment(&part.segment),
                    words::change(part.change)
                ));
            }
            if let Some(detail) = finding.details.first().filter(|_| *status > Status::Ok) {
                parts.push(format!(
                    "{} {}",
                    words::cut(detail.what.as_str()),
                    words::cut(&detail.why)
                ));
            }
            if let Some(owner) = &one.owner {
                parts.push(owner.to_string());
            }
            if *provisional {
                parts.push("provisional".to_owned());
            }
            parts.join("  ")
        }
    }
}

fn tally(shown: &[&Evaluation]) -> String {
    let of = |status: Option<Status>| {
        shown
            .iter()
            .filter(|one| one.outcome.status() == status && one.held == Held::No)
            .count()
    };
    let watched = shown
        .iter()
        .filter(|one| one.held == Held::ByBudget)
        .count();
    let (failing, warning, none) = (
        of(Some(Status::Failing)),
        of(Some(Status::Warning)),
        of(None),
    );
    let watched = if watched > 0 {
        format!(", {watched} watched")
    } else {
        String::new()
    };
    format!("{failing} failing, {warning} warning, {none} without data{watched}")
}

/// The same for machines.
pub fn check_json(plan: &Plan, seen: &[Evaluation], now: Timestamp) -> Value {
    let list: Vec<Value> = seen
        .iter()
        .map(|one| {
            let finding = one.outcome.finding();
            json!({
                "check": one.check.as_str(),
                "kind": one.kind.as_str(),
                "status": one.outcome.status().map_or("no_data", Status::word),
                "watched": one.held == Held::ByBudget,
                "witness": one.witness,
                "source": one.source.as_ref().map(Name::as_str),
                "bucket": one.bucket.label.to_string(),
                "grain": one.bucket.grain.word(),
                "observed": finding.map(|found| found.now.observed),
                "expected": finding.map(|found| found.now.expected),
                "range": finding.map(|found| [found.now.low, found.now.high]),
                "since": finding.map(|found| found.since.start.to_rfc3339()),
                "p": finding.and_then(|found| found.p),
                "not_judged": match &one.outcome {
                    Outcome::NoData(gap) => Some(words::gap(gap, &plan.project.calendar)),
                    Outcome::Known { .. } => None,
                },
            })
        })
        .collect();
    json!({ "version": 1, "project": plan.project.id.as_str(), "at": now.to_rfc3339(), "checks": list })
}
