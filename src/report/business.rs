//! What the business reads beside the quality of its tracking: conversions by channel, the gap
//! between systems, steps of funnels, changes of the payload, and how fast trouble was mended.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::incident::Incident;
use crate::model::{
    Bridge, Evaluation, Grain, Ground, Measure, Name, Part, PartKind, Question, Shape, Subject,
    Window,
};
use crate::plan::Plan;

use super::{ChannelLine, Facts, FunnelLine, GapLine, PayloadLine, Speed, is_daily};

/// Dimensions of `by` that say where visitors come from, the best first.
const CHANNELS: [&str; 8] = [
    "channel",
    "channel_group",
    "source_medium",
    "utm_source",
    "source",
    "utm_medium",
    "medium",
    "utm_campaign",
];

/// What the audit asks beside the checks: each conversion by the first dimension of its event that
/// names a channel.
pub fn channel_questions(plan: &Plan) -> Vec<Question> {
    let converts = |event: &Name| plan.conversions.iter().any(|one| one.event == *event);
    let ask = |event: &crate::plan::Event| {
        let channel = CHANNELS
            .iter()
            .find_map(|known| event.by.iter().find(|one| one.as_str() == *known))?;
        let home = plan.home(event)?;
        let mapping = plan.mapping(&event.name, &home)?.clone();
        let subject = Subject::Event(event.name.clone());
        let total = Question::total(&home, subject, mapping, Measure::Count, Grain::Day);
        Some(total.split(std::slice::from_ref(channel)))
    };
    plan.events
        .iter()
        .filter(|event| converts(&event.name))
        .filter_map(ask)
        .collect()
}

/// The numbers of incidents of an event.
pub(super) fn doubts<'a>(
    incidents: &'a [Incident],
    event: &'a Name,
) -> impl Iterator<Item = u32> + 'a {
    let mine = incidents
        .iter()
        .filter(move |one| one.event.as_ref() == Some(event));
    mine.filter_map(|one| one.number)
}

/// Conversions by channel, the largest first.
pub(super) fn channels(plan: &Plan, facts: &Facts, incidents: &[Incident]) -> Vec<ChannelLine> {
    let mut lines: Vec<ChannelLine> = facts
        .channels
        .iter()
        .filter_map(|fact| {
            let Subject::Event(event) = &fact.question.subject else {
                return None;
            };
            Some(ChannelLine {
                doubts: doubts(incidents, event).collect(),
                event: event.clone(),
                dimension: fact.question.by.first()?.clone(),
                value: fact.value.clone(),
                current: fact.current?,
                previous: fact.previous,
                last_year: fact.last_year,
            })
        })
        .filter(|line| line.current > 0.0 || line.previous > Some(0.0))
        .collect();
    lines.sort_by(|a, b| {
        let primary = |line: &ChannelLine| !plan.is_primary(&line.event);
        (primary(a), &a.event)
            .cmp(&(primary(b), &b.event))
            .then(b.current.total_cmp(&a.current))
            .then_with(|| a.value.cmp(&b.value))
    });
    lines
}

/// The gap of every comparison over the days that were judged: counts as they are known now, the
/// parts as each day was judged. Days whose numbers still grew when they were judged have grown
/// since, so that nothing is still to come.
pub(super) fn gaps(plan: &Plan, facts: &Facts, incidents: &[Incident], of: usize) -> Vec<GapLine> {
    let days = |event: &Name, source: &Name| {
        let mine = |one: &&super::SystemFact| one.event == *event && one.source == *source;
        facts.systems.iter().find(mine).map(|one| &one.days)
    };
    let mut lines = Vec::new();
    for compare in plan.compares.iter().filter(|one| one.sums.contains(&false)) {
        for other in &compare.against {
            let check = format!("{}.{other}", compare.name);
            let known = days(&compare.event, &compare.baseline).zip(days(&compare.event, other));
            let Some((baseline, others)) = known else {
                continue;
            };
            let (mut from, mut to, mut count) = (0, 0, 0);
            let mut parts: BTreeMap<PartKind, (i64, Ground)> = BTreeMap::new();
            for one in facts.current.iter().filter(|one| is_daily(one)) {
                let bridge = one
                    .outcome
                    .finding()
                    .and_then(|found| found.bridge.as_ref());
                let date = one.bucket.date();
                let both = baseline.get(&date).zip(others.get(&date));
                let (Some(bridge), Some((ours, theirs))) = (bridge, both) else {
                    continue;
                };
                if one.check.as_str() != check {
                    continue;
                }
                (from, to, count) = (from + whole(*ours), to + whole(*theirs), count + 1);
                for part in &bridge.parts {
                    if part.kind != PartKind::StillToCome {
                        let sum = parts.entry(part.kind).or_insert((0, part.ground));
                        sum.0 += part.count;
                    }
                }
            }
            if count == 0 {
                continue;
            }
            let part = |(kind, (count, ground))| Part {
                kind,
                count,
                ground,
            };
            lines.push(GapLine {
                doubts: doubts(incidents, &compare.event).collect(),
                check: Name::clean(&check),
                bridge: Bridge {
                    from: compare.baseline.clone(),
                    to: other.clone(),
                    baseline: from,
                    other: to,
                    parts: parts.into_iter().map(part).collect(),
                },
                days: count,
                of,
            });
        }
    }
    lines
}

#[expect(clippy::cast_possible_truncation, reason = "counts lie far below 2^53")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// A payload that moved less than this is not a change.
const MOVED: f64 = 0.005;

/// Each step of each funnel beside the period before.
pub(super) fn funnels(
    plan: &Plan,
    facts: &Facts,
    incidents: &[Incident],
    now: Window,
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
                current: rate(to.current, from.current),
                previous: rate(to.previous, from.previous),
                provisional: now.to + funnel.settle > facts.now,
                doubts: doubts.collect(),
            });
        }
    }
    lines
}

/// Shares of complete and conforming events that moved, the largest loss first.
pub(super) fn payload(facts: &Facts) -> Vec<PayloadLine> {
    let (current, previous) = (shares(&facts.current), shares(&facts.previous));
    let mut lines: Vec<PayloadLine> = current
        .into_iter()
        .filter_map(|(check, now)| {
            let before = *previous.get(&check)?;
            ((now - before).abs() >= MOVED).then_some(PayloadLine {
                check,
                current: now,
                previous: before,
            })
        })
        .collect();
    lines.sort_by(|a, b| {
        let change = |line: &PayloadLine| line.current - line.previous;
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

/// Medians over the incidents of the period.
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
