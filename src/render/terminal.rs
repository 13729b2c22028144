//! Screens of the command line: results with shape, word and color.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::incident::{Incident, State};
use crate::model::{Evaluation, Held, Name, Outcome, Reading, Status, Timestamp};
use crate::notify::Silence;
use crate::plan::{How, Plan, PlanChange};

use super::{describe, words};

fn painted(text: &str, status: Option<Status>, color: bool) -> String {
    if !color {
        return text.to_owned();
    }
    let code = match status {
        Some(Status::Ok) => "32",
        Some(Status::Warning) => "33",
        Some(Status::Failing) => "31;1",
        None => "2",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

fn padded(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}

/// The screen of `check`.
pub fn check(plan: &Plan, seen: &[Evaluation], all: bool, now: Timestamp, color: bool) -> String {
    let calendar = &plan.project.calendar;
    let mut shown: Vec<&Evaluation> = seen.iter().filter(|one| !one.witness).collect();
    shown.sort_by_key(|one| (rank(one), one.check.clone(), one.bucket.grain));
    let mut out = format!(
        "{} · {} ({}) · {} results\n\n",
        plan.project.name,
        words::moment(calendar, now),
        calendar.zone().name(),
        shown.len()
    );
    let width = shown
        .iter()
        .map(|one| one.check.as_str().chars().count())
        .max()
        .unwrap_or(0)
        .clamp(20, 44);
    let fine =
        |one: &&&Evaluation| one.outcome.status() == Some(Status::Ok) && one.held == Held::No;
    for one in shown.iter().filter(|one| all || !fine(one)) {
        let state = if one.held == Held::ByBudget {
            "◌ Watched"
        } else {
            words::state(one.outcome.status())
        };
        let state = painted(&padded(state, 11), one.outcome.status(), color);
        out.push_str(&format!(
            "{state}{} {}\n",
            padded(one.check.as_str(), width + 1),
            line(plan, one)
        ));
    }
    let count = shown.iter().filter(fine).count();
    if !all && count > 0 {
        out.push_str(&format!(
            "{}{count} results\n",
            painted(&padded("● OK", 11), Some(Status::Ok), color)
        ));
    }
    if let Some(first) = shown.iter().find(|one| !fine(one)) {
        out.push_str(&format!("\nWhy: truecount explain {}\n", first.check));
    }
    out.push_str(&tally(&shown));
    out
}

fn rank(one: &Evaluation) -> u8 {
    match (one.outcome.status(), one.held) {
        (Some(Status::Failing), Held::No) => 0,
        (Some(Status::Warning), Held::No) => 1,
        (None, _) => 2,
        (_, Held::ByBudget) => 3,
        (Some(Status::Ok), Held::No) => 4,
    }
}

fn line(plan: &Plan, one: &Evaluation) -> String {
    let calendar = &plan.project.calendar;
    match &one.outcome {
        Outcome::NoData(gap) => words::gap(gap, calendar),
        Outcome::Known {
            finding,
            provisional,
            status,
        } => {
            let amount = &finding.now;
            let mut parts = vec![format!(
                "{}  expected {}",
                words::value(amount.observed, &finding.unit),
                words::range(amount, &finding.unit)
            )];
            let counts = matches!(
                finding.unit,
                crate::model::Unit::Count | crate::model::Unit::Money(_)
            );
            if let Some(change) = amount.change().filter(|_| counts) {
                parts.push(words::change(change));
            }
            if *status > Status::Ok {
                parts.push(format!("since {}", words::since(calendar, &finding.since)));
            }
            if !one.segment.is_empty() {
                parts.push(words::segment(&one.segment));
            }
            if let Some(part) = finding.segments.first() {
                parts.push(format!(
                    "{} {}",
                    words::segment(&part.segment),
                    words::change(part.change)
                ));
            }
            if let Some(detail) = finding.details.first().filter(|_| *status > Status::Ok) {
                parts.push(format!(
                    "{} {}",
                    words::cut(detail.what.as_str()),
                    words::cut(&detail.why)
                ));
            }
            if let Some(owner) = &one.owner {
                parts.push(owner.to_string());
            }
            if *provisional {
                parts.push("provisional".to_owned());
            }
            parts.join("  ")
        }
    }
}

fn tally(shown: &[&Evaluation]) -> String {
    let of = |status: Option<Status>| {
        shown
            .iter()
            .filter(|one| one.outcome.status() == status && one.held == Held::No)
            .count()
    };
    let watched = shown
        .iter()
        .filter(|one| one.held == Held::ByBudget)
        .count();
    let (failing, warning, none) = (
        of(Some(Status::Failing)),
        of(Some(Status::Warning)),
        of(None),
    );
    let watched = if watched > 0 {
        format!(", {watched} watched")
    } else {
        String::new()
    };
    format!("{failing} failing, {warning} warning, {none} without data{watched}")
}

/// The same for machines.
pub fn check_json(plan: &Plan, seen: &[Evaluation], now: Timestamp) -> Value {
    let list: Vec<Value> = seen
        .iter()
        .map(|one| {
            let finding = one.outcome.finding();
            json!({
                "check": one.check.as_str(),
                "kind": one.kind.as_str(),
                "status": one.outcome.status().map_or("no_data", Status::word),
                "watched": one.held == Held::ByBudget,
                "witness": one.witness,
                "source": one.source.as_ref().map(|source| source.as_str()),
                "bucket": one.bucket.label.to_string(),
                "grain": one.bucket.grain.word(),
                "observed": finding.map(|found| found.now.observed),
                "expected": finding.map(|found| found.now.expected),
                "range": finding.map(|found| [found.now.low, found.now.high]),
                "since": finding.map(|found| found.since.start.to_rfc3339()),
                "p": finding.and_then(|found| found.p),
                "not_judged": match &one.outcome {
                    Outcome::NoData(gap) => Some(words::gap(gap, &plan.project.calendar)),
                    Outcome::Known { .. } => None,
                },
            })
        })
        .collect();
    json!({ "version": 1, "project": plan.project.id.as_str(), "at": now.to_rfc3339(), "checks": list })
}

/// What `explain` shows.
pub struct Explanation<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Evaluations of the check.
    pub seen: &'a [Evaluation],
    /// The newest 28 values of its first question.
    pub past: &'a [Reading],
    /// The incident it belongs to.
    pub incident: Option<&'a Incident>,
    /// Settings in force: key, value, origin.
    pub settings: &'a [(String, String, String)],
    /// When.
    pub now: Timestamp,
    /// Whether to use color.
    pub color: bool,
}

/// Why a check says what it says.
pub fn explain(what: &Explanation<'_>) -> String {
    let calendar = &what.plan.project.calendar;
    let mut out = String::new();
    for one in what.seen {
        let status = one.outcome.status();
        let role = if one.witness {
            " (witness: never alarms alone)"
        } else {
            ""
        };
        let source = one
            .source
            .as_ref()
            .map_or(String::new(), |source| format!(" in {source}"));
        let state = painted(words::state(status), status, what.color);
        out.push_str(&format!(
            "{}{source}, by the {}: {state}{role}\n",
            one.check,
            one.bucket.grain.word()
        ));
        out.push_str(&format!(
            "  {:<12}{}\n",
            "Newest",
            words::since(calendar, &one.bucket)
        ));
        match &one.outcome {
            Outcome::NoData(gap) => out.push_str(&format!(
                "  {:<12}{}\n",
                "Not judged",
                words::gap(gap, calendar)
            )),
            Outcome::Known {
                finding,
                provisional,
                ..
            } => {
                let amount = &finding.now;
                out.push_str(&format!(
                    "  {:<12}{}  expected {} (range {}, {})\n",
                    "Seen",
                    words::value(amount.observed, &finding.unit),
                    words::value(amount.expected, &finding.unit),
                    words::range(amount, &finding.unit),
                    words::compared(&finding.compared_with)
                ));
                if finding.buckets > 1 {
                    let total = &finding.since_onset;
                    out.push_str(&format!(
                        "  {:<12}{}: {} of {} expected over {} {}s\n",
                        "Since",
                        words::since(calendar, &finding.since),
                        words::value(total.observed, &finding.unit),
                        words::value(total.expected, &finding.unit),
                        finding.buckets,
                        one.bucket.grain.word()
                    ));
                }
                if let Some(p) = finding.p {
                    out.push_str(&format!("  {:<12}combined p = {}\n", "Certainty", small(p)));
                }
                for part in finding.segments.iter().take(3) {
                    out.push_str(&format!(
                        "  {:<12}{} {}, explains {}\n",
                        "Where",
                        words::segment(&part.segment),
                        words::change(part.change),
                        words::share(part.share.clamp(0.0, 1.0))
                    ));
                }
                for detail in finding.details.iter().take(5) {
                    let what = words::cut(detail.what.as_str());
                    out.push_str(&format!(
                        "  {:<12}{what}: {} ({})\n",
                        "Found", detail.why, detail.count
                    ));
                }
                if one.held == Held::ByBudget {
                    out.push_str(&format!(
                        "  {:<12}held back by the alert budget of the plan\n",
                        "Watched"
                    ));
                }
                if *provisional {
                    out.push_str(&format!(
                        "  {:<12}the bucket may still change\n",
                        "Provisional"
                    ));
                }
            }
        }
        out.push('\n');
    }
    if !what.past.is_empty() {
        out.push_str(&format!("  {:<12}{}\n", "28 buckets", sparkline(what.past)));
    }
    if let Some(incident) = what.incident {
        let text = describe(what.plan, incident, what.now);
        out.push_str(&format!("  {:<12}{}\n", "Verdict", text.verdict));
        if let Some(likely) = text.likely {
            out.push_str(&format!("  {:<12}{likely}\n", "Before"));
        }
    }
    if !what.settings.is_empty() {
        out.push_str("\n  Settings\n");
        for (key, value, origin) in what.settings {
            out.push_str(&format!("    {key:<14}{value:<22}{origin}\n"));
        }
    }
    out
}

fn small(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.3}")
    } else {
        format!("{p:.1e}")
    }
}

