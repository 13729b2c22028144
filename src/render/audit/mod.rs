//! The weekly audit for people: mail (text and HTML), page, JSON, CSV, Slack.

mod data;
mod message;

use askama::Template;

use crate::model::Calendar;
use crate::report::{Measure, Report, Target};

use super::{mail, words};

pub use data::{csv, json, slack};
pub use message::message;

/// An audit as a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditMail {
    /// One line.
    pub subject: String,
    /// Complete by itself.
    pub text: String,
    /// The same, to look at.
    pub html: String,
    /// Content id and PNG of each picture.
    pub pictures: Vec<(String, Vec<u8>)>,
}

/// One figure in words.
struct TargetRow {
    mark: &'static str,
    ink: &'static str,
    name: &'static str,
    how: &'static str,
    this_week: String,
    last_week: String,
    goal: String,
    why: String,
}

struct IncidentRow {
    mark: &'static str,
    ink: &'static str,
    number: String,
    head: String,
    since: String,
    state: String,
    owner: String,
}

struct CountRow {
    name: String,
    source: String,
    this_week: String,
    last_week: String,
    change: String,
    doubts: String,
}

/// Everything of a report in words; the templates only place it.
struct View {
    project: String,
    week: String,
    headline: String,
    summary: String,
    targets: Vec<TargetRow>,
    incidents: Vec<IncidentRow>,
    counts: Vec<CountRow>,
    coverage: Vec<String>,
    sources: Vec<String>,
    not_checked: Vec<String>,
    tasks: Vec<String>,
    foot: String,
    link: String,
    chart: bool,
}

fn amount(value: Option<f64>, measure: Measure) -> String {
    match (value, measure) {
        (None, _) => "not known".to_owned(),
        (Some(value), Measure::Share) => words::share(value),
        (Some(value), Measure::Rate) => format!("{value:.1}"),
        (Some(value), Measure::Days) => format!("{value:.0} d"),
    }
}

const OK: &str = "#0f5f4a";
const BAD: &str = "#9a3412";
const GRAY: &str = "#55636f";

fn target(one: &Target) -> TargetRow {
    let (mark, ink) = match one.met() {
        Some(true) => ("● met", OK),
        Some(false) => ("◆ missed", BAD),
        None => ("○ not known", GRAY),
    };
    let sign = if one.more_is_better {
        "at least"
    } else {
        "at most"
    };
    TargetRow {
        mark,
        ink,
        name: one.name,
        how: one.how,
        this_week: amount(one.this_week, one.measure),
        last_week: amount(one.last_week, one.measure),
        goal: format!("{sign} {}", amount(Some(one.goal), one.measure)),
        why: if one.this_week.is_none() || one.measure == Measure::Rate {
            one.why.clone()
        } else {
            String::new()
        },
    }
}

fn incident(one: &crate::incident::Incident, report: &Report, calendar: &Calendar) -> IncidentRow {
    let until = one.over_at();
    let (mark, ink) = match (until.is_some(), one.status) {
        (true, _) => ("●", OK),
        (false, crate::model::Status::Failing) => ("◆", BAD),
        (false, _) => ("▲", "#7a5200"),
    };
    let lasted = words::span(until.unwrap_or(report.made_at) - one.first.start);
    let state = match (until, &one.acknowledged) {
        (Some(_), _) => format!("over after {lasted}"),
        (None, Some((by, _))) => format!("taken by {by}"),
        (None, None) => format!("open for {lasted}"),
    };
    IncidentRow {
        mark,
        ink,
        number: one
            .number
            .map_or(String::new(), |number| format!("#{number}")),
        head: super::facts::head_line(one, calendar),
        since: words::since(calendar, &one.first),
        state,
        owner: one
            .owner
            .as_ref()
            .map_or("nobody".to_owned(), ToString::to_string),
    }
}

