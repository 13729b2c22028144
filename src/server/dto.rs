//! The shapes of the API. Fields are only ever added within `v1`.

use serde::Serialize;
use serde_json::{Value, json};

use crate::incident::State;
use crate::model::{
    Evaluation, Finding, Gap, Held, Mark, Outcome, Segment, Shape, Status, Timestamp, Unit,
};
use crate::notify::Silence;
use crate::store::{LetterRow, Pull};

/// An instant as RFC 3339 in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// One result of a check.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts of one result, as the API names them"
)]
pub(super) struct CheckResult {
    check: String,
    kind: String,
    event: Option<String>,
    source: Option<String>,
    segment: Value,
    owner: Option<String>,
    primary: bool,
    witness: bool,
    /// `ok`, `warning`, `failing` or `no_data`.
    status: &'static str,
    /// Held back by the alert budget.
    watched: bool,
    provisional: bool,
    bucket: Value,
    finding: Option<Value>,
    /// Why it was not judged.
    not_judged: Option<String>,
}

impl CheckResult {
    pub(super) fn of(seen: &Evaluation) -> Self {
        let provisional = matches!(
            &seen.outcome,
            Outcome::Known {
                provisional: true,
                ..
            }
        );
        Self {
            check: seen.check.to_string(),
            kind: seen.kind.to_string(),
            event: seen.event.as_ref().map(ToString::to_string),
            source: seen.source.as_ref().map(ToString::to_string),
            segment: segment(&seen.segment),
            owner: seen.owner.as_ref().map(ToString::to_string),
            primary: seen.primary,
            witness: seen.witness,
            status: seen.outcome.status().map_or("no_data", Status::word),
            watched: seen.held == Held::ByBudget,
            provisional,
            bucket: json!({
                "grain": seen.bucket.grain.word(),
                "start": time(seen.bucket.start),
                "end": time(seen.bucket.end),
                "label": seen.bucket.label.to_string(),
                "zone": seen.bucket.zone.name(),
            }),
            finding: seen.outcome.finding().map(finding),
            not_judged: match &seen.outcome {
                Outcome::NoData(gap) => Some(reason(gap)),
                Outcome::Known { .. } => None,
            },
        }
    }
}

fn segment(segment: &Segment) -> Value {
    segment
        .iter()
        .map(|(key, value)| (key.to_string(), json!(value)))
        .collect()
}

fn finding(found: &Finding) -> Value {
    let amount = |amount: &crate::model::Amount| {
        json!({
            "observed": amount.observed,
            "expected": amount.expected,
            "range": [amount.low, amount.high],
            "change": amount.change_in(&found.unit),
        })
    };
    let shape = match found.shape {
        Shape::Count { value } => json!({ "count": value }),
        Shape::Ratio { k, n } => json!({ "k": k, "n": n }),
        Shape::Pair { a, b } => json!({ "a": a, "b": b }),
    };
    json!({
        "shape": shape,
        "unit": unit(&found.unit),
        "now": amount(&found.now),
        "total": amount(&found.since_onset),
        "since": time(found.since.start),
        "buckets": found.buckets,
        "p": found.p,
        "segments": found.segments.iter().map(|part| json!({
            "segment": segment(&part.segment),
            "change": part.change,
            "share_of_change": part.share,
        })).collect::<Vec<_>>(),
        "details": found.details.iter().map(|line| json!({
            "what": line.what.as_str(),
            "why": line.why,
            "count": line.count,
        })).collect::<Vec<_>>(),
    })
}

fn unit(unit: &Unit) -> String {
    match unit {
        Unit::Count => "count".to_owned(),
        Unit::Share => "share".to_owned(),
        Unit::Money(Some(currency)) => currency.clone(),
        Unit::Money(None) => "money".to_owned(),
        Unit::Days => "days".to_owned(),
        Unit::Hours => "hours".to_owned(),
        Unit::Difference => "difference".to_owned(),
    }
}

/// A gap in one word for machines and its reason.
pub(super) fn reason(gap: &Gap) -> String {
    match gap {
        Gap::NeverSeen => "nothing was ever read".to_owned(),
        Gap::Late { last } => format!("late: the newest value is of {}", time(*last)),
        Gap::SourceFailed { why } => format!("the pull failed: {why}"),
        Gap::TooFew {
            have,
            need,
            of,
            from,
        } => {
            let of = if *of == Unit::Days { "days" } else { "events" };
            let from = from.map_or(String::new(), |day| format!(", from {day} on"));
            format!("{have} of {need} {of} that are needed{from}")
        }
        Gap::Unfit { why } => why.clone(),
        Gap::Settling { final_at } => format!("not final before {}", time(*final_at)),
        Gap::Broken { why } => format!("the check itself failed: {why}"),
    }
}

/// One source.
pub(super) fn pull(pull: &Pull, success: Option<Timestamp>) -> Value {
    json!({
        "source": pull.source.as_str(),
        "last_try": time(pull.at),
        "last_success": success.map(time),
        "failure": pull.failure,
        "needs_a_person": pull.refused,
        "rows": pull.rows,
        "notes": pull.notes,
        "not_answered": pull.unanswerable.iter().map(|(_, why)| why).collect::<Vec<_>>(),
    })
}

/// One mark.
pub(super) fn mark(mark: &Mark) -> Value {
    json!({
        "at": time(mark.at),
        "kind": mark.kind.word(),
        "name": mark.name.as_str(),
        "source": mark.source.as_ref().map(ToString::to_string),
    })
}

/// One silence.
pub fn silence(silence: &Silence) -> Value {
    json!({
        "id": silence.id.hex(),
        "from": time(silence.window.from),
        "to": time(silence.window.to),
        "reason": silence.reason,
        "by": silence.by,
        "checks": silence.matcher.checks,
        "events": silence.matcher.events,
        "owners": silence.matcher.owners,
        "sources": silence.matcher.sources,
    })
}

/// One letter, without its body: that may hold what only the receiver should see.
pub(super) fn letter(row: &LetterRow) -> Value {
    json!({
        "id": row.letter.id.hex(),
        "route": row.letter.route.as_str(),
        "channel": row.letter.channel.as_str(),
        "state": row.state,
        "attempts": row.attempts,
        "why": row.why,
        "written_at": time(row.letter.written_at),
        "settled_at": row.settled_at.map(time),
    })
}

/// `suspected`, `open`, `recovering` or `resolved`.
pub(super) fn state(state: &State) -> &'static str {
    match state {
        State::Suspected { .. } => "suspected",
        State::Open => "open",
        State::Recovering { .. } => "recovering",
        State::Resolved { .. } => "resolved",
    }
}
