//! How much of the plan is measured: for reports.

use chrono::{Duration, NaiveDate};

use crate::model::{Evaluation, Explained, Gap, Name, Outcome};
use crate::plan::Plan;

/// What of the plan arrives.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Events of the plan.
    pub planned: Vec<Name>,
    /// Those that were ever read.
    pub seen: Vec<Name>,
    /// What arrives without a plan, most frequent first.
    pub unplanned: Vec<Explained>,
    /// Requested more than two weeks ago and never read.
    pub overdue: Vec<Name>,
}

/// Sums up the newest evaluations.
pub fn coverage(plan: &Plan, latest: &[Evaluation], today: NaiveDate) -> Coverage {
    let volume = |event: &Name| {
        latest.iter().find(|one| {
            one.kind.as_str() == "volume" && !one.witness && one.event.as_ref() == Some(event)
        })
    };
    let was_read = |event: &Name| {
        volume(event).is_some_and(|one| !matches!(one.outcome, Outcome::NoData(Gap::NeverSeen)))
    };
    let names = || plan.events.iter().map(|event| event.name.clone());
    let late = plan.events.iter().filter(|event| {
        !was_read(&event.name)
            && event
                .requested
                .is_some_and(|day| day + Duration::days(14) < today)
    });
    let unplanned = latest.iter().find(|one| one.kind.as_str() == "unplanned");
    Coverage {
        planned: names().collect(),
        seen: names().filter(was_read).collect(),
        unplanned: unplanned
            .and_then(|one| one.outcome.finding())
            .map(|finding| finding.details.clone())
            .unwrap_or_default(),
        overdue: late.map(|event| event.name.clone()).collect(),
    }
}
