//! What an audit says in whole sentences: the two at the top, the plan, and the foot.

use crate::incident::Incident;
use crate::model::{Calendar, Name, Period};
use crate::render::{facts, words};
use crate::report::Report;

use super::view::{amount, goal};

/// Names that are listed before the rest becomes a number.
const NAMES: usize = 4;

/// The two sentences at the top: what is wrong and what it costs; then what improved, and which
/// numbers can be relied on.
pub(super) fn gist(report: &Report) -> String {
    let calendar = Calendar::new(report.zone);
    let worst = report.gist.worst.and_then(|number| {
        let mut all = report.incidents.iter();
        all.find(|one| one.number == Some(number))
    });
    let wrong = match (worst, report.gist.farthest) {
        (Some(one), _) => trouble(one, report.gist.others, &calendar),
        (None, Some(at)) => {
            let one = &report.targets[at];
            format!(
                "No incident is open; farthest from its target is {}, {} where {} is wanted.",
                one.name.to_lowercase(),
                amount(one.current, one.measure),
                goal(one)
            )
        }
        (None, None) => "No incident is open and no known target is missed.".to_owned(),
    };
    format!("{wrong} {}", comfort(report))
}

/// The worst incident with its cost, and how many are open beside it.
fn trouble(one: &Incident, others: usize, calendar: &Calendar) -> String {
    let cost = facts::cost(one).map_or(String::new(), |cost| format!(", {cost}"));
    let number = one
        .number
        .map_or(String::new(), |number| format!(" (#{number})"));
    let more = match others {
        0 => "no other incident is open".to_owned(),
        1 => "1 more incident is open".to_owned(),
        many => format!("{many} more incidents are open"),
    };
    format!(
        "{} since {}{cost}{number}; {more}.",
        facts::head_line(one, calendar),
        words::since(calendar, &one.first)
    )
}

/// What got better, and what can be relied on.
fn comfort(report: &Report) -> String {
    let gist = &report.gist;
    let mut parts: Vec<String> = gist
        .improved
        .iter()
        .map(|at| {
            let one = &report.targets[*at];
            format!(
                "{} is back within its target ({} after {})",
                one.name.to_lowercase(),
                amount(one.current, one.measure),
                amount(one.previous, one.measure)
            )
        })
        .collect();
    if gist.ended > 0 {
        parts.push(format!("{} ended", words::many(gist.ended, "incident")));
    }
    let names = |names: &[Name]| {
        let spoken: Vec<String> = names
            .iter()
            .map(|one| words::spoken(one.as_str()))
            .collect();
        words::list(&spoken, NAMES)
    };
    parts.push(match (gist.sound.as_slice(), gist.doubtful.as_slice()) {
        ([], []) => "no event was counted on every day".to_owned(),
        (_, []) => "the counts of all events can be relied on".to_owned(),
        ([], doubtful) => format!("the counts of {} cannot be relied on", names(doubtful)),
        (sound, doubtful) => format!(
            "the counts of {} can be relied on, those of {} cannot",
            names(sound),
            names(doubtful)
        ),
    });
    words::capital(&format!("{}.", parts.join("; ")))
}

/// How the plan fared.
pub(super) fn coverage(report: &Report) -> Vec<String> {
    let coverage = &report.coverage;
    let mut lines = vec![format!(
        "{} of {} planned events were seen.",
        coverage.seen, coverage.planned
    )];
    let names = |names: &[Name]| {
        let all: Vec<String> = names.iter().map(|one| words::cut(one.as_str())).collect();
        words::list(&all, NAMES * 2)
    };
    for (what, found) in [
        ("Not seen", &coverage.missing),
        ("Requested and never seen", &coverage.overdue),
        ("Without an owner", &coverage.without_owner),
    ] {
        if !found.is_empty() {
            lines.push(format!("{what}: {}.", names(found)));
        }
    }
    if coverage.without_owner.is_empty() && coverage.planned > 0 {
        lines.push("Every event has an owner.".to_owned());
    }
    if !coverage.unplanned.is_empty() {
        let all: Vec<String> = coverage
            .unplanned
            .iter()
            .map(|(name, count)| {
                format!(
                    "{} ({})",
                    words::cut(name.as_str()),
                    words::number(*count as f64)
                )
            })
            .collect();
        lines.push(format!(
            "Arriving without a plan: {}.",
            words::list(&all, NAMES * 2)
        ));
    }
    lines
}

/// Period and zone, how far the data reaches, why it came, how to stop it.
pub(super) fn foot(report: &Report, calendar: &Calendar) -> Vec<String> {
    let last = report.window.to - chrono::TimeDelta::hours(1);
    let against = match report.period {
        Period::Week => "the week before and the same week 52 weeks before",
        Period::Month => "the month before and the same month of the year before, by the day",
    };
    let mut lines = vec![format!(
        "{} to {}, days in {}, against {against}. Numbers as known on {}.",
        words::day(calendar, report.window.from),
        words::day(calendar, last),
        report.zone.name(),
        words::moment(calendar, report.made_at)
    )];
    if let Some(table) = &report.asked_by {
        lines.push(format!(
            "You get this because [report.{table}] of {} names you. To stop it, answer with the word unsubscribe, or take your name out of `to` there.",
            report.project
        ));
    }
    lines
}
