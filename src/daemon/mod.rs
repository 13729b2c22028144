//! The loop: what is due, do it, tell people, sleep.
//!
//! Each step is one function of the world and a time, and says whether it found work, so that a
//! test can run one step, or a month of them, without waiting.

mod act;
mod announce;
mod audit;
mod distress;
mod due;
mod evaluate;
mod evidence;
mod follow_up;
mod former;
mod heartbeat;
mod hindsight;
mod hurry;
mod letters;
mod pull;
mod rehearse;
mod reload;
mod renew;
mod report_job;
mod sight;
mod summed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::check::Check;
use crate::clock::Clock;
use crate::deliver::outbox::Outbox;
use crate::deliver::{self, Channel};
use crate::model::{Name, Question, Timestamp};
use crate::net::Net;
use crate::plan::{Plan, SourceDecl};
use crate::secret::Secrets;
use crate::source::Source;
use crate::store::{Memory, StoreError};
use crate::telemetry::Metrics;

use heartbeat::{Pulse, Starts};
use hurry::Hurried;

pub use act::act;
pub use audit::{Audit, Stretch, collect};
pub use due::{Due, Job, due};
pub use evaluate::{Looked, REOPEN, evaluate, has_judged, look};
pub use evidence::{chart, readers};
pub use letters::{Written, send_sample, write};
pub use pull::{forecast, means, pull, pull_since};
pub use rehearse::{Rehearsal, Tried, rehearse};
pub use reload::{Builder, Rebuilt, Watcher};
pub use renew::{Renewed, renew};
pub use report_job::{report_channel, send_now as send_report_now};
pub use sight::{Outlook, baselines, outlooks};

/// A source with its place in the plan.
pub struct Tap {
    /// Its table.
    pub decl: SourceDecl,
    /// The connector.
    pub source: Box<dyn Source>,
}

/// Everything the loop works with. Built by `app`; swapped whole at a reload.
pub struct World {
    /// What was configured.
    pub plan: Arc<Plan>,
    /// Sources by name.
    pub taps: BTreeMap<Name, Arc<Tap>>,
    /// Every check of the plan.
    pub checks: Vec<Arc<dyn Check>>,
    /// The same by the sources they read, so that a pull looks at its own and not at thousands.
    pub readers: BTreeMap<Name, Vec<Arc<dyn Check>>>,
    /// Channels by key: `route/index/kind`.
    pub channels: BTreeMap<Name, Arc<dyn Channel>>,
    /// Jobs with a schedule: pulls, reports, maintenance.
    pub jobs: Vec<Job>,
    /// What is remembered.
    pub store: Arc<dyn Memory>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The door to other hosts.
    pub net: Net,
    /// Secret texts.
    pub secrets: Arc<dyn Secrets>,
    /// Relative files are sought here.
    pub folder: PathBuf,
    /// Where reports are kept as files; none when `None`.
    pub archive: Option<PathBuf>,
    /// Our own numbers.
    pub metrics: Arc<Metrics>,
    /// Who we are, for leases and claims.
    pub holder: String,
    /// Questions whose long history was already asked for by this process.
    pub seeded: Mutex<BTreeSet<Question>>,
    /// Wakes the outbox worker after a commit.
    pub letters_wait: Arc<Notify>,
    /// Wakes the loop: a pull ended, counts were pushed, somebody acted.
    pub stir: Arc<Notify>,
}

/// Whether a step found work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It did something.
    Worked,
    /// There was nothing to do.
    Idle,
}

/// How long a lease lasts without renewal: a crashed process is replaced after this time.
const LEASE: TimeDelta = TimeDelta::seconds(20);

/// A job that somebody else holds is looked at again after this time.
const ELSEWHERE: TimeDelta = TimeDelta::seconds(5);

/// The loop looks around at least this often.
const LONGEST_NAP: TimeDelta = TimeDelta::seconds(30);

/// Checks are looked at again at least this often, even when no pull brought anything.
const LONGEST_UNJUDGED: TimeDelta = TimeDelta::minutes(15);

/// After a failed database write the loop waits this long.
const STORE_PAUSE: TimeDelta = TimeDelta::seconds(2);

/// Time that running pulls get to end after a stop was asked for.
const STOP_GRACE: std::time::Duration = std::time::Duration::from_secs(4);

