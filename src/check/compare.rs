//! `compare`: whether two systems that count the same thing keep the gap between them.

use chrono::TimeDelta;

use crate::model::{
    Amount, Baseline, Calendar, Evaluation, Measure, Outcome, Question, Reference, Shape, Status,
    Timestamp, Unit,
};
use crate::plan::{Compare, Plan};

use super::bridge::{self, Parts, Signed};
use super::question::{amounts, daily, history};
use super::shape::{Core, View};
use super::{Check, Evidence, Kind, Label, Need, Sight};

/// `<compare>.<system>` for counts, `<compare>.<system>.sum` for amounts.
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
    /// Of amounts: the count of the baseline, by which a mean amount is known.
    counted: Option<Question>,
    /// Of counts: what explains the gap.
    parts: Option<Parts>,
    limit: Option<f64>,
    band: Option<(f64, f64)>,
    settle: Option<TimeDelta>,
}

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let made = plan.compares.iter().flat_map(|compare| {
        let sums = compare.sums.iter();
        sums.flat_map(move |sums| {
            let others = compare.against.iter();
            others.filter_map(move |other| made(plan, compare, other, *sums))
        })
    });
    made.map(|pair| Box::new(pair) as Box<dyn Check>).collect()
}

fn made(plan: &Plan, compare: &Compare, other: &crate::model::Name, sums: bool) -> Option<Pair> {
    let event = plan.event(&compare.event)?;
    let ask = |source| {
        Some(daily(
            &event.name,
            source,
            plan.mapping(&event.name, source)?,
            Measure::Count,
        ))
    };
    let counted = ask(&compare.baseline)?;
    let (first, baseline) = if sums {
        let amounts = |source| amounts(plan, event, source);
        (amounts(other)?, amounts(&compare.baseline)?)
    } else {
        (ask(other)?, counted.clone())
    };
    let mut questions = vec![first, baseline.clone()];
    questions.extend(compare.exclude.iter().map(|(_, filter)| Question {
        filter: filter.clone(),
        ..baseline.clone()
    }));
    let mut core = Core::new(
        plan,
        &format!("{}.{other}{}", compare.name, if sums { ".sum" } else { "" }),
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
    let parts = (!sums).then(|| Parts::of(plan, compare, event, other, &baseline));
    Some(Pair {
        core,
        questions,
        counted: sums.then_some(counted),
        parts,
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
        let parts = self.parts.iter().flat_map(Parts::questions);
        history(
            &self.asked().into_iter().chain(parts).collect::<Vec<_>>(),
            now,
            calendar,
        )
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        self.core
            .judged(evidence, &self.asked(), self.settle, |view| {
                self.judge(evidence, view)
            })
            .into_iter()
            .collect()
    }

    fn sight(&self, evidence: &Evidence<'_>) -> Option<Sight> {
        let view = self.core.view(evidence, &self.asked(), self.settle).ok()?;
        self.counted.is_none().then(|| view.sight_of_gap())?
    }

    fn baseline(&self, evidence: &Evidence<'_>) -> Option<Baseline> {
        let asked = self.asked();
        let raw = self.core.view_of_past(evidence, &asked, self.settle)?;
        let parts = self.parts.as_ref().map(|one| one.measured(evidence, &raw));
        let mut view = self.explained(&raw, parts.as_deref());
        if self.counted.is_some() {
            view = Self::in_events(&view);
        }
        Some(view.baseline_of_pair(evidence, &self.questions[0]))
    }
}

impl Pair {
    fn asked(&self) -> Vec<&Question> {
        self.questions.iter().chain(&self.counted).collect()
    }

    /// Judges what the parts leave unexplained: the other system against what the baseline leads one
    /// to expect of it.
    fn judge(&self, evidence: &Evidence<'_>, raw: &View) -> Outcome {
        let parts = self.parts.as_ref().map(|one| one.measured(evidence, raw));
        let explained = self.explained(raw, parts.as_deref());
        let view = &explained;
        let judged = if self.counted.is_some() {
            Self::in_events(view).pair(Unit::Difference)
        } else {
            view.pair(Unit::Difference)
        };
        let Outcome::Known {
            mut status,
            mut finding,
            provisional,
        } = judged
        else {
            return judged;
        };
        finding.shape = Shape::Pair {
            a: raw.last(0),
            b: raw.last(1),
        };
        if let (Some(one), Some(parts)) = (&self.parts, &parts) {
            let asked = [&self.questions[0], &self.questions[1]];
            finding.bridge = Some(one.bridge(evidence, raw, parts, asked));
        }
        if status > Status::Ok && self.counted.is_none() {
            let side = |column: usize| Some(raw.stretch(column, &finding.since)?.1);
            finding.sides = side(0).zip(side(1));
        }
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

    /// The other system beside what the baseline leads one to expect of it.
    fn explained(&self, raw: &View, parts: Option<&[Signed]>) -> View {
        let mut explained = raw.clone();
        match parts {
            Some(parts) => {
                for (value, parts) in explained.columns[1].iter_mut().zip(parts) {
                    *value = bridge::explained(*value, parts);
                }
            }
            None => {
                for at in 0..raw.buckets.len() {
                    let out = raw.columns[2..self.questions.len()].iter();
                    explained.columns[1][at] -= out.map(|one| one[at]).sum::<f64>();
                }
            }
        }
        explained
    }

    /// Amounts as so many events: chance moves a sum as it moves the count behind it, and once more
    /// because amounts differ (a compound sum; amounts that vary by their own mean double it).
    fn in_events(view: &View) -> View {
        let mut events = view.clone();
        let Some(counts) = events.columns.pop() else {
            return events;
        };
        let from = counts.len().saturating_sub(LEVEL);
        let both = |at: &usize| counts[*at].is_finite() && view.columns[1][*at].is_finite();
        let (mut sum, mut count) = (0.0, 0.0);
        for at in (from..counts.len()).filter(both) {
            sum += view.columns[1][at];
            count += counts[at];
        }
        if sum > 0.0 && count > 0.0 {
            let events_of_one = count / sum / 2.0;
            for column in &mut events.columns {
                for value in column.iter_mut() {
                    *value = (*value * events_of_one).max(0.0);
                }
            }
        }
        events
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
            baseline += view.columns[1][at];
        }
        let level = (baseline > 0.0).then(|| (other - baseline) / baseline)?;
        (level < low || level > high).then_some((level, low, high))
    }
}
