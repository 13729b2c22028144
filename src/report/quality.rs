//! The six figures of workflow health, each from stored data.

use crate::incident::{Incident, Label, Verdict};
use crate::model::{Evaluation, Mark, MarkKind, Name, Shape, Window};
use crate::plan::Plan;

use super::{Facts, Measure, Target, is_daily};

/// Events going live within this many days count for the time to implement.
const RECENT: i64 = 90;

/// All six, in the order of the page.
pub(super) fn targets(plan: &Plan, facts: &Facts, now: Window, before: Window) -> Vec<Target> {
    vec![
        completeness(facts),
        defects(facts, now, before),
        discrepancy(facts),
        unknown(plan, facts),
        implementing(plan, facts, now, before),
        taxonomy(plan, facts),
    ]
}

/// Σk of Σn over the judged days of a kind.
fn share(seen: &[Evaluation], kind: &str) -> Option<f64> {
    let (hits, all) = sums(seen, kind);
    (all > 0.0).then(|| hits / all)
}

/// Σk and Σn over the judged days of a kind.
fn sums(seen: &[Evaluation], kind: &str) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for one in seen
        .iter()
        .filter(|one| is_daily(one) && one.kind.as_str() == kind)
    {
        if let Some(Shape::Ratio { k, n }) = one.outcome.finding().map(|finding| finding.shape) {
            sums = (sums.0 + k, sums.1 + n);
        }
    }
    sums
}

fn completeness(facts: &Facts) -> Target {
    Target {
        word: "completeness",
        name: "Events with complete parameters",
        how: "events that carry every required parameter, of all events with required parameters",
        measure: Measure::Share,
        current: share(&facts.current, "completeness"),
        previous: share(&facts.previous, "completeness"),
        goal: 0.98,
        more_is_better: true,
        why: "no day was judged for completeness".to_owned(),
    }
}

/// Opened in the window, not called expected or noise, and not a real loss of demand.
fn is_defect(incident: &Incident, window: Window) -> bool {
    incident.opened_at.is_some_and(|at| window.contains(at))
        && !matches!(incident.label, Some(Label::Expected | Label::Noise))
        && incident.verdict != Verdict::RealLoss
}

fn rate(incidents: &[Incident], marks: &[Mark], window: Window) -> (f64, usize) {
    let defects = incidents
        .iter()
        .filter(|one| is_defect(one, window))
        .count();
    let releases = marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Release && window.contains(mark.at))
        .count();
    (defects as f64 / releases.max(1) as f64, releases)
}

fn defects(facts: &Facts, now: Window, before: Window) -> Target {
    let (current, releases) = rate(&facts.incidents, &facts.marks, now);
    let per = match releases {
        0 => format!("per {}: no release was noted", facts.period.word()),
        1 => "per release: 1 was noted".to_owned(),
        _ => format!("per release: {releases} were noted"),
    };
    Target {
        word: "defects",
        name: "Tracking defect rate",
        how: "incidents of data quality for each release",
        measure: Measure::Rate,
        current: Some(current),
        previous: Some(rate(&facts.incidents, &facts.marks, before).0),
        goal: 0.5,
        more_is_better: false,
        why: per,
    }
}

/// Σ|a − b| of Σb over the judged days of comparisons.
fn gap(seen: &[Evaluation]) -> Option<f64> {
    let mut sums = (0.0, 0.0);
    for one in seen
        .iter()
        .filter(|one| is_daily(one) && one.kind.as_str() == "compare")
    {
        if let Some(Shape::Pair { a, b }) = one.outcome.finding().map(|finding| finding.shape) {
            sums = (sums.0 + (a - b).abs(), sums.1 + b);
        }
    }
    (sums.1 > 0.0).then(|| sums.0 / sums.1)
}

