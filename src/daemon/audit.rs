//! Collects the facts of a week and makes the audit of them.

use std::sync::Arc;

use chrono::{Datelike as _, Duration, NaiveDate, TimeDelta, Weekday};

use crate::model::{
    AsOf, Calendar, Grain, Measure, Name, Question, Segment, Subject, Timestamp, Window,
};
use crate::report::{self, CountFact, Facts, PullFact, Report};
use crate::store::{History, StoreError};

use super::World;

/// Days between a week and the one a year before that begins on the same weekday.
const YEAR: u32 = 364;

/// An audit that can be printed, kept and mailed.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    /// The figures.
    pub report: Report,
}

/// The last whole week before `now`, Monday to Monday in the project's zone.
pub fn last_week(calendar: &Calendar, now: Timestamp) -> Window {
    let today = calendar.local(now).date();
    let monday = today - Duration::days(i64::from(today.weekday().num_days_from_monday()));
    Window {
        from: calendar.day(monday - Duration::days(7)).start,
        to: calendar.day(monday).start,
    }
}

/// `2026-W43` to its Monday and the Monday after; `None` when that is no week.
pub fn week_named(calendar: &Calendar, text: &str) -> Option<Window> {
    let (year, week) = text.split_once("-W")?;
    let (year, week) = (year.parse().ok()?, week.parse().ok()?);
    let monday = NaiveDate::from_isoywd_opt(year, week, Weekday::Mon)?;
    let after = monday.checked_add_signed(Duration::days(7))?;
    Some(Window {
        from: calendar.day(monday).start,
        to: calendar.day(after).start,
    })
}

/// The name of a week: `2026-W43`.
pub fn week_label(calendar: &Calendar, week: Window) -> String {
    let iso = calendar.local(week.from + TimeDelta::hours(12)).iso_week();
    format!("{}-W{:02}", iso.year(), iso.week())
}

/// Reads what the store knows of a week and of the one before.
#[expect(clippy::too_many_lines, reason = "the facts of a week, one by one")]
pub async fn collect(
    world: &Arc<World>,
    week: Window,
    now: Timestamp,
) -> Result<Audit, StoreError> {
    let calendar = &world.plan.project.calendar;
    let first = calendar
        .back(&calendar.bucket(Grain::Day, week.from), 7)
        .start;
    let before = Window {
        from: first,
        to: week.from,
    };
    let both = Window {
        from: first,
        to: week.to,
    };
    let store = &world.store;
    let (names, questions): (Vec<Name>, Vec<Question>) = world
        .plan
        .events
        .iter()
        .filter_map(|event| {
            let home = world.plan.home(event)?;
            let mapping = world.plan.mapping(&event.name, &home)?.clone();
            let subject = Subject::Event(event.name.clone());
            Some((
                event.name.clone(),
                Question::total(&home, subject, mapping, Measure::Count, Grain::Day),
            ))
        })
        .unzip();
    let seen = store.first_seen(&questions).await?;
    let this = sums(
        &store.history(&questions, week, AsOf::Time(now)).await?,
        week,
        calendar,
    );
    let last = sums(
        &store.history(&questions, before, AsOf::Time(now)).await?,
        before,
        calendar,
    );
    let year_ago = Window {
        from: calendar
            .back(&calendar.bucket(Grain::Day, week.from), YEAR)
            .start,
        to: calendar
            .back(&calendar.bucket(Grain::Day, week.to), YEAR)
            .start,
    };
    let past = sums(
        &store.history(&questions, year_ago, AsOf::Time(now)).await?,
        year_ago,
        calendar,
    );
    let counts = (names.iter().zip(&questions))
        .zip(this.into_iter().zip(last.into_iter().zip(past)))
        .map(
            |((name, question), (this_week, (last_week, last_year)))| CountFact {
                name: name.clone(),
                source: question.source.clone(),
                this_week,
                last_week,
                last_year,
            },
        )
        .collect();
    let facts = Facts {
        now,
        this_week: store.evaluations(week).await?,
        last_week: store.evaluations(before).await?,
        latest: store.latest().await?,
        incidents: store
            .incidents_in(Window {
                to: now + TimeDelta::seconds(1),
                ..both
            })
            .await?,
        pulls: store
            .pulls_in(week)
            .await?
            .into_iter()
            .map(|pull| PullFact {
                source: pull.source,
                at: pull.at,
                failure: pull.failure,
            })
            .collect(),
        marks: store.marks(both).await?,
        counts,
        first_seen: names.into_iter().zip(seen).collect(),
    };
    Ok(Audit {
        report: report::weekly(&world.plan, &facts, week),
    })
}

/// The sum of each answer over a week; `None` when a day of it is not known.
fn sums(answers: &[History], week: Window, calendar: &Calendar) -> Vec<Option<f64>> {
    let days = calendar.buckets(Grain::Day, week).len();
    answers
        .iter()
        .map(|history| {
            let total = history.get(&Segment::new())?;
            (total.len() >= days).then(|| total.iter().map(|reading| reading.value).sum())
        })
        .collect()
}
