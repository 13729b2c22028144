//! One round: gather, judge, keep the budget, move incidents, write letters, commit at once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use chrono::TimeDelta;

use crate::check::{self, Check};
use crate::incident::{self, Change, Turn};
use crate::model::{
    Bucket, Evaluation, Gap, Grain, Held, Name, Outcome, Segment, Strike, Timestamp, Window,
};
use crate::plan::Plan;
use crate::store::{Round, StoreError};

use super::evidence::{Gathered, gather, surroundings};
use super::follow_up::FollowUp;
use super::{LEASE, Step, World, letters};

/// What a look at the checks found, before anything is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Every evaluation after the budget.
    pub seen: Vec<Evaluation>,
    /// What the budget allowed after what people called noise.
    pub allowed: check::Allowed,
}

/// Checks that are judged in one go: their evidence is in memory together.
pub(super) const PORTION: usize = 200;

/// Incidents resolved longer ago than this stay resolved (decision 6).
pub const REOPEN: TimeDelta = TimeDelta::days(7);

/// The job of rounds.
const JOB: &str = "evaluate";

/// Whether a round was ever kept. Before the first, a store holds counts at most, and no judgement.
pub async fn has_judged(world: &World) -> Result<bool, StoreError> {
    Ok(world.store.last_slots().await?.contains_key(JOB))
}

/// Evaluates every check, writes what changed, and says so. A round whose incidents changed under
/// it is dropped; the next one sees the new facts.
pub async fn evaluate(world: &Arc<World>, now: Timestamp) -> Result<Step, StoreError> {
    let Some(lease) = world.store.lease(JOB, &world.holder, now, LEASE).await? else {
        return Ok(Step::Idle);
    };
    let began = world.clock.uptime();
    let around = surroundings(world, now).await?;
    let mut seen = Vec::new();
    let mut more = FollowUp::default();
    let mut averages = BTreeMap::new();
    for checks in world.checks.chunks(PORTION) {
        let gathered = Arc::new(gather(world, checks, &around).await?);
        let evidence = gathered.evidence(&world.plan.project.calendar);
        averages.append(&mut check::averages(&world.plan, &evidence));
        let first = judge(world, checks, &gathered).await;
        more.note(world, checks, &gathered, &first);
        seen.extend(first);
    }
    let seen = more.answer(world, &around, seen).await?;
    let looked = budgeted(world, seen, now).await?;
    let open = world.store.incidents(now - REOPEN).await?;
    let plan = with_averages(&world.plan, &averages);
    let mut changes = incident::round(&open, &looked.seen, &around.marks, &plan, now);
    number(world, &lease, &mut changes).await?;
    let after = letters::after(open, &changes);
    let written = letters::write(world, &after, now).await?;
    let round = Round {
        slot: now,
        now,
        seen: &looked.seen,
        changes: &changes,
        letters: &written.letters,
        told: &written.told,
        marks: &[],
    };
    match world.store.commit(&lease, &round).await {
        Ok(()) => {}
        Err(why @ (StoreError::Stale(_) | StoreError::Fenced { .. })) => {
            world.metrics.rounds_dropped.inc();
            tracing::info!("this round is dropped: {why}");
            return Ok(Step::Idle);
        }
        Err(why) => return Err(why),
    }
    world.letters_wait.notify_one();
    let took = world.clock.uptime().saturating_sub(began);
    world.metrics.rounds.inc();
    world.metrics.round_seconds.observe(took.as_secs_f64());
    world.metrics.last_round.set(now.timestamp());
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (checks, turns) = (
        looked.seen.len(),
        changes.iter().filter(|c| c.turn.is_some()).count(),
    );
    tracing::info!(
        took_ms,
        checks,
        turns,
        "judged {checks} results, {turns} turns of incidents"
    );
    Ok(Step::Worked)
}

/// Evaluates every check as of `at` from stored readings alone, writing nothing: the command
/// `check`, the look back, and rehearsal.
pub async fn look(world: &Arc<World>, at: Timestamp) -> Result<Looked, StoreError> {
    let around = surroundings(world, at).await?;
    let mut seen = Vec::new();
    for checks in world.checks.chunks(PORTION) {
        let gathered = Arc::new(gather(world, checks, &around).await?);
        seen.extend(judge(world, checks, &gathered).await);
    }
    budgeted(world, seen, at).await
}