/// Eight heights, newest at the right.
pub fn sparkline(past: &[Reading]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let newest = &past[past.len().saturating_sub(28)..];
    let most = newest.iter().map(|one| one.value).fold(0.0_f64, f64::max);
    newest
        .iter()
        .map(|one| {
            let share = if most > 0.0 {
                (one.value / most).clamp(0.0, 1.0)
            } else {
                0.0
            };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 7"
            )]
            let height = (share * 7.0).round() as usize;
            HEIGHTS.get(height).copied().unwrap_or('▁')
        })
        .collect()
}

/// One source for `status`.
pub struct SourceLine {
    /// Its name.
    pub name: Name,
    /// When it last answered.
    pub last_success: Option<Timestamp>,
    /// Why it failed last.
    pub failure: Option<String>,
}

/// The screen of `status`.
pub fn status(
    plan: &Plan,
    latest: &[Evaluation],
    incidents: &[Incident],
    sources: &[SourceLine],
    now: Timestamp,
    color: bool,
) -> String {
    let shown: Vec<&Evaluation> = latest.iter().filter(|one| !one.witness).collect();
    let mut out = format!(
        "{} · {}\n{}\n",
        plan.project.name,
        words::moment(&plan.project.calendar, now),
        tally(&shown)
    );
    let on: Vec<&Incident> = incidents.iter().filter(|one| one.is_on()).collect();
    if !on.is_empty() {
        out.push('\n');
        let list: Vec<Incident> = on.into_iter().cloned().collect();
        out.push_str(&self::incidents(plan, &list, now, color));
    }
    if !sources.is_empty() {
        out.push_str("\nSources\n");
    }
    for source in sources {
        let ago = source.last_success.map_or("never".to_owned(), |at| {
            format!("{} ago", words::span(now - at))
        });
        let fine = source.failure.is_none();
        let state = painted(
            if fine { "● " } else { "◆ " },
            Some(if fine { Status::Ok } else { Status::Failing }),
            color,
        );
        let why = source
            .failure
            .as_ref()
            .map_or(String::new(), |why| format!("  {}", words::cut(why)));
        out.push_str(&format!(
            "  {state}{} answered {ago}{why}\n",
            padded(source.name.as_str(), 20)
        ));
    }
    out
}

