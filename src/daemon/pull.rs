//! One pull of one source: ask for what the checks need, keep what came back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::task::JoinSet;

use crate::model::{Grain, Name, Observation, Question, Timestamp, Window, setting};
use crate::source::{Ask, Cost, Means, Pulled, SourceError};
use crate::store::{Lease, Pull, StoreError};

use super::evidence::{self, Questions, StoredCounts};
use super::{LEASE, Step, Tap, World};

/// A pull that takes longer is given up.
const DEADLINE: Duration = Duration::from_mins(15);

/// The right to the job is renewed this often while a source is asked.
const RENEW: Duration = Duration::from_secs(7);

/// Readings that are held in memory at once, about: more are asked for in several asks, and kept
/// in several commits (docs/adr/006). Only first pulls of large plans and plans of thousands of
/// busy hours come near.
const PORTION: usize = 400_000;

/// Pulls `tap` for `slot`. Everything the source does wrong ends in the pull's record, never in an
/// error: an error here means that the store did not take it.
pub async fn pull(world: &World, tap: &Arc<Tap>, slot: Timestamp) -> Result<Step, StoreError> {
    pull_since(world, tap, slot, None).await
}

/// [`pull`] that reads everything again from `since` on, when it is given.
pub async fn pull_since(
    world: &World,
    tap: &Arc<Tap>,
    slot: Timestamp,
    since: Option<Timestamp>,
) -> Result<Step, StoreError> {
    let now = world.clock.now();
    let job = format!("pull:{}", tap.decl.decl.name);
    let Some(lease) = world.store.lease(&job, &world.holder, now, LEASE).await? else {
        return Ok(Step::Idle);
    };
    let began = world.clock.uptime();
    let asks = asks(world, tap, now, since).await?;
    let means = means(world);
    let mut record = empty(tap, slot, now);
    let mut seen: Vec<Observation> = Vec::new();
    let mut kept = 0;
    for ask in &asks {
        // What cost calls of its own is safe before the next calls are made.
        if seen.len() >= PORTION || (tap.source.by_question() && !seen.is_empty()) {
            record.rows += seen.len() as u64;
            let portion = std::mem::take(&mut seen);
            kept += world.store.keep(&lease, portion).await?;
        }
        record.window.from = record.window.from.min(ask.window.from);
        record.window.to = record.window.to.max(ask.window.to);
        match held(world, &lease, guarded(tap, ask, &means)).await? {
            Ok(pulled) => take(
                &mut record,
                &mut seen,
                pulled,
                ask,
                arrives(tap),
                &world.plan.project.id,
            ),
            Err(why) => {
                // What came before stays: each ask is whole by itself. One object may be closed
                // to us while others are open, so a refusal ends only asks that belong together.
                let refused = matches!(why, SourceError::Refused { .. });
                record.refused |= refused;
                record.failure.get_or_insert(why.to_string());
                if !(refused && tap.source.by_question()) {
                    break;
                }
            }
        }
        world.net.gauge.answered();
    }
    let took = world.clock.uptime().saturating_sub(began);
    record.took = TimeDelta::from_std(took).unwrap_or(TimeDelta::MAX);
    record.at = world.clock.now();
    record.rows += seen.len() as u64;
    if let Some((before, _)) = world.store.pull_of(&record.source).await? {
        compare_settings(&mut record, &before.settings, now);
    }
    kept += world.store.record(&lease, &record, seen).await?;
    report(world, tap, &record, kept, took);
    if record.failure.is_none()
        && let Ok(mut seeded) = world.seeded.lock()
    {
        seeded.extend(asks.into_iter().flat_map(|ask| ask.questions));
    }
    // The right to the job is given back, so that nobody waits for it to run out.
    world
        .store
        .lease(&job, &world.holder, world.clock.now(), TimeDelta::zero())
        .await?;
    Ok(Step::Worked)
}

