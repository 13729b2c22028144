//! `[report.*]`: when the audit is written, of what, and for whom.

use std::collections::BTreeMap;

use crate::config::{Reader, suggest};
use crate::model::{Code, Diagnostic, Name, Period, Schedule};

use super::resolve::Resolver;
use super::{Owner, Project};

/// `[report.weekly]`, `[report.monthly]`
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Plan name.
    pub name: Name,
    /// When: `Monday 08:00`.
    pub at: String,
    /// What it tells of: the last month when it is written once a month, else the last week.
    pub period: Period,
    /// Addresses and owner ids.
    pub to: Vec<String>,
    /// Parts to include; empty for all.
    pub include: Vec<String>,
}

/// `[report.*]`; without one, the audit goes to the default route on Monday at 08:00.
pub(super) fn reports(
    resolver: &mut Resolver<'_>,
    owners: &BTreeMap<Name, Owner>,
    project: &Project,
    has_mail: bool,
) -> Vec<Report> {
    let mut found = Vec::new();
    for (name, span, section) in resolver.family("report") {
        let mut to = Vec::new();
        let report = resolver.read_section(section, |reader| {
            let at = reader.text("at").unwrap_or_else(|| USUAL_REPORT.to_owned());
            let mut period = Period::Week;
            match Schedule::parse(&at, project.calendar.zone()) {
                Ok(schedule) if schedule.is_monthly() => period = Period::Month,
                Ok(_) => {}
                Err(why) => {
                    let place = reader.place("at");
                    reader.complain(
                        Diagnostic::error(Code(208), why.to_string()).at(place, "cannot be read"),
                    );
                }
            }
            to = reader.texts("to").unwrap_or_default();
            Report {
                name,
                at,
                period,
                to: to.iter().map(|(text, _)| text.clone()).collect(),
                include: parts(reader),
            }
        });
        for (address, at) in &to {
            let known =
                address.contains('@') || owners.keys().any(|owner| owner.as_str() == address);
            if !known {
                resolver.complaints.push(
                    Diagnostic::error(
                        Code(203),
                        format!("`{address}` is neither an address nor an owner"),
                    )
                    .at(*at, "nobody would get it"),
                );
            }
        }
        if !to.is_empty() && !has_mail {
            resolver.complaints.push(
                Diagnostic::error(
                    Code(212),
                    format!(
                        "[report.{}] is mailed, and there is no mail server",
                        report.name
                    ),
                )
                .at(span, "in this table")
                .help("add [mail] with from and smtp, or set TRUECOUNT_SMTP_URL"),
            );
        }
        found.push(report);
    }
    if found.is_empty() {
        found.push(Report {
            name: Name::clean("weekly"),
            at: USUAL_REPORT.to_owned(),
            period: Period::Week,
            to: Vec::new(),
            include: Vec::new(),
        });
    }
    found
}

/// Parts of the audit, and figures that can be named by themselves.
const PARTS: [&str; 15] = [
    "quality",
    "completeness",
    "defects",
    "discrepancy",
    "unknown_traffic",
    "time_to_implement",
    "taxonomy",
    "incidents",
    "counts",
    "funnel",
    "payload_changes",
    "channels",
    "gaps",
    "plan",
    "sources",
];

fn parts(reader: &mut Reader<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for (word, at) in reader.texts("include").unwrap_or_default() {
        if PARTS.contains(&word.as_str()) {
            found.push(word);
            continue;
        }
        let message = format!("the audit has no part `{word}`");
        let complaint = Diagnostic::error(Code(105), message).at(at, "not known");
        reader.complain(match suggest(&word, &PARTS) {
            Some(near) => {
                complaint
                    .help("a similar part exists")
                    .fix(at, format!("\"{near}\""), true)
            }
            None => complaint.help(format!("its parts: {}", PARTS.join(", "))),
        });
    }
    found
}

/// When the audit is written unless the plan says otherwise.
const USUAL_REPORT: &str = "Monday 08:00";
