//! What a round knows: readings, vintages, the state of sources, marks, and the windows of trouble.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::check::{self, Changes, Check, Evidence, Line, Need, SourceState};
use crate::incident::{Incident, Label, State};
use crate::model::{
    AsOf, Calendar, Fingerprint, Grain, Mark, Measure, Name, Observation, Question, Segment,
    Timestamp, Trouble, Window,
};
use crate::source::{Ask, Pulled, Pushed, SourceError};
use crate::store::{History, Memory, Pull, StoreError};

use super::{World, former, summed};

/// Readings are asked for with every change for this long; older ones as they ended.
const VINTAGES: TimeDelta = TimeDelta::days(90);

/// The days by which a series counts as busy.
const RECENT: TimeDelta = TimeDelta::days(28);

/// Questions that are read in one go where only a summary of the answers is kept.
pub(super) const PORTION: usize = 500;

/// Incidents and marks this old still matter to baselines.
const MEMORY: TimeDelta = TimeDelta::days(400);

/// What all checks of a round share.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    pub(super) now: Timestamp,
    /// Up to when readings are known: `now`, but for looks back at days that nobody judged then.
    pub(super) known: Timestamp,
    pub(super) sources: BTreeMap<Name, SourceState>,
    pub(super) unanswered: BTreeMap<Fingerprint, String>,
    pub(super) marks: Vec<Mark>,
    pub(super) troubled: BTreeMap<Name, Vec<Trouble>>,
}

/// What some checks of a round need; gathered in portions, so that memory stays bounded.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    pub(super) around: Arc<Surroundings>,
    pub(super) history: BTreeMap<Question, Vec<Line>>,
    pub(super) vintages: BTreeMap<Question, Vec<Line>>,
    pub(super) changes: BTreeMap<Question, Changes>,
    pub(super) unanswerable: BTreeMap<Question, String>,
}

impl Gathered {
    /// The evidence as checks see it.
    pub(super) fn evidence<'a>(&'a self, calendar: &'a Calendar) -> Evidence<'a> {
        Evidence {
            now: self.around.now,
            calendar,
            history: &self.history,
            vintages: &self.vintages,
            changes: &self.changes,
            unanswerable: &self.unanswerable,
            sources: &self.around.sources,
            marks: &self.around.marks,
            troubled: &self.around.troubled,
        }
    }
}

/// Every question that the checks need, once, with the widest window anybody needs.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// What is needed in any case.
    pub(super) always: BTreeMap<Question, Window>,
    /// What is needed where the days are busy.
    pub(super) busy: BTreeMap<Question, Window>,
    /// Of what only matters which buckets held anything.
    pub(super) filled: BTreeMap<Question, Window>,
    /// Of what only matters how final numbers changed.
    pub(super) changed: BTreeMap<Question, Window>,
}

/// Which checks read which source: what a check needs moves with the time, where it reads does not.
pub fn readers(
    checks: &[Arc<dyn Check>],
    now: Timestamp,
    calendar: &Calendar,
) -> BTreeMap<Name, Vec<Arc<dyn Check>>> {
    let mut found: BTreeMap<Name, Vec<Arc<dyn Check>>> = BTreeMap::new();
    for check in checks {
        let needs = check.needs(now, calendar).into_iter();
        let sources: BTreeSet<Name> = needs.map(|need| need.question.source).collect();
        for source in sources {
            found.entry(source).or_default().push(Arc::clone(check));
        }
    }
    found
}

pub(super) fn needs(checks: &[Arc<dyn Check>], now: Timestamp, calendar: &Calendar) -> Needs {
    let mut found = Needs::default();
    for need in checks.iter().flat_map(|check| check.needs(now, calendar)) {
        let wanted = match need {
            Need {
                busy_only: true, ..
            } => &mut found.busy,
            Need {
                filled_only: true, ..
            } => &mut found.filled,
            Need {
                changes_only: true, ..
            } => &mut found.changed,
            _ => &mut found.always,
        };
        let window = wanted.entry(need.question).or_insert(need.window);
        window.from = window.from.min(need.window.from);
        window.to = window.to.max(need.window.to);
    }
    let Needs {
        always,
        busy,
        filled,
        changed,
    } = &mut found;
    busy.retain(|question, _| !always.contains_key(question));
    filled.retain(|question, _| !always.contains_key(question));
    changed.retain(|question, _| !always.contains_key(question));
    found
}

/// The same question by the day.
fn by_day(question: &Question) -> Question {
    Question {
        grain: Grain::Day,
        ..question.clone()
    }
}

/// Whether the newest days of a question hold enough that its hours are worth a look.
fn is_busy(lines: &[Line], at: Timestamp) -> bool {
    let total = lines.iter().find(|line| line.segment.is_empty());
    let recent = total
        .map_or(&[][..], |line| line.readings.as_slice())
        .iter()
        .filter(|one| one.bucket.start > at - RECENT && one.bucket.end <= at);
    let mut values: Vec<f64> = recent.map(|one| one.value).collect();
    values.sort_by(f64::total_cmp);
    values
        .get(values.len() / 2)
        .is_some_and(|middle| *middle >= check::BUSY)
}

