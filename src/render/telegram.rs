//! Telegram: HTML with nothing but bold and one link.

use crate::notify::Notification;
use crate::plan::Plan;

use super::brief::{Brief, limited};

/// A message may have 4,096 characters after its tags are read.
const MOST: usize = 3_800;

/// The text of the message, for `parse_mode` HTML.
pub fn text(plan: &Plan, notification: &Notification) -> String {
    let brief = Brief::of(plan, notification);
    let head = limited(&brief.head, 300);
    let mut left = MOST.saturating_sub(head.chars().count());
    let mut out = vec![format!("<b>{}</b>", html(&head))];
    let mut add = |text: &str, shown: &dyn Fn(&str) -> String| {
        if left > 1 {
            let part = limited(text, left.min(700));
            left = left.saturating_sub(part.chars().count() + 1);
            out.push(shown(&part));
        }
    };
    let as_is = |part: &str| html(part);
    if !brief.remark.is_empty() {
        add(&format!("{}.", brief.remark), &as_is);
    }
    match &brief.verdict {
        Some(verdict) => add(verdict, &as_is),
        None if brief.list.is_empty() => add(&brief.short, &as_is),
        None => {}
    }
    for (title, value) in &brief.rows {
        add(value, &|text| format!("<b>{title}</b> {}", html(text)));
    }
    for line in &brief.list {
        add(line, &as_is);
    }
    add(&brief.foot, &as_is);
    if let Some(link) = &brief.link {
        out.push(format!("<a href=\"{}\">Open</a>", html(link)));
    }
    out.join("\n")
}

/// Telegram's HTML knows these four.
fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
