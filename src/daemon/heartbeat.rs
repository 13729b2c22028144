//! Tells somebody outside that the whole loop still turns: a dead daemon cannot say so itself.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use crate::model::Timestamp;
use crate::net::{Backoff, Request};

use super::World;

/// Time between two calls; the receiver should alarm after two of them are missing.
pub(super) const PERIOD: TimeDelta = TimeDelta::minutes(1);

/// A stage that has not ended well for this long is stalled. Both loops nap for at most 30 s.
const STALLED: TimeDelta = TimeDelta::seconds(90);

/// When each stage last ended well, in Unix seconds.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    pulls: AtomicI64,
    rounds: AtomicI64,
    letters: AtomicI64,
}

impl Pulse {
    /// Due jobs were started, and none of those before stands still.
    pub(super) fn pulls_run(&self, now: Timestamp) {
        self.pulls.store(now.timestamp(), Ordering::Relaxed);
    }

    /// Checks were judged, changes stored.
    pub(super) fn round_ended(&self, now: Timestamp) {
        self.rounds.store(now.timestamp(), Ordering::Relaxed);
    }

    /// The outbox was looked through.
    pub(super) fn letters_ended(&self, now: Timestamp) {
        self.letters.store(now.timestamp(), Ordering::Relaxed);
    }

    /// The first stage that stands still, if any.
    fn stalled(&self, now: Timestamp) -> Option<&'static str> {
        let stages = [
            ("pulling", &self.pulls),
            ("evaluation", &self.rounds),
            ("delivery", &self.letters),
        ];
        let limit = (now - STALLED).timestamp();
        stages
            .into_iter()
            .find(|(_, at)| at.load(Ordering::Relaxed) < limit)
            .map(|(stage, _)| stage)
    }
}

/// A job that runs for longer than this without an answer stands still: a source gives up before.
const STUCK: TimeDelta = TimeDelta::minutes(20);

/// When running jobs began, to notice one that stands still.
#[derive(Debug, Default)]
pub(super) struct Starts {
    began: BTreeMap<String, Timestamp>,
    answers: u64,
}

impl Starts {
    /// Whether every running job moves. `busy` holds a time for jobs that rest, `answers` counts
    /// what sources answered in all: a pull of many questions may take as long as it needs.
    pub(super) fn all_move(
        &mut self,
        busy: &BTreeMap<String, Option<Timestamp>>,
        answers: u64,
        now: Timestamp,
    ) -> bool {
        if answers != self.answers {
            self.answers = answers;
            self.began.clear();
        }
        self.began
            .retain(|job, _| matches!(busy.get(job), Some(None)));
        for (job, _) in busy.iter().filter(|(_, rest)| rest.is_none()) {
            self.began.entry(job.clone()).or_insert(now);
        }
        self.began.values().all(|at| now - *at < STUCK)
    }
}

/// Calls `[heartbeat] url` once a period while every stage works; keeps silent otherwise.
pub(super) async fn beat(
    pulse: Arc<Pulse>,
    worlds: watch::Receiver<Arc<World>>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let world = worlds.borrow().clone();
        let now = world.clock.now();
        let mut next = now + PERIOD;
        match pulse.stalled(now) {
            None => call(&world).await,
            // The first round may take a moment: looked at again soon.
            Some(stage) => {
                next = now + TimeDelta::seconds(5);
                tracing::debug!("no heartbeat: {stage} has not ended lately");
            }
        }
        tokio::select! {
            () = world.clock.sleep_until(next) => (),
            asked = stop.changed() => if asked.is_err() { return; },
        }
    }
}

async fn call(world: &World) {
    let Some(at) = &world.plan.heartbeat else {
        return;
    };
    let address = match world.secrets.read(at).await {
        Ok(address) => address,
        Err(why) => return tracing::warn!("no heartbeat: {why}"),
    };
    let Ok(url) = url::Url::parse(address.expose_secret()) else {
        return tracing::warn!("no heartbeat: [heartbeat] url is not an address");
    };
    match world.net.fetch(&Request::get(url), &Backoff::ONCE).await {
        Ok(reply) if reply.is_success() => (),
        Ok(reply) => tracing::warn!("the heartbeat was answered with status {}", reply.status),
        Err(why) => tracing::warn!("no heartbeat: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silent_when_any_stage_stands_still() {
        let begin: Timestamp = "2026-03-02T10:00:00Z".parse().expect("a time");
        let all = |pulse: &Pulse, now: Timestamp, but: &str| {
            if but != "pulling" {
                pulse.pulls_run(now);
            }
            if but != "evaluation" {
                pulse.round_ended(now);
            }
            if but != "delivery" {
                pulse.letters_ended(now);
            }
        };
        for stage in ["pulling", "evaluation", "delivery"] {
            let pulse = Pulse::default();
            all(&pulse, begin, stage);
            assert_eq!(pulse.stalled(begin), Some(stage), "not before it began");
            all(&pulse, begin, "");
            assert_eq!(pulse.stalled(begin), None);
            // Two calls are missing at the latest, whichever stage it is.
            let later = begin + PERIOD * 2;
            all(&pulse, later, stage);
            assert_eq!(pulse.stalled(later), Some(stage));
            all(&pulse, later, "");
            assert_eq!(pulse.stalled(later), None);
        }
    }

    #[test]
    fn a_long_pull_moves_as_long_as_it_is_answered() {
        let minute = |count: i64| Timestamp::UNIX_EPOCH + TimeDelta::minutes(count);
        let busy = BTreeMap::from([
            ("pull:crm".to_owned(), None),
            ("pull:web".to_owned(), Some(minute(5))),
        ]);
        let mut starts = Starts::default();
        assert!(starts.all_move(&busy, 0, minute(0)));
        assert!(starts.all_move(&busy, 0, minute(19)));
        assert!(
            starts.all_move(&busy, 1, minute(25)),
            "one question was answered"
        );
        assert!(starts.all_move(&busy, 1, minute(44)));
        assert!(!starts.all_move(&busy, 1, minute(45)), "and then none");
        assert!(starts.all_move(&BTreeMap::new(), 1, minute(60)), "it ended");
    }
}
