//! Tracking plan: what should we measure, and does it arrive?

use std::collections::BTreeMap;

use askama::Template;

use crate::model::{Evaluation, Name, Status, Timestamp};
use crate::plan::{Event, Plan};
use crate::render::words;

use super::{Frame, check_link, class, many, strip};

/// What the page shows.
pub struct PlanPage<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The newest result of each check.
    pub latest: &'a [Evaluation],
    /// Results of the last 28 days.
    pub past: &'a [Evaluation],
    /// When each event was last counted.
    pub last_seen: &'a BTreeMap<Name, Timestamp>,
    /// Now.
    pub now: Timestamp,
}

struct Line {
    name: String,
    about: String,
    primary: bool,
    owner: String,
    seen: String,
    strip: String,
    /// Title, share, address, class.
    shares: Vec<(&'static str, String, String, &'static str)>,
    sources: String,
    required: String,
    origin: String,
}

struct View {
    sentence: String,
    events: Vec<Line>,
    unplanned: Vec<(String, String)>,
    unplanned_known: bool,
    funnels: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "plan.html", escape = "html", config = ".config/askama.toml")]
struct Page {
    frame: Frame,
    view: View,
}

/// The page of the tracking plan.
pub fn plan(frame: Frame, what: &PlanPage<'_>) -> String {
    let week = what.now - chrono::TimeDelta::days(8);
    let seen = what
        .plan
        .events
        .iter()
        .filter(|event| {
            what.last_seen
                .get(&event.name)
                .is_some_and(|at| *at >= week)
        })
        .count();
    let unplanned = what
        .latest
        .iter()
        .find(|one| one.kind.as_str() == "unplanned");
    let finding = unplanned.and_then(|one| one.outcome.finding());
    let view = View {
        sentence: format!(
            "{seen} of {} seen in 7 days",
            many(what.plan.events.len(), "planned event")
        ),
        events: what
            .plan
            .events
            .iter()
            .map(|event| line(what, event))
            .collect(),
        unplanned: finding
            .into_iter()
            .flat_map(|finding| &finding.details)
            .map(|one| {
                (
                    words::cut(one.what.as_str()),
                    words::number(one.count as f64),
                )
            })
            .collect(),
        unplanned_known: finding.is_some(),
        funnels: what
            .plan
            .funnels
            .iter()
            .map(|funnel| {
                let steps: Vec<String> = funnel
                    .steps
                    .iter()
                    .map(|step| words::spoken(step.as_str()))
                    .collect();
                (words::spoken(funnel.name.as_str()), steps.join(" → "))
            })
            .collect(),
    };
    let frame = frame.at("/plan");
    Page { frame, view }.render().unwrap_or_default()
}

fn line(what: &PlanPage<'_>, event: &Event) -> Line {
    let calendar = &what.plan.project.calendar;
    let of = |kind: &str| {
        super::shown(what.latest)
            .into_iter()
            .find(|one| one.event.as_ref() == Some(&event.name) && one.kind.as_str() == kind)
    };
    let shares = [
        ("complete", "completeness"),
        ("by the rules", "conformance"),
        ("repeats", "duplicates"),
    ]
    .into_iter()
    .filter_map(|(title, kind)| {
        let one = of(kind)?;
        let finding = one.outcome.finding()?;
        let status: Option<Status> = one.outcome.status();
        Some((
            title,
            words::value(finding.now.observed, &finding.unit),
            check_link(&one.check),
            class(status),
        ))
    })
    .collect();
    let required: Vec<&str> = event
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name.as_str())
        .collect();
    let sources: Vec<&str> = event
        .mappings
        .iter()
        .map(|(source, _)| source.as_str())
        .collect();
    Line {
        name: words::cut(event.name.as_str()),
        about: event.about.as_deref().map(words::cut).unwrap_or_default(),
        primary: what.plan.is_primary(&event.name),
        owner: event.owner.as_ref().map_or("nobody".to_owned(), |id| {
            let known = what.plan.owners.get(id);
            words::cut(known.map_or(id.as_str(), |owner| owner.name.as_str()))
        }),
        seen: what
            .last_seen
            .get(&event.name)
            .map_or("not seen in 28 days".to_owned(), |at| {
                words::day(calendar, *at)
            }),
        strip: of("volume").map_or(String::new(), |one| {
            strip(one, what.past, calendar, what.now)
        }),
        shares,
        sources: sources.join(", "),
        required: words::cut(&required.join(", ")),
        origin: event.origin.clone(),
    }
}
