//! Breakdowns of what looks wrong, asked once in the same round and never stored.
//!
//! Checks are judged in portions, but what they want to know more of is asked for after the last of
//! them: the questions of a source for one window travel together, so that a file is read once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::{Check, Line};
use crate::model::{Evaluation, Name, Observation, Question, Reading, Segment, SeriesKey, Window};
use crate::source::{Ask, Pulled, SourceError};
use crate::store::StoreError;

use super::evidence::{Gathered, Surroundings, gather};
use super::{Tap, World, evaluate, pull};

/// Most follow-up questions in one round.
const MOST: usize = 20;

/// What the checks of a round want to know after their first look.
#[derive(Default)]
pub(super) struct FollowUp {
    /// Every question once; two checks of one event want the same breakdown.
    asked: BTreeSet<Question>,
    /// The questions by source and window.
    wanted: BTreeMap<(Name, Window), Vec<Question>>,
    /// The checks that will look again.
    again: Vec<Arc<dyn Check>>,
}

impl FollowUp {
    /// Notes what these checks want to know after they found `first`, within the bound of the round.
    pub(super) fn note(
        &mut self,
        world: &World,
        checks: &[Arc<dyn Check>],
        gathered: &Gathered,
        first: &[Evaluation],
    ) {
        let mut by_check: BTreeMap<&Name, Vec<Evaluation>> = BTreeMap::new();
        for evaluation in first {
            by_check
                .entry(&evaluation.check)
                .or_default()
                .push(evaluation.clone());
        }
        let calendar = &world.plan.project.calendar;
        for check in checks {
            let Some(mine) = by_check.get(&check.label().name) else {
                continue;
            };
            let mut asks = false;
            for need in check.follow_up(mine, gathered.around.now, calendar) {
                let question = need.question;
                let answerable = world
                    .taps
                    .get(&question.source)
                    .is_some_and(|tap| tap.source.refuses(&question).is_none());
                if gathered.history.contains_key(&question) || !answerable {
                    continue;
                }
                if self.asked.contains(&question) {
                    asks = true;
                } else if self.asked.len() < MOST {
                    asks = true;
                    self.asked.insert(question.clone());
                    self.wanted
                        .entry((question.source.clone(), need.window))
                        .or_default()
                        .push(question);
                }
            }
            if asks {
                self.again.push(Arc::clone(check));
            }
        }
    }

    /// Asks the sources, and lets the checks look again: `seen` with their second look in place of
    /// the first. A source that fails leaves the round as it was: it knows less about where, nothing
    /// less about what.
    pub(super) async fn answer(
        self,
        world: &Arc<World>,
        around: &Arc<Surroundings>,
        mut seen: Vec<Evaluation>,
    ) -> Result<Vec<Evaluation>, StoreError> {
        if self.again.is_empty() {
            return Ok(seen);
        }
        let mut answers: BTreeMap<Question, Vec<Line>> = BTreeMap::new();
        let mut failed: BTreeSet<Name> = BTreeSet::new();
        for ((source, window), questions) in self.wanted {
            let Some(tap) = world.taps.get(&source) else {
                continue;
            };
            let most = pull::most_at_once(tap);
            for questions in pull::portions(questions, window, most) {
                if failed.contains(&source) {
                    break;
                }
                let ask = Ask {
                    questions,
                    window,
                    calendar: world.plan.project.calendar.clone(),
                    now: around.now,
                };
                if let Err(why) = ask_for(world, tap, ask, &mut answers).await {
                    tracing::info!(source = %source, "no breakdown from `{source}`: {why}");
                    failed.insert(source.clone());
                }
            }
        }
        let names: BTreeSet<&Name> = self.again.iter().map(|check| &check.label().name).collect();
        seen.retain(|evaluation| !names.contains(&evaluation.check));
        for checks in self.again.chunks(evaluate::PORTION) {
            let mut gathered = gather(world, checks, around).await?;
            let known = answers.iter();
            gathered
                .history
                .extend(known.map(|(question, lines)| (question.clone(), lines.clone())));
            seen.extend(evaluate::judge(world, checks, &Arc::new(gathered)).await);
        }
        Ok(seen)
    }
}

/// Asks for some breakdowns together. One that spoils the answer of all must not cost the others
/// theirs: then each is asked by itself, up to the first that fails.
async fn ask_for(
    world: &World,
    tap: &Arc<Tap>,
    ask: Ask,
    answers: &mut BTreeMap<Question, Vec<Line>>,
) -> Result<(), SourceError> {
    let means = pull::means(world);
    let why = match pull::guarded(tap, &ask, &means).await {
        Ok(pulled) => {
            keep(tap, &ask, pulled, answers);
            return Ok(());
        }
        Err(why) => why,
    };
    if ask.questions.len() == 1 || matches!(why, SourceError::Wait { .. }) {
        return Err(why);
    }
    for question in &ask.questions {
        let ask = Ask {
            questions: vec![question.clone()],
            ..ask.clone()
        };
        let pulled = pull::guarded(tap, &ask, &means).await?;
        keep(tap, &ask, pulled, answers);
    }
    Ok(())
}

/// Sorts what came back by question.
fn keep(tap: &Tap, ask: &Ask, mut pulled: Pulled, answers: &mut BTreeMap<Question, Vec<Line>>) {
    pulled.fill_zeros(ask, pull::arrives(tap));
    let mut of: BTreeMap<SeriesKey, Vec<Observation>> = BTreeMap::new();
    for seen in pulled.observations {
        let total = SeriesKey {
            segment: Segment::new(),
            ..SeriesKey::clone(&seen.series)
        };
        of.entry(total).or_default().push(seen);
    }
    for question in &ask.questions {
        let mine = of.remove(&*question.key(Segment::new()));
        answers.insert(question.clone(), lines(mine.unwrap_or_default()));
    }
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
