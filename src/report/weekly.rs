//! Puts the audit of a week together.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike as _, TimeDelta};

use crate::incident::{Incident, State};
use crate::model::{Evaluation, Gap, Name, Outcome, Status, Window};
use crate::plan::Plan;

use super::{Chart, CountLine, Coverage, Facts, Part, Report, SourceLine, Task, business, quality};

/// Most tasks.
const TASKS: usize = 5;

/// Most incidents and lines of a list.
const LINES: usize = 30;

/// The audit of `week`.
pub fn weekly(plan: &Plan, facts: &Facts, week: Window) -> Report {
    let length = week.to - week.from;
    let before = Window {
        from: week.from - length,
        to: week.from,
    };
    let targets = quality::targets(plan, facts, week, before);
    let incidents = incidents(facts, week);
    let coverage = coverage(plan, facts);
    let calendar = &plan.project.calendar;
    let iso = calendar.local(week.from + TimeDelta::hours(12)).iso_week();
    let missed = targets
        .iter()
        .filter(|one| one.met() == Some(false))
        .count();
    let known = targets.iter().filter(|one| one.met().is_some()).count();
    let open = incidents.iter().filter(|one| one.is_on()).count();
    let headline = format!(
        "{missed} of {known} targets missed, {open} open {}",
        if open == 1 { "incident" } else { "incidents" }
    );
    Report {
        project: plan.project.name.to_string(),
        url: plan
            .project
            .url
            .as_ref()
            .map(|url| url.as_str().trim_end_matches('/').to_owned()),
        week,
        label: format!("{}-W{:02}", iso.year(), iso.week()),
        zone: calendar.zone(),
        made_at: facts.now,
        summary: summary(&incidents, &coverage, week),
        charts: charts(plan, facts, &incidents),
        headline,
        counts: counts(plan, facts, &incidents),
        funnels: business::funnels(plan, facts, &incidents, week),
        payload: business::payload(facts),
        speed: business::speed(&incidents),
        parts: Part::ALL.into_iter().collect(),
        tasks: tasks(plan, &incidents, &coverage, &targets),
        sources: sources(facts),
        not_checked: not_checked(facts),
        targets,
        incidents,
        coverage,
    }
}

fn summary(incidents: &[Incident], coverage: &Coverage, week: Window) -> String {
    let opened = incidents
        .iter()
        .filter(|one| one.opened_at.is_some_and(|at| week.contains(at)))
        .count();
    let ended = incidents
        .iter()
        .filter(|one| one.over_at().is_some())
        .count();
    let still = incidents.iter().filter(|one| one.is_on()).count();
    let many = |count: usize| match count {
        1 => "1 incident".to_owned(),
        _ => format!("{count} incidents"),
    };
    format!(
        "{} opened in the week, {ended} ended and {still} still open. {} of {} planned events were seen.",
        many(opened),
        coverage.seen,
        coverage.planned
    )
}

/// Most charts of open incidents; one more is drawn for the primary conversion.
const CHARTS: usize = 4;

/// What is worth a picture: open incidents, and the primary conversion.
fn charts(plan: &Plan, facts: &Facts, incidents: &[Incident]) -> Vec<Chart> {
    let judged = |check: &Name, source: Option<&Name>| -> Vec<Evaluation> {
        facts
            .last_week
            .iter()
            .chain(&facts.this_week)
            .filter(|one| one.check == *check && super::is_daily(one))
            .filter(|one| source.is_none() || one.source.as_ref() == source)
            .cloned()
            .collect()
    };
    let mut charts: Vec<Chart> = incidents
        .iter()
        .filter(|one| one.is_on())
        .take(CHARTS)
        .map(|one| Chart {
            incident: one.number,
            check: one.check.clone(),
            judged: judged(&one.check, one.source.as_ref()),
        })
        .collect();
    let primary = facts
        .this_week
        .iter()
        .filter(|one| one.kind.as_str() == "volume" && super::is_daily(one))
        .find(|one| {
            one.event
                .as_ref()
                .is_some_and(|event| plan.is_primary(event))
        });
    charts.extend(primary.map(|one| Chart {
        incident: None,
        check: one.check.clone(),
        judged: judged(&one.check, one.source.as_ref()),
    }));
    charts
}

/// Incidents that people heard of and that touched the week; open ones first, then the newest.
fn incidents(facts: &Facts, week: Window) -> Vec<Incident> {
    let mut found: Vec<Incident> = facts
        .incidents
        .iter()
        .filter(|one| one.number.is_some() && one.merged_into.is_none())
        .filter(|one| {
            let until = match one.state {
                State::Resolved { at } => at,
                State::Suspected { .. } | State::Open | State::Recovering { .. } => facts.now,
            };
            one.opened_at.is_some_and(|at| at < week.to) && until >= week.from
        })
        .cloned()
        .collect();
    found.sort_by_key(|one| {
        (
            !one.is_on(),
            std::cmp::Reverse(one.status),
            std::cmp::Reverse(one.number),
        )
    });
    found.truncate(LINES);
    found
}

