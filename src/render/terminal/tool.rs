//! Screens of `pull`, `doctor`, `diff` and `demo`.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::model::{Name, Status};
use crate::plan::{How, PlanChange};

use super::{padded, painted};

/// What a pull would ask.
pub fn forecast(source: &Name, asks: usize, requests: u32, units: u32) -> String {
    let units = if units > 0 {
        format!(", about {units} quota units")
    } else {
        String::new()
    };
    format!(
        "{}{asks} windows, {requests} requests{units}",
        padded(source.as_str(), 20)
    )
}

/// What a pull brought.
pub fn pulled(
    source: &Name,
    rows: u64,
    took: TimeDelta,
    failure: Option<&str>,
    notes: &[String],
) -> String {
    let milliseconds = took.num_milliseconds();
    let mut out = match failure {
        None => format!(
            "✓ {}{rows} values in {milliseconds} ms\n",
            padded(source.as_str(), 20)
        ),
        Some(why) => format!("✗ {}{why}\n", padded(source.as_str(), 20)),
    };
    for note in notes {
        out.push_str(&format!("  {note}\n"));
    }
    out
}

/// One line of `doctor`.
pub struct Finding {
    mark: char,
    title: String,
    text: String,
    remedy: Option<String>,
}

impl Finding {
    /// It works.
    pub fn good(title: &str, text: &str) -> Self {
        Self {
            mark: '✓',
            title: title.to_owned(),
            text: text.to_owned(),
            remedy: None,
        }
    }

    /// It works, and something is worth a word.
    pub fn remark(title: &str, text: &str) -> Self {
        Self {
            mark: '!',
            title: title.to_owned(),
            text: text.to_owned(),
            remedy: None,
        }
    }

    /// It does not work; what to do.
    pub fn bad(title: &str, text: &str, remedy: &str) -> Self {
        Self {
            mark: '✗',
            title: title.to_owned(),
            text: text.to_owned(),
            remedy: Some(remedy.to_owned()),
        }
    }

    /// Whether somebody must act.
    pub fn is_bad(&self) -> bool {
        self.mark == '✗'
    }
}

/// The screen of `doctor`.
pub fn doctor(findings: &[Finding], color: bool) -> String {
    let mut out = String::new();
    for one in findings {
        let status = match one.mark {
            '✓' => Status::Ok,
            '!' => Status::Warning,
            _ => Status::Failing,
        };
        let mark = painted(&one.mark.to_string(), Some(status), color);
        out.push_str(&format!("{mark} {}{}\n", padded(&one.title, 22), one.text));
        if let Some(remedy) = &one.remedy {
            out.push_str(&format!("  {}{remedy}\n", padded("", 22)));
        }
    }
    let of = |mark: char| findings.iter().filter(|one| one.mark == mark).count();
    out.push_str(&format!(
        "{} ok, {} problems, {} notes\n",
        of('✓'),
        of('✗'),
        of('!')
    ));
    out
}

/// What a change of the plan means.
pub fn diff(changes: &[PlanChange], color: bool) -> String {
    let mut out = String::new();
    for one in changes {
        let (sign, status) = match one.how {
            How::Added => ('+', Status::Ok),
            How::Changed => ('~', Status::Warning),
            How::Removed => ('-', Status::Failing),
        };
        let breaking = if one.breaking { "   breaking" } else { "" };
        let sign = painted(&sign.to_string(), Some(status), color);
        out.push_str(&format!(
            "  {sign} {} {}{breaking}\n",
            padded(one.what, 11),
            one.name
        ));
        for detail in &one.details {
            out.push_str(&format!("      {detail}\n"));
        }
    }
    let of = |how: How| changes.iter().filter(|one| one.how == how).count();
    let breaking = changes.iter().filter(|one| one.breaking).count();
    out.push_str(&format!(
        "\n{} added, {} changed, {} removed; {breaking} breaking\n",
        of(How::Added),
        of(How::Changed),
        of(How::Removed)
    ));
    out
}

/// The same for machines.
pub fn diff_json(changes: &[PlanChange]) -> Value {
    let list: Vec<Value> = changes
        .iter()
        .map(|one| {
            let how = match one.how {
                How::Added => "added",
                How::Changed => "changed",
                How::Removed => "removed",
            };
            json!({ "how": how, "what": one.what, "name": one.name, "details": one.details, "breaking": one.breaking })
        })
        .collect();
    json!({ "version": 1, "changes": list })
}

/// Faults that were planted: found or missed, and what was said.
pub fn scorecard(lines: &[(bool, String)], color: bool) -> String {
    let mut out = String::new();
    for (found, text) in lines {
        let status = if *found { Status::Ok } else { Status::Failing };
        let mark = painted(
            if *found { "✓ found " } else { "✗ missed" },
            Some(status),
            color,
        );
        out.push_str(&format!("{mark}  {text}\n"));
    }
    let found = lines.iter().filter(|(found, _)| *found).count();
    out.push_str(&format!("{found} of {} found\n", lines.len()));
    out
}

/// A Slack message as it would look, in plain text.
pub fn slack_preview(message: &Value) -> String {
    let mut out = String::new();
    for block in message["blocks"].as_array().into_iter().flatten() {
        let texts = block["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(block["elements"].as_array().into_iter().flatten());
        let own = std::iter::once(block).filter(|one| one["text"].is_object());
        for one in own.map(|one| &one["text"]).chain(texts) {
            let text = one["text"].as_str().unwrap_or_default();
            for line in text.lines() {
                out.push_str(&format!("  │ {line}\n"));
            }
        }
        out.push_str("  │\n");
    }
    out
}
