//! Findings of one cause become one group, so that one failure is one incident.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;

use crate::model::{Evaluation, Fingerprint, Grain, Held, Name, Outcome, Segment, Status};

use super::{Cause, Incident, Policy, State, Topology};

/// Findings that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group<'a> {
    /// What they share.
    pub cause: Cause,
    /// The open incident that they belong to already.
    pub incident: Option<Fingerprint>,
    /// The evaluations, the worst first.
    pub findings: Vec<&'a Evaluation>,
}

/// This many events of one source, all fallen, are a trouble of the source.
const EVENTS_OF_A_SOURCE: usize = 3;

/// This many events that lack one parameter are a trouble of the parameter.
const EVENTS_OF_A_PARAMETER: usize = 3;

/// A segment that explains this much of a change leads it.
const LEADING_SHARE: f64 = 0.5;

/// Whether an evaluation is a finding that may alarm by itself. Witnesses never are.
fn is_finding(seen: &Evaluation) -> bool {
    !seen.witness
        && seen
            .outcome
            .status()
            .is_some_and(|status| status > Status::Ok)
}

/// Whether an evaluation blames its source.
pub(super) fn is_source_trouble(seen: &Evaluation) -> bool {
    !seen.witness
        && match &seen.outcome {
            Outcome::NoData(gap) => gap.is_source_trouble(),
            Outcome::Known { status, .. } => is_freshness(seen) && *status > Status::Ok,
        }
}

pub(super) fn is_freshness(seen: &Evaluation) -> bool {
    seen.kind.as_str() == "freshness"
}

/// Sorts findings into groups. A check that belongs to an open incident stays in it.
pub fn group<'a>(
    seen: &'a [Evaluation],
    open: &[Incident],
    topology: &Topology,
    policy: &Policy,
) -> Vec<Group<'a>> {
    let late = late_sources(seen);
    let mut groups: Vec<Group<'a>> = late
        .iter()
        .map(|(source, findings)| Group {
            cause: Cause::Source((*source).clone()),
            incident: None,
            findings: findings.clone(),
        })
        .collect();
    let mut left: Vec<&Evaluation> = seen
        .iter()
        .filter(|one| is_finding(one) && !is_freshness(one))
        .filter(|one| {
            one.source
                .as_ref()
                .is_none_or(|source| !late.contains_key(source))
        })
        .collect();
    left.retain(|one| !open.iter().any(|known| is_echo(known, one, topology)));
    take_known(&mut left, open, topology, policy, &mut groups);
    // What the budget holds back keeps an incident open and opens none.
    left.retain(|one| one.held == Held::No);
    if policy.group {
        take_sources(&mut left, seen, &mut groups);
        take_segments(&mut left, topology, &mut groups);
        take_parameters(&mut left, topology, &mut groups);
        take_events(&mut left, topology, &mut groups);
    }
    take_checks(left, &mut groups);
    for group in &mut groups {
        group.findings.sort_by_key(|one| badness(one));
    }
    groups
}

/// Sources in trouble with the evaluations that say so. Where a source has a freshness check, that
/// check alone decides; the others only join.
fn late_sources(seen: &[Evaluation]) -> BTreeMap<&Name, Vec<&Evaluation>> {
    let mut late: BTreeMap<&Name, Vec<&Evaluation>> = BTreeMap::new();
    for one in seen.iter().filter(|one| is_source_trouble(one)) {
        if let Some(source) = &one.source {
            late.entry(source).or_default().push(one);
        }
    }
    let judged: BTreeSet<&Name> = seen
        .iter()
        .filter(|one| is_freshness(one) && !one.witness)
        .filter_map(|one| one.source.as_ref())
        .collect();
    late.retain(|source, found| {
        !judged.contains(source) || found.iter().any(|one| is_freshness(one))
    });
    late
}

