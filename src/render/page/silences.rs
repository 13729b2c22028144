//! Silences: what is muted, until when, and why?

use askama::Template;

use crate::model::Timestamp;
use crate::notify::Silence;
use crate::plan::Plan;
use crate::render::words;

use super::Frame;

struct Line {
    id: String,
    what: String,
    from: String,
    until: String,
    left: String,
    reason: String,
    by: String,
    on: bool,
    /// From the plan's files: ended there, not here.
    planned: bool,
}

#[derive(Template)]
#[template(
    path = "silences.html",
    escape = "html",
    config = ".config/askama.toml"
)]
struct Page {
    frame: Frame,
    silences: Vec<Line>,
    on: usize,
}

/// The page of all silences in force and those that ended in the last 28 days.
pub fn silences(
    frame: Frame,
    plan: &Plan,
    found: &[Silence],
    planned: &[Silence],
    now: Timestamp,
) -> String {
    let calendar = &plan.project.calendar;
    let line = |(one, planned): (&Silence, bool)| {
        let matcher = &one.matcher;
        let what: Vec<String> = [
            ("check", &matcher.checks),
            ("event", &matcher.events),
            ("owner", &matcher.owners),
            ("source", &matcher.sources),
        ]
        .into_iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(word, list)| format!("{word} {}", words::cut(&list.join(", "))))
        .collect();
        let on = one.window.contains(now);
        Line {
            id: one.id.hex(),
            what: if what.is_empty() {
                "everything".to_owned()
            } else {
                what.join("; ")
            },
            from: words::moment(calendar, one.window.from),
            until: words::moment(calendar, one.window.to),
            left: if on {
                format!("{} left", words::span(one.window.to - now))
            } else if one.window.from > now {
                "to come".to_owned()
            } else {
                "ended".to_owned()
            },
            reason: words::cut(&one.reason),
            by: words::cut(&one.by),
            on,
            planned,
        }
    };
    let all = found
        .iter()
        .map(|one| (one, false))
        .chain(planned.iter().map(|one| (one, true)));
    let mut silences: Vec<Line> = all.map(line).collect();
    silences.sort_by_key(|one| !one.on);
    let on = silences.iter().filter(|one| one.on).count();
    let frame = frame.at("/silences");
    Page {
        frame,
        silences,
        on,
    }
    .render()
    .unwrap_or_default()
}
