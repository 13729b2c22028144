//! Incidents: what is open, what was it, who has it?

use askama::Template;

use crate::incident::Incident;
use crate::model::Timestamp;
use crate::plan::Plan;
use crate::render::{describe, words};

use super::{Frame, class, many};

/// Which incidents are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that last.
    Open,
    /// Those that are over.
    Over,
    /// All of the last 90 days.
    All,
}

struct Line {
    number: u32,
    class: &'static str,
    state: String,
    head: String,
    lasted: String,
    owner: String,
    taken: String,
}

struct View {
    sentence: String,
    /// Address, title, whether it is shown.
    filters: Vec<(&'static str, &'static str, bool)>,
    /// Day, and its incidents.
    days: Vec<(String, Vec<Line>)>,
}

#[derive(Template)]
#[template(
    path = "incidents.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct Page {
    frame: Frame,
    view: View,
}

/// The list, grouped by the day on which each began, newest first.
pub fn incidents(
    frame: Frame,
    plan: &Plan,
    found: &[Incident],
    which: Which,
    now: Timestamp,
) -> String {
    let calendar = &plan.project.calendar;
    let told: Vec<&Incident> = found
        .iter()
        .filter(|one| one.number.is_some() && one.merged_into.is_none())
        .collect();
    let open = told.iter().filter(|one| one.is_on()).count();
    let mut shown: Vec<&Incident> = told
        .iter()
        .copied()
        .filter(|one| match which {
            Which::Open => one.is_on(),
            Which::Over => one.over_at().is_some(),
            Which::All => true,
        })
        .collect();
    shown.sort_by_key(|one| std::cmp::Reverse((one.first.start, one.number)));
    let mut days: Vec<(String, Vec<Line>)> = Vec::new();
    for one in shown {
        let day = words::day(calendar, one.first.start);
        match days.last_mut().filter(|(known, _)| *known == day) {
            Some((_, lines)) => lines.push(line(plan, one, now)),
            None => days.push((day, vec![line(plan, one, now)])),
        }
    }
    let view = View {
        sentence: match open {
            0 => "No incident is open".to_owned(),
            count => format!("{} open", many(count, "incident")),
        },
        filters: vec![
            ("/incidents", "All of 90 days", which == Which::All),
            ("/incidents?show=open", "Open", which == Which::Open),
            ("/incidents?show=over", "Over", which == Which::Over),
        ],
        days,
    };
    let frame = frame.at("/incidents");
    Page { frame, view }.render().unwrap_or_default()
}

fn line(plan: &Plan, one: &Incident, now: Timestamp) -> Line {
    let text = describe(plan, one, now);
    let over = one.over_at();
    Line {
        number: one.number.unwrap_or(0),
        class: if over.is_some() {
            "ok"
        } else {
            class(Some(one.status))
        },
        state: if over.is_some() {
            "● Over".to_owned()
        } else {
            format!("{} {}", text.mark, text.status)
        },
        head: text.head,
        lasted: words::span(over.unwrap_or(now) - one.first.start),
        owner: text.owner.unwrap_or_else(|| "nobody".to_owned()),
        taken: one.acknowledged.as_ref().map_or_else(
            || "not taken".to_owned(),
            |(by, _)| format!("taken by {}", words::cut(by)),
        ),
    }
}
