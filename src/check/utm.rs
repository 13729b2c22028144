//! `utm`: whether campaign parameters keep the rules of the plan.

use crate::model::{Grain, Mapping, Measure, Name, Question, Rule, Subject};
use crate::plan::{Plan, Utm};

use super::shape::Core;
use super::value::Values;
use super::{Check, Kind};

/// `utm.<field>`
pub(super) const KIND: Kind = Kind {
    name: "utm",
    about: include_str!("../../docs/checks/utm.md"),
    settings: &[],
    checks,
};

/// Share of visits with a broken value above which to warn.
const LIMIT: f64 = 0.01;

/// What is asked of one field.
struct Wanted {
    required: bool,
    lower: bool,
    allowed: Option<Vec<String>>,
    pattern: Option<regex_lite::Regex>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let Some((utm, source)) = plan
        .utm
        .as_ref()
        .zip(plan.sources.iter().find(|source| source.event_named))
    else {
        return Vec::new();
    };
    let mut fields: Vec<Name> = utm
        .required
        .iter()
        .chain(utm.rules.keys())
        .cloned()
        .collect();
    fields.sort();
    fields.dedup();
    let source = &source.decl.name;
    let made = fields.into_iter().filter_map(|field| {
        let short = field.as_str().trim_start_matches("utm_").to_owned();
        let core = Core::new(plan, &format!("utm.{short}"), KIND.name, None, Some(source))?;
        let wanted = wanted(utm, &field);
        let question = Question::total(
            source,
            Subject::Sessions,
            Mapping::default(),
            Measure::Count,
            Grain::Day,
        )
        .split(std::slice::from_ref(&field));
        let verdict = Box::new(move |value: &str, all: &[(String, f64)]| wanted.fault(value, all));
        Some(Box::new(Values {
            core,
            question,
            verdict,
            limit: LIMIT,
        }) as Box<dyn Check>)
    });
    made.collect()
}

fn wanted(utm: &Utm, field: &Name) -> Wanted {
    let (allowed, pattern) = match utm.rules.get(field) {
        Some(Rule::OneOf(values)) => (Some(values.clone()), None),
        Some(Rule::Pattern(pattern)) => (
            None,
            regex_lite::Regex::new(&format!("^(?:{pattern})$")).ok(),
        ),
        _ => (None, None),
    };
    Wanted {
        required: utm.required.contains(field),
        lower: utm.lower,
        allowed,
        pattern,
    }
}

impl Wanted {
    fn fault(&self, value: &str, all: &[(String, f64)]) -> Option<String> {
        if value.is_empty() || value.starts_with('(') {
            // Direct visits carry no campaign; only a value that could not be read is missing.
            return (self.required && value == "(not set)").then(|| "is missing".to_owned());
        }
        let lower = value.to_lowercase();
        if self.lower && lower != value {
            return Some(format!("should be {lower}"));
        }
        if let Some(allowed) = &self.allowed
            && !allowed.iter().any(|one| one == value)
        {
            let near = allowed.iter().find(|one| plain(one) == plain(value));
            return Some(near.map_or_else(
                || "is not an allowed value".to_owned(),
                |near| format!("should be {near}"),
            ));
        }
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(value))
        {
            return Some("does not match the pattern".to_owned());
        }
        // The same word in another spelling: the more frequent one is right.
        let own = all
            .iter()
            .find(|(one, _)| one == value)
            .map_or(0.0, |(_, count)| *count);
        let twin = all
            .iter()
            .find(|(one, count)| one != value && plain(one) == plain(value) && *count > own);
        twin.map(|(twin, _)| format!("looks like {twin}"))
    }
}

/// Without case and separators.
fn plain(value: &str) -> String {
    value
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}