/// Findings of checks that belong to an open incident, or to the event of one.
fn take_known<'a>(
    left: &mut Vec<&'a Evaluation>,
    open: &[Incident],
    topology: &Topology,
    policy: &Policy,
    groups: &mut Vec<Group<'a>>,
) {
    let lasting = |one: &&Incident| !matches!(one.state, State::Resolved { .. });
    let lasting: Vec<&Incident> = open
        .iter()
        .filter(lasting)
        .filter(|one| one.gap.is_none())
        .collect();
    let mut taken: Vec<Vec<&'a Evaluation>> = vec![Vec::new(); lasting.len()];
    left.retain(|one| {
        let home = lasting
            .iter()
            .position(|incident| incident.members.contains(&one.check))
            .or_else(|| {
                let event = one
                    .event
                    .as_ref()
                    .filter(|_| policy.group && one.held == Held::No)?;
                lasting.iter().position(|incident| {
                    let its = incident.event.as_ref().map(|its| topology.event(its));
                    its == Some(topology.event(event)) && overlaps(incident, one)
                })
            });
        if let Some(home) = home {
            taken[home].push(one);
        }
        home.is_none()
    });
    for (incident, findings) in lasting.into_iter().zip(taken) {
        if !findings.is_empty() {
            let cause = incident.cause.clone();
            groups.push(Group {
                cause,
                incident: Some(incident.id),
                findings,
            });
        }
    }
}

/// Trouble of some hours that is over shows once more when its day is judged: that is no news.
fn is_echo(incident: &Incident, one: &Evaluation, topology: &Topology) -> bool {
    let same = match (&incident.event, &one.event) {
        (Some(its), Some(event)) => topology.event(its) == topology.event(event),
        _ => incident.members.contains(&one.check),
    };
    same && matches!(incident.state, State::Resolved { .. })
        && incident.opened_at.is_some()
        && incident.first.grain == Grain::Hour
        && one.bucket.grain == Grain::Day
        && matches!(one.kind.as_str(), "volume" | "compare" | "rate")
        && one.bucket.start < incident.last.end
        && incident.first.start < onset(one) + DAY
}

/// A day with a change of clocks is still no longer than this.
const DAY: TimeDelta = TimeDelta::hours(25);

fn overlaps(incident: &Incident, one: &Evaluation) -> bool {
    onset(one) <= incident.last.end && incident.first.start <= one.bucket.end
}

/// All events of one source fell together.
fn take_sources<'a>(
    left: &mut Vec<&'a Evaluation>,
    seen: &'a [Evaluation],
    groups: &mut Vec<Group<'a>>,
) {
    let is_volume = |one: &Evaluation| one.kind.as_str() == "volume" && one.segment.is_empty();
    let mut events: BTreeMap<&Name, (BTreeSet<&Name>, BTreeSet<&Name>)> = BTreeMap::new();
    for one in seen
        .iter()
        .filter(|one| is_volume(one) && one.outcome.status().is_some())
    {
        if let (Some(source), Some(event)) = (&one.source, &one.event) {
            let (judged, fallen) = events.entry(source).or_default();
            judged.insert(event);
            if left.iter().any(|found| std::ptr::eq(*found, one)) && fell(one) {
                fallen.insert(event);
            }
        }
    }
    for (source, (judged, fallen)) in events {
        if fallen.len() >= EVENTS_OF_A_SOURCE && fallen.len() == judged.len() {
            let mine = |one: &Evaluation| is_volume(one) && one.source.as_ref() == Some(source);
            take(left, groups, Cause::Source(source.clone()), mine);
        }
    }
}

/// Several sources moved in one segment.
fn take_segments<'a>(
    left: &mut Vec<&'a Evaluation>,
    topology: &Topology,
    groups: &mut Vec<Group<'a>>,
) {
    let mut found: BTreeMap<Segment, (BTreeSet<&Name>, BTreeSet<&Name>)> = BTreeMap::new();
    for one in left.iter() {
        let led = leading_segment(one);
        if let (Some(segment), Some(source), Some(event)) = (led, &one.source, &one.event) {
            let (sources, events) = found.entry(segment).or_default();
            sources.insert(source);
            events.insert(topology.event(event));
        }
    }
    for (segment, (sources, events)) in found {
        if sources.len() >= 2 && events.len() >= 2 {
            let mine = |one: &Evaluation| leading_segment(one).as_ref() == Some(&segment);
            take(left, groups, Cause::Segment(segment.clone()), mine);
        }
    }
}

fn leading_segment(one: &Evaluation) -> Option<Segment> {
    if !one.segment.is_empty() {
        return Some(one.segment.clone());
    }
    let first = one.outcome.finding()?.segments.first()?;
    (first.share >= LEADING_SHARE).then(|| first.segment.clone())
}