/// Notes what changed, and carries on what was not read this time.
fn compare_settings(record: &mut Pull, before: &BTreeMap<String, String>, now: Timestamp) {
    record.drift = setting::drift(&record.source, before, &record.settings, now);
    for (key, value) in before {
        let known = record.settings.entry(key.clone());
        known.or_insert_with(|| value.clone());
    }
}

/// What a source may use, in this world.
pub fn means(world: &World) -> Means {
    Means {
        net: world.net.clone(),
        secrets: Arc::clone(&world.secrets),
        folder: world.folder.clone(),
        pushed: Arc::new(StoredCounts(Arc::clone(&world.store))),
    }
}

fn empty(tap: &Tap, slot: Timestamp, now: Timestamp) -> Pull {
    Pull {
        source: tap.decl.decl.name.clone(),
        slot,
        at: now,
        window: Window { from: now, to: now },
        rows: 0,
        failure: None,
        refused: false,
        took: TimeDelta::zero(),
        notes: Vec::new(),
        unanswerable: Vec::new(),
        zone: None,
        settings: BTreeMap::new(),
        drift: Vec::new(),
    }
}

fn take(
    record: &mut Pull,
    seen: &mut Vec<Observation>,
    mut pulled: Pulled,
    ask: &Ask,
    arrives: TimeDelta,
    project: &Name,
) {
    pulled.fill_zeros(ask, arrives);
    // What was said before with another number, such as the quota left, is out of date.
    let words = |note: &str| note.replace(|letter: char| letter.is_ascii_digit(), "");
    for note in pulled.notes.drain(..) {
        record.notes.retain(|known| words(known) != words(&note));
        record.notes.push(note);
    }
    record.unanswerable.extend(
        pulled
            .unanswerable
            .into_iter()
            .map(|(question, why)| (question.family(project), why)),
    );
    record.zone = record.zone.or(pulled.zone);
    record.settings.extend(pulled.settings);
    seen.append(&mut pulled.observations);
}

/// Waits for a call and keeps the right to the job meanwhile, however long it takes.
async fn held<T>(
    world: &World,
    lease: &Lease,
    call: impl Future<Output = T>,
) -> Result<T, StoreError> {
    let mut call = std::pin::pin!(call);
    loop {
        if let Ok(done) = tokio::time::timeout(RENEW, &mut call).await {
            return Ok(done);
        }
        let now = world.clock.now();
        let renewed = world.store.lease(&lease.job, &world.holder, now, LEASE);
        match renewed.await {
            Ok(Some(ours)) if ours == *lease => (),
            Ok(_) => {
                return Err(StoreError::Fenced {
                    job: lease.job.clone(),
                });
            }
            // A busy database is no reason to lose what the source is about to say.
            Err(why) => tracing::warn!(job = lease.job, "cannot renew a lease: {why}"),
        }
    }
}

/// Calls the source with a deadline; a panic in a connector is its failure, not ours. Who stops
/// waiting ends the call.
pub(super) async fn guarded(
    tap: &Arc<Tap>,
    ask: &Ask,
    means: &Means,
) -> Result<Pulled, SourceError> {
    let (tap, ask, means) = (Arc::clone(tap), ask.clone(), means.clone());
    let mut call = JoinSet::new();
    call.spawn(async move { tap.source.pull(&ask, &means).await });
    match tokio::time::timeout(DEADLINE, call.join_next()).await {
        Ok(Some(Ok(outcome))) => outcome,
        Ok(Some(Err(why))) => Err(SourceError::Odd {
            // A panic may quote what it stumbled over.
            why: crate::net::shown_start(format!("the connector failed: {why}").as_bytes()),
        }),
        Ok(None) => Err(SourceError::Odd {
            why: "the connector was never called".to_owned(),
        }),
        Err(_) => Err(SourceError::Wait {
            after: None,
            why: format!("no answer within {} s", DEADLINE.as_secs()),
        }),
    }
}

