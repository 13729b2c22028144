//! Two plans to a list of changes, breaking or not.

use std::fmt;

use crate::model::Name;

use super::Plan;
use super::facts::{CHECK, COMPARE, CONVERSION, EVENT, FUNNEL, Family, REPORT, ROUTE, SOURCE};

/// What happened to a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// It is different.
    Changed,
    /// It is gone.
    Removed,
}

/// One change of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanChange {
    /// What happened.
    pub how: How,
    /// `event`, `conversion`, ...
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What is different, one line each.
    pub details: Vec<String>,
    /// Whether data or people that were fine before may now fail.
    pub breaking: bool,
}

impl fmt::Display for PlanChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.how {
            How::Added => "added",
            How::Changed => "changed",
            How::Removed => "removed",
        };
        write!(f, "{} {} {word}", self.what, self.name)?;
        if !self.details.is_empty() {
            write!(f, " ({})", self.details.join("; "))?;
        }
        Ok(())
    }
}

/// What changed from one plan to another, in plan order: events, conversions, funnels,
/// comparisons, checks, sources, routes, reports. A table that only moved has not changed.
pub fn diff(before: &Plan, after: &Plan) -> Vec<PlanChange> {
    let mut found = Vec::new();
    family("event", &before.events, &after.events, &EVENT, &mut found);
    let (old, new) = (&before.conversions, &after.conversions);
    family("conversion", old, new, &CONVERSION, &mut found);
    family(
        "funnel",
        &before.funnels,
        &after.funnels,
        &FUNNEL,
        &mut found,
    );
    family(
        "compare",
        &before.compares,
        &after.compares,
        &COMPARE,
        &mut found,
    );
    family("check", &before.checks, &after.checks, &CHECK, &mut found);
    family(
        "source",
        &before.sources,
        &after.sources,
        &SOURCE,
        &mut found,
    );
    family("route", &before.routes, &after.routes, &ROUTE, &mut found);
    family(
        "report",
        &before.reports,
        &after.reports,
        &REPORT,
        &mut found,
    );
    for change in found.iter_mut().filter(|one| one.how == How::Removed) {
        change.details = mentions(before, change.what, &change.name);
    }
    found
}

fn family<T>(
    what: &'static str,
    before: &[T],
    after: &[T],
    by: &Family<T>,
    found: &mut Vec<PlanChange>,
) {
    let change = |how, one: &T, details, breaking| PlanChange {
        how,
        what,
        name: (by.name)(one).to_string(),
        details,
        breaking,
    };
    let twin = |one: &T, others: &[T]| {
        others
            .iter()
            .position(|other| (by.name)(other) == (by.name)(one))
    };
    for new in after {
        match twin(new, before).and_then(|at| before.get(at)) {
            None => {
                let facts = (by.facts)(new);
                let details = facts
                    .into_iter()
                    .map(|(key, value)| format!("{key} {value}"));
                found.push(change(How::Added, new, details.collect(), false));
            }
            Some(old) => {
                let details = differences(&(by.facts)(old), &(by.facts)(new));
                if !details.is_empty() {
                    found.push(change(How::Changed, new, details, (by.breaks)(old, new)));
                }
            }
        }
    }
    for old in before.iter().filter(|old| twin(old, after).is_none()) {
        found.push(change(How::Removed, old, Vec::new(), true));
    }
}

/// `+ key value`, `~ key old -> new`, `- key value`, in the order of the new table.
fn differences(old: &[(String, String)], new: &[(String, String)]) -> Vec<String> {
    let value = |facts: &[(String, String)], wanted: &str| {
        let found = facts.iter().find(|(key, _)| key == wanted);
        found.map(|(_, value)| value.clone())
    };
    let mut found: Vec<String> = new
        .iter()
        .filter_map(|(key, now)| match value(old, key) {
            None => Some(format!("+ {key} {now}")),
            Some(then) if then != *now => Some(format!("~ {key} {then} -> {now}")),
            Some(_) => None,
        })
        .collect();
    let gone = old.iter().filter(|(key, _)| value(new, key).is_none());
    found.extend(gone.map(|(key, then)| format!("- {key} {then}")));
    found
}

/// Who would miss a thing that is gone.
fn mentions(plan: &Plan, what: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut told = |family: &str, names: Vec<&Name>| {
        found.extend(
            names
                .iter()
                .map(|one| format!("{family} {one} mentions it")),
        );
    };
    let is = |one: &Name| one.as_str() == name;
    if what == "event" || what == "conversion" {
        let funnels = plan.funnels.iter().filter(|one| one.steps.iter().any(is));
        told("funnel", funnels.map(|one| &one.name).collect());
        let checks = plan.checks.iter().filter(|one| {
            let rate = one.rate.iter().any(|(from, to)| is(from) || is(to));
            rate || one.event.as_ref().is_some_and(is)
        });
        told("check", checks.map(|one| &one.name).collect());
    }
    if what == "event" {
        let conversions = plan
            .conversions
            .iter()
            .filter(|one| is(&one.event) && !is(&one.name));
        told("conversion", conversions.map(|one| &one.name).collect());
        let compares = plan.compares.iter().filter(|one| is(&one.event));
        told("compare", compares.map(|one| &one.name).collect());
    }
    if what == "source" {
        let events = plan
            .events
            .iter()
            .filter(|one| one.mappings.iter().any(|(source, _)| is(source)));
        told("event", events.map(|one| &one.name).collect());
    }
    let routes = plan.routes.iter().filter(|route| {
        let listed = match what {
            "event" => &route.matcher.events,
            "source" => &route.matcher.sources,
            _ => &route.matcher.checks,
        };
        let head = |word: &String| word.split('.').next() == Some(name);
        listed.iter().any(head)
    });
    told("route", routes.map(|one| &one.name).collect());
    found
}