/// The plan with what events are worth on average; the plan itself where nothing is learnt.
fn with_averages(plan: &Arc<Plan>, averages: &BTreeMap<Name, f64>) -> Arc<Plan> {
    if averages.is_empty() {
        return Arc::clone(plan);
    }
    Arc::new(Plan::clone(plan).with_averages(averages))
}

/// Keeps the promise of the whole plan; alarms that people called noise were spent from it.
async fn budgeted(
    world: &World,
    seen: Vec<Evaluation>,
    now: Timestamp,
) -> Result<Looked, StoreError> {
    let promise = check::Promise {
        per_week: world.plan.project.budget,
    };
    let memory = Window {
        from: now - check::Promise::memory(),
        to: now,
    };
    let incidents = world.store.incidents_in(memory).await?;
    let noise: Vec<Timestamp> = incidents
        .iter()
        .filter(|one| one.label == Some(incident::Label::Noise) && one.merged_into.is_none())
        .filter_map(|one| one.opened_at)
        .collect();
    let allowed = promise.after(&noise, now);
    let seen = check::budget(seen, &allowed.promise);
    Ok(Looked { seen, allowed })
}

/// Runs the pure part away from the tasks that serve the network.
pub(super) async fn judge(
    world: &Arc<World>,
    checks: &[Arc<dyn Check>],
    gathered: &Arc<Gathered>,
) -> Vec<Evaluation> {
    let (plan, checks, gathered) = (
        Arc::clone(&world.plan),
        checks.to_vec(),
        Arc::clone(gathered),
    );
    let work = move || evaluate_all(&checks, &gathered.evidence(&plan.project.calendar));
    match tokio::task::spawn_blocking(work).await {
        Ok(seen) => seen,
        Err(why) => {
            tracing::error!("a round could not be judged: {why}");
            Vec::new()
        }
    }
}

fn evaluate_all(checks: &[Arc<dyn Check>], evidence: &check::Evidence<'_>) -> Vec<Evaluation> {
    let workers = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8);
    let share = checks.len().div_ceil(workers).max(1);
    std::thread::scope(|scope| {
        let tasks: Vec<_> = checks
            .chunks(share)
            .map(|part| {
                scope.spawn(move || {
                    part.iter()
                        .flat_map(|check| one(&**check, evidence))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        tasks
            .into_iter()
            .flat_map(|task| task.join().unwrap_or_default())
            .collect()
    })
}

/// One check; a panic in it becomes *not judged (broken)* and disturbs no other.
fn one(check: &dyn Check, evidence: &check::Evidence<'_>) -> Vec<Evaluation> {
    let outcome = catch_unwind(AssertUnwindSafe(|| check.evaluate(evidence)));
    outcome.unwrap_or_else(|cause| {
        let why = cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "it stopped without a word".to_owned());
        let why = crate::net::shown_start(why.as_bytes());
        vec![broken(
            check.label(),
            why,
            evidence.calendar.bucket(Grain::Day, evidence.now),
            evidence.now,
        )]
    })
}

fn broken(label: &check::Label, why: String, bucket: Bucket, now: Timestamp) -> Evaluation {
    Evaluation {
        check: label.name.clone(),
        kind: Name::clean(label.kind),
        event: label.event.clone(),
        source: label.source.clone(),
        segment: Segment::new(),
        owner: label.owner.clone(),
        primary: label.primary,
        witness: false,
        bucket,
        outcome: Outcome::NoData(Gap::Broken { why }),
        strike: Strike {
            data_seen_at: now,
            extreme: false,
        },
        held: Held::No,
    }
}

/// Gives numbers to incidents that people will hear of for the first time.
async fn number(
    world: &World,
    lease: &crate::store::Lease,
    changes: &mut [Change],
) -> Result<(), StoreError> {
    let nameless = |change: &Change| {
        change.after.number.is_none()
            && matches!(
                change.turn,
                Some(Turn::Opened | Turn::Reopened | Turn::Resolved)
            )
    };
    let count = changes.iter().filter(|change| nameless(change)).count();
    if count == 0 {
        return Ok(());
    }
    let mut next = world
        .store
        .numbers(lease, u32::try_from(count).unwrap_or(u32::MAX))
        .await?;
    for change in changes.iter_mut().filter(|change| nameless(change)) {
        change.after.number = Some(next);
        next = next.saturating_add(1);
    }
    Ok(())
}
