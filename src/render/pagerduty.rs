//! `PagerDuty` Events v2: one event per incident, under a key that never changes.

use serde_json::{Map, Value, json};

use crate::incident::Incident;
use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::brief::{Brief, Tone, limited};

/// Longest summary that `PagerDuty` takes, with room.
const SUMMARY: usize = 1_000;
const DETAIL: usize = 2_000;

/// The events of a notification, without the routing key, which the sender adds. Several for a
/// digest: each incident has its own life there.
pub fn events(plan: &Plan, notification: &Notification) -> Vec<Value> {
    if notification.incidents.is_empty() {
        return vec![match notification.reason {
            Reason::Trouble | Reason::Recovered => ourselves(plan, notification),
            _ => test(plan, notification),
        }];
    }
    notification
        .incidents
        .iter()
        .map(|one| event(plan, notification, one))
        .collect()
}

/// The key of an incident: the same for its whole life, whatever is told about it.
pub fn key(incident: &Incident) -> String {
    format!("truecount-{}", incident.id.hex())
}

fn event(plan: &Plan, notification: &Notification, incident: &Incident) -> Value {
    let alone = Notification {
        incidents: vec![incident.clone()],
        reason: match notification.reason {
            Reason::Digest if incident.over_at().is_some() => Reason::Resolved,
            Reason::Digest => Reason::Opened,
            other => other,
        },
        ..notification.clone()
    };
    let action = match alone.reason {
        // What is past wakes nobody; it was never triggered, and PagerDuty takes note of nothing.
        Reason::Resolved | Reason::Past => "resolve",
        Reason::Acknowledged => "acknowledge",
        _ => "trigger",
    };
    let brief = Brief::of(plan, &alone);
    let mut event = json!({ "event_action": action, "dedup_key": key(incident) });
    if action == "trigger" {
        event["payload"] = payload(plan, &brief, notification, Some(incident));
    }
    finish(plan, event, brief.link.as_deref())
}

/// Truecount itself has one life of its own there.
fn ourselves(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let key = format!("truecount-itself-{}", plan.project.id);
    if notification.reason == Reason::Recovered {
        let event = json!({ "event_action": "resolve", "dedup_key": key });
        return finish(plan, event, None);
    }
    let mut event = json!({ "event_action": "trigger", "dedup_key": key });
    event["payload"] = payload(plan, &brief, notification, None);
    finish(plan, event, None)
}

/// A sample triggers at the lowest severity, under a key of its own.
fn test(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let mut event = json!({
        "event_action": "trigger",
        "dedup_key": format!("truecount-test-{}", plan.project.id),
    });
    event["payload"] = payload(plan, &brief, notification, None);
    finish(plan, event, None)
}

fn payload(
    plan: &Plan,
    brief: &Brief,
    notification: &Notification,
    incident: Option<&Incident>,
) -> Value {
    let severity = match brief.tone {
        Tone::Critical => "critical",
        Tone::Failing => "error",
        Tone::Warning => "warning",
        Tone::Good => "info",
    };
    let mut details: Map<String, Value> = brief
        .rows
        .iter()
        .map(|(title, value)| ((*title).to_owned(), json!(limited(value, DETAIL))))
        .collect();
    if let Some(verdict) = &brief.verdict {
        details.insert("Verdict".to_owned(), json!(limited(verdict, DETAIL)));
    }
    if !brief.remark.is_empty() {
        details.insert("Note".to_owned(), json!(limited(&brief.remark, DETAIL)));
    }
    let mut body = json!({
        "summary": limited(&brief.short, SUMMARY),
        "source": incident.and_then(|one| one.source.as_ref()).unwrap_or(&plan.project.id).as_str(),
        "severity": severity,
        "timestamp": notification.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "group": plan.project.id.as_str(),
        "custom_details": details,
    });
    if let Some(incident) = incident {
        body["class"] = json!(incident.kind.as_str());
        if let Some(event) = &incident.event {
            body["component"] = json!(event.as_str());
        }
    }
    body
}

fn finish(plan: &Plan, mut event: Value, link: Option<&str>) -> Value {
    event["client"] = json!("Truecount");
    if let Some(url) = &plan.project.url {
        event["client_url"] = json!(url.as_str());
    }
    if let Some(link) = link {
        event["links"] = json!([{ "href": link, "text": "Open the incident" }]);
    }
    event
}
