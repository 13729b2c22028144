//! What is said of an incident, in one order everywhere: what, how much, since when, what kind of
//! trouble, how sure, where, likely cause, impact, owner.

use crate::incident::{Cause, Certainty, Incident, Level, Verdict};
use crate::model::{Calendar, Finding, Gap, Mark, SegmentShare, Shape, Status, Timestamp, Unit};
use crate::plan::Plan;

use super::words;

/// An incident in words. Every medium prints these, so that they cannot disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentText {
    /// `Failing` or `Warning`.
    pub status: &'static str,
    /// `◆` or `▲`.
    pub mark: &'static str,
    /// `Purchase 61% below expected`.
    pub head: String,
    /// `15, expected 34–50 (−63%)`.
    pub now: Option<String>,
    /// `Fri 23 Oct (2 d 6 h)`.
    pub since: String,
    /// `Safari −96%, explains 97%`.
    pub place: Option<String>,
    /// `shop 120, consent refused −24, duplicates +2: 98 explained, web 60, unexplained −38`.
    pub bridge: Option<String>,
    /// `high: outside the range 3 days in a row`.
    pub certainty: String,
    /// `Real loss, not a tracking fault: hubspot fell by 61%`.
    /// `None` where neither is in question: a name, a setting, a parameter.
    pub verdict: Option<String>,
    /// `release web 4.18.0, Fri 23 Oct 08:41`.
    pub likely: Option<String>,
    /// `about 111 events, 44,400 EUR`.
    pub impact: Option<String>,
    /// `Mara Lind (growth)`.
    pub owner: Option<String>,
    /// Slack member id of the owner.
    pub owner_slack: Option<String>,
    /// Address of the incident's page.
    pub link: Option<String>,
    /// Where the rule stands: `rules/leads.toml:21`.
    pub rule: Option<String>,
    /// All checks that belong to it.
    pub members: Vec<String>,
}

/// Puts an incident into words.
pub fn describe(plan: &Plan, incident: &Incident, now: Timestamp) -> IncidentText {
    let calendar = &plan.project.calendar;
    let (status, mark) = match incident.status {
        Status::Failing => ("Failing", "◆"),
        Status::Warning | Status::Ok => ("Warning", "▲"),
    };
    let until = incident.over_at().unwrap_or(now);
    let lasted = words::span(until - incident.first.start);
    let owner = incident.owner.as_ref().map(|id| (id, plan.owners.get(id)));
    let link = plan.project.url.as_ref().zip(incident.number);
    IncidentText {
        status,
        mark,
        head: head_line(incident, calendar),
        // Of a changed setting there is no number to tell.
        now: incident
            .finding
            .as_ref()
            .filter(|_| incident.kind.as_str() != "settings")
            .map(now_line),
        since: format!("{} ({lasted})", words::since(calendar, &incident.first)),
        place: place(incident),
        bridge: incident
            .finding
            .as_ref()
            .and_then(|finding| finding.bridge.as_ref())
            .map(words::bridge),
        certainty: certainty(&incident.certainty),
        verdict: verdict(incident),
        likely: likely(incident, calendar),
        impact: impact(incident),
        owner: owner.as_ref().map(|(id, known)| match known {
            Some(known) => format!("{} ({id})", known.name),
            None => id.to_string(),
        }),
        owner_slack: owner.and_then(|(_, known)| known?.slack.clone()),
        link: link
            .map(|(url, number)| format!("{}/i/{number}", url.as_str().trim_end_matches('/'))),
        rule: incident.event.as_ref().and_then(|event| {
            plan.event(event)
                .map(|event| event.origin.clone())
                .or_else(|| {
                    plan.conversions
                        .iter()
                        .find(|one| one.name == *event)
                        .map(|one| one.origin.clone())
                })
        }),
        members: incident.members.iter().map(ToString::to_string).collect(),
    }
}

/// The marks near the onset, nearest first.
fn likely(incident: &Incident, calendar: &Calendar) -> Option<String> {
    let mark = |mark: &Mark| {
        let when = words::moment(calendar, mark.at);
        format!(
            "{} {}, {when}",
            mark.kind.word(),
            words::cut(mark.name.as_str())
        )
    };
    let marks: Vec<String> = incident.causes.iter().map(mark).collect();
    (!marks.is_empty()).then(|| marks.join("; "))
}

