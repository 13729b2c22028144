//! Discord: one embed, nobody is ever pinged by a name.

use serde_json::{Value, json};

use crate::notify::Notification;
use crate::plan::Plan;

use super::brief::{Brief, Tone, limited};

/// Limits of an embed in characters; all of it together may have 6,000.
const CONTENT: usize = 1_000;
const TITLE: usize = 250;
const DESCRIPTION: usize = 2_500;
const FIELD: usize = 250;
const FOOTER: usize = 250;

/// The message.
pub fn message(plan: &Plan, notification: &Notification) -> Value {
    let brief = Brief::of(plan, notification);
    let color = match brief.tone {
        Tone::Good => 0x0f_8a_63,
        Tone::Warning => 0xd9_96_00,
        Tone::Failing | Tone::Critical => 0xc2_41_0c,
    };
    let mut text = Vec::new();
    if !brief.remark.is_empty() {
        text.push(format!("{}.", brief.remark));
    }
    match &brief.verdict {
        Some(verdict) => text.push(verdict.clone()),
        None if brief.list.is_empty() => text.push(brief.short.clone()),
        None => {}
    }
    text.extend(brief.list.iter().cloned());
    let fields: Vec<Value> = brief
        .rows
        .iter()
        .map(|(title, value)| {
            // Short facts stand beside each other.
            let inline = value.chars().count() <= 40;
            json!({ "name": title, "value": limited(&plain(value), FIELD), "inline": inline })
        })
        .collect();
    let mut embed = json!({
        "title": limited(&plain(&brief.head), TITLE),
        "description": limited(&plain(&text.join("\n")), DESCRIPTION),
        "color": color,
        "timestamp": notification.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "fields": fields,
        "footer": { "text": limited(&brief.foot, FOOTER) },
    });
    if let Some(link) = &brief.link {
        embed["url"] = json!(link);
    }
    json!({
        // The notification on a phone shows the content, not the embed.
        "content": limited(&plain(&brief.short), CONTENT),
        "username": "Truecount",
        "embeds": [embed],
        "allowed_mentions": { "parse": [] },
    })
}

/// Discord's Markdown: everything that could format, link or mention is escaped.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(
            letter,
            '\\' | '*' | '_' | '~' | '`' | '|' | '>' | '<' | '[' | ']' | '#' | '@'
        ) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
