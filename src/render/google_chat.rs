//! Google Chat: a card with the facts, a text for the notification, one thread per incident.

use serde_json::{Value, json};

use crate::notify::Notification;
use crate::plan::Plan;

use super::brief::{Brief, limited, limited_bytes};

/// A message may have 32,000 bytes; one part of ours never has more than these characters.
const TEXT: usize = 700;

/// The message; `thread` keeps messages about one incident together.
pub fn message(plan: &Plan, notification: &Notification, thread: &str) -> Value {
    let brief = Brief::of(plan, notification);
    let paragraph = |text: &str| json!({ "textParagraph": { "text": html(&limited(text, TEXT)) } });
    let mut widgets = Vec::new();
    if !brief.remark.is_empty() {
        widgets.push(paragraph(&format!("{}.", brief.remark)));
    }
    match &brief.verdict {
        Some(verdict) => widgets.push(paragraph(verdict)),
        None if brief.list.is_empty() => widgets.push(paragraph(&brief.short)),
        None => {}
    }
    widgets.extend(brief.rows.iter().map(|(title, value)| {
        json!({ "decoratedText": {
            "topLabel": title, "text": html(&limited(value, TEXT)), "wrapText": true,
        } })
    }));
    widgets.extend(brief.list.iter().map(|line| paragraph(line)));
    if let Some(link) = &brief.link {
        widgets.push(json!({ "buttonList": { "buttons": [
            { "text": "Open", "onClick": { "openLink": { "url": link } } },
        ] } }));
    }
    json!({
        "text": limited_bytes(&plain(&brief.short), 2_000),
        "thread": { "threadKey": thread },
        "cardsV2": [{
            "cardId": "truecount",
            "card": {
                "header": { "title": limited(&brief.head, 200), "subtitle": limited(&brief.foot, 200) },
                "sections": [{ "widgets": widgets }],
            },
        }],
    })
}

/// Texts of widgets read a little HTML.
fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text of a message has no escape: signs that format, link (`<…|…>`) or mention (`<users/all>`)
/// give way to signs that look alike.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| match letter {
            '<' => '‹',
            '>' => '›',
            '*' => '∗',
            '`' => '\'',
            '~' => '∼',
            '_' => '＿',
            other => other,
        })
        .collect()
}
