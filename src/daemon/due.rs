//! What is due now, and when to wake. Pure.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::model::{Schedule, Timestamp};

/// Something that runs on a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Stable name, such as `pull:ga4` or `report:weekly`.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// A stable shift so that many jobs of one schedule do not start together.
    pub jitter: TimeDelta,
    /// A slot older than this is given up; `None` never.
    pub deadline: Option<TimeDelta>,
}

impl Job {
    /// Whether the very first start runs it at once. A pull does; a report waits for its day.
    pub fn runs_at_first_start(&self) -> bool {
        self.name.starts_with("pull:")
    }
}

/// A job with the slot it should run for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Index into the jobs that were asked about.
    pub job: usize,
    /// The newest slot that has passed. Earlier missed slots are not run: the data window of a pull
    /// reaches back over them, and one late evaluation is enough.
    pub slot: Timestamp,
    /// The job has never run and does not run at the first start: only remember the slot, so that
    /// a later start knows from when on it counts.
    pub only_remember: bool,
}

/// Slots that lie further back than this are skipped over without being listed.
const LONGEST_LOOK_BACK: TimeDelta = TimeDelta::days(40);

/// Jobs that are due at `now`, in order, and the earliest time at which another will be.
/// `last` holds the newest finished slot of each job; a job without one is due at once.
pub fn due(
    jobs: &[Job],
    last: &BTreeMap<String, Timestamp>,
    now: Timestamp,
) -> (Vec<Due>, Option<Timestamp>) {
    let mut found = Vec::new();
    let mut wake: Option<Timestamp> = None;
    for (index, job) in jobs.iter().enumerate() {
        let next = match last.get(&job.name) {
            None => {
                let only_remember = !job.runs_at_first_start();
                found.push(Due {
                    job: index,
                    slot: whole_second(now),
                    only_remember,
                });
                job.schedule.next(now)
            }
            Some(&done) => {
                let (slot, next) = newest_passed(job, done, now);
                let in_time = |slot: &Timestamp| {
                    job.deadline
                        .is_none_or(|deadline| now - *slot - job.jitter <= deadline)
                };
                let due = |slot| Due {
                    job: index,
                    slot,
                    only_remember: false,
                };
                found.extend(slot.filter(in_time).map(due));
                next
            }
        };
        if let Some(next) = next {
            let at = next + job.jitter;
            wake = Some(wake.map_or(at, |earliest| earliest.min(at)));
        }
    }
    (found, wake)
}

/// The newest slot after `done` that has passed, and the first that has not.
fn newest_passed(
    job: &Job,
    done: Timestamp,
    now: Timestamp,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let mut newest = None;
    let mut from = done;
    if now - done > LONGEST_LOOK_BACK {
        // After a long absence only the newest slot matters; rare schedules keep the long way.
        let near = job.schedule.next(now - LONGEST_LOOK_BACK);
        if near.is_some_and(|slot| slot + job.jitter <= now) {
            from = now - LONGEST_LOOK_BACK;
        }
    }
    while let Some(slot) = job.schedule.next(from) {
        if slot + job.jitter > now {
            return (newest, Some(slot));
        }
        newest = Some(slot);
        from = slot;
    }
    (newest, None)
}

pub(super) fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_timestamp(at.timestamp(), 0).unwrap_or(at)
}
