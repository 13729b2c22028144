//! `naming`: whether the names of arriving events follow the style of the plan.

use crate::model::{Grain, Mapping, Measure, Name, Question, Subject};
use crate::plan::Plan;

use super::shape::Core;
use super::value::Values;
use super::{Check, Kind};

/// `plan.naming`
pub(super) const KIND: Kind = Kind {
    name: "naming",
    about: include_str!("../../docs/checks/naming.md"),
    settings: &[],
    checks,
};

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let source = plan.sources.iter().find(|source| source.event_named);
    let made = source
        .zip(plan.naming.events.clone())
        .and_then(|(source, style)| {
            let name = &source.decl.name;
            let core = Core::new(plan, "plan.naming", KIND.name, None, Some(name))?;
            let pattern = regex_lite::Regex::new(style.pattern()).ok()?;
            let word = style.word().to_owned();
            let question = Question::total(
                name,
                Subject::AnyEvent,
                Mapping::default(),
                Measure::Count,
                Grain::Day,
            )
            .split(&[Name::clean("event")]);
            let verdict = Box::new(move |value: &str, _: &[(String, f64)]| {
                (!pattern.is_match(value)).then(|| format!("is not {word}"))
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
