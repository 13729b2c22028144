//! The tracking plan, the sources and what was not checked; and from all of it what to do.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::incident::Incident;
use crate::model::{Gap, MarkKind, Name, Outcome, Status, Unit, Window};
use crate::plan::Plan;

use super::{Coverage, Facts, PlanChangeLine, SourceLine, Target, Task};

/// Most tasks.
const TASKS: usize = 5;

/// How a source begins its remark on what is left of its quota.
const QUOTA: &str = "quota: ";

/// How planned events fared.
pub(super) fn coverage(plan: &Plan, facts: &Facts, now: Window) -> Coverage {
    // What is still learning is not judged, and seen all the same.
    let seen: BTreeSet<&Name> = facts
        .systems
        .iter()
        .filter(|one| one.days.values().any(|count| *count > 0.0))
        .map(|one| &one.event)
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
        changes: facts
            .marks
            .iter()
            .filter(|mark| mark.kind == MarkKind::Plan && now.contains(mark.at))
            .map(|mark| PlanChangeLine {
                at: mark.at,
                what: mark.name.clone(),
            })
            .collect(),
    }
}

pub(super) fn sources(facts: &Facts) -> Vec<SourceLine> {
    let mut lines: BTreeMap<Name, SourceLine> = BTreeMap::new();
    for pull in &facts.pulls {
        let line = lines
            .entry(pull.source.clone())
            .or_insert_with(|| SourceLine {
                name: pull.source.clone(),
                pulls: 0,
                failed: 0,
                why: None,
                late: None,
                quota: None,
            });
        line.pulls += 1;
        if let Some(why) = &pull.failure {
            line.failed += 1;
            line.why = Some(why.clone());
        }
        let quota = pull.notes.iter().find_map(|note| note.strip_prefix(QUOTA));
        line.quota = quota.map(str::to_owned).or(line.quota.take());
    }
    for one in &facts.current {
        let finding = one
            .outcome
            .finding()
            .filter(|found| found.unit == Unit::Hours);
        let (Some(finding), Some(source)) = (finding, &one.source) else {
            continue;
        };
        let over = finding.now.observed - finding.now.high;
        if let Some(line) = lines.get_mut(source).filter(|_| over > 0.0) {
            #[expect(clippy::cast_possible_truncation, reason = "hours of an absence fit")]
            let over = TimeDelta::minutes((over.min(1e6) * 60.0) as i64);
            line.late = line.late.max(Some(over));
        }
    }
    lines.into_values().collect()
}

/// What was not checked at the end of the week: silence must not look like health.
pub(super) fn not_checked(facts: &Facts) -> Vec<(Name, Gap)> {
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
    found
}

/// What to do next: open incidents first, then plan and targets.
pub(super) fn tasks(
    plan: &Plan,
    incidents: &[Incident],
    coverage: &Coverage,
    targets: &[Target],
) -> Vec<Task> {
    let owner = |id: Option<&Name>| {
        id.map(|id| {
            let known = plan.owners.get(id);
            known.map_or_else(|| id.to_string(), |owner| owner.name.clone())
        })
    };
    let task = |what: String, owner: Option<String>, path: &str| Task {
        what,
        owner,
        incident: None,
        path: path.to_owned(),
    };
    let mut tasks: Vec<Task> = incidents
        .iter()
        .filter(|one| one.is_on())
        .map(|one| {
            let verb = match one.status {
                Status::Failing => "Fix",
                Status::Warning | Status::Ok => "Look at",
            };
            let path = one
                .number
                .map_or("/incidents".to_owned(), |number| format!("/i/{number}"));
            Task {
                incident: one.number,
                ..task(
                    format!("{verb} {}", one.check),
                    owner(one.owner.as_ref()),
                    &path,
                )
            }
        })
        .collect();
    for name in &coverage.overdue {
        let who = plan
            .event(name)
            .and_then(|event| owner(event.owner.as_ref()));
        let what = format!("Implement {name}: it was requested and never arrived");
        tasks.push(task(what, who, "/plan"));
    }
    if let Some((name, _)) = coverage.unplanned.first() {
        let more = match coverage.unplanned.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let what = format!("Plan or stop {name}{more}, which no plan speaks of");
        tasks.push(task(what, None, "/plan"));
    }
    match coverage.without_owner.as_slice() {
        [] => {}
        [one] => tasks.push(task(format!("Name an owner of {one}"), None, "/plan")),
        many => {
            let what = format!("Name owners of {} events", many.len());
            tasks.push(task(what, None, "/plan"));
        }
    }
    for target in targets.iter().filter(|one| one.current.is_none()) {
        let what = format!(
            "Make known: {} ({})",
            target.name.to_lowercase(),
            target.why
        );
        tasks.push(task(what, None, "/plan"));
    }
    tasks.truncate(TASKS);
    tasks
}