/// Of these questions by the hour those whose source knows hours.
fn answerable(world: &World, mut wanted: BTreeMap<Question, Window>) -> BTreeMap<Question, Window> {
    wanted.retain(|question, _| {
        world
            .taps
            .get(&question.source)
            .is_some_and(|tap| tap.source.has_hours() && tap.source.refuses(question).is_none())
    });
    wanted
}

/// Of these questions by the hour those whose days are busy, as far as the store knows.
pub(super) async fn only_busy(
    world: &World,
    wanted: BTreeMap<Question, Window>,
    at: Timestamp,
) -> Result<BTreeMap<Question, Window>, StoreError> {
    let mut wanted = answerable(world, wanted);
    let window = Window {
        from: at - RECENT,
        to: at,
    };
    let mut busy = Questions::new();
    let all: Vec<Question> = wanted.keys().map(by_day).collect();
    for some in all.chunks(PORTION) {
        let days = some.iter().map(|day| (day.clone(), window)).collect();
        let known = history(&*world.store, &days, AsOf::Time(at)).await?;
        let found = known.into_iter().filter(|(_, lines)| is_busy(lines, at));
        busy.extend(found.map(|(question, _)| question));
    }
    wanted.retain(|question, _| busy.contains(&by_day(question)));
    Ok(wanted)
}

/// What all checks share, as it was known at `at`.
pub(super) async fn surroundings(
    world: &World,
    at: Timestamp,
) -> Result<Arc<Surroundings>, StoreError> {
    let memory = Window {
        from: at - MEMORY,
        to: at + TimeDelta::seconds(1),
    };
    let incidents = world.store.incidents_in(memory).await?;
    let pulls = world.store.pulls().await?;
    let unanswered = pulls
        .values()
        .flat_map(|(pull, _)| {
            pull.unanswerable
                .iter()
                .map(|(family, why)| (*family, why.clone()))
        })
        .collect();
    Ok(Arc::new(Surroundings {
        now: at,
        known: at,
        unanswered,
        sources: source_states(world, &pulls, at),
        marks: world.store.marks(memory).await?,
        troubled: troubled(&incidents, at),
    }))
}

/// What these checks need, as it was known at the time of the surroundings.
pub(super) async fn gather(
    world: &World,
    checks: &[Arc<dyn Check>],
    around: &Arc<Surroundings>,
) -> Result<Gathered, StoreError> {
    let store = &*world.store;
    let Needs {
        mut always,
        busy,
        filled: held,
        changed,
    } = needs(checks, around.now, &world.plan.project.calendar);
    let known = AsOf::Time(around.known);
    let mut found = history(store, &always, known).await?;
    former::prepend(world, &always, known, &mut found).await?;
    let mut hourly = answerable(world, busy);
    hourly.retain(|question, _| {
        found
            .get(&by_day(question))
            .is_some_and(|lines| is_busy(lines, around.now))
    });
    let mut by_hour = history(store, &hourly, known).await?;
    former::prepend(world, &hourly, known, &mut by_hour).await?;
    found.append(&mut by_hour);
    found.append(&mut summed::filled(world, held, known).await?);
    always.append(&mut hourly);
    let wanted = always;
    let project = &world.plan.project.id;
    let unanswerable = wanted
        .keys()
        .filter_map(|question| {
            let refused = || world.taps.get(&question.source)?.source.refuses(question);
            let why = around
                .unanswered
                .get(&question.family(project))
                .cloned()
                .or_else(refused)?;
            Some((question.clone(), why))
        })
        .collect();
    Ok(Gathered {
        unanswerable,
        around: Arc::clone(around),
        history: found,
        vintages: vintages(store, &wanted, around.now).await?,
        changes: summed::changes(store, changed, around).await?,
    })
}

/// Asks the store once per distinct window.
pub(super) async fn history(
    store: &dyn Memory,
    wanted: &BTreeMap<Question, Window>,
    at: AsOf,
) -> Result<BTreeMap<Question, Vec<Line>>, StoreError> {
    let mut by_window: BTreeMap<(Timestamp, Timestamp), Vec<Question>> = BTreeMap::new();
    for (question, window) in wanted {
        by_window
            .entry((window.from, window.to))
            .or_default()
            .push(question.clone());
    }
    let mut found = BTreeMap::new();
    for ((from, to), questions) in by_window {
        let answers = store.history(&questions, Window { from, to }, at).await?;
        for (question, answer) in questions.into_iter().zip(answers) {
            let counts = matches!(
                question.measure,
                Measure::Count | Measure::Sum { .. } | Measure::Users
            );
            let found_lines = lines(answer, counts);
            found.insert(question, found_lines);
        }
    }
    Ok(found)
}

