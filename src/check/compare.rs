//! `compare`: whether two systems that count the same thing keep the gap between them.

use chrono::TimeDelta;

use crate::model::{
    Amount, Bridge, Calendar, Evaluation, Ground, Measure, Outcome, Part, PartKind, Question,
    Reference, Status, Timestamp, Unit,
};
use crate::plan::{Compare, Plan};

use super::shape::{Core, View, daily, history};
use super::{Check, Evidence, Kind, Label, Need};

/// `<compare>.<system>`
pub(super) const KIND: Kind = Kind {
    name: "compare",
    about: include_str!("../../docs/checks/compare.md"),
    settings: &[],
    checks,
};

/// Days whose sum decides whether the level is beyond the limit.
const LEVEL: usize = 28;

struct Pair {
    core: Core,
    /// The other system, the baseline, then what is out of scope of the baseline.
    questions: Vec<Question>,
    limit: Option<f64>,
    band: Option<(f64, f64)>,
    settle: Option<TimeDelta>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.compares.iter().flat_map(|compare| {
        compare
            .against
            .iter()
            .filter_map(move |other| made(plan, compare, other))
    });
    made.map(|pair| Box::new(pair) as Box<dyn Check>).collect()
}

fn made(plan: &Plan, compare: &Compare, other: &crate::model::Name) -> Option<Pair> {
    let event = plan.event(&compare.event)?;
    let ask = |source| {
        Some(daily(
            &event.name,
            source,
            plan.mapping(&event.name, source)?,
            Measure::Count,
        ))
    };
    let baseline = ask(&compare.baseline)?;
    let mut questions = vec![ask(other)?, baseline.clone()];
    questions.extend(compare.exclude.iter().map(|(_, filter)| Question {
        filter: filter.clone(),
        ..baseline.clone()
    }));
    let mut core = Core::new(
        plan,
        &format!("{}.{other}", compare.name),
        KIND.name,
        Some(event),
        Some(other),
    )?;
    core.label.owner = compare.owner.clone().or(core.label.owner);
    let limit = compare.limit.map(|limit| {
        (
            "limit".to_owned(),
            format!("{}%", limit * 100.0),
            compare.origin.clone(),
        )
    });
    core.label.settings.extend(limit);
    let band = compare.expect.get(other).copied();
    Some(Pair {
        core,
        questions,
        limit: compare.limit,
        band,
        settle: compare.settle,
    })
}

impl Check for Pair {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        history(&self.questions.iter().collect::<Vec<_>>(), now, calendar)
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let questions: Vec<&Question> = self.questions.iter().collect();
        self.core
            .judged(evidence, &questions, self.settle, |view| self.judge(view))
            .into_iter()
            .collect()
    }
}

impl Pair {
    fn judge(&self, view: &View) -> Outcome {
        let Outcome::Known {
            mut status,
            mut finding,
            provisional,
        } = view.pair(Unit::Difference)
        else {
            return view.pair(Unit::Difference);
        };
        finding.bridge = Some(self.bridge(view));
        if status == Status::Ok
            && let Some((level, low, high)) = self.level(view)
        {
            status = Status::Warning;
            finding.now = Amount {
                observed: level,
                expected: f64::midpoint(low, high),
                low,
                high,
            };
            finding.p = None;
            finding.compared_with = Reference::Limit {
                limit: if level < low { low } else { high },
            };
        }
        Outcome::Known {
            status,
            finding,
            provisional,
        }
    }

    /// The unexplained gap of the last weeks with the band it left, if it did.
    fn level(&self, view: &View) -> Option<(f64, f64, f64)> {
        let (low, high) = self
            .band
            .or_else(|| self.limit.map(|limit| (-limit, limit)))?;
        let from = view.buckets.len().saturating_sub(LEVEL);
        let whole = (from..view.buckets.len())
            .filter(|at| view.columns.iter().all(|one| one[*at].is_finite()));
        let (mut other, mut baseline) = (0.0, 0.0);
        for at in whole {
            other += view.columns[0][at];
            baseline +=
                view.columns[1][at] - view.columns[2..].iter().map(|one| one[at]).sum::<f64>();
        }
        let level = (baseline > 0.0).then(|| (other - baseline) / baseline)?;
        (level < low || level > high).then_some((level, low, high))
    }

    /// From the baseline to the other system, in the newest bucket.
    fn bridge(&self, view: &View) -> Bridge {
        let out: i64 = (2..self.questions.len())
            .map(|column| whole(view.last(column)))
            .sum();
        let part = Part {
            kind: PartKind::Excluded,
            count: -out,
            ground: Ground::Measured,
        };
        Bridge {
            from: self.questions[1].source.clone(),
            to: self.questions[0].source.clone(),
            baseline: whole(view.last(1)),
            other: whole(view.last(0)),
            parts: if out == 0 { Vec::new() } else { vec![part] },
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "counts lie far below 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}
