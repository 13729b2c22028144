//! Which kind of trouble it is, from how the other systems moved in the same buckets.
//!
//! A wrong verdict is worse than none: whatever is not plain is *unknown*.

use std::collections::BTreeSet;

use crate::model::{Amount, Evaluation, Finding, Grain, Name, Status};

use super::{Companion, Incident, Topology, Verdict};

/// A system that moved less than this has held.
const STEADY: f64 = 0.12;

/// A move of at least this is a move.
const MOVED: f64 = 0.15;

/// Two systems moved alike when what is left of one is this near to what is left of the other, by
/// their ratio: beyond it a second fault may hide behind the first.
const ALIKE: f64 = 0.2;

/// A system has held only if its range, laid around what it did, leaves out the move of the other by
/// this margin.
const MARGIN: f64 = 1.2;

/// How one system moved, as far as its own range lets one say.
struct Moved<'a> {
    source: &'a Name,
    change: f64,
    /// Half the expected range, relative to the expectation.
    range: f64,
    outside: bool,
}

impl Moved<'_> {
    /// Stayed where it was, and cannot have moved like the other.
    fn held_against(&self, move_of_other: f64) -> bool {
        let between = (self.change - move_of_other).abs();
        !self.outside && self.change.abs() < STEADY && self.range * MARGIN < between
    }

    fn fell_like(&self, change: f64) -> bool {
        self.outside && self.change < -MOVED && alike(self.change, change)
    }
}

/// Whether two relative changes leave about the same part.
fn alike(one: f64, other: f64) -> bool {
    let (one, other) = ((1.0 + one).max(0.01), (1.0 + other).max(0.01));
    let noise = ALIKE.max(0.02 / one.min(other));
    (one / other).ln().abs() < noise
}

/// The diagnosis, with the systems it rests on.
pub fn diagnose(
    incident: &Incident,
    seen: &[Evaluation],
    topology: &Topology,
) -> (Verdict, Vec<Companion>) {
    let moved = others(incident, seen, topology);
    let verdict = match incident.kind.as_str() {
        "duplicates" => Verdict::Duplication,
        "volume" | "compare" => by_movement(incident, seen, &moved, topology),
        _ => Verdict::Unknown,
    };
    let mut companions: Vec<Companion> = Vec::new();
    for one in moved {
        if !companions.iter().any(|known| known.source == *one.source) {
            companions.push(Companion {
                source: one.source.clone(),
                change: one.change,
                outside: one.outside,
            });
        }
    }
    (verdict, companions)
}

/// The events that an incident is about: its own, or those of its members.
fn events<'a>(
    incident: &'a Incident,
    seen: &'a [Evaluation],
    topology: &'a Topology,
) -> BTreeSet<&'a Name> {
    match &incident.event {
        Some(event) => BTreeSet::from([topology.event(event)]),
        None => seen
            .iter()
            .filter(|one| incident.members.contains(&one.check))
            .filter_map(|one| one.event.as_ref())
            .map(|event| topology.event(event))
            .collect(),
    }
}

/// Volume of the same events in other systems, in the same buckets, judged.
fn others<'a>(
    incident: &'a Incident,
    seen: &'a [Evaluation],
    topology: &'a Topology,
) -> Vec<Moved<'a>> {
    let events = events(incident, seen, topology);
    // Hours are held against hours: a day that is mostly from before the trouble says nothing.
    let judged = incident.finding.as_ref().map(|finding| finding.since.grain);
    let grain = judged.unwrap_or(Grain::Day);
    let mut found: BTreeSet<(&Name, &Name)> = BTreeSet::new();
    let mut moved = Vec::new();
    for one in seen
        .iter()
        .filter(|one| one.bucket.start >= incident.first.start && one.bucket.grain == grain)
    {
        let (Some(source), Some(event)) = (&one.source, volume_of(one, topology)) else {
            continue;
        };
        if incident.source.as_ref() == Some(source) || !events.contains(event) {
            continue;
        }
        let (Some(finding), Some(status)) = (one.outcome.finding(), one.outcome.status()) else {
            continue;
        };
        // While there is trouble a witness tells of the same buckets as the trouble itself.
        let total = &finding.since_onset;
        if let Some(change) = total.change().filter(|_| found.insert((source, event))) {
            moved.push(Moved {
                source,
                change,
                range: range(total),
                outside: status > Status::Ok,
            });
        }
    }
    baseline(incident, &mut moved);
    moved
}

