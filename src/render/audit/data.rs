//! The audit for machines: JSON and CSV with every figure, and five lines for Slack.

use serde_json::{Value, json};

use crate::model::{Name, Period};
use crate::report::Report;

/// Every figure, versioned. `this_week` and `last_week` of an audit of a month are `this_month` and
/// `last_month`.
pub fn json(report: &Report) -> String {
    let mut value = json!({
        "version": 1,
        "project": report.project,
        "period": report.period.word(),
        report.period.word(): report.label,
        "from": time(report.window.from),
        "to": time(report.window.to),
        "zone": report.zone.name(),
        "made_at": time(report.made_at),
        "headline": report.headline,
        "summary": super::sentence::gist(report),
        "not_checked": report.not_checked.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        "incidents": report.incidents.iter().filter_map(|one| one.number).collect::<Vec<_>>(),
        "minutes": {
            "to_notice": report.speed.notice.map(|time| time.num_minutes()),
            "to_acknowledge": report.speed.acknowledge.map(|time| time.num_minutes()),
            "to_mend": report.speed.mend.map(|time| time.num_minutes()),
        },
        "tasks": report.tasks.iter().map(|one| json!({ "what": one.what, "owner": one.owner, "incident": one.incident, "path": one.path })).collect::<Vec<_>>(),
    });
    for (key, lines) in figures(report).into_iter().chain(surroundings(report)) {
        value[key] = lines;
    }
    format!("{value:#}\n")
}

fn time(at: crate::model::Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn texts<'a>(names: impl IntoIterator<Item = &'a Name>) -> Vec<&'a str> {
    names.into_iter().map(Name::as_str).collect()
}

/// What is measured.
fn figures(report: &Report) -> Vec<(&'static str, Value)> {
    let (now, before) = keys(report.period);
    let list = |lines: Vec<Value>| Value::Array(lines);
    let targets = report.targets.iter().map(|one| {
        json!({
            "name": one.name, now: one.current, before: one.previous, "goal": one.goal,
            "more_is_better": one.more_is_better, "met": one.met(), "why": one.why,
        })
    });
    let counts = report.counts.iter().map(|one| {
        json!({
            "name": one.name.as_str(), "source": one.source.as_str(), now: one.current,
            before: one.previous, "last_year": one.last_year, "incidents": one.doubts,
        })
    });
    let channels = report.channels.iter().map(|one| {
        json!({
            "event": one.event.as_str(), "by": one.dimension.as_str(), "value": one.value,
            now: one.current, before: one.previous, "last_year": one.last_year,
            "incidents": one.doubts,
        })
    });
    let funnels = report.funnels.iter().map(|one| {
        json!({
            "funnel": one.funnel.as_str(), "from": one.from.as_str(), "to": one.to.as_str(),
            now: one.current, before: one.previous, "provisional": one.provisional,
            "incidents": one.doubts,
        })
    });
    let payload = report
        .payload
        .iter()
        .map(|one| json!({ "check": one.check.as_str(), now: one.current, before: one.previous }));
    let gaps = report.gaps.iter().map(|one| {
        json!({
            "check": one.check.as_str(), "days": one.days, "of_days": one.of,
            "incidents": one.doubts, "bridge": crate::render::webhook::bridge(&one.bridge),
        })
    });
    vec![
        ("targets", list(targets.collect())),
        ("counts", list(counts.collect())),
        ("channels", list(channels.collect())),
        ("funnels", list(funnels.collect())),
        ("payload_changes", list(payload.collect())),
        ("gaps", list(gaps.collect())),
    ]
}

/// What it rests on, and what only a month holds.
fn surroundings(report: &Report) -> Vec<(&'static str, Value)> {
    let coverage = &report.coverage;
    let plan = json!({
        "planned": coverage.planned,
        "seen": coverage.seen,
        "missing": texts(&coverage.missing),
        "overdue": texts(&coverage.overdue),
        "without_owner": texts(&coverage.without_owner),
        "unplanned": coverage.unplanned.iter().map(|(name, count)| json!({ "name": name.as_str(), "count": count })).collect::<Vec<_>>(),
        "changes": coverage.changes.iter().map(|one| json!({ "at": time(one.at), "what": one.what.as_str() })).collect::<Vec<_>>(),
    });
    let sources = report.sources.iter().map(|one| {
        json!({
            "name": one.name.as_str(), "pulls": one.pulls, "failed": one.failed, "why": one.why,
            "hours_late": one.late.map(|late| late.num_minutes() as f64 / 60.0), "quota": one.quota,
        })
    });
    let mut found = vec![
        ("coverage", plan),
        ("sources", Value::Array(sources.collect())),
    ];
    if report.period == Period::Month {
        let depth = &report.depth;
        let (now, before) = keys(report.period);
        let repeats = depth.repeats.iter().map(|one| {
            json!({ "event": one.event.as_str(), "repeats": one.repeats, now: one.current, before: one.previous })
        });
        let mappings = depth.mappings.iter().map(|one| {
            json!({
                "event": one.event.as_str(), "source": one.source.as_str(),
                "known_as": one.known_as, "count": one.count, "home": one.home,
            })
        });
        let trends = depth
            .trends
            .iter()
            .map(|one| json!({ "name": one.name, "weeks": one.weeks }));
        found.push(("deduplication", Value::Array(repeats.collect())));
        found.push(("crm_mapping", Value::Array(mappings.collect())));
        found.push(("unmapped", json!(texts(&depth.unmapped))));
        found.push(("trends", Value::Array(trends.collect())));
    }
    found
}

