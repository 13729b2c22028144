//! `rate`: how many reach the next step: rules of one's own and the steps of funnels.

use chrono::TimeDelta;

use crate::model::{
    Calendar, Evaluation, Measure, Name, Outcome, Question, Reference, Status, Timestamp, Unit,
};
use crate::plan::{CheckDecl, Plan};

use super::shape::{Core, View, daily, history};
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
}

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
            Some(rate)
        });
    let steps = plan.funnels.iter().flat_map(|funnel| {
        funnel.steps.windows(2).filter_map(move |step| {
            let name = format!("{}.{}", funnel.name, step[1]);
            let mut rate = made(plan, &name, &step[0], &step[1])?;
            rate.settle = Some(funnel.settle);
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
    })
}

impl Check for Rate {
    fn label(&self) -> &Label {
        &self.core.label
    }

    fn needs(&self, now: Timestamp, calendar: &Calendar) -> Vec<Need> {
        history(&[&self.to, &self.from], now, calendar)
    }

    fn evaluate(&self, evidence: &Evidence<'_>) -> Vec<Evaluation> {
        let judge = |view: &View| {
            let outcome = view.pair(Unit::Share);
            self.rule.as_ref().map_or_else(
                || outcome.clone(),
                |rule| limited(view, rule, outcome.clone()),
            )
        };
        self.core
            .judged(evidence, &[&self.to, &self.from], self.settle, judge)
            .into_iter()
            .collect()
    }
}

/// Fires when the rate of every day of the rule's time is beyond the limit.
fn limited(view: &View, rule: &CheckDecl, outcome: Outcome) -> Outcome {
    let Outcome::Known { mut finding, .. } = outcome else {
        return outcome;
    };
    let days = rule.hold.map_or(1, |hold| {
        usize::try_from(hold.num_days()).unwrap_or(1).max(1)
    });
    let beyond = |at: &usize| {
        let (k, n) = (view.columns[0][*at], view.columns[1][*at]);
        let rate = k / n;
        n > 0.0
            && (rule.below.is_some_and(|low| rate < low)
                || rule.above.is_some_and(|high| rate > high))
    };
    let run = (0..view.buckets.len()).rev().take_while(beyond).count();
    let limit = match (rule.below, rule.above) {
        (Some(low), _) if finding.now.observed < low => low,
        (_, Some(high)) => high,
        (low, None) => low.unwrap_or_default(),
    };
    finding.now.low = rule.below.unwrap_or(0.0);
    finding.now.high = rule.above.unwrap_or(f64::MAX);
    finding.compared_with = Reference::Limit { limit };
    finding.p = None;
    finding.buckets = u32::try_from(run.max(1)).unwrap_or(u32::MAX);
    finding.since = view.buckets[view.buckets.len() - run.max(1)];
    let status = if run >= days { rule.level } else { Status::Ok };
    view.known(status, *finding)
}
