//! ntfy: a title, lines of plain text, a priority, and a button that opens the incident.

use serde_json::{Value, json};

use crate::notify::{Notification, Reason};
use crate::plan::Plan;

use super::brief::{Brief, Tone, limited_bytes};

/// A longer message would arrive as an attachment (4,096 bytes).
const MESSAGE: usize = 3_500;

/// The message without its topic, which the sender adds.
pub fn message(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let (priority, tag) = match brief.tone {
        Tone::Good => (2, "white_check_mark"),
        Tone::Warning => (3, "warning"),
        Tone::Failing => (4, "rotating_light"),
        Tone::Critical => (5, "rotating_light"),
    };
    // A sample should be seen, and should not wake anybody.
    let priority = if notification.reason == Reason::Test {
        3
    } else {
        priority
    };
    let mut lines = brief.lines();
    lines.push(brief.foot.clone());
    let mut body = json!({
        "title": limited_bytes(&brief.head, 240),
        "message": limited_bytes(&lines.join("\n"), MESSAGE),
        "priority": priority,
        "tags": [tag],
    });
    if let Some(link) = &brief.link {
        body["click"] = json!(link);
        body["actions"] = json!([{ "action": "view", "label": "Open", "url": link }]);
    }
    body
}
