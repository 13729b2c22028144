//! `conformance`: whether the values of a parameter look as the plan says.

use crate::model::Measure;
use crate::plan::Plan;

use super::judge::Limits;
use super::question::daily;
use super::shape::Core;
use super::share::Share;
use super::{Check, Kind};

/// `<event>.<parameter>.conformance`
pub(super) const KIND: Kind = Kind {
    name: "conformance",
    about: include_str!("../../docs/checks/conformance.md"),
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
    let mut made: Vec<Box<dyn Check>> = Vec::new();
    for event in &plan.events {
        let Some(home) = plan.home(event) else {
            continue;
        };
        let Some(mapping) = event.mapping(&home) else {
            continue;
        };
        for parameter in &event.parameters {
            let Some(rule) = parameter.rule.clone() else {
                continue;
            };
            let name = format!("{}.{}.conformance", event.name, parameter.name);
            let Some(core) = Core::new(plan, &name, KIND.name, Some(event), Some(&home)) else {
                continue;
            };
            let ask = |measure| daily(&event.name, &home, mapping, measure);
            made.push(Box::new(Share {
                core: core.watching(plan),
                part: ask(Measure::Valid {
                    parameter: parameter.name.clone(),
                    rule,
                }),
                // Events without the parameter are the business of `completeness`.
                all: ask(Measure::Having(vec![parameter.name.clone()])),
                limits: LIMITS,
            }));
        }
    }
    made
}