fn report(world: &World, tap: &Tap, record: &Pull, kept: u64, took: Duration) {
    let source = &tap.decl.decl.name;
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match &record.failure {
        None => {
            world.metrics.pulled(source.as_str(), "ok", took);
            let rows = record.rows;
            tracing::info!(source = %source, rows, kept, took_ms, "pulled {rows} rows from `{source}`");
        }
        Some(why) => {
            let result = if record.refused { "refused" } else { "failed" };
            world.metrics.pulled(source.as_str(), result, took);
            tracing::warn!(source = %source, took_ms, "cannot pull `{source}`: {why}");
        }
    }
}

/// What to ask: for each question that a check needs of this source the recent window that may
/// still change; the whole history for questions that were never answered. Asks with the same
/// window travel together.
async fn asks(
    world: &World,
    tap: &Tap,
    now: Timestamp,
    since: Option<Timestamp>,
) -> Result<Vec<Ask>, StoreError> {
    let calendar = &world.plan.project.calendar;
    let readers = world.readers.get(&tap.decl.decl.name);
    let mut needs = evidence::needs(readers.map_or(&[], Vec::as_slice), now, calendar);
    needs
        .busy
        .retain(|question, _| question.source == tap.decl.decl.name);
    let hourly = evidence::only_busy(world, needs.busy, now).await?;
    let wanted: Vec<(Question, Window)> = needs
        .always
        .into_iter()
        .chain(needs.filled)
        .chain(needs.changed)
        .chain(hourly)
        .chain(super::audit::wanted(world, now))
        .filter(|(question, _)| question.source == tap.decl.decl.name)
        .filter(|(question, _)| tap.source.refuses(question).is_none())
        .collect();
    let fresh = unseeded(world, &wanted).await?;
    let before = world.store.pull_of(&tap.decl.decl.name).await?;
    let last_success = before.and_then(|(_, success)| success);
    let settles = tap.decl.settles.unwrap_or_else(|| tap.source.settles());
    let recent = last_success.unwrap_or(now).min(now) - settles - TimeDelta::days(1);
    // Before the first success, a source that is asked question by question goes on where it was.
    let each = tap.source.by_question();
    let known = match last_success {
        None if each => newest(world, &wanted).await?,
        _ => BTreeMap::new(),
    };
    let mut groups: BTreeMap<(Timestamp, Timestamp), Vec<Question>> = BTreeMap::new();
    for (question, window) in wanted {
        let reached = known
            .get(&question)
            .map(|at| *at - settles - TimeDelta::days(1));
        let new = fresh.contains(&question) || (last_success.is_none() && reached.is_none());
        let from = if new {
            window.from
        } else {
            reached.unwrap_or(recent).min(recent).max(window.from)
        };
        let from = since.unwrap_or(from);
        // Whole days on both sides, so that questions of every grain share a request.
        let from = calendar.bucket(Grain::Day, from).start;
        let to = calendar.bucket(Grain::Day, now).end;
        groups.entry((from, to)).or_default().push(question);
    }
    let most = most_at_once(tap);
    let ask = |window: Window, questions: Vec<Question>| Ask {
        questions,
        window,
        calendar: calendar.clone(),
        now,
    };
    Ok(groups
        .into_iter()
        .flat_map(|((from, to), questions)| {
            let window = Window { from, to };
            portions(questions, window, most)
                .into_iter()
                .map(move |part| (window, part))
        })
        .map(|(window, questions)| ask(window, questions))
        .collect())
}

/// Where the newest known value of each question lies; questions without one are left out.
async fn newest(
    world: &World,
    wanted: &[(Question, Window)],
) -> Result<BTreeMap<Question, Timestamp>, StoreError> {
    let questions: Vec<Question> = wanted.iter().map(|(one, _)| one.clone()).collect();
    let found = world.store.reached(&questions).await?;
    let known = questions.into_iter().zip(found);
    Ok(known.filter_map(|(one, at)| Some((one, at?))).collect())
}

/// Values that are asked for at once: all that memory bears, or one question where each costs calls.
pub(super) fn most_at_once(tap: &Tap) -> usize {
    if tap.source.by_question() { 0 } else { PORTION }
}