fn discrepancy(facts: &Facts) -> Target {
    Target {
        word: "discrepancy",
        name: "Discrepancy between systems",
        how: "difference to the system of record, of its count, after settling",
        measure: Measure::Share,
        current: gap(&facts.current),
        previous: gap(&facts.previous),
        goal: 0.1,
        more_is_better: false,
        why: "no comparison was judged; add [compare.*]".to_owned(),
    }
}

fn unknown(plan: &Plan, facts: &Facts) -> Target {
    Target {
        word: "unknown_traffic",
        name: "Unknown traffic",
        how: "sessions without a usable source or medium",
        measure: Measure::Share,
        current: share(&facts.current, "traffic"),
        previous: share(&facts.previous, "traffic"),
        goal: plan.utm.as_ref().and_then(|utm| utm.unknown).unwrap_or(0.1),
        more_is_better: false,
        why: "no source of this plan shows where sessions come from".to_owned(),
    }
}

/// Median of first seen − requested, for events that went live within 90 days.
fn median_days(plan: &Plan, facts: &Facts, until: Window) -> Option<f64> {
    let mut days: Vec<i64> = facts
        .first_seen
        .iter()
        .filter_map(|(name, seen)| {
            let requested = plan.event(name)?.requested?;
            let seen = seen.filter(|at| *at < until.to)?;
            let live = plan.project.calendar.local(seen).date();
            let recent = (until.to - seen).num_days() <= RECENT;
            recent.then(|| (live - requested).num_days().max(0))
        })
        .collect();
    days.sort_unstable();
    days.get(days.len() / 2).map(|days| *days as f64)
}

fn implementing(plan: &Plan, facts: &Facts, now: Window, before: Window) -> Target {
    Target {
        word: "time_to_implement",
        name: "Time to implement",
        how: "median days from the request of an event to its first count, over 90 days",
        measure: Measure::Days,
        current: median_days(plan, facts, now),
        previous: median_days(plan, facts, before),
        goal: 14.0,
        more_is_better: false,
        why: "no event with `requested` went live in the last 90 days".to_owned(),
    }
}

/// Names that follow the standard, weighted by volume: of arriving events, and of the parameters of
/// planned events. `volume` is what each planned event counted.
fn compliance(
    plan: &Plan,
    seen: &[Evaluation],
    volume: impl Fn(&Name) -> Option<f64>,
) -> Option<f64> {
    let (mut wrong, mut all) = sums(seen, "naming");
    let style = plan.naming.parameters.as_ref();
    if let Some(style) = style.and_then(|style| regex_lite::Regex::new(style.pattern()).ok()) {
        for event in &plan.events {
            let weight = volume(&event.name).unwrap_or(0.0);
            for parameter in &event.parameters {
                all += weight;
                if !style.is_match(parameter.name.as_str()) {
                    wrong += weight;
                }
            }
        }
    }
    (all > 0.0).then(|| 1.0 - wrong / all)
}

fn taxonomy(plan: &Plan, facts: &Facts) -> Target {
    let count = |name: &Name| facts.counts.iter().find(|one| one.name == *name);

    Target {
        word: "taxonomy",
        name: "Taxonomy compliance",
        how: "names of events and parameters that follow [naming], weighted by volume",
        measure: Measure::Share,
        current: compliance(plan, &facts.current, |name| count(name)?.current),
        previous: compliance(plan, &facts.previous, |name| count(name)?.previous),
        goal: 0.99,
        more_is_better: true,
        why: "there is no [naming], or no source lists its event names".to_owned(),
    }
}

/// The shares of quality of some days, for a line over many weeks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Shares {
    /// Events with complete parameters.
    pub completeness: Option<f64>,
    /// Difference between systems.
    pub discrepancy: Option<f64>,
    /// Traffic without a usable source.
    pub unknown: Option<f64>,
}

impl Shares {
    /// Of the evaluations of these days.
    pub fn of(seen: &[Evaluation]) -> Self {
        Self {
            completeness: share(seen, "completeness"),
            discrepancy: gap(seen),
            unknown: share(seen, "traffic"),
        }
    }
}