/// A list of incidents.
pub fn incidents(plan: &Plan, list: &[Incident], now: Timestamp, color: bool) -> String {
    if list.is_empty() {
        return "no incidents in the last 28 days\n".to_owned();
    }
    let mut out = String::new();
    for one in list {
        let text = describe(plan, one, now);
        let state = match one.state {
            State::Resolved { .. } => "resolved",
            State::Recovering { .. } => "recovering",
            State::Suspected { .. } => "suspected",
            State::Open if one.acknowledged.is_some() => "taken",
            State::Open => "open",
        };
        let number = one
            .number
            .map_or("—".to_owned(), |number| format!("#{number}"));
        let mark = painted(text.mark, Some(one.status), color);
        out.push_str(&format!(
            "{mark} {} {} {}  since {}\n",
            padded(&number, 5),
            padded(state, 10),
            text.head,
            text.since
        ));
    }
    out
}

/// Everything about one incident.
pub fn incident(plan: &Plan, one: &Incident, now: Timestamp, color: bool) -> String {
    let text = describe(plan, one, now);
    let mut out = incidents(plan, std::slice::from_ref(one), now, color);
    let mut row = |title: &str, value: Option<&String>| {
        if let Some(value) = value {
            out.push_str(&format!("  {title:<12}{value}\n"));
        }
    };
    row("Now", text.now.as_ref());
    row("Where", text.place.as_ref());
    row("Certainty", Some(&text.certainty));
    row("Verdict", Some(&text.verdict));
    row("Before", text.likely.as_ref());
    row("Impact", text.impact.as_ref());
    row("Owner", text.owner.as_ref());
    row("Checks", Some(&text.members.join(", ")));
    let taken = one
        .acknowledged
        .as_ref()
        .map(|(by, at)| format!("by {by}, {}", words::moment(&plan.project.calendar, *at)));
    row("Taken", taken.as_ref());
    out
}