/// The head line speaks of the whole incident.
pub(super) fn head_line(incident: &Incident, calendar: &Calendar) -> String {
    let subject = incident.event.as_ref().map_or_else(
        || words::spoken(incident.check.as_str()),
        |event| words::spoken(event.as_str()),
    );
    let source = incident
        .source
        .as_ref()
        .map_or("", |source| source.as_str());
    if let Some(gap) = &incident.gap {
        return match gap {
            Gap::Late { last } => format!(
                "{source} has sent nothing since {}",
                words::moment(calendar, *last)
            ),
            Gap::SourceFailed { why } => format!("{source} cannot be read: {}", words::cut(why)),
            other => format!("{source}: {}", words::gap(other, calendar)),
        };
    }
    let Some(finding) = &incident.finding else {
        return words::capital(&subject);
    };
    let many = match &incident.cause {
        Cause::Source(_) => Some(format!("{} checks of {source}", incident.members.len())),
        Cause::Segment(segment) => Some(format!(
            "{} checks, {}",
            incident.members.len(),
            words::segment(segment)
        )),
        Cause::Parameter(name) => Some(format!("{} events lack {name}", incident.members.len())),
        Cause::Event(_) | Cause::Check(..) => None,
    };
    let text = match &many {
        Some(many) if incident.members.len() > 1 => {
            format!("{many}: {}", sentence(incident, finding, &subject))
        }
        _ => sentence(incident, finding, &subject),
    };
    words::capital(&text)
}

fn sentence(incident: &Incident, finding: &Finding, subject: &str) -> String {
    let total = &finding.since_onset;
    let change = total.change();
    let against = match change {
        Some(change) if change < 0.0 => format!("{} below expected", words::share(change)),
        Some(change) => format!("{} above expected", words::share(change)),
        None => format!(
            "{} where none was expected",
            words::value(total.observed, &finding.unit)
        ),
    };
    let source = incident
        .source
        .as_ref()
        .map_or("", |source| source.as_str());
    match (incident.kind.as_str(), finding.shape) {
        ("volume" | "rare", _) => format!("{subject} {against}"),
        ("completeness", _) => {
            format!(
                "{subject}: {} lack a required parameter",
                words::share(1.0 - total.observed)
            )
        }
        ("conformance", _) => format!(
            "{subject}: {} break the rule of a parameter",
            words::share(1.0 - total.observed)
        ),
        ("duplicates", _) => format!("{subject}: {} are repeats", words::share(total.observed)),
        ("freshness", _) => format!(
            "{source} has sent nothing for {}",
            words::value(finding.now.observed, &Unit::Hours)
        ),
        ("settings", _) => {
            let changed = finding.details.iter().map(|one| one.what.as_str());
            let changed: Vec<&str> = changed.take(3).collect();
            format!(
                "settings of {source} changed: {}",
                words::cut(&changed.join("; "))
            )
        }
        ("traffic", _) => format!(
            "{} of the traffic of {source} has no known source",
            words::share(total.observed)
        ),
        ("consent", _) => format!(
            "{} consent, expected {}",
            words::share(total.observed),
            words::range(&finding.now, &finding.unit)
        ),
        ("compare", Shape::Pair { a, b }) => apart(finding, subject, source, (a, b)),
        _ => format!(
            "{subject}: {}, expected {}",
            words::value(finding.now.observed, &finding.unit),
            words::range(&finding.now, &finding.unit)
        ),
    }
}

/// A comparison speaks of the whole trouble where both sides of it are known, else of the newest
/// bucket.
fn apart(finding: &Finding, subject: &str, source: &str, newest: (f64, f64)) -> String {
    let bridge = finding.bridge.as_ref();
    let told = |seen: f64, wanted: f64, baseline: f64| {
        let (seen, wanted) = (words::number(seen), words::number(wanted.max(0.0)));
        let baseline = words::number(baseline);
        let from = bridge.map_or_else(
            || format!("the baseline's {baseline}"),
            |bridge| format!("{baseline} in {}", bridge.from),
        );
        format!("{subject}: {source} counts {seen} where {wanted} were expected from {from}")
    };
    if let Some((other, baseline)) = &finding.sides {
        let total = &finding.since_onset;
        let scope = other.observed / (1.0 + total.observed).max(0.01);
        return told(
            other.observed,
            scope * (1.0 + total.expected),
            baseline.observed,
        );
    }
    // What is explained is no part of the expectation.
    let scope = bridge.map_or(newest.1, |bridge| bridge.comparable() as f64);
    told(newest.0, scope * (1.0 + finding.now.expected), newest.1)
}

