//! Slack messages in Block Kit: the finding first, six blocks at most, every foreign text escaped.

use serde_json::{Value, json};

use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::brief::{Brief, limited};
use super::{IncidentText, describe, words};

/// Limits of Block Kit that we meet, with room.
const HEADER: usize = 140;
const FIELD: usize = 500;
const SECTION: usize = 2_800;

/// The message.
pub fn message(plan: &Plan, notification: &Notification) -> Value {
    match (notification.reason, notification.incidents.as_slice()) {
        (Reason::Test, _) => test(plan),
        (Reason::Trouble | Reason::Recovered, _) => {
            let brief = Brief::of(plan, notification);
            plain(&brief.head, &brief.short)
        }
        (Reason::Digest, _) => digest(plan, notification),
        (_, [one]) => incident(plan, notification, &describe(plan, one, notification.at)),
        _ => digest(plan, notification),
    }
}

/// Only these three are special in Slack's text; escaping `<` also stops `<!channel>`.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// What precedes the head line, by the reason.
pub(super) fn preface(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Opened
        | Reason::Report
        | Reason::Test
        | Reason::Trouble
        | Reason::Recovered
        | Reason::Digest => None,
        Reason::Worsened => Some("Worse"),
        Reason::Eased => Some("Better, not over"),
        Reason::VerdictChanged => Some("New diagnosis"),
        Reason::Acknowledged => Some("Taken"),
        Reason::Resolved => Some("Resolved"),
        Reason::Reopened => Some("Back again"),
        Reason::Reminder => Some("Still"),
        Reason::Escalated => Some("Nobody took this yet"),
        Reason::Flapping => Some("Comes and goes; quiet until it is steady for a day"),
        Reason::SilenceEnded => Some("The silence has ended, this lasts"),
        Reason::Past => Some("Began and ended while nobody could be told"),
    }
}

#[expect(clippy::too_many_lines, reason = "one message from top to bottom")]
fn incident(plan: &Plan, notification: &Notification, text: &IncidentText) -> Value {
    let over = matches!(notification.reason, Reason::Resolved | Reason::Past);
    let mark = if over { "●" } else { text.mark };
    let before = preface(notification.reason).map_or(String::new(), |words| format!("{words}: "));
    let head = format!("{mark} {before}{}", text.head);
    let short = format!(
        "{}{}: {} since {}.{}{}",
        before,
        if over { "over" } else { text.status },
        text.head,
        text.since,
        text.now
            .as_ref()
            .map_or(String::new(), |now| format!(" Now {now}.")),
        text.owner
            .as_ref()
            .map_or(String::new(), |owner| format!(" Owner: {owner}")),
    );
    let field = |title: &str, body: &str| json!({ "type": "mrkdwn", "text": limited(&format!("*{title}*\n{}", escaped(body)), FIELD) });
    let mut fields = Vec::new();
    if let Some(now) = &text.now {
        fields.push(field("Now", now));
    }
    fields.push(field("Since", &text.since));
    if let Some(place) = &text.place {
        fields.push(field("Where", place));
    }
    if let Some(bridge) = &text.bridge {
        fields.push(field("Gap", bridge));
    }
    fields.push(field("Certainty", &text.certainty));
    let mut lines = Vec::new();
    if !notification.remark.is_empty() {
        let remark = words::capital(&notification.remark);
        lines.push(format!("_{}._", escaped(&remark)));
    }
    lines.extend(text.verdict.as_deref().map(bold));
    if let Some(likely) = &text.likely {
        lines.push(format!("*Just before:* {}", escaped(likely)));
    }
    if let Some(impact) = &text.impact {
        lines.push(format!("*Impact:* {}", escaped(impact)));
    }
    if let Some(owner) = &text.owner {
        let who = match &text.owner_slack {
            Some(id) if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => format!("<@{id}>"),
            _ => escaped(owner),
        };
        lines.push(format!("*Owner:* {who}"));
    }
    if text.members.len() > 1 {
        let list: Vec<String> = text
            .members
            .iter()
            .take(8)
            .map(|name| format!("`{}`", escaped(name)))
            .collect();
        let more = text.members.len().saturating_sub(8);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        lines.push(format!("*Checks:* {}{more}", list.join(", ")));
    }
    let mut foot = vec![escaped(plan.project.name.as_str())];
    if let Some(link) = &text.link {
        foot.insert(0, format!("<{link}|Open incident>"));
    }
    if let Some(rule) = &text.rule {
        foot.push(format!("rule `{}`", escaped(rule)));
    }
    json!({
        "text": limited(&escaped(&short), 1_000),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": limited(&head, HEADER), "emoji": false } },
            { "type": "section", "fields": fields },
            { "type": "section", "text": { "type": "mrkdwn", "text": limited(&lines.join("\n"), SECTION) } },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": limited(&foot.join(" · "), 1_000) }] },
        ],
    })
}

/// The part before the colon in bold.
fn bold(verdict: &str) -> String {
    match verdict.split_once(':') {
        Some((first, rest)) => format!("*{}:*{}", escaped(first), escaped(rest)),
        None => format!("*{}*", escaped(verdict)),
    }
}

fn digest(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let mut lines: Vec<String> = brief.list.iter().map(|line| escaped(line)).collect();
    if !brief.remark.is_empty() {
        lines.insert(0, format!("_{}._", escaped(&brief.remark)));
    }
    let mut foot = vec![escaped(&brief.foot)];
    if let Some(link) = &brief.link {
        foot.insert(0, format!("<{link}|Open all>"));
    }
    json!({
        "text": limited(&escaped(&brief.short), 1_000),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": limited(&brief.head, HEADER), "emoji": false } },
            { "type": "section", "text": { "type": "mrkdwn", "text": limited(&lines.join("\n"), SECTION) } },
            { "type": "context", "elements": [{ "type": "mrkdwn", "text": limited(&foot.join(" · "), 1_000) }] },
        ],
    })
}

fn test(plan: &Plan) -> Value {
    let name = plan.project.name.as_str();
    let text = format!("Test: {name} can reach this channel. This is a sample, nothing is wrong.");
    plain("● Test message from Truecount", &text)
}

/// A head and one sentence.
fn plain(head: &str, text: &str) -> Value {
    json!({
        "text": escaped(text),
        "blocks": [
            { "type": "header", "text": { "type": "plain_text", "text": head, "emoji": false } },
            { "type": "section", "text": { "type": "mrkdwn", "text": limited(&escaped(text), SECTION) } },
        ],
    })
}
