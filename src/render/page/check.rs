//! Check: why it says what it says.

use askama::Template;

use crate::incident::Incident;
use crate::model::{Calendar, Evaluation, Finding, Outcome, Timestamp};
use crate::plan::Plan;
use crate::render::history::History;
use crate::render::mail::html;
use crate::render::{describe, words};

use super::incident::drawn;
use super::{Frame, state};

/// What the page of a check shows.
pub struct CheckPage<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Such as `purchase.volume`.
    pub name: &'a str,
    /// The newest results of the check.
    pub seen: &'a [Evaluation],
    /// The check over time.
    pub history: &'a History,
    /// Settings in force: key, value, origin.
    pub settings: &'a [(String, String, String)],
    /// Its incidents, newest first.
    pub incidents: &'a [Incident],
    /// What this kind of check is.
    pub about: &'a str,
    /// Now.
    pub now: Timestamp,
}

struct Found {
    title: String,
    state: &'static str,
    class: &'static str,
    rows: Vec<(&'static str, String)>,
}

struct View {
    name: String,
    asked: String,
    chart: String,
    table: Vec<[String; 4]>,
    results: Vec<Found>,
    settings: Vec<(String, String, String)>,
    /// Number, head, state.
    incidents: Vec<(u32, String, String)>,
    about: Vec<(String, Vec<String>)>,
}

#[derive(Template)]
#[template(path = "check.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    view: View,
}

/// The page of a check.
pub fn check(frame: Frame, what: &CheckPage<'_>) -> String {
    let mut order: Vec<&Evaluation> = what.seen.iter().collect();
    order.sort_by_key(|one| (one.witness, std::cmp::Reverse(one.bucket.grain)));
    let title = format!("{} over 28 days", what.name);
    let view = View {
        name: words::cut(what.name),
        asked: order.first().map_or(String::new(), |one| words::asked(one)),
        chart: drawn(Some(what.history), &title),
        table: what.history.rows(),
        results: order
            .into_iter()
            .map(|one| result(what.plan, one))
            .collect(),
        settings: what.settings.to_vec(),
        incidents: what
            .incidents
            .iter()
            .filter_map(|one| {
                let text = describe(what.plan, one, what.now);
                let state = match one.over_at() {
                    Some(at) => {
                        format!("over since {}", words::day(&what.plan.project.calendar, at))
                    }
                    None => format!("since {}", text.since),
                };
                Some((one.number?, text.head, state))
            })
            .collect(),
        about: paragraphs(what.about),
    };
    Page { frame, view }.render().unwrap_or_default()
}

fn result(plan: &Plan, one: &Evaluation) -> Found {
    let calendar = &plan.project.calendar;
    let (state, class) = state(one);
    let mut rows = vec![("Newest", words::since(calendar, &one.bucket))];
    match &one.outcome {
        Outcome::NoData(gap) => rows.push(("Not judged", words::gap(gap, calendar))),
        Outcome::Known {
            finding,
            provisional,
            ..
        } => {
            rows.extend(numbers(calendar, one, finding));
            if *provisional {
                rows.push(("Provisional", "these numbers may still change".to_owned()));
            }
        }
    }
    if one.witness {
        rows.push(("Role", "witness: never alarms alone".to_owned()));
    }
    let source = one
        .source
        .as_ref()
        .map_or(String::new(), |source| format!(" in {source}"));
    let part = if one.segment.is_empty() {
        String::new()
    } else {
        format!(", {}", words::segment(&one.segment))
    };
    Found {
        title: format!("By the {}{source}{part}", one.bucket.grain.word()),
        state,
        class,
        rows,
    }
}

/// The numbers of a judgement, a line each.
fn numbers(
    calendar: &Calendar,
    one: &Evaluation,
    finding: &Finding,
) -> Vec<(&'static str, String)> {
    let (now, unit) = (&finding.now, &finding.unit);
    let mut rows = vec![
        ("Seen", words::value(now.observed, unit)),
        (
            "Expected",
            format!(
                "{} (range {}, {})",
                words::value(now.expected, unit),
                words::range(now, unit),
                words::compared(&finding.compared_with)
            ),
        ),
    ];
    if finding.buckets > 1 {
        let since = words::since_onset(calendar, finding, one.bucket.grain);
        rows.push(("Since", since));
    }
    rows.extend(
        finding
            .p
            .map(|p| ("Chance", format!("combined p = {}", words::chance(p)))),
    );
    for part in finding.segments.iter().take(5) {
        let text = format!(
            "{} {}, explains {}",
            words::segment(&part.segment),
            words::change(part.change),
            words::share(part.share.clamp(0.0, 1.0))
        );
        rows.push(("Where", text));
    }
    for detail in finding.details.iter().take(8) {
        let what = words::cut(detail.what.as_str());
        rows.push((
            "Found",
            format!("{what}: {} ({})", detail.why, detail.count),
        ));
    }
    rows
}

/// A text in sections, its paragraphs and examples as markup. The text is part of the program.
fn paragraphs(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for block in text.split("\n\n").map(str::trim) {
        if let Some(title) = block.strip_prefix("## ") {
            found.push((title.trim().to_owned(), Vec::new()));
        } else if block.starts_with("# ") || block.is_empty() {
            // The title of the page says it already.
        } else if let Some((_, body)) = found.last_mut() {
            body.push(markup(block));
        }
    }
    found
}

fn markup(block: &str) -> String {
    if let Some(code) = block.strip_prefix("```") {
        let code = code.split_once('\n').map_or(code, |(_, code)| code);
        let code = code.trim_end_matches('`').trim_end();
        return format!("<pre>{}</pre>", html(code));
    }
    let inner: String = block
        .split('`')
        .enumerate()
        .map(|(index, part)| {
            if index % 2 == 1 {
                format!("<code>{}</code>", html(part))
            } else {
                html(part)
            }
        })
        .collect();
    format!("<p>{inner}</p>")
}
