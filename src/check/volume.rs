//! `volume`: whether an event arrives as often as its own past leads one to expect.

use chrono::Duration;

use crate::model::{
    Calendar, Evaluation, Filter, Grain, Measure, Name, Outcome, Question, SegmentShare, Status,
    Timestamp, Unit, Window,
};
use crate::plan::{Event, Plan};
use crate::stats::{blame, median};

use super::shape::{Core, daily, history};
use super::{Check, Evidence, Kind, Label, Line, Need};

/// `<event>.volume` and, for conversions with a condition, `<conversion>.volume`.
pub(super) const KIND: Kind = Kind {
    name: "volume",
    about: include_str!("../../docs/checks/volume.md"),
    settings: super::PER_EVENT,
    checks,
};

/// Weeks of the same weekday that a segment is held against.
const WEEKS: i64 = 4;

/// Dimensions in which a culprit is sought when the plan names none.
const USUAL: [&str; 3] = ["device", "browser", "country"];

struct Volume {
    core: Core,
    /// The home source first, then the witnesses.
    questions: Vec<Question>,
    by: Vec<Name>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let events = plan
        .events
        .iter()
        .filter_map(|event| made(plan, event, &event.name, &Filter::default()));
    let filtered = plan
        .conversions
        .iter()
        .filter(|one| one.name != one.event && !one.filter.0.is_empty());
    let conversions = filtered.filter_map(|one| {
        let mut check = made(plan, plan.event(&one.event)?, &one.name, &one.filter)?;
        check.core.label.primary = one.primary;
        Some(check)
    });
    events
        .chain(conversions)
        .map(|check| Box::new(check) as Box<dyn Check>)
        .collect()
}

fn made(plan: &Plan, event: &Event, name: &Name, filter: &Filter) -> Option<Volume> {
    let home = plan.home(event)?;
    let core = Core::new(
        plan,
        &format!("{name}.volume"),
        KIND.name,
        Some(event),
        Some(&home),
    )?;
    let ask = |source: &Name| {
        let mapping = plan.mapping(&event.name, source)?;
        let mut question = daily(&event.name, source, mapping, Measure::Count);
        question.filter = filter.clone();
        Some(question)
    };
    let witnesses = event
        .mappings
        .iter()
        .map(|(source, _)| source)
        .filter(|source| **source != home);
    let questions = std::iter::once(&home)
        .chain(witnesses)
        .filter_map(ask)
        .collect();
    let by = if event.by.is_empty() {
        USUAL.iter().map(|one| Name::clean(one)).collect()
    } else {
        event.by.clone()
    };
    Some(Volume {
        core,
        questions,
        by,
    })
}

impl Check for Volume {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        history(&self.questions.iter().collect::<Vec<_>>(), now, calendar)
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let one = |(at, question): (usize, &Question)| {
            let mut seen = self
                .core
                .judged(evidence, &[question], None, |view| view.count(&Unit::Count))?;
            seen.witness = at > 0;
            if at == 0 {
                self.blame(evidence, question, &mut seen);
            }
            Some(seen)
        };
        self.questions.iter().enumerate().filter_map(one).collect()
    }

    fn follow_up(&self, first: &[Evaluation], _now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let Some(home) = self.questions.first() else {
            return Vec::new();
        };
        let trouble = first
            .iter()
            .find(|one| !one.witness && one.outcome.status() > Some(Status::Ok));
        let Some(trouble) = trouble else {
            return Vec::new();
        };
        let from = calendar
            .day(trouble.bucket.date() - Duration::weeks(WEEKS))
            .start;
        let window = Window {
            from,
            to: trouble.bucket.end,
        };
        let split = |name| Need {
            question: home.clone().split(std::slice::from_ref(name)),
            window,
        };
        self.by.iter().map(split).collect()
    }
}

impl Volume {
    /// Names the parts that explain the change, from the dimension with the smallest explanation.
    fn blame(&self, evidence: &Evidence<'_>, home: &Question, seen: &mut Evaluation) {
        let bucket = seen.bucket;
        let Outcome::Known {
            status, finding, ..
        } = &mut seen.outcome
        else {
            return;
        };
        if *status == Status::Ok || bucket.grain != Grain::Day {
            return;
        }
        let mut best: Option<Vec<SegmentShare>> = None;
        for name in &self.by {
            let lines = evidence.lines(&home.clone().split(std::slice::from_ref(name)));
            let numbers: Vec<(f64, f64)> = lines
                .iter()
                .map(|line| beside_past(line, bucket.date()))
                .collect();
            let shares: Vec<SegmentShare> = blame::explain(&numbers)
                .into_iter()
                .filter_map(|part| {
                    let (observed, expected) = *numbers.get(part.segment)?;
                    let change = if expected > 0.0 {
                        (observed - expected) / expected
                    } else {
                        1.0
                    };
                    Some(SegmentShare {
                        segment: lines.get(part.segment)?.segment.clone(),
                        change,
                        share: part.share,
                    })
                })
                .collect();
            let smaller = best.as_ref().is_none_or(|best| shares.len() < best.len());
            if !shares.is_empty() && smaller {
                best = Some(shares);
            }
        }
        finding.segments = best.unwrap_or_default();
    }
}

/// A segment's value beside the median of the same weekday in the weeks before; a day without a
/// row had none.
fn beside_past(line: &Line, date: chrono::NaiveDate) -> (f64, f64) {
    let on = |date| {
        line.readings
            .iter()
            .find(|one| one.bucket.date() == date)
            .map_or(0.0, |one| one.value)
    };
    let mut past: Vec<f64> = (1..=WEEKS)
        .map(|week| on(date - Duration::weeks(week)))
        .collect();
    (on(date), median(&mut past).unwrap_or(0.0))
}
