//! The webhook body: versioned, fields only ever added (ux 4.3, decision 14).

use serde_json::{Value, json};

use crate::incident::{Incident, Level, Verdict};
use crate::model::{Amount, Bridge, Ground, Name, Segment, Timestamp, Unit};
use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::describe;

fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The type word of a reason.
pub fn kind(reason: Reason) -> &'static str {
    match reason {
        Reason::Opened | Reason::Reopened => "incident.opened",
        Reason::Worsened
        | Reason::Eased
        | Reason::VerdictChanged
        | Reason::Reminder
        | Reason::Escalated
        | Reason::Flapping
        | Reason::SilenceEnded
        | Reason::Digest => "incident.changed",
        Reason::Acknowledged => "incident.acknowledged",
        Reason::Resolved | Reason::Past => "incident.resolved",
        Reason::Report => "report.ready",
        Reason::Test => "test",
        Reason::Trouble => "truecount.trouble",
        Reason::Recovered => "truecount.recovered",
    }
}

/// The body of a notification.
pub fn body(plan: &Plan, notification: &Notification) -> Value {
    let mut data = match notification.incidents.as_slice() {
        [one] => incident(plan, one),
        many => json!({
            "project": plan.project.id.as_str(),
            "incidents": many.iter().map(|one| incident(plan, one)).collect::<Vec<_>>(),
        }),
    };
    shorten(&mut data, MEMBERS);
    for one in data["incidents"].as_array_mut().into_iter().flatten() {
        shorten(one, MEMBERS_IN_MANY);
    }
    data["reason"] = json!(notification.reason.word());
    if !notification.remark.is_empty() {
        data["remark"] = json!(notification.remark);
    }
    if let [one] = notification.incidents.as_slice() {
        data["title"] = json!(describe(plan, one, notification.at).head);
    }
    json!({
        "type": kind(notification.reason),
        "version": 1,
        "timestamp": time(notification.at),
        "data": data,
    })
}

/// Checks that a message names; how many there are stands beside them. Receivers refuse bodies
/// without an end.
const MEMBERS: usize = 100;
const MEMBERS_IN_MANY: usize = 10;

fn shorten(incident: &mut Value, most: usize) {
    if let Some(members) = incident["members"].as_array_mut() {
        let count = members.len();
        members.truncate(most);
        incident["member_count"] = json!(count);
    }
}

/// An incident as data: the same numbers as every other medium prints.
pub fn incident(plan: &Plan, incident: &Incident) -> Value {
    let finding = incident.finding.as_ref();
    let owner = incident.owner.as_ref().map(|id| {
        json!({ "id": id.as_str(), "name": plan.owners.get(id).map(|owner| owner.name.clone()) })
    });
    let link = plan.project.url.as_ref().zip(incident.number);
    json!({
        "project": plan.project.id.as_str(),
        "id": incident.id.hex(),
        "number": incident.number,
        "incident": incident.number,
        "revision": incident.revision,
        "state": incident.status.word(),
        "status": incident.status.word(),
        "url": link.map(|(url, number)| format!("{}/i/{number}", url.as_str().trim_end_matches('/'))),
        "check": incident.check.as_str(),
        "check_kind": incident.kind.as_str(),
        "kind": incident.kind.as_str(),
        "members": incident.members.iter().map(Name::as_str).collect::<Vec<_>>(),
        "event": incident.event.as_ref().map(Name::as_str),
        "source": incident.source.as_ref().map(Name::as_str),
        "primary": incident.primary,
        "unit": finding.map(|finding| unit(&finding.unit)),
        "since": time(incident.first.start),
        "until": incident.over_at().map(time),
        "total": finding.map(|finding| amount(&finding.since_onset, &finding.unit)),
        "now": finding.map(|finding| amount(&finding.now, &finding.unit)),
        "gap": incident.gap.as_ref().map(|gap| super::words::gap(gap, &plan.project.calendar)),
        "verdict": verdict(incident.verdict),
        "certainty": match incident.certainty.word {
            Level::High => "high",
            Level::Medium => "medium",
            Level::Low => "low",
        },
        "p": finding.and_then(|finding| finding.p),
        "segments": finding.map_or(Vec::new(), |finding| finding.segments.iter().map(|part| json!({
            "segment": segment(&part.segment),
            "change": part.change,
            "share_of_change": part.share,
        })).collect()),
        "compare": incident.companions.iter().map(|one| json!({
            "system": one.source.as_str(), "change": one.change, "outside": one.outside,
        })).collect::<Vec<_>>(),
        "bridge": finding.and_then(|finding| finding.bridge.as_ref()).map(bridge),
        "causes": incident.causes.iter().map(|mark| json!({
            "kind": mark.kind.word(), "name": mark.name.as_str(), "at": time(mark.at),
        })).collect::<Vec<_>>(),
        "impact": incident.impact.as_ref().map(|impact| json!({
            "count": impact.count,
            "range": [impact.low, impact.high],
            "value": impact.value.as_ref().map(|(amount, _)| *amount),
            "currency": impact.value.as_ref().map(|(_, currency)| currency.clone()),
        })),
        "owner": owner,
    })
}

fn amount(amount: &Amount, unit: &Unit) -> Value {
    json!({
        "observed": amount.observed,
        "expected": amount.expected,
        "range": [amount.low, amount.high],
        "change": amount.change_in(unit),
    })
}

/// From one count to the other, part by part.
pub(super) fn bridge(bridge: &Bridge) -> Value {
    json!({
        "from": bridge.from.as_str(),
        "to": bridge.to.as_str(),
        "baseline": bridge.baseline,
        "parts": bridge.parts.iter().map(|part| json!({
            "kind": super::words::part(part.kind, 2),
            "count": part.count,
            "measured": part.ground == Ground::Measured,
        })).collect::<Vec<_>>(),
        "unexplained": bridge.unexplained(),
        "other": bridge.other,
    })
}

fn segment(segment: &Segment) -> Value {
    segment
        .iter()
        .map(|(key, value)| (key.to_string(), json!(value)))
        .collect()
}

fn unit(unit: &Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Share => "share",
        Unit::Money(_) => "money",
        Unit::Days => "days",
        Unit::Hours => "hours",
        Unit::Difference => "difference",
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::RealLoss => "real_loss",
        Verdict::TrackingLoss => "tracking_loss",
        Verdict::SyncFault => "sync_fault",
        Verdict::Duplication => "duplication",
        Verdict::ConsentShift => "consent_shift",
        Verdict::Unknown => "unknown",
    }
}
