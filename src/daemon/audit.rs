//! Collects the facts of a week or a month and makes the audit of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Duration, NaiveDate, TimeDelta};

use crate::model::{
    AsOf, Calendar, Grain, Measure, Name, Period, Question, Segment, Subject, Timestamp, Window,
};
use crate::report::{
    self, ChannelFact, CountFact, Facts, PullFact, Report, Shares, SystemFact, WeekFact,
};
use crate::store::{History, StoreError};

use super::{World, hindsight};

/// An audit that can be printed, kept and mailed.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The figures.
    pub report: Report,
}

/// A week or a month of the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Which of the two.
    pub period: Period,
    /// From its first instant to its last.
    pub window: Window,
}

impl Stretch {
    /// The last whole one before `now`.
    pub fn last(period: Period, calendar: &Calendar, now: Timestamp) -> Self {
        let window = period.last(calendar, now);
        Self { period, window }
    }

    /// `2026-W43` or `2026-10`; `None` when the text names neither a week nor a month.
    pub fn named(calendar: &Calendar, text: &str) -> Option<Self> {
        let (period, window) = Period::named(calendar, text)?;
        Some(Self { period, window })
    }

    /// Reads [`Stretch::named`] back.
    pub fn label(&self, calendar: &Calendar) -> String {
        self.period.label(calendar, self.window)
    }

    fn before(&self, calendar: &Calendar) -> Window {
        self.period.before(calendar, self.window)
    }

    fn year_before(&self, calendar: &Calendar) -> Window {
        self.period.year_before(calendar, self.window)
    }
}

/// Reads what the store knows of a stretch and of the one before.
pub async fn collect(
    world: &Arc<World>,
    stretch: Stretch,
    now: Timestamp,
) -> Result<Audit, StoreError> {
    let calendar = &world.plan.project.calendar;
    let (window, before) = (stretch.window, stretch.before(calendar));
    let both = Window {
        from: before.from,
        to: window.to,
    };
    let store = &world.store;
    let (names, questions) = homes(world);
    let seen = store.first_seen(&questions).await?;
    let counts = counts(world, stretch, &names, &questions, now).await?;
    let weeks = match stretch.period {
        Period::Week => Vec::new(),
        Period::Month => weeks(world, window.to, &questions, now).await?,
    };
    let pulls = store.pulls_in(window).await?.into_iter();
    let facts = Facts {
        now,
        period: stretch.period,
        current: hindsight::evaluations(world, window, now).await?,
        previous: hindsight::evaluations(world, before, now).await?,
        latest: store.latest().await?,
        incidents: store
            .incidents_in(Window {
                to: now + TimeDelta::seconds(1),
                ..both
            })
            .await?,
        pulls: pulls
            .map(|pull| PullFact {
                source: pull.source,
                at: pull.at,
                failure: pull.failure,
                notes: pull.notes,
            })
            .collect(),
        marks: store.marks(both).await?,
        counts,
        channels: channels(world, stretch, now).await?,
        systems: systems(world, stretch, now).await?,
        weeks,
        first_seen: names.into_iter().zip(seen).collect(),
    };
    Ok(Audit {
        report: report::audit(&world.plan, &facts, window),
    })
}

/// Every event with the question for its daily count at home.
fn homes(world: &World) -> (Vec<Name>, Vec<Question>) {
    let plan = &world.plan;
    let home = |event: &crate::plan::Event| {
        let home = plan.home(event)?;
        Some((event.name.clone(), daily(world, &event.name, &home)?))
    };
    plan.events.iter().filter_map(home).unzip()
}

/// The daily count of an event in a system; `None` when the system does not know it.
fn daily(world: &World, event: &Name, source: &Name) -> Option<Question> {
    let mapping = world.plan.mapping(event, source)?.clone();
    let subject = Subject::Event(event.clone());
    Some(Question::total(
        source,
        subject,
        mapping,
        Measure::Count,
        Grain::Day,
    ))
}

/// Sums at home: of the stretch, of the one before, and of the one a year before.
async fn counts(
    world: &World,
    stretch: Stretch,
    names: &[Name],
    questions: &[Question],
    now: Timestamp,
) -> Result<Vec<CountFact>, StoreError> {
    let calendar = &world.plan.project.calendar;
    let windows = [
        stretch.window,
        stretch.before(calendar),
        stretch.year_before(calendar),
    ];
    let mut known = Vec::new();
    for window in windows {
        let answers = world
            .store
            .history(questions, window, AsOf::Time(now))
            .await?;
        known.push(sums(&answers, window, calendar));
    }
    let fact = |(at, (name, question)): (usize, (&Name, &Question))| {
        let sum = |of: usize| {
            known
                .get(of)
                .and_then(|sums| sums.get(at).copied().flatten())
        };
        CountFact {
            name: name.clone(),
            source: question.source.clone(),
            current: sum(0),
            previous: sum(1),
            last_year: sum(2),
        }
    };
    Ok(names.iter().zip(questions).enumerate().map(fact).collect())
}

