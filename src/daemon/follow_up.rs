//! Breakdowns of what looks wrong, asked once in the same round and never stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::{Check, Line};
use crate::model::{Evaluation, Name, Observation, Question, Reading, Segment, Window};
use crate::source::Ask;

use super::evidence::Gathered;
use super::{World, evaluate, pull};

/// Most follow-up questions in one round.
const MOST: usize = 20;

/// Asks the sources for what the checks want to know after their first look, and lets those checks
/// look again. A failure leaves the round as it was: it knows less about where, nothing less about
/// what.
pub(super) async fn ask(
    world: &Arc<World>,
    gathered: Arc<Gathered>,
    first: Vec<Evaluation>,
) -> (Arc<Gathered>, Vec<Evaluation>) {
    let (wanted, again) = wanted(world, &gathered, &first);
    if wanted.is_empty() {
        return (gathered, first);
    }
    let mut more = Gathered::clone(&gathered);
    for (source, needs) in wanted {
        let Some(tap) = world.taps.get(&source) else { continue };
        for (question, window) in needs {
            let ask = Ask {
                questions: vec![question.clone()],
                window,
                calendar: world.plan.project.calendar.clone(),
                now: gathered.now,
            };
            match pull::guarded(tap, &ask, &pull::means(world)).await {
                Ok(mut pulled) => {
                    pulled.fill_zeros(&ask);
                    more.history.insert(question, lines(pulled.observations));
                }
                Err(why) => {
                    tracing::info!(source = %source, "no breakdown from `{source}`: {why}");
                    break;
                }
            }
        }
    }
    let more = Arc::new(more);
    let names: BTreeSet<Name> = again.iter().map(|check| check.label().name.clone()).collect();
    let mut seen = first;
    seen.retain(|evaluation| !names.contains(&evaluation.check));
    seen.extend(evaluate::judge(world, &again, &more).await);
    (more, seen)
}

type Wanted = BTreeMap<Name, Vec<(Question, Window)>>;

fn wanted(
    world: &World,
    gathered: &Gathered,
    first: &[Evaluation],
) -> (Wanted, Vec<Arc<dyn Check>>) {
    let mut by_check: BTreeMap<&Name, Vec<Evaluation>> = BTreeMap::new();
    for evaluation in first {
        by_check.entry(&evaluation.check).or_default().push(evaluation.clone());
    }
    let mut known: BTreeSet<&Question> = gathered.history.keys().collect();
    let mut wanted = Wanted::new();
    let mut again: Vec<Arc<dyn Check>> = Vec::new();
    let mut count = 0;
    let mut asked: Vec<(Question, Window, Arc<dyn Check>)> = Vec::new();
    for check in &world.checks {
        let Some(mine) = by_check.get(&check.label().name) else { continue };
        let calendar = &world.plan.project.calendar;
        for need in check.follow_up(mine, gathered.now, calendar) {
            asked.push((need.question, need.window, Arc::clone(check)));
        }
    }
    for (question, window, check) in &asked {
        let answerable = world
            .taps
            .get(&question.source)
            .is_some_and(|tap| tap.source.refuses(question).is_none());
        if count < MOST && answerable && known.insert(question) {
            count += 1;
            wanted.entry(question.source.clone()).or_default().push((question.clone(), *window));
            if again.iter().all(|other| other.label().name != check.label().name) {
                again.push(Arc::clone(check));
            }
        }
    }
    (wanted, again)
}

/// Observations as lines: by segment, oldest bucket first.
fn lines(observations: Vec<Observation>) -> Vec<Line> {
    let mut by_segment: BTreeMap<Segment, Vec<Reading>> = BTreeMap::new();
    for seen in observations {
        by_segment.entry(seen.series.segment).or_default().push(Reading {
            bucket: seen.bucket,
            value: seen.value,
            quality: seen.quality,
            seen_at: seen.seen_at,
        });
    }
    by_segment
        .into_iter()
        .map(|(segment, mut readings)| {
            readings.sort_by_key(|reading| reading.bucket);
            Line { segment, readings }
        })
        .collect()
}