/// All readings of each bucket of the newest days, as they were known at `at`.
pub(super) async fn vintages(
    store: &dyn Memory,
    wanted: &BTreeMap<Question, Window>,
    at: Timestamp,
) -> Result<BTreeMap<Question, Vec<Line>>, StoreError> {
    let recent: BTreeMap<Question, Window> = wanted
        .iter()
        .filter(|(question, _)| question.grain != Grain::Week && question.by.is_empty())
        .map(|(question, window)| {
            let from = window.from.max(at - VINTAGES);
            (
                question.clone(),
                Window {
                    from,
                    to: window.to,
                },
            )
        })
        .collect();
    let mut found = history(store, &recent, AsOf::Every).await?;
    // What was learnt after `at` must not be known at `at`.
    for readings in found.values_mut().flatten().map(|line| &mut line.readings) {
        readings.retain(|reading| reading.seen_at <= at);
    }
    Ok(found)
}

/// Lines of an answer. Zeros before the first event are not history: nothing was there to count.
fn lines(history: History, trimmed: bool) -> Vec<Line> {
    history
        .into_iter()
        .map(|(segment, mut readings)| {
            if trimmed {
                let first = readings.iter().position(|one| one.value != 0.0);
                readings.drain(..first.unwrap_or(readings.len()));
            }
            Line { segment, readings }
        })
        .collect()
}

fn source_states(
    world: &World,
    pulls: &BTreeMap<Name, (Pull, Option<Timestamp>)>,
    at: Timestamp,
) -> BTreeMap<Name, SourceState> {
    let mut states = BTreeMap::new();
    for (name, tap) in &world.taps {
        let arrives = tap.decl.arrives.unwrap_or_else(|| tap.source.arrives());
        let settles = tap.decl.settles.unwrap_or_else(|| tap.source.settles());
        let mut state = SourceState {
            arrives,
            settles,
            ..SourceState::default()
        };
        if let Some((pull, success)) = pulls.get(name).filter(|(pull, _)| pull.at <= at) {
            state = with_pull(&state, pull, *success);
        } else if let Some((_, success)) = pulls.get(name) {
            // A look at the past: the newest pull then is not kept by name, its success is enough.
            state.last_success = success.map(|then| then.min(at));
            state.last_try = state.last_success;
        }
        states.insert(name.clone(), state);
    }
    states
}

fn with_pull(state: &SourceState, pull: &Pull, success: Option<Timestamp>) -> SourceState {
    SourceState {
        last_success: success,
        last_try: Some(pull.at),
        failure: pull.failure.clone(),
        zone: pull.zone,
        ..state.clone()
    }
}

/// Confirmed incidents by check: what they cover teaches nothing, unless people called them expected
/// or noise.
pub(super) fn troubled(incidents: &[Incident], at: Timestamp) -> BTreeMap<Name, Vec<Trouble>> {
    let mut windows: BTreeMap<Name, Vec<Trouble>> = BTreeMap::new();
    for incident in incidents {
        let confirmed = !matches!(incident.state, State::Suspected { .. })
            && incident.opened_at.is_some_and(|opened| opened <= at);
        if confirmed {
            let trouble = Trouble {
                window: Window {
                    from: incident.first.start,
                    to: incident.last.end,
                },
                number: incident.number,
                real: incident.label == Some(Label::Real),
                put_back: matches!(incident.label, Some(Label::Expected | Label::Noise)),
            };
            for check in &incident.members {
                windows.entry(check.clone()).or_default().push(trouble);
            }
        }
    }
    windows
}

/// Counts that were posted to us are in the store already: a pull of a push source reads them
/// back, so that its age and its freshness are judged like any other's.
pub(super) struct StoredCounts(pub(super) Arc<dyn Memory>);

#[async_trait]
impl Pushed for StoredCounts {
    async fn counts(&self, ask: &Ask) -> Result<Pulled, SourceError> {
        let answers = self
            .0
            .history(&ask.questions, ask.window, AsOf::Time(ask.now))
            .await
            .map_err(|why| SourceError::Wait {
                after: None,
                why: why.to_string(),
            })?;
        let mut pulled = Pulled::default();
        for (question, history) in ask.questions.iter().zip(answers) {
            for (segment, readings) in history {
                pulled
                    .observations
                    .extend(observations(question, &segment, readings));
            }
        }
        Ok(pulled)
    }
}

fn observations(
    question: &Question,
    segment: &Segment,
    readings: Vec<crate::model::Reading>,
) -> Vec<Observation> {
    let series = question.key(segment.clone());
    readings
        .into_iter()
        .map(|reading| Observation {
            series: series.clone(),
            bucket: reading.bucket,
            value: reading.value,
            quality: reading.quality,
            seen_at: reading.seen_at,
        })
        .collect()
}

/// Questions of a set, for tests of membership.
pub(super) type Questions = BTreeSet<Question>;

/// The newest values of the first question of a check, for a chart.
pub async fn chart(
    world: &World,
    check: &dyn Check,
    at: Timestamp,
) -> Result<Vec<crate::model::Reading>, StoreError> {
    let calendar = &world.plan.project.calendar;
    let Some(need) = check.needs(at, calendar).into_iter().next() else {
        return Ok(Vec::new());
    };
    let window = Window {
        from: at - TimeDelta::days(29),
        to: at,
    };
    let history = world
        .store
        .history(&[need.question], window, AsOf::Time(at))
        .await?;
    let total = history
        .into_iter()
        .next()
        .and_then(|mut lines| lines.remove(&Segment::new()));
    Ok(total.unwrap_or_default())
}