fn now_line(finding: &Finding) -> String {
    let (now, unit) = (&finding.now, &finding.unit);
    let change = match unit {
        Unit::Count | Unit::Money(_) => now
            .change()
            .map(|change| format!(" ({})", words::change(change))),
        Unit::Share | Unit::Days | Unit::Hours | Unit::Difference => None,
    };
    format!(
        "{}, expected {}{}",
        words::value(now.observed, unit),
        words::range(now, unit),
        change.unwrap_or_default()
    )
}

fn place(incident: &Incident) -> Option<String> {
    if let Cause::Check(_, segment) | Cause::Segment(segment) = &incident.cause
        && !segment.is_empty()
    {
        return Some(words::segment(segment));
    }
    let finding = incident.finding.as_ref()?;
    if !finding.segments.is_empty() {
        let part = |part: &SegmentShare| {
            format!(
                "{} {}, explains {} of it",
                words::segment(&part.segment),
                words::change(part.change),
                words::share(part.share.clamp(0.0, 1.0))
            )
        };
        let parts: Vec<String> = finding.segments.iter().map(part).collect();
        return Some(parts.join("; "));
    }
    let details: Vec<String> = finding
        .details
        .iter()
        .take(3)
        .map(|one| format!("{} ({})", words::cut(one.what.as_str()), one.why))
        .collect();
    (!details.is_empty()).then(|| details.join(", "))
}

fn certainty(certainty: &Certainty) -> String {
    let word = match certainty.word {
        Level::High => "High",
        Level::Medium => "Medium",
        Level::Low => "Low",
    };
    if certainty.ground.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {}", certainty.ground)
    }
}

fn verdict(incident: &Incident) -> Option<String> {
    let in_question = matches!(
        incident.kind.as_str(),
        "volume" | "rare" | "compare" | "rate" | "duplicates"
    );
    if incident.verdict == Verdict::Unknown && !in_question {
        return None;
    }
    let others: Vec<String> = incident
        .companions
        .iter()
        .map(|one| {
            let moved = if one.outside { "moved" } else { "held" };
            format!("{} {moved} ({})", one.source, words::change(one.change))
        })
        .collect();
    let others = if others.is_empty() {
        String::new()
    } else {
        format!(": {}", others.join(", "))
    };
    Some(match incident.verdict {
        Verdict::RealLoss => format!("Real loss, not a tracking fault{others}"),
        Verdict::TrackingLoss => format!("Tracking fault, the business is fine{others}"),
        Verdict::SyncFault => format!("Sync fault: records do not arrive{others}"),
        Verdict::Duplication => format!("Counted twice, or bots{others}"),
        Verdict::ConsentShift => format!("Consent shifted{others}"),
        Verdict::Unknown if incident.companions.is_empty() => {
            "Not known whether tracking or demand: no second system to compare with".to_owned()
        }
        Verdict::Unknown => format!("Not known whether tracking or demand{others}"),
    })
}

/// What became of the events: a tracking fault loses only their counts.
fn lost(incident: &Incident, impact: &crate::incident::Impact) -> &'static str {
    let unseen = matches!(
        incident.verdict,
        Verdict::TrackingLoss | Verdict::ConsentShift
    );
    match (impact.count < 0.0, unseen) {
        (true, true) => "not counted",
        (true, false) => "missing",
        (false, _) => "too many",
    }
}

/// What an incident costs, in short: `about 2,572 missing, 154,320 EUR`.
pub(super) fn cost(incident: &Incident) -> Option<String> {
    let impact = incident.impact.as_ref()?;
    let word = lost(incident, impact);
    let money = impact
        .value
        .as_ref()
        .map(|(amount, currency)| format!(", {} {currency}", words::number(amount.abs().round())));
    Some(format!(
        "about {} {word}{}",
        words::number(impact.count.abs().round()),
        money.unwrap_or_default()
    ))
}

fn impact(incident: &Incident) -> Option<String> {
    let impact = incident.impact.as_ref()?;
    let word = lost(incident, impact);
    let money = impact
        .value
        .as_ref()
        .map_or(String::new(), |(amount, currency)| {
            format!(", {} {currency}", words::number(amount.abs().round()))
        });
    // The interval in the direction of the count: what is missing is not less than nothing missing.
    let ends = [impact.low, impact.high].map(|end| end * impact.count.signum());
    let (least, most) = (ends[0].min(ends[1]).max(0.0), ends[0].max(ends[1]).max(0.0));
    Some(format!(
        "about {} {word} ({}–{}){money}",
        words::number(impact.count.abs().round()),
        words::number(least.round()),
        words::number(most.round())
    ))
}
