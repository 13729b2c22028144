//! `freshness`: whether a source still delivers, by the age of its newest value.

use chrono::TimeDelta;

use crate::model::{
    Amount, Calendar, Evaluation, Finding, Gap, Grain, Measure, Name, Outcome, Question, Reading,
    Reference, Shape, Status, Timestamp, Unit,
};
use crate::plan::Plan;

use super::question::{daily, history};
use super::shape::Core;
use super::{Check, Evidence, Kind, Label, Need, SourceState};

/// `<source>.freshness`
pub(super) const KIND: Kind = Kind {
    name: "freshness",
    about: include_str!("../../docs/checks/freshness.md"),
    settings: &[],
    checks,
};

struct Freshness {
    core: Core,
    source: Name,
    questions: Vec<Question>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.sources.iter().filter_map(|source| {
        let name = source.decl.name.clone();
        let mut core = Core::new(
            plan,
            &format!("{name}.freshness"),
            KIND.name,
            None,
            Some(&name),
        )?;
        core.label.owner.clone_from(&source.owner);
        let ask = |event: &crate::plan::Event| {
            Some(daily(
                &event.name,
                &name,
                event.mapping(&name)?,
                Measure::Count,
            ))
        };
        let questions: Vec<Question> = plan.events.iter().filter_map(ask).collect();
        (!questions.is_empty()).then(|| {
            Box::new(Freshness {
                core,
                source: name,
                questions,
            }) as Box<dyn Check>
        })
    });
    made.collect()
}

impl Check for Freshness {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let mut needs = history(&self.questions.iter().collect::<Vec<_>>(), now, calendar);
        for need in &mut needs {
            need.filled_only = true;
        }
        needs
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let today = evidence.calendar.bucket(Grain::Day, evidence.now);
        let state = evidence
            .sources
            .get(&self.source)
            .cloned()
            .unwrap_or_default();
        let seen_at = state.last_success.unwrap_or(evidence.now);
        let outcome = match &state.failure {
            Some(why) => Outcome::NoData(Gap::SourceFailed { why: why.clone() }),
            None => self.judge(evidence, &state),
        };
        let mut seen = self.core.evaluation(
            &self.source,
            evidence.calendar.previous(&today),
            outcome,
            seen_at,
        );
        seen.strike.extreme = seen.outcome.status() == Some(Status::Failing);
        vec![seen]
    }
}

impl Freshness {
    fn judge(&self, evidence: &Evidence<'_>, state: &SourceState) -> Outcome {
        let readings = self
            .questions
            .iter()
            .flat_map(|question| evidence.total(question));
        let mut filled: Vec<&Reading> = readings.filter(|one| one.value > 0.0).collect();
        filled.sort_by_key(|one| one.bucket.end);
        let Some(newest) = filled.last() else {
            return Outcome::NoData(Gap::NeverSeen);
        };
        // Its own usual pause: the longest between days with values, and a day for the bucket itself.
        let pauses = filled
            .windows(2)
            .map(|two| two[1].bucket.end - two[0].bucket.end);
        let pause = pauses.max().unwrap_or_default().max(TimeDelta::days(1));
        let hours = |delta: TimeDelta| delta.num_minutes() as f64 / 60.0;
        let limit = hours(pause + state.arrives * 3);
        let age = hours(evidence.now - newest.bucket.end).max(0.0);
        let status = if age > limit {
            Status::Failing
        } else {
            Status::Ok
        };
        let now = Amount {
            observed: age,
            expected: hours(state.arrives),
            low: 0.0,
            high: limit,
        };
        let finding = Finding {
            shape: Shape::Count { value: age },
            unit: Unit::Hours,
            now,
            since_onset: now,
            since: newest.bucket,
            buckets: 1,
            p: None,
            compared_with: Reference::Clock,
            segments: Vec::new(),
            details: Vec::new(),
            bridge: None,
            sides: None,
        };
        Outcome::Known {
            status,
            finding: Box::new(finding),
            provisional: false,
        }
    }
}