/// The keys of now and before.
fn keys(period: Period) -> (&'static str, &'static str) {
    match period {
        Period::Week => ("this_week", "last_week"),
        Period::Month => ("this_month", "last_month"),
    }
}

/// What begins a formula, also in the full width that spreadsheets of East Asia take for the same.
const FORMULA: &[char] = &[
    '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠',
];

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let risky = text.starts_with(FORMULA);
    let safe = if risky {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    format!("\"{}\"", safe.replace('"', "\"\""))
}

/// One line a figure.
pub fn csv(report: &Report) -> String {
    let (now, before) = keys(report.period);
    let mut out = format!(
        "{},kind,name,source,{now},{before},last_year,goal\n",
        report.period.word()
    );
    for (kind, name, source, numbers) in lines(report) {
        let numbers = numbers.map(|value| value.map_or(String::new(), |value| value.to_string()));
        out.push_str(&format!(
            "{},{kind},{},{},{}\n",
            report.label,
            cell(&name),
            if source.is_empty() {
                String::new()
            } else {
                cell(&source)
            },
            numbers.join(",")
        ));
    }
    out
}

/// Kind, name, source; now, before, last year, goal.
type Line = (&'static str, String, String, [Option<f64>; 4]);

fn lines(report: &Report) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for one in &report.targets {
        let numbers = [one.current, one.previous, None, Some(one.goal)];
        lines.push(("target", one.name.to_owned(), String::new(), numbers));
    }
    for one in &report.counts {
        let numbers = [Some(one.current), one.previous, one.last_year, None];
        lines.push((
            "count",
            one.name.to_string(),
            one.source.to_string(),
            numbers,
        ));
    }
    for one in &report.channels {
        let name = format!("{}: {}", one.event, one.value);
        let numbers = [Some(one.current), one.previous, one.last_year, None];
        lines.push(("channel", name, one.dimension.to_string(), numbers));
    }
    for one in &report.gaps {
        let of = |count: i64| [Some(count as f64), None, None, None];
        let bridge = &one.bridge;
        let mut add = |what: &str, count| {
            lines.push((
                "gap",
                format!("{}: {what}", one.check),
                String::new(),
                of(count),
            ));
        };
        add(&format!("{} counts", bridge.from), bridge.baseline);
        for part in &bridge.parts {
            add(
                crate::render::words::part(part.kind, part.count),
                part.count,
            );
        }
        add("not explained", bridge.unexplained());
        add(&format!("{} counts", bridge.to), bridge.other);
    }
    for one in &report.funnels {
        let name = format!("{}: {} to {}", one.funnel, one.from, one.to);
        lines.push((
            "step",
            name,
            String::new(),
            [one.current, one.previous, None, None],
        ));
    }
    for one in &report.payload {
        let numbers = [Some(one.current), Some(one.previous), None, None];
        lines.push(("payload", one.check.to_string(), String::new(), numbers));
    }
    lines.extend(deep_lines(report));
    lines
}

/// What only a month holds.
fn deep_lines(report: &Report) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for one in &report.depth.repeats {
        let numbers = [Some(one.current), one.previous, None, None];
        lines.push(("repeats", one.event.to_string(), String::new(), numbers));
    }
    for one in &report.depth.mappings {
        let numbers = [one.count, None, None, None];
        lines.push((
            "mapping",
            one.event.to_string(),
            one.source.to_string(),
            numbers,
        ));
    }
    for one in &report.depth.trends {
        for (at, week) in one.weeks.iter().enumerate() {
            let name = format!("{}: week {} of {}", one.name, at + 1, one.weeks.len());
            lines.push(("trend", name, String::new(), [*week, None, None, None]));
        }
    }
    lines
}

/// Five lines with a link.
pub fn slack(report: &Report) -> Value {
    let text = |text: &str| crate::render::slack::escaped(text);
    let mut lines = vec![
        format!(
            "*Tracking audit, {}: {}*",
            report.label,
            text(&report.headline)
        ),
        text(&super::sentence::gist(report)),
    ];
    lines.extend(report.tasks.iter().take(2).map(|task| {
        let owner = task.owner.as_ref();
        let owner = owner.map_or(String::new(), |owner| format!(" ({})", text(owner)));
        format!("• {}{owner}", text(&task.what))
    }));
    lines.extend(
        report
            .url
            .as_ref()
            .map(|url| format!("<{url}|Open Truecount>")),
    );
    json!({
        "text": text(&super::subject(report)),
        "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": lines.join("\n") } }],
    })
}