/// Silences with their ids.
pub fn silences(plan: &Plan, list: &[Silence], now: Timestamp) -> String {
    if list.is_empty() {
        return "no silence is in force\n".to_owned();
    }
    let calendar = &plan.project.calendar;
    let line = |one: &Silence| {
        let matcher = &one.matcher;
        let what: Vec<String> = [
            &matcher.checks,
            &matcher.events,
            &matcher.sources,
            &matcher.owners,
        ]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
        let what = if what.is_empty() {
            "everything".to_owned()
        } else {
            what.join(", ")
        };
        let left = words::span(one.window.to - now);
        format!(
            "{}  {what}  until {} ({left} left)  {}, {}\n",
            one.id,
            words::moment(calendar, one.window.to),
            one.reason,
            one.by
        )
    };
    list.iter().map(line).collect()
}

/// Messages that nobody took: id, channel, reason, tries.
pub fn dead_letters(rows: &[(String, String, String, u32)]) -> String {
    if rows.is_empty() {
        return "every message was taken\n".to_owned();
    }
    let line = |(id, channel, why, tries): &(String, String, String, u32)| {
        format!(
            "{id}  {}  {tries} tries  {}\n",
            padded(channel, 24),
            words::cut(why)
        )
    };
    rows.iter().map(line).collect()
}

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
