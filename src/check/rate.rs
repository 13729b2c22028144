//! `rate`: how many reach the next step: rules of one's own and the steps of funnels.

use chrono::TimeDelta;

use crate::model::{
    Amount, Baseline, Calendar, Evaluation, Finding, Gap, Grain, Measure, Name, Outcome, Question,
    Reference, Shape, Status, Timestamp, Unit,
};
use crate::plan::{CheckDecl, Plan};
use crate::stats;

use super::question::{daily, history};
use super::shape::{Core, View};
use super::{Check, Evidence, Kind, Label, Need};

/// `check.<name>` for `[check.X] rate = [...]`, and `<funnel>.<step>` for each step of a funnel.
pub(super) const KIND: Kind = Kind {
    name: "rate",
    about: include_str!("../../docs/checks/rate.md"),
    settings: super::OF_A_RATE,
    checks,
};

struct Rate {
    core: Core,
    to: Question,
    from: Question,
    /// Without limits a change of the rate fails.
    rule: Option<CheckDecl>,
    settle: Option<TimeDelta>,
    /// Days over which the earlier step is averaged, because the later one takes that long.
    days: usize,
}

/// A limit is missed by bad luck less often than this.
const BAD_LUCK: f64 = 0.01;

fn checks(plan: &Plan) -> Vec<Box<dyn Check>> {
    let own = plan
        .checks
        .iter()
        .filter(|rule| rule.enabled)
        .filter_map(|rule| {
            let (from, to) = rule.rate.as_ref()?;
            let mut rate = made(plan, rule.name.as_str(), from, to)?;
            rate.core.set_sensitivity(rule.sensitivity.as_deref());
            rate.core.label.owner = rule.owner.clone().or(rate.core.label.owner);
            for (key, value) in [("below", rule.below), ("above", rule.above)] {
                let shown = value.map(|value| {
                    (
                        key.to_owned(),
                        format!("{}%", value * 100.0),
                        rule.origin.clone(),
                    )
                });
                rate.core.label.settings.extend(shown);
            }
            rate.rule = (rule.below.is_some() || rule.above.is_some()).then(|| rule.clone());
            if rate.rule.is_some() && rule.hold.is_some_and(|hold| hold < TimeDelta::days(1)) {
                rate.to.grain = Grain::Hour;
                rate.from.grain = Grain::Hour;
            }
            Some(rate)
        });
    let steps = plan.funnels.iter().flat_map(|funnel| {
        funnel.steps.windows(2).filter_map(move |step| {
            let name = format!("{}.{}", funnel.name, step[1]);
            let mut rate = made(plan, &name, &step[0], &step[1])?;
            rate.settle = Some(funnel.settle);
            let within = funnel.within.map_or(0, |within| within.num_days());
            rate.days = usize::try_from(within).unwrap_or(0) + 1;
            Some(rate)
        })
    });
    own.chain(steps)
        .map(|rate| Box::new(rate) as Box<dyn Check>)
        .collect()
}

fn made(plan: &Plan, name: &str, from: &Name, to: &Name) -> Option<Rate> {
    let ask = |name: &Name| {
        let conversion = plan.conversions.iter().find(|one| one.name == *name);
        let event = plan
            .event(name)
            .or_else(|| plan.event(&conversion?.event))?;
        let home = plan.home(event)?;
        let mut question = daily(
            &event.name,
            &home,
            plan.mapping(&event.name, &home)?,
            Measure::Count,
        );
        question.filter = conversion.map(|one| one.filter.clone()).unwrap_or_default();
        Some((event, question))
    };
    let ((_, from), (event, to)) = (ask(from)?, ask(to)?);
    let core = Core::new(plan, name, KIND.name, Some(event), Some(&to.source))?;
    Some(Rate {
        core,
        to,
        from,
        rule: None,
        settle: None,
        days: 1,
    })
}

