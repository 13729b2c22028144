//! `completeness`: whether events carry the parameters that the plan requires.

use crate::model::{Measure, Name};
use crate::plan::Plan;

use super::judge::Limits;
use super::question::daily;
use super::shape::Core;
use super::share::Share;
use super::{Check, Kind};

/// `<event>.completeness`
pub(super) const KIND: Kind = Kind {
    name: "completeness",
    about: include_str!("../../docs/checks/completeness.md"),
    settings: super::PER_EVENT,
    checks,
};

const LIMITS: Limits = Limits {
    warn: Some(0.98),
    fail: Some(0.95),
    change: true,
    inverse: false,
};

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.events.iter().filter_map(|event| {
        let required: Vec<Name> = event
            .parameters
            .iter()
            .filter(|one| one.required)
            .map(|one| one.name.clone())
            .collect();
        let home = plan.home(event).filter(|_| !required.is_empty())?;
        let mapping = event.mapping(&home)?;
        let name = format!("{}.completeness", event.name);
        let mut core = Core::new(plan, &name, KIND.name, Some(event), Some(&home))?.watching(plan);
        for (key, value) in [("warn below", "98%"), ("fail below", "95%")] {
            core.label
                .settings
                .push((key.to_owned(), value.to_owned(), "default".to_owned()));
        }
        Some(Box::new(Share {
            core,
            part: daily(&event.name, &home, mapping, Measure::Having(required)),
            all: daily(&event.name, &home, mapping, Measure::Count),
            limits: LIMITS,
        }) as Box<dyn Check>)
    });
    made.collect()
}