/// Runs until `stop` turns true. `worlds` brings a new world after each reload.
pub async fn run(mut worlds: watch::Receiver<Arc<World>>, mut stop: watch::Receiver<bool>) {
    let mut running: JoinSet<(String, Step)> = JoinSet::new();
    let mut busy: BTreeMap<String, Option<Timestamp>> = BTreeMap::new();
    let mut starts = Starts::default();
    let mut judged_at: Option<Timestamp> = None;
    let mut dirty = true;
    let mut renewed = Renewed::new();
    let mut hurried = Hurried::default();
    let pulse = Arc::new(Pulse::default());
    let sender = tokio::spawn(send_letters(
        worlds.clone(),
        stop.clone(),
        Arc::clone(&pulse),
    ));
    let beat = heartbeat::beat(Arc::clone(&pulse), worlds.clone(), stop.clone());
    let beside = [
        tokio::spawn(beat),
        tokio::spawn(distress::watch(worlds.clone(), stop.clone())),
    ];
    while !*stop.borrow() {
        let world = worlds.borrow_and_update().clone();
        let now = world.clock.now();
        let mut wake = now + LONGEST_NAP;
        hurried.notice(&world.plan);
        match round(&world, &mut running, &mut busy, &mut hurried, now).await {
            Ok(next) => {
                wake = next.map_or(wake, |at| at.min(wake));
                if starts.all_move(&busy, world.net.gauge.answers(), now) {
                    pulse.pulls_run(now);
                }
            }
            Err(why) => wake = complain(&why, now),
        }
        let overdue = judged_at.is_none_or(|at| now - at >= LONGEST_UNJUDGED || now < at);
        let outcome = if dirty || overdue {
            judged_at = Some(now);
            dirty = false;
            evaluate(&world, now).await
        } else {
            announce::announce(&world, now).await
        };
        match outcome {
            Ok(_) => pulse.round_ended(now),
            Err(why) => {
                dirty = true;
                wake = complain(&why, now);
            }
        }
        if let Err(why) = renew(&world, &mut renewed, now).await {
            tracing::warn!("{why}; what lasts is posted again later");
        }
        tokio::select! {
            () = world.clock.sleep_until(wake) => (),
            () = world.stir.notified() => dirty = true,
            Some(ended) = running.join_next() => {
                dirty |= forget(&mut busy, ended, &world);
                // Thousands of sources may answer in the same moment: one look around is enough.
                while let Some(ended) = running.try_join_next() {
                    dirty |= forget(&mut busy, ended, &world);
                }
            }
            Ok(()) = worlds.changed() => dirty = true,
            asked = stop.changed() => if asked.is_err() { break; },
        }
    }
    let_end(&mut running).await;
    if sender.await.is_err() {
        tracing::error!("the outbox worker ended badly");
    }
    // Calls in flight of these are not worth waiting for.
    beside.iter().for_each(tokio::task::JoinHandle::abort);
}

/// Gives running pulls the time that a stop leaves them.
async fn let_end(running: &mut JoinSet<(String, Step)>) {
    let ends = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_GRACE, ends).await.is_err() {
        tracing::warn!("some pulls were cut off by the stop; they are due again at the next start");
    }
}

fn complain(why: &StoreError, now: Timestamp) -> Timestamp {
    tracing::error!("{why}; trying again soon");
    now + STORE_PAUSE
}

/// Takes note of a job that ended; whether it brought anything.
fn forget(
    busy: &mut BTreeMap<String, Option<Timestamp>>,
    ended: Result<(String, Step), tokio::task::JoinError>,
    world: &World,
) -> bool {
    match ended {
        Ok((job, Step::Worked)) => {
            busy.remove(&job);
            true
        }
        Ok((job, Step::Idle)) => {
            // Somebody else holds it, or it could not finish: not again at once.
            busy.insert(job, Some(world.clock.now() + ELSEWHERE));
            false
        }
        Err(why) => {
            // Cut off with the whole loop: a panic inside a job ends only that job (`one`).
            tracing::error!("a job ended badly: {why}");
            true
        }
    }
}

/// Starts what is due; returns when to look again.
async fn round(
    world: &Arc<World>,
    running: &mut JoinSet<(String, Step)>,
    busy: &mut BTreeMap<String, Option<Timestamp>>,
    hurried: &mut Hurried,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let last = world.store.last_slots().await?;
    let (mut due, wake) = due(&world.jobs, &last, now);
    hurried.add_to(&mut due, &world.jobs, now);
    for Due {
        job,
        slot,
        only_remember,
    } in due
    {
        let name = world.jobs[job].name.clone();
        match busy.get(&name) {
            Some(None) => {
                let skipped = hurried.skips(&world.jobs[job], now);
                world.metrics.overlaps.inc_by(skipped);
                continue;
            }
            Some(Some(rest)) if *rest > now => continue,
            Some(Some(_)) | None => {}
        }
        busy.insert(name.clone(), None);
        hurried.begun(&name, slot);
        let world = Arc::clone(world);
        running.spawn(async move {
            let step = one(&world, &name, slot, only_remember).await;
            (name, step)
        });
    }
    let rests = busy.values().flatten().min().copied();
    Ok(wake.into_iter().chain(rests).filter(|at| *at > now).min())
}