impl Check for Rate {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        let mut needs = history(&[&self.to, &self.from], now, calendar);
        for need in needs
            .iter_mut()
            .filter(|need| need.question.grain == Grain::Hour)
        {
            // A limit needs no past, only the time for which it must be missed.
            need.window.from = need.window.from.max(now - RECENT);
        }
        needs
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let questions = [&self.to, &self.from];
        let Some(rule) = &self.rule else {
            let judge = |view: &View| view.with_mean(1, self.days).pair(Unit::Share);
            let seen = self.core.judged(evidence, &questions, self.settle, judge);
            return seen.into_iter().collect();
        };
        // Both numbers of one source are equally young; those of two sources are not.
        let patient = self.to.source != self.from.source;
        let judge = |view: &View| limited(view, rule);
        let mut seen = self.core.limited(evidence, &questions, patient, judge);
        if let Some(one) = &mut seen {
            // Whoever says how long it must last wants to hear of it then.
            let fires = one.outcome.status() > Some(Status::Ok);
            one.strike.extreme = fires && rule.hold.is_some();
        }
        seen.into_iter().collect()
    }

    fn baseline(&self, evidence: &Evidence<'_>) -> Option<Baseline> {
        if self.rule.is_some() {
            return None;
        }
        let questions = [&self.to, &self.from];
        let view = self.core.view_of_past(evidence, &questions, self.settle)?;
        let view = view.with_mean(1, self.days);
        Some(view.baseline_of_pair(evidence, &self.to))
    }
}

/// Time of hours that a limit is asked for.
const RECENT: TimeDelta = TimeDelta::days(8);

/// Fires when the rate of every bucket of the rule's time is beyond the limit, and together they
/// hold enough that it is not bad luck.
fn limited(view: &View, rule: &CheckDecl) -> Outcome {
    let rate = |at: usize| view.columns[0][at] / view.columns[1][at];
    let beyond = |at: &usize| {
        view.columns[1][*at] > 0.0
            && (rule.below.is_some_and(|low| rate(*at) < low)
                || rule.above.is_some_and(|high| rate(*at) > high))
    };
    let last = view.at();
    let run = (0..=last).rev().take_while(beyond).count();
    let needed = needed(view, rule);
    let (k, n) = view.sums(run.clamp(1, view.buckets.len()));
    if n <= 0.0 {
        let (have, need) = (0, 1);
        return Outcome::NoData(Gap::TooFew {
            have,
            need,
            of: Unit::Count,
            from: None,
        });
    }
    let low = rule.below.filter(|low| run == 0 || rate(last) < *low);
    let limit = low.or(rule.above).or(rule.below).unwrap_or_default();
    if run >= needed {
        // What the rule would take if not one, or every one, were a hit.
        let chance = |k: f64, n: f64| match low {
            Some(limit) => stats::ratio::below_target(k.min(n), n, limit.min(1.0)),
            None if limit >= 1.0 => 0.0,
            None => stats::ratio::below_target((n - k).max(0.0), n, 1.0 - limit),
        };
        let worst = if low.is_some() { 0.0 } else { n };
        if chance(worst, n) > BAD_LUCK {
            let need = (1..=10_000_u32).find(|n| {
                let n = f64::from(*n);
                chance(if low.is_some() { 0.0 } else { n }, n) <= BAD_LUCK
            });
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "below 10,000"
            )]
            let have = n as u32;
            let need = need.unwrap_or(10_000);
            return Outcome::NoData(Gap::TooFew {
                have,
                need,
                of: Unit::Count,
                from: None,
            });
        }
        let certain = chance(k, n) <= BAD_LUCK;
        let status = if certain { rule.level } else { Status::Ok };
        return view.known(status, finding(view, rule, limit, run));
    }
    view.known(Status::Ok, finding(view, rule, limit, 1))
}

/// Buckets of the rule's time, at least one.
fn needed(view: &View, rule: &CheckDecl) -> usize {
    let bucket = if view.bucket.grain == Grain::Hour {
        TimeDelta::hours(1)
    } else {
        TimeDelta::days(1)
    };
    let hold = rule.hold.unwrap_or(bucket).num_minutes();
    let width = bucket.num_minutes();
    usize::try_from((hold + width - 1) / width)
        .unwrap_or(1)
        .max(1)
}

fn finding(view: &View, rule: &CheckDecl, limit: f64, run: usize) -> Finding {
    let amount = |(k, n): (f64, f64)| Amount {
        observed: if n > 0.0 { k / n } else { limit },
        expected: limit,
        low: rule.below.unwrap_or(0.0),
        high: rule.above.unwrap_or(1.0),
    };
    let run = run.clamp(1, view.buckets.len());
    Finding {
        shape: Shape::Pair {
            a: view.last(0),
            b: view.last(1),
        },
        unit: Unit::Share,
        now: amount(view.sums(1)),
        since_onset: amount(view.sums(run)),
        since: view.buckets[view.buckets.len() - run],
        buckets: u32::try_from(run).unwrap_or(u32::MAX),
        p: None,
        compared_with: Reference::Limit { limit },
        segments: Vec::new(),
        details: Vec::new(),
        bridge: None,
        sides: None,
    }
}
