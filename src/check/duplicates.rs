//! `duplicates`: whether the same thing is counted more than once.

use crate::model::{Mapping, Measure, Name};
use crate::plan::Plan;

use super::judge::Limits;
use super::question::daily;
use super::shape::Core;
use super::share::Share;
use super::{Check, Kind};

/// `<event>.duplicates`
pub(super) const KIND: Kind = Kind {
    name: "duplicates",
    about: include_str!("../../docs/checks/duplicates.md"),
    settings: super::PER_EVENT,
    checks,
};

/// Decision: warn above 0.5% repeats, fail above 5%.
const LIMITS: Limits = Limits {
    warn: Some(0.995),
    fail: Some(0.95),
    change: true,
    inverse: true,
};

/// Analytics knows purchases and refunds by their `transaction_id` (decision: nothing need be said).
fn usual_key(plan: &Plan, home: &Name, mapping: &Mapping) -> Option<Name> {
    let known = plan.source(home)?.analytics;
    let sale = matches!(mapping.native.as_deref(), Some("purchase" | "refund"));
    (known && sale).then(|| Name::clean("transaction_id"))
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.events.iter().filter_map(|event| {
        let home = plan.home(event)?;
        let mapping = event.mapping(&home)?;
        let unique = event
            .unique
            .clone()
            .or_else(|| usual_key(plan, &home, mapping))?;
        let name = format!("{}.duplicates", event.name);
        let mut core = Core::new(plan, &name, KIND.name, Some(event), Some(&home))?;
        for (key, value) in [("warn above", "0.5%"), ("fail above", "5%")] {
            core.label
                .settings
                .push((key.to_owned(), value.to_owned(), "default".to_owned()));
        }
        Some(Box::new(Share {
            core,
            part: daily(&event.name, &home, mapping, Measure::Repeats(unique)),
            all: daily(&event.name, &home, mapping, Measure::Count),
            limits: LIMITS,
        }) as Box<dyn Check>)
    });
    made.collect()
}
