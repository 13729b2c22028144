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

/// What is left of a round's follow-up questions, and what the earlier ones brought: checks of one
/// event may be judged in different portions and want the same breakdown.
pub(super) struct Budget {
    left: usize,
    answers: BTreeMap<Question, Vec<Line>>,
}

impl Budget {
    /// A new round.
    pub(super) fn new() -> Self {
        Self {
            left: MOST,
            answers: BTreeMap::new(),
        }
    }
}

/// Asks the sources for what the checks want to know after their first look, and lets those checks
/// look again. A failure leaves the round as it was: it knows less about where, nothing less about
/// what.
pub(super) async fn ask(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    gathered: &Arc<Gathered>,
    first: Vec<Evaluation>,
    budget: &mut Budget,
) -> Vec<Evaluation> {
    let (wanted, again) = wanted(world, checks, gathered, &first, budget);
    if again.is_empty() {
        return first;
    }
    let mut more = Gathered::clone(gathered);
    for (source, needs) in wanted {
        let Some(tap) = world.taps.get(&source) else {
            continue;
        };
        for (question, window) in needs {
            let ask = Ask {
                questions: vec![question.clone()],
                window,
                calendar: world.plan.project.calendar.clone(),
                now: gathered.around.now,
            };
            match pull::guarded(tap, &ask, &pull::means(world)).await {
                Ok(mut pulled) => {
                    pulled.fill_zeros(&ask, pull::arrives(tap));
                    budget.answers.insert(question, lines(pulled.observations));
                }
                Err(why) => {
                    tracing::info!(source = %source, "no breakdown from `{source}`: {why}");
                    break;
                }
            }
        }
    }
    for (question, lines) in &budget.answers {
        more.history.insert(question.clone(), lines.clone());
    }
    let names: BTreeSet<Name> = again
        .iter()
        .map(|check| check.label().name.clone())
        .collect();
    let mut seen = first;
    seen.retain(|evaluation| !names.contains(&evaluation.check));
    seen.extend(evaluate::judge(world, &again, &Arc::new(more)).await);
    seen
}

type Wanted = BTreeMap<Name, Vec<(Question, Window)>>;

fn wanted(
    world: &World,
    checks: &[Arc<dyn Check>],
    gathered: &Gathered,
    first: &[Evaluation],
    budget: &mut Budget,
) -> (Wanted, Vec<Arc<dyn Check>>) {
    let mut by_check: BTreeMap<&Name, Vec<Evaluation>> = BTreeMap::new();
    for evaluation in first {
        by_check
            .entry(&evaluation.check)
            .or_default()
            .push(evaluation.clone());
    }
    let calendar = &world.plan.project.calendar;
    let mut asking: BTreeSet<Question> = BTreeSet::new();
    let mut wanted = Wanted::new();
    let mut again = Vec::new();
    for check in checks {
        let Some(mine) = by_check.get(&check.label().name) else {
            continue;
        };
        let mut asked = false;
        for need in check.follow_up(mine, gathered.around.now, calendar) {
            let question = need.question;
            let answerable = world
                .taps
                .get(&question.source)
                .is_some_and(|tap| tap.source.refuses(&question).is_none());
            if gathered.history.contains_key(&question) || !answerable {
                continue;
            }
            // Two checks of one event want the same breakdown: it is asked once, and both look again.
            if asking.contains(&question) || budget.answers.contains_key(&question) {
                asked = true;
            } else if budget.left > 0 {
                budget.left -= 1;
                asked = true;
                asking.insert(question.clone());
                wanted
                    .entry(question.source.clone())
                    .or_default()
                    .push((question, need.window));
            }
        }
        if asked {
            again.push(Arc::clone(check));
        }
    }
    (wanted, again)
}

/// Observations as lines: by segment, oldest bucket first.
fn lines(observations: Vec<Observation>) -> Vec<Line> {
    let mut by_segment: BTreeMap<Segment, Vec<Reading>> = BTreeMap::new();
    for seen in observations {
        by_segment
            .entry(seen.series.segment.clone())
            .or_default()
            .push(Reading {
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
