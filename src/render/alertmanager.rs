//! Alertmanager v2: one alert per incident; labels never carry a number or a time.

use serde_json::{Value, json};

use crate::incident::Incident;
use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::brief::{Brief, limited};

/// Longest text of a label or an annotation.
const TEXT: usize = 1_000;

/// The alerts of a notification. Those that fire carry no `endsAt`: the sender sets it at each
/// attempt, so that a letter that waited an hour does not arrive as over.
pub fn alerts(plan: &Plan, notification: &Notification) -> Vec<Value> {
    let time = |at: crate::model::Timestamp| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    if notification.incidents.is_empty() {
        let brief = Brief::of(plan, notification);
        if matches!(notification.reason, Reason::Trouble | Reason::Recovered) {
            // It is not posted again while it lasts: what ends it is the second message, or a day.
            let lasts = match notification.reason {
                Reason::Trouble => chrono::TimeDelta::days(1),
                _ => chrono::TimeDelta::zero(),
            };
            return vec![json!({
                "labels": { "alertname": "TruecountItself", "project": plan.project.id.as_str(), "severity": "critical" },
                "annotations": { "summary": limited(&brief.short, TEXT) },
                "startsAt": time(notification.at),
                "endsAt": time(notification.at + lasts),
            })];
        }
        // A sample ends by itself after a minute.
        return vec![json!({
            "labels": { "alertname": "TruecountTest", "project": plan.project.id.as_str(), "severity": "info" },
            "annotations": { "summary": limited(&brief.short, TEXT) },
            "startsAt": time(notification.at),
            "endsAt": time(notification.at + chrono::TimeDelta::minutes(1)),
        })];
    }
    notification
        .incidents
        .iter()
        .map(|incident| {
            let alone = Notification {
                incidents: vec![incident.clone()],
                // The text says what is, not what changed: alerts are posted again and again.
                reason: if incident.over_at().is_some() {
                    Reason::Resolved
                } else {
                    Reason::Opened
                },
                ..notification.clone()
            };
            let brief = Brief::of(plan, &alone);
            let mut alert = json!({
                "labels": labels(plan, incident),
                "annotations": {
                    "summary": limited(brief.head.trim_start_matches(['◆', '▲', '●', ' ']), TEXT),
                    "description": limited(&brief.lines().join("\n"), 4 * TEXT),
                    "severity": incident.status.word(),
                    "check": limited(incident.check.as_str(), TEXT),
                },
                "startsAt": time(incident.opened_at.unwrap_or(incident.suspected_at)),
            });
            if let Some(over) = incident.over_at() {
                alert["endsAt"] = json!(time(over));
            }
            if let Some(link) = &brief.link {
                alert["generatorURL"] = json!(link);
            }
            alert
        })
        .collect()
}

/// The identity of the alert. What may change while it lasts (its severity, its number of checks)
/// would make it another alert, so only what is fixed stands here.
fn labels(plan: &Plan, incident: &Incident) -> Value {
    let mut labels = json!({
        "alertname": "Truecount",
        "project": plan.project.id.as_str(),
        "incident": incident.id.hex(),
        "primary": incident.primary.to_string(),
    });
    let more = [
        ("event", incident.event.as_ref()),
        ("source", incident.source.as_ref()),
        ("owner", incident.owner.as_ref()),
    ];
    for (key, name) in more {
        if let Some(name) = name {
            labels[key] = json!(limited(name.as_str(), TEXT));
        }
    }
    labels
}