/// Runs one job to its end, whatever that is. A panic in it frees this job, and no other that runs.
async fn one(world: &Arc<World>, name: &str, slot: Timestamp, only_remember: bool) -> Step {
    let (own, job) = (Arc::clone(world), name.to_owned());
    let mut task = JoinSet::new();
    task.spawn(async move {
        if only_remember {
            report_job::remember(&own, &job, slot).await
        } else {
            start(&own, &job, slot).await
        }
    });
    let why = match task.join_next().await {
        Some(Ok(Ok(step))) => return step,
        Some(Ok(Err(why))) => why.to_string(),
        Some(Err(why)) => why.to_string(),
        None => "it never began".to_owned(),
    };
    tracing::error!(job = name, "{name} could not finish: {why}");
    Step::Idle
}

/// Runs one job by its name.
async fn start(world: &Arc<World>, name: &str, slot: Timestamp) -> Result<Step, StoreError> {
    match name.split_once(':') {
        Some(("pull", source)) => match world.taps.get(source) {
            Some(tap) => pull(world, tap, slot).await,
            None => Ok(Step::Idle),
        },
        Some(("report", report)) => report_job::send(world, report, slot).await,
        _ => report_job::maintain(world, name, slot).await,
    }
}

/// Empties the outbox until a stop is asked for; letters in flight are settled first.
async fn send_letters(
    worlds: watch::Receiver<Arc<World>>,
    mut stop: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
) {
    let mut outbox = Outbox::default();
    while !*stop.borrow() {
        let world = worlds.borrow().clone();
        let now = world.clock.now();
        let wake = match turn(&world, &mut outbox).await {
            Ok(wake) => {
                pulse.letters_ended(world.clock.now());
                wake.unwrap_or(now + LONGEST_NAP).min(now + LONGEST_NAP)
            }
            Err(why) => complain(&why, now),
        };
        let clock = Arc::clone(&world.clock);
        tokio::select! {
            () = outbox.answered(&world.store, || clock.now()), if outbox.is_busy() => (),
            () = world.clock.sleep_until(wake.max(now + TimeDelta::milliseconds(20))) => (),
            () = world.letters_wait.notified() => (),
            asked = stop.changed() => if asked.is_err() { break; },
        }
    }
    let world = worlds.borrow().clone();
    if let Err(why) = drain(&world, &mut outbox).await {
        tracing::error!("{why}; letters in flight are sent again at the next start");
    }
}

/// Settles, sends what may be sent now, and says when to look again.
async fn turn(world: &Arc<World>, outbox: &mut Outbox) -> Result<Option<Timestamp>, StoreError> {
    let means = letters_means(world);
    while letters::deliver(world, &means, outbox).await? == Step::Worked {}
    let next = world.store.next_letter().await?;
    Ok(outbox.wake(next, &world.channels, world.clock.now()))
}

/// Waits for every letter in flight and settles it.
async fn drain(world: &Arc<World>, outbox: &mut Outbox) -> Result<(), StoreError> {
    let means = letters_means(world);
    // First what was answered in the moment of the stop.
    letters::settle(world, &means, outbox).await?;
    while outbox.is_busy() {
        outbox.answered(&world.store, || world.clock.now()).await;
        letters::settle(world, &means, outbox).await?;
    }
    Ok(())
}

fn letters_means(world: &World) -> deliver::Means {
    deliver::Means {
        net: world.net.clone(),
        secrets: Arc::clone(&world.secrets),
    }
}

/// One turn of everything at `now`, without waiting: due jobs one after another, a round, the
/// outbox until it is empty. The demo and the tests live through weeks by it.
pub async fn tick(world: &Arc<World>, now: Timestamp) -> Result<(), StoreError> {
    let last = world.store.last_slots().await?;
    for Due {
        job,
        slot,
        only_remember,
    } in due(&world.jobs, &last, now).0
    {
        let name = world.jobs[job].name.clone();
        if only_remember {
            report_job::remember(world, &name, slot).await?;
        } else {
            start(world, &name, slot).await?;
        }
    }
    evaluate(world, now).await?;
    deliver_now(world).await
}

/// Sends every letter that is due, and returns when none is. A daemon that runs beside is not
/// disturbed: a letter is held by whoever took it first.
pub async fn deliver_now(world: &Arc<World>) -> Result<(), StoreError> {
    let mut outbox = Outbox::default();
    deliver_with(world, &mut outbox).await
}

/// The same with a worker that remembers its receivers from one turn to the next.
pub async fn deliver_with(world: &Arc<World>, outbox: &mut Outbox) -> Result<(), StoreError> {
    let means = letters_means(world);
    loop {
        let step = letters::deliver(world, &means, outbox).await?;
        if outbox.is_busy() {
            outbox.answered(&world.store, || world.clock.now()).await;
        } else if step == Step::Idle {
            return Ok(());
        }
    }
}
