//! One round over everything: group, step, diagnose, and say what changed.

use std::collections::BTreeSet;

use crate::model::{Evaluation, Fingerprint, Mark, Name, Status, Timestamp};
use crate::plan::Plan;

use super::step::{clean, step, strike, turn};
use super::{
    Cause, Change, Group, Incident, Policy, State, Topology, Turn, causes, certainty, diagnose,
    group, impact,
};

/// Every change of a round. `known` are the incidents that are not resolved, and those resolved
/// recently enough to come back.
pub fn round(
    known: &[Incident],
    seen: &[Evaluation],
    marks: &[Mark],
    plan: &Plan,
    now: Timestamp,
) -> Vec<Change> {
    let (policy, topology) = (Policy::of(plan), Topology::of(plan));
    let groups = group(seen, known, &topology, &policy);
    let mut touched: BTreeSet<Fingerprint> = BTreeSet::new();
    let mut changes = Vec::new();
    for found in &groups {
        let before = before(found, known, &touched);
        touched.extend(before.map(|incident| incident.id));
        let Some(lead) = found.findings.first() else {
            continue;
        };
        if let Some(change) = strike(before, &found.cause, lead, &policy, now) {
            changes.push(described(
                change, before, found, seen, marks, &topology, now,
            ));
        }
    }
    for incident in known.iter().filter(|one| !touched.contains(&one.id)) {
        changes.extend(recovery(incident, seen, &policy, now));
    }
    changes
}

/// The incident that a group goes on with: the one it names, else one of the same cause. Of several
/// the one that is not over.
fn before<'a>(
    found: &Group<'_>,
    known: &'a [Incident],
    touched: &BTreeSet<Fingerprint>,
) -> Option<&'a Incident> {
    let free = |one: &&Incident| !touched.contains(&one.id) && one.merged_into.is_none();
    if let Some(id) = found.incident {
        return known.iter().filter(free).find(|one| one.id == id);
    }
    let same = |one: &&Incident| one.cause == found.cause;
    let over = |one: &&Incident| matches!(one.state, State::Resolved { .. });
    let lasting = known
        .iter()
        .filter(free)
        .filter(same)
        .find(|one| !over(one));
    lasting.or_else(|| {
        // Only what people knew of can come back; a suspicion that passed is forgotten.
        let told = |one: &&Incident| one.opened_at.is_some();
        known
            .iter()
            .filter(free)
            .filter(same)
            .filter(told)
            .max_by_key(|one| one.changed_at)
    })
}

/// A change with everything that people want to know about it.
fn described(
    mut change: Change,
    before: Option<&Incident>,
    found: &Group<'_>,
    seen: &[Evaluation],
    marks: &[Mark],
    topology: &Topology,
    now: Timestamp,
) -> Change {
    let after = &mut change.after;
    let mut members: Vec<Name> = Vec::new();
    for one in &found.findings {
        if !members.contains(&one.check) {
            members.push(one.check.clone());
        }
    }
    // What was over begins anew: its former checks may belong to another incident by now.
    let lasting = before.filter(|before| !matches!(before.state, State::Resolved { .. }));
    for old in lasting.map_or(&[][..], |before| &before.members) {
        if !members.contains(old) {
            members.push(old.clone());
        }
    }
    if let Some(lead) = found.findings.first() {
        after.check = lead.check.clone();
        after.kind = lead.kind.clone();
        after.source.clone_from(&lead.source);
        after.owner = found.findings.iter().find_map(|one| one.owner.clone());
        after.primary = found.findings.iter().any(|one| one.primary);
        after.event = match &found.cause {
            Cause::Source(_) | Cause::Segment(_) | Cause::Parameter(_) => None,
            Cause::Event(name) => Some(name.clone()),
            Cause::Check(..) => lead.event.clone(),
        };
    }
    after.members = members;
    let (verdict, companions) = diagnose(after, seen, topology);
    let named =
        verdict != super::Verdict::Unknown && before.is_some_and(|one| one.verdict != verdict);
    after.verdict = verdict;
    after.companions = companions;
    after.certainty = certainty(after);
    after.causes = causes(after, marks);
    after.impact = impact(after, topology);
    let lasting = before.is_some_and(Incident::is_on);
    if change.turn.is_none() && lasting && named {
        let state = change.after.state;
        return turn(change.after, state, Turn::VerdictChanged, now);
    }
    change
}

/// Whether the checks of an incident without findings are fine again.
fn recovery(
    incident: &Incident,
    seen: &[Evaluation],
    policy: &Policy,
    now: Timestamp,
) -> Option<Change> {
    if matches!(incident.state, State::Resolved { .. }) {
        return None;
    }
    let mine: Vec<&Evaluation> = seen
        .iter()
        .filter(|one| !one.witness && incident.members.contains(&one.check))
        .collect();
    if mine.is_empty() {
        let gone = !seen.is_empty()
            && seen
                .iter()
                .all(|one| !incident.members.contains(&one.check));
        return gone
            .then(|| step(Some(incident), super::Event::Withdrawn, policy, now))
            .flatten();
    }
    // The check that leads decides; the others must not contradict.
    let fine = |one: &&&Evaluation| one.outcome.status() == Some(Status::Ok);
    let newest = |one: &&&Evaluation| one.bucket.end;
    let lead = mine
        .iter()
        .filter(|one| one.check == incident.check)
        .filter(fine)
        .max_by_key(newest)
        .or_else(|| mine.iter().find(fine))?;
    if mine.iter().any(|one| {
        one.outcome
            .status()
            .is_some_and(|status| status > Status::Ok)
    }) {
        return None;
    }
    clean(incident, lead, policy, now)
}

/// Gives a number to an incident that people will hear of for the first time.
pub fn assign_number(change: &mut Change, number: u32) {
    if change.after.number.is_none() {
        change.after.number = Some(number);
    }
}
