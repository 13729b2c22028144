//! What only the audit of a month holds: repeats, how systems of record know the events, and the
//! last thirteen weeks.

use std::collections::BTreeMap;

use crate::model::{Evaluation, Mapping, Name, Period, Shape};
use crate::plan::Plan;

use super::{Depth, Facts, MappingLine, RepeatLine, TREND, Trend, is_daily};

/// Everything of a month; nothing for a week.
pub(super) fn depth(plan: &Plan, facts: &Facts, days: usize) -> Depth {
    if facts.period != Period::Month {
        return Depth::default();
    }
    let (mappings, unmapped) = mappings(plan, facts, days);
    Depth {
        repeats: repeats(facts),
        mappings,
        unmapped,
        trends: trends(facts),
    }
}

/// Repeats and all events of each event that is asked for repeats.
fn sums(seen: &[Evaluation]) -> BTreeMap<&Name, (f64, f64)> {
    let mut sums: BTreeMap<&Name, (f64, f64)> = BTreeMap::new();
    for one in seen.iter().filter(|one| is_daily(one)) {
        let shape = one.outcome.finding().map(|finding| finding.shape);
        if let (Some(Shape::Ratio { k, n }), Some(event), "duplicates") =
            (shape, &one.event, one.kind.as_str())
        {
            let sum = sums.entry(event).or_default();
            *sum = (sum.0 + k, sum.1 + n);
        }
    }
    sums.retain(|_, (_, all)| *all > 0.0);
    sums
}

fn repeats(facts: &Facts) -> Vec<RepeatLine> {
    let before = sums(&facts.previous);
    let mut lines: Vec<RepeatLine> = sums(&facts.current)
        .into_iter()
        .map(|(event, (repeats, all))| RepeatLine {
            event: event.clone(),
            repeats,
            current: repeats / all,
            previous: before.get(event).map(|(repeats, all)| repeats / all),
        })
        .collect();
    lines.sort_by(|a, b| b.current.total_cmp(&a.current).then(a.event.cmp(&b.event)));
    lines
}

/// Every event in every system of record that knows it, and the events that none knows.
fn mappings(plan: &Plan, facts: &Facts, days: usize) -> (Vec<MappingLine>, Vec<Name>) {
    let sum = |event: &Name, source: &Name| {
        let mine = |one: &&super::SystemFact| one.event == *event && one.source == *source;
        let known = facts.systems.iter().find(mine)?;
        (known.days.len() >= days).then(|| known.days.values().sum::<f64>())
    };
    let (mut lines, mut unmapped) = (Vec::new(), Vec::new());
    for event in &plan.events {
        let home = plan.home(event);
        let records = event.mappings.iter().filter(|(source, _)| {
            plan.source(source)
                .is_some_and(|source| !source.event_named)
                || Some(source) != home.as_ref()
        });
        let before = lines.len();
        lines.extend(records.map(|(source, mapping)| {
            MappingLine {
                event: event.name.clone(),
                source: source.clone(),
                known_as: known_as(mapping),
                count: sum(&event.name, source),
                home: home
                    .as_ref()
                    .filter(|home| *home != source)
                    .and_then(|home| sum(&event.name, home)),
            }
        }));
        if lines.len() == before {
            unmapped.push(event.name.clone());
        }
    }
    (lines, unmapped)
}

/// As the plan writes it.
fn known_as(mapping: &Mapping) -> String {
    let native = mapping.native.iter().cloned();
    let settings = mapping.settings.iter();
    let all: Vec<String> = native
        .chain(settings.map(|(key, value)| format!("{key} = {value}")))
        .collect();
    if all.is_empty() {
        "by its own name".to_owned()
    } else {
        all.join(", ")
    }
}

/// Shares of quality, then the counts of every event, over the last weeks.
fn trends(facts: &Facts) -> Vec<Trend> {
    if facts.weeks.len() < TREND {
        return Vec::new();
    }
    let share = |name: &str, of: &dyn Fn(&super::WeekFact) -> Option<f64>| Trend {
        name: name.to_owned(),
        is_share: true,
        weeks: facts.weeks.iter().map(of).collect(),
    };
    let shares = [
        share("Complete parameters", &|week| week.shares.completeness),
        share("Discrepancy", &|week| week.shares.discrepancy),
        share("Unknown traffic", &|week| week.shares.unknown),
    ];
    let counts = facts.counts.iter().enumerate().map(|(at, fact)| Trend {
        name: fact.name.to_string(),
        is_share: false,
        weeks: facts
            .weeks
            .iter()
            .map(|week| week.counts.get(at).copied().flatten())
            .collect(),
    });
    let all = shares.into_iter().chain(counts);
    all.filter(|one| one.weeks.iter().flatten().count() > 1)
        .collect()
}
