//! `settings`: whether what gives a source's numbers their meaning is what it was.

use chrono::TimeDelta;

use crate::model::{
    Amount, Calendar, Evaluation, Explained, Finding, Gap, Grain, Mark, MarkKind, Name, Outcome,
    Reference, Shape, Status, Timestamp, Unit, setting,
};
use crate::plan::Plan;

use super::shape::Core;
use super::{Check, Evidence, Kind, Label, Need};

/// `<source>.settings`
pub(super) const KIND: Kind = Kind {
    name: "settings",
    about: include_str!("../../docs/checks/settings.md"),
    settings: &[],
    checks,
};

/// A change is told for this long: then it is how things are.
const FRESH: TimeDelta = TimeDelta::days(2);

struct Settings {
    core: Core,
    source: Name,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    // Analytics systems tell their settings with their counts.
    let telling = plan.sources.iter().filter(|source| source.analytics);
    let made = telling.filter_map(|source| {
        let name = source.decl.name.clone();
        let title = format!("{name}.settings");
        let mut core = Core::new(plan, &title, KIND.name, None, Some(&name))?;
        core.label.owner.clone_from(&source.owner);
        Some(Box::new(Settings { core, source: name }) as Box<dyn Check>)
    });
    made.collect()
}

impl Check for Settings {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, _now: Timestamp, _calendar: &Calendar) -> Vec<Need> {
        Vec::new()
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let fresh = |mark: &&Mark| {
            mark.kind == MarkKind::Setting
                && mark.source.as_ref() == Some(&self.source)
                && evidence.now - mark.at < FRESH
                && !setting::only_adds(mark)
        };
        let changed: Vec<&Mark> = evidence.marks.iter().filter(fresh).collect();
        let state = evidence.sources.get(&self.source);
        let bucket = evidence.calendar.bucket(Grain::Day, evidence.now);
        let outcome = if state.is_some_and(|state| state.last_success.is_some()) {
            told(&changed, evidence)
        } else {
            Outcome::NoData(Gap::NeverSeen)
        };
        let seen_at = changed.iter().map(|mark| mark.at).max();
        let seen_at = seen_at.unwrap_or(evidence.now);
        let mut one = self.core.evaluation(&self.source, bucket, outcome, seen_at);
        // It was read: there is nothing to wait for.
        one.strike.extreme = !changed.is_empty();
        vec![one]
    }
}

fn told(changed: &[&Mark], evidence: &Evidence<'_>) -> Outcome {
    let many = changed.len() as f64;
    let now = Amount {
        observed: many,
        expected: 0.0,
        low: 0.0,
        high: 0.0,
    };
    let first = changed.iter().map(|mark| mark.at).min();
    let details = changed.iter().map(|mark| Explained {
        what: mark.name.clone(),
        why: evidence
            .calendar
            .local(mark.at)
            .format("%-d %b, %H:%M")
            .to_string(),
        count: 1,
    });
    let finding = Finding {
        shape: Shape::Count { value: many },
        unit: Unit::Count,
        now,
        since_onset: now,
        since: evidence
            .calendar
            .bucket(Grain::Day, first.unwrap_or(evidence.now)),
        buckets: 1,
        p: None,
        compared_with: Reference::Limit { limit: 0.0 },
        segments: Vec::new(),
        details: details.collect(),
        bridge: None,
        sides: None,
    };
    Outcome::Known {
        status: if changed.is_empty() {
            Status::Ok
        } else {
            Status::Warning
        },
        finding: Box::new(finding),
        provisional: false,
    }
}
