//! The state machine: two strikes open, two clean looks close, people may step in.

use crate::model::{
    Bucket, Digest, Evaluation, Finding, Fingerprint, Name, Outcome, Segment, Status, Timestamp,
};

use super::group::{is_freshness, is_source_trouble};
use super::{Cause, Certainty, Change, Event, Incident, Level, Policy, State, Turn, Verdict};

/// Moves one incident. `None` when nothing changed. An incident that is opened has no number yet:
/// the caller gives one with [`super::assign_number`].
pub fn step(
    before: Option<&Incident>,
    event: Event<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Option<Change> {
    match (before, event) {
        (before, Event::Seen(seen)) => look(before, seen, policy, now),
        (Some(before), Event::Acknowledged { by }) => acknowledge(before, by, now),
        (Some(before), Event::Labelled(label)) => {
            let after = Incident {
                label: Some(label),
                ..before.clone()
            };
            changed(before, after, None)
        }
        (Some(before), Event::Ended { .. }) => end(before, true, now),
        (Some(before), Event::Withdrawn) => end(before, false, now),
        (None, _) => None,
    }
}

fn look(
    before: Option<&Incident>,
    seen: &Evaluation,
    policy: &Policy,
    now: Timestamp,
) -> Option<Change> {
    if seen.witness {
        return None;
    }
    let known = seen.outcome.status();
    if is_source_trouble(seen) || known.is_some_and(|status| status > Status::Ok) {
        let cause = cause_of(seen);
        return strike(before, &cause, seen, policy, now);
    }
    match known {
        Some(Status::Ok) => clean(before?, seen, policy, now),
        _ => None,
    }
}

fn cause_of(seen: &Evaluation) -> Cause {
    match &seen.source {
        Some(source) if is_source_trouble(seen) => Cause::Source(source.clone()),
        _ => Cause::Check(seen.check.clone(), seen.segment.clone()),
    }
}

/// One more reason to open.
pub(super) fn strike(
    before: Option<&Incident>,
    cause: &Cause,
    seen: &Evaluation,
    policy: &Policy,
    now: Timestamp,
) -> Option<Change> {
    let Some(before) = before else {
        let fresh = suspect(cause, seen, policy, now);
        return Some(if is_plain(seen, policy) {
            turn(fresh, State::Open, Turn::Opened, now)
        } else {
            Change {
                after: fresh,
                turn: None,
            }
        });
    };
    let counts = counts(before, seen, policy, now);
    let mut after = before.clone();
    let stale = seen.bucket.start - before.last.end > policy.reopen;
    match before.state {
        // A suspicion that was never confirmed is forgotten after a week.
        State::Suspected { .. } if stale && before.opened_at.is_none() => {
            after = Incident {
                state: State::Suspected { strikes: 1 },
                first: first_of(seen),
                suspected_at: now,
                ..after
            };
            take_numbers(&mut after, seen, now);
        }
        State::Suspected { strikes } => {
            if counts || is_plain(seen, policy) {
                take_numbers(&mut after, seen, now);
                if is_plain(seen, policy) || strikes + 1 >= policy.strikes {
                    let again = before.opened_at.is_some();
                    let why = if again { Turn::Reopened } else { Turn::Opened };
                    return Some(turn(after, State::Open, why, now));
                }
                after.state = State::Suspected {
                    strikes: strikes + 1,
                };
            }
        }
        State::Resolved { .. } => {
            if !counts {
                return None;
            }
            after.first = first_of(seen);
            take_numbers(&mut after, seen, now);
            if is_plain(seen, policy) {
                return Some(turn(after, State::Open, Turn::Reopened, now));
            }
            after.state = State::Suspected { strikes: 1 };
            after.suspected_at = now;
        }
        State::Open | State::Recovering { .. } => return lasting(before, seen, counts, now),
    }
    changed(before, after, None)
}

/// Trouble of an incident that people know: its numbers follow, and its status with new evidence.
fn lasting(before: &Incident, seen: &Evaluation, counts: bool, now: Timestamp) -> Option<Change> {
    let mut after = before.clone();
    let status = status_of(seen);
    let worse = status > before.status;
    if !counts {
        // The same reading again, or a revision too soon to count: only the numbers follow.
        if before.state == State::Open && status == before.status && before.gap.is_none() {
            after.finding = seen.outcome.finding().cloned().or(after.finding);
        }
        return changed(before, after, None);
    }
    take_numbers(&mut after, seen, now);
    if after.state != State::Open {
        after.state = State::Open;
        after.changed_at = now;
    }
    if worse {
        return Some(turn(after, State::Open, Turn::Worsened, now));
    }
    if status < before.status {
        return Some(turn(after, State::Open, Turn::Eased, now));
    }
    changed(before, after, None)
}

/// One more reason to close.
pub(super) fn clean(
    before: &Incident,
    seen: &Evaluation,
    policy: &Policy,
    now: Timestamp,
) -> Option<Change> {
    // An older bucket that is fine says nothing about the trouble after it.
    if seen.bucket.end <= before.last.start && before.gap.is_none() {
        return None;
    }
    let data = seen_at(before, seen, now);
    let newer = data > before.strike_seen_at;
    let mut after = before.clone();
    match before.state {
        State::Suspected { .. } if newer || seen.bucket > before.last => {
            after.state = State::Resolved { at: now };
            after.changed_at = now;
        }
        State::Open if newer || seen.bucket > before.last => {
            after.strike_seen_at = data;
            if policy.clean <= 1 {
                return Some(turn(
                    after,
                    State::Resolved { at: now },
                    Turn::Resolved,
                    now,
                ));
            }
            after.state = State::Recovering { clean: 1 };
            after.changed_at = now;
        }
        State::Recovering { clean } if data - before.strike_seen_at >= policy.again => {
            after.strike_seen_at = data;
            if clean + 1 >= policy.clean {
                return Some(turn(
                    after,
                    State::Resolved { at: now },
                    Turn::Resolved,
                    now,
                ));
            }
            after.state = State::Recovering { clean: clean + 1 };
        }
        State::Suspected { .. }
        | State::Open
        | State::Recovering { .. }
        | State::Resolved { .. } => return None,
    }
    changed(before, after, None)
}

/// One look is enough: it is extreme, or its run already spans as many buckets as strikes are needed.
fn is_plain(seen: &Evaluation, policy: &Policy) -> bool {
    let run = seen.outcome.finding().map_or(0, |finding| finding.buckets);
    seen.strike.extreme || (run >= policy.strikes && !is_freshness(seen))
}

fn acknowledge(before: &Incident, by: &str, now: Timestamp) -> Option<Change> {
    let known = before
        .acknowledged
        .as_ref()
        .is_some_and(|(who, _)| who == by);
    if known || !before.is_on() {
        return None;
    }
    let after = Incident {
        acknowledged: Some((by.to_owned(), now)),
        ..before.clone()
    };
    let state = after.state;
    Some(turn(after, state, Turn::Acknowledged, now))
}

/// Ended by a person, or quietly because its check left the plan.
fn end(before: &Incident, told: bool, now: Timestamp) -> Option<Change> {
    let state = State::Resolved { at: now };
    match before.state {
        State::Resolved { .. } => None,
        State::Open | State::Recovering { .. } if told => {
            Some(turn(before.clone(), state, Turn::Resolved, now))
        }
        State::Suspected { .. } | State::Open | State::Recovering { .. } => {
            let after = Incident {
                state,
                changed_at: now,
                ..before.clone()
            };
            changed(before, after, None)
        }
    }
}

/// A strike is a later bucket, or the same bucket seen again long enough after with new data.
fn counts(before: &Incident, seen: &Evaluation, policy: &Policy, now: Timestamp) -> bool {
    let gap = matches!(seen.outcome, Outcome::NoData(_)) || is_freshness(seen);
    let later = seen.bucket > before.last && !gap;
    let data = if gap { now } else { seen.strike.data_seen_at };
    later || data - before.strike_seen_at >= policy.again
}

/// An absence has no newer data: the time of the look stands for it.
fn seen_at(before: &Incident, seen: &Evaluation, now: Timestamp) -> Timestamp {
    let gap = before.gap.is_some() || is_freshness(seen);
    if gap { now } else { seen.strike.data_seen_at }
}

fn status_of(seen: &Evaluation) -> Status {
    seen.outcome.status().unwrap_or(Status::Failing)
}

fn first_of(seen: &Evaluation) -> Bucket {
    seen.outcome
        .finding()
        .map_or(seen.bucket, |finding| finding.since)
}

/// Copies what the evaluation says. The first bucket only moves back.
fn take_numbers(after: &mut Incident, seen: &Evaluation, now: Timestamp) {
    after.status = status_of(seen);
    after.last = after.last.max(seen.bucket);
    let first = first_of(seen);
    // A day that contains the hour in which it began knows the beginning less well.
    let coarser = first.grain > after.first.grain && first.end > after.first.start;
    if !coarser {
        after.first = after.first.min(first);
    }
    match &seen.outcome {
        Outcome::Known { finding, .. } => {
            after.finding = Some(Finding::clone(finding));
            after.gap = None;
        }
        Outcome::NoData(gap) => {
            after.finding = None;
            after.gap = Some(gap.clone());
        }
    }
    let gap = after.gap.is_some() || is_freshness(seen);
    let data = if gap { now } else { seen.strike.data_seen_at };
    after.strike_seen_at = after.strike_seen_at.max(data);
}

fn suspect(cause: &Cause, seen: &Evaluation, policy: &Policy, now: Timestamp) -> Incident {
    let mut fresh = Incident {
        id: identity(&policy.project, cause, now),
        number: None,
        revision: 0,
        cause: cause.clone(),
        check: seen.check.clone(),
        kind: seen.kind.clone(),
        members: vec![seen.check.clone()],
        event: seen.event.clone(),
        source: seen.source.clone(),
        owner: seen.owner.clone(),
        primary: seen.primary,
        state: State::Suspected { strikes: 1 },
        status: status_of(seen),
        first: first_of(seen),
        last: seen.bucket,
        finding: None,
        gap: None,
        verdict: Verdict::Unknown,
        certainty: Certainty {
            word: Level::Low,
            ground: String::new(),
        },
        companions: Vec::new(),
        causes: Vec::new(),
        impact: None,
        suspected_at: now,
        opened_at: None,
        acknowledged: None,
        label: None,
        strike_seen_at: seen.strike.data_seen_at,
        changed_at: now,
        turn: None,
        merged_into: None,
    };
    take_numbers(&mut fresh, seen, now);
    fresh
}

/// Project, cause and the slot of first suspicion (decision 6).
fn identity(project: &Name, cause: &Cause, slot: Timestamp) -> Fingerprint {
    let mut digest = Digest::new("incident.1");
    digest.text(project.as_str());
    match cause {
        Cause::Source(name) => digest.text("source").text(name.as_str()),
        Cause::Segment(segment) => {
            digest.text("segment");
            segment_text(&mut digest, segment)
        }
        Cause::Parameter(name) => digest.text("parameter").text(name.as_str()),
        Cause::Event(name) => digest.text("event").text(name.as_str()),
        Cause::Check(name, segment) => {
            digest.text("check").text(name.as_str());
            segment_text(&mut digest, segment)
        }
    };
    digest.text(&slot.timestamp_millis().to_string());
    digest.fingerprint()
}

fn segment_text<'a>(digest: &'a mut Digest, segment: &Segment) -> &'a mut Digest {
    for (key, value) in segment {
        digest.text(key.as_str()).text(value);
    }
    digest
}

pub(super) fn turn(mut after: Incident, state: State, turn: Turn, now: Timestamp) -> Change {
    after.state = state;
    after.revision += 1;
    after.turn = Some(turn);
    after.changed_at = now;
    if matches!(turn, Turn::Opened | Turn::Reopened) {
        after.opened_at = Some(now);
        after.acknowledged = None;
        after.label = None;
    }
    Change {
        after,
        turn: Some(turn),
    }
}

fn changed(before: &Incident, after: Incident, turn: Option<Turn>) -> Option<Change> {
    (after != *before).then_some(Change { after, turn })
}