/// One parameter went missing in many events.
fn take_parameters<'a>(
    left: &mut Vec<&'a Evaluation>,
    topology: &Topology,
    groups: &mut Vec<Group<'a>>,
) {
    let mut found: BTreeMap<Name, BTreeSet<&Name>> = BTreeMap::new();
    for one in left.iter() {
        if let (Some(parameter), Some(event)) = (parameter(one), &one.event) {
            found
                .entry(parameter)
                .or_default()
                .insert(topology.event(event));
        }
    }
    for (name, events) in found {
        if events.len() >= EVENTS_OF_A_PARAMETER {
            let mine = |one: &Evaluation| parameter(one).as_ref() == Some(&name);
            take(left, groups, Cause::Parameter(name.clone()), mine);
        }
    }
}

fn parameter(one: &Evaluation) -> Option<Name> {
    if one.kind.as_str() != "completeness" {
        return None;
    }
    Some(one.outcome.finding()?.details.first()?.what.clone())
}

/// Several checks of one event at the same time.
fn take_events<'a>(
    left: &mut Vec<&'a Evaluation>,
    topology: &Topology,
    groups: &mut Vec<Group<'a>>,
) {
    let mut checks: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
    for one in left.iter() {
        let with_another = left.iter().any(|other| {
            other.check != one.check
                && same_event(one, other, topology)
                && onset(one) < other.bucket.end
                && onset(other) < one.bucket.end
        });
        if let Some(event) = one.event.as_ref().filter(|_| with_another) {
            checks
                .entry(topology.event(event))
                .or_default()
                .insert(&one.check);
        }
    }
    for (event, checks) in checks {
        let mine = |one: &Evaluation| checks.contains(&one.check);
        take(left, groups, Cause::Event(event.clone()), mine);
    }
}

fn same_event(one: &Evaluation, other: &Evaluation, topology: &Topology) -> bool {
    match (&one.event, &other.event) {
        (Some(one), Some(other)) => topology.event(one) == topology.event(other),
        _ => false,
    }
}

/// What is left stands alone, with the part it concerns when it is only one part.
fn take_checks<'a>(left: Vec<&'a Evaluation>, groups: &mut Vec<Group<'a>>) {
    let mut checks: BTreeMap<&Name, Vec<&Evaluation>> = BTreeMap::new();
    for one in left {
        checks.entry(&one.check).or_default().push(one);
    }
    for (check, findings) in checks {
        let segments: BTreeSet<&Segment> = findings.iter().map(|one| &one.segment).collect();
        let segment = match segments.first() {
            Some(only) if segments.len() == 1 => (*only).clone(),
            _ => Segment::new(),
        };
        join(groups, Cause::Check(check.clone(), segment), findings);
    }
}

fn take<'a>(
    left: &mut Vec<&'a Evaluation>,
    groups: &mut Vec<Group<'a>>,
    cause: Cause,
    mine: impl Fn(&Evaluation) -> bool,
) {
    let (findings, rest) = left
        .iter()
        .partition::<Vec<&Evaluation>, _>(|one| mine(one));
    *left = rest;
    if !findings.is_empty() {
        join(groups, cause, findings);
    }
}

/// Adds findings to the group of their cause: one that goes on with an incident, or a new one.
fn join<'a>(groups: &mut Vec<Group<'a>>, cause: Cause, findings: Vec<&'a Evaluation>) {
    match groups.iter_mut().find(|group| group.cause == cause) {
        Some(group) => group.findings.extend(findings),
        None => groups.push(Group {
            cause,
            incident: None,
            findings,
        }),
    }
}

/// When its run of trouble began.
fn onset(one: &Evaluation) -> crate::model::Timestamp {
    one.outcome
        .finding()
        .map_or(one.bucket.start, |finding| finding.since.start)
}

fn fell(one: &Evaluation) -> bool {
    one.outcome
        .finding()
        .and_then(|finding| finding.now.change())
        .is_some_and(|change| change < 0.0)
}

/// Sorts the worst first: freshness before all, failing before warning, primary before others, the
/// whole before a part, extreme before likely.
fn badness(
    one: &Evaluation,
) -> (
    bool,
    std::cmp::Reverse<Option<Status>>,
    bool,
    bool,
    bool,
    u8,
    Name,
) {
    let rank = match one.kind.as_str() {
        "volume" | "rare" => 0,
        "compare" => 1,
        _ => 2,
    };
    (
        !is_freshness(one),
        std::cmp::Reverse(one.outcome.status()),
        !one.primary,
        !one.segment.is_empty(),
        !one.strike.extreme,
        rank,
        one.check.clone(),
    )
}