/// Cuts questions into parts of at most `most` values; what concerns one event stays together,
/// unless each question is a part of its own (`most` is 0).
pub(super) fn portions(
    questions: Vec<Question>,
    window: Window,
    most: usize,
) -> Vec<Vec<Question>> {
    let buckets = |question: &Question| {
        let length = match question.grain {
            Grain::Hour => TimeDelta::hours(1),
            Grain::Day => TimeDelta::days(1),
            Grain::Week => TimeDelta::weeks(1),
        };
        let count = window.length().num_seconds() / length.num_seconds();
        let lines = if question.by.is_empty() {
            1
        } else {
            usize::from(question.top) + 1
        };
        usize::try_from(count).unwrap_or(0).saturating_mul(lines)
    };
    let mut parts: Vec<Vec<Question>> = Vec::new();
    let mut size = 0;
    for question in questions {
        let more = buckets(&question);
        let same_event = |part: &Vec<Question>| {
            part.last()
                .is_some_and(|last| last.subject == question.subject)
        };
        match parts.last_mut() {
            Some(part) if size + more <= most || (most > 0 && same_event(part)) => {
                part.push(question);
            }
            _ => {
                size = 0;
                parts.push(vec![question]);
            }
        }
        size += more;
    }
    parts
}

/// Questions that this process has not asked before and the store has no answer to.
async fn unseeded(world: &World, wanted: &[(Question, Window)]) -> Result<Questions, StoreError> {
    let unknown: Vec<Question> = {
        let Ok(seeded) = world.seeded.lock() else {
            return Ok(Questions::new());
        };
        wanted
            .iter()
            .map(|(question, _)| question)
            .filter(|q| !seeded.contains(*q))
            .cloned()
            .collect()
    };
    let seen = world.store.first_seen(&unknown).await?;
    Ok(unknown
        .into_iter()
        .zip(seen)
        .filter(|(_, seen)| seen.is_none())
        .map(|(q, _)| q)
        .collect())
}

/// When first values are usually visible, by the plan or by the kind.
pub(super) fn arrives(tap: &Tap) -> TimeDelta {
    tap.decl.arrives.unwrap_or_else(|| tap.source.arrives())
}

/// What a pull would ask now, without asking: each ask with its cost.
pub async fn forecast(
    world: &World,
    tap: &Tap,
    now: Timestamp,
    since: Option<Timestamp>,
) -> Result<Vec<(Ask, Cost)>, StoreError> {
    let asks = asks(world, tap, now, since).await?;
    let priced = asks.into_iter().map(|ask| {
        let cost = tap.source.cost(&ask);
        (ask, cost)
    });
    Ok(priced.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Mapping, Measure, Subject};

    #[test]
    fn portions_are_bounded_and_keep_the_questions_of_an_event_together() {
        let ask = |event: usize, grain: Grain| {
            let subject = Subject::Event(Name::clean(&format!("e{event:05}")));
            let web = Name::clean("web");
            Question::total(&web, subject, Mapping::default(), Measure::Count, grain)
        };
        let asked: Vec<Question> = (0..5_000)
            .flat_map(|event| [ask(event, Grain::Day), ask(event, Grain::Week)])
            .collect();
        let to: Timestamp = "2026-11-01T00:00:00Z".parse().unwrap_or_default();
        let days = |days: i64| Window {
            from: to - TimeDelta::days(days),
            to,
        };
        assert_eq!(
            portions(asked.clone(), days(4), PORTION).len(),
            1,
            "one commit"
        );
        let parts = portions(asked.clone(), days(400), PORTION);
        assert_eq!(parts.len(), 6, "457 buckets of 5,000 events");
        for (part, next) in parts.iter().zip(parts.iter().skip(1)) {
            let ends = (part.last(), next.first());
            assert_ne!(
                ends.0.map(|one| &one.subject),
                ends.1.map(|one| &one.subject)
            );
        }
        assert_eq!(parts.concat(), asked, "nothing is lost");
        assert_eq!(portions(asked, days(4), 0).len(), 10_000, "one by one");
    }
}
