//! What the business reads beside the quality of its tracking: steps of funnels, changes of the
//! payload, and how fast trouble was noticed and mended.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::incident::Incident;
use crate::model::{Evaluation, Name, Shape, Window};
use crate::plan::Plan;

use super::{Facts, FunnelLine, PayloadLine, Speed, is_daily};

/// A payload that moved less than this is not a change.
const MOVED: f64 = 0.005;

/// Each step of each funnel, this week beside the last.
pub(super) fn funnels(
    plan: &Plan,
    facts: &Facts,
    incidents: &[Incident],
    week: Window,
) -> Vec<FunnelLine> {
    let count = |name: &Name| facts.counts.iter().find(|one| one.name == *name);
    let rate = |to: Option<f64>, from: Option<f64>| {
        let from = from.filter(|from| *from > 0.0)?;
        Some(to? / from)
    };
    let mut lines = Vec::new();
    for funnel in &plan.funnels {
        for step in funnel.steps.windows(2) {
            let (Some(from), Some(to)) = (count(&step[0]), count(&step[1])) else {
                continue;
            };
            let doubts = incidents
                .iter()
                .filter(|one| one.event.as_ref().is_some_and(|event| step.contains(event)))
                .filter_map(|one| one.number);
            lines.push(FunnelLine {
                funnel: funnel.name.clone(),
                from: step[0].clone(),
                to: step[1].clone(),
                this_week: rate(to.this_week, from.this_week),
                last_week: rate(to.last_week, from.last_week),
                provisional: week.to + funnel.settle > facts.now,
                doubts: doubts.collect(),
            });
        }
    }
    lines
}

/// Shares of complete and conforming events that moved, the largest loss first.
pub(super) fn payload(facts: &Facts) -> Vec<PayloadLine> {
    let (this_week, last_week) = (shares(&facts.this_week), shares(&facts.last_week));
    let mut lines: Vec<PayloadLine> = this_week
        .into_iter()
        .filter_map(|(check, now)| {
            let before = *last_week.get(&check)?;
            ((now - before).abs() >= MOVED).then_some(PayloadLine {
                check,
                this_week: now,
                last_week: before,
            })
        })
        .collect();
    lines.sort_by(|a, b| {
        let change = |line: &PayloadLine| line.this_week - line.last_week;
        change(a)
            .total_cmp(&change(b))
            .then_with(|| a.check.cmp(&b.check))
    });
    lines
}

fn shares(seen: &[Evaluation]) -> BTreeMap<Name, f64> {
    let mut sums: BTreeMap<Name, (f64, f64)> = BTreeMap::new();
    let payload = |one: &&Evaluation| {
        is_daily(one) && matches!(one.kind.as_str(), "completeness" | "conformance")
    };
    for one in seen.iter().filter(payload) {
        if let Some(Shape::Ratio { k, n }) = one.outcome.finding().map(|finding| finding.shape) {
            let (hits, all) = sums.entry(one.check.clone()).or_default();
            *hits += k;
            *all += n;
        }
    }
    sums.into_iter()
        .filter(|(_, (_, all))| *all > 0.0)
        .map(|(check, (hits, all))| (check, hits / all))
        .collect()
}

/// Medians over the incidents of the week.
pub(super) fn speed(incidents: &[Incident]) -> Speed {
    let median = |of: &dyn Fn(&Incident) -> Option<TimeDelta>| {
        let mut times: Vec<TimeDelta> = incidents
            .iter()
            .filter_map(of)
            .map(|time| time.max(TimeDelta::zero()))
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    };
    Speed {
        notice: median(&|one| Some(one.opened_at? - one.first.end)),
        acknowledge: median(&|one| Some(one.acknowledged.as_ref()?.1 - one.opened_at?)),
        mend: median(&|one| Some(one.over_at()? - one.opened_at?)),
    }
}
