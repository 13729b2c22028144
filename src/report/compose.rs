//! Puts the audit of a period together.

use crate::incident::{Incident, State};
use crate::model::{Evaluation, Grain, Name, Window};
use crate::plan::Plan;

use super::{Chart, CountLine, Facts, Gist, Part, Report, Target, business, depth, plan, quality};

/// The audit of a period.
pub fn audit(plan: &Plan, facts: &Facts, now: Window) -> Report {
    let calendar = &plan.project.calendar;
    let before = facts.period.before(calendar, now);
    let targets = quality::targets(plan, facts, now, before);
    let incidents = incidents(facts, now);
    let coverage = plan::coverage(plan, facts, now);
    let counts = counts(plan, facts, &incidents);
    let days = calendar.buckets(Grain::Day, now).len();
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
        period: facts.period,
        window: now,
        before,
        label: facts.period.label(calendar, now),
        asked_by: None,
        zone: calendar.zone(),
        made_at: facts.now,
        gist: gist(&targets, &incidents, &counts),
        charts: charts(plan, facts, &incidents),
        headline,
        channels: business::channels(plan, facts, &incidents),
        gaps: business::gaps(plan, facts, &incidents, days),
        funnels: business::funnels(plan, facts, &incidents, now),
        payload: business::payload(facts),
        speed: business::speed(&incidents),
        depth: depth::depth(plan, facts, days),
        parts: Part::ALL.into_iter().collect(),
        tasks: plan::tasks(plan, &incidents, &coverage, &targets),
        sources: plan::sources(facts),
        not_checked: plan::not_checked(facts),
        counts,
        targets,
        incidents,
        coverage,
    }
}

/// What matters most, for the two sentences at the top.
fn gist(targets: &[Target], incidents: &[Incident], counts: &[CountLine]) -> Gist {
    // A primary conversion before the rest, then the gravest, then what costs most.
    let cost = |one: &Incident| {
        let money =
            |impact: &crate::incident::Impact| impact.value.as_ref().map(|(sum, _)| sum.abs());
        one.impact.as_ref().and_then(money).unwrap_or(0.0)
    };
    let open: Vec<&Incident> = incidents.iter().filter(|one| one.is_on()).collect();
    let worst = open.iter().max_by(|a, b| {
        (a.primary, a.status)
            .cmp(&(b.primary, b.status))
            .then(cost(a).total_cmp(&cost(b)))
            .then(b.number.cmp(&a.number))
    });
    let far = |one: &Target| {
        let off = (one.current.unwrap_or(one.goal) - one.goal).abs();
        off / one.goal.abs().max(f64::EPSILON)
    };
    let missed = (0..targets.len()).filter(|at| targets[*at].met() == Some(false));
    let improved = |at: &usize| {
        let one = &targets[*at];
        one.met() == Some(true) && one.met_before() == Some(false)
    };
    let names = |sound: bool| {
        let mine = counts.iter().filter(|line| line.doubts.is_empty() == sound);
        mine.map(|line| line.name.clone()).collect()
    };
    Gist {
        worst: worst.and_then(|one| one.number),
        others: open.len().saturating_sub(1),
        farthest: missed.max_by(|a, b| far(&targets[*a]).total_cmp(&far(&targets[*b]))),
        improved: (0..targets.len()).filter(improved).collect(),
        ended: incidents
            .iter()
            .filter(|one| one.over_at().is_some())
            .count(),
        sound: names(true),
        doubtful: names(false),
    }
}

/// Most charts of open incidents; one more is drawn for the primary conversion.
const CHARTS: usize = 4;

/// What is worth a picture: open incidents, and the primary conversion.
fn charts(plan: &Plan, facts: &Facts, incidents: &[Incident]) -> Vec<Chart> {
    let judged = |check: &Name, source: Option<&Name>| -> Vec<Evaluation> {
        facts
            .previous
            .iter()
            .chain(&facts.current)
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
        .current
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

/// Incidents that people heard of and that touched the period; open ones first, then the newest.
fn incidents(facts: &Facts, now: Window) -> Vec<Incident> {
    let mut found: Vec<Incident> = facts
        .incidents
        .iter()
        .filter(|one| one.number.is_some() && one.merged_into.is_none())
        .filter(|one| {
            let until = match one.state {
                State::Resolved { at } => at,
                State::Suspected { .. } | State::Open | State::Recovering { .. } => facts.now,
            };
            // What began in the period and was only noticed later belongs to it, too.
            let began = one.first.start.min(one.opened_at.unwrap_or(facts.now));
            one.opened_at.is_some() && began < now.to && until >= now.from
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
    found
}

/// Counts of every event and conversion in its home, with doubts.
fn counts(plan: &Plan, facts: &Facts, incidents: &[Incident]) -> Vec<CountLine> {
    let mut lines: Vec<CountLine> = facts
        .counts
        .iter()
        .filter_map(|fact| {
            Some(CountLine {
                current: fact.current?,
                previous: fact.previous,
                last_year: fact.last_year,
                doubts: business::doubts(incidents, &fact.name).collect(),
                name: fact.name.clone(),
                source: fact.source.clone(),
            })
        })
        .collect();
    lines.sort_by_key(|line| (!plan.is_primary(&line.name), line.name.clone()));
    lines
}
