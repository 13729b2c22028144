//! Days that nobody judged when they were new: before the first start, or while nothing ran.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};

use crate::check::Check;
use crate::model::{Evaluation, Grain, Name, Timestamp, Window};
use crate::store::StoreError;

use super::World;
use super::evaluate::{self, PORTION};
use super::evidence::{self, Surroundings};

/// Kinds that speak of the moment and not of a day.
const OF_THE_MOMENT: [&str; 4] = ["freshness", "history", "settings", "unplanned"];

/// Days after which every day is judged as final, whatever its sources declare.
const LATEST: i64 = 7;

/// What an evaluation is about.
type Subject = (Name, Option<Name>, Vec<(Name, String)>, Timestamp);

fn subject(one: &Evaluation) -> Subject {
    let segment = one.segment.iter();
    let segment = segment.map(|(key, value)| (key.clone(), value.clone()));
    let at = one.bucket.start;
    (one.check.clone(), one.source.clone(), segment.collect(), at)
}

/// The stored evaluations of a window, and beside them what the checks say today of those days of it
/// that were hardly judged in their time. Nothing is written: an alarm is no news after a week, but the
/// figures of a period are those of all its days.
pub(super) async fn evaluations(
    world: &Arc<World>,
    window: Window,
    now: Timestamp,
) -> Result<Vec<Evaluation>, StoreError> {
    let mut all = world.store.evaluations(window).await?;
    let of_a_day = |check: &&Arc<dyn Check>| !OF_THE_MOMENT.contains(&check.label().kind);
    let checks: Vec<Arc<dyn Check>> = world.checks.iter().filter(of_a_day).cloned().collect();
    let calendar = &world.plan.project.calendar;
    let days = calendar.buckets(Grain::Day, window);
    let lacking: BTreeSet<NaiveDate> = days
        .iter()
        .map(crate::model::Bucket::date)
        .filter(|day| judged(&all, *day) * 2 < checks.len())
        .collect();
    let Some((first, last)) = lacking.first().zip(lacking.last()) else {
        return Ok(all);
    };
    let mut known: BTreeSet<Subject> = all.iter().map(subject).collect();
    let last = calendar.day(*last).end + TimeDelta::days(LATEST);
    let mut then = calendar.day(*first).end;
    while then <= last.min(now) {
        for one in look_back(world, &checks, then, now).await? {
            let day = one.bucket.date();
            let wanted = lacking.contains(&day) && window.contains(one.bucket.start);
            // Each day is judged at several ages; the oldest that speaks of it stands.
            if wanted && known.insert(subject(&one)) {
                all.push(one);
            }
        }
        then += TimeDelta::days(1);
    }
    Ok(all)
}

/// How many checks judged a day.
fn judged(seen: &[Evaluation], day: NaiveDate) -> usize {
    let of_day = seen
        .iter()
        .filter(|one| one.bucket.grain == Grain::Day && one.bucket.date() == day)
        .filter(|one| one.outcome.finding().is_some());
    let checks: BTreeSet<&Name> = of_day.map(|one| &one.check).collect();
    checks.len()
}

/// What the checks say of the newest final day at a past time, with everything that is known now.
async fn look_back(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    then: Timestamp,
    now: Timestamp,
) -> Result<Vec<Evaluation>, StoreError> {
    let around = evidence::surroundings(world, then).await?;
    let mut around = Surroundings::clone(&around);
    around.known = now;
    for state in around.sources.values_mut() {
        state.last_success = Some(then);
        state.last_try = Some(then);
        state.failure = None;
    }
    let around = Arc::new(around);
    let mut seen = Vec::new();
    for some in checks.chunks(PORTION) {
        let gathered = Arc::new(evidence::gather(world, some, &around).await?);
        seen.extend(evaluate::judge(world, some, &gathered).await);
    }
    seen.retain(|one| one.outcome.finding().is_some());
    Ok(seen)
}