/// The sum of each answer over a window; `None` when a day of it is not known.
fn sums(answers: &[History], window: Window, calendar: &Calendar) -> Vec<Option<f64>> {
    let days = calendar.buckets(Grain::Day, window).len();
    let sum = |history: &History| {
        let total = history.get(&Segment::new())?;
        (total.len() >= days).then(|| total.iter().map(|reading| reading.value).sum())
    };
    answers.iter().map(sum).collect()
}

/// Conversions by channel. A value without a row on a day that is known had none.
async fn channels(
    world: &World,
    stretch: Stretch,
    now: Timestamp,
) -> Result<Vec<ChannelFact>, StoreError> {
    let calendar = &world.plan.project.calendar;
    let questions = report::channel_questions(&world.plan);
    let mut known: Vec<Vec<Option<BTreeMap<String, f64>>>> = Vec::new();
    for window in [
        stretch.window,
        stretch.before(calendar),
        stretch.year_before(calendar),
    ] {
        let answers = world
            .store
            .history(&questions, window, AsOf::Time(now))
            .await?;
        let days = calendar.buckets(Grain::Day, window).len();
        known.push(answers.iter().map(|one| by_value(one, days)).collect());
    }
    let mut facts = Vec::new();
    for (at, question) in questions.into_iter().enumerate() {
        let of = |window: usize| known[window].get(at).and_then(Option::as_ref);
        let values: std::collections::BTreeSet<&String> =
            (0..2).filter_map(of).flat_map(BTreeMap::keys).collect();
        for value in values {
            let sum = |window| Some(of(window)?.get(value).copied().unwrap_or(0.0));
            facts.push(ChannelFact {
                question: question.clone(),
                value: value.clone(),
                current: sum(0),
                previous: sum(1),
                last_year: sum(2),
            });
        }
    }
    Ok(facts)
}

/// Sums by value; `None` unless every day has a row.
fn by_value(history: &History, days: usize) -> Option<BTreeMap<String, f64>> {
    let mut dates = std::collections::BTreeSet::new();
    let mut sums = BTreeMap::new();
    for (segment, readings) in history.iter().filter(|(segment, _)| !segment.is_empty()) {
        let value = segment.values().next()?;
        let sum = readings.iter().map(|one| one.value).sum::<f64>();
        *sums.entry(value.clone()).or_insert(0.0) += sum;
        dates.extend(readings.iter().map(|one| one.bucket.date()));
    }
    (dates.len() >= days).then_some(sums)
}

/// The days of every event in every system that knows it.
async fn systems(
    world: &World,
    stretch: Stretch,
    now: Timestamp,
) -> Result<Vec<SystemFact>, StoreError> {
    let known: Vec<(Name, Question)> = world
        .plan
        .events
        .iter()
        .flat_map(|event| {
            event
                .mappings
                .iter()
                .map(move |(source, _)| (event, source))
        })
        .filter_map(|(event, source)| {
            Some((event.name.clone(), daily(world, &event.name, source)?))
        })
        .collect();
    let questions: Vec<Question> = known.iter().map(|(_, question)| question.clone()).collect();
    let answers = world
        .store
        .history(&questions, stretch.window, AsOf::Time(now))
        .await?;
    let fact = |((event, question), history): ((Name, Question), History)| {
        let total = history.get(&Segment::new());
        let days: BTreeMap<NaiveDate, f64> = total
            .into_iter()
            .flatten()
            .map(|one| (one.bucket.date(), one.value))
            .collect();
        SystemFact {
            event,
            source: question.source,
            days,
        }
    };
    Ok(known.into_iter().zip(answers).map(fact).collect())
}

/// The last whole weeks before an instant, one by one: a quarter of judgements at once would be much.
async fn weeks(
    world: &World,
    until: Timestamp,
    questions: &[Question],
    now: Timestamp,
) -> Result<Vec<WeekFact>, StoreError> {
    let calendar = &world.plan.project.calendar;
    let mut week = Period::Week.last(calendar, until);
    let mut found = Vec::new();
    for _ in 0..report::TREND {
        let answers = world
            .store
            .history(questions, week, AsOf::Time(now))
            .await?;
        found.push(WeekFact {
            counts: sums(&answers, week, calendar),
            shares: Shares::of(&world.store.evaluations(week).await?),
        });
        week = Period::Week.before(calendar, week);
    }
    found.reverse();
    Ok(found)
}

/// What the audit must be able to look back on: two stretches and the one of last year.
pub(super) fn wanted(world: &World, now: Timestamp) -> Vec<(Question, Window)> {
    let calendar = &world.plan.project.calendar;
    let today = calendar.local(now).date();
    let window = Window {
        from: calendar.day(today - Duration::days(LOOK_BACK)).start,
        to: now,
    };
    report::channel_questions(&world.plan)
        .into_iter()
        .map(|question| (question, window))
        .collect()
}

/// Days that the audit of a month looks back: to the first day of the month a year before the last.
const LOOK_BACK: i64 = 366 + 62;
