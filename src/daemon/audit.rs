//! Collects the facts of a week and makes the audit of them.

use std::sync::Arc;

use chrono::{Datelike as _, Duration, TimeDelta};

use crate::model::{Calendar, Grain, Measure, Name, Question, Subject, Timestamp, Window};
use crate::report::{self, Facts, PullFact, Report};
use crate::store::StoreError;

use super::World;

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

/// Reads what the store knows of a week and of the one before.
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
        first_seen: names.into_iter().zip(seen).collect(),
    };
    Ok(Audit {
        report: report::weekly(&world.plan, &facts, week),
    })
}
