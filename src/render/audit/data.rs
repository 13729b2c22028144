//! The audit for machines: JSON and CSV with every figure, and five lines for Slack.

use serde_json::{Value, json};

use crate::report::Report;

/// Every figure, versioned.
pub fn json(report: &Report) -> String {
    let time = |at: crate::model::Timestamp| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let value = json!({
        "version": 1,
        "project": report.project,
        "week": report.label,
        "from": time(report.week.from),
        "to": time(report.week.to),
        "zone": report.zone.name(),
        "made_at": time(report.made_at),
        "headline": report.headline,
        "targets": report.targets.iter().map(|one| json!({
            "name": one.name,
            "this_week": one.this_week,
            "last_week": one.last_week,
            "goal": one.goal,
            "more_is_better": one.more_is_better,
            "met": one.met(),
            "why": one.why,
        })).collect::<Vec<_>>(),
        "counts": report.counts.iter().map(|one| json!({
            "name": one.name.as_str(),
            "source": one.source.as_str(),
            "this_week": one.this_week,
            "last_week": one.last_week,
            "last_year": one.last_year,
            "incidents": one.doubts,
        })).collect::<Vec<_>>(),
        "funnels": report.funnels.iter().map(|one| json!({
            "funnel": one.funnel.as_str(),
            "from": one.from.as_str(),
            "to": one.to.as_str(),
            "this_week": one.this_week,
            "last_week": one.last_week,
            "provisional": one.provisional,
            "incidents": one.doubts,
        })).collect::<Vec<_>>(),
        "payload_changes": report.payload.iter().map(|one| json!({
            "check": one.check.as_str(),
            "this_week": one.this_week,
            "last_week": one.last_week,
        })).collect::<Vec<_>>(),
        "minutes": {
            "to_notice": report.speed.notice.map(|time| time.num_minutes()),
            "to_acknowledge": report.speed.acknowledge.map(|time| time.num_minutes()),
            "to_mend": report.speed.mend.map(|time| time.num_minutes()),
        },
        "incidents": report.incidents.iter().filter_map(|one| one.number).collect::<Vec<_>>(),
        "coverage": {
            "planned": report.coverage.planned,
            "seen": report.coverage.seen,
            "missing": report.coverage.missing.iter().map(crate::model::Name::as_str).collect::<Vec<_>>(),
            "unplanned": report.coverage.unplanned.iter().map(|(name, count)| json!({ "name": name.as_str(), "count": count })).collect::<Vec<_>>(),
        },
        "not_checked": report.not_checked.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        "tasks": report.tasks.iter().map(|one| json!({ "what": one.what, "owner": one.owner, "incident": one.incident })).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

/// A cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let risky = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']);
    let safe = if risky {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    format!("\"{}\"", safe.replace('"', "\"\""))
}

/// One line a figure.
pub fn csv(report: &Report) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let mut out = "week,kind,name,source,this_week,last_week,goal\n".to_owned();
    for one in &report.targets {
        out.push_str(&format!(
            "{},target,{},,{},{},{}\n",
            report.label,
            cell(one.name),
            number(one.this_week),
            number(one.last_week),
            one.goal
        ));
    }
    for one in &report.counts {
        out.push_str(&format!(
            "{},count,{},{},{},{},\n",
            report.label,
            cell(one.name.as_str()),
            cell(one.source.as_str()),
            one.this_week,
            number(one.last_week)
        ));
    }
    for one in &report.funnels {
        let name = format!("{}: {} to {}", one.funnel, one.from, one.to);
        out.push_str(&format!(
            "{},step,{},,{},{},\n",
            report.label,
            cell(&name),
            number(one.this_week),
            number(one.last_week)
        ));
    }
    for one in &report.payload {
        out.push_str(&format!(
            "{},payload,{},,{},{},\n",
            report.label,
            cell(one.check.as_str()),
            one.this_week,
            one.last_week
        ));
    }
    out
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
        text(&report.summary),
    ];
    lines.extend(
        report
            .tasks
            .iter()
            .take(2)
            .map(|task| format!("• {}", text(&task.what))),
    );
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
