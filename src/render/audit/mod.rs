//! The audit for people: mail (text and HTML), page, JSON, CSV, Slack.

mod data;
mod drawing;
mod message;
mod rows;
mod sentence;
mod trouble;
mod view;

use askama::Template;

use crate::model::Period;
use crate::report::Report;

use super::history::Width;
use super::{chart, mail};

use drawing::drawings;
use view::{View, view};

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
    /// `Truecount weekly audit`, for the header of the list.
    pub list: String,
    /// The table of the plan that asks for it, such as `weekly`.
    pub table: String,
}

/// Rows of a list in the HTML of a mail: programs cut mails of more than about 100 KB.
const IN_MAIL: usize = 15;

/// Most pictures of a mail.
const PICTURES: usize = 6;

#[derive(Template)]
#[template(path = "audit.mjml", escape = "html", config = ".config/askama.toml")]
struct MailTemplate {
    view: View,
}

#[derive(Template)]
#[template(path = "audit.html", escape = "html", config = ".config/askama.toml")]
struct PageTemplate {
    view: View,
    /// The drawing of all counts.
    chart: String,
    /// The finding in words, and the drawing.
    drawn: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "audit.txt", escape = "none", config = ".config/askama.toml")]
struct TextTemplate {
    view: View,
}

/// The audit as a mail with its pictures.
pub fn mail(report: &Report) -> AuditMail {
    let overview = overview(report);
    let counts = overview.as_ref().and_then(|(svg, _)| chart::png(svg));
    let told = overview.filter(|_| counts.is_some());
    let says = told.map_or(String::new(), |(_, says)| says);
    let drawn = drawings(report)
        .into_iter()
        .filter_map(|(id, title, history)| Some((id, history.png(&title)?)));
    let pictures: Vec<(String, Vec<u8>)> = counts
        .map(|png| (OVERVIEW.to_owned(), png))
        .into_iter()
        .chain(drawn)
        .take(PICTURES)
        .collect();
    let table = report.asked_by.as_ref();
    AuditMail {
        subject: mail::one_line(&subject(report)),
        text: text(report),
        html: html(report, says, &pictures),
        pictures,
        list: format!("Truecount {}ly audit", report.period.word()),
        table: table.map_or_else(
            || format!("{}ly", report.period.word()),
            ToString::to_string,
        ),
    }
}

/// The content id of the drawing of all counts.
const OVERVIEW: &str = "counts@truecount";

/// The drawing of all counts, and what it says: of a week beside the one before, of a month over
/// thirteen weeks.
fn overview(report: &Report) -> Option<(String, String)> {
    match report.period {
        Period::Week => chart::counts(report),
        Period::Month => chart::trends(report).or_else(|| chart::counts(report)),
    }
}

/// `Tracking audit, week 43: 3 of 6 targets missed, 1 open incident (Acme B2B)`.
pub fn subject(report: &Report) -> String {
    let when = match report.label.split_once("-W") {
        Some((_, week)) => format!("week {}", week.trim_start_matches('0')),
        None => {
            let last = report.window.to - chrono::TimeDelta::hours(1);
            let local = crate::model::Calendar::new(report.zone).local(last);
            format!("{}", local.format("%B %Y"))
        }
    };
    format!(
        "Tracking audit, {when}: {} ({})",
        report.headline, report.project
    )
}

/// MJML by askama, HTML by mrml. If either fails, the page stands in: the mail still goes out.
fn html(report: &Report, says: String, pictures: &[(String, Vec<u8>)]) -> String {
    let id = if says.is_empty() { "" } else { OVERVIEW };
    let mut view = view(report, IN_MAIL, (id, says));
    view.drawings
        .retain(|(id, _)| pictures.iter().any(|(known, _)| known == id));
    let mjml = MailTemplate { view }.render().unwrap_or_default();
    let rendered = mrml::parse(&mjml).ok().and_then(|parsed| {
        parsed
            .element
            .render(&mrml::prelude::render::RenderOptions::default())
            .ok()
    });
    rendered.unwrap_or_else(|| page(report))
}

/// The plain text part: everything.
pub fn text(report: &Report) -> String {
    let view = view(report, usize::MAX, ("", String::new()));
    TextTemplate { view }
        .render()
        .unwrap_or_else(|_| report.headline.clone())
}

/// A page that stands by itself, for the archive and for printing: everything.
pub fn page(report: &Report) -> String {
    let (chart, says) = overview(report).unwrap_or_default();
    let view = view(report, usize::MAX, ("", says));
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
