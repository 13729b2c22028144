//! Microsoft Teams: an Adaptive Card 1.4 in the envelope that a workflow's webhook takes.

use serde_json::{Value, json};

use crate::notify::Notification;
use crate::plan::Plan;

use super::brief::{Brief, Tone, limited};

/// A card is kept far below the 28 KB that Teams takes.
const TEXT: usize = 700;

/// The message.
pub fn message(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let color = match brief.tone {
        Tone::Good => "Good",
        Tone::Warning => "Warning",
        Tone::Failing | Tone::Critical => "Attention",
    };
    let block = |text: &str| json!({ "type": "TextBlock", "text": plain(&limited(text, TEXT)), "wrap": true });
    let mut body = vec![json!({
        "type": "TextBlock", "text": plain(&limited(&brief.head, 250)), "weight": "Bolder",
        "size": "Medium", "color": color, "wrap": true,
    })];
    if !brief.remark.is_empty() {
        body.push(block(&format!("{}.", brief.remark)));
    }
    match &brief.verdict {
        Some(verdict) => body.push(block(verdict)),
        None if brief.list.is_empty() => body.push(block(&brief.short)),
        None => {}
    }
    if !brief.rows.is_empty() {
        let facts: Vec<Value> = brief
            .rows
            .iter()
            .map(|(title, value)| json!({ "title": title, "value": plain(&limited(value, TEXT)) }))
            .collect();
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    body.extend(brief.list.iter().map(|line| block(line)));
    body.push(json!({
        "type": "TextBlock", "text": plain(&limited(&brief.foot, TEXT)), "isSubtle": true,
        "size": "Small", "wrap": true,
    }));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": { "width": "Full" },
        // Read aloud, and shown where cards cannot be drawn.
        "fallbackText": limited(&brief.short, TEXT),
        "speak": limited(&brief.short, TEXT),
        "body": body,
    });
    if let Some(link) = &brief.link {
        card["actions"] = json!([{ "type": "Action.OpenUrl", "title": "Open", "url": link }]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

/// Text blocks read a subset of Markdown: what could begin a link, a list or an emphasis is escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(
            letter,
            '\\' | '*' | '_' | '[' | ']' | '`' | '#' | '<' | '>' | '~'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
