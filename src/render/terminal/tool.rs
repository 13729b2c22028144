//! Screens of `pull`, `doctor`, `diff` and `demo`.

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use crate::model::{Calendar, Grain, Name, Question, Status, Subject, Window};
use crate::plan::{How, PlanChange};

use super::{padded, painted, words};

/// One window of a pull that was not made.
pub struct Planned<'a> {
    /// From when to when.
    pub window: Window,
    /// What would be asked.
    pub questions: &'a [Question],
    /// Calls.
    pub requests: u32,
    /// Quota units of the source; 0 where it has none.
    pub units: u32,
}

/// `purchase: count by the day`
fn wording(question: &Question) -> String {
    let subject = match &question.subject {
        Subject::Event(name) => name.as_str(),
        Subject::AnyEvent => "every event",
        Subject::Sessions => "sessions",
    };
    let grain = match question.grain {
        Grain::Hour => "hour",
        Grain::Day => "day",
        Grain::Week => "week",
    };
    let by: String = question
        .by
        .iter()
        .map(|name| format!(" and {name}"))
        .collect();
    format!("{subject}: {} by the {grain}{by}", question.measure.text())
}

/// What a pull would ask.
pub fn forecast(source: &Name, planned: &[Planned<'_>], calendar: &Calendar) -> String {
    let requests: u32 = planned.iter().map(|one| one.requests).sum();
    let units: u32 = planned.iter().map(|one| one.units).sum();
    let quota = if units > 0 {
        format!(", about {units} quota units")
    } else {
        String::new()
    };
    let mut out = format!(
        "{}about {requests} requests{quota}\n",
        padded(source.as_str(), 20)
    );
    for one in planned {
        let (first, last) = days(one.window, calendar);
        out.push_str(&format!("  {first} to {last}\n"));
        for question in one.questions {
            out.push_str(&format!("    {}\n", wording(question)));
        }
    }
    out
}

/// The first and the last day of a window.
fn days(window: Window, calendar: &Calendar) -> (NaiveDate, NaiveDate) {
    let last = window.to - TimeDelta::seconds(1);
    (
        calendar.local(window.from).date(),
        calendar.local(last).date(),
    )
}

/// The same for machines.
pub fn forecast_json(source: &Name, planned: &[Planned<'_>], calendar: &Calendar) -> Value {
    let windows: Vec<Value> = planned
        .iter()
        .map(|one| {
            let (first, last) = days(one.window, calendar);
            let questions: Vec<String> = one.questions.iter().map(wording).collect();
            json!({
                "from": first.to_string(), "to": last.to_string(), "questions": questions,
                "requests": one.requests, "quota_units": one.units,
            })
        })
        .collect();
    json!({ "source": source.as_str(), "windows": windows })
}

/// What a pull brought, for machines.
pub fn pulled_json(
    source: &Name,
    rows: u64,
    took: TimeDelta,
    failure: Option<&str>,
    notes: &[String],
) -> Value {
    json!({
        "source": source.as_str(), "values": rows, "took_ms": took.num_milliseconds(),
        "failure": failure, "notes": notes,
    })
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

/// How far a pull is.
pub struct Reached {
    /// Requests that are behind us.
    pub done: u64,
    /// Requests that were expected; with sources that need fewer it ends early.
    pub all: u64,
    /// Since the beginning.
    pub took: std::time::Duration,
    /// What the source said of its quota.
    pub quota: Option<String>,
}

/// `12 of 40 requests, about 9 s left, 184,000 daily tokens left`
pub fn progress(reached: &Reached) -> String {
    let Reached {
        done, all, took, ..
    } = reached;
    let mut parts = vec![format!(
        "{} of {} requests",
        words::number(*done as f64),
        words::number(*all as f64)
    )];
    // Too early to tell anything before.
    if *done > 0 && took.as_secs() >= 2 {
        let rest = took.as_secs_f64() / *done as f64 * all.saturating_sub(*done) as f64;
        parts.push(format!("about {} left", length(rest)));
    }
    parts.extend(reached.quota.clone());
    parts.join(", ")
}

/// The same as a line of its own.
pub fn progress_line(source: &Name, reached: &Reached) -> String {
    format!("{source}: {}", progress(reached))
}

/// `9 s`, `4 min`, `2 h`: an estimate needs no more.
fn length(seconds: f64) -> String {
    let whole = seconds.ceil();
    if whole < 90.0 {
        format!("{whole:.0} s")
    } else if whole < 90.0 * 60.0 {
        format!("{:.0} min", whole / 60.0)
    } else {
        format!("{:.0} h", whole / 3_600.0)
    }
}

/// How a thing is that `doctor` looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Good,
    /// It works, and something is worth a word.
    Note,
    /// It could not be reached now.
    Away,
    /// It does not work until somebody acts.
    Bad,
}

/// One line of `doctor`: one thing, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub health: Health,
    /// The thing.
    pub title: String,
    /// What was found.
    pub text: String,
    /// What to do.
    pub remedy: Option<String>,
}

impl Finding {
    /// It works.
    pub fn good(title: &str, text: &str) -> Self {
        Self {
            health: Health::Good,
            title: title.to_owned(),
            text: text.to_owned(),
            remedy: None,
        }
    }

    /// It works, and something is worth a word; what to do.
    pub fn note(title: &str, text: &str, remedy: &str) -> Self {
        Self {
            health: Health::Note,
            ..Self::bad(title, text, remedy)
        }
    }

    /// It could not be reached; what to do when that lasts.
    pub fn away(title: &str, text: &str, remedy: &str) -> Self {
        Self {
            health: Health::Away,
            ..Self::bad(title, text, remedy)
        }
    }

    /// It does not work; what to do.
    pub fn bad(title: &str, text: &str, remedy: &str) -> Self {
        Self {
            health: Health::Bad,
            title: title.to_owned(),
            text: text.to_owned(),
            remedy: Some(remedy.to_owned()),
        }
    }

    fn mark(&self) -> (char, Status) {
        match self.health {
            Health::Good => ('✓', Status::Ok),
            Health::Note => ('!', Status::Warning),
            Health::Away | Health::Bad => ('✗', Status::Failing),
        }
    }
}

/// `1 problem`, `2 problems`
fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// The screen of `doctor`.
pub fn doctor(findings: &[Finding], color: bool) -> String {
    let longest = findings.iter().map(|one| one.title.chars().count()).max();
    let width = longest.unwrap_or(0).clamp(14, 32) + 2;
    let mut out = String::new();
    for one in findings {
        let (mark, status) = one.mark();
        let mark = painted(&mark.to_string(), Some(status), color);
        out.push_str(&format!(
            "{mark} {}{}\n",
            padded(&one.title, width),
            one.text
        ));
        if let Some(remedy) = &one.remedy {
            out.push_str(&format!("  {}{remedy}\n", padded("", width)));
        }
    }
    let of = |status: Status| findings.iter().filter(|one| one.mark().1 == status).count();
    out.push_str(&format!(
        "{} ok, {}, {}\n",
        of(Status::Ok),
        counted(of(Status::Failing), "problem"),
        counted(of(Status::Warning), "note")
    ));
    out
}

/// The same for machines.
pub fn doctor_json(findings: &[Finding]) -> Value {
    let list: Vec<Value> = findings
        .iter()
        .map(|one| {
            let state = match one.health {
                Health::Good => "ok",
                Health::Note => "note",
                Health::Away => "unreachable",
                Health::Bad => "problem",
            };
            json!({ "test": one.title, "state": state, "found": one.text, "remedy": one.remedy })
        })
        .collect();
    json!({ "version": 1, "tests": list })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_what_is_left_when_it_can_be_known() {
        let reached = |done, seconds| Reached {
            done,
            all: 1_200,
            took: std::time::Duration::from_secs(seconds),
            quota: None,
        };
        assert_eq!(progress(&reached(0, 30)), "0 of 1,200 requests");
        assert_eq!(progress(&reached(300, 1)), "300 of 1,200 requests");
        assert_eq!(
            progress(&reached(300, 20)),
            "300 of 1,200 requests, about 60 s left"
        );
        assert_eq!(
            progress(&reached(12, 20)),
            "12 of 1,200 requests, about 33 min left"
        );
        let web = Name::clean("web");
        let quota = Some("184,000 daily tokens left".to_owned());
        assert_eq!(
            progress_line(
                &web,
                &Reached {
                    quota,
                    ..reached(1_200, 80)
                }
            ),
            "web: 1,200 of 1,200 requests, about 0 s left, 184,000 daily tokens left"
        );
    }
}
