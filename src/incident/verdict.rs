//! Which kind of trouble it is, from how the other systems moved in the same buckets.
//!
//! A wrong verdict is worse than none: whatever is not plain is *unknown*.

use crate::model::{Amount, Evaluation, Grain, Name, Status};

use super::{Companion, Incident, Topology, Verdict};

/// A system that moved less than this has held.
const STEADY: f64 = 0.12;

/// A move of at least this is a move.
const MOVED: f64 = 0.15;

/// The diagnosis, with the systems it rests on.
pub fn diagnose(
    incident: &Incident,
    seen: &[Evaluation],
    topology: &Topology,
) -> (Verdict, Vec<Companion>) {
    let companions = companions(incident, seen, topology);
    let verdict = match incident.kind.as_str() {
        "duplicates" => Verdict::Duplication,
        "volume" | "compare" => by_movement(incident, seen, &companions, topology),
        _ => Verdict::Unknown,
    };
    (verdict, companions)
}

/// Volume of the same event in other systems, in the same buckets, judged.
fn companions(incident: &Incident, seen: &[Evaluation], topology: &Topology) -> Vec<Companion> {
    let Some(event) = incident.event.as_ref().map(|event| topology.event(event)) else {
        return Vec::new();
    };
    // Hours are held against hours: a day that is mostly from before the trouble says nothing.
    let judged = incident.finding.as_ref().map(|finding| finding.since.grain);
    let grain = judged.unwrap_or(Grain::Day);
    let mut found: Vec<Companion> = Vec::new();
    for one in seen.iter().filter(|one| is_volume_of(one, event, topology)) {
        let Some(source) = one
            .source
            .as_ref()
            .filter(|source| incident.source.as_ref() != Some(*source))
        else {
            continue;
        };
        let in_time = one.bucket.start >= incident.first.start && one.bucket.grain == grain;
        let known = found.iter().any(|companion| companion.source == *source);
        let (Some(finding), Some(status)) = (one.outcome.finding(), one.outcome.status()) else {
            continue;
        };
        if let Some(change) = change_of(&finding.now).filter(|_| in_time && !known) {
            found.push(Companion {
                source: source.clone(),
                change,
                outside: status > Status::Ok,
            });
        }
    }
    found
}

fn is_volume_of(one: &Evaluation, event: &Name, topology: &Topology) -> bool {
    one.kind.as_str() == "volume"
        && one.segment.is_empty()
        && one
            .event
            .as_ref()
            .is_some_and(|its| topology.event(its) == event && its == event)
}

fn change_of(amount: &Amount) -> Option<f64> {
    amount.change()
}

fn by_movement(
    incident: &Incident,
    seen: &[Evaluation],
    companions: &[Companion],
    topology: &Topology,
) -> Verdict {
    let Some(source) = &incident.source else {
        return Verdict::Unknown;
    };
    let own = if incident.kind.as_str() == "compare" {
        // A gap does not say who moved: the volume of the system itself does.
        own_volume(incident, seen, source, topology)
    } else {
        incident
            .finding
            .as_ref()
            .and_then(|finding| change_of(&finding.now))
    };
    let Some(own) = own else {
        return Verdict::Unknown;
    };
    let is_analytics = |name: &Name| topology.analytics.contains(name);
    let records: Vec<&Companion> = companions
        .iter()
        .filter(|one| !is_analytics(&one.source))
        .collect();
    let watchers: Vec<&Companion> = companions
        .iter()
        .filter(|one| is_analytics(&one.source))
        .collect();
    let all_held = |list: &[&Companion]| {
        !list.is_empty()
            && list
                .iter()
                .all(|one| !one.outside && one.change.abs() < STEADY)
    };
    let all_fell = |list: &[&Companion]| {
        !list.is_empty() && list.iter().all(|one| one.outside && one.change < -MOVED)
    };
    if is_analytics(source) {
        if own < -MOVED && all_held(&records) {
            Verdict::TrackingLoss
        } else if own < -MOVED && all_fell(&records) {
            Verdict::RealLoss
        } else if own > MOVED && all_held(&records) {
            Verdict::Duplication
        } else if own.abs() < STEADY && all_fell(&records) {
            Verdict::SyncFault
        } else {
            Verdict::Unknown
        }
    } else if own < -MOVED && all_held(&watchers) {
        Verdict::SyncFault
    } else if own < -MOVED && all_fell(&watchers) {
        Verdict::RealLoss
    } else {
        Verdict::Unknown
    }
}

fn own_volume(
    incident: &Incident,
    seen: &[Evaluation],
    source: &Name,
    topology: &Topology,
) -> Option<f64> {
    let event = topology.event(incident.event.as_ref()?);
    let mine = |one: &&Evaluation| {
        is_volume_of(one, event, topology)
            && one.source.as_ref() == Some(source)
            && one.bucket.grain == Grain::Day
            && one.bucket.start >= incident.first.start
    };
    change_of(&seen.iter().find(mine)?.outcome.finding()?.now)
}