/// Counts of every event and conversion in its home, with doubts.
fn counts(plan: &Plan, facts: &Facts, incidents: &[Incident]) -> Vec<CountLine> {
    let mut lines: Vec<CountLine> = facts
        .counts
        .iter()
        .filter_map(|fact| {
            let doubts = incidents
                .iter()
                .filter(|one| one.event.as_ref() == Some(&fact.name))
                .filter_map(|one| one.number);
            Some(CountLine {
                this_week: fact.this_week?,
                last_week: fact.last_week,
                last_year: fact.last_year,
                doubts: doubts.collect(),
                name: fact.name.clone(),
                source: fact.source.clone(),
            })
        })
        .collect();
    lines.sort_by_key(|line| (!plan.is_primary(&line.name), line.name.clone()));
    lines.truncate(LINES);
    lines
}

fn coverage(plan: &Plan, facts: &Facts) -> Coverage {
    let seen: BTreeSet<&Name> = facts
        .this_week
        .iter()
        .filter(|one| one.kind.as_str() == "volume")
        .filter(|one| {
            one.outcome
                .finding()
                .is_some_and(|finding| finding.now.observed > 0.0)
        })
        .filter_map(|one| one.event.as_ref())
        .collect();
    let names = |keep: &dyn Fn(&crate::plan::Event) -> bool| {
        plan.events
            .iter()
            .filter(|event| keep(event))
            .map(|event| event.name.clone())
            .collect::<Vec<Name>>()
    };
    let never = |name: &Name| {
        facts
            .first_seen
            .iter()
            .any(|(known, at)| known == name && at.is_none())
    };
    let mut unplanned: Vec<(Name, u64)> = facts
        .latest
        .iter()
        .filter(|one| one.kind.as_str() == "unplanned")
        .filter_map(|one| one.outcome.finding())
        .flat_map(|finding| {
            finding
                .details
                .iter()
                .map(|one| (one.what.clone(), one.count))
        })
        .collect();
    unplanned.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), name.clone()));
    unplanned.truncate(LINES);
    Coverage {
        planned: plan.events.len(),
        seen: plan
            .events
            .iter()
            .filter(|event| seen.contains(&event.name))
            .count(),
        missing: names(&|event| !seen.contains(&event.name)),
        unplanned,
        without_owner: names(&|event| event.owner.is_none()),
        overdue: names(&|event| event.requested.is_some() && never(&event.name)),
    }
}

fn sources(facts: &Facts) -> Vec<SourceLine> {
    let mut lines: BTreeMap<Name, SourceLine> = BTreeMap::new();
    for pull in &facts.pulls {
        let line = lines
            .entry(pull.source.clone())
            .or_insert_with(|| SourceLine {
                name: pull.source.clone(),
                pulls: 0,
                failed: 0,
                why: None,
            });
        line.pulls += 1;
        if let Some(why) = &pull.failure {
            line.failed += 1;
            line.why = Some(why.clone());
        }
    }
    lines.into_values().collect()
}

/// What was not checked at the end of the week: silence must not look like health.
fn not_checked(facts: &Facts) -> Vec<(Name, Gap)> {
    let mut found: Vec<(Name, Gap)> = facts
        .latest
        .iter()
        .filter(|one| !one.witness && one.segment.is_empty())
        .filter_map(|one| match &one.outcome {
            Outcome::NoData(gap) => Some((one.check.clone(), gap.clone())),
            Outcome::Known { .. } => None,
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.dedup_by(|a, b| a.0 == b.0);
    found.truncate(LINES);
    found
}

/// What to do next: open incidents first, then plan and targets.
fn tasks(
    plan: &Plan,
    incidents: &[Incident],
    coverage: &Coverage,
    targets: &[super::Target],
) -> Vec<Task> {
    let owner = |id: Option<&Name>| {
        id.map(|id| {
            plan.owners
                .get(id)
                .map_or_else(|| id.to_string(), |owner| owner.name.clone())
        })
    };
    let mut tasks: Vec<Task> = incidents
        .iter()
        .filter(|one| one.is_on())
        .map(|one| {
            let verb = if one.status == Status::Failing {
                "Mend"
            } else {
                "Look at"
            };
            Task {
                what: format!("{verb} {}", one.check),
                owner: owner(one.owner.as_ref()),
                incident: one.number,
            }
        })
        .collect();
    for name in &coverage.overdue {
        let who = plan
            .event(name)
            .and_then(|event| owner(event.owner.as_ref()));
        tasks.push(Task {
            what: format!("Implement {name}: it was requested and never arrived"),
            owner: who,
            incident: None,
        });
    }
    if let Some((name, count)) = coverage.unplanned.first() {
        let more = coverage.unplanned.len() - 1;
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        tasks.push(Task {
            what: format!("Plan or stop {name} ({count} events){more}"),
            owner: None,
            incident: None,
        });
    }
    if !coverage.without_owner.is_empty() {
        let count = coverage.without_owner.len();
        tasks.push(Task {
            what: format!("Name owners of {count} events"),
            owner: None,
            incident: None,
        });
    }
    for target in targets.iter().filter(|one| one.this_week.is_none()) {
        tasks.push(Task {
            what: format!(
                "Make known: {} ({})",
                target.name.to_lowercase(),
                target.why
            ),
            owner: None,
            incident: None,
        });
    }
    tasks.truncate(TASKS);
    tasks
}