#[expect(clippy::too_many_lines, reason = "one page from top to bottom")]
fn view(report: &Report, chart: bool) -> View {
    let calendar = Calendar::new(report.zone);
    let last = report.week.to - chrono::TimeDelta::hours(1);
    let coverage = &report.coverage;
    let first_names = |names: &[crate::model::Name]| {
        names
            .iter()
            .take(8)
            .map(|name| words::cut(name.as_str()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut plan = vec![format!(
        "{} of {} planned events were seen.",
        coverage.seen, coverage.planned
    )];
    for (what, names) in [
        ("Not seen", &coverage.missing),
        ("Requested and never seen", &coverage.overdue),
        ("Without an owner", &coverage.without_owner),
    ] {
        if !names.is_empty() {
            plan.push(format!("{what}: {}.", first_names(names)));
        }
    }
    if !coverage.unplanned.is_empty() {
        let names: Vec<String> = coverage
            .unplanned
            .iter()
            .take(8)
            .map(|(name, count)| {
                format!(
                    "{} ({})",
                    words::cut(name.as_str()),
                    words::number(*count as f64)
                )
            })
            .collect();
        plan.push(format!("Arriving without a plan: {}.", names.join(", ")));
    }
    View {
        project: report.project.clone(),
        week: format!(
            "{}, {} to {}",
            report.label,
            words::day(&calendar, report.week.from),
            words::day(&calendar, last)
        ),
        headline: report.headline.clone(),
        summary: report.summary.clone(),
        targets: report.targets.iter().map(target).collect(),
        incidents: report
            .incidents
            .iter()
            .map(|one| incident(one, report, &calendar))
            .collect(),
        counts: report.counts.iter().map(count).collect(),
        coverage: plan,
        sources: report
            .sources
            .iter()
            .map(|one| match (&one.why, one.failed) {
                (Some(why), failed) if failed > 0 => {
                    format!(
                        "◆ {}: {failed} of {} pulls failed ({})",
                        one.name,
                        one.pulls,
                        words::cut(why)
                    )
                }
                _ => format!("● {}: {} pulls, none failed", one.name, one.pulls),
            })
            .collect(),
        not_checked: report
            .not_checked
            .iter()
            .map(|(name, gap)| format!("{name}: {}", words::gap(gap, &calendar)))
            .collect(),
        tasks: report
            .tasks
            .iter()
            .map(|task| {
                let owner = task
                    .owner
                    .as_ref()
                    .map_or(String::new(), |owner| format!(" ({owner})"));
                let number = task
                    .incident
                    .map_or(String::new(), |number| format!(", incident {number}"));
                format!("{}{number}{owner}", task.what)
            })
            .collect(),
        foot: format!(
            "Days in {}. Data as known on {}. You get this because you are named in [report.*].",
            report.zone.name(),
            words::moment(&calendar, report.made_at)
        ),
        link: report.url.clone().unwrap_or_default(),
        chart,
    }
}

fn count(line: &crate::report::CountLine) -> CountRow {
    let change = line
        .last_week
        .filter(|before| *before > 0.0)
        .map(|before| line.this_week / before - 1.0);
    CountRow {
        name: words::spoken(line.name.as_str()),
        source: line.source.to_string(),
        this_week: words::number(line.this_week),
        last_week: line.last_week.map_or("not known".to_owned(), words::number),
        change: change.map_or(String::new(), words::change),
        doubts: line
            .doubts
            .iter()
            .map(|number| format!("see #{number}"))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

#[derive(Template)]
#[template(path = "audit.mjml", escape = "html", config = ".config/askama.toml")]
struct MailTemplate {
    view: View,
}

#[derive(Template)]
#[template(path = "audit.html", escape = "html", config = ".config/askama.toml")]
struct PageTemplate {
    view: View,
    chart: String,
}

#[derive(Template)]
#[template(path = "audit.txt", escape = "none", config = ".config/askama.toml")]
struct TextTemplate {
    view: View,
}

/// The audit as a mail; a chart travels with it when there are counts to draw.
pub fn mail(report: &Report) -> AuditMail {
    let picture = super::chart::counts_png(report);
    let pictures: Vec<(String, Vec<u8>)> = picture
        .into_iter()
        .map(|png| ("counts@truecount".to_owned(), png))
        .collect();
    AuditMail {
        subject: mail::one_line(&subject(report)),
        text: text(report),
        html: html(report, !pictures.is_empty()),
        pictures,
    }
}

/// `Tracking audit, 2026-W43: 3 of 6 targets missed, 1 open incident (Acme B2B)`.
pub fn subject(report: &Report) -> String {
    format!(
        "Tracking audit, {}: {} ({})",
        report.label, report.headline, report.project
    )
}

/// MJML by askama, HTML by mrml. If either fails, the page stands in: the mail still goes out.
fn html(report: &Report, chart: bool) -> String {
    let mjml = MailTemplate {
        view: view(report, chart),
    }
    .render()
    .unwrap_or_default();
    let rendered = mrml::parse(&mjml).ok().and_then(|parsed| {
        parsed
            .element
            .render(&mrml::prelude::render::RenderOptions::default())
            .ok()
    });
    rendered.unwrap_or_else(|| page(report))
}

/// The plain text part.
pub fn text(report: &Report) -> String {
    TextTemplate {
        view: view(report, false),
    }
    .render()
    .unwrap_or_else(|_| report.headline.clone())
}

/// A page that stands by itself, for the archive and for printing.
pub fn page(report: &Report) -> String {
    let chart = super::chart::counts(report).unwrap_or_default();
    let view = view(report, !chart.is_empty());
    PageTemplate { view, chart }
        .render()
        .unwrap_or_else(|_| mail::html(&report.headline))
}
