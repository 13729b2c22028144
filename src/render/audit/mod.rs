//! The weekly audit for people: mail (text and HTML), page, JSON, CSV, Slack.

mod data;
mod drawing;
mod message;

use askama::Template;

use crate::model::Calendar;
use crate::report::{FunnelLine, Measure, Part, PayloadLine, Report, Speed, Target};

use super::history::Width;
use super::{mail, words};

use drawing::{drawings, moved};

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

impl View {
    fn shows(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }

    fn shows_quality(&self) -> bool {
        self.shows(Part::Quality)
    }

    fn shows_incidents(&self) -> bool {
        self.shows(Part::Incidents)
    }

    fn shows_counts(&self) -> bool {
        self.shows(Part::Counts)
    }

    fn shows_funnel(&self) -> bool {
        self.shows(Part::Funnel) && !self.steps.is_empty()
    }

    fn shows_payload(&self) -> bool {
        self.shows(Part::Payload) && !self.payload.is_empty()
    }

    fn shows_plan(&self) -> bool {
        self.shows(Part::Plan)
    }

    fn shows_sources(&self) -> bool {
        self.shows(Part::Sources)
    }
}

/// One figure in words.
struct TargetRow {
    mark: &'static str,
    ink: &'static str,
    name: &'static str,
    how: &'static str,
    this_week: String,
    last_week: String,
    change: String,
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
    last_year: String,
    doubts: String,
}

struct StepRow {
    name: String,
    this_week: String,
    last_week: String,
    change: String,
    remark: String,
}

/// Everything of a report in words; the templates only place it.
struct View {
    project: String,
    week: String,
    headline: String,
    summary: String,
    targets: Vec<TargetRow>,
    incidents: Vec<IncidentRow>,
    speed: String,
    counts: Vec<CountRow>,
    /// Whether any count has a year to be compared with.
    has_years: bool,
    steps: Vec<StepRow>,
    payload: Vec<StepRow>,
    coverage: Vec<String>,
    sources: Vec<String>,
    not_checked: Vec<String>,
    tasks: Vec<String>,
    parts: std::collections::BTreeSet<Part>,
    foot: String,
    link: String,
    chart: bool,
    /// Content id and the finding in words of each drawing of a check.
    drawings: Vec<(String, String)>,
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
        change: moved(one),
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
        speed: speed(report.speed),
        counts: report.counts.iter().map(count).collect(),
        has_years: report.counts.iter().any(|one| one.last_year.is_some()),
        steps: report.funnels.iter().map(step).collect(),
        payload: report.payload.iter().map(payload).collect(),
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
                let number = task.incident.map_or(String::new(), |number| {
                    report.url.as_ref().map_or_else(
                        || format!(", incident {number}"),
                        |url| format!(", {url}/i/{number}"),
                    )
                });
                format!("{}{owner}{number}", task.what)
            })
            .collect(),
        foot: format!(
            "Days in {}. Data as known on {}. You get this because you are named in [report.*].",
            report.zone.name(),
            words::moment(&calendar, report.made_at)
        ),
        link: report.url.clone().unwrap_or_default(),
        parts: report.parts.clone(),
        chart,
        drawings: drawings(report)
            .into_iter()
            .map(|(id, title, _)| (id, title))
            .collect(),
    }
}

/// `noticed after 3 h, taken after 2 h, mended after 1 d (medians)`; empty when nothing is known.
fn speed(of: Speed) -> String {
    let parts: Vec<String> = [
        ("noticed", of.notice),
        ("taken", of.acknowledge),
        ("mended", of.mend),
    ]
    .into_iter()
    .filter_map(|(word, time)| Some(format!("{word} after {}", words::span(time?))))
    .collect();
    if parts.is_empty() {
        return String::new();
    }
    words::capital(&format!("{} (medians).", parts.join(", ")))
}

fn numbered(doubts: &[u32]) -> String {
    let numbers: Vec<String> = doubts
        .iter()
        .map(|number| format!("see #{number}"))
        .collect();
    numbers.join(", ")
}

/// Percentage points, which a change of a share is told in.
fn points(now: f64, before: f64) -> String {
    let change = (now - before) * 100.0;
    let sign = if change < 0.0 { "−" } else { "+" };
    format!("{sign}{:.1} points", change.abs())
}

fn step(line: &FunnelLine) -> StepRow {
    let share = |value: Option<f64>| value.map_or("not known".to_owned(), words::share);
    let both = line.this_week.zip(line.last_week);
    let mut remarks = Vec::new();
    if line.provisional {
        remarks.push("provisional".to_owned());
    }
    if !line.doubts.is_empty() {
        remarks.push(format!("unreliable, {}", numbered(&line.doubts)));
    }
    StepRow {
        name: format!(
            "{}: {} to {}",
            words::spoken(line.funnel.as_str()),
            words::spoken(line.from.as_str()),
            words::spoken(line.to.as_str())
        ),
        this_week: share(line.this_week),
        last_week: share(line.last_week),
        change: both.map_or(String::new(), |(now, before)| points(now, before)),
        remark: remarks.join("; "),
    }
}

fn payload(line: &PayloadLine) -> StepRow {
    StepRow {
        name: words::cut(line.check.as_str()),
        this_week: words::share(line.this_week),
        last_week: words::share(line.last_week),
        change: points(line.this_week, line.last_week),
        remark: String::new(),
    }
}

fn count(line: &crate::report::CountLine) -> CountRow {
    let against = |before: Option<f64>| {
        before
            .filter(|before| *before > 0.0)
            .map(|before| line.this_week / before - 1.0)
    };
    CountRow {
        name: words::spoken(line.name.as_str()),
        source: line.source.to_string(),
        this_week: words::number(line.this_week),
        last_week: line.last_week.map_or("not known".to_owned(), words::number),
        change: against(line.last_week).map_or(String::new(), words::change),
        last_year: against(line.last_year).map_or(String::new(), words::change),
        doubts: numbered(&line.doubts),
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
    /// The finding in words, and the drawing.
    drawn: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "audit.txt", escape = "none", config = ".config/askama.toml")]
struct TextTemplate {
    view: View,
}

/// The audit as a mail; a chart travels with it when there are counts to draw.
pub fn mail(report: &Report) -> AuditMail {
    let picture = super::chart::counts_png(report);
    let has_counts = picture.is_some();
    let counts = picture.map(|png| ("counts@truecount".to_owned(), png));
    let drawn = drawings(report)
        .into_iter()
        .filter_map(|(id, title, history)| Some((id, history.png(&title)?)));
    AuditMail {
        subject: mail::one_line(&subject(report)),
        text: text(report),
        html: html(report, has_counts),
        pictures: counts.into_iter().chain(drawn).collect(),
    }
}

/// `Tracking audit, week 43: 3 of 6 targets missed, 1 open incident (Acme B2B)`.
pub fn subject(report: &Report) -> String {
    let week = report
        .label
        .split_once("-W")
        .map_or(report.label.clone(), |(_, week)| {
            format!("week {}", week.trim_start_matches('0'))
        });
    format!(
        "Tracking audit, {week}: {} ({})",
        report.headline, report.project
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
    let drawn = drawings(report)
        .into_iter()
        .map(|(_, title, history)| {
            let svg = history.svg(Width::Mail, &title);
            (title, svg)
        })
        .collect();
    PageTemplate { view, chart, drawn }
        .render()
        .unwrap_or_else(|_| mail::html(&report.headline))
}
