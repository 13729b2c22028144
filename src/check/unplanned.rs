//! `unplanned`: events that arrive although no plan speaks of them. Reported, never an alarm.

use std::collections::BTreeSet;

use crate::model::{Grain, Mapping, Measure, Name, Question, Subject};
use crate::plan::Plan;

use super::shape::Core;
use super::value::Values;
use super::{Check, Kind};

/// `plan.unplanned` of each source whose events have names of their own.
pub(super) const KIND: Kind = Kind {
    name: "unplanned",
    about: include_str!("../../docs/checks/unplanned.md"),
    settings: &[],
    checks,
};

/// Names that GA4 collects without being asked.
const AUTOMATIC: [&str; 14] = [
    "page_view",
    "session_start",
    "first_visit",
    "first_open",
    "user_engagement",
    "scroll",
    "click",
    "view_search_results",
    "video_start",
    "video_progress",
    "video_complete",
    "file_download",
    "form_start",
    "form_submit",
];

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    // One name of a check belongs to one source: the first that names its events.
    let source = plan.sources.iter().find(|source| source.event_named);
    let made = source.and_then(|source| {
        let name = &source.decl.name;
        let mut core = Core::new(plan, "plan.unplanned", KIND.name, None, Some(name))?;
        core.label.report_only = true;
        let mut planned: BTreeSet<String> = AUTOMATIC.iter().map(|&name| name.to_owned()).collect();
        for event in &plan.events {
            let native = event
                .mapping(name)
                .and_then(|mapping| mapping.native.clone());
            planned.insert(native.unwrap_or_else(|| event.name.as_str().to_owned()));
        }
        let question = Question::total(
            name,
            Subject::AnyEvent,
            Mapping::default(),
            Measure::Count,
            Grain::Day,
        )
        .split(&[Name::clean("event")]);
        let verdict = Box::new(move |value: &str, _: &[(String, f64)]| {
            (!planned.contains(value)).then(|| "no plan speaks of it".to_owned())
        });
        Some(Box::new(Values {
            core,
            question,
            verdict,
            limit: 0.0,
        }) as Box<dyn Check>)
    });
    made.into_iter().collect()
}