/// A comparison knows what its baseline did in the very buckets of the trouble.
fn baseline<'a>(incident: &'a Incident, moved: &mut Vec<Moved<'a>>) {
    let sides = incident.finding.as_ref().and_then(|finding| {
        let (_, baseline) = finding.sides.as_ref()?;
        Some((&finding.bridge.as_ref()?.from, baseline))
    });
    let Some((source, (change, total))) =
        sides.and_then(|(source, total)| Some((source, (total.change()?, total))))
    else {
        return;
    };
    let was = moved.iter().position(|one| one.source == source);
    let outside = was.is_some_and(|at| moved[at].outside) || total.outside();
    let one = Moved {
        source,
        change,
        range: range(total),
        outside,
    };
    match was {
        Some(at) => moved[at] = one,
        None => moved.push(one),
    }
}

/// The event whose plain volume an evaluation judges.
fn volume_of<'a>(one: &'a Evaluation, topology: &'a Topology) -> Option<&'a Name> {
    let event = one.event.as_ref()?;
    let plain = one.kind.as_str() == "volume" && one.segment.is_empty();
    (plain && topology.event(event) == event).then_some(event)
}

fn range(now: &Amount) -> f64 {
    if now.expected.abs() > f64::EPSILON {
        ((now.high - now.low) / 2.0 / now.expected).abs()
    } else {
        f64::INFINITY
    }
}

fn by_movement(
    incident: &Incident,
    seen: &[Evaluation],
    others: &[Moved<'_>],
    topology: &Topology,
) -> Verdict {
    let Some(source) = &incident.source else {
        return Verdict::Unknown;
    };
    let own = if incident.kind.as_str() == "compare" {
        // A gap does not say who moved: the volume of the system itself does.
        let sides = incident.finding.as_ref().and_then(|finding| finding.sides);
        sides.map_or_else(
            || own_volume(incident, seen, source, topology),
            |(own, _)| own.change(),
        )
    } else {
        let finding = incident.finding.as_ref();
        finding.and_then(|finding| finding.since_onset.change())
    };
    let Some(own) = own else {
        return Verdict::Unknown;
    };
    let is_analytics = |name: &Name| topology.analytics.contains(name);
    let (watchers, records): (Vec<&Moved<'_>>, Vec<&Moved<'_>>) =
        others.iter().partition(|one| is_analytics(one.source));
    let all = |list: &[&Moved<'_>], test: &dyn Fn(&Moved<'_>) -> bool| {
        !list.is_empty() && list.iter().all(|one| test(one))
    };
    let held = |list: &[&Moved<'_>]| all(list, &|one| one.held_against(own));
    let fell_alike = |list: &[&Moved<'_>]| all(list, &|one| one.fell_like(own));
    if is_analytics(source) {
        if own < -MOVED && held(&records) {
            lost_by_watchers(own, consent(incident, seen))
        } else if own < -MOVED && fell_alike(&records) {
            Verdict::RealLoss
        } else if own > MOVED && held(&records) {
            Verdict::Duplication
        } else if own.abs() < STEADY && all(&records, &|one| one.outside && one.change < -MOVED) {
            Verdict::SyncFault
        } else {
            Verdict::Unknown
        }
    } else if own < -MOVED && held(&watchers) {
        Verdict::SyncFault
    } else if own < -MOVED && fell_alike(&watchers) {
        Verdict::RealLoss
    } else {
        Verdict::Unknown
    }
}

/// Analytics fell and records held: consent, if its share fell as far; the tag, if it did not move.
fn lost_by_watchers(own: f64, consent: Option<(f64, bool)>) -> Verdict {
    match consent {
        Some((change, true)) if change < 0.0 && alike(change, own) => Verdict::ConsentShift,
        // Consent explains some of it and not all: two faults, or one that is not understood.
        Some((change, true)) if change < -STEADY => Verdict::Unknown,
        _ => Verdict::TrackingLoss,
    }
}

/// The relative change of the share of visitors who consent, and whether it left its range.
fn consent(incident: &Incident, seen: &[Evaluation]) -> Option<(f64, bool)> {
    let one = seen.iter().find(|one| {
        one.check.as_str() == "traffic.consent" && one.bucket.start >= incident.first.start
    })?;
    // Since the onset it is held against its own past; the newest bucket may be held against a limit.
    let change = one.outcome.finding()?.since_onset.change()?;
    Some((change, one.outcome.status() > Some(Status::Ok)))
}

fn own_volume(
    incident: &Incident,
    seen: &[Evaluation],
    source: &Name,
    topology: &Topology,
) -> Option<f64> {
    let event = topology.event(incident.event.as_ref()?);
    let mine = |one: &&Evaluation| {
        volume_of(one, topology) == Some(event)
            && one.source.as_ref() == Some(source)
            && one.bucket.grain == Grain::Day
            && one.bucket.start >= incident.first.start
    };
    let finding: &Finding = seen.iter().find(mine)?.outcome.finding()?;
    finding.since_onset.change()
}
